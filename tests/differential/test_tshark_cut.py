"""Cut and damaged files: the packets before the damage are those that tshark reads."""

import io
import shutil
import subprocess
from pathlib import Path

import pytest

from sniff.capture.sources import open_capture
from sniff.capture.writer import PcapngWriter, PcapWriter

pytestmark = [pytest.mark.tshark, pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")]

T = 1_700_000_000 * 10**9
Row = list[str]


def capture(kind: str) -> bytes:
    file = io.BytesIO()
    if kind == "pcap":
        writer = PcapWriter(file)
        for index in range(6):
            writer.packet(T + index * 1_001_000, bytes([index]) * (60 + index), 100)
    else:
        ng = PcapngWriter(file)
        ng.interface(1)
        for index in range(6):
            ng.packet(0, T + index * 1_001_000, bytes([index]) * (60 + index), 100)
    return file.getvalue()


def tshark(path: Path) -> list[Row]:
    fields = ("frame.number", "frame.time_epoch", "frame.cap_len", "frame.len")
    arguments = [part for field in fields for part in ("-e", field)]
    done = subprocess.run(["tshark", "-n", "-r", path, "-T", "fields", *arguments], capture_output=True, text=True,
                          check=False)
    return [line.split("\t") for line in done.stdout.splitlines() if line]


def ours(path: Path) -> tuple[list[Row], str]:
    rows = []
    with open_capture([path]) as source:
        for batch in source:
            for index in range(len(batch)):
                seconds, rest = divmod(int(batch.ts_ns[index]), 10**9)
                rows.append([str(batch.first_number + index), f"{seconds}.{rest:09d}", str(batch.caplen[index]),
                             str(batch.wirelen[index])])
        return rows, str(source.damage)


@pytest.mark.parametrize("kind", ["pcap", "pcapng"])
@pytest.mark.parametrize("lost", [1, 30, 62, 66, 78, 90, 170])
def test_a_cut_file_gives_the_same_rows(tmp_path: Path, kind: str, lost: int) -> None:
    path = tmp_path / "x"
    path.write_bytes(capture(kind)[:-lost])
    theirs = tshark(path)
    rows, damage = ours(path)
    assert rows == theirs
    assert len(rows) >= 3
    assert "cut off" in damage


@pytest.mark.parametrize("kind", ["pcap", "pcapng"])
def test_a_damaged_file_gives_the_same_rows_before_the_damage(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    data = capture(kind)
    at = len(data) // 2
    path.write_bytes(data[:at] + b"\xff" * 200 + data[at:])
    theirs = tshark(path)
    rows, damage = ours(path)
    assert theirs
    assert rows[:len(theirs)] == theirs
    assert len(rows) > len(theirs)      # those behind the damage
    assert "damaged at byte" in damage
