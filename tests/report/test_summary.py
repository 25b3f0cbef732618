"""The figures after the rows."""

import numpy as np
import pytest

from sniff.decode import columns as d
from sniff.limits import Counters
from sniff.notes import Code, Notes
from sniff.packets import columns as c
from sniff.packets.columns import Kind
from sniff.reassembly import columns as s
from sniff.report.summary import CAPS, Exchange, Summary, size, span
from tests.report.batches import Row, row_batch


def test_batches_add_up():
    summary = Summary()
    batch = row_batch([Row(1, 5_000, length=60), Row(2, 1_000, length=40)])
    batch.apps.streams.opened = np.zeros((s.F_COUNT, 3), np.int64)
    batch.apps.streams.opened[s.F_PROTO] = [6, 17, 6]
    batch.apps.messages = np.zeros((d.M_COUNT, 3), np.int64)
    batch.apps.messages[d.M_IS_RESPONSE] = [0, 1, 1]
    batch.apps.messages[d.M_STATUS] = [0, 404, 200]
    summary.add(batch.apps, 2)
    summary.add(row_batch([]).apps)
    summary.add(row_batch([Row(3, 9_000)]).apps, 1)
    assert (summary.packets, summary.rows, summary.wire_bytes, summary.first_ns, summary.last_ns) == (3, 3, 160, 1_000, 9_000)
    assert (summary.tcp_flows, summary.udp_flows, summary.requests, summary.responses, summary.errors) == (2, 1, 1, 2, 1)


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
    summary = Summary(packets=1, wire_bytes=10_000, errors=1, unanswered=2, slowest=Exchange("GET /slow", 1_500_000_000, 9),
                      requests=2, notes=notes, counters=Counters(flows_evicted=1200))
    assert list(summary.lines()) == [
        "1 packet · 10.0 kB · 0 ns · 0 TCP connections · 0 UDP flows",
        "0 DNS queries · 2 HTTP requests · 1 error · 2 unanswered · slowest 1.50 s: GET /slow (packet 9)",
        "notes: HTTP_BAD_CHUNK 2, bytes missing from the capture 1",
        "limit reached: flows ended early to make room: 1,200"]


def test_every_cap_has_words():
    assert set(CAPS) == set(Counters.__dataclass_fields__)


@pytest.mark.parametrize(("nanoseconds", "text"), [
    (0, "0 ns"), (999, "999 ns"), (1_000, "1.00 µs"), (137_736_000, "138 ms"), (999_600_000, "1.00 s"), (4_270_000_000, "4.27 s"),
    (119_000_000_000, "119 s"), (120_000_000_000, "2 min 00 s"), (7_500_000_000_000, "2 h 05 min"),
    (90_000_000_000_000, "1 d 1 h")])
def test_spans(nanoseconds, text):
    assert span(nanoseconds) == text


@pytest.mark.parametrize(("number", "text"), [(1, "1 byte"), (1743, "1,743 bytes"), (10_000, "10.0 kB"), (12_345_678, "12.3 MB"),
                                              (999_999, "1000 kB"), (3 * 10**12, "3.00 TB"), (10**16, "10000 TB")])
def test_sizes(number, text):
    assert size(number) == text
