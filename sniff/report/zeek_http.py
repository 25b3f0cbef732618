"""Rows of Zeek's http.log and files.log, as Zeek names and reads things.

Source: https://docs.zeek.org/en/current/scripts/base/protocols/http/main.zeek.html and .../frameworks/files/main.zeek.html
"""

from collections.abc import Iterable, Iterator
from functools import partial
from json.encoder import encode_basestring_ascii as quote
from typing import Any
from urllib.parse import unquote_to_bytes

from sniff.decode import credentials
from sniff.decode.columns import Framing
from sniff.decode.message import Message
from sniff.exchange.connection import Connection
from sniff.exchange.http import Exchange
from sniff.exchange.http_builder import ExchangeBuilder
from sniff.report.formats import Options, Step
from sniff.report.http_records import Body, HttpRecords, Record, Records
from sniff.report.plain_http import Plain, PlainBody, PlainReader, Words
from sniff.report.ranges import RangedFile, RangedFiles
from sniff.report.uid import connection_uid, file_uid
from sniff.report.zeek import Row

PROXY_HEADERS = (b"forwarded", b"x-forwarded-for", b"x-forwarded-from", b"client-ip", b"via", b"xroxy-connection",
                 b"proxy-connection")
"""Header fields that Zeek takes as signs of a proxy (HTTP::proxy_headers)."""


def escaped(raw: bytes) -> str:
    """Bytes as Zeek prints them: what is not printable UTF-8 as `\\xHH`."""
    try:
        text = raw.decode("utf-8")
        if text.isprintable():
            return text
    except UnicodeDecodeError:
        pass
    return "".join(chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}" for byte in raw)


def uid_of(exchange: Exchange) -> str:
    """The `uid` of the connection of an exchange, as in conn.log."""
    return connection_uid(6, exchange.connection.stream, exchange.connection.first_ns)


def connection_id(exchange: Exchange) -> dict[str, Any]:
    """The four columns `id.*`."""
    connection = exchange.connection
    return {"id.orig_h": connection.client, "id.orig_p": connection.client_port, "id.resp_h": connection.server,
            "id.resp_p": connection.server_port}


def http_row(record: Record, secrets: bool = False) -> dict[str, Any]:
    """A row of http.log; what is unset has no key."""
    exchange = record.exchange
    request, response = exchange.request, exchange.response
    row: dict[str, Any] = {"ts": exchange.messages[0].first_ns / 1e9, "uid": uid_of(exchange),
                           **connection_id(exchange), "trans_depth": exchange.place + 1}
    if request is not None:
        row["method"] = escaped(request.method)
        if request.host:
            row["host"] = escaped(request.host)
        row["uri"] = escaped(unquote_to_bytes(request.target))
        for name, header in (("referrer", b"referer"), ("user_agent", b"user-agent"), ("origin", b"origin")):
            value = request.get(header)
            if value:
                row[name] = escaped(value)
    if response is not None and response.version[:5].upper() == "HTTP/":
        row["version"] = response.version[5:]
    row["request_body_len"] = _length(record.request_body)
    row["response_body_len"] = _length(record.response_body)
    if response is not None:
        row["status_code"] = response.status
        row["status_msg"] = escaped(response.reason) or "<empty>"
    if exchange.interim:
        row["info_code"] = exchange.interim[-1].status
        row["info_msg"] = escaped(exchange.interim[-1].reason)
    row["tags"] = []
    if request is not None:
        _credentials(request, row, secrets)
        _proxied(request, row)
    for side, body in (("orig", record.request_body), ("resp", record.response_body)):
        if body is not None and body.info.length:
            row[f"{side}_mime_types"] = [body.media_type]
            names = [file.name for file in body.files] or [name for name in (body.message.file_name,) if name]
            if names:
                row[f"{side}_filenames"] = names
    return row


