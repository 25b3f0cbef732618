"""Statistics of a capture: who talked to whom, what HTTP and DNS came to, what TCP had to repeat, what happened when.

Every table has a cap in limits.py: of conversations and addresses the smallest are forgotten first, of names those counted least
are folded into one.
"""

import heapq
import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from sniff import limits
from sniff.decode import columns as m
from sniff.decode import dns_columns as d
from sniff.decode import fields
from sniff.decode.dns_message import STATUS
from sniff.exchange import dns_pair as p
from sniff.exchange import http_columns as x
from sniff.exchange.dns import DnsExchange, DnsExchanges
from sniff.exchange.http import Exchanges, State
from sniff.exchange.http2_exchanges import messages_of
from sniff.exchange.stage import Joined, Joiner
from sniff.exchange.totals import PREFACE
from sniff.exchange.url import plain_url
from sniff.limits import Counters
from sniff.notes import Notes
from sniff.packets import columns as c
from sniff.packets.addresses import address_text
from sniff.packets.batch import Table
from sniff.packets.columns import Address, Kind
from sniff.reassembly import columns as s
from sniff.reassembly.columns import MARKS, Tag
from sniff.report.formats import Step
from sniff.report.jsonl import ANALYSIS_FIELDS
from sniff.report.secret_urls import masked_url
from sniff.report.summary import Summary
from sniff.report.tallies import Counted, Latencies, Tally, TimeLine

PERCENTILES = (50, 90, 95, 99)
SENT_AGAIN = int(Tag.RETRANSMISSION | Tag.FAST_RETRANSMISSION | Tag.SPURIOUS_RETRANSMISSION)
NAME_CHARACTERS = 512


# --- who talked to whom -------------------------------------------------------------------------------------------------

E_KIND, E_HI, E_LO, E_SENT, E_SENT_BYTES, E_GOT, E_GOT_BYTES, E_COUNT = range(8)


