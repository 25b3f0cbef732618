"""Bodies collected while they arrive: exact, with holes marked, decoders within their budget."""

import gzip
import hashlib

import numpy as np
import pytest

from sniff import limits
from sniff.decode import columns as d
from sniff.decode.batch import AppBatch
from sniff.decode.bodies import BodyCollector, Digest
from sniff.decode.http1 import HttpMessages
from sniff.limits import Counters
from sniff.notes import Code, Notes
from sniff.packets.stage import Dissector
from sniff.reassembly.stage import Tracker
from tests import wire

REQUEST = (0, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
TEXT = b"".join(b"line %d\n" % number for number in range(2000))


def response(body, fields=b""):
    return 1, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s" % (len(body), fields, body)


def chunked(body, size, fields=b""):
    parts = b"".join(b"%x\r\n%s\r\n" % (len(body[at:at + size]), body[at:at + size]) for at in range(0, len(body), size))
    return 1, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n%s\r\n%s0\r\n\r\n" % (fields, parts)


class Pieces(Digest):
    """A digest that keeps what it gets."""

    def __init__(self, hashes=()):
        super().__init__(hashes)
        self.pieces = []

    def data(self, piece):
        super().data(piece)
        self.pieces.append(piece)


def collect(frames, sizes=(), kind=Digest, **options):
    """[Digest] of the bodies in these frames, and the notes."""
    notes, counters = Notes(), Counters()
    dissector, tracker, reader = Dissector(notes, counters), Tracker(notes, counters), HttpMessages(notes, counters, bodies=True)
    digests = []

    def choose(message):
        digests.append(kind(("sha256",)))
        return digests[-1]

    collector = BodyCollector(choose, notes=notes, counters=counters, **options)
    for raw in wire.batches(frames, sizes):
        streams = tracker.track(dissector.dissect(raw))
        messages, heads = reader.read(streams)
        collector.add(AppBatch(streams, np.zeros((d.APP_COUNT, len(raw)), np.int64), np.empty(0, np.uint8), messages, heads,
                               begun=reader.begun, bodies=reader.parts))
    collector.finish()
    assert len(collector) == 0
    return digests, notes, counters


def frames_of(parts, length=1000, lost=()):
    segments = wire.cut(parts, [length])
    tcp = wire.Tcp()
    frames = [*tcp.open(), *(tcp.frame(direction, data, wire.ACK | wire.PSH) for direction, data in segments), *tcp.close()]
    return [frame for index, frame in enumerate(frames) if index - 3 not in lost]


@pytest.mark.parametrize("said", [
    response(TEXT), response(gzip.compress(TEXT), b"Content-Encoding: gzip\r\n"), chunked(TEXT, 700),
    chunked(gzip.compress(TEXT), 77, b"Content-Encoding: gzip\r\n"), (1, b"HTTP/1.0 200 OK\r\n\r\n" + TEXT)])
@pytest.mark.parametrize("sizes", [(), (1,) * 40, (3, 5)])
def test_a_body_comes_out_whole_wherever_it_is_cut(said, sizes):
    digest, = collect(frames_of([REQUEST, said], 333), sizes)[0]
    assert digest.info.length == len(TEXT)
    assert digest.hash("sha256") == hashlib.sha256(TEXT).hexdigest()
    assert digest.prefix == TEXT[:limits.SNIFF_BYTES] and digest.last == b"\n"
    assert digest.info.ended and digest.info.complete and not digest.info.problems


def test_tiny_chunks_come_together():
    """A sink that keeps what it gets would need an object for every byte."""
    digests, *_ = collect(frames_of([REQUEST, chunked(TEXT, 1), REQUEST, chunked(TEXT[:5000], 7)], 1460), kind=Pieces)
    assert [b"".join(digest.pieces) for digest in digests] == [TEXT, TEXT[:5000]]
    assert len(digests[0].pieces) < len(TEXT) / 8192 and len(digests[1].pieces) <= 2


def test_the_parts_of_bodies_that_arrive_together_are_sorted_out():
    tcps, texts = (wire.Tcp(client_port=1001), wire.Tcp(client_port=1002)), (TEXT[:6_000], TEXT[6_000:16_000])
    heads = [b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text) for text in texts]
    frames = [frame for tcp in tcps for frame in [*tcp.open(), tcp.frame(*REQUEST, wire.ACK)]]
    frames += [tcp.frame(1, head, wire.ACK) for tcp, head in zip(tcps, heads, strict=True)]
    for start in range(0, 10_000, 1000):
        frames += [tcp.frame(1, text[start:start + 1000], wire.ACK) for tcp, text in zip(tcps, texts, strict=True) if start < len(text)]
    frames += [frame for tcp in tcps for frame in tcp.close()]
    digests = collect(frames)[0]
    assert {digest.hash("sha256") for digest in digests} == {hashlib.sha256(text).hexdigest() for text in texts}
    assert all(digest.info.complete for digest in digests)


