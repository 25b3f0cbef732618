"""HAR: valid for every capture of captures/, the compiled loop beside its twin, pages, masks, bodies."""

import base64
import gzip
import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sniff import limits
from sniff.capture.writer import PcapWriter
from sniff.decode import credentials
from sniff.exchange.http_builder import ExchangeBuilder
from sniff.notes import Notes
from sniff.pipeline import Analysis
from sniff.report.formats import FORMATS, Options
from sniff.report.har import Entries, entry, timestamp
from sniff.report.har_bodies import Bodies, masked_json
from sniff.report.har_pages import Pages
from sniff.report.secret_urls import masked_url
from tests.exchange.rows import Script
from tests.exchange.test_http2_exchanges import Talk
from tests.report import html_captures as captures
from tests.wire import ACK, PSH, START_NS, Tcp

# --- every capture ------------------------------------------------------------------------------------------------------

def har_of(path, **options):
    """The HAR of a capture; numbers are Decimals, so that sums are exact."""
    written = []

    class Sink:
        def write(self, data):
            written.append(bytes(data))

    analysis = Analysis([str(path)], rows=False, bodies=True)
    with analysis.source:
        writer = FORMATS["har"].make(Sink(), Options(notes=analysis.notes, counters=analysis.counters, **options))
        for step in analysis:
            writer.write(step)
        writer.end(None)
    text = b"".join(written)
    assert text.isascii()
    return json.loads(text, parse_float=Decimal)["log"]


def check(log, validator):
    """What holds for every HAR."""
    problems = [f"{list(error.absolute_path)}: {error.message}" for error in validator.iter_errors({"log": json.loads(
        json.dumps(log, default=float))})]
    assert problems[:3] == []
    pages = {page["id"] for page in log["pages"]}
    assert len(pages) == len(log["pages"])
    for one in log["entries"]:
        timings = one["timings"]
        assert all(value >= 0 or value == -1 for value in timings.values())
        assert min(timings["send"], timings["wait"], timings["receive"]) >= 0
        assert sum(value for value in timings.values() if value >= 0) == one["time"]
        assert one.get("pageref") is None or one["pageref"] in pages
        content = one["response"]["content"]
        if content.get("encoding"):
            base64.b64decode(content["text"], validate=True)


def test_every_capture_is_valid(capture, validator):
    log = har_of(capture)
    check(log, validator)
    assert [one["_sniff"]["frame.number"] for one in log["entries"]] == [exchange.messages[0].first_packet
                                                                         for exchange in exchanges_of(capture)]


def exchanges_of(path):
    import sniff
    return list(sniff.read(path).exchanges)


def test_the_example():
    log = har_of(Path(__file__).parents[2] / "captures/neverssl.pcap")
    (one,) = log["entries"]
    assert one["startedDateTime"] == "2018-06-18T13:55:45.000000Z"      # as the question to DNS
    assert one["time"] == Decimal("137.736")
    assert one["timings"] == {"blocked": Decimal("6.768"), "dns": Decimal("74.903"), "connect": Decimal("25.847"), "send": 0,
                              "wait": Decimal("30.023"), "receive": Decimal("0.195"), "ssl": -1}
    assert (one["serverIPAddress"], one["connection"], one["_sniff"]["tcp.stream"]) == ("13.33.47.133", "80", 0)
    assert one["request"]["url"] == "http://kfdlbcnsmrthvxwz.neverssl.com/online"
    content = one["response"]["content"]
    assert (content["size"], content["mimeType"], len(content["text"])) == (1351, "text/html; charset=UTF-8", 1351)
    assert one["_sniff"]["response"] == {"packets": [8, 10], "offset": one["_sniff"]["response"]["offset"]}
    assert [(page["id"], page["title"]) for page in log["pages"]] == [("page_1", one["request"]["url"])]


def test_a_capture_without_http(tmp_path, validator):
    path = tmp_path / "none.pcap"
    write_frames(path, [])
    log = har_of(path)
    check(log, validator)
    assert (log["entries"], log["pages"], log["creator"]["name"]) == ([], [], "sniff")


# --- the compiled loop beside its twin ----------------------------------------------------------------------------------

VALUES = st.sampled_from([b"example.com", b"Mozilla/5.0 (X11) \"quoted\" \\", b"", b" padded\t", b"caf\xc3\xa9", b"a:b", b"\x00", b"x@y",
                          b"text/html; charset=utf-8", b"text/plain; charset=latin1", b"application/json", b"/next?a=1&token=geheim",
                          b"http://a.b/?password=geheim&x=%20", b"?to%6Ben=geheim", b"https://u:geheim@h/", b"/#token=geheim",
                          b"\x7f", b"chunked", b"gzip", b"sid=geheim; Path=/",
                          b"Basic dTpnZWhlaW0="])
