"""Fields of HTTP messages. They belong to the packet whose row shows the message: the one that completes it."""

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np

from sniff.capture.raw import view as buffer
from sniff.decode.columns import APP_PROTOCOL, METHODS, Protocol
from sniff.decode.http1_rows import HEAD_KIND, HEAD_PACKET
from sniff.filters import find
from sniff.filters.columns import Column, Texts, joined, numbers, objects
from sniff.filters.field import COLUMN, GATHER, MESSAGE, Field, Source, marked
from sniff.filters.heads import OTHER, Head, Heads
from sniff.filters.types import Type
from sniff.filters.view import View
from sniff.packets.batch import Table

_HEADS = ("heads",)
_REQUESTS = ("heads", "requests")

HTTP_ROWS = (Protocol.HTTP, Protocol.HTTP_JSON, Protocol.HTTP_XML)

HEADERS = {
    "authorization": "credentials for the server", "proxy_authenticate": "which credentials a proxy wants",
    "proxy_authorization": "credentials for a proxy", "www_authenticate": "which credentials the server wants",
    "content_type": "media type of the body", "content_length_header": "length of the body, as it is written",
    "content_encoding": "how the body is coded", "transfer_encoding": "how the message is framed",
    "upgrade": "protocol to change to",
    "user_agent": "the client's program", "host": "the server's name", "connection": "how the connection goes on",
    "cookie": "cookies sent",
    "accept": "media types that are welcome", "referer": "page that led here", "accept_language": "languages that are welcome",
    "accept_encoding": "codings that are welcome", "date": "when the message was made", "cache_control": "who may keep it",
    "server": "the server's program", "location": "where it is instead", "sec_websocket_accept": "WebSocket handshake",
    "sec_websocket_extensions": "WebSocket handshake", "sec_websocket_key": "WebSocket handshake",
    "sec_websocket_protocol": "WebSocket handshake", "sec_websocket_version": "WebSocket handshake",
    "set_cookie": "cookies to keep",
    "last_modified": "when it was changed last", "x_forwarded_for": "for whom a proxy asks", "http2_settings": "HTTP/2 upgrade",
}
"""Header fields that Wireshark has a name for, and what they say."""

WRITTEN = {"content_length_header": b"content-length", "http2_settings": b"http2-settings"}


