"""Plain exchanges, read many at once: the fast way to what logs say of HTTP.

An exchange is plain when it is what nearly all are: a request for a path and its response, both whole, their heads without
anything odd (decode/head_fields.py), neither credentials nor proxies nor ranges nor names of files in them, bodies that are no
multipart. Of any other there is a Record (http_records.py), made from objects; where both speak, they say the same.
"""

import hashlib
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sniff import limits
from sniff.capture.raw import view
from sniff.decode import columns as c
from sniff.decode import fields, media
from sniff.decode.body import BodyDecoder
from sniff.decode.columns import Framing, MessageFlag
from sniff.decode.head_fields import plain
from sniff.decode.message import TRANSFER_CODINGS, codings
from sniff.exchange import http_columns as x
from sniff.exchange.http import Exchanges
from sniff.packets.batch import Table
from sniff.report.http_records import PartsDigest, Record, Records
from sniff.report.lines import PART_ROWS

_BODY = (b"content-type", b"content-length", b"content-encoding", b"transfer-encoding")
_ODD = (b"content-disposition", b"content-range")
_REQUEST = (*_BODY, b"host", b"user-agent", b"referer", b"origin")
_RESPONSE = (*_BODY, b"location")


class PlainBody(NamedTuple):
    """A body of a plain exchange.

    number     M_ID of its message
    length     bytes of it, codings undone
    wire       bytes of it, codings not undone
    total      what Content-Length says of it where that counts and nothing is coded, else -1
    cut_line   it ends with the connection, and not with a line end
    hashes     those that were asked for, as hexadecimal text
    """

    number: int
    head_ns: int
    last_ns: int
    last_packet: int
    length: int
    wire: int
    total: int
    cut_line: bool
    media_type: str
    hashes: list[str]


class Plain(NamedTuple):
    """A plain exchange. Header fields are empty when they are missing; moments are those of the messages (M_*).

    connection  which of those of the exchanges it was read from
    """

    connection: int
    place: int
    first_ns: int
    last_ns: int        # of the response, like the next two
    last_packet: int
    status: int
    method: bytes
    target: bytes
    request_version: bytes
    host: bytes
    user_agent: bytes
    referer: bytes
    origin: bytes
    version: bytes      # of the response
    reason: bytes
    content_type: bytes
    location: bytes
    sent: PlainBody | None
    got: PlainBody | None


class Words(dict[bytes, str]):
    """What a log says of values that come again and again, remembered: at most limits.LOG_TEXTS, then all are forgotten.

    say  makes it
    """

    def __init__(self, say: Callable[[bytes], str]) -> None:
        super().__init__()
        self._say = say

    def __missing__(self, value: bytes) -> str:
        text = self._say(value)
        if len(value) <= limits.LOG_TEXT_BYTES:
            if len(self) >= limits.LOG_TEXTS:
                self.clear()
            self[value] = text
        return text


