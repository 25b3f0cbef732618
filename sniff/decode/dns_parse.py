"""DNS messages of a batch as columns: which packets hold them, their headers, questions and records. Compiled.

This reader keeps to the RFCs where Wireshark's rows do not: a compression pointer points backwards (RFC 1035 section 4.1.4),
a name has at most 255 bytes, a record's data ends inside the message. What breaks them ends the message as malformed, with
everything before it kept.
"""

import cython

from sniff.decode import columns, dns_columns, udp_ports
from sniff.packets import columns as packet_columns
from sniff.reassembly import columns as stream_columns

NUMBER = cython.declare(cython.Py_ssize_t, packet_columns.NUMBER)
TS_NS = cython.declare(cython.Py_ssize_t, packet_columns.TS_NS)
START = cython.declare(cython.Py_ssize_t, packet_columns.START)
OFFSET = cython.declare(cython.Py_ssize_t, packet_columns.OFFSET)
CAPLEN = cython.declare(cython.Py_ssize_t, packet_columns.CAPLEN)
KIND = cython.declare(cython.Py_ssize_t, packet_columns.KIND)
FLAGS = cython.declare(cython.Py_ssize_t, packet_columns.FLAGS)
IP_VERSION = cython.declare(cython.Py_ssize_t, packet_columns.IP_VERSION)
SRC_HI = cython.declare(cython.Py_ssize_t, packet_columns.SRC_HI)
SRC_LO = cython.declare(cython.Py_ssize_t, packet_columns.SRC_LO)
DST_HI = cython.declare(cython.Py_ssize_t, packet_columns.DST_HI)
DST_LO = cython.declare(cython.Py_ssize_t, packet_columns.DST_LO)
SRC_PORT = cython.declare(cython.Py_ssize_t, packet_columns.SRC_PORT)
DST_PORT = cython.declare(cython.Py_ssize_t, packet_columns.DST_PORT)
PAYLOAD = cython.declare(cython.Py_ssize_t, packet_columns.PAYLOAD)
PAYLOAD_LEN = cython.declare(cython.Py_ssize_t, packet_columns.PAYLOAD_LEN)
PAYLOAD_WIRE = cython.declare(cython.Py_ssize_t, packet_columns.PAYLOAD_WIRE)
UDP = cython.declare(cython.longlong, packet_columns.Kind.UDP)
IN_ERROR = cython.declare(cython.longlong, packet_columns.Flag.IN_ERROR)
STREAM = cython.declare(cython.Py_ssize_t, stream_columns.STREAM)
DNS = cython.declare(cython.longlong, columns.Protocol.DNS)
MDNS = cython.declare(cython.longlong, columns.Protocol.MDNS)
LLMNR = cython.declare(cython.longlong, columns.Protocol.LLMNR)
PORTS = cython.declare(cython.const[cython.uchar][::1], memoryview(udp_ports.OWNERS))

