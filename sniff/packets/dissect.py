"""Link, network and transport headers of each packet, as columns. Compiled.

One packet is a walk through layers. Every layer is a function that reads its header at `r[POS]`, writes what it learned
into the record `r`, moves on and answers which layer comes next. `r` is one int64 array: the packet's columns
(columns.py) followed by the cursor below. Nothing is allocated and nothing is remembered between packets.

A layer looks at bytes only after `missing()` said that they are there. Bytes that the capture cut off and bytes that
the packet never had are told apart as Wireshark does: the first is Flag.CUT, the second Flag.MALFORMED.
"""

import cython

from sniff import limits
from sniff.packets import columns as c

# --- the columns ---------------------------------------------------------------------------------------------------------
CAPLEN = cython.declare(cython.Py_ssize_t, c.CAPLEN)
WIRELEN = cython.declare(cython.Py_ssize_t, c.WIRELEN)
START = cython.declare(cython.Py_ssize_t, c.START)
LINK_TYPE = cython.declare(cython.Py_ssize_t, c.LINK_TYPE)
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
END = cython.declare(cython.Py_ssize_t, c.END)
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
VLAN = cython.declare(cython.Py_ssize_t, c.VLAN)
OUTER_L3 = cython.declare(cython.Py_ssize_t, c.OUTER_L3)
UDP_LENGTH = cython.declare(cython.Py_ssize_t, c.UDP_LENGTH)
COUNT = cython.declare(cython.Py_ssize_t, c.COUNT)

# --- the cursor, after the columns -----------------------------------------------------------------------------------------
POS = cython.declare(cython.Py_ssize_t, c.COUNT)            # index of the next header
LIMIT = cython.declare(cython.Py_ssize_t, c.COUNT + 1)      # index after the last captured byte of this layer
WIRE_END = cython.declare(cython.Py_ssize_t, c.COUNT + 2)   # index after its last byte on the wire (LIMIT or beyond)
FRAGMENT = cython.declare(cython.Py_ssize_t, c.COUNT + 3)   # 1: an IP fragment whose bytes are all there
LAYERS = cython.declare(cython.Py_ssize_t, c.COUNT + 4)     # headers read so far
PROGRESS = cython.declare(cython.Py_ssize_t, c.COUNT + 5)   # packets of the batch that are done
PROGRESS_SLOT = c.COUNT + 5
RECORD = c.COUNT + 8

MAX_LAYERS = cython.declare(cython.Py_ssize_t, limits.MAX_LAYERS)

FRAME = cython.declare(cython.longlong, c.Kind.FRAME)
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

# --- layers: what a layer function answers -----------------------------------------------------------------------------------
STOP = cython.declare(cython.int, 0)
BY_ETHERTYPE = cython.declare(cython.int, 1)   # r[ETHERTYPE] says what
BY_IP_PROTO = cython.declare(cython.int, 2)    # r[IP_PROTO] says what
BY_VERSION = cython.declare(cython.int, 3)     # IPv4 or IPv6, by its first four bits
ETHERNET = cython.declare(cython.int, 4)

TWO_31 = cython.declare(cython.longlong, 1 << 31)
TWO_32 = cython.declare(cython.longlong, 1 << 32)

ETHERTYPE_IPV4 = cython.declare(cython.longlong, 0x0800)
ETHERTYPE_ARP = cython.declare(cython.longlong, 0x0806)
ETHERTYPE_IPV6 = cython.declare(cython.longlong, 0x86DD)


# --- reading ----------------------------------------------------------------------------------------------------------------

