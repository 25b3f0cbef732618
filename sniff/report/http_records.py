"""What logs say of HTTP: each exchange, and what was found out about the bodies in it while they passed by."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from sniff import limits
from sniff.decode import fields, media
from sniff.decode.batch import AppBatch
from sniff.decode.bodies import BodyCollector, BodyInfo, Digest, Sink
from sniff.decode.inside import InsideTeredo
from sniff.decode.message import Message
from sniff.exchange.http import Exchange, ExchangeBuilder


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


class HttpRecords:
    """Makes the records of a capture, batch by batch. Needs batches with bodies (Analysis(bodies=True)).

    builder  joins messages to exchanges
    hashes   names of the hashes to make of each body
    tunnels  look into Teredo on any port as well
    """

    def __init__(self, builder: ExchangeBuilder | None = None, hashes: tuple[str, ...] = ("sha256",), *,
                 tunnels: bool = True) -> None:
        self.builder = builder if builder is not None else ExchangeBuilder()
        self._hashes = hashes
        self._bodies: dict[int, Body] = {}
        self._inside = InsideTeredo(self.builder.notes, self.builder.counters) if tunnels else None
        self._inner: HttpRecords | None = None
        self._collector = BodyCollector(self._choose, notes=self.builder.notes, counters=self.builder.counters)

    def add(self, batch: AppBatch) -> list[Record]:
        """The records that one batch completes."""
        self._collector.add(batch)
        records = [self._record(exchange) for exchange in self.builder.add(batch)]
        inside = self._inside.add(batch.streams.packets) if self._inside is not None else None
        if inside is not None:
            if self._inner is None:
                self._inner = HttpRecords(ExchangeBuilder(self.builder.notes, self.builder.counters), self._hashes, tunnels=False)
            records += self._inner.add(inside)
        return records

    def finish(self) -> list[Record]:
        """What was still open when the capture ended."""
        self._collector.finish()
        records = [self._record(exchange) for exchange in self.builder.finish()]
        return records + (self._inner.finish() if self._inner is not None else [])

    def _choose(self, message: Message) -> Sink:
        boundary = b""
        if message.media_type in ("multipart/form-data", "multipart/byteranges"):
            boundary = message.media_parameters.get("boundary", b"")
        sink = PartsDigest(boundary, self._hashes) if boundary else Digest(self._hashes)
        self._bodies[message.id] = Body(message, sink)
        return sink

    def _record(self, exchange: Exchange) -> Record:
        for message in exchange.interim:
            self._bodies.pop(message.id, None)
        return Record(exchange, self._take(exchange.request), self._take(exchange.response))

    def _take(self, message: Message | None) -> Body | None:
        return self._bodies.pop(message.id, None) if message is not None else None


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
