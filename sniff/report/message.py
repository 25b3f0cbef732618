"""A message for people, the way `curl -i` shows it: start line, header fields, an empty line, the decoded body.

Text comes out as UTF-8, JSON is indented, forms are read, what is no text is a hex dump. Where bytes are missing, a line says
so. Nothing here prints: `lines` gives text, and whoever shows it at a terminal has every control character escaped already.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Protocol

from sniff.decode import charset, credentials, fields, forms, media
from sniff.decode.message import Message
from sniff.exchange.http import Exchange
from sniff.report.secret_urls import masked_url, may_have_secrets

HEX_BYTES = 16 << 10
"""Bytes of a body that is no text which are shown; `--raw` gives them all."""

PRETTY_CHARACTERS = 16 << 20
"""Longer JSON is shown as it was sent: as objects it would take sixty times its size."""

_CONTROL = re.compile(r"[^\n\t\x20-\x7e\xa0-\U0010ffff]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


class BodyParts(Protocol):
    """The bytes of a body, and where some are missing how many."""

    parts: list[bytes | int]
    cut: int


class _Escapes(dict[int, str]):
    """Escapes of the characters that need one; any other stands for itself."""

    def __missing__(self, number: int) -> str:
        text = chr(number)
        if _CONTROL.match(text):
            text = f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"
        if len(self) < _ESCAPES_KEPT:
            self[number] = text
        return text


_ESCAPES_KEPT = 16_384
_ESCAPES = _Escapes()


def printable(text: str) -> str:
    """Text of several lines that can do nothing to a terminal: controls but line ends and tabs are written as escapes."""
    return text.translate(_ESCAPES) if _CONTROL.search(text) else text


def message_lines(message: Message, body: BodyParts | None = None, secrets: bool = False) -> Iterator[str]:
    """A message as lines of text, without line ends.

    body     its decoded body, None when it has none
    secrets  show credentials and cookies as they are
    """
    yield from head_lines(message, secrets)
    yield ""
    if body is not None:
        yield from body_lines(message, body, secrets)


def head_lines(message: Message, secrets: bool = False) -> Iterator[str]:
    """Start line and header fields."""
    if message.head:
        line, target = _line(message.start_line), _line(message.target)
        yield line.replace(target, masked_url(target), 1) if target and not secrets else line
    for name, value in message.fields:
        key = name.strip().lower()
        shown = _line(credentials.masked(key, value, secrets))
        if key in _URLS or key == b":path":
            shown = masked_url(shown, secrets)
        yield f"{_line(name)}: {shown}" if value or name else _line(name)


def _line(raw: bytes) -> str:
    return printable(fields.text(raw).replace("\n", "\\n"))


_URLS = (b"referer", b"location", b"content-location")
_MEMBER = re.compile(r'"((?:[^"\\\n]|\\.)*)": (?:"(?:[^"\\\n]|\\.)*"|[-+.\w]+)')


def _without_secrets(pretty: str) -> str:
    """Indented JSON in which the texts and numbers whose names say that they are secrets are masked."""
    return _MEMBER.sub(lambda member: f'"{member[1]}": "{credentials.MASK}"' if credentials.is_secret(member[1]) else member[0],
                       pretty) if may_have_secrets(pretty) else pretty


def body_lines(message: Message, body: BodyParts, secrets: bool = False) -> Iterator[str]:
    """The body: text, JSON, a form, or a hex dump."""
    data = b"".join(part for part in body.parts if isinstance(part, bytes))
    whole = all(isinstance(part, bytes) for part in body.parts) and not body.cut
    media_type = media.of_body(message.media_type, data[:1445])
    if whole and media_type == "application/x-www-form-urlencoded" and not media.is_binary(data):
        yield from _pairs(forms.urlencoded(data.strip(b"\r\n"), fields.text(_charset(message))), secrets)
    elif whole and media_type == "multipart/form-data":
        yield from _parts(forms.multipart(data, message.media_parameters.get("boundary", b"")), data, secrets)
    elif media.is_binary(data[:4096]) or not (media.is_text(media_type) or _looks_like_text(data)):
        yield from _dump(body)
    else:
        yield from _text(message, media_type, data, body if not whole else None, secrets)


def _charset(message: Message) -> bytes:
    return message.media_parameters.get("charset", b"")


def _looks_like_text(data: bytes) -> bool:
    try:
        data[:4096].decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= 4093
    return True


def _text(message: Message, media_type: str, data: bytes, pieces: BodyParts | None, secrets: bool) -> Iterator[str]:
    document = media_type in ("text/html", "application/xhtml+xml", "") or media.is_xml(media_type)
    declared = fields.text(_charset(message))
    if pieces is not None:
        codec = charset.find(charset.decode_text(data, declared, document)[1]) or "utf-8"
        for part in pieces.parts:
            yield from printable(part.decode(codec, "replace")).splitlines() if isinstance(part, bytes) else [missing(part)]
        if pieces.cut:
            yield f"[{pieces.cut:,} more bytes are not shown]"
        return
    text, _ = charset.decode_text(data, declared, document)
    pretty = media.pretty_json(text) if media.is_json(media_type) and len(text) <= PRETTY_CHARACTERS else None
    if pretty and not secrets:
        pretty = _without_secrets(pretty)
    lines = printable((pretty or text).replace("\r\n", "\n")).split("\n")
    yield from lines[:-1] if not lines[-1] else lines


def _pairs(pairs: Sequence[forms.Pair], secrets: bool) -> Iterator[str]:
    for name, value in pairs:
        shown = value if secrets or not credentials.is_secret(name) else credentials.MASK
        yield printable(f"{name}={shown}".replace("\n", "\\n"))
    if len(pairs) >= forms.PAIRS:
        yield "[further fields are not shown; --raw gives them all]"


def _parts(parts: Sequence[forms.Part], data: bytes, secrets: bool) -> Iterator[str]:
    if not parts:
        yield from _hex(data)
    for part in parts:
        unfinished = "" if part.complete else ", cut off"
        if part.file_name:
            name = printable(part.file_name.replace("\n", "\\n"))
            yield printable(f"{part.name}=[file {name}, {part.media_type}, {len(part.data):,} bytes{unfinished}]")
        else:
            yield from _pairs([forms.Pair(part.name, part.text)], secrets)
    if len(parts) >= forms.PARTS:
        yield "[further parts are not shown; --raw gives them all]"


def missing(count: int) -> str:
    """The line that stands for bytes that are not in the capture."""
    return f"[{count:,} bytes were not captured]"


def _dump(body: BodyParts) -> Iterator[str]:
    """A hex dump of the first HEX_BYTES bytes; a line for every hole."""
    offset, left = 0, HEX_BYTES
    total = sum(len(part) if isinstance(part, bytes) else 0 for part in body.parts) + body.cut
    row = b""
    for part in body.parts:
        if isinstance(part, int):
            yield from _hex(row, offset)
            offset, row = offset + len(row) + part, b""
            yield missing(part)
            continue
        row += part[:left]
        left -= min(len(part), left)
        if not left:
            break
        full = len(row) - len(row) % 16
        yield from _hex(row[:full], offset)
        offset, row = offset + full, row[full:]
    yield from _hex(row, offset)
    if total > HEX_BYTES - left:
        yield f"[{total - (HEX_BYTES - left):,} more bytes are not shown; --raw gives them all]"


def _hex(data: bytes, offset: int = 0) -> Iterator[str]:
    for start in range(0, len(data), 16):
        row = data[start:start + 16]
        text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        yield f"{offset + start:08x}  {row[:8].hex(' '):<23}  {row[8:].hex(' '):<23}  {text}"


def remarks(message: Message) -> Iterator[str]:
    """What a reader should know about a message besides itself: nothing, when all is well."""
    place = f"packets {message.first_packet} to {message.last_packet}"
    words = set(message.flag_words)
    if message.gap_bytes:
        yield f"{place}: {message.gap_bytes:,} bytes of it were not captured"
    if "aborted" in words:
        yield f"{place}: the connection ended before it was complete"
    if "still_running" in words:
        yield f"{place}: the capture ended before it was complete"
    if "ambiguous" in words:
        yield f"{place}: two implementations could read where it ends differently (request smuggling)"
    if "cut_head" in words:
        yield f"{place}: its head is longer than what is kept"


def exchange_remarks(exchange: Exchange) -> Iterator[str]:
    """The same for an exchange."""
    for message in exchange.messages:
        yield from remarks(message)
    if exchange.inferred:
        yield "bytes are missing before: that these two belong together is probable, not sure"
    if exchange.request is None:
        yield "the request was not captured"
    if exchange.response is None:
        yield f"there is no response ({exchange.state.name.lower()})"
