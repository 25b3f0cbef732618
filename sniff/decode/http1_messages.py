"""HTTP/1 messages as they were meant: the reader of streams in order.

A compiled leaf. It takes the pieces of each direction (bytes in stream order, each once, gaps marked) and frames them by
RFC 9112, on any port: a connection is HTTP when one of its directions begins with a start line. What two implementations
would read differently is read one way, and the message is flagged AMBIGUOUS:

- Transfer-Encoding whose last coding is chunked wins over Content-Length, and so does one that only mentions it when the
  body looks the part; any other Transfer-Encoding does not count.
- Of several Content-Length values the first valid one counts; `12abc` is 12.
- Lines end at LF, a CR before it is dropped; a lone CR ends a field line too, but not the head. White space before a colon
  and folded lines are accepted.
- A body that claims to be chunked and does not begin with a size is read by Content-Length, or else until the close.

After a gap that leaves the end of a message unknown the direction is LOST: the next start line found begins a message again,
flagged RESYNC, as is everything after it in this direction: counting does not say any more what answers what.
"""

import cython

from sniff import limits
from sniff.decode import columns as d
from sniff.decode import http1_head as h
from sniff.packets import columns as c
from sniff.reassembly import columns as r

if not cython.compiled:
    from sniff.decode.http1_head import (
        head_end,
        is_http,
        is_space,
        is_token_byte,
        line_end,
        lower,
        method_number,
        parse_fields,
        start_line,
        text_end,
    )

NUMBER = cython.declare(cython.Py_ssize_t, c.NUMBER)
TS_NS = cython.declare(cython.Py_ssize_t, c.TS_NS)
P_KIND = cython.declare(cython.Py_ssize_t, r.P_KIND)
P_SLOT = cython.declare(cython.Py_ssize_t, r.P_SLOT)
P_STREAM = cython.declare(cython.Py_ssize_t, r.P_STREAM)
P_DIRECTION = cython.declare(cython.Py_ssize_t, r.P_DIRECTION)
P_PACKET = cython.declare(cython.Py_ssize_t, r.P_PACKET)
P_BUFFER = cython.declare(cython.Py_ssize_t, r.P_BUFFER)
P_START = cython.declare(cython.Py_ssize_t, r.P_START)
P_LEN = cython.declare(cython.Py_ssize_t, r.P_LEN)
P_STREAM_OFFSET = cython.declare(cython.Py_ssize_t, r.P_STREAM_OFFSET)
P_ORIGIN = cython.declare(cython.Py_ssize_t, r.P_ORIGIN)
P_OFFSET = cython.declare(cython.Py_ssize_t, r.P_OFFSET)
P_TS_NS = cython.declare(cython.Py_ssize_t, r.P_TS_NS)
DATA = cython.declare(cython.longlong, int(r.Piece.DATA))
GAP = cython.declare(cython.longlong, int(r.Piece.GAP))
FIN = cython.declare(cython.longlong, int(r.Piece.FIN))
RESET = cython.declare(cython.longlong, int(r.Piece.RESET))
END = cython.declare(cython.longlong, int(r.Piece.END))

M_IS_RESPONSE = cython.declare(cython.Py_ssize_t, d.M_IS_RESPONSE)
M_SLOT = cython.declare(cython.Py_ssize_t, d.M_SLOT)
M_STREAM = cython.declare(cython.Py_ssize_t, d.M_STREAM)
M_DIRECTION = cython.declare(cython.Py_ssize_t, d.M_DIRECTION)
M_SEQUENCE = cython.declare(cython.Py_ssize_t, d.M_SEQUENCE)
M_FIRST_PACKET = cython.declare(cython.Py_ssize_t, d.M_FIRST_PACKET)
M_HEAD_PACKET = cython.declare(cython.Py_ssize_t, d.M_HEAD_PACKET)
M_LAST_PACKET = cython.declare(cython.Py_ssize_t, d.M_LAST_PACKET)
M_FIRST_NS = cython.declare(cython.Py_ssize_t, d.M_FIRST_NS)
M_HEAD_NS = cython.declare(cython.Py_ssize_t, d.M_HEAD_NS)
M_LAST_NS = cython.declare(cython.Py_ssize_t, d.M_LAST_NS)
M_STREAM_OFFSET = cython.declare(cython.Py_ssize_t, d.M_STREAM_OFFSET)
M_STORE_OFFSET = cython.declare(cython.Py_ssize_t, d.M_STORE_OFFSET)
M_HEAD_LEN = cython.declare(cython.Py_ssize_t, d.M_HEAD_LEN)
M_BODY_WIRE = cython.declare(cython.Py_ssize_t, d.M_BODY_WIRE)
M_BODY_LEN = cython.declare(cython.Py_ssize_t, d.M_BODY_LEN)
M_EXPECTED = cython.declare(cython.Py_ssize_t, d.M_EXPECTED)
M_FRAMING = cython.declare(cython.Py_ssize_t, d.M_FRAMING)
M_STATUS = cython.declare(cython.Py_ssize_t, d.M_STATUS)
M_METHOD = cython.declare(cython.Py_ssize_t, d.M_METHOD)
M_VERSION = cython.declare(cython.Py_ssize_t, d.M_VERSION)
M_FLAGS = cython.declare(cython.Py_ssize_t, d.M_FLAGS)
M_GAP_BYTES = cython.declare(cython.Py_ssize_t, d.M_GAP_BYTES)
M_HEAD_BUFFER = cython.declare(cython.Py_ssize_t, d.M_HEAD_BUFFER)
M_HEAD_START = cython.declare(cython.Py_ssize_t, d.M_HEAD_START)
M_HEAD_KEPT = cython.declare(cython.Py_ssize_t, d.M_HEAD_KEPT)
M_PREFIX_BUFFER = cython.declare(cython.Py_ssize_t, d.M_PREFIX_BUFFER)
M_PREFIX_START = cython.declare(cython.Py_ssize_t, d.M_PREFIX_START)
M_PREFIX_LEN = cython.declare(cython.Py_ssize_t, d.M_PREFIX_LEN)
M_ID = cython.declare(cython.Py_ssize_t, d.M_ID)
M_COUNT = cython.declare(cython.Py_ssize_t, d.M_COUNT)
BODY_ID = cython.declare(cython.Py_ssize_t, d.BODY_ID)
BODY_KIND = cython.declare(cython.Py_ssize_t, d.BODY_KIND)
BODY_BUFFER = cython.declare(cython.Py_ssize_t, d.BODY_BUFFER)
BODY_START = cython.declare(cython.Py_ssize_t, d.BODY_START)
BODY_LEN = cython.declare(cython.Py_ssize_t, d.BODY_LEN)
BODY_HEAD = cython.declare(cython.longlong, int(d.BodyPart.HEAD))
BODY_DATA = cython.declare(cython.longlong, int(d.BodyPart.DATA))
BODY_HOLE = cython.declare(cython.longlong, int(d.BodyPart.HOLE))
F_NONE = cython.declare(cython.longlong, int(d.Framing.NONE))
F_LENGTH = cython.declare(cython.longlong, int(d.Framing.LENGTH))
F_CHUNKED = cython.declare(cython.longlong, int(d.Framing.CHUNKED))
F_CLOSE = cython.declare(cython.longlong, int(d.Framing.CLOSE))
F_TUNNEL = cython.declare(cython.longlong, int(d.Framing.TUNNEL))
COMPLETE = cython.declare(cython.longlong, int(d.MessageFlag.COMPLETE))
HAS_GAP = cython.declare(cython.longlong, int(d.MessageFlag.GAP))
RESYNC = cython.declare(cython.longlong, int(d.MessageFlag.RESYNC))
AMBIGUOUS = cython.declare(cython.longlong, int(d.MessageFlag.AMBIGUOUS))
MALFORMED = cython.declare(cython.longlong, int(d.MessageFlag.MALFORMED))
CUT_HEAD = cython.declare(cython.longlong, int(d.MessageFlag.CUT_HEAD))
KEEP_ALIVE = cython.declare(cython.longlong, int(d.MessageFlag.KEEP_ALIVE))
STILL_RUNNING = cython.declare(cython.longlong, int(d.MessageFlag.STILL_RUNNING))
ABORTED = cython.declare(cython.longlong, int(d.MessageFlag.ABORTED))
CONNECT = cython.declare(cython.longlong, d.METHODS.index("CONNECT"))
METHOD_HEAD = cython.declare(cython.longlong, d.METHODS.index("HEAD"))
PRI = cython.declare(cython.longlong, d.METHODS.index("PRI"))

