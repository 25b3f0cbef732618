"""Protocols that sniff knows by the rows of their packets, without fields of their own."""

from typing import Any

import numpy as np

from sniff.decode.columns import APP_PROTOCOL, HTTP2_ROWS, Protocol
from sniff.decode.http1_rows import HEAD_KIND, HEAD_PACKET
from sniff.filters.columns import Column
from sniff.filters.field import COLUMN, Field, Source, marked
from sniff.filters.fields.packets import payload
from sniff.filters.heads import WEBSOCKET
from sniff.filters.types import Type
from sniff.filters.view import View
from sniff.packets import columns as c
from sniff.packets.batch import Table
from sniff.packets.columns import Kind


def _row(*numbers: int) -> Source:
    return marked(lambda view: np.isin(view.apps.apps[APP_PROTOCOL], numbers))


def _websocket(view: View, candidates: Table) -> Column:
    """What comes after an upgrade to WebSocket."""
    rows = view.apps.row_messages
    packets = np.union1d(rows[rows[:, HEAD_KIND] == WEBSOCKET][:, HEAD_PACKET],
                         np.flatnonzero(view.apps.apps[APP_PROTOCOL] == Protocol.WEBSOCKET))
    return Column(packets, np.ones(len(packets), np.int64))


def _udp_port(port: int) -> Source:
    def wanted(view: View) -> Any:
        table = view.table
        return (table[c.KIND] == Kind.UDP) & (table[c.PAYLOAD_LEN] > 0) & ((table[c.SRC_PORT] == port) | (table[c.DST_PORT] == port))

    return marked(wanted)


def _payload(view: View, candidates: Table) -> Column:
    kinds = view.table[c.KIND][candidates]
    found = [payload(view, candidates[kinds == kind], kind) for kind in (Kind.TCP, Kind.UDP)]
    from sniff.filters.columns import joined
    return joined(found)


def _of(name: str, meaning: str, present: Source, heads: bool = False) -> Field:
    def source(view: View, candidates: Table) -> Column:
        return _payload(view, np.intersect1d(present(view, candidates).packets, candidates))

    return Field(name, Type.PROTOCOL, meaning, source, COLUMN, present, heads=heads)


ROW_FIELDS = [
    _of("nbns", "NetBIOS name service", _udp_port(137)),
    _of("ssdp", "Simple Service Discovery Protocol", _udp_port(1900)),
    _of("websocket", "WebSocket", _websocket, heads=True),
    _of("http2", "HTTP/2 in the clear", _row(*HTTP2_ROWS)),
    _of("grpc", "gRPC", _row(Protocol.GRPC)),
    _of("fcgi", "FastCGI", _row(Protocol.FASTCGI)),
]
