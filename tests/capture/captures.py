"""Captures for tests: made at random as a list of packets and other blocks, written as bytes, and read back as a list."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import strategies as st

from sniff.capture.raw import Interface, RawBatch
from sniff.capture.sources import Source, open_capture
from sniff.capture.writer import POWER_OF_TWO, PcapngWriter, PcapWriter

LATEST = 2**63 - 1
EARLIEST = -2**63


class Packet(NamedTuple):
    """A packet as a reader must give it. An interface is told by its name; without time it is another one."""

    ts_ns: int
    data: bytes
    wirelen: int
    link_type: int
    interface: str = ""
    comments: tuple[str, ...] = ()


@dataclass
class Written:
    """Bytes of a capture file and what a reader must find in it.

    ends  after which byte each packet is complete
    """

    data: bytes
    packets: list[Packet] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)


LINK_TYPES = st.sampled_from([0, 1, 9, 101, 105, 113, 127, 228, 229, 276, 65535])
PAYLOADS = st.binary(max_size=90)
# No control characters: readers take the zeros at the end of a text away.
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=20)
SECONDS = st.one_of(st.integers(1_600_000_000, 1_800_000_000), st.integers(0, 2**32 - 1))


@st.composite
def pcap_files(draw: st.DrawFn, least: int = 0) -> Written:
    """A pcap file of either byte order and resolution."""
    file = io.BytesIO()
    nanoseconds, big = draw(st.booleans()), draw(st.booleans())
    link_type = draw(LINK_TYPES)
    writer = PcapWriter(file, link_type, snaplen=draw(st.sampled_from([0, 60, 65535, 262144, 2**32 - 1])),
                        nanoseconds=nanoseconds, big=big, fcs_len=draw(st.sampled_from([-1, 0, 4])))
    written = Written(b"")
    for _ in range(draw(st.integers(least, 8))):
        ts_ns = draw(SECONDS) * 10**9 + draw(st.integers(0, 10**9 - 1))
        data = draw(PAYLOADS)
        wirelen = len(data) + draw(st.sampled_from([0, 0, 1, 1400]))
        writer.packet(ts_ns, data, wirelen)
        written.packets.append(Packet(ts_ns if nanoseconds else ts_ns // 1000 * 1000, data, wirelen, link_type))
        written.ends.append(file.tell())
    written.data = file.getvalue()
    return written


RESOLUTIONS = st.one_of(st.integers(0, 25), st.integers(0, 70).map(lambda bits: POWER_OF_TWO | bits))


def stamped(ts_ns: int, resolution: int, offset_s: int) -> int:
    """What a time becomes when it goes through 64 bits of an interface's units: the definition, with big integers."""
    units = 2 ** (resolution & 0x7F) if resolution & POWER_OF_TWO else 10 ** resolution
    stamp = (ts_ns - offset_s * 10**9) * units // 10**9 & 2**64 - 1
    if resolution & POWER_OF_TWO and resolution & 0x7F > 63:
        seconds_ns = 0
    else:
        seconds_ns = stamp * 10**9 // units
    # A time too far in the future stays there, whatever the offset.
    return LATEST if seconds_ns >= LATEST else max(EARLIEST, min(LATEST, seconds_ns + offset_s * 10**9))


