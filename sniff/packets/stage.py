"""Dissector: one RawBatch in, one PacketBatch out."""

from collections.abc import Callable, Sequence

import numpy as np

from sniff.capture.raw import Bytes, Interface, RawBatch, view
from sniff.limits import Counters
from sniff.notes import Code, Notes
from sniff.packets import columns as c
from sniff.packets.batch import PacketBatch, Table
from sniff.packets.cursor import FOUND, FRAGMENT, PROGRESS, RECORD
from sniff.packets.dissect import dissect, resume
from sniff.packets.fragments import Fragments, Key
from sniff.packets.headers import Packet
from sniff.shelf import Shelf


class Dissector:
    """The stage that makes packets of bytes. It remembers nothing but incomplete IP fragments."""

    def __init__(self, notes: Notes, counters: Counters,
                 interfaces: Callable[[], Sequence[Interface]] = tuple) -> None:
        """`interfaces` answers the source's interfaces so far; they tell which frames end with a check sequence."""
        self.notes = notes
        self.counters = counters
        self.interfaces = interfaces
        self.fragments = Fragments(notes, counters)
        self._record = np.zeros(RECORD, np.int64)
        self._shelf = Shelf()

    def dissect(self, raw: RawBatch) -> PacketBatch:
        """The headers of the packets of one batch.

        Batches are to come in capture order. The answer does not depend on where the capture was cut into batches.
        """
        count = len(raw)
        table: Table = self._shelf.empty((c.COUNT, count))
        table[c.NUMBER] = np.arange(raw.first_number, raw.first_number + count)
        table[c.TS_NS] = raw.ts_ns
        table[c.CAPLEN] = raw.caplen
        table[c.WIRELEN] = raw.wirelen
        table[c.START] = raw.start
        table[c.OFFSET] = raw.offset
        table[c.INTERFACE] = raw.interface
        table[c.LINK_TYPE] = raw.link_type
        batch = PacketBatch(raw, raw.data, table)
        fragments = self._headers(raw.data, table)
        if len(fragments):
            self._reassemble(batch, fragments)
        return batch

    def _headers(self, data: Bytes, table: Table) -> Table:
        """Fill the table; the indexes of packets that are fragments."""
        fcs = np.array([interface.fcs_len for interface in self.interfaces()], np.int64)
        fragments = np.empty(table.shape[1], np.int64)
        found = 0
        begin = 0
        packet = Packet(view(data), view(self._record))
        while begin < table.shape[1]:
            try:
                found += dissect(packet, begin, view(table), view(fcs), view(fragments[found:]))
                break
            except IndexError:
                # No packet should get here: layers check lengths first. Should one, only its own row suffers.
                begin = int(self._record[PROGRESS])
                found += int(self._record[FOUND])
                table[c.KIND:, begin] = -1
                table[[c.KIND, c.ADDRESS_KIND, c.IP_VERSION, c.PAYLOAD_LEN, c.LAYER], begin] = 0
                table[c.FLAGS, begin] = c.Flag.MALFORMED | c.Flag.HEADER_CUT
                table[[c.HEADER, c.END, c.WIRE_END], begin] = table[c.START, begin]
                self.notes.add(Code.HEADER_MALFORMED, int(table[c.NUMBER, begin]), int(table[c.OFFSET, begin]))
                begin += 1
        return fragments[:found]

    def _reassemble(self, batch: PacketBatch, fragments: Table) -> None:
        """Put the fragments of a batch together, in order; completed datagrams go behind the batch's bytes."""
        used = len(batch.raw.data)
        for index in fragments.tolist():
            more = True
            layers = 0
            while more and layers < 8:   # what was put together may be a tunnel with a fragment inside
                layers += 1
                whole = self._add(batch, index)
                if whole is None:
                    break
                payload, proto = whole
                batch.data = _appended(batch.data, used, payload)
                if proto >= 0:
                    batch.table[c.IP_PROTO, index] = proto
                resume(Packet(view(batch.data), view(self._record)), index, used, len(payload), view(batch.table))
                used += len(payload)
                more = bool(self._record[FRAGMENT])
        batch.data = batch.data[:used]

    def _add(self, batch: PacketBatch, index: int) -> tuple[bytes, int] | None:
        """Hand one fragment on; (payload, proto) of the datagram it completes."""
        column = batch.table[:, index].tolist()
        data = batch.data
        start, header = column[c.L4], column[c.L3]
        key: Key = (column[c.IP_VERSION], column[c.SRC_HI], column[c.SRC_LO], column[c.DST_HI], column[c.DST_LO],
                    column[c.VLAN])
        if column[c.KIND] == c.Kind.IPV4_FRAGMENT:
            ident, word = data[header + 4:header + 8].view(">u2").tolist()
            key += (ident, column[c.IP_PROTO])
            offset, more = (word & 0x1FFF) * 8, bool(word & 0x2000)
            proto = -1
        else:
            word = int(data[start - 6:start - 4].view(">u2")[0])
            key += (int(data[start - 4:start].view(">u4")[0]),)
            offset, more = word & 0xFFF8, bool(word & 1)
            proto = column[c.IP_PROTO]
        return self.fragments.add(key, offset, more, data[start:column[c.END]].tobytes(), proto, column[c.TS_NS],
                                  column[c.NUMBER], column[c.OFFSET])


def _appended(data: Bytes, used: int, payload: bytes) -> Bytes:
    """`data` with `payload` at index `used`; room grows by doubling, so that many datagrams cost linear time."""
    if used + len(payload) > len(data):
        grown = np.empty(max(used + 4 * len(payload), used + len(data) - len(data) // 2), np.uint8)
        grown[:used] = data[:used]
        data = grown
    data[used:used + len(payload)] = np.frombuffer(payload, np.uint8)
    return data
