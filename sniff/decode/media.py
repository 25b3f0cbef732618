"""What a body is: its media type by header and by content, and what follows from it (names, pretty text).

Source: WHATWG MIME Sniffing, sections 4 (matching) and 6 (tables); RFC 6838 (`+json`, `+xml`).
"""

import json
import re
import unicodedata
from typing import NamedTuple


class Magic(NamedTuple):
    """One row of the table: bytes at a place, and the media type they mean."""

    offset: int
    pattern: bytes
    media_type: str


_TABLE = [Magic(*row) for row in (
    (0, b'GIF87a', 'image/gif'),
    (0, b'GIF89a', 'image/gif'),
    (0, b'\x89PNG\r\n\x1a\n', 'image/png'),
    (0, b'\xff\xd8\xff', 'image/jpeg'),
    (0, b'BM', 'image/bmp'),
    (0, b'\x00\x00\x01\x00', 'image/x-icon'),
    (0, b'II*\x00', 'image/tiff'),
    (0, b'MM\x00*', 'image/tiff'),
    (8, b'WEBP', 'image/webp'),
    (4, b'ftypavif', 'image/avif'),
    (0, b'%PDF-', 'application/pdf'),
    (0, b'%!PS-Adobe-', 'application/postscript'),
    (0, b'{\\rtf', 'application/rtf'),
    (0, b'PK\x03\x04', 'application/zip'),
    (0, b'PK\x05\x06', 'application/zip'),
    (0, b'\x1f\x8b\x08', 'application/gzip'),
    (0, b'BZh', 'application/x-bzip2'),
    (0, b'\xfd7zXZ\x00', 'application/x-xz'),
    (0, b"7z\xbc\xaf'\x1c", 'application/x-7z-compressed'),
    (0, b'Rar!\x1a\x07', 'application/vnd.rar'),
    (0, b'(\xb5/\xfd', 'application/zstd'),
    (0, b'MSCF', 'application/vnd.ms-cab-compressed'),
    (257, b'ustar', 'application/x-tar'),
    (0, b'MZ', 'application/x-dosexec'),
    (0, b'\x7fELF', 'application/x-executable'),
    (0, b'\xca\xfe\xba\xbe', 'application/java-archive'),
    (0, b'\xcf\xfa\xed\xfe', 'application/x-mach-binary'),
    (0, b'dex\n', 'application/x-dex'),
    (0, b'\x00asm', 'application/wasm'),
    (0, b'FWS', 'application/x-shockwave-flash'),
    (0, b'CWS', 'application/x-shockwave-flash'),
    (0, b'ZWS', 'application/x-shockwave-flash'),
    (0, b'\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', 'application/x-ole-storage'),
    (0, b'SQLite format 3\x00', 'application/vnd.sqlite3'),
    (0, b'OggS', 'application/ogg'),
    (0, b'ID3', 'audio/mpeg'),
    (0, b'\xff\xfb', 'audio/mpeg'),
    (0, b'\xff\xf3', 'audio/mpeg'),
    (0, b'fLaC', 'audio/flac'),
    (8, b'WAVE', 'audio/wave'),
    (8, b'AVI ', 'video/x-msvideo'),
    (8, b'AIFF', 'audio/aiff'),
    (0, b'\x1aE\xdf\xa3', 'video/webm'),
    (4, b'ftyp', 'video/mp4'),
    (0, b'FLV\x01', 'video/x-flv'),
    (0, b'\x00\x00\x01\xba', 'video/mpeg'),
    (0, b'wOFF', 'font/woff'),
    (0, b'wOF2', 'font/woff2'),
    (0, b'\x00\x01\x00\x00\x00', 'font/ttf'),
    (0, b'OTTO', 'font/otf'),
    (0, b'-----BEGIN ', 'application/x-pem-file'),
    (0, b'd8:announce', 'application/x-bittorrent'),
)]
_ELSEWHERE = [row for row in _TABLE if row.offset]
_NONE: list[Magic] = []
_ELSEWHERE_WORDS = {row.pattern[:4] for row in _ELSEWHERE}
_BY_FIRST_BYTE = {first: [row for row in _TABLE if row.offset or row.pattern[0] == first] for first in {row.pattern[0] for row in _TABLE}}
"""The rows, in their order, that a body beginning with this byte may match; _ELSEWHERE for all other bytes."""
_RIFF = {"image/webp", "audio/wave", "video/x-msvideo"}
_HTML = re.compile(
    rb"\A[\t\n\x0c\r ]{0,256}(?:<!--.{0,400}?-->[\t\n\x0c\r ]{0,64}){0,4}<(?:!doctype html|html|head|script|iframe|h1"
    rb"|div|font|table|a|style|title|b|body|br|p|meta|center)[ \t\n\r>]", re.IGNORECASE | re.DOTALL)
