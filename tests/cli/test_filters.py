"""Display filters on the command line: -Y, -w, `sniff fields`, completion, and what a mistake looks like."""

import json
import os
import subprocess
from pathlib import Path

import pytest

CAPTURES = Path(__file__).parents[2] / "captures"
NEVERSSL, ERRORS, BROWSE = CAPTURES / "neverssl.pcap", CAPTURES / "nginx-errors.pcap", CAPTURES / "browse.pcapng"


@pytest.fixture
def sniff(sniff_command):
    """Run sniff with these arguments."""
    def run(*arguments, **more):
        options = {"capture_output": True, "text": True, "timeout": 100} | more
        return subprocess.run([*sniff_command, *map(str, arguments)], check=False, **options)
    return run


def numbers(done) -> list[int]:
    """The first cells of the rows that were written."""
    assert (done.returncode, done.stderr) == (0, "")
    return [int(line.split("\t")[0]) for line in done.stdout.splitlines()]


def test_rows_that_match(sniff):
    assert numbers(sniff("analyze", NEVERSSL, "-Y", "http.request")) == [6]
    assert numbers(sniff("analyze", NEVERSSL, "-Y", "tcp.stream == 0")) == [6, 10]
    assert numbers(sniff("analyze", NEVERSSL, "--packets", "-Y", "tcp.flags.syn == 1")) == [3, 4]
    assert numbers(sniff("analyze", NEVERSSL, "--packets", "-Y", "  ")) == list(range(1, 11))
    assert sniff("analyze", "-", "-Y", "dns", input=NEVERSSL.read_bytes(), text=False).stdout.count(b"\n") == 2


@pytest.mark.tshark
@pytest.mark.parametrize("expression", ["http.response.code >= 400", "tcp.analysis.flags || tcp.flags.fin == 1",
                                        "!http && tcp.len > 0"])
def test_packet_rows_are_those_of_tshark(sniff, tshark, expression):
    theirs = subprocess.run([tshark, "-n", "-r", ERRORS, "-Y", expression, "-T", "tabs"], capture_output=True,
                            text=True, check=True)
    want = []
    for line in theirs.stdout.splitlines():
        number, moment, source, _, destination, protocol, length, info = line.split("\t", 7)
        want.append("\t".join([*(cell.strip() for cell in (number, moment, source, destination, protocol, length)), info]))
    assert want
    assert sniff("analyze", ERRORS, "--packets", "--format", "tabs", "-Y", expression).stdout.splitlines() == want


def test_exchanges_flows_and_lookups_that_match(sniff):
    done = sniff("analyze", ERRORS, "--format", "jsonl", "-Y", "http.response.code == 505")
    [exchange] = map(json.loads, done.stdout.splitlines())
    assert exchange["http.response.code"] == 505
    flows = sniff("analyze", ERRORS, "--flows", "--format", "tabs", "-Y", "http.response.code == 505").stdout.splitlines()
    assert [line.split("\t")[0] for line in flows] == ["tcp 6"]
    archive = json.loads(sniff("analyze", ERRORS, "--format", "har", "-Y", "http.response.code == 505").stdout)
    assert [entry["response"]["status"] for entry in archive["log"]["entries"]] == [505]
    lookups = sniff("analyze", CAPTURES / "dnsmasq-dig.pcap", "--dns", "--format", "tabs", "-Y", "dns.flags.rcode == 3").stdout
    assert lookups
    assert all("NXDOMAIN" in line for line in lookups.splitlines())


def test_the_summary_counts_what_matches(sniff):
    done = sniff("analyze", ERRORS, "--format", "table", "-Y", "http.response.code >= 400")
    summary = done.stdout.split("\n\n")[-1]
    assert "6 of 90 packets match" in summary
    assert "6 TCP connections" in summary
    assert "6 errors" in summary


@pytest.mark.parametrize(("expression", "line", "pointer"), [
    ("http.respnse.code > 400",
     "sniff: no field 'http.respnse.code'; did you mean http.response.code or http.response.code.desc?", "^~~~~~~~~~~~~~~~~"),
    ("tcp.port == ", "sniff: something is missing at the end", "           ^"),
    ("tcp and ip.addr == 1.2.3", "sniff: '1.2.3' is no IPv4 address; 10.1.2.3 and 10.0.0.0/8 are", "                   ^~~~~"),
])
def test_a_mistake_is_one_line_and_its_place(sniff, expression, line, pointer):
    for command in (("analyze", NEVERSSL, "-Y", expression), ("analyze", NEVERSSL, "-w", "/nowhere/x", "-Y", expression),
                    ("live", "-i", "lo", "-Y", expression)):
        done = sniff(*command)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.splitlines() == [line, "    " + expression, "    " + pointer]


