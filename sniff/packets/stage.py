"""Dissector: one RawBatch in, one PacketBatch out."""

import numpy as np

from sniff.capture.raw import RawBatch
from sniff.limits import Counters
from sniff.notes import Notes
from sniff.packets import columns as c
from sniff.packets.batch import PacketBatch
from sniff.packets.dissect import RECORD, dissect


class Dissector:
    """The stage that makes packets of bytes. It remembers nothing but incomplete IP fragments."""

    def __init__(self, notes: Notes, counters: Counters) -> None:
        self.notes = notes
        self.counters = counters
        self._record = np.zeros(RECORD, np.int64)

    def dissect(self, raw: RawBatch) -> PacketBatch:
        """The headers of the packets of one batch.

        Batches are to come in capture order. The answer does not depend on where the capture was cut into batches.
        """
        count = len(raw)
        table = np.empty((c.COUNT, count), np.int64)
        table[c.NUMBER] = np.arange(raw.first_number, raw.first_number + count)
        table[c.TS_NS] = raw.ts_ns
        table[c.CAPLEN] = raw.caplen
        table[c.WIRELEN] = raw.wirelen
        table[c.START] = raw.start
        table[c.OFFSET] = raw.offset
        table[c.INTERFACE] = raw.interface
        table[c.LINK_TYPE] = raw.link_type
        fragments = np.empty(count, np.int64)
        dissect(memoryview(raw.data), 0, memoryview(table), memoryview(np.zeros(0,np.int64)), memoryview(self._record), memoryview(fragments))
        return PacketBatch(raw, raw.data, table)
