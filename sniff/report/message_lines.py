"""`--format jsonl` without --packets: HTTP and DNS as exchanges, when they are over; other application rows as packets."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

import numpy as np

from sniff.decode.cgi import CgiRequest
from sniff.decode.columns import APP_PROTOCOL, M_STORE_OFFSET, Protocol
from sniff.exchange.dns import DnsExchange
from sniff.exchange.http import Exchange
from sniff.exchange.stage import Joined, Joiner
from sniff.report.cgi_lines import cgi_line, ends_of
from sniff.report.dns_lines import dns_line
from sniff.report.formats import Options, Sink, Step
from sniff.report.http_lines import HttpLines
from sniff.report.jsonl import PacketLines
from sniff.report.lines import PART_ROWS
from sniff.report.process import members, with_members
from sniff.report.summary import Summary

AS_EXCHANGES = (Protocol.HTTP, Protocol.HTTP_JSON, Protocol.HTTP_XML, Protocol.DNS, Protocol.MDNS, Protocol.LLMNR)
"""Protocols whose rows stand for messages that are part of an exchange."""

SIDES = ("client", "server")


class MessageWriter:
    """Writes the application messages of a capture."""

    def __init__(self, sink: Sink, options: Options) -> None:
        self.sink = sink
        self.joiner = Joiner(options.notes, options.counters)
        self.packets = PacketLines(processes=options.processes)
        self.http = HttpLines()
        self.processes = options.processes
        self.chosen = options.chosen

    def write(self, step: Step) -> None:
        """Write what one step completes: packets, then exchanges."""
        rows = step.rows
        if rows is not None:
            protocol = rows.apps.apps[APP_PROTOCOL][rows.shown]
            for chunk in self.packets.chunks(replace(rows, shown=rows.shown[~np.isin(protocol, AS_EXCHANGES)])):
                self.sink.write(chunk)
        self._write(self.joiner.add(step.apps))
        for data in _blocks(map(self._cgi, filter(self._cgi_shown, step.apps.gateways))):
            self.sink.write(data)

    def end(self, summary: Summary) -> None:
        """Write what was still open."""
        self._write(self.joiner.finish())

    def _write(self, joined: Joined) -> None:
        exchanges = joined.http
        lookups: Iterable[DnsExchange] = joined.dns
        if self.chosen is not None:
            packets = self.chosen.packets
            exchanges = [one for one in exchanges if any(number in packets for message in one.messages
                                                         for number in (message.first_packet, message.head_packet, message.last_packet))]
            lookups = [one for one in lookups if any(message is not None and message.packet in packets
                                                     for message in (one.query, one.response))]
        for data in _blocks(map(self._dns, lookups)):
            self.sink.write(data)
        for data in self.http.chunks(exchanges):
            if self.processes is not None:
                data, exchanges = self._with_processes(data, exchanges)
            self.sink.write(data)

    def _with_processes(self, data: bytes, exchanges: list[Exchange]) -> tuple[bytes, list[Exchange]]:
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


def _blocks(lines: Iterable[str]) -> Iterator[bytes]:
    """Lines as blocks of bytes, not all of them at once."""
    remaining = iter(lines)
    while block := list(islice(remaining, PART_ROWS)):
        yield "\n".join([*block, ""]).encode("ascii")
