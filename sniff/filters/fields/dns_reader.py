"""Reads the data of DNS records form by form: what the words of dns_layouts.py mean.

As in Wireshark, what a length in the data claims is read even where it leads beyond the record, up to the end of the message; what
leads beyond that ends the reading of the message.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, NamedTuple

from sniff.filters.types import Type

Found = tuple[str, Any]
LONGEST_NAME = 255
MOST_POINTERS = 255
TYPES_OF_FORMS = {"ip4": Type.IPV4, "ip6": Type.IPV6, "ether": Type.ETHER, "mark": Type.NONE, "time4": Type.TIME, "time6": Type.TIME,
                  **dict.fromkeys(("namelen", "keyid", "bits", "types"), Type.NUMBER),
                  **dict.fromkeys(("name", "text", "utf8", "string", "restext", "base32"), Type.STRING)}


class Short(Exception):
    """The message ends too early."""


class Item(NamedTuple):
    """`field:form` of a line, taken apart.

    mask, shift  of bits of the number before
    """

    name: str
    form: str
    mask: int
    shift: int
    type: Type
    bits: int


class Group(NamedTuple):
    """`( ... )*` and `( ... )?`."""

    items: tuple[Item, ...]
    again: bool


@cache
def line(text: str) -> tuple[Item | Group, ...]:
    """A line of dns_layouts.py, taken apart."""
    found: list[Item | Group] = []
    inner: list[Item] = []
    into: list[Any] = found
    size = 0
    for word in text.split():
        if word == "(":
            into = inner
        elif word in (")*", ")?"):
            found.append(Group(tuple(inner), word == ")*"))
            inner, into = [], found
        else:
            name, _, form = word.partition(":")
            mask = int(form[1:], 16) if form[0] == "&" else 0
            size = int(form[0]) if form.rstrip("+").isdigit() else size
            kind = TYPES_OF_FORMS.get(form, Type.NUMBER if form.rstrip("+").isdigit() else Type.BYTES)
            if mask:
                kind = Type.NUMBER if mask & mask - 1 else Type.BOOLEAN
            bits = 16 if form in ("keyid", "bits", "types") else 8 if form == "namelen" else 8 * size
            into.append(Item(name, "&" if mask else form, mask, (mask & -mask).bit_length() - 1, kind, bits))
    return tuple(found)


def items(text: str) -> Iterator[Item]:
    """All items of a line that are fields."""
    for one in line(text):
        yield from one.items if isinstance(one, Group) else (one,) if one.name != "-" else ()


class Reader:
    """Reads the data of one record.

    wire       bytes that hold the message: wire[base:stop]
    at, end    where to read on, and where the data of the record ends
    start      where it begins
    last       the number that was read last
    multicast  it is mDNS
    """

    __slots__ = ("at", "base", "end", "forms", "last", "multicast", "start", "stop", "wire")

    def __init__(self, wire: bytes, base: int, stop: int, start: int, end: int, multicast: bool = False) -> None:
        self.wire = wire
        self.base = base
        self.stop = stop
        self.start = self.at = start
        self.end = end
        self.last = 0
        self.multicast = multicast
        self.forms: dict[str, Item] = {}

    def take(self, size: int) -> bytes:
        """The next bytes."""
        at = self.at
        if size < 0 or at + size > self.stop:
            raise Short
        self.at = at + size
        return self.wire[at:at + size]

    def number(self, size: int) -> int:
        """The next number."""
        self.last = int.from_bytes(self.take(size), "big")
        return self.last

    def one(self, name: str) -> Found:
        """A field that is certainly there, of those in `forms`."""
        return next(FORMS[self.forms[name].form](self, self.forms[name]))

    def name(self, at: int) -> tuple[str, int]:
        """(name that begins at an index, index after it), as Wireshark shows it."""
        raw, after = self.raw_name(at)
        return raw.replace(b"\0", b"\\000").decode("utf-8", "replace"), after

    def raw_name(self, at: int) -> tuple[bytes, int]:
        """(bytes of a name, its labels joined by dots, index after it). After a name that is too long nothing more is read."""
        wire, stop, begun = self.wire, self.stop, at
        after, pointers, size = -1, 0, -1
        labels: list[bytes] = []
        text = b""
        while not text:
            if at >= stop:
                raise Short
            length = wire[at]
            at += 1
            if length == 0:
                break
            if length < 0x40:
                if at + length > stop:
                    raise Short
                labels.append(wire[at:at + length])
                size += length + 1
                at += length
                if size >= LONGEST_NAME:
                    return b"<Name too long>", after if after >= 0 else stop + 1
            elif length >= 0xC0:
                if at >= stop:
                    raise Short
                target = self.base + ((length & 0x3F) << 8 | wire[at])
                at += 1
                pointers += 1
                after = after if after >= 0 else at
                if target == at + 2 or pointers > MOST_POINTERS:
                    text = b"<Name contains a pointer that loops>"
                at = target
            elif length == 0x41:        # a string of bits (RFC 2673), which is not shown
                at += 1 + ((wire[at] + 7) // 8 or 1) if at < stop else 1
            elif length < 0x80:
                text = b"<Unknown extended label>"
            else:
                raise Short
        after = after if after >= 0 else at
        text = text or b".".join(labels)
        if text[:1] in (b"", b"\0") and after - begun <= 2:
            return b"<Root>", after
        if not text or after - begun < 2:
            raise Short
        return text, after


def cut(data: bytes, coding: str = "ascii") -> str:
    """Bytes as text, up to a NUL; what is no text is replaced."""
    return data.partition(b"\0")[0].decode(coding, "replace")


# --- forms ------------------------------------------------------------------------------------------------------------------

def _number(reader: Reader, item: Item) -> Iterator[Found]:
    yield item.name, reader.number(item.bits // 8)


def _not_zero(reader: Reader, item: Item) -> Iterator[Found]:
    if reader.number(item.bits // 8):
        yield item.name, reader.last


def _bits(reader: Reader, item: Item) -> Iterator[Found]:
    yield item.name, (reader.last & item.mask) >> item.shift


def _name(reader: Reader, item: Item) -> Iterator[Found]:
    text, after = reader.name(reader.at)
    reader.at = after
    yield item.name, text


def _name_length(reader: Reader, item: Item) -> Iterator[Found]:
    yield item.name, len(reader.raw_name(reader.at)[0]) & 0xFF


def _text(coding: str) -> Callable[[Reader, Item], Iterator[Found]]:
    def read(reader: Reader, item: Item) -> Iterator[Found]:
        yield item.name, cut(reader.take(reader.last), coding)

    return read


def _string(reader: Reader, item: Item) -> Iterator[Found]:
    yield item.name, cut(reader.take(reader.last), "utf-8" if reader.multicast else "ascii")


def _bytes(reader: Reader, item: Item) -> Iterator[Found]:
    yield item.name, reader.take(reader.last)


def _data(reader: Reader, item: Item) -> Iterator[Found]:
    if reader.last:
        yield item.name, reader.take(reader.last)


def _rest(reader: Reader, item: Item) -> Iterator[Found]:
    yield item.name, reader.take(reader.end - reader.at)


def _rest_if_any(reader: Reader, item: Item) -> Iterator[Found]:
    if reader.end != reader.at:
        yield item.name, reader.take(reader.end - reader.at)


def _rest_text(reader: Reader, item: Item) -> Iterator[Found]:
    yield item.name, cut(reader.take(reader.end - reader.at))


def _coming(reader: Reader, item: Item) -> Iterator[Found]:
    at = reader.at
    yield item.name, reader.take(reader.end - at)
    reader.at = at


def address6(data: bytes) -> tuple[int, int]:
    """16 bytes as a value of an IPv6 field."""
    return int.from_bytes(data[:8], "big"), int.from_bytes(data[8:], "big")


def _seconds(size: int) -> Callable[[Reader, Item], Iterator[Found]]:
    def read(reader: Reader, item: Item) -> Iterator[Found]:
        yield item.name, min(int.from_bytes(reader.take(size), "big") * 1_000_000_000, 2**63 - 1)

    return read


def _bitmap(reader: Reader, item: Item) -> Iterator[Found]:
    yield from _types(reader, item, 0, reader.end - reader.at)


def _windows(reader: Reader, item: Item) -> Iterator[Found]:
    while reader.at != reader.end:
        window, size = reader.take(2)
        yield from _types(reader, item, 256 * window, size)


def _types(reader: Reader, item: Item, base: int, size: int) -> Iterator[Found]:
    data = reader.wire[reader.at:min(reader.at + size, reader.stop)] if size > 0 else b""
    for k, byte in enumerate(data):
        for bit in range(8):
            if byte << bit & 0x80:
                yield item.name, base + 8 * k + bit
    reader.take(size)


def _base32(reader: Reader, item: Item) -> Iterator[Found]:
    size = reader.last
    if size:
        digits, more = 8 * size // 5 + (8 * size % 5 > 0), int(8 * size % 5 > 0)
        number = int.from_bytes(reader.take(size + more), "big") >> 8 * (size + more) - 5 * digits     # with bits of what comes next
        reader.at -= more
        yield item.name, "".join("0123456789abcdefghijklmnopqrstuv"[number >> 5 * k & 31] for k in reversed(range(digits)))


def _key_tag(reader: Reader, item: Item) -> Iterator[Found]:
    data = reader.wire[reader.start:reader.end]
    if reader.end > reader.stop:
        raise Short
    if len(data) < 4:
        yield "key_id_buffer_too_short", 1
    elif reader.last == 1:
        yield item.name, int.from_bytes(data[-3:-1], "big")
    else:
        even = data + b"\0" * (len(data) % 2)
        total = sum(even[::2]) * 256 + sum(even[1::2])
        yield item.name, total + (total >> 16 & 0xFFFF) & 0xFFFF


FORMS: dict[str, Callable[[Reader, Item], Iterator[Found]]] = {
    "1": _number, "2": _number, "4": _number, "1+": _not_zero, "&": _bits, "name": _name, "namelen": _name_length,
    "text": _text("ascii"), "utf8": _text("utf-8"), "string": _string, "bytes": _bytes, "data": _data, "rest": _rest, "rest?": _rest_if_any,
    "restext": _rest_text, "=rest": _coming, "time4": _seconds(4), "time6": _seconds(6), "bits": _bitmap, "types": _windows,
    "base32": _base32, "keyid": _key_tag,
    "ip4": lambda reader, item: iter(((item.name, int.from_bytes(reader.take(4), "big")),)),
    "ip6": lambda reader, item: iter(((item.name, address6(reader.take(16))),)),
    "ether": lambda reader, item: iter(((item.name, int.from_bytes(reader.take(6), "big")),)),
    "8b": lambda reader, item: iter(((item.name, reader.take(8)),)),
    "mark": lambda reader, item: iter(((item.name, 1),)),
}


def read(reader: Reader, entries: Iterable[Item | Group]) -> Iterator[Found]:
    """(field, value) of a line, in order. Raises Short where the message ends."""
    for one in entries:
        if isinstance(one, Item):
            yield from FORMS[one.form](reader, one)
        elif one.again:
            while reader.at != reader.end:
                yield from read(reader, one.items)
        elif reader.end - reader.at > 1:
            yield from read(reader, one.items)
