"""Exchanges: which response answers which request, and what happened when.

Responses answer requests in order (RFC 9112 section 9.3), so counting pairs them. Where bytes are missing, counting is
not enough: from there on pairs are inferred, and say so. A response that began before a request is never its answer.

What came before the hole in its direction is still counted. What came after it waits for a quiet moment (a request that
begins after everything before it was answered, or the end of the connection) and is then paired from the last one
backwards: what was lost lies before.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from itertools import compress
from typing import NamedTuple, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from sniff import limits
from sniff.capture.raw import Bytes, view
from sniff.decode import columns as c
from sniff.decode.batch import AppBatch
from sniff.decode.message import Message
from sniff.exchange import http_columns as x
from sniff.exchange import http_pair as p
from sniff.exchange.connection import Connection, Connections
from sniff.exchange.events import Event, Events, Kind
from sniff.exchange.url import full_url
from sniff.notes import Code, Notes
from sniff.packets.batch import Table
from sniff.reassembly import columns as s
from sniff.reassembly.columns import EndReason

_FIRST = -2
"""Exchange._turn_ns of the first exchange of a connection."""

CONNECT_REACH_NS = 1_000_000_000
"""When the first request begins later than this after its connection stood, the connection was opened in advance."""

LOOKUP_REACH_NS = 10_000_000_000
"""An answer of DNS that is older than this when the connection is opened came from a cache, not from this lookup."""


class State(IntEnum):
    """How an exchange stands."""

    COMPLETE = p.COMPLETE_
    UNANSWERED = p.UNANSWERED_   # the connection ended, or went on, without a response
    ABORTED = p.ABORTED_         # a reset, or a close in the middle of the request or the response
    RUNNING = p.RUNNING_         # the capture ended first
    UNASKED = p.UNASKED_         # a response whose request was not seen


class Phases(NamedTuple):
    """Where the time of an exchange went, nanoseconds. They follow each other and sum up to the total.

    dns      from the question to the answer that gave this address to this client
    connect  from the first SYN until the connection stood
    queue    waiting for its turn: for a free connection, or behind an earlier response on this one
    send     from the first to the last byte of the request
    wait     until the first byte of the response
    receive  until its last byte
    """

    dns: int
    connect: int
    queue: int
    send: int
    wait: int
    receive: int

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self)


class Lookup(NamedTuple):
    """A name that a client asked DNS for before it connected. Times are nanoseconds since 1970."""

    name: str
    asked_ns: int
    answered_ns: int


class Lookups(Protocol):
    """What is known of names (exchange/names.py)."""

    def before(self, client_hi: int, client_lo: int, server_hi: int, server_lo: int, ns: int) -> Lookup | None:
        """The last lookup by this client that gave this address, answered not later than `ns`."""


class Exchange:
    """A request and its response; one of them is None when it was not seen.

    number    0, 1, 2 ... in the order in which they were made
    place     likewise, among those of its connection
    interim   responses 1xx before the final one
    inferred  bytes were missing before: the pair is probable, not sure
    events    retransmissions and closed windows while it lasted
    """

    __slots__ = ("_ended_ns", "_lookup", "_moments", "_turn_ns", "connection", "events", "inferred", "interim", "number",
                 "place", "request", "response", "state")

    def __init__(self, number: int, connection: Connection, request: Message | None, response: Message | None,
                 state: State, turn_ns: int = -1, ended_ns: int = -1, lookup: Lookup | None = None,
                 moments: tuple[int, ...] | None = None) -> None:
        """turn_ns: when the response before it had ended; -2 when it is the first one, which waited for the connection.

        ended_ns: when the connection ended, for exchanges that ended with it. moments: when they are known already.
        """
        self.number = number
        self.place = 0
        self.connection = connection
        self.request = request
        self.response = response
        self.state = state
        self.interim: tuple[Message, ...] = ()
        self.inferred = False
        self.events: tuple[Event, ...] = ()
        self._turn_ns = turn_ns
        self._ended_ns = ended_ns
        self._lookup = lookup
        self._moments = moments

    def __repr__(self) -> str:
        request, response = self.request, self.response
        return (f"<Exchange {request.method.decode('latin-1') if request else '?'} {self.url()} "
                f"{response.status if response else self.state.name.lower()}>")

    @property
    def stream(self) -> int:
        """tcp.stream."""
        return self.connection.stream

    @property
    def messages(self) -> list[Message]:
        """Request, interim responses and response, as far as they were seen."""
        return [message for message in (self.request, *self.interim, self.response) if message is not None]

    @property
    def status(self) -> int:
        """http.response.code, 0 without a response."""
        return self.response.status if self.response is not None else 0

    @property
    def is_error(self) -> bool:
        """A status of 400 and above, or no proper end."""
        return self.status >= 400 or self.state in (State.ABORTED, State.UNANSWERED)

    def url(self, secrets: bool = False) -> str:
        """`scheme://[user[:password]@]host[:port]/path?query`; empty when the request was not seen."""
        return full_url(self.request, self.connection, secrets) if self.request is not None else ""

    # --- time -------------------------------------------------------------------------------------------------------

    @property
    def start_ns(self) -> int:
        """When it began: the lookup, the connection or the first byte, whichever came first."""
        return self.moments[0]

    @property
    def end_ns(self) -> int:
        """When its last byte was seen, or the connection ended without one."""
        return self.moments[-1]

    @property
    def phases(self) -> Phases:
        """Where the time went."""
        asked, answered, syn, opened, sending, sent, turn, first, end = self.moments
        return Phases(answered - asked, opened - syn, syn - answered + sending - opened + turn - sent, sent - sending,
                      first - turn, end - first)

    @property
    def moments(self) -> tuple[int, ...]:
        """Nine moments in order: asked, answered, SYN, open, first and last byte sent, turn, first byte, last byte."""
        steps = self._moments
        if steps is None:
            steps = self._moments = self._find_steps()
        return steps

    def _find_steps(self) -> tuple[int, ...]:
        if self.request is None:
            assert self.response is not None
            row = self.response.row
            return (row[c.M_FIRST_NS],) * 8 + (max(row[c.M_LAST_NS], row[c.M_FIRST_NS]),)
        row = self.request.row
        asked = answered = syn = opened = sending = row[c.M_FIRST_NS]
        sent = max(row[c.M_LAST_NS], sending)
        if self._turn_ns == _FIRST:
            connection = self.connection
            if 0 <= connection.syn_ns <= connection.established_ns <= sending \
                    and sending - connection.established_ns <= CONNECT_REACH_NS:
                asked = answered = syn = connection.syn_ns
                opened = connection.established_ns
                lookup = self._lookup
                if lookup is not None and lookup.asked_ns <= lookup.answered_ns <= syn:
                    asked, answered = lookup.asked_ns, lookup.answered_ns
        if self.response is None:
            end = max(self._ended_ns, sent)
            return asked, answered, syn, opened, sending, sent, sent, end, end
        answer = self.response.row
        first = max(answer[c.M_FIRST_NS], sending)
        end = max(answer[c.M_LAST_NS], sent, first)
        sent = min(sent, first)  # a response may begin while the request is still being sent
        return asked, answered, syn, opened, sending, sent, min(max(self._turn_ns, sent), first), first, end

    def retransmissions(self) -> dict[str, int]:
        """{phase: segments sent again in it}, only phases in which there were some."""
        return self._count(Kind.RETRANSMISSION)

    def stalls(self) -> dict[str, int]:
        """{phase: times a receive window was closed in it}, only phases in which there were some."""
        return self._count(Kind.STALL)

    def _count(self, kind: Kind) -> dict[str, int]:
        counts: dict[str, int] = {}
        for event in self.events:
            if event.kind == kind:
                phase = self._phase_at(event.ts_ns)
                counts[phase] = counts.get(phase, 0) + 1
        return counts

    def _phase_at(self, ts_ns: int) -> str:
        names = ("dns", "queue", "connect", "queue", "send", "queue", "wait", "receive")
        steps = self.moments
        for index, name in enumerate(names):
            if ts_ns <= steps[index + 1] and steps[index + 1] > steps[index]:
                return name
        return "receive"


class Exchanges(Sequence[Exchange]):
    """Exchanges as columns, in the order in which they were made; a sequence of Exchange, made when asked for.

    rows         int64[n, X_COUNT]  exchange/http_columns.py
    heads        uint8[h]  heads of their messages, which X_HEAD refers to
    prefixes     uint8[p]  first bytes of bodies, which X_PREFIX refers to
    connections  what X_CONNECTION refers to
    interim      {X_NUMBER: responses 1xx}
    events       {X_NUMBER: what went wrong on the wire meanwhile}
    """

    __slots__ = ("_objects", "connections", "events", "heads", "interim", "prefixes", "rows")

    def __init__(self, rows: Table, heads: Bytes, prefixes: Bytes, connections: list[Connection],
                 interim: dict[int, tuple[Message, ...]], events: dict[int, tuple[Event, ...]],
                 objects: list[Exchange | None] | None = None) -> None:
        self.rows = rows
        self.heads = heads
        self.prefixes = prefixes
        self.connections = connections
        self.interim = interim
        self.events = events
        empty: list[Exchange | None] = [None] * len(rows)
        self._objects = objects if objects is not None else empty

    @classmethod
    def of(cls, exchanges: Sequence[Exchange]) -> "Exchanges":
        """The same exchanges with their columns."""
        if isinstance(exchanges, Exchanges):
            return exchanges
        rows, heads, prefixes = array("q"), bytearray(), bytearray()
        connections: dict[int, int] = {}
        for exchange in exchanges:
            places: list[int] = []
            starts: list[int] = []
            for message in (exchange.request, exchange.response):
                rows.extend(message.row if message is not None else _NO_MESSAGE)
                places.append(len(heads))
                starts.append(len(prefixes))
                if message is not None:
                    heads += message.head
                    prefixes += message.prefix
            connection = connections.setdefault(id(exchange.connection), len(connections))
            has = (x.REQUEST if exchange.request is not None else 0) | (x.RESPONSE if exchange.response is not None else 0)
            odd = x.INFERRED * exchange.inferred | x.INTERIM * bool(exchange.interim) | x.EVENTS * bool(exchange.events) \
                | x.HTTP2 * (exchange.messages[0].row[c.M_VERSION] == HTTP2_VERSION)
            rows.extend((*places, *starts, has, exchange.state, odd, exchange.stream, connection, exchange.number, exchange.place,
                         *exchange.moments))
        distinct = {id(exchange.connection): exchange.connection for exchange in exchanges}
        return cls(np.array(rows, np.int64).reshape(-1, x.X_COUNT), _bytes(heads), _bytes(prefixes), list(distinct.values()), {}, {},
                   list(exchanges))

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> Exchange: ...

    @overload
    def __getitem__(self, index: slice) -> "Exchanges": ...

    def __getitem__(self, index: int | slice) -> "Exchange | Exchanges":
        if isinstance(index, slice):
            return self._part(self.rows[index], self._objects[index])
        found = self._objects[index]
        if found is None:
            found = self._objects[index] = self._make(self.rows[index].tolist(), self.heads.data, self.prefixes.data)
        return found

    def __iter__(self) -> Iterator[Exchange]:
        heads, prefixes, objects = self.heads.data, self.prefixes.data, self._objects
        for start in range(0, len(objects), _AT_ONCE):
            for index, row in enumerate(self.rows[start:start + _AT_ONCE].tolist(), start):
                found = objects[index]
                if found is None:
                    found = objects[index] = self._make(row, heads, prefixes)
                yield found

    def __add__(self, others: Iterable[Exchange]) -> list[Exchange]:
        return [*self, *others]

    def __radd__(self, others: Iterable[Exchange]) -> list[Exchange]:
        return [*others, *self]

    def plus(self, exchanges: Sequence[Exchange]) -> "Exchanges":
        """These and some more."""
        if not exchanges:
            return self
        more = Exchanges.of(exchanges)
        rows = more.rows.copy()
        rows[:, x.X_HEAD:x.X_HEAD + 2] += len(self.heads)
        rows[:, x.X_PREFIX:x.X_PREFIX + 2] += len(self.prefixes)
        rows[:, x.X_CONNECTION] += len(self.connections)
        return Exchanges(np.concatenate([self.rows, rows]), np.concatenate([self.heads, more.heads]),
                         np.concatenate([self.prefixes, more.prefixes]), self.connections + more.connections,
                         self.interim | more.interim, self.events | more.events, self._objects + more._objects)

    def select(self, mask: NDArray[np.bool_]) -> "Exchanges":
        """Those that are chosen. mask: bool[n]."""
        return self._part(self.rows[mask], list(compress(self._objects, mask.tolist())))

    def _part(self, rows: Table, objects: list[Exchange | None]) -> "Exchanges":
        return Exchanges(rows, self.heads, self.prefixes, self.connections, self.interim, self.events, objects)

    def _make(self, row: list[int], heads: memoryview, prefixes: memoryview) -> Exchange:
        messages: list[Message | None] = [None, None]
        for side in (0, 1):
            if row[x.X_HAS] & 1 << side:
                own = row[side * c.M_COUNT:(side + 1) * c.M_COUNT]
                head, prefix = row[x.X_HEAD + side], row[x.X_PREFIX + side]
                messages[side] = Message(own, bytes(heads[head:head + own[c.M_HEAD_KEPT]]),
                                         bytes(prefixes[prefix:prefix + own[c.M_PREFIX_LEN]]))
        number, odd = row[x.X_NUMBER], row[x.X_ODD]
        exchange = Exchange(number, self.connections[row[x.X_CONNECTION]], messages[0], messages[1], _STATES[row[x.X_STATE]],
                            moments=tuple(row[x.X_MOMENTS:x.X_MOMENTS + 9]))
        exchange.place = row[x.X_PLACE]
        if odd:
            exchange.inferred = bool(odd & x.INFERRED)
            exchange.interim = self.interim[number] if odd & x.INTERIM else ()
            exchange.events = self.events[number] if odd & x.EVENTS else ()
        return exchange


HTTP2_VERSION = 20
"""M_VERSION of messages of HTTP/2."""
_STATES = list(State)
_NO_MESSAGE = [0] * c.M_COUNT
_AT_ONCE = 1024
"""Rows that are turned into Python's numbers at once."""


