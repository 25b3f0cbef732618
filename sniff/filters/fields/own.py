"""Fields that only sniff has: what exchanges took, how they ended, what is strange."""

from collections.abc import Callable, Iterable
from typing import Any

from sniff.capture.owners import Owner
from sniff.exchange.http import Exchange
from sniff.exchange.owners import Owners
from sniff.filters.columns import Column, numbers, objects
from sniff.filters.field import COLUMN, MESSAGE, PARSE, Field, Source, from_flows
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


_ENDS = [c.KIND, c.IP_VERSION, c.SRC_HI, c.SRC_LO, c.SRC_PORT, c.DST_HI, c.DST_LO, c.DST_PORT, c.OFFSET]


def _processes(read: Callable[[Owner], Iterable[Any]], numeric: bool) -> Source:
    """What a function reads in the processes that sent and get a packet, as far as the capture knows them."""

    def source(view: View, candidates: Table) -> Column:
        owners: Owners = view.memory["processes"]
        packets: list[int] = []
        values: list[Any] = []
        files = view.packets.raw.source[candidates].tolist()
        rows = view.table[_ENDS][:, candidates].T.tolist() if owners else []
        for packet, (kind, version, *ends, offset), file in zip(candidates.tolist(), rows, files, strict=False):
            protocol = 6 if kind == Kind.TCP else 17
            if kind not in (Kind.TCP, Kind.UDP):
                continue
            one, other = tuple(ends[:3]), tuple(ends[3:])
            for side in ((protocol, version, *one, *other), (protocol, version, *other, *one)):
                owner = owners.at(side, offset, file)
                for value in read(owner) if owner is not None else ():
                    packets.append(packet)
                    values.append(value)
        return (numbers if numeric else objects)(packets, values)

    return source


def _own(name: str, kind: Type, meaning: str, source: Source, bits: int = 64) -> Field:
    return Field(f"sniff.{name}", kind, meaning, source, COLUMN, bits=bits, trackers=("exchanges",), messages=True)


PHASES = {"dns": "asking DNS for the server", "connect": "connecting", "queue": "waiting for its turn",
          "send": "sending the request",
          "wait": "waiting for the first byte of the response", "receive": "receiving the response", "total": "all of it"}

OWN_FIELDS = [
    *(_own("duration" if phase == "total" else phase, Type.SPAN,
           f"HTTP exchange that it completes: time for {meaning}", _phase(phase)) for phase,
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
    Field("sniff.process", Type.STRING, "name of a process that sent or gets the packet (sniff live --process)",
          _processes(lambda owner: [owner.name] if owner.name else [], False), MESSAGE, trackers=("processes",)),
    Field("sniff.process.command", Type.STRING, "its command line",
          _processes(lambda owner: [" ".join(owner.command)] if owner.command else [], False), MESSAGE, trackers=("processes",)),
    Field("sniff.process.pid", Type.NUMBER, "its number", _processes(lambda owner: owner.pids, True), MESSAGE,
          bits=32, trackers=("processes",)),
    Field("sniff.process.user", Type.STRING, "whose it is",
          _processes(lambda owner: [owner.user] if owner.user else [], False), MESSAGE,
          trackers=("processes",)),
    Field("sniff.note", Type.STRING, "what is strange about the packet: tcp_gap, http_malformed, dns_malformed ...",
          _notes, PARSE),
]
