"""pcap files: the header, and the variants that share its magic number.

draft-ietf-opsawg-pcap. The variants are those that Wireshark tells apart, by the same evidence.
"""

import struct
from dataclasses import dataclass

import numpy as np

from sniff import limits
from sniff.capture import scan
from sniff.capture.raw import Interface, Ints
from sniff.capture.reader import Format, NeedMore, Window

MAGIC = 0xA1B2C3D4
MODIFIED = 0xA1B2CD34

# magic number: nanoseconds in a unit, bytes of file header, name
_MAGICS = {
    MAGIC: (1000, 24, "pcap"),
    0xA1B23C4D: (1, 24, "nanosecond pcap"),
    MODIFIED: (1000, 24, "modified pcap"),
    0x1C0001AC: (1, 28, "Ixia hardware pcap"),
    0x1C0001AB: (1000, 28, "Ixia software pcap"),
}

# LINKTYPE_: most bytes of a packet that Wireshark believes, where it is not _STANDARD
_LARGE = {231: 128 << 20, 249: 128 << 20, 279: 32 << 20}        # D-Bus, USBPcap, EBHSCR
_STANDARD = 262_144

# LINKTYPE_: bytes of a pseudo header of fixed length that do not count as part of the packet (nor in frame.len)
_PSEUDO_HEADERS = {
    123: 4,                         # SunATM
    139: 4,                         # MTP2
    144: 16,                        # IrDA
    177: 16,                        # LAPD on Linux
    196: 5,                         # SITA
    201: 4, 254: 4,                 # Bluetooth H4, Bluetooth Linux monitor
    204: 1, 205: 1, 206: 1, 207: 1,     # a direction byte in front of PPP, Cisco HDLC, frame relay, LAPB
    209: 5,                         # I2C
    245: 2,                         # NFC LLCP
}


def max_caplen(link_type: int, snaplen: int) -> int:
    """Most bytes a packet may claim before its record counts as damage.

    Wireshark's bound for the link type, or the snapshot length of the file where that is larger and makes sense.
    """
    bound = _LARGE.get(link_type, _STANDARD)
    return max(bound, snaplen) if snaplen <= limits.MAX_RECORD else bound


def pseudo_header(link_type: int) -> int:
    """Bytes in front of each packet of this link type that are no part of it."""
    return _PSEUDO_HEADERS.get(link_type, 0)


@dataclass(slots=True)
class Header:
    """What the first bytes of a pcap file say.

    network      the word with the link type and the length of the frame check sequence
    fraction_ns  nanoseconds in one unit of the second word of a time stamp
    length       bytes of this header
    """

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
    for big in (False, True):
        magic = int.from_bytes(head[:4], "big" if big else "little")
        if magic in _MAGICS:
            fraction_ns, length, variant = _MAGICS[magic]
            if len(head) < length:
                raise NeedMore(length)
            layout = ">HHiIII" if big else "<HHiIII"
            major, minor, _zone, _figures, snaplen, network = struct.unpack_from(layout, head, 4)
            return Header(magic, big, major, minor, snaplen, network, fraction_ns, length, variant)
    return None


