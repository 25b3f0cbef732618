"""The stage: batches in, batches out, and datagrams put together across them."""

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sniff.packets import columns as c
from sniff.packets.batch import PacketBatch
from sniff.packets.columns import Flag, Kind
from tests.packets.frames import damaged, dissect, dissector, ethernet, ipv4, ipv6, raw_batch, udp

POSITIONS = [c.START, c.L2, c.L3, c.L4, c.END, c.PAYLOAD, c.OUTER_L3, c.HEADER, c.WIRE_END]


def fragmented(payload: bytes, size: int, ident: int = 1, version: int = 4, proto: int = 17) -> list[bytes]:
    """Ethernet frames with the fragments of one datagram, `size` bytes each (a multiple of 8)."""
    frames = []
    for at in range(0, len(payload), size):
        part, more = payload[at:at + size], at + size < len(payload)
        if version == 4:
            frames.append(ethernet(ipv4(part, proto, ident=ident, fragment=at // 8 | more << 13)))
        else:
            header = bytes([proto, 0]) + (at | more).to_bytes(2, "big") + ident.to_bytes(4, "big")
            frames.append(ethernet(ipv6(header + part, 44), 0x86DD))
    return frames


def told(batches: list[PacketBatch]) -> list[list[int]]:
    """What the batches say, without where in the batch's bytes it stands: rows of (columns, payload)."""
    columns = [k for k in range(c.COUNT) if k not in POSITIONS]
    return [[*batch.table[columns, i].tolist(), *batch.payload(i)] for batch in batches for i in range(len(batch))]


@settings(max_examples=80)
@given(frames=st.lists(st.one_of(
    damaged, st.builds(lambda payload, size, ident, version: fragmented(udp(payload), size, ident, version),
                       st.binary(max_size=60), st.sampled_from([8, 16, 24]), st.integers(1, 2), st.sampled_from([4, 6]))),
    max_size=8), cuts=st.lists(st.integers(0, 40), max_size=5), random=st.randoms(use_true_random=False))
def test_the_answer_does_not_depend_on_where_batches_end(frames: list[bytes | list[bytes]], cuts: list[int],
                                                         random: "object") -> None:
    flat = [frame for item in frames for frame in ([item] if isinstance(item, bytes) else item)]
    random.shuffle(flat)  # type: ignore[attr-defined]
    edges = sorted({0, len(flat), *[at for at in cuts if at < len(flat)]})
    stage = dissector()
    parts = []
    offset = 0
    for first, last in pairwise(edges):
        raw = raw_batch(flat[first:last], first_number=first + 1, ts_ns=list(range(first, last)))
        raw.offset += offset
        offset += len(raw.data)
        parts.append(stage.dissect(raw))
    whole = dissector().dissect(raw_batch(flat, ts_ns=list(range(len(flat)))))
    assert told(parts) == told([whole])


@given(payload=st.binary(min_size=17, max_size=300), size=st.sampled_from([8, 16, 64]), version=st.sampled_from([4, 6]),
       random=st.randoms(use_true_random=False))
def test_the_last_fragment_to_come_describes_the_whole(payload: bytes, size: int, version: int, random: "object") -> None:
    datagram = udp(payload)
    frames = fragmented(datagram, size, 7, version)
    random.shuffle(frames)  # type: ignore[attr-defined]
    batch = dissect(frames)
    kind = Kind.IPV4_FRAGMENT if version == 4 else Kind.IPV6_FRAGMENT
    assert batch.table[c.KIND].tolist() == ([kind] * (len(frames) - 1) + [Kind.UDP] if len(frames) > 1 else [Kind.UDP])
    last = len(frames) - 1
    assert bool(batch.table[c.FLAGS, last] & Flag.REASSEMBLED) == (len(frames) > 1)
    assert (batch.payload(last), batch.table[c.SRC_PORT, last], batch.table[c.UDP_LENGTH, last]) == (
        payload, 1_000, len(datagram))
    assert (batch.table[c.PAYLOAD_LEN, last], batch.table[c.PAYLOAD_WIRE, last]) == (len(payload), len(payload))


def test_fragments_inside_a_tunnel_whose_packets_are_fragments() -> None:
    inner = fragmented(udp(b"0123456789" * 8), 48)
    outer = [frame for ident, packet in enumerate(inner)
             for frame in fragmented(packet[14:], 40, 100 + ident, proto=4)]
    batch = dissect(outer)
    assert batch.table[c.KIND, -1] == Kind.UDP
    assert batch.payload(len(outer) - 1) == b"0123456789" * 8
    assert set(batch.table[c.KIND, :-1].tolist()) == {Kind.IPV4_FRAGMENT}


def test_other_addresses_and_identifications_do_not_mix() -> None:
    one, two = fragmented(udp(b"a" * 32), 24, 1), fragmented(udp(b"b" * 32), 24, 2)
    batch = dissect([one[0], two[1], two[0], one[1]])
    assert batch.table[c.KIND].tolist() == [Kind.IPV4_FRAGMENT, Kind.IPV4_FRAGMENT, Kind.UDP, Kind.UDP]
    assert [batch.payload(2), batch.payload(3)] == [b"b" * 32, b"a" * 32]


def test_a_cut_fragment_is_not_put_together() -> None:
    frames = fragmented(udp(b"a" * 32), 24)
    batch = dissect([frames[0][:-1], frames[1]], wire=[len(frames[0]), len(frames[1])])
    assert batch.table[c.KIND].tolist() == [Kind.UDP, Kind.IPV4_FRAGMENT]


def test_the_columns_of_the_source_are_kept() -> None:
    raw = raw_batch([ethernet(ipv4(udp())), b""], first_number=41, ts_ns=[-5, 2**62])
    batch = dissector().dissect(raw)
    assert batch.table[c.NUMBER].tolist() == [41, 42]
    assert batch.table[c.TS_NS].tolist() == [-5, 2**62]
    assert np.array_equal(batch.table[c.OFFSET], raw.offset)
    assert batch.data is raw.data


def test_an_empty_batch() -> None:
    assert len(dissect([])) == 0
