"""Sizes, rings of files, and the store that reads them while they grow."""

import os
import threading

import pytest

from sniff import limits
from sniff.capture.growing import GrowingStore
from sniff.capture.rotation import Rotation, parse_rotation, parse_size
from sniff.capture.store import NOTHING_YET
from sniff.errors import UsageError


@pytest.mark.parametrize(("text", "want"), [("500000", 500_000), ("100MB", 10**8), ("64MiB", 64 << 20), ("1g", 10**9),
                                            ("1.5 kB", 1500)])
def test_sizes(text, want):
    assert parse_size(text) == want


@pytest.mark.parametrize("text", ["", "MB", "10 parsecs", "-1", "1e6"])
def test_what_is_no_size(text):
    with pytest.raises(UsageError):
        parse_size(text)


@pytest.mark.parametrize(("text", "want"), [
    ("10x100MB", Rotation(10, 10**8)), ("24x1h", Rotation(24, 0, 3600)), ("3X1MB,10min", Rotation(3, 10**6, 600)),
    ("100MB", Rotation(0, 10**8)), ("5*64KiB", Rotation(5, 64 << 10)),
])
def test_rotations(text, want):
    assert parse_rotation(text) == want


@pytest.mark.parametrize("text", ["", "x", "10x", "0x100MB", "10x1", "10xmany", "10x100MB,soon"])
def test_what_is_no_rotation(text):
    with pytest.raises(UsageError):
        parse_rotation(text)


class Files:
    """Files that grow beside a store."""

    def __init__(self, folder, store):
        self.folder, self.store, self.total, self.writer = folder, store, 0, -1
        self.count = 0

    def begin(self):
        self.count += 1
        path = self.folder / str(self.count)
        if self.writer >= 0:
            os.close(self.writer)
        self.writer = os.open(path, os.O_WRONLY | os.O_CREAT)
        self.store.add(os.open(path, os.O_RDONLY))

    def write(self, data):
        self.total += os.write(self.writer, data)
        self.store.grew(self.total)


@pytest.fixture
def files(tmp_path):
    store = GrowingStore("the capture")
    made = Files(tmp_path, store)
    yield made
    store.close()
    if made.writer >= 0:
        os.close(made.writer)


def take(store, size=100):
    buffer = bytearray(size)
    got = store.fill(memoryview(buffer))
    return got if got <= 0 else bytes(buffer[:got])


def test_several_files_are_one_store(files):
    store = files.store
    assert take(store) == NOTHING_YET
    files.begin()
    files.write(b"one")
    assert take(store) == b"one"
    assert (take(store), store.wait(0.01)) == (NOTHING_YET, False)
    files.write(b"two")
    files.begin()
    files.write(b"three")
    assert (take(store), take(store)) == (b"two", b"three")
    assert [store.read(at, 3) for at in (0, 3, 6)] == [b"one", b"two", b"thr"]
    store.stop()
    assert (take(store), store.position, store.size) == (0, 11, 11)


def test_whoever_waits_is_woken(files):
    files.begin()
    threading.Timer(0.05, files.write, [b"x"]).start()
    assert files.store.wait(10)
    assert take(files.store) == b"x"
    threading.Timer(0.05, files.store.stop).start()
    assert files.store.wait(10)


def test_files_that_were_read_are_given_up(files, monkeypatch):
    monkeypatch.setattr(limits, "SPOOL_BYTES", 10)
    for _number in range(4):
        files.begin()
        files.write(b"123456")
    assert take(files.store) + take(files.store) + take(files.store) == b"123456" * 3
    files.begin()
    assert files.store.read(0, 6) == b""
    assert files.store.read(18, 6) == b"123456"
    assert take(files.store) == b"123456"
