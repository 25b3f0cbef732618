"""Suricata's events `http` and `fileinfo` for HTTP/2: one for each stream, and one for settings."""

from collections.abc import Iterable, Iterator
from typing import Any

from sniff.decode import fields
from sniff.decode.bodies import Digest
from sniff.decode.body import BodyDecoder
from sniff.decode.http2 import Headers, Moment, Settings, Side, Stream
from sniff.decode.message import codings
from sniff.exchange.connection import Connection
from sniff.exchange.http import Exchange
from sniff.exchange.http2 import Http2Event, Http2Streams
from sniff.reassembly.batch import StreamBatch
from sniff.report.eve_http import split_host, timestamp
from sniff.report.uid import flow_id

SETTING_NAMES = {1: "SETTINGSHEADERTABLESIZE", 2: "SETTINGSENABLEPUSH", 3: "SETTINGSMAXCONCURRENTSTREAMS",
                 4: "SETTINGSINITIALWINDOWSIZE", 5: "SETTINGSMAXFRAMESIZE", 6: "SETTINGSMAXHEADERLISTSIZE"}


class Http2Events:
    """Makes the events of HTTP/2 connections."""

    def __init__(self) -> None:
        self._streams = Http2Streams(self._data)
        self._bodies: dict[int, tuple[BodyDecoder, Digest, list[int]]] = {}    # by identity of the open Stream

    def add(self, streams: StreamBatch, exchanges: Iterable[Exchange]) -> Iterator[dict[str, Any]]:
        """The events that one batch completes."""
        for event in self._streams.add(streams, exchanges):
            yield from self._events(event)

    def finish(self) -> Iterator[dict[str, Any]]:
        """What was still open."""
        for event in self._streams.finish():
            yield from self._events(event)

    def _data(self, stream: Stream, direction: int, data: bytes) -> None:
        """The next bytes of a response."""
        if direction == 0:
            return
        found = self._bodies.get(id(stream))
        if found is None:
            names = codings([stream.response.get(b"content-encoding")])
            found = self._bodies[id(stream)] = (BodyDecoder(names), Digest(("sha256",)), [0])
        decoder, digest, length = found
        for piece in decoder.pieces(data):
            length[0] += len(piece)
            digest.data(piece)

    def _events(self, event: Http2Event) -> Iterator[dict[str, Any]]:
        what = event.what
        if isinstance(what, Settings):
            side = "response" if what.direction else "request"
            values = [{"settings_id": SETTING_NAMES.get(number, str(number)), "settings_value": value}
                      for number, value in what.values]
            http2: dict[str, Any] = {"stream_id": 0, "request": {}, "response": {}}
            if values:
                http2[side] = {"settings": values}
            yield _base(event.connection, "http", what.moment) | {"http": {"version": "2", "http2": http2}}
            return
        body = self._bodies.pop(id(what), None)
        http = http_object(what)
        if what.request.headers or what.response.headers:
            yield _base(event.connection, "http", max(what.request.last, what.response.last)) | {"http": http}
        if body is not None:
            decoder, digest, length = body
            rest = decoder.finish()
            digest.data(rest)
            yield _base(event.connection, "fileinfo", what.response.last, from_server=True) | {
                "http": http, "app_proto": "http2",
                "fileinfo": {"filename": fields.text(what.request.get(b":path").partition(b"?")[0]), "gaps": False,
                             "state": "CLOSED" if what.response.ended else "TRUNCATED", "sha256": digest.hash("sha256"),
                             "stored": False, "size": length[0] + len(rest), "tx_id": what.number}}


def http_object(stream: Stream) -> dict[str, Any]:
    """The object `http` of a stream."""
    request, response = stream.request, stream.response
    host, port = split_host(request.get(b":authority") or request.get(b"host"))
    found: dict[str, Any] = {"version": "2"}
    values = {"hostname": host, "http_port": port, "url": fields.text(request.get(b":path")),
              "http_user_agent": fields.text(request.get(b"user-agent")),
              "http_content_type": fields.text(fields.parameters(response.get(b"content-type"))[0]),
              "http_refer": fields.text(request.get(b"referer")), "http_method": fields.text(request.get(b":method")),
              "status": stream.status}
    found |= {name: value for name, value in values.items() if value}
    found["length"] = response.length
    found["request_headers"] = _headers(request)
    found["response_headers"] = _headers(response)
    found["http2"] = {"stream_id": stream.number, "request": {}, "response": {}}
    return found


def _headers(side: Side) -> list[dict[str, Any]]:
    shown: list[dict[str, Any]] = [{"table_size_update": side.table_update}] if side.table_update >= 0 else []
    headers: Headers = side.headers
    return shown + [{"name": fields.text(name), "value": fields.text(value)} for name, value in headers]


def _base(connection: Connection, kind: str, moment: Moment, from_server: bool = False) -> dict[str, Any]:
    ends = (connection.client, connection.client_port, connection.server, connection.server_port)
    source, source_port, target, target_port = ends if not from_server else (*ends[2:], *ends[:2])
    return {"timestamp": timestamp(moment.ts_ns), "flow_id": flow_id(6, connection.stream, connection.first_ns),
            "pcap_cnt": moment.packet, "event_type": kind, "src_ip": source, "src_port": source_port, "dest_ip": target,
            "dest_port": target_port, "proto": "TCP"}
