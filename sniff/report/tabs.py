"""Rows as tab-separated text, a whole batch in one loop (compiled).

A row is `No. Time Source Destination Protocol Length Info` and a newline, as `tshark -n -T tabs` writes it, without
that program's padding and its arrow column. lines.py calls this; nothing else should.
"""

import cython

from sniff.packets import columns

NUMBER = cython.declare(cython.Py_ssize_t, columns.NUMBER)
TS_NS = cython.declare(cython.Py_ssize_t, columns.TS_NS)
WIRELEN = cython.declare(cython.Py_ssize_t, columns.WIRELEN)
INTERFACE = cython.declare(cython.Py_ssize_t, columns.INTERFACE)
ADDRESS_KIND = cython.declare(cython.Py_ssize_t, columns.ADDRESS_KIND)
SRC_HI = cython.declare(cython.Py_ssize_t, columns.SRC_HI)
SRC_LO = cython.declare(cython.Py_ssize_t, columns.SRC_LO)
DST_HI = cython.declare(cython.Py_ssize_t, columns.DST_HI)
DST_LO = cython.declare(cython.Py_ssize_t, columns.DST_LO)
MAC = cython.declare(cython.longlong, int(columns.Address.MAC))
IPV4 = cython.declare(cython.longlong, int(columns.Address.IPV4))
IPV6 = cython.declare(cython.longlong, int(columns.Address.IPV6))
TEXT = cython.declare(cython.longlong, int(columns.Address.TEXT))

FIXED_BYTES = 192
"""What a row takes at most besides its Protocol and Info cells and its words: two numbers of 20 digits, a time of 31
characters, two addresses of 45, six tabs and a newline."""
ROW_BYTES = cython.declare(cython.Py_ssize_t, FIXED_BYTES)

LOW_64 = cython.declare(cython.ulonglong, 0xFFFFFFFFFFFFFFFF)

