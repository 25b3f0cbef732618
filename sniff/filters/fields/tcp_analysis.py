"""What sequence analysis knows of segments that wait for their acknowledgement: how many bytes are in flight, who acknowledges whom.

The rules are Wireshark's in one pass. It keeps the segments of a direction in a list and walks through all of it for each packet;
here they stand in order of their ends and of their beginnings, so that a packet costs no more when many of them wait.
"""

from bisect import bisect_left, bisect_right, insort
from collections import OrderedDict, deque

import numpy as np

from sniff import limits
from sniff.filters.columns import Column
from sniff.filters.field import Source
from sniff.filters.fields.tcp_options import options
from sniff.filters.view import View
from sniff.packets import columns as c
from sniff.packets.batch import Table
from sniff.packets.columns import Kind
from sniff.reassembly import columns as s
from sniff.reassembly.columns import MARKS, Tag

FIN, SYN, RST, PUSH, ACK = 1, 2, 4, 8, 16

SAID, ACKS_FRAME, ACK_RTT_NS, IN_FLIGHT, PUSHED, RTO_NS, RTO_FRAME, SCALE, CLOSES, COUNT = range(10)
"""Rows of what the tracker leaves in View.memory["tcp_analysis"]: (packets, int64[COUNT, k]).

SAID      1: sequence analysis has something to say of the packet
SCALE     factor of the window, -1 not known, -2 not used; NONE where nobody says it
CLOSES    1: begins to close the connection, 2: closes the other direction, too
The others are 0 for nothing; times are nanoseconds.
"""

NONE = -3
KEPT_SEGMENTS = 10_000
"""Segments of one direction that Wireshark remembers."""

STRAGGLERS = 100
"""Segments sent again behind what is acknowledged that an older acknowledgement is compared with."""


class Segment:
    """One that waits: beginning and end (sequence numbers that do not wrap), packet, time."""

    __slots__ = ("end", "frame", "ns", "seq", "waits")

    def __init__(self, seq: int, end: int, frame: int, ns: int) -> None:
        self.seq = seq
        self.end = end
        self.frame = frame
        self.ns = ns
        self.waits = True


class Direction:
    """What one end sent."""

    __slots__ = ("behind", "ends", "floor", "here", "known", "next", "next_frame", "next_ns", "order", "pushed", "pushed_last",
                 "sacked", "scale", "starts", "valid")

    def __init__(self) -> None:
        self.known = False      # a segment was seen, so `here` is near its numbers
        self.here = 0
        self.next: int | None = None
        self.next_frame = self.next_ns = 0
        self.ends: list[tuple[int, int, Segment]] = []      # by end, then by packet
        self.starts: list[tuple[int, int, Segment]] = []    # by beginning; what is below the floor counts as the floor
        self.behind: list[tuple[int, int, Segment]] = []    # those sent again below the floor
        self.order: deque[Segment] = deque()
        self.floor: int | None = None                       # what was acknowledged
        self.valid = True
        self.pushed = 0
        self.pushed_last = False
        self.sacked = 0         # bytes that this end said it got beyond its acknowledgement
        self.scale = -1

    def whole(self, number: int) -> int:
        """A sequence number that does not wrap."""
        difference = (number - self.here) & 0xFFFFFFFF
        return self.here + difference - ((difference & 0x80000000) << 1)

    def sent(self, seq: int, end: int, frame: int, ns: int) -> None:
        """A segment."""
        if len(self.ends) >= KEPT_SEGMENTS:
            return
        segment = Segment(seq, end, frame, ns)
        insort(self.ends, (end, frame, segment))
        insort(self.behind if self.floor is not None and seq < self.floor else self.starts, (seq, frame, segment))
        self.order.append(segment)

    def acknowledged(self, ack: int) -> Segment | None:
        """Everything that ends there or before is forgotten; answers the first segment that ends just there."""
        first = bisect_left(self.ends, (ack, -1))
        last = bisect_right(self.ends, (ack, 1 << 62))
        found = self.ends[first][2] if first < last else None
        for _, _, segment in self.ends[:last]:
            segment.waits = False
        del self.ends[:last]
        if self.floor is None or ack > self.floor:
            self.floor = ack
            for item in self.behind:
                if item[2].waits:
                    insort(self.starts, item)
            self.behind.clear()
        elif len(self.behind) <= STRAGGLERS:
            for k, (seq, frame, segment) in enumerate(self.behind):
                if seq < ack < segment.end:
                    self.behind[k] = ack, frame, segment
            self.behind.sort(key=lambda item: item[:2])
        if not self.ends:
            self.starts.clear()
            self.order.clear()
            self.behind.clear()
        return found

    def in_flight(self) -> int:
        """Bytes from the first one that waits to the last one; there must be some."""
        begin = end = self.ends[-1][0]
        for place, floor in ((self.starts, self.floor), (self.behind, None)):
            while place and not place[0][2].waits:
                del place[0]
            if place:
                begin = min(begin, max(place[0][0], floor) if floor is not None else place[0][0])
        return end - begin

    def eldest(self) -> Segment | None:
        """The one that waits longest."""
        while self.order and not self.order[0].waits:
            self.order.popleft()
        return self.order[0] if self.order else None


