"""Several files as one: the order of mergecap, however the batches are cut."""

import heapq
import io
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sniff import limits
from sniff.capture.sources import open_capture
from sniff.capture.writer import PcapngWriter, PcapWriter

from .captures import packets_of

TIMES = st.lists(st.lists(st.integers(0, 9), max_size=12), min_size=2, max_size=4)


def naive(files: list[list[int]]) -> list[tuple[int, int]]:
    """(file, packet) in mergecap's order: the earliest next packet, of equal ones that of the later file."""
    heap = [(times[0], -file, 0) for file, times in enumerate(files) if times]
    heapq.heapify(heap)
    order = []
    while heap:
        _, negative, index = heapq.heappop(heap)
        file = -negative
        order.append((file, index))
        if index + 1 < len(files[file]):
            heapq.heappush(heap, (files[file][index + 1], -file, index + 1))
    return order


def write(folder: Path, files: list[list[int]]) -> list[Path]:
    """Every second one as pcapng; the bytes of a packet say which one it is."""
    paths = []
    for file, times in enumerate(files):
        out = io.BytesIO()
        if file % 2:
            ng = PcapngWriter(out)
            ng.interface(1, name="unused")
            ng.interface(101, name=f"if{file}")
            for index, time in enumerate(times):
                ng.packet(1, time * 10**9, bytes([file, index]) * 20, comments=[f"{file}.{index}"] if index % 3 == 0 else ())
        else:
            writer = PcapWriter(out)
            for index, time in enumerate(times):
                writer.packet(time * 10**9, bytes([file, index]) * 20)
        paths.append(folder / f"{file}.pcap")
        paths[-1].write_bytes(out.getvalue())
    return paths


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=TIMES, buffer=st.integers(60, 400), packets_at_once=st.integers(1, 9))
def test_the_order_is_that_of_mergecap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: list[list[int]],
                                       buffer: int, packets_at_once: int) -> None:
    paths = write(tmp_path, files)
    with monkeypatch.context() as patch:
        patch.setattr(limits, "BATCH_BYTES", buffer)
        patch.setattr(limits, "BATCH_PACKETS", packets_at_once)
        with open_capture(paths) as source:
            batches = list(source)
            packets = packets_of(batches)
            assert [batch.end for batch in batches] == [False] * (len(batches) - 1) + [True] * bool(batches)
            assert [(packet.data[0], packet.data[1]) for packet in packets] == naive(files)
            for batch in batches:
                assert len(batch) <= packets_at_once
                for index in range(len(batch)):
                    file, packet = batch.packet(index)[:2]
                    assert batch.source[index] == file
                    assert source.interfaces[int(batch.interface[index])].source == file
                    assert batch.link_type[index] == (101 if file % 2 else 1)
                    assert batch.comments.get(index, []) == ([f"{file}.{packet}"] if file % 2 and packet % 3 == 0 else [])
                    assert source.read(file, int(batch.offset[index]), 40) == batch.packet(index)


@pytest.mark.tshark
@pytest.mark.skipif(not shutil.which("mergecap"), reason="mergecap is not installed")
def test_mergecap_itself_agrees(tmp_path: Path) -> None:
    paths = write(tmp_path, [[1, 5, 5, 3, 6, 9], [], [1, 5, 3, 5, 6, 6], [0, 5, 9, 9]])
    merged = tmp_path / "merged"
    subprocess.run(["mergecap", "-w", merged, *paths], check=True)
    with open_capture([merged]) as source:
        theirs = [packet.data for packet in packets_of(list(source))]
    with open_capture(paths) as source:
        ours = [packet.data for packet in packets_of(list(source))]
    assert ours == theirs


def test_damage_of_each_file_is_told(tmp_path: Path) -> None:
    paths = write(tmp_path, [[1, 2], [1, 2], [3]])
    for path in paths[:2]:
        path.write_bytes(path.read_bytes()[:-3])
    with open_capture(paths) as source:
        assert len(packets_of(list(source))) == 3
        assert str(source.damage).startswith(f"{paths[0]}: cut off")
        assert "1 more damaged file" in str(source.damage)
        assert source.size == source.position == sum(path.stat().st_size for path in paths)
