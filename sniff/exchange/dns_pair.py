"""Which DNS response answers which query. Compiled.

Queries wait in a table of slots. A slot is in one of three lists, oldest first: free, waiting, done; a done one stays as long
as there is room, so that a second answer to it is noticed. Slots are found by a hash of client, server, ports and id, and
compared in full; a chain of more than CHAIN slots is not followed to its end, so that chosen ids cost no more than others.
"""

import cython

from sniff import limits
from sniff.decode import columns, dns_columns

MDNS = cython.declare(cython.longlong, columns.Protocol.MDNS)
LLMNR = cython.declare(cython.longlong, columns.Protocol.LLMNR)
D_NUMBER = cython.declare(cython.Py_ssize_t, dns_columns.D_NUMBER)
D_TS_NS = cython.declare(cython.Py_ssize_t, dns_columns.D_TS_NS)
D_PROTOCOL = cython.declare(cython.Py_ssize_t, dns_columns.D_PROTOCOL)
D_TRANSPORT = cython.declare(cython.Py_ssize_t, dns_columns.D_TRANSPORT)
D_IP_VERSION = cython.declare(cython.Py_ssize_t, dns_columns.D_IP_VERSION)
D_SRC_HI = cython.declare(cython.Py_ssize_t, dns_columns.D_SRC_HI)
D_SRC_LO = cython.declare(cython.Py_ssize_t, dns_columns.D_SRC_LO)
D_DST_HI = cython.declare(cython.Py_ssize_t, dns_columns.D_DST_HI)
D_DST_LO = cython.declare(cython.Py_ssize_t, dns_columns.D_DST_LO)
D_SRC_PORT = cython.declare(cython.Py_ssize_t, dns_columns.D_SRC_PORT)
D_DST_PORT = cython.declare(cython.Py_ssize_t, dns_columns.D_DST_PORT)
D_START = cython.declare(cython.Py_ssize_t, dns_columns.D_START)
D_LEN = cython.declare(cython.Py_ssize_t, dns_columns.D_LEN)
D_ID = cython.declare(cython.Py_ssize_t, dns_columns.D_ID)
D_FLAGS = cython.declare(cython.Py_ssize_t, dns_columns.D_FLAGS)
D_QTYPE = cython.declare(cython.Py_ssize_t, dns_columns.D_QTYPE)
D_QHASH = cython.declare(cython.Py_ssize_t, dns_columns.D_QHASH)
D_RCODE = cython.declare(cython.Py_ssize_t, dns_columns.D_RCODE)
D_ANSWER_HASH = cython.declare(cython.Py_ssize_t, dns_columns.D_ANSWER_HASH)
D_COUNT = cython.declare(cython.Py_ssize_t, dns_columns.D_COUNT)

# --- an exchange that comes out: one int64 row ------------------------------------------------------------------------------
X_STATE_ = 0         # State
X_RETRIES_ = 1       # how often the query was repeated before it was answered
X_RETRY_NS_ = 2      # when the last time, -1 never
X_BUFFER_ = 3        # where the query's bytes lie: 0 nowhere, 1 in the batch of messages, 2 in the old bytes
X_START_ = 4
X_LEN_ = 5
X_RESPONSE_ = 6      # the response's row in the batch of messages, -1 none
X_BEFORE_ = 7        # frame.number of the first answer, of a second one
X_QUERY_ = 8         # the query's row (dns_columns.py); D_NUMBER is 0 when there is none
X_ANSWER_ = 8 + dns_columns.D_COUNT     # the response's row, likewise
X_COUNT_ = 8 + 2 * dns_columns.D_COUNT
X_STATE = cython.declare(cython.Py_ssize_t, X_STATE_)
X_RETRIES = cython.declare(cython.Py_ssize_t, X_RETRIES_)
X_RETRY_NS = cython.declare(cython.Py_ssize_t, X_RETRY_NS_)
X_BUFFER = cython.declare(cython.Py_ssize_t, X_BUFFER_)
X_START = cython.declare(cython.Py_ssize_t, X_START_)
X_LEN = cython.declare(cython.Py_ssize_t, X_LEN_)
X_RESPONSE = cython.declare(cython.Py_ssize_t, X_RESPONSE_)
X_BEFORE = cython.declare(cython.Py_ssize_t, X_BEFORE_)
X_QUERY = cython.declare(cython.Py_ssize_t, X_QUERY_)
X_ANSWER = cython.declare(cython.Py_ssize_t, X_ANSWER_)
X_COUNT = cython.declare(cython.Py_ssize_t, X_COUNT_)