FIELDS = st.lists(st.tuples(st.sampled_from([b"Host", b"host", b"User-Agent", b"Referer", b"Location", b"Content-Type", b"Cookie",
                                             b"Authorization", b"X-Api-Key", b"Transfer-Encoding", b"Content-Encoding", b"X-Other",
                                             b"HOST ", b"Set-Cookie", b"Coo\x01kie", b" folded", b"Content-Location"]),
                            st.sampled_from([b": ", b":", b":\t", b" : ", b""]), VALUES,
                            st.sampled_from([b"\r\n", b"\n", b"\r"])), max_size=6)
TARGETS = st.sampled_from([b"/", b"/a?b=c&d=\"", b"/%20", b"http://a.b/c", b"*", b"/\xd0\xb6", b"/a b", b"//x", b"", b"/?",
                           b"/?a&b=&=c&&d=e=f", b"/?session=geheim&Api-Key=geheim&keys=1&pin=", b"/?a=%20",
                           b"/?a=b?token=geheim", b"/a?monkey=1&my_token=geheim", b"/a;jsessionid=geheim", b"/@x/y?z?pin=1",
                           b"/a&token=b"])
REQUESTS = st.builds(lambda method, target, version, lines, end: b" ".join([method, target, version]) + b"\r\n" + b"".join(
    b"".join(line) for line in lines) + end, st.sampled_from([b"GET", b"POST", b"CONNECT", b"get", b"F!#$%&'*+-.^_`|~"]), TARGETS,
    st.sampled_from([b"HTTP/1.1", b"HTTP/1.0", b"http/1.1", b"HTTP/1.10"]), FIELDS, st.sampled_from([b"\r\n", b"\n", b""]))
RESPONSES = st.builds(lambda start, lines, end: start + b"\r\n" + b"".join(b"".join(line) for line in lines) + end,
                      st.sampled_from([b"HTTP/1.1 200 OK", b"HTTP/1.0 404", b"HTTP/1.1 500 ", b"HTTP/1.1  200  OK", b"HTTP/1.1 301 \"M\\\"",
                                       b"HTTP/1.1 200 caf\xc3\xa9", b"HTTP/1.1"]), FIELDS, st.sampled_from([b"\r\n", b"\n", b""]))
BODIES = st.sampled_from([b"", b"plain text\r\n\t\"", b'{"password": "geheim", "a": 1}', b'{"pin":"geheim"}', b"caf\xc3\xa9", b"\x00\x01",
                          b"\x1b[31m", b"shipping", b"caf\xe9", gzip.compress(b"zipped")])


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(REQUESTS, RESPONSES, BODIES, st.integers(0, 3), st.sampled_from([1, 257, 3])), min_size=1, max_size=4),
       st.booleans())
def test_the_compiled_loop_says_what_its_twin_says(pairs, secrets):
    script = Script().connection(syn=1, synack=2, established=3)
    when = 5
    for request, response, body, gap, flags in pairs:
        script.message(request, when, flags=flags)
        script.message(response, when + gap, when + 2 * gap, flags=flags, prefix=body, body_len=len(body), id=when + 1)
        when += 10
    builder = ExchangeBuilder()
    exchanges = builder.add(script.batch()) + builder.finish()
    pages = list(range(len(exchanges)))
    written = b"".join(Entries(new_bodies(), secrets).chunks(exchanges, pages)).decode("ascii")
    twin = "".join(f",\n{entry(exchange, new_bodies().take, page, secrets)}" for exchange, page in zip(exchanges, pages, strict=True))
    assert written == twin
    json.loads(f"[{written[1:]}]")


def test_a_field_is_the_same_before_and_after_all_were_read():
    script = Script().connection(syn=1, synack=2, established=3)
    script.message(b"GET / HTTP/1.1\r\nHost\x7f\r\nHost: example.com\r\n\r\n", 5, flags=1)
    builder = ExchangeBuilder()
    [exchange] = builder.add(script.batch()) + builder.finish()
    before = exchange.request.get(b"host")
    assert exchange.request.get_all(b"host") == [before, b"example.com"]
    assert exchange.request.get(b"host") == before == b""


