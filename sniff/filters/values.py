"""What stands on the sides of a comparison: fields, slices, functions and sums, as columns."""

import operator
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address
from typing import Any

import numpy as np

from sniff.filters.columns import Column, joined, numbers, objects, pairs
from sniff.filters.field import Field
from sniff.filters.record import record
from sniff.filters.syntax import Span
from sniff.filters.types import Constant, Type
from sniff.filters.view import View
from sniff.packets.batch import Table


class Value:
    """Something with values.

    type    of its values
    cost    per packet, see field.py
    """

    type: Type
    cost: int

    def column(self, view: View, candidates: Table) -> Column:
        """The values of the candidates; others may be among them."""
        raise NotImplementedError

    def present(self, view: View, candidates: Table) -> Column:
        """The same, when only the packets count."""
        return self.column(view, candidates)

    @property
    def cost_present(self) -> int:
        """What `present` costs."""
        return self.cost


@record
class FieldValue(Value):
    """A field, or those of its values that belong to some layers."""

    field: Field
    layers: tuple[Span, ...] = ()

    @property
    def type(self) -> Type:  # type: ignore[override]
        """That of the field."""
        return self.field.type

    @property
    def cost(self) -> int:  # type: ignore[override]
        """That of the field."""
        return self.field.cost

    @property
    def cost_present(self) -> int:
        """Less, where the field knows a shorter way."""
        return 1 if self.field.present is not None and not self.layers else self.field.cost

    def column(self, view: View, candidates: Table) -> Column:
        """Its values; cheap ones are made once a batch."""
        if self.field.cost > 8:
            return self._layered(self.field.source(view, candidates))
        column = view.memory.get(f"={self.field.name}")
        if column is None:
            column = view.memory[f"={self.field.name}"] = self.field.source(view, np.arange(view.size))
        return self._layered(column)

    def present(self, view: View, candidates: Table) -> Column:
        """Where there are values."""
        if self.field.present is not None and not self.layers:
            return self.field.present(view, candidates)
        return self.column(view, candidates)

    def _layered(self, column: Column) -> Column:
        if not self.layers or not len(column):
            return column
        layer = column.layer if column.layer is not None else np.zeros(len(column), np.int64)
        count = np.zeros(int(column.packets[-1]) + 1, np.int64)
        np.maximum.at(count, column.packets, layer + 1)
        from_end = layer - count[column.packets]
        wanted = np.zeros(len(column), np.bool_)
        for part in self.layers:
            start = part.start - 1 if part.start > 0 else part.start
            place = layer if part.start > 0 else from_end
            if part.last is not None:
                last = part.last - 1 if part.last > 0 else part.last
                wanted |= (place >= start) & ((layer if part.last > 0 else from_end) <= last)
            else:
                wanted |= (place >= start) & ((place < start + part.length) if part.length is not None else True)
        return column.only(wanted)


@record
class ConstantValue(Value):
    """A literal, where a value is needed that every packet has."""

    constant: Constant

    @property
    def type(self) -> Type:  # type: ignore[override]
        """What it was read as."""
        return self.constant.type

    @property
    def cost(self) -> int:  # type: ignore[override]
        """Nothing."""
        return 0

    def column(self, view: View, candidates: Table) -> Column:
        """It, for every candidate."""
        value = self.constant.value
        if isinstance(value, tuple):
            return Column(candidates, np.tile(np.array(value, np.uint64), (len(candidates), 1)))
        if isinstance(value, int | float):
            return Column(candidates, np.full(len(candidates), value))
        return objects(candidates, [value] * len(candidates))


# --- as bytes -------------------------------------------------------------------------------------------------------------

def as_bytes(column: Column, kind: Type) -> Column:
    """Values of any type that has bytes, as bytes."""
    values = column.values
    if kind == Type.STRING:
        return column.having(_array([value.encode("utf-8", "surrogateescape") for value in values]))
    if kind in (Type.IPV4, Type.ETHER):
        size = 4 if kind == Type.IPV4 else 6
        return column.having(_array([value.to_bytes(size, "big") for value in values.tolist()]))
    if kind == Type.IPV6:
        return column.having(_array([high.to_bytes(8, "big") + low.to_bytes(8, "big") for high, low in values.tolist()]))
    return column


def _array(values: Sequence[Any]) -> Any:
    array = np.empty(len(values), object)
    array[:] = values
    return array


@record
class SliceValue(Value):
    """Some bytes of a value; a value that has not all of them has none."""

    value: Value
    parts: tuple[Span, ...]

    @property
    def type(self) -> Type:  # type: ignore[override]
        """Bytes."""
        return Type.BYTES

    @property
    def cost(self) -> int:  # type: ignore[override]
        """A little more than the whole."""
        return self.value.cost + 4

    def column(self, view: View, candidates: Table) -> Column:
        """The parts of each value, end to end."""
        column = as_bytes(self.value.column(view, candidates), self.value.type)
        cut = [self._cut(value) for value in column.values]
        which = np.array([value is not None for value in cut], np.bool_)
        return column.having(_array(cut)).only(which)

    def _cut(self, value: bytes) -> bytes | None:
        found = b""
        for part in self.parts:
            start = part.start if part.start >= 0 else len(value) + part.start
            if part.last is not None:
                stop = (part.last if part.last >= 0 else len(value) + part.last) + 1
            else:
                stop = len(value) if part.length is None else start + part.length
            if start < 0 or start >= stop or stop > len(value):
                return None
            found += value[start:stop]
        return found


