"""`--dissector tshark`: a tshark that runs beside the analysis and gets its packets."""

import sys
from collections.abc import Iterator

from sniff.pipeline import Analysis, Step
from sniff.report.borrowed_rows import BorrowedRows
from sniff.tshark import Tshark


def with_tshark(analysis: Analysis) -> Iterator[Step]:
    """The steps of an analysis, whose rows have tshark's words where sniff has none.

    When tshark fails, one line on standard error says so, and the rows from there on are our own. Raises MissingTool.
    """
    with Tshark() as tshark:
        borrowed = BorrowedRows(tshark, lambda: analysis.source.interfaces)
        said = False
        for step in analysis:
            step.rows = borrowed.rows(step)
            if borrowed.failed and not said:
                said = True
                line = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in borrowed.failed)
                print(f"sniff: {line}", file=sys.stderr, flush=True)
            yield step
