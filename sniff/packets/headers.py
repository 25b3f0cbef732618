"""The headers that nearly every packet has, and what all layers are made of. Compiled.

One packet is a walk through layers. Every layer is a function that reads its header at `p.r[POS]`, writes what it learned
into the record `p.r`, moves on and answers which layer comes next (cursor.py). Nothing is allocated and nothing is
remembered between packets.

A layer looks at bytes only after `missing()` said that they are there. Bytes that the capture cut off and bytes that
the packet never had are told apart as Wireshark does: the first is Flag.CUT, the second Flag.MALFORMED.
"""

import cython

from sniff import limits
from sniff.packets import columns as c
from sniff.packets import cursor

KIND = cython.declare(cython.Py_ssize_t, c.KIND)
FLAGS = cython.declare(cython.Py_ssize_t, c.FLAGS)
ADDRESS_KIND = cython.declare(cython.Py_ssize_t, c.ADDRESS_KIND)
SRC_HI = cython.declare(cython.Py_ssize_t, c.SRC_HI)
SRC_LO = cython.declare(cython.Py_ssize_t, c.SRC_LO)
DST_HI = cython.declare(cython.Py_ssize_t, c.DST_HI)
DST_LO = cython.declare(cython.Py_ssize_t, c.DST_LO)
L2 = cython.declare(cython.Py_ssize_t, c.L2)
ETHERTYPE = cython.declare(cython.Py_ssize_t, c.ETHERTYPE)
L3 = cython.declare(cython.Py_ssize_t, c.L3)
IP_VERSION = cython.declare(cython.Py_ssize_t, c.IP_VERSION)
IP_PROTO = cython.declare(cython.Py_ssize_t, c.IP_PROTO)
TTL = cython.declare(cython.Py_ssize_t, c.TTL)
L4 = cython.declare(cython.Py_ssize_t, c.L4)
PAYLOAD = cython.declare(cython.Py_ssize_t, c.PAYLOAD)
PAYLOAD_LEN = cython.declare(cython.Py_ssize_t, c.PAYLOAD_LEN)
PAYLOAD_WIRE = cython.declare(cython.Py_ssize_t, c.PAYLOAD_WIRE)
SRC_PORT = cython.declare(cython.Py_ssize_t, c.SRC_PORT)
DST_PORT = cython.declare(cython.Py_ssize_t, c.DST_PORT)
TCP_SEQ = cython.declare(cython.Py_ssize_t, c.TCP_SEQ)
TCP_ACK = cython.declare(cython.Py_ssize_t, c.TCP_ACK)
TCP_FLAGS = cython.declare(cython.Py_ssize_t, c.TCP_FLAGS)
TCP_WINDOW = cython.declare(cython.Py_ssize_t, c.TCP_WINDOW)
TCP_HEADER = cython.declare(cython.Py_ssize_t, c.TCP_HEADER)
TCP_URGENT = cython.declare(cython.Py_ssize_t, c.TCP_URGENT)
TCP_TIMES = cython.declare(cython.Py_ssize_t, c.TCP_TIMES)
VLAN = cython.declare(cython.Py_ssize_t, c.VLAN)
OUTER_L3 = cython.declare(cython.Py_ssize_t, c.OUTER_L3)
UDP_LENGTH = cython.declare(cython.Py_ssize_t, c.UDP_LENGTH)
LAYER = cython.declare(cython.Py_ssize_t, c.LAYER)
HEADER = cython.declare(cython.Py_ssize_t, c.HEADER)
WIRE_END = cython.declare(cython.Py_ssize_t, c.WIRE_END)

POS = cython.declare(cython.Py_ssize_t, cursor.POS)
LIMIT = cython.declare(cython.Py_ssize_t, cursor.LIMIT)
FRAGMENT = cython.declare(cython.Py_ssize_t, cursor.FRAGMENT)
LAYERS = cython.declare(cython.Py_ssize_t, cursor.LAYERS)
TRACED = cython.declare(cython.Py_ssize_t, cursor.TRACED)
QUOTED = cython.declare(cython.Py_ssize_t, cursor.QUOTED)
TRACE = cython.declare(cython.Py_ssize_t, cursor.TRACE)
TRACE_SIZE = cython.declare(cython.Py_ssize_t, cursor.TRACE_SIZE)
TRACE_LAYERS = cython.declare(cython.Py_ssize_t, cursor.TRACE_LAYERS)