METHOD_ = cython.declare(cython.Py_ssize_t, h.H_METHOD)
STATUS_ = cython.declare(cython.Py_ssize_t, h.H_STATUS)
VERSION_ = cython.declare(cython.Py_ssize_t, h.H_VERSION)
LENGTH_ = cython.declare(cython.Py_ssize_t, h.H_LENGTH)
CHUNKED_ = cython.declare(cython.Py_ssize_t, h.H_CHUNKED)
FLAGS_ = cython.declare(cython.Py_ssize_t, h.H_FLAGS)
CLOSE_ = cython.declare(cython.Py_ssize_t, h.H_CLOSE)
KEEP_ = cython.declare(cython.Py_ssize_t, h.H_KEEP)
SCANNED_ = cython.declare(cython.Py_ssize_t, h.H_SCANNED)

# --- the state of a connection: one int64 row ----------------------------------------------------------------------------------
HTTP = cython.declare(cython.Py_ssize_t, 0)        # 0 not known to be HTTP, 1 HTTP, 2 not any more
REQUESTS = cython.declare(cython.Py_ssize_t, 1)    # requests begun
RESPONSES = cython.declare(cython.Py_ssize_t, 2)   # final responses begun
HEADS = cython.declare(cython.Py_ssize_t, 3)       # bit k % 62: request k was HEAD
CONNECTS = cython.declare(cython.Py_ssize_t, 4)    # likewise CONNECT
OLD = cython.declare(cython.Py_ssize_t, 6)         # 1: the last request was HTTP/0.9, its answer is bare data
ENDED = cython.declare(cython.Py_ssize_t, 7)       # bit per direction that said its last byte
BASE = cython.declare(cython.Py_ssize_t, 8)
LANE = cython.declare(cython.Py_ssize_t, 50)

PHASE = cython.declare(cython.Py_ssize_t, 0)
LEFT = cython.declare(cython.Py_ssize_t, 1)        # bytes until the end of the body or chunk
SIZE = cython.declare(cython.Py_ssize_t, 2)        # chunk size so far
DIGITS = cython.declare(cython.Py_ssize_t, 3)      # 0 none yet, 1 in the number, 2 after it, 3 no number
LINE = cython.declare(cython.Py_ssize_t, 4)        # bytes of the trailer line so far, CR not counted
PART = cython.declare(cython.Py_ssize_t, 5)        # arena: head so far
PART_LEN = cython.declare(cython.Py_ssize_t, 6)
SCANNED = cython.declare(cython.Py_ssize_t, 7)
SKIPPED = cython.declare(cython.Py_ssize_t, 8)     # bytes of a head beyond what is kept
BLANK = cython.declare(cython.Py_ssize_t, 9)       # a cut head: 1 at the start of a line, 0 inside one
RESPONDS = cython.declare(cython.Py_ssize_t, 10)   # 2: this direction sends responses, 1: requests, 0 not known
OPEN = cython.declare(cython.Py_ssize_t, 11)       # 1: message columns below are in use
INFERRED = cython.declare(cython.Py_ssize_t, 12)   # 1: bytes were lost before, counting is not sure any more
CHECKED = cython.declare(cython.Py_ssize_t, 13)    # 1: the head's first line is a start line; it has to be sure: -1, in mid-line -2
INSIDE = cython.declare(cython.Py_ssize_t, 14)     # LOST: 1 when the next byte goes on in a line
REFOUND = cython.declare(cython.Py_ssize_t, 15)    # 1: the open head was found again after a hole
LOOKED = cython.declare(cython.Py_ssize_t, 16)     # of the head so far, bytes that were searched for the end of its last line
PART_END = cython.declare(cython.Py_ssize_t, 17)   # arena: end of the room for the head so far
MESSAGE = cython.declare(cython.Py_ssize_t, 18)    # the open message: M_* columns

START = cython.declare(cython.longlong, 0)
HEAD = cython.declare(cython.longlong, 1)
LENGTH = cython.declare(cython.longlong, 2)
CHUNK_SIZE = cython.declare(cython.longlong, 3)
CHUNK_DATA = cython.declare(cython.longlong, 4)
CHUNK_END = cython.declare(cython.longlong, 5)
TRAILER = cython.declare(cython.longlong, 6)
CLOSE = cython.declare(cython.longlong, 7)
LOST = cython.declare(cython.longlong, 8)
OFF = cython.declare(cython.longlong, 9)

STATE_COLUMNS = 8 + 2 * 50
LANE_BASE, LANE_SIZE, LANE_PHASE, LANE_PART, LANE_OPEN, LANE_PART_END, LANE_MESSAGE = 8, 50, 0, 5, 11, 17, 18
PHASE_HEAD, PHASE_LOST = 1, 8