@st.composite
def pcapng_files(draw: st.DrawFn, least: int = 0) -> Written:
    """A pcapng file: sections of either byte order, interfaces of every resolution, packet blocks of all three kinds,
    and between them names, statistics, secrets and blocks that nobody knows."""
    file = io.BytesIO()
    writer = PcapngWriter(file, big=draw(st.booleans()), comments=draw(st.lists(TEXTS, max_size=2)), os=draw(TEXTS))
    written = Written(b"")
    section, interfaces = 0, []
    steps = draw(st.lists(st.sampled_from(["packet"] * 6 + ["interface", "section", "names", "statistics", "secrets",
                                                           "custom", "unknown"]), max_size=14))
    for step in ["interface", *["packet"] * least, *steps]:
        if step == "interface" or (step == "packet" and not interfaces):
            link_type, resolution = draw(LINK_TYPES), draw(RESOLUTIONS)
            offset_s = draw(st.sampled_from([0, 0, 3600, -3600, -2_000_000_000, 10**10, -2**62]))
            snaplen = draw(st.sampled_from([0, 40, 262144]))
            writer.interface(link_type, snaplen=snaplen, resolution=resolution, offset_s=offset_s,
                             name=f"{section}.{len(interfaces)}",
                             filter=draw(TEXTS), comments=draw(st.lists(TEXTS, max_size=1)))
            interfaces.append((link_type, resolution, offset_s, snaplen))
        if step == "section":
            section += 1
            interfaces = []
            writer.section(big=draw(st.booleans()), hardware=draw(TEXTS))
        elif step == "names":
            writer.names({"192.0.2.1": "one.example", "2001:db8::1": draw(TEXTS)})
        elif step == "statistics" and interfaces:
            writer.statistics(len(interfaces) - 1, 10**18, received=draw(st.integers(0, 2**64 - 1)), dropped=3)
        elif step == "secrets":
            writer.secrets(0x544C534B, draw(PAYLOADS))
        elif step == "custom":
            writer.block(0xBAD, bytes(4) + draw(PAYLOADS))
        elif step == "unknown":
            writer.block(0x80001234, draw(PAYLOADS))
        elif step == "packet":
            _packet(draw, writer, written, section, interfaces)
            written.ends.append(file.tell())
    written.data = file.getvalue()
    return written


def _packet(draw: st.DrawFn, writer: PcapngWriter, written: Written, section: int,
            interfaces: Sequence[tuple[int, int, int, int]]) -> None:
    kind = draw(st.sampled_from(["enhanced", "enhanced", "obsolete", "simple"]))
    data = draw(PAYLOADS)
    wirelen = len(data) + draw(st.sampled_from([0, 0, 1400]))
    if kind == "simple":
        link_type, _, _, snaplen = interfaces[0]
        data = data[:snaplen] if snaplen else data
        wirelen = wirelen if len(data) == snaplen else len(data)     # its captured length is not written
        writer.simple_packet(data, wirelen)
        written.packets.append(Packet(0, data, wirelen, link_type, f"{section}.0 without time"))
        return
    number = draw(st.integers(0, len(interfaces) - 1))
    link_type, resolution, offset_s, _ = interfaces[number]
    ts_ns = draw(st.one_of(st.integers(1_600_000_000 * 10**9, 1_800_000_000 * 10**9), st.integers(EARLIEST, LATEST)))
    comments = tuple(draw(st.lists(TEXTS, max_size=2)))
    options = draw(st.sampled_from([(), ((2, b"\1\0\0\0"),), ((4, bytes(8)), (0x8123, b"xyz"))]))
    writer.packet(number, ts_ns, data, wirelen, comments=comments, options=options, obsolete=kind == "obsolete")
    written.packets.append(Packet(stamped(ts_ns, resolution, offset_s), data, wirelen, link_type,
                                  f"{section}.{number}", comments))


def packets_of(batches: Sequence[RawBatch], interfaces: Sequence[Interface] = ()) -> list[Packet]:
    """The packets of some batches, one by one. Checks what must hold for every batch."""
    packets: list[Packet] = []
    names = [one.name + " without time" * (one.decimals < 0) for one in interfaces]
    for batch in batches:
        assert len(batch) > 0
        assert batch.first_number == len(packets) + 1
        for index in range(len(batch)):
            packets.append(Packet(int(batch.ts_ns[index]), batch.packet(index), int(batch.wirelen[index]),
                                  int(batch.link_type[index]), names[int(batch.interface[index])] if names else "",
                                  tuple(batch.comments.get(index, ()))))
            assert len(packets[-1].data) == batch.caplen[index]
    return packets


def read(path: Path | str, **options: Any) -> tuple[list[Packet], Source]:
    """All packets of a file, and its source, which is closed."""
    with open_capture([path], **options) as source:
        batches = list(source)
        assert [batch.end for batch in batches] == [False] * (len(batches) - 1) + [True] * bool(batches)
        return packets_of(batches, source.interfaces), source


def read_bytes(folder: Path, data: bytes) -> tuple[list[Packet], Source]:
    """The same for bytes that are no file yet."""
    path = folder / "x"
    path.write_bytes(data)
    return read(path)
