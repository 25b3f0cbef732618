"""Chunk framing removed from a body that is read again (RFC 9112 section 7.1), as tolerantly as peers read it."""

from sniff import limits
from sniff.decode.message import Fields, read_fields
from sniff.notes import Code

_HEX = frozenset(b"0123456789abcdefABCDEF")
_SKIP = b" \t\r\n\x0b\x0c\x00"
_LINE = 16 << 10
"""Bytes of one size line (chunk extensions) that are read before the rest of it is skipped."""


class Dechunker:
    """Take the chunk framing off a body, part by part; linear in its size, whatever it holds.

    ended     the last chunk and its empty line were seen
    broken    a size was no number: what follows is given out as it is
    trailers  [(name, value)] after the last chunk
    extra     bytes that came after the end
    """

    def __init__(self) -> None:
        self.ended = False
        self.broken = False
        self.extra = 0
        self._left = 0            # bytes of the chunk still to come
        self._line = bytearray()  # a size line or a trailer so far
        self._trailers = bytearray()
        self._trailer = False

    @property
    def problem(self) -> Code | None:
        """The code of the note about it, when there is one."""
        return Code.HTTP_BAD_CHUNK if self.broken else None

    @property
    def trailers(self) -> Fields:
        """The trailer fields."""
        return read_fields(bytes(self._trailers))

    def skip(self, count: int) -> int:
        """Pass over `count` bytes that were not captured: how many of them belong to the body, -1 when nobody can tell.

        A hole that reaches past the chunk takes the next size with it: after that the framing is lost.
        """
        if self.broken or (count <= self._left and not self.ended):
            self._left -= 0 if self.broken else count
            return count
        if self.ended:
            return 0
        self.broken = True
        return -1

    def feed(self, data: bytes) -> bytes:
        """The bytes of the body in the next part of the stream."""
        if self.broken:
            return data
        out: list[bytes] = []
        at = 0
        end = len(data)
        while at < end:
            if self.ended:
                self.extra += end - at
                break
            if self._left:
                piece = data[at:at + self._left]
                out.append(piece)
                self._left -= len(piece)
                at += len(piece)
                continue
            after = self._trailer_line(data, at) if self._trailer else self._size_line(data, at)
            if after < 0:
                self.broken = True
                out.append(bytes(self._line))
                out.append(data[-after:])
                break
            at = after
        return out[0] if len(out) == 1 else b"".join(out)

    def _size_line(self, data: bytes, at: int) -> int:
        """Read up to the end of a size line; empty lines before it are passed over.

        Returns where to go on; the same with a minus when the line begins with no size.
        """
        end = data.find(b"\n", at)
        stop = len(data) if end < 0 else end
        if len(self._line) < _LINE:
            self._line += data[at:min(stop, at + _LINE)]
        if end < 0:
            return stop
        line = bytes(self._line).lstrip(_SKIP)
        if line:
            size = chunk_size(line)
            if size < 0:
                self._line += b"\n"
                return -end - 1
            self._left = size
            self._trailer = size == 0
        self._line.clear()
        return end + 1

    def _trailer_line(self, data: bytes, at: int) -> int:
        """Read up to the end of a trailer line; the empty one ends the body. Returns where to go on."""
        end = data.find(b"\n", at)
        stop = len(data) if end < 0 else end + 1
        if len(self._line) < _LINE:
            self._line += data[at:min(stop, at + _LINE)]
        if end < 0:
            return stop
        if not self._line.strip(b"\r\n"):
            self.ended = True
        elif len(self._trailers) < limits.SHORT_HEAD_BYTES:
            self._trailers += self._line
        self._line.clear()
        return stop


def chunk_size(line: bytes) -> int:
    """The number a size line begins with; -1 when it begins with none or with one beyond 63 bits.

    `0x` is passed over, and whatever follows the digits is an extension, as most peers read it.
    """
    digits = line[2:] if line[:2] in (b"0x", b"0X") and line[2:3] and line[2] in _HEX else line
    length = 0
    while length < len(digits) and digits[length] in _HEX:
        length += 1
    number = digits[:length].lstrip(b"0")
    if not length or len(number) > 16:
        return -1
    size = int(number or b"0", 16)
    return size if size < 1 << 63 else -1
