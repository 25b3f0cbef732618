"""What stands in the data of a DNS record: what a row shows of it, and whether it is whole. Compiled.

Each record type has a *layout*, a few letters read from left to right, as Wireshark reads the record:

    1 2 4 6 8   so many bytes            _   skip two bytes without looking
    n   a name          N   a name, which the row shows
    o   the row shows the record's owner name, raw
    s   a length byte and that many bytes
    p   a 16-bit length and that many bytes
    r   all that is left of the record   R   the same, unless nothing is left      e   the same, and stay
    a   as many bytes as the record has  t   character strings until the record ends
    m   windows of a type bitmap         x   one plain bitmap                       K   what the key tag is computed from
    capital and other letters: record types with a grammar of their own, see `special`

Lengths inside a record may contradict the record's own length. Wireshark goes on reading until the message ends, and so
does this: each step moves forward, so a record costs linear time at most once, because the message ends with it.
"""

from array import array

import cython

from sniff.decode import columns

if not cython.compiled:    # compiled, they are cimported in dns_rdata.pxd
    from sniff.decode.dns_names import (
        item,
        lacks,
        read_name,
        show,
        show_ascii,
        show_ipv4,
        show_ipv6,
        show_number,
        show_raw,
    )

MALFORMED = cython.declare(cython.longlong, columns.Suffix.MALFORMED)
NAME_END = cython.declare(cython.Py_ssize_t, 0)
NAME_LEN = cython.declare(cython.Py_ssize_t, 1)
NAME_RAW = cython.declare(cython.Py_ssize_t, 4)
SUFFIX = cython.declare(cython.Py_ssize_t, 3)

_LAYOUTS = {
    3: "on", 4: "on", 6: "Nn44444", 7: "on", 8: "on", 9: "on", 10: "oa", 11: "W", 13: "H", 14: "onn", 16: "t", 17: "onn",
    18: "o_n", 19: "os", 20: "osI", 21: "o_n", 22: "oa", 23: "on", 24: "2114442nR", 25: "211KR", 26: "o2nn", 27: "osss",
    29: "L", 30: "Nx", 35: "P", 36: "k", 37: "221R", 38: "A", 41: "O", 42: "oF", 43: "211r", 44: "11R", 45: "G",
    46: "2114442nR", 47: "Nm", 48: "211Kr", 49: "oa", 50: "112shm", 51: "o112s", 52: "o111r", 55: "oD", 59: "211r",
    60: "211Kr", 61: "a", 62: "42em", 63: "411r", 64: "2nV", 65: "2nV", 99: "t", 104: "28", 105: "24", 106: "28", 107: "2n",
    108: "6", 109: "8", 249: "n4422pp", 250: "n62p22p", 257: "C", 32769: "211r", 65281: "444w", 65282: "444N", 65422: "X",
}
_SMALL = 258          # types below this have their layout in the table, the few above are asked for


def _table() -> "tuple[bytes, array[int]]":
    """All layouts in a row, each ended by NUL, and where each type's begins; `a` for the types nobody decodes."""
    text, starts = b"a\0", []
    for number in [*range(_SMALL), 32769, 65281, 65282, 65422]:
        starts.append(len(text) if number in _LAYOUTS else 0)
        if number in _LAYOUTS:
            text += _LAYOUTS[number].encode() + b"\0"
    return text, array("q", starts)


