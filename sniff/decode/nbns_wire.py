"""Rows of NBNS, NetBIOS names over UDP (RFC 1002 section 4.2), in Wireshark's words. Compiled.

The messages look like DNS, their names are 16 bytes written as 32 letters, the last byte being the kind of service.
"""

from array import array

import cython

from sniff.decode import dns_names

if not cython.compiled:     # compiled, nbns_wire.pxd names them
    from sniff.decode.dns_names import item, lacks, read_name, show_ipv4

NAME_END = cython.declare(cython.Py_ssize_t, 0)
NAME_LEN = cython.declare(cython.Py_ssize_t, 1)
SUFFIX = cython.declare(cython.Py_ssize_t, 3)
SCRATCH_SIZE = dns_names.SCRATCH
WAIT = cython.declare(cython.longlong, 7)       # opcode: wait for acknowledgment
NAME = cython.declare(cython.Py_ssize_t, 16)    # bytes of a NetBIOS name


def _table(words: dict[int, str], other: str) -> "tuple[bytes, array[int]]":
    """(one text, place << 8 | length of the words for 0 to 15)."""
    text, places = b"", array("q")
    for number in range(16):
        word = words.get(number, other.format(number)).encode()
        places.append(len(text) << 8 | len(word))
        text += word
    return text, places


_OPCODES, _OPCODE_PLACES = _table(
    {0: "Name query", 5: "Registration", 6: "Release", 7: "Wait for acknowledgment", 8: "Refresh",
     9: "Refresh (alternate opcode)", 15: "Multi-homed registration"}, "Unknown operation ({})")
_STATUSES, _STATUS_PLACES = _table(
    {0: "", 1: ", Request was invalidly formatted", 2: ", Server failure", 3: ", Requested name does not exist",
     4: ", Request is not implemented", 5: ", Request was refused", 6: ", Name is owned by another node",
     7: ", Name is in conflict"}, ", Unknown error")
_PHRASES = (
    " response", " NB", " NBSTAT", " Unknown",
    " Illegal NetBIOS name (1st character not between A and Z in first-level encoding)",
    " Illegal NetBIOS name (odd number of bytes)",
    " Illegal NetBIOS name (2nd character not between A and Z in first-level encoding)",
    " Illegal NetBIOS name (", " bytes long)")
