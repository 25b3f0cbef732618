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
INTERFACE = cython.declare(cython.Py_ssize_t, c.INTERFACE)
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
TCP_TIMES = cython.declare(cython.Py_ssize_t, c.TCP_TIMES)
VLAN = cython.declare(cython.Py_ssize_t, c.VLAN)
OUTER_L3 = cython.declare(cython.Py_ssize_t, c.OUTER_L3)
UDP_LENGTH = cython.declare(cython.Py_ssize_t, c.UDP_LENGTH)
LAYER = cython.declare(cython.Py_ssize_t, c.LAYER)
HEADER = cython.declare(cython.Py_ssize_t, c.HEADER)
WIRE_END = cython.declare(cython.Py_ssize_t, c.WIRE_END)
COUNT = cython.declare(cython.Py_ssize_t, c.COUNT)

# --- the cursor, after the columns -----------------------------------------------------------------------------------------
POS = cython.declare(cython.Py_ssize_t, c.COUNT)            # index of the next header
LIMIT = cython.declare(cython.Py_ssize_t, c.COUNT + 1)      # index after the last captured byte of this layer
FRAGMENT = cython.declare(cython.Py_ssize_t, c.COUNT + 2)   # 1: an IP fragment whose bytes are all there
LAYERS = cython.declare(cython.Py_ssize_t, c.COUNT + 3)     # headers read so far
PROGRESS = cython.declare(cython.Py_ssize_t, c.COUNT + 4)   # packets of the batch that are done
LINK = cython.declare(cython.Py_ssize_t, c.COUNT + 5)       # LINKTYPE_ number of the header that comes next
FOUND = cython.declare(cython.Py_ssize_t, c.COUNT + 6)      # fragments found in the batch

RECORD = c.COUNT + 8
"""int64 numbers in a record."""

AT_FRAGMENT, AT_PROGRESS, AT_FOUND = c.COUNT + 2, c.COUNT + 4, c.COUNT + 6
"""Places of the cursor that Python reads."""

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
GTP = cython.declare(cython.longlong, c.Flag.GTP)
REASSEMBLED = cython.declare(cython.longlong, c.Flag.REASSEMBLED)
HEADER_CUT = cython.declare(cython.longlong, c.Flag.HEADER_CUT)
TEREDO = cython.declare(cython.longlong, c.Flag.TEREDO)

ADDRESS_NONE = cython.declare(cython.longlong, c.Address.NONE)
ADDRESS_MAC = cython.declare(cython.longlong, c.Address.MAC)
ADDRESS_IPV4 = cython.declare(cython.longlong, c.Address.IPV4)
ADDRESS_IPV6 = cython.declare(cython.longlong, c.Address.IPV6)
ADDRESS_TEXT = cython.declare(cython.longlong, c.Address.TEXT)

LAYER_ARP = cython.declare(cython.longlong, c.Layer.ARP)
LAYER_CAPTURE = cython.declare(cython.longlong, c.Layer.CAPTURE)
LAYER_CISCO_HDLC = cython.declare(cython.longlong, c.Layer.CISCO_HDLC)
LAYER_COOKED = cython.declare(cython.longlong, c.Layer.COOKED)
LAYER_ETHERNET = cython.declare(cython.longlong, c.Layer.ETHERNET)
LAYER_ETHERTYPE = cython.declare(cython.longlong, c.Layer.ETHERTYPE)
LAYER_FDDI = cython.declare(cython.longlong, c.Layer.FDDI)
LAYER_FRAME_RELAY = cython.declare(cython.longlong, c.Layer.FRAME_RELAY)
LAYER_IEEE80211 = cython.declare(cython.longlong, c.Layer.IEEE80211)
LAYER_IPV4 = cython.declare(cython.longlong, c.Layer.IPV4)
LAYER_IPV6 = cython.declare(cython.longlong, c.Layer.IPV6)
LAYER_IPV6_EXTENSION = cython.declare(cython.longlong, c.Layer.IPV6_EXTENSION)
LAYER_IP_PROTO = cython.declare(cython.longlong, c.Layer.IP_PROTO)
LAYER_LLC = cython.declare(cython.longlong, c.Layer.LLC)
LAYER_LOOPBACK = cython.declare(cython.longlong, c.Layer.LOOPBACK)
LAYER_MPLS = cython.declare(cython.longlong, c.Layer.MPLS)
LAYER_PPP = cython.declare(cython.longlong, c.Layer.PPP)
LAYER_PPPOE = cython.declare(cython.longlong, c.Layer.PPPOE)
LAYER_RAW = cython.declare(cython.longlong, c.Layer.RAW)
LAYER_TCP = cython.declare(cython.longlong, c.Layer.TCP)
LAYER_TOKEN_RING = cython.declare(cython.longlong, c.Layer.TOKEN_RING)
LAYER_UDP = cython.declare(cython.longlong, c.Layer.UDP)
LAYER_UNKNOWN = cython.declare(cython.longlong, c.Layer.UNKNOWN)
LAYER_VLAN = cython.declare(cython.longlong, c.Layer.VLAN)

# --- what a layer function answers: what comes next --------------------------------------------------------------------------
STOP = cython.declare(cython.int, 0)
BY_ETHERTYPE = cython.declare(cython.int, 1)   # r[ETHERTYPE] says what
BY_IP_PROTO = cython.declare(cython.int, 2)    # r[IP_PROTO] says what
BY_VERSION = cython.declare(cython.int, 3)     # IPv4 or IPv6, by its first four bits
BY_LINK_TYPE = cython.declare(cython.int, 4)   # r[LINK] says what
BY_PORT = cython.declare(cython.int, 5)        # a UDP payload; its port belongs to a tunnel
BY_PPP = cython.declare(cython.int, 6)         # a PPP protocol number, then what it says
ETHERNET = cython.declare(cython.int, 7)
LLC = cython.declare(cython.int, 8)
MPLS = cython.declare(cython.int, 9)
IEEE80211 = cython.declare(cython.int, 10)

SWAPPED_80211 = cython.declare(cython.longlong, -2)      # r[LINK]: frame control in the other byte order, as CAPWAP has it

