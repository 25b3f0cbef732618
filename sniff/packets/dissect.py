"""The walk through the headers of each packet, and of a batch of packets. Compiled.

Layers as headers.py describes them.
"""

import cython

from sniff.packets import columns as c
from sniff.packets import cursor

if not cython.compiled:
    from sniff.packets.captures import ieee80211
    from sniff.packets.headers import Packet, ipv6_extensions, is_tunnel, narrow, plain
    from sniff.packets.links import link_layer, llc, mpls, ppp, pppoe
    from sniff.packets.tunnels import by_port, by_tunnel_proto, gre_payload

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
IP_VERSION = cython.declare(cython.Py_ssize_t, c.IP_VERSION)
IP_PROTO = cython.declare(cython.Py_ssize_t, c.IP_PROTO)
L2 = cython.declare(cython.Py_ssize_t, c.L2)
ETHERTYPE = cython.declare(cython.Py_ssize_t, c.ETHERTYPE)
L3 = cython.declare(cython.Py_ssize_t, c.L3)
TTL = cython.declare(cython.Py_ssize_t, c.TTL)
OUTER_L3 = cython.declare(cython.Py_ssize_t, c.OUTER_L3)
PAYLOAD = cython.declare(cython.Py_ssize_t, c.PAYLOAD)
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
UDP_LENGTH = cython.declare(cython.Py_ssize_t, c.UDP_LENGTH)
VLAN = cython.declare(cython.Py_ssize_t, c.VLAN)
L4 = cython.declare(cython.Py_ssize_t, c.L4)
END = cython.declare(cython.Py_ssize_t, c.END)
PAYLOAD_LEN = cython.declare(cython.Py_ssize_t, c.PAYLOAD_LEN)
LAYER = cython.declare(cython.Py_ssize_t, c.LAYER)
HEADER = cython.declare(cython.Py_ssize_t, c.HEADER)
WIRE_END = cython.declare(cython.Py_ssize_t, c.WIRE_END)
COUNT = cython.declare(cython.Py_ssize_t, c.COUNT)

POS = cython.declare(cython.Py_ssize_t, cursor.POS)
LIMIT = cython.declare(cython.Py_ssize_t, cursor.LIMIT)
FRAGMENT = cython.declare(cython.Py_ssize_t, cursor.FRAGMENT)
LAYERS = cython.declare(cython.Py_ssize_t, cursor.LAYERS)
PROGRESS = cython.declare(cython.Py_ssize_t, cursor.PROGRESS)
LINK = cython.declare(cython.Py_ssize_t, cursor.LINK)
FOUND = cython.declare(cython.Py_ssize_t, cursor.FOUND)
TRACED = cython.declare(cython.Py_ssize_t, cursor.TRACED)
QUOTED = cython.declare(cython.Py_ssize_t, cursor.QUOTED)
TRACE = cython.declare(cython.Py_ssize_t, cursor.TRACE)
TRACE_SIZE = cython.declare(cython.Py_ssize_t, cursor.TRACE_SIZE)
TRACE_LAYERS = cython.declare(cython.Py_ssize_t, cursor.TRACE_LAYERS)

STOP = cython.declare(cython.int, cursor.STOP)
BY_IP_PROTO = cython.declare(cython.int, cursor.BY_IP_PROTO)
BY_LINK_TYPE = cython.declare(cython.int, cursor.BY_LINK_TYPE)
BY_PORT = cython.declare(cython.int, cursor.BY_PORT)
BY_VERSION = cython.declare(cython.int, cursor.BY_VERSION)
BY_PPP = cython.declare(cython.int, cursor.BY_PPP)
ETHERNET = cython.declare(cython.int, cursor.ETHERNET)
LLC = cython.declare(cython.int, cursor.LLC)
MPLS = cython.declare(cython.int, cursor.MPLS)
PPPOE = cython.declare(cython.int, cursor.PPPOE)
IN_IP = cython.declare(cython.int, cursor.IN_IP)
GRE_PAYLOAD = cython.declare(cython.int, cursor.GRE_PAYLOAD)

