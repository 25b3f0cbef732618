"""DNS over TCP: each message has two bytes of length in front (RFC 1035 section 4.2.2). The two readers of a connection.

DnsTcpRows decides rows when a segment is read, as Wireshark's one pass does: it sees segments in order of arrival.
DnsTcpMessages cuts the bytes in stream order, each once, into messages.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from sniff import limits
from sniff.decode.columns import (
    APP_MODE,
    APP_PROTOCOL,
    APP_SUFFIX,
    APP_TEXT,
    APP_TEXT_LEN,
    Mode,
    Protocol,
    Suffix,
)
from sniff.decode.dns_words import DnsWords
from sniff.decode.pool import Pool
from sniff.packets import columns as c
from sniff.packets.batch import PacketBatch, Table
from sniff.reassembly import columns as s
from sniff.reassembly.batch import StreamBatch

NOT_READ = s.Tag.RETRANSMISSION | s.Tag.SPURIOUS_RETRANSMISSION | s.Tag.KEEP_ALIVE
ENDINGS = (b"", b"[Packet size limited during capture]", b"[Malformed Packet]")
"""What a Suffix says, for a message whose row goes on with another one."""



def on_dns_port(packets: PacketBatch) -> Table:
    """int64[k]: indexes of the TCP packets with payload to or from port 53, or port 5353 when it is the smaller one."""
    table = packets.table
    tcp = np.flatnonzero(table[c.KIND] == c.Kind.TCP)
    if not len(tcp):
        return tcp
    source, destination = table[c.SRC_PORT][tcp], table[c.DST_PORT][tcp]
    lower, higher = np.minimum(source, destination), np.maximum(source, destination)
    tcp = tcp[(lower == 53) | (higher == 53) | (lower == 5353)]
    return tcp[(table[c.PAYLOAD, tcp] >= 0) & (table[c.PAYLOAD_LEN, tcp] > 0)]


@dataclass(slots=True)
class _Waiting:
    """A message that is not whole.

    begin  sequence number of its first byte (its length)
    size   bytes of it, -1 as long as the length itself is not whole: then the next segment belongs to it entirely
    ready  its bytes up to the first hole
    later  {offset: bytes} beyond holes
    lost   the capture cut a segment of it: it never gets whole, but its bytes are known not to begin a message
    """

    begin: int
    size: int
    ready: bytearray = field(default_factory=bytearray)
    later: dict[int, bytes] = field(default_factory=dict)
    lost: bool = False

    def __len__(self) -> int:
        return len(self.ready) + sum(map(len, self.later.values()))

    def put(self, offset: int, piece: bytes) -> None:
        """Add bytes; of two copies the first counts."""
        if offset > len(self.ready):
            self.later.setdefault(offset, piece)
            return
        self.ready += piece[len(self.ready) - offset:]
        while self.later:
            offset = min(self.later)
            if offset > len(self.ready):
                return
            self.ready += self.later.pop(offset)[len(self.ready) - offset:]


class DnsTcpRows:
    """Whose rows the TCP packets of a batch are, as far as DNS has a say. Run it before other protocols over TCP."""

    def __init__(self, counters: limits.Counters) -> None:
        self.counters = counters
        self._waiting: OrderedDict[tuple[int, int], _Waiting] = OrderedDict()
        self._held = 0
        self._words = DnsWords()

    def read(self, streams: StreamBatch, apps: Table, pool: Pool) -> None:
        """Set `apps` for the packets of one batch that DNS over TCP owns; texts go to `pool`. Batches are to come in order."""
        packets = streams.packets
        chosen = on_dns_port(packets)
        if not len(chosen):
            return
        columns = packets.table[:, chosen]
        rows = zip(chosen.tolist(), streams.table[s.SLOT, chosen].tolist(), streams.table[s.DIRECTION, chosen].tolist(),
                   streams.table[s.TAGS, chosen].tolist(), columns[c.TCP_FLAGS].tolist(), columns[c.TCP_SEQ].tolist(),
                   columns[c.PAYLOAD].tolist(), columns[c.PAYLOAD_LEN].tolist(), columns[c.PAYLOAD_WIRE].tolist(), strict=True)
        for index, slot, direction, tags, flags, seq, start, length, wire in rows:
            if tags & s.Tag.NEW_STREAM:
                self._forget((slot, 0))
                self._forget((slot, 1))
            apps[APP_PROTOCOL, index] = Protocol.TCP
            if slot < 0 or flags & 4 or tags & NOT_READ:
                continue
            piece = packets.data[start:start + length].tobytes()
            seq = (seq + 1 if flags & 2 else seq) & 0xFFFFFFFF
            self._segment((slot, direction), seq, piece, max(wire, length), bool(tags & s.Tag.OUT_OF_ORDER), index, apps, pool)

    def _segment(self, key: tuple[int, int], seq: int, piece: bytes, wire: int, reordered: bool, index: int, apps: Table,
                 pool: Pool) -> None:
        """Decide the row of one segment."""
        waiting = self._waiting.get(key)
        text = b""
        suffix = 0
        done = False
        if waiting is not None and waiting.lost:
            left = waiting.size - ((seq - waiting.begin) & 0xFFFFFFFF)
            if wire <= left:
                apps[APP_MODE, index] = Mode.OWN_MARKER
                return
            self._forget(key)
            if left > 0:
                piece, seq, wire = piece[left:], seq + left, wire - left
        elif waiting is not None and len(piece) == wire:
            offset = (seq - waiting.begin) & 0xFFFFFFFF
            size = waiting.size if waiting.size >= 0 else len(waiting.ready) + wire
            if offset < size:
                own = piece[:size - offset]
                self._held -= len(waiting)
                waiting.put(offset, own)
                self._held += len(waiting)
                if len(waiting.ready) < size:
                    apps[APP_MODE, index] = Mode.OWN_MARKER
                    self._bound()
                    return
                self._forget(key)
                if reordered:
                    return
                done, text, suffix = self._messages(key, waiting.begin, bytes(waiting.ready), size, pool)
                piece = piece[len(own):]
                seq += len(own)
                wire -= len(own)
        elif reordered:
            return
        if piece:
            more, words, ending = self._messages(key, seq & 0xFFFFFFFF, piece, wire, pool)
            if more:
                done, text, suffix = True, text + ENDINGS[suffix] + words, ending
            elif ending and not done:
                apps[APP_SUFFIX, index] = ending
        if done:
            apps[APP_PROTOCOL, index] = Protocol.DNS
            apps[APP_MODE, index] = Mode.TEXT
            apps[APP_TEXT, index], apps[APP_TEXT_LEN, index] = pool.add(text)
            apps[APP_SUFFIX, index] = suffix
        elif key in self._waiting and not self._waiting[key].lost:
            apps[APP_MODE, index] = Mode.OWN_MARKER
        self._bound()

    def _messages(self, key: tuple[int, int], seq: int, view: bytes, wire: int, pool: Pool) -> tuple[bool, bytes, int]:
        """(was there a message, the words of the last one, how they end) of bytes that begin with a message.

        wire  bytes by the headers; more than there are when the capture cut the segment, which then waits for nothing
        """
        at = 0
        last: tuple[int, int, int] | None = None
        while at < wire:
            here = wire - at
            if len(view) == wire:
                size = int.from_bytes(view[at:at + 2], "big") + 2 if here >= 2 else -1
                if here < max(size, 2):
                    self._forget(key)
                    self._waiting[key] = _Waiting(seq + at & 0xFFFFFFFF, size, bytearray(view[at:]))
                    self._held += here
                    break
            elif at + 2 > len(view):
                return last is not None, self._words.words(view, *last)[0] if last else b"", Suffix.CUT
            else:
                size = int.from_bytes(view[at:at + 2], "big") + 2
            last = (at + 2, min(at + size, len(view)), at + size)
            if at + size > wire:
                self._forget(key)
                self._waiting[key] = _Waiting(seq + at & 0xFFFFFFFF, size, lost=True)
            at += size
        if last is None:
            return False, b"", 0
        return (True, *self._words.words(view, *last))

    def _forget(self, key: tuple[int, int]) -> None:
        waiting = self._waiting.pop(key, None)
        if waiting is not None:
            self._held -= len(waiting)

    def _bound(self) -> None:
        """Give up what waits longest when too much waits."""
        while self._held > limits.WAITING_BYTES or len(self._waiting) > limits.DNS_PENDING:
            _, waiting = self._waiting.popitem(last=False)
            self._held -= len(waiting)
            self.counters.rows_given_up += 1


@dataclass(slots=True)
class _Stream:
    """One direction of a connection, its bytes in order.

    held      bytes of a message that is not whole
    missing   of them, those a gap took; they are zeros in `held`
    lost      where the next message begins is not known
    first     frame.number, place in the store and offset in the stream of the first byte held
    ends      IP version, source and destination: addresses (two columns each) and ports
    """

    held: bytearray = field(default_factory=bytearray)
    missing: int = 0
    lost: bool = False
    first: tuple[int, int, int] = (0, -1, 0)
    ends: tuple[int, ...] = (0,) * 7


class Found(NamedTuple):
    """A message taken out of a stream.

    packet         index in the batch of the packet that completed it
    wire           its bytes, without the two of its length
    length         bytes it has; more than `wire` holds when a gap took the rest
    number         frame.number, place in the store, and offset in the stream of the first of the two bytes of its length
    ends           IP version, source and destination: addresses (two columns each) and ports
    """

    packet: int
    stream: int
    wire: bytes
    length: int
    number: int
    offset: int
    stream_offset: int
    ends: tuple[int, ...]


class DnsTcpMessages:
    """Messages out of the pieces of TCP streams on ports of DNS.

    A gap inside one message cuts that message; a gap that may hold the beginning of another loses the step, and the next
    piece that looks like the beginning of a message finds it again.
    """

    def __init__(self, counters: limits.Counters) -> None:
        self.counters = counters
        self._streams: OrderedDict[tuple[int, int], _Stream] = OrderedDict()
        self._held = 0

    def read(self, streams: StreamBatch) -> list[Found]:
        """The messages that became whole in this batch, in order of the packets that completed them."""
        pieces, found = streams.pieces, list[Found]()
        if not pieces.shape[1]:
            return found
        slots = self._slots(streams)
        chosen = np.flatnonzero(np.isin(pieces[s.P_SLOT], slots)) if len(slots) else slots
        for piece in pieces[:, chosen].T.tolist():
            self._piece(piece, streams, found)
        return found

    def _slots(self, streams: StreamBatch) -> Table:
        """Slots of connections on ports of DNS: those of this batch's packets, and those that hold bytes."""
        fresh = streams.table[s.SLOT, on_dns_port(streams.packets)]
        held = np.fromiter((slot for slot, _ in self._streams), np.int64, len(self._streams))
        return np.unique(np.concatenate([fresh, held]))

    def _piece(self, piece: list[int], streams: StreamBatch, found: list[Found]) -> None:
        key = piece[s.P_SLOT], piece[s.P_DIRECTION]
        kind = piece[s.P_KIND]
        if kind not in (s.Piece.DATA, s.Piece.GAP):
            self._forget(key)
            return
        stream = self._streams.get(key)
        if stream is None:
            stream = self._streams[key] = _Stream(ends=_ends(piece, streams))
        length, place = piece[s.P_LEN], (piece[s.P_ORIGIN], piece[s.P_OFFSET], piece[s.P_STREAM_OFFSET])
        self._held -= len(stream.held)
        if kind == s.Piece.GAP:
            self._gap(stream, piece, found)
        else:
            buffer = streams.held if piece[s.P_BUFFER] else streams.packets.data
            data = buffer[piece[s.P_START]:piece[s.P_START] + length].tobytes()
            if stream.lost and not _begins(data):
                self._held += len(stream.held)
                return
            stream.lost = False
            self._data(stream, data, place, piece, found)
        self._held += len(stream.held)
        self._streams.move_to_end(key)
        if not stream.held and not stream.lost:
            self._forget(key)
        while self._held > limits.WAITING_BYTES or len(self._streams) > limits.DNS_PENDING:
            self._forget(next(iter(self._streams)))
            self.counters.dns_given_up += 1

    def _data(self, stream: _Stream, data: bytes, place: tuple[int, int, int], piece: list[int], found: list[Found]) -> None:
        """Take the messages out of what is held and `data`, which stands at `place`."""
        old = len(stream.held)
        if not old:
            stream.first = place
        stream.held += data
        view, at, end = stream.held, 0, len(stream.held)
        while end - at >= 2:
            size = (view[at] << 8 | view[at + 1]) + 2
            if at + size > end:
                break
            number, offset, stream_offset = stream.first
            missing, stream.missing = stream.missing, 0
            wire = bytes(view[at + 2:at + size - missing])
            found.append(Found(piece[s.P_PACKET], piece[s.P_STREAM], wire, size - 2, number, offset, stream_offset,
                               stream.ends))
            at += size
            stream.first = _later(place, at - old) if at >= old else stream.first
        del stream.held[:at]

    def _gap(self, stream: _Stream, piece: list[int], found: list[Found]) -> None:
        """Bytes are missing: cut the message they fall into when its end is known to lie behind them."""
        length, held = piece[s.P_LEN], len(stream.held)
        size = (stream.held[0] << 8 | stream.held[1]) + 2 if held >= 2 else 0
        if held < 2 or held + length > size:
            stream.lost = True
            if held > 2:
                self._cut(stream, piece, size, found)
            stream.held.clear()
            stream.missing = 0
        elif held + length == size:
            self._cut(stream, piece, size, found)
            stream.held.clear()
            stream.missing = 0
        else:
            # what comes after the gap cannot be told from what was lost: the message ends where the gap begins
            stream.missing = size - held
            stream.held += bytes(length)

    def _cut(self, stream: _Stream, piece: list[int], size: int, found: list[Found]) -> None:
        number, offset, stream_offset = stream.first
        end = len(stream.held) if not stream.missing else size - stream.missing
        found.append(Found(piece[s.P_PACKET], piece[s.P_STREAM], bytes(stream.held[2:end]), size - 2, number, offset,
                           stream_offset, stream.ends))

    def _forget(self, key: tuple[int, int]) -> None:
        stream = self._streams.pop(key, None)
        if stream is not None:
            self._held -= len(stream.held)


