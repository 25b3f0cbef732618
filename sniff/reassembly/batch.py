"""StreamBatch: flows, sequence analysis and stream pieces of the packets of one batch. See columns.py."""

from dataclasses import dataclass, field

import numpy as np

from sniff.capture.raw import Bytes
from sniff.packets.batch import PacketBatch, Table
from sniff.reassembly.columns import F_COUNT


@dataclass(slots=True)
class StreamBatch:
    """What reassembly says of one PacketBatch.

    packets  the batch it is about
    table    int64[columns.COUNT, n]    per packet
    pieces   int64[columns.P_COUNT, k]  stream pieces, in the order in which packets handed them on
    held     uint8[h]  bytes of pieces that arrived in earlier batches (P_BUFFER 1); valid until the next batch
    opened   int64[columns.F_COUNT, o]  flow rows of the flows that began in this batch, as they stand at its end
    ended    int64[columns.F_COUNT, e]  flow rows of the flows that ended in this batch, final
    connections  int64[columns.F_COUNT, c]  connections that ended in this batch as connection logs count them: a flow that goes
             on after its end, or after minutes of silence, is several. Only when the Tracker was asked for endings; of the
             numbers they have packets, bytes, times, and how they ended
    """

    packets: PacketBatch
    table: Table
    pieces: Table
    held: Bytes
    opened: Table
    ended: Table
    connections: Table = field(default_factory=lambda: np.empty((F_COUNT, 0), np.int64))
