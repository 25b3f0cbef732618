"""`sniff analyze` from outside: rows, inputs that cannot be read, pipes that close, Ctrl-C."""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

NEVERSSL = Path(__file__).parents[2] / "captures" / "neverssl.pcap"
ROWS = """\
1	0.000000	192.168.1.2	8.8.8.8	DNS	89	Standard query 0x8e28 A kfdlbcnsmrthvxwz.neverssl.com
2	0.074903	8.8.8.8	192.168.1.2	DNS	153	Standard query response 0x8e28 A kfdlbcnsmrthvxwz.neverssl.com \
A 13.33.47.133 A 13.33.47.80 A 13.33.47.26 A 13.33.47.241
6	0.107518	192.168.1.2	13.33.47.133	HTTP	478	GET /online HTTP/1.1\x20
10	0.137736	13.33.47.133	192.168.1.2	HTTP	71	HTTP/1.1 200 OK  (text/html)
"""


@pytest.fixture
def analyze(sniff_command):
    """Run `sniff analyze` with these arguments."""
    def run(*arguments, **more):
        options = {"capture_output": True, "text": "input" not in more, "timeout": 100} | more
        return subprocess.run([*sniff_command, "analyze", *map(str, arguments)], check=False, **options)
    return run


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A capture of several batches, with more rows than a pipe holds. Its packets are large, so that a batch has few."""
    path = tmp_path_factory.mktemp("large") / "large.pcap"
    data = NEVERSSL.read_bytes()
    record = data[24:32] + struct.pack("<II", 3000, 3000) + data[40:129] + bytes(3000 - 89)
    path.write_bytes(data[:24] + record * 10_000)
    return path


@pytest.mark.parametrize("arguments", [["--format", "tabs"], []])
def test_the_rows_of_the_mission(analyze, arguments):
    done = analyze(NEVERSSL, *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (0, ROWS, "")


def test_every_packet(analyze):
    done = analyze(NEVERSSL, "--packets")
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == [*"123456789", "10"]
    assert set(ROWS.splitlines()) <= set(done.stdout.splitlines())


def test_standard_input(analyze):
    done = analyze("-", input=NEVERSSL.read_bytes())
    assert (done.returncode, done.stdout.decode(), done.stderr) == (0, ROWS, b"")


@pytest.mark.parametrize(("suffix", "first", "count"), [(".tabs", "1\t0.0", 4), (".jsonl", '{"frame', 2), ("", "1\t0.0", 4)])
def test_a_file_to_write_to(analyze, tmp_path, suffix, first, count):
    path = tmp_path / f"rows{suffix}"
    done = analyze(NEVERSSL, "-o", path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert path.read_text().startswith(first) and path.read_text().count("\n") == count


def test_json_lines_of_exchanges(analyze):
    dns, http = map(json.loads, analyze(NEVERSSL, "--format", "jsonl").stdout.splitlines())
    assert (dns["dns.qry.name"], dns["dns.time"], len(dns["dns.a"])) == ("kfdlbcnsmrthvxwz.neverssl.com", 0.074903, 4)
    assert (http["http.request.full_uri"], http["http.response.code"]) == ("http://kfdlbcnsmrthvxwz.neverssl.com/online", 200)
    assert http["sniff.phases"]["dns"] == dns["dns.time"]


def test_json_lines_of_packets(analyze):
    packets = list(map(json.loads, analyze(NEVERSSL, "--packets", "--format", "jsonl").stdout.splitlines()))
    assert [packet["frame.number"] for packet in packets] == list(range(1, 11))
    assert packets[5]["_ws.col.Protocol"] == "HTTP" and packets[5]["tcp.stream"] == 0


# --- inputs -------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("make", "words"), [
    (lambda path: None, "no such file"),
    (lambda path: path.mkdir(), "is a folder"),
    (lambda path: path.write_text("GET / HTTP/1.1\n" * 9), "is no capture file"),
    (lambda path: path.write_bytes(b""), "is empty"),
    (lambda path: path.write_bytes(NEVERSSL.read_bytes()[:20]), "cut off"),
])
def test_what_is_no_capture_is_one_line_and_status_1(analyze, tmp_path, make, words):
    path = tmp_path / "input"
    make(path)
    done = analyze(path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"sniff: {path}: ") and words in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("form", ["tabs", "table", "jsonl"])
def test_a_cut_capture_shows_what_there_is(analyze, tmp_path, form):
    path = tmp_path / "cut.pcap"
    path.write_bytes(NEVERSSL.read_bytes()[:-3])
    done = analyze(path, "--format", form)
    assert done.returncode == 1 and "kfdlbcn" in done.stdout and "/o" in done.stdout
    assert done.stderr.startswith(f"sniff: {path}: ") and done.stderr.count("\n") == 1


def test_no_permission_is_one_line(tmp_path):
    """As another user when the tests run as root, who may read everything."""
    path = tmp_path / "secret.pcap"
    path.write_bytes(NEVERSSL.read_bytes())
    path.chmod(0)
    code = ("import os, sys; from sniff.__main__ import main\n"
            "main(['analyze', sys.argv[1], '-o', os.devnull])\n"    # import all there is while it can be read
            "if os.geteuid() == 0: os.seteuid(65534)\n"
            "sys.exit(main(['analyze', sys.argv[2]]))")
    done = subprocess.run([sys.executable, "-c", code, NEVERSSL, path], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "permission" in done.stderr and done.stderr.count("\n") == 1


def test_a_name_cannot_write_to_the_terminal(analyze, tmp_path):
    done = analyze(tmp_path / "a\x1b[31m\nb\x9b")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert all(char.isprintable() for char in done.stderr.rstrip("\n"))


def test_the_capture_is_never_written_over(analyze, tmp_path):
    path = tmp_path / "a.pcap"
    path.write_bytes(NEVERSSL.read_bytes())
    (tmp_path / "link").symlink_to(path)
    done = analyze(path, "-o", tmp_path / "link")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert path.read_bytes() == NEVERSSL.read_bytes()


def test_a_place_that_cannot_be_written_is_one_line(analyze, tmp_path):
    done = analyze(NEVERSSL, "-o", tmp_path / "nowhere" / "rows")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert not analyze(tmp_path / "missing", "-o", tmp_path / "rows").stdout
    assert not (tmp_path / "rows").exists()    # nothing is made before the input was opened


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("form", ["tabs", "table", "jsonl"])
def test_a_full_disk_is_one_line(sniff_command, form):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*sniff_command, "analyze", NEVERSSL, "--format", form], stdout=full, stderr=subprocess.PIPE,
                              text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "sniff: standard output: cannot be written: No space left on device\n")


# --- pipes and signals --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("form", ["tabs", "table", "jsonl"])
def test_a_reader_that_leaves_is_no_error(sniff_command, large, form):
    process = subprocess.Popen([*sniff_command, "analyze", large, "--packets", "--format", form], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    assert process.stdout.read(100)
    process.stdout.close()
    assert (process.wait(60), process.stderr.read()) == (0, b"")
    process.stderr.close()


def test_a_reader_that_was_never_there_is_no_error(sniff_command):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*sniff_command, "analyze", NEVERSSL], stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def test_interrupt_ends_it_at_once_without_a_word(sniff_command, large):
    process = subprocess.Popen([*sniff_command, "analyze", large, "--packets"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.read(10)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (130, b"")


def test_rows_of_a_pipe_come_as_they_come_and_interrupt_is_its_end(sniff_command):
    data = NEVERSSL.read_bytes()
    process = subprocess.Popen([*sniff_command, "analyze", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    process.stdin.write(data[:24 + 16 + 89])
    process.stdin.flush()
    assert process.stdout.readline().startswith(b"1\t0.000000")    # though the pipe is still open
    process.stdin.write(data[24 + 16 + 89:24 + 2 * 16 + 89 + 153])
    process.stdin.flush()
    assert process.stdout.readline().startswith(b"2\t0.074903")
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=30)
    assert (process.returncode, rest, errors) == (0, b"", b"")


def test_follow_shows_what_is_added_and_ends_in_order(sniff_command, tmp_path):
    data = NEVERSSL.read_bytes()
    path = tmp_path / "growing.pcap"
    path.write_bytes(data[:24 + 16 + 89])
    process = subprocess.Popen([*sniff_command, "analyze", path, "--follow", "--format", "table"], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline().split()[0] == "No."
    assert process.stdout.readline().split()[0] == "1"
    with path.open("ab") as file:
        file.write(data[24 + 16 + 89:])
    assert [process.stdout.readline().split()[0] for _ in range(3)] == ["2", "6", "10"]
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")
    assert rest.splitlines()[-2].startswith("10 packets · ")


# --- at a terminal ------------------------------------------------------------------------------------------------------

def at_terminal(command, columns=100, **more):
    """Run a command at a terminal of its own; (exit status, what the terminal got)."""
    primary, secondary = pty.openpty()
    fcntl.ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    streams = {"stdin": secondary, "stdout": secondary, "stderr": secondary} | more
    process = subprocess.Popen(command, **streams, env=environment, start_new_session=True)
    os.close(secondary)
    got = b""
    while process.poll() is None or select.select([primary], [], [], 0)[0]:
        if select.select([primary], [], [], 0.1)[0]:
            try:
                got += os.read(primary, 65536)
            except OSError:    # the other end is closed
                break
    os.close(primary)
    return process.wait(30), got.decode()


def test_a_terminal_gets_a_coloured_table_and_a_summary(sniff_command):
    status, text = at_terminal([*sniff_command, "analyze", str(NEVERSSL)])
    lines = text.splitlines()
    assert status == 0 and len(lines) == 8
    assert all("\x1b[38;2;" in line and line.endswith("\x1b[0m") for line in lines[1:5])
    assert lines[6].startswith("10 packets · ") and lines[7] == (
        "1 DNS query · 1 HTTP request · slowest 30.2 ms: GET http://kfdlbcnsmrthvxwz.neverssl.com/online (packet 6)")


def test_a_terminal_as_standard_input_is_refused(sniff_command):
    status, text = at_terminal([*sniff_command, "analyze", "-"])
    assert (status, text.count("\n")) == (2, 1) and text.startswith("sniff: standard input is a terminal")


def test_progress_is_not_shown_when_it_is_over_at_once(sniff_command):
    assert at_terminal([*sniff_command, "analyze", str(NEVERSSL)], stdout=subprocess.DEVNULL) == (0, "")


def test_progress_is_shown_when_it_takes_long_and_leaves_nothing_behind(sniff_command):
    code = ("from sniff.cli import progress\n"
            "progress.PATIENCE_S = progress.INTERVAL_S = 0\n"
            "bar = progress.Progress(4_000_000)\n"
            "bar.tick(1_000_000); bar.tick(3_000_000); bar.hide()\n"
            "progress.Progress(-1).tick(5)\n")
    status, text = at_terminal([sys.executable, "-c", code], stdout=subprocess.DEVNULL)
    assert status == 0 and "1.0/4.0 MB" in text and "3.0/4.0 MB" in text
    assert text.endswith("\x1b[2K")    # the line is wiped


def test_progress_is_for_terminals(sniff_command):
    code = ("from sniff.cli import progress\n"
            "progress.PATIENCE_S = progress.INTERVAL_S = 0\n"
            "progress.Progress(4_000_000).tick(1_000_000)\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
