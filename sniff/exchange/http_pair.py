"""Which HTTP response answers which request. Compiled.

A connection has a row in a table, and three queues: requests and responses that wait for each other, and responses 1xx that wait
for the final one. What waits is linked: a message of this batch by its column, one of an earlier batch by its node, which
holds a copy of its row. Heads of those that wait beyond their batch are kept in an arena.

What the rules are for stands in exchange/http_builder.py.
"""

import cython

from sniff import limits
from sniff.decode import columns
from sniff.exchange import http_columns

M_IS_RESPONSE = cython.declare(cython.Py_ssize_t, columns.M_IS_RESPONSE)
M_STREAM = cython.declare(cython.Py_ssize_t, columns.M_STREAM)
M_SEQUENCE = cython.declare(cython.Py_ssize_t, columns.M_SEQUENCE)
M_FIRST_PACKET = cython.declare(cython.Py_ssize_t, columns.M_FIRST_PACKET)
M_LAST_PACKET = cython.declare(cython.Py_ssize_t, columns.M_LAST_PACKET)
M_FIRST_NS = cython.declare(cython.Py_ssize_t, columns.M_FIRST_NS)
M_LAST_NS = cython.declare(cython.Py_ssize_t, columns.M_LAST_NS)
M_STATUS = cython.declare(cython.Py_ssize_t, columns.M_STATUS)
M_FLAGS = cython.declare(cython.Py_ssize_t, columns.M_FLAGS)
M_HEAD_BUFFER = cython.declare(cython.Py_ssize_t, columns.M_HEAD_BUFFER)
M_HEAD_START = cython.declare(cython.Py_ssize_t, columns.M_HEAD_START)
M_HEAD_KEPT = cython.declare(cython.Py_ssize_t, columns.M_HEAD_KEPT)
M_PREFIX_BUFFER = cython.declare(cython.Py_ssize_t, columns.M_PREFIX_BUFFER)
M_PREFIX_START = cython.declare(cython.Py_ssize_t, columns.M_PREFIX_START)
M_PREFIX_LEN = cython.declare(cython.Py_ssize_t, columns.M_PREFIX_LEN)
M_COUNT = cython.declare(cython.Py_ssize_t, columns.M_COUNT)
RESYNC = cython.declare(cython.longlong, int(columns.MessageFlag.RESYNC))
STILL_RUNNING = cython.declare(cython.longlong, int(columns.MessageFlag.STILL_RUNNING))
ABORTED_FLAG = cython.declare(cython.longlong, int(columns.MessageFlag.ABORTED))
PENDING = cython.declare(cython.longlong, limits.PENDING_EXCHANGES)

X_RESPONSE = cython.declare(cython.Py_ssize_t, http_columns.X_RESPONSE)
X_HEAD = cython.declare(cython.Py_ssize_t, http_columns.X_HEAD)
X_PREFIX = cython.declare(cython.Py_ssize_t, http_columns.X_PREFIX)
X_HAS = cython.declare(cython.Py_ssize_t, http_columns.X_HAS)
X_STATE = cython.declare(cython.Py_ssize_t, http_columns.X_STATE)
X_ODD = cython.declare(cython.Py_ssize_t, http_columns.X_ODD)
X_STREAM = cython.declare(cython.Py_ssize_t, http_columns.X_STREAM)
X_CONNECTION = cython.declare(cython.Py_ssize_t, http_columns.X_CONNECTION)
X_NUMBER = cython.declare(cython.Py_ssize_t, http_columns.X_NUMBER)
X_PLACE = cython.declare(cython.Py_ssize_t, http_columns.X_PLACE)
X_MOMENTS = cython.declare(cython.Py_ssize_t, http_columns.X_MOMENTS)
X_INFERRED = cython.declare(cython.longlong, http_columns.INFERRED)
X_INTERIM = cython.declare(cython.longlong, http_columns.INTERIM)

# --- how an exchange stands (exchange/http.py: State) -----------------------------------------------------------------------
COMPLETE_, UNANSWERED_, ABORTED_, RUNNING_, UNASKED_ = range(5)
COMPLETE = cython.declare(cython.longlong, COMPLETE_)
UNANSWERED = cython.declare(cython.longlong, UNANSWERED_)
ABORTED = cython.declare(cython.longlong, ABORTED_)
RUNNING = cython.declare(cython.longlong, RUNNING_)
UNASKED = cython.declare(cython.longlong, UNASKED_)

