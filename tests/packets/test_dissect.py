"""The compiled walk through the headers of a packet."""

import struct

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sniff.decode.words import Describer
from sniff.packets import columns as c
from sniff.packets.columns import Address, Flag, Kind, Layer
from sniff.packets.cursor import TRACED
from tests.packets.frames import (
    LINK_TYPES,
    MAC,
    _changed,
    damaged,
    dissect,
    dissector,
    ethernet,
    ipv4,
    ipv6,
    one,
    raw_batch,
    tcp,
    tunnelled,
    udp,
)
from tests.twins import uncompiled

INDEXES = (c.L2, c.L3, c.L4, c.PAYLOAD, c.HEADER, c.END, c.OUTER_L3)


# --- what most packets are ---------------------------------------------------------------------------------------------------

nearly_usual = st.builds(
    lambda packet, changes, length, pad: (lambda frame: bytes(
        frame[:length if length >= 0 else len(frame)] + bytes(pad)))(_changed(bytearray(ethernet(packet)), changes)),
    st.one_of(
        st.builds(lambda payload, source, destination, more, options, total: ipv4(
            udp(payload, source, destination, None if more is None else max(0, 8 + len(payload) + more)), options=options,
            length=None if total is None else max(0, 28 + len(payload) + len(options) + total)),
            st.binary(max_size=20), st.one_of(st.sampled_from([53, 4789, 2152, 3544]), st.integers(0, 65535)),
            st.sampled_from([53, 5353, 4789, 40_000]), st.sampled_from([None, None, -9, -1, 0, 1]),
            st.sampled_from([b"", b"", b"\1\1\1\0"]), st.sampled_from([None, None, -40, -1, 1])),
        st.builds(lambda payload, flags, options: ipv4(tcp(payload, flags=flags, options=options), 6), st.binary(max_size=20),
                  st.integers(0, 4095), st.sampled_from([b"", b"\1\1\10\12" + b"\377" * 8, b"\2\4\5\xb4", b"\1" * 40]))),
    st.lists(st.tuples(st.integers(12, 60), st.integers(0, 255)), max_size=2), st.sampled_from([-1, -1, -1, 41, 42, 53, 54, 60]),
    st.sampled_from([0, 0, 0, 6, 18]))
"""Frames that are what most are, but perhaps for one thing."""


@settings(max_examples=600)
@given(frames=st.lists(nearly_usual, min_size=1, max_size=6), more=st.sampled_from([0, 0, 1, 30]))
def test_what_most_packets_are_has_a_way_of_its_own_that_says_the_same(frames: list[bytes], more: int) -> None:
    wire = [len(frame) + more for frame in frames]
    quick, walking = dissector(), dissector()
    walking._record[TRACED] = 1     # who wants to know every header gets the walk
    assert np.array_equal(quick.dissect(raw_batch(frames, 1, wire)).table, walking.dissect(raw_batch(frames, 1, wire)).table)


def test_a_route_of_a_token_ring_that_is_longer_than_its_packet() -> None:
    frame = b"\0@" + bytes(6) + b"\x80" + bytes(5) + b"\3\0"     # says three bytes of route, and has two
    table = dissector().dissect(raw_batch([frame], [6], [len(frame)])).table
    assert all(table[column, 0] <= table[c.START, 0] + len(frame) for column in INDEXES)


# --- whatever the bytes are -------------------------------------------------------------------------------------------------

