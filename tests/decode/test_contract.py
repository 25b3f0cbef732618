"""What every decoder promises, tried on each that contract.py lists."""

import tracemalloc
from collections import deque
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sniff import limits
from sniff.capture.raw import RawBatch
from sniff.packets import dissect
from tests import wire
from tests.decode.contract import DECODERS, Conversation, Decoder, compiled, twin
from tests.timing import cpu_seconds

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
    whole = decoder.split(decoder.facts(compiled, wire.batches(decoder.frames([*decoder.opening, *said]))))
    parts = decoder.split(decoder.facts(compiled, wire.batches(decoder.frames([*decoder.opening, *wire.cut(said, lengths)]))))
    assert parts == whole


GET, OK = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<p/>"


@pytest.mark.parametrize("said", [
    [(0, b"\0"), (0, b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n")],
    [(0, b"A\0")],
    [(0, b"A\0"), (0, b"GET /x"), (0, b" HTTP/1.1\r\n\r\n")],
    [(1, b"0\r\n\r\n"), (0, b"HTTP/"), (0, GET), (1, OK)],
    [(0, b"GET /"), (0, b"0\r\n\r\n"), (1, OK)],
])
def test_what_looks_like_a_message_until_more_comes(said: Conversation) -> None:
    decoder = DECODERS[0]
    assert decoder.split is not None
    whole = decoder.split(decoder.facts(compiled, wire.batches(decoder.frames([(0, GET), *said]))))
    parts = decoder.split(decoder.facts(compiled, wire.batches(decoder.frames([(0, GET), *wire.cut(said, [1])]))))
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
SIZE = 8 << 20 if COMPILED else 512 << 10
FRAMES = 32_000 if COMPILED else 2_000
"""A flood ends after so many bytes, or so many frames."""


def batches_of(flood: Flood, part: int = 1) -> Iterator[RawBatch]:
    """A flood, or the n-th part of one, in sixteen batches."""
    source, number = flood(), 1
    for turn in range(16):
        frames: list[bytes] = []
        size = 0
        while size < SIZE // part // 16 and len(frames) < FRAMES // part // 16:
            frames.append(next(source))
            size += len(frames[-1])
        yield wire.batch(frames, number, end=turn == 15)
        number += len(frames)


def held_by_decoders() -> int:
    """Bytes that were allocated in sniff/decode/ and are still held."""
    snapshot = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, "*/sniff/decode/*")])
    return sum(trace.size for trace in snapshot.traces)


@pytest.mark.parametrize(("decoder", "flood"), FLOODS)
def test_memory_does_not_grow_with_a_flood(decoder: Decoder, flood: Flood, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "WAITING_BYTES", SIZE // 16)
    held: list[int] = []

    def watched() -> Iterator[RawBatch]:
        for number, raw in enumerate(batches_of(flood)):
            if number in (4, 15):
                held.append(held_by_decoders())
            yield raw

    tracemalloc.start()
    try:
        for _ in decoder.read(compiled, watched()):
            pass
    finally:
        tracemalloc.stop()
    # What came in between is three times as much. A short flood may meet the arrays' first growth, to a few megabytes.
    assert held[1] - held[0] < SIZE // 4 + (0 if COMPILED else 4 << 20)


@pytest.mark.parametrize(("decoder", "flood"), FLOODS)
def test_time_is_linear(decoder: Decoder, flood: Flood) -> None:
    def seconds(part: int) -> float:
        raws = list(batches_of(flood, part))
        return cpu_seconds(lambda: deque(decoder.read(compiled, iter(raws)), maxlen=0))

    whole = 1 if COMPILED else 2
    for _ in range(3):      # a busy neighbour can slow one measurement down, but what grows with the square does so each time
        short, long = seconds(4 * whole), seconds(whole)
        if long < 8 * short + 0.1:
            return
    pytest.fail(f"four times the input takes {long / short:.1f} times as long")