def _length(body: Body | None) -> int:
    """Bytes of a body as Zeek counts them: decoded, bytes that were not captured included.

    A body that ends with the connection and a multipart body are read line by line there, and every line counts its line
    end, so one that does not end in one is two bytes longer than it is.
    """
    if body is None:
        return 0
    length = body.info.length + (body.info.missing if not body.message.codings else 0)
    by_line = body.message.framing == Framing.CLOSE or body.message.media_type.startswith("multipart/")
    unfinished = by_line and not body.message.codings and body.info.complete and body.digest.last not in (b"", b"\n")
    return length + 2 * unfinished


def _credentials(request: Message, row: dict[str, Any], secrets: bool) -> None:
    for name in (b"authorization", b"proxy-authorization"):
        found = credentials.read(request.get(name))
        if found is not None and found.scheme == "basic":
            row["username"] = found.user
            if secrets:
                row["password"] = found.password


def _proxied(request: Message, row: dict[str, Any]) -> None:
    found = [f"{escaped(name).upper()} -> {escaped(value)}" for name, value in request.fields if name.lower() in PROXY_HEADERS]
    if found:
        row["proxied"] = found


class FileRows:
    """Rows of files.log. What was fetched in parts is one file, with a row for each of its connections."""

    def __init__(self) -> None:
        self._ranged = RangedFiles()

    def of(self, record: Record) -> list[dict[str, Any]]:
        """The rows that one exchange finishes."""
        rows: list[dict[str, Any]] = []
        ranged = self._ranged.add(record)
        for is_request, body in ((True, record.request_body), (False, record.response_body)):
            if body is not None and (body.info.length or body.info.missing) and (is_request or ranged is None):
                rows.append(_file_row(record.exchange, body, is_request))
        return rows + [row for file in ranged or () for row in _ranged_rows(file)]

    def finish(self) -> list[dict[str, Any]]:
        """The rows of files of which parts never came."""
        return [row for file in self._ranged.finish() for row in _ranged_rows(file)]


def _ranged_rows(file: RangedFile) -> list[dict[str, Any]]:
    rows = {}
    for exchange, body in file.exchanges:
        row = _file_row(exchange, body, False)
        row.pop("sha256", None)
        row |= {"seen_bytes": file.seen, "missing_bytes": file.reach - file.seen, "timedout": not file.complete,
                "mime_type": file.exchanges[0][1].media_type}
        if file.size >= 0:
            row["total_bytes"] = file.size
        rows[exchange.stream] = row
    fuid = next(iter(rows.values()))["fuid"]
    return [row | {"fuid": fuid} for row in rows.values()]


def _file_row(exchange: Exchange, body: Body, is_request: bool) -> dict[str, Any]:
    message, info = body.message, body.info
    final = info.message
    uid = uid_of(exchange)
    row: dict[str, Any] = {
        "ts": message.head_ns / 1e9, "fuid": file_uid(uid, message.id), "uid": uid, **connection_id(exchange),
        "source": "HTTP", "depth": 0, "analyzers": ["SHA256"], "mime_type": body.media_type,
        "duration": max(final.last_ns - message.head_ns, 0) / 1e9, "is_orig": is_request, "seen_bytes": info.length,
        "missing_bytes": info.missing, "overflow_bytes": 0, "timedout": False}
    names = [file.name for file in body.files] or [name for name in (message.file_name,) if name]
    if names:
        row["filename"] = names[0]
    if message.framing == Framing.LENGTH and not message.codings:
        row["total_bytes"] = message.content_length
    if info.complete:
        for name in ("md5", "sha1", "sha256"):
            value = body.digest.hash(name)
            if value:
                row[name] = value
    return row


