"""What logs say of HTTP: each exchange, and what was found out about the bodies in it while they passed by."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from sniff import limits
from sniff.decode import columns as c
from sniff.decode import fields, media
from sniff.decode.batch import AppBatch
from sniff.decode.bodies import BodyCollector, BodyInfo, Digest, Sink
from sniff.decode.body import BodyDecoder
from sniff.decode.inside import InsideTeredo
from sniff.decode.message import Message, message_at
from sniff.exchange import http_columns as x
from sniff.exchange.http import Exchange, Exchanges
from sniff.exchange.http_builder import ExchangeBuilder
from sniff.packets.batch import Table

Parts = dict[int, list[memoryview]]
"""The bytes of bodies in parts, by M_ID of their messages."""


class Body:
    """What is known of one body: a Digest once it has ended.

    files   those in it, when it is a form
    ranges  [(first byte, bytes, size of the whole)] of its parts, when it is multipart/byteranges
    """

    __slots__ = ("digest", "files", "message", "ranges")

    def __init__(self, message: Message, digest: Digest) -> None:
        self.message = message
        self.digest = digest
        self.files: list[FormFile] = digest.files if isinstance(digest, PartsDigest) else []
        self.ranges: list[tuple[int, int, int]] = digest.ranges if isinstance(digest, PartsDigest) else []

    @property
    def info(self) -> BodyInfo:
        """Length, holes, problems."""
        return self.digest.info or BodyInfo(self.message)

    @property
    def media_type(self) -> str:
        """What the content shows, not what the header claims; empty for no content."""
        return media.from_content(self.digest.prefix)


@dataclass(slots=True)
class FormFile:
    """One file in a multipart form."""

    name: str
    media_type: str
    length: int = 0
    sha256: str = ""
    complete: bool = False


class Record(NamedTuple):
    """One exchange with its bodies; None where there is none."""

    exchange: Exchange
    request_body: Body | None
    response_body: Body | None


class Records:
    """Exchanges with their bodies. A Record is made when it is asked for, once.

    exchanges  all of them, as columns
    hashes     names of the hashes of bodies
    arrived    {M_ID: parts} of bodies that arrived as a whole in the batch that completed these exchanges
    """

    def __init__(self, exchanges: Exchanges, owner: "HttpRecords", arrived: Parts) -> None:
        self.exchanges = exchanges
        self.hashes = owner.hashes
        self.arrived = arrived
        self._owner = owner

    def __len__(self) -> int:
        return len(self.exchanges)

    def __iter__(self) -> Iterator[Record]:
        return map(self.record, range(len(self.exchanges)))

    def record(self, index: int) -> Record:
        """One of them."""
        return self._owner.record(self.exchanges[index], self.arrived)

    @property
    def collected(self) -> dict[int, Body]:
        """The bodies that were collected, by M_ID of their messages; a body that is not here has arrived, or lies in its
        message's prefix.

        Whoever reads one instead of making the Record takes it out.
        """
        return self._owner.bodies

    def part(self, start: int, end: int) -> "Records":
        """Some of them."""
        return Records(self.exchanges[start:end], self._owner, self.arrived)


class HttpRecords:
    """Makes the records of a capture, batch by batch. Needs batches with bodies (Analysis(bodies=True)).

    builder  joins messages to exchanges
    hashes   names of the hashes to make of each body
    tunnels  look into Teredo on any port as well
    """

    def __init__(self, builder: ExchangeBuilder | None = None, hashes: tuple[str, ...] = ("sha256",), *,
                 tunnels: bool = True) -> None:
        self.builder = builder if builder is not None else ExchangeBuilder()
        self.hashes = hashes
        self.bodies: dict[int, Body] = {}
        self._inside = InsideTeredo(self.builder.notes, self.builder.counters) if tunnels else None
        self._inner: HttpRecords | None = None
        self._collector = BodyCollector(self._choose, notes=self.builder.notes, counters=self.builder.counters)

    def add(self, batch: AppBatch) -> list[Records]:
        """The records that one batch completes."""
        rest, arrived = at_once(batch)
        self._collector.add(rest)
        exchanges = self.builder.add(batch)
        self._keep(batch, arrived, exchanges)
        records = [Records(exchanges, self, arrived)]
        inside = self._inside.add(batch.streams.packets) if self._inside is not None else None
        if inside is not None:
            if self._inner is None:
                self._inner = HttpRecords(ExchangeBuilder(self.builder.notes, self.builder.counters), self.hashes, tunnels=False)
            records += self._inner.add(inside)
        return records

    def finish(self) -> list[Records]:
        """What was still open when the capture ended."""
        self._collector.finish()
        records = [Records(self.builder.finish(), self, {})]
        return records + (self._inner.finish() if self._inner is not None else [])

    def record(self, exchange: Exchange, arrived: Parts) -> Record:
        """An exchange with its bodies, which are forgotten then. arrived: those that arrived as a whole."""
        for message in exchange.interim:
            self.bodies.pop(message.id, None)
        return Record(exchange, self._take(exchange.request, arrived), self._take(exchange.response, arrived))

    def _keep(self, batch: AppBatch, arrived: Parts, exchanges: Exchanges) -> None:
        """Read the bodies that have arrived while their exchanges go on: their bytes are gone with the batch."""
        if arrived:
            numbers = exchanges.rows[:, [x.X_REQUEST + c.M_ID, x.X_RESPONSE + c.M_ID]]
            waiting = np.isin(batch.messages[c.M_ID], np.fromiter(arrived, np.int64, len(arrived))) \
                & ~np.isin(batch.messages[c.M_ID], numbers)
            for index in np.flatnonzero(waiting).tolist():
                message = message_at(batch, index, batch.messages)
                self.bodies[message.id] = self._read(message, b"".join(arrived.pop(message.id)))

    def _choose(self, message: Message) -> Sink:
        body = self.bodies[message.id] = Body(message, self._digest(message))
        return body.digest

    def _digest(self, message: Message) -> Digest:
        boundary = b""
        if message.media_type in ("multipart/form-data", "multipart/byteranges"):
            boundary = message.media_parameters.get("boundary", b"")
        return PartsDigest(boundary, self.hashes) if boundary else Digest(self.hashes)

    def _take(self, message: Message | None, arrived: Parts) -> Body | None:
        if message is None:
            return None
        body = self.bodies.pop(message.id, None)
        if body is None and is_short(message.row):
            return self._read(message, message.prefix)
        return self._read(message, b"".join(arrived[message.id])) if body is None and message.id in arrived else body

    def _read(self, message: Message, data: bytes) -> Body:
        """A body that was not collected. data: all of it"""
        digest = self._digest(message)
        decoder = BodyDecoder(message.codings)
        info = BodyInfo(message, wire=message.row[c.M_BODY_LEN], ended=True)
        for piece in decoder.pieces(data):
            info.length += len(piece)
            digest.data(piece)
        rest = decoder.finish()
        info.length += len(rest)
        digest.data(rest)
        info.problems = decoder.problems
        for problem in info.problems:
            self.builder.notes.add(problem.code, message.last_packet or message.head_packet, message.store_offset,
                                   had=problem.had, detail=problem.detail)
        self.builder.counters.bodies_cut += info.capped
        digest.end(info)
        return Body(message, digest)


def is_short(row: list[int]) -> bool:
    """Whether all of a body lies in its message's prefix. row: M_* columns of a message that is over."""
    return 0 < row[c.M_BODY_LEN] == row[c.M_PREFIX_LEN] and not row[c.M_GAP_BYTES]


