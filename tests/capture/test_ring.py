"""Blocks of a packet ring become pcapng blocks: compared with the writer's, compiled and uncompiled."""

import io
import struct
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sniff.capture import ring
from sniff.capture.writer import NANOSECONDS, PcapngWriter
from tests.twins import uncompiled

KERNELS = [ring, uncompiled("sniff.capture.ring")]
BIG = sys.byteorder == "big"
HEADER = 96             # where frames lie behind their headers
INTERFACES = [(2, ring.TAGGED, 0, 0, 0), (5, ring.AS_IS, 1, 1 << 4, 0), (7, ring.COOKED, 2, 0, 0)]


def frame(data: bytes, *, ifindex: int = 2, ts_ns: int = 0, wirelen: int | None = None, tag: int | None = None,
          tpid: int = 0, pkttype: int = 0, last: bool = False) -> bytes:
    """A packet as the kernel puts it into a block."""
    room = HEADER + len(data) + 15 & ~15
    status = 1 | (ring.VLAN_VALID if tag is not None else 0) | (ring.VLAN_TPID_VALID if tpid else 0)
    head = struct.pack("=6I2HIIHH8x", 0 if last else room, ts_ns // 10**9, ts_ns % 10**9, len(data),
                       len(data) if wirelen is None else wirelen, status, HEADER, HEADER + 14, 0, tag or 0, tpid, 0)
    link = struct.pack("=H", 17) + b"\x08\0" + struct.pack("=IHBB", ifindex, 772, pkttype, 6) + b"\1\2\3\4\5\6\0\0"
    return (head + link).ljust(HEADER, b"\0") + data.ljust(room - HEADER, b"\xee")


def block(frames: list[bytes]) -> np.ndarray:
    return np.frombuffer(b"".join(frames) + bytes(64), np.uint8).copy()


def run(kernel, frames, *, out=1 << 16, wanted=-1, snaplen=262_144, interfaces=INTERFACES):
    memory = block(frames)
    state = np.zeros(ring.STATE, np.int64)
    state[[ring.LEFT, ring.WANTED, ring.SNAPLEN]] = len(frames), wanted, snaplen
    table = np.array(interfaces, np.int64)
    buffer = np.zeros(out, np.uint8)
    why = kernel.pack(memory.view(np.uint32), memory, BIG, table, buffer, state)
    return why, buffer[:state[ring.FILLED]].tobytes(), state, table


def written(*records) -> bytes:
    """(interface, ts_ns, data, wirelen) as the writer writes them."""
    file = io.BytesIO()
    writer = PcapngWriter(file, big=BIG)
    for link_type in (1, 101, 276):
        writer.interface(link_type, resolution=NANOSECONDS)
    file.seek(0)
    file.truncate()
    for record in records:
        writer.packet(*record)
    return file.getvalue()


@pytest.mark.parametrize("kernel", KERNELS)
def test_as_the_writer_writes_them(kernel):
    ts = 1_795_349_520_899_372_089
    why, data, state, table = run(kernel, [frame(b"x" * 61, ts_ns=ts), frame(b"y" * 20, ifindex=5, wirelen=99)])
    assert (why, data) == (ring.DONE, written((0, ts, b"x" * 61, 61), (1, 0, b"y" * 20, 99)))
    assert (state[ring.LEFT], state[ring.LAST_NS], table[:, ring.IF_COUNT].tolist()) == (0, 0, [1, 1, 0])


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("tag", "tpid", "want"), [(7, 0, "81000007"), (0x2FFF, 0x88A8, "88a82fff")])
def test_tags_are_put_back(kernel, tag, tpid, want):
    data = bytes(range(40))
    got = run(kernel, [frame(data, tag=tag, tpid=tpid), frame(data, ifindex=5, tag=tag)])[1]
    assert got == written((0, 0, data[:12] + bytes.fromhex(want) + data[12:], 44), (1, 0, data, 40))


@pytest.mark.parametrize("kernel", KERNELS)
def test_cooked(kernel):
    got = run(kernel, [frame(b"L" * 14 + b"payload", ifindex=7, pkttype=4)])[1]
    head = bytes.fromhex("0800 0000 00000007 0304 04 06 0102030405060000")
    assert got == written((2, 0, head + b"payload", 27))


@pytest.mark.parametrize("kernel", KERNELS)
def test_why_it_stops_and_that_it_goes_on(kernel):
    why, _data, state, _table = run(kernel, [frame(b"a" * 20), frame(b"b", ifindex=9)])
    assert (why, state[ring.IFINDEX], state[ring.HATYPE], state[ring.LEFT]) == (ring.STRANGER, 9, 772, 1)
    assert run(kernel, [frame(b"a" * 20)] * 3, wanted=2)[:2] == (ring.ENOUGH, written((0, 0, b"a" * 20, 20)) * 2)
    assert run(kernel, [frame(b"a" * 20)] * 3, out=110)[:2] == (ring.ROOM, written((0, 0, b"a" * 20, 20)) * 2)
    assert run(kernel, [frame(b"a" * 20, ifindex=5, pkttype=4), frame(b"b" * 20, ifindex=5)])[1] == written(
        (1, 0, b"b" * 20, 20))
    assert run(kernel, [frame(b"a" * 100)], snaplen=64)[1] == written((0, 0, b"a" * 64, 100))


@pytest.mark.parametrize("kernel", KERNELS)
def test_an_offset_that_leads_out_is_an_error_and_no_read(kernel):
    with pytest.raises(IndexError):
        run(kernel, [struct.pack("=I", 1 << 20) + frame(b"a" * 20)[4:], frame(b"b" * 20)])


frames = st.lists(st.builds(frame, st.binary(max_size=80), ifindex=st.sampled_from([2, 5, 7, 9]), pkttype=st.integers(0, 7),
                            ts_ns=st.integers(0, 2**32 * 10**9 - 1), tag=st.none() | st.integers(0, 0xFFFF),
                            tpid=st.sampled_from([0, 0x8100, 0x88A8]), wirelen=st.integers(0, 2**31)), max_size=6)


@given(frames, st.integers(0, 600), st.integers(-1, 4), st.integers(64, 200))
@settings(max_examples=150)
def test_compiled_and_uncompiled_agree(packets, out, wanted, snaplen):
    one, other = (run(kernel, packets, out=out, wanted=wanted, snaplen=snaplen) for kernel in KERNELS)
    assert one[:2] == other[:2]
    assert one[2].tolist() == other[2].tolist()
    assert one[3].tolist() == other[3].tolist()
