"""`--flows`: one row a connection, as a table, as tab-separated text or as JSON lines."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table as RichTable

from sniff.reassembly import columns as s
from sniff.report.flow import Flow, flows_of
from sniff.report.formats import Format, Options, Sink, Step, Writer
from sniff.report.process import Pair, Processes
from sniff.report.services import Services
from sniff.report.summary import Summary
from sniff.report.terminal import printable

if TYPE_CHECKING:
    from sniff.filters.chosen import Chosen

TABLE_ROWS = 10_000
"""Flows that a table shows; it is drawn when the capture is over. The other forms show all of them as they end."""

COLUMNS = ("Stream", "Client", "Server", "Start", "Duration", "Packets", "Bytes", "Sent again", "Missing", "Handshake",
           "Round trip", "State", "Carries")
"""Pairs are the client's number, an arrow and the server's. Times are seconds, of handshake and round trip milliseconds."""
PROCESS_COLUMNS = ("Client process", "Server process")
"""What --process adds."""
FOLDED = {1: 22, 2: 22, 13: 16, 14: 16}
"""Columns that may be folded, and the width that they keep in any case: an IPv4 address and a port."""
LEFT_OUT = (3, 10, 9, 7, 8, 12, 4)
"""Which columns a window that is too narrow does without: those with nothing in them, then these, one after the other."""


def cells(flow: Flow, service: str | None, zero_ns: int, processes: Pair | None = None) -> list[str]:
    """The row of one flow, one text for each of COLUMNS; empty where nothing is known. PROCESS_COLUMNS come with `processes`."""
    client, server = (f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
                      for address, port in zip(flow.addresses, flow.ports, strict=True))
    return [f"{flow.protocol_name.lower()} {flow.stream}", client, server, _seconds(flow.first_ns - zero_ns),
            _seconds(flow.duration_ns), _pair(flow.pair(s.F_PACKETS)), _pair(_bytes(flow)),
            _some(flow.pair(s.F_RETRANSMISSIONS)), _some(flow.pair(s.F_MISSING)), _milliseconds(flow.handshake_ns),
            _milliseconds(flow.round_trip_ns), flow.state.name, service or "",
            *(printable(owner.label) if owner is not None else "" for owner in processes or ())]


def record(flow: Flow, service: str | None, processes: Pair | None = None) -> dict[str, Any]:
    """The same as a JSON object, with more numbers; what is not known has no key."""
    row: dict[str, Any] = {"proto": flow.protocol_name.lower(), "stream": flow.stream}
    for side, address, port in zip(("client", "server"), flow.addresses, flow.ports, strict=True):
        row[side], row[f"{side}_port"] = address, port
    row |= {"start": flow.first_ns / 1e9, "end": flow.last_ns / 1e9, "duration": flow.duration_ns / 1e9,
            "first_packet": flow.row[s.F_FIRST_PACKET], "last_packet": flow.row[s.F_LAST_PACKET]}
    numbers = {"packets": s.F_PACKETS, "ip_bytes": s.F_WIRE_BYTES, "payload_sent": s.F_SENT}
    if flow.protocol == 6:
        numbers |= {"payload": s.F_PAYLOAD, "sent_again_bytes": s.F_RETRANSMITTED, "retransmissions": s.F_RETRANSMISSIONS,
                    "missing_bytes": s.F_MISSING, "zero_windows": s.F_ZERO_WINDOWS}
    for name, column in numbers.items():
        row[f"client_{name}"], row[f"server_{name}"] = flow.pair(column)
    for k, side in enumerate(("client", "server")):
        if flow.row[s.F_RTT_COUNT + k]:
            row[f"{side}_rtt_min"] = flow.row[s.F_RTT_MIN_NS + k] / 1e9
            row[f"{side}_rtt_mean"] = flow.row[s.F_RTT_SUM_NS + k] / flow.row[s.F_RTT_COUNT + k] / 1e9
        if flow.row[s.F_STALL_NS + k]:
            row[f"{side}_stalled"] = flow.row[s.F_STALL_NS + k] / 1e9
    if flow.handshake_ns >= 0:
        row["handshake"] = flow.handshake_ns / 1e9
    if flow.protocol == 6:
        row["midstream"] = bool(flow.row[s.F_MIDSTREAM])
    row |= {"state": flow.state.name, "history": flow.history, "reason": flow.end_reason.name.lower()}
    if service:
        row["service"] = service
    for side, owner in zip(("client", "server"), processes or (), strict=False):
        if owner is not None:
            row[f"{side}_process"] = owner.facts
    return row


def columns_that_fit(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """The columns to show of a table in a window of so many characters.

    rows  the titles, then the cells
    """
    widths = [min(max(map(len, column)), FOLDED.get(k, width)) for k, column in enumerate(zip(*rows, strict=True))]
    empty = [k for k, column in enumerate(zip(*rows[1:], strict=True)) if not any(column)]
    shown = list(range(len(widths)))
    for k in (*empty, *LEFT_OUT):
        if sum(widths[k] + 2 for k in shown) - 2 <= width:
            break
        if k in shown:
            shown.remove(k)
    return shown


def _bytes(flow: Flow) -> tuple[int, int]:
    return flow.pair(s.F_PAYLOAD) if flow.protocol == 6 else flow.sent


def _seconds(ns: int) -> str:
    return f"{ns / 1e9:.6f}"


def _milliseconds(ns: int) -> str:
    return f"{ns / 1e6:.3f}" if ns >= 0 else ""


def _pair(numbers: tuple[int, int]) -> str:
    return f"{numbers[0]} ⇄ {numbers[1]}"


def _some(numbers: tuple[int, int]) -> str:
    return _pair(numbers) if any(numbers) else ""


class _Flows:
    """What all three have in common: the flows that end in each step, and what they carry."""

    def __init__(self, sink: Sink, processes: Processes | None = None, chosen: "Chosen | None" = None) -> None:
        self.sink = sink
        self.chosen = chosen
        self.processes = processes
        self.zero_ns: int | None = None
        self._services = Services()

    def ended(self, step: Step) -> Iterator[tuple[Flow, str | None]]:
        """The flows that ended in a step."""
        streams = step.apps.streams
        if self.zero_ns is None and len(streams.packets):
            self.zero_ns = int(streams.packets.raw.ts_ns[0])
        self._services.add(step)
        for flow in flows_of(streams.ended):
            service = self._services.take(flow)
            if self.chosen is None or self.chosen.stream(flow.protocol, flow.stream):
                yield flow, service
        self._services.forget(streams.ended[s.F_STREAM, streams.ended[s.F_PROTO] == 6].tolist())


    def _pair(self, flow: Flow) -> Pair | None:
        """Who talks to whom; None when nobody asks."""
        return self.processes.of_flow(flow) if self.processes is not None else None


class LinesWriter(_Flows):
    """A line a flow, as it ends."""

    def __init__(self, sink: Sink, line: Callable[[Flow, str | None, int, Pair | None], str],
                 processes: Processes | None = None, chosen: "Chosen | None" = None) -> None:
        super().__init__(sink, processes, chosen)
        self._line = line

    def write(self, step: Step) -> None:
        """Write the flows that ended in one step."""
        lines = [self._line(flow, service, self.zero_ns or 0, self._pair(flow)) for flow, service in self.ended(step)]
        if lines:
            self.sink.write("\n".join([*lines, ""]).encode())

    def end(self, summary: Summary) -> None:
        """Nothing is left."""


class FlowTable(_Flows):
    """A table for people, drawn at the end: the flows in the order in which they began."""

    def __init__(self, sink: Sink, console: Console | None = None, processes: Processes | None = None,
                 chosen: "Chosen | None" = None) -> None:
        super().__init__(sink, processes, chosen)
        self.console = console or Console(highlight=False)
        self._rows: list[tuple[int, list[str]]] = []
        self._more = 0

    def write(self, step: Step) -> None:
        """Note the flows that ended in one step."""
        for flow, service in self.ended(step):
            if len(self._rows) < TABLE_ROWS:
                self._rows.append((flow.row[s.F_FIRST_PACKET], cells(flow, service, self.zero_ns or 0, self._pair(flow))))
            else:
                self._more += 1

    def end(self, summary: Summary) -> None:
        """Draw them."""
        table = RichTable(box=None, pad_edge=False, header_style="bold")
        titles = COLUMNS if self.processes is None else (*COLUMNS, *PROCESS_COLUMNS)
        shown = columns_that_fit([titles, *(row for _, row in self._rows)], self.console.width)
        for k in shown:
            table.add_column(titles[k], justify="right" if 3 <= k <= 10 else "left", overflow="fold", no_wrap=k not in FOLDED)
        for _, row in sorted(self._rows):
            table.add_row(*(row[k] for k in shown))
        with self.console.capture() as capture:
            self.console.print(table if self._rows else "no flows")
            if self._more:
                self.console.print(f"{self._more:,} more flows; --format tabs shows all of them")
        self.sink.write(capture.get().encode(self.console.encoding, "replace"))


def _tabs(sink: Sink, options: Options) -> Writer:
    return LinesWriter(sink, lambda flow, service, zero_ns, pair: "\t".join(cells(flow, service, zero_ns, pair)),
                       options.processes, options.chosen)


def _jsonl(sink: Sink, options: Options) -> Writer:
    return LinesWriter(sink, lambda flow, service, zero_ns, pair: json.dumps(record(flow, service, pair), separators=(",", ":")),
                       options.processes, options.chosen)


def _table(sink: Sink, options: Options) -> Writer:
    return FlowTable(sink, processes=options.processes, chosen=options.chosen)


FORMATS = {name: Format(make, "", messages=True, endings=True, rows=False)
           for name, make in (("table", _table), ("tabs", _tabs), ("jsonl", _jsonl))}
"""The formats that show flows."""
