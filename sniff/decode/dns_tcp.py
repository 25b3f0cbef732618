"""DNS over TCP: each message has two bytes of length in front (RFC 1035 section 4.2.2). The two readers of a connection.

DnsTcpRows decides rows when a segment is read, as Wireshark's one pass does: it sees segments in order of arrival.
DnsTcpMessages cuts the bytes in stream order, each once, into messages.
"""

from array import array
from collections import OrderedDict
from dataclasses import dataclass, field

import numpy as np

from sniff import limits
from sniff.decode.columns import (
    APP_COUNT,
    APP_MODE,
    APP_PROTOCOL,
    APP_SUFFIX,
    APP_TEXT,
    APP_TEXT_LEN,
    Mode,
    Protocol,
    Suffix,
)
from sniff.decode.dns_wire import dns_rows
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
    source, destination = table[c.SRC_PORT], table[c.DST_PORT]
    lower, higher = np.minimum(source, destination), np.maximum(source, destination)
    return np.flatnonzero((table[c.KIND] == c.Kind.TCP) & ((lower == 53) | (higher == 53) | (lower == 5353))
                          & (table[c.PAYLOAD] >= 0) & (table[c.PAYLOAD_LEN] > 0))


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
        self._table: Table = np.zeros((c.COUNT, 1), np.int64)
        self._table[c.KIND] = c.Kind.UDP
        self._table[c.DST_PORT] = 53
        self._apps: Table = np.zeros((APP_COUNT, 1), np.int64)
        self._used = array("q", [0])

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
                return last is not None, self._words(view, *last)[0] if last else b"", Suffix.CUT
            else:
                size = int.from_bytes(view[at:at + 2], "big") + 2
            last = (at + 2, min(at + size, len(view)), at + size)
            if at + size > wire:
                self._forget(key)
                self._waiting[key] = _Waiting(seq + at & 0xFFFFFFFF, size, lost=True)
            at += size
        if last is None:
            return False, b"", 0
        return (True, *self._words(view, *last))

    def _words(self, view: bytes, start: int, end: int, wire_end: int) -> tuple[bytes, int]:
        """(words of the message view[start:end], how they end)."""
        if start == end:
            return b"", Suffix.CUT if wire_end > end else Suffix.MALFORMED
        table, apps = self._table, self._apps
        table[c.PAYLOAD], table[c.PAYLOAD_LEN], table[c.PAYLOAD_WIRE] = start, end - start, wire_end - start
        out = np.empty(8192, np.uint8)
        self._used[0] = 0
        dns_rows(table, np.frombuffer(view, np.uint8), 0, apps, out, self._used)
        return out[:self._used[0]].tobytes(), int(apps[APP_SUFFIX, 0])

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
