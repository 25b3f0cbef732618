"""Row: one packet as the words see it, and the row they write.

A writer adds to `protocol` and `info` while it reads on. When it reads beyond the packet a Short is raised; what was
written before stays, and `describe()` puts the reason behind it, as Wireshark's dissectors do.
"""

from sniff.packets import columns as c
from sniff.packets.addresses import ipv4_text, ipv6_bytes_text, mac_text
from sniff.packets.batch import PacketBatch

CUT = "[Packet size limited during capture]"
MALFORMED = "[Malformed Packet]"


class Short(Exception):
    """A read beyond the packet: nothing went wrong. Never leaves this package."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Row:
    """One packet, and what its row is going to say.

    column    the packet's columns (packets/columns.py)
    data      the captured bytes from the header that the row is about to the packet's end
    wire_len  how many there were on the wire
    protocol, info, source, destination   the row so far
    """

    __slots__ = ("batch", "column", "data", "destination", "info", "protocol", "source", "wire_len")

    def __init__(self, batch: PacketBatch, index: int) -> None:
        self.batch = batch
        self.column: list[int] = batch.table[:, index].tolist()
        start = self.column[c.HEADER]
        self.data: bytes = batch.data[start:self.column[c.END]].tobytes()
        self.wire_len = self.column[c.WIRE_END] - start
        self.protocol = ""
        self.info = ""
        self.source: str | None = None
        self.destination: str | None = None

    @property
    def left(self) -> int:
        """Bytes on the wire, never fewer than were captured."""
        return max(self.wire_len, len(self.data))

    def frame(self, start: int, length: int) -> bytes:
        """Captured bytes at an index of the batch's data (a lower header); fewer when the frame ends before."""
        return self.batch.data[start:min(start + length, self.column[c.START] + self.column[c.CAPLEN])].tobytes()

    def need(self, end: int) -> None:
        """Raise Short unless the first `end` bytes are there."""
        if end > len(self.data):
            raise Short(CUT if end <= self.wire_len else MALFORMED)

    def u8(self, at: int) -> int:
        self.need(at + 1)
        return self.data[at]

    def u16(self, at: int) -> int:
        self.need(at + 2)
        return self.data[at] << 8 | self.data[at + 1]

    def u24(self, at: int) -> int:
        return self.u16(at) << 8 | self.u8(at + 2)

    def u32(self, at: int) -> int:
        return self.u16(at) << 16 | self.u16(at + 2)

    def raw(self, at: int, length: int) -> bytes:
        self.need(at + length)
        return self.data[at:at + length]

    def ipv4(self, at: int) -> str:
        return ipv4_text(self.u32(at))

    def ipv6(self, at: int) -> str:
        return ipv6_bytes_text(self.raw(at, 16))

    def mac(self, at: int) -> str:
        return mac_text(int.from_bytes(self.raw(at, 6), "big"))

    def text(self, at: int, length: int) -> str:
        return self.raw(at, length).decode("utf-8", "replace")
