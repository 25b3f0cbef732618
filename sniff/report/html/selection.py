"""Selection: of more things than a table holds, those that tell most: trouble, the slowest, and a fair sample of the rest."""

from collections.abc import Sequence
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
Ints = NDArray[np.int64]

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


def shuffled(numbers: Ints) -> Ints:
    """Numbers that look random, the same ones for the same input: who is sampled does not depend on what the traffic chose."""
    mixed = numbers.astype(np.uint64) * _MULTIPLIER
    mixed ^= mixed >> np.uint64(29)
    mixed *= _MULTIPLIER
    found: Ints = (mixed >> np.uint64(2)).astype(np.int64)
    return found


class Selection(Generic[T]):
    """Keeps at most `limit` of the things it is offered: up to half of them trouble, the worst first; up to a quarter those that
    took longest; and as many of the rest as there is room for, chosen by their number.

    seen     how many were offered
    troubled how many of these were trouble
    """

    def __init__(self, limit: int) -> None:
        self.limit = max(limit, 1)
        self.seen = 0
        self.troubled = 0
        self._items: list[T] = []
        self._keys: list[NDArray[np.int64]] = []
        self._floor = (-1, -1, 1 << 62)     # what is below all of these cannot come in any more

    def offer(self, items: Sequence[T], trouble: Ints, duration_ns: Ints) -> None:
        """Some more things.

        trouble      int64[n]  how bad, 0 for all is well
        duration_ns  int64[n]  how long it took
        """
        count = len(items)
        if not count:
            return
        fair = shuffled(np.arange(self.seen, self.seen + count))
        order = np.arange(self.seen, self.seen + count)
        self.seen += count
        self.troubled += int(np.count_nonzero(trouble))
        worst, longest, sampled = self._floor
        chosen = (trouble > worst) | (duration_ns > longest) | (fair < sampled)
        keys = np.stack([trouble, duration_ns, fair, order])
        if chosen.all():
            self._items.extend(items)
        else:
            keys = keys[:, chosen]
            self._items.extend(items[index] for index in np.flatnonzero(chosen).tolist())
        self._keys.append(keys)
        if len(self._items) > 2 * self.limit:
            self._prune()

    def take(self) -> list[tuple[T, int]]:
        """[(item, why)], in the order in which they were offered. why: 0 trouble, 1 slow, 2 sample."""
        why = self._prune()
        return list(zip(self._items, why.tolist(), strict=True))

    def ranks(self) -> Ints:
        """int64[k]: the place of each item that is kept when the most telling one comes first; after `take`."""
        trouble, duration, _, _ = self._keys[0] if self._keys else np.zeros((4, 0), np.int64)
        ranks = np.empty(len(trouble), np.int64)
        ranks[np.lexsort((-duration, -trouble))] = np.arange(len(trouble))
        return ranks

    @property
    def left_out(self) -> int:
        """How many are not kept."""
        return self.seen - len(self._items)

    def _prune(self) -> Ints:
        if not self._items:
            return np.zeros(0, np.int64)
        keys = np.concatenate(self._keys, axis=1)
        trouble, duration, fair, order = keys
        why = np.full(len(self._items), 3, np.int64)
        worst = np.lexsort((order, -trouble))[:max(self.limit // 2, 1) if len(self._items) > self.limit else len(self._items)]
        worst = worst[trouble[worst] > 0]
        why[worst] = 0
        rest = np.flatnonzero(why == 3)
        room = self.limit - len(worst)
        longest = rest[np.argsort(-duration[rest], kind="stable")][:min(max(self.limit // 4, 1), room)]
        why[longest] = 1
        rest = np.flatnonzero(why == 3)
        sample = rest[np.argsort(fair[rest], kind="stable")][:room - len(longest)]
        why[sample] = 2
        if len(self._items) > self.limit:
            least = int(trouble[worst].min()) if len(worst) >= max(self.limit // 2, 1) else 0
            self._floor = (least, int(duration[longest].min()) if len(longest) else -1,
                           int(fair[sample].max()) if len(sample) else -1)
        kept = np.flatnonzero(why < 3)
        if len(kept) < len(self._items):
            self._items = [self._items[index] for index in kept.tolist()]
        self._keys = [keys[:, kept]]
        found: Ints = why[kept]
        return found
