"""The compiled walkers, against what the formats say in big integers."""

import io

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from sniff.capture import scan
from sniff.capture.pcapng import resolution_of
from sniff.capture.writer import POWER_OF_TWO, PcapngWriter, PcapWriter

from .captures import LATEST, stamped

FORM = np.array([0, 16, 1000, 1, 0, 262144, 0, 0], np.int64)


@given(stamp=st.one_of(st.integers(0, 2**64 - 1), st.integers(0, 2**40)), resolution=st.integers(0, 255),
       offset_s=st.one_of(st.just(0), st.integers(-2**63, 2**63 - 1), st.integers(-10**10, 10**10)))
@example(stamp=9_223_372_036, resolution=POWER_OF_TWO, offset_s=0)      # the last second that fits
@example(stamp=9_223_372_036 * 1024 + 1023, resolution=POWER_OF_TWO | 10, offset_s=0)
@example(stamp=2**64 - 1, resolution=28, offset_s=0)
def test_time_stamps_of_every_resolution(stamp: int, resolution: int, offset_s: int) -> None:
    multiply, divide, bits, _ = resolution_of(resolution)
    got = scan.to_ns(stamp >> 32, stamp & 0xFFFFFFFF, multiply, divide, bits, offset_s)
    units = 2 ** (resolution & 0x7F) if resolution & POWER_OF_TWO else 10 ** resolution
    too_short = units > (2**63 if resolution & POWER_OF_TWO else 10**27)
    true = 0 if too_short else stamp * 10**9 // units
    want = LATEST if true >= LATEST else max(-2**63, min(LATEST, true + offset_s * 10**9))
    assert got == want


def test_the_definition_in_the_tests_agrees_with_a_plain_time() -> None:
    assert stamped(1_700_000_000_123_456_789, 6, 0) == 1_700_000_000_123_456_000
    assert stamped(1_700_000_000_123_456_789, 9, -3600) == 1_700_000_000_123_456_789


def found(data: bytes, position: int, *, at_end: bool = True, last_s: int = -1) -> tuple[int, int]:
    state = np.zeros(scan.STATE, np.int64)
    scan.find_pcap(np.frombuffer(data, np.uint8), position, len(data), at_end, FORM, last_s, state)
    return int(state[scan.WHY]), int(state[scan.POSITION])


def records(count: int, seconds: int = 1_700_000_000) -> bytes:
    file = io.BytesIO()
    writer = PcapWriter(file)
    for index in range(count):
        writer.packet((seconds + index) * 10**9, bytes([0xA0 + index]) * 50)
    return file.getvalue()[24:]


def test_records_are_found_behind_garbage() -> None:
    data = b"\xee" * 1001 + records(4)
    assert found(data, 0) == (scan.FOUND, 1001)
    assert found(data, 0, last_s=1_700_000_100) == (scan.FOUND, 1001)


def test_records_of_another_time_are_not_believed() -> None:
    assert found(b"\xee" * 1001 + records(4), 0, last_s=1_500_000_000)[0] == scan.MORE


def test_one_record_is_believed_only_when_the_file_ends_with_it() -> None:
    data = b"\xee" * 100 + records(1)
    assert found(data, 0) == (scan.FOUND, 100)
    why, position = found(data, 0, at_end=False)
    assert why == scan.MORE
    assert position <= 100      # it will be looked at again
    assert found(data + b"\xee" * 30, 0)[0] == scan.MORE


def test_a_block_is_found_behind_garbage_of_any_length() -> None:
    file = io.BytesIO()
    writer = PcapngWriter(file)
    start = file.tell()
    writer.interface(1)
    writer.packet(0, 10**18, b"abc")
    blocks = file.getvalue()[start:]
    state = np.zeros(scan.STATE, np.int64)
    for garbage in range(9):
        data = np.frombuffer(b"\xee" * garbage + blocks, np.uint8)
        scan.find_pcapng(data, 0, len(data), True, False, state)
        assert (state[scan.WHY], state[scan.POSITION]) == (scan.FOUND, garbage)


@given(data=st.binary(max_size=200), big=st.booleans(), at_end=st.booleans())
def test_any_bytes_are_searched_to_their_end(data: bytes, big: bool, at_end: bool) -> None:
    state = np.zeros(scan.STATE, np.int64)
    array = np.frombuffer(data, np.uint8)
    scan.find_pcapng(array, 0, len(data), at_end, big, state)
    assert state[scan.WHY] in (scan.FOUND, scan.MORE)
    assert 0 <= state[scan.POSITION] <= len(data)
    scan.find_pcap(array, 0, len(data), at_end, FORM, -1, state)
    assert state[scan.WHY] in (scan.FOUND, scan.MORE)
    assert 0 <= state[scan.POSITION] <= len(data)
