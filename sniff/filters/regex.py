"""Regular expressions for `matches`: Perl's, over bytes, without regard to case, in linear time whatever the packets hold.

Short values are searched by Python's `re`, which may try every way to match one after the other; for longer ones, and for
expressions that would make it try too many, all ways are followed at once: a deterministic automaton is built as far as the bytes
need it (Thompson 1968). What cannot be done so (back references, looking around) is refused when the filter is read.
"""

import re
from re import _constants as k  # type: ignore[attr-defined]
from re import _parser as sre  # type: ignore[attr-defined]
from typing import Any

MOST_NODES = 5_000
"""Nodes of the largest automaton: `(a{100}){100}` would need 10,000."""

MOST_STATES = 1_000
"""States that are remembered; then building begins anew."""

STEPS = 200_000
"""Steps that `re` may need at worst before the automaton is taken."""

MOST_CHOICES = 6
"""Choices in a row, each of which doubles what there is to try, up to which `re` is used."""

FINAL_NEWLINE, END = 256, 257
"""What may come next besides a byte: a newline that is the last byte, before which $ matches, and the end."""

NO_MATCH, MATCH = -1, -2

_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_CATEGORIES = {k.CATEGORY_DIGIT: frozenset(b"0123456789"), k.CATEGORY_SPACE: frozenset(b" \t\n\r\f\v"), k.CATEGORY_WORD: _WORD}
_NEGATED = {k.CATEGORY_NOT_DIGIT: k.CATEGORY_DIGIT, k.CATEGORY_NOT_SPACE: k.CATEGORY_SPACE, k.CATEGORY_NOT_WORD: k.CATEGORY_WORD}
_ALL = frozenset(range(256))

_LEADING = re.compile(rb"\(\?([imsx]*)(?:-([imsx]+))?\)")
_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "x": re.VERBOSE}
_POSIX = {b"alpha": b"a-zA-Z", b"digit": b"0-9", b"alnum": b"a-zA-Z0-9", b"upper": b"A-Z", b"lower": b"a-z", b"space": rb"\s",
          b"xdigit": b"0-9A-Fa-f", b"punct": rb"!-/:-@\[-`{-~", b"blank": rb" \t", b"cntrl": rb"\x00-\x1f\x7f", b"print": rb" -~",
          b"graph": rb"!-~", b"word": rb"\w"}
_PERL = re.compile(rb"\[:(\w+):\]|\\(.)", re.DOTALL)
_PERL_ESCAPES = {b"h": rb"[ \t]", b"R": rb"(?:\r\n|\n|\r)", b"z": rb"\Z", b"Z": rb"(?:$)", b"e": rb"\x1b"}


class BadPattern(ValueError):
    """A regular expression that cannot be used; the message says why."""


