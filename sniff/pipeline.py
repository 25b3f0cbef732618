"""The pipeline: joins the stages, batch by batch. Nothing else knows more than its neighbour.

Three threads at most: one reads and dissects, one follows streams and decodes, and the caller's filters and formats.
Compiled loops release the GIL, so they run side by side.
"""

import queue
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from sniff import limits
from sniff.capture.owners import Owner
from sniff.capture.raw import RawBatch
from sniff.capture.sources import Source, open_capture
from sniff.capture.store import Store
from sniff.decode.batch import AppBatch
from sniff.decode.columns import (
    APP_COUNT,
    APP_MODE,
    APP_PROTOCOL,
    APP_SUFFIX,
    APP_TEXT,
    APP_TEXT_LEN,
    APPLICATION,
    M_COUNT,
    PROTOCOLS,
    Mode,
    Suffix,
)
from sniff.decode.dns import DnsRows
from sniff.decode.gateways import Gateways
from sniff.decode.http1 import HttpMessages, HttpRows, LateWords
from sniff.decode.http2_rows import Http2Rows
from sniff.decode.pool import Pool
from sniff.decode.words import Describer
from sniff.limits import Counters
from sniff.notes import Notes
from sniff.packets.batch import PacketBatch, Table
from sniff.packets.columns import ADDRESS_KIND, KIND, Address, Kind
from sniff.packets.stage import Dissector
from sniff.reassembly.batch import StreamBatch
from sniff.reassembly.columns import TAGS, Tag
from sniff.reassembly.stage import Tracker
from sniff.report.rows import RowBatch, make_info
from sniff.shelf import Shelf

if TYPE_CHECKING:
    from sniff.filters.columns import Mask
    from sniff.filters.filter import Filter
    from sniff.filters.view import Context, View

T = TypeVar("T")
Decoded = tuple[AppBatch, Pool, "View | None"]
"""A batch, the pool of its texts, and what a filter knows of it."""


@dataclass(slots=True)
class Step:
    """What the pipeline says of one batch: every stage's view of the same packets.

    apps  streams and packets are reached through it: `apps.streams`, `apps.streams.packets`
    rows  None when no rows were asked for
    matched  bool[n]  which packets the filter chose; None without a filter
    """

    apps: AppBatch
    rows: RowBatch | None
    matched: "Mask | None" = None

    @property
    def streams(self) -> StreamBatch:
        return self.apps.streams

    @property
    def packets(self) -> PacketBatch:
        return self.apps.streams.packets


