"""`--format csv`: rows with commas between the cells, which a spreadsheet opens and does not obey.

The first line names the columns. Cells are quoted as RFC 4180 says, lines end in CR LF. A cell that a spreadsheet would take for
a formula, because it begins with one of = + - @ or a control character, gets an apostrophe in front and is quoted (OWASP, CSV
injection); a plain number is none and stays as it is.
"""

import re
from collections.abc import Iterable

from sniff.report.formats import Sink, Step
from sniff.report.lines import TabsLines, cells_of, parts_of
from sniff.report.summary import Summary

HEADERS = ("No.", "Time", "Source", "Destination", "Protocol", "Length", "Info")

_PLAIN = re.compile(r"[A-Za-z0-9(\[][A-Za-z0-9 .:/()\[\]_*<>{}→#&%?!$~^|'=+@;\\-]*(?<! )").fullmatch
"""Most cells: no formula, and nothing that needs quotes."""
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?").fullmatch
_SPECIAL = re.compile(r'[",\r\n\t\0]|^\s|\s$').search
_FORMULA = tuple("=+-@\t\r\n\0|%")
_FULLWIDTH = tuple("＝＋－＠")     # some spreadsheets read these as their narrow twins


def cell(text: str) -> str:
    """A text as one cell."""
    if _PLAIN(text) or _NUMBER(text) or not text:
        return text
    if text.lstrip(" \u00a0\ufeff").startswith(_FORMULA + _FULLWIDTH):
        return '"\'' + text.replace('"', '""') + '"'
    return f'"{text.replace(chr(34), chr(34) * 2)}"' if _SPECIAL(text) else text


def line(cells: Iterable[str]) -> str:
    """Some texts as one line, with its line end."""
    return f"{','.join(map(cell, cells))}\r\n"


class CsvWriter:
    """Writes rows."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._lines = TabsLines()
        self._sink.write(line(HEADERS).encode())

    def write(self, step: Step) -> None:
        """Write the rows of one step."""
        for part in parts_of(step.rows) if step.rows is not None else ():
            self._sink.write("".join(map(line, cells_of(part, self._lines))).encode("utf-8", "replace"))

    def end(self, summary: Summary) -> None:
        """Nothing is left."""
