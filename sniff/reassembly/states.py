"""Connections as connection logs count them, and how their two ends stand. Compiled.

A flow is one connection, or several: what comes after its end, or after minutes of silence, is another one, though
Wireshark gives it no number of its own. The rules and their delays are Zeek's. The words are, too: the states of the two
ends become `conn_state`, the sequence numbers reached `orig_bytes` and `resp_bytes`, the order of events `history`. They say
how a connection ended even when the capture saw one side of it only, or began in its middle.
"""

import cython

from sniff.packets import columns as c
from sniff.reassembly import columns as s

NUMBER = cython.declare(cython.Py_ssize_t, c.NUMBER)
TS_NS = cython.declare(cython.Py_ssize_t, c.TS_NS)
WIRELEN = cython.declare(cython.Py_ssize_t, c.WIRELEN)
OUTER_L3 = cython.declare(cython.Py_ssize_t, c.OUTER_L3)
L3 = cython.declare(cython.Py_ssize_t, c.L3)
PAYLOAD_WIRE = cython.declare(cython.Py_ssize_t, c.PAYLOAD_WIRE)
KIND = cython.declare(cython.Py_ssize_t, c.KIND)
L4 = cython.declare(cython.Py_ssize_t, c.L4)
WIRE_END = cython.declare(cython.Py_ssize_t, c.WIRE_END)
TCP_SEQ = cython.declare(cython.Py_ssize_t, c.TCP_SEQ)
TCP_ACK = cython.declare(cython.Py_ssize_t, c.TCP_ACK)
TCP_FLAGS = cython.declare(cython.Py_ssize_t, c.TCP_FLAGS)
TCP_WINDOW = cython.declare(cython.Py_ssize_t, c.TCP_WINDOW)
TCP_HEADER = cython.declare(cython.Py_ssize_t, c.TCP_HEADER)
KIND_TCP = cython.declare(cython.longlong, int(c.Kind.TCP))

SLOT = cython.declare(cython.Py_ssize_t, s.SLOT)
DIRECTION = cython.declare(cython.Py_ssize_t, s.DIRECTION)
TAGS = cython.declare(cython.Py_ssize_t, s.TAGS)
NEW_STREAM = cython.declare(cython.longlong, int(s.Tag.NEW_STREAM))

F_FIRST_PACKET = cython.declare(cython.Py_ssize_t, s.F_FIRST_PACKET)
F_LAST_PACKET = cython.declare(cython.Py_ssize_t, s.F_LAST_PACKET)
F_FIRST_NS = cython.declare(cython.Py_ssize_t, s.F_FIRST_NS)
F_LAST_NS = cython.declare(cython.Py_ssize_t, s.F_LAST_NS)
F_PACKETS = cython.declare(cython.Py_ssize_t, s.F_PACKETS)
F_WIRE_BYTES = cython.declare(cython.Py_ssize_t, s.F_WIRE_BYTES)
F_SENT = cython.declare(cython.Py_ssize_t, s.F_SENT)
F_FIN = cython.declare(cython.Py_ssize_t, s.F_FIN)
F_RST = cython.declare(cython.Py_ssize_t, s.F_RST)
F_MIDSTREAM = cython.declare(cython.Py_ssize_t, s.F_MIDSTREAM)
F_FIRST_DIRECTION = cython.declare(cython.Py_ssize_t, s.F_FIRST_DIRECTION)
F_ENDED_NS = cython.declare(cython.Py_ssize_t, s.F_ENDED_NS)
F_TCP_FLAGS = cython.declare(cython.Py_ssize_t, s.F_TCP_FLAGS)
F_FRAME_BYTES = cython.declare(cython.Py_ssize_t, s.F_FRAME_BYTES)
F_STREAM = cython.declare(cython.Py_ssize_t, s.F_STREAM)
F_VLAN = cython.declare(cython.Py_ssize_t, s.F_VLAN)
F_HISTORY = cython.declare(cython.Py_ssize_t, s.F_HISTORY)
F_ENDS = cython.declare(cython.Py_ssize_t, s.F_ENDS)
F_FIRST_SEQ = cython.declare(cython.Py_ssize_t, s.F_FIRST_SEQ)
F_LAST_SEQ = cython.declare(cython.Py_ssize_t, s.F_LAST_SEQ)
F_LAST_ACK = cython.declare(cython.Py_ssize_t, s.F_LAST_ACK)
F_COUNT = cython.declare(cython.Py_ssize_t, s.F_COUNT)

