"""The grammar of display filters.

    filter     = [ tests ]
    tests      = xors *( "or" xors )                  ; also ||
    xors       = ands *( "xor" ands )                 ; also ^^
    ands       = test *( "and" test )                 ; also &&
    test       = "not" test / "(" tests ")" / relation        ; also !
    relation   = [ "any" / "all" ] sum [ comparison ]
    comparison = 1*( ( "==" / "!=" / "===" / "!==" / ">" / "<" / ">=" / "<=" ) sum )       ; a < b < c is a < b and b < c
               / ( "contains" / "matches" ) sum
               / [ "not" ] "in" "{" item *( "," item ) "}"
    item       = sum [ ".." sum ]
    sum        = product *( ( "+" / "-" ) product ), where & binds weaker than + and - as in Wireshark
    product    = entity *( ( "*" / "/" / "%" ) entity )
    entity     = [ "+" / "-" ] ( literal / name [ "#" layers ] / function "(" [ sum *( "," sum ) ] ")" / "{" sum "}" )
                 *( "[" range *( "," range ) "]" )
"""

import re

from sniff.errors import FilterError
from sniff.filters.lexer import Kind, Token, tokens_of
from sniff.filters.syntax import (
    Arithmetic,
    Call,
    Compare,
    Exists,
    Form,
    Literal,
    Logical,
    Member,
    Name,
    Negative,
    Not,
    Slice,
    Span,
    Test,
    Value,
)

MOST_LEVELS = 60
"""How deep parentheses, signs and functions may be nested."""

LONGEST = 64 << 10
"""Characters of the longest filter that is read."""

COMPARISONS = {"==": ("==", False), "!=": ("!=", True), "===": ("==", True), "!==": ("!=", False), ">": (">", False),
               "<": ("<", False), ">=": (">=", False), "<=": ("<=", False)}
"""{operator: (what it compares, whether every value has to fulfil it when nothing else is said)}."""

_RANGE = r"(?a:(-?\d+)?\s*(?:([:-])\s*(-?\d+)?)?$)"


