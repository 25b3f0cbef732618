"""RawBatch: what every source of packets hands on, whether a file, a pipe or an interface that is being recorded."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]


def view(array: Any) -> Any:
    """An array as compiled code takes it: a memoryview, which gives uncompiled code Python's integers, that never overflow."""
    return memoryview(array)


@dataclass(slots=True)
class Interface:
    """One interface of a capture, as its file describes it (pcap: one made from the file header).

    index       row in the source's list of interfaces; packets refer to it
    link_type   LINKTYPE_ number (www.tcpdump.org/linktypes.html)
    snaplen     most bytes captured of a packet, 0 when there is no such bound
    decimals    decimals of a time stamp as Wireshark prints it: 6 for microseconds, 9 for nanoseconds, also 0, 1, 2, 3;
                -1: its packets have no time (simple packet blocks), their ts_ns is 0
    fcs_len     bytes of frame check sequence at the end of each frame, -1 when not known
    received, dropped   packets counted by the interface itself (pcapng interface statistics), -1 when not told
    """

    index: int
    link_type: int
    snaplen: int = 0
    decimals: int = 6
    fcs_len: int = -1
    name: str = ""
    description: str = ""
    filter: str = ""
    hardware: str = ""
    os: str = ""
    source: int = 0
    received: int = -1
    dropped: int = -1
    comments: list[str] = field(default_factory=list)


@dataclass(slots=True)
class RawBatch:
    """Some packets of one capture, in order, and the bytes they lie in. All columns have one entry a packet (n).

    data          uint8[m]  the bytes; a view of the store or a copy of part of it. Not to be written to
    first_number  frame.number of packet 0; the others follow without a hole
    start         int64[n]  index in `data` of the packet's first byte
    caplen        int64[n]  bytes captured (they all lie within `data`)
    wirelen       int64[n]  bytes the packet had on the wire
    ts_ns         int64[n]  nanoseconds since 1970-01-01 UTC; negative before, clamped to int64 far in the future
    interface     int64[n]  row in the source's list of interfaces
    link_type     int64[n]  LINKTYPE_ number of that interface
    offset        int64[n]  where the packet's first byte stands in its file, bytes; of a compressed file in what is inside
    source        int64[n]  which file, when several are read as one; all 0 for one file
    comments      {index in this batch: comments}, sparse (pcapng opt_comment)
    end           True on the last batch of the capture
    """

    data: Bytes
    first_number: int
    start: Ints
    caplen: Ints
    wirelen: Ints
    ts_ns: Ints
    interface: Ints
    link_type: Ints
    offset: Ints
    source: Ints
    comments: dict[int, list[str]] = field(default_factory=dict)
    end: bool = False

    def __len__(self) -> int:
        return len(self.start)

    def packet(self, index: int) -> bytes:
        """The captured bytes of packet `index` of this batch."""
        start = int(self.start[index])
        return self.data[start:start + int(self.caplen[index])].tobytes()
