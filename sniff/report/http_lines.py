"""JSON lines of HTTP: one object an exchange, keys are Wireshark's field names, and sniff.* for what it has no name for.

Times are JSON numbers with nine decimals, durations too, in seconds. What was not seen has no key.
"""

import json
from json.encoder import encode_basestring_ascii as quote

from sniff.decode import fields
from sniff.decode.message import Message
from sniff.exchange.http import Exchange, State
from sniff.report.jsonl import epoch

REQUEST_HEADERS = (("http.host", b"host"), ("http.user_agent", b"user-agent"), ("http.referer", b"referer"))
RESPONSE_HEADERS = (("http.server", b"server"), ("http.location", b"location"), ("http.content_type", b"content-type"))


def http_line(exchange: Exchange, secrets: bool = False) -> str:
    """One exchange as one line of ASCII, without its line end.

    frame.number and frame.time_epoch are those of its first byte. sniff.request.packets and sniff.response.packets are the
    first and the last packet, .offset where the first byte stands in the capture file, .flags what is odd about the message;
    sniff.phases sum up to sniff.duration. Credentials in the URL are masked unless `secrets`.
    """
    connection, request, response = exchange.connection, exchange.request, exchange.response
    first = exchange.messages[0]
    ip = "ipv6" if connection.is_ipv6 else "ip"
    members = [
        (f'"frame.number":{first.first_packet},"frame.time_epoch":{epoch(first.first_ns)},"tcp.stream":{connection.stream},'
         f'"{ip}.src":"{connection.client}","tcp.srcport":{connection.client_port},'
         f'"{ip}.dst":"{connection.server}","tcp.dstport":{connection.server_port}')]
    if request is not None:
        members.append(
            f'"http.request.method":{_quoted(request.method)},"http.request.uri":{_quoted(request.target)},'
            f'"http.request.version":{quote(request.version)},"http.request.full_uri":{quote(exchange.url(secrets))}')
        members += _headers(request, REQUEST_HEADERS)
    if response is not None:
        members.append(f'"http.response.version":{quote(response.version)}')
        if response.status:
            members.append(f'"http.response.code":{response.status},"http.response.phrase":{_quoted(response.reason)}')
        members += _headers(response, RESPONSE_HEADERS)
    if request is not None and response is not None:
        members.append(f'"http.time":{epoch(response.first_ns - request.first_ns)}')
    members.append(f'"sniff.state":"{exchange.state.name.lower()}"')
    if exchange.inferred:
        members.append('"sniff.inferred":true')
    if exchange.interim:
        members.append(f'"sniff.interim":{[message.status for message in exchange.interim]}')
    members += [_place(f"sniff.{name}", message) for name, message in (("request", request), ("response", response)) if message]
    if exchange.state != State.UNASKED:
        phases = exchange.phases
        spans = ",".join(f'"{name}":{epoch(value)}' for name, value in zip(phases._fields, phases, strict=True))
        members.append(f'"sniff.duration":{epoch(phases.total)},"sniff.phases":{{{spans}}}')
    if exchange.events:
        members += [f'"sniff.{name}":{json.dumps(counts)}' for name, counts in (
            ("retransmissions", exchange.retransmissions()), ("stalls", exchange.stalls())) if counts]
    return "{" + ",".join(members) + "}"


def _quoted(raw: bytes) -> str:
    """Bytes of a head as a JSON string."""
    return quote(fields.text(raw))


def _headers(message: Message, names: tuple[tuple[str, bytes], ...]) -> list[str]:
    """The header fields that are there."""
    found = ((name, message.get(header)) for name, header in names)
    return [f'"{name}":{_quoted(value)}' for name, value in found if value]


def _place(name: str, message: Message) -> str:
    """Where the message is, how large its body is, and what is odd about it."""
    words = [word for word in message.flag_words if word not in ("complete", "keep_alive")]
    odd = f',"{name}.flags":{json.dumps(words)}' if words else ""
    return (f'"{name}.packets":[{message.first_packet},{message.last_packet}],"{name}.offset":{message.store_offset},'
            f'"{name}.body_bytes":{message.body_length}{odd}')
