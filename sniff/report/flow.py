"""One flow, with names: what the flow rows of reassembly say, for every report that shows connections."""

import ipaddress
from collections.abc import Iterator
from functools import cached_property

from sniff.packets.addresses import address_text
from sniff.packets.batch import Table
from sniff.packets.columns import Address
from sniff.reassembly import columns as s

SERVER_PORTS = frozenset({
    20, 21, 22, 23, 25, 53, 67, 80, 81, 88, 102, 110, 123, 137, 143, 161, 162, 389, 443, 445, 502, 514, 563, 585, 587, 614,
    631, 636, 749, 853, 989, 990, 992, 993, 995, 1080, 1433, 1434, 1812, 1883, 2152, 2123, 2811, 3128, 3268, 3306, 3389, 3544, 4011,
    4789, 5060, 5072, 5223, 5353, 5355, 5432, 5900, 6081, 6379, 6666, 6667, 6668, 6669, 6697, 8000, 8080, 8443, 8883, 8888,
    9000, 9092, 9200, 20000, 27017,
})
"""Ports of well-known servers: who has one is the server when nobody saw how the connection began."""


_AT_ONCE = 512
_ENDS = tuple(s.End)


def is_group(address: str) -> bool:
    """Whether an address is a broadcast or multicast one: nobody who speaks to it answers a question."""
    return address == "255.255.255.255" or ipaddress.ip_address(address).is_multicast


class Flow:
    """One row of the flow table. Pairs are (client, server); times are nanoseconds since 1970, -1 when not seen."""

    def __init__(self, row: list[int]) -> None:
        self.row = row
        self.protocol = row[s.F_PROTO]
        self.stream = row[s.F_STREAM]
        self.first_ns = row[s.F_FIRST_NS]
        self.last_ns = row[s.F_LAST_NS]

    def pair(self, column: int) -> tuple[int, int]:
        """The numbers of a column that comes in pairs."""
        return self.row[column], self.row[column + 1]

    @cached_property
    def addresses(self) -> tuple[str, str]:
        """Client and server."""
        kind = Address.IPV6 if self.row[s.F_IP_VERSION] == 6 else Address.IPV4
        return (address_text(kind, self.row[s.F_CLIENT_HI], self.row[s.F_CLIENT_LO]),
                address_text(kind, self.row[s.F_SERVER_HI], self.row[s.F_SERVER_LO]))

    @property
    def ports(self) -> tuple[int, int]:
        return self.pair(s.F_CLIENT_PORT)

    @property
    def protocol_name(self) -> str:
        return {6: "TCP", 17: "UDP"}.get(self.protocol, str(self.protocol))

    @property
    def duration_ns(self) -> int:
        return self.last_ns - self.first_ns

    @property
    def backwards(self) -> bool:
        """Whether who is called the client here was more likely the server, by its port: nobody saw how the flow began."""
        if self.protocol == 6 and not self.row[s.F_MIDSTREAM]:
            return False
        first = self.row[s.F_FIRST_DIRECTION]
        speaker, other = self.ports[first], self.ports[1 - first]
        answers = speaker in SERVER_PORTS and other not in SERVER_PORTS and not is_group(self.addresses[1 - first])
        return (first == 1) != answers

    @property
    def state(self) -> s.ConnState:
        """How it ended, in Zeek's words."""
        return s.ConnState(self.row[s.F_STATE])

    @property
    def end_reason(self) -> s.EndReason:
        return s.EndReason(self.row[s.F_END_REASON])

    @cached_property
    def ends(self) -> tuple[s.End, s.End]:
        """How the two ends of a TCP connection stand."""
        return _ENDS[self.row[s.F_ENDS] & 15], _ENDS[self.row[s.F_ENDS] >> 4 & 15]

    @property
    def history(self) -> str:
        """What happened, in order, as Zeek's `history`; capitals stand for the client. UDP has data only."""
        if self.protocol != 6:
            sent = self.pair(s.F_PACKETS)
            return "D" * bool(sent[0]) + "d" * bool(sent[1])
        letters = ""
        for events in self.pair(s.F_HISTORY):
            while events > 0:
                letters += s.HISTORY[events & 31]
                events >>= 5
        return letters

    @property
    def sent(self) -> tuple[int, int]:
        """Payload bytes on the wire, repetitions counted."""
        return self.pair(s.F_SENT)

    @property
    def stream_bytes(self) -> tuple[int, int]:
        """Bytes of the two streams by sequence numbers: what was sent or acknowledged, captured or not. UDP: as sent."""
        return (self._stream_bytes(0), self._stream_bytes(1)) if self.protocol == 6 else self.sent

    def _stream_bytes(self, direction: int) -> int:
        if self.ends[direction] == s.End.INACTIVE:
            return 0
        size = max(self.row[s.F_LAST_SEQ + direction], self.row[s.F_LAST_ACK + direction])
        size -= size > 0                                            # the SYN
        return size - (size > 0 and self.row[s.F_FIN + direction] > 0)

    @property
    def round_trip_ns(self) -> int:
        """The shortest time from a segment to its acknowledgement, there and back from where it was captured; -1."""
        halves = self.pair(s.F_RTT_MIN_NS)
        return sum(halves) if min(halves) >= 0 else -1

    @property
    def handshake_ns(self) -> int:
        """From the SYN to the ACK that completed the handshake, -1 when they were not seen."""
        row = self.row
        return row[s.F_ESTABLISHED_NS] - row[s.F_SYN_NS] if row[s.F_ESTABLISHED_NS] >= 0 and row[s.F_SYN_NS] >= 0 else -1


def flows_of(rows: Table) -> Iterator[Flow]:
    """The flows of a table of rows, int64[F_COUNT, k]."""
    for start in range(0, rows.shape[1], _AT_ONCE):     # a row is some kilobytes while it is a list
        for row in rows[:, start:start + _AT_ONCE].T.tolist():
            yield Flow(row)
