"""The decoders that are held to the contract of test_contract.py. A decoder that is listed here gets its tests for free.

The contract: any split of a conversation gives the same messages; batch boundaries change nothing; any bytes give messages
and notes, never an exception; memory stays under a cap; compiled and uncompiled agree.
"""

import importlib
import itertools
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from hpack import Encoder
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from sniff.capture.raw import Bytes, RawBatch
from sniff.decode import columns as d
from sniff.decode import dns_columns as dns
from sniff.exchange import dns_pair
from sniff.limits import Counters
from sniff.notes import Notes
from sniff.packets.stage import Dissector
from sniff.reassembly.batch import StreamBatch
from sniff.reassembly.stage import Tracker
from tests import twins, wire

Conversation = list[tuple[int, bytes]]
"""What client (0) and server (1) say, in order."""

Load = Callable[[str], ModuleType]
"""Gives a module by name: compiled, or its uncompiled twin."""

Facts = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Decoder:
    """One decoder and what the tests need to know of it.

    frames         the packets that carry a conversation
    read           everything that the decoder says about some batches
    conversations  valid, odd and hostile ones
    split          any split of the bytes gives the same facts (not so for rows: a row is about one packet)
    floods         input without end, as frames: the decoder's memory must not grow with any of them
    opening        said before any split: what a connection speaks is told by how a segment begins
    """

    name: str
    frames: Callable[[Conversation], list[bytes]]
    read: Callable[[Load, Iterable[RawBatch]], Iterator[tuple[Any, ...]]]
    conversations: SearchStrategy[Conversation]
    split: Callable[[Facts], Facts] | None
    floods: dict[str, Callable[[], Iterator[bytes]]]
    opening: Conversation = field(default_factory=list)

    def facts(self, load: Load, raws: Iterable[RawBatch]) -> Facts:
        """All that it says."""
        return list(self.read(load, raws))


@cache
def twin(name: str) -> ModuleType:
    """The uncompiled copy of a module."""
    return twins.uncompiled(name)


compiled: Load = importlib.import_module


def streams_of(raws: Iterable[RawBatch], pieces: bool) -> Iterator[StreamBatch]:
    """The batches as decoders get them."""
    notes, counters = Notes(), Counters()
    dissector, tracker = Dissector(notes, counters), Tracker(notes, counters, pieces=pieces)
    for raw in raws:
        yield tracker.track(dissector.dissect(raw))


# --- HTTP/1 -------------------------------------------------------------------------------------------------------------

REQUESTS = [
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"HEAD /x HTTP/1.0\r\n\r\n",
    b"POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\na=b&c",
    b"PUT /y HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n",
    b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
]
RESPONSES = [
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<p/>",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\nabcd\r\n1\r\ne\r\n0\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n\x00\x01",
    b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
]
ODDITIES = [
    b"\r\n", b"\n", b"\r", b" ", b":", b"0\r\n\r\n", b"Content-Length: 7\r\n", b"Content-Length: -1\r\n",
    b"Content-Length: 9999999999999999999999\r\n", b"Transfer-Encoding: chunked\r\n", b"HTTP/1.1 200 OK\r\n",
    b"GET / HTTP/1.1\r\n", b"GET / HTTP/1.1\n\n", b"ffffffffffffffff\r\n", b"5\r\nab",
    b" folded\r\n", b"X : y\r\n", b"\x00", b"\xff\xfe", b"HTTP/", b"GE",
]


def http_conversations() -> SearchStrategy[Conversation]:
    """What both sides say, from whole messages to noise."""
    said = st.one_of(
        st.tuples(st.just(0), st.sampled_from(REQUESTS)),
        st.tuples(st.just(1), st.sampled_from(RESPONSES)),
        st.tuples(st.integers(0, 1), st.sampled_from(ODDITIES)),
        st.tuples(st.integers(0, 1), st.binary(min_size=1, max_size=40)),
        st.tuples(st.integers(0, 1), st.sampled_from(REQUESTS + RESPONSES).flatmap(
            lambda whole: st.integers(1, len(whole)).map(lambda length: whole[:length]))),
    )
    return st.lists(said, max_size=12)


def part(buffer: Bytes, start: int, length: int) -> Bytes:
    """Some bytes of a buffer."""
    return buffer[start:start + length]


