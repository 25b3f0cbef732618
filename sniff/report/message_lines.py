"""`--format jsonl` without --packets: HTTP and DNS as exchanges, when they are over; other application rows as packets."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice

import numpy as np

from sniff.decode.columns import APP_PROTOCOL, Protocol
from sniff.exchange.stage import Joined, Joiner
from sniff.report.cgi_lines import cgi_line
from sniff.report.dns_lines import dns_line
from sniff.report.formats import Options, Sink, Step
from sniff.report.http_lines import HttpLines
from sniff.report.jsonl import PacketLines
from sniff.report.lines import PART_ROWS
from sniff.report.summary import Summary

AS_EXCHANGES = (Protocol.HTTP, Protocol.HTTP_JSON, Protocol.HTTP_XML, Protocol.DNS, Protocol.MDNS, Protocol.LLMNR)
"""Protocols whose rows stand for messages that are part of an exchange."""


class MessageWriter:
    """Writes the application messages of a capture."""

    def __init__(self, sink: Sink, options: Options) -> None:
        self.sink = sink
        self.joiner = Joiner(options.notes, options.counters)
        self.packets = PacketLines()
        self.http = HttpLines()

    def write(self, step: Step) -> None:
        """Write what one step completes: packets, then exchanges."""
        rows = step.rows
        if rows is not None:
            protocol = rows.apps.apps[APP_PROTOCOL][rows.shown]
            for chunk in self.packets.chunks(replace(rows, shown=rows.shown[~np.isin(protocol, AS_EXCHANGES)])):
                self.sink.write(chunk)
        self._write(self.joiner.add(step.apps))
        for data in _blocks(map(cgi_line, step.apps.gateways)):
            self.sink.write(data)

    def end(self, summary: Summary) -> None:
        """Write what was still open."""
        self._write(self.joiner.finish())

    def _write(self, joined: Joined) -> None:
        for data in _blocks(map(dns_line, joined.dns)):
            self.sink.write(data)
        for data in self.http.chunks(joined.http):
            self.sink.write(data)


def _blocks(lines: Iterable[str]) -> Iterator[bytes]:
    """Lines as blocks of bytes, not all of them at once."""
    remaining = iter(lines)
    while block := list(islice(remaining, PART_ROWS)):
        yield "\n".join([*block, ""]).encode("ascii")
