"""What a filter chose so far: packets and the streams they belong to, for what is told of them later."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sniff.decode.batch import AppBatch
from sniff.decode.columns import M_FIRST_PACKET, M_HEAD_PACKET, M_LAST_PACKET
from sniff.decode.dns_columns import D_NUMBER
from sniff.filters.columns import Mask
from sniff.packets import columns as c
from sniff.packets.batch import Table
from sniff.packets.columns import Kind
from sniff.reassembly import columns as s

if TYPE_CHECKING:
    from sniff.decode.dns import DnsBatch
    from sniff.exchange.dns import DnsExchanges
    from sniff.exchange.http import Exchanges
    from sniff.exchange.stage import Joined


class Bits:
    """A set of small numbers, a bit each."""

    def __init__(self) -> None:
        self._bytes: NDArray[np.uint8] = np.zeros(1024, np.uint8)

    def add(self, numbers: Table) -> None:
        """Add some; none of them is negative."""
        if not len(numbers):
            return
        need = int(numbers.max() >> 3) + 1
        if need > len(self._bytes):
            self._bytes = np.concatenate([self._bytes, np.zeros(2 * need - len(self._bytes), np.uint8)])
        np.bitwise_or.at(self._bytes, numbers >> 3, (1 << (numbers & 7)).astype(np.uint8))

    def __contains__(self, number: int) -> bool:
        return 0 <= number >> 3 < len(self._bytes) and bool(self._bytes[number >> 3] >> (number & 7) & 1)

    def have(self, numbers: Table) -> Mask:
        """bool[k]: which of these are in it."""
        place = numbers >> 3
        inside = (numbers >= 0) & (place < len(self._bytes))
        found = np.zeros(len(numbers), np.bool_)
        found[inside] = (self._bytes[place[inside]] >> (numbers[inside] & 7).astype(np.uint8)) & 1 != 0
        return found

    def __len__(self) -> int:
        return int(np.unpackbits(self._bytes).sum())


class Chosen:
    """The packets that matched, by number, and their streams. A bit a packet: 100 million packets take 12 MB.

    packets, tcp, udp  numbers of packets and of streams
    count              packets that matched
    """

    def __init__(self) -> None:
        self.packets = Bits()
        self.tcp = Bits()
        self.udp = Bits()
        self.count = 0

    def add(self, apps: AppBatch, matched: Mask) -> None:
        """Take in one batch."""
        packets = np.flatnonzero(matched)
        if not len(packets):
            return
        table, flows = apps.streams.packets.table, apps.streams.table
        self.count += len(packets)
        self.packets.add(table[c.NUMBER, packets])
        stream = flows[s.STREAM, packets]
        for kind, bits in ((Kind.TCP, self.tcp), (Kind.UDP, self.udp)):
            bits.add(np.unique(stream[(table[c.KIND, packets] == kind) & (stream >= 0)]))

    def stream(self, protocol: int, number: int) -> bool:
        """Whether a packet of this stream matched; protocol is 6 or 17."""
        return number in (self.tcp if protocol == 6 else self.udp)

    # --- what their messages are part of ------------------------------------------------------------------------------

    def messages(self, messages: Table) -> Mask:
        """bool[k]: which HTTP messages have a packet that matched: that with their first byte, with the end of their head, or the last.

        messages  int64[M_COUNT, k]  AppBatch.messages
        """
        return self.packets.have(messages[M_LAST_PACKET]) | self.packets.have(messages[M_HEAD_PACKET]) \
            | self.packets.have(messages[M_FIRST_PACKET])

    def exchanges(self, exchanges: "Exchanges") -> Mask:
        """bool[n]: which HTTP exchanges have a message with such a packet."""
        from sniff.exchange import http_columns as x
        rows = exchanges.rows
        found = self.messages(rows[:, x.X_REQUEST:].T) | self.messages(rows[:, x.X_RESPONSE:].T)
        for index in np.flatnonzero(~found & (rows[:, x.X_ODD] & x.INTERIM != 0)).tolist():
            found[index] = any(number in self.packets for message in exchanges[index].interim
                               for number in (message.last_packet, message.head_packet, message.first_packet))
        return found

    def lookups(self, exchanges: "DnsExchanges") -> "DnsExchanges":
        """Those whose query or response matched."""
        from sniff.exchange.dns_pair import X_ANSWER_, X_QUERY_
        wanted = self.packets.have(exchanges.column(X_QUERY_ + D_NUMBER)) | self.packets.have(exchanges.column(X_ANSWER_ + D_NUMBER))
        return replace(exchanges, rows=exchanges.rows[wanted])

    def joined(self, joined: "Joined") -> "Joined":
        """What matched of that which a batch completed."""
        messages = self.dns(joined.messages) if joined.messages is not None else None
        return replace(joined, messages=messages, dns=self.lookups(joined.dns), http=joined.http.select(self.exchanges(joined.http)))

    def dns(self, batch: "DnsBatch") -> "DnsBatch":
        """The DNS messages whose packet matched."""
        return replace(batch, messages=batch.messages[self.packets.have(batch.column(D_NUMBER))])