FRAME = cython.declare(cython.longlong, c.Kind.FRAME)
TCP = cython.declare(cython.longlong, c.Kind.TCP)
UDP = cython.declare(cython.longlong, c.Kind.UDP)
ADDRESS_IPV4 = cython.declare(cython.longlong, c.Address.IPV4)
LAYER_TCP = cython.declare(cython.longlong, c.Layer.TCP)
LAYER_UDP = cython.declare(cython.longlong, c.Layer.UDP)
TIME_STAMP_ALONE = cython.declare(cython.longlong, 0x0101080A)     # NOP, NOP, and the option of 10 bytes
TWO_31 = cython.declare(cython.longlong, 1 << 31)
TWO_32 = cython.declare(cython.longlong, 1 << 32)
ICMP = cython.declare(cython.longlong, c.Kind.ICMP)
ICMPV6 = cython.declare(cython.longlong, c.Kind.ICMPV6)
IP_OTHER = cython.declare(cython.longlong, c.Kind.IP_OTHER)
CUT = cython.declare(cython.longlong, c.Flag.CUT)
MALFORMED = cython.declare(cython.longlong, c.Flag.MALFORMED)
REASSEMBLED = cython.declare(cython.longlong, c.Flag.REASSEMBLED)
HEADER_CUT = cython.declare(cython.longlong, c.Flag.HEADER_CUT)
ADDRESS_NONE = cython.declare(cython.longlong, c.Address.NONE)
LAYER_UNKNOWN = cython.declare(cython.longlong, c.Layer.UNKNOWN)


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def walk(p: Packet, layer: cython.int) -> cython.int:
    """Follow the layers from `layer` to the innermost one."""
    layer = plain(p, layer)
    while layer != STOP:
        if layer == BY_LINK_TYPE:
            layer = link_layer(p)
        elif layer == IN_IP:
            layer = by_tunnel_proto(p)
        elif layer == BY_PORT:
            layer = by_port(p)
        elif layer == BY_PPP:
            layer = ppp(p)
        elif layer == LLC:
            layer = llc(p)
        elif layer == MPLS:
            layer = mpls(p)
        elif layer == PPPOE:
            layer = pppoe(p)
        elif layer == GRE_PAYLOAD:
            layer = gre_payload(p)
        else:
            layer = ieee80211(p)
        layer = plain(p, layer)
    p.r[END] = p.r[LIMIT]
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def dissect_packet(p: Packet, fcs: cython.longlong) -> cython.int:
    """One packet from its link layer on; START, CAPLEN, WIRELEN and LINK_TYPE stand in the record already."""
    k: cython.Py_ssize_t
    for k in range(KIND, COUNT):
        p.r[k] = -1
    p.r[KIND] = FRAME
    p.r[FLAGS] = 0
    p.r[ADDRESS_KIND] = ADDRESS_NONE
    p.r[SRC_HI] = 0
    p.r[SRC_LO] = 0
    p.r[DST_HI] = 0
    p.r[DST_LO] = 0
    p.r[IP_VERSION] = 0
    p.r[PAYLOAD_LEN] = 0
    p.r[LAYER] = LAYER_UNKNOWN
    p.r[LAYERS] = 0
    p.r[FRAGMENT] = 0
    p.r[LINK] = p.r[LINK_TYPE]
    p.r[POS] = p.r[START]
    p.r[HEADER] = p.r[START]
    p.r[LIMIT] = p.r[START] + p.r[CAPLEN]
    p.r[WIRE_END] = p.r[START] + max(p.r[WIRELEN], p.r[CAPLEN])
    if fcs > 0 and p.r[WIRELEN] > fcs:
        narrow(p, p.r[WIRE_END] - fcs)
    return walk(p, ETHERNET if p.r[LINK] == 1 else BY_LINK_TYPE)


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(-1, check=False)
def two(data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t) -> cython.longlong:
    """Two bytes, network order."""
    return (cython.cast(cython.longlong, data[at]) << 8) | data[at + 1]


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(-1, check=False)
def four(data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t) -> cython.longlong:
    """Four bytes, network order."""
    return (two(data, at) << 16) | two(data, at + 2)


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def usual(data: cython.const[cython.uchar][::1], begin: cython.Py_ssize_t, table: cython.longlong[:, ::1]) -> cython.Py_ssize_t:
    """Fill the columns of packets from `begin` on as long as they are what most packets are; answer the first that is not.

    What most are: Ethernet, IPv4 without options or fragments, TCP or UDP without a tunnel, all of it captured, every length
    right. The walk says the same of them, layer by layer, in twice the time; a test compares the two.
    """
    i: cython.Py_ssize_t
    at: cython.Py_ssize_t
    end: cython.Py_ssize_t
    payload: cython.Py_ssize_t
    length: cython.longlong
    protocol: cython.longlong
    number: cython.longlong
    port: cython.longlong
    for i in range(begin, table.shape[1]):
        at = table[START, i] + 14
        length = table[CAPLEN, i]
        if table[LINK_TYPE, i] != 1 or length < 42 or length != table[WIRELEN, i] or two(data, at - 2) != 0x800 \
                or data[at] != 0x45 or two(data, at + 6) & 0x3FFF:
            return i
        number = two(data, at + 2)
        if number > length - 14 or number < 28:
            return i
        end = at + number
        protocol = data[at + 9]
        number = two(data, at + 20)
        port = two(data, at + 22)
        if protocol == 17:
            length = two(data, at + 24)
            if length < 8 or at + 20 + length > end or is_tunnel(number) or is_tunnel(port):
                return i
            end = at + 20 + length
            payload = at + 28
            table[KIND, i] = UDP
            table[TCP_SEQ, i] = -1
            table[TCP_ACK, i] = -1
            table[TCP_FLAGS, i] = -1
            table[TCP_WINDOW, i] = -1
            table[TCP_HEADER, i] = -1
            table[TCP_URGENT, i] = -1
            table[TCP_TIMES, i] = -1
            table[UDP_LENGTH, i] = length
            table[LAYER, i] = LAYER_UDP
        elif protocol == 6:
            if at + 40 > end:
                return i
            length = two(data, at + 32)
            payload = at + 20 + ((length >> 12) << 2)
            if payload < at + 40 or payload > end:
                return i
            table[KIND, i] = TCP
            table[TCP_SEQ, i] = four(data, at + 24)
            table[TCP_ACK, i] = four(data, at + 28)
            table[TCP_FLAGS, i] = length & 0xFFF
            table[TCP_WINDOW, i] = two(data, at + 34)
            table[TCP_HEADER, i] = payload - at - 20
            table[TCP_URGENT, i] = two(data, at + 38)
            length = -1
            if payload == at + 52 and four(data, at + 40) == TIME_STAMP_ALONE:
                length = four(data, at + 44)
                if length >= TWO_31:
                    length -= TWO_32
                length = length * TWO_32 + four(data, at + 48)
            table[TCP_TIMES, i] = length
            table[UDP_LENGTH, i] = -1
            table[LAYER, i] = LAYER_TCP
        else:
            return i
        table[FLAGS, i] = 0
        table[ADDRESS_KIND, i] = ADDRESS_IPV4
        table[SRC_HI, i] = 0
        table[SRC_LO, i] = four(data, at + 12)
        table[DST_HI, i] = 0
        table[DST_LO, i] = four(data, at + 16)
        table[L2, i] = at - 14
        table[ETHERTYPE, i] = 0x800
        table[L3, i] = at
        table[IP_VERSION, i] = 4
        table[IP_PROTO, i] = protocol
        table[TTL, i] = data[at + 8]
        table[L4, i] = at + 20
        table[END, i] = end
        table[PAYLOAD, i] = payload
        table[PAYLOAD_LEN, i] = end - payload
        table[PAYLOAD_WIRE, i] = end - payload
        table[SRC_PORT, i] = number
        table[DST_PORT, i] = port
        table[VLAN, i] = -1
        table[OUTER_L3, i] = at
        table[HEADER, i] = at + 20
        table[WIRE_END, i] = end
    return table.shape[1]


