"""`sniff stats`: the numbers of tshark's statistics, of the summary and of the Python API; charts, caps, odd input."""

import json
import re
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sniff
from sniff import limits
from sniff.decode import columns as m
from sniff.exchange.http_builder import ExchangeBuilder
from sniff.report.stats import Endpoints, Http, Statistics
from sniff.report.stats_lines import bars, lines_of, table
from sniff.report.tallies import Latencies, Tally, TimeLine
from tests.exchange.rows import Script

CAPTURES = Path(__file__).parents[2] / "captures"
NEVERSSL = CAPTURES / "neverssl.pcap"


@pytest.fixture
def stats(sniff_command):
    """Run `sniff stats` with these arguments."""
    def run(*arguments, **more):
        return subprocess.run([*sniff_command, "stats", *map(str, arguments)], check=False,
                              **({"capture_output": True, "timeout": 100, "text": "input" not in more} | more))
    return run


# --- tshark's numbers ---------------------------------------------------------------------------------------------------

def tshark_says(tshark, path, *statistics):
    """What tshark prints for these -z options."""
    options = [word for name in statistics for word in ("-z", name)]
    return subprocess.run([tshark, "-q", "-n", "-r", str(path), *options], capture_output=True, text=True, check=True).stdout


CONVERSATION = re.compile(r"^(\S+):(\d+) +<-> (\S+):(\d+) +(\d+) (\d+ \w+) +(\d+) (\d+ \w+) +\d+ \d+ \w+ +[\d.]+ +[\d.]+", re.M)
"""address, port, address, port; frames and bytes <-, ->."""


def shown(size):
    """Bytes as tshark shows them."""
    return f"{size} bytes" if size < 10_000 else f"{size // 1000} kB"


def conversations_of(text):
    """Counter of {((address, port, frames sent, bytes sent) of both ends, in order): how often}."""
    found = Counter()
    for a, port_a, b, port_b, to_a, bytes_to_a, to_b, bytes_to_b in CONVERSATION.findall(text):
        found[tuple(sorted([(a, int(port_a), int(to_b), bytes_to_b), (b, int(port_b), int(to_a), bytes_to_a)]))] += 1
    return found


def ours(records):
    return Counter(tuple(sorted([(one["client"], one["client_port"], one["client_packets"], shown(one["client_bytes"])),
                                 (one["server"], one["server_port"], one["server_packets"], shown(one["server_bytes"]))]))
                   for one in records)


def tree_of(text):
    """{item: count} of http,tree."""
    return {name.strip(): int(count) for name, count in re.findall(r"^ *(\S.*?)  +(\d+)  ", text, re.M)}


def intervals_of(text):
    """[(frames, bytes)] of io,stat."""
    return [(int(frames), int(size)) for frames, size in re.findall(r"^\|.*<>.*\| +(\d+) \| +(\d+) \|[ |]*$", text, re.M)]


def interval_for(path, duration):
    """A seventh of the duration or a little more, in whole milliseconds: tshark rounds times to microseconds, so that no packet
    may be close to where an interval ends."""
    times = sniff.read(path).packets["frame.time_epoch"].astype(np.int64)
    since = times - times[0]
    for milliseconds in range(max(round(duration / 7 * 1000), 1), 10**6):
        rest = since % (milliseconds * 1_000_000)
        if ((np.minimum(rest, milliseconds * 1_000_000 - rest) > 2_000) | (since == 0)).all():
            return milliseconds / 1000
    raise AssertionError("there is no such interval")


HTTP_DIFFERS = {
    "nginx-large.pcap": "tshark counts rows, and a response that has no end in the capture has none",
    "nginx-lossy.pcap": "nor has one whose segments came out of order",
    "nginx-lossy-sender.pcap": "likewise",
    "nginx-methods.pcap": "tshark does not count methods that it does not know",
    "nginx-snaplen.pcap": "tshark reads heads that the capture cut off; they are no messages",
    "python-broken.pcap": "responses that break off are messages, but no rows",
    "python-expect.pcap": "a request whose body never came is a message, but no row",
}
"""Captures whose HTTP tshark counts otherwise, and why."""


