"""JSON lines of DNS: one object an exchange of query and response, keys are Wireshark's field names, sniff.* for the rest.

Fields of the header and of the question have one value; fields of records are lists, in the order of the message.
"""

import json
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quote

from sniff.decode.dns_fields import Value
from sniff.decode.dns_message import DnsMessage
from sniff.exchange.dns import DnsExchange
from sniff.report.jsonl import epoch

ONE_VALUE = ("dns.id", "dns.flags", "dns.count.", "dns.qry.")
"""How fields begin that a message has once (dns.qry.* nearly always)."""


def dns_line(exchange: DnsExchange) -> str:
    """One exchange as one line of ASCII, without its line end.

    frame.number and frame.time_epoch are those of its first message. The fields dns.* are those of the response, or of the
    query where there is none; sniff.query.* and sniff.response.* say where they are.
    """
    query, response = exchange.query, exchange.response
    messages = [message for message in (query, response) if message is not None]
    first, last = messages[0], messages[-1]
    ip = "ipv6" if ":" in exchange.client else "ip"
    transport = exchange.transport
    members = [
        f'"frame.number":{first.packet},"frame.time_epoch":{epoch(first.ts_ns)},"{transport}.stream":{exchange.stream}',
        f'"{ip}.src":"{exchange.client}","{transport}.srcport":{exchange.client_port}',
        f'"{ip}.dst":"{exchange.server}","{transport}.dstport":{exchange.server_port}']
    fields = dict(last.fields)
    if query is not None and response is not None and "dns.qry.name" not in fields:
        fields |= {name: values for name, values in query.fields.items() if name.startswith("dns.qry.")}
    members += [_member(name, values) for name, values in fields.items()]
    if exchange.time_ns >= 0:
        members.append(f'"dns.time":{epoch(exchange.time_ns)}')
    members.append(f'"sniff.state":"{exchange.state.name.lower()}","sniff.protocol":"{exchange.protocol}"')
    if exchange.status:
        members.append(f'"sniff.status":"{exchange.status}"')
    if exchange.retries:
        members.append(f'"sniff.retries":{exchange.retries}')
    members += [_place(name, message) for name, message in (("query", query), ("response", response)) if message is not None]
    return "{" + ",".join(members) + "}"


def _member(name: str, values: list[Value]) -> str:
    """A field and its values."""
    key, one = _key(name)
    if len(values) == 1:
        return f"{key}:{_value(values[0])}" if one else f"{key}:[{_value(values[0])}]"
    return f"{key}:[{','.join(map(_value, values))}]"


@lru_cache(maxsize=1024)
def _key(name: str) -> tuple[str, bool]:
    """The name of a field as JSON, and whether it nearly always has one value."""
    return quote(name), name.startswith(ONE_VALUE)


def _value(value: Value) -> str:
    """One value; bytes in hexadecimal."""
    kind = type(value)
    if kind is int:
        return str(value)
    if kind is str:
        return quote(value)     # type: ignore[arg-type]
    return json.dumps(value.hex() if isinstance(value, bytes) else value)


def _place(name: str, message: DnsMessage) -> str:
    """Where the message is, and whether all of it could be read."""
    state = f',"sniff.{name}.state":"{message.state.name.lower()}"' if message.state else ""
    return f'"sniff.{name}.packet":{message.packet},"sniff.{name}.offset":{message.offset}{state}'
