"""HTTP exchanges as named columns, for people who go on with NumPy, Arrow or pandas. No object is made for an exchange.

Names are those of JSON lines (report/jsonl.py). Where there is none, numbers are -1 (of http.response.code 0) and texts empty.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sniff.decode import columns as m
from sniff.decode import fields
from sniff.exchange import http_columns as x
from sniff.exchange.http import Exchange, Exchanges, State
from sniff.exchange.url import plain_url

Column = NDArray[Any]
Maker = Callable[[Exchanges], Column]
KNOWN_TEXTS = 4096
"""So many different texts are remembered, which most often come again."""

_STATES = np.array([state.name.lower() for state in State], object)
_METHODS = np.array(m.METHODS, object)


def texts(values: Sequence[str]) -> Column:
    """object[n]"""
    column = np.empty(len(values), object)
    column[:] = values
    return column


class Texts:
    """Bytes as texts; those that come again are the same object."""

    def __init__(self, make: Callable[[bytes], str] = fields.text) -> None:
        self._make = make
        self._known: dict[bytes, str] = {}

    def __call__(self, raw: bytes) -> str:
        """The text."""
        found = self._known.get(raw)
        if found is None:
            found = self._make(raw)
            if len(self._known) < KNOWN_TEXTS:
                self._known[raw] = found
        return found


def _has(exchanges: Exchanges, side: int) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = exchanges.rows[:, x.X_HAS] & 1 << side != 0
    return found


def _of_first(column: int) -> Maker:
    """Of the message that began an exchange: the request, else the first response."""
    def make(exchanges: Exchanges) -> Column:
        rows = exchanges.rows
        asked = _has(exchanges, 0)
        found = np.where(asked, rows[:, x.X_REQUEST + column], rows[:, x.X_RESPONSE + column])
        for index in np.flatnonzero(~asked & (rows[:, x.X_ODD] & x.INTERIM != 0)).tolist():
            found[index] = exchanges[index].messages[0].row[column]
        return found
    return make


def _number(side: int, column: int, missing: int = -1) -> Maker:
    """Of the request (side 0) or the response (1)."""
    return lambda exchanges: np.where(_has(exchanges, side), exchanges.rows[:, side * m.M_COUNT + column], missing)


def _span(*moments: int) -> Maker:
    """The sum of the spans between pairs of moments."""
    def make(exchanges: Exchanges) -> Column:
        rows = exchanges.rows
        total = np.zeros(len(rows), np.int64)
        for before, after in zip(moments[::2], moments[1::2], strict=True):
            total += rows[:, x.X_MOMENTS + after] - rows[:, x.X_MOMENTS + before]
        return total
    return make


def _connection(name: str) -> Maker:
    """An attribute of the connection."""
    def make(exchanges: Exchanges) -> Column:
        which, places = np.unique(exchanges.rows[:, x.X_CONNECTION], return_inverse=True)
        values = [getattr(exchanges.connections[index], name) for index in which.tolist()]
        return (texts(values) if name in ("client", "server") else np.array(values, np.int64))[places]
    return make


def _methods(exchanges: Exchanges) -> Column:
    found = _METHODS[np.where(_has(exchanges, 0), exchanges.rows[:, x.X_REQUEST + m.M_METHOD], 0)]
    for index in np.flatnonzero((exchanges.rows[:, x.X_REQUEST + m.M_METHOD] == 0) & _has(exchanges, 0)).tolist():
        request = exchanges[index].request
        found[index] = request.method.decode("latin-1") if request is not None else ""
    return found


def _field(side: int, name: bytes) -> Maker:
    """The first value of a header field."""
    def make(exchanges: Exchanges) -> Column:
        heads, text = exchanges.heads.data, Texts()
        words, places = exchanges.plain(side, name)
        found = [text(bytes(heads[start:end])) if start >= 0 else "" for start, end in places.tolist()]
        for index in np.flatnonzero((words[:, 0] < 0) & _has(exchanges, side)).tolist():
            exchange = exchanges[index]
            message = exchange.response if side else exchange.request
            found[index] = fields.text(message.get(name)) if message is not None else ""
        return texts(found)
    return make


def _target_of(exchange: Exchange) -> str:
    return fields.text(exchange.request.target) if exchange.request is not None else ""


def _targets(exchanges: Exchanges) -> Column:
    heads = exchanges.heads.data
    words, _ = exchanges.plain(0, b"host")
    return texts([fields.text(bytes(heads[first + 1:second])) if first >= 0 else _target_of(exchanges[index])
                  for index, (first, second, _) in enumerate(words.tolist())])


def _urls(exchanges: Exchanges) -> Column:
    heads = exchanges.heads.data
    words, places = exchanges.plain(0, b"host", b"authorization")
    scheme_known = exchanges.rows[:, x.X_REQUEST + m.M_METHOD] != m.METHODS.index("CONNECT")
    found = []
    for index, (known, (first, second, _), (start, end)) in enumerate(
            zip(scheme_known.tolist(), words.tolist(), places.tolist(), strict=True)):
        host, target = bytes(heads[max(start, 0):end]), bytes(heads[first + 1:second])
        is_plain = known and first >= 0 and start < end and target[:1] == b"/" and b"@" not in host
        found.append(plain_url(host, target) if is_plain else exchanges[index].url())
    return texts(found)


COLUMNS: dict[str, tuple[type | str, Maker]] = {
    "frame.number": (np.int64, _of_first(m.M_FIRST_PACKET)),
    "frame.time_epoch": ("datetime64[ns]", lambda exchanges: _of_first(m.M_FIRST_NS)(exchanges).astype("datetime64[ns]")),
    "tcp.stream": (np.int64, lambda exchanges: exchanges.rows[:, x.X_STREAM]),
    "ip.src": (object, _connection("client")), "tcp.srcport": (np.int64, _connection("client_port")),
    "ip.dst": (object, _connection("server")), "tcp.dstport": (np.int64, _connection("server_port")),
    "http.request.method": (object, _methods),
    "http.request.uri": (object, _targets),
    "http.request.full_uri": (object, _urls),
    "http.host": (object, _field(0, b"host")), "http.user_agent": (object, _field(0, b"user-agent")),
    "http.referer": (object, _field(0, b"referer")),
    "http.response.code": (np.int64, _number(1, m.M_STATUS, 0)),
    "http.content_type": (object, _field(1, b"content-type")), "http.server": (object, _field(1, b"server")),
    "http.location": (object, _field(1, b"location")),
    "sniff.state": (object, lambda exchanges: _STATES[exchanges.rows[:, x.X_STATE]]),
    "sniff.request.body_bytes": (np.int64, _number(0, m.M_BODY_LEN)),
    "sniff.response.packet": (np.int64, _number(1, m.M_FIRST_PACKET)),
    "sniff.response.body_bytes": (np.int64, _number(1, m.M_BODY_LEN)),
    "sniff.duration_ns": (np.int64, _span(0, 8)),
    "sniff.dns_ns": (np.int64, _span(0, 1)), "sniff.connect_ns": (np.int64, _span(2, 3)),
    "sniff.queue_ns": (np.int64, _span(1, 2, 3, 4, 5, 6)), "sniff.send_ns": (np.int64, _span(4, 5)),
    "sniff.wait_ns": (np.int64, _span(6, 7)), "sniff.receive_ns": (np.int64, _span(7, 8)),
}
"""{name: (dtype, its values for some exchanges)}."""