def new_bodies():
    return Bodies(Notes(), limits.Counters())


def test_plain_exchanges_are_written_by_the_compiled_loop(monkeypatch):
    script = Script().connection(syn=1, synack=2, established=3)
    for number in range(50):
        script.get(b"/%d?q=1&token=abc" % number, 10 + 4 * number)
        script.answer(200, 12 + 4 * number, prefix=b"hello\n", body_len=6, id=number + 1)
    builder = ExchangeBuilder()
    exchanges = builder.add(script.batch())
    expected = "".join(f",\n{entry(exchange, new_bodies().take)}" for exchange in exchanges)
    monkeypatch.setattr("sniff.report.har.entry", lambda *arguments: "by the twin")
    assert b"".join(Entries(new_bodies()).chunks(exchanges, [0] * 50)).decode() == expected
    one = json.loads(f"[{expected[1:]}]")[0]
    assert one["request"]["url"] == "http://example.com/0?q=1&token=***"
    assert one["request"]["queryString"] == [{"name": "q", "value": "1"}, {"name": "token", "value": "***"}]
    assert one["response"]["content"] == {"size": 6, "mimeType": "x-unknown", "text": "hello\n"}


@given(st.integers(-(1 << 63), (1 << 63) - 1))
def test_times(ts_ns):
    text = timestamp(ts_ns)
    moment = datetime.fromisoformat(text)
    assert abs(moment.timestamp() - ts_ns / 1e9) < 1e-3 and len(text) == 27


# --- what is written about an exchange ----------------------------------------------------------------------------------

def write_frames(path, frames):
    """A capture of these frames, a millisecond apart."""
    with path.open("wb") as file:
        writer = PcapWriter(file)
        for number, frame in enumerate(frames):
            writer.packet(START_NS + number * 1_000_000, frame)
    return path


def talk(path, *turns, close=True):
    """A capture of one connection: requests and responses in turn."""
    tcp = Tcp()
    frames = [*tcp.open(), *(tcp.frame(number % 2, data, ACK | PSH) for number, data in enumerate(turns))]
    return write_frames(path, [*frames, *(tcp.close() if close else ())])


def response(body, *lines, status=b"200 OK"):
    return b"HTTP/1.1 " + status + b"\r\n" + b"".join(line + b"\r\n" for line in lines) + b"Content-Length: %d\r\n\r\n" % len(body) + body


def request(target, *lines, method=b"GET", body=b""):
    length = (b"Content-Length: %d" % len(body),) if body else ()
    head = b"".join(line + b"\r\n" for line in (b"Host: h.test", *lines, *length))
    return method + b" " + target + b" HTTP/1.1\r\n" + head + b"\r\n" + body


SECRET_TURNS = (
    request(b"/login?token=geheim1&x=1", b"Authorization: Basic dXNlcjpnZWhlaW0=", b"Cookie: sid=geheim2; b=geheim3",
            b"Referer: http://h.test/?password=geheim4", b"Content-Type: application/x-www-form-urlencoded", method=b"POST",
            body=b"user=u&password=geheim5&z=%26"),
    response(b'{"access_token":"geheim6","n":1}', b"Content-Type: application/json",
             b"Set-Cookie: sid=geheim7; Path=/; Expires=Wed, 21 Oct 2026 07:28:00 GMT; HttpOnly; Secure"))


def test_credentials_are_masked(tmp_path, validator):
    path = talk(tmp_path / "secret.pcap", *SECRET_TURNS)
    log = har_of(path)
    check(log, validator)
    assert "geheim" not in json.dumps(log, default=str)
    (one,) = log["entries"]
    assert one["request"]["url"] == "http://user:***@h.test/login?token=***&x=1"
    assert one["request"]["cookies"] == [{"name": "sid", "value": "***"}, {"name": "b", "value": "***"}]
    assert one["request"]["postData"] == {
        "mimeType": "application/x-www-form-urlencoded", "text": "user=u&password=***&z=%26",
        "params": [{"name": "user", "value": "u"}, {"name": "password", "value": "***"}, {"name": "z", "value": "&"}]}
    assert one["response"]["cookies"] == [{"name": "sid", "value": "***", "path": "/", "expires": "2026-10-21T07:28:00+00:00",
                                           "httpOnly": True, "secure": True}]
    assert one["response"]["content"]["text"] == '{"access_token":"***","n":1}'


