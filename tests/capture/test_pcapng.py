"""Blocks of pcapng that are no packets: what they say arrives, and is bounded."""

import io
import struct
from pathlib import Path

import pytest

from sniff import limits
from sniff.capture.pcapng import options
from sniff.capture.writer import PcapngWriter
from sniff.notes import Code, Notes

from .captures import read, read_bytes

T = 1_700_000_000 * 10**9


@pytest.mark.parametrize("big", [False, True])
def test_what_blocks_say_arrives(tmp_path: Path, big: bool) -> None:
    file = io.BytesIO()
    writer = PcapngWriter(file, big=big, hardware="hw", os="system", application="program", comments=["one", "two"])
    writer.interface(1, name="eth0", description="the first", snaplen=96, filter="tcp", fcs_len=4, resolution=3,
                     comments=["an interface"])
    writer.interface(113, os="another", hardware="card")
    writer.statistics(0, T, received=2**40, dropped=3)
    writer.names({"192.0.2.1": "one.example", "2001:db8::1": "six.example"})
    writer.secrets(0x544C534B, b"secret")
    _, source = read_bytes(tmp_path, file.getvalue())
    first, second = source.interfaces
    assert (first.name, first.description, first.snaplen, first.filter) == ("eth0", "the first", 96, "tcp")
    assert (first.fcs_len, first.decimals, first.comments) == (4, 3, ["an interface"])
    assert (first.received, first.dropped) == (2**40, 3)
    assert (first.os, first.hardware) == ("system", "hw")
    assert (second.os, second.hardware, second.link_type, second.index) == ("another", "card", 113, 1)
    assert (second.received, second.dropped) == (-1, -1)
    assert source.names == {"192.0.2.1": "one.example", "2001:db8::1": "six.example"}
    assert source.secrets == [(0x544C534B, b"secret")]
    section = source.info[0].sections[0]
    assert (section.big, section.hardware, section.os, section.application) == (big, "hw", "system", "program")
    assert section.comments == ["one", "two"]


@pytest.mark.parametrize(("resolution", "decimals"), [
    (0, 0), (1, 1), (2, 2), (3, 3), (4, 3), (5, 3), (6, 6), (7, 6), (8, 6), (9, 9), (12, 9), (0x80, 0), (0x80 | 4, 1),
    (0x80 | 9, 2), (0x80 | 10, 3), (0x80 | 20, 6), (0x80 | 30, 9)])
def test_decimals_are_those_that_wireshark_shows(tmp_path: Path, resolution: int, decimals: int) -> None:
    file = io.BytesIO()
    PcapngWriter(file).interface(1, resolution=resolution)
    _, source = read_bytes(tmp_path, file.getvalue())
    assert source.interfaces[0].decimals == decimals


def test_unknown_blocks_are_counted(tmp_path: Path) -> None:
    file = io.BytesIO()
    writer = PcapngWriter(file)
    writer.block(0x0BAD, bytes(8))
    writer.block(0x80000001, b"")
    path = tmp_path / "x"
    path.write_bytes(file.getvalue())
    notes = Notes()
    _, source = read(path, notes=notes)
    assert source.info[0].skipped == 2
    assert [(note.code, note.had) for note in notes] == [(Code.BLOCK_SKIPPED, 2)]
    assert source.damage is None


def test_a_packet_of_an_interface_that_was_not_described_costs_only_itself(tmp_path: Path) -> None:
    file = io.BytesIO()
    writer = PcapngWriter(file)
    writer.interface(1)
    writer.packet(0, T, b"one")
    at = file.tell()
    writer.block(6, struct.pack("<IIIII", 5, 0, 0, 4, 4) + b"lost")
    lost = file.tell() - at
    writer.packet(0, T, b"two")
    packets, source = read_bytes(tmp_path, file.getvalue())
    assert [packet.data for packet in packets] == [b"one", b"two"]
    assert f"at byte {at}: a packet of an interface that was not described; {lost} bytes" in str(source.damage)


def test_what_a_file_can_make_us_remember_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "INTERFACES", 3)
    monkeypatch.setattr(limits, "FILE_COMMENTS", 2)
    monkeypatch.setattr(limits, "SECRETS_BYTES", 10)
    monkeypatch.setattr(limits, "NAMES", 2)
    file = io.BytesIO()
    writer = PcapngWriter(file)
    for index in range(5):
        writer.interface(1, comments=[str(index)])
        writer.names({f"192.0.2.{index}": "x"})
        writer.secrets(1, b"sixsix")
    _, source = read_bytes(tmp_path, file.getvalue())
    assert len(source.interfaces) == 3
    assert [comment for interface in source.interfaces for comment in interface.comments] == ["0", "1"]
    assert source.secrets == [(1, b"sixsix")]
    assert len(source.names) == 2


def test_options_end_at_their_end_or_at_one_that_does_not_fit() -> None:
    data = struct.pack("<HH4sHH3sxHH", 1, 4, b"four", 2, 3, b"abc", 0, 0)
    assert list(options(data, "<")) == [(1, b"four"), (2, b"abc")]
    assert list(options(data + data, "<")) == [(1, b"four"), (2, b"abc")]
    assert list(options(struct.pack("<HH4sHH", 1, 4, b"four", 2, 30), "<")) == [(1, b"four")]
    assert list(options(b"\1\0\0", "<")) == []
