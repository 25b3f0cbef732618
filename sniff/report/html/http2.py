"""Exchanges of HTTP/2 in the clear, as if they had been HTTP/1: so that tables and details show them like all others."""

from collections.abc import Container, Iterable, Iterator, Sequence

import numpy as np

from sniff.decode import columns as m
from sniff.decode.bodies import BodyInfo
from sniff.decode.body import BodyDecoder
from sniff.decode.columns import MessageFlag
from sniff.decode.http2 import Side, Stream
from sniff.decode.message import Message
from sniff.exchange import http_columns as x
from sniff.exchange.connection import Connection
from sniff.exchange.http import Exchange, Exchanges, State
from sniff.exchange.http2 import Http2Event, Http2Streams
from sniff.reassembly.batch import StreamBatch
from sniff.report.html.details import KeptBody

FIRST_NUMBER = 1 << 40
"""Exchange.number of the first one; those of HTTP/1 are far below."""
ON_FIRST_REQUEST = -2
"""What ExchangeBuilder says of the first exchange of a connection: it waited for the connection."""
_PRI = m.METHODS.index("PRI")
_CONTROLS = bytes.maketrans(b"\r\n\0", b"   ")


class Http2Exchanges:
    """Makes exchanges of HTTP/2 streams, batch by batch.

    bodies  {Message.id: body} of those in `wanted`, each up to `cap` bytes as they were sent
    """

    def __init__(self, wanted: Container[int] = (), cap: int = 0) -> None:
        self.bodies: dict[int, KeptBody] = {}
        self._wanted = wanted
        self._cap = cap
        self._streams = Http2Streams(self._data if cap else None)
        self._data_of: dict[tuple[int, int], bytearray] = {}     # by identity of the open Stream, and direction
        self._seen: set[int] = set()
        self._count = 0

    def add(self, streams: StreamBatch, exchanges: Iterable[Exchange] = ()) -> list[Exchange]:
        """The exchanges that one batch completes. `exchanges`: those of HTTP/1 in it, among which upgrades are looked for."""
        return list(self._made(self._streams.add(streams, exchanges), State.ABORTED))

    def finish(self) -> list[Exchange]:
        """What was still open when the capture ended."""
        return list(self._made(self._streams.finish(), State.RUNNING))

    def _data(self, stream: Stream, direction: int, data: bytes) -> None:
        kept = self._data_of.setdefault((id(stream), direction), bytearray())
        kept += data[:max(self._cap - len(kept), 0)]

    def _made(self, events: Iterable[Http2Event], otherwise: State) -> Iterator[Exchange]:
        for event in events:
            stream = event.what
            if isinstance(stream, Stream):
                exchange = self._exchange(event.connection, stream, otherwise)
                if exchange is not None:
                    yield exchange

    def _exchange(self, connection: Connection, stream: Stream, otherwise: State) -> Exchange | None:
        request = _message(connection, stream, 0) if stream.request.headers else None
        response = _message(connection, stream, 1) if stream.response.headers else None
        for direction, message in enumerate((request, response)):
            data = self._data_of.pop((id(stream), direction), None)
            if message is not None and data is not None and message.id in self._wanted:
                self.bodies[message.id] = _body(message, bytes(data))
        if request is None and response is None:
            return None
        if request is None:
            state = State.UNASKED
        elif stream.reset:
            state = State.ABORTED
        elif response is None:
            state = State.UNANSWERED if otherwise == State.ABORTED else otherwise
        else:
            state = State.COMPLETE if stream.response.ended else otherwise
        fresh = connection.stream not in self._seen
        if len(self._seen) < 1 << 20:
            self._seen.add(connection.stream)
        exchange = Exchange(FIRST_NUMBER + self._count, connection, request, response, state,
                            ON_FIRST_REQUEST if fresh and stream.number == 1 else -1)
        exchange.place = stream.number
        self._count += 1
        return exchange


def _message(connection: Connection, stream: Stream, direction: int) -> Message:
    """One side of a stream as a message: its fields as a head of HTTP/1."""
    side = stream.response if direction else stream.request
    if direction:
        first = b"HTTP/2 %d" % stream.status
    else:
        first = b"%b %b HTTP/2" % (_clean(side.get(b":method")), _clean(side.get(b":path")) or b"/")
        if side.get(b":authority"):
            first += b"\r\nhost: " + _clean(side.get(b":authority"))
    lines = [b"%b: %b" % (_clean(name), _clean(value)) for name, value in side.headers if not name.startswith(b":")]
    head = b"\r\n".join([first, *lines, b"", b""])
    return Message(_row(connection, stream, side, direction, len(head)), head)


def _row(connection: Connection, stream: Stream, side: Side, direction: int, head_length: int) -> list[int]:
    row = [0] * m.M_COUNT
    method = side.get(b":method").decode("latin-1")
    for column, value in (
            (m.M_IS_RESPONSE, direction), (m.M_STREAM, connection.stream), (m.M_DIRECTION, direction), (m.M_SEQUENCE, stream.number),
            (m.M_FIRST_PACKET, side.first.packet), (m.M_HEAD_PACKET, side.first.packet), (m.M_LAST_PACKET, side.last.packet),
            (m.M_FIRST_NS, side.first.ts_ns), (m.M_HEAD_NS, side.first.ts_ns), (m.M_LAST_NS, side.last.ts_ns), (m.M_STORE_OFFSET, -1),
            (m.M_HEAD_LEN, head_length), (m.M_HEAD_KEPT, head_length), (m.M_BODY_LEN, side.length), (m.M_BODY_WIRE, side.length),
            (m.M_EXPECTED, -1), (m.M_STATUS, stream.status if direction else 0),
            (m.M_METHOD, m.METHODS.index(method) if method in m.METHODS else 0), (m.M_VERSION, 20),
            (m.M_FLAGS, int(MessageFlag.COMPLETE if side.ended else MessageFlag.STILL_RUNNING)),
            (m.M_ID, -1 - (connection.stream << 33 | stream.number << 1 | direction))):
        row[column] = value
    return row


def _clean(raw: bytes) -> bytes:
    """Bytes that cannot end their line; HTTP/2 has no lines, so they may hold anything."""
    return raw.translate(_CONTROLS)


def _body(message: Message, data: bytes) -> KeptBody:
    """The decoded body."""
    body = KeptBody(max(len(data) * 4, 1 << 16))
    decoder = BodyDecoder(message.content_codings)
    length = 0
    for piece in (*decoder.pieces(data), decoder.finish()):
        length += len(piece)
        body.data(piece)
    body.end(BodyInfo(message, length))
    body.cut += max(message.body_length - len(data), 0)
    return body


def all_of(first: Exchanges, second: Sequence[Exchange]) -> Exchanges:
    """Exchanges of HTTP/1 and of HTTP/2; the preface of HTTP/2, which looks like a request of HTTP/1, is none."""
    preface = first.rows[:, x.X_REQUEST + m.M_METHOD] == _PRI
    return (first.select(~preface) if preface.any() else first).plus(second)


def upgrades(exchanges: Sequence[Exchange]) -> list[Exchange]:
    """Those exchanges of HTTP/1 after which their connection may be HTTP/2."""
    if isinstance(exchanges, Exchanges):
        return [exchanges[index] for index in np.flatnonzero(exchanges.rows[:, x.X_RESPONSE + m.M_STATUS] == 101).tolist()]
    return [exchange for exchange in exchanges if exchange.status == 101]
