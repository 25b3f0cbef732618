"""The files that a live capture is written to: one, a ring of several, or a spool without a name."""

import errno
import os
import re
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sniff.errors import SniffError, UsageError

SPOOL_FILE_BYTES = 256 << 20
"""The spool is a chain of unnamed files of this size: each goes away when its reader has closed it."""

UNITS = {"": 1, "b": 1, "k": 10**3, "kb": 10**3, "m": 10**6, "mb": 10**6, "g": 10**9, "gb": 10**9, "t": 10**12, "tb": 10**12,
         "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40}
SECONDS = {"s": 1, "sec": 1, "min": 60, "h": 3600, "d": 86400}
LEAST_FILE = 64 << 10
PRIVATE = 0o600


class DiskFull(SniffError):
    """What was captured could not be written any more. The files hold whole blocks only."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """When a new file is begun, and how many are kept.

    files    how many, 0 for all
    size     bytes of one, 0 for no bound
    seconds  time of one, 0 for no bound
    """

    files: int = 0
    size: int = 0
    seconds: float = 0.0


def parse_size(text: str) -> int:
    """Bytes: 100MB, 64MiB, 1g, 500000. Raises UsageError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-zA-Z]*)", text.strip())
    if match is None or match[2].lower() not in UNITS:
        raise UsageError(f"'{text}' is no size; write 500000, 100MB or 64MiB")
    return int(float(match[1]) * UNITS[match[2].lower()])


def parse_rotation(text: str) -> Rotation:
    """10x100MB, 24x1h, 10x100MB,1h; the number may be missing (then all are kept). Raises UsageError."""
    match = re.fullmatch(r"(?:(\d+)\s*[xX*]\s*)?(.+)", text.strip())
    files, size, seconds = int(match[1] or 0) if match else 0, 0, 0.0
    for part in match[2].split(",") if match else ():
        timed = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([a-z]+)", part.strip())
        if timed and timed[2] in SECONDS:
            seconds = float(timed[1]) * SECONDS[timed[2]]
        else:
            try:
                size = parse_size(part)
            except UsageError:
                size = -1
    if size < 0 or not (size or seconds) or (match and match[1] == "0"):
        raise UsageError(f"'{text}' says nothing about files; write 10x100MB, 24x1h or 10x100MB,1h")
    if size and size < LEAST_FILE:
        raise UsageError(f"files of less than {LEAST_FILE >> 10} KiB are too small to hold any packet that may come")
    return Rotation(files, size, seconds)


class CaptureFiles:
    """Takes whole pcapng blocks and puts them into files.

    written  bytes of all files
    path     of the file at hand, "" for the spool
    """

    def __init__(self, path: str | None, rotation: Rotation, head: Callable[[], bytes], tail: Callable[[], bytes], *,
                 limit: int = 0, opened: Callable[[int, str], None] = lambda descriptor, path: None) -> None:
        """Open the first file.

        path    None for a spool; "-" for standard output
        head    makes the blocks that every file begins with
        tail    makes the blocks that every file ends with
        limit   most bytes of all files together, 0 for no bound
        opened  told of every new file: a descriptor to read it from, which is closed afterwards, and its name
        """
        self.written = 0
        self.path = ""
        self._base = path
        self._rotation = Rotation(size=SPOOL_FILE_BYTES) if path is None else rotation
        self._head = head
        self._tail = tail
        self._limit = limit
        self._opened = opened
        self._kept: deque[str] = deque()
        self._number = 0
        self._fd = -1
        self._in_file = self._head_bytes = 0
        self._since = 0.0
        self._begin()

    @property
    def several(self) -> bool:
        """Whether there is more than one file to come."""
        return self._base not in (None, "-") and bool(self._rotation.size or self._rotation.seconds)

    def room(self, now: float) -> int:
        """Bytes that may be written before the file is full; 0 when it is time for the next one. `now` is monotonic."""
        room = 1 << 62
        if self._rotation.size:
            room = self._rotation.size - self._in_file - len(self._tail())
        if self._limit:
            room = min(room, self._limit - self.written - len(self._tail()))
        if self._rotation.seconds and now - self._since >= self._rotation.seconds:
            return 0
        return max(0, room)

    @property
    def fresh(self) -> bool:
        """Whether the file holds no packet yet."""
        return self._in_file == self._head_bytes

    @property
    def full(self) -> bool:
        """Whether the bound on all files together was reached; asked when there was no room for a packet."""
        return bool(self._limit) and self._limit - self.written - len(self._tail()) < (
            self._rotation.size - self._in_file if self._rotation.size else 1 << 62)

    def write(self, data: memoryview) -> None:
        """Write whole blocks. Raises DiskFull, and then the file ends with the last whole block that fitted."""
        done = 0
        try:
            while done < len(data):
                done += os.write(self._fd, data[done:])
        except BrokenPipeError:
            raise
        except OSError as error:
            self._cut(data, done)
            reason = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else str(error.strerror)
            raise DiskFull(f"{self.path or 'spool in ' + tempfile.gettempdir()}: {reason}; the capture ended there") from None
        self._in_file += done
        self.written += done

    def _cut(self, data: memoryview, done: int) -> None:
        """Take the last block, which did not fit whole, off the file."""
        whole = 0
        while whole + 8 <= done:
            length = int.from_bytes(data[whole + 4:whole + 8], sys.byteorder)
            if length < 12 or whole + length > done:
                break
            whole += length
        with suppress(OSError):     # standard output
            os.ftruncate(self._fd, self._in_file + whole)
            self.written += whole
            self._in_file += whole

    def next(self) -> None:
        """End this file and begin the next one."""
        self._end()
        self._begin()

    def close(self) -> None:
        """End the file."""
        if self._fd >= 0:
            self._end()

    def abandon(self) -> None:
        """Close the file as it is."""
        if self._fd >= 0 and self._base != "-":
            os.close(self._fd)
        self._fd = -1

    def _end(self) -> None:
        try:
            self.write(memoryview(self._tail()))
        finally:
            self.abandon()

    def _begin(self) -> None:
        self._number += 1
        self._in_file = 0
        self._since = time.monotonic()
        reader = -1
        try:
            if self._base == "-":
                self._fd, self.path = 1, "standard output"
            elif self._base is None:
                with tempfile.TemporaryFile(prefix="sniff-") as spool:
                    self._fd = os.dup(spool.fileno())
                    reader = os.dup(spool.fileno())
            else:
                self.path = self._name()
                self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, PRIVATE)
                reader = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
                self._kept.append(self.path)
                while self._rotation.files and len(self._kept) > self._rotation.files:
                    Path(self._kept.popleft()).unlink(missing_ok=True)
            self.write(memoryview(self._head()))
            self._head_bytes = self._in_file
            if reader >= 0:
                self._opened(reader, self.path)
        except OSError as error:
            raise SniffError(f"{self.path or tempfile.gettempdir()}: cannot be written: {error.strerror}") from None
        finally:
            if reader >= 0:
                os.close(reader)

    def _name(self) -> str:
        """NAME_00001_20260131120000.pcapng for one of several, as dumpcap calls them."""
        assert self._base is not None
        if not self.several:
            return self._base
        base = Path(self._base)
        stamp = time.strftime("%Y%m%d%H%M%S")
        return str(base.with_name(f"{base.stem}_{self._number:05d}_{stamp}{base.suffix or '.pcapng'}"))


