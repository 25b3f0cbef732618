"""Which protocol a TCP or UDP flow carries, for connection logs: by what was decoded, or by its first bytes."""

import numpy as np

from sniff.decode import columns as d
from sniff.reassembly import columns as s
from sniff.reassembly.batch import StreamBatch
from sniff.report.flow import Flow
from sniff.report.formats import Step

_FIRST_BYTES = ((b"\x16\x03", "tls"), (b"SSH-", "ssh"))


class Services:
    """What the streams of a capture carry: give it every step, ask it about each flow that ends."""

    def __init__(self) -> None:
        self._streams: dict[int, str] = {}

    def add(self, step: Step) -> None:
        """Note what one step tells."""
        streams = step.apps.streams
        self._begun(streams)
        for stream in np.unique(step.apps.messages[d.M_STREAM]).tolist():
            self._streams[stream] = "http"

    def take(self, flow: Flow) -> str | None:
        """The protocol of a flow that ended; it is forgotten then."""
        if flow.protocol == 6:
            found = self._streams.get(flow.stream)
            return "dns" if found is None and 53 in flow.ports and any(flow.sent) else found
        return "dns" if any(port in (53, 5353, 5355) for port in flow.ports) and any(flow.sent) else None

    def forget(self, ended: list[int]) -> None:
        """These TCP streams are over."""
        for stream in ended:
            self._streams.pop(stream, None)

    def _begun(self, streams: StreamBatch) -> None:
        pieces = streams.pieces
        first = (pieces[s.P_KIND] == s.Piece.DATA) & (pieces[s.P_STREAM_OFFSET] == 0) & (pieces[s.P_LEN] >= 4)
        buffers = (streams.packets.data, streams.held)
        for stream, buffer, start in pieces[[s.P_STREAM, s.P_BUFFER, s.P_START]][:, first].T.tolist():
            begin = buffers[buffer][start:start + 4].tobytes()
            for sign, name in _FIRST_BYTES:
                if begin.startswith(sign):
                    self._streams[stream] = name
