"""The report as a file: what it consists of, what is not in it, and the command that writes it."""

import base64
import gzip
import hashlib
import json
import os
import re
import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest
from hpack import Encoder

import sniff
from sniff.errors import UsageError
from sniff.reports import Options, make_report
from tests import wire
from tests.conftest import ROOT
from tests.report import html_captures as captures

PASSWORDS = {"basic": "tr0ub4dor&3", "form": "correct horse", "json": "hunter2hunter2", "multipart": "battery-staple-9",
             "url": "urlpassw0rd", "unicode": "pässwörter"}
TOKENS = {"bearer": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N", "query": "q9q8q7q6q5", "key": "AKIA_0123_zz",
          "cookie": "c00k1e5e55i0n1d", "set": "5e7c00k1e-value", "csrf": "csrf-aa11bb22"}


def secrets_capture(path: Path) -> Path:
    """Every way in which a client tells a secret, and servers that repeat it elsewhere."""
    user = base64.b64encode(f"alice:{PASSWORDS['basic']}".encode())
    echo = " ".join([*PASSWORDS.values(), *TOKENS.values()]).encode()
    form = f"user=alice&password={quote(PASSWORDS['form'])}&again_password={quote(PASSWORDS['unicode'])}".encode()
    boundary = b'--xx\r\nContent-Disposition: form-data; name="password"\r\n\r\n' + PASSWORDS["multipart"].encode() + b"\r\n--xx--\r\n"
    login = json.dumps({"user": "alice", "password": PASSWORDS["json"], "deep": {"tokens": [TOKENS["csrf"]]}}).encode()
    page = b"<p>" + echo + b'</p><input name="csrf_token" value="' + TOKENS["csrf"].encode() + b'">'
    packed = gzip.compress(page, mtime=0)
    asked = captures.request
    conversations = [
        (asked(b"/basic", b"Authorization: Basic " + user + b"\r\n"), captures.response(page)),
        (asked(b"/bearer", b"Authorization: Bearer " + TOKENS["bearer"].encode() + b"\r\nX-Api-Key: " + TOKENS["key"].encode() + b"\r\n"),
         captures.response(packed, fields=b"Content-Encoding: gzip\r\n")),
        (asked(b"/query?a=1&access_token=" + TOKENS["query"].encode(), b"Cookie: a=b; sid=" + TOKENS["cookie"].encode() + b"\r\n"),
         captures.response(b"\0\1\2" + echo + b"\xff\xfe", b"application/octet-stream",
                           fields=b"Set-Cookie: sess=" + TOKENS["set"].encode() + b"; Path=/; HttpOnly\r\n")),
        (asked(b"/login", b"Content-Type: application/x-www-form-urlencoded\r\n", form, b"POST"),
         captures.response(b"", status=b"302 Found", fields=b"Location: /in?token=" + TOKENS["query"].encode() + b"\r\n")),
        (asked(b"/upload", b"Content-Type: multipart/form-data; boundary=xx\r\n", boundary, b"POST"),
         captures.response(echo, b"text/plain")),
        (asked(b"/json", b"Content-Type: application/json\r\n", login, b"POST"),
         captures.response(b'{"token":"' + TOKENS["csrf"].encode() + b'"}', b"application/json")),
        (asked(b"http://bob:" + PASSWORDS["url"].encode() + b"@shop.test/", b"Referer: http://bob:" + PASSWORDS["url"].encode()
               + b"@shop.test/?token=" + TOKENS["query"].encode() + b"\r\n"), captures.response(echo, b"text/css", b"500 Oh")),
        (asked(b"/later/" + TOKENS["cookie"].encode()), captures.response(page)),
    ]
    frames = [frame for number, (one, other) in enumerate(conversations) for frame in captures.exchange(one, other, 40_000 + number)]
    return captures.pcapng(path, frames, comment=b"login with password=" + PASSWORDS["form"].encode())


def page_of(path: Path, **options: object) -> bytes:
    page, _ = make_report([path], Options(**options))  # type: ignore[arg-type]
    return b"".join(page.one_file())


def variants(secret: str) -> set[str]:
    """How a secret may be written."""
    return {secret, quote(secret), quote(secret, safe=""), secret.replace(" ", "+"), json.dumps(secret)[1:-1],
            secret.encode().decode("latin-1"), base64.b64encode(f"alice:{secret}".encode()).decode(), secret.encode().hex(" ")}


def test_no_secret_is_anywhere_in_the_file(tmp_path: Path) -> None:
    capture = secrets_capture(tmp_path / "login.pcapng")
    texts = captures.texts_in(page_of(capture))
    for name, secret in (PASSWORDS | TOKENS).items():
        for text in variants(secret):
            assert text not in texts, f"{name}: {text}"
    assert "alice" in texts, "who logged in is no secret"
    assert "in the clear" in texts


