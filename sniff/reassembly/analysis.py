"""Sequence analysis: the marks that Wireshark writes before a TCP row, and the numbers of each flow. Compiled.

Everything is decided when a packet is read, from the packets before it, so that a live row can be shown at once. The
rules and their order are those of tshark 4.0 in one pass; where they look odd (a number that happens to be 0 counts as
unknown, unsigned differences of times) they are that program's, and rows are compared with it.

Words: "next" is the highest sequence number a direction has reached; "other" is the opposite direction. Numbers are raw
ones, modulo 2**32 (RFC 9293 section 3.4).
"""

import cython

from sniff.packets import columns as c
from sniff.reassembly import columns as s

# --- columns -------------------------------------------------------------------------------------------------------------
NUMBER = cython.declare(cython.Py_ssize_t, c.NUMBER)
TS_NS = cython.declare(cython.Py_ssize_t, c.TS_NS)
KIND = cython.declare(cython.Py_ssize_t, c.KIND)
IP_VERSION = cython.declare(cython.Py_ssize_t, c.IP_VERSION)
IP_PROTO = cython.declare(cython.Py_ssize_t, c.IP_PROTO)
SRC_HI = cython.declare(cython.Py_ssize_t, c.SRC_HI)
SRC_LO = cython.declare(cython.Py_ssize_t, c.SRC_LO)
DST_HI = cython.declare(cython.Py_ssize_t, c.DST_HI)
DST_LO = cython.declare(cython.Py_ssize_t, c.DST_LO)
L3 = cython.declare(cython.Py_ssize_t, c.L3)
L4 = cython.declare(cython.Py_ssize_t, c.L4)
END = cython.declare(cython.Py_ssize_t, c.END)
PAYLOAD = cython.declare(cython.Py_ssize_t, c.PAYLOAD)
PAYLOAD_WIRE = cython.declare(cython.Py_ssize_t, c.PAYLOAD_WIRE)
SRC_PORT = cython.declare(cython.Py_ssize_t, c.SRC_PORT)
DST_PORT = cython.declare(cython.Py_ssize_t, c.DST_PORT)
TCP_SEQ = cython.declare(cython.Py_ssize_t, c.TCP_SEQ)
TCP_ACK = cython.declare(cython.Py_ssize_t, c.TCP_ACK)
TCP_FLAGS = cython.declare(cython.Py_ssize_t, c.TCP_FLAGS)
TCP_WINDOW = cython.declare(cython.Py_ssize_t, c.TCP_WINDOW)
TCP_HEADER = cython.declare(cython.Py_ssize_t, c.TCP_HEADER)
TCP_TIMES = cython.declare(cython.Py_ssize_t, c.TCP_TIMES)
WIRE_END = cython.declare(cython.Py_ssize_t, c.WIRE_END)
VLAN = cython.declare(cython.Py_ssize_t, c.VLAN)
UDP_LENGTH = cython.declare(cython.Py_ssize_t, c.UDP_LENGTH)
KIND_TCP = cython.declare(cython.longlong, int(c.Kind.TCP))
KIND_UDP = cython.declare(cython.longlong, int(c.Kind.UDP))

STREAM = cython.declare(cython.Py_ssize_t, s.STREAM)
DIRECTION = cython.declare(cython.Py_ssize_t, s.DIRECTION)
REL_SEQ = cython.declare(cython.Py_ssize_t, s.REL_SEQ)
REL_ACK = cython.declare(cython.Py_ssize_t, s.REL_ACK)
ACK_BASE = cython.declare(cython.Py_ssize_t, s.ACK_BASE)
WINDOW = cython.declare(cython.Py_ssize_t, s.WINDOW)
TAGS = cython.declare(cython.Py_ssize_t, s.TAGS)
DUP_FRAME = cython.declare(cython.Py_ssize_t, s.DUP_FRAME)
DUP_NUM = cython.declare(cython.Py_ssize_t, s.DUP_NUM)
SLOT = cython.declare(cython.Py_ssize_t, s.SLOT)
NEXT_SEQ = cython.declare(cython.Py_ssize_t, s.NEXT_SEQ)
ACK_RTT_NS = cython.declare(cython.Py_ssize_t, s.ACK_RTT_NS)
ROW_LEN = cython.declare(cython.Py_ssize_t, s.ROW_LEN)

