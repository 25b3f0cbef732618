"""Sets of packet numbers, beside Python's own sets."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sniff.filters.chosen import Bits

NUMBERS = st.lists(st.integers(0, 100_000), max_size=30)


@given(st.lists(NUMBERS, max_size=5), NUMBERS)
def test_bits_are_a_set(parts: list[list[int]], asked: list[int]) -> None:
    bits, plain = Bits(), set()
    for part in parts:
        bits.add(np.array(part, np.int64))
        plain |= set(part)
    assert len(bits) == len(plain)
    everything = [*asked, *plain, -1, 10**9]
    assert [number in bits for number in everything] == [number in plain for number in everything]
    assert bits.have(np.array(everything, np.int64)).tolist() == [number in plain for number in everything]