D_NUMBER = cython.declare(cython.Py_ssize_t, dns_columns.D_NUMBER)
D_INDEX = cython.declare(cython.Py_ssize_t, dns_columns.D_INDEX)
D_TS_NS = cython.declare(cython.Py_ssize_t, dns_columns.D_TS_NS)
D_PROTOCOL = cython.declare(cython.Py_ssize_t, dns_columns.D_PROTOCOL)
D_TRANSPORT = cython.declare(cython.Py_ssize_t, dns_columns.D_TRANSPORT)
D_STREAM = cython.declare(cython.Py_ssize_t, dns_columns.D_STREAM)
D_IP_VERSION = cython.declare(cython.Py_ssize_t, dns_columns.D_IP_VERSION)
D_SRC_HI = cython.declare(cython.Py_ssize_t, dns_columns.D_SRC_HI)
D_SRC_LO = cython.declare(cython.Py_ssize_t, dns_columns.D_SRC_LO)
D_DST_HI = cython.declare(cython.Py_ssize_t, dns_columns.D_DST_HI)
D_DST_LO = cython.declare(cython.Py_ssize_t, dns_columns.D_DST_LO)
D_SRC_PORT = cython.declare(cython.Py_ssize_t, dns_columns.D_SRC_PORT)
D_DST_PORT = cython.declare(cython.Py_ssize_t, dns_columns.D_DST_PORT)
D_START = cython.declare(cython.Py_ssize_t, dns_columns.D_START)
D_LEN = cython.declare(cython.Py_ssize_t, dns_columns.D_LEN)
D_WIRE = cython.declare(cython.Py_ssize_t, dns_columns.D_WIRE)
D_OFFSET = cython.declare(cython.Py_ssize_t, dns_columns.D_OFFSET)
D_STREAM_OFFSET = cython.declare(cython.Py_ssize_t, dns_columns.D_STREAM_OFFSET)
D_FIRST_NUMBER = cython.declare(cython.Py_ssize_t, dns_columns.D_FIRST_NUMBER)
D_STATE = cython.declare(cython.Py_ssize_t, dns_columns.D_STATE)
D_ID = cython.declare(cython.Py_ssize_t, dns_columns.D_ID)
D_FLAGS = cython.declare(cython.Py_ssize_t, dns_columns.D_FLAGS)
D_QUESTIONS = cython.declare(cython.Py_ssize_t, dns_columns.D_QUESTIONS)
D_QTYPE = cython.declare(cython.Py_ssize_t, dns_columns.D_QTYPE)
D_QCLASS = cython.declare(cython.Py_ssize_t, dns_columns.D_QCLASS)
D_QHASH = cython.declare(cython.Py_ssize_t, dns_columns.D_QHASH)
D_RCODE = cython.declare(cython.Py_ssize_t, dns_columns.D_RCODE)
D_ANSWER_HASH = cython.declare(cython.Py_ssize_t, dns_columns.D_ANSWER_HASH)
D_FIRST_RECORD = cython.declare(cython.Py_ssize_t, dns_columns.D_FIRST_RECORD)
D_RECORDS = cython.declare(cython.Py_ssize_t, dns_columns.D_RECORDS)
D_EDNS = cython.declare(cython.Py_ssize_t, dns_columns.D_EDNS)
D_EDNS_FLAGS = cython.declare(cython.Py_ssize_t, dns_columns.D_EDNS_FLAGS)
D_PARSED = cython.declare(cython.Py_ssize_t, dns_columns.D_PARSED)
WHOLE = cython.declare(cython.longlong, dns_columns.MessageState.WHOLE)
CUT = cython.declare(cython.longlong, dns_columns.MessageState.CUT)
MALFORMED = cython.declare(cython.longlong, dns_columns.MessageState.MALFORMED)

R_MESSAGE = cython.declare(cython.Py_ssize_t, dns_columns.R_MESSAGE)
R_SECTION = cython.declare(cython.Py_ssize_t, dns_columns.R_SECTION)
R_OWNER = cython.declare(cython.Py_ssize_t, dns_columns.R_OWNER)
R_TYPE = cython.declare(cython.Py_ssize_t, dns_columns.R_TYPE)
R_CLASS = cython.declare(cython.Py_ssize_t, dns_columns.R_CLASS)
R_TTL = cython.declare(cython.Py_ssize_t, dns_columns.R_TTL)
R_DATA = cython.declare(cython.Py_ssize_t, dns_columns.R_DATA)
R_LENGTH = cython.declare(cython.Py_ssize_t, dns_columns.R_LENGTH)

