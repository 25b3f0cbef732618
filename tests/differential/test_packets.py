"""Damaged packets of all kinds beside tshark: addresses and the words of rows that are neither TCP's nor UDP's."""

import random
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from sniff.decode.words import Describer
from sniff.packets import columns as c
from sniff.packets.addresses import destination_text, source_text
from sniff.packets.columns import Kind
from tests.packets.frames import dissect, ethernet, ipv4, ipv6, tcp, udp

pytestmark = pytest.mark.tshark

TARGET = bytes.fromhex("fe80" + "00" * 13 + "05")
SEEDS = [
    ethernet(ipv4(bytes.fromhex("0800000012340001") + b"abcd", 1)),
    ethernet(ipv4(bytes.fromhex("0303000000000000") + ipv4(udp()), 1)),
    ethernet(ipv6(bytes([135]) + bytes(7) + TARGET + b"\1\1\2\2\2\2\2\2", 58), 0x86DD),
    ethernet(ipv6(bytes([136]) + bytes(7) + TARGET + b"\2\1\2\2\2\2\2\2", 58), 0x86DD),
    ethernet(ipv6(bytes([143]) + bytes(7) + b"\4\0\0\0" + TARGET, 58), 0x86DD),
    ethernet(bytes.fromhex("0001080006040001020000000001 0a000001 000000000000 0a000002"), 0x0806),
    ethernet(ipv4(bytes.fromhex("22000000 00000001 04000000 e0000102"), 2)),
    ethernet(ipv4(bytes.fromhex("1109000000000000"), 2)),
    ethernet(ipv4(bytes(24), 17, fragment=0x2001)),
    ethernet(ipv6(bytes([17, 0, 0, 9, 0, 0, 0, 7]) + bytes(16), 44), 0x86DD),
    ethernet(ipv4(bytes(8), 99)), ethernet(ipv6(b"", 59), 0x86DD), ethernet(ipv4(bytes.fromhex("1234567800000001"), 50)),
    ethernet(ipv4(ipv6(tcp(), 6), 41)), ethernet(ipv4(bytes.fromhex("20000800 00000001") + ipv4(tcp(), 6), 47)),
    ethernet(bytes.fromhex("0064 0800") + ipv4(tcp(), 6), 0x8100),
    ethernet(ipv6(bytes([6, 0, 1, 4, 0, 0, 0, 0]) + tcp(), 0), 0x86DD),
]
STRANGERS = ("0x", "AX.25", "LAPB", "MIPv6", "Vines", "CLNP", "HIP", "DVMRP", "PIMv", "IGAP", "COTP", "NHRP", "LLC", "IPX")
"""Protocols that damage may lead to and that these words do not claim to know."""


def damaged(seed: int, count: int) -> list[bytes]:
    """Copies of the seeds with a few bytes changed, or cut short."""
    rnd = random.Random(seed)
    frames = []
    for _ in range(count):
        frame = bytearray(rnd.choice(SEEDS))
        if rnd.random() < 0.6:
            for _ in range(rnd.randint(1, 3)):
                frame[rnd.randrange(12, len(frame))] = rnd.choice([0, 1, 4, 6, 0x45, 0x60, 255, rnd.randrange(256)])
        else:
            del frame[rnd.randint(0, len(frame)):]
        frames.append(bytes(frame))
    return frames


def tshark_rows(frames: list[bytes], path: Path) -> list[list[str]]:
    """Source, Destination, Protocol and Info of each frame as tshark writes them."""
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, 1))
        for number, frame in enumerate(frames):
            file.write(struct.pack("<IIII", number, 0, len(frame), len(frame)) + frame)
    run = subprocess.run(["tshark", "-n", "-r", path, "-T", "fields", "-e", "_ws.col.Source", "-e", "_ws.col.Destination",
                          "-e", "_ws.col.Protocol", "-e", "_ws.col.Info"], capture_output=True, text=True, check=True)
    return [line.split("\t") for line in run.stdout.splitlines()]


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
@pytest.mark.parametrize("seed", range(3))
def test_damaged_packets(seed: int, tmp_path: Path) -> None:
    frames = damaged(seed, 400)
    batch, describer = dissect(frames), Describer()
    wrong = []
    for i, (source, destination, protocol, info) in enumerate(tshark_rows(frames, tmp_path / "damaged.pcap")):
        words = describer.describe(batch, i)
        ours = (source_text(batch, i) if words.source is None else words.source,
                destination_text(batch, i) if words.destination is None else words.destination)
        if protocol.startswith(STRANGERS):
            continue
        same = ours == (source, destination)
        if batch.table[c.KIND, i] not in (Kind.TCP, Kind.UDP):
            same = same and (words.protocol, words.info) == (protocol, info)
        if not same:
            wrong.append((frames[i].hex(), (source, destination, protocol, info), (*ours, words.protocol, words.info)))
    assert len(wrong) <= len(frames) // 50, wrong[:5]
