"""Content codings undone, one stage each: gzip, deflate, br, zstd. Every stage bounds what one step may give out.

A stage that does not recognise its input gives it out as it is; one that meets damage gives what came before it.
"""

import zlib
from collections.abc import Generator, Iterator
from typing import Any, Protocol

from sniff import limits

STEP = 16 << 10
"""Most bytes of output in one piece."""

_ZSTD_WINDOW = 8 << 20
"""RFC 9659 section 3: a decoder of the content coding needs no larger window, and must not be made to allocate one."""

_UNPROVEN = 1024
"""Raw deflate has no header: its first output is held back until this much input made sense."""


class Stage(Protocol):
    """One coding being undone."""

    problem: str

    @property
    def memory(self) -> int:
        """About how many bytes it holds."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decoded bytes, in pieces of bounded size."""

    def finish(self) -> Iterator[bytes]:
        """What was held back, when the input has ended."""


def stage_for(name: str) -> Stage:
    """The stage that undoes a coding, by its name in lower case."""
    if name in ("gzip", "x-gzip"):
        return _Gzip()
    if name in ("deflate", "x-deflate"):
        return _Deflate()
    if name == "br":
        return _Brotli()
    if name in ("zstd", "x-zstd"):
        return _Zstd()
    return _Unknown()


class _Unknown:
    """A coding that nobody knows: the bytes as they are."""

    problem = "unknown coding, shown as it is"
    memory = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        yield data

    def finish(self) -> Iterator[bytes]:
        return iter(())