STOP = cython.declare(cython.int, cursor.STOP)
BY_ETHERTYPE = cython.declare(cython.int, cursor.BY_ETHERTYPE)
BY_IP_PROTO = cython.declare(cython.int, cursor.BY_IP_PROTO)
BY_VERSION = cython.declare(cython.int, cursor.BY_VERSION)
BY_PORT = cython.declare(cython.int, cursor.BY_PORT)
BY_PPP = cython.declare(cython.int, cursor.BY_PPP)
ETHERNET = cython.declare(cython.int, cursor.ETHERNET)
LLC = cython.declare(cython.int, cursor.LLC)
MPLS = cython.declare(cython.int, cursor.MPLS)
PPPOE = cython.declare(cython.int, cursor.PPPOE)
IN_IP = cython.declare(cython.int, cursor.IN_IP)

TCP = cython.declare(cython.longlong, c.Kind.TCP)
UDP = cython.declare(cython.longlong, c.Kind.UDP)
ICMP = cython.declare(cython.longlong, c.Kind.ICMP)
ICMPV6 = cython.declare(cython.longlong, c.Kind.ICMPV6)
IGMP = cython.declare(cython.longlong, c.Kind.IGMP)
ARP = cython.declare(cython.longlong, c.Kind.ARP)
IPV4_FRAGMENT = cython.declare(cython.longlong, c.Kind.IPV4_FRAGMENT)
IPV6_FRAGMENT = cython.declare(cython.longlong, c.Kind.IPV6_FRAGMENT)
IP_OTHER = cython.declare(cython.longlong, c.Kind.IP_OTHER)
ETHERNET_OTHER = cython.declare(cython.longlong, c.Kind.ETHERNET_OTHER)
IP_MALFORMED = cython.declare(cython.longlong, c.Kind.IP_MALFORMED)
CUT = cython.declare(cython.longlong, c.Flag.CUT)
MALFORMED = cython.declare(cython.longlong, c.Flag.MALFORMED)
TUNNEL = cython.declare(cython.longlong, c.Flag.TUNNEL)
HEADER_CUT = cython.declare(cython.longlong, c.Flag.HEADER_CUT)
ADDRESS_MAC = cython.declare(cython.longlong, c.Address.MAC)
ADDRESS_IPV4 = cython.declare(cython.longlong, c.Address.IPV4)
ADDRESS_IPV6 = cython.declare(cython.longlong, c.Address.IPV6)
ADDRESS_TEXT = cython.declare(cython.longlong, c.Address.TEXT)
LAYER_ARP = cython.declare(cython.longlong, c.Layer.ARP)
LAYER_ETHERNET = cython.declare(cython.longlong, c.Layer.ETHERNET)
LAYER_ETHERTYPE = cython.declare(cython.longlong, c.Layer.ETHERTYPE)
LAYER_IPV4 = cython.declare(cython.longlong, c.Layer.IPV4)
LAYER_IPV6 = cython.declare(cython.longlong, c.Layer.IPV6)
LAYER_IPV6_EXTENSION = cython.declare(cython.longlong, c.Layer.IPV6_EXTENSION)
LAYER_IP_PROTO = cython.declare(cython.longlong, c.Layer.IP_PROTO)
LAYER_RAW = cython.declare(cython.longlong, c.Layer.RAW)
LAYER_TCP = cython.declare(cython.longlong, c.Layer.TCP)
LAYER_UDP = cython.declare(cython.longlong, c.Layer.UDP)
LAYER_VLAN = cython.declare(cython.longlong, c.Layer.VLAN)

