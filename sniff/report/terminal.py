"""The timeline at a terminal: Wireshark's colours, the width of the window, rows as they come.

rich says what the terminal can do and turns colours into its codes; rows are laid out here, a few microseconds each,
because a capture has more of them than a rich Table is made for. Nothing from the wire reaches the terminal unless it
is printable: everything else is written out as an escape.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from rich.cells import cell_len, set_cell_size
from rich.color import ColorSystem
from rich.console import Console
from rich.style import Style

from sniff.report.colors import COLORS, Rule, rules_of
from sniff.report.formats import Sink, Step
from sniff.report.lines import TabsLines, cells_of, parts_of
from sniff.report.process import Processes
from sniff.report.process import text as process_text
from sniff.report.rows import RowBatch
from sniff.report.summary import Summary

NO, TIME, SOURCE, DESTINATION, PROTOCOL, LENGTH, INFO, PROCESS = range(8)
HEADERS = ("No.", "Time", "Source", "Destination", "Protocol", "Length", "Info", "Process")
SHORT_HEADERS = ("No.", "Time", "Source", "Dest.", "Proto", "Len", "Info", "Process")

ROOMY = 110
"""From this width on, headers are spelled out and address cells leave room for the longest IPv4 address."""
INFO_SHARE = 3
"""Addresses are shortened before Info has less than a third of the width."""
INFO_LEAST = 16
"""Columns are left out before Info has less than this."""
PROCESS_SHARE = 4
"""Who talks to whom takes at most a quarter of the width."""
ADDRESS_LEAST = 15
"""Cells of the longest IPv4 address: addresses are never made shorter."""

SYSTEMS = {"standard": ColorSystem.STANDARD, "256": ColorSystem.EIGHT_BIT, "truecolor": ColorSystem.TRUECOLOR,
           "windows": ColorSystem.WINDOWS}

NARROW = re.compile("[ -~\xa1-\xac\xae-\u02ff→…]*").fullmatch
"""Whether every character takes one cell, for the texts that nearly all rows consist of. rich knows the others."""

UNPRINTABLE = re.compile(r"[^ -~]")


def printable(text: str) -> str:
    """The text with everything that a terminal could take for a command, or that cannot be seen, written as an escape.

    Printable means what Python's str.isprintable means: no controls (C0, C1), no format characters (those that reverse
    the direction of text among them), no line separators, nothing unassigned or private.
    """
    return text if text.isprintable() else UNPRINTABLE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    """One character, escaped when it is not printable."""
    char = match[0]
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def width_of(text: str) -> int:
    """Cells that a printable text takes."""
    return len(text) if NARROW(text) else cell_len(text)


def fit(text: str, width: int) -> str:
    """The text in exactly `width` cells, cut with an ellipsis or filled with spaces. It must be printable."""
    if NARROW(text):
        return text.ljust(width) if len(text) <= width else text[:width - 1] + "…"
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(set_cell_size(text, width - 1).rstrip() + "…", width)


@lru_cache(maxsize=4096)
def squeeze(text: str, width: int) -> str:
    """An address in exactly `width` cells: cut in its middle, for both ends tell something."""
    if len(text) <= width or not text.isascii():
        return fit(text, width)
    tail = (width - 1) // 2
    return f"{text[:width - 1 - tail]}…{text[len(text) - tail:]}"


class TerminalTable:
    """Draws row batches for one console.

    The header comes with the first rows. Column widths come from the first batch and only ever grow, so that rows can
    be shown while the capture is read; each batch looks at the width of the window again.
    """

    def __init__(self, console: Console, lines: TabsLines | None = None, processes: Processes | None = None) -> None:
        self.console = console
        self.lines = lines or TabsLines()
        self.processes = processes
        self.widths = [0] * len(HEADERS)
        self.rows = 0
        system = None if console.no_color else SYSTEMS.get(console.color_system or "")
        self.paint = [_painter(rule, system) for rule in Rule]
        self.header_style = _wrapper(Style(bold=True), SYSTEMS.get(console.color_system or ""))

    def text(self, rows: RowBatch) -> str:
        """The lines of a batch, the header before the first."""
        cells = cells_of(rows, self.lines)
        if not cells:
            return ""
        if self.processes is not None:
            cells = [[*row, process_text(pair)] for row, pair in zip(cells, self.processes.of_rows(rows), strict=True)]
        columns = [self._column(number, list(column)) for number, column in enumerate(zip(*cells, strict=True))]
        shown, info_width = self._layout(self.console.width)
        lines = [] if self.rows else [self._header(shown, info_width)]
        self.rows += len(cells)
        placed = [[place(text, width) for text in columns[number]] for number, width, place in shown]
        placed.append([fit(text, info_width) for text in columns[INFO]])
        lines += [self.paint[rule](" ".join(parts))
                  for rule, parts in zip(rules_of(rows).tolist(), zip(*placed, strict=True), strict=True)]
        lines.append("")
        return "\n".join(lines)

    def _column(self, number: int, texts: list[str]) -> list[str]:
        """The cells of one column, printable; its width grows with them."""
        if number in (NO, TIME, LENGTH):
            self.widths[number] = max(self.widths[number], max(map(len, texts)))
            return texts
        if number == INFO:
            return list(map(printable, texts))
        known = {text: printable(text) for text in set(texts)}    # few addresses and protocols, many rows
        self.widths[number] = max(self.widths[number], max(map(width_of, known.values())))
        return [known[text] for text in texts]

    def _layout(self, width: int) -> tuple[list[tuple[int, int, Callable[[str, int], str]]], int]:
        """([(column, its width, how a cell is placed)], width of Info) for a window this wide."""
        roomy = width >= ROOMY
        headers = HEADERS if roomy else SHORT_HEADERS
        widths = [max(have, len(header)) for have, header in zip(self.widths, headers, strict=True)]
        widths[PROCESS] = min(widths[PROCESS], max(len(headers[PROCESS]), width // PROCESS_SHARE))
        if roomy:
            for number in (SOURCE, DESTINATION):
                widths[number] = max(widths[number], ADDRESS_LEAST)
        places: list[Callable[[str, int], str]] = [str.rjust, str.rjust, squeeze, squeeze, fit, str.rjust, fit, fit]
        columns = [*range(INFO), *([PROCESS] if self.processes is not None else [])]

        def rest() -> int:
            return width - sum(widths[number] + 1 for number in columns)

        for _ in range(widths[SOURCE] + widths[DESTINATION]):
            longer = max((SOURCE, DESTINATION), key=widths.__getitem__)
            if widths[longer] <= ADDRESS_LEAST or rest() >= max(INFO_LEAST, width // INFO_SHARE):
                break
            widths[longer] -= 1
        for number in (LENGTH, NO, TIME, PROTOCOL, DESTINATION, SOURCE, PROCESS):
            if rest() < INFO_LEAST and number in columns:
                columns.remove(number)
        return [(number, widths[number], places[number]) for number in columns], max(rest(), 1)

    def _header(self, shown: list[tuple[int, int, Callable[[str, int], str]]], info_width: int) -> str:
        """The names of the columns."""
        headers = HEADERS if self.console.width >= ROOMY else SHORT_HEADERS
        parts = [headers[number].rjust(width) if place is str.rjust else headers[number].ljust(width)
                 for number, width, place in shown]
        return self.header_style(" ".join([*parts, fit(HEADERS[INFO], info_width)]))


class TableWriter:
    """Writes the table of a whole analysis and the summary after it."""

    def __init__(self, sink: Sink, console: Console | None = None, processes: Processes | None = None) -> None:
        self.sink = sink
        self.console = console or Console(highlight=False, soft_wrap=True)
        self.table = TerminalTable(self.console, processes=processes)

    def _write(self, text: str) -> None:
        self.sink.write(text.encode(self.console.encoding, "replace"))

    def write(self, step: Step) -> None:
        """Draw the rows of one step."""
        for part in parts_of(step.rows) if step.rows else ():
            self._write(self.table.text(part))

    def end(self, summary: Summary) -> None:
        """Draw the summary."""
        if not self.table.rows:
            self._write("no rows to show\n" if summary.packets else "no packets\n")
        self._write("\n" + "".join(f"{printable(line)}\n" for line in summary.lines()))


def _wrapper(style: Style, system: ColorSystem | None) -> Callable[[str], str]:
    """A function that puts the terminal's codes for a style around a line."""
    before, _, after = style.render("\0", color_system=system).partition("\0")
    return (lambda line: f"{before}{line}{after}") if before else str


def _painter(rule: Rule, system: ColorSystem | None) -> Callable[[str], str]:
    """A function that gives a line the colours of a rule, as near as the terminal can."""
    colors = COLORS.get(rule)
    if colors is None or system is None:
        return str
    if system in (ColorSystem.STANDARD, ColorSystem.WINDOWS):
        background, foreground = colors.ansi
        return _wrapper(Style(color=foreground, bgcolor=background), system)
    return _wrapper(Style(color=f"#{colors.foreground:06x}", bgcolor=f"#{colors.background:06x}"), system)
