"""`--format har`: exchanges as HAR 1.2, which browsers' developer tools open.

An entry is written when its exchange is over, so that memory holds no more than bodies that are arriving and a line for each
page. What sniff knows beyond HAR stands in `_sniff` of an entry: packets, stream, ports, state, what is missing.
Credentials are masked unless somebody asks for them.

Source: http://www.softwareishard.com/blog/har-12-spec/
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from itertools import islice
from json.encoder import encode_basestring_ascii as quote
from typing import Any

import numpy as np

from sniff import limits
from sniff._version import __version__
from sniff.capture.raw import Bytes, view
from sniff.decode import columns as c
from sniff.decode import credentials, fields, forms
from sniff.decode.message import Message
from sniff.exchange import http_columns as x
from sniff.exchange.connection import Connection
from sniff.exchange.http import Exchange, Exchanges, State
from sniff.exchange.stage import Joiner
from sniff.notes import Notes
from sniff.packets.batch import Table
from sniff.report import exchange_json as j
from sniff.report.formats import Options, Sink, Step
from sniff.report.har_bodies import Bodies, Body, masked_json
from sniff.report.har_pages import Page, Pages
from sniff.report.http_lines import ConnectionTexts, connection_json, odd_json
from sniff.report.lines import PART_ROWS
from sniff.report.secret_urls import har_url, masked_pairs, masked_url
from sniff.report.summary import Summary

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_URLS = (b"referer", b"location", b"content-location", b":path")
"""Header fields that are URLs, in which secrets can stand."""


class HarWriter:
    """Writes the exchanges of a capture as one HAR document."""

    def __init__(self, sink: Sink, options: Options) -> None:
        self._sink = sink
        self._secrets = options.secrets
        self._chosen = options.chosen
        notes = options.notes if options.notes is not None else Notes()
        counters = options.counters if options.counters is not None else limits.Counters()
        self._bodies = Bodies(notes, counters)
        self._joiner = Joiner(notes, counters, self._bodies.begin, limits.HAR_BODY_BYTES)
        self._pages = Pages()
        self._entries = Entries(self._bodies, options.secrets)
        self._separator = 1     # bytes of the first entry's separator that are left out: its comma
        self._write_text('{"log":{"version":"1.2","creator":{"name":"sniff","version":' + quote(__version__) + '},"entries":[')

    def write(self, step: Step) -> None:
        """Write the exchanges that one step completes."""
        self._bodies.add(step.apps)
        self._write(self._joiner.add(step.apps).http)

    def end(self, summary: Summary) -> None:
        """Write those that are still open, and the pages."""
        self._bodies.finish()
        self._write(self._joiner.finish().http)
        self._write_text('\n],"pages":[')
        pages = iter(self._pages)
        comma = ""
        while part := list(islice(pages, PART_ROWS)):
            self._write_text(comma + ",".join(map(page_json, part)))
            comma = ","
        self._write_text("\n]}}\n")

    def _write(self, exchanges: Exchanges) -> None:
        if self._chosen is not None:
            chosen = self._chosen.exchanges(exchanges)
            self._bodies.forget(exchanges.select(~chosen))      # nobody will ask for them
            exchanges = exchanges.select(chosen)
        for start in range(0, len(exchanges), PART_ROWS):
            part = exchanges[start:start + PART_ROWS]
            for chunk in self._entries.chunks(part, self._pages.all_of(part, self._secrets)):
                self._sink.write(chunk[self._separator:])
                self._separator *= not chunk
            for index in np.flatnonzero(part.rows[:, x.X_ODD] & x.INTERIM).tolist():
                for message in part[index].interim:
                    self._bodies.take(message)

    def _write_text(self, text: str) -> None:
        self._sink.write(text.encode("ascii"))


class Entries:
    """Exchanges as entries: plain ones by a compiled loop (exchange_json.py), the others by `entry`."""

    def __init__(self, bodies: Bodies, secrets: bool = False) -> None:
        self._bodies = bodies
        self._secrets = secrets
        self._writer = j.Entries()
        self._writer.words(*map(view, j.constants(j.ENTRY_TEXTS, j.ENTRY_NAMES)))
        self._writer.mask(view(j.SECRET_BYTES), view(j.SECRET_STARTS), view(j.SECRET_BEGINS), view(j.CHUNKED), secrets)
        self._ends, self._addresses = ConnectionTexts(_ends), ConnectionTexts(connection_json)
        self._out = np.empty(1 << 20, np.uint8)

    def chunks(self, exchanges: Sequence[Exchange], pages: Sequence[int]) -> Iterator[bytes]:
        """The entries of some exchanges, many at a time, each with a comma and a line end before it.

        pages  number of the page of each, 0 for none
        """
        every = Exchanges.of(exchanges)
        bodies: dict[int, Body] = {}
        more, pool = self._more(every, pages, bodies)
        writer = self._writer
        writer.bind(view(every.rows), view(more), view(pool))

        def take(message: Message) -> Body | None:
            return bodies.pop(message.row[c.M_ID], None) or self._bodies.take(message)

        answer = -1
        while answer != j.DONE:
            writer.room(view(self._out))
            answer = writer.run()
            if writer.used():
                yield self._out[:writer.used()].tobytes()
            if answer == j.NOT_PLAIN:
                number = writer.after()
                yield f",\n{entry(every[number], take, pages[number], self._secrets)}".encode("ascii")
                writer.skip()

    def _more(self, exchanges: Exchanges, pages: Sequence[int], bodies: dict[int, Body]) -> tuple[Table, Bytes]:
        """int64[n, j.ENTRY_MORE_COUNT] and the pool it refers to; bodies that were asked for go to `bodies`."""
        rows, heads, prefixes = exchanges.rows, exchanges.heads, exchanges.prefixes
        more = np.empty((len(rows), j.ENTRY_MORE_COUNT), np.int64)
        more[:, j.PAGE_COLUMN] = pages
        parts, size = [heads, prefixes], len(heads) + len(prefixes)
        for column, known in ((j.ENDS_COLUMN, self._ends), (j.ADDRESSES_COLUMN, self._addresses)):
            texts = known.of(exchanges, more[:, column:column + 2], size)
            parts.append(texts)
            size += len(texts)
        sizes, numbers = rows[:, x.X_RESPONSE + c.M_BODY_LEN], rows[:, x.X_RESPONSE + c.M_ID]
        more[:, j.BODY_COLUMN] = len(heads) + rows[:, x.X_PREFIX + 1]
        maybe = (rows[:, x.X_HAS] == x.REQUEST | x.RESPONSE) & (rows[:, x.X_STATE] == 0) & (rows[:, x.X_ODD] == 0) \
            & (rows[:, x.X_REQUEST + c.M_BODY_LEN] == 0)
        longer = (sizes > 0) & (self._bodies.are_open(numbers) | (rows[:, x.X_RESPONSE + c.M_PREFIX_LEN] != sizes))
        more[longer, j.BODY_COLUMN] = -1
        for index in np.flatnonzero(maybe & longer).tolist():
            response = exchanges[index].response
            assert response is not None
            body = self._bodies.take(response)
            if body is not None:
                bodies[response.id] = body
                if body.kept == response.body_length <= PLAIN_BYTES and body.is_whole:
                    more[index, j.BODY_COLUMN] = size
                    parts.append(np.frombuffer(body.data_kept, np.uint8))
                    size += body.kept
        return more, np.concatenate(parts)


PLAIN_BYTES = 16_384
"""A larger body is not plain."""


def _ends(connection: Connection) -> str:
    """The members of an entry about its connection. `connection` is the server's port: that is how browsers show it."""
    return f',"serverIPAddress":"{connection.server}","connection":"{connection.server_port}"' if connection.server else ""