@cython.ccall
def dissect(p: Packet, begin: cython.Py_ssize_t, table: cython.longlong[:, ::1], fcs: cython.const[cython.longlong][::1],
            fragments: cython.longlong[::1]) -> cython.Py_ssize_t:
    """Fill the columns from KIND on for the packets from `begin` on; answer how many IP fragments were among them.

    p          the batch's bytes and a record; should one raise, p.r[PROGRESS] packets and p.r[FOUND] fragments are done
    begin      index of the first packet
    table      int64[COUNT, n]   the columns before KIND are read, the others written
    fcs        int64[i]          bytes of frame check sequence at the end of the frames of each interface; further ones: none
    fragments  int64[n]          written: indexes of the packets that are IP fragments with all their bytes

    Any bytes are valid input. A packet that does not lie in `p.data` is the caller's mistake and raises IndexError.
    """
    i: cython.Py_ssize_t
    k: cython.Py_ssize_t
    interface: cython.longlong
    count: cython.Py_ssize_t = table.shape[1]
    checked: cython.bint = False
    p.r[FOUND] = 0
    with cython.nogil:
        for k in range(fcs.shape[0]):
            checked |= fcs[k] > 0
        i = begin - 1
        while True:
            i += 1
            p.r[PROGRESS] = i
            if not checked and p.r[TRACED] == 0:
                i = usual(p.data, i, table)
                p.r[PROGRESS] = i
            if i >= count:
                break
            p.r[START] = table[START, i]
            p.r[CAPLEN] = table[CAPLEN, i]
            p.r[WIRELEN] = table[WIRELEN, i]
            p.r[LINK_TYPE] = table[LINK_TYPE, i]
            interface = table[INTERFACE, i]
            dissect_packet(p, max(fcs[interface], 0) if interface >= 0 and interface < fcs.shape[0] else 0)
            for k in range(KIND, COUNT):
                table[k, i] = p.r[k]
            if p.r[FRAGMENT]:
                fragments[p.r[FOUND]] = i
                p.r[FOUND] += 1
    p.r[PROGRESS] = count
    return p.r[FOUND]