ARENA_USED = cython.declare(cython.Py_ssize_t, 0)
ROWS_USED = cython.declare(cython.Py_ssize_t, 1)
STATUS = cython.declare(cython.Py_ssize_t, 2)
MADE = cython.declare(cython.Py_ssize_t, 3)
FREE = cython.declare(cython.Py_ssize_t, 4)
TOUCHED = cython.declare(cython.Py_ssize_t, 5)
NEXT_ID = cython.declare(cython.Py_ssize_t, 6)
BODIES = cython.declare(cython.Py_ssize_t, 7)      # 1: somebody wants the bytes of bodies
BEGUN = cython.declare(cython.Py_ssize_t, 8)
PARTS = cython.declare(cython.Py_ssize_t, 9)
CTL_ARENA_USED, CTL_ROWS_USED, CTL_STATUS, CTL_MADE, CTL_FREE, CTL_TOUCHED, CTL_COUNT = 0, 1, 2, 3, 4, 5, 10
CTL_BODIES, CTL_BEGUN, CTL_PARTS = 7, 8, 9
NEED_ARENA, NEED_ROWS, NEED_SLOTS, NEED_MESSAGES, NEED_TOUCHED, NEED_BODIES = 1, 2, 3, 4, 5, 6
ROOM = 4096
_ROOM = cython.declare(cython.Py_ssize_t, 4096)
_HEAD_BYTES = cython.declare(cython.Py_ssize_t, limits.HEAD_BYTES)
_PREFIX = cython.declare(cython.Py_ssize_t, limits.BODY_PREFIX)
_MAX_SIZE = cython.declare(cython.longlong, 1 << 60)


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def copy(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t, out: cython.uchar[::1],
         at: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Copy view[start:end] to out[at:]; returns the index after it."""
    i: cython.Py_ssize_t
    for i in range(start, end):
        out[at] = view[i]
        at += 1
    return at


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def keep(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t, arena: cython.uchar[::1],
         state: cython.longlong[:, ::1], row: cython.Py_ssize_t, lane: cython.Py_ssize_t,
         ctl: cython.longlong[::1]) -> cython.int:
    """Add view[start:end] to the head kept in the arena.

    When there is no room after it, it moves to the arena's end, with room for as much again: heads that come in turns are
    copied a few times each, not once for each of their pieces.
    """
    at: cython.Py_ssize_t = ctl[ARENA_USED]
    old: cython.Py_ssize_t = state[row, lane + PART]
    length: cython.Py_ssize_t = state[row, lane + PART_LEN]
    wanted: cython.Py_ssize_t = length + end - start
    if length == 0:
        old = state[row, lane + PART] = at
        ctl[ARENA_USED] = state[row, lane + PART_END] = at + wanted
    elif old + wanted > state[row, lane + PART_END]:
        if state[row, lane + PART_END] == at:
            ctl[ARENA_USED] = state[row, lane + PART_END] = old + wanted
        else:
            copy(arena, old, old + length, arena, at)
            old = state[row, lane + PART] = at
            ctl[ARENA_USED] = state[row, lane + PART_END] = at + 2 * wanted
    copy(view, start, end, arena, old + length)
    state[row, lane + PART_LEN] = wanted
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def emit(messages: cython.longlong[:, ::1], state: cython.longlong[:, ::1], row: cython.Py_ssize_t, lane: cython.Py_ssize_t,
         flags: cython.longlong, number: cython.longlong, ts_ns: cython.longlong, ctl: cython.longlong[::1]) -> cython.int:
    """Hand the open message on: it ended with packet `number`."""
    k: cython.Py_ssize_t
    at: cython.Py_ssize_t = ctl[MADE]
    state[row, lane + MESSAGE + M_LAST_PACKET] = number
    state[row, lane + MESSAGE + M_LAST_NS] = ts_ns
    state[row, lane + MESSAGE + M_FLAGS] |= flags
    if state[row, lane + INFERRED]:
        state[row, lane + MESSAGE + M_FLAGS] |= RESYNC
    for k in range(M_COUNT):
        messages[k, at] = state[row, lane + MESSAGE + k]
    ctl[MADE] = at + 1
    state[row, lane + OPEN] = 0
    state[row, lane + PHASE] = START
    state[row, lane + PART_LEN] = 0
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def begin(state: cython.longlong[:, ::1], row: cython.Py_ssize_t, lane: cython.Py_ssize_t,
          pieces: cython.const[cython.longlong][:, ::1], k: cython.Py_ssize_t, skip: cython.longlong,
          ctl: cython.longlong[::1]) -> cython.int:
    """A message begins `skip` bytes into piece k."""
    j: cython.Py_ssize_t
    at: cython.Py_ssize_t = lane + MESSAGE
    for j in range(M_COUNT):
        state[row, at + j] = 0
    state[row, at + M_SLOT] = pieces[P_SLOT, k]
    state[row, at + M_STREAM] = pieces[P_STREAM, k]
    state[row, at + M_DIRECTION] = pieces[P_DIRECTION, k]
    state[row, at + M_FIRST_PACKET] = pieces[P_ORIGIN, k]
    state[row, at + M_FIRST_NS] = pieces[P_TS_NS, k]
    state[row, at + M_STREAM_OFFSET] = pieces[P_STREAM_OFFSET, k] + skip
    state[row, at + M_STORE_OFFSET] = pieces[P_OFFSET, k] + skip if pieces[P_OFFSET, k] >= 0 else -1
    state[row, at + M_EXPECTED] = -1
    state[row, at + M_SEQUENCE] = -1
    state[row, at + M_ID] = ctl[NEXT_ID]
    ctl[NEXT_ID] += 1
    state[row, lane + OPEN] = 1
    state[row, lane + CHECKED] = 0
    state[row, lane + REFOUND] = 0
    state[row, lane + INSIDE] = 0
    state[row, lane + PHASE] = HEAD
    state[row, lane + PART_LEN] = 0
    state[row, lane + SCANNED] = 0
    state[row, lane + LOOKED] = 0
    state[row, lane + SKIPPED] = 0
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def after_line(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, line: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Index of the first field line after the start line view[start:line]: after its LF, or after a lone CR inside it."""
    i: cython.Py_ssize_t
    for i in range(start, line - 1):
        if view[i] == 13 and view[i + 1] != 32 and view[i + 1] != 9 and view[i + 1] != 13:
            return i + 1
    return line + 1


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def open_body(begun: cython.longlong[:, ::1], parts: cython.longlong[:, ::1], state: cython.longlong[:, ::1],
              row: cython.Py_ssize_t, lane: cython.Py_ssize_t, ctl: cython.longlong[::1]) -> cython.int:
    """The open message has a body: show its head to those who want the bytes."""
    k: cython.Py_ssize_t
    at: cython.Py_ssize_t
    if ctl[BODIES]:
        at = ctl[BEGUN]
        for k in range(M_COUNT):
            begun[k, at] = state[row, lane + MESSAGE + k]
        ctl[BEGUN] = at + 1
        add_part(parts, state, row, lane, BODY_HEAD, 0, at, 0, ctl)
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def add_part(parts: cython.longlong[:, ::1], state: cython.longlong[:, ::1], row: cython.Py_ssize_t, lane: cython.Py_ssize_t,
             kind: cython.longlong, buffer: cython.longlong, start: cython.longlong, length: cython.longlong,
             ctl: cython.longlong[::1]) -> cython.int:
    """One more part of the body of the open message, when somebody wants the bytes."""
    at: cython.Py_ssize_t
    if ctl[BODIES]:
        at = ctl[PARTS]
        parts[BODY_ID, at] = state[row, lane + MESSAGE + M_ID]
        parts[BODY_KIND, at] = kind
        parts[BODY_BUFFER, at] = buffer
        parts[BODY_START, at] = start
        parts[BODY_LEN, at] = length
        ctl[PARTS] = at + 1
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def number_it(state: cython.longlong[:, ::1], row: cython.Py_ssize_t, lane: cython.Py_ssize_t, kind: cython.longlong,
              facts: cython.longlong[::1]) -> cython.longlong:
    """Count the message whose head was read; returns the method number it answers (responses), else 0."""
    n: cython.longlong
    bit: cython.longlong
    answers: cython.longlong = 0
    status: cython.longlong = facts[STATUS_]
    if state[row, lane + RESPONDS] == 0 or surely(kind, 0, facts):      # one odd line does not turn a direction round
        state[row, lane + RESPONDS] = kind
    if state[row, lane + REFOUND]:
        if kind == 1:
            if state[row, REQUESTS] < state[row, RESPONSES]:
                state[row, REQUESTS] = state[row, RESPONSES]
        elif state[row, REQUESTS] > 0:
            state[row, RESPONSES] = state[row, REQUESTS] - 1      # without pipelining a response answers the latest request
    if kind == 1:
        n = state[row, REQUESTS]
        bit = cython.cast(cython.longlong, 1) << (n % 62)
        state[row, HEADS] &= ~bit
        state[row, CONNECTS] &= ~bit
        if facts[METHOD_] == METHOD_HEAD:
            state[row, HEADS] |= bit
        elif facts[METHOD_] == CONNECT:
            state[row, CONNECTS] |= bit
        state[row, OLD] = 1 if facts[VERSION_] == 9 else 0
        state[row, REQUESTS] = n + 1
        state[row, lane + MESSAGE + M_SEQUENCE] = n
        return 0
    n = state[row, RESPONSES]
    if n < state[row, REQUESTS]:
        bit = cython.cast(cython.longlong, 1) << (n % 62)
        if state[row, HEADS] & bit:
            answers = METHOD_HEAD
        elif state[row, CONNECTS] & bit:
            answers = CONNECT
        state[row, lane + MESSAGE + M_SEQUENCE] = n
        if status >= 200 or status == 101 or status < 100:
            state[row, RESPONSES] = n + 1
    return answers


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def frame(state: cython.longlong[:, ::1], row: cython.Py_ssize_t, lane: cython.Py_ssize_t, kind: cython.longlong,
          facts: cython.longlong[::1], messages: cython.longlong[:, ::1], begun: cython.longlong[:, ::1],
          parts: cython.longlong[:, ::1], number: cython.longlong, ts_ns: cython.longlong,
          ctl: cython.longlong[::1]) -> cython.int:
    """The head is whole: decide how the body ends (RFC 9112 section 6.3), and hand the message on when it has none."""
    at: cython.Py_ssize_t = lane + MESSAGE
    status: cython.longlong = facts[STATUS_]
    version: cython.longlong = facts[VERSION_]
    answers: cython.longlong = number_it(state, row, lane, kind, facts)
    flags: cython.longlong = facts[FLAGS_]
    framing: cython.longlong
    if not facts[CLOSE_] and (version >= 11 or facts[KEEP_]):
        flags |= KEEP_ALIVE
    state[row, HTTP] = 1
    state[row, at + M_IS_RESPONSE] = 1 if kind == 2 else 0
    state[row, at + M_HEAD_PACKET] = number
    state[row, at + M_HEAD_NS] = ts_ns
    state[row, at + M_STATUS] = status
    state[row, at + M_METHOD] = facts[METHOD_]
    state[row, at + M_VERSION] = version
    state[row, at + M_FLAGS] |= flags
    state[row, at + M_EXPECTED] = facts[LENGTH_]
    if (kind == 1 and facts[METHOD_] == PRI) or (kind == 2 and (status == 101 or (answers == CONNECT and 200 <= status < 300))):
        framing = F_TUNNEL
    elif kind == 2 and (answers == METHOD_HEAD or 100 <= status < 200 or status == 204 or status == 304):
        framing = F_NONE
    elif facts[CHUNKED_]:
        framing = F_CHUNKED
        state[row, at + M_EXPECTED] = -1
    elif facts[LENGTH_] > 0:
        framing = F_LENGTH
    elif facts[LENGTH_] == 0 or kind == 1:
        framing = F_NONE
    else:
        framing = F_CLOSE
    state[row, at + M_FRAMING] = framing
    if framing == F_LENGTH or framing == F_CHUNKED or framing == F_CLOSE:
        open_body(begun, parts, state, row, lane, ctl)
    if framing == F_LENGTH:
        state[row, lane + PHASE] = LENGTH
        state[row, lane + LEFT] = facts[LENGTH_]
    elif framing == F_CHUNKED:
        state[row, lane + PHASE] = CHUNK_SIZE
        state[row, lane + LEFT] = facts[LENGTH_]       # counts when the body turns out not to be chunked
        state[row, lane + SIZE] = 0
        state[row, lane + DIGITS] = 0
    elif framing == F_CLOSE:
        state[row, lane + PHASE] = CLOSE
    else:
        emit(messages, state, row, lane, COMPLETE, number, ts_ns, ctl)
        if framing == F_TUNNEL:
            # after CONNECT the client speaks to somebody else: that may be HTTP again
            state[row, HTTP] = 0 if answers == CONNECT else 2
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def note_body(view: cython.const[cython.uchar][::1], buffer: cython.longlong, start: cython.Py_ssize_t,
              end: cython.Py_ssize_t, arena: cython.uchar[::1], state: cython.longlong[:, ::1], row: cython.Py_ssize_t,
              lane: cython.Py_ssize_t, parts: cython.longlong[:, ::1], ctl: cython.longlong[::1]) -> cython.int:
    """view[start:end] is body: count it, and remember where its first bytes are.

    They stay where they arrived as long as they lie there in one run, else they are put together in the arena.
    """
    at: cython.Py_ssize_t = lane + MESSAGE
    had: cython.Py_ssize_t = state[row, at + M_PREFIX_LEN]
    old: cython.Py_ssize_t = state[row, at + M_PREFIX_START]
    length: cython.Py_ssize_t = end - start
    if had < _PREFIX and state[row, at + M_BODY_LEN] == had and length > 0:
        if length > _PREFIX - had:
            length = _PREFIX - had
        if buffer == 0 and had == 0:
            state[row, at + M_PREFIX_BUFFER] = 0
            state[row, at + M_PREFIX_START] = start
        elif buffer != 0 and had and state[row, at + M_PREFIX_BUFFER] == 0:
            length = 0                  # what came lies in another array than what is there: that much is enough
        elif buffer != 0 or state[row, at + M_PREFIX_BUFFER] != 0 or old + had != start:
            if had == 0 or state[row, at + M_PREFIX_BUFFER] == 0 or old + had != ctl[ARENA_USED]:
                state[row, at + M_PREFIX_START] = ctl[ARENA_USED]
                if had and state[row, at + M_PREFIX_BUFFER] == 0:
                    ctl[ARENA_USED] = copy(view, old, old + had, arena, ctl[ARENA_USED])
                else:
                    ctl[ARENA_USED] = copy(arena, old, old + had, arena, ctl[ARENA_USED])
                state[row, at + M_PREFIX_BUFFER] = 1
            ctl[ARENA_USED] = copy(view, start, start + length, arena, ctl[ARENA_USED])
        state[row, at + M_PREFIX_LEN] = had + length
    state[row, at + M_BODY_LEN] += end - start
    state[row, at + M_BODY_WIRE] += end - start
    return add_part(parts, state, row, lane, BODY_DATA, buffer, start, end - start, ctl)


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def plausible(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.bint:
    """Whether a line that is not whole yet may become a start line: `HTTP/...`, or a token, a space and a target."""
    i: cython.Py_ssize_t = start
    if end - i < 5 and begins_http(view, i, end):
        return True
    if is_http(view, start, end):
        return True
    while i < end and i - start < 32 and is_token_byte(view[i]):
        i += 1
    if i == end:
        return i - start < 32 and 65 <= view[start] <= 90
    if i == start or view[i] != 32 or i - start > 24:
        return False
    if i + 1 < end and (view[i + 1] <= 32 or view[i + 1] == 127):
        return False
    return 65 <= view[start] <= 90


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def surely(kind: cython.longlong, responds: cython.longlong, facts: cython.longlong[::1]) -> cython.bint:
    """Whether a start line of this kind, just read, is one beyond doubt: with a version, a status, in the right direction."""
    if facts[VERSION_] < 10:
        return False
    return (kind == 1 and responds != 2) or (kind == 2 and responds != 1 and facts[STATUS_] >= 100)


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def find_start(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t,
               responds: cython.longlong, inside: cython.longlong, names: cython.const[cython.uchar][::1],
               starts: cython.const[cython.longlong][::1], facts: cython.longlong[::1]) -> cython.Py_ssize_t:
    """Index in view[start:end] where a message begins again, or may begin in a line that is not whole; -1 when nowhere.

    inside  1: the first byte goes on in a line
    """
    i: cython.Py_ssize_t = start
    stop: cython.Py_ssize_t
    kind: cython.longlong
    while i < end:
        stop = line_end(view, i, end, False)
        if stop < 0:
            stop = end
        if not inside:
            if stop < end:
                kind = start_line(view, i, text_end(view, i, stop), names, starts, facts)
                if surely(kind, responds, facts) and (kind == 2 or 65 <= view[i] <= 90):
                    if kind == 1 and facts[METHOD_] == 0:
                        return after_tail(view, i, stop, names, starts)
                    return i
            elif responds != 2 and plausible(view, i, end):
                return i
        inside = 0
        # a body need not end in a line end: `...</html>HTTP/1.1 200 OK`
        while i < stop:
            if responds == 2:
                if (view[i] | 32) == 104 and (is_http(view, i, stop) or (stop == end and end - i < 5 and begins_http(view, i, end))):
                    if stop == end:
                        return i
                    start_line(view, i, text_end(view, i, stop), names, starts, facts)
                    if facts[VERSION_] >= 10 and facts[STATUS_] >= 100:
                        return i
            elif 65 <= view[i] <= 90:
                kind = asks(view, i, stop, names, starts)
                if kind == 2 and stop == end:
                    return i
                if kind == 1:
                    if stop == end:
                        return i
                    if start_line(view, i, text_end(view, i, stop), names, starts, facts) == 1 and facts[VERSION_] >= 10:
                        return i
            i += 1
        i = stop + 1
    return -1


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def after_tail(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t,
               names: cython.const[cython.uchar][::1], starts: cython.const[cython.longlong][::1]) -> cython.Py_ssize_t:
    """Where in view[start:end], a request whose method nobody knows, a known method begins before the first space; else `start`.

    After a hole such a method is more likely one that the last bytes of a body stand before.
    """
    i: cython.Py_ssize_t
    for i in range(start + 1, end):
        if view[i] <= 32:
            break
        if asks(view, i, end, names, starts) == 1:
            return i
    return start


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def asks(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t,
         names: cython.const[cython.uchar][::1], starts: cython.const[cython.longlong][::1]) -> cython.longlong:
    """1 when view[start:end] begins with a known method, a space and what a target begins with; 2 when it may, had it gone on."""
    i: cython.Py_ssize_t = start
    while i < end and i - start < 17 and (65 <= view[i] <= 90 or view[i] == 95 or view[i] == 45):
        i += 1
    if i == end:
        return 2
    if view[i] != 32 or method_number(view, start, i, names, starts) == 0:
        return 0
    if i + 1 == end:
        return 2
    return 1 if view[i + 1] == 47 or view[i + 1] == 42 or (view[i + 1] | 32) == 104 else 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def begin_bare(begun: cython.longlong[:, ::1], parts: cython.longlong[:, ::1], state: cython.longlong[:, ::1],
               row: cython.Py_ssize_t, lane: cython.Py_ssize_t, number: cython.longlong, ts_ns: cython.longlong,
               ctl: cython.longlong[::1]) -> cython.int:
    """The open message is the answer to an HTTP/0.9 request: nothing but a body, until the end."""
    at: cython.Py_ssize_t = lane + MESSAGE
    state[row, at + M_IS_RESPONSE] = 1
    state[row, at + M_VERSION] = 9
    state[row, at + M_FRAMING] = F_CLOSE
    state[row, at + M_HEAD_PACKET] = number
    state[row, at + M_HEAD_NS] = ts_ns
    if state[row, RESPONSES] < state[row, REQUESTS]:
        state[row, at + M_SEQUENCE] = state[row, RESPONSES]
        state[row, RESPONSES] += 1
    open_body(begun, parts, state, row, lane, ctl)
    state[row, lane + PHASE] = CLOSE
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def may_go_on(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t,
              responds: cython.longlong, checked: cython.longlong, names: cython.const[cython.uchar][::1],
              starts: cython.const[cython.longlong][::1]) -> cython.longlong:
    """0 when the line view[start:end], more of which came, can no more become the start line it was taken for (see CHECKED)."""
    if checked == 0:
        return 1 if plausible(view, start, end) else 0
    if responds == 2:
        return 1 if is_http(view, start, end) or (end - start < 5 and begins_http(view, start, end)) else 0
    if checked == -1 and plausible(view, start, end):
        return 1
    return asks(view, start, end, names, starts)


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def speaks(state: cython.longlong[:, ::1], row: cython.Py_ssize_t, lane: cython.Py_ssize_t) -> cython.longlong:
    """What a direction sends: 1 requests, 2 responses, 0 not known. If it never spoke before it is what the other side is not."""
    kind: cython.longlong = state[row, lane + RESPONDS]
    if kind == 0:
        kind = (3 - state[row, BASE + BASE + LANE - lane + RESPONDS]) % 3
    return kind


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def begins_http(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.bint:
    """Whether view[start:end], shorter than `HTTP/`, is how that begins."""
    i: cython.Py_ssize_t
    for i in range(start, end):
        if lower(view[i]) != (104 if i == start else 112 if i == start + 3 else 116):
            return False
    return True


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def lose(messages: cython.longlong[:, ::1], state: cython.longlong[:, ::1], row: cython.Py_ssize_t, lane: cython.Py_ssize_t,
         flags: cython.longlong, number: cython.longlong, ts_ns: cython.longlong, ctl: cython.longlong[::1]) -> cython.int:
    """The end of what this direction was saying is not known: give the open message up and look for the next start."""
    if state[row, lane + OPEN]:
        if state[row, lane + PHASE] == HEAD:
            keep_head(state, row, lane)
        emit(messages, state, row, lane, flags, number, ts_ns, ctl)
    state[row, lane + PHASE] = LOST
    state[row, lane + INSIDE] = 0
    state[row, lane + INFERRED] = 1
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def keep_head(state: cython.longlong[:, ::1], row: cython.Py_ssize_t, lane: cython.Py_ssize_t) -> cython.int:
    """The part of a head that came is all there is of it."""
    at: cython.Py_ssize_t = lane + MESSAGE
    state[row, at + M_HEAD_BUFFER] = 1
    state[row, at + M_HEAD_START] = state[row, lane + PART]
    state[row, at + M_HEAD_KEPT] = state[row, lane + PART_LEN]
    state[row, at + M_HEAD_LEN] = state[row, lane + PART_LEN] + state[row, lane + SKIPPED]
    state[row, at + M_IS_RESPONSE] = 1 if speaks(state, row, lane) == 2 else 0
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def skip_head(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t,
              state: cython.longlong[:, ::1], row: cython.Py_ssize_t, lane: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Go on in a head that is longer than what is kept: index after its empty line, -1 when it goes on."""
    i: cython.Py_ssize_t
    byte: cython.uchar
    for i in range(start, end):
        byte = view[i]
        if byte == 10:
            if state[row, lane + BLANK]:
                state[row, lane + SKIPPED] += i + 1 - start
                return i + 1
            state[row, lane + BLANK] = 1
        elif byte != 13:
            state[row, lane + BLANK] = 0
    state[row, lane + SKIPPED] += end - start
    return -1


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def on_head(view: cython.const[cython.uchar][::1], buffer: cython.longlong, start: cython.Py_ssize_t, end: cython.Py_ssize_t,
            origin: cython.longlong, came: cython.longlong, came_ns: cython.longlong, arena: cython.uchar[::1],
            names: cython.const[cython.uchar][::1], starts: cython.const[cython.longlong][::1], facts: cython.longlong[::1],
            messages: cython.longlong[:, ::1], begun: cython.longlong[:, ::1], parts: cython.longlong[:, ::1],
            state: cython.longlong[:, ::1], row: cython.Py_ssize_t, lane: cython.Py_ssize_t, number: cython.longlong,
            ts_ns: cython.longlong, ctl: cython.longlong[::1]) -> cython.Py_ssize_t:
    """Read on in a head; returns the index after it (or `end` when it goes on).

    Packet `came` carried view[start:end], packet `number` handed it on.
    """
    at: cython.Py_ssize_t = lane + MESSAGE
    part: cython.Py_ssize_t
    length: cython.Py_ssize_t
    line: cython.Py_ssize_t
    stop: cython.Py_ssize_t
    take: cython.Py_ssize_t
    before: cython.Py_ssize_t
    kind: cython.longlong
    if state[row, lane + PART_LEN] == 0 and buffer == 0:
        stop = head_end(view, start, start, end, False, facts)
        if stop >= 0:
            line = line_end(view, start, stop, False)
            kind = start_line(view, start, text_end(view, start, line), names, starts, facts)
            if kind == 0:
                lose_head(state, row, lane)
                return stop
            parse_fields(view, after_line(view, start, line), stop, True, facts)
            state[row, at + M_HEAD_BUFFER] = 0
            state[row, at + M_HEAD_START] = start
            state[row, at + M_HEAD_KEPT] = stop - start
            state[row, at + M_HEAD_LEN] = stop - start
            frame(state, row, lane, kind, facts, messages, begun, parts, number, ts_ns, ctl)
            return stop
    take = end
    if state[row, lane + SKIPPED] == 0:
        length = state[row, lane + PART_LEN]
        if length + end - start > _HEAD_BYTES:
            take = start + _HEAD_BYTES - length
        keep(view, start, take, arena, state, row, lane, ctl)
        part = state[row, lane + PART]
        if state[row, lane + CHECKED] <= 0:
            line = line_end(arena, part + state[row, lane + LOOKED], part + state[row, lane + PART_LEN], False)
            if line >= 0:
                kind = start_line(arena, part, text_end(arena, part, line), names, starts, facts)
                if state[row, lane + CHECKED] < 0 and not surely(kind, speaks(state, row, lane), facts):
                    kind = 0
                elif state[row, lane + CHECKED] == -2 and kind == 1 and asks(arena, part, line, names, starts) != 1:
                    kind = 0
                elif state[row, lane + CHECKED] == -1 and kind == 1 and facts[METHOD_] == 0 \
                        and after_tail(arena, part, line, names, starts) > part:
                    kind = 0                                        # the method that is known is found below
                state[row, lane + CHECKED] = 1
                line += 1
            else:
                line = part + state[row, lane + PART_LEN]
                kind = may_go_on(arena, part, line, speaks(state, row, lane), state[row, lane + CHECKED], names, starts)
            if kind == 0 and state[row, OLD] and state[row, lane + RESPONDS] != 1 and not is_http(arena, part, line):
                length = state[row, lane + PART_LEN]
                state[row, lane + PART_LEN] = 0
                begin_bare(begun, parts, state, row, lane, number, ts_ns, ctl)
                note_body(arena, 1, part, part + length, arena, state, row, lane, parts, ctl)
                return take
            if kind == 0:
                before = length                                     # of the head, when this piece came
                length = find_start(arena, part + 1, line, speaks(state, row, lane), 1, names, starts, facts) - part
                if length < 0 or state[row, HTTP] == 0:
                    stop = take - (part + state[row, lane + PART_LEN] - line)      # the same place in this piece
                    lose_head(state, row, lane)
                    state[row, lane + INSIDE] = 0 if arena[line - 1] == 10 else 1
                    return stop
                part += length                                      # the message begins later in this line
                state[row, lane + PART] = part
                state[row, lane + PART_LEN] -= length
                state[row, lane + LOOKED] = 0
                state[row, lane + INFERRED] = 1
                state[row, lane + REFOUND] = 1
                if state[row, lane + CHECKED] <= 0:
                    state[row, lane + CHECKED] = -2
                state[row, at + M_STREAM_OFFSET] += length
                if length >= before:                                # it begins in this piece
                    state[row, at + M_FIRST_PACKET] = came
                    state[row, at + M_FIRST_NS] = came_ns
                    state[row, at + M_STORE_OFFSET] = origin + start + length - before if origin >= 0 else -1
                elif state[row, at + M_STORE_OFFSET] >= 0:
                    state[row, at + M_STORE_OFFSET] += length
        stop = head_end(arena, part + state[row, lane + SCANNED], part + state[row, lane + LOOKED],
                        part + state[row, lane + PART_LEN], False, facts)
        state[row, lane + SCANNED] = facts[SCANNED_] - part
        state[row, lane + LOOKED] = state[row, lane + PART_LEN]
        if stop < 0 and take == end:
            return end
        if stop >= 0:
            stop = take - (part + state[row, lane + PART_LEN] - stop)     # the same place in this piece
            state[row, lane + PART_LEN] -= take - stop
            take = stop
        else:
            state[row, lane + BLANK] = 1 if state[row, lane + SCANNED] == state[row, lane + PART_LEN] else 0
            state[row, at + M_FLAGS] |= CUT_HEAD
            stop = skip_head(view, take, end, state, row, lane)
            if stop < 0:
                return end
    else:
        stop = skip_head(view, start, end, state, row, lane)
        if stop < 0:
            return end
    part = state[row, lane + PART]
    length = state[row, lane + PART_LEN]
    line = line_end(arena, part, part + length, False)
    kind = 0
    if line >= 0:
        kind = start_line(arena, part, text_end(arena, part, line), names, starts, facts)
    if kind == 0:
        lose_head(state, row, lane)
        return stop
    parse_fields(arena, after_line(arena, part, line), part + length, True, facts)
    state[row, at + M_HEAD_BUFFER] = 1
    state[row, at + M_HEAD_START] = part
    state[row, at + M_HEAD_KEPT] = length
    state[row, at + M_HEAD_LEN] = length + state[row, lane + SKIPPED]
    state[row, lane + PART_LEN] = 0
    frame(state, row, lane, kind, facts, messages, begun, parts, number, ts_ns, ctl)
    return stop


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def on_old_request(view: cython.const[cython.uchar][::1], buffer: cython.longlong, start: cython.Py_ssize_t,
                   end: cython.Py_ssize_t, arena: cython.uchar[::1], facts: cython.longlong[::1],
                   messages: cython.longlong[:, ::1], begun: cython.longlong[:, ::1], parts: cython.longlong[:, ::1],
                   state: cython.longlong[:, ::1], row: cython.Py_ssize_t, lane: cython.Py_ssize_t, number: cython.longlong,
                   ts_ns: cython.longlong, ctl: cython.longlong[::1]) -> cython.Py_ssize_t:
    """A request of HTTP/0.9 is the line view[start:end] and nothing else; returns the index after it."""
    at: cython.Py_ssize_t = lane + MESSAGE
    if end - start > _HEAD_BYTES:
        lose_head(state, row, lane)
        return end
    parse_fields(view, end, end, False, facts)
    if buffer == 0:
        state[row, at + M_HEAD_BUFFER] = 0
        state[row, at + M_HEAD_START] = start
    else:
        state[row, at + M_HEAD_BUFFER] = 1
        state[row, at + M_HEAD_START] = ctl[ARENA_USED]
        ctl[ARENA_USED] = copy(view, start, end, arena, ctl[ARENA_USED])
    state[row, at + M_HEAD_KEPT] = end - start
    state[row, at + M_HEAD_LEN] = end - start
    frame(state, row, lane, 1, facts, messages, begun, parts, number, ts_ns, ctl)
    return end


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def lose_head(state: cython.longlong[:, ::1], row: cython.Py_ssize_t, lane: cython.Py_ssize_t) -> cython.int:
    """What looked like a head is none."""
    state[row, lane + OPEN] = 0
    state[row, lane + PART_LEN] = 0
    if state[row, HTTP] == 1:
        state[row, lane + PHASE] = LOST
        state[row, lane + INFERRED] = 1
    else:
        state[row, lane + PHASE] = START
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def on_data(view: cython.const[cython.uchar][::1], buffer: cython.longlong, start: cython.Py_ssize_t, end: cython.Py_ssize_t,
            pieces: cython.const[cython.longlong][:, ::1], k: cython.Py_ssize_t, arena: cython.uchar[::1],
            names: cython.const[cython.uchar][::1], starts: cython.const[cython.longlong][::1],
            facts: cython.longlong[::1], messages: cython.longlong[:, ::1], begun: cython.longlong[:, ::1],
            parts: cython.longlong[:, ::1], state: cython.longlong[:, ::1], row: cython.Py_ssize_t,
            lane: cython.Py_ssize_t, number: cython.longlong, ts_ns: cython.longlong,
            ctl: cython.longlong[::1]) -> cython.int:
    """Read the bytes view[start:end] of piece k, which packet `number` handed on."""
    i: cython.Py_ssize_t = start
    at: cython.Py_ssize_t = lane + MESSAGE
    stop: cython.Py_ssize_t
    take: cython.Py_ssize_t
    phase: cython.longlong
    kind: cython.longlong
    byte: cython.longlong
    while i < end:
        if state[row, HTTP] == 2:
            return 0
        phase = state[row, lane + PHASE]
        if phase == OFF:
            return 0
        if phase == LENGTH or phase == CHUNK_DATA:
            take = end - i
            if take > state[row, lane + LEFT]:
                take = state[row, lane + LEFT]
            note_body(view, buffer, i, i + take, arena, state, row, lane, parts, ctl)
            state[row, lane + LEFT] -= take
            i += take
            if state[row, lane + LEFT] == 0:
                if phase == LENGTH:
                    emit(messages, state, row, lane, COMPLETE, number, ts_ns, ctl)
                else:
                    state[row, lane + PHASE] = CHUNK_END
        elif phase == CLOSE:
            note_body(view, buffer, i, end, arena, state, row, lane, parts, ctl)
            return 0
        elif phase == START:
            while i < end and (view[i] == 13 or view[i] == 10):
                i += 1
            if i == end:
                return 0
            if state[row, OLD] and state[row, lane + RESPONDS] != 1 and not is_http(view, i, end) \
                    and not (end - i < 5 and begins_http(view, i, end)):
                begin(state, row, lane, pieces, k, i - start, ctl)
                begin_bare(begun, parts, state, row, lane, number, ts_ns, ctl)
                continue
            if state[row, HTTP] == 1 and state[row, lane + RESPONDS] != 1 and (view[i] == 32 or view[i] == 9):
                stop = i
                while stop < end and (is_space(view[stop]) or view[stop] == 10):
                    stop += 1
                if is_http(view, stop, end):                   # white space before a status line
                    i = stop
            stop = line_end(view, i, end, False)
            if stop < 0:
                kind = plausible(view, i, end)
            else:
                kind = start_line(view, i, text_end(view, i, stop), names, starts, facts)
                if kind == 1 and facts[VERSION_] == 9 and (stop + 1 == end or view[stop + 1] == 13 or view[stop + 1] == 10):
                    begin(state, row, lane, pieces, k, i - start, ctl)
                    i = on_old_request(view, buffer, i, stop + 1, arena, facts, messages, begun, parts, state, row, lane,
                                       number, ts_ns, ctl)
                    continue
            if kind == 0:
                if state[row, HTTP] == 0:
                    return 0                       # some other protocol; the next piece is looked at again
                state[row, lane + PHASE] = LOST
                state[row, lane + INFERRED] = 1
                continue
            begin(state, row, lane, pieces, k, i - start, ctl)
        elif phase == HEAD:
            i = on_head(view, buffer, i, end, pieces[P_OFFSET, k] - start, pieces[P_ORIGIN, k], pieces[P_TS_NS, k], arena, names,
                        starts, facts, messages, begun, parts, state, row, lane, number, ts_ns, ctl)
        elif phase == LOST:
            stop = find_start(view, i, end, speaks(state, row, lane), state[row, lane + INSIDE], names, starts, facts)
            if stop < 0:
                state[row, lane + INSIDE] = 0 if view[end - 1] == 10 else 1
                return 0
            # Its start line, whole, has to be one beyond doubt; in the middle of a line, with a known method too.
            byte = -1
            if (stop > i and view[stop - 1] != 10) or (stop == i and state[row, lane + INSIDE]):
                byte = -2
            i = stop
            begin(state, row, lane, pieces, k, i - start, ctl)
            state[row, lane + REFOUND] = 1
            state[row, lane + CHECKED] = byte
        elif phase == CHUNK_SIZE:
            byte = view[i]
            if state[row, lane + DIGITS] == 0 and byte == 10:
                i += 1                                         # an empty line before the size
                state[row, at + M_BODY_WIRE] += 1
                continue
            if state[row, lane + DIGITS] == 0 and state[row, at + M_BODY_LEN] == 0 and kind_of_size(byte) == 0 \
                    and state[row, at + M_IS_RESPONSE]:
                state[row, at + M_FLAGS] |= MALFORMED | AMBIGUOUS
                state[row, at + M_BODY_WIRE] = 0
                state[row, at + M_EXPECTED] = state[row, lane + LEFT]
                if state[row, lane + LEFT] > 0:
                    state[row, at + M_FRAMING] = F_LENGTH
                    state[row, lane + PHASE] = LENGTH
                else:
                    state[row, at + M_FRAMING] = F_CLOSE
                    state[row, lane + PHASE] = CLOSE
                continue
            i += 1
            state[row, at + M_BODY_WIRE] += 1
            if byte == 10:
                if state[row, lane + DIGITS] == 0 or state[row, lane + DIGITS] == 3:
                    state[row, at + M_FLAGS] |= MALFORMED
                    lose(messages, state, row, lane, MALFORMED, number, ts_ns, ctl)
                elif state[row, lane + SIZE] == 0:
                    state[row, lane + PHASE] = TRAILER
                    state[row, lane + LINE] = 0
                else:
                    state[row, lane + PHASE] = CHUNK_DATA
                    state[row, lane + LEFT] = state[row, lane + SIZE]
            elif state[row, lane + DIGITS] <= 1:
                byte = lower(byte)
                if 48 <= byte <= 57 or 97 <= byte <= 102:
                    state[row, lane + SIZE] = state[row, lane + SIZE] * 16 + (byte - 48 if byte <= 57 else byte - 87)
                    state[row, lane + DIGITS] = 1
                    if state[row, lane + SIZE] > _MAX_SIZE:
                        state[row, lane + SIZE] = _MAX_SIZE
                        state[row, lane + DIGITS] = 3
                elif byte == 59 or is_space(byte):
                    if state[row, lane + DIGITS] == 1:
                        state[row, lane + DIGITS] = 2
                    elif byte == 59:
                        state[row, lane + DIGITS] = 3
                else:
                    state[row, at + M_FLAGS] |= MALFORMED
                    state[row, lane + DIGITS] = 2 if state[row, lane + DIGITS] else 3
        elif phase == CHUNK_END:
            byte = view[i]
            if byte == 13 or byte == 10:
                i += 1
                state[row, at + M_BODY_WIRE] += 1
            if byte != 13:
                if byte != 10:
                    state[row, at + M_FLAGS] |= MALFORMED      # no line end after the data: read it as if there were one
                state[row, lane + PHASE] = CHUNK_SIZE
                state[row, lane + SIZE] = 0
                state[row, lane + DIGITS] = 0
        else:                                                  # TRAILER
            byte = view[i]
            i += 1
            state[row, at + M_BODY_WIRE] += 1
            if byte == 10:
                if state[row, lane + LINE] == 0:
                    emit(messages, state, row, lane, COMPLETE, number, ts_ns, ctl)
                else:
                    state[row, lane + LINE] = 0
            elif byte != 13:
                state[row, lane + LINE] += 1
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def kind_of_size(byte: cython.longlong) -> cython.longlong:
    """Whether a byte may stand at the start of a chunk's size line: 1 a digit, 2 white space, 0 neither."""
    byte = lower(byte)
    if 48 <= byte <= 57 or 97 <= byte <= 102:
        return 1
    return 2 if is_space(byte) or byte == 0 else 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def on_gap(length: cython.longlong, messages: cython.longlong[:, ::1], parts: cython.longlong[:, ::1],
           state: cython.longlong[:, ::1], row: cython.Py_ssize_t, lane: cython.Py_ssize_t, number: cython.longlong, ts_ns: cython.longlong,
           ctl: cython.longlong[::1]) -> cython.int:
    """`length` bytes are missing. Inside a body whose end is known that leaves a hole; anywhere else the thread is lost."""
    phase: cython.longlong = state[row, lane + PHASE]
    at: cython.Py_ssize_t = lane + MESSAGE
    take: cython.longlong = length
    if phase == OFF or state[row, HTTP] == 2 or (phase == START and state[row, HTTP] == 0):
        return 0
    if state[row, lane + OPEN]:
        state[row, at + M_FLAGS] |= HAS_GAP
    if phase == LENGTH or phase == CHUNK_DATA or phase == CLOSE:
        if phase != CLOSE and take > state[row, lane + LEFT]:
            take = state[row, lane + LEFT]
        state[row, at + M_GAP_BYTES] += take
        state[row, at + M_BODY_LEN] += take
        state[row, at + M_BODY_WIRE] += take
        add_part(parts, state, row, lane, BODY_HOLE, 0, 0, take, ctl)
        if phase == CLOSE:
            return 0
        state[row, lane + LEFT] -= take
        if phase == LENGTH:
            if state[row, lane + LEFT] == 0:
                emit(messages, state, row, lane, COMPLETE, number, ts_ns, ctl)
            if take == length:
                return 0
        elif take == length:
            if state[row, lane + LEFT] == 0:
                state[row, lane + PHASE] = CHUNK_END
            return 0
    return lose(messages, state, row, lane, 0, number, ts_ns, ctl)


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def on_end(kind: cython.longlong, messages: cython.longlong[:, ::1], state: cython.longlong[:, ::1], row: cython.Py_ssize_t,
           lane: cython.Py_ssize_t, number: cython.longlong, ts_ns: cython.longlong, ctl: cython.longlong[::1]) -> cython.int:
    """The direction ends: in order (FIN), by a reset, or because the flow left the table."""
    flags: cython.longlong = 0
    if state[row, lane + OPEN]:
        if state[row, lane + PHASE] == HEAD:
            keep_head(state, row, lane)
        elif state[row, lane + PHASE] == CLOSE and kind == FIN:
            flags = COMPLETE
        if not flags:
            flags = STILL_RUNNING if kind == END else ABORTED
        if state[row, lane + PHASE] != HEAD or state[row, HTTP] == 1:
            emit(messages, state, row, lane, flags, number, ts_ns, ctl)
        state[row, lane + OPEN] = 0
    state[row, lane + PHASE] = OFF
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def settle(data: cython.const[cython.uchar][::1], arena: cython.uchar[::1], state: cython.longlong[:, ::1],
           row: cython.Py_ssize_t, lane: cython.Py_ssize_t, ctl: cython.longlong[::1]) -> cython.int:
    """Copy what an open message refers to in the batch's bytes, which are about to go, into the arena."""
    at: cython.Py_ssize_t = lane + MESSAGE
    start: cython.Py_ssize_t
    if not state[row, lane + OPEN]:
        return 0
    if state[row, lane + PHASE] != HEAD and state[row, at + M_HEAD_BUFFER] == 0:
        start = state[row, at + M_HEAD_START]
        state[row, at + M_HEAD_BUFFER] = 1
        state[row, at + M_HEAD_START] = ctl[ARENA_USED]
        ctl[ARENA_USED] = copy(data, start, start + state[row, at + M_HEAD_KEPT], arena, ctl[ARENA_USED])
    if state[row, at + M_PREFIX_LEN] and state[row, at + M_PREFIX_BUFFER] == 0:
        start = state[row, at + M_PREFIX_START]
        state[row, at + M_PREFIX_BUFFER] = 1
        state[row, at + M_PREFIX_START] = ctl[ARENA_USED]
        ctl[ARENA_USED] = copy(data, start, start + state[row, at + M_PREFIX_LEN], arena, ctl[ARENA_USED])
    return 0


@cython.ccall
def settle_all(data: cython.const[cython.uchar][::1], arena: cython.uchar[::1], state: cython.longlong[:, ::1],
               touched: cython.const[cython.longlong][::1], ctl: cython.longlong[::1]) -> cython.void:
    """Make the open messages of the lanes `touched[:ctl[CTL_TOUCHED]]` independent of `data`.

    The arena needs as many free bytes as their heads and prefixes have.
    """
    k: cython.Py_ssize_t
    with cython.nogil:
        for k in range(ctl[TOUCHED]):
            settle(data, arena, state, touched[k] >> 1, BASE + (touched[k] & 1) * LANE, ctl)
    ctl[TOUCHED] = 0


@cython.ccall
def read_pieces(first: cython.Py_ssize_t, data: cython.const[cython.uchar][::1], held: cython.const[cython.uchar][::1],
                table: cython.const[cython.longlong][:, ::1], pieces: cython.const[cython.longlong][:, ::1],
                arena: cython.uchar[::1], state: cython.longlong[:, ::1], row_of: cython.longlong[::1],
                free: cython.longlong[::1], touched: cython.longlong[::1], messages: cython.longlong[:, ::1],
                begun: cython.longlong[:, ::1], parts: cython.longlong[:, ::1],
                names: cython.const[cython.uchar][::1], starts: cython.const[cython.longlong][::1],
                facts: cython.longlong[::1], ctl: cython.longlong[::1]) -> cython.Py_ssize_t:
    """Read the pieces from `first` on; returns the index after the last one read.

    It stops early, with ctl[CTL_STATUS] saying what has to grow, and goes on when called again:
    arena     uint8   heads and prefixes of open messages; ctl[CTL_ARENA_USED] bytes are used
    state     int64[rows, STATE_COLUMNS]; ctl[CTL_ROWS_USED] rows were ever used, free[:ctl[CTL_FREE]] are free again
    row_of    int64[slots]  row of a flow's slot, -1 none
    touched   int64  lanes (row * 2 + direction) with a message that stays open; ctl[CTL_TOUCHED] of them
    messages  int64[M_COUNT, m]  ended messages; ctl[CTL_MADE] of them
    begun     int64[M_COUNT, b]  messages with a body whose head became whole; ctl[CTL_BEGUN] of them. Like `parts` only
    parts     int64[BODY_COUNT, p]  written when ctl[CTL_BODIES] is 1; ctl[CTL_PARTS] of them
    """
    k: cython.Py_ssize_t
    j: cython.Py_ssize_t
    slot: cython.Py_ssize_t
    row: cython.Py_ssize_t
    lane: cython.Py_ssize_t
    start: cython.Py_ssize_t
    length: cython.Py_ssize_t
    room: cython.Py_ssize_t
    kind: cython.longlong
    number: cython.longlong
    ts_ns: cython.longlong
    packet: cython.Py_ssize_t
    ctl[STATUS] = 0
    with cython.nogil:
        for k in range(first, pieces.shape[1]):
            kind = pieces[P_KIND, k]
            slot = pieces[P_SLOT, k]
            length = pieces[P_LEN, k]
            room = length if kind == DATA else 0       # the length of a gap takes no room
            if slot >= row_of.shape[0]:
                ctl[STATUS] = 3
                return k
            row = row_of[slot]
            if row < 0:
                if kind != DATA or length == 0:
                    continue
                if ctl[FREE] > 0:
                    ctl[FREE] -= 1
                    row = free[ctl[FREE]]
                elif ctl[ROWS_USED] < state.shape[0]:
                    row = ctl[ROWS_USED]
                    ctl[ROWS_USED] = row + 1
                else:
                    ctl[STATUS] = 2
                    return k
                for j in range(state.shape[1]):
                    state[row, j] = 0
                row_of[slot] = row
            lane = BASE + pieces[P_DIRECTION, k] * LANE
            if messages.shape[1] - ctl[MADE] < 4 + room // 8:
                ctl[STATUS] = 4
                return k
            if ctl[BODIES] and (parts.shape[1] - ctl[PARTS] < 8 + room // 2 or begun.shape[1] - ctl[BEGUN] < 4 + room // 8):
                if kind == DATA or parts.shape[1] - ctl[PARTS] < 8:
                    ctl[STATUS] = 6
                    return k
            if arena.shape[0] - ctl[ARENA_USED] < _ROOM + 3 * room + 2 * state[row, lane + PART_LEN]:
                ctl[STATUS] = 1
                return k
            if ctl[TOUCHED] >= touched.shape[0]:
                ctl[STATUS] = 5
                return k
            packet = pieces[P_PACKET, k]
            if packet >= 0 and packet < table.shape[1]:
                number = table[NUMBER, packet]
                ts_ns = table[TS_NS, packet]
            else:
                number = pieces[P_ORIGIN, k]
                ts_ns = pieces[P_TS_NS, k]
            if kind == DATA:
                start = pieces[P_START, k]
                if pieces[P_BUFFER, k] == 0:
                    on_data(data, 0, start, start + length, pieces, k, arena, names, starts, facts, messages, begun, parts,
                            state, row, lane, number, ts_ns, ctl)
                else:
                    on_data(held, 1, start, start + length, pieces, k, arena, names, starts, facts, messages, begun, parts,
                            state, row, lane, number, ts_ns, ctl)
                if state[row, lane + OPEN]:
                    touched[ctl[TOUCHED]] = row * 2 + pieces[P_DIRECTION, k]
                    ctl[TOUCHED] += 1
            elif kind == GAP:
                on_gap(length, messages, parts, state, row, lane, number, ts_ns, ctl)
            else:
                on_end(kind, messages, state, row, lane, number, ts_ns, ctl)
                if kind == END or kind == FIN:                 # no bytes follow, though the flow may stay in its table
                    state[row, ENDED] |= 1 + pieces[P_DIRECTION, k]
                    if state[row, ENDED] == 3:
                        row_of[slot] = -1
                        free[ctl[FREE]] = row
                        ctl[FREE] += 1
    return pieces.shape[1]
