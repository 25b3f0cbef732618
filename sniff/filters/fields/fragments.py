"""Fields of IP datagrams that were put together from fragments: they belong to the packet with the fragment that was missing last."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

from sniff import limits
from sniff.filters.columns import Column, numbers, objects
from sniff.filters.field import COLUMN, PARSE, Field, Source, there
from sniff.filters.fields.packets import extensions
from sniff.filters.types import Type
from sniff.filters.view import View
from sniff.packets import columns as c
from sniff.packets.batch import Table
from sniff.packets.columns import Flag
from sniff.packets.fragments import Datagram

Fragment = tuple[int, tuple[Any, ...], int, bool, bytes]
"""(packet, what the fragments of its datagram have in common, offset in the datagram, more follow, bytes)."""


class Whole:
    """One datagram, in the order of its bytes.

    frames   numbers of its packets
    overlap, conflict, tails, long  bool each: it repeats bytes of others; other bytes; it is another end; it goes beyond the end
    length   of the datagram; data: its bytes
    """

    def __init__(self, datagram: Datagram, frames: list[int], ends: list[bool]) -> None:
        self.length = datagram.length
        self.frames: list[int] = []
        self.overlap: list[bool] = []
        self.conflict: list[bool] = []
        self.tails: list[bool] = []
        self.long: list[bool] = []
        payload = bytearray()
        for offset, order, piece in sorted(datagram.pieces):
            covered = len(payload) - offset
            self.frames.append(frames[order])
            self.overlap.append(covered > 0)
            self.conflict.append(covered > 0 and piece[:covered] != payload[offset:offset + len(piece)])
            self.tails.append(ends[order] and offset + len(piece) != datagram.length)
            self.long.append(offset + len(piece) > datagram.length)
            payload += piece[max(covered, 0):]
        self.data = bytes(payload[:self.length])

    @property
    def errors(self) -> list[bool]:
        """Which of them should not be there."""
        return [any(wrong) for wrong in zip(self.conflict, self.tails, self.long, strict=True)]


class Datagrams:
    """The datagrams that became whole: {packet index: (IP version, Whole)}. Those that wait are bounded as in packets/fragments.py."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[tuple[Any, ...], tuple[Datagram, list[int], list[bool]]] = OrderedDict()
        self._held = 0

    def add(self, view: View) -> None:
        found: dict[int, tuple[int, Whole]] = {}
        for packet, key, offset, more, payload in sorted([*_version_4(view), *_version_6(view)], key=lambda fragment: fragment[0]):
            datagram, frames, ends = self._waiting.setdefault(key, (Datagram(0, 0, 0), [], []))
            before = datagram.cost
            datagram.add(offset, more, payload)
            frames.append(int(view.table[c.NUMBER, packet]))
            ends.append(not more)
            self._held += datagram.cost - before
            if datagram.whole:
                self._forget(key)
                if view.table[c.FLAGS, packet] & Flag.REASSEMBLED:
                    found[packet] = key[0], Whole(datagram, frames, ends)
            while self._held > limits.FRAGMENT_BYTES or len(self._waiting) > limits.FRAGMENT_DATAGRAMS:
                self._forget(next(iter(self._waiting)))
        view.memory["datagrams"] = found

    def _forget(self, key: tuple[Any, ...]) -> None:
        self._held -= self._waiting.pop(key)[0].cost


def _version_4(view: View) -> Iterator[Fragment]:
    headers = there(view, "ip", 0, 20, lambda view, headers: ~headers.quoted)
    headers = headers.only(view.number(headers.at + 6, 2) & 0x3FFF != 0)
    for packet, at, stop in zip(headers.packets.tolist(), headers.at.tolist(), headers.stop.tolist(), strict=True):
        header = view.slice(at, at + 20)
        begin, end = at + (header[0] & 15) * 4, at + int.from_bytes(header[2:4], "big")
        word = int.from_bytes(header[6:8], "big")
        if begin < end <= stop and header[0] & 15 >= 5:
            yield (packet, (4, header[12:20], header[4:6], header[9], int(view.table[c.VLAN, packet])), (word & 0x1FFF) * 8,
                   bool(word & 0x2000), view.slice(begin, end))


