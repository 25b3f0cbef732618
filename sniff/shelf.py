"""Shelf: large arrays that are used again when nobody holds them any more.

Every batch needs the same tables. Memory that is given back to the system comes back as zeroed pages, one fault each:
that took a sixth of the time. Whoever keeps a batch keeps its arrays: only what nobody refers to is used again.
"""

import math
import sys
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

_SMALL = 1 << 16
"""Arrays of fewer bytes than this are made anew: malloc keeps them."""

_KEPT = 6
"""Arrays on a shelf: as many batches as are under way at once, and one."""


def _references(owners: list[Any], index: int) -> int:
    return sys.getrefcount(owners[index])


class Shelf:
    """Arrays of one kind of table. One thread takes from it; others may hold what it gave."""

    __slots__ = ("_free", "_owners")

    def __init__(self) -> None:
        self._owners: list[Any] = [np.empty(0, np.uint8)]
        self._free = _references(self._owners, 0)     # what the shelf itself and the question make up

    def empty(self, shape: int | tuple[int, ...], dtype: DTypeLike = np.int64) -> Any:
        """An array with whatever numbers are in it, as np.empty()."""
        kind = np.dtype(dtype)
        size = kind.itemsize * (math.prod(shape) if isinstance(shape, tuple) else shape)
        if size < _SMALL:
            return np.empty(shape, kind)
        owners = self._owners
        for index in range(len(owners)):
            if size <= owners[index].nbytes <= 4 * size and _references(owners, index) == self._free:
                owners.append(owners.pop(index))
                break
        else:
            owners.append(np.empty(size + size // 8, np.uint8))
            if len(owners) > _KEPT:
                owners.pop(0)
        return owners[-1][:size].view(kind).reshape(shape)

    def zeros(self, shape: int | tuple[int, ...], dtype: DTypeLike = np.int64) -> Any:
        """An array of zeros, as np.zeros()."""
        array = self.empty(shape, dtype)
        array.fill(0)
        return array
