"""Rows of DNS as tshark writes them, for messages that nobody sends: thousands of random ones, over UDP and over TCP."""

import re
import struct
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random

import pytest

from sniff.capture.writer import PcapWriter
from sniff.pipeline import Analysis
from tests import wire
from tests.decode import dns_wild

Frame = tuple[bytes, int]
"""A frame and its length on the wire."""

Row = tuple[str, bytes]
"""Protocol and Info."""


def udp(random: Random, count: int, port: int, cut: bool) -> Iterable[Frame]:
    """One message a datagram; some cut by the capture."""
    for _ in range(count):
        frame = wire.udp(random.randrange(2), dns_wild.message(random), server_port=port)
        yield frame[:random.randrange(42, len(frame) + 1)] if cut and random.random() < 0.5 else frame, len(frame)


def tcp(random: Random, count: int) -> Iterable[Frame]:
    """Streams of messages in segments of any size; now and then a length that lies."""
    for number in range(count):
        said = []
        for direction in (0, 1):
            stream = b""
            for _ in range(random.randrange(1, 5)):
                message = dns_wild.message(random)
                stream += struct.pack(">H", len(message) if random.random() < 0.97 else random.randrange(400)) + message
            while stream:
                size = random.choice([1, 2, 3, 10, 50, 200, 500, 1000])
                said.append((direction, stream[:size]))
                stream = stream[size:]
        yield from ((frame, len(frame)) for frame in wire.conversation(said, 20_000 + number, 53))


def tshark_rows(tshark: str, path: Path) -> list[Row]:
    """What tshark says of each packet. Some of its words hold line feeds."""
    run = subprocess.run([tshark, "-n", "-r", str(path), "-T", "tabs"], capture_output=True, check=True)
    lines = re.split(rb"\n(?= *\d+\t +\d+\.\d+\t)", run.stdout.removesuffix(b"\n"))
    return [(cells[5].strip().decode(), cells[7]) for cells in (line.split(b"\t", 7) for line in lines)]


def our_rows(path: Path) -> list[Row]:
    """What we say of it."""
    rows: list[Row] = []
    for step in Analysis([path], packets=True):
        assert step.rows is not None
        info, starts, lengths = step.rows.info.tobytes(), step.rows.info_start.tolist(), step.rows.info_len.tolist()
        protocols = step.apps.apps[0].tolist()
        rows += [(step.rows.protocols[protocol], info[start:start + length])
                 for protocol, start, length in zip(protocols, starts, lengths, strict=True)]
    return rows


OURS = ("DNS", "MDNS", "LLMNR", "UDP", "TCP")

CASES: dict[str, Callable[[Random], Iterable[Frame]]] = {
    "DNS": lambda random: udp(random, 6_000, 53, cut=False),
    "cut by the capture": lambda random: udp(random, 3_000, 53, cut=True),
    "mDNS": lambda random: udp(random, 3_000, 5353, cut=False),
    "LLMNR": lambda random: udp(random, 2_000, 5355, cut=False),
    "a port nobody owns": lambda random: udp(random, 3_000, 41_234, cut=False),
    "TCP": lambda random: tcp(random, 400),
}


@pytest.mark.tshark
@pytest.mark.parametrize("case", CASES)
def test_rows_are_tsharks(case: str, tshark: str, tmp_path: Path) -> None:
    path = tmp_path / "wild.pcap"
    with path.open("wb") as file:
        writer = PcapWriter(file)
        for number, (frame, length) in enumerate(CASES[case](Random(case))):
            writer.packet(wire.START_NS + number * 1_000_000, frame, length)
    want, got = tshark_rows(tshark, path), our_rows(path)
    # Names of a few old types are written raw by tshark; here nothing that could drive a terminal is. And noise on a port
    # that nobody owns may look like something else first.
    different = [(a, b) for a, b in zip(want, got, strict=True)
                 if a != b and not re.search(rb"[\x00-\x1f\x7f]", a[1]) and a[0] in OURS]
    assert len(different) <= len(want) // 1000, f"{len(different)} of {len(want)} rows differ, the first: {different[0]}"
    assert sum(protocol != "TCP" for protocol, _ in got) > len(got) // 6
