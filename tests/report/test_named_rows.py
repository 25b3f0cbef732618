"""Rows with names for addresses."""

from collections.abc import Iterator
from pathlib import Path

from sniff.capture.writer import PcapWriter
from sniff.pipeline import Analysis
from sniff.report.lines import cells_of
from sniff.report.named_rows import NamedRows
from tests import wire
from tests.decode.dns_parts import answer, query

SERVER = "10.0.0.2"


def frames() -> Iterator[bytes]:
    """A connection, the lookup of its server, another connection, and the same server under another name."""
    yield from wire.conversation([], 40_001)
    yield wire.udp(0, query(1, "xn--bcher-kva.example"))
    yield wire.udp(1, answer(1, "xn--bcher-kva.example", SERVER))
    yield from wire.conversation([], 40_002)
    yield wire.udp(0, query(2, "b.example"))
    yield wire.udp(1, answer(2, "b.example", SERVER))
    yield from wire.conversation([], 40_003)


def test_names_are_known_from_their_answers_on(tmp_path: Path) -> None:
    path = tmp_path / "named.pcap"
    with path.open("wb") as file:
        writer = PcapWriter(file)
        for number, frame in enumerate(frames()):
            writer.packet(wire.START_NS + number * 1_000_000, frame)
    named, ends = NamedRows(), []
    for step in Analysis([path], packets=True, messages=True):
        before = step.rows
        rows = named.rows(step)
        assert before is not None and rows is not None
        assert [cells[:2] + cells[4:] for cells in cells_of(rows)] == [cells[:2] + cells[4:] for cells in cells_of(before)]
        ends += [(cells[2], cells[3]) for cells in cells_of(rows)]
    count = len(wire.conversation([], 40_001))
    assert set(ends[:count + 1]) == {("10.0.0.1", SERVER), (SERVER, "10.0.0.1")}
    assert set(ends[count + 1:2 * count + 3]) == {("10.0.0.1", "bücher.example"), ("bücher.example", "10.0.0.1")}
    assert set(ends[2 * count + 3:]) == {("10.0.0.1", "b.example"), ("b.example", "10.0.0.1")}