HASH_BITS = cython.declare(cython.longlong, (1 << 40) - 1)
HASH_PRIME = cython.declare(cython.longlong, 4_194_319)      # 23 bits: a product fits into 63
HASH_BASIS = cython.declare(cython.longlong, 0x9E3779B97)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _owner(table: cython.const[cython.longlong][:, ::1], i: cython.Py_ssize_t) -> cython.longlong:
    """Protocol of a packet by its ports when that is DNS, MDNS or LLMNR over UDP with a payload, otherwise 0."""
    low: cython.longlong
    high: cython.longlong
    owner: cython.longlong
    if table[KIND, i] != UDP or table[PAYLOAD_LEN, i] <= 0 or table[FLAGS, i] & IN_ERROR:
        return 0
    low = table[SRC_PORT, i]
    high = table[DST_PORT, i]
    if low > high:
        low, high = high, low
    if low < 0 or high > 65535:
        return 0
    owner = PORTS[low]
    if owner == 0:
        owner = PORTS[high]
    return owner if owner == DNS or owner == MDNS or owner == LLMNR else 0


def measure(table: cython.const[cython.longlong][:, ::1], sizes: cython.longlong[::1]) -> None:
    """Set sizes[0] and sizes[1]: how many messages and how many bytes collect() will find in these packets."""
    i: cython.Py_ssize_t
    count: cython.longlong = 0
    size: cython.longlong = 0
    if not cython.compiled:
        table, sizes = memoryview(table), memoryview(sizes)
    with cython.nogil:
        for i in range(table.shape[1]):
            if _owner(table, i):
                count += 1
                size += table[PAYLOAD_LEN, i]
    sizes[0] = count
    sizes[1] = size


def collect(table: cython.const[cython.longlong][:, ::1], streams: cython.const[cython.longlong][:, ::1],
            data: cython.const[cython.uchar][::1], messages: cython.longlong[:, ::1],
            out: cython.uchar[::1]) -> cython.Py_ssize_t:
    """Fill the columns that say where each DNS message over UDP comes from, and copy its bytes; answers how many bytes.

    table     int64[COUNT, n]    packets/columns.py
    streams   int64[COUNT, n]    reassembly/columns.py
    data      uint8[m]           PacketBatch.data
    messages  int64[k, D_COUNT]  written; k and the size of `out` are what measure() said
    out       uint8[b]           written: the messages end to end

    Only packets on ports of DNS count: what merely looks like it has a row, but says nothing that one should rely on.
    """
    i: cython.Py_ssize_t
    k: cython.Py_ssize_t = 0
    at: cython.Py_ssize_t = 0
    start: cython.Py_ssize_t
    size: cython.Py_ssize_t
    owner: cython.longlong
    if not cython.compiled:
        table, streams, data = memoryview(table), memoryview(streams), memoryview(data)
        messages, out = memoryview(messages), memoryview(out)
    with cython.nogil:
        for i in range(table.shape[1]):
            owner = _owner(table, i)
            if owner == 0:
                continue
            start = table[PAYLOAD, i]
            size = table[PAYLOAD_LEN, i]
            messages[k, D_NUMBER] = table[NUMBER, i]
            messages[k, D_FIRST_NUMBER] = table[NUMBER, i]
            messages[k, D_INDEX] = i
            messages[k, D_TS_NS] = table[TS_NS, i]
            messages[k, D_PROTOCOL] = owner
            messages[k, D_TRANSPORT] = 17
            messages[k, D_STREAM] = streams[STREAM, i]
            messages[k, D_IP_VERSION] = table[IP_VERSION, i]
            messages[k, D_SRC_HI] = table[SRC_HI, i]
            messages[k, D_SRC_LO] = table[SRC_LO, i]
            messages[k, D_DST_HI] = table[DST_HI, i]
            messages[k, D_DST_LO] = table[DST_LO, i]
            messages[k, D_SRC_PORT] = table[SRC_PORT, i]
            messages[k, D_DST_PORT] = table[DST_PORT, i]
            messages[k, D_START] = at
            messages[k, D_LEN] = size
            messages[k, D_WIRE] = table[PAYLOAD_WIRE, i] if table[PAYLOAD_WIRE, i] > size else size
            # the bytes of a datagram put together from fragments stand in no one place
            if table[START, i] <= start and start + size <= table[START, i] + table[CAPLEN, i]:
                messages[k, D_OFFSET] = table[OFFSET, i] + start - table[START, i]
            else:
                messages[k, D_OFFSET] = -1
            messages[k, D_STREAM_OFFSET] = 0
            out[at:at + size] = data[start:start + size]
            at += size
            k += 1
    return at


