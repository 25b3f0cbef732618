"""HTTP/1: the two readers of a connection, as stages. HttpRows writes rows; HttpMessages (below) makes messages.

The loops are compiled leaves (http1_rows.py, http1_messages.py); here is what they cannot do: grow their arrays, and drop
what is kept for too many waiting messages (limits.WAITING_BYTES).
"""

import numpy as np

from sniff import limits
from sniff.capture.raw import Bytes
from sniff.decode import http1_rows as rows
from sniff.decode.columns import METHODS
from sniff.decode.pool import Pool
from sniff.packets.batch import Table
from sniff.reassembly.batch import StreamBatch
from sniff.reassembly.columns import SLOT

NAMES: Bytes = np.frombuffer("".join(METHODS).encode(), np.uint8)
STARTS: Table = np.cumsum([0, *map(len, METHODS)], dtype=np.int64)


class HttpRows:
    """Whose rows the TCP packets of each batch are, as far as HTTP has a say: fills the apps columns and the pool."""

    def __init__(self, counters: limits.Counters) -> None:
        self.counters = counters
        self._state: Table = np.zeros((64, rows.STATE_COLUMNS), np.int64)
        self._row_of: Table = np.full(1024, -1, np.int64)
        self._arena: Bytes = np.empty(1 << 20, np.uint8)
        self._ctl: Table = np.zeros(rows.CTL_COUNT + 1, np.int64)
        self._facts: Table = np.zeros(32, np.int64)
        self._words: Bytes = np.frombuffer(rows.WORDS, np.uint8)

    def read(self, streams: StreamBatch, apps: Table, pool: Pool) -> None:
        """Set `apps` for the packets of one batch; texts go to `pool`. Batches are to come in order."""
        packets = streams.packets
        ctl, at, count = self._ctl, 0, len(packets)
        pool.reserve(2 * rows.ROOM)
        while True:
            ctl[rows.CTL_POOL_USED] = pool.used
            at = rows.read_rows(at, packets.data, packets.table, streams.table, apps, pool.data, self._arena, self._state,
                                self._row_of, self._words, NAMES, STARTS, self._facts, ctl)
            pool.used = int(ctl[rows.CTL_POOL_USED])
            if at >= count:
                break
            match int(ctl[rows.CTL_STATUS]):
                case rows.NEED_POOL:
                    pool.reserve(max(2 * rows.ROOM, len(pool.data)))
                case rows.NEED_ARENA:
                    self._tidy(2 * rows.ROOM + limits.HEAD_BYTES + limits.BATCH_BYTES // 8)
                case rows.NEED_ROWS:
                    self._state = _grown(self._state, 2 * len(self._state))
                case _:
                    slots = int(streams.table[SLOT].max()) + 1
                    more = np.full(max(len(self._row_of), slots - len(self._row_of)), -1, np.int64)
                    self._row_of = np.concatenate([self._row_of, more])

    def _tidy(self, room: int) -> None:
        """Make at least `room` bytes of the arena free: drop what no waiting message refers to, then the longest waiting."""
        used = int(self._ctl[rows.CTL_ROWS_USED])
        lanes = self._state[:used, rows.LANE_BASE:].reshape(2 * used, rows.LANE_SIZE)
        waiting = np.flatnonzero(lanes[:, rows.LANE_PHASE])
        waiting = waiting[np.argsort(lanes[waiting, rows.LANE_TOUCHED], kind="stable")[::-1]]
        pairs = (rows.LANE_LINE, rows.LANE_MEDIA, rows.LANE_PART)
        sizes = sum(np.maximum(lanes[waiting, pair + 1], 0) for pair in pairs) if len(waiting) else np.zeros(0, np.int64)
        kept = int(np.searchsorted(np.cumsum(sizes), limits.WAITING_BYTES, side="right"))
        for lane in waiting[kept:]:
            lanes[lane, rows.LANE_PHASE] = 0
            self.counters.rows_given_up += 1
        need = int(np.sum(sizes[:kept])) + room
        arena = np.empty(max(len(self._arena), 1 << (2 * need - 1).bit_length()), np.uint8)
        at = 0
        for lane in waiting[:kept]:
            for pair in pairs:
                start, length = int(lanes[lane, pair]), max(int(lanes[lane, pair + 1]), 0)
                arena[at:at + length] = self._arena[start:start + length]
                lanes[lane, pair] = at
                at += length
        self._arena = arena
        self._ctl[rows.CTL_ARENA_USED] = at


def _grown(table: Table, count: int) -> Table:
    """The same rows and zeroed new ones, `count` in all."""
    more = np.zeros((count, table.shape[1]), np.int64)
    more[: len(table)] = table
    return more
