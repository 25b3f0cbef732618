"""Compressed captures: told by content, read like plain ones, and honest about where they break off."""

import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import lz4.frame
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from sniff import limits
from sniff.capture.compressed import CompressedStore, kind_of
from sniff.capture.sources import open_capture
from sniff.capture.spool import Spool
from sniff.capture.store import FileStore
from sniff.capture.writer import PcapWriter
from sniff.errors import InputError

from .captures import packets_of, read, read_bytes


def zstd_blocks(data: bytes) -> bytes:
    """Frames as `zstd` writes them: with a checksum, without the size of the contents."""
    return zstandard.ZstdCompressor(write_checksum=True, write_content_size=False).compress(data)


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress, "zstd": zstd_blocks, "lz4": lz4.frame.compress, "xz": lzma.compress, "bzip2": bz2.compress,
}


def capture(count: int = 40) -> bytes:
    file = io.BytesIO()
    writer = PcapWriter(file)
    for index in range(count):
        writer.packet(10**18 + index * 10**6, bytes([index & 255]) * (40 + index))
    return file.getvalue()


def decompressed(folder: Path, data: bytes, *, step: int = 1 << 16) -> tuple[bytes, str]:
    """What a CompressedStore makes of bytes, asked for `step` bytes at a time; and what it says is broken."""
    path = folder / "x"
    path.write_bytes(data)
    kind = kind_of(data[:12])
    assert kind
    with path.open("rb") as file:
        store = CompressedStore(FileStore("x", file.fileno()), kind, b"")
        out = b""
        view = memoryview(bytearray(step))
        while (got := store.fill(view)) > 0:
            out += view[:got]
        return out, store.broken


@pytest.mark.parametrize("kind", COMPRESS)
def test_every_kind_is_told_by_content_and_read(tmp_path: Path, kind: str) -> None:
    plain, _ = read_bytes(tmp_path, capture())
    packets, source = read_bytes(tmp_path, COMPRESS[kind](capture()))
    assert packets == plain
    assert source.damage is None
    assert source.info[0].compression == [kind]


@pytest.mark.parametrize("kind", COMPRESS)
def test_members_one_after_the_other_are_one_capture(tmp_path: Path, kind: str) -> None:
    data = capture()
    compress = COMPRESS[kind]
    packets, source = read_bytes(tmp_path, compress(data[:1000]) + compress(b"") + compress(data[1000:]))
    assert packets == read_bytes(tmp_path, data)[0]
    assert source.damage is None


@pytest.mark.parametrize("kind", COMPRESS)
def test_a_cut_stream_gives_what_came_before(tmp_path: Path, kind: str) -> None:
    data = capture()
    whole = COMPRESS[kind](data)
    for size in range(14, len(whole), max(1, len(whole) // 50)):
        out, broken = decompressed(tmp_path, whole[:size])
        assert data.startswith(out)
        assert broken == f"the {kind} data is cut off"
    assert decompressed(tmp_path, whole) == (data, "")


@pytest.mark.parametrize("kind", COMPRESS)
def test_damaged_data_is_one_line(tmp_path: Path, kind: str) -> None:
    compressed = bytearray(COMPRESS[kind](capture(400)))
    compressed[len(compressed) // 2] ^= 0x55
    compressed[-5:] = b"xxxxx"
    _, broken = decompressed(tmp_path, bytes(compressed))
    assert broken.startswith(f"the {kind} data is ")
    assert "\n" not in broken
    try:
        _, source = read_bytes(tmp_path, bytes(compressed))
        assert broken in str(source.damage)
    except InputError as error:
        assert broken in str(error)


@pytest.mark.parametrize("kind", COMPRESS)
def test_any_step_gives_the_same_bytes(tmp_path: Path, kind: str) -> None:
    data = capture() + capture()
    compressed = COMPRESS[kind](data[:3000]) + COMPRESS[kind](data[3000:])
    for step in (1, 7, 1000, 1 << 20):
        assert decompressed(tmp_path, compressed, step=step) == (data, "")


@given(data=st.binary(max_size=300), kind=st.sampled_from([*COMPRESS]), keep=st.integers(4, 20))
def test_any_bytes_behind_a_magic_number_end_in_words(tmp_path_factory: pytest.TempPathFactory, data: bytes, kind: str,
                                                      keep: int) -> None:
    folder = tmp_path_factory.mktemp("x")
    mutated = COMPRESS[kind](b"abc" * 50)[:max(keep, 10 if kind == "bzip2" else 6)] + data
    decompressed(folder, mutated, step=100)


def test_compressed_files_in_compressed_files_are_opened_to_a_limit(tmp_path: Path) -> None:
    data = capture()
    packets, source = read_bytes(tmp_path, zstd_blocks(gzip.compress(lzma.compress(data))))
    assert packets == read_bytes(tmp_path, data)[0]
    assert source.info[0].compression == ["zstd", "gzip", "xz"]
    for _ in range(limits.COMPRESSION_LAYERS + 1):
        data = gzip.compress(data)
    with pytest.raises(InputError):
        read_bytes(tmp_path, data)


def test_skippable_zstd_frames_are_skipped(tmp_path: Path) -> None:
    data = capture()
    skippable = b"\x50\x2a\x4d\x18" + (300).to_bytes(4, "little") + b"\x28\xb5\x2f\xfd" * 75
    assert decompressed(tmp_path, skippable + zstd_blocks(data) + skippable, step=99) == (data, "")


@pytest.mark.parametrize("kind", COMPRESS)
def test_a_bomb_costs_no_memory(tmp_path: Path, kind: str) -> None:
    import tracemalloc
    compress = COMPRESS[kind]
    bomb = compress(bytes(64 << 20))
    path = tmp_path / "x"
    path.write_bytes(bomb)
    with path.open("rb") as file:
        store = CompressedStore(FileStore("x", file.fileno()), kind, b"")
        view = memoryview(bytearray(1 << 16))
        tracemalloc.start()
        total = 0
        while (got := store.fill(view)) > 0:
            total += got
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert total == 64 << 20
    assert peak < 12 << 20


def test_positions_are_those_of_the_compressed_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(capture()))
    _, source = read(path)
    assert source.position == path.stat().st_size


def test_bytes_can_be_read_later_when_they_were_kept(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(zstd_blocks(gzip.compress(capture())))
    for keep in (False, True):
        with open_capture([path], keep=keep) as source:
            batches = list(source)
            assert len(packets_of(batches)) == 40
            for index in range(len(batches[0])):
                got = source.read(0, int(batches[0].offset[index]), int(batches[0].caplen[index]))
                assert got == (batches[0].packet(index) if keep else b"")


@given(pieces=st.lists(st.binary(max_size=30), max_size=20), cap=st.integers(1, 40), data=st.data())
def test_a_spool_keeps_the_last_bytes(pieces: list[bytes], cap: int, data: st.DataObject) -> None:
    counters = limits.Counters()
    whole = b"".join(pieces)
    with closing(Spool(counters, cap)) as spool:
        for piece in pieces:
            spool.write(piece)
        assert spool.written == len(whole)
        assert counters.spool_bytes_lost == spool.lost == max(0, len(whole) - cap)
        offset, length = data.draw(st.integers(0, len(whole) + 2)), data.draw(st.integers(0, len(whole) + 2))
        there = spool.lost <= offset and offset + length <= len(whole)
        assert spool.read(offset, length) == (whole[offset:offset + length] if there else b"")
