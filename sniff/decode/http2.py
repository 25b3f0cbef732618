"""HTTP/2 in the clear: frames, header blocks and what they say of each stream (RFC 9113, RFC 7541).

A connection is HTTP/2 when the client sends its preface, at once or after an upgrade (`h2c`). Bytes are read as they come; of
a connection that lost some only what came before is read, since header compression cannot be picked up again.
"""

import base64
import binascii
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from sniff import limits

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


class Frame(IntEnum):
    """Frame types (RFC 9113 section 6) that are read; others are passed over."""

    DATA = 0
    HEADERS = 1
    RST_STREAM = 3
    SETTINGS = 4
    PUSH_PROMISE = 5
    GOAWAY = 7
    CONTINUATION = 9


END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY = 1, 1, 4, 8, 32


class Moment(NamedTuple):
    """When a frame was seen: frame.number and time of the packet, nanoseconds."""

    packet: int
    ts_ns: int


NEVER = Moment(0, 0)

Headers = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class Side:
    """What one side said on a stream.

    headers       in order, pseudo header fields first; trailers behind them
    table_update  the table size update that the first block began with, -1 none
    length        bytes of DATA, padding not counted
    """

    headers: Headers = field(default_factory=list)
    table_update: int = -1
    length: int = 0
    ended: bool = False
    first: Moment = NEVER
    last: Moment = NEVER

    def get(self, name: bytes) -> bytes:
        """The first value of a field, by its name in lower case."""
        return next((value for key, value in self.headers if key == name), b"")


@dataclass(slots=True)
class Stream:
    """One stream: a request and its response."""

    number: int
    request: Side = field(default_factory=Side)
    response: Side = field(default_factory=Side)
    reset: bool = False

    @property
    def status(self) -> int:
        """:status, 0 when there is none."""
        value = self.response.get(b":status")
        return int(value) if value.isdigit() and len(value) == 3 else 0


Sink = Callable[[Stream, int, bytes], None]


class Settings(NamedTuple):
    """One SETTINGS frame (or HTTP2-Settings field) that is no acknowledgement."""

    direction: int
    values: list[tuple[int, int]]
    moment: Moment


class _Lane:
    """One direction: the frame that is arriving and the header table."""

    def __init__(self, direction: int) -> None:
        from hpack import Decoder  # only for connections that are HTTP/2

        self.direction = direction
        self.preface = len(PREFACE) if direction == 0 else 0
        self.decoder = Decoder(max_header_list_size=limits.SHORT_HEAD_BYTES)
        self.decoder.max_allowed_table_size = 65_536
        self.head = b""
        self.kind = self.flags = self.stream = self.left = 0
        self.payload = b""
        self.promised = 0           # the stream whose request the header block tells (PUSH_PROMISE), 0: of its own stream
        self.block = b""            # a header block that CONTINUATION frames go on with
        self.block_flags = 0