def page_json(page: Page) -> str:
    """A page, JSON in ASCII."""
    return (f'\n{{"startedDateTime":"{timestamp(page.start_ns)}","id":"page_{page.number}",'
            f'"title":{quote(page.title)},"pageTimings":{{"onContentLoad":-1,"onLoad":-1}}}}')


def entry(exchange: Exchange, take: Callable[[Message], Body | None], page: int = 0, secrets: bool = False) -> str:
    """One exchange as an entry, JSON in ASCII.

    take  gives the body of a message, None when it has none
    page  number of its page, 0 when it belongs to none
    """
    request, response, connection = exchange.request, exchange.response, exchange.connection
    dns, connect, queue, send, wait, receive = (max(phase, 0) for phase in exchange.phases)
    sent = take(request) if request is not None else None
    got = take(response) if response is not None else None
    url = har_url(exchange, secrets) if request is not None else _server_url(exchange)
    pageref = f'"pageref":"page_{page}",' if page else ""
    return (f'{{{pageref}"startedDateTime":"{timestamp(exchange.start_ns)}",'
            f'"time":{_ms(dns + connect + queue + send + wait + receive)},'
            f'"request":{_request(request, sent, url, secrets)},"response":{_response(response, got, secrets)},'
            f'"cache":{{}},"timings":{{"blocked":{_ms(queue)},"dns":{_ms(dns) if dns else -1},'
            f'"connect":{_ms(connect) if connect else -1},"send":{_ms(send)},"wait":{_ms(wait)},"receive":{_ms(receive)},"ssl":-1}}'
            f'{_ends(connection)},"_sniff":{_facts(exchange, sent, got)}}}')


