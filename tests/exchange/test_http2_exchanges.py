"""HTTP/2 as exchanges: phases, marks, interim responses, bodies and their caps, names that are looked for."""

import gzip
import json
from pathlib import Path

import pytest
from hpack import Encoder

from sniff import limits
from sniff.exchange.http import State
from sniff.exchange.stage import Joiner
from sniff.pipeline import Analysis
from tests import wire
from tests.report import html_captures as captures

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADERS, DATA, RESET, SETTINGS, PUSH = 1, 0, 3, 4, 5
END, WHOLE = 1, 4


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


class Talk:
    """A connection of HTTP/2, frame by frame."""

    def __init__(self, port=40_000):
        self.tcp = wire.Tcp(port)
        self.coders = (Encoder(), Encoder())
        self.frames = [*self.tcp.open(), self.tcp.frame(0, PREFACE + frame(SETTINGS, 0, 0)), self.tcp.frame(1, frame(SETTINGS, 0, 0))]

    def say(self, direction, stream, headers, body=None, end=True):
        data = frame(HEADERS, WHOLE | (END if body is None and end else 0), stream, self.coders[direction].encode(headers))
        if body is not None:
            data += frame(DATA, END if end else 0, stream, body)
        self.frames.append(self.tcp.frame(direction, data))
        return self.frames[-1]

    def ask(self, stream, path="/", *more, body=None, method="GET", authority="two.test", scheme="https", end=True):
        return self.say(0, stream, [(":method", method), (":scheme", scheme), (":authority", authority), (":path", path), *more], body, end)


def exchanges_of(path, sink=None, cap=0):
    analysis = Analysis([str(path)], rows=False, messages=True)
    joiner = Joiner(analysis.notes, analysis.counters, sink, cap)
    found = []
    with analysis.source:
        for step in analysis:
            found += joiner.add(step.apps).http
        found += joiner.finish().http
    return found


def made(tmp_path: Path, talk, before=(), **options):
    return exchanges_of(captures.pcapng(tmp_path / "two.pcapng", [*before, *talk.frames]), **options)


def test_the_first_one_waited_for_the_name_and_the_connection(tmp_path):
    talk = Talk()
    talk.ask(1, "/first")
    talk.say(1, 1, [(":status", "200")], b"one")
    talk.ask(3, "/second")
    talk.say(1, 3, [(":status", "404")])
    talk.frames += talk.tcp.close()
    first, second = made(tmp_path, talk, captures.lookup([b"two", b"test"]))
    assert [one.url() for one in (first, second)] == ["https://two.test/first", "https://two.test/second"]
    assert first.phases.dns > 0
    assert first.phases.connect > 0
    assert second.phases.dns == second.phases.connect == 0
    assert (first.status, second.status) == (200, 404)
    assert (first.state, second.state) == (State.COMPLETE, State.COMPLETE)
    assert first.request.version == "HTTP/2.0"
    assert first.request.fields[0] == (b":method", b"GET")
    assert first.request.get(b"host") == b"two.test"
    assert first.request.get_all(b"host") == [b"two.test"]
    assert first.request.get(b"host") == b"two.test", "also after all fields were read"


def test_segments_sent_again_are_marked(tmp_path):
    talk = Talk()
    talk.frames.append(talk.ask(1))
    talk.say(1, 1, [(":status", "200")])
    (one,) = made(tmp_path, talk)
    assert one.retransmissions() == {"send": 1} or one.retransmissions() == {"wait": 1}


def test_interim_responses_come_before_the_final_one(tmp_path):
    talk = Talk()
    talk.ask(1)
    talk.say(1, 1, [(":status", "103"), ("link", "</style.css>")], end=False)
    talk.say(1, 1, [(":status", "200"), ("x", "y")], b"page", end=False)
    talk.say(1, 1, [("checksum", "7")])
    (one,) = made(tmp_path, talk)
    assert (one.status, [message.status for message in one.interim]) == (200, [103])
    assert one.response.fields == [(b":status", b"200"), (b"x", b"y"), (b"checksum", b"7")]
    assert one.interim[0].get(b"link") == b"</style.css>"