ANSWERED_, UNANSWERED_, UNASKED_, SECOND_, ANNOUNCED_ = range(5)
ANSWERED = cython.declare(cython.longlong, ANSWERED_)
UNANSWERED = cython.declare(cython.longlong, UNANSWERED_)
UNASKED = cython.declare(cython.longlong, UNASKED_)
SECOND = cython.declare(cython.longlong, SECOND_)
ANNOUNCED = cython.declare(cython.longlong, ANNOUNCED_)

# --- a slot: the query's row, then ----------------------------------------------------------------------------------------
E_RETRIES_ = dns_columns.D_COUNT
E_COUNT_ = E_RETRIES_ + 12
E_RETRIES = cython.declare(cython.Py_ssize_t, E_RETRIES_)
E_RETRY_NS = cython.declare(cython.Py_ssize_t, E_RETRIES_ + 1)
E_LIST_ = E_RETRIES_ + 2            # which list it is in
E_LEN_ = E_RETRIES_ + 9
E_LIST = cython.declare(cython.Py_ssize_t, E_LIST_)
E_PREVIOUS = cython.declare(cython.Py_ssize_t, E_RETRIES_ + 3)
E_NEXT = cython.declare(cython.Py_ssize_t, E_RETRIES_ + 4)
E_CHAIN = cython.declare(cython.Py_ssize_t, E_RETRIES_ + 5)     # the next one with the same hash
E_BUCKET = cython.declare(cython.Py_ssize_t, E_RETRIES_ + 6)
E_BUFFER = cython.declare(cython.Py_ssize_t, E_RETRIES_ + 7)    # where its bytes lie: 1 batch, 2 held
E_START = cython.declare(cython.Py_ssize_t, E_RETRIES_ + 8)
E_LEN = cython.declare(cython.Py_ssize_t, E_LEN_)
E_HASH = cython.declare(cython.Py_ssize_t, E_RETRIES_ + 10)     # of the answer it got
E_ANSWER = cython.declare(cython.Py_ssize_t, E_RETRIES_ + 11)   # frame.number of that answer

# --- the control table: heads and tails of the lists ------------------------------------------------------------------------
FREE_, WAITING_, DONE_ = 0, 1, 2
FREE = cython.declare(cython.Py_ssize_t, FREE_)
WAITING = cython.declare(cython.Py_ssize_t, WAITING_)
DONE = cython.declare(cython.Py_ssize_t, DONE_)
C_WAITING_ = 6       # how many wait
C_GIVEN_UP_ = 7      # how many were given up because of too many others
C_OLD_ = 8           # bytes used of the old bytes
C_HELD_ = 9          # bytes used of the held bytes
C_OUT_ = 10          # rows written
C_FREE_ = 11         # slots that are free
C_COUNT_ = 12
C_FREE = cython.declare(cython.Py_ssize_t, C_FREE_)
C_WAITING = cython.declare(cython.Py_ssize_t, C_WAITING_)
C_GIVEN_UP = cython.declare(cython.Py_ssize_t, C_GIVEN_UP_)
C_OLD = cython.declare(cython.Py_ssize_t, C_OLD_)
C_HELD = cython.declare(cython.Py_ssize_t, C_HELD_)
C_OUT = cython.declare(cython.Py_ssize_t, C_OUT_)

