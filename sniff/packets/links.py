"""Link layers other than Ethernet: cooked, loopback, PPP, HDLC, IEEE 802.2, MPLS, FDDI, token ring. Compiled.

Layers as headers.py describes them.
"""

import cython

from sniff.packets import columns as c
from sniff.packets import cursor

if not cython.compiled:
    from sniff.packets.captures import ieee80211, nflog, openbsd_enc, pflog, pktap, ppi, wireless_capture
    from sniff.packets.headers import Packet, be16, be32, be48, begin, ipv6, le32, missing, narrow

KIND = cython.declare(cython.Py_ssize_t, c.KIND)
ADDRESS_KIND = cython.declare(cython.Py_ssize_t, c.ADDRESS_KIND)
SRC_LO = cython.declare(cython.Py_ssize_t, c.SRC_LO)
DST_LO = cython.declare(cython.Py_ssize_t, c.DST_LO)
L2 = cython.declare(cython.Py_ssize_t, c.L2)
ETHERTYPE = cython.declare(cython.Py_ssize_t, c.ETHERTYPE)
L3 = cython.declare(cython.Py_ssize_t, c.L3)
WIRE_END = cython.declare(cython.Py_ssize_t, c.WIRE_END)

POS = cython.declare(cython.Py_ssize_t, cursor.POS)
LIMIT = cython.declare(cython.Py_ssize_t, cursor.LIMIT)
LINK = cython.declare(cython.Py_ssize_t, cursor.LINK)

STOP = cython.declare(cython.int, cursor.STOP)
BY_ETHERTYPE = cython.declare(cython.int, cursor.BY_ETHERTYPE)
BY_VERSION = cython.declare(cython.int, cursor.BY_VERSION)
BY_LINK_TYPE = cython.declare(cython.int, cursor.BY_LINK_TYPE)
BY_PPP = cython.declare(cython.int, cursor.BY_PPP)
ETHERNET = cython.declare(cython.int, cursor.ETHERNET)
LLC = cython.declare(cython.int, cursor.LLC)
MPLS = cython.declare(cython.int, cursor.MPLS)
IEEE80211 = cython.declare(cython.int, cursor.IEEE80211)
GRE_PAYLOAD = cython.declare(cython.int, cursor.GRE_PAYLOAD)

ETHERNET_OTHER = cython.declare(cython.longlong, c.Kind.ETHERNET_OTHER)
ADDRESS_MAC = cython.declare(cython.longlong, c.Address.MAC)
ADDRESS_TEXT = cython.declare(cython.longlong, c.Address.TEXT)
LAYER_CISCO_HDLC = cython.declare(cython.longlong, c.Layer.CISCO_HDLC)
LAYER_COOKED = cython.declare(cython.longlong, c.Layer.COOKED)
LAYER_FDDI = cython.declare(cython.longlong, c.Layer.FDDI)
LAYER_FRAME_RELAY = cython.declare(cython.longlong, c.Layer.FRAME_RELAY)
LAYER_LLC = cython.declare(cython.longlong, c.Layer.LLC)
LAYER_LOOPBACK = cython.declare(cython.longlong, c.Layer.LOOPBACK)
LAYER_MPLS = cython.declare(cython.longlong, c.Layer.MPLS)
LAYER_PPP = cython.declare(cython.longlong, c.Layer.PPP)
LAYER_PPPOE = cython.declare(cython.longlong, c.Layer.PPPOE)
LAYER_RAW = cython.declare(cython.longlong, c.Layer.RAW)
LAYER_TOKEN_RING = cython.declare(cython.longlong, c.Layer.TOKEN_RING)

