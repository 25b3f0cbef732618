"""Fields in the data of DNS records: every one beside tshark, and no bytes that could harm."""

import random
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sniff.filters.fields.dns import DNS_FIELDS
from sniff.filters.fields.dns_layouts import LAYOUTS, TWISTED
from sniff.filters.fields.dns_more import DNS_DATA_FIELDS
from sniff.filters.fields.dns_reader import Reader, Short
from sniff.filters.fields.dns_twisted import walk
from tests.filters.beside import our_values, their_values
from tests.filters.dns_records import RECORDS, frames, message, record
from tests.filters.masks import capture_of, numbers
from tests.wire import udp

FIELDS = [field for field in [*DNS_FIELDS, *DNS_DATA_FIELDS] if field.present is None and field.name != "dns.time"]
ESCAPED = {"dns.a6.address_suffix"}
"""Values that are written differently."""


@pytest.mark.tshark
def test_all_values_are_those_of_tshark(tshark: str, tmp_path: Path) -> None:
    path = capture_of(tmp_path / "records.pcapng", frames())
    ours, theirs = our_values(path, FIELDS), their_values(tshark, path, FIELDS)
    for field in FIELDS:
        want, got = theirs[field.name], ours[field.name]
        if field.name in ESCAPED or field.type.value in ("protocol", "label"):
            assert set(got) == set(want), field.name
        else:
            assert {packet: sorted(values) for packet, values in got.items()} == \
                {packet: sorted(values) for packet, values in want.items()}, field.name
    silent = {field.name for field in DNS_DATA_FIELDS if not ours[field.name]}
    assert silent <= {"dns.key_id_buffer_too_short"}


@given(st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_any_data_can_be_read(rnd: random.Random) -> None:
    """Whatever is read stands in the table; what ends too early says so."""
    kind, data = rnd.choice(RECORDS)
    damaged = bytearray(data * rnd.choice([0, 1, 1, 2]))
    for _ in range(rnd.randrange(4)):
        if damaged:
            damaged[rnd.randrange(len(damaged))] = rnd.choice([0, 1, 64, 192, 255])
    wire = bytes(12) + bytes(damaged[:rnd.randrange(len(damaged) + 1)]) + bytes(rnd.randrange(5))
    known = {one.name.removeprefix("dns.") for one in [*DNS_FIELDS, *DNS_DATA_FIELDS]} | {"-"}
    try:
        found = list(walk(kind, Reader(wire, 0, len(wire), 12, len(wire))))
    except Short:
        return
    assert {name for name, _ in found} <= known


def test_every_type_has_a_record_here() -> None:
    assert {kind for kind, _ in RECORDS} >= {*LAYOUTS, *TWISTED} - {41}


def test_records_that_reach_far_beyond_their_end_are_given_up(tmp_path: Path) -> None:
    """Each claims most of the message: to read all of them to their ends would take the square of its length."""
    claims = struct.pack(">BBHBB", 0, 2, 40_000, 0, 0)      # HIP with a key of 40,000 bytes
    data = message(1, [record(55, claims)] * 3000)
    path = capture_of(tmp_path / "far.pcapng", [udp(1, data[:60_000] + bytes(max(0, 60_000 - len(data))))])
    assert numbers(path, "count(dns.hip.pk) < 5") == [1]
