"""One batch of packets as fields look at it: which headers there are, which messages, and what earlier batches left.

What a filter does not ask for is not made: headers are listed again, DNS messages parsed and heads of HTTP read only when
the first field wants them.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sniff.capture.owners import Owner
from sniff.capture.raw import Bytes, Interface, view
from sniff.decode.batch import AppBatch
from sniff.decode.dns import DnsBatch
from sniff.filters.columns import NOTHING
from sniff.notes import Notes
from sniff.packets import columns as c
from sniff.packets.batch import Table
from sniff.packets.columns import Flag, Kind, Layer
from sniff.packets.cursor import PROGRESS, RECORD, TRACE_LAYERS, TRACE_SIZE
from sniff.packets.dissect import trace
from sniff.packets.headers import Packet


class Headers:
    """Headers of one kind in some packets, in order. All columns have one entry a header.

    packets  int64[k]  index of the packet
    at       int64[k]  index of the header's first byte in `View.data`
    stop     int64[k]  index after the last byte that was captured of what the header around it holds
    proto    int64[k]  ip.proto as it stood before the header; -1 none
    quoted   bool[k]   inside what an ICMP error quotes
    nth      int64[k]  0 for the first header of this kind in its packet
    """

    __slots__ = ("at", "nth", "packets", "proto", "quoted", "stop")

    def __init__(self, packets: Table, at: Table, stop: Table, proto: Table, quoted: NDArray[np.bool_], nth: Table) -> None:
        self.packets = packets
        self.at = at
        self.stop = stop
        self.proto = proto
        self.quoted = quoted
        self.nth = nth

    def only(self, which: NDArray[Any]) -> "Headers":
        """Some of them: a mask or indexes."""
        return Headers(self.packets[which], self.at[which], self.stop[which], self.proto[which], self.quoted[which],
                       self.nth[which])


def numbered(packets: Table) -> Table:
    """int64[k]: 0, 1, 2 ... within each run of equal numbers."""
    count = np.arange(len(packets))
    return count - count[np.searchsorted(packets, packets, "left")]


class Context:
    """What does not change from batch to batch.

    interfaces  those of the capture, so far
    numbered    the capture says on which interface each packet was captured (pcapng)
    notes       what is strange about the capture, so far
    take_owners what it said of processes since the last time (Source.take_owners)
    """

    def __init__(self, interfaces: Callable[[], list[Interface]] = list, numbered: bool = False, notes: Notes | None = None,
                 take_owners: Callable[[], list[tuple[int, int, Owner]]] = list) -> None:
        self.interfaces = interfaces
        self.numbered = numbered
        self.notes = notes if notes is not None else Notes()
        self.take_owners = take_owners


class View:
    """One batch.

    apps       what all stages say of it
    table      int64[packets.columns.COUNT, n]
    flows      int64[reassembly.columns.COUNT, n]
    data       uint8[m]  its bytes
    memory     what trackers know of this batch: {tracker: what it said}
    zero_ns    when the first packet of the capture was captured
    """

    def __init__(self, apps: AppBatch, context: Context, zero_ns: int) -> None:
        self.apps = apps
        self.context = context
        self.zero_ns = zero_ns
        self.streams = apps.streams
        self.packets = apps.streams.packets
        self.table = self.packets.table
        self.flows = self.streams.table
        self.data: Bytes = self.packets.data
        self.bytes: memoryview = view(self.packets.data)
        self.size = self.table.shape[1]
        self.memory: dict[str, Any] = {}
        self._headers: dict[str, Headers] = {}

    # --- bytes ------------------------------------------------------------------------------------------------------

    def number(self, at: Table, size: int) -> Table:
        """int64[k]: numbers of `size` bytes at these indexes, network order; all their bytes must be there.

        Eight bytes are an unsigned number that is reinterpreted, as in packets/columns.py.
        """
        value = np.zeros(len(at), np.int64)
        for offset in range(size):
            value = (value << 8) | self.data[at + offset]
        return value

    def slice(self, start: int, stop: int) -> bytes:
        """Some bytes."""
        return bytes(self.bytes[start:stop])

    # --- headers ----------------------------------------------------------------------------------------------------

    @cached_property
    def trace(self) -> Table:
        """int64[k, 1 + TRACE_SIZE]: every header of every packet, see packets.dissect.trace."""
        indexes = np.arange(self.size)
        fcs = np.array([interface.fcs_len for interface in self.context.interfaces()], np.int64)
        record = np.zeros(RECORD, np.int64)
        packet = Packet(view(self.data), view(record))
        out = np.empty((4 * self.size + 2 * TRACE_LAYERS, 1 + TRACE_SIZE), np.int64)
        used = at = 0
        while at < self.size:
            if len(out) - used < TRACE_LAYERS:
                out = np.concatenate([out, np.empty_like(out)])
            try:
                used += trace(packet, view(indexes), at, view(self.table), view(fcs), len(self.packets.raw.data),
                              view(out[used:]))
                at = int(record[PROGRESS])
            except IndexError:      # no packet should get here (packets/stage.py); should one, it has no headers
                at = int(record[PROGRESS]) + 1
        return out[:used]

    @cached_property
    def plain(self) -> bool:
        """Whether every packet has one IP header at most, so that the columns say where all headers are."""
        kind, flags = self.table[c.KIND], self.table[c.FLAGS]
        return not ((flags & int(Flag.TUNNEL)).any() or ((kind == Kind.ICMP) | (kind == Kind.ICMPV6)).any()
                    or (self.table[c.OUTER_L3] != self.table[c.L3])[self.table[c.OUTER_L3] >= 0].any())

    def headers(self, protocol: str) -> Headers:
        """All headers of a protocol: eth vlan arp ip ipv6 icmp icmpv6 igmp tcp udp."""
        found = self._headers.get(protocol)
        if found is None:
            found = self._headers[protocol] = self._find(protocol)
        return found

    def _find(self, protocol: str) -> Headers:
        table = self.table
        if protocol in ("tcp", "udp") and self.plain:
            packets = np.flatnonzero(table[c.KIND] == (Kind.TCP if protocol == "tcp" else Kind.UDP))
            return self._simple(packets, c.L4)
        if protocol in ("ip", "ipv6") and self.plain:
            version = 4 if protocol == "ip" else 6
            packets = np.flatnonzero((table[c.OUTER_L3] >= 0) & (table[c.IP_VERSION] == version))
            return self._simple(packets, c.OUTER_L3)
        layer, proto = LAYERS[protocol]
        rows = self.trace
        rows = rows[(rows[:, 1] == layer) & ((rows[:, 4] == proto) if proto >= 0 else True)]
        at, stop = rows[:, 2], rows[:, 3]
        if protocol in ("ip", "ipv6"):
            first = np.zeros(len(at), np.int64)
            there = at < stop
            first[there] = self.data[at[there]] >> 4
            rows = rows[first == 4] if protocol == "ip" else rows[first == 6]
        packets = rows[:, 0].copy()
        return Headers(packets, rows[:, 2].copy(), rows[:, 3].copy(), rows[:, 4].copy(), rows[:, 6] != 0, numbered(packets))

    def _simple(self, packets: Table, column: int) -> Headers:
        table = self.table
        whole = table[c.START, packets] + table[c.CAPLEN, packets]
        at = table[column, packets]
        inside = (at >= table[c.START, packets]) & (at <= whole)
        stop = np.where(inside & (column != c.L4), whole, table[c.END, packets])
        none = np.zeros(len(packets), np.int64)
        return Headers(packets, at, stop, table[c.IP_PROTO, packets], none != 0, none)

    # --- messages ---------------------------------------------------------------------------------------------------

    @property
    def dns(self) -> DnsBatch:
        """The DNS messages of this batch (trackers.py)."""
        found: DnsBatch = self.memory["dns"]
        return found

    @cached_property
    def dns_packets(self) -> Table:
        """int64[k]: which packets the messages belong to, not falling."""
        from sniff.decode.dns_columns import D_INDEX
        return self.dns.column(D_INDEX).copy() if len(self.dns) else NOTHING


LAYERS = {"eth": (Layer.ETHERNET, -1), "vlan": (Layer.VLAN, -1), "arp": (Layer.ARP, -1), "ip": (Layer.IPV4, -1),
          "ipv6": (Layer.IPV6, -1), "icmp": (Layer.IP_PROTO, 1), "icmpv6": (Layer.IP_PROTO, 58), "igmp": (Layer.IP_PROTO, 2),
          "tcp": (Layer.TCP, -1), "udp": (Layer.UDP, -1), "sll": (Layer.COOKED, -1)}
"""{protocol: (Layer, IP protocol number or -1)} of the headers that fields read."""