# --- request and response -----------------------------------------------------------------------------------------------

def _request(message: Message | None, body: Body | None, url: str, secrets: bool) -> str:
    if message is None:
        return (f'{{"method":"","url":{quote(url)},"httpVersion":"","cookies":[],"headers":[],'
                '"queryString":[],"headersSize":-1,"bodySize":-1}')
    headers, cookies = _headers(message, secrets)
    return (f'{{"method":{quote(fields.text(message.method))},"url":{quote(url)},"httpVersion":{quote(message.version)},'
            f'"cookies":{cookies},"headers":{headers},"queryString":{_query(url)}'
            f'{_post_data(message, body, secrets) if body is not None else ""},'
            f'"headersSize":{message.row[c.M_HEAD_LEN]},"bodySize":{body.wire if body is not None else message.row[c.M_BODY_LEN]}}}')


def _response(message: Message | None, body: Body | None, secrets: bool) -> str:
    if message is None:
        return ('{"status":0,"statusText":"","httpVersion":"","cookies":[],"headers":[],'
                '"content":{"size":0,"mimeType":"x-unknown"},"redirectURL":"","headersSize":-1,"bodySize":-1}')
    headers, cookies = _headers(message, secrets)
    location = message.get(b"location")
    return (f'{{"status":{message.status},"statusText":{quote(fields.text(message.reason))},"httpVersion":{quote(message.version)},'
            f'"cookies":{cookies},"headers":{headers},"content":{_content(message, body, secrets)},'
            f'"redirectURL":{quote(masked_url(fields.text(location), secrets)) if location else quote("")},'
            f'"headersSize":{message.row[c.M_HEAD_LEN]},"bodySize":{body.wire if body is not None else message.row[c.M_BODY_LEN]}}}')


def _server_url(exchange: Exchange) -> str:
    """What is known of the URL of a request that was not seen: where it went."""
    connection = exchange.connection
    host = f"[{connection.server}]" if connection.is_ipv6 else connection.server or "unknown"
    return f"http://{host}/" if connection.server_port in (80, -1) else f"http://{host}:{connection.server_port}/"


def _headers(message: Message, secrets: bool) -> tuple[str, str]:
    """The arrays `headers` and `cookies`."""
    head, cookies = message.head, "[]"
    if head.endswith(b"\r\n\r\n") and message.is_clean:
        line = _often_shown if secrets else _often_masked
        found = ",".join(map(line, head[:-4].split(b"\r\n")[1:]))
    else:
        found = ",".join(_header(name, value, secrets) for name, value in message.fields)
    if _COOKIE(head):
        cookies = _cookies(message, secrets)
    return f"[{found}]", cookies


