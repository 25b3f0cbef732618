"""`sniff live --process` from outside: who is found, what the file keeps, and what happens when somebody dies."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.live.lab import PATIENCE_S, Lab, Live, gone, talk

pytestmark = pytest.mark.live

PROGRAMS = Path(__file__).parents[2] / "captures" / "programs.py"

CHATTER = """
import socket, sys, time
port = int(sys.argv[1])
one = socket.create_connection(("127.0.0.1", port))
lines = one.makefile("rwb", 0)
print("connected", flush=True)
while True:
    lines.write(b"hello\\n")
    lines.readline()
    time.sleep(0.1)
"""


@pytest.fixture
def live(lab, sniff_command):
    """Start `sniff live --process`; whatever is left of it afterwards is ended."""
    runs = []

    def start(*arguments):
        run = Live(lab, sniff_command, "--process", *arguments)
        runs.append(run)
        return run
    yield start
    for run in runs:
        if run.process.poll() is None:
            run.process.kill()
            run.process.communicate()


@pytest.fixture
def echo(lab: Lab):
    """A server that answers lines, and its process number; one port for each test."""
    made = []

    def start(port: int) -> int:
        server = lab.start(sys.executable, PROGRAMS, "echo", port)
        made.append(server)
        lab.run("bash", "-c", f"until (: > /dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.02; done")
        return server.pid
    yield start
    for server in made:
        server.kill()
        server.communicate()


@pytest.fixture
def chatter(lab: Lab):
    """A client that says something ten times a second; its process number."""
    made = []

    def start(port: int) -> int:
        client = lab.start(sys.executable, "-c", CHATTER, port)
        made.append(client)
        assert client.stdout.readline() == b"connected\n"
        return client.pid
    yield start
    for client in made:
        client.kill()
        client.communicate()


def children(number: int) -> list[int]:
    """The processes that this one started, once there are two: the watcher and the analysis."""
    path, deadline = Path(f"/proc/{number}/task/{number}/children"), time.monotonic() + PATIENCE_S
    while len(found := path.read_text().split()) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return sorted(map(int, found))


def analyze(sniff_command, *arguments) -> str:
    done = subprocess.run([*sniff_command, "analyze", *map(str, arguments)], check=True, capture_output=True, text=True,
                          timeout=PATIENCE_S)
    return done.stdout


def test_at_connect_and_later(lab: Lab, live, echo, chatter, sniff_command, tmp_path):
    """A connection that begins while we watch, and one that was there before."""
    server = echo(8030)
    before = chatter(8030)
    run = live("-i", "lo", "-w", tmp_path / "out.pcapng", "--packets", "--format", "jsonl", "port 8030")
    run.until(f'"pid":{before}'.encode())
    after = chatter(8030)
    run.until(f'"pid":{after}'.encode())
    run.until(b'"at connect"')
    assert run.finish() == 0
    rows = [json.loads(line) for line in run.rows.splitlines()]
    known = {(owner["pid"], owner["known"]) for row in rows for owner in (row.get("sniff.process.src"), row.get("sniff.process.dst"))
             if owner}
    assert (before, "found later") in {(pid, "found later" if words == "later" else words) for pid, words in known}
    assert {pid for pid, _words in known} == {before, after, server}
    assert run.rows.decode() == analyze(sniff_command, tmp_path / "out.pcapng", "--process", "--packets", "--format", "jsonl")


def test_quiet_and_in_each_file_of_a_ring(lab: Lab, live, echo, chatter, sniff_command, tmp_path):
    server = echo(8031)
    run = live("-i", "lo", "-q", "-w", tmp_path / "out.pcapng", "--ring", "2x1s", "port 8031")
    client = chatter(8031)
    deadline = time.monotonic() + PATIENCE_S
    while not list(tmp_path.glob("out_00003_*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert run.finish() == 0
    files = sorted(tmp_path.glob("out_*.pcapng"))
    assert len(files) == 2
    for path in files:      # the first one, in which it connected, is gone
        [row] = analyze(sniff_command, path, "--process", "--flows", "--format", "jsonl").splitlines()
        pids = {json.loads(row)[f"{side}_process"]["pid"] for side in ("client", "server")}
        assert pids == {client, server}


def test_other_readers_take_the_file(lab: Lab, live, echo, chatter, sniff_command, tshark, tmp_path):
    """tshark and capinfos read it: our blocks disturb nobody; statistics are there."""
    echo(8032)
    run = live("-i", "lo", "-w", tmp_path / "out.pcapng", "--packets", "port 8032")
    chatter(8032)
    run.until(b"\n8\t")
    assert run.finish() == 0
    assert b'"pids"' in (tmp_path / "out.pcapng").read_bytes()
    rows = subprocess.run([tshark, "-n", "-r", tmp_path / "out.pcapng", "-T", "tabs"], check=True, capture_output=True, text=True)
    assert rows.stderr.replace('Running as user "root" and group "root". This could be dangerous.\n', "") == ""
    captured = re.search(r"(\d+) packets captured, 0 dropped", run.words)
    assert len(rows.stdout.splitlines()) == int(captured[1])
    capinfos = shutil.which("capinfos")
    if capinfos is not None:
        said = subprocess.run([capinfos, tmp_path / "out.pcapng"], check=True, capture_output=True, text=True).stdout
        assert re.search(r"Number of stat entries = [1-9]", said)
        assert re.search(rf"Number of packets = {captured[1]}\n", said)


def test_the_watcher_may_look_and_nothing_else(lab: Lab, live, tmp_path):
    run = live("-i", "lo", "-w", tmp_path / "out.pcapng", "port 8033")
    watcher, _analysis = children(run.process.pid)
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{watcher}/status").read_text().splitlines())
    allowed = 1 << 2 | 1 << 19      # CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE
    for kind in ("CapEff", "CapPrm"):
        assert int(status[kind], 16) & ~allowed == 0
    assert int(status["CapInh"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    assert run.finish() == 0
    assert gone(watcher)


def test_the_watcher_is_killed(lab: Lab, live, echo, tmp_path):
    echo(8034)
    run = live("-i", "lo", "-w", tmp_path / "out.pcapng", "--packets", "port 8034")
    watcher, analysis = children(run.process.pid)
    os.kill(watcher, signal.SIGKILL)
    talk(lab, 8034, b"hello\n")
    run.until(b"FIN")
    assert run.finish() == 0
    assert [line for line in run.words.splitlines() if "not looked up any more" in line] == [
        "sniff: processes are not looked up any more; the capture goes on"]
    assert gone(analysis)


def test_nobody_is_left_behind(lab: Lab, live, echo, tmp_path):
    """All signals at the capture, and its sudden death: the watcher and the analysis go, too."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
        run = live("-i", "lo", "-w", tmp_path / f"{number}.pcapng", "--packets", "port 8035")
        others = children(run.process.pid)
        assert run.finish(number) == (-number if number == signal.SIGKILL else 0)
        assert all(gone(other) for other in others)