MAX_LAYERS = cython.declare(cython.Py_ssize_t, limits.MAX_LAYERS)
TWO_31 = cython.declare(cython.longlong, 1 << 31)
TWO_32 = cython.declare(cython.longlong, 1 << 32)
TIME_STAMP_ALONE = cython.declare(cython.longlong, 0x0101080A)   # NOP, NOP, time stamp of 10 bytes (RFC 7323 appendix A)
ETHERTYPE_IPV4 = cython.declare(cython.longlong, 0x0800)
ETHERTYPE_ARP = cython.declare(cython.longlong, 0x0806)
ETHERTYPE_IPV6 = cython.declare(cython.longlong, 0x86DD)
ETHERTYPE_PPP = cython.declare(cython.longlong, 0x880B)
LONGEST_LENGTH = cython.declare(cython.longlong, 1500)   # of IEEE 802.3; larger numbers are Ethernet types


@cython.cclass
class Packet:
    """The packet that is walked through, one after the other of a batch: all that a layer is given.

    data  uint8[m]       the bytes of the batch
    r     int64[RECORD]  the record of this packet: its columns, then the cursor (cursor.py)

    Compiled functions get one pointer this way; views would be copied at each call.
    """

    def __init__(self, data: cython.const[cython.uchar][::1], record: cython.longlong[::1]) -> None:
        self.data = data
        self.r = record


# --- reading ------------------------------------------------------------------------------------------------------------

@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def be16(p: Packet, at: cython.Py_ssize_t) -> cython.longlong:
    """Two bytes, network order."""
    return (cython.cast(cython.longlong, p.data[at]) << 8) | cython.cast(cython.longlong, p.data[at + 1])


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def le16(p: Packet, at: cython.Py_ssize_t) -> cython.longlong:
    """Two bytes, little-endian."""
    return (cython.cast(cython.longlong, p.data[at + 1]) << 8) | cython.cast(cython.longlong, p.data[at])


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def be32(p: Packet, at: cython.Py_ssize_t) -> cython.longlong:
    """Four bytes, network order, never negative."""
    return (be16(p, at) << 16) | be16(p, at + 2)


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def le32(p: Packet, at: cython.Py_ssize_t) -> cython.longlong:
    """Four bytes, little-endian, never negative."""
    return (le16(p, at + 2) << 16) | le16(p, at)


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def be48(p: Packet, at: cython.Py_ssize_t) -> cython.longlong:
    """Six bytes, network order: a MAC address."""
    return (be16(p, at) << 32) | be32(p, at + 2)


@cython.cfunc
@cython.nogil
@cython.exceptval(-1, check=True)
def be64(p: Packet, at: cython.Py_ssize_t) -> cython.longlong:
    """Eight bytes, network order, reinterpreted as a signed number (compiled integers must not overflow)."""
    high: cython.longlong = be32(p, at)
    if high >= TWO_31:
        high -= TWO_32
    return high * TWO_32 + be32(p, at + 4)


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def begin(p: Packet, layer: cython.longlong) -> cython.int:
    """A header begins here."""
    p.r[LAYER] = layer
    p.r[HEADER] = p.r[POS]
    if p.r[TRACED]:
        write_down(p)
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def write_down(p: Packet) -> cython.int:
    """Somebody wants to know which headers there are (dissect.trace): this is one."""
    at: cython.Py_ssize_t = TRACE + (p.r[TRACED] - 1) * TRACE_SIZE
    if p.r[TRACED] > TRACE_LAYERS:
        return 0
    p.r[at] = p.r[LAYER]
    p.r[at + 1] = p.r[POS]
    p.r[at + 2] = p.r[LIMIT]
    p.r[at + 3] = p.r[IP_PROTO]
    p.r[at + 4] = p.r[ETHERTYPE]
    p.r[at + 5] = p.r[QUOTED]
    p.r[TRACED] += 1
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def missing(p: Packet, length: cython.longlong) -> cython.int:
    """0 when `length` bytes were captured at the cursor, else 1; then the flags say whose fault that is."""
    wanted: cython.longlong = p.r[POS] + length
    if wanted <= p.r[LIMIT]:
        return 0
    if wanted <= p.r[WIRE_END]:
        p.r[FLAGS] |= CUT | HEADER_CUT
    else:
        p.r[FLAGS] |= MALFORMED | HEADER_CUT
    return 1


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def narrow(p: Packet, end: cython.longlong) -> cython.int:
    """The layer ends at index `end` by its own length: what follows is padding of a lower layer."""
    if end < p.r[WIRE_END]:
        p.r[WIRE_END] = end
        if end < p.r[LIMIT]:
            p.r[LIMIT] = end
    return 0