@pytest.mark.parametrize(("arguments", "words"), [
    (["--format", "zeek", "-o", "logs", "-Y", "dns"], "whole connections"),
    (["-w", "x.pcapng", "--packets"], "writes packets, not rows"),
    (["-w", "x.pcapng", "--whole-streams"], "needs a filter"),
    (["--whole-streams", "-Y", "dns"], "name a file with -w"),
])
def test_what_does_not_go_together(sniff, tmp_path, arguments, words):
    done = sniff("analyze", NEVERSSL, *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert words in done.stderr
    assert list(tmp_path.iterdir()) == []


# --- -w ---------------------------------------------------------------------------------------------------------------------

def listed(tshark: str, path: Path, *fields: str) -> list[str]:
    arguments = [part for field in fields for part in ("-e", field)]
    run = subprocess.run([tshark, "-n", "-r", path, "-T", "fields", *arguments], capture_output=True, text=True, check=True)
    return run.stdout.splitlines()


FIELDS = ("frame.time_epoch", "frame.len", "frame.interface_name", "frame.comment", "ip.src", "tcp.seq_raw", "_ws.col.Info")


@pytest.mark.tshark
@pytest.mark.parametrize("capture", [BROWSE, CAPTURES / "nginx-nanoseconds.pcap", CAPTURES / "nginx-any-sll2.pcap",
                                     CAPTURES / "nginx-snaplen.pcap"],
                         ids=lambda path: path.stem)
def test_written_packets_are_the_same(sniff, tshark, tmp_path, capture):
    path = tmp_path / "all.pcapng"
    done = sniff("analyze", capture, "-w", path)
    assert (done.returncode, done.stdout) == (0, "")
    fields = [field for field in FIELDS if capture.suffix == ".pcapng" or field != "frame.interface_name"]
    assert listed(tshark, path, *fields) == listed(tshark, capture, *fields)
    assert f"{len(listed(tshark, capture, 'frame.number'))} packets written to {path}" in done.stderr


@pytest.mark.tshark
def test_only_what_matches_is_written(sniff, tshark, tmp_path):
    path = tmp_path / "some.pcapng"
    done = sniff("analyze", ERRORS, "-Y", "http.response.code >= 500", "-w", path)
    assert done.stderr == f"sniff: 1 of 90 packets written to {path}\n"
    assert listed(tshark, path, "http.response.code") == ["505"]


@pytest.mark.tshark
def test_whole_connections_are_written(sniff, tshark, tmp_path):
    path, piped = tmp_path / "whole.pcapng", tmp_path / "piped.pcapng"
    arguments = ("-Y", "http.response.code >= 500", "--whole-streams", "-w")
    done = sniff("analyze", ERRORS, *arguments, path)
    assert done.stderr == f"sniff: 10 of 90 packets written to {path}\n"
    assert [row.split("\t")[0] for row in sniff("analyze", path,
                                                "--packets").stdout.splitlines()] == [str(n) for n in range(1, 11)]
    want = listed(tshark, ERRORS, "tcp.stream", "frame.time_epoch")
    stream = [line.split("\t")[1] for line in want if line.startswith("6\t")]
    assert listed(tshark, path, "frame.time_epoch") == stream
    sniff("analyze", "-", *arguments, piped, input=ERRORS.read_bytes(), text=False)
    assert piped.read_bytes() == path.read_bytes()


def test_writing_never_destroys_the_capture(sniff, tmp_path):
    copy = tmp_path / "copy.pcap"
    copy.write_bytes(NEVERSSL.read_bytes())
    done = sniff("analyze", copy, "-w", copy)
    assert done.returncode == 2
    assert "is the capture itself" in done.stderr
    assert copy.read_bytes() == NEVERSSL.read_bytes()


def test_standard_output_and_a_reader_that_goes_away(sniff_command):
    command = " ".join([*sniff_command, "analyze", str(ERRORS), "-w", "-"])
    done = subprocess.run(f"{command} | head -c 4 | od -An -tx1", shell=True, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0a", "0d", "0d", "0a"]
    assert "Traceback" not in done.stderr


# --- fields -------------------------------------------------------------------------------------------------------------------

def test_fields(sniff):
    lines = sniff("fields").stdout.splitlines()
    assert len(lines) > 300
    assert all(len(line.split("\t")) == 3 and all(line.split("\t")) for line in lines)
    assert "http.response.code\tnumber\tstatus" in lines
    cookies = sniff("fields", "cookie").stdout.splitlines()
    assert {"http.cookie", "http.cookie_pair", "http.set_cookie"} <= {line.split("\t")[0] for line in cookies}
    assert all("cookie" in line.lower() for line in cookies) and len(cookies) < 20
    found = json.loads(sniff("fields", "dns.qry.type", "--format", "json").stdout)
    assert found[0]["type"] == "number"
    assert "aaaa" in found[0]["values"]
    missing = sniff("fields", "dns.qry.tipe")
    assert (missing.returncode, missing.stderr.count("\n")) == (2, 1)
    assert "did you mean dns.qry.type" in missing.stderr


def test_completion(sniff):
    def offered(line: str) -> list[str]:
        words = line.split(" ")
        environment = os.environ | {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1), "_SNIFF_COMPLETE": "bash_complete"}
        return [item.partition(",")[2] for item in sniff(env=environment).stdout.splitlines()]

    assert "http.response.code" in offered("sniff analyze -Y http.resp")
    assert offered("sniff live -Y dns.flags.rc") == ["dns.flags.rcode"]
    assert offered("sniff analyze -Y tcp&&udp.sr") == ["tcp&&udp.srcport"]
