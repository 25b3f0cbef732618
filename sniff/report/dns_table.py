"""`--dns`: one row a lookup, as a table, as tab-separated text or as JSON lines."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import numpy as np
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from sniff.decode import dns_columns as d
from sniff.decode.columns import Protocol
from sniff.decode.dns import DnsDecoder
from sniff.decode.dns_message import STATUS
from sniff.decode.dns_text import unicode_name
from sniff.exchange import dns_pair as p
from sniff.exchange.dns import DnsExchange, DnsExchanges, DnsPairing, State
from sniff.report.dns_lines import dns_line
from sniff.report.formats import Format, Options, Sink, Step, Writer
from sniff.report.summary import Summary
from sniff.report.terminal import printable

TABLE_ROWS = 2_000
"""Lookups that a table shows; it is drawn when the capture is over. The other forms show all of them as they end."""

ROOMY = 120
"""A window narrower than this shows fewer columns, and of several addresses the first."""

FIRST = 10
"""How many of the slowest, the failing and the unanswered the summary names."""

FAILURES = 10_000
"""Names with failures that are counted apart; what fails after them is only counted."""

PART_ROWS = 1_000
"""Lines that are written at once."""

COLUMNS = ("No.", "Time", "Client", "Server", "Name", "Type", "Result", "Answers", "ms", "Remarks")
"""No. is that of the query, or of the response when there is none; Time is seconds since the capture began."""

RESULTS = {State.UNANSWERED: "no answer", State.UNASKED: "not asked", State.SECOND: "second answer", State.ANNOUNCED: "announced"}


def cells(exchange: DnsExchange, zero_ns: int) -> list[str]:
    """The row of one lookup, one text for each of COLUMNS."""
    first = exchange.query if exchange.query is not None else exchange.response
    assert first is not None
    return [str(first.packet), f"{(first.ts_ns - zero_ns) / 1e9:.6f}", exchange.client, exchange.server, exchange.name,
            exchange.type, result(exchange), " ".join(exchange.answers), milliseconds(exchange.time_ns), remarks(exchange)]


def result(exchange: DnsExchange) -> str:
    """What came of it: `NOERROR`, `NXDOMAIN` ..., `no answer`; what is strange about the answer in brackets."""
    strange = RESULTS.get(exchange.state, "")
    if not exchange.status:
        return strange
    return f"{exchange.status} ({strange})" if strange else exchange.status


def remarks(exchange: DnsExchange) -> str:
    """What else should be known."""
    words = []
    if exchange.protocol != "DNS":
        words.append(exchange.protocol)
    if exchange.transport == "tcp":
        words.append("TCP")
    if exchange.retries:
        words.append(f"asked {exchange.retries + 1} times")
    if exchange.response is not None and exchange.response.truncated:
        words.append("truncated")
    if any(message is not None and message.state for message in (exchange.query, exchange.response)):
        words.append("not whole")
    return ", ".join(words)


def milliseconds(ns: int) -> str:
    """A time; empty when there is none."""
    return f"{ns / 1e6:.3f}" if ns >= 0 else ""


class _Lookups:
    """What all forms have in common: the exchanges that are over after each step."""

    def __init__(self, sink: Sink, options: Options) -> None:
        self.sink = sink
        self.zero_ns: int | None = None
        self._chosen = options.chosen
        self._decoder = DnsDecoder(options.notes, options.counters)
        self._pairing = DnsPairing(options.notes, options.counters)

    def over(self, step: Step) -> DnsExchanges:
        """The exchanges that a step completes."""
        streams = step.apps.streams
        if self.zero_ns is None and len(streams.packets):
            self.zero_ns = int(streams.packets.raw.ts_ns[0])
        return self._shown(self._pairing.add(self._decoder.decode(streams)))

    def rest(self) -> DnsExchanges:
        """Those that are still open when the capture is over."""
        return self._shown(self._pairing.finish())

    def _shown(self, exchanges: DnsExchanges) -> DnsExchanges:
        """Those one of whose packets was chosen, when packets are chosen at all."""
        return exchanges if self._chosen is None else self._chosen.lookups(exchanges)


class LookupLines(_Lookups):
    """A line a lookup, as it ends."""

    def __init__(self, sink: Sink, options: Options, line: Callable[[DnsExchange, int], str]) -> None:
        super().__init__(sink, options)
        self._line = line

    def write(self, step: Step) -> None:
        """Write the lookups that ended in one step."""
        self._write(self.over(step))

    def end(self, summary: Summary) -> None:
        """Write the lookups that nobody answered."""
        self._write(self.rest())

    def _write(self, exchanges: Iterable[DnsExchange]) -> None:
        lines = (self._line(exchange, self.zero_ns or 0) for exchange in exchanges)
        while block := list(islice(lines, PART_ROWS)):
            self.sink.write("\n".join([*block, ""]).encode("utf-8", "replace"))


class Totals:
    """Counts of all lookups, and those that a summary names first: failing, unanswered, slowest."""

    def __init__(self) -> None:
        self.states: Counter[int] = Counter()
        self.statuses: Counter[int] = Counter()
        self.failures: Counter[tuple[str, str, str]] = Counter()
        self.retries = 0
        self.slowest: list[tuple[int, int, DnsExchange]] = []
        self.suspicious: list[tuple[int, str]] = []

    def add(self, exchanges: DnsExchanges) -> None:
        """Take in the exchanges of one batch. Objects are made only of those that are named."""
        rows, times = exchanges.rows, exchanges.time_ns()
        states, answered = rows[:, p.X_STATE_], rows[:, p.X_STATE_] == p.ANSWERED_
        rcodes = rows[:, p.X_ANSWER_ + d.D_RCODE]
        for counter, values in ((self.states, states), (self.statuses, rcodes[answered])):
            counter.update(dict(zip(*map(np.ndarray.tolist, np.unique(values, return_counts=True)), strict=True)))
        self.retries += int(rows[:, p.X_RETRIES_].sum())
        lost = (states == p.UNANSWERED_) & (rows[:, p.X_QUERY_ + d.D_PROTOCOL] == Protocol.DNS)
        for index in np.flatnonzero(lost | (answered & (rcodes != 0))).tolist():
            exchange = exchanges[index]
            key = exchange.name.lower(), exchange.type, result(exchange)
            if key in self.failures or len(self.failures) < FAILURES:
                self.failures[key] += 1
        strange = np.flatnonzero((states == p.SECOND_) | (states == p.UNASKED_))
        for index in strange[:FIRST - len(self.suspicious)].tolist():
            exchange = exchanges[index]
            assert exchange.response is not None
            words = f"{RESULTS[exchange.state]:<13} {exchange.type:<6} {unicode_name(exchange.name)}  from {exchange.server}"
            self.suspicious.append((exchange.response.packet, words))
        least = self.slowest[0][0] if len(self.slowest) == FIRST else -1
        slow = np.flatnonzero(times > least)
        for index in slow[np.argsort(times[slow])[-FIRST:]].tolist():
            exchange = exchanges[index]
            entry = (int(times[index]), -exchange.asked_ns, exchange)
            (heapq.heappush if len(self.slowest) < FIRST else heapq.heappushpop)(self.slowest, entry)

    def lines(self) -> Iterator[str]:
        """The summary, line by line."""
        count = sum(self.states.values())
        parts = [f"{count:,} lookup" + "s" * (count != 1), f"{self.states[p.ANSWERED_]:,} answered"]
        parts += [f"{number:,} {STATUS.get(rcode, f'RCODE{rcode}')}" for rcode, number in self.statuses.most_common() if rcode]
        parts += [f"{self.states[state]:,} {word}" for state, word in RESULTS.items() if self.states[state]]
        if self.retries:
            parts.append(f"{self.retries:,} queries repeated")
        yield ", ".join(parts)
        if self.suspicious:
            yield "Possible spoofing:"
            for packet, words in self.suspicious:
                yield printable(f"  {words}  (packet {packet})")
            more = self.states[p.SECOND_] + self.states[p.UNASKED_] - len(self.suspicious)
            if more:
                yield f"  ... and {more:,} more"
        failures = self.failures.most_common(FIRST)
        if failures:
            yield "Failing and unanswered:"
            for (name, kind, words), number in failures:
                yield printable(f"  {number:>6,}  {words:<10} {kind:<6} {unicode_name(name)}")
            if len(self.failures) > FIRST:
                yield f"          ... and {len(self.failures) - FIRST:,} more names"
        if self.slowest:
            yield "Slowest, in ms:"
            for time_ns, _, exchange in sorted(self.slowest, key=lambda entry: (-entry[0], -entry[1])):
                yield printable(f"  {time_ns / 1e6:>10.3f}  {exchange.type:<6} {unicode_name(exchange.name)}  from {exchange.server}"
                                f"  (packet {exchange.query.packet if exchange.query is not None else 0})")


class LookupTable(_Lookups):
    """A table for people, drawn at the end with its summary: the lookups in the order in which they began."""

    def __init__(self, sink: Sink, options: Options, console: Console | None = None) -> None:
        super().__init__(sink, options)
        self.console = console or Console(highlight=False)
        self.totals = Totals()
        self._rows: list[tuple[int, list[str], str]] = []
        self._more = 0

    def write(self, step: Step) -> None:
        """Note the lookups that ended in one step."""
        self._add(self.over(step))

    def _add(self, exchanges: DnsExchanges) -> None:
        self.totals.add(exchanges)
        room = TABLE_ROWS - len(self._rows)
        for exchange in islice(exchanges, max(room, 0)):
            row = cells(exchange, self.zero_ns or 0)
            row[4] = unicode_name(row[4])
            if self.console.width < ROOMY:
                row[6] = RESULTS.get(exchange.state) or row[6]      # what is strange says enough
                if exchange.addresses:      # and an address says more than the names on the way to it
                    row[7] = exchange.addresses[0] + (f" +{len(exchange.answers) - 1}" if len(exchange.answers) > 1 else "")
            style = "red" if exchange.is_error else "yellow" if exchange.state in (State.SECOND, State.UNASKED) else ""
            self._rows.append((int(row[0]), [printable(cell) for cell in row], style))
        self._more += max(len(exchanges) - max(room, 0), 0)

    def end(self, summary: Summary) -> None:
        """Draw them."""
        self._add(self.rest())
        roomy = self.console.width >= ROOMY
        shown = [k for k in range(len(COLUMNS)) if roomy or k not in (1, 9)]
        table = RichTable(box=None, pad_edge=False, header_style="bold")
        least = {4: 8, 8: max((len(row[8]) for _, row, _ in self._rows), default=0)}
        for k in shown:
            table.add_column(COLUMNS[k], justify="right" if k in (0, 1, 8) else "left", overflow="fold",
                             no_wrap=k not in (4, 7), max_width=None if k in (4, 7) else 24, min_width=least.get(k))
        for _, row, style in sorted(self._rows, key=lambda entry: entry[0]):
            table.add_row(*(Text(row[k]) for k in shown), style=style)
        with self.console.capture() as capture:
            if self._rows:
                self.console.print(table)
            if self._more:
                self.console.print(f"{self._more:,} more lookups; --format tabs shows all of them")
            for line in ("", *self.totals.lines()):
                self.console.print(line, markup=False, soft_wrap=True)
        self.sink.write(capture.get().encode(self.console.encoding, "replace"))


def _tabs(sink: Sink, options: Options) -> Writer:
    return LookupLines(sink, options, lambda exchange, zero_ns: "\t".join(map(printable, cells(exchange, zero_ns))))


def _jsonl(sink: Sink, options: Options) -> Writer:
    return LookupLines(sink, options, lambda exchange, zero_ns: dns_line(exchange))


def _table(sink: Sink, options: Options) -> Writer:
    return LookupTable(sink, options)


FORMATS = {name: Format(make, "", messages=True, rows=False) for name, make in (("table", _table), ("tabs", _tabs), ("jsonl", _jsonl))}
"""The formats that show lookups."""