# --- the link layer -----------------------------------------------------------------------------------------------------

@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def ethernet(p: Packet) -> cython.int:
    """Ethernet II, or IEEE 802.3 when the type is a length."""
    at: cython.Py_ssize_t = p.r[POS]
    ethertype: cython.longlong
    begin(p, LAYER_ETHERNET)
    p.r[L2] = at
    p.r[KIND] = ETHERNET_OTHER
    if missing(p, 14):
        if p.r[OUTER_L3] < 0:   # else the tunnel's addresses stay
            p.r[ADDRESS_KIND] = ADDRESS_TEXT
        return STOP
    p.r[ADDRESS_KIND] = ADDRESS_MAC
    p.r[SRC_HI] = 0
    p.r[DST_HI] = 0
    p.r[DST_LO] = be48(p, at)
    p.r[SRC_LO] = be48(p, at + 6)
    ethertype = be16(p, at + 12)
    p.r[ETHERTYPE] = ethertype
    if ethertype < 0x0600 and ethertype:
        if ethertype > LONGEST_LENGTH:   # neither a length nor a type
            return STOP
        p.r[POS] = at + 14
        return ieee8023(p)
    p.r[POS] = at + 14
    return BY_ETHERTYPE


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def ieee8023(p: Packet) -> cython.int:
    """What follows a length: IEEE 802.2, or Novell's IPX that begins with a checksum of all ones."""
    narrow(p, p.r[POS] + p.r[ETHERTYPE])
    if p.r[POS] + 2 <= p.r[LIMIT] and be16(p, p.r[POS]) == 0xFFFF:
        begin(p, LAYER_ETHERTYPE)
        p.r[L3] = p.r[POS]
        return STOP
    return LLC


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def by_ethertype(p: Packet) -> cython.int:
    """What an Ethernet type announces."""
    ethertype: cython.longlong = p.r[ETHERTYPE]
    if ethertype == ETHERTYPE_IPV4:
        return ipv4(p)
    if ethertype == ETHERTYPE_IPV6 and (p.r[POS] >= p.r[LIMIT] or p.data[p.r[POS]] >> 4 == 6):
        return ipv6(p)
    if ethertype == ETHERTYPE_ARP:
        begin(p, LAYER_ARP)
        p.r[KIND] = ARP
        p.r[L3] = p.r[POS]
        return STOP
    if ethertype == 0x8100 or ethertype == 0x88A8 or ethertype == 0x9100:
        return vlan(p)
    if ethertype == 0x8847 or ethertype == 0x8848:
        return MPLS
    if ethertype == 0x8864:
        return PPPOE
    if ethertype == ETHERTYPE_PPP:
        return BY_PPP
    if ethertype == 0x6558:
        return ETHERNET
    begin(p, LAYER_ETHERTYPE)
    p.r[KIND] = ETHERNET_OTHER
    p.r[L3] = p.r[POS]
    if ethertype == 0x893F or ethertype == 0x8926 or ethertype == 0xF1C1 or ethertype == 0x88E7 \
            or ethertype == 0x8909 or ethertype == 0x892F or ethertype == 0x8903:
        return ethernet_tag(p)
    if ethertype == 0x894F:
        return network_service_header(p)
    if ethertype == 0x22F3:
        return trill(p)
    if ethertype == 0x88E5:
        return macsec(p)
    return STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def vlan(p: Packet) -> cython.int:
    """IEEE 802.1Q tag: priority, number, and the type (or length) of what follows."""
    at: cython.Py_ssize_t = p.r[POS]
    begin(p, LAYER_VLAN)
    if missing(p, 4):
        return STOP
    if p.r[VLAN] < 0:
        p.r[VLAN] = be16(p, at) & 0xFFF
    p.r[POS] = at + 4
    if be16(p, at + 2) <= LONGEST_LENGTH and p.r[ETHERTYPE] != 0x88A8:
        p.r[ETHERTYPE] = be16(p, at + 2)
        return ieee8023(p)
    p.r[ETHERTYPE] = be16(p, at + 2)
    return BY_ETHERTYPE


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def ethernet_tag(p: Packet) -> cython.int:
    """Tags of switches: 802.1BR E-tag, VN-tag, Cisco metadata, HSR; 802.1ah and FabricPath, which hold a whole frame."""
    at: cython.Py_ssize_t = p.r[POS]
    ethertype: cython.longlong = p.r[ETHERTYPE]
    length: cython.longlong = 6
    if ethertype == 0x88E7:
        if missing(p, 4):
            return STOP
        p.r[POS] = at + 4
        return ETHERNET
    if ethertype == 0x8903:   # the inner frame keeps its check sequence
        if missing(p, 2):
            return STOP
        narrow(p, p.r[WIRE_END] - 4)
        p.r[POS] = at + 2
        return ETHERNET
    if ethertype == 0x893F or ethertype == 0x8909:
        length = 8
    if missing(p, length):
        return STOP
    p.r[ETHERTYPE] = be16(p, at + length - 2)
    p.r[POS] = at + length
    return ieee8023(p) if p.r[ETHERTYPE] <= LONGEST_LENGTH else BY_ETHERTYPE


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def network_service_header(p: Packet) -> cython.int:
    """RFC 8300 section 2: its length in words, what follows it."""
    at: cython.Py_ssize_t = p.r[POS]
    length: cython.longlong
    if missing(p, 8):
        return STOP
    length = (p.data[at + 1] & 0x3F) * 4
    if length < 8 or missing(p, length):
        return STOP
    p.r[POS] = at + length
    if p.data[at + 3] == 3:
        return ETHERNET
    if p.data[at + 3] == 5:
        return MPLS
    return BY_VERSION if p.data[at + 3] == 1 or p.data[at + 3] == 2 else STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def trill(p: Packet) -> cython.int:
    """RFC 6325 section 3: its options' length in words, then an Ethernet frame."""
    at: cython.Py_ssize_t = p.r[POS]
    if missing(p, 6) or missing(p, 6 + (be16(p, at) >> 6 & 0x1F) * 4):
        return STOP
    p.r[POS] = at + 6 + (be16(p, at) >> 6 & 0x1F) * 4
    return ETHERNET


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def macsec(p: Packet) -> cython.int:
    """IEEE 802.1AE: what is only authenticated, not encrypted, can be read; a check value follows it."""
    at: cython.Py_ssize_t = p.r[POS]
    length: cython.longlong = 6
    if missing(p, 6):
        return STOP
    if p.data[at] & 0x20:
        length = 14
    if p.data[at] & 0x0C or missing(p, length + 2):
        return STOP
    p.r[ETHERTYPE] = be16(p, at + length)
    p.r[POS] = at + length + 2
    narrow(p, p.r[WIRE_END] - 16)
    return BY_ETHERTYPE


