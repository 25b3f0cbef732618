"""The flow table: which conversation a packet belongs to, and in which direction it travels. Compiled.

A flow is two addresses, two ports and a protocol; VLAN tags, tunnels and interfaces are no part of it, as in Wireshark.
The table is open addressing over int64: a bucket holds 31 bits of the key's hash and the flow's slot, so that a probe
that misses does not touch the flow. The hash is keyed with secret numbers, so that nobody can send packets that all
fall into one bucket.

A slot is not handed out again before its batch is over: every loop over a batch may keep what it knows by slot.

With tens of thousands of flows nearly every packet needs memory that is in no near cache. What a packet will touch is
therefore read some packets ahead, in loops of their own whose reads do not wait for each other (`touch`): the processor
fetches ten lines in the time of one.
"""

import cython

from sniff.packets import columns as c
from sniff.reassembly import columns as s

# --- columns -------------------------------------------------------------------------------------------------------------
TS_NS = cython.declare(cython.Py_ssize_t, c.TS_NS)
KIND = cython.declare(cython.Py_ssize_t, c.KIND)
SRC_HI = cython.declare(cython.Py_ssize_t, c.SRC_HI)
SRC_LO = cython.declare(cython.Py_ssize_t, c.SRC_LO)
DST_HI = cython.declare(cython.Py_ssize_t, c.DST_HI)
DST_LO = cython.declare(cython.Py_ssize_t, c.DST_LO)
IP_VERSION = cython.declare(cython.Py_ssize_t, c.IP_VERSION)
SRC_PORT = cython.declare(cython.Py_ssize_t, c.SRC_PORT)
DST_PORT = cython.declare(cython.Py_ssize_t, c.DST_PORT)
L4 = cython.declare(cython.Py_ssize_t, c.L4)
WIRE_END = cython.declare(cython.Py_ssize_t, c.WIRE_END)
TCP_SEQ = cython.declare(cython.Py_ssize_t, c.TCP_SEQ)
TCP_ACK = cython.declare(cython.Py_ssize_t, c.TCP_ACK)
TCP_HEADER = cython.declare(cython.Py_ssize_t, c.TCP_HEADER)
TCP_FLAGS = cython.declare(cython.Py_ssize_t, c.TCP_FLAGS)
TCP_WINDOW = cython.declare(cython.Py_ssize_t, c.TCP_WINDOW)
UDP_LENGTH = cython.declare(cython.Py_ssize_t, c.UDP_LENGTH)
KIND_TCP = cython.declare(cython.longlong, int(c.Kind.TCP))
KIND_UDP = cython.declare(cython.longlong, int(c.Kind.UDP))

STREAM = cython.declare(cython.Py_ssize_t, s.STREAM)
DIRECTION = cython.declare(cython.Py_ssize_t, s.DIRECTION)
REL_SEQ = cython.declare(cython.Py_ssize_t, s.REL_SEQ)
REL_ACK = cython.declare(cython.Py_ssize_t, s.REL_ACK)
ACK_BASE = cython.declare(cython.Py_ssize_t, s.ACK_BASE)
TAGS = cython.declare(cython.Py_ssize_t, s.TAGS)
SLOT = cython.declare(cython.Py_ssize_t, s.SLOT)
PORTS_REUSED = cython.declare(cython.longlong, int(s.Tag.PORTS_REUSED))
NEW_STREAM = cython.declare(cython.longlong, int(s.Tag.NEW_STREAM))
REASON_REUSED = cython.declare(cython.longlong, int(s.EndReason.REUSED))

FLAG_SYN = cython.declare(cython.longlong, 2)
FLAG_ACK = cython.declare(cython.longlong, 16)
FLAG_SYN_ACK = cython.declare(cython.longlong, 18)

# --- one row of `keys`: what tells a flow -----------------------------------------------------------------------------------
CLIENT_HI = 0
CLIENT_LO = 1
SERVER_HI = 2
SERVER_LO = 3
PORTS = 4        # protocol kind, IP version, client port, server port; 0: nobody can find this flow, or there is none
STREAM_NUMBER = 5
BASE = 6         # and 7: sequence number that is 0 for the client and for the server; -1 as long as nobody knows
WIDTH = 8        # one cache line

