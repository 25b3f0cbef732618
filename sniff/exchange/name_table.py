"""The table behind Names: answers that named an address, found by client and address. Compiled.

A ring of rows, the youngest answer last, and a ring of bytes with their names. Rows with the same hash are chained from the
youngest to the oldest by their serial numbers, so an overwritten row is found by its number and needs no unlinking.
"""

import cython

from sniff.decode import columns, dns_columns
from sniff.exchange import dns_pair as pairs

MDNS = cython.declare(cython.longlong, columns.Protocol.MDNS)
D_START = cython.declare(cython.Py_ssize_t, dns_columns.D_START)
D_PROTOCOL = cython.declare(cython.Py_ssize_t, dns_columns.D_PROTOCOL)
D_DST_HI = cython.declare(cython.Py_ssize_t, dns_columns.D_DST_HI)
D_DST_LO = cython.declare(cython.Py_ssize_t, dns_columns.D_DST_LO)
D_QHASH = cython.declare(cython.Py_ssize_t, dns_columns.D_QHASH)
D_RCODE = cython.declare(cython.Py_ssize_t, dns_columns.D_RCODE)
D_TS_NS = cython.declare(cython.Py_ssize_t, dns_columns.D_TS_NS)
D_NUMBER = cython.declare(cython.Py_ssize_t, dns_columns.D_NUMBER)
D_FIRST_RECORD = cython.declare(cython.Py_ssize_t, dns_columns.D_FIRST_RECORD)
D_RECORDS = cython.declare(cython.Py_ssize_t, dns_columns.D_RECORDS)
R_SECTION = cython.declare(cython.Py_ssize_t, dns_columns.R_SECTION)
R_OWNER = cython.declare(cython.Py_ssize_t, dns_columns.R_OWNER)
R_TYPE = cython.declare(cython.Py_ssize_t, dns_columns.R_TYPE)
R_DATA = cython.declare(cython.Py_ssize_t, dns_columns.R_DATA)
R_LENGTH = cython.declare(cython.Py_ssize_t, dns_columns.R_LENGTH)
X_STATE = cython.declare(cython.Py_ssize_t, pairs.X_STATE_)
X_RESPONSE = cython.declare(cython.Py_ssize_t, pairs.X_RESPONSE_)
X_QUERY = cython.declare(cython.Py_ssize_t, pairs.X_QUERY_)
X_ANSWER = cython.declare(cython.Py_ssize_t, pairs.X_ANSWER_)
SECOND = cython.declare(cython.longlong, pairs.SECOND_)

# --- a row ------------------------------------------------------------------------------------------------------------------
N_CLIENT_HI_, N_CLIENT_LO_, N_HI_, N_LO_ = 0, 1, 2, 3
N_ASKED_, N_ANSWERED_ = 4, 5            # nanoseconds; -1 when the query was not seen
N_QUERY_, N_RESPONSE_ = 6, 7            # frame.number, 0 when it was not seen
N_NAME_, N_NAME_LEN_ = 8, 9             # bytes written to the ring of names before it; its length: labels without the root
N_NEXT_, N_SERIAL_ = 10, 11             # serial number of the next older row with this hash (0 none), and of this row
N_COUNT_ = 12
N_CLIENT_HI = cython.declare(cython.Py_ssize_t, N_CLIENT_HI_)
N_ASKED = cython.declare(cython.Py_ssize_t, N_ASKED_)
N_ANSWERED = cython.declare(cython.Py_ssize_t, N_ANSWERED_)
N_QUERY = cython.declare(cython.Py_ssize_t, N_QUERY_)
N_RESPONSE = cython.declare(cython.Py_ssize_t, N_RESPONSE_)
N_NAME = cython.declare(cython.Py_ssize_t, N_NAME_)
N_NAME_LEN = cython.declare(cython.Py_ssize_t, N_NAME_LEN_)
N_NEXT = cython.declare(cython.Py_ssize_t, N_NEXT_)
N_SERIAL = cython.declare(cython.Py_ssize_t, N_SERIAL_)