def text(value: bytes) -> str:
    """A value as text: UTF-8 where it is, else what each byte stands for in Latin-1."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _heads(view: View, candidates: Table) -> Iterable[Head]:
    heads: Heads = view.memory["heads"]
    return map(heads.head, heads.among(candidates).tolist())


def _values(read: Callable[[Head], Iterable[Any]], numeric: bool) -> Source:
    def source(view: View, candidates: Table) -> Column:
        found = [(head.packet, value) for head in _heads(view, candidates) for value in read(head)]
        return (numbers if numeric else objects)([packet for packet, _ in found], [value for _, value in found])

    return source


def _texts(read: Callable[[Head], Iterable[bytes]]) -> Source:
    return _values(lambda head: [text(value) for value in read(head)], False)


_REQUEST = rb"([!-~]+) ([!-~]+) (HTTP/[0-9.]+)\r?\n"
_RESPONSE = rb"(HTTP/[0-9.]+) [0-9]{3} ([!-~](?:[ -~]*[!-~])?)\r?\n"


def _part(response: bool, group: int, read: Callable[[Head], bytes]) -> Source:
    """A part of the start lines of requests or of responses; those without it have none.

    Plain lines are taken apart where they lie: `group` of the expressions above. The others are read as heads.
    """
    def source(view: View, candidates: Table) -> Column:
        line = re.compile(_RESPONSE if response else _REQUEST)
        heads: Heads = view.memory["heads"]
        which = heads.among(candidates)
        which = which[heads.responses[which] == response]
        packets: list[int] = []
        values: list[str] = []
        for index, packet, place, start, stop in zip(which.tolist(), heads.packets[which].tolist(), heads.buffers[which].tolist(),
                                                     heads.starts[which].tolist(), heads.stops[which].tolist(), strict=True):
            plain = line.match(heads.bytes[place], start, stop) if place < 2 else None
            value = plain[group] if plain is not None else read(heads.head(index))
            if value:
                packets.append(packet)
                values.append(text(value))
        return objects(packets, values)

    return source


def _request(read: Callable[[Head], bytes]) -> Source:
    """A part of requests that takes more than their start line; those without it have none."""
    return _texts(lambda head: [value] if not head.is_response and (value := read(head)) else [])


def header(name: bytes) -> Source:
    """All values of a header field. They are searched where they lie; only odd ones are read as heads."""
    wanted = np.frombuffer(name, np.uint8)

    def source(view: View, candidates: Table) -> Column:
        heads: Heads = view.memory["heads"]
        which = heads.among(candidates)
        made = heads.buffers[which] == 2
        plain = which if not made.any() else which[~made]
        starts, stops = heads.places(plain)
        found, progress = np.empty((2 * len(plain) + 8, 3), np.int64), np.zeros(2, np.int64)
        while True:
            find.header_values(buffer(heads.data), buffer(starts), buffer(stops), buffer(wanted), buffer(found), buffer(progress))
            if progress[0] == len(plain):
                break
            found = np.concatenate([found, np.empty_like(found)])
        found = found[:progress[1]]
        odd = found[:, 1] == find.ODD
        indexes = plain[found[:, 0]]
        if len(plain) == len(which) and not odd.any():
            return Texts(heads.packets[indexes], heads.data, found[:, 1].copy(), found[:, 2].copy())
        lines = Texts(heads.packets[indexes[~odd]], heads.data, found[~odd, 1], found[~odd, 2])
        others = np.concatenate([indexes[odd], which[made]])
        pairs = [(int(heads.packets[index]), text(value)) for index in np.sort(others).tolist() for value in heads.head(index).get(name)]
        return joined([lines, objects([packet for packet, _ in pairs], [value for _, value in pairs])])

    return source


def _targets(view: View, candidates: Table) -> Column:
    """The targets of requests, those without one left out."""
    heads: Heads = view.memory["heads"]
    which = heads.among(candidates)
    which = which[~heads.responses[which]]
    if not (heads.buffers[which] == 2).any():
        starts, stops = heads.places(which)
        out = np.empty((2, len(which)), np.int64)
        find.request_targets(buffer(heads.data), buffer(starts), buffer(stops), buffer(out))
        if (out[0] != find.ODD).all():
            return Texts(heads.packets[which], heads.data, out[0], out[1])
    return _part(False, 2, lambda head: head.uri)(view, candidates)


NOTIFICATIONS = [METHODS.index(name) for name in ("NOTIFY", "SUBSCRIBE", "UNSUBSCRIBE")]


def _marks(wanted: Callable[[Heads], Any]) -> Source:
    """A label of the packets of some messages."""
    def source(view: View, candidates: Table) -> Column:
        heads: Heads = view.memory["heads"]
        packets = heads.packets[wanted(heads)]
        return Column(packets, np.ones(len(packets), np.int64))

    return source


@cache
def _names() -> Any:
    """Names of methods by HEAD_CODE, at HEAD_CODE + len(METHODS)."""
    names = np.empty(2 * len(METHODS), object)
    names[len(METHODS):] = METHODS
    names[1:len(METHODS)] = [f"M-{name}" for name in METHODS[:0:-1]]
    return names


def _methods(view: View, candidates: Table) -> Column:
    heads: Heads = view.memory["heads"]
    which = np.flatnonzero(~heads.responses)
    values = _names()[heads.codes[which] + len(METHODS)]
    for k in np.flatnonzero(heads.codes[which] == 0).tolist():
        values[k] = text(heads.head(int(which[k])).method)
    column = Column(heads.packets[which], values)
    return column if (heads.codes[which] != 0).all() else column.only(values != "")


def _is_row(view: View) -> Any:
    """Packets whose rows are HTTP's, and those that HTTP hands on: what a tunnel carries, what came after an upgrade."""
    rows = view.apps.row_messages
    found = np.isin(view.apps.apps[APP_PROTOCOL], HTTP_ROWS)
    found[rows[rows[:, HEAD_KIND] == OTHER][:, HEAD_PACKET]] = True
    return found


