"""Conversations written down, as the tables that the stages would make of them."""

from dataclasses import dataclass, field

import numpy as np

from sniff.capture.raw import RawBatch
from sniff.decode import columns as m
from sniff.decode.batch import AppBatch
from sniff.decode.columns import Framing, MessageFlag
from sniff.packets import columns as c
from sniff.packets.batch import PacketBatch
from sniff.reassembly import columns as s
from sniff.reassembly.batch import StreamBatch

MS = 1_000_000
NONE = np.empty(0, np.int64)


@dataclass
class Script:
    """Messages in the order in which they end; times in milliseconds, packet numbers equal to them unless given."""

    heads: bytearray = field(default_factory=bytearray)
    rows: list = field(default_factory=list)
    opened: list = field(default_factory=list)
    ended: list = field(default_factory=list)
    sequence: dict = field(default_factory=dict)

    def message(self, head, first, last=None, stream=0, flags=MessageFlag.COMPLETE, prefix=b"", **columns):
        """One message that begins and ends in these packets, at these milliseconds."""
        last = first if last is None else last
        row = [0] * m.M_COUNT
        response = head.startswith(b"HTTP/") or not head
        key = (stream, response)
        values = {m.M_IS_RESPONSE: int(response), m.M_STREAM: stream, m.M_DIRECTION: int(response),
                  m.M_SEQUENCE: self.sequence.get(key, 0), m.M_FIRST_PACKET: first, m.M_HEAD_PACKET: first,
                  m.M_LAST_PACKET: last, m.M_FIRST_NS: first * MS, m.M_HEAD_NS: first * MS, m.M_LAST_NS: last * MS,
                  m.M_HEAD_LEN: len(head), m.M_EXPECTED: -1, m.M_FRAMING: Framing.NONE, m.M_VERSION: 11,
                  m.M_FLAGS: int(flags), m.M_HEAD_BUFFER: 1, m.M_HEAD_START: len(self.heads), m.M_HEAD_KEPT: len(head),
                  m.M_PREFIX_BUFFER: 1, m.M_PREFIX_START: len(self.heads) + len(head), m.M_PREFIX_LEN: len(prefix)}
        words = head.split()
        if response and len(words) > 1 and words[1].isdigit():
            values[m.M_STATUS] = int(words[1])
        if not (response and 100 <= values.get(m.M_STATUS, 0) < 200):
            self.sequence[key] = values[m.M_SEQUENCE] + 1
        values |= {getattr(m, f"M_{name.upper()}"): value for name, value in columns.items()}
        for column, value in values.items():
            row[column] = value
        self.heads += head + prefix
        self.rows.append(row)
        return self

    def get(self, path, first, last=None, **more):
        return self.message(b"GET %s HTTP/1.1\r\nHost: example.com\r\n\r\n" % path, first, last, **more)

    def answer(self, status, first, last=None, **more):
        return self.message(b"HTTP/1.1 %d Fine\r\nX-Was: %d\r\n\r\n" % (status, first), first, last, **more)

    def connection(self, stream=0, syn=-1, synack=-1, established=-1, ended=None, reason=s.EndReason.FIN, rst=0):
        """The flow row of a connection; `ended` in milliseconds makes its last row as well."""
        row = np.zeros(s.F_COUNT, np.int64)
        row[s.F_STREAM], row[s.F_PROTO], row[s.F_IP_VERSION] = stream, 6, 4
        row[s.F_CLIENT_LO], row[s.F_SERVER_LO] = 0x0A000001, 0x0A000002
        row[s.F_CLIENT_PORT], row[s.F_SERVER_PORT] = 50000 + stream, 80
        for column, value in ((s.F_SYN_NS, syn), (s.F_SYNACK_NS, synack), (s.F_ESTABLISHED_NS, established)):
            row[column] = value * MS if value >= 0 else -1
        self.opened.append(row)
        if ended is not None:
            last = row.copy()
            last[s.F_LAST_NS], last[s.F_END_REASON], last[s.F_RST] = ended * MS, reason, rst
            self.ended.append(last)
        return self

    def batch(self, packets=()):
        """The AppBatch. packets: (millisecond, stream, direction, tags) of packets with marks."""
        count = len(packets)
        table, streams = np.zeros((c.COUNT, count), np.int64), np.zeros((s.COUNT, count), np.int64)
        for index, (when, stream, direction, tags) in enumerate(packets):
            table[c.TS_NS, index], table[c.NUMBER, index], table[c.KIND, index] = when * MS, when, c.Kind.TCP
            streams[s.STREAM, index], streams[s.DIRECTION, index], streams[s.TAGS, index] = stream, direction, int(tags)
        raw = RawBatch(np.empty(0, np.uint8), 1, NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE)
        nothing = np.empty(0, np.uint8)
        made = StreamBatch(PacketBatch(raw, nothing, table), streams, np.empty((s.P_COUNT, 0), np.int64), nothing,
                           _table(self.opened), _table(self.ended))
        rows = np.array(self.rows, np.int64).reshape(-1, m.M_COUNT).T.copy()
        heads = np.frombuffer(bytes(self.heads), np.uint8)
        return AppBatch(made, np.empty((m.APP_COUNT, 0), np.int64), nothing, rows, heads)


def _table(rows):
    return np.array(rows, np.int64).reshape(-1, s.F_COUNT).T.copy()