class PlainReader:
    """Reads exchanges.

    odd  more header fields of requests with which an exchange is not plain
    """

    def __init__(self, odd: tuple[bytes, ...] = ()) -> None:
        self._request = _Heads(0, _REQUEST, (*_ODD, *odd))
        self._response = _Heads(1, _RESPONSE, _ODD)

    def read(self, records: Records) -> Iterator[Plain | Record]:
        """Some exchanges, in their order."""
        exchanges = records.exchanges
        maybe = _maybe(exchanges.rows)
        if not maybe.any():
            yield from records
            return
        heads, prefixes = exchanges.heads.tobytes(), exchanges.prefixes.tobytes()
        for start in range(0, len(records), PART_ROWS):
            yield from self._part(records.part(start, start + PART_ROWS), maybe[start:start + PART_ROWS], heads, prefixes)

    def _part(self, records: Records, maybe: NDArray[np.bool_], heads: bytes, prefixes: bytes) -> Iterator[Plain | Record]:
        exchanges, collected = records.exchanges, records.collected
        rows = exchanges.rows
        request, response = self._request.read(exchanges, heads), self._response.read(exchanges, heads)
        maybe &= request.plain & response.plain
        sent, got = (_bodies(records, maybe, side, prefixes) for side in (request, response))
        method, target, request_version = request.words
        version, _, reason = response.words
        columns = zip(
            rows[:, x.X_CONNECTION].tolist(), rows[:, x.X_PLACE].tolist(), rows[:, x.X_REQUEST + c.M_FIRST_NS].tolist(),
            rows[:, x.X_RESPONSE + c.M_LAST_NS].tolist(), rows[:, x.X_RESPONSE + c.M_LAST_PACKET].tolist(),
            rows[:, x.X_RESPONSE + c.M_STATUS].tolist(), method, target, request_version,
            *(request.values[name] for name in (b"host", b"user-agent", b"referer", b"origin")), version, reason,
            *(response.values[name] for name in (b"content-type", b"location")), sent, got, strict=True)
        numbers = rows[:, [x.X_REQUEST + c.M_ID, x.X_RESPONSE + c.M_ID]]
        for index, (is_plain, exchange) in enumerate(zip(maybe.tolist(), map(Plain._make, columns), strict=True)):
            if not is_plain or not exchange.target.startswith(b"/"):
                yield records.record(index)
                continue
            if collected:
                for number in numbers[index].tolist():
                    collected.pop(number, None)
            yield exchange


_METHODS = [c.METHODS.index(name) for name in ("CONNECT", "PRI")]
_FLAGS = MessageFlag.COMPLETE | MessageFlag.GAP | MessageFlag.CUT_HEAD
_PARTIAL = 206


def _maybe(rows: Table) -> NDArray[np.bool_]:
    """bool[n]: exchanges that are plain when their heads and bodies are."""
    found = (rows[:, x.X_HAS] == x.REQUEST | x.RESPONSE) & (rows[:, x.X_ODD] & x.INTERIM == 0) \
        & (rows[:, x.X_RESPONSE + c.M_STATUS] != _PARTIAL) & ~np.isin(rows[:, x.X_REQUEST + c.M_METHOD], _METHODS)
    for side in (x.X_REQUEST, x.X_RESPONSE):
        found &= (rows[:, side + c.M_FLAGS] & _FLAGS == MessageFlag.COMPLETE) & (rows[:, side + c.M_GAP_BYTES] == 0)
    return found


class _Side:
    """What the heads of one side say, in columns. Of heads that are not plain it says nothing that makes sense.

    number  0 requests, 1 responses
    plain   bool[n]
    words   the three words of start lines
    values  {name of a field: its values}
    """

    def __init__(self, number: int, plain: NDArray[np.bool_], words: list[list[bytes]], values: dict[bytes, list[bytes]]) -> None:
        self.number = number
        self.plain = plain
        self.words = words
        self.values = values


class _Heads:
    """Reads the heads of one side."""

    def __init__(self, side: int, wanted: tuple[bytes, ...], odd: tuple[bytes, ...]) -> None:
        self._side = side
        self._wanted = wanted
        names = (*wanted, *odd)
        self._names = np.frombuffer(b"".join(names), np.uint8)
        self._name_starts = np.cumsum([0, *map(len, names)], dtype=np.int64)

    def read(self, exchanges: Exchanges, heads: bytes) -> _Side:
        """Read them. heads: exchanges.heads"""
        rows, wanted = exchanges.rows, self._wanted
        words, places = np.empty((len(rows), 3), np.int64), np.empty((len(rows), 2 * len(wanted)), np.int64)
        starts = np.ascontiguousarray(rows[:, x.X_HEAD + self._side])
        lengths = np.ascontiguousarray(rows[:, self._side * c.M_COUNT + c.M_HEAD_KEPT])
        plain(view(exchanges.heads), view(starts), view(lengths), bool(self._side), view(self._names), view(self._name_starts),
              len(wanted), view(words), view(places))
        return _Side(self._side, words[:, 0] >= 0,
                     [_cut(heads, starts, words[:, 0]), _cut(heads, words[:, 0] + 1, words[:, 1]),
                      _cut(heads, words[:, 1] + 1, words[:, 2])],
                     {name: _cut(heads, places[:, 2 * k], places[:, 2 * k + 1]) for k, name in enumerate(wanted)})