class Pcap(Format):
    """The records of one pcap file. The window stands at the file header."""

    def __init__(self, header: Header, window: Window, source: int) -> None:
        self.header = header
        self.name = header.variant
        self.magic = header.magic.to_bytes(4, "big" if header.big else "little")
        self.header_len = header.length
        link_type = header.network & 0xFFFF
        record_len, fraction_ns = 16, header.fraction_ns
        if header.magic == MAGIC and (header.major, header.minor) == (2, 2) and header.network in _AIX:
            self.name, link_type, fraction_ns = "AIX pcap", _AIX[header.network], 1
        elif header.magic in (MAGIC, MODIFIED) and (header.major, header.minor) == (2, 4):
            self.name, record_len = _guess_variant(header, window, link_type)
        fcs_len = (header.network >> 28) * 2 if header.network & 0x04000000 else -1
        decimals = 9 if fraction_ns == 1 else 6
        self.interfaces = [Interface(0, link_type, header.snaplen, decimals, fcs_len, source=source)]
        self._form = np.array([header.big, record_len, fraction_ns, link_type, _lengths_swapped(header),
                               max_caplen(link_type, header.snaplen), source, pseudo_header(link_type)], np.int64)

    def walk(self, window: Window, table: Ints, count: int) -> int:
        held: int = scan.walk_pcap(window.data, window.position, window.end, window.low, window.base, self._form, table,
                                   count, window.state)
        return held

    def find(self, window: Window, last_ns: int) -> None:
        scan.find_pcap(window.data, window.position, window.end, window.at_end, self._form,
                       last_ns // 1_000_000_000 if last_ns >= 0 else -1, window.state)


def _lengths_swapped(header: Header) -> int:
    """scan.SWAPPED: before version 2.3 the wire length came first, and some programs wrote 2.3 but the old order."""
    if header.major == 543 or (header.major == 2 and header.minor < 3):     # 543.0 is DG/UX
        return 1
    return 2 if (header.major, header.minor) == (2, 3) else 0


# AIX writes ifType values of RFC 1573 instead of LINKTYPE_: Ethernet, token ring, FDDI, loopback
_AIX = {6: 1, 9: 6, 15: 10, 24: 0}

# bytes of a record header: the standard one, two patches of 1999 that add an interface index and more, Nokia's
_STANDARD_VARIANTS = ((16, "pcap"), (24, "modified pcap"), (20, "Nokia pcap"))
_MODIFIED_VARIANTS = ((24, "modified pcap"), (28, "modified pcap"))
_RECORDS_TO_TRY = 3


def _guess_variant(header: Header, window: Window, link_type: int) -> tuple[str, int]:
    """Name and record header length: those that make the most sense of the first records.

    A pipe is not waited for: there the standard is taken.
    """
    variants = _STANDARD_VARIANTS if header.magic == MAGIC else _MODIFIED_VARIANTS
    if window.store.live:
        return variants[0][1], variants[0][0]
    window.head(header.length + _RECORDS_TO_TRY * (_STANDARD + 28))
    oddities = [_oddities(header, window, link_type, length) for length, _ in variants]
    length, name = variants[oddities.index(min(oddities))]
    return name, length


def _oddities(header: Header, window: Window, link_type: int, record_len: int) -> int:
    """How much is strange about the first records if their headers have this length."""
    data = window.data[window.position:window.end]
    order = ">" if header.big else "<"
    at: int = header.length
    odd: int = 0
    cut = int(record_len != 16)     # a file that ends in the middle of a record says nothing against the standard
    for _ in range(_RECORDS_TO_TRY):
        if at == len(data):
            break
        if at + record_len > len(data):
            return odd + cut
        record = data[at:at + record_len].tobytes()
        _seconds, fraction, caplen, wirelen = struct.unpack_from(order + "IIII", record)
        odd += (fraction >= 1_000_000) + (caplen > header.snaplen) + (wirelen > 128 << 20) + (caplen > wirelen)
        if record_len >= 24:
            interface, protocol, packet_type = struct.unpack_from(order + "IHB", record, 16)
            odd += (interface > 10_000) + (packet_type > 4)
            odd += not (protocol >= 0x600 or protocol in (0x60, 0x200, 0x400) or protocol <= 0x17)
        elif record_len == 20:
            stuff = struct.unpack_from(order + "I", record, 16)[0]
            odd += not (stuff & 0x0FFF00F0 == 0x0FBF0000 and stuff >> 28 in (9, 11) and stuff >> 12 & 15 in (11, 13)
                        and stuff >> 8 & 15 in (6, 9) and stuff & 15 in (1, 2))
        if caplen > _LARGE.get(link_type, _STANDARD):
            return odd + 1
        at += record_len + caplen
        if at > len(data):
            return odd + cut
    return odd
