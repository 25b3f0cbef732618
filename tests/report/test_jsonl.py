"""JSON lines of packets."""

import json
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from sniff.packets.columns import Kind
from sniff.reassembly import columns as s
from sniff.reassembly.columns import MARKS, Tag
from sniff.report.jsonl import ANALYSIS_FIELDS, PacketLines, epoch
from tests.report.batches import Row, row_batch


def objects(batch):
    return [json.loads(line, parse_float=Decimal) for line in b"".join(PacketLines().chunks(batch)).splitlines()]


def test_a_tcp_packet():
    batch = row_batch([Row(7, 1_700_000_000_123_456_000, "10.0.0.1", "10.0.0.2", "HTTP", 478, "GET / HTTP/1.1 ",
                           tcp_flags=0x18, ports=(4000, 80), tags=Tag.RETRANSMISSION)], zero_ns=1_700_000_000_000_000_000)
    batch.apps.streams.table[s.STREAM] = 3
    [packet] = objects(batch)
    assert packet == packet | {
        "frame.number": 7, "frame.time_epoch": Decimal("1700000000.123456"), "frame.time_relative": Decimal("0.123456"),
        "frame.len": 478, "ip.src": "10.0.0.1", "ip.dst": "10.0.0.2", "tcp.srcport": 4000, "tcp.dstport": 80,
        "tcp.flags": 0x18, "tcp.stream": 3, "tcp.analysis.retransmission": True,
        "_ws.col.Protocol": "HTTP", "_ws.col.Info": "GET / HTTP/1.1 "}
    assert not any(name.startswith("udp.") for name in packet)


def test_addresses_of_other_kinds_have_their_own_names():
    rows = [Row(source="fe80::1", destination="ff02::1", kind=Kind.UDP), Row(source="02:00:00:00:00:01", kind=Kind.ARP,
            destination="ff:ff:ff:ff:ff:ff"), Row(source="", destination="", kind=Kind.FRAME), Row(source="a word",
            destination="another", kind=Kind.FRAME)]
    ipv6, mac, none, words = objects(row_batch(rows))
    assert (ipv6["ipv6.src"], ipv6["ipv6.dst"], mac["eth.src"]) == ("fe80::1", "ff02::1", "02:00:00:00:00:01")
    assert "udp.stream" in ipv6
    assert not any(name.endswith(".src") for name in [*none, *words])


def test_a_packet_without_a_time_has_null():
    [packet] = objects(row_batch([Row(ts_ns=5)], decimals=[-1]))
    assert packet["frame.time_epoch"] is None and packet["frame.time_relative"] is None


def test_what_has_no_value_has_no_key():
    batch = row_batch([Row(), Row()])
    batch.apps.streams.table[s.ROW_LEN] = [-1, 5]
    first, second = objects(batch)
    assert "tcp.len" not in first and second["tcp.len"] == 5


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(st.characters(exclude_characters="\t\n", exclude_categories=["Cs"])), max_size=5))
def test_any_text_is_one_ascii_line_and_comes_back(infos):
    batch = row_batch([Row(info=info) for info in infos])
    data = b"".join(PacketLines().chunks(batch))
    assert all(32 <= byte < 127 or byte == 10 for byte in data)
    assert [packet["_ws.col.Info"] for packet in objects(batch)] == infos


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 9))
def test_times_are_exact(ts_ns, decimals):
    text = epoch(ts_ns, decimals)
    assert json.loads(text, parse_float=Decimal, parse_int=Decimal) - Decimal(ts_ns).scaleb(-9) < Decimal(1).scaleb(-decimals)
    assert Decimal(epoch(ts_ns)) == Decimal(ts_ns).scaleb(-9)


def test_every_mark_has_its_field():
    assert set(ANALYSIS_FIELDS) == {tag for tag in Tag if tag & MARKS}
