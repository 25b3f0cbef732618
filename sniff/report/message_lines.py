"""`--format jsonl` without --packets: HTTP and DNS as exchanges, when they are over; other application rows as packets."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice, pairwise

import numpy as np

from sniff import limits
from sniff.decode.cgi import CgiRequest
from sniff.decode.columns import APP_PROTOCOL, HTTP2_ROWS, M_FLAGS, M_LAST_PACKET, M_STORE_OFFSET, MessageFlag, Protocol
from sniff.decode.dns import DnsBatch
from sniff.decode.dns_columns import D_NUMBER, D_TS_NS
from sniff.exchange import http_columns as x
from sniff.exchange.dns import DnsExchange
from sniff.exchange.http import Exchanges
from sniff.exchange.stage import Joined, Joiner
from sniff.packets.columns import NUMBER
from sniff.reassembly import columns as s
from sniff.reassembly.batch import StreamBatch
from sniff.report.cgi_lines import cgi_line, ends_of
from sniff.report.dns_lines import dns_line
from sniff.report.formats import Options, Sink, Step
from sniff.report.http_lines import HttpLines
from sniff.report.jsonl import PacketLines
from sniff.report.lines import PART_ROWS
from sniff.report.process import members, with_members
from sniff.report.summary import Summary

AS_EXCHANGES = (Protocol.HTTP, Protocol.HTTP_JSON, Protocol.HTTP_XML, Protocol.DNS, Protocol.MDNS, Protocol.LLMNR, *HTTP2_ROWS)
"""Protocols whose rows stand for messages that are part of an exchange."""

SIDES = ("client", "server")

TCP = 6
NEVER = 1 << 62
"""The packet with which something is over that only the end of the capture ends."""


class MessageWriter:
    """Writes the application messages of a capture."""

    def __init__(self, sink: Sink, options: Options) -> None:
        self.sink = sink
        self.joiner = Joiner(options.notes, options.counters)
        self.packets = PacketLines(processes=options.processes)
        self.http = HttpLines()
        self.processes = options.processes
        self.chosen = options.chosen
        self._due: list[tuple[list[int], Iterable[bytes | memoryview]]] = []

    def write(self, step: Step) -> None:
        """Write what one step completes, in the order of the packets that completed it, whatever the batches are."""
        rows = step.rows
        if rows is not None:
            protocol = rows.apps.apps[APP_PROTOCOL][rows.shown]
            others = rows.shown[~np.isin(protocol, AS_EXCHANGES)]
            self._put(rows.packets.table[NUMBER, others].tolist(), self.packets.chunks(replace(rows, shown=others)))
        self._join(self.joiner.add(step.apps), step.apps.streams)
        requests = list(filter(self._cgi_shown, step.apps.gateways))
        self._put([request.ended_packet for request in requests], _blocks(map(self._cgi, requests)))
        self._flush()

    def end(self, summary: Summary) -> None:
        """Write what was still open."""
        self._join(self.joiner.finish(), None)
        self._flush()

    def _join(self, joined: Joined, streams: StreamBatch | None) -> None:
        exchanges = joined.http
        lookups = list(joined.dns)
        if self.chosen is not None:
            exchanges = exchanges.select(self.chosen.exchanges(exchanges))
            lookups = list(self.chosen.lookups(joined.dns))
        self._put(_lookups_done(lookups, joined.messages), _blocks(map(self._dns, lookups)))
        self._put(_exchanges_done(exchanges, streams), self._http(exchanges))

    def _http(self, exchanges: Exchanges) -> Iterator[bytes]:
        for data in self.http.chunks(exchanges):
            if self.processes is not None:
                data, exchanges = self._with_processes(data, exchanges)
            yield data

    def _put(self, done: list[int], blocks: Iterable[bytes | memoryview]) -> None:
        """Lines that are due, and the packet with which each of them was."""
        if done:
            self._due.append((done, blocks))

    def _flush(self) -> None:
        due, self._due = self._due, []
        if len(due) == 1 and all(one <= other for one, other in pairwise(due[0][0])):
            for block in due[0][1]:
                self.sink.write(block)
            return
        lines = [line for _done, blocks in due for line in b"".join(blocks).split(b"\n")[:-1]]
        done = [number for numbers, _blocks in due for number in numbers]
        order = sorted(range(len(done)), key=done.__getitem__)
        for start in range(0, len(order), PART_ROWS):
            self.sink.write(b"\n".join([*(lines[index] for index in order[start:start + PART_ROWS]), b""]))

    def _with_processes(self, data: bytes, exchanges: Exchanges) -> tuple[bytes, Exchanges]:
        """The lines of the first of some exchanges with the processes that talk to each other, and the other exchanges."""
        assert self.processes is not None
        lines = data.decode("ascii").split("\n")[:-1]
        for number, (line, exchange) in enumerate(zip(lines, exchanges, strict=False)):
            connection = exchange.connection
            pair = self.processes.of_ends(6, connection.client, connection.client_port, connection.server,
                                          connection.server_port, exchange.messages[-1].row[M_STORE_OFFSET])
            lines[number] = with_members(line, members(pair, SIDES))
        return "\n".join([*lines, ""]).encode("ascii"), exchanges[len(lines):]

    def _cgi_shown(self, request: CgiRequest) -> bool:
        """Whether its first or last packet was chosen, when packets are chosen at all."""
        return self.chosen is None or any(number in self.chosen.packets for number in (request.first_packet, request.last_packet))

    def _cgi(self, request: CgiRequest) -> str:
        line = cgi_line(request)
        if self.processes is None or request.ends is None:
            return line
        return with_members(line, members(self.processes.of_ends(6, *ends_of(request.ends), request.last_offset), SIDES))

    def _dns(self, exchange: DnsExchange) -> str:
        line = dns_line(exchange)
        if self.processes is None:
            return line
        last = exchange.response if exchange.response is not None else exchange.query
        pair = self.processes.of_ends(6 if exchange.transport == "tcp" else 17, exchange.client, exchange.client_port,
                                      exchange.server, exchange.server_port, last.offset if last is not None else 0)
        return with_members(line, members(pair, SIDES))


def _lookups_done(lookups: list[DnsExchange], messages: DnsBatch | None) -> list[int]:
    """The packets with which DNS exchanges were over: that of the response, or the one that showed that none will come."""
    if messages is None:
        return [NEVER] * len(lookups)
    return [one.response.packet if one.response is not None else _too_late(one, messages) for one in lookups]


def _too_late(lookup: DnsExchange, messages: DnsBatch) -> int:
    query = lookup.query
    if query is None:
        return NEVER
    table = messages.messages
    later = np.flatnonzero(table[:, D_TS_NS] - query.ts_ns > limits.DNS_WAIT_NS)
    return int(table[later[0], D_NUMBER]) if len(later) else NEVER


def _exchanges_done(exchanges: Exchanges, streams: StreamBatch | None) -> list[int]:
    """The packets with which HTTP exchanges were over: those of the last byte, or of the end of the connection."""
    rows = exchanges.rows
    if streams is None:
        return [NEVER] * len(rows)
    done = np.maximum(rows[:, x.X_REQUEST + M_LAST_PACKET], rows[:, x.X_RESPONSE + M_LAST_PACKET])
    for index in np.flatnonzero(rows[:, x.X_ODD] & x.INTERIM).tolist():
        done[index] = max(message.last_packet for message in exchanges[index].messages)
    late = (rows[:, x.X_HAS] != x.REQUEST | x.RESPONSE) | (rows[:, x.X_RESPONSE + M_FLAGS] & MessageFlag.STILL_RUNNING != 0)
    if late.any():
        ends = _ends(streams)
        for index in np.flatnonzero(late).tolist():
            done[index] = max(int(done[index]), ends.get(int(rows[index, x.X_STREAM]), 0))
    return done.tolist()


def _ends(streams: StreamBatch) -> dict[int, int]:
    """{stream: the packet with which it ended} of the TCP streams that ended in this batch; NEVER when the capture ended."""
    pieces = streams.pieces[:, streams.pieces[s.P_KIND] == s.Piece.END]
    numbers = streams.packets.table[NUMBER]
    inside = (pieces[s.P_PACKET] >= 0) & (pieces[s.P_PACKET] < len(numbers))
    found = dict.fromkeys(streams.ended[s.F_STREAM, streams.ended[s.F_PROTO] == TCP].tolist(), NEVER)
    return found | dict(zip(pieces[s.P_STREAM, inside].tolist(), numbers[pieces[s.P_PACKET, inside]].tolist(), strict=True))


def _blocks(lines: Iterable[str]) -> Iterator[bytes]:
    """Lines as blocks of bytes, not all of them at once."""
    remaining = iter(lines)
    while block := list(islice(remaining, PART_ROWS)):
        yield "\n".join([*block, ""]).encode("ascii")