def parse(text: str) -> Test | None:
    """The tree of a filter; None for an empty one, which everything matches. Raises FilterError at the first mistake."""
    if len(text) > LONGEST:
        raise FilterError(f"a filter of more than {LONGEST:,} characters is not read", text[:40], 0)
    parser = _Parser(text)
    if parser.at_end():
        return None
    tree = parser.tests()
    if not parser.at_end():
        raise parser.unexpected()
    return tree


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens_of(text)
        self.index = 0
        self.level = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    def at_end(self) -> bool:
        """Whether nothing follows any more."""
        return self.token.kind == Kind.END

    def is_(self, *operators: str) -> bool:
        """Whether the next token is one of these operators."""
        return self.token.kind == Kind.OPERATOR and self.token.text in operators

    def take(self) -> Token:
        token = self.token
        self.index += 1
        return token

    def expect(self, operator: str, why: str) -> Token:
        if not self.is_(operator):
            raise self.wrong(why, self.token)
        return self.take()

    def wrong(self, message: str, token: Token) -> FilterError:
        return FilterError(message, self.text, token.at, max(1, token.end - token.at))

    def unexpected(self) -> FilterError:
        token = self.token
        if token.kind == Kind.END:
            return self.wrong("something is missing at the end", token)
        before = self.tokens[self.index - 1] if self.index else None
        word = self.text[token.at:token.end]
        if token.kind == Kind.OPERATOR or before is None or before.kind == Kind.OPERATOR:
            return self.wrong(f"'{word}' was not expected here", token)
        return self.wrong(f"'{word}' was not expected here; an operator is missing before it", token)

    def deeper(self, token: Token) -> None:
        self.level += 1
        if self.level > MOST_LEVELS:
            raise self.wrong(f"this is nested more than {MOST_LEVELS} levels deep", token)

    # --- tests ------------------------------------------------------------------------------------------------------

    def tests(self) -> Test:
        return self._joined(("or", "xor", "and"))

    def _joined(self, operators: tuple[str, ...]) -> Test:
        if not operators:
            return self.test()
        found = [self._joined(operators[1:])]
        while self.is_(operators[0]):
            self.take()
            found.append(self._joined(operators[1:]))
        return found[0] if len(found) == 1 else Logical(found[0].at, found[-1].end, operators[0], tuple(found))

    def test(self) -> Test:
        if self.is_("not"):
            token = self.take()
            self.deeper(token)
            inner = self.test()
            self.level -= 1
            return Not(token.at, inner.end, inner)
        if self.is_("("):
            token = self.take()
            self.deeper(token)
            found = self.tests()
            self.expect(")", "a ) is missing here" if self.token.kind == Kind.END else
                        f"'{self.text[self.token.at:self.token.end]}' was not expected here; a ) is missing before it")
            self.level -= 1
            return found
        return self.relation()

    def relation(self) -> Test:
        level = self.level
        found = self._relation()
        self.level = level      # arithmetic and slices count where they stand, not for what comes after them
        return found

    def _relation(self) -> Test:
        start = self.token
        quantifier = self.take().text if self.is_("any", "all") else ""
        left = self.sum()
        if self.is_(*COMPARISONS):
            return self._compared(start, quantifier, left)
        if self.is_("contains", "matches"):
            operator = self.take().text
            right = self.sum()
            return Compare(start.at, right.end, operator, quantifier == "all", left, right)
        if self.is_("in"):
            self.take()
            return self._member(start, quantifier, left)
        if self.is_("not") and self.tokens[self.index + 1].text == "in" and self.tokens[self.index + 1].kind == Kind.OPERATOR:
            self.take()
            self.take()
            found = self._member(start, quantifier, left)
            return Not(found.at, found.end, found)
        if quantifier:
            raise self.wrong(f"'{quantifier}' needs a comparison: {quantifier} tcp.port > 1024", start)
        return Exists(left.at, left.end, left)

    def _compared(self, start: Token, quantifier: str, left: Value) -> Test:
        found: list[Test] = []
        while self.is_(*COMPARISONS):
            operator, every = COMPARISONS[self.take().text]
            right = self.sum()
            found.append(Compare(left.at, right.end, operator, quantifier == "all" if quantifier else every, left, right))
            left = right
        return found[0] if len(found) == 1 else Logical(start.at, left.end, "and", tuple(found))

    def _member(self, start: Token, quantifier: str, value: Value) -> Member:
        self.expect("{", "'in' needs a set in braces: tcp.port in {80, 8000..8080}")
        items: list[tuple[Value, Value | None]] = []
        while True:
            low = self.sum()
            high = None
            if self.is_(".."):
                self.take()
                high = self.sum()
            items.append((low, high))
            if self.is_(","):
                self.take()
                continue
            if self.token.kind in (Kind.WORD, Kind.STRING, Kind.CHARACTER):
                raise self.wrong("the members of a set have commas between them", self.token)
            end = self.expect("}", "a } is missing here")
            return Member(start.at, end.end, quantifier == "all", value, tuple(items))

    # --- values -----------------------------------------------------------------------------------------------------

    def sum(self) -> Value:
        return self._operated((("&",), ("+", "-"), ("*", "/", "%")))

    def _operated(self, levels: tuple[tuple[str, ...], ...]) -> Value:
        if not levels:
            return self.signed()
        left = self._operated(levels[1:])
        while self.is_(*levels[0]):
            token = self.take()
            self.deeper(token)
            right = self._operated(levels[1:])
            left = Arithmetic(left.at, right.end, token.text, left, right)
        return left

    def signed(self) -> Value:
        if self.is_("-", "+"):
            token = self.take()
            value = self.entity()
            return Negative(token.at, value.end, value) if token.text == "-" else value
        return self.entity()

    def entity(self) -> Value:
        token = self.token
        value: Value
        if token.kind == Kind.STRING or token.kind == Kind.CHARACTER:
            self.take()
            value = Literal(token.at, token.end, Form.STRING if token.kind == Kind.STRING else Form.CHARACTER, token.value)
        elif token.kind == Kind.WORD:
            self.take()
            value = self._call(token) if self.is_("(") else self._name(token)
        elif self.is_("{"):
            self.take()
            self.deeper(token)
            value = self.sum()
            self.expect("}", "a } is missing here")
            self.level -= 1
        elif token.kind == Kind.OPERATOR and self.text[token.at:token.end].isalpha():
            raise self.wrong(f"'{self.text[token.at:token.end]}' is an operator, a field or a value is needed here; "
                             "a text stands in double quotes", token)
        else:
            raise self.unexpected()
        while self.is_("["):
            self.take()
            parts, end = self._ranges()
            self.deeper(end)
            value = Slice(value.at, end.end, value, parts)
        return value

    def _call(self, token: Token) -> Call:
        self.deeper(token)
        self.take()
        arguments: list[Value] = []
        while not self.is_(")"):
            arguments.append(self.sum())
            if not self.is_(","):
                break
            self.take()
            if self.is_(")"):
                raise self.unexpected()
        end = self.expect(")", "a ) is missing here")
        self.level -= 1
        return Call(token.at, end.end, token.text, tuple(arguments))

    def _name(self, token: Token) -> Name:
        if not self.is_("#"):
            return Name(token.at, token.end, token.text)
        self.take()
        if self.is_("["):
            self.take()
            parts, end = self._ranges()
        else:
            end = self.take()
            if end.kind != Kind.WORD or not (end.text.isascii() and end.text.isdigit()) or len(end.text) > 6:
                raise self.wrong("after # the number of a layer is needed, 1 for the first one", end)
            parts = (Span(int(end.text), 1),)
        return Name(token.at, end.end, token.text, parts)

    def _ranges(self) -> tuple[tuple[Span, ...], Token]:
        parts = []
        while True:
            token = self.take()
            if token.kind != Kind.RANGE:
                raise self.wrong("a range is needed here: [offset:length], [first-last] or [offset]", token)
            parts.append(self._range(token))
            end = self.take()
            if end.text == "]":
                return tuple(parts), end

    def _range(self, token: Token) -> Span:
        found = re.match(_RANGE, token.text)
        if found is None or not token.text or token.text in (":", "-") or max(len(group or "") for group in found.groups()) > 9:
            raise self.wrong(f"'{token.text}' is no range; [offset:length], [first-last] and [offset] are", token)
        start, sign, number = found.groups()
        if sign is None:
            return Span(int(start), 1)
        if number is None:
            return Span(int(start or 0))
        if sign == ":":
            if int(number) <= 0:
                raise self.wrong("the length of a slice is at least 1", token)
            return Span(int(start or 0), int(number))
        first, last = int(start or 0), int(number)
        if (first < 0) == (last < 0) and last < first:
            raise self.wrong(f"'{token.text}' ends before it begins", token)
        return Span(first, last=last)