# --- the network layer --------------------------------------------------------------------------------------------------

@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def by_version(p: Packet) -> cython.int:
    """The first four bits tell IPv4 from IPv6."""
    version: cython.longlong
    begin(p, LAYER_RAW)
    p.r[KIND] = IP_MALFORMED
    if missing(p, 1):
        return STOP
    version = p.data[p.r[POS]] >> 4
    if version == 4:
        p.r[ETHERTYPE] = ETHERTYPE_IPV4
        return ipv4(p)
    if version == 6:
        p.r[ETHERTYPE] = ETHERTYPE_IPV6
        return ipv6(p)
    p.r[FLAGS] |= MALFORMED
    return STOP


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(-1)
def begin_ip(p: Packet, layer: cython.longlong, version: cython.longlong) -> cython.int:
    """An IP header begins here, perhaps inside another one."""
    begin(p, layer)
    p.r[KIND] = IP_MALFORMED
    p.r[L3] = p.r[POS]
    p.r[IP_VERSION] = version
    p.r[IP_PROTO] = -1
    if p.r[OUTER_L3] < 0:
        p.r[OUTER_L3] = p.r[POS]
    else:
        p.r[FLAGS] |= TUNNEL
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def ipv4(p: Packet) -> cython.int:
    """RFC 791. Wireshark hands what is IPv6 by its version to that dissector."""
    at: cython.Py_ssize_t = p.r[POS]
    first: cython.longlong
    header: cython.longlong
    length: cython.longlong
    fragment: cython.longlong
    begin_ip(p, LAYER_IPV4, 4)
    if missing(p, 1):
        return STOP
    first = p.data[at]
    if (first >> 4) != 4:
        if (first >> 4) == 6:
            return ipv6(p)
        p.r[FLAGS] |= MALFORMED
        return STOP
    if missing(p, 20):
        if at + 16 <= p.r[LIMIT]:   # the source can still be read
            p.r[ADDRESS_KIND] = ADDRESS_TEXT
        return STOP
    header = (first & 0xF) << 2
    if header < 20:
        p.r[FLAGS] |= MALFORMED
        return STOP
    length = be16(p, at + 2)
    if length == 0:   # segmentation offload: the network card would have filled it in
        length = p.r[WIRE_END] - at
    if length < header:
        p.r[FLAGS] |= MALFORMED
        return STOP
    p.r[TTL] = p.data[at + 8]
    p.r[IP_PROTO] = p.data[at + 9]
    p.r[ADDRESS_KIND] = ADDRESS_IPV4
    p.r[SRC_HI] = 0
    p.r[DST_HI] = 0
    p.r[SRC_LO] = be32(p, at + 12)
    p.r[DST_LO] = be32(p, at + 16)
    narrow(p, at + length)
    if p.r[LIMIT] < p.r[WIRE_END]:
        p.r[FLAGS] |= CUT
    if missing(p, header):
        return STOP
    p.r[POS] = at + header
    p.r[L4] = at + header
    fragment = be16(p, at + 6) & 0x3FFF
    if fragment:
        if length > header and at + length <= p.r[LIMIT]:
            p.r[KIND] = IPV4_FRAGMENT
            p.r[FRAGMENT] = 1
            return STOP
        if fragment & 0x1FFF:
            p.r[KIND] = IPV4_FRAGMENT
            return STOP
    if at + header >= p.r[WIRE_END]:   # no payload, no protocol
        p.r[KIND] = IP_OTHER
        return STOP
    return BY_IP_PROTO


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def ipv6(p: Packet) -> cython.int:
    """RFC 8200 section 3."""
    at: cython.Py_ssize_t = p.r[POS]
    length: cython.longlong
    following: cython.longlong
    begin_ip(p, LAYER_IPV6, 6)
    if missing(p, 40):
        if at + 24 <= p.r[LIMIT]:   # the source can still be read
            p.r[ADDRESS_KIND] = ADDRESS_TEXT
        return STOP
    if (p.data[at] >> 4) != 6:
        p.r[FLAGS] |= MALFORMED
        return STOP
    length = be16(p, at + 4)
    following = p.data[at + 6]
    p.r[IP_PROTO] = following
    p.r[TTL] = p.data[at + 7]
    p.r[ADDRESS_KIND] = ADDRESS_IPV6
    p.r[SRC_HI] = be64(p, at + 8)
    p.r[SRC_LO] = be64(p, at + 16)
    p.r[DST_HI] = be64(p, at + 24)
    p.r[DST_LO] = be64(p, at + 32)
    if length == 0 and following == 0:
        length = jumbo_length(p)
    narrow(p, at + 40 + length)
    if p.r[LIMIT] < p.r[WIRE_END]:
        p.r[FLAGS] |= CUT
    p.r[POS] = at + 40
    p.r[L4] = at + 40
    if following == 6 or following == 17:
        return BY_IP_PROTO
    return ipv6_extensions(p)


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def jumbo_length(p: Packet) -> cython.longlong:
    """Payload length of a jumbogram, from its first option (RFC 2675 section 2); 0 when it is none."""
    at: cython.Py_ssize_t = p.r[POS] + 40
    if at + 8 <= p.r[LIMIT] and p.data[at + 2] == 0xC2 and p.data[at + 3] == 4:
        return be32(p, at + 4)
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def ipv6_extensions(p: Packet) -> cython.int:
    """Hop-by-hop, routing, destination options and fragment headers (RFC 8200 section 4), up to the first other one."""
    at: cython.Py_ssize_t
    following: cython.longlong
    length: cython.longlong
    while p.r[LAYERS] < MAX_LAYERS:
        p.r[LAYERS] += 1
        following = p.r[IP_PROTO]
        at = p.r[POS]
        p.r[L4] = at
        if following == 0 or following == 43 or following == 60 or following == 44 or following == 135 or following == 139 \
                or following == 140:
            begin(p, LAYER_IPV6_EXTENSION)
            if missing(p, 8):
                return STOP
            if following == 44:
                if be16(p, at + 2) & 0xFFF9:
                    p.r[KIND] = IPV6_FRAGMENT
                    p.r[IP_PROTO] = p.data[at]
                    p.r[L4] = at + 8
                    if p.r[WIRE_END] <= p.r[LIMIT]:
                        p.r[FRAGMENT] = 1
                    return STOP
                length = 8
            else:
                if following == 135 and p.data[at] == 59:   # mobility is the last header
                    p.r[KIND] = IP_OTHER
                    return STOP
                length = (cython.cast(cython.longlong, p.data[at + 1]) + 1) * 8
            if missing(p, length):
                return STOP
            if following == 43:
                if p.data[at + 2] == 4 and length < 24:   # a segment routing header names one segment at least
                    p.r[FLAGS] |= MALFORMED | HEADER_CUT
                    return STOP
                final_destination(p, length)
            elif following == 60:
                home_address(p, length)
            p.r[IP_PROTO] = p.data[at]
            p.r[POS] = at + length
        else:
            return BY_IP_PROTO
    return STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def final_destination(p: Packet, length: cython.longlong) -> cython.int:
    """While segments are left, a routing header names the real destination: in types 0 and 2 it is the last address
    (RFC 2460 section 4.4, RFC 6275 section 6.4), in a segment routing header the first one (RFC 8754 section 2)."""
    at: cython.Py_ssize_t = p.r[POS]
    kind: cython.longlong = p.data[at + 2]
    if p.data[at + 3] == 0 or length < 24:
        return 0
    if kind == 0 or kind == 2:
        at += 8 + (length - 24) // 16 * 16
    elif kind == 4:
        at += 8
    else:
        return 0
    p.r[DST_HI] = be64(p, at)
    p.r[DST_LO] = be64(p, at + 8)
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def home_address(p: Packet, length: cython.longlong) -> cython.int:
    """The home address option (RFC 6275 section 6.3) names the real source."""
    at: cython.Py_ssize_t = p.r[POS] + 2
    end: cython.Py_ssize_t = p.r[POS] + length
    while at + 2 <= end:
        if p.data[at] == 0:
            at += 1
            continue
        if p.data[at] == 0xC9 and p.data[at + 1] == 16 and at + 18 <= end:
            p.r[SRC_HI] = be64(p, at + 2)
            p.r[SRC_LO] = be64(p, at + 10)
        at += 2 + cython.cast(cython.longlong, p.data[at + 1])
    return 0


