"""NetBIOS names: every value beside tshark."""

import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sniff.filters.fields.dns_reader import Reader, Short
from sniff.filters.fields.nbns import NBNS_FIELDS, read
from tests.filters.beside import our_values, their_values
from tests.filters.masks import capture_of
from tests.wire import udp

STATUS = b"\2NAME1          \0\x04\0GROUP          \x1e\xfe\0" + bytes(range(42))


def name(text: bytes, suffix: int = 0) -> bytes:
    """A name in its 32 letters."""
    plain = text.ljust(15)[:15] + bytes([suffix])
    return b"\x20" + bytes(letter for byte in plain for letter in (65 + (byte >> 4), 65 + (byte & 15))) + b"\0"


def record(owner: bytes, kind: int, data: bytes) -> bytes:
    """A record."""
    return owner + struct.pack(">HHIH", kind, 1, 300, len(data)) + data


def message(flags: int, questions: list[bytes], answers: list[bytes]) -> bytes:
    """A message; questions are names that are asked for."""
    head = struct.pack(">6H", 7, flags, len(questions), len(answers), 0, 0)
    return head + b"".join(question + b"\0\x20\0\1" for question in questions) + b"".join(answers)


def messages() -> list[bytes]:
    """Names of all kinds, flags, addresses, states of nodes, and what is cut off."""
    found = [message(0x8500, [name(b"HOST", suffix)], [record(name(b"HOST", suffix), 32, b"\0\0\1\2\3\4")]) for suffix in range(0, 256, 3)]
    odd = [name(b"*" + bytes(14)), name(b"\x01\x02__MSBROWSE__\x02", 1), name(b"a b  c", 0x1D), name(b"\xe9\xff\x7f"), name(b""),
           b"\3AAA\0", b"\2AA\0", b"\4AaAA\0", b"\4aAAA\0", b"\0", b"\x20" + b"A" * 32 + b"\3abc\2de\0"]
    for one in odd:
        found += [message(0x0110, [one], []), message(0x8500, [], [record(one, 32, b"\0\0\1\2\3\4")])]
    for flags in (0x0110, 0x2910, 0x3810, 0xBC07, 0x8583, 0x7910, 0x8780):
        found.append(message(flags, [name(b"WS", 0x20)], [record(b"\xc0\x0c", 32, b"\xe0\0\1\2\3\4\0\0\5\6\7\x08")]))
    found += [message(0x8400, [], [record(name(b"*"), 33, STATUS[:size])]) for size in (0, 1, 5, 17, 19, 37, 40, 50, len(STATUS))]
    found += [message(0x8500, [], [record(name(b"S"), 32, bytes(size))]) for size in (1, 2, 5, 7)]
    return [*found, message(0x8500, [], [record(name(b"S"), 10, b"data")]), message(0x8500, [], [record(name(b"S"), 33, STATUS)])[:-9]]


@pytest.mark.tshark
def test_all_values_are_those_of_tshark(tshark: str, tmp_path: Path) -> None:
    path = capture_of(tmp_path / "names.pcapng", [udp(0, one, 137, 137) for one in messages()])
    ours, theirs = our_values(path, NBNS_FIELDS), their_values(tshark, path, NBNS_FIELDS)
    for field in NBNS_FIELDS:
        if field.name == "nbns.incomplete_entry":
            assert set(ours[field.name]) == set(theirs[field.name])
        else:
            assert ours[field.name] == theirs[field.name], field.name
        assert ours[field.name]


@given(st.sampled_from(messages()), st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=4), st.integers(0, 200))
@settings(max_examples=150, deadline=None)
def test_any_bytes_can_be_read(data: bytes, damage: list[tuple[int, int]], cut: int) -> None:
    damaged = bytearray(data)
    for place, byte in damage:
        damaged[place % len(damaged)] = byte
    wire = bytes(damaged[:len(damaged) - cut % 20])
    names = {field.name.removeprefix("nbns.") for field in NBNS_FIELDS}
    try:
        for found, _ in read(Reader(wire, 0, len(wire), 0, len(wire))):
            assert found in names
    except Short:
        pass
