"""Fields of DNS, MDNS and LLMNR messages. A packet has those of every message that it completes."""


import numpy as np

from sniff.capture.raw import view as buffer
from sniff.decode import dns_columns as d
from sniff.decode.columns import Protocol
from sniff.decode.dns_columns import MessageFlag
from sniff.filters import find
from sniff.filters.columns import NOTHING, Column, Texts, joined, numbers, objects
from sniff.filters.field import COLUMN, GATHER, MESSAGE, PARSE, Field, Source
from sniff.filters.fields.dns_rows import places, record_rows, wire_of
from sniff.filters.types import Type
from sniff.filters.view import View
from sniff.packets.batch import Table

_DNS = ("dns",)
SRV, OPT = 33, 41
UPDATE = 5
ROOT = b"<Root>"
BITMAPS = (30, 47, 50, 62)

OPCODES = {"standard query": 0, "inverse query": 1, "server status request": 2, "zone change notification": 4,
           "dynamic update": 5}
RCODES = {"no error": 0, "format error": 1, "server failure": 2, "no such name": 3, "not implemented": 4, "refused": 5}
TYPES = {"a": 1, "ns": 2, "cname": 5, "soa": 6, "ptr": 12, "mx": 15, "txt": 16, "aaaa": 28, "srv": 33, "naptr": 35,
         "ds": 43, "rrsig": 46,
         "nsec": 47, "dnskey": 48, "svcb": 64, "https": 65, "any": 255, "caa": 257}
"""Names of record types that people write: dns.qry.type == "AAAA"."""


def _header(column: int, mask: int = 0, update: bool | None = None) -> Source:
    """A number of the header of every message that has one; update: of dynamic updates (RFC 2136) only, or of all others."""
    shift = (mask & -mask).bit_length() - 1 if mask else 0

    def source(view: View, candidates: Table) -> Column:
        there = view.dns.column(d.D_ID) >= 0
        values = view.dns.column(column)
        if update is not None:
            there &= (view.dns.column(d.D_FLAGS) >> 11 & 15 == UPDATE) == update
        return Column(view.dns_packets[there], (values[there] & mask) >> shift if mask else values[there])

    return source


def _protocol(number: int) -> Source:
    def source(view: View, candidates: Table) -> Column:
        which = view.dns.column(d.D_PROTOCOL) == number
        return Column(view.dns_packets[which], view.dns.column(d.D_LEN)[which])

    return source


def _message_bytes(number: int) -> Source:
    def source(view: View, candidates: Table) -> Column:
        which = np.flatnonzero((view.dns.column(d.D_PROTOCOL) == number) & np.isin(view.dns_packets, candidates))
        return objects(view.dns_packets[which], [view.dns[k].wire for k in which.tolist()])

    return source


def _column(column: int, questions: bool, edns: bool | None = None, mask: int = 0) -> Source:
    """A number of every question or record. edns: only of OPT records, or of all others; mask: bits of it that count."""
    shift = (mask & -mask).bit_length() - 1 if mask else 0

    def source(view: View, candidates: Table) -> Column:
        rows, messages = record_rows(view, candidates, questions)
        records = view.dns.records
        if edns is not None:
            which = (records[rows, d.R_TYPE] == OPT) == edns
            rows, messages = rows[which], messages[which]
        values = records[rows, column]
        if column == d.R_CLASS:       # the upper bit is a flag of mDNS (RFC 6762 section 10.2)
            values[view.dns.column(d.D_PROTOCOL)[messages] == Protocol.MDNS] &= 0x7FFF
        if mask:
            values = (values & mask) >> shift
        return Column(view.dns_packets[messages], values)

    return source


def _names(view: View, rows: Table) -> Texts:
    """The owners of some questions or records, as Wireshark shows them: odd ones are read one by one."""
    messages = view.dns.records[rows, d.R_MESSAGE]
    starts = view.dns.column(d.D_START)[messages]
    stops = starts + view.dns.column(d.D_LEN)[messages]
    at, out, progress = view.dns.records[rows, d.R_OWNER], np.empty((2, len(rows)), np.int64), np.zeros(2, np.int64)
    pool = np.empty(64 * len(rows) + 512, np.uint8)
    while True:
        find.names(buffer(view.dns.data), buffer(starts), buffer(stops), buffer(at), buffer(pool), buffer(out), buffer(progress))
        if progress[0] == len(rows):
            break
        pool = np.concatenate([pool, np.empty_like(pool)])
    others = np.flatnonzero(out[0] == find.ODD)
    if len(others):
        used = int(progress[1])
        root = view.dns.data[starts[others] + at[others]] == 0
        out[0, others[root]], out[1, others[root]] = used, len(ROOT)
        names = [_odd_name(view, int(starts[k]), int(stops[k]), int(at[k])).encode() for k in others[~root].tolist()]
        pool = np.concatenate([pool[:used], np.frombuffer(ROOT + b"".join(names), np.uint8)])
        sizes = np.array([len(name) for name in names], np.int64)
        out[0, others[~root]], out[1, others[~root]] = used + len(ROOT) + np.cumsum(sizes) - sizes, sizes
    return Texts(view.dns_packets[messages], pool, out[0], out[1])


