"""JSON lines of FastCGI, SCGI and uwsgi: one object a request. Wireshark knows none of them, so the keys are sniff's own."""

import json

from sniff.decode.cgi import Body, CgiFlag, CgiRequest
from sniff.decode.credentials import masked
from sniff.packets.addresses import address_text
from sniff.packets.columns import Address
from sniff.report.jsonl import epoch


def cgi_line(request: CgiRequest, secrets: bool = False) -> str:
    """One request and its response as one line of ASCII, without its line end."""
    made: dict[str, object] = {}
    if request.number:
        made["sniff.cgi.request_id"] = request.number
    made |= {
        "sniff.cgi.protocol": request.protocol, "sniff.cgi.role": request.role, "sniff.cgi.method": _text(request.method),
        "sniff.cgi.uri": _text(request.target), "sniff.cgi.full_uri": _text(request.url),
        "sniff.cgi.variables": {_text(name): _value(name, value, secrets) for name, value in request.variables},
        "sniff.cgi.request": _body(request.request, secrets),
    }
    if request.answer_ns:
        made |= {"sniff.cgi.status": request.status,
                 "sniff.cgi.fields": [[_text(name), _value(name, value, secrets)] for name, value in request.fields],
                 "sniff.cgi.response": _body(request.response, secrets)}
    if request.errors:
        made["sniff.cgi.stderr"] = _text(bytes(request.errors))
    if request.app_status >= 0:
        made["sniff.cgi.app_status"] = request.app_status
        made["sniff.cgi.protocol_status"] = request.protocol_status
    if request.flags:
        made["sniff.cgi.flags"] = [str(flag.name).lower() for flag in CgiFlag if flag in request.flags]
    made["sniff.cgi.packets"] = [request.first_packet, request.last_packet]
    made["sniff.cgi.offset"] = request.offset
    ends = ""
    if request.ends is not None:
        client, client_port, server, server_port = ends_of(request.ends)
        ip = "ipv6" if ":" in client else "ip"
        ends = f'"{ip}.src":"{client}","tcp.srcport":{client_port},"{ip}.dst":"{server}","tcp.dstport":{server_port},'
    text = json.dumps(made, separators=(",", ":"))[1:]
    waited = f'"sniff.cgi.wait":{epoch(request.answer_ns - request.first_ns)},' if request.answer_ns else ""
    return (f'{{"frame.number":{request.first_packet},"frame.time_epoch":{epoch(request.first_ns)},'
            f'"tcp.stream":{request.stream},{ends}{waited}{text}')


def ends_of(ends: tuple[int, ...]) -> tuple[str, int, str, int]:
    """(address, port, address, port) of CgiRequest.ends: the web server and the application."""
    version, client_hi, client_lo, client_port, server_hi, server_lo, server_port = ends
    kind = Address.IPV6 if version == 6 else Address.IPV4
    return address_text(kind, client_hi, client_lo), client_port, address_text(kind, server_hi, server_lo), server_port


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def _value(name: bytes, value: bytes, secrets: bool) -> str:
    """The value; of a secret only what it is."""
    return _text(masked(name.removeprefix(b"HTTP_").replace(b"_", b"-").lower(), value, secrets))


def _body(body: Body, secrets: bool) -> dict[str, object]:
    """How long it is; what it holds may be a secret."""
    return {"bytes": body.length, "begins": _text(body.prefix)} if secrets and body.length else {"bytes": body.length}
