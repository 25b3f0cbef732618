"""Reassembly: the bytes of each direction in stream order, each once, gaps marked. Compiled.

A segment that continues its direction is handed on where it lies, nothing is copied. One that comes too early is held:
a node of a list sorted by stream offset, which points into the batch and, when the batch ends before the hole is filled,
into an arena. The first copy of a byte wins.

A hole is given up, and becomes a gap piece of known length,
- when the other end has acknowledged beyond it and it stays unfilled for a little while (SLACK_*: a capture may see an
  acknowledgement before the data, when two queues of a network card feed it),
- when too much waits behind it (limits.HELD_*), or, in a one-sided capture, when it stays unfilled for PATIENCE_*,
- when the flow ends.

A segment or an acknowledgement far outside everything that was seen (limits.STREAM_JUMP_BYTES) opens no gap of
gigabytes: it counts only when the other end or two more segments confirm it.

Stream offsets are 64 bits wide and unwrapped; sequence numbers (RFC 9293 section 3.4) are compared modulo 2**32.
"""

import cython

from sniff import limits
from sniff.notes import Code
from sniff.packets import columns as c
from sniff.reassembly import columns as s
from sniff.reassembly import flows

# --- columns -------------------------------------------------------------------------------------------------------------
NUMBER = cython.declare(cython.Py_ssize_t, c.NUMBER)
TS_NS = cython.declare(cython.Py_ssize_t, c.TS_NS)
CAPLEN = cython.declare(cython.Py_ssize_t, c.CAPLEN)
START = cython.declare(cython.Py_ssize_t, c.START)
OFFSET = cython.declare(cython.Py_ssize_t, c.OFFSET)
KIND = cython.declare(cython.Py_ssize_t, c.KIND)
PAYLOAD = cython.declare(cython.Py_ssize_t, c.PAYLOAD)
PAYLOAD_LEN = cython.declare(cython.Py_ssize_t, c.PAYLOAD_LEN)
PAYLOAD_WIRE = cython.declare(cython.Py_ssize_t, c.PAYLOAD_WIRE)
TCP_SEQ = cython.declare(cython.Py_ssize_t, c.TCP_SEQ)
TCP_ACK = cython.declare(cython.Py_ssize_t, c.TCP_ACK)
TCP_FLAGS = cython.declare(cython.Py_ssize_t, c.TCP_FLAGS)
KIND_TCP = cython.declare(cython.longlong, int(c.Kind.TCP))

STREAM = cython.declare(cython.Py_ssize_t, s.STREAM)
DIRECTION = cython.declare(cython.Py_ssize_t, s.DIRECTION)
TAGS = cython.declare(cython.Py_ssize_t, s.TAGS)
SLOT = cython.declare(cython.Py_ssize_t, s.SLOT)
NEW_STREAM = cython.declare(cython.longlong, int(s.Tag.NEW_STREAM))

P_KIND = cython.declare(cython.Py_ssize_t, s.P_KIND)
P_SLOT = cython.declare(cython.Py_ssize_t, s.P_SLOT)
P_STREAM = cython.declare(cython.Py_ssize_t, s.P_STREAM)
P_DIRECTION = cython.declare(cython.Py_ssize_t, s.P_DIRECTION)
P_PACKET = cython.declare(cython.Py_ssize_t, s.P_PACKET)
P_BUFFER = cython.declare(cython.Py_ssize_t, s.P_BUFFER)
P_START = cython.declare(cython.Py_ssize_t, s.P_START)
P_LEN = cython.declare(cython.Py_ssize_t, s.P_LEN)
P_STREAM_OFFSET = cython.declare(cython.Py_ssize_t, s.P_STREAM_OFFSET)
P_ORIGIN = cython.declare(cython.Py_ssize_t, s.P_ORIGIN)
P_OFFSET = cython.declare(cython.Py_ssize_t, s.P_OFFSET)
P_TS_NS = cython.declare(cython.Py_ssize_t, s.P_TS_NS)
PIECE_DATA = cython.declare(cython.longlong, int(s.Piece.DATA))
PIECE_GAP = cython.declare(cython.longlong, int(s.Piece.GAP))
PIECE_FIN = cython.declare(cython.longlong, int(s.Piece.FIN))
PIECE_RESET = cython.declare(cython.longlong, int(s.Piece.RESET))
PIECE_END = cython.declare(cython.longlong, int(s.Piece.END))

F_PACKETS = cython.declare(cython.Py_ssize_t, s.F_PACKETS)
F_PAYLOAD = cython.declare(cython.Py_ssize_t, s.F_PAYLOAD)
F_RETRANSMITTED = cython.declare(cython.Py_ssize_t, s.F_RETRANSMITTED)
F_MISSING = cython.declare(cython.Py_ssize_t, s.F_MISSING)
F_STREAM = cython.declare(cython.Py_ssize_t, s.F_STREAM)
F_PROTO = cython.declare(cython.Py_ssize_t, s.F_PROTO)
F_COUNT = cython.declare(cython.Py_ssize_t, s.F_COUNT)
TCP = cython.declare(cython.longlong, 6)
E_PACKET = cython.declare(cython.Py_ssize_t, flows.END_PACKET)
E_SLOT = cython.declare(cython.Py_ssize_t, flows.END_SLOT)

TCP_GAP = cython.declare(cython.longlong, int(Code.TCP_GAP))
TCP_HOLE_GIVEN_UP = cython.declare(cython.longlong, int(Code.TCP_HOLE_GIVEN_UP))
TCP_CONFLICT = cython.declare(cython.longlong, int(Code.TCP_CONFLICT))
TCP_FORGED_JUMP = cython.declare(cython.longlong, int(Code.TCP_FORGED_JUMP))

JUMP_BYTES = cython.declare(cython.longlong, limits.STREAM_JUMP_BYTES)
HELD_STREAM = cython.declare(cython.longlong, limits.HELD_BYTES_PER_STREAM)
HELD_SEGMENTS = cython.declare(cython.longlong, limits.HELD_SEGMENTS_PER_STREAM)

FIN = cython.declare(cython.longlong, 1)
SYN = cython.declare(cython.longlong, 2)
RST = cython.declare(cython.longlong, 4)
ACK = cython.declare(cython.longlong, 16)

LOW_32 = cython.declare(cython.longlong, 0xFFFFFFFF)
SIGN_32 = cython.declare(cython.longlong, 0x80000000)

SLACK_PACKETS = cython.declare(cython.longlong, 16)
SLACK_NS = cython.declare(cython.longlong, 20_000_000)
PATIENCE_PACKETS = cython.declare(cython.longlong, 64)
PATIENCE_NS = cython.declare(cython.longlong, 1_000_000_000)
RESET_BYTES = cython.declare(cython.longlong, 1 << 20)   # a RST further off than this is not meant for this connection
BACK_BYTES = cython.declare(cython.longlong, 1 << 20)    # how far a start that an acknowledgement suggested may move back

