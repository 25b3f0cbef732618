"""open_capture: files, pipes and several of them, as one Source of batches."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from sniff import limits
from sniff.capture import pcap, pcapng
from sniff.capture.raw import Interface, RawBatch
from sniff.capture.reader import Format, NeedMore, Reader, Window, fill_head, not_a_capture
from sniff.capture.store import FileStore, Store
from sniff.errors import InputError
from sniff.notes import Notes


class Source(Iterator[RawBatch]):
    """One capture, whatever it was opened from: an iterator of non-empty batches in order.

    interfaces  grows while the capture is read
    names       {address: name} that the capture itself brings (pcapng name resolution blocks)
    secrets     (type, bytes) of decryption secrets blocks
    damage      one line for people once something was wrong with the input, else None
    size        bytes of all input, -1 when not known; `position` of them were read
    """

    def __init__(self, readers: list[Reader], notes: Notes) -> None:
        self.notes = notes
        self._readers = readers
        self._batches = self._run()
        self._pending: RawBatch | None = None

    @property
    def interfaces(self) -> list[Interface]:
        return self._readers[0].form.interfaces

    @property
    def names(self) -> dict[str, str]:
        return getattr(self._readers[0].form, "names", {})

    @property
    def secrets(self) -> list[tuple[int, bytes]]:
        return getattr(self._readers[0].form, "secrets", [])

    @property
    def info(self) -> dict[str, Any]:
        return {"format": self._readers[0].form.name}

    @property
    def size(self) -> int:
        sizes = [reader.store.size for reader in self._readers]
        return -1 if -1 in sizes else sum(sizes)

    @property
    def position(self) -> int:
        return sum(reader.store.position for reader in self._readers)

    @property
    def damage(self) -> str | None:
        return next((reader.damage for reader in self._readers if reader.damage), None)

    def _run(self) -> Iterator[RawBatch]:
        held: RawBatch | None = None
        for batch in self._readers[0]:
            if self._readers[0].store.live:
                yield batch
                continue
            if held is not None:
                yield held
            held = batch
        if held is not None:
            held.end = True
            yield held

    def __next__(self) -> RawBatch:
        return next(self._batches)

    def read(self, source: int, offset: int, length: int) -> bytes:
        """`length` bytes at `offset` of input file number `source`."""
        return self._readers[source].store.read(offset, length)

    def stop(self) -> None:
        """Take what a pipe or a growing file has now for all that there will be."""
        for reader in self._readers:
            reader.store.stop()

    def close(self) -> None:
        """Close all files. The batches that were handed on stay good."""
        for reader in self._readers:
            reader.store.close()

    def __enter__(self) -> "Source":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def open_capture(paths: Sequence[str | Path], *, follow: bool = False, notes: Notes | None = None,
                 counters: limits.Counters | None = None) -> Source:
    """A Source of the packets in some capture files."""
    notes = notes if notes is not None else Notes()
    readers = [_open(str(path), index, follow, notes) for index, path in enumerate(paths)]
    if len(readers) != 1:
        raise InputError("several files at once are not supported yet")
    return Source(readers, notes)


def _open(path: str, index: int, follow: bool, notes: Notes) -> Reader:
    store: Store = FileStore(path, follow=follow)
    try:
        window = Window(store, limits.BATCH_BYTES)
        form = _recognise(window, index)
        window.position += form.header_len
        return Reader(store, window, form, index, notes)
    except BaseException:
        store.close()
        raise


def _recognise(window: Window, index: int) -> Format:
    head = fill_head(window, 28)
    if head[:4] == b"\x0a\x0d\x0d\x0a" and (len(head) < 12 or head[8:12] in (b"\x1a\x2b\x3c\x4d", b"\x4d\x3c\x2b\x1a")):
        return pcapng.Pcapng(index)
    try:
        header = pcap.read_header(head)
    except NeedMore as more:
        raise InputError(f"{window.store.name}: is cut off within its file header "
                         f"({len(head)} of {more.needed} bytes)") from None
    if header is None:
        raise not_a_capture(window.store.name, head)
    return pcap.Pcap(header, index)
