"""`sniff verify`: our rows of a capture file beside tshark's, and where they differ."""

from collections.abc import Iterator
from contextlib import closing

from sniff.errors import InputError
from sniff.pipeline import Analysis
from sniff.report.lines import TabsLines, cells_of, parts_of
from sniff.report.verification import Cells, Verification
from sniff.tshark import Tshark


def verify(path: str, keep: int = 10, tshark: str | None = None) -> Verification:
    """Compare the rows of one capture file with tshark's.

    keep    how many differences to keep
    tshark  where the program is, when it is not to be looked for

    Raises InputError when one of the two cannot read the file, MissingTool when tshark or pyshark is not there.
    """
    analysis = Analysis([path], packets=True)
    result = Verification(path)
    with closing(analysis.source) as source, Tshark(path, tshark) as theirs:
        for mine, yours in paired(_rows(analysis), iter(theirs)):
            result.count(mine, yours, keep)
        result.damage, result.said = source.damage, theirs.words
    if result.said and result.rows == result.only_ours:
        raise InputError(f"{path}: tshark cannot read it: {result.said}")
    return result


def _rows(analysis: Analysis) -> Iterator[Cells]:
    lines = TabsLines()
    for step in analysis:
        for part in parts_of(step.rows) if step.rows is not None else ():
            for cells in cells_of(part, lines):
                yield [*map(str.strip, cells[:6]), cells[6]]


def paired(ours: Iterator[Cells], theirs: Iterator[Cells]) -> Iterator[tuple[Cells | None, Cells | None]]:
    """Rows of the same number side by side; both come in rising order."""
    mine, yours = next(ours, None), next(theirs, None)
    while mine is not None or yours is not None:
        left = int(mine[0]) if mine is not None else -1
        right = int(yours[0]) if yours is not None else -1
        if yours is None or (mine is not None and left < right):
            yield mine, None
            mine = next(ours, None)
        elif mine is None or right < left:
            yield None, yours
            yours = next(theirs, None)
        else:
            yield mine, yours
            mine, yours = next(ours, None), next(theirs, None)
