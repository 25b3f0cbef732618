"""Row batches for tests of reports, made by hand: no capture and no decoder is needed to draw a row."""

import re
from ipaddress import ip_address
from typing import NamedTuple

import numpy as np

from sniff.capture.raw import RawBatch
from sniff.decode import columns as d
from sniff.decode.batch import AppBatch
from sniff.packets import columns as c
from sniff.packets.batch import PacketBatch
from sniff.reassembly import columns as s
from sniff.reassembly.batch import StreamBatch
from sniff.report.rows import RowBatch

EMPTY = np.empty(0, np.uint8)


class Row(NamedTuple):
    """One row as a person would write it. An address with six pairs is a MAC; without dots and colons it is words."""

    number: int = 1
    ts_ns: int = 0
    source: str = "10.0.0.1"
    destination: str = "10.0.0.2"
    protocol: str = "TCP"
    length: int = 60
    info: str = ""
    interface: int = 0
    tcp_flags: int = 0
    tags: int = 0
    kind: c.Kind = c.Kind.TCP
    ports: tuple[int, int] = (1234, 4321)
    ttl: int = 64


def halves(text: str) -> tuple[int, int, int]:
    """(Address kind, upper half, lower half as they lie in int64)."""
    if not text:
        return c.Address.NONE, 0, 0
    if re.fullmatch("[0-9a-f]{2}(:[0-9a-f]{2}){5}", text):
        return c.Address.MAC, 0, int(text.replace(":", ""), 16)
    try:
        address = ip_address(text)
    except ValueError:
        return c.Address.TEXT, 0, 0
    if address.version == 4:
        return c.Address.IPV4, 0, int(address)
    high, low = divmod(int(address), 1 << 64)
    return c.Address.IPV6, *((half ^ 1 << 63) - (1 << 63) for half in (high, low))


def row_batch(rows, zero_ns=0, decimals=(6,), shown=None, protocols=None) -> RowBatch:
    """A RowBatch that shows these rows."""
    n = len(rows)
    table = np.full((c.COUNT, n), -1, np.int64)
    streams = np.zeros((s.COUNT, n), np.int64)
    apps = np.zeros((d.APP_COUNT, n), np.int64)
    protocols = list(d.PROTOCOLS) if protocols is None else protocols
    words = {}
    for i, row in enumerate(rows):
        kind, *source = halves(row.source)
        _, *destination = halves(row.destination)
        if kind == c.Address.TEXT:
            words[i] = (row.source, row.destination)
        for column, value in ((c.NUMBER, row.number), (c.TS_NS, row.ts_ns), (c.WIRELEN, row.length),
                              (c.CAPLEN, row.length), (c.INTERFACE, row.interface), (c.ADDRESS_KIND, kind),
                              (c.SRC_HI, source[0]),
                              (c.SRC_LO, source[1]), (c.DST_HI, destination[0]), (c.DST_LO, destination[1]),
                              (c.KIND, row.kind), (c.TCP_FLAGS, row.tcp_flags), (c.SRC_PORT, row.ports[0]),
                              (c.DST_PORT, row.ports[1]), (c.TTL, row.ttl), (c.FLAGS, 0), (c.IP_VERSION, 4)):
            table[column, i] = value
        streams[s.TAGS, i] = row.tags
        if row.protocol not in protocols:
            protocols.append(row.protocol)
        apps[d.APP_PROTOCOL, i] = protocols.index(row.protocol)
    infos = [row.info.encode() for row in rows]
    length = np.array([len(info) for info in infos], np.int64)
    none = np.zeros(n, np.int64)
    raw = RawBatch(EMPTY, rows[0].number if rows else 1, none, table[c.CAPLEN], table[c.WIRELEN], table[c.TS_NS],
                   table[c.INTERFACE], none, none, none)
    packets = PacketBatch(raw, EMPTY, table)
    flows = np.empty((s.F_COUNT, 0), np.int64)
    stream_batch = StreamBatch(packets, streams, np.empty((s.P_COUNT, 0), np.int64), EMPTY, flows, flows)
    app_batch = AppBatch(stream_batch, apps, EMPTY, np.empty((d.M_COUNT, 0), np.int64), EMPTY, words)
    return RowBatch(packets, app_batch, protocols, np.frombuffer(b"".join(infos), np.uint8), np.cumsum(length) - length,
                    length, np.arange(n, dtype=np.int64) if shown is None else np.array(shown, np.int64), zero_ns,
                    np.array(decimals, np.int64))