K_CLIENT_HI = cython.declare(cython.Py_ssize_t, CLIENT_HI)
K_CLIENT_LO = cython.declare(cython.Py_ssize_t, CLIENT_LO)
K_SERVER_HI = cython.declare(cython.Py_ssize_t, SERVER_HI)
K_SERVER_LO = cython.declare(cython.Py_ssize_t, SERVER_LO)
K_PORTS = cython.declare(cython.Py_ssize_t, PORTS)
K_STREAM = cython.declare(cython.Py_ssize_t, STREAM_NUMBER)
K_BASE = cython.declare(cython.Py_ssize_t, BASE)

# --- `state`: numbers that outlive a call --------------------------------------------------------------------------------------
LIVE = 0         # flows that can be found
TCP_STREAMS = 1  # streams numbered so far
UDP_STREAMS = 2
FREE = 3         # entries of the free list
ENDS = 4         # entries of `ends`
USED = 5         # slots that were handed out at least once: those from 0 on
TOUCHED = 6      # means nothing
STATE_COUNT = 8
S_LIVE = cython.declare(cython.Py_ssize_t, LIVE)
S_TCP = cython.declare(cython.Py_ssize_t, TCP_STREAMS)
S_UDP = cython.declare(cython.Py_ssize_t, UDP_STREAMS)
S_FREE = cython.declare(cython.Py_ssize_t, FREE)
S_ENDS = cython.declare(cython.Py_ssize_t, ENDS)
S_USED = cython.declare(cython.Py_ssize_t, USED)
S_TOUCHED = cython.declare(cython.Py_ssize_t, TOUCHED)

# --- `ends`: flows that can no longer be found, in the order of packets ------------------------------------------------------------
END_PACKET = 0   # index of the packet before which the flow ended
END_SLOT = 1
END_REASON = 2
END_WIDTH = 3
E_PACKET = cython.declare(cython.Py_ssize_t, END_PACKET)
E_SLOT = cython.declare(cython.Py_ssize_t, END_SLOT)
E_REASON = cython.declare(cython.Py_ssize_t, END_REASON)

NEVER = (1 << 63) - 1
NO_TIME = cython.declare(cython.longlong, NEVER)
AHEAD = cython.declare(cython.Py_ssize_t, 64)                 # packets whose flows are touched before they are looked at
MANY = 512
MANY_FLOWS = cython.declare(cython.longlong, MANY)            # with fewer flows than this their memory stays in a near cache

LOW_32 = cython.declare(cython.longlong, 0xFFFFFFFF)
LOW_31 = cython.declare(cython.longlong, 0x7FFFFFFF)

SECRETS = 10
"""Secret multipliers of the hash: odd numbers below 2**27, so that a sum of ten products with 32-bit words stays below
2**63 and compiled and uncompiled agree."""


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(-1, check=False)
def hash_of(a_hi: cython.longlong, a_lo: cython.longlong, a_port: cython.longlong, b_hi: cython.longlong,
            b_lo: cython.longlong, b_port: cython.longlong, protocol: cython.longlong,
            secrets: cython.longlong[::1]) -> cython.longlong:
    """31 bits that are the same for both directions of a flow."""
    swap: cython.bint
    h: cython.longlong
    if a_lo != b_lo:
        swap = a_lo > b_lo
    elif a_hi != b_hi:
        swap = a_hi > b_hi
    else:
        swap = a_port > b_port
    if swap:
        a_hi, b_hi = b_hi, a_hi
        a_lo, b_lo = b_lo, a_lo
        a_port, b_port = b_port, a_port
    h = ((a_lo & LOW_32) * secrets[0] + (b_lo & LOW_32) * secrets[1]
         + ((a_port << 16) | b_port) * secrets[2] + protocol * secrets[3])
    if protocol & 8:   # IPv6: 256 bits of addresses, not 64
        h += (((a_lo >> 32) & LOW_32) * secrets[4] + (a_hi & LOW_32) * secrets[5]
              + ((a_hi >> 32) & LOW_32) * secrets[6] + ((b_lo >> 32) & LOW_32) * secrets[7]
              + (b_hi & LOW_32) * secrets[8] + ((b_hi >> 32) & LOW_32) * secrets[9])
    h ^= h >> 32
    h = (h & LOW_32) * 0x45D9F3B5
    h ^= h >> 29
    h = (h & LOW_32) * 0x45D9F3B5
    return (h >> 24) & LOW_31


