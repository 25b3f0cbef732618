"""Pairs and phases, on conversations written down as columns."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sniff import limits
from sniff.decode.columns import MessageFlag
from sniff.exchange.http import Lookup, State
from sniff.exchange.http_builder import ExchangeBuilder
from sniff.exchange.totals import HttpTotals
from sniff.notes import Code, Notes
from sniff.reassembly.columns import EndReason, Tag
from tests.exchange.rows import MS, Script

DONE = MessageFlag.COMPLETE
FOUND_AGAIN = MessageFlag.COMPLETE | MessageFlag.RESYNC


def run(script, *, packets=(), finish=True, **options):
    builder = ExchangeBuilder(**options)
    return builder.add(script.batch(packets)) + (builder.finish() if finish else [])


def pairs(exchanges):
    return [(e.request.target.decode() if e.request else None, e.response.first_packet if e.response else None)
            for e in exchanges]


def test_requests_and_responses_are_paired_in_order():
    script = Script().connection().get(b"/a", 1).answer(200, 2).get(b"/b", 3).answer(404, 4)
    exchanges = run(script)
    assert pairs(exchanges) == [("/a", 2), ("/b", 4)]
    assert [e.state for e in exchanges] == [State.COMPLETE] * 2
    assert [e.is_error for e in exchanges] == [False, True]
    assert not any(e.inferred for e in exchanges)
    assert exchanges[0].url() == "http://example.com/a"


def test_pipelined_and_interim_responses():
    script = Script().connection().get(b"/a", 1).get(b"/b", 2)
    script.answer(100, 3).answer(103, 4).answer(200, 5, 9).answer(101, 10)
    exchanges = run(script)
    assert pairs(exchanges) == [("/a", 5), ("/b", 10)]
    assert [message.status for message in exchanges[0].interim] == [100, 103]
    assert exchanges[1].interim == ()
    assert exchanges[1].phases.queue == 7 * MS, "/b was sent at 2 and had to wait until /a was answered at 9"
    assert exchanges[1].phases.wait == 1 * MS


def test_a_response_that_began_before_the_request_is_not_its_answer():
    notes = Notes()
    exchanges = run(Script().connection().answer(200, 1, 1).get(b"/a", 2).answer(200, 3), notes=notes)
    assert pairs(exchanges) == [(None, 1), ("/a", 3)]
    assert exchanges[0].state == State.UNASKED
    assert [note.code for note in notes] == [Code.HTTP_UNPAIRED_RESPONSE]


def test_an_early_answer_to_a_request_that_is_still_being_sent():
    exchanges = run(Script().connection().answer(413, 5).get(b"/big", 1, 20, flags=MessageFlag.ABORTED))
    assert pairs(exchanges) == [("/big", 5)]
    assert exchanges[0].state == State.ABORTED
    phases = exchanges[0].phases
    assert (phases.send, phases.wait, phases.receive) == (4 * MS, 0, 15 * MS)


@pytest.mark.parametrize(("reason", "rst", "state"), [
    (EndReason.FIN, 0, State.UNANSWERED), (EndReason.IDLE, 0, State.UNANSWERED), (EndReason.RESET, 7, State.ABORTED),
    (EndReason.CAPTURE_END, 0, State.RUNNING), (EndReason.REUSED, 0, State.UNANSWERED)])
def test_requests_without_an_answer(reason, rst, state):
    exchange, = run(Script().connection(ended=30, reason=reason, rst=rst).get(b"/a", 1))
    assert exchange.state == state
    assert exchange.phases.wait == 29 * MS
    assert exchange.phases.total == exchange.end_ns - exchange.start_ns


def test_a_response_lost_in_a_hole_costs_only_its_own_exchange():
    notes = Notes()
    script = (Script().connection(ended=99).get(b"/a", 1).answer(200, 2).get(b"/b", 3).get(b"/c", 5)
              .answer(200, 6, flags=FOUND_AGAIN).get(b"/d", 7).answer(200, 8))
    exchanges = run(script, notes=notes)
    assert pairs(exchanges) == [("/a", 2), ("/b", None), ("/c", 6), ("/d", 8)]
    assert [e.inferred for e in exchanges] == [False, True, True, True]
    assert [note.code for note in notes] == [Code.HTTP_RESYNC] * 2


def test_a_request_lost_in_a_hole_of_a_pipelined_connection():
    script = (Script().connection(ended=99).get(b"/a", 1).get(b"/c", 1, flags=FOUND_AGAIN)
              .answer(200, 2).answer(200, 3).answer(200, 4))
    exchanges = run(script)
    assert pairs(exchanges) == [("/a", 2), (None, 3), ("/c", 4)]
    assert [e.inferred for e in exchanges] == [False, True, True]


def test_a_response_lost_in_a_hole_of_a_pipelined_connection():
    script = (Script().connection(ended=99).get(b"/a", 1).get(b"/b", 1).get(b"/c", 1).answer(200, 2)
              .answer(200, 4, flags=FOUND_AGAIN))
    assert pairs(run(script)) == [("/a", 2), ("/b", None), ("/c", 4)]


def test_phases_of_the_first_exchange():
    class Names:
        def before(self, client_hi, client_lo, server_hi, server_lo, ns):
            assert (client_lo, server_lo, ns) == (0x0A000001, 0x0A000002, 100 * MS)
            return Lookup("example.com", 60 * MS, 90 * MS)

    script = Script().connection(syn=100, synack=120, established=121).get(b"/a", 125, 130).answer(200, 200, 250)
    script.get(b"/b", 300).answer(200, 310, 320)
    first, second = run(script, lookups=Names())
    assert [phase // MS for phase in first.phases] == [30, 21, 10 + 4, 5, 70, 50]
    assert first.phases.total == 190 * MS == first.end_ns - first.start_ns
    assert first.start_ns == 60 * MS
    assert [phase // MS for phase in second.phases] == [0, 0, 0, 0, 10, 10]


def test_a_connection_opened_in_advance_was_not_waited_for():
    exchange, = run(Script().connection(syn=0, synack=1, established=2).get(b"/a", 5000).answer(200, 5001))
    assert exchange.phases.connect == 0
    assert exchange.start_ns == 5000 * MS


def test_retransmissions_and_stalls_fall_into_phases():
    script = Script().connection(syn=0, synack=10, established=11).get(b"/a", 12, 20).answer(200, 50, 90)
    packets = [(5, 0, 0, Tag.RETRANSMISSION), (15, 0, 0, Tag.FAST_RETRANSMISSION), (30, 0, 0, Tag.RETRANSMISSION),
               (60, 0, 1, Tag.RETRANSMISSION), (70, 0, 0, Tag.ZERO_WINDOW), (70, 3, 0, Tag.ZERO_WINDOW),
               (95, 0, 0, Tag.RETRANSMISSION)]
    exchange, = run(script, packets=packets)
    assert exchange.retransmissions() == {"connect": 1, "send": 1, "wait": 1, "receive": 1}
    assert exchange.stalls() == {"receive": 1}


def test_streams_do_not_mix():
    script = Script().connection(0).connection(1).get(b"/a", 1, stream=0).get(b"/b", 2, stream=1)
    script.answer(200, 3, stream=1).answer(200, 4, stream=0)
    assert pairs(run(script)) == [("/b", 3), ("/a", 4)]


def test_too_many_waiting_requests_are_given_up():
    script = Script().connection()
    for number in range(limits.PENDING_EXCHANGES + 10):
        script.get(b"/%d" % number, number + 1)
    counters = limits.Counters()
    exchanges = run(script, finish=False, counters=counters)
    assert pairs(exchanges) == [(f"/{number}", None) for number in range(10)]
    assert counters.exchanges_given_up == 10


CONVERSATION = st.lists(st.tuples(st.integers(1, 4), st.integers(0, 2)), min_size=1, max_size=12)


@settings(deadline=None, max_examples=200)
@given(CONVERSATION, st.data())
def test_bursts_with_one_message_lost_pair_exactly(bursts, data):
    """Bursts of pipelined requests, answered in order; at most one message is lost, the next one found by RESYNC."""
    messages, expected, when = [], [], 0
    for burst, (size, interims) in enumerate(bursts):
        names = [b"/%d-%d" % (burst, index) for index in range(size)]
        for name in names:
            when += 1
            messages.append(("request", name, when))
        for name in names:
            for _ in range(interims):
                when += 1
                messages.append(("interim", name, when))
            when += 1
            messages.append(("response", name, when))
            expected.append([name.decode(), when])
    losable = [index for index, message in enumerate(messages) if message[0] != "interim"]
    lost = data.draw(st.sampled_from([None, *losable]))
    script, missing = Script().connection(ended=when + 5), {}
    resync = {"request": False, "response": False}
    for index, (kind, name, at) in enumerate(messages):
        side = "request" if kind == "request" else "response"
        if index == lost:
            resync[side] = True
            missing[kind] = (name.decode(), at)
            continue
        flags = FOUND_AGAIN if resync[side] else DONE
        resync[side] = False
        if kind == "request":
            script.get(name, at, flags=flags)
        else:
            script.answer(100 if kind == "interim" else 200, at, flags=flags)
    got = run(script)
    assert sum(e.request is not None for e in got) + sum(e.response is not None for e in got) \
        == sum(kind != "interim" for kind, _, _ in messages) - bool(missing)
    if not missing:
        assert pairs(got) == [tuple(pair) for pair in expected]
        assert not any(e.inferred for e in got)
    for exchange in got:
        if exchange.request and exchange.response and not exchange.inferred:
            assert [exchange.request.target.decode(), exchange.response.first_packet] in expected
        assert exchange.phases.total == exchange.end_ns - exchange.start_ns
        assert min(exchange.phases) >= 0
    touched = {name for name, _ in missing.values()}
    assert {pair for pair in pairs(got) if all(pair)} == {(name, at) for name, at in expected if name not in touched}


def test_totals_agree_with_exchanges():
    script = Script().connection().get(b"/a", 1).answer(100, 2).answer(200, 5)
    script.get(b"/b", 10).answer(503, 30).get(b"/c", 31)
    totals = HttpTotals()
    batch = script.batch()
    totals.add(batch.messages[:, :4])
    totals.add(batch.messages[:, 4:])
    assert (totals.requests, totals.responses, totals.errors, totals.incomplete) == (3, 2, 1, 0)
    assert totals.classes == {2: 1, 5: 1}
    assert [(slow.duration_ns // MS, slow.request_packet, slow.response_packet) for slow in totals.slowest] \
        == [(20, 10, 30), (4, 1, 5)]
