# cython: boundscheck=True, wraparound=False
"""Walks the records of a capture file that lie in a buffer, and writes one column entry a packet.

A leaf: bytes in, columns out. It knows pcap records and the three kinds of pcapng packet blocks; everything else
about a file (headers, interfaces, names, damage) is looked at in Python by pcap.py and pcapng.py.

The walkers stop before the first byte they could not use and say why: see FULL, MORE, DAMAGED and BLOCK.
Sources: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng.
"""

import cython

# Rows of the table that the walkers fill: int64[ROWS, n]. The first eight are the columns of a RawBatch in its order.
START = 0
CAPLEN = 1
WIRELEN = 2
TS_NS = 3
INTERFACE = 4
LINK_TYPE = 5
OFFSET = 6
SOURCE = 7
OPTIONS = 8         # pcapng, when there is a comment among the block's options: twice their index in the buffer, plus
                    # one in a big-endian section; else 0
OPTIONS_END = 9     # where they end
ROWS = 10

# Why a walker stopped: state[WHY].
FULL = 0            # the table has no room for another packet
MORE = 1            # the record that begins at state[POSITION] needs state[NEEDED] bytes from there; not all are here
DAMAGED = 2         # no record stands at state[POSITION]; state[NEEDED] is the length it claims, state[FAULT] why
BLOCK = 3           # a pcapng block of state[NEEDED] bytes, all here, for Python to look at: it is no packet, or the first
                    # one without a time
FOUND = 4           # find_pcap and find_pcapng: a record begins at state[POSITION]

POSITION = 0
WHY = 1
NEEDED = 2
FAULT = 3
SKIPPED = 4         # counts up: blocks that were stepped over because nobody knows them
STATE = 5           # entries of `state`

# What is wrong with a record: state[FAULT].
TOO_LONG = 1        # captured length above the bound
SHORT_BLOCK = 2     # a block shorter than its fixed part
LENGTHS_DIFFER = 3  # a block's two total lengths differ
NO_INTERFACE = 4    # the packet names an interface that was not described
PACKET_OUTSIDE = 5  # the packet does not fit in its block
BEYOND_END = 6      # (not by the walkers) the record ends after the file, but others follow within it
BAD_SECTION = 7     # (not by the walkers) a section header block that does not hold together

# What a pcap file header says, int64[FORM].
BIG_ENDIAN = 0
HEADER_LEN = 1      # bytes of a record header: 16, or 24 and 28 in the modified variants
FRACTION_NS = 2     # nanoseconds in one unit of the time stamp's second word
FORM_LINK_TYPE = 3
SWAPPED = 4         # 0: captured length first; 1: wire length first; 2: whichever is smaller is the captured one
MAX_CAPLEN = 5
FORM_SOURCE = 6
STRIP = 7           # bytes of a pseudo header in front of each packet that do not count as part of it
FORM = 8

# What a pcapng interface says, int64[k, IF_FIELDS], one row an interface of the whole file.
IF_LINK_TYPE = 0
IF_MULTIPLY = 1     # nanoseconds in one unit, 0 when the unit is shorter or a power of two
IF_DIVIDE = 2       # units in one nanosecond, when that is a whole number
IF_BITS = 3         # the unit is 2**-IF_BITS seconds, when neither of the others
IF_OFFSET_S = 4     # if_tsoffset
IF_SNAPLEN = 5
IF_MAX_CAPLEN = 6
IF_STRIP = 7        # as STRIP
IF_INDEX = 8        # its row in the source's list of interfaces
IF_UNTIMED = 9      # the row there that packets without a time (simple packet blocks) get, -1 when there is none yet
IF_FIELDS = 10

