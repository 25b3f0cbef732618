"""Rows of HTTP/2 in the clear are tshark's: every type of frame, bodies of many kinds, any segments, upgrades, DNS over HTTPS."""

import itertools
import random
import struct
import subprocess
from pathlib import Path

import pytest
from hpack import Encoder

from tests import wire
from tests.decode.contract import PREFACE, http2_frame
from tests.differential.test_http_rows import ours, tshark
from tests.report import html_captures as captures

DATA, HEADERS, CONTINUATION, END, WHOLE = 0, 1, 9, 1, 4
BODIES = {
    "text/plain": b"some body\n", "text/html; charset=utf-8": b"<p/>", "TEXT/CSS": b"a{}", "text/event-stream": b"data: 1\n\n",
    "application/json": b'{"a": 1}', "application/x-ndjson": b"{}\n", "application/vnd.api+json": b"{}",
    "application/problem+json": b'{"a": 1}', "text/xml": b"<?xml version='1.0'?><a/>", "image/svg+xml": b"<svg/>",
    "application/x-www-form-urlencoded": b"a=1&b=2", "application/octet-stream": b"\0\1\2", "application/javascript": b"1",
    "image/jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(20), "": b"some body",
    "application/grpc": b"\0\0\0\0\2\x08\1", "application/grpc+proto": b"\0\0\0\0\2\x08\1\0\0\0\0\2\x08\2",
    "application/dns-message": struct.pack(">HHHHHH", 0, 0x0100, 1, 0, 0, 0) + b"\3two\4test\0\0\1\0\1",
}
STATUSES = ["200", "200", "204", "304", "404", "418", "500", "599", "999"]


