"""The programs that one writes to learn how networks work, each run for real and watched live: what the live run shows is what
`sniff analyze` shows of the file it wrote, and it is what happened.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from captures import record
from tests.live.lab import PATIENCE_S, Lab, Live, talk

pytestmark = pytest.mark.live

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "captures" / "programs.py"
SEARCH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
UPSTREAMS = "tcp port 8080 or tcp port 8001 or tcp port 9000 or tcp port 4000 or tcp port 3031"
NAME = "евпатий"
FORM = "name=%D0%B5%D0%B2%D0%BF%D0%B0%D1%82%D0%B8%D0%B9"


def tool(name: str) -> str:
    """Where a program is. The test is skipped where it is not installed, which CI does not allow."""
    path = shutil.which(name, path=SEARCH)
    if path is None:
        pytest.skip(f"{name} is not installed: scripts/install_tools.sh test")
    return path


@contextlib.contextmanager
def running(lab: Lab, *command: object, port: int, words: dict[str, str] | None = None) -> Iterator[int]:
    """A program, from when it listens on `port` until the block ends; its process number."""
    process = lab.start(*map(str, command), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                        env=os.environ | (words or {}))
    try:
        lab.run("bash", "-c", f"until (: > /dev/tcp/127.0.0.1/{port}) 2>/dev/null; do sleep 0.02; done")
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()


@contextlib.contextmanager
def gateway(lab: Lab, folder: Path) -> Iterator[int]:
    """nginx in front of everything else."""
    (folder / "site").mkdir()
    (folder / "site" / "page.html").write_text("<p>hello</p>\n")
    (folder / "cgi").mkdir()
    script = folder / "cgi" / "hello.cgi"
    script.write_text(record.SCRIPT)
    script.chmod(0o755)
    for path in (folder, *folder.parents[:2]):
        path.chmod(0o755)
    (folder / "gateway.conf").write_text(record.GATEWAY.format(folder=folder))
    with running(lab, tool("nginx"), "-c", folder / "gateway.conf", port=8080) as number:
        yield number


@pytest.fixture
def watch(lab: Lab, sniff_command: list[str], tmp_path: Path) -> Iterator[object]:
    """Start `sniff live --process` on loopback with this filter, and with these arguments."""
    runs = []

    def start(expression: str, *arguments: str) -> Live:
        run = Live(lab, sniff_command, "-i", "lo", "--process", "-w", tmp_path / "out.pcapng", *arguments, expression)
        runs.append(run)
        return run
    yield start
    for run in runs:
        if run.process.poll() is None:
            run.process.kill()
            run.process.communicate()


@pytest.fixture
def same_as_file(sniff_command: list[str], tmp_path: Path):
    """End a live run; its rows are those of the file."""
    def check(run: Live, *arguments: str) -> list[str]:
        assert run.finish() == 0, run.words
        assert " 0 dropped" in run.words
        done = subprocess.run([*sniff_command, "analyze", tmp_path / "out.pcapng", "--process", *arguments], check=True,
                              capture_output=True, timeout=PATIENCE_S)
        assert run.rows == done.stdout
        return run.rows.decode().splitlines()
    return check


def curl(lab: Lab, *arguments: str) -> str:
    """What curl prints."""
    return lab.run(tool("curl"), "--silent", "--max-time", "20", *arguments).stdout


def info(rows: list[str]) -> list[str]:
    """The Info cells."""
    return [row.split("\t")[6] for row in rows]


def ends(rows: list[str]) -> list[tuple[str, str]]:
    """Who talks to whom, by name, without marks and numbers; empty where nobody is known."""
    pairs = []
    for row in rows:
        one, _, other = row.split("\t")[7].partition("→")
        pairs.append((re.sub(r"[~?]|\[.*", "", one.strip()), re.sub(r"[~?]|\[.*", "", other.strip())))
    return pairs


def test_server_and_clients_on_sockets(lab: Lab, watch, same_as_file):
    with running(lab, sys.executable, PROGRAMS, "echo", "50007", port=50007) as server:
        run = watch("port 50007", "--format", "tabs", "--packets")
        talk(lab, 50007, b"first line\n", clients=2)
        run.until(b"FIN")
        rows = same_as_file(run, "--format", "tabs", "--packets")
    assert len({row.split("\t")[6].split()[0] for row in rows if "[SYN]" in row}) == 2      # two ports
    assert sum("Len=11" in row for row in rows) == 4
    assert any(re.search(rf"→ ~?python\d*(\.\d+)?\[{server}\]$", row) for row in rows), rows


def test_http_server_of_python(lab: Lab, watch, same_as_file, tmp_path):
    (tmp_path / "page.txt").write_text("hello\n")
    with running(lab, sys.executable, "-m", "http.server", "8020", "--bind", "127.0.0.1", "--directory", tmp_path, port=8020):
        run = watch("port 8020", "--format", "tabs")
        assert curl(lab, "http://127.0.0.1:8020/page.txt") == "hello\n"
        curl(lab, "--head", "http://127.0.0.1:8020/nothing")
        run.until(b"404")
        rows = same_as_file(run, "--format", "tabs")
    assert info(rows) == ["GET /page.txt HTTP/1.1 ", "HTTP/1.0 200 OK  (text/plain)", "HEAD /nothing HTTP/1.1 ",
                          "HTTP/1.0 404 File not found "]


def test_selectors_server(lab: Lab, watch, same_as_file):
    with running(lab, sys.executable, PROGRAMS, "events", "8021", port=8021):
        run = watch("port 8021", "--format", "tabs")
        assert [curl(lab, f"http://127.0.0.1:8021/{path}") for path in ("one", "two")] == [
            "you asked for /one\n", "you asked for /two\n"]
        run.until(b"GET /two")
        rows = same_as_file(run, "--format", "tabs")
    assert info(rows) == ["GET /one HTTP/1.1 ", "HTTP/1.1 200 OK  (text/plain)", "GET /two HTTP/1.1 ",
                          "HTTP/1.1 200 OK  (text/plain)"]


def test_nginx_serves_files(lab: Lab, watch, same_as_file, tmp_path):
    with gateway(lab, tmp_path):
        run = watch(UPSTREAMS, "--format", "tabs")
        assert curl(lab, "http://127.0.0.1:8080/files/page.html") == "<p>hello</p>\n"
        curl(lab, "http://127.0.0.1:8080/files/nothing.html")
        run.until(b"404")
        rows = same_as_file(run, "--format", "tabs")
    assert info(rows) == ["GET /files/page.html HTTP/1.1 ", "HTTP/1.1 200 OK  (text/html)",
                          "GET /files/nothing.html HTTP/1.1 ", "HTTP/1.1 404 Not Found  (text/html)"]
    assert {server for _client, server in ends(rows)[::2]} <= {"nginx", ""}


def gunicorn(lab: Lab, port: int, *arguments: str):
    """gunicorn with the small Werkzeug application."""
    pytest.importorskip("gunicorn")
    pytest.importorskip("werkzeug")
    command = [str(PROGRAMS.parent) if word == "captures" else word for word in record.GUNICORN[1:]]
    return running(lab, sys.executable, *command, "--bind", f"127.0.0.1:{port}", *arguments, port=port,
                   words={"PYTHONSAFEPATH": ""})


def test_nginx_before_gunicorn(lab: Lab, watch, same_as_file, sniff_command, tmp_path):
    with gunicorn(lab, 8001, "--workers", "2") as master, gateway(lab, tmp_path):
        run = watch(UPSTREAMS, "--format", "tabs")
        url = "http://127.0.0.1:8080/app"
        assert curl(lab, f"{url}/bigdata", "--data-urlencode", f"name={NAME}") == f"hello, {NAME}\n"
        said = lab.run("bash", "-c", f"for i in 1 2; do curl -s --cookie name=big '{url}/numbers?slow=1' & done; wait").stdout
        assert said.count('"cookies": ["name"]') == 2
        run.until(b"numbers")
        rows = same_as_file(run, "--format", "tabs")
        workers = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    assert [words for words in info(rows) if "bigdata" in words] == [
        "POST /app/bigdata HTTP/1.1  (application/x-www-form-urlencoded)",
        "POST /bigdata HTTP/1.0  (application/x-www-form-urlencoded)"]
    assert sum("JavaScript Object Notation" in words for words in info(rows)) == 4
    # Two requests at once, each for a while: both workers answered, and it can be seen which one answered which.
    flows = subprocess.run([*sniff_command, "analyze", tmp_path / "out.pcapng", "--process", "--flows", "--format", "jsonl"], check=True,
                           capture_output=True, text=True, timeout=PATIENCE_S).stdout
    answered = [flow for flow in map(json.loads, flows.splitlines()) if flow["server_port"] == 8001]
    first = min(answered, key=lambda flow: flow["stream"])
    assert len(workers) == 2
    assert sorted(str(flow["server_process"]["pid"]) for flow in answered if flow is not first) == sorted(workers), rows


def cgi_lines(lines: list[str], protocol: str) -> list[dict[str, object]]:
    """The requests between nginx and an application."""
    return [made for made in map(json.loads, lines) if made.get("sniff.cgi.protocol") == protocol]


def test_cgi_and_fastcgi(lab: Lab, watch, same_as_file, tmp_path):
    with running(lab, tool("fcgiwrap"), "-f", "-s", "tcp:127.0.0.1:9000", port=9000), gateway(lab, tmp_path):
        run = watch(UPSTREAMS, "--format", "jsonl")
        assert curl(lab, "http://127.0.0.1:8080/hello.cgi?x=1") == "GET /hello.cgi?x=1 from 127.0.0.1\n"
        curl(lab, "http://127.0.0.1:8080/hello.cgi", "--data-urlencode", f"name={NAME}")
        run.until(b'"http.response.code":201')
        lines = same_as_file(run, "--format", "jsonl")
    get, post = cgi_lines(lines, "fastcgi")
    assert (get["sniff.cgi.method"], get["sniff.cgi.uri"], get["sniff.cgi.status"]) == ("GET", "/hello.cgi?x=1", 200)
    assert get["sniff.cgi.variables"]["QUERY_STRING"] == "x=1"
    assert get["sniff.cgi.variables"]["SCRIPT_FILENAME"] == f"{tmp_path}/cgi/hello.cgi"
    assert (post["sniff.cgi.status"], post["sniff.cgi.request"]["bytes"]) == (201, len(FORM))
    assert (post["sniff.cgi.stderr"], post["sniff.cgi.app_status"]) == ("the script was here\n", 0)
    assert post["tcp.dstport"] == 9000
    assert [json.loads(line)["http.response.code"] for line in lines if "http.response.code" in line] == [200, 201]


def test_scgi(lab: Lab, watch, same_as_file, tmp_path):
    with running(lab, sys.executable, PROGRAMS, "scgi", "4000", port=4000), gateway(lab, tmp_path):
        run = watch(UPSTREAMS, "--format", "jsonl")
        assert curl(lab, "http://127.0.0.1:8080/scgi/form", "--data-urlencode", f"name={NAME}") == f"POST /scgi/form\n{FORM}"
        run.until(b'"http.response.code":200')
        lines = same_as_file(run, "--format", "jsonl")
    [request] = cgi_lines(lines, "scgi")
    assert (request["sniff.cgi.method"], request["sniff.cgi.uri"], request["sniff.cgi.status"]) == ("POST", "/scgi/form", 200)
    assert request["sniff.cgi.variables"]["CONTENT_TYPE"] == "application/x-www-form-urlencoded"
    assert request["sniff.cgi.response"]["bytes"] == len(f"POST /scgi/form\n{FORM}")


def test_uwsgi(lab: Lab, watch, same_as_file, tmp_path):
    with gunicorn(lab, 3031, "--protocol", "uwsgi"), gateway(lab, tmp_path):
        run = watch(UPSTREAMS, "--format", "jsonl")
        assert curl(lab, "http://127.0.0.1:8080/uwsgi/bigdata", "--data-urlencode", f"name={NAME}") == f"hello, {NAME}\n"
        run.until(b'"http.response.code":200')
        lines = same_as_file(run, "--format", "jsonl")
    [request] = cgi_lines(lines, "uwsgi")
    assert (request["sniff.cgi.method"], request["sniff.cgi.status"]) == ("POST", 200)
    assert request["sniff.cgi.variables"]["PATH_INFO"] == "/bigdata"
    assert request["sniff.cgi.request"]["bytes"] == len(FORM)


def test_a_name_first_then_the_address(lab: Lab, watch, same_as_file, sniff_command, tmp_path):
    dnsmasq = [tool("dnsmasq"), "--no-daemon", "--user=root", "--no-resolv", "--no-hosts", "--bind-interfaces",
               "--listen-address=127.0.0.1", "--address=/ip.lab.test/127.0.0.1", "--local=/test/"]
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    resolver = os.path.realpath("/etc/resolv.conf")
    with running(lab, sys.executable, PROGRAMS, "address", "8022", port=8022), running(lab, *dnsmasq, port=53):
        lab.run("mount", "--bind", tmp_path / "resolv.conf", resolver)
        try:
            run = watch("port 53 or port 8022", "--format", "tabs")
            said = curl(lab, "--ipv4", "--include", "http://ip.lab.test:8022/")
            run.until(b"200 OK")
        finally:
            lab.run("umount", resolver)
        rows = same_as_file(run, "--format", "tabs")
    assert said.splitlines()[-1] == "127.0.0.1"
    words = info(rows)
    assert re.fullmatch(r"Standard query 0x[0-9a-f]{4} A ip\.lab\.test", words[0])
    assert words[1].endswith("A ip.lab.test A 127.0.0.1")
    assert words[2:] == ["GET / HTTP/1.1 ", "HTTP/1.1 200 OK  (text/plain)"]
    # The file remembers the name, and shows the answer as curl -i does.
    shown = subprocess.run([*sniff_command, "show", tmp_path / "out.pcapng", rows[3].split("\t")[0]], check=True,
                           capture_output=True, text=True, timeout=PATIENCE_S).stdout
    assert shown.replace("\r", "").splitlines()[0] == said.replace("\r", "").splitlines()[0] == "HTTP/1.1 200 OK"
    assert shown.rstrip().endswith("127.0.0.1")
    assert b"ip.lab.test\0" in (tmp_path / "out.pcapng").read_bytes().rpartition(b"\4\0\0\0")[2]