_PHRASE_TEXT, _PHRASE_PLACES = _table(dict(enumerate(_PHRASES)), "")
OPCODES = cython.declare(cython.const[cython.uchar][::1], memoryview(_OPCODES))
OPCODE_PLACES = cython.declare(cython.const[cython.longlong][::1], memoryview(_OPCODE_PLACES))
STATUSES = cython.declare(cython.const[cython.uchar][::1], memoryview(_STATUSES))
STATUS_PLACES = cython.declare(cython.const[cython.longlong][::1], memoryview(_STATUS_PLACES))
PHRASES = cython.declare(cython.const[cython.uchar][::1], memoryview(_PHRASE_TEXT))
PHRASE_PLACES = cython.declare(cython.const[cython.longlong][::1], memoryview(_PHRASE_PLACES))
HEX = cython.declare(cython.const[cython.uchar][::1], memoryview(b"0123456789abcdef"))
SIZES = cython.declare(cython.const[cython.uchar][::1], memoryview(b"\6\1\1\2\2\2\2\2\2\4\4\2\2\2\2\2\2\2"))
SIZE_COUNT = cython.declare(cython.Py_ssize_t, 18)


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def _put(text: cython.const[cython.uchar][::1], place: cython.longlong, pool: cython.uchar[::1],
         out: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Write words by their place << 8 | length."""
    i: cython.longlong
    for i in range(place >> 8, (place >> 8) + (place & 255)):
        pool[out] = text[i]
        out += 1
    return out


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def _put_byte(value: cython.longlong, pool: cython.uchar[::1], out: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Write `<1c>`."""
    pool[out] = 60
    pool[out + 1] = HEX[value >> 4 & 15]
    pool[out + 2] = HEX[value & 15]
    pool[out + 3] = 62
    return out + 4


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def _put_name(buffer: cython.uchar[::1], length: cython.Py_ssize_t, pool: cython.uchar[::1],
              out: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Write the NetBIOS name that the first `length` bytes of the buffer encode, or what is wrong with it.

    The decoded bytes are put behind the encoded ones.
    """
    i: cython.Py_ssize_t
    at: cython.Py_ssize_t = 0
    count: cython.Py_ssize_t = 0
    first: cython.longlong
    second: cython.longlong
    last: cython.Py_ssize_t
    while at < length and buffer[at] != 46 and buffer[at] != 0:
        first = buffer[at]
        if first < 65 or first > 90:
            return _put(PHRASES, PHRASE_PLACES[4], pool, out)
        second = buffer[at + 1] if at + 1 < length else 0
        if second == 0 or second == 46:
            return _put(PHRASES, PHRASE_PLACES[5], pool, out)
        if second < 65 or second > 90:
            return _put(PHRASES, PHRASE_PLACES[6], pool, out)
        if count < NAME:
            buffer[300 + count] = (((first - 65) << 4) | (second - 65)) & 255
            count += 1
        at += 2
    if count != NAME:
        out = _put(PHRASES, PHRASE_PLACES[7], pool, out)
        if count > 9:
            pool[out] = 48 + count // 10
            out += 1
        pool[out] = 48 + count % 10
        return _put(PHRASES, PHRASE_PLACES[8], pool, out + 1)
    pool[out] = 32
    out += 1
    last = NAME - 2         # spaces at the end are not shown, unless there is nothing else
    while last >= 0 and buffer[300 + last] == 32:
        last -= 1
    if last < 0:
        last = NAME - 2
    for i in range(last + 1):
        if 32 <= buffer[300 + i] < 127:
            pool[out] = buffer[300 + i]
            out += 1
        else:
            out = _put_byte(buffer[300 + i], pool, out)
    out = _put_byte(buffer[300 + NAME - 1], pool, out)
    while at < length and buffer[at] != 0:      # the scope
        if 32 <= buffer[at] < 127 or buffer[at] > 127:
            pool[out] = buffer[at]
            out += 1
        else:
            pool[out] = 92
            pool[out + 1] = 48 + (buffer[at] >> 6)
            pool[out + 2] = 48 + (buffer[at] >> 3 & 7)
            pool[out + 3] = 48 + (buffer[at] & 7)
            out += 4
        at += 1
    return out


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def _status(data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t, length: cython.longlong, end: cython.Py_ssize_t,
            wire_end: cython.Py_ssize_t) -> cython.longlong:
    """Suffix of a row with the answer to a status query: names, then numbers of the adapter, as far as `length` says."""
    names: cython.longlong
    i: cython.Py_ssize_t
    suffix: cython.longlong
    if length < 1:
        return item(at, length, end, wire_end)
    suffix = lacks(at + 1, end, wire_end)
    if suffix:
        return suffix
    names = data[at]
    at += 1
    while names > 0:
        if length < NAME:
            return item(at, length, end, wire_end)
        at += NAME
        length -= NAME
        suffix = lacks(at, end, wire_end)
        if suffix:
            return suffix
        if length < 2:
            return item(at, length, end, wire_end)
        at += 2
        length -= 2
        suffix = lacks(at, end, wire_end)
        if suffix:
            return suffix
        names -= 1
    for i in range(SIZE_COUNT):
        if length < SIZES[i]:
            return item(at, length, end, wire_end)
        at += SIZES[i]
        length -= SIZES[i]
        suffix = lacks(at, end, wire_end)
        if suffix:
            return suffix
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def nbns_row(data: cython.const[cython.uchar][::1], base: cython.Py_ssize_t, end: cython.Py_ssize_t, wire_end: cython.Py_ssize_t,
             pool: cython.uchar[::1], out: cython.Py_ssize_t, full: cython.Py_ssize_t, buffer: cython.uchar[::1],
             scratch: cython.longlong[::1]) -> cython.Py_ssize_t:
    """Write the Info of the message data[base:end]; answers the end of the text, and scratch[SUFFIX] how it ends.

    full  nothing more is written from here on
    """
    at: cython.Py_ssize_t = base + 12
    flags: cython.longlong
    opcode: cython.longlong
    questions: cython.longlong
    answers: cython.longlong
    total: cython.longlong
    turn: cython.longlong = 0
    kind: cython.longlong
    length: cython.longlong
    told: cython.bint
    suffix: cython.longlong
    i: cython.Py_ssize_t
    scratch[SUFFIX] = lacks(base + 2, end, wire_end) or lacks(base + 4, end, wire_end)
    if scratch[SUFFIX]:
        return out
    flags = (cython.cast(cython.longlong, data[base + 2]) << 8) | data[base + 3]
    opcode = flags >> 11 & 15
    out = _put(OPCODES, OPCODE_PLACES[opcode], pool, out)
    if flags & 0x8000:
        out = _put(PHRASES, PHRASE_PLACES[0], pool, out)
        out = _put(STATUSES, STATUS_PLACES[flags & 15], pool, out)
    i = base + 6
    while i <= base + 12 and i <= end:
        i += 2
    if i <= base + 12:
        scratch[SUFFIX] = lacks(i, end, wire_end)
        return out
    questions = (cython.cast(cython.longlong, data[base + 4]) << 8) | data[base + 5]
    answers = (cython.cast(cython.longlong, data[base + 6]) << 8) | data[base + 7]
    total = questions + answers + ((cython.cast(cython.longlong, data[base + 8]) << 8) | data[base + 9]) \
        + ((cython.cast(cython.longlong, data[base + 10]) << 8) | data[base + 11])
    suffix = 0
    while turn < total and suffix == 0 and out < full:
        suffix = read_name(data, base, at, end, wire_end, buffer, scratch)
        if suffix:
            break
        at = scratch[NAME_END]
        suffix = lacks(at + 2, end, wire_end) or lacks(at + 4, end, wire_end)
        if suffix:
            break
        kind = (cython.cast(cython.longlong, data[at]) << 8) | data[at + 1]
        kind = 1 if kind == 32 else (2 if kind == 33 else 3)
        at += 4
        if turn < questions:
            if not flags & 0x8000:
                out = _put(PHRASES, PHRASE_PLACES[kind], pool, out)
                out = _put_name(buffer, scratch[NAME_LEN], pool, out)
            turn += 1
            continue
        told = flags & 0x8000 != 0 and turn < questions + answers
        turn += 1
        suffix = lacks(at + 4, end, wire_end) or lacks(at + 6, end, wire_end)
        if suffix:
            break
        length = (cython.cast(cython.longlong, data[at + 4]) << 8) | data[at + 5]
        at += 6
        if kind == 1:
            if told and opcode != WAIT:
                suffix = lacks(at + 6, end, wire_end)
                if suffix:
                    break
                out = _put(PHRASES, PHRASE_PLACES[1], pool, out)
                pool[out] = 32
                out = show_ipv4(data, at + 2, pool, out + 1)
            while length > 0 and suffix == 0:
                if length < 2:
                    suffix = item(at, length, end, wire_end)
                    break
                at += 2
                length -= 2
                suffix = lacks(at, end, wire_end)
                if opcode != WAIT and suffix == 0:
                    if length < 4:
                        suffix = item(at, length, end, wire_end)
                        break
                    at += 4
                    length -= 4
                    suffix = lacks(at, end, wire_end)
        else:
            if told:
                out = _put(PHRASES, PHRASE_PLACES[kind], pool, out)
            if kind == 2:
                suffix = _status(data, at, length, end, wire_end)
                at = _after_status(data, at, length, end)
            else:
                at += length
    if out > full:
        out = full
    scratch[SUFFIX] = suffix
    return out


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def _after_status(data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t, length: cython.longlong,
                  end: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Where Wireshark goes on after a status record: behind the fields that it read."""
    names: cython.longlong
    i: cython.Py_ssize_t
    if length < 1 or at >= end:
        return at
    names = data[at]
    at += 1
    while names > 0:
        if length < NAME:
            return at
        at += NAME
        length -= NAME
        if length < 2:
            return at
        at += 2
        length -= 2
        names -= 1
    for i in range(SIZE_COUNT):
        if length < SIZES[i]:
            return at
        at += SIZES[i]
        length -= SIZES[i]
    return at
