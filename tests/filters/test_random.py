"""Random filters of all fields and operators: each is one mistake or an answer, the same for any batches, on damaged captures too."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sniff import limits
from sniff.errors import FilterError
from sniff.filters.fields.table import all_fields
from sniff.filters.filter import Filter
from sniff.filters.types import Type
from tests.filters.masks import found_by

CAPTURES = Path(__file__).parents[2] / "captures"
NAMES = ["nginx-keepalive.pcap", "nginx-lossy.pcap", "dnsmasq-tcp.pcap", "dnsmasq-fragments.pcap", "dig-unreachable.pcap",
         "python-expect.pcap", "nginx-snaplen.pcap", "nginx-any-sll.pcap"]
FIELDS = list(all_fields().values())
NUMBERS = [field.name for field in FIELDS if field.type == Type.NUMBER]
LITERALS = {
    Type.NUMBER: ["0", "1", "2", "80", "0x10", "65535"], Type.FLOAT: ["0", "1.5"], Type.BOOLEAN: ["0", "1", "true"],
    Type.IPV4: ["192.0.2.1", "10.0.0.0/8"], Type.IPV6: ["::1", "2001:db8::/32"], Type.ETHER: ["02:00:00:00:00:01", "ff:ff:ff:ff:ff:ff"],
    Type.SPAN: ["0", "0.001", "-1"], Type.TIME: ['"2020-01-01 00:00:00"'], Type.BYTES: ["47:45:54", "00"],
    Type.PROTOCOL: ["47:45:54", '"GET"'],
    Type.STRING: ['"a"', '"www"', '"HTTP"', '""'],
}


def value(rnd: random.Random) -> tuple[str, Type]:
    """Something with values, and what they are."""
    field = rnd.choice(FIELDS)
    name, kind = field.name, field.type
    form = rnd.randrange(12)
    if form == 0 and kind == Type.STRING:
        return f"{rnd.choice(['lower', 'upper'])}({name})", kind
    if form == 1:
        return f"{rnd.choice(['len', 'count'])}({name})", Type.NUMBER
    if form == 2:
        return f"{name}[{rnd.choice(['0', '0:2', '1-3', '-2:2', '4:', ':3'])}]", Type.BYTES
    if form == 3 and kind == Type.NUMBER:
        return f"{name} {rnd.choice('+-*/%&')} {rnd.choice(['1', '7', rnd.choice(NUMBERS)])}", kind
    if form == 4:
        return f"{name}#{rnd.choice(['1', '[1-2]', '[-1]'])}", kind
    if form == 5 and kind == Type.NUMBER:
        return f"{rnd.choice(['max', 'min'])}({name}, {rnd.choice(NUMBERS)})", kind
    return (f"string({name})", Type.STRING) if form == 6 else (name, kind)


def test_of(rnd: random.Random, depth: int = 0) -> str:
    """A test, or several."""
    if depth < 3 and rnd.random() < 0.3:
        return f"({test_of(rnd, depth + 1)}) {rnd.choice(['and', 'or', 'xor'])} {rnd.choice(['', 'not '])}({test_of(rnd, depth + 1)})"
    left, kind = value(rnd)
    form = rnd.randrange(8)
    literal = rnd.choice(LITERALS.get(kind, ["1"]))
    if form < 2:
        return left
    if form < 5:
        return f"{rnd.choice(['', 'any ', 'all '])}{left} {rnd.choice(['==', '!=', '<', '<=', '>', '>=', '===', '!=='])} {literal}"
    if form == 5:
        return f"{left} contains {literal}"
    if form == 6:
        return f"{left} in {{{literal}, {literal}}}"
    return f'{left} matches "^[a-z]"' if rnd.random() < 0.5 else f"{left} {rnd.choice(['==', '<'])} {value(rnd)[0]}"


test_of.__test__ = False    # type: ignore[attr-defined]


def some(rnd: random.Random, count: int) -> list[str]:
    """Filters that mean something; what means nothing is refused with its place."""
    found: set[str] = set()
    while len(found) < count:
        text = test_of(rnd)
        try:
            Filter(text)
        except FilterError as error:
            assert 0 <= error.position <= len(text)
        else:
            found.add(text)
    return sorted(found)


@given(st.integers(0, 2**32))
@settings(max_examples=12, deadline=None)
def test_batches_change_no_random_filter(seed: int) -> None:
    rnd = random.Random(seed)
    capture, texts = CAPTURES / rnd.choice(NAMES), some(rnd, 25)
    whole = found_by(capture, texts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "BATCH_PACKETS", rnd.choice([1, 7, 40]))
        assert found_by(capture, texts) == whole


@given(st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_damage_raises_nothing(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    rnd = random.Random(seed)
    data = bytearray((CAPTURES / rnd.choice(NAMES)).read_bytes())
    for _ in range(rnd.choice([1, 20, 400])):
        data[rnd.randrange(24, len(data))] = rnd.choice([0, 255, 10, 13, 32, rnd.randrange(256)])
    path = tmp_path_factory.mktemp("damaged") / "damaged.pcap"
    path.write_bytes(data)
    found_by(path, some(rnd, 25))
