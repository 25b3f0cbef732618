"""The figures after the rows."""

import numpy as np
import pytest

from sniff.decode import columns as d
from sniff.exchange.totals import HttpTotals, Slow
from sniff.limits import Counters
from sniff.notes import Code, Notes
from sniff.packets import columns as c
from sniff.packets.columns import Kind
from sniff.reassembly import columns as s
from sniff.report.summary import CAPS, Summary, size, span
from tests.report.batches import Row, row_batch


def test_batches_add_up():
    summary = Summary()
    batch = row_batch([Row(1, 5_000, length=60), Row(2, 1_000, length=40)])
    batch.apps.streams.opened = np.zeros((s.F_COUNT, 3), np.int64)
    batch.apps.streams.opened[s.F_PROTO] = [6, 17, 6]
    batch.apps.messages = messages = np.zeros((d.M_COUNT, 3), np.int64)
    messages[d.M_IS_RESPONSE] = [0, 1, 1]
    messages[d.M_STATUS] = [0, 404, 200]
    messages[d.M_SEQUENCE] = [0, 0, 1]
    messages[d.M_FIRST_PACKET] = [7, 8, 9]
    messages[d.M_LAST_NS] = [10, 250, 300]
    messages[d.M_FLAGS] = d.MessageFlag.COMPLETE
    summary.add(batch.apps, 2)
    summary.add(row_batch([]).apps)
    summary.add(row_batch([Row(3, 9_000)]).apps, 1)
    assert (summary.packets, summary.rows, summary.wire_bytes, summary.first_ns, summary.last_ns) == (3, 3, 160, 1_000, 9_000)
    assert (summary.tcp_flows, summary.udp_flows, summary.http.requests, summary.http.responses) == (2, 1, 1, 2)
    assert "1 HTTP request · 1 error · slowest 250 ns (packet 7)" in "\n".join(summary.lines())


def test_queries_are_counted_and_responses_are_not():
    rows = [Row(protocol=name, kind=Kind.UDP) for name in ("DNS", "DNS", "MDNS", "NBNS", "DNS")]
    batch = row_batch(rows)
    batch.packets.data = np.array([0, 0, 0x01, 0, 0, 0x81], np.uint8)
    batch.packets.table[c.PAYLOAD] = [0, 3, 0, 0, 0]
    summary = Summary()
    summary.add(batch.apps)
    assert summary.dns_queries == 3


def test_lines_say_what_is_worth_saying():
    notes = Notes()
    notes.add(Code.TCP_GAP)
    notes.add(Code.HTTP_BAD_CHUNK)
    notes.add(Code.HTTP_BAD_CHUNK)
    summary = Summary(packets=1, wire_bytes=10_000, notes=notes, counters=Counters(flows_evicted=1200, heads_cut=1),
                      http=HttpTotals(requests=2, errors=1, incomplete=3, slowest=[Slow(1_500_000_000, 0, 7, 9)]))
    assert list(summary.lines()) == [
        "1 packet · 10.0 kB · 0 ns · 0 TCP connections · 0 UDP flows",
        "0 DNS queries · 2 HTTP requests · 1 error · 3 incomplete · slowest 1.50 s (packet 7)",
        "notes: HTTP_BAD_CHUNK 2, bytes missing from the capture 1",
        "limit reached: flows ended early to make room: 1,200", "limit reached: HTTP heads cut: 1"]


@pytest.mark.parametrize(("head", "text"), [
    (b"GET /slow?a=1 HTTP/1.1\r\nA: b\r\nHOST:  example.org:8080 \r\n\r\n", ": GET http://example.org:8080/slow?a=1"),
    (b"GET http://proxied/ HTTP/1.1\r\nHost: other\r\n\r\n", ": GET http://proxied/"),
    (b"GET / HTTP/1.0\r\n\r\nhost: body", ": GET /"),
    (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", ": OPTIONS *"),
    (b"GET /" + b"x" * 3000, ""),
    (b"GET /" + b"x" * 100 + b" HTTP/1.1\r\n", ": GET /" + "x" * 78 + "…"),
    (b"GET /\x1b[31m HTTP/1.1\r\n", ""),
    (b"", ""),
])
def test_the_slowest_exchange_is_named_from_its_bytes(head, text):
    totals = HttpTotals(slowest=[Slow(1_000, 0, 1, 2, 40)])
    summary = Summary(http=totals, read=lambda offset, length: head[offset - 40:][:length])
    assert list(summary.lines())[1].endswith(f" · slowest 1.00 µs{text} (packet 1)")


def test_words_are_only_about_caps_that_there_are():
    assert set(CAPS) <= set(Counters.__dataclass_fields__)


@pytest.mark.parametrize(("nanoseconds", "text"), [
    (0, "0 ns"), (999, "999 ns"), (1_000, "1.00 µs"), (137_736_000, "138 ms"), (999_600_000, "1.00 s"),
    (4_270_000_000, "4.27 s"), (119_000_000_000, "119 s"), (120_000_000_000, "2 min 00 s"), (7_500_000_000_000, "2 h 05 min"),
    (90_000_000_000_000, "1 d 1 h")])
def test_spans(nanoseconds, text):
    assert span(nanoseconds) == text


@pytest.mark.parametrize(("number", "text"), [(1, "1 byte"), (1743, "1,743 bytes"), (10_000, "10.0 kB"),
                                              (12_345_678, "12.3 MB"), (999_999, "1000 kB"),
                                              (3 * 10**12, "3.00 TB"), (10**16, "10000 TB")])
def test_sizes(number, text):
    assert size(number) == text