def test_the_numbers_of_tshark(tshark, capture):
    found = sniff.read(capture).stats.record()
    step = interval_for(capture, found["duration"])
    said = tshark_says(tshark, capture, "conv,tcp", "http,tree", f"io,stat,{step}")
    assert ours(found["conversations"]["tcp"]) == conversations_of(said)
    tree = tree_of(said[said.index("HTTP/Packet Counter"):])
    statuses = Counter({name[:3]: count for name, count in tree.items() if re.match(r"\d{3} ", name)})
    methods = {name: count for name, count in tree.items() if name.isupper() and name.isalpha()}
    same = {code: count for code, count in found["http"]["status_codes"].items() if code != "0"} == statuses \
        and found["http"]["methods"] == methods
    assert same == (capture.name not in HTTP_DIFFERS), HTTP_DIFFERS.get(capture.name)
    exact = Statistics(interval_ns=round(step * 1e9))
    for one in sniff.read(capture).steps(rows=False, messages=True):
        exact.add(one)
    packets, size = exact.time.packets, exact.time.bytes
    expected = intervals_of(said)
    assert list(zip(packets, size, strict=True)) == expected[:len(packets)] and not any(frames for frames, _ in expected[len(packets):])


@pytest.mark.parametrize("wanted", ["http.response.code == 200", "tcp.srcport == 80", "frame.number > 20 && tcp.len > 0", "dns"])
@pytest.mark.parametrize("name", ["browse.pcapng", "nginx-keepalive.pcap", "nginx-parallel.pcapng"])
def test_the_numbers_of_tshark_for_what_a_filter_chose(tshark, stats, name, wanted):
    path = CAPTURES / name
    found = json.loads(stats(path, "-Y", wanted, "--json").stdout)
    assert found == json.loads(json.dumps(sniff.read(path).filter(wanted).stats.record()))
    said = tshark_says(tshark, path, f"conv,tcp,{wanted}", f"http,tree,{wanted}", f"io,stat,0,{wanted}")
    assert ours(found["conversations"]["tcp"]) == conversations_of(said)
    tree = tree_of(said[said.index("HTTP/Packet Counter"):])
    assert found["http"]["status_codes"] == {name[:3]: count for name, count in tree.items() if re.match(r"\d{3} ", name)}
    assert found["http"]["methods"] == {name: count for name, count in tree.items() if name.isupper() and name.isalpha()}
    assert [(sum(found["time"]["packets"]), sum(found["time"]["bytes"]))] == intervals_of(said)
    assert (found["packets"], found["packets_of_capture"]) == (sum(found["time"]["packets"]), len(sniff.read(path).packets))
    assert found["tcp"]["packets"] == sum(one["packets"] for one in found["conversations"]["tcp"])


def test_a_filter_that_nothing_matches(stats, tmp_path):
    found = json.loads(stats(NEVERSSL, "-Y", "tcp.port == 1", "--json").stdout)
    assert (found["packets"], found["bytes"], found["endpoints"], found["http"]["requests"]) == (0, 0, [], 0)
    assert stats(NEVERSSL, "-Y", "tcp.port == 1").stdout.startswith("0 of 10 packets match")
    empty = tmp_path / "empty.pcap"
    empty.write_bytes(NEVERSSL.read_bytes()[:24])
    assert stats(empty, "-Y", "tcp").stdout.startswith("0 of 0 packets match")
    wrong = stats(NEVERSSL, "-Y", "tcp.prot == 1")
    assert wrong.returncode == 2 and wrong.stderr.startswith("sniff: no field 'tcp.prot'; did you mean tcp.port")