CHAIN = cython.declare(cython.longlong, 64)
WAIT_NS = cython.declare(cython.longlong, limits.DNS_WAIT_NS)
KEPT_ = 512          # bytes kept of a query that waits beyond its batch
KEPT = cython.declare(cython.longlong, KEPT_)
HASH_BITS = cython.declare(cython.longlong, (1 << 40) - 1)
HASH_PRIME = cython.declare(cython.longlong, 4_194_319)
LOW_32 = cython.declare(cython.longlong, (1 << 32) - 1)


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def _leave(slots: cython.longlong[:, ::1], ctl: cython.longlong[::1], e: cython.Py_ssize_t) -> cython.longlong:
    """Take slot e out of its list."""
    which: cython.Py_ssize_t = slots[e, E_LIST]
    before: cython.Py_ssize_t = slots[e, E_PREVIOUS]
    after: cython.Py_ssize_t = slots[e, E_NEXT]
    if before >= 0:
        slots[before, E_NEXT] = after
    else:
        ctl[2 * which] = after
    if after >= 0:
        slots[after, E_PREVIOUS] = before
    else:
        ctl[2 * which + 1] = before
    if which == WAITING:
        ctl[C_WAITING] -= 1
    elif which == FREE:
        ctl[C_FREE] -= 1
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def _join(slots: cython.longlong[:, ::1], ctl: cython.longlong[::1], e: cython.Py_ssize_t,
          which: cython.Py_ssize_t) -> cython.longlong:
    """Put slot e at the young end of a list."""
    last: cython.Py_ssize_t = ctl[2 * which + 1]
    slots[e, E_LIST] = which
    slots[e, E_PREVIOUS] = last
    slots[e, E_NEXT] = -1
    if last >= 0:
        slots[last, E_NEXT] = e
    else:
        ctl[2 * which] = e
    ctl[2 * which + 1] = e
    if which == WAITING:
        ctl[C_WAITING] += 1
    elif which == FREE:
        ctl[C_FREE] += 1
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def _unchain(slots: cython.longlong[:, ::1], buckets: cython.longlong[::1], e: cython.Py_ssize_t) -> cython.longlong:
    """Take slot e out of its bucket's chain."""
    bucket: cython.Py_ssize_t = slots[e, E_BUCKET]
    here: cython.Py_ssize_t = buckets[bucket]
    if here == e:
        buckets[bucket] = slots[e, E_CHAIN]
        return 0
    while here >= 0:
        if slots[here, E_CHAIN] == e:
            slots[here, E_CHAIN] = slots[e, E_CHAIN]
            return 0
        here = slots[here, E_CHAIN]
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def _emit(slots: cython.longlong[:, ::1], ctl: cython.longlong[::1], e: cython.Py_ssize_t, state: cython.longlong,
          messages: cython.const[cython.longlong][:, ::1], k: cython.Py_ssize_t, data: cython.const[cython.uchar][::1],
          held: cython.const[cython.uchar][::1], old: cython.uchar[::1], out: cython.longlong[:, ::1]) -> cython.longlong:
    """Write one exchange: the query of slot e (-1 none) and response k (-1 none)."""
    x: cython.Py_ssize_t = ctl[C_OUT]
    i: cython.Py_ssize_t
    at: cython.Py_ssize_t
    for i in range(X_COUNT):
        out[x, i] = 0
    out[x, X_STATE] = state
    out[x, X_RETRY_NS] = -1
    out[x, X_RESPONSE] = k
    if e >= 0:
        for i in range(D_COUNT):
            out[x, X_QUERY + i] = slots[e, i]
        out[x, X_RETRIES] = slots[e, E_RETRIES]
        out[x, X_RETRY_NS] = slots[e, E_RETRY_NS]
        out[x, X_BUFFER] = slots[e, E_BUFFER]
        out[x, X_START] = slots[e, E_START]
        out[x, X_LEN] = slots[e, E_LEN]
        if state == SECOND:
            out[x, X_BEFORE] = slots[e, E_ANSWER]
        if slots[e, E_BUFFER] == 2:
            at = ctl[C_OLD]
            for i in range(slots[e, E_LEN]):
                old[at + i] = held[slots[e, E_START] + i]
            out[x, X_START] = at
            ctl[C_OLD] = at + slots[e, E_LEN]
    if k >= 0:
        for i in range(D_COUNT):
            out[x, X_ANSWER + i] = messages[k, i]
    ctl[C_OUT] = x + 1
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def _bucket(buckets: cython.longlong[::1], seed: cython.longlong, client: cython.longlong, server: cython.longlong,
            ports: cython.longlong, number: cython.longlong) -> cython.Py_ssize_t:
    """The bucket of a client, server, their ports and an id."""
    h: cython.longlong = seed & HASH_BITS
    h = ((h ^ (client & LOW_32)) * HASH_PRIME) & HASH_BITS
    h = ((h ^ (client >> 32 & LOW_32)) * HASH_PRIME) & HASH_BITS
    h = ((h ^ (server & LOW_32)) * HASH_PRIME) & HASH_BITS
    h = ((h ^ (server >> 32 & LOW_32)) * HASH_PRIME) & HASH_BITS
    h = ((h ^ ports) * HASH_PRIME) & HASH_BITS
    h = ((h ^ number) * HASH_PRIME) & HASH_BITS
    return ((h ^ (h >> 21)) & LOW_32) % buckets.shape[0]