_START = cython.declare(cython.Py_ssize_t, START)
_CAPLEN = cython.declare(cython.Py_ssize_t, CAPLEN)
_WIRELEN = cython.declare(cython.Py_ssize_t, WIRELEN)
_TS_NS = cython.declare(cython.Py_ssize_t, TS_NS)
_INTERFACE = cython.declare(cython.Py_ssize_t, INTERFACE)
_LINK_TYPE = cython.declare(cython.Py_ssize_t, LINK_TYPE)
_OFFSET = cython.declare(cython.Py_ssize_t, OFFSET)
_SOURCE = cython.declare(cython.Py_ssize_t, SOURCE)
_OPTIONS = cython.declare(cython.Py_ssize_t, OPTIONS)
_OPTIONS_END = cython.declare(cython.Py_ssize_t, OPTIONS_END)
_FULL = cython.declare(cython.longlong, FULL)
_MORE = cython.declare(cython.longlong, MORE)
_DAMAGED = cython.declare(cython.longlong, DAMAGED)
_BLOCK = cython.declare(cython.longlong, BLOCK)
_OWNER = cython.declare(cython.longlong, 0x80736E66)    # our own: owners.py
_FOUND = cython.declare(cython.longlong, FOUND)
_POSITION = cython.declare(cython.Py_ssize_t, POSITION)
_WHY = cython.declare(cython.Py_ssize_t, WHY)
_NEEDED = cython.declare(cython.Py_ssize_t, NEEDED)
_FAULT = cython.declare(cython.Py_ssize_t, FAULT)
_SKIPPED = cython.declare(cython.Py_ssize_t, SKIPPED)
_TOO_LONG = cython.declare(cython.longlong, TOO_LONG)
_SHORT_BLOCK = cython.declare(cython.longlong, SHORT_BLOCK)
_LENGTHS_DIFFER = cython.declare(cython.longlong, LENGTHS_DIFFER)
_NO_INTERFACE = cython.declare(cython.longlong, NO_INTERFACE)
_PACKET_OUTSIDE = cython.declare(cython.longlong, PACKET_OUTSIDE)
_IF_LINK_TYPE = cython.declare(cython.Py_ssize_t, IF_LINK_TYPE)
_IF_MULTIPLY = cython.declare(cython.Py_ssize_t, IF_MULTIPLY)
_IF_DIVIDE = cython.declare(cython.Py_ssize_t, IF_DIVIDE)
_IF_BITS = cython.declare(cython.Py_ssize_t, IF_BITS)
_IF_OFFSET_S = cython.declare(cython.Py_ssize_t, IF_OFFSET_S)
_IF_SNAPLEN = cython.declare(cython.Py_ssize_t, IF_SNAPLEN)
_IF_MAX_CAPLEN = cython.declare(cython.Py_ssize_t, IF_MAX_CAPLEN)
_IF_STRIP = cython.declare(cython.Py_ssize_t, IF_STRIP)
_IF_INDEX = cython.declare(cython.Py_ssize_t, IF_INDEX)
_IF_UNTIMED = cython.declare(cython.Py_ssize_t, IF_UNTIMED)

_MAX_WIRELEN = cython.declare(cython.longlong, 0x7FFFFFFF)     # as Wireshark prints a longer claim

_SECOND = cython.declare(cython.longlong, 1_000_000_000)
_SIGN = cython.declare(cython.longlong, 1 << 31)
_LOW_32 = cython.declare(cython.longlong, 0xFFFFFFFF)
_MAX_SECONDS = cython.declare(cython.longlong, 9_223_372_036)              # whole seconds that fit in int64 nanoseconds
_MAX_NS = cython.declare(cython.longlong, 9_223_372_036_854_775_807)
_MIN_NS = cython.declare(cython.longlong, -9_223_372_036_854_775_807 - 1)
_LOW_WORD = cython.declare(cython.ulonglong, 0xFFFFFFFF)
_FIVE_TO_NINTH = cython.declare(cython.ulonglong, 1_953_125)


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(-1, check=True)
def _u32(data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t, big: cython.bint) -> cython.longlong:
    if big:
        return (cython.cast(cython.longlong, data[at]) << 24 | cython.cast(cython.longlong, data[at + 1]) << 16
                | cython.cast(cython.longlong, data[at + 2]) << 8 | cython.cast(cython.longlong, data[at + 3]))
    return (cython.cast(cython.longlong, data[at]) | cython.cast(cython.longlong, data[at + 1]) << 8
            | cython.cast(cython.longlong, data[at + 2]) << 16 | cython.cast(cython.longlong, data[at + 3]) << 24)


