"""The rows of HTTP/1: what Wireshark's one pass says of each TCP segment, decided when the segment is read.

A compiled leaf. It reads segments in order of arrival, as a live timeline must, and keeps for each direction just enough to
know whose bytes come next: a message that waits for more (its kind of waiting, where it ends, the words for its row).
Messages as they were meant are http1_messages.py's. The rules are those of Wireshark 4.0's TCP desegmentation:

- A segment that begins inside a waiting message belongs to it; any other is read as a new message, hole or not.
- A message waits for a known number of bytes (LENGTH), for whatever the next segment brings (HEAD, CHUNKS), or for the FIN.
- The segment that completes a message carries its row; one that does not is a TCP row that ends in the marker.
- Retransmitted and reordered segments are never read as messages; a reordered one still fills a hole.
"""

import cython

from sniff import limits
from sniff.decode import columns as d
from sniff.decode.http1_head import (
    H_CODING_END,
    H_CODING_START,
    H_METHOD,
    H_NTLM_END,
    H_NTLM_START,
    H_STATUS,
    H_TYPE_END,
    H_TYPE_START,
    H_UPGRADE,
    H_W_BREAK,
    H_W_CHUNKED,
    H_W_LENGTH,
    H_W_READ_LENGTH,
)
from sniff.packets import columns as c
from sniff.reassembly import columns as r

if not cython.compiled:
    from sniff.decode.http1_head import (
        head_end,
        is_space,
        known_start,
        line_end,
        lower,
        parse_fields,
        read_head,
        text_end,
    )

# --- columns of others, as C globals ---------------------------------------------------------------------------------------
KIND = cython.declare(cython.Py_ssize_t, c.KIND)
PAYLOAD = cython.declare(cython.Py_ssize_t, c.PAYLOAD)
PAYLOAD_LEN = cython.declare(cython.Py_ssize_t, c.PAYLOAD_LEN)
PAYLOAD_WIRE = cython.declare(cython.Py_ssize_t, c.PAYLOAD_WIRE)
SRC_PORT = cython.declare(cython.Py_ssize_t, c.SRC_PORT)
DST_PORT = cython.declare(cython.Py_ssize_t, c.DST_PORT)
TCP_SEQ = cython.declare(cython.Py_ssize_t, c.TCP_SEQ)
TCP_FLAGS = cython.declare(cython.Py_ssize_t, c.TCP_FLAGS)
FLAGS = cython.declare(cython.Py_ssize_t, c.FLAGS)
IS_TCP = cython.declare(cython.longlong, int(c.Kind.TCP))
IN_ERROR = cython.declare(cython.longlong, int(c.Flag.IN_ERROR))
SLOT = cython.declare(cython.Py_ssize_t, r.SLOT)
DIRECTION = cython.declare(cython.Py_ssize_t, r.DIRECTION)
TAGS = cython.declare(cython.Py_ssize_t, r.TAGS)
NEW_STREAM = cython.declare(cython.longlong, int(r.Tag.NEW_STREAM))
OUT_OF_ORDER = cython.declare(cython.longlong, int(r.Tag.OUT_OF_ORDER))
NOT_READ = cython.declare(cython.longlong, int(r.Tag.RETRANSMISSION | r.Tag.SPURIOUS_RETRANSMISSION))
KEEP_ALIVE = cython.declare(cython.longlong, int(r.Tag.KEEP_ALIVE))
APP_PROTOCOL = cython.declare(cython.Py_ssize_t, d.APP_PROTOCOL)
APP_MODE = cython.declare(cython.Py_ssize_t, d.APP_MODE)
APP_TEXT = cython.declare(cython.Py_ssize_t, d.APP_TEXT)
APP_TEXT_LEN = cython.declare(cython.Py_ssize_t, d.APP_TEXT_LEN)
APP_SUFFIX = cython.declare(cython.Py_ssize_t, d.APP_SUFFIX)
APP_HTTP2 = cython.declare(cython.Py_ssize_t, d.APP_HTTP2)
P_TCP = cython.declare(cython.longlong, int(d.Protocol.TCP))
P_HTTP = cython.declare(cython.longlong, int(d.Protocol.HTTP))
P_JSON = cython.declare(cython.longlong, int(d.Protocol.HTTP_JSON))
P_XML = cython.declare(cython.longlong, int(d.Protocol.HTTP_XML))
OWN_MARKER = cython.declare(cython.longlong, int(d.Mode.OWN_MARKER))
TEXT = cython.declare(cython.longlong, int(d.Mode.TEXT))
TEXT_MARKER = cython.declare(cython.longlong, int(d.Mode.TEXT_MARKER))
CUT = cython.declare(cython.longlong, int(d.Suffix.CUT))
METHOD_ = cython.declare(cython.Py_ssize_t, H_METHOD)
STATUS_ = cython.declare(cython.Py_ssize_t, H_STATUS)
UPGRADE_ = cython.declare(cython.Py_ssize_t, H_UPGRADE)
LENGTH_ = cython.declare(cython.Py_ssize_t, H_W_LENGTH)
CHUNKED_ = cython.declare(cython.Py_ssize_t, H_W_CHUNKED)
BREAK_ = cython.declare(cython.Py_ssize_t, H_W_BREAK)
READ_LENGTH_ = cython.declare(cython.Py_ssize_t, H_W_READ_LENGTH)
NTLM_START_ = cython.declare(cython.Py_ssize_t, H_NTLM_START)
NTLM_END_ = cython.declare(cython.Py_ssize_t, H_NTLM_END)
TYPE_START_ = cython.declare(cython.Py_ssize_t, H_TYPE_START)
TYPE_END_ = cython.declare(cython.Py_ssize_t, H_TYPE_END)
CODING_START_ = cython.declare(cython.Py_ssize_t, H_CODING_START)
CODING_END_ = cython.declare(cython.Py_ssize_t, H_CODING_END)
M_HEAD = cython.declare(cython.longlong, d.METHODS.index("HEAD"))
M_RPC_IN = cython.declare(cython.longlong, d.METHODS.index("RPC_IN_DATA"))
M_RPC_OUT = cython.declare(cython.longlong, d.METHODS.index("RPC_OUT_DATA"))
M_CONNECT = cython.declare(cython.longlong, d.METHODS.index("CONNECT"))

# --- the state of a connection: one int64 row, self.state[row, ...] ---------------------------------------------------------------
HTTP = cython.declare(cython.Py_ssize_t, 0)       # 0 not known to be HTTP, 1 HTTP, 2 not any more (tunnel, upgraded), 3 HTTP/2
SEEN = cython.declare(cython.Py_ssize_t, 1)       # a request was read
LAST_METHOD = cython.declare(cython.Py_ssize_t, 2)
HANDS_ON = cython.declare(cython.Py_ssize_t, 3)   # no HTTP any more: 3 but HTTP hands on what it carries, 4 it is WebSocket
FINS = cython.declare(cython.Py_ssize_t, 4)       # bit per direction that ended
NEXT_FREE = cython.declare(cython.Py_ssize_t, 5)  # of a row that no connection has: the next such row, as in FREE_ROW
BASE = cython.declare(cython.Py_ssize_t, 8)       # the two directions follow, LANE numbers each
LANE = cython.declare(cython.Py_ssize_t, 32)

# of one direction: self.state[row, BASE + direction * LANE + ...]
PHASE = cython.declare(cython.Py_ssize_t, 0)
MSP_SEQ = cython.declare(cython.Py_ssize_t, 1)    # where the waiting message begins (sequence number)
NEXT = cython.declare(cython.Py_ssize_t, 2)       # where it is known to end (LENGTH), or where the next segment has to begin
CONTIG = cython.declare(cython.Py_ssize_t, 3)     # its bytes are there without a hole up to here
ISLAND_A = cython.declare(cython.Py_ssize_t, 4)   # one run of its bytes beyond a hole, -1 none
ISLAND_B = cython.declare(cython.Py_ssize_t, 5)
BROKEN = cython.declare(cython.Py_ssize_t, 6)     # more than one hole: it will never be whole
LINE = cython.declare(cython.Py_ssize_t, 7)       # arena: its start line as text
LINE_LEN = cython.declare(cython.Py_ssize_t, 8)
MEDIA = cython.declare(cython.Py_ssize_t, 9)      # arena: its media type
MEDIA_LEN = cython.declare(cython.Py_ssize_t, 10)  # -1 none
CODED = cython.declare(cython.Py_ssize_t, 11)     # 0 not coded, 1 gzip or deflate, 2 br, 3 a coding Wireshark cannot undo
KIND_ = cython.declare(cython.Py_ssize_t, 12)     # 1 request, 2 response
MSG_METHOD = cython.declare(cython.Py_ssize_t, 13)
MSG_STATUS = cython.declare(cython.Py_ssize_t, 14)
MSG_UPGRADE = cython.declare(cython.Py_ssize_t, 15)
PART = cython.declare(cython.Py_ssize_t, 16)      # arena: head so far (HEAD); else the boundary and the multipart body so far
PART_LEN = cython.declare(cython.Py_ssize_t, 17)
SCANNED = cython.declare(cython.Py_ssize_t, 18)   # of it, lines looked at
CHUNK = cython.declare(cython.Py_ssize_t, 19)     # 0 in a size line, 1 in data, 2 in the line after the last chunk
CHUNK_LEFT = cython.declare(cython.Py_ssize_t, 20)
CHUNK_SIZE = cython.declare(cython.Py_ssize_t, 21)
CHUNK_DIGITS = cython.declare(cython.Py_ssize_t, 22)  # 0 none yet, 1 in the number, 2 after it, 3 it is none
BODY = cython.declare(cython.Py_ssize_t, 23)      # bytes of body seen
FIRST = cython.declare(cython.Py_ssize_t, 24)     # its first bytes, up to 7, most significant first
FIRST_LEN = cython.declare(cython.Py_ssize_t, 25)
TOUCHED = cython.declare(cython.Py_ssize_t, 26)   # packet that was added last
KEPT = cython.declare(cython.Py_ssize_t, 27)      # arena: its whole head, when heads are wanted
KEPT_LEN = cython.declare(cython.Py_ssize_t, 28)
LOOKED = cython.declare(cython.Py_ssize_t, 29)    # of the head so far, bytes that were searched for the end of its last line
PART_END = cython.declare(cython.Py_ssize_t, 30)  # arena: end of the room for it
MSG_CODE = cython.declare(cython.Py_ssize_t, 31)  # as in HEAD_CODE

STATE_COLUMNS = 8 + 2 * 32
LANE_BASE = 8
LANE_SIZE = 32
LANE_PHASE, LANE_LINE, LANE_MEDIA, LANE_PART, LANE_TOUCHED, LANE_KEPT, LANE_PART_END = 0, 7, 9, 16, 26, 27, 30