def test_what_a_server_pushes_was_asked_for_in_its_promise(tmp_path):
    talk = Talk()
    talk.ask(1)
    promise = talk.coders[1].encode([(":method", "GET"), (":scheme", "https"), (":authority", "two.test"), (":path", "/style.css")])
    head = frame(PUSH, 0, 1, (2).to_bytes(4, "big") + promise[:3]) + frame(9, WHOLE, 1, promise[3:])
    talk.frames.append(talk.tcp.frame(1, head))
    talk.say(1, 1, [(":status", "200")], b"page")
    talk.say(1, 2, [(":status", "200"), ("content-type", "text/css")], b"style")
    page, style = made(tmp_path, talk)
    assert (page.url(), style.url()) == ("https://two.test/", "https://two.test/style.css")
    assert (style.state, style.status, style.response.media_type) == (State.COMPLETE, 200, "text/css")


def test_how_streams_end(tmp_path):
    talk = Talk()
    for stream in (1, 3, 5, 7):
        talk.ask(stream)
    talk.frames.append(talk.tcp.frame(0, frame(RESET, 0, 1, bytes(4))))
    talk.say(1, 3, [(":status", "200")], b"begun", end=False)
    talk.say(1, 5, [(":status", "200")])
    states = {one.place: one.state for one in made(tmp_path, talk)}
    assert states == {1: State.ABORTED, 3: State.RUNNING, 5: State.COMPLETE, 7: State.RUNNING}
    talk.frames += talk.tcp.close()
    states = {one.place: one.state for one in made(tmp_path, talk)}
    assert states == {1: State.ABORTED, 3: State.ABORTED, 5: State.COMPLETE, 7: State.UNANSWERED}


class Kept:
    def __init__(self):
        self.bytes = b""
        self.info = None

    def data(self, piece):
        self.bytes += piece

    def hole(self, length):
        raise AssertionError

    def end(self, info):
        self.info = info


def bodies_of(tmp_path, talk, cap):
    bodies = {}

    def sink(message):
        bodies[message.direction] = Kept()
        return bodies[message.direction]

    made(tmp_path, talk, sink=sink, cap=cap)
    return bodies


def test_bodies_are_decoded_and_capped(tmp_path, monkeypatch):
    text = b"hello " * 50
    talk = Talk()
    talk.ask(1, body=b"question", method="POST")
    talk.say(1, 1, [(":status", "200"), ("content-encoding", "gzip")], gzip.compress(text))
    bodies = bodies_of(tmp_path, talk, 1 << 20)
    assert (bodies[0].bytes, bodies[1].bytes) == (b"question", text)
    assert bodies[1].info.complete
    bodies = bodies_of(tmp_path, talk, 5)
    assert (bodies[0].bytes, bodies[0].info.lost, bodies[0].info.wire) == (b"quest", 3, 8)
    assert not bodies[0].info.complete
    monkeypatch.setattr(limits, "HTTP2_BODIES_BYTES", 10)
    bodies = bodies_of(tmp_path, talk, 1 << 20)
    assert len(bodies[0].bytes) == 8
    assert bodies[1].info.lost


@pytest.mark.parametrize("headers", [
    [(":method", "GET\r\nX: y"), (":path", "/a b\r\n\r\nc"), (":authority", "two.test\r\nevil: 1")],
    [(":path", "*"), (":method", "OPTIONS")], [(":method", "CONNECT"), (":authority", "two.test:443")], [("a", "b")],
    [(":scheme", "java script"), (":path", "//x"), (":method", "")]])
def test_strange_requests(tmp_path, headers):
    talk = Talk()
    talk.say(0, 1, headers)
    talk.say(1, 1, [(":status", "abc"), ("", ""), (" odd", "x\0\r\n")])
    (one,) = made(tmp_path, talk)
    assert one.url()
    assert not set("\r\n \0") & set(one.url())
    assert b"\r\n\r\n" not in one.request.head[:-4]
    assert all(not set(b"\r\n\0") & set(name + value) for message in one.messages for name, value in message.fields)
    json.dumps([one.url(), one.request.version])
