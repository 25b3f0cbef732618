"""HTTP/1: the two readers of a connection, as stages. HttpRows writes rows; HttpMessages makes messages.

Their loops are compiled leaves (http1_rows.py, http1_messages.py); here is what those cannot do: grow their arrays, drop
what is kept for too many waiting messages (limits.WAITING_BYTES), and write notes.
"""

import re
from typing import TYPE_CHECKING

import numpy as np

from sniff import limits
from sniff.capture.raw import Bytes, view
from sniff.decode import http1_messages as messages
from sniff.decode import http1_rows as rows
from sniff.decode.columns import (
    BODY_COUNT,
    M_BODY_LEN,
    M_COUNT,
    M_EXPECTED,
    M_FIRST_PACKET,
    M_FLAGS,
    M_FRAMING,
    M_GAP_BYTES,
    M_HEAD_BUFFER,
    M_HEAD_KEPT,
    M_HEAD_START,
    M_IS_RESPONSE,
    M_LAST_PACKET,
    M_PREFIX_BUFFER,
    M_PREFIX_LEN,
    M_PREFIX_START,
    M_STATUS,
    M_STORE_OFFSET,
    METHODS,
    Framing,
    MessageFlag,
)
from sniff.decode.pool import Pool
from sniff.notes import Code, Notes
from sniff.packets.batch import Table
from sniff.packets.columns import PAYLOAD_LEN
from sniff.reassembly.batch import StreamBatch
from sniff.reassembly.columns import DIRECTION, P_DIRECTION, P_KIND, P_LEN, P_SLOT, SLOT, Piece
from sniff.shelf import Shelf

if TYPE_CHECKING:
    from sniff.decode.batch import AppBatch

NAMES: Bytes = np.frombuffer("".join(METHODS).encode(), np.uint8)
STARTS: Table = np.cumsum([0, *map(len, METHODS)], dtype=np.int64)


def grown(table: Table, count: int) -> Table:
    """The same rows and zeroed new ones, `count` in all."""
    more = np.zeros((count, *table.shape[1:]), np.int64)
    more[: len(table)] = table
    return more


def wider(table: Table, count: int) -> Table:
    """The same columns and zeroed new ones, `count` in all."""
    more = np.zeros((len(table), count), np.int64)
    more[:, :table.shape[1]] = table
    return more


