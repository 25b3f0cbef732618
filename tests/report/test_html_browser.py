"""The report in a browser: drawn, clicked, filtered, printed, attacked, and looked at by axe."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from sniff.reports import Options, make_report
from tests import wire
from tests.report import html_captures as captures

pytestmark = pytest.mark.browser

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("there is no Chromium: scripts/install_tools.sh test")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@dataclass(slots=True)
class Watched:
    """A page, and what it did that it should not."""

    page: Page
    wrong: list[str] = field(default_factory=list)

    def open(self, path: Path, fragment: str = "") -> Page:
        """Open a report and wait until it is drawn."""
        self.page.goto("about:blank")
        self.page.goto(f"{path.as_uri()}{fragment}")
        self.page.wait_for_selector("html[data-ready]", state="attached")
        return self.page


@pytest.fixture
def watched(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Watched]:
    options: dict[str, Any] = getattr(request, "param", {})
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
    context.set_default_timeout(20_000)
    watch = Watched(context.new_page())

    def asked(one: Any) -> None:
        if not re.match(r"(file|blob|data|about):", one.url):
            watch.wrong.append(f"request {one.url}")

    watch.page.on("console", lambda message: watch.wrong.append(f"{message.type}: {message.text}"))
    watch.page.on("pageerror", lambda error: watch.wrong.append(f"error: {error}"))
    watch.page.on("dialog", lambda dialog: (watch.wrong.append(f"dialog {dialog.message}"), dialog.dismiss()))
    context.on("request", asked)
    yield watch
    context.close()
    assert watch.wrong == []


def write(page: Any, path: Path) -> Path:
    path.write_bytes(b"".join(page[0].one_file()))
    return path


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    return write(make_report([captures.shop(folder / "shop.pcapng")]), folder / "shop.html")


def rows(page: Page, view: str) -> list[str]:
    """What the rows of a view's table say, those that are drawn."""
    return page.locator(f"#view-{view} .row").all_inner_texts()


def test_the_first_screen(watched: Watched, shop: Path) -> None:
    page = watched.open(shop)
    expect(page.locator("#verdict")).to_contain_text("8 requests to 2 hosts; 3 failed")
    expect(page.locator(".tile").first).to_be_in_viewport()
    expect(page.locator(".findings")).to_be_in_viewport()
    page.get_by_role("link", name=re.compile("server error")).click()
    expect(page.locator("#view-exchanges .row")).to_have_count(1)
    expect(page.locator("#view-exchanges .row")).to_contain_text("503")


def test_filter_sort_and_group(watched: Watched, shop: Path) -> None:
    page = watched.open(shop, "#exchanges")
    expect(page.locator("#view-exchanges .row")).to_have_count(8)
    for text, count in (("status >= 400", 2), ("error", 3), ("host: api", 1), ("http.request.method == \"POST\"", 1), ("logo", 1),
                        ("not host: api and status: 2xx", 5), ("type: json or type: png", 2), ("retransmissions", 1),
                        ("header: accept", 1), ("body: welcome", 1), ("state == aborted", 1), ("http.response.code in {404 503}", 2),
                        ("time > 1h", 0), ("", 8)):
        page.fill("#filter", text)
        expect(page.locator("#filter-state")).to_contain_text(f"{count} of 8")
    page.get_by_role("button", name="Failed", exact=True).click()
    expect(page.locator("#view-exchanges .row")).to_have_count(3)
    page.get_by_role("button", name="All", exact=True).click()
    page.get_by_role("button", name="Size", exact=True).click()
    expect(page.get_by_role("columnheader", name=re.compile("Size"))).to_have_attribute("aria-sort", "descending")
    assert "/binary" in rows(page, "exchanges")[0]
    assert "s=-size" in page.url
    page.get_by_role("button", name="Wait", exact=True).click()
    assert "s=-wait" in page.url
    page.get_by_role("button", name="Group by host").click()
    expect(page.locator("#view-exchanges .row.group")).to_have_count(2)
    page.locator("#view-exchanges .row.group").first.click()
    expect(page.locator("#view-exchanges .row:not(.group)")).to_have_count(1)


