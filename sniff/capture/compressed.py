"""Compressed captures: gzip, zstd, lz4, xz and bzip2, told by their first bytes, as a store around another store.

Decompressors are asked for little more than fits where it is wanted, so that a bomb costs no memory.
"""

from collections.abc import Callable
from typing import Any, Protocol

from sniff import limits
from sniff.capture.spool import Spool
from sniff.capture.store import NOTHING_YET, Store

_CHUNK = 256 << 10
"""Compressed bytes read at once."""

_PIECE = 256 << 10
"""Bytes decompressed at once: few enough that they stay in the cache, and in memory that is used again and again."""


def kind_of(head: bytes) -> str | None:
    """gzip, zstd, lz4, xz or bzip2 when `head` (16 bytes of it) begins such a stream, else None."""
    if head.startswith(b"\x1f\x8b\x08"):
        return "gzip"
    if head.startswith(b"\x28\xb5\x2f\xfd") or (head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50):
        return "zstd"
    if head.startswith(b"\x04\x22\x4d\x18"):
        return "lz4"
    if head.startswith(b"\xfd7zXZ\0"):
        return "xz"
    if head.startswith(b"BZh") and head[4:10] == b"1AY&SY":
        return "bzip2"
    return None


class CompressedStore:
    """The decompressed bytes of another store; positions and sizes are those of the compressed one.

    ahead  bytes of `inner` that were read already
    spool  keeps the decompressed bytes for read()
    """

    def __init__(self, inner: Store, kind: str, ahead: bytes, *, spool: Spool | None = None) -> None:
        self.name = inner.name
        self.kind = kind
        self.broken = ""
        self._inner = inner
        self._kind = kind
        self._codec: Codec = _Zstd() if kind == "zstd" else _Members(kind)
        self._ahead = memoryview(ahead)
        self._chunk = memoryview(bytearray(_CHUNK))
        self._left = memoryview(b"")        # decompressed, did not fit into the view that asked
        self._ended = False
        self._spool = spool

    @property
    def live(self) -> bool:
        return self._inner.live

    @property
    def size(self) -> int:
        return self._inner.size

    @property
    def position(self) -> int:
        return self._inner.position

    def fill(self, view: memoryview) -> int:
        while not self._left:
            if self._ended:
                return 0
            data: bytes | memoryview = b""
            if self._codec.hungry:
                if self._ahead:
                    data, self._ahead = self._ahead[:_CHUNK], self._ahead[_CHUNK:]
                else:
                    got = self._inner.fill(self._chunk)
                    if got == NOTHING_YET:
                        return NOTHING_YET
                    if got == 0:
                        self._ended = True
                        cut = "" if self._codec.whole else f"the {self._kind} data is cut off"
                        self.broken = self._inner.broken or cut
                        return 0
                    data = self._chunk[:got]
            try:
                self._left = memoryview(self._codec.feed(bytes(data), min(len(view), _PIECE)))
            except ValueError as error:
                self._ended = True
                self.broken = str(error)
                return 0
        out, self._left = self._left[:len(view)], self._left[len(view):]
        view[:len(out)] = out
        if self._spool:
            self._spool.write(out)
        return len(out)

    def wait(self, seconds: float) -> bool:
        return bool(self._left) or bool(self._ahead) or not self._codec.hungry or self._inner.wait(seconds)

    def read(self, offset: int, length: int) -> bytes:
        return self._spool.read(offset, length) if self._spool else b""

    def unspool(self) -> None:
        if self._spool:
            self._spool.close()
            self._spool = None

    def stop(self) -> None:
        self._inner.stop()

    def close(self) -> None:
        self.unspool()
        self._inner.close()


class Codec(Protocol):
    """One decompressor, for all members of a file."""

    @property
    def whole(self) -> bool:
        """Whether the input may end here."""

    @property
    def hungry(self) -> bool:
        """Whether nothing more comes out without more input."""

    def feed(self, data: bytes, most: int) -> bytes:
        """Decompress earlier input that is left, and `data`: about `most` bytes of the result.

        Raises ValueError with words for the user when the data is damaged.
        """


class _Members:
    """A decompressor that ends with each member and is made anew for the next one (gzip, lz4, xz, bzip2)."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._new = _NEW[kind]
        self._member = self._new()
        self._rest = b""
        self._open = False

    @property
    def whole(self) -> bool:
        return not self._open and not self._rest

    @property
    def hungry(self) -> bool:
        return not self._rest and bool(self._member.needs_input or not self._open)

    def feed(self, data: bytes, most: int) -> bytes:
        data = self._rest + data if self._rest else data
        self._rest = b""
        if not self._open:
            data = data.lstrip(b"\0")       # members may be padded with zeros (tapes; xz by its specification)
            if not data:
                return b""
            self._open = True
        try:
            out: bytes = self._member.decompress(data, most)
        except Exception as error:      # each library has its own; all mean the same
            raise ValueError(f"the {self._kind} data is damaged ({_words(error)})") from None
        if self._member.eof:
            self._rest = self._member.unused_data or b""
            self._member, self._open = self._new(), False
        return out


class _Gzip:
    """zlib's decompressor with the manners of the others."""

    def __init__(self) -> None:
        import zlib
        self._inflate = zlib.decompressobj(31)
        self._tail = b""

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._tail

    def decompress(self, data: bytes, most: int) -> bytes:
        out = self._inflate.decompress(self._tail + data if self._tail else data, most)
        self._tail = self._inflate.unconsumed_tail
        return out