class HttpRows:
    """Whose rows the TCP packets of each batch are, as far as HTTP has a say: fills the apps columns and the pool.

    chosen  few rows will be looked at: also say which messages they are about (`found` after each `read`), and leave the words
            of most for later (LateWords)
    heads   with it: also where all their heads lie (`heads` after each `read`)
    """

    def __init__(self, counters: limits.Counters, *, chosen: bool = False, heads: bool = False) -> None:
        self.counters = counters
        self._state: Table = np.zeros((64, rows.STATE_COLUMNS), np.int64)
        self._row_of: Table = np.full(1024, -1, np.int64)
        self._arena: Bytes = np.empty(1 << 20, np.uint8)
        self._ctl: Table = np.zeros(rows.CTL_COUNT, np.int64)
        self._reader = rows.Reader(view(np.frombuffer(rows.WORDS, np.uint8)), view(NAMES), view(STARTS),
                                   view(np.zeros(32, np.int64)), view(self._ctl))
        self._chosen = chosen
        self._ctl[rows.CTL_HEADS_WANTED] = 2 if heads else int(chosen)
        self._ctl[rows.CTL_LATE] = int(chosen)
        self._shelf = Shelf()
        self._found: Table = np.zeros((256 if chosen else 1, rows.HEAD_COUNT), np.int64)
        self._heads: Bytes = np.empty(1 << 16 if heads else 1, np.uint8)

    @property
    def found(self) -> Table:
        """int64[k, rows.HEAD_COUNT]: the messages that rows of the last batch are about, in order."""
        return self._found[:int(self._ctl[rows.CTL_HEADS_MADE])]

    @property
    def heads(self) -> Bytes:
        """uint8[h]: heads of such messages that came in several packets (HEAD_BUFFER 1)."""
        return self._heads[:int(self._ctl[rows.CTL_HEADS_USED])].copy()

    def read(self, streams: StreamBatch, apps: Table, pool: Pool) -> None:
        """Set `apps` for the packets of one batch; texts go to `pool`. Batches are to come in order."""
        packets = streams.packets
        ctl, at, count = self._ctl, 0, len(packets)
        pool.reserve(2 * rows.ROOM)
        ctl[rows.CTL_HEADS_MADE] = ctl[rows.CTL_HEADS_USED] = 0
        if self._chosen:        # those of earlier batches may still be looked at
            self._found = self._shelf.empty(self._found.shape)
        self._reader.bind_batch(view(packets.data), view(packets.table), view(streams.table), view(apps))
        while True:
            ctl[rows.CTL_POOL_USED] = pool.used
            self._reader.bind_memory(view(pool.data), view(self._arena), view(self._state), view(self._row_of))
            self._reader.bind_heads(view(self._found), view(self._heads))
            at = self._reader.read(at)
            pool.used = int(ctl[rows.CTL_POOL_USED])
            if at >= count:
                break
            match int(ctl[rows.CTL_STATUS]):
                case rows.NEED_POOL:
                    pool.reserve(max(2 * rows.ROOM, len(pool.data)))
                case rows.NEED_ARENA:
                    slot, direction = streams.table[[SLOT, DIRECTION], at].tolist()
                    waiting = self._state[self._row_of[slot], rows.LANE_BASE + direction * rows.LANE_SIZE + rows.LANE_PART + 1]
                    self._tidy(2 * rows.ROOM + 4 * int(packets.table[PAYLOAD_LEN, at] + waiting))
                case rows.NEED_ROWS:
                    self._state = grown(self._state, 2 * len(self._state))
                case rows.NEED_HEADS:
                    longest = int(packets.table[PAYLOAD_LEN].max())
                    self._found = grown(self._found, 2 * len(self._found) + longest // 8)
                    self._heads = np.concatenate([self._heads, np.empty(len(self._heads) + 2 * longest, np.uint8)])
                case _:
                    self._row_of = more_slots(self._row_of, int(streams.table[SLOT].max()) + 1)

    def _tidy(self, room: int) -> None:
        """Make at least `room` bytes of the arena free: drop what no waiting message refers to, then the longest waiting."""
        used = int(self._ctl[rows.CTL_ROWS_USED])
        lanes = self._state[:used, rows.LANE_BASE:].reshape(2 * used, rows.LANE_SIZE)
        waiting = np.flatnonzero(lanes[:, rows.LANE_PHASE])
        waiting = waiting[np.argsort(lanes[waiting, rows.LANE_TOUCHED], kind="stable")[::-1]]
        pairs = (rows.LANE_LINE, rows.LANE_MEDIA, rows.LANE_PART, rows.LANE_KEPT)
        sizes = np.zeros(len(waiting), np.int64)
        for pair in pairs:
            sizes += np.maximum(lanes[waiting, pair + 1], 0)
        kept = int(np.searchsorted(np.cumsum(sizes), limits.WAITING_BYTES, side="right"))
        state = self._state
        for lane in waiting[kept:].tolist():
            state[lane // 2, rows.LANE_BASE + (lane % 2) * rows.LANE_SIZE + rows.LANE_PHASE] = 0
            self.counters.rows_given_up += 1
        arena = np.empty(max(len(self._arena), 1 << (2 * (int(sizes[:kept].sum()) + room) - 1).bit_length()), np.uint8)
        at = 0
        for lane in waiting[:kept].tolist():
            base = rows.LANE_BASE + (lane % 2) * rows.LANE_SIZE
            for pair in pairs:
                start, length = int(state[lane // 2, base + pair]), max(int(state[lane // 2, base + pair + 1]), 0)
                arena[at:at + length] = self._arena[start:start + length]
                state[lane // 2, base + pair] = at
                at += length
                if pair == rows.LANE_PART:
                    state[lane // 2, base + rows.LANE_PART_END] = at
        self._arena = arena
        self._ctl[rows.CTL_ARENA_USED] = at


class LateWords:
    """Makes the words that HttpRows(chosen=True) left for later. It may work on a batch while HttpRows reads the next one."""

    def __init__(self) -> None:
        self._ctl: Table = np.zeros(rows.CTL_COUNT, np.int64)
        self._reader = rows.Reader(view(np.frombuffer(rows.WORDS, np.uint8)), view(NAMES), view(STARTS),
                                   view(np.zeros(32, np.int64)), view(self._ctl))

    def write(self, apps: "AppBatch", packets: Table, pool: Pool) -> None:
        """Make the words of these packets; texts go to the `pool` of the batch. Rows of HTTP/JSON get their Protocol cell with them.

        packets  int64[k]  indexes
        """
        if not len(apps.row_messages):
            return
        ctl, at, streams = self._ctl, 0, apps.streams
        reader, nothing = self._reader, np.zeros((1, 1), np.int64)
        pool.reserve(2 * rows.ROOM)
        ctl[rows.CTL_POOL_USED] = pool.used
        reader.bind_batch(view(streams.packets.data), view(streams.packets.table), view(streams.table), view(apps.apps))
        reader.bind_heads(view(apps.row_messages), view(apps.row_heads))
        while True:
            reader.bind_memory(view(pool.data), view(apps.row_heads), view(nothing), view(nothing[0]))
            at = reader.write_late(view(packets), at)
            pool.used = int(ctl[rows.CTL_POOL_USED])
            if at >= len(packets):
                break
            pool.reserve(max(2 * rows.ROOM, len(pool.data)))


def more_slots(row_of: Table, slots: int) -> Table:
    """The same map with room for `slots` slots and some more; new ones are -1."""
    return np.concatenate([row_of, np.full(max(len(row_of), slots - len(row_of)), -1, np.int64)])


FLAG_NOTES = (
    (MessageFlag.AMBIGUOUS, Code.HTTP_AMBIGUOUS_FRAMING, "two implementations could read its framing differently"),
    (MessageFlag.MALFORMED, Code.HTTP_MALFORMED, ""),
    (MessageFlag.BARE_LF, Code.HTTP_BARE_LF, "lines end in LF without CR"),
    (MessageFlag.OBS_FOLD, Code.HTTP_OBS_FOLD, "a folded field line"),
    (MessageFlag.CUT_HEAD, Code.HTTP_HEAD_CUT, "the head is longer than what is kept"),
    (MessageFlag.RESYNC, Code.HTTP_RESYNC, "found again after a gap: pairing is inferred"),
)


_STATUS_LINE = re.compile(rb"HTTP/\d\.\d +(\d{3})[ \r\n]", re.IGNORECASE)


class HttpMessages:
    """The HTTP messages that end in each batch, made from stream pieces.

    bodies  also say where the bytes of bodies are, while they arrive (`begun`, `parts` after each `read`)
    """

    def __init__(self, notes: Notes, counters: limits.Counters, *, bodies: bool = False) -> None:
        self.notes = notes
        self.counters = counters
        self._state: Table = np.zeros((64, messages.STATE_COLUMNS), np.int64)
        self._row_of: Table = np.full(1024, -1, np.int64)
        self._free: Table = np.zeros(64, np.int64)
        self._touched: Table = np.zeros(1024, np.int64)
        self._arena: Bytes = np.empty(1 << 20, np.uint8)
        self._messages: Table = np.zeros((M_COUNT, 1024), np.int64)
        self._ctl: Table = np.zeros(messages.CTL_COUNT, np.int64)
        self._ctl[messages.CTL_BODIES] = int(bodies)
        self._facts: Table = np.zeros(32, np.int64)
        self._begun: Table = np.zeros((M_COUNT, 1024 if bodies else 1), np.int64)
        self._parts: Table = np.zeros((BODY_COUNT, 16_384 if bodies else 1), np.int64)

    @property
    def begun(self) -> Table:
        """int64[M_COUNT, b]: AppBatch.begun of the last batch."""
        return self._begun[:, :int(self._ctl[messages.CTL_BEGUN])].copy()

    @property
    def parts(self) -> Table:
        """int64[BODY_COUNT, p]: AppBatch.bodies of the last batch."""
        return self._parts[:, :int(self._ctl[messages.CTL_PARTS])].copy()

    def read(self, streams: StreamBatch) -> tuple[Table, Bytes]:
        """(int64[M_COUNT, k], uint8[h]): the messages that ended in this batch, and the bytes they refer to (buffer 1).

        Batches are to come in order. Strange messages are noted.
        """
        packets, pieces = streams.packets, np.ascontiguousarray(streams.pieces)
        ctl, at, count = self._ctl, 0, pieces.shape[1]
        if len(self._touched) < count + 1:
            self._touched = np.zeros(2 * count + 1, np.int64)
        if ctl[messages.CTL_ARENA_USED] > len(self._arena) // 2:
            self._tidy(0)
        ctl[messages.CTL_MADE] = ctl[messages.CTL_BEGUN] = ctl[messages.CTL_PARTS] = 0
        while True:
            at = messages.read_pieces(at, view(packets.data), view(streams.held), view(packets.table), view(pieces),
                                      view(self._arena), view(self._state), view(self._row_of), view(self._free),
                                      view(self._touched), view(self._messages), view(self._begun), view(self._parts),
                                      view(NAMES), view(STARTS), view(self._facts), view(ctl))
            if at >= count:
                break
            match int(ctl[messages.CTL_STATUS]):
                case messages.NEED_ARENA:
                    row = self._row_of[pieces[P_SLOT, at]]
                    waiting = self._state[row, messages.LANE_BASE + pieces[P_DIRECTION, at] * messages.LANE_SIZE + messages.LANE_PART + 1]
                    length = pieces[P_LEN, at] if pieces[P_KIND, at] == Piece.DATA else 0
                    self._more_arena(messages.ROOM + int(2 * waiting + 3 * length) + 65_536)
                case messages.NEED_ROWS:
                    self._state = grown(self._state, 2 * len(self._state))
                    self._free = grown(self._free, 2 * len(self._free))
                case messages.NEED_SLOTS:
                    self._row_of = more_slots(self._row_of, int(pieces[P_SLOT].max()) + 1)
                case messages.NEED_MESSAGES:
                    self._messages = wider(self._messages, 2 * self._messages.shape[1] + 65_536)
                case messages.NEED_BODIES:
                    room = int(pieces[P_LEN, at])
                    self._begun = wider(self._begun, 2 * self._begun.shape[1] + room // 8 + 4)
                    self._parts = wider(self._parts, 2 * self._parts.shape[1] + room // 2 + 8)
                case _:
                    self._settle(streams)
        self._settle(streams)
        made = int(ctl[messages.CTL_MADE])
        ended = self._messages[:, :made].copy()
        self._read_statuses(ended)
        self._note(ended)
        heads = np.empty(0, np.uint8)
        if (made and ended[(M_HEAD_BUFFER, M_PREFIX_BUFFER), :].any()) or ctl[messages.CTL_BEGUN]:
            heads = self._arena[: int(ctl[messages.CTL_ARENA_USED])].copy()
        return ended, heads

    def _settle(self, streams: StreamBatch) -> None:
        """Make open messages independent of the bytes of this batch."""
        ctl = self._ctl
        lanes = np.unique(self._touched[: int(ctl[messages.CTL_TOUCHED])])
        if not len(lanes):
            return
        need = len(lanes) * (limits.BODY_PREFIX + 64) + self._open_heads(lanes)
        if len(self._arena) - ctl[messages.CTL_ARENA_USED] < need:
            self._more_arena(need)
        ctl[messages.CTL_TOUCHED] = len(lanes)
        messages.settle_all(view(streams.packets.data), view(self._arena), view(self._state), view(lanes), view(ctl))

    def _open_heads(self, lanes: Table) -> int:
        """Bytes of the heads of the open messages of these lanes."""
        base = messages.LANE_BASE + (lanes & 1) * messages.LANE_SIZE
        return int(self._state[lanes >> 1, base + messages.LANE_MESSAGE + M_HEAD_KEPT].sum())

    def _more_arena(self, room: int) -> None:
        """A larger arena with the same contents: messages of this batch refer to it."""
        used = int(self._ctl[messages.CTL_ARENA_USED])
        arena = np.empty(1 << (2 * len(self._arena) + room - 1).bit_length(), np.uint8)
        arena[:used] = self._arena[:used]
        self._arena = arena

    def _tidy(self, room: int) -> None:
        """Between batches: keep only what open messages refer to, and of that no more than limits.WAITING_BYTES."""
        state, used = self._state, int(self._ctl[messages.CTL_ROWS_USED])
        regions: list[tuple[int, int, int, int]] = []       # (when begun, row, base, size)
        for direction in (0, 1):
            base = messages.LANE_BASE + direction * messages.LANE_SIZE
            message = base + messages.LANE_MESSAGE
            for row in np.flatnonzero(state[:used, base + messages.LANE_OPEN]).tolist():
                size = int(state[row, base + messages.LANE_PART + 1] + state[row, message + M_HEAD_KEPT]
                           + state[row, message + M_PREFIX_LEN])
                regions.append((int(state[row, message + M_FIRST_PACKET]), row, base, size))
        regions.sort(reverse=True)
        kept = min(sum(size for *_, size in regions), limits.WAITING_BYTES)
        arena = np.empty(max(1 << 20, 1 << (2 * kept + 1).bit_length()), np.uint8)
        at = 0
        for _, row, base, size in regions:
            if at + size > limits.WAITING_BYTES:
                state[row, base + messages.LANE_OPEN] = 0
                state[row, base + messages.LANE_PHASE] = messages.PHASE_LOST
                self.counters.heads_cut += 1
                continue
            message = base + messages.LANE_MESSAGE
            in_head = state[row, base + messages.LANE_PHASE] == messages.PHASE_HEAD
            part = (base + messages.LANE_PART, base + messages.LANE_PART + 1)
            pairs = [(message + M_HEAD_START, message + M_HEAD_KEPT), (message + M_PREFIX_START, message + M_PREFIX_LEN)]
            for start_at, length_at in [part] if in_head else pairs:
                start, length = int(state[row, start_at]), int(state[row, length_at])
                arena[at:at + length] = self._arena[start:start + length]
                state[row, start_at] = at
                at += length
            state[row, base + messages.LANE_PART_END] = at
        self._arena = arena
        self._ctl[messages.CTL_ARENA_USED] = at

    def _read_statuses(self, ended: Table) -> None:
        """Responses whose heads broke off still have a status, when their first line was whole."""
        unread = (ended[M_IS_RESPONSE] == 1) & (ended[M_STATUS] == 0) & (ended[M_HEAD_KEPT] > 0) & (ended[M_HEAD_BUFFER] == 1) \
            & (ended[M_FLAGS] & int(MessageFlag.COMPLETE) == 0)
        for index in np.flatnonzero(unread).tolist():
            start = int(ended[M_HEAD_START, index])
            line = self._arena[start:start + min(int(ended[M_HEAD_KEPT, index]), 64)].tobytes()
            found = _STATUS_LINE.match(line)
            if found:
                ended[M_STATUS, index] = int(found[1])

    def _note(self, ended: Table) -> None:
        """Write down what is strange about the messages of one batch."""
        flags = ended[M_FLAGS]
        odd = flags & ~int(MessageFlag.COMPLETE | MessageFlag.KEEP_ALIVE | MessageFlag.STILL_RUNNING)
        for index in np.flatnonzero(odd).tolist():
            bits, packet = int(flags[index]), int(ended[M_LAST_PACKET, index])
            offset = int(ended[M_STORE_OFFSET, index])
            for flag, code, detail in FLAG_NOTES:
                if bits & flag:
                    self.notes.add(code, packet, offset, detail=detail)
            if bits & MessageFlag.GAP:
                self.notes.add(Code.HTTP_BODY_GAP, packet, offset, had=int(ended[M_GAP_BYTES, index]), detail="bytes of it are missing")
            if bits & MessageFlag.ABORTED and ended[M_FRAMING, index] != Framing.NONE:
                self.notes.add(Code.HTTP_BODY_SHORT, packet, offset, int(ended[M_EXPECTED, index]), int(ended[M_BODY_LEN, index]),
                               "the connection ended first")
