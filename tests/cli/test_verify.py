"""`sniff verify` and `--dissector tshark`: with the real tshark, and with ones that lie, fail or are not there."""

import json
import os
import stat
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

from sniff.capture.sources import open_capture
from sniff.tshark import LONGEST_PACKET, Tshark, blocks_of, read_cells

CAPTURES = Path(__file__).parents[2] / "captures"
NEVERSSL = CAPTURES / "neverssl.pcap"

FAKE = """#!/bin/sh
if [ "$1" = -v ]; then echo "TShark (Wireshark) 4.0.17 (Git)."; exit 0; fi
"""


@pytest.fixture
def run(sniff_command):
    """Run sniff with these arguments."""
    def run(*arguments, env=None, **more):
        options = {"capture_output": True, "timeout": 100, "text": "input" not in more} | more
        return subprocess.run([*sniff_command, *map(str, arguments)], check=False, env={**os.environ, **(env or {})}, **options)
    return run


@pytest.fixture
def fake(tmp_path):
    """Make a program called tshark that does this, and give the environment in which it is found first."""
    def fake(script):
        folder = tmp_path / "bin"
        folder.mkdir(exist_ok=True)
        program = folder / "tshark"
        program.write_text(FAKE + script)
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    return fake


@pytest.fixture
def strange(tmp_path):
    """A capture with protocols that sniff does not decode: NTP, TLS, and an Ethernet type."""
    client, server = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
    macs = bytes.fromhex("020000000002020000000001")

    def ip(protocol, payload):
        return macs + b"\x08\0" + struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0) + client + server + payload

    def tcp(seq, flags, data=b""):
        return ip(6, struct.pack(">HHIIBBHHH", 50000, 443, seq, 1, 0x50, flags, 1000, 0, 0) + data)

    ntp = ip(17, struct.pack(">HHHH", 50000, 123, 56, 0) + b"\x23" + bytes(47))
    alert = tcp(2, 0x18, bytes.fromhex("15030300020228"))
    frames = [ntp, tcp(1, 2), alert, macs + b"\x88\xcc" + bytes.fromhex("0207040200000000010403020000010602007800000000"), ntp]
    path = tmp_path / "strange.pcap"
    path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
                     + b"".join(struct.pack("<IIII", 1_700_000_000 + n, 0, len(frame), len(frame)) + frame
                                for n, frame in enumerate(frames)))
    return path


# --- verify -------------------------------------------------------------------------------------------------------------

def test_the_same(run, tshark):
    done = run("verify", NEVERSSL)
    assert (done.returncode, done.stderr) == (0, "")
    assert "10 of 10 rows are those of tshark" in done.stdout


def test_different(run, fake):
    rows = subprocess.run(["tshark", "-n", "-r", str(NEVERSSL), "-T", "tabs"], capture_output=True, text=True, check=True).stdout
    said = rows.replace("Standard query 0x8e28", "Standard\tquery\x1b[31m").replace("\tHTTP\t", "\tEVIL\x07\t")
    (path := fake("cat \"$(dirname \"$0\")/rows\"\n")["PATH"].split(os.pathsep)[0])
    Path(path, "rows").write_text(said)
    done = run("verify", NEVERSSL, "--show", "1", env={"PATH": f"{path}{os.pathsep}{os.environ['PATH']}"})
    assert done.returncode == 3
    assert done.stdout.startswith(f"{NEVERSSL}: 7 of 10 rows are those of tshark 4.0.17 (70.00 %)")
    assert "packet 1: Info" in done.stdout and "\\x1b[31m" in done.stdout and "2 more differ" in done.stdout
    assert "\x1b" not in done.stdout and "\x07" not in done.stdout
    found = json.loads(run("verify", NEVERSSL, "--format", "json", env={"PATH": f"{path}{os.pathsep}{os.environ['PATH']}"}).stdout)
    assert (found["same"], found["rows"], found["identical"]) == (False, 10, 7)
    assert found["columns"] == {"Info": 1, "Protocol": 2}
    assert found["protocols"]["EVIL\x07"] == {"rows": 2, "identical": 0, "columns": {"Protocol": 2}}
    assert [row["frame.number"] for row in found["differences"]] == [1, 6, 10]
    assert found["differences"][0]["sniff"][6].startswith("Standard query 0x8e28")