class Pattern:
    """One regular expression."""

    def __init__(self, text: bytes) -> None:
        """Raises BadPattern."""
        flags = re.IGNORECASE
        if leading := _LEADING.match(text):
            for word, wanted in ((leading[1], True), (leading[2] or b"", False)):
                for letter in word.decode():
                    flags = flags | _FLAGS[letter] if wanted else flags & ~_FLAGS[letter]
            text = text[leading.end():]
        text = _PERL.sub(_translated, text)
        try:
            self._compiled = re.compile(text, flags)
            tree = sre.parse(text, flags)
        except (re.error, OverflowError, RecursionError) as error:
            raise BadPattern(f"this is no regular expression: {error}") from None
        builder = _Builder(flags)
        try:
            self._start = builder.sequence(tree.data, builder.match, flags | tree.state.flags)
        except RecursionError:
            raise BadPattern("this regular expression is nested too deep") from None
        self._kinds, self._sets, self._next = builder.kinds, builder.sets, builder.next
        self._boundaries = builder.boundaries
        self._longest = _longest(builder)
        self._forget()

    def found_in(self, value: bytes) -> bool:
        """Whether it matches somewhere in a value. The time it takes grows with the length of the value, no faster."""
        if len(value) <= self._longest:
            return self._compiled.search(value) is not None
        return self._search(value)

    # --- the automaton ----------------------------------------------------------------------------------------------

    def _forget(self) -> None:
        self._numbers: dict[tuple[frozenset[int], int], int] = {}
        self._states: list[tuple[frozenset[int], int]] = []
        self._steps: list[list[int | None]] = []
        self._number(frozenset(), 0)

    def _number(self, nodes: frozenset[int], before: int) -> int:
        key = nodes, before
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._states)
            self._states.append(key)
            self._steps.append([None] * 258)
        return number

    def _search(self, value: bytes) -> bool:
        if len(self._states) > MOST_STATES:
            self._forget()
        state, last = 0, len(value) - 1
        steps = self._steps
        for at, byte in enumerate(value):
            if byte == 10 and at == last:
                byte = FINAL_NEWLINE
            following = steps[state][byte]
            if following is None:
                following = self._step(state, byte)
                if len(self._states) > MOST_STATES:
                    key = self._states[following] if following >= 0 else None
                    self._forget()
                    steps = self._steps
                    following = self._number(*key) if key is not None else following
            if following == MATCH:
                return True
            state = following
        following = steps[state][END]
        return (self._step(state, END) if following is None else following) == MATCH

    def _step(self, state: int, symbol: int) -> int:
        """The state after `symbol`, or MATCH."""
        nodes, before = self._states[state]
        found, matched = self._closure({*nodes, self._start}, before, symbol)
        if matched:
            following = MATCH
        elif symbol == END:
            following = NO_MATCH
        else:
            byte = 10 if symbol == FINAL_NEWLINE else symbol
            after = frozenset(self._next[node][0] for node in found if self._sets[node] >> byte & 1)
            following = self._number(after, 1 if self._boundaries and byte in _WORD else 3 if byte == 10 else 2)
        self._steps[state][symbol] = following
        return following

    def _closure(self, nodes: set[int], before: int, symbol: int) -> tuple[list[int], bool]:
        """(nodes that wait for a byte, whether the end is reached) from some nodes on, without reading anything."""
        seen, found = set(nodes), []
        waiting = list(nodes)
        while waiting:
            node = waiting.pop()
            kind = self._kinds[node]
            if kind is None:
                found.append(node)
            elif kind == "match":
                return found, True
            elif kind == "" or _holds(kind, before, symbol):
                for following in self._next[node]:
                    if following not in seen:
                        seen.add(following)
                        waiting.append(following)
        return found, False


def _holds(kind: str, before: int, symbol: int) -> bool:
    """Whether an assertion holds; before: 0 nothing, 1 a letter, 2 something else, 3 a newline."""
    after_word = symbol < 256 and symbol in _WORD
    match kind:
        case "begin":
            return before == 0
        case "line begin":
            return before in (0, 3)
        case "end":
            return symbol in (END, FINAL_NEWLINE)
        case "line end":
            return symbol in (END, FINAL_NEWLINE, 10)
        case "very end":
            return symbol == END
    return ((before == 1) != after_word) == (kind == "boundary")


def _longest(builder: "_Builder") -> int:
    """Bytes of the longest value that `re` may search: it tries every choice, and every length of a repetition, one by one."""
    if builder.nested or builder.choices > MOST_CHOICES:
        return -1
    if builder.unbounded == 0:
        return 1 << 30
    return int((STEPS >> builder.choices) ** (1 / (builder.unbounded + 1)))


def _translated(found: re.Match[bytes]) -> bytes:
    """What Perl has and Python writes otherwise."""
    if found[1] is not None:
        return _POSIX.get(found[1], found[0])
    return _PERL_ESCAPES.get(found[2], found[0])


