"""Rows of HTTP/2 in the clear: the frames that each packet completes, in Wireshark's words.

Segments are read in order of arrival, as rows are. Which packets carry HTTP/2 the reader of HTTP/1 says (http1_rows.py): those
behind the preface, or behind a response that switches to h2c.

Source: RFC 9113 section 4.1 and 6 (frames), RFC 7541 (header blocks), gRPC over HTTP/2 (length-prefixed messages).
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sniff import limits
from sniff.decode.columns import (
    APP_HTTP2,
    APP_MODE,
    APP_PROTOCOL,
    APP_SUFFIX,
    APP_TEXT,
    APP_TEXT_LEN,
    Mode,
    Protocol,
    Suffix,
)
from sniff.decode.dns_words import DnsWords
from sniff.decode.http2 import END_HEADERS, END_STREAM, PADDED, PREFACE, PRIORITY, Frame
from sniff.decode.http_status import STATUS
from sniff.decode.pool import Pool
from sniff.packets import columns as c
from sniff.packets.batch import Table
from sniff.reassembly import columns as s
from sniff.reassembly.batch import StreamBatch

if TYPE_CHECKING:
    from hpack import Decoder

NAMES = {0: "DATA", 1: "HEADERS", 2: "PRIORITY", 3: "RST_STREAM", 4: "SETTINGS", 5: "PUSH_PROMISE", 6: "PING", 7: "GOAWAY",
         8: "WINDOW_UPDATE", 9: "CONTINUATION", 10: "ALTSVC", 11: "BLOCKED", 12: "ORIGIN", 16: "PRIORITY_UPDATE"}
"""Frame types (RFC 9113, 7838, 8336, 9218; BLOCKED of a draft)."""

LEAST = {Frame.PUSH_PROMISE: 4, 2: 5, Frame.RST_STREAM: 4, 6: 8, Frame.GOAWAY: 8, 8: 4, 10: 2, 16: 4}
"""Bytes without which a frame is malformed."""

LINES = frozenset({b"text/plain", b"text/richtext", b"text/enriched", b"text/parameters", b"text/html", b"text/css", b"text/javascript",
                   b"application/x-javascript", b"message/http", b"application/x-www-form-urlencoded"})
"""Media types whose bodies are shown as lines, or as a form."""
JSON = frozenset({b"application/json", b"application/json-rpc", b"application/x-ndjson", b"application/jsonrequest",
                  b"application/problem+json", b"application/senml+json"})
XML = frozenset({b"text/xml", b"application/xml", b"application/soap+xml", b"application/rss+xml", b"application/atom+xml",
                 b"application/xslt+xml", b"image/svg+xml", b"text/vnd.wap.wml"})
IMAGES = {b"image/png": (b"\x89PNG\r\n\x1a\n", " (PNG)"), b"image/jpeg": (b"\xff\xd8\xff", " (JPEG JFIF image)")}

DNS = b"application/dns-message"
DNS_BYTES = 65_535
MEDIA_BYTES = 128
WORD_BYTES = 4_096
"""Longest method or path that is shown; a cell is cut there anyway."""
_HEADER = 9
_CUT_FIELD = 64
_BODY = 256
"""Bytes that a _Body takes, about."""
_TABLE = 4_096
"""Bytes of a header table to begin with (RFC 7541 section 4.2, RFC 9113 section 6.5.2)."""
_WAITS = " [HTTP2 segment of a reassembled PDU]"
_SIGN = 1 << 31


@dataclass(slots=True)
class _Body:
    """What one direction of a stream carries: its media type, whether there was any, its first bytes (all of a DNS message), and a
    gRPC message that waits."""

    media: bytes = b""
    length: int = 0
    first: bytes = b""
    head: bytes = b""       # of a gRPC message: its five bytes, as far as they came
    left: int = 0           # and how many are missing of what they announce
    began: bool = False     # a message waits


@dataclass(slots=True)
class _Lane:
    """One direction: the frame that is arriving."""

    decoder: "Decoder | None" = None
    lost: bool = False          # bytes are missing: header blocks cannot be decoded any more
    next: int = -1              # sequence number that comes next, -1 before the first
    preface: bytes = b""        # what came of it
    wants_preface: bool = False
    head: bytearray = field(default_factory=bytearray)
    left: int = 0
    payload: bytearray = field(default_factory=bytearray)
    length: int = 0
    block: bytearray = field(default_factory=bytearray)     # a header block that CONTINUATION frames go on with
    kept: int = 0               # bytes of bodies
    bodies: "OrderedDict[int, _Body]" = field(default_factory=OrderedDict)


class _Row:
    """The row of one packet."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.protocol = Protocol.HTTP2
        self.suffix = int(Suffix.NONE)