def _version_6(view: View) -> Iterator[Fragment]:
    parts = [part for part in extensions(view) if part[1] == 44]
    if not parts:
        return
    headers = there(view, "ipv6", 0, 40, lambda view, headers: ~headers.quoted)
    places: dict[int, list[int]] = {}
    for packet, at in zip(headers.packets.tolist(), headers.at.tolist(), strict=True):
        places.setdefault(packet, []).append(at)
    for packet, _, here, stop in parts:
        around = [at for at in places.get(packet, []) if at < here]
        if not around:
            continue
        end = around[-1] + 40 + int.from_bytes(view.slice(around[-1] + 4, around[-1] + 6), "big")
        word = int.from_bytes(view.slice(here + 2, here + 4), "big")
        if word & 0xFFF9 and here + 8 < end <= stop:
            yield (packet, (6, view.slice(around[-1] + 8, around[-1] + 40), view.slice(here + 4, here + 8), int(view.table[c.VLAN,
                packet])),
                   word & 0xFFF8, bool(word & 1), view.slice(here + 8, end))


# --- fields -------------------------------------------------------------------------------------------------------------------

def _of(version: int, read: Callable[[Whole], list[int]]) -> Source:
    def source(view: View, candidates: Table) -> Column:
        found = [(packet, value) for packet, (kind, whole) in view.memory["datagrams"].items() if kind == version for value in read(whole)]
        return numbers([packet for packet, _ in found], [value for _, value in found])

    return source


def _marked(name: str) -> Callable[[Whole], list[int]]:
    return lambda whole: [1 for wrong in getattr(whole, name) if wrong]


def _bytes(version: int) -> Source:
    def source(view: View, candidates: Table) -> Column:
        wanted = set(candidates.tolist())
        found = [(packet, whole.data) for packet, (kind, whole) in view.memory["datagrams"].items() if kind == version and packet in wanted]
        return objects([packet for packet, _ in found], [data for _, data in found])

    return source


def _fields(prefix: str, version: int) -> list[Field]:
    def of(name: str, kind: Type, meaning: str, read: Callable[[Whole], list[int]], bits: int = 64) -> Field:
        return Field(prefix + name, kind, meaning, _of(version, read), COLUMN, bits=bits, trackers=("datagrams",))

    there_is = _of(version, lambda whole: [1])
    return [
        Field(prefix + "fragments", Type.BYTES if version == 4 else Type.NONE, "a datagram put together from fragments",
              _bytes(version) if version == 4 else there_is, PARSE, there_is, trackers=("datagrams",)),
        of("fragment", Type.NUMBER, "packet with a fragment of the datagram",
           lambda whole: [frame for frame, wrong in zip(whole.frames, whole.errors, strict=True) if not wrong], 32),
        of("fragment.error", Type.NUMBER, "packet with a fragment that does not belong there",
           lambda whole: [frame for frame, wrong in zip(whole.frames, whole.errors, strict=True) if wrong], 32),
        of("fragment.count", Type.NUMBER, "fragments of the datagram", lambda whole: [len(whole.frames)], 32),
        *(of(f"fragment.{name}", Type.BOOLEAN, meaning, _marked(row))
          for name, row, meaning in (("overlap", "overlap", "a fragment repeats bytes of others"),
                                     ("overlap.conflict", "conflict", "a fragment has other bytes than others in its place"),
                                     ("multipletails", "tails", "a second end of the datagram"),
                                     ("toolongfragment", "long", "a fragment goes beyond the end"))),
        of("reassembled.length", Type.NUMBER, "bytes of a datagram that was put together", lambda whole: [whole.length], 32),
        Field(f"{prefix}reassembled.data", Type.BYTES, "a datagram that was put together", _bytes(version), PARSE, there_is,
              trackers=("datagrams",)),
    ]


FRAGMENT_FIELDS = [*_fields("ip.", 4), *_fields("ipv6.", 6)]
