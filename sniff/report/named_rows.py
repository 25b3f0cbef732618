"""`--names`: rows whose Source and Destination are the names by which clients know their servers."""

from dataclasses import replace

import numpy as np

from sniff.decode.dns import DnsDecoder
from sniff.decode.dns_text import unicode_name
from sniff.exchange.dns import DnsPairing
from sniff.exchange.names import Names
from sniff.packets import columns as c
from sniff.packets.addresses import address_text
from sniff.report.formats import Step
from sniff.report.rows import RowBatch

_ADDRESSES = [c.ADDRESS_KIND, c.SRC_HI, c.SRC_LO, c.DST_HI, c.DST_LO, c.TS_NS]

Ends = tuple[int, int, int, int]


class NamedRows:
    """Gives every batch of rows its names. What a client learns later in the capture does not name its earlier packets."""

    def __init__(self) -> None:
        self._decoder = DnsDecoder()
        self._pairing = DnsPairing()
        self.names = Names()

    def rows(self, step: Step) -> RowBatch | None:
        """The rows of one step with names for addresses. Steps are to come in order."""
        self.names.learn(self._pairing.add(self._decoder.decode(step.apps.streams)))
        rows = step.rows
        if rows is None or not len(rows.shown):
            return rows
        table = rows.packets.table
        last_ns = int(table[c.TS_NS].max())
        known: dict[Ends, tuple[int, str]] = {}
        words: dict[int, tuple[str, str]] = {}
        for index, (kind, *ends, ts_ns) in zip(rows.shown.tolist(), table[_ADDRESSES][:, rows.shown].T.tolist(), strict=True):
            if kind not in (c.Address.IPV4, c.Address.IPV6):
                continue
            source, destination = (ends[0], ends[1]), (ends[2], ends[3])
            server, client = self._name((*destination, *source), ts_ns, last_ns, known), \
                self._name((*source, *destination), ts_ns, last_ns, known)
            if server or client:
                words[index] = (server or address_text(kind, *source), client or address_text(kind, *destination))
        if not words:
            return rows
        named = table.copy()
        named[c.ADDRESS_KIND, np.fromiter(words, np.int64, len(words))] = c.Address.TEXT
        return replace(rows, packets=replace(rows.packets, table=named), apps=replace(rows.apps, words=rows.apps.words | words))

    def _name(self, ends: Ends, ts_ns: int, last_ns: int, known: dict[Ends, tuple[int, str]]) -> str:
        """What the first address knew as the name of the second one at `ts_ns`; empty for nothing."""
        found = known.get(ends)
        if found is None:
            learned = self.names.find(ends, last_ns)
            found = known[ends] = (learned.answered_ns, unicode_name(learned.name)) if learned is not None else (0, "")
        if found[0] > ts_ns:
            learned = self.names.find(ends, ts_ns)
            return unicode_name(learned.name) if learned is not None else ""
        return found[1]
