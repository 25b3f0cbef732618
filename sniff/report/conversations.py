"""Conversations that are no flows of their own: ICMP, and the UDP that tunnels travel in (the packet's columns describe what
is inside)."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from sniff import limits
from sniff.packets import columns as c
from sniff.packets.addresses import address_text, ipv4_text, ipv6_bytes_text
from sniff.packets.batch import PacketBatch
from sniff.reassembly import columns as s
from sniff.report.flow import SERVER_PORTS, Flow

ICMP, UDP, ICMPV6 = 1, 17, 58
ANSWERS = {ICMP: {8: 0, 13: 14, 15: 16, 17: 18, 10: 9}, ICMPV6: {128: 129, 130: 131, 133: 134, 135: 136, 139: 140, 144: 145, 146: 147}}
"""{protocol: {type of a question: type of its answer}}."""
_COUNTERPARTS = {protocol: pairs | {answer: asked for asked, answer in pairs.items()} for protocol, pairs in ANSWERS.items()}

IDLE_NS = 60_000_000_000
"""A conversation silent for longer is over; what follows is another one (Zeek's icmp_inactivity_timeout)."""

Key = tuple[int, str, int, str, int]


@dataclass(slots=True)
class Conversation:
    """Packets between two addresses. Pairs are (first speaker, the other one). Ports of ICMP are its types, or type and code."""

    protocol: int
    number: int
    addresses: tuple[str, str]
    ports: tuple[int, int]
    first_ns: int
    last_ns: int
    code: int = 0      # of the first ICMP packet
    packets: list[int] = field(default_factory=lambda: [0, 0])
    payload: list[int] = field(default_factory=lambda: [0, 0])
    wire: list[int] = field(default_factory=lambda: [0, 0])      # IP bytes
    frames: list[int] = field(default_factory=lambda: [0, 0])    # bytes of the frames

    @property
    def key(self) -> Key:
        """The same for both directions."""
        return _key(self.protocol, *self.addresses, *self.ports)


def _key(protocol: int, source: str, destination: str, source_port: int, destination_port: int) -> Key:
    one, other = sorted([(source, source_port), (destination, destination_port)])
    return protocol, *one, *other


class Conversations:
    """Those of a capture: give it every batch; iterate it for those that are still open."""

    def __init__(self) -> None:
        self._open: dict[Key, Conversation] = {}
        self._count = 0

    def __iter__(self) -> Iterator[Conversation]:
        yield from self._open.values()

    def add(self, packets: PacketBatch) -> list[Conversation]:
        """Count the packets of one batch; the conversations that are over."""
        kinds, flags = packets.table[c.KIND], packets.table[c.FLAGS]
        over: list[Conversation] = []
        for i in np.flatnonzero((kinds == c.Kind.ICMP) | (kinds == c.Kind.ICMPV6)).tolist():
            over += self._icmp(packets, i)
        for i in np.flatnonzero(flags & (c.Flag.TUNNEL | c.Flag.GTP | c.Flag.TEREDO)).tolist():
            over += self._tunnel(packets, i)
        return over

    def absorb(self, flow: Flow) -> bool:
        """Whether a flow is part of a conversation here, which then counts its packets too."""
        if not self._open or flow.protocol != UDP:
            return False
        one = self._open.get(_key(UDP, *flow.addresses, *flow.ports))
        if one is None:
            return False
        order = (0, 1) if (flow.addresses[0], flow.ports[0]) == (one.addresses[0], one.ports[0]) else (1, 0)
        if flow.first_ns < one.first_ns and order == (1, 0) and not flow.backwards:
            one.addresses, one.ports = flow.addresses, flow.ports
            for counts in (one.packets, one.payload, one.wire, one.frames):
                counts.reverse()
            order = (0, 1)
        one.first_ns, one.last_ns = min(one.first_ns, flow.first_ns), max(one.last_ns, flow.last_ns)
        for k in range(2):
            one.packets[order[k]] += flow.row[s.F_PACKETS + k]
            one.payload[order[k]] += flow.row[s.F_SENT + k]
            one.wire[order[k]] += flow.row[s.F_WIRE_BYTES + k]
            one.frames[order[k]] += flow.row[s.F_FRAME_BYTES + k]
        return True

    def _icmp(self, packets: PacketBatch, i: int) -> list[Conversation]:
        table = packets.table
        at, end = int(table[c.L4, i]), int(table[c.WIRE_END, i])
        if at < 0 or int(table[c.END, i]) < at + 2:
            return []
        protocol = ICMP if table[c.KIND, i] == c.Kind.ICMP else ICMPV6
        kind, code = int(packets.data[at]), int(packets.data[at + 1])
        counterpart = _COUNTERPARTS[protocol].get(kind)
        ports = (kind, code if counterpart is None else counterpart)
        return self._count_packet(packets, i, protocol, _addresses(packets, i), ports, end - at - 8, end - int(table[c.L3, i]),
                                  both_ways=counterpart is not None)

    def _tunnel(self, packets: PacketBatch, i: int) -> list[Conversation]:
        at, end = int(packets.table[c.OUTER_L3, i]), int(packets.table[c.L3, i])
        header = packets.data[at:end].tobytes()
        if len(header) < 28:
            return []
        if header[0] >> 4 == 4:
            length = (header[0] & 15) * 4
            wire = int.from_bytes(header[2:4], "big")
            if header[9] != UDP or header[6] & 0x1F or header[7]:
                return []
            addresses = (ipv4_text(int.from_bytes(header[12:16], "big")), ipv4_text(int.from_bytes(header[16:20], "big")))
        else:
            length, wire = 40, 40 + int.from_bytes(header[4:6], "big")
            if header[6] != UDP or len(header) < 48:
                return []
            addresses = (ipv6_bytes_text(header[8:24]), ipv6_bytes_text(header[24:40]))
        ports = (int.from_bytes(header[length:length + 2], "big"), int.from_bytes(header[length + 2:length + 4], "big"))
        return self._count_packet(packets, i, UDP, addresses, ports, wire - length - 8, wire)

    def _count_packet(self, packets: PacketBatch, i: int, protocol: int, addresses: tuple[str, str], ports: tuple[int, int],
                      payload: int, wire: int, both_ways: bool = True) -> list[Conversation]:
        ts_ns = int(packets.table[c.TS_NS, i])
        over = []
        key = _key(protocol, *addresses, *ports) if both_ways else (protocol, addresses[0], ports[0], addresses[1], ports[1])
        one = self._open.pop(key, None)
        if one is not None and protocol != UDP and ts_ns - one.last_ns > IDLE_NS:
            over.append(one)
            one = None
        if one is None:
            if len(self._open) >= limits.CONVERSATIONS:
                over.append(self._open.pop(next(iter(self._open))))
            if protocol == UDP and ports[0] in SERVER_PORTS and ports[1] not in SERVER_PORTS:
                one = Conversation(protocol, self._count, addresses[::-1], ports[::-1], ts_ns, ts_ns)
            else:
                one = Conversation(protocol, self._count, addresses, ports, ts_ns, ts_ns)
            self._count += 1
            if protocol != UDP:
                one.code = int(packets.data[int(packets.table[c.L4, i]) + 1])
        self._open[key] = one   # the last one is the youngest
        k = 0 if not both_ways or (addresses[0], ports[0]) == (one.addresses[0], one.ports[0]) else 1
        one.last_ns = ts_ns
        one.packets[k] += 1
        one.payload[k] += max(0, payload)
        one.wire[k] += wire
        one.frames[k] += int(packets.table[c.WIRELEN, i])
        return over


def _addresses(packets: PacketBatch, i: int) -> tuple[str, str]:
    kind = int(packets.table[c.ADDRESS_KIND, i])
    return (address_text(kind, int(packets.table[c.SRC_HI, i]), int(packets.table[c.SRC_LO, i])),
            address_text(kind, int(packets.table[c.DST_HI, i]), int(packets.table[c.DST_LO, i])))