INACTIVE = cython.declare(cython.longlong, int(s.End.INACTIVE))
SYN_SENT = cython.declare(cython.longlong, int(s.End.SYN_SENT))
SYN_ACK_SENT = cython.declare(cython.longlong, int(s.End.SYN_ACK_SENT))
PARTIAL = cython.declare(cython.longlong, int(s.End.PARTIAL))
ESTABLISHED = cython.declare(cython.longlong, int(s.End.ESTABLISHED))
CLOSED = cython.declare(cython.longlong, int(s.End.CLOSED))
RESET = cython.declare(cython.longlong, int(s.End.RESET))

FIN = cython.declare(cython.longlong, 1)
SYN = cython.declare(cython.longlong, 2)
RST = cython.declare(cython.longlong, 4)
ACK = cython.declare(cython.longlong, 16)

LOW_32 = cython.declare(cython.longlong, 0xFFFFFFFF)
SIGN_32 = cython.declare(cython.longlong, 0x80000000)
TOO_FAR = cython.declare(cython.longlong, 1 << 20)   # a SYN or RST further away than this says where the numbers are now

# How long a connection waits for more, in nanoseconds (Zeek's tcp_*_delay and *_inactivity_timeout).
AFTER_RESET = cython.declare(cython.longlong, 100_000_000)
AFTER_CLOSE = cython.declare(cython.longlong, 5_000_000_000)
AFTER_HALF_CLOSE = cython.declare(cython.longlong, 3_000_000_000)
AFTER_ATTEMPT = cython.declare(cython.longlong, 5_000_000_000)
TCP_SILENCE = cython.declare(cython.longlong, 300_000_000_000)
UDP_SILENCE = cython.declare(cython.longlong, 60_000_000_000)

# Letters of history: the number of the server's; the client's is one more.
LETTER_SYN = cython.declare(cython.longlong, s.HISTORY.index("s"))
LETTER_SYN_ACK = cython.declare(cython.longlong, s.HISTORY.index("h"))
LETTER_ACK = cython.declare(cython.longlong, s.HISTORY.index("a"))
LETTER_DATA = cython.declare(cython.longlong, s.HISTORY.index("d"))
LETTER_FIN = cython.declare(cython.longlong, s.HISTORY.index("f"))
LETTER_RST = cython.declare(cython.longlong, s.HISTORY.index("r"))
LETTER_AGAIN = cython.declare(cython.longlong, s.HISTORY.index("t"))
LETTER_WINDOW = cython.declare(cython.longlong, s.HISTORY.index("w"))
LETTER_ODD = cython.declare(cython.longlong, s.HISTORY.index("i"))


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def signed(difference: cython.longlong) -> cython.longlong:
    """A difference of sequence numbers as a step: the nearest one, forwards or backwards."""
    return ((difference & LOW_32) ^ SIGN_32) - SIGN_32


@cython.cfunc
@cython.nogil
@cython.exceptval(-1, check=False)
def remember(flows: cython.longlong[::1], row: cython.Py_ssize_t, letter: cython.longlong) -> cython.int:
    """Append a letter to the history of a flow, the first time it happens."""
    half: cython.Py_ssize_t
    place: cython.longlong
    found: cython.longlong
    for half in range(2):
        place = 0
        while place < 60:
            found = (flows[row + F_HISTORY + half] >> place) & 31
            if found == letter:
                return 0
            if found == 0:
                flows[row + F_HISTORY + half] |= letter << place
                return 0
            place += 5
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1, check=False)
def is_over(parts: cython.longlong[::1], row: cython.Py_ssize_t, now: cython.longlong,
            tcp: cython.bint) -> cython.int:
    """1 when a packet at `now` no longer belongs to the connection of this row."""
    client: cython.longlong = parts[row + F_ENDS] & 15
    server: cython.longlong = parts[row + F_ENDS] >> 4
    silence: cython.longlong = now - parts[row + F_LAST_NS]
    if not tcp:
        return 1 if silence > UDP_SILENCE else 0
    if silence > TCP_SILENCE:
        return 1
    if client == SYN_SENT and server == INACTIVE:
        return 1 if now - parts[row + F_FIRST_NS] > AFTER_ATTEMPT else 0
    if parts[row + F_ENDED_NS] == 0:
        return 0
    silence = now - parts[row + F_ENDED_NS]
    if client == RESET or server == RESET:
        return 1 if silence > AFTER_RESET else 0
    if client == CLOSED and server == CLOSED:
        return 1 if silence > AFTER_CLOSE else 0
    return 1 if silence > AFTER_HALF_CLOSE else 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1, check=False)
