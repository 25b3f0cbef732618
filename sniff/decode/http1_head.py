"""Reading one HTTP/1 head: lines, start line, and the few fields that decide about framing and rows.

A compiled leaf shared by the two readers of a connection (http1_rows.py, http1_messages.py). Nothing here copies: facts
are numbers and index pairs into the caller's buffer. Sources: RFC 9112 (framing), RFC 9110 (fields). Where Wireshark reads
a head differently, both readings are facts, so that rows can say what it says and messages what was meant.
"""

import cython

from sniff.decode.columns import METHODS, MessageFlag

# Facts of one head, `facts[H_...]`, int64.
H_TYPE = 0            # 0 neither, 1 request, 2 response
H_LINE_END = 1        # index after the last byte of the start line, its terminator excluded
H_FIELDS = 2          # index of the first field
H_METHOD = 3          # number in METHODS
H_STATUS = 4
H_VERSION = 5         # 9, 10, 11; 0 unknown
H_LENGTH = 6          # Content-Length by RFC 9112, -1 none or not valid
H_CHUNKED = 7         # 1: chunked is the final transfer coding
H_TRANSFER = 8        # 1: there is a Transfer-Encoding other than identity
H_FLAGS = 9           # MessageFlag bits
H_CLOSE = 10          # Connection: close
H_KEEP = 11           # Connection: keep-alive
H_UPGRADE = 12        # 1: an Upgrade field, 2: to websocket, 3: to h2c
H_W_LENGTH = 13       # Content-Length as Wireshark takes it, -1
H_W_CHUNKED = 14      # chunked as Wireshark takes it
H_TYPE_START = 15     # media type without parameters: index pair, -1 when there is no Content-Type
H_TYPE_END = 16
H_CODING_START = 17   # Content-Encoding: index pair, -1
H_CODING_END = 18
H_TYPE_LINE_END = 19  # end of the whole Content-Type value
H_EXPECT = 20         # 1: Expect: 100-continue
H_SCANNED = 21        # head_end(): where the line begins that was not whole yet
H_W_BREAK = 22        # start of the first line without a colon, -1: for Wireshark's dissector the fields end there
H_W_READ_LENGTH = 23  # Content-Length as that dissector reads it: leading digits before white space or the end, -1
H_NTLM_START = 24     # the first NTLM message in a field about credentials, as it stands there in Base64: index pair, -1
H_NTLM_END = 25
H_COUNT = 26

_REQUEST = cython.declare(cython.longlong, 1)
_RESPONSE = cython.declare(cython.longlong, 2)
_AMBIGUOUS = cython.declare(cython.longlong, int(MessageFlag.AMBIGUOUS))
_MALFORMED = cython.declare(cython.longlong, int(MessageFlag.MALFORMED))
_BARE_LF = cython.declare(cython.longlong, int(MessageFlag.BARE_LF))
_OBS_FOLD = cython.declare(cython.longlong, int(MessageFlag.OBS_FOLD))

def _hash(name: str) -> int:
    value = 0
    for c in name.encode():
        value = (value * 31 + c) & 0xFFFFFFFFFFFF
    return value


