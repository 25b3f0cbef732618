"""Figures that stay small: moments, durations, and which things a table keeps."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sniff.report.html.selection import Selection, shuffled
from sniff.report.html.series import BUCKETS, Durations, Series

times = st.lists(st.integers(0, 10**15), min_size=1, max_size=50)


@given(st.lists(times, min_size=1, max_size=5))
def test_nothing_is_lost_however_long_it_goes_on(batches: list[list[int]]) -> None:
    series = Series("one", "weighed")
    for batch in batches:
        array = np.array(batch, np.int64)
        series.add("one", array)
        series.add("weighed", array, np.full(len(batch), 3, np.int64))
    width, columns = series.columns(100)
    count = sum(map(len, batches))
    assert sum(columns["one"]) == count
    assert sum(columns["weighed"]) == 3 * count
    assert len(columns["one"]) <= 100
    assert str(width).rstrip("0") in {"1", "2", "4", "5", "10", "20"}
    assert width * len(columns["one"]) > max(map(max, batches)) - min(map(min, [batches[0]]))


def test_moments_stay_where_they_were() -> None:
    series = Series("one")
    series.add("one", np.array([0, 5_000_000_000, 5_000_000_000], np.int64))
    series.add("one", np.array([10_000_000_000_000], np.int64))     # far away: neighbours become one
    width, columns = series.columns(BUCKETS)
    assert columns["one"][0] + columns["one"][5_000_000_000 // width] >= 3
    assert columns["one"][10_000_000_000_000 // width] == 1


@given(st.lists(st.integers(0, 10**13), min_size=1, max_size=200), st.sampled_from([50, 90, 99]))
def test_percentiles_are_right_to_a_few_percent(values: list[int], percent: int) -> None:
    durations = Durations()
    durations.add(np.array(values, np.int64))
    true = sorted(values)[max(0, int(np.ceil(len(values) * percent / 100)) - 1)]
    assert abs(durations.percentile_ns(percent) - true) <= 0.03 * true + 2
    assert durations.longest_ns == max(values)
    assert sum(count for _, _, count in durations.bars()) == len(values)


def test_unknown_durations_do_not_count() -> None:
    durations = Durations()
    durations.add(np.array([-1, -1, 5], np.int64))
    assert durations.count == 1


def chosen(limit: int, trouble: list[int], lengths: list[int], batch: int) -> list[tuple[int, int]]:
    selection: Selection[int] = Selection(limit)
    for start in range(0, len(trouble), batch):
        part = slice(start, start + batch)
        selection.offer(list(range(len(trouble)))[part], np.array(trouble[part], np.int64), np.array(lengths[part], np.int64))
    found = selection.take()
    assert selection.left_out == len(trouble) - len(found)
    assert selection.seen == len(trouble)
    return found


@given(st.integers(1, 40), st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1000)), min_size=1, max_size=300),
       st.sampled_from([1, 7, 1000]))
def test_a_selection_keeps_the_worst_and_the_slowest(limit: int, things: list[tuple[int, int]], batch: int) -> None:
    trouble, lengths = [one for one, _ in things], [other for _, other in things]
    found = chosen(limit, trouble, lengths, batch)
    kept = [item for item, _ in found]
    assert len(kept) == min(limit, len(things))
    assert kept == sorted(kept), "in the order in which they came"
    if len(things) > limit:
        left = set(range(len(things))) - set(kept)
        worst = sum(1 for item in kept if trouble[item])
        assert worst >= min(sum(map(bool, trouble)), max(limit // 2, 1))
        if limit >= 4:
            longest_left = max(lengths[item] for item in left)
            assert sum(1 for item in kept if lengths[item] >= longest_left) >= min(limit // 4, len(kept))


def test_a_selection_does_not_depend_on_batches() -> None:
    dice = np.random.default_rng(1)
    trouble, lengths = (dice.random(5000) < 0.02).astype(int).tolist(), dice.integers(0, 10**9, 5000).tolist()
    assert chosen(100, trouble, lengths, 13) == chosen(100, trouble, lengths, 5000)


def test_a_sample_is_fair() -> None:
    found = chosen(400, [0] * 20_000, [0] * 20_000, 999)
    sampled = [item for item, why in found if why == 2]
    halves = sum(item < 10_000 for item in sampled) / len(sampled)
    assert 0.35 < halves < 0.65
    assert len(np.unique(shuffled(np.arange(10_000)))) == 10_000
