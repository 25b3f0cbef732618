"""open_capture: a file, a pipe, or several of them, as one Source of batches."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import numpy as np

from sniff import limits
from sniff.capture import compressed, pcap, pcapng
from sniff.capture.merge import merge
from sniff.capture.owners import Owner
from sniff.capture.raw import Interface, Ints, RawBatch
from sniff.capture.reader import Format, NeedMore, Reader, Window
from sniff.capture.spool import Spool
from sniff.capture.store import Store, open_store
from sniff.errors import InputError, UsageError
from sniff.notes import Notes

_LEAST_BYTES = 1 << 16
"""Bytes of the buffer for even the smallest file."""

_MERGE_BYTES = 64 << 20
"""Bytes of all files together that are read ahead when several are merged."""


@dataclass(slots=True)
class FileInfo:
    """What is known about one input file.

    compression  from the outside in, empty for a plain file
    sections     of a pcapng file
    skipped      pcapng blocks of types that nobody knows
    backwards    packets whose time is before that of the packet in front of them
    """

    name: str
    format: str
    magic: bytes
    size: int
    compression: list[str] = field(default_factory=list)
    sections: list[pcapng.Section] = field(default_factory=list)
    skipped: int = 0
    packets: int = 0
    backwards: int = 0
    cut: bool = False
    damaged_places: int = 0
    lost_bytes: int = 0
    damage: str | None = None


class Source(Iterator[RawBatch]):
    """One capture, whatever it was opened from: an iterator of batches in order, none of them empty.

    The last batch has `end` set, unless it came from a pipe or a growing file that only ended afterwards.
    """

    def __init__(self, readers: list[Reader], kinds: list[list[str]], notes: Notes) -> None:
        self.notes = notes
        self.interfaces: list[Interface] = []
        self._readers = readers
        self._kinds = kinds
        self._numbers: list[list[int]] = [[] for _ in readers]      # per file: its interfaces' rows in self.interfaces
        self._batches = self._run()

    @property
    def names(self) -> dict[str, str]:
        """{address: name} that the capture itself brings (pcapng name resolution blocks)."""
        found: dict[str, str] = {}
        for reader in self._readers:
            if isinstance(reader.form, pcapng.Pcapng):
                found.update(reader.form.names)
        return found

    @property
    def secrets(self) -> list[tuple[int, bytes]]:
        """(type, bytes) of decryption secrets blocks."""
        forms = [reader.form for reader in self._readers]
        return [secret for form in forms if isinstance(form, pcapng.Pcapng) for secret in form.secrets]

    @property
    def owner_count(self) -> int:
        """Records of who owns a connection that were read."""
        return sum(reader.form.owner_count for reader in self._readers if isinstance(reader.form, pcapng.Pcapng))

    def take_owners(self) -> list[tuple[int, int, Owner]]:
        """(number of the file, offset in it, what it says) of the records that were read since the last time.

        May be called from another thread than the one that iterates.
        """
        found = []
        for number, reader in enumerate(self._readers):
            if isinstance(reader.form, pcapng.Pcapng):
                while reader.form.owners:
                    found.append((number, *reader.form.owners.popleft()))
        return found

    @property
    def info(self) -> list[FileInfo]:
        """What is known so far about each file, in the order in which they were named."""
        infos = []
        for reader, kinds in zip(self._readers, self._kinds, strict=True):
            form, damage = reader.form, reader.damage
            sections, skipped = (form.sections, form.skipped) if isinstance(form, pcapng.Pcapng) else ([], 0)
            infos.append(FileInfo(reader.store.name, form.name, form.magic, reader.store.size, kinds, sections, skipped,
                                  reader.packets, reader.backwards, damage.cut, damage.places, damage.lost,
                                  damage.line))
        return infos

    @property
    def live(self) -> bool:
        """Whether more may come than there is now."""
        return any(reader.store.live for reader in self._readers)

    @property
    def size(self) -> int:
        """Bytes of all input as it lies on the disk, -1 when not known."""
        sizes = [reader.store.size for reader in self._readers]
        return -1 if -1 in sizes else sum(sizes)

    @property
    def position(self) -> int:
        """Bytes of it that were read."""
        return sum(reader.store.position for reader in self._readers)

    @property
    def damage(self) -> str | None:
        """One line for people once something was wrong with the input, else None."""
        lines = [line for reader in self._readers if (line := reader.damage.line)]
        return lines[0] + (f" (and {len(lines) - 1} more damaged files)" if len(lines) > 1 else "") if lines else None

    def __next__(self) -> RawBatch:
        return next(self._batches)

    def _run(self) -> Iterator[RawBatch]:
        if len(self._readers) == 1:
            batches = self._numbered(self._readers[0])
        else:
            batches = merge([iter(reader) for reader in self._readers], self._interface_of)
        if self.live:
            yield from batches
            return
        held = next(batches, None)      # one is held back, so that the last one can be marked
        for batch in batches:
            assert held is not None
            yield held
            held = batch
        if held is not None:
            held.end = True
            yield held

    def _numbered(self, reader: Reader) -> Iterator[RawBatch]:
        self.interfaces = reader.form.interfaces
        yield from reader

    def _interface_of(self, file: int, numbers: Ints) -> Ints:
        known, theirs = self._numbers[file], self._readers[file].form.interfaces
        while len(known) < len(theirs):
            interface = theirs[len(known)]
            known.append(len(self.interfaces))
            interface.index = len(self.interfaces)
            self.interfaces.append(interface)
        return np.array(known, np.int64)[numbers]

    def read(self, source: int, offset: int, length: int) -> bytes:
        """`length` bytes at `offset` of input file number `source` (RawBatch.source and RawBatch.offset).

        Empty when they are not there: a pipe that was not kept, or bytes that fell off the spool.
        """
        return self._readers[source].store.read(offset, length)

    def stop(self) -> None:
        """Take what a pipe or a growing file has now for all that there will be: the iteration ends after that."""
        for reader in self._readers:
            reader.store.stop()

    def close(self) -> None:
        """Close all files. Batches that were handed on stay good."""
        for reader in self._readers:
            reader.store.close()

    def __enter__(self) -> "Source":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


def open_capture(paths: Sequence[str | Path | Store], *, follow: bool = False, keep: bool = False,
                 notes: Notes | None = None, counters: limits.Counters | None = None) -> Source:
    """A Source of the packets of some capture files, merged in time order when there are several.

    paths     files; "-" is standard input; or stores that are open already
    follow    a file's end is not the end: wait for more until stop() is called
    keep      spool what can be read only once (a pipe, compressed data), so that read() can give it later
    notes     where to note what is strange about the files; a new table when None
    counters  where to count bytes that fell off a spool

    Raises InputError, one line, for what is no capture: a missing file, a folder, a text file, an empty file.
    """
    notes = notes if notes is not None else Notes()
    if not paths:
        raise UsageError("no capture file was named")
    if sum(os.fspath(path) == "-" for path in paths if isinstance(path, str | os.PathLike)) > 1:
        raise UsageError("standard input (-) can be named only once")
    if follow and len(paths) > 1:
        raise UsageError("only one file can be followed")
    capacity = min(limits.BATCH_BYTES, max(_MERGE_BYTES // len(paths), 256 << 10))
    readers: list[Reader] = []
    kinds: list[list[str]] = []
    try:
        for index, path in enumerate(paths):
            reader, found = _open(path, index, follow, keep, notes, counters, capacity)
            readers.append(reader)
            kinds.append(found)
    except BaseException:
        for reader in readers:
            reader.store.close()
        raise
    return Source(readers, kinds, notes)


def _open(path: str | Path | Store, index: int, follow: bool, keep: bool, notes: Notes, counters: limits.Counters | None,
          capacity: int) -> tuple[Reader, list[str]]:
    if isinstance(path, str | os.PathLike):
        store = open_store(path, follow=follow, spool=lambda: Spool(counters) if keep else None)
    else:
        store = path
    try:
        window = Window(store, capacity if store.live else min(capacity, max(store.size + 1, _LEAST_BYTES)))
        kinds: list[str] = []
        while (kind := compressed.kind_of(window.head(12))) and len(kinds) < limits.COMPRESSION_LAYERS:
            kinds.append(kind)
            ahead = window.peek(window.end)
            store.unspool()
            store = compressed.CompressedStore(store, kind, ahead, spool=Spool(counters) if keep else None)
            window = Window(store, capacity)
        form = _recognise(window, index)
        return Reader(store, window, form, index, notes), kinds
    except BaseException:
        store.close()
        raise


def _recognise(window: Window, index: int) -> Format:
    head = window.head(12)      # no more: a pipe may hold nothing but the header for a long time
    name = window.store.name
    if len(head) < 12 and pcapng.MAGIC.startswith(head[:4]) and len(head) >= 4:
        raise InputError(f"{name}: is cut off within the file header ({len(head)} of 28 bytes)")
    if pcapng.begins(head):
        return pcapng.Pcapng(window, index)
    try:
        header = pcap.read_header(head)
    except NeedMore as more:
        head = window.head(more.needed)
        if len(head) < more.needed:
            raise InputError(f"{name}: is cut off within the file header ({len(head)} of {more.needed} bytes)") from None
        header = pcap.read_header(head)
    if header is None:
        broken = window.store.broken
        if not head:
            raise InputError(f"{name}: {broken}" if broken else f"{name}: is empty, not a capture file")
        raise InputError(f"{name}: is no capture file; it begins with {_looks_like(window.peek(16))}")
    return pcap.Pcap(header, window, index)


_KNOWN = {
    b"\x7felf": "the header of a program",
    b"pk\x03\x04": "the header of a zip archive: unpack it first",
    b"%pdf": "the header of a PDF document",
    b"snoop\0\0\0": "the header of a snoop capture: convert it with editcap first",
    b"gmbu": "the header of a Microsoft Network Monitor capture: convert it with editcap first",
    b"rtss": "the header of a Microsoft Network Monitor capture: convert it with editcap first",
    b"btsnoop\0": "the header of a Bluetooth snoop capture: convert it with editcap first",
    b"sqlite format 3\0": "the header of a SQLite database",
    b"\x89png": "the header of a picture",
    b"\x0a\x0d\x0d\x0a": "the first bytes of a pcapng header, but goes on with something else",
}


def _looks_like(head: bytes) -> str:
    for magic, words in _KNOWN.items():
        if head.lower().startswith(magic):
            return words
    if all(byte in b"\t\r\n" or 32 <= byte < 127 for byte in head):
        return f"the text {head.decode('ascii')!r}"
    return f"the bytes {head[:8].hex(' ')}"
