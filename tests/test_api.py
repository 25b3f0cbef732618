"""The Python API: what a script, a notebook, a thread and an event loop see."""

import asyncio
import gzip
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

import sniff
from sniff.decode import fields
from sniff.report.notebook import CELL_CHARACTERS, ROWS, cell_html, table_html
from tests import wire
from tests.report import html_captures
from tests.report.batches import Row, row_batch

CAPTURES = Path(__file__).parents[1] / "captures"
NEVERSSL = CAPTURES / "neverssl.pcap"


@pytest.fixture
def capture():
    return sniff.read(NEVERSSL)


def test_packets_are_the_rows(capture):
    packets = list(capture.packets)
    assert len(packets) == len(capture.packets) == 10
    first, last = packets[0], packets[-1]
    assert (first.source, first.destination, first.protocol, first.length) == ("192.168.1.2", "8.8.8.8", "DNS", 89)
    assert (last.number, last.protocol, last.info, last.stream) == (10, "HTTP", "HTTP/1.1 200 OK  (text/html)", 0)
    assert first.time == datetime(2018, 6, 18, 13, 55, 45, tzinfo=UTC)
    assert [packet.number for packet in capture.rows] == [1, 2, 6, 10]


def test_every_value_points_back_to_its_bytes(capture):
    data = NEVERSSL.read_bytes()
    for packet in capture.packets:
        assert capture.read(packet.offset, packet.caplen) == data[packet.offset:packet.offset + packet.caplen]
    [query, _] = capture.dns
    assert capture.read(query.offset, query.length) == query.wire
    for message in capture.http:
        assert capture.read(message.store_offset, 4) == message.head[:4]


def test_bytes_of_a_compressed_file(tmp_path):
    path = tmp_path / "a.pcap.gz"
    path.write_bytes(gzip.compress(NEVERSSL.read_bytes()))
    assert sniff.read(path).read(24, 100) == NEVERSSL.read_bytes()[24:124]


def test_messages_and_exchanges(capture):
    query, response = capture.dns
    assert (query.qry_name, response.is_response) == ("kfdlbcnsmrthvxwz.neverssl.com", True)
    [lookup] = capture.lookups
    assert lookup.addresses == ["13.33.47.133", "13.33.47.80", "13.33.47.26", "13.33.47.241"]
    request, answer = capture.http
    assert (request.method, request.target, answer.status) == (b"GET", b"/online", 200)
    [exchange] = capture.exchanges
    assert exchange.url() == "http://kfdlbcnsmrthvxwz.neverssl.com/online"
    assert exchange.phases.dns == lookup.time_ns and exchange.phases.total == 137_736_000


TABLES = ("packets", "rows", "dns", "lookups", "http", "exchanges")


@pytest.mark.parametrize("name", TABLES)
def test_every_column_has_one_value_for_each_item(capture, name):
    table = getattr(capture, name)
    count = sum(1 for _ in table)
    columns = table.columns()
    assert list(columns) == list(table.names)
    assert {column.shape for column in columns.values()} == {(count,)}
    assert columns["frame.time_epoch"].dtype == "datetime64[ns]"
    assert columns["frame.number"].dtype == np.int64


def of_exchange(exchange):
    """What the columns of an exchange should say."""
    asked, answered = exchange.request, exchange.response
    connection, phases, first = exchange.connection, exchange.phases, exchange.messages[0]

    def said(message, name):
        return fields.text(message.get(name)) if message is not None else ""
    return (first.first_packet, np.datetime64(first.first_ns, "ns"), exchange.stream, connection.client, connection.client_port,
            connection.server, connection.server_port, asked.method.decode("latin-1") if asked else "",
            fields.text(asked.target) if asked else "", exchange.url(), said(asked, b"host"), said(asked, b"user-agent"),
            said(asked, b"referer"), exchange.status, said(answered, b"content-type"), said(answered, b"server"),
            said(answered, b"location"), exchange.state.name.lower(), asked.body_length if asked else -1,
            answered.first_packet if answered else -1, answered.body_length if answered else -1, phases.total, phases.dns,
            phases.connect, phases.queue, phases.send, phases.wait, phases.receive)


def of_lookup(lookup):
    first = lookup.query or lookup.response
    return (first.packet, np.datetime64(first.ts_ns, "ns"), lookup.id, lookup.name, lookup.type, lookup.rcode,
            len(lookup.response.answers) if lookup.response else -1, lookup.stream, lookup.client, lookup.server,
            lookup.state.name.lower(), lookup.response.packet if lookup.response else -1, lookup.retries, lookup.time_ns)


@pytest.mark.parametrize("path", sorted(CAPTURES.glob("*.pcap*")), ids=lambda path: path.name)
def test_columns_of_exchanges_agree_with_items(path):
    capture = sniff.read(path)
    for table, make in ((capture.exchanges, of_exchange), (capture.lookups, of_lookup)):
        rows = list(zip(*table.columns().values(), strict=True))
        assert rows == [make(item) for item in table]


