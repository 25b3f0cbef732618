"""Names in DNS messages and the bytes behind a record, where they are out of the ordinary. Compiled.

The loop over all messages (dns_wire.py) reads plain names itself and asks here for the rest: pointers that nobody checked
yet, names that are too long, bytes that are no printable ASCII, and what a record must hold to be whole. Everything here
answers as Wireshark does, whose words the rows are; RFC 1035 section 4.1.4 is stricter.

Two ends bound every message: `end`, after its last captured byte, and `wire_end`, after its last byte by the headers. What
lies beyond the first was cut off by the capture (CUT), what lies beyond both was never there (MALFORMED).
"""

import cython

from sniff.decode import columns, unprintable

CUT = cython.declare(cython.longlong, columns.Suffix.CUT)
MALFORMED = cython.declare(cython.longlong, columns.Suffix.MALFORMED)

FIRST = cython.declare(cython.longlong[::1], memoryview(unprintable.FIRST))
LAST = cython.declare(cython.longlong[::1], memoryview(unprintable.LAST))
RUNS = cython.declare(cython.Py_ssize_t, len(unprintable.FIRST))

# --- the scratch table that every function here is given ------------------------------------------------------------------
NAME_END = cython.declare(cython.Py_ssize_t, 0)   # index after the name in the record it was read in
NAME_LEN = cython.declare(cython.Py_ssize_t, 1)   # bytes of the name to show
BUDGET = cython.declare(cython.Py_ssize_t, 2)     # labels of names already too long that this message may still walk over
SUFFIX = cython.declare(cython.Py_ssize_t, 3)     # Suffix of the row
NAME_RAW = cython.declare(cython.Py_ssize_t, 4)   # bytes of the name where it is written raw: bit strings count there
SCRATCH = 8
"""Entries of the scratch table."""

BUFFER = 512
"""Bytes of the name buffer: the longest name Wireshark shows is 253, an escape or a phrase fits behind it."""

LONGEST = cython.declare(cython.longlong, 255)    # bytes of a name, with the length byte in front of each label
POINTERS = cython.declare(cython.longlong, 255)   # pointers followed in one name


TOO_LONG = cython.declare(cython.const[cython.uchar][::1], memoryview(b"<Name too long>"))
LOOPS = cython.declare(cython.const[cython.uchar][::1], memoryview(b"<Name contains a pointer that loops>"))
UNKNOWN_LABEL = cython.declare(cython.const[cython.uchar][::1], memoryview(b"<Unknown extended label>"))
ROOT = cython.declare(cython.const[cython.uchar][::1], memoryview(b"<Root>"))
HEX = cython.declare(cython.const[cython.uchar][::1], memoryview(b"0123456789abcdef"))
HEX_UPPER = cython.declare(cython.const[cython.uchar][::1], memoryview(b"0123456789ABCDEF"))
ESCAPES = cython.declare(cython.const[cython.uchar][::1], memoryview(b"abtnvfr"))   # of 7 to 13


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def lacks(upto: cython.Py_ssize_t, end: cython.Py_ssize_t, wire_end: cython.Py_ssize_t) -> cython.longlong:
    """Suffix of a row whose decoder needed the bytes before `upto`: 0 when they are all there."""
    if upto <= end:
        return 0
    return CUT if upto <= wire_end else MALFORMED


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def item(at: cython.Py_ssize_t, length: cython.longlong, end: cython.Py_ssize_t,
         wire_end: cython.Py_ssize_t) -> cython.longlong:
    """Suffix for a field of `length` bytes; -1 is the rest of the message, which must not be empty."""
    if length == -1:
        return 0 if at < end else lacks(at + 1, end, wire_end)
    if length < 0:
        return MALFORMED
    return lacks(at + length, end, wire_end)


# --- names ------------------------------------------------------------------------------------------------------------------

