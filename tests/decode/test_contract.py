"""What every decoder promises, tried on each that contract.py lists."""

import time
import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sniff import limits
from sniff.capture.raw import RawBatch
from sniff.packets import dissect
from tests import wire
from tests.decode.contract import DECODERS, Decoder, compiled, twin

SIZES = st.lists(st.integers(1, 9), max_size=12)
"""Sizes of segments, or of batches."""

each_decoder = pytest.mark.parametrize("decoder", DECODERS, ids=lambda decoder: decoder.name)
FLOODS = [pytest.param(decoder, flood, id=f"{decoder.name}: {name}")
          for decoder in DECODERS for name, flood in decoder.floods.items()]


@pytest.mark.parametrize("decoder", [decoder for decoder in DECODERS if decoder.split], ids=lambda decoder: decoder.name)
@given(data=st.data(), lengths=SIZES)
def test_any_split_gives_the_same_messages(decoder: Decoder, data: st.DataObject, lengths: list[int]) -> None:
    said = data.draw(decoder.conversations)
    assert decoder.split is not None
    whole = decoder.split(decoder.facts(compiled, wire.batches(decoder.frames(said))))
    parts = decoder.split(decoder.facts(compiled, wire.batches(decoder.frames(wire.cut(said, lengths)))))
    assert parts == whole


@each_decoder
@given(data=st.data(), sizes=SIZES)
def test_batch_boundaries_change_nothing(decoder: Decoder, data: st.DataObject, sizes: list[int]) -> None:
    frames = decoder.frames(data.draw(decoder.conversations))
    assert decoder.facts(compiled, wire.batches(frames, sizes)) == decoder.facts(compiled, wire.batches(frames))


@each_decoder
@settings(max_examples=30)
@given(data=st.data(), sizes=SIZES)
def test_compiled_and_uncompiled_agree(decoder: Decoder, data: st.DataObject, sizes: list[int]) -> None:
    frames = decoder.frames(data.draw(decoder.conversations))
    assert decoder.facts(twin, wire.batches(frames, sizes)) == decoder.facts(compiled, wire.batches(frames, sizes))


Flood = Callable[[], Iterator[bytes]]
COMPILED = not dissect.__file__.endswith(".py")
SIZE = 8 << 20 if COMPILED else 256 << 10


def batches_of(flood: Flood, size: int) -> Iterator[RawBatch]:
    """The first bytes of a flood, in batches of a sixteenth of it."""
    frames: list[bytes] = []
    number, in_batch, done = 1, 0, 0
    for frame in flood():
        frames.append(frame)
        in_batch += len(frame)
        if in_batch >= size // 16:
            done += in_batch
            yield wire.batch(frames, number, end=done >= size)
            number += len(frames)
            frames, in_batch = [], 0
            if done >= size:
                return


def held_by_decoders() -> int:
    """Bytes that were allocated in sniff/decode/ and are still held."""
    snapshot = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, "*/sniff/decode/*")])
    return sum(trace.size for trace in snapshot.traces)


@pytest.mark.parametrize(("decoder", "flood"), FLOODS)
def test_memory_does_not_grow_with_a_flood(decoder: Decoder, flood: Flood, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WAITING_BYTES", SIZE // 16)
    held: list[int] = []

    def watched() -> Iterator[RawBatch]:
        for number, raw in enumerate(batches_of(flood, SIZE)):
            if number in (4, 15):
                held.append(held_by_decoders())
            yield raw

    tracemalloc.start()
    try:
        for _ in decoder.read(compiled, watched()):
            pass
    finally:
        tracemalloc.stop()
    assert held[1] - held[0] < SIZE // 4, "what came in between is three times as much"


@pytest.mark.parametrize(("decoder", "flood"), FLOODS)
def test_time_is_linear(decoder: Decoder, flood: Flood) -> None:
    def seconds(size: int) -> float:
        raws = list(batches_of(flood, size))
        began = time.process_time()
        for _ in decoder.read(compiled, iter(raws)):
            pass
        return time.process_time() - began

    short = min(seconds(SIZE // 4), seconds(SIZE // 4))
    assert seconds(SIZE) < 8 * short + 0.5, "four times the input takes four times as long, give or take"