_CONTENT_LENGTH = cython.declare(cython.longlong, _hash("content-length"))
_CONTENT_TYPE = cython.declare(cython.longlong, _hash("content-type"))
_CONTENT_ENCODING = cython.declare(cython.longlong, _hash("content-encoding"))
_TRANSFER_ENCODING = cython.declare(cython.longlong, _hash("transfer-encoding"))
_CONNECTION = cython.declare(cython.longlong, _hash("connection"))
_UPGRADE = cython.declare(cython.longlong, _hash("upgrade"))
_EXPECT = cython.declare(cython.longlong, _hash("expect"))
_CHUNKED = cython.declare(cython.longlong, _hash("chunked"))
_IDENTITY = cython.declare(cython.longlong, _hash("identity"))
_CLOSE = cython.declare(cython.longlong, _hash("close"))
_KEEP_ALIVE = cython.declare(cython.longlong, _hash("keep-alive"))
_WEBSOCKET = cython.declare(cython.longlong, _hash("websocket"))
_H2C = cython.declare(cython.longlong, _hash("h2c"))
_AUTHORIZATION = cython.declare(cython.longlong, _hash("authorization"))
_WWW_AUTHENTICATE = cython.declare(cython.longlong, _hash("www-authenticate"))
_PROXY_AUTHENTICATE = cython.declare(cython.longlong, _hash("proxy-authenticate"))
_PROXY_AUTHORIZATION = cython.declare(cython.longlong, _hash("proxy-authorization"))
_NTLM = cython.declare(cython.longlong, _hash("ntlm"))
_NEGOTIATE = cython.declare(cython.longlong, _hash("negotiate"))
_HASH_MASK = cython.declare(cython.longlong, 0xFFFFFFFFFFFF)
_MAX_LENGTH = cython.declare(cython.longlong, 1 << 60)


# The numbers of the facts again, as C globals (module constants are Python objects in compiled code).
H_METHOD_ = cython.declare(cython.Py_ssize_t, H_METHOD)
H_STATUS_ = cython.declare(cython.Py_ssize_t, H_STATUS)
H_VERSION_ = cython.declare(cython.Py_ssize_t, H_VERSION)
_LENGTH = cython.declare(cython.Py_ssize_t, H_LENGTH)
_IS_CHUNKED = cython.declare(cython.Py_ssize_t, H_CHUNKED)
_TRANSFER = cython.declare(cython.Py_ssize_t, H_TRANSFER)
_FLAGS = cython.declare(cython.Py_ssize_t, H_FLAGS)
_HAS_CLOSE = cython.declare(cython.Py_ssize_t, H_CLOSE)
_HAS_KEEP = cython.declare(cython.Py_ssize_t, H_KEEP)
_HAS_UPGRADE = cython.declare(cython.Py_ssize_t, H_UPGRADE)
_W_LENGTH = cython.declare(cython.Py_ssize_t, H_W_LENGTH)
_W_CHUNKED = cython.declare(cython.Py_ssize_t, H_W_CHUNKED)
_TYPE_START = cython.declare(cython.Py_ssize_t, H_TYPE_START)
_TYPE_END = cython.declare(cython.Py_ssize_t, H_TYPE_END)
_CODING_START = cython.declare(cython.Py_ssize_t, H_CODING_START)
_CODING_END = cython.declare(cython.Py_ssize_t, H_CODING_END)
_TYPE_LINE_END = cython.declare(cython.Py_ssize_t, H_TYPE_LINE_END)
_HAS_EXPECT = cython.declare(cython.Py_ssize_t, H_EXPECT)
_SCANNED = cython.declare(cython.Py_ssize_t, H_SCANNED)
_W_BREAK = cython.declare(cython.Py_ssize_t, H_W_BREAK)
_W_READ_LENGTH = cython.declare(cython.Py_ssize_t, H_W_READ_LENGTH)
_NTLM_START = cython.declare(cython.Py_ssize_t, H_NTLM_START)
_NTLM_END = cython.declare(cython.Py_ssize_t, H_NTLM_END)