@cython.cfunc
@cython.nogil
@cython.exceptval(-1, check=False)
def hash_of_row(keys: cython.const[cython.longlong][:, ::1], slot: cython.Py_ssize_t,
                secrets: cython.longlong[::1]) -> cython.longlong:
    """The hash of a flow that lives."""
    ports: cython.longlong = keys[slot, K_PORTS]
    return hash_of(keys[slot, K_CLIENT_HI], keys[slot, K_CLIENT_LO], (ports >> 16) & 0xFFFF, keys[slot, K_SERVER_HI],
                   keys[slot, K_SERVER_LO], ports & 0xFFFF, ports >> 32, secrets)


@cython.cfunc
@cython.nogil
@cython.exceptval(-1, check=False)
def touch(table: cython.const[cython.longlong][:, ::1], begin: cython.Py_ssize_t, end: cython.Py_ssize_t,
          out: cython.longlong[:, ::1], keys: cython.const[cython.longlong][:, ::1],
          buckets: cython.const[cython.longlong][::1], secrets: cython.longlong[::1]) -> cython.longlong:
    """Read what assign() will read of these packets' buckets and flows; what it answers, and SLOT, mean nothing."""
    i: cython.Py_ssize_t
    k: cython.Py_ssize_t
    kind: cython.longlong
    seen: cython.longlong = 0
    for i in range(begin, end):
        kind = table[KIND, i]
        out[SLOT, i] = hash_of(table[SRC_HI, i], table[SRC_LO, i], table[SRC_PORT, i], table[DST_HI, i], table[DST_LO, i],
                               table[DST_PORT, i], kind | (8 if table[IP_VERSION, i] == 6 else 0), secrets)
    for i in range(begin, end):
        out[SLOT, i] = buckets[out[SLOT, i] & (buckets.shape[0] - 1)] & LOW_32
    for i in range(begin, end):
        k = out[SLOT, i]
        if 0 < k <= keys.shape[0]:
            seen ^= keys[k - 1, K_PORTS]
    return seen & LOW_31


