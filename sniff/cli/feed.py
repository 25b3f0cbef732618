"""What the capturing process tells the analysing one: which files there are, how they grow, and when it is over.

One JSON object a line over a socket; the descriptors of files travel along. The capture never waits for the analysis:
when that has fallen behind, all but the newest figures are left out. The other way come the names that the analysis learns
from DNS, for the end of the file, and word when it has seen everything.
"""

import json
import os
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Any

from sniff import limits
from sniff.capture.growing import GrowingStore
from sniff.capture.live import Standing

_LONGEST = 1 << 16
NAMES_S = 0.25
"""Names are told so often at most."""
NAMES_AT_ONCE = 100
DONE_S = 0.5
"""The last of them may take so long."""


class Teller:
    """The end of the process that captures.

    gone  the other one is not there any more
    done  it has seen everything
    """

    def __init__(self, end: socket.socket, named: Callable[[str, str], None] = lambda address, name: None) -> None:
        """named: called with each address and name that the other one tells."""
        self.gone = self.done = False
        self.named = named
        self._rest = b""
        self._end = end
        self._end.setblocking(False)
        self._queue: deque[tuple[bytes, int]] = deque()     # (what is left of a line, descriptor or -1)

    def opened(self, descriptor: int, path: str) -> None:
        """A file begins. The descriptor stays the caller's."""
        self._put({"file": path}, os.dup(descriptor))

    def tell(self, standing: Standing) -> None:
        """How things stand; may get lost when newer figures follow."""
        self._flush()
        if not self._queue:
            self._put({"packets": standing.packets, "bytes": standing.bytes, "dropped": standing.dropped,
                       "last_ns": standing.last_ns})

    def end(self, standing: Standing) -> None:
        """It is over. Waits until the other one knows."""
        self._end.setblocking(True)
        self._flush()
        self.tell(standing)
        self._put({"end": True})
        self._end.setblocking(False)

    @property
    def descriptor(self) -> int:
        """What to poll for hear()."""
        return self._end.fileno()

    def hear(self) -> bool:
        """Take what the other one tells; False when nothing more will come."""
        while not self.gone:
            try:
                data = self._end.recv(_LONGEST)
            except BlockingIOError:
                return True
            except OSError:
                data = b""
            if not data:
                self.gone = True
                break
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                try:
                    said = json.loads(line)
                    for address, name in said.get("names", {}).items():
                        self.named(str(address), str(name))
                    self.done |= bool(said.get("done"))
                except (ValueError, AttributeError):
                    continue
            if len(self._rest) > _LONGEST:
                self._rest = b""
        return False

    def wait(self, seconds: float) -> None:
        """Wait until the other one has seen everything, for so long at most."""
        deadline = time.monotonic() + seconds
        while not self.done and self.hear():
            left = deadline - time.monotonic()
            if left <= 0:
                break
            select.select([self._end], [], [], left)

    def _put(self, message: dict[str, Any], descriptor: int = -1) -> None:
        self._queue.append((json.dumps(message).encode() + b"\n", descriptor))
        self._flush()

    def _flush(self) -> None:
        while self._queue:
            data, descriptor = self._queue.popleft()
            try:
                if self.gone:
                    sent = len(data)
                elif descriptor >= 0:
                    sent = socket.send_fds(self._end, [data], [descriptor])
                else:
                    sent = self._end.send(data)
            except BlockingIOError:
                self._queue.appendleft((data, descriptor))
                return
            except OSError:
                self.gone = True
                sent = len(data)
            if descriptor >= 0:
                os.close(descriptor)
            if sent < len(data):
                self._queue.appendleft((data[sent:], -1))


class Listener:
    """The end of the process that analyses: puts files into a store, in a thread of its own.

    standing  the newest figures
    ended     the capture ended in order; False when it only vanished
    """

    def __init__(self, end: socket.socket, store: GrowingStore) -> None:
        self.standing = Standing()
        self.ended = False
        self.over: Callable[[], None] = store.stop
        self._end = end
        self._unsaid = b""
        self._told = 0.0
        self._deaf = False
        self._names: dict[str, str] = {}
        self._store = store
        self._descriptors: deque[int] = deque()
        threading.Thread(target=self._listen, name="sniff-listener", daemon=True).start()

    def name(self, names: dict[str, str]) -> None:
        """Tell these names. Never waits, and not too often: what does not go now goes with the next ones, or with done()."""
        self._names |= names
        while len(self._names) > limits.RECORDED_NAMES:
            del self._names[next(iter(self._names))]
        now = time.monotonic()
        if self._names and now - self._told >= NAMES_S:
            self._told = now
            self._say()

    def done(self) -> None:
        """Tell the last names, and that everything was seen."""
        deadline = time.monotonic() + DONE_S
        said = False
        while time.monotonic() < deadline and not self._deaf:
            if not self._names and not self._unsaid:
                if said:
                    break
                self._unsaid, said = b'{"done": true}\n', True
            self._say()
            if self._unsaid:
                select.select([], [self._end], [], DONE_S)

    def _say(self) -> None:
        """Send what fits, some names at a time."""
        if not self._unsaid and self._names:
            some = dict(islice(self._names.items(), NAMES_AT_ONCE))
            self._names = dict(islice(self._names.items(), NAMES_AT_ONCE, None))
            self._unsaid = json.dumps({"names": some}).encode() + b"\n"
        try:
            while self._unsaid:
                self._unsaid = self._unsaid[self._end.send(self._unsaid, socket.MSG_DONTWAIT):]
        except BlockingIOError:
            pass
        except OSError:
            self._deaf = True       # it is gone

    def _listen(self) -> None:
        rest = b""
        while not self.ended:
            try:
                data, descriptors, _flags, _address = socket.recv_fds(self._end, _LONGEST, 64)
            except OSError:
                break
            self._descriptors.extend(descriptors)
            if not data:
                break
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                self._take(json.loads(line))
        if not self.ended:
            self._store.grew(1 << 62)       # whatever there is
        self.over()

    def _take(self, message: dict[str, Any]) -> None:
        if "file" in message:
            self._store.add(self._descriptors.popleft())
        elif "packets" in message:
            self.standing = Standing(**message)
            self._store.grew(self.standing.bytes)
        else:
            self.ended = True
