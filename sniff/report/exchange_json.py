"""Exchanges as JSON: lines of `--format jsonl`, and entries of HAR. Compiled: the fast twin of http_lines.http_line and har.entry.

Plain exchanges only, which is what nearly all are: a request and its response, sure to belong together, both heads short, ASCII
and well formed, the target a path. In an entry of HAR, moreover, nothing may have to be masked but values of a query, the request
has no body, and that of the response is short text; in a line nobody logs in. For any other exchange the caller asks the twin;
where both speak, they say the same.
"""

import cython
import numpy as np

from sniff.decode import columns as m
from sniff.decode import credentials
from sniff.exchange import http_columns as x

M_FIRST_PACKET = cython.declare(cython.Py_ssize_t, m.M_FIRST_PACKET)
M_LAST_PACKET = cython.declare(cython.Py_ssize_t, m.M_LAST_PACKET)
M_FIRST_NS = cython.declare(cython.Py_ssize_t, m.M_FIRST_NS)
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
X_MOMENTS = cython.declare(cython.Py_ssize_t, x.X_MOMENTS)
BOTH = cython.declare(cython.longlong, x.REQUEST | x.RESPONSE)

DONE, MORE_ROOM, NOT_PLAIN = 0, 1, 2
A_DONE = cython.declare(cython.int, 0)
A_ROOM = cython.declare(cython.int, 1)
A_NOT_PLAIN = cython.declare(cython.int, 2)

BILLION = cython.declare(cython.longlong, 1_000_000_000)
MILLION = cython.declare(cython.longlong, 1_000_000)
LONGEST = cython.declare(cython.Py_ssize_t, 16_384)   # a longer head is not plain