class Analysis:
    """One pass over one capture: iterate it for its steps.

    paths     files read as one capture in time order; "-" is standard input; or stores that are open
    follow    go on when a file ends, as another program is still writing it
    packets   rows for every packet; otherwise for application messages only
    rows      make rows at all
    messages  make messages (HTTP) at all
    bodies    also say where the bytes of their bodies are (AppBatch.begun, AppBatch.bodies)
    endings   also follow how flows end (F_STATE and what belongs to it)
    flows     False when nobody looks at flow rows or at the numbers of UDP streams (messages, bodies and endings need them)
    filter    rows only for packets that match; Step.matched says for all of them
    threads   False: do everything in the caller's thread

    source    what is read: interfaces, damage, size and position
    notes     everything strange so far
    counters  which caps fired
    Raises InputError when the input cannot be opened.
    """

    def __init__(self, paths: Sequence[str | Path | Store], *, follow: bool = False, packets: bool = False, rows: bool = True,
                 messages: bool = False, bodies: bool = False, endings: bool = False, flows: bool = True,
                 threads: bool = True, filter: "Filter | None" = None) -> None:
        self.notes = Notes()
        self.counters = Counters()
        self.source: Source = open_capture(paths, follow=follow, notes=self.notes)
        self.protocols = list(PROTOCOLS)
        self._numbers = {name: number for number, name in enumerate(PROTOCOLS)}
        self._all = packets
        self._rows = rows
        self._shared_owners = filter is not None and filter.owners
        self._owners: deque[tuple[int, int, Owner]] = deque(maxlen=limits.OWNERS)
        self._matcher = None if filter is None else filter.matcher(self._context())
        self._messages = messages or bodies or (filter is not None and filter.messages)
        self._threads = threads
        self._dissector = Dissector(self.notes, self.counters, lambda: self.source.interfaces)
        self._describer = Describer(self.counters)
        self._tracker = Tracker(self.notes, self.counters, pieces=self._messages or (filter is not None and filter.pieces),
                                endings=endings, flow_rows=flows or (filter is not None and filter.flows), udp=self._messages)
        self._dns_rows = DnsRows(self.counters)
        self._http_rows = HttpRows(self.counters, chosen=filter is not None, heads=filter is not None and filter.heads)
        self._http2_rows = Http2Rows(self.counters)
        self._late_words = LateWords()
        self._http_messages = HttpMessages(self.notes, self.counters, bodies=bodies or (filter is not None and filter.bodies))
        self._gateways = Gateways(self.counters)
        self._shelf, self._pool_shelf, self._row_shelf, self._pool_used = Shelf(), Shelf(), Shelf(), 0
        self._zero_ns: int | None = None
        self._wanted = np.zeros(256, np.bool_)
        self._wanted[list(APPLICATION)] = True

    def _context(self) -> "Context":
        """What a filter knows of the capture besides its batches."""
        from sniff.filters.view import Context
        return Context(lambda: self.source.interfaces, all(info.format.startswith("pcapng") for info in self.source.info), self.notes,
                       self._take_owners)

    def _take_owners(self) -> list[tuple[int, int, Owner]]:
        """What a filter is told of processes; it is kept for whoever else asks."""
        found = self.source.take_owners()
        self._owners.extend(found)
        return found

    def take_owners(self) -> list[tuple[int, int, Owner]]:
        """What the capture said of processes since the last time: (number of the file, offset in it, what it says)."""
        if not self._shared_owners:
            return self.source.take_owners()
        return [self._owners.popleft() for _ in range(len(self._owners))]

    def __iter__(self) -> Iterator[Step]:
        packets: Iterable[PacketBatch] = map(self._dissector.dissect, ended(self.source))
        if self._threads:
            packets = ahead(packets)
        decoded: Iterable[Decoded] = self._decoded(packets)
        if self._threads and (self._matcher is None or not self._matcher.filter.notes):  # notes: those of this batch, not of the next
            decoded = ahead(decoded, 1)
        for apps, pool, seen in decoded:
            yield self._step(apps, pool, seen)

    def _decoded(self, batches: Iterable[PacketBatch]) -> Iterator[Decoded]:
        """What is decoded of each batch; some without packets when more flows are left at the end than one batch should say of."""
        for packets in batches:
            if self._zero_ns is None and len(packets):
                self._zero_ns = int(packets.raw.ts_ns[0])
            streams = self._tracker.track(packets, most=limits.BATCH_PACKETS)
            left = -1
            while packets.raw.end and self._tracker.living not in (0, left):   # what does not get fewer never ends
                left = self._tracker.living
                packets.raw.end = False
                yield self._decode(streams)
                packets = self._dissector.dissect(nothing_at(packets.raw.first_number + len(packets)))
                streams = self._tracker.track(packets, most=limits.BATCH_PACKETS)
            yield self._decode(streams)

    def _step(self, apps: AppBatch, pool: Pool, seen: "View | None") -> Step:
        """Filter and rows: what the caller's thread does of a batch."""
        matched = None
        if self._matcher is not None and seen is not None:
            matched = self._matcher.match(seen)
            if matched.any():
                self._dns_rows.write_udp(apps.streams, apps.apps, pool, np.flatnonzero(matched))
        rows = self._make_rows(apps, pool, matched) if self._rows else None
        self._pool_used = pool.used + pool.used // 8
        return Step(apps, rows, matched)

    def _decode(self, streams: StreamBatch) -> Decoded:
        pool = Pool(max(1 << 16, self._pool_used), self._pool_shelf)
        packets = streams.packets
        table: Table = self._shelf.zeros((APP_COUNT, len(packets)))
        batch = AppBatch(streams, table, pool.data, np.empty((M_COUNT, 0), np.int64), np.empty(0, np.uint8))
        if self._rows or self._matcher is not None:
            self._dns_rows.read(streams, table, pool, udp=self._matcher is None)
            self._http_rows.read(streams, table, pool)
            self._http2_rows.read(streams, table, pool)
            if self._matcher is not None:
                batch.row_messages, batch.row_heads = self._http_rows.found, self._http_rows.heads
        if self._messages:
            batch.messages, batch.heads = self._http_messages.read(streams)
            batch.begun, batch.bodies = self._http_messages.begun, self._http_messages.parts
            batch.gateways = self._gateways.read(streams)
        batch.pool = pool.data
        pool.shelf = self._row_shelf
        return batch, pool, self._matcher.see(batch) if self._matcher is not None else None

    def _name(self, batch: AppBatch, pool: Pool, matched: "Mask | None") -> None:
        """The Protocol cells that are still open: TCP and UDP, and the words of everything else that a filter chose."""
        packets, table = batch.streams.packets, batch.apps
        kinds = packets.table[KIND]
        protocol = table[APP_PROTOCOL]
        multipath = (batch.streams.table[TAGS] & Tag.MPTCP != 0) & (protocol == 0) & (table[APP_MODE] == Mode.OWN)
        if multipath.any():
            protocol[multipath] = self.number("MPTCP")
        protocol[(kinds == Kind.TCP) & (protocol == 0)] = self._numbers["TCP"]
        protocol[(kinds == Kind.UDP) & (protocol == 0)] = self._numbers["UDP"]
        if not self._all:
            return
        nobodys = protocol == 0
        for index in np.flatnonzero(nobodys if matched is None else nobodys & matched).tolist():
            words = self._describer.describe(packets, index)
            protocol[index] = self.number(words.protocol)
            table[APP_MODE, index] = Mode.TEXT
            table[APP_TEXT, index], table[APP_TEXT_LEN, index] = pool.add(words.info.encode("utf-8", "replace"))
            table[APP_SUFFIX, index] = Suffix.NONE
            if packets.table[ADDRESS_KIND, index] == Address.TEXT:
                batch.words[index] = (words.source or "", words.destination or "")
        batch.pool = pool.data

    def number(self, protocol: str) -> int:
        """The number of a Protocol cell; new cells get new numbers."""
        number = self._numbers.get(protocol)
        if number is None:
            number = self._numbers[protocol] = len(self.protocols)
            self.protocols.append(protocol)
        return number

    def _make_rows(self, apps: AppBatch, pool: Pool, matched: "Mask | None") -> RowBatch:
        if matched is not None and not matched.any():
            shown = start = length = np.zeros(0, np.int64)
            info = apps.pool[:0]
        else:
            shown = self._shown(apps, pool, matched)
            info, start, length = make_info(apps, shown, pool)
        interfaces = self.source.interfaces
        decimals = np.array([interface.decimals for interface in interfaces] or [6], np.int64)
        return RowBatch(apps.streams.packets, apps, self.protocols, info, start, length, shown, self._zero_ns or 0, decimals)

    def _shown(self, apps: AppBatch, pool: Pool, matched: "Mask | None") -> Table:
        """int64[k]: which packets have a row; their words are there then."""
        self._name(apps, pool, matched)
        protocol = apps.apps[APP_PROTOCOL]
        shown = np.arange(protocol.shape[0], dtype=np.int64) if self._all else np.flatnonzero(self._wanted[np.minimum(protocol, 255)])
        if matched is not None:
            shown = shown[matched[shown]]
            self._late_words.write(apps, shown, pool)
            apps.pool = pool.data
        return shown


