"""Packets in packets: what GRE, UDP ports and other IP protocols hold. Compiled.

Layers as headers.py describes them. Only what Wireshark looks into by default is taken for a tunnel.
"""

import cython

from sniff.packets import columns as c
from sniff.packets import cursor

if not cython.compiled:
    from sniff.packets.headers import end_at, ipv6, is_tunnel, lacks, read16, read32, read64

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
def by_tunnel_proto(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """The tunnel that an IP protocol number announces; the others stay what they are."""
    proto: cython.longlong = r[IP_PROTO]
    if proto == 47:
        return gre(data, r)
    if proto == 4 or proto == 94:
        return BY_VERSION
    if proto == 41 and r[POS] < r[LIMIT] and data[r[POS]] >> 4 == 6:
        return ipv6(data, r)
    if proto == 51:
        return authentication_header(data, r)
    if proto == 97:
        return ether_ip(data, r)
    if proto == 103:
        return pim(data, r)
    if proto == 137:
        return MPLS
    return ETHERNET if proto == 143 else STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def by_port(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """The tunnel that a UDP port belongs to; the lower one is asked first, as in Wireshark."""
    low: cython.longlong = min(r[SRC_PORT], r[DST_PORT])
    high: cython.longlong = max(r[SRC_PORT], r[DST_PORT])
    layer: cython.int = STOP
    if is_tunnel(low):
        layer = udp_tunnel(data, r, low)
    if layer == STOP and high != low and is_tunnel(high):
        layer = udp_tunnel(data, r, high)
    if layer != STOP:
        leave_udp(r)
    return layer


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def leave_udp(r: cython.longlong[::1]) -> cython.int:
    """The row is about what the tunnel holds: its UDP header is forgotten."""
    r[FLAGS] |= TUNNEL
    r[SRC_PORT] = -1
    r[DST_PORT] = -1
    r[UDP_LENGTH] = -1
    r[PAYLOAD] = -1
    r[PAYLOAD_LEN] = 0
    r[PAYLOAD_WIRE] = -1
    r[KIND] = ETHERNET_OTHER
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def udp_tunnel(data: cython.const[cython.uchar][::1], r: cython.longlong[::1], port: cython.longlong) -> cython.int:
    """What a tunnel's UDP payload holds, or STOP with the cursor where it was when it is none. 8 bytes are there."""
    at: cython.Py_ssize_t = r[POS]
    if port == 4789:   # VXLAN (RFC 7348)
        r[POS] = at + 8
        return ETHERNET
    if port == 2152 or port == 3386:
        return gtp(data, r)
    if port == 6081:
        return geneve(data, r)
    if port == 3544:
        return teredo(data, r)
    if port == 1701:
        return l2tp(data, r)
    if port == 4341:   # LISP (RFC 9300)
        r[POS] = at + 8
        return BY_VERSION
    if port == 4790:   # VXLAN-GPE
        r[POS] = at + 8
        if data[at + 3] == 3:
            return ETHERNET
        if data[at + 3] == 1 or data[at + 3] == 2:
            return BY_VERSION
        r[POS] = at
        return STOP
    if port == 6635:   # MPLS in UDP (RFC 7510)
        return MPLS
    if port == 5072:
        return ayiya(data, r)
    if port == 37008:
        return tzsp(data, r)
    return capwap(data, r)


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def geneve(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """RFC 8926 section 3.4."""
    at: cython.Py_ssize_t = r[POS]
    length: cython.longlong = 8 + ((data[at] & 0x3F) << 2)
    if data[at] >> 6 or at + length > r[LIMIT]:
        return STOP
    r[ETHERTYPE] = read16(data, at + 2)
    r[POS] = at + length
    return BY_ETHERTYPE


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def gtp(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """A GTP-U packet that holds IP: GTPv1 (3GPP TS 29.281 section 5) or GTPv0's T-PDU."""
    at: cython.Py_ssize_t = r[POS]
    flags: cython.longlong = data[at]
    end: cython.Py_ssize_t
    length: cython.longlong
    if data[at + 1] != 255 or not flags & 0x10:
        return STOP
    if flags >> 5 == 0:
        end = at + 20
    elif flags >> 5 == 1:
        end = at + 8
        if flags & 7:
            end = at + 12
            if end > r[LIMIT]:
                return STOP
            if flags & 4:
                while data[end - 1]:   # extension headers: their length in units of four bytes first, the next type last
                    if end >= r[LIMIT] or data[end] == 0:
                        return STOP
                    end += cython.cast(cython.longlong, data[end]) * 4
                    if end > r[LIMIT]:
                        return STOP
    else:
        return STOP
    length = (20 if flags >> 5 == 0 else 8) + read16(data, at + 2)
    if end >= r[LIMIT] or end >= at + length or (data[end] >> 4 != 4 and data[end] >> 4 != 6):
        return STOP
    end_at(r, at + length)
    r[POS] = end
    r[FLAGS] |= GTP
    return BY_VERSION


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def teredo(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """RFC 4380 section 5.1.1: authentication and origin indication may come before IPv6."""
    at: cython.Py_ssize_t = r[POS]
    if read16(data, at) == 1:
        at += 13 + cython.cast(cython.longlong, data[at + 2]) + cython.cast(cython.longlong, data[at + 3])
    if at + 2 <= r[LIMIT] and read16(data, at) == 0:
        at += 8
    if at >= r[LIMIT] or data[at] >> 4 != 6:
        return STOP
    r[POS] = at
    r[FLAGS] |= TEREDO
    return BY_VERSION


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def l2tp(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """A data message of L2TPv2 (RFC 2661 section 3.1): PPP."""
    at: cython.Py_ssize_t = r[POS]
    flags: cython.longlong = read16(data, at)
    length: cython.longlong = r[WIRE_END] - at
    if flags & 0x8000 or flags & 0xF != 2:
        return STOP
    at += 6
    if flags & 0x4000:
        at += 2
        length = read16(data, r[POS] + 2)
    if flags & 0x0800:
        at += 4
    if flags & 0x0200:
        if at + 2 > r[LIMIT]:
            return STOP
        at += 2 + read16(data, at)
    if at + 2 > r[LIMIT] or at + 2 > r[POS] + length:
        return STOP
    end_at(r, r[POS] + length)
    if read16(data, at) == 0xFF03:
        at += 2
    r[POS] = at
    return BY_PPP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def ayiya(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """Anything in anything (draft-massar-v6ops-ayiya): lengths of identity and signature, next header."""
    at: cython.Py_ssize_t = r[POS]
    length: cython.longlong = 8 + (1 << (data[at] >> 4)) + (data[at + 1] >> 4) * 4
    if data[at + 3] != 41 or data[at + 2] & 0xF != 1 or at + length >= r[LIMIT]:
        return STOP
    r[POS] = at + length
    r[ETHERTYPE] = ETHERTYPE_IPV6
    return BY_ETHERTYPE


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def tzsp(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """TaZmen sniffer protocol: version, type, encapsulation, tags up to the end tag."""
    at: cython.Py_ssize_t = r[POS]
    encapsulation: cython.longlong = read16(data, at + 2)
    if data[at + 1] > 1:
        return STOP
    at += 4
    while at < r[LIMIT] and data[at] != 1:
        if data[at] == 0:
            at += 1
        elif at + 1 < r[LIMIT]:
            at += 2 + cython.cast(cython.longlong, data[at + 1])
        else:
            return STOP
    if at >= r[LIMIT]:
        return STOP
    r[POS] = at + 1
    if encapsulation == 1:
        return ETHERNET
    return IEEE80211 if encapsulation == 18 else STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def capwap(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """A CAPWAP data packet (RFC 5415 section 4.3), not encrypted and not a fragment: an 802.11 or 802.3 frame."""
    at: cython.Py_ssize_t = r[POS]
    length: cython.longlong = (data[at + 1] >> 3) * 4
    if data[at] or length < 8 or data[at + 3] & 0x88 or at + length >= r[LIMIT]:
        return STOP
    r[POS] = at + length
    if data[at + 2] & 1 == 0:
        return ETHERNET
    if data[at + 2] >> 1 & 0x1F != 1:
        r[POS] = at
        return STOP
    r[LINK] = SWAPPED_80211
    return IEEE80211


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def gre(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """RFC 2784, 2890, 1701 (routing) and 2637 (version 1)."""
    at: cython.Py_ssize_t = r[POS]
    flags: cython.longlong
    protocol: cython.longlong
    if lacks(r, 4):
        return STOP
    flags = read16(data, at)
    protocol = read16(data, at + 2)
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
            if at + 4 > r[LIMIT]:
                return STOP
            at += 4
            if read16(data, at - 4) == 0 and data[at - 1] == 0:
                break
            at += cython.cast(cython.longlong, data[at - 1])
    r[POS] = at
    if at >= r[WIRE_END]:
        return STOP
    if lacks(r, 1):
        return STOP
    if protocol == 0x88BE and flags & 0x1000 == 0:   # ERSPAN type I has no header of its own
        return ETHERNET
    r[ETHERTYPE] = protocol
    return gre_payload(data, r)


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def gre_payload(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """What a GRE protocol number, in r[ETHERTYPE], announces."""
    at: cython.Py_ssize_t = r[POS]
    protocol: cython.longlong = r[ETHERTYPE]
    if protocol == ETHERTYPE_IPV4:
        return BY_VERSION
    if protocol == ETHERTYPE_IPV6 or protocol == 0x8847 or protocol == 0x8848 \
            or protocol == ETHERTYPE_PPP or protocol == 0x6558 or protocol == ETHERTYPE_ARP:
        r[ETHERTYPE] = protocol
        if protocol == ETHERTYPE_PPP and at + 2 <= r[LIMIT] and read16(data, at) == 0xFF03:
            r[POS] = at + 2
        return BY_ETHERTYPE
    if protocol == 0x883E:   # WCCP: a redirect header unless IP comes first
        if data[at] >> 4 != 4:
            r[POS] = at + 4
        r[ETHERTYPE] = ETHERTYPE_IPV4
        return BY_ETHERTYPE
    if protocol == 0x88BE or protocol == 0x22EB:
        return erspan(data, r)
    return STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def erspan(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """ERSPAN type II (version 1) and III (version 2): draft-foschiano-erspan section 4."""
    at: cython.Py_ssize_t = r[POS]
    length: cython.longlong = 8
    if lacks(r, 8):
        return STOP
    if data[at] >> 4 == 2:
        length = 12
        if lacks(r, 12):
            return STOP
        if data[at + 11] & 1:
            length = 20
    elif data[at] >> 4 != 1:
        return STOP
    if lacks(r, length):
        return STOP
    r[POS] = at + length
    return ETHERNET


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def authentication_header(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """RFC 4302 section 2."""
    at: cython.Py_ssize_t = r[POS]
    length: cython.longlong
    if lacks(r, 12):
        return STOP
    length = (cython.cast(cython.longlong, data[at + 1]) + 2) * 4
    if lacks(r, length):
        return STOP
    r[IP_PROTO] = data[at]
    r[POS] = at + length
    return BY_IP_PROTO


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def ether_ip(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """RFC 3378."""
    if lacks(r, 2):
        return STOP
    r[POS] += 2
    return ETHERNET


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def pim(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """A PIM register message carries the multicast packet itself (RFC 7761 section 4.9.3). The row stays PIM's, as in
    Wireshark, but shows that packet's addresses."""
    at: cython.Py_ssize_t = r[POS] + 8
    if at + 20 > r[LIMIT] or data[at - 8] != 0x21:
        return STOP
    if data[at] >> 4 == 4:
        r[ADDRESS_KIND] = ADDRESS_IPV4
        r[SRC_HI] = 0
        r[DST_HI] = 0
        r[SRC_LO] = read32(data, at + 12)
        r[DST_LO] = read32(data, at + 16)
    elif data[at] >> 4 == 6 and at + 40 <= r[LIMIT]:
        r[ADDRESS_KIND] = ADDRESS_IPV6
        r[SRC_HI] = read64(data, at + 8)
        r[SRC_LO] = read64(data, at + 16)
        r[DST_HI] = read64(data, at + 24)
        r[DST_LO] = read64(data, at + 32)
    return STOP
