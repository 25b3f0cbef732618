"""What is true or false of a packet: comparisons and what joins them, evaluated on the packets that still matter.

`mask(view, candidates)` answers for some packets of a batch, given as rising indexes. `and` asks the cheapest test first and
the next one only about the packets that passed, `or` only about those that did not: what is dear to know is found out for few.
"""

import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sniff.filters import find
from sniff.filters.columns import Column, Mask, Texts, has, pairs
from sniff.filters.record import record
from sniff.filters.types import OBJECTS, Constant, Type
from sniff.filters.values import ConstantValue, Value, as_bytes
from sniff.filters.view import View
from sniff.packets.batch import Table

if TYPE_CHECKING:
    from sniff.filters.regex import Pattern

COMPARE: dict[str, Callable[[Any, Any], Any]] = {"==": operator.eq, "!=": operator.ne, ">": operator.gt, "<": operator.lt,
                                                 ">=": operator.ge, "<=": operator.le}


class Predicate:
    """A test.

    cost  per packet, see field.py
    """

    cost: int

    def mask(self, view: View, candidates: Table) -> Mask:
        """bool[len(candidates)]: which of them pass."""
        raise NotImplementedError


@record
class Everything(Predicate):
    """The empty filter."""

    cost: int = 0

    def mask(self, view: View, candidates: Table) -> Mask:
        """All."""
        return np.ones(len(candidates), np.bool_)


@record
class Exists(Predicate):
    """There is a value."""

    value: Value
    nonzero: bool = False

    @property
    def cost(self) -> int:  # type: ignore[override]
        """That of finding out whether there is one."""
        return self.value.cost_present

    def mask(self, view: View, candidates: Table) -> Mask:
        """Those that have one (of arithmetic: one that is not zero)."""
        if self.nonzero:
            column = self.value.column(view, candidates)
            return has(column.only(column.values != 0), candidates, view.size)
        return has(self.value.present(view, candidates), candidates, view.size)


@record
class Comparison(Predicate):
    """Values beside a constant, or beside the values of something else in the same packet."""

    operator: str
    every: bool
    left: Value
    right: Value

    @property
    def cost(self) -> int:  # type: ignore[override]
        """Both sides."""
        return self.left.cost + self.right.cost + 1

    def mask(self, view: View, candidates: Table) -> Mask:
        """Those whose values compare so."""
        left = self.left.column(view, candidates)
        if isinstance(self.right, ConstantValue):
            if isinstance(left, Texts) and self.operator in ("==", "!="):
                same = left.asked(find.equal, _bytes(self.right.constant.value))
                return settled(left, same if self.operator == "==" else ~same, self.every, candidates, view.size)
            passed = against(self.operator, left, self.left.type, self.right.constant)
            return settled(left, passed, self.every, candidates, view.size)
        right = self.right.column(view, candidates)
        mine, other = pairs(left, right)
        both = left.only(mine)
        passed = beside(self.operator, both, self.left.type, right.only(other), self.right.type)
        return settled(both, passed, self.every, candidates, view.size)


def settled(column: Column, passed: Mask, every: bool, candidates: Table, size: int) -> Mask:
    """Which packets pass, from which of their values do: one of them, or all, of which there must be one."""
    found = np.zeros(size, np.bool_)
    if every:
        found[column.packets] = True
        found[column.packets[~passed]] = False
    else:
        found[column.packets[passed]] = True
    return found[candidates]


def _by_length(value: bytes) -> tuple[int, bytes]:
    """What bytes are compared by: Wireshark takes the longer one for the larger one."""
    return len(value), value


def _bytes(value: Any) -> Any:
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value


def against(symbol: str, column: Column, kind: Type, constant: Constant) -> Mask:
    """bool[k]: each value beside a constant."""
    values, value, mask = column.values, constant.value, constant.mask
    if kind in OBJECTS or constant.type in OBJECTS:
        if not (kind == Type.STRING and constant.type == Type.STRING):
            values = as_bytes(column, kind).values
            value = _bytes(value)
            if symbol not in ("==", "!="):
                compare, key = COMPARE[symbol], _by_length(value)
                return np.fromiter((compare(_by_length(one), key) for one in values), np.bool_, len(values))
        boxed = np.empty((), object)        # as it is: NumPy's own strings end at a NUL
        boxed[()] = value
        same: Mask = COMPARE[symbol](values, boxed).astype(np.bool_)
        return same
    if kind == Type.IPV6:
        high, low = values.reshape(-1, 2).T
        if mask is not None:
            high, low = high & np.uint64(mask[0]), low & np.uint64(mask[1])
            value = value[0] & mask[0], value[1] & mask[1]
        return halves(symbol, high, low, np.uint64(value[0]), np.uint64(value[1]))
    if mask is not None:
        values, value = values & mask, value & mask
    if kind == Type.BOOLEAN:
        values = values != 0
        value = bool(value)
    result: Mask = COMPARE[symbol](values, value)
    return result


def halves(symbol: str, high: Any, low: Any, other_high: Any, other_low: Any) -> Mask:
    """bool[k]: numbers of 128 bits compared."""
    if symbol in ("==", "!="):
        same: Mask = (high == other_high) & (low == other_low)
        return same if symbol == "==" else ~same
    result: Mask = np.where(high == other_high, COMPARE[symbol](low, other_low), COMPARE[symbol](high, other_high))
    return result


