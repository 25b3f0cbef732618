"""Turns the bytes of one store into batches: a window that slides over the store, and the loop that walks it."""

import time
from collections.abc import Iterator
from enum import Enum, auto

import numpy as np

from sniff import limits
from sniff.capture import scan
from sniff.capture.damage import Damage
from sniff.capture.raw import Bytes, Interface, Ints, RawBatch
from sniff.capture.store import NOTHING_YET, Store
from sniff.notes import Code, Notes
from sniff.shelf import Shelf

_STEP = 1 << 20
"""Bytes read at once: few enough that they are still in the cache when they are walked."""

_QUIET_S = 0.005
"""A live batch is handed on when nothing more came for this long, and after limits.BATCH_WAIT_NS in any case."""

_BACKWARDS_NOTES = 1_000
"""Packets older than the one in front of them that get a row in the notes table; the rest is counted."""


class NeedMore(Exception):
    """A header is not whole: `needed` bytes from its start are."""

    def __init__(self, needed: int) -> None:
        super().__init__(needed)
        self.needed = needed


class Broken(Exception):
    """A block that Python looked at makes no sense; `fault` is one of those in scan.py."""

    def __init__(self, fault: int, claimed: int = -1) -> None:
        super().__init__(fault)
        self.fault = fault
        self.claimed = claimed


class Window:
    """A part of the store in memory. Bytes that were handed on are never moved or written over: a new buffer follows.

    data      uint8[m]  the buffer; data[position:end] is not used up yet
    base      offset of data[0] in the store
    low       index that is 0 for the batch being made
    at_end    the store has no more than this
    state     int64[scan.STATE]  where the last walk stopped and why
    """

    def __init__(self, store: Store, capacity: int) -> None:
        self.store = store
        self.capacity = capacity
        self._shelf = Shelf()
        self.data: Bytes = np.empty(capacity, np.uint8)
        self.position = self.end = self.low = 0
        self.base = 0
        self.at_end = False
        self.state: Ints = np.zeros(scan.STATE, np.int64)

    @property
    def full(self) -> bool:
        """Whether more bytes only fit in a new buffer."""
        return self.end >= len(self.data)

    @property
    def offset(self) -> int:
        """Where `position` stands in the store."""
        return self.base + self.position

    def grow(self, needed: int) -> int:
        """Bytes added at the end; 0 and `at_end` when there are no more, NOTHING_YET when there are none for now.

        needed  bytes wanted from `position` on; only a hint, so that a long record does not take many steps
        """
        if self.full:
            self._renew(needed)
        got = self.store.fill(self.data[self.end:self.end + _STEP].data)
        if got > 0:
            self.end += got
        elif got == 0:
            self.at_end = True
        return got

    def _renew(self, needed: int) -> None:
        rest = self.data[self.position:self.end]
        # Doubling keeps the copies linear; a length that only a header claims never decides how much is allocated.
        data: Bytes = self._shelf.empty(max(self.capacity, min(needed + self.capacity, 2 * len(rest))), np.uint8)
        data[:len(rest)] = rest
        self.base += self.position
        self.data, self.position, self.end, self.low = data, 0, len(rest), 0

    def peek(self, length: int) -> bytes:
        """Up to `length` bytes from `position` on."""
        return self.data[self.position:min(self.position + length, self.end)].tobytes()

    def head(self, length: int) -> bytes:
        """The next `length` bytes; waits for them; fewer when the store ends before."""
        while self.end - self.position < length and not self.at_end:
            if self.grow(length) == NOTHING_YET:
                self.store.wait(1.0)
        return self.peek(length)


