"""DNS exchanges as named columns, for people who go on with NumPy, Arrow or pandas.

Numbers are -1 and texts empty where there is none. An object is made only for an exchange with an odd name.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sniff.decode import dns_columns as d
from sniff.decode.dns_fields import type_name
from sniff.decode.dns_message import show_address
from sniff.decode.dns_text import read_name
from sniff.exchange import dns_pair as p
from sniff.exchange.dns import DnsExchanges, State
from sniff.packets.batch import Table
from sniff.report.http_table import KNOWN_TEXTS, texts

Column = NDArray[Any]
Maker = Callable[[DnsExchanges], Column]

_HEADER = 12
"""Bytes before the first question (RFC 1035 section 4.1.1)."""
_STATES = np.array([state.name.lower() for state in sorted(State)], object)


def _asked(lookups: DnsExchanges) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = lookups.rows[:, p.X_QUERY_ + d.D_NUMBER] != 0
    return found


def _either(column: int) -> Maker:
    """Of the query, or else of the response."""
    return lambda lookups: np.where(_asked(lookups), lookups.rows[:, p.X_QUERY_ + column], lookups.rows[:, p.X_ANSWER_ + column])


def _answer(column: int) -> Maker:
    def make(lookups: DnsExchanges) -> Column:
        rows = lookups.rows
        return np.where(rows[:, p.X_ANSWER_ + d.D_NUMBER] != 0, rows[:, p.X_ANSWER_ + column], -1)
    return make


def _times(lookups: DnsExchanges) -> Column:
    rows = lookups.rows
    both = _asked(lookups) & (rows[:, p.X_ANSWER_ + d.D_NUMBER] != 0)
    return np.where(both, rows[:, p.X_ANSWER_ + d.D_TS_NS] - rows[:, p.X_QUERY_ + d.D_TS_NS], -1)


def _by_value(values: Table, make: Callable[..., str]) -> Column:
    """object[n] of int64[n] or of int64[n, k]: the text of each, made once for those that are the same."""
    if values.ndim > 1 and (values[:, :-1] == values[0, :-1]).all():     # of addresses of IPv4 only the last one differs
        first = values[0, :-1].tolist()
        return _by_value(values[:, -1], lambda last: make(*first, last))
    which, places = np.unique(values, return_inverse=True, axis=0)
    rows = which.tolist() if values.ndim > 1 else [[value] for value in which.tolist()]
    return texts([make(*row) for row in rows])[places.reshape(-1)]


def _address(of_query: tuple[int, int], of_answer: tuple[int, int]) -> Maker:
    def make(lookups: DnsExchanges) -> Column:
        rows, asked = lookups.rows, _asked(lookups)[:, np.newaxis]
        query = rows[:, [p.X_QUERY_ + column for column in (d.D_IP_VERSION, *of_query)]]
        answer = rows[:, [p.X_ANSWER_ + column for column in (d.D_IP_VERSION, *of_answer)]]
        return _by_value(np.where(asked, query, answer), show_address)
    return make


def _types(lookups: DnsExchanges) -> Column:
    rows = lookups.rows
    query, answer = rows[:, p.X_QUERY_ + d.D_QTYPE], rows[:, p.X_ANSWER_ + d.D_QTYPE]
    has_query, has_answer = _asked(lookups) & (query >= 0), (rows[:, p.X_ANSWER_ + d.D_NUMBER] != 0) & (answer >= 0)
    return _by_value(np.where(has_query, query, np.where(has_answer, answer, -1)), lambda kind: type_name(kind) if kind >= 0 else "")


def _names(lookups: DnsExchanges) -> Column:
    """The name of the first question; most come again and again, and stand plainly behind the header."""
    rows, buffers = lookups.rows, (b"", lookups.messages.data.data, lookups.old.data)
    plain = _asked(lookups) & (rows[:, p.X_BUFFER_] > 0) & (rows[:, p.X_QUERY_ + d.D_QHASH] != 0)
    known: dict[bytes, str] = {}
    found = []
    for index, (is_plain, (buffer, start, length)) in enumerate(
            zip(plain.tolist(), rows[:, [p.X_BUFFER_, p.X_START_, p.X_LEN_]].tolist(), strict=True)):
        wire = bytes(buffers[buffer][start + _HEADER:start + min(length, _HEADER + 256)]) if is_plain else b""
        name = wire[:wire.find(b"\0") + 1]
        text = known.get(name) if name else None
        if text is None:
            if _ends(name):
                text, _ = read_name(name, 0)
                if len(known) < KNOWN_TEXTS:
                    known[name] = text
            else:
                text = lookups[index].name
        found.append(text)
    return texts(found)


def _ends(name: bytes) -> bool:
    """Whether a name up to its first zero byte is whole: labels without pointers, the last one empty."""
    at = 0
    while at < len(name) and 0 < name[at] < 64:
        at += 1 + name[at]
    return 0 < at == len(name) - 1


COLUMNS: dict[str, tuple[type | str, Maker]] = {
    "frame.number": (np.int64, _either(d.D_NUMBER)),
    "frame.time_epoch": ("datetime64[ns]", lambda lookups: _either(d.D_TS_NS)(lookups).astype("datetime64[ns]")),
    "dns.id": (np.int64, _either(d.D_ID)),
    "dns.qry.name": (object, _names), "dns.qry.type": (object, _types),
    "dns.flags.rcode": (np.int64, _answer(d.D_RCODE)), "dns.count.answers": (np.int64, _answer(d.D_ANSWERS)),
    "sniff.stream": (np.int64, _either(d.D_STREAM)),
    "sniff.client": (object, _address((d.D_SRC_HI, d.D_SRC_LO), (d.D_DST_HI, d.D_DST_LO))),
    "sniff.server": (object, _address((d.D_DST_HI, d.D_DST_LO), (d.D_SRC_HI, d.D_SRC_LO))),
    "sniff.state": (object, lambda lookups: _STATES[lookups.rows[:, p.X_STATE_]]),
    "sniff.response.packet": (np.int64, _answer(d.D_NUMBER)),
    "sniff.retries": (np.int64, lambda lookups: lookups.rows[:, p.X_RETRIES_]),
    "sniff.time_ns": (np.int64, _times),
}
"""{name: (dtype, its values for some exchanges)}."""