ZERO_WINDOW_PROBE_ACK = cython.declare(cython.longlong, int(s.Tag.ZERO_WINDOW_PROBE_ACK))
ZERO_WINDOW = cython.declare(cython.longlong, int(s.Tag.ZERO_WINDOW))
ZERO_WINDOW_PROBE = cython.declare(cython.longlong, int(s.Tag.ZERO_WINDOW_PROBE))
DUP_ACK = cython.declare(cython.longlong, int(s.Tag.DUP_ACK))
KEEP_ALIVE_ACK = cython.declare(cython.longlong, int(s.Tag.KEEP_ALIVE_ACK))
KEEP_ALIVE = cython.declare(cython.longlong, int(s.Tag.KEEP_ALIVE))
WINDOW_FULL = cython.declare(cython.longlong, int(s.Tag.WINDOW_FULL))
WINDOW_UPDATE = cython.declare(cython.longlong, int(s.Tag.WINDOW_UPDATE))
ACKED_UNSEEN = cython.declare(cython.longlong, int(s.Tag.ACKED_UNSEEN))
PREVIOUS_LOST = cython.declare(cython.longlong, int(s.Tag.PREVIOUS_LOST))
OUT_OF_ORDER = cython.declare(cython.longlong, int(s.Tag.OUT_OF_ORDER))
SPURIOUS = cython.declare(cython.longlong, int(s.Tag.SPURIOUS_RETRANSMISSION))
FAST = cython.declare(cython.longlong, int(s.Tag.FAST_RETRANSMISSION))
RETRANSMISSION = cython.declare(cython.longlong, int(s.Tag.RETRANSMISSION))
SENT_AGAIN = cython.declare(cython.longlong, int(s.Tag.SPURIOUS_RETRANSMISSION | s.Tag.FAST_RETRANSMISSION
                                                 | s.Tag.RETRANSMISSION))
NEW_STREAM = cython.declare(cython.longlong, int(s.Tag.NEW_STREAM))
BAD_OPTIONS = cython.declare(cython.longlong, int(s.Tag.BAD_OPTIONS))
CUT_OPTIONS = cython.declare(cython.longlong, int(s.Tag.CUT_OPTIONS))
MPTCP = cython.declare(cython.longlong, int(s.Tag.MPTCP))
ACE = cython.declare(cython.longlong, int(s.Tag.ACE))
OPTION_BYTES_SHIFT = cython.declare(cython.longlong, s.OPTION_BYTES_SHIFT)

F_STREAM = cython.declare(cython.Py_ssize_t, s.F_STREAM)
F_PROTO = cython.declare(cython.Py_ssize_t, s.F_PROTO)
F_IP_VERSION = cython.declare(cython.Py_ssize_t, s.F_IP_VERSION)
F_CLIENT_HI = cython.declare(cython.Py_ssize_t, s.F_CLIENT_HI)
F_CLIENT_LO = cython.declare(cython.Py_ssize_t, s.F_CLIENT_LO)
F_SERVER_HI = cython.declare(cython.Py_ssize_t, s.F_SERVER_HI)
F_SERVER_LO = cython.declare(cython.Py_ssize_t, s.F_SERVER_LO)
F_CLIENT_PORT = cython.declare(cython.Py_ssize_t, s.F_CLIENT_PORT)
F_SERVER_PORT = cython.declare(cython.Py_ssize_t, s.F_SERVER_PORT)
F_FIRST_PACKET = cython.declare(cython.Py_ssize_t, s.F_FIRST_PACKET)
F_LAST_PACKET = cython.declare(cython.Py_ssize_t, s.F_LAST_PACKET)
F_FIRST_NS = cython.declare(cython.Py_ssize_t, s.F_FIRST_NS)
F_LAST_NS = cython.declare(cython.Py_ssize_t, s.F_LAST_NS)
F_SYN_NS = cython.declare(cython.Py_ssize_t, s.F_SYN_NS)
F_SYNACK_NS = cython.declare(cython.Py_ssize_t, s.F_SYNACK_NS)
F_ESTABLISHED_NS = cython.declare(cython.Py_ssize_t, s.F_ESTABLISHED_NS)
F_SYN_COUNT = cython.declare(cython.Py_ssize_t, s.F_SYN_COUNT)
F_PACKETS = cython.declare(cython.Py_ssize_t, s.F_PACKETS)
F_WIRE_BYTES = cython.declare(cython.Py_ssize_t, s.F_WIRE_BYTES)
F_RETRANSMISSIONS = cython.declare(cython.Py_ssize_t, s.F_RETRANSMISSIONS)
F_ZERO_WINDOWS = cython.declare(cython.Py_ssize_t, s.F_ZERO_WINDOWS)
F_STALL_NS = cython.declare(cython.Py_ssize_t, s.F_STALL_NS)
F_RTT_MIN_NS = cython.declare(cython.Py_ssize_t, s.F_RTT_MIN_NS)
F_RTT_SUM_NS = cython.declare(cython.Py_ssize_t, s.F_RTT_SUM_NS)
F_RTT_COUNT = cython.declare(cython.Py_ssize_t, s.F_RTT_COUNT)
F_FIN = cython.declare(cython.Py_ssize_t, s.F_FIN)
F_RST = cython.declare(cython.Py_ssize_t, s.F_RST)
F_FIRST_DATA_NS = cython.declare(cython.Py_ssize_t, s.F_FIRST_DATA_NS)
F_LAST_DATA_NS = cython.declare(cython.Py_ssize_t, s.F_LAST_DATA_NS)
F_MIDSTREAM = cython.declare(cython.Py_ssize_t, s.F_MIDSTREAM)
F_VLAN = cython.declare(cython.Py_ssize_t, s.F_VLAN)
F_PAYLOAD_PACKETS = cython.declare(cython.Py_ssize_t, s.F_PAYLOAD_PACKETS)
F_SENT = cython.declare(cython.Py_ssize_t, s.F_SENT)
F_HISTORY = cython.declare(cython.Py_ssize_t, s.F_HISTORY)
F_HOT = cython.declare(cython.Py_ssize_t, s.F_HOT)
F_COUNT = cython.declare(cython.Py_ssize_t, s.F_COUNT)

