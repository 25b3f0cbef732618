"""Info cells: the words of every row of a batch, in one loop (compiled).

A TCP row is the marks of sequence analysis, then TCP's own words or those of the protocol above it, then whether that
protocol waits for more. A UDP row is ports and length, or the words of the protocol above. All other rows are words that
a decoder put into the pool. The words are those of tshark 4.0.
"""

import cython
import numpy as np

from sniff.decode import columns as d
from sniff.packets import columns as c
from sniff.reassembly import columns as s

# --- columns -------------------------------------------------------------------------------------------------------------
KIND = cython.declare(cython.Py_ssize_t, c.KIND)
FLAGS = cython.declare(cython.Py_ssize_t, c.FLAGS)
L4 = cython.declare(cython.Py_ssize_t, c.L4)
END = cython.declare(cython.Py_ssize_t, c.END)
PAYLOAD_WIRE = cython.declare(cython.Py_ssize_t, c.PAYLOAD_WIRE)
SRC_PORT = cython.declare(cython.Py_ssize_t, c.SRC_PORT)
DST_PORT = cython.declare(cython.Py_ssize_t, c.DST_PORT)
TCP_FLAGS = cython.declare(cython.Py_ssize_t, c.TCP_FLAGS)
TCP_HEADER = cython.declare(cython.Py_ssize_t, c.TCP_HEADER)
TCP_URGENT = cython.declare(cython.Py_ssize_t, c.TCP_URGENT)
TCP_TIMES = cython.declare(cython.Py_ssize_t, c.TCP_TIMES)
UDP_LENGTH = cython.declare(cython.Py_ssize_t, c.UDP_LENGTH)
KIND_TCP = cython.declare(cython.longlong, int(c.Kind.TCP))
KIND_UDP = cython.declare(cython.longlong, int(c.Kind.UDP))
CUT = cython.declare(cython.longlong, int(c.Flag.CUT))
HEADER_CUT = cython.declare(cython.longlong, int(c.Flag.HEADER_CUT))

REL_SEQ = cython.declare(cython.Py_ssize_t, s.REL_SEQ)
REL_ACK = cython.declare(cython.Py_ssize_t, s.REL_ACK)
ACK_BASE = cython.declare(cython.Py_ssize_t, s.ACK_BASE)
WINDOW = cython.declare(cython.Py_ssize_t, s.WINDOW)
TAGS = cython.declare(cython.Py_ssize_t, s.TAGS)
DUP_FRAME = cython.declare(cython.Py_ssize_t, s.DUP_FRAME)
DUP_NUM = cython.declare(cython.Py_ssize_t, s.DUP_NUM)
SLOT = cython.declare(cython.Py_ssize_t, s.SLOT)
ROW_LEN = cython.declare(cython.Py_ssize_t, s.ROW_LEN)
ACE = cython.declare(cython.longlong, int(s.Tag.ACE))
DUP_ACK = cython.declare(cython.longlong, int(s.Tag.DUP_ACK))
MARKS = cython.declare(cython.longlong, s.MARKS)
BAD_OPTIONS = cython.declare(cython.longlong, int(s.Tag.BAD_OPTIONS))
CUT_OPTIONS = cython.declare(cython.longlong, int(s.Tag.CUT_OPTIONS))
OPTION_BYTES_SHIFT = cython.declare(cython.longlong, s.OPTION_BYTES_SHIFT)

APP_MODE = cython.declare(cython.Py_ssize_t, d.APP_MODE)
APP_TEXT = cython.declare(cython.Py_ssize_t, d.APP_TEXT)
APP_TEXT_LEN = cython.declare(cython.Py_ssize_t, d.APP_TEXT_LEN)
APP_SUFFIX = cython.declare(cython.Py_ssize_t, d.APP_SUFFIX)
MODE_OWN = cython.declare(cython.longlong, int(d.Mode.OWN))
MODE_OWN_MARKER = cython.declare(cython.longlong, int(d.Mode.OWN_MARKER))
MODE_TEXT = cython.declare(cython.longlong, int(d.Mode.TEXT))
MODE_TEXT_MARKER = cython.declare(cython.longlong, int(d.Mode.TEXT_MARKER))
SUFFIX_CUT = cython.declare(cython.longlong, int(d.Suffix.CUT))
SUFFIX_MALFORMED = cython.declare(cython.longlong, int(d.Suffix.MALFORMED))