class _Inflater:
    """Raw deflate that keeps what it could decode before the damage.

    zlib throws away the output of the call in which it meets damage, so the state is copied before each part of the
    input, and the part that fails is decoded again byte by byte. That happens once: afterwards the stream is dead.
    """

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        self._failed = False

    def ended(self) -> bool:
        """The last block was read to its end."""
        return self._inflate.eof

    def failed(self) -> bool:
        """It met damage: no more output will come."""
        return self._failed

    @property
    def rest(self) -> bytes:
        """What came after the last block, when it ended."""
        return self._inflate.unused_data

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Decoded bytes of at most STEP bytes of input, in pieces of at most STEP."""
        if not data or self._failed or self._inflate.eof:
            return
        before = self._inflate.copy()
        given = 0
        left = data
        while not self._inflate.eof:
            try:
                out = self._inflate.decompress(left, STEP)
            except zlib.error:
                self._failed = True
                yield from self._salvage(before, data, given)
                return
            left = self._inflate.unconsumed_tail
            if not out and not left:
                break
            given += len(out)
            if out:
                yield out

    def _salvage(self, inflate: Any, data: bytes, given: int) -> Iterator[bytes]:
        """Decode `data` again, byte by byte up to the damage, and give what comes after `given` bytes of output."""
        out = bytearray()
        skip = given
        try:
            for index in range(len(data)):
                piece = inflate.decompress(data[index:index + 1])
                if skip >= len(piece):
                    skip -= len(piece)
                else:
                    out += piece[skip:]
                    skip = 0
        except zlib.error:
            pass
        for start in range(0, len(out), STEP):
            yield bytes(out[start:start + STEP])


_INFLATE_BYTES = 48 << 10
"""What zlib keeps: a window of 32 KiB and its tables."""
_BROTLI_WINDOW = 16 << 20
"""RFC 7932 section 9.1: the largest window. It is allocated as output fills it."""


class _Gzip:
    """gzip: members one after another; a body that is none is given out as it is."""

    memory = _INFLATE_BYTES

    def __init__(self) -> None:
        self.problem = ""
        self._head = b""
        self._plain = False
        self._done = False
        self._members = 0
        self._inflate: _Inflater | None = None
        self._other: _Deflate | None = None
        self._crc = 0
        self._size = 0
        self._trailer = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._other is not None:
            yield from self._other.feed(data)
            self.problem = self._other.problem or self.problem
        elif self._plain:
            yield data
        else:
            rest: bytes | None = data
            while rest:
                rest = yield from self._member(rest)

    def _member(self, data: bytes) -> Generator[bytes, None, bytes | None]:
        """Feed one member; returns what came after it."""
        if self._done:
            return None
        if self._inflate is None:
            return (yield from self._start(data))
        inflate = self._inflate
        if not inflate.ended():
            for piece in inflate.feed(data):
                self._crc = zlib.crc32(piece, self._crc)
                self._size += len(piece)
                yield piece
            if inflate.failed():
                self.problem, self._done = f"damaged after {self._size} bytes", True
                return None
            if not inflate.ended():
                return None
            data = inflate.rest
        self._trailer += data
        return self._end_member() if len(self._trailer) >= 8 else None

    def _start(self, data: bytes) -> Generator[bytes, None, bytes | None]:
        """Collect a member's header; returns what came after it."""
        self._head += data
        if len(self._head) < 2:
            return None
        if self._head[:2] == b"\r\n" and not self._members and b"\r\n\x1f\x8b".startswith(self._head[:4]):
            self._head = self._head[2:]  # the empty line that ends the head, sent twice
            if len(self._head) < 2:
                return None
        length = _gzip_head(self._head)
        if length < 0:
            yield from self._no_gzip()
            return None
        if length == 0:
            if len(self._head) > limits.SHORT_HEAD_BYTES:
                self._head, self._done = b"", True
                self.problem = "endless gzip header"
            return None
        rest, self._head = self._head[length:], b""
        self._inflate, self._crc, self._size = _Inflater(), 0, 0
        self._members += 1
        return rest

    def _end_member(self) -> bytes:
        """Check a member's trailer; what came after it."""
        crc, size = (int.from_bytes(self._trailer[at:at + 4], "little") for at in (0, 4))
        if crc != self._crc:
            self.problem = "checksum is wrong"
        elif size != self._size & 0xFFFFFFFF:
            self.problem = "length is wrong"
        rest, self._trailer, self._inflate = self._trailer[8:], b"", None
        return rest

    def _no_gzip(self) -> Iterator[bytes]:
        head, self._head = self._head, b""
        if self._members:
            # Bytes after the last member: RFC 1952 knows none, gzip(1) and browsers ignore them.
            self._done = True
            if head.strip(b"\0"):
                self.problem = self.problem or "bytes after the end are left out"
            return
        if _is_zlib(head):
            self.problem = "zlib, not gzip"
            self._other = _Deflate()
            yield from self._other.feed(head)
            return
        self.problem = "not compressed as claimed"
        self._plain = True
        yield head

    def finish(self) -> Iterator[bytes]:
        if self._other is not None:
            yield from self._other.finish()
        elif self._head and not self._members:
            self.problem = "not compressed as claimed"
            yield self._head
        elif self._head.strip(b"\0"):
            self.problem = self.problem or "bytes after the end are left out"
        elif self._inflate is not None and not self._done and not self._inflate.ended():
            self.problem = self.problem or f"ends early, after {self._size} bytes"
        self._head = b""


def _gzip_head(data: bytes) -> int:
    """Length of the gzip member header that `data` begins with; 0 when it needs more, -1 when it is none.

    Reserved flags are ignored and a header checksum is not checked, as browsers do.
    """
    if data[:3] != b"\x1f\x8b\x08"[:len(data)]:
        return -1
    if len(data) < 10:
        return 0
    flags, at = data[3], 10
    if flags & 4:
        if len(data) < at + 2:
            return 0
        at += 2 + int.from_bytes(data[at:at + 2], "little")
    for flag in (8, 16):
        if flags & flag:
            end = data.find(b"\0", at)
            if end < 0:
                return 0
            at = end + 1
    if flags & 2:
        at += 2
    return at if len(data) >= at else 0


def _is_zlib(head: bytes) -> bool:
    """True when data begins with a zlib header (RFC 1950 section 2.2), without a preset dictionary."""
    return len(head) >= 2 and head[0] & 0x0F == 8 and head[0] >> 4 <= 7 and (head[0] << 8 | head[1]) % 31 == 0 \
        and not head[1] & 0x20


