"""Packets in packets: what GRE, UDP ports and other IP protocols hold. Compiled.

Layers as headers.py describes them. Only what Wireshark looks into by default is taken for a tunnel.
"""

import cython

from sniff.packets import columns as c
from sniff.packets import cursor

if not cython.compiled:
    from sniff.packets.headers import Packet, be16, be32, be64, ipv6, is_tunnel, missing, narrow

KIND = cython.declare(cython.Py_ssize_t, c.KIND)
FLAGS = cython.declare(cython.Py_ssize_t, c.FLAGS)
ADDRESS_KIND = cython.declare(cython.Py_ssize_t, c.ADDRESS_KIND)
SRC_HI = cython.declare(cython.Py_ssize_t, c.SRC_HI)
SRC_LO = cython.declare(cython.Py_ssize_t, c.SRC_LO)
DST_HI = cython.declare(cython.Py_ssize_t, c.DST_HI)
DST_LO = cython.declare(cython.Py_ssize_t, c.DST_LO)
ETHERTYPE = cython.declare(cython.Py_ssize_t, c.ETHERTYPE)
IP_PROTO = cython.declare(cython.Py_ssize_t, c.IP_PROTO)
PAYLOAD = cython.declare(cython.Py_ssize_t, c.PAYLOAD)
PAYLOAD_LEN = cython.declare(cython.Py_ssize_t, c.PAYLOAD_LEN)
PAYLOAD_WIRE = cython.declare(cython.Py_ssize_t, c.PAYLOAD_WIRE)
SRC_PORT = cython.declare(cython.Py_ssize_t, c.SRC_PORT)
DST_PORT = cython.declare(cython.Py_ssize_t, c.DST_PORT)
UDP_LENGTH = cython.declare(cython.Py_ssize_t, c.UDP_LENGTH)
WIRE_END = cython.declare(cython.Py_ssize_t, c.WIRE_END)

POS = cython.declare(cython.Py_ssize_t, cursor.POS)
LIMIT = cython.declare(cython.Py_ssize_t, cursor.LIMIT)
LINK = cython.declare(cython.Py_ssize_t, cursor.LINK)
SWAPPED_80211 = cython.declare(cython.longlong, cursor.SWAPPED_80211)

STOP = cython.declare(cython.int, cursor.STOP)
BY_ETHERTYPE = cython.declare(cython.int, cursor.BY_ETHERTYPE)
BY_IP_PROTO = cython.declare(cython.int, cursor.BY_IP_PROTO)
BY_VERSION = cython.declare(cython.int, cursor.BY_VERSION)
BY_PPP = cython.declare(cython.int, cursor.BY_PPP)
ETHERNET = cython.declare(cython.int, cursor.ETHERNET)
MPLS = cython.declare(cython.int, cursor.MPLS)
IEEE80211 = cython.declare(cython.int, cursor.IEEE80211)

UDP = cython.declare(cython.longlong, c.Kind.UDP)
ETHERNET_OTHER = cython.declare(cython.longlong, c.Kind.ETHERNET_OTHER)
TUNNEL = cython.declare(cython.longlong, c.Flag.TUNNEL)
GTP = cython.declare(cython.longlong, c.Flag.GTP)
TEREDO = cython.declare(cython.longlong, c.Flag.TEREDO)
ADDRESS_IPV4 = cython.declare(cython.longlong, c.Address.IPV4)
ADDRESS_IPV6 = cython.declare(cython.longlong, c.Address.IPV6)