def test_a_slow_analysis_costs_no_packets(lab: Lab, live, echo, sniff_command, tmp_path):
    echo(8036)
    run = live("-i", "lo", "-w", tmp_path / "out.pcapng", "--packets", "port 8036")
    _watcher, analysis = children(run.process.pid)
    os.kill(analysis, signal.SIGSTOP)
    talk(lab, 8036, b"hello\n", clients=20)
    time.sleep(0.3)
    os.kill(analysis, signal.SIGCONT)
    assert run.finish() == 0
    captured = re.search(r"(\d+) packets captured, 0 dropped", run.words)
    assert int(captured[1]) == len(run.rows.splitlines()) >= 20 * 8
    assert run.rows.decode() == analyze(sniff_command, tmp_path / "out.pcapng", "--process", "--packets")


def test_twice_ctrl_c_does_not_wait_for_the_analysis(lab: Lab, live, tmp_path):
    run = live("-i", "lo", "-w", tmp_path / "out.pcapng", "--packets", "port 8037")
    _watcher, analysis = children(run.process.pid)
    os.kill(analysis, signal.SIGSTOP)
    run.process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert run.process.poll() is None
    assert run.finish(signal.SIGINT) == 1
    assert gone(analysis)


def test_names_are_kept(lab: Lab, live, tshark, tmp_path):
    dnsmasq = shutil.which("dnsmasq", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if dnsmasq is None:
        pytest.skip("dnsmasq is not installed: scripts/install_tools.sh test")
    server = lab.start(dnsmasq, "--no-daemon", "--user=root", "--no-resolv", "--no-hosts", "--bind-interfaces",
                       "--listen-address=127.0.0.1", "--address=/www.lab.test/192.0.2.80", "--address=/six.lab.test/2001:db8::80")
    try:
        lab.run("bash", "-c", "until (: > /dev/tcp/127.0.0.1/53) 2>/dev/null; do sleep 0.02; done")
        run = live("-i", "lo", "-w", tmp_path / "out.pcapng", "--packets", "port 53")
        ask = ("import dns.message, dns.query\n"
               "for name, kind in (('www', 'A'), ('six', 'AAAA')):\n"
               "    dns.query.udp(dns.message.make_query(name + '.lab.test', kind), '127.0.0.1', port=53)\n")
        lab.run(sys.executable, "-c", ask)
        run.until(b"2001:db8::80")
        assert run.finish() == 0
    finally:
        server.kill()
        server.communicate()
    said = subprocess.run([tshark, "-q", "-r", tmp_path / "out.pcapng", "-z", "hosts"], check=True, capture_output=True, text=True)
    assert b"six.lab.test\0" in (tmp_path / "out.pcapng").read_bytes(), run.rows
    assert "192.0.2.80\twww.lab.test" in said.stdout
    assert "2001:db8::80\tsix.lab.test" in said.stdout
