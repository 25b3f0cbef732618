"""`--process`: the capture of nginx before gunicorn says which worker answered."""

import json
import re
import subprocess
from pathlib import Path

import pytest

CAPTURE = Path(__file__).parents[2] / "captures" / "nginx-gunicorn.pcapng"
FASTCGI = CAPTURE.with_name("nginx-fastcgi.pcapng")
LABEL = r"(?:[~?]?[\w.-]+\[\d+(?:\|\d+)*\])?"


@pytest.fixture
def analyze(sniff_command):
    def run(*arguments, path=CAPTURE):
        return subprocess.run([*sniff_command, "analyze", path, "--process", *arguments], check=False, capture_output=True, text=True)
    return run


def test_rows_have_one_more_cell(analyze, sniff_command):
    rows = analyze("--format", "tabs", "--packets").stdout.splitlines()
    cells = [row.split("\t") for row in rows]
    assert {len(row) for row in cells} == {8}
    assert all(re.fullmatch(rf"{LABEL} ?→? ?{LABEL}", row[7]) for row in cells)
    answers = [row[7] for row in cells if "HTTP/1.0 200" in row[6]]
    assert len(set(answers)) == 2                       # two workers
    assert all(re.fullmatch(r"python\[\d+\] → nginx\[\d+\]", words) for words in answers)
    plain = subprocess.run([*sniff_command, "analyze", CAPTURE, "--packets", "--format", "tabs"], check=True, capture_output=True,
                           text=True).stdout
    assert plain.splitlines() == [row.rpartition("\t")[0] for row in rows]


def test_json_lines_of_exchanges_and_of_packets(analyze):
    exchanges = [json.loads(line) for line in analyze("--format", "jsonl").stdout.splitlines()]
    posts = [one for one in exchanges if one["http.request.method"] == "POST"]
    assert [one["sniff.process.client"]["name"] for one in posts] == ["nginx", "curl"]
    server = posts[0]["sniff.process.server"]
    assert (server["name"], server["known"], server["user"]) == ("python", "at connect", "root")
    assert "gunicorn" in server["command"]
    packets = [json.loads(line) for line in analyze("--format", "jsonl", "--packets").stdout.splitlines()]
    assert any(packet.get("sniff.process.src", {}).get("name") == "curl" for packet in packets)
    assert any(packet.get("sniff.process.dst", {}).get("name") == "nginx" for packet in packets)


def test_requests_to_an_application(analyze):
    lines = [json.loads(line) for line in analyze("--format", "jsonl", path=FASTCGI).stdout.splitlines()]
    servers = [line["sniff.process.server"]["name"] for line in lines if "sniff.cgi.protocol" in line]
    assert servers == ["fcgiwrap"] * 3


def test_flows(analyze):
    rows = [row.split("\t") for row in analyze("--flows", "--format", "tabs").stdout.splitlines()]
    assert {len(row) for row in rows} == {15}
    assert {re.sub(r"[~?]|\[.*", "", row[14]) for row in rows} == {"nginx", "python"}
    lines = [json.loads(line) for line in analyze("--flows", "--format", "jsonl").stdout.splitlines()]
    assert {line["server_process"]["name"] for line in lines} == {"nginx", "python"}
    assert "process" in analyze("--flows", "--format", "table").stdout


def test_the_table_has_a_column(analyze):
    table = analyze("--format", "table").stdout
    assert "Process" in table.splitlines()[0]


def test_what_makes_no_sense_and_what_is_not_there(analyze):
    assert analyze("--format", "eve").returncode == 2
    neverssl = analyze("--format", "tabs", path=CAPTURE.with_name("neverssl.pcap"))
    assert (neverssl.returncode, len(neverssl.stderr.splitlines())) == (0, 1)
    assert "sniff live --process" in neverssl.stderr
