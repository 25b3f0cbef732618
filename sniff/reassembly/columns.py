"""The columns of a StreamBatch: what the flow a packet belongs to says about it, and the pieces of streams it completed.

`table[COLUMN, packet]`, int64, beside the PacketBatch of the same packets; and `pieces[COLUMN, piece]`, int64.
One word pair for a stream's direction everywhere: 0 is from the client (who sent the SYN, or the packet seen first when
there is none), 1 from the server.
"""

from enum import IntEnum, IntFlag

# --- per packet ---------------------------------------------------------------------------------------------------------
STREAM = 0        # tcp.stream or udp.stream: numbered apart, in order of first packet, from 0; -1 for other packets
DIRECTION = 1     # 0 from the client, 1 from the server
REL_SEQ = 2       # tcp.seq: relative, modulo 2**32
REL_ACK = 3       # tcp.ack: relative, modulo 2**32
WINDOW = 4        # tcp.window_size: scaled where Wireshark scales it
TAGS = 5          # Tag bits
DUP_FRAME = 6     # tcp.analysis.duplicate_ack_frame
DUP_NUM = 7       # tcp.analysis.duplicate_ack_num
SLOT = 8          # row of the flow table: dense index of the flow while it lives, reused after it ended
NEXT_SEQ = 9      # tcp.nxtseq, relative
ACK_RTT_NS = 10   # tcp.analysis.ack_rtt, -1 when this packet acknowledges nothing new
ROW_LEN = 11      # tcp.len as Wireshark writes it; -1 when the row has no Len=
COUNT = 12


class Tag(IntFlag):
    """Sequence analysis marks, lowest bit first in the order in which a row shows them."""

    ZERO_WINDOW_PROBE_ACK = 1
    ZERO_WINDOW = 2
    ZERO_WINDOW_PROBE = 4
    DUP_ACK = 8
    KEEP_ALIVE_ACK = 16
    KEEP_ALIVE = 32
    WINDOW_FULL = 64
    WINDOW_UPDATE = 128
    ACKED_UNSEEN = 256
    PREVIOUS_LOST = 512
    OUT_OF_ORDER = 1024
    SPURIOUS_RETRANSMISSION = 2048
    FAST_RETRANSMISSION = 4096
    RETRANSMISSION = 8192
    PORTS_REUSED = 16384
    NEW_STREAM = 1 << 16      # first packet of its stream (not a mark of Wireshark's)


# --- pieces: the bytes of each direction, in stream order, each byte once -----------------------------------------------
P_KIND = 0          # Piece
P_SLOT = 1          # flow table row, as SLOT
P_STREAM = 2
P_DIRECTION = 3
P_PACKET = 4        # index in this batch of the packet whose arrival handed this piece on
P_BUFFER = 5        # 0: the bytes lie in PacketBatch.data; 1: in StreamBatch.held (they arrived in an earlier batch)
P_START = 6         # index in that buffer
P_LEN = 7           # bytes; of a GAP: how many are missing
P_STREAM_OFFSET = 8  # bytes of this direction before this piece, gaps counted
P_ORIGIN = 9        # frame.number of the packet that carried the bytes
P_OFFSET = 10       # where the bytes stand in the store; -1 for a gap
P_TS_NS = 11        # when that packet was captured
P_COUNT = 12


class Piece(IntEnum):
    """What a piece is."""

    DATA = 0
    GAP = 1           # bytes that the other end acknowledged, or that were waited for in vain
    FIN = 2           # this direction ended in order
    RESET = 3         # the connection was reset (a piece for each direction)
    END = 4           # the flow was ended: ports reused, idle, evicted, or the capture is over (one for each direction)