def _odd_name(view: View, start: int, stop: int, at: int) -> str:
    from sniff.filters.fields.dns_reader import Reader, Short
    try:
        return Reader(wire_of(view), start, stop, start, stop).name(start + at)[0]
    except Short:
        return ""


def _question_sizes(view: View, candidates: Table) -> tuple[Table, Table, Table]:
    """(packets, bytes of the names of questions without their escapes, dots in them)."""
    from sniff.filters.fields.dns_reader import Reader, Short
    rows, _ = record_rows(view, candidates, True)
    found = []
    for row, _, base, stop, packet, _ in places(view, rows):
        try:
            name, _ = Reader(wire_of(view), base, stop, base, stop).raw_name(base + int(view.dns.records[row, d.R_OWNER]))
        except Short:
            name = b""
        found.append((packet, len(name), name.count(b".")))
    columns: Table = np.array(found, np.int64).reshape(-1, 3).T
    return columns[0], columns[1], columns[2]


def _question_names(view: View, candidates: Table) -> Column:
    return _names(view, record_rows(view, candidates, True)[0])


def _owners(view: View, candidates: Table) -> Column:
    """The owners of records; of SRV records they are told in parts."""
    rows, _ = record_rows(view, candidates)
    return _names(view, rows[view.dns.records[rows, d.R_TYPE] != SRV])


def _service(part: int) -> Source:
    """A part of the owners of SRV records: _service._proto.name (RFC 2782)."""

    def source(view: View, candidates: Table) -> Column:
        rows, _ = record_rows(view, candidates)
        column = _names(view, rows[view.dns.records[rows, d.R_TYPE] == SRV])
        found = [(packet, parts[part]) for packet, parts in
                 zip(column.packets.tolist(), (name.split(".", 2) for name in column.values), strict=True) if len(parts) > part]
        return objects([packet for packet, _ in found], [text for _, text in found])

    return source


def _question_lengths(view: View, candidates: Table) -> Column:
    packets, sizes, _ = _question_sizes(view, candidates)
    return Column(packets, np.where(sizes > 1, sizes, 0))


def _labels(view: View, candidates: Table) -> Column:
    packets, sizes, dots = _question_sizes(view, candidates)
    return Column(packets, np.where(sizes > 1, dots + 1, 0))


def _types(view: View, candidates: Table) -> Column:
    """Types of records, and those that bitmaps in their data name."""
    column = _column(d.R_TYPE, False)(view, candidates)
    if not np.isin(view.dns.records[:, d.R_TYPE], BITMAPS).any():
        return column
    from sniff.filters.fields.dns_data import of_records
    return joined([column, of_records("resp.type", Type.NUMBER, BITMAPS)(view, candidates)])


def _time(part: int) -> Source:
    def source(view: View, candidates: Table) -> Column:
        found, _ = view.memory["dns_times"]
        rows = sorted(found)
        if rows:
            from sniff.filters.fields.dns_data import broken
            wrong = broken(view)
            rows = [row for row in rows if not wrong[row]]
        return numbers(view.dns_packets[rows] if rows else [], [found[row][part] for row in rows])

    return source


def _again(response: bool, value: bool) -> Source:
    """Messages that were sent again."""

    def source(view: View, candidates: Table) -> Column:
        _, again = view.memory["dns_times"]
        is_response = view.dns.column(d.D_FLAGS) & MessageFlag.RESPONSE != 0
        rows = [row for row in sorted(again) if not value or bool(is_response[row]) == response]
        return numbers(view.dns_packets[rows] if rows else [], [again[row] if value else 1 for row in rows])

    return source


def _again_label(response: bool) -> Source:
    def source(view: View, candidates: Table) -> Column:
        column = _again(response, True)(view, candidates)
        return column.having(np.ones(len(column), np.int64))

    return source


