"""The heads of the HTTP messages that rows are about, read as Wireshark reads them."""

import re
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np

from sniff.capture.raw import Bytes
from sniff.capture.raw import view as buffer
from sniff.decode.columns import METHODS
from sniff.decode.http1_rows import (
    HEAD_BODY,
    HEAD_BUFFER,
    HEAD_CODE,
    HEAD_COUNT,
    HEAD_KIND,
    HEAD_LEN,
    HEAD_PACKET,
    HEAD_START,
)
from sniff.filters.view import View
from sniff.packets import columns as c
from sniff.packets.batch import Table
from sniff.packets.columns import Kind
from sniff.reassembly import columns as s

SSDP_PORT = 1900
OTHER, WEBSOCKET = 3, 4
"""In HEAD_KIND: no message, but what HTTP made room for (a tunnel, an upgraded connection); WebSocket on such a connection."""


class Asked(NamedTuple):
    """A request that waits for its response."""

    packet: int         # 0: a notification
    ts_ns: int
    uri: bytes
    before: int = 0     # packet of the request before it, 0 for none


class Head:
    """One message.

    packet, packet_number  index of the packet in its batch, and its frame.number
    stream                 tcp.stream, -1 for SSDP
    ts_ns                  when that packet was captured
    body                   bytes of its body, chunk framing removed
    number                 of this request (or response) in its connection, from 1; 0 when nobody counted
    request                what it answers; None for a request, and when that is not known
    before                 packets of the request before it (of a response: before what it answers) and the response before, 0 for none
    """

    def __init__(self, packet: int, packet_number: int, stream: int, ts_ns: int, is_response: bool, data: bytes,
                 body: int) -> None:
        self.packet = packet
        self.packet_number = packet_number
        self.stream = stream
        self.ts_ns = ts_ns
        self.is_response = is_response
        self.data = data
        self.body = body
        self.number = 0
        self.request: Asked | None = None
        self.before = 0, 0

    @cached_property
    def start_line(self) -> bytes:
        """The first line, without its end."""
        return self.data[:self._first_end].rstrip(b"\r\n")

    @cached_property
    def _first_end(self) -> int:
        return self.data.find(b"\n") + 1 or len(self.data)

    @cached_property
    def _words(self) -> tuple[bytes, bytes, bytes]:
        from sniff.decode.message import read_request_line, read_status_line
        return (read_status_line if self.is_response else read_request_line)(self.start_line)

    @property
    def method(self) -> bytes:
        """http.request.method."""
        return self._words[0]

    @property
    def is_notification(self) -> bool:
        """A message of UPnP that is neither request nor response to Wireshark."""
        return not self.is_response and self.data.startswith((b"NOTIFY ", b"SUBSCRIBE ", b"UNSUBSCRIBE "))

    @property
    def uri(self) -> bytes:
        """http.request.uri."""
        return self._words[1]

    @property
    def version(self) -> bytes:
        """http.request.version or http.response.version."""
        return self._words[0 if self.is_response else 2]

    @property
    def phrase(self) -> bytes:
        """http.response.phrase."""
        return self._words[2]

    @cached_property
    def code(self) -> int:
        """http.response.code, -1 for none."""
        code = self._words[1][:3] if self.is_response else b""
        return int(code) if len(code) == 3 and code.isdigit() else -1

    @cached_property
    def fields(self) -> list[tuple[bytes, bytes]]:
        """[(name in lower case, value)]."""
        from sniff.decode.message import read_fields
        return [(name.lower(), value) for name, value in read_fields(self.data[self._first_end:])]

    @cached_property
    def lines(self) -> list[bytes]:
        """The field lines as they stand there, line ends included."""
        lines = [line for line in re.findall(rb"[^\n]*\n|[^\n]+", self.data[self._first_end:]) if line.strip(b"\r\n")]
        return [line for line in lines if b":" in line]

    def get(self, name: bytes) -> list[bytes]:
        """All values of a field, by its name in lower case."""
        if name not in self._lower:
            return []
        return [value for found, value in self.fields if found == name]

    @cached_property
    def _lower(self) -> bytes:
        return self.data.lower()

    @property
    def full_uri(self) -> bytes:
        """http.request.full_uri; empty when there is none."""
        uri, hosts = self.uri, self.get(b"host")
        if not hosts:
            return b""
        if uri[:7].lower() == b"http://" or uri[:8].lower() == b"https://" or self.method[:7].upper() == b"CONNECT":
            return uri
        return b"http://" + hosts[0] + uri


