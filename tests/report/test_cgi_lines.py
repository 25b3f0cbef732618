"""JSON lines of requests between a web server and an application."""

import json
import subprocess
from pathlib import Path

from sniff.decode.cgi import CgiFlag, CgiRequest
from sniff.report.cgi_lines import cgi_line

FASTCGI = Path(__file__).parents[2] / "captures" / "nginx-fastcgi.pcapng"


def test_what_nginx_asked_fcgiwrap(sniff_command):
    done = subprocess.run([*sniff_command, "analyze", FASTCGI, "--format", "jsonl"], check=True, capture_output=True, text=True)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    first, second, third = [line for line in lines if "sniff.cgi.protocol" in line]
    assert (first["sniff.cgi.method"], first["sniff.cgi.full_uri"]) == ("GET", "http://127.0.0.1/hello.cgi?x=1")
    assert (first["sniff.cgi.status"], first["sniff.cgi.role"], first["sniff.cgi.app_status"]) == (200, "responder", 0)
    assert second["sniff.cgi.variables"]["CONTENT_TYPE"] == "application/x-www-form-urlencoded"
    assert (second["sniff.cgi.status"], second["sniff.cgi.stderr"]) == (201, "the script was here\n")
    assert second["sniff.cgi.request"]["bytes"] == len("name=") + 3 * len("евпатий".encode())
    assert (third["sniff.cgi.status"], third["sniff.cgi.uri"]) == (403, "/nothing.cgi")
    assert len([line for line in lines if "http.request.method" in line]) == 3


def test_secrets_are_masked():
    request = CgiRequest("scgi", 3, variables=[(b"HTTP_AUTHORIZATION", b"Bearer abc"), (b"HTTP_COOKIE", b"id=abc"), (b"A", b"\xff")],
                         flags=CgiFlag.GAP | CgiFlag.UNFINISHED, first_packet=9)
    request.request.add(b"password=abc")
    line = cgi_line(request)
    assert line.isascii()
    assert "abc" not in line
    made = json.loads(line)
    assert (made["frame.number"], made["tcp.stream"], made["sniff.cgi.flags"]) == (9, 3, ["unfinished", "gap"])
    assert made["sniff.cgi.variables"]["A"] == "\\xff"
    assert "sniff.cgi.status" not in made
    assert "password=abc" in cgi_line(request, secrets=True)
