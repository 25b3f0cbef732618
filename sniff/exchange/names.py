"""Names for addresses: what clients of this capture learned from DNS, each for itself and in time order.

Nothing is asked from the network. A client that was told an address as the answer to a question knows it by the name it
asked for, whatever aliases lay between.
"""

from collections import OrderedDict
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

import numpy as np

from sniff import limits
from sniff.decode import dns_columns as d
from sniff.decode.columns import Protocol
from sniff.decode.dns_text import BadName, read_name
from sniff.exchange import dns_pair as p
from sniff.exchange.dns import DnsExchanges
from sniff.exchange.http import Lookup
from sniff.packets.batch import Table

_LOW_64 = (1 << 64) - 1
_MOST = 16
"""Answers remembered of one client about one address; the oldest is forgotten first."""

Key = tuple[int, int, int, int]


class Learned(NamedTuple):
    """One answer: who asked for which name, and was told the address when.

    asked_ns is -1 when the query was not seen; packets are frame.number of the query (0) and of the response
    """

    name: str
    asked_ns: int
    answered_ns: int
    query_packet: int
    response_packet: int


class Names:
    """What clients learned. Feed every DnsExchanges in order; questions may be asked at any time.

    counters  `names_forgotten` counts (client, address) pairs that too many others pushed out (limits.NAMES)
    """

    def __init__(self, counters: limits.Counters | None = None) -> None:
        self.counters = counters if counters is not None else limits.Counters()
        self._known: OrderedDict[Key, list[Learned]] = OrderedDict()
        self._anyone: OrderedDict[tuple[int, int], Learned] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def learn(self, exchanges: DnsExchanges) -> None:
        """Take in the addresses of the answers of one batch."""
        rows, batch = exchanges.rows, exchanges.messages
        taught = np.flatnonzero((rows[:, p.X_RESPONSE_] >= 0) & (rows[:, p.X_STATE_] != p.SECOND_)
                                & (rows[:, p.X_ANSWER_ + d.D_RCODE] == 0))
        if not len(taught):
            return
        by_message: Table = np.full(len(batch), -1, np.int64)
        by_message[rows[taught, p.X_RESPONSE_]] = taught
        records = batch.records
        kind, length = records[d.R_TYPE], records[d.R_LENGTH]
        chosen = np.flatnonzero((((kind == 1) & (length == 4)) | ((kind == 28) & (length == 16)))
                                & (records[d.R_SECTION] == d.Section.ANSWER) & (by_message[records[d.R_MESSAGE]] >= 0))
        view, last, learned, client = batch.data.tobytes(), -1, None, (0, 0)
        for message, data, size, owner in records[:, chosen][[d.R_MESSAGE, d.R_DATA, d.R_LENGTH, d.R_OWNER]].T.tolist():
            if message != last:
                last = message
                row = rows[by_message[message]].tolist()
                learned, client = _learned(row, view, owner)
                start = row[p.X_ANSWER_ + d.D_START]
            if learned is not None:
                address = int.from_bytes(view[start + data:start + data + size], "big")
                self._add((client[0], client[1], address >> 64, address & _LOW_64), learned)

    def _add(self, key: Key, learned: Learned) -> None:
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = []
            while len(self._known) > limits.NAMES:
                self._known.popitem(last=False)
                self.counters.names_forgotten += 1
        else:
            self._known.move_to_end(key)
        if len(known) == _MOST:
            del known[0]
        known.append(learned)
        self._anyone[key[2:]] = learned
        if len(self._anyone) > limits.NAMES:
            self._anyone.popitem(last=False)

    def learned(self, client: str | None, address: str, ts_ns: int = 1 << 63) -> Learned | None:
        """The last answer up to `ts_ns` that gave `address` to `client`; to anybody when `client` is None.

        client, address  IPv4 or IPv6 addresses as text. Raises ValueError when they are none
        """
        high, low = _columns(address)
        if client is None:
            anyone = self._anyone.get((high, low))
            return anyone if anyone is not None and anyone.answered_ns <= ts_ns else None
        return self._last((*_columns(client), high, low), ts_ns)

    def lookup(self, client: str | None, address: str, ts_ns: int = 1 << 63) -> str | None:
        """The name by which `client` knows `address` at `ts_ns`; see learned()."""
        learned = self.learned(client, address, ts_ns)
        return learned.name if learned is not None else None

    def before(self, client_hi: int, client_lo: int, server_hi: int, server_lo: int, ns: int) -> Lookup | None:
        """The last lookup by this client that gave this address, answered not later than `ns` (exchange/http.py)."""
        learned = self._last((client_hi & _LOW_64, client_lo & _LOW_64, server_hi & _LOW_64, server_lo & _LOW_64), ns)
        if learned is None or learned.asked_ns < 0:
            return None
        return Lookup(learned.name, learned.asked_ns, learned.answered_ns)

    def _last(self, key: Key, ts_ns: int) -> Learned | None:
        for learned in reversed(self._known.get(key, ())):
            if learned.answered_ns <= ts_ns:
                return learned
        return None


def _learned(row: list[int], view: bytes, owner: int) -> tuple[Learned | None, tuple[int, int]]:
    """(what an answer says besides its addresses, the client's address) of one exchange.

    owner  of its first address, in the message: its name when nothing was asked
    """
    answer = row[p.X_ANSWER_:]
    start = answer[d.D_START]
    wire = view[start:start + answer[d.D_LEN]]
    try:
        name, _ = read_name(wire, 12 if answer[d.D_QUESTIONS] else owner)
    except BadName:
        return None, (0, 0)
    asked = bool(row[p.X_QUERY_ + d.D_NUMBER])
    learned = Learned(name, row[p.X_QUERY_ + d.D_TS_NS] if asked else -1, answer[d.D_TS_NS], row[p.X_QUERY_ + d.D_NUMBER],
                      answer[d.D_NUMBER])
    if answer[d.D_PROTOCOL] == Protocol.MDNS:       # sent to a group: nobody's own knowledge
        return learned, (0, 0)
    return learned, (answer[d.D_DST_HI] & _LOW_64, answer[d.D_DST_LO] & _LOW_64)


def _columns(address: str) -> tuple[int, int]:
    """An address as two unsigned columns."""
    number = int(IPv6Address(address)) if ":" in address else int(IPv4Address(address))
    return number >> 64, number & _LOW_64
