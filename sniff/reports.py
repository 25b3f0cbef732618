"""The HTML report of a capture, in two passes: the first counts everything and chooses, the second fetches what was chosen.

The first pass sees every packet and keeps figures, and of exchanges, connections and lookups those that tell most. The second
pass reads the rows of packets and the bytes of bodies that belong to them. Neither needs more memory for a larger capture.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from sniff import limits
from sniff._version import __version__
from sniff.capture.linktypes import link_type_words
from sniff.capture.sources import Source
from sniff.capture.store import printable
from sniff.decode.bodies import BodyCollector, Sink
from sniff.decode.columns import BODY_ID
from sniff.decode.message import Message
from sniff.exchange.dns import DnsExchange
from sniff.exchange.http import Exchange
from sniff.exchange.http2_exchanges import Http2Exchanges, upgrades
from sniff.exchange.names import Names
from sniff.exchange.stage import Joiner
from sniff.limits import Counters
from sniff.notes import Notes
from sniff.packets import columns as c
from sniff.packets.columns import Kind
from sniff.pipeline import Analysis, Step
from sniff.reassembly import columns as s
from sniff.report.colors import rules_of
from sniff.report.html import details, followed, tables
from sniff.report.html.figures import Figures
from sniff.report.html.findings import count, findings, kind_words, longest_phase, verdict
from sniff.report.html.first import Capture, Row, first_screen
from sniff.report.html.gateways import GatewayRequests
from sniff.report.html.masking import Masker
from sniff.report.html.page import Page, pack
from sniff.report.html.series import Ints
from sniff.report.lines import PART_ROWS, TabsLines, cells_of, parts_of
from sniff.report.summary import size, span

CHUNK = 250
"""Exchanges whose details are compressed together."""

FILES = 8
"""Files and interfaces that the first screen names."""

UDP_STREAM = 1 << 40
"""Added to the numbers of UDP's streams in columns that hold both."""

Paths = Sequence[str | Path]
Progress = Callable[[int], object]


@dataclass(frozen=True, slots=True)
class Options:
    """What a report shows.

    limit    most rows of each table
    secrets  passwords, tokens and cookies as they are
    redact   no bodies, and other addresses in place of the real ones
    title    instead of the name of the file
    """

    limit: int = limits.REPORT_ROWS
    secrets: bool = False
    redact: bool = False
    title: str = ""


@dataclass(slots=True)
class _First:
    """What the first pass found."""

    figures: Figures
    masker: Masker
    notes: Notes
    counters: Counters
    names: Names
    facts: list[tuple[str, str]]
    files: list[str]
    damage: list[str]
    dropped: int
    broken: list[str]
    exchanges: list[tuple[Exchange, int]] = field(default_factory=list)
    ranks: list[int] = field(default_factory=list)
    gateways: dict[str, Any] = field(default_factory=dict)
    gateways_seen: int = 0
    flows: list[tuple[list[int], int]] = field(default_factory=list)
    lookups: list[tuple[DnsExchange, int]] = field(default_factory=list)


def make_report(paths: Paths, options: Options | None = None, progress: Progress = lambda position: None) -> tuple[Page, list[str]]:
    """(the report of some files, read as one capture; what is wrong with the files, a line each). They are read twice.

    progress  called with the bytes that were read so far, of twice the size
    Raises InputError when a file cannot be opened.
    """
    options = options or Options()
    masker = Masker(options.secrets, options.redact)
    first = _first_pass(paths, options, masker, progress)
    return _second_pass(paths, options, first, progress), first.broken


