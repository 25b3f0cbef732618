"""Rows of Zeek's dns.log: one a query with its answer, in Zeek's wording.

Source: https://docs.zeek.org/en/current/scripts/base/protocols/dns/main.zeek.html
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from sniff.decode.dns import DnsDecoder
from sniff.decode.dns_constants import TYPE_NAMES
from sniff.decode.dns_fields import Fields
from sniff.decode.dns_message import DnsMessage, Record
from sniff.exchange.dns import DnsExchange, DnsPairing, State
from sniff.report.dns_flows import DnsFlows
from sniff.report.formats import Options, Step
from sniff.report.uid import connection_uid

TYPES = TYPE_NAMES | {23: "NSAP-PTR", 41: "EDNS", 253: "MAILB", 254: "MAILA", 255: "*"}
CLASSES = {1: "C_INTERNET", 2: "C_CSNET", 3: "C_CHAOS", 4: "C_HESOD", 254: "C_NONE", 255: "C_ANY"}
STATUS = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 6: "YXDOMAIN", 7: "YXRRSET",
          8: "NXRRSet", 9: "NOTAUTH", 10: "NOTZONE", 11: "unassigned-11", 12: "unassigned-12", 13: "unassigned-13",
          14: "unassigned-14", 15: "unassigned-15", 16: "BADVERS", 17: "BADKEY", 18: "BADTIME", 19: "BADMODE", 20: "BADNAME",
          21: "BADALG", 22: "BADTRUNC", 23: "BADCOOKIE"}
OPCODES = {0: "query", 1: "iquery", 2: "server-status", 4: "notify", 5: "dynamic-update", 6: "dso"}
SERVER_PORTS = (53, 5353, 5355)


def _texts(word: str, field: str) -> Callable[[Fields], str]:
    def show(fields: Fields) -> str:
        texts = fields.get(field)
        return " ".join(f"{word} {len(str(text))} {text}" for text in (texts if isinstance(texts, list) else []))
    return show


def _named(form: str, *names: str) -> Callable[[Fields], str]:
    def show(fields: Fields) -> str:
        return form.format(*(fields.get(f"dns.{name}", "") for name in names))
    return show


ANSWERS: dict[int, Callable[[Fields], str]] = {
    1: _named("{}", "a"), 2: _named("{}", "ns"), 5: _named("{}", "cname"), 6: _named("{}", "soa.mname"),
    12: _named("{}", "ptr.domain_name"), 13: _named("HINFO {} {}", "hinfo.cpu", "hinfo.os"), 15: _named("{}", "mx.mail_exchange"),
    16: _texts("TXT", "dns.txt"), 28: _named("{}", "aaaa"), 33: _named("{}", "srv.target"),
    35: _named("NAPTR {} {} {} {} {} {}", "naptr.order", "naptr.preference", "naptr.flags", "naptr.service", "naptr.regex",
               "naptr.replacement"),
    43: _named("DS {} {}", "ds.algorithm", "ds.digest_type"), 46: _named("RRSIG {} {}", "rrsig.type_covered", "rrsig.signers_name"),
    48: _named("DNSKEY {}", "dnskey.algorithm"), 51: lambda fields: "NSEC3PARAM", 99: _texts("SPF", "dns.spf"),
    257: _named("CAA {} {} {}", "caa.flags", "caa.tag", "caa.value"),
}
"""What an answer of each type says in the column `answers`."""


def answer(record: Record) -> str:
    """One answer in Zeek's words; empty for those it does not list."""
    if record.type == 29 and len(record.bytes) >= 4:        # LOC: size and precisions as they stand on the wire
        return "LOC:  " + " ".join(map(str, record.bytes[1:4]))
    if record.type == 44:
        return "SSHFP: " + str(record.text.rpartition(" ")[2])
    if record.type in (47, 50):
        return f"{record.type_name} " + record.text
    if record.type in (11, 41, 249, 250):
        return ""
    show = ANSWERS.get(record.type)
    return show(record.fields) if show is not None else f"<unknown type={record.type}>"


