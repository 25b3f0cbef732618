"""Compiled searches beside obviously correct ones."""

import re

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sniff.capture.raw import view
from sniff.decode.dns_text import BadName, read_name
from sniff.filters import find
from sniff.filters.columns import Texts

LINES = st.lists(st.sampled_from([b"Host: a", b"host:b", b"HOST \t: c ", b"Hos: x", b"Host", b"Host:", b" folded", b"\tmore", b"X: host: y",
                                  b"Hostile: 1", b"Host: \xe9", b":", b"", b"h"]), max_size=6)
HEADS = st.lists(st.tuples(LINES, st.sampled_from([b"\r\n", b"\n"])).map(lambda both: both[1].join([b"GET / HTTP/1.1", *both[0], b""])),
                 max_size=5)
LINE = re.compile(rb"\nhost[ \t]*:([^\n]*)(?=\n([ \t])|)", re.IGNORECASE)


def laid_out(texts: list[bytes], gap: bytes = b"\nHost: not mine") -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(bytes, starts, stops) of texts with something between them."""
    starts, at = [], 0
    for text in texts:
        starts.append(at)
        at += len(text) + len(gap)
    data = np.frombuffer(gap.join([*texts, b""]) or b"\0", np.uint8)
    begins = np.array(starts, np.int64)
    return data, begins, begins + np.array([len(text) for text in texts], np.int64)


@given(HEADS)
@settings(max_examples=150, deadline=None)
@example([b"GET / HTTP/1.1\r\nHost: a\r\n b\r\n"])
def test_header_values(heads: list[bytes]) -> None:
    data, starts, stops = laid_out(heads)
    found, progress = np.zeros((64, 3), np.int64), np.zeros(2, np.int64)
    find.header_values(view(data), view(starts), view(stops), view(np.frombuffer(b"host", np.uint8)), view(found), view(progress))
    assert progress[0] == len(heads)
    got = {}
    for index, start, length in found[:progress[1]].tolist():
        got.setdefault(index, []).append(None if start == find.ODD else data[start:start + length].tobytes())
    want = {}
    for index, head in enumerate(heads):
        values = [(match[1].strip(b" \t\r\v\f"), match[2]) for match in LINE.finditer(head)]
        if any(fold is not None or not value.isascii() for value, fold in values):
            want[index] = [None]
        elif values:
            want[index] = [value for value, _ in values]
    assert got == want


def test_header_values_stop_when_there_is_no_room() -> None:
    heads = [b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n", b"x\nHost: c\n"]
    data, starts, stops = laid_out(heads)
    found, progress = np.zeros((2, 3), np.int64), np.zeros(2, np.int64)
    find.header_values(view(data), view(starts), view(stops), view(np.frombuffer(b"host", np.uint8)), view(found), view(progress))
    assert progress.tolist() == [1, 2]


@given(st.lists(st.binary(max_size=12).map(lambda part: b"GET " + part + b" HTTP/1.1\r\n") | st.binary(max_size=20), max_size=5))
@settings(max_examples=150, deadline=None)
@example([b"GET /a b HTTP/1.1\r\n", b"GET /a HTTP/1.1\r", b"GET /a HTTP/\n", b"GET /a HTTP/1\n", b" GET /a HTTP/1.1\n"])
def test_request_targets(heads: list[bytes]) -> None:
    data, starts, stops = laid_out(heads)
    out = np.zeros((2, len(heads)), np.int64)
    find.request_targets(view(data), view(starts), view(stops), view(out))
    for (start, length), head in zip(out.T.tolist(), heads, strict=True):
        plain = re.match(rb"[!-~]+ ([!-~]+) HTTP/[0-9.]+\r?\n", head)
        assert (None if start == find.ODD else data[start:start + length].tobytes()) == (plain and plain[1])


@given(st.lists(st.text("ab\0é", max_size=6), max_size=6), st.text("ab\0é", min_size=1, max_size=3))
@settings(max_examples=150, deadline=None)
def test_texts_answer_like_strings(values: list[str], wanted: str) -> None:
    data, starts, stops = laid_out([value.encode() for value in values], b"ab")
    texts = Texts(np.arange(len(values)), data, starts, stops - starts)
    assert texts.asked(find.contained, wanted.encode()).tolist() == [wanted in value for value in values]
    assert texts.asked(find.equal, wanted.encode()).tolist() == [wanted == value for value in values]
    assert texts.asked(find.equal, b"").tolist() == [value == "" for value in values]
    assert texts.values.tolist() == values
    assert texts.only(np.arange(0, len(values), 2)).values.tolist() == values[::2]


@given(st.lists(st.tuples(st.lists(st.binary(max_size=3).map(lambda label: bytes([len(label)]) + label) | st.just(b"\xc0\x00")
                                   | st.just(b"\xc0\x0c") | st.binary(min_size=1, max_size=2), max_size=5).map(b"".join),
                          st.integers(0, 12)), max_size=4))
@settings(max_examples=200, deadline=None)
@example([(b"\x01a\x00\x01b\xc0\x00", 3)])
@example([(b"\x3f" + b"a" * 63 + b"\x3f" + b"a" * 63 + b"\x3f" + b"a" * 63 + b"\x3f" + b"a" * 63 + b"\x00", 0)])
def test_names(messages: list[tuple[bytes, int]]) -> None:
    data, starts, stops = laid_out([wire for wire, _ in messages], b"\0")
    at = np.array([offset for _, offset in messages], np.int64)
    out, progress, pool = np.zeros((2, len(messages)), np.int64), np.zeros(2, np.int64), np.zeros(2048, np.uint8)
    find.names(view(data), view(starts), view(stops), view(at), view(pool), view(out), view(progress))
    assert progress[0] == len(messages)
    for (start, length), (wire, offset) in zip(out.T.tolist(), messages, strict=True):
        try:
            want = read_name(wire, offset)[0]
        except BadName:
            want = None
        if start != find.ODD:
            assert pool[start:start + length].tobytes().decode() == want
        else:
            assert want is None or want == "." or "\\" in want
