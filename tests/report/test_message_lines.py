"""JSON lines do not depend on how the capture was cut into batches: what is said live is what is said of the file."""

import json
from pathlib import Path

import pytest

import sniff
from sniff import limits
from sniff.cli.view import view_of
from tests.exchange.test_http2_exchanges import Talk
from tests.report import html_captures as captures

CAPTURES = Path(__file__).parents[2] / "captures"


class Sink:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data) -> None:
        self.data += bytes(data)


def lines(path: Path) -> bytes:
    """What --format jsonl says of a capture."""
    sink, view = Sink(), view_of("jsonl", None, False, None)
    analysis = view.analysis([path])
    with analysis.source:
        view.show(analysis, sink, view.summary(analysis, one=True))
    return sink.data


@pytest.mark.parametrize("name", ["browse.pcapng", "nginx-fastcgi.pcapng", "nginx-uwsgi.pcapng", "nginx-errors.pcap",
                                  "python-broken.pcap", "python-http-server.pcap", "nginx-lossy-sender.pcap",
                                  "dnsmasq-tcp.pcap", "nginx-pipelining.pcap"])
@pytest.mark.parametrize("packets", [1, 7])
def test_lines_stand_in_the_order_of_the_packets_that_completed_them(monkeypatch, name, packets):
    whole = lines(CAPTURES / name)
    assert whole.count(b"\n") > 1
    monkeypatch.setattr(limits, "BATCH_PACKETS", packets)
    assert lines(CAPTURES / name) == whole


@pytest.mark.parametrize("packets", [1, 3, limits.BATCH_PACKETS])
def test_http2_has_lines(monkeypatch, tmp_path, packets):
    talk = Talk()
    talk.ask(1, "/one?token=n0tForYou", scheme="http")
    talk.ask(3, "/two")
    talk.say(1, 3, [(":status", "200"), ("content-type", "text/css")], b"body")
    talk.say(1, 1, [(":status", "404")])
    path = captures.pcapng(tmp_path / "two.pcapng", [*talk.frames, *talk.tcp.close(), *captures.lookup([b"after", b"test"])])
    monkeypatch.setattr(limits, "BATCH_PACKETS", packets)
    two, one, lookup = map(json.loads, lines(path).splitlines())
    assert two["http.request.full_uri"] == "https://two.test/two"
    assert two["http.response.code"] == 200
    assert two["http.request.version"] == two["http.response.version"] == "HTTP/2.0"
    assert two["http.host"] == "two.test"
    assert two["sniff.response.body_bytes"] == 4
    assert two["sniff.state"] == "complete"
    assert (one["http.request.uri"], one["http.response.code"]) == ("/one?token=n0tForYou", 404)
    assert one["sniff.phases"]["connect"] > 0
    assert lookup["dns.qry.name"] == "after.test"


@pytest.mark.parametrize("packets", [1, limits.BATCH_PACKETS])
def test_http2_is_the_same_in_lines_statistics_summary_and_api(monkeypatch, tmp_path, packets):
    talk = Talk()
    talk.ask(1, "/one")
    talk.ask(3, "/two", method="POST", body=b"question")
    talk.say(1, 3, [(":status", "200"), ("content-type", "text/css")], b"body")
    talk.say(1, 1, [(":status", "404")])
    path = captures.pcapng(tmp_path / "two.pcapng", [*talk.frames, *talk.tcp.close()])
    monkeypatch.setattr(limits, "BATCH_PACKETS", packets)
    said = {line["http.request.full_uri"]: line["http.response.code"] for line in map(json.loads, lines(path).splitlines())}
    capture = sniff.read(path)
    assert {exchange.url(): exchange.status for exchange in capture.exchanges} == said
    assert dict(zip(*capture.exchanges.columns("http.request.full_uri", "http.response.code").values(), strict=True)) == said
    http = capture.stats.record()["http"]
    assert (http["requests"], http["responses"], http["methods"]) == (2, 2, {"GET": 1, "POST": 1})
    assert http["status_codes"] == {"200": 1, "404": 1}
    for summary in (capture.summary, capture.stats.summary):
        assert (summary.http.requests, summary.http.responses, summary.http.errors, summary.http.body_bytes) == (2, 2, 1, 12)
        assert len(summary.http.slowest) == 2
    failed = capture.filter(f"frame.number == {capture.exchanges['frame.number'][1]}")
    assert len(failed.exchanges) == failed.summary.http.requests == 1
