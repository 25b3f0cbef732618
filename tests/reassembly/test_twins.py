"""Compiled and uncompiled reassembly give the same answers, whatever the packets."""

import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sniff.limits import Counters
from sniff.notes import Notes
from sniff.reassembly import columns as s
from sniff.reassembly import stage
from tests.twins import uncompiled

from .conversations import Collector, Segment, cut, numbered

segments = st.builds(
    Segment, seq=st.one_of(st.integers(0, 300), st.integers(2**32 - 100, 2**32 - 1), st.integers(0, 2**32 - 1)),
    ack=st.one_of(st.integers(0, 300), st.integers(0, 2**32 - 1)),
    flags=st.one_of(st.sampled_from([2, 18, 16, 24, 17, 4, 20]), st.integers(0, 4095)),
    payload=st.binary(max_size=40), back=st.booleans(), window=st.sampled_from([0, 1, 50, 8192, 65535]),
    options=st.one_of(st.just(b""), st.binary(min_size=4, max_size=40).map(lambda raw: raw[:len(raw) // 4 * 4])),
    client_port=st.sampled_from([1, 2, 80]), server_port=st.sampled_from([80, 81]))


@pytest.fixture(scope="module")
def pure() -> Any:
    return uncompiled("sniff.reassembly.stage")


def everything(module: Any, batches: list[Any]) -> tuple[Any, ...]:
    notes, counters, collector = Notes(), Counters(), Collector()
    tracker = module.Tracker(notes, counters, endings=True)
    connections = []
    for batch in batches:
        streams = tracker.track(batch)
        connections += streams.connections.T.tolist()
        collector.take(streams)
    return collector.rows, dict(collector.streams), collector.ended, connections, list(notes), counters


@settings(deadline=None, max_examples=60)
@given(packets=st.lists(segments, max_size=60), cuts=st.lists(st.integers(1, 60), max_size=3), step=st.sampled_from([1000, 10**7, 10**9]))
def test_any_packets(pure, packets, cuts, step):
    batches = cut(numbered(packets, step), cuts)
    assert everything(stage, batches) == everything(pure, batches)


def test_many_flows_and_evictions(pure, monkeypatch):
    monkeypatch.setattr("sniff.limits.MAX_FLOWS", 40)
    for module in (stage, pure):
        monkeypatch.setattr(module.limits, "MAX_FLOWS", 40)
    rng = random.Random(5)
    packets = numbered([Segment(rng.randrange(1000), 0, 2, client_port=rng.randrange(200)) for _ in range(600)])
    batches = cut(packets, [100, 101, 250])
    assert everything(stage, batches) == everything(pure, batches)


def test_what_is_compiled_is_tested_as_such():
    """The other tests would compare a module with itself."""
    from sniff.reassembly import analysis, flows, states, tcp
    kinds = {module.__name__: not str(module.__file__).endswith(".py") for module in (analysis, flows, states, tcp)}
    assert len(set(kinds.values())) == 1, kinds
    assert np.array([0]).dtype == np.int64 and s.COUNT == 13
