"""pcap files: the header, the variants that share its magic number, and how to find a record again after damage.

draft-ietf-opsawg-pcap; the variants are those that Wireshark tells apart.
"""

import struct
from dataclasses import dataclass

import numpy as np

from sniff import limits
from sniff.capture import scan
from sniff.capture.raw import Ints, Interface
from sniff.capture.reader import Format, NeedMore, Window

# magic number: nanoseconds in a unit, bytes of file header, name
_MAGICS = {
    0xA1B2C3D4: (1000, 24, "pcap"),
    0xA1B23C4D: (1, 24, "nanosecond pcap"),
    0xA1B2CD34: (1000, 24, "modified pcap"),
    0x1C0001AC: (1, 28, "Ixia hardware pcap"),
    0x1C0001AB: (1000, 28, "Ixia software pcap"),
}

LINKTYPE_DBUS = 231
LINKTYPE_USBPCAP = 249
LINKTYPE_EBHSCR = 279
_LARGE = {LINKTYPE_DBUS: 128 << 20, LINKTYPE_USBPCAP: 128 << 20, LINKTYPE_EBHSCR: 32 << 20}
_STANDARD = 262_144


def max_caplen(link_type: int, snaplen: int) -> int:
    """Most bytes a packet may claim before its record counts as damage.

    Wireshark's bound for the link type, or the snapshot length of the file where that is larger and makes sense.
    """
    bound = _LARGE.get(link_type, _STANDARD)
    return max(bound, snaplen) if snaplen <= limits.MAX_RECORD else bound


@dataclass(slots=True)
class Header:
    """What the first bytes of a pcap file say."""

    magic: int
    big: bool
    major: int
    minor: int
    snaplen: int
    network: int
    fraction_ns: int
    length: int
    variant: str


def read_header(head: bytes) -> Header | None:
    """The file header that `head` begins with, None when it is no pcap. Raises NeedMore when it is not whole."""
    if len(head) < 4:
        return None
    for big in (False, True):
        magic = int.from_bytes(head[:4], "big" if big else "little")
        if magic in _MAGICS:
            fraction_ns, length, variant = _MAGICS[magic]
            if len(head) < length:
                raise NeedMore(length)
            major, minor, _zone, _figures, snaplen, network = struct.unpack_from(">HHiIII" if big else "<HHiIII", head, 4)
            return Header(magic, big, major, minor, snaplen, network, fraction_ns, length, variant)
    return None


class Pcap(Format):
    """The records of one pcap file."""

    def __init__(self, header: Header, source: int) -> None:
        self.header = header
        self.name = header.variant
        self.header_len = header.length
        link_type = header.network & 0xFFFF
        fcs_len = (header.network >> 28) * 2 if header.network & 0x04000000 else -1
        decimals = 9 if header.fraction_ns == 1 else 6
        self.interfaces = [Interface(0, link_type, header.snaplen, decimals, fcs_len, source=source)]
        swapped = 0
        if header.major == 543 or (header.major == 2 and header.minor < 3):
            swapped = 1
        elif (header.major, header.minor) == (2, 3):
            swapped = 2
        self._form = np.array([header.big, 16, header.fraction_ns, link_type, swapped,
                               max_caplen(link_type, header.snaplen), source], np.int64)

    def walk(self, window: Window, table: Ints, count: int) -> int:
        return scan.walk_pcap(window.data, window.position, window.end, window.low, window.base, self._form, table, count,
                              window.state)

    def find(self, window: Window) -> bool:
        window.position = window.end
        return False
