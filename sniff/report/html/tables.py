"""The tables of the page, in columns: exchanges, packets, connections, lookups, hosts, notes. Everything masked."""

from array import array
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any

from sniff.decode import columns as m
from sniff.decode import fields
from sniff.decode.dns_text import unicode_name
from sniff.exchange.dns import DnsExchange
from sniff.exchange.http import HTTP2_VERSION, Exchange, State
from sniff.notes import Note
from sniff.reassembly import columns as s
from sniff.report.colors import Rule
from sniff.report.flow import Flow
from sniff.report.html.figures import HostFigures
from sniff.report.html.masking import Masker
from sniff.report.summary import NOTE_WORDS

Columns = dict[str, Any]

PATH_CHARACTERS = 4_096
"""Characters of a path that are shown."""

STATES = {state: state.name.lower() for state in State}
ENDS = {
    s.ConnState.S0: "no answer", s.ConnState.REJ: "refused", s.ConnState.SF: "closed", s.ConnState.S1: "open",
    s.ConnState.RSTO: "reset by client", s.ConnState.RSTR: "reset by server", s.ConnState.RSTOS0: "reset by client",
    s.ConnState.RSTRH: "reset by server", s.ConnState.SH: "half open, client closed", s.ConnState.SHR: "half open, server closed",
    s.ConnState.S2: "client closed", s.ConnState.S3: "server closed", s.ConnState.OTH: "joined midway",
}
"""How connections ended, in words."""


class Words:
    """Texts that come again and again, by number."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """The number of a text; a new one for a new text."""
        found = self._numbers.get(text)
        if found is None:
            found = self._numbers[text] = len(self.texts)
            self.texts.append(text)
        return found


def exchange_columns(kept: Sequence[tuple[Exchange, int]], zero_ns: int, masker: Masker) -> Columns:
    """The rows of the exchanges: where each is, what it asked for, how it ended, and its nine moments."""
    methods, hosts, types, schemes, addresses = Words(), Words(), Words(), Words(), Words()
    rows: list[tuple[Any, ...]] = []
    events: dict[int, list[list[int]]] = {}
    for place, (exchange, why) in enumerate(kept):
        request, response = exchange.request, exchange.response
        moments = exchange.moments
        url = masker.url(exchange.url(masker.secrets)) if request is not None else ""
        scheme, separator, rest = url.partition("://")
        if not separator:
            scheme, rest = "", url
        cut = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
        if request is None:
            host = masker.address(exchange.connection.server)
        else:
            host = rest[:cut].rpartition("@")[2]
        first = exchange.messages[0]
        steps = [later - earlier for earlier, later in pairwise(moments)]
        media_type = response.media_type if response is not None else ""
        flags = exchange.inferred | (any(event.kind == 0 for event in exchange.events) << 1) \
            | (any(event.kind == 1 for event in exchange.events) << 2) \
            | (any(message.gap_bytes for message in exchange.messages) << 3) | ((request is None) << 4) \
            | ((first.row[m.M_VERSION] == HTTP2_VERSION) << 5)
        rows.append((exchange.number, first.first_packet, max(message.last_packet for message in exchange.messages),
                     exchange.stream, moments[0] - zero_ns, *steps,
                     methods.number(masker.text(fields.text(request.method)[:64]) if request is not None else ""),
                     hosts.number(host[:300]), schemes.number(scheme), rest[cut:][:PATH_CHARACTERS], exchange.status,
                     exchange.state.value, types.number(masker.text(media_type[:100])),
                     request.row[m.M_BODY_LEN] if request is not None else -1,
                     response.row[m.M_BODY_LEN] if response is not None else -1,
                     request.row[m.M_HEAD_LEN] if request is not None else 0,
                     response.row[m.M_HEAD_LEN] if response is not None else 0, flags, why,
                     exchange.connection.client_port, exchange.connection.server_port,
                     addresses.number(masker.address(exchange.connection.client)),
                     addresses.number(masker.address(exchange.connection.server))))
        if exchange.events:
            events[place] = [[event.ts_ns - moments[0], event.packet, int(event.kind), event.direction]
                             for event in exchange.events[:200]]
    names = ("number", "first", "last", "stream", "start", *(f"d{step}" for step in range(8)), "method", "host", "scheme", "path",
             "status", "state", "type", "qbytes", "rbytes", "qhead", "rhead", "flags", "why", "port", "sport", "client", "server")
    return columns_of(names, rows) | {"addresses": addresses.texts, "methods": methods.texts, "hosts": hosts.texts,
                                      "schemes": schemes.texts, "types": types.texts, "events": events}


def columns_of(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Columns:
    """{name: column}."""
    if not rows:
        return {name: [] for name in names}
    return {name: list(column) for name, column in zip(names, zip(*rows, strict=True), strict=True)}


class PacketColumns:
    """The rows of packets, batch by batch."""

    NAMES = ("no", "t", "src", "dst", "protocol", "length", "info", "rule", "stream", "dir")

    def __init__(self, masker: Masker, zero_ns: int) -> None:
        self._masker = masker
        self._zero_ns = zero_ns
        self._addresses, self._protocols = Words(), Words()
        self._info: list[str] = []
        self._columns = {name: array("q") for name in self.NAMES if name != "info"}     # there may be hundreds of thousands

    def __len__(self) -> int:
        return len(self._info)

    def add(self, cells: Iterable[Sequence[str]], times: Sequence[int], rules: Sequence[int], streams: Sequence[int],
            directions: Sequence[int]) -> None:
        """Some rows: their cells, and what else is known of each. `streams` is -1 for packets without one; UDP's are shifted."""
        columns = self._columns
        address, protocol = self._addresses.number, self._protocols.number
        numbers, _, sources, destinations, protocols, lengths, info = zip(*cells, strict=True)
        for name, values in (
                ("no", map(int, numbers)), ("t", [ts_ns - self._zero_ns for ts_ns in times]), ("src", map(address, sources)),
                ("dst", map(address, destinations)), ("protocol", map(protocol, protocols)), ("length", map(int, lengths)),
                ("rule", rules), ("stream", streams), ("dir", directions)):
            columns[name].extend(values)
        self._info += info

    def columns(self) -> Columns:
        """All of them, masked."""
        masker = self._masker
        found = {name: [masker.row(info) for info in self._info] if name == "info" else self._columns[name].tolist() for name in self.NAMES}
        return found | {"addresses": [masker.name(text) for text in self._addresses.texts],
                        "protocols": [masker.text(text) for text in self._protocols.texts]}


