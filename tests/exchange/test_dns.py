"""DNS exchanges: who is answered, who is not, and what is strange about it."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniff import limits
from sniff.decode import dns_columns as d
from sniff.exchange import dns_pair
from sniff.exchange.dns import DnsExchange, DnsPairing, State
from sniff.limits import Counters
from sniff.notes import Code, Notes
from tests import wire
from tests.decode.dns_parts import POINTER, answer, decode, message, name, over_tcp, query, question, record


def exchanges(frames: list[bytes], sizes: list[int] | None = None, notes: Notes | None = None,
              counters: Counters | None = None) -> list[DnsExchange]:
    """All exchanges of some frames."""
    pairing = DnsPairing(notes, counters)
    found = [one for batch in decode(frames, sizes or []) for one in pairing.add(batch)]
    return [*found, *pairing.finish()]


def facts(found: list[DnsExchange]) -> list[tuple[object, ...]]:
    """What matters of each exchange."""
    return [(one.state, one.id, one.name, one.type, one.client, one.server, one.client_port, one.asked_ns, one.answered_ns,
             one.retries, one.status, tuple(one.answers)) for one in found]


def test_a_query_and_its_answer() -> None:
    notes = Notes()
    [one] = exchanges([wire.udp(0, query(7, "a.example")), wire.udp(1, answer(7, "a.example", "192.0.2.1"))], notes=notes)
    assert one.state == State.ANSWERED and not one.is_error
    assert (one.client, one.server, one.client_port, one.server_port) == ("10.0.0.1", "10.0.0.2", 40_000, 53)
    assert (one.name, one.type, one.status, one.answers) == ("a.example", "A", "NOERROR", ["192.0.2.1"])
    assert one.time_ns == 1_000_000 and one.retries == 0
    assert one.query is not None and one.query.packet == 1
    assert one.response is not None and one.response.packet == 2
    assert not len(notes)


def test_names_are_compared_without_regard_to_case() -> None:
    [one] = exchanges([wire.udp(0, query(7, "A.eXample")), wire.udp(1, answer(7, "a.example", "192.0.2.1"))])
    assert one.state == State.ANSWERED and one.name == "A.eXample"


def test_retries_are_one_exchange() -> None:
    asked = wire.udp(0, query(7, "a.example"))
    [one] = exchanges([asked, asked, asked, wire.udp(1, answer(7, "a.example", rcode=3))])
    assert one.retries == 2 and one.time_ns == 3_000_000 and one.is_error and one.status == "NXDOMAIN"


def test_a_truncated_answer_and_the_same_question_over_tcp() -> None:
    frames = [wire.udp(0, query(7, "a.example")), wire.udp(1, message(7, 0x8380, [question("a.example")])),
              *wire.conversation([(0, over_tcp(query(7, "a.example"))), (1, over_tcp(answer(7, "a.example", "192.0.2.1")))],
                                 server_port=53)]
    assert [(one.transport, one.state, one.answers) for one in exchanges(frames)] == [
        ("udp", State.ANSWERED, []), ("tcp", State.ANSWERED, ["192.0.2.1"])]


def test_the_unanswered_come_out_at_the_end() -> None:
    [one] = exchanges([wire.udp(0, query(7, "a.example"))])
    assert one.state == State.UNANSWERED and one.is_error and one.response is None and one.time_ns == -1 and one.rcode == -1
    assert one.name == "a.example" and one.status == "" and one.answers == [] and one.chain == ["a.example"]


def test_a_query_is_given_up_after_a_while() -> None:
    raws = [wire.udp(0, query(1, "a.example")), wire.udp(0, query(2, "b.example"))]
    [first], [second] = decode(raws[:1]), decode(raws[1:])
    second.messages[:, d.D_TS_NS] += limits.DNS_WAIT_NS + 1
    pairing = DnsPairing()
    assert not len(pairing.add(first))
    [one] = pairing.add(second)
    assert one.state == State.UNANSWERED and one.name == "a.example"
    [late] = decode([wire.udp(1, answer(1, "a.example", "192.0.2.1"))])
    late.messages[:, d.D_TS_NS] += limits.DNS_WAIT_NS + 2
    assert [one.state for one in pairing.add(late)] == [State.UNASKED]


@pytest.mark.parametrize("wrong", [answer(8, "a.example", "192.0.2.9"), answer(7, "b.example", "192.0.2.9")])
def test_an_answer_nobody_asked_for(wrong: bytes) -> None:
    notes = Notes()
    found = exchanges([wire.udp(0, query(7, "a.example")), wire.udp(1, wrong), wire.udp(1, answer(7, "a.example", "192.0.2.1"))],
                      notes=notes)
    assert [one.state for one in found] == [State.UNASKED, State.ANSWERED]
    assert [(note.code, note.packet) for note in notes] == [(Code.DNS_UNASKED_ANSWER, 2)]
    assert found[0].query is None and found[0].client == "10.0.0.1" and found[0].asked_ns == -1


def test_an_answer_to_another_port_or_from_another_server_is_none() -> None:
    asked = query(7, "a.example")
    for wrong in (wire.udp(1, answer(7, "a.example", "192.0.2.9"), client_port=40_001),
                  wire.ip(0x0A000063, wire.CLIENT, 17, wire.udp(1, answer(7, "a.example", "192.0.2.9"))[34:])):
        assert [one.state for one in exchanges([wire.udp(0, asked), wrong])] == [State.UNASKED, State.UNANSWERED]


def test_a_second_answer_that_says_something_else_is_suspicious() -> None:
    notes = Notes()
    frames = [wire.udp(0, query(7, "a.example")), wire.udp(1, answer(7, "a.example", "192.0.2.9", "192.0.2.8")),
              wire.udp(1, answer(7, "a.example", "192.0.2.8", "192.0.2.9")), wire.udp(1, answer(7, "a.example", "192.0.2.1"))]
    found = exchanges(frames, notes=notes)
    assert [(one.state, one.before) for one in found] == [(State.ANSWERED, 0), (State.SECOND, 2)]
    assert [(note.code, note.packet) for note in notes] == [(Code.DNS_SECOND_ANSWER, 4)]
    assert "packet 2" in notes.rows[0].detail


def test_a_zone_transfer_has_many_answers() -> None:
    notes = Notes()
    told = [message(7, 0x8400, [question("z", 252)], [record(POINTER, 16, bytes([1, 65 + i]))]) for i in range(5)]
    found = exchanges(wire.conversation([(0, over_tcp(query(7, "z", 252))), (1, over_tcp(*told))], server_port=53), notes=notes)
    assert [one.state for one in found] == [State.ANSWERED] and not len(notes)


def test_groups_answer_as_they_like() -> None:
    notes = Notes()
    llmnr = wire.ip(0x0A000009, wire.CLIENT, 17, struct.pack(">HHHH", 5355, 40_000, 8 + len(answer(7, "pc", "10.0.0.9")), 0)
                    + answer(7, "pc", "10.0.0.9"))
    frames = [wire.udp(0, query(7, "pc"), server_port=5355), llmnr, llmnr,
              wire.udp(0, query(0, "a.local"), 5353, 5353), wire.udp(1, answer(0, "a.local", "10.0.0.9"), 5353, 5353)]
    found = exchanges(frames, notes=notes)
    assert [(one.protocol, one.state, one.is_error) for one in found] == [
        ("LLMNR", State.ANSWERED, False), ("MDNS", State.ANNOUNCED, False), ("MDNS", State.UNANSWERED, False)]
    assert found[0].time_ns == 1_000_000 and not len(notes)


def test_alias_chains() -> None:
    def alias(owner: str, target: str) -> bytes:
        return record(name(owner), 5, name(target))

    told = message(7, 0x8180, [question("A.example")], [alias("a.example", "b.example"), alias("B.example", "c.example"),
                                                       record(name("c.example"), 1, bytes([192, 0, 2, 1]))])
    [one] = exchanges([wire.udp(0, query(7, "A.example")), wire.udp(1, told)])
    assert one.chain == ["A.example", "b.example", "c.example"] and one.addresses == ["192.0.2.1"]
    loop = message(7, 0x8180, [question("a")], [alias("a", "b"), alias("b", "a")])
    [one] = exchanges([wire.udp(0, query(7, "a")), wire.udp(1, loop)])
    assert one.chain == ["a", "b", "a"]


def test_an_id_used_again_is_a_new_exchange() -> None:
    frames = []
    for number in range(3):
        frames += [wire.udp(0, query(7, "a.example")), wire.udp(1, answer(7, "a.example", f"192.0.2.{number}"))]
    notes = Notes()
    assert [one.answers for one in exchanges(frames, notes=notes)] == [["192.0.2.0"], ["192.0.2.1"], ["192.0.2.2"]]
    assert not len(notes)


def test_too_many_queries_push_out_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DNS_PENDING", 10)          # the table has twice as many slots
    counters = Counters()
    found = exchanges([wire.udp(0, query(number, f"n{number}.example")) for number in range(50)], [7] * 7, counters=counters)
    assert [one.name for one in found] == [f"n{number}.example" for number in range(50)]
    assert counters.dns_given_up == 30


said = st.lists(st.tuples(st.booleans(), st.integers(0, 2), st.sampled_from(["a", "b"]), st.integers(0, 2)), max_size=30)


@given(said, st.lists(st.integers(1, 6), max_size=20))
def test_batch_boundaries_change_nothing(talk: list[tuple[bool, int, str, int]], sizes: list[int]) -> None:
    frames = [wire.udp(1, answer(number, text, f"192.0.2.{last}")) if told else wire.udp(0, query(number, text))
              for told, number, text, last in talk]
    notes, notes_of_parts = Notes(), Notes()
    assert facts(exchanges(frames, sizes, notes_of_parts)) == facts(exchanges(frames, notes=notes))
    assert notes_of_parts.rows == notes.rows


@given(said)
def test_pairs_are_those_of_a_slow_and_obvious_twin(talk: list[tuple[bool, int, str, int]]) -> None:
    frames, expected = [], []
    waiting: dict[tuple[int, str], int] = {}
    answered: dict[tuple[int, str], int] = {}
    for place, (told, number, text, last) in enumerate(talk, 1):
        frames.append(wire.udp(1, answer(number, text, f"192.0.2.{last}")) if told else wire.udp(0, query(number, text)))
        key = number, text
        if not told:
            waiting.setdefault(key, place)
        elif key in waiting:
            expected.append((State.ANSWERED, waiting.pop(key), place))
            answered[key] = last
        elif key not in answered:
            expected.append((State.UNASKED, 0, place))
        elif answered[key] != last:
            expected.append((State.SECOND, 0, place))
    expected += [(State.UNANSWERED, place, 0) for place in sorted(waiting.values())]
    found = [(one.state, one.query.packet if one.query and one.state != State.SECOND else 0,
              one.response.packet if one.response else 0) for one in exchanges(frames)]
    assert found == expected


def test_chosen_ids_do_not_cost_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """All queries in one bucket: chains are not followed to their ends."""
    pairing = DnsPairing()
    [batch] = decode([wire.udp(0, query(number, "a")) for number in range(2_000)])
    pairing._grow(len(batch))
    pairing._buckets = pairing._buckets[:1].copy()
    pairing.add(batch)
    assert len(pairing.finish()) == 2_000


def test_held_bytes_are_those_of_the_queries() -> None:
    """Queries wait over many batches while others come and go."""
    pairing, found = DnsPairing(), []
    for turn in range(60):
        frames = [wire.udp(0, query(1_000 + 10 * turn + i, f"{'x' * i}.slow{turn}.example")) for i in range(1, 10)]
        [batch] = decode(frames)
        found += list(pairing.add(batch))
        [batch] = decode([wire.udp(1, answer(1_000 + 10 * turn + i, f"{'x' * i}.slow{turn}.example")) for i in range(1, 8)])
        found += list(pairing.add(batch))
    assert all(one.query is not None and one.query.qry_name == one.response.qry_name for one in found if one.response)
    assert sorted(one.name for one in pairing.finish()) == sorted(f"{'x' * i}.slow{turn}.example" for turn in range(60) for i in (8, 9))
    assert int(pairing._ctl[dns_pair.C_WAITING_]) == 0
