"""What went wrong on a connection, and when: segments sent again and windows closed."""

from collections import deque
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sniff import limits
from sniff.packets import columns as c
from sniff.packets.batch import Table
from sniff.reassembly import columns as s
from sniff.reassembly.batch import StreamBatch
from sniff.reassembly.columns import Tag

_RETRANSMISSION = int(Tag.RETRANSMISSION | Tag.FAST_RETRANSMISSION | Tag.SPURIOUS_RETRANSMISSION)
_STALL = int(Tag.ZERO_WINDOW | Tag.WINDOW_FULL)


class Kind(IntEnum):
    """What happened."""

    RETRANSMISSION = 0
    STALL = 1


class Event(NamedTuple):
    """One packet that shows trouble. direction is that of the packet: 0 from the client, 1 from the server."""

    ts_ns: int
    packet: int
    kind: Kind
    direction: int


class Events:
    """The events of the last batches, by stream. At most limits.EVENTS: the oldest batch is forgotten first."""

    def __init__(self) -> None:
        self._chunks: deque[tuple[int, Table]] = deque()  # last time, and rows stream, time, packet, kind, direction
        self._count = 0

    def __bool__(self) -> bool:
        return bool(self._chunks)

    def add(self, streams: StreamBatch) -> None:
        """Take the marks of sequence analysis of one batch."""
        tags = streams.table[s.TAGS]
        marked = np.flatnonzero(tags & (_RETRANSMISSION | _STALL))
        if not len(marked):
            return
        packets = streams.packets.table
        chunk = np.stack([streams.table[s.STREAM, marked], packets[c.TS_NS, marked], packets[c.NUMBER, marked],
                          (tags[marked] & _RETRANSMISSION == 0).astype(np.int64), streams.table[s.DIRECTION, marked]])
        self._chunks.append((int(packets[c.TS_NS].max()), chunk[:, np.lexsort((chunk[1], chunk[0]))]))
        self._count += len(marked)
        while self._count > limits.EVENTS and len(self._chunks) > 1:
            self._count -= self._chunks.popleft()[1].shape[1]

    def touch(self, streams: Table, first_ns: Table) -> NDArray[np.bool_]:
        """bool[n]: which streams had events since a time; others need not be asked about one by one.

        streams, first_ns  int64[n]
        """
        found = np.zeros(len(streams), np.bool_)
        active = np.arange(len(streams))
        for last, chunk in reversed(self._chunks):
            active = active[first_ns[active] <= last]
            if not len(active):
                break
            wanted = streams[active]
            place = np.minimum(np.searchsorted(chunk[0], wanted), chunk.shape[1] - 1)
            found[active[chunk[0, place] == wanted]] = True
        return found

    def between(self, stream: int, first_ns: int, last_ns: int) -> tuple[Event, ...]:
        """The events of a stream in a span of time, both ends included."""
        found: list[Event] = []
        for last, chunk in reversed(self._chunks):
            if last < first_ns:
                break
            begin, end = np.searchsorted(chunk[0], [stream, stream + 1])
            if begin < end:
                found.extend(Event(ts_ns, packet, Kind(kind), direction)
                             for ts_ns, packet, kind, direction in chunk[1:, begin:end].T.tolist()
                             if first_ns <= ts_ns <= last_ns)
        return tuple(sorted(found))
