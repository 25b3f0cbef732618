"""Figures: everything that the report counts over the whole capture, batch by batch, in bounded memory."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from sniff import limits
from sniff.decode import columns as m
from sniff.decode import dns_columns as d
from sniff.exchange import http_columns as x
from sniff.exchange.dns import DnsExchange, DnsExchanges
from sniff.exchange.dns import State as DnsState
from sniff.exchange.dns_pair import X_ANSWER_, X_QUERY_, X_STATE_
from sniff.exchange.http import Exchange, Exchanges, State
from sniff.packets import columns as c
from sniff.packets.addresses import address_text
from sniff.packets.columns import Address, Kind
from sniff.reassembly import columns as s
from sniff.reassembly.batch import StreamBatch
from sniff.reassembly.columns import Tag
from sniff.report.html.masking import Masker
from sniff.report.html.selection import Selection
from sniff.report.html.series import Durations, Ints, Series

HOSTS = limits.REPORT_HOSTS

SLOW_NS = 1_000_000_000
"""An exchange that took longer is worth a word."""

RETRANSMITTED = int(Tag.RETRANSMISSION | Tag.FAST_RETRANSMISSION | Tag.SPURIOUS_RETRANSMISSION)
MARKS = {
    "retransmission": RETRANSMITTED, "out of order": int(Tag.OUT_OF_ORDER), "duplicate ACK": int(Tag.DUP_ACK),
    "zero window": int(Tag.ZERO_WINDOW), "window full": int(Tag.WINDOW_FULL), "previous segment not captured": int(Tag.PREVIOUS_LOST),
    "ACKed unseen segment": int(Tag.ACKED_UNSEEN), "keep-alive": int(Tag.KEEP_ALIVE),
}
"""Marks of sequence analysis that are counted, in words."""

_HOST, _TYPE = b"host", b"content-type"


@dataclass(slots=True)
class HostFigures:
    """What is counted of one server name. Times are nanoseconds, sizes bytes."""

    requests: int = 0
    errors: int = 0
    bytes: int = 0
    total_ns: int = 0
    wait_ns: int = 0
    slowest_ns: int = 0


@dataclass(slots=True)
class AddressFigures:
    """What is counted of one address. Bytes are those of IP, on the wire."""

    sent: int = 0
    received: int = 0
    packets: int = 0
    flows: int = 0
    as_client: int = 0
    as_server: int = 0
    ports: Counter[int] = field(default_factory=Counter)


def _lines_of(exchanges: Exchanges) -> bytes:
    """The heads of some exchanges, one after another, each of which ends its last line."""
    rows, heads = exchanges.rows, exchanges.heads
    for side in (0, 1):
        kept = rows[:, side * m.M_COUNT + m.M_HEAD_KEPT]
        ends = (rows[:, x.X_HEAD + side] + kept)[kept > 0]
        if len(ends) and (heads[ends - 1] != _LF).any():
            return b"\n".join(message.head for exchange in exchanges for message in (exchange.request, exchange.response)
                              if message is not None)
    return heads.tobytes()


_LF = 10


class HttpFigures:
    """Everything that is counted of HTTP, and which exchanges are kept."""

    def __init__(self, limit: int, masker: Masker, series: Series) -> None:
        self.kept: Selection[Exchange] = Selection(limit)
        self.masker = masker
        self.series = series
        self.total = Durations()
        self.wait = Durations()
        self.statuses: Counter[int] = Counter()
        self.states: Counter[int] = Counter()
        self.methods: Counter[str] = Counter()
        self.types: dict[bytes, list[int]] = {}
        self.hosts: dict[bytes, HostFigures] = {}
        self.phases = [0] * 6
        self.requests = 0
        self.failed = 0
        self.slow = 0
        self.retried = 0
        self.body_bytes = 0
        self.inferred = 0
        self.credentials: Counter[str] = Counter()
        self.slowest: tuple[int, Exchange] | None = None
        self._host_numbers: dict[bytes, int] = {}
        self._type_numbers: dict[bytes, int] = {}

    def add(self, exchanges: Exchanges) -> None:
        """Count the exchanges that one batch completed."""
        if not len(exchanges):
            return
        rows = exchanges.rows
        posted = np.flatnonzero((rows[:, x.X_REQUEST + m.M_BODY_LEN] > 0) & (rows[:, x.X_REQUEST + m.M_PREFIX_LEN] > 0))
        for index in posted.tolist():
            start = int(rows[index, x.X_PREFIX])
            if b"=" in exchanges.prefixes[start:start + int(rows[index, x.X_REQUEST + m.M_PREFIX_LEN])].tobytes():
                request = exchanges[index].request
                assert request is not None
                self.masker.learn_form(request)
        self.credentials.update(self.masker.learn_heads(_lines_of(exchanges)))
        self._count(exchanges, self._numbers(exchanges, 0, _HOST, self._host_number),
                    self._numbers(exchanges, 1, _TYPE, self._type_number))

    @staticmethod
    def _numbers(exchanges: Exchanges, side: int, name: bytes, number: Callable[[bytes, Exchanges, int], int]) -> Ints:
        """int64[n]: what a header field of the requests or the responses says, as a number; -1 where there is no such message."""
        numbers = np.full(len(exchanges), -1, np.int64)
        those, values = exchanges.values(side, name)
        numbers[those] = [number(value or b"", exchanges, index) for value, index in zip(values, those.tolist(), strict=True)]
        return numbers

    def _count(self, exchanges: Exchanges, host: Ints, kind: Ints) -> None:
        rows = exchanges.rows
        asked, answered, syn, opened, sending, sent, turn, first, end = rows[:, x.X_MOMENTS:x.X_MOMENTS + 9].T
        status, state, method = rows[:, x.X_RESPONSE + m.M_STATUS], rows[:, x.X_STATE], rows[:, x.X_REQUEST + m.M_METHOD]
        body = rows[:, x.X_REQUEST + m.M_BODY_LEN] + rows[:, x.X_RESPONSE + m.M_BODY_LEN]
        events, inferred = rows[:, x.X_ODD] & x.EVENTS, rows[:, x.X_ODD] & x.INFERRED
        known = state != State.UNASKED
        total = np.where(known, end - asked, -1)
        wait = np.where(known & (status > 0), first - turn, -1)
        failed = (status >= 400) | (state == State.ABORTED) | (state == State.UNANSWERED)
        self.requests += int(np.count_nonzero(known))
        self.failed += int(np.count_nonzero(failed))
        self.slow += int(np.count_nonzero(total > SLOW_NS))
        self.retried += int(np.count_nonzero(events))
        self.inferred += int(np.count_nonzero(inferred))
        self.body_bytes += int(body.sum())
        self.total.add(total)
        self.wait.add(wait)
        phases = (answered - asked, opened - syn, syn - answered + sending - opened + turn - sent, sent - sending, first - turn,
                  end - first)
        for place, phase in enumerate(phases):
            self.phases[place] += int(phase[known].sum())
        for counter, column in ((self.statuses, status), (self.states, state)):
            values, counts = np.unique(column, return_counts=True)
            counter.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
        values, counts = np.unique(method[known], return_counts=True)
        for number, count in zip(values.tolist(), counts.tolist(), strict=True):
            self.methods[m.METHODS[number] or "other"] += count
        self.series.add("requests", sending[known])
        self.series.add("errors", end[failed])
        self._count_names(host, kind, failed, body, np.maximum(total, 0), np.maximum(wait, 0))
        if len(total) and (self.slowest is None or int(total.max()) > self.slowest[0]):
            place = int(total.argmax())
            if total[place] >= 0:
                self.slowest = (int(total[place]), exchanges[place])
        trouble = np.where(status >= 500, 4, np.where((state == State.ABORTED) | (state == State.UNANSWERED), 3,
                           np.where(status >= 400, 2, np.where((events != 0) | (state == State.RUNNING) | (inferred != 0), 1, 0))))
        self.kept.offer(exchanges, trouble, np.maximum(total, 0))

    def _count_names(self, host: Ints, kind: Ints, failed: Ints, body: Ints, total: Ints, wait: Ints) -> None:
        known = host >= 0
        names = list(self.hosts.values())
        numbers = host[known]
        for number in np.unique(numbers).tolist():
            mine = known & (host == number) if len(names) < 64 else np.flatnonzero(host == number)
            figures = names[number]
            figures.requests += int(np.count_nonzero(mine)) if mine.dtype == np.bool_ else len(mine)
            figures.errors += int(np.count_nonzero(failed[mine]))
            figures.bytes += int(body[mine].sum())
            figures.total_ns += int(total[mine].sum())
            figures.wait_ns += int(wait[mine].sum())
            figures.slowest_ns = max(figures.slowest_ns, int(total[mine].max()))
        types = list(self.types.values())
        known = kind >= 0
        counts = np.bincount(kind[known], minlength=len(types)).tolist()
        sizes = np.bincount(kind[known], body[known], minlength=len(types)).tolist()
        for one, count, size in zip(types, counts, sizes, strict=True):
            one[0] += count
            one[1] += int(size)

    def _host_number(self, host: bytes, exchanges: Exchanges, index: int) -> int:
        number = self._host_numbers.get(host) if host else None
        if number is None:
            key = host.strip().lower()
            if not key:
                connection = exchanges.connections[int(exchanges.rows[index, x.X_CONNECTION])]
                key = connection.server.encode()
            if len(self.hosts) >= HOSTS and key not in self.hosts:
                key = b""
            if key not in self.hosts:
                self._host_numbers[key] = len(self.hosts)
                self.hosts[key] = HostFigures()
            number = self._host_numbers[key]
            if host and len(self._host_numbers) < 2 * HOSTS:
                self._host_numbers[host] = number
        return number

    def _type_number(self, kind: bytes, exchanges: Exchanges, index: int) -> int:
        kind = kind.partition(b";")[0]
        number = self._type_numbers.get(kind)
        if number is None:
            key = kind.strip().lower()
            if len(self.types) >= 1_000 and key not in self.types:
                key = b"other"
            if key not in self.types:
                self._type_numbers[key] = len(self.types)
                self.types[key] = [0, 0]
            number = self._type_numbers[key]
            if len(self._type_numbers) < 4_000:
                self._type_numbers[kind] = number
        return number


class DnsFigures:
    """Everything that is counted of DNS, and which lookups are kept."""

    def __init__(self, limit: int) -> None:
        self.kept: Selection[DnsExchange] = Selection(limit)
        self.times = Durations()
        self.states: Counter[int] = Counter()
        self.rcodes: Counter[int] = Counter()
        self.queries = 0

    def add(self, exchanges: DnsExchanges) -> None:
        """Count the lookups that one batch completed."""
        if not len(exchanges):
            return
        rows = exchanges.rows
        state = rows[:, X_STATE_]
        answered = rows[:, X_ANSWER_ + d.D_NUMBER] > 0
        rcode = np.where(answered, rows[:, X_ANSWER_ + d.D_RCODE], -1)
        times = exchanges.time_ns()
        self.queries += int(np.count_nonzero(rows[:, X_QUERY_ + d.D_NUMBER]))
        for counter, column in ((self.states, state), (self.rcodes, rcode)):
            values, counts = np.unique(column, return_counts=True)
            counter.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
        self.times.add(times)
        trouble = np.where(state == DnsState.SECOND, 3, np.where(state == DnsState.UNANSWERED, 2, (rcode > 0).astype(np.int64)))
        self.kept.offer(exchanges, trouble, np.maximum(times, 0))  # type: ignore[arg-type]

    @property
    def failed(self) -> int:
        """Lookups with an error, NXDOMAIN included."""
        return sum(count for code, count in self.rcodes.items() if code > 0)


class FlowFigures:
    """Everything that is counted of connections, and which ones are kept."""

    def __init__(self, limit: int) -> None:
        self.kept: Selection[list[int]] = Selection(limit)
        self.handshakes = Durations()
        self.round_trips = Durations()
        self.tcp = 0
        self.udp = 0
        self.states: Counter[int] = Counter()
        self.retransmissions = 0
        self.segments = 0
        self.missing = 0
        self.stall_ns = 0
        self.addresses: dict[str, AddressFigures] = {}

    def add(self, streams: StreamBatch) -> None:
        """Count the flows that ended in one batch."""
        ended = streams.ended
        if not ended.shape[1]:
            return
        tcp = ended[s.F_PROTO] == 6
        self.tcp += int(np.count_nonzero(tcp))
        self.udp += int(np.count_nonzero(~tcp))
        rows = ended[:, tcp]
        values, counts = np.unique(rows[s.F_STATE], return_counts=True)
        self.states.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))
        shaken = (rows[s.F_ESTABLISHED_NS] >= 0) & (rows[s.F_SYN_NS] >= 0)
        self.handshakes.add(rows[s.F_ESTABLISHED_NS, shaken] - rows[s.F_SYN_NS, shaken])
        trips = (rows[s.F_RTT_MIN_NS] >= 0) & (rows[s.F_RTT_MIN_NS + 1] >= 0)
        self.round_trips.add(rows[s.F_RTT_MIN_NS, trips] + rows[s.F_RTT_MIN_NS + 1, trips])
        retransmissions = rows[s.F_RETRANSMISSIONS] + rows[s.F_RETRANSMISSIONS + 1]
        self.retransmissions += int(retransmissions.sum())
        self.segments += int((rows[s.F_PAYLOAD_PACKETS] + rows[s.F_PAYLOAD_PACKETS + 1]).sum())
        self.missing += int((rows[s.F_MISSING] + rows[s.F_MISSING + 1]).sum())
        self.stall_ns += int((rows[s.F_STALL_NS] + rows[s.F_STALL_NS + 1]).sum())
        trouble = np.zeros(ended.shape[1], np.int64)
        refused = np.isin(rows[s.F_STATE], (s.ConnState.REJ, s.ConnState.S0, s.ConnState.SH))
        broken = (rows[s.F_RST] | rows[s.F_RST + 1]) > 0
        rough = (retransmissions > 0) | (rows[s.F_ZERO_WINDOWS] + rows[s.F_ZERO_WINDOWS + 1] > 0)
        trouble[tcp] = np.where(refused, 3, np.where(rough, 2, broken.astype(np.int64)))
        items = ended.T.tolist()
        self.kept.offer(items, trouble, ended[s.F_LAST_NS] - ended[s.F_FIRST_NS])
        self._count_addresses(items)

    def _count_addresses(self, rows: list[list[int]]) -> None:
        for row in rows:
            kind = Address.IPV6 if row[s.F_IP_VERSION] == 6 else Address.IPV4
            client = self._address(address_text(kind, row[s.F_CLIENT_HI], row[s.F_CLIENT_LO]))
            server = self._address(address_text(kind, row[s.F_SERVER_HI], row[s.F_SERVER_LO]))
            packets = row[s.F_PACKETS] + row[s.F_PACKETS + 1]
            for one, sent, received in ((client, 0, 1), (server, 1, 0)):
                one.sent += row[s.F_WIRE_BYTES + sent]
                one.received += row[s.F_WIRE_BYTES + received]
                one.packets += packets
                one.flows += 1
            client.as_client += 1
            server.as_server += 1
            if len(server.ports) < 64 or row[s.F_SERVER_PORT] in server.ports:
                server.ports[row[s.F_SERVER_PORT]] += 1

    def _address(self, text: str) -> AddressFigures:
        found = self.addresses.get(text)
        if found is None:
            if len(self.addresses) >= HOSTS:
                text = "others"
            found = self.addresses.setdefault(text, AddressFigures())
        return found


class PacketFigures:
    """What is counted packet by packet, in columns."""

    def __init__(self, series: Series) -> None:
        self.series = series
        self.packets = 0
        self.wire_bytes = 0
        self.captured_bytes = 0
        self.cut = 0
        self.first_ns: int | None = None
        self.last_ns: int | None = None
        self.kinds: Counter[str] = Counter()
        self.kind_bytes: Counter[str] = Counter()
        self.marks: Counter[str] = Counter()
        self.tcp = 0
        self.comments: list[tuple[int, str]] = []
        self.interface_packets: Counter[int] = Counter()

    def add(self, streams: StreamBatch) -> None:
        """Count the packets of one batch."""
        packets = streams.packets
        table = packets.table
        if not table.shape[1]:
            return
        times, lengths = table[c.TS_NS], table[c.WIRELEN]
        self.packets += table.shape[1]
        self.wire_bytes += int(lengths.sum())
        self.captured_bytes += int(table[c.CAPLEN].sum())
        self.cut += int(np.count_nonzero(table[c.CAPLEN] < lengths))
        first, last = int(times.min()), int(times.max())
        self.first_ns = first if self.first_ns is None else min(self.first_ns, first)
        self.last_ns = last if self.last_ns is None else max(self.last_ns, last)
        self.series.add("packets", times)
        self.series.add("bytes", times, lengths)
        kinds = table[c.KIND]
        counts = np.bincount(kinds, minlength=len(Kind)).tolist()
        sizes = np.bincount(kinds, lengths, minlength=len(Kind)).tolist()
        for kind, count, size in zip(Kind, counts, sizes, strict=True):
            if count:
                self.kinds[kind.name] += count
                self.kind_bytes[kind.name] += int(size)
        self.tcp += counts[Kind.TCP]
        tags = streams.table[s.TAGS][kinds == Kind.TCP]
        seen = np.unique(tags & ((1 << 15) - 1), return_counts=True)
        for value, count in zip(seen[0].tolist(), seen[1].tolist(), strict=True):
            for name, bits in MARKS.items():
                if value & bits:
                    self.marks[name] += count
        marked = np.flatnonzero((streams.table[s.TAGS] & RETRANSMITTED != 0) & (kinds == Kind.TCP))
        self.series.add("retransmissions", times[marked])
        values, numbers = np.unique(table[c.INTERFACE], return_counts=True)
        self.interface_packets.update(dict(zip(values.tolist(), numbers.tolist(), strict=True)))
        if packets.raw.comments:
            for index, comments in packets.raw.comments.items():
                if len(self.comments) < 1_000:
                    self.comments += [(packets.raw.first_number + index, comment) for comment in comments]


class Figures:
    """All of them. Feed every batch, in order.

    limit  most rows of a table
    """

    def __init__(self, limit: int, masker: Masker) -> None:
        self.series = Series("packets", "bytes", "requests", "errors", "retransmissions")
        self.packets = PacketFigures(self.series)
        self.http = HttpFigures(limit, masker, self.series)
        self.dns = DnsFigures(limit)
        self.flows = FlowFigures(limit)

    def add(self, streams: StreamBatch, dns: DnsExchanges | None, http: Exchanges) -> None:
        """Count one batch and what it completed."""
        self.packets.add(streams)
        self.flows.add(streams)
        self.finish(dns, http)

    def finish(self, dns: DnsExchanges | None, http: Exchanges) -> None:
        """Count what was still open when the capture ended."""
        if dns is not None:
            self.dns.add(dns)
        self.http.add(http)