def joined(words: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """(uint8[b], int64[n + 1]): some words one after another, where each begins, and the end."""
    return np.frombuffer(b"".join(words), np.uint8), np.cumsum([0, *map(len, words)], dtype=np.int64)


def constants(texts: list[bytes], names: list[bytes]) -> tuple[np.ndarray, ...]:
    """What Writer.words() takes, as arrays."""
    return *joined(texts), *joined(names), np.zeros(2 * len(names), np.int64)


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


# --- header fields that both look for -------------------------------------------------------------------------------------------
HOST = cython.declare(cython.Py_ssize_t, 0)
TYPE = cython.declare(cython.Py_ssize_t, 1)
LOCATION = cython.declare(cython.Py_ssize_t, 2)
REFERER = cython.declare(cython.Py_ssize_t, 3)
SHARED = [b"host", b"content-type", b"location", b"referer"]


@cython.cclass
class Writer:
    """Writes exchanges into `out`; what one of them looks like says the class that is made of it.

    table  int64[n, X_COUNT]  the exchanges (exchange/http_columns.py)
    more   int64[n, ...]      what is said beyond them
    pool   uint8[p]           heads, and whatever else both refer to
    out    uint8[o]           where the JSON goes

    texts, starts       the fixed parts, one after another, and where each begins
    names, name_starts  header fields that mean something, in lower case, the same way
    values              int64[2 * names]  where the value of each lies in the pool; -1 when it is missing
    """

    table: cython.const[cython.longlong][:, ::1]
    more: cython.const[cython.longlong][:, ::1]
    pool: cython.const[cython.uchar][::1]
    out: cython.uchar[::1]
    texts: cython.const[cython.uchar][::1]
    starts: cython.const[cython.longlong][::1]
    names: cython.const[cython.uchar][::1]
    name_starts: cython.const[cython.longlong][::1]
    values: cython.longlong[::1]
    at: cython.Py_ssize_t
    row: cython.Py_ssize_t
    method_end: cython.Py_ssize_t
    target: cython.Py_ssize_t
    query: cython.Py_ssize_t
    target_end: cython.Py_ssize_t
    version_end: cython.Py_ssize_t
    phrase: cython.Py_ssize_t
    phrase_end: cython.Py_ssize_t

    def words(self, texts: cython.const[cython.uchar][::1], starts: cython.const[cython.longlong][::1],
              names: cython.const[cython.uchar][::1], name_starts: cython.const[cython.longlong][::1],
              values: cython.longlong[::1]) -> None:
        """Take constants() as buffers; to be called first."""
        self.texts = texts
        self.starts = starts
        self.names = names
        self.name_starts = name_starts
        self.values = values
        self.at = 0
        self.row = 0

    def bind(self, table: cython.const[cython.longlong][:, ::1], more: cython.const[cython.longlong][:, ::1],
             pool: cython.const[cython.uchar][::1]) -> None:
        """Work on these exchanges."""
        self.table = table
        self.more = more
        self.pool = pool
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
        """Write exchanges until all are written (DONE), `out` is full (MORE_ROOM) or one is not plain (NOT_PLAIN)."""
        answer: cython.int = A_DONE
        before: cython.Py_ssize_t
        with cython.nogil:
            while self.row < self.table.shape[0]:
                before = self.at
                answer = self.write()
                if answer != A_DONE:
                    self.at = before
                    break
                self.row += 1
        return answer

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def write(self) -> cython.int:
        """Write one exchange."""
        return A_NOT_PLAIN

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def takes(self, name: cython.Py_ssize_t, start: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.bint:
        """Whether a known field may have this value in a plain head."""
        return True

    # --- heads ------------------------------------------------------------------------------------------------------------

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def is_plain(self) -> cython.bint:
        """Whether the columns of an exchange are those of a plain one."""
        row: cython.Py_ssize_t = self.row
        return (self.table[row, X_HAS] == BOTH and self.table[row, X_STATE] == 0 and self.table[row, X_ODD] == 0
                and self.table[row, M_FLAGS] & ~USUAL == 0 and self.table[row, X_RESPONSE + M_FLAGS] & ~USUAL == 0
                and self.table[row, M_METHOD] != CONNECT and self.table[row, M_HEAD_KEPT] <= LONGEST
                and self.table[row, X_RESPONSE + M_HEAD_KEPT] <= LONGEST)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def read_request(self, at: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.bint:
        """Find the parts of a request's head; False when it is not plain."""
        i: cython.Py_ssize_t = at
        while i < end and is_token(self.pool[i]):
            i += 1
        if i == at or i + 1 >= end or self.pool[i] != 32 or self.pool[i + 1] != 47:
            return False
        self.method_end = i
        i += 1
        self.target = i
        self.query = -1
        while i < end and in_url(self.pool[i]):
            if self.pool[i] == 63 and self.query < 0:
                self.query = i + 1
            i += 1
        self.target_end = i
        if i + 10 > end or self.pool[i] != 32 or not self.is_version(i + 1) or self.pool[i + 9] != 13:
            return False
        self.version_end = i + 9
        if not self.read_fields(i + 9, end) or self.values[2 * HOST] < 0 or self.values[2 * HOST] == self.values[2 * HOST + 1]:
            return False
        for i in range(self.values[2 * HOST], self.values[2 * HOST + 1]):
            if not in_url(self.pool[i]) or self.pool[i] == 64:
                return False
        return True

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def read_response(self, at: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.bint:
        """Find the parts of a response's head; False when it is not plain."""
        i: cython.Py_ssize_t
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
        return self.pool[i] == 13 and self.read_fields(i, end)

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
        i: cython.Py_ssize_t
        start: cython.Py_ssize_t
        stop: cython.Py_ssize_t
        name: cython.Py_ssize_t
        for i in range(self.values.shape[0]):
            self.values[i] = -1
        i = at
        while True:
            if i + 1 >= end or self.pool[i] != 13 or self.pool[i + 1] != 10:
                return False
            i += 2
            if i + 1 < end and self.pool[i] == 13:
                return i + 2 == end and self.pool[i + 1] == 10
            start = i
            while i < end and is_token(self.pool[i]):
                i += 1
            if i == start or i == end or self.pool[i] != 58:
                return False
            name = self.known(start, i - start)
            i += 1
            while i < end and (self.pool[i] == 32 or self.pool[i] == 9):
                i += 1
            start = i
            while i < end and 32 <= self.pool[i] < 127:
                i += 1
            if name < 0:
                continue
            stop = i
            while stop > start and self.pool[stop - 1] == 32:
                stop -= 1
            if not self.takes(name, start, stop):
                return False
            if self.values[2 * name] < 0:
                self.values[2 * name] = start
                self.values[2 * name + 1] = stop

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2)
    def known(self, at: cython.Py_ssize_t, length: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """The number of a field name among those that mean something, -1 for any other."""
        k: cython.Py_ssize_t
        j: cython.Py_ssize_t
        first: cython.Py_ssize_t
        for k in range(self.name_starts.shape[0] - 1):
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
        """One of the fixed parts."""
        i: cython.Py_ssize_t
        at: cython.Py_ssize_t = self.at
        for i in range(self.starts[number], self.starts[number + 1]):
            self.out[at] = self.texts[i]
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
    def put_escaped(self, start: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.int:
        """Printable bytes, line ends and tabs of the pool, escaped as JSON wants it."""
        i: cython.Py_ssize_t
        byte: cython.uchar
        at: cython.Py_ssize_t = self.at
        for i in range(start, end):
            byte = self.pool[i]
            if byte == 34 or byte == 92:
                self.out[at] = 92
                at += 1
            elif byte < 32:
                self.out[at] = 92
                at += 1
                byte = 110 if byte == 10 else 114 if byte == 13 else 116
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
    def put_digits(self, value: cython.longlong, count: cython.Py_ssize_t) -> cython.int:
        """The last `count` digits of a number, zeros in front."""
        i: cython.Py_ssize_t
        for i in range(count - 1, -1, -1):
            self.out[self.at + i] = 48 + value % 10
            value //= 10
        self.at += count
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def put_seconds(self, ns: cython.longlong) -> cython.int:
        """Nanoseconds, not negative, as seconds with nine decimals."""
        self.put_number(ns // BILLION)
        self.out[self.at] = 46
        self.at += 1
        return self.put_digits(ns % BILLION, 9)


# --- lines of jsonl: their fixed parts, in their order ----------------------------------------------------------------------
LINE_TEXTS = [
    b'{"frame.number":', b',"frame.time_epoch":', b',"http.request.method":"', b'","http.request.uri":"',
    b'","http.request.version":"', b'","http.request.full_uri":"http://', b'","http.host":"', b'","http.user_agent":"',
    b'","http.referer":"', b'","http.response.version":"', b'","http.response.code":', b',"http.response.phrase":"',
    b'","http.server":"', b'","http.location":"', b'","http.content_type":"', b'","http.time":', b',"sniff.state":"complete"',
    b',"sniff.request.packets":[', b'],"sniff.request.offset":',
    b',"sniff.request.body_bytes":', b',"sniff.response.packets":[', b'],"sniff.response.offset":',
    b',"sniff.response.body_bytes":', b',"sniff.duration":', b',"sniff.phases":{"dns":', b',"connect":', b',"queue":',
    b',"send":', b',"wait":', b',"receive":', b"}}\n"]
LINE_FIXED = cython.declare(cython.Py_ssize_t, sum(map(len, LINE_TEXTS)) + 40 * 21)   # all of them, and as many numbers

LINE_NAMES = [*SHARED, b"user-agent", b"server", b"authorization"]
AGENT = cython.declare(cython.Py_ssize_t, 4)
SERVER = cython.declare(cython.Py_ssize_t, 5)
AUTHORIZATION = cython.declare(cython.Py_ssize_t, 6)

LINE_ENDS_COLUMN = 0        # where the pool has what is said of the connection, and its length
LINE_MORE_COUNT = 2
LINE_ENDS = cython.declare(cython.Py_ssize_t, LINE_ENDS_COLUMN)


@cython.cclass
class Lines(Writer):
    """Lines of jsonl, each with its line end."""

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def write(self) -> cython.int:
        """Write one line."""
        row: cython.Py_ssize_t = self.row
        request: cython.Py_ssize_t = self.table[row, X_HEAD]
        response: cython.Py_ssize_t = self.table[row, X_HEAD + 1]
        request_end: cython.Py_ssize_t = request + self.table[row, M_HEAD_KEPT]
        response_end: cython.Py_ssize_t = response + self.table[row, X_RESPONSE + M_HEAD_KEPT]
        ends: cython.Py_ssize_t = self.more[row, LINE_ENDS]
        if not self.is_plain() or self.table[row, M_FIRST_NS] < 0 \
                or self.table[row, X_RESPONSE + M_FIRST_NS] < self.table[row, M_FIRST_NS]:
            return A_NOT_PLAIN
        if self.out.shape[0] - self.at < LINE_FIXED + self.more[row, LINE_ENDS + 1] + 4 * (request_end - request) \
                + 2 * (response_end - response):
            return A_ROOM
        if not self.read_request(request, request_end) or self.values[2 * AUTHORIZATION] >= 0:
            return A_NOT_PLAIN
        self.put_text(0)
        self.put_number(self.table[row, M_FIRST_PACKET])
        self.put_text(1)
        self.put_seconds(self.table[row, M_FIRST_NS])
        self.put(ends, ends + self.more[row, LINE_ENDS + 1])
        self.put_text(2)
        self.put(request, self.method_end)
        self.put_text(3)
        self.put(self.target, self.target_end)
        self.put_text(4)
        self.put(self.target_end + 1, self.version_end)
        self.put_text(5)
        self.put(self.values[2 * HOST], self.values[2 * HOST + 1])
        self.put(self.target, self.target_end)
        self.put_value(6, HOST)
        self.put_value(7, AGENT)
        self.put_value(8, REFERER)
        if not self.read_response(response, response_end):
            return A_NOT_PLAIN
        self.put_text(9)
        self.put(response, response + 8)
        self.put_text(10)
        self.put_number(self.table[row, X_RESPONSE + M_STATUS])
        self.put_text(11)
        self.put_escaped(self.phrase, self.phrase_end)
        self.put_value(12, SERVER)
        self.put_value(13, LOCATION)
        self.put_value(14, TYPE)
        self.put_text(15)
        self.put_seconds(self.table[row, X_RESPONSE + M_FIRST_NS] - self.table[row, M_FIRST_NS])
        self.put_text(16)
        self.put_place(17, 0)
        self.put_place(20, X_RESPONSE)
        return self.put_phases(row)

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
        self.put_text(30)
        return A_DONE


# --- what an entry says beyond the columns of its exchange -------------------------------------------------------------------
ENDS_COLUMN = 0         # where the pool has the members about the connection, and their length
ADDRESSES_COLUMN = 2    # ... the members of _sniff about it
BODY_COLUMN = 4         # where the pool has the body of the response; negative: it is not plain
PAGE_COLUMN = 5         # number of its page, 0 for none
ENTRY_MORE_COUNT = 6
ENDS = cython.declare(cython.Py_ssize_t, ENDS_COLUMN)
ADDRESSES = cython.declare(cython.Py_ssize_t, ADDRESSES_COLUMN)
BODY = cython.declare(cython.Py_ssize_t, BODY_COLUMN)
PAGE = cython.declare(cython.Py_ssize_t, PAGE_COLUMN)

# --- the fixed parts of an entry ------------------------------------------------------------------------------------------------
ENTRY_TEXTS = [
    b'{"pageref":"page_', b'",', b'{', b'"startedDateTime":"', b'Z","time":', b',"request":{"method":"', b'","url":"http://',
    b'","httpVersion":"', b'","cookies":[],"headers":[', b'],"queryString":[', b'],"headersSize":', b',"bodySize":',
    b'},"response":{"status":', b',"statusText":"', b'],"content":{"size":', b',"mimeType":"', b'","text":"', b'"},"redirectURL":"',
    b'","headersSize":', b'},"cache":{},"timings":{"blocked":', b',"dns":', b',"connect":', b',"send":', b',"wait":', b',"receive":',
    b',"ssl":-1}', b',"_sniff":{"frame.number":', b',"state":"complete","request":{"packets":[', b'],"offset":',
    b'},"response":{"packets":[', b"}}}", b'{"name":"', b'","value":"', b'"}', b"x-unknown", b"***"]
ENTRY_FIXED = cython.declare(cython.Py_ssize_t, sum(map(len, ENTRY_TEXTS)) + 40 * 24)   # all of them, and as many numbers
T_PAGE = cython.declare(cython.Py_ssize_t, 0)
T_PAGE_END = cython.declare(cython.Py_ssize_t, 1)
T_BRACE = cython.declare(cython.Py_ssize_t, 2)
T_STARTED = cython.declare(cython.Py_ssize_t, 3)
T_TIME = cython.declare(cython.Py_ssize_t, 4)
T_METHOD = cython.declare(cython.Py_ssize_t, 5)
T_URL = cython.declare(cython.Py_ssize_t, 6)
T_VERSION = cython.declare(cython.Py_ssize_t, 7)
T_HEADERS = cython.declare(cython.Py_ssize_t, 8)
T_QUERY = cython.declare(cython.Py_ssize_t, 9)
T_HEAD_SIZE = cython.declare(cython.Py_ssize_t, 10)
T_BODY_SIZE = cython.declare(cython.Py_ssize_t, 11)
T_STATUS = cython.declare(cython.Py_ssize_t, 12)
T_PHRASE = cython.declare(cython.Py_ssize_t, 13)
T_CONTENT = cython.declare(cython.Py_ssize_t, 14)
T_TYPE = cython.declare(cython.Py_ssize_t, 15)
T_TEXT = cython.declare(cython.Py_ssize_t, 16)
T_REDIRECT = cython.declare(cython.Py_ssize_t, 17)
T_RESPONSE_SIZE = cython.declare(cython.Py_ssize_t, 18)
T_TIMINGS = cython.declare(cython.Py_ssize_t, 19)
T_SSL = cython.declare(cython.Py_ssize_t, 25)
T_FACTS = cython.declare(cython.Py_ssize_t, 26)
T_REQUEST_FACTS = cython.declare(cython.Py_ssize_t, 27)
T_OFFSET = cython.declare(cython.Py_ssize_t, 28)
T_RESPONSE_FACTS = cython.declare(cython.Py_ssize_t, 29)
T_END = cython.declare(cython.Py_ssize_t, 30)
T_NAME = cython.declare(cython.Py_ssize_t, 31)
T_VALUE = cython.declare(cython.Py_ssize_t, 32)
T_PAIR_END = cython.declare(cython.Py_ssize_t, 33)
T_UNKNOWN = cython.declare(cython.Py_ssize_t, 34)
T_MASK = cython.declare(cython.Py_ssize_t, 35)

# --- header fields that an entry has to know: the shared ones, and -----------------------------------------------------------------
ENTRY_NAMES = [*SHARED, b"content-location", b"transfer-encoding", b"content-encoding", *sorted(credentials.SECRET_FIELDS)]
CONTENT_LOCATION = cython.declare(cython.Py_ssize_t, 4)
TRANSFER = cython.declare(cython.Py_ssize_t, 5)
CODING = cython.declare(cython.Py_ssize_t, 6)      # from here on: a head with this field is not plain

# --- names of secrets (credentials.is_secret) -----------------------------------------------------------------------------------
_KINDS = (credentials.SECRET_PARTS, credentials.SECRET_ENDS, credentials.SECRET_WHOLES, credentials.OPEN_ENDS)
SECRET_BYTES, SECRET_STARTS = joined([word.encode() for kind in _KINDS for word in kind])
PARTS_END = cython.declare(cython.Py_ssize_t, len(_KINDS[0]))
ENDS_END = cython.declare(cython.Py_ssize_t, len(_KINDS[0]) + len(_KINDS[1]))
WHOLES_END = cython.declare(cython.Py_ssize_t, len(_KINDS[0]) + len(_KINDS[1]) + len(_KINDS[2]))
SECRET_COUNT = cython.declare(cython.Py_ssize_t, len(SECRET_STARTS) - 1)


def _begins() -> np.ndarray:
    """uint8[1024]: 1 where the low five bits of two letters begin a word of SECRET_PARTS, 2 where they end another secret name; few
    pairs in other names do."""
    found = np.zeros(1024, np.uint8)
    for word in credentials.SECRET_PARTS:
        found[(ord(word[0]) & 31) << 5 | ord(word[1]) & 31] |= 1
    for word in (*credentials.SECRET_ENDS, *credentials.SECRET_WHOLES):
        end = len(word)
        found[(ord(word[end - 2]) & 31) << 5 | ord(word[end - 1]) & 31] |= 2
    return found


SECRET_BEGINS = _begins()

CHUNKED = np.frombuffer(b"chunkedcharset=utf-8", np.uint8)


@cython.cclass
class Entries(Writer):
    """Entries of HAR, each after `,` and a line end (the first one of a document is not written here).

    shown  secrets are shown as they are
    """

    secrets: cython.const[cython.uchar][::1]
    secret_starts: cython.const[cython.longlong][::1]
    begins: cython.const[cython.uchar][::1]
    chunked: cython.const[cython.uchar][::1]
    shown: cython.bint

    def mask(self, secrets: cython.const[cython.uchar][::1], secret_starts: cython.const[cython.longlong][::1],
             begins: cython.const[cython.uchar][::1], chunked: cython.const[cython.uchar][::1], shown: bool) -> None:
        """Take what else is constant: SECRET_BYTES, SECRET_STARTS, SECRET_BEGINS, CHUNKED as buffers; call this before anything
        is written."""
        self.secrets = secrets
        self.secret_starts = secret_starts
        self.begins = begins
        self.chunked = chunked
        self.shown = shown

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def write(self) -> cython.int:
        """Write one entry."""
        row: cython.Py_ssize_t = self.row
        request: cython.Py_ssize_t = self.table[row, X_HEAD]
        response: cython.Py_ssize_t = self.table[row, X_HEAD + 1]
        request_end: cython.Py_ssize_t = request + self.table[row, M_HEAD_KEPT]
        response_end: cython.Py_ssize_t = response + self.table[row, X_RESPONSE + M_HEAD_KEPT]
        body: cython.Py_ssize_t = self.more[row, BODY]
        body_end: cython.Py_ssize_t = body + self.table[row, X_RESPONSE + M_BODY_LEN]
        if not self.is_plain() or body < 0 or self.table[row, M_BODY_LEN] or not self.in_order():
            return A_NOT_PLAIN
        if self.out.shape[0] - self.at < ENTRY_FIXED + self.more[row, ENDS + 1] + self.more[row, ADDRESSES + 1] \
                + 16 * (request_end - request + response_end - response) + 2 * (body_end - body):
            return A_ROOM
        self.out[self.at] = 44
        self.out[self.at + 1] = 10
        self.at += 2
        if self.more[row, PAGE]:
            self.put_text(T_PAGE)
            self.put_number(self.more[row, PAGE])
            self.put_text(T_PAGE_END)
        else:
            self.put_text(T_BRACE)
        self.put_text(T_STARTED)
        self.put_time(self.table[row, X_MOMENTS])
        self.put_text(T_TIME)
        self.put_ms(self.table[row, X_MOMENTS + 8] - self.table[row, X_MOMENTS])
        if not self.write_request(request, request_end) or not self.write_response(response, response_end, body, body_end):
            return A_NOT_PLAIN
        self.put_timings()
        self.put(self.more[row, ENDS], self.more[row, ENDS] + self.more[row, ENDS + 1])
        self.put_text(T_FACTS)
        self.put_number(self.table[row, M_FIRST_PACKET])
        self.put(self.more[row, ADDRESSES], self.more[row, ADDRESSES] + self.more[row, ADDRESSES + 1])
        self.put_text(T_REQUEST_FACTS)
        self.put_place(0)
        self.put_text(T_RESPONSE_FACTS)
        self.put_place(X_RESPONSE)
        self.put_text(T_END)
        return A_DONE

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def takes(self, name: cython.Py_ssize_t, start: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.bint:
        """Whether a known field may have this value in a plain head."""
        if name == TRANSFER:
            return end - start == 7 and self.is_same(start, 0, 7)
        if LOCATION <= name <= CONTENT_LOCATION:
            return self.is_plain_link(start, end, False)
        return name < CODING

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def in_order(self) -> cython.bint:
        """Whether no moment is before the one in front of it, and the first one in the years that a time is written for."""
        k: cython.Py_ssize_t
        if self.table[self.row, X_MOMENTS] < 0:
            return False
        for k in range(8):
            if self.table[self.row, X_MOMENTS + k] > self.table[self.row, X_MOMENTS + k + 1]:
                return False
        return True

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def put_place(self, message: cython.Py_ssize_t) -> cython.int:
        """Packets and offset of one of the messages."""
        self.put_number(self.table[self.row, message + M_FIRST_PACKET])
        self.out[self.at] = 44
        self.at += 1
        self.put_number(self.table[self.row, message + M_LAST_PACKET])
        self.put_text(T_OFFSET)
        return self.put_number(self.table[self.row, message + M_STORE_OFFSET])

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def put_timings(self) -> cython.int:
        """The phases: spans between the nine moments; -1 for a lookup and a connection that were not needed."""
        row: cython.Py_ssize_t = self.row
        a: cython.Py_ssize_t = X_MOMENTS
        dns: cython.longlong = self.table[row, a + 1] - self.table[row, a]
        connect: cython.longlong = self.table[row, a + 3] - self.table[row, a + 2]
        self.put_text(T_TIMINGS)
        self.put_ms(self.table[row, a + 2] - self.table[row, a + 1] + self.table[row, a + 4] - self.table[row, a + 3]
                    + self.table[row, a + 6] - self.table[row, a + 5])
        self.put_text(T_TIMINGS + 1)
        if dns:
            self.put_ms(dns)
        else:
            self.put_number(-1)
        self.put_text(T_TIMINGS + 2)
        if connect:
            self.put_ms(connect)
        else:
            self.put_number(-1)
        self.put_text(T_TIMINGS + 3)
        self.put_ms(self.table[row, a + 5] - self.table[row, a + 4])
        self.put_text(T_TIMINGS + 4)
        self.put_ms(self.table[row, a + 7] - self.table[row, a + 6])
        self.put_text(T_TIMINGS + 5)
        self.put_ms(self.table[row, a + 8] - self.table[row, a + 7])
        return self.put_text(T_SSL)

    # --- request ------------------------------------------------------------------------------------------------------

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def write_request(self, at: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.bint:
        """Write the request; False when it is not plain."""
        if not self.read_request(at, end) or not self.is_plain_link(self.target, self.target_end, True):
            return False
        self.put_text(T_METHOD)
        self.put(at, self.method_end)
        self.put_text(T_URL)
        self.put(self.values[2 * HOST], self.values[2 * HOST + 1])
        self.put_link(self.target, self.target_end)
        self.put_text(T_VERSION)
        self.put(self.target_end + 1, self.version_end)
        self.put_text(T_HEADERS)
        self.put_fields(self.version_end, end)
        self.put_text(T_QUERY)
        if self.query >= 0:
            self.put_query(self.query, self.target_end)
        self.put_text(T_HEAD_SIZE)
        self.put_number(self.table[self.row, M_HEAD_LEN])
        self.put_text(T_BODY_SIZE)
        self.put_number(0)
        return True

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def put_link(self, at: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.int:
        """A URL, the secret values of its query masked."""
        i: cython.Py_ssize_t
        start: cython.Py_ssize_t = at
        equals: cython.Py_ssize_t = -1
        in_query: cython.bint = False
        if self.shown:
            return self.put_escaped(at, end)
        for i in range(at, end + 1):
            if i < end and not in_query:
                if self.pool[i] == 63:
                    self.put_escaped(at, i + 1)
                    start = i + 1
                    in_query = True
            elif i == end or self.pool[i] == 38:
                if in_query and 0 <= equals < i - 1 and self.is_secret(start, equals):
                    self.put_escaped(start, equals + 1)
                    self.put_text(T_MASK)
                else:
                    self.put_escaped(start, i)
                if i < end:
                    self.out[self.at] = 38
                    self.at += 1
                start = i + 1
                equals = -1
            elif self.pool[i] == 61 and equals < 0:
                equals = i
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def is_plain_link(self, at: cython.Py_ssize_t, end: cython.Py_ssize_t, own: cython.bint) -> cython.bint:
        """Whether secrets of a URL can only be values in its query, under names that are written as they are.

        own  it is that of the request: nothing in its query may be coded, which queryString undoes
        """
        i: cython.Py_ssize_t
        byte: cython.uchar
        in_query: cython.bint = False
        in_name: cython.bint = False
        for i in range(at, end):
            byte = self.pool[i]
            if byte == 35 or byte == 59 or (byte == 64 and not own):
                return False
            if not in_query:
                if byte == 38:
                    return False
                in_query = in_name = byte == 63
            elif byte == 63:
                return False
            elif byte == 38:
                in_name = True
            elif byte == 61:
                in_name = False
            elif byte == 37 or byte == 43:
                if own or (in_name and byte == 37):
                    return False
        return True

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def put_query(self, at: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.int:
        """The pairs of a plain query, as they stand there."""
        i: cython.Py_ssize_t
        start: cython.Py_ssize_t = at
        equals: cython.Py_ssize_t = -1
        first: cython.bint = True
        for i in range(at, end + 1):
            if i == end or self.pool[i] == 38:
                if i > start:
                    if not first:
                        self.out[self.at] = 44
                        self.at += 1
                    first = False
                    self.put_text(T_NAME)
                    self.put(start, equals if equals >= 0 else i)
                    self.put_text(T_VALUE)
                    if 0 <= equals < i - 1:
                        if not self.shown and self.is_secret(start, equals):
                            self.put_text(T_MASK)
                        else:
                            self.put(equals + 1, i)
                    self.put_text(T_PAIR_END)
                start = i + 1
                equals = -1
            elif self.pool[i] == 61 and equals < 0:
                equals = i
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def is_secret(self, at: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.bint:
        """credentials.is_secret of a name in the pool."""
        k: cython.Py_ssize_t
        i: cython.Py_ssize_t
        start: cython.Py_ssize_t
        found: cython.bint = False
        while end > at and self.pool[end - 1] == 93:
            end -= 1
        for i in range(at, end - 1):
            if not self.begins[(self.pool[i] & 31) << 5 | (self.pool[i + 1] & 31)] & 1:
                continue
            for k in range(PARTS_END):
                if i + self.secret_starts[k + 1] - self.secret_starts[k] <= end and self.is_word(k, i):
                    found = True
                    break
            if found:
                break
        if not found and (end - at < 2 or not self.begins[(self.pool[end - 2] & 31) << 5 | (self.pool[end - 1] & 31)] & 2):
            return False
        for k in range(WHOLES_END if found else PARTS_END, SECRET_COUNT):
            if k == WHOLES_END and not found:
                return False
            start = end - self.secret_starts[k + 1] + self.secret_starts[k]
            if start < at or not self.is_word(k, start):
                continue
            if k >= WHOLES_END:
                return False
            if start == at or (k < ENDS_END and self.is_separator(self.pool[start - 1])):
                found = True
        return found

    @cython.cfunc
    @cython.inline
    @cython.nogil
    @cython.exceptval(check=False)
    def is_separator(self, byte: cython.uchar) -> cython.bint:
        """Whether a byte separates the words of a name: `_ - . [`."""
        return byte == 95 or byte == 45 or byte == 46 or byte == 91

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def is_word(self, k: cython.Py_ssize_t, at: cython.Py_ssize_t) -> cython.bint:
        """Whether secret name `k` stands at `at`, in any case, any separator for `_`; its bytes must lie in the pool."""
        j: cython.Py_ssize_t
        byte: cython.uchar
        for j in range(self.secret_starts[k], self.secret_starts[k + 1]):
            byte = self.pool[at]
            if 65 <= byte <= 90:
                byte = byte | 32
            elif self.is_separator(byte):
                byte = 95
            if byte != self.secrets[j]:
                return False
            at += 1
        return True

    # --- response -----------------------------------------------------------------------------------------------------

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def write_response(self, at: cython.Py_ssize_t, end: cython.Py_ssize_t, body: cython.Py_ssize_t,
                       body_end: cython.Py_ssize_t) -> cython.bint:
        """Write the response; False when it is not plain."""
        if not self.read_response(at, end) or not self.is_plain_body(body, body_end):
            return False
        self.put_text(T_STATUS)
        self.put_number(self.table[self.row, X_RESPONSE + M_STATUS])
        self.put_text(T_PHRASE)
        self.put_escaped(self.phrase, self.phrase_end)
        self.put_text(T_VERSION)
        self.put(at, at + 8)
        self.put_text(T_HEADERS)
        self.put_fields(self.phrase_end, end)
        self.put_text(T_CONTENT)
        self.put_number(body_end - body)
        self.put_text(T_TYPE)
        if self.values[2 * TYPE] < self.values[2 * TYPE + 1]:
            self.put_escaped(self.values[2 * TYPE], self.values[2 * TYPE + 1])
        else:
            self.put_text(T_UNKNOWN)
        if body < body_end:
            self.put_text(T_TEXT)
            self.put_escaped(body, body_end)
        self.put_text(T_REDIRECT)
        if self.values[2 * LOCATION] >= 0:
            self.put_link(self.values[2 * LOCATION], self.values[2 * LOCATION + 1])
        self.put_text(T_RESPONSE_SIZE)
        self.put_number(self.table[self.row, X_RESPONSE + M_HEAD_LEN])
        self.put_text(T_BODY_SIZE)
        self.put_number(body_end - body)
        return True

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def is_plain_body(self, at: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.bint:
        """Whether a body is ASCII text, in UTF-8 if a charset is named, without anything that may be a secret's name."""
        i: cython.Py_ssize_t
        k: cython.Py_ssize_t
        name: cython.Py_ssize_t
        byte: cython.uchar
        start: cython.Py_ssize_t = self.values[2 * TYPE]
        stop: cython.Py_ssize_t = self.values[2 * TYPE + 1]
        if at == end:
            return True
        for i in range(start, stop):
            if self.pool[i] == 59:
                if stop - i < 14 or not self.is_same(stop - 13, 7, 13):
                    return False
                for k in range(i + 1, stop - 13):
                    if self.pool[k] != 32:
                        return False
                break
        for i in range(at, end):
            byte = self.pool[i]
            if byte >= 127 or (byte < 32 and byte != 10 and byte != 13 and byte != 9):
                return False
            if self.shown:
                continue
            if byte == 34:
                for k in range(PARTS_END, WHOLES_END):
                    name = i - self.secret_starts[k + 1] + self.secret_starts[k]
                    if name > at and (self.pool[name - 1] == 34 or self.is_separator(self.pool[name - 1])) and self.is_word(k, name):
                        return False
            elif i + 1 < end and self.begins[(byte & 31) << 5 | (self.pool[i + 1] & 31)] & 1:
                for k in range(PARTS_END):
                    if i + self.secret_starts[k + 1] - self.secret_starts[k] <= end and self.is_word(k, i):
                        return False
        return True

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def is_same(self, at: cython.Py_ssize_t, first: cython.Py_ssize_t, count: cython.Py_ssize_t) -> cython.bint:
        """Whether `count` bytes at `at`, in any case, are those of `chunked` from `first` on."""
        j: cython.Py_ssize_t
        byte: cython.uchar
        for j in range(count):
            byte = self.pool[at + j]
            if 65 <= byte <= 90:
                byte = byte | 32
            if byte != self.chunked[first + j]:
                return False
        return True

    # --- putting ------------------------------------------------------------------------------------------------------

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def put_fields(self, at: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.int:
        """The fields of a plain head, from the CR that ends the start line on."""
        i: cython.Py_ssize_t = at + 2
        start: cython.Py_ssize_t
        stop: cython.Py_ssize_t
        name: cython.Py_ssize_t
        secret: cython.bint
        first: cython.bint = True
        while i + 2 < end:
            start = i
            while self.pool[i] != 58:
                i += 1
            name = self.known(start, i - start)
            secret = not self.shown and name < 0 and self.is_secret(start, i)
            if not first:
                self.out[self.at] = 44
                self.at += 1
            first = False
            self.put_text(T_NAME)
            self.put(start, i)
            self.put_text(T_VALUE)
            i += 1
            while self.pool[i] == 32 or self.pool[i] == 9:
                i += 1
            start = i
            while self.pool[i] != 13:
                i += 1
            stop = i
            while stop > start and self.pool[stop - 1] == 32:
                stop -= 1
            if LOCATION <= name <= CONTENT_LOCATION:
                self.put_link(start, stop)
            elif secret and stop > start:
                self.put_text(T_MASK)
            else:
                self.put_escaped(start, stop)
            self.put_text(T_PAIR_END)
            i += 2
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def put_ms(self, ns: cython.longlong) -> cython.int:
        """Nanoseconds, not negative, as milliseconds; six decimals unless they are all zero."""
        self.put_number(ns // MILLION)
        if ns % MILLION:
            self.out[self.at] = 46
            self.at += 1
            self.put_digits(ns % MILLION, 6)
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def put_time(self, ns: cython.longlong) -> cython.int:
        """A time after 1970 as `2026-01-31T12:00:00.123456` (days to date: Howard Hinnant, chrono-compatible algorithms)."""
        seconds: cython.longlong = ns // BILLION
        days: cython.longlong = seconds // 86_400 + 719_468
        era: cython.longlong = days // 146_097
        of_era: cython.longlong = days - era * 146_097
        year: cython.longlong = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
        of_year: cython.longlong = of_era - (365 * year + year // 4 - year // 100)
        shifted: cython.longlong = (5 * of_year + 2) // 153
        day: cython.longlong = of_year - (153 * shifted + 2) // 5 + 1
        month: cython.longlong = shifted + 3 if shifted < 10 else shifted - 9
        year = year + era * 400 + (1 if month <= 2 else 0)
        seconds = seconds % 86_400
        self.put_digits(year, 4)
        self.put_part(45, month)
        self.put_part(45, day)
        self.put_part(84, seconds // 3600)
        self.put_part(58, seconds // 60 % 60)
        self.put_part(58, seconds % 60)
        self.out[self.at] = 46
        self.at += 1
        return self.put_digits(ns % BILLION // 1000, 6)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def put_part(self, mark: cython.uchar, value: cython.longlong) -> cython.int:
        """A byte and two digits."""
        self.out[self.at] = mark
        self.at += 1
        return self.put_digits(value, 2)
