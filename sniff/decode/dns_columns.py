"""The columns of DNS messages and of their records.

`messages[message, COLUMN]`, int64, one row a message of a batch, in the order in which they were complete; their bytes
lie in one uint8 array. `records[record, COLUMN]`, int64: questions and records of those messages, as far as they were whole.

Rows, not columns, lie together here: a loop over messages reads and writes most columns of one message at a time, and
tables of 2**16 columns would put them all into the same few lines of the processor's cache.
"""

from enum import IntEnum, IntFlag

# --- per message --------------------------------------------------------------------------------------------------------
D_NUMBER = 0       # frame.number of the packet that completed it
D_INDEX = 1        # index of that packet in its batch
D_TS_NS = 2        # when that packet was captured
D_PROTOCOL = 3     # Protocol: DNS, MDNS, LLMNR
D_TRANSPORT = 4    # 6 TCP, 17 UDP
D_STREAM = 5       # tcp.stream or udp.stream
D_IP_VERSION = 6
D_SRC_HI = 7       # addresses as in packets/columns.py
D_SRC_LO = 8
D_DST_HI = 9
D_DST_LO = 10
D_SRC_PORT = 11
D_DST_PORT = 12
D_START = 13       # index of its first byte in the batch's bytes
D_LEN = 14         # bytes that were captured
D_WIRE = 15        # bytes it has by the headers around it
D_OFFSET = 16      # where its first byte stands in the store, -1 unknown
D_STREAM_OFFSET = 17   # bytes of this direction of its TCP stream before it; 0 for UDP
D_FIRST_NUMBER = 18    # frame.number of the packet that brought its first byte
D_STATE = 19       # MessageState
D_ID = 20          # dns.id; -1 when not even the header is whole
D_FLAGS = 21       # dns.flags
D_QUESTIONS = 22   # counts as the header claims them
D_ANSWERS = 23
D_AUTHORITY = 24
D_ADDITIONAL = 25
D_QTYPE = 26       # of the first question, -1 none
D_QCLASS = 27
D_QHASH = 28       # of the first question: name without regard to case, type and class; 0 none
D_RCODE = 29       # extended by EDNS
D_ANSWER_HASH = 30  # of what the answer section says, whatever its order and its TTLs; 0 for an empty one
D_FIRST_RECORD = 31  # row of its first question or record
D_RECORDS = 32     # how many of them follow
D_EDNS = 33        # UDP payload size its OPT record offers, -1 without EDNS
D_EDNS_FLAGS = 34  # version << 16 | DO and other flags
D_PARSED = 35      # bytes that were read as message; what is left of D_LEN follows the last record
D_COUNT = 36


class MessageState(IntEnum):
    """How much of a message could be read."""

    WHOLE = 0
    CUT = 1         # the capture cut it, or bytes of its stream are missing
    MALFORMED = 2   # it ends too early by its own lengths, or a name in it cannot be


class MessageFlag(IntFlag):
    """Bits of dns.flags."""

    RESPONSE = 0x8000
    AUTHORITATIVE = 0x0400
    TRUNCATED = 0x0200
    RECURSION_DESIRED = 0x0100
    RECURSION_AVAILABLE = 0x0080
    Z = 0x0040
    AUTHENTIC = 0x0020
    CHECKING_DISABLED = 0x0010


# --- per question or record -----------------------------------------------------------------------------------------------
R_MESSAGE = 0      # its message's row
R_SECTION = 1      # Section
R_OWNER = 2        # offset of its owner name in the message
R_TYPE = 3
R_CLASS = 4
R_TTL = 5          # 0 for questions
R_DATA = 6         # offset of its data in the message
R_LENGTH = 7       # bytes of its data; 0 for questions
R_COUNT = 8


class Section(IntEnum):
    """Where in the message it stands. Of a dynamic update: zone, prerequisites, updates, additional."""

    QUESTION = 0
    ANSWER = 1
    AUTHORITY = 2
    ADDITIONAL = 3