# Method names as one flat table: name k is _NAMES[_STARTS[k]:_STARTS[k + 1]].
_NAMES = cython.declare(bytes, "".join(METHODS).encode())
_STARTS = cython.declare(list, [sum(len(name) for name in METHODS[:k]) for k in range(len(METHODS) + 1)])


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def is_token_byte(c: cython.longlong) -> cython.bint:
    """Whether c may stand in a token (RFC 9110 section 5.6.2)."""
    return (97 <= c <= 122 or 65 <= c <= 90 or 48 <= c <= 57 or c == 45 or c == 95 or c == 46 or c == 33 or c == 35 or c == 36
            or c == 37 or c == 38 or c == 39 or c == 42 or c == 43 or c == 94 or c == 96 or c == 124 or c == 126)


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def line_end(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, stop: cython.Py_ssize_t,
             bare_cr: cython.bint) -> cython.Py_ssize_t:
    """Index of the byte that ends the line which begins at `start`: its LF (or lone CR with `bare_cr`), -1 when not there.

    With `bare_cr` a CR that is not followed by LF ends the line too, as Wireshark reads it; a CR as the very last byte ends
    nothing yet, since an LF may follow.
    """
    i: cython.Py_ssize_t
    c: cython.uchar
    for i in range(start, stop):
        c = view[i]
        if c == 10:
            return i
        if c == 13 and bare_cr and i + 1 < stop and view[i + 1] != 10:
            return i
    return -1


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def text_end(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Index after the last byte of the line whose terminator is at `end`: a CR before an LF is not part of it."""
    if end > start and view[end] == 10 and view[end - 1] == 13:
        return end - 1
    return end


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def head_end(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, looked: cython.Py_ssize_t, stop: cython.Py_ssize_t,
             bare_cr: cython.bint, facts: cython.longlong[::1]) -> cython.Py_ssize_t:
    """Index after the empty line that ends the head whose lines begin at `start`, -1 when it is not there yet.

    looked  the line at `start` does not end before this place, so that a line that comes byte by byte is searched once
    Then H_SCANNED is where to go on once more bytes are there: the start of the last line, which is not whole.
    """
    end: cython.Py_ssize_t
    text: cython.Py_ssize_t
    while start < stop:
        end = line_end(view, looked if looked > start else start, stop, bare_cr)
        if end < 0:
            break
        text = text_end(view, start, end)
        while not bare_cr and text > start and view[text - 1] == 13:
            text -= 1      # a line of nothing but CRs is empty to most peers
        if text == start:
            facts[_SCANNED] = end + 1
            return end + 1
        start = end + 1
    facts[_SCANNED] = start
    return -1


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def lower(c: cython.longlong) -> cython.longlong:
    return c + 32 if 65 <= c <= 90 else c


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def method_number(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t,
                  names: cython.const[cython.uchar][::1], starts: cython.const[cython.longlong][::1]) -> cython.Py_ssize_t:
    """Number in METHODS of the token view[start:end], 0 when it is none of them."""
    length: cython.Py_ssize_t = end - start
    k: cython.Py_ssize_t
    j: cython.Py_ssize_t
    at: cython.Py_ssize_t
    first: cython.uchar
    if length < 3 or length > 16:
        return 0
    first = view[start]
    if length == 3 and first == 71 and view[start + 1] == 69 and view[start + 2] == 84:
        return 1
    if length == 4 and first == 80 and view[start + 1] == 79 and view[start + 2] == 83 and view[start + 3] == 84:
        return 2
    for k in range(1, starts.shape[0] - 1):
        at = starts[k]
        if starts[k + 1] - at != length or names[at] != first:
            continue
        j = 1
        while j < length and names[at + j] == view[start + j]:
            j += 1
        if j == length:
            return k
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def status_code(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.longlong:
    """The status of a status line (`HTTP/1.1 404 ...`): 0 when there is no number of three digits."""
    i: cython.Py_ssize_t = start
    while i < end and view[i] != 32 and view[i] != 9:
        i += 1
    while i < end and (view[i] == 32 or view[i] == 9):
        i += 1
    if end - i >= 3 and 48 <= view[i] <= 57 and 48 <= view[i + 1] <= 57 and 48 <= view[i + 2] <= 57:
        return (view[i] - 48) * 100 + (view[i + 1] - 48) * 10 + (view[i + 2] - 48)
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def starts_http(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.bint:
    """Whether view[start:end] begins with `HTTP/`."""
    return (end - start >= 5 and view[start] == 72 and view[start + 1] == 84 and view[start + 2] == 84
            and view[start + 3] == 80 and view[start + 4] == 47)


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def is_http(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.bint:
    """Whether view[start:end] begins with `HTTP/`, in capitals or not, as peers read it."""
    return (end - start >= 5 and lower(view[start]) == 104 and lower(view[start + 1]) == 116 and lower(view[start + 2]) == 116
            and lower(view[start + 3]) == 112 and view[start + 4] == 47)


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def known_start(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t,
                names: cython.const[cython.uchar][::1], starts: cython.const[cython.longlong][::1],
                facts: cython.longlong[::1]) -> cython.longlong:
    """Type of the line view[start:end] as Wireshark tells it: 1 request, 2 response, 0 neither.

    A request begins with a method it knows, in capitals, and a space (`M-` before it is skipped, RFC 2774); a response
    with `HTTP/` or `ICY`. Sets H_METHOD and H_STATUS.
    """
    i: cython.Py_ssize_t
    number: cython.Py_ssize_t
    facts[H_METHOD_] = 0
    facts[H_STATUS_] = 0
    if starts_http(view, start, end):
        facts[H_STATUS_] = status_code(view, start, end)
        return _RESPONSE
    if end - start > 2 and view[start] == 77 and view[start + 1] == 45:
        start += 2
    i = start
    while i < end and i - start < 17 and view[i] != 32:
        i += 1
    if i - start == 3 and view[start] == 73 and view[start + 1] == 67 and view[start + 2] == 89:
        facts[H_STATUS_] = status_code(view, start, end)
        return _RESPONSE
    number = method_number(view, start, i, names, starts)
    if number > 0:
        facts[H_METHOD_] = number
        return _REQUEST
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def version_of(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.longlong:
    """10 or 11 (or x*10+y) for `HTTP/x.y` at view[start:], 0 when it is no version."""
    if end - start >= 8 and is_http(view, start, end) and 48 <= view[start + 5] <= 57 and view[start + 6] == 46 \
            and 48 <= view[start + 7] <= 57:
        return (view[start + 5] - 48) * 10 + (view[start + 7] - 48)
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def start_line(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t,
               names: cython.const[cython.uchar][::1], starts: cython.const[cython.longlong][::1],
               facts: cython.longlong[::1]) -> cython.longlong:
    """Type of the line view[start:end] by RFC 9112: 1 request (`token SP target SP HTTP/x.y`), 2 response, 0 neither.

    Any token is a method. HTTP/0.9 (`GET target` alone; POST and HEAD happen too) is a request. Sets H_METHOD, H_STATUS
    and H_VERSION.
    """
    i: cython.Py_ssize_t = start
    j: cython.Py_ssize_t
    facts[H_METHOD_] = 0
    facts[H_STATUS_] = 0
    facts[H_VERSION_] = 0
    if is_http(view, start, end):
        facts[H_VERSION_] = version_of(view, start, end)
        facts[H_STATUS_] = status_code(view, start, end)
        return _RESPONSE
    if end - start >= 7 and view[start] == 73 and view[start + 1] == 67 and view[start + 2] == 89 and view[start + 3] == 32:
        facts[H_STATUS_] = status_code(view, start, end)
        facts[H_VERSION_] = 10
        return _RESPONSE if facts[H_STATUS_] else 0
    while i < end and i - start < 64 and is_token_byte(view[i]):
        i += 1
    if i == start or i >= end or (view[i] != 32 and view[i] != 9):
        return 0
    facts[H_METHOD_] = method_number(view, start, i, names, starts)
    j = end
    while j > i and (view[j - 1] == 32 or view[j - 1] == 9):
        j -= 1
    if j - i >= 9:
        facts[H_VERSION_] = version_of(view, j - 8, j)
        if facts[H_VERSION_] and (view[j - 9] == 32 or view[j - 9] == 9):
            return _REQUEST
    facts[H_VERSION_] = 0
    if 0 < facts[H_METHOD_] <= 3 and j - i > 1 and (view[i + 1] == 47 or view[i + 1] == 104):
        facts[H_VERSION_] = 9
        return _REQUEST
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def is_name(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t, name: cython.longlong,
            length: cython.Py_ssize_t) -> cython.bint:
    """Whether view[start:end], in lower case, hashes to `name` (see NAMES) and is `length` long."""
    i: cython.Py_ssize_t
    value: cython.longlong = 0
    if end - start != length:
        return False
    for i in range(start, end):
        value = (value * 31 + lower(view[i])) & _HASH_MASK
    return value == name


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def is_space(c: cython.longlong) -> cython.bint:
    return c == 32 or c == 9 or c == 11 or c == 12 or c == 13


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def content_length(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t,
                   facts: cython.longlong[::1]) -> cython.longlong:
    """The value of a Content-Length field: -1 when it is not valid. `5, 5` is 5 (RFC 9112 section 6.3 rule 5), noted.

    Values beyond 2**60 count as 2**60: such a body never ends.
    """
    i: cython.Py_ssize_t
    value: cython.longlong = 0
    first: cython.longlong = -1
    digits: cython.Py_ssize_t = 0
    for i in range(start, end + 1):
        if i < end and 48 <= view[i] <= 57:
            value = value * 10 + (view[i] - 48)
            if value > _MAX_LENGTH:
                value = _MAX_LENGTH
            digits += 1
        elif i == end or view[i] == 44:
            if digits == 0 or (first >= 0 and value != first):
                facts[_FLAGS] |= _AMBIGUOUS
                if digits == 0:
                    return -1
            if i < end or first >= 0:
                facts[_FLAGS] |= _AMBIGUOUS
            if first < 0:
                first = value
            value = 0
            digits = 0
        elif (view[i] == 32 or view[i] == 9) and (digits == 0 or i + 1 == end or view[i + 1] == 44):
            continue
        else:
            facts[_FLAGS] |= _AMBIGUOUS | _MALFORMED
            if digits and i + 1 < end and (view[i] == 32 or view[i] == 9) and 48 <= view[i + 1] <= 57:
                return -1      # `34 68`: nobody knows which
            # `12abc`: take the leading digits as most implementations do; nothing at all is not valid
            return first if first >= 0 else (value if digits else -1)
    return first


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def wireshark_length(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t,
                     end: cython.Py_ssize_t) -> cython.longlong:
    """Content-Length as Wireshark's reassembly takes it: nothing but digits, below 2**31, -1 otherwise."""
    i: cython.Py_ssize_t
    value: cython.longlong = 0
    while start < end and is_space(view[start]):
        start += 1
    while end > start and is_space(view[end - 1]):
        end -= 1
    if start < end and view[start] == 43:
        start += 1
    if start == end:
        return -1
    for i in range(start, end):
        if view[i] < 48 or view[i] > 57:
            return -1
        value = value * 10 + (view[i] - 48)
        if value > 0x7FFFFFFF:
            return -1
    return value


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def read_length(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t,
                end: cython.Py_ssize_t) -> cython.longlong:
    """Content-Length as Wireshark's dissector reads it: the digits at its start, -1 when something else follows them."""
    i: cython.Py_ssize_t = start
    value: cython.longlong = 0
    while i < end and 48 <= view[i] <= 57:
        value = value * 10 + (view[i] - 48)
        if value > _MAX_LENGTH:
            value = _MAX_LENGTH
        i += 1
    if i == start or (i < end and not is_space(view[i])):
        return -1
    return value


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def has_colon(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.bint:
    """Whether there is a colon in view[start:end]."""
    i: cython.Py_ssize_t
    for i in range(start, end):
        if view[i] == 58:
            return True
    return False


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def list_has(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t, name: cython.longlong,
             length: cython.Py_ssize_t) -> cython.longlong:
    """Whether the comma-separated list view[start:end] has the token `name`: 0 no, 1 yes, 2 yes and it stands last."""
    a: cython.Py_ssize_t = start
    b: cython.Py_ssize_t
    stop: cython.Py_ssize_t
    found: cython.longlong = 0
    while a <= end:
        b = a
        while b < end and view[b] != 44:
            b += 1
        stop = b
        while a < stop and is_space(view[a]):
            a += 1
        while stop > a and is_space(view[stop - 1]):
            stop -= 1
        if stop > a:
            found = 2 if is_name(view, a, stop, name, length) else (1 if found else 0)
        a = b + 1
    return found


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def mentions(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t, name: cython.longlong,
             length: cython.Py_ssize_t) -> cython.bint:
    """Whether `name` stands anywhere in the first bytes of view[start:end]."""
    i: cython.Py_ssize_t
    if end - start > 64:
        end = start + 64
    for i in range(start, end - length + 1):
        if is_name(view, i, i + length, name, length):
            return True
    return False


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def no_facts(facts: cython.longlong[::1]) -> cython.int:
    """What fields decide, as when there are none."""
    facts[_LENGTH] = -1
    facts[_IS_CHUNKED] = 0
    facts[_TRANSFER] = 0
    facts[_FLAGS] = 0
    facts[_HAS_CLOSE] = 0
    facts[_HAS_KEEP] = 0
    facts[_HAS_UPGRADE] = 0
    facts[_W_LENGTH] = -1
    facts[_W_CHUNKED] = 0
    facts[_TYPE_START] = -1
    facts[_TYPE_END] = -1
    facts[_TYPE_LINE_END] = -1
    facts[_CODING_START] = -1
    facts[_CODING_END] = -1
    facts[_HAS_EXPECT] = 0
    facts[_W_BREAK] = -1
    facts[_W_READ_LENGTH] = -1
    facts[_NTLM_START] = -1
    facts[_NTLM_END] = -1
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def credentials_line(view: cython.const[cython.uchar][::1], at: cython.Py_ssize_t, text: cython.Py_ssize_t,
                     facts: cython.longlong[::1]) -> cython.int:
    """Find an NTLM message in the field line view[at:text], if it is one of those that carry credentials and challenges.

    The schemes are NTLM and Negotiate (RFC 4559), for Wireshark in these letters only; every such message begins with
    `NTLMSSP` and a zero byte.
    """
    a: cython.Py_ssize_t = at
    b: cython.Py_ssize_t
    if text - at < 34 or facts[_NTLM_START] >= 0:
        return 0
    if view[at + 13] == 58 and is_name(view, at, at + 13, _AUTHORIZATION, 13):
        a += 14
    elif view[at + 16] == 58 and is_name(view, at, at + 16, _WWW_AUTHENTICATE, 16):
        a += 17
    elif view[at + 18] == 58 and is_name(view, at, at + 18, _PROXY_AUTHENTICATE, 18):
        a += 19
    elif view[at + 19] == 58 and is_name(view, at, at + 19, _PROXY_AUTHORIZATION, 19):
        a += 20
    else:
        return 0
    while a < text and is_space(view[a]):
        a += 1
    if text - a > 21 and view[a] == 78 and view[a + 1] == 84 and is_name(view, a, a + 4, _NTLM, 4) and view[a + 4] == 32:
        b = a + 5
    elif text - a > 26 and view[a] == 78 and view[a + 1] == 101 and is_name(view, a, a + 9, _NEGOTIATE, 9) and view[a + 9] == 32:
        b = a + 10
    else:
        return 0
    if text - b < 16 or view[b] != 84 or view[b + 1] != 108 or view[b + 2] != 82 or view[b + 3] != 77 or view[b + 4] != 84 \
            or view[b + 5] != 86 or view[b + 6] != 78 or view[b + 7] != 84 or view[b + 8] != 85 or view[b + 9] != 65:
        return 0                                   # TlRMTVNTUA
    facts[_NTLM_START] = b
    facts[_NTLM_END] = text
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def field_line(view: cython.const[cython.uchar][::1], at: cython.Py_ssize_t, text: cython.Py_ssize_t,
               facts: cython.longlong[::1]) -> cython.int:
    """Set the facts that the field line view[at:text] decides."""
    colon: cython.Py_ssize_t = at
    name_end: cython.Py_ssize_t
    length: cython.Py_ssize_t
    a: cython.Py_ssize_t
    b: cython.Py_ssize_t = text
    value: cython.longlong
    name: cython.longlong = 0
    i: cython.Py_ssize_t
    while colon < text and view[colon] != 58:
        colon += 1
    if colon == text:
        return 0
    name_end = colon
    while name_end > at and (is_space(view[name_end - 1]) or view[name_end - 1] == 0):
        name_end -= 1
    length = name_end - at
    if length > 17 or length < 6:
        return 0
    for i in range(at, name_end):
        name = (name * 31 + lower(view[i])) & _HASH_MASK
    a = colon + 1
    while a < b and is_space(view[a]):
        a += 1
    while b > a and is_space(view[b - 1]):
        b -= 1
    if name == _CONTENT_LENGTH and length == 14:
        value = content_length(view, a, b, facts)
        if name_end != colon or (facts[_LENGTH] >= 0 and value != facts[_LENGTH]):
            facts[_FLAGS] |= _AMBIGUOUS
        if facts[_LENGTH] < 0:
            facts[_LENGTH] = value
        if name_end == colon:
            value = wireshark_length(view, colon + 1, text)
            if value >= 0:
                facts[_W_LENGTH] = value
            facts[_W_READ_LENGTH] = read_length(view, a, b)
    elif name == _CONTENT_TYPE and length == 12:
        facts[_TYPE_START] = a
        facts[_TYPE_LINE_END] = b
        while a < b and view[a] != 59 and not is_space(view[a]):
            a += 1
        facts[_TYPE_END] = a
    elif name == _CONNECTION and length == 10:
        if list_has(view, a, b, _CLOSE, 5):
            facts[_HAS_CLOSE] = 1
        if list_has(view, a, b, _KEEP_ALIVE, 10):
            facts[_HAS_KEEP] = 1
    elif name == _TRANSFER_ENCODING and length == 17:
        if name_end != colon or facts[_TRANSFER]:
            facts[_FLAGS] |= _AMBIGUOUS
        if not is_name(view, a, b, _IDENTITY, 8):
            facts[_TRANSFER] = 1
            if list_has(view, a, b, _CHUNKED, 7) == 2:
                facts[_IS_CHUNKED] = 1
            else:
                facts[_FLAGS] |= _AMBIGUOUS
                if mentions(view, a, b, _CHUNKED, 7):      # `chunked;`, `xchunked`: the body itself decides
                    facts[_IS_CHUNKED] = 1
        if name_end == colon:
            a = colon + 1
            while a < b and (view[a] == 32 or view[a] == 9):
                a += 1
            if b - a >= 7 and is_name(view, a, a + 7, _CHUNKED, 7):
                facts[_W_CHUNKED] = 1
    elif name == _CONTENT_ENCODING and length == 16:
        facts[_CODING_START] = a
        facts[_CODING_END] = b
    elif name == _UPGRADE and length == 7:
        facts[_HAS_UPGRADE] = 1
        if list_has(view, a, b, _WEBSOCKET, 9):
            facts[_HAS_UPGRADE] = 2
        elif list_has(view, a, b, _H2C, 3):
            facts[_HAS_UPGRADE] = 3
    elif name == _EXPECT and length == 6:
        facts[_HAS_EXPECT] = 1
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def read_head(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, line: cython.Py_ssize_t,
              stop: cython.Py_ssize_t, bare_cr: cython.bint, facts: cython.longlong[::1]) -> cython.Py_ssize_t:
    """Read a head in one pass: index after its empty line, -1 when it is not whole in view[start:stop].

    line  index of the byte that ends its start line
    Sets the facts that fields decide (of the lines that are whole), and H_SCANNED as head_end() does. Linear.
    """
    at: cython.Py_ssize_t
    text: cython.Py_ssize_t
    i: cython.Py_ssize_t
    c: cython.longlong
    first: cython.longlong
    colon: cython.bint = False
    no_facts(facts)
    if text_end(view, start, line) == start:
        facts[_SCANNED] = line + 1
        return line + 1
    if view[line] == 10 and view[line - 1] != 13:
        facts[_FLAGS] |= _BARE_LF
    at = line + 1
    for i in range(line + 1, stop):
        c = view[i]
        if c > 13:
            if c == 58:
                colon = True
            continue
        if c != 10 and not (c == 13 and bare_cr and i + 1 < stop and view[i + 1] != 10):
            continue
        text = i
        if c == 10:
            if i > at and view[i - 1] == 13:
                text = i - 1
            elif i > at:
                facts[_FLAGS] |= _BARE_LF
        if text == at:
            facts[_SCANNED] = i + 1
            if facts[_TRANSFER] and facts[_LENGTH] >= 0:
                facts[_FLAGS] |= _AMBIGUOUS
            return i + 1
        first = view[at]
        if not colon and facts[_W_BREAK] < 0:
            facts[_W_BREAK] = at
        if first == 32 or first == 9:
            facts[_FLAGS] |= _OBS_FOLD
            if facts[_TRANSFER]:
                facts[_FLAGS] |= _AMBIGUOUS
                if list_has(view, at, text, _CHUNKED, 7) == 2:
                    facts[_IS_CHUNKED] = 1
        elif colon:
            first |= 32
            if first == 99 or first == 116 or first == 117 or first == 101:    # c t u e: the fields wanted begin so
                field_line(view, at, text, facts)
            elif first == 97 or first == 119 or first == 112:                  # a w p
                credentials_line(view, at, text, facts)
        at = i + 1
        colon = False
    facts[_SCANNED] = at
    if facts[_TRANSFER] and facts[_LENGTH] >= 0:
        facts[_FLAGS] |= _AMBIGUOUS
    return -1


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def parse_fields(view: cython.const[cython.uchar][::1], start: cython.Py_ssize_t, end: cython.Py_ssize_t,
                 bare_cr: cython.bint, facts: cython.longlong[::1]) -> cython.longlong:
    """Read the field lines view[start:end] (the empty line may be among them) and set the facts that fields decide.

    Linear in their length. A line that is no field is skipped (RFC 9112 section 5).
    """
    at: cython.Py_ssize_t = start
    stop: cython.Py_ssize_t
    text: cython.Py_ssize_t
    c: cython.longlong
    no_facts(facts)
    while at < end:
        stop = line_end(view, at, end, bare_cr)
        if stop < 0:
            stop = end
            text = end
        else:
            text = text_end(view, at, stop)
            if view[stop] == 10 and text == stop and text > at:
                facts[_FLAGS] |= _BARE_LF
        if text > at:
            c = view[at]
            if bare_cr and facts[_W_BREAK] < 0 and not has_colon(view, at, text):
                facts[_W_BREAK] = at
            if c == 32 or c == 9:
                facts[_FLAGS] |= _OBS_FOLD
                if facts[_TRANSFER]:
                    facts[_FLAGS] |= _AMBIGUOUS
                    if list_has(view, at, text, _CHUNKED, 7) == 2:
                        facts[_IS_CHUNKED] = 1
            else:
                c |= 32
                if c == 99 or c == 116 or c == 117 or c == 101:
                    field_line(view, at, text, facts)
                elif c == 97 or c == 119 or c == 112:
                    credentials_line(view, at, text, facts)
        at = stop + 1
    if facts[_TRANSFER] and facts[_LENGTH] >= 0:
        facts[_FLAGS] |= _AMBIGUOUS
    return 0
