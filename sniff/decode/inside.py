"""HTTP inside Teredo on any port (RFC 4380).

Rows show such packets as UDP, as Wireshark does; a client behind a relay speaks on any port, so what is inside is found by
its looks: an IPv6 packet that fills the payload exactly, to or from an address of Teredo.
"""

import numpy as np

from sniff.capture.raw import RawBatch
from sniff.decode import columns as d
from sniff.decode.batch import AppBatch
from sniff.decode.http1 import HttpMessages
from sniff.limits import Counters
from sniff.notes import Notes
from sniff.packets import columns as c
from sniff.packets.batch import PacketBatch, Table
from sniff.packets.columns import Kind
from sniff.packets.stage import Dissector
from sniff.reassembly.stage import Tracker

LINKTYPE_IPV6 = 229
_TEREDO = bytes((0x20, 0x01, 0, 0))
_HEADER = 40


class InsideTeredo:
    """A second way through the stages, for the packets inside; made when the first of them is seen."""

    def __init__(self, notes: Notes, counters: Counters) -> None:
        self._notes = notes
        self._counters = counters
        self._stages: tuple[Dissector, Tracker, HttpMessages] | None = None

    def add(self, packets: PacketBatch) -> AppBatch | None:
        """The HTTP messages and bodies inside the packets of one batch; None when nothing ever was inside."""
        found = _find(packets)
        if not found.shape[1] and self._stages is None:
            return None
        if self._stages is None:
            self._stages = (Dissector(self._notes, self._counters, list), Tracker(self._notes, self._counters),
                            HttpMessages(self._notes, self._counters, bodies=True))
        dissector, tracker, reader = self._stages
        inner = dissector.dissect(_batch(packets, found))
        inner.table[c.NUMBER] = packets.table[c.NUMBER, found[0]]
        streams = tracker.track(inner)
        messages, heads = reader.read(streams)
        return AppBatch(streams, np.zeros((d.APP_COUNT, len(inner)), np.int64), np.empty(0, np.uint8), messages, heads,
                        begun=reader.begun, bodies=reader.parts)


def _find(packets: PacketBatch) -> Table:
    """int64[3, n]: index of each packet with an IPv6 packet of Teredo inside, where that begins, and its length."""
    table, data = packets.table, packets.data
    length = table[c.PAYLOAD_LEN]
    maybe = np.flatnonzero((table[c.KIND] == Kind.UDP) & (length >= _HEADER) & (length == table[c.PAYLOAD_WIRE]))
    if not len(maybe):
        return np.empty((3, 0), np.int64)
    first = data[table[c.PAYLOAD, maybe]]
    found = []
    for index in maybe[(first >> 4 == 6) | (first == 0)].tolist():
        start = int(table[c.PAYLOAD, index])
        payload = data[start:start + int(length[index])].tobytes()
        at = _skip_indications(payload)
        inner = payload[at:at + _HEADER]
        if len(inner) == _HEADER and inner[0] >> 4 == 6 and int.from_bytes(inner[4:6]) == len(payload) - at - _HEADER \
                and _TEREDO in (inner[8:12], inner[24:28]):
            found.append((index, start + at, len(payload) - at))
    return np.array(found, np.int64).reshape(-1, 3).T


def _skip_indications(payload: bytes) -> int:
    """Bytes of the authentication and origin indications before the IPv6 packet (RFC 4380 section 5.1.1)."""
    at = 0
    if payload[:2] == b"\0\1" and len(payload) >= 4:
        at = 4 + payload[2] + payload[3] + 9
    return at + 8 if payload[at:at + 2] == b"\0\0" else at


def _batch(packets: PacketBatch, found: Table) -> RawBatch:
    index, start, length = found
    raw = packets.raw
    return RawBatch(packets.data, 1, start, length, length, packets.table[c.TS_NS, index], raw.interface[index],
                    np.full(len(index), LINKTYPE_IPV6, np.int64),
                    packets.table[c.OFFSET, index] + start - packets.table[c.START, index], raw.source[index], end=raw.end)
