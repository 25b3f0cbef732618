"""Rows that a filter chose are the rows that there are without it, though most of their words are made later."""

from pathlib import Path

import pytest

from sniff import limits
from sniff.filters.filter import Filter
from sniff.pipeline import Analysis
from sniff.report.lines import TabsLines

FILTERS = ["", "http", "http.response.code >= 200", "http.request.method == \"GET\"", "tcp.len > 100", "udp", "frame.number in {3..40}",
           "dns.qry.name contains \"a\""]


def rows(path: Path, packets: bool, expression: str | None) -> tuple[dict[int, bytes], set[int]]:
    """({number of a packet: its row}, numbers of the packets that match)."""
    found: dict[int, bytes] = {}
    matched: set[int] = set()
    analysis = Analysis([path], packets=packets, threads=False, filter=None if expression is None else Filter(expression))
    lines = TabsLines()
    with analysis.source:
        for step in analysis:
            for line in b"".join(bytes(chunk) for chunk in lines.chunks(step.rows)).split(b"\n")[:-1]:
                found[int(line.partition(b"\t")[0])] = line
            if step.matched is not None:
                matched |= set(step.packets.table[0][step.matched].tolist())
    return found, matched


@pytest.mark.parametrize("packets", [False, True])
def test_filtered_rows_are_the_rows(capture: Path, packets: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    everything, _ = rows(capture, packets, None)
    for expression in FILTERS:
        chosen, matched = rows(capture, packets, expression)
        assert chosen == {number: line for number, line in everything.items() if number in matched}
    monkeypatch.setattr(limits, "BATCH_PACKETS", 7)
    assert rows(capture, packets, "")[0] == everything
