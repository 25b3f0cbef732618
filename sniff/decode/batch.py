"""AppBatch: what decoding says of one batch: whose rows its packets are, and the messages that ended in it."""

from dataclasses import dataclass, field

import numpy as np

from sniff.capture.raw import Bytes
from sniff.decode.cgi import CgiRequest
from sniff.decode.columns import BODY_COUNT, M_COUNT
from sniff.decode.http1_rows import HEAD_COUNT
from sniff.packets.batch import Table
from sniff.reassembly.batch import StreamBatch


@dataclass(slots=True)
class AppBatch:
    """What decoding says of one StreamBatch.

    streams   the batch it is about
    apps      int64[columns.APP_COUNT, n]  per packet: whose row it is and with which text
    pool      uint8[p]  the texts `apps` refers to
    messages  int64[columns.M_COUNT, k]  HTTP messages that ended in this batch, in the order in which they ended
    heads     uint8[h]  heads and first body bytes that do not lie in PacketBatch.data (M_HEAD_BUFFER); valid until the next batch
    words     {packet index: (source, destination)}  for packets whose addresses only words can say (Address.TEXT)
    begun     int64[columns.M_COUNT, b]  messages whose head became whole in this batch and that have a body, as they stood
              then; only when bodies are wanted, like the next one
    bodies    int64[columns.BODY_COUNT, p]  the parts of bodies that this batch brought, in order
    gateways  requests over FastCGI, SCGI and uwsgi that were over in this batch
    row_messages  int64[k, http1_rows.HEAD_COUNT]  the HTTP messages that rows are about, when they are wanted: where the heads lie
    row_heads     uint8[h]  heads among them that came in several packets
    """

    streams: StreamBatch
    apps: Table
    pool: Bytes
    messages: Table
    heads: Bytes
    words: dict[int, tuple[str, str]] = field(default_factory=dict)
    begun: Table = field(default_factory=lambda: np.empty((M_COUNT, 0), np.int64))
    bodies: Table = field(default_factory=lambda: np.empty((BODY_COUNT, 0), np.int64))
    gateways: list[CgiRequest] = field(default_factory=list)
    row_messages: Table = field(default_factory=lambda: np.empty((0, HEAD_COUNT), np.int64))
    row_heads: Bytes = field(default_factory=lambda: np.empty(0, np.uint8))
