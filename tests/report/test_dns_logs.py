"""DNS in the words of Zeek and Suricata, and as a table of lookups."""

import json
import struct
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from sniff.limits import Counters
from sniff.notes import Notes
from sniff.packets.stage import Dissector
from sniff.reassembly.stage import Tracker
from sniff.report.dns_table import FIRST, FORMATS, LookupTable
from sniff.report.eve_dns import DnsEvents
from sniff.report.formats import Options
from sniff.report.summary import Summary
from sniff.report.zeek_dns import DnsLogs
from tests import wire
from tests.decode.dns_parts import POINTER, answer, message, name, over_tcp, query, question, record


def steps(frames: list[bytes], sizes: list[int] | None = None) -> Iterator[Any]:
    """What writers get of a capture."""
    notes, counters = Notes(), Counters()
    dissector, tracker = Dissector(notes, counters), Tracker(notes, counters, pieces=True)
    for raw in wire.batches(frames, sizes or []):
        yield SimpleNamespace(apps=SimpleNamespace(streams=tracker.track(dissector.dissect(raw))), rows=None)


def zeek(frames: list[bytes], sizes: list[int] | None = None) -> list[dict[str, Any]]:
    """dns.log."""
    source = DnsLogs(Options())
    rows = [row for step in steps(frames, sizes) for row in source.add(step)]
    rows += source.finish()
    assert {log for log, _ in rows} <= {"dns"}
    return [row for _, row in rows]


def eve(frames: list[bytes], version: int = 3) -> list[dict[str, Any]]:
    """The events."""
    source = DnsEvents(Options(), version)
    events = [event for step in steps(frames) for event in source.add(step)]
    assert not list(source.finish())
    return events


