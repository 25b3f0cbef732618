"""DNS as a stage: the rows of DNS, MDNS and LLMNR packets, and the messages themselves."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sniff import limits
from sniff.capture.raw import Bytes
from sniff.decode import dns_columns as d
from sniff.decode.columns import Protocol
from sniff.decode.dns_message import DnsMessage
from sniff.decode.dns_parse import collect, measure, parse
from sniff.decode.dns_tcp import DnsTcpMessages, DnsTcpRows, Found
from sniff.decode.dns_wire import dns_rows
from sniff.decode.pool import Pool
from sniff.notes import Code, Notes
from sniff.packets import columns as c
from sniff.packets.batch import Table
from sniff.reassembly.batch import StreamBatch

ENDS = (d.D_IP_VERSION, d.D_SRC_HI, d.D_SRC_LO, d.D_SRC_PORT, d.D_DST_HI, d.D_DST_LO, d.D_DST_PORT)
"""Columns of a message that a TCP stream knows (Found.ends)."""

READ = (c.KIND, c.SRC_PORT, c.DST_PORT, c.PAYLOAD, c.PAYLOAD_LEN, c.PAYLOAD_WIRE)
"""Columns of a packet that its row over UDP depends on (dns_wire.py)."""


class DnsRows:
    """Whose rows the packets of each batch are, as far as DNS has a say: fills the apps columns and the pool.

    Run it before decoders of other protocols over TCP: a packet with a Protocol belongs to somebody.
    """

    def __init__(self, counters: limits.Counters) -> None:
        self._tcp = DnsTcpRows(counters)

    def read(self, streams: StreamBatch, apps: Table, pool: Pool, *, udp: bool = True) -> None:
        """Set `apps` for the packets of one batch; texts go to `pool`. Batches are to come in order.

        udp  False: not those over UDP, which need nothing that came before (`write_udp`)
        """
        if udp:
            _write_udp(streams.packets.table, streams.packets.data, apps, pool)
        self._tcp.read(streams, apps, pool)

    @staticmethod
    def write_udp(streams: StreamBatch, apps: Table, pool: Pool, chosen: Table) -> None:
        """Set `apps` for some packets of a batch, as far as they are UDP.

        chosen  int64[k]  indexes
        """
        chosen = chosen[streams.packets.table[c.KIND][chosen] == c.Kind.UDP]
        if len(chosen) == len(streams.packets):
            _write_udp(streams.packets.table, streams.packets.data, apps, pool)
        elif len(chosen):
            some, table = apps.take(chosen, 1), np.zeros((c.COUNT, len(chosen)), np.int64)
            for column in READ:
                table[column] = streams.packets.table[column][chosen]
            _write_udp(table, streams.packets.data, some, pool)
            apps[:, chosen] = some


def _write_udp(table: Table, data: Bytes, apps: Table, pool: Pool) -> None:
    """Set `apps` for the packets of a table that are DNS over UDP, or what looks like it."""
    count = table.shape[1]
    used, at = array("q", [pool.used]), 0
    while at < count:
        at = dns_rows(table, data, at, apps, pool.reserve(1 << 16), used)
        pool.used = used[0]
        if at < count:       # the rest is probably like what is done
            pool.reserve(max(len(pool.data), 5 * used[0] // (4 * at + 4) * (count - at)))


@dataclass(slots=True)
class DnsBatch:
    """The DNS messages of one batch of packets, in the order in which they were complete. See dns_columns.py.

    messages  int64[k, D_COUNT]
    records   int64[r, R_COUNT]  their questions and records
    data      uint8[b]           their bytes; its own copy, so a batch may be kept

    A sequence of DnsMessage, made when asked for.
    """

    messages: Table
    records: Table
    data: Bytes

    def __len__(self) -> int:
        return len(self.messages)

    def __getitem__(self, index: int) -> DnsMessage:
        row = self.messages[index].tolist()
        return DnsMessage(row, self.data[row[d.D_START]:row[d.D_START] + row[d.D_LEN]].tobytes())

    def __iter__(self) -> Iterator[DnsMessage]:
        view = self.data.tobytes()
        for row in self.messages.tolist():
            yield DnsMessage(row, view[row[d.D_START]:row[d.D_START] + row[d.D_LEN]])

    def column(self, number: int) -> Table:
        """int64[k]: one column of the messages by its number in dns_columns.py; a view, not a copy."""
        column: Table = self.messages[:, number]
        return column


class DnsDecoder:
    """The messages of each batch, over UDP and TCP, as columns and bytes.

    notes     gets a row for every message that is malformed
    counters  `dns_given_up` counts TCP streams whose unfinished messages were dropped
    """

    def __init__(self, notes: Notes | None = None, counters: limits.Counters | None = None) -> None:
        self.notes = notes if notes is not None else Notes()
        self._tcp = DnsTcpMessages(counters if counters is not None else limits.Counters())

    def decode(self, streams: StreamBatch) -> DnsBatch:
        """The messages that were complete in this batch. Batches are to come in order; TCP needs their pieces."""
        table = streams.packets.table
        sizes = array("q", [0, 0])
        measure(table, sizes)
        count, size = sizes
        messages: Table = np.empty((count, d.D_COUNT), np.int64)
        data: Bytes = np.empty(size, np.uint8)
        collect(table, streams.table, streams.packets.data, messages, data)
        found = self._tcp.read(streams)
        if found:
            messages, data = _join(messages, data, found, streams)
        batch = parse_messages(messages, data)
        for index in np.flatnonzero(batch.column(d.D_STATE) == d.MessageState.MALFORMED).tolist():
            row = batch.messages[index].tolist()
            offset = row[d.D_OFFSET] + row[d.D_PARSED] if row[d.D_OFFSET] >= 0 else -1
            self.notes.add(Code.DNS_MALFORMED, row[d.D_NUMBER], offset,
                           detail=f"after {row[d.D_PARSED]} of {row[d.D_LEN]} bytes")
        return batch


def parse_messages(messages: Table, data: Bytes) -> DnsBatch:
    """Parse all messages, with as many rows for records as it takes. Of each, the columns up to D_FIRST_NUMBER are known."""
    records: Table = np.empty((4 * len(messages) + 64, d.R_COUNT), np.int64)
    used, at = array("q", [0]), 0
    while at < len(messages):
        at = parse(data, messages, at, records, used)
        if at < len(messages):
            records = np.concatenate([records, np.empty_like(records)])
    return DnsBatch(messages, records[:used[0]], data)


def _join(messages: Table, data: Bytes, found: list[Found], streams: StreamBatch) -> tuple[Table, Bytes]:
    """The messages over UDP and over TCP in one table, by the packets that completed them."""
    packets = streams.packets.table
    more: Table = np.zeros((len(found), d.D_COUNT), np.int64)
    at = len(data)
    for k, one in enumerate(found):
        row, i = more[k], one.packet
        for column, value in zip(ENDS, one.ends, strict=True):
            row[column] = value
        row[d.D_NUMBER], row[d.D_INDEX], row[d.D_TS_NS] = packets[c.NUMBER, i], i, packets[c.TS_NS, i]
        row[d.D_PROTOCOL], row[d.D_TRANSPORT], row[d.D_STREAM] = Protocol.DNS, 6, one.stream
        row[d.D_START], row[d.D_LEN], row[d.D_WIRE] = at, len(one.wire), one.length
        row[d.D_OFFSET], row[d.D_STREAM_OFFSET] = one.offset, one.stream_offset
        row[d.D_FIRST_NUMBER] = one.number
        at += len(one.wire)
    joined = np.concatenate([messages, more])
    order = np.argsort(joined[:, d.D_INDEX], kind="stable")
    tail = np.frombuffer(b"".join(one.wire for one in found), np.uint8)
    return joined[order], np.concatenate([data, tail])
