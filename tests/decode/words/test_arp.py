"""ARP rows. What is expected here is what tshark 4.0 writes for these packets."""

import pytest

from sniff import limits
from sniff.decode.words.memory import Memory
from tests.decode.words.rows import row, rows
from tests.packets.frames import ethernet

A, B, NONE = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]), bytes(4)
M, N, P, ZERO = bytes.fromhex("66778899aabb"), bytes.fromhex("020000000001"), bytes.fromhex("02000000000a"), bytes(6)


def arp(operation: int, sender: bytes = M, sender_ip: bytes = A, target: bytes = ZERO, target_ip: bytes = B,
        protocol: int = 0x0800) -> bytes:
    head = (bytes([0, 1]) + protocol.to_bytes(2, "big") + bytes([len(sender), len(sender_ip)])
            + operation.to_bytes(2, "big"))
    return ethernet(head + sender + sender_ip + target + target_ip, 0x0806)


@pytest.mark.parametrize(("frame", "protocol", "info"), [
    (arp(1), "ARP", "Who has 10.0.0.2? Tell 10.0.0.1"),
    (arp(2), "ARP", "10.0.0.1 is at 66:77:88:99:aa:bb"),
    (arp(1, target_ip=A), "ARP", "ARP Announcement for 10.0.0.1"),
    (arp(1, target_ip=A, target=b"\xff" * 6), "ARP", "Gratuitous ARP for 10.0.0.1 (Request)"),
    (arp(2, target_ip=A), "ARP", "Gratuitous ARP for 10.0.0.1 (Reply)"),
    (arp(1, sender_ip=NONE), "ARP", "Who has 10.0.0.2? (ARP Probe)"),
    (arp(1, sender_ip=NONE, target_ip=NONE), "ARP", "ARP Announcement for 0.0.0.0"),
    (arp(1, sender_ip=NONE, target=b"\xff" * 6), "ARP", "Who has 10.0.0.2? Tell 0.0.0.0"),
    (arp(3), "RARP", "Who is 00:00:00:00:00:00? Tell 66:77:88:99:aa:bb"),
    (arp(4), "RARP", "00:00:00:00:00:00 is at 10.0.0.2"),
    (arp(7), "DRARP", "DRARP Error"), (arp(10), "ARP", "ARP NAK"),
    (arp(9), "Inverse ARP", "66:77:88:99:aa:bb is at 10.0.0.1"),
    (arp(14), "MARS", "MARS JOIN request from 66:77:88:99:aa:bb at 10.0.0.1"),
    (arp(23), "MAPOS", "MAPOS UNARP request from 66:77:88:99:aa:bb at 10.0.0.1"),
    (arp(25), "ARP", "Experimental 2 ( opcode 25 )"), (arp(0), "ARP", "Reserved opcode 0"),
    (arp(99), "ARP", "Unknown ARP opcode 0x0063"),
    (arp(1, protocol=0x0806), "ARP", "Who has 0a000002? Tell 0a000001"),
    (arp(2, sender=b"abcdefgh", target=bytes(8)), "ARP", "10.0.0.1 is at 6162636465666768"),
    (arp(1, sender_ip=b"", target_ip=b""), "ARP", "Who has <No address>? (ARP Probe)"),
    (arp(1)[:-1], "ARP", "[Malformed Packet]"),
])
def test_operations(frame: bytes, protocol: str, info: str) -> None:
    assert row(frame) == (protocol, info)


def test_a_cut_packet() -> None:
    assert row(arp(1)[:30], wire=42) == ("ARP", "[Packet size limited during capture]")


def test_who_uses_an_address_twice() -> None:
    infos = [words.info for words in rows([
        arp(2, M, A, P, B), arp(2, N, A, P, B), arp(1, N, A), arp(1, M, A), arp(2, M, A, P, A), arp(2, M, B, N, A)])]
    assert infos == [
        "10.0.0.1 is at 66:77:88:99:aa:bb", "10.0.0.1 is at 02:00:00:00:00:01",
        "Who has 10.0.0.2? Tell 10.0.0.1 (duplicate use of 10.0.0.1 detected!)", "Who has 10.0.0.2? Tell 10.0.0.1",
        "Gratuitous ARP for 10.0.0.1 (Reply)",
        "10.0.0.2 is at 66:77:88:99:aa:bb (duplicate use of 10.0.0.1 detected!)"]


def test_owners_are_forgotten_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ARP_OWNERS", 2)
    memory = Memory()
    assert [memory.conflict(bytes([i]), M) for i in (1, 2, 3)] == [False] * 3
    assert [memory.conflict(bytes([i]), N) for i in (3, 1)] == [True, False]


def test_a_cooked_capture_knows_the_sender_only() -> None:
    frame = bytes.fromhex("0000 0001 0006 020000000001 0000 0806") + arp(1)[14:]
    words = rows([frame], 113)[0]
    assert (words.source, words.destination, words.protocol) == ("02:00:00:00:00:01", "", "ARP")
