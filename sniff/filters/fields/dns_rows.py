"""Which records of a batch's DNS messages a field looks at, and where their bytes lie."""

from collections.abc import Iterator

import numpy as np

from sniff.decode import dns_columns as d
from sniff.decode.columns import Protocol
from sniff.filters.view import View
from sniff.packets.batch import Table


def record_rows(view: View, candidates: Table, questions: bool = False) -> tuple[Table, Table]:
    """(int64[r], int64[r]): which rows of the batch's records are the records, or the questions, of the messages that the candidates
    complete; and the message of each."""
    records = view.dns.records
    messages = records[:, d.R_MESSAGE]
    wanted = (records[:, d.R_SECTION] == d.Section.QUESTION) == questions
    if len(candidates) < view.size:
        asked = np.zeros(view.size, np.bool_)
        asked[candidates] = True
        wanted &= asked[view.dns_packets][messages]
    rows = np.flatnonzero(wanted)
    return rows, messages[rows]


def places(view: View, rows: Table) -> Iterator[tuple[int, int, int, int, int, bool]]:
    """(row, its message, where that begins and ends, its packet, it is mDNS) of some records."""
    messages = view.dns.records[rows, d.R_MESSAGE]
    starts = view.dns.column(d.D_START)[messages]
    stops = starts + view.dns.column(d.D_LEN)[messages]
    multicast = view.dns.column(d.D_PROTOCOL)[messages] == Protocol.MDNS
    return zip(rows.tolist(), messages.tolist(), starts.tolist(), stops.tolist(), view.dns_packets[messages].tolist(),
               multicast.tolist(), strict=True)


def wire_of(view: View) -> bytes:
    """The bytes of all messages of a batch."""
    found: bytes | None = view.memory.get("dns_wire")
    if found is None:
        found = view.memory["dns_wire"] = view.dns.data.tobytes()
    return found