FIN = cython.declare(cython.longlong, 1)
SYN = cython.declare(cython.longlong, 2)
RST = cython.declare(cython.longlong, 4)
ACK = cython.declare(cython.longlong, 16)
SYN_FIN_RST = cython.declare(cython.longlong, 7)

# --- what is remembered of each direction: `memory`, DIRECTION_WIDTH numbers each, the client's first, then PAIR_WIDTH for
# the flow -----------------------------------------------------------------------------------------------------------------
M_NEXT = cython.declare(cython.Py_ssize_t, 0)          # 0: nothing known
M_NEXT_NS = cython.declare(cython.Py_ssize_t, 1)       # when it was reached
M_ACKABLE = cython.declare(cython.Py_ssize_t, 2)       # the end of what was seen without a hole; 0: nothing known
M_LAST_ACK = cython.declare(cython.Py_ssize_t, 3)
M_LAST_NS = cython.declare(cython.Py_ssize_t, 4)
M_WINDOW = cython.declare(cython.Py_ssize_t, 5)        # as on the wire; all ones: nothing known
M_SCALE = cython.declare(cython.Py_ssize_t, 6)         # -1 not known, -2 known to be unused
M_DUPLICATES = cython.declare(cython.Py_ssize_t, 7)    # LOW_32 stands for "an unseen segment was told already"
M_ACK_FRAME = cython.declare(cython.Py_ssize_t, 8)     # which packet brought M_LAST_ACK first
M_LAST_TAGS = cython.declare(cython.Py_ssize_t, 9)
M_UNSCALED = cython.declare(cython.Py_ssize_t, 10)     # 1: only its SYN was seen, whose window is never scaled
M_STALL = cython.declare(cython.Py_ssize_t, 11)        # when it closed its window; -1 open
M_TIMED = cython.declare(cython.Py_ssize_t, 12)        # segments that wait for their acknowledgement, TIMED_MOST at most
M_TIMED_SEQ = cython.declare(cython.Py_ssize_t, 13)    # their ends ...
M_TIMED_NS = cython.declare(cython.Py_ssize_t, 17)     # ... and times
TIMED_MOST = cython.declare(cython.longlong, 4)
WIDE = 21
P_SYN_NS = cython.declare(cython.Py_ssize_t, 2 * WIDE)          # time of the latest SYN; 0 none seen
P_HANDSHAKE_NS = cython.declare(cython.Py_ssize_t, 2 * WIDE + 1)  # from it to the first ACK; 0 not known
P_ACE = cython.declare(cython.Py_ssize_t, 2 * WIDE + 2)    # ACE_ASKED, ACE_AGREED, ACE_SHOWN
DIRECTION_WIDTH = cython.declare(cython.Py_ssize_t, WIDE)
WIDTH = 2 * WIDE + 3
MEMORY_WIDTH = cython.declare(cython.Py_ssize_t, WIDTH)

ACE_ASKED = cython.declare(cython.longlong, 1)     # a SYN had all three flags
ACE_AGREED = cython.declare(cython.longlong, 2)    # a SYN, ACK had one of the answers to that (RFC 9768 section 3.1.1)
ACE_SHOWN = cython.declare(cython.longlong, 4)     # somebody used the option
ACE_FLAGS = cython.declare(cython.longlong, 0x1C0)

AHEAD = cython.declare(cython.Py_ssize_t, 16)      # packets whose flows are touched before they are looked at

LOW_32 = cython.declare(cython.longlong, 0xFFFFFFFF)
SIGN_32 = cython.declare(cython.longlong, 0x80000000)
FAST_NS = cython.declare(cython.longlong, 20_000_000)
OUT_OF_ORDER_NS = cython.declare(cython.longlong, 3_000_000)


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def beyond(a: cython.longlong, b: cython.longlong) -> cython.bint:
    """Whether sequence number `a` is later than `b`, modulo 2**32."""
    return ((b - a) & SIGN_32) != 0


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def before(a: cython.longlong, b: cython.longlong) -> cython.bint:
    """Whether sequence number `a` is earlier than `b`, modulo 2**32."""
    return ((a - b) & SIGN_32) != 0


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(-1, check=False)
def be32(data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t) -> cython.longlong:
    """Four bytes, network order."""
    return ((cython.cast(cython.longlong, data[at]) << 24) | (cython.cast(cython.longlong, data[at + 1]) << 16)
            | (cython.cast(cython.longlong, data[at + 2]) << 8) | cython.cast(cython.longlong, data[at + 3]))


