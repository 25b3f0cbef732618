"""A record of every type that has fields, its data byte by byte, and messages around them."""

import struct

from tests.wire import udp


def name(text: str) -> bytes:
    """A name, not compressed."""
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".") if label) + b"\0"


def string(text: bytes) -> bytes:
    """A length byte and text."""
    return bytes([len(text)]) + text


def option(code: int, data: bytes) -> bytes:
    """An option of EDNS, or a parameter of SVCB: they look alike."""
    return struct.pack(">HH", code, len(data)) + data


SIGNATURE = struct.pack(">HBBIIIH", 1, 8, 2, 3600, 0xF0000000, 1_600_000_000, 12345) + name("signer.example")
TSIG = bytes(2) + struct.pack(">IHH", 1_600_000_000, 300, 8) + b"\x11" * 8 + struct.pack(">HHH", 77, 0, 0)
PARAMETERS = [(0, b"\0\1\0\4"), (1, string(b"h2") + string(b"h3")), (2, b""), (3, b"\x01\xbb"), (4, b"\1\2\3\4\5\6\7\x08"), (5, b"ech"),
              (6, bytes(range(32))), (7, b"/q{?dns}"), (32769, b"odoh"), (99, b"")]
RECORDS: list[tuple[int, bytes]] = [
    (1, b"\1\2\3\4"), (5, b"\3www\xc0\x0c"), (6, name("m.example") + name("r.example") + struct.pack(">5I", 1, 2, 3, 4, 5)),
    *((kind, name("host.example")) for kind in (2, 3, 4, 7, 8, 9, 12, 23, 39)), (10, b"null"), (11, b"\1\2\3\4\x06\x00\x04\xff\0"),
    (13, string(b"CPU") + string(b"OS\xe9")), (14, name("r.example") + name("e.example")), (15, b"\0\x0a" + name("mx.example")),
    (16, string(b"one") + string(b"\xc3\xa9") + string(b"")), (17, name("mb.example") + name("")), (18, b"\0\1" + name("afs.example")),
    (19, string(b"311061700956")), (20, string(b"150862028003217") + string(b"004")), (20, string(b"15086")),
    (21, b"\0\2" + name("rt.example")), (22, b"\x47\0\5\x80"), (24, SIGNATURE + b"\x99" * 20), (46, SIGNATURE),
    (25, struct.pack(">HBB", 0x8145, 3, 5) + b"\1\2\3\4\5"), (25, struct.pack(">HBB", 0xC000, 3, 1)),
    (26, b"\0\1" + name("a.example") + name("b.example")), (27, string(b"-32.6882") + string(b"116.8652") + string(b"10.0")),
    (28, bytes(range(16))), (29, b"\0\x12\x16\x13" + struct.pack(">III", 0x8B0D2C8C, 0x7FF8FC32, 0x00989680)), (29, b"\1abcd"),
    (30, name("nxt.example") + b"\x62\0\0\x08"), (33, b"\0\1\0\2\x1f\x90" + name("t.example")),
    (35, struct.pack(">HH", 100, 10) + string(b"S") + string(b"SIP+D2U") + string(b"!^.*$!x!") + name("_sip._udp.example")),
    (36, b"\0\5" + name("kx.example")), (37, struct.pack(">HHB", 1, 2, 5) + b"cert"), (37, struct.pack(">HHB", 1, 2, 5)),
    (38, b"\x00" + bytes(range(16))), (38, b"\x3d" + bytes(9) + name("a6.example")), (38, b"\x80" + name("a6.example")),
    (42, b"\0\1\x15\3\xc0\0\2" + b"\0\2\x08\x81\xff" + b"\0\x09\x08\x82\xff\1"),
    *((kind, struct.pack(">HBB", 60485, 5, 1) + b"\xaa" * 20) for kind in (43, 59, 32769)), (44, b"\1\2" + b"\xbb" * 32), (44, b"\1\2"),
    (45, b"\x0a\0\2key"), (45, b"\x0a\1\2\1\2\3\4key"), (45, b"\x0a\2\2" + bytes(range(16))), (45, b"\x0a\3\2" + name("gw.example") + b"k"),
    (47, name("nsec.example") + b"\0\6\x40\1\0\0\0\3\1\1\x40"), (48, struct.pack(">HBB", 257, 3, 8) + b"\3\1\0\1" + b"\xcc" * 31),
    (60, struct.pack(">HBB", 0x180, 3, 1) + b"\3\1\0\1" + b"\xcd" * 30), (49, b"dhcid"),
    (50, struct.pack(">BBHB", 1, 1, 10, 4) + b"salt" + string(bytes(range(20))) + b"\0\6\x40\1\0\0\0\2"),
    (51, struct.pack(">BBHB", 1, 0, 10, 2) + b"\xaa\xbb"), (52, b"\3\1\1" + b"\xdd" * 32),
    (55, struct.pack(">BBH", 16, 2, 4) + bytes(16) + b"pkpk" + name("rvs1.example") + name("rvs2.example")), (61, b"openpgp"),
    (62, struct.pack(">IH", 66, 3) + b"\0\4\x60\0\0\x08"), (63, struct.pack(">IBB", 1, 1, 1) + b"\xee" * 48),
    *((kind, b"\0\1" + name("svc.example") + b"".join(option(*one) for one in PARAMETERS)) for kind in (64, 65)), (65, b"\0\0\0"),
    (99, string(b"v=spf1 -all") + string(b"")), (104, b"\0\1" + bytes(8)), (105, b"\0\2\1\2\3\4"), (106, b"\0\3" + b"\1" * 8),
    (107, b"\0\4" + name("lp.example")), (108, b"\0\1\2\3\4\5"), (109, b"\0\1\2\3\4\5\6\7"),
    (249, name("x.example") + struct.pack(">IIHHH", 1_600_000_000, 1_700_000_000, 2, 0, 4) + b"\1\2\3\4\0\2oo"),
    *((250, name(algorithm) + TSIG) for algorithm in ("hmac-sha256", "gss-tsig", "gss.microsoft.com")),
    (250, name("hmac-sha256") + TSIG[:-2] + b"\0\6\0\0\1\2\3\4"),
    *((257, b"\x80" + string(tag) + b"ca.example") for tag in (b"issue", b"issuewild", b"iodef", b"iss", b"other")),
    (65281, struct.pack(">IIII", 0x10001, 2, 3, 2) + b"\1\2\3\4\5\6\7\x08"), (65282, struct.pack(">III", 1, 2, 3) + name("wr.example")),
    (65422, b"\4\x11\1\2\3\4\5\6\7\x08\0\x35\x10\x00"), (65422, b"\6\x11" + bytes(range(32)) + b"\0\x35\x10\x00"),
    (65534, b"unknown"),
]
"""(type, data)."""