def test_details(watched: Watched, shop: Path) -> None:
    page = watched.open(shop, "#exchanges")
    page.locator("#view-exchanges .row", has_text="/order").click()
    pane = page.get_by_role("complementary")
    expect(pane).to_contain_text("POST /order HTTP/1.1")
    expect(pane).to_contain_text("201 Created")
    pane.get_by_role("tab", name="Request").click()
    expect(pane).to_contain_text("item")
    expect(pane).to_contain_text("a b")
    pane.get_by_role("tab", name="Timing").click()
    expect(pane).to_contain_text("Waiting")
    expect(pane).to_contain_text(re.compile("Most of the time, .* passed|The largest part of the time, .* passed"))
    expect(pane).to_contain_text("UTC")
    page.locator("#view-exchanges .grid").focus()
    page.keyboard.press("ArrowDown")
    expect(pane).to_contain_text("/missing")
    page.locator("#view-exchanges .row", has_text="/logo.png").click()
    pane.get_by_role("tab", name="Response").click()
    expect(pane.locator("img")).to_have_js_property("naturalWidth", 1)
    page.locator("#view-exchanges .row", has_text="/api/items").click()
    expect(pane.locator("pre.body")).to_contain_text('"items": [')
    page.locator("#view-exchanges .row", has_text="/binary").click()
    expect(pane.locator("pre.body")).to_contain_text("00000010  10 11 12 13")
    pane.get_by_role("tab", name="Connection").click()
    expect(pane.locator("pre.said.client").first).to_contain_text("GET / HTTP/1.1")
    page.keyboard.press("Escape")
    expect(pane).to_be_hidden()


def test_copies(watched: Watched, shop: Path) -> None:
    page = watched.open(shop, "#exchanges")
    page.evaluate("navigator.clipboard.writeText = async (text) => { globalThis.copied = text; }")
    page.locator("#view-exchanges .row", has_text="/order").click()
    page.get_by_role("button", name="Copy as curl").click()
    expect(page.locator("#said")).to_contain_text("curl command copied")
    assert page.evaluate("copied").startswith("curl 'http://shop.test/order' -X 'POST'")
    assert "--data-urlencode 'item=7'" in page.evaluate("copied")
    page.get_by_role("button", name="Copy as HAR").click()
    expect(page.locator("#said")).to_contain_text("HAR copied")
    entry = page.evaluate("JSON.parse(copied).log.entries[0]")
    assert entry["response"]["status"] == 201
    assert entry["timings"]["wait"] >= 0
    assert entry["time"] == pytest.approx(sum(entry["timings"][name] for name in ("blocked", "dns", "connect", "send", "wait", "receive")
                                              if entry["timings"][name] > 0))


def test_what_is_shown_can_be_saved(watched: Watched, tmp_path: Path, validator: Any) -> None:
    frames = captures.http2([(":method", "GET"), (":scheme", "http"), (":authority", "two.test"), (":path", "/two?a=b"), ("accept", "*/*")],
                            [(":status", "200"), ("content-type", "text/plain")], b"hello")
    frames += captures.exchange(captures.request(b"/one"), captures.response(b"<p>one"))
    page = watched.open(write(make_report([captures.pcapng(tmp_path / "two.pcapng", frames)]), tmp_path / "two.html"), "#exchanges?f=http2")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save HAR").click()
    log = json.loads(Path(saved.value.path()).read_text())["log"]
    (entry,) = log["entries"]
    assert saved.value.suggested_filename == "exchanges.har"
    assert entry["request"]["url"] == "http://two.test/two?a=b"
    assert entry["request"]["httpVersion"] == entry["response"]["httpVersion"] == "HTTP/2.0"
    assert {"name": ":path", "value": "/two?a=b"} in entry["request"]["headers"]
    assert entry["response"]["content"]["text"] == "hello"
    page.locator("#filter").fill("")
    expect(page.locator("#filter-state")).to_contain_text("2 of 2")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save HAR").click()
    har = json.loads(Path(saved.value.path()).read_text())
    assert len(har["log"]["entries"]) == 2
    assert [error.message for error in validator.iter_errors(har)] == []
    page.evaluate("navigator.clipboard.writeText = async (text) => { globalThis.copied = text; }")
    page.locator("#view-exchanges .row", has_text="/two").click()
    page.get_by_role("button", name="Copy as curl").click()
    expect(page.locator("#said")).to_contain_text("curl command copied")
    assert page.evaluate("copied") == "curl 'http://two.test/two?a=b' --http2-prior-knowledge -H 'accept: */*'"