class _Deflate:
    """deflate: zlib as the standard says, or raw as some servers send it; a body that is neither as it is."""

    memory = _INFLATE_BYTES

    def __init__(self) -> None:
        self.problem = ""
        self._head = b""
        self._zlib = False
        self._inflate: _Inflater | None = None
        self._kept: list[bytes] | None = []   # input while raw deflate is unproven
        self._held: list[bytes] = []          # and the output it gave
        self._plain = False
        self._size = 0
        self._adler = 1
        self._tail = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._plain:
            yield data
            return
        if self._inflate is None:
            self._head += data
            if len(self._head) < 3:
                return
            yield from self._begin()
            return
        yield from self._run(data)

    def _begin(self) -> Iterator[bytes]:
        head, self._head = self._head, b""
        if _gzip_head(head) >= 0:
            # Some servers call gzip deflate; and `gzip, deflate` over one gzip needs the gzip left for the next stage.
            self._plain = True
            self.problem = "gzip, not deflate"
            yield head
            return
        self._zlib = _is_zlib(head)
        self._inflate = _Inflater()
        if self._zlib:
            self._kept = None
        yield from self._run(head[2:] if self._zlib else head)

    def _run(self, data: bytes) -> Iterator[bytes]:
        inflate = self._inflate
        if inflate is None or inflate.failed():
            return
        if inflate.ended():
            self._tail += data[:4]
            return
        if self._kept is not None:
            yield from self._try(inflate, self._kept, data[:_UNPROVEN])
            data = data[_UNPROVEN:]
        if self._plain:
            yield data
            return
        for piece in inflate.feed(data):
            self._size += len(piece)
            if self._zlib:
                self._adler = zlib.adler32(piece, self._adler)
            yield piece
        if inflate.failed():
            self.problem = f"damaged after {self._size} bytes"
        elif inflate.ended():
            self._tail = inflate.rest[:4]

    def _try(self, inflate: _Inflater, kept: list[bytes], data: bytes) -> Iterator[bytes]:
        """Raw deflate, until it is proven or proven wrong."""
        kept.append(data)
        self._held.extend(inflate.feed(data))
        if inflate.failed():
            self.problem, self._plain = "not compressed as claimed", True
            self._kept, self._held = None, []
            yield b"".join(kept)
        elif inflate.ended() or sum(map(len, kept)) >= _UNPROVEN:
            yield from self._prove()

    def _prove(self) -> Iterator[bytes]:
        self._kept = None
        for piece in self._held:
            self._size += len(piece)
            yield piece
        self._held = []

    def finish(self) -> Iterator[bytes]:
        if self._inflate is None:
            if self._head and not self._plain:
                self.problem = "not compressed as claimed"
                yield self._head
            self._head = b""
            return
        if self._inflate.failed() or self._plain:
            return
        if not self._inflate.ended():
            self.problem = self.problem or f"ends early, after {self._size + sum(map(len, self._held))} bytes"
        elif self._zlib and len(self._tail) >= 4 and int.from_bytes(self._tail[:4]) != self._adler:
            self.problem = "checksum is wrong"
        if self._kept is not None:
            yield from self._prove()