PARTS_AT_ONCE = 65_536
"""When a batch has more parts of bodies (tiny chunks), they are collected as streams."""


def at_once(batch: AppBatch) -> tuple[AppBatch, Parts]:
    """Bodies that began and ended in a batch, without holes, need no collecting.

    (the batch without their parts, the parts of those that do not lie in their message's prefix)
    """
    bodies, messages, begun = batch.bodies, batch.messages, batch.begun
    if not 0 < bodies.shape[1] <= PARTS_AT_ONCE:
        return batch, {}
    whole = messages[:, (messages[c.M_BODY_LEN] > 0) & (messages[c.M_GAP_BYTES] == 0)]
    whole = whole[:, np.isin(_framed(whole), _framed(begun))]   # chunks that are none make a body end otherwise than it promised
    if not whole.shape[1]:
        return batch, {}
    longer = whole[c.M_ID, whole[c.M_BODY_LEN] != whole[c.M_PREFIX_LEN]]
    mine = np.isin(bodies[c.BODY_ID], whole[c.M_ID])
    data = bodies[:, mine & (bodies[c.BODY_KIND] == c.BodyPart.DATA) & np.isin(bodies[c.BODY_ID], longer)]
    return replace(batch, bodies=bodies[:, ~mine]), _parts(batch, data[:, np.argsort(data[c.BODY_ID], kind="stable")])