@settings(max_examples=300)
@given(frames=st.lists(st.one_of(st.binary(max_size=120), damaged), min_size=1, max_size=8), data=st.data())
@example(frames=[bytes(200)], data=None)
def test_any_bytes_of_any_link_type(frames: list[bytes], data: st.DataObject | None) -> None:
    links = [data.draw(st.sampled_from(LINK_TYPES)) if data else 1 for _ in frames]
    cut = [data.draw(st.integers(0, 60)) if data else 0 for _ in frames]
    stage = dissector()
    batch = stage.dissect(raw_batch(frames, links, [len(frame) + more for frame, more in zip(frames, cut, strict=True)]))
    assert not stage.notes.counts, "no packet may need the safety net under the compiled loop"
    table = batch.table
    for i in range(len(batch)):
        start, end = int(table[c.START, i]), int(table[c.START, i] + table[c.CAPLEN, i])
        reassembled = bool(table[c.FLAGS, i] & Flag.REASSEMBLED)
        for column in INDEXES:
            index = int(table[column, i])
            assert index == -1 or start <= index <= end or reassembled
        if table[c.PAYLOAD, i] >= 0:
            assert table[c.PAYLOAD_LEN, i] >= 0
            assert table[c.PAYLOAD, i] + table[c.PAYLOAD_LEN, i] <= table[c.END, i]
        assert table[c.WIRE_END, i] >= table[c.END, i] or table[c.END, i] <= end
        Kind(int(table[c.KIND, i]))
        Layer(int(table[c.LAYER, i]))
        Address(int(table[c.ADDRESS_KIND, i]))


@settings(max_examples=150)
@given(frames=st.lists(st.one_of(st.binary(max_size=120), damaged), min_size=1, max_size=8),
       link_type=st.sampled_from(LINK_TYPES), cut=st.integers(0, 40))
def test_compiled_and_uncompiled_agree(frames: list[bytes], link_type: int, cut: int) -> None:
    raw = raw_batch(frames, link_type, [len(frame) + cut for frame in frames])
    twin = uncompiled("sniff.packets.stage")
    notes, counters = uncompiled("sniff.notes"), uncompiled("sniff.limits")
    expected = twin.Dissector(notes.Notes(), counters.Counters()).dissect(raw)
    got = dissector().dissect(raw)
    assert np.array_equal(got.table, expected.table)
    assert np.array_equal(got.data, expected.data)


@settings(max_examples=200)
@given(frames=st.lists(st.one_of(st.binary(max_size=120), damaged), min_size=1, max_size=6),
       link_type=st.sampled_from(LINK_TYPES), cut=st.integers(0, 40))
def test_every_packet_has_a_row(frames: list[bytes], link_type: int, cut: int) -> None:
    batch = dissector().dissect(raw_batch(frames, link_type, [len(frame) + cut for frame in frames]))
    describer = Describer()
    for i in range(len(batch)):
        words = describer.describe(batch, i)
        if batch.table[c.ADDRESS_KIND, i] != Address.TEXT:
            continue
        assert words.source is None or isinstance(words.source, str)


# --- what was built is what is read -------------------------------------------------------------------------------------------

@settings(max_examples=300)
@given(packet=tunnelled)
def test_tunnels_end_at_the_innermost_packet(packet: tuple[int, bytes]) -> None:
    """The strategy wraps packets; the innermost one is found again at the end of the frame."""
    kind, frame = packet
    column = one(ethernet(frame, kind))
    assert column["KIND"] in (Kind.TCP, Kind.UDP)
    assert (column["SRC_PORT"], column["DST_PORT"]) == (40_000, 80 if column["KIND"] == Kind.TCP else 53)
    header = 40 if column["IP_VERSION"] == 6 else 20
    assert column["L4"] == column["L3"] + header
    assert column["L3"] >= column["OUTER_L3"]
    assert bool(column["FLAGS"] & Flag.TUNNEL) == (column["L3"] != column["OUTER_L3"])
    assert column["END"] == len(ethernet(frame, kind))


