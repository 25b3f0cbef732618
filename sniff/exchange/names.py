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

_HEAD = [p.X_ANSWER_ + d.D_START, p.X_ANSWER_ + d.D_LEN, p.X_ANSWER_ + d.D_PROTOCOL, p.X_ANSWER_ + d.D_DST_HI,
         p.X_ANSWER_ + d.D_DST_LO, p.X_ANSWER_ + d.D_QHASH, p.X_QUERY_ + d.D_TS_NS, p.X_QUERY_ + d.D_NUMBER,
         p.X_ANSWER_ + d.D_TS_NS, p.X_ANSWER_ + d.D_NUMBER]
"""Columns of an exchange that one answer is learned from."""


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
        self._names: dict[bytes, str] = {}
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
        kind, length = records[:, d.R_TYPE], records[:, d.R_LENGTH]
        chosen = np.flatnonzero((((kind == 1) & (length == 4)) | ((kind == 28) & (length == 16)))
                                & (records[:, d.R_SECTION] == d.Section.ANSWER) & (by_message[records[:, d.R_MESSAGE]] >= 0))
        if not len(chosen):
            return
        said = records[chosen][:, [d.R_MESSAGE, d.R_DATA, d.R_LENGTH, d.R_OWNER]]
        heads = rows[:, _HEAD][by_message[said[:, 0]]]
        view, last, learned = batch.data.tobytes(), -1, None
        client = 0, 0
        for (message, data, size, owner), head in zip(said.tolist(), heads.tolist(), strict=True):
            start = head[0]
            if message != last:
                last = message
                learned = self._read(head, view[start:start + head[1]], owner)
                client = (0, 0) if head[2] == Protocol.MDNS else (head[3] & _LOW_64, head[4] & _LOW_64)
            if learned is not None:
                address = int.from_bytes(view[start + data:start + data + size], "big")
                self._add((*client, address >> 64, address & _LOW_64), learned)

    def _read(self, head: list[int], wire: bytes, owner: int) -> Learned | None:
        """What an answer says besides its addresses. `owner` is where the first of their names stands."""
        at = 12 if head[5] else owner
        end = wire.find(0, at)
        name = self._names.get(wire[at:end])        # the same names come again and again
        if name is None:
            try:
                name, after = read_name(wire, at)
            except BadName:
                return None
            if after == end + 1:
                if len(self._names) > 16_384:
                    self._names.clear()
                self._names[wire[at:end]] = name
        return Learned(name, head[6] if head[7] else -1, head[8], head[7], head[9])

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


def _columns(address: str) -> tuple[int, int]:
    """An address as two unsigned columns."""
    number = int(IPv6Address(address)) if ":" in address else int(IPv4Address(address))
    return number >> 64, number & _LOW_64
