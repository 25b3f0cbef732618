"""Frames for tests of the packet stage: batches of any link type, and Hypothesis strategies that make packets."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from sniff.capture.raw import RawBatch
from sniff.limits import Counters
from sniff.notes import Notes
from sniff.packets import columns as c
from sniff.packets.batch import PacketBatch
from sniff.packets.stage import Dissector

LINK_TYPES = [0, 1, 6, 9, 10, 12, 50, 51, 100, 101, 104, 105, 107, 108, 109, 113, 117, 119, 127, 163, 166, 192, 228, 229, 239,
              258, 276, 147, 65_000, -1]
MAC = bytes.fromhex("020000000001020000000002")


def raw_batch(frames: Sequence[bytes], link_type: int | Sequence[int] = 1, wire: Sequence[int] | None = None,
              ts_ns: Sequence[int] | None = None, first_number: int = 1, end: bool = True) -> RawBatch:
    """A batch of frames as a source would hand it on. `wire`: lengths on the wire, as captured when not given."""
    count = len(frames)
    lengths = np.array([len(frame) for frame in frames], np.int64)
    start = np.cumsum(lengths) - lengths
    return RawBatch(
        data=np.frombuffer(b"".join(frames), np.uint8), first_number=first_number, start=start, caplen=lengths,
        wirelen=lengths if wire is None else np.array(wire, np.int64),
        ts_ns=np.arange(first_number, first_number + count) * 1_000 if ts_ns is None else np.array(ts_ns, np.int64),
        interface=np.zeros(count, np.int64), link_type=np.zeros(count, np.int64) + np.array(link_type, np.int64),
        offset=start + 100, source=np.zeros(count, np.int64), end=end)


def dissector() -> Dissector:
    return Dissector(Notes(), Counters())


def dissect(frames: Sequence[bytes], link_type: int | Sequence[int] = 1, wire: Sequence[int] | None = None) -> PacketBatch:
    """The packets of one batch that stands alone."""
    return dissector().dissect(raw_batch(frames, link_type, wire))


def one(frame: bytes, link_type: int = 1, wire: int | None = None) -> dict[str, int]:
    """{column: value} of one packet; indexes count from the frame's first byte."""
    table = dissect([frame], link_type, None if wire is None else [wire]).table
    return {name: int(table[number, 0]) for name, number in vars(c).items() if isinstance(number, int) and name.isupper()
            and name != "COUNT"}