def http_messages(load: Load, raws: Iterable[RawBatch]) -> Iterator[tuple[Any, ...]]:
    """All columns of all messages, with the bytes they refer to."""
    reader = load("sniff.decode.http1").HttpMessages(Notes(), Counters())
    for streams in streams_of(raws, pieces=True):
        table, heads = reader.read(streams)
        buffers = (streams.packets.data, heads)
        for row in table.T.tolist():
            head = part(buffers[row[d.M_HEAD_BUFFER]], row[d.M_HEAD_START], row[d.M_HEAD_KEPT])
            prefix = part(buffers[row[d.M_PREFIX_BUFFER]], row[d.M_PREFIX_START], row[d.M_PREFIX_LEN])
            assert len(head) == row[d.M_HEAD_KEPT], "the head lies within its buffer"
            assert len(prefix) == row[d.M_PREFIX_LEN], "the prefix lies within its buffer"
            for column in (d.M_HEAD_START, d.M_HEAD_BUFFER, d.M_PREFIX_START, d.M_PREFIX_BUFFER, d.M_SLOT):
                row[column] = 0    # where a batch keeps something says nothing about the message
            yield (*row, head.tobytes(), prefix.tobytes())


ABOUT_PACKETS = {d.M_ID, d.M_FIRST_PACKET, d.M_HEAD_PACKET, d.M_LAST_PACKET, d.M_FIRST_NS, d.M_HEAD_NS, d.M_LAST_NS, d.M_STORE_OFFSET}


def http_split(facts: Facts) -> Facts:
    """What does not depend on which packet carried which byte.

    Behind a tunnel's opening there may be any protocol, which is told by how a segment begins.
    """
    tunnel = next((number for number, fact in enumerate(facts) if fact[d.M_FRAMING] == d.Framing.TUNNEL), len(facts))
    return [tuple(0 if column in ABOUT_PACKETS else value for column, value in enumerate(fact)) for fact in facts[:tunnel + 1]]


def http_flood(*said: tuple[int, bytes], opening: Conversation | None = None) -> Callable[[], Iterator[bytes]]:
    """The same bytes over and over in one connection, without end."""
    def frames() -> Iterator[bytes]:
        tcp = wire.Tcp()
        yield from tcp.open()
        for direction, data in opening or []:
            yield tcp.frame(direction, data)
        while True:
            for direction, data in said:
                yield tcp.frame(direction, data)
    return frames


def http_many_connections() -> Iterator[bytes]:
    """Connection after connection, each with an unfinished head."""
    for port in itertools.cycle(range(1_024, 65_536)):
        tcp = wire.Tcp(client_port=port)
        yield from tcp.open()
        yield tcp.frame(0, b"GET / HTTP/1.1\r\nX: ")
        for _ in range(40):
            yield tcp.frame(0, b"x" * 1_400)