@cython.ccall
def assign(table: cython.const[cython.longlong][:, ::1], begin: cython.Py_ssize_t, out: cython.longlong[:, ::1],
           keys: cython.longlong[:, ::1], last: cython.longlong[::1], buckets: cython.longlong[::1],
           free: cython.longlong[::1], ends: cython.longlong[:, ::1], state: cython.longlong[::1],
           secrets: cython.longlong[::1], most: cython.longlong, udp: cython.bint) -> cython.Py_ssize_t:
    """Slot, stream number and direction of the packets from `begin` on; answer the index of the first one not done.

    table    int64[packets.COUNT, n]
    out      int64[COUNT, n]     written: SLOT, STREAM, DIRECTION, REL_SEQ, REL_ACK, ACK_BASE, and TAGS with PORTS_REUSED
             and NEW_STREAM
    keys     int64[slots, WIDTH] the flows
    last     int64[slots]        time of the last packet of each flow; NEVER where there is none. Apart from `keys`, since
             whoever looks for the idlest flow reads nothing else
    buckets  int64[2**k]         0: empty, otherwise hash bits << 32 | slot + 1; at least twice as many as slots
    free     int64[slots]        slots that are free again; state[FREE] says how many
    ends     int64[>= n, END_WIDTH]  written: flows that a new one with the same addresses and ports replaced
    state    int64[STATE_COUNT]
    secrets  int64[SECRETS]
    most     flows that may live at once
    udp      False: only TCP has flows

    It stops early when a new flow needs room: `most` flows live (end some, or give it more buckets), or no slot is free.
    """
    i: cython.Py_ssize_t
    at: cython.Py_ssize_t
    slot: cython.Py_ssize_t
    mask: cython.Py_ssize_t = buckets.shape[0] - 1
    count: cython.Py_ssize_t = table.shape[1]
    kind: cython.longlong
    entry: cython.longlong
    tag: cython.longlong
    protocol: cython.longlong
    forward: cython.longlong
    backward: cython.longlong
    src_hi: cython.longlong
    src_lo: cython.longlong
    dst_hi: cython.longlong
    dst_lo: cython.longlong
    src_port: cython.longlong
    dst_port: cython.longlong
    flags: cython.longlong
    seq: cython.longlong
    ack: cython.longlong
    base: cython.longlong
    direction: cython.longlong
    tags: cython.longlong
    touched: cython.Py_ssize_t = begin
    with cython.nogil:
        for i in range(begin, count):
            if cython.compiled and i == touched:
                touched = i + AHEAD
                if state[S_USED] >= MANY_FLOWS:
                    state[S_TOUCHED] = touch(table, i, touched if touched < count else count, out, keys, buckets, secrets)
            kind = table[KIND, i]
            if not ((kind == KIND_TCP and table[TCP_WINDOW, i] >= 0) or (udp and kind == KIND_UDP and table[UDP_LENGTH, i] >= 0)):
                out[SLOT, i] = -1
                out[STREAM, i] = -1
                out[DIRECTION, i] = 0
                out[TAGS, i] = 0
                continue
            src_hi = table[SRC_HI, i]
            src_lo = table[SRC_LO, i]
            dst_hi = table[DST_HI, i]
            dst_lo = table[DST_LO, i]
            src_port = table[SRC_PORT, i]
            dst_port = table[DST_PORT, i]
            protocol = kind | (8 if table[IP_VERSION, i] == 6 else 0)
            forward = (protocol << 32) | (src_port << 16) | dst_port
            backward = (protocol << 32) | (dst_port << 16) | src_port
            tag = hash_of(src_hi, src_lo, src_port, dst_hi, dst_lo, dst_port, protocol, secrets)
            at = tag & mask
            slot = -1
            direction = 0
            while True:
                entry = buckets[at]
                if entry == 0:
                    break
                if (entry >> 32) == tag:
                    slot = (entry & LOW_32) - 1
                    if (keys[slot, K_PORTS] == forward and keys[slot, K_CLIENT_LO] == src_lo
                            and keys[slot, K_SERVER_LO] == dst_lo and keys[slot, K_CLIENT_HI] == src_hi
                            and keys[slot, K_SERVER_HI] == dst_hi):
                        direction = 0
                        break
                    if (keys[slot, K_PORTS] == backward and keys[slot, K_CLIENT_LO] == dst_lo
                            and keys[slot, K_SERVER_LO] == src_lo and keys[slot, K_CLIENT_HI] == dst_hi
                            and keys[slot, K_SERVER_HI] == src_hi):
                        direction = 1
                        break
                    slot = -1
                at = (at + 1) & mask
            flags = table[TCP_FLAGS, i] & FLAG_SYN_ACK if kind == KIND_TCP else 0
            tags = 0
            if slot >= 0 and flags & FLAG_SYN:
                seq = table[TCP_SEQ, i]
                if keys[slot, K_BASE + direction] >= 0 and keys[slot, K_BASE + direction] != seq:
                    tags = PORTS_REUSED
                    if flags == FLAG_SYN_ACK:
                        keys[slot, K_BASE + direction] = seq
                    else:
                        ends[state[S_ENDS], E_PACKET] = i
                        ends[state[S_ENDS], E_SLOT] = slot
                        ends[state[S_ENDS], E_REASON] = REASON_REUSED
                        if state[S_FREE] == 0 and state[S_USED] >= keys.shape[0]:
                            return i
                        state[S_ENDS] += 1
                        keys[slot, K_PORTS] = 0
                        last[slot] = NO_TIME
                        state[S_LIVE] -= 1
                        slot = -1
            if slot < 0:
                if state[S_LIVE] >= most:
                    return i
                if state[S_FREE] > 0:
                    state[S_FREE] -= 1
                    slot = free[state[S_FREE]]
                elif state[S_USED] < keys.shape[0]:
                    slot = state[S_USED]
                    state[S_USED] += 1
                else:
                    return i
                state[S_LIVE] += 1
                buckets[at] = (tag << 32) | (slot + 1)
                if flags == FLAG_SYN_ACK:   # its SYN was not seen: who answers is the server
                    direction = 1
                    keys[slot, K_CLIENT_HI] = dst_hi
                    keys[slot, K_CLIENT_LO] = dst_lo
                    keys[slot, K_SERVER_HI] = src_hi
                    keys[slot, K_SERVER_LO] = src_lo
                    keys[slot, K_PORTS] = backward
                else:
                    direction = 0
                    keys[slot, K_CLIENT_HI] = src_hi
                    keys[slot, K_CLIENT_LO] = src_lo
                    keys[slot, K_SERVER_HI] = dst_hi
                    keys[slot, K_SERVER_LO] = dst_lo
                    keys[slot, K_PORTS] = forward
                keys[slot, K_BASE] = -1
                keys[slot, K_BASE + 1] = -1
                if kind == KIND_TCP:
                    keys[slot, K_STREAM] = state[S_TCP]
                    state[S_TCP] += 1
                else:
                    keys[slot, K_STREAM] = state[S_UDP]
                    state[S_UDP] += 1
                tags |= NEW_STREAM
            last[slot] = table[TS_NS, i] if table[TS_NS, i] < NO_TIME else NO_TIME - 1
            if kind == KIND_TCP:
                seq = table[TCP_SEQ, i]
                ack = table[TCP_ACK, i]
                if table[WIRE_END, i] - table[L4, i] >= table[TCP_HEADER, i]:
                    # A direction counts from its SYN, or from the number before its first segment; the other one from the
                    # number before the first acknowledgement.
                    if keys[slot, K_BASE + direction] < 0:
                        keys[slot, K_BASE + direction] = seq if flags & FLAG_SYN else (seq - 1) & LOW_32
                    if flags & FLAG_ACK and keys[slot, K_BASE + 1 - direction] < 0:
                        keys[slot, K_BASE + 1 - direction] = (ack - 1) & LOW_32
                    base = keys[slot, K_BASE + 1 - direction]
                    out[ACK_BASE, i] = base if base >= 0 else 0
                    out[REL_SEQ, i] = (seq - keys[slot, K_BASE + direction]) & LOW_32
                    out[REL_ACK, i] = (ack - base) & LOW_32 if flags & FLAG_ACK else ack
                else:
                    base = keys[slot, K_BASE + 1 - direction]
                    out[ACK_BASE, i] = base if base >= 0 else 0
                    out[REL_SEQ, i] = seq
                    out[REL_ACK, i] = ack
            out[SLOT, i] = slot
            out[STREAM, i] = keys[slot, K_STREAM]
            out[DIRECTION, i] = direction
            out[TAGS, i] = tags
    return count


