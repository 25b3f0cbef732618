"""Who is who: the processes that own the ends of connections, as the capture itself says (capture/owners.py).

What a packet's row says is what stood in the file in front of the packet, so that a live row and the same row of the file
are one, however far ahead the file is read.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from ipaddress import ip_address

from sniff import limits
from sniff.capture.owners import Known, Owner

Side = tuple[int, int, int, int, int, int, int, int]
"""One end of a connection: protocol, IP version, address (two columns), port, peer (two columns), its port."""

Records = Iterable[tuple[int, int, Owner]]
"""(number of the file, offset in it, record)."""

HISTORY = 64
"""Records of one end that are remembered, for ports that are used again and again."""
REACH_NS = 1_000_000_000
"""A record may be this much younger than the last packet of its connection."""


class Owners:
    """Who owns which end. Feed it the records that were read before each batch is asked about.

    take      the records that were read since the last time (Source.take_owners)
    counters  `owners_forgotten` counts ends that too many younger ones pushed out (limits.OWNERS)
    """

    def __init__(self, take: Callable[[], Records], counters: limits.Counters | None = None) -> None:
        self._take = take
        self._counters = counters if counters is not None else limits.Counters()
        self._known: OrderedDict[Side, deque[tuple[int, int, Owner]]] = OrderedDict()

    def learn(self) -> None:
        """Take in what was read."""
        for file, offset, owner in self._take():
            side = _side(owner)
            records = self._known.get(side)
            if records is None:
                records = self._known[side] = deque(maxlen=HISTORY)
                if len(self._known) > limits.OWNERS:
                    self._known.popitem(last=False)
                    self._counters.owners_forgotten += 1
            records.append((file, offset, owner))

    def __bool__(self) -> bool:
        """Whether anything is known."""
        return bool(self._known)

    def at(self, side: Side, offset: int, file: int = 0) -> Owner | None:
        """Who owns this end, by what stands in the file in front of `offset`."""
        for of, at, owner in reversed(self._known.get(side, ())):
            if of != file or at < offset:
                return owner if owner.known != Known.NOT_FOUND else None
        return None

    def during(self, side: Side, first_ns: int, last_ns: int, *, began: bool) -> Owner | None:
        """Who owned this end at that time.

        began  the connection began at first_ns: what was known before is about another one
        """
        for _file, _at, owner in reversed(self._known.get(side, ())):
            if owner.since_ns <= last_ns + REACH_NS:
                stale = began and owner.since_ns < first_ns - REACH_NS
                return owner if owner.known != Known.NOT_FOUND and not stale else None
        return None


def _side(owner: Owner) -> Side:
    one, other = ip_address(owner.address), ip_address(owner.peer)
    return (owner.protocol, one.version, *_columns(int(one)), owner.port, *_columns(int(other)), owner.peer_port)


def side_of(protocol: int, address: str, port: int, peer: str, peer_port: int) -> Side:
    """One end, from texts."""
    return _side(Owner(protocol, address, port, peer, peer_port, Known.NOT_FOUND))


def _columns(number: int) -> tuple[int, int]:
    """An address as two columns: packets/columns.py."""
    high, low = number >> 64, number & (1 << 64) - 1
    return (high - (1 << 64) if high >= 1 << 63 else high), (low - (1 << 64) if low >= 1 << 63 else low)