@cython.cfunc
@cython.nogil
@cython.exceptval(-2)
def _find(slots: cython.longlong[:, ::1], first: cython.Py_ssize_t, messages: cython.const[cython.longlong][:, ::1],
          k: cython.Py_ssize_t, turned: cython.bint, which: cython.longlong, question: cython.longlong) -> cython.Py_ssize_t:
    """The slot in list `which` whose query has the ends, id and question of message k (turned: it is the response); or -1."""
    steps: cython.longlong = 0
    e: cython.Py_ssize_t = first
    a: cython.Py_ssize_t = D_DST_HI if turned else D_SRC_HI
    b: cython.Py_ssize_t = D_SRC_HI if turned else D_DST_HI
    anyone: cython.bint = messages[k, D_PROTOCOL] == LLMNR     # who answers is not who was asked: that was a group
    while e >= 0 and steps < CHAIN:
        if (slots[e, E_LIST] == which and slots[e, D_ID] == messages[k, D_ID]
                and slots[e, D_SRC_LO] == messages[k, a + 1] and slots[e, D_SRC_HI] == messages[k, a]
                and slots[e, D_SRC_PORT] == messages[k, D_DST_PORT if turned else D_SRC_PORT]
                and slots[e, D_DST_PORT] == messages[k, D_SRC_PORT if turned else D_DST_PORT]
                and slots[e, D_TRANSPORT] == messages[k, D_TRANSPORT]
                and (anyone or (slots[e, D_DST_LO] == messages[k, b + 1] and slots[e, D_DST_HI] == messages[k, b]))
                and (question == 0 or slots[e, D_QHASH] == question)):
            return e
        e = slots[e, E_CHAIN]
        steps += 1
    return -1


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def _pair(messages: cython.const[cython.longlong][:, ::1], data: cython.const[cython.uchar][::1], first: cython.Py_ssize_t,
          slots: cython.longlong[:, ::1], buckets: cython.longlong[::1], seed: cython.longlong, ctl: cython.longlong[::1],
          held: cython.const[cython.uchar][::1], old: cython.uchar[::1], out: cython.longlong[:, ::1]) -> cython.Py_ssize_t:
    """See pair()."""
    k: cython.Py_ssize_t
    e: cython.Py_ssize_t
    i: cython.Py_ssize_t
    bucket: cython.Py_ssize_t
    now: cython.longlong
    flags: cython.longlong
    question: cython.longlong
    ports: cython.longlong
    for k in range(first, messages.shape[0]):
        # what waited too long; each one takes a row and at most KEPT of the old bytes, and this message may take another
        now = messages[k, D_TS_NS]
        while True:
            if ctl[C_OUT] + 2 > out.shape[0] or ctl[C_OLD] + 2 * KEPT > old.shape[0]:
                return k
            e = ctl[2 * WAITING]
            if e < 0 or now - slots[e, D_TS_NS] <= WAIT_NS:
                break
            _emit(slots, ctl, e, UNANSWERED, messages, -1, data, held, old, out)
            _leave(slots, ctl, e)
            _join(slots, ctl, e, DONE)
            slots[e, E_ANSWER] = 0
            slots[e, E_BUFFER] = 0
        if messages[k, D_ID] < 0:
            continue
        flags = messages[k, D_FLAGS]
        question = messages[k, D_QHASH]
        if messages[k, D_PROTOCOL] == MDNS and flags & 0x8000:
            _emit(slots, ctl, -1, ANNOUNCED, messages, k, data, held, old, out)
            continue
        if flags & 0x8000:
            ports = (messages[k, D_DST_PORT] << 16) | messages[k, D_SRC_PORT]
            bucket = _bucket(buckets, seed, messages[k, D_DST_LO],
                             0 if messages[k, D_PROTOCOL] == LLMNR else messages[k, D_SRC_LO], ports, messages[k, D_ID])
            e = _find(slots, buckets[bucket], messages, k, True, WAITING, question)
            if e >= 0:
                _emit(slots, ctl, e, ANSWERED, messages, k, data, held, old, out)
                _leave(slots, ctl, e)
                _join(slots, ctl, e, DONE)
                slots[e, E_HASH] = messages[k, D_ANSWER_HASH] + messages[k, D_RCODE]
                slots[e, E_ANSWER] = messages[k, D_NUMBER]
                slots[e, E_BUFFER] = 0
                continue
            e = _find(slots, buckets[bucket], messages, k, True, DONE, question)
            if e < 0:
                _emit(slots, ctl, -1, UNASKED, messages, k, data, held, old, out)
            elif slots[e, E_ANSWER] == 0:
                # it came after all, when nobody waited any more: the exchange without it has been told
                slots[e, E_HASH] = messages[k, D_ANSWER_HASH] + messages[k, D_RCODE]
                slots[e, E_ANSWER] = messages[k, D_NUMBER]
                _emit(slots, ctl, -1, UNASKED, messages, k, data, held, old, out)
            elif (slots[e, E_HASH] != messages[k, D_ANSWER_HASH] + messages[k, D_RCODE]
                    and slots[e, D_QTYPE] != 252 and slots[e, D_QTYPE] != 251 and messages[k, D_PROTOCOL] != LLMNR):
                # a zone transfer takes many messages, and a group may answer many times; anybody else answers once
                _emit(slots, ctl, e, SECOND, messages, k, data, held, old, out)
            continue
        ports = (messages[k, D_SRC_PORT] << 16) | messages[k, D_DST_PORT]
        bucket = _bucket(buckets, seed, messages[k, D_SRC_LO],
                         0 if messages[k, D_PROTOCOL] == LLMNR else messages[k, D_DST_LO], ports, messages[k, D_ID])
        e = _find(slots, buckets[bucket], messages, k, False, WAITING, question)
        if e >= 0:
            slots[e, E_RETRIES] += 1
            slots[e, E_RETRY_NS] = now
            continue
        e = ctl[2 * FREE]
        if e < 0:
            e = ctl[2 * DONE]
            if e < 0:
                e = ctl[2 * WAITING]
                ctl[C_GIVEN_UP] += 1
                _emit(slots, ctl, e, UNANSWERED, messages, -1, data, held, old, out)
            _unchain(slots, buckets, e)
        _leave(slots, ctl, e)
        for i in range(D_COUNT):
            slots[e, i] = messages[k, i]
        slots[e, E_RETRIES] = 0
        slots[e, E_RETRY_NS] = -1
        slots[e, E_BUFFER] = 1
        slots[e, E_START] = messages[k, D_START]
        slots[e, E_LEN] = messages[k, D_LEN]
        slots[e, E_BUCKET] = bucket
        slots[e, E_CHAIN] = buckets[bucket]
        buckets[bucket] = e
        _join(slots, ctl, e, WAITING)
    return messages.shape[0]


