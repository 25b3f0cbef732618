"""The filters of the page: its language beside `sniff -Y`, its regular expressions beside Python's, its mistakes, its box."""

import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

import sniff
from sniff.filters.fields.table import find
from sniff.report.html.page import SCRIPTS, asset
from sniff.reports import make_report
from tests.report import html_captures as captures
from tests.report.test_html_browser import BROWSERS

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]

HARNESS = """(async () => {
  %s
  await prepare();
  await packets();
  report.details = await allDetails();
  const tables = {exchanges: [exchangeFields, report.count, (i) => report.core.exchanges.first[i]],
    packets: [packetFields, report.packets.no.length, (row) => report.packets.no[row]]};
  for (const view of [connectionsView, dnsView, serversView, hostsView, notesView]) tables[view.id] = [view.schema, view.count(), (i) => i];
  globalThis.choose = (table, text) => {
    const [schema, count, name] = tables[table];
    try {
      const {test} = compile(text, schema());
      return [...Array(count).keys()].filter((row) => !test || test(row)).map(name);
    } catch (error) {
      if (!(error instanceof FilterError)) throw error;
      return {message: error.message, at: error.at, end: error.end, instead: error.instead || ""};
    }
  };
  globalThis.fieldsOf = (table) => Object.keys(tables[table][0]().fields);
  globalThis.found = (pattern, texts) => {
    try {
      const one = new Pattern(pattern);
      return texts.map((text) => one.test(text));
    } catch (error) {
      return String(error.message);
    }
  };
})()"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("there is no Chromium: scripts/install_tools.sh test")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


def harness(browser: Browser, path: Path) -> Page:
    """A page with the script of the report of a capture in it, and what tests want to ask."""
    page = browser.new_page()
    page.set_content('<p id="said"></p>')
    made, _ = make_report([path])
    page.evaluate("(blocks) => { globalThis.sniffData = blocks; }", {name: packed.decode() for name, packed in made.blocks.items()})
    page.evaluate(HARNESS % "\n".join(asset(name) for name in SCRIPTS if name != "app.js"))
    return page


@pytest.fixture(scope="module")
def shop_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return captures.shop(tmp_path_factory.mktemp("shop") / "shop.pcapng")


@pytest.fixture(scope="module")
def shop(browser: Browser, shop_path: Path) -> Iterator[Page]:
    page = harness(browser, shop_path)
    yield page
    page.close()


def chosen(page: Page, table: str, text: str) -> Any:
    return page.evaluate("([table, text]) => choose(table, text)", [table, text])


COUNTS = {
    "exchanges": [
        ("", 8), ("http.response.code >= 400", 2), ("http.response.code ge 400 and http.response.code lt 500", 1),
        ("400 <= http.response.code", 2), ("http.response.code", 7), ("!http.response.code", 1), ("not http.response", 1),
        ("http.response.code == 4xx", 1), ("status != 200", 3), ("http.response.code in {404, 503}", 2),
        ("http.response.code in {200..299}", 5), ("http.response.code not in {200 201}", 3),
        ("http.request.method == \"POST\"", 1), ("http.request.method == POST", 1), ("http.request.method == \"post\"", 0),
        ("method: post", 1), ("lower(http.request.method) == \"post\"", 1), ("len(http.request.method) > 3", 1),
        ("http.request.method in {\"POST\", \"PUT\"}", 1), ("http.host == \"api.test\"", 1), ("http.host contains \"api\"", 1),
        ("http.host contains API", 0), ("http.host matches \"^API\\\\.\"", 1), ("http.host ~ \"^(shop|api)\\.test$\"", 8),
        ("http.host == shop.test && (http.request.uri == \"/\" || http.request.uri contains \"api\")", 2),
        ("http.request.uri.query == \"page=2\"", 1), ("http.request.uri.path matches \"/items$\"", 1),
        ("http.request.full_uri == \"http://shop.test/logo.png\"", 1), ("http.content_type == \"application/json\"", 1),
        ("http.header.accept", 1), ("http.header.accept contains \"json\"", 1), ("http.accept", 1),
        ("not http.header.accept and not error", 4), ("http.header.X-Nothing", 0), ("http.content_length > 40", 3),
        ("header: accept", 1), ("body: welcome", 1), ("http.file_data contains \"Welcome\"", 1),
        ("http.request.version == \"HTTP/1.1\"", 8), ("http.response.phrase == \"Not Found\"", 1), ("ip.addr == 10.0.0.1", 8),
        ("ip.src == 10.0.0.2", 0), ("ip.dst == 10.0.0.0/24", 8), ("ip.addr != 10.0.0.0/8", 0), ("ip.addr == 192.168.0.0/16", 0),
        ("ip.src == ip.dst", 0), ("ipv6.addr", 0), ("ip.addr in {10.0.0.2, 10.0.0.3}", 8), ("tcp.port == 80", 8),
        ("tcp.port in {40001..40001}", 7), ("tcp.srcport > tcp.dstport", 8), ("tcp.dstport == 80 and tcp.stream == 1", 1),
        ("http2", 0), ("http", 8), ("http == 1", 8), ("http.request == false", 0), ("sniff.duration > 1ms", 3),
        ("sniff.wait >= 0.001", 8), ("sniff.wait > 10s", 0), ("wait > 1h", 0), ("sniff.state == \"aborted\"", 1),
        ("state == aborted", 1), ("sniff.retransmissions", 1), ("sniff.retransmissions >= 1", 1), ("retransmissions", 1),
        ("size >= 256b", 1), ("size > 1kB", 0), ("sniff.request.body_bytes > 0", 1), ("error", 3), ("error or logo", 4),
        ("logo", 1), ("\"logo\"", 1), ("error xor status: 404", 2), ("error ^^ logo", 4), ("not (error or logo)", 4),
        ("host: api", 1), ("host:api", 1), ("host: \"api\"", 1), ("type: json or type: png", 2),
        ("not host: api and status: 2xx", 5), ("shop.test/order", 1), ("any tcp.port == 80", 8), ("all tcp.port == 80", 0),
        ("http.host[0:3] == \"api\"", 1), ("http.host[0:3] == \"sho\"", 7), ("http.host[:3] == 61:70:69", 1),
        ("http.host[-4:] == \".test\"", 0), ("http.host[-5:] == \".test\"", 8), ("http.host[0-2] == \"api\"", 1),
        ("http.host[0,2] == \"ai\"", 1), ("http.host[0:3, 4] == \"apit\"", 1), ("http.host[20]", 0),
        ("lower(http.host)[0:3] == \"api\"", 1), ("http.host[0:4][1:2] == \"pi\"", 1), ("len(http.host[1:]) == 7", 1),
        ("ip.src[0:2] == 0a:00", 8), ("ip.src[3] == 01", 8), ("http.host[0:3] contains \"p\"", 1),
        ("http.host[0:3] in {\"api\", \"xyz\"}", 1), ("http.response.code - 400 >= 0", 2), ("http.response.code + 1 == 405", 1),
        ("http.response.code / 100 == 4", 1), ("http.response.code % 100 == 4", 1), ("2 * http.response.code == 808", 1),
        ("405 == http.response.code + 1", 1), ("http.response.code == 400 + 4", 1), ("tcp.dstport + 1 < tcp.srcport", 8),
        ("tcp.srcport > tcp.dstport * 100 + 1", 8), ("http.response.code & 1", 2), ("http.response.code / 0 == 1", 0),
        ("http.response.code - 2 * 2 == 400", 1), ("sniff.wait + 1s > 1s", 8), ("sniff.wait * 2 > 10s", 0),
        ("len(http.host) - 1 == 7", 1), ("logo + x", 0),
        ("count(ip.addr) == 2", 8), ("80 == tcp.port", 8), ("in", 3), ("HTTP.HOST == \"api.test\"", 1)],
    "connections": [
        ("", 4), ("tcp", 3), ("udp", 1), ("tcp.port == 8080", 1), ("tcp.dstport == 80", 2), ("udp.port == 53", 1),
        ("refused", 1), ("end: reset", 1), ("retransmissions", 1), ("sniff.retransmissions == 1", 1),
        ("ip.dst == 10.0.0.2/31", 4), ("duration > 5ms", 1), ("bytes > 20 and bytes < 1kB", 2), ("stream == 1", 1)],
    "dns": [
        ("", 1), ("dns.qry.name == \"shop.test\"", 1), ("dns.qry.type == 1", 1), ("dns.qry.type == A", 1), ("type == aaaa", 0),
        ("dns.flags.rcode == 0", 1), ("status: noerror", 1), ("dns.flags.rcode != 0", 0), ("dns.a == 10.0.0.2", 1),
        ("dns.a == 10.0.0.0/8", 1), ("dns.time > 0.5ms", 1), ("error", 0), ("dns and not mdns", 1), ("shop", 1)],
    "servers": [
        ("", 2), ("failed", 2), ("requests > 5", 1), ("api", 1)],
    "hosts": [
        ("", 2), ("ip.addr == 10.0.0.2", 1), ("port == 80", 1), ("client", 1), ("10.0.0", 2)],
    "notes": [
        ("", 0), ("comment", 0)]}


@pytest.mark.parametrize("table", COUNTS)
def test_how_many_rows_a_filter_chooses(shop: Page, table: str) -> None:
    results = shop.evaluate("([table, texts]) => texts.map((text) => choose(table, text))", [table, [text for text, _ in COUNTS[table]]])
    wrong = {text: result for (text, count), result in zip(COUNTS[table], results, strict=True)
             if not isinstance(result, list) or len(result) != count}
    assert wrong == {}


PACKETS = (
    "tcp", "udp", "dns", "http", "frame.number <= 10", "frame.len > 100", "frame.len in {60..80}", "tcp.stream == 0",
    "tcp.stream > 0", "udp.stream == 0", "ip.src == 10.0.0.1", "ip.dst == 10.0.0.1", "ip.addr == 10.0.0.0/30",
    "ip.addr != 10.0.0.1", "tcp.port == 80", "tcp.srcport == 80", "tcp.dstport == 8080", "udp.port == 53",
    "tcp.port in {40001, 40002}", "frame.time_relative > 0.01", "tcp.analysis.retransmission", "tcp.analysis.flags",
    "tcp.analysis.retransmission || tcp.analysis.duplicate_ack", "sniff.direction == 1", "not tcp",
    "frame.len - 20 > 60", "frame.len + 1 == 61", "frame.number % 2 == 1", "frame.len * 2 / 3 < 50", "frame.len & 1 == 1",
    "ip.src[0:2] == 0a:00", "ip.src[3] == 01", "tcp.srcport > tcp.dstport + 1",
    "tcp and not http and frame.len > 60", "(tcp.port == 80 and ip.src == 10.0.0.1) or dns", "udp xor dns")
EXCHANGES = (
    "http.response.code >= 400", "http.response.code == 404", "http.response.code in {200, 201}",
    "http.request.method == \"POST\"", "http.host == \"api.test\"", "http.host contains \"shop\"", "http.host matches \"^API\"",
    "http.request.uri contains \"/api\"", "http.request.uri matches \"\\\\.png$\"", "http.request.full_uri contains \"order\"",
    "http.header.accept", "http.accept", "http.content_type contains \"json\"", "ip.addr == 10.0.0.0/8",
    "ip.addr == 10.1.0.0/16", "tcp.port == 80", "tcp.port == 8080", "http.response.code and sniff.duration > 0.0015",
    "http.response.code and sniff.wait > 0.0005", "http.response.phrase == \"Not Found\"", "http.user_agent",
    "http.host[0:3] == \"api\"", "http.host[-5:] == \".test\"", "http.host[:1] == \"s\"", "http.host[0-2,4] == \"apit\"",
    "http.response.code - 400 >= 0", "http.response.code / 100 == 4", "http.response.code % 100 == 4",
    "lower(http.host) == \"api.test\"", "http.response.code and sniff.retransmissions > 0", "sniff.state == \"complete\"")


def test_the_same_as_the_command_line(browser: Browser, shop: Page, shop_path: Path) -> None:
    for path in (shop_path, ROOT / "captures/browse.pcapng", ROOT / "captures/nginx-lossy.pcap"):
        page = shop if path == shop_path else harness(browser, path)
        capture = sniff.read(path)
        wrong = {}
        for text in PACKETS:
            ours = [packet.number for packet in capture.filter(text).packets]
            if (theirs := chosen(page, "packets", text)) != ours:
                wrong[text] = (theirs, ours)
        for text in EXCHANGES if "lossy" not in path.name else ():      # a row shows no message where packets came out of order
            ours = sorted(exchange.messages[0].first_packet for exchange in capture.filter(text).exchanges)
            if (theirs := chosen(page, "exchanges", text)) != ours and sorted(theirs) != ours:
                wrong[text] = (theirs, ours)
        assert wrong == {}, path


MISTAKES = (
    ("http.reponse.code >= 400", "did you mean http.response.code?", "http.reponse.code"),
    ("statsu >= 400", "did you mean status?", "statsu"), ("error and tcp.strem == 1", "did you mean tcp.stream?", "tcp.strem"),
    ("http.respnse", "no field 'http.respnse' here", "http.respnse"),
    ("http.response.code >=", "what should http.response.code be compared with?", ">="),
    ("http.response.code >= many", "'many' is no number", "many"), ("sniff.wait > soon", "'soon' is no duration", "soon"),
    ("sniff.wait > 3 parsecs and", "something is missing at the end", ""),
    ("ip.addr == 10.0.0.300", "'10.0.0.300' is no IPv4 address", "10.0.0.300"),
    ("ip.addr == 10.0.0.0/33", "is no IPv4 address", "10.0.0.0/33"), ("ip.addr == fe80::1", "is no IPv4 address", "fe80::1"),
    ("ipv6.addr == 10.0.0.1", "is no IPv6 address", "10.0.0.1"), ("(error", "a ) is missing here", ""),
    ("error)", "')' was not expected here", ")"),
    ("http.host matches \"(\"", "no regular expression: a ( is not closed", "\"(\""),
    ("http.host matches \"(?=x)\"", "no regular expression: looking ahead", "\"(?=x)\""),
    ("http.host matches \"(a)\\1\"", "back references", "\"(a)\\1\""), ("http.host == \"api", "no closing quote", "\"api"),
    ("http.response.code in 200", "'in' needs a set in braces", "200"),
    ("http.response.code in {200", "a } is missing here", ""),
    ("tcp.port contains 80", "tcp.port is a number; 'contains' looks into texts", "tcp.port"),
    ("== 200", "a field is needed before '=='", "=="), ("error or or slow", "'or' was not expected here", "or"),
    ("lower(tcp.port) == 1", "lower() takes a text", "tcp.port"),
    ("(" * 160, "nested more than 60 levels deep", "("),
    ("http.host[0:0] == x", "the length of a slice is at least 1", "[0:0]"), ("http.host[3-1] == x", "ends before it begins", "[3-1]"),
    ("tcp.port[0:1] == x", "only texts and addresses have slices", "[0:1]"), ("http.host[] == x", "is no range", "[]"),
    ("http.host + 1 == 2", "http.host is a text; '+' needs numbers", "http.host"), ("tcp.port + > 2", "is needed after '+'", ">"),
    ("tcp.port +", "is needed after '+'", "+"), ("tcp.port + http.host > 2", "'+' needs numbers", "http.host"),
    ("tcp.port + many > 2", "'many' is no number", "many"), ("tcp.port" + " + 1" * 200 + " > 1", "more than 100 operations", "+"),
    ("http.request == maybe", "neither true nor false", "maybe"), ("words = here", "stands in double quotes", "words"))


def test_a_mistake_has_a_place(shop: Page) -> None:
    for text, words, part in MISTAKES:
        found = chosen(shop, "exchanges", text)
        assert isinstance(found, dict), text
        assert words in found["message"], (text, found)
        assert text[found["at"]:found["end"]] == part, (text, found)


def test_names_of_objects_are_no_fields(shop: Page) -> None:
    for name in ("constructor", "__proto__", "toString", "hasOwnProperty"):
        for text in (name, f"{name}: x", f"not {name}"):
            assert isinstance(chosen(shop, "exchanges", text), list)
        assert isinstance(chosen(shop, "exchanges", f"{name} == 1"), dict)
        assert isinstance(chosen(shop, "exchanges", f"http.header.{name}"), list)


def test_fields_are_called_as_on_the_command_line(shop: Page) -> None:
    wiresharks = {"_ws.col.info", "_ws.col.protocol", "dns.answers", "http.file_data", "http.header", "http2", "tcp.analysis.initial_rtt"}
    for table in ("exchanges", "packets", "connections", "dns", "servers", "hosts", "notes"):
        names = {name for name in shop.evaluate("(table) => fieldsOf(table)", table) if find(name) is None}
        assert {name for name in names if not name.startswith("sniff.")} <= wiresharks


def test_every_field_can_be_asked_for(shop: Page) -> None:
    for table in ("exchanges", "packets", "connections", "dns", "servers", "hosts", "notes"):
        for name in shop.evaluate("(table) => fieldsOf(table)", table):
            assert isinstance(chosen(shop, table, name), list), name
            assert isinstance(chosen(shop, table, f"count({name}) >= 0"), list), name


TEXTS = (
    "", "a", "abc", "ABC", "aab", "foo.bar", "foo-bar baz", "x\ny", "line\n", "2026-11-22", "www.Example.COM",
    "\xe9t\xe9 \u041c\u043e", "__init__", "a{2}", "tab\there", "[x]", "0.5", "aaaaaaaaab")
PATTERNS = (
    "", "a", "abc", "^abc$", "a|b", "^(a|b)+$", "a*b", "a+?b", "a{2}", "a{2,}", "a{0,3}b", "^.{3}$", "[abc]+", "[^a-c]",
    "[a-c-]", "[]x]", "[\\w.-]+$", "\\d{4}-\\d\\d", "\\bbar\\b", "\\Bbar", "\\.", "foo.bar", "foo\\.bar", "(?:foo|www)\\.",
    "(?-i)abc", "(?i)ABC", "(?s)x.y", "x.y", "(?m)^y", "(?m)x$", "line$", "\\s", "\\S+\\s\\S+", "[\\s]", "[^\\s]+", "\\x61b",
    "\\u00e9", "\xc9T\xc9", "\u043c\u043e", "[\u0410-\u042f]", "^$", "a{2}b", "\\{2\\}", "[{]2", "(a(b(c)?)?)?$", "(|a)+c",
    "(a*)*b", "(?P<name>b)c", "\\A2026", "\\W", "[\\W]", "[^\\W]+_", "x{0}y", "\\t", "[.]5", "a\\Z")


def test_regular_expressions_beside_pythons(shop: Page) -> None:
    generator = random.Random(7)
    pieces = ("a", "b", ".", "\\w", "[ab]", "[^a]", "(a|bc)", "(?:ab)", "x", "\\b", "^", "$", "\\d", "o", "-")
    made = []
    for _ in range(300):
        parts = [generator.choice(pieces) for _ in range(generator.randint(1, 5))]
        made.append("".join(part + (generator.choice(("", "", "*", "+", "?", "{1,2}")) if part not in ("^", "$", "\\b") else "")
                            for part in parts))
    for pattern in (*PATTERNS, *made):
        flags = re.ASCII if re.search(r"\\[wWbBsSdD]", pattern) else 0
        theirs = re.compile(pattern.removeprefix("(?-i)"), flags | (0 if pattern.startswith("(?-i)") else re.IGNORECASE))
        expected = [theirs.search(text) is not None for text in TEXTS]
        assert shop.evaluate("([pattern, texts]) => found(pattern, texts)", [pattern, list(TEXTS)]) == expected, pattern


def test_regular_expressions_take_linear_time(shop: Page) -> None:
    for pattern in ("(a+)+$", "(a|a)*b", "(a|aa)+$", "(.*)*x", "(.*a){12}$", ".*.*.*.*=", "(\\w+\\s?)+!", "^(([a-z])+.)+[A-Z]([a-z])+$"):
        assert shop.evaluate("(pattern) => found(pattern, ['a'.repeat(100000) + '!'])", pattern) in ([True], [False])
    for pattern in ("(a{100}){100}", "(" * 100 + ")" * 100, "a{9999}{9999}", "[", "a{2,1}", "*", "\\", "(?<!a)b", "\\k<x>", "[z-a]"):
        assert isinstance(shop.evaluate("(pattern) => found(pattern, ['a'])", pattern), str), pattern


# --- the box ------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, shop_path: Path) -> Path:
    path = tmp_path_factory.mktemp("report") / "shop.html"
    path.write_bytes(b"".join(make_report([shop_path])[0].one_file()))
    return path


@pytest.fixture
def page(browser: Browser, report: Path) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 700})
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{report.as_uri()}#exchanges")
    page.wait_for_selector("html[data-ready]", state="attached")
    yield page
    page.close()
    assert wrong == []


def test_the_box_proposes(page: Page) -> None:
    box, options = page.locator("#filter"), page.locator("#filter-proposals li")
    box.focus()
    page.keyboard.press("ArrowDown")
    expect(options.first).to_be_visible()          # examples
    page.keyboard.press("Escape")
    expect(options.first).to_be_hidden()
    page.keyboard.type("http.resp")
    expect(box).to_have_attribute("aria-expanded", "true")
    expect(options).to_contain_text(["http.response", "http.response.code"])
    expect(page.locator("#filter-problem")).to_be_hidden()      # it is still being written
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(box).to_have_attribute("aria-activedescendant", "filter-proposals-1")
    page.keyboard.press("Enter")
    expect(box).to_have_value("http.response.code ")
    expect(options.first).to_contain_text("==")
    page.keyboard.type("== ")
    expect(options).to_contain_text(["200", "201", "404", "503"])
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(box).to_have_value("http.response.code == 503 ")
    page.keyboard.press("Enter")
    expect(page.locator("#view-exchanges .row")).to_have_count(1)
    expect(page.locator("#view-exchanges .grid")).to_be_focused()
    assert "f=http.response.code+%3D%3D+503" in page.url


def test_the_box_points_at_mistakes(page: Page) -> None:
    box, problem = page.locator("#filter"), page.locator("#filter-problem")
    box.fill("error and http.reponse.code == 404")
    page.keyboard.press("Enter")
    expect(problem).to_contain_text("did you mean http.response.code?")
    expect(problem.locator("mark")).to_have_text("http.reponse.code")
    expect(box).to_have_attribute("aria-invalid", "true")
    problem.get_by_role("button", name="Use http.response.code").click()
    expect(box).to_have_value("error and http.response.code == 404")
    expect(problem).to_be_hidden()
    expect(page.locator("#view-exchanges .row")).to_have_count(1)


@pytest.mark.parametrize(("view", "text", "count"), [
    ("timeline", "tcp.analysis.retransmission", 1), ("timeline", "http.response.code == 404", 2),
    ("connections", "tcp.port == 8080", 1), ("dns", "dns.a == 10.0.0.0/8", 1),
    ("servers", "http.host matches \"^api\"", 1), ("hosts", "ip.addr == 10.0.0.2", 1), ("notes", "packet > 1", 0)])
def test_every_table_has_one(page: Page, view: str, text: str, count: int) -> None:
    page.locator(f"#nav-{view}").click()
    page.locator(f"#view-{view} input[type=search]").fill(text)
    expect(page.locator(f"#view-{view} .row")).to_have_count(count)
    page.locator(f"#view-{view} input[type=search]").fill("http.hots == 1")
    expect(page.locator(f"#view-{view} .filter-problem")).to_contain_text("no field 'http.hots' here")
