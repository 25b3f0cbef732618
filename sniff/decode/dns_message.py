"""DnsMessage: one DNS message as people and programs ask for it. Made from columns; everything is read when asked for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from ipaddress import IPv4Address, IPv6Address

from sniff.decode import dns_columns as d
from sniff.decode.columns import PROTOCOLS
from sniff.decode.dns_columns import MessageFlag, MessageState, Section
from sniff.decode.dns_constants import OPCODE_NAMES
from sniff.decode.dns_fields import Data, Fields, Value, read_fields, show_data, type_name
from sniff.decode.dns_text import BadName, read_name, unicode_name

STATUS = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 6: "YXDOMAIN", 7: "YXRRSET",
          8: "NXRRSET", 9: "NOTAUTH", 10: "NOTZONE", 11: "DSOTYPENI", 16: "BADVERS", 17: "BADKEY", 18: "BADTIME", 19: "BADMODE",
          20: "BADNAME", 21: "BADALG", 22: "BADTRUNC", 23: "BADCOOKIE"}
"""Status codes by number, as RFC 6895 and its successors name them."""

CLASSES = {1: "IN", 3: "CH", 4: "HS", 254: "NONE", 255: "ANY"}

EXTENDED_ERRORS = {
    0: "Other Error", 1: "Unsupported DNSKEY Algorithm", 2: "Unsupported DS Digest Type", 3: "Stale Answer", 4: "Forged Answer",
    5: "DNSSEC Indeterminate", 6: "DNSSEC Bogus", 7: "Signature Expired", 8: "Signature Not Yet Valid", 9: "DNSKEY Missing",
    10: "RRSIGs Missing", 11: "No Zone Key Bit Set", 12: "NSEC Missing", 13: "Cached Error", 14: "Not Ready", 15: "Blocked",
    16: "Censored", 17: "Filtered", 18: "Prohibited", 19: "Stale NXDOMAIN Answer", 20: "Not Authoritative", 21: "Not Supported",
    22: "No Reachable Authority", 23: "Network Error", 24: "Invalid Data",
}
"""Extended errors by number (RFC 8914 section 4)."""

_OPTIONS = {1: "LLQ", 2: "UL", 3: "NSID", 5: "DAU", 6: "DHU", 7: "N3U", 8: "ECS", 9: "EXPIRE", 10: "COOKIE", 11: "KEEPALIVE",
            12: "PADDING", 13: "CHAIN", 14: "KEYTAG", 15: "EDE", 0x50FA: "ECS"}
_RESPONSE, _AUTHORITATIVE, _TRUNCATED = (
    int(flag) for flag in (MessageFlag.RESPONSE, MessageFlag.AUTHORITATIVE, MessageFlag.TRUNCATED))
_MOST_RECORDS = 65_536 // 5     # a question takes five bytes at least: more do not fit into a message


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: name in ASCII, type and class as numbers.

    qu  the top bit of the class: mDNS, an answer by unicast is welcome
    """

    name: str
    type: int
    class_: int
    qu: bool = False

    @property
    def type_name(self) -> str:
        """`A`, `AAAA` ..."""
        return type_name(self.type)

    @property
    def unicode(self) -> str:
        """The name for people."""
        return unicode_name(self.name)


@dataclass(frozen=True, slots=True)
class Record:
    """One resource record.

    section      where it stands
    name         its owner in ASCII
    cache_flush  the top bit of the class, in mDNS
    data         where its data lies in the message
    """

    section: Section
    name: str
    type: int
    class_: int
    ttl: int
    data: Data
    cache_flush: bool = False

    @property
    def type_name(self) -> str:
        """`A`, `AAAA` ..."""
        return type_name(self.type)

    @property
    def unicode(self) -> str:
        """The owner name for people."""
        return unicode_name(self.name)

    @property
    def bytes(self) -> bytes:
        """Its data as it stands in the message; names in it may be compressed."""
        return self.data.wire[self.data.start:self.data.end]

    @property
    def text(self) -> str:
        """Its data as a zone file has it."""
        return show_data(self.type, self.data, self.class_)

    @property
    def fields(self) -> Fields:
        """Its data as Wireshark's fields: {"dns.mx.preference": 10, "dns.mx.mail_exchange": "mail.example.org"}."""
        return read_fields(self.type, self.data)