@cython.cfunc
@cython.inline
@cython.nogil
@cython.exceptval(-1, check=True)
def _u16(data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t, big: cython.bint) -> cython.longlong:
    if big:
        return cython.cast(cython.longlong, data[at]) << 8 | cython.cast(cython.longlong, data[at + 1])
    return cython.cast(cython.longlong, data[at]) | cython.cast(cython.longlong, data[at + 1]) << 8


@cython.cfunc
@cython.nogil
@cython.exceptval(-1, check=True)
def _walk_pcap(data: cython.const[cython.uchar][::1], position: cython.Py_ssize_t, end: cython.Py_ssize_t,
               low: cython.Py_ssize_t, base: cython.longlong, form: cython.longlong[::1],
               table: cython.longlong[:, ::1], count: cython.Py_ssize_t,
               state: cython.longlong[::1]) -> cython.Py_ssize_t:
    big: cython.bint = form[0] != 0
    header: cython.Py_ssize_t = form[1]
    fraction_ns: cython.longlong = form[2]
    fraction: cython.longlong
    link_type: cython.longlong = form[3]
    swapped: cython.longlong = form[4]
    max_caplen: cython.longlong = form[5]
    source: cython.longlong = form[6]
    strip: cython.longlong = form[7]
    room: cython.Py_ssize_t = table.shape[1]
    caplen: cython.longlong
    wirelen: cython.longlong
    other: cython.longlong
    skip: cython.longlong
    state[_FAULT] = 0
    while True:
        state[_NEEDED] = header
        if position + header > end:
            state[_WHY] = _MORE
            break
        caplen = _u32(data, position + 8, big)
        wirelen = _u32(data, position + 12, big)
        if swapped != 0 and (swapped == 1 or caplen > wirelen):
            other = caplen
            caplen = wirelen
            wirelen = other
        state[_NEEDED] = header + caplen
        if caplen > max_caplen:
            state[_WHY] = _DAMAGED
            state[_FAULT] = _TOO_LONG
            break
        if position + header + caplen > end:
            state[_WHY] = _MORE
            break
        if count >= room:
            state[_WHY] = _FULL
            break
        skip = strip if strip < caplen else caplen
        wirelen = wirelen - skip if wirelen > skip else 0
        table[_START, count] = position + header + skip - low
        table[_CAPLEN, count] = caplen - skip
        table[_WIRELEN, count] = wirelen if wirelen < _MAX_WIRELEN else _MAX_WIRELEN
        fraction = _u32(data, position + 4, big) * fraction_ns
        if fraction >= _SECOND:         # there is no such time: Wireshark keeps its lower 32 bits, with a sign
            fraction = ((fraction + _SIGN) & _LOW_32) - _SIGN
        table[_TS_NS, count] = _u32(data, position, big) * _SECOND + fraction
        table[_INTERFACE, count] = 0
        table[_LINK_TYPE, count] = link_type
        table[_OFFSET, count] = base + position + header + skip
        table[_SOURCE, count] = source
        count += 1
        position += header + caplen
    state[_POSITION] = position
    return count