# --- the transport layer ------------------------------------------------------------------------------------------------

@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def by_ip_proto(p: Packet) -> cython.int:
    """What an IP protocol number announces."""
    proto: cython.longlong = p.r[IP_PROTO]
    p.r[L4] = p.r[POS]
    if proto == 6:
        return tcp(p)
    if proto == 17:
        return udp(p)
    begin(p, LAYER_IP_PROTO)
    if proto == 1:
        p.r[KIND] = ICMP
    elif proto == 58:
        p.r[KIND] = ICMPV6
    elif proto == 2:
        p.r[KIND] = IGMP
    else:
        p.r[KIND] = IP_OTHER
        if proto == 0 or proto == 43 or proto == 60 or proto == 44:   # they may follow an authentication header, even IPv4
            return ipv6_extensions(p)
        return IN_IP
    return STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def tcp(p: Packet) -> cython.int:
    """RFC 9293 section 3.1."""
    at: cython.Py_ssize_t = p.r[POS]
    header: cython.longlong
    begin(p, LAYER_TCP)
    p.r[KIND] = TCP
    if missing(p, 20):
        if at + 4 > p.r[LIMIT]:   # without ports it is no TCP row
            p.r[KIND] = IP_OTHER
            return STOP
        p.r[SRC_PORT] = be16(p, at)
        p.r[DST_PORT] = be16(p, at + 2)
        if at + 16 > p.r[LIMIT]:
            return STOP
    p.r[SRC_PORT] = be16(p, at)
    p.r[DST_PORT] = be16(p, at + 2)
    p.r[TCP_SEQ] = be32(p, at + 4)
    p.r[TCP_ACK] = be32(p, at + 8)
    header = be16(p, at + 12)
    p.r[TCP_FLAGS] = header & 0xFFF
    header = (header >> 12) << 2
    p.r[TCP_HEADER] = header
    p.r[TCP_WINDOW] = be16(p, at + 14)
    if at + 20 > p.r[LIMIT]:
        return STOP
    p.r[TCP_URGENT] = be16(p, at + 18)
    if header < 20:
        p.r[FLAGS] |= MALFORMED
        return STOP
    if missing(p, header):
        if p.r[WIRE_END] - at >= header:
            p.r[PAYLOAD_WIRE] = p.r[WIRE_END] - at - header
        return STOP
    p.r[PAYLOAD] = at + header
    p.r[PAYLOAD_LEN] = p.r[LIMIT] - at - header
    p.r[PAYLOAD_WIRE] = p.r[WIRE_END] - at - header
    if header == 32 and be32(p, at + 20) == TIME_STAMP_ALONE:
        p.r[TCP_TIMES] = be64(p, at + 24)
    return STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def udp(p: Packet) -> cython.int:
    """RFC 768."""
    at: cython.Py_ssize_t = p.r[POS]
    length: cython.longlong
    begin(p, LAYER_UDP)
    p.r[KIND] = UDP
    if missing(p, 8):
        if at + 4 > p.r[LIMIT]:   # without ports it is no UDP row
            p.r[KIND] = IP_OTHER
            return STOP
        p.r[SRC_PORT] = be16(p, at)
        p.r[DST_PORT] = be16(p, at + 2)
        if at + 6 <= p.r[LIMIT]:
            p.r[UDP_LENGTH] = be16(p, at + 4)
        return STOP
    p.r[SRC_PORT] = be16(p, at)
    p.r[DST_PORT] = be16(p, at + 2)
    length = be16(p, at + 4)
    p.r[UDP_LENGTH] = length
    if length == 0 and p.r[IP_VERSION] == 6:   # RFC 2675 section 4: a jumbogram; the rest of the packet
        length = p.r[WIRE_END] - at
    if length < 8:
        p.r[FLAGS] |= MALFORMED
        return STOP
    if at + length > p.r[WIRE_END]:
        p.r[FLAGS] |= MALFORMED
    narrow(p, at + length)
    p.r[POS] = at + 8
    p.r[PAYLOAD] = at + 8
    p.r[PAYLOAD_LEN] = p.r[LIMIT] - at - 8
    p.r[PAYLOAD_WIRE] = length - 8
    if p.r[PAYLOAD_LEN] >= 8 and (is_tunnel(p.r[SRC_PORT]) or is_tunnel(p.r[DST_PORT])):
        return BY_PORT
    return STOP


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(-1)
def is_tunnel(port: cython.longlong) -> cython.int:
    """Whether a UDP port belongs to a tunnel that Wireshark looks into by default."""
    if port < 1701:
        return 0
    return (port == 4789 or port == 2152 or port == 6081 or port == 3544 or port == 1701 or port == 4341 or port == 4790
            or port == 6635 or port == 5072 or port == 37008 or port == 5247 or port == 3386)


# --- the walk -----------------------------------------------------------------------------------------------------------

@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def plain(p: Packet, layer: cython.int) -> cython.int:
    """Follow the layers of this module; answer the first one that is another module's, or STOP."""
    while layer and p.r[LAYERS] < MAX_LAYERS:
        p.r[LAYERS] += 1
        if layer == BY_ETHERTYPE:
            layer = by_ethertype(p)
        elif layer == BY_IP_PROTO:
            layer = by_ip_proto(p)
        elif layer == ETHERNET:
            layer = ethernet(p)
        elif layer == BY_VERSION:
            layer = by_version(p)
        else:
            return layer
    return STOP