def beside(symbol: str, left: Column, kind: Type, right: Column, other: Type) -> Mask:
    """bool[k]: each value beside the one at the same place."""
    if kind in OBJECTS or other in OBJECTS:
        a, b = as_bytes(left, kind).values, as_bytes(right, other).values
        compare = COMPARE[symbol]
        key: Callable[[Any], Any] = bytes if kind == other == Type.STRING else _by_length
        return np.fromiter((compare(key(one), key(two)) for one, two in zip(a, b, strict=True)), np.bool_, len(a))
    if kind == Type.IPV6:
        return halves(symbol, *left.values.reshape(-1, 2).T, *right.values.reshape(-1, 2).T)
    result: Mask = COMPARE[symbol](left.values, right.values)
    return result


@record
class Contains(Predicate):
    """Values that have some bytes in them."""

    every: bool
    left: Value
    right: Value

    @property
    def cost(self) -> int:  # type: ignore[override]
        """Both sides, and the search."""
        return self.left.cost + self.right.cost + 8

    def mask(self, view: View, candidates: Table) -> Mask:
        """Those with such a value."""
        left = self.left.column(view, candidates)
        wanted = _bytes(self.right.constant.value) if isinstance(self.right, ConstantValue) else b""
        if isinstance(self.right, ConstantValue) and not wanted:       # as in Wireshark nothing contains nothing
            return settled(left, np.zeros(len(left), np.bool_), self.every, candidates, view.size)
        if wanted and isinstance(left, Texts):
            return settled(left, left.asked(find.contained, wanted), self.every, candidates, view.size)
        left = as_bytes(left, self.left.type)
        if isinstance(self.right, ConstantValue):
            passed = np.fromiter((wanted in value for value in left.values), np.bool_, len(left))
            return settled(left, passed, self.every, candidates, view.size)
        right = as_bytes(self.right.column(view, candidates), self.right.type)
        mine, other = pairs(left, right)
        both = left.only(mine)
        passed = np.fromiter((two != b"" and two in one for one, two in zip(both.values, right.values[other], strict=True)), np.bool_,
                             len(both))
        return settled(both, passed, self.every, candidates, view.size)


@record
class Matches(Predicate):
    """Values in which a regular expression finds something."""

    every: bool
    left: Value
    pattern: "Pattern"

    @property
    def cost(self) -> int:  # type: ignore[override]
        """The search is what costs."""
        return self.left.cost + 30

    def mask(self, view: View, candidates: Table) -> Mask:
        """Those with such a value."""
        left = as_bytes(self.left.column(view, candidates), self.left.type)
        wanted = np.zeros(view.size, np.bool_)
        wanted[candidates] = True
        left = left.only(wanted[left.packets])
        passed = np.fromiter((self.pattern.found_in(value) for value in left.values), np.bool_, len(left))
        return settled(left, passed, self.every, candidates, view.size)


@record
class Member(Predicate):
    """Values that are in a set: equal to one of its members, or in one of its ranges, both ends included."""

    every: bool
    value: Value
    items: tuple[tuple[Value, Value | None], ...]

    @property
    def cost(self) -> int:  # type: ignore[override]
        """The value, and a little for each member."""
        return self.value.cost + len(self.items)

    def mask(self, view: View, candidates: Table) -> Mask:
        """Those with such a value."""
        column = self.value.column(view, candidates)
        passed = np.zeros(len(column), np.bool_)
        for low, high in self.items:
            if isinstance(low, ConstantValue) and isinstance(high, ConstantValue):
                passed |= against(">=", column, self.value.type, low.constant) & against("<=", column,
                                                                                         self.value.type, high.constant)
            elif isinstance(low, ConstantValue):
                passed |= against("==", column, self.value.type, low.constant)
            else:
                other = low.column(view, candidates)
                mine, theirs = pairs(column, other)
                same = beside("==", column.only(mine), self.value.type, other.only(theirs), low.type)
                passed[mine[same]] = True
        return settled(column, passed, self.every, candidates, view.size)


@record
class Negation(Predicate):
    """Not."""

    test: Predicate

    @property
    def cost(self) -> int:  # type: ignore[override]
        """The same."""
        return self.test.cost

    def mask(self, view: View, candidates: Table) -> Mask:
        """The others."""
        return ~self.test.mask(view, candidates)


class Joined(Predicate):
    """Several tests; the cheapest is asked first."""

    def __init__(self, operator: str, tests: Sequence[Predicate]) -> None:
        self.operator = operator
        self.tests = sorted(tests, key=lambda test: test.cost)
        self.cost = sum(test.cost for test in tests)

    def mask(self, view: View, candidates: Table) -> Mask:
        """Those that pass all of them, one of them, or an odd number of them."""
        if self.operator == "xor":
            result = np.zeros(len(candidates), np.bool_)
            for test in self.tests:
                result ^= test.mask(view, candidates)
            return result
        result = np.full(len(candidates), self.operator == "and")
        open_ = np.arange(len(candidates))      # those that are not decided yet
        for test in self.tests:
            if not len(open_):
                break
            passed = test.mask(view, candidates[open_])
            if self.operator == "and":
                result[open_[~passed]] = False
                open_ = open_[passed]
            else:
                result[open_[passed]] = True
                open_ = open_[~passed]
        return result