class Connection:
    """Reads both directions of one connection.

    sink     called with (Stream, direction, bytes) for the bytes of bodies
    pushes   requests that the server promises to answer count as requests of their streams

    streams  those that are open
    broken   bytes were lost, or headers could not be decoded: nothing more is read
    """

    def __init__(self, sink: Sink | None = None, pushes: bool = False) -> None:
        self._sink = sink
        self._pushes = pushes
        self.streams: dict[int, Stream] = {}
        self.broken = False
        self._lanes = (_Lane(0), _Lane(1))

    def upgraded(self, request: Headers, moment: Moment) -> Iterator[Settings]:
        """The connection was upgraded from HTTP/1.1: stream 1 is that request, which carries the client's settings."""
        stream = self._open(1)
        if stream is not None:
            stream.request.headers, stream.request.ended = request, True
            stream.request.first = stream.request.last = moment
        value = next((value for name, value in request if name == b"http2-settings"), b"")
        try:
            payload = base64.urlsafe_b64decode(value + b"=" * (-len(value) % 4))
        except (binascii.Error, ValueError):
            return
        yield Settings(0, read_settings(payload), moment)

    def feed(self, direction: int, data: bytes, moment: Moment) -> Iterator[Settings | Stream]:
        """The next bytes of one direction: settings that were sent and streams that are over."""
        lane = self._lanes[direction]
        at = min(lane.preface, len(data))
        lane.preface -= at
        while at < len(data) and not self.broken:
            if len(lane.head) < 9:
                take = min(9 - len(lane.head), len(data) - at)
                lane.head += data[at:at + take]
                at += take
                if len(lane.head) < 9:
                    return
                lane.left = int.from_bytes(lane.head[:3])
                lane.kind, lane.flags = lane.head[3], lane.head[4]
                lane.stream = int.from_bytes(lane.head[5:9]) & 0x7FFFFFFF
                lane.payload = b""
            take = min(lane.left, len(data) - at)
            if (lane.kind == Frame.DATA and not lane.flags & PADDED) or len(lane.payload) < limits.SHORT_HEAD_BYTES:
                lane.payload += data[at:at + take]
            lane.left -= take
            at += take
            if lane.kind == Frame.DATA and not (lane.flags & PADDED):
                self._data(lane, lane.payload, moment)
                lane.payload = b""
            if lane.left == 0:
                yield from self._frame(lane, moment)
                lane.head = lane.payload = b""

    def finish(self) -> Iterator[Stream]:
        """The connection is over: what is still open."""
        yield from self.streams.values()
        self.streams.clear()

    def _open(self, number: int) -> Stream | None:
        stream = self.streams.get(number)
        if stream is None and number and len(self.streams) < limits.PENDING_EXCHANGES:
            stream = self.streams[number] = Stream(number)
        return stream

    def _side(self, lane: _Lane, moment: Moment) -> Side | None:
        stream = self._open(lane.stream)
        if stream is None:
            return None
        side = stream.response if lane.direction else stream.request
        if not side.first.packet:
            side.first = moment
        side.last = moment
        return side

    def _data(self, lane: _Lane, data: bytes, moment: Moment) -> None:
        side = self._side(lane, moment)
        if side is not None and data:
            side.length += len(data)
            if self._sink is not None:
                self._sink(self.streams[lane.stream], lane.direction, data)

    def _frame(self, lane: _Lane, moment: Moment) -> Iterator[Settings | Stream]:
        """A frame is whole."""
        payload, flags = lane.payload, lane.flags
        if lane.kind == Frame.SETTINGS:
            if not flags & ACK:
                yield Settings(lane.direction, read_settings(payload), moment)
            return
        if lane.kind in (Frame.DATA, Frame.HEADERS, Frame.PUSH_PROMISE) and flags & PADDED:
            padding = payload[0] if payload else 0
            payload = payload[1:max(len(payload) - padding, 1)]
            if lane.kind == Frame.DATA:
                self._data(lane, payload, moment)
        if lane.kind == Frame.HEADERS:
            lane.block, lane.block_flags, lane.promised = payload[5:] if flags & PRIORITY else payload, flags, 0
        elif lane.kind == Frame.PUSH_PROMISE:
            lane.block, lane.block_flags, lane.promised = payload[4:], 0, int.from_bytes(payload[:4]) & 0x7FFFFFFF
        elif lane.kind == Frame.CONTINUATION and len(lane.block) < limits.SHORT_HEAD_BYTES:
            lane.block += payload
        if lane.kind in (Frame.HEADERS, Frame.PUSH_PROMISE, Frame.CONTINUATION) and flags & END_HEADERS:
            self._headers(lane, moment)
        yield from self._ends(lane, moment)

    def _ends(self, lane: _Lane, moment: Moment) -> Iterator[Stream]:
        stream = self.streams.get(lane.stream)
        if stream is None:
            return
        headers_end = lane.kind in (Frame.HEADERS, Frame.CONTINUATION) and lane.flags & END_HEADERS \
            and lane.block_flags & END_STREAM
        if lane.kind == Frame.RST_STREAM:
            stream.reset = True
        elif headers_end or (lane.kind == Frame.DATA and lane.flags & END_STREAM):
            side = stream.response if lane.direction else stream.request
            side.ended, side.last = True, moment
        if stream.reset or (stream.request.ended and stream.response.ended):
            yield self.streams.pop(lane.stream)

    def _promised(self, lane: _Lane, moment: Moment) -> Side | None:
        """The side of the request that a server promises to answer (RFC 9113 section 8.4), when somebody wants to know."""
        stream = self._open(lane.promised) if self._pushes and lane.direction == 1 else None
        if stream is None or stream.request.headers:
            return None
        stream.request.first = stream.request.last = moment
        stream.request.ended = True
        return stream.request

    def _headers(self, lane: _Lane, moment: Moment) -> None:
        """A header block is whole. Each is decoded, also those nobody is told, since they change the table."""
        from hpack.exceptions import HPACKError

        try:
            headers = [(bytes(name), bytes(value)) for name, value in lane.decoder.decode(lane.block, raw=True)]
        except (HPACKError, UnicodeDecodeError, IndexError):
            self.broken = True
            return
        side = self._promised(lane, moment) if lane.promised else self._side(lane, moment)
        if side is not None:
            if not side.headers:
                side.table_update = table_update(lane.block)
            if len(side.headers) < limits.HEAD_FIELDS:
                side.headers += headers
        lane.block = b""


def read_settings(payload: bytes) -> list[tuple[int, int]]:
    """[(identifier, value)] of a SETTINGS payload."""
    return [(int.from_bytes(payload[at:at + 2]), int.from_bytes(payload[at + 2:at + 6]))
            for at in range(0, min(len(payload), 6 * 256) - 5, 6)]


def table_update(block: bytes) -> int:
    """The size that a header block sets the dynamic table to (RFC 7541 section 6.3), -1 when it begins otherwise."""
    if not block or block[0] & 0xE0 != 0x20:
        return -1
    size, at, shift = block[0] & 0x1F, 1, 0
    if size < 31:
        return size
    while at < len(block) and shift < 35:
        size += (block[at] & 0x7F) << shift
        shift += 7
        if not block[at] & 0x80:
            return size
        at += 1
    return -1
