"""`--dissector tshark`: rows of protocols that sniff does not decode, in tshark's words.

Borrowed are the cells Protocol and Info, of packets that no dissector of ours has looked into: TCP and UDP with something
unknown inside, and what is no TCP, UDP, ICMP, IGMP or ARP. Every other row stays as it is.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from sniff.capture.raw import Interface, RawBatch
from sniff.decode import columns as d
from sniff.decode.columns import PROTOCOLS
from sniff.packets import columns as c
from sniff.packets.columns import Kind
from sniff.report.formats import Step
from sniff.report.info import INFO_BYTES
from sniff.report.lines import escape
from sniff.report.rows import RowBatch

OURS = frozenset(PROTOCOLS) - {"FCGI", "WebSocket", "SSDP"}
"""Protocol cells of what sniff decodes itself. A row that tshark calls so stays ours."""

SUCCESSORS = frozenset({"HTTP2", "WebSocket"})
"""Protocols that take over a connection on which HTTP was spoken: their rows are borrowed where ours say HTTP."""

SEGMENT = "[TCP segment of a reassembled PDU]"
"""How tshark ends the row of a segment whose bytes it waits with; of what, only its dissector knows."""

NAMES = 4_096
"""Different Protocol cells that are borrowed; rows of further ones stay ours."""
NAME_BYTES = 64

UNKNOWN = [int(kind) for kind in (Kind.FRAME, Kind.IP_OTHER, Kind.ETHERNET_OTHER, Kind.IP_MALFORMED)]
_TCP, _UDP = int(d.Protocol.TCP), int(d.Protocol.UDP)
_HTTP = [int(number) for number in (d.Protocol.HTTP, d.Protocol.HTTP_JSON, d.Protocol.HTTP_XML)]


class Lender(Protocol):
    """A tshark that is fed the packets of every batch and gives a row for each (sniff/tshark.py)."""

    words: str

    def feed(self, raw: RawBatch, interfaces: Sequence[Interface]) -> None: ...
    def next_row(self) -> list[str] | None: ...


class BorrowedRows:
    """Gives every batch of rows the words that are borrowed for it.

    interfaces  gives those of the capture as they are known by now

    failed  why nothing is borrowed any more, and from which packet on; "" as long as all is well
    """

    def __init__(self, lender: Lender, interfaces: Callable[[], Sequence[Interface]]) -> None:
        self._lender = lender
        self._interfaces = interfaces
        self._protocols = list(PROTOCOLS)
        self._numbers = {name: number for number, name in enumerate(PROTOCOLS)}
        self._own: list[int] = []
        self.failed = ""

    def rows(self, step: Step) -> RowBatch | None:
        """The rows of one step with borrowed words. Steps are to come in order."""
        rows, raw = step.rows, step.apps.streams.packets.raw
        if rows is None or not len(raw):
            return rows
        found = self._borrow(raw, self._candidates(rows)) if not self.failed else {}
        return self._replaced(rows, found)

    def _candidates(self, rows: RowBatch) -> dict[int, bool]:
        """Indexes of the packets whose words may be borrowed; True where we have words of our own that are about HTTP."""
        kinds, protocol = rows.packets.table[c.KIND], rows.apps.apps[d.APP_PROTOCOL]
        http = (kinds == Kind.TCP) & np.isin(protocol, _HTTP)
        wanted = ((kinds == Kind.TCP) & (protocol == _TCP)) | ((kinds == Kind.UDP) & (protocol == _UDP))
        wanted |= np.isin(kinds, UNKNOWN) | http
        chosen = rows.shown[wanted[rows.shown]]
        return dict(zip(chosen.tolist(), http[chosen].tolist(), strict=True))

    def _borrow(self, raw: RawBatch, wanted: dict[int, bool]) -> dict[int, tuple[str, str]]:
        """{index: (Protocol, Info)} of the packets of a batch that tshark has words for."""
        self._lender.feed(raw, self._interfaces())
        found: dict[int, tuple[str, str]] = {}
        for index in range(len(raw)):
            row = self._lender.next_row()
            if row is None or row[0] != str(raw.first_number + index):
                why = self._lender.words or "its rows are not those of the packets it got"
                self.failed = f"tshark stopped at packet {raw.first_number + index} ({why}); the rows from there on are our own"
                break
            http = wanted.get(index)
            if http is None:
                continue
            if row[4] in SUCCESSORS if http else row[4] not in OURS or (row[4] == "TCP" and row[6].endswith(SEGMENT)):
                found[index] = row[4], row[6]
        return found

    def _replaced(self, rows: RowBatch, found: dict[int, tuple[str, str]]) -> RowBatch:
        """The rows with these cells. Protocol numbers are ours from here on: those of the pipeline go on growing beside us."""
        for name in rows.protocols[len(self._own):]:
            self._own.append(self._number(name))
        table = rows.apps.apps.copy()
        table[d.APP_PROTOCOL] = np.array(self._own, np.int64)[table[d.APP_PROTOCOL]]
        start, length = rows.info_start.copy(), rows.info_len.copy()
        texts, at = [rows.info.tobytes()], len(rows.info)
        for index, (protocol, info) in found.items():
            name = escape(protocol)[:NAME_BYTES]
            if name not in self._numbers and len(self._numbers) >= NAMES:
                continue
            text = escape(info).encode("utf-8", "replace")[:INFO_BYTES].decode("utf-8", "ignore").encode()
            table[d.APP_PROTOCOL, index] = self._number(name)
            start[index], length[index] = at, len(text)
            texts.append(text)
            at += len(text)
        return replace(rows, apps=replace(rows.apps, apps=table), protocols=self._protocols,
                       info=np.frombuffer(b"".join(texts), np.uint8), info_start=start, info_len=length)

    def _number(self, name: str) -> int:
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self._protocols)
            self._protocols.append(name)
        return number
