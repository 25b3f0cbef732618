"""Plain exchanges in logs, beside the rows that are made from objects: where both speak they say the same."""

import gzip
import zlib
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sniff import limits
from sniff.report import eve, eve_http, http_records, plain_http, zeek, zeek_http
from sniff.report.formats import Options
from tests import wire
from tests.decode.test_bodies import chunked, frames_of, response
from tests.report.apps import app_batches

VALUES = st.sampled_from([b"example.com", b"Example.com:8080", b"[::1]:80", b'probe "quoted" \\', b"", b" padded ", b"tab\tinside",
                          b"caf\xc3\xa9", b"/next?a=1", b"a:b", b"Basic dXNlcjpzZWNyZXQ=", b"bytes 0-1/9", b"attachment; filename=a.txt",
                          b"text/html; charset=utf-8", b"multipart/mixed; boundary=b", b"gzip", b"deflate"])
NAMES = st.sampled_from([b"Host", b"host", b"HOST ", b"User-Agent", b"Referer", b"Origin", b"Location", b"Content-Type", b"Via",
                         b"Authorization", b"Content-Disposition", b"Content-Range", b"Content-Encoding", b"Range", b"X-Other",
                         b"X-Forwarded-For", b" folded", b"Hos"])
FIELDS = st.lists(st.builds(b"%b%b%b%b".__mod__, st.tuples(NAMES, st.sampled_from([b": ", b":", b" : "]), VALUES,
                                                           st.sampled_from([b"\r\n", b"\r\n", b"\n"]))), max_size=5).map(b"".join)
LINES = st.lists(st.sampled_from([
    b"Host: example.com\r\n", b"User-Agent: a/1\r\n", b"Referer: http://b/\r\n", b"Origin: null\r\n", b"Location: /c\r\n",
    b"Content-Type: text/html; a=b\r\n", b"Content-Encoding: deflate\r\n", b"Content-Encoding: x-gzip, gzip\r\n",
    b"X-Other: 1\r\n"]), max_size=5, unique=True).map(b"".join)
HEADS = st.one_of(LINES, LINES, FIELDS)
TARGETS = st.sampled_from([b"/", b"/a?b=c&d=\"", b"/%20%ff", b"/a\\b", b"http://a.b/c?d", b"*", b"/\xd0\xb6", b"//x", b"/u?x=http://y/z"])
CODED = zlib.compress(b"".join(b"%d" % number for number in range(900)))
BODIES = st.sampled_from([b"", b"x", b'{"a": 1}', b"<html><body>", b"one\ntwo\n", b"\x89PNG\r\n\x1a\n" + bytes(40), b"RIFF1234WEBP",
                          b"y" * 512, b"z\n" * 300, gzip.compress(b"coded"), zlib.compress(b"coded" * 200),
                          CODED, CODED[:-30], gzip.compress(CODED), gzip.compress(gzip.compress(CODED))])


def request(target, fields, body, method):
    size = b"Content-Length: %d\r\n" % len(body) if body else b""
    return 0, b"%b %b HTTP/1.1\r\n%b%b\r\n%b" % (method, target, fields, size, body)


REQUESTS = st.builds(request, TARGETS, HEADS, BODIES, st.sampled_from([b"GET", b"POST", b"get", b"CONNECT"]))
RESPONSES = st.one_of(
    st.builds(response, BODIES, HEADS), st.builds(chunked, BODIES, st.just(100), HEADS),
    st.sampled_from([b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.0 404\r\nContent-Length: 0\r\n\r\n",
                     b"http/1.1 200 ok\r\nContent-Length: 1\r\n\r\na",
                     b"HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-1/4\r\nContent-Length: 2\r\n\r\nab",
                     b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 Fine and well\r\nContent-Length: 2\r\n\r\nab",
                     b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab",
                     b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nno",
                     b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
                     ]).map(lambda said: (1, said)))
LAST = st.sampled_from([b"HTTP/1.0 200 OK\r\n\r\nuntil the end", b"HTTP/1.0 200 OK\r\n\r\nuntil\n", b"HTTP/1.1 200 OK\r\n\r\n"])


