"""Conversations for tests of reassembly: segments as a person would write them, and the batches they make."""

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from sniff.capture.raw import RawBatch
from sniff.limits import Counters
from sniff.notes import Notes
from sniff.packets import columns as c
from sniff.packets.batch import PacketBatch
from sniff.reassembly import columns as s
from sniff.reassembly.batch import StreamBatch
from sniff.reassembly.stage import Tracker

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32
MASK = 0xFFFFFFFF


@dataclass(frozen=True)
class Segment:
    """One packet. `back` turns it round: the server speaks. Numbers are raw; `seq` and `ack` are taken modulo 2**32."""

    seq: int = 0
    ack: int = 0
    flags: int = ACK
    payload: bytes = b""
    back: bool = False
    window: int = 8192
    options: bytes = b""
    wire: int | None = None     # payload bytes on the wire, when the capture cut some off
    ts_ns: int = 0
    client: int = 0x0A000001
    server: int = 0x0A000002
    client_port: int = 40000
    server_port: int = 80
    kind: c.Kind = c.Kind.TCP


def packets(segments: Sequence[Segment], first_number: int = 1, offset: int = 0, end: bool = False) -> PacketBatch:
    """A PacketBatch of these segments, as the dissector would make it: 20 bytes of IP header before each."""
    n = len(segments)
    table = np.full((c.COUNT, n), -1, np.int64)
    data = bytearray()
    for i, one in enumerate(segments):
        start = len(data)
        header = (20 + len(one.options)) if one.kind == c.Kind.TCP else 8
        data += bytes(40 if one.kind == c.Kind.TCP else 28) + one.options + one.payload
        wire = len(one.payload) if one.wire is None else one.wire
        row = {
            c.NUMBER: first_number + i, c.TS_NS: one.ts_ns, c.CAPLEN: len(data) - start,
            c.WIRELEN: 20 + header + wire, c.START: start, c.OFFSET: offset + start, c.INTERFACE: 0, c.LINK_TYPE: 101,
            c.KIND: one.kind, c.FLAGS: 0 if wire == len(one.payload) else c.Flag.CUT, c.ADDRESS_KIND: c.Address.IPV4,
            c.SRC_HI: 0, c.DST_HI: 0, c.SRC_LO: one.server if one.back else one.client,
            c.DST_LO: one.client if one.back else one.server, c.L3: start, c.IP_VERSION: 4,
            c.IP_PROTO: 6 if one.kind == c.Kind.TCP else 17, c.TTL: 64, c.L4: start + 20, c.END: len(data),
            c.PAYLOAD: start + 20 + header, c.PAYLOAD_LEN: len(one.payload), c.PAYLOAD_WIRE: wire,
            c.SRC_PORT: one.server_port if one.back else one.client_port,
            c.DST_PORT: one.client_port if one.back else one.server_port, c.OUTER_L3: start,
            c.WIRE_END: start + 20 + header + wire,
        }
        if one.kind == c.Kind.TCP:
            row |= {c.TCP_SEQ: one.seq & MASK, c.TCP_ACK: one.ack & MASK, c.TCP_FLAGS: one.flags,
                    c.TCP_WINDOW: one.window, c.TCP_HEADER: header, c.TCP_URGENT: 0}
        else:
            row[c.UDP_LENGTH] = 8 + wire
        for column, value in row.items():
            table[column, i] = int(value)
    array = np.frombuffer(bytes(data), np.uint8)
    raw = RawBatch(array, first_number, *(table[k] for k in (c.START, c.CAPLEN, c.WIRELEN, c.TS_NS, c.INTERFACE, c.LINK_TYPE,
                                                             c.OFFSET, c.INTERFACE)), end=end)
    return PacketBatch(raw, array, table)


def numbered(segments: Iterable[Segment], step_ns: int = 1000, begin_ns: int = 10**18) -> list[Segment]:
    """The same segments with rising times."""
    return [replace(one, ts_ns=begin_ns + i * step_ns) for i, one in enumerate(segments)]


def cut(segments: Sequence[Segment], cuts: Iterable[int]) -> list[PacketBatch]:
    """Batches that end before the segments of these indexes; the last one is the end of the capture."""
    edges = [0, *sorted({k for k in cuts if 0 < k < len(segments)}), len(segments)]
    batches, offset = [], 0
    for low, high in pairwise(edges):
        batch = packets(segments[low:high], low + 1, offset, high == len(segments))
        offset += len(batch.data)
        batches.append(batch)
    return batches


@dataclass
class Direction:
    """What one direction of a stream gave: bytes (gaps as dots), where the gaps are, what came at the end."""

    content: bytearray = field(default_factory=bytearray)
    gaps: list[tuple[int, int]] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    origins: list[tuple[int, int, int]] = field(default_factory=list)   # stream offset, length, frame number


