"""Connection: what an exchange knows of the TCP connection that carried it."""

import ipaddress
from functools import cached_property

import numpy as np

from sniff.packets import columns as c
from sniff.packets.batch import Table
from sniff.reassembly import columns as s
from sniff.reassembly.batch import StreamBatch

_KEPT = (s.F_STREAM, s.F_IP_VERSION, s.F_CLIENT_HI, s.F_CLIENT_LO, s.F_SERVER_HI, s.F_SERVER_LO, s.F_CLIENT_PORT,
         s.F_SERVER_PORT, s.F_FIRST_NS, s.F_SYN_NS, s.F_SYNACK_NS, s.F_ESTABLISHED_NS, s.F_MIDSTREAM, s.F_VLAN,
         s.F_FIRST_PACKET)
"""Numbers of a flow that are kept while it lives, in this order; the rest is read from its last row when it ends."""
_STREAM, _VERSION, _CLIENT_HI, _CLIENT_LO, _SERVER_HI, _SERVER_LO, _CLIENT_PORT, _SERVER_PORT, _FIRST_NS, _SYN_NS, \
    _SYNACK_NS, _ESTABLISHED_NS, _MIDSTREAM, _VLAN, _FIRST_PACKET = range(len(_KEPT))
_SYN_ACK, _ACK = 0x12, 0x10


class Connection:
    """Addresses, ports and the handshake of one TCP connection. Times are nanoseconds since 1970, -1 when not seen."""

    __slots__ = ("__dict__", "numbers")

    def __init__(self, numbers: list[int]) -> None:
        self.numbers = numbers

    @classmethod
    def unknown(cls, stream: int) -> "Connection":
        """A connection of which nothing is known but its number."""
        numbers = [-1] * len(_KEPT)
        numbers[_STREAM], numbers[_VERSION] = stream, 0
        return cls(numbers)

    @property
    def stream(self) -> int:
        """tcp.stream."""
        return self.numbers[_STREAM]

    @cached_property
    def client(self) -> str:
        """The client's address."""
        return address(self.numbers[_VERSION], self.numbers[_CLIENT_HI], self.numbers[_CLIENT_LO])

    @cached_property
    def server(self) -> str:
        """The server's address."""
        return address(self.numbers[_VERSION], self.numbers[_SERVER_HI], self.numbers[_SERVER_LO])

    @property
    def client_port(self) -> int:
        return self.numbers[_CLIENT_PORT]

    @property
    def server_port(self) -> int:
        return self.numbers[_SERVER_PORT]

    @property
    def is_ipv6(self) -> bool:
        return self.numbers[_VERSION] == 6

    @property
    def key(self) -> tuple[int, int, int, int]:
        """(client, server) as the columns hold them: upper and lower half of each."""
        numbers = self.numbers
        return numbers[_CLIENT_HI], numbers[_CLIENT_LO], numbers[_SERVER_HI], numbers[_SERVER_LO]

    @property
    def syn_ns(self) -> int:
        """When the client's first SYN was captured."""
        return self.numbers[_SYN_NS]

    @property
    def established_ns(self) -> int:
        """When the handshake was complete: its last ACK, or else the SYN/ACK."""
        established = self.numbers[_ESTABLISHED_NS]
        return established if established >= 0 else self.numbers[_SYNACK_NS]

    @property
    def midstream(self) -> bool:
        """It was already running when the capture began."""
        return bool(self.numbers[_MIDSTREAM])

    @property
    def vlan(self) -> int:
        """vlan.id, -1 without one."""
        return self.numbers[_VLAN]

    @property
    def first_ns(self) -> int:
        """Time of its first packet."""
        return self.numbers[_FIRST_NS]

    @property
    def first_packet(self) -> int:
        """frame.number of its first packet."""
        return self.numbers[_FIRST_PACKET]


def address(version: int, high: int, low: int) -> str:
    """An address as text, from the two halves in which the columns hold it; empty when there is none."""
    if version == 4:
        return f"{low >> 24 & 255}.{low >> 16 & 255}.{low >> 8 & 255}.{low & 255}"
    if version == 6:
        return ipaddress.IPv6Address((high & 0xFFFF_FFFF_FFFF_FFFF) << 64 | low & 0xFFFF_FFFF_FFFF_FFFF).compressed
    return ""


class Connections:
    """The TCP connections that live, by stream number: a few numbers each, in one table that grows and is reused."""

    def __init__(self) -> None:
        self._table: Table = np.zeros((len(_KEPT), 256), np.int64)
        self._place: dict[int, int] = {}
        self._free = list(range(255, -1, -1))
        self._waiting: set[int] = set()     # streams that saw the SYN/ACK, not yet the ACK after it

    def __len__(self) -> int:
        return len(self._place)

    def open(self, streams: StreamBatch) -> None:
        """Remember the connections that began in a batch, and when open ones were answered."""
        opened = streams.opened
        opened = opened[:, opened[s.F_PROTO] == 6] if opened.shape[1] else opened
        count = opened.shape[1]
        if count:
            while len(self._free) < count:
                size = self._table.shape[1]
                self._table = np.concatenate([self._table, np.zeros_like(self._table)], axis=1)
                self._free.extend(range(2 * size - 1, size - 1, -1))
            places = [self._free.pop() for _ in range(count)]
            self._table[:, places] = opened[list(_KEPT)]
            self._place.update(zip(opened[s.F_STREAM].tolist(), places, strict=True))
        self._answer(streams)
        if count:
            half = (opened[s.F_SYNACK_NS] >= 0) & (opened[s.F_ESTABLISHED_NS] < 0)
            self._waiting.update(opened[s.F_STREAM, half].tolist())

    def _answer(self, streams: StreamBatch) -> None:
        """A handshake may be completed in a later batch than the one that it began in."""
        packets = streams.packets.table
        if not self._place or not packets.shape[1]:
            return
        tcp = packets[c.KIND] == c.Kind.TCP
        answers = (packets[c.TCP_FLAGS] & _SYN_ACK == _SYN_ACK) & tcp
        after: dict[int, int] = {}
        for index in np.flatnonzero(answers).tolist():
            place = self._place.get(int(streams.table[s.STREAM, index]))
            if place is not None and self._table[_SYNACK_NS, place] < 0 and streams.table[s.DIRECTION, index] == 1:
                self._table[_SYNACK_NS, place] = packets[c.TS_NS, index]
                after[int(streams.table[s.STREAM, index])] = index
        self._waiting.update(after)
        if not self._waiting:
            return
        acks = tcp & (packets[c.TCP_FLAGS] & _SYN_ACK == _ACK) & (streams.table[s.DIRECTION] == 0)
        acks &= np.isin(streams.table[s.STREAM], np.fromiter(self._waiting, np.int64, len(self._waiting)))
        for index in np.flatnonzero(acks).tolist():
            stream = int(streams.table[s.STREAM, index])
            if stream in self._waiting and index > after.get(stream, -1):
                self._waiting.discard(stream)
                self._table[_ESTABLISHED_NS, self._place[stream]] = packets[c.TS_NS, index]

    def get(self, stream: int) -> Connection:
        """What is known of a connection now."""
        place = self._place.get(stream)
        return Connection.unknown(stream) if place is None else Connection(self._table[:, place].tolist())

    def close(self, stream: int) -> None:
        """Forget a connection that ended."""
        place = self._place.pop(stream, None)
        self._waiting.discard(stream)
        if place is not None:
            self._free.append(place)
