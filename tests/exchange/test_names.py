"""Names learned from DNS: per client, in time order, bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniff import limits
from sniff.exchange.dns import DnsPairing
from sniff.exchange.names import Names
from sniff.limits import Counters
from tests import wire
from tests.decode.dns_parts import POINTER, answer, decode, message, name, query, question, record


def learned(frames: list[bytes], sizes: list[int] | None = None, counters: Counters | None = None) -> Names:
    """What some frames teach."""
    pairing, names = DnsPairing(), Names(counters)
    for batch in decode(frames, sizes or []):
        names.learn(pairing.add(batch))
    names.learn(pairing.finish())
    return names


def lookup(number: int, text: str, *addresses: str) -> list[bytes]:
    """A query and its answer."""
    return [wire.udp(0, query(number, text)), wire.udp(1, answer(number, text, *addresses))]


def at(packet: int) -> int:
    """When a packet was captured."""
    return wire.START_NS + packet * 1_000_000


def test_a_client_knows_the_name_it_asked_for() -> None:
    names = learned(lookup(1, "www.example", "192.0.2.1", "192.0.2.2"))
    assert names.lookup("10.0.0.1", "192.0.2.2") == "www.example"
    assert names.lookup("10.0.0.1", "192.0.2.3") is None
    assert names.lookup("10.0.0.9", "192.0.2.2") is None            # it never asked
    assert names.lookup(None, "192.0.2.2") == "www.example"         # but somebody did
    found = names.learned("10.0.0.1", "192.0.2.1")
    assert found is not None and (found.query_packet, found.response_packet) == (1, 2)
    assert (found.asked_ns, found.answered_ns) == (at(1), at(2))


def test_aliases_do_not_hide_the_name() -> None:
    told = message(1, 0x8180, [question("www.example")], [record(POINTER, 5, name("cdn.example")),
                                                         record(name("cdn.example"), 1, bytes([192, 0, 2, 1]))])
    assert learned([wire.udp(0, query(1, "www.example")), wire.udp(1, told)]).lookup("10.0.0.1", "192.0.2.1") == "www.example"


def test_time_order() -> None:
    names = learned([*lookup(1, "old.example", "192.0.2.1"), *lookup(2, "new.example", "192.0.2.1")])
    assert names.lookup("10.0.0.1", "192.0.2.1") == "new.example"
    assert names.lookup("10.0.0.1", "192.0.2.1", at(3)) == "old.example"
    assert names.lookup("10.0.0.1", "192.0.2.1", at(4)) == "new.example"
    assert names.lookup("10.0.0.1", "192.0.2.1", at(1)) is None


def test_ipv6_and_columns() -> None:
    address = bytes.fromhex("fe800000000000000000000000000001")
    told = message(1, 0x8180, [question("six.example", 28)], [record(POINTER, 28, address)])
    names = learned([wire.udp(0, query(1, "six.example", 28)), wire.udp(1, told)])
    assert names.lookup("10.0.0.1", "fe80::1") == "six.example"
    high = 0xFE80 << 48
    for upper in (high, high - (1 << 64)):      # as a number, and as a column holds it
        found = names.before(0, wire.CLIENT, upper, 1, at(2))
        assert found is not None and (found.name, found.asked_ns, found.answered_ns) == ("six.example", at(1), at(2))
    assert names.before(0, wire.CLIENT, high, 1, at(1)) is None


def test_unasked_answers_teach_but_are_no_lookup() -> None:
    names = learned([wire.udp(1, answer(1, "www.example", "192.0.2.1"))])
    assert names.lookup("10.0.0.1", "192.0.2.1") == "www.example"
    assert names.before(0, wire.CLIENT, 0, 0xC0000201, at(9)) is None


def test_errors_and_second_answers_teach_nothing() -> None:
    names = learned([*lookup(1, "a.example", "192.0.2.1"), wire.udp(1, answer(1, "a.example", "192.0.2.66")),
                     wire.udp(0, query(2, "b.example")), wire.udp(1, answer(2, "b.example", "192.0.2.7", rcode=3))])
    assert names.lookup(None, "192.0.2.66") is None and names.lookup(None, "192.0.2.7") is None


def test_mdns_is_known_to_all() -> None:
    told = message(0, 0x8400, [], [record(name("printer.local"), 1, bytes([10, 0, 0, 7]), family=0x8001)])
    names = learned([wire.udp(0, told, 5353, 5353)])
    assert names.lookup(None, "10.0.0.7") == "printer.local"
    assert names.lookup("10.0.0.2", "10.0.0.7") is None


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "NAMES", 8)
    counters = Counters()
    frames = [frame for i in range(20) for frame in lookup(i, f"n{i}.example", f"192.0.2.{i}")]
    names = learned(frames, counters=counters)
    assert names.lookup(None, "192.0.2.19") == "n19.example" and names.lookup("10.0.0.1", "192.0.2.18") == "n18.example"
    assert names.lookup(None, "192.0.2.2") is None
    assert counters.names_forgotten == 2 * 20 - 8
    monkeypatch.setattr(limits, "NAME_BYTES", 4)        # fewer bytes than the names of all rows have
    names = learned(frames)
    assert [names.lookup(None, f"192.0.2.{i}") for i in (19, 17)] == ["n19.example", None]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=20), st.lists(st.integers(1, 7), max_size=10))
def test_a_dictionary_would_say_the_same(talk: list[tuple[int, int]], sizes: list[int]) -> None:
    frames, known = [], {}
    for number, (text, address) in enumerate(talk):
        frames += lookup(number, f"n{text}.example", f"192.0.2.{address}")
        known[address] = f"n{text}.example"
    names = learned(frames, sizes)
    assert [names.lookup("10.0.0.1", f"192.0.2.{i}") for i in range(4)] == [known.get(i) for i in range(4)]
