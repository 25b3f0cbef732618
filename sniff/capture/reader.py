"""Turns the bytes of one store into batches: a window that slides over the store, and the loop that walks it."""

import time
from collections.abc import Iterator

import numpy as np

from sniff import limits
from sniff.capture import scan
from sniff.capture.raw import Bytes, Ints, Interface, RawBatch
from sniff.capture.store import NOTHING_YET, Store
from sniff.errors import InputError
from sniff.notes import Code, Notes

_QUIET_S = 0.005
"""A live batch is handed on when nothing more came for this long."""


class NeedMore(Exception):
    """A header is not whole: `needed` bytes from its start are."""

    def __init__(self, needed: int) -> None:
        super().__init__(needed)
        self.needed = needed


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
        self.data: Bytes = np.empty(capacity, np.uint8)
        self.position = self.end = self.low = 0
        self.base = 0
        self.at_end = False
        self.state = np.zeros(scan.STATE, np.int64)

    @property
    def full(self) -> bool:
        """Whether more bytes only fit in a new buffer."""
        return self.end >= len(self.data)

    def grow(self, needed: int) -> int:
        """Bytes added at the end; 0 and `at_end` when there are no more, NOTHING_YET when there are none for now.

        needed  bytes wanted from `position` on; only a hint, so that a long record does not take many steps
        """
        if self.full:
            self._renew(needed)
        got = self.store.fill(memoryview(self.data)[self.end:])
        if got > 0:
            self.end += got
        elif got == 0:
            self.at_end = True
        return got

    def _renew(self, needed: int) -> None:
        rest = self.data[self.position:self.end]
        # Doubling keeps the copies linear; a length that only a header claims never decides how much is allocated.
        capacity = max(self.capacity, min(needed + self.capacity, 2 * len(rest)))
        data: Bytes = np.empty(capacity, np.uint8)
        data[:len(rest)] = rest
        self.base += self.position
        self.data, self.position, self.end, self.low = data, 0, len(rest), 0

    def bytes(self, length: int) -> bytes:
        """Up to `length` bytes from `position` on."""
        return self.data[self.position:min(self.position + length, self.end)].tobytes()

    @property
    def offset(self) -> int:
        """Where `position` stands in the store."""
        return self.base + self.position


class Format:
    """What a file format knows: how to walk its records, and how to find one again after damage."""

    name = ""
    header_len = 0
    interfaces: list[Interface]

    def walk(self, window: Window, table: Ints, count: int) -> int:
        """Add the packets from window.position on to the table; how many it holds. Writes window.state."""
        raise NotImplementedError

    def block(self, window: Window) -> None:
        """Look at the block at window.position and step over it. Raises NeedMore."""
        raise NotImplementedError

    def find(self, window: Window) -> bool:
        """Move window.position to the next thing that looks like a record; False: to where to go on with more bytes."""
        raise NotImplementedError

    def comments(self, window: Window, table: Ints, count: int) -> dict[int, list[str]]:
        """Comments of the packets in the table."""
        return {}