def _high_bit(view: View, candidates: Table) -> Column:
    column = _column(d.R_TTL, False, False)(view, candidates)
    return column.only(column.values & 0x80000000 != 0)


def _extraneous(data: bool) -> Source:
    """How many bytes follow the last record of a message, or which."""

    def source(view: View, candidates: Table) -> Column:
        from sniff.filters.fields.dns_data import left_over
        messages = view.dns.messages
        which = (messages[:, d.D_WIRE] > messages[:, d.D_PARSED]) & (messages[:, d.D_LEN] >= messages[:, d.D_WIRE])
        which &= np.isin(view.dns_packets, candidates)
        left = [(k, size) for k in np.flatnonzero(which).tolist() if (size := left_over(view, k)) > 0]
        packets = view.dns_packets[[k for k, _ in left]] if left else NOTHING
        if not data:
            return numbers(packets, [size for _, size in left])
        wire = wire_of(view)
        ends = [(int(messages[k, d.D_START]), size, messages[k].tolist()) for k, size in left]
        return objects(packets, [wire[start + row[d.D_WIRE] - size:start + row[d.D_LEN]] for start, size, row in ends])

    return source


def _unsolicited(view: View, candidates: Table) -> Column:
    from sniff.filters.fields.dns_data import left_over
    found, again = view.memory["dns_times"]
    flags = view.dns.column(d.D_FLAGS)
    which = (flags & MessageFlag.RESPONSE != 0) & np.isin(view.dns_packets, candidates)
    which[[*found, *again]] = False
    rows = [k for k in np.flatnonzero(which).tolist() if left_over(view, k) >= 0]
    return Column(view.dns_packets[rows] if rows else NOTHING, np.ones(len(rows), np.int64))


def _top_bit(questions: bool) -> Source:
    """The upper bit of the class, in mDNS."""

    def source(view: View, candidates: Table) -> Column:
        rows, messages = record_rows(view, candidates, questions)
        which = view.dns.column(d.D_PROTOCOL)[messages] == Protocol.MDNS
        return Column(view.dns_packets[messages[which]], view.dns.records[rows[which], d.R_CLASS] >> 15)

    return source


def _flag(name: str, bit: int, meaning: str, llmnr: bool = True) -> Field:
    def source(view: View, candidates: Table) -> Column:
        flags = view.dns.column(d.D_FLAGS)
        which = view.dns.column(d.D_ID) >= 0
        if not llmnr:
            which &= view.dns.column(d.D_PROTOCOL) != Protocol.LLMNR
        return Column(view.dns_packets[which], (flags[which] & bit != 0).astype(np.int64))

    return Field(f"dns.flags.{name}", Type.BOOLEAN, meaning, source, COLUMN, trackers=_DNS)


def _llmnr_flag(name: str, bit: int, meaning: str) -> Field:
    """A flag that only LLMNR has (RFC 4795 section 2.1.1)."""

    def source(view: View, candidates: Table) -> Column:
        flags = view.dns.column(d.D_FLAGS)
        which = (view.dns.column(d.D_ID) >= 0) & (view.dns.column(d.D_PROTOCOL) == Protocol.LLMNR)
        return Column(view.dns_packets[which], (flags[which] & bit != 0).astype(np.int64))

    return Field(f"dns.flags.{name}", Type.BOOLEAN, meaning, source, COLUMN, trackers=_DNS)


def _answer_flag(name: str, bit: int, meaning: str) -> Field:
    """A flag that Wireshark shows in responses only."""

    def source(view: View, candidates: Table) -> Column:
        flags = view.dns.column(d.D_FLAGS)
        which = (view.dns.column(d.D_ID) >= 0) & (flags & MessageFlag.RESPONSE != 0)
        which &= view.dns.column(d.D_PROTOCOL) != Protocol.LLMNR
        return Column(view.dns_packets[which], (flags[which] & bit != 0).astype(np.int64))

    return Field(f"dns.flags.{name}", Type.BOOLEAN, meaning, source, COLUMN, trackers=_DNS)


def _authenticated(view: View, candidates: Table) -> Column:
    """Wireshark shows it in responses, and in queries that have it set."""
    flags = view.dns.column(d.D_FLAGS)
    which = (view.dns.column(d.D_ID) >= 0) & (flags & (MessageFlag.RESPONSE | MessageFlag.AUTHENTIC) != 0)
    which &= view.dns.column(d.D_PROTOCOL) != Protocol.LLMNR
    return Column(view.dns_packets[which], (flags[which] & MessageFlag.AUTHENTIC != 0).astype(np.int64))


