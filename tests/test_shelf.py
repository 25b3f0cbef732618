"""Arrays are used again when nobody holds them, and only then."""

import numpy as np

from sniff.shelf import Shelf

SHAPE = (41, 10_000)


def place(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


def test_what_somebody_holds_is_left_alone():
    shelf = Shelf()
    first = shelf.empty(SHAPE)
    column = memoryview(first[3])     # what compiled code holds of a batch
    where = place(first)
    del first
    second = shelf.empty(SHAPE)
    second[:] = 7
    assert place(second) != where
    del column
    assert place(shelf.empty(SHAPE)) == where


def test_a_few_batches_under_way_need_no_more_memory_than_that():
    shelf = Shelf()
    waiting, places = [], set()
    for k in range(100):
        waiting.append(shelf.empty((41, 10_000 - k)))
        places.add(place(waiting[-1]))
        del waiting[:-4]
    assert len(places) <= 6


def test_zeros_are_zeros_and_small_arrays_too():
    shelf = Shelf()
    used = shelf.empty(SHAPE)
    used[:] = 7
    del used
    assert not shelf.zeros(SHAPE).any() and shelf.zeros((2, 3), np.uint8).tolist() == [[0] * 3] * 2


def test_large_and_small_batches_in_turn():
    shelf = Shelf()
    for size in (10**7, 10**5, 10**7, 10**5, 3 * 10**5):
        array = shelf.empty(size, np.uint8)
        assert array.shape == (size,) and array.dtype == np.uint8
        array[:] = 1
        assert array.base.nbytes <= 4 * size, "a small batch must not hold on to a large table"