HTTP_FLOODS: dict[str, Callable[[], Iterator[bytes]]] = {
    "a head without end": http_flood((0, b"X: " + b"y" * 1_395 + b"\r\n"), opening=[(0, b"GET / HTTP/1.1\r\n")]),
    "a line without end": http_flood((0, b"y" * 1_400), opening=[(0, b"GET /")]),
    "a line byte by byte": http_flood((0, b"y"), opening=[(0, b"GET /")]),
    "a head byte by byte": http_flood((0, b"X"), (0, b":"), (0, b"\r"), (0, b"\n"), opening=[(0, b"GET / HTTP/1.1\r\n")]),
    "a message byte by byte": http_flood(*[(0, bytes([byte])) for byte in REQUESTS[2]]),
    "chunks byte by byte": http_flood((1, b"1"), (1, b"\r"), (1, b"\n"), (1, b"x"), (1, b"\r"), (1, b"\n"), opening=[
        (0, b"GET / HTTP/1.1\r\n\r\n"), (1, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")]),
    "a chunk extension without end": http_flood((1, b"y" * 1_400), opening=[
        (0, b"GET / HTTP/1.1\r\n\r\n"), (1, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;")]),
    "a trailer without end": http_flood((1, b"X: " + b"y" * 1_395 + b"\r\n"), opening=[
        (0, b"GET / HTTP/1.1\r\n\r\n"), (1, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")]),
    "a body without end": http_flood((1, b"y" * 1_400), opening=[
        (0, b"GET / HTTP/1.1\r\n\r\n"), (1, b"HTTP/1.1 200 OK\r\n\r\n")]),
    "requests without responses": http_flood((0, b"GET /" + b"x" * 1_000 + b" HTTP/1.1\r\n\r\n")),
    "informational responses without end": http_flood((1, b"HTTP/1.1 100 Continue\r\nX: " + b"x" * 1_000 + b"\r\n\r\n")),
    "many connections": http_many_connections,
}


def rows(load: Load, raws: Iterable[RawBatch]) -> Iterator[tuple[Any, ...]]:
    """The words that HTTP, HTTP/2 and DNS have for each packet."""
    http, second = load("sniff.decode.http1").HttpRows(Counters()), load("sniff.decode.http2_rows").Http2Rows(Counters())
    reader = load("sniff.decode.dns").DnsRows(Counters())
    pools = load("sniff.decode.pool")
    for streams in streams_of(raws, pieces=False):
        apps = np.zeros((d.APP_COUNT, len(streams.packets)), np.int64)
        pool = pools.Pool()
        reader.read(streams, apps, pool)
        http.read(streams, apps, pool)
        second.read(streams, apps, pool)
        for row in apps.T.tolist():
            start, length = row[d.APP_TEXT], row[d.APP_TEXT_LEN]
            assert 0 <= start <= start + length <= pool.used, "the text lies within the pool"
            row[d.APP_TEXT] = row[d.APP_HTTP2] = 0
            yield (*row, pool.data[start:start + length].tobytes())


# --- HTTP/2 -------------------------------------------------------------------------------------------------------------

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def http2_frame(kind: int, flags: int, stream: int, payload: bytes = b"", wrong: int = 0) -> bytes:
    """One frame (RFC 9113 section 4.1), whose length may lie."""
    return max(len(payload) + wrong, 0).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def http2_conversations() -> SearchStrategy[Conversation]:
    """Frames of both sides, whole, cut and wrong, behind the preface or behind a switch to h2c."""
    blocks = st.one_of(st.binary(max_size=12), st.lists(st.tuples(
        st.sampled_from([":method", ":path", ":status", "content-type", "x"]),
        st.sampled_from(["GET", "/x", "200", "404", "application/grpc", "application/json", "text/html", "application/dns-message"])),
        max_size=4).map(lambda fields: Encoder().encode(fields)))
    payloads = st.one_of(blocks, blocks, dns_messages(), st.binary(max_size=20), st.just(b"\0\0\0\0\2ab\0\0"))
    frames = st.builds(http2_frame, st.integers(0, 17), st.sampled_from([0, 1, 4, 5, 5, 8, 32, 255]), st.integers(0, 4), payloads,
                       st.sampled_from([0, 0, 0, 0, 1, -1, 70_000]))
    said = st.lists(st.tuples(st.integers(0, 1), st.one_of(
        frames, frames, st.lists(frames, max_size=4).map(b"".join), st.binary(max_size=12), st.just(PREFACE),
        frames.flatmap(lambda whole: st.integers(0, len(whole)).map(lambda size: whole[:size])))), max_size=12)
    upgrade = [(0, b"GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n"),
               (1, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n" + http2_frame(4, 0, 0)), (0, PREFACE)]
    openings = st.sampled_from([[(0, PREFACE)], [(0, PREFACE + http2_frame(4, 0, 0))], upgrade])
    return st.builds(lambda opening, rest: [*opening, *rest], openings, said)


def http2_many_connections() -> Iterator[bytes]:
    """Connection after connection, each with most of a frame."""
    for port in itertools.cycle(range(1_024, 65_536)):
        tcp = wire.Tcp(client_port=port)
        yield from tcp.open()
        yield tcp.frame(0, PREFACE + http2_frame(1, 0, 1, wrong=200_000))
        for _ in range(40):
            yield tcp.frame(0, b"x" * 1_400)


def http2_streams() -> Iterator[bytes]:
    """Stream after stream, each with the beginning of a DNS message."""
    tcp, fields = wire.Tcp(), Encoder().encode([(":method", "POST"), ("content-type", "application/dns-message")])
    yield from tcp.open()
    yield tcp.frame(0, PREFACE)
    for number in itertools.count(1, 2):
        stream = number % (1 << 31)
        yield tcp.frame(0, http2_frame(1, 4, stream, fields) + http2_frame(0, 0, stream, b"x" * 1_000))


HTTP2_FLOODS: dict[str, Callable[[], Iterator[bytes]]] = {
    "a header block without end": http_flood((0, http2_frame(9, 0, 1, b"\x40\1a\1b" * 300)), opening=[
        (0, PREFACE + http2_frame(1, 0, 1, b"\x82"))]),
    "a frame without end": http_flood((0, b"x" * 1_400), opening=[(0, PREFACE + http2_frame(0, 0, 1, wrong=(1 << 24) - 1))]),
    "a gRPC message without end": http_flood((0, http2_frame(0, 0, 1, b"\xff" * 1_300)), opening=[(0, PREFACE + http2_frame(
        1, 4, 1, Encoder().encode([(":method", "POST"), ("content-type", "application/grpc")])))]),
    "streams without end": http2_streams,
    "many connections": http2_many_connections,
}


# --- DNS ----------------------------------------------------------------------------------------------------------------

NAMES = [b"\x01a\x04test\0", b"\0", b"\xc0\x0c", b"\xc0\x00", b"\xff\xff", b"\x3f" + b"x" * 63 + b"\0", b"\x05ab",
         b"\x04a.b\\\0", b"\x02\xc3\xa4\0"]
TYPES = [1, 2, 5, 6, 12, 13, 15, 16, 28, 33, 35, 41, 43, 46, 47, 48, 50, 64, 65, 99, 249, 250, 251, 252, 255, 257, 65_280]
FLAGS = [0x0100, 0x8180, 0x8183, 0x2800, 0xFFFF, 0x0010]


@st.composite
def dns_messages(draw: st.DrawFn) -> bytes:
    """A DNS message that is whole, or nearly, or not at all."""
    number = st.integers(0, 0xFFFF)
    names = st.sampled_from(NAMES)
    counts = draw(st.lists(st.integers(0, 3), min_size=4, max_size=4))
    message = b"".join(value.to_bytes(2, "big") for value in (draw(number), draw(st.sampled_from(FLAGS)), *counts))
    for _ in range(counts[0]):
        message += draw(names) + draw(st.sampled_from(TYPES)).to_bytes(2, "big") + b"\0\1"
    for _ in range(sum(counts[1:])):
        data = draw(st.one_of(st.binary(max_size=24), names, names.map(lambda name: b"\0\x0a" + name)))
        length = draw(st.sampled_from([len(data), len(data), len(data), 0, 0xFFFF]))
        kind = draw(st.sampled_from(TYPES))
        message += draw(names) + struct.pack(">HHIH", kind, 1, 60, length) + data
    return message[:draw(st.integers(0, len(message)))] if draw(st.booleans()) else message


def dns_conversations() -> SearchStrategy[Conversation]:
    """Queries, answers and noise."""
    return st.lists(st.tuples(st.integers(0, 1), st.one_of(dns_messages(), st.binary(max_size=64))), max_size=8)


def dns_frames(said: Conversation) -> list[bytes]:
    """Datagrams to and from port 53, and to the ports of mDNS, LLMNR and NBNS."""
    ports = (53, 5353, 5355, 137)
    frames = [wire.udp(direction, data, server_port=ports[turn % 7 % 4]) for turn, (direction, data) in enumerate(said)]
    return frames or [wire.udp(0, b"")]


def dns_flood() -> Iterator[bytes]:
    """Names of pointers to pointers, as long as a datagram can be."""
    hop = b"".join((0xC000 | 12 + 2 * i).to_bytes(2, "big") for i in range(8_000))
    for number in itertools.cycle(range(300)):
        yield wire.udp(1, number.to_bytes(2, "big") + b"\x81\x80" + b"\xff\xff" * 4 + b"\1a" + hop)


EXCHANGE = [dns_pair.X_STATE_, dns_pair.X_RETRIES_, dns_pair.X_BEFORE_, dns_pair.X_QUERY_ + dns.D_NUMBER,
            dns_pair.X_QUERY_ + dns.D_QHASH, dns_pair.X_ANSWER_ + dns.D_NUMBER, dns_pair.X_ANSWER_ + dns.D_ANSWER_HASH]
"""What is compared of an exchange."""


def dns_messages_of(load: Load, raws: Iterable[RawBatch]) -> Iterator[tuple[Any, ...]]:
    """All columns of all messages, their records and bytes, and the exchanges they make."""
    decoder, pairing = load("sniff.decode.dns").DnsDecoder(Notes(), Counters()), load("sniff.exchange.dns").DnsPairing()
    names, said = load("sniff.exchange.names").Names(), []
    for streams in streams_of(raws, pieces=True):
        batch = decoder.decode(streams)
        exchanges = pairing.add(batch)
        names.learn(exchanges)
        for row in batch.messages.tolist():
            records = batch.records[row[dns.D_FIRST_RECORD]:row[dns.D_FIRST_RECORD] + row[dns.D_RECORDS], 1:].tolist()
            wire_bytes = batch.data[row[dns.D_START]:row[dns.D_START] + row[dns.D_LEN]].tobytes()
            assert len(wire_bytes) == row[dns.D_LEN], "the bytes lie within their array"
            for column in (dns.D_START, dns.D_INDEX, dns.D_FIRST_RECORD):
                row[column] = 0     # where a batch keeps something says nothing about the message
            yield (*row, str(records), wire_bytes)
        said += exchanges.rows[:, EXCHANGE].tolist()
    said += pairing.finish().rows[:, EXCHANGE].tolist()
    yield from (("exchange", *row) for row in said)


DNS_ABOUT_PACKETS = {dns.D_NUMBER, dns.D_TS_NS, dns.D_FIRST_NUMBER, dns.D_OFFSET}


def dns_split(facts: Facts) -> Facts:
    """What does not depend on which packet carried which byte."""
    return [tuple(0 if column in DNS_ABOUT_PACKETS else value for column, value in enumerate(fact))
            for fact in facts if fact[0] != "exchange"]


def dns_streams() -> SearchStrategy[Conversation]:
    """Messages with their lengths, and lengths that lie."""
    def with_length(message: bytes, wrong: int) -> bytes:
        return max(len(message) + wrong, 0).to_bytes(2, "big") + message

    whole = st.builds(with_length, dns_messages(), st.sampled_from([0, 0, 0, 0, -3, 2, 500]))
    return st.lists(st.tuples(st.integers(0, 1), st.one_of(whole, whole, st.binary(max_size=20))), max_size=8)


def dns_tcp_frames(said: Conversation) -> list[bytes]:
    """A connection to port 53."""
    return wire.conversation(said, server_port=53)


def dns_many_connections() -> Iterator[bytes]:
    """Connection after connection, each with most of a message."""
    for port in itertools.cycle(range(1_024, 65_536)):
        tcp = wire.Tcp(client_port=port, server_port=53)
        yield from tcp.open()
        yield tcp.frame(0, b"\xff\xff")
        for _ in range(40):
            yield tcp.frame(0, b"x" * 1_400)


DNS_TCP_FLOODS = {"many connections": dns_many_connections}
DNS_FLOODS = {"pointers": dns_flood}

DECODERS = [
    Decoder("HTTP/1 messages", wire.conversation, http_messages, http_conversations(), http_split, HTTP_FLOODS,
            [(0, REQUESTS[0])]),
    Decoder("HTTP/1 rows", wire.conversation, rows, http_conversations(), None, HTTP_FLOODS),
    Decoder("HTTP/2 rows", wire.conversation, rows, http2_conversations(), None, HTTP2_FLOODS),
    Decoder("DNS rows", dns_frames, rows, dns_conversations(), None, DNS_FLOODS),
    Decoder("DNS messages", dns_frames, dns_messages_of, dns_conversations(), None, DNS_FLOODS),
    Decoder("DNS over TCP rows", dns_tcp_frames, rows, dns_streams(), None, DNS_TCP_FLOODS),
    Decoder("DNS over TCP messages", dns_tcp_frames, dns_messages_of, dns_streams(), dns_split, DNS_TCP_FLOODS),
]
