"""Forms and cookies: what a person or a script filled in.

Source: WHATWG URL section 5 (urlencoded), RFC 7578 (multipart/form-data), RFC 6265 section 4.2 and 5.2 (cookies).
"""

import logging
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from sniff.decode import charset, fields

PAIRS = 10_000
"""Name and value pairs of one form that are given out; the rest is counted by nobody, as it is no form."""

PARTS = 1_000
"""Parts of one multipart body that are given out."""


class Pair(NamedTuple):
    """One name and its value, as text."""

    name: str
    value: str


def urlencoded(data: bytes, declared: str = "") -> list[Pair]:
    """The pairs of a query or of an `application/x-www-form-urlencoded` body, in order.

    declared  a charset that a header names. Without one the bytes behind all percent signs decide: UTF-8 when they are,
              else a guess over the whole form, so that names and values are read in the same charset.
    """
    raw: list[tuple[bytes, bytes]] = []
    for member in data.split(b"&", PAIRS)[:PAIRS]:
        if not member:
            continue
        name, _, value = member.partition(b"=")
        raw.append((unquote_to_bytes(name.replace(b"+", b" ")), unquote_to_bytes(value.replace(b"+", b" "))))
    named = next((value.decode("ascii", "replace") for name, value in raw if name == b"_charset_"), "")
    codec = charset.find(named) or charset.find(declared) or charset.guess(b"\n".join(b"\n".join(pair) for pair in raw))
    return [Pair(name.decode(codec, "replace"), value.decode(codec, "replace")) for name, value in raw]


def percent_decoded(raw: bytes) -> str:
    """A path or a query for people: percent signs undone, in UTF-8 or the charset it looks like."""
    data = unquote_to_bytes(raw)
    return charset.decode_text(data, document=False)[0]


@dataclass(slots=True)
class Part:
    """One part of a multipart body.

    name        of the form field
    file_name   a claim of the peer, empty when the part is no file
    media_type  as the part claims, `text/plain` when it does not (RFC 7578 section 4.4)
    data        its bytes
    complete    its end was seen
    """

    name: str
    file_name: str
    media_type: str
    data: bytes
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    complete: bool = True

    @property
    def text(self) -> str:
        """The part as text."""
        content_type = next((value for name, value in self.headers if name.lower() == b"content-type"), b"")
        declared = fields.parameters(content_type)[1].get("charset", b"")
        return charset.decode_text(self.data, fields.text(declared), document=False)[0]


class _Collector:
    """What python-multipart calls while it reads: it builds the parts."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self._headers: list[tuple[bytes, bytes]] = []
        self._name = bytearray()
        self._value = bytearray()
        self._data: list[bytes] = []
        self._open = False

    def part_begin(self) -> None:
        self._headers, self._data, self._open = [], [], True
        self._name.clear()
        self._value.clear()

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        self._headers.append((bytes(self._name), bytes(self._value)))
        self._name.clear()
        self._value.clear()

    def part_data(self, data: bytes, start: int, end: int) -> None:
        self._data.append(data[start:end])

    def part_end(self) -> None:
        self.close(complete=True)

    def close(self, complete: bool) -> None:
        if not self._open:
            return
        self._open = False
        if len(self.parts) < PARTS:
            self.parts.append(_part(self._headers, b"".join(self._data), complete))


def _part(headers: list[tuple[bytes, bytes]], data: bytes, complete: bool) -> Part:
    values = {name.lower(): value for name, value in reversed(headers)}
    disposition = values.get(b"content-disposition", b"")
    name = fields.parameters(disposition)[1].get("name", b"")
    media_type = fields.text(fields.parameters(values.get(b"content-type", b""))[0]).lower()
    return Part(fields.text(name), fields.file_name(disposition), media_type or "text/plain", data, headers, complete)


def multipart(data: bytes, boundary: bytes) -> list[Part]:
    """The parts of a multipart body, in order; what came before it broke off or went wrong is kept.

    data      the decoded body
    boundary  the parameter of Content-Type (Message.media_parameters)
    """
    from python_multipart.exceptions import MultipartParseError
    from python_multipart.multipart import MultipartParser

    if not boundary:
        return []
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # it would print what it thinks of the bytes
    collector = _Collector()
    parser = MultipartParser(boundary, {
        "on_part_begin": collector.part_begin, "on_part_data": collector.part_data, "on_part_end": collector.part_end,
        "on_header_field": collector.header_name, "on_header_value": collector.header_value,
        "on_header_end": collector.header_end})
    try:
        parser.write(data[max(data.find(b"--" + boundary), 0):])
        parser.finalize()
    except MultipartParseError:
        pass
    collector.close(complete=False)
    return collector.parts


def cookies(values: list[bytes]) -> list[Pair]:
    """The pairs of Cookie fields, in order."""
    found: list[Pair] = []
    for value in values:
        for member in value.split(b";", PAIRS)[:PAIRS]:
            name, equals, content = member.strip(b" \t").partition(b"=")
            if equals or name:
                found.append(Pair(fields.text(name.strip()), fields.text(fields.unquote(content.strip()))))
    return found


class SetCookie(NamedTuple):
    """One Set-Cookie field: the pair, and its attributes by name in lower case."""

    name: str
    value: str
    attributes: dict[str, str]


def set_cookie(value: bytes) -> SetCookie:
    """Read one Set-Cookie field (RFC 6265 section 5.2)."""
    first, _, rest = value.partition(b";")
    name, _, content = first.strip().partition(b"=")
    attributes: dict[str, str] = {}
    for member in rest.split(b";", 64)[:64]:
        key, _, setting = member.strip().partition(b"=")
        if key:
            attributes[fields.text(key.strip()).lower()] = fields.text(setting.strip())
    return SetCookie(fields.text(name.strip()), fields.text(content.strip()), attributes)