# ASCII, as numbers: compiled code indexes no strings.
TAB = cython.declare(cython.uchar, 9)
NEWLINE = cython.declare(cython.uchar, 10)
MINUS = cython.declare(cython.uchar, 45)
DOT = cython.declare(cython.uchar, 46)
ZERO = cython.declare(cython.uchar, 48)
COLON = cython.declare(cython.uchar, 58)
LETTER_A = cython.declare(cython.uchar, 97 - 10)


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(-1, check=False)
def put_number(out: cython.uchar[::1], at: cython.Py_ssize_t, value: cython.ulonglong) -> cython.Py_ssize_t:
    """Write a number >= 0 in decimal; the index after it."""
    digits: cython.Py_ssize_t = 1
    rest: cython.ulonglong = value // 10
    i: cython.Py_ssize_t
    while rest:
        digits += 1
        rest //= 10
    for i in range(at + digits - 1, at - 1, -1):
        out[i] = cython.cast(cython.uchar, ZERO + value % 10)
        value //= 10
    return at + digits


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(-1, check=False)
def put_time(out: cython.uchar[::1], at: cython.Py_ssize_t, ts_ns: cython.longlong, zero_ns: cython.longlong,
             decimals: cython.longlong) -> cython.Py_ssize_t:
    """Write ts_ns - zero_ns in seconds, cut (not rounded) to `decimals` 0..9; the index after it.

    Nothing when `decimals` is negative: the packet has no time.
    As tshark does: the minus sign stands only when something of the number is left, so -1 ns is `0.000000`.
    """
    delta: cython.ulonglong     # the two ends of int64 are further apart than int64 can say
    seconds: cython.ulonglong
    fraction: cython.longlong
    cut: cython.longlong = 9
    i: cython.Py_ssize_t
    if decimals < 0:
        return at
    if ts_ns >= zero_ns:
        delta = (cython.cast(cython.ulonglong, ts_ns) - cython.cast(cython.ulonglong, zero_ns)) & LOW_64
    else:
        delta = (cython.cast(cython.ulonglong, zero_ns) - cython.cast(cython.ulonglong, ts_ns)) & LOW_64
    seconds = delta // 1_000_000_000
    fraction = cython.cast(cython.longlong, delta % 1_000_000_000)
    while cut > decimals and cut > 0:
        fraction //= 10
        cut -= 1
    if ts_ns < zero_ns and (seconds > 0 or fraction > 0):
        out[at] = MINUS
        at += 1
    at = put_number(out, at, seconds)
    if cut > 0:
        out[at] = DOT
        for i in range(at + cut, at, -1):
            out[i] = cython.cast(cython.uchar, ZERO + fraction % 10)
            fraction //= 10
        at += cut + 1
    return at


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(-1, check=False)
def put_hex_digit(out: cython.uchar[::1], at: cython.Py_ssize_t, value: cython.longlong) -> cython.Py_ssize_t:
    """Write one hexadecimal digit in lower case; the index after it."""
    out[at] = cython.cast(cython.uchar, (ZERO if value < 10 else LETTER_A) + value)
    return at + 1


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(-1, check=False)
def put_ipv4(out: cython.uchar[::1], at: cython.Py_ssize_t, address: cython.longlong) -> cython.Py_ssize_t:
    """Write the lower 32 bits as a dotted quad; the index after it."""
    shift: cython.longlong
    value: cython.longlong
    for shift in range(24, -1, -8):
        value = (address >> shift) & 0xFF
        if value >= 100:
            out[at] = cython.cast(cython.uchar, ZERO + value // 100)
            at += 1
        if value >= 10:
            out[at] = cython.cast(cython.uchar, ZERO + value // 10 % 10)
            at += 1
        out[at] = cython.cast(cython.uchar, ZERO + value % 10)
        at += 1
        if shift:
            out[at] = DOT
            at += 1
    return at


@cython.cfunc
@cython.nogil
@cython.exceptval(-1, check=False)
def put_ipv6(out: cython.uchar[::1], at: cython.Py_ssize_t, high: cython.longlong,
             low: cython.longlong) -> cython.Py_ssize_t:
    """Write an IPv6 address as inet_ntop of glibc and so Wireshark does; the index after it.

    Lower case, the first longest run of two or more zero groups as `::` (RFC 5952 section 4.2); `::1.2.3.4` and
    `::ffff:1.2.3.4` keep their dots (section 5).
    """
    best: cython.longlong = -1
    best_length: cython.longlong = 1
    run: cython.longlong = 0
    i: cython.longlong
    group: cython.longlong
    shift: cython.longlong
    dotted: cython.bint
    for i in range(8):
        group = ((high if i < 4 else low) >> (48 - 16 * (i & 3))) & 0xFFFF
        run = run + 1 if group == 0 else 0
        if run > best_length:
            best_length = run
            best = i - run + 1
    dotted = best == 0 and (best_length == 6 or (best_length == 5 and (low >> 32) & 0xFFFF == 0xFFFF))
    i = 0
    while i < 8:
        if i == best:
            out[at] = COLON
            at += 1
            i += best_length
            if i == 8:
                out[at] = COLON
                at += 1
            continue
        if i:
            out[at] = COLON
            at += 1
        if i == 6 and dotted:
            return put_ipv4(out, at, low)
        group = ((high if i < 4 else low) >> (48 - 16 * (i & 3))) & 0xFFFF
        shift = 12
        while shift and group >> shift == 0:
            shift -= 4
        while shift >= 0:
            at = put_hex_digit(out, at, (group >> shift) & 0xF)
            shift -= 4
        i += 1
    return at


@cython.cfunc
@cython.nogil
@cython.exceptval(-1, check=False)
def put_mac(out: cython.uchar[::1], at: cython.Py_ssize_t, address: cython.longlong) -> cython.Py_ssize_t:
    """Write the lower 48 bits as `aa:bb:cc:dd:ee:ff`; the index after it."""
    shift: cython.longlong
    for shift in range(44, -1, -4):
        at = put_hex_digit(out, at, (address >> shift) & 0xF)
        if shift and shift & 7 == 0:
            out[at] = COLON
            at += 1
    return at


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(-1, check=False)
def put_address(out: cython.uchar[::1], at: cython.Py_ssize_t, kind: cython.longlong, high: cython.longlong,
                low: cython.longlong) -> cython.Py_ssize_t:
    """Write an address of a kind of columns.Address, nothing for NONE; the index after it."""
    if kind == IPV4:
        return put_ipv4(out, at, low)
    if kind == IPV6:
        return put_ipv6(out, at, high, low)
    if kind == MAC:
        return put_mac(out, at, low)
    return at


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(-1, check=False)
def put_bytes(out: cython.uchar[::1], at: cython.Py_ssize_t, pool: cython.const[cython.uchar][::1],
              start: cython.Py_ssize_t, length: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Copy `length` bytes of a pool; the index after them."""
    i: cython.Py_ssize_t
    for i in range(length):
        out[at + i] = pool[start + i]
    return at + length


@cython.cfunc
@cython.nogil
@cython.exceptval(-1, check=False)
def write_rows(table: cython.const[cython.longlong][:, ::1], info: cython.const[cython.uchar][::1],
               info_start: cython.const[cython.longlong][::1], info_len: cython.const[cython.longlong][::1],
               protocol: cython.const[cython.longlong][::1], names: cython.const[cython.uchar][::1],
               name_offset: cython.const[cython.longlong][::1], words: cython.const[cython.uchar][::1],
               word_offset: cython.const[cython.longlong][::1], shown: cython.const[cython.longlong][::1],
               decimals: cython.const[cython.longlong][::1], zero_ns: cython.longlong, out: cython.uchar[::1],
               progress: cython.longlong[::1]) -> cython.longlong:
    """The loop of write_tabs, without the GIL."""
    at: cython.Py_ssize_t = 0
    row: cython.Py_ssize_t = cython.cast(cython.Py_ssize_t, progress[0])
    word: cython.Py_ssize_t = cython.cast(cython.Py_ssize_t, progress[1])
    rows: cython.Py_ssize_t = shown.shape[0]
    room: cython.Py_ssize_t = out.shape[0]
    i: cython.Py_ssize_t
    need: cython.Py_ssize_t
    name: cython.Py_ssize_t
    start: cython.Py_ssize_t
    middle: cython.Py_ssize_t = 0
    stop: cython.Py_ssize_t = 0
    kind: cython.longlong
    while row < rows:
        i = cython.cast(cython.Py_ssize_t, shown[row])
        name = cython.cast(cython.Py_ssize_t, protocol[i])
        kind = table[ADDRESS_KIND, i]
        need = ROW_BYTES + cython.cast(cython.Py_ssize_t, info_len[i] + name_offset[name + 1] - name_offset[name])
        start = 0
        if kind == TEXT:
            start = cython.cast(cython.Py_ssize_t, word_offset[2 * word])
            middle = cython.cast(cython.Py_ssize_t, word_offset[2 * word + 1])
            stop = cython.cast(cython.Py_ssize_t, word_offset[2 * word + 2])
            need += stop - start
            word += 1
        if need > room - at:
            progress[2] = need
            if kind == TEXT:
                word -= 1
            break
        at = put_number(out, at, cython.cast(cython.ulonglong, table[NUMBER, i]))
        out[at] = TAB
        at = put_time(out, at + 1, table[TS_NS, i], zero_ns,
                      decimals[cython.cast(cython.Py_ssize_t, table[INTERFACE, i])])
        out[at] = TAB
        at += 1
        if kind == TEXT:
            at = put_bytes(out, at, words, start, middle - start)
        else:
            at = put_address(out, at, kind, table[SRC_HI, i], table[SRC_LO, i])
        out[at] = TAB
        at += 1
        if kind == TEXT:
            at = put_bytes(out, at, words, middle, stop - middle)
        else:
            at = put_address(out, at, kind, table[DST_HI, i], table[DST_LO, i])
        out[at] = TAB
        at = put_bytes(out, at + 1, names, cython.cast(cython.Py_ssize_t, name_offset[name]),
                       cython.cast(cython.Py_ssize_t, name_offset[name + 1] - name_offset[name]))
        out[at] = TAB
        at = put_number(out, at + 1, cython.cast(cython.ulonglong, table[WIRELEN, i]))
        out[at] = TAB
        at = put_bytes(out, at + 1, info, cython.cast(cython.Py_ssize_t, info_start[i]),
                       cython.cast(cython.Py_ssize_t, info_len[i]))
        out[at] = NEWLINE
        at += 1
        row += 1
    progress[0] = row
    progress[1] = word
    return at


@cython.ccall
def write_tabs(table: cython.const[cython.longlong][:, ::1], info: cython.const[cython.uchar][::1],
               info_start: cython.const[cython.longlong][::1], info_len: cython.const[cython.longlong][::1],
               protocol: cython.const[cython.longlong][::1], names: cython.const[cython.uchar][::1],
               name_offset: cython.const[cython.longlong][::1], words: cython.const[cython.uchar][::1],
               word_offset: cython.const[cython.longlong][::1], shown: cython.const[cython.longlong][::1],
               decimals: cython.const[cython.longlong][::1], zero_ns: cython.longlong, out: cython.uchar[::1],
               progress: cython.longlong[::1]) -> cython.longlong:
    """Write rows into `out` until it is full or all are written; how many bytes that took.

    table        int64[packets.columns.COUNT, n]
    info         uint8[m]    Info cells, no raw tab or newline in them
    info_start   int64[n]    where the Info of packet i begins in `info`
    info_len     int64[n]    and how many bytes it has
    protocol     int64[n]    number of its Protocol cell
    names        uint8[p]    the Protocol cells, end to end
    name_offset  int64[k+1]  cell j is names[name_offset[j]:name_offset[j + 1]]
    words        uint8[w]    Source and Destination of the shown packets with Address.TEXT, in that order, end to end
    word_offset  int64[2t+1] the same for those
    shown        int64[r]    indexes of the packets to write
    decimals     int64[i]    decimals of the time stamps of each interface, 0..9, or -1: its packets have no time
    zero_ns      the time that is 0.000000, nanoseconds
    out          uint8[o]    written from its start
    progress     int64[3]    in and out: rows and words already written (begin with zeros). When rows are left and
                             nothing fits, progress[2] is how large `out` must at least be

    Nothing on the wire can raise here: every index comes from the stages before. A wrong one is an IndexError.
    """
    with cython.nogil:
        return write_rows(table, info, info_start, info_len, protocol, names, name_offset, words, word_offset, shown,
                          decimals, zero_ns, out, progress)