def _size(lane: _Lane) -> int:
    """Bytes that wait for more, what is remembered of open streams and what a peer had its header table grow by."""
    table = max(lane.decoder.header_table_size - _TABLE, 0) if lane.decoder is not None else 0
    return len(lane.payload) + len(lane.block) + lane.kept + _BODY * len(lane.bodies) + table


class Http2Rows:
    """Writes the rows of the packets that APP_HTTP2 marks. Batches are to come in order.

    At most limits.HTTP2_CONNECTIONS connections are remembered, and limits.WAITING_BYTES of what waits for more: of those that
    spoke last.
    """

    def __init__(self, counters: limits.Counters) -> None:
        self.counters = counters
        self._dns = DnsWords()
        self._held = 0
        self._lanes: OrderedDict[int, tuple[_Lane, _Lane]] = OrderedDict()

    def read(self, streams: StreamBatch, apps: Table, pool: Pool) -> None:
        """Set `apps` for the packets of one batch; texts go to `pool`."""
        packets = streams.packets
        mine = np.flatnonzero(apps[APP_HTTP2])
        if len(mine):
            table = packets.table
            rows = zip(mine.tolist(), apps[APP_HTTP2, mine].tolist(), table[c.PAYLOAD, mine].tolist(), table[c.PAYLOAD_LEN, mine].tolist(),
                       table[c.PAYLOAD_WIRE, mine].tolist(), table[c.TCP_SEQ, mine].tolist(), streams.table[s.STREAM, mine].tolist(),
                       streams.table[s.DIRECTION, mine].tolist(), strict=True)
            data = packets.data.data
            for index, at, start, length, wire, seq, stream, direction in rows:
                lane = self._lane(stream, direction)
                self._held -= _size(lane)
                self._segment(lane, bytes(data[at:start + length]), (seq + at - start) & 0xFFFFFFFF, wire - (at - start), index, apps, pool)
                self._held += _size(lane)
                while self._held > limits.WAITING_BYTES or len(self._lanes) > limits.HTTP2_CONNECTIONS:
                    self._forget(next(iter(self._lanes)))
                    self.counters.rows_given_up += 1
        if self._lanes:
            for stream in streams.ended[s.F_STREAM, streams.ended[s.F_PROTO] == 6].tolist():
                self._forget(stream)

    def _forget(self, stream: int) -> None:
        self._held -= sum(map(_size, self._lanes.pop(stream, ())))

    def _lane(self, stream: int, direction: int) -> _Lane:
        lanes = self._lanes.get(stream)
        if lanes is None:
            lanes = self._lanes[stream] = (_Lane(wants_preface=True), _Lane())
        self._lanes.move_to_end(stream)
        return lanes[direction]

    def _segment(self, lane: _Lane, data: bytes, seq: int, wire: int, index: int, apps: Table, pool: Pool) -> None:
        """One segment: what it completes is its row, what it begins waits."""
        if lane.next >= 0 and seq != lane.next:
            ahead = (seq - lane.next) & 0xFFFFFFFF
            if ahead < _SIGN:       # bytes are missing: Wireshark goes on as if there were no hole
                lane.lost = True
                lane.head.clear()
                lane.left = 0
                lane.wants_preface = False
            else:
                known = 2 * _SIGN - ahead
                if known >= wire:
                    return          # all of it came before: the transport's own row
                data, wire, seq = data[known:], wire - known, lane.next
        lane.next = (seq + wire) & 0xFFFFFFFF
        row = _Row()
        waited = len(lane.head) == _HEADER
        self._frames(lane, data, row)
        if len(data) < wire:        # cut off in the capture
            lane.lost = True
            lane.head.clear()
            lane.left = 0
        if row.words:
            before = bytes(pool.data[apps[APP_TEXT, index]:apps[APP_TEXT, index] + apps[APP_TEXT_LEN, index]]).decode("utf-8", "replace") \
                if apps[APP_PROTOCOL, index] else ""
            words = ", ".join([before, *row.words] if before else row.words)
            apps[APP_PROTOCOL, index], apps[APP_MODE, index], apps[APP_SUFFIX, index] = row.protocol, Mode.TEXT, row.suffix
            apps[APP_TEXT, index], apps[APP_TEXT_LEN, index] = pool.add(words.encode("utf-8", "replace"))
        elif not apps[APP_PROTOCOL, index] and (lane.head or lane.preface):
            apps[APP_PROTOCOL, index] = Protocol.TCP
            apps[APP_MODE, index] = Mode.OWN_MARKER if waited else Mode.TEXT_MARKER

    def _frames(self, lane: _Lane, data: bytes, row: _Row) -> None:
        at = 0
        if lane.wants_preface:
            at = min(len(PREFACE) - len(lane.preface), len(data))
            lane.preface += data[:at]
            if not PREFACE.startswith(lane.preface):
                at = 0
            elif len(lane.preface) < len(PREFACE):
                return
            else:
                row.words.append("Magic")
            lane.wants_preface, lane.preface = False, b""
        while at < len(data):
            if len(lane.head) < _HEADER:
                take = min(_HEADER - len(lane.head), len(data) - at)
                lane.head += data[at:at + take]
                at += take
                if len(lane.head) < _HEADER:
                    return
                lane.left = lane.length = int.from_bytes(lane.head[:3])
                lane.payload.clear()
            take = min(lane.left, len(data) - at)
            if len(lane.payload) < limits.SHORT_HEAD_BYTES:
                lane.payload += data[at:at + take]
            lane.left -= take
            at += take
            if lane.left == 0:
                self._frame(lane, row)
                lane.head.clear()
                lane.payload.clear()

    def _frame(self, lane: _Lane, row: _Row) -> None:
        """A frame is whole."""
        kind, flags, stream = lane.head[3], lane.head[4], int.from_bytes(lane.head[5:9]) & 0x7FFFFFFF
        words = f"{NAMES.get(kind) or f'Unknown type ({kind})'}[{stream}]"
        payload = bytes(lane.payload)
        row.protocol = Protocol.GRPC if row.protocol == Protocol.GRPC else Protocol.HTTP2
        if lane.length < LEAST.get(kind, 0 if kind in NAMES else 1):
            row.suffix = Suffix.MALFORMED
            row.words.append(words)
            return
        if kind in (Frame.DATA, Frame.HEADERS, Frame.PUSH_PROMISE) and flags & PADDED and payload:
            payload = payload[1:max(len(payload) - payload[0], 1)]
        if kind == Frame.DATA:
            words += self._data(lane, stream, payload, row)
        elif kind in (Frame.HEADERS, Frame.PUSH_PROMISE, Frame.CONTINUATION):
            if kind != Frame.CONTINUATION:
                payload = payload[4 if kind == Frame.PUSH_PROMISE else 5 if flags & PRIORITY else 0:]
                lane.block.clear()
            if len(lane.block) < limits.SHORT_HEAD_BYTES:
                lane.block += payload
            fields = []
            if flags & END_HEADERS:
                fields = self._fields(lane)
                lane.block.clear()
            elif kind != Frame.CONTINUATION:
                fields = _begin_of(payload)
            if kind != Frame.CONTINUATION:
                words += _asked_or_answered(fields)
            if kind == Frame.HEADERS and not flags & END_STREAM:
                self._body(lane, stream, fields)
        if flags & END_STREAM and kind in (Frame.DATA, Frame.HEADERS):
            said = self._end(lane, stream, row)
            if row.protocol == Protocol.DOH:
                row.words, words = [], said     # as when the message came by itself
            else:
                words += said
        row.words.append(words)

    def _fields(self, lane: _Lane) -> list[tuple[bytes, bytes]]:
        """The header fields of a whole block. Each is decoded, since it changes the table; after one that cannot be, none."""
        from hpack import Decoder
        from hpack.exceptions import HPACKError
        if lane.lost:
            return []
        if lane.decoder is None:
            lane.decoder = Decoder(max_header_list_size=limits.SHORT_HEAD_BYTES)
            lane.decoder.max_allowed_table_size = 65_536
        try:
            return [(bytes(name), bytes(value)) for name, value in lane.decoder.decode(bytes(lane.block), raw=True)]
        except (HPACKError, UnicodeDecodeError, IndexError):
            lane.lost = True
            return []

    # --- bodies -----------------------------------------------------------------------------------------------------

    def _body(self, lane: _Lane, stream: int, fields: list[tuple[bytes, bytes]]) -> None:
        media = next((value for name, value in fields if name == b"content-type"), b"")
        if not any(name in (b":status", b":method") for name, value in fields) or any(
                name == b":status" and value[:1] == b"1" for name, value in fields):
            return
        lane.bodies[stream] = _Body(media.partition(b";")[0].strip().lower()[:MEDIA_BYTES])
        if len(lane.bodies) > limits.PENDING_EXCHANGES:
            lane.kept -= len(lane.bodies.popitem(last=False)[1].first)

    def _data(self, lane: _Lane, stream: int, payload: bytes, row: _Row) -> str:
        body = lane.bodies.get(stream)
        if body is None:
            return ""
        body.length += len(payload)
        more = payload[:(DNS_BYTES if body.media == DNS else 8) - len(body.first)]
        body.first += more
        lane.kept += len(more)
        if not body.media.startswith(b"application/grpc"):
            return ""
        words = _grpc(body, payload)
        if "(GRPC)" in words:
            row.protocol = Protocol.GRPC
        return words

    def _end(self, lane: _Lane, stream: int, row: _Row) -> str:
        """What the end of a stream adds to the words: what its body is."""
        body = lane.bodies.pop(stream, None)
        if body is None or not body.length:
            return ""
        lane.kept -= len(body.first)
        media = body.media
        if media == DNS:
            row.protocol = Protocol.DOH
            said, row.suffix = self._dns.words(body.first, 0, len(body.first), body.length)
            return said.decode("utf-8", "replace")
        if media in LINES:
            return f" ({media.decode()})"
        if media in JSON:
            row.protocol = Protocol.HTTP2_JSON
            return f", JavaScript Object Notation ({media.decode()})"
        if media in XML:
            row.protocol = Protocol.HTTP2_XML
        magic, words = IMAGES.get(media, (b"", ""))
        return words if magic and body.first.startswith(magic[:8]) else ""


