"""The words of a row about a DNS message whose bytes lie together: one that came in pieces, or over HTTP."""

from array import array

import numpy as np

from sniff.decode.columns import APP_COUNT, APP_SUFFIX, Suffix
from sniff.decode.dns_wire import dns_rows
from sniff.packets import columns as c
from sniff.packets.batch import Table

ROOM = 8_192
"""Bytes of the longest words."""


class DnsWords:
    """Makes them, one message after the other."""

    def __init__(self) -> None:
        self._table: Table = np.zeros((c.COUNT, 1), np.int64)
        self._table[c.KIND] = c.Kind.UDP
        self._table[c.DST_PORT] = 53
        self._apps: Table = np.zeros((APP_COUNT, 1), np.int64)
        self._used = array("q", [0])

    def words(self, view: bytes, start: int, end: int, wire_end: int) -> tuple[bytes, int]:
        """(words of the message view[start:end], how they end: Suffix). It has bytes up to `wire_end` when not all was captured."""
        if start == end:
            return b"", Suffix.CUT if wire_end > end else Suffix.MALFORMED
        table, apps = self._table, self._apps
        table[c.PAYLOAD], table[c.PAYLOAD_LEN], table[c.PAYLOAD_WIRE] = start, end - start, wire_end - start
        out = np.empty(ROOM, np.uint8)
        self._used[0] = 0
        dns_rows(table, np.frombuffer(view, np.uint8), 0, apps, out, self._used)
        return out[:self._used[0]].tobytes(), int(apps[APP_SUFFIX, 0])