class Endpoints:
    """Packets and bytes that each address sent and got; frames on the wire, innermost addresses."""

    def __init__(self, counters: Counters) -> None:
        self._rows: Table = np.zeros((0, E_COUNT), np.int64)
        self._fresh: list[Table] = []       # what came since it was added up last
        self._fresh_count = 0
        self._counters = counters

    def add(self, table: Table) -> None:
        """Count packets.

        table  int64[packets.COUNT, n]
        """
        kind = table[c.ADDRESS_KIND]
        known = (kind == Address.IPV4) | (kind == Address.IPV6) | (kind == Address.MAC)
        size = table[c.WIRELEN]
        found = np.zeros((2 * int(known.sum()), E_COUNT), np.int64)
        half = len(found) // 2
        for part, hi, lo, count in ((slice(0, half), c.SRC_HI, c.SRC_LO, E_SENT), (slice(half, None), c.DST_HI, c.DST_LO, E_GOT)):
            found[part, E_KIND], found[part, E_HI], found[part, E_LO] = kind[known], table[hi, known], table[lo, known]
            found[part, count], found[part, count + 1] = 1, size[known]
        self._fresh.append(_summed(found))
        self._fresh_count += len(self._fresh[-1])
        if self._fresh_count > max(len(self._rows), 4096):
            self._sum_up()

    def _sum_up(self) -> None:
        self._rows = _summed(np.concatenate([self._rows, *self._fresh]))
        self._fresh, self._fresh_count = [], 0
        if len(self._rows) > limits.STATS_ENDPOINTS:
            total = self._rows[:, E_SENT_BYTES] + self._rows[:, E_GOT_BYTES]
            kept = np.argsort(total, kind="stable")[len(total) - limits.STATS_ENDPOINTS // 2:]
            self._counters.endpoints_forgotten += len(total) - len(kept)
            self._rows = self._rows[np.sort(kept)]

    def __len__(self) -> int:
        self._sum_up()
        return len(self._rows)

    def top(self, most: int | None = None) -> list[dict[str, Any]]:
        """The addresses with the most bytes, those first."""
        self._sum_up()
        rows = self._rows[np.argsort(-(self._rows[:, E_SENT_BYTES] + self._rows[:, E_GOT_BYTES]), kind="stable")[:most]]
        return [{"address": address_text(row[E_KIND], row[E_HI], row[E_LO]), "packets": row[E_SENT] + row[E_GOT],
                 "bytes": row[E_SENT_BYTES] + row[E_GOT_BYTES], "sent_packets": row[E_SENT], "sent_bytes": row[E_SENT_BYTES],
                 "received_packets": row[E_GOT], "received_bytes": row[E_GOT_BYTES]} for row in rows.tolist()]


def _summed(rows: Table) -> Table:
    """Rows of the same address added up."""
    if not len(rows):
        return rows
    order = np.lexsort((rows[:, E_LO], rows[:, E_HI], rows[:, E_KIND]))
    rows = rows[order]
    first = np.flatnonzero(np.concatenate([[True], (rows[1:, :E_SENT] != rows[:-1, :E_SENT]).any(axis=1)]))
    found = rows[first]
    found[:, E_SENT:] = np.add.reduceat(rows[:, E_SENT:], first, axis=0)
    return found


V_KEY, V_VERSION, V_CLIENT_HI, V_CLIENT_LO, V_SERVER_HI, V_SERVER_LO, V_CLIENT_PORT, V_SERVER_PORT, V_PACKETS, _, V_BYTES, _, \
    V_FIRST_NS, V_LAST_NS, V_SENT_AGAIN, _, V_COUNT = range(17)


class Conversations:
    """TCP connections and UDP conversations by stream number: packets and bytes of the frames in each direction."""

    def __init__(self, counters: Counters) -> None:
        self._rows: Table = np.zeros((256, V_COUNT), np.int64)
        self._place: dict[int, int] = {}
        self._counters = counters
        self.zero_ns: int | None = None     # what `start` counts from

    def __len__(self) -> int:
        return len(self._place)

    def add(self, table: Table, flows: Table) -> None:
        """Count packets.

        table, flows  int64[packets.COUNT, n], int64[reassembly.COUNT, n]
        """
        chosen = np.flatnonzero((flows[s.STREAM] >= 0) & ((table[c.KIND] == Kind.TCP) | (table[c.KIND] == Kind.UDP)))
        if not len(chosen):
            return
        keys = 2 * flows[s.STREAM, chosen] + (table[c.KIND, chosen] == Kind.UDP)
        found, first, which = np.unique(keys, return_index=True, return_inverse=True)
        places = self._places(found, chosen[first], table, flows)
        at = places[which]
        direction = flows[s.DIRECTION, chosen]
        np.add.at(self._rows, (at, V_PACKETS + direction), 1)
        np.add.at(self._rows, (at, V_BYTES + direction), table[c.WIRELEN, chosen])
        np.maximum.at(self._rows, (at, np.full(len(at), V_LAST_NS)), table[c.TS_NS, chosen])
        np.minimum.at(self._rows, (at, np.full(len(at), V_FIRST_NS)), table[c.TS_NS, chosen])
        again = (flows[s.TAGS, chosen] & SENT_AGAIN != 0) & (table[c.KIND, chosen] == Kind.TCP)
        np.add.at(self._rows, (at[again], V_SENT_AGAIN + direction[again]), 1)

    def _places(self, keys: Table, packets: Table, table: Table, flows: Table) -> Table:
        """The row of each stream; packets are the first one of each in this batch."""
        if len(self._place) + len(keys) > 2 * limits.STATS_CONVERSATIONS:
            self._shrink()
        places = np.array([self._place.get(key, -1) for key in keys.tolist()], np.int64)
        fresh = np.flatnonzero(places < 0)
        start = len(self._place)
        while len(self._rows) < start + len(fresh):
            self._rows = np.concatenate([self._rows, np.zeros_like(self._rows)])
        for number, k in enumerate(fresh.tolist(), start):
            places[k] = self._place[int(keys[k])] = number
            self._rows[number] = _conversation(int(keys[k]), int(packets[k]), table, flows)
        return places

    def _shrink(self) -> None:
        """Forget the smallest."""
        rows = self._rows[:len(self._place)]
        kept = np.sort(np.argsort(rows[:, V_BYTES] + rows[:, V_BYTES + 1], kind="stable")[len(rows) - limits.STATS_CONVERSATIONS:])
        self._counters.conversations_forgotten += len(rows) - len(kept)
        self._rows = rows[kept].copy()
        self._place = {int(key): number for number, key in enumerate(self._rows[:, V_KEY])}

    def top(self, udp: bool, most: int | None = None, by: str = "bytes") -> list[dict[str, Any]]:
        """The TCP connections or the UDP conversations with the most bytes (or the most that was sent again), those first."""
        rows = self._rows[:len(self._place)]
        rows = rows[rows[:, V_KEY] & 1 == udp]
        order = rows[:, V_BYTES] + rows[:, V_BYTES + 1] if by == "bytes" else rows[:, V_SENT_AGAIN] + rows[:, V_SENT_AGAIN + 1]
        if by != "bytes":
            rows, order = rows[order > 0], order[order > 0]
        return [self._record(row) for row in rows[np.argsort(-order, kind="stable")[:most]].tolist()]

    def _record(self, row: list[int]) -> dict[str, Any]:
        kind = Address.IPV6 if row[V_VERSION] == 6 else Address.IPV4
        return {"stream": row[V_KEY] >> 1, "client": address_text(kind, row[V_CLIENT_HI], row[V_CLIENT_LO]),
                "client_port": row[V_CLIENT_PORT], "server": address_text(kind, row[V_SERVER_HI], row[V_SERVER_LO]),
                "server_port": row[V_SERVER_PORT], "packets": row[V_PACKETS] + row[V_PACKETS + 1],
                "bytes": row[V_BYTES] + row[V_BYTES + 1], "client_packets": row[V_PACKETS], "client_bytes": row[V_BYTES],
                "server_packets": row[V_PACKETS + 1], "server_bytes": row[V_BYTES + 1],
                "start": (row[V_FIRST_NS] - (self.zero_ns or 0)) / 1e9, "duration": (row[V_LAST_NS] - row[V_FIRST_NS]) / 1e9,
                "sent_again": row[V_SENT_AGAIN] + row[V_SENT_AGAIN + 1]}


def _conversation(key: int, packet: int, table: Table, flows: Table) -> list[int]:
    """The row of a stream, of which this packet of the batch is known."""
    from_server = int(flows[s.DIRECTION, packet])
    ends = [(int(table[c.SRC_HI, packet]), int(table[c.SRC_LO, packet]), int(table[c.SRC_PORT, packet])),
            (int(table[c.DST_HI, packet]), int(table[c.DST_LO, packet]), int(table[c.DST_PORT, packet]))]
    client, server = ends[from_server], ends[1 - from_server]
    ts_ns = int(table[c.TS_NS, packet])
    return [key, int(table[c.IP_VERSION, packet]), *client[:2], *server[:2], client[2], server[2], 0, 0, 0, 0, ts_ns, ts_ns, 0, 0]


# --- HTTP ---------------------------------------------------------------------------------------------------------------

@dataclass(slots=True)
class Number(Counted):
    """How often, and bytes of bodies."""

    count: int = 0
    bytes: int = 0

    def fold(self, other: Counted) -> None:
        assert isinstance(other, Number)
        self.count += other.count
        self.bytes += other.bytes


@dataclass(slots=True)
class Place(Counted):
    """A host, or a path on it: exchanges, errors, bytes of response bodies, and how long it took."""

    count: int = 0
    errors: int = 0
    bytes: int = 0
    total: Latencies = field(default_factory=Latencies)
    wait: Latencies = field(default_factory=Latencies)

    def fold(self, other: Counted) -> None:
        assert isinstance(other, Place)
        self.count += other.count
        self.errors += other.errors
        self.bytes += other.bytes
        self.total.fold(other.total)
        self.wait.fold(other.wait)

    def record(self) -> dict[str, Any]:
        """It as a JSON object; times in seconds."""
        return {"exchanges": self.count, "errors": self.errors, "response_bytes": self.bytes,
                "duration": _percentiles(self.total), "wait": _percentiles(self.wait)}


def _percentiles(found: Latencies) -> dict[str, float]:
    if not found.count:
        return {}
    return {"min": found.least / 1e9, "mean": found.total / found.count / 1e9,
            **{f"p{share}": found.percentile(share) / 1e9 for share in PERCENTILES}, "max": found.most / 1e9}


class Slow(NamedTuple):
    """One of the slowest exchanges or lookups."""

    duration_ns: int
    order: int
    record: dict[str, Any]


class Slowest:
    """The slowest of something."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._heap: list[Slow] = []

    @property
    def floor(self) -> int:
        """What did not take longer is not among them."""
        return -1 if len(self._heap) < self._most or not self._heap else self._heap[0].duration_ns

    def wants(self, duration_ns: int) -> bool:
        """Whether one that took so long is among them."""
        return len(self._heap) < self._most or duration_ns > self._heap[0].duration_ns

    def add(self, duration_ns: int, order: int, record: dict[str, Any]) -> None:
        """One that is wanted."""
        heapq.heappush(self._heap, Slow(duration_ns, -order, record))
        if len(self._heap) > self._most:
            heapq.heappop(self._heap)

    def __iter__(self) -> Any:
        """Slowest first."""
        return (one.record for one in sorted(self._heap, reverse=True))


class Http:
    """What HTTP came to."""

    def __init__(self, slowest: int) -> None:
        self.requests = 0
        self.responses = 0
        self.methods: dict[str, int] = {}
        self.statuses: dict[int, int] = {}
        self.media_types: Tally[str, Number] = Tally(Number, limits.STATS_NAMES)
        self.hosts: Tally[str, Place] = Tally(Place, limits.STATS_NAMES)
        self.paths: Tally[str, Place] = Tally(Place, limits.STATS_PATHS)
        self.slowest = Slowest(slowest)
        self._count = 0
        self._type_names: dict[bytes, str] = {}
        self._place_names: dict[tuple[bytes, bytes], tuple[str, str]] = {}

    def add(self, messages: Table, exchanges: Exchanges) -> None:
        """Count the messages and the exchanges that a batch completed.

        messages  int64[M_COUNT, k]  AppBatch.messages, and those of HTTP/2
        """
        preface = messages[m.M_METHOD] == PREFACE
        if preface.any():
            messages = messages[:, ~preface]
        answers = messages[m.M_IS_RESPONSE] != 0
        self.requests += int((~answers).sum())
        self.responses += int(answers.sum())
        for number, count in zip(*np.unique(messages[m.M_METHOD, ~answers], return_counts=True), strict=True):
            name = m.METHODS[int(number)] or "(other)"
            self.methods[name] = self.methods.get(name, 0) + int(count)
        for status, count in zip(*np.unique(messages[m.M_STATUS, answers], return_counts=True), strict=True):
            self.statuses[int(status)] = self.statuses.get(int(status), 0) + int(count)
        if len(exchanges):
            self._types(exchanges)
            asked = exchanges.rows[:, x.X_HAS] & x.REQUEST != 0
            if asked.any():
                self._places(exchanges if asked.all() else exchanges.select(asked))

    def _types(self, exchanges: Exchanges) -> None:
        """Count responses by media type."""
        those, values = exchanges.values(1, b"content-type")
        sizes = exchanges.rows[those, x.X_RESPONSE + m.M_BODY_LEN].tolist()
        for index, size, found in zip(those.tolist(), sizes, values, strict=True):
            value = found or b""
            name = self._type_names.get(value)
            if name is None:
                response = exchanges[index].response
                assert response is not None
                name = response.media_type[:NAME_CHARACTERS]
                if value and len(self._type_names) < limits.STATS_NAMES:
                    self._type_names[value] = name
            if size or name:
                number = self.media_types[name or "(none)"]
                number.count += 1
                number.bytes += size

    def _places(self, exchanges: Exchanges) -> None:
        """Count requests by host and path."""
        rows = exchanges.rows
        names: list[tuple[str, str]] = []
        heads = exchanges.heads.data
        words, places = exchanges.plain(0, b"host")
        for index, (first, second, _), (start, end) in zip(range(len(rows)), words.tolist(), places.tolist(), strict=True):
            host, target = bytes(heads[max(start, 0):end]), bytes(heads[first + 1:second])
            if first < 0 or start == end or target[:1] != b"/" or b"@" in host:
                names.append(_split(exchanges[index].url()))
                continue
            key = (host, target.partition(b"?")[0])
            found = self._place_names.get(key)
            if found is None:
                found = _split(plain_url(*key))
                if len(self._place_names) >= limits.STATS_PATHS:
                    self._place_names.clear()
                self._place_names[key] = found
            names.append(found)
        self._tally(self.hosts, [host for host, _ in names], rows)
        self._tally(self.paths, [host + path for host, path in names], rows)
        total = rows[:, x.X_MOMENTS + 8] - rows[:, x.X_MOMENTS]
        wait = rows[:, x.X_MOMENTS + 7] - rows[:, x.X_MOMENTS + 6]
        for index in np.flatnonzero((rows[:, x.X_HAS] & x.RESPONSE != 0) & (total > self.slowest.floor)).tolist():
            duration = int(total[index])
            if self.slowest.wants(duration):
                exchange = exchanges[index]
                assert exchange.request is not None
                self.slowest.add(duration, self._count + index + 1, {
                    "duration": duration / 1e9, "wait": int(wait[index]) / 1e9, "method": fields.text(exchange.request.method),
                    "url": masked_url(exchange.url())[:NAME_CHARACTERS], "status": exchange.status,
                    "packet": exchange.request.first_packet, "stream": exchange.stream})
        self._count += len(rows)

    def _tally(self, tally: Tally[str, Place], names: list[str], rows: Table) -> None:
        """Count requests by name: name by name, unless some will have to be folded, which depends on the order."""
        numbers: dict[str, int] = {}
        which = np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int64)
        answered = rows[:, x.X_HAS] & x.RESPONSE != 0
        state = rows[:, x.X_STATE]
        failed = (rows[:, x.X_RESPONSE + m.M_STATUS] >= 400) | (state == State.ABORTED) | (state == State.UNANSWERED)
        total = rows[:, x.X_MOMENTS + 8] - rows[:, x.X_MOMENTS]
        wait = rows[:, x.X_MOMENTS + 7] - rows[:, x.X_MOMENTS + 6]
        if len(numbers) > tally.room():
            groups = [(name, np.array([index])) for index, name in enumerate(names)]
        else:
            order = np.argsort(which, kind="stable")
            groups = list(zip(numbers, np.split(order, np.cumsum(np.bincount(which))[:-1]), strict=True))
        size = rows[:, x.X_RESPONSE + m.M_BODY_LEN]
        for name, mine in groups:
            place = tally[name]
            place.count += len(mine)
            place.errors += int(np.count_nonzero(failed[mine]))
            place.bytes += int(size[mine].sum())
            mine = mine[answered[mine]]
            place.total.add_all(total[mine])
            place.wait.add_all(wait[mine])

    def record(self, most: int | None) -> dict[str, Any]:
        """It as a JSON object."""
        return {"requests": self.requests, "responses": self.responses,
                "methods": _most_first(self.methods), "status_codes": {str(code): count for code, count in sorted(self.statuses.items())},
                "media_types": [{"media_type": name, "responses": one.count, "bytes": one.bytes}
                                for name, one in _first(self.media_types, most)],
                "hosts": [{"host": name} | place.record() for name, place in _first(self.hosts, most)],
                "paths": [{"path": name} | place.record() for name, place in _first(self.paths, most)],
                "slowest": list(self.slowest)[:most]}


_ID = re.compile(r"(?<=/)(?:[0-9]+|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{16,})(?=/|$)")
"""A part of a path that is a number, a UUID or a hash."""


def _split(url: str) -> tuple[str, str]:
    """(host, path without its query) of a URL; numbers in a path are as good as each other."""
    _, separator, rest = url.partition("://")
    host, slash, path = (rest if separator else url).partition("/")
    return host.rpartition("@")[2].lower()[:NAME_CHARACTERS], _ID.sub("{id}", (slash + path.partition("?")[0])[:NAME_CHARACTERS])


def _most_first(counts: dict[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _first(tally: Any, most: int | None) -> list[tuple[str, Any]]:
    """Those counted most, and what was folded."""
    found = list(tally)[:most]
    return found + ([("(others)", tally.others)] if tally.others.count else [])


# --- DNS ----------------------------------------------------------------------------------------------------------------

class Dns:
    """What DNS came to."""

    def __init__(self, slowest: int) -> None:
        self.queries = 0
        self.datagram_queries = 0       # those over UDP: what a summary counts
        self.responses = 0
        self.retries = 0
        self.unanswered = 0
        self.unasked = 0
        self.codes: dict[str, int] = {}
        self.times = Latencies()
        self.failures: Tally[tuple[str, str], Number] = Tally(Number, limits.STATS_NAMES)
        self.slowest = Slowest(slowest)
        self._count = 0

    def add(self, joined: Joined) -> None:
        """Count what a batch completed."""
        if joined.messages is not None and len(joined.messages):
            rows = joined.messages.messages
            answers = rows[:, d.D_FLAGS] & d.MessageFlag.RESPONSE != 0
            self.queries += int((~answers).sum())
            self.datagram_queries += int((~answers & (rows[:, d.D_TRANSPORT] == 17)).sum())
            self.responses += int(answers.sum())
            for code, count in zip(*np.unique(rows[answers, d.D_RCODE], return_counts=True), strict=True):
                name = STATUS.get(int(code), f"RCODE{int(code)}")
                self.codes[name] = self.codes.get(name, 0) + int(count)
        self._exchanges(joined.dns)

    def _exchanges(self, exchanges: DnsExchanges) -> None:
        rows = exchanges.rows
        if not len(rows):
            return
        states = rows[:, p.X_STATE_]
        self.unanswered += int((states == p.UNANSWERED_).sum())
        self.unasked += int((states == p.UNASKED_).sum())
        self.retries += int(rows[:, p.X_RETRIES_].sum())
        times = exchanges.time_ns()
        for ns in times[times >= 0].tolist():
            self.times.add(ns)
        failed = (states == p.UNANSWERED_) | ((rows[:, p.X_ANSWER_ + d.D_NUMBER] > 0) & (rows[:, p.X_ANSWER_ + d.D_RCODE] > 0))
        for index in np.flatnonzero(failed).tolist():
            one = exchanges[index]
            if one.is_error:
                self.failures[one.name[:NAME_CHARACTERS], one.status or "no answer"].count += 1
        for index in np.argsort(-times, kind="stable")[:limits.STATS_SLOWEST].tolist():
            self._count += 1
            if times[index] >= 0 and self.slowest.wants(int(times[index])):
                self.slowest.add(int(times[index]), self._count, _lookup(exchanges[index]))

    def record(self, most: int | None) -> dict[str, Any]:
        """It as a JSON object."""
        return {"queries": self.queries, "responses": self.responses, "response_codes": _most_first(self.codes),
                "unanswered": self.unanswered, "unasked": self.unasked, "retries": self.retries, "time": _percentiles(self.times),
                "failures": [{"name": name[0], "status": name[1], "count": one.count} for name, one in list(self.failures)[:most]],
                "slowest": list(self.slowest)[:most]}


def _lookup(one: DnsExchange) -> dict[str, Any]:
    first = one.query or one.response
    return {"time": one.time_ns / 1e9, "name": one.name[:NAME_CHARACTERS], "type": one.type, "status": one.status, "server": one.server,
            "packet": first.packet if first is not None else 0}


# --- TCP ----------------------------------------------------------------------------------------------------------------

class Tcp:
    """What TCP had to repeat, and what else sequence analysis marks."""

    def __init__(self) -> None:
        self.packets = 0
        self.segments = 0     # with payload
        self.payload = 0
        self.sent_again = 0
        self.sent_again_bytes = 0
        self.marks: dict[str, int] = {}

    def add(self, table: Table, flows: Table) -> None:
        """Count packets.

        table, flows  int64[packets.COUNT, n], int64[reassembly.COUNT, n]
        """
        tcp = np.flatnonzero(table[c.KIND] == Kind.TCP)
        size, tags = np.maximum(table[c.PAYLOAD_WIRE, tcp], 0), flows[s.TAGS, tcp]
        again = tags & SENT_AGAIN != 0
        self.packets += len(tcp)
        self.segments += int((size > 0).sum())
        self.payload += int(size.sum())
        self.sent_again += int(again.sum())
        self.sent_again_bytes += int(size[again].sum())
        if (tags & MARKS).any():
            for tag, name in ANALYSIS_FIELDS.items():
                count = int((tags & (SENT_AGAIN if tag == Tag.RETRANSMISSION else tag) != 0).sum())   # as Wireshark's field
                if count:
                    self.marks[f"tcp.analysis.{name}"] = self.marks.get(f"tcp.analysis.{name}", 0) + count

    def record(self, worst: list[dict[str, Any]]) -> dict[str, Any]:
        """It as a JSON object."""
        return {"packets": self.packets, "segments_with_payload": self.segments, "payload_bytes": self.payload,
                "sent_again": self.sent_again, "sent_again_bytes": self.sent_again_bytes,
                "sent_again_rate": self.sent_again / self.segments if self.segments else 0.0, "marks": _most_first(self.marks),
                "worst": worst}


# --- all of it ----------------------------------------------------------------------------------------------------------

class Statistics:
    """Statistics of a capture. Feed it every step, made with messages; then `finish`.

    summary    the figures that rows end with
    interval_ns  of `time`; 0: what suits
    """

    def __init__(self, notes: Notes | None = None, counters: Counters | None = None, *, interval_ns: int = 0,
                 slowest: int = limits.STATS_SLOWEST) -> None:
        self.counters = counters if counters is not None else Counters()
        self.notes = notes if notes is not None else Notes()
        self.summary = Summary(notes=self.notes, counters=self.counters)
        self.endpoints = Endpoints(self.counters)
        self.conversations = Conversations(self.counters)
        self.http = Http(slowest)
        self.dns = Dns(slowest)
        self.tcp = Tcp()
        self.time = TimeLine(limits.STATS_INTERVALS, interval_ns)
        self._joiner = Joiner(self.notes, self.counters)

    def add(self, step: Step) -> None:
        """Count one batch; of a filtered one what matched, and messages and exchanges of which a packet did."""
        streams, messages = step.apps.streams, step.apps.messages
        table, flows = streams.packets.table, streams.table
        if self.conversations.zero_ns is None and table.shape[1]:
            self.conversations.zero_ns = int(table[c.TS_NS, 0])
            self.time.begin(self.conversations.zero_ns)
        if step.matched is not None and self.summary.chosen is None:
            from sniff.filters.chosen import Chosen
            self.summary.chosen = Chosen()
        self.summary.add(step.apps, 0, step.matched)
        if step.matched is not None and self.summary.chosen is not None:
            table, flows = table[:, step.matched], flows[:, step.matched]
            messages = messages[:, self.summary.chosen.packets.have(messages[m.M_LAST_PACKET])]
        self.time.add(table[c.TS_NS], table[c.WIRELEN])
        self.endpoints.add(table)
        self.conversations.add(table, flows)
        self.tcp.add(table, flows)
        joined = self._joined(self._joiner.add(step.apps))
        self._add_http(messages, joined.http)
        self.dns.add(joined)
        self.summary.dns_queries = self.dns.datagram_queries    # it counts rows, and none were made

    def finish(self) -> None:
        """The capture is over."""
        joined = self._joined(self._joiner.finish())
        self._add_http(np.empty((m.M_COUNT, 0), np.int64), joined.http)
        self.dns.add(joined)

    def _joined(self, joined: Joined) -> Joined:
        """What of it counts."""
        return self.summary.chosen.joined(joined) if self.summary.chosen is not None else joined

    def _add_http(self, messages: Table, exchanges: Exchanges) -> None:
        second = messages_of(exchanges)
        self.summary.http.add(second)
        self.http.add(np.concatenate([messages, second], axis=1) if second.shape[1] else messages, exchanges)

    def record(self, most: int | None = None) -> dict[str, Any]:
        """All of it as a JSON object. Times are seconds, sizes bytes; `most` entries of each list, all without it."""
        summary = self.summary
        duration = (summary.last_ns or 0) - (summary.first_ns or 0)
        return {
            **({"packets": summary.packets} if summary.chosen is None else
               {"packets": summary.chosen.count, "packets_of_capture": summary.packets}), "bytes": summary.wire_bytes,
            "first": None if summary.first_ns is None else summary.first_ns / 1e9,
            "last": None if summary.last_ns is None else summary.last_ns / 1e9, "duration": duration / 1e9,
            "tcp_connections": summary.tcp_flows, "udp_flows": summary.udp_flows,
            "time": {"interval": self.time.step_ns / 1e9, "packets": self.time.packets, "bytes": self.time.bytes},
            "endpoints": self.endpoints.top(most),
            "conversations": {"tcp": self.conversations.top(False, most), "udp": self.conversations.top(True, most)},
            "http": self.http.record(most), "dns": self.dns.record(most),
            "tcp": self.tcp.record(self.conversations.top(False, most, "sent_again")),
            "notes": {code.name: count for code, count in sorted(self.notes.counts.items())}, "limits": self.counters.fired()}