@cython.cfunc
@cython.nogil
@cython.exceptval(-1, check=False)
def breaks_off(data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t, kind: cython.longlong,
               length: cython.longlong) -> cython.int:
    """1 when Wireshark wants to read beyond the end of this option, and so gives up the whole packet there."""
    flags: cython.longlong
    if kind == 21:      # SNACK: it looks for the acknowledgement number inside the option
        return 1 if length == 6 else 0
    if kind == 30:      # Multipath TCP: what each kind of it needs (RFC 8684 section 3)
        if length < 3:
            return 1
        flags = data[at + 2] >> 4
        if flags == 0 or flags == 8:
            return 1 if length < 4 else 0
        if flags == 3:      # an address, of the version that is told
            flags = data[at + 2] & 15
            return 1 if length < (8 if flags == 4 else 20 if flags == 6 else 4) else 0
        if flags == 6 or flags == 7:
            return 1 if length < 12 else 0
        if flags == 2:      # the parts of a DSS that its flags announce
            if length < 4:
                return 1
            flags = data[at + 3]
            if flags & 1:
                length -= 8 if flags & 2 else 4
            if flags & 4:
                length -= 14 if flags & 8 else 10
            return 1 if length < 4 else 0
    if kind == 76 and length >= 3:   # Riverbed probe: its version and type say how long it has to be
        flags = data[at + 2]
        if flags & 1:
            flags >>= 4
            if flags > 10 or flags == 2:
                return 0
            if flags == 0 or flags == 3 or flags == 4:
                return 1 if length < 10 else 0
            if flags == 1:
                return 1 if length < 14 else 0
            return 1 if length < (18 if flags == 5 else 8) else 0
        flags >>= 1
        return 1 if 6 <= flags <= 10 and length < (8 if flags == 8 or flags == 9 else 4) else 0
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1, check=False)
def looks_duplicate(data: cython.const[cython.uchar][::1], sack: cython.Py_ssize_t, rel_ack: cython.longlong,
                    base: cython.longlong) -> cython.int:
    """1 when the first SACK block of the packet says what is known already (RFC 2883 section 4).

    Wireshark asks that after every SACK option, also after one that holds no block, and then reads beyond its end.

    sack  index of the packet's first block; 0 when there is none, whose edges then count as 0
    """
    right: cython.longlong
    if sack == 0:
        return 1 if not beyond(0, rel_ack) else 0
    right = (be32(data, sack + 4) - base) & LOW_32
    if not beyond(right, rel_ack):
        return 1
    if data[sack - 1] >= 18:   # a second block around the first
        return 1 if (before((be32(data, sack + 8) - base) & LOW_32, right)
                     and not before((be32(data, sack + 12) - base) & LOW_32, right)) else 0
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1, check=False)
def options(data: cython.const[cython.uchar][::1], begin: cython.Py_ssize_t, end: cython.Py_ssize_t,
            captured: cython.Py_ssize_t, wire: cython.Py_ssize_t, rel_ack: cython.longlong,
            base: cython.longlong) -> cython.longlong:
    """What the options of one segment change: bits 0..7 the window scale + 1 (0: none); MPTCP; and BAD_OPTIONS or
    CUT_OPTIONS together with how many bytes were read before that.

    begin, end  their first index and the one after the last, by the header's length
    captured    the index after the packet's last captured byte
    wire        the index after its last byte on the wire
    rel_ack     relative acknowledgement number
    base        raw sequence number that is 0 for it
    """
    sack: cython.Py_ssize_t = 0
    at: cython.Py_ssize_t = begin
    kind: cython.longlong
    length: cython.longlong
    wanted: cython.Py_ssize_t
    found: cython.longlong = 0
    shift: cython.longlong
    while at < end:
        wanted = at + 1
        if wanted <= captured:
            kind = data[at]
            if kind == 1:
                at += 1
                continue
            if at + 1 >= end and kind != 0:
                return found
            wanted = at + 2
            if kind == 0:   # the end of the list, and padding
                if end <= captured:
                    return found
                wanted = end
            elif wanted <= captured:
                length = data[at + 1]
                if length < 2 or (at + length > end and end - 2 <= captured):
                    return found
                wanted = at + length if at + length <= end else end - 2
                if wanted <= captured:
                    if kind == 3 and length == 3:
                        shift = data[at + 2]
                        found = (found & ~0xFF) | ((14 if shift > 14 else shift) + 1)
                    elif kind == 30:
                        found |= MPTCP
                    elif (kind == 172 or kind == 174) and length <= 11 and length % 3 == 2:
                        found |= ACE
                    elif (kind == 253 or kind == 254) and 4 <= length <= 13 and length % 3 == 1 and data[at + 2] == 0xAC and (
                            (data[at + 3] | 1) == 0xC1):
                        found |= ACE
                    elif kind == 5:
                        if length >= 10 and sack == 0:
                            sack = at + 2
                        if length < 10 and looks_duplicate(data, sack, rel_ack, base):
                            return found | BAD_OPTIONS | (at - begin) << OPTION_BYTES_SHIFT
                    if kind != 8 and breaks_off(data, at, kind, length):
                        return found | BAD_OPTIONS | (at - begin) << OPTION_BYTES_SHIFT
                    at += length
                    continue
        found |= (CUT_OPTIONS if wanted <= wire else BAD_OPTIONS) | (at - begin) << OPTION_BYTES_SHIFT
        return found
    return found


