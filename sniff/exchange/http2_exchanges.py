"""Exchanges of HTTP/2 in the clear, made like those of HTTP/1, so that what shows these shows them, too.

A message of HTTP/2 has no head in bytes. What stands in its place is the head that HTTP/1 would have sent, for whoever looks for
a field by its name; `fields` are the true ones, pseudo fields like `:path` first.

Source: RFC 9113 section 8.3.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np

from sniff import limits
from sniff.decode import columns as m
from sniff.decode.bodies import BodyInfo, Sink
from sniff.decode.body import BodyDecoder
from sniff.decode.columns import MessageFlag
from sniff.decode.http2 import Headers, Side, Stream
from sniff.decode.message import Fields, Message
from sniff.exchange import http_columns as x
from sniff.exchange.connection import Connection
from sniff.exchange.events import Events
from sniff.exchange.http import HTTP2_VERSION, LOOKUP_REACH_NS, Exchange, Exchanges, Lookup, Lookups, State
from sniff.exchange.http2 import Http2Event, Http2Streams
from sniff.exchange.totals import PREFACE
from sniff.packets.batch import Table
from sniff.reassembly import columns as s
from sniff.reassembly.batch import StreamBatch
from sniff.reassembly.columns import EndReason

FIRST_NUMBER = 1 << 40
"""Exchange.number of the first one; those of HTTP/1 are far below."""
ON_FIRST_REQUEST = -2
"""What ExchangeBuilder says of the first exchange of a connection: it waited for the connection."""
_CONTROLS = bytes.maketrans(b"\r\n\0", b"   ")


class Http2Message(Message):
    """One side of a stream.

    scheme  of the URL that was asked for
    """

    def __init__(self, row: list[int], head: bytes, headers: Headers, scheme: str) -> None:
        super().__init__(row, head)
        self.headers = headers
        self.scheme = scheme

    @property
    def fields(self) -> Fields:
        """[(name, value)] in order, pseudo fields first, trailers last."""
        return [(_clean(name), _clean(value)) for name, value in self.headers]

    @cached_property
    def _by_name(self) -> dict[bytes, list[bytes]]:
        authority = next((_clean(value) for name, value in self.headers if name == b":authority"), b"")
        found: dict[bytes, list[bytes]] = {b"host": [authority]} if authority else {}
        for name, value in self.fields:
            found.setdefault(name.lower(), []).append(value)
        return found

    @property
    def version(self) -> str:
        """As browsers write it."""
        return "HTTP/2.0"

    @property
    def is_clean(self) -> bool:
        """Never: its head is not what was sent."""
        return False


class Http2Exchanges:
    """Makes exchanges of HTTP/2 streams, batch by batch.

    lookups  what is known of names, or None: then no exchange has a dns phase
    sink     (message) -> where its decoded body goes, or None. Bodies are kept until their stream is over
    cap      bytes of one body, as they were sent, that are kept; of all of them limits.HTTP2_BODIES_BYTES
    """

    def __init__(self, lookups: Lookups | None = None, sink: Callable[[Message], Sink | None] | None = None, cap: int = 0) -> None:
        self._lookups = lookups
        self._sink = sink
        self._cap = cap
        self._kept = 0
        self._streams = Http2Streams(self._data if cap else None, pushes=True)
        self._data_of: dict[tuple[int, int], bytearray] = {}     # by identity of the open Stream, and direction
        self._events = Events()
        self._upgraded: set[int] = set()    # connections that an exchange of HTTP/1 opened
        self._count = 0

    def add(self, streams: StreamBatch, exchanges: Sequence[Exchange] = ()) -> list[Exchange]:
        """The exchanges that one batch completes. `exchanges`: those of HTTP/1 in it, among which upgrades are looked for."""
        self._events.add(streams)
        ended = streams.ended[:, streams.ended[s.F_PROTO] == 6]
        reasons = dict(ended[[s.F_STREAM, s.F_END_REASON]].T.tolist())
        upgraded = upgrades(exchanges)
        self._upgraded.update(exchange.stream for exchange in upgraded)
        made = list(self._made(self._streams.add(streams, upgraded), reasons))
        self._upgraded.difference_update(reasons)
        return made

    def finish(self) -> list[Exchange]:
        """What was still open when the capture ended."""
        return list(self._made(self._streams.finish(), {}))

    def _data(self, stream: Stream, direction: int, data: bytes) -> None:
        kept = self._data_of.setdefault((id(stream), direction), bytearray())
        room = min(self._cap - len(kept), limits.HTTP2_BODIES_BYTES - self._kept)
        if room > 0:
            kept += data[:room]
            self._kept += min(room, len(data))

    def _made(self, events: Iterable[Http2Event], reasons: dict[int, int]) -> Iterator[Exchange]:
        """reasons: {tcp.stream: EndReason} of the connections that ended."""
        for event in events:
            stream = event.what
            if isinstance(stream, Stream):
                reason = reasons.get(event.connection.stream, EndReason.CAPTURE_END)
                otherwise = State.RUNNING if reason in (EndReason.CAPTURE_END, EndReason.EVICTED) else State.ABORTED
                exchange = self._exchange(event.connection, stream, otherwise)
                if exchange is not None:
                    yield exchange

    def _exchange(self, connection: Connection, stream: Stream, otherwise: State) -> Exchange | None:
        request = _request(connection, stream) if stream.request.headers else None
        responses = _responses(connection, stream)
        response = responses[-1] if responses and not 100 <= responses[-1].status < 200 else None
        for direction, message in enumerate((request, response)):
            data = self._data_of.pop((id(stream), direction), None)
            self._kept -= len(data or b"")
            if message is not None and data and self._sink is not None:
                sink = self._sink(message)
                if sink is not None:
                    _decode(message, bytes(data), sink)
        if request is None and response is None:
            return None
        if request is None:
            state = State.UNASKED
        elif stream.reset and not stream.response.ended:
            state = State.ABORTED
        elif response is None:
            state = State.UNANSWERED if otherwise == State.ABORTED else otherwise
        else:
            state = State.COMPLETE if stream.response.ended else otherwise
        exchange = Exchange(FIRST_NUMBER + self._count, connection, request, response, state, *self._beginning(connection, stream))
        exchange.interim = tuple(responses[:-1] if response is not None else responses)
        exchange.place = stream.number
        if self._events:
            exchange.events = self._events.between(connection.stream, exchange.start_ns, exchange.end_ns)
        self._count += 1
        return exchange

    def _beginning(self, connection: Connection, stream: Stream) -> tuple[int, int, Lookup | None]:
        """(turn_ns, ended_ns, lookup) of Exchange: the first stream of a connection waited for the connection, and for DNS before."""
        if stream.number != 1 or connection.stream in self._upgraded:
            return -1, -1, None
        lookup = None
        if self._lookups is not None and connection.syn_ns >= 0:
            lookup = self._lookups.before(*connection.key, connection.syn_ns)
            if lookup is not None and connection.syn_ns - lookup.answered_ns > LOOKUP_REACH_NS:
                lookup = None
        return ON_FIRST_REQUEST, -1, lookup


# --- messages -----------------------------------------------------------------------------------------------------------

def _request(connection: Connection, stream: Stream) -> Http2Message:
    side = stream.request
    authority = _clean(side.get(b":authority"))
    target = _clean(side.get(b":path")) or (authority if side.get(b":method") == b"CONNECT" else b"/")
    head = b"%b %b HTTP/2" % (_clean(side.get(b":method")), target)
    if authority:
        head += b"\r\nhost: " + authority
    scheme = side.get(b":scheme").decode("latin-1").lower()
    return _message(connection, stream, side, 0, side.headers, head, scheme if scheme.isalpha() and scheme.isascii() else "http")


def _responses(connection: Connection, stream: Stream) -> list[Http2Message]:
    """The final response, and the interim ones before it."""
    side = stream.response
    starts = [place for place, (name, _) in enumerate(side.headers) if name == b":status"]
    if not starts:
        return [_message(connection, stream, side, 1, side.headers, b"HTTP/2 0", "")] if side.headers else []
    found = []
    for begin, end in pairwise([0, *starts[1:], len(side.headers)]):
        headers = side.headers[begin:end]
        status = next(value for name, value in headers if name == b":status")
        code = int(status) if status.isdigit() and len(status) == 3 else 0
        found.append(_message(connection, stream, side, 1, headers, b"HTTP/2 %d" % code, "", code))
    return found


def _message(connection: Connection, stream: Stream, side: Side, direction: int, headers: Headers, start: bytes, scheme: str,
             status: int = 0) -> Http2Message:
    lines = [b"%b: %b" % (_clean(name), _clean(value)) for name, value in headers if not name.startswith(b":")]
    head = b"\r\n".join([start, *lines, b"", b""])
    interim = 100 <= status < 200
    length = 0 if interim else side.length
    last = side.first if interim else side.last
    row = [0] * m.M_COUNT
    method = side.get(b":method").decode("latin-1")
    for column, value in (
            (m.M_IS_RESPONSE, direction), (m.M_STREAM, connection.stream), (m.M_DIRECTION, direction), (m.M_SEQUENCE, stream.number),
            (m.M_FIRST_PACKET, side.first.packet), (m.M_HEAD_PACKET, side.first.packet), (m.M_LAST_PACKET, last.packet),
            (m.M_FIRST_NS, side.first.ts_ns), (m.M_HEAD_NS, side.first.ts_ns), (m.M_LAST_NS, last.ts_ns), (m.M_STORE_OFFSET, -1),
            (m.M_HEAD_LEN, -1), (m.M_HEAD_KEPT, len(head)), (m.M_BODY_LEN, length), (m.M_BODY_WIRE, length),
            (m.M_EXPECTED, -1), (m.M_STATUS, status), (m.M_METHOD, m.METHODS.index(method) if method in m.METHODS else 0),
            (m.M_VERSION, HTTP2_VERSION), (m.M_FLAGS, int(MessageFlag.COMPLETE if side.ended or interim else MessageFlag.STILL_RUNNING)),
            (m.M_ID, -1 - (connection.stream << 33 | stream.number << 1 | direction))):
        row[column] = value
    return Http2Message(row, head, headers, scheme)


def _clean(raw: bytes) -> bytes:
    """Bytes that cannot end their line; HTTP/2 has no lines, so they may hold anything."""
    return raw.translate(_CONTROLS)


def _decode(message: Message, data: bytes, sink: Sink) -> None:
    """Hand over a body without its codings."""
    decoder = BodyDecoder(message.content_codings)
    info = BodyInfo(message, wire=message.body_length, lost=message.body_length - len(data), ended=message.complete)
    for piece in (*decoder.pieces(data), decoder.finish()):
        if piece:
            info.length += len(piece)
            sink.data(piece)
    info.problems = decoder.problems
    sink.end(info)


# --- beside HTTP/1 ------------------------------------------------------------------------------------------------------

def all_of(first: Exchanges, second: Sequence[Exchange]) -> Exchanges:
    """Exchanges of HTTP/1 and of HTTP/2; the preface of HTTP/2, which looks like a request of HTTP/1, is none."""
    preface = first.rows[:, x.X_REQUEST + m.M_METHOD] == PREFACE
    return (first.select(~preface) if preface.any() else first).plus(second)


def messages_of(exchanges: Exchanges) -> Table:
    """int64[M_COUNT, k]: the messages of HTTP/2 among those of some exchanges. AppBatch.messages has none of them."""
    rows = exchanges.rows[exchanges.rows[:, x.X_ODD] & x.HTTP2 != 0]
    asked, answered = rows[:, x.X_HAS] & x.REQUEST != 0, rows[:, x.X_HAS] & x.RESPONSE != 0
    return np.concatenate([rows[asked, x.X_REQUEST:x.X_REQUEST + m.M_COUNT], rows[answered, x.X_RESPONSE:x.X_RESPONSE + m.M_COUNT]]).T


def upgrades(exchanges: Sequence[Exchange]) -> list[Exchange]:
    """Those exchanges of HTTP/1 after which their connection may be HTTP/2."""
    if isinstance(exchanges, Exchanges):
        return [exchanges[index] for index in np.flatnonzero(exchanges.rows[:, x.X_RESPONSE + m.M_STATUS] == 101).tolist()]
    return [exchange for exchange in exchanges if exchange.status == 101]