def rule_names() -> list[str]:
    """The names of Wireshark's rules, as the page says them."""
    words = {Rule.BAD_TCP: "Bad TCP", Rule.ICMP_ERROR: "ICMP errors", Rule.ARP: "ARP", Rule.ICMP: "ICMP", Rule.TCP_RST: "TCP RST",
             Rule.TTL: "TTL low or unexpected", Rule.SMB: "SMB", Rule.HTTP: "HTTP", Rule.DCERPC: "DCERPC", Rule.ROUTING: "Routing",
             Rule.TCP_SYN_FIN: "TCP SYN/FIN", Rule.TCP: "TCP", Rule.UDP: "UDP", Rule.BROADCAST: "Broadcast", Rule.NONE: ""}
    return [words[rule] for rule in Rule]


def flow_columns(kept: Sequence[tuple[list[int], int]], zero_ns: int, name_of: Callable[[str, str, int], str],
                 masker: Masker) -> Columns:
    """The rows of connections. name_of(client, server, ns): the name by which the client knew the server."""
    words = Words()
    rows: list[tuple[Any, ...]] = []
    for row, why in kept:
        flow = Flow(row)
        client, server = flow.addresses
        tcp = flow.protocol == 6
        payload = flow.pair(s.F_PAYLOAD) if tcp else flow.sent
        retransmissions = flow.pair(s.F_RETRANSMISSIONS) if tcp else (0, 0)
        rows.append((
            flow.stream, int(tcp), words.number(masker.address(client)), flow.ports[0], words.number(masker.address(server)),
            flow.ports[1], words.number(masker.name(name_of(client, server, flow.last_ns))), flow.first_ns - zero_ns,
            flow.duration_ns, *flow.pair(s.F_PACKETS), *payload, *flow.pair(s.F_WIRE_BYTES), *retransmissions,
            sum(flow.pair(s.F_MISSING)) if tcp else 0, sum(flow.pair(s.F_ZERO_WINDOWS)) if tcp else 0,
            sum(flow.pair(s.F_STALL_NS)) if tcp else 0, flow.handshake_ns if tcp else -1, flow.round_trip_ns if tcp else -1,
            words.number(ENDS[flow.state] if tcp else "two-way" if min(flow.pair(s.F_PACKETS)) else "one-way"),
            row[s.F_FIRST_PACKET], row[s.F_LAST_PACKET], why))
    names = ("stream", "tcp", "client", "cport", "server", "sport", "name", "start", "duration", "cpackets", "spackets", "cbytes",
             "sbytes", "cwire", "swire", "cretrans", "sretrans", "missing", "zero", "stall", "handshake", "rtt", "end", "first",
             "last", "why")
    return columns_of(names, rows) | {"words": words.texts}


def lookup_columns(kept: Sequence[tuple[DnsExchange, int]], zero_ns: int, masker: Masker) -> Columns:
    """The rows of DNS lookups."""
    words = Words()
    rows: list[tuple[Any, ...]] = []
    for lookup, why in kept:
        query, response = lookup.query, lookup.response
        first = query if query is not None else response
        assert first is not None
        answers = ", ".join(lookup.answers[:50])
        rows.append((
            first.packet, response.packet if response is not None else 0, first.ts_ns - zero_ns, lookup.time_ns,
            words.number(masker.address(lookup.client)), words.number(masker.address(lookup.server)),
            masker.name(unicode_name(lookup.name)[:300]), words.number(lookup.type),
            words.number(lookup.status or lookup.state.name.lower()), masker.text(answers[:2000]), lookup.retries,
            words.number(lookup.protocol), words.number(lookup.transport), lookup.stream, int(lookup.is_error), lookup.state.value, why))
    names = ("query", "response", "t", "time", "client", "server", "name", "type", "status", "answers", "retries", "protocol",
             "transport", "stream", "error", "state", "why")
    return columns_of(names, rows) | {"words": words.texts}


def host_rows(hosts: dict[bytes, HostFigures], most: int, masker: Masker) -> list[list[Any]]:
    """[name, requests, errors, bytes, total ns, waiting ns, slowest ns] of HTTP servers, the busiest first."""
    busiest = sorted(hosts.items(), key=lambda item: (-item[1].requests, item[0]))[:most]
    return [[masker.name(fields.text(name)[:300]) or "others", one.requests, one.errors, one.bytes, one.total_ns, one.wait_ns,
             one.slowest_ns] for name, one in busiest]


def note_rows(notes: Iterable[Note], most: int, masker: Masker) -> list[list[Any]]:
    """[words, packet, offset, needed, had, detail] of the notes."""
    found: list[list[Any]] = []
    for note in notes:
        if len(found) == most:
            break
        found.append([NOTE_WORDS.get(note.code, note.code.name.replace("_", " ").lower()), note.packet, note.offset, note.needed,
                      note.had, masker.row(note.detail)[:1000]])
    return found
