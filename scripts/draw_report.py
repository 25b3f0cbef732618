"""Make reports/example.html from captures/, and docs/report-*.png from it.

    python scripts/draw_report.py
"""

import shutil
import sys
from pathlib import Path

from sniff.reports import Options, make_report

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "reports/example.html"
CAPTURES = ["nginx-keepalive.pcap", "nginx-gzip.pcap", "nginx-methods.pcap", "nginx-errors.pcap", "nginx-parallel.pcapng",
             "nginx-lossy.pcap", "python-forms.pcap", "python-slow.pcap", "browse.pcapng"]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PICTURES = (
    ("report", "light", "#overview", (1280, 800)), ("report-dark", "dark", "#overview", (1280, 800)),
    ("report-exchanges", "light", "#exchanges?x=45&t=timing", (1280, 800)),
    ("report-exchanges-dark", "dark", "#exchanges?x=45&t=timing", (1280, 800)),
    ("report-sequence", "light", "#sequence?stream=25", (1280, 560)), ("report-sequence-dark", "dark", "#sequence?stream=25", (1280, 560)),
    ("report-phone", "light", "#overview", (400, 800)), ("report-phone-dark", "dark", "#exchanges", (400, 800)),
)
"""(name, colours, what is shown, size in pixels)."""


def make_example() -> None:
    """Write the example."""
    page, _ = make_report([ROOT / "captures" / name for name in CAPTURES], Options(title="A minute in lab.test"))
    EXAMPLE.write_bytes(b"".join(page.one_file()))


def draw() -> None:
    """Take the pictures."""
    from playwright.sync_api import sync_playwright
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        sys.exit("no Chromium to draw with")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        for name, colours, fragment, (width, height) in PICTURES:
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=colours, timezone_id="UTC")
            page.goto(EXAMPLE.as_uri() + fragment)
            page.wait_for_selector("html[data-ready]", state="attached")
            page.screenshot(path=ROOT / f"docs/{name}.png")
            page.close()
        browser.close()


if __name__ == "__main__":
    make_example()
    draw()
