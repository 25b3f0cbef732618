"""FastCGI, SCGI and uwsgi: whatever the pieces, the same requests; whatever the bytes, no exception."""

import struct
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sniff import limits
from sniff.decode import fastcgi, scgi
from sniff.decode.cgi import CgiFlag, Place
from sniff.decode.fastcgi import FastCgiReader, pairs
from sniff.decode.scgi import ScgiReader


def record(kind: int, number: int, content: bytes = b"", padding: int = 0) -> bytes:
    return struct.pack(">BBHHBB", 1, kind, number, len(content), padding, 0) + content + bytes(padding)


def begin(number: int = 1, role: int = 1, flags: int = 0) -> bytes:
    return record(fastcgi.BEGIN_REQUEST, number, struct.pack(">HB5x", role, flags))


def length(size: int) -> bytes:
    return bytes([size]) if size < 128 else struct.pack(">I", size | 1 << 31)


def params(**variables: str) -> bytes:
    return b"".join(length(len(name)) + length(len(value)) + name.encode() + value.encode() for name, value in variables.items())


def ended(number: int = 1, status: int = 0, protocol: int = 0) -> bytes:
    return record(fastcgi.END_REQUEST, number, struct.pack(">IB3x", status, protocol))


VARIABLES = {"REQUEST_METHOD": "POST", "REQUEST_URI": "/bigdata", "HTTP_HOST": "example.com", "LONG": "x" * 200}
ASKED = (begin() + record(fastcgi.PARAMS, 1, params(**VARIABLES), 5) + record(fastcgi.PARAMS, 1)
         + record(fastcgi.STDIN, 1, b"name=a", 2) + record(fastcgi.STDIN, 1))
ANSWERED = (record(fastcgi.STDOUT, 1, b"Status: 404 Not Found\r\nContent-Type: text/pl") + record(fastcgi.STDERR, 1, b"oh\n", 5)
            + record(fastcgi.STDOUT, 1, b"ain\r\n\r\nnothing") + record(fastcgi.STDOUT, 1) + ended(status=3))


def read(reader, asked: bytes, answered: bytes, cuts=(), end=True):
    """Feed two directions, cut at these places."""
    for direction, data in ((0, asked), (1, answered)):
        places = sorted({0, *(cut % (len(data) + 1) for cut in cuts), len(data)})
        for number, (start, stop) in enumerate(pairwise(places)):
            reader.data(direction, data[start:stop], Place(10 * direction + number + 1, direction * 1000 + number + 1, start))
    if end:
        reader.end(Place(99, 99, -1))
    return reader.done


@given(st.lists(st.integers(0, 1000), max_size=20))
def test_any_split_gives_the_same_request(cuts):
    (request,) = read(FastCgiReader(4), ASKED, ANSWERED, cuts)
    assert {name.decode(): value.decode() for name, value in request.variables} == VARIABLES
    assert (request.method, request.url, request.role, request.stream) == (b"POST", b"http://example.com/bigdata", "responder", 4)
    assert (request.request.length, request.request.prefix) == (6, b"name=a")
    assert (request.status, request.fields[1], request.response.prefix) == (404, (b"Content-Type", b"text/plain"), b"nothing")
    assert (bytes(request.errors), request.app_status, request.protocol_status) == (b"oh\n", 3, 0)
    assert (request.flags, request.offset, request.first_packet) == (CgiFlag(0), 0, 1)


def test_several_requests_at_once_and_one_behind_the_other():
    asked = b"".join([begin(1, flags=1), begin(7), record(fastcgi.PARAMS, 7, params(REQUEST_URI="/seven")),
                      record(fastcgi.PARAMS, 1, params(REQUEST_URI="/one")), record(fastcgi.PARAMS, 7),
                      record(fastcgi.PARAMS, 1), begin(9), record(fastcgi.ABORT_REQUEST, 9)])
    answered = b"".join([record(fastcgi.STDOUT, 7, b"\n7"), record(fastcgi.STDOUT, 1, b"\n1"), record(fastcgi.STDOUT, 7, b"7"),
                         ended(7), ended(1), ended(9, 1, 2)])
    done = read(FastCgiReader(0), asked, answered)
    assert [(one.number, one.target, one.response.prefix, one.keep) for one in done] == [
        (7, b"/seven", b"77", False), (1, b"/one", b"1", True), (9, b"", b"", False)]
    assert (done[2].flags, done[2].protocol_status, done[2].status) == (CgiFlag.ABORTED, 2, 0)
    again = FastCgiReader(0)
    for number in (1, 1):
        read(again, begin(number), record(fastcgi.STDOUT, number, b"Location: /x\n\n") + ended(number), end=False)
    assert [one.status for one in again.done] == [302, 302]


def test_what_ends_early():
    (request,) = read(FastCgiReader(0), begin() + record(fastcgi.PARAMS, 1, params(A="b")), b"")
    assert (request.flags, request.variables, request.status) == (CgiFlag.UNFINISHED, [(b"A", b"b")], 0)
    done = read(FastCgiReader(0), begin() + begin(), ended())
    assert [one.flags for one in done] == [CgiFlag.UNFINISHED, CgiFlag(0)]


def test_gaps():
    reader = FastCgiReader(0)
    reader.data(0, ASKED, Place(1, 1, 0))
    head = record(fastcgi.STDOUT, 1, b"\n" + bytes(999))
    reader.data(1, head[:108], Place(2, 2, 0))
    reader.gap(1, 900)
    reader.data(1, ended(), Place(3, 3, 0))
    (request,) = reader.done
    assert (request.flags, request.response.length, request.app_status) == (CgiFlag.GAP, 999, 0)
    reader = FastCgiReader(0)
    reader.data(0, ASKED, Place(1, 1, 0))
    reader.gap(1, 10)
    reader.data(1, ANSWERED, Place(2, 2, 0))
    reader.end(Place(3, 3, -1))
    assert reader.done[0].flags == CgiFlag.GAP | CgiFlag.UNFINISHED


