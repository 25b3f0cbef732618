"""Frames with the options, fragments and messages that captures of usual programs do not have. All of them are as they should be."""

import random
import struct
from itertools import pairwise

MAC = bytes.fromhex("020000000002 020000000001")


def checksum(data: bytes) -> int:
    """The Internet checksum."""
    total = sum(data[::2]) * 256 + sum(data[1::2])
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total


def ethernet(payload: bytes, kind: int = 0x0800) -> bytes:
    return MAC + struct.pack(">H", kind) + payload


def ipv4(payload: bytes, proto: int = 17, options: bytes = b"", ttl: int = 64, ident: int = 1, more: bool = False, offset: int = 0,
         to: bytes = b"\xc0\0\2\2", source: bytes = b"\xc0\0\2\1") -> bytes:
    options += bytes(-len(options) % 4)
    header = struct.pack(">BBHHHBBH", 0x45 + len(options) // 4, 0, 20 + len(options) + len(payload), ident, more << 13 | offset // 8,
                         ttl, proto, 0) + source + to + options
    return header[:10] + struct.pack(">H", checksum(header)) + header[12:] + payload


def ipv6(payload: bytes, proto: int = 17, source: str = "20010db8000000000000000000000001",
         to: str = "20010db8000000000000000000000002") -> bytes:
    return struct.pack(">IHBB", 6 << 28, len(payload), proto, 64) + bytes.fromhex(source) + bytes.fromhex(to) + payload


def udp(payload: bytes = b"abc", to: int = 41000, check: int = 0x1234) -> bytes:
    return struct.pack(">HHHH", 40000, to, 8 + len(payload), check) + payload


