"""Fields of DNS, MDNS and LLMNR messages. A packet has those of every message that it completes."""

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import numpy as np

from sniff.capture.raw import view as buffer
from sniff.decode import dns_columns as d
from sniff.decode.columns import Protocol
from sniff.decode.dns_columns import MessageFlag
from sniff.decode.dns_fields import LAYOUTS
from sniff.decode.dns_message import DnsMessage, Record, read_options
from sniff.decode.dns_text import read_name
from sniff.filters import find
from sniff.filters.columns import Column, Texts, numbers, objects
from sniff.filters.field import COLUMN, GATHER, MESSAGE, PARSE, Field, Source
from sniff.filters.types import Type
from sniff.filters.view import View
from sniff.packets.batch import Table

_DNS = ("dns",)
OPT = 41

OPCODES = {"standard query": 0, "inverse query": 1, "server status request": 2, "zone change notification": 4,
           "dynamic update": 5}
RCODES = {"no error": 0, "format error": 1, "server failure": 2, "no such name": 3, "not implemented": 4, "refused": 5}
TYPES = {"a": 1, "ns": 2, "cname": 5, "soa": 6, "ptr": 12, "mx": 15, "txt": 16, "aaaa": 28, "srv": 33, "naptr": 35,
         "ds": 43, "rrsig": 46,
         "nsec": 47, "dnskey": 48, "svcb": 64, "https": 65, "any": 255, "caa": 257}
"""Names of record types that people write: dns.qry.type == "AAAA"."""


def _header(column: int, mask: int = 0, least: int = 0) -> Source:
    """A number of the header of every message that has one."""
    shift = (mask & -mask).bit_length() - 1 if mask else 0

    def source(view: View, candidates: Table) -> Column:
        there = view.dns.column(d.D_ID) >= 0
        values = view.dns.column(column)
        there &= values >= least
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


def messages(view: View, candidates: Table) -> Iterable[tuple[int, int, DnsMessage]]:
    """(packet, row, message) of those that the candidates complete; each is made once a batch."""
    made: dict[int, DnsMessage] = view.memory.setdefault("dns_messages", {})
    wanted = np.flatnonzero(np.isin(view.dns_packets, candidates))
    for row, packet in zip(wanted.tolist(), view.dns_packets[wanted].tolist(), strict=True):
        message = made.get(row)
        if message is None:
            message = made[row] = view.dns[row]
        yield packet, row, message


def _each(read: Callable[[DnsMessage], Iterable[Any]], numeric: bool) -> Source:
    """What a function reads in every message."""

    def source(view: View, candidates: Table) -> Column:
        found = [(packet, value) for packet, _, message in messages(view, candidates) for value in read(message)]
        packets = [packet for packet, _ in found]
        return (numbers if numeric else objects)(packets, [value for _, value in found])

    return source


def _records(read: Callable[[Record], Iterable[Any]], numeric: bool) -> Source:
    return _each(lambda message: [value for record in message.records for value in read(record)], numeric)


def _name(name: str) -> str:
    return name if name != "." else "<Root>"


def _rows(view: View, candidates: Table, questions: bool) -> tuple[Table, Table]:
    """(int64[r], int64[r]): which rows of the batch's records are the questions, or all other records, of the messages that the
    candidates complete; and the message of each."""
    records = view.dns.records
    messages = records[:, d.R_MESSAGE]
    wanted = (records[:, d.R_SECTION] == d.Section.QUESTION) == questions
    if len(candidates) < view.size:
        asked = np.zeros(view.size, np.bool_)
        asked[candidates] = True
        wanted &= asked[view.dns_packets][messages]
    rows = np.flatnonzero(wanted)
    return rows, messages[rows]


