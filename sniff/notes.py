"""The notes table: everything strange about the traffic, one row each.

A decoder never raises on input bytes: it stops, keeps what it has and adds a row here. The summary, the timeline, the
message view and the report are views of these rows.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from sniff import limits


class Code(IntEnum):
    """What is strange. The number is part of the output formats: never renumber, only add."""

    # the file
    FILE_CUT = 1
    FILE_DAMAGED = 2
    RECORD_TOO_LONG = 3
    TIME_BACKWARDS = 4
    BLOCK_SKIPPED = 5
    # link and network layer
    PACKET_CUT = 20          # the snapshot length cut what a header promised
    HEADER_MALFORMED = 21
    FRAGMENT_OVERLAP = 22
    FRAGMENT_TIMEOUT = 23
    TOO_MANY_LAYERS = 24
    # TCP
    TCP_GAP = 40             # bytes the other end acknowledged that the capture never saw
    TCP_CONFLICT = 41        # a later copy of bytes differs from the first (evidence of injection)
    TCP_HOLE_GIVEN_UP = 42
    TCP_FORGED_JUMP = 43
    TCP_PORT_REUSED = 44
    # HTTP
    HTTP_MALFORMED = 60
    HTTP_AMBIGUOUS_FRAMING = 61   # Content-Length with Transfer-Encoding, repeated Content-Length ...: smuggling risk
    HTTP_BARE_LF = 62
    HTTP_OBS_FOLD = 63
    HTTP_SPACE_BEFORE_COLON = 64
    HTTP_BAD_CHUNK = 65
    HTTP_BODY_SHORT = 66     # the connection ended before the promised length
    HTTP_BODY_GAP = 67
    HTTP_RESYNC = 68         # message starts found again after a gap: pairing is inferred
    HTTP_UNPAIRED_RESPONSE = 69
    HTTP_HEAD_CUT = 70
    HTTP_ROW_DIFFERS = 71    # Wireshark's one pass gives this packet another row
    # bodies
    BODY_UNDECODABLE = 80
    BODY_CAPPED = 81
    # DNS
    DNS_MALFORMED = 100
    DNS_POINTER_LOOP = 101
    DNS_SECOND_ANSWER = 102  # possible spoofing
    DNS_UNASKED_ANSWER = 103


class Note(NamedTuple):
    """One row.

    code    what is strange
    packet  frame.number of the packet that showed it, 0 when it is about the file
    offset  where in the store (bytes from its start), -1 when unknown
    needed  what was needed (its unit follows from the code: bytes unless said otherwise), -1 when it does not apply
    had     what was there, same unit
    detail  a few words for people; never markup, and control characters are escaped where it is shown
    """

    code: Code
    packet: int
    offset: int = -1
    needed: int = -1
    had: int = -1
    detail: str = ""


@dataclass(slots=True)
class Notes:
    """The table: rows up to limits.NOTES, and counts of all."""

    rows: list[Note] = field(default_factory=list)
    counts: Counter[Code] = field(default_factory=Counter)

    def add(self, code: Code, packet: int = 0, offset: int = -1, needed: int = -1, had: int = -1, detail: str = "") -> None:
        """Add one row, or only count it when the table is full."""
        self.counts[code] += 1
        if len(self.rows) < limits.NOTES:
            self.rows.append(Note(code, packet, offset, needed, had, detail))

    @property
    def dropped(self) -> int:
        """How many notes were counted but not kept."""
        return sum(self.counts.values()) - len(self.rows)

    def __iter__(self) -> Iterator[Note]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)
