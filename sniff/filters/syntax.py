"""What a display filter says, as a tree: the parser makes it, check.py gives its words a meaning.

Every node knows where it stands in the text: `at` is the index of its first character, `end` the one after its last.
"""

from enum import Enum

from sniff.filters.record import record


@record
class Node:
    """A part of a filter."""

    at: int
    end: int


# --- what has values ----------------------------------------------------------------------------------------------------

class Form(Enum):
    """How a literal is written."""

    WORD = "word"
    STRING = "string"
    CHARACTER = "character"


@record
class Literal(Node):
    """A value: `80`, `10.0.0.0/8`, `"text"`, `'c'`.

    text  the word as it stands there; of a quoted one what it says
    """

    form: Form
    text: bytes


@record
class Span:
    """One part of `[0:4]`, `[2-5]`, `[3]`, or of a layer range: (start, length) or (start, end included); None: to the end."""

    start: int
    length: int | None = None
    last: int | None = None


@record
class Name(Node):
    """A word that is a field, or a value that is written without quotes.

    layers  `#1` or `#[1-2]`: which occurrences of the protocol; empty for all
    """

    text: str
    layers: tuple[Span, ...] = ()


@record
class Slice(Node):
    """Some bytes of a value: `eth.src[0:3]`."""

    value: "Value"
    parts: tuple[Span, ...]


@record
class Call(Node):
    """`len(http.host)`."""

    function: str
    arguments: tuple["Value", ...]


@record
class Arithmetic(Node):
    """`tcp.len + 1`, `tcp.flags & 2`."""

    operator: str
    left: "Value"
    right: "Value"


@record
class Negative(Node):
    """`-1`."""

    value: "Value"


Value = Literal | Name | Slice | Call | Arithmetic | Negative


# --- what is true or false ------------------------------------------------------------------------------------------------

@record
class Exists(Node):
    """A value alone: there is one."""

    value: Value


@record
class Compare(Node):
    """`left operator right`.

    operator  == != > < >= <= contains matches
    every     every value has to fulfil it; otherwise one is enough
    """

    operator: str
    every: bool
    left: Value
    right: Value


@record
class Member(Node):
    """`value in {1, 2..5}`.

    items  (value, None), or the two ends of a range, both included
    """

    every: bool
    value: Value
    items: tuple[tuple[Value, Value | None], ...]


@record
class Not(Node):
    """`not test`."""

    test: "Test"


@record
class Logical(Node):
    """Tests joined by `and`, `or` or `xor`."""

    operator: str
    tests: tuple["Test", ...]


Test = Exists | Compare | Member | Not | Logical