SERIAL_, WRITTEN_ = 0, 1                # ctl: serial number of the youngest row, bytes written to the ring of names
SERIAL = cython.declare(cython.Py_ssize_t, SERIAL_)
WRITTEN = cython.declare(cython.Py_ssize_t, WRITTEN_)

STEPS = cython.declare(cython.longlong, 256)       # rows looked at in one chain
HASH_BITS = cython.declare(cython.longlong, (1 << 40) - 1)
HASH_PRIME = cython.declare(cython.longlong, 4_194_319)
LOW_32 = cython.declare(cython.longlong, (1 << 32) - 1)


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def _bucket(key: cython.const[cython.longlong][::1], buckets: cython.const[cython.longlong][::1],
            seed: cython.longlong) -> cython.Py_ssize_t:
    """The bucket of client and address: four columns."""
    h: cython.longlong = seed & HASH_BITS
    i: cython.Py_ssize_t
    for i in range(4):
        h = ((h ^ (key[i] & LOW_32)) * HASH_PRIME) & HASH_BITS
        h = ((h ^ (key[i] >> 32 & LOW_32)) * HASH_PRIME) & HASH_BITS
    return ((h ^ (h >> 21)) & LOW_32) % buckets.shape[0]


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def _write_name(data: cython.const[cython.uchar][::1], base: cython.Py_ssize_t, at: cython.Py_ssize_t, names: cython.uchar[::1],
                ctl: cython.longlong[::1]) -> cython.longlong:
    """Write the labels of a name that is known to be whole to the ring of names; answers how many bytes they are."""
    written: cython.longlong = ctl[WRITTEN]
    c: cython.longlong
    while True:
        c = data[at]
        if c >= 0xC0:
            at = base + (((c & 0x3F) << 8) | data[at + 1])
            continue
        if c == 0:
            break
        c += 1
        while c > 0:
            names[written % names.shape[0]] = data[at]
            written += 1
            at += 1
            c -= 1
    c = written - ctl[WRITTEN]
    ctl[WRITTEN] = written
    return c