ACK = cython.declare(cython.longlong, 16)
URG = cython.declare(cython.longlong, 32)

LOW_32 = cython.declare(cython.longlong, 0xFFFFFFFF)

INFO_BYTES = 4095
"""Wireshark cuts the Info column here."""
MOST = cython.declare(cython.Py_ssize_t, INFO_BYTES)
CELL_BYTES = 2 * INFO_BYTES
"""Room that one cell must find: what is written before it is known to be too long."""
CELL = cython.declare(cython.Py_ssize_t, CELL_BYTES)

# --- words: one uint8 array, so that compiled code needs no strings ----------------------------------------------------------
_FLAG_NAMES = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")
_MARK_NAMES = ("ZeroWindowProbeAck", "ZeroWindow", "ZeroWindowProbe", "Dup ACK ", "Keep-Alive ACK", "Keep-Alive", "Window Full",
               "Window Update", "ACKed unseen segment", "Previous segment not captured", "Out-Of-Order",
               "Spurious Retransmission", "Fast Retransmission", "Retransmission", "Port numbers reused")
_QUICK_START = ("0 bit/s", "80 Kbit/s", "160 Kbit/s", "320 Kbit/s", "640 Kbit/s", "1.28 Mbit/s", "2.56 Mbit/s", "5.12 Mbit/s",
                "10.24 Mbit/s", "20.48 Mbit/s", "40.96 Mbit/s", "81.92 Mbit/s", "163.84 Mbit/s", "327.68 Mbit/s",
                "655.36 Mbit/s", "1.31072 Gbit/s")   # RFC 4782 section 3.1
_SCPS = ("BETS", "SNACK1", "SNACK2", "COMP", "NLTS", "RESERVED")
_PIECES = (" → ", " [", "] Seq=", " Ack=", " Win=", " Urg=", " Len=", " MSS=", " WS=", " SACK_PERM", " SLE=", " SRE=", " TSval=",
           " TSecr=", " ECHO=", " MD5", " QSresp=", " USER_TO=", " TFO=R", " TFO=C", " SCPS[", " Connection ID=", " EXCAP=",
           "[TCP segment of a reassembled PDU]", "[Packet size limited during capture]", "[Malformed Packet]",
           ", bogus TCP header length (", ", must be at least 20)", ", AE", ", Reserved", "] ", " [BAD UDP LENGTH ", " < 8]",
           " > IP PAYLOAD LENGTH] Len=", " ExID=", "TCP AO", "AE", "Reserved", "[TCP ", "#",
           " CC=", ", ", "]", " ", " AccECN",
           "S+, ", "S+*, ", "S#, ", "SA+, ", "SA++, ", "TRPY, ", " EE0B=", " ECEB=", " EE1B=", " TARR", "ACE=")
_WORDS = [", ".join(name for bit, name in enumerate(_FLAG_NAMES) if flags >> bit & 1) for flags in range(256)]
_WORDS[0] = "<None>"
_FLAG_WORDS = 0
_MARK_WORDS = 256
_QUICK_WORDS = _MARK_WORDS + len(_MARK_NAMES)
_SCPS_WORDS = _QUICK_WORDS + len(_QUICK_START)
_FIRST_PIECE = _SCPS_WORDS + len(_SCPS)
_ALL = [*_WORDS, *(f"[TCP {name}] " if not name.endswith(" ") else f"[TCP {name}" for name in _MARK_NAMES), *_QUICK_START, *_SCPS,
        *_PIECES]
_ENCODED = [word.encode() for word in _ALL]
WORDS = np.frombuffer(b"".join(_ENCODED), np.uint8)
WORD_AT = np.concatenate(([0], np.cumsum([len(word) for word in _ENCODED]))).astype(np.int64)