@cython.ccall
def forget(slots: cython.const[cython.longlong][::1], keys: cython.longlong[:, ::1], last: cython.longlong[::1],
           buckets: cython.longlong[::1], state: cython.longlong[::1], secrets: cython.longlong[::1]) -> cython.longlong:
    """Take flows out of the table, so that they can no longer be found; answer how many there were.

    slots  int64[k]  live slots. They are not free yet: the batch still speaks of them.
    """
    k: cython.Py_ssize_t
    slot: cython.Py_ssize_t
    at: cython.Py_ssize_t
    hole: cython.Py_ssize_t
    home: cython.Py_ssize_t
    mask: cython.Py_ssize_t = buckets.shape[0] - 1
    touched: cython.Py_ssize_t
    seen: cython.longlong = 0
    with cython.nogil:
        for k in range(slots.shape[0]):
            if cython.compiled and k % AHEAD == 0:
                for touched in range(k, k + AHEAD if k + AHEAD < slots.shape[0] else slots.shape[0]):
                    seen ^= buckets[hash_of_row(keys, slots[touched], secrets) & mask]
            slot = slots[k]
            at = hash_of_row(keys, slot, secrets) & mask
            while (buckets[at] & LOW_32) != slot + 1:
                at = (at + 1) & mask
            hole = at
            while True:   # close the hole: whatever would no longer be reached moves into it
                at = (at + 1) & mask
                if buckets[at] == 0:
                    break
                home = (buckets[at] >> 32) & mask
                if ((at - home) & mask) >= ((at - hole) & mask):
                    buckets[hole] = buckets[at]
                    hole = at
            buckets[hole] = 0
            keys[slot, K_PORTS] = 0
            last[slot] = NO_TIME
            state[S_LIVE] -= 1
        state[S_TOUCHED] = seen
    return slots.shape[0]


@cython.ccall
def refill(keys: cython.const[cython.longlong][:, ::1], used: cython.Py_ssize_t, buckets: cython.longlong[::1],
           secrets: cython.longlong[::1]) -> cython.longlong:
    """Put every live flow among the first `used` slots into empty buckets; answer how many there are."""
    slot: cython.Py_ssize_t
    at: cython.Py_ssize_t
    mask: cython.Py_ssize_t = buckets.shape[0] - 1
    tag: cython.longlong
    live: cython.longlong = 0
    with cython.nogil:
        for slot in range(used):
            if keys[slot, K_PORTS] == 0:
                continue
            tag = hash_of_row(keys, slot, secrets)
            at = tag & mask
            while buckets[at] != 0:
                at = (at + 1) & mask
            buckets[at] = (tag << 32) | (slot + 1)
            live += 1
    return live
