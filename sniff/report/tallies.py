"""Counting in bounded memory: tallies by name, latencies, and what happened in each interval of time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

K = TypeVar("K")
V = TypeVar("V", bound="Counted")

_FINE = 7
"""Bits of a latency that are kept: it is known to 1 in 128."""
_FEW = 16
"""So few latencies are added one by one sooner."""


class Counted:
    """Something that is counted: `count` says how often, `fold` adds another one of its kind."""

    count: int

    def fold(self, other: "Counted") -> None:
        """Take the numbers of another one in."""
        raise NotImplementedError


@dataclass(slots=True)
class Latencies(Counted):
    """Durations in nanoseconds: how many, the shortest and the longest exactly, percentiles to 1 %."""

    count: int = 0
    least: int = 0
    most: int = 0
    total: int = 0
    _buckets: dict[int, int] = field(default_factory=dict)

    def add(self, ns: int) -> None:
        """One more."""
        self.least = min(self.least, ns) if self.count else ns
        self.most = max(self.most, ns)
        self.total += ns
        self.count += 1
        shift = max(ns.bit_length() - _FINE, 0)
        bucket = (shift << _FINE) + (ns >> shift)
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1

    def add_all(self, ns: NDArray[np.int64]) -> None:
        """Some more. ns: int64[n], none of them negative."""
        if len(ns) < _FEW:
            for one in ns.tolist():
                self.add(one)
            return
        least = int(ns.min())
        self.least = min(self.least, least) if self.count else least
        self.most = max(self.most, int(ns.max()))
        self.total += (int((ns >> 32).sum()) << 32) + int((ns & 0xFFFF_FFFF).sum())     # one sum could be too large for its column
        self.count += len(ns)
        shift = np.frexp((ns >> _FINE).astype(np.float64))[1].astype(np.int64)
        buckets, counts = np.unique((shift << _FINE) + (ns >> shift), return_counts=True)
        for bucket, count in zip(buckets.tolist(), counts.tolist(), strict=True):
            self._buckets[bucket] = self._buckets.get(bucket, 0) + count

    def fold(self, other: Counted) -> None:
        """Take the numbers of another one in."""
        assert isinstance(other, Latencies)
        if not other.count:
            return
        self.least = min(self.least, other.least) if self.count else other.least
        self.most = max(self.most, other.most)
        self.total += other.total
        self.count += other.count
        for bucket, count in other._buckets.items():
            self._buckets[bucket] = self._buckets.get(bucket, 0) + count

    def percentile(self, share: float) -> int:
        """The duration that so many percent are not longer than; 0 when there are none."""
        rank = max(1, -int(-self.count * share // 100))
        seen = 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= rank:
                shift = bucket >> _FINE
                middle = ((bucket & (1 << _FINE) - 1) << shift) + (1 << shift >> 1)
                return min(max(middle, self.least), self.most)
        return 0


class Tally(Generic[K, V]):
    """Things by name, at most `most` of them: when there are more, those counted least are folded into `others`."""

    def __init__(self, make: type[V], most: int) -> None:
        self._make = make
        self._most = most
        self._of: dict[K, V] = {}
        self.others = make()
        self.folded = 0     # how many names were folded, those that came back counted again

    def __len__(self) -> int:
        return len(self._of)

    def __iter__(self) -> Iterator[tuple[K, V]]:
        """(name, what was counted), the most frequent first; of equals in the order in which they came."""
        yield from sorted(self._of.items(), key=lambda item: -item[1].count)

    def room(self) -> int:
        """How many more names there can be before some are folded."""
        return self._most - len(self._of)

    def __getitem__(self, name: K) -> V:
        found = self._of.get(name)
        if found is None:
            if len(self._of) >= self._most:
                self._shrink()
            found = self._of[name] = self._make()
        return found

    def _shrink(self) -> None:
        for name, one in sorted(self._of.items(), key=lambda item: item[1].count)[:len(self._of) // 2 + 1]:
            self.others.fold(one)
            self.folded += 1
            del self._of[name]


class TimeLine:
    """Packets and bytes in intervals of time since the first packet. When there are too many intervals, ten become one.

    step_ns  the interval, a power of ten of milliseconds, unless one was asked for
    """

    def __init__(self, most: int, step_ns: int = 0) -> None:
        self.step_ns = step_ns or 1_000_000
        self._most = most
        self._zero_ns: int | None = None
        self._counts: NDArray[np.int64] = np.zeros((2, 64), np.int64)
        self._used = 0

    def begin(self, ns: int) -> None:
        """Time counts from here: when the first packet was captured."""
        self._zero_ns = ns

    def add(self, ts_ns: NDArray[np.int64], size: NDArray[np.int64]) -> None:
        """Count packets.

        ts_ns  int64[n]  when they were captured; before the first packet counts as with it
        size   int64[n]  bytes on the wire
        """
        if not len(ts_ns):
            return
        if self._zero_ns is None:
            self._zero_ns = int(ts_ns[0])
        since = np.maximum(ts_ns - self._zero_ns, 0)
        last = int(since.max())
        while last // self.step_ns >= self._most:
            self._coarser()
        index = since // self.step_ns
        used = int(index.max()) + 1
        if used > self._counts.shape[1]:
            grown = np.zeros((2, min(max(2 * used, 64), self._most)), np.int64)
            grown[:, :self._used] = self._counts[:, :self._used]
            self._counts = grown
        self._used = max(self._used, used)
        self._counts[0, :used] += np.bincount(index, minlength=used)
        np.add.at(self._counts[1], index, size)

    def _coarser(self) -> None:
        self.step_ns *= 10
        self._counts = _grouped(self._counts[:, :self._used], 10)
        self._used = self._counts.shape[1]

    @property
    def packets(self) -> list[int]:
        """How many in each interval."""
        found: list[int] = self._counts[0, :self._used].tolist()
        return found

    @property
    def bytes(self) -> list[int]:
        """Bytes in each interval."""
        found: list[int] = self._counts[1, :self._used].tolist()
        return found

    def grouped(self, most: int) -> tuple[int, list[int], list[int]]:
        """(length in ns, packets, bytes) of at most so many longer intervals, of 1, 2 or 5 times a power of ten."""
        factor = next(base * 10**power for power in range(20) for base in (1, 2, 5)
                      if base * 10**power * most >= self._used)
        packets, size = _grouped(self._counts[:, :self._used], factor).tolist()
        return self.step_ns * factor, packets, size


def _grouped(counts: NDArray[np.int64], factor: int) -> NDArray[np.int64]:
    """Every `factor` columns added up."""
    wide = -(-counts.shape[1] // factor) * factor
    padded = np.zeros((counts.shape[0], wide), np.int64)
    padded[:, :counts.shape[1]] = counts
    found: NDArray[np.int64] = padded.reshape(counts.shape[0], -1, factor).sum(axis=2)
    return found
