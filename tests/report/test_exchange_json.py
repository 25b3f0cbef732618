"""The compiled writer of JSON lines beside its twin: where both speak they say the same."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from sniff.exchange.http_builder import ExchangeBuilder
from sniff.report.http_lines import HttpLines, http_line
from tests.exchange.rows import Script

VALUES = st.sampled_from([b"example.com", b"Mozilla/5.0 (X11) \"quoted\" \\", b"", b" padded\t", b"caf\xc3\xa9", b"a:b",
                          b"\x00", b"x@y",
                          b"text/html; charset=utf-8", b"/next?a=1", b"\x7f"])
FIELDS = st.lists(st.tuples(st.sampled_from([b"Host", b"host", b"User-Agent", b"Referer", b"Server", b"Location", b"Content-Type",
                                             b"Authorization", b"X-Other", b"HOST ", b"Hos", b" folded"]),
                            st.sampled_from([b": ", b":", b":\t", b" : ", b""]), VALUES,
                            st.sampled_from([b"\r\n", b"\n", b"\r"])), max_size=6)
TARGETS = st.sampled_from([b"/", b"/a?b=c&d=\"", b"/%20", b"http://a.b/c", b"*", b"/\xd0\xb6", b"/a b", b"//x", b""])
REQUESTS = st.builds(lambda method, target, version, lines, end: b" ".join([method, target, version]) + b"\r\n" + b"".join(
    b"".join(line) for line in lines) + end, st.sampled_from([b"GET", b"POST", b"CONNECT", b"get", b"F!#$%&'*+-.^_`|~"]), TARGETS,
    st.sampled_from([b"HTTP/1.1", b"HTTP/1.0", b"http/1.1", b"HTTP/1.10"]), FIELDS, st.sampled_from([b"\r\n", b"\n", b""]))
RESPONSES = st.builds(lambda start, lines, end: start + b"\r\n" + b"".join(b"".join(line) for line in lines) + end,
                      st.sampled_from([b"HTTP/1.1 200 OK", b"HTTP/1.0 404", b"HTTP/1.1 500 ", b"HTTP/1.1  200  OK", b"HTTP/1.1 301 \"M\\\"",
                                       b"HTTP/1.1 200 caf\xc3\xa9", b"HTTP/1.1"]), FIELDS, st.sampled_from([b"\r\n", b"\n", b""]))


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(REQUESTS, RESPONSES, st.integers(0, 3), st.sampled_from([1, 257, 3])), min_size=1, max_size=5))
def test_the_compiled_writer_says_what_its_twin_says(pairs):
    script = Script().connection(syn=1, synack=2, established=3)
    when = 5
    for request, response, gap, flags in pairs:
        script.message(request, when, flags=flags)
        script.message(response, when + gap, when + 2 * gap)
        when += 10
    builder = ExchangeBuilder()
    exchanges = builder.add(script.batch()) + builder.finish()
    lines = b"".join(HttpLines().chunks(exchanges)).decode("ascii")
    assert lines == "".join(http_line(exchange) + "\n" for exchange in exchanges)
    assert all(isinstance(json.loads(line), dict) for line in lines.splitlines())


def test_plain_exchanges_are_written_by_the_compiled_loop(monkeypatch):
    script = Script().connection(syn=1, synack=2, established=3)
    for number in range(50):
        script.get(b"/%d?q=1" % number, 10 + 4 * number).answer(200, 12 + 4 * number)
    builder = ExchangeBuilder()
    exchanges = builder.add(script.batch())
    expected = "".join(http_line(exchange) + "\n" for exchange in exchanges)
    monkeypatch.setattr("sniff.report.http_lines.http_line", lambda *arguments: "by the twin")
    assert b"".join(HttpLines().chunks(exchanges)).decode() == expected
    assert json.loads(expected.splitlines()[0]) == {
        "frame.number": 10, "frame.time_epoch": 0.01, "tcp.stream": 0, "ip.src": "10.0.0.1", "tcp.srcport": 50000,
        "ip.dst": "10.0.0.2", "tcp.dstport": 80, "http.request.method": "GET", "http.request.uri": "/0?q=1",
        "http.request.version": "HTTP/1.1", "http.request.full_uri": "http://example.com/0?q=1", "http.host": "example.com",
        "http.response.version": "HTTP/1.1", "http.response.code": 200, "http.response.phrase": "Fine", "http.time": 0.002,
        "sniff.state": "complete", "sniff.request.packets": [10, 10], "sniff.request.offset": 0, "sniff.request.body_bytes": 0,
        "sniff.response.packets": [12, 12], "sniff.response.offset": 0, "sniff.response.body_bytes": 0, "sniff.duration": 0.011,
        "sniff.phases": {"dns": 0.0, "connect": 0.002, "queue": 0.007, "send": 0.0, "wait": 0.002, "receive": 0.0}}