MARK_WORDS = cython.declare(cython.Py_ssize_t, _MARK_WORDS)
QUICK_WORDS = cython.declare(cython.Py_ssize_t, _QUICK_WORDS)
SCPS_WORDS = cython.declare(cython.Py_ssize_t, _SCPS_WORDS)
W_ARROW = cython.declare(cython.Py_ssize_t, _FIRST_PIECE)
W_FLAGS = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 1)
W_SEQ = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 2)
W_ACK = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 3)
W_WIN = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 4)
W_URG = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 5)
W_LEN = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 6)
W_MSS = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 7)
W_WS = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 8)
W_SACK_PERM = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 9)
W_SLE = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 10)
W_SRE = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 11)
W_TSVAL = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 12)
W_TSECR = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 13)
W_ECHO = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 14)
W_MD5 = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 15)
W_QUICK = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 16)
W_USER_TO = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 17)
W_TFO_ASK = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 18)
W_TFO_COOKIE = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 19)
W_SCPS = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 20)
W_CONNECTION = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 21)
W_EXCAP = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 22)
W_MARKER = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 23)
W_CUT = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 24)
W_MALFORMED = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 25)
W_BOGUS = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 26)
W_AT_LEAST = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 27)
W_AE_MORE = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 28)
W_RESERVED_MORE = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 29)
W_UDP_BAD = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 31)
W_UDP_SHORT = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 32)
W_UDP_LONG = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 33)
W_EXID = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 34)
W_AO = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 35)
W_AE = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 36)
W_RESERVED = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 37)
W_HASH = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 39)
W_CC = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 40)
W_COMMA = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 41)
W_CLOSE = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 42)
W_SPACE = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 43)
W_ACCECN = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 44)
W_PROBE = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 45)
W_PROBE_NOT_CFE = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 46)
W_PROBE_TRACE = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 47)
W_PROBE_ANSWER = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 48)
W_PROBE_LAST = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 49)
W_TRANSPARENT = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 50)
W_EE0B = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 51)
W_ECEB = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 52)
W_EE1B = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 53)
W_TARR = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 54)
W_ACE = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 55)
W_CLOSE_SPACE = cython.declare(cython.Py_ssize_t, _FIRST_PIECE + 30)


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(-1, check=False)
def be16(data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t) -> cython.longlong:
    """Two bytes, network order."""
    return (cython.cast(cython.longlong, data[at]) << 8) | cython.cast(cython.longlong, data[at + 1])


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(-1, check=False)
def be32(data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t) -> cython.longlong:
    """Four bytes, network order."""
    return (be16(data, at) << 16) | be16(data, at + 2)