def _asked_or_answered(fields: list[tuple[bytes, bytes]]) -> str:
    """`: GET /path` of a request, `: 200 OK` of a response."""
    found = {name: _shown(value) for name, value in reversed(fields) if name in _SHOWN}
    if b":status" in found:
        status = found[b":status"]
        name = STATUS.get(int(status)) if status.isdecimal() and status.isascii() and len(status) == 3 else None
        return f": {status} {name or 'Unknown'}"
    if b":method" in found and b":path" in found:
        return f": {found[b':method']} {found[b':path']}"
    return ""


def _begin_of(block: bytes) -> list[tuple[bytes, bytes]]:
    """The fields of a block that goes on in CONTINUATION frames, as far as they can be read without the table and whole: the last
    one may be cut, by some bytes."""
    from hpack import Decoder
    from hpack.exceptions import HPACKError
    for stop in range(len(block), max(len(block) - _CUT_FIELD, 0), -1) if len(block) <= WORD_BYTES else ():
        try:
            return [(bytes(name), bytes(value)) for name, value in Decoder(limits.SHORT_HEAD_BYTES).decode(block[:stop], raw=True)]
        except (HPACKError, UnicodeDecodeError, IndexError):
            continue
    return []


_SHOWN = (b":status", b":method", b":path")


def _shown(value: bytes) -> str:
    """Wireshark takes it for ASCII. What could drive a terminal or end the line is escaped."""
    text = value[:WORD_BYTES].decode("ascii", "replace")
    return text if text.isprintable() else "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


def _grpc(body: _Body, payload: bytes) -> str:
    """What the messages add that this frame completes; one that goes on from an earlier frame is told apart from those after it."""
    words, at = "", 0
    told = False
    while at < len(payload) or (len(body.head) == 5 and not body.left):
        if len(body.head) < 5:
            take = min(5 - len(body.head), len(payload) - at)
            body.head += payload[at:at + take]
            at += take
            if len(body.head) < 5:
                break
            body.left = int.from_bytes(body.head[1:])
        take = min(body.left, len(payload) - at)
        body.left -= take
        at += take
        if body.left:
            break
        if not told or body.began:
            words += " (GRPC)"
        told = not body.began
        words += " (PROTOBUF)" * (int.from_bytes(body.head[1:]) > 0)
        body.head, body.began = b"", False
    if body.head:
        body.began = True
        words += _WAITS
    return words
