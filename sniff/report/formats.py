"""The output formats by name. Each is imported only when it is asked for.

A writer takes the steps of an analysis, one after the other, and writes what is to be said about each at once, so that
output flows while a capture is still growing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from sniff.decode.batch import AppBatch
    from sniff.filters.chosen import Chosen
    from sniff.filters.columns import Mask
    from sniff.limits import Counters
    from sniff.notes import Notes
    from sniff.report.process import Processes
    from sniff.report.rows import RowBatch
    from sniff.report.summary import Summary


class Sink(Protocol):
    """Where bytes go."""

    def write(self, data: bytes | memoryview) -> None: ...


class Step(Protocol):
    """What a writer sees of a step: one batch that went through all stages."""

    @property
    def apps(self) -> "AppBatch": ...

    @property
    def rows(self) -> "RowBatch | None": ...

    @property
    def matched(self) -> "Mask | None": ...


class Writer(Protocol):
    """Writes one format."""

    def write(self, step: Any) -> None:
        """Write what one step says."""

    def end(self, summary: "Summary") -> None:
        """The capture is over."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a writer may want to know.

    packets   every packet is a row, not only application rows
    notes     where a writer notes what it finds out
    counters  and counts what it had to give up
    folder    where to write, when the format makes a folder of files
    eve_dns   which version of EVE's dns events to write: 3, or 2 as before Suricata 8
    secrets   show credentials as they are
    processes  who owns the ends of connections; None: not asked for
    chosen    what a display filter chose so far, that step included; None without one
    """

    packets: bool = False
    notes: "Notes | None" = None
    counters: "Counters | None" = None
    folder: "Path | None" = None
    eve_dns: int = 3
    secrets: bool = False
    processes: "Processes | None" = None
    chosen: "Chosen | None" = None


@dataclass(frozen=True, slots=True)
class Format:
    """A format.

    make      writer for a sink
    help      a few words
    messages  it needs messages, unless every packet is a row
    summary   a summary stands at its end
    bodies    it needs the bytes of bodies
    endings   it says how connections ended
    flows     it may want flow rows or the numbers of UDP streams
    rows      it shows rows
    folder    it makes a folder of files, which -o names
    suffixes  of the files that are meant when only -o is given
    """

    make: Callable[[Sink, Options], Writer]
    help: str
    messages: bool = False
    summary: bool = False
    bodies: bool = False
    endings: bool = False
    flows: bool = True
    rows: bool = True
    folder: bool = False
    suffixes: tuple[str, ...] = ()


class ChunkWriter:
    """Writes the chunks that an encoder makes of each batch of rows; nothing at the end."""

    def __init__(self, sink: Sink, chunks: "Callable[[RowBatch], Iterable[bytes | memoryview]]") -> None:
        self.sink = sink
        self.chunks = chunks

    def write(self, step: Step) -> None:
        """Write the rows of one step."""
        for chunk in self.chunks(step.rows) if step.rows else ():
            self.sink.write(chunk)

    def end(self, summary: "Summary") -> None:
        """Nothing."""


def _tabs(sink: Sink, options: Options) -> Writer:
    if options.processes is not None:
        from sniff.report.process import ProcessTabs
        return ChunkWriter(sink, ProcessTabs(options.processes).chunks)
    from sniff.report.lines import TabsLines
    return ChunkWriter(sink, TabsLines().chunks)


def _jsonl(sink: Sink, options: Options) -> Writer:
    from sniff.report.jsonl import PacketLines
    if options.packets:
        return ChunkWriter(sink, PacketLines(processes=options.processes).chunks)
    from sniff.report.message_lines import MessageWriter
    return MessageWriter(sink, options)


def _table(sink: Sink, options: Options) -> Writer:
    from sniff.report.terminal import TableWriter
    return TableWriter(sink, processes=options.processes)


def _zeek(sink: Sink, options: Options) -> Writer:
    from sniff.report.zeek import ZeekWriter
    assert options.folder is not None
    return ZeekWriter(options.folder, options)


def _eve(sink: Sink, options: Options) -> Writer:
    from sniff.report.eve import EveWriter
    return EveWriter(sink, options)


def _csv(sink: Sink, options: Options) -> Writer:
    from sniff.report.csv_rows import CsvWriter
    return CsvWriter(sink)


def _har(sink: Sink, options: Options) -> Writer:
    from sniff.report.har import HarWriter
    return HarWriter(sink, options)


FORMATS = {
    "table": Format(_table, "coloured rows and a summary, for people", messages=True, summary=True),
    "tabs": Format(_tabs, "rows with tabs between the cells, as tshark -T tabs", flows=False, suffixes=(".txt", ".tsv", ".tabs")),
    "jsonl": Format(_jsonl, "one JSON object a line", messages=True, suffixes=(".jsonl", ".ndjson", ".json")),
    "csv": Format(_csv, "rows with commas, safe to open as a spreadsheet", suffixes=(".csv",)),
    "har": Format(_har, "HTTP Archive 1.2, for browsers' developer tools", messages=True, bodies=True, rows=False,
                  suffixes=(".har",)),
    "zeek": Format(_zeek, "Zeek's logs, as JSON lines in the folder -o", messages=True, bodies=True,
                   endings=True, rows=False, folder=True),
    "eve": Format(_eve, "Suricata's events, as JSON lines", messages=True, bodies=True, endings=True, rows=False),
}
"""By name, in the order in which help lists them."""


def format_for(path: str | None, terminal: bool) -> str:
    """The format that is meant when none is named: the one the file's suffix stands for, or what suits the output."""
    if path is not None and path != "-":
        return next((found for found, form in FORMATS.items() if path.lower().endswith(form.suffixes)), "tabs")
    return "table" if terminal else "tabs"
