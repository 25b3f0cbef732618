"""What the words of a filter mean: fields are looked up, literals read as what they are compared with, types checked.

Every mistake is a FilterError that points at its place.
"""

from collections.abc import Iterable

from sniff.errors import FilterError
from sniff.filters import predicates as p
from sniff.filters import syntax as x
from sniff.filters.field import Field
from sniff.filters.fields.table import begins_like_a_field, find, instead_of, nearest
from sniff.filters.predicates import Predicate
from sniff.filters.types import (
    ARITHMETIC,
    COMPARABLE,
    NUMBERS,
    OBJECTS,
    SEARCHABLE,
    SLICEABLE,
    BadLiteral,
    Constant,
    Type,
    constant,
)
from sniff.filters.values import (
    SIZES,
    ArithmeticValue,
    CallValue,
    ConstantValue,
    ExtremeValue,
    FieldValue,
    NegativeValue,
    SliceValue,
    Value,
)

FUNCTIONS = {"len": "bytes of a value", "lower": "a string in lower case", "upper": "a string in upper case",
             "count": "how many values there are", "string": "a value as a string", "max": "the largest value",
             "min": "the smallest value", "abs": "a number without its sign"}
"""Functions and what they give."""


def check(text: str, tree: x.Test | None) -> tuple[Predicate, set[str]]:
    """(what to evaluate, names of the fields in it). Raises FilterError."""
    if tree is None:
        return p.Everything(), set()
    checker = _Checker(text)
    return checker.test(tree), checker.names


