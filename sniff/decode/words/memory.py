"""What earlier packets are remembered for: the request a ping's reply answers, who used an address (ARP), where SCTP began."""

from typing import TypeVar

from sniff import limits
from sniff.limits import Counters

K = TypeVar("K")
V = TypeVar("V")


class Memory:
    """Bounded by limits.PINGS and limits.ARP_OWNERS; the oldest entry is forgotten first."""

    def __init__(self, counters: Counters | None = None) -> None:
        self._counters = counters
        self._pings: dict[tuple[object, ...], int] = {}
        self._owners: dict[bytes, bytes] = {}
        self._first_tsn: dict[tuple[object, ...], int] = {}
        self._sent: dict[tuple[tuple[object, ...], int], bool] = {}

    def request(self, key: tuple[object, ...], number: int) -> None:
        """A ping request in packet `number`. A later one with the same key replaces it."""
        self._put(self._pings, key, number, limits.PINGS)

    def answered(self, key: tuple[object, ...]) -> int:
        """frame.number of the request that this reply answers, 0 when there is none; it is answered only once."""
        return self._pings.pop(key, 0)

    def first_tsn(self, association: tuple[object, ...], tsn: int) -> int:
        """The first transmission number seen of one direction of an SCTP association, `tsn` when there was none."""
        first = self._first_tsn.get(association)
        if first is None:
            self._put(self._first_tsn, association, tsn, limits.SCTP_NUMBERS)
            return tsn
        return first

    def sent_before(self, association: tuple[object, ...], tsn: int) -> bool:
        """Whether a transmission number was seen before; it is remembered."""
        known = (association, tsn) in self._sent
        if not known:
            self._put(self._sent, (association, tsn), True, limits.SCTP_NUMBERS)
        return known

    def conflict(self, address: bytes, owner: bytes) -> bool:
        """Whether `address` was announced with another hardware address before; the first one is remembered."""
        known = self._owners.get(address)
        if known is None:
            self._put(self._owners, address, owner, limits.ARP_OWNERS)
            return False
        return known != owner

    def _put(self, table: dict[K, V], key: K, value: V, cap: int) -> None:
        table[key] = value
        if len(table) > cap:
            del table[next(iter(table))]
            if self._counters is not None:
                self._counters.rows_forgotten += 1