IDLE = cython.declare(cython.longlong, 0)
HEAD = cython.declare(cython.longlong, 1)
LENGTH = cython.declare(cython.longlong, 2)
CHUNKS = cython.declare(cython.longlong, 3)
UNTIL_FIN = cython.declare(cython.longlong, 4)

# --- ctl: what the caller and the loop tell each other ------------------------------------------------------------------------
POOL_USED = cython.declare(cython.Py_ssize_t, 0)
ARENA_USED = cython.declare(cython.Py_ssize_t, 1)
ROWS_USED = cython.declare(cython.Py_ssize_t, 2)
STATUS = cython.declare(cython.Py_ssize_t, 3)
COMPLETED = cython.declare(cython.Py_ssize_t, 4)    # within one packet: messages completed
PROTOCOL = cython.declare(cython.Py_ssize_t, 5)
WAITS = cython.declare(cython.Py_ssize_t, 6)        # within one packet: it ends inside a message
CONTINUES = cython.declare(cython.Py_ssize_t, 7)    # within one packet: its words end in "Continuation"
REST = cython.declare(cython.Py_ssize_t, 8)
HEADS_WANTED = cython.declare(cython.Py_ssize_t, 10)    # say which messages rows are about: 0 no, 1 yes, 2 and where their heads are
HEADS_MADE = cython.declare(cython.Py_ssize_t, 11)      # rows of `found` that are used
HEADS_USED = cython.declare(cython.Py_ssize_t, 12)      # bytes of `heads` that are used
HEAD_AT = cython.declare(cython.Py_ssize_t, 13)         # of the message that is being read: where its head begins and ends,
HEAD_STOP = cython.declare(cython.Py_ssize_t, 14)
IN_ARENA = cython.declare(cython.Py_ssize_t, 15)        # and whether that is in the arena
FREE_ROW = cython.declare(cython.Py_ssize_t, 16)        # one more than a row that no connection has, 0 none
LATE = cython.declare(cython.Py_ssize_t, 17)            # plain rows get their words later, if anybody wants them (write_late)
TEXT_AT = cython.declare(cython.Py_ssize_t, 18)         # within one packet: where its words begin in the pool,
LATE_ROW = cython.declare(cython.Py_ssize_t, 19)        # and one more than the row of `found` that they can be made from, 0 none
LEFT_AT = cython.declare(cython.Py_ssize_t, 20)         # within one packet: where HTTP/1 ends in it, 0 nowhere
CTL_POOL_USED, CTL_ARENA_USED, CTL_ROWS_USED, CTL_STATUS, CTL_COUNT = 0, 1, 2, 3, 21
CTL_HEADS_WANTED, CTL_HEADS_MADE, CTL_HEADS_USED, CTL_LATE = 10, 11, 12, 17
NEED_POOL, NEED_ARENA, NEED_ROWS, NEED_SLOTS, NEED_HEADS = 1, 2, 3, 4, 5

HEAD_PACKET, HEAD_KIND, HEAD_BUFFER, HEAD_START, HEAD_LEN, HEAD_BODY, HEAD_CODE = range(7)
"""Columns of `found`: index of the packet whose row is about the message, 1 request or 2 response (3: no message, what a tunnel
or an upgraded connection carries, 4: WebSocket), where its head lies (0
PacketBatch.data, 1 the array of heads; its end as Wireshark reads it), bytes of body, chunk framing removed, status (-1 when it
is no number) or number of the method (negative: `M-` stands before it). The rest is what late words are made from."""
HEAD_COUNT = 12
FOUND_LINE = cython.declare(cython.Py_ssize_t, 7)       # bytes of the start line
FOUND_TYPE = cython.declare(cython.Py_ssize_t, 8)       # where the media type lies, -1 for none
FOUND_TYPE_END = cython.declare(cython.Py_ssize_t, 9)
FOUND_CODED = cython.declare(cython.Py_ssize_t, 10)
LATE_WORDS = -1
"""In APP_TEXT_LEN: the words are made later, from the row APP_TEXT of `found`."""
_LATE = cython.declare(cython.longlong, LATE_WORDS)
_LEAST_HEAD = cython.declare(cython.Py_ssize_t, 14)     # bytes of the shortest message there can be, less two
ROOM = 20_000
"""Free bytes that the pool needs before a packet is read; the arena needs as much and the packet's payload."""
_ROOM = cython.declare(cython.Py_ssize_t, 20_000)
_INFO = cython.declare(cython.Py_ssize_t, 4095)     # longest Info cell
_MAX_HEAD = cython.declare(cython.Py_ssize_t, limits.HEAD_BYTES)
_MASK = cython.declare(cython.longlong, 0xFFFFFFFF)
_SIGN = cython.declare(cython.longlong, 0x80000000)
_HASH_MASK = cython.declare(cython.longlong, 0xFFFFFFFFFFFF)
_MAX_CHUNK = cython.declare(cython.longlong, 1 << 31)
_MULTIPART = cython.declare(cython.Py_ssize_t, limits.MULTIPART_ROW_BYTES)
_MAX_PARAMETERS = cython.declare(cython.Py_ssize_t, 1024)     # of a media type


def _hash(name: str) -> int:
    value = 0
    for byte in name.encode():
        value = (value * 31 + byte) & 0xFFFFFFFFFFFF
    return value


T_OCTETS = cython.declare(cython.longlong, _hash("application/octet-stream"))
T_JSON = cython.declare(cython.longlong, _hash("application/json"))
T_NDJSON = cython.declare(cython.longlong, _hash("application/x-ndjson"))
T_JSON_RPC = cython.declare(cython.longlong, _hash("application/json-rpc"))
T_JSON_REQUEST = cython.declare(cython.longlong, _hash("application/jsonrequest"))
T_TEXT_XML = cython.declare(cython.longlong, _hash("text/xml"))
T_XML = cython.declare(cython.longlong, _hash("application/xml"))
T_FORM = cython.declare(cython.longlong, _hash("application/x-www-form-urlencoded"))
T_MULTIPART = cython.declare(cython.longlong, _hash("multipart/"))
T_TEXT = cython.declare(cython.longlong, _hash("text/"))
T_GIF = cython.declare(cython.longlong, _hash("image/gif"))
T_PNG = cython.declare(cython.longlong, _hash("image/png"))
T_JPEG = cython.declare(cython.longlong, _hash("image/jpeg"))
T_JPG = cython.declare(cython.longlong, _hash("image/jpg"))
T_MAIL = cython.declare(cython.longlong, _hash("message/rfc822"))
N_CONTENT_TYPE = cython.declare(cython.longlong, _hash("content-type"))
N_BOUNDARY = cython.declare(cython.longlong, _hash("boundary="))
C_GZIP = cython.declare(cython.longlong, _hash("gzip"))
C_X_GZIP = cython.declare(cython.longlong, _hash("x-gzip"))
C_DEFLATE = cython.declare(cython.longlong, _hash("deflate"))
C_X_DEFLATE = cython.declare(cython.longlong, _hash("x-deflate"))
C_BR = cython.declare(cython.longlong, _hash("br"))
C_IDENTITY = cython.declare(cython.longlong, _hash("identity"))

_GIF87 = cython.declare(cython.longlong, int.from_bytes(b"GIF87a", "big"))
_GIF89 = cython.declare(cython.longlong, int.from_bytes(b"GIF89a", "big"))
_XML = cython.declare(cython.longlong, int.from_bytes(b"<?xml", "big"))
_PNG = cython.declare(cython.longlong, int.from_bytes(b"\x89PNG\r\n\x1a", "big"))
_PREFACE_1 = cython.declare(cython.longlong, int.from_bytes(b"PRI * HT", "big"))
_PREFACE_2 = cython.declare(cython.longlong, int.from_bytes(b"TP/2.0\r\n", "big"))
_PREFACE_3 = cython.declare(cython.longlong, int.from_bytes(b"\r\nSM\r\n\r\n", "big"))

_WORDS = (b" (GIF87a) (GIF89a) (PNG) (JPEG JFIF image), JavaScript Object Notation (ContinuationHTTP"
          b", NTLMSSP_NEGOTIATE, NTLMSSP_CHALLENGE, NTLMSSP_AUTH, User: !")