class _Checker:
    def __init__(self, text: str) -> None:
        self.text = text
        self.names: set[str] = set()

    def wrong(self, message: str, node: x.Node) -> FilterError:
        return FilterError(message, self.text, node.at, max(1, node.end - node.at))

    # --- tests ------------------------------------------------------------------------------------------------------

    def test(self, node: x.Test) -> Predicate:
        match node:
            case x.Not():
                return p.Negation(self.test(node.test))
            case x.Logical():
                return p.Joined(node.operator, [self.test(test) for test in node.tests])
            case x.Exists():
                return self._exists(node.value)
            case x.Compare(operator="contains"):
                return self._contains(node)
            case x.Compare(operator="matches"):
                return self._matches(node)
            case x.Compare():
                return self._compare(node)
        return self._member(node)

    def _exists(self, node: x.Value) -> Predicate:
        value = self.value(node)
        if isinstance(value, ArithmeticValue) and value.type == Type.BYTES:
            from sniff.filters.regex import Pattern
            return p.Matches(False, value, Pattern(rb"[^\0]"))
        return p.Exists(value, nonzero=isinstance(value, ArithmeticValue | NegativeValue | CallValue | ExtremeValue)
                        and value.type in NUMBERS)

    def _compare(self, node: x.Compare) -> Predicate:
        symbol, left, right = node.operator, node.left, node.right
        if self._is_literal(left) and not self._is_literal(right):      # 80 == tcp.port
            left, right = right, left
            symbol = {">": "<", "<": ">", ">=": "<=", "<=": ">="}.get(symbol, symbol)
        value = self.value(left)
        if value.type == Type.NONE:
            raise self.wrong(f"{self.shown(left)} is only there or not there, it has no value to compare", left)
        other = self.operand(right, value)
        return p.Comparison(symbol, node.every, value, other)

    def _contains(self, node: x.Compare) -> Predicate:
        left = self.value(node.left)
        if left.type not in SEARCHABLE | {Type.ETHER}:
            raise self.wrong(f"{self.shown(node.left)} is {_a(left.type)}; 'contains' looks into strings, bytes and protocols", node.left)
        if left.type == Type.ETHER:
            left = SliceValue(left, (x.Span(0),))
        return p.Contains(node.every, left, self.operand(node.right, left))

    def _matches(self, node: x.Compare) -> Predicate:
        left = self.value(node.left)
        if left.type not in SEARCHABLE:
            raise self.wrong(f"{self.shown(node.left)} is {_a(left.type)}; 'matches' looks into strings, bytes and protocols. "
                             "string(...) makes one a string", node.left)
        if not isinstance(node.right, x.Literal) or node.right.form != x.Form.STRING:
            raise self.wrong("'matches' needs a regular expression in double quotes", node.right)
        from sniff.filters.regex import BadPattern, Pattern
        try:
            return p.Matches(node.every, left, Pattern(node.right.text))
        except BadPattern as error:
            raise self.wrong(str(error), node.right) from None

    def _member(self, node: x.Member) -> Predicate:
        value = self.value(node.value)
        if value.type == Type.NONE:
            raise self.wrong(f"{self.shown(node.value)} is only there or not there, it has no value to compare", node.value)
        items: list[tuple[Value, Value | None]] = []
        for low, high in node.items:
            first = self.operand(low, value)
            last = self.operand(high, value) if high is not None else None
            if last is not None and not (isinstance(first, ConstantValue) and isinstance(last, ConstantValue)):
                raise self.wrong("the ends of a range are values, not fields", low)
            items.append((first, last))
        return p.Member(node.every, value, tuple(items))

    # --- values -----------------------------------------------------------------------------------------------------

    def value(self, node: x.Value) -> Value:
        """A part that has values of its own: not a literal."""
        match node:
            case x.Name():
                return self._field(node)
            case x.Literal():
                raise self.wrong("a field is needed here, not a value", node)
            case x.Slice():
                inner = self.value(node.value)
                if inner.type not in SLICEABLE:
                    raise self.wrong(f"{self.shown(node.value)} is {_a(inner.type)}, of which no slice can be taken", node)
                return SliceValue(inner, node.parts)
            case x.Call():
                return self._call(node)
            case x.Negative():
                inner = self.value(node.value)
                if inner.type not in (Type.NUMBER, Type.FLOAT, Type.SPAN):
                    raise self.wrong(f"{self.shown(node.value)} is {_a(inner.type)}, which has no sign", node)
                return NegativeValue(inner)
        return self._arithmetic(node)

    def _field(self, node: x.Name) -> Value:
        field = find(node.text)
        if field is None:
            raise self.unknown(node)
        self.names.add(field.name)
        return FieldValue(field, node.layers)

    def unknown(self, node: x.Name) -> FilterError:
        """Nobody knows this name."""
        hint = nearest(node.text)
        if instead_of(node.text) is not None:
            return self.wrong(f"{node.text} is not there: {hint}", node)
        return self.wrong(f"no field '{node.text}'; {hint}", node)

    def _arithmetic(self, node: x.Arithmetic) -> Value:
        left_node, right_node = node.left, node.right
        left: Value
        if self._is_literal(left_node):
            right = self.value(right_node)
            left = self.operand(left_node, right)
        else:
            left = self.value(left_node)
            right = self.operand(right_node, left)
        bits = {Type.NUMBER, Type.IPV4, Type.BOOLEAN, Type.ETHER, Type.BYTES}
        allowed = bits if node.operator == "&" else ARITHMETIC
        for value, where in ((left, left_node), (right, right_node)):
            if value.type not in allowed:
                raise self.wrong(f"{self.shown(where)} is {_a(value.type)}; '{node.operator}' takes numbers", where)
        for value in (left, right):
            if isinstance(value, ConstantValue) and value.constant.mask is not None:
                raise self.wrong("an address with a prefix is no number", node)
        kind = Type.FLOAT if Type.FLOAT in (left.type, right.type) else left.type
        if kind == Type.TIME and node.operator == "-" and right.type == Type.TIME:
            kind = Type.SPAN
        return ArithmeticValue(node.operator, left, right, kind)

    def _call(self, node: x.Call) -> Value:
        name = node.function
        if name not in FUNCTIONS:
            from difflib import get_close_matches
            close = get_close_matches(name, FUNCTIONS, 1)
            raise FilterError(f"no function '{name}'; " + (f"did you mean {close[0]}()?" if close else f"there are {', '.join(FUNCTIONS)}"),
                              self.text, node.at, len(name))
        if not node.arguments or (len(node.arguments) > 1 and name not in ("max", "min")):
            raise self.wrong(f"{name}() takes one value", node)
        values = [self.value(argument) for argument in node.arguments]
        first = values[0]
        if name in ("max", "min"):
            for value, argument in zip(values, node.arguments, strict=True):
                if value.type not in NUMBERS - {Type.BOOLEAN} or value.type != first.type:
                    raise self.wrong(f"{name}() takes numbers of one kind, {self.shown(argument)} is {_a(value.type)}", argument)
            return ExtremeValue(name == "max", tuple(values), first.type)
        kind = Type.NUMBER
        where = node.arguments[0]
        if name in ("lower", "upper"):
            kind = Type.STRING
            if first.type != Type.STRING:
                raise self.wrong(f"{name}() takes a string, {self.shown(where)} is {_a(first.type)}", where)
        elif name == "string":
            kind = Type.STRING
            if first.type in (Type.NONE, Type.PROTOCOL):
                raise self.wrong(f"string() takes a value, {self.shown(where)} is {_a(first.type)}", where)
        elif name == "abs":
            kind = first.type
            if first.type not in (Type.NUMBER, Type.FLOAT, Type.SPAN):
                raise self.wrong(f"abs() takes a number, {self.shown(where)} is {_a(first.type)}", where)
        elif name == "len" and first.type not in OBJECTS and first.type not in SIZES and first.type != Type.NUMBER:
            raise self.wrong(f"len() takes a string, bytes or a protocol, {self.shown(where)} is {_a(first.type)}", where)
        return CallValue(name, first, kind)

    # --- the other side ---------------------------------------------------------------------------------------------

    def _is_literal(self, node: x.Value) -> bool:
        return isinstance(node, x.Literal) or (isinstance(node, x.Name) and not node.layers and find(node.text) is None
                                               and not _looks_like_field(node.text)) \
            or (isinstance(node, x.Negative) and self._is_literal(node.value))

    def operand(self, node: x.Value, beside: Value) -> Value:
        """What something is compared with: a literal of its type, or another value of a type that goes with it."""
        if isinstance(node, x.Negative) and self._is_literal(node.value):
            return self._negative(node, beside)
        if isinstance(node, x.Literal):
            return ConstantValue(self._constant(node, node, beside))
        if isinstance(node, x.Name) and not node.layers:
            literal = x.Literal(node.at, node.end, x.Form.WORD, node.text.encode())
            if find(node.text) is None:
                return ConstantValue(self._constant(literal, node, beside))
            if beside.type in OBJECTS and beside.type != Type.STRING:
                try:                # ff and fe:80 may be fields, too, but rather not here
                    return ConstantValue(constant(literal, beside.type))
                except BadLiteral:
                    pass
        value = self.value(node)
        if value.type not in COMPARABLE.get(beside.type, {beside.type}):
            raise self.wrong(f"{self.shown(node)} is {_a(value.type)}, which cannot be compared with {_a(beside.type)}", node)
        return value

    def _constant(self, literal: x.Literal, node: x.Value, beside: Value) -> Constant:
        field = _field_of(beside)
        kind, bits, names = beside.type, 64, {}
        if isinstance(beside, FieldValue) and field is not None:
            bits, names = field.bits, field.names
        try:
            return constant(literal, kind, bits=bits, names=names)
        except BadLiteral as error:
            if isinstance(node, x.Name) and _looks_like_field(node.text) and kind not in (Type.STRING, Type.IPV4, Type.IPV6):
                raise self.unknown(node) from None
            raise self.wrong(str(error), node) from None

    def _negative(self, node: x.Negative, beside: Value) -> Value:
        if beside.type not in (Type.NUMBER, Type.SPAN, Type.FLOAT):
            raise self.wrong(f"{_a(beside.type)} cannot be negative", node)
        value = self.operand(node.value, beside)
        assert isinstance(value, ConstantValue)
        return ConstantValue(Constant(value.type, -value.constant.value))

    def shown(self, node: x.Node) -> str:
        """A part of the filter as it stands there."""
        words = self.text[node.at:node.end]
        return words if len(words) <= 40 else words[:37] + "..."


def _field_of(value: Value) -> Field | None:
    return value.field if isinstance(value, FieldValue) else None


def _looks_like_field(word: str) -> bool:
    """A name with a dot that begins as names of fields do."""
    return "." in word and begins_like_a_field(word)


def _a(kind: Type) -> str:
    word = kind.value
    return word if word == "bytes" else f"{'an' if word[0] in 'I' else 'a'} {word}"


def fields_of(names: Iterable[str]) -> list[Field]:
    """The fields of these names."""
    return [field for name in sorted(names) if (field := find(name)) is not None]
