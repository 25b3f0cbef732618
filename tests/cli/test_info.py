"""`sniff info`, as a user sees it."""

import io
import json
from pathlib import Path

import pytest

from sniff.__main__ import main
from sniff.capture.writer import PcapngWriter

T = 1_700_000_000 * 10**9


def capture() -> bytes:
    file = io.BytesIO()
    writer = PcapngWriter(file, application="a \x1b[31mtest", comments=["about the file"])
    writer.interface(1, name="eth0", snaplen=262144, filter="tcp port 80")
    writer.interface(113, name="any", resolution=6)
    writer.packet(0, T, bytes(60), 1500, comments=["odd"])
    writer.packet(1, T + 90 * 10**9, bytes(100))
    writer.packet(1, T + 80 * 10**9, bytes(100))
    writer.statistics(0, T, received=7, dropped=2)
    writer.names({"192.0.2.1": "one.example"})
    return file.getvalue()


def test_lines_for_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x"
    path.write_bytes(capture())
    assert main(["info", str(path)]) == 0
    lines = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines())
    lines = {label: value.strip() for label, value in lines.items()}
    assert lines["Format"] == "pcapng"
    assert lines["Link type"] == "Ethernet, Linux cooked"
    assert lines["Packets"] == "3"
    assert lines["Data"] == "1,700 bytes (1.7 kB) on the wire, 260 bytes captured"
    assert lines["First packet"] == "2023-11-14 22:13:20.000000000 UTC"
    assert lines["Duration"] == "90.000000000 seconds"
    assert lines["Rate"] == "0.0 packets/s, 19 bytes/s, 151 bit/s"
    assert lines["Time order"].startswith("not in order: 1 packets")
    assert lines["Dropped"].startswith("2 packets")
    assert lines["Interface 0"] == ("eth0, Ethernet, at most 262,144 bytes of a packet, nanoseconds, filter 'tcp port 80', "
                                    "1 packets, 7 received, 2 dropped")
    assert lines["Comment"] == "about the file"
    assert lines["Written by"] == "a \\x1b[31mtest"     # nothing from the file reaches the terminal as a command
    assert lines["Names"].startswith("1 ")


def test_objects_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x"
    path.write_bytes(capture())
    assert main(["info", "--format", "json", "--sha256", str(path), str(path)]) == 0
    first, second = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert first == second
    assert first["packets"] == 3
    assert first["duration_ns"] == 90 * 10**9
    assert [one["packets"] for one in first["interfaces"]] == [1, 2]
    assert first["interfaces"][1]["link_type_name"] == "LINUX_SLL"
    assert len(first["sha256"]) == 64
    assert first["damage"] is None


def test_what_is_wrong_is_told_and_the_rest_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, cut, text = tmp_path / "good", tmp_path / "cut", tmp_path / "text"
    good.write_bytes(capture())
    cut.write_bytes(capture()[:-90])
    text.write_bytes(b"hello")
    assert main(["info", "--format", "json", str(text), str(cut), str(tmp_path / "missing"), str(good)]) == 1
    out, err = capsys.readouterr()
    assert [json.loads(line)["cut"] for line in out.splitlines()] == [True, False]
    assert [line.split(":")[0] for line in err.splitlines()] == ["sniff"] * 3
    assert "hello" in err
    assert "cut off" in err
    assert "no such file" in err
