"""ICMP and ICMPv6 rows. What is expected here is what tshark 4.0 writes for these packets."""

import pytest

from sniff import limits
from sniff.decode.words.memory import Memory
from tests.decode.words.rows import checksum, icmp, icmpv6, row, rows
from tests.packets.frames import ethernet, ipv4, tcp, udp

TARGET = bytes.fromhex("fe80" + "00" * 13 + "05")
MAC = bytes.fromhex("66778899aabb")
QUOTED = ipv4(udp(b"x" * 10, 1, 2))


def ping(kind: int, identifier: int = 0x1234, sequence: int = 0x0102, data: bytes = b"abc", pseudo: int = 0) -> bytes:
    return checksum(bytes([kind, 0, 0, 0]) + identifier.to_bytes(2, "big") + sequence.to_bytes(2, "big") + data, pseudo)


@pytest.mark.parametrize(("message", "info"), [
    (ping(8), "Echo (ping) request  id=0x1234, seq=258/513, ttl=64"),
    (ping(0), "Echo (ping) reply    id=0x1234, seq=258/513, ttl=64"),
    (bytes([13, 0, 0, 0, 0, 1, 0, 2]) + bytes(12), "Timestamp request    id=0x0001, seq=2/512, ttl=64"),
    (bytes([17, 0, 0, 0, 0, 1, 0, 2]) + bytes(4), "Address mask request id=0x0001, seq=2/512, ttl=64"),
    (bytes([3, 1, 0, 0, 0, 0, 0, 0]) + QUOTED, "Destination unreachable (Host unreachable)"),
    (bytes([3, 16, 0, 0, 0, 0, 0, 0]) + QUOTED, "Destination unreachable (Unknown code: 16)"),
    (bytes([11, 0, 0, 0, 0, 0, 0, 0]) + QUOTED, "Time-to-live exceeded (Time to live exceeded in transit)"),
    (bytes([5, 1, 0, 0, 0, 0, 0, 0]) + QUOTED, "Redirect             (Redirect for host)"),
    (bytes([4, 0, 0, 0, 0, 0, 0, 0]) + QUOTED, "Source quench (flow control)"),
    (bytes([10]) + bytes(7), "Router solicitation "),
    (bytes([9]) + bytes(7), "Mobile IP Advertisement (Normal router advertisement)"),
    (bytes([254]) + bytes(7), "Unknown ICMP (obsolete or malformed?)"),
    (ping(8)[:5], "[Malformed Packet]"),
    (ping(8)[:7], "Echo (ping) request [Malformed Packet]"),
    (ping(13)[:8], "Timestamp request    id=0x1234, seq=258/513, ttl=64[Malformed Packet]"),
])
def test_icmp(message: bytes, info: str) -> None:
    assert row(icmp(message)) == ("ICMP", info)


@pytest.mark.parametrize(("kept", "info"), [(35, "[Packet size limited during capture]"),
                                            (41, "Echo (ping) request [Packet size limited during capture]"),
                                            (42, "Echo (ping) request  id=0x1234, seq=258/513, ttl=64")])
def test_a_cut_ping(kept: int, info: str) -> None:
    frame = icmp(ping(8))
    assert row(frame[:kept], wire=len(frame)) == ("ICMP", info)


def test_a_cut_quotation() -> None:
    frame = icmp(bytes([3, 1, 0, 0, 0, 0, 0, 0]) + ipv4(tcp(), 6))
    words = "Destination unreachable (Host unreachable)"
    assert row(frame[:60], wire=len(frame)) == ("ICMP", words + "[Packet size limited during capture]")
    assert row(frame) == ("ICMP", words)


def test_a_reply_names_its_request_once() -> None:
    request, reply = icmp(ping(8)), icmp(ping(0), 0x0A000002, 0x0A000001)
    infos = [words.info for words in rows([request, reply, reply])]
    assert infos == ["Echo (ping) request  id=0x1234, seq=258/513, ttl=64",
                     "Echo (ping) reply    id=0x1234, seq=258/513, ttl=64 (request in 1)",
                     "Echo (ping) reply    id=0x1234, seq=258/513, ttl=64"]


@pytest.mark.parametrize("other", [icmp(ping(0, sequence=3), 0x0A000002, 0x0A000001), icmp(ping(0), 0x0A000003, 0x0A000001),
                                   icmp(ping(0, data=b"abd"), 0x0A000002, 0x0A000001)])
def test_a_reply_to_something_else(other: bytes) -> None:
    assert "request in" not in rows([icmp(ping(8)), other])[1].info