def _message_bytes(view: View, candidates: Table) -> Column:
    """Messages whose rows these are: the packet's payload, or the head when the message came in several packets."""
    found = []
    for head in _heads(view, candidates):
        if head.stream < 0:
            continue
        body = view.packets.payload(head.packet)
        at = body.find(head.data[:64]) if head.data else -1
        found.append((head.packet, body[at:at + len(head.data) + head.body] if at >= 0 else head.data + body))
    return objects([packet for packet, _ in found], [value for _, value in found])


def _codes(view: View, candidates: Table) -> Column:
    heads: Heads = view.memory["heads"]
    which = np.flatnonzero(heads.responses)
    codes = heads.codes[which]
    if len(codes) and codes.min() < 0:
        which, codes = which[codes >= 0], codes[codes >= 0]
    return Column(heads.packets[which], codes)


def _file_data(view: View, candidates: Table) -> Column:
    """Bodies as Wireshark shows them, with the row of their message: text in ASCII, other bytes replaced."""
    bodies = view.memory["bodies"]
    heads: Heads = view.memory["heads"]
    shown = set(heads.packets.tolist()) if bodies else set()
    found = [(packet, data.partition(b"\0")[0].decode("ascii", "replace")) for packet, datas in sorted(bodies.items())
             for data, _ in datas if data and packet in shown]
    return objects([packet for packet, _ in found], [value for _, value in found])


def _content_length(head: Head) -> list[int]:
    return [min(int(value), 2**63 - 1) for value in head.get(b"content-length") if value.isdigit() and len(value) <= 20]


def _parts(value: bytes, separator: bytes) -> list[bytes]:
    return [part.strip() for part in value.split(separator) if part.strip()]


def _path(head: Head) -> bytes:
    path, _, query = head.uri.partition(b"?")
    return path if query else b""


def _query(head: Head) -> bytes:
    return head.uri.partition(b"?")[2]


def _basic(head: Head) -> list[bytes]:
    from base64 import b64decode
    found = []
    for value in head.get(b"authorization") + head.get(b"proxy-authorization"):
        scheme, _, coded = value.partition(b" ")
        if scheme.lower() == b"basic":
            try:
                found.append(b64decode(coded.strip() + b"=" * (-len(coded.strip()) % 4)))
            except ValueError:
                continue
    return found


def _asked(part: int) -> Source:
    def read(head: Head) -> list[int]:
        if head.request is None or not head.request.packet:
            return []
        return [head.request.packet if part == 0 else head.ts_ns - head.request.ts_ns]

    return _values(read, True)


def _number(response: bool) -> Source:
    return _values(lambda head: [head.number] if head.is_response == response and head.number else [], True)


def _before(response: int) -> Source:
    return _values(lambda head: [head.before[response]] if head.before[response] and head.is_response >= bool(response) else [], True)


def _field(name: str, type_: Type, meaning: str, source: Source, cost: int = MESSAGE, bits: int = 64,
           present: Source | None = None,
           trackers: tuple[str, ...] = _HEADS, heads: bool = True) -> Field:
    return Field(f"http.{name}", type_, meaning, source, cost, present, bits, trackers=trackers, heads=heads)


def header_field(name: str) -> Field:
    """The field `http.header.NAME` of any header field; `_` and `-` mean the same in it, and case nothing."""
    written = name.lower().replace("_", "-").encode()
    return _field(f"header.{name}", Type.STRING, f"header field {written.decode()}", header(written))