def _ends(piece: list[int], streams: StreamBatch) -> tuple[int, ...]:
    """Who sends the bytes of this piece to whom, by the packet that handed it on."""
    table, i = streams.packets.table, piece[s.P_PACKET]
    source, destination = (c.SRC_HI, c.SRC_LO, c.SRC_PORT), (c.DST_HI, c.DST_LO, c.DST_PORT)
    if int(streams.table[s.DIRECTION, i]) != piece[s.P_DIRECTION]:      # it was an acknowledgement by the other end
        source, destination = destination, source
    return tuple(table[[c.IP_VERSION, *source, *destination], i].tolist())


def _later(place: tuple[int, int, int], count: int) -> tuple[int, int, int]:
    """The place `count` bytes after `place`."""
    number, offset, stream_offset = place
    return number, offset + count if offset >= 0 else -1, stream_offset + count


def _begins(data: bytes) -> bool:
    """Does this look like the beginning of a message with its length? One that is not even a header does not."""
    if len(data) < 14:
        return False
    size, flags = data[0] << 8 | data[1], data[4] << 8 | data[5]
    counts = [data[i] << 8 | data[i + 1] for i in range(6, 14, 2)]
    return size >= 12 and flags >> 11 & 15 in (0, 4, 5) and flags & 0x40 == 0 and counts[0] <= 1 and 5 * counts[0] + 11 * sum(
        counts[1:]) + 12 <= size
