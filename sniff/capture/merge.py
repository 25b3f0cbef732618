"""Several captures as one, in time order: the order in which mergecap writes them.

mergecap always takes the packet with the earliest time among the next ones of all files, and of equal times that of the
later file. Packets of one file therefore keep their order even where time goes backwards in it: a packet waits until
all those in front of it in its file are out. So its place follows from the *latest time so far* in its file, and whole
batches can be merged by sorting on that.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from sniff import limits
from sniff.capture.raw import Bytes, Ints, RawBatch

InterfaceOf = Callable[[int, Ints], Ints]
"""(file, its interface numbers) -> numbers in the list of all interfaces."""

_OLDEST = np.iinfo(np.int64).min


@dataclass(slots=True)
class _Input:
    """One file while it is merged.

    batch  the one at hand, None when there are no more
    keys   int64[n]  latest time so far, for each packet of it
    used   how many packets of it are out
    """

    batches: Iterator[RawBatch]
    batch: RawBatch | None = None
    keys: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    used: int = 0

    def refill(self) -> None:
        """Go on to the next batch when this one is used up."""
        while self.batch is None or self.used >= len(self.batch):
            latest = int(self.keys[-1]) if len(self.keys) else _OLDEST
            self.batch, self.used = next(self.batches, None), 0
            if self.batch is None:
                return
            self.keys = np.maximum(np.maximum.accumulate(self.batch.ts_ns), latest)


def merge(files: list[Iterator[RawBatch]], interface_of: InterfaceOf) -> Iterator[RawBatch]:
    """The packets of all files in time order, numbered from 1. Memory holds a batch of each file."""
    inputs = [_Input(batches) for batches in files]
    number = 1
    while True:
        for one in inputs:
            if one.batch is None or one.used >= len(one.batch):
                one.refill()
        live = [index for index, one in enumerate(inputs) if one.batch is not None]
        if not live:
            return
        for part in _cut(_take(inputs, live)):
            batch = _part(inputs, part, number, interface_of)
            number += len(batch)
            yield batch
        for one in inputs:
            if one.batch is not None and one.used >= len(one.batch):
                one.batch = None


def _take(inputs: list[_Input], live: list[int]) -> tuple[Ints, Ints, Ints]:
    """(file, packet, key) of the packets that can go out now, in order; marks them as used.

    What comes after a file's last key at hand is unknown, so nothing above the smallest of those can go out. At that
    key itself the packets of a later file go first, and an earlier file waits until the later one is past it.
    """
    limit = min(int(inputs[index].keys[-1]) for index in live)
    # Of the files whose batch at hand ends with this key, the one that comes last may have more packets with it.
    holder = max(index for index in live if int(inputs[index].keys[-1]) == limit)
    files, packets, keys = [], [], []
    for index in live:
        one = inputs[index]
        stop = int(np.searchsorted(one.keys, limit, "right" if index >= holder else "left"))
        if stop > one.used:
            files.append(np.full(stop - one.used, index, np.int64))
            packets.append(np.arange(one.used, stop, dtype=np.int64))
            keys.append(one.keys[one.used:stop])
            one.used = stop
    file, packet, key = np.concatenate(files), np.concatenate(packets), np.concatenate(keys)
    if len(files) > 1:
        order = np.lexsort((packet, -file, key))
        file, packet = file[order], packet[order]
    return file, packet, key


def _cut(taken: tuple[Ints, Ints, Ints]) -> Iterator[tuple[Ints, Ints]]:
    file, packet, _ = taken
    for start in range(0, len(file), limits.BATCH_PACKETS):
        yield file[start:start + limits.BATCH_PACKETS], packet[start:start + limits.BATCH_PACKETS]


def _part(inputs: list[_Input], part: tuple[Ints, Ints], number: int, interface_of: InterfaceOf) -> RawBatch:
    """One batch of some packets. Those of one file are a part of a batch of it, as they are where files do not overlap."""
    files, packets = part
    index = int(files[0])
    if (files != index).any():
        return _join(inputs, part, number, interface_of)
    batch = inputs[index].batch
    assert batch is not None
    first, stop = int(packets[0]), int(packets[-1]) + 1
    comments = {packet - first: texts for packet, texts in batch.comments.items() if first <= packet < stop}
    return RawBatch(batch.data, number, batch.start[first:stop], batch.caplen[first:stop], batch.wirelen[first:stop],
                    batch.ts_ns[first:stop], interface_of(index, batch.interface[first:stop]),
                    batch.link_type[first:stop], batch.offset[first:stop], files, comments)


def _join(inputs: list[_Input], part: tuple[Ints, Ints], number: int, interface_of: InterfaceOf) -> RawBatch:
    """One batch of packets of several files: their bytes side by side, their columns in the given order."""
    files, packets = part
    data: list[Bytes] = []
    base = 0
    starts, caplen, wirelen, ts_ns = (np.empty(len(files), np.int64) for _ in range(4))
    interface, link_type, offset = (np.empty(len(files), np.int64) for _ in range(3))
    comments: dict[int, list[str]] = {}
    for index in np.unique(files).tolist():
        batch = inputs[index].batch
        assert batch is not None
        rows = np.flatnonzero(files == index)
        mine = packets[rows]
        first, last = int(mine[0]), int(mine[-1])
        low = int(batch.start[first])
        high = int(batch.start[last] + batch.caplen[last])
        starts[rows] = batch.start[mine] - low + base
        data.append(batch.data[low:high])
        base += high - low
        caplen[rows], wirelen[rows], ts_ns[rows] = batch.caplen[mine], batch.wirelen[mine], batch.ts_ns[mine]
        link_type[rows], offset[rows] = batch.link_type[mine], batch.offset[mine]
        interface[rows] = interface_of(index, batch.interface[mine])
        for packet, texts in batch.comments.items():
            if first <= packet <= last:
                comments[int(rows[packet - first])] = texts
    return RawBatch(data[0] if len(data) == 1 else np.concatenate(data), number, starts, caplen, wirelen, ts_ns,
                    interface, link_type, offset, np.ascontiguousarray(files), comments)
