"""Exchanges of HTTP: a request, its response and what happened meanwhile, as objects and as columns."""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from itertools import compress
from typing import NamedTuple, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from sniff.capture.raw import Bytes, view
from sniff.decode import columns as c
from sniff.decode.head_fields import find, plain
from sniff.decode.message import Message
from sniff.exchange import http_columns as x
from sniff.exchange import http_pair as p
from sniff.exchange.connection import Connection
from sniff.exchange.events import Event, Kind
from sniff.exchange.url import full_url
from sniff.packets.batch import Table

_FIRST = -2
"""Exchange._turn_ns of the first exchange of a connection."""

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
                    and sending - connection.established_ns <= p.CONNECT_REACH_NS:
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

    def values(self, side: int, name: bytes) -> tuple[Table, list[bytes | None]]:
        """(int64[k], what a header field says): the exchanges with a request (side 0) or a response (1), and the values there.

        The first one, as decode/head_fields.py finds it; None where it finds none.
        """
        rows = self.rows
        those = np.flatnonzero(rows[:, x.X_HAS] & 1 << side)
        places = np.empty((len(those), 2), np.int64)
        find(view(self.heads), view(rows[those, x.X_HEAD + side]), view(rows[those, side * c.M_COUNT + c.M_HEAD_KEPT]),
             view(np.frombuffer(name, np.uint8)), view(np.array([0, len(name)])), view(places))
        heads = self.heads.data
        return those, [bytes(heads[start:end]) if start >= 0 else None for start, end in places.tolist()]

    def plain(self, side: int, *names: bytes, wanted: int = 1) -> tuple[Table, Table]:
        """(int64[n, 3], int64[n, 2 * wanted]): words of the start lines and places of header fields in `heads`, of requests (side 0)
        or responses (1) in whose heads nothing is odd; see decode/head_fields.py. What HTTP/2 has in place of a head is odd."""
        rows, base = self.rows, side * c.M_COUNT
        words, places = np.empty((len(rows), 3), np.int64), np.empty((len(rows), 2 * wanted), np.int64)
        plain(view(self.heads), view(rows[:, x.X_HEAD + side].copy()),
              view(np.where(rows[:, x.X_HAS] & 1 << side, rows[:, base + c.M_HEAD_KEPT], 0)), bool(side),
              view(np.frombuffer(b"".join(names), np.uint8)), view(np.cumsum([0, *map(len, names)])), wanted, view(words), view(places))
        words[rows[:, x.X_ODD] & x.HTTP2 != 0, 0] = -1
        return words, places

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