# --- a connection: one row ----------------------------------------------------------------------------------------------------
S_HEAD_ = 0          # first of each queue, -1 when it is empty
S_TAIL_ = 3
S_WAIT_ = 6          # how many there are in it
S_SURE_ = 9          # of the requests, of the responses that wait, how many came before the first hole in their direction
S_HOLES_ = 11        # bits: one was met among the requests, the responses
S_TURN_ = 12         # when the last response ended, ns; -1 before
S_MADE_ = 13         # exchanges that were made
S_ENDED_ = 14        # bit per direction that said its last byte
S_STREAM_ = 15       # tcp.stream
S_SYN_ = 16          # of the connection: its SYN, when it stood, and the lookup before it; ns, -1 when not known
S_OPEN_ = 17
S_ASKED_ = 18
S_ANSWERED_ = 19
S_COUNT_ = 20
S_HEAD = cython.declare(cython.Py_ssize_t, S_HEAD_)
S_TAIL = cython.declare(cython.Py_ssize_t, S_TAIL_)
S_WAIT = cython.declare(cython.Py_ssize_t, S_WAIT_)
S_SURE = cython.declare(cython.Py_ssize_t, S_SURE_)
S_HOLES = cython.declare(cython.Py_ssize_t, S_HOLES_)
S_TURN = cython.declare(cython.Py_ssize_t, S_TURN_)
S_MADE = cython.declare(cython.Py_ssize_t, S_MADE_)
S_STREAM = cython.declare(cython.Py_ssize_t, S_STREAM_)
S_SYN = cython.declare(cython.Py_ssize_t, S_SYN_)
S_OPEN = cython.declare(cython.Py_ssize_t, S_OPEN_)
S_ASKED = cython.declare(cython.Py_ssize_t, S_ASKED_)
S_ANSWERED = cython.declare(cython.Py_ssize_t, S_ANSWERED_)
REQUESTS = cython.declare(cython.Py_ssize_t, 0)
RESPONSES = cython.declare(cython.Py_ssize_t, 1)
INTERIM = cython.declare(cython.Py_ssize_t, 2)

# --- a node: the row of a message that waits, and ------------------------------------------------------------------------------
N_NEXT_ = columns.M_COUNT           # the next one in its queue, -1 none
N_USED_ = columns.M_COUNT + 1       # 1 when it is in one
N_COUNT_ = columns.M_COUNT + 2
N_NEXT = cython.declare(cython.Py_ssize_t, N_NEXT_)
N_USED = cython.declare(cython.Py_ssize_t, N_USED_)

# --- an exchange that was made, before its row is written ----------------------------------------------------------------------
O_PLACE_, O_REQUEST_, O_RESPONSE_, O_STATE_, O_TURN_, O_ENDED_, O_SURE_, O_MADE_, O_COUNT_ = range(9)
O_PLACE = cython.declare(cython.Py_ssize_t, O_PLACE_)        # of its connection
O_REQUEST = cython.declare(cython.Py_ssize_t, O_REQUEST_)    # its messages, -1 none
O_RESPONSE = cython.declare(cython.Py_ssize_t, O_RESPONSE_)
O_STATE = cython.declare(cython.Py_ssize_t, O_STATE_)
O_TURN = cython.declare(cython.Py_ssize_t, O_TURN_)          # S_TURN, FIRST of the first one, which waited for the connection
O_ENDED = cython.declare(cython.Py_ssize_t, O_ENDED_)        # when the connection ended, for exchanges that ended with it
O_SURE = cython.declare(cython.Py_ssize_t, O_SURE_)
O_MADE = cython.declare(cython.Py_ssize_t, O_MADE_)          # its number in its connection

FIRST = cython.declare(cython.longlong, -2)

CONNECT_REACH_NS = 1_000_000_000
CONNECT_REACH = cython.declare(cython.longlong, CONNECT_REACH_NS)
"""When the first request begins later than this after its connection stood, the connection was opened in advance."""