@cython.cfunc
@cython.nogil
@cython.exceptval(-1, check=False)
def touch(begin: cython.Py_ssize_t, end: cython.Py_ssize_t, out: cython.const[cython.longlong][:, ::1],
          memory: cython.const[cython.longlong][::1], flows: cython.const[cython.longlong][::1],
          rows_wanted: cython.bint) -> cython.longlong:
    """Read a number of every cache line that analyse() will need for these packets; what it answers means nothing."""
    i: cython.Py_ssize_t
    k: cython.Py_ssize_t
    slot: cython.Py_ssize_t
    seen: cython.longlong = 0
    for i in range(begin, end):
        slot = out[SLOT, i]
        if slot >= 0:
            for k in range(slot * MEMORY_WIDTH, (slot + 1) * MEMORY_WIDTH, 8):
                seen ^= memory[k]
            if rows_wanted:
                for k in range(slot * F_COUNT, slot * F_COUNT + F_HOT, 8):
                    seen ^= flows[k]
    return seen & LOW_32


@cython.ccall
def analyse(data: cython.const[cython.uchar][::1], table: cython.const[cython.longlong][:, ::1],
            out: cython.longlong[:, ::1], memory: cython.longlong[::1],
            flows: cython.longlong[::1], rows_wanted: cython.bint, many: cython.bint) -> cython.Py_ssize_t:
    """Marks and numbers of the packets of one batch whose slots are known; answer how many packets had a flow.

    data    uint8[m]
    table   int64[packets.COUNT, n]
    out     int64[COUNT, n]             SLOT, STREAM, DIRECTION, REL_SEQ, REL_ACK and the first TAGS are read; the rest is
                                        written
    memory  int64[slots * WIDTH]        what is remembered of each flow; a NEW_STREAM starts afresh
    flows   int64[slots * F_COUNT]      one row a flow: everything but what only reassembly knows
    rows_wanted  False: one row for all of them, whose numbers mean nothing
    many    there are more flows than a near cache holds
    """
    i: cython.Py_ssize_t
    k: cython.Py_ssize_t
    done: cython.Py_ssize_t = 0
    slot: cython.Py_ssize_t
    row: cython.Py_ssize_t
    pair: cython.Py_ssize_t
    fwd: cython.Py_ssize_t
    rev: cython.Py_ssize_t
    kept: cython.Py_ssize_t
    d: cython.Py_ssize_t
    now: cython.longlong
    number: cython.longlong
    tags: cython.longlong
    flags: cython.longlong
    header: cython.longlong
    captured: cython.longlong
    length: cython.longlong
    seq: cython.longlong
    ack: cython.longlong
    window: cython.longlong
    nxt: cython.longlong
    next_seq: cython.longlong
    scale: cython.longlong
    elapsed: cython.longlong
    threshold: cython.longlong
    found: cython.longlong
    rtt: cython.longlong
    not_advanced: cython.bint
    plain: cython.bint
    count: cython.Py_ssize_t = table.shape[1]
    touched: cython.Py_ssize_t = 0
    seen: cython.longlong = 0
    with cython.nogil:
        for i in range(count):
            if cython.compiled and many and i == touched:
                touched = i + AHEAD if i + AHEAD < count else count
                seen ^= touch(i, touched, out, memory, flows, rows_wanted)
            out[DUP_FRAME, i] = 0
            out[DUP_NUM, i] = 0
            out[ACK_RTT_NS, i] = -1
            slot = out[SLOT, i]
            if slot < 0:
                out[REL_SEQ, i] = 0
                out[REL_ACK, i] = 0
                out[WINDOW, i] = 0
                out[NEXT_SEQ, i] = 0
                out[ROW_LEN, i] = -1
                if table[KIND, i] == KIND_UDP and table[UDP_LENGTH, i] >= 0:
                    out[ROW_LEN, i] = table[PAYLOAD_WIRE, i]
                continue
            done += 1
            d = out[DIRECTION, i]
            row = slot * F_COUNT if rows_wanted else 0
            tags = out[TAGS, i]
            now = table[TS_NS, i]
            number = table[NUMBER, i]
            length = table[PAYLOAD_WIRE, i]

            # --- the flow ---
            if tags & NEW_STREAM and rows_wanted:
                for k in range(row, row + F_COUNT):
                    flows[k] = 0
                flows[row + F_STREAM] = out[STREAM, i]
                flows[row + F_PROTO] = table[IP_PROTO, i]
                flows[row + F_IP_VERSION] = table[IP_VERSION, i]
                flows[row + F_CLIENT_HI] = table[SRC_HI if d == 0 else DST_HI, i]
                flows[row + F_CLIENT_LO] = table[SRC_LO if d == 0 else DST_LO, i]
                flows[row + F_SERVER_HI] = table[DST_HI if d == 0 else SRC_HI, i]
                flows[row + F_SERVER_LO] = table[DST_LO if d == 0 else SRC_LO, i]
                flows[row + F_CLIENT_PORT] = table[SRC_PORT if d == 0 else DST_PORT, i]
                flows[row + F_SERVER_PORT] = table[DST_PORT if d == 0 else SRC_PORT, i]
                flows[row + F_FIRST_PACKET] = number
                flows[row + F_FIRST_NS] = now
                flows[row + F_SYN_NS] = -1
                flows[row + F_SYNACK_NS] = -1
                flows[row + F_ESTABLISHED_NS] = -1
                flows[row + F_RTT_MIN_NS] = -1
                flows[row + F_RTT_MIN_NS + 1] = -1
                flows[row + F_FIRST_DATA_NS] = -1
                flows[row + F_FIRST_DATA_NS + 1] = -1
                flows[row + F_LAST_DATA_NS] = -1
                flows[row + F_LAST_DATA_NS + 1] = -1
                flows[row + F_VLAN] = table[VLAN, i]
            flows[row + F_LAST_PACKET] = number
            flows[row + F_LAST_NS] = now
            flows[row + F_PACKETS + d] += 1
            if table[PAYLOAD, i] >= 0 and length >= 0:
                flows[row + F_WIRE_BYTES + d] += table[PAYLOAD, i] - table[L3, i] + length
            else:
                flows[row + F_WIRE_BYTES + d] += table[END, i] - table[L3, i]
            if length > 0:
                flows[row + F_PAYLOAD_PACKETS + d] += 1
                flows[row + F_SENT + d] += length
                flows[row + F_LAST_DATA_NS + d] = now
                if flows[row + F_FIRST_DATA_NS + d] == -1:
                    flows[row + F_FIRST_DATA_NS + d] = now

            if table[KIND, i] != KIND_TCP:
                out[REL_SEQ, i] = 0
                out[REL_ACK, i] = 0
                out[WINDOW, i] = 0
                out[NEXT_SEQ, i] = 0
                out[ROW_LEN, i] = length
                continue

            # --- TCP ---
            pair = slot * MEMORY_WIDTH
            fwd = pair + d * DIRECTION_WIDTH
            rev = pair + (1 - d) * DIRECTION_WIDTH
            flags = table[TCP_FLAGS, i]
            window = table[TCP_WINDOW, i]
            header = table[TCP_HEADER, i]
            if tags & NEW_STREAM:
                for k in range(pair, pair + MEMORY_WIDTH):
                    memory[k] = 0
                memory[fwd + M_WINDOW] = LOW_32
                memory[rev + M_WINDOW] = LOW_32
                memory[fwd + M_SCALE] = -1
                memory[rev + M_SCALE] = -1
                memory[fwd + M_STALL] = -1
                memory[rev + M_STALL] = -1
                flows[row + F_MIDSTREAM] = 0 if flags & SYN else 1
            k = memory[pair + P_ACE]
            if flags & SYN:
                if not flags & ACK:
                    if (flags & ACE_FLAGS) == ACE_FLAGS:
                        memory[pair + P_ACE] |= ACE_ASKED
                elif (0b1011100 >> ((flags >> 6) & 7)) & 1:
                    memory[pair + P_ACE] |= ACE_AGREED
            elif k & ACE_SHOWN or (k & (ACE_ASKED | ACE_AGREED)) == (ACE_ASKED | ACE_AGREED):
                tags |= ACE
                out[TAGS, i] = tags
            length = table[WIRE_END, i] - table[L4, i] - header
            captured = table[END, i]
            out[ROW_LEN, i] = length if header >= 20 and table[L4, i] + 20 <= captured else -1
            out[WINDOW, i] = window
            out[NEXT_SEQ, i] = out[REL_SEQ, i]
            if length >= 0:
                seq = table[TCP_SEQ, i]
                ack = table[TCP_ACK, i]
                nxt = memory[fwd + M_NEXT]
                plain = (flags & SYN_FIN_RST) == 0
                while True:   # once; `break` leaves for what every segment goes through
                    if length == 1 and seq == nxt and memory[rev + M_WINDOW] == 0:
                        tags |= ZERO_WINDOW_PROBE
                        break
                    if window == 0 and plain:
                        tags |= ZERO_WINDOW
                    if nxt != 0 and beyond(seq, nxt) and not (flags & RST):
                        tags |= PREVIOUS_LOST
                    if length <= 1 and seq == ((nxt - 1) & LOW_32) and plain:
                        tags |= KEEP_ALIVE
                    if length > 0:
                        scale = memory[rev + M_SCALE]
                        if scale != -1 and plain:
                            if memory[rev + M_UNSCALED] or scale == -2:
                                scale = 0
                            if ((seq + length) & LOW_32) == ((memory[rev + M_LAST_ACK]
                                                             + (memory[rev + M_WINDOW] << scale)) & LOW_32):
                                tags |= WINDOW_FULL
                        break
                    if seq == nxt and ack == memory[fwd + M_LAST_ACK] and plain:
                        if window != memory[fwd + M_WINDOW]:
                            if window:
                                tags |= WINDOW_UPDATE
                        elif window:
                            if memory[rev + M_LAST_TAGS] & KEEP_ALIVE:
                                tags |= KEEP_ALIVE_ACK
                                break
                            memory[fwd + M_DUPLICATES] = (memory[fwd + M_DUPLICATES] + 1) & LOW_32
                            if memory[fwd + M_DUPLICATES] == 0:
                                memory[fwd + M_DUPLICATES] = 1
                            tags |= DUP_ACK
                            out[DUP_NUM, i] = memory[fwd + M_DUPLICATES]
                            out[DUP_FRAME, i] = memory[fwd + M_ACK_FRAME]
                        elif memory[rev + M_LAST_TAGS] & ZERO_WINDOW_PROBE:
                            tags |= ZERO_WINDOW_PROBE_ACK
                    break

                if ack != memory[fwd + M_LAST_ACK]:
                    memory[fwd + M_ACK_FRAME] = number
                    memory[fwd + M_DUPLICATES] = 0
                if flags & ACK and memory[rev + M_ACKABLE] != 0 and beyond(ack, memory[rev + M_ACKABLE]):
                    # Once per hole: the mark moves on to what was seen beyond it; when nothing was, it is remembered as told.
                    if beyond(memory[rev + M_NEXT], memory[rev + M_ACKABLE]):
                        memory[rev + M_ACKABLE] = memory[rev + M_NEXT]
                        tags |= ACKED_UNSEEN
                    else:
                        if memory[rev + M_DUPLICATES] == 0:
                            tags |= ACKED_UNSEEN
                        memory[rev + M_DUPLICATES] = LOW_32
                next_seq = (seq + length) & LOW_32
                if length > 0 or flags & (SYN | FIN):
                    if flags & (SYN | FIN):
                        next_seq = (next_seq + 1) & LOW_32
                    if not (tags & KEEP_ALIVE):
                        not_advanced = nxt != 0 and before(seq, nxt)
                        if length > 1 and seq == ((nxt - 1) & LOW_32):
                            not_advanced = False   # the byte before may have been a probe of a closed window
                        if (length > 0 and memory[rev + M_LAST_ACK] != 0
                                and not beyond((seq + length) & LOW_32, memory[rev + M_LAST_ACK])):
                            tags |= SPURIOUS
                        elif not_advanced:
                            elapsed = now - memory[rev + M_LAST_NS]
                            if (memory[rev + M_DUPLICATES] >= 2 and memory[rev + M_LAST_ACK] == seq
                                    and 0 <= elapsed < FAST_NS):
                                tags |= FAST
                            else:
                                elapsed = now - memory[fwd + M_NEXT_NS]
                                threshold = memory[pair + P_HANDSHAKE_NS]
                                if threshold == 0:
                                    threshold = OUT_OF_ORDER_NS
                                if nxt != next_seq and (0 <= elapsed < threshold or (threshold < 0 and (
                                        elapsed >= 0 or elapsed < threshold))):
                                    tags |= OUT_OF_ORDER
                                else:
                                    tags |= RETRANSMISSION
                if not (tags & ZERO_WINDOW_PROBE):
                    if nxt == 0 or beyond(next_seq, nxt):
                        memory[fwd + M_NEXT] = next_seq
                        memory[fwd + M_NEXT_NS] = now
                    if seq == memory[fwd + M_ACKABLE] or memory[fwd + M_ACKABLE] == 0:
                        memory[fwd + M_ACKABLE] = memory[fwd + M_NEXT]

                # --- window: how long was the other end kept waiting? ---
                if window == 0 and plain:
                    if memory[fwd + M_STALL] == -1:
                        memory[fwd + M_STALL] = now
                        flows[row + F_ZERO_WINDOWS + d] += 1
                elif memory[fwd + M_STALL] != -1:
                    flows[row + F_STALL_NS + 1 - d] += now - memory[fwd + M_STALL]
                    memory[fwd + M_STALL] = -1

                memory[fwd + M_WINDOW] = window
                memory[fwd + M_LAST_ACK] = ack
                memory[fwd + M_LAST_NS] = now
                memory[fwd + M_LAST_TAGS] = tags

                # --- round trips (RFC 6298 section 3: none from a segment that was sent again) ---
                if memory[rev + M_TIMED] and flags & ACK:
                    kept = 0
                    rtt = -1
                    for k in range(memory[rev + M_TIMED]):
                        if memory[rev + M_TIMED_SEQ + k] == ack:
                            rtt = now - memory[rev + M_TIMED_NS + k]
                        elif beyond(memory[rev + M_TIMED_SEQ + k], ack):
                            memory[rev + M_TIMED_SEQ + kept] = memory[rev + M_TIMED_SEQ + k]
                            memory[rev + M_TIMED_NS + kept] = memory[rev + M_TIMED_NS + k]
                            kept += 1
                    memory[rev + M_TIMED] = kept
                    if rtt >= 0:
                        out[ACK_RTT_NS, i] = rtt
                        flows[row + F_RTT_SUM_NS + 1 - d] += rtt
                        flows[row + F_RTT_COUNT + 1 - d] += 1
                        if flows[row + F_RTT_MIN_NS + 1 - d] == -1 or rtt < flows[row + F_RTT_MIN_NS + 1 - d]:
                            flows[row + F_RTT_MIN_NS + 1 - d] = rtt
                if tags & SENT_AGAIN:
                    memory[fwd + M_TIMED] = 0
                    flows[row + F_RETRANSMISSIONS + d] += 1
                elif (length > 0 or flags & (SYN | FIN)) and memory[fwd + M_TIMED] < TIMED_MOST:
                    k = memory[fwd + M_TIMED]
                    memory[fwd + M_TIMED_SEQ + k] = next_seq
                    memory[fwd + M_TIMED_NS + k] = now
                    memory[fwd + M_TIMED] = k + 1

                scale = memory[fwd + M_SCALE]
                out[WINDOW, i] = (window << scale) & LOW_32 if scale > 0 and not (flags & SYN) else window
                out[NEXT_SEQ, i] = (out[REL_SEQ, i] + length + (1 if flags & (SYN | FIN) else 0)) & LOW_32
            if header < 20:   # Wireshark gives up at such a header, before it shows marks
                out[TAGS, i] = tags & (NEW_STREAM | ACE)
                continue
            out[TAGS, i] = tags

            # --- the handshake ---
            if flags & SYN:
                memory[fwd + M_UNSCALED] = 1
                if flags & ACK:
                    if flows[row + F_SYNACK_NS] == -1:
                        flows[row + F_SYNACK_NS] = now
                else:
                    memory[pair + P_SYN_NS] = now
                    if d == 0:
                        flows[row + F_SYN_COUNT] += 1
                    if flows[row + F_SYN_NS] == -1:
                        flows[row + F_SYN_NS] = now
            elif flags & ACK:
                memory[fwd + M_UNSCALED] = 0
                if memory[pair + P_SYN_NS] != 0 and memory[pair + P_HANDSHAKE_NS] == 0:
                    memory[pair + P_HANDSHAKE_NS] = now - memory[pair + P_SYN_NS]
                if flows[row + F_ESTABLISHED_NS] == -1 and d == 0 and flows[row + F_SYNACK_NS] != -1:
                    flows[row + F_ESTABLISHED_NS] = now
            if flags & FIN and flows[row + F_FIN + d] == 0:
                flows[row + F_FIN + d] = number
            if flags & RST and flows[row + F_RST + d] == 0:
                flows[row + F_RST + d] = number
            if table[L4, i] + 20 > captured:   # ... and at such a one
                out[TAGS, i] = tags & (NEW_STREAM | ACE)
                continue

            if header > 20 and not (header == 32 and table[TCP_TIMES, i] != -1):
                k = table[L4, i] + 20
                found = options(data, k, table[L4, i] + header, captured, table[WIRE_END, i], out[REL_ACK, i],
                                out[ACK_BASE, i])
                if found & ACE:
                    memory[pair + P_ACE] |= ACE_SHOWN
                if found & 0xFF:
                    memory[fwd + M_SCALE] = (found & 0xFF) - 1
                if length < 0 and not (found & CUT_OPTIONS):
                    found |= BAD_OPTIONS if found & BAD_OPTIONS else BAD_OPTIONS | 40 << OPTION_BYTES_SHIFT
                if found & (BAD_OPTIONS | CUT_OPTIONS):   # ... and at such options, likewise
                    out[TAGS, i] = tags & (NEW_STREAM | ACE) | found & ~(0xFF | ACE)
                    continue
                out[TAGS, i] = tags | found & ~(0xFF | ACE)
            if flags & SYN:   # scaling is used only when both SYNs offer it (RFC 7323 section 2.2)
                if memory[fwd + M_SCALE] == -1:
                    memory[fwd + M_SCALE] = -2
                    memory[rev + M_SCALE] = -2
                elif flags & ACK and memory[rev + M_SCALE] == -2:
                    memory[fwd + M_SCALE] = -2
    return done if seen >= 0 else 0     # it always is; but a compiler leaves out what nobody looks at