@cython.ccall
def resume(p: Packet, index: cython.Py_ssize_t, start: cython.Py_ssize_t, length: cython.Py_ssize_t,
           table: cython.longlong[:, ::1]) -> cython.int:
    """Go on with a datagram that was put together from fragments: the headers after its IP header.

    p       the bytes, among them the datagram's payload at `start`, `length` bytes long, and a record; afterwards
            p.r[FRAGMENT] says whether what was inside is itself a fragment
    index   the packet that completed it; its columns are read and written. IP_PROTO tells what the payload is
    table   int64[COUNT, n]
    """
    k: cython.Py_ssize_t
    for k in range(COUNT):
        p.r[k] = table[k, index]
    p.r[FLAGS] = (p.r[FLAGS] & ~(CUT | HEADER_CUT | MALFORMED)) | REASSEMBLED
    p.r[LAYERS] = 0
    p.r[FRAGMENT] = 0
    p.r[LINK] = -1
    p.r[POS] = start
    p.r[L4] = start
    p.r[LIMIT] = start + length
    p.r[WIRE_END] = start + length
    p.r[KIND] = IP_OTHER
    walk(p, ipv6_extensions(p) if p.r[IP_VERSION] == 6 else BY_IP_PROTO)
    for k in range(KIND, COUNT):
        table[k, index] = p.r[k]
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def quotes(p: Packet) -> cython.int:
    """1 when the walk ended at an ICMP error; then the cursor stands at the packet that it quotes (RFC 792, RFC 4443)."""
    at: cython.Py_ssize_t = p.r[L4]
    kind: cython.longlong
    if at < 0 or at + 9 > p.r[LIMIT]:
        return 0
    kind = p.data[at]
    if not ((p.r[KIND] == ICMP and (3 <= kind <= 5 or kind == 11 or kind == 12)) or (p.r[KIND] == ICMPV6 and 1 <= kind <= 4)):
        return 0
    p.r[POS] = at + 8
    p.r[WIRE_END] = p.r[LIMIT]
    p.r[QUOTED] = 1
    return 1


@cython.ccall
def trace(p: Packet, indexes: cython.const[cython.longlong][::1], begin: cython.Py_ssize_t,
          table: cython.const[cython.longlong][:, ::1], fcs: cython.const[cython.longlong][::1], whole: cython.longlong,
          out: cython.longlong[:, ::1]) -> cython.Py_ssize_t:
    """Write down every header of some packets that were dissected already, those of tunnels and of ICMP errors included.

    p        the bytes of their batch and a record
    indexes  int64[k]          the packets
    begin    the first of them to walk through; p.r[PROGRESS] tells the next one when `out` has no room for more, or one raised
    table    int64[COUNT, n]   their columns
    fcs      int64[i]          as for dissect()
    whole    where in `p.data` the datagrams begin that were put together from fragments
    out      int64[m, 1 + TRACE_SIZE]  written: index of the packet, then what cursor.TRACE_SIZE says. There must be room for
             TRACE_LAYERS rows at least
    Answers the rows written. Any bytes are valid input.
    """
    i: cython.Py_ssize_t
    k: cython.Py_ssize_t
    j: cython.Py_ssize_t
    packet: cython.Py_ssize_t
    written: cython.Py_ssize_t = 0
    interface: cython.longlong
    p.r[PROGRESS] = begin
    with cython.nogil:
        for i in range(begin, indexes.shape[0]):
            p.r[PROGRESS] = i
            if out.shape[0] - written < TRACE_LAYERS:
                return written
            packet = indexes[i]
            p.r[START] = table[START, packet]
            p.r[CAPLEN] = table[CAPLEN, packet]
            p.r[WIRELEN] = table[WIRELEN, packet]
            p.r[LINK_TYPE] = table[LINK_TYPE, packet]
            interface = table[INTERFACE, packet]
            p.r[TRACED] = 1
            p.r[QUOTED] = 0
            dissect_packet(p, max(fcs[interface], 0) if interface >= 0 and interface < fcs.shape[0] else 0)
            if table[FLAGS, packet] & REASSEMBLED and table[L4, packet] >= whole:
                for k in range(KIND, COUNT):
                    p.r[k] = table[k, packet]
                p.r[LAYERS] = 0
                p.r[POS] = p.r[L4]
                p.r[LIMIT] = p.r[END]
                p.r[KIND] = IP_OTHER
                walk(p, ipv6_extensions(p) if p.r[IP_VERSION] == 6 else BY_IP_PROTO)
            k = 0
            while k < 4 and quotes(p):
                walk(p, BY_VERSION)
                k += 1
            for k in range(p.r[TRACED] - 1):
                out[written, 0] = packet
                for j in range(TRACE_SIZE):
                    out[written, 1 + j] = p.r[TRACE + k * TRACE_SIZE + j]
                written += 1
            p.r[TRACED] = 0
    p.r[PROGRESS] = indexes.shape[0]
    return written
