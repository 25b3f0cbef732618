"""HTTP/2 in the clear: frames and header blocks, however they are cut, whatever they hold."""

import gzip
from itertools import pairwise

from hpack import Encoder
from hypothesis import given
from hypothesis import strategies as st

from sniff.decode.http2 import PREFACE, Connection, Frame, Moment, Settings, Stream, read_settings, table_update

NOW = Moment(7, 1000)


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


def talk():
    """(client's bytes, server's bytes) of two exchanges."""
    client, server = Encoder(), Encoder()
    settings = (3).to_bytes(2) + (100).to_bytes(4) + (1).to_bytes(2) + (65536).to_bytes(4)
    asked = [(b":method", b"GET"), (b":path", b"/a"), (b":authority", b"test.example"), (b"user-agent", b"x" * 100)]
    first = client.encode(asked)
    said = PREFACE + frame(Frame.SETTINGS, 0, 0, settings) + frame(Frame.HEADERS, 1, 1, first[:5]) \
        + frame(Frame.CONTINUATION, 4, 1, first[5:]) + frame(Frame.SETTINGS, 1, 0) \
        + frame(Frame.HEADERS, 4 | 32, 3, bytes(5) + client.encode([(b":method", b"POST"), (b":path", b"/b")])) \
        + frame(Frame.DATA, 1 | 8, 3, b"\x03hello\0\0\0")
    body = gzip.compress(b"page", mtime=0)
    head = server.encode([(b":status", b"200"), (b"content-encoding", b"gzip")])
    answered = frame(Frame.SETTINGS, 0, 0) + frame(Frame.HEADERS, 4, 1, head) \
        + frame(Frame.DATA, 0, 1, body[:10]) + frame(0xEE, 0xFF, 9, b"unknown") + frame(Frame.DATA, 1, 1, body[10:]) \
        + frame(Frame.HEADERS, 5, 3, server.encode([(b":status", b"404")]))
    return said, answered


def listen(parts):
    """(what came out, {(stream, direction): bytes})."""
    bodies = {}

    def sink(stream, direction, data):
        bodies[stream.number, direction] = bodies.get((stream.number, direction), b"") + data

    connection = Connection(sink)
    found = [what for direction, data in parts for what in connection.feed(direction, data, NOW)]
    return found + list(connection.finish()), bodies


def facts(found):
    return [(what.direction, what.values) if isinstance(what, Settings) else
            (what.number, what.request.headers, what.request.length, what.response.headers, what.response.length, what.reset)
            for what in found]


EXPECTED = [
    (0, [(3, 100), (1, 65536)]), (1, []),
    (1, [(b":method", b"GET"), (b":path", b"/a"), (b":authority", b"test.example"), (b"user-agent", b"x" * 100)], 0,
     [(b":status", b"200"), (b"content-encoding", b"gzip")], 24, False),
    (3, [(b":method", b"POST"), (b":path", b"/b")], 5, [(b":status", b"404")], 0, False)]


@given(st.lists(st.integers(0, 10**6), max_size=8), st.lists(st.integers(0, 10**6), max_size=8))
def test_streams_come_out_however_they_are_cut(client_cuts, server_cuts):
    parts = []
    for direction, (data, cuts) in enumerate(zip(talk(), (client_cuts, server_cuts), strict=True)):
        places = [0, *sorted(cut % len(data) for cut in cuts), len(data)]
        parts += [(direction, data[a:b]) for a, b in pairwise(places)]
    found, bodies = listen(parts)
    assert facts(found) == EXPECTED
    assert bodies == {(3, 0): b"hello", (1, 1): gzip.compress(b"page", mtime=0)}
    assert [what.status for what in found if isinstance(what, Stream)] == [200, 404]


@given(st.lists(st.tuples(st.integers(0, 1), st.binary(max_size=80) | st.builds(
    frame, st.sampled_from(list(Frame)), st.integers(0, 255), st.integers(0, 9), st.binary(max_size=40))), max_size=12), st.booleans())
def test_any_bytes_give_streams_and_never_an_exception(parts, preface):
    found, _ = listen([(0, PREFACE), *parts] if preface else parts)
    assert all(isinstance(what, Settings | Stream) for what in found)


def test_an_upgrade_makes_stream_one():
    connection = Connection()
    settings, = connection.upgraded([(b":method", b"GET"), (b"http2-settings", b"AAMAAABkAAQAAP__")], NOW)
    assert settings.values == [(3, 100), (4, 65535)]
    found = list(connection.feed(1, talk()[1], NOW))
    assert found[1].number == 1 and found[1].status == 200


def test_damaged_header_tables_end_the_reading():
    connection = Connection()
    list(connection.feed(1, frame(Frame.HEADERS, 4, 1, b"\xff\xff\xff\xff"), NOW))
    assert connection.broken


def test_settings_and_table_updates():
    assert read_settings(b"\0\1\0\0\0\2\0") == [(1, 2)]
    assert [table_update(block) for block in (b"", b"\x82", b"\x20", b"\x3f\xe1\x1f", b"\x3f")] == [-1, -1, 0, 4096, -1]