def test_bodies_as_they_were_sent():
    coded = gzip.compress(TEXT)
    digest, = collect(frames_of([REQUEST, chunked(coded, 99, b"Content-Encoding: gzip\r\n")]), decode=False)[0]
    assert digest.hash("sha256") == hashlib.sha256(coded).hexdigest()


def test_a_hole_is_marked_and_never_filled():
    digest, = collect(frames_of([REQUEST, response(TEXT)], 1000, lost=(3,)))[0]
    info = digest.info
    head = len(response(TEXT)[1]) - len(TEXT)
    assert info.holes == [(2000 - head, 1000)]
    assert info.length + info.missing == len(TEXT)
    assert not info.complete


def test_segments_lost_in_a_row_are_one_hole():
    digest, = collect(frames_of([REQUEST, response(TEXT)], 1000, lost=(3, 4, 5, 7)), sizes=(6, 1, 1))[0]
    assert [length for _, length in digest.info.holes] == [3000, 1000]


def test_what_follows_a_hole_in_compressed_bytes_is_lost():
    noise = np.random.default_rng(1).bytes(20000)
    digest, = collect(frames_of([REQUEST, response(gzip.compress(noise), b"Content-Encoding: gzip\r\n")], 1000, lost=(5,)))[0]
    assert 2000 < digest.info.length < 5000
    assert digest.info.missing == 1000
    assert digest.info.lost > 10000
    assert not digest.info.complete


def test_a_bomb_is_stopped_with_a_note():
    digests, notes, counters = collect(frames_of([REQUEST, response(gzip.compress(bytes(5 << 20)), b"Content-Encoding: gzip\r\n")]),
                                       cap=1 << 20)
    assert digests[0].info.length == 1 << 20 and digests[0].info.capped
    assert notes.counts[Code.BODY_CAPPED] == 1
    assert counters.bodies_cut == 1


def test_a_body_that_is_not_compressed_has_no_cap():
    digest, = collect(frames_of([REQUEST, response(TEXT)]), cap=100)[0]
    assert digest.info.length == len(TEXT) and not digest.info.capped


def test_decoders_stay_within_their_budget(monkeypatch):
    monkeypatch.setattr(limits, "DECODERS_BYTES", 300_000)
    coded = gzip.compress(np.random.default_rng(2).bytes(3000))
    opened = [wire.Tcp(40_000 + number) for number in range(10)]
    frames = [frame for tcp in opened for frame in tcp.open()]
    frames += [tcp.frame(*REQUEST, wire.ACK) for tcp in opened]
    whole = response(coded, b"Content-Encoding: gzip\r\n")[1]
    frames += [tcp.frame(1, whole[:1000], wire.ACK) for tcp in opened]
    frames += [tcp.frame(1, whole[1000:], wire.ACK) for tcp in opened]
    digests, _, counters = collect(frames)
    assert len(digests) == 10
    assert sum(digest.info.complete for digest in digests) == 10 - counters.bodies_cut
    assert 0 < counters.bodies_cut < 10


def test_a_body_that_is_still_running_is_closed():
    frames = frames_of([REQUEST, response(TEXT)])[:8]
    digest, = collect(frames)[0]
    assert 0 < digest.info.length < len(TEXT)
    assert not digest.info.complete