def _cut(pool: bytes, starts: Table, ends: Table) -> list[bytes]:
    return [pool[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]


_COLUMNS = [c.M_ID, c.M_HEAD_NS, c.M_LAST_NS, c.M_LAST_PACKET, c.M_FRAMING, c.M_BODY_LEN, c.M_PREFIX_LEN]


def _bodies(records: Records, maybe: NDArray[np.bool_], side: _Side, prefixes: bytes) -> list[PlainBody | None]:
    """The bodies of one side; where one is not plain, `maybe` becomes false."""
    rows, collected, arrived = records.exchanges.rows, records.collected, records.arrived
    found: list[PlainBody | None] = [None] * len(rows)
    at = side.number * c.M_COUNT
    indexes = np.flatnonzero(maybe & (rows[:, at + c.M_BODY_LEN] > 0))
    facts = rows[indexes][:, [at + column for column in _COLUMNS] + [x.X_PREFIX + side.number]].tolist()
    types, lengths, content, transfer = (side.values[name] for name in _BODY)
    for index, (number, head_ns, last_ns, packet, framing, size, kept, prefix) in zip(indexes.tolist(), facts, strict=True):
        body = collected.get(number)
        coded, last = False, b""
        if types[index][:10].lower() == b"multipart/":
            pass
        elif body is not None:
            info, digest = body.info, body.digest
            if info.complete and info.length and not isinstance(digest, PartsDigest):
                coded, last, framing = bool(body.message.codings), digest.last, body.message.framing
                media_type, hashes, length = body.media_type, [digest.hash(name) for name in records.hashes], info.length
        elif size == kept or number in arrived:
            data = prefixes[prefix:prefix + size] if size == kept else b"".join(arrived[number])
            coded = bool(content[index] or transfer[index].lower() not in (b"", b"chunked"))
            if coded:
                coded, data = _decoded(data, content[index], transfer[index])
            last, media_type, length = data[-1:], media.from_content(data[:limits.SNIFF_BYTES]), len(data)
            hashes = [_HASHES[name](data).hexdigest() for name in records.hashes]
        total = fields.number(lengths[index]) if framing == Framing.LENGTH and not coded else -1
        if not last or total is None:
            maybe[index] = False
            continue
        found[index] = PlainBody(number, head_ns, last_ns, packet, length, size, total,
                                 framing == Framing.CLOSE and not coded and last != b"\n", media_type, hashes)
    return found


_PLAIN_BYTES = 4 << 20
"""A compressed body that is larger is not plain: it is read as a stream."""


def _decoded(data: bytes, content: bytes, transfer: bytes) -> tuple[bool, bytes]:
    """(whether a body has codings, its bytes without them); no bytes when something is strange about it.

    content, transfer  Content-Encoding and Transfer-Encoding
    """
    if len(content) + len(transfer) > limits.LOG_TEXT_BYTES:
        return True, b""
    names = _codings(content, transfer)
    decoder = BodyDecoder(names, _PLAIN_BYTES if names else len(data))
    decoded = decoder.feed(data) + decoder.finish()
    return bool(names), b"" if decoder.problems else decoded


@lru_cache(limits.LOG_TEXTS)
def _codings(content: bytes, transfer: bytes) -> list[str]:
    """Message.codings of a head with these two fields, each once."""
    return codings([content]) + [name for name in codings([transfer]) if name in TRANSFER_CODINGS]


_HASHES = {name: partial(getattr(hashlib, name), usedforsecurity=False) for name in ("md5", "sha1", "sha256")}

