"""Values of a field for many packets: ragged, because a packet may have none, one, or several."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sniff.capture.raw import view
from sniff.packets.batch import Table

Mask = NDArray[np.bool_]


class Column:
    """The values that some packets of a batch have.

    packets  int64[k]  index of the packet of each value, not falling
    values   int64[k], float64[k], uint64[k, 2] (IPv6 addresses: upper and lower half), or object[k]
    layer    int64[k]  which occurrence of its protocol in the packet each value belongs to, from 0; None: nobody asked
    """

    __slots__ = ("layer", "packets", "values")

    def __init__(self, packets: Table, values: NDArray[Any], layer: Table | None = None) -> None:
        self.packets = packets
        self.values = values
        self.layer = layer

    def __len__(self) -> int:
        return len(self.packets)

    def only(self, which: NDArray[Any]) -> "Column":
        """Some of the values: a mask or indexes."""
        return Column(self.packets[which], self.values[which], None if self.layer is None else self.layer[which])

    def having(self, values: NDArray[Any]) -> "Column":
        """The same packets with other values."""
        return Column(self.packets, values, self.layer)


class Texts(Column):
    """Strings that lie in an array of bytes, all of them UTF-8; they become Python objects when somebody wants to see them.

    data     uint8[m]
    starts   int64[k]  where each begins
    lengths  int64[k]  bytes of each
    """

    __slots__ = ("data", "lengths", "starts")

    def __init__(self, packets: Table, data: NDArray[np.uint8], starts: Table, lengths: Table) -> None:
        self.packets = packets
        self.data = data
        self.starts = starts
        self.lengths = lengths
        self.layer = None

    def __getattr__(self, name: str) -> Any:
        if name != "values":
            raise AttributeError(name)
        text = view(self.data)
        self.values = np.empty(len(self.packets), object)
        self.values[:] = [str(text[start:start + length], "utf-8", "surrogateescape")
                          for start, length in zip(self.starts.tolist(), self.lengths.tolist(), strict=True)]
        return self.values

    def only(self, which: NDArray[Any]) -> "Texts":
        """Some of them."""
        return Texts(self.packets[which], self.data, self.starts[which], self.lengths[which])

    def asked(self, question: Callable[..., None], wanted: bytes) -> Mask:
        """bool[k]: the answer of filters.find.contained or .equal."""
        out = np.zeros(len(self.packets), np.uint8)
        question(view(self.data), view(self.starts), view(self.lengths), view(np.frombuffer(wanted, np.uint8)), view(out))
        return out.view(np.bool_)


NOTHING: Table = np.zeros(0, np.int64)


def empty() -> Column:
    """No values at all."""
    return Column(NOTHING, NOTHING)


def objects(packets: Sequence[int] | Table, values: Iterable[Any], layer: Table | None = None) -> Column:
    """A column of Python objects."""
    array = np.empty(len(packets), object)
    array[:] = list(values)
    return Column(np.asarray(packets, np.int64), array, layer)


def numbers(packets: Sequence[int] | Table, values: Sequence[int] | Table) -> Column:
    """A column of whole numbers; too large ones are the largest there is."""
    if not isinstance(values, np.ndarray):
        values = np.array([min(value, 2**63 - 1) for value in values], np.int64)
    return Column(np.asarray(packets, np.int64), values)


def joined(columns: Sequence[Column]) -> Column:
    """All values of several columns, packet by packet; of one packet in the order of the columns."""
    columns = [column for column in columns if len(column)] or list(columns[:1])
    if len(columns) == 1:
        return columns[0]
    one, *others = columns
    if all(other.packets is one.packets or np.array_equal(other.packets, one.packets) for other in others) \
            and one.values.dtype == others[0].values.dtype and not (np.diff(one.packets) == 0).any():      # one value each
        values = np.stack([column.values for column in columns], 1)
        layers = [column.layer for column in columns]
        layer = None if any(one is None for one in layers) else np.stack([one for one in layers if one is not None], 1).ravel()
        return Column(np.repeat(one.packets, len(columns)), values.reshape(-1, *values.shape[2:]), layer)
    packets = np.concatenate([column.packets for column in columns])
    order = np.argsort(packets, kind="stable")
    layers = [column.layer for column in columns]
    layer = None if any(one is None for one in layers) else np.concatenate([one for one in layers if one is not None])[order]
    return Column(packets[order], np.concatenate([column.values for column in columns])[order], layer)


def pairs(left: Column, right: Column) -> tuple[Table, Table]:
    """(indexes into left, into right): every value of a packet with every value of the same packet, in order."""
    first = np.searchsorted(right.packets, left.packets, "left")
    count = np.searchsorted(right.packets, left.packets, "right") - first
    total = int(count.sum())
    which = np.repeat(np.arange(len(left)), count)
    offset = np.arange(total) - np.repeat(np.cumsum(count) - count, count)
    return which, np.repeat(first, count) + offset


def has(column: Column, candidates: Table, size: int) -> Mask:
    """bool[len(candidates)]: whether a packet has a value at all."""
    found = np.zeros(size, np.bool_)
    found[column.packets] = True
    return found[candidates]