@cython.ccall
def walk_pcap(data: cython.const[cython.uchar][::1], position: cython.Py_ssize_t, end: cython.Py_ssize_t,
              low: cython.Py_ssize_t, base: cython.longlong, form: cython.longlong[::1], table: cython.longlong[:, ::1],
              count: cython.Py_ssize_t, state: cython.longlong[::1]) -> cython.Py_ssize_t:
    """How many packets the table holds after the pcap records of `data[position:end]` were added to it.

    data      uint8[m]  the buffer
    low       index in `data` that is 0 for the START column
    base      offset of data[0] in the file
    form      int64[FORM]  what the file header says
    table     int64[ROWS, r]  written from column `count` on
    state     int64[STATE]  written: where the walk stopped and why

    Every input is valid. draft-ietf-opsawg-pcap section 5.
    """
    with cython.nogil:
        count = _walk_pcap(data, position, end, low, base, form, table, count, state)
    return count


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _to_ns(high: cython.longlong, low: cython.longlong, multiply: cython.longlong, divide: cython.longlong,
           bits: cython.longlong, offset_s: cython.longlong) -> cython.longlong:
    """Nanoseconds since 1970 of a pcapng time stamp, rounded down, clamped to int64."""
    units: cython.ulonglong = cython.cast(cython.ulonglong, high) << 32 | cython.cast(cython.ulonglong, low)
    part: cython.ulonglong
    upper: cython.ulonglong
    lower: cython.ulonglong
    ns: cython.longlong
    part_ns: cython.longlong
    if multiply > 0:
        if units > cython.cast(cython.ulonglong, _MAX_NS // multiply):
            ns = _MAX_NS
        else:
            ns = cython.cast(cython.longlong, units) * multiply
    elif divide > 0:
        units = units // cython.cast(cython.ulonglong, divide)
        ns = _MAX_NS if units > cython.cast(cython.ulonglong, _MAX_NS) else cython.cast(cython.longlong, units)
    elif bits > 63:
        ns = 0                      # all 64 bits are a fraction of a second so small that Wireshark gives up, too
    else:
        part = units & ((cython.cast(cython.ulonglong, 1) << cython.cast(cython.ulonglong, bits)) - 1)
        units = units >> cython.cast(cython.ulonglong, bits)
        if units > cython.cast(cython.ulonglong, _MAX_SECONDS):
            ns = _MAX_NS
        else:
            # part * 10**9 >> bits, as part * 5**9 >> (bits - 9) in two halves, so that nothing leaves 64 bits
            upper = (part >> 32) * _FIVE_TO_NINTH
            lower = (part & _LOW_WORD) * _FIVE_TO_NINTH
            if bits < 9:
                lower = part * _FIVE_TO_NINTH << cython.cast(cython.ulonglong, 9 - bits)
            elif bits < 41:
                lower = ((upper << 32) + lower) >> cython.cast(cython.ulonglong, bits - 9)
            else:
                lower = (upper + (lower >> 32)) >> cython.cast(cython.ulonglong, bits - 41)
            ns = cython.cast(cython.longlong, units) * _SECOND
            part_ns = cython.cast(cython.longlong, lower)
            ns = _MAX_NS if part_ns > _MAX_NS - ns else ns + part_ns
    if offset_s == 0 or ns == _MAX_NS:
        return ns
    if offset_s > _MAX_SECONDS or (offset_s > 0 and ns > _MAX_NS - offset_s * _SECOND):
        return _MAX_NS
    if offset_s < -_MAX_SECONDS:
        return _MIN_NS
    return ns + offset_s * _SECOND


@cython.cfunc
@cython.nogil
@cython.exceptval(-1, check=True)
def _has_comment(data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t,
                 big: cython.bint) -> cython.bint:
    """Whether opt_comment (code 1) is among the options in data[at:end]."""
    code: cython.longlong
    while at + 4 <= end:
        code = _u16(data, at, big)
        if code == 1:
            return True
        if code == 0:
            return False
        at += 4 + ((_u16(data, at + 2, big) + 3) & ~3)
    return False


@cython.cfunc
@cython.nogil
@cython.exceptval(-1, check=True)
def _walk_pcapng(data: cython.const[cython.uchar][::1], position: cython.Py_ssize_t, end: cython.Py_ssize_t,
                 low: cython.Py_ssize_t, base: cython.longlong, big: cython.bint, first_interface: cython.longlong,
                 interfaces: cython.longlong[:, ::1], source: cython.longlong, max_block: cython.longlong,
                 table: cython.longlong[:, ::1], count: cython.Py_ssize_t,
                 state: cython.longlong[::1]) -> cython.Py_ssize_t:
    room: cython.Py_ssize_t = table.shape[1]
    known: cython.longlong = interfaces.shape[0]
    kind: cython.longlong
    total: cython.longlong
    fixed: cython.longlong
    caplen: cython.longlong
    wirelen: cython.longlong
    interface: cython.longlong
    index: cython.longlong
    skip: cython.longlong
    options: cython.Py_ssize_t
    tail: cython.Py_ssize_t
    state[_FAULT] = 0
    while True:
        state[_NEEDED] = 12
        if position + 12 > end:
            state[_WHY] = _MORE
            break
        kind = _u32(data, position, big)
        total = _u32(data, position + 4, big)
        if kind == 0x0A0D0D0A:      # a section may change the byte order: Python reads its length
            state[_WHY] = _BLOCK
            break
        state[_NEEDED] = total
        state[_WHY] = _DAMAGED
        if total < 12:
            state[_FAULT] = _SHORT_BLOCK
            break
        if total > max_block:
            state[_FAULT] = _TOO_LONG
            break
        total = (total + 3) & ~3
        state[_NEEDED] = total
        if position + total > end:
            state[_WHY] = _MORE
            break
        tail = position + cython.cast(cython.Py_ssize_t, total) - 4
        if _u32(data, tail, big) != _u32(data, position + 4, big):
            state[_FAULT] = _LENGTHS_DIFFER
            break
        if kind == 6 or kind == 2:
            fixed = 28
        elif kind == 3:
            fixed = 12
        elif kind == 1 or kind == 4 or kind == 5 or kind == 10 or kind == _OWNER:
            state[_WHY] = _BLOCK
            break
        else:
            state[_SKIPPED] += 1
            position = tail + 4
            continue
        if total < fixed + 4:
            state[_FAULT] = _SHORT_BLOCK
            break
        if kind == 6:
            interface = _u32(data, position + 8, big)
        elif kind == 3:
            interface = 0
        else:
            interface = _u16(data, position + 8, big)
        interface += first_interface
        if interface >= known:
            state[_FAULT] = _NO_INTERFACE
            break
        if kind == 3:
            wirelen = _u32(data, position + 8, big)
            # Section 4.4: the captured length is not written, it is min(wire length, snaplen); some writers set no snaplen.
            caplen = wirelen if wirelen < total - 16 else total - 16
            if interfaces[interface, _IF_SNAPLEN] != 0 and interfaces[interface, _IF_SNAPLEN] < caplen:
                caplen = interfaces[interface, _IF_SNAPLEN]
        else:
            caplen = _u32(data, position + 20, big)
            wirelen = _u32(data, position + 24, big)
        if caplen > total - fixed - 4:
            state[_FAULT] = _PACKET_OUTSIDE
            break
        if caplen > interfaces[interface, _IF_MAX_CAPLEN]:
            state[_FAULT] = _TOO_LONG
            break
        if kind == 3:
            index = interfaces[interface, _IF_UNTIMED]
            if index < 0:
                state[_WHY] = _BLOCK
                break
        else:
            index = interfaces[interface, _IF_INDEX]
        if count >= room:
            state[_WHY] = _FULL
            break
        options = position + cython.cast(cython.Py_ssize_t, fixed + ((caplen + 3) & ~3))
        if kind == 3 or options >= tail or not _has_comment(data, options, tail, big):
            options = 0
        skip = interfaces[interface, _IF_STRIP]
        if skip > caplen:
            skip = caplen
        wirelen = wirelen - skip if wirelen > skip else 0
        table[_START, count] = position + fixed + skip - low
        table[_CAPLEN, count] = caplen - skip
        table[_WIRELEN, count] = wirelen if wirelen < _MAX_WIRELEN else _MAX_WIRELEN
        if kind == 3:
            table[_TS_NS, count] = 0
        else:
            table[_TS_NS, count] = _to_ns(
                _u32(data, position + 12, big), _u32(data, position + 16, big), interfaces[interface, _IF_MULTIPLY],
                interfaces[interface, _IF_DIVIDE], interfaces[interface, _IF_BITS], interfaces[interface, _IF_OFFSET_S])
        table[_INTERFACE, count] = index
        table[_LINK_TYPE, count] = interfaces[interface, _IF_LINK_TYPE]
        table[_OFFSET, count] = base + position + fixed + skip
        table[_SOURCE, count] = source
        table[_OPTIONS, count] = 2 * options + 1 if big and options else 2 * options
        table[_OPTIONS_END, count] = tail
        count += 1
        position = tail + 4
    state[_POSITION] = position
    return count


@cython.ccall
def walk_pcapng(data: cython.const[cython.uchar][::1], position: cython.Py_ssize_t, end: cython.Py_ssize_t,
                low: cython.Py_ssize_t, base: cython.longlong, big: cython.bint, first_interface: cython.longlong,
                interfaces: cython.longlong[:, ::1], source: cython.longlong, max_block: cython.longlong,
                table: cython.longlong[:, ::1], count: cython.Py_ssize_t,
                state: cython.longlong[::1]) -> cython.Py_ssize_t:
    """How many packets the table holds after the pcapng packet blocks from `position` on were added to it.

    data             uint8[m]  the buffer
    low, base        as in walk_pcap
    big              byte order of the section
    first_interface  row of `interfaces` that is interface 0 of the section
    interfaces       int64[k, IF_FIELDS]  in the order in which they were described
    max_block        a block that claims more bytes than this is damage
    table, state     as in walk_pcap; the OPTIONS row is written, too

    Every input is valid. draft-ietf-opsawg-pcapng sections 4.3 (EPB), 4.4 (SPB), appendix A (OPB).
    """
    with cython.nogil:
        count = _walk_pcapng(data, position, end, low, base, big, first_interface, interfaces, source, max_block, table,
                             count, state)
    return count


@cython.ccall
def to_ns(high: cython.longlong, low: cython.longlong, multiply: cython.longlong, divide: cython.longlong,
          bits: cython.longlong, offset_s: cython.longlong) -> cython.longlong:
    """Nanoseconds since 1970 of one pcapng time stamp, given its two words and the IF_* fields of its interface."""
    return _to_ns(high, low, multiply, divide, bits, offset_s)


# --- after damage ----------------------------------------------------------------------------------------------------

_CHAIN = cython.declare(cython.Py_ssize_t, 3)               # pcap records in a row that must make sense
_FOUND_CAPLEN = cython.declare(cython.longlong, 262_144)    # the longest packet that is believed while searching
_FOUND_BLOCK = cython.declare(cython.longlong, 1 << 20)     # the longest block that is believed while searching
_DAY = cython.declare(cython.longlong, 86_400)


@cython.cfunc
@cython.nogil
@cython.exceptval(-2, check=True)
def _pcap_record_at(data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t, form: cython.longlong[::1],
                    last_s: cython.longlong) -> cython.longlong:
    """Bytes of the record whose header stands at data[at:], -1 when it makes no sense as one."""
    big: cython.bint = form[0] != 0
    caplen: cython.longlong = _u32(data, at + 8, big)
    wirelen: cython.longlong = _u32(data, at + 12, big)
    seconds: cython.longlong = _u32(data, at, big)
    other: cython.longlong
    if form[4] != 0 and (form[4] == 1 or caplen > wirelen):
        other = caplen
        caplen = wirelen
        wirelen = other
    if caplen < 1 or caplen > wirelen or wirelen > _FOUND_CAPLEN:
        return -1
    if _u32(data, at + 4, big) * form[2] >= _SECOND:
        return -1
    if last_s >= 0 and (seconds < last_s - _DAY or seconds > last_s + 30 * _DAY):
        return -1
    return form[1] + caplen


@cython.cfunc
@cython.nogil
@cython.exceptval(-1, check=True)
def _find_pcap(data: cython.const[cython.uchar][::1], position: cython.Py_ssize_t, end: cython.Py_ssize_t,
               at_end: cython.bint, form: cython.longlong[::1], last_s: cython.longlong,
               state: cython.longlong[::1]) -> cython.int:
    header: cython.Py_ssize_t = form[1]
    at: cython.Py_ssize_t
    step: cython.longlong
    seen: cython.Py_ssize_t
    while position + header <= end:
        at = position
        seen = 0
        step = 0
        while seen < _CHAIN:
            if at + header > end:
                break
            step = _pcap_record_at(data, at, form, last_s)
            if step < 0:
                break
            if at + step > end:
                break
            at += step
            seen += 1
        if step > 0:
            # the chain is long enough, or ran to the very last byte, or ran into bytes that are not here yet
            if seen == _CHAIN or (at_end and seen >= 1 and at == end) or (at_end and seen >= 2):
                state[_POSITION] = position
                state[_WHY] = _FOUND
                return 0
            if not at_end:
                state[_POSITION] = position
                state[_WHY] = _MORE
                state[_NEEDED] = (_FOUND_CAPLEN + header) * (_CHAIN + 1)
                return 0
        position += 1
    state[_POSITION] = position
    state[_WHY] = _MORE
    state[_NEEDED] = header
    return 0


@cython.ccall
def find_pcap(data: cython.const[cython.uchar][::1], position: cython.Py_ssize_t, end: cython.Py_ssize_t,
              at_end: cython.bint, form: cython.longlong[::1], last_s: cython.longlong,
              state: cython.longlong[::1]) -> cython.int:
    """Look for pcap records in `data[position:end]` after damage.

    A place is believed when three records in a row make sense, or fewer that end with the file: captured length between
    1 and 256 KiB and not above the wire length, a fraction below one second, and a time near `last_s`.

    at_end    there are no bytes after `end`
    last_s    seconds of the last good time stamp, -1 when there is none
    state     written: FOUND and where, or MORE and where to go on looking

    Linear: each place costs at most three headers.
    """
    with cython.nogil:
        _find_pcap(data, position, end, at_end, form, last_s, state)
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-2, check=True)
def _block_at(data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t, big: cython.bint,
              known: cython.bint) -> cython.longlong:
    """Bytes of the block at data[at:], -1 when none stands there. There are at least 12 bytes from `at` to `end`.

    known  only of a type that has a name; of others the two lengths must be in sight
    """
    kind: cython.longlong = _u32(data, at, big)
    total: cython.longlong
    least: cython.longlong
    if kind == 0x0A0D0D0A:
        if _u32(data, at + 8, False) == 0x1A2B3C4D:
            big = False
        elif _u32(data, at + 8, True) == 0x1A2B3C4D:
            big = True
        else:
            return -1
        least = 28
    elif kind == 6 or kind == 2:
        least = 32
    elif kind == 1 or kind == 10:
        least = 20
    elif kind == 5:
        least = 24
    elif kind == 3 or kind == 4 or kind == 0xBAD or kind == 0x40000BAD:
        least = 16
    else:
        least = 12
        if known or at + _u32(data, at + 4, big) > end:
            return -1
    total = _u32(data, at + 4, big)
    if total < least or total > _FOUND_BLOCK or total & 3:
        return -1
    if at + total <= end:
        if _u32(data, at + cython.cast(cython.Py_ssize_t, total) - 4, big) != total:
            return -1
        if (kind == 6 or kind == 2) and _u32(data, at + 20, big) > total - 32:
            return -1
    return total


