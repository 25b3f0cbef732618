"""Exchanges: which response answers which request, and what happened when.

Responses answer requests in order (RFC 9112 section 9.3), so counting pairs them. Where bytes are missing, counting is
not enough: from there on pairs are inferred, and say so. A response that began before a request is never its answer.

What came before the hole in its direction is still counted. What came after it waits for a quiet moment (a request that
begins after everything before it was answered, or the end of the connection) and is then paired from the last one
backwards: what was lost lies before.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple, Protocol

from sniff import limits
from sniff.decode import columns as c
from sniff.decode.batch import AppBatch
from sniff.decode.columns import MessageFlag
from sniff.decode.message import Message, messages_of
from sniff.exchange.connection import Connection, Connections
from sniff.exchange.events import Event, Events, Kind
from sniff.exchange.url import full_url
from sniff.notes import Code, Notes
from sniff.packets.batch import Table
from sniff.reassembly import columns as s
from sniff.reassembly.columns import EndReason

_RESYNC = int(MessageFlag.RESYNC)
_RUNNING_OR_ABORTED = int(MessageFlag.STILL_RUNNING | MessageFlag.ABORTED)

_FIRST = -2
"""Exchange._turn_ns of the first exchange of a connection."""

CONNECT_REACH_NS = 1_000_000_000
"""When the first request begins later than this after its connection stood, the connection was opened in advance."""

LOOKUP_REACH_NS = 10_000_000_000
"""An answer of DNS that is older than this when the connection is opened came from a cache, not from this lookup."""


class State(IntEnum):
    """How an exchange stands."""

    COMPLETE = 0
    UNANSWERED = 1   # the connection ended, or went on, without a response
    ABORTED = 2      # a reset, or a close in the middle of the request or the response
    RUNNING = 3      # the capture ended first
    UNASKED = 4      # a response whose request was not seen


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
                 state: State, turn_ns: int = -1, ended_ns: int = -1, lookup: Lookup | None = None) -> None:
        """turn_ns: when the response before it had ended; -2 when it is the first one, which waited for the connection.

        ended_ns: when the connection ended, for exchanges that ended with it.
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
        self._moments: tuple[int, ...] | None = None

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


