"""Time sniff beside its peers, all in one run: `python -m benchmarks.run`.

    python -m benchmarks.run [CAPTURE ...] [--rounds 5] [--only TEXT ...] [--scale X] [--gigabytes N] [--json PATH]

The tools take turns (A B C A B C ...), because the same program on the same machine is slower one minute and faster the
next; the figures are medians over the rounds. Time is that of the whole process, start-up and output included; output
goes to /dev/null, files to a scratch folder, and the capture is in the page cache. Peak memory is the largest resident
set of any process of the tool. Libraries that would need hours read a shortened copy; their time, marked with ~, is
scaled up by the number of packets.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks import make_captures

ROOT = Path(__file__).resolve().parent.parent
SNIFF = str(Path(sys.executable).with_name("sniff"))
PATIENCE_SECONDS = 45
"""A tool that needs longer than this runs in the first round only."""
FLOOR_MIB = 40
"""Less memory than this cannot be told from that of the process that starts the tool."""
FIELDS = ["-e", "frame.number", "-e", "frame.time_relative", "-e", "ip.src", "-e", "ip.dst", "-e", "_ws.col.Info"]


@dataclass(frozen=True, slots=True)
class Tool:
    """One column of the race.

    command   {file} is the capture, {scratch} an empty folder
    does      what it delivers, for the table
    beside    the sniff command that does the same or more: the ratio is taken to that one
    captures  where it takes part
    scale     share of the capture it reads
    """

    name: str
    command: tuple[str, ...]
    does: str
    beside: str = "sniff"
    captures: tuple[str, ...] = ("small", "pages", "bulk", "dns")
    scale: float = 1.0


WEB = ("small", "pages", "bulk")
LIBRARY = (sys.executable, "-m", "benchmarks.peers")
TOOLS = [
    Tool(
        "sniff --packets",
        (SNIFF, "analyze", "{file}", "--packets", "--format", "tabs"),
        "a row for every packet",
        "sniff --packets",
        ("small", "pages", "bulk", "dns", "c10k", "syns", "neverssl"),
    ),
    Tool(
        "tshark -T tabs",
        ("tshark", "-n", "-r", "{file}", "-T", "tabs"),
        "the same rows",
        "sniff --packets",
        ("small", "pages", "bulk", "dns", "c10k", "syns", "neverssl"),
    ),
    Tool(
        "sniff",
        (SNIFF, "analyze", "{file}", "--format", "tabs"),
        "a row for every message",
        "sniff",
        ("small", "pages", "bulk", "dns", "c10k", "syns", "neverssl"),
    ),
    Tool(
        "tshark -T fields",
        ("tshark", "-n", "-r", "{file}", "-Y", "http or dns", "-T", "fields", *FIELDS),
        "fields of every message",
    ),
    Tool(
        "sniff report",
        (SNIFF, "report", "{file}", "-o", "{scratch}/report.html"),
        "an HTML page",
        "sniff report",
        ("small", "pages", "bulk", "dns"),
    ),
    Tool(
        "sniff --format har",
        (SNIFF, "analyze", "{file}", "--format", "har"),
        "HTTP exchanges with bodies, as HAR",
        "sniff --format har",
        ("small", "pages"),
    ),
    Tool(
        "sniff --format jsonl",
        (SNIFF, "analyze", "{file}", "--format", "jsonl"),
        "HTTP and DNS exchanges, as JSON",
        "sniff --format jsonl",
        ("small", "pages"),
    ),
    Tool(
        "tshark -T ek",
        ("tshark", "-n", "-r", "{file}", "-T", "ek"),
        "everything it knows, as JSON",
        "sniff --format jsonl",
        ("small", "pages"),
        0.309,
    ),
    Tool(
        "sniff -Y",
        (SNIFF, "analyze", "{file}", "--packets", "--format", "tabs", "-Y", "http.response.code >= 500"),
        "rows of server errors only",
        "sniff --packets",
        ("small", "pages"),
    ),
    Tool(
        "tshark -Y",
        ("tshark", "-n", "-r", "{file}", "-T", "tabs", "-Y", "http.response.code >= 500"),
        "the same rows",
        "sniff -Y",
        ("small", "pages"),
    ),
    Tool("tcpflow", ("tcpflow", "-r", "{file}", "-o", "{scratch}"), "files of streams", captures=WEB),
    Tool(
        "tcpflow -a", ("tcpflow", "-a", "-r", "{file}", "-o", "{scratch}"), "files of streams and bodies", captures=WEB
    ),
    Tool("httpry", ("httpry", "-q", "-r", "{file}"), "a line for every packet that begins like HTTP", captures=WEB),
    Tool("dpkt", (*LIBRARY, "dpkt", "{file}"), "parsed packet by packet, not reassembled", scale=0.2),
    Tool("scapy", (*LIBRARY, "scapy", "{file}"), "parsed, streams reassembled", scale=0.02),
    Tool("pyshark", (*LIBRARY, "pyshark", "{file}"), "fields of every message", scale=0.01),
]


@dataclass(slots=True)
class Result:
    """What the rounds gave for one tool on one capture. Seconds are scaled up where `scale` is below 1."""

    capture: str
    tool: str
    scale: float
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    peak_mib: float = 0.0
    lines: int = 0
    status: int = 0


def count_packets(path: Path) -> int:
    """Packets in a little-endian pcap file."""
    count = 0
    with path.open("rb") as file:
        file.seek(24)
        while header := file.read(16):
            file.seek(struct.unpack("<I", header[8:12])[0], os.SEEK_CUR)
            count += 1
    return count


def run_once(tool: Tool, path: Path, output: int) -> tuple[float, float, float, int]:
    """(wall seconds, CPU seconds, peak MiB, exit status) of one run."""
    with tempfile.TemporaryDirectory(prefix="sniff-bench-") as scratch:
        command = [word.format(file=path, scratch=scratch) for word in tool.command]
        began = time.perf_counter()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.DEVNULL, cwd=ROOT
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - began
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, process.returncode


def installed(tools: list[Tool]) -> Iterator[Tool]:
    """Those that this machine has; says which it has not."""
    for tool in tools:
        if shutil.which(tool.command[0]):
            yield tool
        else:
            print(f"{tool.name}: not installed, left out", file=sys.stderr)


def race(capture: str, tools: list[Tool], options: argparse.Namespace) -> list[Result]:
    """All tools on one capture, taking turns."""
    paths: dict[str, Path] = {}
    results = {}
    for tool in tools:
        if capture == "neverssl":
            paths[tool.name], share = ROOT / "captures/neverssl.pcap", 1.0
        else:
            scale = min(1.0, options.scale * tool.scale)
            gigabytes = options.gigabytes if capture == "bulk" and tool.scale == 1 else 0.0
            paths[tool.name] = make_captures.make(capture, scale=1.0 if gigabytes else scale, gigabytes=gigabytes)
            share = tool.scale
        results[tool.name] = Result(capture, tool.name, share)
    largest = max(paths.values(), key=lambda path: path.stat().st_size)
    packets = {path: count_packets(path) for path in set(paths.values())}
    print(
        f"{capture}: {largest.name}, {packets[largest]:,} packets, {largest.stat().st_size / 1e6:,.1f} MB",
        file=sys.stderr,
    )
    for tool in tools:  # warm up, and look at what comes out
        with tempfile.TemporaryFile() as output:
            results[tool.name].status = run_once(tool, paths[tool.name], output.fileno())[3]
            output.seek(0)
            results[tool.name].lines = sum(chunk.count(b"\n") for chunk in iter(lambda: output.read(1 << 20), b""))
    for number in range(options.rounds):
        for tool in tools:
            if number and results[tool.name].wall[0] > PATIENCE_SECONDS * packets[largest] / packets[paths[tool.name]]:
                continue
            result, path = results[tool.name], paths[tool.name]
            wall, cpu, peak, _ = run_once(tool, path, subprocess.DEVNULL)
            factor = packets[largest] / packets[path]
            result.wall.append(wall * factor)
            result.cpu.append(cpu * factor)
            result.peak_mib = max(result.peak_mib, peak)
            print(f"  round {number + 1} of {options.rounds}: {tool.name:16} {wall:8.3f} s", file=sys.stderr)
    return list(results.values())


def table(results: list[Result], tools: list[Tool]) -> str:
    """The results of one capture as a Markdown table."""
    by_name = {result.tool: result for result in results}
    lines = [
        "| tool | what it gives | wall s | CPU s | times sniff's time | peak MiB | lines |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for tool in tools:
        result = by_name[tool.name]
        wall, cpu = statistics.median(result.wall), statistics.median(result.cpu)
        base = by_name.get(tool.beside)
        # The ratio of each round, because a slow minute slows both.
        ratio = statistics.median(a / b for a, b in zip(result.wall, base.wall)) if base else float("nan")  # noqa: B905 - one may have run fewer rounds
        mark = "~" if result.scale < 1 else ""
        failed = f" (exit status {result.status})" if result.status else ""
        peak = f"{result.peak_mib:,.0f}" if result.peak_mib > FLOOR_MIB else f"< {FLOOR_MIB}"
        lines.append(
            f"| {tool.name}{failed} | {tool.does} | {mark}{wall:,.2f} | {mark}{cpu:,.2f} | {mark}{ratio:,.1f} | {peak} "
            f"| {result.lines:,} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run what the command line asks for and print the tables."""
    parser = argparse.ArgumentParser(description="Time sniff beside its peers.")
    parser.add_argument(
        "captures", nargs="*", metavar="CAPTURE", help="small, pages, bulk, dns, c10k, syns, neverssl; default: all"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="TEXT", help="only tools whose name contains one of these"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="shorter captures, for a quick look")
    parser.add_argument("--gigabytes", type=float, default=0.0, help="size of bulk")
    parser.add_argument("--json", type=Path, help="also write every measurement there")
    options = parser.parse_args()
    chosen = [tool for tool in TOOLS if not options.only or any(text in tool.name for text in options.only)]
    tools = list(installed(chosen))
    everything: list[Result] = []
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; "
        f"medians of {options.rounds} rounds; ~ scaled up from a shortened copy\n"
    )
    for capture in options.captures or ["small", "pages", "bulk", "dns", "c10k", "syns", "neverssl"]:
        taking_part = [tool for tool in tools if capture in tool.captures]
        results = race(capture, taking_part, options)
        everything += results
        print(f"### {capture}\n\n{table(results, taking_part)}\n", flush=True)
    if options.json:
        options.json.write_text(json.dumps([asdict(result) for result in everything], indent=1) + "\n")


if __name__ == "__main__":
    main()