class _Brotli:
    """br. Its first bytes prove nothing, so a stream that fails before it gave out anything is given out as it is.

    The library throws away the output of the call in which it meets damage or bytes after the end. So it is fed blocks of
    a fixed size, and while little has come, what came is kept to be decoded again byte by byte.
    """

    _BLOCK = 512
    _KEPT = 64 << 10

    def __init__(self) -> None:
        import brotli  # type: ignore[import-untyped]  # a quarter of a megabyte of dictionary: loaded when a body needs it

        self.problem = ""
        self._error = brotli.error
        self._new = brotli.Decompressor
        self._decoder = brotli.Decompressor()
        self._waiting = b""
        self._kept = b""
        self._fed = 0
        self._done = False
        self._plain: bool = False
        self._size = 0

    @property
    def memory(self) -> int:
        return _INFLATE_BYTES + (0 if self._done else min(2 * self._size, _BROTLI_WINDOW))

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._plain:
            yield data
            return
        data = self._waiting + data
        whole = len(data) - len(data) % self._BLOCK
        self._waiting = data[whole:]
        for at in range(0, whole, self._BLOCK):
            if (yield from self._block(data[at:at + self._BLOCK])):
                self._waiting = b""
                yield data[at + self._BLOCK:]
                return

    def _block(self, data: bytes) -> Generator[bytes, None, bool]:
        """Decode one block; True when it turned out that nothing was coded."""
        if self._done:
            return False
        if self._fed == len(self._kept) and self._fed < self._KEPT:
            self._kept += data
        self._fed += len(data)
        try:
            out = self._decoder.process(data, output_buffer_limit=STEP)
            while out or not self._decoder.can_accept_more_data():
                if out:
                    self._size += len(out)
                    yield out
                if self._decoder.is_finished():
                    break
                out = self._decoder.process(b"", output_buffer_limit=STEP)
        except self._error:
            yield from self._salvage()
            return self._plain
        self._done = self._decoder.is_finished()
        return False

    def _salvage(self) -> Iterator[bytes]:
        """Decode what was kept again, up to the damage or the end of the stream, and give what was not given out yet."""
        self._done = True
        decoder = self._new()
        skip = self._size
        try:
            for index in range(len(self._kept) if self._fed == len(self._kept) else 0):
                out = decoder.process(self._kept[index:index + 1], output_buffer_limit=STEP)
                while out or not decoder.can_accept_more_data():
                    if len(out) > skip:
                        self._size += len(out) - skip
                        yield out[skip:]
                    skip = max(skip - len(out), 0)
                    out = b"" if decoder.is_finished() else decoder.process(b"", output_buffer_limit=STEP)
                    if decoder.is_finished() and not out:
                        break
                if decoder.is_finished():
                    self.problem = "bytes after the end are left out"
                    return
        except self._error:
            pass
        if self._size:
            self.problem = f"damaged after {self._size} bytes"
        else:
            self.problem, self._plain = "not compressed as claimed", True
            yield self._kept

    def finish(self) -> Iterator[bytes]:
        if self._waiting and not self._plain:
            waiting, self._waiting = self._waiting, b""
            yield from self._block(waiting)
        if not self._done and not self._plain and self._fed:
            self.problem = f"ends early, after {self._size} bytes"


class _Zstd:
    """zstd: frames one after another; a body without the magic number is given out as it is."""

    _MAGIC = b"\x28\xb5\x2f\xfd"
    _SLICE = 64  # a block of four bytes may say 128 KiB: small slices bound what one call can give

    def __init__(self) -> None:
        import zstandard  # loaded when a body needs it

        self.problem = ""
        self._error = zstandard.ZstdError
        self._context = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        self._decoder: Any = None
        self._head = b""
        self._plain = False
        self._done = False
        self._size = 0
        self._frames = 0

    @property
    def memory(self) -> int:
        return _INFLATE_BYTES + (0 if self._decoder is None else min(2 * self._size, _ZSTD_WINDOW))

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._plain:
            yield data
            return
        while data and not self._done:
            if self._decoder is None:
                self._head += data
                if len(self._head) < 4:
                    return
                data, self._head = self._head, b""
                if data[:4] != self._MAGIC and not 0x184D2A50 <= int.from_bytes(data[:4], "little") <= 0x184D2A5F:
                    yield from self._no_zstd(data)
                    return
                self._decoder = self._context.decompressobj()
                self._frames += 1
            data = yield from self._frame(data)

    def _frame(self, data: bytes) -> Generator[bytes, None, bytes]:
        """Feed one frame; returns what came after it."""
        for start in range(0, len(data), self._SLICE):
            try:
                out = self._decoder.decompress(data[start:start + self._SLICE])
            except self._error as error:
                self._done = True
                self.problem = f"damaged after {self._size} bytes ({_cause(error)})"
                return b""
            self._size += len(out)
            for at in range(0, len(out), STEP):
                yield out[at:at + STEP]
            if self._decoder.eof:
                rest: bytes = self._decoder.unused_data + data[start + self._SLICE:]
                self._decoder = None
                return rest
        return b""

    def _no_zstd(self, data: bytes) -> Iterator[bytes]:
        if self._frames:
            self._done = True
            self.problem = "bytes after the end are left out"
            return
        self.problem, self._plain = "not compressed as claimed", True
        yield data

    def finish(self) -> Iterator[bytes]:
        if self._head and not self._frames:
            self.problem = "not compressed as claimed"
            yield self._head
        elif self._decoder is not None and not self._done:
            self.problem = f"ends early, after {self._size} bytes"
        self._head = b""


def _cause(error: Exception) -> str:
    return str(error).rpartition(": ")[2][:80]