class Reader:
    """One input file: RawBatches in file order, numbered from 1, and what was wrong with it."""

    def __init__(self, store: Store, window: Window, form: Format, index: int, notes: Notes) -> None:
        self.store = store
        self.form = form
        self.index = index
        self.notes = notes
        self.packets = 0
        self.lost_bytes = 0
        self.damages = 0
        self.damage: str | None = None
        self._window = window

    def __iter__(self) -> Iterator[RawBatch]:
        window, form = self._window, self.form
        state = window.state
        table: Ints = np.empty((scan.ROWS, limits.BATCH_PACKETS), np.int64)
        count = 0
        first_at = 0.0
        lost_from = -1
        window.low = window.position
        while True:
            if lost_from < 0:
                count = form.walk(window, table, count)
                window.position, why, needed = int(state[scan.POSITION]), int(state[scan.WHY]), int(state[scan.NEEDED])
            elif form.find(window):
                self._lost(lost_from, window.offset)
                lost_from = -1
                continue
            else:
                why, needed = scan.MORE, 0
            if why == scan.BLOCK:
                try:
                    form.block(window)
                    continue
                except NeedMore as more:
                    why, needed = scan.MORE, more.needed
            if why == scan.DAMAGED:
                lost_from = window.offset
                self._damaged(lost_from, needed, int(state[scan.FAULT]))
                window.position += 1
                continue
            if why == scan.MORE and not window.at_end:
                if not (window.full and count):
                    got = window.grow(needed)
                    if got != NOTHING_YET:
                        if first_at == 0.0:
                            first_at = time.monotonic()
                        if not (count and self.store.live and time.monotonic() - first_at > limits.BATCH_WAIT_NS / 1e9):
                            continue
                    elif not count:
                        self.store.wait(1.0)
                        first_at = 0.0
                        continue
                    else:
                        self.store.wait(_QUIET_S)
                        got = window.grow(needed) if not window.full else NOTHING_YET
                        if got != NOTHING_YET:
                            continue
            elif why == scan.MORE:
                if lost_from >= 0:
                    self._lost(lost_from, window.base + window.end)
                elif window.position < window.end:
                    self._cut(window.offset, needed, window.end - window.position)
            if count:
                yield self._batch(table, count)
                self.packets += count
                table = np.empty_like(table)
                count = 0
                first_at = 0.0
            window.low = window.position
            if why == scan.MORE and window.at_end:
                return

    def _batch(self, table: Ints, count: int) -> RawBatch:
        window = self._window
        if count < table.shape[1] // 2:
            columns = table[:, :count].copy()      # a small batch must not hold on to a large table
        else:
            columns = table[:, :count]
        return RawBatch(
            window.data[window.low:window.position], self.packets + 1, columns[scan.START], columns[scan.CAPLEN],
            columns[scan.WIRELEN], columns[scan.TS_NS], columns[scan.INTERFACE], columns[scan.LINK_TYPE],
            columns[scan.OFFSET], columns[scan.SOURCE], self.form.comments(window, columns, count))

    def _damaged(self, offset: int, claimed: int, fault: int) -> None:
        self.notes.add(Code.FILE_DAMAGED, 0, offset, claimed, -1, _FAULTS.get(fault, ""))
        self.damages += 1
        if self.damage is None:
            self.damage = f"{self.store.name}: damaged at byte {offset}: {_FAULTS.get(fault, 'no record')}"

    def _lost(self, start: int, stop: int) -> None:
        self.lost_bytes += stop - start

    def _cut(self, offset: int, needed: int, had: int) -> None:
        self.notes.add(Code.FILE_CUT, 0, offset, needed, had)
        self.damages += 1
        self.lost_bytes += had
        if self.damage is None:
            self.damage = f"{self.store.name}: cut off at byte {offset + had}, in the middle of a record"


_FAULTS = {
    scan.TOO_LONG: "a packet longer than any can be",
    scan.SHORT_BLOCK: "a block too short for its kind",
    scan.LENGTHS_DIFFER: "the two lengths of a block differ",
    scan.NO_INTERFACE: "a packet of an interface that was not described",
    scan.PACKET_OUTSIDE: "a packet longer than its block",
}


def fill_head(window: Window, length: int) -> bytes:
    """The first `length` bytes of the store, fewer when it is shorter. Waits for them."""
    while window.end - window.position < length and not window.at_end:
        if window.grow(length) == NOTHING_YET:
            window.store.wait(1.0)
    return window.bytes(length)


def not_a_capture(name: str, head: bytes) -> InputError:
    """The error for something that is no capture file: says what it starts with."""
    if not head:
        return InputError(f"{name}: is empty, not a capture file")
    return InputError(f"{name}: is no capture file (it starts with {describe(head)})")


_KNOWN = {
    b"\x7fELF": "a program",
    b"PK\x03\x04": "a zip archive",
    b"%PDF": "a PDF document",
    b"BZh": "bzip2 data, which is not supported: decompress it first",
    b"\x42\xd2\x00\x41": "a NetMon or snoop header",
    b"snoop\0\0\0": "a snoop capture: convert it with editcap first",
    b"GMBU": "a Microsoft Network Monitor capture: convert it with editcap first",
    b"RTSS": "a Microsoft Network Monitor capture: convert it with editcap first",
    b"SQLite format 3": "a SQLite database",
    b"<!DOCTYPE": "an HTML page",
    b"<html": "an HTML page",
}


def describe(head: bytes) -> str:
    """A few words on what bytes look like, fit for a message."""
    for magic, words in _KNOWN.items():
        if head.lower().startswith(magic.lower()):
            return words
    sample = head[:16]
    if all(byte in b"\t\r\n" or 32 <= byte < 127 for byte in sample):
        return "the text " + repr(sample.decode("ascii"))
    return "the bytes " + sample[:8].hex(" ")
