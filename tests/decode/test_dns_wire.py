"""The words of DNS rows. tests/differential/test_dns_rows.py holds thousands more against tshark."""

import struct

import numpy as np
import pytest

from sniff.decode.columns import APP_COUNT, APP_PROTOCOL, APP_SUFFIX, APP_TEXT, APP_TEXT_LEN, Protocol, Suffix
from sniff.decode.dns import DnsRows
from sniff.decode.dns_names import SCRATCH
from sniff.decode.dns_wire import dns_rows
from sniff.decode.pool import Pool
from sniff.limits import Counters
from sniff.notes import Notes
from sniff.packets.stage import Dissector
from sniff.reassembly.batch import StreamBatch
from sniff.reassembly.stage import Tracker
from tests import wire
from tests.decode.dns_parts import POINTER, answer, message, name, query, question, record
from tests.timing import cpu_seconds

MALFORMED = "[Malformed Packet]"
ENDINGS = {Suffix.NONE: "", Suffix.CUT: "[Packet size limited during capture]", Suffix.MALFORMED: MALFORMED}


def streams(frames: list[bytes]) -> StreamBatch:
    notes, counters = Notes(), Counters()
    [raw] = wire.batches(frames)
    return Tracker(notes, counters).track(Dissector(notes, counters).dissect(raw))


def rows(frames: list[bytes]) -> list[tuple[str, str]]:
    """(Protocol, words) of each frame; empty for those DNS says nothing about."""
    batch = streams(frames)
    apps, pool = np.zeros((APP_COUNT, len(frames)), np.int64), Pool()
    DnsRows(Counters()).read(batch, apps, pool)
    found = []
    for row in apps.T.tolist():
        text = pool.data[row[APP_TEXT]:row[APP_TEXT] + row[APP_TEXT_LEN]].tobytes().decode("utf-8", "surrogateescape")
        found.append((Protocol(row[APP_PROTOCOL]).name, text + ENDINGS[Suffix(row[APP_SUFFIX])]))
    return found


def row(payload: bytes, port: int = 53) -> str:
    """The words of one datagram."""
    [(_, text)] = rows([wire.udp(0, payload, server_port=port)])
    return text


OPT = b"\0" + struct.pack(">HHIH", 41, 1232, 0, 0)
CASES = [
    (query(0x8e28, "a.example"), "Standard query 0x8e28 A a.example"),
    (answer(1, "a.example", "192.0.2.1", "10.0.0.255"), "Standard query response 0x0001 A a.example A 192.0.2.1 A 10.0.0.255"),
    (answer(1, "a.example", rcode=3), "Standard query response 0x0001 No such name A a.example"),
    (answer(1, "a.example", rcode=12), "Standard query response 0x0001 Unknown error (12) A a.example"),
    (message(1, 0x0003), "Standard query 0x0001"),
    (message(1, 0x2800, [question("z", 6)]), "Dynamic update 0x0001 SOA z"),
    (message(1, 0x4800), "Unknown operation (9) 0x0001"),
    (message(1, 0, [question(".", 2)]), "Standard query 0x0001 NS <Root>"),
    (message(1, 0, [question("a", 65280)]), "Standard query 0x0001 Unknown (65280) a"),
    (message(1, 0, [question("a")], additional=[OPT]), "Standard query 0x0001 A a OPT"),
    (message(1, 0x8000, [], [record(name("a"), 28, bytes(15) + b"\1"), record(name("a"), 28, bytes(10) + b"\xff\xff\1\2\3\4"),
                             record(name("a"), 28, bytes.fromhex("20010db8000000000001000000000001"))]),
     "Standard query response 0x0001 AAAA ::1 AAAA ::ffff:1.2.3.4 AAAA 2001:db8::1:0:0:1"),
    (message(1, 0x8000, [], [record(name("a"), 15, b"\0\x0a" + name("m")), record(name("a"), 33, b"\0\1\0\2\0\x50" + name("s")),
                             record(name("a"), 6, name("n") + name("r") + bytes(20)), record(name("a"), 16, b"\1x"),
                             record(name("a"), 13, b"\3cpu\2os"), record(name("a"), 35, b"\0\1\0\2\1S\1x\1y\0")]),
     "Standard query response 0x0001 MX 10 m SRV 1 2 80 s SOA n TXT HINFO cpu os NAPTR 1 2 S"),
    (message(1, 0x8000, [question("q.example")], [record(POINTER, 5, b"\1c\xc0\x0e")]),
     "Standard query response 0x0001 A q.example CNAME c.example"),
    (message(1, 0, [b"\x04a.b\n\0\0\1\0\1"]), "Standard query 0x0001 A a.b\\n"),
    (message(1, 0, [b"\x07a\x00\x1b\x7f\xc3\xa9\xff\0\0\1\0\1"]), "Standard query 0x0001 A a\\000\\033\\177é\ufffd"),
    (message(1, 0, [b"\x03\xe2\x80\xae\0\0\1\0\1"]), "Standard query 0x0001 A \\u202E"),
    (message(1, 0x8000, [], [record(b"\x03\xff\x1bx\0", 10, b"data")]), "Standard query response 0x0001 NULL \udcff\\033x"),
    (message(1, 0x8000, [], [record(b"\x03\xc2\x9bx\0", 10, b"data")]), "Standard query response 0x0001 NULL \\u009Bx"),
    (message(1, 0, [POINTER + b"\0\1\0\1"]), "Standard query 0x0001 A <Name contains a pointer that loops>"),
    (message(1, 0, [(b"\x3f" + b"x" * 63) * 4 + b"\0\0\1\0\1"]), "Standard query 0x0001 A <Name too long>"),
    (message(1, 0, [b"\x42a\0\0\1\0\1"]), f"Standard query 0x0001{MALFORMED}"),
    (struct.pack(">HHHHHH", 1, 0, 2, 0, 0, 0) + question("a"), f"Standard query 0x0001 A a{MALFORMED}"),
    (b"\0", MALFORMED),
    (b"\0\1\0\0", f"Standard query 0x0001{MALFORMED}"),
]


