"""Rows of frames without IP. What is expected here is what tshark 4.0 writes for these frames."""

import pytest

from tests.decode.words.rows import row, rows
from tests.packets.frames import MAC, ethernet

ROOT = bytes.fromhex("8003001ef6735980")


def llc(payload: bytes) -> bytes:
    return MAC + len(payload).to_bytes(2, "big") + payload


def bpdu(kind: int, flags: int, version: int = 0) -> bytes:
    body = bytes([0, 0, version, kind, flags]) + ROOT + bytes([0, 0, 0, 4]) + ROOT + bytes.fromhex("80010100140002000f00")
    return llc(b"\x42\x42\x03" + body + (b"\0" if version else b""))


@pytest.mark.parametrize(("frame", "expected"), [
    (ethernet(bytes(46), 0x1234), ("0x1234", "Ethernet II")),
    (ethernet(bytes(46), 0x8899), ("Realtek", "")),
    (ethernet(bytes(46), 0x05DD), ("Ethernet", "Ethernet Unknown: Invalid length/type: 0x05dd (1501)")),
    (ethernet(b"\x40" + bytes(45), 0x86DD), ("0x86dd", "IPv6")),
    (ethernet(b"\x20\x05\x12\x34" + bytes(40), 0x8100), ("0x1234", "PRI: 1  DEI: 0  ID: 5")),
    (ethernet(b"\x20\x05\x12\x34" + bytes(40), 0x88A8), ("0x1234", "PRI: 1  DROP: 0 ID: 5")),
    (ethernet(b"\0\0\x01\x40", 0x8847), ("MPLS", "MPLS Label Switched Packet[Malformed Packet]")),
    (MAC[:9], ("Ethernet", "[Malformed Packet]")),
    (bpdu(0, 0), ("STP", "Conf. Root = 32768/3/00:1e:f6:73:59:80  Cost = 4  Port = 0x8001")),
    (bpdu(2, 0x3D, 2), ("STP", "RST. TC + Root = 32768/3/00:1e:f6:73:59:80  Cost = 4  Port = 0x8001")),
    (llc(b"\x42\x42\x03\0\0\0\x80"), ("STP", "Topology Change Notification")),
    (ethernet(bytes([0, 0, 1, 0]) + bytes(42), 0x9000), ("LOOP", "Reply")),
    (ethernet(bytes([0, 1, 0, 5]) + bytes(42), 0x8808), ("MAC CTRL", "Pause: pause_time: 5 quanta")),
    (ethernet(bytes([1, 1]) + bytes(108), 0x8809),
     ("LACP", "v1 ACTOR 00:00:00:00:00:00 P: 0 K: 0 ******** PARTNER 00:00:00:00:00:00 P: 0 K: 0 ********")),
    (ethernet(bytes([2, 1, 0, 0]) + bytes(42), 0x888E), ("EAPOL", "Start")),
    (ethernet(bytes([2, 0, 0, 8, 1, 2, 0, 8, 1, 0, 0, 0]), 0x888E), ("EAP", "Request, Identity")),
    (ethernet(bytes([2, 3, 0, 95, 2, 0, 0x8A]) + bytes(92), 0x888E), ("EAPOL", "Key (Message 1 of 4)")),
    (ethernet(bytes([2, 3, 0, 95, 2, 0x13, 0xCA]) + bytes(92), 0x888E), ("EAPOL", "Key (Message 3 of 4)")),
    (ethernet(bytes.fromhex("020704001122334455 040305") + b"ge" + bytes.fromhex("06020078 0a03") + b"abc\0\0", 0x88CC),
     ("LLDP", "MA/00:11:22:33:44:55 IN/ge 120 SysN=abc ")),
    (ethernet(bytes(46), 0x88CC), ("LLDP", "Invalid Chassis ID TLV")),
    (llc(bytes.fromhex("aaaa03 00000c 2000 02b40000 0001 0008") + b"abcd" + bytes.fromhex("0003 0007") + b"Gi0"),
     ("CDP", "Device ID: abcd  Port ID: Gi0  ")),
    (ethernet(bytes.fromhex("1109 0000 0006 0102 0002") + b"ab", 0x8863),
     ("PPPoED", "Active Discovery Initiation (PADI) AC-Name='ab'")),
    (llc(b"\x0a\x0a\x03" + bytes(20)), ("LLC", "U, func=UI; DSAP 0x0a Individual, SSAP 0x0a Command")),
    (llc(b"\x0b\x0b\x00\x02" + bytes(20)), ("LLC", "I, N(R)=1, N(S)=0; DSAP 0x0a Group, SSAP 0x0a Response")),
    (llc(b"\x83\x1b\x01\x00"), ("LLC", "S, func=RR, N(R)=0; DSAP BACnet Group, SSAP 0x1a Response")),
    (llc(bytes.fromhex("aaaa03 000004 0800") + bytes(20)),
     ("LLC", "U, func=UI; SNAP, OUI 0x000004 (Xerox Corporation), PID 0x0800")),
    (llc(b"\0\1\xaf\x81\1\0"), ("XID", "Basic Format; Type 1 LLC (Class I LLC); Window Size 0")),
    (llc(bytes.fromhex("fefe03 831b0100 10010000 02 000000000002 001e 0000") + bytes(9)),
     ("ISIS HELLO", "L2 HELLO, System-ID: 0000.0000.0002")),
])
def test_ethernet(frame: bytes, expected: tuple[str, str]) -> None:
    assert row(frame) == expected


