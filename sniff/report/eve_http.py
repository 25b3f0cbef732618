"""Suricata's EVE events `http` and `fileinfo`, made from exchanges.

Source: https://docs.suricata.io/en/latest/output/eve/eve-json-format.html
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache, partial
from json.encoder import encode_basestring_ascii as quote
from typing import Any

from sniff.decode import columns as c
from sniff.decode import fields
from sniff.decode.message import Message
from sniff.exchange import http_columns as x
from sniff.exchange.connection import Connection
from sniff.exchange.http import Exchange
from sniff.exchange.http_builder import ExchangeBuilder
from sniff.report.eve import Event
from sniff.report.formats import Options, Step
from sniff.report.http_records import Body, HttpRecords, Record, Records
from sniff.report.plain_http import Plain, PlainBody, PlainReader, Words
from sniff.report.ranges import RangedFile, RangedFiles
from sniff.report.uid import flow_id


def timestamp(ts_ns: int) -> str:
    """A time as EVE writes it: `2026-01-31T12:00:00.123456+0000`."""
    return f"{_second(ts_ns // 1_000_000_000)}.{ts_ns % 1_000_000_000 // 1000:06d}+0000"


@lru_cache(maxsize=256)     # events of the same second tend to come together
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


def _event(exchange: Exchange, kind: str, message: Message, tx_id: int, from_server: bool = False) -> dict[str, Any]:
    connection = exchange.connection
    ends = (connection.client, connection.client_port, connection.server, connection.server_port)
    source, source_port, target, target_port = ends if not from_server else (*ends[2:], *ends[:2])
    event: dict[str, Any] = {
        "timestamp": timestamp(message.last_ns), "flow_id": flow_id(6, connection.stream, connection.first_ns),
        "pcap_cnt": message.last_packet, "event_type": kind}
    if connection.vlan > 0:
        event["vlan"] = [connection.vlan]
    return event | {"src_ip": source, "src_port": source_port, "dest_ip": target, "dest_port": target_port, "proto": "TCP",
                    "tx_id": tx_id}


def http_event(record: Record, tx_id: int) -> dict[str, Any]:
    """The event `http` of an exchange."""
    exchange = record.exchange
    return _event(exchange, "http", exchange.messages[-1], tx_id) | {"http": http_object(record)}


def http_object(record: Record) -> dict[str, Any]:
    """The object `http`, as it stands in all events about an exchange."""
    request, response = record.exchange.request, record.exchange.response
    found: dict[str, Any] = {}
    if request is not None:
        host, port = split_host(_authority(request))
        if host:
            found["hostname"] = host
        if port:
            found["http_port"] = port
        found["url"] = fields.text(request.target)
        if request.user_agent:
            found["http_user_agent"] = fields.text(request.user_agent)
    if response is not None and response.media_type:
        found["http_content_type"] = fields.text(fields.parameters(response.get(b"content-type"))[0])
    if request is not None:
        if request.get(b"referer"):
            found["http_refer"] = request.text(b"referer")
        found["http_method"] = fields.text(request.method)
        found["protocol"] = request.version
    if response is not None:
        if response.status:
            found["status"] = response.status
        if request is None:
            found["protocol"] = response.version
        if response.get(b"location"):
            found["redirect"] = response.text(b"location")
        if response.content_range is not None:
            span = response.content_range
            found["content_range"] = {"raw": response.text(b"content-range")} | {
                name: value for name, value in (("start", span.first), ("end", span.last), ("size", span.size)) if value >= 0}
    found["length"] = record.response_body.info.wire if record.response_body is not None else 0
    return found


def _authority(request: Message) -> bytes:
    if request.method == b"CONNECT":
        return request.target
    scheme, separator, rest = request.target.partition(b"://")
    if separator and scheme.isalpha():
        return rest.split(b"/", 1)[0].rpartition(b"@")[2]
    return request.host


def split_host(authority: bytes) -> tuple[str, int]:
    """(host in lower case, port) of an authority; 0 where no port is given."""
    text = fields.text(authority).lower()
    if text.startswith("["):
        host, _, rest = text.partition("]")
        return host + "]", _port(rest.removeprefix(":"))
    host, colon, port = text.rpartition(":")
    return (host, _port(port)) if colon and (port.isdigit() or not port) else (text, 0)


def _port(text: str) -> int:
    return int(text) if text.isdigit() and len(text) <= 5 and int(text) <= 65535 else 0


class FileEvents:
    """The events `fileinfo`: one for each file in a form, else one for each body; and one more for a file that was
    fetched in parts, when it is whole."""

    def __init__(self) -> None:
        self._ranged = RangedFiles()

    def of(self, record: Record, tx_id: int) -> list[dict[str, Any]]:
        """The events that one exchange finishes."""
        whole = [file for file in self._ranged.add(record) or () if file.complete and len(file.exchanges) > 1]
        return file_events(record, tx_id) + [_whole_event(record, file, tx_id) for file in whole]


def _whole_event(record: Record, file: RangedFile, tx_id: int) -> dict[str, Any]:
    message = file.exchanges[-1][1].info.message
    info = {"filename": _name(record, message), "gaps": False, "state": "CLOSED", "stored": False, "size": file.size,
            "tx_id": tx_id}
    return _event(record.exchange, "fileinfo", message, tx_id, True) | {
        "http": http_object(record), "app_proto": "http", "fileinfo": info}


def file_events(record: Record, tx_id: int) -> list[dict[str, Any]]:
    """The events `fileinfo` of the bodies of one exchange."""
    events: list[dict[str, Any]] = []
    http = http_object(record)
    for body, from_server in ((record.request_body, False), (record.response_body, True)):
        if body is None or not (body.info.length or body.info.missing):
            continue
        base = _event(record.exchange, "fileinfo", body.info.message, tx_id, from_server)
        base |= {"http": http, "app_proto": "http"}
        if body.files:
            events += [base | {"fileinfo": _info(file.name, file.length, file.complete, False, tx_id, file.sha256)}
                       for file in body.files]
        else:
            events.append(base | {"fileinfo": _body_info(record, body, tx_id)})
    return events


def _body_info(record: Record, body: Body, tx_id: int) -> dict[str, Any]:
    info = body.info
    size = info.length + (0 if body.message.codings else info.missing)  # Suricata counts what is missing
    found = _info(_name(record, body.message), size, info.complete, bool(info.missing), tx_id,
                  body.digest.hash("sha256"))
    span = body.message.content_range
    if span is not None and span.first >= 0:
        found |= {"start": span.first, "end": span.last}
    return found


def _name(record: Record, message: Message) -> str:
    request = record.exchange.request
    return message.file_name or (_path(request) if request is not None else "")


def _info(name: str, length: int, complete: bool, gaps: bool, tx_id: int, sha256: str) -> dict[str, Any]:
    return {"filename": name, "gaps": gaps, "state": "CLOSED" if complete else "TRUNCATED", "sha256": sha256,
            "stored": False, "size": length, "tx_id": tx_id}


def _path(request: Message) -> str:
    """The path that a request asked for, without the query, as Suricata names files."""
    target = request.target
    scheme, separator, rest = target.partition(b"://")
    if separator and scheme.isalpha():
        target = b"/" + rest.partition(b"/")[2]
    return fields.text(target.partition(b"?")[0])


class HttpLines:
    """Events of plain exchanges, as JSON: what http_event and file_events say of them, from what was read once and remembered."""

    def __init__(self) -> None:
        self._hosts = Words(_host_members)
        self._agents, self._referers, self._methods, self._versions, self._locations = (
            Words(partial(_member, name)) for name in ("http_user_agent", "http_refer", "http_method", "protocol", "redirect"))
        self._types = Words(lambda value: _member("http_content_type", fields.parameters(value)[0]))

    def of(self, records: Records, exchanges: Iterable[Plain | Record]) -> Iterator[str | Record]:
        """The events of exchanges; those that are not plain as they are."""
        connections = records.exchanges.connections
        ends = [("", "", "")] * len(connections)
        for one in exchanges:
            if not isinstance(one, Plain):
                yield one
                continue
            if not ends[one.connection][0]:
                ends[one.connection] = _ends(connections[one.connection])
            flow, asking, answering = ends[one.connection]
            http = self._http(one)
            last = f'{timestamp(one.last_ns)}{flow}{one.last_packet}'
            yield f'{{"timestamp":"{last},"event_type":"http"{asking},"tx_id":{one.place},"http":{http}}}'
            if one.sent is not None:
                moment = f"{timestamp(one.sent.last_ns)}{flow}{one.sent.last_packet}"
                yield f'{{"timestamp":"{moment}{self._file(one, one.sent, asking, http)}'
            if one.got is not None:
                yield f'{{"timestamp":"{last}{self._file(one, one.got, answering, http)}'

    def _http(self, one: Plain) -> str:
        url, length = quote(one.target.decode("ascii")), one.got.wire if one.got is not None else 0
        status = f',"status":{one.status}' if one.status else ""
        return (f'{{{self._hosts[one.host]}"url":{url}{self._agents[one.user_agent]}{self._types[one.content_type]}'
                f"{self._referers[one.referer]}{self._methods[one.method]}{self._versions[one.request_version]}{status}"
                f'{self._locations[one.location]},"length":{length}}}')

    def _file(self, one: Plain, body: PlainBody, ends: str, http: str) -> str:
        return (f',"event_type":"fileinfo"{ends},"tx_id":{one.place},"http":{http},"app_proto":"http",'
                f'"fileinfo":{{"filename":{quote(one.target.partition(b"?")[0].decode("ascii"))},"gaps":false,"state":"CLOSED","sha256":"{body.hashes[0]}",'
                f'"stored":false,"size":{body.length},"tx_id":{one.place}}}}}')


def _member(name: str, value: bytes) -> str:
    return f',"{name}":{quote(fields.text(value))}' if value else ""


def _host_members(value: bytes) -> str:
    host, port = split_host(value)
    return (f'"hostname":{quote(host)},' if host else "") + (f'"http_port":{port},' if port else "")


def _ends(connection: Connection) -> tuple[str, str, str]:
    """(what stands between time and packet, what follows after the kind of an event from the client, .. from the server)."""
    client, server = (f"{quote(address)}" for address in (connection.client, connection.server))
    vlan = f',"vlan":[{connection.vlan}]' if connection.vlan > 0 else ""
    asking, answering = (
        f'{vlan},"src_ip":{source},"src_port":{source_port},"dest_ip":{target},"dest_port":{target_port},"proto":"TCP"'
        for source, source_port, target, target_port in (
            (client, connection.client_port, server, connection.server_port),
            (server, connection.server_port, client, connection.client_port)))
    return f'","flow_id":{flow_id(6, connection.stream, connection.first_ns)},"pcap_cnt":', asking, answering


class HttpEvents:
    """The events `http` and `fileinfo` of a capture."""

    def __init__(self, options: Options) -> None:
        self._records = HttpRecords(ExchangeBuilder(options.notes, options.counters))
        self._files = FileEvents()
        self._reader = PlainReader()
        self._lines = HttpLines()
        from sniff.report.eve_http2 import Http2Events  # it builds on this module
        self._http2 = Http2Events()

    def add(self, step: Step) -> Iterator[Event]:
        """The events that one step completes."""
        switched: list[Exchange] = []
        for records in self._records.add(step.apps):
            yield from self._events(records)
            exchanges = records.exchanges
            switched += exchanges.select(exchanges.rows[:, x.X_RESPONSE + c.M_STATUS] == _SWITCHING)
        yield from self._http2.add(step.apps.streams, switched)

    def finish(self) -> Iterator[Event]:
        """What was still open."""
        for records in self._records.finish():
            yield from self._events(records)
        yield from self._http2.finish()

    def _events(self, records: Records) -> Iterator[Event]:
        for one in self._lines.of(records, self._reader.read(records)):
            if isinstance(one, str):
                yield one
                continue
            request = one.exchange.request
            if request is not None and request.method == b"PRI":
                continue  # the preface of HTTP/2
            tx_id = one.exchange.place
            yield http_event(one, tx_id)
            yield from self._files.of(one, tx_id)


_SWITCHING = 101
"""Only after this status a connection may go on with HTTP/2."""
