"""Stores: where the bytes of a capture come from, read from front to back, and later anywhere."""

import os
import select
import stat
import time
from collections.abc import Callable
from typing import Protocol

from sniff.capture.files import read_at, read_into, read_next
from sniff.capture.spool import Spool
from sniff.errors import InputError

NOTHING_YET = -1
"""What fill() answers when there is nothing for now but more may come."""

_POLL_S = 0.02
_PIPE_BYTES = 1 << 20


class Store(Protocol):
    """Bytes in order.

    name      for messages
    live      more may come later: a pipe, or a file that is still being written
    broken    why the bytes end early although the input does not say so itself; "" when they do not
    size      bytes of the input as it lies on the disk, -1 when not known
    position  bytes of it that were read so far
    """

    name: str
    broken: str

    @property
    def live(self) -> bool: ...

    @property
    def size(self) -> int: ...

    @property
    def position(self) -> int: ...

    def fill(self, view: memoryview) -> int:
        """Put the next bytes into `view`; how many, 0 at the end, NOTHING_YET when there are none for now."""

    def wait(self, seconds: float) -> bool:
        """Wait until there may be more to read, at most so long; whether there may be."""

    def read(self, offset: int, length: int) -> bytes:
        """Bytes anywhere in what was read so far; empty when they are not there (any more)."""

    def unspool(self) -> None:
        """Nobody will ask read(): the bytes are only a step to others."""

    def stop(self) -> None:
        """Take what is there now for everything there will be."""

    def close(self) -> None: ...


class FileStore:
    """A regular file. With `follow` its end is not the end: another program may still be writing it."""

    def __init__(self, name: str, descriptor: int, *, follow: bool = False) -> None:
        self.name = name
        self.live = follow
        self.position = 0
        self.broken = ""
        self._fd = descriptor

    @property
    def size(self) -> int:
        return os.fstat(self._fd).st_size if self._fd >= 0 else self.position

    def fill(self, view: memoryview) -> int:
        try:
            got = read_into(self._fd, view, self.position)
        except OSError as error:
            self.broken = f"reading stopped at byte {self.position}: {error.strerror}"
            return 0
        self.position += got
        if got == 0 and self.live:
            if self.size < self.position:
                self.broken = f"somebody cut the file to {self.size} bytes while it was read"
                return 0
            return NOTHING_YET
        return got

    def wait(self, seconds: float) -> bool:
        """A file that grows wakes nobody: look again and again."""
        deadline = time.monotonic() + seconds
        while self.live and self.size == self.position:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(_POLL_S, left))
        return True

    def read(self, offset: int, length: int) -> bytes:
        return read_at(self._fd, length, offset)

    def unspool(self) -> None:
        pass

    def stop(self) -> None:
        self.live = False

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class PipeStore:
    """A pipe, a socket or a terminal: bytes come when they come, and can be read once. `spool` keeps them."""

    def __init__(self, name: str, descriptor: int, *, spool: Spool | None = None, owned: bool = False) -> None:
        self.name = name
        self.live = True
        self.position = 0
        self.broken = ""
        self._fd = descriptor
        self._spool = spool
        self._owned = owned
        _enlarge(descriptor)

    @property
    def size(self) -> int:
        return -1

    def fill(self, view: memoryview) -> int:
        if not self._readable(0.0):
            return NOTHING_YET if self.live else 0
        try:
            got = read_next(self._fd, view)
        except BlockingIOError:
            return NOTHING_YET if self.live else 0
        except OSError as error:
            self.broken = f"reading stopped at byte {self.position}: {error.strerror}"
            return 0
        if got and self._spool:
            self._spool.write(view[:got])
        self.position += got
        return got

    def wait(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.live:
            left = deadline - time.monotonic()
            if self._readable(max(0.0, min(0.1, left))):    # short steps: stop() may come from another thread
                return True
            if left <= 0:
                return False
        return True

    def _readable(self, seconds: float) -> bool:
        if hasattr(select, "poll"):
            poll = select.poll()
            poll.register(self._fd, select.POLLIN | select.POLLHUP | select.POLLERR)
            return bool(poll.poll(seconds * 1000))
        return True     # where pipes cannot be polled a read waits

    def read(self, offset: int, length: int) -> bytes:
        return self._spool.read(offset, length) if self._spool else b""

    def unspool(self) -> None:
        if self._spool:
            self._spool.close()
            self._spool = None

    def stop(self) -> None:
        self.live = False

    def close(self) -> None:
        self.unspool()
        if self._owned and self._fd >= 0:
            os.close(self._fd)
        self._fd = -1


def open_store(path: str | os.PathLike[str], *, follow: bool = False,
               spool: Callable[[], Spool | None] = lambda: None) -> Store:
    """The store behind a path, "-" for standard input. What stands in the way is one clear InputError.

    spool  makes a spool for input that can be read only once
    """
    if os.fspath(path) == "-":
        name = "standard input"
        try:
            mode = os.fstat(0).st_mode
        except OSError:
            raise InputError(f"{name}: is closed") from None
        if os.isatty(0):
            raise InputError(f"{name}: is a terminal; pipe a capture into it (tcpdump -w - | ...) or name a file")
        if stat.S_ISREG(mode) and os.lseek(0, 0, os.SEEK_CUR) == 0:
            return FileStore(name, os.dup(0), follow=follow)
        return PipeStore(name, 0, spool=spool())
    name = printable(os.fspath(path))
    descriptor = _open(path, name)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode) or stat.S_ISBLK(mode):
        return FileStore(name, descriptor, follow=follow)
    if stat.S_ISDIR(mode):
        os.close(descriptor)
        raise InputError(f"{name}: is a folder, not a capture file")
    return PipeStore(name, descriptor, spool=spool(), owned=True)


def _open(path: str | os.PathLike[str], name: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        raise InputError(f"{name}: there is no such file") from None
    except PermissionError:
        raise InputError(f"{name}: no permission to read it") from None
    except IsADirectoryError:
        raise InputError(f"{name}: is a folder, not a capture file") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"{name}: cannot be opened: {reason}") from None


def _enlarge(descriptor: int) -> None:
    """Ask for a larger pipe, so that a fast writer and we wake each other less often."""
    try:
        import fcntl
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    except (ImportError, AttributeError, OSError):
        pass        # not Linux, no pipe, or above the user's limit


def printable(name: str | bytes) -> str:
    """A file name or a text from a file, fit for a message: what is not printable is escaped, so that it cannot play
    tricks on a terminal."""
    text = os.fsdecode(name)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