def test_plain_tcp() -> None:
    frame = ethernet(ipv4(tcp(b"hello", 40_000, 80, 0x18, bytes(12)), 6))
    column = one(frame)
    assert {name: column[name] for name in (
        "KIND", "FLAGS", "ADDRESS_KIND", "SRC_LO", "DST_LO", "ETHERTYPE", "L2", "L3", "L4", "END", "TTL", "IP_PROTO")} == {
        "KIND": Kind.TCP, "FLAGS": 0, "ADDRESS_KIND": Address.IPV4, "SRC_LO": 0x0A000001, "DST_LO": 0x0A000002,
        "ETHERTYPE": 0x0800, "L2": 0, "L3": 14, "L4": 34, "END": len(frame), "TTL": 64, "IP_PROTO": 6}
    assert {name: column[name] for name in (
        "SRC_PORT", "DST_PORT", "TCP_SEQ", "TCP_ACK", "TCP_FLAGS", "TCP_WINDOW", "TCP_HEADER", "PAYLOAD", "PAYLOAD_LEN",
        "PAYLOAD_WIRE", "VLAN", "OUTER_L3", "UDP_LENGTH")} == {
        "SRC_PORT": 40_000, "DST_PORT": 80, "TCP_SEQ": 7, "TCP_ACK": 9, "TCP_FLAGS": 0x18, "TCP_WINDOW": 512,
        "TCP_HEADER": 32, "PAYLOAD": 66, "PAYLOAD_LEN": 5, "PAYLOAD_WIRE": 5, "VLAN": -1, "OUTER_L3": 14, "UDP_LENGTH": -1}


def test_ipv6_addresses_keep_all_their_bits() -> None:
    column = one(ethernet(ipv6(udp(), source=2**128 - 1, destination=2**127 + 5), 0x86DD))
    assert (column["SRC_HI"], column["SRC_LO"]) == (-1, -1)
    assert (column["DST_HI"], column["DST_LO"]) == (-2**63, 5)


def test_ethernet_padding_is_no_payload() -> None:
    column = one(ethernet(ipv4(tcp(), 6)) + bytes(6))
    assert (column["PAYLOAD_LEN"], column["PAYLOAD_WIRE"], column["END"]) == (0, 0, 54)


def test_total_length_zero_is_the_rest_of_the_frame() -> None:
    column = one(ethernet(ipv4(tcp(b"x" * 70), 6, length=0)))
    assert column["PAYLOAD_LEN"] == 70


@pytest.mark.parametrize("captured", range(14, 66))
def test_a_cut_packet_says_so(captured: int) -> None:
    frame = ethernet(ipv4(tcp(b"0123456789", options=bytes(4)), 6))
    column = one(frame[:captured], wire=len(frame))
    assert column["FLAGS"] & Flag.CUT
    assert not column["FLAGS"] & Flag.MALFORMED
    assert bool(column["FLAGS"] & Flag.HEADER_CUT) == (captured < 58)
    if captured >= 58:
        assert (column["PAYLOAD_LEN"], column["PAYLOAD_WIRE"]) == (captured - 58, 10)


@pytest.mark.parametrize(("frame", "kind"), [
    (ethernet(b"\x35" + ipv4(udp())[1:]), Kind.IP_MALFORMED),
    (ethernet(b"\x44" + ipv4(udp())[1:]), Kind.IP_MALFORMED),
    (ethernet(ipv4(udp(), length=19)), Kind.IP_MALFORMED),
    (ethernet(ipv4(udp(length=7))), Kind.UDP),
    (ethernet(ipv4(udp(length=60))), Kind.UDP),
    (ethernet(ipv4(tcp()[:12] + b"\x40" + tcp()[13:], 6)), Kind.TCP),
])
def test_headers_that_contradict_themselves(frame: bytes, kind: Kind) -> None:
    column = one(frame)
    assert column["KIND"] == kind
    assert column["FLAGS"] & Flag.MALFORMED


EXTENSIONS = {
    "hop-by-hop": (0, bytes([17, 0]) + bytes(6)), "destination": (60, bytes([17, 1]) + bytes(14)),
    "routing": (43, bytes([17, 0, 0, 0]) + bytes(4)), "atomic fragment": (44, bytes([17, 0, 0, 0, 0, 0, 0, 9])),
    "authentication": (51, bytes([17, 4]) + bytes(22)),
}