def test_from_a_packet_to_its_exchange_and_back(watched: Watched, shop: Path) -> None:
    page = watched.open(shop, "#timeline")
    page.locator("#view-timeline .row", has_text="GET /missing").click()
    page.locator(".linkbar").get_by_role("button", name="GET http://shop.test/missing").click()
    pane = page.get_by_role("complementary")
    expect(pane).to_contain_text("404 Not Found")
    expect(page.locator("#view-exchanges .row.active")).to_contain_text("/missing")
    pane.get_by_role("tab", name="Packets").click()
    pane.get_by_role("button", name=re.compile(r"^\d+$")).first.click()
    expect(page.locator("#view-timeline .row.active")).to_contain_text("GET /missing")
    page.locator(".linkbar").get_by_role("button", name="Sequence diagram").click()
    expect(page.locator(".sequence .step")).to_have_count(21)
    expect(page.locator(".sequence .marked")).to_contain_text(["Retransmission"])
    page.get_by_role("button", name="Packets", exact=True).click()
    expect(page.locator("#view-timeline .row")).to_have_count(21)


def test_following_what_is_no_http(watched: Watched, tmp_path: Path) -> None:
    talk = [(1, b"220 files.test\r\n"), (0, b"USER bob\r\n"), (0, b"PASS sesame-9\r\n"), (1, b"230 in\r\n")]
    frames = wire.conversation(talk, 40_000, 21)
    report = write(make_report([captures.pcapng(tmp_path / "ftp.pcapng", frames)]), tmp_path / "ftp.html")
    page = watched.open(report, "#sequence")
    page.get_by_role("button", name="Follow stream").click()
    said = page.locator("#view-sequence .said")
    expect(said).to_have_count(4)
    expect(said.nth(1)).to_contain_text("USER bob")
    expect(said.nth(2)).to_contain_text("PASS ***")
    assert "sesame-9" not in captures.texts_in(report.read_bytes())


def test_one_packet_and_addresses_with_colons(watched: Watched, tmp_path: Path) -> None:
    header = (40_000).to_bytes(2, "big") + (80).to_bytes(2, "big") + bytes(8) + bytes([0x50, wire.SYN, 1, 0, 0, 0, 0, 0])
    six = b"\x60\0\0\0" + len(header).to_bytes(2, "big") + b"\x06\x40" + bytes(15) + b"\1" + bytes(15) + b"\2"
    frames = [wire.ETHERNET[:12] + b"\x86\xdd" + six + header]
    report = write(make_report([captures.pcapng(tmp_path / "one.pcapng", frames)]), tmp_path / "one.html")
    page = watched.open(report, "#sequence")
    expect(page.locator("#view-sequence .toolbar")).to_contain_text("1 packet ·")
    expect(page.locator(".ends")).to_contain_text("[::1]:40000")
    page = watched.open(report, "#connections")
    expect(page.locator("#view-connections .row")).to_contain_text("[::2]:80")


def test_types_and_times_that_are_odd(watched: Watched, tmp_path: Path) -> None:
    frames = [frame for number, kind in enumerate((b"constructor/constructor", b"a/__proto__", b"text/plain"))
              for frame in captures.exchange(captures.request(b"/"), captures.response(b"x", kind), 40_000 + number)]
    page = watched.open(write(make_report([captures.pcapng(tmp_path / "types.pcapng", frames)]), tmp_path / "types.html"), "#exchanges")
    for row, kind in zip(page.locator("#view-exchanges .row").all(), ("constructor", "__proto__", "text"), strict=True):
        expect(row).to_contain_text(kind)
    apart = captures.pcapng(tmp_path / "days.pcapng", 2 * captures.lookup([b"a", b"test"]), step_us=10 * 3_600_000_000)
    page = watched.open(write(make_report([apart]), tmp_path / "days.html"), "#connections")
    expect(page.locator("#view-connections .row")).to_contain_text("1 d 6 h")


def test_characters_that_deceive_are_seen(watched: Watched, tmp_path: Path) -> None:
    odd = "/\u202egpj.exe\u2066\u2028\x85".encode()
    frames = captures.exchange(captures.request(odd, b"X-Odd: a\xe2\x80\xaeb\x01\r\n"), captures.response(b"x", status=b"404 No"))
    page = watched.open(write(make_report([captures.pcapng(tmp_path / "odd.pcapng", frames)]), tmp_path / "odd.html"))
    for view in ("overview", "exchanges?x=0", "timeline", "sequence"):
        page.goto(page.url.partition("#")[0] + f"#{view}")
        text = page.locator(f"#view-{view.partition('?')[0]}")
        expect(text).to_contain_text("gpj.exe")
        assert not re.search("[\u202e\u2066\u2028\x85\x01]", text.inner_html()), view
    expect(page.locator("#view-sequence")).to_contain_text(re.compile(r"\\u202e|%E2%80%AE|\\342", re.IGNORECASE))