@pytest.mark.parametrize(("payload", "expected"), [
    (bytes.fromhex("c021 01070004"), ("PPP LCP", "Configuration Request")),
    (bytes.fromhex("c021 09070008 00000000"), ("PPP LCP", "Echo Request")),
    (bytes.fromhex("8021 02070004"), ("PPP IPCP", "Configuration Ack")),
    (bytes.fromhex("c023 0107000e 04") + b"ixia\4pass", ("PPP PAP", "Authenticate-Request (Peer-ID='ixia', Password='pass')")),
    (bytes.fromhex("c223 0107000a 02abcd") + b"xyz", ("PPP CHAP", "Challenge (NAME='xyz', VALUE=0xabcd)")),
    (bytes.fromhex("c223 03070007") + b"yes", ("PPP CHAP", "Success (MESSAGE='yes')")),
    (bytes.fromhex("c025 01070004"), ("0xc025", "PPP Link Quality Report (0xc025)")),
    (bytes.fromhex("0000 01070004"), ("0x0000", "PPP Unknown (0x0000)")),
    (bytes.fromhex("c0"), ("PPP", "[Malformed Packet]")),
])
def test_ppp(payload: bytes, expected: tuple[str, str]) -> None:
    words = rows([b"\xff\x03" + payload], 9)[0]
    assert (words.protocol, words.info) == expected
    assert (words.source, words.destination) == ("N/A", "N/A")


@pytest.mark.parametrize(("link_type", "frame", "expected"), [
    (0, b"\0\0\0\x63" + bytes(8), ("N/A", "Null/Loopback", "N/A", "N/A")),
    (0, b"", ("", "[Malformed Packet]", "", "")),
    (101, b"\x10" + bytes(20), ("N/A", "Raw packet data", "N/A", "N/A")),
    (101, b"\x45", ("N/A", "Raw packet data[Malformed Packet]", "N/A", "N/A")),
    (113, bytes.fromhex("0004 0001 0006 020000000001 0000 0002"), ("SLL", "Sent by us", "02:00:00:00:00:01", "")),
    (113, bytes.fromhex("0004 0001 0006 020000000001 0000 0003")[:9], ("SLL", "Sent by us[Malformed Packet]", "", "")),
    (239, b"", ("NFLOG", "[Malformed Packet]", None, None)),
    (192, bytes.fromhex("00000c00 00000000"), ("PPI", "PPI version 0, 12 bytes[Malformed Packet]", None, None)),
    (147, b"anything", ("", "", None, None)),
])
def test_other_links(link_type: int, frame: bytes, expected: tuple[str, str, str | None, str | None]) -> None:
    words = rows([frame], link_type)[0]
    assert (words.protocol, words.info) == expected[:2]
    if expected[2] is not None:
        assert (words.source, words.destination) == expected[2:]


BEACON = bytes.fromhex("8000 0000") + b"\xff" * 6 + bytes.fromhex("020000000002 020000000002 1002")


@pytest.mark.parametrize(("frame", "info"), [
    (BEACON + bytes(8) + bytes.fromhex("6400 0104 0004") + b"home",
     'Beacon frame, SN=33, FN=0, Flags=........, BI=100, SSID="home"'),
    (b"\x40" + BEACON[1:] + b"\0\0", "Probe Request, SN=33, FN=0, Flags=........, SSID=Wildcard (Broadcast)"),
    (b"\x88\x41" + BEACON[2:] + bytes(20), "QoS Data, SN=33, FN=0, Flags=.p.....T"),
    (b"\x48\x01" + BEACON[2:], "Null function (No data), SN=33, FN=0, Flags=.......T"),
    (b"\x08\x04" + BEACON[2:] + bytes(20), "Fragmented IEEE 802.11 frame"),
    (b"\xd4\0\0\0" + b"\2" * 6, "Acknowledgement, Flags=........"),
    (BEACON[:10], "Beacon frame[Malformed Packet]"),
])
def test_80211(frame: bytes, info: str) -> None:
    assert row(frame, 105) == ("802.11", info)


def test_an_acknowledgement_names_its_receiver() -> None:
    words = rows([b"\xd4\0\0\0" + bytes.fromhex("020000000001")], 105)[0]
    assert (words.source, words.destination) == ("", "02:00:00:00:00:01 (RA)")