@cython.cfunc
@cython.nogil
@cython.exceptval(-3)
def name_end(data: cython.const[cython.uchar][::1], base: cython.Py_ssize_t, at: cython.Py_ssize_t,
             end: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Index after the name at `at`; -1 when the message ends inside it, -2 when it is none."""
    after: cython.Py_ssize_t = -1
    limit: cython.Py_ssize_t = at       # pointers have to point before this
    target: cython.Py_ssize_t
    size: cython.longlong = 1
    c: cython.longlong
    while True:
        if at >= end:
            return -1
        c = data[at]
        if c == 0:
            return after if after >= 0 else at + 1
        if c < 0x40:
            size += c + 1
            if size > 255:
                return -2
            at += c + 1
        elif c >= 0xC0:
            if at + 1 >= end:
                return -1
            target = base + (((c & 0x3F) << 8) | data[at + 1])
            if target >= limit:
                return -2
            if after < 0:
                after = at + 2
            limit = target
            at = target
        else:
            return -2


@cython.cfunc
@cython.nogil
@cython.exceptval(-3)
def question_hash(data: cython.const[cython.uchar][::1], base: cython.Py_ssize_t, at: cython.Py_ssize_t, kind: cython.longlong,
                  family: cython.longlong) -> cython.longlong:
    """Hash of a question whose name is known to be whole; never 0. Letters of both cases count alike (RFC 4343)."""
    h: cython.longlong = HASH_BASIS
    c: cython.longlong
    b: cython.longlong
    while True:
        c = data[at]
        if c >= 0xC0:
            at = base + (((c & 0x3F) << 8) | data[at + 1])
            continue
        h = ((h ^ c) * HASH_PRIME) & HASH_BITS
        at += 1
        if c == 0:
            break
        while c > 0:
            b = data[at]
            if 65 <= b <= 90:
                b += 32
            h = ((h ^ b) * HASH_PRIME) & HASH_BITS
            at += 1
            c -= 1
    h = ((h ^ kind) * HASH_PRIME) & HASH_BITS
    h = ((h ^ family) * HASH_PRIME) & HASH_BITS
    return h if h else 1


@cython.cfunc
@cython.nogil
@cython.exceptval(-3)
def _parse(data: cython.const[cython.uchar][::1], messages: cython.longlong[:, ::1], k: cython.Py_ssize_t,
           records: cython.longlong[:, ::1], at_record: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Parse message k; answers the next free row of `records`, or -1 when they do not suffice."""
    base: cython.Py_ssize_t = messages[k, D_START]
    end: cython.Py_ssize_t = base + messages[k, D_LEN]
    at: cython.Py_ssize_t = base
    here: cython.Py_ssize_t
    stop: cython.Py_ssize_t
    known: cython.Py_ssize_t = -1
    state: cython.longlong = WHOLE
    lacking: cython.longlong = CUT if messages[k, D_WIRE] > messages[k, D_LEN] else MALFORMED
    section: cython.longlong
    left: cython.longlong
    kind: cython.longlong
    family: cython.longlong
    ttl: cython.longlong
    length: cython.longlong
    h: cython.longlong
    i: cython.Py_ssize_t
    messages[k, D_FIRST_RECORD] = at_record
    messages[k, D_RECORDS] = 0
    messages[k, D_QTYPE] = -1
    messages[k, D_QCLASS] = -1
    messages[k, D_QHASH] = 0
    messages[k, D_ANSWER_HASH] = 0
    messages[k, D_EDNS] = -1
    messages[k, D_EDNS_FLAGS] = 0
    messages[k, D_PARSED] = 0
    if end - base < 12:
        messages[k, D_STATE] = lacking
        messages[k, D_ID] = -1
        for i in range(D_FLAGS, D_QTYPE):
            messages[k, i] = 0
        messages[k, D_RCODE] = 0
        return at_record
    for i in range(6):
        messages[k, D_ID + i] = (cython.cast(cython.longlong, data[base + 2 * i]) << 8) | data[base + 2 * i + 1]
    messages[k, D_RCODE] = messages[k, D_FLAGS] & 15
    at = base + 12
    for section in range(4):
        left = messages[k, D_QUESTIONS + section]
        while left > 0 and state == WHOLE:
            left -= 1
            if at + 1 < end and data[at] >= 0xC0 and base + (((data[at] & 0x3F) << 8) | data[at + 1]) == known:
                here = at + 2
            else:
                here = name_end(data, base, at, end)
                if here < 0:
                    state = lacking if here == -1 else MALFORMED
                    break
                if known < 0:
                    known = at
            if here + (4 if section == 0 else 10) > end:
                state = lacking
                break
            kind = (cython.cast(cython.longlong, data[here]) << 8) | data[here + 1]
            family = (cython.cast(cython.longlong, data[here + 2]) << 8) | data[here + 3]
            ttl = 0
            length = 0
            stop = here + 4
            if section:
                for i in range(4):
                    ttl = (ttl << 8) | data[here + 4 + i]
                length = (cython.cast(cython.longlong, data[here + 8]) << 8) | data[here + 9]
                stop = here + 10
                if stop + length > end:
                    state = lacking
                    break
            elif messages[k, D_QHASH] == 0:
                messages[k, D_QTYPE] = kind
                messages[k, D_QCLASS] = family
                messages[k, D_QHASH] = question_hash(data, base, at, kind, family & 0x7FFF)
            if at_record >= records.shape[0]:
                return -1
            records[at_record, R_MESSAGE] = k
            records[at_record, R_SECTION] = section
            records[at_record, R_OWNER] = at - base
            records[at_record, R_TYPE] = kind
            records[at_record, R_CLASS] = family
            records[at_record, R_TTL] = ttl
            records[at_record, R_DATA] = stop - base
            records[at_record, R_LENGTH] = length
            at_record += 1
            messages[k, D_RECORDS] += 1
            if section == 1:
                h = ((HASH_BASIS ^ kind) * HASH_PRIME) & HASH_BITS
                for i in range(length):
                    h = ((h ^ data[stop + i]) * HASH_PRIME) & HASH_BITS
                messages[k, D_ANSWER_HASH] = (messages[k, D_ANSWER_HASH] + h) & HASH_BITS
            elif section == 3 and kind == 41 and messages[k, D_EDNS] < 0:
                messages[k, D_EDNS] = family
                messages[k, D_EDNS_FLAGS] = ttl & 0xFFFFFF
                messages[k, D_RCODE] |= (ttl >> 24) << 4
            at = stop + length
    messages[k, D_STATE] = state
    messages[k, D_PARSED] = at - base
    return at_record


def parse(data: cython.const[cython.uchar][::1], messages: cython.longlong[:, ::1], first: cython.Py_ssize_t,
          records: cython.longlong[:, ::1], used: cython.longlong[::1]) -> cython.Py_ssize_t:
    """Fill the columns from D_STATE on of the messages from `first` on, and the table of their records.

    data      uint8[b]           bytes of the messages
    messages  int64[k, D_COUNT]  D_START, D_LEN and D_WIRE say where each one lies
    records   int64[r, R_COUNT]  written from row used[0] on; used[0] is moved on

    Answers k, or the message it stopped at because `records` has too few rows: call again from there with more.
    Any bytes are fine; a message costs linear time.
    """
    k: cython.Py_ssize_t
    done: cython.Py_ssize_t = messages.shape[0]
    at: cython.Py_ssize_t = used[0]
    after: cython.Py_ssize_t
    if not cython.compiled:
        data, messages, records, used = memoryview(data), memoryview(messages), memoryview(records), memoryview(used)
    with cython.nogil:
        for k in range(first, messages.shape[0]):
            after = _parse(data, messages, k, records, at)
            if after < 0:
                done = k
                break
            at = after
    used[0] = at
    return done
