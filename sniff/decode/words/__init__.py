"""The rows of packets that are neither TCP nor UDP nor an application's, in Wireshark's words.

A `Describer` is asked for one packet after the other and answers what stands in the Protocol and Info cells, and in
Source and Destination when the columns cannot say it (Address.TEXT). It never raises. One protocol, one module.
"""

from typing import NamedTuple

from sniff.decode.words import arp, frames, icmp, icmpv6, igmp, ip, wireless
from sniff.decode.words.memory import Memory
from sniff.decode.words.row import MALFORMED, Row, Short
from sniff.limits import Counters
from sniff.packets import columns as c
from sniff.packets.batch import PacketBatch
from sniff.packets.columns import Address, Flag, Kind, Layer


class Words(NamedTuple):
    """The cells of one row.

    protocol     the Protocol cell
    info         the Info cell, not escaped and not cut
    source       the Source cell when the columns cannot say it, else None
    destination  likewise
    """

    protocol: str
    info: str
    source: str | None = None
    destination: str | None = None


class Describer:
    """Writes rows. Packets are to be asked for in order: a ping's reply names the packet of its request."""

    def __init__(self, counters: Counters | None = None) -> None:
        self._memory = Memory(counters)

    def describe(self, batch: PacketBatch, index: int) -> Words:
        """The words for packet `index` of a batch. Any packet may be asked for; it never raises."""
        row = Row(batch, index)
        if row.column[c.ADDRESS_KIND] == Address.TEXT:
            frames.addresses(row)
        try:
            self._write(row)
            if row.column[c.FLAGS] & Flag.GTP:   # written once what is inside was read to its end
                row.protocol = f"GTP <{row.protocol}>"
        except Short as short:
            row.info += short.reason
        except (IndexError, ValueError, KeyError, OverflowError):
            row.info += MALFORMED   # a writer did not ask first; the row says what can be said
        return Words(row.protocol, row.info, row.source, row.destination)

    def _write(self, row: Row) -> None:
        kind, layer = row.column[c.KIND], row.column[c.LAYER]
        if kind == Kind.ICMP:
            icmp.describe(row, self._memory)
        elif kind == Kind.ICMPV6:
            icmpv6.describe(row, self._memory)
        elif kind == Kind.ARP:
            arp.describe(row, self._memory)
        elif kind == Kind.IGMP:
            igmp.describe(row, self._memory)
        elif kind in (Kind.IPV4_FRAGMENT, Kind.IPV6_FRAGMENT, Kind.IP_OTHER, Kind.IP_MALFORMED):
            ip.describe(row, self._memory)
        elif layer == Layer.IEEE80211:
            wireless.describe(row)
        elif kind == Kind.TCP:
            row.protocol = "TCP"
        elif kind == Kind.UDP:
            row.protocol = "UDP"
        else:
            frames.describe(row)


def describe(batch: PacketBatch, index: int) -> Words:
    """The words for one packet by itself: without what a Describer remembers of the packets before."""
    return Describer().describe(batch, index)
