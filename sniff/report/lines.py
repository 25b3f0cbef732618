"""Rows as lines of bytes: what `--format tabs` prints, and the cells that tables and JSON are made of."""

import re
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from sniff.capture.raw import Bytes
from sniff.decode.columns import APP_PROTOCOL
from sniff.packets.batch import Table
from sniff.packets.columns import ADDRESS_KIND, Address
from sniff.report.rows import RowBatch
from sniff.report.tabs import write_tabs

OUT_BYTES = 1 << 20
"""Bytes written at once. Larger gains nothing; a pipe takes 64 KiB at a time."""

PART_ROWS = 8192
"""Rows that are Python objects at one time."""

CONTROL = re.compile(r"[\x00-\x1f\x7f]")
SHORT = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v"}


def escape(text: str) -> str:
    """Control characters as C writes them, so that a cell can end neither its cell nor its line."""
    return text if text.isprintable() else CONTROL.sub(
        lambda match: SHORT.get(match[0]) or f"\\{ord(match[0]):03o}", text)


class Names:
    """The Protocol cells as one pool of bytes; made anew only when the list has grown."""

    __slots__ = ("count", "offset", "pool")

    def __init__(self) -> None:
        self.count = -1
        self.pool: Bytes = np.empty(0, np.uint8)
        self.offset: Table = np.zeros(1, np.int64)

    def update(self, protocols: list[str]) -> None:
        """Take over names that came since the last batch."""
        if len(protocols) != self.count:
            self.count = len(protocols)
            self.pool, self.offset = pool_of([escape(name) for name in protocols])


def pool_of(texts: list[str]) -> tuple[Bytes, Table]:
    """(uint8 pool, int64[n + 1] offsets): texts end to end, UTF-8."""
    encoded = [text.encode("utf-8", "replace") for text in texts]
    offset = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(text) for text in encoded], out=offset[1:])
    return np.frombuffer(b"".join(encoded), np.uint8), offset


class TabsLines:
    """Turns row batches into lines. Keeps its buffer and the Protocol names from batch to batch.

    The views it yields are overwritten by the next one: write them out or copy them.
    """

    def __init__(self, out_bytes: int = OUT_BYTES) -> None:
        self.out: Bytes = np.empty(out_bytes, np.uint8)
        self.names = Names()

    def chunks(self, rows: RowBatch) -> Iterator[memoryview]:
        """Whole lines, as many as fit the buffer at a time."""
        if not len(rows.shown):
            return
        self.names.update(rows.protocols)
        words, word_offset = self._words(rows)
        progress = np.zeros(3, np.int64)
        while progress[0] < len(rows.shown):
            written = write_tabs(
                rows.packets.table, rows.info, rows.info_start, rows.info_len, rows.apps.apps[APP_PROTOCOL],
                self.names.pool, self.names.offset, words, word_offset, rows.shown, rows.decimals, rows.zero_ns,
                self.out, progress)
            if written:
                yield self.out.data[:written]
            elif progress[0] < len(rows.shown):
                self.out = np.empty(int(progress[2]), np.uint8)

    def _words(self, rows: RowBatch) -> tuple[Bytes, Table]:
        """Source and Destination of the shown packets whose addresses are words, in order."""
        texts: list[str] = []
        if rows.apps.words or (rows.packets.table[ADDRESS_KIND] == Address.TEXT).any():
            kinds = rows.packets.table[ADDRESS_KIND]
            for index in rows.shown[kinds[rows.shown] == Address.TEXT].tolist():
                texts += map(escape, rows.apps.words.get(index, ("", "")))
        return pool_of(texts)


def parts_of(rows: RowBatch, count: int = PART_ROWS) -> Iterator[RowBatch]:
    """The same rows, at most `count` at a time: a row is a kilobyte while it is made of Python objects."""
    for start in range(0, len(rows.shown), count):
        yield replace(rows, shown=rows.shown[start:start + count])


def cells_of(rows: RowBatch, lines: TabsLines | None = None) -> list[list[str]]:
    """The seven cells of each shown row, as text: No., Time, Source, Destination, Protocol, Length, Info."""
    text = b"".join(bytes(chunk) for chunk in (lines or TabsLines()).chunks(rows)).decode("utf-8", "replace")
    return [line.split("\t", 6) for line in text.split("\n")[:-1]]
