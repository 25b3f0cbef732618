"""DNS exchanges: which response answers which query, how long it took, and what is strange about it.

Pairs are made by id, addresses, ports and question (exchange/dns_pair.py), as columns; a DnsExchange is made when somebody
asks for one.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np

from sniff import limits
from sniff.capture.raw import Bytes
from sniff.decode import dns_columns as d
from sniff.decode.dns import DnsBatch
from sniff.decode.dns_message import STATUS, DnsMessage, show_address
from sniff.exchange import dns_pair as p
from sniff.notes import Code, Notes
from sniff.packets.batch import Table

_ALIASES = (5, 39)      # CNAME, DNAME


class State(IntEnum):
    """How a DNS exchange stands."""

    ANSWERED = p.ANSWERED_
    UNANSWERED = p.UNANSWERED_   # no response within limits.DNS_WAIT_NS, or before the capture was over
    UNASKED = p.UNASKED_         # a response to a query that was not seen, or was given up
    SECOND = p.SECOND_           # another response to a query that has one, and it says something else
    ANNOUNCED = p.ANNOUNCED_     # a response of mDNS: nobody has to ask


class DnsExchange:
    """A query and its response; one of them is None when it was not seen.

    retries  how often the query was repeated, same id and question, before it was answered
    before   of a SECOND answer: frame.number of the first one, 0 otherwise
    """

    __slots__ = ("__dict__", "before", "query", "response", "retries", "retry_ns", "state")

    def __init__(self, state: State, query: DnsMessage | None, response: DnsMessage | None, retries: int = 0,
                 retry_ns: int = -1, before: int = 0) -> None:
        self.state = state
        self.query = query
        self.response = response
        self.retries = retries
        self.retry_ns = retry_ns
        self.before = before

    def __repr__(self) -> str:
        time = f" {self.time_ns / 1e6:.3f} ms" if self.time_ns >= 0 else ""
        return f"<DnsExchange {self.name} {self.type} {self.status or self.state.name.lower()}{time}>"

    @property
    def _any(self) -> DnsMessage:
        message = self.query if self.query is not None else self.response
        assert message is not None
        return message

    @property
    def protocol(self) -> str:
        """`DNS`, `MDNS` or `LLMNR`."""
        return self._any.protocol

    @property
    def transport(self) -> str:
        """`tcp` or `udp`."""
        return self._any.transport

    @property
    def stream(self) -> int:
        """tcp.stream or udp.stream."""
        return self._any.stream

    @property
    def id(self) -> int:
        """dns.id."""
        return self._any.id

    @property
    def client(self) -> str:
        """Address that asks."""
        return self.query.src if self.query is not None else self._any.dst

    @property
    def client_port(self) -> int:
        """Its port."""
        return self.query.src_port if self.query is not None else self._any.dst_port

    @property
    def server(self) -> str:
        """Address that is asked."""
        return self.query.dst if self.query is not None else self._any.src

    @property
    def server_port(self) -> int:
        """Its port."""
        return self.query.dst_port if self.query is not None else self._any.src_port

    @cached_property
    def name(self) -> str:
        """dns.qry.name; of an announcement or a response without a question the owner of its first record."""
        for message in (self.query, self.response):
            if message is not None and message.qry_name:
                return message.qry_name
        records = self.response.records if self.response is not None else []
        return records[0].name if records else ""

    @property
    def type(self) -> str:
        """What is asked for: `A`, `AAAA` ..."""
        for message in (self.query, self.response):
            if message is not None and message.qry_type >= 0:
                return message.qry_type_name
        return ""

    @property
    def asked_ns(self) -> int:
        """When the query was seen first; -1 when it was not."""
        return self.query.ts_ns if self.query is not None else -1

    @property
    def answered_ns(self) -> int:
        """When the response was seen; -1 when it was not."""
        return self.response.ts_ns if self.response is not None else -1

    @property
    def time_ns(self) -> int:
        """dns.time: from the query to its response; -1 when one of them was not seen."""
        return self.answered_ns - self.asked_ns if self.query is not None and self.response is not None else -1

    @property
    def rcode(self) -> int:
        """The response's code, extended by EDNS; -1 without a response."""
        return self.response.rcode if self.response is not None else -1

    @property
    def status(self) -> str:
        """`NOERROR`, `NXDOMAIN` ...; empty without a response."""
        return STATUS.get(self.rcode, f"RCODE{self.rcode}") if self.response is not None else ""

    @property
    def is_error(self) -> bool:
        """No response, or one that says that something is wrong (NXDOMAIN included). Of a group nobody has to answer."""
        return self.rcode > 0 or (self.state == State.UNANSWERED and self.protocol == "DNS")

    @cached_property
    def chain(self) -> list[str]:
        """The names from the one asked for along CNAME and DNAME records to the last one. It ends where it would turn back."""
        aliases: dict[str, str] = {}
        if self.response is not None:
            for record in self.response.answers:
                if record.type in _ALIASES:
                    aliases.setdefault(record.name.lower(), record.text)
        chain = [self.name]
        while len(chain) <= len(aliases):
            following = aliases.get(chain[-1].lower())
            if following is None:
                break
            chain.append(following)
        return chain

    @cached_property
    def answers(self) -> list[str]:
        """The data of the answer section's records, as text."""
        return [record.text for record in self.response.answers] if self.response is not None else []

    @cached_property
    def addresses(self) -> list[str]:
        """The addresses in the answer section."""
        if self.response is None:
            return []
        return [record.text for record in self.response.answers if record.type in (1, 28)]