@pytest.mark.parametrize("name", EXTENSIONS)
def test_extension_headers(name: str) -> None:
    following, header = EXTENSIONS[name]
    column = one(ethernet(ipv6(header + udp(b"abc"), following), 0x86DD))
    assert (column["KIND"], column["DST_PORT"], column["PAYLOAD_LEN"]) == (Kind.UDP, 2_000, 3)
    assert column["IP_PROTO"] == 17
    assert column["L4"] == 54 + len(header)


def test_routing_headers_and_home_addresses_name_the_real_ends() -> None:
    routing = bytes([60, 4, 0, 1]) + bytes(4) + (8).to_bytes(16, "big") + (9).to_bytes(16, "big")
    options = bytes([17, 2, 1, 2, 0, 0, 0xC9, 16]) + (7).to_bytes(16, "big")
    column = one(ethernet(ipv6(routing + options + udp(), 43), 0x86DD))
    assert (column["SRC_LO"], column["DST_LO"], column["KIND"]) == (7, 9, Kind.UDP)


def test_a_jumbogram_has_its_length_in_an_option() -> None:
    payload = udp(b"x" * 100, length=0)
    jumbo = bytes([17, 0, 0xC2, 4]) + (8 + len(payload)).to_bytes(4, "big")
    column = one(ethernet(ipv6(jumbo + payload, 0, length=0), 0x86DD))
    assert (column["KIND"], column["PAYLOAD_LEN"]) == (Kind.UDP, 100)


PLAIN = ipv4(udp(b"abc"))
LINKS = {
    "linux cooked": (113, bytes.fromhex("0000 0001 0006 020000000001 0000 0800") + PLAIN),
    "linux cooked 2": (276, bytes.fromhex("0800 0000 00000001 0001 00 06 020000000001 0000") + PLAIN),
    "null, little-endian": (0, b"\x02\0\0\0" + PLAIN), "null, big-endian": (0, b"\0\0\0\x02" + PLAIN),
    "loop": (108, b"\0\0\0\x02" + PLAIN), "raw": (101, PLAIN), "raw, old": (12, PLAIN), "raw, older": (14, PLAIN),
    "IPv4": (228, PLAIN), "PPP": (9, b"\xff\x03\0\x21" + PLAIN), "PPP without HDLC": (9, b"\0\x21" + PLAIN),
    "PPP, short number": (9, b"\x21" + PLAIN), "PPP in HDLC": (50, b"\xff\x03\0\x21" + PLAIN),
    "PPP with a direction": (166, b"\x01\x03\0\x21" + PLAIN),
    "Cisco HDLC": (104, b"\x0f\0\x08\0" + PLAIN), "Cisco HDLC as PPP": (50, b"\x0f\0\x08\0" + PLAIN),
    "SNAP": (1, MAC + (8 + len(PLAIN)).to_bytes(2, "big") + bytes.fromhex("aaaa03 000000 0800") + PLAIN),
    "LLC over ATM": (100, bytes.fromhex("aaaa03 000000 0800") + PLAIN),
    "FDDI": (10, b"\x50" + MAC + bytes.fromhex("aaaa03 000000 0800") + PLAIN),
    "token ring": (6, b"\x10\x40" + MAC + bytes.fromhex("aaaa03 000000 0800") + PLAIN),
    "frame relay": (107, bytes.fromhex("0801 03 cc") + PLAIN),
    "NFLOG": (239, bytes.fromhex("02 00 0000") + struct.pack("<HH", 5, 1) + b"\0\0\0\0"
              + struct.pack("<HH", 4 + len(PLAIN), 9) + PLAIN),
    "PPI": (192, struct.pack("<BBHI", 0, 0, 8, 1) + ethernet(PLAIN)),
    "PKTAP": (258, struct.pack("<III", 108, 1, 1) + bytes(96) + ethernet(PLAIN)),
    "802.11 data": (105, bytes.fromhex("0801 0000") + MAC + bytes(8) + bytes.fromhex("aaaa03 000000 0800") + PLAIN),
    "802.11 QoS data": (105, bytes.fromhex("8802 0000") + MAC + bytes(8) + b"\0\0" + bytes.fromhex("aaaa03 000000 0800") + PLAIN),
    "radiotap": (127, bytes.fromhex("0000 0800 00000000 0801 0000") + MAC + bytes(8) + bytes.fromhex("aaaa03 000000 0800")
                 + PLAIN),
    "radiotap with FCS": (127, bytes.fromhex("0000 0900 02000000 10 0801 0000") + MAC + bytes(8)
                          + bytes.fromhex("aaaa03 000000 0800") + PLAIN + b"\x12\x34\x56\x78"),
}


