"""What is written, by the layout of the formats and by what tshark makes of it."""

import io
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from sniff.capture.writer import MICROSECONDS, PcapngWriter, PcapWriter

T = 1_700_000_000_123_456_789
FRAME = bytes.fromhex("020000000002020000000001 0800 4500001c000000004011f96bc0000201c0000202 0035003500080000")


def tshark(path: Path, *fields: str) -> list[list[str]]:
    """Fields of each packet, as tshark sees them."""
    arguments = [part for field in fields for part in ("-e", field)]
    names = ["-o", "nameres.network_name:TRUE", "-o", "nameres.use_external_name_resolver:FALSE"]
    out = subprocess.run(["tshark", "-r", path, *names, "-T", "fields", *arguments], check=True, capture_output=True,
                         text=True)
    return [line.split("\t") for line in out.stdout.splitlines()]


def test_a_pcapng_block_is_laid_out_as_the_format_says() -> None:
    file = io.BytesIO()
    writer = PcapngWriter(file)
    assert file.getvalue() == struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    at = file.tell()
    assert writer.interface(1, snaplen=96, resolution=MICROSECONDS) == 0
    assert file.getvalue()[at:] == struct.pack("<IIHHII", 1, 20, 1, 0, 96, 20)
    at = file.tell()
    writer.packet(0, 5_000_001_999, b"abcde", 9)
    assert file.getvalue()[at:] == struct.pack("<IIIIIII5s3xI", 6, 40, 0, 0, 5_000_001, 5, 9, b"abcde", 40)
    at = file.tell()
    writer.packet(0, 0, b"", comments=["hi"])
    assert file.getvalue()[at:] == struct.pack("<IIIIIIIHH2s2xHHI", 6, 44, 0, 0, 0, 0, 0, 1, 2, b"hi", 0, 0, 44)


def test_a_section_starts_its_interfaces_anew() -> None:
    file = io.BytesIO()
    writer = PcapngWriter(file)
    writer.interface(1)
    writer.section(big=True)
    assert writer.interface(1) == 0
    with pytest.raises(IndexError):
        writer.packet(1, T, FRAME)


def test_a_pcap_record_is_laid_out_as_the_format_says() -> None:
    file = io.BytesIO()
    PcapWriter(file, 1, big=True, nanoseconds=True, fcs_len=4).packet(T, b"abc", 7)
    assert file.getvalue() == (struct.pack(">IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 0x24000001)
                               + struct.pack(">IIII3s", 1_700_000_000, 123_456_789, 3, 7, b"abc"))


@pytest.mark.tshark
@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")
@pytest.mark.parametrize("big", [False, True])
def test_tshark_reads_what_is_written(tmp_path: Path, big: bool) -> None:
    path = tmp_path / "x.pcapng"
    with path.open("wb") as file:
        writer = PcapngWriter(file, big=big, hardware="h", os="o", application="a", comments=["about the file"])
        writer.interface(1, name="eth0", description="the first", filter="udp", snaplen=100, fcs_len=0, hardware="card")
        writer.interface(1, name="eth1", resolution=MICROSECONDS, offset_s=-3600)
        writer.names({"192.0.2.1": "one.example", "2001:db8::1": "six.example"})
        writer.packet(0, T, FRAME, 90, comments=["first", "again"])
        writer.packet(1, T, FRAME, obsolete=True)
        writer.secrets(0x544C534B, b"CLIENT_RANDOM 00 00\n")
        writer.packet(1, T + 5000, FRAME)
        writer.statistics(0, T, received=7, dropped=2, comments=["counted"])
        writer.section(big=not big)
        writer.interface(1, name="eth0")        # tshark 4.0 shows the names of the first section's interfaces
        writer.packet(0, T + 1, FRAME)
    fields = ("frame.time_epoch", "frame.cap_len", "frame.len", "frame.interface_name", "frame.comment")
    assert tshark(path, *fields) == [
        ["1700000000.123456789", "42", "90", "eth0", "first,again"],
        ["1700000000.123456000", "42", "42", "eth1", ""],
        ["1700000000.123461000", "42", "42", "eth1", ""],
        ["1700000000.123456790", "42", "42", "eth0", ""],
    ]
    assert tshark(path, "ip.src_host")[0] == ["one.example"]


@pytest.mark.tshark
@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")
@pytest.mark.parametrize("nanoseconds", [False, True])
def test_tshark_reads_pcap(tmp_path: Path, nanoseconds: bool) -> None:
    path = tmp_path / "x.pcap"
    with path.open("wb") as file:
        PcapWriter(file, 1, nanoseconds=nanoseconds).packet(T, FRAME, 90)
    time = "1700000000.123456789" if nanoseconds else "1700000000.123456000"
    assert tshark(path, "frame.time_epoch", "frame.cap_len", "frame.len") == [[time, "42", "90"]]