@dataclass(slots=True)
class DnsExchanges:
    """The exchanges that were over in one batch of messages, in the order in which they were.

    rows      int64[x, X_COUNT]  exchange/dns_pair.py
    messages  the batch whose messages answered them
    old       uint8[o]           bytes of queries of earlier batches

    A sequence of DnsExchange, made when asked for.
    """

    rows: Table
    messages: DnsBatch
    old: Bytes

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> DnsExchange:
        return self._make(self.rows[index].tolist(), self.messages.data, self.old)

    def __iter__(self) -> Iterator[DnsExchange]:
        for row in self.rows.tolist():
            yield self._make(row, self.messages.data, self.old)

    def column(self, number: int) -> Table:
        """int64[x]: one column by its number in dns_pair.py; a view, not a copy."""
        column: Table = self.rows[:, number]
        return column

    def time_ns(self) -> Table:
        """int64[x]: from query to response, -1 where one of them is missing."""
        rows = self.rows
        times: Table = rows[:, p.X_ANSWER_ + d.D_TS_NS] - rows[:, p.X_QUERY_ + d.D_TS_NS]
        times[rows[:, p.X_STATE_] != p.ANSWERED_] = -1
        return times

    @staticmethod
    def _make(row: Sequence[int], data: Bytes, old: Bytes) -> DnsExchange:
        query = response = None
        if row[p.X_QUERY_ + d.D_NUMBER]:
            place, size = row[p.X_START_], row[p.X_LEN_]
            wire = (b"", data, old)[row[p.X_BUFFER_]][place:place + size]
            query = DnsMessage(row[p.X_QUERY_:p.X_ANSWER_], bytes(wire))
        if row[p.X_ANSWER_ + d.D_NUMBER]:
            place, size = row[p.X_ANSWER_ + d.D_START], row[p.X_ANSWER_ + d.D_LEN]
            response = DnsMessage(row[p.X_ANSWER_:], data[place:place + size].tobytes())
        return DnsExchange(State(row[p.X_STATE_]), query, response, row[p.X_RETRIES_], row[p.X_RETRY_NS_], row[p.X_BEFORE_])


