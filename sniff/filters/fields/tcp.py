"""Fields of TCP: the header, its options, and what sequence analysis found."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from sniff.filters.columns import Column, numbers, objects
from sniff.filters.field import (
    COLUMN,
    GATHER,
    PARSE,
    Field,
    Source,
    at_place,
    both,
    from_flows,
    from_table,
    marked,
    protocol_bytes,
    protocol_there,
    there,
)
from sniff.filters.fields.packets import CHECKSUM, TCP, flow_fields, payload, plain_port, unverified
from sniff.filters.types import Type
from sniff.filters.view import Headers, View
from sniff.packets import columns as c
from sniff.packets.batch import Table
from sniff.packets.columns import Kind
from sniff.reassembly import columns as s
from sniff.reassembly.columns import MARKS, Tag

Option = tuple[int, bytes]
"""(kind, the bytes after kind and length)."""

ANALYSIS = {
    "retransmission": (Tag.RETRANSMISSION | Tag.FAST_RETRANSMISSION | Tag.SPURIOUS_RETRANSMISSION, "a segment sent again"),
    "fast_retransmission": (Tag.FAST_RETRANSMISSION, "sent again after duplicate acknowledgements"),
    "spurious_retransmission": (Tag.SPURIOUS_RETRANSMISSION, "sent again although it was acknowledged"),
    "out_of_order": (Tag.OUT_OF_ORDER, "comes later than it should"),
    "lost_segment": (Tag.PREVIOUS_LOST, "a segment before it was not captured"),
    "ack_lost_segment": (Tag.ACKED_UNSEEN, "acknowledges what was not captured"),
    "reused_ports": (Tag.PORTS_REUSED, "a new connection with the ports of an older one"),
    "window_update": (Tag.WINDOW_UPDATE, "only opens the window"),
    "window_full": (Tag.WINDOW_FULL, "fills the window of the receiver"),
    "zero_window": (Tag.ZERO_WINDOW, "closes the window"),
    "zero_window_probe": (Tag.ZERO_WINDOW_PROBE, "asks whether the window is open again"),
    "zero_window_probe_ack": (Tag.ZERO_WINDOW_PROBE_ACK, "the answer to that"),
    "keep_alive": (Tag.KEEP_ALIVE, "asks whether the other end is still there"),
    "keep_alive_ack": (Tag.KEEP_ALIVE_ACK, "the answer to that"),
    "duplicate_ack": (Tag.DUP_ACK, "acknowledges the same again"),
}
"""{last part of tcp.analysis.*: (marks of the sequence analysis, meaning)}."""

FLAGS = {"res": (0xE00, "reserved bits"), "ae": (0x100, "accurate ECN"), "cwr": (0x80, "congestion window reduced"),
         "ece": (0x40, "ECN echo"),
         "urg": (0x20, "urgent"), "ack": (0x10, "acknowledgement"), "push": (8, "push"), "reset": (4, "reset"),
         "syn": (2, "begins"),
         "fin": (1, "ends")}


def tags(view: View) -> Table:
    """int64[n]: the tags of TCP packets, 0 for others."""
    return np.where(view.table[c.KIND] == Kind.TCP, view.flows[s.TAGS], 0)


def _tagged(bits: int) -> Source:
    return marked(lambda view: tags(view) & bits != 0)


def _duplicate(column: int) -> Source:
    def source(view: View, candidates: Table) -> Column:
        packets = np.flatnonzero(tags(view) & int(Tag.DUP_ACK))
        return Column(packets, view.flows[column][packets])

    return source


def _flag_letters(view: View, candidates: Table) -> Column:
    headers = there(view, "tcp", 12, 2)
    values = (view.number(headers.at + 12, 2) & 0xFFF).tolist()
    texts = ["".join(letter if value >> bit & 1 else "·" for letter, bit in zip("RRRACEUAPRSF", range(11, -1, -1), strict=True))
             for value in values]
    return objects(headers.packets, texts, headers.nth)


def _next_seq(view: View, candidates: Table) -> Column:
    """Where options could not be read, Wireshark does not come so far."""
    packets = np.flatnonzero((view.table[c.KIND] == Kind.TCP) & (tags(view) & int(Tag.BAD_OPTIONS | Tag.CUT_OPTIONS) == 0))
    values = view.flows[s.NEXT_SEQ][packets]
    return Column(packets, values).only(values >= 0)


def _ace(view: View, candidates: Table) -> Column:
    packets = np.flatnonzero(tags(view) & int(Tag.ACE))
    return Column(packets, view.table[c.TCP_FLAGS][packets] >> 6 & 7)


def _payload(view: View, candidates: Table) -> Column:
    """What comes with a reset are words about it (tcp.reset_cause)."""
    return payload(view, candidates[view.table[c.TCP_FLAGS][candidates] & RESET == 0], Kind.TCP)


RESET = 4


def _completeness(view: View, candidates: Table) -> Column:
    packets, values = view.memory["tcp_connections"]
    return Column(packets, values[0]).only(values[0] >= 0)


def _handshake(view: View, candidates: Table) -> Column:
    """It is told where sequence analysis has something to say."""
    from sniff.filters.fields.tcp_analysis import SAID
    packets, values = view.memory["tcp_connections"]
    analysed, said = view.memory["tcp_analysis"]
    told = np.zeros(view.size, np.bool_)
    told[analysed] = said[SAID] != 0
    return Column(packets, values[1]).only((values[1] > 0) & told[packets])


def _ack_rtt(view: View, candidates: Table) -> Column:
    from sniff.filters.fields.tcp_analysis import ACK_RTT_NS
    packets, values = view.memory["tcp_analysis"]
    return Column(packets, values[ACK_RTT_NS]).only(values[ACK_RTT_NS] != 0)


def _connection(mask: int, wanted: int) -> Callable[[View], Any]:
    return lambda view: (view.table[c.KIND] == Kind.TCP) & (view.table[c.TCP_FLAGS] & mask == wanted) & (view.table[c.TCP_FLAGS] >= 0)


# --- options --------------------------------------------------------------------------------------------------------------

def _long(view: View, headers: Headers) -> Any:
    return view.data[headers.at + 12] >> 4 > 5


def _option_bytes(view: View, candidates: Table) -> Column:
    headers = there(view, "tcp", 0, 20, _long)
    headers = headers.only(np.isin(headers.packets, candidates))
    stop = np.minimum(headers.at + (view.data[headers.at + 12] >> 4).astype(np.int64) * 4, headers.stop)
    return objects(headers.packets, [view.slice(at + 20, end) for at, end in zip(headers.at.tolist(), stop.tolist(),
                                                                                 strict=True)], headers.nth)


def options_of(data: bytes) -> Iterator[Option]:
    """The options that are whole (RFC 9293 section 3.2)."""
    at = 0
    while at < len(data):
        kind = data[at]
        if kind in (0, 1):
            yield kind, b""
            at += 1
            if kind == 0 and data[at:at + 1] != b"\0":     # what is not padding is not looked at
                return
            continue
        if at + 1 >= len(data) or data[at + 1] < 2 or at + data[at + 1] > len(data):
            return
        yield kind, data[at + 2:at + data[at + 1]]
        at += data[at + 1]


def _options(read: Callable[[Option], list[Any]], numeric: bool = True) -> Source:
    def source(view: View, candidates: Table) -> Column:
        packets: list[int] = []
        values: list[Any] = []
        column = _option_bytes(view, candidates)
        for packet, data in zip(column.packets.tolist(), column.values, strict=True):
            for option in options_of(data):
                for value in read(option):
                    packets.append(packet)
                    values.append(value)
        return numbers(packets, values) if numeric else objects(packets, values)

    return source


def _number(kind: int, start: int, stop: int, size: int) -> Source:
    """A number in options of one kind and size."""
    def read(option: Option) -> list[int]:
        return [int.from_bytes(option[1][start:stop], "big")] if option[0] == kind and len(option[1]) == size else []

    return _options(read)


def _edges(first: int) -> Source:
    def read(option: Option) -> list[int]:
        kind, data = option
        return [int.from_bytes(data[at:at + 4], "big") for at in range(first, len(data) - 3, 8)] if kind == 5 else []

    found = _options(read)

    def source(view: View, candidates: Table) -> Column:
        column = found(view, candidates)
        return column.having((column.values - view.flows[s.ACK_BASE][column.packets]) & 0xFFFFFFFF)

    return source


def _whole(kind: int) -> Source:
    """Options of one kind, kind and length included."""
    def read(option: Option) -> list[bytes]:
        return [bytes([option[0]]) + (bytes([len(option[1]) + 2]) + option[1] if kind > 1 else b"")] if option[0] == kind else []

    return _options(read, numeric=False)


OPTIONS = {"nop": (1, "no operation"), "mss": (2, "maximum segment size"), "wscale": (3, "window scale"),
           "sack_perm": (4, "SACK permitted"),
           "sack": (5, "selective acknowledgement"), "timestamp": (8, "time stamps")}

_TCP_SRC, _TCP_DST = (plain_port(Kind.TCP, column, at_place("tcp", offset, 2)) for column, offset in ((c.SRC_PORT, 0),
                                                                                                      (c.DST_PORT, 2)))

TCP_FIELDS = [
    Field("tcp", Type.PROTOCOL, "Transmission Control Protocol", protocol_bytes("tcp"), PARSE, protocol_there("tcp")),
    Field("tcp.srcport", Type.NUMBER, "source port", _TCP_SRC, bits=16),
    Field("tcp.dstport", Type.NUMBER, "destination port", _TCP_DST, bits=16),
    Field("tcp.port", Type.NUMBER, "source or destination port", both(_TCP_SRC, _TCP_DST), 2 * GATHER, bits=16),
    *flow_fields("tcp", "TCP connection", TCP),
    Field("tcp.len", Type.NUMBER, "bytes of payload", from_flows(s.ROW_LEN, TCP, 0), COLUMN, bits=32),
    Field("tcp.seq", Type.NUMBER, "sequence number, relative", from_flows(s.REL_SEQ, TCP), COLUMN, bits=32),
    Field("tcp.seq_raw", Type.NUMBER, "sequence number as it was sent", from_table(c.TCP_SEQ, TCP, 0), COLUMN, bits=32),
    Field("tcp.nxtseq", Type.NUMBER, "next sequence number, relative", _next_seq, COLUMN, bits=32),
    Field("tcp.ack", Type.NUMBER, "acknowledgement number, relative", from_flows(s.REL_ACK, TCP), COLUMN, bits=32),
    Field("tcp.ack_raw", Type.NUMBER, "acknowledgement number as it was sent", from_table(c.TCP_ACK, TCP, 0), COLUMN, bits=32),
    Field("tcp.hdr_len", Type.NUMBER, "bytes of the header", at_place("tcp", 12, 1, 0xF0, scale=4), bits=8),
    Field("tcp.flags", Type.NUMBER, "all flags", at_place("tcp", 12, 2, 0x0FFF), bits=16),
    *(Field(f"tcp.flags.{name}", Type.BOOLEAN, meaning, at_place("tcp", 12, 2, mask)) for name, (mask, meaning) in FLAGS.items()),
    Field("tcp.flags.ace", Type.NUMBER, "counter of accurate ECN, where both ends speak it", _ace, COLUMN, bits=8),
    Field("tcp.flags.str", Type.STRING, "the flags as letters: `·······AP···`", _flag_letters, PARSE),
    Field("tcp.window_size_value", Type.NUMBER, "window as it was sent", at_place("tcp", 14, 2), bits=16),
    Field("tcp.window_size", Type.NUMBER, "window, bytes", from_flows(s.WINDOW, TCP, 0), COLUMN, bits=32),
    Field("tcp.checksum", Type.NUMBER, "checksum, as it was sent", at_place("tcp", 16, 2), bits=16),
    Field("tcp.checksum.status", Type.NUMBER, "2: nobody checks it", unverified("tcp", 16), COLUMN, bits=8, names=CHECKSUM),
    Field("tcp.urgent_pointer", Type.NUMBER, "urgent pointer", at_place("tcp", 18, 2), bits=16),
    Field("tcp.payload", Type.BYTES, "the payload", _payload, PARSE),
    Field("tcp.analysis.flags", Type.NONE, "sequence analysis found something", _tagged(MARKS), COLUMN),
    *(Field(f"tcp.analysis.{name}", Type.NONE, meaning, _tagged(int(mark)), COLUMN) for name, (mark,
                                                                                               meaning) in ANALYSIS.items()),
    Field("tcp.analysis.duplicate_ack_num", Type.NUMBER, "how many such acknowledgements there were",
          _duplicate(s.DUP_NUM), COLUMN, bits=32),
    Field("tcp.analysis.duplicate_ack_frame", Type.NUMBER, "packet with the first of them", _duplicate(s.DUP_FRAME),
          COLUMN, bits=32),
    Field("tcp.analysis.ack_rtt", Type.SPAN, "time until what it acknowledges was acknowledged",
          _ack_rtt, COLUMN, trackers=("tcp_analysis",)),
    Field("tcp.analysis.initial_rtt", Type.SPAN, "round trip of the handshake", _handshake, COLUMN,
          trackers=("tcp_connections", "tcp_analysis")),
    Field("tcp.completeness", Type.NUMBER, "what was seen of the connection so far: 1 SYN, 2 SYN+ACK, 4 ACK, 8 data, 16 FIN, 32 RST",
          _completeness, COLUMN, bits=8, trackers=("tcp_connections",)),
    Field("tcp.connection.syn", Type.NONE, "asks for a connection", marked(_connection(0x12, 0x02)), COLUMN),
    Field("tcp.connection.synack", Type.NONE, "accepts a connection", marked(_connection(0x12, 0x12)), COLUMN),
    Field("tcp.connection.fin", Type.NONE, "ends its direction", marked(_connection(0x01, 0x01)), COLUMN),
    Field("tcp.connection.rst", Type.NONE, "resets the connection", marked(_connection(0x04, 0x04)), COLUMN),
    Field("tcp.options", Type.BYTES, "all options", _option_bytes, PARSE),
    Field("tcp.option_kind", Type.NUMBER, "kind of an option", _options(lambda option: [option[0]]), PARSE, bits=8),
    Field("tcp.option_len", Type.NUMBER, "bytes of an option",
          _options(lambda o: [len(o[1]) + 2] if o[0] > 1 else []), PARSE, bits=8),
    *(Field(f"tcp.options.{name}", Type.BYTES, f"option: {meaning}", _whole(kind), PARSE) for name, (kind,
                                                                                                     meaning) in OPTIONS.items()),
    Field("tcp.options.mss_val", Type.NUMBER, "maximum segment size", _number(2, 0, 2, 2), PARSE, bits=16),
    Field("tcp.options.wscale.shift", Type.NUMBER, "window scale, as a power of two", _number(3, 0, 1, 1), PARSE, bits=8),
    Field("tcp.options.wscale.multiplier", Type.NUMBER, "window scale",
          _options(lambda option: [1 << min(option[1][0], 14)] if option[0] == 3 and len(option[1]) == 1 else []),
          PARSE, bits=16),
    Field("tcp.options.sack_le", Type.NUMBER, "left edge of a block that arrived, relative", _edges(0), PARSE, bits=32),
    Field("tcp.options.sack_re", Type.NUMBER, "right edge of it", _edges(4), PARSE, bits=32),
    Field("tcp.options.sack.count", Type.NUMBER, "number of such blocks",
          _options(lambda option: [len(option[1]) // 8] if option[0] == 5 else []), PARSE, bits=8),
    Field("tcp.options.mptcp.subtype", Type.NUMBER, "Multipath TCP: kind of the option",
          _options(lambda option: [option[1][0] >> 4] if option[0] == 30 and option[1] else []), PARSE, bits=8),
    Field("tcp.options.timestamp.tsval", Type.NUMBER, "time stamp", _number(8, 0, 4, 8), PARSE, bits=32),
    Field("tcp.options.timestamp.tsecr", Type.NUMBER, "time stamp that is echoed", _number(8, 4, 8, 8), PARSE, bits=32),
]
