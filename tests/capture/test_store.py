"""Input that comes while it is read: pipes and files that grow."""

import gzip
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sniff.capture.sources import Source, open_capture
from sniff.capture.writer import PcapngWriter, PcapWriter
from sniff.errors import InputError, UsageError

from .captures import packets_of
from .test_compressed import capture


class Descriptor:
    """A file object around a descriptor, without a buffer."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self.descriptor, data):]


@contextmanager
def as_stdin(descriptor: int) -> Iterator[None]:
    saved = os.dup(0)
    os.dup2(descriptor, 0)
    try:
        yield
    finally:
        os.dup2(saved, 0)
        os.close(saved)


@contextmanager
def piped(**options: Any) -> Iterator[tuple[int, Source]]:
    """A descriptor to write to, and the source that reads it as standard input; the pipe has a pcap header in it."""
    reading, writing = os.pipe()
    try:
        PcapWriter(Descriptor(writing))
        with as_stdin(reading), open_capture(["-"], **options) as source:
            yield writing, source
    finally:
        os.close(reading)


def test_packets_of_a_pipe_come_as_they_arrive() -> None:
    with piped() as (writing, source):
        record = capture()[24:24 + 56]
        for count in range(5):
            Descriptor(writing).write(record[:20])
            threading.Timer(0.03, Descriptor(writing).write, [record[20:]]).start()
            start = time.monotonic()
            batch = next(source)
            assert len(batch) == 1
            assert batch.first_number == count + 1
            assert time.monotonic() - start < 10
            assert not batch.end
        os.close(writing)
        assert next(source, None) is None
        assert source.damage is None


def test_a_busy_pipe_is_not_cut_into_single_packets() -> None:
    with piped() as (writing, source):
        data = capture(2000)[24:]

        def write() -> None:
            Descriptor(writing).write(data)
            os.close(writing)

        thread = threading.Thread(target=write)
        thread.start()
        batches = list(source)
        thread.join()
        assert len(packets_of(batches)) == 2000
        assert len(batches) < 50


def test_a_pipe_that_breaks_off_gives_what_came() -> None:
    with piped() as (writing, source):
        Descriptor(writing).write(capture(3)[24:-10])
        os.close(writing)
        assert len(packets_of(list(source))) == 2
        assert "cut off in the middle of packet 3" in str(source.damage)
        assert str(source.damage).startswith("standard input: ")


@pytest.mark.parametrize("keep", [False, True])
def test_a_pipe_can_be_read_again_only_when_it_is_kept(keep: bool) -> None:
    with piped(keep=keep) as (writing, source):
        Descriptor(writing).write(capture(3)[24:])
        os.close(writing)
        batch = next(source)
        assert source.read(0, int(batch.offset[1]), int(batch.caplen[1])) == (batch.packet(1) if keep else b"")
        assert source.size == -1


def test_a_compressed_pipe(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    Descriptor(writing).write(gzip.compress(capture()))
    os.close(writing)
    with as_stdin(reading), open_capture(["-"]) as source:
        assert len(packets_of(list(source))) == 40
        assert source.info[0].compression == ["gzip"]
    os.close(reading)


def test_a_file_as_standard_input_is_read_like_a_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(capture())
    with path.open("rb") as file, as_stdin(file.fileno()), open_capture(["-"]) as source:
        batches = list(source)
        assert batches[-1].end
        assert source.size == path.stat().st_size
        assert source.read(0, int(batches[0].offset[0]), 40) == batches[0].packet(0)


def test_stop_ends_a_silent_pipe() -> None:
    with piped() as (writing, source):
        threading.Timer(0.05, source.stop).start()
        start = time.monotonic()
        assert next(source, None) is None
        assert time.monotonic() - start < 10
        os.close(writing)


def test_an_empty_pipe_is_no_capture() -> None:
    reading, writing = os.pipe()
    os.close(writing)
    with as_stdin(reading), pytest.raises(InputError, match="standard input: is empty"):
        open_capture(["-"])
    os.close(reading)


def test_a_named_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    thread = threading.Thread(target=path.write_bytes, args=[capture()])
    thread.start()
    with open_capture([path]) as source:
        assert len(packets_of(list(source))) == 40
    thread.join()


@pytest.mark.parametrize("kind", ["pcap", "pcapng"])
def test_a_file_that_grows_is_followed(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    with path.open("wb", buffering=0) as file:
        writer: PcapWriter | PcapngWriter
        if kind == "pcap":
            writer = PcapWriter(file)
        else:
            writer = PcapngWriter(file)
            writer.interface(1)

        def add(index: int) -> None:
            data = bytes([index]) * 50
            if isinstance(writer, PcapWriter):
                writer.packet(index * 10**9, data)
            else:
                writer.packet(0, index * 10**9, data)

        add(0)
        with open_capture([path], follow=True) as source:
            assert [packet.data[0] for packet in packets_of([next(source)])] == [0]
            for index in (1, 2, 3):
                threading.Timer(0.05, add, [index]).start()
                batch = next(source)
                assert batch.first_number == index + 1
                assert batch.packet(0)[0] == index
            add(4)
            source.stop()
            assert [batch.packet(0)[0] for batch in source] == [4]
            assert source.damage is None


def test_a_followed_file_that_stops_within_a_record_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(capture(3)[:-7])
    with open_capture([path], follow=True) as source:
        assert len(next(source)) == 2
        source.stop()
        assert next(source, None) is None
        assert "cut off" in str(source.damage)


def test_a_followed_file_that_somebody_empties_ends(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(capture(3))
    with open_capture([path], follow=True) as source:
        assert len(next(source)) == 3
        os.truncate(path, 0)
        assert next(source, None) is None
        assert "somebody cut the file" in str(source.damage)


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        open_capture([])
    with pytest.raises(UsageError):
        open_capture(["-", "-"])
    with pytest.raises(UsageError):
        open_capture(["a", "b"], follow=True)
