"""Headers that capturing programs put before a frame, and IEEE 802.11, which mostly comes behind one. Compiled.

Layers as headers.py describes them.
"""

import cython

from sniff.packets import columns as c
from sniff.packets import cursor

if not cython.compiled:
    from sniff.packets.headers import Packet, be16, be32, be48, begin, ipv6, le16, le32, missing, narrow

KIND = cython.declare(cython.Py_ssize_t, c.KIND)
FLAGS = cython.declare(cython.Py_ssize_t, c.FLAGS)
ADDRESS_KIND = cython.declare(cython.Py_ssize_t, c.ADDRESS_KIND)
SRC_HI = cython.declare(cython.Py_ssize_t, c.SRC_HI)
SRC_LO = cython.declare(cython.Py_ssize_t, c.SRC_LO)
DST_HI = cython.declare(cython.Py_ssize_t, c.DST_HI)
DST_LO = cython.declare(cython.Py_ssize_t, c.DST_LO)
L2 = cython.declare(cython.Py_ssize_t, c.L2)
ETHERTYPE = cython.declare(cython.Py_ssize_t, c.ETHERTYPE)
WIRE_END = cython.declare(cython.Py_ssize_t, c.WIRE_END)

POS = cython.declare(cython.Py_ssize_t, cursor.POS)
LIMIT = cython.declare(cython.Py_ssize_t, cursor.LIMIT)
LINK = cython.declare(cython.Py_ssize_t, cursor.LINK)
SWAPPED_80211 = cython.declare(cython.longlong, cursor.SWAPPED_80211)

STOP = cython.declare(cython.int, cursor.STOP)
BY_VERSION = cython.declare(cython.int, cursor.BY_VERSION)
BY_LINK_TYPE = cython.declare(cython.int, cursor.BY_LINK_TYPE)
LLC = cython.declare(cython.int, cursor.LLC)
IEEE80211 = cython.declare(cython.int, cursor.IEEE80211)

ETHERNET_OTHER = cython.declare(cython.longlong, c.Kind.ETHERNET_OTHER)
MALFORMED = cython.declare(cython.longlong, c.Flag.MALFORMED)
ADDRESS_MAC = cython.declare(cython.longlong, c.Address.MAC)
ADDRESS_TEXT = cython.declare(cython.longlong, c.Address.TEXT)
LAYER_CAPTURE = cython.declare(cython.longlong, c.Layer.CAPTURE)
LAYER_IEEE80211 = cython.declare(cython.longlong, c.Layer.IEEE80211)