def _bytes(data: bytes | bytearray) -> Bytes:
    return np.frombuffer(data or b"\0", np.uint8)


class ExchangeBuilder:
    """Joins messages to exchanges, batch by batch. Feed every AppBatch in order, then `finish`.

    notes     gets a row for each pair that is inferred and each response that nobody asked for
    counters  `exchanges_given_up` counts requests that too many others overtook
    lookups   what is known of names, or None: then no exchange has a dns phase
    """

    def __init__(self, notes: Notes | None = None, counters: limits.Counters | None = None,
                 lookups: Lookups | None = None) -> None:
        self.notes = notes if notes is not None else Notes()
        self.counters = counters if counters is not None else limits.Counters()
        self._lookups = lookups
        self._connections = Connections()
        self._events = Events()
        self._count = 0
        self._places: dict[int, int] = {}                   # of the connections with HTTP in them, by tcp.stream
        self._known: dict[int, Connection] = {}             # the same by place
        self._free: list[int] = []                          # places
        self._released: list[int] = []                      # places that are free when the exchanges are handed over
        self._streams: Table = np.empty((0, p.S_COUNT_), np.int64)
        self._nodes: Table = np.zeros((0, p.N_COUNT_), np.int64)
        self._arena: Bytes = np.empty(1 << 16, np.uint8)
        self._stack: Table = np.empty(0, np.int64)          # nodes that are free
        self._pairs = p.Pairs()
        self._bind()

    def add(self, batch: AppBatch) -> Exchanges:
        """The exchanges that this batch completes (or gives up)."""
        streams, messages = batch.streams, batch.messages
        self._connections.open(streams)
        self._events.add(streams)
        touched = self._begin(messages, streams.packets.data, batch.heads)
        self._let_go(streams.pieces)
        if streams.ended.shape[1]:
            self._end(streams.ended[[s.F_STREAM, s.F_LAST_NS, s.F_END_REASON, s.F_RST, s.F_RST + 1]].T.tolist())
        return self._hand_over(touched)

    def finish(self) -> Exchanges:
        """What is still open when the capture is over."""
        touched = self._begin(np.empty((c.M_COUNT, 0), np.int64), _bytes(b""), _bytes(b""))
        for place in self._places.values():
            self._pairs.close(place, -1, State.RUNNING)
            self._released.append(place)
        self._places.clear()
        return self._hand_over(touched)

    # --- tables -----------------------------------------------------------------------------------------------------

    def _begin(self, messages: Table, data: Bytes, heads: Bytes) -> Table:
        """Pair the messages of a batch; the places of their connections, each once."""
        count = messages.shape[1]
        if self._pairs.free_nodes() < count:
            nodes = np.zeros((max(2 * len(self._nodes), len(self._nodes) + count, 64), p.N_COUNT_), np.int64)
            nodes[:len(self._nodes)] = self._nodes
            self._nodes = nodes
            self._bind()
        most = count + len(self._nodes) - self._pairs.free_nodes()
        self._out = np.empty((most, p.O_COUNT_), np.int64)
        self._side = np.empty((most, 2), np.int64)
        touched = places = np.empty(0, np.int64)
        if count:
            numbers, first, inverse = np.unique(messages[c.M_STREAM], return_index=True, return_inverse=True)
            touched = self._find(numbers, first)
            places = touched[inverse]
        self._pairs.batch(view(messages), view(data), view(heads), view(np.empty(count, np.int64)),
                          view(np.empty((most, 2), np.int64)), view(self._out), view(self._side))
        self._pairs.run(view(places))
        return touched

    def _bind(self) -> None:
        free = np.empty(len(self._nodes), np.int64)
        if self._pairs.free_nodes():
            free[:self._pairs.free_nodes()] = self._stack[:self._pairs.free_nodes()]
        self._stack = free
        self._pairs.tables(view(self._streams), view(self._nodes), view(free), view(self._arena))

    def _find(self, numbers: Table, first: Table) -> Table:
        """The places of some connections; those that are new get theirs in the order of their first messages."""
        known = self._places.get
        places = [known(number, -1) for number in numbers.tolist()]
        new = [index for index, place in enumerate(places) if place < 0]
        if new:
            self._open(sorted(new, key=first.tolist().__getitem__), numbers, places)
        return np.array(places, np.int64)

    def _open(self, new: list[int], numbers: Table, places: list[int]) -> None:
        """Give places to connections that are new."""
        short = len(new) - len(self._free)
        if short > 0:
            have = len(self._streams)
            streams = np.empty((max(2 * have, have + short, 256), p.S_COUNT_), np.int64)
            streams[:have] = self._streams
            self._free = [*range(len(streams) - 1, have - 1, -1), *self._free]
            self._streams = streams
            self._bind()
        rows = array("q")
        for index in new:
            number, place = int(numbers[index]), self._free.pop()
            connection = self._connections.get(number)
            lookup = self._looked_up(connection)
            self._places[number] = places[index] = place
            self._known[place] = connection
            rows.extend((*_FRESH, number, connection.syn_ns, connection.established_ns,
                         lookup.asked_ns if lookup else -1, lookup.answered_ns if lookup else -1))
        self._streams[[places[index] for index in new]] = np.frombuffer(rows, np.int64).reshape(-1, p.S_COUNT_)

    def _looked_up(self, connection: Connection) -> Lookup | None:
        """The lookup that came before a connection, when it was recent."""
        if self._lookups is None or connection.syn_ns < 0:
            return None
        found = self._lookups.before(*connection.key, connection.syn_ns)
        return found if found is not None and connection.syn_ns - found.answered_ns <= LOOKUP_REACH_NS else None

    # --- ends -------------------------------------------------------------------------------------------------------

    def _let_go(self, pieces: Table) -> None:
        """A flow stays in its table for a while after its ends fell silent; what was remembered of its messages need not."""
        fins = np.flatnonzero(pieces[s.P_KIND] == s.Piece.FIN)
        if not len(fins) or not self._places:
            return
        known = self._places.get
        numbers = pieces[s.P_STREAM, fins].tolist()
        places = np.array([known(number, -1) for number in numbers], np.int64)
        mine = places >= 0
        places, streams = places[mine], self._streams
        np.bitwise_or.at(streams[:, p.S_ENDED_], places, np.int64(1) << pieces[s.P_DIRECTION, fins[mine]])
        silent = np.unique(places)
        silent = silent[(streams[silent, p.S_ENDED_] == 3) & (streams[silent, p.S_WAIT_] == 0) & (streams[silent, p.S_WAIT_ + 1] == 0)]
        for place, number in zip(silent.tolist(), streams[silent, p.S_STREAM_].tolist(), strict=True):
            del self._places[number]
            self._released.append(place)

    def _end(self, rows: list[list[int]]) -> None:
        for number, last_ns, reason, client_reset, server_reset in rows:
            place = self._places.pop(number, None)
            if place is not None:
                if reason == EndReason.RESET or client_reset or server_reset:
                    state = State.ABORTED
                elif reason in (EndReason.CAPTURE_END, EndReason.EVICTED):
                    state = State.RUNNING
                else:
                    state = State.UNANSWERED
                self._pairs.close(place, last_ns, state)
                self._released.append(place)
            self._connections.close(number)

    # --- what was made ----------------------------------------------------------------------------------------------

    def _hand_over(self, touched: Table) -> Exchanges:
        """The exchanges that were made. What waits is kept, what is over is forgotten."""
        pairs = self._pairs
        made = self._rows(pairs.made()) if pairs.made() else \
            Exchanges(np.empty((0, x.X_COUNT), np.int64), _bytes(b""), _bytes(b""), [], {}, {})
        pairs.let_go()
        for place in self._released:
            pairs.release(place)
            del self._known[place]
        self._free += self._released
        self._released = []
        if len(touched):
            self._keep(touched)
        return made

    def _rows(self, count: int) -> Exchanges:
        pairs, out = self._pairs, self._out[:count]
        size, prefix_size = pairs.measure()
        rows = np.empty((count, x.X_COUNT), np.int64)
        heads, prefixes = np.empty(size + 1, np.uint8), np.empty(prefix_size + 1, np.uint8)
        heads[size] = prefixes[prefix_size] = 0     # an array of no bytes is no buffer
        pairs.write(view(rows), view(heads), view(prefixes), self._count)
        places, rows[:, x.X_CONNECTION] = np.unique(out[:, p.O_PLACE_], return_inverse=True)
        self._count += count
        self.counters.exchanges_given_up += pairs.given_up()
        made = Exchanges(rows, heads, prefixes, [self._known[place] for place in places.tolist()], self._interim(rows), {})
        self._note(rows)
        if self._events:
            self._mark(rows, made.events)
        return made

    def _interim(self, rows: Table) -> dict[int, tuple[Message, ...]]:
        """{X_NUMBER: responses 1xx}."""
        found: dict[int, tuple[Message, ...]] = {}
        row, head = np.empty(c.M_COUNT, np.int64), np.empty(limits.HEAD_BYTES if self._pairs.interim() else 0, np.uint8)
        for index, number in enumerate(rows[self._side[:self._pairs.interim(), 0], x.X_NUMBER].tolist()):
            size = self._pairs.side_row(index, view(row), view(head))
            found[number] = (*found.get(number, ()), Message(row.tolist(), head[:max(size, 0)].tobytes()))
        return found

    def _note(self, rows: Table) -> None:
        """What is strange about pairs."""
        alone = rows[:, x.X_HAS] == x.RESPONSE
        inferred = (rows[:, x.X_ODD] & x.INFERRED != 0) & (rows[:, x.X_HAS] == x.REQUEST | x.RESPONSE)
        strange = np.flatnonzero(alone | inferred)
        columns = (x.X_HAS, x.X_RESPONSE + c.M_FIRST_PACKET, x.X_RESPONSE + c.M_STORE_OFFSET, x.X_REQUEST + c.M_FIRST_PACKET)
        for has, packet, offset, asked in rows[strange][:, columns].tolist():
            if has == x.RESPONSE:
                self.notes.add(Code.HTTP_UNPAIRED_RESPONSE, packet, offset, detail="its request was not captured")
            else:
                self.notes.add(Code.HTTP_RESYNC, packet, offset,
                               detail=f"answers packet {asked} by inference: bytes are missing before")

    def _mark(self, rows: Table, events: dict[int, tuple[Event, ...]]) -> None:
        """Find what went wrong on the wire while the exchanges lasted."""
        streams, first, last = rows[:, x.X_STREAM], rows[:, x.X_MOMENTS], rows[:, x.X_MOMENTS + 8]
        for index in np.flatnonzero(self._events.touch(streams, first)).tolist():
            found = self._events.between(int(streams[index]), int(first[index]), int(last[index]))
            if found:
                rows[index, x.X_ODD] |= x.EVENTS
                events[int(rows[index, x.X_NUMBER])] = found

    def _keep(self, touched: Table) -> None:
        """Keep the heads of what goes on waiting."""
        pairs, places = self._pairs, view(touched)
        size = pairs.waiting(places)
        if pairs.arena_used() + size > len(self._arena):
            arena = np.empty(max(2 * (pairs.kept() + size), 1 << 16), np.uint8)
            pairs.move(view(arena))
            self._arena = arena
        pairs.keep(places)


_FRESH = [-1] * 6 + [0] * 6 + [-1] + [0] * 2
"""A connection of which nothing was seen yet, up to p.S_STREAM_."""


def exchanges_of(batches: Iterable[AppBatch], builder: ExchangeBuilder | None = None) -> Iterator[Exchange]:
    """The exchanges of a whole capture, as they complete."""
    builder = builder if builder is not None else ExchangeBuilder()
    for batch in batches:
        yield from builder.add(batch)
    yield from builder.finish()