HTTP_FIELDS = [
    Field("http", Type.PROTOCOL, "Hypertext Transfer Protocol", _message_bytes, MESSAGE, marked(_is_row),
          trackers=_HEADS, heads=True),
    _field("request", Type.BOOLEAN, "is a request", _marks(lambda heads: ~heads.responses & ~np.isin(heads.codes, NOTIFICATIONS)), GATHER,
           heads=False),
    _field("response", Type.BOOLEAN, "is a response", _marks(lambda heads: heads.responses), COLUMN, heads=False),
    _field("notification", Type.BOOLEAN, "is a notification of UPnP",
           _marks(lambda heads: ~heads.responses & np.isin(heads.codes, NOTIFICATIONS)), GATHER, heads=False),
    _field("request.method", Type.STRING, "method", _methods, GATHER, heads=False),
    _field("request.uri", Type.STRING, "target, as it was sent", _targets),
    _field("request.uri.path", Type.STRING, "part of the target before ?, when there is one", _request(_path)),
    _field("request.uri.query", Type.STRING, "part of the target after ?", _request(_query)),
    _field("request.uri.query.parameter", Type.STRING, "each parameter of it",
           _texts(lambda head: [] if head.is_response else [part for part in _query(head).split(b"&") if part])),
    _field("request.full_uri", Type.STRING, "http://host/target", _request(lambda head: head.full_uri)),
    _field("request.version", Type.STRING, "HTTP/1.1", _part(False, 3, lambda head: head.version)),
    _field("request.line", Type.STRING, "each header line of a request",
           _texts(lambda head: [] if head.is_response or head.is_notification else head.lines)),
    _field("response.version", Type.STRING, "HTTP/1.1", _part(True, 1, lambda head: head.version)),
    _field("response.code", Type.NUMBER, "status", _codes, GATHER, bits=16, heads=False),
    _field("response.phrase", Type.STRING, "reason phrase", _part(True, 2, lambda head: head.phrase)),
    _field("response.line", Type.STRING, "each header line of a response",
           _texts(lambda head: head.lines if head.is_response else [])),
    _field("response_for.uri", Type.STRING, "what the response is for",
           _texts(lambda head: [head.request.uri] if head.request is not None and head.request.uri else []), trackers=_REQUESTS),
    _field("request_in", Type.NUMBER, "packet of the request that this answers", _asked(0), bits=32, trackers=_REQUESTS),
    _field("time", Type.SPAN, "time since that request", _asked(1), trackers=_REQUESTS),
    _field("request_number", Type.NUMBER, "number of the request in its connection, from 1", _number(False), bits=32,
           trackers=_REQUESTS),
    _field("response_number", Type.NUMBER, "number of the response in its connection, from 1", _number(True),
           bits=32, trackers=_REQUESTS),
    _field("prev_request_in", Type.NUMBER, "packet of the request before", _before(0), bits=32, trackers=_REQUESTS),
    _field("prev_response_in", Type.NUMBER, "packet of the response before", _before(1), bits=32, trackers=_REQUESTS),
    _field("content_length", Type.NUMBER, "length of the body, as the header says", _values(_content_length, True)),
    _field("chat", Type.NONE, "a message: what Wireshark's expert calls chat", _marks(lambda heads: heads.packets >= 0), COLUMN,
           heads=False),
    Field("http.file_data", Type.STRING, "the body: chunks put together, codings undone, up to its first NUL", _file_data, MESSAGE,
          trackers=("heads", "bodies"), bodies=True),
    _field("cookie_pair", Type.STRING, "each cookie: name=value",
           _texts(lambda h: [p for v in h.get(b"cookie") for p in _parts(v, b";")])),
    _field("authbasic", Type.STRING, "user and password of Basic authentication", _texts(_basic)),
    *(_field(name, Type.STRING, meaning, header(WRITTEN.get(name, name.replace("_", "-").encode()))) for name,
      meaning in HEADERS.items()),
]