# --- one truth ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["browse.pcapng", "nginx-lossy.pcap", "dnsmasq-dig.pcap", "nginx-parallel.pcapng"])
def test_the_same_numbers_everywhere(stats, name):
    printed = json.loads(stats(CAPTURES / name, "--json").stdout)
    capture = sniff.read(CAPTURES / name)
    assert printed == json.loads(json.dumps(capture.stats.record()))
    summary = capture.summary
    assert (printed["packets"], printed["bytes"], printed["tcp_connections"], printed["udp_flows"]) == (
        summary.packets, summary.wire_bytes, summary.tcp_flows, summary.udp_flows)
    assert printed["http"]["requests"] == summary.http.requests
    assert capture.stats.summary.dns_queries == summary.dns_queries
    assert sum(printed["time"]["packets"]) == printed["packets"] and sum(printed["time"]["bytes"]) == printed["bytes"]
    assert sum(one["sent_packets"] for one in printed["endpoints"]) <= printed["packets"]
    exchanges = [one for one in capture.exchanges if one.request is not None]
    assert sum(one["exchanges"] for one in printed["http"]["hosts"]) == len(exchanges)
    answered = sorted(one.phases.total for one in exchanges if one.response is not None)
    if answered:
        assert printed["http"]["slowest"][0]["duration"] == answered[-1] / 1e9
        assert max(host["duration"].get("max", 0) for host in printed["http"]["hosts"]) == answered[-1] / 1e9
    assert printed["dns"]["unanswered"] == sum(one.state.name == "UNANSWERED" for one in capture.lookups)
    marks = capture.packets.columns("tcp.stream")
    assert printed["tcp"]["packets"] == int((marks["tcp.stream"] >= 0).sum())


def test_retransmissions_are_those_of_tshark(tshark):
    path = CAPTURES / "nginx-lossy.pcap"
    marks = sniff.read(path).stats.record()["tcp"]["marks"]
    for name, count in marks.items():
        shown = subprocess.run([tshark, "-n", "-r", str(path), "-Y", name], capture_output=True, text=True, check=True).stdout
        assert shown.count("\n") == count, name


def test_the_example(stats):
    done = stats(NEVERSSL)
    assert (done.returncode, done.stderr) == (0, "")
    first, second, *lines = done.stdout.splitlines()
    assert first == "10 packets · 2,806 bytes · 138 ms · 1 TCP connection · 1 UDP flow"
    assert second == "1 DNS query · 1 HTTP request · slowest 30.2 ms: GET http://kfdlbcnsmrthvxwz.neverssl.com/online (packet 6)"
    text = "\n".join(lines)
    for expected in ("Endpoints (3)", "192.168.1.2:50318 → 13.33.47.133:80", "Methods        GET 1", "Status codes   200 1", "text/html",
                     "kfdlbcnsmrthvxwz.neverssl.com/online", "DNS            1 query, 1 response", "NOERROR 1", "█"):
        assert expected in text
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize(("path", "shown"), [
    (b"/items/123/x", "/items/{id}/x"), (b"/items/123", "/items/{id}"), (b"/v1/a1", "/v1/a1"), (b"/", "/"), (b"/1/2/3", "/{id}/{id}/{id}"),
    (b"/u/123e4567-e89b-12d3-a456-426614174000?x=1", "/u/{id}"), (b"/h/0123456789abcdef0", "/h/{id}"), (b"/2024-01-02", "/2024-01-02"),
])
def test_numbers_in_paths(path, shown):
    script = Script().connection(established=1).get(path, 10).answer(200, 12)
    found = Http(10)
    batch = script.batch()
    found.add(batch.messages, ExchangeBuilder().add(batch))
    assert [name for name, _ in found.paths] == [f"example.com{shown}"]


