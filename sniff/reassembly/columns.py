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
ACK_BASE = 12     # the raw sequence number that is 0 for the other direction; 0 as long as nobody knows
COUNT = 13


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
    ACE = 1 << 15             # AccECN is in use: the flags AE, CWR and ECE are one number (RFC 9768). Not a mark of Wireshark's,
                              # like the next ones
    NEW_STREAM = 1 << 16      # first packet of its stream
    BAD_OPTIONS = 1 << 17     # the TCP options contradict themselves: Wireshark gives up there, the payload is not looked at
    CUT_OPTIONS = 1 << 18     # the same because the capture cut them off. Rows with one of these two have no marks
    MPTCP = 1 << 19           # has a Multipath TCP option: Wireshark writes MPTCP into the Protocol cell of TCP's own rows


MARKS = 2 * int(Tag.PORTS_REUSED) - 1
"""The bits of TAGS that are Wireshark's marks."""

OPTION_BYTES_SHIFT = 20
"""TAGS of a packet with BAD_OPTIONS or CUT_OPTIONS, shifted right by this, says how many bytes of options were read."""


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
    FIN = 2           # this direction ended in order; no DATA follows
    RESET = 3         # the connection was reset (a piece for each direction); DATA follows only when the ends did not believe it
    END = 4           # the flow was ended: ports reused, idle, evicted, or the capture is over. The last piece of each direction


# --- flows: one row of the flow table each, `flows[COLUMN, slot]`; a snapshot of a row is handed on when its flow ends ---
# Pairs stand for the two directions: the first number is the client's, the second (+1) the server's. First who it is, then
# what every packet changes: with many flows a packet costs as many waits for memory as its flow has cache lines.
F_STREAM = 0
F_PROTO = 1            # 6 TCP, 17 UDP (ICMP conversations are numbered by the logs that want them)
F_IP_VERSION = 2
F_CLIENT_HI = 3        # addresses as in packets/columns.py
F_CLIENT_LO = 4
F_SERVER_HI = 5
F_SERVER_LO = 6
F_CLIENT_PORT = 7
F_SERVER_PORT = 8
F_FIRST_PACKET = 9     # frame.number
F_FIRST_NS = 10
F_LAST_PACKET = 11
F_LAST_NS = 12
F_PACKETS = 13         # and 14
F_WIRE_BYTES = 15      # and 16: IP bytes on the wire
F_PAYLOAD_PACKETS = 17  # and 18: packets with payload
F_SENT = 19            # and 20: payload bytes sent, repetitions counted
F_FIRST_DATA_NS = 21   # and 22: first payload byte of this direction, -1
F_LAST_DATA_NS = 23    # and 24
F_PAYLOAD = 25         # and 26: unique payload bytes delivered
F_RTT_MIN_NS = 27      # and 28: round trip from this direction's data to the other's acknowledgement; -1 none
F_RTT_SUM_NS = 29      # and 30
F_RTT_COUNT = 31       # and 32
F_ESTABLISHED_NS = 33  # time of the ACK that completed the handshake, of the first SYN and SYN/ACK; -1 when not seen
F_SYN_NS = 34
F_SYNACK_NS = 35
F_HOT = 36             # what follows is seldom touched
F_SYN_COUNT = 36       # SYNs of the client (more than one: it had to repeat)
F_RETRANSMITTED = 37   # and 38: payload bytes sent again
F_RETRANSMISSIONS = 39  # and 40: segments
F_MISSING = 41         # and 42: gap bytes
F_ZERO_WINDOWS = 43    # and 44: segments that closed the window of their sender
F_STALL_NS = 45        # and 46: how long this direction's receiver kept the window closed
F_FIN = 47             # and 48: frame.number of the FIN, 0 none
F_RST = 49             # and 50: frame.number of the RST, 0 none
F_STATE = 51           # ConnState: Zeek's conn_state
F_END_REASON = 52      # EndReason
F_MIDSTREAM = 53       # 1: already running when the capture began (no SYN seen)
F_VLAN = 54
F_HISTORY = 55         # and 56: what happened, in order: 12 events of 5 bits each, the first one lowest (HISTORY)
F_ENDS = 57            # End: state of the client's end in bits 0..3, of the server's in 4..7
F_FIRST_SEQ = 58       # and 59: raw sequence number of the SYN, or the one before the first byte; -1 not known
F_LAST_SEQ = 60        # and 61: highest sequence number reached, counted from F_FIRST_SEQ
F_LAST_ACK = 62        # and 63: highest one that the other end acknowledged, counted likewise
F_FIRST_DIRECTION = 64  # who sent the first packet
F_ENDED_NS = 65        # when its end was decided: a reset, or the second FIN; 0 not yet
F_TCP_FLAGS = 66       # and 67: all flags seen; these and the next two only in StreamBatch.connections
F_FRAME_BYTES = 68     # and 69: bytes of the frames on the wire; of packets in a tunnel, of their IP
F_COUNT = 70


class EndReason(IntEnum):
    """Why a flow left the table."""

    RUNNING = 0
    FIN = 1
    RESET = 2
    IDLE = 3
    EVICTED = 4
    REUSED = 5      # another connection began with the same addresses and ports
    CAPTURE_END = 6


class ConnState(IntEnum):
    """Zeek's conn_state, by name."""

    OTH = 0
    S0 = 1
    S1 = 2
    SF = 3
    REJ = 4
    S2 = 5
    S3 = 6
    RSTO = 7
    RSTR = 8
    RSTOS0 = 9
    RSTRH = 10
    SH = 11
    SHR = 12


class End(IntEnum):
    """How one end of a TCP connection stands, in Zeek's words."""

    INACTIVE = 0       # nothing was seen of it
    SYN_SENT = 1
    SYN_ACK_SENT = 2
    PARTIAL = 3        # it was seen, but not its SYN
    ESTABLISHED = 4
    CLOSED = 5
    RESET = 6


HISTORY = " sShHaAdDfFrRtTcCgGwWiI^"
"""Letters of F_HISTORY by number, Zeek's `history`: capitals stand for the client. s SYN, h SYN and ACK, a pure ACK, d data,
f FIN, r RST, t data sent again, w window of zero, i SYN with RST, ^ client and server were told apart late."""


def conn_state(client: int, server: int, empty: bool) -> ConnState:
    """Zeek's conn_state of a TCP connection.

    client, server  End
    empty           neither end sent a byte
    """
    silent = {End.INACTIVE, End.PARTIAL}
    if server == End.RESET:
        if client in (End.SYN_SENT, End.SYN_ACK_SENT) or (client == End.RESET and empty):
            return ConnState.REJ
        return ConnState.RSTRH if client in silent else ConnState.RSTR
    if client == End.RESET:
        return ConnState.RSTOS0 if server in silent else ConnState.RSTO
    if client == End.CLOSED and server == End.CLOSED:
        return ConnState.SF
    if client == End.CLOSED:
        return ConnState.SH if server in silent else ConnState.S2
    if server == End.CLOSED:
        return ConnState.SHR if client in silent else ConnState.S3
    if client == End.SYN_SENT and server == End.INACTIVE:
        return ConnState.S0
    if client == End.ESTABLISHED and server == End.ESTABLISHED:
        return ConnState.S1
    return ConnState.OTH
