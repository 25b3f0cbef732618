"""Streams come out byte for byte whatever the network did to their segments, and what is missing is said to be missing."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sniff import limits
from sniff.limits import Counters
from sniff.notes import Code, Notes
from sniff.packets import columns as c
from sniff.reassembly import columns as s
from sniff.reassembly.stage import Tracker

from .conversations import ACK, FIN, PSH, RST, SYN, Collector, Segment, cut, numbered, packets, run, shuffle, talk

seeds = st.integers(0, 2**32 - 1)
isns = st.one_of(st.integers(0, 2**32 - 1), st.integers(2**32 - 3000, 2**32 - 1), st.integers(2**31 - 3000, 2**31))
sizes = st.tuples(st.integers(0, 3000), st.integers(0, 3000))


def bytes_of(rng: random.Random, sizes: tuple[int, int]) -> tuple[bytes, bytes]:
    return rng.randbytes(sizes[0]), rng.randbytes(sizes[1])


@settings(deadline=None, max_examples=60)
@given(seed=seeds, sizes=sizes, first=isns, second=isns, window=st.integers(0, 8))
def test_shuffled_repeated_overlapping_segments_come_out_byte_for_byte(seed, sizes, first, second, window):
    rng = random.Random(seed)
    sides = bytes_of(rng, sizes)
    segments = shuffle(rng, talk(rng, sides, (first, second), again=0.4), window)
    notes = Notes()
    got = run(cut(numbered(segments), [rng.randrange(len(segments)) for _ in range(4)]), notes)
    for d in range(2):
        one = got.streams[0, d]
        assert bytes(one.content) == sides[d]
        assert one.gaps == []
        assert one.ends == ["FIN", "END"]
    assert not notes.counts


@settings(deadline=None, max_examples=60)
@given(seed=seeds, sizes=sizes, first=isns, second=isns, window=st.integers(0, 4), loss=st.floats(0.01, 0.5))
def test_segments_that_the_capture_lost_are_gaps_of_the_right_length(seed, sizes, first, second, window, loss):
    rng = random.Random(seed)
    sides = bytes_of(rng, sizes)
    whole = talk(rng, sides, (first, second))
    lost = [one for one in whole if one.payload and rng.random() < loss]
    there = [bytearray(sides[0]), bytearray(sides[1])]
    for one in lost:
        at = (one.seq - (first, second)[one.back] - 1) & 0xFFFFFFFF
        there[one.back][at:at + len(one.payload)] = b"." * len(one.payload)
    kept = [one for one in whole if one not in lost]
    segments = shuffle(rng, kept, window)
    got = run(cut(numbered(segments), [rng.randrange(len(segments)) for _ in range(4)]))
    for d in range(2):
        one = got.streams[0, d]
        assert bytes(one.content) == bytes(there[d])
        assert sum(length for _, length in one.gaps) == sum(len(x.payload) for x in lost if x.back == (d == 1))
        assert one.ends == ["FIN", "END"]


@settings(deadline=None, max_examples=25)
@given(seed=seeds, sizes=sizes, loss=st.floats(0, 0.2), cuts=st.lists(st.integers(0, 200), max_size=30))
def test_where_batches_end_changes_nothing(seed, sizes, loss, cuts):
    rng = random.Random(seed)
    conversations = []
    for port in range(3):
        whole = talk(rng, bytes_of(rng, sizes), (rng.getrandbits(32), rng.getrandbits(32)), again=0.2)
        conversations += [(i + rng.random() * 6, Segment(**{**one.__dict__, "client_port": 40000 + port}))
                          for i, one in enumerate(whole) if rng.random() >= loss]
    segments = numbered([one for _, one in sorted(conversations, key=lambda pair: pair[0])], 100_000)
    whole, parts = run(cut(segments, [])), run(cut(segments, cuts))
    assert whole.rows == parts.rows
    assert whole.streams == parts.streams
    assert whole.ended == parts.ended


def test_more_than_4_gib_in_one_stream():
    """Segments of 1 MiB, as offload makes them: 4,500 of them pass the 32 bits of a sequence number."""
    size, payload = 1 << 20, bytes(1 << 20)
    tracker, seq = Tracker(Notes(), Counters()), 0xFFFFFF00
    tracker.track(packets(numbered([Segment(seq, 0, SYN), Segment(0, seq + 1, SYN | ACK, back=True)])))
    template = packets(numbered([Segment(seq + 1, 1, ACK, payload)]), 3)
    delivered = 0
    for k in range(4500):
        template.table[c.TCP_SEQ, 0] = (seq + 1 + k * size) & 0xFFFFFFFF
        batch = tracker.track(template, end=k == 4499)
        data = batch.pieces[:, batch.pieces[s.P_KIND] == s.Piece.DATA]
        assert data[s.P_STREAM_OFFSET].tolist() == [delivered]
        delivered += int(data[s.P_LEN].sum())
    assert delivered == 4500 * size > 1 << 32
    assert batch.ended[s.F_PAYLOAD, 0] == delivered


def connected(*segments: Segment, seq: int = 999, other: int = 4999) -> list[Segment]:
    """A handshake, so that the client's bytes begin at 1000 and the server's at 5000, and then these."""
    return numbered([Segment(seq, 0, SYN), Segment(other, seq + 1, SYN | ACK, back=True), Segment(seq + 1, other + 1),
                     *segments])


def client(*segments: Segment, notes: Notes | None = None, direction: int = 0):
    return run(cut(connected(*segments), []), notes).streams[0, direction]


def test_the_first_copy_of_a_byte_wins():
    assert client(Segment(1000, 5000, ACK, b"first"), Segment(1003, 5000, ACK, b"LATER")).content == b"firstTER"
    held = client(Segment(1003, 5000, ACK, b"held"), Segment(1001, 5000, ACK, b"OVER THE HELD ONE"),
                  Segment(1000, 5000, ACK, b"*-"))
    assert held.content == b"*OVheldHE HELD ONE"


def test_data_on_syn_and_fin():
    got = run(cut(numbered([Segment(999, 0, SYN, b"GET /"), Segment(4999, 1005, SYN | ACK, back=True),
                            Segment(1005, 5000, FIN | PSH | ACK, b" HTTP/1.0")]), []))
    assert got.streams[0, 0].content == b"GET / HTTP/1.0"
    assert got.streams[0, 0].ends == ["FIN", "END"]
    assert got.streams[0, 1].ends == ["END"]


def test_fast_open_data_that_the_server_did_not_take_is_sent_again():
    got = run(cut(numbered([Segment(999, 0, SYN, b"data"), Segment(4999, 1000, SYN | ACK, back=True),
                            Segment(1000, 5000, PSH | ACK, b"data and more")]), []))
    assert got.streams[0, 0].content == b"data and more"


def test_a_fin_that_comes_too_early_waits():
    one = client(Segment(1003, 5000, FIN | ACK, b"def"), Segment(1000, 5000, ACK, b"abc"))
    assert (one.content, one.ends) == (b"abcdef", ["FIN", "END"])


def test_keep_alive_bytes_are_not_part_of_the_stream():
    one = client(Segment(1000, 5000, ACK, b"abc"), Segment(5000, 1003, back=True), Segment(1002, 5000, ACK, b"\0"),
                 Segment(5000, 1003, back=True), Segment(1003, 5000, ACK, b"def"))
    assert one.content == b"abcdef"


def test_a_reset_ends_both_directions_and_its_text_is_no_data():
    got = run(cut(connected(Segment(1000, 5000, ACK, b"abc"), Segment(5000, 1003, RST | ACK, b"go away", back=True)), []))
    assert [got.streams[0, d].ends for d in range(2)] == [["RESET", "END"], ["RESET", "END"]]
    assert got.streams[0, 1].content == b""


def test_a_reset_from_far_away_is_forged():
    one = client(Segment(0x70000000, 0, RST), Segment(1000, 5000, ACK, b"still here"))
    assert (one.content, one.ends) == (b"still here", ["END"])


def test_bytes_cut_off_by_the_snapshot_length_are_a_gap():
    one = client(Segment(1000, 5000, ACK, b"abc", wire=10), Segment(1010, 5000, ACK, b"xyz", wire=3))
    assert (one.content, one.gaps) == (b"abc.......xyz", [(3, 7)])


def test_the_same_when_they_come_out_of_order():
    one = client(Segment(1010, 5000, ACK, b"klm", wire=6), Segment(1016, 5000, ACK, b"qrs"),
                 Segment(1000, 5000, ACK, b"abcdefghij"))
    assert (one.content, one.gaps) == (b"abcdefghijklm...qrs", [(13, 3)])


def test_a_missing_end_is_a_gap_when_it_was_acknowledged():
    notes = Notes()
    one = client(Segment(1000, 5000, ACK, b"abc"), Segment(5000, 1020, back=True), notes=notes)
    assert (one.content, one.gaps) == (b"abc" + b"." * 17, [(3, 17)])
    assert notes.counts == {Code.TCP_GAP: 1}


def test_an_acknowledged_fin_that_nobody_saw_is_no_gap():
    one = client(Segment(1000, 5000, ACK, b"abc"), Segment(5000, 1004, back=True))
    assert (one.content, one.gaps) == (b"abc", [])


def test_an_unacknowledged_hole_waits_for_its_segment():
    others = [Segment(5000 + k, 1000, ACK, b"x", back=True) for k in range(200)]
    one = client(Segment(1003, 5000, ACK, b"def"), *others, Segment(1000, 5000, ACK, b"abc"))
    assert (one.content, one.gaps) == (b"abcdef", [])


def test_a_one_sided_capture_goes_on_after_a_hole():
    segments = numbered([Segment(1000 + 10 * k, 1, ACK, bytes([97 + k % 26]) * 10) for k in range(200) if k != 5])
    tracker, collector = Tracker(Notes(), Counters()), Collector()
    collector.take(tracker.track(packets(segments)))
    assert collector.streams[0, 0].gaps == [(50, 10)]
    assert len(collector.streams[0, 0].content) == 2000


def test_a_capture_that_begins_in_the_middle():
    got = run(cut(numbered([Segment(5000, 1200, ACK, b"tail of an answer", back=True), Segment(1200, 5017, ACK, b"next"),
                            Segment(5017, 1204, ACK, b"answer", back=True)]), []))
    assert got.streams[0, 0].content == b"tail of an answeranswer"
    assert got.streams[0, 1].content == b"next"
    assert got.ended[6, 0][s.F_MIDSTREAM] == 1


def test_an_acknowledgement_does_not_hide_earlier_bytes_that_come_later():
    got = run(cut(numbered([Segment(1200, 5017), Segment(5000, 1200, ACK, b"tail of an answer", back=True)]), []))
    assert got.streams[0, 1].content == b"tail of an answer"


def test_a_forged_jump_opens_no_gap():
    notes = Notes()
    one = client(Segment(1000, 5000, ACK, b"abc"), Segment(1003 + (1 << 30), 5000, ACK, b"evil"),
                 Segment(1003, 5000, ACK, b"def"), notes=notes)
    assert (one.content, one.gaps) == (b"abcdef", [])
    assert notes.counts == {Code.TCP_FORGED_JUMP: 1}


@pytest.mark.parametrize("acknowledged", [False, True])
def test_a_jump_that_goes_on_is_loss(acknowledged):
    far = 1003 + (1 << 26)
    proof = [Segment(5000, far + 4, back=True)] if acknowledged else []
    one = client(Segment(1000, 5000, ACK, b"abc"), *proof, *(Segment(far + 4 * k, 5000, ACK, b"abcd") for k in range(5)))
    start = 0 if acknowledged else 2
    assert one.gaps == [(3, (1 << 26) + 4 * start)]
    assert one.content.endswith(b"abcd" * (5 - start)) and len(one.content) == 3 + (1 << 26) + 20


def test_a_stream_that_holds_too_much_gives_up_its_hole(monkeypatch):
    counters, notes = Counters(), Notes()
    segments = connected(*(Segment(1100 + 10 * k, 5000, ACK, b"0123456789")
                           for k in range(limits.HELD_SEGMENTS_PER_STREAM + 10)))
    tracker, collector = Tracker(notes, counters), Collector()
    collector.take(tracker.track(packets(segments)))
    assert counters.holes_given_up == 1
    assert collector.streams[0, 0].gaps == [(0, 100)]
    assert notes.counts[Code.TCP_HOLE_GIVEN_UP] == 1


def test_all_streams_together_hold_no_more_than_their_cap(monkeypatch):
    monkeypatch.setattr(limits, "HELD_BYTES", 1 << 20)
    tracker, collector, counters = Tracker(Notes(), counters := Counters()), Collector(), counters
    number = 1
    for port in range(400):
        segments = numbered([Segment(999, 0, SYN, client_port=port), Segment(4999, 1000, SYN | ACK, back=True, client_port=port),
                             *(Segment(1100 + 1000 * k, 5000, ACK, bytes(1000), client_port=port) for k in range(10))])
        batch = tracker.track(packets(segments, number))
        number += len(segments)
        assert len(batch.held) <= 4 << 20
        collector.take(batch)
    assert counters.holes_given_up > 0
    collector.take(tracker.track(packets([], number, end=True)))
    for port in range(400):
        assert len(collector.streams[port, 0].content) == 10_100
        assert collector.streams[port, 0].gaps == [(0, 100)]


def test_many_segments_of_one_byte_cannot_fill_the_memory(monkeypatch):
    monkeypatch.setattr(limits, "HELD_BYTES", 1 << 16)
    tracker = Tracker(Notes(), Counters())
    for port in range(40):
        tracker.track(packets(numbered([Segment(999, 0, SYN, client_port=port), Segment(4999, 1000, SYN | ACK, back=True, client_port=port),
                                        *(Segment(1001 + 2 * k, 5000, ACK, b"x", client_port=port) for k in range(200))]),
                              1 + 202 * port))
    assert len(tracker._nodes) <= 4 * (1 << 16) // 64


@pytest.mark.parametrize("cuts", [[], [5], [4, 5, 6, 7]])
@pytest.mark.parametrize("held", [False, True])
def test_a_later_copy_that_differs_is_noted(cuts, held):
    """Evidence that somebody put a segment into the connection."""
    notes = Notes()
    first = [Segment(1000, 5000, ACK, b"HTTP/1.1 200 OK"), Segment(1000, 5000, ACK, b"HTTP/1.1 302 No"),
             Segment(1000, 5000, ACK, b"HTTP/1.1 200 OK")]
    segments = connected(*first) if not held else connected(*(
        Segment(one.seq + 5, one.ack, ACK, one.payload) for one in first), Segment(1000, 5000, ACK, b"-----HTTP"))
    got = run(cut(segments, cuts), notes).streams[0, 0]
    assert got.content == (b"-----" if held else b"") + b"HTTP/1.1 200 OK"
    assert [(note.code, note.packet, note.needed, note.had) for note in notes] == [(Code.TCP_CONFLICT, 5, 15, 4)]


def test_repetitions_that_agree_and_keep_alives_are_no_conflict():
    notes = Notes()
    client(Segment(1000, 5000, ACK, b"abcdef"), Segment(1000, 5000, ACK, b"abc"), Segment(1004, 5000, ACK, b"efgh"),
           Segment(1007, 5000, ACK, b"\0"), notes=notes)
    assert not notes.counts


def test_a_conflict_too_long_ago_is_not_looked_for():
    notes = Notes()
    others = [Segment(5000, 1006, back=True)] * limits.CONFLICT_PACKETS
    client(Segment(1000, 5000, ACK, b"abcdef"), *others, Segment(1000, 5000, ACK, b"ABCDEF"), notes=notes)
    assert not notes.counts


@pytest.mark.parametrize("cuts", [[8], [4, 5, 6, 7, 8], [3, 8]])
@pytest.mark.parametrize("most", [8_000, 40_000])
def test_a_conflict_too_many_bytes_ago_is_not_looked_for(monkeypatch, cuts, most):
    monkeypatch.setattr(limits, "CONFLICT_BYTES", most)
    notes, tracker = Notes(), Tracker(Notes(), Counters())
    tracker.notes = notes
    others = [Segment(5000 + 5000 * number, 1006, back=True, payload=bytes(5000)) for number in range(4)]
    segments = connected(Segment(1000, 5000, ACK, b"abcdef"), *others, Segment(1000, 25000, ACK, b"ABCDEF"))
    for batch in cut(segments, cuts):
        tracker.track(batch)
        assert len(tracker._before) == 1 or sum(len(data) for *_, data in tracker._before) < most + 24_000
    assert [note.code for note in notes] == ([Code.TCP_CONFLICT] if most == 40_000 else [])
