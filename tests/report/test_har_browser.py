"""HAR files in the importer of Chromium's developer tools: what its network panel would show."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from sniff.pipeline import Analysis
from sniff.report.formats import FORMATS, Options

pytestmark = pytest.mark.browser

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CAPTURES = Path(__file__).parents[2] / "captures"

IMPORT = """async log => {
    const har = await import('devtools://devtools/bundled/models/har/har.js');
    const root = new har.HARFormat.HARRoot(log);
    return har.Importer.Importer.requestsFromHARLog(root.log).map(request => ({
        url: request.url(), status: request.statusCode, method: request.requestMethod, type: request.mimeType,
        size: request.resourceSize, seconds: request.duration, address: request.remoteAddress(),
        headers: request.responseHeaders.length}));
}"""
"""What the button `Import HAR file` of the network panel does with a file."""


@pytest.fixture(scope="module")
def tools() -> Iterator[Page]:
    """The developer tools, as a page of their own."""
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("there is no Chromium: scripts/install_tools.sh test")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.set_default_timeout(60_000)
        page.goto("devtools://devtools/bundled/devtools_app.html", wait_until="commit")
        yield page
        browser.close()


def har_of(path: Path) -> dict:
    """The HAR of a capture."""
    written: list[bytes] = []

    class Sink:
        def write(self, data: bytes | memoryview) -> None:
            written.append(bytes(data))

    analysis = Analysis([str(path)], rows=False, bodies=True)
    with analysis.source:
        writer = FORMATS["har"].make(Sink(), Options(notes=analysis.notes, counters=analysis.counters))
        for step in analysis:
            writer.write(step)
        writer.end(None)
    return json.loads(b"".join(written))


@pytest.mark.parametrize("name", sorted(path.name for path in CAPTURES.glob("*.pcap*")))
def test_developer_tools_import_it(tools: Page, name: str) -> None:
    log = har_of(CAPTURES / name)
    shown = tools.evaluate(IMPORT, log)
    entries = sorted(log["log"]["entries"], key=lambda entry: entry["startedDateTime"][:23])    # to the millisecond, as they do
    assert [(one["method"], one["status"]) for one in shown] == [(one["request"]["method"], one["response"]["status"])
                                                                 for one in entries]
    for one, entry in zip(shown, entries, strict=True):
        assert one["url"] == entry["request"]["url"]
        size = entry["response"]["content"]["size"]
        assert one["seconds"] >= 0 and (one["size"] == size or not size)    # without a body it goes by what the header claims
        assert one["headers"] == len(entry["response"]["headers"])
        assert one["address"].endswith(f":{entry['_sniff']['tcp.dstport']}") and entry["serverIPAddress"] in one["address"]