def test_rows_that_only_one_side_has(run, fake):
    script = "printf '   2\\t1.0\\ta\\t→\\tb\\tX\\t60\\tinfo\\n'; echo boom >&2; exit 3\n"
    done = run("verify", NEVERSSL, "--format", "json", env=fake(script))
    found = json.loads(done.stdout)
    assert done.returncode == 3
    assert (found["only_sniff"], found["only_tshark"], found["identical"], found["tshark_said"]) == (9, 0, 0, "boom")
    assert found["differences"][0]["tshark"] is None


def test_several_files_and_one_that_is_none(run, tshark):
    done = run("verify", NEVERSSL, "nosuch", CAPTURES / "dnsmasq-dig.pcap", "--format", "json")
    assert [json.loads(line)["same"] for line in done.stdout.splitlines()] == [True, True]
    assert (done.returncode, done.stderr) == (1, "sniff: nosuch: there is no such file\n")


def test_a_file_that_is_cut(run, tshark, tmp_path):
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(NEVERSSL.read_bytes()[:-20])
    done = run("verify", cut)
    assert done.returncode == 1 and "9 of 9 rows" in done.stdout
    assert done.stderr.count("\n") == 1 and "cut off" in done.stderr


@pytest.mark.parametrize("arguments", [["verify", NEVERSSL], ["analyze", NEVERSSL, "--packets", "--dissector", "tshark"]])
def test_no_tshark(run, arguments):
    done = run(*arguments, env={"PATH": "/nowhere"})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1 and "tshark is not installed" in done.stderr


def test_a_tshark_that_does_not_run(run, tmp_path):
    (tmp_path / "tshark").write_text("#!/nowhere/sh\n")
    (tmp_path / "tshark").chmod(0o755)
    done = run("verify", NEVERSSL, env={"PATH": str(tmp_path)})
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "does not run" in done.stderr


def test_no_pyshark(run, sniff_command, tmp_path):
    (tmp_path / "pyshark").mkdir()
    (tmp_path / "pyshark/__init__.py").write_text("raise ImportError('broken')")
    path = f"{tmp_path}{os.pathsep}{os.environ['PYTHONPATH']}"
    done = run("verify", NEVERSSL, env={"PYTHONPATH": path})
    assert done.returncode == 1
    assert done.stderr == "sniff: pyshark is not installed; pip install pyshark\n"


def test_standard_input_cannot_be_verified(run):
    done = run("verify", "-", input=NEVERSSL.read_bytes())
    assert done.returncode == 2 and done.stderr.count(b"\n") == 1


def test_a_persons_own_settings_of_wireshark_do_not_count(run, tshark, tmp_path):
    (tmp_path / "preferences").write_text('gui.column.format: "Info","%i"\ntcp.relative_sequence_numbers: FALSE\n')
    assert run("verify", NEVERSSL, env={"WIRESHARK_CONFIG_DIR": str(tmp_path)}).returncode == 0


# --- borrowed words -----------------------------------------------------------------------------------------------------

def test_borrowed_rows_are_those_of_tshark(run, tshark, strange):
    done = run("analyze", strange, "--packets", "--dissector", "tshark")
    assert (done.returncode, done.stderr) == (0, "")
    protocols = [line.split("\t")[4] for line in done.stdout.splitlines()]
    assert protocols == ["NTP", "TCP", "TLSv1.2", "LLDP", "NTP"]
    own = run("analyze", strange, "--packets").stdout
    assert [line.split("\t")[4] for line in own.splitlines()][:3] == ["UDP", "TCP", "TCP"]
    with Tshark(str(strange)) as rows:
        theirs = ["\t".join(row) for row in rows]
    assert done.stdout.splitlines() == theirs


