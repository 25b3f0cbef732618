"""What `sniff verify` found: where our rows and tshark's differ, as text for people and as JSON."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sniff.report.terminal import printable

Cells = list[str]
"""The seven cells of a row."""

COLUMNS = ("No.", "Time", "Source", "Destination", "Protocol", "Length", "Info")
PROTOCOL = 4

PROTOCOLS = 1_000
"""Protocols that are counted apart; the rest is counted together."""
OTHERS = "(others)"


@dataclass(frozen=True, slots=True)
class Difference:
    """One row that is not the same.

    number   frame.number
    columns  the columns that differ, by name; all when one side has no such row
    ours     our cells, None when we have no such row
    theirs   tshark's cells, likewise
    """

    number: int
    columns: tuple[str, ...]
    ours: Cells | None
    theirs: Cells | None


@dataclass(slots=True)
class Counts:
    """Rows of one protocol, by tshark's Protocol cell (by ours where tshark has no row).

    columns  {column: rows in which it differs}
    """

    rows: int = 0
    identical: int = 0
    columns: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Verification:
    """What comparing one file came to.

    rows         rows that at least one side has
    identical    rows that both have, all cells the same
    only_ours    rows that tshark does not have; only_theirs the other way round
    columns      {column: rows in which it differs}
    protocols    by protocol
    differences  the first ones
    damage       what is wrong with the file, in one line; None when nothing is
    said         what tshark said about its end, "" when all was well
    """

    file: str
    rows: int = 0
    identical: int = 0
    only_ours: int = 0
    only_theirs: int = 0
    columns: Counter[str] = field(default_factory=Counter)
    protocols: dict[str, Counts] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    damage: str | None = None
    said: str = ""

    @property
    def same(self) -> bool:
        """Whether no row differs."""
        return self.identical == self.rows

    def count(self, ours: Cells | None, theirs: Cells | None, keep: int) -> None:
        """Count one pair of rows; the first `keep` that differ are kept."""
        row = theirs or ours
        assert row is not None
        self.rows += 1
        counts = self._counts(row[PROTOCOL])
        counts.rows += 1
        if ours == theirs:
            self.identical += 1
            counts.identical += 1
            return
        if ours is None or theirs is None:
            self.only_ours += theirs is None
            self.only_theirs += ours is None
            columns: Sequence[str] = COLUMNS
        else:
            columns = [name for name, mine, yours in zip(COLUMNS, ours, theirs, strict=True) if mine != yours]
            self.columns.update(columns)
            counts.columns.update(columns)
        if len(self.differences) < keep:
            self.differences.append(Difference(int(row[0]), tuple(columns), ours, theirs))

    def _counts(self, protocol: str) -> Counts:
        if protocol not in self.protocols and len(self.protocols) >= PROTOCOLS:
            protocol = OTHERS
        return self.protocols.setdefault(protocol, Counts())


def lines_of(found: Verification, version: str) -> Iterator[str]:
    """A verification as lines of text; nothing in them can do anything to a terminal."""
    share = f" ({100 * found.identical / found.rows:.2f} %)" if found.rows else ""
    yield f"{printable(found.file)}: {found.identical:,} of {found.rows:,} rows are those of tshark {version}{share}"
    if found.same:
        return
    yield ""
    table = [["Protocol", "Rows", "Same", *(f"{name} ≠" for name in COLUMNS[1:])]]
    for name, counts in sorted(found.protocols.items(), key=lambda item: (-item[1].rows, item[0])):
        table.append(_line(printable(name), counts))
    if len(found.protocols) > 1:
        table.append(_line("all", Counts(found.rows, found.identical, found.columns)))
    yield from aligned(table)
    if found.said:
        yield f"tshark said: {printable(found.said)}"
    if found.only_ours:
        yield f"{found.only_ours:,} rows only here, not in tshark"
    if found.only_theirs:
        yield f"{found.only_theirs:,} rows only in tshark"
    for difference in found.differences:
        yield ""
        yield f"packet {difference.number}: {', '.join(difference.columns) if difference.ours and difference.theirs else 'one row'}"
        for name, cells in (("sniff ", difference.ours), ("tshark", difference.theirs)):
            yield f"  {name}  {_cells(cells, difference.columns)}"
    more = found.rows - found.identical - len(found.differences)
    if more:
        yield ""
        yield f"{more:,} more {'differs' if more == 1 else 'differ'}; --show says how many to list"


def _line(name: str, counts: Counts) -> list[str]:
    return [name, f"{counts.rows:,}", f"{counts.identical:,}",
            *(f"{counts.columns[column]:,}" if counts.columns[column] else "" for column in COLUMNS[1:])]


def aligned(table: list[list[str]]) -> Iterator[str]:
    """A table of text: the first column to the left, the others to the right. The first row is the heading."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        yield "  ".join(cells).rstrip()


def _cells(cells: Cells | None, columns: Sequence[str]) -> str:
    """The cells that matter: those that differ."""
    if cells is None:
        return "(no such row)"
    return " | ".join(printable(cell) for name, cell in zip(COLUMNS, cells, strict=True) if name in columns)


def json_of(found: Verification, version: str) -> str:
    """A verification as one JSON object on one line of ASCII."""
    return json.dumps({
        "file": found.file, "tshark": version, "same": found.same, "rows": found.rows, "identical": found.identical,
        "only_sniff": found.only_ours, "only_tshark": found.only_theirs, "columns": dict(found.columns),
        "protocols": {name: {"rows": counts.rows, "identical": counts.identical, "columns": dict(counts.columns)}
                      for name, counts in found.protocols.items()},
        "differences": [{"frame.number": one.number, "columns": one.columns, "sniff": one.ours, "tshark": one.theirs}
                        for one in found.differences],
        "damage": found.damage, "tshark_said": found.said})