@pytest.mark.parametrize("name", LINKS)
def test_link_layers(name: str) -> None:
    link_type, frame = LINKS[name]
    column = one(frame, link_type)
    assert (column["KIND"], column["SRC_LO"], column["DST_PORT"], column["PAYLOAD_LEN"], column["FLAGS"]) == (
        Kind.UDP, 0x0A000001, 2_000, 3, 0)


@pytest.mark.parametrize(("link_type", "head"), [(0, b"\x1e\0\0\0"), (0, b"\x18\0\0\0"), (0, b"\x1c\0\0\0"), (0, b"\0\0\0\x0a"),
                                                 (101, b""), (229, b""), (9, b"\xff\x03\0\x57")])
def test_link_layers_with_ipv6(link_type: int, head: bytes) -> None:
    assert one(head + ipv6(udp(b"abc")), link_type)["PAYLOAD_LEN"] == 3


UDP_TUNNELS = {
    "VXLAN": (4789, bytes.fromhex("0800000000000100") + ethernet(PLAIN)),
    "VXLAN-GPE": (4790, bytes.fromhex("0c00000100000100") + PLAIN),
    "Geneve with options": (6081, bytes.fromhex("0200 0800 00000100") + bytes(8) + PLAIN),
    "GTP-U": (2152, bytes.fromhex("30ff 001f 00000001") + PLAIN),
    "GTP-U with a sequence number": (2152, bytes.fromhex("32ff 0023 00000001 00010000") + PLAIN),
    "GTP-U with an extension header": (2152, bytes.fromhex("34ff 0027 00000001 00000085 01 1000 00") + PLAIN),
    "LISP": (4341, bytes(8) + PLAIN), "MPLS in UDP": (6635, b"\0\0\x11\x40" + PLAIN),
    "L2TP": (1701, bytes.fromhex("0002 0001 0002 ff03 0021") + PLAIN),
    "L2TP with a length": (1701, bytes.fromhex("4002 002b 0001 0002 ff03 0021") + PLAIN),
    "TZSP": (37008, bytes.fromhex("0100 0001 01") + ethernet(PLAIN)),
}


@pytest.mark.parametrize("name", UDP_TUNNELS)
def test_udp_tunnels(name: str) -> None:
    port, payload = UDP_TUNNELS[name]
    column = one(ethernet(ipv4(udp(payload, 50_000, port), source=1, destination=2)))
    assert (column["KIND"], column["SRC_LO"], column["DST_PORT"], column["PAYLOAD_LEN"]) == (Kind.UDP, 0x0A000001, 2_000, 3)
    assert column["FLAGS"] == Flag.TUNNEL | (Flag.GTP if "GTP" in name else 0)
    assert column["OUTER_L3"] == 14 < column["L3"]


def test_teredo() -> None:
    inner = bytes.fromhex("0001 0004 0000 deadbeef 0102030405060708 00"[:0]) + ipv6(udp(b"abc"))
    column = one(ethernet(ipv4(udp(bytes.fromhex("0000 1234 0a0b0c0d") + inner, 50_000, 3544))))
    assert (column["ADDRESS_KIND"], column["PAYLOAD_LEN"]) == (Address.IPV6, 3)
    assert column["FLAGS"] == Flag.TUNNEL | Flag.TEREDO