def _column(column: int, questions: bool, edns: bool | None = None, mask: int = 0) -> Source:
    """A number of every question or record. edns: only of OPT records, or of all others; mask: bits of it that count."""
    shift = (mask & -mask).bit_length() - 1 if mask else 0

    def source(view: View, candidates: Table) -> Column:
        rows, messages = _rows(view, candidates, questions)
        records = view.dns.records
        if edns is not None:
            which = (records[rows, d.R_TYPE] == OPT) == edns
            rows, messages = rows[which], messages[which]
        values = records[rows, column]
        if column == d.R_CLASS and not edns:       # the upper bit is a flag of mDNS (RFC 6762 section 10.2)
            mdns = (view.dns.column(d.D_PROTOCOL)[messages] == Protocol.MDNS) & (records[rows, d.R_TYPE] != OPT)
            values[mdns] &= 0x7FFF
        if mask:
            values = (values & mask) >> shift
        return Column(view.dns_packets[messages], values)

    return source


def _names(questions: bool) -> Source:
    """The names of questions or records: odd ones are read one by one."""

    def source(view: View, candidates: Table) -> Column:
        rows, messages = _rows(view, candidates, questions)
        data = view.dns.data
        starts = view.dns.column(d.D_START)[messages]
        stops = starts + view.dns.column(d.D_LEN)[messages]
        at, out, progress = view.dns.records[rows, d.R_OWNER], np.empty((2, len(rows)), np.int64), np.zeros(2, np.int64)
        pool = np.empty(64 * len(rows) + 512, np.uint8)
        while True:
            find.names(buffer(data), buffer(starts), buffer(stops), buffer(at), buffer(pool), buffer(out), buffer(progress))
            if progress[0] == len(rows):
                break
            pool = np.concatenate([pool, np.empty_like(pool)])
        odd = [(k, _name(read_name(data[starts[k]:stops[k]].tobytes(), int(at[k]))[0]).encode())
               for k in np.flatnonzero(out[0] == find.ODD).tolist()]
        for k, name in odd:
            out[:, k] = progress[1], len(name)
            progress[1] += len(name)
        if odd:
            used = int(progress[1]) - sum(len(name) for _, name in odd)
            pool = np.concatenate([pool[:used], np.frombuffer(b"".join(name for _, name in odd), np.uint8)])
        return Texts(view.dns_packets[messages], pool, out[0], out[1])

    return source


def _data(field: str, form: str) -> Source:
    """A field of the data of records."""

    def values(record: Record) -> Iterable[Any]:
        if record.type not in kinds:
            return ()
        found = record.fields.get(field)
        if found is None:
            return ()
        return [shaped(value) for value in (found if isinstance(found, list) else [found])]

    kinds = {kind for kind, layout in LAYOUTS.items() if any("dns." + name == field for name, _ in layout)}
    shaped: Callable[[Any], Any] = str
    if form == "ip4":
        shaped = lambda value: int(IPv4Address(value))      # noqa: E731
    elif form == "ip6":
        return _ipv6(values)
    elif form.isdigit():
        shaped = int
    elif form in ("rest", "bytes", "block"):
        shaped = bytes
    elif form == "name":
        shaped = _name
    elif form == "mac":
        shaped = lambda value: int(value.replace(":", ""), 16)  # noqa: E731
    return _records(values, form == "ip4" or form.isdigit() or form == "mac")


def _ipv6(values: Callable[[Record], Iterable[Any]]) -> Source:
    def source(view: View, candidates: Table) -> Column:
        texts = _records(values, False)(view, candidates)
        halves = np.zeros((len(texts), 2), np.uint64)
        for row, text in zip(halves, texts.values.tolist(), strict=True):
            number = int(IPv6Address(text))
            row[:] = number >> 64, number & (1 << 64) - 1
        return texts.having(halves)

    return source


FORMS = {"name": Type.STRING, "string": Type.STRING, "strings": Type.STRING, "text": Type.STRING, "ip4": Type.IPV4,
         "ip6": Type.IPV6,
         "rest": Type.BYTES, "bytes": Type.BYTES, "block": Type.BYTES}