def test_secrets_are_there_when_they_are_asked_for(tmp_path: Path) -> None:
    texts = captures.texts_in(page_of(secrets_capture(tmp_path / "login.pcapng"), secrets=True))
    for name, secret in (PASSWORDS | TOKENS).items():
        assert any(text in texts for text in variants(secret)), name


def test_secrets_of_exchanges_that_are_left_out_are_hidden_too(tmp_path: Path) -> None:
    frames = captures.exchange(captures.request(b"/a", b"Cookie: sid=0123456789abc\r\n"), captures.response(b"fine"), 40_000)
    frames += captures.exchange(captures.request(b"/b"), captures.response(b"it was 0123456789abc", status=b"500 Oh"), 40_001)
    texts = captures.texts_in(page_of(captures.pcapng(tmp_path / "two.pcapng", frames), limit=1))
    assert "/b" in texts
    assert "0123456789abc" not in texts


def test_redaction_leaves_no_body_and_no_address(tmp_path: Path) -> None:
    capture = captures.shop(tmp_path / "shop.pcapng")
    texts = captures.texts_in(page_of(capture, redact=True))
    assert "10.0.0.1" not in texts
    assert "10.0.0.2" not in texts
    assert "Welcome" not in texts
    assert "note" not in re.findall(r'"t":\[\[.*?\]\]', texts)
    stand_ins = set(re.findall(r"198\.18\.\d+\.\d+", texts))
    assert len(stand_ins) == 2, "one for each, everywhere the same"
    assert "shop.test" in texts


def test_the_same_capture_gives_the_same_page(tmp_path: Path) -> None:
    capture = captures.shop(tmp_path / "shop.pcapng")
    assert page_of(capture) == page_of(capture)