HEADS = st.sampled_from([
    b"GET /a/1?x=2 HTTP/1.1\r\nHost: A.test\r\n\r\n", b"GET /a/2 HTTP/1.1\r\nHost: a.test\r\nAuthorization: Basic YTpi\r\n\r\n",
    b"GET http://u:p@b.test/c HTTP/1.1\r\n\r\n", b"CONNECT b.test:443 HTTP/1.1\r\nHost: b.test\r\n\r\n",
    b"GET /\xff HTTP/1.1\r\nHost: a@b\r\n\r\n", b"GET /none HTTP/1.0\n\n", b"OPTIONS * HTTP/1.1\r\nhost : c\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Type: Text/HTML; charset=x\r\n\r\n",
    b"HTTP/1.1 500 Oh\r\nContent-Type:\r\n\r\n", b"HTTP/1.0 204\n\n", b"HTTP/1.1 404 Not Found\r\nContent-Type: image/png\r\n\r\n"])


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(HEADS, st.integers(0, 2), st.integers(0, 5), st.integers(0, 900)), max_size=40))
def test_many_exchanges_at_once_come_to_the_same_as_one_by_one(messages):
    script, when = Script(), 1
    for stream in range(3):
        script.connection(stream, established=1, ended=9_000)
    for head, stream, pause, size in messages:
        when += pause
        script.message(head, when, stream=stream, body_len=size)
    batch, nothing = script.batch(), np.empty((m.M_COUNT, 0), np.int64)
    exchanges = ExchangeBuilder().add(batch)
    at_once, one_by_one = Http(10), Http(10)
    at_once.add(batch.messages, exchanges)
    one_by_one.add(batch.messages, exchanges[:0])
    for index in range(len(exchanges)):
        one_by_one.add(nothing, exchanges[index:index + 1])
    assert at_once.record(None) == one_by_one.record(None)
    asked = [exchange for exchange in exchanges if exchange.request is not None]
    assert sum(place["exchanges"] for place in at_once.record(None)["paths"]) == len(asked)
    hosts = Counter(exchange.url().partition("://")[2].partition("/")[0].rpartition("@")[2].lower() or exchange.url() for exchange in asked
                    if exchange.request.method != b"CONNECT")
    counted = {place["host"]: place["exchanges"] for place in at_once.record(None)["hosts"]}
    assert all(counted[host] == count for host, count in hosts.items())


# --- at the command line ------------------------------------------------------------------------------------------------

def test_pipes_several_files_and_nothing(stats, tmp_path):
    assert stats("-", input=NEVERSSL.read_bytes()).stdout.decode() == stats(NEVERSSL).stdout.replace(
        ": GET http://kfdlbcnsmrthvxwz.neverssl.com/online", "", 1)
    both = json.loads(stats(NEVERSSL, CAPTURES / "browse.pcapng", "--json").stdout)
    assert both["packets"] == 66
    empty = tmp_path / "empty.pcap"
    empty.write_bytes(NEVERSSL.read_bytes()[:24])
    done = stats(empty)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "0 packets · 0 bytes · 0 ns · 0 TCP connections · 0 UDP flows")
    assert json.loads(stats(empty, "--json").stdout)["endpoints"] == []


def test_damage_is_told(stats, tmp_path):
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(NEVERSSL.read_bytes()[:-20])
    done = stats(cut)
    assert done.returncode == 1 and done.stdout.startswith("9 packets") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["nosuch"], [NEVERSSL, "--top", "0"], [NEVERSSL, "--interval", "0"], []])
def test_mistakes_are_one_line(stats, arguments):
    done = stats(*arguments)
    assert done.returncode in (1, 2) and done.stdout == "" and done.stderr.count("\n") == 1


def test_a_table_for_each_terminal(tmp_path):
    capture = sniff.read(CAPTURES / "browse.pcapng")
    for width in (120, 200):
        assert max(len(line) for line in list(lines_of(capture.stats, 3, width))[2:]) <= width
    assert any("…" in line for line in lines_of(capture.stats, 3, 60))
    plain = "".join(lines_of(capture.stats, 3, 80, " .-=#"))
    assert "█" not in plain and "##" in plain
    assert sum("lab.test/" in line for line in lines_of(capture.stats, 3)) == 6      # three paths, three that were slow


def test_nothing_of_the_wire_reaches_the_terminal():
    (head, row) = list(table("Name", ("Count",), [("\x1b[31mevil\u202e\n", "1")], 80))[1:]
    assert "\x1b" not in row and "\u202e" not in row and len(row) == len(head)