# --- arithmetic -----------------------------------------------------------------------------------------------------------

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {"+": operator.add, "-": operator.sub, "*": operator.mul, "&": operator.and_}


@record
class ArithmeticValue(Value):
    """Two values of a packet joined by an operator, every one with every other; what cannot be divided has no value."""

    operator: str
    left: Value
    right: Value
    type: Type

    @property
    def cost(self) -> int:  # type: ignore[override]
        """Both."""
        return self.left.cost + self.right.cost + 2

    def column(self, view: View, candidates: Table) -> Column:
        """The results."""
        left = self.left.column(view, candidates)
        right = self.right.column(view, candidates)
        mine, other = pairs(left, right)
        a, b = left.values[mine], right.values[other]
        found = left.only(mine)
        if self.type == Type.BYTES:
            return found.having(_array([bytes(x & y for x, y in zip(one, two, strict=False)) for one, two in zip(a,
                                                                                                                 b, strict=True)]))
        if self.operator in ("/", "%"):
            which = b != 0
            a, b, found = a[which], b[which], found.only(which)
            if a.dtype == np.float64 or b.dtype == np.float64:
                return found.having(a / b if self.operator == "/" else np.fmod(a, b))
            remainder = np.fmod(a, b)          # as C: towards zero
            return found.having(remainder if self.operator == "%" else (a - remainder) // b)
        return found.having(OPERATORS[self.operator](a, b))


@record
class NegativeValue(Value):
    """A value with the other sign."""

    value: Value

    @property
    def type(self) -> Type:  # type: ignore[override]
        """The same."""
        return self.value.type

    @property
    def cost(self) -> int:  # type: ignore[override]
        """The same."""
        return self.value.cost

    def column(self, view: View, candidates: Table) -> Column:
        """The values."""
        column = self.value.column(view, candidates)
        return column.having(-column.values)


# --- functions ------------------------------------------------------------------------------------------------------------

SIZES = {Type.IPV4: 4, Type.IPV6: 16, Type.ETHER: 6}
"""Bytes of a value, for types where all have as many."""


@record
class CallValue(Value):
    """A function of the values of one argument, one by one."""

    function: str
    value: Value
    type: Type

    @property
    def cost(self) -> int:  # type: ignore[override]
        """A little more than the argument."""
        return self.value.cost + 2

    def column(self, view: View, candidates: Table) -> Column:
        """What it makes of each value."""
        if self.function == "count":
            column = self.value.present(view, candidates)
            packets, counts = np.unique(column.packets, return_counts=True)
            return Column(packets, counts.astype(np.int64))
        column = self.value.column(view, candidates)
        values, kind = column.values, self.value.type
        match self.function:
            case "upper":
                return column.having(_array([_ascii_upper(value) for value in values]))
            case "lower":
                return column.having(_array([_ascii_lower(value) for value in values]))
            case "len" if kind in SIZES:
                return column.having(np.full(len(column), SIZES[kind]))
            case "len" if kind == Type.NUMBER:
                bits = self.value.field.bits if isinstance(self.value, FieldValue) else 64
                return column.having(np.full(len(column), (bits + 7) // 8))
            case "len":
                return column.having(np.array([len(value) for value in as_bytes(column, kind).values], np.int64))
            case "string":
                return column.having(_array([as_text(value, kind) for value in values.tolist()]))
        return column.having(np.abs(values))


def _ascii_upper(value: str) -> str:
    return value.translate(_UPPER)


def _ascii_lower(value: str) -> str:
    return value.translate(_LOWER)


_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}
_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


def as_text(value: Any, kind: Type) -> str:
    """A value as a text, for string()."""
    match kind:
        case Type.IPV4:
            return str(IPv4Address(value & 0xFFFFFFFF))
        case Type.IPV6:
            from socket import AF_INET6, inet_ntop
            return inet_ntop(AF_INET6, (value[0] << 64 | value[1]).to_bytes(16, "big"))
        case Type.ETHER:
            return ":".join(f"{value:012x}"[k:k + 2] for k in range(0, 12, 2))
        case Type.BOOLEAN:
            return str(bool(value))
        case Type.SPAN | Type.TIME:
            return f"{'-' if value < 0 else ''}{abs(value) // 1_000_000_000}.{abs(value) % 1_000_000_000:09d}"
        case Type.BYTES:
            return value.hex(":") if isinstance(value, bytes) else str(value)
    return str(value)


@record
class ExtremeValue(Value):
    """The largest or smallest value of all arguments."""

    largest: bool
    values: tuple[Value, ...]
    type: Type

    @property
    def cost(self) -> int:  # type: ignore[override]
        """All of them."""
        return sum(value.cost for value in self.values) + 2

    def column(self, view: View, candidates: Table) -> Column:
        """One value for each packet that has some of any argument."""
        column = joined([value.column(view, candidates) for value in self.values])
        packets, begins = np.unique(column.packets, return_index=True)
        if not len(packets):
            return numbers(packets, packets)
        return Column(packets, (np.maximum if self.largest else np.minimum).reduceat(column.values, begins))