def pair(messages: cython.const[cython.longlong][:, ::1], data: cython.const[cython.uchar][::1], first: cython.Py_ssize_t,
         slots: cython.longlong[:, ::1], buckets: cython.longlong[::1], seed: cython.longlong, ctl: cython.longlong[::1],
         held: cython.const[cython.uchar][::1], old: cython.uchar[::1], out: cython.longlong[:, ::1]) -> cython.Py_ssize_t:
    """Pair the messages from `first` on; write the exchanges that are over.

    messages  int64[k, D_COUNT]   decode/dns_columns.py
    data      uint8[b]            their bytes
    slots     int64[e, E_COUNT]   queries that wait or were answered; made by prepare()
    buckets   int64[h]            first slot of each hash, -1 none
    seed      mixed into the hash, so that nobody can choose who shares a bucket
    ctl       int64[C_COUNT]      lists and counters
    held      uint8[m]            bytes of queries that wait since earlier batches
    old       uint8[n]            written from ctl[C_OLD] on: those bytes again, of the queries in `out`
    out       int64[x, X_COUNT]   written from row ctl[C_OUT] on

    Answers k when all messages are done, or the one it stopped at because `out` or `old` is full: call again from there.
    """
    done: cython.Py_ssize_t
    if not cython.compiled:
        messages, data, slots, buckets = memoryview(messages), memoryview(data), memoryview(slots), memoryview(buckets)
        ctl, held, old, out = memoryview(ctl), memoryview(held), memoryview(old), memoryview(out)
    with cython.nogil:
        done = _pair(messages, data, first, slots, buckets, seed, ctl, held, old, out)
    return done


