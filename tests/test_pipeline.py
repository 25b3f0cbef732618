"""The pipeline as a whole: what it says does not depend on how the bytes arrive."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from benchmarks import make_captures
from sniff import limits, pipeline
from sniff.capture.writer import PcapWriter
from sniff.decode.columns import M_FLAGS, M_STATUS, MessageFlag
from sniff.pipeline import Analysis
from sniff.reassembly import flows
from sniff.reassembly.columns import F_CLIENT_PORT
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


def test_flows_that_are_left_at_the_end_end_a_batch_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file.pcap"
    with path.open("wb") as file:
        writer = PcapWriter(file, 1)
        for number, frame in enumerate(frame for port in range(10) for frame in Tcp(client_port=2000 + port).open()):
            writer.packet(START_NS + number, frame)
    monkeypatch.setattr(limits, "BATCH_PACKETS", 4)
    steps = list(Analysis([path], messages=True, endings=True))
    ended = [port for step in steps for port in step.streams.ended[F_CLIENT_PORT].tolist()]
    assert ended == [2000 + port for port in range(10)]
    assert max(step.streams.ended.shape[1] for step in steps) == 4
    assert [step.packets.raw.end for step in steps] == [False] * (len(steps) - 1) + [True]


def cost(path: Path) -> tuple[float, float]:
    """(CPU nanoseconds a packet, peak MiB) of the rows of a large capture, in a process of its own."""
    code = (f"import sys; from sniff.__main__ import main; main(['analyze', {str(path)!r}, '--packets', '--format', 'tabs'])\n"
            "print(*(line for line in open('/proc/self/status') if line.startswith('VmHWM')), file=sys.stderr)")
    spent = []      # not ru_maxrss: that is also what the starting process held
    for script in (code, code.replace(repr(str(path)), "'--help'")):
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                   env=os.environ | {"PYTHONPATH": str(Path(pipeline.__file__).parents[1])})
        assert process.stderr is not None
        with process.stderr:
            said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        spent.append((usage.ru_utime + usage.ru_stime, int(said.split()[-2]) / 1024))
    packets = sum(len(step.packets) for step in Analysis([path], rows=False))
    return (spent[0][0] - spent[1][0]) / packets * 1e9, spent[0][1]


def test_packets_of_many_connections_cost_little_more(tmp_path: Path) -> None:
    """The aim is a factor of two, and on a quiet machine it is less than that; a busy one gets some room."""
    compiled = not str(flows.__file__).endswith(".py")
    scale = 0.25 if compiled else 0.002
    few, _ = cost(make_captures.make("small", tmp_path, scale))
    many, _ = cost(make_captures.make("c10k", tmp_path, scale))
    flood, memory = cost(make_captures.make("syns", tmp_path, scale))
    assert many < 3 * few and flood < 3 * few
    assert memory < 350, "more flows than the table holds take no more than the table"
