"""Exchanges as columns: what is taken from them, put together and chosen says the same as the objects."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sniff.decode.columns import M_FIRST_PACKET, M_STATUS, MessageFlag
from sniff.exchange import http_columns as x
from sniff.exchange.http import Exchanges, State
from sniff.exchange.http_builder import ExchangeBuilder
from sniff.reassembly.columns import EndReason, Tag
from tests.exchange.rows import Script

STEPS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["get", "get", 200, 200, 404, 100, 101]), st.integers(0, 3),
                           st.sampled_from([1, 1, 1, 257, 5, 1025, 512])), max_size=30)


def exchanges_of(steps):
    script = Script()
    for stream in range(4):
        script.connection(stream, syn=1, synack=2, established=3, ended=500, reason=EndReason.FIN)
    when, packets = 4, []
    for stream, what, pause, flags in steps:
        when += pause
        if what == "get":
            script.get(b"/%d" % when, when, stream=stream, flags=flags, prefix=b"p" * pause)
        else:
            script.answer(what, when, stream=stream, flags=flags)
        if flags == 257:
            packets.append((when, stream, 0, Tag.RETRANSMISSION))
    builder = ExchangeBuilder()
    made = builder.add(script.batch(packets))
    assert not len(builder.finish()), "all connections ended"
    return made


def facts(exchange):
    return (exchange.number, exchange.place, exchange.stream, exchange.state, exchange.inferred, exchange.moments, exchange.events,
            *((message.row[M_FIRST_PACKET], message.head, message.prefix) if message is not None else None
              for message in (exchange.request, exchange.response)), [message.head for message in exchange.interim],
            exchange.connection.client_port)


@settings(deadline=None, max_examples=200)
@given(STEPS, st.integers(0, 30), st.integers(0, 30), st.randoms())
def test_parts_choices_and_sums_say_what_the_whole_says(steps, start, stop, random):
    made = exchanges_of(steps)
    every = [facts(exchange) for exchange in made]
    assert [facts(made[index]) for index in range(len(made))] == every
    assert [facts(exchange) for exchange in made[start:stop]] == every[start:stop]
    mask = np.array([random.random() < 0.5 for _ in every], np.bool_)
    chosen = made.select(mask)
    assert [facts(exchange) for exchange in chosen] == [one for one, wanted in zip(every, mask, strict=True) if wanted]
    assert [facts(exchange) for exchange in made[:stop].plus(list(exchanges_of(steps)[stop:]))] == every
    assert [facts(exchange) for exchange in made + chosen] == every + [facts(exchange) for exchange in chosen]


@settings(deadline=None, max_examples=100)
@given(STEPS)
def test_columns_made_of_objects_are_those_of_the_builder(steps):
    made = exchanges_of(steps)
    again = Exchanges.of(list(made))
    assert Exchanges.of(made) is made
    columns = [column for column in range(x.X_COUNT) if column not in (x.X_CONNECTION, *range(x.X_HEAD, x.X_HEAD + 4))]
    assert again.rows[:, columns].tolist() == made.rows[:, columns].tolist()
    assert [facts(exchange) for exchange in again] == [facts(exchange) for exchange in made]


def test_a_column_is_there_without_an_object():
    made = exchanges_of([(0, "get", 1, 1), (0, 404, 1, 1), (1, 200, 1, 1), (2, "get", 1, 1)])
    assert made.rows[:, x.X_RESPONSE + M_STATUS].tolist() == [404, 200, 0]
    assert made.rows[:, x.X_HAS].tolist() == [x.REQUEST | x.RESPONSE, x.RESPONSE, x.REQUEST]
    assert made.rows[:, x.X_STATE].tolist() == [State.COMPLETE, State.UNASKED, State.UNANSWERED]
    assert made.rows[0, x.X_STREAM] == 0
    assert made[0] is made[0]


def test_what_waits_is_kept_over_many_batches():
    """Heads of those that wait move from one arena to a larger one; nodes are used again."""
    builder, found, expected = ExchangeBuilder(), [], []
    script = Script()
    for stream in range(40):
        script.connection(stream)
    builder.add(script.batch())
    for turn in range(30):
        script = Script(sequence=dict.fromkeys([(stream, side) for stream in range(40) for side in (False, True)], turn))
        for stream in range(40):
            if turn:
                script.answer(200, 1000 * turn + 500 + stream, stream=stream)
            head = b"GET /%d/%d HTTP/1.1\r\nHost: %s\r\n\r\n" % (stream, turn, b"h" * (1 + turn * 97 % 3000))
            script.message(head, 1000 * turn + 600 + stream, stream=stream, prefix=b"%d" % stream, flags=MessageFlag.COMPLETE)
            expected.append((head, b"%d" % stream))
        found += [(exchange.request.head, exchange.request.prefix) for exchange in builder.add(script.batch())]
    found += [(exchange.request.head, exchange.request.prefix) for exchange in builder.finish()]
    assert sorted(found) == sorted(expected)