@cython.cfunc
@cython.nogil
@cython.exceptval(-1, check=True)
def _find_pcapng(data: cython.const[cython.uchar][::1], position: cython.Py_ssize_t, end: cython.Py_ssize_t,
                 at_end: cython.bint, big: cython.bint, state: cython.longlong[::1]) -> cython.int:
    total: cython.longlong
    after: cython.Py_ssize_t
    kind: cython.longlong
    order: cython.bint
    while position + 12 <= end:
        total = _block_at(data, position, end, big, True)
        if total > 0:
            after = position + cython.cast(cython.Py_ssize_t, total)
            kind = _u32(data, position, big)
            if (kind == 6 or kind == 2) and after <= end:       # lengths that agree in three places are enough
                state[_POSITION] = position
                state[_WHY] = _FOUND
                return 0
            if after + 12 > end and not at_end:
                state[_POSITION] = position
                state[_WHY] = _MORE
                state[_NEEDED] = total + 12
                return 0
            order = big                             # of a section that begins here, its own
            if kind == 0x0A0D0D0A:
                order = _u32(data, position + 8, True) == 0x1A2B3C4D
            if after == end or (after + 12 <= end and _block_at(data, after, end, order, False) > 0):
                state[_POSITION] = position
                state[_WHY] = _FOUND
                return 0
        position += 1
    state[_POSITION] = position
    state[_WHY] = _MORE
    state[_NEEDED] = 12
    return 0


@cython.ccall
def find_pcapng(data: cython.const[cython.uchar][::1], position: cython.Py_ssize_t, end: cython.Py_ssize_t,
                at_end: cython.bint, big: cython.bint, state: cython.longlong[::1]) -> cython.int:
    """Look for a pcapng block in `data[position:end]` after damage.

    A place is believed when a block of a known type stands there whose two lengths agree, and which either holds a packet
    that fits, or is followed by another block or by the end of the file. Arguments as in find_pcap and walk_pcapng. Linear.
    """
    with cython.nogil:
        _find_pcapng(data, position, end, at_end, big, state)
    return 0
