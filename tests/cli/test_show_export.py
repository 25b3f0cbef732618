"""`sniff show` and `sniff export` from outside."""

import gzip
import json
import struct
import subprocess

import pytest

from tests import wire
from tests.decode.test_bodies import chunked, frames_of, response
from tests.exchange.test_http2_exchanges import Talk

PAGE = b"<html>\n" + b"<p>text</p>\n" * 300 + b"</html>\n"
TALK = [(0, b"GET /page HTTP/1.1\r\nHost: test.example\r\nCookie: id=7\r\n\r\n"),
        chunked(gzip.compress(PAGE), 50, b"Content-Type: text/html\r\nContent-Encoding: gzip\r\n"),
        (0, b"POST /form HTTP/1.1\r\nHost: test.example\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 43\r\n\r\n"
            b"name=%D0%B5%D0%B2%D0%BF%D0%B0%D1%82%D0%B8%D0%B9"[:400]),
        response(b'{"ok":true}', b"Content-Type: application/json\r\n")]
TALK[2] = (0, TALK[2][1].replace(b"Content-Length: 43", b"Content-Length: 47"))


def pcap(path, frames):
    """A capture file."""
    data = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    for number, frame in enumerate(frames):
        data += struct.pack("<IIII", 1_700_000_000, number * 1000, len(frame), len(frame)) + frame
    path.write_bytes(data)
    return str(path)


@pytest.fixture
def talk(tmp_path):
    return pcap(tmp_path / "talk.pcap", frames_of(TALK, 1000))


@pytest.fixture
def run(sniff_command):
    def call(*arguments):
        return subprocess.run([*sniff_command, *map(str, arguments)], capture_output=True, timeout=60)
    return call


def test_show_a_response(run, talk):
    done = run("show", talk, 5)
    assert (done.returncode, done.stderr) == (0, b"")
    head, _, body = done.stdout.partition(b"\n\n")
    assert head.splitlines() == [b"HTTP/1.1 200 OK", b"Transfer-Encoding: chunked", b"Content-Type: text/html", b"Content-Encoding: gzip"]
    assert body == PAGE


def test_show_raw(run, talk):
    assert run("show", talk, 5, "--raw").stdout == TALK[1][1]
    assert run("show", talk, 6, "--raw", "--exchange").stdout == TALK[2][1] + TALK[3][1]


def test_show_an_exchange(run, talk):
    done = run("show", talk, "--exchange", 7)
    assert done.stdout.decode().splitlines() == [
        "POST /form HTTP/1.1", "Host: test.example", "Content-Type: application/x-www-form-urlencoded", "Content-Length: 47", "",
        "name=евпатий", "", "HTTP/1.1 200 OK", "Content-Length: 11", "Content-Type: application/json", "", "{", '  "ok": true', "}"]


def test_show_masks_cookies_unless_asked(run, talk):
    assert b"Cookie: id=***\n" in run("show", talk, 4).stdout
    assert b"Cookie: id=7\n" in run("show", talk, 4, "--secrets").stdout


@pytest.fixture
def two(tmp_path):
    """Two streams of HTTP/2 in one connection; packet 6 to 9 are requests and responses."""
    talk = Talk()
    talk.ask(1, "/one?token=n0tForYou")
    talk.ask(3, "/two", ("cookie", "id=7"), method="POST", body=b"question")
    talk.say(1, 3, [(":status", "200"), ("content-type", "application/json"), ("content-encoding", "gzip")], gzip.compress(b'{"a":1}'))
    talk.say(1, 1, [(":status", "404")])
    return pcap(tmp_path / "two.pcap", [*talk.frames, *talk.tcp.close()])


def test_show_http2(run, two):
    shown = run("show", two, 6).stdout.decode()
    assert shown.splitlines()[0] == "GET /one?token=*** HTTP/2" and "n0tForYou" not in shown
    assert ":path: /one?token=n0tForYou" in run("show", two, 6, "--secrets").stdout.decode()
    done = run("show", two, 8, "--exchange")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().splitlines() == [
        "POST /two HTTP/2", ":method: POST", ":scheme: https", ":authority: two.test", ":path: /two", "cookie: id=***", "", "question", "",
        "HTTP/2 200", ":status: 200", "content-type: application/json", "content-encoding: gzip", "", "{", '  "a": 1', "}"]
    raw = run("show", two, 8, "--raw")
    assert raw.returncode == 2 and raw.stderr.startswith(b"sniff: HTTP/2 sends the frames of its messages among those of others")
    assert run("show", two, 5).stderr == b"sniff: no HTTP message is in packet 5: it is part of tcp.stream 0\n"


@pytest.mark.parametrize(("number", "line"), [
    (1, b"no HTTP message is in packet 1: it is part of tcp.stream 0"), (99, b"there is no packet 99; the last one is number 10")])
def test_show_what_is_not_there(run, talk, number, line):
    done = run("show", talk, number)
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr == b"sniff: " + line + b"\n"


def test_show_says_what_is_missing(run, tmp_path):
    path = pcap(tmp_path / "hole.pcap", frames_of([TALK[0], response(PAGE, b"Content-Type: text/html\r\n")], 1000, lost=(2,)))
    done = run("show", path, 5, "--exchange")
    assert b"\n[1,000 bytes were not captured]\n" in done.stdout
    assert b"1,000 bytes of it were not captured" in done.stderr


def test_export(run, talk, tmp_path):
    done = run("export", talk, "--objects", tmp_path / "out")
    assert (done.returncode, done.stdout) == (0, b"")
    entries = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert [entry["file"] for entry in entries] == ["page.html", "request-form.txt", "form.json"]
    assert (tmp_path / "out" / "page.html").read_bytes() == PAGE
    again = run("export", talk, "--objects", tmp_path / "out")
    assert again.returncode == 1 and again.stderr.count(b"\n") == 1
    assert run("export", talk).returncode == 2


def test_export_http2(run, two, tmp_path):
    done = run("export", two, "--objects", tmp_path / "out")
    assert (done.returncode, done.stderr) == (0, f"sniff: 2 objects, 15 bytes, in {tmp_path / 'out'}\n".encode())
    entries = json.loads((tmp_path / "out/manifest.json").read_text())
    bodies = {(tmp_path / "out" / entry["file"]).read_bytes(): entry["url"] for entry in entries}
    assert bodies == {b"question": "https://two.test/two", b'{"a":1}': "https://two.test/two"}


def test_several_streams_do_not_mix(run, tmp_path):
    one, two = wire.Tcp(40_001), wire.Tcp(40_002)
    frames = [*one.open(), *two.open()]
    frames += [tcp.frame(0, b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number, wire.ACK) for number, tcp in enumerate((one, two))]
    frames += [tcp.frame(1, response(b"answer %d\n" % number)[1], wire.ACK) for number, tcp in enumerate((one, two))]
    path = pcap(tmp_path / "two.pcap", frames)
    assert run("show", path, 9).stdout.endswith(b"answer 0\n")
    assert run("show", path, 10, "-e").stdout.splitlines()[0] == b"GET /1 HTTP/1.1"