_COOKIE = re.compile(rb"cookie", re.IGNORECASE).search


def _header(name: bytes, value: bytes, secrets: bool) -> str:
    key = name.translate(None, _ODD).lower()
    shown = fields.text(credentials.masked(key, value, secrets))
    if key in _URLS:
        shown = masked_url(shown, secrets)
    elif key == b":authority" and b"@" in value:
        shown = masked_url(f"http://{shown}", secrets).removeprefix("http://")
    return f'{{"name":{quote(fields.text(name))},"value":{quote(shown)}}}'


def _line(line: bytes, secrets: bool) -> str:
    """The same, of a whole line of a clean head."""
    name, _, value = line.partition(b":")
    return _header(name, value.strip(_BLANK), secrets)


_BLANK = b" \t\r\x0b\x0c"
_ODD = bytes(range(33)) + b"\x7f"
"""What some put into the name of a field to hide it."""
_LINES = 8192
"""Lines that are remembered, as they come again and again; none is longer than what a head may be."""


@lru_cache(_LINES)
def _often_masked(line: bytes) -> str:
    return _line(line, False)


@lru_cache(_LINES)
def _often_shown(line: bytes) -> str:
    return _line(line, True)


def _cookies(message: Message, secrets: bool) -> str:
    found: list[dict[str, Any]] = []
    if not message.is_response:
        for name, value in forms.cookies(message.get_all(b"cookie")):
            bare = not value and not secrets       # without a name: all of it is the value
            found.append({"name": "" if bare else name, "value": value if secrets else credentials.MASK})
        return json.dumps(found)
    for line in message.get_all(b"set-cookie"):
        cookie = forms.set_cookie(line)
        one: dict[str, Any] = {"name": cookie.name, "value": cookie.value if secrets else credentials.MASK}
        one |= {key: cookie.attributes[key] for key in ("path", "domain") if key in cookie.attributes}
        expires = _date(cookie.attributes.get("expires", ""))
        if expires:
            one["expires"] = expires
        found.append(one | {"httpOnly": "httponly" in cookie.attributes, "secure": "secure" in cookie.attributes})
    return json.dumps(found)


def _date(text: str) -> str:
    """A date of HTTP as ISO 8601; empty when it is none."""
    try:
        moment = parsedate_to_datetime(text[:64].replace("-", " "))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()
    except (TypeError, ValueError, IndexError, OverflowError):
        return ""


def _query(url: str) -> str:
    query = url.partition("?")[2]
    if not query:
        return "[]"
    if "%" not in query and "+" not in query and query.isascii():
        return f"[{','.join([_pair(*member.partition('=')) for member in query.split('&') if member])}]"
    return json.dumps([{"name": name, "value": value} for name, value in forms.urlencoded(query.encode("utf-8", "replace"))])


def _pair(name: str, _: str, value: str) -> str:
    return f'{{"name":{quote(name)},"value":{quote(value)}}}'


# --- bodies -------------------------------------------------------------------------------------------------------------

def _content(message: Message, body: Body | None, secrets: bool) -> str:
    """The object `content` of a response."""
    claimed = message.get(b"content-type")
    if body is None:
        return f'{{"size":{message.row[c.M_BODY_LEN]},"mimeType":{_type(claimed)}}}'
    text, encoding = body.text(message)
    if not secrets and not encoding and body.is_json(message):
        text = masked_json(text)
    compression = f'"compression":{body.length - body.wire},' if message.codings else ""
    coded = ',"encoding":"base64"' if encoding else ""
    comment = f',"comment":{quote(body.comment)}' if body.comment else ""
    return f'{{"size":{body.length},{compression}"mimeType":{_type(claimed)},"text":{quote(text)}{coded}{comment}}}'