def ends(message: DnsMessage) -> tuple[str, int, str, int]:
    """(address, port) of who opened the flow and of the server: a port of DNS is the server's."""
    forward = (message.src, message.src_port, message.dst, message.dst_port)
    if message.dst_port in SERVER_PORTS or (message.src_port not in SERVER_PORTS and not message.is_response):
        return forward
    return (*forward[2:], *forward[:2])


def dns_row(exchange: DnsExchange, first_ns: int) -> dict[str, Any]:
    """A row of dns.log; what is unset has no key. A response without its query says what was asked, which it does not there.

    first_ns  when the flow began, which its uid is made of
    """
    query, response = exchange.query, exchange.response
    first = query if query is not None else response
    assert first is not None
    protocol = 6 if first.transport == "tcp" else 17
    orig, orig_port, resp, resp_port = ends(first)
    row: dict[str, Any] = {
        "ts": first.ts_ns / 1e9, "uid": connection_uid(protocol, first.stream, first_ns), "id.orig_h": orig, "id.orig_p": orig_port,
        "id.resp_h": resp, "id.resp_p": resp_port, "proto": first.transport, "trans_id": max(first.id, 0)}
    if exchange.time_ns > 0 and response is not None and response.answers:
        row["rtt"] = exchange.time_ns / 1e9
    asked = next((message for message in (query, response) if message is not None and message.questions), None)
    name = exchange.name.lower()
    if name not in ("", "."):
        row["query"] = name
    if asked is not None:
        question = asked.questions[0]
        row["qclass"], row["qclass_name"] = question.class_, CLASSES.get(question.class_, f"qclass-{question.class_}")
        row["qtype"], row["qtype_name"] = question.type, TYPES.get(question.type, f"query-{question.type}")
    if response is not None:
        row["rcode"], row["rcode_name"] = response.rcode, STATUS.get(response.rcode, f"rcode-{response.rcode}")
    answers = response.answers if response is not None else []
    row["AA"] = bool(answers and response is not None and response.authoritative)
    row["TC"] = bool((query if query is not None else first).truncated)
    row["RD"] = bool(query is not None and query.flags & 0x0100)
    row["RA"] = bool(answers and response is not None and response.flags & 0x0080)
    row["Z"] = query.flags >> 4 & 7 if query is not None else 0
    shown = [(text, record.ttl) for record in answers for text in (answer(record),) if text]
    if shown:
        row["answers"] = [text for text, _ in shown]
        row["TTLs"] = [float(ttl) for _, ttl in shown]
    row["rejected"] = response is not None and response.qry_type >= 0 and not any(response.row[23:26])
    row["opcode"], row["opcode_name"] = first.opcode, OPCODES.get(first.opcode, f"opcode-{first.opcode}")
    return row


def _by_flow(exchange: DnsExchange) -> Iterator[DnsExchange]:
    """The parts of an exchange that travelled in one flow each: who answers a group answers from another address."""
    query, response = exchange.query, exchange.response
    if query is None or response is None or query.stream == response.stream:
        yield exchange
    else:
        yield DnsExchange(State.UNANSWERED, query, None, exchange.retries, exchange.retry_ns)
        yield DnsExchange(State.UNASKED, None, response)


class DnsLogs:
    """dns.log."""

    def __init__(self, options: Options) -> None:
        self._decoder = DnsDecoder(options.notes, options.counters)
        self._pairing = DnsPairing(options.notes, options.counters)
        self._flows = DnsFlows()

    def add(self, step: Step) -> Iterator[tuple[str, dict[str, Any]]]:
        """The rows that one step completes."""
        streams = step.apps.streams
        self._flows.add(streams)
        yield from self._rows(self._pairing.add(self._decoder.decode(streams)))

    def finish(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Queries that nobody answered."""
        yield from self._rows(self._pairing.finish())

    def _rows(self, exchanges: Iterable[DnsExchange]) -> Iterator[tuple[str, dict[str, Any]]]:
        for exchange in chain.from_iterable(map(_by_flow, exchanges)):
            first = exchange.query or exchange.response
            assert first is not None
            if first.id >= 0:
                protocol = 6 if first.transport == "tcp" else 17
                yield "dns", dns_row(exchange, self._flows.first_ns(protocol, first.stream, first.ts_ns))