ETHERTYPE_IPV4 = cython.declare(cython.longlong, 0x0800)
ETHERTYPE_ARP = cython.declare(cython.longlong, 0x0806)
ETHERTYPE_IPV6 = cython.declare(cython.longlong, 0x86DD)
ETHERTYPE_PPP = cython.declare(cython.longlong, 0x880B)


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def by_tunnel_proto(p: Packet) -> cython.int:
    """The tunnel that an IP protocol number announces; the others stay what they are."""
    proto: cython.longlong = p.r[IP_PROTO]
    if proto == 47:
        return gre(p)
    if proto == 4 or proto == 94:
        return BY_VERSION
    if proto == 41 and p.r[POS] < p.r[LIMIT] and p.data[p.r[POS]] >> 4 == 6:
        return ipv6(p)
    if proto == 51:
        return authentication_header(p)
    if proto == 97:
        return ether_ip(p)
    if proto == 103:
        return pim(p)
    if proto == 137:
        return MPLS
    return ETHERNET if proto == 143 else STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def by_port(p: Packet) -> cython.int:
    """The tunnel that a UDP port belongs to; the lower one is asked first, as in Wireshark."""
    low: cython.longlong = min(p.r[SRC_PORT], p.r[DST_PORT])
    high: cython.longlong = max(p.r[SRC_PORT], p.r[DST_PORT])
    layer: cython.int = STOP
    if is_tunnel(low):
        layer = udp_tunnel(p, low)
    if layer == STOP and high != low and is_tunnel(high) and not never_refuses(low):
        layer = udp_tunnel(p, high)
    if layer != STOP:
        leave_udp(p)
    return layer


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def never_refuses(port: cython.longlong) -> cython.int:
    """Whether all that a UDP port carries is taken for its protocol, so that the other port is not asked."""
    return (port == 53 or port == 67 or port == 68 or port == 69 or port == 111 or port == 123 or port == 137 or port == 138
            or port == 161 or port == 162 or port == 389 or port == 500 or port == 514 or port == 520 or port == 546
            or port == 547 or port == 1645 or port == 1646 or port == 1812 or port == 1813 or port == 1900 or port == 5353
            or port == 5355)


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def leave_udp(p: Packet) -> cython.int:
    """The row is about what the tunnel holds: its UDP header is forgotten."""
    p.r[FLAGS] |= TUNNEL
    p.r[SRC_PORT] = -1
    p.r[DST_PORT] = -1
    p.r[UDP_LENGTH] = -1
    p.r[PAYLOAD] = -1
    p.r[PAYLOAD_LEN] = 0
    p.r[PAYLOAD_WIRE] = -1
    p.r[KIND] = ETHERNET_OTHER
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def udp_tunnel(p: Packet, port: cython.longlong) -> cython.int:
    """What a tunnel's UDP payload holds, or STOP with the cursor where it was when it is none. 8 bytes are there."""
    at: cython.Py_ssize_t = p.r[POS]
    if port == 4789:   # VXLAN (RFC 7348)
        p.r[POS] = at + 8
        return ETHERNET
    if port == 2152 or port == 3386:
        return gtp(p)
    if port == 6081:
        return geneve(p)
    if port == 3544:
        return teredo(p)
    if port == 1701:
        return l2tp(p)
    if port == 4341:   # LISP (RFC 9300)
        p.r[POS] = at + 8
        return BY_VERSION
    if port == 4790:   # VXLAN-GPE
        p.r[POS] = at + 8
        if p.data[at + 3] == 3:
            return ETHERNET
        if p.data[at + 3] == 1 or p.data[at + 3] == 2:
            return BY_VERSION
        p.r[POS] = at
        return STOP
    if port == 6635:   # MPLS in UDP (RFC 7510)
        return MPLS
    if port == 5072:
        return ayiya(p)
    if port == 37008:
        return tzsp(p)
    return capwap(p)


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def geneve(p: Packet) -> cython.int:
    """RFC 8926 section 3.4."""
    at: cython.Py_ssize_t = p.r[POS]
    length: cython.longlong = 8 + ((p.data[at] & 0x3F) << 2)
    if p.data[at] >> 6 or at + length > p.r[LIMIT]:
        return STOP
    p.r[ETHERTYPE] = be16(p, at + 2)
    p.r[POS] = at + length
    return BY_ETHERTYPE


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def gtp(p: Packet) -> cython.int:
    """A GTP-U packet that holds IP: GTPv1 (3GPP TS 29.281 section 5) or GTPv0's T-PDU."""
    at: cython.Py_ssize_t = p.r[POS]
    flags: cython.longlong = p.data[at]
    end: cython.Py_ssize_t
    length: cython.longlong
    if p.data[at + 1] != 255 or not flags & 0x10:
        return STOP
    if flags >> 5 == 0:
        end = at + 20
    elif flags >> 5 == 1:
        end = at + 8
        if flags & 7:
            end = at + 12
            if end > p.r[LIMIT]:
                return STOP
            if flags & 4:
                while p.data[end - 1]:   # extension headers: their length in units of four bytes first, the next type last
                    if end >= p.r[LIMIT] or p.data[end] == 0:
                        return STOP
                    end += cython.cast(cython.longlong, p.data[end]) * 4
                    if end > p.r[LIMIT]:
                        return STOP
    else:
        return STOP
    length = (20 if flags >> 5 == 0 else 8) + be16(p, at + 2)
    if end >= p.r[LIMIT] or end >= at + length or (p.data[end] >> 4 != 4 and p.data[end] >> 4 != 6):
        return STOP
    narrow(p, at + length)
    p.r[POS] = end
    p.r[FLAGS] |= GTP
    return BY_VERSION


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def teredo(p: Packet) -> cython.int:
    """RFC 4380 section 5.1.1: authentication and origin indication may come before IPv6."""
    at: cython.Py_ssize_t = p.r[POS]
    if be16(p, at) == 1:
        at += 13 + cython.cast(cython.longlong, p.data[at + 2]) + cython.cast(cython.longlong, p.data[at + 3])
    if at + 2 <= p.r[LIMIT] and be16(p, at) == 0:
        at += 8
    if at >= p.r[LIMIT] or p.data[at] >> 4 != 6:
        return STOP
    p.r[POS] = at
    p.r[FLAGS] |= TEREDO
    return BY_VERSION


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def l2tp(p: Packet) -> cython.int:
    """A data message of L2TPv2 (RFC 2661 section 3.1): PPP."""
    at: cython.Py_ssize_t = p.r[POS]
    flags: cython.longlong = be16(p, at)
    length: cython.longlong = p.r[WIRE_END] - at
    if flags & 0x8000 or flags & 0xF != 2:
        return STOP
    at += 6
    if flags & 0x4000:
        at += 2
        length = be16(p, p.r[POS] + 2)
    if flags & 0x0800:
        at += 4
    if flags & 0x0200:
        if at + 2 > p.r[LIMIT]:
            return STOP
        at += 2 + be16(p, at)
    if at + 2 > p.r[LIMIT] or at + 2 > p.r[POS] + length:
        return STOP
    narrow(p, p.r[POS] + length)
    if be16(p, at) == 0xFF03:
        at += 2
    p.r[POS] = at
    return BY_PPP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def ayiya(p: Packet) -> cython.int:
    """Anything in anything (draft-massar-v6ops-ayiya): lengths of identity and signature, next header."""
    at: cython.Py_ssize_t = p.r[POS]
    length: cython.longlong = 8 + (1 << (p.data[at] >> 4)) + (p.data[at + 1] >> 4) * 4
    if p.data[at + 3] != 41 or p.data[at + 2] & 0xF != 1 or at + length >= p.r[LIMIT]:
        return STOP
    p.r[POS] = at + length
    p.r[ETHERTYPE] = ETHERTYPE_IPV6
    return BY_ETHERTYPE


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def tzsp(p: Packet) -> cython.int:
    """TaZmen sniffer protocol: version, type, encapsulation, tags up to the end tag."""
    at: cython.Py_ssize_t = p.r[POS]
    encapsulation: cython.longlong = be16(p, at + 2)
    if p.data[at + 1] > 1:
        return STOP
    at += 4
    while at < p.r[LIMIT] and p.data[at] != 1:
        if p.data[at] == 0:
            at += 1
        elif at + 1 < p.r[LIMIT]:
            at += 2 + cython.cast(cython.longlong, p.data[at + 1])
        else:
            return STOP
    if at >= p.r[LIMIT]:
        return STOP
    p.r[POS] = at + 1
    if encapsulation == 1:
        return ETHERNET
    return IEEE80211 if encapsulation == 18 else STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def capwap(p: Packet) -> cython.int:
    """A CAPWAP data packet (RFC 5415 section 4.3), not encrypted and not a fragment: an 802.11 or 802.3 frame."""
    at: cython.Py_ssize_t = p.r[POS]
    length: cython.longlong = (p.data[at + 1] >> 3) * 4
    if p.data[at] or length < 8 or p.data[at + 3] & 0x88 or at + length >= p.r[LIMIT]:
        return STOP
    p.r[POS] = at + length
    if p.data[at + 2] & 1 == 0:
        return ETHERNET
    if p.data[at + 2] >> 1 & 0x1F != 1:
        p.r[POS] = at
        return STOP
    p.r[LINK] = SWAPPED_80211
    return IEEE80211


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def gre(p: Packet) -> cython.int:
    """RFC 2784, 2890, 1701 (routing) and 2637 (version 1)."""
    at: cython.Py_ssize_t = p.r[POS]
    flags: cython.longlong
    protocol: cython.longlong
    if missing(p, 4):
        return STOP
    flags = be16(p, at)
    protocol = be16(p, at + 2)
    at += 4
    if flags & 0xC000:
        at += 4
    if flags & 0x2000:
        at += 4
    if flags & 0x1000:
        at += 4
    if flags & 0x0080 and flags & 7 == 1:
        at += 4
    if flags & 0x4000:   # source routes: entries of their own length, the last one empty
        while True:
            if at + 4 > p.r[LIMIT]:
                return STOP
            at += 4
            if be16(p, at - 4) == 0 and p.data[at - 1] == 0:
                break
            at += cython.cast(cython.longlong, p.data[at - 1])
    p.r[POS] = at
    if at >= p.r[WIRE_END]:
        return STOP
    if missing(p, 1):
        return STOP
    if protocol == 0x88BE and flags & 0x1000 == 0:   # ERSPAN type I has no header of its own
        return ETHERNET
    p.r[ETHERTYPE] = protocol
    return gre_payload(p)


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def gre_payload(p: Packet) -> cython.int:
    """What a GRE protocol number, in p.r[ETHERTYPE], announces."""
    at: cython.Py_ssize_t = p.r[POS]
    protocol: cython.longlong = p.r[ETHERTYPE]
    if protocol == ETHERTYPE_IPV4:
        return BY_VERSION
    if protocol == ETHERTYPE_IPV6 or protocol == 0x8847 or protocol == 0x8848 \
            or protocol == ETHERTYPE_PPP or protocol == 0x6558 or protocol == ETHERTYPE_ARP:
        p.r[ETHERTYPE] = protocol
        if protocol == ETHERTYPE_PPP and at + 2 <= p.r[LIMIT] and be16(p, at) == 0xFF03:
            p.r[POS] = at + 2
        return BY_ETHERTYPE
    if protocol == 0x883E:   # WCCP: a redirect header unless IP comes first
        if p.data[at] >> 4 != 4:
            p.r[POS] = at + 4
        p.r[ETHERTYPE] = ETHERTYPE_IPV4
        return BY_ETHERTYPE
    if protocol == 0x88BE or protocol == 0x22EB:
        return erspan(p)
    return STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def erspan(p: Packet) -> cython.int:
    """ERSPAN type II (version 1) and III (version 2): draft-foschiano-erspan section 4."""
    at: cython.Py_ssize_t = p.r[POS]
    length: cython.longlong = 8
    if missing(p, 8):
        return STOP
    if p.data[at] >> 4 == 2:
        length = 12
        if missing(p, 12):
            return STOP
        if p.data[at + 11] & 1:
            length = 20
    elif p.data[at] >> 4 != 1:
        return STOP
    if missing(p, length):
        return STOP
    p.r[POS] = at + length
    return ETHERNET


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def authentication_header(p: Packet) -> cython.int:
    """RFC 4302 section 2."""
    at: cython.Py_ssize_t = p.r[POS]
    length: cython.longlong
    if missing(p, 12):
        return STOP
    length = (cython.cast(cython.longlong, p.data[at + 1]) + 2) * 4
    if missing(p, length):
        return STOP
    p.r[IP_PROTO] = p.data[at]
    p.r[POS] = at + length
    return BY_IP_PROTO


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def ether_ip(p: Packet) -> cython.int:
    """RFC 3378."""
    if missing(p, 2):
        return STOP
    p.r[POS] += 2
    return ETHERNET


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def pim(p: Packet) -> cython.int:
    """A PIM register message carries the multicast packet itself (RFC 7761 section 4.9.3). The row stays PIM's, as in
    Wireshark, but shows that packet's addresses."""
    at: cython.Py_ssize_t = p.r[POS] + 8
    if at + 20 > p.r[LIMIT] or p.data[at - 8] != 0x21:
        return STOP
    if p.data[at] >> 4 == 4:
        p.r[ADDRESS_KIND] = ADDRESS_IPV4
        p.r[SRC_HI] = 0
        p.r[DST_HI] = 0
        p.r[SRC_LO] = be32(p, at + 12)
        p.r[DST_LO] = be32(p, at + 16)
    elif p.data[at] >> 4 == 6 and at + 40 <= p.r[LIMIT]:
        p.r[ADDRESS_KIND] = ADDRESS_IPV6
        p.r[SRC_HI] = be64(p, at + 8)
        p.r[SRC_LO] = be64(p, at + 16)
        p.r[DST_HI] = be64(p, at + 24)
        p.r[DST_LO] = be64(p, at + 32)
    return STOP
