"""Rows of DNS, MDNS, LLMNR and NBNS packets: the words of Wireshark's Info column, written straight into the text pool. Compiled.

A row is `OPCODE[ response] 0xID[ STATUS]` and one piece per question and record. The loop below reads and writes what
nearly all messages are made of; everything rarer is asked from dns_names.py and dns_rdata.py.
"""

from array import array

import cython

from sniff.decode import columns, dns_constants, udp_ports
from sniff.packets import columns as packet_columns

if not cython.compiled:    # compiled, they are cimported in dns_wire.pxd
    from sniff.decode.dns_names import lacks, read_name, show, show_ipv6
    from sniff.decode.dns_rdata import rest
    from sniff.decode.nbns_wire import nbns_row

# --- columns ----------------------------------------------------------------------------------------------------------------
KIND = cython.declare(cython.Py_ssize_t, packet_columns.KIND)
PAYLOAD = cython.declare(cython.Py_ssize_t, packet_columns.PAYLOAD)
PAYLOAD_LEN = cython.declare(cython.Py_ssize_t, packet_columns.PAYLOAD_LEN)
PAYLOAD_WIRE = cython.declare(cython.Py_ssize_t, packet_columns.PAYLOAD_WIRE)
SRC_PORT = cython.declare(cython.Py_ssize_t, packet_columns.SRC_PORT)
DST_PORT = cython.declare(cython.Py_ssize_t, packet_columns.DST_PORT)
UDP = cython.declare(cython.longlong, packet_columns.Kind.UDP)

APP_PROTOCOL = cython.declare(cython.Py_ssize_t, columns.APP_PROTOCOL)
APP_MODE = cython.declare(cython.Py_ssize_t, columns.APP_MODE)
APP_TEXT = cython.declare(cython.Py_ssize_t, columns.APP_TEXT)
APP_TEXT_LEN = cython.declare(cython.Py_ssize_t, columns.APP_TEXT_LEN)
APP_SUFFIX = cython.declare(cython.Py_ssize_t, columns.APP_SUFFIX)
MODE_TEXT = cython.declare(cython.longlong, columns.Mode.TEXT)
DNS = cython.declare(cython.longlong, columns.Protocol.DNS)
MDNS = cython.declare(cython.longlong, columns.Protocol.MDNS)
LLMNR = cython.declare(cython.longlong, columns.Protocol.LLMNR)
NBNS = cython.declare(cython.longlong, columns.Protocol.NBNS)
P_UDP = cython.declare(cython.longlong, columns.Protocol.UDP)
CUT = cython.declare(cython.longlong, columns.Suffix.CUT)

# --- words ------------------------------------------------------------------------------------------------------------------
STANDARD = cython.declare(cython.const[cython.uchar][::1], memoryview(dns_constants.STANDARD))
STANDARD_RESPONSE = cython.declare(cython.const[cython.uchar][::1], memoryview(dns_constants.STANDARD_RESPONSE))
WORDS = cython.declare(cython.const[cython.uchar][::1], memoryview(dns_constants.WORDS))
OPCODES = cython.declare(cython.const[cython.longlong][::1], memoryview(dns_constants.OPCODES))
STATUSES = cython.declare(cython.const[cython.longlong][::1], memoryview(dns_constants.STATUSES))
TYPES = cython.declare(cython.const[cython.longlong][::1], memoryview(dns_constants.TYPES))
SMALL_TYPES = cython.declare(cython.longlong, dns_constants.SMALL_TYPES)
PHRASES = cython.declare(cython.const[cython.longlong][::1], memoryview(dns_constants.PHRASES))
RESPONSE = cython.declare(cython.longlong, dns_constants.RESPONSE)
UNKNOWN_OPERATION = cython.declare(cython.longlong, dns_constants.UNKNOWN_OPERATION)
UNKNOWN_ERROR = cython.declare(cython.longlong, dns_constants.UNKNOWN_ERROR)
UNKNOWN_TYPE = cython.declare(cython.longlong, dns_constants.UNKNOWN_TYPE)
QM_QUESTION = cython.declare(cython.longlong, dns_constants.QM_QUESTION)
CACHE_FLUSH = cython.declare(cython.longlong, dns_constants.CACHE_FLUSH)
PORTS = cython.declare(cython.const[cython.uchar][::1], memoryview(udp_ports.OWNERS))