@cython.final
@cython.cclass
class Writer:
    """Writes Info cells into one buffer."""

    data: cython.const[cython.uchar][::1]
    table: cython.const[cython.longlong][:, ::1]
    streams: cython.const[cython.longlong][:, ::1]
    apps: cython.const[cython.longlong][:, ::1]
    pool: cython.const[cython.uchar][::1]
    words: cython.const[cython.uchar][::1]
    word_at: cython.const[cython.longlong][::1]
    out: cython.uchar[::1]
    shared: cython.bint        # `out` is the pool: words that are a whole cell stay where they are
    at: cython.Py_ssize_t      # index in `out` of the next byte
    begin: cython.Py_ssize_t   # index in `out` where TCP's own words begin
    probe: cython.longlong     # type of a Riverbed probe that asks, -1
    probe_flags: cython.longlong

    def __init__(self, data: cython.const[cython.uchar][::1], table: cython.const[cython.longlong][:, ::1],
                 streams: cython.const[cython.longlong][:, ::1], apps: cython.const[cython.longlong][:, ::1],
                 pool: cython.const[cython.uchar][::1], shared: bool = False) -> None:
        """Bytes and table of the PacketBatch, table of the StreamBatch, apps and pool of the AppBatch.

        shared  cells are written into the pool too, behind its texts
        """
        self.shared = shared
        self.data = data
        self.table = table
        self.streams = streams
        self.apps = apps
        self.pool = pool
        self.words = memoryview(WORDS)  # type: ignore[arg-type]
        self.word_at = memoryview(WORD_AT)  # type: ignore[arg-type]
        self.at = 0

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def word(self, which: cython.Py_ssize_t) -> cython.int:
        """Write a fixed word."""
        k: cython.Py_ssize_t
        at: cython.Py_ssize_t = self.at
        for k in range(self.word_at[which], self.word_at[which + 1]):
            self.out[at] = self.words[k]
            at += 1
        self.at = at
        return 0

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def number(self, value: cython.longlong) -> cython.int:
        """Write a number >= 0 in decimal."""
        digits: cython.Py_ssize_t = 1
        rest: cython.longlong = value
        k: cython.Py_ssize_t
        while rest >= 10:
            rest //= 10
            digits += 1
        for k in range(self.at + digits - 1, self.at - 1, -1):
            self.out[k] = cython.cast(cython.uchar, 48 + value % 10)
            value //= 10
        self.at += digits
        return 0

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def pair(self, which: cython.Py_ssize_t, value: cython.longlong) -> cython.int:
        """Write a word and a number."""
        self.word(which)
        self.number(value)
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def text(self, i: cython.Py_ssize_t, room: cython.Py_ssize_t) -> cython.int:
        """Write the decoder's words, `room` bytes of them at most."""
        k: cython.Py_ssize_t
        start: cython.Py_ssize_t = self.apps[APP_TEXT, i]
        length: cython.Py_ssize_t = self.apps[APP_TEXT_LEN, i]
        at: cython.Py_ssize_t = self.at
        if length > room:
            length = room
        for k in range(start, start + length):
            self.out[at] = self.pool[k]
            at += 1
        self.at = at
        return 0

    # --- TCP -------------------------------------------------------------------------------------------------------------

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def marks(self, i: cython.Py_ssize_t, tags: cython.longlong) -> cython.int:
        """The marks of sequence analysis, each in brackets and followed by a space."""
        k: cython.Py_ssize_t = 0
        while tags:
            if tags & 1:
                self.word(MARK_WORDS + k)
                if k == 3:
                    self.number(self.streams[DUP_FRAME, i])
                    self.pair(W_HASH, self.streams[DUP_NUM, i])
                    self.word(W_CLOSE_SPACE)
            tags >>= 1
            k += 1
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def tcp(self, i: cython.Py_ssize_t) -> cython.int:
        """TCP's own words."""
        flags: cython.longlong = self.table[TCP_FLAGS, i]
        header: cython.longlong = self.table[TCP_HEADER, i]
        times: cython.longlong
        self.begin = self.at
        self.number(self.table[SRC_PORT, i])
        self.pair(W_ARROW, self.table[DST_PORT, i])
        if self.streams[SLOT, i] < 0:
            return 0
        self.word(W_FLAGS)
        if self.streams[TAGS, i] & ACE:
            if flags & 0x3F:
                self.word(flags & 0x3F)
            self.word(W_COMMA)
            self.pair(W_ACE, (flags >> 6) & 7)
            if flags & 0xE00:
                self.word(W_RESERVED_MORE)
        elif flags & 0xFF or flags == 0:
            self.word(flags & 0xFF)
            if flags & 0x100:
                self.word(W_AE_MORE)
            if flags & 0xE00:
                self.word(W_RESERVED_MORE)
        elif flags & 0x100:
            self.word(W_AE)
            if flags & 0xE00:
                self.word(W_RESERVED_MORE)
        else:
            self.word(W_RESERVED)
        self.pair(W_SEQ, self.streams[REL_SEQ, i])
        if flags & ACK:
            self.pair(W_ACK, self.streams[REL_ACK, i])
        self.pair(W_WIN, self.streams[WINDOW, i])
        if header < 20:
            self.pair(W_BOGUS, header)
            self.word(W_AT_LEAST)
            return 0
        if flags & URG and self.table[TCP_URGENT, i] >= 0:
            self.pair(W_URG, self.table[TCP_URGENT, i])
        if self.streams[ROW_LEN, i] >= 0:
            self.pair(W_LEN, self.streams[ROW_LEN, i])
        if header > 20:
            times = self.table[TCP_TIMES, i]
            if header == 32 and times != -1:
                self.pair(W_TSVAL, (times >> 32) & LOW_32)
                self.pair(W_TSECR, times & LOW_32)
                return 0
            self.options(i, self.table[L4, i] + 20, self.table[L4, i] + header)
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def options(self, i: cython.Py_ssize_t, at: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.int:
        """The options between index `at` and `end`, in their order, as far as they go.

        An option of a wrong length is passed over, one that reaches beyond the header ends the list (RFC 9293
        section 3.2 leaves both to the receiver; this is what Wireshark does).
        """
        kind: cython.longlong
        length: cython.longlong
        tags: cython.longlong = self.streams[TAGS, i]
        stop: cython.Py_ssize_t = end
        if tags & (BAD_OPTIONS | CUT_OPTIONS):
            stop = at + (tags >> OPTION_BYTES_SHIFT)
            if stop > self.table[END, i]:
                stop = self.table[END, i]
        self.probe = -1
        self.probe_flags = 0
        while at < stop:
            kind = self.data[at]
            if kind == 0:
                break
            if kind == 1:
                at += 1
                continue
            if at + 1 >= end:
                break
            length = self.data[at + 1]
            if length < 2 or at + length > end:
                break
            self.option(i, kind, length, at)
            at += length
        if tags & CUT_OPTIONS and at + 2 <= self.table[END, i] and self.data[at] == 5:
            self.sack(i, self.table[END, i] - at, at)   # as many edges as there are
        if self.probe >= 0:
            self.prepend(W_PROBE_TRACE if self.probe == 3 else W_PROBE_NOT_CFE if self.probe_flags & 4 else W_PROBE)
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def prepend(self, which: cython.Py_ssize_t) -> cython.int:
        """Put a fixed word in front of TCP's own words."""
        k: cython.Py_ssize_t
        length: cython.Py_ssize_t = self.word_at[which + 1] - self.word_at[which]
        for k in range(self.at - 1, self.begin - 1, -1):
            self.out[k + length] = self.out[k]
        for k in range(length):
            self.out[self.begin + k] = self.words[self.word_at[which] + k]
        self.at += length
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def hexadecimal(self, value: cython.longlong) -> cython.int:
        """Write 16 bits in capital hexadecimal digits without leading zeros."""
        k: cython.longlong
        digit: cython.longlong
        for k in range(12, -1, -4):
            digit = (value >> k) & 15
            if value >> k or k == 0:
                self.out[self.at] = cython.cast(cython.uchar, (48 if digit < 10 else 55) + digit)
                self.at += 1
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def accurate_ecn(self, kind: cython.longlong, length: cython.longlong, at: cython.Py_ssize_t) -> cython.int:
        """Counters of 24 bits in one of two orders (RFC 9768 section 3.2.3)."""
        if length == 2:
            self.word(W_ACCECN)
        elif length == 5 or length == 8 or length == 11:
            self.pair(W_EE0B if kind == 172 else W_EE1B, be32(self.data, at + 1) & 0xFFFFFF)
            if length > 5:
                self.pair(W_ECEB, be32(self.data, at + 4) & 0xFFFFFF)
            if length > 8:
                self.pair(W_EE1B if kind == 172 else W_EE0B, be32(self.data, at + 7) & 0xFFFFFF)
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def riverbed(self, i: cython.Py_ssize_t, length: cython.longlong, at: cython.Py_ssize_t) -> cython.int:
        """A probe of one WAN accelerator for another one, which Wireshark shows in front of the row."""
        flags: cython.longlong
        kind: cython.longlong
        if length < 3:
            return 0
        kind = self.data[at + 2]
        if kind & 1:
            kind >>= 4
            if (kind == 0 or kind == 3 or kind == 4) and length >= 10:
                self.probe = kind
            elif (kind == 1 and length >= 14) or (kind == 5 and length >= 18):
                self.prepend(W_PROBE_ANSWER)
        elif length >= 4:
            kind >>= 1
            flags = self.data[at + 3]
            if kind == 6:
                self.probe_flags = flags
            if ((kind == 6 or (kind == 8 and length >= 8)) and flags & 1
                    and (self.table[TCP_FLAGS, i] & 0x12) == 0x12):
                self.prepend(W_PROBE_LAST)
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def option(self, i: cython.Py_ssize_t, kind: cython.longlong, length: cython.longlong,
               at: cython.Py_ssize_t) -> cython.int:
        """One option that is all there."""
        value: cython.longlong
        if kind == 8:
            if length == 10:
                self.pair(W_TSVAL, be32(self.data, at + 2))
                self.pair(W_TSECR, be32(self.data, at + 6))
        elif kind == 2:
            if length == 4:
                self.pair(W_MSS, be16(self.data, at + 2))
        elif kind == 3:
            if length == 3:
                value = self.data[at + 2]
                self.pair(W_WS, cython.cast(cython.longlong, 1) << (14 if value > 14 else value))
        elif kind == 4:
            self.word(W_SACK_PERM)
        elif kind == 5:
            self.sack(i, length, at)
        elif kind == 6 or kind == 7:
            if length == 6:
                self.pair(W_ECHO, be32(self.data, at + 2))
        elif kind == 11 or kind == 12 or kind == 13:
            if length == 6:
                self.pair(W_CC, be32(self.data, at + 2))
        elif kind == 19:
            self.word(W_MD5)
        elif kind == 20:
            self.scps(length, at)
        elif kind == 27:
            if length == 8:
                self.word(W_QUICK)
                self.word(QUICK_WORDS + (self.data[at + 2] & 15))
        elif kind == 28:
            if length == 4:
                self.pair(W_USER_TO, be16(self.data, at + 2) & 0x7FFF)
        elif kind == 29:
            self.word(W_AO)
        elif kind == 34:
            self.word(W_TFO_ASK if length == 2 else W_TFO_COOKIE)
        elif kind == 76:
            self.riverbed(i, length, at)
        elif kind == 78:
            self.prepend(W_TRANSPARENT)
        elif kind == 172 or kind == 174:
            self.accurate_ecn(kind, length, at)
        elif kind == 253 or kind == 254:
            if length >= 4:
                if be16(self.data, at + 2) == 0xF989:   # TCP Fast Open before RFC 7413
                    self.word(W_TFO_ASK if length == 4 else W_TFO_COOKIE)
                elif be16(self.data, at + 2) | 1 == 0xACC1:   # the same before they had numbers of their own
                    self.accurate_ecn(172 if self.data[at + 3] == 0xC0 else 174, length - 2, at + 2)
                elif be16(self.data, at + 2) == 0xAC:
                    self.word(W_TARR)
                else:
                    self.word(W_EXID)
                    self.hexadecimal(be16(self.data, at + 2))
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def sack(self, i: cython.Py_ssize_t, length: cython.longlong, at: cython.Py_ssize_t) -> cython.int:
        """Edges of the blocks, relative like the acknowledgement number (RFC 2018 section 3)."""
        base: cython.longlong = self.streams[ACK_BASE, i]
        left: cython.Py_ssize_t = at + 2
        end: cython.Py_ssize_t = at + length
        while end - left >= 8:
            self.pair(W_SLE, (be32(self.data, left) - base) & LOW_32)
            self.pair(W_SRE, (be32(self.data, left + 4) - base) & LOW_32)
            left += 8
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def scps(self, length: cython.longlong, at: cython.Py_ssize_t) -> cython.int:
        """Space Communications Protocol capabilities (CCSDS 714.0-B-2 section 3.2.3)."""
        k: cython.Py_ssize_t
        bits: cython.longlong
        any_before: cython.bint = False
        if length != 4:
            return 0
        bits = self.data[at + 2]
        if bits:
            self.word(W_SCPS)
            for k in range(6):
                if bits & (7 if k == 5 else 0x80 >> k):
                    if any_before:
                        self.word(W_COMMA)
                    self.word(SCPS_WORDS + k)
                    any_before = True
            self.word(W_CLOSE)
        if self.data[at + 3]:
            self.pair(W_CONNECTION, self.data[at + 3])
        return 0

    # --- UDP -------------------------------------------------------------------------------------------------------------

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def udp(self, i: cython.Py_ssize_t) -> cython.int:
        """UDP's own words."""
        length: cython.longlong = self.table[UDP_LENGTH, i]
        there: cython.longlong = self.table[PAYLOAD_WIRE, i]
        self.number(self.table[SRC_PORT, i])
        self.pair(W_ARROW, self.table[DST_PORT, i])
        if length >= 0:
            if length < 8 and there < 0:
                self.pair(W_UDP_BAD, length)
                self.word(W_UDP_SHORT)
            else:
                self.pair(W_LEN, length - 8 if length else there)
        return 0

    # --- the cell --------------------------------------------------------------------------------------------------------

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def cell(self, i: cython.Py_ssize_t) -> cython.int:
        """The Info cell of packet `i`."""
        start: cython.Py_ssize_t = self.at
        kind: cython.longlong = self.table[KIND, i]
        mode: cython.longlong = self.apps[APP_MODE, i]
        suffix: cython.longlong = self.apps[APP_SUFFIX, i]
        tags: cython.longlong = 0
        before: cython.Py_ssize_t
        own: cython.bint = mode == MODE_OWN or mode == MODE_OWN_MARKER
        if kind == KIND_TCP:
            tags = self.streams[TAGS, i]
            if tags & MARKS:
                self.marks(i, tags & MARKS)
        before = self.at
        if own and kind == KIND_TCP:
            self.tcp(i)
        elif own and kind == KIND_UDP:
            self.udp(i)
        else:
            self.text(i, MOST + 4 - (self.at - start))   # one character more than fits, so that the cut below sees it
        if mode == MODE_OWN_MARKER or mode == MODE_TEXT_MARKER:
            if self.at > before:
                self.word(W_SPACE)
            self.word(W_MARKER)
        if suffix == 0 and own:
            if tags & CUT_OPTIONS:
                suffix = SUFFIX_CUT
            elif tags & BAD_OPTIONS:
                suffix = SUFFIX_MALFORMED
            elif self.table[FLAGS, i] & HEADER_CUT and (kind == KIND_UDP or (
                    kind == KIND_TCP and self.table[END, i] < self.table[L4, i] + 20 and not 0 <= self.table[TCP_HEADER, i] < 20)):
                suffix = SUFFIX_CUT if self.table[FLAGS, i] & CUT else SUFFIX_MALFORMED
        if suffix == SUFFIX_CUT:
            self.word(W_CUT)
        elif suffix == SUFFIX_MALFORMED:
            self.word(W_MALFORMED)
        if self.at - start > MOST:
            self.at = start + MOST
            while (self.out[self.at] & 0xC0) == 0x80:   # not in the middle of a character
                self.at -= 1
        return 0

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(-1, check=False)
    def is_text(self, i: cython.Py_ssize_t) -> cython.bint:
        """Whether the cell of packet `i` is a decoder's words and nothing else."""
        return (self.apps[APP_MODE, i] == MODE_TEXT and self.apps[APP_SUFFIX, i] == 0 and self.apps[APP_TEXT_LEN, i] <= MOST
                and not (self.table[KIND, i] == KIND_TCP and self.streams[TAGS, i] & MARKS))

    def write(self, select: cython.const[cython.longlong][::1], begin: cython.Py_ssize_t, out: cython.uchar[::1],
              at: cython.Py_ssize_t, start: cython.longlong[::1], length: cython.longlong[::1]) -> tuple[int, int]:
        """Write the cells of some packets; (how many of `select` are done, the index in `out` after the last byte).

        select  int64[k]  packet indexes
        begin   how many of them are done already
        out     uint8[m]  written from `at` on; it stops when less than CELL_BYTES are left
        start   int64[n]  written: where the cell of each packet begins in `out`
        length  int64[n]  written: its bytes, INFO_BYTES at most
        """
        k: cython.Py_ssize_t = begin
        i: cython.Py_ssize_t
        self.out = out
        self.at = at
        with cython.nogil:
            while k < select.shape[0] and self.at + CELL <= self.out.shape[0]:
                i = select[k]
                if self.shared and self.is_text(i):
                    start[i] = self.apps[APP_TEXT, i]
                    length[i] = self.apps[APP_TEXT_LEN, i]
                else:
                    start[i] = self.at
                    self.cell(i)
                    length[i] = self.at - start[i]
                k += 1
        return k, self.at