_XML = re.compile(rb"\A(?:\xef\xbb\xbf)?[\t\n\x0c\r ]{0,256}<\?xml[ \t\n\r]", re.IGNORECASE)
_SVG = re.compile(
    rb"\A[\t\n\r ]{0,64}(?:<\?xml[^>]{0,256}>[\t\n\r ]{0,64})?(?:<!--.{0,400}?-->[\t\n\r ]{0,64})?"
    rb"(?:<!DOCTYPE svg[^>]{0,256}>[\t\n\r ]{0,64})?<svg[\s>]", re.DOTALL)
_BEFORE_MARKUP = b"<\t\n\x0c\r \xef"
"""With these bytes what _HTML, _XML and _SVG match may begin."""
_JSON_START = re.compile(
    rb"\A(?:\xef\xbb\xbf)?[\t\n\r ]{0,64}(?:\{[\t\n\r ]{0,64}[\"}]|\[[\t\n\r ]{0,64}[\[\]{\"0-9tfn-])")
_BINARY = frozenset([*range(0x09), 0x0B, *range(0x0E, 0x1B), *range(0x1C, 0x20)])
"""Binary data bytes (WHATWG MIME Sniffing section 3): text holds none of them."""
_BINARY_BYTES = bytes(sorted(_BINARY))

IMAGE_WORDS = {b"GIF87a": "GIF87a", b"GIF89a": "GIF89a", b"\x89PNG\r\n\x1a\n": "PNG"}
"""Wireshark's words for images in the Info column, by how they begin (a JPEG's word depends on its first segment)."""


_VAGUE = {"application/octet-stream", "binary/octet-stream", "application/unknown", "unknown/unknown", "*/*"}
"""Claims that say nothing (WHATWG MIME Sniffing section 5.1)."""


def from_content(prefix: bytes) -> str:
    """The media type that the first bytes of a body show; empty when there are none.

    prefix  decoded bytes, limits.BODY_PREFIX or more; `text/plain` and `application/octet-stream` when nothing matches
    """
    if not prefix:
        return ""
    rows = _BY_FIRST_BYTE.get(prefix[0], _NONE)
    if rows is _NONE and (prefix[8:12] in _ELSEWHERE_WORDS or prefix[4:8] in _ELSEWHERE_WORDS or prefix[257:261] in _ELSEWHERE_WORDS):
        rows = _ELSEWHERE
    for offset, pattern, media_type in rows:
        if prefix.startswith(pattern, offset):
            if media_type in _RIFF and prefix[:4] != b"RIFF":
                continue
            return media_type
    if prefix[0] in _BEFORE_MARKUP:
        if _SVG.match(prefix):
            return "image/svg+xml"
        if _XML.match(prefix):
            return "text/xml"
        if _HTML.match(prefix):
            return "text/html"
    if is_binary(prefix):
        return "application/octet-stream"
    if _JSON_START.match(prefix):
        return "application/json"
    return "text/plain"


def of_body(claimed: str, prefix: bytes) -> str:
    """The media type of a body: what the header claims, unless it claims nothing or nothing in particular.

    claimed  Message.media_type
    prefix   first decoded bytes
    """
    return claimed if "/" in claimed and claimed not in _VAGUE else from_content(prefix) or claimed