def written(frames, sizes=()):
    """(lines of Zeek's logs, lines of EVE, notes): what a capture of these frames is written as."""
    zeek_options, eve_options = Options(), Options()
    logs, events = zeek_http.HttpLogs(zeek_options), eve_http.HttpEvents(eve_options)
    rows, lines = [], []
    for batch in app_batches(frames, sizes):
        step = SimpleNamespace(apps=batch, rows=None)
        rows += logs.add(step)
        lines += events.add(step)
    rows += logs.finish()
    lines += events.finish()
    notes = sorted((note.code, note.packet, note.detail) for note in logs._records.builder.notes)
    return ([(name, row if isinstance(row, str) else zeek.to_json(row)) for name, row in rows],
            [line if isinstance(line, str) else eve.to_json(line) for line in lines], notes)


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(REQUESTS, RESPONSES), min_size=1, max_size=5), LAST, st.sampled_from([(), (4, 3), (1,) * 60]),
       st.sampled_from([(), (), (2,)]))
def test_plain_exchanges_are_written_as_any_others(pairs, last, sizes, lost):
    parts = [part for pair in pairs for part in pair]
    frames = frames_of([*parts, request(b"/last", b"", b"", b"GET"), (1, last)], 400, lost)
    found = written(frames, sizes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain_http.PlainReader, "read", lambda self, records: iter(records))
        patch.setattr(http_records, "at_once", lambda batch: (batch, {}))
        assert found == written(frames, sizes)


def test_plain_exchanges_need_no_objects(monkeypatch):
    assert len(CODED) > limits.BODY_PREFIX
    frames = frames_of([part for number in range(20) for part in (
        request(b"/%d?q" % number, b"Host: a\r\nUser-Agent: b\r\n", b"a=%d" % number, b"POST"),
        response(b"{}" * (number + 1), b"Content-Type: application/json\r\n"), request(b"/", b"", b"", b"GET"),
        chunked(CODED if number % 2 else zlib.compress(b"short"), 300, b"Content-Encoding: deflate\r\n"))])
    expected = written(frames)
    assert len(expected[0]) == 20 * 5 and len(expected[1]) == 20 * 5
    monkeypatch.setattr(http_records.HttpRecords, "record", None)
    assert written(frames) == expected


def test_no_body_is_forgotten_in_memory():
    frames = frames_of([part for number in range(10) for part in (
        request(b"/", b"", b"x" * 700, b"POST"), chunked(b"" if number % 3 else b"y" * 900, 100))], 600)
    logs = zeek_http.HttpLogs(Options())
    for batch in app_batches(frames, (5,) * 40):
        list(logs.add(SimpleNamespace(apps=batch, rows=None)))
    list(logs.finish())
    assert not logs._records.bodies


def test_bodies_of_very_many_parts_are_collected_as_streams(monkeypatch):
    frames = frames_of([request(b"/", b"", b"x" * 700, b"POST"), chunked(CODED, 9, b"Content-Encoding: deflate\r\n")], 600)
    expected = written(frames)
    monkeypatch.setattr(http_records, "PARTS_AT_ONCE", 3)
    collected = []
    monkeypatch.setattr(http_records.HttpRecords, "_choose", lambda self, message, choose=http_records.HttpRecords._choose: (
        collected.append(message.id), choose(self, message))[1])
    assert written(frames) == expected and len(collected) == 4


def test_a_body_that_waits_for_its_response_is_kept():
    frames = frames_of([request(b"/", b"", b"x" * 700, b"POST"), response(b"fine")], 2000)
    rows, events, _ = written(frames, (4, 1))
    assert '"seen_bytes":700' in rows[1][1] and '"size":700' in events[1] and rows == written(frames)[0]


def test_words_are_remembered_up_to_a_cap(monkeypatch):
    monkeypatch.setattr(limits, "LOG_TEXTS", 3)
    words = plain_http.Words(lambda value: f"<{value.decode()}>")
    assert [words[b"%d" % (number % 5)] for number in range(20)] == [f"<{number % 5}>" for number in range(20)]
    assert words[b"l" * 1000] == "<" + "l" * 1000 + ">" and len(words) <= 3 and b"l" * 1000 not in words


def test_connections_are_told_apart_in_one_batch():
    tcps = [wire.Tcp(client_port=port) for port in (1001, 1002)]
    frames = [frame for tcp in tcps for frame in [*tcp.open(), tcp.frame(*request(b"/", b"", b"", b"GET"), wire.ACK)]]
    frames += [tcp.frame(1, response(b"a")[1], wire.ACK) for tcp in tcps]
    rows, events, _ = written(frames)
    assert [f'"id.orig_p":{port},' in row for port in (1001, 1002) for name, row in rows if name == "http"] == [True, False, False, True]
    assert len({event.split('"flow_id":')[1].split(",")[0] for event in events}) == 2
