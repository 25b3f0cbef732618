"""JSON lines of plain exchanges. Compiled: the fast twin of http_lines.http_line.

An exchange is plain when it is what nearly all are: a request and its response, sure to belong together, both heads short,
ASCII and well formed, the target a path, nobody logged in. For any other the caller asks http_line; where both speak, they
say the same.
"""

import cython
import numpy as np

from sniff.decode import columns as m
from sniff.exchange import http_columns as x

M_FIRST_PACKET = cython.declare(cython.Py_ssize_t, m.M_FIRST_PACKET)
M_LAST_PACKET = cython.declare(cython.Py_ssize_t, m.M_LAST_PACKET)
M_FIRST_NS = cython.declare(cython.Py_ssize_t, m.M_FIRST_NS)
M_LAST_NS = cython.declare(cython.Py_ssize_t, m.M_LAST_NS)
M_STORE_OFFSET = cython.declare(cython.Py_ssize_t, m.M_STORE_OFFSET)
M_BODY_LEN = cython.declare(cython.Py_ssize_t, m.M_BODY_LEN)
M_HEAD_LEN = cython.declare(cython.Py_ssize_t, m.M_HEAD_LEN)
M_HEAD_KEPT = cython.declare(cython.Py_ssize_t, m.M_HEAD_KEPT)
M_STATUS = cython.declare(cython.Py_ssize_t, m.M_STATUS)
M_METHOD = cython.declare(cython.Py_ssize_t, m.M_METHOD)
M_FLAGS = cython.declare(cython.Py_ssize_t, m.M_FLAGS)
CONNECT = cython.declare(cython.longlong, m.METHODS.index("CONNECT"))
USUAL = cython.declare(cython.longlong, int(m.MessageFlag.COMPLETE | m.MessageFlag.KEEP_ALIVE))

X_RESPONSE = cython.declare(cython.Py_ssize_t, x.X_RESPONSE)
X_HEAD = cython.declare(cython.Py_ssize_t, x.X_HEAD)
X_HAS = cython.declare(cython.Py_ssize_t, x.X_HAS)
X_STATE = cython.declare(cython.Py_ssize_t, x.X_STATE)
X_ODD = cython.declare(cython.Py_ssize_t, x.X_ODD)
X_CONNECTION = cython.declare(cython.Py_ssize_t, x.X_CONNECTION)
X_MOMENTS = cython.declare(cython.Py_ssize_t, x.X_MOMENTS)
BOTH = cython.declare(cython.longlong, x.REQUEST | x.RESPONSE)

# --- the fixed parts of a line, in their order -------------------------------------------------------------------------------
TEXTS = [
    b'{"frame.number":', b',"frame.time_epoch":', b',"http.request.method":"', b'","http.request.uri":"',
    b'","http.request.version":"', b'","http.request.full_uri":"http://', b'","http.host":"', b'","http.user_agent":"',
    b'","http.referer":"', b'","http.response.version":"', b'","http.response.code":', b',"http.response.phrase":"',
    b'","http.server":"', b'","http.location":"', b'","http.content_type":"', b'","http.time":', b',"sniff.state":"complete"',
    b',"sniff.request.packets":[', b'],"sniff.request.offset":',
    b',"sniff.request.body_bytes":', b',"sniff.response.packets":[', b'],"sniff.response.offset":',
    b',"sniff.response.body_bytes":', b',"sniff.duration":', b',"sniff.phases":{"dns":', b',"connect":', b',"queue":',
    b',"send":', b',"wait":', b',"receive":', b"}}\n"]
WORDS = np.frombuffer(b"".join(TEXTS), np.uint8)
STARTS = np.cumsum([0, *map(len, TEXTS)], dtype=np.int64)
FIXED = cython.declare(cython.Py_ssize_t, sum(map(len, TEXTS)) + 40 * 21)   # all of them, and as many numbers

# --- header fields that a line shows ------------------------------------------------------------------------------------------
NAMES = [b"host", b"user-agent", b"referer", b"authorization", b"server", b"location", b"content-type"]
NAME_BYTES = np.frombuffer(b"".join(NAMES), np.uint8)
NAME_STARTS = np.cumsum([0, *map(len, NAMES)], dtype=np.int64)
N_HOST = cython.declare(cython.Py_ssize_t, 0)
N_AGENT = cython.declare(cython.Py_ssize_t, 1)
N_REFERER = cython.declare(cython.Py_ssize_t, 2)
N_AUTHORIZATION = cython.declare(cython.Py_ssize_t, 3)
N_SERVER = cython.declare(cython.Py_ssize_t, 4)
N_LOCATION = cython.declare(cython.Py_ssize_t, 5)
N_TYPE = cython.declare(cython.Py_ssize_t, 6)
N_COUNT = cython.declare(cython.Py_ssize_t, 7)