def _first_pass(paths: Paths, options: Options, masker: Masker, progress: Progress) -> _First:
    analysis = Analysis(paths, rows=False, messages=True, endings=True)
    figures = Figures(options.limit, masker)
    joiner = Joiner(analysis.notes, analysis.counters)
    gateways = GatewayRequests(options.limit, masker)
    with closing(analysis.source) as source:
        for step in analysis:
            joined = joiner.add(step.apps)
            figures.add(step.streams, joined.dns, joined.http)
            gateways.add(step.apps.gateways)
            progress(source.position)
        joined = joiner.finish()
        figures.finish(joined.dns, joined.http)
        facts, dropped = _facts(source, figures, masker)
        first = _First(figures, masker, analysis.notes, analysis.counters, joiner.names, facts,
                       [masker.name(printable(Path(info.name).name)) for info in source.info],
                       [masker.text(printable(info.damage.removeprefix(f"{info.name}: "))) for info in source.info if info.damage],
                       dropped, [info.damage for info in source.info if info.damage])
    first.exchanges = figures.http.kept.take()
    first.ranks = figures.http.kept.ranks().tolist()
    order = sorted(range(len(first.exchanges)), key=lambda place: first.exchanges[place][0].start_ns)
    first.exchanges = [first.exchanges[place] for place in order]
    first.ranks = [first.ranks[place] for place in order]
    first.flows = sorted(figures.flows.kept.take(), key=lambda item: item[0][s.F_FIRST_PACKET])
    first.gateways, first.gateways_seen = gateways.columns(figures.packets.first_ns or 0), gateways.kept.seen
    first.lookups = sorted(figures.dns.kept.take(), key=lambda item: _asked_ns(item[0]))
    return first


def _asked_ns(lookup: DnsExchange) -> int:
    """When a lookup began, as far as that was seen."""
    return lookup.asked_ns if lookup.query is not None else lookup.answered_ns


def _facts(source: Source, figures: Figures, masker: Masker) -> tuple[list[tuple[str, str]], int]:
    """What is said of the capture itself."""
    packets = figures.packets
    facts: list[tuple[str, str]] = []
    for info in source.info[:FILES]:
        form = info.format + "".join(f" in {kind}" for kind in reversed(info.compression))
        form += f", {size(info.size)}" if info.size >= 0 else ""
        facts.append(("File", f"{masker.name(printable(Path(info.name).name))}, {form}"))
    if len(source.info) > FILES:
        facts.append(("", f"and {count(len(source.info) - FILES, 'more file')}"))
    dropped, known = 0, False
    for number, interface in enumerate(source.interfaces[:FILES]):
        words = [printable(word) for word in (interface.name, interface.description) if word]
        words += [link_type_words(interface.link_type), count(figures.packets.interface_packets[number], "packet")]
        if interface.filter:
            words.append(f"filter {printable(interface.filter)!r}")
        if interface.dropped >= 0:
            words.append(f"{interface.dropped:,} dropped")
        facts.append(("Interface", masker.body(", ".join(words))))
    if len(source.interfaces) > FILES:
        facts.append(("", f"and {count(len(source.interfaces) - FILES, 'more interface')}"))
    for interface in source.interfaces:
        if interface.dropped >= 0:
            dropped, known = dropped + interface.dropped, True
    facts.append(("Packets", f"{packets.packets:,}, {size(packets.wire_bytes)} on the wire, {size(packets.captured_bytes)} captured"))
    facts.append(("Dropped", count(dropped, "packet") if known else "the file does not say"))
    if packets.cut:
        facts.append(("Cut packets", f"{packets.cut:,}"))
    comments = [comment for info in source.info for section in info.sections for comment in section.comments]
    comments += [comment for interface in source.interfaces for comment in interface.comments]
    facts += [("Comment", masker.body(printable(comment[:2000]))) for comment in comments[:20]]
    damage = [masker.text(printable(info.damage.removeprefix(f"{info.name}: "))) for info in source.info if info.damage]
    facts += [("Damage", line) for line in damage] or [("Damage", "none")]
    return facts, dropped