TWO_31 = cython.declare(cython.longlong, 1 << 31)
ETHERTYPE_IPV6 = cython.declare(cython.longlong, 0x86DD)


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def wireless_capture(p: Packet) -> cython.int:
    """Radiotap (LINKTYPE 127), Prism (119) and AVS (163): a length, then IEEE 802.11."""
    at: cython.Py_ssize_t = p.r[POS]
    length: cython.longlong
    begin(p, LAYER_CAPTURE)
    p.r[L2] = at
    if missing(p, 8):
        return STOP
    if p.r[LINK] == 127:
        length = le16(p, at + 2)
        if length < 8:
            p.r[FLAGS] |= MALFORMED
            return STOP
        if missing(p, length):
            return STOP
        radiotap_fcs(p, length)
    elif be32(p, at) >> 12 == 0x80211:
        length = be32(p, at + 4)
    elif p.r[LINK] == 119:
        length = 144
    else:
        length = be32(p, at + 4)
    if missing(p, length):
        return STOP
    p.r[POS] = at + length
    return IEEE80211


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def radiotap_fcs(p: Packet, length: cython.longlong) -> cython.int:
    """Take the frame check sequence off when the flags of a radiotap header say that there is one.

    The flags byte is the second field, after the extended presence words and an aligned time stamp of eight bytes.
    """
    at: cython.Py_ssize_t = p.r[POS]
    fields: cython.Py_ssize_t = at + 4
    present: cython.longlong = le32(p, at + 4)
    if not present & 2:
        return 0
    while le32(p, fields) & TWO_31:
        fields += 4
        if fields + 4 > at + length:
            return 0
    fields += 4
    if present & 1:
        fields = at + ((fields - at + 7) & ~7) + 8
    if fields < at + length and p.data[fields] & 0x10:
        narrow(p, p.r[WIRE_END] - 4)
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def ppi(p: Packet) -> cython.int:
    """LINKTYPE_PPI: version, flags, length, link type; little-endian."""
    at: cython.Py_ssize_t = p.r[POS]
    begin(p, LAYER_CAPTURE)
    p.r[L2] = at
    if missing(p, 8):
        return STOP
    if missing(p, le16(p, at + 2)) or le16(p, at + 2) < 8:
        return STOP
    p.r[LINK] = le32(p, at + 4)
    p.r[POS] = at + le16(p, at + 2)
    return BY_LINK_TYPE


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def pktap(p: Packet) -> cython.int:
    """LINKTYPE_PKTAP: length, type (1: a packet follows), link type; little-endian."""
    at: cython.Py_ssize_t = p.r[POS]
    begin(p, LAYER_CAPTURE)
    p.r[L2] = at
    if missing(p, 12):
        return STOP
    if missing(p, le32(p, at)) or le32(p, at) < 12 or le32(p, at + 4) != 1:
        return STOP
    p.r[LINK] = le32(p, at + 8)
    p.r[POS] = at + le32(p, at)
    return BY_LINK_TYPE


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def nflog(p: Packet) -> cython.int:
    """LINKTYPE_NFLOG: family, version, resource, then attributes; the one of type 9 is the packet."""
    at: cython.Py_ssize_t = p.r[POS]
    length: cython.longlong
    kind: cython.longlong
    begin(p, LAYER_CAPTURE)
    p.r[L2] = at
    if missing(p, 4):
        return STOP
    p.r[POS] = at + 4
    while p.r[POS] + 4 <= p.r[LIMIT]:
        length = le16(p, p.r[POS])
        kind = le16(p, p.r[POS] + 2)
        if length < 4 or (kind & 0xFF) == 0 != (kind == 0):
            return STOP
        if kind == 9:
            narrow(p, p.r[POS] + length)
            p.r[POS] += 4
            if p.data[at] == 2:
                return BY_VERSION
            p.r[ETHERTYPE] = ETHERTYPE_IPV6
            return ipv6(p) if p.data[at] == 10 else STOP
        p.r[POS] += (length + 3) & ~3
    return STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def openbsd_enc(p: Packet) -> cython.int:
    """LINKTYPE_ENC: address family (the capturing machine's byte order), SPI, flags."""
    at: cython.Py_ssize_t = p.r[POS]
    family: cython.longlong
    begin(p, LAYER_CAPTURE)
    p.r[L2] = at
    if missing(p, 12):
        return STOP
    family = be32(p, at)
    if family > 0xFFFF:
        family = le32(p, at)
    p.r[POS] = at + 12
    return BY_VERSION if family == 2 or family == 24 else STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def pflog(p: Packet) -> cython.int:
    """LINKTYPE_PFLOG: length (padded to four bytes), address family, what the filter did."""
    at: cython.Py_ssize_t = p.r[POS]
    length: cython.longlong
    begin(p, LAYER_CAPTURE)
    p.r[L2] = at
    if missing(p, 4):
        return STOP
    length = (cython.cast(cython.longlong, p.data[at]) + 3) & ~3
    if length < 48 or missing(p, length):
        return STOP
    p.r[POS] = at + length
    return BY_VERSION if p.data[at + 1] == 2 or p.data[at + 1] == 24 else STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def ieee80211(p: Packet) -> cython.int:
    """IEEE 802.11: addresses of management and data frames; the contents of data frames that are not encrypted."""
    at: cython.Py_ssize_t = p.r[POS]
    kind: cython.longlong
    subtype: cython.longlong
    control: cython.longlong
    length: cython.longlong = 24
    begin(p, LAYER_IEEE80211)
    p.r[L2] = at
    p.r[KIND] = ETHERNET_OTHER
    p.r[ADDRESS_KIND] = ADDRESS_TEXT
    if missing(p, 2):
        return STOP
    control = le16(p, at) if p.r[LINK] != SWAPPED_80211 else be16(p, at)
    kind = (control >> 2) & 3
    subtype = control >> 4 & 0xF
    control >>= 8
    if kind == 1 or kind == 3:
        return STOP
    if missing(p, 24):
        return STOP
    p.r[ADDRESS_KIND] = ADDRESS_MAC
    p.r[SRC_HI] = 0
    p.r[DST_HI] = 0
    p.r[DST_LO] = be48(p, at + (16 if kind == 2 and control & 1 else 4))
    p.r[SRC_LO] = be48(p, at + (16 if kind == 2 and control & 3 == 2 else 10))
    if kind == 0:
        return STOP
    if control & 3 == 3:
        if missing(p, 30):
            return STOP
        p.r[SRC_LO] = be48(p, at + 24)
        length = 30
    if subtype & 8:
        length += 2
        if control & 0x80:
            length += 4
    if subtype & 4 or control & 0x44:
        return STOP   # no data, encrypted, or more fragments follow
    if missing(p, length):
        return STOP
    if subtype & 8 and p.data[at + (30 if control & 3 == 3 else 24)] & 0x80:
        return STOP   # an A-MSDU
    p.r[POS] = at + length
    return LLC
