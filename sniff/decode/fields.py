"""HTTP field values: lists, parameters, names of files, ranges. Lenient as peers are, never raising.

Source: RFC 9110 section 5.6 (lists, quoted strings, parameters), RFC 6266 and RFC 8187 (names of files).
"""

from typing import NamedTuple
from urllib.parse import unquote_to_bytes

_BLANK = b" \t\r\n\x0b\x0c\x00"
_PARAMETERS = 64
"""Parameters of one value that are read; the rest is left."""


def text(raw: bytes) -> str:
    """Bytes of a header as text: UTF-8 when they are, else Latin-1 (RFC 9110 section 5.5). Nothing is lost."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def split_list(value: bytes) -> list[bytes]:
    """The members of a comma separated list, white space and empty members removed. Commas in quotes do not count."""
    if b'"' not in value:
        return [part for part in (member.strip(_BLANK) for member in value.split(b",")) if part]
    return [part for part in (member.strip(_BLANK) for member in _split_quoted(value, 0x2C)) if part]


def _split_quoted(value: bytes, separator: int) -> list[bytes]:
    """Cut at a separator that stands outside quotes; a quote that is never closed is an ordinary character."""
    parts: list[bytes] = []
    start = index = 0
    end = len(value)
    while index < end:
        byte = value[index]
        if byte == separator:
            parts.append(value[start:index])
            start = index + 1
        elif byte == 0x22:
            closing = _closing_quote(value, index + 1)
            if closing < 0:
                parts.extend(value[start:].split(bytes([separator])))
                return parts
            index = closing
        index += 1
    parts.append(value[start:])
    return parts


def _closing_quote(value: bytes, index: int) -> int:
    """Index of the quote that ends a quoted string begun before `index`, -1 when there is none."""
    while True:
        quote = value.find(b'"', index)
        if quote < 0:
            return -1
        backslash = quote - 1
        while backslash >= index and value[backslash] == 0x5C:
            backslash -= 1
        if (quote - backslash) % 2:
            return quote
        index = quote + 1


def unquote(value: bytes) -> bytes:
    """The contents of a quoted string, or the value itself when it is not quoted."""
    if value[:1] != b'"':
        return value
    closing = _closing_quote(value, 1)
    inner = value[1:] if closing < 0 else value[1:closing]
    if b"\\" not in inner:
        return inner
    out = bytearray()
    escaped = False
    for byte in inner:
        if byte == 0x5C and not escaped:
            escaped = True
            continue
        out.append(byte)
        escaped = False
    return bytes(out)


def parameters(value: bytes) -> tuple[bytes, dict[str, bytes]]:
    """What stands before the first semicolon, and {name in lower case: value} of the parameters after it.

    The first of repeated parameters counts, as browsers read them.
    """
    if b";" not in value:
        return value.strip(_BLANK), {}
    first, *rest = _split_quoted(value, 0x3B)
    found: dict[str, bytes] = {}
    for part in rest[:_PARAMETERS]:
        name, _, content = part.partition(b"=")
        key = text(name.strip(_BLANK)).lower()
        if key and key not in found:
            found[key] = unquote(content.strip(_BLANK))
    return first.strip(_BLANK), found


def file_name(disposition: bytes) -> str:
    """The name a Content-Disposition gives to the body; empty when it gives none.

    `filename*` (RFC 8187) wins over `filename`. The name is a claim: see media.safe_name before it meets a disk.
    """
    found = parameters(disposition)[1]
    extended = found.get("filename*")
    if extended is not None:
        charset, _, rest = extended.partition(b"'")
        _, quote, percent = rest.partition(b"'")
        if quote:
            return decoded(unquote_to_bytes(percent), charset)
    return text(found.get("filename", b""))


def decoded(raw: bytes, charset: bytes) -> str:
    """Bytes in a charset that a peer named; as `text` reads them when the name is unknown or wrong."""
    try:
        return raw.decode(charset.decode("ascii"))
    except (LookupError, UnicodeError, ValueError):
        return text(raw)


class ContentRange(NamedTuple):
    """A Content-Range of bytes: positions of the first and last byte, and the length of the whole; -1 where unknown."""

    first: int
    last: int
    size: int


def content_range(value: bytes) -> ContentRange | None:
    """Read `bytes 0-67/68`, `bytes */68` or `bytes 0-67/*` (RFC 9110 section 14.4); None for anything else."""
    unit, _, rest = value.strip(_BLANK).partition(b" ")
    if unit.lower() != b"bytes":
        return None
    span, slash, size = rest.strip().partition(b"/")
    if not slash:
        return None
    first, dash, last = span.partition(b"-")
    numbers = [number(part.strip()) if part.strip() != b"*" else -1 for part in (first, last, size)]
    if not dash:
        return ContentRange(-1, -1, numbers[2]) if span.strip() == b"*" and numbers[2] is not None else None
    if None in numbers:
        return None
    return ContentRange(*[n for n in numbers if n is not None])


def number(value: bytes) -> int | None:
    """A decimal number without a sign, None for anything else or for one beyond 63 bits."""
    if not value.isdigit() or len(value) > 4096:
        return None
    short = value.lstrip(b"0") or b"0"
    return int(short) if len(short) <= 18 or (len(short) == 19 and int(short) < 1 << 63) else None