def _count(name: str, column: int, meaning: str, update: bool | None) -> Field:
    return Field(f"dns.count.{name}", Type.NUMBER, f"{meaning}, as the header says", _header(column, 0, update), COLUMN, bits=16,
                 trackers=_DNS)


def _rcode(view: View, candidates: Table) -> Column:
    flags = view.dns.column(d.D_FLAGS)
    which = (view.dns.column(d.D_ID) >= 0) & (flags & MessageFlag.RESPONSE != 0)
    return Column(view.dns_packets[which], flags[which] & 15)


def _length(view: View, candidates: Table) -> Column:
    which = view.dns.column(d.D_TRANSPORT) == 6
    return Column(view.dns_packets[which], view.dns.column(d.D_WIRE)[which])


def _of(protocol: int, name: str, meaning: str) -> Field:
    return Field(name, Type.PROTOCOL, meaning, _message_bytes(protocol), PARSE, _protocol(protocol), trackers=_DNS)


DNS_FIELDS = [
    _of(Protocol.DNS, "dns", "Domain Name System"),
    _of(Protocol.MDNS, "mdns", "multicast DNS; its fields are those of dns"),
    _of(Protocol.LLMNR, "llmnr", "link-local multicast name resolution; its fields are those of dns"),
    Field("dns.id", Type.NUMBER, "number of query and response", _header(d.D_ID), COLUMN, bits=16, trackers=_DNS),
    Field("dns.length", Type.NUMBER, "bytes of the message, over TCP", _length, COLUMN, bits=16, trackers=_DNS),
    Field("dns.flags", Type.NUMBER, "all flags", _header(d.D_FLAGS), COLUMN, bits=16, trackers=_DNS),
    _flag("response", 0x8000, "is a response"),
    Field("dns.flags.opcode", Type.NUMBER, "what is wanted; 0 is a standard query", _header(d.D_FLAGS, 0x7800), COLUMN, bits=16,
          names=OPCODES, trackers=_DNS),
    _answer_flag("authoritative", 0x0400, "the server knows it first-hand"),
    _llmnr_flag("conflict", 0x0400, "the name is not unique (LLMNR)"),
    _llmnr_flag("tentative", 0x0100, "the name is not known to be unique yet (LLMNR)"),
    _flag("truncated", 0x0200, "did not fit into the packet"),
    _flag("recdesired", 0x0100, "the server shall ask others", llmnr=False),
    _answer_flag("recavail", 0x0080, "the server can ask others"),
    _flag("z", 0x0040, "reserved bit", llmnr=False),
    Field("dns.flags.authenticated", Type.BOOLEAN, "the server checked DNSSEC; in queries: whether it did is of interest", _authenticated,
          COLUMN, trackers=_DNS),
    _flag("checkdisable", 0x0010, "data that DNSSEC rejects are welcome", llmnr=False),
    Field("dns.flags.rcode", Type.NUMBER, "status of a response: 0 no error, 2 server failure, 3 no such name",
          _rcode, COLUMN, bits=16,
          names=RCODES, trackers=_DNS),
    _count("queries", d.D_QUESTIONS, "questions", False), _count("answers", d.D_ANSWERS, "answers", False),
    _count("auth_rr", d.D_AUTHORITY, "authority records", False), _count("add_rr", d.D_ADDITIONAL, "additional records", None),
    _count("zones", d.D_QUESTIONS, "zones of an update", True), _count("prerequisites", d.D_ANSWERS, "prerequisites of an update", True),
    _count("updates", d.D_AUTHORITY, "updates", True),
    Field("dns.count.labels", Type.NUMBER, "labels of the name that is asked for", _labels, PARSE, bits=16, trackers=_DNS),
    Field("dns.qry.name", Type.STRING, "name that is asked for", _question_names, PARSE, trackers=_DNS),
    Field("dns.qry.name.len", Type.NUMBER, "characters of it",
          _question_lengths, PARSE, bits=16, trackers=_DNS),
    Field("dns.qry.type", Type.NUMBER, "type of record that is asked for: 1 or \"A\", 28 or \"AAAA\"",
          _column(d.R_TYPE, True), GATHER, bits=16, names=TYPES, trackers=_DNS),
    Field("dns.qry.class", Type.NUMBER, "class that is asked for", _column(d.R_CLASS, True), GATHER, bits=16,
          names={"in": 1}, trackers=_DNS),
    Field("dns.qry.qu", Type.BOOLEAN, "an answer to this host alone is welcome (mDNS)", _top_bit(True), GATHER, trackers=_DNS),
    Field("dns.resp.name", Type.STRING, "owner of a record", _owners, PARSE, trackers=_DNS),
    Field("dns.resp.type", Type.NUMBER, "type of a record", _types, GATHER, bits=16,
          names=TYPES, trackers=_DNS),
    Field("dns.resp.class", Type.NUMBER, "class of a record", _column(d.R_CLASS, False, False), GATHER, bits=16,
          names={"in": 1}, trackers=_DNS),
    Field("dns.resp.ttl", Type.NUMBER, "seconds a record holds", _column(d.R_TTL, False, False), GATHER, bits=32, trackers=_DNS),
    Field("dns.resp.len", Type.NUMBER, "bytes of the data of a record",
          _column(d.R_LENGTH, False), GATHER, bits=16, trackers=_DNS),
    Field("dns.resp.cache_flush", Type.BOOLEAN, "replaces what was known (mDNS)", _top_bit(False), GATHER, trackers=_DNS),
    Field("dns.rr.udp_payload_size", Type.NUMBER, "bytes of a UDP answer that the sender takes (EDNS)",
          _column(d.R_CLASS, False, True), GATHER, bits=16, trackers=_DNS),
    Field("dns.resp.z.do", Type.BOOLEAN, "DNSSEC records are wanted (EDNS)",
          _column(d.R_TTL, False, True, 0x8000), GATHER, trackers=_DNS),
    Field("dns.resp.ext_rcode", Type.NUMBER, "upper bits of the status (EDNS)", _column(d.R_TTL, False, True, 0xFF000000), GATHER, bits=8,
          trackers=_DNS),
    Field("dns.resp.edns0_version", Type.NUMBER, "version of EDNS", _column(d.R_TTL, False, True, 0x00FF0000), GATHER, bits=8,
          trackers=_DNS),
    Field("dns.resp.z", Type.NUMBER, "flags of EDNS", _column(d.R_TTL, False, True, 0x0000FFFF), GATHER, bits=16, trackers=_DNS),
    Field("dns.resp.z.reserved", Type.NUMBER, "flags of EDNS but DO", _column(d.R_TTL, False, True, 0x7FFF), GATHER, bits=16,
          trackers=_DNS),
    Field("dns.ttl.high_bit_set", Type.NONE, "a TTL that is negative to some (RFC 2181 section 8)", _high_bit, GATHER, trackers=_DNS),
    Field("dns.srv.service", Type.STRING, "_service of an SRV record", _service(0), PARSE, trackers=_DNS),
    Field("dns.srv.proto", Type.STRING, "_proto of an SRV record", _service(1), PARSE, trackers=_DNS),
    Field("dns.srv.name", Type.STRING, "name of an SRV record", _service(2), PARSE, trackers=_DNS),
    Field("dns.extraneous", Type.NONE, "bytes that follow the last record", _extraneous(False), MESSAGE, trackers=_DNS),
    Field("dns.extraneous.length", Type.NUMBER, "how many they are", _extraneous(False), MESSAGE, bits=32, trackers=_DNS),
    Field("dns.extraneous.data", Type.BYTES, "bytes that follow the last record", _extraneous(True), MESSAGE, trackers=_DNS),
    Field("dns.unsolicited", Type.BOOLEAN, "a response to which no query is known", _unsolicited, MESSAGE, trackers=("dns", "dns_times")),
    Field("dns.retransmit_request", Type.NONE, "a query that was sent before", _again_label(False), COLUMN, trackers=("dns", "dns_times")),
    Field("dns.retransmit_response", Type.NONE, "a response that was sent before", _again_label(True), COLUMN,
          trackers=("dns", "dns_times")),
    Field("dns.response_to", Type.NUMBER, "packet of the query that this answers", _time(0), COLUMN, bits=32,
          trackers=("dns", "dns_times")),
    Field("dns.time", Type.SPAN, "time since that query", _time(1), COLUMN, trackers=("dns", "dns_times")),
    Field("dns.retransmission", Type.BOOLEAN, "was sent before", _again(False, False), COLUMN, trackers=("dns", "dns_times")),
    Field("dns.retransmit_request_in", Type.NUMBER, "packet of the same query before", _again(False, True), COLUMN, bits=32,
          trackers=("dns", "dns_times")),
    Field("dns.retransmit_response_in", Type.NUMBER, "packet of the same response before", _again(True, True), COLUMN, bits=32,
          trackers=("dns", "dns_times")),
]