def test_pings_are_forgotten_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PINGS", 2)
    counters = limits.Counters()
    memory = Memory(counters)
    for number in (1, 2, 3):
        memory.request((number,), number)
    assert [memory.answered((number,)) for number in (1, 2, 3)] == [0, 2, 3]
    assert counters.rows_forgotten == 1


@pytest.mark.parametrize(("message", "info"), [
    (ping(128), "Echo (ping) request id=0x1234, seq=258, hop limit=64"),
    (bytes([1, 4, 0, 0, 0, 0, 0, 0]) + QUOTED, "Destination Unreachable (Port unreachable)"),
    (bytes([1, 9, 0, 0, 0, 0, 0, 0]) + QUOTED, "Destination Unreachable (Unknown)"),
    (bytes([3, 0, 0, 0, 0, 0, 0, 0]) + QUOTED, "Time Exceeded (hop limit exceeded in transit)"),
    (bytes([3, 7, 0, 0, 0, 0, 0, 0]) + QUOTED, "Time Exceeded (Unknown (7))"),
    (bytes([1, 0, 0, 0, 9, 0, 0, 0]) + QUOTED, "Destination Unreachable (no route to destination)[Malformed Packet]"),
    (bytes([2]) + bytes(7) + QUOTED, "Packet Too Big"),
    (bytes([4, 1]) + bytes(6) + QUOTED, "Parameter Problem (unrecognized Next Header type encountered)"),
    (bytes([133]) + bytes(7), "Router Solicitation"),
    (bytes([133]) + bytes(7) + b"\1\1" + MAC, "Router Solicitation from 66:77:88:99:aa:bb"),
    (bytes([134]) + bytes(15) + b"\5\1\0\0\0\0\5\xdc\1\1" + MAC, "Router Advertisement from 66:77:88:99:aa:bb"),
    (bytes([135]) + bytes(7) + TARGET, "Neighbor Solicitation for fe80::5"),
    (bytes([135]) + bytes(7) + TARGET + b"\1\1" + MAC, "Neighbor Solicitation for fe80::5 from 66:77:88:99:aa:bb"),
    (bytes([136, 0, 0, 0, 0xE0, 0, 0, 0]) + TARGET + b"\2\1" + MAC,
     "Neighbor Advertisement fe80::5 (rtr, sol, ovr) is at 66:77:88:99:aa:bb"),
    (bytes([136]) + bytes(7) + TARGET, "Neighbor Advertisement fe80::5 (none)"),
    (bytes([135]) + bytes(7) + TARGET + b"\1\1" + MAC[:4], "Neighbor Solicitation for fe80::5[Malformed Packet]"),
    (bytes([135]) + bytes(7) + TARGET[:5], "Neighbor Solicitation[Malformed Packet]"),
    (bytes([137]) + bytes(39), "Redirect"),
    (bytes([130]) + bytes(23), "Multicast Listener Query"),
    (bytes([143]) + bytes(7) + b"\4\0\0\0" + TARGET, "Multicast Listener Report Message v2"),
    (bytes([143]) + bytes(7) + b"\4\0\0\1" + TARGET, "Multicast Listener Report Message v2[Malformed Packet]"),
    (bytes([139, 2]) + bytes(14), "Node Information Query (Query subject = IPv4 addresses)"),
    (bytes([200]) + bytes(7), "Private experimentation"),
    (bytes([66]) + bytes(7), "Unknown (66)"),
    (b"", "[Malformed Packet]"),
])
def test_icmpv6(message: bytes, info: str) -> None:
    assert row(icmpv6(message)) == ("ICMPv6", info)


def test_a_reply_over_ipv6_names_its_request() -> None:
    request, reply = icmpv6(ping(128, pseudo=77)), icmpv6(ping(129, pseudo=77), 2, 1)
    assert rows([request, reply])[1].info == "Echo (ping) reply id=0x1234, seq=258, hop limit=64 (request in 1)"


def test_teredo_tests_its_way_with_pings() -> None:
    inner = icmpv6(ping(128, data=b"nonce"))[14:]
    frame = ethernet(ipv4(udp(inner, 50_000, 3544)))
    assert row(frame) == ("Teredo", "Direct IPv6 Connectivity Test id=0x1234, seq=258, hop limit=64")


def test_gtp_is_named() -> None:
    inner = icmp(ping(8))[14:]
    frame = ethernet(ipv4(udp(b"\x30\xff" + len(inner).to_bytes(2, "big") + b"\0\0\0\1" + inner, 50_000, 2152)))
    assert row(frame) == ("GTP <ICMP>", "Echo (ping) request  id=0x1234, seq=258/513, ttl=64")
