"""IP fragments put together (RFC 791 section 3.2, RFC 8200 section 4.5, RFC 815).

Where fragments overlap, the one that begins first in the datagram wins, of two that begin alike the one that came
first: Wireshark's rule. A datagram is whole once its last fragment and every byte before its end are there.
"""

from dataclasses import dataclass, field
from heapq import heappop, heappush

from sniff import limits
from sniff.limits import Counters
from sniff.notes import Code, Notes

PIECE_COST = 64
"""Bytes that one held fragment is counted for beside its own, so that many tiny ones are bounded as well."""

Key = tuple[int, ...]
"""What the fragments of one datagram have in common: IP version, addresses, identification and more."""


@dataclass(slots=True)
class Datagram:
    """A datagram that is not whole yet.

    first_ns  when its first fragment (in order of arrival) was captured
    number    frame.number of that packet
    offset    where that packet stands in the store
    pieces    (offset in the datagram, order of arrival, bytes)
    ahead     heap of (offset, end) of the pieces that begin beyond `reach`
    reach     bytes from the start that are there without a hole
    length    of the whole, by the first last fragment seen; -1 while unknown
    proto     what the fragment at offset 0 says comes next (IPv6), -1 while unknown
    cost      bytes it is counted for
    """

    first_ns: int
    number: int
    offset: int
    pieces: list[tuple[int, int, bytes]] = field(default_factory=list)
    ahead: list[tuple[int, int]] = field(default_factory=list)
    reach: int = 0
    length: int = -1
    proto: int = -1
    cost: int = 0

    def add(self, offset: int, more: bool, payload: bytes) -> None:
        """Take one fragment."""
        end = offset + len(payload)
        self.pieces.append((offset, len(self.pieces), payload))
        self.cost += len(payload) + PIECE_COST
        if not more and self.length < 0:
            self.length = end
        heappush(self.ahead, (offset, end))
        while self.ahead and self.ahead[0][0] <= self.reach:
            self.reach = max(self.reach, heappop(self.ahead)[1])

    @property
    def whole(self) -> bool:
        return 0 <= self.length <= self.reach

    def assemble(self) -> tuple[bytes, bool]:
        """(the datagram's payload, whether fragments disagreed about a byte)."""
        payload = bytearray()
        conflict = False
        for offset, _, piece in sorted(self.pieces):
            covered = len(payload) - offset
            if covered > 0 and piece[:covered] != payload[offset:offset + len(piece)]:
                conflict = True
            if covered < len(piece):
                payload += piece[covered:]
        return bytes(payload[:self.length]), conflict


class Fragments:
    """All datagrams that wait for fragments, oldest first.

    limits.FRAGMENT_BYTES and limits.FRAGMENT_DATAGRAMS bound them: the oldest one is dropped first. One that is not
    whole after limits.FRAGMENT_TIMEOUT_NS of packet time is dropped too. Both count in Counters.fragments_dropped.
    """

    def __init__(self, notes: Notes, counters: Counters) -> None:
        self.notes = notes
        self.counters = counters
        self.held = 0
        self._waiting: dict[Key, Datagram] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, key: Key, offset: int, more: bool, payload: bytes, proto: int = -1, ts_ns: int = 0, number: int = 0,
            store_offset: int = -1) -> tuple[bytes, int] | None:
        """(payload, proto) of the datagram that this fragment completes, else None.

        offset  of the fragment in the datagram, bytes
        more    whether the header says that more fragments follow
        proto   what the fragment's header says comes next; that of the fragment at offset 0 counts
        ts_ns, number, store_offset  of its packet
        """
        self._expire(ts_ns)
        datagram = self._waiting.get(key)
        if datagram is None:
            datagram = self._waiting[key] = Datagram(ts_ns, number, store_offset)
        before = datagram.cost
        datagram.add(offset, more, payload)
        if offset == 0 and datagram.proto < 0:
            datagram.proto = proto
        self.held += datagram.cost - before
        if datagram.whole:
            self._forget(key)
            whole, conflict = datagram.assemble()
            if conflict:
                self.notes.add(Code.FRAGMENT_OVERLAP, number, store_offset,
                               detail=f"fragments of the datagram that began in packet {datagram.number} disagree")
            return whole, datagram.proto
        while self.held > limits.FRAGMENT_BYTES or len(self._waiting) > limits.FRAGMENT_DATAGRAMS:
            self._forget(next(iter(self._waiting)))
            self.counters.fragments_dropped += 1
        return None

    def _forget(self, key: Key) -> None:
        self.held -= self._waiting.pop(key).cost

    def _expire(self, now_ns: int) -> None:
        while self._waiting:
            key = next(iter(self._waiting))
            oldest = self._waiting[key]
            if now_ns - oldest.first_ns <= limits.FRAGMENT_TIMEOUT_NS:
                return
            self._forget(key)
            self.counters.fragments_dropped += 1
            self.notes.add(Code.FRAGMENT_TIMEOUT, oldest.number, oldest.offset, oldest.length, oldest.reach,
                           "fragments of a datagram that never became whole")
