"""Many filters in one pass over a capture, and filters at work on frames made by hand."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sniff.capture.writer import PcapngWriter
from sniff.filters.filter import Filter, Matcher
from sniff.filters.trackers import TRACKERS
from sniff.pipeline import Analysis
from tests.wire import START_NS


class Several:
    """Some filters where the pipeline takes one: what they find is found in one pass, with one View a batch for all of them."""

    def __init__(self, filters: Sequence[Filter]) -> None:
        self.filters = filters
        self.predicate = self
        self.masks = []     # of the batch that was seen last
        wanted = {name for filter in filters for name in filter.trackers}
        self.trackers = [name for name in TRACKERS if name in wanted]
        self.heads = any(filter.heads for filter in filters)
        self.owners = any(filter.owners for filter in filters)
        self.notes = any(filter.notes for filter in filters)
        self.flows = any(filter.flows for filter in filters)
        self.messages = any(filter.messages for filter in filters)
        self.pieces = any(filter.pieces for filter in filters)

    def matcher(self, context):
        return Matcher(self, context)

    def mask(self, view, candidates):
        self.masks = [filter.predicate.mask(view, candidates) for filter in self.filters]
        return np.any(self.masks, axis=0)


def found_by(path: Path, expressions: Sequence[str]) -> dict[str, list[int]]:
    """{expression: numbers of the packets that match it}."""
    found: dict[str, list[int]] = {expression: [] for expression in expressions}
    several = Several([Filter(text) for text in expressions])
    analysis = Analysis([path], rows=False, packets=True, filter=several, threads=False)
    with analysis.source:
        for step in analysis:
            numbers = step.packets.table[0]
            for expression, mask in zip(expressions, several.masks if len(numbers) else [], strict=False):
                found[expression] += numbers[mask].tolist()
    return found


def numbers(path: Path, expression: str) -> list[int]:
    """The packets that match one filter."""
    return found_by(path, [expression])[expression]


def capture_of(path: Path, frames: Sequence[bytes], step_ns: int = 1_000_000) -> Path:
    """A capture of these frames, a millisecond apart."""
    with path.open("wb") as file:
        writer = PcapngWriter(file)
        writer.interface(1, name="lab0", description="the laboratory")
        for number, frame in enumerate(frames):
            writer.packet(0, START_NS + number * step_ns, frame, comments=["odd one"] if number % 2 else [])
    return path