class Server:
    """Both ends of a connection: what they say, frame by frame."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.coders = (Encoder(), Encoder())
        self.said: list[tuple[int, bytes]] = [(0, PREFACE + http2_frame(4, 0, 0)), (1, http2_frame(4, 0, 0)), (1, http2_frame(4, 1, 0))]

    def message(self, direction: int, stream: int, fields: list[tuple[str, str]], body: bytes) -> None:
        """Headers and a body, in one segment or in several."""
        block, rng = self.coders[direction].encode(fields), self.rng
        frames = [http2_frame(HEADERS, WHOLE | (0 if body else END), stream, block)]
        cuts = [0, rng.randrange(1, len(body)), len(body)] if len(body) > 1 and rng.random() < 0.4 else [0, len(body)]
        for start, stop in itertools.pairwise(cuts):
            if body:
                frames.append(http2_frame(DATA, END if stop == len(body) else 0, stream, body[start:stop]))
        if rng.random() < 0.3:
            frames.append(rng.choice([http2_frame(6, 0, 0, b"12345678"), http2_frame(8, 0, stream, b"\0\0\0\5"),
                                      http2_frame(2, 0, stream, b"\0\0\0\0\x10"), http2_frame(13, 0, 0, b"abc")]))
        if rng.random() < 0.5:
            self.said.append((direction, b"".join(frames)))
        else:
            self.said += [(direction, frame) for frame in frames]

    def exchange(self, stream: int) -> None:
        """A request and its response."""
        rng = self.rng
        fields = [(":method", "GET"), (":scheme", "http"), (":authority", "two.test"), (":path", f"/{stream}?q={rng.random()}")]
        media, content = list(BODIES.items())[stream // 2 % len(BODIES)]
        body = b""
        if media and rng.random() < 0.3:    # a response that says nothing of its media type is read as if it were of the request's
            fields[0] = (":method", "POST")
            fields.append(("content-type", "application/json"))
            body = b'{"x": 2}'
        self.message(0, stream, fields, body)
        fields = [(":status", rng.choice(STATUSES)), *([("content-type", media)] if media else [])]
        self.message(1, stream, fields, content if rng.random() < 0.9 else b"")


def segments(rng: random.Random, said: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """The same bytes; some cut into segments of odd sizes."""
    parts = [said[0]]       # of a preface that is not whole tshark says nothing
    for direction, data in said[1:]:
        step = rng.choice([len(data), len(data), len(data), rng.randrange(1, len(data) + 1), 7])
        parts += [(direction, data[at:at + step]) for at in range(0, len(data), step)]
    return parts


def check(tmp_path: Path, frames: list[bytes]) -> list[list[str]]:
    path = captures.pcapng(tmp_path / "two.pcapng", frames)
    mine, theirs = ours(path), tshark(path)
    assert len(mine) == len(theirs)
    for one, other in zip(mine, theirs, strict=True):
        if ", " in other[6] or other[4] == "GRPCGRPC":
            other[4] = one[4]   # with several messages in a packet tshark's Protocol is that of one of them, or both together
        assert [cell.strip() for cell in one[4:]] == [cell.strip() for cell in other[4:]], one[0]
    return mine


@pytest.mark.tshark
@pytest.mark.parametrize("seed", range(6))
def test_rows_are_tsharks(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    server = Server(rng)
    for stream in range(1, 4 * len(BODIES), 2):
        server.exchange(stream)
    said = segments(rng, server.said) if seed else server.said
    mine = check(tmp_path, wire.conversation(said))
    assert {row[4] for row in mine} >= {"HTTP2", "HTTP2/JSON", "GRPC", "DoH"}


@pytest.mark.tshark
def test_every_type_of_frame(tmp_path: Path) -> None:
    payloads = {2: b"\0\0\0\0\x10", 3: b"\0\0\0\1", 6: b"12345678", 7: b"\0\0\0\1\0\0\0\0", 8: b"\0\0\0\5"}
    said = [(0, PREFACE)] + [(0, http2_frame(kind, 0, 3 if kind in (2, 3, 8, 10, 16) else 0, payloads.get(kind, b"")))
                             for kind in range(20)]
    check(tmp_path, wire.conversation(said))


@pytest.mark.tshark
def test_a_header_block_in_parts_trailers_and_pushes(tmp_path: Path) -> None:
    server, client = Encoder(), Encoder()
    asked = client.encode([(":method", "GET"), (":path", "/one"), (":scheme", "http"), ("x-more", "y" * 40)])
    response = server.encode([(":status", "200"), ("content-type", "text/plain")])
    said = [(0, PREFACE), (0, http2_frame(HEADERS, END, 1, asked[:12])), (0, http2_frame(CONTINUATION, WHOLE, 1, asked[12:])),
            (1, http2_frame(HEADERS, WHOLE, 1, response) + http2_frame(DATA, 0, 1, b"abc")),
            (1, http2_frame(5, WHOLE, 1, b"\0\0\0\2" + server.encode([(":method", "GET"), (":path", "/pushed")]))),
            (1, http2_frame(HEADERS, WHOLE | END, 1, server.encode([("grpc-status", "0")])))]
    check(tmp_path, wire.conversation(said))


@pytest.mark.tshark
@pytest.mark.parametrize("apart", [True, False])
def test_a_switch_from_http_1(tmp_path: Path, apart: bool) -> None:
    switched = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
    settings = http2_frame(4, 0, 0)
    said = [(0, b"GET /one HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"),
            *([(1, switched), (1, settings)] if apart else [(1, switched + settings)]), (0, PREFACE), (0, settings),
            (1, http2_frame(HEADERS, WHOLE, 1, Encoder().encode([(":status", "200"), ("content-type", "text/plain")]))
             + http2_frame(DATA, END, 1, b"answer"))]
    mine = check(tmp_path, wire.conversation(said))
    assert mine[-4][6] == "HEADERS[1]: 200 OK, DATA[1] (text/plain)"
    path = tmp_path / "two.pcapng"
    with_filter = [row[6] for row in filtered(path, "frame.number > 0")]
    assert with_filter == [row[6] for row in mine]


def filtered(path: Path, expression: str) -> list[list[str]]:
    """The rows that a display filter leaves."""
    from sniff.filters.filter import Filter
    from sniff.pipeline import Analysis
    from sniff.report.lines import cells_of
    return [row for step in Analysis([path], packets=True, filter=Filter(expression)) if step.rows is not None
            for row in cells_of(step.rows)]


@pytest.mark.tshark
@pytest.mark.parametrize("expression", ["http2", "grpc", "http2 && tcp.srcport == 80", "http", "!http2"])
def test_filters_choose_the_same_packets(tmp_path: Path, expression: str) -> None:
    server = Server(random.Random(1))
    for stream in range(1, 4 * len(BODIES), 2):
        server.exchange(stream)
    path = captures.pcapng(tmp_path / "two.pcapng", wire.conversation(server.said))
    done = subprocess.run(["tshark", "-n", "-r", str(path), "-Y", expression, "-T", "fields", "-e", "frame.number"],
                          capture_output=True, text=True, check=True)
    assert [row[0] for row in filtered(path, expression)] == done.stdout.split()