class _Builder:
    """Makes the automaton of a parsed expression, from its end to its beginning.

    kinds      None: a node that waits for a byte of `sets`; "": goes on to all of `next`; "match"; else an assertion
    unbounded  repetitions without a largest number, or a large one
    nested     something with a choice is repeated so
    choices    alternatives and parts that may be left out
    """

    def __init__(self, flags: int) -> None:
        self.kinds: list[str | None] = []
        self.sets: list[int] = []
        self.next: list[list[int]] = []
        self.unbounded = 0
        self.choices = 0
        self.nested = False
        self.boundaries = False
        self._depth = 0
        self.match = self._node("match")

    def _node(self, kind: str | None, following: list[int] | None = None, wanted: int = 0) -> int:
        if len(self.kinds) >= MOST_NODES:
            raise BadPattern("this regular expression is too large")
        self.kinds.append(kind)
        self.sets.append(wanted)
        self.next.append(following or [])
        return len(self.kinds) - 1

    def sequence(self, items: Any, following: int, flags: int) -> int:
        """The first node of some items in a row."""
        for operator, argument in reversed(list(items)):
            following = self._item(operator, argument, following, flags)
        return following

    def _item(self, operator: Any, argument: Any, following: int, flags: int) -> int:
        if operator in (k.LITERAL, k.NOT_LITERAL):
            return self._bytes({argument}, operator == k.NOT_LITERAL, following, flags)
        if operator == k.ANY:
            return self._bytes(_ALL if flags & re.DOTALL else _ALL - {10}, False, following, flags)
        if operator == k.IN:
            return self._class(argument, following, flags)
        if operator == k.BRANCH:
            self._choose(len(argument[1]) - 1)
            return self._node("", [self.sequence(branch, following, flags) for branch in argument[1]])
        if operator == k.SUBPATTERN:
            _, added, removed, items = argument
            return self.sequence(items, following, (flags | added) & ~removed)
        if operator in (k.MAX_REPEAT, k.MIN_REPEAT):
            least, most, repeated = argument
            return self._repeat(least, most, repeated, following, flags)
        if operator == k.AT:
            return self._assertion(argument, following, flags)
        raise BadPattern("back references, looking around and conditions are not there: they take too long on some packets")

    def _bytes(self, wanted: Any, negated: bool, following: int, flags: int) -> int:
        bits = 0
        for byte in wanted:
            bits |= 1 << byte
            if flags & re.IGNORECASE and chr(byte).isascii() and chr(byte).isalpha():
                bits |= 1 << (byte ^ 0x20)
        if negated:
            bits ^= (1 << 256) - 1
        return self._node(None, [following], bits)

    def _class(self, items: Any, following: int, flags: int) -> int:
        wanted: set[int] = set()
        negated = False
        for operator, argument in items:
            if operator == k.NEGATE:
                negated = True
            elif operator == k.LITERAL:
                wanted.add(argument)
            elif operator == k.RANGE:
                wanted.update(range(argument[0], argument[1] + 1))
            elif argument in _NEGATED:
                wanted |= _ALL - _CATEGORIES[_NEGATED[argument]]
            else:
                wanted |= _CATEGORIES[argument]
        return self._bytes(wanted, negated, following, flags)

    def _repeat(self, least: int, most: Any, items: Any, following: int, flags: int) -> int:
        large = most == k.MAXREPEAT or most - least > 8
        if large:
            self.unbounded += 1
            self._choose(0)
            self._depth += 1
        elif most > least:
            self._choose(most - least)
        if most == k.MAXREPEAT:
            loop = self._node("")
            self.next[loop] = [self.sequence(items, loop, flags), following]
            following = loop
        else:
            end = following
            for _ in range(most - least):
                following = self._node("", [self.sequence(items, following, flags), end])
        for _ in range(least):
            following = self.sequence(items, following, flags)
        if large:
            self._depth -= 1
        return following

    def _choose(self, ways: int) -> None:
        self.choices += ways
        self.nested = self.nested or self._depth > 0

    def _assertion(self, where: Any, following: int, flags: int) -> int:
        many = flags & re.MULTILINE
        kinds = {k.AT_BEGINNING: "line begin" if many else "begin", k.AT_BEGINNING_STRING: "begin",
                 k.AT_END: "line end" if many else "end", k.AT_END_STRING: "very end", k.AT_BOUNDARY: "boundary",
                 k.AT_NON_BOUNDARY: "no boundary"}
        kind = kinds[where]
        self.boundaries = self.boundaries or where in (k.AT_BOUNDARY, k.AT_NON_BOUNDARY)
        return self._node(kind, [following])