"""Everything this module writes that does not come from the wire; `words` of read_rows() is this text."""
WORDS = _WORDS
W_GIF87 = cython.declare(cython.Py_ssize_t, _WORDS.index(b" (GIF87a)"))
W_GIF89 = cython.declare(cython.Py_ssize_t, _WORDS.index(b" (GIF89a)"))
W_PNG = cython.declare(cython.Py_ssize_t, _WORDS.index(b" (PNG)"))
W_JPEG = cython.declare(cython.Py_ssize_t, _WORDS.index(b" (JPEG"))
W_JSON = cython.declare(cython.Py_ssize_t, _WORDS.index(b", Java"))
W_CONTINUATION = cython.declare(cython.Py_ssize_t, _WORDS.index(b"Continuation"))
W_END = cython.declare(cython.Py_ssize_t, _WORDS.index(b"HTTP"))
W_NEGOTIATE = cython.declare(cython.Py_ssize_t, _WORDS.index(b", NTLMSSP_N"))
W_CHALLENGE = cython.declare(cython.Py_ssize_t, _WORDS.index(b", NTLMSSP_C"))
W_AUTH = cython.declare(cython.Py_ssize_t, _WORDS.index(b", NTLMSSP_A"))
W_AUTH_END = cython.declare(cython.Py_ssize_t, _WORDS.index(b"!"))
SCANNED_ = cython.declare(cython.Py_ssize_t, 21)      # H_SCANNED


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def sextet(c: cython.longlong) -> cython.longlong:
    """The value of a letter of Base64 (RFC 4648 section 4), 0 for any other byte."""
    if 65 <= c <= 90:
        return c - 65
    if 97 <= c <= 122:
        return c - 71
    if 48 <= c <= 57:
        return c + 4
    return 62 if c == 43 else 63 if c == 47 else 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def base64_byte(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t,
                index: cython.longlong) -> cython.longlong:
    """Byte number `index` of what view[start:end] holds in Base64, -1 behind its end."""
    at: cython.Py_ssize_t = start + index // 3 * 4 + index % 3
    if index < 0 or at + 1 >= end or view[at + 1] == 61:
        return -1
    return ((sextet(view[at]) << 6 | sextet(view[at + 1])) >> (4 - 2 * (index % 3))) & 255


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def base64_number(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t,
                  index: cython.longlong) -> cython.longlong:
    """The 16 bits at byte number `index`, the lower byte first; negative behind the end."""
    return base64_byte(view, start, end, index) | base64_byte(view, start, end, index + 1) << 8


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def distance(a: cython.longlong, b: cython.longlong) -> cython.longlong:
    """b - a as sequence numbers: the nearest reading, |result| <= 2**31 (RFC 9293 section 3.4)."""
    step: cython.longlong = (b - a) & _MASK
    return step - ((step & _SIGN) << 1)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def is_http_port(port: cython.longlong) -> cython.bint:
    """The TCP ports that Wireshark reads as HTTP from the first byte."""
    return (port == 80 or port == 8080 or port == 3128 or port == 3132 or port == 5985 or port == 8088 or port == 11371
            or port == 1900 or port == 2869 or port == 2710 or port == 631 or port == 3689)


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def hash_of(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.longlong:
    """The hash of view[start:end] in lower case, as _hash() of a name."""
    i: cython.Py_ssize_t
    value: cython.longlong = 0
    for i in range(start, end):
        value = (value * 31 + lower(view[i])) & _HASH_MASK
    return value


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def coding_number(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.longlong:
    """What CODED says of a Content-Encoding value."""
    value: cython.longlong
    if start < 0 or end <= start:
        return 0
    value = hash_of(view, start, end)
    if value == C_IDENTITY:
        return 0
    if value == C_GZIP or value == C_X_GZIP or value == C_DEFLATE or value == C_X_DEFLATE:
        return 1
    return 2 if value == C_BR else 3


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def image_kind(first: cython.longlong, length: cython.longlong) -> cython.longlong:
    """What the first bytes of a body are: 1 GIF87a, 2 GIF89a, 3 PNG, 4 JPEG, 0 none of them. `first` as in FIRST."""
    shift: cython.longlong = 0
    if length < 3:
        return 0
    shift = (length - 3) * 8
    if (first >> shift) == 0xFFD8FF:
        return 4
    if length >= 6:
        shift = (length - 6) * 8
        if (first >> shift) == _GIF87:
            return 1
        if (first >> shift) == _GIF89:
            return 2
    if length >= 7 and (first >> ((length - 7) * 8)) == _PNG:
        return 3
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def is_xml(first: cython.longlong, length: cython.longlong) -> cython.bint:
    """Whether a body that begins so begins with `<?xml`."""
    return length >= 5 and ((first >> ((length - 5) * 8)) | 0x202020) == _XML


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def is_text(first: cython.longlong, length: cython.longlong) -> cython.bint:
    """Whether the first bytes of a body are all printable ASCII."""
    k: cython.longlong
    byte: cython.longlong
    for k in range(length):
        byte = (first >> (k * 8)) & 0xFF
        if byte < 32 or byte > 126:
            return False
    return True


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def unpacks(first: cython.longlong, length: cython.longlong, coded: cython.longlong) -> cython.bint:
    """Whether a coded body that begins so can be unpacked at all: gzip and zlib headers, or a possible raw deflate block."""
    head: cython.longlong
    if coded != 1:
        return coded == 2
    if length < 2:
        return False
    head = first >> ((length - 2) * 8)
    if head == 0x1F8B:
        return length < 3 or ((first >> ((length - 3) * 8)) & 0xFF) == 8
    if (head >> 8) & 0x0F == 8 and head % 31 == 0:
        return True
    return ((head >> 9) & 3) != 3 and not is_text(first, length)


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def looks_like_http(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.bint:
    """Whether the first line of a segment, whole in it, begins with `HTTP/1.` or ends in `HTTP/1.x`, in capitals or not."""
    stop: cython.Py_ssize_t
    if end - start < 9 or view[start] < 32 or view[start] > 126:
        return False
    stop = line_end(view, start, end, True)
    if stop < 0:
        return False
    stop = text_end(view, start, stop)
    if stop - start == 8 or stop - start < 8:
        return False
    return http_token(view, start) or http_token(view, stop - 8)


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def http_token(view: cython.const[cython.uchar][::1], at: cython.Py_ssize_t) -> cython.bint:
    return (lower(view[at]) == 104 and lower(view[at + 1]) == 116 and lower(view[at + 2]) == 116 and lower(view[at + 3]) == 112
            and view[at + 4] == 47 and view[at + 5] == 49 and view[at + 6] == 46)


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def is_preface(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.bint:
    """Whether a segment begins with the preface of HTTP/2 (RFC 9113 section 3.4)."""
    return (end - start >= 24 and view[start] == 80 and number_at(view, start) == _PREFACE_1
            and number_at(view, start + 8) == _PREFACE_2 and number_at(view, start + 16) == _PREFACE_3)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def number_at(view: cython.const[cython.uchar][::1], at: cython.Py_ssize_t) -> cython.longlong:
    """Eight bytes as a number, most significant first."""
    k: cython.Py_ssize_t
    number: cython.longlong = 0
    for k in range(at, at + 8):
        number = (number << 8) | view[k]
    return number


@cython.cclass
class Reader:
    """Reads the segments of one batch after the other. Its arrays are the caller's: bind them before each call.

    data     uint8[m]  PacketBatch.data
    pool     uint8     texts; ctl[CTL_POOL_USED] bytes of it are used
    arena    uint8     what waiting messages keep from packet to packet; ctl[CTL_ARENA_USED] bytes are used
    state    int64[rows, STATE_COLUMNS]  one row a connection that carried data; ctl[CTL_ROWS_USED] rows are used
    row_of   int64[slots]  row of a flow's slot, -1 none
    """

    data: cython.const[cython.uchar][::1]
    table: cython.const[cython.longlong][:, ::1]
    streams: cython.const[cython.longlong][:, ::1]
    apps: cython.longlong[:, ::1]
    pool: cython.uchar[::1]
    arena: cython.uchar[::1]
    state: cython.longlong[:, ::1]
    row_of: cython.longlong[::1]
    words: cython.const[cython.uchar][::1]
    names: cython.const[cython.uchar][::1]
    starts: cython.const[cython.longlong][::1]
    facts: cython.longlong[::1]
    ctl: cython.longlong[::1]
    rest: cython.longlong[::1]
    found: cython.longlong[:, ::1]
    heads: cython.uchar[::1]
    packet: cython.Py_ssize_t

    def __init__(self, words: cython.const[cython.uchar][::1], names: cython.const[cython.uchar][::1],
                 starts: cython.const[cython.longlong][::1], facts: cython.longlong[::1], ctl: cython.longlong[::1]) -> None:
        """Constant tables (WORDS, the method names), and int64 scratch: facts[32], ctl[CTL_COUNT]."""
        self.words = words
        self.names = names
        self.starts = starts
        self.facts = facts
        self.ctl = ctl
        self.rest = ctl[8:]
        self.packet = 0

    def bind_heads(self, found: cython.longlong[:, ::1], heads: cython.uchar[::1]) -> None:
        """Where to say which messages rows are about, when ctl[CTL_HEADS_WANTED]: int64[k, HEAD_COUNT] and uint8."""
        self.found = found
        self.heads = heads

    def bind_batch(self, data: cython.const[cython.uchar][::1], table: cython.const[cython.longlong][:, ::1],
                   streams: cython.const[cython.longlong][:, ::1], apps: cython.longlong[:, ::1]) -> None:
        """The batch to read."""
        self.data = data
        self.table = table
        self.streams = streams
        self.apps = apps

    def bind_memory(self, pool: cython.uchar[::1], arena: cython.uchar[::1], state: cython.longlong[:, ::1],
                    row_of: cython.longlong[::1]) -> None:
        """The arrays that grow."""
        self.pool = pool
        self.arena = arena
        self.state = state
        self.row_of = row_of

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def say(self, start: cython.Py_ssize_t, end: cython.Py_ssize_t, at: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """Words of this module go to the pool; the index after them is returned."""
        i: cython.Py_ssize_t
        for i in range(start, end):
            self.pool[at] = self.words[i]
            at += 1
        return at

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def say_kept(self, start: cython.Py_ssize_t, end: cython.Py_ssize_t, at: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """Kept bytes go to the pool."""
        i: cython.Py_ssize_t
        for i in range(start, end):
            self.pool[at] = self.arena[i]
            at += 1
        return at

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def keep_pool(self, start: cython.Py_ssize_t, end: cython.Py_ssize_t, at: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """What was said goes to the arena."""
        i: cython.Py_ssize_t
        for i in range(start, end):
            self.arena[at] = self.pool[i]
            at += 1
        return at

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def keep_kept(self, start: cython.Py_ssize_t, end: cython.Py_ssize_t, at: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """Kept bytes move to the end of the arena."""
        i: cython.Py_ssize_t
        for i in range(start, end):
            self.arena[at] = self.arena[i]
            at += 1
        return at

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def keep_view(self, view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t,
                  at: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """Bytes from the wire go to the arena."""
        i: cython.Py_ssize_t
        for i in range(start, end):
            self.arena[at] = view[i]
            at += 1
        return at

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def put_text(self, view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t,
                 at: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """Write view[start:end] as Wireshark shows text, at most an Info cell of it; returns the index after it.

        Control characters as in C (`\\t`, otherwise three octal digits), bytes that are no UTF-8 as U+FFFD.
        """
        i: cython.Py_ssize_t = start
        k: cython.Py_ssize_t
        more: cython.Py_ssize_t
        byte: cython.longlong
        point: cython.longlong
        stop: cython.Py_ssize_t = at + _INFO
        while i < end and at < stop:
            byte = view[i]
            if 32 <= byte < 127:
                self.pool[at] = cython.cast(cython.uchar, byte)
                at += 1
                i += 1
            elif byte < 128:
                self.pool[at] = 92
                at += 1
                k = 0
                if 7 <= byte <= 13:
                    # \a \b \t \n \v \f \r
                    k = 97 if byte == 7 else 98 if byte == 8 else 116 if byte == 9 else 110 if byte == 10 else 118 if byte == 11 \
                        else 102 if byte == 12 else 114
                    self.pool[at] = cython.cast(cython.uchar, k)
                    at += 1
                else:
                    self.pool[at] = cython.cast(cython.uchar, 48 + (byte >> 6))
                    self.pool[at + 1] = cython.cast(cython.uchar, 48 + ((byte >> 3) & 7))
                    self.pool[at + 2] = cython.cast(cython.uchar, 48 + (byte & 7))
                    at += 3
                i += 1
            else:
                more = 0
                point = 0
                if 0xC2 <= byte < 0xE0:
                    more = 1
                    point = byte & 0x1F
                elif 0xE0 <= byte < 0xF0:
                    more = 2
                    point = byte & 0x0F
                elif 0xF0 <= byte < 0xF5:
                    more = 3
                    point = byte & 0x07
                k = 1
                while k <= more and i + k < end and (view[i + k] & 0xC0) == 0x80:
                    point = (point << 6) | (view[i + k] & 0x3F)
                    k += 1
                if more and k > more and not (more == 2 and (point < 0x800 or 0xD800 <= point < 0xE000)) \
                        and not (more == 3 and (point < 0x10000 or point > 0x10FFFF)):
                    for k in range(more + 1):
                        self.pool[at] = view[i + k]
                        at += 1
                    i += more + 1
                else:
                    self.pool[at] = 0xEF
                    self.pool[at + 1] = 0xBF
                    self.pool[at + 2] = 0xBD
                    at += 3
                    i += 1
        return at

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def put_image(self, kind: cython.longlong, at: cython.Py_ssize_t) -> cython.Py_ssize_t:
        if kind == 1:
            return self.say(W_GIF87, W_GIF89, at)
        if kind == 2:
            return self.say(W_GIF89, W_PNG, at)
        if kind == 3:
            return self.say(W_PNG, W_JPEG, at)
        return self.say(W_JPEG, W_JSON, at)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def put_credentials(self, view: cython.const[cython.uchar][::1], at: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """Write what an NTLM message in the head adds to the row (MS-NLMP section 2.2.1); returns the index after it."""
        start: cython.Py_ssize_t = self.facts[NTLM_START_]
        end: cython.Py_ssize_t = self.facts[NTLM_END_]
        kind: cython.longlong
        wide: cython.longlong
        if start < 0:
            return at
        kind = base64_number(view, start, end, 8)
        if kind == 1:
            return self.say(W_NEGOTIATE, W_CHALLENGE, at)
        if kind == 2:
            return self.say(W_CHALLENGE, W_AUTH, at)
        if kind != 3 or base64_number(view, start, end, 62) < 0:
            return at
        wide = base64_number(view, start, end, 60) & 1
        at = self.say(W_AUTH, W_AUTH_END, at)
        at = self.put_name(view, start, end, 28, wide, at)
        self.pool[at] = 92
        return self.put_name(view, start, end, 36, wide, at + 1)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def put_name(self, view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t,
                 field: cython.longlong, wide: cython.longlong, at: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """Write the name that byte number `field` of an NTLM message tells length and place of, at most 256 characters of it.

        wide  it is UTF-16, else ASCII; bytes that are none become U+FFFD
        """
        index: cython.longlong = base64_number(view, start, end, field + 4)
        stop: cython.longlong = base64_number(view, start, end, field)
        point: cython.longlong
        stop = index + stop if stop < 256 * (1 + wide) else index + 256 * (1 + wide)
        while index < stop:
            point = base64_number(view, start, end, index) if wide else base64_byte(view, start, end, index)
            if point < 0:
                return at
            if (not wide and point >= 128) or 0xD800 <= point < 0xE000 or point < 32:
                point = 0xFFFD
            if point < 128:
                self.pool[at] = cython.cast(cython.uchar, point)
                at += 1
            elif point < 0x800:
                self.pool[at] = cython.cast(cython.uchar, 0xC0 | point >> 6)
                self.pool[at + 1] = cython.cast(cython.uchar, 0x80 | (point & 63))
                at += 2
            else:
                self.pool[at] = cython.cast(cython.uchar, 0xE0 | point >> 12)
                self.pool[at + 1] = cython.cast(cython.uchar, 0x80 | (point >> 6 & 63))
                self.pool[at + 2] = cython.cast(cython.uchar, 0x80 | (point & 63))
                at += 3
            index += 1 + wide
        return at

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def put_body_words(self, view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t,
                       coded: cython.longlong, first: cython.longlong, first_len: cython.longlong, part: cython.Py_ssize_t,
                       part_len: cython.Py_ssize_t, at: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """Write what a body adds to the row, by its media type view[start:end] (start -1: none) and its first bytes.

        part, part_len  where the arena holds the boundary and the body of a multipart one (see keep_boundary)
        Sets self.ctl[PROTOCOL]. Returns the index after it.
        """
        kind: cython.longlong
        media: cython.longlong
        length: cython.Py_ssize_t = end - start
        if coded:
            if not unpacks(first, first_len, coded):
                return at
            kind = -1                                   # packed: an image is taken by its type
        else:
            kind = image_kind(first, first_len)
        if start < 0:
            return self.put_image(kind, at) if kind > 0 else at
        if length > 10 and hash_of(view, start, start + 10) == T_MULTIPART:
            return self.put_parts(part, part_len, at)
        media = hash_of(view, start, end)
        if length > 5 and hash_of(view, start, start + 5) == T_TEXT and is_xml(first, first_len):
            self.ctl[PROTOCOL] = P_XML
            return at
        if kind > 0 and not (length > 5 and hash_of(view, start, start + 5) == T_TEXT) and media != T_FORM and media != T_JSON:
            return self.put_image(kind, at)      # a type that nothing reads as text: what the body is counts
        return self.put_media(view, start, end, media, at)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def put_media(self, view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t,
                  media: cython.longlong, at: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """Write what a media type view[start:end] adds to the row; `media` is its hash. Sets self.ctl[PROTOCOL]."""
        i: cython.Py_ssize_t
        length: cython.Py_ssize_t = end - start
        if media == T_OCTETS:
            return at
        if media == T_TEXT_XML or media == T_XML or (length > 4 and view[end - 4] == 43 and lower(view[end - 3]) == 120
                                                     and lower(view[end - 2]) == 109 and lower(view[end - 1]) == 108):
            self.ctl[PROTOCOL] = P_XML
            return at
        if media == T_JSON or media == T_NDJSON or media == T_JSON_RPC or media == T_JSON_REQUEST or \
                (length > 5 and view[end - 5] == 43 and lower(view[end - 4]) == 106 and lower(view[end - 3]) == 115
                 and lower(view[end - 2]) == 111 and lower(view[end - 1]) == 110):
            self.ctl[PROTOCOL] = P_JSON
            at = self.say(W_JSON, W_CONTINUATION, at)
        else:
            self.pool[at] = 32
            self.pool[at + 1] = 40
            at += 2
        for i in range(start, end if length < 256 else start + 256):
            if 32 <= view[i] < 127:
                self.pool[at] = cython.cast(cython.uchar, lower(view[i]))
                at += 1
            else:
                at = self.put_text(view, i, i + 1, at)
        self.pool[at] = 41
        return at + 1

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def keep_boundary(self, view: cython.const[cython.uchar][::1], row: cython.Py_ssize_t, lane: cython.Py_ssize_t) -> cython.int:
        """The head that was just read announces a multipart body: keep its boundary, so that the body is kept behind it."""
        start: cython.Py_ssize_t = self.facts[TYPE_START_]
        at: cython.Py_ssize_t = self.facts[TYPE_END_]
        end: cython.Py_ssize_t
        stop: cython.Py_ssize_t = self.ctl[HEAD_STOP]
        used: cython.Py_ssize_t
        quoted: cython.bint = False
        if start < 0 or at - start < 10 or at - start > 256 or hash_of(view, start, start + 10) != T_MULTIPART:
            return 0
        if stop > at + _MAX_PARAMETERS:
            stop = at + _MAX_PARAMETERS
        while at + 9 < stop and view[at] != 10 and not (lower(view[at]) == 98 and hash_of(view, at, at + 9) == N_BOUNDARY):
            at += 1
        if at + 9 >= stop or view[at] == 10:
            return 0
        at += 9
        if view[at] == 34:
            quoted = True
            at += 1
        end = at
        while end < stop and view[end] != 10 and view[end] != 13 \
                and not (view[end] == 34 if quoted else (view[end] == 59 or is_space(view[end]))):
            end += 1
        if end == at or end - at > 200:
            return 0
        used = self.ctl[ARENA_USED]
        self.arena[used] = cython.cast(cython.uchar, end - at)
        self.state[row, lane + PART] = used
        self.ctl[ARENA_USED] = self.state[row, lane + PART_END] = self.keep_view(view, at, end, used + 1)
        self.state[row, lane + PART_LEN] = self.ctl[ARENA_USED] - used
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def is_boundary(self, part: cython.Py_ssize_t, at: cython.Py_ssize_t, stop: cython.Py_ssize_t) -> cython.bint:
        """Whether the arena holds `--` and the boundary kept at `part` at index `at`, before `stop`."""
        length: cython.Py_ssize_t = self.arena[part]
        i: cython.Py_ssize_t
        if at + 2 + length > stop or self.arena[at] != 45 or self.arena[at + 1] != 45:
            return False
        for i in range(length):
            if self.arena[at + 2 + i] != self.arena[part + 1 + i]:
                return False
        return True

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def put_parts(self, part: cython.Py_ssize_t, length: cython.Py_ssize_t, at: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """Write what the parts of the multipart body kept in the arena at part:part + length add to the row (RFC 2046 section 5.1).

        A part counts when a boundary follows it, as in Wireshark. A body that was too long to be kept whole counts as one
        that ends with its last part.
        """
        stop: cython.Py_ssize_t = part + length
        here: cython.Py_ssize_t
        line: cython.Py_ssize_t
        width: cython.Py_ssize_t
        begun: cython.Py_ssize_t = -1           # the line after the boundary that the part begins with
        room: cython.Py_ssize_t = at + _INFO
        whole: cython.bint = length < _MULTIPART
        if length == 0:
            return at
        width = self.arena[part]
        here = part + 1 + width
        while here < stop and at < room:
            line = line_end(self.arena, here, stop, False)
            if self.is_boundary(part, here, stop) and (begun < 0 or (here - begun >= 2 and self.arena[here - 2] == 13)):
                if begun >= 0:
                    at = self.put_part(begun, here - 2, at)
                begun = line + 1 if line >= 0 else stop
                if here + 4 + width <= stop and self.arena[here + 2 + width] == 45 and self.arena[here + 3 + width] == 45:
                    return at
            if line < 0:
                break
            here = line + 1
        if not whole and begun >= 0:
            at = self.put_part(begun, stop, at)
        return at

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def put_part(self, start: cython.Py_ssize_t, stop: cython.Py_ssize_t, at: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """Write what the part self.arena[start:stop], fields and body, adds to the row."""
        line: cython.Py_ssize_t
        colon: cython.Py_ssize_t
        name: cython.Py_ssize_t
        a: cython.Py_ssize_t = -1
        b: cython.Py_ssize_t = -1
        i: cython.Py_ssize_t
        first: cython.longlong = 0
        kind: cython.longlong
        media: cython.longlong
        while start < stop:
            line = line_end(self.arena, start, stop, False)
            if line < 0:
                line = stop
            name = start
            colon = start
            while colon < line and self.arena[colon] != 58:
                colon += 1
            start = line + 1
            if colon == line:                   # the empty line, or one that is no field
                break
            b = colon
            while b > name and is_space(self.arena[b - 1]):
                b -= 1
            if b - name != 12 or hash_of(self.arena, name, b) != N_CONTENT_TYPE:
                continue
            while start < stop and (self.arena[start] == 32 or self.arena[start] == 9):        # folded
                line = line_end(self.arena, start, stop, False)
                if line < 0:
                    line = stop
                start = line + 1
            a = colon + 1
            while a < line and (is_space(self.arena[a]) or self.arena[a] == 10):
                a += 1
        if a < 0:
            return at
        b = a
        while b < stop and self.arena[b] != 59 and self.arena[b] != 10 and not is_space(self.arena[b]):
            b += 1
        if a == b:
            return at
        media = hash_of(self.arena, a, b)
        if media == T_MAIL or (b - a > 10 and hash_of(self.arena, a, a + 10) == T_MULTIPART):
            return at
        if media == T_GIF or media == T_PNG or media == T_JPEG or media == T_JPG:
            for i in range(start, start + 7 if start + 7 < stop else stop):
                first = (first << 8) | self.arena[i]
            kind = image_kind(first, 7 if start + 7 < stop else stop - start) if start < stop else 0
            if (media == T_PNG and kind == 3) or (media == T_GIF and 1 <= kind <= 2 and stop - start >= 20) \
                    or ((media == T_JPEG or media == T_JPG) and kind == 4):
                return self.put_image(kind, at)
        at = self.put_media(self.arena, a, b, media, at)
        if start >= stop and b - a > 5 and hash_of(self.arena, a, a + 5) == T_TEXT:
            at = self.put_media(self.arena, a, b, media, at)       # nothing read as text, and then as a medium
        return at

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def see_body(self, view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t,
                 row: cython.Py_ssize_t, lane: cython.Py_ssize_t) -> cython.int:
        """Note that view[start:end] is body: count it and keep the first bytes, of a multipart body all that is told of it."""
        i: cython.Py_ssize_t = start
        length: cython.Py_ssize_t = self.state[row, lane + PART_LEN]
        if end > start:
            if 0 < length < _MULTIPART:
                self.keep_part(view, start, end if end - start < _MULTIPART - length else start + _MULTIPART - length, row, lane)
            while i < end and self.state[row, lane + FIRST_LEN] < 7:
                self.state[row, lane + FIRST] = (self.state[row, lane + FIRST] << 8) | view[i]
                self.state[row, lane + FIRST_LEN] += 1
                i += 1
            self.state[row, lane + BODY] += end - start
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def read_chunks(self, view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t,
                    row: cython.Py_ssize_t, lane: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """Go on in a chunked body with view[start:end]: index after its end, or -1 when it goes on.

        A size line that holds no number ends the reading (the rest is the body, as it is).
        """
        i: cython.Py_ssize_t = start
        step: cython.Py_ssize_t
        take: cython.Py_ssize_t
        byte: cython.longlong
        while i < end:
            if self.state[row, lane + CHUNK] == 1:
                step = end - i
                if step > self.state[row, lane + CHUNK_LEFT]:
                    step = self.state[row, lane + CHUNK_LEFT]
                take = self.state[row, lane + CHUNK_LEFT] - 2      # the CRLF after the data is counted in
                if take > step:
                    take = step
                if take > 0:
                    self.see_body(view, i, i + take, row, lane)
                self.state[row, lane + CHUNK_LEFT] -= step
                i += step
                if self.state[row, lane + CHUNK_LEFT] == 0:
                    self.state[row, lane + CHUNK] = 0
                    self.state[row, lane + CHUNK_SIZE] = 0
                    self.state[row, lane + CHUNK_DIGITS] = 0
                continue
            byte = view[i]
            i += 1
            if self.state[row, lane + CHUNK] == 2:
                # one line end completes it; trailer lines that are there belong to it
                if byte == 10:
                    if i == end or self.state[row, lane + CHUNK_SIZE] == 0:
                        return i
                    self.state[row, lane + CHUNK_SIZE] = 0
                elif byte != 13:
                    self.state[row, lane + CHUNK_SIZE] += 1
                continue
            if byte == 10:
                if self.state[row, lane + CHUNK_DIGITS] == 0 or self.state[row, lane + CHUNK_DIGITS] == 3:
                    self.see_body(view, i, end, row, lane)
                    return end
                if self.state[row, lane + CHUNK_SIZE] == 0:
                    self.state[row, lane + CHUNK] = 2
                else:
                    self.state[row, lane + CHUNK] = 1
                    self.state[row, lane + CHUNK_LEFT] = self.state[row, lane + CHUNK_SIZE] + 2
            elif self.state[row, lane + CHUNK_DIGITS] <= 1:
                byte = lower(byte)
                if 48 <= byte <= 57 or 97 <= byte <= 102:
                    self.state[row, lane + CHUNK_SIZE] = self.state[row, lane + CHUNK_SIZE] * 16 + (byte - 48 if byte <= 57 else byte - 87)
                    self.state[row, lane + CHUNK_DIGITS] = 1
                    if self.state[row, lane + CHUNK_SIZE] > _MAX_CHUNK:
                        self.state[row, lane + CHUNK_SIZE] = _MAX_CHUNK
                        self.state[row, lane + CHUNK_DIGITS] = 3
                elif self.state[row, lane + CHUNK_DIGITS] == 1:
                    self.state[row, lane + CHUNK_DIGITS] = 2
                elif not is_space(byte):
                    self.state[row, lane + CHUNK_DIGITS] = 3
        return -1

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def write_down(self, kind: cython.longlong, in_arena: cython.bint, start: cython.Py_ssize_t, stop: cython.Py_ssize_t,
                   body: cython.longlong, code: cython.longlong) -> cython.int:
        """The row of this packet is about the message whose head lies at start:stop of the arena or of the batch."""
        k: cython.Py_ssize_t = self.ctl[HEADS_MADE]
        at: cython.Py_ssize_t = self.ctl[HEADS_USED]
        i: cython.Py_ssize_t
        if not self.ctl[HEADS_WANTED]:
            return 0
        self.found[k, 0] = self.packet
        self.found[k, 1] = kind
        self.found[k, 2] = 1 if in_arena else 0
        self.found[k, 3] = at if in_arena else start
        self.found[k, 4] = stop - start
        self.found[k, 5] = body
        self.found[k, 6] = code
        self.ctl[HEADS_MADE] = k + 1
        if in_arena and self.ctl[HEADS_WANTED] == 2:
            for i in range(start, stop):
                self.heads[at] = self.arena[i]
                at += 1
            self.ctl[HEADS_USED] = at
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(check=False)
    def code_of(self, view: cython.const[cython.uchar][::1], kind: cython.longlong) -> cython.longlong:
        """HEAD_CODE of the message whose head, at self.ctl[HEAD_AT], was just read."""
        at: cython.Py_ssize_t = self.ctl[HEAD_AT]
        if kind == 2:
            if self.facts[STATUS_] == 0 and not (at + 12 <= self.ctl[HEAD_STOP] and view[at + 8] == 32 and view[at + 9] == 48
                                                 and view[at + 10] == 48 and view[at + 11] == 48):
                return -1
            return self.facts[STATUS_]
        if at + 1 < self.ctl[HEAD_STOP] and view[at] == 77 and view[at + 1] == 45:
            return -self.facts[METHOD_]
        return self.facts[METHOD_]

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def fills(self, view: cython.const[cython.uchar][::1], head_stop: cython.Py_ssize_t, end: cython.Py_ssize_t,
              kind: cython.longlong, row: cython.Py_ssize_t) -> cython.bint:
        """Whether the message whose head was just read, up to head_stop, is plain and ends at `end`: its words can wait."""
        status: cython.longlong = self.facts[STATUS_]
        length: cython.longlong = self.facts[LENGTH_]
        if self.facts[BREAK_] >= 0 or self.facts[CHUNKED_] or self.facts[NTLM_START_] >= 0 or self.facts[READ_LENGTH_] > length \
                or length >= 131_072:
            return False
        if self.facts[TYPE_START_] >= 0 and lower(view[self.facts[TYPE_START_]]) == 109:       # multipart
            return False
        if kind == 2 and (self.state[row, LAST_METHOD] == M_HEAD or (200 <= status < 300 and self.state[row, LAST_METHOD] == M_CONNECT)
                          or 100 <= status < 200 or status == 204 or status == 304):
            return head_stop == end
        if length >= 0:
            return length == end - head_stop
        return kind == 1 and head_stop == end

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def message_done(self, row: cython.Py_ssize_t, kind: cython.longlong, method: cython.longlong,
                     status: cython.longlong, upgrade: cython.longlong) -> cython.int:
        """Remember what a whole message means for those that follow."""
        self.ctl[COMPLETED] += 1
        if kind == 1:
            self.state[row, SEEN] = 1
            self.state[row, LAST_METHOD] = method
        elif kind == 2:
            if (status == 101 and upgrade) or (200 <= status < 300 and self.state[row, LAST_METHOD] == M_CONNECT):
                self.state[row, HTTP] = 3 if status == 101 and upgrade == 3 else 2
                self.state[row, HANDS_ON] = 4 if status == 101 and upgrade == 2 else 3
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def wait(self, row: cython.Py_ssize_t, lane: cython.Py_ssize_t, phase: cython.longlong, begin: cython.longlong,
             contig: cython.longlong, more: cython.longlong) -> cython.int:
        """The message that begins at sequence number `begin` waits; `more` bytes after `contig` complete it (LENGTH)."""
        self.state[row, lane + PHASE] = phase
        self.state[row, lane + MSP_SEQ] = begin & _MASK
        self.state[row, lane + CONTIG] = contig & _MASK
        self.state[row, lane + NEXT] = (contig + more) & _MASK
        self.state[row, lane + ISLAND_A] = -1
        self.state[row, lane + ISLAND_B] = -1
        self.state[row, lane + BROKEN] = 0
        self.ctl[WAITS] = 1
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def keep_words(self, view: cython.const[cython.uchar][::1], text: cython.Py_ssize_t, text_stop: cython.Py_ssize_t,
                   kind: cython.longlong, row: cython.Py_ssize_t, lane: cython.Py_ssize_t) -> cython.int:
        """Keep in the arena what the row of a waiting message will need: its start line and its media type."""
        at: cython.Py_ssize_t = self.ctl[ARENA_USED]
        a: cython.Py_ssize_t = self.facts[TYPE_START_]
        b: cython.Py_ssize_t = self.facts[TYPE_END_]
        self.state[row, lane + LINE] = at
        at = self.keep_pool(text, text_stop, at)
        self.state[row, lane + LINE_LEN] = at - self.state[row, lane + LINE]
        self.state[row, lane + MEDIA] = at
        self.state[row, lane + MEDIA_LEN] = -1
        if a >= 0:
            if b - a > 256:
                b = a + 256
            at = self.keep_view(view, a, b, at)
            self.state[row, lane + MEDIA_LEN] = at - self.state[row, lane + MEDIA]
        if self.ctl[HEADS_WANTED] == 2:
            self.state[row, lane + KEPT] = at
            at = self.keep_view(view, self.ctl[HEAD_AT], self.ctl[HEAD_STOP], at)
            self.state[row, lane + KEPT_LEN] = at - self.state[row, lane + KEPT]
        self.ctl[ARENA_USED] = at
        self.state[row, lane + CODED] = coding_number(view, self.facts[CODING_START_], self.facts[CODING_END_])
        self.state[row, lane + KIND_] = kind
        self.state[row, lane + MSG_METHOD] = self.facts[METHOD_]
        self.state[row, lane + MSG_STATUS] = self.facts[STATUS_]
        self.state[row, lane + MSG_UPGRADE] = self.facts[UPGRADE_]
        self.state[row, lane + MSG_CODE] = self.code_of(view, kind)
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def finish_waiting(self, at: cython.Py_ssize_t, row: cython.Py_ssize_t, lane: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """A waiting message is whole: write its words at self.pool[at:] and forget it. Returns the index after them."""
        start: cython.Py_ssize_t = self.state[row, lane + LINE]
        media: cython.Py_ssize_t = self.state[row, lane + MEDIA]
        at = self.say_kept(start, start + self.state[row, lane + LINE_LEN], at)
        self.ctl[PROTOCOL] = P_HTTP
        if self.state[row, lane + BODY] > 0:
            at = self.put_body_words(self.arena, media if self.state[row, lane + MEDIA_LEN] >= 0 else -1,
                                     media + self.state[row, lane + MEDIA_LEN], self.state[row, lane + CODED],
                                     self.state[row, lane + FIRST], self.state[row, lane + FIRST_LEN],
                                     self.state[row, lane + PART], self.state[row, lane + PART_LEN], at)
        start = self.state[row, lane + KEPT]
        self.write_down(self.state[row, lane + KIND_], True, start, start + self.state[row, lane + KEPT_LEN],
                        self.state[row, lane + BODY], self.state[row, lane + MSG_CODE])
        self.message_done(row, self.state[row, lane + KIND_], self.state[row, lane + MSG_METHOD], self.state[row, lane + MSG_STATUS],
                          self.state[row, lane + MSG_UPGRADE])
        self.state[row, lane + PHASE] = IDLE
        return at

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def end_after_break(self, view: cython.const[cython.uchar][::1], end: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """Where Wireshark sees the end of a message one of whose field lines has no colon: its body begins with that line."""
        at: cython.Py_ssize_t = self.facts[BREAK_]
        stop: cython.Py_ssize_t
        size: cython.longlong
        byte: cython.longlong
        i: cython.Py_ssize_t
        if not self.facts[CHUNKED_]:
            if self.facts[READ_LENGTH_] < 0 or self.facts[READ_LENGTH_] > end - at:
                return end
            return at + self.facts[READ_LENGTH_]
        while at < end:
            stop = line_end(view, at, end, True)
            if stop < 0:
                return end
            size = 0
            i = at
            while i < stop:
                byte = lower(view[i])
                if not (48 <= byte <= 57 or 97 <= byte <= 102) or size > _MAX_CHUNK:
                    break
                size = size * 16 + (byte - 48 if byte <= 57 else byte - 87)
                i += 1
            at = stop + 1
            if size == 0:                        # the last chunk, as far as it can tell: trailer lines until an empty one
                while at < end:
                    stop = line_end(view, at, end, True)
                    if stop < 0:
                        return end
                    if text_end(view, at, stop) == at:
                        return stop + 1
                    at = stop + 1
                return end
            if size > end - at:
                return end
            at += size + 2
        return end

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def body_after_head(self, view: cython.const[cython.uchar][::1], head_stop: cython.Py_ssize_t, end: cython.Py_ssize_t,
                        captured: cython.bint, begin: cython.longlong, seq_end: cython.longlong, kind: cython.longlong,
                        text: cython.Py_ssize_t, at: cython.Py_ssize_t, row: cython.Py_ssize_t,
                        lane: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """The head ends at head_stop, its words stand at self.pool[text:at]: read the body in view[head_stop:end], wait or finish.

        begin, seq_end  sequence numbers of the message's first byte and of the byte after `end`
        rest            written: [0] index after the message, -1 when it waits for more
        Returns the index after the words in the pool.
        """
        status: cython.longlong = self.facts[STATUS_]
        length: cython.longlong = self.facts[LENGTH_]
        media: cython.Py_ssize_t = self.facts[TYPE_START_]
        stop: cython.Py_ssize_t
        told: cython.Py_ssize_t = self.put_credentials(view, at)      # words that a row gets when its message is whole
        wants_body: cython.bint = True
        if kind == 2 and (self.state[row, LAST_METHOD] == M_HEAD or (200 <= status < 300 and self.state[row, LAST_METHOD] == M_CONNECT)
                          or 100 <= status < 200 or status == 204 or status == 304):
            wants_body = False
        self.state[row, lane + BODY] = 0
        self.state[row, lane + FIRST] = 0
        self.state[row, lane + FIRST_LEN] = 0
        self.state[row, lane + CHUNK] = 0
        self.state[row, lane + CHUNK_SIZE] = 0
        self.state[row, lane + CHUNK_DIGITS] = 0
        self.rest[0] = -1
        self.ctl[HEAD_STOP] = self.facts[BREAK_] if self.facts[BREAK_] >= 0 else head_stop
        self.state[row, lane + PART_LEN] = 0
        if wants_body:
            self.keep_boundary(view, row, lane)
        if wants_body and captured:
            if self.facts[CHUNKED_]:
                stop = self.read_chunks(view, head_stop, end, row, lane)
                if stop < 0:
                    self.keep_words(view, text, told, kind, row, lane)
                    self.wait(row, lane, CHUNKS, begin, seq_end, 0)
                    return at
            elif length >= 131_072 and (self.facts[METHOD_] == M_RPC_IN or self.facts[METHOD_] == M_RPC_OUT):
                stop = end                       # RPC over HTTP: a length that means nothing
                self.see_body(view, head_stop, stop, row, lane)
            elif length >= 0:
                if length > end - head_stop:
                    self.see_body(view, head_stop, end, row, lane)
                    self.keep_words(view, text, told, kind, row, lane)
                    self.wait(row, lane, LENGTH, begin, seq_end, length - (end - head_stop))
                    return at
                stop = head_stop + length
                self.see_body(view, head_stop, stop, row, lane)
            elif kind == 2:
                self.see_body(view, head_stop, end, row, lane)
                self.keep_words(view, text, told, kind, row, lane)
                self.wait(row, lane, UNTIL_FIN, begin, seq_end, 0x0FFFFFFE)
                return at
            else:
                stop = head_stop
        else:
            stop = end
            if length >= 0 and not self.facts[CHUNKED_]:
                if length < end - head_stop:
                    stop = head_stop + length
            elif (kind == 1 and not self.facts[CHUNKED_]) or (kind == 2 and (100 <= status < 200 or status == 204 or status == 304)):
                stop = head_stop
            self.see_body(view, head_stop, stop, row, lane)
        if self.facts[BREAK_] >= 0 and wants_body:
            stop = self.end_after_break(view, end)
        elif wants_body and length >= 0 and self.facts[READ_LENGTH_] > length and not self.facts[CHUNKED_]:
            stop = end
        self.ctl[PROTOCOL] = P_HTTP
        at = told
        if self.state[row, lane + BODY] > 0:
            at = self.put_body_words(view, media, self.facts[TYPE_END_],
                                     coding_number(view, self.facts[CODING_START_], self.facts[CODING_END_]),
                                     self.state[row, lane + FIRST], self.state[row, lane + FIRST_LEN],
                                     self.state[row, lane + PART], self.state[row, lane + PART_LEN], at)
        self.write_down(kind, self.ctl[IN_ARENA] != 0, self.ctl[HEAD_AT], self.ctl[HEAD_STOP], self.state[row, lane + BODY],
                        self.code_of(view, kind))
        self.message_done(row, kind, self.facts[METHOD_], status, self.facts[UPGRADE_])
        self.state[row, lane + PHASE] = IDLE
        self.rest[0] = stop
        return at

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def keep_part(self, view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t,
                  row: cython.Py_ssize_t, lane: cython.Py_ssize_t) -> cython.int:
        """Add view[start:end] to the head kept in the arena.

        When there is no room after it, it moves to the arena's end, with room for as much again: heads that come in turns are
        copied a few times each, not once for each of their pieces.
        """
        at: cython.Py_ssize_t = self.ctl[ARENA_USED]
        old: cython.Py_ssize_t = self.state[row, lane + PART]
        length: cython.Py_ssize_t = self.state[row, lane + PART_LEN]
        wanted: cython.Py_ssize_t = length + end - start
        if length == 0:
            old = self.state[row, lane + PART] = at
            self.ctl[ARENA_USED] = self.state[row, lane + PART_END] = at + wanted
        elif old + wanted > self.state[row, lane + PART_END]:
            if self.state[row, lane + PART_END] == at:
                self.ctl[ARENA_USED] = self.state[row, lane + PART_END] = old + wanted
            else:
                self.keep_kept(old, old + length, at)
                old = self.state[row, lane + PART] = at
                self.ctl[ARENA_USED] = self.state[row, lane + PART_END] = at + 2 * wanted
        self.keep_view(view, start, end, old + length)
        self.state[row, lane + PART_LEN] = wanted
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def read_messages(self, view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t,
                      captured: cython.bint, seq: cython.longlong, at: cython.Py_ssize_t, row: cython.Py_ssize_t,
                      lane: cython.Py_ssize_t, alone: cython.bint) -> cython.Py_ssize_t:
        """Read view[start:end], which begins at sequence number `seq`, as messages from their first byte on.

        Writes their words at self.pool[at:], returns the index after them. self.ctl[WAITS] is 1 when the first one waits for more: a
        later one, or one behind a message that ended here (not `alone`), waits without a mark.
        """
        i: cython.Py_ssize_t
        stop: cython.Py_ssize_t
        line_stop: cython.Py_ssize_t
        text: cython.Py_ssize_t
        kind: cython.longlong
        begin: cython.longlong
        seq_end: cython.longlong = seq + (end - start)
        first: cython.Py_ssize_t = start
        late: cython.bint
        k: cython.Py_ssize_t
        while start < end:
            if self.state[row, HTTP] >= 2:
                self.ctl[LEFT_AT] = start
                return at
            begin = seq + (start - first)
            i = start
            if end - i > 3 and view[i] == 13 and view[i + 1] == 10:
                i += 2
            if view[i] < 32 or view[i] > 126:
                if self.state[row, SEEN]:
                    self.ctl[PROTOCOL] = P_HTTP
                    self.ctl[COMPLETED] += 1
                    self.ctl[CONTINUES] = 1
                    at = self.say(W_CONTINUATION, W_END, at)
                return at
            stop = line_end(view, i, end, True)
            if stop < 0:
                if captured:
                    self.state[row, lane + PART_LEN] = 0
                    self.state[row, lane + SCANNED] = 0
                    self.state[row, lane + LOOKED] = 0
                    self.state[row, lane + LINE_LEN] = 0
                    self.keep_part(view, i, end, row, lane)
                    self.wait(row, lane, HEAD, begin, seq_end, 0)
                    self.ctl[WAITS] = 1 if alone else 0
                    return at
                stop = end
            line_stop = text_end(view, i, stop) if stop < end else end
            kind = known_start(view, i, line_stop, self.names, self.starts, self.facts)
            if kind == 0:
                if self.state[row, SEEN]:
                    self.ctl[PROTOCOL] = P_HTTP
                    self.ctl[COMPLETED] += 1
                    at = self.say(W_CONTINUATION, W_END, at)
                return at
            text = at
            late = self.ctl[LATE] != 0 and captured and at == self.ctl[TEXT_AT] and self.ctl[COMPLETED] == 0
            if not late:
                at = self.put_text(view, i, line_stop, at)
                self.pool[at] = 32
                at += 1
            stop = read_head(view, i, stop, end, True, self.facts)
            if late:
                if stop >= 0 and self.fills(view, stop, end, kind, row) \
                        and not (self.facts[STATUS_] == 101 and self.facts[UPGRADE_] == 3):    # HTTP/2 adds its words at once
                    k = self.ctl[HEADS_MADE]
                    self.ctl[HEAD_AT] = i
                    self.ctl[HEAD_STOP] = stop
                    self.write_down(kind, False, i, stop, end - stop, self.code_of(view, kind))
                    self.found[k, FOUND_LINE] = line_stop - i
                    self.found[k, FOUND_TYPE] = self.facts[TYPE_START_]
                    self.found[k, FOUND_TYPE_END] = self.facts[TYPE_END_]
                    self.found[k, FOUND_CODED] = coding_number(view, self.facts[CODING_START_], self.facts[CODING_END_])
                    self.message_done(row, kind, self.facts[METHOD_], self.facts[STATUS_], self.facts[UPGRADE_])
                    self.state[row, lane + PHASE] = IDLE
                    self.state[row, lane + PART_LEN] = 0
                    self.ctl[LATE_ROW] = k + 1
                    return at
                at = self.put_text(view, i, line_stop, at)
                self.pool[at] = 32
                at += 1
            if stop < 0:
                if captured:
                    self.facts[TYPE_START_] = -1
                    self.facts[CODING_START_] = -1
                    self.ctl[HEAD_AT] = 0
                    self.ctl[HEAD_STOP] = 0
                    self.keep_words(view, text, at, kind, row, lane)
                    self.state[row, lane + PART_LEN] = 0
                    self.state[row, lane + SCANNED] = 0
                    self.state[row, lane + LOOKED] = 0
                    self.keep_part(view, i, end, row, lane)
                    self.wait(row, lane, HEAD, begin, seq_end, 0)
                    self.ctl[WAITS] = 1 if alone else 0
                    return at
                stop = end
            self.ctl[HEAD_AT] = i
            self.ctl[IN_ARENA] = 0
            at = self.body_after_head(view, stop, end, captured, begin, seq_end, kind, text, at, row, lane)
            if self.rest[0] < 0:
                self.ctl[WAITS] = 1 if alone else 0
                return at
            alone = False
            if at - text > 3 * _INFO:           # far beyond what a cell shows
                at = text + 3 * _INFO
            start = self.rest[0]
        return at

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def go_on_with_head(self, view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t,
                        seq: cython.longlong, at: cython.Py_ssize_t, row: cython.Py_ssize_t,
                        lane: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """A head that waited gets view[start:end]: read on in what is there of it now. Same results as self.read_messages(."""
        part: cython.Py_ssize_t
        length: cython.Py_ssize_t
        before: cython.Py_ssize_t = self.state[row, lane + PART_LEN]
        stop: cython.Py_ssize_t
        line: cython.Py_ssize_t
        kind: cython.longlong
        text: cython.Py_ssize_t = at
        begin: cython.longlong = self.state[row, lane + MSP_SEQ]
        if before + end - start > _MAX_HEAD:
            self.state[row, lane + PHASE] = IDLE
            self.ctl[WAITS] = 1
            return at
        self.keep_part(view, start, end, row, lane)
        part = self.state[row, lane + PART]
        length = self.state[row, lane + PART_LEN]
        line = part
        if self.state[row, lane + SCANNED] == 0:
            line = part + self.state[row, lane + LOOKED]
            self.state[row, lane + LOOKED] = length - 1        # a CR at the end may still be followed by LF
        line = line_end(self.arena, line, part + length, True)
        if line < 0:
            self.wait(row, lane, HEAD, begin, seq + end - start, 0)
            return at
        kind = known_start(self.arena, part, text_end(self.arena, part, line), self.names, self.starts, self.facts)
        if kind == 0:
            self.state[row, lane + PHASE] = IDLE
            if self.state[row, SEEN]:
                self.ctl[PROTOCOL] = P_HTTP
                self.ctl[COMPLETED] += 1
                at = self.say(W_CONTINUATION, W_END, at)
            return at
        at = self.put_text(self.arena, part, text_end(self.arena, part, line), at)
        self.pool[at] = 32
        at += 1
        if self.state[row, lane + SCANNED] == 0:
            self.state[row, lane + LOOKED] = line - part
        stop = head_end(self.arena, part + self.state[row, lane + SCANNED], part + self.state[row, lane + LOOKED], part + length, True,
                        self.facts)
        self.state[row, lane + SCANNED] = self.facts[SCANNED_] - part
        self.state[row, lane + LOOKED] = length - 1
        if stop < 0:
            self.state[row, lane + LINE_LEN] = 1      # its words were written
            self.wait(row, lane, HEAD, begin, seq + end - start, 0)
            return at
        parse_fields(self.arena, line + 1, stop, True, self.facts)
        self.ctl[HEAD_AT] = part
        self.ctl[IN_ARENA] = 1
        at = self.body_after_head(self.arena, stop, part + length, True, begin, seq + end - start, kind, text, at, row, lane)
        if self.rest[0] >= 0 and self.rest[0] < part + length:
            stop = end - (part + length - self.rest[0])       # the same place in the segment
            at = self.read_messages(view, stop, end, True, seq + (stop - start), at, row, lane, False)
        return at

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def add_range(self, row: cython.Py_ssize_t, lane: cython.Py_ssize_t, seq: cython.longlong,
                  seq_end: cython.longlong) -> cython.int:
        """Note that a waiting message has the bytes [seq, seq_end)."""
        contig: cython.longlong = self.state[row, lane + CONTIG]
        if distance(contig, seq) <= 0:
            if distance(contig, seq_end) > 0:
                self.state[row, lane + CONTIG] = seq_end & _MASK
            if self.state[row, lane + ISLAND_A] >= 0 and distance(self.state[row, lane + ISLAND_A], self.state[row, lane + CONTIG]) >= 0:
                if distance(self.state[row, lane + CONTIG], self.state[row, lane + ISLAND_B]) > 0:
                    self.state[row, lane + CONTIG] = self.state[row, lane + ISLAND_B]
                self.state[row, lane + ISLAND_A] = -1
        elif self.state[row, lane + ISLAND_A] < 0:
            self.state[row, lane + ISLAND_A] = seq & _MASK
            self.state[row, lane + ISLAND_B] = seq_end & _MASK
        elif distance(self.state[row, lane + ISLAND_B], seq) <= 0 and distance(self.state[row, lane + ISLAND_A], seq) >= 0:
            if distance(self.state[row, lane + ISLAND_B], seq_end) > 0:
                self.state[row, lane + ISLAND_B] = seq_end & _MASK
        else:
            self.state[row, lane + BROKEN] = 1
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def read_segment(self, view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t,
                     captured: cython.bint, seq: cython.longlong, wire: cython.longlong, fin: cython.bint,
                     reordered: cython.bint, at: cython.Py_ssize_t, row: cython.Py_ssize_t,
                     lane: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """One segment of a direction: its words go to self.pool[at:], the index after them is returned.

        self.ctl[WAITS] 1: the row ends in the marker; self.ctl[COMPLETED]: messages that it completed.
        """
        phase: cython.longlong = self.state[row, lane + PHASE]
        offset: cython.longlong
        seq_end: cython.longlong = (seq + wire) & _MASK
        stop: cython.Py_ssize_t
        inside: cython.bint = False
        if phase != IDLE:
            offset = distance(self.state[row, lane + MSP_SEQ], seq)
            if phase == LENGTH or phase == UNTIL_FIN:
                inside = offset > 0 and distance(seq, self.state[row, lane + NEXT]) > 0 and (wire > 0 or phase == UNTIL_FIN)
            else:
                inside = offset > 0 and distance(self.state[row, lane + CONTIG], seq) <= 0
        if not inside:
            if reordered or wire == 0:
                return at
            return self.read_messages(view, start, end, captured, seq, at, row, lane, True)
        if phase == LENGTH:
            stop = start + distance(seq, self.state[row, lane + NEXT])
            if stop > end:
                stop = end
            if self.state[row, lane + BODY] == 0 or self.state[row, lane + FIRST_LEN] < 7 or self.state[row, lane + PART_LEN]:
                if seq == self.state[row, lane + CONTIG]:
                    self.see_body(view, start, stop, row, lane)
                elif self.state[row, lane + FIRST_LEN] == 7:
                    self.state[row, lane + BODY] += stop - start
                    self.state[row, lane + PART_LEN] = 0        # parts are read in order, or not at all
            else:
                self.state[row, lane + BODY] += stop - start
            if distance(seq_end, self.state[row, lane + NEXT]) < 0:
                self.add_range(row, lane, seq, self.state[row, lane + NEXT])
            else:
                self.add_range(row, lane, seq, seq_end)
            if self.state[row, lane + CONTIG] == self.state[row, lane + NEXT] and not self.state[row, lane + BROKEN]:
                if reordered:
                    self.state[row, lane + PHASE] = IDLE       # whole, but a reordered segment shows no message
                    return at
                at = self.finish_waiting(at, row, lane)
            else:
                self.ctl[WAITS] = 1
                if distance(self.state[row, lane + NEXT], seq_end) < 0 or stop == end:
                    return at
                self.state[row, lane + PHASE] = IDLE
            if stop < end and not reordered:
                at = self.read_messages(view, stop, end, captured, seq + (stop - start), at, row, lane, True)
            return at
        if phase == UNTIL_FIN:
            if (self.state[row, lane + FIRST_LEN] < 7 or self.state[row, lane + PART_LEN]) and seq == self.state[row, lane + CONTIG]:
                self.see_body(view, start, end, row, lane)
            else:
                self.state[row, lane + BODY] += end - start
                self.state[row, lane + PART_LEN] = 0
            self.add_range(row, lane, seq, seq_end)
            if fin and not reordered and self.state[row, lane + CONTIG] == seq_end and not self.state[row, lane + BROKEN] \
                    and self.state[row, lane + ISLAND_A] < 0:
                return self.finish_waiting(at, row, lane)
            if wire > 0:
                self.ctl[WAITS] = 1
            return at
        if reordered or wire == 0:
            return at
        offset = distance(seq, self.state[row, lane + CONTIG])     # bytes that were there already
        if offset >= end - start:
            self.ctl[WAITS] = 1
            return at
        start += offset
        seq = (seq + offset) & _MASK
        if phase == HEAD:
            return self.go_on_with_head(view, start, end, seq, at, row, lane)
        stop = self.read_chunks(view, start, end, row, lane)
        if stop < 0:
            self.state[row, lane + CONTIG] = seq_end
            at = self.say_kept(self.state[row, lane + LINE], self.state[row, lane + LINE] + self.state[row, lane + LINE_LEN], at)
            self.ctl[WAITS] = 1
            return at
        at = self.finish_waiting(at, row, lane)
        if stop < end:
            at = self.read_messages(view, stop, end, captured, seq + (stop - start), at, row, lane, False)
        return at

    def read(self, begin: cython.Py_ssize_t) -> int:
        """Set the apps columns of the TCP packets from `begin` on that HTTP writes, or takes; returns the index after the last.

        It stops early, with ctl[CTL_STATUS] saying what has to grow, and goes on when called again. Packets whose APP_PROTOCOL
        is set already belong to somebody else.
        """
        done: cython.Py_ssize_t
        with cython.nogil:
            done = self.run(begin)
        return done

    def write_late(self, packets: cython.const[cython.longlong][::1], begin: cython.Py_ssize_t) -> int:
        """Write the words of those of these packets, from packets[begin] on, that wait for them; returns the index after the last.

        packets  int64[k]  indexes into the batch that was read last
        It stops early when the pool has to grow (NEED_POOL). With the words comes the Protocol cell: HTTP until then.
        """
        done: cython.Py_ssize_t
        with cython.nogil:
            done = self.late(packets, begin)
        return done

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def late(self, packets: cython.const[cython.longlong][::1], begin: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """The loop of write_late()."""
        i: cython.Py_ssize_t
        k: cython.Py_ssize_t
        j: cython.Py_ssize_t
        b: cython.Py_ssize_t
        at: cython.Py_ssize_t
        text: cython.Py_ssize_t
        start: cython.Py_ssize_t
        length: cython.longlong
        first: cython.longlong
        self.ctl[STATUS] = 0
        for j in range(begin, packets.shape[0]):
            i = packets[j]
            if self.apps[APP_TEXT_LEN, i] != _LATE:
                continue
            if self.pool.shape[0] - self.ctl[POOL_USED] < _ROOM:
                self.ctl[STATUS] = 1
                return j
            k = self.apps[APP_TEXT, i]
            start = self.found[k, 3]
            text = self.ctl[POOL_USED]
            at = self.put_text(self.data, start, start + self.found[k, FOUND_LINE], text)
            self.pool[at] = 32
            at += 1
            self.ctl[PROTOCOL] = P_HTTP
            length = self.found[k, 5]
            if length > 0:
                start += self.found[k, 4]
                if length > 7:
                    length = 7
                first = 0
                for b in range(start, start + length):
                    first = (first << 8) | self.data[b]
                at = self.put_body_words(self.data, self.found[k, FOUND_TYPE], self.found[k, FOUND_TYPE_END],
                                         self.found[k, FOUND_CODED], first, length, 0, 0, at)
            if at - text > 3 * _INFO:
                at = text + 3 * _INFO
            self.ctl[POOL_USED] = at
            self.apps[APP_PROTOCOL, i] = self.ctl[PROTOCOL]
            self.apps[APP_TEXT, i] = text
            self.apps[APP_TEXT_LEN, i] = at - text
        return packets.shape[0]

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def let_go(self, slot: cython.Py_ssize_t, row: cython.Py_ssize_t, direction: cython.longlong) -> cython.int:
        """A direction ended: after both did, and nothing waits, the row serves another connection."""
        self.state[row, FINS] |= 1 + direction
        if self.state[row, FINS] == 3 and self.state[row, BASE + PHASE] == IDLE and self.state[row, BASE + LANE + PHASE] == IDLE:
            self.row_of[slot] = -1
            self.state[row, NEXT_FREE] = self.ctl[FREE_ROW]
            self.ctl[FREE_ROW] = row + 1
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def run(self, begin: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """The loop of read()."""
        i: cython.Py_ssize_t
        n: cython.Py_ssize_t = self.table.shape[1]
        slot: cython.Py_ssize_t
        row: cython.Py_ssize_t
        lane: cython.Py_ssize_t
        k: cython.Py_ssize_t
        start: cython.Py_ssize_t
        end: cython.Py_ssize_t
        at: cython.Py_ssize_t
        text: cython.Py_ssize_t
        wire: cython.longlong
        flags: cython.longlong
        tags: cython.longlong
        seq: cython.longlong
        captured: cython.bint
        fin: cython.bint
        need: cython.Py_ssize_t
        self.ctl[STATUS] = 0
        for i in range(begin, n):
            if self.table[KIND, i] != IS_TCP:
                continue
            slot = self.streams[SLOT, i]
            if slot < 0:
                continue
            if slot >= self.row_of.shape[0]:
                self.ctl[STATUS] = 4
                return i
            tags = self.streams[TAGS, i]
            row = self.row_of[slot]
            if tags & NEW_STREAM and row >= 0:
                for k in range(self.state.shape[1]):
                    self.state[row, k] = 0
            flags = self.table[TCP_FLAGS, i]
            wire = self.table[PAYLOAD_WIRE, i]
            start = self.table[PAYLOAD, i]
            end = start + self.table[PAYLOAD_LEN, i]
            fin = (flags & 1) != 0
            if start < 0 or wire < 0 or (wire == 0 and not fin) or flags & 4 or tags & NOT_READ or self.apps[APP_PROTOCOL, i]:
                continue
            captured = self.table[PAYLOAD_LEN, i] == wire
            seq = self.table[TCP_SEQ, i]
            if flags & 2:
                seq = (seq + 1) & _MASK
            if row < 0:
                if wire == 0 or not (is_http_port(self.table[SRC_PORT, i]) or is_http_port(self.table[DST_PORT, i])
                                     or looks_like_http(self.data, start, end)):
                    continue
                if self.ctl[FREE_ROW] > 0:
                    row = self.ctl[FREE_ROW] - 1
                    self.ctl[FREE_ROW] = self.state[row, NEXT_FREE]
                elif self.ctl[ROWS_USED] < self.state.shape[0]:
                    row = self.ctl[ROWS_USED]
                    self.ctl[ROWS_USED] = row + 1
                else:
                    self.ctl[STATUS] = 3
                    return i
                self.row_of[slot] = row
                for k in range(self.state.shape[1]):
                    self.state[row, k] = 0
            if self.state[row, HTTP] == 3 or (self.state[row, HTTP] < 2 and is_preface(self.data, start, end)):
                if self.state[row, HTTP] != 3:
                    self.state[row, HTTP] = 3
                    self.state[row, BASE + PHASE] = self.state[row, BASE + LANE + PHASE] = IDLE
                if wire > 0 and not tags & KEEP_ALIVE:
                    self.apps[APP_HTTP2, i] = start     # its words are written elsewhere (http2_rows.py)
                if fin:
                    self.let_go(slot, row, self.streams[DIRECTION, i])
                continue
            if self.state[row, HTTP] != 1:
                if wire == 0 or not looks_like_http(self.data, start, end):
                    if self.state[row, HTTP] == 2 or not (is_http_port(self.table[SRC_PORT, i]) or is_http_port(self.table[DST_PORT, i])):
                        if wire > 0 and self.state[row, HTTP] == 2 and self.ctl[HEADS_WANTED]:
                            if self.found.shape[0] <= self.ctl[HEADS_MADE]:
                                self.ctl[STATUS] = 5
                                return i
                            self.packet = i
                            self.write_down(self.state[row, HANDS_ON], False, start, start, wire, 0)
                        continue
                if self.state[row, HTTP] == 2:
                    self.state[row, LAST_METHOD] = 0         # what a tunnel carries may be HTTP again
                self.state[row, HTTP] = 1
            if self.pool.shape[0] - self.ctl[POOL_USED] < _ROOM:
                self.ctl[STATUS] = 1
                return i
            lane = BASE + self.streams[DIRECTION, i] * LANE
            need = (end - start) + self.state[row, lane + PART_LEN]
            if self.ctl[HEADS_WANTED]:
                if self.found.shape[0] - self.ctl[HEADS_MADE] < (end - start) // _LEAST_HEAD + 2 \
                        or (self.ctl[HEADS_WANTED] == 2
                            and self.heads.shape[0] - self.ctl[HEADS_USED] < need + self.state[row, lane + KEPT_LEN]):
                    self.ctl[STATUS] = 5
                    return i
                self.packet = i
                need *= 2
            need += end - start + self.state[row, lane + PART_LEN]     # a multipart body is kept twice when it comes with its head
            if self.arena.shape[0] - self.ctl[ARENA_USED] < _ROOM + need:
                self.ctl[STATUS] = 2
                return i
            if tags & KEEP_ALIVE:
                # a byte that came before: it belongs to the waiting message, and changes nothing
                if self.state[row, lane + PHASE] != IDLE and wire > 0 and distance(self.state[row, lane + MSP_SEQ], seq) > 0:
                    self.apps[APP_PROTOCOL, i] = P_TCP
                    self.apps[APP_MODE, i] = OWN_MARKER
                continue
            self.ctl[COMPLETED] = 0
            self.ctl[WAITS] = 0
            self.ctl[CONTINUES] = 0
            self.ctl[PROTOCOL] = P_HTTP
            self.ctl[LATE_ROW] = 0
            self.ctl[LEFT_AT] = 0
            text = self.ctl[TEXT_AT] = self.ctl[POOL_USED]
            self.state[row, lane + TOUCHED] = self.table[0, i]
            at = self.read_segment(self.data, start, end, captured, seq, wire, fin, (tags & OUT_OF_ORDER) != 0, text, row,
                                   lane)
            if at > text or self.ctl[WAITS]:
                self.ctl[POOL_USED] = at
                self.apps[APP_PROTOCOL, i] = self.ctl[PROTOCOL] if self.ctl[COMPLETED] else P_TCP
                self.apps[APP_TEXT, i] = text
                self.apps[APP_TEXT_LEN, i] = at - text
                if not self.ctl[WAITS]:
                    self.apps[APP_MODE, i] = TEXT
                    if not captured and not self.ctl[CONTINUES]:
                        self.apps[APP_SUFFIX, i] = CUT
                else:
                    self.apps[APP_MODE, i] = TEXT_MARKER if at > text else OWN_MARKER
            elif self.ctl[LATE_ROW] > 0:
                self.apps[APP_PROTOCOL, i] = P_HTTP
                self.apps[APP_MODE, i] = TEXT
                self.apps[APP_TEXT, i] = self.ctl[LATE_ROW] - 1
                self.apps[APP_TEXT_LEN, i] = _LATE
            if self.state[row, HTTP] == 3:
                self.apps[APP_HTTP2, i] = self.ctl[LEFT_AT]
            if fin:
                self.let_go(slot, row, self.streams[DIRECTION, i])
        return n
