"""Suricata's EVE events `dns` (and `mdns`, `llmnr`), one a message: version 3, or version 2 when asked for.

Source: https://docs.suricata.io/en/latest/output/eve/eve-json-format.html (event type: dns)
"""

from collections.abc import Iterator
from typing import Any

from sniff.decode.dns import DnsDecoder
from sniff.decode.dns_fields import type_name
from sniff.decode.dns_message import STATUS, DnsMessage, Record
from sniff.report.dns_flows import DnsFlows
from sniff.report.eve_http import timestamp
from sniff.report.formats import Options, Step
from sniff.report.uid import flow_id

FLAGS = (("aa", 0x0400), ("tc", 0x0200), ("rd", 0x0100), ("ra", 0x0080), ("z", 0x0040))
TYPES = {33: "SRV", 255: "ANY"}


def dns_event(message: DnsMessage, tx_id: int, first_ns: int, version: int = 3) -> dict[str, Any]:
    """The event of one message.

    tx_id     which transaction of its flow it belongs to
    first_ns  when the flow began, which its identifier is made of
    version   3: `request` and `response`, as sent. 2: `query` and `answer`, both from client to server
    """
    protocol = 6 if message.transport == "tcp" else 17
    ends = [message.src, message.src_port, message.dst, message.dst_port]
    if version == 2 and message.is_response:
        ends = ends[2:] + ends[:2]
    kind = message.protocol.lower()
    event: dict[str, Any] = {
        "timestamp": timestamp(message.ts_ns), "flow_id": flow_id(protocol, message.stream, first_ns),
        "pcap_cnt": message.packet, "event_type": kind, "src_ip": ends[0], "src_port": ends[1], "dest_ip": ends[2],
        "dest_port": ends[3], "proto": message.transport.upper()}
    event[kind] = _version_2(message, tx_id) if version == 2 else _version_3(message, tx_id)
    return event


def _version_3(message: DnsMessage, tx_id: int) -> dict[str, Any]:
    found: dict[str, Any] = {"version": 3, "type": "response" if message.is_response else "request", "tx_id": tx_id,
                             "id": max(message.id, 0), "flags": f"{message.flags:x}"}
    if message.is_response:
        found["qr"] = True
    found |= _flags(message)
    found["opcode"] = message.opcode
    found["rcode"] = _status(message)
    found["queries"] = [{"rrname": question.name.strip("."), "rrtype": _type(question.type)} for question in message.questions]
    _sections(message, found)
    return found


