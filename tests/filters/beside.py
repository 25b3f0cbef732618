"""All values of fields beside those that tshark prints."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sniff.filters.field import Field
from sniff.filters.types import Type
from sniff.filters.values import as_text
from tests.filters.masks import found_by

Values = dict[str, dict[int, list[str]]]
"""{field: {frame.number: values as text}}."""


def our_values(path: Path, fields: Sequence[Field]) -> Values:
    """What a capture holds of some fields, as text."""
    found: Values = {field.name: {} for field in fields}
    sources = [(field, field.source) for field in fields]
    try:
        for field, source in sources:
            field.source = lambda view, candidates, field=field, source=source: _seen(found[field.name], field, view,
                                                                                      source(view, candidates))
        found_by(path, [field.name for field in fields])
    finally:
        for field, source in sources:
            field.source = source
    for field in fields:
        if field.type == Type.STRING:       # tshark does not print a packet's only text when that is empty
            found[field.name] = {number: values for number, values in found[field.name].items() if values != [""]}
    return found


def _seen(into: dict[int, list[str]], field: Field, view: Any, column: Any) -> Any:
    for number, value in zip(view.table[0, column.packets].tolist(), column.values.tolist(), strict=True):
        into.setdefault(number, []).append(_shown(value, field.type))
    return column


def _shown(value: Any, kind: Type) -> str:
    match kind:
        case Type.NONE | Type.PROTOCOL:
            return "there"
        case Type.BYTES:
            return value.hex()
        case Type.TIME:
            return str(np.datetime64(value, "ns"))[:10].replace("-0", "-")
        case Type.BOOLEAN:
            return str(int(value))
        case Type.STRING:
            return value.replace("\r", "\\r").replace("\n", "\\n")        # as tshark writes it
    return as_text(value, kind)


def their_values(tshark: str, path: Path, fields: Sequence[Field]) -> Values:
    """The same of tshark, in one pass."""
    names = [field.name for field in fields]
    command = [tshark, "-n", "-r", str(path), "-T", "fields", "-E", "separator=\x1e", "-E", "aggregator=\x1f", "-e", "frame.number"]
    run = subprocess.run([*command, *(word for name in names for word in ("-e", name))], capture_output=True, text=True, errors="replace",
                         check=True, env={**os.environ, "TZ": "UTC"})
    found: Values = {name: {} for name in names}
    for line in run.stdout.split("\n")[:-1]:     # not splitlines: the separators are line ends to it
        number, *cells = line.split("\x1e")
        for field, cell in zip(fields, cells, strict=True):
            if cell:
                found[field.name][int(number)] = [_read(one, field.type) for one in cell.split("\x1f")]
    return found


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _read(cell: str, kind: Type) -> str:
    match kind:
        case Type.NONE | Type.PROTOCOL:
            return "there"
        case Type.BYTES:
            return cell.replace(":", "").replace("<MISSING>", "")
        case Type.NUMBER:
            return str(int(cell, 0))
        case Type.TIME:
            month, day, year = cell.replace(",", "").split()[:3]
            return f"{year}-{MONTHS.index(month) + 1}-{day}"
    return cell