# --- `streams`: what is remembered of each direction, R_WIDTH numbers ----------------------------------------------------
R_STATE = cython.declare(cython.Py_ssize_t, 0)
R_SEQ = cython.declare(cython.Py_ssize_t, 1)       # sequence number of the byte at R_AT
R_AT = cython.declare(cython.Py_ssize_t, 2)        # stream offset: everything before it was handed on
R_ACKED = cython.declare(cython.Py_ssize_t, 3)     # stream offset up to which the other end has acknowledged
R_FIN = cython.declare(cython.Py_ssize_t, 4)       # stream offset of the FIN, -1
R_HEAD = cython.declare(cython.Py_ssize_t, 5)      # first held node, -1
R_LAST = cython.declare(cython.Py_ssize_t, 6)      # where the search for a place begins: the node inserted last, -1
R_HELD = cython.declare(cython.Py_ssize_t, 7)      # bytes held
R_NODES = cython.declare(cython.Py_ssize_t, 8)     # nodes held
R_HOLE_PACKETS = cython.declare(cython.Py_ssize_t, 9)   # packets of the flow when the hole opened
R_HOLE_NS = cython.declare(cython.Py_ssize_t, 10)
R_ACK_PACKETS = cython.declare(cython.Py_ssize_t, 11)   # packets of the flow when it was acknowledged up to R_MARK, -1
R_ACK_NS = cython.declare(cython.Py_ssize_t, 12)
R_JUMP_SEQ = cython.declare(cython.Py_ssize_t, 13)      # where a far segment would go on, -1
R_JUMPS = cython.declare(cython.Py_ssize_t, 14)         # how many of them followed each other
R_JUMP_ACK = cython.declare(cython.Py_ssize_t, 15)      # a far acknowledgement of the other end, -1
R_PACKETS = cython.declare(cython.Py_ssize_t, 16)       # packets that came in this direction
R_MARK = cython.declare(cython.Py_ssize_t, 17)          # R_ACKED as it was at R_ACK_NS
R_TRACE = cython.declare(cython.Py_ssize_t, 18)         # its last entry in the trace, 0
WIDE = 19
HELD = 7
R_WIDTH = cython.declare(cython.Py_ssize_t, WIDE)
WIDTH = 2 * WIDE

STARTED = cython.declare(cython.longlong, 1)       # R_SEQ means something
SURE = cython.declare(cython.longlong, 2)          # ... because the SYN was seen
DELIVERED = cython.declare(cython.longlong, 4)     # a piece was handed on
FINISHED = cython.declare(cython.longlong, 8)
WAS_RESET = cython.declare(cython.longlong, 16)

# --- nodes: held segments --------------------------------------------------------------------------------------------------
N_NEXT = cython.declare(cython.Py_ssize_t, 0)      # the node after this one in its list, -1; of a free node the next free one
N_AT = cython.declare(cython.Py_ssize_t, 1)        # stream offset
N_LEN = cython.declare(cython.Py_ssize_t, 2)
N_WHERE = cython.declare(cython.Py_ssize_t, 3)     # IN_BATCH, IN_ARENA, NOWHERE, FREE
N_START = cython.declare(cython.Py_ssize_t, 4)     # index there
N_ORIGIN = cython.declare(cython.Py_ssize_t, 5)
N_OFFSET = cython.declare(cython.Py_ssize_t, 6)
N_TS_NS = cython.declare(cython.Py_ssize_t, 7)
NODE_WIDTH = 8
NODE_COST = cython.declare(cython.longlong, 64)    # bytes that a node itself counts for: many may hold one byte each
IN_BATCH = cython.declare(cython.longlong, 0)
IN_ARENA = cython.declare(cython.longlong, 1)
NOWHERE = cython.declare(cython.longlong, 2)       # sent, and cut off by the snapshot length
FREE = cython.declare(cython.longlong, 3)

# --- the trace: where bytes lie that were handed on lately, to compare them with what is sent again --------------------------
T_PREVIOUS = cython.declare(cython.Py_ssize_t, 0)  # number of the entry before it of the same direction, 0
T_AT = cython.declare(cython.Py_ssize_t, 1)        # stream offset
T_LEN = cython.declare(cython.Py_ssize_t, 2)
T_NUMBER = cython.declare(cython.Py_ssize_t, 3)    # frame.number of the packet they came in
T_START = cython.declare(cython.Py_ssize_t, 4)     # index in the data of its batch
TRACE_WIDTH = 5
TRACE_ENTRIES = 2 * limits.CONFLICT_PACKETS        # a power of two; entry k is in row k % TRACE_ENTRIES
TRACE_ROWS = cython.declare(cython.longlong, TRACE_ENTRIES)
TRACE_PACKETS = cython.declare(cython.longlong, limits.CONFLICT_PACKETS)
TRACE_STEPS = cython.declare(cython.longlong, 64)  # entries of one direction that are looked at

# --- bytes to compare with those of an earlier batch ---------------------------------------------------------------------------
CHECK_PACKET = 0    # index of the packet that brought them again
CHECK_START = 1     # index in its batch's data
CHECK_LEN = 2
CHECK_NUMBER = 3    # frame.number of the packet that brought them first
CHECK_OLD = 4       # index in its batch's data
CHECK_WIDTH = 5
CHECKS = 4096

# --- what the caller is told --------------------------------------------------------------------------------------------------
DONE = 0
MORE_PIECES = 1     # room is wanted: for pieces,
MORE_NODES = 2      # for nodes,
MORE_NOTES = 3      # for notes (hand them on and empty the table)
TOO_MUCH_HELD = 4   # limits.HELD_BYTES is passed: give up some holes
A_DONE = cython.declare(cython.int, DONE)
A_PIECES = cython.declare(cython.int, MORE_PIECES)
A_NODES = cython.declare(cython.int, MORE_NODES)
A_NOTES = cython.declare(cython.int, MORE_NOTES)
A_HELD = cython.declare(cython.int, TOO_MUCH_HELD)

NOTE_CODE = 0
NOTE_PACKET = 1
NOTE_OFFSET = 2
NOTE_NEEDED = 3
NOTE_HAD = 4
NOTE_WIDTH = 5

MARGIN = 16
ROOM = cython.declare(cython.Py_ssize_t, MARGIN)   # what one packet may need besides what it sets free


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def signed(difference: cython.longlong) -> cython.longlong:
    """A difference of sequence numbers as a step: the nearest one, forwards or backwards."""
    return ((difference & LOW_32) ^ SIGN_32) - SIGN_32


