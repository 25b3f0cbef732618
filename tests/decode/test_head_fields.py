"""Header fields of many heads at once, beside what reading each head in full says."""

import re

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sniff.capture.raw import view
from sniff.decode.head_fields import find, paths
from sniff.decode.message import read_request_line

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


@settings(deadline=None, max_examples=300)
@given(st.lists(st.lists(st.sampled_from([b"GET", b" ", b" ", b"/a", b"/", b"?b=c", b"HTTP/1.1", b"HTTP/", b"\r", b"\n", b"\r\n", b"\t",
                                          b"x"]), max_size=8).map(b"".join), max_size=5))
def test_a_path_is_the_target_up_to_its_query(heads):
    pool = np.frombuffer(b"".join(heads) or b"\0", np.uint8)
    lengths = np.array([*map(len, heads)], np.int64)
    starts = np.cumsum([0, *lengths])[:-1].astype(np.int64)
    places = np.empty((len(heads), 2), np.int64)
    paths(view(pool), view(starts), view(lengths), view(places))
    for head, (start, end) in zip(heads, places.tolist(), strict=True):
        if start >= 0:
            line = head.partition(b"\n")[0]
            assert pool.tobytes()[start:end] == read_request_line(line)[1].partition(b"?")[0]


def test_paths_of_usual_requests_are_found():
    heads = [b"GET /a/b?c=d HTTP/1.1\r\nHost: x\r\n\r\n", b"POST / HTTP/1.0\n\n", b"GET http://x/ HTTP/1.1\r\n\r\n",
             b"GET /a b HTTP/1.1\r\n\r\n", b"GET /cut HTTP/1.1"]
    pool = np.frombuffer(b"".join(heads), np.uint8)
    lengths = np.array([*map(len, heads)], np.int64)
    places = np.empty((len(heads), 2), np.int64)
    paths(view(pool), view(np.cumsum([0, *lengths])[:-1].astype(np.int64)), view(lengths), view(places))
    assert [pool.tobytes()[start:end] if start >= 0 else None for start, end in places.tolist()] == [b"/a/b", b"/", None, b"/a b", None]