def learn(rows: cython.const[cython.longlong][:, ::1], records: cython.const[cython.longlong][:, ::1],
          data: cython.const[cython.uchar][::1], table: cython.longlong[:, ::1], names: cython.uchar[::1],
          buckets: cython.longlong[::1], seed: cython.longlong, ctl: cython.longlong[::1],
          key: cython.longlong[::1]) -> None:
    """Take in the addresses that a batch of exchanges told.

    rows     int64[x, X_COUNT]  exchange/dns_pair.py
    records  int64[r, R_COUNT]  decode/dns_columns.py
    data     uint8[b]           bytes of the messages
    table    int64[n, N_COUNT]  the ring of rows; row N_SERIAL % n
    names    uint8[m]           the ring of names
    buckets  int64[h]           serial number of the youngest row of each hash, 0 none
    ctl      int64[2]
    key      int64[4]           room for a key
    """
    x: cython.Py_ssize_t
    r: cython.Py_ssize_t
    i: cython.Py_ssize_t
    at: cython.Py_ssize_t
    base: cython.Py_ssize_t
    bucket: cython.Py_ssize_t
    name: cython.longlong
    name_len: cython.longlong
    serial: cython.longlong
    turn: cython.longlong
    if not cython.compiled:
        rows, records, data, table = memoryview(rows), memoryview(records), memoryview(data), memoryview(table)
        names, buckets, ctl, key = memoryview(names), memoryview(buckets), memoryview(ctl), memoryview(key)
    with cython.nogil:
        for x in range(rows.shape[0]):
            if rows[x, X_RESPONSE] < 0 or rows[x, X_STATE] == SECOND or rows[x, X_ANSWER + D_RCODE]:
                continue
            base = rows[x, X_ANSWER + D_START]
            name = -1
            name_len = 0
            for r in range(rows[x, X_ANSWER + D_FIRST_RECORD],
                           rows[x, X_ANSWER + D_FIRST_RECORD] + rows[x, X_ANSWER + D_RECORDS]):
                if records[r, R_SECTION] != 1:
                    continue
                at = base + records[r, R_DATA]
                key[2] = 0
                key[3] = 0
                if records[r, R_TYPE] == 1 and records[r, R_LENGTH] == 4:
                    for i in range(4):
                        key[3] = (key[3] << 8) | data[at + i]
                elif records[r, R_TYPE] == 28 and records[r, R_LENGTH] == 16:
                    for i in range(8):
                        key[2] = _shifted(key[2], data[at + i])
                        key[3] = _shifted(key[3], data[at + 8 + i])
                else:
                    continue
                if name < 0:
                    name = ctl[WRITTEN]
                    name_len = _write_name(data, base, base + (12 if rows[x, X_ANSWER + D_QHASH] else records[r, R_OWNER]),
                                           names, ctl)
                # once for the client, and once for anybody who asks; what mDNS says is said to a group
                for turn in range(2):
                    if turn == 0 and rows[x, X_ANSWER + D_PROTOCOL] == MDNS:
                        continue
                    key[0] = rows[x, X_ANSWER + D_DST_HI] if turn == 0 else 0
                    key[1] = rows[x, X_ANSWER + D_DST_LO] if turn == 0 else 0
                    bucket = _bucket(key, buckets, seed)
                    serial = ctl[SERIAL] + 1
                    ctl[SERIAL] = serial
                    i = serial % table.shape[0]
                    for at in range(4):
                        table[i, N_CLIENT_HI + at] = key[at]
                    table[i, N_ASKED] = rows[x, X_QUERY + D_TS_NS] if rows[x, X_QUERY + D_NUMBER] else -1
                    table[i, N_ANSWERED] = rows[x, X_ANSWER + D_TS_NS]
                    table[i, N_QUERY] = rows[x, X_QUERY + D_NUMBER]
                    table[i, N_RESPONSE] = rows[x, X_ANSWER + D_NUMBER]
                    table[i, N_NAME] = name
                    table[i, N_NAME_LEN] = name_len
                    table[i, N_NEXT] = buckets[bucket]
                    table[i, N_SERIAL] = serial
                    buckets[bucket] = serial


TOP = cython.declare(cython.longlong, 1 << 55)
WRAP = cython.declare(cython.longlong, 1 << 56)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def _shifted(value: cython.longlong, byte: cython.longlong) -> cython.longlong:
    """(value << 8 | byte) in 64 bits with a sign, compiled or not."""
    value = value & (WRAP - 1)
    if value >= TOP:
        value -= WRAP
    return value * 256 + byte


def find(table: cython.const[cython.longlong][:, ::1], buckets: cython.const[cython.longlong][::1], seed: cython.longlong,
         ctl: cython.const[cython.longlong][::1], key: cython.const[cython.longlong][::1],
         ts_ns: cython.longlong) -> cython.Py_ssize_t:
    """The row of the youngest answer up to `ts_ns` to this client about this address; -1 none. Arguments as learn()."""
    serial: cython.longlong
    steps: cython.longlong = 0
    i: cython.Py_ssize_t
    if not cython.compiled:
        table, buckets, ctl, key = memoryview(table), memoryview(buckets), memoryview(ctl), memoryview(key)
    serial = buckets[_bucket(key, buckets, seed)]
    while serial > 0 and serial > ctl[SERIAL] - table.shape[0] and steps < STEPS:
        i = serial % table.shape[0]
        if (table[i, N_ANSWERED] <= ts_ns and table[i, 0] == key[0] and table[i, 1] == key[1] and table[i, 2] == key[2]
                and table[i, 3] == key[3]):
            return i
        serial = table[i, N_NEXT]
        steps += 1
    return -1
