"""The store of a live capture: files that another process is still writing, read one behind the other."""

import os
import threading
import time
from collections import deque
from dataclasses import dataclass

from sniff import limits
from sniff.capture.files import read_at, read_into
from sniff.capture.store import NOTHING_YET


@dataclass(slots=True)
class _File:
    """One file: where its first byte stands in the store, and how many it has once it is complete."""

    descriptor: int
    base: int
    size: int = -1


class GrowingStore:
    """Bytes of several files in the order in which they were made, as one store (see store.py).

    add() and grew() may be called from another thread. A complete file that was read is closed when limits.SPOOL_BYTES of
    them are held; what was in it can then be read no more.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.broken = ""
        self.live = True
        self.size = 0
        self.position = 0
        self._files: deque[_File] = deque()
        self._at = 0                    # the file being read, as an index into _files
        self._changed = threading.Condition()

    def add(self, descriptor: int) -> None:
        """Another file begins; the one before it is complete."""
        with self._changed:
            base = 0
            if self._files:
                last = self._files[-1]
                last.size = os.fstat(last.descriptor).st_size
                base = last.base + last.size
            self._files.append(_File(descriptor, base))
            while self._at > 0 and self._files[-1].base - self._files[0].base > limits.SPOOL_BYTES:
                os.close(self._files.popleft().descriptor)
                self._at -= 1
            self._changed.notify_all()

    def grew(self, size: int) -> None:
        """There are `size` bytes in all files together."""
        with self._changed:
            self.size = max(self.size, size)
            self._changed.notify_all()

    def fill(self, view: memoryview) -> int:
        while True:
            with self._changed:
                live = self.live
                if not self._files:
                    return NOTHING_YET if live else 0
                file = self._files[self._at]
                more = self._at + 1 < len(self._files)
            try:
                got = read_into(file.descriptor, view, self.position - file.base)
            except OSError as error:
                self.broken = f"reading stopped at byte {self.position}: {error.strerror}"
                return 0
            self.position += got
            if got:
                return got
            if not more:
                return NOTHING_YET if live else 0
            with self._changed:
                self._at += 1

    def wait(self, seconds: float) -> bool:
        """Wait until grew() tells of bytes that were not read, or stop() was called."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while self.live and self.size <= self.position:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
        return True

    def read(self, offset: int, length: int) -> bytes:
        with self._changed:
            for file in reversed(self._files):
                if file.base <= offset:
                    return read_at(file.descriptor, length, offset - file.base)
        return b""

    def unspool(self) -> None:
        pass

    def stop(self) -> None:
        with self._changed:
            self.live = False
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            while self._files:
                os.close(self._files.popleft().descriptor)
            self.live = False
            self._changed.notify_all()