class DnsPairing:
    """Joins messages to exchanges, batch by batch. Feed every DnsBatch in order, then `finish`.

    notes     gets a row for each second answer that says something else, and for each response that nobody asked for
    counters  `dns_given_up` counts queries that too many others overtook (limits.DNS_PENDING)
    """

    def __init__(self, notes: Notes | None = None, counters: limits.Counters | None = None) -> None:
        self.notes = notes if notes is not None else Notes()
        self.counters = counters if counters is not None else limits.Counters()
        self._slots: Table = np.empty((0, 0), np.int64)
        self._buckets: Table = np.empty(0, np.int64)
        self._ctl: Table = np.zeros(p.C_COUNT_, np.int64)
        self._held: Bytes = np.empty(1 << 16, np.uint8)
        self._seed = int.from_bytes(os.urandom(4), "big")

    def add(self, batch: DnsBatch) -> DnsExchanges:
        """The exchanges that this batch completes: answered, or given up."""
        if not len(batch):
            return DnsExchanges(np.empty((0, p.X_COUNT_), np.int64), batch, np.empty(0, np.uint8))
        if self._ctl[p.C_FREE_] < len(batch):
            self._grow(len(batch))
        ctl, at = self._ctl, 0
        out, old = self._fresh(len(batch) + 16)
        while True:
            at = p.pair(batch.messages, batch.data, at, self._slots, self._buckets, self._seed, ctl, self._held, old, out)
            if at == len(batch):
                break
            out, old = self._more(out, old)
        self._hold(batch.data)
        return self._result(batch, out, old)

    def finish(self) -> DnsExchanges:
        """The queries that still wait, unanswered: the capture is over."""
        batch = DnsBatch(np.empty((0, d.D_COUNT), np.int64), np.empty((0, d.R_COUNT), np.int64), np.empty(0, np.uint8))
        ctl = self._ctl
        out, old = self._fresh(int(ctl[p.C_WAITING_]) + 1)
        while len(self._slots) and p.flush(self._slots, ctl, batch.data, batch.messages, self._held, old, out):
            out, old = self._more(out, old)
        return self._result(batch, out, old)

    def _grow(self, wanted: int) -> None:
        """Make `wanted` slots free, as long as there are no more than limits.DNS_PENDING of those that wait, and as many
        of those that were answered. Slots are only taken from their owners when the table has its full size."""
        have, most = len(self._slots), 2 * limits.DNS_PENDING
        if have == most:
            return
        slots = np.zeros((min(most, max(2 * have, have + wanted, 256)), p.E_COUNT_), np.int64)
        slots[:have] = self._slots.reshape(have, p.E_COUNT_)
        self._slots, self._buckets = slots, np.empty(len(slots), np.int64)
        p.prepare(slots, have, self._buckets, self._seed, self._ctl)

    def _fresh(self, rows: int) -> tuple[Table, Bytes]:
        self._ctl[p.C_OUT_] = self._ctl[p.C_OLD_] = 0
        return np.empty((rows, p.X_COUNT_), np.int64), np.empty(1 << 14, np.uint8)

    def _more(self, out: Table, old: Bytes) -> tuple[Table, Bytes]:
        """Larger arrays with the same contents, whichever of them was full."""
        if self._ctl[p.C_OUT_] + 2 > len(out):
            out = np.concatenate([out, np.empty_like(out)])
        else:
            old = np.concatenate([old, np.empty_like(old)])
        return out, old

    def _hold(self, data: Bytes) -> None:
        """Keep the bytes of the queries that go on waiting."""
        ctl, slots = self._ctl, self._slots
        if ctl[p.C_WAITING_] == 0:
            ctl[p.C_HELD_] = 0
        elif p.hold(slots, ctl, data, self._held, self._held, False) < 0:
            waiting = slots[slots[:, p.E_LIST_] == p.WAITING_]
            into = np.empty(max(2 * int(np.minimum(waiting[:, p.E_LEN_], p.KEPT_).sum()), 1 << 16), np.uint8)
            p.hold(slots, ctl, data, self._held, into, True)
            self._held = into

    def _result(self, batch: DnsBatch, out: Table, old: Bytes) -> DnsExchanges:
        ctl = self._ctl
        self.counters.dns_given_up += int(ctl[p.C_GIVEN_UP_])
        ctl[p.C_GIVEN_UP_] = 0
        rows = out[:int(ctl[p.C_OUT_])]
        exchanges = DnsExchanges(rows, batch, old[:int(ctl[p.C_OLD_])].copy())
        states = rows[:, p.X_STATE_]
        for index in np.flatnonzero((states == p.SECOND_) | (states == p.UNASKED_)).tolist():
            self._note(rows[index].tolist())
        return exchanges

    def _note(self, row: list[int]) -> None:
        answer = row[p.X_ANSWER_:]
        offset, state = answer[d.D_OFFSET], row[p.X_STATE_]
        sender = show_address(answer[d.D_IP_VERSION], answer[d.D_SRC_HI], answer[d.D_SRC_LO])
        if state == p.SECOND_:
            self.notes.add(Code.DNS_SECOND_ANSWER, answer[d.D_NUMBER], offset,
                           detail=f"{sender} had answered {answer[d.D_ID]:#06x} otherwise in packet {row[p.X_BEFORE_]}")
        else:
            self.notes.add(Code.DNS_UNASKED_ANSWER, answer[d.D_NUMBER], offset,
                           detail=f"{sender} answers {answer[d.D_ID]:#06x}, and nobody asked")
