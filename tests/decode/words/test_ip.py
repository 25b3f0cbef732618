"""Rows of IP itself, IGMP and protocols on IP. What is expected here is what tshark 4.0 writes for these packets."""

import pytest

from tests.decode.words.rows import row, rows
from tests.packets.frames import ethernet, ipv4, ipv6, tcp, udp

GROUP, SOURCE = bytes([224, 1, 2, 3]), bytes([1, 2, 3, 4])


def on_ipv4(payload: bytes, proto: int) -> tuple[str, str]:
    return row(ethernet(ipv4(payload, proto)))


def on_ipv6(payload: bytes, proto: int) -> tuple[str, str]:
    return row(ethernet(ipv6(payload, proto), 0x86DD))


@pytest.mark.parametrize(("word", "proto", "info"), [
    (0x2000, 17, "Fragmented IP protocol (proto=UDP 17, off=0, ID=d0fe)"),
    (0x2001, 6, "Fragmented IP protocol (proto=TCP 6, off=8, ID=d0fe)"),
    (0x00B9, 47, "Fragmented IP protocol (proto=Generic Routing Encapsulation 47, off=1480, ID=d0fe)"),
    (0x2000, 200, "Fragmented IP protocol (proto=Unassigned 200, off=0, ID=d0fe)")])
def test_ipv4_fragments(word: int, proto: int, info: str) -> None:
    assert row(ethernet(ipv4(bytes(16), proto, ident=0xD0FE, fragment=word))) == ("IPv4", info)


@pytest.mark.parametrize(("payload", "proto", "info"), [
    (bytes([17, 0, 0, 1, 0x28, 0x40, 0x3C, 0x0B]) + bytes(8), 44, "IPv6 fragment (off=0 more=y ident=0x28403c0b nxt=17)"),
    (bytes([58, 0, 5, 0x70, 0, 0, 0, 9]) + bytes(8), 44, "IPv6 fragment (off=1392 more=n ident=0x00000009 nxt=58)"),
    (b"", 59, "IPv6 no next header"),
    (bytes(8), 61, "Unknown IP Protocol: any host internal protocol (61)"),
    (b"", 6, "[Malformed Packet]"),
    (bytes([6, 0]) + bytes(6) + b"\0\1", 60, "IPv6 destination options[Malformed Packet]")])
def test_ipv6(payload: bytes, proto: int, info: str) -> None:
    assert on_ipv6(payload, proto) == ("IPv6", info)


PLAIN = ipv4(tcp(), 6)


@pytest.mark.parametrize(("packet", "info"), [
    (b"\x35" + PLAIN[1:], "Bogus IPv4 version (3, must be 4)"),
    (b"\x44" + PLAIN[1:], "Bogus IP header length (16, must be at least 20)"),
    (ipv4(b"", length=19), "Bogus IP length (19, less than header length 20)"),
    (ipv4(b""), ""), (PLAIN[:15], "[Malformed Packet]"), (ipv4(b"\0", 6), "[Malformed Packet]"),
    (ipv4(bytes(8), 3), "GGP (3)"), (ipv4(bytes(8), 253), "Unknown (253)")])
def test_headers_that_do_not_hold_together(packet: bytes, info: str) -> None:
    assert row(ethernet(packet)) == ("IPv4", info)


def test_a_header_cut_after_its_source() -> None:
    frame = ethernet(PLAIN)
    words = rows([frame[:32]], wire=[len(frame)])[0]
    assert words == ("IPv4", "[Packet size limited during capture]", "10.0.0.1", "02:00:00:00:00:01")


def test_short_ipv6_headers() -> None:
    frame = ethernet(ipv6(udp()), 0x86DD)
    assert row(frame[:30]) == ("IPv6", "Invalid IPv6 header (16 bytes, need exactly 40)[Malformed Packet]")
    assert row(frame[:30], wire=len(frame)) == ("IPv6", "[Packet size limited during capture]")


@pytest.mark.parametrize(("payload", "proto", "expected"), [
    (bytes.fromhex("12345678 00000001"), 50, ("ESP", "ESP (SPI=0x12345678)")),
    (bytes.fromhex("0201002c") + bytes(40), 89, ("OSPF", "Hello Packet")),
    (bytes.fromhex("0205") + bytes(30), 88, ("EIGRP", "Hello")),
    (bytes.fromhex("20000000") + bytes(8), 103, ("PIMv2", "Hello")),
    (bytes.fromhex("21010000") + bytes(8), 112, ("VRRP", "Announcement (v2)")),
    (bytes.fromhex("1000abcd 00000001"), 47, ("GRE", "Encapsulated 0xABCD (unknown)")),
    (bytes.fromhex("00010002 00000000 00000000 01000004"), 132, ("SCTP", "INIT ")),
    (bytes.fromhex("00010002 00000000 00000000 0003001400000005000000000000000061626364"), 132, ("SCTP", "DATA (TSN=5) ")),
    (bytes.fromhex("00010002 0008 0000"), 136, ("UDP-Lite", "1 → 2 Len=0 [ILLEGAL CHECKSUM (0)]")),
    (b"\0\0\0\7", 108, ("IPComp", "IPComp (CPI=0x0007)")),
    (b"", 50, ("IPv4", "")),
])
def test_protocols(payload: bytes, proto: int, expected: tuple[str, str]) -> None:
    assert on_ipv4(payload, proto) == expected