def _version_2(message: DnsMessage, tx_id: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if message.is_response:
        found |= {"version": 2, "type": "answer", "id": max(message.id, 0), "flags": f"{message.flags:x}", "qr": True}
        found |= _flags(message)
    else:
        found |= {"type": "query", "id": max(message.id, 0), "tx_id": tx_id}
        if message.flags & 0x0040:
            found["z"] = True
    found["opcode"] = message.opcode
    if message.questions:
        found |= {"rrname": message.qry_name.strip("."), "rrtype": _type(message.qry_type)}
    if message.is_response:
        found["rcode"] = _status(message)
        _sections(message, found)
    return found


def _flags(message: DnsMessage) -> dict[str, bool]:
    return {name: True for name, bit in FLAGS if message.flags & bit}


def _status(message: DnsMessage) -> str:
    code = message.flags & 15
    return STATUS.get(code, f"UNKNOWN ({code})")


def _type(kind: int) -> str:
    return TYPES.get(kind) or type_name(kind)


def _sections(message: DnsMessage, found: dict[str, Any]) -> None:
    """The records; and the data of answers again by type, as `grouped`."""
    if not message.is_response:
        return
    sections = (("answers", message.answers), ("authorities", message.authority), ("additionals", message.additional))
    for name, records in sections:
        entries = [entry for record in records for entry in _records(record)]
        if entries:
            found[name] = entries
    grouped: dict[str, list[Any]] = {}
    for entry in found.get("answers", ()):
        for key in ("rdata", "soa", "srv", "sshfp"):
            if key in entry:
                grouped.setdefault(entry["rrtype"], []).append(entry[key])
    if grouped:
        found["grouped"] = grouped


def _records(record: Record) -> Iterator[dict[str, Any]]:
    """One record; each string of a TXT record is one of its own."""
    entry: dict[str, Any] = {"rrname": record.name.strip("."), "rrtype": _type(record.type), "ttl": record.ttl}
    fields = record.fields
    if record.type == 41:
        yield {"rrname": "", "rrtype": "OPT", "ttl": record.ttl, "opt": [
            {"code": int.from_bytes(code), "data": data.hex()} for code, data in _options(record.bytes)]}
    elif record.type == 16 and isinstance(fields.get("dns.txt"), list):
        for text in fields["dns.txt"]:      # type: ignore[union-attr]
            yield entry | {"rdata": text}
    elif record.type == 6 and "dns.data" not in fields:
        yield entry | {"soa": {name: _bare(fields[f"dns.soa.{field}"]) for name, field in (
            ("mname", "mname"), ("rname", "rname"), ("serial", "serial_number"), ("refresh", "refresh_interval"),
            ("retry", "retry_interval"), ("expire", "expire_limit"), ("minimum", "minimum_ttl"))}}
    elif record.type == 33 and "dns.data" not in fields:
        yield entry | {"srv": {"priority": fields["dns.srv.priority"], "weight": fields["dns.srv.weight"],
                               "port": fields["dns.srv.port"], "name": _bare(fields["dns.srv.target"])}}
    elif record.type == 44 and "dns.data" not in fields:
        yield entry | {"sshfp": {"fingerprint": _hex(fields["dns.sshfp.fingerprint"]), "algo": fields["dns.sshfp.algorithm"],
                                 "type": fields["dns.sshfp.fingerprint.type"]}}
    elif record.type == 15 and "dns.data" not in fields:
        yield entry | {"rdata": _bare(fields["dns.mx.mail_exchange"])}
    elif record.type in (1, 28, 2, 5, 12):
        yield entry | {"rdata": _bare(record.text)}
    elif record.type == 10:
        yield entry | {"rdata": record.bytes.decode("latin-1")}
    else:
        yield entry


def _options(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 4 <= len(data):
        size = int.from_bytes(data[at + 2:at + 4])
        yield data[at:at + 2], data[at + 4:at + 4 + size]
        at += 4 + size


def _bare(value: object) -> object:
    return value.strip(".") if isinstance(value, str) else value


def _hex(value: object) -> str:
    return value.hex(":") if isinstance(value, bytes) else str(value)


class DnsEvents:
    """Events of DNS messages, in the order in which they were complete."""

    def __init__(self, options: Options, version: int = 3) -> None:
        self._decoder = DnsDecoder(options.notes, options.counters)
        self._flows = DnsFlows()
        self._version = version
        self._transactions: dict[tuple[int, int], int] = {}

    def add(self, step: Step) -> Iterator[dict[str, Any]]:
        """The events of the messages that one step completes."""
        streams = step.apps.streams
        self._flows.add(streams)
        for message in self._decoder.decode(streams):
            if message.id < 0:
                continue
            protocol = 6 if message.transport == "tcp" else 17
            yield dns_event(message, self._transaction(protocol, message), self._flows.first_ns(
                protocol, message.stream, message.ts_ns), self._version)
        for key in streams.ended[[1, 0]].T.tolist() if self._transactions else ():
            self._transactions.pop((key[0], key[1]), None)

    def finish(self) -> Iterator[dict[str, Any]]:
        """Nothing is left."""
        return iter(())

    def _transaction(self, protocol: int, message: DnsMessage) -> int:
        """The number of a message among those of its flow, as Suricata counts: every message is one."""
        key = protocol, message.stream
        number = self._transactions.get(key, -1) + 1
        self._transactions[key] = number
        return number