@pytest.mark.parametrize(("payload", "words"), CASES, ids=[words[:60] for _, words in CASES])
def test_rows(payload: bytes, words: str) -> None:
    assert row(payload) == words


def test_groups() -> None:
    asked = message(0, 0, [question("a.local"), question("b.local", 12, 0x8001)])
    assert row(asked, 5353) == 'Standard query 0x0000 A a.local, "QM" question PTR b.local, "QU" question'
    told = message(0, 0x8400, [], [record(name("a.local"), 1, bytes(4), family=0x8001)])
    assert row(told, 5353) == "Standard query response 0x0000 A, cache flush 0.0.0.0"
    assert rows([wire.udp(0, query(1, "pc"), server_port=5355)]) == [("LLMNR", "Standard query 0x0001 A pc")]


def test_ports() -> None:
    payload = query(1, "a.example")
    assert rows([wire.udp(0, payload, server_port=port) for port in (53, 4_444, 123)]) == [
        ("DNS", "Standard query 0x0001 A a.example"), ("DNS", "Standard query 0x0001 A a.example"), ("NONE", "")]
    assert rows([wire.udp(0, bytes(40), server_port=4_444), wire.udp(0, b"", server_port=53)]) == [("NONE", ""), ("NONE", "")]
    assert rows([wire.udp(0, payload, 123, 53)]) == [("DNS", "Standard query 0x0001 A a.example")]


def test_a_row_is_cut_where_the_cell_ends() -> None:
    records = [record(name("a"), 2, name("x" * 60 + "." + "y" * 60))] * 60
    assert len(row(message(1, 0x8000, [], records))) == 4095


def test_the_pool_may_be_small() -> None:
    batch = streams([wire.udp(0, query(number, f"name{number}.example")) for number in range(50)])
    apps, pool, used, at, turns = np.zeros((APP_COUNT, 50), np.int64), Pool(100), np.zeros(1, np.int64), 0, 0
    while at < 50:
        pool.used = int(used[0])
        at = dns_rows(memoryview(batch.packets.table), memoryview(batch.packets.data), at, memoryview(apps),
                      memoryview(pool.reserve(8_200)), memoryview(used))
        turns += 1
    assert turns > 1
    for number, (start, length) in enumerate(apps[[APP_TEXT, APP_TEXT_LEN]].T.tolist()):
        assert pool.data[start:start + length].tobytes().decode() == f"Standard query {number:#06x} A name{number}.example"