def test_sctp_numbers_are_relative_and_known_again() -> None:
    frames = [ethernet(ipv4(bytes.fromhex("00010002 00000001 00000000 00") + bytes([flags]) + bytes.fromhex("0014")
                            + tsn.to_bytes(4, "big") + bytes(8) + b"abcd", 132))
              for tsn, flags in ((100, 3), (101, 3), (101, 3), (103, 2), (5, 3))]
    assert [words.info for words in rows(frames)] == [
        "DATA (TSN=0) ", "DATA (TSN=1) ", "DATA (TSN=1) (retransmission) ", "DATA (TSN=3) (Message Fragment) ",
        "DATA (TSN=4294967201) "]


def test_a_register_message_shows_the_addresses_of_its_packet() -> None:
    frame = ethernet(ipv4(b"\x21" + bytes(7) + ipv4(bytes(8), 1, 0x01010101, 0x02020202), 103))
    assert row(frame) == ("PIMv2", "Register")


@pytest.mark.parametrize(("message", "expected"), [
    (bytes([0x11, 0, 0, 0]) + bytes(4), ("IGMPv1", "Membership Query")),
    (bytes([0x11, 9, 0, 0]) + bytes(4), ("IGMPv2", "Membership Query, general")),
    (bytes([0x11, 9, 0, 0]) + GROUP, ("IGMPv2", "Membership Query, specific for group 224.1.2.3")),
    (bytes([0x11, 9, 0, 0]) + GROUP + b"\0\0\0\2" + SOURCE * 2,
     ("IGMPv3", "Membership Query, specific for group 224.1.2.3, sources {1.2.3.4, 1.2.3.4}")),
    (bytes([0x12, 0, 0, 0]) + GROUP, ("IGMPv1", "Membership Report")),
    (bytes([0x16, 0, 0, 0]) + GROUP, ("IGMPv2", "Membership Report group 224.1.2.3")),
    (bytes([0x17, 0, 0, 0]) + GROUP, ("IGMPv2", "Leave Group 224.1.2.3")),
    (bytes([0x22, 0, 0, 0, 0, 0, 0, 0]), ("IGMPv3", "Membership Report - General query")),
    (bytes([0x99]) + bytes(7), ("IGMP", "Unknown Type:0x99")),
    (bytes([0x22, 0, 0, 0]), ("IGMPv3", "Membership Report[Malformed Packet]")),
    (bytes([0x16, 0, 0, 0, 1]), ("IGMPv2", "Membership Report[Malformed Packet]")),
])
def test_igmp(message: bytes, expected: tuple[str, str]) -> None:
    assert on_ipv4(message, 2) == expected


@pytest.mark.parametrize(("kind", "count", "words"), [
    (1, 0, "Leave group 224.1.2.3"), (1, 1, "Join group 224.1.2.3 for source {1.2.3.4}"),
    (3, 2, "Join group 224.1.2.3 for sources in {1.2.3.4, 1.2.3.4}"), (4, 0, "Join group 224.1.2.3 for any sources"),
    (2, 1, "Join group 224.1.2.3, for source not {1.2.3.4}"),
    (4, 2, "Join group 224.1.2.3, for sources not in {1.2.3.4, 1.2.3.4}"), (5, 1, "Group 224.1.2.3, new source {1.2.3.4}"),
    (6, 2, "Group 224.1.2.3, block sources {1.2.3.4, 1.2.3.4}"),
    (5, 0, "Group 224.1.2.3, ALLOW_NEW_SOURCES but no source specified (?)"),
    (9, 1, "Group 224.1.2.3, unknown record type (?), sources {1.2.3.4}")])
def test_igmp_v3_records(kind: int, count: int, words: str) -> None:
    record = bytes([kind, 0, 0, count]) + GROUP + SOURCE * count
    assert on_ipv4(bytes([0x22, 0, 0, 0, 0, 0, 0, 1]) + record, 2) == ("IGMPv3", f"Membership Report / {words}")