@pytest.mark.parametrize("arguments", [["--format", "jsonl"], ["--format", "table"]])
def test_pipes_files_and_formats(run, tshark, strange, arguments):
    options = ["--packets", "--dissector", "tshark", *arguments]
    one = run("analyze", strange, *options)
    piped = run("analyze", "-", *options, input=strange.read_bytes())
    assert one.returncode == piped.returncode == 0
    assert one.stdout.encode() == piped.stdout and "NTP" in one.stdout
    both = run("analyze", strange, NEVERSSL, *options)
    assert both.returncode == 0 and both.stdout.count("NTP") == one.stdout.count("NTP") and "192.168.1.2" in both.stdout


@pytest.mark.parametrize("name", ["nginx-any-sll2.pcap", "browse.pcapng"])
def test_rows_that_are_ours_stay(run, tshark, name):
    options = ["analyze", CAPTURES / name, "--packets", "--format", "tabs"]
    assert run(*options, "--dissector", "tshark").stdout == run(*options).stdout


@pytest.mark.parametrize(("script", "words"), [
    ("printf '    1\\t0.0\\ta\\t→\\tb\\tEV\\033[31mIL\\t60\\tbad \\033]0;x\\007 info\\n'; echo boom >&2; kill -9 $$\n", "packet 2 (boom)"),
    ("exit 7\n", "packet 1 (it ended with status 7)"),
    ("printf '    5\\t0.0\\ta\\t→\\tb\\tNTP\\t60\\tinfo\\n'; sleep 50\n", "packet 1 (its rows are not those"),
    ("head -c 100 /dev/urandom; echo; exit 0\n", "packet 1 ("),
])
def test_a_tshark_that_fails_midway(run, fake, strange, script, words):
    done = run("analyze", strange, "--packets", "--dissector", "tshark", env=fake(script))
    own = run("analyze", strange, "--packets")
    assert done.returncode == 0
    assert done.stderr.count("\n") == 1 and words in done.stderr
    assert "\x1b" not in done.stdout and "\x07" not in done.stdout
    assert done.stdout.splitlines()[1:] == own.stdout.splitlines()[1:]


@pytest.mark.parametrize("options", [[], ["--format", "zeek", "-o", "logs"], ["--packets", "--format", "eve"]])
def test_what_has_no_rows_of_packets_cannot_borrow(run, options):
    done = run("analyze", NEVERSSL, "--dissector", "tshark", *options)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "--packets" in done.stderr


# --- what tshark is given and what it says -------------------------------------------------------------------------------

@pytest.mark.parametrize(("line", "cells"), [
    (b"    1\t  0.1\t 10.0.0.1 \t\xe2\x86\x92\tb\tTCP\t60\tGET / HTTP/1.1 ", ["1", "0.1", "10.0.0.1", "b", "TCP", "60", "GET / HTTP/1.1 "]),
    (b"1\t0\ta\tb\tTCP\t60\tone\ttwo", ["1", "0", "a", "b", "TCP", "60", "one\ttwo"]),
    (b"", None), (b"x\t0\ta\tb\tTCP\t60\tone", None), (b"1\t0", None),
    (b"1\t0\ta\tb\tTCP\t60\t\xff", ["1", "0", "a", "b", "TCP", "60", "\ufffd"]),
])
def test_lines(line, cells):
    assert read_cells(line) == cells


def test_packets_are_handed_on_whole():
    with open_capture([NEVERSSL]) as source:
        raw = next(source)
        blocks = b"".join(blocks_of(raw))
    at, seen = 0, []
    while at < len(blocks):
        kind, total, _, high, low, kept, wire = struct.unpack_from("<IIIIIII", blocks, at)
        seen.append((kind, high << 32 | low, wire, blocks[at + 28:at + 28 + kept]))
        assert struct.unpack_from("<I", blocks, at + total - 4) == (total,)
        at += total
    assert seen == [(6, int(raw.ts_ns[n]), int(raw.wirelen[n]), raw.packet(n)) for n in range(len(raw))]


def test_packets_too_long_for_tshark_are_shortened():
    with open_capture([NEVERSSL]) as source:
        raw = next(source)
    raw.data = np.zeros(LONGEST_PACKET + 10, np.uint8)
    raw.start[:], raw.caplen[:] = 0, LONGEST_PACKET + 10
    first = next(blocks_of(raw))
    assert struct.unpack_from("<I", first, 20) == (LONGEST_PACKET,)
