"""A network of its own for each test run: loopback, and a pair of interfaces of which each hears what the other sends.

It needs root, or a kernel that gives users namespaces of their own; nothing outside it is touched, and it vanishes with
the process that holds it.
"""

import contextlib
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

NEEDED = ("unshare", "nsenter", "ip", "mount", "setpriv")
PATIENCE_S = 30.0


class Lab:
    """The network, and how to run programs in it."""

    def __init__(self) -> None:
        missing = [name for name in NEEDED if not shutil.which(name)]
        if missing:
            pytest.skip(f"not installed: {', '.join(missing)}")
        mine = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        self.holder = subprocess.Popen(
            ["unshare", *mine, "--net", "--mount", "--kill-child", "sh", "-c", "echo ready; exec sleep 600"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.holder.stdout and self.holder.stderr
        if self.holder.stdout.readline() != "ready\n":
            pytest.skip(f"needs root, or user namespaces: {self.holder.stderr.read().strip()}")
        user = ["--user", "--preserve-credentials"] if mine else []
        self.enter = ["nsenter", f"--target={self.child()}", *user, "--net", "--mount", "--"]
        self.run("ip", "link", "set", "lo", "up")
        self.pair("left", "right")

    def pair(self, one: str, other: str) -> None:
        """Two interfaces, each of which hears what the other sends, and nothing that nobody sent (IPv6 would)."""
        self.run("ip", "link", "add", one, "type", "veth", "peer", "name", other)
        for name in (one, other):
            self.run("sh", "-c", f"echo 1 > /proc/sys/net/ipv6/conf/{name}/disable_ipv6")
            self.run("ip", "link", "set", name, "up")

    def child(self) -> int:
        """unshare --kill-child forks; the namespaces are those of its child."""
        found = Path(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children").read_text().split()
        return int(found[0])

    def run(self, *command: str, **more: object) -> "subprocess.CompletedProcess[str]":
        """Run a program to its end."""
        options = {"capture_output": True, "text": True, "timeout": PATIENCE_S, "check": True, "cwd": "/"} | more
        return subprocess.run([*self.enter, *map(str, command)], **options)  # type: ignore[call-overload, no-any-return]

    def start(self, *command: str, **more: object) -> "subprocess.Popen[bytes]":
        """Start a program."""
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, "cwd": "/"} | more
        return subprocess.Popen([*self.enter, *map(str, command)], **options)  # type: ignore[call-overload, no-any-return]

    def close(self) -> None:
        """Take it down."""
        self.holder.kill()
        self.holder.communicate()


class Live:
    """One run of `sniff live` that has begun to capture.

    words  what it said on standard error before it began, and what came after finish()
    """

    def __init__(self, lab: Lab, command: list[str], *arguments: object, **more: object) -> None:
        self.process = lab.start(*command, "live", *map(str, arguments), **more)
        self.words = ""
        self.rows = b""
        deadline = time.monotonic() + PATIENCE_S
        while "capturing on" not in self.words and self.process.poll() is None and time.monotonic() < deadline:
            self.words += self._stderr(0.5)

    def _stderr(self, seconds: float) -> str:
        assert self.process.stderr
        if not select.select([self.process.stderr], [], [], seconds)[0]:
            return ""
        return os.read(self.process.stderr.fileno(), 1 << 16).decode()

    def until(self, wanted: bytes) -> None:
        """Wait until these bytes were among the rows."""
        assert self.process.stdout
        deadline = time.monotonic() + PATIENCE_S
        while wanted not in self.rows:
            assert time.monotonic() < deadline, (wanted, self.rows, self.words)
            if select.select([self.process.stdout], [], [], 0.5)[0]:
                data = os.read(self.process.stdout.fileno(), 1 << 16)
                assert data, (wanted, self.rows, self._stderr(0.5))
                self.rows += data

    @property
    def analysis(self) -> int:
        """The process that analyses."""
        deadline = time.monotonic() + PATIENCE_S
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        while not (found := path.read_text().split()):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return int(found[0])

    def finish(self, number: int = signal.SIGINT) -> int:
        """Send a signal (0: none) and wait; the exit status."""
        if number:
            self.process.send_signal(number)
        rows, words = self.process.communicate(timeout=PATIENCE_S)
        self.rows += rows or b""
        self.words += (words or b"").decode()
        return self.process.returncode


def gone(number: int) -> bool:
    """Wait until a process is not there any more."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.02)
    return False


@contextlib.contextmanager
def serving(lab: Lab, folder: Path, port: int) -> Iterator[None]:
    """Python's http.server on loopback."""
    process = lab.start(sys.executable, "-u", "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(folder))
    try:
        assert process.stdout and b"Serving" in process.stdout.readline()
        yield
    finally:
        process.kill()
        process.communicate()


FETCH = """
import sys, urllib.request, urllib.error
for url in sys.argv[1:]:
    try:
        urllib.request.urlopen(url).read()
    except urllib.error.HTTPError as error:
        error.read()
"""


def fetch(lab: Lab, *urls: str) -> None:
    """Fetch these, one after the other."""
    lab.run(sys.executable, "-c", FETCH, *urls)


SEND = """
import socket, sys, time
name, count, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
frames = [bytes.fromhex(text) for text in sys.argv[4:]]
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((name, 0))
for number in range(count):
    for frame in frames:
        s.send(frame)
    if pause:
        time.sleep(pause)
"""


def send(lab: Lab, interface: str, *frames: bytes, count: int = 1, pause: float = 0.0) -> None:
    """Send frames as they are, `count` times, so many seconds apart."""
    lab.run(sys.executable, "-c", SEND, interface, str(count), str(pause), *(frame.hex() for frame in frames))


TALK = """
import socket, sys, time
port, words, clients = int(sys.argv[1]), bytes.fromhex(sys.argv[2]), int(sys.argv[3])
open_ones = []
for attempt in range(600):
    try:
        open_ones.append(socket.create_connection(("127.0.0.1", port), 5))
    except ConnectionRefusedError:
        time.sleep(0.05)
    if len(open_ones) == clients:
        break
for one in open_ones:
    one.sendall(words)
for one in open_ones:
    assert one.recv(1000)
time.sleep(0.3)         # long enough for somebody to look who they are, on a busy machine, too
for one in open_ones:
    one.close()
"""


def talk(lab: Lab, port: int, words: bytes, *, clients: int = 1) -> None:
    """Some clients at once send these words and read an answer, once somebody listens."""
    lab.run(sys.executable, "-c", TALK, str(port), words.hex(), str(clients))