def test_keys(watched: Watched, shop: Path) -> None:
    page = watched.open(shop)
    page.keyboard.press("2")
    expect(page.locator("#view-exchanges")).to_be_visible()
    page.keyboard.press("/")
    expect(page.locator("#filter")).to_be_focused()
    page.keyboard.type("logo")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("complementary")).to_contain_text("/logo.png")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()


def test_an_address_shows_the_same_again(watched: Watched, shop: Path) -> None:
    page = watched.open(shop, "#exchanges?f=status+%3E%3D+400&s=-time")
    expect(page.locator("#view-exchanges .row")).to_have_count(2)
    page.locator("#view-exchanges .row").first.click()
    page.get_by_role("tab", name="Timing").click()
    watched.open(shop, page.url[page.url.index("#"):])
    expect(page.get_by_role("tab", name="Timing")).to_have_attribute("aria-selected", "true")
    expect(page.locator("#view-exchanges .row")).to_have_count(2)


@pytest.mark.parametrize("view", ["connections", "dns", "servers", "hosts", "statistics", "notes"])
def test_the_other_views(watched: Watched, shop: Path, view: str) -> None:
    page = watched.open(shop, f"#{view}")
    expect(page.locator(f"#view-{view}")).to_be_visible()
    told = {"connections": "refused", "dns": "shop.test", "servers": "api.test", "hosts": "10.0.0.2", "statistics": "Latency",
            "notes": "Nothing strange"}
    expect(page.locator(f"#view-{view}")).to_contain_text(told[view])


def test_colours_can_be_switched(watched: Watched, shop: Path) -> None:
    page = watched.open(shop)
    colour = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(colour)
    page.locator("#theme").click()
    page.locator("#theme").click()
    expect(page.locator("#theme")).to_contain_text("Dark")
    assert page.evaluate(colour) != light
    watched.open(shop)
    expect(page.locator("#theme")).to_contain_text("Dark")


@pytest.mark.parametrize("watched", [{"color_scheme": "light"}, {"color_scheme": "dark"}], ids=["light", "dark"], indirect=True)
def test_on_paper(watched: Watched, shop: Path) -> None:
    page = watched.open(shop, "#exchanges")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)", "paper is white"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    expect(page.locator("#verdict")).to_be_visible()
    expect(page.locator("nav.views")).to_be_hidden()
    expect(page.locator("#view-exchanges")).to_be_hidden()
    assert len(page.pdf()) > 10_000


def test_the_waterfall_has_a_scale(watched: Watched, tmp_path: Path) -> None:
    frames: list[bytes] = []
    for number in range(12):
        frames += captures.exchange(captures.request(b"/" + b"folder/" * 30 + b"name-%d.html?query" % number), captures.response(b"x"),
                                    40_000 + number)
    tcp = wire.Tcp(41_000)
    slow = [*tcp.open(), tcp.frame(0, captures.request(b"/slow"))]
    slow += 3 * slow[-1:]           # sent again, and again
    frames += slow + captures.lookup([b"passing", b"time"]) * 200 + [tcp.frame(1, captures.response(b"y"))]
    report = write(make_report([captures.pcapng(tmp_path / "times.pcapng", frames)]), tmp_path / "times.html")
    page = watched.open(report, "#exchanges")
    expect(page.locator("#view-exchanges .mark")).not_to_have_count(0)
    assert all(re.fullmatch(r"[\d.]+ (ns|µs|ms|s)", mark) for mark in page.locator("#view-exchanges .mark").all_inner_texts())
    page.get_by_label("Waterfall shows").select_option("long")
    row = page.locator("#view-exchanges .row", has_text="/slow")
    expect(row.locator(".track.longer .more")).to_have_text("›")
    expect(row.locator(".tick")).to_have_count(3)       # also where a bar is longer than the scale
    expect(row.locator(".seg.phase-wait")).to_have_count(1)
    first = page.locator("#view-exchanges .row", has_text="/name-3.html?query")
    box, cell = first.locator(".folded span").last.bounding_box(), first.locator(".path").bounding_box()
    assert box is not None
    assert cell is not None
    assert box["x"] + box["width"] <= cell["x"] + cell["width"] + 1, "the end of a long path is in sight"