@lru_cache(1024)
def _type(claimed: bytes) -> str:
    return quote(fields.text(claimed) or "x-unknown")


def _post_data(message: Message, body: Body, secrets: bool) -> str:
    """`,"postData":{..}` of a request. What is no text is left out here: postData has no way to say it (see _sniff)."""
    text, encoding = body.text(message)
    comment = body.comment
    params = "[]"
    if encoding:
        text, comment = "", "; ".join(part for part in ("no text: base64 in _sniff.request", comment) if part)
    elif message.media_type == "application/x-www-form-urlencoded":
        pairs = forms.urlencoded(text.encode("utf-8", "replace"))
        params = json.dumps([{"name": name, "value": value} for name, value in masked_pairs(pairs, secrets)])
        if not secrets:
            text = masked_url(f"?{text}", secrets)[1:]
    elif message.media_type == "multipart/form-data":
        parts = forms.multipart(body.data_kept, message.media_parameters.get("boundary", b""))
        params = json.dumps([_part(part, secrets) for part in parts])
        if not secrets and any(credentials.is_secret(part.name) for part in parts):
            text, comment = "", "text left out: it holds a secret"
    elif not secrets and body.is_json(message):
        text = masked_json(text)
    said = f',"comment":{quote(comment)}' if comment else ""
    return f',"postData":{{"mimeType":{_type(message.get(b"content-type"))},"params":{params},"text":{quote(text)}{said}}}'


def _part(part: forms.Part, secrets: bool) -> dict[str, str]:
    if part.file_name:
        return {"name": part.name, "fileName": part.file_name, "contentType": part.media_type}
    return {"name": part.name, "value": part.text if secrets or not credentials.is_secret(part.name) else credentials.MASK}


# --- what HAR has no place for ------------------------------------------------------------------------------------------

def _facts(exchange: Exchange, sent: Body | None, got: Body | None) -> str:
    """The object `_sniff`."""
    first = exchange.messages[0].row
    found = (f'{{"frame.number":{first[c.M_FIRST_PACKET]}{connection_json(exchange.connection)}{_STATES[exchange.state]}'
             f'{_message_facts("request", exchange.request, sent)}{_message_facts("response", exchange.response, got)}')
    if exchange.inferred:
        found += ',"inferred":true'
    if exchange.interim:
        found += f',"interim":{[message.status for message in exchange.interim]}'
    if exchange.events:
        for name, counts in (("retransmissions", exchange.retransmissions()), ("stalls", exchange.stalls())):
            found += f',"{name}":{json.dumps(counts)}' if counts else ""
    return found + "}"


_STATES = {state: f',"state":"{state.name.lower()}"' for state in State}


def _message_facts(name: str, message: Message | None, body: Body | None) -> str:
    if message is None:
        return ""
    row = message.row
    found = (f',"{name}":{{"packets":[{row[c.M_FIRST_PACKET]},{row[c.M_LAST_PACKET]}],"offset":{row[c.M_STORE_OFFSET]}'
             f'{odd_json(row[c.M_FLAGS])}')
    if body is not None and not body.is_whole:
        found += f',"missing":{body.missing},"kept":{body.kept}'
        if body.problems:
            found += f',"problems":{json.dumps(body.problems)}'
    if body is not None and name == "request":
        text, encoding = body.text(message)
        found += f',"base64":{quote(text)}' if encoding else ""
    return found + "}"


# --- numbers ------------------------------------------------------------------------------------------------------------

def timestamp(ts_ns: int) -> str:
    """A time as ISO 8601 in UTC, with all nine decimals where they are not all needed, six."""
    seconds, fraction = divmod(ts_ns, 1_000_000_000)
    return f"{_second(seconds)}.{fraction // 1000:06d}Z"


@lru_cache(64)
def _second(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")


def _ms(ns: int) -> str:
    """Nanoseconds as a JSON number of milliseconds, exact."""
    whole, rest = divmod(ns, 1_000_000)
    return f"{whole}.{rest:06d}" if rest else str(whole)