def is_binary(prefix: bytes) -> bool:
    """True when the bytes are no text in any charset but UTF-16 and UTF-32 with a byte order mark."""
    if prefix[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return False
    return len(prefix.translate(None, _BINARY_BYTES)) != len(prefix)


_TEXT_TYPES = {
    "application/javascript", "application/x-javascript", "application/ecmascript", "application/x-www-form-urlencoded",
    "application/graphql", "application/sql", "application/x-sh", "application/yaml", "application/x-yaml",
    "application/x-pem-file", "application/toml", "message/http", "message/rfc822"}
_JSON_TYPES = {
    "application/json", "text/json", "text/x-json", "application/x-json", "application/jsonp", "application/x-ndjson",
    "application/ndjson", "application/jsonl", "application/json-seq"}


def is_text(media_type: str) -> bool:
    """True for media types whose bodies people read."""
    return media_type.startswith("text/") or media_type in _TEXT_TYPES or is_json(media_type) or is_xml(media_type)


def is_json(media_type: str) -> bool:
    """True for JSON: application/json, text/json, `+json` and JSON lines."""
    return media_type in _JSON_TYPES or media_type.endswith("+json")


def is_xml(media_type: str) -> bool:
    """True for XML: text/xml, application/xml and `+xml`."""
    return media_type.endswith("+xml") or media_type in ("text/xml", "application/xml")


def image_word(prefix: bytes) -> str:
    """Wireshark's word for an image: GIF87a, GIF89a, PNG, `JPEG JFIF image`; empty for anything else."""
    for pattern, word in IMAGE_WORDS.items():
        if prefix.startswith(pattern):
            return word
    return "JPEG JFIF image" if prefix.startswith(b"\xff\xd8") else ""


def pretty_json(text: str) -> str | None:
    """JSON (or JSON lines) with an indent of two, keys in their order; None when it is no JSON.

    Numbers stay as they were written and texts keep their letters. Deep nesting is given up, not recursed into.
    """
    if _depth(text) > _DEPTH:
        return None
    try:
        return _dump(text)
    except (ValueError, RecursionError):
        lines = [line for line in text.splitlines() if line.strip()]
        if not 1 < len(lines) <= _LINES:
            return None
    try:
        return "\n".join(_dump(line) for line in lines)
    except (ValueError, RecursionError):
        return None


_DEPTH = 200
_LINES = 100_000


_MARK = "\ue000"
"""A private code point: numbers travel through `json` as texts between two of them, to be written as they were read."""


def _dump(text: str) -> str:
    if _MARK in text:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    parsed = json.loads(text, parse_float=_as_written, parse_int=_as_written, parse_constant=_as_written)
    return json.dumps(parsed, indent=2, ensure_ascii=False).replace(f'"{_MARK}', "").replace(f'{_MARK}"', "")


def _as_written(literal: str) -> str:
    return f"{_MARK}{literal}{_MARK}"


def _depth(text: str) -> int:
    """An upper bound of how deep brackets nest; those in strings count too, which errs on the safe side."""
    deepest = depth = 0
    for bracket in re.findall(r"[\[\]{}]", text):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


# --- names of files -------------------------------------------------------------------------------------------------

_EXTENSIONS = {
    "text/html": "html", "text/plain": "txt", "text/css": "css", "text/csv": "csv", "text/xml": "xml",
    "application/xml": "xml", "application/json": "json", "text/javascript": "js", "application/javascript": "js",
    "application/x-javascript": "js", "image/gif": "gif", "image/png": "png", "image/jpeg": "jpg", "image/jpg": "jpg",
    "image/webp": "webp", "image/avif": "avif", "image/svg+xml": "svg", "image/bmp": "bmp", "image/tiff": "tif",
    "image/x-icon": "ico", "image/vnd.microsoft.icon": "ico", "application/pdf": "pdf", "application/zip": "zip",
    "application/gzip": "gz", "application/x-gzip": "gz", "application/x-tar": "tar", "application/x-bzip2": "bz2",
    "application/x-xz": "xz", "application/zstd": "zst", "application/x-7z-compressed": "7z",
    "application/vnd.rar": "rar", "application/vnd.ms-cab-compressed": "cab", "application/x-dosexec": "exe",
    "application/x-msdownload": "exe", "application/x-executable": "elf", "application/wasm": "wasm",
    "application/java-archive": "jar", "application/x-shockwave-flash": "swf", "application/postscript": "ps",
    "application/rtf": "rtf", "application/ogg": "ogg", "audio/mpeg": "mp3", "audio/flac": "flac",
    "audio/wave": "wav", "video/mp4": "mp4", "video/webm": "webm", "video/x-flv": "flv", "video/mpeg": "mpg",
    "video/x-msvideo": "avi", "font/woff": "woff", "font/woff2": "woff2", "font/ttf": "ttf", "font/otf": "otf",
    "application/x-www-form-urlencoded": "txt", "application/ocsp-response": "der",
    "application/x-x509-ca-cert": "der", "application/pkix-crl": "crl", "application/x-ndjson": "ndjson",
    "application/xhtml+xml": "xhtml", "application/rss+xml": "rss", "application/atom+xml": "atom",
}


def extension(media_type: str) -> str:
    """The usual extension of a media type, without a dot: `html`, `bin` when nothing better is known."""
    known = _EXTENSIONS.get(media_type)
    if known:
        return known
    if is_json(media_type):
        return "json"
    if is_xml(media_type):
        return "xml"
    return "txt" if media_type.startswith("text/") else "bin"


_RESERVED = {"con", "prn", "aux", "nul", "clock$", "conin$", "conout$",
             *(f"{name}{n}" for name in ("com", "lpt") for n in "0123456789¹²³")}
"""Names that Windows reads as devices, whatever their extension."""
_NAME_BYTES = 120
"""Bytes of a file name; file systems allow 255, and the caller adds a number and an extension."""


def safe_name(claimed: str) -> str:
    """A file name made from what a peer claimed, that can do no harm: empty when nothing usable is left.

    Only the last part of a path; letters and digits of any script, `. _ - +` and space; no leading dot or dash, no
    trailing dot or space, no device name of Windows, at most 120 bytes of UTF-8, the extension kept.
    """
    last = re.split(r"[/\\]", claimed[-4096:])[-1]
    normal = unicodedata.normalize("NFC", last)
    kept = "".join(ch if ch in "._-+" or ch.isalnum() else " " if ch == " " else "_" for ch in normal)
    kept = re.sub(r"_{2,}", "_", re.sub(r" {2,}", " ", kept)).strip(" ._-+")
    if not kept.strip("_ "):
        return ""
    if kept.split(".")[0].rstrip(" ").lower() in _RESERVED:
        kept = "_" + kept
    return _shorten(kept)


def _shorten(name: str) -> str:
    if len(name.encode()) <= _NAME_BYTES:
        return name
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending.encode()) > 16:
        stem, dot, ending = name, "", ""
    room = _NAME_BYTES - len((dot + ending).encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip(" .") + dot + ending


