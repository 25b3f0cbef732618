"""Content codings undone as a stream: exact on good input, lenient on odd input, bounded on hostile input."""

import gzip
import time
import tracemalloc
import zlib
from itertools import pairwise

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from sniff.decode.body import CODINGS, BodyDecoder, decode
from sniff.notes import Code

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
CUTS = st.lists(st.integers(0, 10**6), max_size=5)
BODIES = st.one_of(st.binary(max_size=2000), st.binary(min_size=1, max_size=20).map(lambda seed: seed * 3000))


def raw_deflate(data):
    deflate = zlib.compressobj(wbits=-15)
    return deflate.compress(data) + deflate.flush()


ENCODERS = {"gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress,
            "br": lambda data: brotli.compress(data, quality=4), "zstd": zstandard.ZstdCompressor().compress}


def encode(data, codings):
    for coding in codings:
        data = ENCODERS[coding](data)
    return data


def feed_in_parts(decoder, data, cuts):
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    parts = [data[a:b] for a, b in pairwise(places)]
    return b"".join(decoder.feed(part) for part in parts) + decoder.finish()


@settings(deadline=None, max_examples=150)
@given(BODIES, st.lists(st.sampled_from(sorted(ENCODERS)), max_size=3), CUTS)
def test_what_was_encoded_comes_back_however_it_is_cut(body, codings, cuts):
    decoder = BodyDecoder(codings)
    assert feed_in_parts(decoder, encode(body, codings), cuts) == body
    assert decoder.problems == []
    assert decoder.length == len(body)


@settings(deadline=None, max_examples=60)
@given(BODIES.filter(lambda body: len(body) > 3), CUTS)
def test_raw_deflate(body, cuts):
    decoder = BodyDecoder(["deflate"])
    assert feed_in_parts(decoder, raw_deflate(body), cuts) == body
    assert decoder.problems == []


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=3000), st.lists(st.sampled_from([*ENCODERS, "foo", "compress"]), max_size=3), CUTS)
def test_any_bytes_give_bytes_and_problems_never_an_exception(data, codings, cuts):
    whole, problems = decode(data, codings, cap=1 << 20)
    parts = BodyDecoder(codings, cap=1 << 20)
    assert feed_in_parts(parts, data, cuts) == whole
    assert [problem.code for problem in problems] == [problem.code for problem in parts.problems]
    assert len(whole) <= 1 << 20


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(["gzip", "deflate", "br", "zstd"]), st.integers(0, 10**6),
       st.binary(min_size=500, max_size=3000))
