"""Measure live capture beside dumpcap, and how long a row takes: `sudo python -m benchmarks.live`.

    python -m benchmarks.live [--seconds 5] [--rates 20000 50000 100000 ...] [--only rates analysed latency pipe]

It runs itself again in network and mount namespaces of its own, with two interfaces of which each hears what the other
sends; nothing outside is touched. tcpreplay sends the packets of captures/neverssl.pcap again and again. Run it when the
machine has nothing else to do: sender and receiver share its cores.

rates     dumpcap and sniff, one after the other at each rate, both with a buffer of 64 MiB and a file in memory
analysed  sniff with a row for every packet, written to a pipe, at rising rates
latency   at 10,000 packets/s: from the time stamp that the kernel gave a packet to its row being read from a pipe
pipe      the same through `tcpdump -U -w - | sniff analyze -`, a packet every 20 ms
"""

import argparse
import contextlib
import os
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SNIFF = [sys.executable, "-m", "sniff"]
CAPTURE = ROOT / "captures" / "neverssl.pcap"
PACKETS = 10
BUFFER_MIB = 64
LEFT, RIGHT = "left", "right"
INSIDE = "SNIFF_BENCH_INSIDE"


def set_up() -> None:
    """Two interfaces, and a folder in memory."""
    commands = [["ip", "link", "set", "lo", "up"], ["ip", "link", "add", LEFT, "type", "veth", "peer", "name", RIGHT]]
    for name in (LEFT, RIGHT):
        commands += [["sh", "-c", f"echo 1 > /proc/sys/net/ipv6/conf/{name}/disable_ipv6"], ["ip", "link", "set", name, "up"]]
    commands.append(["mount", "-t", "tmpfs", "-o", "size=3g", "tmpfs", "/tmp"])
    for command in commands:
        subprocess.run(command, check=True)