class _Fetcher:
    """The second pass: rows of packets and bodies of messages, those that were chosen."""

    def __init__(self, first: _First, options: Options) -> None:
        self.bodies: dict[int, details.KeptBody] = {}
        self._first = first
        self._limit = 4 * options.limit
        zero = first.figures.packets.first_ns or 0
        self.zero_ns = zero
        self.packets = tables.PacketColumns(first.masker, zero)
        self.all = first.figures.packets.packets <= self._limit
        self._lines = TabsLines()
        self._wanted, self._streams = self._choose() if not self.all else (np.zeros(0, np.int64), np.zeros(0, np.int64))
        ids = {message.id: message.body_length for exchange, _ in first.exchanges
               for message in (exchange.request, exchange.response)
               if message is not None and (message.body_length or message.body_wire)}
        self._ids = {} if options.redact else ids
        self._cap = limits.REPORT_BODY_BYTES
        while self._cap > details.LEAST_BYTES and sum(min(length, self._cap) for length in ids.values()) > limits.REPORT_BODIES_BYTES:
            self._cap //= 2
        self._numbers = np.array(sorted(self._ids), np.int64)
        self.said = followed.FollowedStreams([] if options.redact else self._quiet_streams(), zero)
        self.collector = BodyCollector(self._sink)
        self._http2 = Http2Exchanges(sink=self._sink, cap=self._cap)
        self._upgrades = upgrades([exchange for exchange, _ in first.exchanges])

    def finish(self) -> None:
        """The capture is over."""
        self.collector.finish()
        self._http2.finish()

    def _choose(self) -> tuple[Ints, Ints]:
        """(frame.numbers, tcp.streams) whose rows are shown, those of the most telling exchanges first."""
        first = self._first
        room = self._limit
        numbers: set[int] = {0}
        streams: list[int] = []
        sizes = {row[s.F_STREAM]: row[s.F_PACKETS] + row[s.F_PACKETS + 1] for row, _ in first.flows if row[s.F_PROTO] == 6}
        order = sorted(range(len(first.exchanges)), key=lambda place: first.ranks[place])
        whole = room // 2
        for place in order:
            exchange = first.exchanges[place][0]
            if exchange.stream in sizes and sizes[exchange.stream] <= whole:
                whole -= sizes.pop(exchange.stream)
                streams.append(exchange.stream)
            for message in exchange.messages:
                numbers.update((message.first_packet, message.head_packet, message.last_packet))
            numbers.update(event.packet for event in exchange.events[:100])
            if len(numbers) > room // 2:
                break
        for lookup, _ in first.lookups[:room // 8]:
            numbers.update(message.packet for message in (lookup.query, lookup.response) if message is not None)
        for note in first.notes.rows[:room // 16]:
            numbers.add(note.packet)
        for row, _ in first.flows[:room // 16]:
            numbers.add(row[s.F_FIRST_PACKET])
        return np.array(sorted(numbers), np.int64), np.array(sorted(streams), np.int64)

    def _quiet_streams(self) -> list[int]:
        """The TCP connections that carried something else than HTTP."""
        spoken = {exchange.stream for exchange, _ in self._first.exchanges}
        return [row[s.F_STREAM] for row, _ in self._first.flows
                if row[s.F_PROTO] == 6 and row[s.F_STREAM] not in spoken and row[s.F_PAYLOAD] + row[s.F_PAYLOAD + 1]
                and (self._first.masker.secrets or row[s.F_SERVER_PORT] not in followed.LETTERS)]

    def _sink(self, message: Message) -> Sink | None:
        if message.id not in self._ids:
            return None
        body = self.bodies[message.id] = details.KeptBody(self._cap)
        return body

    def add(self, step: Step) -> None:
        """Fetch from one batch."""
        bodies = step.apps.bodies
        self.collector.add(replace(step.apps, bodies=bodies[:, np.isin(bodies[BODY_ID], self._numbers)]))
        self.said.add(step.streams)
        self._http2.add(step.streams, self._upgrades)
        self._upgrades = []
        rows = step.rows
        if rows is None or not len(rows.shown):
            return
        table = step.packets.table
        if not self.all:
            chosen = np.isin(table[c.NUMBER], self._wanted)
            if len(self._streams):
                chosen |= np.isin(step.streams.table[s.STREAM], self._streams) & (table[c.KIND] == Kind.TCP)
            rows = replace(rows, shown=rows.shown[chosen[rows.shown]])
        for part in parts_of(rows, PART_ROWS):
            shown = part.shown
            streams = step.streams.table[s.STREAM, shown]
            streams = np.where((table[c.KIND, shown] == Kind.UDP) & (streams >= 0), streams + UDP_STREAM, streams)
            self.packets.add(cells_of(part, self._lines), table[c.TS_NS, shown].tolist(), rules_of(part).tolist(), streams.tolist(),
                             step.streams.table[s.DIRECTION, shown].tolist())


def _second_pass(paths: Paths, options: Options, first: _First, progress: Progress) -> Page:
    fetcher = _Fetcher(first, options)
    analysis = Analysis(paths, packets=True, bodies=True)
    with closing(analysis.source) as source:
        begun = source.size
        for step in analysis:
            fetcher.add(step)
            progress(begun + source.position)
        fetcher.finish()
    return _Writer(first, fetcher, options).page()


def _forget(exchange: Exchange) -> None:
    for message in exchange.messages:
        message.forget()


class _Writer:
    """Puts the page together."""

    def __init__(self, first: _First, fetcher: _Fetcher, options: Options) -> None:
        self._first = first
        self._fetcher = fetcher
        self._options = options
        self._left: set[int] = set()

    def page(self) -> Page:
        """The page."""
        first, masker = self._first, self._first.masker
        for exchange, _ in first.exchanges:
            details.learn_bodies(exchange, self._fetcher.bodies, masker)
            _forget(exchange)
        self._budget()
        title = self._options.title or ", ".join(first.files[:3]) + (" …" if len(first.files) > 3 else "")
        page = Page(f"{title} · sniff report", "")
        page.body = self._screen(title)
        page.add("core", self._core(title))
        page.add("packets", self._fetcher.packets.columns())
        page.add("said", self._fetcher.said.texts(masker))
        for number, chunk in enumerate(self._details()):
            page.blocks[f"x{number}"] = chunk
        return page

    def _budget(self) -> None:
        """Decide whose bodies find room."""
        room = limits.REPORT_PAGE_BYTES * 3 // 4 - 150 * len(self._fetcher.packets) // 4
        places = sorted(range(len(self._first.exchanges)), key=lambda place: self._first.ranks[place])
        for place in places:
            exchange = self._first.exchanges[place][0]
            for message in exchange.messages:
                room -= len(message.head) // 8
                body = self._fetcher.bodies.get(message.id)
                if body is None:
                    continue
                cost = body.cost()
                if cost > room:
                    self._left.add(message.id)
                    del self._fetcher.bodies[message.id]
                else:
                    room -= cost

    def _details(self) -> Iterator[bytes]:
        """The blocks of details, packed at once. Bodies, and what was read from heads, are let go: there may be many."""
        exchanges, masker, bodies = self._first.exchanges, self._first.masker, self._fetcher.bodies
        for start in range(0, len(exchanges), CHUNK):
            some = exchanges[start:start + CHUNK]
            yield pack([details.detail(exchange, bodies, self._left, masker) for exchange, _ in some])
            for exchange, _ in some:
                for message in exchange.messages:
                    bodies.pop(message.id, None)
                _forget(exchange)

    def _core(self, title: str) -> dict[str, Any]:
        first, masker, figures = self._first, self._first.masker, self._first.figures
        zero = self._fetcher.zero_ns
        http, dns, flows, packets = figures.http, figures.dns, figures.flows, figures.packets
        most = self._options.limit

        def name_of(client: str, server: str, ns: int) -> str:
            return first.names.lookup(client, server, ns) or ""

        series_width, series = figures.series.columns(240)
        addresses = sorted(flows.addresses.items(), key=lambda item: (-(item[1].sent + item[1].received), item[0]))[:most]
        return {
            "title": title, "version": __version__, "zero": [zero // 1_000_000_000, zero % 1_000_000_000], "chunk": CHUNK,
            "secrets": masker.secrets, "redacted": masker.redact, "limit": most,
            "exchanges": tables.exchange_columns(first.exchanges, zero, masker),
            "connections": tables.flow_columns(first.flows, zero, name_of, masker),
            "lookups": tables.lookup_columns(first.lookups, zero, masker),
            "gateways": first.gateways,
            "servers": tables.host_rows(http.hosts, most, masker),
            "addresses": [[masker.address(text), self._name(text), one.sent, one.received, one.packets, one.flows, one.as_client,
                           one.as_server, [list(pair) for pair in one.ports.most_common(5)]] for text, one in addresses],
            "notes": tables.note_rows(first.notes.rows, most, masker),
            "comments": [[number, masker.body(printable(comment[:2000]))] for number, comment in packets.comments],
            "rules": tables.rule_names(), "all": self._fetcher.all,
            "seen": {"exchanges": http.kept.seen, "connections": flows.kept.seen, "lookups": dns.kept.seen,
                     "gateways": first.gateways_seen,
                     "packets": packets.packets, "notes": sum(first.notes.counts.values())},
            "statistics": {
                "width": series_width, "series": series, "total": http.total.bars(), "wait": http.wait.bars(),
                "dns": dns.times.bars(), "handshakes": flows.handshakes.bars(), "trips": flows.round_trips.bars(),
                "percentiles": {name: [durations.count, *(durations.percentile_ns(part) for part in (50, 75, 90, 95, 99)),
                                       durations.longest_ns]
                                for name, durations in (("total", http.total), ("wait", http.wait), ("dns", dns.times),
                                                        ("handshakes", flows.handshakes), ("trips", flows.round_trips))},
                "phases": http.phases, "statuses": sorted(http.statuses.items()),
                "methods": http.methods.most_common(20),
                "types": [[masker.text(kind.decode("utf-8", "replace")[:100]), *numbers] for kind, numbers in
                          sorted(http.types.items(), key=lambda item: (-item[1][1], item[0]))[:50]],
                "kinds": [[kind_words(name), number, packets.kind_bytes[name]] for name, number in packets.kinds.most_common()],
                "marks": [[name, number] for name, number in packets.marks.most_common()], "tcp": packets.tcp,
                "ends": [[tables.ENDS[s.ConnState(state)], number] for state, number in flows.states.most_common()],
                "rcodes": [[code, number] for code, number in dns.rcodes.most_common() if code >= 0],
            },
        }

    def _name(self, address: str) -> str:
        try:
            name = self._first.names.lookup(None, address)
        except ValueError:
            return ""
        return self._first.masker.name(name or "")

    # --- the part that needs no script ------------------------------------------------------------------------------

    def _screen(self, title: str) -> str:
        first, masker, figures = self._first, self._first.masker, self._first.figures
        capture = Capture(title, first.files, __version__, first.facts)
        failed = [exchange for exchange, _ in first.exchanges if exchange.is_error][:20]
        slowest = sorted((exchange for exchange, _ in first.exchanges), key=lambda exchange: -exchange.phases.total)[:20]
        return first_screen(
            capture, figures, verdict(figures),
            findings(figures, first.notes, first.counters, first.damage, first.dropped, masker),
            [self._row(exchange) for exchange in failed], [self._row(exchange) for exchange in slowest], self._left_out(),
            self._notices(), self._remarks())

    def _row(self, exchange: Exchange) -> Row:
        masker = self._first.masker
        words, longest = longest_phase(exchange)
        request = exchange.request
        return Row(f"#exchanges?x={exchange.number}", masker.text(request.method.decode("latin-1")[:32]) if request else "",
                   masker.url(exchange.url(masker.secrets))[:500] or "(request not captured)",
                   str(exchange.status) if exchange.status else exchange.state.name.lower(), span(exchange.phases.total),
                   words if longest else "")

    def _left_out(self) -> list[str]:
        first, figures = self._first, self._first.figures
        lines = []
        for kept, what in ((figures.http.kept, "exchanges"), (figures.flows.kept, "connections and flows"),
                           (figures.dns.kept, "DNS lookups")):
            if kept.left_out:
                lines.append(f"The table of {what} holds {kept.seen - kept.left_out:,} of {kept.seen:,}: trouble, the slowest, and a "
                             "fair sample of the rest. Figures count all of them.")
        if not self._fetcher.all:
            lines.append(f"The timeline holds {len(self._fetcher.packets):,} of {figures.packets.packets:,} packets: those of the most "
                         "telling exchanges.")
        if self._left:
            lines.append(f"{count(len(self._left), 'body', 'bodies')} found no room in this page.")
        if len(first.notes) > self._options.limit:
            lines.append(f"The table of notes holds {self._options.limit:,} of {sum(first.notes.counts.values()):,}.")
        return lines

    def _notices(self) -> list[str]:
        if self._options.redact:
            return ["Bodies are left out, and addresses are replaced, the same one always by the same."]
        if self._options.secrets:
            return ["This page shows passwords, tokens and cookies as they are. Think before you pass it on."]
        return []

    def _remarks(self) -> list[str]:
        if self._options.redact or self._options.secrets:
            return []
        return ["Passwords, tokens and cookies are masked (***). Bodies may still hold what is private."]
