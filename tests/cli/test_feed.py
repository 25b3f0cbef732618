"""What the two processes of a live capture tell each other."""

import socket

import pytest

from sniff import limits
from sniff.capture.growing import GrowingStore
from sniff.capture.live import Standing
from sniff.cli.feed import Listener, Teller


@pytest.fixture
def pair():
    ends = socket.socketpair()
    yield ends
    for end in ends:
        end.close()


def test_names_come_back_and_word_that_all_was_seen(pair):
    ours, theirs = pair
    named = {}
    teller = Teller(ours, named.__setitem__)
    store = GrowingStore("here")
    listener = Listener(theirs, store)
    names = {f"10.{number >> 8}.{number & 255}.1": "n" * 60 + str(number) for number in range(limits.RECORDED_NAMES)}
    listener.name(names)
    teller.wait(0.0)
    assert 0 < len(named) < len(names)      # some at once, the others later
    teller.end(Standing(packets=1))
    listener.name({})
    while not teller.done:
        listener.done()
        teller.hear()
    assert named == names


def test_nobody_listens_any_more(pair):
    ours, theirs = pair
    listener = Listener(theirs, GrowingStore("here"))
    ours.close()
    listener.name({"10.0.0.1": "a"})
    listener.done()


def test_nonsense_is_passed_over(pair):
    ours, theirs = pair
    named = {}
    teller = Teller(ours, named.__setitem__)
    theirs.sendall(b'[]\nnonsense\n{"names": 4}\n{"names": {"1.2.3.4": "a"}}\n')
    assert teller.hear()
    assert named == {"1.2.3.4": "a"}
    theirs.close()
    assert not teller.hear()
    assert teller.gone
