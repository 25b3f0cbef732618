"""Wireshark's colouring rules: which one gives a row its colours."""

import numpy as np
import pytest

from sniff.packets import columns as c
from sniff.packets.columns import Kind
from sniff.reassembly.columns import Tag
from sniff.report.colors import COLORS, Rule, rule_of_name, rules_of
from tests.report.batches import Row, row_batch

TCP = Row(kind=Kind.TCP, ports=(1000, 2000))
UDP = Row(kind=Kind.UDP, protocol="UDP")
FRAME = Row(kind=Kind.FRAME, source="02:00:00:00:00:01", destination="02:00:00:00:00:02", protocol="0x88b5")


@pytest.mark.parametrize(("row", "rule"), [
    (TCP, Rule.TCP),
    (TCP._replace(tags=Tag.NEW_STREAM), Rule.TCP),
    (TCP._replace(tags=Tag.DUP_ACK), Rule.BAD_TCP),
    (TCP._replace(tags=Tag.PORTS_REUSED | Tag.NEW_STREAM), Rule.BAD_TCP),
    (TCP._replace(tags=Tag.WINDOW_UPDATE), Rule.TCP),
    (TCP._replace(tags=Tag.KEEP_ALIVE | Tag.RETRANSMISSION), Rule.TCP),
    (TCP._replace(tags=Tag.RETRANSMISSION, protocol="HTTP", tcp_flags=4), Rule.BAD_TCP),
    (TCP._replace(tcp_flags=0x14, protocol="HTTP"), Rule.TCP_RST),
    (TCP._replace(tcp_flags=0x02), Rule.TCP_SYN_FIN),
    (TCP._replace(tcp_flags=0x11), Rule.TCP_SYN_FIN),
    (TCP._replace(tcp_flags=0x02, ports=(80, 1)), Rule.HTTP),
    (TCP._replace(ports=(1, 80)), Rule.HTTP),
    (TCP._replace(protocol="HTTP/JSON"), Rule.HTTP),
    (UDP._replace(protocol="SSDP"), Rule.HTTP),
    (UDP._replace(ports=(80, 80)), Rule.UDP),
    (UDP._replace(protocol="DNS"), Rule.UDP),
    (UDP._replace(protocol="NBNS"), Rule.SMB),
    (UDP._replace(ttl=4), Rule.TTL),
    (UDP._replace(ttl=1, destination="239.255.255.250"), Rule.UDP),
    (UDP._replace(ttl=255, destination="224.0.0.251", protocol="MDNS"), Rule.UDP),
    (UDP._replace(ttl=2, destination="224.0.0.5"), Rule.TTL),
    (UDP._replace(ttl=1, destination="224.0.0.5"), Rule.UDP),
    (UDP._replace(ttl=1, source="fe80::1", destination="ff02::1"), Rule.UDP),
    (Row(kind=Kind.ARP, protocol="ARP"), Rule.ARP),
    (Row(kind=Kind.IGMP, protocol="IGMPv2", ttl=1, destination="224.0.0.22"), Rule.ROUTING),
    (Row(kind=Kind.ICMP, protocol="ICMP"), Rule.ICMP),
    (FRAME, Rule.NONE),
])
def test_first_rule_that_holds(row, rule):
    assert rules_of(row_batch([row])).tolist() == [rule]


@pytest.mark.parametrize(("kind", "error", "echo"), [(Kind.ICMP, 3, 8), (Kind.ICMP, 11, 0), (Kind.ICMPV6, 1, 128)])
def test_icmp_errors_by_their_type(kind, error, echo):
    batch = row_batch([Row(kind=kind)] * 3)
    batch.packets.data = np.array([error, echo], np.uint8)
    batch.packets.table[c.L4] = [0, 1, 2]    # the last one was cut before its type
    assert rules_of(batch).tolist() == [Rule.ICMP_ERROR, Rule.ICMP, Rule.ICMP]


def test_frames_to_everybody_are_grey():
    batch = row_batch([FRAME] * 2)
    batch.packets.data = np.array([0xFF, 0x02], np.uint8)
    batch.packets.table[c.L2] = [0, 1]
    batch.packets.table[c.LINK_TYPE] = 1
    assert rules_of(batch).tolist() == [Rule.BROADCAST, Rule.NONE]


def test_only_shown_rows_have_a_rule():
    assert rules_of(row_batch([TCP, UDP, TCP], shown=[1])).tolist() == [Rule.UDP]
    assert rules_of(row_batch([])).tolist() == []


def test_names_in_tunnels():
    assert rule_of_name("GTP <HTTP>") is Rule.HTTP
    assert rule_of_name("DNS") is Rule.NONE
    assert set(COLORS) == set(Rule) - {Rule.NONE}
