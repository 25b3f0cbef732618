"""The walk through the headers of each packet, and of a batch of packets. Compiled.

Layers as headers.py describes them.
"""

import cython

from sniff.packets import columns as c
from sniff.packets import cursor

if not cython.compiled:
    from sniff.packets.captures import ieee80211
    from sniff.packets.headers import end_at, ipv6_extensions, plain
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

STOP = cython.declare(cython.int, cursor.STOP)
BY_IP_PROTO = cython.declare(cython.int, cursor.BY_IP_PROTO)
BY_LINK_TYPE = cython.declare(cython.int, cursor.BY_LINK_TYPE)
BY_PORT = cython.declare(cython.int, cursor.BY_PORT)
BY_PPP = cython.declare(cython.int, cursor.BY_PPP)
ETHERNET = cython.declare(cython.int, cursor.ETHERNET)
LLC = cython.declare(cython.int, cursor.LLC)
MPLS = cython.declare(cython.int, cursor.MPLS)
PPPOE = cython.declare(cython.int, cursor.PPPOE)
IN_IP = cython.declare(cython.int, cursor.IN_IP)
GRE_PAYLOAD = cython.declare(cython.int, cursor.GRE_PAYLOAD)

FRAME = cython.declare(cython.longlong, c.Kind.FRAME)
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
def walk(data: cython.const[cython.uchar][::1], r: cython.longlong[::1], layer: cython.int) -> cython.int:
    """Follow the layers from `layer` to the innermost one."""
    layer = plain(data, r, layer)
    while layer != STOP:
        if layer == BY_LINK_TYPE:
            layer = link_layer(data, r)
        elif layer == IN_IP:
            layer = by_tunnel_proto(data, r)
        elif layer == BY_PORT:
            layer = by_port(data, r)
        elif layer == BY_PPP:
            layer = ppp(data, r)
        elif layer == LLC:
            layer = llc(data, r)
        elif layer == MPLS:
            layer = mpls(data, r)
        elif layer == PPPOE:
            layer = pppoe(data, r)
        elif layer == GRE_PAYLOAD:
            layer = gre_payload(data, r)
        else:
            layer = ieee80211(data, r)
        layer = plain(data, r, layer)
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
        end_at(r, r[WIRE_END] - fcs)
    return walk(data, r, ETHERNET if r[LINK] == 1 else BY_LINK_TYPE)


@cython.ccall
def dissect(data: cython.const[cython.uchar][::1], begin_at: cython.Py_ssize_t, table: cython.longlong[:, ::1],
            fcs: cython.const[cython.longlong][::1], record: cython.longlong[::1],
            fragments: cython.longlong[::1]) -> cython.Py_ssize_t:
    """Fill the columns from KIND on for the packets from `begin_at` on; answer how many IP fragments were among them.

    data       uint8[m]          the bytes
    begin_at   index of the first packet
    table      int64[COUNT, n]   the columns before KIND are read, the others written
    fcs        int64[i]          bytes of frame check sequence at the end of the frames of each interface; further ones: none
    record     int64[RECORD]     scratch; should one raise, record[PROGRESS] packets and record[FOUND] fragments are done
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
    record  int64[RECORD]    scratch; afterwards record[FRAGMENT] says whether what was inside is itself a fragment

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
