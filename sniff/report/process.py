"""`--process`: which processes talk to each other, beside each row."""

import json
from collections.abc import Iterator

from sniff.capture.owners import Owner
from sniff.exchange.owners import Owners, Side, side_of
from sniff.packets import columns as c
from sniff.packets.columns import Kind
from sniff.reassembly import columns as s
from sniff.report.flow import Flow
from sniff.report.lines import TabsLines, escape
from sniff.report.rows import RowBatch

_ENDS = [c.KIND, c.IP_VERSION, c.SRC_HI, c.SRC_LO, c.SRC_PORT, c.DST_HI, c.DST_LO, c.DST_PORT, c.OFFSET]
_PROTOCOLS = {Kind.TCP: 6, Kind.UDP: 17}

Pair = tuple[Owner | None, Owner | None]
NOBODY: Pair = (None, None)


class Processes:
    """Says who owns the ends of packets, flows and exchanges."""

    def __init__(self, owners: Owners) -> None:
        self.owners = owners

    def of_rows(self, rows: RowBatch) -> list[Pair]:
        """(sender, receiver) of each shown row."""
        shown = rows.shown
        if not self.owners or not len(shown):
            return [NOBODY] * len(shown)
        table = rows.packets.table
        files = rows.packets.raw.source[shown].tolist()
        found = []
        for (kind, version, *ends, offset), file in zip(table[_ENDS][:, shown].T.tolist(), files, strict=True):
            protocol = _PROTOCOLS.get(kind)
            if protocol is None:
                found.append(NOBODY)
                continue
            src_hi, src_lo, src_port, dst_hi, dst_lo, dst_port = ends
            found.append((
                self.owners.at((protocol, version, src_hi, src_lo, src_port, dst_hi, dst_lo, dst_port), offset, file),
                self.owners.at((protocol, version, dst_hi, dst_lo, dst_port, src_hi, src_lo, src_port), offset, file)))
        return found

    def of_flow(self, flow: Flow) -> Pair:
        """(client, server) of a flow."""
        row = flow.row
        one = (row[s.F_CLIENT_HI], row[s.F_CLIENT_LO], row[s.F_CLIENT_PORT])
        other = (row[s.F_SERVER_HI], row[s.F_SERVER_LO], row[s.F_SERVER_PORT])
        head = (flow.protocol, row[s.F_IP_VERSION])
        began = flow.protocol == 6 and not row[s.F_MIDSTREAM]
        return (self.owners.during((*head, *one, *other), flow.first_ns, flow.last_ns, began=began),
                self.owners.during((*head, *other, *one), flow.first_ns, flow.last_ns, began=began))

    def of_ends(self, protocol: int, client: str, client_port: int, server: str, server_port: int, offset: int) -> Pair:
        """(client, server) of what stands at `offset` in the first file."""
        if not self.owners or not client or not server:
            return NOBODY
        side = side_of(protocol, client, client_port, server, server_port)
        return self.owners.at(side, offset), self.owners.at(_turned(side), offset)


def _turned(side: Side) -> Side:
    protocol, version, *one, port, high, low, peer_port = side
    return protocol, version, high, low, peer_port, one[0], one[1], port


def text(pair: Pair) -> str:
    """`curl[1234] → nginx[99]`; empty where nobody is known."""
    one, other = (owner.label if owner is not None else "" for owner in pair)
    return f"{one} → {other}".strip() if one or other else ""


def members(pair: Pair, names: tuple[str, str]) -> str:
    """`,"sniff.process.NAME":{...}` of those that are known, for a JSON object."""
    return "".join(f',"sniff.process.{name}":{json.dumps(owner.facts, separators=(",", ":"))}'
                   for name, owner in zip(names, pair, strict=True) if owner is not None)


def with_members(line: str, more: str) -> str:
    """A JSON object with more members at its end."""
    return f"{line[:-1]}{more}}}" if more else line


class ProcessTabs:
    """Rows as tabs, with one more cell at the end."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._lines = TabsLines()

    def chunks(self, rows: RowBatch) -> Iterator[bytes]:
        """The lines of a batch."""
        texts = iter([escape(text(pair)) for pair in self._processes.of_rows(rows)])
        for chunk in self._lines.chunks(rows):
            lines = bytes(chunk).split(b"\n")[:-1]
            yield b"".join([line + b"\t" + next(texts).encode("utf-8", "replace") + b"\n" for line in lines])
