"""Tokens and trees, and where each mistake is."""

import pytest

from sniff.errors import FilterError
from sniff.filters.lexer import Kind, tokens_of
from sniff.filters.parser import parse
from sniff.filters.syntax import Arithmetic, Call, Compare, Exists, Literal, Logical, Member, Name, Not, Slice, Span


def words(text: str) -> list[str]:
    return [token.text for token in tokens_of(text)[:-1]]


@pytest.mark.parametrize(("text", "want"), [
    ("tcp.port==80&&udp", ["tcp.port", "==", "80", "and", "udp"]),
    ("a eq b ne c gt 1 le 2", ["a", "==", "b", "!=", "c", ">", "1", "<=", "2"]),
    ("a === b !== c ~= d", ["a", "===", "b", "!==", "c", "!==", "d"]),
    ("1..5", ["1", "..", "5"]),
    ("10.0.0.0/8 fe80::/10 ::1 aa:bb:cc:dd:ee:ff 00-11-22", ["10.0.0.0/8", "fe80::/10", "::1", "aa:bb:cc:dd:ee:ff", "00-11-22"]),
    ("eth[0:2,4-5]", ["eth", "[", "0:2", ",", "4-5", "]"]),
    ("!a||b^^c", ["not", "a", "or", "b", "xor", "c"]),
    ("a~\"b\"", ["a", "matches", '"b"']),
])
def test_tokens(text, want):
    assert words(text) == want


@pytest.mark.parametrize(("text", "value"), [
    (r'"a\"b\\c"', b'a"b\\c'), (r'"\x41\102\u20ac\n"', "AB€\n".encode()), (r'r"a\d\""', rb'a\d\"'), (r"'\n'", b"\n"),
    ("'a'", b"a"),
])
def test_quoted(text, value):
    token = tokens_of(text)[0]
    assert (token.value, token.kind) == (value, Kind.CHARACTER if text[0] == "'" else Kind.STRING)


def shape(tree) -> object:
    """A tree without its places."""
    match tree:
        case Logical():
            return (tree.operator, *map(shape, tree.tests))
        case Not():
            return ("not", shape(tree.test))
        case Exists():
            return shape(tree.value)
        case Compare():
            return (tree.operator + ("*" if tree.every else ""), shape(tree.left), shape(tree.right))
        case Member():
            return ("in", shape(tree.value), *[(shape(low), shape(high)) if high else shape(low) for low, high in tree.items])
        case Name():
            return tree.text + "".join(f"#{span.start}" for span in tree.layers)
        case Literal():
            return tree.text
        case Slice():
            return ("slice", shape(tree.value), *tree.parts)
        case Call():
            return (tree.function, *map(shape, tree.arguments))
        case Arithmetic():
            return (tree.operator, shape(tree.left), shape(tree.right))
    return ("-", shape(tree.value))


@pytest.mark.parametrize(("text", "want"), [
    ("a and b or c and d", ("or", ("and", "a", "b"), ("and", "c", "d"))),
    ("a or b xor c and d", ("or", "a", ("xor", "b", ("and", "c", "d")))),
    ("not a == 1", ("not", ("==", "a", "1"))),
    ("not (a or b)", ("not", ("or", "a", "b"))),
    ("a != 1", ("!=*", "a", "1")), ("a !== 1", ("!=", "a", "1")), ("a === 1", ("==*", "a", "1")), ("all a > 1", (">*", "a", "1")),
    ("any a != 1", ("!=", "a", "1")),
    ("1 < a <= 5", ("and", ("<", "1", "a"), ("<=", "a", "5"))),
    ("a in {1, 2..5, \"x\"}", ("in", "a", "1", ("2", "5"), b"x")),
    ("a not in {1}", ("not", ("in", "a", "1"))),
    ("a & 2 + 3 * 4 == 1", ("==", ("&", "a", ("+", "2", ("*", "3", "4"))), "1")),
    ("{a + 1} * 2 > -1", (">", ("*", ("+", "a", "1"), "2"), ("-", "1"))),
    ("len(a[0:4]) == max(b, c#2)", ("==", ("len", ("slice", "a", Span(0, 4))), ("max", "b", "c#2"))),
    ("a[-1,2-3,:4,5:] contains 'x'", ("contains", ("slice", "a", Span(-1, 1), Span(2, last=3), Span(0, 4), Span(5)), b"x")),
])
def test_trees(text, want):
    assert shape(parse(text)) == want


@pytest.mark.parametrize("text", ["", "  \t\n"])
def test_nothing(text):
    assert parse(text) is None


@pytest.mark.parametrize(("text", "position", "word"), [
    ("a ==", 4, "missing"), ("(a", 2, ")"), ("a)", 1, "')'"), ("a b", 2, "'b'"), ("a == \"x", 5, "quote"),
    ("a == 'xy'", 5, "one byte"),
    ("a[", 2, "]"), ("a[]", 2, "range"), ("a[1:0]", 2, "at least 1"), ("a[x]", 2, "'x'"), ("a[4-2]", 2, "ends before"),
    ("a in 1", 5, "braces"), ("a in {1 2}", 8, "commas"), ("a in {}", 6, "'}'"), ("a in {1,}", 8, "'}'"), ("any a",
                                                                                                           0, "comparison"),
    ("a == \"\\q\"", 5, "escape"), ("a == \"\\777\"", 5, "larger"), ("a $ b", 2, "'$'"), ("a contains ne", 11, "double quotes"),
    ("len(a", 5, ")"), ("len(a,)", 6, "')'"), ("a#x", 2, "layer"), ("a == == b", 5, "'=='"), ("and a", 0, "and"),
    ("a and", 5, "missing"),
])
def test_mistakes(text, position, word):
    with pytest.raises(FilterError) as caught:
        parse(text)
    assert (caught.value.position, caught.value.expression) == (position, text)
    assert word in str(caught.value)
