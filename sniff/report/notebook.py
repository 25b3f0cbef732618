"""What a notebook shows: small tables of HTML, everything in them escaped."""

from collections.abc import Iterable
from html import escape
from itertools import islice

ROWS = 50
"""Rows shown of a table."""
CELL_CHARACTERS = 300
"""Characters shown of a cell."""


def cell_html(value: object) -> str:
    """A cell: escaped, cut, and what cannot be printed written out."""
    text = str(value)
    if len(text) > CELL_CHARACTERS:
        text = text[:CELL_CHARACTERS - 1] + "…"
    shown = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)
    align = ' style="text-align:right"' if isinstance(value, int) else ' style="text-align:left"'
    return f"<td{align}>{escape(shown)}</td>"


def table_html(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table of the first rows; it says when there are more."""
    remaining = iter(rows)
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "".join(f"<tr>{''.join(map(cell_html, row))}</tr>" for row in islice(remaining, ROWS))
    more = f"<p>The first {ROWS} rows.</p>" if next(remaining, None) is not None else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def paragraph_html(lines: Iterable[str]) -> str:
    """A paragraph of several lines."""
    return "<p>" + "<br>".join(map(escape, lines)) + "</p>"
