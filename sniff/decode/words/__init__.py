"""The rows of packets that are neither TCP nor UDP nor an application's, in Wireshark's words.

`describe()` answers for one packet: what stands in the Protocol and Info cells, and in Source and Destination when the
columns cannot say it (Address.TEXT). It never raises. One protocol, one module.
"""

from typing import NamedTuple

from sniff.packets.batch import PacketBatch


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


def describe(batch: PacketBatch, index: int) -> Words:
    """The words for packet `index` of a batch. Any packet may be asked for; it never raises."""
    return Words("", "")