def _parts(batch: AppBatch, parts: Table) -> Parts:
    """The parts of each body; they stand body by body."""
    buffers = (batch.streams.packets.data.data, batch.streams.held.data)
    starts = parts[c.BODY_START]
    views = [buffers[buffer][start:end] for buffer, start, end in zip(
        parts[c.BODY_BUFFER].tolist(), starts.tolist(), (starts + parts[c.BODY_LEN]).tolist(), strict=True)]
    numbers, counts = np.unique(parts[c.BODY_ID], return_counts=True)
    ends = np.cumsum(counts)
    return {number: views[start:end] for number, start, end in zip(
        numbers.tolist(), (ends - counts).tolist(), ends.tolist(), strict=True)}


_FRAMINGS = 8


def _framed(messages: Table) -> Table:
    """int64[n]: numbers of messages and how they are framed, in one."""
    return messages[c.M_ID] * _FRAMINGS + messages[c.M_FRAMING]


class PartsDigest(Digest):
    """A digest of a multipart body that also finds the files and the ranges in it, as they pass by."""

    def __init__(self, boundary: bytes, hashes: tuple[str, ...] = ()) -> None:
        super().__init__(hashes)
        self.files: list[FormFile] = []
        self.ranges: list[tuple[int, int, int]] = []
        self._parser = _parser(boundary, {
            "on_part_begin": self._begin, "on_part_data": self._part, "on_part_end": self._end,
            "on_header_field": self._header_name, "on_header_value": self._header_value, "on_header_end": self._header_end,
            "on_headers_finished": self._headers_done})
        self._headers: dict[bytes, bytes] = {}
        self._name = self._value = b""
        self._file: FormFile | None = None
        self._hash = hashlib.sha256()
        self._range: fields.ContentRange | None = None
        self._length = 0

    def data(self, piece: bytes) -> None:
        super().data(piece)
        if self._parser is not None:
            try:
                self._parser(piece)
            except ValueError:
                self._parser = None

    def end(self, info: BodyInfo) -> None:
        super().end(info)
        self._close(complete=False)

    def _begin(self) -> None:
        self._headers = {}
        self._name = self._value = b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:min(end, start + limits.BODY_PREFIX)]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:min(end, start + limits.SHORT_HEAD_BYTES // 4)]

    def _header_end(self) -> None:
        self._headers.setdefault(self._name.lower(), self._value)
        self._name = self._value = b""

    def _headers_done(self) -> None:
        name = fields.file_name(self._headers.get(b"content-disposition", b""))
        if name and len(self.files) < limits.PENDING_EXCHANGES:
            media_type = fields.text(fields.parameters(self._headers.get(b"content-type", b""))[0]).lower()
            self._file, self._hash = FormFile(name, media_type), hashlib.sha256()
        self._range = fields.content_range(self._headers.get(b"content-range", b""))
        self._length = 0

    def _part(self, data: bytes, start: int, end: int) -> None:
        self._length += end - start
        if self._file is not None:
            self._file.length += end - start
            self._hash.update(data[start:end])

    def _end(self) -> None:
        self._close(complete=True)

    def _close(self, complete: bool) -> None:
        if self._file is not None:
            self._file.sha256, self._file.complete = self._hash.hexdigest(), complete
            self.files.append(self._file)
            self._file = None
        if self._range is not None and self._range.first >= 0 and len(self.ranges) < limits.RANGED_FILE_PARTS:
            self.ranges.append((self._range.first, self._length, self._range.size))
        self._range = None


def _parser(boundary: bytes, callbacks: dict[str, Callable[..., None]]) -> Callable[[bytes], object] | None:
    """What takes the bytes of a multipart body; it raises ValueError when they are none."""
    import logging

    from python_multipart.multipart import MultipartParser

    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    try:
        return MultipartParser(boundary, callbacks).write  # type: ignore[arg-type]
    except ValueError:
        return None