ETHERTYPE_IPV4 = cython.declare(cython.longlong, 0x0800)
ETHERTYPE_IPV6 = cython.declare(cython.longlong, 0x86DD)
LONGEST_LENGTH = cython.declare(cython.longlong, 1500)   # of IEEE 802.3; larger numbers are Ethernet types


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def link_layer(p: Packet) -> cython.int:
    """The header that a LINKTYPE_ number promises (www.tcpdump.org/linktypes.html)."""
    link: cython.longlong = p.r[LINK]
    if link == 1:
        return ETHERNET
    if link == 113 or link == 276:
        return linux_cooked(p)
    if link == 0 or link == 108:
        return bsd_loopback(p)
    if link == 101 or link == 12 or link == 14:
        return raw_ip(p)
    if link == 228:
        return BY_VERSION
    if link == 229:
        return ipv6(p)
    if link == 9 or link == 50 or link == 166:
        return ppp_frame(p)
    if link == 51:
        return pppoe(p)
    if link == 104:
        return cisco_hdlc(p)
    if link == 105:
        return ieee80211(p)
    if link == 127 or link == 119 or link == 163:
        return wireless_capture(p)
    if link == 192:
        return ppi(p)
    if link == 258:
        return pktap(p)
    if link == 239:
        return nflog(p)
    if link == 10:
        return fddi(p)
    if link == 6:
        return token_ring(p)
    if link == 100:
        return LLC
    if link == 107:
        return frame_relay(p)
    if link == 109:
        return openbsd_enc(p)
    if link == 117:
        return pflog(p)
    return STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def llc(p: Packet) -> cython.int:
    """IEEE 802.2, with SNAP when both service access points say so."""
    at: cython.Py_ssize_t = p.r[POS]
    organisation: cython.longlong
    protocol: cython.longlong
    control: cython.longlong = 1
    begin(p, LAYER_LLC)
    p.r[KIND] = ETHERNET_OTHER
    p.r[L3] = at
    if missing(p, 3):
        return STOP
    if p.data[at + 2] & 3 != 3:
        control = 2
    if p.data[at] == 0xAA and p.data[at + 1] == 0xAA and (p.data[at + 2] == 3 or p.data[at + 2] & 1 == 0):
        if missing(p, 7 + control):
            return STOP
        organisation = (be16(p, at + 2 + control) << 8) | p.data[at + 4 + control]
        protocol = be16(p, at + 5 + control)
        if (organisation == 0 or organisation == 0xF8) and protocol > LONGEST_LENGTH:
            p.r[ETHERTYPE] = protocol
            p.r[POS] = at + 7 + control
            return BY_ETHERTYPE
        if organisation == 0x80C2 and (protocol == 1 or protocol == 7):
            p.r[POS] = at + 7 + control
            if protocol == 1:
                narrow(p, p.r[WIRE_END] - 4)
            return ETHERNET
        return STOP
    if p.data[at] == 6 and (p.data[at + 2] == 3 or p.data[at + 2] & 1 == 0):
        if missing(p, 4):
            return STOP
        p.r[POS] = at + 2 + control
        return BY_VERSION
    return STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def linux_cooked(p: Packet) -> cython.int:
    """LINKTYPE_LINUX_SLL (16 bytes, the protocol last) and LINKTYPE_LINUX_SLL2 (20 bytes, the protocol first)."""
    at: cython.Py_ssize_t = p.r[POS]
    length: cython.longlong = 16 if p.r[LINK] == 113 else 20
    hardware: cython.longlong
    begin(p, LAYER_COOKED)
    p.r[L2] = at
    p.r[ADDRESS_KIND] = ADDRESS_TEXT
    if missing(p, length):
        return STOP
    p.r[KIND] = ETHERNET_OTHER
    if length == 16:
        hardware = be16(p, at + 2)
        p.r[ETHERTYPE] = be16(p, at + 14)
        if be16(p, at + 4) == 6:
            p.r[SRC_LO] = be48(p, at + 6)
    else:
        hardware = be16(p, at + 8)
        p.r[ETHERTYPE] = be16(p, at)
        if p.data[at + 11] == 6:
            p.r[SRC_LO] = be48(p, at + 12)
    p.r[POS] = at + length
    if hardware == 824:   # ARPHRD_NETLINK
        return STOP
    if hardware == 778:   # ARPHRD_IPGRE: the protocol is GRE's
        return GRE_PAYLOAD
    if hardware == 801:
        return IEEE80211
    if hardware == 802 or hardware == 803:
        p.r[LINK] = 119 if hardware == 802 else 127
        return BY_LINK_TYPE
    if p.r[ETHERTYPE] == 1:   # LINUX_SLL_P_802_3: Novell's frames without LLC
        return STOP
    if p.r[ETHERTYPE] == 3:
        return ETHERNET
    if p.r[ETHERTYPE] == 4:
        return LLC
    if p.r[ETHERTYPE] == 7:
        p.r[LINK] = 9
        return BY_LINK_TYPE
    return BY_ETHERTYPE


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def bsd_loopback(p: Packet) -> cython.int:
    """LINKTYPE_NULL and LINKTYPE_LOOP: an address family of four bytes, in the byte order of whoever captured.

    Some write PPP with its address bytes, some an Ethernet type, some a family in two bytes only.
    """
    at: cython.Py_ssize_t = p.r[POS]
    family: cython.longlong
    begin(p, LAYER_LOOPBACK)
    p.r[ADDRESS_KIND] = ADDRESS_TEXT
    p.r[L2] = at
    if missing(p, 4):
        return STOP
    family = be32(p, at)
    if (family >> 16) == 0xFF03:
        return ppp_frame(p)
    if family >> 16:
        if (family >> 24) == 0 and family < 0x00060000:
            family >>= 16
        else:
            family = le32(p, at)
    p.r[POS] = at + 4
    if family == 2:
        return BY_VERSION
    if family == 10 or family == 24 or family == 28 or family == 30:
        p.r[ETHERTYPE] = ETHERTYPE_IPV6
        return ipv6(p)
    if family > LONGEST_LENGTH and family <= 0xFFFF:
        p.r[ETHERTYPE] = family
    else:
        return STOP
    return BY_ETHERTYPE


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def raw_ip(p: Packet) -> cython.int:
    """Raw IP, and what drivers wrote in its place: PPP at its start, after one byte or after six; ten zeros."""
    at: cython.Py_ssize_t = p.r[POS]
    k: cython.Py_ssize_t
    begin(p, LAYER_RAW)
    p.r[ADDRESS_KIND] = ADDRESS_TEXT
    if at + 2 <= p.r[LIMIT] and be16(p, at) == 0xFF03:
        return ppp_frame(p)
    if at + 8 <= p.r[LIMIT] and be16(p, at + 6) == 0xFF03:
        p.r[POS] = at + 6
        return ppp_frame(p)
    if at + 3 <= p.r[LIMIT] and be16(p, at + 1) == 0xFF03:
        p.r[POS] = at + 1
        return ppp_frame(p)
    if at + 10 <= p.r[LIMIT]:
        for k in range(10):
            if p.data[at + k]:
                return BY_VERSION if p.data[at] >> 4 == 4 or p.data[at] >> 4 == 6 else STOP
        p.r[POS] = at + 10
        return BY_VERSION
    if missing(p, 8):   # too short for all that: Wireshark looks no further
        return STOP
    return BY_VERSION if p.data[at] >> 4 == 4 or p.data[at] >> 4 == 6 else STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def ppp_frame(p: Packet) -> cython.int:
    """PPP with or without its two HDLC bytes (RFC 1662); LINKTYPE_PPP_PPPD has the direction for the first one."""
    at: cython.Py_ssize_t = p.r[POS]
    begin(p, LAYER_PPP)
    p.r[ADDRESS_KIND] = ADDRESS_TEXT
    p.r[L2] = at
    p.r[KIND] = ETHERNET_OTHER
    if missing(p, 2):
        if at < p.r[LIMIT] and (p.data[at] == 0x0F or p.data[at] == 0x8F):
            begin(p, LAYER_CISCO_HDLC)
        return STOP
    if p.data[at] == 0xFF or (p.data[at + 1] == 3 and p.r[LINK] == 166):
        p.r[POS] = at + 2
    elif p.data[at] == 0x0F or p.data[at] == 0x8F:
        return cisco_hdlc(p)
    return BY_PPP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def ppp(p: Packet) -> cython.int:
    """A PPP protocol number of one or two bytes (RFC 1661 section 2), and what it announces."""
    at: cython.Py_ssize_t = p.r[POS]
    protocol: cython.longlong
    begin(p, LAYER_PPP)
    p.r[KIND] = ETHERNET_OTHER
    p.r[L3] = at
    if missing(p, 1):
        return STOP
    protocol = p.data[at]
    if protocol & 1:
        p.r[POS] = at + 1
    else:
        if missing(p, 2):
            return STOP
        protocol = be16(p, at)
        p.r[POS] = at + 2
    if protocol == 0x21 or protocol == 0x0800:
        return BY_VERSION
    if (protocol == 0x57 or protocol == 0x86DD) and (p.r[POS] >= p.r[LIMIT] or p.data[p.r[POS]] >> 4 == 6):
        p.r[ETHERTYPE] = ETHERTYPE_IPV6
    elif protocol == 0x0281 or protocol == 0x0283:
        p.r[ETHERTYPE] = 0x8847
    elif protocol == 0x31:
        return bridged(p)
    else:
        p.r[POS] = at
        return STOP
    return BY_ETHERTYPE


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def bridged(p: Packet) -> cython.int:
    """PPP's bridged frames (RFC 3518 section 4.2): flags, the kind of MAC, then its frame."""
    at: cython.Py_ssize_t = p.r[POS]
    if missing(p, 2):
        return STOP
    if p.data[at + 1] != 1:
        return STOP
    if p.data[at] & 0x80:   # its frame check sequence was kept
        narrow(p, p.r[WIRE_END] - 4)
    p.r[POS] = at + 2
    return ETHERNET


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def pppoe(p: Packet) -> cython.int:
    """A PPPoE session packet (RFC 2516 section 4)."""
    at: cython.Py_ssize_t = p.r[POS]
    begin(p, LAYER_PPPOE)
    p.r[KIND] = ETHERNET_OTHER
    p.r[L3] = at
    if missing(p, 6):
        return STOP
    narrow(p, at + 6 + be16(p, at + 4))
    p.r[POS] = at + 6
    return BY_PPP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def cisco_hdlc(p: Packet) -> cython.int:
    """Cisco HDLC: address, control, Ethernet type."""
    at: cython.Py_ssize_t = p.r[POS]
    begin(p, LAYER_CISCO_HDLC)
    p.r[ADDRESS_KIND] = ADDRESS_TEXT
    p.r[L2] = at
    p.r[KIND] = ETHERNET_OTHER
    if missing(p, 4):
        return STOP
    p.r[ETHERTYPE] = be16(p, at + 2)
    if p.r[ETHERTYPE] == 0x8035 or p.r[ETHERTYPE] == 0x2000 or p.r[ETHERTYPE] <= LONGEST_LENGTH:
        p.r[L3] = at + 4
        return STOP
    p.r[POS] = at + 4
    if p.r[ETHERTYPE] == ETHERTYPE_IPV4 and p.r[POS] < p.r[LIMIT]:
        return BY_VERSION
    return BY_ETHERTYPE


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def mpls(p: Packet) -> cython.int:
    """A stack of MPLS labels (RFC 3032), then what its first four bits look like."""
    first: cython.longlong
    begin(p, LAYER_MPLS)
    p.r[KIND] = ETHERNET_OTHER
    p.r[L3] = p.r[POS]
    while True:
        if missing(p, 4):
            return STOP
        p.r[POS] += 4
        if p.data[p.r[POS] - 2] & 1:
            break
    if p.r[POS] >= p.r[LIMIT]:
        return STOP
    first = p.data[p.r[POS]] >> 4
    if first == 4:
        p.r[ETHERTYPE] = ETHERTYPE_IPV4
        return BY_ETHERTYPE
    if first == 6:
        p.r[ETHERTYPE] = ETHERTYPE_IPV6
        return BY_ETHERTYPE
    if first == 0 and p.r[POS] + 4 <= p.r[LIMIT]:   # a pseudo-wire's control word (RFC 4448 section 4.6), then Ethernet
        p.r[POS] += 4
        return ETHERNET
    if first == 1:
        return STOP
    return ETHERNET


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def fddi(p: Packet) -> cython.int:
    """LINKTYPE_FDDI: frame control, then addresses whose bytes hold their bits in the order of the wire."""
    at: cython.Py_ssize_t = p.r[POS]
    begin(p, LAYER_FDDI)
    p.r[L2] = at
    if missing(p, 13):
        return STOP
    p.r[ADDRESS_KIND] = ADDRESS_MAC
    p.r[DST_LO] = swapped_mac(p, at + 1)
    p.r[SRC_LO] = swapped_mac(p, at + 7)
    p.r[POS] = at + 13
    if p.data[at] & 0xC0 == 0x40 and p.data[at] & 0x30 == 0x10:
        return LLC
    return STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def swapped_mac(p: Packet, at: cython.Py_ssize_t) -> cython.longlong:
    """Six bytes, the bits of each in reverse order."""
    address: cython.longlong = 0
    k: cython.Py_ssize_t
    b: cython.longlong
    for k in range(6):
        b = p.data[at + k]
        b = ((b & 0x0F) << 4) | (b >> 4)
        b = ((b & 0x33) << 2) | ((b & 0xCC) >> 2)
        b = ((b & 0x55) << 1) | ((b & 0xAA) >> 1)
        address = (address << 8) | b
    return address


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def token_ring(p: Packet) -> cython.int:
    """IEEE 802.5: access control, frame control, addresses, a route when the source's first bit says so."""
    at: cython.Py_ssize_t = p.r[POS]
    begin(p, LAYER_TOKEN_RING)
    p.r[L2] = at
    if missing(p, 14):
        return STOP
    p.r[ADDRESS_KIND] = ADDRESS_MAC
    p.r[DST_LO] = be48(p, at + 2)
    p.r[SRC_LO] = ((be16(p, at + 8) & 0x7FFF) << 32) | be32(p, at + 10)
    if p.data[at + 1] & 0xC0 != 0x40:
        return STOP
    p.r[POS] = at + 14
    if p.data[at + 8] & 0x80:
        if missing(p, 2) or missing(p, p.data[at + 14] & 0x1F):
            return STOP
        p.r[POS] += p.data[at + 14] & 0x1F
    return LLC


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def frame_relay(p: Packet) -> cython.int:
    """LINKTYPE_FRELAY with RFC 2427's encapsulation: address, control, NLPID."""
    at: cython.Py_ssize_t = p.r[POS]
    begin(p, LAYER_FRAME_RELAY)
    p.r[L2] = at
    while True:   # the address ends with the first byte whose lowest bit is set
        if missing(p, 1):
            return STOP
        p.r[POS] += 1
        if p.data[p.r[POS] - 1] & 1:
            break
    at = p.r[POS]
    if missing(p, 2):
        return STOP
    if p.data[at] != 3:   # Cisco's: an Ethernet type
        p.r[ETHERTYPE] = be16(p, at)
        p.r[POS] = at + 2
        return BY_ETHERTYPE
    at += 1
    p.r[POS] = at
    if p.data[at] == 0:   # padding
        p.r[POS] = at + 1
        if missing(p, 1):
            return STOP
        at += 1
    p.r[POS] = at + 1
    if p.data[at] == 0xCC:
        return BY_VERSION
    if p.data[at] == 0x8E:
        p.r[ETHERTYPE] = ETHERTYPE_IPV6
        return BY_ETHERTYPE
    if p.data[at] == 0x80:
        if missing(p, 5):
            return STOP
        if p.data[at + 1] == 0 and p.data[at + 2] == 0 and p.data[at + 3] == 0:
            p.r[ETHERTYPE] = be16(p, at + 4)
            p.r[POS] = at + 6
            return BY_ETHERTYPE
    p.r[POS] = at
    return STOP
