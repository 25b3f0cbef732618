"""Chunk framing: exact on what is right, tolerant of what peers tolerate, linear in everything else."""

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sniff.decode.chunked import Dechunker, chunk_size

CUTS = st.lists(st.integers(0, 10**6), max_size=6)
SIZES = st.sampled_from([b"%x", b"%X", b"00%x", b"%x;name=value", b" %x", b"\r\n\r\n%x", b"%x \t", b"0x%x"])
LINE_ENDS = st.sampled_from([b"\r\n", b"\n"])


def run(data, cuts=()):
    dechunker = Dechunker()
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return b"".join(dechunker.feed(data[a:b]) for a, b in pairwise(places)), dechunker


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(st.binary(min_size=1, max_size=40), SIZES, LINE_ENDS), max_size=6), LINE_ENDS,
       st.lists(st.sampled_from([(b"a", b"b"), (b"x-sum", b"1 2")]), max_size=2), CUTS)
def test_chunks_come_back_however_they_are_cut(chunks, end, trailers, cuts):
    data = b"".join(size % len(chunk) + line + chunk + line for chunk, size, line in chunks)
    data += b"0" + end + b"".join(name + b": " + value + end for name, value in trailers) + end
    body, dechunker = run(data + b"HTTP", cuts)
    assert body == b"".join(chunk for chunk, _, _ in chunks)
    assert dechunker.ended and not dechunker.broken
    assert dechunker.trailers == trailers
    assert dechunker.extra == 4


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=300) | st.text("0123456789abcdef;\r\n x", max_size=60).map(str.encode), CUTS)
def test_any_bytes_give_the_same_however_they_are_cut(data, cuts):
    whole, one = run(data)
    parts, other = run(data, cuts)
    assert parts == whole
    assert (one.ended, one.broken, one.extra, one.trailers) == (other.ended, other.broken, other.extra, other.trailers)


@pytest.mark.parametrize(("line", "size"), [
    (b"f", 15), (b"F\r", 15), (b"00f", 15), (b"f,", 15), (b"f\0", 15), (b"f x", 15), (b"0x10", 16), (b"0x", 0),
    (b"0", 0), (b"", -1), (b"x", -1), (b"-1", -1), (b";", -1), (b"7fffffffffffffff", (1 << 63) - 1),
    (b"8000000000000000", -1),
    (b"1" * 17, -1), (b"0" * 99 + b"5", 5)])
def test_sizes(line, size):
    assert chunk_size(line) == size


def test_a_body_that_is_not_chunked_is_given_out_as_it_is():
    body, dechunker = run(b"plain text\nand more")
    assert body == b"plain text\nand more"
    assert dechunker.broken


def test_holes():
    dechunker = Dechunker()
    assert dechunker.feed(b"10\r\nabc") == b"abc"
    assert dechunker.skip(10) == 10
    assert dechunker.feed(b"xyz\r\n3\r\nend\r\n0\r\n\r\n") == b"xyzend"
    assert dechunker.ended
    lost = Dechunker()
    assert lost.feed(b"10\r\nabc") == b"abc"
    assert lost.skip(14) == -1
    assert lost.broken


def test_a_million_chunks_and_an_endless_line_are_linear():
    begun = time.process_time()
    body, _ = run(b"1\r\na\r\n" * 200_000)
    assert len(body) == 200_000
    dechunker = Dechunker()
    for _ in range(200):
        dechunker.feed(b"1;" + b"x" * 50_000)
    assert dechunker.feed(b"\nA") == b"A"
    assert time.process_time() - begun < 5