DONE, MORE_ROOM, NOT_PLAIN = 0, 1, 2
A_DONE = cython.declare(cython.int, 0)
A_ROOM = cython.declare(cython.int, 1)
A_NOT_PLAIN = cython.declare(cython.int, 2)

BILLION = cython.declare(cython.longlong, 1_000_000_000)
LONGEST = cython.declare(cython.Py_ssize_t, 16_384)   # a longer head is not plain


@cython.cclass
class Encoder:
    """Writes lines into `out`.

    table   int64[n, X_COUNT]  the exchanges (exchange/http_columns.py)
    pool    uint8[p]           their heads
    places  int64[c + 1]       where the JSON of each connection begins in `ends`
    ends    uint8[e]           the JSON of connections
    out     uint8[o]           where the lines go

    after  the first exchange that is not written yet
    used   bytes of `out` that are
    """

    table: cython.const[cython.longlong][:, ::1]
    pool: cython.const[cython.uchar][::1]
    places: cython.const[cython.longlong][::1]
    ends: cython.const[cython.uchar][::1]
    out: cython.uchar[::1]
    words: cython.const[cython.uchar][::1]
    starts: cython.const[cython.longlong][::1]
    names: cython.const[cython.uchar][::1]
    name_starts: cython.const[cython.longlong][::1]
    values: cython.longlong[::1]
    at: cython.Py_ssize_t
    row: cython.Py_ssize_t
    method_end: cython.Py_ssize_t
    target: cython.Py_ssize_t
    target_end: cython.Py_ssize_t
    version_end: cython.Py_ssize_t
    phrase: cython.Py_ssize_t
    phrase_end: cython.Py_ssize_t

    def __init__(self, words: cython.const[cython.uchar][::1], starts: cython.const[cython.longlong][::1],
                 names: cython.const[cython.uchar][::1], name_starts: cython.const[cython.longlong][::1],
                 values: cython.longlong[::1]) -> None:
        """The constants of this module as buffers, and int64[14] to work in."""
        self.words = words
        self.starts = starts
        self.names = names
        self.name_starts = name_starts
        self.values = values
        self.at = 0
        self.row = 0

    def bind(self, table: cython.const[cython.longlong][:, ::1], pool: cython.const[cython.uchar][::1],
             places: cython.const[cython.longlong][::1], ends: cython.const[cython.uchar][::1]) -> None:
        """Work on these exchanges."""
        self.table = table
        self.pool = pool
        self.places = places
        self.ends = ends
        self.row = 0

    def room(self, out: cython.uchar[::1]) -> None:
        """Write from the start of this array on."""
        self.out = out
        self.at = 0

    def skip(self) -> None:
        """The exchange that is not plain was written by somebody else."""
        self.row += 1

    def after(self) -> int:
        """The first exchange that is not written yet."""
        return self.row

    def used(self) -> int:
        """Bytes of `out` that are written."""
        return self.at

    def run(self) -> int:
        """Write lines until all are written (DONE), `out` is full (MORE_ROOM) or one is not plain (NOT_PLAIN)."""
        answer: cython.int = A_DONE
        with cython.nogil:
            while self.row < self.table.shape[0]:
                answer = self.write()
                if answer != A_DONE:
                    break
                self.row += 1
        return answer

    # --- one exchange -------------------------------------------------------------------------------------------------

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def write(self) -> cython.int:
        """Write the line of one exchange."""
        row: cython.Py_ssize_t = self.row
        request: cython.Py_ssize_t = self.table[row, X_HEAD]
        response: cython.Py_ssize_t = self.table[row, X_HEAD + 1]
        request_end: cython.Py_ssize_t = request + self.table[row, M_HEAD_KEPT]
        response_end: cython.Py_ssize_t = response + self.table[row, X_RESPONSE + M_HEAD_KEPT]
        end: cython.Py_ssize_t = self.places[self.table[row, X_CONNECTION]]
        end_end: cython.Py_ssize_t = self.places[self.table[row, X_CONNECTION] + 1]
        i: cython.Py_ssize_t
        for i in range(2 * N_COUNT):
            self.values[i] = -1
        if self.table[row, X_HAS] != BOTH or self.table[row, X_STATE] or self.table[row, X_ODD] \
                or self.table[row, M_FLAGS] & ~USUAL or self.table[row, X_RESPONSE + M_FLAGS] & ~USUAL \
                or self.table[row, M_METHOD] == CONNECT \
                or self.table[row, M_FIRST_NS] < 0 or self.table[row, X_RESPONSE + M_FIRST_NS] < self.table[row, M_FIRST_NS] \
                or request_end - request > LONGEST or response_end - response > LONGEST:
            return A_NOT_PLAIN
        if not self.read_request(request, request_end) or not self.read_response(response, response_end):
            return A_NOT_PLAIN
        if self.out.shape[0] - self.at < FIXED + end_end - end + 4 * (request_end - request) \
                + 2 * (response_end - response):
            return A_ROOM
        self.put_text(0)
        self.put_number(self.table[row, M_FIRST_PACKET])
        self.put_text(1)
        self.put_seconds(self.table[row, M_FIRST_NS])
        self.put_end(end, end_end)
        self.put_text(2)
        self.put(request, self.method_end)
        self.put_text(3)
        self.put(self.target, self.target_end)
        self.put_text(4)
        self.put(self.target_end + 1, self.version_end)
        self.put_text(5)
        self.put(self.values[2 * N_HOST], self.values[2 * N_HOST + 1])
        self.put(self.target, self.target_end)
        self.put_value(6, N_HOST)
        self.put_value(7, N_AGENT)
        self.put_value(8, N_REFERER)
        self.put_text(9)
        self.put(response, response + 8)
        self.put_text(10)
        self.put_number(self.table[row, X_RESPONSE + M_STATUS])
        self.put_text(11)
        self.put_escaped(self.phrase, self.phrase_end)
        self.put_value(12, N_SERVER)
        self.put_value(13, N_LOCATION)
        self.put_value(14, N_TYPE)
        self.put_text(15)
        self.put_seconds(self.table[row, X_RESPONSE + M_FIRST_NS] - self.table[row, M_FIRST_NS])
        self.put_text(16)
        self.put_place(17, 0)
        self.put_place(20, X_RESPONSE)
        self.put_phases(row)
        return A_DONE

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def put_place(self, text: cython.Py_ssize_t, message: cython.Py_ssize_t) -> cython.int:
        """Packets, offset and body of one of the messages."""
        row: cython.Py_ssize_t = self.row
        self.put_text(text)
        self.put_number(self.table[row, message + M_FIRST_PACKET])
        self.out[self.at] = 44
        self.at += 1
        self.put_number(self.table[row, message + M_LAST_PACKET])
        self.put_text(text + 1)
        self.put_number(self.table[row, message + M_STORE_OFFSET])
        self.put_text(text + 2)
        return self.put_number(self.table[row, message + M_BODY_LEN])

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def put_phases(self, row: cython.Py_ssize_t) -> cython.int:
        """Duration and phases: the spans between the nine moments."""
        a: cython.Py_ssize_t = X_MOMENTS
        self.put_text(23)
        self.put_seconds(self.table[row, a + 8] - self.table[row, a])
        self.put_text(24)
        self.put_seconds(self.table[row, a + 1] - self.table[row, a])
        self.put_text(25)
        self.put_seconds(self.table[row, a + 3] - self.table[row, a + 2])
        self.put_text(26)
        self.put_seconds(self.table[row, a + 2] - self.table[row, a + 1] + self.table[row, a + 4] - self.table[row, a + 3]
                         + self.table[row, a + 6] - self.table[row, a + 5])
        self.put_text(27)
        self.put_seconds(self.table[row, a + 5] - self.table[row, a + 4])
        self.put_text(28)
        self.put_seconds(self.table[row, a + 7] - self.table[row, a + 6])
        self.put_text(29)
        self.put_seconds(self.table[row, a + 8] - self.table[row, a + 7])
        return self.put_text(30)

    # --- heads ------------------------------------------------------------------------------------------------------------

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def read_request(self, at: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.bint:
        """Find the parts of a plain request head; False when it is not plain."""
        i: cython.Py_ssize_t = at
        host: cython.Py_ssize_t
        while i < end and is_token(self.pool[i]):
            i += 1
        if i == at or i + 1 >= end or self.pool[i] != 32 or self.pool[i + 1] != 47:
            return False
        self.method_end = i
        self.target = i + 1
        i += 1
        while i < end and in_url(self.pool[i]):
            i += 1
        if i + 10 > end or self.pool[i] != 32 or not self.is_version(i + 1) or self.pool[i + 9] != 13:
            return False
        self.target_end = i
        self.version_end = i + 9
        if not self.read_fields(i + 9, end):
            return False
        host = self.values[2 * N_HOST]
        if host < 0 or self.values[2 * N_AUTHORIZATION] >= 0 or self.values[2 * N_HOST + 1] == host:
            return False
        for i in range(host, self.values[2 * N_HOST + 1]):
            if not in_url(self.pool[i]) or self.pool[i] == 64:
                return False
        # what a response has no business to say in a request is not shown for it
        self.values[2 * N_SERVER] = -1
        self.values[2 * N_LOCATION] = -1
        self.values[2 * N_TYPE] = -1
        return True

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def read_response(self, at: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.bint:
        """Find the parts of a plain response head; False when it is not plain."""
        i: cython.Py_ssize_t
        host: cython.longlong = self.values[2 * N_HOST]
        host_end: cython.longlong = self.values[2 * N_HOST + 1]
        agent: cython.longlong = self.values[2 * N_AGENT]
        agent_end: cython.longlong = self.values[2 * N_AGENT + 1]
        referer: cython.longlong = self.values[2 * N_REFERER]
        referer_end: cython.longlong = self.values[2 * N_REFERER + 1]
        status: cython.longlong = self.table[self.row, X_RESPONSE + M_STATUS]
        if at + 14 > end or not self.is_version(at) or self.pool[at + 8] != 32 or status < 100 or status > 999:
            return False
        if self.pool[at + 9] != 48 + status // 100 or self.pool[at + 10] != 48 + status // 10 % 10 \
                or self.pool[at + 11] != 48 + status % 10:
            return False
        i = at + 12
        self.phrase = i
        if self.pool[i] == 32:
            i += 1
            self.phrase = i
            while i < end and 32 <= self.pool[i] < 127:
                i += 1
            if i == end or (i > self.phrase and (self.pool[self.phrase] == 32 or self.pool[i - 1] == 32)):
                return False
        self.phrase_end = i
        if self.pool[i] != 13 or not self.read_fields(i, end):
            return False
        self.values[2 * N_HOST] = host
        self.values[2 * N_HOST + 1] = host_end
        self.values[2 * N_AGENT] = agent
        self.values[2 * N_AGENT + 1] = agent_end
        self.values[2 * N_REFERER] = referer
        self.values[2 * N_REFERER + 1] = referer_end
        return True

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def is_version(self, at: cython.Py_ssize_t) -> cython.bint:
        """Whether `HTTP/d.d` stands there."""
        return (self.pool[at] == 72 and self.pool[at + 1] == 84 and self.pool[at + 2] == 84 and self.pool[at + 3] == 80
                and self.pool[at + 4] == 47 and 48 <= self.pool[at + 5] <= 57 and self.pool[at + 6] == 46
                and 48 <= self.pool[at + 7] <= 57)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def read_fields(self, at: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.bint:
        """Note where the values of known fields are, from the CR that ends the start line on; False when not plain."""
        i: cython.Py_ssize_t = at
        start: cython.Py_ssize_t
        stop: cython.Py_ssize_t
        name: cython.Py_ssize_t
        length: cython.Py_ssize_t
        while True:
            if i + 1 >= end or self.pool[i] != 13 or self.pool[i + 1] != 10:
                return False
            i += 2
            if i + 1 < end and self.pool[i] == 13:
                return i + 2 == end and self.pool[i + 1] == 10
            start = i
            while i < end and is_token(self.pool[i]):
                i += 1
            length = i - start
            if length == 0 or i == end or self.pool[i] != 58:
                return False
            name = self.known(start, length)
            i += 1
            while i < end and (self.pool[i] == 32 or self.pool[i] == 9):
                i += 1
            start = i
            while i < end and 32 <= self.pool[i] < 127:
                i += 1
            if name >= 0 and self.values[2 * name] < 0:
                stop = i
                while stop > start and self.pool[stop - 1] == 32:
                    stop -= 1
                self.values[2 * name] = start
                self.values[2 * name + 1] = stop

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def known(self, at: cython.Py_ssize_t, length: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """The number of a field name in NAMES, -1 for any other."""
        k: cython.Py_ssize_t
        j: cython.Py_ssize_t
        first: cython.Py_ssize_t
        for k in range(N_COUNT):
            first = self.name_starts[k]
            if self.name_starts[k + 1] - first != length:
                continue
            j = 0
            while j < length and (self.pool[at + j] | 32 if 65 <= self.pool[at + j] <= 90 else self.pool[at + j]) \
                    == self.names[first + j]:
                j += 1
            if j == length:
                return k
        return -1

    # --- putting ------------------------------------------------------------------------------------------------------

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def put_text(self, number: cython.Py_ssize_t) -> cython.int:
        """One of TEXTS."""
        i: cython.Py_ssize_t
        at: cython.Py_ssize_t = self.at
        for i in range(self.starts[number], self.starts[number + 1]):
            self.out[at] = self.words[i]
            at += 1
        self.at = at
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def put(self, start: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.int:
        """Bytes of the pool that need no escape."""
        i: cython.Py_ssize_t
        at: cython.Py_ssize_t = self.at
        for i in range(start, end):
            self.out[at] = self.pool[i]
            at += 1
        self.at = at
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def put_end(self, start: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.int:
        """The JSON of a connection."""
        i: cython.Py_ssize_t
        at: cython.Py_ssize_t = self.at
        for i in range(start, end):
            self.out[at] = self.ends[i]
            at += 1
        self.at = at
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def put_escaped(self, start: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.int:
        """Printable bytes of the pool, quotes and backslashes escaped."""
        i: cython.Py_ssize_t
        byte: cython.uchar
        at: cython.Py_ssize_t = self.at
        for i in range(start, end):
            byte = self.pool[i]
            if byte == 34 or byte == 92:
                self.out[at] = 92
                at += 1
            self.out[at] = byte
            at += 1
        self.at = at
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def put_value(self, text: cython.Py_ssize_t, name: cython.Py_ssize_t) -> cython.int:
        """A header field, when it is there and not empty."""
        start: cython.Py_ssize_t = self.values[2 * name]
        end: cython.Py_ssize_t = self.values[2 * name + 1]
        if start < 0 or end == start:
            return 0
        self.put_text(text)
        return self.put_escaped(start, end)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def put_number(self, value: cython.longlong) -> cython.int:
        """A whole number."""
        digits: cython.Py_ssize_t = 1
        rest: cython.longlong
        i: cython.Py_ssize_t
        if value < 0:
            self.out[self.at] = 45
            self.at += 1
            value = -value
        rest = value
        while rest >= 10:
            rest //= 10
            digits += 1
        i = self.at + digits
        self.at = i
        while True:
            i -= 1
            self.out[i] = 48 + value % 10
            value //= 10
            if value == 0:
                break
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def put_seconds(self, ns: cython.longlong) -> cython.int:
        """Nanoseconds, not negative, as seconds with nine decimals."""
        i: cython.Py_ssize_t
        rest: cython.longlong = ns % BILLION
        self.put_number(ns // BILLION)
        self.out[self.at] = 46
        for i in range(9, 0, -1):
            self.out[self.at + i] = 48 + rest % 10
            rest //= 10
        self.at += 10
        return 0


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def is_token(byte: cython.uchar) -> cython.bint:
    """Whether a byte may stand in a token (RFC 9110 section 5.6.2); those that JSON escapes may not."""
    return (97 <= byte <= 122 or 65 <= byte <= 90 or 48 <= byte <= 57 or byte == 45 or byte == 95 or byte == 46 or byte == 33
            or 35 <= byte <= 39 or byte == 42 or byte == 43 or byte == 94 or byte == 96 or byte == 124 or byte == 126)


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(check=False)
def in_url(byte: cython.uchar) -> cython.bint:
    """Whether a byte stands in a URL as it is (see exchange/url.py)."""
    return (byte == 33 or 35 <= byte <= 59 or byte == 61 or 63 <= byte <= 91 or byte == 93 or byte == 95
            or 97 <= byte <= 122 or byte == 126)