def test_only_the_own_script_and_style_may_run(tmp_path: Path) -> None:
    page = page_of(captures.shop(tmp_path / "shop.pcapng")).decode()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    directives = dict(part.strip().split(" ", 1) for part in policy[1].split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["img-src"] == "data: blob:"
    assert set(directives) == {"default-src", "script-src", "style-src", "img-src", "base-uri", "form-action"}
    for tag, directive in (("script", "script-src"), ("style", "style-src")):
        inline = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert len(inline) == 1
        digest = base64.b64encode(hashlib.sha256(inline[0].encode()).digest()).decode()
        assert directives[directive] == f"'sha256-{digest}'"
    outside = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    assert not re.search(r"<[^>]*\s(?:on\w+|style)\s*=", outside), "no inline handlers, no inline styles"
    assert not re.search(r"(?:src|href)=[\"']?(?:https?:)?//", page)


def test_the_first_screen_needs_no_script(tmp_path: Path) -> None:
    page = page_of(captures.shop(tmp_path / "shop.pcapng")).decode()
    outside = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", " ", outside)
    assert "8 requests to 2 hosts; 3 failed" in text
    for words in ("1 response with a server error: 503", "1 exchange broke off", "1 connection attempt refused", "Dropped", "0 packets",
                  "http://shop.test/missing", "404"):
        assert words in text, words


def test_a_damaged_capture_says_so(tmp_path: Path, sniff_command: list[str]) -> None:
    whole = captures.shop(tmp_path / "shop.pcapng").read_bytes()
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(whole[:-30])
    out = tmp_path / "r.html"
    run = subprocess.run([*sniff_command, "report", str(cut), "-o", str(out)], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "cut.pcapng" in run.stderr
    assert "damaged" in out.read_text()


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """A frame of HTTP/2."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def test_http2_in_the_clear(tmp_path: Path) -> None:
    client, server = Encoder(), Encoder()
    asked = [(":method", "POST"), (":path", "/two?token=n0tForYou"), (":scheme", "http"), (":authority", "two.test"),
             ("cookie", "sid=c00kieC00kie")]
    login = json.dumps({"password": "sesame9"}).encode()
    packed = gzip.compress(b"<p>welcome c00kieC00kie", mtime=0)
    said = [
        (0, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"")), (1, frame(4, 0, 0, b"")),
        (0, frame(1, 4, 1, client.encode(asked)) + frame(0, 1, 1, login)),
        (1, frame(1, 4, 1, server.encode([(":status", "503"), ("content-type", "text/html"), ("content-encoding", "gzip"),
                                          ("x-evil", "a\r\nb: c")])) + frame(0, 1, 1, packed)),
        (0, frame(1, 5, 3, client.encode([(":method", "GET"), (":path", "/lost"), (":authority", "two.test")]))),
        (1, frame(3, 0, 3, bytes(4)))]
    capture = captures.pcapng(tmp_path / "two.pcapng", wire.conversation(said))
    texts = captures.texts_in(page_of(capture))
    assert "2 requests to 1 host; 2 failed" in texts
    assert "POST /two?token=*** HTTP/2" in texts
    assert "<p>welcome ***" in texts
    assert '["x-evil","a  b: c"]' in texts
    for secret in ("n0tForYou", "c00kieC00kie", "sesame9"):
        assert secret not in texts
    shown = captures.texts_in(page_of(capture, secrets=True))
    assert "<p>welcome c00kieC00kie" in shown
    assert '\\"password\\": \\"sesame9\\"' in shown


def test_what_a_web_server_hands_to_applications(tmp_path: Path) -> None:
    variables = {b"REQUEST_METHOD": b"GET", b"REQUEST_URI": b"/app?token=n0tForYou&page=2", b"HTTP_HOST": b"app.test",
                 b"HTTP_COOKIE": b"sid=c00kieC00kie", b"HTTP_AUTHORIZATION": b"Bearer bearBearBear"}
    frames = captures.scgi(variables, b"Status: 503 Busy with c00kieC00kie\r\nX-Seen: bearBearBear")
    texts = captures.texts_in(page_of(captures.pcapng(tmp_path / "app.pcapng", frames)))
    assert '"path":["/app?token=***&page=2"]' in texts
    assert '"status":[503]' in texts
    for secret in ("n0tForYou", "c00kieC00kie", "bearBearBear"):
        assert secret not in texts
    assert "n0tForYou" in captures.texts_in(page_of(tmp_path / "app.pcapng", secrets=True))
    assert '"gateways":{"packet":[],' in captures.texts_in(page_of(captures.shop(tmp_path / "shop.pcapng")))


def test_captures_without_http_say_what_they_hold(tmp_path: Path) -> None:
    lookup = page_of(captures.pcapng(tmp_path / "dns.pcapng", captures.lookup([b"shop", b"test"])))
    assert b"2 packets without HTTP, all of them UDP; 1 UDP flow; 1 DNS lookup." in lookup
    assert b"Median time" not in lookup
    assert b"UDP flows" in lookup
    assert b"Retransmissions" not in lookup
    assert b'class="charts"' not in page_of(captures.pcapng(tmp_path / "empty.pcapng", []))


def first_words(page: bytes) -> str:
    found = re.search(r'id="verdict" class="verdict">([^<]*)<', page.decode())
    assert found is not None
    return found[1]


def test_the_verdict_says_what_became_of_connections(tmp_path: Path) -> None:
    tcp = [wire.Tcp(40_000 + number, 8080) for number in range(3)]
    refused = [frame for one in tcp[:2] for frame in (one.frame(0, flags=wire.SYN), one.frame(1, flags=wire.RST | wire.ACK))]
    path = tmp_path / "refused.pcapng"
    assert first_words(page_of(captures.pcapng(path, refused))) == \
        "4 packets without HTTP, all of them TCP; 2 TCP connections; all of them were refused or not answered."
    assert "; 1 TCP connection; it was refused or not answered." in first_words(page_of(captures.pcapng(path, refused[:2])))
    assert "; 3 TCP connections; 2 connection attempts failed" in first_words(page_of(captures.pcapng(path, [*refused, *tcp[2].open()])))
    visit = captures.exchange(captures.request(b"/"), captures.response(b"x"))
    said = first_words(page_of(captures.pcapng(path, [*refused, *visit])))
    assert "1 request to 1 host; answered; it took " in said
    assert "; 2 connection attempts failed" in said
    assert first_words(page_of(captures.pcapng(path, refused[:1]))).startswith("1 packet without HTTP (TCP); 1 TCP connection;")


def test_the_verdict_of_halves(tmp_path: Path) -> None:
    path = tmp_path / "halves.pcapng"
    asked = [wire.Tcp(40_000 + number).frame(0, captures.request(b"/")) for number in range(2)]
    answered = [wire.Tcp(40_000 + number).frame(1, captures.response(b"x")) for number in range(2)]
    assert first_words(page_of(captures.pcapng(path, asked))).startswith("2 requests to 1 host; none was answered before the capture ended")
    assert "1 request to 1 host; it was not answered before" in first_words(page_of(captures.pcapng(path, asked[:1])))
    page = page_of(captures.pcapng(path, answered))
    assert first_words(page).startswith("2 responses of HTTP, no request was captured")
    assert b"no HTTP among them" not in page


def test_a_clock_that_goes_back(tmp_path: Path) -> None:
    frames = captures.exchange(captures.request(b"/"), captures.response(b"x"))
    page = page_of(captures.pcapng(tmp_path / "back.pcapng", frames, step_us=-1_000)).decode()
    assert "The clock of the capture went back 7 times" in page
    assert "looking up the name" not in page.partition("<script")[0], "what took no time has no longest phase"


def test_an_empty_capture(tmp_path: Path) -> None:
    assert b"The capture holds no packets." in page_of(captures.pcapng(tmp_path / "empty.pcapng", []))


def test_tables_hold_the_telling_part_and_say_so(tmp_path: Path) -> None:
    tcp = wire.Tcp()
    frames = tcp.open()
    for number in range(60):
        status = b"500 Oh" if number in (7, 40) else b"200 OK"
        frames += [tcp.frame(0, captures.request(b"/%d" % number)), tcp.frame(1, captures.response(b"x", status=status))]
    texts = captures.texts_in(page_of(captures.pcapng(tmp_path / "many.pcapng", frames + tcp.close()), limit=8))
    assert "holds 8 of 60" in texts
    assert "60 requests" in texts
    assert '"/7"' in texts
    assert '"/40"' in texts
    core = next(json.loads(line) for line in texts.splitlines() if line.startswith('{"title"'))
    assert len(core["exchanges"]["number"]) == 8
    assert core["seen"]["exchanges"] == 60


def test_split_into_a_folder(tmp_path: Path, sniff_command: list[str]) -> None:
    capture = captures.shop(tmp_path / "shop.pcapng")
    folder = tmp_path / "page"
    subprocess.run([*sniff_command, "report", str(capture), "--split", str(folder)], check=True, capture_output=True)
    assert sorted(path.name for path in folder.iterdir()) == ["data.js", "index.html", "report.js", "style.css"]
    page = (folder / "index.html").read_text()
    assert "script-src 'self'; style-src 'self'" in page
    assert not re.search(r"<style|<script(?! src=\"(?:data|report)\.js\"></script>)", page)


@pytest.mark.parametrize("arguments", [["-o", "x.html", "--split", "y"], ["--secrets", "--redact"], ["--open", "-o", "-"],
                                       ["--limit", "0"]])
def test_mistakes_are_one_line(arguments: list[str], sniff_command: list[str]) -> None:
    command = [*sniff_command, "report", "captures/neverssl.pcap", *arguments]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert run.returncode == 2
    assert len(run.stderr.splitlines()) == 1


def test_where_it_goes(tmp_path: Path, sniff_command: list[str]) -> None:
    capture = captures.shop(tmp_path / "shop.test.pcapng")
    run = subprocess.run([*sniff_command, "report", capture.name], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert (tmp_path / "reports/shop.test.html").exists()
    assert run.stdout.strip() == str(Path("reports/shop.test.html"))
    piped = subprocess.run([*sniff_command, "report", "-", "-o", "-", "--title", "<b>Visit</b>"], cwd=tmp_path,
                           input=capture.read_bytes(), capture_output=True, check=True)
    assert b"<h1>&lt;b&gt;Visit&lt;/b&gt;</h1>" in piped.stdout
    same = subprocess.run([*sniff_command, "report", capture.name, "-o", capture.name], cwd=tmp_path, capture_output=True, text=True,
                          check=False)
    assert same.returncode == 2
    assert capture.read_bytes()[:4] == b"\x0a\x0d\x0d\x0a", "the capture is still there"


def test_what_is_no_file_is_never_replaced(tmp_path: Path, sniff_command: list[str]) -> None:
    capture = captures.shop(tmp_path / "shop.test.pcapng")
    pipe, link, real = tmp_path / "pipe", tmp_path / "link.html", tmp_path / "real.html"
    os.mkfifo(pipe)
    with (tmp_path / "read").open("wb") as read, subprocess.Popen(["cat", str(pipe)], stdout=read):
        subprocess.run([*sniff_command, "report", str(capture), "-o", str(pipe)], capture_output=True, check=True)
    assert (tmp_path / "read").read_bytes().startswith(b"<!DOCTYPE html>")
    assert pipe.is_fifo()
    real.write_text("before")
    link.symlink_to(real)
    subprocess.run([*sniff_command, "report", str(capture), "-o", str(link)], capture_output=True, check=True)
    assert link.is_symlink()
    assert real.read_bytes().startswith(b"<!DOCTYPE html>")
    empty = subprocess.run([*sniff_command, "report", "/dev/null"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert empty.stderr == "sniff: /dev/null: is empty, not a capture file\n"


@pytest.mark.parametrize("path", sorted((ROOT / "captures").glob("*.pcap*")), ids=lambda path: path.name)
def test_every_capture_has_a_report(path: Path) -> None:
    assert len(page_of(path)) < 2_000_000


def test_from_python(tmp_path: Path) -> None:
    capture = captures.shop(tmp_path / "shop.pcapng")
    sniff.read(capture).report(tmp_path / "shop.html", title="A visit")
    assert "<h1>A visit</h1>" in (tmp_path / "shop.html").read_text()


def test_files_that_are_not_there() -> None:
    with pytest.raises(UsageError):
        make_report([])