def test_caps(monkeypatch):
    monkeypatch.setattr(limits, "SHORT_HEAD_BYTES", 100)
    monkeypatch.setattr(limits, "PENDING_EXCHANGES", 3)
    asked = begin() + record(fastcgi.PARAMS, 1, params(**VARIABLES))
    (request,) = read(FastCgiReader(0), asked, record(fastcgi.STDOUT, 1, b"y" * 300) + record(fastcgi.STDERR, 1, b"z" * 65_535)
                      + record(fastcgi.STDERR, 1, b"z" * 65_535) + ended())
    assert CgiFlag.CUT in request.flags
    assert (len(request.head), len(request.errors)) == (100, 65_536)
    reader = FastCgiReader(0)
    done = read(reader, b"".join(begin(number) for number in range(1, 9)), b"", end=False)
    assert [one.number for one in done] == [1, 2, 3, 4, 5]


def test_which_protocol_it_is():
    assert fastcgi.begins(ASKED)
    assert fastcgi.begins(record(fastcgi.GET_VALUES, 0, b"\x0e\0FCGI_MAX_CONNS"))
    for other in (b"", b"\1\1", begin(0), begin(role=9), record(fastcgi.STDIN, 1, b"x"), b"\2" + ASKED[1:],
                  b"GET / HTTP/1.1\r\n\r\n", ASKED[:12] + b"\1" + ASKED[13:]):
        assert not fastcgi.begins(other)
    assert scgi.begins_scgi(SCGI)
    assert not any(scgi.begins_scgi(other) for other in (b"", b"70:", b"7777777:CONTENT_LENGTH\0", b"x:CONTENT_LENGTH\0"))
    assert scgi.begins_uwsgi(UWSGI)
    assert not any(scgi.begins_uwsgi(other) for other in (b"", bytes(20), UWSGI[:5], b"\1" + UWSGI[1:]))


NAMES = b"CONTENT_LENGTH\0" + b"6\0SCGI\0001\0REQUEST_METHOD\0POST\0REQUEST_URI\0/a\0"
SCGI = str(len(NAMES)).encode() + b":" + NAMES + b",name=a"
VARS = b"".join(struct.pack("<H", len(word)) + word for word in (b"REQUEST_METHOD", b"POST", b"REQUEST_URI", b"/a"))
UWSGI = struct.pack("<BHB", 0, len(VARS), 0) + VARS + b"name=a"


@pytest.mark.parametrize(("data", "name"), [(SCGI, "scgi"), (UWSGI, "uwsgi")])
@given(cuts=st.lists(st.integers(0, 200), max_size=9))
def test_scgi_and_uwsgi(data, name, cuts):
    answer = b"HTTP/1.1 503 Busy\r\nRetry-After: 3\r\n\r\nlater"
    (request,) = read(ScgiReader(2, uwsgi=name == "uwsgi"), data, answer, cuts)
    assert (request.protocol, request.method, request.target, request.request.prefix) == (name, b"POST", b"/a", b"name=a")
    assert (request.status, request.fields, request.response.prefix) == (503, [(b"Retry-After", b"3")], b"later")
    assert request.flags == CgiFlag(0)


def test_scgi_with_gaps_and_without_answer():
    reader = ScgiReader(0)
    reader.data(0, SCGI[:20], Place(1, 1, 0))
    reader.gap(0, 20)
    reader.gap(1, 5)
    reader.end(Place(2, 2, -1))
    reader.end(Place(3, 3, -1))
    (request,) = reader.done
    assert request.flags == CgiFlag.GAP | CgiFlag.UNFINISHED


def test_pairs():
    assert list(pairs(b"\1\2ab" + b"c")) == [(b"a", b"bc")]
    assert list(pairs(b"\0\0")) == [(b"", b"")]
    for cut in (b"\1", b"\x80", b"\x80\0\0", b"\1\x7f", b"\xff\xff\xff\xff\1a"):
        assert list(pairs(cut)) == []


steps = st.lists(st.one_of(
    st.tuples(st.just("data"), st.integers(0, 1), st.binary(max_size=60)),
    st.tuples(st.just("data"), st.integers(0, 1), st.sampled_from([ASKED, ANSWERED, begin(2), ended(2), SCGI, UWSGI])),
    st.tuples(st.just("gap"), st.integers(0, 1), st.integers(1, 70_000)), st.tuples(st.just("end"), st.just(0), st.just(0))),
    max_size=12)


@given(steps, st.sampled_from(["fastcgi", "scgi", "uwsgi"]))
@example([("data", 0, b":")], "scgi")
@example([("data", 0, b"x:y")], "scgi")
def test_any_bytes_give_requests_and_no_exception(given_steps, protocol):
    reader = FastCgiReader(0) if protocol == "fastcgi" else ScgiReader(0, uwsgi=protocol == "uwsgi")
    for kind, direction, value in given_steps:
        if kind == "data":
            reader.data(direction, value, Place(1, 1, 0))
        elif kind == "gap":
            reader.gap(direction, value)
        else:
            reader.end(Place(2, 2, -1))
    reader.end(Place(2, 2, -1))
    for request in reader.done:
        assert request.status >= 0
        assert isinstance(request.url, bytes)
        assert len(request.head) <= limits.SHORT_HEAD_BYTES + 70_000