TWO_31 = cython.declare(cython.longlong, 1 << 31)
TWO_32 = cython.declare(cython.longlong, 1 << 32)

TIME_STAMP_ALONE = cython.declare(cython.longlong, 0x0101080A)   # NOP, NOP, time stamp of 10 bytes (RFC 7323 appendix A)

ETHERTYPE_IPV4 = cython.declare(cython.longlong, 0x0800)
ETHERTYPE_ARP = cython.declare(cython.longlong, 0x0806)
ETHERTYPE_IPV6 = cython.declare(cython.longlong, 0x86DD)
ETHERTYPE_PPP = cython.declare(cython.longlong, 0x880B)

LONGEST_LENGTH = cython.declare(cython.longlong, 1500)   # of IEEE 802.3; larger numbers are Ethernet types


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
def le16(data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t) -> cython.longlong:
    """Two bytes, little-endian."""
    return (cython.cast(cython.longlong, data[at + 1]) << 8) | cython.cast(cython.longlong, data[at])


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
@cython.exceptval(-1)
def le32(data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t) -> cython.longlong:
    """Four bytes, little-endian, never negative."""
    return (le16(data, at + 2) << 16) | le16(data, at)


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(-1)
def be48(data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t) -> cython.longlong:
    """Six bytes, network order: a MAC address."""
    return (be16(data, at) << 32) | be32(data, at + 2)


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
def begin(r: cython.longlong[::1], layer: cython.longlong) -> cython.int:
    """A header begins here."""
    r[LAYER] = layer
    r[HEADER] = r[POS]
    return 0


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(-1)
def missing(r: cython.longlong[::1], length: cython.longlong) -> cython.int:
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
def narrow(r: cython.longlong[::1], end: cython.longlong) -> cython.int:
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
    """The header that a LINKTYPE_ number promises (www.tcpdump.org/linktypes.html)."""
    link: cython.longlong = r[LINK]
    if link == 1:
        return ethernet(data, r)
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
def ethernet(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """Ethernet II, or IEEE 802.3 when the type is a length."""
    at: cython.Py_ssize_t = r[POS]
    ethertype: cython.longlong
    begin(r, LAYER_ETHERNET)
    r[L2] = at
    r[KIND] = ETHERNET_OTHER
    if missing(r, 14):
        if r[OUTER_L3] < 0:   # else the tunnel's addresses stay
            r[ADDRESS_KIND] = ADDRESS_TEXT
        return STOP
    r[ADDRESS_KIND] = ADDRESS_MAC
    r[SRC_HI] = 0
    r[DST_HI] = 0
    r[DST_LO] = be48(data, at)
    r[SRC_LO] = be48(data, at + 6)
    ethertype = be16(data, at + 12)
    r[ETHERTYPE] = ethertype
    if ethertype < 0x0600 and ethertype:
        if ethertype > LONGEST_LENGTH:   # neither a length nor a type
            return STOP
        r[POS] = at + 14
        return ieee8023(data, r)
    r[POS] = at + 14
    return BY_ETHERTYPE


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def ieee8023(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """What follows a length: IEEE 802.2, or Novell's IPX that begins with a checksum of all ones."""
    narrow(r, r[POS] + r[ETHERTYPE])
    if r[POS] + 2 <= r[LIMIT] and be16(data, r[POS]) == 0xFFFF:
        begin(r, LAYER_ETHERTYPE)
        r[L3] = r[POS]
        return STOP
    return LLC


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def by_ethertype(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """What an Ethernet type announces."""
    ethertype: cython.longlong = r[ETHERTYPE]
    if ethertype == ETHERTYPE_IPV4:
        return ipv4(data, r)
    if ethertype == ETHERTYPE_IPV6 and (r[POS] >= r[LIMIT] or data[r[POS]] >> 4 == 6):
        return ipv6(data, r)
    if ethertype == ETHERTYPE_ARP:
        begin(r, LAYER_ARP)
        r[KIND] = ARP
        r[L3] = r[POS]
        return STOP
    if ethertype == 0x8100 or ethertype == 0x88A8 or ethertype == 0x9100:
        return vlan(data, r)
    if ethertype == 0x8847 or ethertype == 0x8848:
        return MPLS
    if ethertype == 0x8864:
        return pppoe(data, r)
    if ethertype == ETHERTYPE_PPP:
        return BY_PPP
    if ethertype == 0x6558:
        return ETHERNET
    begin(r, LAYER_ETHERTYPE)
    r[KIND] = ETHERNET_OTHER
    r[L3] = r[POS]
    if ethertype == 0x893F or ethertype == 0x8926 or ethertype == 0xF1C1 or ethertype == 0x88E7 or ethertype == 0x8909 or ethertype == 0x892F \
            or ethertype == 0x8903:
        return ethernet_tag(data, r)
    if ethertype == 0x894F:
        return network_service_header(data, r)
    if ethertype == 0x22F3:
        return trill(data, r)
    if ethertype == 0x88E5:
        return macsec(data, r)
    return STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def vlan(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """IEEE 802.1Q tag: priority, number, and the type (or length) of what follows."""
    at: cython.Py_ssize_t = r[POS]
    begin(r, LAYER_VLAN)
    if missing(r, 4):
        return STOP
    if r[VLAN] < 0:
        r[VLAN] = be16(data, at) & 0xFFF
    r[POS] = at + 4
    if be16(data, at + 2) <= LONGEST_LENGTH and r[ETHERTYPE] != 0x88A8:
        r[ETHERTYPE] = be16(data, at + 2)
        return ieee8023(data, r)
    r[ETHERTYPE] = be16(data, at + 2)
    return BY_ETHERTYPE


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def ethernet_tag(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """Tags of switches: 802.1BR E-tag, VN-tag, Cisco metadata, HSR; 802.1ah and FabricPath, which hold a whole frame."""
    at: cython.Py_ssize_t = r[POS]
    ethertype: cython.longlong = r[ETHERTYPE]
    length: cython.longlong = 6
    if ethertype == 0x88E7:
        if missing(r, 4):
            return STOP
        r[POS] = at + 4
        return ETHERNET
    if ethertype == 0x8903:   # the inner frame keeps its check sequence
        if missing(r, 2):
            return STOP
        narrow(r, r[WIRE_END] - 4)
        r[POS] = at + 2
        return ETHERNET
    if ethertype == 0x893F or ethertype == 0x8909:
        length = 8
    if missing(r, length):
        return STOP
    r[ETHERTYPE] = be16(data, at + length - 2)
    r[POS] = at + length
    return ieee8023(data, r) if r[ETHERTYPE] <= LONGEST_LENGTH else BY_ETHERTYPE


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def trill(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """RFC 6325 section 3: its options' length in words, then an Ethernet frame."""
    at: cython.Py_ssize_t = r[POS]
    if missing(r, 6) or missing(r, 6 + (be16(data, at) >> 6 & 0x1F) * 4):
        return STOP
    r[POS] = at + 6 + (be16(data, at) >> 6 & 0x1F) * 4
    return ETHERNET


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def macsec(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """IEEE 802.1AE: what is only authenticated, not encrypted, can be read; a check value follows it."""
    at: cython.Py_ssize_t = r[POS]
    length: cython.longlong = 6
    if missing(r, 6):
        return STOP
    if data[at] & 0x20:
        length = 14
    if data[at] & 0x0C or missing(r, length + 2):
        return STOP
    r[ETHERTYPE] = be16(data, at + length)
    r[POS] = at + length + 2
    narrow(r, r[WIRE_END] - 16)
    return BY_ETHERTYPE


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def network_service_header(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """RFC 8300 section 2: its length in words, what follows it."""
    at: cython.Py_ssize_t = r[POS]
    length: cython.longlong
    if missing(r, 8):
        return STOP
    length = (data[at + 1] & 0x3F) * 4
    if length < 8 or missing(r, length):
        return STOP
    r[POS] = at + length
    if data[at + 3] == 3:
        return ETHERNET
    if data[at + 3] == 5:
        return MPLS
    return BY_VERSION if data[at + 3] == 1 or data[at + 3] == 2 else STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def llc(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """IEEE 802.2, with SNAP when both service access points say so."""
    at: cython.Py_ssize_t = r[POS]
    organisation: cython.longlong
    protocol: cython.longlong
    control: cython.longlong = 1
    begin(r, LAYER_LLC)
    r[KIND] = ETHERNET_OTHER
    r[L3] = at
    if missing(r, 3):
        return STOP
    if data[at + 2] & 3 != 3:
        control = 2
    if data[at] == 0xAA and data[at + 1] == 0xAA and (data[at + 2] == 3 or data[at + 2] & 1 == 0):
        if missing(r, 7 + control):
            return STOP
        organisation = (be16(data, at + 2 + control) << 8) | data[at + 4 + control]
        protocol = be16(data, at + 5 + control)
        if (organisation == 0 or organisation == 0xF8) and protocol > LONGEST_LENGTH:
            r[ETHERTYPE] = protocol
            r[POS] = at + 7 + control
            return BY_ETHERTYPE
        if organisation == 0x80C2 and (protocol == 1 or protocol == 7):
            r[POS] = at + 7 + control
            if protocol == 1:
                narrow(r, r[WIRE_END] - 4)
            return ETHERNET
        return STOP
    if data[at] == 6 and (data[at + 2] == 3 or data[at + 2] & 1 == 0):
        if missing(r, 4):
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
    begin(r, LAYER_COOKED)
    r[L2] = at
    r[ADDRESS_KIND] = ADDRESS_TEXT
    if missing(r, length):
        return STOP
    r[KIND] = ETHERNET_OTHER
    if length == 16:
        hardware = be16(data, at + 2)
        r[ETHERTYPE] = be16(data, at + 14)
        if be16(data, at + 4) == 6:
            r[SRC_LO] = be48(data, at + 6)
    else:
        hardware = be16(data, at + 8)
        r[ETHERTYPE] = be16(data, at)
        if data[at + 11] == 6:
            r[SRC_LO] = be48(data, at + 12)
    r[POS] = at + length
    if hardware == 824:   # ARPHRD_NETLINK
        return STOP
    if hardware == 778:   # ARPHRD_IPGRE: the protocol is GRE's
        return gre_payload(data, r, r[ETHERTYPE])
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
    begin(r, LAYER_LOOPBACK)
    r[ADDRESS_KIND] = ADDRESS_TEXT
    r[L2] = at
    if missing(r, 4):
        return STOP
    family = be32(data, at)
    if (family >> 16) == 0xFF03:
        return ppp_frame(data, r)
    if family >> 16:
        if (family >> 24) == 0 and family < 0x00060000:
            family >>= 16
        else:
            family = le32(data, at)
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
    begin(r, LAYER_RAW)
    r[ADDRESS_KIND] = ADDRESS_TEXT
    if at + 2 <= r[LIMIT] and be16(data, at) == 0xFF03:
        return ppp_frame(data, r)
    if at + 8 <= r[LIMIT] and be16(data, at + 6) == 0xFF03:
        r[POS] = at + 6
        return ppp_frame(data, r)
    if at + 3 <= r[LIMIT] and be16(data, at + 1) == 0xFF03:
        r[POS] = at + 1
        return ppp_frame(data, r)
    if at + 10 <= r[LIMIT]:
        for k in range(10):
            if data[at + k]:
                return BY_VERSION if data[at] >> 4 == 4 or data[at] >> 4 == 6 else STOP
        r[POS] = at + 10
        return BY_VERSION
    if missing(r, 8):   # too short for all that: Wireshark looks no further
        return STOP
    return BY_VERSION if data[at] >> 4 == 4 or data[at] >> 4 == 6 else STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def ppp_frame(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """PPP with or without its two HDLC bytes (RFC 1662); LINKTYPE_PPP_PPPD has the direction for the first one."""
    at: cython.Py_ssize_t = r[POS]
    begin(r, LAYER_PPP)
    r[ADDRESS_KIND] = ADDRESS_TEXT
    r[L2] = at
    r[KIND] = ETHERNET_OTHER
    if missing(r, 2):
        if at < r[LIMIT] and (data[at] == 0x0F or data[at] == 0x8F):
            begin(r, LAYER_CISCO_HDLC)
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
    begin(r, LAYER_PPP)
    r[KIND] = ETHERNET_OTHER
    r[L3] = at
    if missing(r, 1):
        return STOP
    protocol = data[at]
    if protocol & 1:
        r[POS] = at + 1
    else:
        if missing(r, 2):
            return STOP
        protocol = be16(data, at)
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
    if missing(r, 2):
        return STOP
    if data[at + 1] != 1:
        return STOP
    if data[at] & 0x80:   # its frame check sequence was kept
        narrow(r, r[WIRE_END] - 4)
    r[POS] = at + 2
    return ETHERNET


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def pppoe(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """A PPPoE session packet (RFC 2516 section 4)."""
    at: cython.Py_ssize_t = r[POS]
    begin(r, LAYER_PPPOE)
    r[KIND] = ETHERNET_OTHER
    r[L3] = at
    if missing(r, 6):
        return STOP
    narrow(r, at + 6 + be16(data, at + 4))
    r[POS] = at + 6
    return BY_PPP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def cisco_hdlc(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """Cisco HDLC: address, control, Ethernet type."""
    at: cython.Py_ssize_t = r[POS]
    begin(r, LAYER_CISCO_HDLC)
    r[ADDRESS_KIND] = ADDRESS_TEXT
    r[L2] = at
    r[KIND] = ETHERNET_OTHER
    if missing(r, 4):
        return STOP
    r[ETHERTYPE] = be16(data, at + 2)
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
    begin(r, LAYER_MPLS)
    r[KIND] = ETHERNET_OTHER
    r[L3] = r[POS]
    while True:
        if missing(r, 4):
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
    begin(r, LAYER_FDDI)
    r[L2] = at
    if missing(r, 13):
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
    begin(r, LAYER_TOKEN_RING)
    r[L2] = at
    if missing(r, 14):
        return STOP
    r[ADDRESS_KIND] = ADDRESS_MAC
    r[DST_LO] = be48(data, at + 2)
    r[SRC_LO] = ((be16(data, at + 8) & 0x7FFF) << 32) | be32(data, at + 10)
    if data[at + 1] & 0xC0 != 0x40:
        return STOP
    r[POS] = at + 14
    if data[at + 8] & 0x80:
        if missing(r, 2):
            return STOP
        r[POS] += data[at + 14] & 0x1F
    return LLC


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def frame_relay(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """LINKTYPE_FRELAY with RFC 2427's encapsulation: address, control, NLPID."""
    at: cython.Py_ssize_t = r[POS]
    begin(r, LAYER_FRAME_RELAY)
    r[L2] = at
    while True:   # the address ends with the first byte whose lowest bit is set
        if missing(r, 1):
            return STOP
        r[POS] += 1
        if data[r[POS] - 1] & 1:
            break
    at = r[POS]
    if missing(r, 2):
        return STOP
    if data[at] != 3:   # Cisco's: an Ethernet type
        r[ETHERTYPE] = be16(data, at)
        r[POS] = at + 2
        return BY_ETHERTYPE
    at += 1
    r[POS] = at
    if data[at] == 0:   # padding
        r[POS] = at + 1
        if missing(r, 1):
            return STOP
        at += 1
    r[POS] = at + 1
    if data[at] == 0xCC:
        return BY_VERSION
    if data[at] == 0x8E:
        r[ETHERTYPE] = ETHERTYPE_IPV6
        return BY_ETHERTYPE
    if data[at] == 0x80:
        if missing(r, 5):
            return STOP
        if data[at + 1] == 0 and data[at + 2] == 0 and data[at + 3] == 0:
            r[ETHERTYPE] = be16(data, at + 4)
            r[POS] = at + 6
            return BY_ETHERTYPE
    r[POS] = at
    return STOP


# --- headers that capturing programs add ------------------------------------------------------------------------------------

@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def wireless_capture(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """Radiotap (LINKTYPE 127), Prism (119) and AVS (163): a length, then IEEE 802.11."""
    at: cython.Py_ssize_t = r[POS]
    length: cython.longlong
    begin(r, LAYER_CAPTURE)
    r[L2] = at
    if missing(r, 8):
        return STOP
    if r[LINK] == 127:
        length = le16(data, at + 2)
        if length < 8:
            r[FLAGS] |= MALFORMED
            return STOP
        if missing(r, length):
            return STOP
        radiotap_fcs(data, r, length)
    elif be32(data, at) >> 12 == 0x80211:
        length = be32(data, at + 4)
    elif r[LINK] == 119:
        length = 144
    else:
        length = be32(data, at + 4)
    if missing(r, length):
        return STOP
    r[POS] = at + length
    return IEEE80211


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def radiotap_fcs(data: cython.const[cython.uchar][::1], r: cython.longlong[::1], length: cython.longlong) -> cython.int:
    """Take the frame check sequence off when the flags of a radiotap header say that there is one.

    The flags byte is the second field, after the extended presence words and an aligned time stamp of eight bytes.
    """
    at: cython.Py_ssize_t = r[POS]
    fields: cython.Py_ssize_t = at + 4
    present: cython.longlong = le32(data, at + 4)
    if not present & 2:
        return 0
    while le32(data, fields) & TWO_31:
        fields += 4
        if fields + 4 > at + length:
            return 0
    fields += 4
    if present & 1:
        fields = at + ((fields - at + 7) & ~7) + 8
    if fields < at + length and data[fields] & 0x10:
        narrow(r, r[WIRE_END] - 4)
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def ppi(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """LINKTYPE_PPI: version, flags, length, link type; little-endian."""
    at: cython.Py_ssize_t = r[POS]
    begin(r, LAYER_CAPTURE)
    r[L2] = at
    if missing(r, 8):
        return STOP
    if missing(r, le16(data, at + 2)) or le16(data, at + 2) < 8:
        return STOP
    r[LINK] = le32(data, at + 4)
    r[POS] = at + le16(data, at + 2)
    return BY_LINK_TYPE


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def pktap(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """LINKTYPE_PKTAP: length, type (1: a packet follows), link type; little-endian."""
    at: cython.Py_ssize_t = r[POS]
    begin(r, LAYER_CAPTURE)
    r[L2] = at
    if missing(r, 12):
        return STOP
    if missing(r, le32(data, at)) or le32(data, at) < 12 or le32(data, at + 4) != 1:
        return STOP
    r[LINK] = le32(data, at + 8)
    r[POS] = at + le32(data, at)
    return BY_LINK_TYPE


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def nflog(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """LINKTYPE_NFLOG: family, version, resource, then attributes; the one of type 9 is the packet."""
    at: cython.Py_ssize_t = r[POS]
    length: cython.longlong
    kind: cython.longlong
    begin(r, LAYER_CAPTURE)
    r[L2] = at
    if missing(r, 4):
        return STOP
    r[POS] = at + 4
    while r[POS] + 4 <= r[LIMIT]:
        length = le16(data, r[POS])
        kind = le16(data, r[POS] + 2)
        if length < 4 or (kind & 0xFF) == 0 != (kind == 0):
            return STOP
        if kind == 9:
            narrow(r, r[POS] + length)
            r[POS] += 4
            if data[at] == 2:
                return BY_VERSION
            r[ETHERTYPE] = ETHERTYPE_IPV6
            return ipv6(data, r) if data[at] == 10 else STOP
        r[POS] += (length + 3) & ~3
    return STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def openbsd_enc(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """LINKTYPE_ENC: address family (the capturing machine's byte order), SPI, flags."""
    at: cython.Py_ssize_t = r[POS]
    family: cython.longlong
    begin(r, LAYER_CAPTURE)
    r[L2] = at
    if missing(r, 12):
        return STOP
    family = be32(data, at)
    if family > 0xFFFF:
        family = le32(data, at)
    r[POS] = at + 12
    return BY_VERSION if family == 2 or family == 24 else STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def pflog(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """LINKTYPE_PFLOG: length (padded to four bytes), address family, what the filter did."""
    at: cython.Py_ssize_t = r[POS]
    length: cython.longlong
    begin(r, LAYER_CAPTURE)
    r[L2] = at
    if missing(r, 4):
        return STOP
    length = (cython.cast(cython.longlong, data[at]) + 3) & ~3
    if length < 48 or missing(r, length):
        return STOP
    r[POS] = at + length
    return BY_VERSION if data[at + 1] == 2 or data[at + 1] == 24 else STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def ieee80211(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """IEEE 802.11: addresses of management and data frames; the contents of data frames that are not encrypted."""
    at: cython.Py_ssize_t = r[POS]
    kind: cython.longlong
    subtype: cython.longlong
    control: cython.longlong
    length: cython.longlong = 24
    begin(r, LAYER_IEEE80211)
    r[L2] = at
    r[KIND] = ETHERNET_OTHER
    r[ADDRESS_KIND] = ADDRESS_TEXT
    if missing(r, 2):
        return STOP
    control = le16(data, at) if r[LINK] != SWAPPED_80211 else be16(data, at)
    kind = (control >> 2) & 3
    subtype = control >> 4 & 0xF
    control >>= 8
    if kind == 1 or kind == 3:
        return STOP
    if missing(r, 24):
        return STOP
    r[ADDRESS_KIND] = ADDRESS_MAC
    r[SRC_HI] = 0
    r[DST_HI] = 0
    r[DST_LO] = be48(data, at + (16 if kind == 2 and control & 1 else 4))
    r[SRC_LO] = be48(data, at + (16 if kind == 2 and control & 3 == 2 else 10))
    if kind == 0:
        return STOP
    if control & 3 == 3:
        if missing(r, 30):
            return STOP
        r[SRC_LO] = be48(data, at + 24)
        length = 30
    if subtype & 8:
        length += 2
        if control & 0x80:
            length += 4
    if subtype & 4 or control & 0x44:
        return STOP   # no data, encrypted, or more fragments follow
    if missing(r, length):
        return STOP
    if subtype & 8 and data[at + (30 if control & 3 == 3 else 24)] & 0x80:
        return STOP   # an A-MSDU
    r[POS] = at + length
    return LLC


# --- the network layer --------------------------------------------------------------------------------------------------------

@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def by_version(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """The first four bits tell IPv4 from IPv6."""
    version: cython.longlong
    begin(r, LAYER_RAW)
    r[KIND] = IP_MALFORMED
    if missing(r, 1):
        return STOP
    version = data[r[POS]] >> 4
    if version == 4:
        r[ETHERTYPE] = ETHERTYPE_IPV4
        return ipv4(data, r)
    if version == 6:
        r[ETHERTYPE] = ETHERTYPE_IPV6
        return ipv6(data, r)
    r[FLAGS] |= MALFORMED
    return STOP


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(-1)
def begin_ip(r: cython.longlong[::1], layer: cython.longlong, version: cython.longlong) -> cython.int:
    """An IP header begins here, perhaps inside another one."""
    begin(r, layer)
    r[KIND] = IP_MALFORMED
    r[L3] = r[POS]
    r[IP_VERSION] = version
    r[IP_PROTO] = -1
    if r[OUTER_L3] < 0:
        r[OUTER_L3] = r[POS]
    else:
        r[FLAGS] |= TUNNEL
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def ipv4(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """RFC 791. Wireshark hands what is IPv6 by its version to that dissector."""
    at: cython.Py_ssize_t = r[POS]
    first: cython.longlong
    header: cython.longlong
    length: cython.longlong
    fragment: cython.longlong
    begin_ip(r, LAYER_IPV4, 4)
    if missing(r, 1):
        return STOP
    first = data[at]
    if (first >> 4) != 4:
        if (first >> 4) == 6:
            return ipv6(data, r)
        r[FLAGS] |= MALFORMED
        return STOP
    if missing(r, 20):
        if at + 16 <= r[LIMIT]:   # the source can still be read
            r[ADDRESS_KIND] = ADDRESS_TEXT
        return STOP
    header = (first & 0xF) << 2
    if header < 20:
        r[FLAGS] |= MALFORMED
        return STOP
    length = be16(data, at + 2)
    if length == 0:   # segmentation offload: the network card would have filled it in
        length = r[WIRE_END] - at
    if length < header:
        r[FLAGS] |= MALFORMED
        return STOP
    r[TTL] = data[at + 8]
    r[IP_PROTO] = data[at + 9]
    r[ADDRESS_KIND] = ADDRESS_IPV4
    r[SRC_HI] = 0
    r[DST_HI] = 0
    r[SRC_LO] = be32(data, at + 12)
    r[DST_LO] = be32(data, at + 16)
    narrow(r, at + length)
    if r[LIMIT] < r[WIRE_END]:
        r[FLAGS] |= CUT
    if missing(r, header):
        return STOP
    r[POS] = at + header
    r[L4] = at + header
    fragment = be16(data, at + 6) & 0x3FFF
    if fragment:
        if length > header and at + length <= r[LIMIT]:
            r[KIND] = IPV4_FRAGMENT
            r[FRAGMENT] = 1
            return STOP
        if fragment & 0x1FFF:
            r[KIND] = IPV4_FRAGMENT
            return STOP
    if at + header >= r[WIRE_END]:   # no payload, no protocol
        r[KIND] = IP_OTHER
        return STOP
    return BY_IP_PROTO


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def ipv6(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """RFC 8200 section 3."""
    at: cython.Py_ssize_t = r[POS]
    length: cython.longlong
    following: cython.longlong
    begin_ip(r, LAYER_IPV6, 6)
    if missing(r, 40):
        if at + 24 <= r[LIMIT]:   # the source can still be read
            r[ADDRESS_KIND] = ADDRESS_TEXT
        return STOP
    if (data[at] >> 4) != 6:
        r[FLAGS] |= MALFORMED
        return STOP
    length = be16(data, at + 4)
    following = data[at + 6]
    r[IP_PROTO] = following
    r[TTL] = data[at + 7]
    r[ADDRESS_KIND] = ADDRESS_IPV6
    r[SRC_HI] = be64(data, at + 8)
    r[SRC_LO] = be64(data, at + 16)
    r[DST_HI] = be64(data, at + 24)
    r[DST_LO] = be64(data, at + 32)
    if length == 0 and following == 0:
        length = jumbo_length(data, r)
    narrow(r, at + 40 + length)
    if r[LIMIT] < r[WIRE_END]:
        r[FLAGS] |= CUT
    r[POS] = at + 40
    r[L4] = at + 40
    if following == 6 or following == 17:
        return BY_IP_PROTO
    return ipv6_extensions(data, r)


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def jumbo_length(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.longlong:
    """Payload length of a jumbogram, from its first option (RFC 2675 section 2); 0 when it is none."""
    at: cython.Py_ssize_t = r[POS] + 40
    if at + 8 <= r[LIMIT] and data[at + 2] == 0xC2 and data[at + 3] == 4:
        return be32(data, at + 4)
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def ipv6_extensions(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """Hop-by-hop, routing, destination options and fragment headers (RFC 8200 section 4), up to the first other one."""
    at: cython.Py_ssize_t
    following: cython.longlong
    length: cython.longlong
    while r[LAYERS] < MAX_LAYERS:
        r[LAYERS] += 1
        following = r[IP_PROTO]
        at = r[POS]
        r[L4] = at
        if following == 0 or following == 43 or following == 60 or following == 44 or following == 135 or following == 139 \
                or following == 140:
            begin(r, LAYER_IPV6_EXTENSION)
            if missing(r, 8):
                return STOP
            if following == 44:
                if be16(data, at + 2) & 0xFFF9:
                    r[KIND] = IPV6_FRAGMENT
                    r[IP_PROTO] = data[at]
                    r[L4] = at + 8
                    if r[WIRE_END] <= r[LIMIT]:
                        r[FRAGMENT] = 1
                    return STOP
                length = 8
            else:
                if following == 135 and data[at] == 59:   # mobility is the last header
                    r[KIND] = IP_OTHER
                    return STOP
                length = (cython.cast(cython.longlong, data[at + 1]) + 1) * 8
            if missing(r, length):
                return STOP
            if following == 43:
                if data[at + 2] == 4 and length < 24:   # a segment routing header names one segment at least
                    r[FLAGS] |= MALFORMED | HEADER_CUT
                    return STOP
                final_destination(data, r, length)
            elif following == 60:
                home_address(data, r, length)
            r[IP_PROTO] = data[at]
            r[POS] = at + length
        else:
            return BY_IP_PROTO
    return STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def final_destination(data: cython.const[cython.uchar][::1], r: cython.longlong[::1], length: cython.longlong) -> cython.int:
    """While segments are left, a routing header names the real destination: in types 0 and 2 it is the last address
    (RFC 2460 section 4.4, RFC 6275 section 6.4), in a segment routing header the first one (RFC 8754 section 2)."""
    at: cython.Py_ssize_t = r[POS]
    kind: cython.longlong = data[at + 2]
    if data[at + 3] == 0 or length < 24:
        return 0
    if kind == 0 or kind == 2:
        at += 8 + (length - 24) // 16 * 16
    elif kind == 4:
        at += 8
    else:
        return 0
    r[DST_HI] = be64(data, at)
    r[DST_LO] = be64(data, at + 8)
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def home_address(data: cython.const[cython.uchar][::1], r: cython.longlong[::1], length: cython.longlong) -> cython.int:
    """The home address option (RFC 6275 section 6.3) names the real source."""
    at: cython.Py_ssize_t = r[POS] + 2
    end: cython.Py_ssize_t = r[POS] + length
    while at + 2 <= end:
        if data[at] == 0:
            at += 1
            continue
        if data[at] == 0xC9 and data[at + 1] == 16 and at + 18 <= end:
            r[SRC_HI] = be64(data, at + 2)
            r[SRC_LO] = be64(data, at + 10)
        at += 2 + cython.cast(cython.longlong, data[at + 1])
    return 0


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
    begin(r, LAYER_IP_PROTO)
    if proto == 1:
        r[KIND] = ICMP
    elif proto == 58:
        r[KIND] = ICMPV6
    elif proto == 2:
        r[KIND] = IGMP
    else:
        r[KIND] = IP_OTHER
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
        if proto == 143:
            return ETHERNET
        if proto == 137:
            return MPLS
        if proto == 103:
            return pim(data, r)
        if proto == 0 or proto == 43 or proto == 60 or proto == 44:   # they may follow an authentication header, even IPv4
            return ipv6_extensions(data, r)
    return STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def tcp(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """RFC 9293 section 3.1."""
    at: cython.Py_ssize_t = r[POS]
    header: cython.longlong
    begin(r, LAYER_TCP)
    r[KIND] = TCP
    if missing(r, 20):
        if at + 4 > r[LIMIT]:   # without ports it is no TCP row
            r[KIND] = IP_OTHER
            return STOP
        r[SRC_PORT] = be16(data, at)
        r[DST_PORT] = be16(data, at + 2)
        if at + 16 > r[LIMIT]:
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
    if at + 20 > r[LIMIT]:
        return STOP
    r[TCP_URGENT] = be16(data, at + 18)
    if header < 20:
        r[FLAGS] |= MALFORMED
        return STOP
    if missing(r, header):
        if r[WIRE_END] - at >= header:
            r[PAYLOAD_WIRE] = r[WIRE_END] - at - header
        return STOP
    r[PAYLOAD] = at + header
    r[PAYLOAD_LEN] = r[LIMIT] - at - header
    r[PAYLOAD_WIRE] = r[WIRE_END] - at - header
    if header == 32 and be32(data, at + 20) == TIME_STAMP_ALONE:
        r[TCP_TIMES] = be64(data, at + 24)
    return STOP


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def udp(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """RFC 768."""
    at: cython.Py_ssize_t = r[POS]
    length: cython.longlong
    begin(r, LAYER_UDP)
    r[KIND] = UDP
    if missing(r, 8):
        if at + 4 > r[LIMIT]:   # without ports it is no UDP row
            r[KIND] = IP_OTHER
            return STOP
        r[SRC_PORT] = be16(data, at)
        r[DST_PORT] = be16(data, at + 2)
        if at + 6 <= r[LIMIT]:
            r[UDP_LENGTH] = be16(data, at + 4)
        return STOP
    r[SRC_PORT] = be16(data, at)
    r[DST_PORT] = be16(data, at + 2)
    length = be16(data, at + 4)
    r[UDP_LENGTH] = length
    if length == 0 and r[IP_VERSION] == 6:   # RFC 2675 section 4: a jumbogram; the rest of the packet
        length = r[WIRE_END] - at
    if length < 8:
        r[FLAGS] |= MALFORMED
        return STOP
    if at + length > r[WIRE_END]:
        r[FLAGS] |= MALFORMED
    narrow(r, at + length)
    r[POS] = at + 8
    r[PAYLOAD] = at + 8
    r[PAYLOAD_LEN] = r[LIMIT] - at - 8
    r[PAYLOAD_WIRE] = length - 8
    if r[PAYLOAD_LEN] >= 8 and (is_tunnel(r[SRC_PORT]) or is_tunnel(r[DST_PORT])):
        return BY_PORT
    return STOP


# --- tunnels --------------------------------------------------------------------------------------------------------------------

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
    r[ETHERTYPE] = be16(data, at + 2)
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
    length = (20 if flags >> 5 == 0 else 8) + be16(data, at + 2)
    if end >= r[LIMIT] or end >= at + length or (data[end] >> 4 != 4 and data[end] >> 4 != 6):
        return STOP
    narrow(r, at + length)
    r[POS] = end
    r[FLAGS] |= GTP
    return BY_VERSION


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def teredo(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """RFC 4380 section 5.1.1: authentication and origin indication may come before IPv6."""
    at: cython.Py_ssize_t = r[POS]
    if be16(data, at) == 1:
        at += 13 + cython.cast(cython.longlong, data[at + 2]) + cython.cast(cython.longlong, data[at + 3])
    if at + 2 <= r[LIMIT] and be16(data, at) == 0:
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
    flags: cython.longlong = be16(data, at)
    length: cython.longlong = r[WIRE_END] - at
    if flags & 0x8000 or flags & 0xF != 2:
        return STOP
    at += 6
    if flags & 0x4000:
        at += 2
        length = be16(data, r[POS] + 2)
    if flags & 0x0800:
        at += 4
    if flags & 0x0200:
        if at + 2 > r[LIMIT]:
            return STOP
        at += 2 + be16(data, at)
    if at + 2 > r[LIMIT] or at + 2 > r[POS] + length:
        return STOP
    narrow(r, r[POS] + length)
    if be16(data, at) == 0xFF03:
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
    encapsulation: cython.longlong = be16(data, at + 2)
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
    if missing(r, 4):
        return STOP
    flags = be16(data, at)
    protocol = be16(data, at + 2)
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
            if be16(data, at - 4) == 0 and data[at - 1] == 0:
                break
            at += cython.cast(cython.longlong, data[at - 1])
    r[POS] = at
    if at >= r[WIRE_END]:
        return STOP
    if missing(r, 1):
        return STOP
    if protocol == 0x88BE and flags & 0x1000 == 0:   # ERSPAN type I has no header of its own
        return ETHERNET
    return gre_payload(data, r, protocol)


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def gre_payload(data: cython.const[cython.uchar][::1], r: cython.longlong[::1], protocol: cython.longlong) -> cython.int:
    """What a GRE protocol number announces."""
    at: cython.Py_ssize_t = r[POS]
    if protocol == ETHERTYPE_IPV4:
        return BY_VERSION
    if protocol == ETHERTYPE_IPV6 or protocol == 0x8847 or protocol == 0x8848 \
            or protocol == ETHERTYPE_PPP or protocol == 0x6558 or protocol == ETHERTYPE_ARP:
        r[ETHERTYPE] = protocol
        if protocol == ETHERTYPE_PPP and at + 2 <= r[LIMIT] and be16(data, at) == 0xFF03:
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
    if missing(r, 8):
        return STOP
    if data[at] >> 4 == 2:
        length = 12
        if missing(r, 12):
            return STOP
        if data[at + 11] & 1:
            length = 20
    elif data[at] >> 4 != 1:
        return STOP
    if missing(r, length):
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
    if missing(r, 12):
        return STOP
    length = (cython.cast(cython.longlong, data[at + 1]) + 2) * 4
    if missing(r, length):
        return STOP
    r[IP_PROTO] = data[at]
    r[POS] = at + length
    return BY_IP_PROTO


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def ether_ip(data: cython.const[cython.uchar][::1], r: cython.longlong[::1]) -> cython.int:
    """RFC 3378."""
    if missing(r, 2):
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
        r[SRC_LO] = be32(data, at + 12)
        r[DST_LO] = be32(data, at + 16)
    elif data[at] >> 4 == 6 and at + 40 <= r[LIMIT]:
        r[ADDRESS_KIND] = ADDRESS_IPV6
        r[SRC_HI] = be64(data, at + 8)
        r[SRC_LO] = be64(data, at + 16)
        r[DST_HI] = be64(data, at + 24)
        r[DST_LO] = be64(data, at + 32)
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
        elif layer == BY_LINK_TYPE:
            layer = link_layer(data, r)
        elif layer == BY_PORT:
            layer = by_port(data, r)
        elif layer == BY_PPP:
            layer = ppp(data, r)
        elif layer == ETHERNET:
            layer = ethernet(data, r)
        elif layer == LLC:
            layer = llc(data, r)
        elif layer == MPLS:
            layer = mpls(data, r)
        else:
            layer = ieee80211(data, r)
    r[END] = r[LIMIT]
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def dissect_packet(data: cython.const[cython.uchar][::1], r: cython.longlong[::1], fcs: cython.longlong) -> cython.int:
    """One packet from its link layer on; START, CAPLEN, WIRELEN and LINK_TYPE stand in the record already."""
    k: cython.Py_ssize_t
    for k in range(KIND, COUNT):
        r[k] = -1
    r[KIND] = FRAME
    r[FLAGS] = 0
    r[ADDRESS_KIND] = ADDRESS_NONE
    r[SRC_HI] = 0
    r[SRC_LO] = 0
    r[DST_HI] = 0
    r[DST_LO] = 0
    r[IP_VERSION] = 0
    r[PAYLOAD_LEN] = 0
    r[LAYER] = LAYER_UNKNOWN
    r[LAYERS] = 0
    r[FRAGMENT] = 0
    r[LINK] = r[LINK_TYPE]
    r[POS] = r[START]
    r[HEADER] = r[START]
    r[LIMIT] = r[START] + r[CAPLEN]
    r[WIRE_END] = r[START] + max(r[WIRELEN], r[CAPLEN])
    if fcs > 0 and r[WIRELEN] > fcs:
        narrow(r, r[WIRE_END] - fcs)
    return walk(data, r, BY_LINK_TYPE)


@cython.ccall
def dissect(data: cython.const[cython.uchar][::1], begin_at: cython.Py_ssize_t, table: cython.longlong[:, ::1],
            fcs: cython.const[cython.longlong][::1], record: cython.longlong[::1],
            fragments: cython.longlong[::1]) -> cython.Py_ssize_t:
    """Fill the columns from KIND on for the packets from `begin_at` on; answer how many IP fragments were among them.

    data       uint8[m]          the bytes
    begin_at   index of the first packet
    table      int64[COUNT, n]   the columns before KIND are read, the others written
    fcs        int64[i]          bytes of frame check sequence at the end of the frames of each interface; further ones: none
    record     int64[RECORD]     scratch; should one raise, record[AT_PROGRESS] packets and record[AT_FOUND] fragments are done
    fragments  int64[n]          written: indexes of the packets that are IP fragments with all their bytes

    Any bytes are valid input. A packet that does not lie in `data` is the caller's mistake and raises IndexError.
    """
    i: cython.Py_ssize_t
    k: cython.Py_ssize_t
    interface: cython.longlong
    count: cython.Py_ssize_t = table.shape[1]
    record[FOUND] = 0
    with cython.nogil:
        for i in range(begin_at, count):
            record[PROGRESS] = i
            record[START] = table[START, i]
            record[CAPLEN] = table[CAPLEN, i]
            record[WIRELEN] = table[WIRELEN, i]
            record[LINK_TYPE] = table[LINK_TYPE, i]
            interface = table[INTERFACE, i]
            dissect_packet(data, record, max(fcs[interface], 0) if interface >= 0 and interface < fcs.shape[0] else 0)
            for k in range(KIND, COUNT):
                table[k, i] = record[k]
            if record[FRAGMENT]:
                fragments[record[FOUND]] = i
                record[FOUND] += 1
    record[PROGRESS] = count
    return record[FOUND]


@cython.ccall
def resume(data: cython.const[cython.uchar][::1], index: cython.Py_ssize_t, start: cython.Py_ssize_t, length: cython.Py_ssize_t,
           table: cython.longlong[:, ::1], record: cython.longlong[::1]) -> cython.int:
    """Go on with a datagram that was put together from fragments: the headers after its IP header.

    data    uint8[m]         the bytes; the datagram's payload lies at `start`, `length` bytes long
    index   the packet that completed it; its columns are read and written
    record  int64[RECORD]    scratch; afterwards record[AT_FRAGMENT] says whether what was inside is itself a fragment

    IP_PROTO tells what the payload is.
    """
    k: cython.Py_ssize_t
    for k in range(COUNT):
        record[k] = table[k, index]
    record[FLAGS] = (record[FLAGS] & ~(CUT | HEADER_CUT | MALFORMED)) | REASSEMBLED
    record[LAYERS] = 0
    record[FRAGMENT] = 0
    record[LINK] = -1
    record[POS] = start
    record[L4] = start
    record[LIMIT] = start + length
    record[WIRE_END] = start + length
    record[KIND] = IP_OTHER
    if record[IP_VERSION] == 6:
        walk(data, record, ipv6_extensions(data, record))
    else:
        walk(data, record, BY_IP_PROTO)
    for k in range(KIND, COUNT):
        table[k, index] = record[k]
    return 0
