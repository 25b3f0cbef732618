"""JSON lines: one object a line, keys are Wireshark's field names.

Numbers are JSON numbers; a time is a JSON number with all its decimals (read it with a decimal type where nanoseconds
matter). Text outside ASCII is escaped, so that a line is safe wherever it is shown. What a packet has no value for has
no key.
"""

from collections.abc import Callable, Iterator
from json.encoder import encode_basestring_ascii as quote

import numpy as np

from sniff.packets import columns as c
from sniff.packets.batch import Table
from sniff.packets.columns import Address, Kind
from sniff.reassembly import columns as s
from sniff.reassembly.columns import Tag
from sniff.report.lines import TabsLines, cells_of, parts_of
from sniff.report.process import Processes, members, with_members
from sniff.report.rows import RowBatch

ANALYSIS_FIELDS = {
    Tag.ZERO_WINDOW_PROBE_ACK: "zero_window_probe_ack", Tag.ZERO_WINDOW: "zero_window",
    Tag.ZERO_WINDOW_PROBE: "zero_window_probe", Tag.DUP_ACK: "duplicate_ack", Tag.KEEP_ALIVE_ACK: "keep_alive_ack",
    Tag.KEEP_ALIVE: "keep_alive", Tag.WINDOW_FULL: "window_full", Tag.WINDOW_UPDATE: "window_update",
    Tag.ACKED_UNSEEN: "ack_lost_segment", Tag.PREVIOUS_LOST: "lost_segment", Tag.OUT_OF_ORDER: "out_of_order",
    Tag.SPURIOUS_RETRANSMISSION: "spurious_retransmission", Tag.FAST_RETRANSMISSION: "fast_retransmission",
    Tag.RETRANSMISSION: "retransmission", Tag.PORTS_REUSED: "reused_ports",
}
"""Marks of sequence analysis: the last part of tcp.analysis.*."""

ADDRESS_FIELDS = {Address.MAC: "eth", Address.IPV4: "ip", Address.IPV6: "ipv6"}

FRAME_FIELDS = (("frame.len", c.WIRELEN), ("frame.cap_len", c.CAPLEN), ("frame.interface_id", c.INTERFACE),
                ("frame.file_off", c.OFFSET))
TCP_PACKET = (("tcp.srcport", c.SRC_PORT), ("tcp.dstport", c.DST_PORT), ("tcp.flags", c.TCP_FLAGS))
TCP_STREAM = (("tcp.stream", s.STREAM), ("tcp.seq", s.REL_SEQ), ("tcp.ack", s.REL_ACK), ("tcp.window_size", s.WINDOW),
              ("tcp.len", s.ROW_LEN))
UDP_PACKET = (("udp.srcport", c.SRC_PORT), ("udp.dstport", c.DST_PORT), ("udp.length", c.UDP_LENGTH))
UDP_STREAM = (("udp.stream", s.STREAM),)

Template = Callable[..., str]


def epoch(ts_ns: int, decimals: int = 9) -> str:
    """A time as a JSON number of seconds, exact: cut, never rounded, to the decimals its capture has; null for -1, none."""
    if decimals < 0:
        return "null"
    seconds, fraction = divmod(abs(ts_ns), 1_000_000_000)
    text = f"{seconds}.{fraction:09d}"[:len(f"{seconds}.") + decimals].removesuffix(".")
    return f"-{text}" if ts_ns < 0 else text


class PacketLines:
    """Turns row batches into JSON lines, one a packet."""

    def __init__(self, lines: TabsLines | None = None, processes: Processes | None = None) -> None:
        self.lines = lines or TabsLines()
        self._processes = processes
        self.analysis: dict[int, str] = {}

    def chunks(self, rows: RowBatch) -> Iterator[bytes]:
        """The lines of a batch."""
        for part in parts_of(rows):
            lines = self._lines(part)
            if self._processes is not None:
                lines = [with_members(line, members(pair, ("src", "dst")))
                         for line, pair in zip(lines, self._processes.of_rows(part), strict=True)]
            yield "\n".join([*lines, ""]).encode("ascii")

    def _lines(self, rows: RowBatch) -> list[str]:
        table, streams = rows.packets.table[:, rows.shown], rows.apps.streams.table[:, rows.shown]
        times = table[c.TS_NS].tolist()
        decimals = rows.decimals[table[c.INTERFACE]].tolist()
        addresses = [ADDRESS_FIELDS.get(Address(kind), "") for kind in table[c.ADDRESS_KIND].tolist()]
        frame = _fields(table, FRAME_FIELDS)
        transport = self._transport(table, streams)
        lines = []
        for i, (number, relative, source, destination, protocol, _, info) in enumerate(cells_of(rows, self.lines)):
            prefix = addresses[i]
            ends = f',"{prefix}.src":{quote(source)},"{prefix}.dst":{quote(destination)}' if prefix else ""
            lines.append(f'{{"frame.number":{number},"frame.time_epoch":{epoch(times[i], decimals[i])},'
                         f'"frame.time_relative":{relative or "null"}{frame[i]}{ends}{transport[i]},'
                         f'"_ws.col.Protocol":{quote(protocol)},"_ws.col.Info":{quote(info)}}}')
        return lines

    def _transport(self, table: Table, streams: Table) -> list[str]:
        """What TCP and UDP say of each packet."""
        texts = [""] * table.shape[1]
        for kind, in_packet, in_stream in ((Kind.TCP, TCP_PACKET, TCP_STREAM), (Kind.UDP, UDP_PACKET, UDP_STREAM)):
            chosen = np.flatnonzero(table[c.KIND] == kind)
            parts = zip(chosen.tolist(), _fields(table[:, chosen], in_packet), _fields(streams[:, chosen], in_stream),
                        streams[s.TAGS, chosen].tolist(), strict=True)
            for i, packet, stream, tags in parts:
                texts[i] = f"{packet}{stream}{self._marks(tags)}"
        return texts

    def _marks(self, tags: int) -> str:
        """`,"tcp.analysis.X":true` for each mark."""
        found = self.analysis.get(tags)
        if found is None:
            found = "".join(f',"tcp.analysis.{name}":true' for tag, name in ANALYSIS_FIELDS.items() if tags & tag)
            self.analysis[tags] = found
        return found


def _fields(table: Table, fields: tuple[tuple[str, int], ...]) -> list[str]:
    """`,"name":value` for each column and packet; a value of -1 is none."""
    template = "".join(f',"{name}":%d' for name, _ in fields)
    columns = table[[number for _, number in fields]]
    if not (columns < 0).any():
        return [template % tuple(values) for values in columns.T.tolist()]
    names = [name for name, _ in fields]
    return ["".join(f',"{name}":{value}' for name, value in zip(names, values, strict=True) if value >= 0)
            for values in columns.T.tolist()]
