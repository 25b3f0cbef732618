"""The page: template, style, scripts and data put together into one file, or into a folder.

The browser is told to run nothing but this page's own script and style, by their hashes, and to load nothing from anywhere.
What is embedded as data is compressed JSON in elements that are never executed.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any

from sniff.report.message import printable

SCRIPTS = ("base.js", "data.js", "regex.js", "filter.js", "fields.js", "filterbox.js", "grid.js", "exchanges.js", "detail.js",
           "timeline.js", "tables.js", "statistics.js", "app.js")
"""Parts of the page's script, in the order in which they are joined."""

LEVEL = 6
"""zlib's: higher levels take three times as long for a tenth."""


@dataclass(slots=True)
class Page:
    """What a page is made of.

    title    shown and in the title bar
    body     HTML of the part that needs no script
    blocks   {name: value} that becomes JSON; the page reads `core` at once and the others when they are needed
    """

    title: str
    body: str
    blocks: dict[str, bytes] = field(default_factory=dict)

    def add(self, name: str, value: Any) -> int:
        """Embed a value; how many bytes of the page that takes."""
        packed = self.blocks[name] = pack(value)
        return len(packed)

    def one_file(self) -> Iterator[bytes]:
        """The whole page as one file."""
        script, style = asset_script(), asset("style.css")
        policy = (f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; img-src data: blob:; "
                  "base-uri 'none'; form-action 'none'")
        yield from self._head(policy, f"<style>{style}</style>")
        yield self.body.encode("utf-8", "replace")
        for name, packed in self.blocks.items():
            yield f'\n<script type="application/octet-stream" id="data-{name}">'.encode()
            yield packed
            yield b"</script>"
        yield f"\n<script>{script}</script>\n</body>\n</html>\n".encode()

    def folder(self) -> Iterator[tuple[str, Iterable[bytes]]]:
        """(name, content) of the files of a folder: nothing is inline, so a server may forbid that."""
        policy = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src data: blob:; base-uri 'none'; "
                  "form-action 'none'")
        tail = '\n<script src="data.js"></script>\n<script src="report.js"></script>\n</body>\n</html>\n'
        yield "index.html", [*self._head(policy, '<link rel="stylesheet" href="style.css">'),
                             self.body.encode("utf-8", "replace"), tail.encode()]
        yield "style.css", [asset("style.css").encode()]
        yield "report.js", [asset_script().encode()]
        yield "data.js", self._data_script()

    def _data_script(self) -> Iterator[bytes]:
        yield b"globalThis.sniffData={\n"
        for name, packed in self.blocks.items():
            yield f'"{name}":"'.encode() + packed + b'",\n'
        yield b"};\n"

    def _head(self, policy: str, style: str) -> Iterator[bytes]:
        from html import escape
        yield (f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
               f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
               '<meta name="referrer" content="no-referrer">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n'
               '<meta name="color-scheme" content="light dark">\n'
               '<link rel="icon" href="data:,">\n'
               f"<title>{escape(printable(self.title))}</title>\n{style}\n</head>\n<body>\n").encode("utf-8", "replace")


def pack(value: Any) -> bytes:
    """A value as a block of the page: JSON, compressed, in Base64."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode("utf-8", "replace"), LEVEL))


def asset(name: str) -> str:
    """A file of this package."""
    return files("sniff.report.html").joinpath("assets", name).read_text("utf-8")


@lru_cache(1)
def asset_script() -> str:
    """The page's script: its parts in one function, so that nothing of it is global."""
    parts = "\n".join(asset(name) for name in SCRIPTS)
    return f'"use strict";\n(() => {{\n{parts}\n}})();\n'


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