class Sink:
    """Keeps what is written."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes | memoryview) -> None:
        self.data += data


def lookups(form: str, frames: list[bytes]) -> str:
    """What `--dns` prints."""
    sink = Sink()
    writer = FORMATS[form].make(sink, Options())
    for step in steps(frames):
        writer.write(step)
    writer.end(Summary())
    return sink.data.decode()


TOLD = message(7, 0x8580, [question("WWW.example")], [
    record(POINTER, 5, name("cdn.example")), record(name("cdn.example"), 1, bytes([192, 0, 2, 1])),
    record(name("t.example"), 16, b"\3abc\2de")])
ASKED = [wire.udp(0, query(7, "WWW.example")), wire.udp(1, TOLD)]


def test_zeek_row() -> None:
    [row] = zeek(ASKED)
    assert row.pop("uid").startswith("C")
    assert row == {
        "ts": wire.START_NS / 1e9 + 0.001, "id.orig_h": "10.0.0.1", "id.orig_p": 40_000, "id.resp_h": "10.0.0.2", "id.resp_p": 53,
        "proto": "udp", "trans_id": 7, "rtt": 0.001, "query": "www.example", "qclass": 1, "qclass_name": "C_INTERNET", "qtype": 1,
        "qtype_name": "A", "rcode": 0, "rcode_name": "NOERROR", "AA": True, "TC": False, "RD": True, "RA": True, "Z": 0,
        "answers": ["cdn.example", "192.0.2.1", "TXT 3 abc TXT 2 de"], "TTLs": [60.0, 60.0, 60.0], "rejected": False,
        "opcode": 0, "opcode_name": "query"}


def test_zeek_rows_that_lack_something() -> None:
    frames = [wire.udp(0, query(1, "lost.example")), wire.udp(0, query(2, "no.example")),
              wire.udp(1, message(2, 0x8185, [question("no.example")])), wire.udp(1, answer(3, "odd.example", "192.0.2.3"))]
    refused, unasked, lost = zeek(frames)
    assert refused["rcode_name"] == "REFUSED" and "answers" not in refused
    assert refused["rejected"]
    assert unasked["query"] == "odd.example" and unasked["id.orig_h"] == "10.0.0.1" and not unasked["RD"]
    assert lost["query"] == "lost.example" and "rcode" not in lost


def test_zeek_uids_are_those_of_the_flow() -> None:
    frames = [*ASKED, *(wire.udp(0, query(9, "b.example")), wire.udp(1, answer(9, "b.example"))),
              wire.udp(0, query(9, "b.example"), client_port=40_001)]
    uids = [row["uid"] for row in zeek(frames)]
    assert uids[0] == uids[1] != uids[2]
    assert [row["uid"] for row in zeek(frames, [1] * 5)] == uids


def test_zeek_answers_to_a_group_are_rows_of_their_own() -> None:
    told = answer(7, "pc", "10.0.0.9")
    back = wire.ip(0x0A000009, wire.CLIENT, 17, b"\x14\xeb\x9c\x40" + (8 + len(told)).to_bytes(2, "big") + b"\0\0" + told)
    rows = zeek([wire.udp(0, query(7, "pc"), server_port=5355), back])
    assert [(row["id.resp_h"], row.get("rcode_name")) for row in rows] == [("10.0.0.2", None), ("10.0.0.9", "NOERROR")]


hostile = st.builds(
    lambda number, flags, counts, body, back, tcp: (number, struct.pack(">6H", number, flags, *counts) + body, back, tcp),
    st.integers(1, 3), st.sampled_from([0x0100, 0x8180, 0x8183, 0x2800, 0xA800]), st.tuples(*[st.integers(0, 2)] * 4),
    st.one_of(st.binary(max_size=40), st.lists(st.sampled_from([
        question("a.example"), question("b.example", 28), question("a.example")[:-3], POINTER, b"\xc0\x00", b"\0",
        record(POINTER, 1, b"\1\2\3\4"), record(POINTER, 5, POINTER), record(POINTER, 16, b"\xff"), record(b"\0", 41, b"\0\x0c\0\4")]),
        max_size=5).map(b"".join)), st.booleans(), st.booleans())


@settings(max_examples=150)
@given(sent=st.lists(hostile, max_size=6), sizes=st.lists(st.integers(1, 3), max_size=3))
def test_whatever_was_said_can_be_logged(sent: list[tuple[int, bytes, bool, bool]], sizes: list[int]) -> None:
    frames = [wire.udp(int(back), payload) for _, payload, back, tcp in sent if not tcp]
    frames += wire.conversation([(int(back), over_tcp(payload)) for _, payload, back, tcp in sent if tcp], server_port=53)
    for row in zeek(frames, sizes):
        json.dumps(row)
    for version in (2, 3):
        for event in eve(frames, version):
            json.dumps(event)
    for form in FORMATS:
        lookups(form, frames)


def test_a_second_answer_has_a_row() -> None:
    first, second = zeek([*ASKED, wire.udp(1, answer(7, "WWW.example"))])
    assert first["query"] == second["query"] == "www.example" and second["qtype_name"] == "A"


def test_eve_version_3() -> None:
    request, response = eve(ASKED)
    assert request["dns"] == {"version": 3, "type": "request", "tx_id": 0, "id": 7, "flags": "100", "rd": True, "opcode": 0,
                              "rcode": "NOERROR", "queries": [{"rrname": "WWW.example", "rrtype": "A"}]}
    assert (request["src_ip"], request["dest_port"], response["src_ip"], response["dest_port"]) == ("10.0.0.1", 53, "10.0.0.2", 40_000)
    assert request["flow_id"] == response["flow_id"] and response["pcap_cnt"] == 2 and response["dns"]["tx_id"] == 1
    dns = response["dns"]
    assert dns["flags"] == "8580" and dns["qr"] and dns["aa"] and dns["ra"]
    assert dns["answers"] == [{"rrname": "WWW.example", "rrtype": "CNAME", "ttl": 60, "rdata": "cdn.example"},
                              {"rrname": "cdn.example", "rrtype": "A", "ttl": 60, "rdata": "192.0.2.1"},
                              {"rrname": "t.example", "rrtype": "TXT", "ttl": 60, "rdata": "abc"},
                              {"rrname": "t.example", "rrtype": "TXT", "ttl": 60, "rdata": "de"}]
    assert dns["grouped"] == {"CNAME": ["cdn.example"], "A": ["192.0.2.1"], "TXT": ["abc", "de"]}


def test_eve_version_2() -> None:
    asked, told = eve(ASKED, 2)
    assert asked["dns"] == {"type": "query", "id": 7, "tx_id": 0, "opcode": 0, "rrname": "WWW.example", "rrtype": "A"}
    assert told["dns"]["type"] == "answer" and told["dns"]["rrname"] == "WWW.example" and told["src_ip"] == "10.0.0.1"


def test_eve_of_everything_can_be_written() -> None:
    soa = record(name("z"), 6, name("m") + name("r") + bytes(20))
    told = message(7, 0x8180, [], [record(name("a"), 33, b"\0\1\0\2\0\x50" + name("s")), record(name("a"), 44, b"\1\2\xaa\xbb"),
                                   record(name("a"), 10, b"\xff"), record(name("a"), 15, b"\0\1" + name("m")),
                                   record(name("a"), 6, b"\0"), record(name("a"), 65, b"\0\1\0")],
                   [soa], [record(b"\0", 41, b"\0\x0c\0\1x")])
    [event] = eve(wire.conversation([(1, over_tcp(told))], server_port=53))
    assert event["proto"] == "TCP" and json.loads(json.dumps(event)) == event
    assert event["dns"]["authorities"][0]["soa"]["mname"] == "m"
    assert event["dns"]["additionals"] == [{"rrname": "", "rrtype": "OPT", "ttl": 60, "opt": [{"code": 12, "data": "78"}]}]
    assert [event["event_type"] for event in eve([wire.udp(0, query(1, "a"), server_port=5353)])] == ["mdns"]


def test_lookups_as_tabs_and_json() -> None:
    frames = [*ASKED, wire.udp(0, query(8, "x.example")), wire.udp(0, query(8, "x.example")),
              wire.udp(1, answer(8, "x.example", rcode=3)), wire.udp(0, query(9, "lost.example")), wire.udp(1, answer(10, "odd.example"))]
    rows = [line.split("\t") for line in lookups("tabs", frames).splitlines()]
    assert [row[4:] for row in rows] == [
        ["WWW.example", "A", "NOERROR", 'cdn.example 192.0.2.1 "abc" "de"', "1.000", ""],
        ["x.example", "A", "NXDOMAIN", "", "2.000", "asked 2 times"],
        ["odd.example", "A", "NOERROR (not asked)", "", "", ""],
        ["lost.example", "A", "no answer", "", "", ""]]
    assert rows[0][:4] == ["1", "0.000000", "10.0.0.1", "10.0.0.2"]
    assert len([json.loads(line) for line in lookups("jsonl", frames).splitlines()]) == 4


def test_lookups_as_a_table() -> None:
    frames = [*ASKED, wire.udp(0, query(8, "xn--bcher-kva.example")), wire.udp(1, answer(8, "xn--bcher-kva.example", rcode=3))]
    frames += [wire.udp(0, query(100 + number, f"lost{number}.example")) for number in range(30)]
    frames.append(wire.udp(0, message(1, 0x0100, [b"\x08[red]\x1b[\xff\0\0\1\0\1"])))
    sink = Sink()
    writer = LookupTable(sink, Options(), Console(width=140, color_system=None))
    for step in steps(frames):
        writer.write(step)
    writer.end(Summary())
    text = sink.data.decode()
    assert "33 lookups, 2 answered, 1 NXDOMAIN, 31 no answer" in text
    assert "bücher.example" in text and r"[red]\027[\255" in text and "\x1b" not in text
    assert text.count("no answer") >= 31 + FIRST - 1
    assert "Slowest, in ms:" in text and "... and 22 more names" in text


def test_wrong_answers_stand_in_the_summary() -> None:
    frames = [*ASKED, wire.udp(1, answer(7, "WWW.example")), wire.udp(1, answer(8, "evil.example"))]
    text = lookups("table", frames)
    assert "1 not asked, 1 second answer" in text
    assert "Possible spoofing:\n  second answer A      WWW.example  from 10.0.0.2  (packet 3)\n  not asked " in text


def test_nothing_to_show() -> None:
    assert "0 lookups" in lookups("table", [wire.udp(0, b"", server_port=9)])
    assert lookups("tabs", [wire.udp(0, b"", server_port=9)]) == ""
