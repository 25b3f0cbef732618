"""When the flows that carry DNS began: what the identifiers of logs are made of."""

import numpy as np

from sniff.reassembly import columns as s
from sniff.reassembly.batch import StreamBatch

_PORTS = (53, 5353, 5355)


class DnsFlows:
    """First packets of the flows on ports of DNS, while they live. Give it every batch, before its messages."""

    def __init__(self) -> None:
        self._first_ns: dict[tuple[int, int], int] = {}
        self._ended: list[tuple[int, int]] = []

    def add(self, streams: StreamBatch) -> None:
        """Flows that began and ended in a batch; those that ended in the one before are forgotten."""
        for key in self._ended:
            self._first_ns.pop(key, None)
        opened = streams.opened
        chosen = np.isin(opened[s.F_SERVER_PORT], _PORTS) | np.isin(opened[s.F_CLIENT_PORT], _PORTS)
        for proto, stream, first_ns in opened[:, chosen][[s.F_PROTO, s.F_STREAM, s.F_FIRST_NS]].T.tolist():
            self._first_ns[proto, stream] = first_ns
        ended = streams.ended
        self._ended = [(proto, stream) for proto, stream in ended[[s.F_PROTO, s.F_STREAM]].T.tolist()
                       if (proto, stream) in self._first_ns]

    def first_ns(self, protocol: int, stream: int, otherwise: int) -> int:
        """When a flow began; `otherwise` when nothing is known of it."""
        return self._first_ns.get((protocol, stream), otherwise)