@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(-1)
def be16(data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t) -> cython.longlong:
    """Two bytes, network order."""
    return (cython.cast(cython.longlong, data[at]) << 8) | cython.cast(cython.longlong, data[at + 1])


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(-1)
def be32(data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t) -> cython.longlong:
    """Four bytes, network order, never negative."""
    return (be16(data, at) << 16) | be16(data, at + 2)


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(-1, check=True)
def be64(data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t) -> cython.longlong:
    """Eight bytes, network order, reinterpreted as a signed number (compiled integers must not overflow)."""
    high: cython.longlong = be32(data, at)
    if high >= TWO_31:
        high -= TWO_32
    return high * TWO_32 + be32(data, at + 4)


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(-1)
def missing(r: cython.longlong[::1], length: cython.longlong) -> cython.longlong:
    """0 when `length` bytes were captured at the cursor, else 1; then the flags say whose fault that is."""
    wanted: cython.longlong = r[POS] + length
    if wanted <= r[LIMIT]:
        return 0
    if wanted <= r[WIRE_END]:
        r[FLAGS] |= CUT | HEADER_CUT
    else:
        r[FLAGS] |= MALFORMED | HEADER_CUT
    return 1


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(-1)
def narrow(r: cython.longlong[::1], end: cython.longlong) -> cython.longlong:
    """The layer ends at index `end` by its own length: what follows is padding of a lower layer."""
    if end < r[WIRE_END]:
        r[WIRE_END] = end
        if end < r[LIMIT]:
            r[LIMIT] = end
    return 0


# --- the link layer -----------------------------------------------------------------------------------------------------------