MOST = cython.declare(cython.Py_ssize_t, 4095)      # bytes of an Info cell
ROOM = cython.declare(cython.Py_ssize_t, 8192)      # bytes of the pool that a row may need while it is written
NAME_END = cython.declare(cython.Py_ssize_t, 0)
NAME_LEN = cython.declare(cython.Py_ssize_t, 1)
BUDGET = cython.declare(cython.Py_ssize_t, 2)
SUFFIX = cython.declare(cython.Py_ssize_t, 3)
SCRATCH = cython.declare(cython.Py_ssize_t, 8)
BUFFER = cython.declare(cython.Py_ssize_t, 512)
HEX = cython.declare(cython.const[cython.uchar][::1], memoryview(b"0123456789abcdef"))


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def _words(number: cython.longlong, pool: cython.uchar[::1], out: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Write the words that `number` stands for: their place and length in WORDS."""
    i: cython.longlong
    for i in range(number >> 8, (number >> 8) + (number & 255)):
        pool[out] = WORDS[i]
        out += 1
    return out


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def _unknown(phrase: cython.longlong, number: cython.longlong, pool: cython.uchar[::1],
             out: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Write such as `Unknown (1234)`."""
    divisor: cython.longlong = 10000
    out = _words(PHRASES[phrase], pool, out)
    while divisor > 1 and number < divisor:
        divisor //= 10
    while divisor > 0:
        pool[out] = 48 + number // divisor % 10
        out += 1
        divisor //= 10
    pool[out] = 41
    return out + 1


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def _opening(flags: cython.longlong, pool: cython.uchar[::1], out: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Write the first words of a message that is no standard query, up to `0x`."""
    opcode: cython.longlong = flags >> 11 & 15
    if OPCODES[opcode]:
        out = _words(OPCODES[opcode], pool, out)
    else:
        out = _unknown(UNKNOWN_OPERATION, opcode, pool, out)
    if flags & 0x8000:
        out = _words(PHRASES[RESPONSE], pool, out)
    pool[out] = 32
    pool[out + 1] = 48
    pool[out + 2] = 120
    return out + 3


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def _type(kind: cython.longlong, pool: cython.uchar[::1], out: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Write a space and the name of a record type that is not in the small table, or not known at all."""
    i: cython.longlong
    for i in range(SMALL_TYPES, TYPES.shape[0] - 1, 2):
        if TYPES[i] == kind:
            return _words(TYPES[i + 1], pool, out)
    return _unknown(UNKNOWN_TYPE, kind, pool, out)


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def _row(data: cython.const[cython.uchar][::1], base: cython.Py_ssize_t, end: cython.Py_ssize_t, wire_end: cython.Py_ssize_t,
         mdns: cython.bint, pool: cython.uchar[::1], out: cython.Py_ssize_t, buffer: cython.uchar[::1],
         scratch: cython.longlong[::1]) -> cython.Py_ssize_t:
    """Write the Info of the message data[base:end]; answers the end of the text, and scratch[SUFFIX] how it ends.

    wire_end  where the message ends by its headers; beyond `end` when the capture cut it
    pool      ROOM bytes are free behind `out`
    """
    full: cython.Py_ssize_t = out + MOST
    at: cython.Py_ssize_t
    owner: cython.Py_ssize_t
    here: cython.Py_ssize_t
    name: cython.Py_ssize_t
    before: cython.Py_ssize_t
    mark: cython.Py_ssize_t
    after: cython.Py_ssize_t
    known: cython.Py_ssize_t = -1       # a place that a pointer may point to: a name was read there
    known_too: cython.Py_ssize_t = -1
    i: cython.longlong
    c: cython.longlong
    odd: cython.longlong
    size: cython.longlong
    flags: cython.longlong
    kind: cython.longlong
    length: cython.longlong
    number: cython.longlong
    turn: cython.longlong
    questions: cython.longlong
    total: cython.longlong
    suffix: cython.longlong
    scratch[SUFFIX] = 0
    if base + 4 > end:
        scratch[SUFFIX] = lacks(base + 2, end, wire_end) or lacks(base + 4, end, wire_end)
        return out
    flags = (cython.cast(cython.longlong, data[base + 2]) << 8) | data[base + 3]
    if flags & 0x7800:
        out = _opening(flags, pool, out)
    elif flags & 0x8000:
        for i in range(STANDARD_RESPONSE.shape[0]):
            pool[out + i] = STANDARD_RESPONSE[i]
        out += STANDARD_RESPONSE.shape[0]
    else:
        for i in range(STANDARD.shape[0]):
            pool[out + i] = STANDARD[i]
        out += STANDARD.shape[0]
    pool[out] = HEX[data[base] >> 4]
    pool[out + 1] = HEX[data[base] & 15]
    pool[out + 2] = HEX[data[base + 1] >> 4]
    pool[out + 3] = HEX[data[base + 1] & 15]
    out += 4
    if flags & 0x8000 and flags & 15:
        if STATUSES[flags & 15]:
            out = _words(STATUSES[flags & 15], pool, out)
        else:
            out = _unknown(UNKNOWN_ERROR, flags & 15, pool, out)
    if base + 12 > end:
        i = base + 6
        while i <= end:
            i += 2
        scratch[SUFFIX] = lacks(i, end, wire_end)
        return out
    questions = (cython.cast(cython.longlong, data[base + 4]) << 8) | data[base + 5]
    total = questions + ((cython.cast(cython.longlong, data[base + 6]) << 8) | data[base + 7]) \
        + ((cython.cast(cython.longlong, data[base + 8]) << 8) | data[base + 9]) \
        + ((cython.cast(cython.longlong, data[base + 10]) << 8) | data[base + 11])
    at = base + 12
    suffix = 0
    if total == 0 and flags & 0x7800 == 0x3000:
        suffix = _stateful(data, at, end, wire_end)
        at = end
    scratch[BUDGET] = 64 * (end - base) + 16384
    turn = 0
    while turn < total and suffix == 0 and out < full:
        # --- over the owner's name ---
        owner = at
        while True:
            if at >= end:
                suffix = lacks(at + 1 if at == owner else end + 1, end, wire_end)
                break
            c = data[at]
            if c == 0:
                if known < 0:
                    known = owner
                elif at > owner:
                    known_too = owner
                at += 1
                break
            if c < 0x40:
                at += 1 + c
                continue
            if c >= 0xC0 and at + 1 < end:
                here = base + (((c & 0x3F) << 8) | data[at + 1])
                if here == known or here == known_too:
                    at += 2
                    break
            else:
                here = -1
            suffix = read_name(data, base, owner, end, wire_end, buffer, scratch)
            if scratch[NAME_END] == at + 2 and suffix == 0 and here >= 0 and here != at + 4:
                known_too = here
            at = scratch[NAME_END]
            break
        if suffix:
            break
        # --- its type, and what the row says after it ---
        name = -1
        if turn < questions:
            if at + 4 > end:
                suffix = lacks(at + 2, end, wire_end) or lacks(at + 4, end, wire_end)
                break
            kind = (cython.cast(cython.longlong, data[at]) << 8) | data[at + 1]
            at += 4
            mark = out
            name = owner
        else:
            if at + 10 > end:
                suffix = lacks(at + 2, end, wire_end) or lacks(at + 4, end, wire_end) or lacks(at + 10, end, wire_end)
                break
            kind = (cython.cast(cython.longlong, data[at]) << 8) | data[at + 1]
            mark = out
        if kind < SMALL_TYPES and TYPES[kind]:
            number = TYPES[kind]
            for i in range(number >> 8, (number >> 8) + (number & 255)):
                pool[out] = WORDS[i]
                out += 1
        else:
            out = _type(kind, pool, out)
        length = 0
        here = at
        if name < 0:
            if mdns and data[at + 2] & 0x80:
                out = _words(PHRASES[CACHE_FLUSH], pool, out)
            length = (cython.cast(cython.longlong, data[at + 8]) << 8) | data[at + 9]
            here = at + 10
            at = here + length
            mark = out
            if length:
                if kind == 1:
                    if here + 4 > end:
                        suffix = lacks(here + 4, end, wire_end)
                        break
                    for i in range(4):
                        c = data[here + i]
                        pool[out] = 46 if i else 32
                        out += 1
                        if c > 99:
                            pool[out] = 48 + c // 100
                            out += 1
                        if c > 9:
                            pool[out] = 48 + c // 10 % 10
                            out += 1
                        pool[out] = 48 + c % 10
                        out += 1
                elif kind == 28:
                    if here + 16 > end:
                        suffix = lacks(here + 16, end, wire_end)
                        break
                    pool[out] = 32
                    out = show_ipv6(data, here, pool, out + 1)
                elif kind == 5 or kind == 2 or kind == 12 or kind == 6 or kind == 47 or kind == 39 or kind == 30:
                    name = here
                elif kind == 15 or kind == 33:
                    size = 2 if kind == 15 else 6
                    if here + size > end:
                        suffix = lacks(here + 2, end, wire_end) or lacks(here + 4, end, wire_end) \
                            or lacks(here + size, end, wire_end)
                        break
                    name = here + size
                    while here < name:
                        number = (cython.cast(cython.longlong, data[here]) << 8) | data[here + 1]
                        here += 2
                        pool[out] = 32
                        out += 1
                        if number > 9999:
                            pool[out] = 48 + number // 10000
                            out += 1
                        if number > 999:
                            pool[out] = 48 + number // 1000 % 10
                            out += 1
                        if number > 99:
                            pool[out] = 48 + number // 100 % 10
                            out += 1
                        if number > 9:
                            pool[out] = 48 + number // 10 % 10
                            out += 1
                        pool[out] = 48 + number % 10
                        out += 1
                else:
                    out = rest(kind, data, base, owner, here, length, 0, end, wire_end, buffer, scratch, pool, out)
                    suffix = scratch[SUFFIX]
        # --- a name ---
        if name >= 0:
            before = out
            pool[out] = 32
            out += 1
            after = -1
            size = 0            # bytes of the name with a byte for each dot; the last is taken back
            odd = 0
            here = name
            i = 0               # pointers followed
            while True:
                if here >= end:
                    odd = 1
                    break
                c = data[here]
                here += 1
                if c == 0:
                    break
                if c < 0x40:
                    size += c + 1
                    if size > 254 or here + c > end:
                        odd = 1
                        break
                    while c:
                        number = data[here]
                        pool[out] = number
                        odd |= number < 32 or number > 126
                        out += 1
                        here += 1
                        c -= 1
                    pool[out] = 46
                    out += 1
                elif c >= 0xC0 and i < 8 and here < end:
                    if after < 0:
                        after = here + 1
                    number = base + (((c & 0x3F) << 8) | data[here])
                    if number == here + 3:
                        odd = 1
                        break
                    here = number
                    i += 1
                else:
                    odd = 1
                    break
            if odd or size == 0:
                suffix = read_name(data, base, name, end, wire_end, buffer, scratch)    # not plain: read it with care
                if suffix:
                    out = mark
                    break
                out = show(buffer, 0, scratch[NAME_LEN], pool, before + 1)
                after = scratch[NAME_END]
            else:
                out -= 1
                if after < 0:
                    after = here
            if turn < questions:
                if mdns:
                    out = _words(PHRASES[QM_QUESTION], pool, out)
                    if data[at - 2] & 0x80:
                        pool[out - 11] = 85
            elif kind == 6 or kind == 47 or kind == 30:
                out = rest(kind, data, base, owner, at - length, length, after, end, wire_end, buffer, scratch, pool, out)
                suffix = scratch[SUFFIX]
        turn += 1
    if out > full:
        out = full
    elif suffix == 0 and at < wire_end and out < full:
        suffix = lacks(wire_end, end, wire_end)
    scratch[SUFFIX] = suffix
    return out


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def _stateful(data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t,
              wire_end: cython.Py_ssize_t) -> cython.longlong:
    """Suffix of a message of DNS Stateful Operations (RFC 8490): type, length and value until it ends."""
    kind: cython.longlong
    size: cython.longlong
    suffix: cython.longlong = lacks(at + 1, end, wire_end)
    while suffix == 0 and wire_end - at >= 4:
        suffix = lacks(at + 4, end, wire_end)
        if suffix == 0:
            kind = (cython.cast(cython.longlong, data[at]) << 8) | data[at + 1]
            size = (cython.cast(cython.longlong, data[at + 2]) << 8) | data[at + 3]
            suffix = lacks(at + 4 + size, end, wire_end)
            if kind == 1:
                size = 8
            elif kind == 2:
                size = 4
            at += 4 + size
            if suffix == 0:
                suffix = lacks(at, end, wire_end)
    return suffix


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _guess(data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t, length: cython.longlong) -> cython.bint:
    """Does a packet on a port that nobody owns look like DNS? The test is Wireshark's, and takes some that are not."""
    answers: cython.longlong
    questions: cython.longlong
    authority: cython.longlong
    if length < 13 or data[at + 2] & 0x78:
        return False
    questions = (cython.cast(cython.longlong, data[at + 4]) << 8) | data[at + 5]
    answers = (cython.cast(cython.longlong, data[at + 6]) << 8) | data[at + 7]
    authority = (cython.cast(cython.longlong, data[at + 8]) << 8) | data[at + 9]
    if data[at + 2] & 0x80:
        if questions > 1 or answers > 100 or authority > 10:
            return False
    elif questions != 1 or answers or authority:
        return False
    return data[at + 10] == 0 and data[at + 11] <= 10


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def _rows(table: cython.const[cython.longlong][:, ::1], data: cython.const[cython.uchar][::1], first: cython.Py_ssize_t,
          apps: cython.longlong[:, ::1], pool: cython.uchar[::1], used: cython.longlong[::1], buffer: cython.uchar[::1],
          scratch: cython.longlong[::1]) -> cython.Py_ssize_t:
    """See dns_rows; answers the packet it stopped at."""
    i: cython.Py_ssize_t
    out: cython.Py_ssize_t = used[0]
    start: cython.Py_ssize_t
    base: cython.Py_ssize_t
    size: cython.Py_ssize_t
    low: cython.longlong
    high: cython.longlong
    owner: cython.longlong
    for i in range(first, table.shape[1]):
        if table[KIND, i] != UDP:
            continue
        low = table[SRC_PORT, i]
        high = table[DST_PORT, i]
        if low > high:
            low, high = high, low
        if low < 0 or high > 65535 or table[PAYLOAD, i] < 0 or table[PAYLOAD_WIRE, i] <= 0:
            continue
        owner = PORTS[low]
        if owner == 0:
            owner = PORTS[high]
        base = table[PAYLOAD, i]
        size = table[PAYLOAD_LEN, i]
        if owner == 0 and size > 11 and table[PAYLOAD_WIRE, i] > 12 and _guess(data, base, table[PAYLOAD_WIRE, i]):
            owner = DNS
        if owner != DNS and owner != MDNS and owner != LLMNR and owner != NBNS:
            continue
        if size == 0:       # the capture has none of it: the words are still those of UDP
            apps[APP_PROTOCOL, i] = P_UDP
            apps[APP_SUFFIX, i] = CUT
            continue
        if out + ROOM > pool.shape[0]:
            used[0] = out
            return i
        start = out
        if owner == NBNS:
            scratch[BUDGET] = 64 * size + 16384
            out = nbns_row(data, base, base + size, base + (table[PAYLOAD_WIRE, i] if table[PAYLOAD_WIRE, i] > size else size),
                           pool, out, out + MOST, buffer, scratch)
        else:
            out = _row(data, base, base + size, base + (table[PAYLOAD_WIRE, i] if table[PAYLOAD_WIRE, i] > size else size),
                       owner == MDNS, pool, out, buffer, scratch)
        apps[APP_PROTOCOL, i] = owner
        apps[APP_MODE, i] = MODE_TEXT
        apps[APP_TEXT, i] = start
        apps[APP_TEXT_LEN, i] = out - start
        apps[APP_SUFFIX, i] = scratch[SUFFIX]
    used[0] = out
    return table.shape[1]


def dns_rows(table: cython.const[cython.longlong][:, ::1], data: cython.const[cython.uchar][::1], first: cython.Py_ssize_t,
             apps: cython.longlong[:, ::1], pool: cython.uchar[::1], used: cython.longlong[::1]) -> cython.Py_ssize_t:
    """Write the rows of all UDP packets that are DNS, MDNS, LLMNR or NBNS, from packet `first` on.

    table  int64[COUNT, n]  packets/columns.py
    data   uint8[m]         PacketBatch.data
    apps   int64[APP_COUNT, n]  written for packets that are DNS, others are left alone
    pool   uint8[p]         texts are appended from used[0] on
    used   int64[1]         bytes of the pool in use; moved on

    Answers n when all packets are done, or the packet it stopped at because the pool has fewer than 8 KiB left: call again
    from there with a larger one. Any bytes at all are read as Wireshark reads them, in linear time.
    """
    done: cython.Py_ssize_t
    buffer: cython.uchar[::1] = bytearray(BUFFER)
    scratch: cython.longlong[::1] = array("q", bytes(8 * SCRATCH))
    if not cython.compiled:
        table, data, apps, pool = memoryview(table), memoryview(data), memoryview(apps), memoryview(pool)
        used = memoryview(used)
    with cython.nogil:
        done = _rows(table, data, first, apps, pool, used, buffer, scratch)
    return done