class Heads:
    """The messages that the rows of a batch are about, by packet; SSDP too, which is HTTP over UDP. A Head is made when asked for.

    packets    int64[k]  index of the packet of each message, not falling
    responses  bool[k]   it is a response
    buffers    int64[k]  where its head lies: 0 the batch's bytes, 1 AppBatch.row_heads, 2 nowhere: it is a Head already
    starts, stops  int64[k]  index there of its first byte, and the one after its last
    codes      int64[k]  status of a response, -1 when it is no number; of a request the number of its method (http1_rows.HEAD_CODE)
    """

    def __init__(self, view: View) -> None:
        rows = view.apps.row_messages
        kinds = rows[:, HEAD_KIND]
        if len(rows) and kinds.max() >= OTHER:
            rows = rows[kinds < OTHER]
        more = _ssdp(view)
        if more:
            added = np.zeros((len(more), HEAD_COUNT), np.int64)
            for k, head in enumerate(more):
                added[k, [HEAD_PACKET, HEAD_KIND, HEAD_BUFFER, HEAD_START, HEAD_CODE]] = \
                    head.packet, 2 if head.is_response else 1, 2, k, _code(head)
            rows = np.concatenate([rows, added])
            rows = rows[np.argsort(rows[:, HEAD_PACKET], kind="stable")]
        self._view = view
        self._rows = rows
        self._ssdp = more
        self._made: dict[int, Head] = {}
        self.packets = rows[:, HEAD_PACKET]
        self.responses = rows[:, HEAD_KIND] == 2
        self.buffers = rows[:, HEAD_BUFFER]
        self.starts = rows[:, HEAD_START]
        self.stops = self.starts + rows[:, HEAD_LEN]
        self.codes = rows[:, HEAD_CODE]
        self.bytes: tuple[memoryview, memoryview] = (view.bytes, buffer(view.apps.row_heads))

    @cached_property
    def data(self) -> Bytes:
        """uint8[m]: the batch's bytes, and behind them AppBatch.row_heads, when there are any."""
        more = self._view.apps.row_heads
        return np.concatenate([self._view.data, more]) if len(more) else self._view.data

    def places(self, which: Table) -> tuple[Table, Table]:
        """(int64[j], int64[j]): where some heads begin and end in `data`; none of them is a Head already."""
        shift = np.where(self.buffers[which] == 1, len(self._view.data), 0)
        return self.starts[which] + shift, self.stops[which] + shift

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Head]:
        return map(self.head, range(len(self)))

    def among(self, candidates: Table) -> Table:
        """int64[j]: which messages are those of some packets."""
        wanted = np.zeros(self._view.size, np.bool_)
        wanted[candidates] = True
        return np.flatnonzero(wanted[self.packets])

    def head(self, index: int) -> Head:
        """One message."""
        head = self._made.get(index)
        if head is None:
            row = self._rows[index].tolist()
            if row[HEAD_BUFFER] == 2:
                return self._ssdp[row[HEAD_START]]
            packet, start = row[HEAD_PACKET], row[HEAD_START]
            view = self._view
            data = bytes(self.bytes[row[HEAD_BUFFER]][start:start + row[HEAD_LEN]])
            head = self._made[index] = Head(packet, int(view.table[c.NUMBER, packet]), int(view.flows[s.STREAM, packet]),
                                            int(view.table[c.TS_NS, packet]), row[HEAD_KIND] == 2, data, row[HEAD_BODY])
        return head

    def begins(self, index: int, word: bytes) -> bool:
        """Whether the head of a message begins with these bytes."""
        if self.buffers[index] == 2:
            return self.head(index).data.startswith(word)
        start = int(self.starts[index])
        return bytes(self.bytes[self.buffers[index]][start:start + len(word)]) == word

    def numbers(self, which: Table, offset: int, size: int) -> Table:
        """int64[j]: numbers of `size` bytes at `offset` of some heads, -1 where a head is shorter or a Head already."""
        found = np.full(len(which), -1, np.int64)
        for place, data in enumerate((self._view.data, self._view.apps.row_heads)):
            mine = (self.buffers[which] == place) & (self.stops[which] - self.starts[which] >= offset + size)
            at = self.starts[which[mine]] + offset
            value = np.zeros(len(at), np.int64)
            for k in range(size):
                value = (value << 8) | data[at + k]
            found[mine] = value
        return found


def _code(head: Head) -> int:
    """HEAD_CODE of a message that was read as a head."""
    if head.is_response:
        return head.code
    sign, name = (-1, head.method[2:]) if head.method[:2] == b"M-" else (1, head.method)
    return sign * METHODS.index(name.decode("latin-1")) if name and name.decode("latin-1") in METHODS else 0


def _ssdp(view: View) -> list[Head]:
    table = view.table
    if not (table[c.KIND] == Kind.UDP).any():
        return []
    port = (table[c.SRC_PORT] == SSDP_PORT) | (table[c.DST_PORT] == SSDP_PORT)
    wanted = port & (table[c.KIND] == Kind.UDP) & (table[c.PAYLOAD_LEN] > 0)
    found = []
    for packet in np.flatnonzero(wanted).tolist():
        data = view.packets.payload(packet)
        head, _, body = data.partition(b"\r\n\r\n")
        response = head[:5] == b"HTTP/"
        if response or b" HTTP/" in head.partition(b"\r\n")[0]:
            found.append(Head(packet, int(table[c.NUMBER, packet]), -1, int(table[c.TS_NS, packet]), response,
                              head + b"\r\n\r\n", len(body)))
    return found
