"""The chunks of chunked bodies (RFC 9112 section 7.1), as they were sent."""

import re
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

from sniff import limits
from sniff.capture.raw import view as buffer_of
from sniff.decode import columns as m
from sniff.decode.columns import Framing
from sniff.filters.view import View
from sniff.packets import columns as c
from sniff.reassembly import columns as s
from sniff.reassembly.columns import Piece

_SIZE = re.compile(rb"[ \t\r\v\f]*\+?(?:0[xX])?([0-9A-Fa-f]{1,16})")


class _Stream:
    """The bytes of one direction of a connection, from `base` on, of bodies that are not over."""

    __slots__ = ("base", "data", "open", "whole")

    def __init__(self, base: int) -> None:
        self.base = base
        self.data = bytearray()
        self.open = 0
        self.whole = True


class Chunks:
    """A tracker: {packet index: [a chunked body as it was sent]}, by the packets that brought their last bytes.

    Of a body limits.FILTER_BODY_BYTES are kept, of all together limits.FILTER_BODIES_BYTES: the oldest ones go first.
    """

    def __init__(self) -> None:
        self._streams: OrderedDict[tuple[int, int], _Stream] = OrderedDict()
        self._held = 0

    def add(self, view: View) -> None:
        apps = view.apps
        for row in apps.begun[:, apps.begun[m.M_FRAMING] == Framing.CHUNKED].T.tolist():
            key = row[m.M_STREAM], row[m.M_DIRECTION]
            stream = self._streams.get(key)
            if stream is None:
                stream = self._streams[key] = _Stream(row[m.M_STREAM_OFFSET] + row[m.M_HEAD_LEN])
            stream.open += 1
        if self._streams:
            self._collect(view)
        found: dict[int, list[bytes]] = {}
        first = int(view.table[c.NUMBER, 0]) if view.size else 0
        for row in apps.messages[:, apps.messages[m.M_FRAMING] == Framing.CHUNKED].T.tolist() if self._streams else ():
            stream = self._streams.get((row[m.M_STREAM], row[m.M_DIRECTION]))
            if stream is None:
                continue
            start = row[m.M_STREAM_OFFSET] + row[m.M_HEAD_LEN] - stream.base
            stop = start + row[m.M_BODY_WIRE]
            if stream.whole and start >= 0 and 0 <= row[m.M_LAST_PACKET] - first < view.size:
                found.setdefault(row[m.M_LAST_PACKET] - first, []).append(bytes(stream.data[start:stop]))
            stream.open -= 1
            if stream.open <= 0:
                self._held -= len(self._streams.pop((row[m.M_STREAM], row[m.M_DIRECTION])).data)
        view.memory["chunks"] = found

    def _collect(self, view: View) -> None:
        pieces = view.streams.pieces
        buffers = view.bytes, buffer_of(view.streams.held)
        for row in pieces[[s.P_KIND, s.P_STREAM, s.P_DIRECTION, s.P_BUFFER, s.P_START, s.P_LEN, s.P_STREAM_OFFSET]].T.tolist():
            kind, number, direction, buffer, start, length, offset = row
            stream = self._streams.get((number, direction))
            if stream is None:
                continue
            if kind == Piece.DATA:
                skip = stream.base + len(stream.data) - offset
                piece = buffers[buffer][start + max(skip, 0):start + length] if skip >= 0 else b""
                if skip < 0:
                    stream.whole = False
                room = limits.FILTER_BODY_BYTES * stream.open - len(stream.data)
                stream.data += piece[:max(room, 0)]
                self._held += min(len(piece), max(room, 0))
            elif kind == Piece.GAP and offset + length > stream.base:
                stream.whole = False
        while self._held > limits.FILTER_BODIES_BYTES:
            self._held -= len(self._streams.popitem(last=False)[1].data)


def chunk_fields(body: bytes) -> Iterator[tuple[str, Any]]:
    """(field, value) of a chunked body, fields without their `http.`."""
    at = 0
    while at < len(body):
        end = body.find(b"\n", at)
        if end < 0 or not body[at:end].rstrip(b"\r"):
            return
        found = _SIZE.match(body[at:end].partition(b";")[0])
        size = min(int(found[1], 16) & 0xFFFFFFFF if found is not None else 0, len(body) - at)
        start, at = end + 1, end + 1 + size
        yield "chunk_size", size
        if size:
            yield "chunk_data", body[start:at]
            yield "chunk_boundary", body[at:at + 2]
            at += 2
            continue
        trailer = at
        while (end := body.find(b"\n", at)) >= 0 and body[at:end].rstrip(b"\r"):
            at = end + 1
        if at > trailer:
            yield "chunked_trailer_part", body[trailer:at].partition(b"\0")[0].decode("ascii", "replace")
        return
