"""`--packets --format tabs` prints tshark's rows, for every capture of captures/."""

import subprocess
from pathlib import Path

import pytest

from benchmarks import make_captures

ARROW = "→"


def tshark_rows(tshark: str, capture: Path) -> list[str]:
    """tshark's rows without its padding and its column with an arrow."""
    run = subprocess.run([tshark, "-n", "-r", str(capture), "-T", "tabs"], capture_output=True, check=True)
    rows = []
    for line in run.stdout.decode("utf-8", "surrogateescape").removesuffix("\n").split("\n"):
        number, time, source, arrow, destination, protocol, length, info = line.split("\t", 7)
        assert arrow == ARROW
        rows.append("\t".join([*(cell.strip() for cell in (number, time, source, destination, protocol, length)), info]))
    return rows


def sniff_rows(command: list[str], capture: Path, *options: str) -> list[str]:
    """What sniff prints."""
    run = subprocess.run([*command, "analyze", str(capture), *options], capture_output=True, check=True)
    return run.stdout.decode("utf-8", "surrogateescape").removesuffix("\n").split("\n")


def test_rows_are_those_of_tshark(sniff_command: list[str], tshark: str, capture: Path) -> None:
    want, got = tshark_rows(tshark, capture), sniff_rows(sniff_command, capture, "--packets", "--format", "tabs")
    assert len(got) == len(want)
    different = [number for number, (ours, theirs) in enumerate(zip(got, want, strict=True), 1) if ours != theirs]
    assert [(got[n - 1], want[n - 1]) for n in different] == []


@pytest.mark.parametrize("name", make_captures.MAKERS)
def test_rows_of_the_benchmarks_are_those_of_tshark(sniff_command: list[str], tshark: str, name: str, tmp_path: Path) -> None:
    capture = make_captures.make(name, tmp_path, 0.005)
    differences = [(ours, theirs) for ours, theirs in zip(
        sniff_rows(sniff_command, capture, "--packets", "--format", "tabs"), tshark_rows(tshark, capture), strict=True)
        if ours != theirs]
    assert differences[:5] == []


NEVERSSL = [
    "1\t0.000000\t192.168.1.2\t8.8.8.8\tDNS\t89\tStandard query 0x8e28 A kfdlbcnsmrthvxwz.neverssl.com",
    ("2\t0.074903\t8.8.8.8\t192.168.1.2\tDNS\t153\tStandard query response 0x8e28 A kfdlbcnsmrthvxwz.neverssl.com "
    "A 13.33.47.133 A 13.33.47.80 A 13.33.47.26 A 13.33.47.241"),
    "6\t0.107518\t192.168.1.2\t13.33.47.133\tHTTP\t478\tGET /online HTTP/1.1 ",
    "10\t0.137736\t13.33.47.133\t192.168.1.2\tHTTP\t71\tHTTP/1.1 200 OK  (text/html)",
]


def test_application_rows_of_the_example(sniff_command: list[str]) -> None:
    capture = Path(__file__).parents[2] / "captures/neverssl.pcap"
    assert sniff_rows(sniff_command, capture, "--format", "tabs") == NEVERSSL
    assert sniff_rows(sniff_command, capture) == NEVERSSL   # a pipe gets the same without being asked
    packets = sniff_rows(sniff_command, capture, "--packets")
    assert len(packets) == 10
    assert [row for row in packets if row.split("\t")[0] in ("1", "2", "6", "10")] == NEVERSSL