def count(table: cython.const[cython.longlong][:, ::1], i: cython.Py_ssize_t, parts: cython.longlong[::1],
          row: cython.Py_ssize_t, d: cython.Py_ssize_t, length: cython.longlong) -> cython.int:
    """Packet `i` belongs to the connection of this row."""
    parts[row + F_LAST_NS] = table[TS_NS, i]
    parts[row + F_LAST_PACKET] = table[NUMBER, i]
    parts[row + F_PACKETS + d] += 1
    parts[row + F_WIRE_BYTES + d] += table[WIRE_END, i] - table[L3, i]
    if length > 0:
        parts[row + F_SENT + d] += length
    if table[OUTER_L3, i] == table[L3, i]:
        parts[row + F_FRAME_BYTES + d] += table[WIRELEN, i]
    else:
        parts[row + F_FRAME_BYTES + d] += table[WIRE_END, i] - table[L3, i]
    return 0


@cython.ccall
def follow(table: cython.const[cython.longlong][:, ::1], begin: cython.Py_ssize_t,
           out: cython.const[cython.longlong][:, ::1], flows: cython.longlong[::1],
           parts: cython.longlong[::1], over: cython.longlong[:, ::1], counts: cython.longlong[::1]) -> cython.Py_ssize_t:
    """Follow the packets of one batch from `begin` on; answer the index of the first one not done.

    table   int64[packets.COUNT, n]
    out     int64[COUNT, n]          SLOT, DIRECTION and TAGS are read
    flows   int64[slots * F_COUNT]   as analysis left them; how the first connection of a flow ended is how the flow ended
    parts   int64[slots * F_COUNT]   the connection that each flow is in at present: whose it is, what counts its packets,
                                     F_ENDS, F_HISTORY, and the sequence numbers
    over    int64[k, F_COUNT]        written: connections that were over before the end of their flow
    counts  int64[1]                 how many of them there are; it stops when there is no room for another one
    """
    i: cython.Py_ssize_t
    k: cython.Py_ssize_t
    slot: cython.Py_ssize_t
    row: cython.Py_ssize_t
    d: cython.Py_ssize_t
    other: cython.Py_ssize_t
    flags: cython.longlong
    seq: cython.longlong
    length: cython.longlong
    step: cython.longlong
    ends: cython.longlong
    mine: cython.longlong
    theirs: cython.longlong
    fresh: cython.bint
    tcp: cython.bint
    with cython.nogil:
        for i in range(begin, table.shape[1]):
            slot = out[SLOT, i]
            if slot < 0:
                continue
            row = slot * F_COUNT
            d = out[DIRECTION, i]
            tcp = table[KIND, i] == KIND_TCP
            flags = table[TCP_FLAGS, i] if tcp else 0
            fresh = (out[TAGS, i] & NEW_STREAM) != 0
            if not fresh and is_over(parts, row, table[TS_NS, i], tcp):
                if counts[0] >= over.shape[0]:
                    return i
                for k in range(F_COUNT):
                    over[counts[0], k] = parts[row + k]
                counts[0] += 1
                if flows[row + F_ENDS] == 0:
                    for k in range(F_HISTORY, F_FIRST_DIRECTION):
                        flows[row + k] = parts[row + k]
                fresh = True
            if fresh:
                for k in range(F_COUNT):
                    parts[row + k] = flows[row + k] if F_STREAM <= k < F_FIRST_PACKET else 0
                parts[row + F_FIRST_PACKET] = table[NUMBER, i]
                parts[row + F_FIRST_NS] = table[TS_NS, i]
                parts[row + F_FIRST_DIRECTION] = d
                parts[row + F_MIDSTREAM] = 0 if flags & SYN else 1
                parts[row + F_FIRST_SEQ] = -1
                parts[row + F_FIRST_SEQ + 1] = -1
                parts[row + F_VLAN] = flows[row + F_VLAN]
            if not tcp:
                count(table, i, parts, row, d, table[PAYLOAD_WIRE, i])
                continue
            length = table[WIRE_END, i] - table[L4, i] - table[TCP_HEADER, i]
            count(table, i, parts, row, d, length)
            if length < 0:
                continue
            other = 1 - d
            seq = table[TCP_SEQ, i]
            parts[row + F_TCP_FLAGS + d] |= flags
            ends = parts[row + F_ENDS]
            mine = (ends >> 4 * d) & 15
            theirs = (ends >> 4 * other) & 15

            # --- where the numbers begin ---
            if mine == INACTIVE or (flags & SYN and parts[row + F_FIRST_SEQ + d] != seq
                                    and (mine == SYN_SENT or mine == SYN_ACK_SENT)):
                parts[row + F_FIRST_SEQ + d] = seq if flags & SYN else (seq - 1) & LOW_32
                parts[row + F_LAST_SEQ + d] = 0 if flags & SYN else 1
                parts[row + F_LAST_ACK + d] = 0

            # --- how far they got ---
            step = signed(seq + length + (1 if flags & SYN else 0) + (1 if flags & FIN else 0)
                          - parts[row + F_FIRST_SEQ + d] - parts[row + F_LAST_SEQ + d])
            if mine == RESET or (flags & (SYN | RST) and not -TOO_FAR <= step <= TOO_FAR) or (
                    flags & RST and not flags & ACK and seq == 0):
                pass   # such numbers are not to be trusted
            elif step > 0:
                parts[row + F_LAST_SEQ + d] += step
            elif length > 0:
                remember(parts, row, LETTER_AGAIN + 1 - d)
            if flags & ACK and not flags & RST and theirs != INACTIVE:
                step = signed(table[TCP_ACK, i] - parts[row + F_FIRST_SEQ + other] - parts[row + F_LAST_ACK + other])
                if step > 0:
                    parts[row + F_LAST_ACK + other] += step

            # --- states ---
            if mine == INACTIVE and flags & SYN:
                if flags & ACK and d == 0:
                    mine = SYN_ACK_SENT
                elif flags & ACK:
                    mine = ESTABLISHED
                    if theirs == SYN_SENT:
                        theirs = ESTABLISHED
                else:
                    mine = SYN_SENT
            elif mine == SYN_SENT and flags & SYN and flags & ACK and theirs == SYN_SENT:
                mine = ESTABLISHED   # both called each other at once (RFC 9293 section 3.5)
                theirs = ESTABLISHED
            if flags & RST:
                if not (mine == CLOSED and theirs == CLOSED):
                    mine = RESET
            elif flags & FIN:
                if mine != RESET:
                    mine = CLOSED
            elif mine == INACTIVE:
                mine = ESTABLISHED if theirs == ESTABLISHED else PARTIAL
            parts[row + F_ENDS] = (mine << 4 * d) | (theirs << 4 * other)
            if flags & (RST | FIN) and (parts[row + F_ENDED_NS] == 0 or not flags & RST):
                if mine == RESET or theirs == CLOSED or theirs == PARTIAL or theirs == INACTIVE:
                    parts[row + F_ENDED_NS] = table[TS_NS, i]
            if flags & FIN and parts[row + F_FIN + d] == 0:
                parts[row + F_FIN + d] = table[NUMBER, i]
            if flags & RST and parts[row + F_RST + d] == 0:
                parts[row + F_RST + d] = table[NUMBER, i]

            # --- history ---
            if flags & SYN:
                if flags & RST:
                    remember(parts, row, LETTER_ODD + 1 - d)
                else:
                    remember(parts, row, (LETTER_SYN_ACK if flags & ACK else LETTER_SYN) + 1 - d)
            if flags & ACK and length == 0 and not flags & (SYN | FIN | RST):
                remember(parts, row, LETTER_ACK + 1 - d)
            if length > 0 and not flags & RST:
                remember(parts, row, LETTER_DATA + 1 - d)
            if table[TCP_WINDOW, i] == 0 and not flags & (SYN | FIN | RST):
                remember(parts, row, LETTER_WINDOW + 1 - d)
            if flags & FIN:
                remember(parts, row, LETTER_FIN + 1 - d)
            if flags & RST:
                remember(parts, row, LETTER_RST + 1 - d)
    return table.shape[1]