class Format:
    """What a file format knows: how to walk its records, and how to find one again after damage.

    name        as `sniff info` prints it
    magic       the first bytes of the file
    header_len  bytes in front of the first record
    interfaces  grows as they are described
    """

    name = ""
    magic = b""
    header_len = 0
    interfaces: list[Interface]

    @property
    def skipped(self) -> int:
        """Blocks of types that nobody knows, so far."""
        return 0

    def walk(self, window: Window, table: Ints, count: int) -> int:
        """Add the packets from window.position on to the table; how many it holds. Writes window.state."""
        raise NotImplementedError

    def block(self, window: Window) -> None:
        """Look at the block at window.position and step over it. Raises NeedMore or Broken."""
        raise NotImplementedError

    def find(self, window: Window, last_ns: int) -> None:
        """Look for a record from window.position on. Writes window.state: FOUND, or MORE and where to go on.

        last_ns  time of the last good packet, negative when there is none
        """
        raise NotImplementedError

    def comments(self, window: Window, table: Ints, count: int) -> dict[int, list[str]]:
        """Comments of the packets in the table."""
        return {}


class _Next(Enum):
    """What to do when the bytes at hand are used up."""

    WALK = auto()
    HAND_ON = auto()
    END = auto()


class Reader:
    """One input file: RawBatches in file order, numbered from 1, and what was wrong with it.

    packets   handed on so far
    backwards packets whose time is before that of the packet in front of them
    """

    def __init__(self, store: Store, window: Window, form: Format, index: int, notes: Notes) -> None:
        self.store = store
        self.form = form
        self.index = index
        self.packets = 0
        self.backwards = 0
        self.damage = Damage(store.name, notes)
        self._notes = notes
        self._window = window
        # A record takes at least 16 bytes: a small buffer, of a small file or of one of many, needs no large table.
        room = min(limits.BATCH_PACKETS, window.capacity // 16 + 1)
        self._shelf = Shelf()
        self._table: Ints = self._shelf.empty((scan.ROWS, room))
        self._count = 0
        self._since = 0.0           # when the first bytes of this batch came; 0.0: none yet
        self._last_ns: int | None = None        # time of the last packet handed on that has one
        self._hole = -1             # offset of the damage behind which a record is being looked for; -1: none
        self._hole_why = (0, 0)

    def __iter__(self) -> Iterator[RawBatch]:
        window = self._window
        window.position += self.form.header_len
        window.low = window.position
        while True:
            why, needed = self._advance()
            step = _Next.HAND_ON if why == scan.FULL else self._more(needed)
            if step is _Next.WALK:
                continue
            if step is _Next.END and window.position < window.end and self._hole < 0 and self._look_behind(needed):
                continue
            if step is _Next.END:
                self._ended(needed)
            if self._count:
                yield self._batch()
            window.low = window.position
            if step is _Next.END:
                return

    def _advance(self) -> tuple[int, int]:
        """Walk until the table is FULL or MORE bytes are needed: that, and how many from window.position on."""
        window, form, state = self._window, self.form, self._window.state
        while True:
            if self._hole >= 0:
                form.find(window, self._last_good())
            else:
                self._count = form.walk(window, self._table, self._count)
            window.position = int(state[scan.POSITION])
            why, needed = int(state[scan.WHY]), int(state[scan.NEEDED])
            if why == scan.FOUND:
                self._close_hole(window.offset)
            elif why == scan.BLOCK:
                try:
                    form.block(window)
                except NeedMore as more:
                    return scan.MORE, more.needed
                except Broken as broken:
                    self._open_hole(broken.fault, broken.claimed)
            elif why == scan.DAMAGED:
                self._open_hole(int(state[scan.FAULT]), needed)
            else:
                return why, needed

    def _more(self, needed: int) -> _Next:
        """Get more bytes, unless the batch has to be handed on first."""
        window = self._window
        if window.at_end:
            return _Next.END
        if self._count and (window.full or self._is_old()):
            return _Next.HAND_ON
        if window.grow(needed) != NOTHING_YET:
            if self.store.live:
                self._since = self._since or time.monotonic()
            return _Next.WALK
        if self._count:
            return _Next.WALK if self.store.wait(_QUIET_S) else _Next.HAND_ON
        self.store.wait(1.0)
        self._since = 0.0
        return _Next.WALK

    def _is_old(self) -> bool:
        if not self.store.live:
            return False
        now = time.monotonic()
        self._since = self._since or now
        return now - self._since > limits.BATCH_WAIT_NS / 1e9

    def _batch(self) -> RawBatch:
        window, count = self._window, self._count
        table = self._table
        if count < table.shape[1] // 2:
            columns = table[:, :count].copy()      # a small batch must not hold on to a large table
        else:
            columns = table[:, :count]
            self._table = self._shelf.empty(table.shape)
        batch = RawBatch(
            window.data[window.low:window.position], self.packets + 1, columns[scan.START], columns[scan.CAPLEN],
            columns[scan.WIRELEN], columns[scan.TS_NS], columns[scan.INTERFACE], columns[scan.LINK_TYPE],
            columns[scan.OFFSET], columns[scan.SOURCE], self.form.comments(window, columns, count))
        self._note_times(batch)
        self.packets += count
        self._count, self._since = 0, 0.0
        return batch

    def _note_times(self, batch: RawBatch) -> None:
        """Notes for packets that are older than the one in front of them."""
        decimals = np.array([interface.decimals for interface in self.form.interfaces], np.int64)
        timed = np.arange(len(batch)) if (decimals >= 0).all() else np.flatnonzero(decimals[batch.interface] >= 0)
        times = batch.ts_ns[timed]
        if not len(times):
            return
        before = times[0] if self._last_ns is None else self._last_ns
        early = np.flatnonzero(times < np.concatenate([[before], times[:-1]]))
        for index in early[:max(0, _BACKWARDS_NOTES - self.backwards)].tolist():
            packet = int(timed[index])
            step = int(times[index]) - int(times[index - 1] if index else before)
            self._notes.add(Code.TIME_BACKWARDS, batch.first_number + packet, int(batch.offset[packet]), had=-step,
                            detail="nanoseconds")
        self.backwards += len(early)
        if self.backwards > _BACKWARDS_NOTES:
            self._notes.counts[Code.TIME_BACKWARDS] += min(len(early), self.backwards - _BACKWARDS_NOTES)
        self._last_ns = int(times[-1])

    # --- damage ------------------------------------------------------------------------------------------------------

    def _last_good(self) -> int:
        if self._count:
            return int(self._table[scan.TS_NS, self._count - 1])
        return -1 if self._last_ns is None else self._last_ns

    def _open_hole(self, fault: int, claimed: int) -> None:
        self._hole = self._window.offset
        self._hole_why = (fault, claimed)
        self._window.position += 1

    def _close_hole(self, offset: int) -> None:
        fault, claimed = self._hole_why
        self.damage.hole(self._hole, offset, claimed, fault, self.packets + self._count)
        self._hole = -1

    def _look_behind(self, needed: int) -> bool:
        """A record ends behind the file: was the file cut, or is only its length wrong? True: others follow."""
        window = self._window
        position = window.position
        window.position += 1
        self.form.find(window, self._last_good())
        if int(window.state[scan.WHY]) != scan.FOUND:
            window.position = position
            return False
        self._hole, self._hole_why = window.base + position, (scan.BEYOND_END, needed)
        window.position = int(window.state[scan.POSITION])
        self._close_hole(window.offset)
        return True

    def _ended(self, needed: int) -> None:
        window = self._window
        rest = window.end - window.position
        if self._hole >= 0:
            self._close_hole(window.base + window.end)
        elif rest:
            self.damage.cut_off(window.offset, needed, rest, self.packets + self._count + 1)
        window.position = window.end
        if self.form.skipped:
            self._notes.add(Code.BLOCK_SKIPPED, had=self.form.skipped, detail="blocks of types that nobody knows")
        words = self.store.broken
        if words:
            self.damage.store(words)