def test_columns_of_odd_exchanges_agree_with_items(tmp_path):
    """Heads, names and URLs that are not read in columns."""
    tcp = wire.Tcp(50_000)
    frames = tcp.open()
    empty = b"Content-Length: 0\r\n\r\n"
    for said, answer in (
            (b"GET http://user:pass@a.test/x HTTP/1.1\r\nHost: b.test\r\n\r\n",
             b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 \r\n\r\n"),
            (b"GET /\xc3\xa9 HTTP/1.1\r\nHost: a.test\r\nHost: b.test\r\n\r\n",
             b"HTTP/1.1 200 OK\r\nContent-Type: a\r\n b\r\n" + empty),
            (b"GET /a HTTP/1.1\r\nHost: a.test\r\nAuthorization: Basic dXNlcjpwYXNz\r\n\r\n", b"HTTP/1.1 404 No\r\n" + empty),
            (b"ODD /b HTTP/1.1\r\nHost: a@b\r\n\r\n", b"HTTP/1.1 200 OK\r\nServer:\r\n" + empty),
            (b"CONNECT a.test:443 HTTP/1.1\r\n\r\n", b"HTTP/1.1 500 No\r\n" + empty)):
        frames += [tcp.frame(0, said), tcp.frame(1, answer)]
    frames += [tcp.frame(1, b"HTTP/1.1 408 Timeout\r\n" + empty), *tcp.close()]
    for name in ([b"plain", b"test"], [b"a\0b", b"test"], [], [b"x" * 63] * 3):
        frames += html_captures.lookup(name)
    test_columns_of_exchanges_agree_with_items(html_captures.pcapng(tmp_path / "odd.pcapng", frames))


@pytest.mark.parametrize("path", sorted(CAPTURES.glob("nginx-*.pcap*"))[:6], ids=lambda path: path.name)
def test_columns_agree_with_items(path):
    capture = sniff.read(path)
    packets = list(capture.packets)
    columns = capture.packets.columns("frame.number", "frame.len", "_ws.col.Info", "_ws.col.Source", "tcp.stream")
    assert columns["frame.number"].tolist() == [packet.number for packet in packets]
    assert columns["_ws.col.Info"].tolist() == [packet.info for packet in packets]
    assert columns["_ws.col.Source"].tolist() == [packet.source for packet in packets]
    assert capture.http["http.response.code"].tolist() == [message.status for message in capture.http]
    assert capture.exchanges["sniff.duration_ns"].tolist() == [exchange.phases.total for exchange in capture.exchanges]


def test_columns_are_read_once(capture, monkeypatch):
    first = capture.packets["frame.len"]
    monkeypatch.setattr(capture, "steps", None)
    assert capture.packets["frame.len"] is first


def test_a_wrong_name_says_what_there_is(capture):
    with pytest.raises(sniff.UsageError, match=r"no column 'tcp.streem'; perhaps tcp.stream"):
        capture.packets["tcp.streem"]
    with pytest.raises(sniff.UsageError, match=r"there are frame\.number, "):
        capture.dns["?"]


def test_summary_notes_and_damage(tmp_path, capture):
    assert str(capture.summary).startswith("10 packets · 2,806 bytes · 138 ms")
    assert capture.damage is None and len(capture.notes) == 0
    assert [interface.link_type for interface in capture.interfaces] == [1]
    path = tmp_path / "cut.pcap"
    path.write_bytes(NEVERSSL.read_bytes()[:-3])
    cut = sniff.read(path)
    assert len(cut.packets) == 9 and "cut off in the middle of packet 10" in cut.damage
    assert len(cut.notes) == 1


def test_several_files_are_one_capture(capture):
    both = sniff.read(NEVERSSL, CAPTURES / "nginx-errors.pcap")
    assert len(both.packets) == 10 + len(sniff.read(CAPTURES / "nginx-errors.pcap").packets)
    assert {packet.file for packet in both.packets} == {0, 1}


@pytest.mark.parametrize("path", ["/nowhere/at/all", "/", __file__])
def test_what_cannot_be_read_is_an_error_at_once(path):
    with pytest.raises(sniff.InputError):
        sniff.read(path)


def test_standard_input_is_for_the_command(capture):
    with pytest.raises(sniff.UsageError, match="standard input"):
        sniff.read("-")


def test_an_iteration_may_be_left_and_begun_again(capture):
    threads = threading.active_count()
    for _ in range(20):
        for packet in capture.packets:
            assert packet.number == 1
            break
    assert len(list(capture.packets)) == 10
    deadline = threading.Event()
    for _ in range(100):
        if threading.active_count() <= threads:
            break
        deadline.wait(0.05)
    assert threading.active_count() <= threads


def test_threads(capture):
    found, failed = [], []

    def work():
        try:
            found.append((len(list(capture.packets)), len(list(capture.exchanges)), capture.packets["frame.len"].sum()))
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == [] and set(found) == {(10, 1, 2806)}


def test_in_a_running_event_loop(capture):
    async def main():
        direct = [packet.number for packet in capture.rows]
        there = await asyncio.to_thread(lambda: [exchange.status for exchange in capture.exchanges])
        return direct, there

    assert asyncio.run(main()) == ([1, 2, 6, 10], [200])


@pytest.mark.parametrize("name", TABLES)
def test_notebooks_show_tables(capture, name):
    table = getattr(capture, name)
    html = table._repr_html_()
    assert html.startswith("<table>") and html.count("<tr>") == 1 + len(list(table))
    assert html.count("<th>") == len(table.heads)


def test_notebooks_show_a_capture(capture):
    html = capture._repr_html_()
    assert "10 packets" in html and "GET /online HTTP/1.1" in html


def test_nothing_from_the_wire_is_markup():
    assert cell_html("<script>alert(1)</script>&\x1b[2J\u202e") == (
        '<td style="text-align:left">&lt;script&gt;alert(1)&lt;/script&gt;&amp;\\x1b[2J\\x202e</td>')
    assert len(cell_html("x" * 10_000)) < CELL_CHARACTERS + 100
    html = table_html(["<b>"], ([f"<{number}>"] for number in range(ROWS + 1)))
    assert "<b>" not in html and html.count("<tr>") == ROWS + 1 and f"The first {ROWS} rows" in html


def test_hostile_words_of_a_row_are_escaped_in_a_notebook(capture, monkeypatch):
    class Step:
        rows = row_batch([Row(info="<img src=x onerror=alert(1)>", protocol="<i>", source="<b>a", destination="b")])
        streams = rows.apps.streams
        packets = rows.packets

    monkeypatch.setattr(capture, "steps", lambda **options: iter([Step]))
    html = capture.packets._repr_html_()
    assert "<img" not in html and "<i>" not in html and "<b>" not in html and "&lt;img" in html


def test_importing_sniff_costs_next_to_nothing():
    code = ("import sys; before = set(sys.modules); import sniff; new = set(sys.modules) - before\n"
            "print('numpy' in new, 'rich' in new, sniff.read.__name__, 'sniff.api' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False False read False\n"


def test_names_are_found_when_they_are_used():
    assert set(sniff.__all__) <= set(dir(sniff))
    assert sniff.Message is type(next(iter(sniff.read(NEVERSSL).http)))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        sniff.nothing  # noqa: B018


def test_an_empty_capture_has_empty_tables(tmp_path):
    path = tmp_path / "empty.pcap"
    path.write_bytes(NEVERSSL.read_bytes()[:24])
    capture = sniff.read(path)
    for name in TABLES:
        table = getattr(capture, name)
        assert list(table) == [] and len(table) == 0
        assert all(len(column) == 0 for column in table.columns().values())
    assert capture.summary.packets == 0 and "0 packets" in capture._repr_html_()


# --- filters ----------------------------------------------------------------------------------------------------------------

def test_a_filtered_capture_has_what_matches():
    capture = sniff.read(CAPTURES / "nginx-errors.pcap")
    errors = capture.filter("http.response.code >= 400")
    assert [packet.number for packet in errors.packets] == [packet.number for packet in errors.rows] == [6, 26, 36, 46, 68, 78]
    assert [message.status for message in errors.http] == [401, 401, 400, 400, 414, 505]
    assert sorted(exchange.status for exchange in errors.exchanges) == [400, 400, 401, 401, 414, 505]
    assert errors.packets["tcp.stream"].tolist() == [0, 2, 3, 4, 5, 6]
    assert errors.exchanges["http.response.code"].tolist() == [exchange.status for exchange in errors.exchanges]
    assert len(capture.packets) == 90
    assert "6 of 90 packets match" in str(errors.summary)
    assert repr(errors).endswith("where http.response.code >= 400>")


def test_filters_add_up():
    capture = sniff.read(CAPTURES / "nginx-errors.pcap").filter("http").filter("tcp.stream in {2, 6} or frame.number == 1").filter(" ")
    assert set(capture.packets["tcp.stream"].tolist()) == {2, 6}
    assert len(capture.exchanges) == 2
    lookups = sniff.read(CAPTURES / "dnsmasq-dig.pcap").filter("dns.flags.rcode == 3")
    assert {lookup.status for lookup in lookups.lookups} == {"NXDOMAIN"}
    assert {message.rcode for message in lookups.dns} == {3}
    assert len(lookups.dns) == len(lookups.packets)


def test_a_mistake_in_a_filter_has_a_place(capture):
    with pytest.raises(sniff.FilterError, match=r"no field 'http.hst'; did you mean http\.host") as caught:
        capture.filter("tcp and http.hst")
    assert (caught.value.position, caught.value.length, caught.value.expression) == (8, 8, "tcp and http.hst")
    assert isinstance(caught.value, sniff.UsageError)
