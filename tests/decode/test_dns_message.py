"""DnsMessage: what dnspython writes reads back the same; what nobody should write is cut where it breaks."""

import pkgutil
import struct

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY
import dns.rdtypes.IN
import dns.rrset
import dns.update
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniff.decode.dns_columns import MessageState, Section
from sniff.decode.dns_message import DnsMessage
from sniff.decode.dns_text import unicode_name
from sniff.notes import Code, Notes
from tests import wire
from tests.decode.dns_parts import (
    POINTER,
    answer,
    decode,
    message,
    messages,
    name,
    one,
    over_tcp,
    query,
    question,
    record,
)
from tests.timing import cpu_seconds

labels = st.one_of(
    st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=20).map(str.encode),
    st.text("ABCxyz", min_size=1, max_size=63).map(str.encode),
    st.binary(min_size=1, max_size=12))
names = st.lists(labels, max_size=5).map(lambda parts: dns.name.Name([*parts, b""]))
hosts = st.lists(st.text("abcxyz019", min_size=1, max_size=12), min_size=1, max_size=4).map(lambda parts: ".".join(parts) + ".")
RDATA = {
    "A": st.ip_addresses(v=4).map(str), "AAAA": st.ip_addresses(v=6).map(str), "NS": hosts, "CNAME": hosts, "PTR": hosts,
    "DNAME": hosts, "MX": st.tuples(st.integers(0, 65535), hosts).map(lambda p: f"{p[0]} {p[1]}"),
    "SRV": st.tuples(st.integers(0, 65535), st.integers(0, 65535), hosts).map(lambda p: f"{p[0]} 5 {p[1]} {p[2]}"),
    "SOA": hosts.map(lambda host: f"{host} admin.{host} 2024010101 7200 900 1209600 86400"),
    "TXT": st.lists(st.text("abc \"\\;=", max_size=30), min_size=1, max_size=3).map(
        lambda texts: " ".join('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for text in texts)),
    "CAA": st.just('0 issue "ca.example.net"'), "HINFO": st.just('"PDP-11" "UNIX"'),
    "HTTPS": st.just('1 . alpn="h2,h3" port="8443" ipv4hint="192.0.2.1" ipv6hint="2001:db8::1"'),
    "SVCB": st.just("0 alias.example."), "LOC": st.just("52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m"),
    "SSHFP": st.just("1 1 dd465c09cfa51fb45020cc83316fff21b9ec74ac"), "NAPTR": st.just('10 20 "S" "SIP+D2U" "" _sip._udp.example.'),
    "DS": st.just("12345 8 2 " + "ab" * 32), "DNSKEY": st.just("257 3 13 " + "aGVsbG8gd29ybGQ="),
    "RRSIG": st.just("A 13 2 3600 20300101000000 20240101000000 12345 example. aGVsbG8="),
    "NSEC": st.just("next.example. A NS SOA TYPE65280"), "NSEC3": st.just("1 0 10 aabb 2t7b4g4vsa5smi47k61mv5bv1a22bojr A RRSIG"),
    "TLSA": st.just("3 1 1 " + "cd" * 32), "URI": st.just('10 1 "https://example.net/"'), "RP": st.just("a.example. b.example."),
    "OPENPGPKEY": st.just("aGVsbG8="), "EUI48": st.just("00-11-22-33-44-55"), "TYPE65280": st.just("\\# 3 abcdef"),
}
RARE = {
    "AFSDB": "1 afs.example.",
    "AMTRELAY": "10 0 1 203.0.113.15",
    "APL": "1:192.168.32.0/21 !1:192.168.38.0/28",
    "AVC": '"app-name:WOLFGANG"',
    "CDNSKEY": "257 3 13 aGVsbG8gd29ybGQ=",
    "CDS": "12345 8 2 " + "ab" * 32,
    "CERT": "65534 65535 PRIVATEOID aGVsbG8=",
    "CSYNC": "66 3 A NS AAAA",
    "DHCID": "AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=",
    "DLV": "12345 8 2 " + "ab" * 32,
    "DSYNC": "CDS 1 5300 rr.example.",
    "EUI64": "00-11-22-33-44-55-66-77",
    "GPOS": "-22.6882 116.8652 250.0",
    "HIP":
        "2 200100107B1A74DF365639CC39F1D578 AwEAAbdxyhNuSutc5EMzxTs9LBPCIkOFH8cIvM4p rvs.example.",
    "IPSECKEY": "10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ==",
    "ISDN": '"150862028003217" "004"',
    "KEY": "512 255 1 AQPSKmynfzW4kyBv015MUG2DeIQ3Cbl+BBZH4b/0PY1kxkmvHjcZc8no",
    "KX": "10 kdc.example.",
    "L32": "10 10.1.2.0",
    "L64": "10 2001:0db8:1140:1000",
    "LP": "10 l64-subnet.example.",
    "NID": "10 0014:4fff:ff20:ee64",
    "NINFO": '"zone info"',
    "NSAP": "0x47.0005.80.005a00.0000.0001.e133.ffffff000161.00",
    "NSAP-PTR": "host.example.",
    "NSEC3PARAM": "1 0 10 aabb",
    "PX": "10 map822.example. mapx400.example.",
    "RESINFO": "qnamemin exterr=15-17",
    "RT": "10 relay.example.",
    "SMIMEA": "3 1 1 " + "cd" * 32,
    "SPF": '"v=spf1 -all"',
    "WALLET": '"EUR" "1234"',
    "X25": '"123456789"',
    "ZONEMD": "2018031900 1 1 " + "ab" * 48,
    "SIG": "A 13 2 3600 20300101000000 20240101000000 12345 example. aGVsbG8=",
    "WKS": "10.0.0.1 6 21 23 80",
    "TKEY": "gss-tsig. 1594203795 1594206664 3 0 KEYKEYKE",
}
"""A record of each of the other types that dnspython has a class for."""
RDATA |= {kind: st.just(text) for kind, text in RARE.items()}
OURS = {"A", "AAAA", "NS", "CNAME", "PTR", "DNAME", "MX", "SRV", "SOA", "TXT"}
"""Types whose text we write ourselves, names without the last dot."""


@st.composite
def rrsets(draw: st.DrawFn) -> dns.rrset.RRset:
    """Records of one type."""
    kind = draw(st.sampled_from(sorted(RDATA)))
    return dns.rrset.from_text(draw(names), draw(st.integers(0, 2**31 - 1)), "IN", kind, draw(RDATA[kind]))


@st.composite
def written(draw: st.DrawFn) -> dns.message.Message:
    """Any message that dnspython can write."""
    made = dns.message.make_query(draw(names), draw(st.sampled_from(["A", "AAAA", "ANY", "HTTPS", "TYPE1234"])))
    made.id = draw(st.integers(0, 65535))
    made.flags = draw(st.integers(0, 65535)) & ~0x7800
    made.set_rcode(dns.rcode.Rcode(draw(st.integers(0, 11))))
    for section in (made.answer, made.authority, made.additional):
        section.extend(draw(st.lists(rrsets(), max_size=3)))
    if draw(st.booleans()):
        made.use_edns(0, draw(st.sampled_from([0, dns.flags.DO])), draw(st.integers(512, 65535)),
                      options=[dns.edns.ECSOption("192.0.2.0", 24), dns.edns.CookieOption(b"12345678", b"abcdefgh"),
                               dns.edns.EDEOption(15, "blocked")])
    return made


def same_name(ours: str, theirs: dns.name.Name) -> bool:
    return dns.name.from_text(ours) == theirs.derelativize(dns.name.root)


def read_back(got: DnsMessage, want: dns.message.Message) -> None:
    """Every fact of a message, compared."""
    assert got.state == MessageState.WHOLE
    assert (got.id, got.flags, got.rcode, got.opcode) == (want.id, int(want.flags), int(want.rcode()), int(want.opcode()))
    assert len(got.questions) == len(want.question)
    for asked, theirs in zip(got.questions, want.question, strict=True):
        assert same_name(asked.name, theirs.name)
        assert (asked.type, asked.class_) == (theirs.rdtype, theirs.rdclass)
    for section, theirs in ((Section.ANSWER, want.answer), (Section.AUTHORITY, want.authority), (Section.ADDITIONAL, want.additional)):
        ours = [one_ for one_ in got.records if one_.section == section and one_.type != 41]
        wanted = [(rrset, rdata) for rrset in theirs for rdata in rrset]
        assert len(ours) == len(wanted)
        for mine, (rrset, rdata) in zip(ours, wanted, strict=True):
            assert same_name(mine.name, rrset.name)
            assert (mine.type, mine.class_, mine.ttl) == (rrset.rdtype, rrset.rdclass, rrset.ttl)
            again = dns.rdata.from_text(rrset.rdclass, rrset.rdtype, mine.text, origin=dns.name.root, relativize=False)
            assert again == rdata, mine.text


@given(written())
def test_what_dnspython_writes_reads_back_the_same(made: dns.message.Message) -> None:
    read_back(one(made.to_wire(max_size=65535)), dns.message.from_wire(made.to_wire(max_size=65535), one_rr_per_rrset=True))


@pytest.mark.parametrize("kind", sorted(RARE))
def test_rare_types_read_back_the_same(kind: str) -> None:
    made = dns.message.make_query("a.example.", kind)
    made.answer.append(dns.rrset.from_text("a.example.", 60, "IN", kind, RARE[kind]))
    read_back(one(made.to_wire(max_size=65535)), made)


def test_every_type_of_dnspython_is_tried() -> None:
    known = {module.name.replace("_", "-") for package in (dns.rdtypes.ANY, dns.rdtypes.IN)
             for module in pkgutil.iter_modules(package.__path__)}
    assert len(known) > 50
    assert known - set(RDATA) <= {"OPT", "TSIG", "BRID", "HHIT"}, "the first two are no data; older releases lack the others"


@given(written())
def test_the_same_over_tcp(made: dns.message.Message) -> None:
    payload = made.to_wire(max_size=65535)
    got = messages(wire.conversation([(0, over_tcp(payload, payload))], server_port=53))
    assert len(got) == 2
    for found in got:
        read_back(found, dns.message.from_wire(payload, one_rr_per_rrset=True))


def test_dynamic_update() -> None:
    update = dns.update.UpdateMessage("example.org.")
    update.add("host", 300, "A", "192.0.2.7")
    update.present("other")
    got = one(update.to_wire())
    assert got.opcode == 5 and got.opcode_name == "Dynamic update"
    assert [asked.type_name for asked in got.questions] == ["SOA"]
    assert [(one_.name, one_.type_name, one_.class_) for one_ in got.answers] == [("other.example.org", "ANY", 255)]
    assert [(one_.name, one_.text) for one_ in got.authority] == [("host.example.org", "192.0.2.7")]


@given(st.binary(max_size=600), st.sampled_from([53, 5353, 5355]))
def test_any_bytes_are_read(payload: bytes, port: int) -> None:
    for found in messages([wire.udp(0, payload, server_port=port)]):
        everything = [one_.text for one_ in found.records], found.fields, found.edns, repr(found)
        assert everything
        assert found.wire == payload


@given(written(), st.data())
def test_a_cut_message_keeps_what_was_there(made: dns.message.Message, data: st.DataObject) -> None:
    payload = made.to_wire(max_size=65535)
    cut = payload[:data.draw(st.integers(1, len(payload) - 1))]
    whole, part = one(payload), one(cut)
    assert part.state == MessageState.MALFORMED
    assert whole.questions[:len(part.questions)] == part.questions
    assert [(r.name, r.type, r.bytes) for r in part.records] == [(r.name, r.type, r.bytes) for r in whole.records][:len(part.records)]


def test_the_columns_agree_with_the_object() -> None:
    frames = [wire.udp(0, query(1, "a.example")), wire.udp(1, answer(1, "a.example", "192.0.2.1", "192.0.2.2"))]
    [batch] = decode(frames)
    assert [len(found.records) + len(found.questions) for found in batch] == batch.column(32).tolist() == [1, 3]
    assert [row[0] for row in batch.records.tolist()] == [0, 1, 1, 1]
    assert batch[1].packet == 2 and batch[1].src == "10.0.0.2" and batch[1].dst_port == 40_000
    assert batch[0].offset == 24 + 16 + 42 and batch[0].length == len(query(1, "a.example"))


# --- names --------------------------------------------------------------------------------------------------------------

HOSTILE = {
    "a pointer to itself": message(1, 0, [POINTER + b"\0\1\0\1"]),
    "a pointer forward": message(1, 0, [b"\xc0\x20\0\1\0\1" + bytes(20)]),
    "two pointers to each other": message(1, 0, [b"\xc0\x0e\xc0\x0c\0\1\0\1"]),
    "a label past the end": message(1, 0, [b"\x3fabc"]),
    "a reserved kind of label": message(1, 0, [b"\x80abc\0\0\1\0\1"]),
    "a name of 256 bytes": message(1, 0, [(b"\x3f" + b"x" * 63) * 4 + b"\0\0\1\0\1"]),
    "more questions than there are": struct.pack(">HHHHHH", 1, 0, 65535, 0, 0, 0) + question("a"),
    "a record longer than the message": message(1, 0x8000, [], [name("a") + struct.pack(">HHIH", 1, 1, 0, 400) + b"1234"]),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_messages_are_malformed_and_noted(case: str) -> None:
    notes = Notes()
    [batch] = decode([wire.udp(0, HOSTILE[case])], notes=notes)
    [found] = batch
    assert found.state == MessageState.MALFORMED
    assert [note.code for note in notes] == [Code.DNS_MALFORMED]
    assert notes.rows[0].packet == 1


def test_names_of_255_bytes_are_names() -> None:
    long = b"".join(b"\x3f" + b"x" * 63 for _ in range(3)) + b"\x3d" + b"y" * 61 + b"\0"
    assert len(long) == 255
    assert len(one(message(1, 0, [long + b"\0\1\0\1"])).qry_name) == 253


def test_odd_bytes_are_escaped() -> None:
    assert one(message(1, 0, [b"\x05a.b\\\xff\x02\0\n\0\0\1\0\1"])).qry_name == r"a\.b\\\255.\000\010"
    assert one(message(1, 0, [b"\0\0\1\0\1"])).qry_name == "."


def test_international_names() -> None:
    assert unicode_name("xn--bcher-kva.example") == "bücher.example"
    assert unicode_name("XN--BCHER-KVA.example") == "bücher.example"
    assert unicode_name("www.xn--fiqs8s") == "www.中国"
    assert unicode_name("xn--a") == "xn--a"                     # no valid code
    assert unicode_name("plain.example") == "plain.example"
    assert unicode_name(r"B\195\188ro\032Mac._tcp.local") == "Büro Mac._tcp.local"
    assert unicode_name(r"\226\128\174evil.local") == r"\226\128\174evil.local"     # turns the line round
    assert unicode_name(r"\027[31m.local") == r"\027[31m.local"
    assert one(query(1, "xn--bcher-kva.example")).questions[0].unicode == "bücher.example"


def test_linear_time() -> None:
    """64 KB of records whose names are chains of pointers."""
    chain = b"".join(struct.pack(">H", 0xC000 | 12 + 2 * i) for i in range(120))
    records = b"".join(struct.pack(">H", 0xC000 | 12 + 238) + struct.pack(">HHIH", 16, 1, 0, 0) for _ in range(5_000))
    payload = struct.pack(">HHHHHH", 1, 0x8000, 0, 5_001, 0, 0) + b"\0" + b"\0" + chain + records
    assert len(payload) > 60_000
    assert cpu_seconds(lambda: one(payload)) < 2


# --- what records say ---------------------------------------------------------------------------------------------------

def test_fields_are_wiresharks() -> None:
    found = one(message(7, 0x8580, [question("x.example", 15)], [
        record(POINTER, 15, b"\0\x0a" + name("mail.example")), record(POINTER, 1, bytes([192, 0, 2, 1])),
        record(POINTER, 16, b"\3abc\2de"), record(POINTER, 257, b"\0\5issueca.example")]))
    fields = found.fields
    assert fields["dns.id"] == [7] and fields["dns.flags.authoritative"] == [1]
    assert fields["dns.mx.preference"] == [10] and fields["dns.mx.mail_exchange"] == ["mail.example"]
    assert fields["dns.a"] == ["192.0.2.1"] and fields["dns.txt"] == ["abc", "de"]
    assert fields["dns.caa.tag"] == ["issue"] and fields["dns.caa.value"] == ["ca.example"]
    assert fields["dns.qry.name"] == ["x.example"] and fields["dns.resp.name"] == ["x.example"] * 4
    assert [one_.text for one_ in found.answers] == ["10 mail.example", "192.0.2.1", '"abc" "de"', '0 issue "ca.example"']


def test_service_parameters() -> None:
    data = b"\0\1\0" + b"".join(struct.pack(">HH", key, len(value)) + value for key, value in (
        (0, b"\0\1\0\4"), (1, b"\2h2\2h3"), (3, b"\x01\xbb"), (4, bytes([192, 0, 2, 1])), (5, b"\xfe\x0d"), (99, b"\1")))
    [found] = one(message(1, 0x8000, [question("a", 65)], [record(POINTER, 65, data)])).answers
    assert found.fields["dns.svcb.svcparam"] == ["mandatory=alpn,ipv4hint", "alpn=h2,h3", "port=443", "ipv4hint=192.0.2.1",
                                                 "ech=fe0d", "key99=01"]


def test_edns() -> None:
    options = b"".join(struct.pack(">HH", code, len(value)) + value for code, value in (
        (8, b"\0\1\x18\0" + bytes([192, 0, 2])), (10, b"12345678abcdefgh"), (12, bytes(9)), (15, b"\0\x0f" + b"no"), (65001, b"\1")))
    opt = b"\0" + struct.pack(">HHIH", 41, 1232, 1 << 24 | 0x8000, len(options)) + options
    found = one(message(1, 0x8000, [question("a")], additional=[opt]))
    assert found.rcode == 16 and found.status == "BADVERS"
    edns = found.edns
    assert edns is not None and edns.payload_size == 1232 and edns.dnssec_ok and edns.version == 0
    assert [(option.name, option.text) for option in edns.options] == [
        ("ECS", "192.0.2.0/24 scope 0"), ("COOKIE", "client 3132333435363738 server 6162636465666768"), ("PADDING", "9 bytes"),
        ("EDE", "Blocked: no"), ("OPT65001", "01")]


def test_records_that_break_are_shown_as_bytes() -> None:
    found = one(message(1, 0x8000, [], [record(name("a"), 1, b"\1\2\3"), record(name("a"), 15, b"\0"), record(name("a"), 5, POINTER[:1]),
                                        record(name("a"), 16, b"\5ab"), record(name("a"), 46, b"\0\1")]))
    assert [one_.text for one_ in found.answers] == ["\\# 3 010203", "\\# 1 00", "\\# 1 c0", "\\# 3 056162", "\\# 2 0001"]
    assert found.answers[4].fields["dns.data"] == b"\0\1"


# --- TCP ----------------------------------------------------------------------------------------------------------------

@given(st.lists(st.integers(1, 40), max_size=20), st.lists(st.integers(1, 6), max_size=8))
def test_tcp_messages_in_any_segments_and_batches(segments: list[int], sizes: list[int]) -> None:
    said = [query(1, "a.example"), query(2, "b.example"), b"", query(3, "c.example")]
    parts = wire.cut([(0, over_tcp(*said)), (1, over_tcp(answer(1, "a.example", "192.0.2.1")))], segments)
    found = messages(wire.conversation(parts, server_port=53), sizes)
    assert [(one_.id, one_.qry_name) for one_ in found] == [
        (1, "a.example"), (2, "b.example"), (-1, ""), (3, "c.example"), (1, "a.example")]
    assert [one_.src for one_ in found] == ["10.0.0.1"] * 4 + ["10.0.0.2"]


def test_a_gap_cuts_the_message_it_falls_into() -> None:
    """The lost segment was acknowledged: what follows it is found again."""
    tcp = wire.Tcp(server_port=53)
    stream = over_tcp(query(1, "a.example"), query(2, "b.example"))
    frames = [*tcp.open(), tcp.frame(0, stream[:20])]
    tcp.frame(0, stream[20:29])                     # captured by nobody; it ends with the first message
    frames += [tcp.frame(0, stream[29:]), tcp.frame(1), *tcp.close()]
    found = messages(frames)
    assert [(one_.id, one_.state) for one_ in found] == [(1, MessageState.CUT), (2, MessageState.WHOLE)]


def test_after_a_larger_gap_a_message_is_recognised() -> None:
    tcp = wire.Tcp(server_port=53)
    frames = [*tcp.open(), tcp.frame(0, over_tcp(query(1, "a.example"))[:-3])]
    tcp.frame(0, bytes(100))
    frames += [tcp.frame(0, over_tcp(query(3, "c.example"))), tcp.frame(1), *tcp.close()]
    assert [(one_.id, one_.state) for one_ in messages(frames)] == [(1, MessageState.CUT), (3, MessageState.WHOLE)]
