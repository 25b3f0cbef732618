"""The automaton beside Python's `re`, and expressions that would take `re` for ever."""

import random
import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sniff.filters.regex import MOST_STATES, BadPattern, Pattern
from tests.timing import cpu_seconds

ATOMS = st.sampled_from(["a", "b", "A", ".", "[ab]", "[^a]", r"\w", r"\D", r"\s", r"\n", "(ab)", "(a|b)",
                         "(?:a|bc|)", "^", "$", r"\b", r"\A",
                         r"\Z", "(?-i:A)", "(?s:.)", "[[:alpha:]]", r"\x41", "[a-c-]", r"[\d_]"])
REPEATS = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{1,3}", "*?", "{2,}"])
PATTERNS = st.recursive(st.lists(st.tuples(ATOMS, REPEATS).map("".join), min_size=1, max_size=4).map("".join),
                        lambda inner: st.tuples(inner, REPEATS,
                                                inner).map(lambda parts: f"({parts[0]}){parts[1]}{parts[2]}"), max_leaves=3)


@given(PATTERNS, st.lists(st.sampled_from(b"abAB1_ \n"), max_size=9).map(bytes))
@settings(max_examples=400)
def test_both_ways_find_the_same(text: str, value: bytes) -> None:
    try:
        pattern = Pattern(text.encode())
    except BadPattern:
        assume(False)
        return
    assert pattern._search(value) == (pattern._compiled.search(value) is not None)


@pytest.mark.parametrize("text", [b"(a+)+$", b"(a|a)*b", b"a*a*a*a*a*b", b".*.*.*x", b"(?:.*a){9}z", rb"(\w+\s?)*!",
                                  b"(a?){30}b", b"x*x*y"])
def test_hostile_bytes_cost_linear_time(text: bytes) -> None:
    pattern = Pattern(text)
    value = b"x" * 100_000 if text == b"x*x*y" else b"a" * 100_000 + b"!" * text.startswith(b"(a+")
    assert not pattern.found_in(value)
    assert cpu_seconds(lambda: pattern.found_in(value)) < 5


def test_many_states_are_forgotten() -> None:
    pattern = Pattern(b"[ab]*a[ab]{12}c")
    value = bytes(random.Random(1).choices(b"ab", k=20_000))
    assert not pattern.found_in(value)
    assert len(pattern._states) <= MOST_STATES + 1
    assert pattern.found_in(value + b"a" + b"b" * 12 + b"c")


def test_case_and_flags() -> None:
    assert Pattern(b"get").found_in(b"GET")
    assert not Pattern(b"(?-i)get").found_in(b"GET")
    assert Pattern(b"(?s)a.b").found_in(b"a\nb")
    assert not Pattern(b"a.b").found_in(b"a\nb")
    assert Pattern(b"^b").found_in(b"a\nb") is False
    assert Pattern(b"(?m)^b").found_in(b"a\nb")
    assert Pattern(b"a$").found_in(b"a\n")
    assert Pattern(rb"a\z").found_in(b"a\n") is False
    assert Pattern(b"\xff\xfe").found_in(b"\0\xff\xfe")


@pytest.mark.parametrize("text", [b"(", b"[", b"a{2,1}", b"*", b"(?=a)", b"(?<!a)b", rb"(a)\1", b"(a{60}){100}",
                                  b"(" * 3000, b"(?i", b"\\"])
def test_what_is_refused(text: bytes) -> None:
    with pytest.raises(BadPattern):
        Pattern(text)


def test_the_automaton_knows_what_re_knows() -> None:
    for text in (rb"[^\s\d]+", rb"\W\S", rb"(?:ab|cd)+?x", rb"a{3,5}b", rb"(?i:x)(?-i:y)"):
        pattern = Pattern(text)
        for value in (b"", b"ab", b"aaab", b"cdabX", b"XY", b"Xy", b" a", b"!a"):
            assert pattern._search(value) == bool(re.search(pattern._compiled, value))
