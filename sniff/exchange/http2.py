"""HTTP/2 in the clear: which connections speak it, and their streams with the connection they belong to."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from sniff import limits
from sniff.decode.http2 import PREFACE, Headers, Moment, Settings, Sink, Stream
from sniff.decode.http2 import Connection as Reader
from sniff.exchange.connection import Connection, Connections
from sniff.exchange.http import Exchange
from sniff.reassembly import columns as s
from sniff.reassembly.batch import StreamBatch
from sniff.reassembly.columns import Piece


@dataclass(slots=True)
class Http2Event:
    """A stream that is over, or settings that were sent."""

    connection: Connection
    what: Stream | Settings


@dataclass(slots=True)
class _Open:
    connection: Connection
    reader: Reader
    starts: tuple[int, int]     # stream offsets at which HTTP/2 begins, client's and server's


class Http2Streams:
    """Reads the HTTP/2 connections of a capture, batch by batch. At most limits.HTTP2_CONNECTIONS at once; more are not read.

    sink    takes the bytes of bodies: called with (Stream, direction, bytes)
    pushes  requests that servers promise to answer are told as requests of their streams
    """

    def __init__(self, sink: Sink | None = None, pushes: bool = False) -> None:
        self._connections = Connections()
        self._open: dict[int, _Open] = {}
        self._sink = sink
        self._pushes = pushes

    def add(self, streams: StreamBatch, exchanges: Iterable[Exchange] = ()) -> Iterator[Http2Event]:
        """What one batch completes. `exchanges`: those of HTTP/1 in it, among which upgrades are looked for."""
        self._connections.open(streams)
        pieces = streams.pieces
        for exchange in exchanges:
            yield from self._upgrade(exchange)
        self._find(streams)
        if self._open and pieces.shape[1]:
            mine = np.isin(pieces[s.P_STREAM], list(self._open))
            buffers = (streams.packets.data.data, streams.held.data)
            for row in pieces[:, mine].T.tolist():
                yield from self._piece(row, buffers)
        for number in streams.ended[s.F_STREAM, streams.ended[s.F_PROTO] == 6].tolist():
            self._connections.close(number)
            yield from self._close(number)

    def finish(self) -> Iterator[Http2Event]:
        """What is still open when the capture is over."""
        for number in list(self._open):
            yield from self._close(number)

    def _close(self, number: int) -> Iterator[Http2Event]:
        found = self._open.pop(number, None)
        if found is not None:
            for stream in found.reader.finish():
                yield Http2Event(found.connection, stream)

    def _find(self, streams: StreamBatch) -> None:
        """Clients that begin with the preface: pieces at the start of a stream that begin with PRI."""
        pieces, data = streams.pieces, streams.packets.data
        first = np.flatnonzero((pieces[s.P_STREAM_OFFSET] == 0) & (pieces[s.P_KIND] == Piece.DATA) & (pieces[s.P_BUFFER] == 0)
                               & (pieces[s.P_DIRECTION] == 0) & (pieces[s.P_LEN] >= 4))
        starts = pieces[s.P_START, first]
        looks = (data[starts] == PREFACE[0]) & (data[starts + 1] == PREFACE[1]) & (data[starts + 2] == PREFACE[2]) \
            & (data[starts + 3] == PREFACE[3])
        for number in pieces[s.P_STREAM, first[looks]].tolist():
            self._begin(number, self._connections.get(number), (0, 0))

    def _begin(self, number: int, connection: Connection, starts: tuple[int, int]) -> Reader | None:
        if number in self._open or len(self._open) >= limits.HTTP2_CONNECTIONS:
            return None
        self._open[number] = _Open(connection, Reader(self._sink, self._pushes), starts)
        return self._open[number].reader

    def _upgrade(self, exchange: Exchange) -> Iterator[Http2Event]:
        request, response = exchange.request, exchange.response
        if request is None or response is None or response.status != 101 or response.get(b"upgrade").lower() != b"h2c":
            return
        starts = (request.body_offset + request.body_wire, response.body_offset)
        reader = self._begin(exchange.stream, exchange.connection, starts)
        if reader is not None:
            headers: Headers = [(b":method", request.method), (b":path", request.target), (b":authority", request.host)]
            headers += [(name.lower(), value) for name, value in request.fields if name.lower() != b"host"]
            for settings in reader.upgraded(headers, Moment(request.last_packet, request.last_ns)):
                yield Http2Event(exchange.connection, settings)

    def _piece(self, row: list[int], buffers: tuple[memoryview, memoryview]) -> Iterator[Http2Event]:
        found = self._open[row[s.P_STREAM]]
        if row[s.P_KIND] == Piece.GAP:
            found.reader.broken = True
        if row[s.P_KIND] != Piece.DATA or found.reader.broken:
            return
        skip = max(found.starts[row[s.P_DIRECTION]] - row[s.P_STREAM_OFFSET], 0)
        data = bytes(buffers[row[s.P_BUFFER]][row[s.P_START] + skip:row[s.P_START] + row[s.P_LEN]])
        for what in found.reader.feed(row[s.P_DIRECTION], data, Moment(row[s.P_ORIGIN], row[s.P_TS_NS])):
            yield Http2Event(found.connection, what)