@dataclass(frozen=True, slots=True)
class Option:
    """An EDNS option: its number, its name (`ECS`, `COOKIE`, `OPT65001`), its bytes, and what they say in words."""

    code: int
    name: str
    data: bytes
    text: str


@dataclass(frozen=True, slots=True)
class Edns:
    """The OPT record of a message (RFC 6891): UDP payload size, version, DO and all 16 flags, options as far as whole."""

    payload_size: int
    version: int
    dnssec_ok: bool
    flags: int
    options: tuple[Option, ...]


class DnsMessage:
    """One message. Names are ASCII text (decode/dns_text.py); numbers are those of the wire; nothing raises.

    row   its row of the messages table: decode/dns_columns.py
    wire  its captured bytes
    """

    __slots__ = ("__dict__", "row", "wire")

    def __init__(self, row: Sequence[int], wire: bytes) -> None:
        self.row = row
        self.wire = wire

    def __repr__(self) -> str:
        kind = "response" if self.is_response else "query"
        return f"<DnsMessage {self.packet} {kind} {self.id:#06x} {self.qry_name} {self.qry_type_name} {self.status}>"

    # --- where it comes from ----------------------------------------------------------------------------------------

    @property
    def packet(self) -> int:
        """frame.number of the packet that completed it."""
        return self.row[d.D_NUMBER]

    @property
    def ts_ns(self) -> int:
        """When that packet was captured: nanoseconds since 1970."""
        return self.row[d.D_TS_NS]

    @property
    def offset(self) -> int:
        """Where its first byte stands in the store, -1 when its bytes stand in no one place."""
        return self.row[d.D_OFFSET]

    @property
    def length(self) -> int:
        """Bytes it has by the headers around it; `wire` holds those that were captured."""
        return self.row[d.D_WIRE]

    @property
    def protocol(self) -> str:
        """`DNS`, `MDNS` or `LLMNR`."""
        return PROTOCOLS[self.row[d.D_PROTOCOL]]

    @property
    def transport(self) -> str:
        """`tcp` or `udp`."""
        return "tcp" if self.row[d.D_TRANSPORT] == 6 else "udp"

    @property
    def stream(self) -> int:
        """tcp.stream or udp.stream."""
        return self.row[d.D_STREAM]

    @property
    def src(self) -> str:
        """Address it came from."""
        return show_address(self.row[d.D_IP_VERSION], self.row[d.D_SRC_HI], self.row[d.D_SRC_LO])

    @property
    def dst(self) -> str:
        """Address it went to."""
        return show_address(self.row[d.D_IP_VERSION], self.row[d.D_DST_HI], self.row[d.D_DST_LO])

    @property
    def src_port(self) -> int:
        """udp.srcport or tcp.srcport."""
        return self.row[d.D_SRC_PORT]

    @property
    def dst_port(self) -> int:
        """udp.dstport or tcp.dstport."""
        return self.row[d.D_DST_PORT]

    # --- header -----------------------------------------------------------------------------------------------------

    @property
    def state(self) -> MessageState:
        """How much of it could be read."""
        return MessageState(self.row[d.D_STATE])

    @property
    def id(self) -> int:
        """dns.id; -1 when not even the header is whole."""
        return self.row[d.D_ID]

    @property
    def flags(self) -> int:
        """dns.flags: all 16 bits."""
        return self.row[d.D_FLAGS]

    @property
    def is_response(self) -> bool:
        """dns.flags.response."""
        return self.row[d.D_FLAGS] & _RESPONSE != 0

    @property
    def opcode(self) -> int:
        """dns.flags.opcode."""
        return self.row[d.D_FLAGS] >> 11 & 15

    @property
    def opcode_name(self) -> str:
        """`Standard query` ..."""
        return OPCODE_NAMES.get(self.opcode, f"opcode {self.opcode}")

    @property
    def rcode(self) -> int:
        """dns.flags.rcode with the upper bits of EDNS."""
        return self.row[d.D_RCODE]

    @property
    def status(self) -> str:
        """`NOERROR`, `NXDOMAIN` ..."""
        return STATUS.get(self.rcode, f"RCODE{self.rcode}")

    @property
    def authoritative(self) -> bool:
        """dns.flags.authoritative."""
        return self.row[d.D_FLAGS] & _AUTHORITATIVE != 0

    @property
    def truncated(self) -> bool:
        """dns.flags.truncated."""
        return self.row[d.D_FLAGS] & _TRUNCATED != 0

    # --- contents ---------------------------------------------------------------------------------------------------

    @cached_property
    def questions(self) -> list[Question]:
        """The questions, as far as they are whole; the zone of a dynamic update."""
        return self._contents[0]

    @cached_property
    def answers(self) -> list[Record]:
        """The answer section; the prerequisites of a dynamic update."""
        return [record for record in self.records if record.section == Section.ANSWER]

    @cached_property
    def authority(self) -> list[Record]:
        """The authority section; the updates of a dynamic update."""
        return [record for record in self.records if record.section == Section.AUTHORITY]

    @cached_property
    def additional(self) -> list[Record]:
        """The additional section, OPT and TSIG included."""
        return [record for record in self.records if record.section == Section.ADDITIONAL]

    @property
    def records(self) -> list[Record]:
        """The records of all three sections in order, as far as they are whole."""
        return self._contents[1]

    @cached_property
    def qry_name(self) -> str:
        """dns.qry.name of the first question; empty without one, and when its bytes are not kept any more."""
        try:
            return read_name(self.wire, 12)[0] if self.row[d.D_QHASH] else ""
        except BadName:
            return ""

    @property
    def qry_type(self) -> int:
        """dns.qry.type of the first question; -1 without one."""
        return self.row[d.D_QTYPE]

    @property
    def qry_type_name(self) -> str:
        """`A`, `AAAA` ...; empty without a question."""
        return type_name(self.qry_type) if self.qry_type >= 0 else ""

    @cached_property
    def edns(self) -> Edns | None:
        """What its first OPT record says."""
        for record in self.additional:
            if record.type == 41:
                flags = record.ttl & 0xFFFF
                options = tuple(read_options(record.bytes))
                return Edns(record.class_, record.ttl >> 16 & 255, bool(flags & 0x8000), flags, options)
        return None

    @cached_property
    def fields(self) -> dict[str, list[Value]]:
        """{Wireshark's field: all its values in order}: `fields["dns.a"]`, `fields["dns.qry.name"]` ..."""
        flags = self.row[d.D_FLAGS]
        fields: dict[str, list[Value]] = {
            "dns.id": [self.id], "dns.flags": [flags], "dns.flags.response": [flags >> 15], "dns.flags.opcode": [flags >> 11 & 15],
            "dns.flags.authoritative": [flags >> 10 & 1], "dns.flags.truncated": [flags >> 9 & 1],
            "dns.flags.recdesired": [flags >> 8 & 1], "dns.flags.recavail": [flags >> 7 & 1], "dns.flags.z": [flags >> 6 & 1],
            "dns.flags.authenticated": [flags >> 5 & 1], "dns.flags.checkdisable": [flags >> 4 & 1], "dns.flags.rcode": [flags & 15],
            "dns.count.queries": [self.row[d.D_QUESTIONS]], "dns.count.answers": [self.row[d.D_ANSWERS]],
            "dns.count.auth_rr": [self.row[d.D_AUTHORITY]], "dns.count.add_rr": [self.row[d.D_ADDITIONAL]],
        }

        def add(field: str, value: Value) -> None:
            fields.setdefault(field, []).append(value)

        for question in self.questions:
            add("dns.qry.name", question.name)
            add("dns.qry.type", question.type)
            add("dns.qry.class", question.class_)
        for record in self.records:
            add("dns.resp.name", record.name)
            add("dns.resp.type", record.type)
            if record.type == 41:
                add("dns.rr.udp_payload_size", record.class_)
                continue
            add("dns.resp.class", record.class_)
            add("dns.resp.ttl", record.ttl)
            add("dns.resp.len", record.data.end - record.data.start)
            for field, value in record.fields.items():
                for one in value if isinstance(value, list) else [value]:
                    add(field, one)
        return fields

    @cached_property
    def _contents(self) -> tuple[list[Question], list[Record]]:
        """(questions, records) as far as they are whole."""
        questions: list[Question] = []
        records: list[Record] = []
        wire, at = self.wire, 12
        end, names = len(wire), dict[int, str]()        # {offset: name that was read there}
        multicast = PROTOCOLS[self.row[d.D_PROTOCOL]] == "MDNS"
        if end < 12:
            return questions, records
        try:
            for section in Section:
                for _ in range(min(self.row[d.D_QUESTIONS + section], _MOST_RECORDS)):
                    start = (wire[at] & 0x3F) << 8 | wire[at + 1] if at + 1 < end and wire[at] >= 0xC0 else at
                    if start < at and start in names:       # nearly every record points to a name that was read before
                        name, at = names[start], at + 2
                    else:
                        name, at = read_name(wire, at)
                        names[start] = name
                    fixed = 4 if section == Section.QUESTION else 10
                    if at + fixed > end:
                        return questions, records
                    kind, family = wire[at] << 8 | wire[at + 1], wire[at + 2] << 8 | wire[at + 3]
                    top = multicast and bool(family & 0x8000) and kind != 41
                    if top:
                        family &= 0x7FFF
                    if section == Section.QUESTION:
                        questions.append(Question(name, kind, family, top))
                        at += 4
                        continue
                    stop = at + 10 + (wire[at + 8] << 8 | wire[at + 9])
                    if stop > end:
                        return questions, records
                    ttl = int.from_bytes(wire[at + 4:at + 8], "big")
                    records.append(Record(section, name, kind, family, ttl, Data(wire, at + 10, stop), top))
                    at = stop
        except BadName:
            pass
        return questions, records


