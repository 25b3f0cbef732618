"""DNS as a stage: the rows of DNS, MDNS, LLMNR and NBNS packets, and the messages themselves."""

from array import array

from sniff import limits
from sniff.decode.dns_tcp import DnsTcpRows
from sniff.decode.dns_wire import dns_rows
from sniff.decode.pool import Pool
from sniff.packets.batch import Table
from sniff.reassembly.batch import StreamBatch


class DnsRows:
    """Whose rows the packets of each batch are, as far as DNS and its relatives have a say: fills the apps columns and the pool.

    Run it before decoders of other protocols over TCP: a packet with a Protocol belongs to somebody.
    """

    def __init__(self, counters: limits.Counters) -> None:
        self._tcp = DnsTcpRows(counters)

    def read(self, streams: StreamBatch, apps: Table, pool: Pool) -> None:
        """Set `apps` for the packets of one batch; texts go to `pool`. Batches are to come in order."""
        packets = streams.packets
        used, at = array("q", [pool.used]), 0
        while at < len(packets):
            at = dns_rows(packets.table, packets.data, at, apps, pool.reserve(1 << 16), used)
            pool.used = used[0]
            if at < len(packets):
                pool.reserve(len(pool.data))
        self._tcp.read(streams, apps, pool)
