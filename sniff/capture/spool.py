"""The spool: what came through a pipe or out of a decompressor, kept in a temporary file for views that look later.

A ring: it never grows beyond its cap, and says when the bytes that somebody asks for fell off.
"""


from sniff import limits
from sniff.capture.files import read_at, write_at


class Spool:
    """Bytes by their offset in the stream, the last `cap` of them.

    written  bytes given to it so far
    lost     the first byte that is still here
    """

    def __init__(self, counters: limits.Counters | None = None, cap: int | None = None) -> None:
        self.cap = limits.SPOOL_BYTES if cap is None else cap
        self.written = 0
        self.lost = 0
        self._counters = counters
        import tempfile  # it loads a lot, and a plain file needs none of it
        self._file = tempfile.TemporaryFile(prefix="sniff-")  # noqa: SIM115  lives as long as the spool; has no name
        self._full = False

    def write(self, data: memoryview | bytes) -> None:
        """Append; the oldest bytes beyond the cap are written over. A full disk ends the keeping, not the reading."""
        view = memoryview(data)[-self.cap:]
        at = self.written + len(data) - len(view)
        self.written += len(data)
        while len(view) and not self._full:
            slot = at % self.cap
            part = view[:self.cap - slot]
            try:
                done = write_at(self._file.fileno(), part, slot)
            except OSError:
                self._full = True
                break
            view = view[done:]
            at += done
        lost = self.written if self._full else max(self.lost, self.written - self.cap)
        if self._counters:
            self._counters.spool_bytes_lost += lost - self.lost
        self.lost = lost

    def read(self, offset: int, length: int) -> bytes:
        """`length` bytes from `offset` on; empty when they fell off or have not come yet."""
        if offset < self.lost or length <= 0 or offset + length > self.written:
            return b""
        slot = offset % self.cap
        first = read_at(self._file.fileno(), min(length, self.cap - slot), slot)
        return first + (read_at(self._file.fileno(), length - len(first), 0) if len(first) < length else b"")

    def close(self) -> None:
        """Give the disk space back."""
        self._file.close()