def _lz4() -> Any:
    import lz4.frame  # type: ignore[import-untyped]
    return lz4.frame.LZ4FrameDecompressor()


def _xz() -> Any:
    import lzma
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, limits.DECOMPRESSION_WINDOW)


def _bzip2() -> Any:
    import bz2
    return bz2.BZ2Decompressor()


_NEW: dict[str, Callable[[], Any]] = {"gzip": _Gzip, "lz4": _lz4, "xz": _xz, "bzip2": _bzip2}

_HEAD, _BLOCK, _LAST_BLOCK, _CHECKSUM, _SKIPPED = range(5)
_BLOCK_BYTES = 128 << 10


class _Zstd:
    """Frames of zstd, followed block by block (RFC 8878 section 3.1.1).

    That is for two reasons: what comes out is bounded, as a block is at most 128 KiB when decompressed; and only so is
    it known whether the last frame is whole.
    """

    def __init__(self) -> None:
        import zstandard
        self._new = zstandard.ZstdDecompressor(max_window_size=limits.DECOMPRESSION_WINDOW).decompressobj
        self._error = zstandard.ZstdError
        self._frame: Any = self._new()
        self._input = memoryview(b"")
        self._at = 0                # of the first byte that is not used up
        self._in_frame = False
        self._checksum = False
        self._skip = 0              # bytes of a skippable frame still to come
        self._sum = False           # the checksum comes next
        self._hungry = True

    @property
    def whole(self) -> bool:
        return not self._in_frame and not self._skip and self._at == len(self._input)

    @property
    def hungry(self) -> bool:
        return self._hungry

    def feed(self, data: bytes, most: int) -> bytes:
        if data:
            rest = self._input[self._at:]
            self._input, self._at = memoryview(bytes(rest) + data if rest else data), 0
        out: list[bytes] = []
        start = at = self._at
        bound = 0
        self._hungry = False
        while bound < most:
            was_in_frame = self._in_frame
            length = self._unit(at)
            if length == 0:
                self._hungry = True
                break
            at += length
            if not was_in_frame and not self._in_frame:         # a skippable frame, or a part of one
                start = at
            elif not self._in_frame:
                out.append(self._decompress(self._input[start:at]))
                self._frame, start = self._new(), at
            bound += _BLOCK_BYTES
        if at > start:
            out.append(self._decompress(self._input[start:at]))
        self._at = at
        return out[0] if len(out) == 1 else b"".join(out)

    def _decompress(self, data: memoryview) -> bytes:
        try:
            out: bytes = self._frame.decompress(data)
        except self._error as error:
            raise ValueError(f"the zstd data is damaged ({_words(error)})") from None
        return out

    def _unit(self, at: int) -> int:
        """Bytes of the next header, block or checksum at input[at:], 0 when it is not all here; steps over it."""
        data = self._input
        have = len(data) - at
        if self._skip:
            taken = min(have, self._skip)
            self._skip -= taken
            return taken
        if self._sum:
            if have < 4:
                return 0
            self._sum = self._in_frame = False
            return 4
        if self._in_frame:
            if have < 3:
                return 0
            head = int.from_bytes(data[at:at + 3], "little")
            length = 4 if head >> 1 & 3 == 1 else 3 + (head >> 3)       # type 1: one byte repeated
            if length > _BLOCK_BYTES + 3:
                raise ValueError("the zstd data is damaged (a block is too large)")
            if have < length:
                return 0
            if head & 1:
                self._sum, self._in_frame = self._checksum, self._checksum
            return length
        if have < 8:
            return 0
        magic = bytes(data[at:at + 4])
        if magic[1:] == b"\x2a\x4d\x18" and magic[0] & 0xF0 == 0x50:
            self._skip = int.from_bytes(data[at + 4:at + 8], "little")
            return 8
        if magic != b"\x28\xb5\x2f\xfd":
            raise ValueError("the zstd data is damaged (no frame where one should begin)")
        descriptor = data[at + 4]
        single = descriptor >> 5 & 1
        length = 6 - single + (0, 1, 2, 4)[descriptor & 3] + (single, 2, 4, 8)[descriptor >> 6]
        if have < length:
            return 0
        self._checksum = bool(descriptor >> 2 & 1)
        self._in_frame = True
        return length


def _words(error: Exception) -> str:
    lines = str(error).splitlines()
    return lines[0][:120] if lines else type(error).__name__
