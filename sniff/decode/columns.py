"""What decoding adds to the rows of a batch, and the columns of messages.

`apps[COLUMN, packet]`, int64, beside the PacketBatch: which protocol writes the row of this packet and with which text.
Texts lie in one pool, a uint8 array, as (start, length): what Wireshark's Info column says, control characters already
escaped as C does, UTF-8. Protocol names are numbers of `PROTOCOLS` so that compiled loops can set them.
"""

from enum import IntEnum

# --- per packet ---------------------------------------------------------------------------------------------------------
APP_PROTOCOL = 0   # Protocol number for the Protocol cell
APP_MODE = 1       # Mode
APP_TEXT = 2       # start of the text in the pool
APP_TEXT_LEN = 3
APP_SUFFIX = 4     # Suffix: what stands at the very end of Info
APP_HTTP2 = 5         # index in PacketBatch.data at which a packet goes on with HTTP/2, 0: it does not
APP_COUNT = 6


class Mode(IntEnum):
    """How the Info cell of a packet is made. The marks of sequence analysis always come first in a TCP row."""

    OWN = 0         # the transport's own words (TCP: ports, flags, numbers; UDP: ports and Len)
    OWN_MARKER = 1  # the same, and ` [TCP segment of a reassembled PDU]`
    TEXT = 2        # the decoder's text alone
    TEXT_MARKER = 3  # the decoder's text and ` [TCP segment of a reassembled PDU]`


class Suffix(IntEnum):
    """How a row ends when the packet is not whole. No space stands before it."""

    NONE = 0
    CUT = 1         # [Packet size limited during capture]
    MALFORMED = 2   # [Malformed Packet]


# --- Protocol cells -----------------------------------------------------------------------------------------------------
class Protocol(IntEnum):
    """Numbers of the Protocol cells that compiled code sets. Rows of other protocols get numbers after these (Names)."""

    NONE = 0
    TCP = 1
    UDP = 2
    DNS = 3
    MDNS = 4
    LLMNR = 5
    NBNS = 6
    HTTP = 7
    HTTP_JSON = 8
    HTTP_XML = 9
    SSDP = 10
    FASTCGI = 11
    WEBSOCKET = 12
    IPV4 = 13
    IPV6 = 14
    ICMP = 15
    ICMPV6 = 16
    ARP = 17
    IGMP = 18
    HTTP2 = 19
    HTTP2_JSON = 20
    HTTP2_XML = 21
    GRPC = 22
    DOH = 23


PROTOCOLS = ["", "TCP", "UDP", "DNS", "MDNS", "LLMNR", "NBNS", "HTTP", "HTTP/JSON", "HTTP/XML", "SSDP", "FCGI", "WebSocket",
             "IPv4", "IPv6", "ICMP", "ICMPv6", "ARP", "IGMP", "HTTP2",
             "HTTP2/JSON", "HTTP2/XML", "GRPC", "DoH"]
"""The Protocol cells, by number."""

HTTP2_ROWS = (Protocol.HTTP2, Protocol.HTTP2_JSON, Protocol.HTTP2_XML, Protocol.GRPC, Protocol.DOH)
"""Protocols of rows about HTTP/2, whatever it carries."""

APPLICATION = frozenset({
    Protocol.DNS, Protocol.MDNS, Protocol.LLMNR, Protocol.NBNS, Protocol.HTTP, Protocol.HTTP_JSON, Protocol.HTTP_XML, *HTTP2_ROWS,
    Protocol.SSDP, Protocol.FASTCGI, Protocol.WEBSOCKET})
"""Protocols whose rows are application rows: what `analyze` shows without --packets."""


# --- HTTP messages: messages[COLUMN, message], int64, one entry a message that ended (or was given up) in this batch -----
M_IS_RESPONSE = 0
M_SLOT = 1
M_STREAM = 2
M_DIRECTION = 3
M_SEQUENCE = 4        # number of the request in its connection, 0, 1, 2 ...; of a response: of the request it answers
                      # by counting (1xx share the number of the final response), -1 when no request was open
