"""Fields of TCP that tell how a segment stands among others of its connection, and what is odd about its header."""

from collections.abc import Callable

import numpy as np

from sniff.filters.columns import Column, Mask, objects
from sniff.filters.field import COLUMN, PARSE, Field
from sniff.filters.fields import tcp_analysis as a
from sniff.filters.fields.places import Finder, field, headers, where
from sniff.filters.fields.tcp_analysis import value
from sniff.filters.types import Type
from sniff.filters.view import Headers, View
from sniff.packets import columns as c
from sniff.packets.batch import Table
from sniff.packets.columns import Kind

_TCP = headers("tcp")
_STATE = ("tcp_analysis",)


def _only(row: int, wanted: int) -> Callable[[View, Table], Column]:
    def source(view: View, candidates: Table) -> Column:
        packets, values = view.memory["tcp_analysis"]
        return Column(packets, values[row]).only(values[row] == wanted)

    return source


def _whole(view: View, found: Headers) -> Mask:
    return found.at + 20 <= found.stop


def _flagged(view: View, found: Headers, flag: int) -> Mask:
    return view.data[found.at + 13] & flag != 0


def _odd_number(offset: int, size: int, flag: int) -> Finder:
    """Headers with a number that means nothing without its flag."""
    return where(where(_TCP, _whole), lambda view, found: ~_flagged(view, found, flag) & (view.number(found.at + offset, size) != 0))


def _reset_cause(view: View, candidates: Table) -> Column:
    """The words that come with a reset (RFC 9293 section 3.5.3)."""
    table = view.table
    wanted = candidates[(table[c.KIND][candidates] == Kind.TCP) & (table[c.TCP_FLAGS][candidates] & 4 != 0)
                        & (table[c.PAYLOAD_LEN][candidates] > 0)]
    texts = []
    for packet in wanted.tolist():
        start = int(table[c.PAYLOAD, packet])
        texts.append(view.slice(start, start + int(table[c.PAYLOAD_LEN, packet])).partition(b"\0")[0].decode("ascii", "replace"))
    return objects(wanted, texts)


TCP_STATES = [
    Field("tcp.analysis", Type.NONE, "sequence analysis has something to say", value(a.SAID), COLUMN, trackers=_STATE),
    Field("tcp.analysis.acks_frame", Type.NUMBER, "packet that it acknowledges", value(a.ACKS_FRAME), COLUMN, bits=32, trackers=_STATE),
    Field("tcp.analysis.bytes_in_flight", Type.NUMBER, "bytes sent that nobody acknowledged yet", value(a.IN_FLIGHT), COLUMN, bits=32,
          trackers=_STATE),
    Field("tcp.analysis.push_bytes_sent", Type.NUMBER, "bytes sent since the last push flag", value(a.PUSHED), COLUMN, bits=32,
          trackers=_STATE),
    Field("tcp.analysis.rto", Type.SPAN, "time after which it was sent again", value(a.RTO_NS), COLUMN, trackers=_STATE),
    Field("tcp.analysis.rto_frame", Type.NUMBER, "packet since which that time counts", value(a.RTO_FRAME), COLUMN, bits=32,
          trackers=_STATE),
    Field("tcp.window_size_scalefactor", Type.NUMBER, "factor of the window: -1 not known, -2 not used", value(a.SCALE, a.NONE), COLUMN,
          bits=32, trackers=_STATE),
    Field("tcp.connection.fin_active", Type.NONE, "begins to close the connection", _only(a.CLOSES, 1), COLUMN, trackers=_STATE),
    Field("tcp.connection.fin_passive", Type.NONE, "closes the connection after the other end did", _only(a.CLOSES, 2), COLUMN,
          trackers=_STATE),
    field("tcp.ack.nonzero", Type.NONE, "an acknowledgement number without the flag", _odd_number(8, 4, 16)),
    field("tcp.urgent_pointer.non_zero", Type.NONE, "an urgent pointer without the flag", _odd_number(18, 2, 32)),
    field("tcp.bogus_header_length", Type.NONE, "the header says it has less than 20 bytes",
          where(_TCP, lambda view, found: (found.at + 13 <= found.stop) & (view.data[np.minimum(found.at + 12,
                len(view.data) - 1)] < 0x50))),
    field("tcp.checksum.ffff", Type.NONE, "a checksum of 0xffff, which is never right",
          where(where(_TCP, _whole), lambda view, found: view.number(found.at + 16, 2) == 0xFFFF)),
    Field("tcp.reset_cause", Type.STRING, "words that come with a reset", _reset_cause, PARSE),
]