@cython.final
@cython.cclass
class Streams:
    """All TCP directions: what is expected next, and what is held. The arrays belong to the stage that calls.

    Every method leaves the state whole: when room is wanted, nothing of the packet in question has been done.
    """

    data: cython.const[cython.uchar][::1]
    table: cython.const[cython.longlong][:, ::1]
    out: cython.const[cython.longlong][:, ::1]
    pieces: cython.longlong[:, ::1]
    streams: cython.longlong[::1]
    flows: cython.longlong[::1]
    nodes: cython.longlong[:, ::1]
    fresh: cython.longlong[::1]
    notes: cython.longlong[:, ::1]
    arena: cython.uchar[::1]
    trace: cython.longlong[:, ::1]
    checks: cython.longlong[:, ::1]
    traced: cython.longlong
    check_count: cython.Py_ssize_t
    first_number: cython.longlong
    piece_count: cython.Py_ssize_t
    note_count: cython.Py_ssize_t
    fresh_count: cython.Py_ssize_t
    free_node: cython.Py_ssize_t
    free_nodes: cython.Py_ssize_t
    position: cython.Py_ssize_t
    ends: cython.const[cython.longlong][:, ::1]
    ends_done: cython.Py_ssize_t
    number: cython.longlong
    now: cython.longlong
    held_total: cython.longlong
    held_most: cython.longlong
    given_up: cython.longlong

    def __init__(self, held_most: int, trace: cython.longlong[:, ::1], checks: cython.longlong[:, ::1]) -> None:
        """
        held_most  bytes held altogether before run() asks to give up holes
        trace      int64[TRACE_ENTRIES, TRACE_WIDTH]
        checks     int64[CHECKS, CHECK_WIDTH]  written
        """
        self.held_most = held_most
        self.trace = trace
        self.checks = checks
        self.traced = 0
        self.check_count = 0
        self.first_number = 0
        self.held_total = 0
        self.free_node = -1
        self.free_nodes = 0
        self.piece_count = 0
        self.note_count = 0
        self.fresh_count = 0
        self.position = 0
        self.given_up = 0
        self.number = 0
        self.now = 0

    # --- what the stage gives ------------------------------------------------------------------------------------------

    def bind_batch(self, data: cython.const[cython.uchar][::1], table: cython.const[cython.longlong][:, ::1],
                   out: cython.const[cython.longlong][:, ::1], ends: cython.const[cython.longlong][:, ::1]) -> None:
        """The batch to work on: bytes, PacketBatch table, StreamBatch table, and the flows that end in it (see flows.py)."""
        self.data = data
        self.table = table
        self.out = out
        self.ends = ends
        self.position = 0
        self.ends_done = 0
        self.piece_count = 0
        self.fresh_count = 0
        self.check_count = 0
        if table.shape[1] > 0:
            self.first_number = table[NUMBER, 0]

    def bind_state(self, streams: cython.longlong[::1], flows: cython.longlong[::1]) -> None:
        """int64[slots * WIDTH] and int64[slots * F_COUNT]."""
        self.streams = streams
        self.flows = flows

    def bind_pieces(self, pieces: cython.longlong[:, ::1]) -> None:
        """int64[P_COUNT, k]: where pieces go; those written so far must have been copied."""
        self.pieces = pieces

    def bind_notes(self, notes: cython.longlong[:, ::1]) -> None:
        """int64[k, NOTE_WIDTH]."""
        self.notes = notes

    def bind_nodes(self, nodes: cython.longlong[:, ::1], first: cython.Py_ssize_t,
                   fresh: cython.longlong[::1]) -> None:
        """int64[k, NODE_WIDTH], those before `first` as they were, the others new; and int64[2 * k], the same way."""
        k: cython.Py_ssize_t
        self.nodes = nodes
        self.fresh = fresh
        for k in range(nodes.shape[0] - 1, first - 1, -1):
            nodes[k, N_WHERE] = FREE
            nodes[k, N_NEXT] = self.free_node
            self.free_node = k
            self.free_nodes += 1

    def bind_arena(self, arena: cython.uchar[::1]) -> None:
        """uint8[a]."""
        self.arena = arena

    # --- what the stage asks -------------------------------------------------------------------------------------------

    def counts(self) -> tuple[int, int, int, int, int]:
        """Packets done, pieces and notes written, bytes held, holes given up for want of room."""
        return self.position, self.piece_count, self.note_count, self.held_total, self.given_up

    def checks_wanted(self) -> int:
        """How many comparisons with earlier batches stand in `checks`."""
        return self.check_count

    def notes_taken(self) -> None:
        """The notes were handed on."""
        self.note_count = 0

    # --- pieces --------------------------------------------------------------------------------------------------------

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def put(self, kind: cython.longlong, i: cython.Py_ssize_t, slot: cython.Py_ssize_t, d: cython.Py_ssize_t,
            stream: cython.longlong, length: cython.longlong, at: cython.longlong) -> cython.Py_ssize_t:
        """One piece that packet `i` of the batch hands on; where its bytes are is for the caller to say."""
        k: cython.Py_ssize_t = self.piece_count
        self.pieces[P_KIND, k] = kind
        self.pieces[P_SLOT, k] = slot
        self.pieces[P_STREAM, k] = stream
        self.pieces[P_DIRECTION, k] = d
        self.pieces[P_PACKET, k] = i
        self.pieces[P_BUFFER, k] = 0
        self.pieces[P_START, k] = 0
        self.pieces[P_LEN, k] = length
        self.pieces[P_STREAM_OFFSET, k] = at
        self.pieces[P_ORIGIN, k] = self.number
        self.pieces[P_OFFSET, k] = -1
        self.pieces[P_TS_NS, k] = self.now
        self.piece_count = k + 1
        return k

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def note(self, code: cython.longlong, i: cython.Py_ssize_t, needed: cython.longlong,
             had: cython.longlong) -> cython.int:
        """One row of notes about packet `i`; dropped when the table is full."""
        k: cython.Py_ssize_t = self.note_count
        if k < self.notes.shape[0]:
            self.notes[k, 0] = code
            self.notes[k, 1] = self.number
            self.notes[k, 2] = self.table[OFFSET, i] if i >= 0 else -1
            self.notes[k, 3] = needed
            self.notes[k, 4] = had
            self.note_count = k + 1
        return 0

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def flow_packets(self, r: cython.Py_ssize_t) -> cython.longlong:
        """Packets of both directions of a flow up to now."""
        pair: cython.Py_ssize_t = r - r % (2 * R_WIDTH)
        return self.streams[pair + R_PACKETS] + self.streams[pair + R_WIDTH + R_PACKETS]

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def advance(self, r: cython.Py_ssize_t, length: cython.longlong) -> cython.int:
        """The direction went on by `length` bytes."""
        self.streams[r + R_AT] += length
        self.streams[r + R_SEQ] = (self.streams[r + R_SEQ] + length) & LOW_32
        self.streams[r + R_STATE] |= DELIVERED
        if self.streams[r + R_ACK_PACKETS] >= 0 and self.streams[r + R_AT] >= self.streams[r + R_MARK]:
            self.mark(r)
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def mark(self, r: cython.Py_ssize_t) -> cython.int:
        """Remember when the other end was seen to have more than was handed on, if it has."""
        if self.streams[r + R_ACKED] > self.streams[r + R_AT]:
            self.streams[r + R_MARK] = self.streams[r + R_ACKED]
            self.streams[r + R_ACK_PACKETS] = self.flow_packets(r)
            self.streams[r + R_ACK_NS] = self.now
        else:
            self.streams[r + R_ACK_PACKETS] = -1
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def give_gap(self, i: cython.Py_ssize_t, slot: cython.Py_ssize_t, d: cython.Py_ssize_t, stream: cython.longlong,
                 length: cython.longlong) -> cython.int:
        """The next `length` bytes of a direction will not come."""
        r: cython.Py_ssize_t = (2 * slot + d) * R_WIDTH
        self.put(PIECE_GAP, i, slot, d, stream, length, self.streams[r + R_AT])
        self.flows[slot * F_COUNT + F_MISSING + d] += length
        return self.advance(r, length)

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def give_packet(self, i: cython.Py_ssize_t, slot: cython.Py_ssize_t, d: cython.Py_ssize_t, stream: cython.longlong,
                    skip: cython.longlong, length: cython.longlong) -> cython.int:
        """`length` bytes of the payload of packet `i`, from byte `skip` on, continue the direction.

        What the snapshot length cut off of them is a gap.
        """
        k: cython.Py_ssize_t
        r: cython.Py_ssize_t = (2 * slot + d) * R_WIDTH
        there: cython.longlong = self.table[PAYLOAD_LEN, i] - skip
        if there > length:
            there = length
        if there > 0:
            k = self.put(PIECE_DATA, i, slot, d, stream, there, self.streams[r + R_AT])
            self.pieces[P_START, k] = self.table[PAYLOAD, i] + skip
            self.pieces[P_OFFSET, k] = self.table[OFFSET, i] + self.table[PAYLOAD, i] - self.table[START, i] + skip
            self.flows[slot * F_COUNT + F_PAYLOAD + d] += there
            self.traced += 1
            k = self.traced % TRACE_ROWS
            self.trace[k, T_PREVIOUS] = self.streams[r + R_TRACE]
            self.trace[k, T_AT] = self.streams[r + R_AT]
            self.trace[k, T_LEN] = there
            self.trace[k, T_NUMBER] = self.number
            self.trace[k, T_START] = self.table[PAYLOAD, i] + skip
            self.streams[r + R_TRACE] = self.traced
            self.advance(r, there)
            length -= there
        if length > 0:
            self.give_gap(i, slot, d, stream, length)
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def give_node(self, i: cython.Py_ssize_t, slot: cython.Py_ssize_t, d: cython.Py_ssize_t,
                  stream: cython.longlong) -> cython.int:
        """The first held node continues the direction (it begins at R_AT, or before): hand it on and free it."""
        k: cython.Py_ssize_t
        r: cython.Py_ssize_t = (2 * slot + d) * R_WIDTH
        node: cython.Py_ssize_t = self.streams[r + R_HEAD]
        skip: cython.longlong = self.streams[r + R_AT] - self.nodes[node, N_AT]
        length: cython.longlong = self.nodes[node, N_LEN] - skip
        where: cython.longlong = self.nodes[node, N_WHERE]
        if length > 0:
            if where == NOWHERE:
                self.give_gap(i, slot, d, stream, length)
            else:
                k = self.put(PIECE_DATA, i, slot, d, stream, length, self.streams[r + R_AT])
                self.pieces[P_BUFFER, k] = where
                self.pieces[P_START, k] = self.nodes[node, N_START] + skip
                self.pieces[P_ORIGIN, k] = self.nodes[node, N_ORIGIN]
                self.pieces[P_OFFSET, k] = self.nodes[node, N_OFFSET] + skip
                self.pieces[P_TS_NS, k] = self.nodes[node, N_TS_NS]
                self.flows[slot * F_COUNT + F_PAYLOAD + d] += length
                self.advance(r, length)
        self.drop_head(r)
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def drop_head(self, r: cython.Py_ssize_t) -> cython.int:
        """Free the first held node of a direction."""
        node: cython.Py_ssize_t = self.streams[r + R_HEAD]
        length: cython.longlong = self.nodes[node, N_LEN]
        self.streams[r + R_HEAD] = self.nodes[node, N_NEXT]
        if self.streams[r + R_LAST] == node:
            self.streams[r + R_LAST] = -1
        self.streams[r + R_NODES] -= 1
        self.streams[r + R_HELD] -= length
        self.held_total -= length + NODE_COST
        self.nodes[node, N_WHERE] = FREE
        self.nodes[node, N_NEXT] = self.free_node
        self.free_node = node
        self.free_nodes += 1
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def drain(self, i: cython.Py_ssize_t, slot: cython.Py_ssize_t, d: cython.Py_ssize_t,
              stream: cython.longlong) -> cython.int:
        """Hand on what is held and no longer has to wait; say so when the direction is through."""
        r: cython.Py_ssize_t = (2 * slot + d) * R_WIDTH
        moved: cython.bint = False
        while self.streams[r + R_HEAD] >= 0 and (self.nodes[self.streams[r + R_HEAD], N_AT]
                                                 <= self.streams[r + R_AT]):
            self.give_node(i, slot, d, stream)
            moved = True
        if moved and self.streams[r + R_HEAD] >= 0:   # another hole: its waiting begins now
            self.streams[r + R_HOLE_PACKETS] = self.flow_packets(r)
            self.streams[r + R_HOLE_NS] = self.now
        if (self.streams[r + R_FIN] >= 0 and self.streams[r + R_AT] >= self.streams[r + R_FIN]
                and not (self.streams[r + R_STATE] & FINISHED)):
            self.streams[r + R_STATE] |= FINISHED
            self.put(PIECE_FIN, i, slot, d, stream, 0, self.streams[r + R_AT])
        return 0

    # --- holes -----------------------------------------------------------------------------------------------------------

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def give_up(self, i: cython.Py_ssize_t, slot: cython.Py_ssize_t, d: cython.Py_ssize_t, stream: cython.longlong,
                end: cython.longlong) -> cython.int:
        """The hole at R_AT is a gap up to stream offset `end`."""
        r: cython.Py_ssize_t = (2 * slot + d) * R_WIDTH
        length: cython.longlong = end - self.streams[r + R_AT]
        if length > 0:
            self.note(TCP_GAP, i, length, 0)
            self.give_gap(i, slot, d, stream, length)
        return self.drain(i, slot, d, stream)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def flush(self, i: cython.Py_ssize_t, slot: cython.Py_ssize_t, d: cython.Py_ssize_t,
              stream: cython.longlong) -> cython.int:
        """Nothing more is waited for: every hole is a gap, and so are acknowledged bytes at the end that nobody saw."""
        r: cython.Py_ssize_t = (2 * slot + d) * R_WIDTH
        missing: cython.longlong
        if not (self.streams[r + R_STATE] & STARTED):
            return 0
        while self.streams[r + R_HEAD] >= 0:
            self.give_up(i, slot, d, stream, self.nodes[self.streams[r + R_HEAD], N_AT])
        if self.streams[r + R_STATE] & FINISHED:
            return 0
        if self.streams[r + R_FIN] > self.streams[r + R_AT]:
            self.give_up(i, slot, d, stream, self.streams[r + R_FIN])
            return 0
        missing = self.streams[r + R_ACKED] - self.streams[r + R_AT]
        if missing > 1:   # one may be the FIN, which nobody saw either
            self.give_up(i, slot, d, stream, self.streams[r + R_ACKED])
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def look_at_hole(self, i: cython.Py_ssize_t, slot: cython.Py_ssize_t, d: cython.Py_ssize_t,
                     stream: cython.longlong) -> cython.int:
        """Whether the first hole of a direction that holds something was waited for long enough."""
        r: cython.Py_ssize_t = (2 * slot + d) * R_WIDTH
        other: cython.Py_ssize_t = (2 * slot + 1 - d) * R_WIDTH
        packets: cython.longlong = self.flow_packets(r)
        begin: cython.longlong = self.nodes[self.streams[r + R_HEAD], N_AT]
        stop: cython.longlong
        if self.streams[r + R_ACK_PACKETS] >= 0:
            if (packets - self.streams[r + R_ACK_PACKETS] >= SLACK_PACKETS
                    or self.now - self.streams[r + R_ACK_NS] >= SLACK_NS):
                stop = self.streams[r + R_MARK]
                while self.streams[r + R_HEAD] >= 0 and self.streams[r + R_AT] < stop:
                    begin = self.nodes[self.streams[r + R_HEAD], N_AT]
                    self.give_up(i, slot, d, stream, begin if begin < stop else stop)
                self.mark(r)
                return 0
        elif self.streams[other + R_PACKETS] == 0:   # one-sided: nobody will ever acknowledge
            if (packets - self.streams[r + R_HOLE_PACKETS] >= PATIENCE_PACKETS
                    or self.now - self.streams[r + R_HOLE_NS] >= PATIENCE_NS):
                return self.give_up(i, slot, d, stream, begin)
        if (self.streams[r + R_HELD] > HELD_STREAM or self.streams[r + R_NODES] > HELD_SEGMENTS
                or packets - self.streams[r + R_HOLE_PACKETS] > 16 * HELD_SEGMENTS):
            self.given_up += 1
            self.note(TCP_HOLE_GIVEN_UP, i, begin - self.streams[r + R_AT], self.streams[r + R_HELD])
            return self.give_up(i, slot, d, stream, begin)
        return 0

    # --- segments that come too early --------------------------------------------------------------------------------------

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def insert(self, i: cython.Py_ssize_t, r: cython.Py_ssize_t, previous: cython.Py_ssize_t, at: cython.longlong,
               skip: cython.longlong, length: cython.longlong) -> cython.Py_ssize_t:
        """Hold `length` bytes of packet `i` from payload byte `skip` on, after node `previous` (-1: first); the last node.

        Two nodes when the snapshot length cut off some of them.
        """
        node: cython.Py_ssize_t
        part: cython.longlong
        there: cython.longlong = self.table[PAYLOAD_LEN, i] - skip
        while length > 0:
            part = there if 0 < there < length else length
            node = self.free_node
            self.free_node = self.nodes[node, N_NEXT]
            self.free_nodes -= 1
            self.nodes[node, N_AT] = at
            self.nodes[node, N_LEN] = part
            self.nodes[node, N_WHERE] = IN_BATCH if there > 0 else NOWHERE
            self.nodes[node, N_START] = self.table[PAYLOAD, i] + skip
            self.nodes[node, N_ORIGIN] = self.table[NUMBER, i]
            self.nodes[node, N_OFFSET] = self.table[OFFSET, i] + self.table[PAYLOAD, i] - self.table[START, i] + skip
            self.nodes[node, N_TS_NS] = self.table[TS_NS, i]
            if previous < 0:
                self.nodes[node, N_NEXT] = self.streams[r + R_HEAD]
                self.streams[r + R_HEAD] = node
            else:
                self.nodes[node, N_NEXT] = self.nodes[previous, N_NEXT]
                self.nodes[previous, N_NEXT] = node
            if there > 0 and self.fresh_count < self.fresh.shape[0]:
                self.fresh[self.fresh_count] = node
                self.fresh_count += 1
            self.streams[r + R_LAST] = node
            self.streams[r + R_NODES] += 1
            self.streams[r + R_HELD] += part
            self.held_total += part + NODE_COST
            previous = node
            at += part
            skip += part
            length -= part
            there -= part
        return previous

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def hold(self, i: cython.Py_ssize_t, r: cython.Py_ssize_t, at: cython.longlong, skip: cython.longlong,
             length: cython.longlong) -> cython.longlong:
        """Keep what is new of a segment that begins beyond R_AT; answer how many bytes were there before."""
        previous: cython.Py_ssize_t = self.streams[r + R_LAST]
        following: cython.Py_ssize_t
        end: cython.longlong = at + length
        stop: cython.longlong
        seen: cython.longlong = 0
        if self.streams[r + R_HEAD] < 0:
            self.streams[r + R_HOLE_PACKETS] = self.flow_packets(r)
            self.streams[r + R_HOLE_NS] = self.now
        if previous >= 0 and self.nodes[previous, N_AT] > at:
            previous = -1
        following = self.nodes[previous, N_NEXT] if previous >= 0 else self.streams[r + R_HEAD]
        while following >= 0 and self.nodes[following, N_AT] <= at:
            previous = following
            following = self.nodes[following, N_NEXT]
        while at < end:
            if previous >= 0 and self.nodes[previous, N_AT] + self.nodes[previous, N_LEN] > at:
                stop = self.nodes[previous, N_AT] + self.nodes[previous, N_LEN]
                if stop > end:
                    stop = end
                seen += stop - at
                self.compare_held(i, previous, at, skip, stop - at)
            else:
                stop = end
                if following >= 0 and self.nodes[following, N_AT] < end:
                    stop = self.nodes[following, N_AT]
                if stop > at:
                    previous = self.insert(i, r, previous, at, skip, stop - at)
            skip += stop - at
            at = stop
            if following >= 0 and self.nodes[following, N_AT] <= at:
                previous = following
                following = self.nodes[following, N_NEXT]
        return seen

    # --- bytes sent again -------------------------------------------------------------------------------------------------

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def again(self, i: cython.Py_ssize_t, r: cython.Py_ssize_t, at: cython.longlong, skip: cython.longlong,
              length: cython.longlong) -> cython.int:
        """Compare bytes that were handed on before with what they were then, as far back as the trace reaches."""
        entry: cython.longlong = self.streams[r + R_TRACE]
        steps: cython.longlong = 0
        k: cython.Py_ssize_t
        begin: cython.longlong
        end: cython.longlong
        if length > self.table[PAYLOAD_LEN, i] - skip:
            length = self.table[PAYLOAD_LEN, i] - skip
        while length > 0 and entry > 0 and entry > self.traced - TRACE_ROWS and steps < TRACE_STEPS:
            k = entry % TRACE_ROWS
            if self.trace[k, T_NUMBER] <= self.number - TRACE_PACKETS:
                break
            begin = self.trace[k, T_AT] if self.trace[k, T_AT] > at else at
            end = self.trace[k, T_AT] + self.trace[k, T_LEN]
            if end > at + length:
                end = at + length
            if begin < end:
                if self.trace[k, T_NUMBER] >= self.first_number:
                    self.compare(i, self.table[PAYLOAD, i] + skip + begin - at,
                                 self.trace[k, T_START] + begin - self.trace[k, T_AT], end - begin, IN_BATCH)
                elif self.check_count < self.checks.shape[0]:
                    self.checks[self.check_count, 0] = i
                    self.checks[self.check_count, 1] = self.table[PAYLOAD, i] + skip + begin - at
                    self.checks[self.check_count, 2] = end - begin
                    self.checks[self.check_count, 3] = self.trace[k, T_NUMBER]
                    self.checks[self.check_count, 4] = self.trace[k, T_START] + begin - self.trace[k, T_AT]
                    self.check_count += 1
            if self.trace[k, T_AT] <= at:
                break
            entry = self.trace[k, T_PREVIOUS]
            steps += 1
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def compare(self, i: cython.Py_ssize_t, start: cython.Py_ssize_t, old: cython.Py_ssize_t, length: cython.longlong,
                where: cython.longlong) -> cython.int:
        """Say so when bytes of this batch differ from older ones, which lie in the batch or in the arena."""
        k: cython.Py_ssize_t
        differing: cython.longlong = 0
        if where == IN_ARENA:
            for k in range(length):
                differing += self.data[start + k] != self.arena[old + k]
        else:
            for k in range(length):
                differing += self.data[start + k] != self.data[old + k]
        if differing:
            self.note(TCP_CONFLICT, i, length, differing)
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def compare_held(self, i: cython.Py_ssize_t, node: cython.Py_ssize_t, at: cython.longlong, skip: cython.longlong,
                     length: cython.longlong) -> cython.int:
        """Compare bytes of packet `i` with a held node that has them already."""
        there: cython.longlong = self.table[PAYLOAD_LEN, i] - skip
        if length > there:
            length = there
        if length > 0 and self.nodes[node, N_WHERE] != NOWHERE:
            self.compare(i, self.table[PAYLOAD, i] + skip, self.nodes[node, N_START] + at - self.nodes[node, N_AT], length,
                         self.nodes[node, N_WHERE])
        return 0

    # --- one packet ------------------------------------------------------------------------------------------------------

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def begin_at(self, r: cython.Py_ssize_t, seq: cython.longlong, sure: cython.longlong) -> cython.int:
        """The first byte of a direction has this sequence number. What is held already moves with it."""
        step: cython.longlong
        node: cython.Py_ssize_t = self.streams[r + R_HEAD]
        if node >= 0:
            step = signed(self.streams[r + R_SEQ] - seq)
            while node >= 0:
                self.nodes[node, N_AT] += step
                node = self.nodes[node, N_NEXT]
            self.streams[r + R_ACKED] += step
            self.streams[r + R_MARK] += step
            if self.streams[r + R_FIN] >= 0:
                self.streams[r + R_FIN] += step
        elif self.streams[r + R_STATE] & STARTED:
            step = signed(self.streams[r + R_SEQ] - seq)
            self.streams[r + R_ACKED] += step
            self.streams[r + R_MARK] += step
        self.streams[r + R_SEQ] = seq
        self.streams[r + R_STATE] |= STARTED | sure
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def jumps(self, i: cython.Py_ssize_t, slot: cython.Py_ssize_t, d: cython.Py_ssize_t, stream: cython.longlong,
              seq: cython.longlong, length: cython.longlong) -> cython.bint:
        """A segment far ahead of everything: True when it is to be believed, the direction then goes on at it."""
        r: cython.Py_ssize_t = (2 * slot + d) * R_WIDTH
        believed: cython.bint = False
        step: cython.longlong
        if self.streams[r + R_JUMP_ACK] >= 0:
            step = signed(self.streams[r + R_JUMP_ACK] - seq)
            believed = -JUMP_BYTES < step < JUMP_BYTES
        if self.streams[r + R_JUMP_SEQ] == seq:
            self.streams[r + R_JUMPS] += 1
        else:
            self.streams[r + R_JUMPS] = 1
        self.streams[r + R_JUMP_SEQ] = (seq + length) & LOW_32
        if self.streams[r + R_JUMPS] < 3 and not believed:
            self.note(TCP_FORGED_JUMP, i, signed(seq - self.streams[r + R_SEQ]), JUMP_BYTES)
            return False
        self.streams[r + R_JUMP_SEQ] = -1
        self.streams[r + R_JUMPS] = 0
        self.streams[r + R_JUMP_ACK] = -1
        if not (self.streams[r + R_STATE] & (SURE | DELIVERED)) and self.streams[r + R_HEAD] < 0:
            self.begin_at(r, seq, 0)
            return True
        while self.streams[r + R_HEAD] >= 0:
            self.give_up(i, slot, d, stream, self.nodes[self.streams[r + R_HEAD], N_AT])
        self.streams[r + R_FIN] = -1   # a FIN before this segment was none
        self.give_up(i, slot, d, stream, self.streams[r + R_AT] + signed(seq - self.streams[r + R_SEQ]))
        return True

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def segment(self, i: cython.Py_ssize_t, slot: cython.Py_ssize_t, d: cython.Py_ssize_t, stream: cython.longlong,
                seq: cython.longlong, length: cython.longlong, flags: cython.longlong) -> cython.int:
        """Payload and FIN of packet `i`."""
        r: cython.Py_ssize_t = (2 * slot + d) * R_WIDTH
        step: cython.longlong
        skip: cython.longlong = 0
        seen: cython.longlong = 0
        at: cython.longlong
        end: cython.longlong
        stop: cython.longlong
        node: cython.Py_ssize_t
        if not (self.streams[r + R_STATE] & STARTED):
            self.begin_at(r, seq, 0)
        step = signed(seq - self.streams[r + R_SEQ])
        if step < 0 and not (self.streams[r + R_STATE] & (SURE | DELIVERED)) and step > -BACK_BYTES and length > 1:
            # Only an acknowledgement said where the direction begins, and here are bytes before that.
            self.begin_at(r, seq, 0)
            step = 0
        if step > JUMP_BYTES:
            if not self.jumps(i, slot, d, stream, seq, length):
                return 0
            step = 0
        elif length > 0 and step >= 0:
            self.streams[r + R_JUMPS] = 0
            self.streams[r + R_JUMP_SEQ] = -1
        at = self.streams[r + R_AT] + step
        end = at + length
        if flags & FIN and end >= self.streams[r + R_AT] and (self.streams[r + R_FIN] < 0
                                                              or end < self.streams[r + R_FIN]):
            self.streams[r + R_FIN] = end
        if length > 0 and not (self.streams[r + R_STATE] & FINISHED):
            if step < 0:
                skip = -step if -step < length else length
                seen = skip
                if length > 1 or step != -1:   # a keep-alive may hold any byte
                    self.again(i, r, at, 0, skip)
                at += skip
            if at < end:
                if at > self.streams[r + R_AT]:
                    seen += self.hold(i, r, at, skip, end - at)
                else:
                    while at < end:   # held bytes came first and stay
                        node = self.streams[r + R_HEAD]
                        stop = end
                        if node >= 0 and self.nodes[node, N_AT] < end:
                            stop = self.nodes[node, N_AT]
                        if stop > at:
                            self.give_packet(i, slot, d, stream, skip, stop - at)
                            skip += stop - at
                            at = stop
                        if at < end:
                            stop = self.nodes[node, N_AT] + self.nodes[node, N_LEN]
                            self.compare_held(i, node, at, skip, (stop if stop < end else end) - at)
                            self.give_node(i, slot, d, stream)
                            stop = self.streams[r + R_AT] if self.streams[r + R_AT] < end else end
                            seen += stop - at
                            skip += stop - at
                            at = stop
            if seen:
                self.flows[slot * F_COUNT + F_RETRANSMITTED + d] += seen
        elif length > 0:
            self.flows[slot * F_COUNT + F_RETRANSMITTED + d] += length
        if self.streams[r + R_HEAD] >= 0 or self.streams[r + R_FIN] >= 0:
            self.drain(i, slot, d, stream)
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def acknowledged(self, i: cython.Py_ssize_t, slot: cython.Py_ssize_t, d: cython.Py_ssize_t,
                     ack: cython.longlong) -> cython.int:
        """The other end has received everything of direction `d` before `ack`."""
        r: cython.Py_ssize_t = (2 * slot + d) * R_WIDTH
        step: cython.longlong
        if not (self.streams[r + R_STATE] & STARTED):
            self.begin_at(r, ack, 0)
            return 0
        step = signed(ack - self.streams[r + R_SEQ])
        if step <= 0:
            return 0
        if step > JUMP_BYTES + self.streams[r + R_HELD]:
            self.streams[r + R_JUMP_ACK] = ack
            return 0
        if self.streams[r + R_AT] + step > self.streams[r + R_ACKED]:
            self.streams[r + R_ACKED] = self.streams[r + R_AT] + step
        if self.streams[r + R_ACK_PACKETS] < 0:
            self.mark(r)
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def forget(self, r: cython.Py_ssize_t) -> cython.int:
        """A direction of which nothing is known."""
        k: cython.Py_ssize_t
        for k in range(r, r + R_WIDTH):
            self.streams[k] = 0
        self.streams[r + R_FIN] = -1
        self.streams[r + R_HEAD] = -1
        self.streams[r + R_LAST] = -1
        self.streams[r + R_ACK_PACKETS] = -1
        self.streams[r + R_JUMP_SEQ] = -1
        self.streams[r + R_JUMP_ACK] = -1
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def packet(self, i: cython.Py_ssize_t, slot: cython.Py_ssize_t) -> cython.int:
        """Everything that packet `i` does to its connection."""
        k: cython.Py_ssize_t
        d: cython.Py_ssize_t = self.out[DIRECTION, i]
        r: cython.Py_ssize_t = (2 * slot + d) * R_WIDTH
        other: cython.Py_ssize_t = (2 * slot + 1 - d) * R_WIDTH
        flags: cython.longlong = self.table[TCP_FLAGS, i]
        seq: cython.longlong = self.table[TCP_SEQ, i]
        length: cython.longlong = self.table[PAYLOAD_WIRE, i]
        stream: cython.longlong = self.out[STREAM, i]
        step: cython.longlong
        if self.out[TAGS, i] & NEW_STREAM:
            self.forget(r)
            self.forget(other)
        self.streams[r + R_PACKETS] += 1
        self.number = self.table[NUMBER, i]
        self.now = self.table[TS_NS, i]
        if length < 0:
            return 0
        if flags & RST:
            step = signed(seq - self.streams[r + R_SEQ]) if self.streams[r + R_STATE] & STARTED else 0
            if -RESET_BYTES < step < RESET_BYTES or seq == 0:
                for k in range(2):
                    self.flush(i, slot, k, stream)
                    if not (self.streams[(2 * slot + k) * R_WIDTH + R_STATE] & WAS_RESET):
                        self.streams[(2 * slot + k) * R_WIDTH + R_STATE] |= WAS_RESET
                        self.put(PIECE_RESET, i, slot, k, stream, 0, self.streams[(2 * slot + k) * R_WIDTH + R_AT])
            return 0
        if flags & SYN:
            seq = (seq + 1) & LOW_32
            if not (self.streams[r + R_STATE] & DELIVERED) and (
                    not (self.streams[r + R_STATE] & SURE) or self.streams[r + R_HEAD] < 0):
                self.begin_at(r, seq, SURE)
        if length > 0 or flags & FIN:
            if (length > 0 and seq == self.streams[r + R_SEQ] and not (flags & FIN) and self.streams[r + R_HEAD] < 0
                    and self.streams[r + R_FIN] < 0 and self.streams[r + R_STATE] & DELIVERED):
                self.give_packet(i, slot, d, stream, 0, length)   # what nearly every segment of nearly every stream is
                self.streams[r + R_JUMPS] = 0
            else:
                self.segment(i, slot, d, stream, seq, length, flags)
        if flags & ACK and self.table[TCP_ACK, i] != self.streams[other + R_SEQ]:
            self.acknowledged(i, slot, 1 - d, self.table[TCP_ACK, i])
        if self.streams[r + R_HEAD] >= 0:
            self.look_at_hole(i, slot, d, stream)
        if self.streams[other + R_HEAD] >= 0:
            self.look_at_hole(i, slot, 1 - d, stream)
        return 0

    # --- batches ----------------------------------------------------------------------------------------------------------

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def room(self, slot: cython.Py_ssize_t) -> cython.int:
        """A_DONE when there is room for what one packet of this flow, or its end, may need."""
        held: cython.Py_ssize_t = (self.streams[2 * slot * R_WIDTH + R_NODES]
                                   + self.streams[(2 * slot + 1) * R_WIDTH + R_NODES])
        if self.piece_count + 2 * held + ROOM > self.pieces.shape[1]:
            return A_PIECES
        if self.note_count + 2 * held + ROOM > self.notes.shape[0]:
            return A_NOTES
        # A segment may fall apart into as many nodes as there are holes between held ones, and each into two.
        if self.free_nodes < 2 * held + ROOM or self.fresh_count + 2 * held + ROOM > self.fresh.shape[0]:
            return A_NODES
        return A_DONE

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def end_flows(self, i: cython.Py_ssize_t) -> cython.int:
        """The flows that end before packet `i`: everything they hold, and two END pieces each. Answers as run()."""
        d: cython.Py_ssize_t
        slot: cython.Py_ssize_t
        stream: cython.longlong
        answer: cython.int
        at: cython.Py_ssize_t = i if i < self.table.shape[1] else i - 1
        while self.ends_done < self.ends.shape[0] and self.ends[self.ends_done, E_PACKET] <= i:
            slot = self.ends[self.ends_done, E_SLOT]
            if self.flows[slot * F_COUNT + F_PROTO] == TCP:
                answer = self.room(slot)
                if answer != A_DONE:
                    return answer
                stream = self.flows[slot * F_COUNT + F_STREAM]
                for d in range(2):
                    self.flush(at, slot, d, stream)
                    self.put(PIECE_END, at, slot, d, stream, 0, self.streams[(2 * slot + d) * R_WIDTH + R_AT])
            self.ends_done += 1
        return A_DONE

    def run(self) -> int:
        """Reassemble the packets of the bound batch from where it stopped; DONE, or what is wanted to go on."""
        i: cython.Py_ssize_t
        slot: cython.Py_ssize_t
        count: cython.Py_ssize_t = self.table.shape[1]
        answer: cython.int = A_DONE
        with cython.nogil:
            i = self.position
            while answer == A_DONE and i <= count:
                self.position = i
                if self.ends_done < self.ends.shape[0]:
                    answer = self.end_flows(i)
                if answer == A_DONE and i < count:
                    slot = self.out[SLOT, i]
                    if slot >= 0 and self.table[KIND, i] == KIND_TCP:
                        if self.out[TAGS, i] & NEW_STREAM:   # its numbers are still those of the flow before it
                            self.streams[2 * slot * R_WIDTH + R_NODES] = 0
                            self.streams[(2 * slot + 1) * R_WIDTH + R_NODES] = 0
                        answer = self.room(slot)
                        if answer == A_DONE and self.held_total > self.held_most:
                            answer = A_HELD
                        if answer == A_DONE:
                            self.packet(i, slot)
                i += 1
        return answer

    def give_up_hole(self, direction: cython.Py_ssize_t, i: cython.Py_ssize_t, stream: cython.longlong) -> int:
        """Give up the oldest hole of a direction (2 * slot + 0 or 1), because too much is held altogether."""
        r: cython.Py_ssize_t = direction * R_WIDTH
        answer: cython.int = self.room(direction // 2)
        begin: cython.longlong
        if answer == A_DONE and self.streams[r + R_HEAD] >= 0:
            begin = self.nodes[self.streams[r + R_HEAD], N_AT]
            self.given_up += 1
            self.note(TCP_HOLE_GIVEN_UP, i, begin - self.streams[r + R_AT], self.streams[r + R_HELD])
            self.give_up(i, direction // 2, direction % 2, stream, begin)
        return answer

    # --- the arena --------------------------------------------------------------------------------------------------------

    def fresh_bytes(self) -> int:
        """Bytes that keep() will copy at most."""
        k: cython.Py_ssize_t
        total: cython.longlong = 0
        for k in range(self.fresh_count):
            if self.nodes[self.fresh[k], N_WHERE] == IN_BATCH:
                total += self.nodes[self.fresh[k], N_LEN]
        return total

    def keep(self, at: cython.Py_ssize_t) -> int:
        """Copy what is still held of this batch into the arena from index `at` on; the index after it."""
        k: cython.Py_ssize_t
        j: cython.Py_ssize_t
        node: cython.Py_ssize_t
        start: cython.Py_ssize_t
        with cython.nogil:
            for k in range(self.fresh_count):
                node = self.fresh[k]
                if self.nodes[node, N_WHERE] != IN_BATCH:
                    continue
                start = self.nodes[node, N_START]
                for j in range(self.nodes[node, N_LEN]):
                    self.arena[at + j] = self.data[start + j]
                self.nodes[node, N_WHERE] = IN_ARENA
                self.nodes[node, N_START] = at
                at += self.nodes[node, N_LEN]
            self.fresh_count = 0
        return at

    def move(self, arena: cython.uchar[::1]) -> int:
        """Copy everything held into another arena, without holes, and use that one; the index after the last byte."""
        j: cython.Py_ssize_t
        node: cython.Py_ssize_t
        at: cython.Py_ssize_t = 0
        start: cython.Py_ssize_t
        with cython.nogil:
            for node in range(self.nodes.shape[0]):
                if self.nodes[node, N_WHERE] != IN_ARENA:
                    continue
                start = self.nodes[node, N_START]
                for j in range(self.nodes[node, N_LEN]):
                    arena[at + j] = self.arena[start + j]
                self.nodes[node, N_START] = at
                at += self.nodes[node, N_LEN]
        self.arena = arena
        return at