"""Types of record data by their form (decode/dns_fields.py); forms that are not here are not fields."""

STRANGE = {"rrsig.signature_expiration", "rrsig.signature_inception", "tkey.signature_inception", "tkey.signature_expiration",
           "tsig.time_signed", "tsig.mac", "wks.bits", "caa.value", "caa.tag"}
"""Fields that are something else in Wireshark than their form says."""


def _data_fields() -> list[Field]:
    fields: dict[str, Field] = {}
    for layout in LAYOUTS.values():
        for name, form in layout:
            kind = FORMS.get(form, Type.NUMBER if form.isdigit() else None)
            if kind is None or name in STRANGE or f"dns.{name}" in fields:
                continue
            bits = 8 * int(form) if form.isdigit() else 64
            meaning = MEANINGS.get(name, f"of {name.split('.')[0].upper()} records: {name.split('.')[-1].replace('_', ' ')}")
            fields[f"dns.{name}"] = Field(f"dns.{name}", kind, meaning, _data(f"dns.{name}", form), MESSAGE,
                                          bits=bits, trackers=_DNS)
    return list(fields.values())


MEANINGS = {"a": "address in A records", "aaaa": "address in AAAA records", "cname": "name in CNAME records",
            "ns": "name server in NS records",
            "ptr.domain_name": "name in PTR records", "txt": "texts in TXT records"}


def _time(part: int) -> Source:
    def source(view: View, candidates: Table) -> Column:
        found, _ = view.memory["dns_times"]
        rows = sorted(found)
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


def _edns(read: Callable[[int, bytes], Any], numeric: bool) -> Source:
    """What a function reads in every option of an OPT record (RFC 6891 section 6.1.2); None counts as nothing."""
    def values(record: Record) -> Iterable[Any]:
        if record.type != OPT:
            return ()
        data = record.data.wire[record.data.start:record.data.end]
        return [value for option in read_options(data) if (value := read(option.code, option.data)) is not None]

    return _records(values, numeric)


def _qu(view: View, candidates: Table) -> Column:
    mdns = _each(lambda m: [int(q.qu) for q in m.questions] if m.protocol == "MDNS" else [], True)
    return mdns(view, candidates)


