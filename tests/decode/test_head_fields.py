"""Header fields of many heads at once, beside what reading each head in full says."""

import re

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sniff.capture.raw import view
from sniff.decode import columns
from sniff.decode.head_fields import find, plain
from sniff.decode.message import Message

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


WANTED, ODD = (b"host", b"content-type"), (b"x",)
STARTS = {False: [b"GET / HTTP/1.1", b"GET  / HTTP/1.1", b"GET /a b HTTP/1.1", b"GET /", b" GET / HTTP/1.1", b"GET / http/1.1", b"",
                  b"GET /\xff HTTP/1.1", b"GET / HTTP/1.1 "],
          True: [b"HTTP/1.1 200 OK", b"HTTP/1.1 200 Not so good", b"HTTP/1.1 200", b"HTTP/1.1 200 ", b"HTTP/1.1 200  OK", b"ICY 200 OK",
                 b"HTTP/1.1 200 caf\xc3\xa9", b"HTTP/1.1 200 OK "]}
PLAIN_NAMES = [b"Host", b"host", b"Content-Type", b"Content-Typ", b"Y-Other", b"X", b"x-y", b" Host", b""]
PLAIN_LINES = st.lists(st.tuples(st.sampled_from(PLAIN_NAMES), st.sampled_from([b":", b": ", b" : ", b"", b"::"]),
                                 st.sampled_from([b"", b"a", b"a b ", b"\xff", b":", b"\t"]),
                                 st.sampled_from([b"\r\n"] * 4 + [b"\n", b"\r"])), max_size=4)


def read_plain(heads, is_response):
    """[None or (words, values)] by the compiled loop."""
    pool, names = np.frombuffer(b"".join(heads) or b"\0", np.uint8), (*WANTED, *ODD)
    lengths = np.array([*map(len, heads)], np.int64)
    starts = np.cumsum([0, *lengths])[:-1].astype(np.int64)
    words, places = np.empty((len(heads), 3), np.int64), np.empty((len(heads), 2 * len(WANTED)), np.int64)
    plain(view(pool), view(starts), view(lengths), is_response, view(np.frombuffer(b"".join(names), np.uint8)),
          view(np.cumsum([0, *map(len, names)])), len(WANTED), view(words), view(places))
    data = pool.tobytes()
    return [None if first < 0 else ([data[start:first], data[first + 1:second], data[second + 1:end]],
                                    [data[a:b] if a >= 0 else b"" for a, b in row.reshape(-1, 2).tolist()])
            for start, (first, second, end), row in zip(starts.tolist(), words.tolist(), places, strict=True)]


def expected_plain(head, is_response):
    """The same by regular expressions and by reading the head in full."""
    start = rb"HTTP/[!-~]* [!-~]+ [!-~]+(?: [!-~]+)*" if is_response else rb"[!-~]+ [!-~]+ HTTP/[!-~]*"
    if not re.fullmatch(start + rb"\r\n(?:[!-9;-~]+:[ -~]*\r\n)*\r\n", head):
        return None
    row = [0] * columns.M_COUNT
    row[columns.M_IS_RESPONSE] = int(is_response)
    message = Message(row, head)
    if message.get_all(b"x") or any(len(message.get_all(name)) > 1 for name in WANTED):
        return None
    words = [message.version.encode(), head.split(b" ")[1], message.reason] if is_response else \
        [message.method, message.target, message.version.encode()]
    return words, [message.get(name) for name in WANTED]


@settings(deadline=None, max_examples=400)
@given(st.booleans().flatmap(lambda is_response: st.tuples(st.just(is_response), st.lists(st.builds(
    lambda first, lines, end: first + b"\r\n" + b"".join(b"".join(line) for line in lines) + end, st.sampled_from(STARTS[is_response]),
    PLAIN_LINES, st.sampled_from([b"\r\n", b"\r\n", b"\n", b"", b"\r\n\r\n", b"\r"])), max_size=4))))
def test_plain_heads_are_read_as_messages_read_them(case):
    is_response, heads = case
    assert read_plain(heads, is_response) == [expected_plain(head, is_response) for head in heads]


def test_a_head_is_plain_however_it_is_cut():
    head = b"GET /a HTTP/1.1\r\nHost: b\r\nContent-Type: c\r\n\r\n"
    assert read_plain([head], False) == [([b"GET", b"/a", b"HTTP/1.1"], [b"b", b"c"])]
    assert read_plain([head[:end] for end in range(len(head))], False) == [None] * len(head)
