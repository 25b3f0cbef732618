"""Tracker: one PacketBatch in, one StreamBatch out. Owns the arrays that flows.py, analysis.py and tcp.py work on."""

import os
from collections import deque
from typing import Any

import numpy as np

from sniff import limits
from sniff.capture.raw import Bytes, view
from sniff.limits import Counters
from sniff.notes import Code, Notes
from sniff.packets import columns as c
from sniff.packets.batch import PacketBatch, Table
from sniff.reassembly import analysis, flows, states, tcp
from sniff.reassembly import columns as s
from sniff.reassembly.batch import StreamBatch
from sniff.shelf import Shelf

_TCP = 6
_NOTHING = np.zeros(0, np.uint8)
_NO_FLOWS = np.zeros((s.F_COUNT, 0), np.int64)
_CONN_STATES = np.array([s.conn_state(ends & 15, ends >> 4, bool(empty)) for ends in range(256) for empty in range(2)])
_UDP_STATES = np.array([s.ConnState.OTH, s.ConnState.SHR, s.ConnState.S0, s.ConnState.SF])


class Tracker:
    """The stage that follows flows and puts streams together.

    It remembers the flows (limits.MAX_FLOWS) and segments that came too early (limits.HELD_*).
    """

    def __init__(self, notes: Notes, counters: Counters, *, pieces: bool = True, endings: bool = False,
                 flow_rows: bool = True, udp: bool = True) -> None:
        """
        notes, counters  where to say what is strange and which cap fired
        pieces           False when nobody wants the bytes of the streams, only rows: no pieces, and flow rows without what
                         only reassembly knows (F_PAYLOAD, F_RETRANSMITTED, F_MISSING)
        endings          True when somebody wants to know how flows ended: F_STATE, F_HISTORY, F_ENDS and the sequence numbers
        flow_rows        False when nobody wants flow rows either, nor numbers of UDP streams: only TCP rows, at a fraction of
                         the memory. Flow rows are then empty
        udp              False when there are pieces, but nobody wants to know of UDP flows
        """
        self.notes = notes
        self.counters = counters
        self._pieces_wanted = pieces
        self._endings_wanted = endings
        self._rows_wanted = flow_rows or pieces or endings
        self._udp_wanted = flow_rows or endings or (pieces and udp)
        self._most = limits.MAX_FLOWS
        self._shelf, self._opened_shelf, self._ended_shelf = Shelf(), Shelf(), Shelf()
        # Slots of flows that ended are free again only when their batch is over, so there are more slots than flows. None of
        # these pages exists before a flow touches it: a capture with few flows takes little.
        slots = self._most + limits.BATCH_PACKETS + self._most // 8
        self._state = np.zeros(flows.STATE_COUNT, np.int64)
        self._secrets = np.array([int.from_bytes(os.urandom(4), "big") >> 6 << 1 | 1 for _ in range(flows.SECRETS)], np.int64)
        self._keys = np.zeros((slots, flows.WIDTH), np.int64)
        self._last = np.full(slots, flows.NEVER, np.int64)
        self._buckets = np.zeros(4096, np.int64)
        self._free = np.zeros(slots, np.int64)
        self._ends = np.zeros((0, flows.END_WIDTH), np.int64)
        self._memory = np.zeros(slots * analysis.WIDTH, np.int64)
        self._flows = np.zeros((slots if self._rows_wanted else 1, s.F_COUNT), np.int64)
        self._streams = np.zeros(slots * tcp.WIDTH, np.int64)
        self._parts = np.zeros((slots if endings else 0, s.F_COUNT), np.int64)
        self._checks = np.zeros((tcp.CHECKS, tcp.CHECK_WIDTH), np.int64)
        self._tcp = tcp.Streams(limits.HELD_BYTES, view(np.zeros((tcp.TRACE_ENTRIES, tcp.TRACE_WIDTH), np.int64)),
                                view(self._checks))
        self._before: deque[tuple[int, int, Bytes]] = deque()   # first packet, bytes before it, bytes
        self._seen_bytes = 0
        self._nodes = np.zeros((0, tcp.NODE_WIDTH), np.int64)
        self._fresh = np.zeros(0, np.int64)
        self._notes = np.zeros((256, tcp.NOTE_WIDTH), np.int64)
        self._pieces = np.zeros((s.P_COUNT, 1024), np.int64)
        self._arena = _NOTHING
        self._arena_used = 0
        self._last_packet = 0
        self._tcp.bind_notes(view(self._notes))
        self._tcp.bind_pieces(view(self._pieces))
        self._tcp.bind_state(view(self._streams), view(self._flows.reshape(-1)))
        self._more_nodes(64)

    # --- the batch -------------------------------------------------------------------------------------------------------

    def track(self, packets: PacketBatch, *, end: bool | None = None, most: int | None = None) -> StreamBatch:
        """Flow, marks and numbers of every packet of one batch, and the pieces of streams that it completed.

        packets  the next batch, in capture order
        end      whether nothing follows (packets.raw.end unless said otherwise): every flow that is left then ends
        most     how many of them may end at once; when `living` tells that there are more, they want empty batches to end in

        The answer does not depend on where the capture was cut into batches, but for slots and for the index of the
        packet to which the END of a flow is ascribed.
        """
        count = len(packets)
        table = packets.table
        out: Table = self._shelf.empty((s.COUNT, count))
        if len(self._ends) <= count:
            self._ends = np.zeros((count + 1, flows.END_WIDTH), np.int64)
        self._state[flows.ENDS] = 0
        if self._pieces_wanted:
            self._compact()
        done = 0
        while (done := flows.assign(
                view(table), done, view(out), view(self._keys), view(self._last), view(self._buckets),
                view(self._free), view(self._ends), view(self._state), view(self._secrets),
                min(self._most, len(self._buckets) // 2), self._udp_wanted)) < count:
            if self._state[flows.LIVE] >= self._most:
                self._evict(done, count)
            elif self._state[flows.LIVE] >= len(self._buckets) // 2:
                self._more_buckets()
            else:
                self._more_slots(len(self._keys) + count)
        analysis.analyse(view(packets.data), view(table), view(out), view(self._memory), view(self._flows.reshape(-1)),
                         self._rows_wanted, int(self._state[flows.USED]) >= flows.MANY)
        over = self._follow_ends(table, out) if self._endings_wanted else None
        finished = packets.raw.end if end is None else end
        if finished:
            self._end(count, most)
        ends = self._ends[:int(self._state[flows.ENDS])]
        pieces, held = self._reassemble(packets, out, ends)
        result = StreamBatch(packets, out, pieces, held, *self._opened_and_ended(out, ends))
        if over is not None:
            parts = self._parts[ends[:, flows.END_SLOT]].T
            self._settle(result.ended, parts)
            result.connections = np.concatenate([over.T, parts], axis=1)
        self._release(ends[:, flows.END_SLOT])
        return result

    @property
    def living(self) -> int:
        """How many flows have not ended."""
        return int(self._state[flows.LIVE])

    # --- flows -----------------------------------------------------------------------------------------------------------

    def _live(self) -> Table:
        """int64[k]: the slots of the flows that have not ended."""
        return np.flatnonzero(self._last[:int(self._state[flows.USED])] != flows.NEVER)

    def _more_buckets(self) -> None:
        self._buckets = np.zeros(2 * len(self._buckets), np.int64)
        flows.refill(view(self._keys), int(self._state[flows.USED]), view(self._buckets), view(self._secrets))

    def _more_slots(self, slots: int) -> None:
        """Only for batches longer than limits.BATCH_PACKETS."""
        self._keys = _longer(self._keys, slots)
        self._last = _longer(self._last, slots, flows.NEVER)
        self._free = _longer(self._free, slots)
        self._memory = _longer(self._memory, slots * analysis.WIDTH)
        if self._rows_wanted:
            self._flows = _longer(self._flows, slots)
        self._streams = _longer(self._streams, slots * tcp.WIDTH)
        if self._endings_wanted:
            self._parts = _longer(self._parts, slots)
        self._tcp.bind_state(view(self._streams), view(self._flows.reshape(-1)))

    def _evict(self, packet: int, count: int) -> None:
        """End the eighth of the flows that was idle for longest; of two, the older one."""
        last = self._last[:int(self._state[flows.USED])]
        wanted = max(1, self._most // 8)
        edge = _nth(last, wanted)
        slots = np.flatnonzero(last <= edge)
        if len(slots) > wanted:
            tied = slots[last[slots] == edge]
            tied = tied[np.argsort(self._keys[tied, flows.STREAM_NUMBER], kind="stable")]
            slots = np.sort(np.concatenate([slots[last[slots] < edge], tied[:len(tied) + wanted - len(slots)]]))
        now = last[last != flows.NEVER].max()
        idle = now - last[slots] > limits.FLOW_IDLE_NS
        self.counters.flows_evicted += int(np.count_nonzero(~idle))
        flows.forget(view(slots), view(self._keys), view(self._last), view(self._buckets), view(self._state),
                     view(self._secrets))
        self._add_ends(slots, packet, count, np.where(idle, int(s.EndReason.IDLE), int(s.EndReason.EVICTED)))

    def _end(self, count: int, most: int | None) -> None:
        """The capture is over: end the flows that are left, or the `most` that began first."""
        live = self._live()
        if self._rows_wanted:
            live = live[np.argsort(self._flows[live, s.F_FIRST_PACKET], kind="stable")]
        live = np.ascontiguousarray(live[:most])
        flows.forget(view(live), view(self._keys), view(self._last), view(self._buckets), view(self._state),
                     view(self._secrets))
        self._add_ends(live, count, count, int(s.EndReason.CAPTURE_END))

    def _add_ends(self, slots: Table, packet: int, count: int, reason: Any) -> None:
        at = int(self._state[flows.ENDS])
        wanted = at + len(slots) + count + 1   # assign() writes one a packet at most, without asking
        if len(self._ends) < wanted:
            self._ends = _longer(self._ends, 2 * wanted)
        self._ends[at:at + len(slots), flows.END_PACKET] = packet
        self._ends[at:at + len(slots), flows.END_SLOT] = slots
        self._ends[at:at + len(slots), flows.END_REASON] = reason
        self._state[flows.ENDS] = at + len(slots)

    @staticmethod
    def _judge(rows: Table, reasons: Table) -> None:
        """Why each flow ended: because its ends said so, or because of what happened to the table."""
        closed = (rows[s.F_FIN] > 0) & (rows[s.F_FIN + 1] > 0)
        reset = (rows[s.F_RST] > 0) | (rows[s.F_RST + 1] > 0)
        rows[s.F_END_REASON] = np.where(closed, int(s.EndReason.FIN), np.where(reset, int(s.EndReason.RESET), reasons))

    def _follow_ends(self, table: Table, out: Table) -> Table:
        """int64[k, F_COUNT]: the connections that were over before the end of their flow."""
        over, counts = np.empty((256, s.F_COUNT), np.int64), np.zeros(1, np.int64)
        done = 0
        while (done := states.follow(view(table), done, view(out), view(self._flows.reshape(-1)),
                                     view(self._parts.reshape(-1)), view(over), view(counts))) < table.shape[1]:
            over = _longer(over, 2 * len(over))
        return over[:int(counts[0])]

    @staticmethod
    def _settle(rows: Table, parts: Table) -> None:
        """How each flow ended: as its first connection did, of which `parts` has the row when it was the only one."""
        only = rows[s.F_ENDS] == 0
        rows[s.F_HISTORY:s.F_FIRST_DIRECTION, only] = parts[s.F_HISTORY:s.F_FIRST_DIRECTION, only]
        parts[s.F_MISSING:s.F_MISSING + 2] = rows[s.F_MISSING:s.F_MISSING + 2]
        empty = (rows[s.F_SENT] == 0) & (rows[s.F_SENT + 1] == 0)
        tcp_state = _CONN_STATES[(rows[s.F_ENDS] & 255) * 2 + empty]
        udp_state = _UDP_STATES[(rows[s.F_PACKETS] > 0) * 2 + (rows[s.F_PACKETS + 1] > 0)]
        rows[s.F_STATE] = np.where(rows[s.F_PROTO] == _TCP, tcp_state, udp_state)

    def _opened_and_ended(self, out: Table, ends: Table) -> tuple[Table, Table]:
        """Flow rows of the flows that began in a batch and of those that ended."""
        if not self._rows_wanted:
            return _NO_FLOWS, _NO_FLOWS
        opened = self._flow_rows(out[s.SLOT][(out[s.TAGS] & s.Tag.NEW_STREAM) != 0], self._opened_shelf)
        ended = self._flow_rows(ends[:, flows.END_SLOT], self._ended_shelf)
        self._judge(ended, ends[:, flows.END_REASON])
        return opened, ended

    def _flow_rows(self, slots: Table, shelf: Shelf) -> Table:
        rows: Table = shelf.empty((len(slots), s.F_COUNT))
        return np.take(self._flows, slots, axis=0, out=rows, mode="clip").T

    def _release(self, slots: Table) -> None:
        free = int(self._state[flows.FREE])
        self._free[free:free + len(slots)] = slots[::-1]
        self._state[flows.FREE] = free + len(slots)

    # --- streams ---------------------------------------------------------------------------------------------------------

    def _reassemble(self, packets: PacketBatch, out: Table, ends: Table) -> tuple[Table, Any]:
        if not self._pieces_wanted:
            return np.zeros((s.P_COUNT, 0), np.int64), _NOTHING
        self._tcp.bind_batch(view(packets.data), view(packets.table), view(out), view(ends))
        if self._pieces.shape[1] < len(packets) + 64:
            self._pieces = np.empty((s.P_COUNT, len(packets) + len(packets) // 2 + 64), np.int64)
            self._tcp.bind_pieces(view(self._pieces))
        while (wanted := self._tcp.run()) != tcp.DONE:
            if wanted == tcp.TOO_MUCH_HELD:
                self._give_up_holes()
            else:
                self._make_room(wanted)
        _, count, _, _, given_up = self._tcp.counts()
        self.counters.holes_given_up = given_up
        self._take_notes()
        self._compare(packets)
        self._keep()
        return self._pieces[:, :count].copy(), self._arena

    def _make_room(self, wanted: int) -> None:
        if wanted == tcp.MORE_PIECES:
            pieces = np.empty((s.P_COUNT, 2 * self._pieces.shape[1]), np.int64)
            pieces[:, :self._pieces.shape[1]] = self._pieces
            self._pieces = pieces
            self._tcp.bind_pieces(view(pieces))
        elif wanted == tcp.MORE_NODES:
            self._more_nodes(2 * len(self._nodes))
        elif self._tcp.counts()[2]:
            self._take_notes()
        else:
            self._notes = np.zeros((2 * len(self._notes), tcp.NOTE_WIDTH), np.int64)
            self._tcp.bind_notes(view(self._notes))

    def _more_nodes(self, nodes: int) -> None:
        old = len(self._nodes)
        self._nodes = _longer(self._nodes, nodes)
        self._fresh = _longer(self._fresh, 2 * nodes)
        self._tcp.bind_nodes(view(self._nodes), old, view(self._fresh))

    def _take_notes(self) -> None:
        count = self._tcp.counts()[2]
        for code, packet, offset, needed, had in self._notes[:count].tolist():
            self.notes.add(Code(code), packet, offset, needed, had)
        self._tcp.notes_taken()

    def _compare(self, packets: PacketBatch) -> None:
        """Compare what was sent again with first copies that came in earlier batches, and remember this batch for that."""
        first, seen = packets.raw.first_number, self._seen_bytes
        for packet, start, length, number, old in self._checks[:self._tcp.checks_wanted()].tolist():
            found = next(((begin, data) for number_, begin, data in reversed(self._before) if number_ <= number), None)
            if found is None or seen + start - found[0] - old > limits.CONFLICT_BYTES:
                continue
            differing = int(np.count_nonzero(packets.data[start:start + length] != found[1][old:old + length]))
            if differing:
                self.notes.add(Code.TCP_CONFLICT, first + packet, int(packets.table[c.OFFSET, packet]), length, differing)
        self._before.append((first, seen, packets.data))
        self._seen_bytes = seen = seen + len(packets.data)
        while len(self._before) > 1 and (self._before[1][0] <= first + len(packets) - limits.CONFLICT_PACKETS
                                         or self._before[1][1] < seen - limits.CONFLICT_BYTES):
            self._before.popleft()

    def _give_up_holes(self) -> None:
        """Too much is held altogether: the directions that hold most give up their oldest hole, an eighth of it all."""
        position, _, _, held, _ = self._tcp.counts()
        target = held - limits.HELD_BYTES // 8
        by_direction = self._streams.reshape(-1, tcp.WIDTH // 2)
        directions = np.argsort(-by_direction[:, tcp.HELD], kind="stable")
        for direction in directions.tolist():
            if self._tcp.counts()[3] <= target or by_direction[direction, tcp.HELD] == 0:
                break
            stream = int(self._flows[direction // 2, s.F_STREAM])
            while (wanted := self._tcp.give_up_hole(direction, position, stream)) != tcp.DONE:
                self._make_room(wanted)

    # --- bytes that outlive their batch ----------------------------------------------------------------------------------

    def _keep(self) -> None:
        """Copy what is still held of this batch into the arena. It only grows: pieces of this batch lie in it."""
        wanted = self._arena_used + self._tcp.fresh_bytes()
        if wanted > len(self._arena):
            self._arena = _longer(self._arena, max(wanted, 2 * len(self._arena), 1 << 16))
            self._tcp.bind_arena(view(self._arena))
        self._arena_used = self._tcp.keep(self._arena_used)

    def _compact(self) -> None:
        """Before a batch: when most of the arena is no longer held, copy what is into a new one.

        A new one, because whoever works on the batch before still reads the old one.
        """
        held = self._tcp.counts()[3]
        if self._arena_used > 2 * held + (1 << 16):
            self._arena = np.empty(max(2 * held, 1 << 16), np.uint8)
            self._arena_used = self._tcp.move(view(self._arena))


def _nth(values: Table, n: int) -> int:
    """The n-th smallest of many numbers: found among those below a bound that a few of them suggest."""
    few = np.sort(values[:: len(values) // 4096 + 1])
    below = values[values <= few[min(len(few) - 1, len(few) * n // len(values) + 128)]]
    return int(np.partition(below if len(below) >= n else values, n - 1)[n - 1])


def _longer(array: Any, length: int, fill: int = 0) -> Any:
    """The same rows, and new ones of zeros (or `fill`) after them."""
    if length <= len(array):
        return array
    longer = np.full((length, *array.shape[1:]), fill, array.dtype) if fill else np.zeros((length, *array.shape[1:]), array.dtype)
    longer[:len(array)] = array
    return longer