@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def link_layer(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """The header that the LINKTYPE_ number promises (www.tcpdump.org/linktypes.html)."""
    link_type: cython.longlong = r[LINK_TYPE]
    if link_type == 1:
        return ethernet(data, r)
    if link_type == 113:
        return linux_cooked(data, r)
    if link_type == 276:
        return linux_cooked_v2(data, r)
    if link_type == 0 or link_type == 108:
        return bsd_loopback(data, r)
    if link_type == 101 or link_type == 12 or link_type == 14:
        return BY_VERSION
    if link_type == 228:
        r[ETHERTYPE] = ETHERTYPE_IPV4
        return BY_ETHERTYPE
    if link_type == 229:
        r[ETHERTYPE] = ETHERTYPE_IPV6
        return BY_ETHERTYPE
    return STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def ethernet(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """Ethernet II or IEEE 802.3."""
    at: cython.Py_ssize_t = r[POS]
    r[L2] = at
    if missing(r, 14):
        return STOP
    r[ADDRESS_KIND] = ADDRESS_MAC
    r[SRC_HI] = 0
    r[DST_HI] = 0
    r[DST_LO] = (be16(data, at) << 32) | be32(data, at + 2)
    r[SRC_LO] = (be16(data, at + 6) << 32) | be32(data, at + 8)
    r[ETHERTYPE] = be16(data, at + 12)
    r[POS] = at + 14
    r[KIND] = ETHERNET_OTHER
    return BY_ETHERTYPE


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def linux_cooked(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """LINKTYPE_LINUX_SLL: 16 bytes."""
    at: cython.Py_ssize_t = r[POS]
    r[L2] = at
    if missing(r, 16):
        return STOP
    r[ETHERTYPE] = be16(data, at + 14)
    r[POS] = at + 16
    return BY_ETHERTYPE


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def linux_cooked_v2(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """LINKTYPE_LINUX_SLL2: 20 bytes, the protocol first."""
    at: cython.Py_ssize_t = r[POS]
    r[L2] = at
    if missing(r, 20):
        return STOP
    r[ETHERTYPE] = be16(data, at)
    r[POS] = at + 20
    return BY_ETHERTYPE


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def bsd_loopback(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """LINKTYPE_NULL and LINKTYPE_LOOP: an address family of four bytes, in the byte order of whoever captured."""
    at: cython.Py_ssize_t = r[POS]
    r[L2] = at
    if missing(r, 4):
        return STOP
    family: cython.longlong = be32(data, at)
    if family >= 0x10000:
        family = (family >> 24) | ((family >> 8) & 0xFF00)
    r[POS] = at + 4
    if family == 2:
        r[ETHERTYPE] = ETHERTYPE_IPV4
    elif family == 10 or family == 24 or family == 28 or family == 30:
        r[ETHERTYPE] = ETHERTYPE_IPV6
    else:
        return STOP
    return BY_ETHERTYPE


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def by_ethertype(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """What an Ethernet type announces."""
    ethertype: cython.longlong = r[ETHERTYPE]
    if ethertype == ETHERTYPE_IPV4:
        return ipv4(data, r)
    if ethertype == ETHERTYPE_IPV6:
        return ipv6(data, r)
    if ethertype == ETHERTYPE_ARP:
        r[KIND] = ARP
        r[L3] = r[POS]
        return STOP
    if ethertype == 0x8100 or ethertype == 0x88A8 or ethertype == 0x9100:
        return vlan(data, r)
    r[KIND] = ETHERNET_OTHER
    r[L3] = r[POS]
    return STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def vlan(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """IEEE 802.1Q tag: priority, number, and the type of what follows."""
    at: cython.Py_ssize_t = r[POS]
    if missing(r, 4):
        return STOP
    if r[VLAN] < 0:
        r[VLAN] = be16(data, at) & 0xFFF
    r[ETHERTYPE] = be16(data, at + 2)
    r[POS] = at + 4
    return BY_ETHERTYPE


# --- the network layer --------------------------------------------------------------------------------------------------------

@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def by_version(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """Raw IP: the first four bits tell the version."""
    if missing(r, 1):
        return STOP
    version: cython.longlong = data[r[POS]] >> 4
    if version == 4:
        r[ETHERTYPE] = ETHERTYPE_IPV4
        return ipv4(data, r)
    if version == 6:
        r[ETHERTYPE] = ETHERTYPE_IPV6
        return ipv6(data, r)
    return STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def ipv4(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """RFC 791."""
    at: cython.Py_ssize_t = r[POS]
    r[KIND] = IP_MALFORMED
    r[L3] = at
    if r[OUTER_L3] < 0:
        r[OUTER_L3] = at
    else:
        r[FLAGS] |= TUNNEL
    r[IP_VERSION] = 4
    if missing(r, 20):
        return STOP
    first: cython.longlong = data[at]
    header: cython.longlong = (first & 0xF) << 2
    if (first >> 4) != 4 or header < 20:
        r[FLAGS] |= MALFORMED
        return STOP
    length: cython.longlong = be16(data, at + 2)
    if length == 0:   # segmentation offload: the network card would have filled it in
        length = r[WIRE_END] - at
    if length < header:
        r[FLAGS] |= MALFORMED
        return STOP
    if at + length > r[LIMIT]:
        r[FLAGS] |= CUT
    narrow(r, at + length)
    r[TTL] = data[at + 8]
    r[IP_PROTO] = data[at + 9]
    r[ADDRESS_KIND] = ADDRESS_IPV4
    r[SRC_HI] = 0
    r[DST_HI] = 0
    r[SRC_LO] = be32(data, at + 12)
    r[DST_LO] = be32(data, at + 16)
    if missing(r, header):
        return STOP
    r[POS] = at + header
    r[L4] = at + header
    if be16(data, at + 6) & 0x3FFF:
        r[KIND] = IPV4_FRAGMENT
        if length > header and at + length <= r[LIMIT]:
            r[FRAGMENT] = 1
        return STOP
    return BY_IP_PROTO


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def ipv6(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """RFC 8200, with the extension headers of its section 4."""
    at: cython.Py_ssize_t = r[POS]
    r[KIND] = IP_MALFORMED
    r[L3] = at
    if r[OUTER_L3] < 0:
        r[OUTER_L3] = at
    else:
        r[FLAGS] |= TUNNEL
    r[IP_VERSION] = 6
    if missing(r, 40):
        return STOP
    if (data[at] >> 4) != 6:
        r[FLAGS] |= MALFORMED
        return STOP
    length: cython.longlong = be16(data, at + 4)
    following: cython.longlong = data[at + 6]
    r[TTL] = data[at + 7]
    r[ADDRESS_KIND] = ADDRESS_IPV6
    r[SRC_HI] = be64(data, at + 8)
    r[SRC_LO] = be64(data, at + 16)
    r[DST_HI] = be64(data, at + 24)
    r[DST_LO] = be64(data, at + 32)
    if length:
        if at + 40 + length > r[LIMIT]:
            r[FLAGS] |= CUT
        narrow(r, at + 40 + length)
    r[POS] = at + 40
    r[L4] = at + 40
    r[IP_PROTO] = following
    if following == 6 or following == 17:
        return BY_IP_PROTO
    return ipv6_extensions(data, r)


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def ipv6_extensions(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """Hop-by-hop, routing, destination options, authentication and fragment headers, up to the first other one."""
    following: cython.longlong
    while r[LAYERS] < MAX_LAYERS:
        r[LAYERS] += 1
        following = r[IP_PROTO]
        r[L4] = r[POS]
        if following == 0 or following == 43 or following == 60:
            if missing(r, 8):
                return STOP
            r[IP_PROTO] = data[r[POS]]
            if missing(r, (cython.cast(cython.longlong, data[r[POS] + 1]) + 1) * 8):
                return STOP
            r[POS] += (cython.cast(cython.longlong, data[r[POS] + 1]) + 1) * 8
        elif following == 44:
            if missing(r, 8):
                return STOP
            r[IP_PROTO] = data[r[POS]]
            if be16(data, r[POS] + 2) & 0xFFF9:
                r[KIND] = IPV6_FRAGMENT
                r[L4] = r[POS] + 8
                if r[WIRE_END] <= r[LIMIT]:
                    r[FRAGMENT] = 1
                return STOP
            r[POS] += 8
        else:
            return BY_IP_PROTO
    return STOP


# --- the transport layer ------------------------------------------------------------------------------------------------------

@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def by_ip_proto(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """What an IP protocol number announces."""
    proto: cython.longlong = r[IP_PROTO]
    r[L4] = r[POS]
    if proto == 6:
        return tcp(data, r)
    if proto == 17:
        return udp(data, r)
    if proto == 1:
        r[KIND] = ICMP
    elif proto == 58:
        r[KIND] = ICMPV6
    elif proto == 2:
        r[KIND] = IGMP
    elif proto == 4:
        return ipv4(data, r)
    elif proto == 41:
        return ipv6(data, r)
    else:
        r[KIND] = IP_OTHER
    return STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def tcp(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """RFC 9293 section 3.1."""
    at: cython.Py_ssize_t = r[POS]
    header: cython.longlong
    r[KIND] = TCP
    if missing(r, 20):
        if at + 4 <= r[LIMIT]:
            r[SRC_PORT] = be16(data, at)
            r[DST_PORT] = be16(data, at + 2)
        return STOP
    r[SRC_PORT] = be16(data, at)
    r[DST_PORT] = be16(data, at + 2)
    r[TCP_SEQ] = be32(data, at + 4)
    r[TCP_ACK] = be32(data, at + 8)
    header = be16(data, at + 12)
    r[TCP_FLAGS] = header & 0xFFF
    header = (header >> 12) << 2
    r[TCP_HEADER] = header
    r[TCP_WINDOW] = be16(data, at + 14)
    r[TCP_URGENT] = be16(data, at + 18)
    if header < 20:
        r[FLAGS] |= MALFORMED
        return STOP
    if at + header > r[WIRE_END]:
        r[FLAGS] |= MALFORMED
        return STOP
    r[PAYLOAD_WIRE] = r[WIRE_END] - at - header
    if missing(r, header):
        return STOP
    r[PAYLOAD] = at + header
    r[PAYLOAD_LEN] = r[LIMIT] - at - header
    return STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def udp(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """RFC 768."""
    at: cython.Py_ssize_t = r[POS]
    length: cython.longlong
    r[KIND] = UDP
    if missing(r, 8):
        if at + 4 <= r[LIMIT]:
            r[SRC_PORT] = be16(data, at)
            r[DST_PORT] = be16(data, at + 2)
        return STOP
    r[SRC_PORT] = be16(data, at)
    r[DST_PORT] = be16(data, at + 2)
    length = be16(data, at + 4)
    r[UDP_LENGTH] = length
    if length == 0:   # RFC 2675: a jumbogram; the rest of the packet
        length = r[WIRE_END] - at
    if length < 8:
        r[FLAGS] |= MALFORMED
        return STOP
    if at + length > r[WIRE_END]:
        r[FLAGS] |= MALFORMED
    narrow(r, at + length)
    r[PAYLOAD] = at + 8
    r[PAYLOAD_LEN] = r[LIMIT] - at - 8
    r[PAYLOAD_WIRE] = length - 8
    return STOP


# --- the batch ------------------------------------------------------------------------------------------------------------------

@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def walk(data: cython.const[cython.uchar][::1], r: cython.longlong[::1], layer: cython.int) -> cython.int:
    """Follow the layers from `layer` to the innermost one."""
    while layer != STOP and r[LAYERS] < MAX_LAYERS:
        r[LAYERS] += 1
        if layer == BY_ETHERTYPE:
            layer = by_ethertype(data, r)
        elif layer == BY_IP_PROTO:
            layer = by_ip_proto(data, r)
        elif layer == BY_VERSION:
            layer = by_version(data, r)
        else:
            layer = ethernet(data, r)
    r[END] = r[LIMIT]
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def dissect_packet(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """One packet from its link layer on; START, CAPLEN, WIRELEN and LINK_TYPE stand in the record already."""
    k: cython.Py_ssize_t
    for k in range(KIND, COUNT):
        r[k] = -1
    r[KIND] = FRAME
    r[FLAGS] = 0
    r[ADDRESS_KIND] = 0
    r[SRC_HI] = 0
    r[SRC_LO] = 0
    r[DST_HI] = 0
    r[DST_LO] = 0
    r[IP_VERSION] = 0
    r[PAYLOAD_LEN] = 0
    r[LAYERS] = 0
    r[FRAGMENT] = 0
    r[POS] = r[START]
    r[LIMIT] = r[START] + r[CAPLEN]
    r[WIRE_END] = r[START] + r[WIRELEN]
    return walk(data, r, link_layer(data, r))


@cython.ccall
def dissect(data: cython.const[cython.uchar][::1], begin: cython.Py_ssize_t, table: cython.longlong[:, ::1],
            record: cython.longlong[::1], fragments: cython.longlong[::1]) -> cython.Py_ssize_t:
    """Fill the columns from KIND on for the packets from `begin` on; answer how many IP fragments were among them.

    data       uint8[m]          the bytes
    begin      index of the first packet
    table      int64[COUNT, n]   the columns before KIND are read, the others written
    record     int64[RECORD]     scratch; record[PROGRESS] tells how many packets are done, should one raise
    fragments  int64[n]          written: indexes of the packets that are IP fragments with all their bytes

    Any bytes are valid input. A packet that does not lie in `data` is the caller's mistake and raises IndexError.
    """
    i: cython.Py_ssize_t
    k: cython.Py_ssize_t
    found: cython.Py_ssize_t = 0
    count: cython.Py_ssize_t = table.shape[1]
    with cython.nogil:
        for i in range(begin, count):
            record[PROGRESS] = i
            record[START] = table[START, i]
            record[CAPLEN] = table[CAPLEN, i]
            record[WIRELEN] = table[WIRELEN, i]
            record[LINK_TYPE] = table[LINK_TYPE, i]
            dissect_packet(data, record)
            for k in range(KIND, COUNT):
                table[k, i] = record[k]
            if record[FRAGMENT]:
                fragments[found] = i
                found += 1
    record[PROGRESS] = count
    return found
