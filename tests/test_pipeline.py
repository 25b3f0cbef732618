"""The pipeline as a whole: what it says does not depend on how the bytes arrive."""

import os
import threading
from pathlib import Path

from sniff.capture.writer import PcapWriter
from sniff.decode.columns import M_FLAGS, M_STATUS, MessageFlag
from sniff.pipeline import Analysis
from tests.wire import ACK, PSH, START_NS, Tcp


def unfinished() -> list[bytes]:
    """A connection whose response goes on when the capture ends."""
    tcp = Tcp()
    return [*tcp.open(), tcp.frame(0, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", ACK | PSH),
            tcp.frame(1, b"HTTP/1.1 200 OK\r\n\r\nhello", ACK | PSH)]


def what_is_running(path: Path) -> list[tuple[int, int]]:
    steps = list(Analysis([path], messages=True))
    return [(int(status), int(flags)) for step in steps
            for status, flags in zip(*step.apps.messages[[M_STATUS, M_FLAGS]], strict=True)]


def test_a_pipe_that_ends_ends_what_is_open(tmp_path: Path) -> None:
    """The writer pauses before it closes: the last packets were handed on before the end was known."""
    path, pipe = tmp_path / "file.pcap", tmp_path / "pipe"
    with path.open("wb") as file:
        writer = PcapWriter(file, 1)
        for number, frame in enumerate(unfinished()):
            writer.packet(START_NS + number, frame)
    os.mkfifo(pipe)

    def write() -> None:
        with pipe.open("wb") as out:
            out.write(path.read_bytes())
            out.flush()
            threading.Event().wait(0.4)

    thread = threading.Thread(target=write)
    thread.start()
    got = what_is_running(pipe)
    thread.join()
    assert got == what_is_running(path)
    assert [status for status, _ in got] == [0, 200]
    assert got[1][1] & MessageFlag.STILL_RUNNING