def test_credentials_are_shown_when_asked_for(tmp_path, validator):
    log = har_of(talk(tmp_path / "secret.pcap", *SECRET_TURNS), secrets=True)
    check(log, validator)
    text = json.dumps(log, default=str)
    assert all(f"geheim{number}" in text for number in range(1, 8)) and "***" not in text


@pytest.mark.parametrize("plain", [True, False])
def test_fields_whose_names_tell_of_a_secret(tmp_path, plain):
    names = ["X-Vault-Token", "X-Auth-Key", "X-Pass", "PASSENGER", "DD-API-KEY", "X-Session-Id", "Sec-WebSocket-Key", "X.Sid", "Cache-Key",
             "Access-Control-Allow-Credentials", "Key", "X-Key", "X-Token-Type", "Auth", "Author", "X-Client-Secret"]
    head = "".join(f"{name}: abc{number}\r\n" for number, name in enumerate(names)) + ("" if plain else "X-Other:\tx\x01\r\n")
    path = talk(tmp_path / "names.pcap", b"GET / HTTP/1.1\r\nHost: a\r\n" + head.encode() + b"\r\n",
                                          b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    [entry] = har_of(path)["entries"]
    shown = {field["name"]: field["value"] for field in entry["request"]["headers"]}
    assert {name: shown[name] for name in names} == {name: "***" if credentials.is_secret(name) else f"abc{number}"
                                                     for number, name in enumerate(names)}


@pytest.mark.parametrize(("url", "masked"), [
    ("http://h/?a=1", "http://h/?a=1"), ("http://h/?API-KEY=x&b", "http://h/?API-KEY=***&b"), ("/?to%6ben=x", "/?to%6ben=***"),
    ("/?pin=1&pinned=2&=3&token=", "/?pin=***&pinned=2&=3&token="), ("/token=1", "/token=1"),
    ("http://u:p@h/x@y:z?a", "http://u:***@h/x@y:z?a"), ("http://h/#access_token=x&n=1", "http://h/#access_token=***&n=1"),
    ("/a;jsessionid=x?b=1", "/a;jsessionid=***?b=1"), ("?x?pin=1", "?x?pin=***"), ("http://h:80/@u:1/", "http://h:80/@u:1/"),
])
def test_urls(url, masked):
    assert masked_url(url) == masked
    assert masked_url(url, secrets=True) == url


@pytest.mark.parametrize(("text", "masked"), [
    ('{"a": {"password" : "x\\"y"}, "token":-1.5e3,"pin": 12}', '{"a": {"password" : "***"}, "token":"***","pin": "***"}'),
    ('{"shipping": "x", "password', '{"shipping": "x", "password'), ('{"secret": "cut', '{"secret": "***"'), ("token", "token"),
])
def test_json_bodies(text, masked):
    assert masked_json(text) == masked


def test_bodies(tmp_path, validator):
    page = "<p>Grüße €</p>".encode() * 100
    path = talk(tmp_path / "bodies.pcap",
                request(b"/a"), response(gzip.compress(page), b"Content-Type: text/html; charset=utf-8", b"Content-Encoding: gzip"),
                request(b"/b"), response(b"\x89PNG\r\n\x1a\n\0\xff" * 200, b"Content-Type: image/png"),
                request(b"/c", method=b"PUT", body=b"\0\1\2binary"), response(b"", status=b"204 No Content"),
                request(b"/d"), response("Grüße".encode("latin-1"), b"Content-Type: text/plain; charset=iso-8859-1"),
                request(b"/e", b"Content-Type: multipart/form-data; boundary=xx", method=b"POST",
                        body=b'--xx\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--xx\r\nContent-Disposition: form-data; '
                             b'name="f"; filename="f.txt"\r\nContent-Type: text/plain\r\n\r\nhello\r\n--xx--\r\n'),
                response(b"ok"))
    log = har_of(path)
    check(log, validator)
    one, two, three, four, five = log["entries"]
    content = one["response"]["content"]
    assert content["text"] == page.decode() and content["size"] == len(page)
    assert content["compression"] == len(page) - one["response"]["bodySize"] > 0
    content = two["response"]["content"]
    assert (content["encoding"], base64.b64decode(content["text"])) == ("base64", b"\x89PNG\r\n\x1a\n\0\xff" * 200)
    assert three["request"]["postData"]["text"] == "" and "base64" in three["request"]["postData"]["comment"]
    assert base64.b64decode(three["_sniff"]["request"]["base64"]) == b"\0\1\2binary"
    assert three["request"]["bodySize"] == 9 and three["response"]["content"] == {"size": 0, "mimeType": "x-unknown"}
    assert four["response"]["content"]["text"] == "Grüße"
    assert five["request"]["postData"]["params"] == [{"name": "a", "value": "1"},
                                                     {"name": "f", "fileName": "f.txt", "contentType": "text/plain"}]


def test_bodies_are_capped(tmp_path, monkeypatch, validator):
    path = talk(tmp_path / "long.pcap", request(b"/a"), response(b"x" * 5000), request(b"/b"), response(b"short"))
    monkeypatch.setattr(limits, "HAR_BODY_BYTES", 1000)
    log = har_of(path)
    check(log, validator)
    one, two = log["entries"]
    assert one["response"]["content"] == {"size": 5000, "mimeType": "x-unknown", "text": "x" * 1000,
                                          "comment": "only the first 1000 of 5000 bytes are here"}
    assert (one["_sniff"]["response"]["kept"], one["response"]["bodySize"]) == (1000, 5000)
    assert two["response"]["content"]["text"] == "short"


def test_all_bodies_together_are_capped(tmp_path, monkeypatch, validator):
    monkeypatch.setattr(limits, "HAR_BODIES_BYTES", 3000)
    log = har_of(talk(tmp_path / "long.pcap", request(b"/a"), response(b"x" * 5000), request(b"/b"), response(b"y" * 2000)))
    check(log, validator)
    one, two = log["entries"]
    assert one["response"]["content"]["comment"].startswith("only the first 0 of 5000")
    assert two["response"]["content"]["text"] == "y" * 2000


def test_what_was_not_seen(tmp_path, validator):
    log = har_of(talk(tmp_path / "open.pcap", request(b"/a"), close=False))
    check(log, validator)
    (one,) = log["entries"]
    assert (one["response"]["status"], one["response"]["content"]["size"], one["_sniff"]["state"]) == (0, 0, "running")
    script = Script().connection(established=1)
    script.answer(200, 10)
    builder = ExchangeBuilder()
    (orphan,) = builder.add(script.batch()) + builder.finish()
    found = json.loads(entry(orphan, new_bodies().take))
    assert (found["request"]["method"], found["request"]["url"], found["_sniff"]["state"]) == ("", "http://10.0.0.2/", "unasked")


# --- pages --------------------------------------------------------------------------------------------------------------

def paged(script):
    """The pages of the exchanges of a script, and the titles of all pages."""
    builder, pages = ExchangeBuilder(), Pages()
    numbers = [pages.of(exchange) for exchange in builder.add(script.batch()) + builder.finish()]
    return numbers, [page.title for page in pages]


def fetch(script, when, path, media=b"text/plain", referer=b"", status=200, location=b"", more=b""):
    refers = b"Referer: %s\r\n" % referer if referer else b""
    script.message(b"GET %s HTTP/1.1\r\nHost: h.test\r\n%s%s\r\n" % (path, refers, more), when)
    leads = b"Location: %s\r\n" % location if location else b""
    return script.message(b"HTTP/1.1 %d X\r\nContent-Type: %s\r\n%s\r\n" % (status, media, leads), when + 1)


def test_a_page_and_what_it_needs():
    script = Script().connection(established=1)
    fetch(script, 10, b"/", b"text/html")
    fetch(script, 20, b"/s.css", b"text/css", b"http://h.test/")
    fetch(script, 30, b"/f.woff", b"font/woff", b"http://h.test/s.css")
    fetch(script, 40, b"/favicon.ico", b"image/x-icon")
    fetch(script, 50, b"/frame", b"text/html", b"http://h.test/", more=b"Sec-Fetch-Dest: iframe\r\n")
    fetch(script, 60, b"/next", b"text/html", b"http://h.test/")
    fetch(script, 70, b"/i.png", b"image/png", b"http://h.test/next#top")
    fetch(script, 80_000, b"/late.json", b"application/json")
    assert paged(script) == ([1, 1, 1, 1, 1, 2, 2, 0], ["http://h.test/", "http://h.test/next"])


def test_a_redirect_and_a_reload():
    script = Script().connection(established=1)
    fetch(script, 10, b"/old", status=302, location=b"/new")
    fetch(script, 20, b"/new", b"text/html")
    fetch(script, 30_000, b"/new", b"text/html")
    assert paged(script) == ([1, 1, 2], ["http://h.test/old", "http://h.test/new"])


def test_what_a_page_needs_may_end_before_it():
    script = Script().connection(established=1)
    fetch(script, 10, b"/s.css", b"text/css", b"http://h.test/page")
    fetch(script, 12, b"/page", b"text/html")
    fetch(script, 14, b"/page", b"text/html")
    assert paged(script)[0] == [1, 1, 2]


def test_calls_of_programs_make_no_pages():
    script = Script().connection(established=1)
    for number in range(5):
        fetch(script, 10 + 2 * number, b"/api", b"application/json")
    assert paged(script) == ([0] * 5, [])


def test_pages_are_bounded(monkeypatch):
    monkeypatch.setattr(limits, "HAR_PAGES", 3)
    monkeypatch.setattr(limits, "HAR_URLS", 2)
    script = Script().connection(established=1)
    for number in range(6):
        fetch(script, 10 + 2 * number, b"/%d" % number, b"text/html")
    assert paged(script)[0] == [1, 2, 3, 0, 0, 0]


# --- HTTP/2 ---------------------------------------------------------------------------------------------------------------

def two(tmp_path):
    """A capture of HTTP/2: a login with secrets everywhere, a page that is packed, a request without an answer."""
    talk = Talk()
    talk.ask(1, "/login?token=n0tForYou&a=b", ("cookie", "sid=c00kie"), ("content-type", "application/json"),
             body=json.dumps({"password": "sesame9"}).encode(), method="POST", authority="bob:hunter2@two.test")
    talk.say(1, 1, [(":status", "302"), ("location", "/home?token=n0tForYou"), ("set-cookie", "sid=c00kie; HttpOnly")])
    talk.ask(3, "/page")
    talk.say(1, 3, [(":status", "103"), ("link", "</a.css>")], end=False)
    talk.say(1, 3, [(":status", "200"), ("content-type", "text/html"), ("content-encoding", "gzip")], gzip.compress(b"<p>hello"))
    talk.ask(5, "/never")
    return captures.pcapng(tmp_path / "two.pcapng", [*captures.lookup([b"two", b"test"]), *talk.frames, *talk.tcp.close()])


def test_http2(tmp_path, validator):
    log = har_of(two(tmp_path))
    check(log, validator)
    login, page, never = log["entries"]
    assert [one["request"]["httpVersion"] for one in log["entries"]] == ["HTTP/2.0"] * 3
    assert login["request"]["url"] == "https://bob:***@two.test/login?token=***&a=b"
    assert login["request"]["headers"][:4] == [
        {"name": ":method", "value": "POST"}, {"name": ":scheme", "value": "https"}, {"name": ":authority", "value": "bob:***@two.test"},
        {"name": ":path", "value": "/login?token=***&a=b"}]
    assert login["request"]["postData"]["text"] == '{"password": "***"}'
    assert login["request"]["cookies"] == [{"name": "sid", "value": "***"}]
    assert (login["request"]["headersSize"], login["response"]["status"], login["response"]["redirectURL"]) == (-1, 302, "/home?token=***")
    assert login["timings"]["dns"] > 0
    assert login["timings"]["connect"] > 0
    assert page["timings"]["dns"] == page["timings"]["connect"] == -1
    content = page["response"]["content"]
    assert (content["text"], content["size"], content["mimeType"]) == ("<p>hello", 8, "text/html")
    assert page["response"]["bodySize"] == 8 - content["compression"]
    assert page["response"]["headers"][0] == {"name": ":status", "value": "200"}
    assert page["_sniff"]["interim"] == [103]
    assert (never["response"]["status"], never["_sniff"]["state"]) == (0, "unanswered")
    shown = json.dumps(har_of(two(tmp_path), secrets=True), default=float)
    assert all(secret in shown for secret in ("n0tForYou", "c00kie", "sesame9", "hunter2"))
    hidden = json.dumps(log, default=float)
    assert not any(secret in hidden for secret in ("n0tForYou", "c00kie", "sesame9", "hunter2"))


def test_bodies_of_http2_are_cut(tmp_path, validator, monkeypatch):
    monkeypatch.setattr(limits, "HAR_BODY_BYTES", 5)
    talk = Talk()
    talk.ask(1)
    talk.say(1, 1, [(":status", "200"), ("content-type", "text/plain")], b"0123456789")
    log = har_of(captures.pcapng(tmp_path / "long.pcapng", talk.frames))
    check(log, validator)
    content = log["entries"][0]["response"]["content"]
    assert (content["text"], log["entries"][0]["response"]["bodySize"]) == ("01234", 10)
    assert "5 bytes, as they were sent, are not here" in content["comment"]