def send(rate: int, seconds: float) -> tuple[int, float]:
    """Send at this rate (0: as fast as it goes); packets sent, and the rate that was reached."""
    pace = ["--topspeed"] if rate == 0 else ["--pps", str(rate)]
    loops = max(1, int((rate or 300_000) * seconds) // PACKETS)
    done = subprocess.run(["tcpreplay", "-i", LEFT, "-K", "--loop", str(loops), *pace, str(CAPTURE)], check=True,
                          capture_output=True, text=True)
    sent = re.search(r"Actual: (\d+) packets .* sent in ([\d.]+) seconds", done.stdout)
    assert sent, done.stdout
    return int(sent[1]), int(sent[1]) / float(sent[2])


def children_cpu() -> float:
    """CPU seconds of all children that ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


@contextlib.contextmanager
def program(command: list[str], ready: str, **more: object) -> Iterator["subprocess.Popen[bytes]"]:
    """A program that has said on standard error that it is ready."""
    process = subprocess.Popen(command, stderr=subprocess.PIPE, cwd=ROOT, **more)   # type: ignore[call-overload]
    try:
        assert process.stderr
        words = b""
        while ready.encode() not in words:
            data = os.read(process.stderr.fileno(), 4096)
            assert data, words
            words += data
        time.sleep(0.3)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


def finish(process: "subprocess.Popen[bytes]", number: int) -> str:
    """End it with a signal; what it said."""
    process.send_signal(number)
    words: bytes = process.stderr.read() if process.stderr else b""
    process.wait()
    return words.decode()


# --- rates --------------------------------------------------------------------------------------------------------------

def dumpcap(rate: int, seconds: float, folder: Path) -> tuple[int, float, int, float]:
    """(packets sent, rate reached, packets that dumpcap lost, its CPU seconds)."""
    command = ["dumpcap", "-q", "-i", RIGHT, "-B", str(BUFFER_MIB), "-w", str(folder / "dumpcap.pcapng")]
    with program(command, "File: ") as process:
        sent, reached = send(rate, seconds)
        time.sleep(1)
        before = children_cpu()
        words = finish(process, signal.SIGINT)
    counts = re.search(r"received/dropped on interface '\w+': (\d+)/(\d+)", words)
    assert counts, words
    return sent, reached, sent - int(counts[1]), children_cpu() - before


def sniff(rate: int, seconds: float, folder: Path) -> tuple[int, float, int, float]:
    """The same of sniff."""
    with program([*SNIFF, "live", "-i", RIGHT, "-q", "-w", str(folder / "sniff.pcapng")], "capturing on") as process:
        sent, reached = send(rate, seconds)
        time.sleep(1)
        before = children_cpu()
        words = finish(process, signal.SIGINT)
    counts = re.search(r"([\d,]+) packets? captured", words)
    assert counts, words
    return sent, reached, sent - int(counts[1].replace(",", "")), children_cpu() - before


def rates(options: argparse.Namespace) -> None:
    """dumpcap and sniff in turn, at rising rates."""
    print(f"\n### Packets lost, of {options.seconds:g} s at each rate; buffers of {BUFFER_MIB} MiB\n")
    print("| packets/s wanted | dumpcap: reached | lost | CPU s | sniff live -q: reached | lost | CPU s |")
    print("|---:|---:|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for rate in [*options.rates, 0]:
            cells = [f"{rate:,}" if rate else "as fast as it goes"]
            for measure in (dumpcap, sniff):
                _sent, reached, lost, cpu = measure(rate, options.seconds, Path(folder))
                cells += [f"{reached:,.0f}", f"{lost:,}", f"{cpu:.2f}"]
                for path in Path(folder).iterdir():
                    path.unlink()
            print("| " + " | ".join(cells) + " |", flush=True)


def analysed(options: argparse.Namespace) -> None:
    """Rows for every packet at the same time."""
    print("\n### With a row for every packet, written to a pipe at the same time\n")
    print("| packets/s wanted | reached | lost | last row after the last packet, s | CPU s |")
    print("|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        for rate in options.rates:
            path = Path(folder) / "sniff.pcapng"
            command = [*SNIFF, "live", "-i", RIGHT, "--packets", "--format", "tabs", "-w", str(path)]
            with program(command, "capturing on", stdout=subprocess.PIPE) as process:
                seen = Rows(process)
                sent, reached = send(rate, options.seconds)
                over = time.monotonic()
                deadline = over + 60
                while seen.rows < sent and time.monotonic() < deadline and time.monotonic() - max(over, seen.last) < 2:
                    time.sleep(0.005)
                behind = max(0.0, seen.last - over)
                before = children_cpu()
                words = finish(process, signal.SIGINT)
            seen.thread.join()
            captured = re.search(r"([\d,]+) packets? captured", words)
            assert captured, words
            lost = sent - min(int(captured[1].replace(",", "")), seen.rows)
            print(f"| {rate:,} | {reached:,.0f} | {lost:,} | {behind:.2f} | {children_cpu() - before:.2f} |", flush=True)
            path.unlink()


class Rows:
    """Counts the rows that come through a pipe, in a thread of its own."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.rows = 0
        self.last = 0.0
        self._process = process
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        assert self._process.stdout
        while data := os.read(self._process.stdout.fileno(), 1 << 20):
            self.rows += data.count(b"\n")
            self.last = time.monotonic()


# --- how long a row takes -----------------------------------------------------------------------------------------------

class Latency:
    """Reads JSON lines from a pipe: for each packet the time from its time stamp to its row."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.milliseconds: list[float] = []
        self._process = process
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        assert self._process.stdout
        rest = b""
        while data := os.read(self._process.stdout.fileno(), 1 << 20):
            now = time.time()
            *lines, rest = (rest + data).split(b"\n")
            found = [float(line.partition(b'"frame.time_epoch":')[2].partition(b",")[0]) for line in lines]
            self.milliseconds += [1000 * (now - stamp) for stamp in found]

    def words(self) -> str:
        """Median and worst."""
        values = sorted(self.milliseconds)
        assert values
        return (f"{len(values):,} | {values[len(values) // 2]:.1f} | {values[len(values) * 99 // 100]:.1f} | {values[-1]:.1f}")


HEAD = "| rows | median ms | 99 of 100 under ms | slowest ms |\n|---:|---:|---:|---:|"


def latency(options: argparse.Namespace) -> None:
    """A row for every packet at 10,000 packets/s."""
    print("\n### From a packet's time stamp to its row, 10,000 packets/s\n\n" + HEAD.replace("| rows", "| | rows", 1)
          .replace("|---:", "|---|---:", 1))
    with tempfile.TemporaryDirectory() as folder:
        for more in ([], ["--process"]):
            command = [*SNIFF, "live", "-i", RIGHT, "--packets", "--format", "jsonl", "-w", f"{folder}/a.pcapng", *more]
            with program(command, "capturing on", stdout=subprocess.PIPE) as process:
                seen = Latency(process)
                send(10_000, options.seconds)
                time.sleep(1)
                finish(process, signal.SIGINT)
            seen.thread.join()
            print(f"| sniff live {' '.join(more)} | {seen.words()} |", flush=True)


def pipe(options: argparse.Namespace) -> None:
    """A packet now and then through tcpdump."""
    print("\n### tcpdump -U -w - | sniff analyze - , a packet every 20 ms\n\n" + HEAD)
    record = ["tcpdump", "-i", RIGHT, "-U", "--immediate-mode", "-Z", "root", "-w", "-"]
    with program(record, "listening on", stdout=subprocess.PIPE) as source:
        process = subprocess.Popen([*SNIFF, "analyze", "-", "--packets", "--format", "jsonl"], stdin=source.stdout,
                                   stdout=subprocess.PIPE, cwd=ROOT)
        seen = Latency(process)
        time.sleep(1)
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
            sender.bind((LEFT, 0))
            for number in range(int(options.seconds / 0.02)):
                ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 32, number, 0, 64, 17, 0, bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2]))
                sender.send(b"\2\0\0\0\0\2\2\0\0\0\0\1\x08\0" + ip + struct.pack(">HHHH", 5000, 4000, 12, 0) + b"data")
                time.sleep(0.02)
        time.sleep(0.5)
        source.terminate()
        process.wait()
    seen.thread.join()
    print(f"| {seen.words()} |", flush=True)


MEASUREMENTS: dict[str, Callable[[argparse.Namespace], None]] = {
    "rates": rates, "analysed": analysed, "latency": latency, "pipe": pipe}


def main() -> None:
    """Run what the command line asks for and print the tables."""
    parser = argparse.ArgumentParser(description="Measure live capture beside dumpcap, and how long a row takes.")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rates", type=int, nargs="+", default=[20_000, 50_000, 75_000, 100_000, 150_000, 200_000])
    parser.add_argument("--only", nargs="+", choices=list(MEASUREMENTS), default=list(MEASUREMENTS))
    options = parser.parse_args()
    if os.environ.get(INSIDE) != "1":
        missing = [name for name in ("unshare", "ip", "tcpreplay", "dumpcap", "tcpdump") if not shutil.which(name)]
        if missing or os.geteuid():
            raise SystemExit(f"not installed: {', '.join(missing)}" if missing else "this needs root: it makes network namespaces")
        command = ["unshare", "--net", "--mount", sys.executable, "-m", "benchmarks.live", *sys.argv[1:]]
        os.execvpe(command[0], command, os.environ | {INSIDE: "1"})
    set_up()
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load {load:.1f} at the beginning"
          + (": too much for figures to mean anything" if load > 0.7 else ""), flush=True)
    for name in options.only:
        MEASUREMENTS[name](options)


if __name__ == "__main__":
    main()
