"""Exchanges of all protocols, from the batches of decoding: DNS first, because it names the servers of the others."""

from collections.abc import Callable
from dataclasses import dataclass

from sniff import limits
from sniff.decode.batch import AppBatch
from sniff.decode.bodies import Sink
from sniff.decode.dns import DnsBatch, DnsDecoder
from sniff.decode.message import Message
from sniff.exchange.dns import DnsExchanges, DnsPairing
from sniff.exchange.http import Exchanges
from sniff.exchange.http2_exchanges import Http2Exchanges, all_of
from sniff.exchange.http_builder import ExchangeBuilder
from sniff.exchange.names import Names
from sniff.notes import Notes


@dataclass(slots=True)
class Joined:
    """What one batch of packets completed.

    messages  DNS messages that were complete; None at the end of the capture
    dns       DNS exchanges that were over
    http      HTTP exchanges that were over, those of HTTP/2 in the clear among them
    """

    messages: DnsBatch | None
    dns: DnsExchanges
    http: Exchanges


class Joiner:
    """Joins the messages of a capture to exchanges. Feed every AppBatch in order, made with messages; then `finish`.

    notes, counters  what is strange, and what had to be given up
    names            what clients learned from DNS so far
    bodies, cap      (message) -> where the decoded body of a message of HTTP/2 goes, or None, and most bytes of one; bodies of
                     HTTP/1 come with the AppBatch
    """

    def __init__(self, notes: Notes | None = None, counters: limits.Counters | None = None,
                 bodies: Callable[[Message], Sink | None] | None = None, cap: int = 0) -> None:
        self.notes = notes if notes is not None else Notes()
        self.counters = counters if counters is not None else limits.Counters()
        self.names = Names(self.counters)
        self._decoder = DnsDecoder(self.notes, self.counters)
        self._dns = DnsPairing(self.notes, self.counters)
        self._http = ExchangeBuilder(self.notes, self.counters, self.names)
        self._http2 = Http2Exchanges(self.names, bodies, cap)

    def add(self, batch: AppBatch) -> Joined:
        """What this batch completes."""
        messages = self._decoder.decode(batch.streams)
        dns = self._dns.add(messages)
        self.names.learn(dns)
        http = self._http.add(batch)
        return Joined(messages, dns, all_of(http, self._http2.add(batch.streams, http)))

    def finish(self) -> Joined:
        """What is still open when the capture is over."""
        return Joined(None, self._dns.finish(), all_of(self._http.finish(), self._http2.finish()))
