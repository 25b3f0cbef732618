"""PacketBatch: the headers of some packets as columns. See columns.py for what each column means."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sniff.capture.raw import Bytes, RawBatch
from sniff.packets import columns as c

Table = NDArray[np.int64]


@dataclass(slots=True)
class PacketBatch:
    """The packets of one RawBatch, dissected.

    raw     where they come from: comments, interface numbers, source files
    data    uint8[m]  raw.data, followed by the datagrams put together from fragments that completed in this batch
    table   int64[columns.COUNT, n]  one row a column, one column a packet
    """

    raw: RawBatch
    data: Bytes
    table: Table

    def __len__(self) -> int:
        return self.table.shape[1]

    def column(self, number: int) -> Table:
        """int64[n]: one column by its number in columns.py; a view, not a copy."""
        return self.table[number]

    def payload(self, index: int) -> bytes:
        """The captured TCP or UDP payload of packet `index`; empty when there is none."""
        start = int(self.table[c.PAYLOAD, index])
        return b"" if start < 0 else self.data[start:start + int(self.table[c.PAYLOAD_LEN, index])].tobytes()
