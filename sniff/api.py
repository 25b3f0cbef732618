"""The Python API: `sniff.read()` gives a Capture, and a Capture gives tables of packets, messages and exchanges.

A table can be iterated (one pass over the file, in bounded memory), asked for columns (NumPy arrays), and shown in a
notebook. Nothing here needs or disturbs an event loop, and captures may be used from several threads at once: each
iteration is a pass of its own.
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from sniff.capture.raw import Interface
from sniff.capture.sources import open_capture
from sniff.decode import columns as m
from sniff.decode import dns_columns as d
from sniff.decode.batch import AppBatch
from sniff.decode.dns_message import DnsMessage
from sniff.decode.message import Message, message_at
from sniff.errors import UsageError
from sniff.exchange.dns import DnsExchange, DnsExchanges
from sniff.exchange.http import Exchange
from sniff.exchange.http import Exchanges as HttpExchanges
from sniff.exchange.http2_exchanges import messages_of
from sniff.exchange.stage import Joined, Joiner
from sniff.filters.chosen import Chosen
from sniff.filters.filter import Filter
from sniff.notes import Notes
from sniff.packets import columns as c
from sniff.packets.columns import Kind
from sniff.pipeline import Analysis, Step
from sniff.reassembly import columns as s
from sniff.report import http_table, lookup_table
from sniff.report.lines import TabsLines, cells_of, parts_of
from sniff.report.rows import RowBatch
from sniff.report.summary import Summary

if TYPE_CHECKING:
    from sniff.report.stats import Statistics

T = TypeVar("T")
Column = NDArray[Any]
Path = str | os.PathLike[str]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet as Wireshark's list of packets shows it, and where it is.

    number       frame.number
    ts_ns        when it was captured, nanoseconds since 1970
    source, destination, protocol, info   the cells of its row
    length       bytes on the wire; caplen of them were captured
    stream       tcp.stream or udp.stream, -1 for other packets
    offset       where its first byte stands in the capture file; file is which one, when several are read
    """

    number: int
    ts_ns: int
    source: str
    destination: str
    protocol: str
    length: int
    info: str
    caplen: int
    stream: int
    offset: int
    file: int = 0

    @property
    def time(self) -> datetime:
        """When it was captured, UTC, to the microsecond."""
        return EPOCH + timedelta(microseconds=self.ts_ns // 1000)


class Table(Generic[T]):
    """Something of a capture, one after the other.

    `for x in table` reads the capture once. `table["tcp.stream"]` is a NumPy array with one entry each, read once and kept;
    `table.columns("a", "b")` gets several in one pass. `len(table)` counts. In a notebook the first rows are shown.
    """

    names: tuple[str, ...] = ()
    heads: tuple[str, ...] = ()

    def __init__(self, capture: "Capture") -> None:
        self._capture = capture
        self._columns: dict[str, Column] = {}
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[T]:
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self[self.names[0]])

    def __getitem__(self, name: str) -> Column:
        """One column by its field name; see `names`."""
        return self.columns(name)[name]

    def columns(self, *names: str) -> dict[str, Column]:
        """{name: array} of several columns (of all that there are, when none is named), read in one pass.

        Raises UsageError for a name that is not in `names`.
        """
        wanted = names or self.names
        for name in wanted:
            if name not in self.names:
                from difflib import get_close_matches
                close = get_close_matches(name, self.names, 3)
                raise UsageError(f"no column '{name}'; " + (f"perhaps {' or '.join(close)}" if close else
                                                             f"there are {', '.join(self.names)}"))
        with self._lock:
            missing = [name for name in wanted if name not in self._columns]
            if missing:
                self._columns |= self._read(missing)
            return {name: self._columns[name] for name in wanted}

    def to_arrow(self, *names: str) -> Any:
        """Some columns (all that there are, when none is named) as a pyarrow.Table; missing numbers are null.

        Nothing but texts is copied. Raises MissingTool without pyarrow: pip install 'sniff[arrow]'.
        """
        from sniff.report.frames import arrow_table
        return arrow_table(self.columns(*names))

    def to_pandas(self, *names: str) -> Any:
        """The same as a pandas.DataFrame. Raises MissingTool without pandas: pip install 'sniff[pandas]'."""
        from sniff.report.frames import pandas_frame
        return pandas_frame(self.columns(*names))

    def to_polars(self, *names: str) -> Any:
        """The same as a polars.DataFrame. Raises MissingTool without polars: pip install 'sniff[polars]'."""
        from sniff.report.frames import polars_frame
        return polars_frame(self.columns(*names))

    def _read(self, names: list[str]) -> dict[str, Column]:
        raise NotImplementedError

    def _cells(self, item: T) -> tuple[object, ...]:
        """What a notebook shows of one item, under `heads`."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        from sniff.report.notebook import table_html
        return table_html(self.heads, map(self._cells, self))


class Packets(Table[Packet]):
    """The packets of a capture.

    application  only those whose rows say DNS, HTTP ...; else all
    """

    names = ("frame.number", "frame.time_epoch", "frame.len", "frame.cap_len", "frame.interface_id", "frame.file_off",
             "ip.version", "ip.proto", "ip.ttl", "vlan.id", "tcp.srcport", "tcp.dstport", "tcp.flags", "tcp.stream",
             "tcp.seq", "tcp.ack", "tcp.len", "tcp.window_size", "udp.srcport", "udp.dstport", "udp.length", "udp.stream",
             "_ws.col.Source", "_ws.col.Destination", "_ws.col.Protocol", "_ws.col.Info")
    """Columns. Numbers are int64, -1 where a packet has none; frame.time_epoch is datetime64[ns]; _ws.col.* are str."""
    heads = ("No.", "Time", "Source", "Destination", "Protocol", "Length", "Info")

    PACKET: ClassVar[dict[str, int]] = {
        "frame.number": c.NUMBER, "frame.len": c.WIRELEN, "frame.cap_len": c.CAPLEN, "frame.file_off": c.OFFSET,
        "frame.interface_id": c.INTERFACE, "ip.version": c.IP_VERSION, "ip.proto": c.IP_PROTO, "ip.ttl": c.TTL,
        "vlan.id": c.VLAN}
    TRANSPORT: ClassVar[dict[str, int]] = {
        "srcport": c.SRC_PORT, "dstport": c.DST_PORT, "flags": c.TCP_FLAGS, "length": c.UDP_LENGTH}
    STREAM: ClassVar[dict[str, int]] = {
        "stream": s.STREAM, "seq": s.REL_SEQ, "ack": s.REL_ACK, "len": s.ROW_LEN, "window_size": s.WINDOW}
    TEXT: ClassVar[dict[str, int]] = {"_ws.col.Source": 2, "_ws.col.Destination": 3, "_ws.col.Protocol": 4, "_ws.col.Info": 6}

    def __init__(self, capture: "Capture", application: bool = False) -> None:
        super().__init__(capture)
        self._application = application

    def __iter__(self) -> Iterator[Packet]:
        lines = TabsLines()
        for step in self._steps():
            for part in parts_of(step.rows) if step.rows is not None else ():
                table = part.packets.table[:, part.shown]
                numbers = zip(table[c.TS_NS].tolist(), table[c.CAPLEN].tolist(), table[c.OFFSET].tolist(),
                              step.streams.table[s.STREAM, part.shown].tolist(),
                              part.packets.raw.source[part.shown].tolist(), strict=True)
                for cells, (ts_ns, caplen, offset, stream, file) in zip(cells_of(part, lines), numbers, strict=True):
                    yield Packet(int(cells[0]), ts_ns, cells[2], cells[3], cells[4], int(cells[5]), cells[6], caplen, stream,
                                 offset, file)

    def _steps(self, rows: bool = True) -> Iterator[Step]:
        return self._capture.steps(packets=not self._application, rows=rows or self._application)

    def _read(self, names: list[str]) -> dict[str, Column]:
        with_text = any(name in self.TEXT for name in names)
        found: dict[str, list[Column]] = {name: [] for name in names}
        lines = TabsLines()
        for step in self._steps(rows=with_text):
            shown = step.rows.shown if step.rows is not None else \
                np.arange(len(step.packets)) if step.matched is None else np.flatnonzero(step.matched)
            for name in names:
                if name not in self.TEXT:
                    found[name].append(self._numbers(step, name)[shown])
            if with_text and step.rows is not None:
                self._texts(step.rows, lines, found)
        return {name: np.concatenate(parts) if parts else np.empty(0, self._type(name)) for name, parts in found.items()}

    def _type(self, name: str) -> type:
        return object if name in self.TEXT else np.int64

    def _texts(self, rows: RowBatch, lines: TabsLines, found: dict[str, list[Column]]) -> None:
        for part in parts_of(rows):
            cells = np.array(cells_of(part, lines), object)
            for name, number in self.TEXT.items():
                if name in found:
                    found[name].append(cells[:, number].copy())

    def _numbers(self, step: Step, name: str) -> Column:
        """One column of numbers of all packets of a step."""
        table = step.packets.table
        if name == "frame.time_epoch":
            return table[c.TS_NS].astype("datetime64[ns]")
        if name in self.PACKET:
            return table[self.PACKET[name]].copy()
        protocol, _, field = name.partition(".")
        column = table[self.TRANSPORT[field]] if field in self.TRANSPORT else step.streams.table[self.STREAM[field]]
        return np.where(table[c.KIND] == (Kind.TCP if protocol == "tcp" else Kind.UDP), column, -1)

    def _cells(self, item: Packet) -> tuple[object, ...]:
        return (item.number, f"{(item.ts_ns - self._capture.zero_ns) / 1e9:.6f}", item.source, item.destination, item.protocol,
                item.length, item.info)


class _Messages(Table[T]):
    """A table whose columns are rows of the batches that decoding makes."""

    NUMBERS: ClassVar[dict[str, int]] = {}

    def _tables(self) -> Iterator[Column]:
        """int64[columns, n] of each batch."""
        raise NotImplementedError

    def _read(self, names: list[str]) -> dict[str, Column]:
        numbers = [self.NUMBERS[name] for name in names]
        parts = [table[numbers] for table in self._tables()]
        joined = np.concatenate(parts, axis=1) if parts else np.empty((len(names), 0), np.int64)
        return {name: column.astype("datetime64[ns]") if name.endswith("time_epoch") else column.copy()
                for name, column in zip(names, joined, strict=True)}


class HttpMessages(_Messages[Message]):
    """The HTTP messages of a capture, in the order in which they ended."""

    NUMBERS: ClassVar[dict[str, int]] = {
        "frame.number": m.M_FIRST_PACKET, "frame.time_epoch": m.M_FIRST_NS, "tcp.stream": m.M_STREAM,
        "http.response": m.M_IS_RESPONSE, "http.response.code": m.M_STATUS, "http.content_length": m.M_EXPECTED,
        "sniff.direction": m.M_DIRECTION, "sniff.head_packet": m.M_HEAD_PACKET, "sniff.last_packet": m.M_LAST_PACKET,
        "sniff.last_time_epoch": m.M_LAST_NS, "sniff.stream_offset": m.M_STREAM_OFFSET,
        "sniff.file_off": m.M_STORE_OFFSET, "sniff.head_bytes": m.M_HEAD_LEN, "sniff.body_bytes": m.M_BODY_LEN,
        "sniff.gap_bytes": m.M_GAP_BYTES, "sniff.flags": m.M_FLAGS}
    names = tuple(NUMBERS)
    heads = ("Packet", "Stream", "Start line", "Type", "Body", "State")

    def __iter__(self) -> Iterator[Message]:
        for apps, wanted in self._capture.messages():
            for index in wanted.tolist():
                yield message_at(apps, index, apps.messages)

    def _tables(self) -> Iterator[Column]:
        for apps, wanted in self._capture.messages():
            yield apps.messages[:, wanted]

    def _cells(self, item: Message) -> tuple[object, ...]:
        return (item.first_packet, item.stream, item.start_line.decode("utf-8", "backslashreplace"), item.media_type,
                item.body_length, " ".join(word for word in item.flag_words if word != "keep_alive"))


class DnsMessages(_Messages[DnsMessage]):
    """The DNS, MDNS and LLMNR messages of a capture, in the order in which they were complete."""

    NUMBERS: ClassVar[dict[str, int]] = {
        "frame.number": d.D_NUMBER, "frame.time_epoch": d.D_TS_NS, "dns.id": d.D_ID, "dns.flags": d.D_FLAGS,
        "dns.flags.rcode": d.D_RCODE, "dns.qry.type": d.D_QTYPE, "dns.qry.class": d.D_QCLASS,
        "dns.count.queries": d.D_QUESTIONS, "dns.count.answers": d.D_ANSWERS, "dns.count.auth_rr": d.D_AUTHORITY,
        "dns.count.add_rr": d.D_ADDITIONAL, "sniff.stream": d.D_STREAM, "sniff.transport": d.D_TRANSPORT,
        "sniff.srcport": d.D_SRC_PORT, "sniff.dstport": d.D_DST_PORT, "sniff.length": d.D_WIRE,
        "sniff.file_off": d.D_OFFSET, "sniff.state": d.D_STATE}
    names = tuple(NUMBERS)
    heads = ("Packet", "Source", "Destination", "Kind", "Name", "Type", "Status", "Answers")

    def __iter__(self) -> Iterator[DnsMessage]:
        for joined in self._capture.joined():
            yield from joined.messages if joined.messages is not None else ()

    def _tables(self) -> Iterator[Column]:
        for joined in self._capture.joined():
            if joined.messages is not None:
                yield joined.messages.messages.T

    def _cells(self, item: DnsMessage) -> tuple[object, ...]:
        return (item.packet, item.src, item.dst, "response" if item.is_response else "query", item.qry_name, item.qry_type_name,
                item.status if item.is_response else "", ", ".join(record.text for record in item.answers))


class _Exchanges(Table[T]):
    """A table whose columns are made from those of exchanges, batch by batch."""

    COLUMNS: ClassVar[dict[str, tuple[type | str, Callable[[Any], Column]]]] = {}

    def _batches(self) -> Iterator[Any]:
        raise NotImplementedError

    def _read(self, names: list[str]) -> dict[str, Column]:
        parts: list[list[Column]] = [[np.empty(0, self.COLUMNS[name][0])] for name in names]
        for batch in self._batches():
            if len(batch):
                for part, name in zip(parts, names, strict=True):
                    part.append(self.COLUMNS[name][1](batch))
        return dict(zip(names, map(np.concatenate, parts), strict=True))


class Exchanges(_Exchanges[Exchange]):
    """The HTTP exchanges of a capture, in the order in which they were over."""

    COLUMNS = http_table.COLUMNS
    names = tuple(COLUMNS)
    heads = ("Packet", "Stream", "Method", "URL", "Status", "Time", "State")

    def __iter__(self) -> Iterator[Exchange]:
        for batch in self._batches():
            yield from batch

    def _batches(self) -> Iterator[HttpExchanges]:
        for joined in self._capture.joined():
            yield joined.http

    def _cells(self, item: Exchange) -> tuple[object, ...]:
        method = item.request.method.decode("latin-1") if item.request is not None else ""
        return (item.messages[0].first_packet, item.stream, method, item.url(), item.status or "",
                f"{item.phases.total / 1e6:.3f} ms", item.state.name.lower())


class Lookups(_Exchanges[DnsExchange]):
    """The DNS exchanges of a capture, query and response, in the order in which they were over."""

    COLUMNS = lookup_table.COLUMNS
    names = tuple(COLUMNS)
    heads = ("Packet", "Client", "Server", "Name", "Type", "Status", "Answers", "Time")

    def __iter__(self) -> Iterator[DnsExchange]:
        for batch in self._batches():
            yield from batch

    def _batches(self) -> Iterator[DnsExchanges]:
        for joined in self._capture.joined():
            yield joined.dns

    def _cells(self, item: DnsExchange) -> tuple[object, ...]:
        first = item.query or item.response
        return (first.packet if first is not None else "", item.client, item.server, item.name, item.type, item.status,
                ", ".join(item.answers), f"{item.time_ns / 1e6:.3f} ms" if item.time_ns >= 0 else item.state.name.lower())


class Capture:
    """A capture, opened. Every table of it reads the file when it is asked for something, as often as it is asked.

    paths    the files it consists of
    packets  every packet
    rows     the packets whose rows say DNS, HTTP ..., as `sniff analyze` shows them
    dns      DNS messages; lookups are the exchanges they make
    http     HTTP messages; exchanges are what they make
    """

    def __init__(self, *paths: Path, filter: str | None = None) -> None:
        """`filter`: only what matches this display filter; see Capture.filter.

        Raises InputError when a file cannot be opened or is no capture, FilterError for a mistake in the filter.
        """
        self._filter = Filter(filter) if filter is not None else None
        if not paths:
            raise UsageError("no file to read; give the path of a capture")
        self.paths = tuple(os.fspath(path) for path in paths)
        if "-" in self.paths:
            raise UsageError("standard input cannot be read more than once; give the path of a file")
        self._first = self._open(rows=False)
        self._first.source.close()
        self.packets = Packets(self)
        self.rows = Packets(self, application=True)
        self.dns = DnsMessages(self)
        self.lookups = Lookups(self)
        self.http = HttpMessages(self)
        self.exchanges = Exchanges(self)

    def __repr__(self) -> str:
        chosen = f" where {self._filter.text}" if self._filter is not None else ""
        return f"<Capture {', '.join(self.paths)}{chosen}>"

    def filter(self, expression: str) -> "Capture":
        """The same capture, of which only what matches a display filter in Wireshark's language is there.

        Packets and rows are those that match; messages, lookups and exchanges those of which a packet does. The summary counts
        the same. Filtering again narrows it further. `capture.filter("http.response.code >= 400").exchanges`

        Raises FilterError, which says where the mistake is (`position`, `length`) and, printed, what was probably meant.
        """
        wanted = Filter(expression).text
        if self._filter is not None and self._filter.text.strip() and wanted.strip():
            wanted = f"({self._filter.text}) and ({wanted})"
        return Capture(*self.paths, filter=wanted if wanted.strip() or self._filter is None else self._filter.text)

    def _repr_html_(self) -> str:
        from sniff.report.notebook import paragraph_html
        return paragraph_html([", ".join(self.paths), *self.summary.lines()]) + self.rows._repr_html_()

    def _open(self, **options: bool) -> Analysis:
        return Analysis(self.paths, filter=self._filter, **options)

    def steps(self, **options: bool) -> Iterator[Step]:
        """One pass over the capture, batch by batch, for those who want the columns of all stages; see pipeline.Analysis."""
        analysis = self._open(**options)
        with closing(analysis.source):
            yield from analysis

    @cached_property
    def stats(self) -> "Statistics":
        """Its statistics: endpoints, conversations, hosts, latencies, failures, packets over time; `stats.record()` is all of
        it as dictionaries and lists."""
        from sniff.report.stats import Statistics
        analysis = self._open(rows=False, messages=True)
        found = Statistics(analysis.notes, analysis.counters)
        with closing(analysis.source):
            for step in analysis:
                found.add(step)
        found.finish()
        return found

    def joined(self) -> Iterator[Joined]:
        """One pass, as what each batch completes of DNS and HTTP."""
        joiner = Joiner()
        chosen = Chosen()
        for step in self.steps(messages=True, rows=False):
            if step.matched is not None:
                chosen.add(step.apps, step.matched)
            yield self._joined(joiner.add(step.apps), chosen)
        yield self._joined(joiner.finish(), chosen)

    def _joined(self, joined: Joined, chosen: Chosen | None) -> Joined:
        """What matches of it."""
        if self._filter is None or chosen is None:
            return joined
        return chosen.joined(joined)

    def messages(self) -> Iterator[tuple[AppBatch, Column]]:
        """(batch, indexes of its HTTP messages that count) of each batch, one pass."""
        chosen = Chosen()
        for step in self.steps(messages=True, rows=False):
            table = step.apps.messages
            if step.matched is None:
                yield step.apps, np.arange(table.shape[1])
            else:
                chosen.add(step.apps, step.matched)
                yield step.apps, np.flatnonzero(chosen.messages(table))

    @cached_property
    def _totals(self) -> tuple[Summary, str | None, list[Interface]]:
        analysis = self._open(messages=True)
        summary = Summary(notes=analysis.notes, counters=analysis.counters)
        with closing(analysis.source) as source:
            if len(self.paths) == 1:
                summary.read = lambda offset, length: self.read(offset, length)
            joiner = Joiner(analysis.notes, analysis.counters)
            for step in analysis:
                summary.add(step.apps, len(step.rows.shown) if step.rows is not None else 0, step.matched)
                summary.http.add(messages_of(self._joined(joiner.add(step.apps), summary.chosen).http))
            summary.http.add(messages_of(self._joined(joiner.finish(), summary.chosen).http))
            return summary, str(source.damage) if source.damage else None, list(source.interfaces)

    @property
    def summary(self) -> Summary:
        """Figures of the whole capture; `print(capture.summary)` shows them."""
        return self._totals[0]

    @property
    def notes(self) -> Notes:
        """Everything strange about it."""
        return self.summary.notes

    @property
    def damage(self) -> str | None:
        """What is wrong with the file, in one line; None when nothing is."""
        return self._totals[1]

    @property
    def interfaces(self) -> list[Interface]:
        """The interfaces it was captured on."""
        return self._totals[2]

    @cached_property
    def zero_ns(self) -> int:
        """When its first packet was captured: nanoseconds since 1970, the time that rows show as 0."""
        for step in self.steps(rows=False):
            if len(step.packets):
                return int(step.packets.raw.ts_ns[0])
        return 0

    def report(self, path: Path, *, title: str = "", limit: int = 5_000, secrets: bool = False, redact: bool = False) -> None:
        """Write what happened as one HTML page, as `sniff report` does: of all that is in the files, whatever filter was given.

        title    instead of the name of the file
        limit    most rows of each table; figures count everything
        secrets  show passwords, tokens and cookies as they are
        redact   leave out bodies and replace addresses
        """
        from sniff.reports import Options, make_report
        page, _ = make_report(self.paths, Options(limit, secrets, redact, title))
        with open(path, "wb") as file:  # noqa: PTH123  (path may be anything that open takes)
            file.writelines(page.one_file())

    def read(self, offset: int, length: int, file: int = 0) -> bytes:
        """`length` bytes at `offset` of a capture file: what a packet, message or note points to.

        Of a compressed file these are the decompressed bytes, and it is read from its beginning to get there.
        """
        with closing(open_capture(self.paths, keep=True)) as source:
            data = source.read(file, offset, length)
            while len(data) < length and next(source, None) is not None:
                data = source.read(file, offset, length)
            return data
