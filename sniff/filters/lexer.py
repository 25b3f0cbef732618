"""Display filters as tokens."""

import re
from enum import Enum, auto

from sniff.errors import FilterError
from sniff.filters.record import record


class Kind(Enum):
    """What a token is."""

    WORD = auto()        # a field, a function, a number, an address ...: what it means is found out later
    STRING = auto()
    CHARACTER = auto()
    OPERATOR = auto()    # its word in one form: `==` for `eq`, `and` for `&&`
    RANGE = auto()       # what stands between the brackets of a slice
    END = auto()


@record
class Token:
    """One token.

    text  of a word as it is written, of a string what it says, of an operator its one form
    """

    kind: Kind
    text: str
    at: int
    end: int
    value: bytes = b""


WORDS = {
    "eq": "==", "any_eq": "==", "ne": "!=", "all_ne": "!=", "all_eq": "===", "any_ne": "!==", "gt": ">", "ge": ">=", "lt": "<",
    "le": "<=", "contains": "contains", "matches": "matches", "not": "not", "and": "and", "or": "or", "xor": "xor", "in": "in",
    "any": "any", "all": "all", "bitand": "&", "bitwise_and": "&",
}
"""Words that are operators, and the one form of each."""

SIGNS = {"===": "===", "!==": "!==", "==": "==", "!=": "!=", "~=": "!==", ">=": ">=", "<=": "<=", ">": ">", "<": "<",
         "~": "matches",
         "!": "not", "&&": "and", "||": "or", "^^": "xor", "&": "&", "..": "..", "(": "(", ")": ")", "{": "{", "}": "}", ",": ",",
         "+": "+", "-": "-", "*": "*", "/": "/", "%": "%", "[": "[", "]": "]", "#": "#"}
"""Signs that are operators; of those that begin alike the longest is meant."""

_SPACE = " \t\r\n"
# These are compiled when a filter has such a token, and re remembers them: making all of them would cost a millisecond a start.
_WORD = r"(?a:[\w:][\w:/-]*(?:\.[\w:/-]+)*|\.\d+)"
_RANGE = r"[^\],]+"
_QUOTED = r'(?s:"(?:[^"\\]|\\.)*")'
_CHARACTER = r"(?s:'(?:[^'\\]|\\.)*')"
_ESCAPE = rb"(?s:\\([0-7]{1,3}|x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.))"
_ESCAPES = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v", b"\\": b"\\", b'"': b'"',
            b"'": b"'"}


def tokens_of(text: str) -> list[Token]:
    """The tokens of a filter, the last one of Kind.END. Raises FilterError at what is none. Linear in the length of `text`."""
    tokens: list[Token] = []
    at = 0
    while True:
        start = at
        while at < len(text) and text[at] in _SPACE:
            at += 1
        if at >= len(text):
            tokens.append(Token(Kind.END, "", min(start, len(text)), len(text)))
            return tokens
        token = _next(text, at)
        tokens.append(token)
        at = token.end
        if token.text == "[" and token.kind == Kind.OPERATOR:
            at = _ranges(text, at, tokens)


def _next(text: str, at: int) -> Token:
    first = text[at]
    if first == '"' or (first in "rR" and text.startswith('"', at + 1)):
        return _string(text, at, first != '"')
    if first == "'":
        return _character(text, at)
    word = re.compile(_WORD).match(text, at)
    if word is not None:
        return _word(text, at, word.end())
    for size in (3, 2, 1):
        sign = SIGNS.get(text[at:at + size])
        if sign is not None:
            return Token(Kind.OPERATOR, sign, at, at + size)
    raise FilterError(f"{first!r} means nothing here", text, at)


def _word(text: str, at: int, end: int) -> Token:
    word = text[at:end]
    if word in WORDS:
        return Token(Kind.OPERATOR, WORDS[word], at, end)
    return Token(Kind.WORD, word, at, end, word.encode())


def _string(text: str, at: int, raw: bool) -> Token:
    found = re.compile(_QUOTED).match(text, at + raw)
    if found is None:
        raise FilterError("the closing quote is missing", text, at, len(text) - at)
    inner = found[0][1:-1].encode("utf-8", "surrogateescape")
    value = inner if raw else _unescaped(inner, text, at, found.end())
    return Token(Kind.STRING, found[0], at, found.end(), value)


def _character(text: str, at: int) -> Token:
    found = re.compile(_CHARACTER).match(text, at)
    if found is None:
        raise FilterError("the closing quote is missing", text, at, len(text) - at)
    value = _unescaped(found[0][1:-1].encode("utf-8", "surrogateescape"), text, at, found.end())
    if len(value) != 1:
        raise FilterError("a character in single quotes is one byte; a text stands in double quotes", text, at, found.end() - at)
    return Token(Kind.CHARACTER, found[0], at, found.end(), value)


def _unescaped(inner: bytes, text: str, at: int, end: int) -> bytes:
    """What a quoted text says: \\n, \\", \\x0a, \\012, \\u20ac mean what they mean in C."""

    def meaning(found: re.Match[bytes]) -> bytes:
        code = found[1]
        if code[:1] in b"01234567":
            number = int(code, 8)
            if number > 255:
                raise FilterError(f"\\{code.decode()} is larger than a byte", text, at, end - at)
            return bytes([number])
        if code[:1] == b"x" and len(code) > 1:
            return bytes([int(code[1:], 16)])
        if code[:1] in (b"u", b"U") and len(code) > 1:
            number = int(code[1:], 16)
            if number > 0x10FFFF or 0xD800 <= number < 0xE000:
                raise FilterError(f"\\{code.decode()} is no character", text, at, end - at)
            return chr(number).encode()
        if code not in _ESCAPES:
            shown = code.decode("latin-1")
            raise FilterError(f"\\{shown} is no escape; a backslash is written \\\\, or r\"...\" keeps them all",
                              text, at, end - at)
        return _ESCAPES[code]

    return re.sub(_ESCAPE, meaning, inner)


def _ranges(text: str, at: int, tokens: list[Token]) -> int:
    """The parts between the brackets of a slice, and the closing one; the index after it."""
    while True:
        found = re.compile(_RANGE).match(text, at)
        if found is not None:
            tokens.append(Token(Kind.RANGE, found[0].strip(), at, found.end()))
            at = found.end()
        if at >= len(text):
            raise FilterError("the ] of a slice is missing", text, len(text))
        tokens.append(Token(Kind.OPERATOR, text[at], at, at + 1))
        at += 1
        if text[at - 1] == "]":
            return at
