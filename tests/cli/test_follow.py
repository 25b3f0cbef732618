"""sniff follow and analyze --flows, from outside."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

NEVERSSL = str(ROOT / "captures/neverssl.pcap")


def sniff(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "sniff", *arguments], capture_output=True)


def test_text():
    done = sniff("follow", NEVERSSL, "0")
    assert done.returncode == 0 and done.stdout.startswith(b"GET /online HTTP/1.1\nHost: ")
    assert b"\x1b" not in done.stdout and not done.stderr


def test_only_one_side_as_it_was():
    client, server = (sniff("follow", NEVERSSL, "0", "--format", "raw", "--only", side).stdout for side in ("client", "server"))
    assert client.startswith(b"GET /online HTTP/1.1\r\n") and server.startswith(b"HTTP/1.1 200 OK\r\n")
    assert server.endswith(b"\r\n0\r\n\r\n")


def test_a_udp_stream():
    rows = [json.loads(line) for line in sniff("follow", NEVERSSL, "0", "--udp", "--format", "json").stdout.splitlines()]
    assert [(row["from"], row["packet"]) for row in rows] == [("client", 1), ("server", 2)]


@pytest.mark.parametrize(("arguments", "words"), [
    (["9"], b"there is no TCP stream 9 in this capture; its only TCP stream is 0"),
    (["7", "--udp"], b"there is no UDP stream 7 in this capture; its only UDP stream is 0")])
def test_a_stream_that_is_not_there(arguments, words):
    done = sniff("follow", NEVERSSL, *arguments)
    assert done.returncode == 2 and done.stderr == b"sniff: " + words + b"\n"


def test_files_are_not_overwritten(tmp_path: Path):
    first = sniff("follow", NEVERSSL, "0", "--to", str(tmp_path / "out"))
    again = sniff("follow", NEVERSSL, "0", "--to", str(tmp_path / "out"))
    assert first.returncode == 0 and len(list((tmp_path / "out").iterdir())) == 2
    assert again.returncode == 1 and b"is there already; nothing is overwritten" in again.stderr


def test_flows():
    lines = sniff("analyze", NEVERSSL, "--flows").stdout.decode().splitlines()
    assert [line.split("\t")[0] for line in lines] == ["udp 0", "tcp 0"]
    assert sniff("analyze", NEVERSSL, "--flows", "--packets").returncode == 2
    assert sniff("analyze", NEVERSSL, "--flows", "--format", "zeek", "-o", "x").returncode == 2
