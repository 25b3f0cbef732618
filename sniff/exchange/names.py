"""Names for addresses: what clients of this capture learned from DNS, each for itself and in time order.

Nothing is asked from the network. A client that was told an address as the answer to a question knows it by the name it
asked for, whatever aliases lay between.
"""

import os
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

import numpy as np

from sniff import limits
from sniff.capture.raw import Bytes
from sniff.decode.dns_text import show_labels
from sniff.exchange import name_table as n
from sniff.exchange.dns import DnsExchanges
from sniff.exchange.http import Lookup
from sniff.packets.batch import Table

ANY_TIME = (1 << 63) - 1


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

    counters  `names_forgotten` counts answers that too many younger ones pushed out (limits.NAMES)
    """

    def __init__(self, counters: limits.Counters | None = None) -> None:
        self.counters = counters if counters is not None else limits.Counters()
        self._table: Table = np.empty((0, n.N_COUNT_), np.int64)
        self._names: Bytes = np.empty(0, np.uint8)
        self._buckets: Table = np.empty(0, np.int64)
        self._ctl: Table = np.zeros(2, np.int64)
        self._key: Table = np.zeros(4, np.int64)
        self._seed = int.from_bytes(os.urandom(4), "big")

    def learn(self, exchanges: DnsExchanges) -> None:
        """Take in the addresses of the answers of one batch."""
        if not len(exchanges):
            return
        if not len(self._table):
            self._table = np.zeros((limits.NAMES, n.N_COUNT_), np.int64)    # pages nobody touches cost nothing
            self._names = np.zeros(limits.NAMES * limits.NAME_BYTES, np.uint8)
            self._buckets = np.zeros(limits.NAMES, np.int64)
        before = int(self._ctl[n.SERIAL_])
        n.learn(exchanges.rows, exchanges.messages.records, exchanges.messages.data, self._table, self._names, self._buckets,
                self._seed, self._ctl, self._key)
        self.counters.names_forgotten += max(int(self._ctl[n.SERIAL_]) - max(before, len(self._table)), 0)

    def youngest(self, serial: int, most: int) -> tuple[int, list[tuple[str, str]]]:
        """What was learned after answer number `serial`, as (address, name), the oldest first; and the number to ask with next.

        most  so many at most, the youngest ones
        """
        last = int(self._ctl[n.SERIAL_])
        found = []
        for number in range(max(serial, last - 2 * min(most, len(self._table) // 2)) + 1, last + 1):
            row = self._table[number % len(self._table)].tolist()
            if row[n.N_CLIENT_HI_] or row[n.N_CLIENT_LO_]:
                continue        # each stands there twice: for its client, and for anybody
            name = self._name(row)
            if name:
                found.append((_address(row[n.N_HI_], row[n.N_LO_]), name))
        return last, found

    def learned(self, client: str | None, address: str, ts_ns: int = ANY_TIME) -> Learned | None:
        """The last answer up to `ts_ns` that gave `address` to `client`; to anybody when `client` is None.

        client, address  IPv4 or IPv6 addresses as text. Raises ValueError when they are none
        """
        return self.find((*(_columns(client) if client is not None else (0, 0)), *_columns(address)), ts_ns)

    def lookup(self, client: str | None, address: str, ts_ns: int = ANY_TIME) -> str | None:
        """The name by which `client` knows `address` at `ts_ns`; see learned()."""
        learned = self.learned(client, address, ts_ns)
        return learned.name if learned is not None else None

    def before(self, client_hi: int, client_lo: int, server_hi: int, server_lo: int, ns: int) -> Lookup | None:
        """The last lookup by this client that gave this address, answered not later than `ns` (exchange/http.py)."""
        learned = self.find((client_hi, client_lo, server_hi, server_lo), ns)
        if learned is None or learned.asked_ns < 0:
            return None
        return Lookup(learned.name, learned.asked_ns, learned.answered_ns)

    def find(self, key: tuple[int, int, int, int], ts_ns: int) -> Learned | None:
        """learned(), by the columns of client and address."""
        if not len(self._table):
            return None
        self._key[:] = [_signed(part) for part in key]
        index = n.find(self._table, self._buckets, self._seed, self._ctl, self._key, ts_ns)
        if index < 0:
            return None
        row = self._table[index].tolist()
        name = self._name(row)
        if name is None:
            return None
        return Learned(name, row[n.N_ASKED_], row[n.N_ANSWERED_], row[n.N_QUERY_], row[n.N_RESPONSE_])

    def _name(self, row: list[int]) -> str | None:
        """The name in a row; None when younger ones were written over it."""
        start, length, room = row[n.N_NAME_], row[n.N_NAME_LEN_], len(self._names)
        if start + room < self._ctl[n.WRITTEN_]:
            return None
        wire = np.take(self._names, np.arange(start, start + length), mode="wrap").tobytes()
        labels, at = [], 0
        while at < length:
            labels.append(wire[at + 1:at + 1 + wire[at]])
            at += 1 + wire[at]
        return show_labels(labels)


def _address(high: int, low: int) -> str:
    """Two columns as an address."""
    high, low = high & (1 << 64) - 1, low & (1 << 64) - 1
    return str(IPv4Address(low)) if not high and low < 1 << 32 else str(IPv6Address(high << 64 | low))


def _signed(part: int) -> int:
    """64 bits of an address as a column holds them."""
    part &= (1 << 64) - 1
    return part - (1 << 64) if part >= 1 << 63 else part


def _columns(address: str) -> tuple[int, int]:
    """An address as two columns."""
    number = int(IPv6Address(address)) if ":" in address else int(IPv4Address(address))
    return number >> 64, number & (1 << 64) - 1
