"""How the two ends of each TCP connection stand: states, sequence numbers reached, and what happened in which order.
Compiled.

The words are Zeek's: the states become `conn_state`, the numbers `orig_bytes` and `resp_bytes`, the order `history`.
They say how a connection ended even when the capture saw one side of it, or began in its middle.
"""

import cython

from sniff.packets import columns as c
from sniff.reassembly import columns as s

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


@cython.ccall
def follow(table: cython.const[cython.longlong][:, ::1], out: cython.const[cython.longlong][:, ::1],
           flows: cython.longlong[::1]) -> cython.Py_ssize_t:
    """Follow the TCP packets of one batch; answer how many there were.

    table  int64[packets.COUNT, n]
    out    int64[COUNT, n]          SLOT, DIRECTION and TAGS are read
    flows  int64[slots * F_COUNT]   F_ENDS, F_HISTORY, F_FIRST_SEQ, F_LAST_SEQ and F_LAST_ACK are kept; analysis made the
                                    rest of a new row already
    """
    i: cython.Py_ssize_t
    done: cython.Py_ssize_t = 0
    slot: cython.Py_ssize_t
    row: cython.Py_ssize_t
    d: cython.Py_ssize_t
    other: cython.Py_ssize_t
    flags: cython.longlong
    seq: cython.longlong
    length: cython.longlong
    reached: cython.longlong
    step: cython.longlong
    ends: cython.longlong
    mine: cython.longlong
    theirs: cython.longlong
    with cython.nogil:
        for i in range(table.shape[1]):
            slot = out[SLOT, i]
            if slot < 0 or table[KIND, i] != KIND_TCP:
                continue
            row = slot * F_COUNT
            if out[TAGS, i] & NEW_STREAM:
                flows[row + F_FIRST_SEQ] = -1
                flows[row + F_FIRST_SEQ + 1] = -1
            length = table[WIRE_END, i] - table[L4, i] - table[TCP_HEADER, i]
            if length < 0:
                continue
            done += 1
            d = out[DIRECTION, i]
            other = 1 - d
            flags = table[TCP_FLAGS, i]
            seq = table[TCP_SEQ, i]
            ends = flows[row + F_ENDS]
            mine = (ends >> 4 * d) & 15
            theirs = (ends >> 4 * other) & 15

            # --- where the numbers begin ---
            if mine == INACTIVE or (flags & SYN and flows[row + F_FIRST_SEQ + d] != seq
                                    and (mine == SYN_SENT or mine == SYN_ACK_SENT)):
                flows[row + F_FIRST_SEQ + d] = seq if flags & SYN else (seq - 1) & LOW_32
                flows[row + F_LAST_SEQ + d] = 0 if flags & SYN else 1
                flows[row + F_LAST_ACK + d] = 0
            if flags & ACK and theirs == INACTIVE and flows[row + F_FIRST_SEQ + other] < 0 and table[TCP_ACK, i]:
                flows[row + F_FIRST_SEQ + other] = (table[TCP_ACK, i] - 1) & LOW_32
                flows[row + F_LAST_SEQ + other] = 0
                flows[row + F_LAST_ACK + other] = 0

            # --- how far they got ---
            reached = length + (1 if flags & SYN else 0) + (1 if flags & FIN else 0)
            step = signed(seq + reached - flows[row + F_FIRST_SEQ + d] - flows[row + F_LAST_SEQ + d])
            if mine == RESET:
                pass
            elif flags & (SYN | RST) and not -TOO_FAR <= step <= TOO_FAR:
                pass
            elif flags & RST and not flags & ACK and seq == 0:
                pass
            elif step > 0:
                flows[row + F_LAST_SEQ + d] += step
            elif length > 0:
                remember(flows, row, LETTER_AGAIN + 1 - d)
            if flags & ACK and not flags & RST and flows[row + F_FIRST_SEQ + other] >= 0:
                step = signed(table[TCP_ACK, i] - flows[row + F_FIRST_SEQ + other] - flows[row + F_LAST_ACK + other])
                if step > 0:
                    flows[row + F_LAST_ACK + other] += step

            # --- states ---
            if mine == INACTIVE and flags & SYN:
                if flags & ACK:
                    mine = SYN_ACK_SENT
                    if d == 1:
                        mine = ESTABLISHED
                        if theirs == SYN_SENT:
                            theirs = ESTABLISHED
                else:
                    mine = SYN_SENT
            elif mine == SYN_SENT and flags & SYN and flags & ACK and theirs == SYN_SENT:
                mine = ESTABLISHED   # both called each other at once (RFC 9293 section 3.5)
                theirs = ESTABLISHED
            if flags & RST:
                mine = RESET
            elif flags & FIN:
                if mine != RESET:
                    mine = CLOSED
            elif mine == INACTIVE:
                mine = PARTIAL
            flows[row + F_ENDS] = (mine << 4 * d) | (theirs << 4 * other)

            # --- history ---
            if flags & SYN:
                if flags & RST:
                    remember(flows, row, LETTER_ODD + 1 - d)
                else:
                    remember(flows, row, (LETTER_SYN_ACK if flags & ACK else LETTER_SYN) + 1 - d)
            if flags & ACK and length == 0 and not flags & (SYN | FIN | RST):
                remember(flows, row, LETTER_ACK + 1 - d)
            if length > 0 and not flags & RST:
                remember(flows, row, LETTER_DATA + 1 - d)
            if table[TCP_WINDOW, i] == 0 and not flags & (SYN | FIN | RST):
                remember(flows, row, LETTER_WINDOW + 1 - d)
            if flags & FIN:
                remember(flows, row, LETTER_FIN + 1 - d)
            if flags & RST:
                remember(flows, row, LETTER_RST + 1 - d)
    return done
