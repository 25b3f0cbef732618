"""Fragments of one datagram in any order, with overlaps, and what happens to those that never become whole."""

from hypothesis import given
from hypothesis import strategies as st

from sniff import limits
from sniff.limits import Counters
from sniff.notes import Code, Notes
from sniff.packets.fragments import Fragments

KEY = (4, 1, 2)


def fragments() -> Fragments:
    return Fragments(Notes(), Counters())


def naive(pieces: list[tuple[int, bool, bytes]]) -> bytes | None:
    """The rule itself, slowly: the first last fragment tells the length; lower offset first, then order of arrival."""
    ends = [offset + len(data) for offset, more, data in pieces if not more]
    if not ends:
        return None
    filled: dict[int, int] = {}
    for offset, _, data in sorted(pieces, key=lambda piece: piece[0]):
        for i, byte in enumerate(data):
            filled.setdefault(offset + i, byte)
    if any(i not in filled for i in range(ends[0])):
        return None
    return bytes(filled[i] for i in range(ends[0]))


pieces = st.lists(st.tuples(st.integers(0, 6).map(lambda n: n * 8), st.booleans(), st.binary(min_size=1, max_size=24)),
                  min_size=1, max_size=10)


@given(pieces)
def test_agrees_with_the_naive_rule(given_pieces: list[tuple[int, bool, bytes]]) -> None:
    table, seen = fragments(), []
    for offset, more, data in given_pieces:
        seen.append((offset, more, data))
        got = table.add(KEY, offset, more, data)
        expected = naive(seen)
        assert (got[0] if got else None) == expected
        if expected is not None:
            assert len(table) == table.held == 0
            seen = []


@given(st.binary(min_size=1, max_size=400), st.randoms(use_true_random=False))
def test_any_order(payload: bytes, random: "object") -> None:
    parts = [(at, at + 8 < len(payload), payload[at:at + 8]) for at in range(0, len(payload), 8)]
    random.shuffle(parts)  # type: ignore[attr-defined]
    table = fragments()
    results = [table.add(KEY, *part, proto=17 if part[0] == 0 else 99) for part in parts]
    assert results[:-1] == [None] * (len(parts) - 1)
    assert results[-1] == (payload, 17)


def test_bytes_that_disagree_are_told() -> None:
    table = fragments()
    table.add(KEY, 0, True, b"a" * 16)
    assert table.add(KEY, 8, False, b"b" * 16, number=7) == (b"a" * 16 + b"b" * 8, -1)
    assert [note.code for note in table.notes] == [Code.FRAGMENT_OVERLAP]


def test_equal_overlaps_are_silent() -> None:
    table = fragments()
    table.add(KEY, 0, True, b"a" * 16)
    table.add(KEY, 8, False, b"a" * 16)
    assert not len(table.notes)


def test_time_runs_out() -> None:
    table = fragments()
    table.add(KEY, 0, True, b"a" * 8, ts_ns=0, number=3)
    assert table.add(KEY, 8, False, b"b" * 8, ts_ns=limits.FRAGMENT_TIMEOUT_NS + 1) is None
    assert (table.counters.fragments_dropped, len(table)) == (1, 1)
    assert [(note.code, note.packet) for note in table.notes] == [(Code.FRAGMENT_TIMEOUT, 3)]


def test_bytes_are_capped_and_the_oldest_goes_first() -> None:
    table = fragments()
    piece = b"x" * 60_000
    count = limits.FRAGMENT_BYTES // len(piece) + 10
    for ident in range(count):
        table.add((4, ident), 0, True, piece)
        assert table.held <= limits.FRAGMENT_BYTES
    assert table.counters.fragments_dropped > 0
    assert table.add((4, count - 1), len(piece), False, b"") == (piece, -1)
    assert table.add((4, 0), len(piece), False, b"") is None


def test_datagrams_are_capped() -> None:
    table = fragments()
    for ident in range(limits.FRAGMENT_DATAGRAMS + 5):
        table.add((4, ident), 8, True, b"x")
    assert (len(table), table.counters.fragments_dropped) == (limits.FRAGMENT_DATAGRAMS, 5)


def test_many_tiny_fragments_cost_linear_time_and_bounded_memory() -> None:
    table = fragments()
    for at in range(0, 60_000 * 8, 8):
        table.add(KEY, 8 + at % 65_528, True, b"x" * 8)
    assert table.held <= limits.FRAGMENT_BYTES