@pytest.mark.parametrize("payload", [b"", b"\0" * 8, b"\xff" * 40, b"\x30\x01" + bytes(30), b"\x30\xff" + bytes(30)])
@pytest.mark.parametrize("port", [1701, 2152, 3544, 4341, 4790, 5072, 5247, 6081, 37008])
def test_what_is_no_tunnel_stays_udp_or_says_what_it_is(port: int, payload: bytes) -> None:
    column = one(ethernet(ipv4(udp(payload, 50_000, port))))
    if column["KIND"] == Kind.UDP:
        assert (column["DST_PORT"], column["PAYLOAD_LEN"], column["L3"]) == (port, len(payload), 14)
    else:
        assert column["SRC_PORT"] == -1


GRE = {
    "plain": bytes.fromhex("0000 0800") + PLAIN, "with a checksum": bytes.fromhex("8000 0800 00000000") + PLAIN,
    "with key and number": bytes.fromhex("3000 0800 00000001 00000002") + PLAIN,
    "bridged": bytes.fromhex("2000 6558 00000001") + ethernet(PLAIN),
    "ERSPAN I": bytes.fromhex("0000 88be") + ethernet(PLAIN),
    "ERSPAN II": bytes.fromhex("1000 88be 00000001 10010000 00000000") + ethernet(PLAIN),
    "ERSPAN III": bytes.fromhex("1000 22eb 00000001 20010000 00000000 00000000") + ethernet(PLAIN),
    "PPTP": bytes.fromhex("3081 880b 00100001 00000001 00000001 ff03 0021") + PLAIN,
    "WCCP": bytes.fromhex("0000 883e") + PLAIN, "WCCP with a redirect header": bytes.fromhex("0000 883e 01020304") + PLAIN,
    "MPLS": bytes.fromhex("0000 8847 00001140") + PLAIN,
}


@pytest.mark.parametrize("name", GRE)
def test_gre(name: str) -> None:
    column = one(ethernet(ipv4(GRE[name], 47, source=1, destination=2)))
    assert (column["KIND"], column["SRC_LO"], column["PAYLOAD_LEN"], column["FLAGS"]) == (
        Kind.UDP, 0x0A000001, 3, Flag.TUNNEL)


def test_tags_stack() -> None:
    tags = bytes.fromhex("0064 8100 0065 88a8 0066 0800")
    column = one(ethernet(tags + PLAIN, 0x88A8))
    assert (column["VLAN"], column["ETHERTYPE"], column["KIND"]) == (0x64, 0x0800, Kind.UDP)


def test_a_stack_of_layers_without_end_is_given_up() -> None:
    column = one(ethernet(b"\0\x05\x81\0" * 4_000, 0x8100))
    assert column["KIND"] == Kind.ETHERNET_OTHER


def test_frame_check_sequences_are_taken_off_where_the_interface_has_them() -> None:
    from sniff.capture.raw import Interface
    from sniff.limits import Counters
    from sniff.notes import Notes
    from sniff.packets.stage import Dissector

    interface = Interface(0, 1, fcs_len=4)
    stage = Dissector(Notes(), Counters(), lambda: [interface])
    frame = ethernet(ipv4(tcp(b"abc"), 6, length=0)) + b"FCS!"
    assert stage.dissect(raw_batch([frame])).table[c.PAYLOAD_LEN, 0] == 3


def test_packets_of_every_link_type_in_one_batch() -> None:
    frames = [frame for _, frame in LINKS.values()]
    batch = dissect(frames, [link for link, _ in LINKS.values()])
    assert batch.table[c.KIND].tolist() == [Kind.UDP] * len(frames)
    assert [batch.payload(i) for i in range(len(batch))] == [b"abc"] * len(frames)
