"""ExchangeBuilder: which response answers which request.

Responses answer requests in order (RFC 9112 section 9.3), so counting pairs them. Where bytes are missing, counting is
not enough: from there on pairs are inferred, and say so. A response that began before a request is never its answer.

What came before the hole in its direction is still counted. What came after it waits for a quiet moment (a request that
begins after everything before it was answered, or the end of the connection) and is then paired from the last one
backwards: what was lost lies before.
"""

from array import array

import numpy as np

from sniff import limits
from sniff.capture.raw import Bytes, view
from sniff.decode import columns as c
from sniff.decode.batch import AppBatch
from sniff.decode.message import Message
from sniff.exchange import http_columns as x
from sniff.exchange import http_pair as p
from sniff.exchange.connection import Connection, Connections
from sniff.exchange.events import Event, Events
from sniff.exchange.http import LOOKUP_REACH_NS, Exchanges, Lookup, Lookups, State
from sniff.notes import Code, Notes
from sniff.packets.batch import Table
from sniff.reassembly import columns as s
from sniff.reassembly.columns import EndReason


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
        touched = self._begin(_NO_MESSAGES, _NO_BYTES, _NO_BYTES)
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
        touched = places = np.empty(0, np.int64)
        if count:
            numbers, first, inverse = np.unique(messages[c.M_STREAM], return_index=True, return_inverse=True)
            touched = self._find(numbers, first)
            places = touched[inverse]
        self._give(messages, data, heads, most)
        self._pairs.run(view(places))
        return touched

    def _give(self, messages: Table, data: Bytes, heads: Bytes, most: int) -> None:
        """Hand a batch to the compiled loop, with room for so many exchanges."""
        self._out, self._side = np.empty((most, p.O_COUNT_), np.int64), np.empty((most, 2), np.int64)
        self._pairs.batch(view(messages), view(data), view(heads), view(np.empty(messages.shape[1], np.int64)),
                          view(np.empty((most, 2), np.int64)), view(self._out), view(self._side))

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
            Exchanges(np.empty((0, x.X_COUNT), np.int64), _NO_BYTES, _NO_BYTES, [], {}, {})
        pairs.let_go()
        for place in self._released:
            pairs.release(place)
            del self._known[place]
        self._free += self._released
        self._released = []
        if len(touched):
            self._keep(touched)
        self._give(_NO_MESSAGES, _NO_BYTES, _NO_BYTES, 0)   # whoever keeps a batch keeps its memory from the next one
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


_NO_MESSAGES: Table = np.empty((c.M_COUNT, 0), np.int64)
_NO_BYTES: Bytes = np.zeros(1, np.uint8)
"""No bytes: an empty array is no buffer."""

_FRESH = [-1] * 6 + [0] * 6 + [-1] + [0] * 2
"""A connection of which nothing was seen yet, up to p.S_STREAM_."""
