"""RowBatch: the timeline of one batch. Computed once, drawn by every report (tabs, table, JSON, HTML)."""

from dataclasses import dataclass

import numpy as np

from sniff.capture.raw import Bytes, view
from sniff.decode.batch import AppBatch
from sniff.decode.columns import APP_MODE, Mode
from sniff.decode.pool import Pool
from sniff.packets.batch import PacketBatch, Table
from sniff.report.info import CELL_BYTES, Writer


@dataclass(slots=True)
class RowBatch:
    """Wireshark's columns for the packets of one batch.

    packets     No., Time, Source, Destination and Length come from its table
    apps        Protocol comes from its APP_PROTOCOL, a number of `protocols`
    protocols   Protocol cells by number (shared by all batches; it grows)
    info        uint8[m]  Info cells, UTF-8, control characters escaped as in C; other bytes may lie between them
    info_start  int64[n]  where the Info of packet i begins in `info`
    info_len    int64[n]  its length in bytes (at most 4095)
    shown       int64[k]  indexes of the packets that have a row here: all, or the application rows, or what a filter chose
    zero_ns     the time that is 0.000000: that of the capture's first packet
    decimals    int64[i]  decimals of the time stamps of each interface
    """

    packets: PacketBatch
    apps: AppBatch
    protocols: list[str]
    info: Bytes
    info_start: Table
    info_len: Table
    shown: Table
    zero_ns: int
    decimals: Table

    def info_of(self, index: int) -> str:
        """The Info cell of packet `index`."""
        start = int(self.info_start[index])
        return self.info[start:start + int(self.info_len[index])].tobytes().decode("utf-8", "replace")


def make_info(apps: AppBatch, select: Table, pool: Pool | None = None) -> tuple[Bytes, Table, Table]:
    """(uint8[m], int64[n], int64[n]): the Info cells of the packets `select` of a batch, where each begins, its length.

    select  int64[k]  packet indexes, rising; the other packets get no cell
    pool    that of apps.pool: cells are put behind its texts, and those that are texts already are not copied
    """
    streams, packets = apps.streams, apps.streams.packets
    start, length = np.zeros(len(packets), np.int64), np.zeros(len(packets), np.int64)
    cells = Pool() if pool is None else pool
    texts = 0 if pool is None else int(np.count_nonzero(apps.apps[APP_MODE] == Mode.TEXT))
    room, done = max(len(select) - texts, 0) * 112 + CELL_BYTES, 0
    while True:
        out = cells.reserve(room)
        if pool is not None:
            apps.pool = out
        writer = Writer(view(packets.data), view(packets.table), view(streams.table), view(apps.apps), view(apps.pool),
                        pool is not None)
        done, cells.used = writer.write(view(select), done, view(out), cells.used, view(start), view(length))
        if done == len(select):
            return out[:cells.used], start, length
        room = len(out)
