"""The figures of a capture file, against a sum made packet by packet."""

from itertools import pairwise
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sniff.capture.linktypes import LINK_TYPES, link_type_name, link_type_words
from sniff.capture.sources import open_capture
from sniff.capture.summary import CaptureSummary, sha256, summarise

from .captures import Written, pcap_files, pcapng_files


def summary_of(folder: Path, data: bytes) -> CaptureSummary:
    path = folder / "x"
    path.write_bytes(data)
    with open_capture([path]) as source:
        return summarise(source)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=st.one_of(pcap_files(), pcapng_files()))
def test_figures_are_sums_of_the_packets(tmp_path: Path, written: Written) -> None:
    summary = summary_of(tmp_path, written.data)
    packets = written.packets
    timed = [packet.ts_ns for packet in packets if "without" not in packet.interface]
    assert summary.packets == len(packets)
    assert summary.wire_bytes == sum(packet.wirelen for packet in packets)
    assert summary.captured_bytes == sum(len(packet.data) for packet in packets)
    assert summary.shortest == min((packet.wirelen for packet in packets), default=0)
    assert summary.longest == max((packet.wirelen for packet in packets), default=0)
    assert summary.first_ns == min(timed, default=None)
    assert summary.last_ns == max(timed, default=None)
    assert summary.in_order == (timed == sorted(timed))
    assert summary.file.backwards == sum(b < a for a, b in pairwise(timed))
    assert summary.cut_packets == sum(len(packet.data) < packet.wirelen for packet in packets)
    assert summary.packet_comments == sum(len(packet.comments) for packet in packets)
    assert sum(one.packets for one in summary.interfaces) == len(packets)
    for one in summary.interfaces:
        name = one.interface.name + " without time" * (one.interface.decimals < 0)
        assert one.packets == sum(packet.interface == name for packet in packets)


def test_sha256_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_link_types_have_names() -> None:
    assert (link_type_name(1), link_type_words(1)) == ("ETHERNET", "Ethernet")
    assert (link_type_name(4711), link_type_words(4711)) == ("", "link type 4711")
    assert link_type_words(150) == "private use 3"
    assert all(name.isidentifier() and words for name, words in LINK_TYPES.values())
