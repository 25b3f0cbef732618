"""Stores: where the bytes of a capture come from, read from front to back, and later anywhere."""

import errno
import os
import stat
import time
from pathlib import Path
from typing import Protocol

from sniff.errors import InputError

NOTHING_YET = -1
"""What fill() answers when there is nothing for now but more may come."""

_POLL_S = 0.02


class Store(Protocol):
    """Bytes in order.

    name      for messages
    live      more may come later: a pipe, or a file that is still being written
    size      bytes of the input as it lies on the disk, -1 when not known
    position  bytes of it that were read so far
    """

    name: str
    live: bool

    @property
    def size(self) -> int: ...

    @property
    def position(self) -> int: ...

    def fill(self, view: memoryview) -> int:
        """Put the next bytes into `view`; how many, 0 at the end, NOTHING_YET when there are none for now."""

    def wait(self, seconds: float) -> None:
        """Return when there may be more to read, or after `seconds`."""

    def read(self, offset: int, length: int) -> bytes:
        """Bytes anywhere in what was read so far; fewer than asked for when they are not there."""

    def stop(self) -> None:
        """Take what is there now for everything there will be."""

    def close(self) -> None: ...


class FileStore:
    """A regular file. With `follow` its end is not the end: another program may still be writing it."""

    def __init__(self, path: str | os.PathLike[str], *, follow: bool = False, descriptor: int = -1) -> None:
        self.name = printable(os.fspath(path))
        self.live = follow
        self.position = 0
        self._fd = descriptor if descriptor >= 0 else open_readable(path)

    @property
    def size(self) -> int:
        return os.fstat(self._fd).st_size

    def fill(self, view: memoryview) -> int:
        try:
            got = os.preadv(self._fd, [view], self.position)
        except OSError as error:
            raise InputError(f"{self.name}: cannot be read: {error.strerror}") from None
        self.position += got
        return NOTHING_YET if got == 0 and self.live else got

    def wait(self, seconds: float) -> None:
        """Poll: a file that grows wakes nobody."""
        deadline = time.monotonic() + seconds
        while self.live and self.size <= self.position and time.monotonic() < deadline:
            time.sleep(min(_POLL_S, seconds))

    def read(self, offset: int, length: int) -> bytes:
        return os.pread(self._fd, length, offset)

    def stop(self) -> None:
        self.live = False

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def open_readable(path: str | os.PathLike[str]) -> int:
    """A file descriptor for reading `path`; what stands in the way is one clear InputError."""
    name = printable(os.fspath(path))
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        raise InputError(f"{name}: no such file") from None
    except PermissionError:
        raise InputError(f"{name}: no permission to read it") from None
    except IsADirectoryError:
        raise InputError(f"{name}: is a folder, not a capture file") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"{name}: cannot be opened: {reason}") from None
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InputError(f"{name}: is a folder, not a capture file")
    return descriptor


def is_regular(descriptor: int) -> bool:
    """Whether the descriptor is a file that can be read anywhere, and not a pipe, a socket or a terminal."""
    try:
        return stat.S_ISREG(os.fstat(descriptor).st_mode)
    except OSError as error:
        if error.errno == errno.EBADF:
            return False
        raise


def printable(name: str | bytes) -> str:
    """A file name fit for a message: what is not printable is escaped, so that it cannot play tricks on a terminal."""
    text = os.fsdecode(name)
    return text if text.isprintable() else text.encode("unicode_escape", "backslashreplace").decode("ascii")


def display_name(path: str | Path) -> str:
    """How a source is called in messages; standard input has no name of its own."""
    return "standard input" if str(path) == "-" else printable(str(path))