def test_the_interval_that_was_asked_for(stats):
    found = json.loads(stats(CAPTURES / "nginx-large.pcap", "--json", "--interval", "0.5").stdout)
    assert found["time"]["interval"] == 0.5 and len(found["time"]["packets"]) == int(found["duration"] / 0.5) + 1


@given(st.lists(st.one_of(st.integers(0, 300), st.integers(0, 1 << 60), st.sampled_from([1 << 52, (1 << 53) - 1, 1 << 59])), max_size=60))
def test_many_latencies_at_once_are_those_one_by_one(values):
    one_by_one, at_once = Latencies(), Latencies()
    for value in values:
        one_by_one.add(value)
    at_once.add_all(np.array(values, np.int64))
    assert at_once == one_by_one


# --- counting in bounded memory -----------------------------------------------------------------------------------------

@given(st.lists(st.integers(0, 1 << 62), min_size=1, max_size=200), st.lists(st.integers(0, 10**9)))
def test_latencies_are_right_to_one_percent(values, more):
    found, other = Latencies(), Latencies()
    for value in values:
        found.add(value)
    for value in more:
        other.add(value)
    found.fold(other)
    ordered = sorted(values + more)
    assert (found.count, found.least, found.most, found.total) == (len(ordered), ordered[0], ordered[-1], sum(ordered))
    for share in (1, 50, 90, 99, 100):
        exact = ordered[max(1, -(-len(ordered) * share // 100)) - 1]
        assert abs(found.percentile(share) - exact) <= exact / 128


def test_a_tally_forgets_what_is_rare():
    tally = Tally(Latencies, 10)
    for number in range(1000):
        tally[f"rare {number}"].add(1)
        tally["often"].add(2)
    assert len(tally) <= 10 and next(iter(tally))[0] == "often" and tally["often"].count == 1000
    assert tally.others.count + sum(one.count for _, one in tally) == 2000


@given(st.lists(st.tuples(st.integers(-10**9, 10**12), st.integers(0, 1500)), min_size=1, max_size=60), st.integers(1, 60))
def test_intervals(packets, most):
    line = TimeLine(50)
    for ts_ns, size in packets:
        line.add(np.array([ts_ns]), np.array([size]))
    zero = packets[0][0]
    expected = Counter()
    for ts_ns, _ in packets:
        expected[max(ts_ns - zero, 0) // line.step_ns] += 1
    assert {k: count for k, count in enumerate(line.packets) if count} == expected
    assert sum(line.bytes) == sum(size for _, size in packets) and len(line.packets) <= 50
    step, grouped, sizes = line.grouped(most)
    assert sum(grouped) == len(packets) and sum(sizes) == sum(line.bytes) and len(grouped) <= most and step % line.step_ns == 0


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=50), st.integers(1, 5))
def test_bars(values, rows):
    drawn = list(bars(values, rows))
    assert len(drawn) == rows and all(len(line) == len(values) for line in drawn)
    assert all((drawn[-1][k] != " ") == (value > 0) for k, value in enumerate(values))
    if max(values):
        assert drawn[0][values.index(max(values))] == "█"


def test_endpoints_are_bounded(monkeypatch):
    capture = sniff.read(CAPTURES / "browse.pcapng")
    counters = limits.Counters()
    monkeypatch.setattr(limits, "STATS_ENDPOINTS", 2)
    found = Endpoints(counters)
    for step in capture.steps(rows=False):
        found.add(step.packets.table)
    assert len(found) <= 2 and counters.endpoints_forgotten
    assert found.top()[0]["address"] == capture.stats.record()["endpoints"][0]["address"] or counters.endpoints_forgotten > 2


def test_conversations_are_bounded(monkeypatch):
    monkeypatch.setattr(limits, "STATS_CONVERSATIONS", 2)
    path = CAPTURES / "nginx-parallel.pcapng"
    whole = sniff.read(path).stats
    found = Statistics()
    for step in sniff.read(path).steps(rows=False, messages=True):
        found.add(step)
    assert len(found.conversations) <= len(whole.conversations)