@lru_cache(maxsize=4096)
def show_address(version: int, high: int, low: int) -> str:
    """An address out of two columns."""
    if version == 6:
        return str(IPv6Address((high & 0xFFFF_FFFF_FFFF_FFFF) << 64 | low & 0xFFFF_FFFF_FFFF_FFFF))
    return str(IPv4Address(low & 0xFFFF_FFFF))


def read_options(data: bytes) -> Iterator[Option]:
    """The EDNS options in the data of an OPT record, as far as they are whole."""
    at = 0
    while at + 4 <= len(data):
        code, size = data[at] << 8 | data[at + 1], data[at + 2] << 8 | data[at + 3]
        value = data[at + 4:at + 4 + size]
        if len(value) < size:
            return
        yield Option(code, _OPTIONS.get(code, f"OPT{code}"), value, _show_option(code, value))
        at += 4 + size


def _show_option(code: int, value: bytes) -> str:
    """What an option says, for people."""
    if code in (8, 0x50FA) and len(value) >= 4:
        family, source, scope = value[0] << 8 | value[1], value[2], value[3]
        if family in (1, 2) and len(value) - 4 <= (4 if family == 1 else 16):
            padded = value[4:].ljust(4 if family == 1 else 16, b"\0")
            address = str(IPv4Address(padded) if family == 1 else IPv6Address(padded))
            return f"{address}/{source} scope {scope}"
    elif code == 10 and len(value) >= 8:
        server = f" server {value[8:].hex()}" if len(value) > 8 else ""
        return f"client {value[:8].hex()}{server}"
    elif code == 12:
        return f"{len(value)} bytes"
    elif code == 11 and len(value) == 2:
        return f"{(value[0] << 8 | value[1]) / 10:g} s"
    elif code == 15 and len(value) >= 2:
        number, text = value[0] << 8 | value[1], value[2:].decode("utf-8", "backslashreplace").rstrip("\0")
        return EXTENDED_ERRORS.get(number, f"error {number}") + (f": {text}" if text else "")
    elif code == 3 and value.isascii():
        return value.decode("ascii", "backslashreplace")
    return value.hex()
