"""The summary: what a capture comes to, in a few lines after its rows."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sniff.decode import columns as d
from sniff.decode.batch import AppBatch
from sniff.exchange.totals import HttpTotals
from sniff.limits import Counters
from sniff.notes import Code, Notes
from sniff.packets import columns as c
from sniff.packets.columns import Kind
from sniff.reassembly import columns as s
from sniff.report.colors import bytes_at

if TYPE_CHECKING:
    from sniff.filters.chosen import Chosen
    from sniff.filters.columns import Mask

DNS_QR = 0x80
"""The bit of the third byte of a DNS message that says response (RFC 1035 section 4.1.1)."""

REQUEST_BYTES = 2048
"""Bytes of the slowest request that are looked at for its URL."""
TARGET_CHARACTERS = 80
REQUEST_LINE = re.compile(rb"([A-Z-]+) ([!-~]+) HTTP/")
HOST_FIELD = re.compile(rb"\r\nhost:[ \t]*([!-~]+)", re.IGNORECASE)

CAPS = {
    "fragments_dropped": "incomplete IP fragments dropped", "flows_evicted": "flows ended early to make room",
    "holes_given_up": "holes in TCP streams given up", "heads_cut": "HTTP heads cut", "bodies_cut": "bodies cut",
    "exchanges_given_up": "requests given up before their response",
    "dns_given_up": "DNS queries given up before their answer",
    "rows_given_up": "unfinished HTTP messages whose row was given up",
    "rows_forgotten": "earlier packets forgotten that a later row could name",
    "names_forgotten": "names from DNS forgotten", "owners_forgotten": "owners of connections forgotten",
    "notes_dropped": "notes counted but not kept",
    "spool_bytes_lost": "bytes that fell off the spool",
}
"""What the counters of limits.py mean, where that is not what their names say."""

NOTE_WORDS = {
    Code.FILE_CUT: "the file is cut off", Code.FILE_DAMAGED: "the file is damaged",
    Code.RECORD_TOO_LONG: "record too long", Code.TIME_BACKWARDS: "time goes backwards",
    Code.BLOCK_SKIPPED: "block skipped", Code.TCP_GAP: "bytes missing from the capture",
    Code.TCP_CONFLICT: "segments that contradict each other", Code.HTTP_AMBIGUOUS_FRAMING: "ambiguous HTTP framing",
    Code.DNS_SECOND_ANSWER: "second answer to one DNS query", Code.DNS_UNASKED_ANSWER: "DNS answer nobody asked for",
}
"""Better words for some codes; the others are their names."""


@dataclass(slots=True)
class Summary:
    """Figures of a capture, summed up batch by batch.

    wire_bytes   bytes the packets had on the wire
    flows        TCP connections and UDP conversations that began
    dns_queries  DNS, MDNS and LLMNR queries
    http         the same of HTTP, when messages are made
    chosen       what a display filter chose: then only that is counted
    read         (offset, length) -> bytes of the store, to say what the slowest exchange was about; None: only its packets
    """

    packets: int = 0
    rows: int = 0
    wire_bytes: int = 0
    first_ns: int | None = None
    last_ns: int | None = None
    tcp_flows: int = 0
    udp_flows: int = 0
    dns_queries: int = 0
    http: HttpTotals = field(default_factory=HttpTotals)
    chosen: "Chosen | None" = None
    read: Callable[[int, int], bytes] | None = None
    notes: Notes = field(default_factory=Notes)
    counters: Counters = field(default_factory=Counters)

    def add(self, apps: AppBatch, shown: int = 0, matched: "Mask | None" = None) -> None:
        """Count one batch, of which so many rows were shown; of a filtered one only the packets that matched."""
        packets = apps.streams.packets
        table = packets.table
        if not table.shape[1]:
            return
        self.packets += table.shape[1]
        self.rows += shown
        if matched is not None:
            self._add_matched(apps, matched)
            return
        self.wire_bytes += int(table[c.WIRELEN].sum())
        first, last = int(table[c.TS_NS].min()), int(table[c.TS_NS].max())
        self.first_ns = first if self.first_ns is None else min(self.first_ns, first)
        self.last_ns = last if self.last_ns is None else max(self.last_ns, last)
        protocol = apps.streams.opened[s.F_PROTO]
        self.tcp_flows += int((protocol == 6).sum())
        self.udp_flows += int((protocol == 17).sum())
        dns = np.isin(apps.apps[d.APP_PROTOCOL], (d.Protocol.DNS, d.Protocol.MDNS, d.Protocol.LLMNR))
        dns &= table[c.KIND] == Kind.UDP
        self.dns_queries += int((bytes_at(packets.data, table[c.PAYLOAD] + 2, dns)[dns] & DNS_QR == 0).sum())
        self.http.add(apps.messages)

    def _add_matched(self, apps: AppBatch, matched: "Mask") -> None:
        """Count what matched of one batch."""
        if self.chosen is None:
            from sniff.filters.chosen import Chosen
            self.chosen = Chosen()
        self.chosen.add(apps, matched)
        self.tcp_flows, self.udp_flows = len(self.chosen.tcp), len(self.chosen.udp)
        packets = apps.streams.packets
        whole, table = packets.table, packets.table[:, matched]
        if not table.shape[1]:
            return
        self.wire_bytes += int(table[c.WIRELEN].sum())
        first, last = int(table[c.TS_NS].min()), int(table[c.TS_NS].max())
        self.first_ns = first if self.first_ns is None else min(self.first_ns, first)
        self.last_ns = last if self.last_ns is None else max(self.last_ns, last)
        dns = matched & np.isin(apps.apps[d.APP_PROTOCOL], (d.Protocol.DNS, d.Protocol.MDNS, d.Protocol.LLMNR))
        dns &= whole[c.KIND] == Kind.UDP
        self.dns_queries += int((bytes_at(packets.data, whole[c.PAYLOAD] + 2, dns)[dns] & DNS_QR == 0).sum())
        self.http.add(apps.messages[:, self.chosen.packets.have(apps.messages[d.M_LAST_PACKET])])

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> Iterator[str]:
        """The summary in a few lines of plain text."""
        duration = (self.last_ns or 0) - (self.first_ns or 0)
        packets = _count(self.packets, "packet")
        if self.chosen is not None:
            packets = f"{self.chosen.count:,} of {packets} match"
        yield " · ".join([packets, size(self.wire_bytes), span(duration),
                          _count(self.tcp_flows, "TCP connection"), _count(self.udp_flows, "UDP flow")])
        http = self.http
        parts = [_count(self.dns_queries, "DNS query", "DNS queries"), _count(http.requests, "HTTP request")]
        if http.errors:
            parts.append(_count(http.errors, "error"))
        if http.incomplete:
            parts.append(f"{http.incomplete:,} incomplete")
        if http.slowest:
            slow = http.slowest[0]
            what = self._request(slow.request_offset)
            parts.append(f"slowest {span(slow.duration_ns)}{what} (packet {slow.request_packet})")
        yield " · ".join(parts)
        if self.notes.counts:
            found = sorted(self.notes.counts.items(), key=lambda item: (-item[1], item[0]))
            yield "notes: " + ", ".join(f"{NOTE_WORDS.get(code, code.name)} {count:,}" for code, count in found)
        for name, count in self.counters.fired().items():
            yield f"limit reached: {CAPS.get(name, name.replace('_', ' '))}: {count:,}"


    def _request(self, offset: int) -> str:
        """`: GET http://host/path` from the bytes of the request, as far as they lie together in the store."""
        head = self.read(offset, REQUEST_BYTES) if self.read is not None and offset >= 0 else b""
        line = REQUEST_LINE.match(head)
        if line is None:
            return ""
        method, target = (part.decode("latin-1") for part in line.groups())
        host = HOST_FIELD.search(head.partition(b"\r\n\r\n")[0])
        if host is not None and target.startswith("/"):
            target = f"http://{host[1].decode('latin-1')}{target}"
        return f": {method} {target if len(target) <= TARGET_CHARACTERS else target[:TARGET_CHARACTERS - 1] + '…'}"


def _count(number: int, one: str, many: str = "") -> str:
    """`1 packet`, `2 packets`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(number: int) -> str:
    """Bytes in a unit that suits: 1,743 bytes, 12.3 MB."""
    if number < 10_000:
        return _count(number, "byte")
    power = min((len(str(number)) - 1) // 3, 4)
    value = number / 1000**power
    return f"{value:.{max(0, 3 - len(str(int(value))))}f} {' kMGT'[power]}B"


def span(nanoseconds: int) -> str:
    """A duration in a unit that suits: 138 ms, 4.27 s, 2 h 05 min."""
    for unit, factor in (("ns", 1), ("µs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000)):
        value = nanoseconds / factor
        if abs(value) < (999.5 if unit != "s" else 120):
            return f"{value:.{0 if unit == 'ns' else max(0, 3 - len(str(abs(int(value)))))}f} {unit}"
    minutes, seconds = divmod(round(nanoseconds / 1e9), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"
