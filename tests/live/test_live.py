"""`sniff live` from outside: what it shows is what its file holds, and whatever ends it leaves a readable file."""

import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from tests.conftest import UNCOMPILED
from tests.live.lab import PATIENCE_S, Lab, Live, fetch, gone, send, serving, talk

pytestmark = pytest.mark.live

PROGRAMS = Path(__file__).parents[2] / "captures" / "programs.py"
NEVERSSL = Path(__file__).parents[2] / "captures" / "neverssl.pcap"


def udp(payload: bytes = b"hello", port: int = 4000) -> bytes:
    """A frame from left to right that nobody answers."""
    length = 28 + len(payload)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, length, 0, 0, 64, 17, 0, bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2]))
    return (b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0" + ip + struct.pack(">HHHH", 5000, port, 8 + len(payload), 0) + payload)


@pytest.fixture
def live(lab, sniff_command):
    """Start `sniff live` with these arguments; whatever is left of it afterwards is ended."""
    runs = []

    def start(*arguments, **more):
        run = Live(lab, sniff_command, *arguments, **more)
        runs.append(run)
        return run
    yield start
    for run in runs:
        if run.process.poll() is None:
            run.process.kill()
            run.process.communicate()


@pytest.fixture
def analyze(sniff_command):
    """The rows of `sniff analyze` with these arguments."""
    def run(*arguments):
        done = subprocess.run([*sniff_command, "analyze", *map(str, arguments)], check=False, capture_output=True, timeout=100)
        assert done.returncode == 0, done.stderr
        return done.stdout
    return run


def packets(path: Path) -> list[bytes]:
    """The packets of a pcapng file, which must hold together from its first byte to its last."""
    data, at, found = path.read_bytes(), 0, []
    while at < len(data):
        kind, length = struct.unpack_from("=II", data, at)
        assert struct.unpack_from("=I", data, at + length - 4) == (length,)
        if kind == 6:
            caplen = struct.unpack_from("=I", data, at + 20)[0]
            found.append(data[at + 28:at + 28 + caplen])
        at += length
    return found


@pytest.mark.parametrize("arguments", [("--format", "tabs"), ("--format", "jsonl"), ("--packets", "--format", "tabs")])
def test_live_equals_file(lab: Lab, live, analyze, tmp_path, arguments):
    (tmp_path / "page.html").write_text("<p>hello</p>")
    with serving(lab, tmp_path, 8000):
        run = live("-i", "lo", "-w", tmp_path / "out.pcapng", *arguments, "tcp port 8000")
        fetch(lab, "http://127.0.0.1:8000/page.html", "http://127.0.0.1:8000/nothing")
        run.until(b"404")
        assert run.finish() == 0
    assert run.rows == analyze(tmp_path / "out.pcapng", *arguments)
    assert b"/page.html" in run.rows
    assert "0 dropped" in run.words


@pytest.mark.parametrize(("name", "port", "rows"), [("echo", 8010, 0), ("events", 8011, 4), ("address", 8012, 4)])
def test_small_programs(lab: Lab, live, analyze, tmp_path, name, port, rows):
    run = live("-i", "lo", "-w", tmp_path / "out.pcapng", "--format", "tabs", f"port {port}")
    server = lab.start(sys.executable, PROGRAMS, name, port)
    try:
        talk(lab, port, b"GET / HTTP/1.1\r\nHost: here\r\n\r\n" if rows else b"hello\n", clients=2)
        assert run.finish() == 0
    finally:
        server.kill()
        server.communicate()
    assert len(packets(tmp_path / "out.pcapng")) > 10
    assert run.rows == analyze(tmp_path / "out.pcapng", "--format", "tabs")
    assert len(run.rows.splitlines()) == rows


def test_without_a_file_to_keep(lab: Lab, live, tmp_path):
    with serving(lab, tmp_path, 8001):
        run = live("-i", "lo", "--format", "jsonl", "tcp port 8001", env=os.environ | {"TMPDIR": str(tmp_path / "spool")})
        (tmp_path / "spool").mkdir(exist_ok=True)
        fetch(lab, "http://127.0.0.1:8001/")
        run.until(b"\n")
        assert list((tmp_path / "spool").iterdir()) == []
        assert run.finish() == 0
    assert all(json.loads(line) for line in run.rows.splitlines())


def test_the_filter_and_the_count(lab: Lab, live, tmp_path):
    run = live("-i", "right", "-q", "-w", tmp_path / "out.pcapng", "-c", "3", "udp port 4001")
    send(lab, "left", udp(b"other"), udp(b"wanted", 4001), count=5)
    assert run.finish(0) == 0
    assert packets(tmp_path / "out.pcapng") == [udp(b"wanted", 4001)] * 3


def test_everywhere_and_in_one_file(lab: Lab, live, tmp_path):
    run = live("-i", "any", "-q", "-w", tmp_path / "any.pcapng", "-c", "2", "udp and port 4002")
    both = live("-i", "right", "-i", "lo", "-q", "-w", tmp_path / "both.pcapng", "-c", "1", "port 4002")
    send(lab, "left", udp(b"x", 4002))
    assert (run.finish(0), both.finish(0)) == (0, 0)
    assert packets(tmp_path / "any.pcapng") == [udp(b"x", 4002)] * 2        # as it left, and as it arrived
    assert packets(tmp_path / "both.pcapng") == [udp(b"x", 4002)]
    assert b"left" in (tmp_path / "any.pcapng").read_bytes()


def test_the_tag_that_the_kernel_took_out_is_put_back(lab: Lab, live, tmp_path):
    tagged = udp()[:12] + b"\x81\0\x20\x07" + udp()[12:]
    run = live("-i", "right", "-q", "-w", tmp_path / "out.pcapng", "-c", "2", "udp")
    send(lab, "left", tagged, udp())
    assert run.finish(0) == 0
    assert packets(tmp_path / "out.pcapng") == [tagged, udp()]


def test_snap_length(lab: Lab, live, analyze, tmp_path):
    run = live("-i", "right", "-w", tmp_path / "out.pcapng", "-c", "1", "-s", "64", "--packets", "udp")
    send(lab, "left", udp(bytes(1000)))
    assert run.finish(0) == 0
    assert [len(packet) for packet in packets(tmp_path / "out.pcapng")] == [64]
    assert run.rows == analyze(tmp_path / "out.pcapng", "--packets")
    assert b"\t1042\t" in run.rows


def test_a_ring_of_files(lab: Lab, live, analyze, tmp_path):
    run = live("-i", "right", "-w", tmp_path / "out.pcapng", "--ring", "3x64KiB", "--packets", "udp")
    send(lab, "left", udp(bytes(1000)), count=400, pause=0.001)
    run.until(b"\n400\t")
    assert run.finish() == 0
    files = sorted(tmp_path.glob("out_*.pcapng"))
    assert len(files) == 3
    assert all(path.stat().st_size <= 64 << 10 for path in files)
    assert re.fullmatch(r"out_\d{5}_\d{14}\.pcapng", files[0].name)
    kept = analyze(*files, "--packets").splitlines()
    assert [row.split(b"\t")[2:] for row in kept] == [row.split(b"\t")[2:] for row in run.rows.splitlines()[-len(kept):]]
    assert len(run.rows.splitlines()) == 400


@pytest.mark.parametrize("arguments", [("-d", "0.5"), ("--size", "20kB")])
def test_other_ends(lab: Lab, live, tmp_path, arguments):
    path = tmp_path / "out.pcapng"
    run = live("-i", "right", "-q", "-w", path, *arguments, "udp")
    send(lab, "left", udp(bytes(1000)), count=50)
    assert run.finish(0) == 0
    found = packets(path)
    assert 0 < len(found) <= 50
    if arguments[0] == "--size":
        assert 18_000 < path.stat().st_size <= 20_000


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_end_in_order(lab: Lab, live, analyze, tmp_path, number):
    run = live("-i", "right", "-w", tmp_path / "out.pcapng", "--packets", "udp")
    analysis = run.analysis
    send(lab, "left", udp(), count=3)
    assert run.finish(number) == 0
    assert len(packets(tmp_path / "out.pcapng")) == 3
    assert run.rows == analyze(tmp_path / "out.pcapng", "--packets")
    assert gone(analysis)


def test_the_analysis_is_killed(lab: Lab, live, tmp_path):
    run = live("-i", "right", "-w", tmp_path / "out.pcapng", "--packets", "udp")
    send(lab, "left", udp())
    run.until(b"\n")
    os.kill(run.analysis, signal.SIGKILL)
    send(lab, "left", udp(), count=4)
    time.sleep(0.2)
    assert run.process.poll() is None
    assert run.finish() == 1
    assert len(packets(tmp_path / "out.pcapng")) == 5
    assert "the capture goes on" in run.words


def test_the_analysis_of_a_spool_is_killed(lab: Lab, live):
    run = live("-i", "right", "--packets", "udp")
    os.kill(run.analysis, signal.SIGKILL)
    assert run.finish(0) == 1
    assert "SIGKILL" in run.words


def test_the_capture_is_killed(lab: Lab, live, analyze, tmp_path):
    run = live("-i", "right", "-w", tmp_path / "out.pcapng", "--packets", "udp")
    analysis = run.analysis
    send(lab, "left", udp(), count=7)
    run.until(b"\n7\t")
    assert run.finish(signal.SIGKILL) == -signal.SIGKILL
    assert gone(analysis)
    assert "ended unexpectedly" in run.words
    assert len(packets(tmp_path / "out.pcapng")) == 7
    assert run.rows == analyze(tmp_path / "out.pcapng", "--packets")


def test_both_are_killed(lab: Lab, live, tmp_path):
    run = live("-i", "right", "-w", tmp_path / "out.pcapng", "--packets", "udp")
    analysis = run.analysis
    send(lab, "left", udp(), count=7)
    run.until(b"\n7\t")
    os.kill(analysis, signal.SIGKILL)
    run.finish(signal.SIGKILL)
    assert gone(analysis)
    assert len(packets(tmp_path / "out.pcapng")) == 7


def test_the_disk_is_full(lab: Lab, live, sniff_command, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    lab.run("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk)
    run = live("-i", "right", "-w", disk / "out.pcapng", "--packets", "udp")
    send(lab, "left", udp(bytes(1000)), count=600)
    assert run.finish(0) == 1
    assert "disk is full" in run.words
    rows = lab.run(*sniff_command, "analyze", "--packets", disk / "out.pcapng").stdout
    assert 200 < len(rows.splitlines()) < 260
    assert rows.encode() == run.rows
    assert [line for line in run.words.splitlines() if "Traceback" in line] == []


def test_nobody_reads_the_rows_any_more(lab: Lab, live, tmp_path):
    run = live("-i", "right", "-w", tmp_path / "out.pcapng", "--packets", "udp")
    send(lab, "left", udp())
    run.until(b"\n")
    run.process.stdout.close()
    run.process.stdout = None
    send(lab, "left", udp(), count=3)
    assert run.finish(0) == 0
    assert len(packets(tmp_path / "out.pcapng")) >= 2


def test_the_interface_goes_down(lab: Lab, live, tmp_path):
    lab.pair("near", "far")
    run = live("-i", "far", "-w", tmp_path / "out.pcapng", "--packets", "udp")
    send(lab, "near", udp(), count=2)
    run.until(b"\n2\t")
    lab.run("ip", "link", "set", "far", "down")
    assert run.finish(0) == 1
    assert "went down" in run.words
    assert len(packets(tmp_path / "out.pcapng")) == 2
    lab.run("ip", "link", "del", "near")


def test_raw_packets_for_another_program(lab: Lab, live, analyze, tmp_path):
    run = live("-i", "right", "-w", "-", "-c", "3", "udp")
    send(lab, "left", udp(), count=3)
    assert run.finish(0) == 0
    (tmp_path / "out.pcapng").write_bytes(run.rows)
    assert packets(tmp_path / "out.pcapng") == [udp()] * 3


RECORD_WITH_SCAPY = """
import sys
from sniff.capture.live import Recorder, Wanted
from sniff.capture.sockets import ScapySource
wanted = Wanted(["right"], path=sys.argv[1], count=5)
recorder = Recorder(wanted, ScapySource(["right"], "udp"), begun=lambda: print("capturing on", file=sys.stderr, flush=True))
recorder.run()
print(recorder.standing.packets)
"""


def test_sockets_of_other_systems(lab: Lab, tmp_path):
    process = lab.start(sys.executable, "-W", "ignore", "-c", RECORD_WITH_SCAPY, tmp_path / "out.pcapng")
    assert process.stderr.readline() == b"capturing on\n"
    send(lab, "left", udp(), count=6)
    words, errors = process.communicate(timeout=PATIENCE_S)
    assert (words, errors) == (b"5\n", b"")
    assert packets(tmp_path / "out.pcapng") == [udp()] * 5


@pytest.mark.parametrize(("arguments", "status", "words"), [
    (("-i", "nowhere"), 1, "no such interface; there are lo, "),
    (("-i", "lo", "tcp prot 80"), 2, "capture filter 'tcp prot 80'"),
    (("-i", "lo", "--ring", "3x1MB"), 2, "-w NAME"),
    (("-i", "lo", "--ring", "many", "-w", "x"), 2, "10x100MB"),
    (("-i", "lo", "-w", "/nowhere/x.pcapng"), 1, "cannot be written"),
])
def test_what_cannot_be_done_is_said_in_one_line(lab: Lab, sniff_command, arguments, status, words):
    done = lab.run(*sniff_command, "live", *arguments, check=False)
    assert (done.returncode, done.stdout) == (status, "")
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_without_permission(lab: Lab, sniff_command):
    powerless = ("setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw")
    done = lab.run(*powerless, *sniff_command, "live", "-i", "lo", check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "sudo setcap cap_net_raw" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    done = lab.run(*powerless, *sniff_command, "interfaces")
    assert re.search(r"^lo +up +no +127\.0\.0\.1/8", done.stdout, re.MULTILINE)
    done = lab.run(*sniff_command, "interfaces")
    assert re.search(r"^lo +up +yes +127\.0\.0\.1/8", done.stdout, re.MULTILINE)


def test_privileges_are_given_up(lab: Lab, live, tmp_path):
    run = live("-i", "right", "-w", tmp_path / "out.pcapng", "--packets", "udp")
    send(lab, "left", udp())
    run.until(b"\n")
    for number in (run.process.pid, run.analysis):
        status = dict(line.split(":\t", 1) for line in Path(f"/proc/{number}/status").read_text().splitlines())
        assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
    assert run.finish() == 0


def test_as_many_as_dumpcap(lab: Lab, live, tmp_path):
    """Side by side with dumpcap, at the first rate at which that one loses nothing: neither do we, and we have the same."""
    dumpcap, tcpreplay = shutil.which("dumpcap"), shutil.which("tcpreplay")
    if not dumpcap or not tcpreplay:
        pytest.skip("dumpcap or tcpreplay is not installed: scripts/install_tools.sh test")
    rate = 500 if UNCOMPILED else 10_000
    for attempt in range(5):
        count = rate
        folder = tmp_path / str(attempt)
        folder.mkdir()
        ours, theirs, dropped, their_drops = _beside_dumpcap(lab, live, dumpcap, tcpreplay, folder, rate, count)
        if their_drops == 0 and len(theirs) == count:
            break
        rate //= 2          # this machine has other things to do
    else:
        pytest.fail("dumpcap loses packets at any rate")
    assert dropped == 0
    assert ours == theirs


def _until_quiet(path):
    """Wait until a file has not grown for a while."""
    deadline, size, since = time.monotonic() + PATIENCE_S, -1, time.monotonic()
    while time.monotonic() < deadline and time.monotonic() - since < 0.6:
        if path.stat().st_size != size:
            size, since = path.stat().st_size, time.monotonic()
        time.sleep(0.05)


def _beside_dumpcap(lab, live, dumpcap, tcpreplay, folder, rate, count):
    """(our packets, dumpcap's, our drops, dumpcap's) of so many packets at this rate."""
    with (folder / "other.pcapng").open("wb") as file:
        other = lab.start(dumpcap, "-q", "-i", "right", "-B", "64", "-w", "-", stdout=file)
    run = live("-i", "right", "-w", folder / "out.pcapng", "--packets")
    words = ""
    while "File: " not in words:
        words += os.read(other.stderr.fileno(), 4096).decode()
    lab.run(tcpreplay, "-i", "left", "-K", "-q", "--loop", str(count // 10), "--pps", str(rate), NEVERSSL)
    for path in folder.iterdir():
        _until_quiet(path)
    assert run.finish() == 0
    other.terminate()
    _rows, said = other.communicate(timeout=PATIENCE_S)
    drops = re.search(r"received/dropped on interface 'right': \d+/(\d+)", words + said.decode())
    assert drops, words + said.decode()
    ours = re.search(r"([\d,]+) dropped by the kernel", run.words)
    return packets(folder / "out.pcapng"), packets(folder / "other.pcapng"), int(ours[1].replace(",", "")), int(drops[1])


def test_at_a_terminal(lab: Lab, sniff_command, tmp_path):
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", 30, 100, 0, 0))
    before = termios.tcgetattr(slave)

    def own_terminal():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    process = lab.start(*sniff_command, "live", "-i", "right", "--packets", "udp", stdin=slave, stdout=slave, stderr=slave,
                        env=os.environ | {"TERM": "xterm-256color"}, preexec_fn=own_terminal)
    seen = b""

    def until(wanted):
        nonlocal seen
        deadline = time.monotonic() + PATIENCE_S
        while wanted not in seen:
            assert time.monotonic() < deadline, seen
            if select.select([master], [], [], 0.5)[0]:
                seen += os.read(master, 65536)
    try:
        until(b"q ends")
        send(lab, "left", udp(), count=3)
        until(b"3 packets ")
        until(b"192.0.2.1")
        os.write(master, b"q")
        until(b"3 packets captured, 0 dropped")
        assert process.wait(PATIENCE_S) == 0
        assert termios.tcgetattr(slave) == before
    finally:
        process.kill()
        process.wait()
        os.close(master)
        os.close(slave)
