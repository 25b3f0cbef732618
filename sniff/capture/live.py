"""Recorder: packets from interfaces into files, and nothing else.

It runs in a process of its own (see the module live of the command line), which gives up its privileges once the
sockets are open. On Linux packets come from afpacket.py, elsewhere from sockets.py.
"""

import ipaddress
import os
import platform
import select
import sys
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from sniff import limits
from sniff._version import __version__
from sniff.capture import owners, ring
from sniff.capture.interfaces import on_linux
from sniff.capture.rotation import CaptureFiles, DiskFull, Rotation
from sniff.capture.writer import NANOSECONDS, PcapngWriter
from sniff.errors import SniffError

BUFFER_BYTES = 4 << 20
LARGEST_BLOCK = 264 << 10
"""No packet takes more in the file."""
WRITE_BYTES = 1 << 20
"""While packets come without a pause, they are written in pieces of about this size."""
TELL_S = 0.25
"""Whoever watches is told how things stand at least so often."""
DROPS_S = 1.0
"""The kernel is asked for its drops so often; drops are written to the file when there are new ones."""
SHARE_OF_FILE = 8
"""Names, and records that are repeated, take at most this part of one of several files."""
LINGER_S = 0.05
"""After the last packet was let in, blocks of the ring come for so long."""


class PacketSource(Protocol):
    """Where packets come from, already as pcapng packet blocks; afpacket.PacketRing says what the members mean."""

    links: list[tuple[str, int]]
    dropped: int
    wanted: int

    @property
    def counts(self) -> list[int]: ...

    @property
    def last_ns(self) -> int: ...

    def descriptors(self) -> list[int]: ...

    def bind(self) -> None: ...

    def ready(self) -> bool: ...

    def read(self, out: memoryview, filled: int) -> tuple[int, int]: ...

    def count_drops(self) -> int: ...

    def error(self) -> str: ...

    def shut(self) -> None: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be captured, and how much.

    interfaces   their names; `any` is all of them
    filter       in libpcap's language, "" for everything
    path         None for a spool, "-" for standard output
    count, seconds, size   when to stop; 0: not because of that
    """

    interfaces: Sequence[str]
    filter: str = ""
    path: str | None = None
    rotation: Rotation = field(default_factory=Rotation)
    count: int = 0
    seconds: float = 0.0
    size: int = 0
    snaplen: int = 0
    promiscuous: bool = True
    direction: str = "both"


@dataclass(slots=True)
class Standing:
    """How things stand: packets and bytes written, packets the kernel dropped, the time stamp of the last packet."""

    packets: int = 0
    bytes: int = 0
    dropped: int = 0
    last_ns: int = 0


def open_source(wanted: Wanted) -> PacketSource:
    """Sockets for what is wanted, not bound yet. This is what takes privileges."""
    if on_linux():
        from sniff.capture.afpacket import SNAPLEN, PacketRing
        return PacketRing(wanted.interfaces, wanted.filter, snaplen=wanted.snaplen or SNAPLEN,
                          promiscuous=wanted.promiscuous, direction=wanted.direction)
    from sniff.capture.sockets import ScapySource
    return ScapySource(wanted.interfaces, wanted.filter, wanted.snaplen, wanted.promiscuous)


class Recorder:
    """Writes what a source delivers until it has enough, or stop() is called.

    tell    called with a Standing after packets were written, and every TELL_S
    opened  called with a descriptor and a name for each file that is begun
    begun   called when packets are being captured
    ending  called when all packets are written, before the file ends

    settle may be set: it is called before packets are read, to wait a moment for what is to stand in front of them.
    """

    def __init__(self, wanted: Wanted, source: PacketSource, *, tell: Callable[[Standing], None] = lambda standing: None,
                 opened: Callable[[int, str], None] = lambda descriptor, path: None,
                 begun: Callable[[], None] = lambda: None, ending: Callable[[], None] = lambda: None) -> None:
        self.standing = Standing()
        self._wanted = wanted
        self._source = source
        self._tell = tell
        self._begun = begun
        self._ending = ending
        self.settle: Callable[[], None] = lambda: None
        self._heard: dict[int, Callable[[], bool]] = {}     # other descriptors to listen to
        self._recent: deque[bytes] = deque()                # blocks that a new file repeats
        self._recent_bytes = 0
        self._names: OrderedDict[str, str] = OrderedDict()
        self._names_block = b""
        self._buffer = memoryview(bytearray(BUFFER_BYTES))
        self._filled = 0
        self._known = len(source.links)         # interfaces that the file describes
        self._drops_told = 0
        self._wake_r, self._wake_w = os.pipe()
        os.set_blocking(self._wake_w, False)
        self._stopping = False
        self._end = float("inf")                # by the monotonic clock
        self._files = CaptureFiles(wanted.path, wanted.rotation, self._head, self._tail, limit=wanted.size, opened=opened)
        if wanted.count:
            source.wanted = wanted.count

    @property
    def path(self) -> str:
        """The file that is being written, "" for a spool."""
        return self._files.path

    def stop(self) -> None:
        """End in order. May be called from a signal handler."""
        self._stopping = True
        with suppress(OSError):     # it is awake, or over
            os.write(self._wake_w, b"x")

    def hear(self, descriptor: int, hear: Callable[[], bool]) -> None:
        """Also wait for this descriptor, and call `hear` when there is something, before packets are read; until it answers
        False.
        """
        self._heard[descriptor] = hear

    def keep_owner(self, record: bytes) -> None:
        """Write a record of who owns a connection (owners.py) in front of the packets that come next."""
        made = _Bytes()
        writer = self._writer(made)
        skip = len(made.data)
        writer.block(owners.BLOCK_TYPE, record)
        block = bytes(made.data[skip:])
        self._flush()
        if self._files.room(time.monotonic()) > len(block):
            self._files.write(memoryview(block))
        self._recent.append(block)
        self._recent_bytes += len(block)
        most = min(limits.REPEATED_BYTES, self._wanted.rotation.size // SHARE_OF_FILE or limits.REPEATED_BYTES)
        while self._recent_bytes > most:
            self._recent_bytes -= len(self._recent.popleft())

    def keep_name(self, address: str, name: str) -> None:
        """An address and its name, for the end of the file. Raises ValueError when it is no address."""
        ipaddress.ip_address(address)
        self._names[address] = name[:255]
        self._names.move_to_end(address)
        if len(self._names) > limits.RECORDED_NAMES:
            self._names.popitem(last=False)
        self._names_block = b""

    def run(self) -> str:
        """Capture. Returns why it ended by itself in a few words, "" when it was asked to.

        Raises DiskFull, and BrokenPipeError when standard output is closed; the files are in order all the same.
        """
        source = self._source
        try:
            source.bind()
            self._begun()
            why = self._run()
            if source.wanted:
                source.shut()
                time.sleep(LINGER_S)
                self.settle()
                self._drain()
            else:
                source.count_drops()
            self._flush()
            self._ending()
            self._hear()
            if self._names and not self._files.room(0.0):
                self._names.clear()     # they would not fit any more
                self._names_block = b""
            self._files.close()
            self._report()
        finally:
            self._files.abandon()
            source.close()
            os.close(self._wake_r)
            wake, self._wake_w = self._wake_w, -1
            os.close(wake)
        return why

    def _run(self) -> str:
        source = self._source
        poll = select.poll()
        for descriptor in source.descriptors():
            poll.register(descriptor, select.POLLIN | select.POLLERR)
        poll.register(self._wake_r, select.POLLIN)
        for descriptor in self._heard:
            poll.register(descriptor, select.POLLIN)
        silent = set(self._heard)
        now = time.monotonic()
        end = self._end = now + self._wanted.seconds if self._wanted.seconds else self._end
        ask = now + DROPS_S
        while not self._stopping and now < end:
            events = poll.poll(max(0.0, min(TELL_S, end - now)) * 1000)
            if source.ready():
                self.settle()
            self._hear()
            for descriptor in silent - self._heard.keys():
                poll.unregister(descriptor)
                silent.discard(descriptor)
            drained = self._drain()
            self._flush()
            now = time.monotonic()
            if now >= ask:
                ask = now + DROPS_S
                self._note_drops()
            self._report()
            if not drained:
                return ""
            if any(event & (select.POLLERR | select.POLLHUP) for descriptor, event in events if descriptor not in silent):
                if words := source.error():
                    return words
        return ""

    def _hear(self) -> None:
        for descriptor, hear in list(self._heard.items()):
            if not hear():
                del self._heard[descriptor]

    def _drain(self) -> bool:
        """Read the blocks that are ready; False when there is enough."""
        source, files = self._source, self._files
        while source.ready():
            if self._heard:
                self._hear()
            now = time.monotonic()
            room = files.room(now)
            allowed = min(BUFFER_BYTES, room)
            why = ring.ROOM
            if allowed > self._filled:
                self._filled, why = source.read(self._buffer[:allowed], self._filled)
            if why == ring.ENOUGH:
                return False
            if why == ring.STRANGER:
                self._describe()
            elif why == ring.ROOM:
                self._flush()
                if room < BUFFER_BYTES and not self._next_file():
                    return False
            elif self._filled >= WRITE_BYTES:
                self._flush()
                self._report()
                if self._stopping or now >= self._end:
                    break
        return source.wanted != 0

    def _next_file(self) -> bool:
        """The file has no room for the next packet: begin another one; False when there may be none."""
        files = self._files
        if files.full:
            return False
        if not files.fresh:
            files.next()
        elif self._source.ready():      # a file that holds no packet yet takes one, however large
            self._filled, _why = self._source.read(self._buffer[:LARGEST_BLOCK], 0)
        return True

    def _flush(self) -> None:
        if self._filled:
            data, self._filled = self._buffer[:self._filled], 0
            self._files.write(data)

    def _report(self) -> None:
        standing = self.standing
        standing.packets, standing.bytes = sum(self._source.counts), self._files.written
        standing.dropped, standing.last_ns = self._source.dropped, self._source.last_ns
        self._tell(standing)

    def _note_drops(self) -> None:
        if self._source.count_drops() > self._drops_told:
            self._drops_told = self._source.dropped
            statistics = self._statistics()
            if self._files.room(time.monotonic()) > len(statistics):
                self._files.write(memoryview(statistics))

    # --- blocks that hold no packets ---------------------------------------------------------------------------------

    def _head(self) -> bytes:
        made = _Bytes()
        writer = self._writer(made)
        for name, link_type in self._source.links[:self._known]:
            self._interface(writer, name, link_type)
        return bytes(made.data) + b"".join(self._recent)

    def _describe(self) -> None:
        """An interface was met: describe it behind the packets that came before it."""
        self._flush()
        made = _Bytes()
        writer = self._writer(made)
        skip = len(made.data)
        for name, link_type in self._source.links[self._known:]:
            self._interface(writer, name, link_type)
        self._known = len(self._source.links)
        self._files.write(memoryview(made.data)[skip:])

    def _tail(self) -> bytes:
        """What a file ends with: the names that were seen so far, and statistics."""
        size = self._wanted.rotation.size or self._wanted.size
        while self._names and not self._names_block:
            made = _Bytes()
            writer = self._writer(made)
            skip = len(made.data)
            writer.names(self._names)
            if size and len(made.data) - skip > size // SHARE_OF_FILE:
                for _name in range(len(self._names) // 2 + 1):
                    self._names.popitem(last=False)
            else:
                self._names_block = bytes(made.data[skip:])
        return self._names_block + self._statistics()

    def _statistics(self) -> bytes:
        """Statistics of every interface. What the kernel dropped it counts for all together."""
        made = _Bytes()
        writer = self._writer(made)
        for name, link_type in self._source.links[:self._known]:
            self._interface(writer, name, link_type)
        skip = len(made.data)
        now_ns = time.time_ns()
        for number, received in enumerate(self._source.counts[:self._known]):
            writer.statistics(number, now_ns, received=received, dropped=self._source.dropped if number == 0 else 0)
        return bytes(made.data[skip:])

    def _writer(self, made: "_Bytes") -> PcapngWriter:
        return PcapngWriter(made, big=sys.byteorder == "big", hardware=platform.machine(),
                            os=f"{platform.system()} {platform.release()}", application=f"sniff {__version__}")

    def _interface(self, writer: PcapngWriter, name: str, link_type: int) -> None:
        writer.interface(link_type, snaplen=self._wanted.snaplen or 262_144, name=name, filter=self._wanted.filter,
                         resolution=NANOSECONDS)


class _Bytes:
    """Takes what a writer writes."""

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, data: bytes, /) -> object:
        self.data += data
        return None


__all__ = ["DiskFull", "PacketSource", "Recorder", "SniffError", "Standing", "Wanted", "open_source"]
