"""Fields by where they lie: a table says the place, the offset in it, the size and which bits; one function reads them all.

A place is a kind of header, or something that lies in headers as often as it likes: an option. What is found there is told as
Headers whose `proto` is the kind of the option, so that options and headers are read alike.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sniff.filters.columns import Column, objects
from sniff.filters.field import GATHER, PARSE, Field, Source
from sniff.filters.types import Type
from sniff.filters.view import Headers, View
from sniff.packets.batch import Table

Finder = Callable[[View, Table], Headers]
"""(batch, candidates) -> the places in them; those in other packets may be among them."""

Guard = Callable[[View, Headers], Any]
"""(batch, places) -> bool[k]: which of them count."""

REST = -1
"""A size: all bytes to the end of the place."""


def headers(protocol: str) -> Finder:
    """The headers of a protocol that candidates have."""
    def find(view: View, candidates: Table) -> Headers:
        found = view.headers(protocol)
        return found if len(candidates) == view.size else found.only(np.isin(found.packets, candidates))

    return find


def listed(view: View, around: Headers, begin: Table, end: Table, alone: Sequence[int] = (0, 1), last: Sequence[int] = (0,),
           unit: int = 1, more: int = 0, first: int = 2) -> Headers:
    """What stands in lists of kind, length and value, one after the other, as long as they hold together.

    around  the headers with the lists; begin, end: int64[k] where each list begins and ends
    alone   kinds of one byte, without a length; last: those after which nothing follows
    unit    bytes that one of a length stands for; more: bytes that it does not count
    first   bytes of kind and length
    """
    data = view.data
    which = np.flatnonzero(begin < end)
    at, stop = begin[which], end[which]
    found: list[tuple[Table, Table, Table, Table]] = []
    while len(which):
        kind = data[at].astype(np.int64)
        single = np.isin(kind, alone)
        length = np.ones(len(which), np.int64)
        told = ~single & (at + 1 < stop)
        length[~single] = 0
        length[told] = data[at[told] + 1].astype(np.int64) * unit + more
        fits = single | (told & (length >= first) & (at + length <= stop))
        which, at, stop, kind, length = which[fits], at[fits], stop[fits], kind[fits], length[fits]
        found.append((which, at, at + length, kind))
        at = at + length
        goes_on = (at < stop) & ~np.isin(kind, last)
        which, at, stop = which[goes_on], at[goes_on], stop[goes_on]
    if not found:
        return around.only(which)
    index, start, until, kinds = (np.concatenate(parts) for parts in zip(*found, strict=True))
    order = np.argsort(index, kind="stable")
    inside = around.only(index[order])
    return Headers(inside.packets, start[order], until[order], kinds[order], inside.quoted, inside.nth)


def of_kind(find: Finder, *kinds: int) -> Finder:
    """Options of some kinds."""
    def chosen(view: View, candidates: Table) -> Headers:
        found = find(view, candidates)
        return found.only(np.isin(found.proto, kinds))

    return chosen


def where(find: Finder, guard: Guard) -> Finder:
    """Places that a test lets through."""
    def chosen(view: View, candidates: Table) -> Headers:
        found = find(view, candidates)
        return found.only(guard(view, found)) if len(found.at) else found

    return chosen


def sized(find: Finder, *sizes: int) -> Finder:
    """Options of some sizes, kind and length included."""
    return where(find, lambda view, found: np.isin(found.stop - found.at, sizes))


def longer(find: Finder, least: int) -> Finder:
    """Places of at least that many bytes."""
    return where(find, lambda view, found: found.stop - found.at >= least)


def after(find: Finder, offset: int) -> Finder:
    """What begins that much later in a place."""
    def later(view: View, candidates: Table) -> Headers:
        found = find(view, candidates)
        found = found.only(found.at + offset <= found.stop)
        return Headers(found.packets, found.at + offset, found.stop, found.proto, found.quoted, found.nth)

    return later


def together(parts: Sequence[Headers]) -> Headers:
    """Places found in several ways, in their order in the packets."""
    columns = [np.concatenate([getattr(part, name) for part in parts]) for name in ("packets", "at", "stop", "proto", "quoted", "nth")]
    order = np.lexsort((columns[1], columns[0]))
    return Headers(*(column[order] for column in columns))


def either(*finders: Finder) -> Finder:
    """What any of these finds."""
    return lambda view, candidates: together([find(view, candidates) for find in finders])


def repeated(find: Finder, first: int, step: int, most: int = 64) -> Finder:
    """Every `step` bytes of a place from `first` on, as places of their own, whole ones only."""
    def parts(view: View, candidates: Table) -> Headers:
        found = find(view, candidates)
        count = np.clip((found.stop - found.at - first) // step, 0, most)
        inside = found.only(np.repeat(np.arange(len(count)), count))
        nth = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
        at = inside.at + first + nth * step
        return Headers(inside.packets, at, at + step, nth, inside.quoted, inside.nth)

    return parts


def report_groups(view: View, found: Headers, fixed: int, address: int) -> Headers:
    """The group records of membership reports (RFC 3376 section 4.2.4, RFC 3810 section 5.2.5).

    fixed    bytes of a record before its sources
    address  bytes of an address
    """
    rows: list[tuple[int, int, int]] = []
    for k, (begin, stop) in enumerate(zip(found.at.tolist(), found.stop.tolist(), strict=True)):
        at = begin + 8
        for _ in range(int.from_bytes(view.slice(begin + 6, begin + 8), "big")):
            if at + fixed > stop:
                break
            size = fixed + address * int.from_bytes(view.slice(at + 2, at + 4), "big") + 4 * view.bytes[at + 1]
            rows.append((k, at, min(at + size, stop)))
            at += size
    table = np.array(rows, np.int64).reshape(-1, 3)
    inside = found.only(table[:, 0])
    return Headers(inside.packets, table[:, 1].copy(), table[:, 2].copy(), inside.proto, inside.quoted, inside.nth)


def read(find: Finder, kind: Type, offset: int = 0, size: int = 0, mask: int = 0, scale: int = 1) -> Source:
    """What lies at a place, as values of a type; where not all of its bytes are there, there is no value.

    size    bytes; REST for all that follow, 0 for "it is there"
    mask    bits that count; what is below the lowest one is shifted out
    scale   what one unit of a number is
    """
    shift = (mask & -mask).bit_length() - 1 if mask else 0

    def source(view: View, candidates: Table) -> Column:
        found = find(view, candidates)
        found = found.only(found.at + offset + max(size, 0) <= found.stop)
        at = found.at + offset
        if kind in (Type.BYTES, Type.STRING):
            stop = found.stop if size == REST else at + size
            pieces = [view.slice(a, b) for a, b in zip(at.tolist(), stop.tolist(), strict=True)]
            if kind == Type.BYTES:
                return objects(found.packets, pieces, found.nth)
            return objects(found.packets, [piece.partition(b"\0")[0].decode("utf-8", "surrogateescape") for piece in pieces], found.nth)
        if kind == Type.IPV6:
            return Column(found.packets, np.stack([view.number(at + k, 8).view(np.uint64) for k in (0, 8)], axis=1), found.nth)
        if not size:
            return Column(found.packets, np.ones(len(at), np.int64), found.nth)
        values = view.number(at, size)
        if mask:
            values = (values & mask) >> shift
        return Column(found.packets, values * scale if scale != 1 else values, found.nth)

    return source


def field(name: str, kind: Type, meaning: str, find: Finder, offset: int = 0, size: int = 0, mask: int = 0, scale: int = 1,
          bits: int = 0, names: dict[str, int] | None = None, dear: bool = True) -> Field:
    """A field that lies somewhere: one row of a table.

    bits  of its numbers, when they are not those of its bytes
    dear  looking for the places takes more than a look at a column
    """
    return Field(name, kind, meaning, read(find, kind, offset, size, mask, scale), PARSE if dear else GATHER,
                 bits=bits or 8 * max(size, 1) if kind == Type.NUMBER else 64, names=names)