@cython.cclass
class Pairs:
    """Queues of all connections. Give it the tables, then a batch; run; close what ended; write the rows; keep what waits.

    streams   int64[s, S_COUNT_]   connections
    nodes     int64[n, N_COUNT_]   messages of earlier batches that wait
    free      int64[n]             nodes that are free, a stack

    made      exchanges that were made and not yet written
    given_up  requests that too many others overtook
    """

    streams: cython.longlong[:, ::1]
    nodes: cython.longlong[:, ::1]
    free: cython.longlong[::1]
    messages: cython.const[cython.longlong][:, ::1]
    links: cython.longlong[::1]
    scratch: cython.longlong[:, ::1]
    out: cython.longlong[:, ::1]
    side: cython.longlong[:, ::1]
    data: cython.const[cython.uchar][::1]
    heads: cython.const[cython.uchar][::1]
    arena: cython.uchar[::1]
    left: cython.Py_ssize_t
    known: cython.Py_ssize_t
    count: cython.Py_ssize_t
    sides: cython.Py_ssize_t
    overtaken: cython.Py_ssize_t
    used: cython.Py_ssize_t

    def __init__(self) -> None:
        self.left = 0
        self.known = 0
        self.count = 0
        self.sides = 0
        self.overtaken = 0
        self.used = 0

    def tables(self, streams: cython.longlong[:, ::1], nodes: cython.longlong[:, ::1], free: cython.longlong[::1],
               arena: cython.uchar[::1]) -> None:
        """Work with these tables. What they hold stays: larger ones begin with a copy of the smaller ones.

        Nodes beyond those of the table before are free now.
        """
        i: cython.Py_ssize_t
        self.streams = streams
        self.nodes = nodes
        self.free = free
        self.arena = arena
        for i in range(nodes.shape[0] - 1, self.known - 1, -1):
            free[self.left] = i
            self.left += 1
        self.known = nodes.shape[0]

    def batch(self, messages: cython.const[cython.longlong][:, ::1], data: cython.const[cython.uchar][::1],
              heads: cython.const[cython.uchar][::1], links: cython.longlong[::1], scratch: cython.longlong[:, ::1],
              out: cython.longlong[:, ::1], side: cython.longlong[:, ::1]) -> None:
        """The messages of a batch, the buffers that have their heads, and room to work in.

        links    int64[messages]
        scratch  int64[messages + nodes, 2]
        out      int64[messages + nodes, O_COUNT_]
        side     int64[messages + nodes, 2]
        """
        self.messages = messages
        self.data = data
        self.heads = heads
        self.links = links
        self.scratch = scratch
        self.out = out
        self.side = side
        self.count = 0
        self.sides = 0
        self.overtaken = 0

    def made(self) -> int:
        """Exchanges that were made."""
        return self.count

    def interim(self) -> int:
        """Responses 1xx among their messages: rows of `side`."""
        return self.sides

    def given_up(self) -> int:
        """Requests that too many others overtook."""
        return self.overtaken

    def free_nodes(self) -> int:
        """Nodes that are free."""
        return self.left

    def arena_used(self) -> int:
        """Bytes of the arena that were handed out."""
        return self.used

    def run(self, places: cython.const[cython.longlong][::1]) -> None:
        """Take all messages of the batch. places: int64[messages], the row in `streams` of the connection of each."""
        i: cython.Py_ssize_t
        with cython.nogil:
            for i in range(self.messages.shape[1]):
                self.take(places[i], self.nodes.shape[0] + i)

    # --- queues ---------------------------------------------------------------------------------------------------------

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2, check=True)
    def get(self, ref: cython.Py_ssize_t, column: cython.Py_ssize_t) -> cython.longlong:
        """A column of a message."""
        if ref < self.known:
            return self.nodes[ref, column]
        return self.messages[column, ref - self.known]

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2, check=True)
    def next(self, ref: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """The one after it in its queue."""
        if ref < self.known:
            return self.nodes[ref, N_NEXT]
        return self.links[ref - self.known]

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def link(self, ref: cython.Py_ssize_t, after: cython.Py_ssize_t) -> cython.int:
        """Let `after` follow."""
        if ref < self.known:
            self.nodes[ref, N_NEXT] = after
        else:
            self.links[ref - self.known] = after
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def push(self, place: cython.Py_ssize_t, queue: cython.Py_ssize_t, ref: cython.Py_ssize_t) -> cython.int:
        """Put a message at the end of a queue."""
        self.link(ref, -1)
        if self.streams[place, S_HEAD + queue] < 0:
            self.streams[place, S_HEAD + queue] = ref
        else:
            self.link(self.streams[place, S_TAIL + queue], ref)
        self.streams[place, S_TAIL + queue] = ref
        self.streams[place, S_WAIT + queue] += 1
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2, check=True)
    def pop(self, place: cython.Py_ssize_t, queue: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """Take the first message of a queue that is not empty."""
        ref: cython.Py_ssize_t = self.streams[place, S_HEAD + queue]
        self.streams[place, S_HEAD + queue] = self.next(ref)
        self.streams[place, S_WAIT + queue] -= 1
        return ref

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2, check=True)
    def empty_reversed(self, place: cython.Py_ssize_t, queue: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """Empty a queue; what was its last message now begins a chain that runs backwards, -1 when there was none."""
        before: cython.Py_ssize_t = -1
        ref: cython.Py_ssize_t = self.streams[place, S_HEAD + queue]
        after: cython.Py_ssize_t
        while ref >= 0:
            after = self.next(ref)
            self.link(ref, before)
            before = ref
            ref = after
        self.streams[place, S_HEAD + queue] = -1
        self.streams[place, S_WAIT + queue] = 0
        return before

    # --- pairing --------------------------------------------------------------------------------------------------------

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def take(self, place: cython.Py_ssize_t, ref: cython.Py_ssize_t) -> cython.int:
        """A message that ended."""
        status: cython.longlong = self.get(ref, M_STATUS)
        answers: cython.bint = self.get(ref, M_IS_RESPONSE) != 0
        if self.get(ref, M_FLAGS) & RESYNC:
            self.streams[place, S_HOLES] |= 2 if answers else 1
        if answers:
            if 100 <= status < 200 and status != 101:
                if self.streams[place, S_WAIT + INTERIM] < PENDING:
                    self.push(place, INTERIM, ref)
                return 0
            self.push(place, RESPONSES, ref)
            if not self.streams[place, S_HOLES] & 2:
                self.streams[place, S_SURE + RESPONSES] += 1
        else:
            if self.streams[place, S_WAIT + RESPONSES] and self.streams[place, S_HOLES] and self.is_quiet(place, ref):
                self.settle(place, UNANSWERED, -1)
            self.push(place, REQUESTS, ref)
            if not self.streams[place, S_HOLES] & 1:
                self.streams[place, S_SURE + REQUESTS] += 1
            if self.streams[place, S_WAIT + RESPONSES] == 0 and self.streams[place, S_WAIT + REQUESTS] <= PENDING:
                return 0
        return self.match(place)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def match(self, place: cython.Py_ssize_t) -> cython.int:
        """Pair what is sure, and give up what waits for too long."""
        request: cython.Py_ssize_t
        while self.streams[place, S_SURE + REQUESTS] and self.streams[place, S_SURE + RESPONSES]:
            self.streams[place, S_SURE + RESPONSES] -= 1
            if self.too_early(self.streams[place, S_HEAD + RESPONSES], self.streams[place, S_HEAD + REQUESTS]):
                self.make(place, -1, self.pop(place, RESPONSES), UNASKED, -1, True)
            else:
                self.streams[place, S_SURE + REQUESTS] -= 1
                request = self.pop(place, REQUESTS)
                self.pair(place, request, self.pop(place, RESPONSES), True)
        if self.streams[place, S_WAIT + REQUESTS] <= PENDING and self.streams[place, S_WAIT + RESPONSES] <= PENDING:
            return 0
        if self.streams[place, S_HOLES]:
            self.settle(place, UNANSWERED, -1)
        elif self.streams[place, S_WAIT + REQUESTS] > PENDING:
            self.overtaken += 1
            self.streams[place, S_SURE + REQUESTS] -= 1
            self.make(place, self.pop(place, REQUESTS), -1, UNANSWERED, -1, True)
        else:
            self.streams[place, S_SURE + RESPONSES] -= 1
            self.make(place, -1, self.pop(place, RESPONSES), UNASKED, -1, True)
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def settle(self, place: cython.Py_ssize_t, otherwise: cython.longlong, ended_ns: cython.longlong) -> cython.int:
        """Pair what waits after a hole, from the last ones backwards. `otherwise`: the state of requests left over."""
        request: cython.Py_ssize_t = self.empty_reversed(place, REQUESTS)
        response: cython.Py_ssize_t = self.empty_reversed(place, RESPONSES)
        count: cython.Py_ssize_t = 0
        self.streams[place, S_SURE + REQUESTS] = 0
        self.streams[place, S_SURE + RESPONSES] = 0
        while request >= 0 or response >= 0:
            if request >= 0 and (response < 0 or self.too_early(response, request)):
                self.scratch[count, 0] = request
                self.scratch[count, 1] = -1
                request = self.next(request)
            elif request >= 0:
                self.scratch[count, 0] = request
                self.scratch[count, 1] = response
                request = self.next(request)
                response = self.next(response)
            else:
                self.scratch[count, 0] = -1
                self.scratch[count, 1] = response
                response = self.next(response)
            count += 1
        while count > 0:
            count -= 1
            request = self.scratch[count, 0]
            response = self.scratch[count, 1]
            if request >= 0 and response >= 0:
                self.pair(place, request, response, False)
            else:
                self.make(place, request, response, otherwise if response < 0 else UNASKED, ended_ns, False)
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def pair(self, place: cython.Py_ssize_t, request: cython.Py_ssize_t, response: cython.Py_ssize_t,
             sure: cython.bint) -> cython.int:
        """A request and the response that answers it."""
        flags: cython.longlong = self.get(request, M_FLAGS) | self.get(response, M_FLAGS)
        state: cython.longlong = COMPLETE
        if flags & STILL_RUNNING:
            state = RUNNING
        elif flags & ABORTED_FLAG:
            state = ABORTED
        return self.make(place, request, response, state, -1, sure)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def make(self, place: cython.Py_ssize_t, request: cython.Py_ssize_t, response: cython.Py_ssize_t, state: cython.longlong,
             ended_ns: cython.longlong, sure: cython.bint) -> cython.int:
        """An exchange."""
        n: cython.Py_ssize_t = self.count
        ref: cython.Py_ssize_t
        self.out[n, O_PLACE] = place
        self.out[n, O_REQUEST] = request
        self.out[n, O_RESPONSE] = response
        self.out[n, O_STATE] = state
        self.out[n, O_TURN] = self.streams[place, S_TURN]
        self.out[n, O_ENDED] = ended_ns
        self.out[n, O_SURE] = 1 if sure else 0
        self.out[n, O_MADE] = self.streams[place, S_MADE]
        if self.streams[place, S_MADE] == 0 and request >= 0 and self.streams[place, S_HOLES] == 0 \
                and self.get(request, M_SEQUENCE) == 0:
            self.out[n, O_TURN] = FIRST
        if response >= 0:
            self.streams[place, S_TURN] = self.get(response, M_LAST_NS)
            while self.streams[place, S_HEAD + INTERIM] >= 0:
                ref = self.streams[place, S_HEAD + INTERIM]
                if self.get(ref, M_FIRST_PACKET) > self.get(response, M_FIRST_PACKET):
                    break
                self.pop(place, INTERIM)
                self.side[self.sides, 0] = n
                self.side[self.sides, 1] = ref
                self.sides += 1
        self.streams[place, S_MADE] += 1
        self.count += 1
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def too_early(self, response: cython.Py_ssize_t, request: cython.Py_ssize_t) -> cython.bint:
        """Whether the response began before the request did, and so cannot be its answer."""
        return self.get(response, M_FIRST_PACKET) < self.get(request, M_FIRST_PACKET)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def is_quiet(self, place: cython.Py_ssize_t, request: cython.Py_ssize_t) -> cython.bint:
        """Whether nobody was waiting any more as the request began: it is the first one after the last response.

        A response that was held behind a hole ends, by its row, later than it did; so where it began counts as well.
        """
        last: cython.Py_ssize_t = self.streams[place, S_TAIL + RESPONSES]
        if self.get(request, M_FIRST_PACKET) <= self.get(last, M_LAST_PACKET):
            return False
        return self.streams[place, S_WAIT + REQUESTS] == 0 or self.get(self.streams[place, S_TAIL + REQUESTS], M_FIRST_PACKET) \
            < self.get(last, M_FIRST_PACKET)

    # --- ends -----------------------------------------------------------------------------------------------------------

    def close(self, place: cython.Py_ssize_t, last_ns: cython.longlong, state: cython.longlong) -> None:
        """A connection ended: what still waits on it is over. state: that of requests without a response."""
        ref: cython.Py_ssize_t
        if self.streams[place, S_HOLES]:
            self.settle(place, state, last_ns)
        while self.streams[place, S_WAIT + REQUESTS]:
            ref = self.pop(place, REQUESTS)
            self.make(place, ref, -1, ABORTED if self.get(ref, M_FLAGS) & ABORTED_FLAG else state, last_ns, True)
        while self.streams[place, S_WAIT + RESPONSES]:
            self.make(place, -1, self.pop(place, RESPONSES), UNASKED, -1, True)
        self.streams[place, S_SURE + REQUESTS] = 0
        self.streams[place, S_SURE + RESPONSES] = 0

    def release(self, place: cython.Py_ssize_t) -> None:
        """Forget a connection of which no request and no response waits."""
        ref: cython.Py_ssize_t = self.streams[place, S_HEAD + INTERIM]
        after: cython.Py_ssize_t
        while ref >= 0:
            after = self.next(ref)
            self.drop(ref)
            ref = after
        self.streams[place, S_HEAD + INTERIM] = -1
        self.streams[place, S_WAIT + INTERIM] = 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def drop(self, ref: cython.Py_ssize_t) -> cython.int:
        """Free the node of a message, when it has one."""
        if 0 <= ref < self.known and self.nodes[ref, N_USED]:
            self.nodes[ref, N_USED] = 0
            self.free[self.left] = ref
            self.left += 1
        return 0

    # --- rows -----------------------------------------------------------------------------------------------------------

    def measure(self) -> tuple[int, int]:
        """(bytes of the heads, bytes of the first bytes of bodies) of the exchanges that were made."""
        n: cython.Py_ssize_t
        i: cython.Py_ssize_t
        ref: cython.Py_ssize_t
        heads: cython.Py_ssize_t = 0
        prefixes: cython.Py_ssize_t = 0
        for n in range(self.count):
            for i in range(2):
                ref = self.out[n, O_REQUEST + i]
                if ref >= 0:
                    heads += self.get(ref, M_HEAD_KEPT)
                    prefixes += self.get(ref, M_PREFIX_LEN)
        return heads, prefixes

    def write(self, rows: cython.longlong[:, ::1], heads: cython.uchar[::1], prefixes: cython.uchar[::1],
              number: cython.longlong) -> None:
        """Write the rows of the exchanges that were made (http_columns.py), X_CONNECTION excepted; their nodes are not free yet.

        rows             int64[made, X_COUNT]
        heads, prefixes  uint8[as measure() says]
        number           that of the first exchange
        """
        n: cython.Py_ssize_t
        i: cython.Py_ssize_t
        k: cython.Py_ssize_t
        ref: cython.Py_ssize_t
        head: cython.Py_ssize_t = 0
        prefix: cython.Py_ssize_t = 0
        with cython.nogil:
            for n in range(self.count):
                for i in range(2):
                    ref = self.out[n, O_REQUEST + i]
                    rows[n, X_HEAD + i] = head
                    rows[n, X_PREFIX + i] = prefix
                    if ref < 0:
                        for k in range(M_COUNT):
                            rows[n, i * M_COUNT + k] = 0
                        continue
                    if ref < self.known:
                        for k in range(M_COUNT):
                            rows[n, i * M_COUNT + k] = self.nodes[ref, k]
                    else:
                        for k in range(M_COUNT):
                            rows[n, i * M_COUNT + k] = self.messages[k, ref - self.known]
                    head = self.copy(heads, head, ref, M_HEAD_BUFFER, M_HEAD_KEPT)
                    prefix = self.copy(prefixes, prefix, ref, M_PREFIX_BUFFER, M_PREFIX_LEN)
                rows[n, X_HAS] = (1 if self.out[n, O_REQUEST] >= 0 else 0) | (2 if self.out[n, O_RESPONSE] >= 0 else 0)
                rows[n, X_STATE] = self.out[n, O_STATE]
                rows[n, X_ODD] = 0 if self.out[n, O_SURE] else X_INFERRED
                rows[n, X_STREAM] = self.streams[self.out[n, O_PLACE], S_STREAM]
                rows[n, X_CONNECTION] = 0
                rows[n, X_NUMBER] = number + n
                rows[n, X_PLACE] = self.out[n, O_MADE]
                self.time(rows, n)
            for n in range(self.sides):
                rows[self.side[n, 0], X_ODD] |= X_INTERIM

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-2, check=True)
    def copy(self, into: cython.uchar[::1], at: cython.Py_ssize_t, ref: cython.Py_ssize_t, which: cython.Py_ssize_t,
             length: cython.Py_ssize_t) -> cython.Py_ssize_t:
        """Copy the head or the first bytes of a message, and say where they end. The start stands beside the buffer's number."""
        start: cython.Py_ssize_t = self.get(ref, which + 1)
        size: cython.Py_ssize_t = self.get(ref, length)
        k: cython.Py_ssize_t
        if ref < self.known:
            for k in range(size):
                into[at + k] = self.arena[start + k]
        elif self.get(ref, which) == 0:
            for k in range(size):
                into[at + k] = self.data[start + k]
        else:
            for k in range(size):
                into[at + k] = self.heads[start + k]
        return at + size

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def time(self, rows: cython.longlong[:, ::1], n: cython.Py_ssize_t) -> cython.int:
        """Write the nine moments of an exchange: each not before the one in front of it."""
        place: cython.Py_ssize_t = self.out[n, O_PLACE]
        k: cython.Py_ssize_t
        sending: cython.longlong
        sent: cython.longlong
        first: cython.longlong
        end: cython.longlong
        turn: cython.longlong = self.out[n, O_TURN]
        syn: cython.longlong
        opened: cython.longlong
        if self.out[n, O_REQUEST] < 0:
            first = rows[n, X_RESPONSE + M_FIRST_NS]
            for k in range(8):
                rows[n, X_MOMENTS + k] = first
            rows[n, X_MOMENTS + 8] = max(rows[n, X_RESPONSE + M_LAST_NS], first)
            return 0
        sending = rows[n, M_FIRST_NS]
        sent = max(rows[n, M_LAST_NS], sending)
        for k in range(5):
            rows[n, X_MOMENTS + k] = sending
        if turn == FIRST:
            syn = self.streams[place, S_SYN]
            opened = self.streams[place, S_OPEN]
            if 0 <= syn <= opened <= sending and sending - opened <= CONNECT_REACH:
                rows[n, X_MOMENTS] = syn
                rows[n, X_MOMENTS + 1] = syn
                rows[n, X_MOMENTS + 2] = syn
                rows[n, X_MOMENTS + 3] = opened
                if 0 <= self.streams[place, S_ASKED] <= self.streams[place, S_ANSWERED] <= syn:
                    rows[n, X_MOMENTS] = self.streams[place, S_ASKED]
                    rows[n, X_MOMENTS + 1] = self.streams[place, S_ANSWERED]
        if self.out[n, O_RESPONSE] < 0:
            end = max(self.out[n, O_ENDED], sent)
            rows[n, X_MOMENTS + 5] = sent
            rows[n, X_MOMENTS + 6] = sent
            rows[n, X_MOMENTS + 7] = end
            rows[n, X_MOMENTS + 8] = end
            return 0
        first = max(rows[n, X_RESPONSE + M_FIRST_NS], sending)
        end = max(max(rows[n, X_RESPONSE + M_LAST_NS], sent), first)
        sent = min(sent, first)     # a response may begin while the request is still being sent
        rows[n, X_MOMENTS + 5] = sent
        rows[n, X_MOMENTS + 6] = min(max(turn, sent), first)
        rows[n, X_MOMENTS + 7] = first
        rows[n, X_MOMENTS + 8] = end
        return 0

    def side_row(self, index: cython.Py_ssize_t, row: cython.longlong[::1], into: cython.uchar[::1]) -> int:
        """The row of a message of `side`, and its head; how many bytes the head has, or -1 when there is not that much room."""
        k: cython.Py_ssize_t
        ref: cython.Py_ssize_t = self.side[index, 1]
        for k in range(M_COUNT):
            row[k] = self.get(ref, k)
        if self.get(ref, M_HEAD_KEPT) > into.shape[0]:
            return -1
        return self.copy(into, 0, ref, M_HEAD_BUFFER, M_HEAD_KEPT)

    def let_go(self) -> None:
        """Free the nodes of the messages of the exchanges that were written."""
        n: cython.Py_ssize_t
        for n in range(self.count):
            self.drop(self.out[n, O_REQUEST])
            self.drop(self.out[n, O_RESPONSE])
        for n in range(self.sides):
            self.drop(self.side[n, 1])
        self.count = 0
        self.sides = 0

    # --- what waits -----------------------------------------------------------------------------------------------------

    def waiting(self, places: cython.const[cython.longlong][::1]) -> int:
        """Bytes that keep() needs in the arena."""
        i: cython.Py_ssize_t
        queue: cython.Py_ssize_t
        ref: cython.Py_ssize_t
        size: cython.Py_ssize_t = 0
        for i in range(places.shape[0]):
            for queue in range(3):
                ref = self.streams[places[i], S_HEAD + queue]
                while ref >= 0:
                    if ref >= self.known:
                        size += self.get(ref, M_HEAD_KEPT) + self.get(ref, M_PREFIX_LEN)
                    ref = self.next(ref)
        return size

    def keep(self, places: cython.const[cython.longlong][::1]) -> None:
        """Give nodes to the messages of this batch that wait on these connections, each named once."""
        i: cython.Py_ssize_t
        queue: cython.Py_ssize_t
        ref: cython.Py_ssize_t
        node: cython.Py_ssize_t
        before: cython.Py_ssize_t
        after: cython.Py_ssize_t
        k: cython.Py_ssize_t
        with cython.nogil:
            for i in range(places.shape[0]):
                for queue in range(3):
                    before = -1
                    ref = self.streams[places[i], S_HEAD + queue]
                    while ref >= 0:
                        after = self.next(ref)
                        node = ref
                        if ref >= self.known:
                            self.left -= 1
                            node = self.free[self.left]
                            for k in range(M_COUNT):
                                self.nodes[node, k] = self.get(ref, k)
                            self.nodes[node, N_USED] = 1
                            self.nodes[node, N_NEXT] = after
                            self.nodes[node, M_HEAD_START] = self.used
                            self.used = self.copy(self.arena, self.used, ref, M_HEAD_BUFFER, M_HEAD_KEPT)
                            self.nodes[node, M_PREFIX_START] = self.used
                            self.used = self.copy(self.arena, self.used, ref, M_PREFIX_BUFFER, M_PREFIX_LEN)
                            if before < 0:
                                self.streams[places[i], S_HEAD + queue] = node
                            else:
                                self.nodes[before, N_NEXT] = node
                            self.streams[places[i], S_TAIL + queue] = node
                        before = node
                        ref = after

    def kept(self) -> int:
        """Bytes of the arena that belong to messages that wait."""
        node: cython.Py_ssize_t
        size: cython.Py_ssize_t = 0
        for node in range(self.known):
            if self.nodes[node, N_USED]:
                size += self.nodes[node, M_HEAD_KEPT] + self.nodes[node, M_PREFIX_LEN]
        return size

    def move(self, arena: cython.uchar[::1]) -> None:
        """Go on with another arena, of kept() bytes at least; what waits is copied."""
        node: cython.Py_ssize_t
        at: cython.Py_ssize_t = 0
        start: cython.Py_ssize_t
        for node in range(self.known):
            if self.nodes[node, N_USED]:
                start = at
                at = self.copy(arena, at, node, M_HEAD_BUFFER, M_HEAD_KEPT)
                self.nodes[node, M_HEAD_START] = start
                start = at
                at = self.copy(arena, at, node, M_PREFIX_BUFFER, M_PREFIX_LEN)
                self.nodes[node, M_PREFIX_START] = start
        self.arena = arena
        self.used = at