OPTIONS = [option(code, data) for code, data in (
    (3, b"nsid"), (5, b"\5\7\x08"), (6, b"\1\2"), (7, b"\1"), (8, b"\0\1\x18\0\xc0\0\2"), (8, b"\0\2\x38\0" + bytes(range(7))),
    (8, b"\0\3\x18\0abc"), (0x50FA, b"\0\1\x18\0\xc0\0\2"), (8, b"\0\1\x18\0" + bytes(20)), (10, b"12345678"),
    (10, b"12345678" + b"s" * 16), (11, b""), (11, b"\0\x64"), (12, bytes(10)), (13, b"trust"), (15, b"\0\x16"),
    (15, b"\0\x16text"), (15, b"\0"), (65001, b"zz"))]
OPERATIONS = [option(1, b"\0\0\x3a\x98\0\0\x3a\x98"), option(2, b"\0\0\0\5"), option(3, bytes(5)) + option(3, b""),
              option(0x40, b"sub") + option(9, b"") + b"\1", option(1, b"\0\0\0\1")]
"""What stateful operations hold; the last one ends too early."""


def record(kind: int, data: bytes, owner: bytes = b"\xc0\x0c", family: int = 1, ttl: int = 300) -> bytes:
    """A record."""
    return owner + struct.pack(">HHIH", kind, family, ttl, len(data)) + data


def message(number: int, answers: list[bytes], additional: list[bytes] = [], flags: int = 0x8180, tail: bytes = b"") -> bytes:  # noqa: B006
    """A message that asks about example.org."""
    head = struct.pack(">6H", number, flags, 1, len(answers), 0, len(additional))
    return head + name("example.org") + b"\0\xff\0\1" + b"".join(answers) + b"".join(additional) + tail


def frames() -> list[bytes]:
    """All of it, one message a record, and some odd ones."""
    alone = [message(number, [record(*one)]) for number, one in enumerate(RECORDS)]
    several = [message(1000 + k, [record(*one) for one in RECORDS[k:k + 8]]) for k in range(0, len(RECORDS), 8)]
    edns = [message(2000 + k, [], [record(41, one, b"\0", 1232, 0x8001)], 0x0120) for k, one in enumerate(OPTIONS)]
    stateful = [struct.pack(">6H", 3000 + k, flags, 0, 0, 0, 0) + one for k, one in enumerate(OPERATIONS) for flags in (0x3000, 0xB000)]
    owners = [b"\5_http\4_tcp\xc0\x0c", b"\5_http\0", b"\0", b"\3a.b\1c\0", b"\2\xc3\xa9\0", b"\2\xff\xfe\0", b"\3a\0b\0"]
    named = [message(4000 + k, [record(33, b"\0\1\0\2\x1f\x90" + name("t.example"), one), record(1, b"\1\2\3\4", one, ttl=0x80000000)])
             for k, one in enumerate(owners)]
    odd = [message(5000, [record(1, b"\1\2\3\4", family=255, ttl=0)], flags=0x2800), message(5001, [], flags=0xA800, tail=b"more")]
    multicast = [message(5002, [record(16, string("\u00e9".encode()), family=0x8001)], [record(41, OPTIONS[0], b"\0", 0x85A0)], flags)
                 for flags in (0x8400, 0x0130)]
    return [*(udp(1, one) for one in [*alone, *several, *edns, *stateful, *named, *odd]),
            *(udp(0, one, port, port) for one in multicast for port in (5353, 5355))]