def ipv4(payload: bytes, proto: int = 17, source: int = 0x0A000001, destination: int = 0x0A000002, options: bytes = b"",
         length: int | None = None, ident: int = 1, fragment: int = 0) -> bytes:
    """An IPv4 packet; `fragment` is the 16 bits of flags and offset."""
    header = 20 + len(options)
    return (bytes([0x40 | header // 4, 0]) + (header + len(payload) if length is None else length).to_bytes(2, "big")
            + ident.to_bytes(2, "big") + fragment.to_bytes(2, "big") + bytes([64, proto, 0, 0])
            + source.to_bytes(4, "big") + destination.to_bytes(4, "big") + options + payload)


def ipv6(payload: bytes, following: int = 17, source: int = 1, destination: int = 2, length: int | None = None) -> bytes:
    """An IPv6 packet."""
    return (b"\x60\0\0\0" + (len(payload) if length is None else length).to_bytes(2, "big") + bytes([following, 64])
            + source.to_bytes(16, "big") + destination.to_bytes(16, "big") + payload)


def udp(payload: bytes = b"payload", source: int = 1_000, destination: int = 2_000, length: int | None = None) -> bytes:
    """A UDP datagram."""
    return (source.to_bytes(2, "big") + destination.to_bytes(2, "big")
            + (8 + len(payload) if length is None else length).to_bytes(2, "big") + b"\0\0" + payload)


def tcp(payload: bytes = b"", source: int = 1_000, destination: int = 2_000, flags: int = 0x10, options: bytes = b"") -> bytes:
    """A TCP segment."""
    word = (20 + len(options)) // 4 << 12 | flags
    return (source.to_bytes(2, "big") + destination.to_bytes(2, "big") + (7).to_bytes(4, "big") + (9).to_bytes(4, "big")
            + word.to_bytes(2, "big") + (512).to_bytes(2, "big") + b"\0\0\0\0" + options + payload)


def ethernet(payload: bytes, ethertype: int = 0x0800) -> bytes:
    return MAC + ethertype.to_bytes(2, "big") + payload


# --- strategies -------------------------------------------------------------------------------------------------------------

def _wrap(inner: st.SearchStrategy[tuple[int, bytes]]) -> st.SearchStrategy[tuple[int, bytes]]:
    """One more layer around (Ethernet type, bytes)."""
    def layers(packet: tuple[int, bytes]) -> st.SearchStrategy[tuple[int, bytes]]:
        kind, data = packet
        frame = ethernet(data, kind)
        proto = 4 if kind == 0x0800 else 41
        outer: list[bytes] = [
            udp(bytes.fromhex("0800000000000100") + frame, destination=4789),
            udp(bytes.fromhex("0000") + (0x6558).to_bytes(2, "big") + bytes(4) + frame, destination=6081),
        ]
        choices: list[tuple[int, bytes]] = [(0x0800, ipv4(payload)) for payload in outer]
        choices += [(0x86DD, ipv6(payload)) for payload in outer]
        choices += [(0x8100, b"\x20\x05" + kind.to_bytes(2, "big") + data),
                    (0x88A8, b"\x20\x06" + kind.to_bytes(2, "big") + data),
                    (0x0800, ipv4(b"\x30\0\x65\x58" + bytes(8) + frame, 47)),
                    (0x0800, ipv4(b"\x10\0\x88\xbe" + bytes(4) + b"\x10" + bytes(7) + frame, 47)),
                    (0x8864, b"\x11\0\0\x01" + (2 + len(data)).to_bytes(2, "big")
                     + (b"\0\x21" if kind == 0x0800 else b"\0\x57") + data)]
        if kind in (0x0800, 0x86DD):
            choices += [(0x0800, ipv4(b"\0\0" + kind.to_bytes(2, "big") + data, 47)), (0x8847, b"\0\x01\x01\x40" + data),
                        (0x0800, ipv4(data, proto)), (0x86DD, ipv6(data, proto)),
                        (0x0800, ipv4(udp(b"\x30\xff" + len(data).to_bytes(2, "big") + b"\0\0\0\x01" + data, destination=2152)))]
        else:
            choices = [choice for choice in choices if choice[0] != 0x8864]
        return st.sampled_from(choices)
    return inner.flatmap(layers)


transports = st.one_of(
    st.builds(lambda payload: (6, tcp(payload, 40_000, 80)), st.binary(max_size=40)),
    st.builds(lambda payload: (17, udp(payload, 40_000, 53)), st.binary(max_size=40)))
"""(IP protocol, segment or datagram)."""

packets = st.one_of(
    st.builds(lambda transport, source: (0x0800, ipv4(transport[1], transport[0], source)), transports,
              st.integers(0, 2**32 - 1)),
    st.builds(lambda transport, source: (0x86DD, ipv6(transport[1], transport[0], source)), transports,
              st.integers(0, 2**128 - 1)))
"""(Ethernet type, plain IP packet)."""

tunnelled = st.recursive(packets, _wrap, max_leaves=4)
"""(Ethernet type, IP packet in up to a few tunnels and tags)."""

damaged = st.builds(
    lambda frame, changes, length: bytes(
        _changed(bytearray(frame), changes))[:length if length >= 0 else len(frame)],
    st.builds(lambda packet: ethernet(packet[1], packet[0]), tunnelled),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=6), st.integers(-1, 200))
"""Frames of which some bytes were changed, perhaps cut."""


def _changed(frame: bytearray, changes: list[tuple[int, int]]) -> bytearray:
    for at, value in changes:
        frame[at % len(frame)] = value
    return frame
