"""What has to see every batch, so that fields know what came before: times, DNS messages, requests that wait for responses.

A tracker is made once for a filter whose fields name it; `add` gets every batch in order and leaves in `View.memory`, under the
tracker's name, what it has to say of that batch.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from sniff import limits
from sniff.decode import dns_columns as d
from sniff.decode.columns import METHODS
from sniff.decode.columns import Protocol as Row
from sniff.decode.dns import DnsBatch, DnsDecoder, parse_messages
from sniff.filters import heads
from sniff.filters.heads import Asked, Head
from sniff.filters.view import View
from sniff.packets import columns as c
from sniff.packets.batch import Table
from sniff.packets.columns import Kind
from sniff.reassembly import columns as s

if TYPE_CHECKING:
    from sniff.decode.bodies import BodyInfo
    from sniff.decode.message import Message
    from sniff.exchange.http import Exchange
    from sniff.exchange.owners import Owners


class Tracker(Protocol):
    """Sees every batch."""

    def add(self, view: View) -> None:
        """Look at the next batch."""


class Frames:
    """When the packet before the batch was captured."""

    def __init__(self) -> None:
        self._last_ns: int | None = None

    def add(self, view: View) -> None:
        times = view.table[c.TS_NS]
        if view.size:
            view.memory["frame"] = int(times[0]) if self._last_ns is None else self._last_ns
            self._last_ns = int(times[-1])


class FlowTimes:
    """Since when a stream lasts, and when its packet before was captured: (packets, [since the first, since the one before])."""

    def __init__(self, kind: int, name: str) -> None:
        self._kind = kind
        self._name = name
        self._known: Table = np.full((3, 1024), -1, np.int64)       # by slot: stream, first and last time

    def add(self, view: View) -> None:
        wanted = (view.table[c.KIND] == self._kind) & (view.flows[s.STREAM] >= 0) & (view.flows[s.SLOT] >= 0)
        packets = np.flatnonzero(wanted)
        slots, streams = view.flows[s.SLOT][packets], view.flows[s.STREAM][packets]
        times = view.table[c.TS_NS][packets]
        if len(packets) and slots.max() >= self._known.shape[1]:
            more = np.full((3, 2 * int(slots.max()) + 2), -1, np.int64)
            more[:, :self._known.shape[1]] = self._known
            self._known = more
        order = np.argsort(streams, kind="stable")
        sorted_streams, sorted_times, sorted_slots = streams[order], times[order], slots[order]
        begins = np.flatnonzero(np.diff(sorted_streams, prepend=-1))
        ends = np.append(begins[1:], len(order)) - 1
        before = np.concatenate([sorted_times[:1], sorted_times[:-1]])
        first = np.zeros(len(order), np.int64)
        if len(begins):
            mine = sorted_slots[begins]
            old = self._known[0, mine] == sorted_streams[begins]
            firsts = np.where(old, self._known[1, mine], sorted_times[begins])
            before[begins] = np.where(old, self._known[2, mine], sorted_times[begins])
            first = np.repeat(firsts, np.diff(np.append(begins, len(order))))
            self._known[:, mine] = sorted_streams[begins], firsts, sorted_times[ends]
        values = np.empty((2, len(order)), np.int64)
        values[0, order] = sorted_times - first
        values[1, order] = sorted_times - before
        view.memory[self._name] = packets, values


class DnsMessages:
    """The DNS messages of the batch, those that ICMP errors quote included."""

    def __init__(self) -> None:
        self._decoder = DnsDecoder()

    def add(self, view: View) -> None:
        batch = self._decoder.decode(view.streams)
        if not view.plain:
            batch = self._with_quoted(view, batch)
        view.memory["dns"] = batch

    def _with_quoted(self, view: View, batch: DnsBatch) -> DnsBatch:
        headers = view.headers("udp")
        headers = headers.only(headers.quoted & (headers.at + 8 < headers.stop))
        if not len(headers.at):
            return batch
        ports = view.number(headers.at, 2), view.number(headers.at + 2, 2)
        low, high = np.minimum(*ports), np.maximum(*ports)
        wanted = np.flatnonzero(np.isin(low, list(PORTS)) | np.isin(high, list(PORTS)))
        more = np.zeros((len(wanted), d.D_COUNT), np.int64)
        data = [batch.data]
        used = len(batch.data)
        for row, k in zip(more, wanted.tolist(), strict=True):
            start, stop, packet = int(headers.at[k]) + 8, int(headers.stop[k]), int(headers.packets[k])
            length = min(int(view.number(headers.at[k:k + 1] + 4, 2)[0]) - 8, stop - start) if stop > start else 0
            length = max(length, 0)
            row[[d.D_NUMBER, d.D_FIRST_NUMBER]] = view.table[c.NUMBER, packet]
            row[d.D_INDEX], row[d.D_TS_NS] = packet, view.table[c.TS_NS, packet]
            row[d.D_PROTOCOL] = PORTS.get(int(low[k])) or PORTS[int(high[k])]
            row[d.D_TRANSPORT], row[d.D_STREAM], row[d.D_OFFSET] = 17, -1, -1
            row[d.D_SRC_PORT], row[d.D_DST_PORT] = ports[0][k], ports[1][k]
            row[d.D_START], row[d.D_LEN], row[d.D_WIRE] = used, length, length
            data.append(view.data[start:start + length])
            used += length
        messages = np.concatenate([batch.messages, more])
        return parse_messages(messages[np.argsort(messages[:, d.D_INDEX], kind="stable")], np.concatenate(data))


PORTS = {53: int(Row.DNS), 5353: int(Row.MDNS), 5355: int(Row.LLMNR)}
"""{UDP port: whose messages}."""


SAME_QUERY_NS = 5_000_000_000
"""A query that comes later than this after one with the same number is another one."""


class DnsTimes:
    """Which query a response answers: {row of the message in the batch: (packet of the query, nanoseconds since)}."""

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[int, ...], list[int]] = OrderedDict()

    def add(self, view: View) -> None:
        found: dict[int, tuple[int, int]] = {}
        retransmissions: dict[int, int] = {}
        batch = view.dns
        wanted = [d.D_TRANSPORT, d.D_STREAM, d.D_ID, d.D_FLAGS, d.D_NUMBER, d.D_TS_NS]
        for k, (transport, stream, number, flags, packet, ts_ns) in enumerate(batch.messages[:, wanted].tolist()):
            if stream < 0 or number < 0:
                continue
            key = transport, stream, number
            asked = self._open.get(key)
            if flags & d.MessageFlag.RESPONSE:
                if asked is not None and asked[2]:
                    retransmissions[k] = asked[2]
                elif asked is not None:
                    found[k] = asked[0], ts_ns - asked[1]
                    asked[2] = packet
                continue
            if asked is None or asked[2] or ts_ns - asked[1] > SAME_QUERY_NS:
                self._open[key] = [packet, ts_ns, 0]
                self._open.move_to_end(key)
                if len(self._open) > limits.DNS_PENDING:
                    self._open.popitem(last=False)
            else:
                retransmissions[k] = asked[0]
        view.memory["dns_times"] = found, retransmissions


class Heads:
    """The HTTP messages that rows of the batch are about."""

    def add(self, view: View) -> None:
        view.memory["heads"] = heads.Heads(view)


CONNECT = METHODS.index("CONNECT")
URI_BYTES = 8192
"""Bytes of a URI that are remembered until the response comes."""


class Requests:
    """What answers what, as far as rows tell: fills in what heads say of the messages before them."""

    def __init__(self) -> None:
        self._streams: OrderedDict[int, _Waiting] = OrderedDict()

    def add(self, view: View) -> None:
        for head in view.memory["heads"]:
            if head.stream < 0:
                continue
            stream = self._streams.get(head.stream)
            if stream is None:
                stream = self._streams[head.stream] = _Waiting()
                if len(self._streams) > limits.HTTP_FILTER_STREAMS:
                    self._streams.popitem(last=False)
            stream.add(head)


class _Waiting:
    """One connection."""

    __slots__ = ("counts", "last", "open")

    def __init__(self) -> None:
        self.open: list[Asked] = []
        self.counts = [0, 0]
        self.last: list[int] = [0, 0]

    def add(self, head: Head) -> None:
        """The next message of the connection."""
        if head.is_notification:        # it has no number, and its response is not told who asked, only what
            self._ask(Asked(0, head.ts_ns, (head.full_uri or head.uri)[:URI_BYTES]))
            return
        response = int(head.is_response)
        head.before = self.last[0], self.last[1]
        self.counts[response] += 1
        head.number = self.counts[response]
        if not response:
            self._ask(Asked(head.packet_number, head.ts_ns, (head.full_uri or head.uri)[:URI_BYTES], self.last[0]))
        elif self.open:
            head.request = self.open[0]
            head.before = head.request.before, self.last[1]
            if not 100 <= head.code < 200 or head.code == 101:
                self.open.pop(0)
        self.last[response] = head.packet_number

    def _ask(self, asked: Asked) -> None:
        self.open.append(asked)
        if len(self.open) > limits.PENDING_EXCHANGES:
            self.open.pop(0)


class Tunnels:
    """What the last CONNECT of a connection asked for: {tcp.stream: target}."""

    def __init__(self) -> None:
        self._targets: OrderedDict[int, bytes] = OrderedDict()

    def add(self, view: View) -> None:
        messages: heads.Heads = view.memory["heads"]
        for index in np.flatnonzero(~messages.responses & (messages.codes == CONNECT)).tolist():
            head = messages.head(index)
            self._targets[head.stream] = head.uri[:URI_BYTES]
            self._targets.move_to_end(head.stream)
            if len(self._targets) > limits.HTTP_FILTER_STREAMS:
                self._targets.popitem(last=False)
        view.memory["tunnels"] = self._targets


class Exchanges:
    """The HTTP exchanges whose response ended in a packet of this batch: {packet index: [Exchange]}.

    Only those of whose response the last bytes came in that packet, and whose request is certain: what is known only later
    is not known here.
    """

    def __init__(self) -> None:
        from sniff.exchange.dns import DnsPairing
        from sniff.exchange.http import State
        from sniff.exchange.http_builder import ExchangeBuilder
        from sniff.exchange.names import Names
        self.names = Names()
        self._odd = (State.RUNNING, State.UNASKED)
        self._dns = DnsPairing()
        self._decoder = DnsDecoder()
        self._builder = ExchangeBuilder(lookups=self.names)

    def add(self, view: View) -> None:
        self.names.learn(self._dns.add(self._decoder.decode(view.streams)))
        found: "dict[int, list[Exchange]]" = {}
        pieces = view.streams.pieces
        first = int(view.table[c.NUMBER, 0]) if view.size else 0
        held: set[int] = set()
        if pieces.shape[1] and view.size:
            late = view.table[c.NUMBER][np.clip(pieces[s.P_PACKET], 0, view.size - 1)] != pieces[s.P_ORIGIN]
            held = set(pieces[s.P_ORIGIN][late & (pieces[s.P_KIND] == s.Piece.DATA)].tolist())
        for exchange in self._builder.add(view.apps):
            request, response = exchange.request, exchange.response
            if request is None or response is None or exchange.inferred or exchange.state in self._odd:
                continue
            if not request.complete or request.last_packet > response.last_packet:      # answered before all of it was sent
                continue
            index = response.last_packet - first
            if 0 <= index < view.size and response.last_packet not in held:
                found.setdefault(index, []).append(exchange)
        view.memory["exchanges"] = found


class Bodies:
    """The HTTP bodies that are over: {packet index: [(first bytes of one, decoded, and what is known of it)]}, by the packets that
    brought their last bytes."""

    def __init__(self) -> None:
        from sniff.decode.bodies import BodyCollector
        self._collector = BodyCollector(self._begin, cap=limits.FILTER_BODY_BYTES)
        self._open: dict[int, _Body] = {}
        self._held = 0
        self._over: "list[tuple[int, bytes, BodyInfo]]" = []

    def _begin(self, message: "Message") -> "_Body":
        body = self._open[message.id] = _Body(self, message.id)
        return body

    def grow(self, size: int) -> None:
        """Bytes more are kept, or fewer."""
        self._held += size
        while self._held > limits.FILTER_BODIES_BYTES:
            self._open.pop(next(iter(self._open))).give_up()

    def end(self, number: int, packet: int, data: bytes, info: "BodyInfo") -> None:
        """A body is over."""
        if self._open.pop(number, None) is not None:
            self._held -= len(data)
            self._over.append((packet, data, info))

    def add(self, view: View) -> None:
        self._collector.add(view.apps)
        found: "dict[int, list[tuple[bytes, BodyInfo]]]" = {}
        first = int(view.table[c.NUMBER, 0]) if view.size else 0
        for packet, data, info in self._over:
            if 0 <= packet - first < view.size and (data or info.wire):
                found.setdefault(packet - first, []).append((data, info))
        self._over.clear()
        view.memory["bodies"] = found


class _Body:
    """The first bytes of one body."""

    def __init__(self, bodies: Bodies, number: int) -> None:
        self._bodies: Bodies | None = bodies
        self._number = number
        self._data = bytearray()

    def give_up(self) -> None:
        """It is not wanted any more."""
        if self._bodies is not None:
            bodies, self._bodies = self._bodies, None
            size = len(self._data)
            self._data = bytearray()
            bodies.grow(-size)

    def data(self, piece: bytes) -> None:
        """The next bytes."""
        piece = piece[:max(limits.FILTER_BODY_BYTES - len(self._data), 0)]
        if self._bodies is not None and piece:
            self._data += piece
            self._bodies.grow(len(piece))

    def hole(self, length: int) -> None:
        """Bytes are missing: what comes after them is not what comes next."""
        self.give_up()

    def end(self, info: "BodyInfo") -> None:
        """It is over."""
        if self._bodies is not None:
            self._bodies.end(self._number, info.message.last_packet if info.ended else -1, bytes(self._data), info)


class Connections:
    """What is known of each TCP connection at each of its packets: (packets, [tcp.completeness, round trip of the handshake]).

    As in Wireshark's one pass, a packet counts for the completeness that the next one shows, and for the round trip at once.
    Times are nanoseconds, -1 as long as the handshake is not seen to be complete.
    """

    def __init__(self) -> None:
        self._known: Table = np.zeros((4, 1024), np.int64)      # by slot: stream + 1, what was seen, begin of the handshake, its time

    def add(self, view: View) -> None:
        table, flows = view.table, view.flows
        packets = np.flatnonzero((table[c.KIND] == Kind.TCP) & (flows[s.STREAM] >= 0) & (flows[s.SLOT] >= 0) & (table[c.TCP_FLAGS] >= 0))
        values = np.empty((2, len(packets)), np.int64)
        rows = np.stack([flows[s.SLOT][packets], flows[s.STREAM][packets], table[c.TCP_FLAGS][packets],
                         table[c.PAYLOAD_WIRE][packets], table[c.TS_NS][packets]], 1)
        if len(packets) and rows[:, 0].max() >= self._known.shape[1]:
            more = np.zeros((4, 2 * int(rows[:, 0].max()) + 2), np.int64)
            more[:, :self._known.shape[1]] = self._known
            self._known = more
        known: dict[int, list[int]] = {slot: self._known[:, slot].tolist() for slot in np.unique(rows[:, 0]).tolist()}
        for k, (slot, stream, flags, size, ts_ns) in enumerate(rows.tolist()):
            state = known[slot]
            fresh = state[0] != stream + 1
            if fresh:
                state[:] = stream + 1, 0, -1, -1
            values[0, k] = state[1]
            if not fresh or flags & 0x12 == 0x02:
                self._see(state, flags, size, ts_ns)
            values[1, k] = state[3]
        for slot, state in known.items():
            self._known[:, slot] = state
        view.memory["tcp_connections"] = packets, values

    @staticmethod
    def _see(state: list[int], flags: int, size: int, ts_ns: int) -> None:
        """One packet of a connection."""
        seen = state[1]
        if flags & 0x12 == 0x02:
            seen |= 1
            if state[3] < 0:
                state[2] = ts_ns
        elif flags & 0x12 == 0x12:
            seen |= 2
        elif flags & 0x10:
            if state[3] < 0 <= state[2]:
                state[3] = ts_ns - state[2]
            seen |= 4 if size <= 0 else 0
        if size > 0:
            seen |= 8
        if flags & 0x11 == 0x11:
            seen |= 16
        if flags & 4:
            seen |= 32
        state[1] = seen


class Processes:
    """Who owns the ends of the batch's connections, as far as the capture says (exchange.owners.Owners)."""

    def __init__(self) -> None:
        self._owners: "Owners | None" = None

    def add(self, view: View) -> None:
        if self._owners is None:
            from sniff.exchange.owners import Owners
            self._owners = Owners(view.context.take_owners)
        self._owners.learn()
        view.memory["processes"] = self._owners


def _tcp_analysis() -> Tracker:
    from sniff.filters.fields.tcp_analysis import Analysis
    return Analysis()


def _datagrams() -> Tracker:
    from sniff.filters.fields.fragments import Datagrams
    return Datagrams()


def _pings() -> Tracker:
    from sniff.filters.fields.icmp import Pings
    return Pings()


def _chunks() -> Tracker:
    from sniff.filters.fields.chunks import Chunks
    return Chunks()


TRACKERS: dict[str, Callable[[], Tracker]] = {
    "frame": Frames,
    "tcp_times": lambda: FlowTimes(Kind.TCP, "tcp_times"),
    "udp_times": lambda: FlowTimes(Kind.UDP, "udp_times"),
    "dns": DnsMessages,
    "dns_times": DnsTimes,
    "heads": Heads,
    "requests": Requests,
    "tunnels": Tunnels,
    "exchanges": Exchanges,
    "bodies": Bodies,
    "chunks": _chunks,
    "tcp_connections": Connections,
    "tcp_analysis": _tcp_analysis,
    "datagrams": _datagrams,
    "pings": _pings,
    "processes": Processes,
}
"""Trackers by name, in the order in which they look at a batch: later ones may use what earlier ones left."""

Memory = dict[str, Any]