def flush(slots: cython.longlong[:, ::1], ctl: cython.longlong[::1], data: cython.const[cython.uchar][::1],
          messages: cython.const[cython.longlong][:, ::1], held: cython.const[cython.uchar][::1], old: cython.uchar[::1],
          out: cython.longlong[:, ::1]) -> cython.Py_ssize_t:
    """The capture is over: write what still waits as unanswered, as far as it fits; answers how many wait yet."""
    e: cython.Py_ssize_t
    if not cython.compiled:
        slots, ctl, data, messages = memoryview(slots), memoryview(ctl), memoryview(data), memoryview(messages)
        held, old, out = memoryview(held), memoryview(old), memoryview(out)
    with cython.nogil:
        while ctl[C_WAITING] > 0 and ctl[C_OUT] < out.shape[0] and ctl[C_OLD] + KEPT <= old.shape[0]:
            e = ctl[2 * WAITING]
            _emit(slots, ctl, e, UNANSWERED, messages, -1, data, held, old, out)
            _leave(slots, ctl, e)
            _join(slots, ctl, e, DONE)
            slots[e, E_ANSWER] = 0
            slots[e, E_BUFFER] = 0
    return ctl[C_WAITING]


def hold(slots: cython.longlong[:, ::1], ctl: cython.longlong[::1], data: cython.const[cython.uchar][::1],
         held: cython.const[cython.uchar][::1], into: cython.uchar[::1], everything: cython.bint) -> cython.longlong:
    """Keep the first bytes of the queries that go on waiting when their batch is over; answers how many there are, or -1.

    everything  False: only those of this batch, appended to `into`, which is `held`; -1 when it has no room for them
                True: all of them, to the beginning of `into`, which is another array and large enough
    """
    e: cython.Py_ssize_t
    i: cython.Py_ssize_t
    at: cython.Py_ssize_t = 0 if everything else ctl[C_HELD]
    size: cython.longlong
    fits: cython.bint = True
    if not cython.compiled:
        slots, ctl, data, held, into = (memoryview(slots), memoryview(ctl), memoryview(data), memoryview(held),
                                        memoryview(into))
    with cython.nogil:
        e = ctl[2 * WAITING + 1]
        while e >= 0 and (everything or slots[e, E_BUFFER] == 1):
            size = slots[e, E_LEN] if slots[e, E_LEN] < KEPT else KEPT
            if at + size > into.shape[0]:
                fits = False
                break
            if slots[e, E_BUFFER] == 1:
                for i in range(size):
                    into[at + i] = data[slots[e, E_START] + i]
            else:
                for i in range(size):
                    into[at + i] = held[slots[e, E_START] + i]
            slots[e, E_BUFFER] = 2
            slots[e, E_START] = at
            slots[e, E_LEN] = size
            at += size
            e = slots[e, E_PREVIOUS]
    ctl[C_HELD] = at
    return at if fits else -1


def prepare(slots: cython.longlong[:, ::1], first: cython.Py_ssize_t, buckets: cython.longlong[::1], seed: cython.longlong,
            ctl: cython.longlong[::1]) -> None:
    """The tables are new, or have grown: slots from `first` on become free, all others get into the new buckets."""
    e: cython.Py_ssize_t
    which: cython.Py_ssize_t
    bucket: cython.Py_ssize_t
    if not cython.compiled:
        slots, buckets, ctl = memoryview(slots), memoryview(buckets), memoryview(ctl)
    for bucket in range(buckets.shape[0]):
        buckets[bucket] = -1
    if first == 0:
        for e in range(6):
            ctl[e] = -1
    # the youngest of each list has to come last: chains begin with it
    for which in range(DONE, FREE, -1):
        e = ctl[2 * which]
        while e >= 0:
            bucket = _bucket(buckets, seed, slots[e, D_SRC_LO], 0 if slots[e, D_PROTOCOL] == LLMNR else slots[e, D_DST_LO],
                             (slots[e, D_SRC_PORT] << 16) | slots[e, D_DST_PORT], slots[e, D_ID])
            slots[e, E_BUCKET] = bucket
            slots[e, E_CHAIN] = buckets[bucket]
            buckets[bucket] = e
            e = slots[e, E_NEXT]
    for e in range(first, slots.shape[0]):
        _join(slots, ctl, e, FREE)