def test_hostile_rows_cost_linear_time() -> None:
    """Names that are long chains of pointers, asked again and again."""
    chain = b"".join(struct.pack(">H", 0xC000 | 12 + 2 * i + 2) for i in range(8_000))
    labels = b"\1a" * 8_000 + b"\xc0\x0d"
    for hostile in (chain, labels):
        payload = struct.pack(">HHHHHH", 1, 0x8000, 0, 4_000, 0, 0) + hostile + record(POINTER, 16, b"") * 3_000
        assert cpu_seconds(lambda payload=payload: row(payload), rounds=2) < 1


def test_scratch_is_large_enough() -> None:
    assert SCRATCH >= 5


# --- NBNS ---------------------------------------------------------------------------------------------------------------

def netbios(text: str, service: int, *scope: str) -> bytes:
    """A NetBIOS name on the wire."""
    raw = text.encode("latin-1").ljust(15) + bytes([service])
    return name(".".join(["".join(chr(65 + (byte >> 4)) + chr(65 + (byte & 15)) for byte in raw), *scope]))


ADDRESS = b"\x60\0" + bytes([10, 0, 0, 1])
NBNS_CASES = [
    (message(1, 0x0110, [netbios("HOST", 0x20) + b"\0\x20\0\1"]), "Name query NB HOST<20>"),
    (message(1, 0x0110, [netbios("A\x01\xe9", 0, "scope") + b"\0\x21\0\1"]), "Name query NBSTAT A<01><e9><00>.scope"),
    (message(1, 0x2910, [netbios("HOST", 0) + b"\0\x20\0\1"], additional=[record(POINTER, 32, ADDRESS)]),
     "Registration NB HOST<00>"),
    (message(1, 0x8500, [], [record(netbios("HOST", 0), 32, ADDRESS)]), "Name query response NB 10.0.0.1"),
    (message(1, 0xAD83, [], [record(netbios("HOST", 0), 32, ADDRESS)]),
     "Registration response, Requested name does not exist NB 10.0.0.1"),
    (message(1, 0x8400, [], [record(netbios("*", 0), 33, b"\1" + b"HOST           \0\4\0" + bytes(46))]),
     "Name query response NBSTAT"),
    (message(1, 0, [name("abc") + b"\0\x20\0\1"]),
     "Name query NB Illegal NetBIOS name (1st character not between A and Z in first-level encoding)"),
    (message(1, 0, [name("AABB") + b"\0\x20\0\1"]), "Name query NB Illegal NetBIOS name (2 bytes long)"),
    (message(1, 0, [name("AAB") + b"\0\x20\0\1"]), "Name query NB Illegal NetBIOS name (odd number of bytes)"),
    (message(1, 0x8500, [], [record(netbios("HOST", 0), 32, b"xyz")]), f"Name query response{MALFORMED}"),
    (message(1, 0, [netbios("HOST", 0)]), f"Name query{MALFORMED}"),
]


@pytest.mark.parametrize(("payload", "words"), NBNS_CASES, ids=[words[:60] for _, words in NBNS_CASES])
def test_nbns(payload: bytes, words: str) -> None:
    assert rows([wire.udp(0, payload, 137, 137)]) == [("NBNS", words)]


# --- TCP ----------------------------------------------------------------------------------------------------------------

A, B = (struct.pack(">H", len(one)) + one for one in (query(1, "a.example"), query(2, "b.example")))


def tcp(*segments: bytes) -> list[tuple[str, str]]:
    """The rows of the segments of one direction."""
    frames = wire.conversation([(0, segment) for segment in segments], server_port=53)
    return rows(frames)[3:3 + len(segments)]


def test_tcp() -> None:
    first, second = ("DNS", "Standard query 0x0001 A a.example"), ("DNS", "Standard query 0x0002 A b.example")
    own = ("TCP", "")
    assert tcp(A) == [first]
    assert tcp(A[:1], A[1:9], A[9:]) == [own, own, first]
    assert tcp(A + B) == [second]
    assert tcp(A + B[:5], B[5:]) == [first, second]
    assert tcp(A[:5], A[5:] + B) == [own, ("DNS", first[1] + second[1])]
    assert tcp(b"\0\0") == [("DNS", MALFORMED)]
    assert tcp(b"\0\3abc" + A) == [first]
