"""Info cells: every word that a TCP or UDP row can have, and that no packet breaks the loop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sniff.decode import columns as d
from sniff.decode.batch import AppBatch
from sniff.limits import Counters
from sniff.notes import Notes
from sniff.packets import columns as c
from sniff.reassembly import columns as s
from sniff.reassembly.stage import Tracker
from sniff.report.info import CELL_BYTES, INFO_BYTES
from sniff.report.rows import make_info
from tests.reassembly.conversations import ACK, FIN, PSH, SYN, URG, Segment, numbered, packets
from tests.twins import uncompiled


def app_batch(streams, texts=None, modes=None, suffixes=None) -> AppBatch:
    n = len(streams.packets)
    apps, pool = np.zeros((d.APP_COUNT, n), np.int64), b""
    for i, text in (texts or {}).items():
        raw = text.encode()
        apps[d.APP_TEXT, i], apps[d.APP_TEXT_LEN, i] = len(pool), len(raw)
        pool += raw
    for column, values in ((d.APP_MODE, modes), (d.APP_SUFFIX, suffixes)):
        for i, value in (values or {}).items():
            apps[column, i] = int(value)
    return AppBatch(streams, apps, np.frombuffer(pool, np.uint8), np.empty((d.M_COUNT, 0), np.int64), np.empty(0, np.uint8))


def cells(apps: AppBatch, select=None) -> list[str]:
    n = len(apps.streams.packets)
    info, start, length = make_info(apps, np.arange(n) if select is None else select)
    return [info[start[i]:start[i] + length[i]].tobytes().decode() for i in range(n)]


def rows(*segments: Segment, change=None) -> list[str]:
    batch = packets(numbered(segments))
    if change:
        change(batch.table)
    return cells(app_batch(Tracker(Notes(), Counters()).track(batch)))


def row(**segment) -> str:
    return rows(Segment(**({"seq": 100, "ack": 200} | segment)))[0]


def test_a_connection():
    syn = bytes.fromhex("020405b4 0402080a 00000001 00000000 0103 0307")
    assert rows(Segment(100, 0, SYN, options=syn, window=29200), Segment(200, 101, SYN | ACK, back=True),
                Segment(101, 201, PSH | ACK, b"hello"), Segment(201, 106, FIN | ACK, back=True)) == [
        "40000 → 80 [SYN] Seq=0 Win=29200 Len=0 MSS=1460 SACK_PERM TSval=1 TSecr=0 WS=128",
        "80 → 40000 [SYN, ACK] Seq=0 Ack=1 Win=8192 Len=0",
        "40000 → 80 [PSH, ACK] Seq=1 Ack=1 Win=8192 Len=5",
        "80 → 40000 [FIN, ACK] Seq=1 Ack=6 Win=8192 Len=0"]


def test_the_window_is_scaled_when_both_offer_it():
    scale = b"\3\3\7\1"
    assert rows(Segment(100, 0, SYN, options=scale, window=100), Segment(200, 101, SYN | ACK, back=True, options=scale, window=100),
                Segment(101, 201, window=100))[2].endswith("Win=12800 Len=0")


@pytest.mark.parametrize(("flags", "words"), [
    (0, "<None>"), (FIN | SYN | 4 | PSH | ACK | URG | 64 | 128, "FIN, SYN, RST, PSH, ACK, URG, ECE, CWR"), (0x100, "AE"),
    (0x110, "ACK, AE"), (0x200, "Reserved"), (0xFFF, "FIN, SYN, RST, PSH, ACK, URG, ECE, CWR, AE, Reserved"), (0x300, "AE, Reserved")])
def test_flags(flags, words):
    assert f" [{words}] Seq=" in row(flags=flags)


OPTIONS = {
    "020405b4": " MSS=1460", "02030100": "", "030307 01": " WS=128", "03030f01": " WS=16384", "04020101": " SACK_PERM",
    "0101050a 000000c9 000000cd": " SLE=2 SRE=6", "0101080a 00000007 00000009": " TSval=7 TSecr=9",
    "06060000 00050101": " ECHO=5", "0b060000 00090101": " CC=9", "13120000 00000000 00000000 00000000 00000101": " MD5",
    "14048001": " SCPS[BETS] Connection ID=1", "1404ff00": " SCPS[BETS, SNACK1, SNACK2, COMP, NLTS, RESERVED]",
    "1b080300 00000000": " QSresp=320 Kbit/s", "1c048001": " USER_TO=1", "1d040000": "TCP AO", "22020101": " TFO=R",
    "22060102 03040101": " TFO=C", "fd04f989": " TFO=R", "fe0412a4": " ExID=12A4", "fd0400a4": " ExID=A4", "fd020101": "",
    "ac020101": " AccECN", "ac050000 05000000": " EE0B=5", "ae0b0000 01000002 00000301": " EE1B=1 ECEB=2 EE0B=3",
    "fd04acc0": " AccECN", "4e040000": ("TRPY, ", ""), "4c0a0100 00000000 00000101": ("S+, ", ""), "00000000": "", "ff040000": "",
    "02ff0000": "", "08020101 020405b4": " MSS=1460",
}


@pytest.mark.parametrize("options", OPTIONS)
def test_options(options):
    words = OPTIONS[options]
    before, after = words if isinstance(words, tuple) else ("", words)
    assert row(options=bytes.fromhex(options)) == f"{before}40000 → 80 [ACK] Seq=1 Ack=1 Win=8192 Len=0{after}"


def test_an_empty_sack_ends_the_packet():
    assert row(options=bytes.fromhex("05020101")) == "40000 → 80 [ACK] Seq=1 Ack=1 Win=8192 Len=0[Malformed Packet]"


def test_urgent_and_short_headers():
    def urgent(table):
        table[c.TCP_URGENT, 0] = 7

    def short(table):
        table[c.TCP_HEADER, 0], table[c.PAYLOAD_WIRE, 0] = 12, -1

    assert rows(Segment(100, 200, ACK | URG), change=urgent)[0].endswith("Win=8192 Urg=7 Len=0")
    assert rows(Segment(100, 200), change=short)[0].endswith("Win=8192, bogus TCP header length (12, must be at least 20)")


def test_marks_come_first_in_their_order():
    apps = app_batch(Tracker(Notes(), Counters()).track(packets(numbered([Segment(100, 200)]))))
    apps.streams.table[s.TAGS, 0] = int(s.Tag.PORTS_REUSED) * 2 - 1
    apps.streams.table[[s.DUP_FRAME, s.DUP_NUM], 0] = 15, 3
    assert cells(apps)[0].startswith(
        "[TCP ZeroWindowProbeAck] [TCP ZeroWindow] [TCP ZeroWindowProbe] [TCP Dup ACK 15#3] [TCP Keep-Alive ACK] [TCP Keep-Alive] "
        "[TCP Window Full] [TCP Window Update] [TCP ACKed unseen segment] [TCP Previous segment not captured] [TCP Out-Of-Order] "
        "[TCP Spurious Retransmission] [TCP Fast Retransmission] [TCP Retransmission] [TCP Port numbers reused] 40000 → 80 ")


def test_the_words_of_a_protocol_above():
    streams = Tracker(Notes(), Counters()).track(packets(numbered([Segment(100 + k, 200, ACK, b"x") for k in range(4)])))
    apps = app_batch(streams, {1: "GET / HTTP/1.1 ", 2: "GET / HTTP/1.1 "},
                     {0: d.Mode.OWN_MARKER, 1: d.Mode.TEXT, 2: d.Mode.TEXT_MARKER, 3: d.Mode.TEXT_MARKER},
                     {1: d.Suffix.CUT, 2: d.Suffix.MALFORMED})
    assert cells(apps) == ["40000 → 80 [ACK] Seq=1 Ack=1 Win=8192 Len=1 [TCP segment of a reassembled PDU]",
                           "GET / HTTP/1.1 [Packet size limited during capture]",
                           "GET / HTTP/1.1  [TCP segment of a reassembled PDU][Malformed Packet]",
                           "[TCP segment of a reassembled PDU]"]


def test_udp():
    def bad(table):
        table[c.UDP_LENGTH, 0], table[c.PAYLOAD_WIRE, 0] = 4, -1

    one = Segment(kind=c.Kind.UDP, payload=b"abc", server_port=53)
    assert rows(one) == ["40000 → 53 Len=3"]
    assert rows(one, change=bad) == ["40000 → 53 [BAD UDP LENGTH 4 < 8]"]


def test_other_packets_show_their_words_only():
    batch = packets(numbered([Segment()]))
    batch.table[c.KIND, 0] = c.Kind.ARP
    apps = app_batch(Tracker(Notes(), Counters()).track(batch), {0: "Who has 10.0.0.1? Tell 10.0.0.2"})
    assert cells(apps) == ["Who has 10.0.0.1? Tell 10.0.0.2"]


@pytest.mark.parametrize(("text", "kept"), [("x" * 5000, INFO_BYTES), ("x" * 4094 + "é" * 9, 4094), ("é" * 3000, 4094)])
def test_a_long_cell_is_cut_between_characters(text, kept):
    streams = Tracker(Notes(), Counters()).track(packets(numbered([Segment(kind=c.Kind.UDP)])))
    cell = cells(app_batch(streams, {0: text}, {0: d.Mode.TEXT}))[0]
    assert len(cell.encode()) == kept and text.startswith(cell)


def test_only_what_is_selected_is_written_and_the_buffer_grows():
    streams = Tracker(Notes(), Counters()).track(packets(numbered([Segment(100 + k, 200, ACK, b"x") for k in range(300)])))
    apps = app_batch(streams, dict.fromkeys(range(300), "y" * 4000), dict.fromkeys(range(300), d.Mode.TEXT))
    chosen = np.arange(0, 300, 3)
    got = cells(apps, chosen)
    assert all((len(cell) == 4000) == (i % 3 == 0) for i, cell in enumerate(got))
    assert CELL_BYTES > INFO_BYTES


segments = st.builds(
    Segment, seq=st.integers(0, 2**32 - 1), ack=st.integers(0, 2**32 - 1), flags=st.integers(0, 4095), payload=st.binary(max_size=9),
    back=st.booleans(), options=st.binary(max_size=40).map(lambda raw: raw[:len(raw) // 4 * 4]),
    kind=st.sampled_from([c.Kind.TCP, c.Kind.UDP]))


@pytest.fixture(scope="module")
def twin():
    return uncompiled("sniff.report.rows")


@settings(deadline=None, max_examples=100)
@given(segments=st.lists(segments, min_size=1, max_size=5), cut_off=st.integers(0, 60))
def test_any_packets_compiled_and_not(twin, segments, cut_off):
    batch = packets(numbered(segments))
    last = len(batch) - 1
    captured = max(int(batch.table[c.START, last]) + 36, int(batch.table[c.END, last]) - cut_off)
    batch.table[c.END, last] = captured
    batch.table[c.PAYLOAD_LEN, last] = max(0, captured - int(batch.table[c.PAYLOAD, last]))
    apps = app_batch(Tracker(Notes(), Counters()).track(batch))
    ours, theirs = make_info(apps, np.arange(len(batch))), twin.make_info(apps, np.arange(len(batch)))
    for one, other in zip(ours, theirs, strict=True):
        assert np.array_equal(one, other)
