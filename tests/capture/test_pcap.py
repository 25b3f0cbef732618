"""The variants of pcap: told apart by the same evidence as Wireshark, on the same kinds of files."""

import struct
from pathlib import Path

import pytest

from sniff.capture.pcap import max_caplen
from sniff.capture.sources import open_capture

from .captures import read_bytes

T = 1_700_000_000
ETHERNET = 1


def header(magic: int = 0xA1B2C3D4, version: tuple[int, int] = (2, 4), network: int = ETHERNET, snaplen: int = 65535,
           order: str = "<") -> bytes:
    return struct.pack(order + "IHHiIII", magic, *version, 0, 0, snaplen, network)


def record(fraction: int, data: bytes, extra: bytes = b"", *, wirelen: int = 0, order: str = "<") -> bytes:
    return struct.pack(order + "IIII", T, fraction, len(data), wirelen or len(data)) + extra + data


PACKETS = [bytes([index]) * (60 + index) for index in range(1, 5)]


@pytest.mark.parametrize(("magic", "extra", "name"), [
    (0xA1B2C3D4, b"", "pcap"),
    (0xA1B2C3D4, struct.pack("<IHBB", 2, 0x800, 4, 0), "modified pcap"),
    (0xA1B2C3D4, struct.pack("<I", 0x9FBFB601), "Nokia pcap"),
    (0xA1B2CD34, struct.pack("<IHBB", 2, 0x800, 0, 0), "modified pcap"),
    (0xA1B2CD34, struct.pack("<IHBB", 2, 0x800, 0, 0) + bytes(4), "modified pcap"),
])
def test_variants_are_told_by_their_first_records(tmp_path: Path, magic: int, extra: bytes, name: str) -> None:
    data = header(magic) + b"".join(record(7, packet, extra) for packet in PACKETS)
    packets, source = read_bytes(tmp_path, data)
    assert [packet.data for packet in packets] == PACKETS
    assert source.info[0].format == name
    assert source.damage is None


@pytest.mark.parametrize(("magic", "name", "unit_ns"), [
    (0x1C0001AC, "Ixia hardware pcap", 1), (0x1C0001AB, "Ixia software pcap", 1000)])
def test_ixia_writes_its_size_behind_the_header(tmp_path: Path, magic: int, name: str, unit_ns: int) -> None:
    body = b"".join(record(7, packet) for packet in PACKETS)
    packets, source = read_bytes(tmp_path, header(magic) + struct.pack("<I", len(body)) + body)
    assert [packet.data for packet in packets] == PACKETS
    assert packets[0].ts_ns == T * 10**9 + 7 * unit_ns
    assert source.info[0].format == name


@pytest.mark.parametrize(("version", "swapped"), [((2, 4), False), ((2, 3), True), ((2, 2), True), ((543, 0), True)])
def test_old_files_have_their_lengths_the_other_way_round(tmp_path: Path, version: tuple[int, int], swapped: bool) -> None:
    lengths = (90, 60) if swapped else (60, 90)
    data = header(version=version) + (struct.pack("<IIII", T, 7, *lengths) + bytes(60)) * 3
    packets, source = read_bytes(tmp_path, data)
    assert [(len(packet.data), packet.wirelen) for packet in packets] == [(60, 90)] * 3
    assert source.damage is None


def test_aix_has_its_own_link_types_and_nanoseconds(tmp_path: Path) -> None:
    data = header(version=(2, 2), network=6, order=">") + record(7, bytes(60), order=">")
    packets, source = read_bytes(tmp_path, data)
    assert packets[0].link_type == ETHERNET
    assert packets[0].ts_ns == T * 10**9 + 7
    assert source.info[0].format == "AIX pcap"


def test_the_link_type_word_tells_the_frame_check_sequence(tmp_path: Path) -> None:
    for network, expected in ((ETHERNET, -1), (ETHERNET | 0x24000000, 4), (ETHERNET | 0x04000000, 0), (ETHERNET | 0x20000000, -1)):
        packets, source = read_bytes(tmp_path, header(network=network) + record(0, bytes(64)))
        assert packets[0].link_type == ETHERNET
        assert source.interfaces[0].fcs_len == expected


def test_a_pseudo_header_is_no_part_of_the_packet(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(header(network=204) + record(0, b"\1abc", wirelen=10) + record(0, b""))
    with open_capture([path]) as source:
        batch = next(source)
        assert [batch.packet(0), batch.packet(1)] == [b"abc", b""]
        assert batch.wirelen.tolist() == [9, 0]
        assert source.read(0, int(batch.offset[0]), 3) == b"abc"


def test_times_of_any_year(tmp_path: Path) -> None:
    seconds = [0, 2**31 - 1, 2**31, 2**32 - 1]
    data = header() + b"".join(struct.pack("<IIII", second, 999_999, 1, 1) + b"x" for second in seconds)
    packets, _ = read_bytes(tmp_path, data)
    assert [packet.ts_ns for packet in packets] == [second * 10**9 + 999_999_000 for second in seconds]


@pytest.mark.parametrize(("magic", "fraction", "expected"), [
    (0xA1B2C3D4, 999_999, 999_999_000), (0xA1B2C3D4, 8_915_240, 325_305_408), (0xA1B2C3D4, 2_500_000, -1_794_967_296),
    (0xA1B23C4D, 999_999_999, 999_999_999), (0xA1B23C4D, 1_000_000_001, 1_000_000_001), (0xA1B23C4D, 0xFFFF_FFFF, -1)])
def test_a_fraction_of_more_than_a_second_is_what_wireshark_makes_of_it(tmp_path: Path, magic: int, fraction: int, expected: int) -> None:
    packets, _ = read_bytes(tmp_path, header(magic) + record(fraction, b"x"))
    assert [packet.ts_ns for packet in packets] == [T * 10**9 + expected]


def test_a_packet_longer_than_the_snapshot_length_is_a_packet(tmp_path: Path) -> None:
    packets, source = read_bytes(tmp_path, header(snaplen=20) + record(0, b"\xab" * 60) * 3)
    assert [len(packet.data) for packet in packets] == [60] * 3
    assert source.damage is None


def test_what_a_packet_may_claim_depends_on_link_type_and_snapshot_length() -> None:
    assert max_caplen(ETHERNET, 65535) == 262_144
    assert max_caplen(ETHERNET, 1_000_000) == 1_000_000
    assert max_caplen(ETHERNET, 2**32 - 1) == 262_144
    assert max_caplen(249, 65535) == 128 << 20