_TEXT, _STARTS = _table()
LAYOUT = cython.declare(cython.const[cython.uchar][::1], memoryview(_TEXT))
STARTS = cython.declare(cython.const[cython.longlong][::1], memoryview(_STARTS))


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def rest(kind: cython.longlong, data: cython.const[cython.uchar][::1], base: cython.Py_ssize_t, owner: cython.Py_ssize_t,
         rdata: cython.Py_ssize_t, length: cython.longlong, skip: cython.Py_ssize_t, end: cython.Py_ssize_t,
         wire_end: cython.Py_ssize_t, buffer: cython.uchar[::1], scratch: cython.longlong[::1], pool: cython.uchar[::1],
         out: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Check the data of one record and write what the row shows of it; answers the new end of the text.

    kind    record type
    owner, rdata, length  where the owner name and the data begin, and how long the data claims to be
    skip    0, or the index after a first name that was read and shown already
    scratch[SUFFIX]  is set when the message ends inside this record
    """
    step: cython.Py_ssize_t
    at: cython.Py_ssize_t = rdata
    code: cython.longlong
    size: cython.longlong
    suffix: cython.longlong = 0
    if kind < 258:
        step = STARTS[kind]
    elif kind == 32769:
        step = STARTS[258]
    elif kind == 65281:
        step = STARTS[259]
    elif kind == 65282:
        step = STARTS[260]
    elif kind == 65422:
        step = STARTS[261]
    else:
        step = 0
    if skip:
        at = skip
        step += 1
    while suffix == 0:
        code = LAYOUT[step]
        step += 1
        if code == 0:
            break
        if code <= 56:                              # 1 2 4 6 8
            suffix = lacks(at + code - 48, end, wire_end)
            at += code - 48
        elif code == 95:                            # _
            at += 2
        elif code == 110 or code == 78:             # n N
            suffix = read_name(data, base, at, end, wire_end, buffer, scratch)
            at = scratch[NAME_END]
            if code == 78 and suffix == 0:
                pool[out] = 32
                out = show(buffer, 0, scratch[NAME_LEN], pool, out + 1)
        elif code == 111:                           # o
            suffix = read_name(data, base, owner, end, wire_end, buffer, scratch)
            pool[out] = 32
            out = show_raw(buffer, 0, scratch[NAME_RAW], pool, out + 1)
        elif code == 115 or code == 112:            # s p
            suffix = lacks(at + (1 if code == 115 else 2), end, wire_end)
            if suffix == 0:
                size = data[at]
                at += 1
                if code == 112:
                    size = (size << 8) | data[at]
                    at += 1
                suffix = lacks(at + size, end, wire_end) if size else 0
                at += size
        elif code == 97:                            # a
            suffix = item(at, length, end, wire_end)
            at += length
        elif code == 114 or code == 82 or code == 101:   # r R e
            size = rdata + length - at
            if code != 82 or size != 0:
                suffix = item(at, size, end, wire_end)
            if code != 101:
                at += size
        elif code == 116:                           # t
            while suffix == 0 and at != rdata + length:
                suffix = lacks(at + 1, end, wire_end)
                if suffix == 0:
                    size = data[at]
                    suffix = lacks(at + 1 + size, end, wire_end)
                    at += 1 + size
        elif code == 120 or code == 119:            # x w
            if code == 119:
                suffix = _wins(data, at, rdata + length, end, wire_end)
            elif at > rdata + length or rdata + length > end:
                suffix = lacks(end + 1, end, wire_end)
        elif code == 109:                           # m
            suffix = _windows(data, at, rdata + length, end, wire_end)
        elif code == 75:                            # K
            if rdata + length > end and rdata + length >= at:
                if data[at - 1] != 1:
                    suffix = lacks(end + 1, end, wire_end)
                else:           # RSA/MD5 has it in the last bytes but one
                    suffix = lacks(rdata + length - 1, end, wire_end)
        elif code == 104:                           # h
            suffix = lacks(at + 1, end, wire_end)
            if suffix == 0:
                size = data[at]
                if at + 1 + ((8 * size + 4) // 5 * 5 + 7) // 8 > end:
                    suffix = lacks(end + 1, end, wire_end)
                at += 1 + size
        else:
            out = special(code, data, base, at, rdata, length, end, wire_end, buffer, scratch, pool, out)
            suffix = scratch[SUFFIX]
    scratch[SUFFIX] = suffix
    return out


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def _windows(data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t, stop: cython.Py_ssize_t, end: cython.Py_ssize_t,
             wire_end: cython.Py_ssize_t) -> cython.longlong:
    """A type bitmap in windows (RFC 4034 section 4.1.2) up to exactly `stop`."""
    suffix: cython.longlong = 0
    while suffix == 0 and at != stop:
        suffix = lacks(at + 2, end, wire_end)
        if suffix == 0:
            at += 2 + data[at + 1]
            if at > end:
                suffix = lacks(end + 1, end, wire_end)
    return suffix


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def _wins(data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t, stop: cython.Py_ssize_t, end: cython.Py_ssize_t,
          wire_end: cython.Py_ssize_t) -> cython.longlong:
    """Servers of a WINS record: their number, then four bytes each, up to exactly `stop`."""
    servers: cython.longlong
    suffix: cython.longlong = lacks(at + 4, end, wire_end)
    if suffix:
        return suffix
    servers = (cython.cast(cython.longlong, data[at]) << 24) | (cython.cast(cython.longlong, data[at + 1]) << 16) \
        | (cython.cast(cython.longlong, data[at + 2]) << 8) | data[at + 3]
    at += 4
    while suffix == 0 and at != stop and servers > 0:
        at += 4
        suffix = lacks(at, end, wire_end)
        servers -= 1
    return suffix


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def _be16(data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t) -> cython.longlong:
    return (cython.cast(cython.longlong, data[at]) << 8) | data[at + 1]


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def special(code: cython.longlong, data: cython.const[cython.uchar][::1], base: cython.Py_ssize_t, at: cython.Py_ssize_t,
            rdata: cython.Py_ssize_t, length: cython.longlong, end: cython.Py_ssize_t, wire_end: cython.Py_ssize_t,
            buffer: cython.uchar[::1], scratch: cython.longlong[::1], pool: cython.uchar[::1],
            out: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Record types with a grammar of their own. As `rest`; scratch[SUFFIX] is always set."""
    suffix: cython.longlong = 0
    size: cython.longlong
    count: cython.longlong
    i: cython.longlong
    mark: cython.Py_ssize_t
    stop: cython.Py_ssize_t = rdata + length
    if code == 87:                                  # W: WKS
        suffix = lacks(at + 4, end, wire_end)
        if suffix == 0:
            pool[out] = 32
            out = show_ipv4(data, at, pool, out + 1)
            suffix = lacks(at + 5, end, wire_end)
            if suffix == 0 and (at + 5 > stop or stop > end):
                suffix = lacks(end + 1, end, wire_end)
    elif code == 72:                                # H: HINFO
        suffix = lacks(at + 1, end, wire_end)
        if suffix == 0:
            size = data[at]
            suffix = lacks(at + 1 + size, end, wire_end)
            if suffix == 0:
                suffix = lacks(at + 2 + size, end, wire_end)
            if suffix == 0:
                count = data[at + 1 + size]
                suffix = lacks(at + 2 + size + count, end, wire_end)
                if suffix == 0:
                    pool[out] = 32
                    out = show_ascii(data, at + 1, at + 1 + size, size, pool, out + 1)
                    pool[out] = 32
                    out = show_ascii(data, at + 2 + size, at + 2 + size + count, count, pool, out + 1)
    elif code == 73:                                # I: the subaddress of ISDN
        if stop - at > 1:
            suffix = lacks(at + 1, end, wire_end)
            if suffix == 0:
                suffix = lacks(at + 1 + data[at], end, wire_end)
    elif code == 76:                                # L: LOC
        suffix = lacks(at + 1, end, wire_end)
        if suffix == 0 and data[at]:
            suffix = lacks(at + length, end, wire_end)
        elif suffix == 0:
            i = 2
            while suffix == 0 and i <= 16:          # three bytes, then three numbers
                suffix = lacks(at + i, end, wire_end)
                i += 1 if i < 4 else 4
    elif code == 80:                                # P: NAPTR
        suffix = lacks(at + 2, end, wire_end) or lacks(at + 4, end, wire_end)
        mark = at + 4
        i = 0
        while suffix == 0 and i < 3:                # flags, service, expression
            suffix = lacks(mark + 1, end, wire_end)
            if suffix == 0:
                mark += 1 + data[mark]
                suffix = lacks(mark, end, wire_end)
            i += 1
        if suffix == 0:
            suffix = read_name(data, base, mark, end, wire_end, buffer, scratch)
        if suffix == 0:
            pool[out] = 32
            out = show_number(_be16(data, at), pool, out + 1)
            pool[out] = 32
            out = show_number(_be16(data, at + 2), pool, out + 1)
            pool[out] = 32
            out = show_ascii(data, at + 5, at + 5 + data[at + 4], -1, pool, out + 1)
    elif code == 107:                               # k: KX
        suffix = read_name(data, base, at + 2, end, wire_end, buffer, scratch)
        if suffix == 0:
            pool[out] = 32
            out = show_number(_be16(data, at), pool, out + 1)
            pool[out] = 32
            out = show(buffer, 0, scratch[NAME_LEN], pool, out + 1)
    elif code == 65:                                # A: A6
        suffix = lacks(at + 1, end, wire_end)
        if suffix == 0:
            count = data[at]
            size = (128 - count + 7) // 8 if count <= 128 else 16
            if at + 1 + size > end:
                suffix = lacks(end + 1, end, wire_end)
            if suffix == 0 and count:
                suffix = read_name(data, base, at + 1 + size, end, wire_end, buffer, scratch)
            if suffix == 0:
                pool[out] = 32
                out = show_number(count, pool, out + 1)
                pool[out] = 32
                # the name stays at the front of the buffer, the address is put behind it
                for i in range(16):
                    buffer[300 + i] = data[at + 1 + size - 16 + i] if i >= 16 - size else 0
                out = show_ipv6(buffer, 300, pool, out + 1)
                pool[out] = 32
                out += 1
                if count:
                    out = show(buffer, 0, scratch[NAME_LEN], pool, out)
                if count > 128:     # no address is that short: 16 bits went below zero
                    suffix = lacks(at + 1 + (65536 + 128 - count + 7) // 8, end, wire_end)
    elif code == 79:                                # O: OPT
        suffix = _options(data, at, stop, end, wire_end)
    elif code == 70:                                # F: APL
        while suffix == 0 and stop - at > 1:
            suffix = lacks(at + 2, end, wire_end) or lacks(at + 3, end, wire_end) or lacks(at + 4, end, wire_end)
            if suffix == 0:
                at += 4 + (data[at + 3] & 0x7F)
                suffix = lacks(at, end, wire_end)
    elif code == 71:                                # G: IPSECKEY
        suffix = lacks(at + 1, end, wire_end) or lacks(at + 2, end, wire_end) or lacks(at + 3, end, wire_end)
        if suffix == 0:
            size = data[at + 1]
            at += 3
            if size == 1 or size == 2:
                at += 4 if size == 1 else 16
                suffix = lacks(at, end, wire_end)
            elif size == 3:
                suffix = read_name(data, base, at, end, wire_end, buffer, scratch)
                at = scratch[NAME_END]
            if suffix == 0 and at != stop:
                suffix = item(at, stop - at, end, wire_end)
    elif code == 68:                                # D: HIP
        suffix = lacks(at + 1, end, wire_end) or lacks(at + 2, end, wire_end) or lacks(at + 4, end, wire_end)
        if suffix == 0:
            suffix = lacks(at + 4 + data[at], end, wire_end)
            at += 4 + data[at] + _be16(data, at + 2)
            if suffix == 0:
                suffix = lacks(at, end, wire_end)
        while suffix == 0 and stop - at > 1:
            suffix = read_name(data, base, at, end, wire_end, buffer, scratch)
            at = scratch[NAME_END]
    elif code == 86:                                # V: parameters of SVCB and HTTPS
        while suffix == 0 and stop > at:
            suffix = lacks(at + 1, end, wire_end) or lacks(at + 2, end, wire_end) or lacks(at + 4, end, wire_end)
            if suffix:
                break
            count = _be16(data, at)
            size = _be16(data, at + 2)
            at += 4
            if count == 0 or count == 4 or count == 6:
                i = 2 if count == 0 else (4 if count == 4 else 16)
                size = (size + i - 1) // i * i
                while suffix == 0 and size > 0:
                    at += i
                    size -= i
                    suffix = lacks(at, end, wire_end)
            elif count == 1:
                mark = at + size
                while suffix == 0 and at < mark:
                    suffix = lacks(at + 1, end, wire_end)
                    if suffix == 0:
                        at += 1 + data[at]
                        suffix = lacks(at, end, wire_end)
                continue
            elif count == 2:
                continue
            elif count == 3:
                size = 2
            if size:
                suffix = lacks(at + size, end, wire_end)
            at += size
    elif code == 67:                                # C: CAA
        suffix = lacks(at + 1, end, wire_end) or lacks(at + 2, end, wire_end)
        if suffix == 0:
            size = data[at + 1]
            suffix = lacks(at + 2 + size, end, wire_end)
            if suffix == 0:
                suffix = lacks(at + 2 + size + ((length - size - 2) & 0xFFFF), end, wire_end)
    elif code == 88:                                # X: XPF
        suffix = lacks(at + 1, end, wire_end)
        if suffix == 0 and (data[at] == 4 or data[at] == 6):
            i = 4 if data[at] == 4 else 16
            suffix = lacks(at + 2, end, wire_end) or lacks(at + 2 + i, end, wire_end) or lacks(at + 2 + 2 * i, end, wire_end) \
                or lacks(at + 4 + 2 * i, end, wire_end) or lacks(at + 6 + 2 * i, end, wire_end)
    scratch[SUFFIX] = suffix
    return out


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def _options(data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t, stop: cython.Py_ssize_t, end: cython.Py_ssize_t,
             wire_end: cython.Py_ssize_t) -> cython.longlong:
    """Options of an OPT record. An option that is shorter than its kind needs makes Wireshark lose its step; so does this."""
    left: cython.longlong = stop - at
    option: cython.longlong
    size: cython.longlong
    suffix: cython.longlong = 0
    while left > 0 and suffix == 0:
        suffix = lacks(at + 2, end, wire_end) or lacks(at + 4, end, wire_end)
        if suffix:
            break
        option = _be16(data, at)
        size = _be16(data, at + 2)
        suffix = lacks(at + 4 + size, end, wire_end)
        at += 4
        left -= 4 + size
        if suffix:
            break
        if option == 8 or option == 0x50FA:         # client subnet
            suffix = lacks(at + 2, end, wire_end) or lacks(at + 3, end, wire_end) or lacks(at + 4, end, wire_end)
            if suffix == 0:
                suffix = lacks(at + 4 + (size - 4 if 4 <= size <= 20 else 16), end, wire_end)
            if suffix == 0 and _be16(data, at) != 1 and _be16(data, at) != 2:
                suffix = item(at + 4, size - 4, end, wire_end)
        elif option == 10 and size < 8:             # cookie
            suffix = lacks(at + 8, end, wire_end) or lacks(at + 8 + ((size - 8) & 0xFFFF), end, wire_end)
        elif option == 15 and size < 2:             # extended error
            left += size
            continue
        at += size
    return suffix
