"""The text of a body: which charset it is in, and the text itself.

In this order, as browsers decide: a byte order mark, the header's charset, what the document says of itself (`<meta
charset>`, the XML declaration), UTF-8 when the bytes are, and only then a guess.

Source: WHATWG HTML section 13.2.3.2 (encoding sniffing), RFC 9110 section 8.3.2.
"""

import codecs
import re

_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
         (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_META = re.compile(rb"<meta[^>]{0,512}?charset\s{0,16}=\s{0,16}[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_XML = re.compile(rb"\A\s{0,64}<\?xml[^>]{0,256}?encoding\s{0,16}=\s{0,16}[\"']([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_NO_CHARSETS = {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "unicode_escape", "raw_unicode_escape",
                "undefined", "mbcs", "oem"}
"""Codecs of Python that no document is written in."""
_PRESCAN = 1024
"""Bytes in which a document may say its own charset (WHATWG)."""
_SAMPLE = 16 << 10
"""Bytes that a guess looks at."""
_ALIASES = {"utf8": "utf-8", "iso-8859-1": "cp1252", "latin1": "cp1252", "ascii": "cp1252", "us-ascii": "cp1252",
            "x-sjis": "cp932", "shift_jis": "cp932", "gb2312": "gb18030", "gbk": "gb18030", "ks_c_5601-1987": "cp949",
            "euc-kr": "cp949", "x-gbk": "gb18030", "windows-31j": "cp932", "x-mac-cyrillic": "mac_cyrillic"}
"""What browsers read behind names that are written on something else (WHATWG Encoding section 4.2)."""


def decode_text(data: bytes, declared: str = "", document: bool = True) -> tuple[str, str]:
    """(text, charset) of a body; every byte gives something, so nothing is lost from sight.

    declared  the charset parameter of Content-Type, empty when there is none
    document  look for what HTML or XML says of itself
    """
    for mark, name in _BOMS:
        if data.startswith(mark):
            return data.decode(name, "replace"), name.removesuffix("-sig")
    for name in (declared, _says_itself(data) if document else ""):
        codec = find(name)
        if codec:
            return data.decode(codec, "replace"), _shown(name, codec)
    codec = guess(data)
    return data.decode(codec, "replace"), codec


def find(name: str) -> str:
    """Python's name of a text charset, empty when it is unknown."""
    clean = name.strip(" \t\"'").lower()
    clean = _ALIASES.get(clean, clean)
    try:
        info = codecs.lookup(clean)
        if info.name in _NO_CHARSETS or not getattr(info, "_is_text_encoding", True):
            return ""
    except (LookupError, UnicodeError, ValueError):
        return ""
    return info.name


def _shown(name: str, codec: str) -> str:
    return name.strip(" \t\"'").lower() or codec


def _says_itself(data: bytes) -> str:
    head = data[:_PRESCAN]
    match = _XML.search(head) or _META.search(head)
    name = match[1].decode("ascii") if match else ""
    # A document that could be read this far is not in UTF-16, whatever it says
    return "utf-8" if name.lower().startswith("utf-16") else name


def guess(data: bytes) -> str:
    """The charset of bytes that nobody declared: UTF-8 when they are, else what they look like."""
    try:
        data.decode("utf-8")
        return "utf-8"
    except UnicodeDecodeError as error:
        if error.start >= len(data) - 3 and error.reason == "unexpected end of data":
            return "utf-8"  # cut in the middle of a character
    return (_guess_short(data) if len(data) < _SHORT else "") or _guess_long(data)


_SHORT = 256
"""Statistics need more bytes than this."""
_RUNS = re.compile(rb"[\x80-\xff]+")


def _guess_short(data: bytes) -> str:
    """Western where high bytes stand alone between letters, Cyrillic where they make words; empty when neither."""
    runs: list[bytes] = _RUNS.findall(data)
    if all(len(run) == 1 for run in runs) and len(runs) * 2 < sum(chr(byte).isalpha() for byte in data if byte < 0x80):
        return "cp1252"
    letters = b"".join(runs)
    if len(letters) >= 3 * len(runs) and not letters.translate(None, _CYRILLIC):
        small = sum(byte >= 0xE0 for byte in letters)  # cp1251 has its small letters where KOI8-R has its capitals
        return "cp1251" if small * 2 >= len(letters) else "koi8-r"
    return ""


_CYRILLIC = bytes(range(0xC0, 0x100)) + b"\xa3\xa8\xb3\xb8"


_CANDIDATES = ["cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "koi8_r", "koi8_u", "cp866",
               "gb18030", "big5", "cp932", "euc_jp", "cp949", "iso8859_2", "iso8859_5", "mac_cyrillic"]
"""Charsets that the web was written in before UTF-8."""


def _guess_long(data: bytes) -> str:
    """What charset-normalizer thinks of a sample; Windows-1252 when it has no opinion."""
    from charset_normalizer import from_bytes  # slow to import: only for bytes that nobody declared

    best = from_bytes(data[:_SAMPLE], cp_isolation=_CANDIDATES).best()
    return (find(best.encoding) if best is not None else "") or "cp1252"