class Connection:
    """Both directions."""

    __slots__ = ("closing", "ends", "stream")

    def __init__(self, stream: int) -> None:
        self.stream = stream
        self.ends = Direction(), Direction()
        self.closing = [False, False]


class Analysis:
    """The tracker."""

    def __init__(self) -> None:
        self._connections: OrderedDict[int, Connection] = OrderedDict()
        self._waiting = 0

    def add(self, view: View) -> None:
        table, flows = view.table, view.flows
        packets = np.flatnonzero((table[c.KIND] == Kind.TCP) & (flows[s.STREAM] >= 0) & (flows[s.SLOT] >= 0) & (table[c.TCP_FLAGS] >= 0))
        rows = np.stack([*(flows[row][packets] for row in (s.SLOT, s.STREAM, s.DIRECTION, s.ROW_LEN, s.TAGS)),
                         *(table[row][packets] for row in (c.TCP_FLAGS, c.TCP_SEQ, c.TCP_ACK, c.TS_NS, c.NUMBER))], 1).tolist()
        shifts, sacked = _options(view)
        values = np.zeros((len(packets), COUNT), np.int64)
        values[:, SCALE] = NONE
        for k, (packet, row) in enumerate(zip(packets.tolist(), rows, strict=True)):
            out = self._see(row, shifts.get(packet, -1), sacked.get(packet, 0))
            if out is not None:
                values[k] = out
        view.memory["tcp_analysis"] = packets, values.T

    def _connection(self, slot: int, stream: int) -> Connection:
        found = self._connections.get(slot)
        if found is None or found.stream != stream:
            if found is not None:
                self._forget(found)
            found = self._connections[slot] = Connection(stream)
            if len(self._connections) > limits.TCP_FILTER_STREAMS:
                self._forget(self._connections.popitem(last=False)[1])
        self._connections.move_to_end(slot)
        while self._waiting > limits.TCP_FILTER_SEGMENTS and len(self._connections) > 1:
            self._forget(self._connections.popitem(last=False)[1])
        return found

    def _forget(self, connection: Connection) -> None:
        self._waiting -= sum(len(end.ends) for end in connection.ends)

    def _see(self, row: list[int], shift: int, sacked: int) -> list[int] | None:
        """One packet: its numbers, the window scale it offers (-1), the bytes that its SACK blocks name."""
        slot, stream, direction, length, tags, flags, raw_seq, raw_ack, ns, frame = row
        connection = self._connection(slot, stream)
        sender, receiver = connection.ends[direction], connection.ends[1 - direction]
        if length < 0:
            return None
        out = [0] * COUNT
        out[SCALE] = NONE if flags & SYN else sender.scale if sender.scale < 0 else 1 << sender.scale
        if flags & FIN:
            connection.closing[direction] |= not connection.closing[1 - direction]
            out[CLOSES] = 1 if not connection.closing[1 - direction] else 2
        before = len(sender.ends) + len(receiver.ends)
        said = tags & MARKS != 0
        if not sender.known:
            sender.known, sender.here = True, raw_seq
        if not receiver.known and flags & ACK:
            receiver.known, receiver.here = True, raw_ack
        seq = sender.whole(raw_seq)
        end = seq + length
        if flags & ACK:
            receiver.valid = True
        if tags & Tag.PREVIOUS_LOST:
            sender.valid = False
        if tags & Tag.RETRANSMISSION:
            eldest = sender.eldest()
            since, out[RTO_FRAME] = (sender.next_ns, sender.next_frame) if eldest is None else (eldest.ns, eldest.frame)
            out[RTO_NS] = ns - since
            if ns == since:
                out[RTO_FRAME] = 0
        if length or flags & (SYN | FIN):
            if len(sender.ends) < KEPT_SEGMENTS:
                end += 1 if flags & (SYN | FIN) else 0
                sender.sent(seq, end, frame, ns)
        if sender.next is None or (end > sender.next and not tags & Tag.ZERO_WINDOW_PROBE):
            sender.next, sender.next_frame, sender.next_ns = end, frame, ns
            sender.here = end
        if receiver.known:
            acked = receiver.acknowledged(receiver.whole(raw_ack)) if receiver.ends else None
            if acked is not None:
                said = True
                out[ACKS_FRAME], out[ACK_RTT_NS] = acked.frame, ns - acked.ns
        if length and sender.ends and sender.valid:
            said = True
            in_flight = sender.in_flight() - receiver.sacked
            if 0 < in_flight < 2_000_000_000:
                out[IN_FLIGHT] = in_flight - (1 if flags & (SYN | FIN) else 0)
            sender.pushed = length if sender.pushed_last else sender.pushed + length
            sender.pushed_last = bool(flags & PUSH)
            out[PUSHED] = sender.pushed if out[IN_FLIGHT] else 0
        out[SAID] = said
        sender.sacked = sacked
        if shift >= 0:
            sender.scale = shift
        if flags & SYN:     # scaling is used only when both SYNs offer it (RFC 7323 section 2.2)
            if sender.scale == -1:
                sender.scale = receiver.scale = -2
            elif flags & ACK and receiver.scale == -2:
                sender.scale = -2
        self._waiting += len(sender.ends) + len(receiver.ends) - before
        return out


