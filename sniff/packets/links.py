"""Link layers other than Ethernet: cooked, loopback, PPP, HDLC, IEEE 802.2, MPLS, FDDI, token ring. Compiled.

Layers as headers.py describes them.
"""

import cython

from sniff.packets import columns as c
from sniff.packets import cursor

if not cython.compiled:
    from sniff.packets.captures import ieee80211, nflog, openbsd_enc, pflog, pktap, ppi, wireless_capture
    from sniff.packets.headers import end_at, enter, ipv6, lacks, read16, read32, read32_le, read48

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
def link_layer(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """The header that a LINKTYPE_ number promises (www.tcpdump.org/linktypes.html)."""
    link: cython.longlong = r[LINK]
    if link == 1:
        return ETHERNET
    if link == 113 or link == 276:
        return linux_cooked(data, r)
    if link == 0 or link == 108:
        return bsd_loopback(data, r)
    if link == 101 or link == 12 or link == 14:
        return raw_ip(data, r)
    if link == 228:
        return BY_VERSION
    if link == 229:
        return ipv6(data, r)
    if link == 9 or link == 50 or link == 166:
        return ppp_frame(data, r)
    if link == 51:
        return pppoe(data, r)
    if link == 104:
        return cisco_hdlc(data, r)
    if link == 105:
        return ieee80211(data, r)
    if link == 127 or link == 119 or link == 163:
        return wireless_capture(data, r)
    if link == 192:
        return ppi(data, r)
    if link == 258:
        return pktap(data, r)
    if link == 239:
        return nflog(data, r)
    if link == 10:
        return fddi(data, r)
    if link == 6:
        return token_ring(data, r)
    if link == 100:
        return LLC
    if link == 107:
        return frame_relay(data, r)
    if link == 109:
        return openbsd_enc(data, r)
    if link == 117:
        return pflog(data, r)
    return STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def llc(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """IEEE 802.2, with SNAP when both service access points say so."""
    at: cython.Py_ssize_t = r[POS]
    organisation: cython.longlong
    protocol: cython.longlong
    control: cython.longlong = 1
    enter(r, LAYER_LLC)
    r[KIND] = ETHERNET_OTHER
    r[L3] = at
    if lacks(r, 3):
        return STOP
    if data[at + 2] & 3 != 3:
        control = 2
    if data[at] == 0xAA and data[at + 1] == 0xAA and (data[at + 2] == 3 or data[at + 2] & 1 == 0):
        if lacks(r, 7 + control):
            return STOP
        organisation = (read16(data, at + 2 + control) << 8) | data[at + 4 + control]
        protocol = read16(data, at + 5 + control)
        if (organisation == 0 or organisation == 0xF8) and protocol > LONGEST_LENGTH:
            r[ETHERTYPE] = protocol
            r[POS] = at + 7 + control
            return BY_ETHERTYPE
        if organisation == 0x80C2 and (protocol == 1 or protocol == 7):
            r[POS] = at + 7 + control
            if protocol == 1:
                end_at(r, r[WIRE_END] - 4)
            return ETHERNET
        return STOP
    if data[at] == 6 and (data[at + 2] == 3 or data[at + 2] & 1 == 0):
        if lacks(r, 4):
            return STOP
        r[POS] = at + 2 + control
        return BY_VERSION
    return STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def linux_cooked(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """LINKTYPE_LINUX_SLL (16 bytes, the protocol last) and LINKTYPE_LINUX_SLL2 (20 bytes, the protocol first)."""
    at: cython.Py_ssize_t = r[POS]
    length: cython.longlong = 16 if r[LINK] == 113 else 20
    hardware: cython.longlong
    enter(r, LAYER_COOKED)
    r[L2] = at
    r[ADDRESS_KIND] = ADDRESS_TEXT
    if lacks(r, length):
        return STOP
    r[KIND] = ETHERNET_OTHER
    if length == 16:
        hardware = read16(data, at + 2)
        r[ETHERTYPE] = read16(data, at + 14)
        if read16(data, at + 4) == 6:
            r[SRC_LO] = read48(data, at + 6)
    else:
        hardware = read16(data, at + 8)
        r[ETHERTYPE] = read16(data, at)
        if data[at + 11] == 6:
            r[SRC_LO] = read48(data, at + 12)
    r[POS] = at + length
    if hardware == 824:   # ARPHRD_NETLINK
        return STOP
    if hardware == 778:   # ARPHRD_IPGRE: the protocol is GRE's
        return GRE_PAYLOAD
    if hardware == 801:
        return IEEE80211
    if hardware == 802 or hardware == 803:
        r[LINK] = 119 if hardware == 802 else 127
        return BY_LINK_TYPE
    if r[ETHERTYPE] == 1:   # LINUX_SLL_P_802_3: Novell's frames without LLC
        return STOP
    if r[ETHERTYPE] == 2 or r[ETHERTYPE] == 3:
        return ETHERNET
    if r[ETHERTYPE] == 4:
        return LLC
    if r[ETHERTYPE] == 7:
        r[LINK] = 9
        return BY_LINK_TYPE
    return BY_ETHERTYPE


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def bsd_loopback(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """LINKTYPE_NULL and LINKTYPE_LOOP: an address family of four bytes, in the byte order of whoever captured.

    Some write PPP with its address bytes, some an Ethernet type, some a family in two bytes only.
    """
    at: cython.Py_ssize_t = r[POS]
    family: cython.longlong
    enter(r, LAYER_LOOPBACK)
    r[ADDRESS_KIND] = ADDRESS_TEXT
    r[L2] = at
    if lacks(r, 4):
        return STOP
    family = read32(data, at)
    if (family >> 16) == 0xFF03:
        return ppp_frame(data, r)
    if family >> 16:
        if (family >> 24) == 0 and family < 0x00060000:
            family >>= 16
        else:
            family = read32_le(data, at)
    r[POS] = at + 4
    if family == 2:
        return BY_VERSION
    if family == 10 or family == 24 or family == 28 or family == 30:
        r[ETHERTYPE] = ETHERTYPE_IPV6
        return ipv6(data, r)
    if family > LONGEST_LENGTH and family <= 0xFFFF:
        r[ETHERTYPE] = family
    else:
        return STOP
    return BY_ETHERTYPE


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def raw_ip(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """Raw IP, and what drivers wrote in its place: PPP at its start, after one byte or after six; ten zeros."""
    at: cython.Py_ssize_t = r[POS]
    k: cython.Py_ssize_t
    enter(r, LAYER_RAW)
    r[ADDRESS_KIND] = ADDRESS_TEXT
    if at + 2 <= r[LIMIT] and read16(data, at) == 0xFF03:
        return ppp_frame(data, r)
    if at + 8 <= r[LIMIT] and read16(data, at + 6) == 0xFF03:
        r[POS] = at + 6
        return ppp_frame(data, r)
    if at + 3 <= r[LIMIT] and read16(data, at + 1) == 0xFF03:
        r[POS] = at + 1
        return ppp_frame(data, r)
    if at + 10 <= r[LIMIT]:
        for k in range(10):
            if data[at + k]:
                return BY_VERSION if data[at] >> 4 == 4 or data[at] >> 4 == 6 else STOP
        r[POS] = at + 10
        return BY_VERSION
    if lacks(r, 8):   # too short for all that: Wireshark looks no further
        return STOP
    return BY_VERSION if data[at] >> 4 == 4 or data[at] >> 4 == 6 else STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def ppp_frame(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """PPP with or without its two HDLC bytes (RFC 1662); LINKTYPE_PPP_PPPD has the direction for the first one."""
    at: cython.Py_ssize_t = r[POS]
    enter(r, LAYER_PPP)
    r[ADDRESS_KIND] = ADDRESS_TEXT
    r[L2] = at
    r[KIND] = ETHERNET_OTHER
    if lacks(r, 2):
        if at < r[LIMIT] and (data[at] == 0x0F or data[at] == 0x8F):
            enter(r, LAYER_CISCO_HDLC)
        return STOP
    if data[at] == 0xFF or (data[at + 1] == 3 and r[LINK] == 166):
        r[POS] = at + 2
    elif data[at] == 0x0F or data[at] == 0x8F:
        return cisco_hdlc(data, r)
    return BY_PPP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def ppp(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """A PPP protocol number of one or two bytes (RFC 1661 section 2), and what it announces."""
    at: cython.Py_ssize_t = r[POS]
    protocol: cython.longlong
    enter(r, LAYER_PPP)
    r[KIND] = ETHERNET_OTHER
    r[L3] = at
    if lacks(r, 1):
        return STOP
    protocol = data[at]
    if protocol & 1:
        r[POS] = at + 1
    else:
        if lacks(r, 2):
            return STOP
        protocol = read16(data, at)
        r[POS] = at + 2
    if protocol == 0x21 or protocol == 0x0800:
        return BY_VERSION
    if (protocol == 0x57 or protocol == 0x86DD) and (r[POS] >= r[LIMIT] or data[r[POS]] >> 4 == 6):
        r[ETHERTYPE] = ETHERTYPE_IPV6
    elif protocol == 0x0281 or protocol == 0x0283:
        r[ETHERTYPE] = 0x8847
    elif protocol == 0x31:
        return bridged(data, r)
    else:
        r[POS] = at
        return STOP
    return BY_ETHERTYPE


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def bridged(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """PPP's bridged frames (RFC 3518 section 4.2): flags, the kind of MAC, then its frame."""
    at: cython.Py_ssize_t = r[POS]
    if lacks(r, 2):
        return STOP
    if data[at + 1] != 1:
        return STOP
    if data[at] & 0x80:   # its frame check sequence was kept
        end_at(r, r[WIRE_END] - 4)
    r[POS] = at + 2
    return ETHERNET


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def pppoe(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """A PPPoE session packet (RFC 2516 section 4)."""
    at: cython.Py_ssize_t = r[POS]
    enter(r, LAYER_PPPOE)
    r[KIND] = ETHERNET_OTHER
    r[L3] = at
    if lacks(r, 6):
        return STOP
    end_at(r, at + 6 + read16(data, at + 4))
    r[POS] = at + 6
    return BY_PPP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def cisco_hdlc(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """Cisco HDLC: address, control, Ethernet type."""
    at: cython.Py_ssize_t = r[POS]
    enter(r, LAYER_CISCO_HDLC)
    r[ADDRESS_KIND] = ADDRESS_TEXT
    r[L2] = at
    r[KIND] = ETHERNET_OTHER
    if lacks(r, 4):
        return STOP
    r[ETHERTYPE] = read16(data, at + 2)
    if r[ETHERTYPE] == 0x8035 or r[ETHERTYPE] == 0x2000 or r[ETHERTYPE] <= LONGEST_LENGTH:
        r[L3] = at + 4
        return STOP
    r[POS] = at + 4
    if r[ETHERTYPE] == ETHERTYPE_IPV4 and r[POS] < r[LIMIT]:
        return BY_VERSION
    return BY_ETHERTYPE


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def mpls(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """A stack of MPLS labels (RFC 3032), then what its first four bits look like."""
    first: cython.longlong
    enter(r, LAYER_MPLS)
    r[KIND] = ETHERNET_OTHER
    r[L3] = r[POS]
    while True:
        if lacks(r, 4):
            return STOP
        r[POS] += 4
        if data[r[POS] - 2] & 1:
            break
    if r[POS] >= r[LIMIT]:
        return STOP
    first = data[r[POS]] >> 4
    if first == 4:
        r[ETHERTYPE] = ETHERTYPE_IPV4
        return BY_ETHERTYPE
    if first == 6:
        r[ETHERTYPE] = ETHERTYPE_IPV6
        return BY_ETHERTYPE
    if first == 0 and r[POS] + 4 <= r[LIMIT]:   # a pseudo-wire's control word (RFC 4448 section 4.6), then Ethernet
        r[POS] += 4
        return ETHERNET
    if first == 1:
        return STOP
    return ETHERNET


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def fddi(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """LINKTYPE_FDDI: frame control, then addresses whose bytes hold their bits in the order of the wire."""
    at: cython.Py_ssize_t = r[POS]
    enter(r, LAYER_FDDI)
    r[L2] = at
    if lacks(r, 13):
        return STOP
    r[ADDRESS_KIND] = ADDRESS_MAC
    r[DST_LO] = swapped_mac(data, at + 1)
    r[SRC_LO] = swapped_mac(data, at + 7)
    r[POS] = at + 13
    if data[at] & 0xC0 == 0x40 and data[at] & 0x30 == 0x10:
        return LLC
    return STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def swapped_mac(data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t) -> cython.longlong:
    """Six bytes, the bits of each in reverse order."""
    address: cython.longlong = 0
    k: cython.Py_ssize_t
    b: cython.longlong
    for k in range(6):
        b = data[at + k]
        b = ((b & 0x0F) << 4) | (b >> 4)
        b = ((b & 0x33) << 2) | ((b & 0xCC) >> 2)
        b = ((b & 0x55) << 1) | ((b & 0xAA) >> 1)
        address = (address << 8) | b
    return address


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def token_ring(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """IEEE 802.5: access control, frame control, addresses, a route when the source's first bit says so."""
    at: cython.Py_ssize_t = r[POS]
    enter(r, LAYER_TOKEN_RING)
    r[L2] = at
    if lacks(r, 14):
        return STOP
    r[ADDRESS_KIND] = ADDRESS_MAC
    r[DST_LO] = read48(data, at + 2)
    r[SRC_LO] = ((read16(data, at + 8) & 0x7FFF) << 32) | read32(data, at + 10)
    if data[at + 1] & 0xC0 != 0x40:
        return STOP
    r[POS] = at + 14
    if data[at + 8] & 0x80:
        if lacks(r, 2):
            return STOP
        r[POS] += data[at + 14] & 0x1F
    return LLC


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def frame_relay(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """LINKTYPE_FRELAY with RFC 2427's encapsulation: address, control, NLPID."""
    at: cython.Py_ssize_t = r[POS]
    enter(r, LAYER_FRAME_RELAY)
    r[L2] = at
    while True:   # the address ends with the first byte whose lowest bit is set
        if lacks(r, 1):
            return STOP
        r[POS] += 1
        if data[r[POS] - 1] & 1:
            break
    at = r[POS]
    if lacks(r, 2):
        return STOP
    if data[at] != 3:   # Cisco's: an Ethernet type
        r[ETHERTYPE] = read16(data, at)
        r[POS] = at + 2
        return BY_ETHERTYPE
    at += 1
    r[POS] = at
    if data[at] == 0:   # padding
        r[POS] = at + 1
        if lacks(r, 1):
            return STOP
        at += 1
    r[POS] = at + 1
    if data[at] == 0xCC:
        return BY_VERSION
    if data[at] == 0x8E:
        r[ETHERTYPE] = ETHERTYPE_IPV6
        return BY_ETHERTYPE
    if data[at] == 0x80:
        if lacks(r, 5):
            return STOP
        if data[at + 1] == 0 and data[at + 2] == 0 and data[at + 3] == 0:
            r[ETHERTYPE] = read16(data, at + 4)
            r[POS] = at + 6
            return BY_ETHERTYPE
    r[POS] = at
    return STOP