def _label_count(message: DnsMessage) -> list[int]:
    return [len(question.name.split(".")) if question.name else 0 for question in message.questions]


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
    _flag("recdesired", 0x0100, "the server shall ask others"),
    _answer_flag("recavail", 0x0080, "the server can ask others"),
    _flag("z", 0x0040, "reserved bit", llmnr=False),
    _answer_flag("authenticated", 0x0020, "the server checked DNSSEC"),
    _flag("checkdisable", 0x0010, "data that DNSSEC rejects are welcome"),
    Field("dns.flags.rcode", Type.NUMBER, "status of a response: 0 no error, 2 server failure, 3 no such name",
          _rcode, COLUMN, bits=16,
          names=RCODES, trackers=_DNS),
    Field("dns.count.queries", Type.NUMBER, "questions, as the header says", _header(d.D_QUESTIONS), COLUMN, bits=16,
          trackers=_DNS),
    Field("dns.count.answers", Type.NUMBER, "answers, as the header says", _header(d.D_ANSWERS), COLUMN, bits=16, trackers=_DNS),
    Field("dns.count.auth_rr", Type.NUMBER, "authority records, as the header says", _header(d.D_AUTHORITY), COLUMN,
          bits=16, trackers=_DNS),
    Field("dns.count.add_rr", Type.NUMBER, "additional records, as the header says", _header(d.D_ADDITIONAL), COLUMN,
          bits=16, trackers=_DNS),
    Field("dns.count.labels", Type.NUMBER, "labels of the name that is asked for", _each(_label_count, True),
          MESSAGE, bits=16, trackers=_DNS),
    Field("dns.qry.name", Type.STRING, "name that is asked for", _names(True), PARSE, trackers=_DNS),
    Field("dns.qry.name.len", Type.NUMBER, "characters of it",
          _each(lambda m: [len(_name(q.name)) for q in m.questions], True), MESSAGE,
          bits=16, trackers=_DNS),
    Field("dns.qry.type", Type.NUMBER, "type of record that is asked for: 1 or \"A\", 28 or \"AAAA\"",
          _column(d.R_TYPE, True), GATHER, bits=16, names=TYPES, trackers=_DNS),
    Field("dns.qry.class", Type.NUMBER, "class that is asked for", _column(d.R_CLASS, True), GATHER, bits=16,
          names={"in": 1}, trackers=_DNS),
    Field("dns.qry.qu", Type.BOOLEAN, "an answer to this host alone is welcome (mDNS)", _qu, MESSAGE, trackers=_DNS),
    Field("dns.resp.name", Type.STRING, "owner of a record", _names(False), PARSE, trackers=_DNS),
    Field("dns.resp.type", Type.NUMBER, "type of a record", _column(d.R_TYPE, False), GATHER, bits=16,
          names=TYPES, trackers=_DNS),
    Field("dns.resp.class", Type.NUMBER, "class of a record", _column(d.R_CLASS, False, False), GATHER, bits=16,
          names={"in": 1}, trackers=_DNS),
    Field("dns.resp.ttl", Type.NUMBER, "seconds a record holds", _column(d.R_TTL, False, False), GATHER, bits=32, trackers=_DNS),
    Field("dns.resp.len", Type.NUMBER, "bytes of the data of a record",
          _column(d.R_LENGTH, False), GATHER, bits=16, trackers=_DNS),
    Field("dns.resp.cache_flush", Type.BOOLEAN, "replaces what was known (mDNS)",
          _each(lambda m: [int(r.cache_flush) for r in m.records if r.type != 41] if m.protocol == "MDNS" else [],
                True), MESSAGE, trackers=_DNS),
    Field("dns.rr.udp_payload_size", Type.NUMBER, "bytes of a UDP answer that the sender takes (EDNS)",
          _column(d.R_CLASS, False, True), GATHER, bits=16, trackers=_DNS),
    Field("dns.resp.z.do", Type.BOOLEAN, "DNSSEC records are wanted (EDNS)",
          _records(lambda r: [r.ttl >> 15 & 1] if r.type == 41 else [], True), MESSAGE, trackers=_DNS),
    Field("dns.resp.ext_rcode", Type.NUMBER, "upper bits of the status (EDNS)", _column(d.R_TTL, False, True, 0xFF000000), GATHER, bits=8,
          trackers=_DNS),
    Field("dns.resp.edns0_version", Type.NUMBER, "version of EDNS", _column(d.R_TTL, False, True, 0x00FF0000), GATHER, bits=8,
          trackers=_DNS),
    Field("dns.resp.z", Type.NUMBER, "flags of EDNS", _column(d.R_TTL, False, True, 0x0000FFFF), GATHER, bits=16, trackers=_DNS),
    Field("dns.opt.code", Type.NUMBER, "code of an option (EDNS): 8 client subnet, 12 padding, 15 extended error",
          _edns(lambda code, value: code, True), MESSAGE, bits=16, trackers=_DNS),
    Field("dns.opt.len", Type.NUMBER, "bytes of an option", _edns(lambda code, value: len(value), True), MESSAGE, bits=16, trackers=_DNS),
    Field("dns.opt.data", Type.BYTES, "bytes of an option", _edns(lambda code, value: value, False), MESSAGE, trackers=_DNS),
    Field("dns.opt.ext_error.info_code", Type.NUMBER, "extended error (RFC 8914)",
          _edns(lambda code, value: int.from_bytes(value[:2], "big") if code == 15 and len(value) >= 2 else None, True), MESSAGE, bits=16,
          trackers=_DNS),
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
    *_data_fields(),
]
