"""conn.log, EVE flow events, --flows and follow: what they say of connections made by hand."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sniff.decode import columns as d
from sniff.limits import Counters
from sniff.notes import Notes
from sniff.packets import columns as c
from sniff.reassembly import columns as s
from sniff.reassembly.stage import Tracker
from sniff.report import follow
from sniff.report.conversations import Conversations
from sniff.report.eve_flow import FlowEvents
from sniff.report.flow import Flow
from sniff.report.flows import COLUMNS, FORMATS, FlowTable, columns_that_fit
from sniff.report.formats import Options
from sniff.report.zeek_conn import ConnLogs
from sniff.streams import Chunk
from tests.reassembly.conversations import ACK, FIN, PSH, RST, SYN, Segment, numbered, packets

TALK = [Segment(10, 0, SYN), Segment(20, 11, SYN | ACK, back=True), Segment(11, 21), Segment(11, 21, PSH | ACK, b"question"),
        Segment(21, 19, PSH | ACK, b"the answer", back=True), Segment(31, 19, FIN | ACK, back=True), Segment(19, 32, FIN | ACK),
        Segment(32, 20, ACK, back=True)]


def step(segments, *, stream=None):
    streams = Tracker(Notes(), Counters(), endings=True).track(packets(numbered(segments, 10**6), end=True))
    messages = np.zeros((d.M_COUNT, 0 if stream is None else 1), np.int64)
    if stream is not None:
        messages[d.M_STREAM] = stream
    return SimpleNamespace(apps=SimpleNamespace(streams=streams, messages=messages), rows=None)


def conn(segments, **options) -> list[dict]:
    logs = ConnLogs(Options())
    return [row for _, row in [*logs.add(step(segments, **options)), *logs.finish()]]


def test_conn_log():
    row, = conn(TALK, stream=0)
    assert row.pop("uid").startswith("C") and row.pop("ts") == pytest.approx(10**9)
    assert row == {
        "id.orig_h": "10.0.0.1", "id.orig_p": 40000, "id.resp_h": "10.0.0.2", "id.resp_p": 80, "proto": "tcp", "service": "http",
        "duration": pytest.approx(0.007), "orig_bytes": 8, "resp_bytes": 10, "conn_state": "SF", "missed_bytes": 0,
        "history": "ShADdfFa", "orig_pkts": 4, "orig_ip_bytes": 168, "resp_pkts": 4, "resp_ip_bytes": 170, "ip_proto": 6}


def test_one_packet_has_no_duration_and_so_no_bytes():
    row, = conn([Segment(10, 0, SYN)])
    assert row["conn_state"] == "S0" and "duration" not in row and "orig_bytes" not in row


def test_who_has_a_servers_port_is_the_server_when_the_beginning_was_not_seen():
    row, = conn([Segment(20, 11, ACK, b"x", client_port=80, server_port=40000),
                 Segment(11, 21, ACK, b"yy", back=True, client_port=80, server_port=40000)])
    assert (row["id.orig_p"], row["id.resp_p"], row["orig_bytes"], row["history"]) == (40000, 80, 2, "^dD")


def test_an_answer_to_everybody_is_a_question():
    row, = conn([Segment(kind=c.Kind.UDP, payload=b"x", client_port=53, server=0xFFFFFFFF)])
    assert (row["id.orig_p"], row["conn_state"]) == (53, "S0")


def icmp(kind: int, back: bool = False):
    batch = packets(numbered([Segment(kind=c.Kind.UDP, payload=b"12345678", back=back)]))
    batch.table[c.KIND, 0], batch.table[c.IP_PROTO, 0] = c.Kind.ICMP, 1
    data = batch.data.copy()
    data[batch.table[c.L4, 0]] = kind
    return replace(batch, data=data)


def test_a_ping_and_its_answer_are_one_conversation():
    conversations = Conversations()
    for batch in (icmp(8), icmp(0, back=True), icmp(8)):
        assert not conversations.add(batch)
    one, = conversations
    assert (one.addresses, one.ports, one.packets, one.payload, one.wire) == (
        ("10.0.0.1", "10.0.0.2"), (8, 0), [2, 1], [16, 8], [72, 36])


def test_other_icmp_goes_one_way():
    conversations = Conversations()
    conversations.add(icmp(3))
    conversations.add(icmp(3, back=True))
    assert [(one.ports, one.packets) for one in conversations] == [((3, 0), [1, 0]), ((3, 0), [1, 0])]


def test_eve():
    events = FlowEvents(Options())
    event, = [*events.add(step(TALK, stream=0)), *events.finish()]
    assert event["app_proto"] == "http" and event["event_type"] == "flow" and event["dest_port"] == 80
    assert event["flow"] | {"start": "", "end": ""} == {
        "pkts_toserver": 4, "pkts_toclient": 4, "bytes_toserver": 168, "bytes_toclient": 170, "start": "", "end": "", "age": 0,
        "state": "closed", "reason": "shutdown", "alerted": False}
    assert event["tcp"] == {"tcp_flags": "1b", "tcp_flags_ts": "1b", "tcp_flags_tc": "1b", "fin": True, "syn": True, "psh": True,
                            "ack": True, "state": "closed"}


@pytest.mark.parametrize(("count", "state"), [(1, "syn_sent"), (2, "syn_recv"), (3, "established"), (6, "fin_wait1"), (8, "closed")])
def test_eve_says_how_far_a_connection_came(count, state):
    event, = FlowEvents(Options()).add(step(TALK[:count]))
    assert event["tcp"]["state"] == state
    reset, = FlowEvents(Options()).add(step([*TALK[:count], Segment(0, 0, RST)]))
    assert reset["tcp"]["state"] == ("closed" if count else state)


class Memory:
    def __init__(self) -> None:
        self.data = b""

    def write(self, data) -> None:
        self.data += bytes(data)


def test_flows_as_tabs_and_json():
    for name in ("tabs", "jsonl"):
        sink = Memory()
        writer = FORMATS[name].make(sink, Options())
        writer.write(step(TALK, stream=0))
        writer.end(None)
        line, = sink.data.decode().splitlines()
        if name == "tabs":
            assert line == ("tcp 0\t10.0.0.1:40000\t10.0.0.2:80\t0.000000\t0.007000\t4 ⇄ 4\t8 ⇄ 10\t\t\t2.000\t2.000\tSF\thttp")
        else:
            row = json.loads(line)
            assert (row["client_payload"], row["server_payload"], row["state"], row["reason"]) == (8, 10, "SF", "fin")


def test_flows_as_a_table():
    from rich.console import Console
    sink = Memory()
    table = FlowTable(sink, Console(width=200, color_system=None))
    table.write(step([*TALK, Segment(kind=c.Kind.UDP, payload=b"?", server_port=53)]))
    table.end(None)
    lines = [" ".join(line.split()) for line in sink.data.decode().splitlines()]
    assert lines[0].startswith("Stream Client Server Start Duration")
    assert [line.split()[:3] for line in lines[1:]] == [["tcp", "0", "10.0.0.1:40000"], ["udp", "0", "10.0.0.1:40000"]]


def test_a_narrow_window_shows_fewer_columns():
    rows = [COLUMNS, ["tcp 0", "10.0.0.1:40000", "10.0.0.2:80", "0.000000", "1.000000", "4 ⇄ 4", "8 ⇄ 10", "", "", "2.000", "2.000",
                      "SF", "http"]]
    assert columns_that_fit(rows, 150) == list(range(13))
    assert columns_that_fit(rows, 115) == [0, 1, 2, 3, 4, 5, 6, 9, 10, 11, 12], "first what is empty"
    assert columns_that_fit(rows, 20) == [0, 1, 2, 5, 6, 11], "who and how much stays in any case"


CHUNKS = [Chunk(0, 0, b"GET \xc3", 0, 4, 10**9), Chunk(0, 5, b"\xa9\r\n\x1b[31m", 0, 5, 10**9), Chunk(1, 0, b"", 1200, 6, 10**9),
          Chunk(1, 1200, bytes(range(65, 85)), 0, 7, 10**9)]


def test_follow_as_text_harms_no_terminal_and_shows_holes():
    assert b"".join(follow.as_text(CHUNKS)).decode() == (
        "GET é\n\\x1b[31m\n[1,200 bytes not captured]\nABCDEFGHIJKLMNOPQRST\n")


def test_follow_as_hex():
    assert b"".join(follow.as_hex(CHUNKS[2:])).decode() == (
        "    00000000  [1,200 bytes not captured]\n"
        "    000004b0  41 42 43 44 45 46 47 48  49 4a 4b 4c 4d 4e 4f 50  ABCDEFGHIJKLMNOP\n"
        "    000004c0  51 52 53 54                                       QRST\n")


def test_follow_as_bytes_and_as_json():
    assert b"".join(follow.as_raw(CHUNKS)) == b"GET \xc3\xa9\r\n\x1b[31m" + bytes(range(65, 85))
    rows = [json.loads(line) for line in b"".join(follow.as_json(CHUNKS)).splitlines()]
    assert rows[2] == {"from": "server", "offset": 0, "packet": 6, "ts": 1.0, "gap": 1200}
    assert base64.b64decode(rows[3]["data"]) == bytes(range(65, 85)) and rows[3]["offset"] == 1200


def test_follow_paints_by_direction():
    painted = b"".join(follow.as_text(CHUNKS, lambda text, direction: f"<{direction}>{text}</>"))
    assert painted.startswith(b"<0>GET </>") and b"<1>ABCDEFGHIJKLMNOPQRST</>" in painted


def test_sides_in_files_have_holes_where_the_capture_has_them(tmp_path: Path):
    row = [0] * s.F_COUNT
    row[s.F_PROTO], row[s.F_IP_VERSION], row[s.F_CLIENT_LO], row[s.F_SERVER_LO] = 6, 4, 0x0A000001, 0x0A000002
    row[s.F_CLIENT_PORT], row[s.F_SERVER_PORT] = 40000, 80
    files = follow.SideFiles(tmp_path / "new")
    for chunk in CHUNKS:
        files.write(Flow(row), chunk)
    files.close()
    client, server = tmp_path / "new/tcp-0-10.0.0.1.40000-10.0.0.2.80.bin", tmp_path / "new/tcp-0-10.0.0.2.80-10.0.0.1.40000.bin"
    assert client.read_bytes() == b"GET \xc3\xa9\r\n\x1b[31m"
    assert server.read_bytes() == bytes(1200) + bytes(range(65, 85))
    assert files.missing == 1200 and files.written == {client: 13, server: 20}