@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def phrase(words: cython.const[cython.uchar][::1], buffer: cython.uchar[::1]) -> cython.Py_ssize_t:
    """Put fixed words into the name buffer; answers their length."""
    i: cython.Py_ssize_t
    for i in range(words.shape[0]):
        buffer[i] = words[i]
    return words.shape[0]


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def read_name(data: cython.const[cython.uchar][::1], base: cython.Py_ssize_t, at: cython.Py_ssize_t, end: cython.Py_ssize_t,
              wire_end: cython.Py_ssize_t, buffer: cython.uchar[::1], scratch: cython.longlong[::1]) -> cython.longlong:
    """Read any name: 0 and its raw bytes in `buffer`, or the Suffix of a row that ends here.

    base     index of the message's first byte, which pointers count from
    scratch  NAME_END and NAME_LEN are set; BUDGET is used up by long walks

    A name may hold pointers to anywhere in the message. Wireshark follows 255 of them; here the labels walked over after a
    name is full are counted over the whole message too, so that hostile messages cost linear time.
    """
    start: cython.Py_ssize_t = at
    after: cython.Py_ssize_t = -1       # index after the name where it was read; -1 before the first pointer
    used: cython.longlong = 0           # bytes of `buffer` in use
    shown: cython.longlong = 0          # bytes of it that count as the name
    room: cython.longlong = LONGEST
    pointers: cython.longlong = 0
    c: cython.longlong
    bits: cython.longlong
    target: cython.Py_ssize_t
    seen: cython.Py_ssize_t = -1
    while True:
        if at >= end:
            return lacks(at + 1, end, wire_end)
        c = data[at]
        at += 1
        if c == 0:
            break
        if c < 0x40:
            if used:
                if room > 0:
                    buffer[used] = 46
                    used += 1
                    shown += 1
                    room -= 1
            else:
                room -= 1
            if at + c > end:
                return lacks(end + 1, end, wire_end)
            while c > 0 and room > 0:
                buffer[used] = data[at]
                used += 1
                shown += 1
                room -= 1
                at += 1
                c -= 1
            at += c
            if room <= 0:
                scratch[BUDGET] -= 1
                if scratch[BUDGET] < 0:
                    scratch[NAME_LEN] = scratch[NAME_RAW] = phrase(LOOPS, buffer)
                    scratch[NAME_END] = after if after >= 0 else at
                    return 0
        elif c >= 0xC0:
            if at >= end:
                return lacks(at + 1, end, wire_end)
            target = base + (((c & 0x3F) << 8) | data[at])
            at += 1
            pointers += 1
            if after < 0:
                after = at
            # The first test is Wireshark's idea of a pointer to itself; `seen`, a place met at each power of two (Brent),
            # finds other loops long before the 255 are used up.
            if target == at + 2 or pointers > POINTERS or target == seen:
                scratch[NAME_LEN] = scratch[NAME_RAW] = phrase(LOOPS, buffer)
                scratch[NAME_END] = after
                return 0
            if pointers & (pointers - 1) == 0:
                seen = target
            at = target
        elif c == 0x41:                 # a bit string, RFC 2673; nobody uses it
            if at >= end:
                return lacks(at + 1, end, wire_end)
            bits = data[at]
            at += 1
            c = (bits + 7) // 8 if bits else 1
            if at + c > end:
                return lacks(end + 1, end, wire_end)
            if room > 0:
                if room >= 3:
                    buffer[used] = 92
                    buffer[used + 1] = 91
                    buffer[used + 2] = 120
                    used += 3
                    room -= 3
                else:
                    room = 0
            while c > 0:
                if room >= 2:
                    buffer[used] = HEX[data[at] >> 4]
                    buffer[used + 1] = HEX[data[at] & 15]
                    used += 2
                    room -= 2
                else:
                    room = 0
                at += 1
                c -= 1
            c = 4 if bits > 9 else 3
            if bits > 99:
                c = 5
            if room >= c:
                buffer[used] = 47
                used += 1
                if bits > 99:
                    buffer[used] = 48 + bits // 100
                    used += 1
                if bits > 9:
                    buffer[used] = 48 + bits // 10 % 10
                    used += 1
                buffer[used] = 48 + bits % 10
                buffer[used + 1] = 93
                used += 2
                room -= c
            else:
                room = 0
        elif c < 0x80:
            if at - start < 2:
                return MALFORMED
            scratch[NAME_LEN] = scratch[NAME_RAW] = phrase(UNKNOWN_LABEL, buffer)
            scratch[NAME_END] = at
            return 0
        else:
            return MALFORMED
    if room <= 0:
        shown = phrase(TOO_LONG, buffer)
        used = shown
    if after < 0:
        after = at
    scratch[NAME_END] = after
    if (used == 0 or buffer[0] == 0) and after - start <= 2:
        shown = phrase(ROOT, buffer)
        used = shown
    elif shown == 0 and after - start > 2:
        return MALFORMED
    scratch[NAME_LEN] = shown
    scratch[NAME_RAW] = used
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def printable(code: cython.longlong) -> cython.bint:
    """Would Wireshark print this code point (above U+007F) as itself?"""
    low: cython.Py_ssize_t = 0
    high: cython.Py_ssize_t = RUNS
    middle: cython.Py_ssize_t
    while low < high:
        middle = (low + high) // 2
        if LAST[middle] < code:
            low = middle + 1
        else:
            high = middle
    return low == RUNS or FIRST[low] > code


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def escape(c: cython.longlong, pool: cython.uchar[::1], out: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Write a control character as C does: `\\n`, otherwise backslash and three octal digits."""
    pool[out] = 92
    if 7 <= c <= 13:
        pool[out + 1] = ESCAPES[c - 7]
        return out + 2
    pool[out + 1] = 48 + (c >> 6)
    pool[out + 2] = 48 + (c >> 3 & 7)
    pool[out + 3] = 48 + (c & 7)
    return out + 4


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def replacement(pool: cython.uchar[::1], out: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Write U+FFFD."""
    pool[out] = 0xEF
    pool[out + 1] = 0xBF
    pool[out + 2] = 0xBD
    return out + 3


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def show(text: cython.const[cython.uchar][::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t, pool: cython.uchar[::1],
         out: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Write text[at:end] as Wireshark shows text: printable characters as they are, others escaped; at most ten times as
    long. What is not UTF-8 becomes U+FFFD; overlong forms count as the character they mean, as they do there.
    """
    c: cython.longlong
    code: cython.longlong
    more: cython.longlong
    shift: cython.longlong
    while at < end:
        c = text[at]
        at += 1
        if c < 0x80:
            if 32 <= c < 127:
                pool[out] = c
                out += 1
            else:
                out = escape(c, pool, out)
            continue
        if 0xC0 <= c < 0xE0:
            more = 1
            code = c & 0x1F
        elif 0xE0 <= c < 0xF0:
            more = 2
            code = c & 0x0F
        elif 0xF0 <= c < 0xF8:
            more = 3
            code = c & 0x07
        elif 0xF8 <= c < 0xFC:
            more = 4
            code = c & 0x03
        elif 0xFC <= c < 0xFE:
            more = 5
            code = c & 0x01
        else:
            out = replacement(pool, out)
            continue
        while more > 0 and at < end and (text[at] & 0xC0) == 0x80:
            code = (code << 6) | (text[at] & 0x3F)
            at += 1
            more -= 1
        if more > 0 or code > 0x10FFFF or 0xD800 <= code < 0xE000:
            out = replacement(pool, out)
        elif 32 <= code < 127:
            pool[out] = code
            out += 1
        elif code < 128 or not printable(code):
            pool[out] = 92
            pool[out + 1] = 117 if code < 0x10000 else 85
            out += 2
            shift = 12 if code < 0x10000 else 28
            while shift >= 0:
                pool[out] = HEX_UPPER[code >> shift & 15]
                out += 1
                shift -= 4
        elif code < 0x800:
            pool[out] = 0xC0 | (code >> 6)
            pool[out + 1] = 0x80 | (code & 63)
            out += 2
        elif code < 0x10000:
            pool[out] = 0xE0 | (code >> 12)
            pool[out + 1] = 0x80 | (code >> 6 & 63)
            pool[out + 2] = 0x80 | (code & 63)
            out += 3
        else:
            pool[out] = 0xF0 | (code >> 18)
            pool[out + 1] = 0x80 | (code >> 12 & 63)
            pool[out + 2] = 0x80 | (code >> 6 & 63)
            pool[out + 3] = 0x80 | (code & 63)
            out += 4
    return out


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def show_raw(text: cython.const[cython.uchar][::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t, pool: cython.uchar[::1],
             out: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Write text[at:end] up to its first NUL as a few old record types have it: bytes above 127 as they are.

    Wireshark leaves control characters in them too; nothing that could drive a terminal passes here: they are escaped, the
    second row of controls (U+0080 to U+009F) by number.
    """
    c: cython.longlong
    while at < end:
        c = text[at]
        if c == 0:
            break
        if c < 32 or c == 127:
            out = escape(c, pool, out)
        elif c == 0xC2 and at + 1 < end and 0x80 <= text[at + 1] < 0xA0:
            out = show(text, at, at + 2, pool, out)
            at += 1
        else:
            pool[out] = c
            out += 1
        at += 1
    return out


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def show_ascii(data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t, most: cython.longlong,
               pool: cython.uchar[::1], out: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Write bytes of an ASCII field up to its first NUL: what is no ASCII is U+FFFD, and at most `most` bytes are written
    (-1: all), which may cut such a character as it does in Wireshark.
    """
    c: cython.longlong
    written: cython.longlong = 0
    while at < end and (most < 0 or written < most):
        c = data[at]
        if c == 0:
            break
        if c >= 128:
            pool[out] = 0xEF
            pool[out + 1] = 0xBF
            pool[out + 2] = 0xBD
            out += 3
            written += 3
            if most >= 0 and written > most:
                out -= written - most
        elif c < 32 or c == 127:
            out = escape(c, pool, out)
            written += 1
        else:
            pool[out] = c
            out += 1
            written += 1
        at += 1
    return out


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def show_ipv6(data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t, pool: cython.uchar[::1],
              out: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Write the 16 bytes at `at` as an IPv6 address (RFC 5952; dots for ::1.2.3.4 and ::ffff:1.2.3.4 only)."""
    i: cython.longlong
    value: cython.longlong
    best: cython.longlong = -1          # longest run of zero groups, two at least, the first of them
    best_len: cython.longlong = 1
    run: cython.longlong = 0
    dots: cython.longlong = 8
    for i in range(8):
        if data[at + 2 * i] == 0 and data[at + 2 * i + 1] == 0:
            run += 1
            if run > best_len:
                best_len = run
                best = i + 1 - run
        else:
            run = 0
    if best == 0 and (best_len == 6 or (best_len == 5 and data[at + 10] == 0xFF and data[at + 11] == 0xFF)):
        dots = 6
    i = 0
    while i < 8:
        if i == best:
            pool[out] = 58
            out += 1
            i += best_len
            if i == 8:
                pool[out] = 58
                out += 1
            continue
        if i > 0:
            pool[out] = 58
            out += 1
        if i == dots:
            return show_ipv4(data, at + 12, pool, out)
        value = (cython.cast(cython.longlong, data[at + 2 * i]) << 8) | data[at + 2 * i + 1]
        if value > 0xFFF:
            pool[out] = HEX[value >> 12]
            out += 1
        if value > 0xFF:
            pool[out] = HEX[value >> 8 & 15]
            out += 1
        if value > 0xF:
            pool[out] = HEX[value >> 4 & 15]
            out += 1
        pool[out] = HEX[value & 15]
        out += 1
        i += 1
    return out


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def show_ipv4(data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t, pool: cython.uchar[::1],
              out: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Write the four bytes at `at` as an IPv4 address."""
    i: cython.Py_ssize_t
    for i in range(4):
        if i:
            pool[out] = 46
            out += 1
        out = show_number(data[at + i], pool, out)
    return out


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def show_number(value: cython.longlong, pool: cython.uchar[::1], out: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Write a number of at most 16 bits."""
    if value > 9999:
        pool[out] = 48 + value // 10000
        out += 1
    if value > 999:
        pool[out] = 48 + value // 1000 % 10
        out += 1
    if value > 99:
        pool[out] = 48 + value // 100 % 10
        out += 1
    if value > 9:
        pool[out] = 48 + value // 10 % 10
        out += 1
    pool[out] = 48 + value % 10
    return out + 1