class HttpLines:
    """Rows of plain exchanges, as JSON: what http_row and _file_row say of them, from what was read once and remembered."""

    def __init__(self) -> None:
        self._methods, self._hosts, self._referrers, self._agents, self._origins = (
            Words(partial(_member, name)) for name in ("method", "host", "referrer", "user_agent", "origin"))
        self._versions = Words(lambda word: f',"version":{quote(word[5:].decode("ascii"))}')
        self._reasons = Words(partial(_member, "status_msg"))

    def of(self, records: Records, exchanges: Iterable[Plain | Record]) -> Iterator[tuple[str, str] | Record]:
        """The rows of exchanges; those that are not plain as they are."""
        ids = [""] * len(records.exchanges.connections)
        uids = list(ids)
        for one in exchanges:
            if not isinstance(one, Plain):
                yield one
                continue
            number = one.connection
            if not ids[number]:
                uids[number], ids[number] = _ids(records.exchanges.connections[number])
            yield "http", self._http(one, ids[number])
            for body, is_request in ((one.sent, "true"), (one.got, "false")):
                if body is not None:
                    yield "files", _file_line(body, is_request, uids[number], ids[number])

    def _http(self, one: Plain, ids: str) -> str:
        sent, got = one.sent, one.got
        uri = quote(escaped(unquote_to_bytes(one.target)) if b"%" in one.target else one.target.decode("ascii"))
        types = f',"orig_mime_types":["{sent.media_type}"]' if sent is not None else ""
        if got is not None:
            types += f',"resp_mime_types":["{got.media_type}"]'
        return (f'{{"ts":{one.first_ns / 1e9!r}{ids},"trans_depth":{one.place + 1}{self._methods[one.method]}'
                f'{self._hosts[one.host]},"uri":{uri}{self._referrers[one.referer]}{self._agents[one.user_agent]}'
                f'{self._origins[one.origin]}{self._versions[one.version]},"request_body_len":{_by_lines(sent)},'
                f'"response_body_len":{_by_lines(got)},"status_code":{one.status}{self._reasons[one.reason]},"tags":[]{types}}}')


def _member(name: str, value: bytes) -> str:
    return f',"{name}":{quote(escaped(value))}' if value else ""


def _ids(connection: Connection) -> tuple[str, str]:
    """(uid, the members of a row that say which connection it is about)."""
    uid = connection_uid(6, connection.stream, connection.first_ns)
    return uid, (f',"uid":"{uid}","id.orig_h":{quote(connection.client)},"id.orig_p":{connection.client_port},'
                 f'"id.resp_h":{quote(connection.server)},"id.resp_p":{connection.server_port}')


def _by_lines(body: PlainBody | None) -> int:
    """_length of a plain body."""
    return body.length + 2 * body.cut_line if body is not None else 0


def _file_line(body: PlainBody, is_request: str, uid: str, ids: str) -> str:
    total = f',"total_bytes":{body.total}' if body.total >= 0 else ""
    md5, sha256 = body.hashes
    return (f'{{"ts":{body.head_ns / 1e9!r},"fuid":"{file_uid(uid, body.number)}"{ids},"source":"HTTP","depth":0,'
            f'"analyzers":["SHA256"],"mime_type":"{body.media_type}","duration":{max(body.last_ns - body.head_ns, 0) / 1e9!r},'
            f'"is_orig":{is_request},"seen_bytes":{body.length},"missing_bytes":0,"overflow_bytes":0,"timedout":false{total},'
            f'"md5":"{md5}","sha256":"{sha256}"}}')


class HttpLogs:
    """http.log and files.log."""

    def __init__(self, options: Options) -> None:
        self._records = HttpRecords(ExchangeBuilder(options.notes, options.counters), hashes=("md5", "sha256"))
        self._files = FileRows()
        self._reader = PlainReader((b"authorization", b"proxy-authorization", *PROXY_HEADERS))
        self._lines = HttpLines()

    def add(self, step: Step) -> Iterator[Row]:
        """The rows that one step completes."""
        for records in self._records.add(step.apps):
            yield from self._rows(records)

    def finish(self) -> Iterator[Row]:
        """What was still open."""
        for records in self._records.finish():
            yield from self._rows(records)
        for row in self._files.finish():
            yield "files", row

    def _rows(self, records: Records) -> Iterator[Row]:
        for one in self._lines.of(records, self._reader.read(records)):
            if not isinstance(one, Record):
                yield one
                continue
            yield "http", http_row(one)
            for row in self._files.of(one):
                yield "files", row
