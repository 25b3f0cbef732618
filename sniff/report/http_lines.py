"""JSON lines of HTTP: one object an exchange, keys are Wireshark's field names, and sniff.* for what it has no name for.

Times are JSON numbers with nine decimals, durations too, in seconds. What was not seen has no key.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quote

import numpy as np

from sniff import limits
from sniff.capture.raw import Bytes, view
from sniff.decode import columns as c
from sniff.decode import fields
from sniff.decode.columns import MessageFlag
from sniff.decode.message import Message
from sniff.exchange import http_columns as x
from sniff.exchange.connection import Connection
from sniff.exchange.http import Exchange, Exchanges, State
from sniff.packets.batch import Table
from sniff.report import exchange_json as j
from sniff.report.jsonl import epoch
from sniff.report.lines import PART_ROWS

REQUEST_HEADERS = (("http.host", b"host"), ("http.user_agent", b"user-agent"), ("http.referer", b"referer"))
RESPONSE_HEADERS = (("http.server", b"server"), ("http.location", b"location"), ("http.content_type", b"content-type"))


def http_line(exchange: Exchange, secrets: bool = False) -> str:
    """One exchange as one line of ASCII, without its line end.

    frame.number and frame.time_epoch are those of its first byte. sniff.request.packets and sniff.response.packets are the
    first and the last packet, .offset where the first byte stands in the capture file, .flags what is odd about the message;
    sniff.phases sum up to sniff.duration. Credentials in the URL are masked unless `secrets`.
    """
    connection, request, response = exchange.connection, exchange.request, exchange.response
    first = exchange.messages[0].row
    line = (f'{{"frame.number":{first[c.M_FIRST_PACKET]},"frame.time_epoch":{_seconds(first[c.M_FIRST_NS])}'
            f'{connection_json(connection)}')
    if request is not None:
        line += (f',"http.request.method":{_often(request.method)},"http.request.uri":{_quoted(request.target)},'
                 f'"http.request.version":{quote(request.version)},"http.request.full_uri":{quote(exchange.url(secrets))}'
                 f'{_headers(request, REQUEST_HEADERS)}')
    if response is not None:
        line += f',"http.response.version":{quote(response.version)}'
        if response.status:
            line += f',"http.response.code":{response.status},"http.response.phrase":{_often(response.reason)}'
        line += _headers(response, RESPONSE_HEADERS)
        if request is not None:
            line += f',"http.time":{_seconds(response.row[c.M_FIRST_NS] - request.row[c.M_FIRST_NS])}'
    line += _STATES[exchange.state]
    if exchange.inferred:
        line += ',"sniff.inferred":true'
    if exchange.interim:
        line += f',"sniff.interim":{[message.status for message in exchange.interim]}'
    if request is not None:
        line += _place("request", request)
    if response is not None:
        line += _place("response", response)
    if exchange.state != State.UNASKED:
        dns, connect, queue, send, wait, receive = exchange.phases
        line += (f',"sniff.duration":{_seconds(dns + connect + queue + send + wait + receive)},'
                 f'"sniff.phases":{{"dns":{_seconds(dns)},"connect":{_seconds(connect)},"queue":{_seconds(queue)},'
                 f'"send":{_seconds(send)},"wait":{_seconds(wait)},"receive":{_seconds(receive)}}}')
    if exchange.events:
        for name, counts in (("retransmissions", exchange.retransmissions()), ("stalls", exchange.stalls())):
            line += f',"sniff.{name}":{json.dumps(counts)}' if counts else ""
    return line + "}"


class HttpLines:
    """Exchanges as lines: plain ones by a compiled loop (exchange_json.py), the others by http_line."""

    def __init__(self, secrets: bool = False) -> None:
        self._secrets = secrets
        self._writer = j.Lines()
        self._writer.words(*map(view, j.constants(j.LINE_TEXTS, j.LINE_NAMES)))
        self._texts = ConnectionTexts(connection_json)
        self._out = np.empty(1 << 20, np.uint8)

    def chunks(self, exchanges: Sequence[Exchange]) -> Iterator[bytes]:
        """The lines of some exchanges, many at a time, each with its line end."""
        every = Exchanges.of(exchanges)
        for start in range(0, len(every), PART_ROWS):
            yield b"".join(self._part(every[start:start + PART_ROWS]))

    def _part(self, exchanges: Exchanges) -> Iterator[bytes]:
        more = np.empty((len(exchanges), j.LINE_MORE_COUNT), np.int64)
        texts = self._texts.of(exchanges, more[:, j.LINE_ENDS_COLUMN:], len(exchanges.heads))
        writer = self._writer
        writer.bind(view(exchanges.rows), view(more), view(np.concatenate([exchanges.heads, texts])))
        answer = -1
        while answer != j.DONE:
            writer.room(view(self._out))
            answer = writer.run()
            yield self._out[:writer.used()].tobytes()
            if answer == j.NOT_PLAIN:
                yield http_line(exchanges[writer.after()], self._secrets).encode("ascii") + b"\n"
                writer.skip()


class ConnectionTexts:
    """What is said of connections, again and again: remembered for the last ones.

    text  makes it, ASCII
    """

    def __init__(self, text: Callable[[Connection], str]) -> None:
        self._text = text
        self._known: dict[int, bytes] = {}

    def of(self, exchanges: Exchanges, places: Table, start: int) -> Bytes:
        """uint8[t]: the texts of the connections of some exchanges, one after another.

        places  int64[n, 2]  filled with where the text of each exchange is, when they begin at `start`, and its length
        """
        known = self._known
        texts = [b""] * len(exchanges.connections)
        for place in set(exchanges.rows[:, x.X_CONNECTION].tolist()):
            connection = exchanges.connections[place]
            text = known.get(connection.stream)
            if text is None:
                if len(known) >= limits.CONNECTION_TEXTS:
                    known.clear()
                text = known[connection.stream] = self._text(connection).encode("ascii")
            texts[place] = text
        ends = np.cumsum([start, *map(len, texts)], dtype=np.int64)
        numbers = exchanges.rows[:, x.X_CONNECTION]
        places[:, 0] = ends[numbers]
        places[:, 1] = ends[numbers + 1] - ends[numbers]
        return np.frombuffer(b"".join(texts), np.uint8)


def connection_json(connection: Connection) -> str:
    """What a line says of the connection: members of a JSON object, each with a comma before it."""
    ip = "ipv6" if connection.is_ipv6 else "ip"
    return (f',"tcp.stream":{connection.stream},"{ip}.src":"{connection.client}","tcp.srcport":{connection.client_port},'
            f'"{ip}.dst":"{connection.server}","tcp.dstport":{connection.server_port}')


_STATES = {state: f',"sniff.state":"{state.name.lower()}"' for state in State}


def _seconds(ns: int) -> str:
    """A time or a duration as a JSON number of seconds."""
    if ns <= 0:
        return epoch(ns) if ns else "0.000000000"
    return f"{ns // 1_000_000_000}.{ns % 1_000_000_000:09d}"


def _quoted(raw: bytes) -> str:
    """Bytes of a head as a JSON string."""
    return quote(fields.text(raw))


@lru_cache(4096)
def _often(raw: bytes) -> str:
    """The same, of what comes again and again."""
    return quote(fields.text(raw))


def _headers(message: Message, names: tuple[tuple[str, bytes], ...]) -> str:
    """The header fields that are there."""
    found = ""
    for name, header in names:
        value = message.get(header)
        if value:
            found += f',"{name}":{_often(value) if len(value) < 256 else _quoted(value)}'
    return found


def _place(name: str, message: Message) -> str:
    """Where the message is, how large its body is, and what is odd about it."""
    row = message.row
    return (f',"sniff.{name}.packets":[{row[c.M_FIRST_PACKET]},{row[c.M_LAST_PACKET]}],'
            f'"sniff.{name}.offset":{row[c.M_STORE_OFFSET]},"sniff.{name}.body_bytes":{row[c.M_BODY_LEN]}'
            f'{odd_json(row[c.M_FLAGS], f"sniff.{name}.flags")}')


_ODD = ~int(MessageFlag.COMPLETE | MessageFlag.KEEP_ALIVE)


def odd_json(flags: int, key: str = "flags") -> str:
    """`,"flags":[..]` with what is odd about a message, in words; empty when nothing is."""
    return _odd(flags & _ODD, key) if flags & _ODD else ""


@lru_cache(4096)
def _odd(flags: int, key: str) -> str:
    words = [flag.name.lower() for flag in MessageFlag if flags & flag]
    return f',"{key}":{json.dumps(words)}' if words else ""
