"""Figures that grow with time but not with the capture: events per moment, and durations by size."""

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

BUCKETS = 1_200
"""Moments a Series tells apart at most; when time goes on beyond them, neighbours become one."""

PER_OCTAVE = 32
"""Sizes of durations that a Durations tells apart between one and its double: 2 % of it."""

_OCTAVES = 63


class Series:
    """How much of several things there was at each moment. Moments are 1, 2, 10, 20, 100 ... ms wide, whatever is enough.

    names  of the things
    """

    def __init__(self, *names: str) -> None:
        self.names = names
        self.width_ns = 1_000_000
        self.zero_ns: int | None = None
        self.last_ns = 0
        self.counts: Ints = np.zeros((len(names), BUCKETS), np.int64)

    def add(self, name: str, ts_ns: Ints, weights: Ints | None = None) -> None:
        """Count things at these times, each once or with its weight. What comes before the first one counts there."""
        if not len(ts_ns):
            return
        if self.zero_ns is None:
            self.zero_ns = int(ts_ns.min())
        last = int(ts_ns.max())
        self.last_ns = max(self.last_ns, last)
        while (last - self.zero_ns) // self.width_ns >= BUCKETS:
            self._merge()
        place = np.clip((ts_ns - self.zero_ns) // self.width_ns, 0, BUCKETS - 1)
        self.counts[self.names.index(name)] += np.bincount(place, weights, BUCKETS).astype(np.int64)

    def _merge(self) -> None:
        factor = 2 if str(self.width_ns)[0] == "1" else 5
        merged = self.counts.reshape(len(self.names), BUCKETS // factor, factor).sum(axis=2)
        self.counts = np.zeros_like(self.counts)
        self.counts[:, :BUCKETS // factor] = merged
        self.width_ns *= factor

    def columns(self, most: int = 120) -> tuple[int, dict[str, list[int]]]:
        """(width of a column in ns, {name: counts}), in at most `most` columns."""
        used = 1 if self.zero_ns is None else (self.last_ns - self.zero_ns) // self.width_ns + 1
        factor = 1
        while -(-used // factor) > most:
            factor = _next(factor)
        count = -(-used // factor)
        padded = np.zeros((len(self.names), count * factor), np.int64)
        padded[:, :used] = self.counts[:, :used]
        summed = padded.reshape(len(self.names), count, factor).sum(axis=2)
        return self.width_ns * factor, dict(zip(self.names, summed.tolist(), strict=True))


def _next(factor: int) -> int:
    first = int(str(factor)[0])
    return factor * 5 // 2 if first == 2 else factor * 2


class Durations:
    """How long things took: counts by size, from which any percentile follows to within 2 %."""

    def __init__(self) -> None:
        self.count = 0
        self.total_ns = 0
        self.longest_ns = 0
        self.counts: Ints = np.zeros(_OCTAVES * PER_OCTAVE, np.int64)

    def add(self, durations_ns: Ints) -> None:
        """Count durations; those below zero are not known and do not count."""
        known = durations_ns[durations_ns >= 0]
        if not len(known):
            return
        self.count += len(known)
        self.total_ns += int(known.sum())
        self.longest_ns = max(self.longest_ns, int(known.max()))
        self.counts += np.bincount(places(known), minlength=len(self.counts))

    def percentile_ns(self, percent: float) -> int:
        """The duration that this part of them did not exceed; 0 without any."""
        if not self.count:
            return 0
        place = int(np.searchsorted(np.cumsum(self.counts), self.count * percent / 100))
        return min(round(2 ** ((min(place, len(self.counts) - 1) + 0.5) / PER_OCTAVE)), self.longest_ns)

    def bars(self, per_octave: int = 2) -> list[tuple[int, int, int]]:
        """[(from ns, to ns, count)] of neighbouring sizes, the first to the last that occurs."""
        step = PER_OCTAVE // per_octave
        summed = self.counts.reshape(-1, step).sum(axis=1)
        used = np.flatnonzero(summed)
        if not len(used):
            return []
        return [(round(2 ** (place / per_octave)), round(2 ** ((place + 1) / per_octave)), int(summed[place]))
                for place in range(int(used[0]), int(used[-1]) + 1)]


def places(durations_ns: Ints) -> Ints:
    """Index of each duration in Durations.counts."""
    found: Ints = (np.log2(np.maximum(durations_ns, 1)) * PER_OCTAVE).astype(np.int64)
    return found
