"""Fields that only sniff has: what exchanges took, how they ended, what is strange."""

from collections.abc import Callable, Iterable
from typing import Any

from sniff.exchange.http import Exchange
from sniff.filters.columns import Column, numbers, objects
from sniff.filters.field import COLUMN, PARSE, Field, Source, from_flows
from sniff.filters.types import Type
from sniff.filters.view import View
from sniff.packets import columns as c
from sniff.packets.batch import Table
from sniff.packets.columns import Kind
from sniff.reassembly import columns as s


def _exchanges(read: Callable[[Exchange], Iterable[Any]], numeric: bool) -> Source:
    """What a function reads in the exchanges that a packet completes."""

    def source(view: View, candidates: Table) -> Column:
        found = [(packet, value) for packet, exchanges in sorted(view.memory["exchanges"].items()) for exchange in exchanges
                 for value in read(exchange)]
        return (numbers if numeric else objects)([packet for packet, _ in found], [value for _, value in found])

    return source


def _phase(name: str) -> Source:
    return _exchanges(lambda exchange: [getattr(exchange.phases, name)], True)


def _notes(view: View, candidates: Table) -> Column:
    """Words of the notes about packets of this batch."""
    known: dict[int, list[str]] | None = view.memory.get("notes")
    if known is None:
        known = view.memory["notes"] = {}
        first = int(view.table[c.NUMBER, 0]) if view.size else 0
        for note in list(view.context.notes):
            if 0 <= note.packet - first < view.size:
                known.setdefault(note.packet - first, []).append(note.code.name.lower())
    wanted = set(candidates.tolist())
    found = [(packet, word) for packet in sorted(known) if packet in wanted for word in known[packet]]
    return objects([packet for packet, _ in found], [word for _, word in found])


def _own(name: str, kind: Type, meaning: str, source: Source, bits: int = 64) -> Field:
    return Field(f"sniff.{name}", kind, meaning, source, COLUMN, bits=bits, trackers=("exchanges",), messages=True)


PHASES = {"dns": "asking DNS for the server", "connect": "connecting", "queue": "waiting for its turn",
          "send": "sending the request",
          "wait": "waiting for the first byte of the response", "receive": "receiving the response", "total": "all of it"}

OWN_FIELDS = [
    *(_own("duration" if phase == "total" else phase, Type.SPAN,
           f"of the HTTP exchange that the packet completes: time for {meaning}", _phase(phase)) for phase,
           meaning in PHASES.items()),
    _own("state", Type.STRING, "how that exchange stands: complete, aborted",
         _exchanges(lambda exchange: [exchange.state.name.lower()], False)),
    _own("url", Type.STRING, "what it asked for, in full; passwords are masked",
         _exchanges(lambda exchange: [exchange.url()], False)),
    _own("retransmissions", Type.NUMBER, "segments sent again while it lasted",
         _exchanges(lambda exchange: [sum(exchange.retransmissions().values())], True)),
    _own("stalls", Type.NUMBER, "times a receive window was closed while it lasted",
         _exchanges(lambda exchange: [sum(exchange.stalls().values())], True)),
    Field("sniff.direction", Type.NUMBER, "0 from the client, 1 from the server", from_flows(s.DIRECTION, (Kind.TCP,
                                                                                                           Kind.UDP), 0), COLUMN,
          bits=8, names={"client": 0, "server": 1}),
    Field("sniff.note", Type.STRING, "what is strange about the packet: tcp_gap, http_malformed, dns_malformed ...",
          _notes, PARSE),
]