@dataclass(slots=True)
class _Stream:
    """What is remembered of one connection with HTTP in it."""

    connection: Connection
    requests: deque[Message] = field(default_factory=deque)
    responses: deque[Message] = field(default_factory=deque)
    interim: list[Message] = field(default_factory=list)
    sure_requests: int = 0  # of those that wait, how many came before the first hole in their direction
    sure_responses: int = 0
    holes: list[bool] = field(default_factory=lambda: [False, False])  # one was met among the requests, the responses
    turn_ns: int = -1       # when the last response ended
    made: int = 0           # exchanges that were made
    ended: int = 0          # bit per direction that said its last byte

    @property
    def unsure(self) -> bool:
        return self.holes[0] or self.holes[1]


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
        self._streams: dict[int, _Stream] = {}
        self._connections = Connections()
        self._events = Events()
        self._made: list[Exchange] = []
        self._count = 0

    def add(self, batch: AppBatch) -> list[Exchange]:
        """The exchanges that this batch completes (or gives up)."""
        streams = batch.streams
        self._connections.open(streams)
        self._events.add(streams)
        for message in messages_of(batch):
            self._take(message)
        self._let_go(streams.pieces)
        if streams.ended.shape[1]:
            self._end(streams.ended[[s.F_STREAM, s.F_LAST_NS, s.F_END_REASON, s.F_RST, s.F_RST + 1]].T.tolist())
        return self._hand_over()

    def finish(self) -> list[Exchange]:
        """What is still open when the capture is over."""
        for number in list(self._streams):
            self._close(number, -1, State.RUNNING)
        return self._hand_over()

    def _let_go(self, pieces: Table) -> None:
        """A flow stays in its table for a while after its ends fell silent; what was remembered of its messages need not."""
        fins = pieces[:, pieces[s.P_KIND] == s.Piece.FIN]
        for number, direction in fins[[s.P_STREAM, s.P_DIRECTION]].T.tolist():
            stream = self._streams.get(number)
            if stream is not None:
                stream.ended |= 1 << direction
                if stream.ended == 3 and not stream.requests and not stream.responses:
                    del self._streams[number]

    def _hand_over(self) -> list[Exchange]:
        made, self._made = self._made, []
        return made

    # --- pairing ----------------------------------------------------------------------------------------------------

    def _take(self, message: Message) -> None:
        number = message.row[c.M_STREAM]
        stream = self._streams.get(number)
        if stream is None:
            stream = self._streams[number] = _Stream(self._connections.get(number))
        hole = stream.holes
        if message.row[c.M_FLAGS] & _RESYNC:
            hole[message.row[c.M_IS_RESPONSE]] = True
        if message.row[c.M_IS_RESPONSE]:
            if 100 <= message.status < 200 and message.status != 101:
                if len(stream.interim) < limits.PENDING_EXCHANGES:
                    stream.interim.append(message)
                return
            stream.responses.append(message)
            stream.sure_responses += not hole[1]
        else:
            if stream.responses and stream.unsure and _is_quiet(stream, message):
                self._settle(stream, State.UNANSWERED)
            stream.requests.append(message)
            stream.sure_requests += not hole[0]
            if not stream.responses and len(stream.requests) <= limits.PENDING_EXCHANGES:
                return
        self._match(stream)

    def _match(self, stream: _Stream) -> None:
        requests, responses = stream.requests, stream.responses
        while stream.sure_requests and stream.sure_responses:
            stream.sure_responses -= 1
            if _too_early(responses[0], requests[0]):
                self._make(stream, None, responses.popleft(), State.UNASKED)
            else:
                stream.sure_requests -= 1
                self._pair(stream, requests.popleft(), responses.popleft(), sure=True)
        if len(requests) <= limits.PENDING_EXCHANGES and len(responses) <= limits.PENDING_EXCHANGES:
            return
        if stream.unsure:
            self._settle(stream, State.UNANSWERED)
        elif len(requests) > limits.PENDING_EXCHANGES:
            self.counters.exchanges_given_up += 1
            stream.sure_requests -= 1
            self._make(stream, requests.popleft(), None, State.UNANSWERED)
        else:
            stream.sure_responses -= 1
            self._make(stream, None, responses.popleft(), State.UNASKED)

    def _settle(self, stream: _Stream, otherwise: State, ended_ns: int = -1) -> None:
        """Pair what waits after a hole, from the last ones backwards. `otherwise`: the state of requests left over."""
        requests, responses = list(stream.requests), list(stream.responses)
        stream.requests.clear()
        stream.responses.clear()
        stream.sure_requests = stream.sure_responses = 0
        pairs: list[tuple[Message | None, Message | None]] = []
        while requests and responses:
            if _too_early(responses[-1], requests[-1]):
                pairs.append((requests.pop(), None))
            else:
                pairs.append((requests.pop(), responses.pop()))
        pairs += [(request, None) for request in reversed(requests)]
        pairs += [(None, response) for response in reversed(responses)]
        for request, response in reversed(pairs):
            if request is not None and response is not None:
                self._pair(stream, request, response, sure=False)
            else:
                self._make(stream, request, response, otherwise if response is None else State.UNASKED, ended_ns, False)

    def _pair(self, stream: _Stream, request: Message, response: Message, sure: bool) -> None:
        if not sure:
            self.notes.add(Code.HTTP_RESYNC, response.first_packet, response.store_offset,
                           detail=f"answers packet {request.first_packet} by inference: bytes are missing before")
        flags = request.flags | response.flags
        state = State.COMPLETE
        if flags & _RUNNING_OR_ABORTED:
            state = State.RUNNING if flags & MessageFlag.STILL_RUNNING else State.ABORTED
        self._make(stream, request, response, state, sure=sure)

    def _make(self, stream: _Stream, request: Message | None, response: Message | None, state: State,
              ended_ns: int = -1, sure: bool = True) -> None:
        if request is None and response is not None:
            self.notes.add(Code.HTTP_UNPAIRED_RESPONSE, response.first_packet, response.store_offset,
                           detail="its request was not captured")
        lookup = None
        turn_ns = stream.turn_ns
        if not stream.made:
            if request is not None and request.sequence == 0 and not stream.unsure:
                turn_ns = _FIRST
                lookup = self._looked_up(stream.connection)
        exchange = Exchange(self._count, stream.connection, request, response, state, turn_ns, ended_ns, lookup)
        if response is not None:
            stream.turn_ns = response.row[c.M_LAST_NS]
            if stream.interim:
                exchange.interim = tuple(message for message in stream.interim if message.first_packet <= response.first_packet)
                del stream.interim[:len(exchange.interim)]
        exchange.inferred = not sure
        exchange.place = stream.made
        stream.made += 1
        if self._events:
            exchange.events = self._events.between(stream.connection.stream, exchange.start_ns, exchange.end_ns)
        self._count += 1
        self._made.append(exchange)

    def _looked_up(self, connection: Connection) -> Lookup | None:
        """The lookup that came before a connection, when it was recent."""
        if self._lookups is None or connection.syn_ns < 0:
            return None
        found = self._lookups.before(*connection.key, connection.syn_ns)
        return found if found is not None and connection.syn_ns - found.answered_ns <= LOOKUP_REACH_NS else None

    # --- ends -------------------------------------------------------------------------------------------------------

    def _end(self, rows: list[list[int]]) -> None:
        for number, last_ns, reason, client_reset, server_reset in rows:
            if number in self._streams:
                if reason == EndReason.RESET or client_reset or server_reset:
                    state = State.ABORTED
                elif reason in (EndReason.CAPTURE_END, EndReason.EVICTED):
                    state = State.RUNNING
                else:
                    state = State.UNANSWERED
                self._close(number, last_ns, state)
            self._connections.close(number)

    def _close(self, number: int, last_ns: int, state: State) -> None:
        stream = self._streams.pop(number)
        if stream.unsure:
            self._settle(stream, state, last_ns)
        for request in stream.requests:
            given_up = request.flags & MessageFlag.ABORTED
            self._make(stream, request, None, State.ABORTED if given_up else state, last_ns)
        for response in stream.responses:
            self._make(stream, None, response, State.UNASKED)


def _too_early(response: Message, request: Message) -> bool:
    """True when the response began before the request did, and so cannot be its answer."""
    return response.row[c.M_FIRST_PACKET] < request.row[c.M_FIRST_PACKET]


def _is_quiet(stream: _Stream, request: Message) -> bool:
    """True when nobody was waiting any more as the request began: it is the first one after the last response.

    A response that was held behind a hole ends, by its row, later than it did; so where it began counts as well.
    """
    last = stream.responses[-1]
    return request.first_packet > last.last_packet \
        and (not stream.requests or stream.requests[-1].first_packet < last.first_packet)


def exchanges_of(batches: Iterable[AppBatch], builder: ExchangeBuilder | None = None) -> Iterator[Exchange]:
    """The exchanges of a whole capture, as they complete."""
    builder = builder if builder is not None else ExchangeBuilder()
    for batch in batches:
        yield from builder.add(batch)
    yield from builder.finish()