def ended(batches: Iterable[RawBatch]) -> Iterator[RawBatch]:
    """The same batches, the last of which says that it is the last: an empty one more when none did.

    A pipe or a growing file may end after its last packets were handed on, when nobody knew yet that they were the last.
    """
    number, last = 1, False
    for batch in batches:
        number, last = batch.first_number + len(batch), batch.end
        yield batch
    if not last:
        yield nothing_at(number)


def nothing_at(number: int) -> RawBatch:
    """A last batch without packets."""
    none = np.zeros(0, np.int64)
    return RawBatch(np.zeros(0, np.uint8), number, none, none, none, none, none, none, none, none, end=True)


def ahead(items: Iterable[T], depth: int = 2) -> Iterator[T]:
    """The same items, made up to `depth` ahead in a thread of their own.

    An exception there is raised here. When the caller stops early the thread ends with the item it is at.
    """
    ready: queue.Queue[tuple[T | None, BaseException | None, bool]] = queue.Queue(depth)
    stop = threading.Event()

    def offer(item: T | None, error: BaseException | None, last: bool) -> None:
        while not stop.is_set():
            try:
                ready.put((item, error, last), timeout=0.1)
                break
            except queue.Full:
                continue

    def run() -> None:
        try:
            for item in items:
                offer(item, None, False)
                if stop.is_set():
                    return
            offer(None, None, True)
        except BaseException as error:
            offer(None, error, True)

    threading.Thread(target=run, name="sniff-ahead", daemon=True).start()
    try:
        while True:
            item, error, last = ready.get()
            if error is not None:
                raise error
            if last:
                return
            yield item  # type: ignore[misc]
    finally:
        stop.set()