@pytest.mark.parametrize("watched", [{"java_script_enabled": False}], indirect=True)
def test_without_script(watched: Watched, shop: Path) -> None:
    watched.page.goto(shop.as_uri())
    expect(watched.page.locator("#verdict")).to_be_visible()
    expect(watched.page.locator(".brief").first).to_contain_text("http://shop.test/missing")
    expect(watched.page.get_by_text("need JavaScript")).to_be_visible()


@pytest.mark.parametrize("watched", [{"viewport": {"width": 400, "height": 800}}], indirect=True)
@pytest.mark.parametrize("view", ["overview", "exchanges", "timeline", "sequence", "connections", "dns", "hosts", "statistics"])
def test_nothing_sticks_out_on_a_phone(watched: Watched, shop: Path, view: str) -> None:
    page = watched.open(shop, f"#{view}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    if view == "exchanges":
        page.locator("#view-exchanges .row").first.click()
        expect(page.get_by_role("complementary")).to_be_in_viewport()
        assert page.evaluate("document.documentElement.scrollWidth") <= 400


@pytest.mark.parametrize("watched", [{"viewport": {"width": 400, "height": 800}}], indirect=True)
def test_the_waterfall_runs_below_the_rows_of_a_narrow_table(watched: Watched, shop: Path) -> None:
    page = watched.open(shop, "#exchanges")
    row = page.locator("#view-exchanges .row", has_text="/slow")
    expect(row.locator(".underbar .seg.phase-wait")).to_have_count(1)
    expect(row.locator(".underbar .tick")).to_have_count(1)
    bar, box = row.locator(".underbar").bounding_box(), row.bounding_box()
    assert bar is not None
    assert box is not None
    assert bar["width"] > 300
    assert bar["y"] + bar["height"] <= box["y"] + box["height"]
    expect(page.locator("#view-exchanges .footbar")).to_contain_text(re.compile(r"bars: .*[\d.]+ (µs|ms|s)"))
    page.set_viewport_size({"width": 1000, "height": 800})
    expect(page.locator("#view-exchanges .underbar")).to_have_count(0)
    expect(row.locator(".bars .seg.phase-wait")).to_have_count(1)
    expect(page.locator("#view-exchanges .footbar")).not_to_contain_text("bars:")


SMALL = {"viewport": {"width": 1280, "height": 500}}


@pytest.mark.parametrize("watched", [SMALL | {"color_scheme": "light"}, SMALL | {"color_scheme": "dark"}], ids=["light", "dark"],
                         indirect=True)
def test_axe_finds_nothing_serious(watched: Watched, shop: Path) -> None:
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8")
    page = watched.open(shop)
    page.evaluate(axe)
    # What is dark is the same page in other colours.
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    rules = ["color-contrast", "link-in-text-block", "focus-order-semantics"] if dark else ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
    for view in ("overview", "exchanges", "exchanges?f=http.reponse.code+%3D%3D+404", "exchanges?x=2&t=headers",
                 "exchanges?x=2&t=response", "exchanges?x=7&t=timing",
                 "exchanges?x=7&t=packets", "exchanges?x=2&t=stream", "timeline?p=5", "sequence", "connections", "dns", "servers", "hosts",
                 "statistics", "notes"):
        page.evaluate("(hash) => { location.hash = hash; }", view)
        expect(page.locator(f"#view-{view.partition('?')[0]}")).to_be_visible()
        if "t=" in view:
            expect(page.locator(f"#tab-{view.partition('t=')[2]}")).to_have_attribute("aria-selected", "true")
        found = page.evaluate(f"axe.run({{runOnly: {rules}, resultTypes: ['violations'], preload: false}})")
        if view == "exchanges":
            page.locator("#filter").press_sequentially("http.re")
            page.keyboard.press("ArrowDown")
            expect(page.locator("#filter-proposals [aria-selected=true]")).to_be_visible()
            more = page.evaluate(f"axe.run('.toolbar', {{runOnly: {rules}, resultTypes: ['violations'], preload: false}})")
            found["violations"] += more["violations"]
            page.keyboard.press("Escape")
        serious = [f"{view}: {one['id']}: {one['nodes'][0]['html'][:200]} {one['nodes'][0].get('failureSummary', '')[:300]}"
                   for one in found["violations"] if one["impact"] in ("serious", "critical")]
        assert serious == []


ATTACKS = (
    "<script>alert(1)</script>", "</script><script>alert(2)</script>", '"><img src=http://evil.test/x onerror=alert(3)>',
    "'><svg/onload=alert(4)>", "</title></style></textarea><svg onload=alert(5)>", "javascript:alert(6)", "<!--<script>alert(7)",
    "<style>@import 'http://evil.test/';*{background:url(http://evil.test/b)}</style>", "<base href=http://evil.test/>",
    "<iframe srcdoc='<script>alert(8)</script>'>", "{{constructor.constructor('alert(9)')()}}",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(10)>",
    "<meta http-equiv=refresh content=0;url=http://evil.test>", "\u2028alert(11)\u2029", "<link rel=stylesheet href=//evil.test>")


def attack_capture(path: Path) -> Path:
    """Every field that there is, holding an attack."""
    frames: list[bytes] = []
    for number, attack in enumerate(ATTACKS):
        raw = attack.encode()
        path_raw = raw.replace(b" ", b"/**/")
        svg = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><image href="http://evil.test/i"/><script>alert(1)</script></svg>'
        body, kind = [(raw, b"text/html"), (svg, b"image/svg+xml"), (b'{"' + raw.replace(b'"', b'\\"') + b'": 1}', b"application/json"),
                      (raw, b"text/css"), (b"GIF89a" + raw, b"image/gif"), (b"\0" + raw, b"image/png")][number % 6]
        frames += captures.exchange(
            captures.request(b"/" + path_raw + b"?" + path_raw + b"=" + path_raw,
                             b"User-Agent: " + raw + b"\r\n" + raw.replace(b":", b"") + b": " + raw + b"\r\nCookie: a=" + raw
                             + b"\r\nContent-Type: application/x-www-form-urlencoded\r\n", raw + b"=" + raw,
                             b"POST" if number % 3 else raw.split(b" ")[0][:40], host=path_raw),
            captures.response(body, kind + b";" + raw if number % 2 else kind, b"200 " + raw,
                              b"Location: " + raw + b"\r\nX: " + raw + b"\r\n"),
            40_000 + number)
        boundary = b'--xx\r\nContent-Disposition: form-data; name="' + raw + b'"; filename="' + raw + b'"\r\n\r\n' + raw + b"\r\n--xx--\r\n"
        frames += captures.exchange(captures.request(b"/", b"Content-Type: multipart/form-data; boundary=xx\r\n", boundary, b"POST"),
                                    captures.response(raw, raw, b"500 " + raw), 41_000 + number)
        frames += captures.lookup([raw[:60], b"test"], client_port=42_000 + number)
        frames += wire.conversation([(0, raw), (1, raw)], 43_000 + number, 9999)
    for number, attack in enumerate(ATTACKS):
        raw = attack.encode()
        fields = {b"REQUEST_METHOD": raw, b"REQUEST_URI": b"/" + raw, b"HTTP_HOST": raw}
        frames += captures.scgi(fields, b"Status: 500 " + raw, 44_000 + number)
        frames += captures.http2(
            [(":method", attack), (":path", f"/{attack}"), (":authority", attack), (":scheme", attack), (attack, attack)],
            [(":status", "404"), ("content-type", attack), (attack, attack)], raw, 45_000 + number)
    comment = " ".join(ATTACKS).encode()
    return captures.pcapng(path, frames, comment=comment, packet_comment=comment, interface=ATTACKS[2].encode())


def test_attacks_are_only_text(watched: Watched, tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>'\"&lt;.pcapng"
    report = write(make_report([attack_capture(tmp_path / name)], Options(secrets=True)), tmp_path / "attack.html")
    page = watched.open(report)
    assert name in page.locator("h1").inner_text()
    facts = page.locator(".facts").inner_text()
    assert all(attack in facts for attack in ATTACKS[:3])
    for view in ("timeline", "sequence", "connections", "dns", "servers", "hosts", "statistics", "notes"):
        page.locator(f"#nav-{view}").click()
        expect(page.locator(f"#view-{view}")).to_be_visible()
    page.locator("#nav-exchanges").click()
    seen = ""
    for number in (*range(0, 2 * len(ATTACKS), 2), 1 << 40):
        page.goto(f"{report.as_uri()}#exchanges?x={number}")
        expect(page.locator(".pane-url")).to_be_visible()
        for tab in ("Headers", "Request", "Response", "Packets", "Connection"):
            button = page.get_by_role("tab", name=tab, exact=True)
            if button.count():
                button.click()
                seen += page.locator(".tabpanel").inner_text()
    for attack in ATTACKS:
        assert attack.split("\u2028")[-1].rstrip("\u2029") in seen, attack
    page.locator("#nav-dns").click()
    assert "<script>alert(1)</script>" in page.locator("#view-dns").inner_text()
    page.locator("#nav-timeline").click()
    page.locator("#view-timeline input").fill("onerror")
    expect(page.locator("#view-timeline .row").first).to_contain_text("onerror=alert")
    page.locator("#nav-cgi").click()
    assert ATTACKS[0] in page.locator("#view-cgi").inner_text()
    page.locator("#nav-exchanges").click()
    page.keyboard.press("Escape")
    for written in ("http.host == ", "http.content_type == ", "http.header.", "http.request.method == "):
        page.locator("#filter").fill("")
        page.locator("#filter").press_sequentially(written)
        expect(page.locator("#filter-proposals li").first).to_be_visible()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")            # what is proposed can be used, whatever it holds
        assert page.locator("#filter").input_value() != written
    for attack in ATTACKS:                      # a link to the page can bring an attack, too
        page.evaluate("(text) => { location.hash = `exchanges?f=${encodeURIComponent(text)}&s=${encodeURIComponent(text)}`; }", attack)
        expect(page.locator("#filter")).to_have_value(" ".join(attack.split("\n")))
    page.locator("#filter").fill(f"http.{ATTACKS[0]} == 1")
    page.keyboard.press("Enter")
    expect(page.locator("#filter-problem")).to_contain_text("no field")
    inside = page.evaluate("[...document.querySelectorAll('main *, header *')].map((one) => one.localName)")
    assert not {"script", "iframe", "object", "embed", "base", "link", "style", "math", "form"} & set(inside)
    pictures = page.evaluate("[...document.querySelectorAll('img')].map((one) => one.src)")
    assert all(re.match(r"data:image/(png|gif|jpeg|webp|bmp|avif|x-icon);", source) for source in pictures)


def test_the_folder_works_from_a_server_that_forbids_inline_scripts(browser: Browser, tmp_path: Path) -> None:
    page_made, _ = make_report([captures.shop(tmp_path / "shop.pcapng")])
    folder = tmp_path / "page"
    folder.mkdir()
    for name, content in page_made.folder():
        (folder / name).write_bytes(b"".join(content))

    class Strict(SimpleHTTPRequestHandler):
        def end_headers(self) -> None:
            self.send_header("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:")
            super().end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Strict, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        wrong: list[str] = []
        page.on("console", lambda message: wrong.append(message.text))
        for address in (f"http://127.0.0.1:{server.server_address[1]}/index.html", (folder / "index.html").as_uri()):
            page.goto(f"{address}#exchanges")
            page.wait_for_selector("html[data-ready]", state="attached")
            expect(page.locator("#view-exchanges .row")).to_have_count(8)
        page.close()
        server.shutdown()
    assert wrong == []


def test_thousands_of_rows(watched: Watched, tmp_path: Path) -> None:
    frames: list[bytes] = []
    for client in range(10):
        tcp = wire.Tcp(40_000 + client)
        frames += tcp.open()
        for number in range(100):
            frames += [tcp.frame(0, captures.request(b"/%d/%d" % (client, number))), tcp.frame(1, captures.response(b"x" * number))]
        frames += tcp.close()
    report = write(make_report([captures.pcapng(tmp_path / "many.pcapng", frames)]), tmp_path / "many.html")
    page = watched.open(report, "#exchanges")
    expect(page.locator("#filter-state")).to_contain_text("1,000 of 1,000")
    assert page.locator("#view-exchanges .row").count() < 80, "only what is seen exists"
    page.locator("#view-exchanges .grid").focus()
    page.keyboard.press("End")
    expect(page.locator("#view-exchanges .row.active")).to_contain_text("/9/99")
    page.keyboard.press("Home")
    expect(page.locator("#view-exchanges .row.active")).to_contain_text("/0/0")
    took = page.evaluate("performance.getEntriesByType('paint').find((one) => one.name === 'first-contentful-paint').startTime")
    assert took < 5_000