def test_a_cut_body_keeps_its_beginning(coding, cut, noise):
    body = b"".join(b"%d %x\n" % (index, byte) for index, byte in enumerate(noise))
    data = encode(body, [coding])
    kept = 1100 + cut % (len(data) - 1100) if len(data) > 1200 else len(data) // 2
    got, problems = decode(data[:kept], [coding])
    assert body.startswith(got)
    if kept < len(data) - 8:
        assert [problem.code for problem in problems] == [Code.BODY_UNDECODABLE]


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_damage_in_the_middle_keeps_what_came_before(coding):
    body = b"".join(b"line %d\n" % n for n in range(20000))
    data = bytearray(encode(body, [coding]))
    data[len(data) // 2:len(data) // 2 + 40] = b"\xff" * 40
    got, problems = decode(bytes(data), [coding])
    same = next((index for index, (a, b) in enumerate(zip(got, body, strict=False)) if a != b), len(got))
    assert same > len(body) // 3
    assert problems[0].code == Code.BODY_UNDECODABLE


ODD = {
    "gzip over plain text": (["gzip"], EICAR),
    "deflate over plain text": (["deflate"], EICAR),
    "br over plain text": (["br"], EICAR),
    "zstd over plain text": (["zstd"], EICAR),
    "gzip twice over one gzip": (["gzip", "gzip"], gzip.compress(EICAR)),
    "gzip, deflate over one gzip": (["gzip", "deflate"], gzip.compress(EICAR)),
    "deflate, gzip over raw deflate": (["deflate", "gzip"], raw_deflate(EICAR)),
    "deflate, gzip over plain text": (["deflate", "gzip"], EICAR),
    "zlib called gzip": (["gzip"], zlib.compress(EICAR)),
    "an unknown coding": (["foo"], EICAR),
    "gzip with a wrong checksum": (["gzip"], gzip.compress(EICAR)[:-8] + b"abcd" + gzip.compress(EICAR)[-4:]),
    "gzip without a trailer": (["gzip"], gzip.compress(EICAR)[:-8]),
    "gzip with a cut trailer": (["gzip"], gzip.compress(EICAR)[:-4]),
    "gzip and rubbish": (["gzip"], gzip.compress(EICAR) + b"rubbish after it"),
    "zlib without its checksum": (["deflate"], zlib.compress(EICAR)[:-4]),
}


@pytest.mark.parametrize("case", ODD)
def test_odd_codings_are_read_as_peers_read_them(case):
    codings, data = ODD[case]
    assert decode(data, codings)[0] == EICAR
    slow = BodyDecoder(codings)
    assert b"".join(slow.feed(data[at:at + 1]) for at in range(len(data))) + slow.finish() == EICAR
    if case not in ("zlib without its checksum", "gzip without a trailer", "gzip with a cut trailer"):
        assert slow.problems


def test_gzip_members_and_header_fields():
    plain = gzip.compress(b"two")
    extra = b"\x1f\x8b\x08\x1f" + bytes(6) + b"\x03\x00abc" + b"name\0" + b"comment\0" + b"\x12\x34" + plain[10:]
    reserved = b"\x1f\x8b\x08\x80" + plain[4:]
    assert decode(gzip.compress(b"one ") + extra + reserved + bytes(100), ["gzip"]) == (b"one twotwo", [])


def test_zstd_frames_follow_each_other():
    one = zstandard.ZstdCompressor().compress(b"one ")
    assert decode(one + zstandard.ZstdCompressor().compress(b"two"), ["zstd"]) == (b"one two", [])


def bomb(coding, size=256 << 20):
    zeros = bytes(1 << 20)
    if coding == "zstd":
        packer = zstandard.ZstdCompressor().compressobj()
        return b"".join(packer.compress(zeros) for _ in range(size >> 20)) + packer.flush()
    if coding == "br":
        packer = brotli.Compressor(quality=1)
        return b"".join(packer.process(zeros) for _ in range(size >> 20)) + packer.finish()
    packer = zlib.compressobj(wbits=31 if coding == "gzip" else 15 if coding == "zlib" else -15)
    return b"".join(packer.compress(zeros) for _ in range(size >> 20)) + packer.flush()


@pytest.mark.parametrize(("kind", "codings"), [
    ("gzip", ["gzip"]), ("zlib", ["deflate"]), ("raw", ["deflate"]), ("br", ["br"]), ("zstd", ["zstd"]),
    ("twice", ["gzip", "gzip"])])
def test_a_bomb_costs_neither_time_nor_memory(kind, codings):
    data = gzip.compress(bomb("gzip")) if kind == "twice" else bomb(kind)
    decoder = BodyDecoder(codings, cap=1 << 20)
    tracemalloc.start()
    begun = time.process_time()
    given_out = sum(len(piece) for piece in decoder.pieces(data * 3)) + len(decoder.finish())
    spent, peak = time.process_time() - begun, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert given_out == 1 << 20
    assert [problem.code for problem in decoder.problems if problem.code == Code.BODY_CAPPED] == [Code.BODY_CAPPED]
    assert peak < 24 << 20
    assert spent < 2


def test_a_thousand_codings_are_not_undone():
    data = gzip.compress(b"x")
    got, problems = decode(data, ["gzip"] * 1000)
    assert got == b"x"
    assert f"more than {CODINGS}" in problems[-1].detail


def test_brotli_and_rubbish_after_it():
    body = b"".join(b"%d " % n for n in range(3000))
    for data in (brotli.compress(b"x"), brotli.compress(body), brotli.compress(b"")):
        expected = brotli.decompress(data)
        for rubbish in (b"", b"rubbish"):
            got, problems = decode(data + rubbish, ["br"])
            assert got == expected
            assert bool(problems) == bool(rubbish)


def test_damaged_brotli_keeps_its_beginning():
    body = b"".join(b"line %d\n" % n for n in range(20000))
    data = bytearray(brotli.compress(body, quality=4))
    data[len(data) // 2:len(data) // 2 + 40] = b"\xff" * 40
    got, problems = decode(bytes(data), ["br"])
    assert len(got) > len(body) // 4 and body.startswith(got[:len(body) // 4])
    assert problems
