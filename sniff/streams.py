"""One stream of a capture: what its two ends said, in order."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sniff.capture.sources import open_capture
from sniff.errors import InputError, UsageError
from sniff.limits import Counters
from sniff.notes import Notes
from sniff.packets import columns as c
from sniff.packets.batch import PacketBatch
from sniff.packets.stage import Dissector
from sniff.reassembly import columns as s
from sniff.reassembly.batch import StreamBatch
from sniff.reassembly.stage import Tracker
from sniff.report.flow import Flow

TCP, UDP = 6, 17


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some bytes of one direction, or a hole in it.

    direction  0 from the client, 1 from the server
    offset     bytes of this direction before it, holes counted
    data       the bytes; empty for a hole
    gap        bytes that were not captured; 0 for data
    packet     frame.number of the packet that carried them; of a hole, of the packet that showed it
    ts_ns      when that packet was captured
    """

    direction: int
    offset: int
    data: bytes
    gap: int
    packet: int
    ts_ns: int


class FollowedStream:
    """One TCP or UDP stream: iterate it for its chunks, in the order in which they could be known.

    paths     files, read as one capture
    stream    tcp.stream or udp.stream
    protocol  TCP or UDP
    flow      addresses and ports, once the first chunk was asked for
    notes     what was strange about the capture
    Raises InputError when the capture cannot be opened, UsageError when it has no such stream.
    """

    def __init__(self, paths: Sequence[str | Path], stream: int, protocol: int = TCP) -> None:
        self.notes = Notes()
        self.flow: Flow | None = None
        self._stream, self._protocol = stream, protocol
        self._source = open_capture(paths, notes=self.notes)
        self._known = 0
        self._sent = [0, 0]

    def __iter__(self) -> Iterator[Chunk]:
        counters = Counters()
        dissector = Dissector(self.notes, counters, lambda: self._source.interfaces)
        tracker = Tracker(self.notes, counters, pieces=self._protocol == TCP)
        with closing(self._source) as source:
            for raw in source:
                packets = dissector.dissect(raw)
                streams = tracker.track(packets)
                self._look_for(streams)
                if self.flow is not None:
                    yield from self._segments(streams) if self._protocol == TCP else self._datagrams(packets, streams)
                    if np.any((streams.ended[s.F_PROTO] == self._protocol) & (streams.ended[s.F_STREAM] == self._stream)):
                        break
            if self.flow is None:
                raise UsageError(self._not_there())
            if source.damage:
                raise InputError(str(source.damage))

    def _look_for(self, streams: StreamBatch) -> None:
        mine = streams.opened[:, streams.opened[s.F_PROTO] == self._protocol]
        self._known += mine.shape[1]
        for row in mine[:, mine[s.F_STREAM] == self._stream].T.tolist():
            self.flow = Flow(row)

    def _segments(self, streams: StreamBatch) -> Iterator[Chunk]:
        pieces = streams.pieces
        buffers = (streams.packets.data, streams.held)
        wanted = (pieces[s.P_STREAM] == self._stream) & (pieces[s.P_KIND] <= s.Piece.GAP)
        for piece in pieces[:, wanted].T.tolist():
            start, length = piece[s.P_START], piece[s.P_LEN]
            gap = piece[s.P_KIND] == s.Piece.GAP
            data = b"" if gap else buffers[piece[s.P_BUFFER]][start:start + length].tobytes()
            yield Chunk(piece[s.P_DIRECTION], piece[s.P_STREAM_OFFSET], data, length if gap else 0, piece[s.P_ORIGIN],
                        piece[s.P_TS_NS])

    def _datagrams(self, packets: PacketBatch, streams: StreamBatch) -> Iterator[Chunk]:
        kinds = packets.table[c.KIND]
        for i in np.flatnonzero((streams.table[s.STREAM] == self._stream) & (kinds == c.Kind.UDP)).tolist():
            direction = int(streams.table[s.DIRECTION, i])
            number, ts_ns = int(packets.table[c.NUMBER, i]), int(packets.table[c.TS_NS, i])
            data = packets.payload(i)
            cut = int(packets.table[c.PAYLOAD_WIRE, i]) - len(data)
            if data:
                yield Chunk(direction, self._sent[direction], data, 0, number, ts_ns)
                self._sent[direction] += len(data)
            if cut > 0:
                yield Chunk(direction, self._sent[direction], b"", cut, number, ts_ns)
                self._sent[direction] += cut

    def _not_there(self) -> str:
        name = "TCP" if self._protocol == TCP else "UDP"
        if not self._known:
            return f"there is no {name} in this capture"
        last = f"its {name} streams are 0 to {self._known - 1}" if self._known > 1 else f"its only {name} stream is 0"
        return f"there is no {name} stream {self._stream} in this capture; {last}"
