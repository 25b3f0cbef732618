"""What a field is, and the ways to get its values that many fields share."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sniff.filters.columns import Column, empty, joined, objects
from sniff.filters.types import Type
from sniff.filters.view import Headers, View
from sniff.packets.batch import Table

Source = Callable[[View, Table], Column]
"""(batch, candidates) -> values. Those of packets that are no candidates may be among them or not: they are not looked at."""

COLUMN, GATHER, PARSE, MESSAGE = 1, 4, 40, 60
"""What a field costs, per packet, in rough units: a column; bytes at a fixed place; bytes to be parsed; a message to be read."""


class Field:
    """One field.

    name      as in Wireshark; what only sniff has begins with `sniff.`
    meaning   a few words
    source    where its values come from
    present   the same for "is there one at all", when that is cheaper
    bits      of its numbers: a larger literal is a mistake
    names     {word in lower case: number} that may stand for its numbers
    trackers  what has to see every batch, so that this one knows what came before (trackers.py)
    heads     it needs the heads of HTTP messages; messages: it needs them in stream order, too; bodies: with their bodies
    """

    __slots__ = ("bits", "bodies", "cost", "heads", "meaning", "messages", "name", "names", "present", "source", "trackers", "type")

    def __init__(self, name: str, type: Type, meaning: str, source: Source, cost: int = GATHER, present: Source | None = None,
                 bits: int = 64, names: dict[str, int] | None = None, trackers: tuple[str, ...] = (), heads: bool = False,
                 messages: bool = False, bodies: bool = False) -> None:
        self.name = name
        self.type = type
        self.meaning = meaning
        self.source = source
        self.cost = cost
        self.present = present
        self.bits = bits
        self.names = names if names is not None else {}
        self.trackers = trackers
        self.heads = heads
        self.messages = messages
        self.bodies = bodies

    def __repr__(self) -> str:
        return f"Field({self.name!r})"


# --- numbers and addresses at a fixed place of a header -------------------------------------------------------------------

def there(view: View, protocol: str, offset: int, size: int, guard: Callable[[View, Headers], Any] | None = None) -> Headers:
    """The headers of a protocol whose bytes offset:offset+size were captured."""
    headers = view.headers(protocol)
    headers = headers.only(headers.at + offset + size <= headers.stop)
    return headers.only(guard(view, headers)) if guard is not None and len(headers.at) else headers


def at_place(protocol: str, offset: int, size: int, mask: int = 0, guard: Callable[[View, Headers], Any] | None = None,
             scale: int = 1) -> Source:
    """Numbers of `size` bytes at `offset` of every header of a protocol.

    mask   bits of them that count; what is below the lowest one is shifted out
    scale  what one unit of them is
    """
    shift = (mask & -mask).bit_length() - 1 if mask else 0

    def source(view: View, candidates: Table) -> Column:
        headers = there(view, protocol, offset, size, guard)
        values = view.number(headers.at + offset, size)
        if mask:
            values = (values & mask) >> shift
        return Column(headers.packets, values * scale if scale != 1 else values, headers.nth)

    return source


def address6(offset: int) -> Source:
    """An IPv6 address at `offset` of every IPv6 header."""

    def source(view: View, candidates: Table) -> Column:
        headers = there(view, "ipv6", offset, 16)
        halves = [view.number(headers.at + offset + k, 8).view(np.uint64) for k in (0, 8)]
        return Column(headers.packets, np.stack(halves, axis=1), headers.nth)

    return source


def both(*sources: Source) -> Source:
    """The values of several fields together, as in ip.addr."""

    def source(view: View, candidates: Table) -> Column:
        column = joined([one(view, candidates) for one in sources])
        if column.layer is not None and column.layer.any():         # header by header
            column = column.only(np.lexsort((column.layer, column.packets)))
        return column

    return source


def protocol_bytes(protocol: str) -> Source:
    """Everything from the first byte of a header on."""

    def source(view: View, candidates: Table) -> Column:
        headers = view.headers(protocol)
        headers = headers.only(np.isin(headers.packets, candidates))
        values = [view.slice(at, stop) for at, stop in zip(headers.at.tolist(), headers.stop.tolist(), strict=True)]
        return objects(headers.packets, values, headers.nth)

    return source


def protocol_there(protocol: str) -> Source:
    """Whether there is such a header."""

    def source(view: View, candidates: Table) -> Column:
        headers = view.headers(protocol)
        return Column(headers.packets, headers.at, headers.nth)

    return source


# --- tables ---------------------------------------------------------------------------------------------------------------

def from_table(column: int, kinds: Sequence[int] = (), least: int | None = None) -> Source:
    """A column of the packets' table, of packets of some kinds, where it is not below `least`."""

    def source(view: View, candidates: Table) -> Column:
        return chosen(view, view.table[column], kinds, least)

    return source


def from_flows(column: int, kinds: Sequence[int], least: int | None = None) -> Source:
    """The same of the flows' table."""

    def source(view: View, candidates: Table) -> Column:
        return chosen(view, view.flows[column], kinds, least)

    return source


def chosen(view: View, values: Table, kinds: Sequence[int], least: int | None) -> Column:
    """The values of packets of some kinds (of all, for none), those below `least` left out."""
    from sniff.packets.columns import KIND
    wanted = np.ones(view.size, np.bool_)
    if kinds:
        wanted = np.isin(view.table[KIND], list(kinds))
    if least is not None:
        wanted &= values >= least
    packets = np.flatnonzero(wanted)
    return Column(packets, values[packets])


def marked(wanted: Callable[[View], Any]) -> Source:
    """A label that packets have or not, by a mask over the batch."""

    def source(view: View, candidates: Table) -> Column:
        packets = np.flatnonzero(wanted(view))
        return Column(packets, np.ones(len(packets), np.int64))

    return source


def nothing(view: View, candidates: Table) -> Column:
    """No packet has a value."""
    return empty()