def _options(view: View) -> tuple[dict[int, int], dict[int, int]]:
    """({packet: window scale it offers}, {packet: bytes that its SACK blocks name})."""
    found = options(view, np.arange(view.size))
    found = found.only(~found.quoted)
    scales = found.only((found.proto == 3) & (found.stop - found.at == 3))
    shifts = dict(zip(scales.packets.tolist(), np.minimum(view.data[scales.at + 2], 14).tolist(), strict=True))
    sacked: dict[int, int] = {}
    blocks = found.only((found.proto == 5) & (found.stop - found.at >= 10))
    for packet, at, stop in zip(blocks.packets.tolist(), blocks.at.tolist(), blocks.stop.tolist(), strict=True):
        edges = [int.from_bytes(view.bytes[k:k + 4], "big") for k in range(at + 2, min(stop - 3, at + 2 + 8 * 3), 4)]
        sacked[packet] = sum((right - left) & 0xFFFFFFFF for left, right in zip(edges[::2], edges[1::2], strict=False))
    return shifts, sacked


def value(row: int, nothing: int = 0) -> Source:
    """One of the numbers, of packets where it is not `nothing`."""
    def source(view: View, candidates: Table) -> Column:
        packets, values = view.memory["tcp_analysis"]
        return Column(packets, values[row]).only(values[row] != nothing)

    return source