M_FIRST_PACKET = 5    # frame.number that brought its first byte
M_HEAD_PACKET = 6     # ... the last byte of its head
M_LAST_PACKET = 7     # ... its last byte (the packet that shows the row)
M_FIRST_NS = 8
M_HEAD_NS = 9
M_LAST_NS = 10
M_STREAM_OFFSET = 11  # of its first byte in this direction's stream
M_STORE_OFFSET = 12   # of its first byte in the store
M_HEAD_LEN = 13       # bytes of start line, fields and empty line
M_BODY_WIRE = 14      # bytes of the stream that the body took, chunk framing included
M_BODY_LEN = 15       # bytes of the body, chunk framing removed, content codings not
M_EXPECTED = 16       # Content-Length, -1 when it does not count
M_FRAMING = 17        # Framing
M_STATUS = 18         # http.response.code, 0 for requests
M_METHOD = 19         # Method number, 0 for responses and unknown methods
M_VERSION = 20        # 9, 10, 11: HTTP/0.9, 1.0, 1.1
M_FLAGS = 21          # message flags (MessageFlag)
M_GAP_BYTES = 22      # bytes of it that were not captured
M_HEAD_BUFFER = 23    # where its head lies: 0 in PacketBatch.data, 1 in AppBatch.heads
M_HEAD_START = 24     # index there
M_HEAD_KEPT = 25      # bytes of the head that were kept (limits.HEAD_BYTES)
M_PREFIX_BUFFER = 26  # the same for the body's first bytes (limits.BODY_PREFIX at most, those of its first piece at least)
M_PREFIX_START = 27
M_PREFIX_LEN = 28
M_ID = 29             # a number no other message of the capture has: what BODY_ID refers to
M_COUNT = 32          # the rest is spare


class Framing(IntEnum):
    """How the end of the body is found (RFC 9112 section 6.3)."""

    NONE = 0      # no body
    LENGTH = 1
    CHUNKED = 2
    CLOSE = 3     # until the connection ends
    TUNNEL = 4    # after it the connection is no HTTP any more (CONNECT, 101)


class MessageFlag(IntEnum):
    """Bits of M_FLAGS."""

    COMPLETE = 1
    GAP = 2             # bytes are missing inside
    RESYNC = 4          # bytes of its direction were lost before it: counting does not say what answers what
    AMBIGUOUS = 8       # two implementations could read it differently
    MALFORMED = 16
    CUT_HEAD = 32       # the head is longer than limits.HEAD_BYTES
    BARE_LF = 64
    OBS_FOLD = 128
    KEEP_ALIVE = 256    # the connection may carry another message after this one
    STILL_RUNNING = 512  # the capture ended first
    ABORTED = 1024      # a reset, or a close before the promised end


# --- bodies while they arrive: bodies[COLUMN, part], int64, made when somebody wants the bytes of bodies -------------------
BODY_ID = 0         # M_ID of the message
BODY_KIND = 1       # BodyPart
BODY_BUFFER = 2     # 0: PacketBatch.data, 1: StreamBatch.held
BODY_START = 3      # index there; of a HEAD: the column of AppBatch.begun
BODY_LEN = 4        # bytes; of a HOLE: how many are missing
BODY_COUNT = 5


class BodyPart(IntEnum):
    """What a column of `bodies` says. A message that ends has a column of AppBatch.messages with its M_ID."""

    HEAD = 0    # the head of a message with a body is whole
    DATA = 1    # the next bytes of the body, chunk framing removed
    HOLE = 2    # bytes of the body that were not captured


METHODS = ("", "GET", "POST", "HEAD", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH",
           "PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "SEARCH", "REPORT", "CHECKIN", "CHECKOUT", "MERGE",
           "LABEL", "UPDATE", "BIND", "UNBIND", "REBIND", "MKCALENDAR", "ACL", "VERSION-CONTROL", "MKACTIVITY", "MKWORKSPACE",
           "UNCHECKOUT", "BASELINE-CONTROL", "NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE", "POLL", "BCOPY", "BMOVE", "BDELETE",
           "BPROPFIND", "BPROPPATCH", "CCM_POST", "RPC_CONNECT", "RPC_IN_DATA", "RPC_OUT_DATA", "SSTP_DUPLEX_POST",
           "LINK", "UNLINK", "PRI", "QUERY")
"""HTTP request methods by number (M_METHOD); 0 is any other. RFC 9110, WebDAV (RFC 4918, 3253, 5842 ...), UPnP."""