def tcp(port: int, options: bytes = b"", flags: int = 0x10, payload: bytes = b"", urgent: int = 0) -> bytes:
    options += bytes(-len(options) % 4)
    return struct.pack(">HHIIBBHHH", port, 81, 1000, 2000 if flags & 16 else 0, (5 + len(options) // 4) << 4, flags, 1000, 0x1234,
                       urgent) + options + payload


def summed(message: bytes, pseudo: bytes = b"") -> bytes:
    """A message with its checksum, which is in bytes 2 and 3."""
    return message[:2] + struct.pack(">H", checksum(pseudo + message[:2] + b"\0\0" + message[4:])) + message[4:]


TCP_OPTIONS = [bytes.fromhex(text) for text in (
    "02040218", "030307", "0303 0f", "0402", "080a 00000001 00000002", "0606 01020304", "0706 01020304", "0b06 01020304", "0c06 01020304",
    "0d06 01020304", "1312" + "ab" * 16, "1404 7505", "1b08 1404 00000001", "1c04 8005", "1d10 0102" + "cd" * 12,
    "2202", "220a" + "0102030405060708", "4c0a 01e6 c0000201 0001", "4c0e 1131 c0000201 c0000202 0050", "4c08 1021 c0000201",
    "4c08 12c3 00000007", "4e10 0507 c0000201 c0000202 0050 0051", "ac0b 000001 000002 000003", "ae08 000001 000002", "fd04 acc0",
    "fd08 f989 01020304", "fe08 0001 01020304", "630401ab", "0101", "050a 00000400 00000500", "0512 00000400 00000500 00000300 00000600",
    "1e0c 0081 0102030405060708", "1e14 0081 0102030405060708 1112131415161718", "1e0c 0181 0102030405060708",
    "1e0c 1101 00000001 00000002",
    "1e10 1001 0102030405060708 00000002", "1e18 1000" + "ef" * 20, "1e14 2005 00000001 00000002 00000003 0004 0005",
    "1e18 2007 0000000000000001 00000002 00000003 0004 0005", "1e08 3405 c0000201", "1e0a 3405 c0000201 0050", "1e08 3105 c0000201",
    "1e10 3005 c0000201 0102030405060708", "1e16 3605 20010db8000000000000000000000001 0050", "1e05 40 0102", "1e04 5105",
    "1e0c 6000 0102030405060708",
    "1e0c 7000 0102030405060708", "1e04 8503")]

IP_OPTIONS = [bytes.fromhex(text) for text in (
    "94040000", "8804 0007", "0b04 05dc", "0c04 05dc", "520c 0001 0002 0003 c0000205", "070b 08 c0000203 00000000",
    "440c 09 10 00000001 00000002",
    "440c 0d 21 c0000203 00000001", "1908 0540 00000014", "1908 8500 00000014", "8204 5106", "8205 51 b1 06", "8506 01 aabbcc",
    "950a c0000203 c0000204",
    "8606 00000001", "01 94040000 00")]

HOP_OPTIONS = [bytes.fromhex(text) for text in (
    "05020000", "0104 00000000", "0805 8102030405", "6304 a0010203", "6d02 3001", "6d0a b005 0102030405060708",
    "ee03 a00001", "3004 05dc 05dd", "1e04 01020304", "99020102", "00 00 00 00")]

DESTINATION_OPTIONS = [bytes.fromhex(text) for text in (
    "040104", "8b04 01020304", "8c05 04 6c696e65", "c910 20010db8000000000000000000000009", "0f0a 0102 0003 0004 0005 0006")]

ROUTES = [bytes.fromhex(text) for text in (
    "0000 00000000 20010db8000000000000000000000003", "0201 00000000 20010db8000000000000000000000003",
    "0400 00 00 0007 20010db8000000000000000000000003")]


def extension(following: int, options: bytes) -> bytes:
    """A header with options, padded."""
    pad = -(2 + len(options)) % 8
    options += b"\0" if pad == 1 else bytes([1, pad - 2]) + bytes(pad - 2) if pad else b""
    return bytes([following, (len(options) + 2) // 8 - 1]) + options


def fragments(datagram: bytes, cuts: list[int], version: int, ident: int) -> list[bytes]:
    """The frames of a datagram that was cut."""
    places = [0, *cuts, len(datagram)]
    frames = []
    for begin, end in pairwise(places):
        more = end < len(datagram)
        if version == 4:
            frames.append(ethernet(ipv4(datagram[begin:end], ident=ident, more=more, offset=begin)))
        else:
            frames.append(ethernet(ipv6(struct.pack(">BBHI", 17, 0, begin | more, ident) + datagram[begin:end], 44), 0x86DD))
    return frames


def icmp(kind: int, rest: str, code: int = 0) -> bytes:
    return ethernet(ipv4(summed(bytes([kind, code, 0, 0]) + bytes.fromhex(rest)), 1))


def icmpv6(kind: int, rest: str, source: str = "fe80000000000000020000fffe000001", to: str = "ff020000000000000000000000000001") -> bytes:
    message = bytes([kind, 0, 0, 0]) + bytes.fromhex(rest)
    pseudo = bytes.fromhex(source + to) + struct.pack(">II", len(message), 58)
    return ethernet(ipv6(summed(message, pseudo), 58, source, to), 0x86DD)


LINK, PEER = "fe80000000000000020000fffe000001", "fe80000000000000020000fffe000002"
QUOTED = ipv4(udp()).hex()
ND_OPTIONS = ("0101 020000000003", "0201 020000000004",
              "0304 40e0 00000e10 00000708 00000000 20010db8000000000000000000000000", "0501 0000 000005dc",
              "0e01 010203040506", "0701 0000 000003e8", "0801 0000 00010e10", "1803 3018 00000e10 20010db8000000010000000000000000",
              "1903 0000 00000e10 20010db8000000000000000000000053")


def frames() -> list[bytes]:
    """All of them, the same every time."""
    rnd = random.Random(7)
    found = [ethernet(ipv4(tcp(20000 + k, option, flags, rnd.choice([b"", b"xyz"])), 6))
             for k, (option, flags) in enumerate((option, flags) for option in TCP_OPTIONS for flags in (0x10, 0x02))]
    found += [ethernet(ipv4(tcp(30000 + k, b"", flags, payload, urgent), 6))
              for k, (flags, payload, urgent) in enumerate((flags, payload, urgent) for flags in (0x10, 0x14, 0x04, 0x11, 0x20)
                                                           for payload in (b"", b"gone away") for urgent in (0, 5))]
    found += [ethernet(ipv4(udp(), 17, option)) for option in IP_OPTIONS]
    found += [ethernet(ipv4(udp(), 17, ttl=ttl, to=to)) for ttl in (1, 4, 5, 255) for to in (b"\xe0\0\0\1", b"\xe0\0\0\xfb", b"\xc0\0\2\2")]
    found += [ethernet(ipv4(udp(to=port, check=check))) for port in (33434, 33435, 33464, 33465) for check in (0, 1)]
    found += [ethernet(ipv6(extension(17, option) + udp(), 0), 0x86DD) for option in HOP_OPTIONS]
    found += [ethernet(ipv6(extension(17, option) + udp(), 60), 0x86DD) for option in DESTINATION_OPTIONS]
    found += [ethernet(ipv6(bytes([17, len(route) // 8]) + route + udp(), 43), 0x86DD) for route in ROUTES]
    found += [ethernet(ipv6(udp(), 17, source, to), 0x86DD) for source in (
        "20020a000001002500000000000000ff", "20010000413ad9e8b0be3f57f5fffffe", "fe8000000000000000005efe0a000001", LINK,
        "0064ff9b00000000000000000a000001") for to in ("20010db8000000000000000000000002", LINK)]
    for ident, cuts in enumerate(([16], [16, 32], [8, 64, 96])):
        whole = fragments(udp(bytes(range(150))), cuts, 4 if ident % 2 == 0 else 6, 50 + ident)
        found += whole if ident != 1 else whole[::-1]
    twice = fragments(udp(bytes(range(150))), [16, 32], 4, 70)
    found += [twice[0], twice[1], twice[1], twice[2]]
    found += [icmp(3, "00000000" + QUOTED, 3), icmp(3, "000005dc" + QUOTED, 4), icmp(5, "c0000209" + QUOTED), icmp(11, "00000000" + QUOTED),
              icmp(12, "05000000" + QUOTED), icmp(13, "00070001 00000001 00000000 00000000"), icmp(14,
                  "00070001 00000001 00000002 00000003"),
              icmp(17, "00070001 ffffff00"), icmp(9, "01020708 c0000201 00000005"), icmp(42, "00070201"), icmp(43, "00070247")]
    for number in (1, 2, 3):
        found += [icmp(8, f"0007{number:04x}6162636465666768"), *([icmp(0, f"0007{number:04x}6162636465666768")] if number != 2 else [])]
    found += [icmpv6(133, "00000000" + option) for option in ND_OPTIONS]
    found += [icmpv6(134, "40e80708 00000001 00000002" + ND_OPTIONS[0] + ND_OPTIONS[2] + ND_OPTIONS[3]),
              icmpv6(135, "00000000" + PEER + ND_OPTIONS[0]), icmpv6(136, "e0000000" + PEER + ND_OPTIONS[1]),
              icmpv6(137, "00000000" + PEER + PEER), icmpv6(2, "000005dc" + ipv6(udp()).hex()), icmpv6(4, "00000028" + ipv6(udp()).hex()),
              icmpv6(131, "00640000 ff020000000000000000000000000123"), icmpv6(130, "00640000 ff020000000000000000000000000123 0a7d 0000"),
              icmpv6(143, "00000002 04000000 ff020000000000000000000000000123 06000001 ff020000000000000000000000000124" + PEER),
              icmpv6(128, "00090001 61626364", LINK, PEER), icmpv6(129, "00090001 61626364", PEER, LINK)]
    for message in ("1164 0000 00000000", "1600 0000 e0000123", "1700 0000 e0000123", "1200 0000 e0000123",
        "1164 0000 e0000123 0a7d 0001 c0000205",
                    "2200 0000 0000 0002 04000000 e0000123 06000001 e0000124 c0000205"):
        found.append(ethernet(ipv4(summed(bytes.fromhex(message)), 2, b"\x94\4\0\0", ttl=1, to=b"\xe0\0\0\x16")))
    found += [ethernet(bytes.fromhex("0001080006040001 020000000001 0a000001 000000000000" + target) + pad, 0x0806)
              for target in ("0a000001", "0a000002") for pad in (b"", bytes(18))]
    found.append(ethernet(bytes.fromhex("0001080006040001 020000000001 00000000 000000000000 0a000002"), 0x0806))
    found += [ethernet(ipv4(udp(bytes(size))) + tail) for size in (1, 17, 18, 30) for tail in (b"", bytes(1), b"\1\2\3\4",
        bytes(17 - min(size, 17)))]
    found += [ethernet(bytes.fromhex("424203") + bytes(43), 3), ethernet(bytes.fromhex("6005 0800") + ipv4(udp()) + b"\1\2", 0x8100)]
    return found
