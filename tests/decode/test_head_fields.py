"""Header fields of many heads at once, beside what reading each head in full says."""

import re

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sniff.capture.raw import view
from sniff.decode.head_fields import find

NAMES = (b"host", b"content-type", b"x")
FIELDS = [b"Host", b"host", b"HOST", b"Content-Type", b"X", b"Hos", b"Hosts", b" Host", b"", b"H\0st", b"x"]
LINES = st.lists(st.tuples(st.sampled_from(FIELDS), st.sampled_from([b":", b": ", b" : ", b"\t:\t", b"", b"::"]),
                           st.sampled_from([b"", b"a", b"a b ", b"\xff\0", b":"]),
                           st.sampled_from([b"\r\n", b"\n", b"\r", b" \r\n"])), max_size=6)
FIRSTS = [b"GET / HTTP/1.1\r\n", b"HTTP/1.1 200 OK\n", b"", b"Host: not a field\r\n", b"x"]
HEADS = st.lists(st.builds(lambda first, lines, end: first + b"".join(b"".join(line) for line in lines) + end,
                           st.sampled_from(FIRSTS), LINES, st.sampled_from([b"\r\n", b"\n", b""])), max_size=5)


def found(heads):
    pool, names = np.frombuffer(b"".join(heads) or b"\0", np.uint8), np.frombuffer(b"".join(NAMES), np.uint8)
    lengths = np.array([*map(len, heads)], np.int64)
    starts = np.cumsum([0, *lengths])[:-1].astype(np.int64)
    places = np.empty((len(heads), 2 * len(NAMES)), np.int64)
    find(view(pool), view(starts), view(lengths), view(names), view(np.cumsum([0, *map(len, NAMES)])), view(places))
    data = pool.tobytes()
    return [[data[start:end] if start >= 0 else None for start, end in row.reshape(-1, 2).tolist()] for row in places]


def expected(head, name):
    """The same by a regular expression over the lines."""
    for line in head.split(b"\n")[1:]:
        match = re.fullmatch(rb"(?i:%b)[ \t]*:(.*)" % name, line, re.DOTALL)
        if match:
            return match[1].lstrip(b" \t").rstrip(b"\r \t")
    return None


@settings(deadline=None, max_examples=300)
@given(HEADS)
def test_fields_are_found_where_a_regular_expression_finds_them(heads):
    assert found(heads) == [[expected(head, name) for name in NAMES] for head in heads]


def test_a_field_is_found_in_its_own_head_only():
    first, second = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HTTP/1.1\r\nX: 1\r\n\r\n"
    assert found([first, second, first]) == [[b"a", None, None], [None, None, b"1"], [b"a", None, None]]
