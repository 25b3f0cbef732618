"""The pool of one batch's texts: one uint8 array that grows, and (start, length) pairs into it."""

import numpy as np

from sniff.capture.raw import Bytes
from sniff.shelf import Shelf


class Pool:
    """Texts of one batch, end to end. Decoders write into `data` from `used` on and move `used`.

    data  uint8[capacity]; replaced by a larger one when it grows, so take it anew after reserve()
    used  bytes that hold texts
    shelf where it takes memory; whoever goes on with it in another thread puts one of that thread here
    """

    __slots__ = ("data", "shelf", "used")

    def __init__(self, capacity: int = 1 << 16, shelf: Shelf | None = None) -> None:
        self.shelf = shelf if shelf is not None else Shelf()
        self.data: Bytes = self.shelf.empty(capacity, np.uint8)
        self.used = 0

    def reserve(self, room: int) -> Bytes:
        """The array, with at least `room` free bytes after `used`."""
        if len(self.data) - self.used < room:
            grown: Bytes = self.shelf.empty(max(2 * len(self.data), self.used + room), np.uint8)
            grown[: self.used] = self.data[: self.used]
            self.data = grown
        return self.data

    def add(self, text: bytes) -> tuple[int, int]:
        """Append one text; (start, length) of it."""
        start, length = self.used, len(text)
        self.reserve(length)[start:start + length] = np.frombuffer(text, np.uint8)
        self.used += length
        return start, length