class Collector:
    """Follows the pieces of a run of batches."""

    def __init__(self) -> None:
        self.streams: dict[tuple[int, int], Direction] = defaultdict(Direction)
        self.rows: list[tuple[int, ...]] = []
        self.ended: dict[tuple[int, int], list[int]] = {}

    def take(self, batch: StreamBatch) -> None:
        """One batch: checks what must hold of every piece, and keeps it."""
        buffers = (batch.packets.data, batch.held)
        for piece in batch.pieces.T.tolist():
            one = self.streams[piece[s.P_STREAM], piece[s.P_DIRECTION]]
            assert piece[s.P_STREAM_OFFSET] == len(one.content), "pieces follow each other"
            assert "END" not in one.ends, "nothing follows the END"
            kind = s.Piece(piece[s.P_KIND])
            if kind == s.Piece.DATA:
                start, length = piece[s.P_START], piece[s.P_LEN]
                assert length > 0
                one.origins.append((len(one.content), length, piece[s.P_ORIGIN]))
                one.content += buffers[piece[s.P_BUFFER]][start:start + length].tobytes()
                assert len(one.content) == piece[s.P_STREAM_OFFSET] + length
            elif kind == s.Piece.GAP:
                if one.gaps and sum(one.gaps[-1]) == len(one.content):
                    one.gaps[-1] = (one.gaps[-1][0], one.gaps[-1][1] + piece[s.P_LEN])
                else:
                    one.gaps.append((len(one.content), piece[s.P_LEN]))
                one.content += b"." * piece[s.P_LEN]
            else:
                one.ends.append(kind.name)
        rows = [k for k in range(s.COUNT) if k != s.SLOT]
        self.rows += [tuple(row) for row in batch.table[rows].T.tolist()]
        for flow in batch.ended.T.tolist():
            self.ended[flow[s.F_PROTO], flow[s.F_STREAM]] = flow


def run(batches: Iterable[PacketBatch], notes: Notes | None = None, counters: Counters | None = None) -> Collector:
    """All batches through a Tracker."""
    tracker = Tracker(Notes() if notes is None else notes, Counters() if counters is None else counters)
    collector = Collector()
    for batch in batches:
        collector.take(tracker.track(batch))
    return collector


def talk(rng: random.Random, sides: tuple[bytes, bytes], isns: tuple[int, int], most: int = 60,
         again: float = 0.0) -> list[Segment]:
    """A whole connection: handshake, both sides' bytes in segments of up to `most`, and a FIN each.

    again  how likely a segment is followed, later, by another that repeats bytes around it
    """
    seqs = [isns[0], isns[1]]
    out = [Segment(seqs[0], 0, SYN), Segment(seqs[1], seqs[0] + 1, SYN | ACK, back=True),
           Segment(seqs[0] + 1, seqs[1] + 1, ACK)]
    sent = [0, 0]
    repeats: list[tuple[int, Segment]] = []
    while sent[0] < len(sides[0]) or sent[1] < len(sides[1]):
        d = rng.randrange(2)
        if sent[d] >= len(sides[d]):
            d = 1 - d
        length = min(rng.randint(1, most), len(sides[d]) - sent[d])
        ack = isns[1 - d] + 1 + sent[1 - d]
        out.append(Segment(isns[d] + 1 + sent[d], ack, PSH | ACK, sides[d][sent[d]:sent[d] + length], d == 1))
        if rng.random() < again:
            low = max(0, sent[d] - rng.randint(0, most))
            high = min(sent[d] + length, low + rng.randint(1, 2 * most))
            if high > low:
                repeats.append((len(out) + rng.randint(0, 8), Segment(isns[d] + 1 + low, ack, ACK, sides[d][low:high], d == 1)))
        sent[d] += length
        if rng.random() < 0.3:
            out.append(Segment(isns[1 - d] + 1 + sent[1 - d], isns[d] + 1 + sent[d], ACK, b"", d == 0))
    for at, one in sorted(repeats, key=lambda pair: -pair[0]):
        out.insert(min(at, len(out)), one)
    ends = [isns[0] + 1 + len(sides[0]), isns[1] + 1 + len(sides[1])]
    out += [Segment(ends[0], ends[1], FIN | ACK), Segment(ends[1], ends[0] + 1, FIN | ACK, back=True),
            Segment(ends[0] + 1, ends[1] + 1, ACK)]
    return out


def shuffle(rng: random.Random, segments: Sequence[Segment], window: int) -> list[Segment]:
    """The same segments, each up to `window` places away from where it was; the handshake stays in front."""
    keys = [i + (rng.random() * window if i > 2 else 0) for i in range(len(segments))]
    keys[3:] = [key + 3 for key in keys[3:]]
    return [segments[i] for i in sorted(range(len(segments)), key=keys.__getitem__)]
