"""The packet ring of Linux: a socket whose packets the kernel writes into memory that it shares with us.

Everything is set up before the socket is bound: the kernel delivers from that moment on, and what comes before is
neither captured nor counted. linux/if_packet.h, Documentation/networking/packet_mmap.rst.
"""

import ctypes
import errno
import fcntl
import mmap
import os
import socket
import struct
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress

from sniff.capture import bpf, ring
from sniff.capture.interfaces import permission_help
from sniff.errors import CapturePermission, InputError, SniffError

RING_BYTES = 64 << 20
BLOCK_BYTES = 256 << 10
"""The largest packet that fits whole is a little smaller. Many small blocks rather than few large ones: on a quiet link
each is handed over after RETIRE_MS however empty it is, and the ring must last for as long as we may be kept waiting."""
FRAME_BYTES = 2048
RETIRE_MS = 20
"""A block is handed over after this long at the latest."""

SNAPLEN = 262_144

_SOL_PACKET = 263
_ADD_MEMBERSHIP, _RX_RING, _STATISTICS, _VERSION, _IGNORE_OUTGOING = 1, 5, 6, 10, 23
_TPACKET_V3 = 2
_MR_PROMISC = 1
_ETH_P_ALL = 3
_SO_ATTACH_FILTER = 26
_SIOCGIFFLAGS, _SIOCGIFHWADDR = 0x8913, 0x8927
_IFF_UP = 1
_OUTGOING = 4

_ETHER, _RAWIP, _LOOPBACK, _RADIOTAP, _NONE = 1, 519, 772, 803, 65534
LINKTYPE_ETHERNET, LINKTYPE_RAW, LINKTYPE_RADIOTAP, LINKTYPE_SLL2 = 1, 101, 127, 276
_LINKS = {
    _ETHER: (LINKTYPE_ETHERNET, bpf.ETHERNET, ring.TAGGED), _LOOPBACK: (LINKTYPE_ETHERNET, bpf.ETHERNET, ring.TAGGED),
    _NONE: (LINKTYPE_RAW, bpf.RAW, ring.AS_IS), _RAWIP: (LINKTYPE_RAW, bpf.RAW, ring.AS_IS),
    _RADIOTAP: (LINKTYPE_RADIOTAP, LINKTYPE_RADIOTAP, ring.AS_IS),
}
_COOKED = (LINKTYPE_SLL2, bpf.LINUX_SLL, ring.COOKED)
"""ARPHRD_ type: (LINKTYPE_ of the file, DLT_ of filters, how packets are written)."""

DIRECTIONS = {"both": 0, "in": 1 << _OUTGOING, "out": 0x3FF & ~(1 << _OUTGOING)}
"""Bits of the packet types that are skipped."""

ANY = "any"


class PacketRing:
    """Packets of some interfaces, as pcapng packet blocks.

    links     (name, LINKTYPE_) of each interface met so far, in the order of their numbers in the file
    counts    packets of each
    dropped   packets that the kernel had no room for, all interfaces together
    last_ns   time stamp of the last packet
    """

    def __init__(self, names: Sequence[str], expression: str = "", *, snaplen: int = SNAPLEN, promiscuous: bool = True,
                 direction: str = "both", size: int = RING_BYTES) -> None:
        """Open, but do not begin: bind() does. Raises CapturePermission, InputError, UsageError."""
        self.links: list[tuple[str, int]] = []
        self.dropped = 0
        self._names = names
        self._skip = DIRECTIONS[direction]
        self._table = memoryview(bytearray(8 * ring.IF_FIELDS)).cast("B").cast("q", (1, ring.IF_FIELDS))
        self._known = 0
        self._state = memoryview(bytearray(8 * ring.STATE)).cast("q")
        self._state[ring.SNAPLEN] = snaplen
        self._state[ring.WANTED] = -1
        self._block = 0
        self._blocks = max(4, size // BLOCK_BYTES)
        self._begun = False
        self._fence = threading.Lock()      # taking it orders our reads and writes with the kernel's on every processor
        try:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
        except PermissionError:
            raise CapturePermission(f"{', '.join(names)}: no permission to capture; {permission_help()}") from None
        try:
            self._set_up(names, expression, snaplen, promiscuous)
        except BaseException:
            self._socket.close()
            raise

    def _set_up(self, names: Sequence[str], expression: str, snaplen: int, promiscuous: bool) -> None:
        found = _look_up(self._socket, names)
        for name, index, hatype in found:
            self._add(name, index, hatype)
        program = _program(found, expression, snaplen)
        if program:
            attach(self._socket, program)
        self._socket.setsockopt(_SOL_PACKET, _VERSION, _TPACKET_V3)
        size = self._blocks * BLOCK_BYTES
        request = struct.pack("7I", BLOCK_BYTES, self._blocks, FRAME_BYTES, size // FRAME_BYTES, RETIRE_MS, 0, 0)
        try:
            self._socket.setsockopt(_SOL_PACKET, _RX_RING, request)
        except OSError as error:
            raise SniffError(f"no memory for a packet ring of {size >> 20} MiB: {error.strerror}") from None
        if len(found) == 1 and found[0][2] == _LOOPBACK:
            with suppress(OSError):     # what loops back is seen twice; before Linux 4.20 only the loop skips it
                self._socket.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
        if promiscuous:
            for _name, index, _hatype in found:
                self._socket.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, struct.pack("iHH8s", index, _MR_PROMISC, 0, b""))
        self._map = mmap.mmap(self._socket.fileno(), size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        self._memory = memoryview(self._map)
        self._words = self._memory.cast("I")

    def _add(self, name: str, index: int, hatype: int) -> None:
        link_type, _dlt, kind = _LINKS.get(hatype, _COOKED)
        rows = bytearray(bytes(self._table)[:8 * ring.IF_FIELDS * self._known])
        skip = self._skip | (1 << _OUTGOING if hatype == _LOOPBACK else 0)
        rows += struct.pack(f"{ring.IF_FIELDS}q", index, kind, self._known, skip, 0)
        self._known += 1
        self._table = memoryview(rows).cast("q", (self._known, ring.IF_FIELDS))
        self.links.append((name, link_type))

    @property
    def counts(self) -> list[int]:
        return [self._table[row, ring.IF_COUNT] for row in range(self._known)]

    @property
    def last_ns(self) -> int:
        return self._state[ring.LAST_NS]

    @property
    def wanted(self) -> int:
        """Packets that may still come; negative: no bound."""
        return self._state[ring.WANTED]

    @wanted.setter
    def wanted(self, count: int) -> None:
        self._state[ring.WANTED] = count

    def descriptors(self) -> list[int]:
        """What to poll."""
        return [self._socket.fileno()]

    def bind(self) -> None:
        """Begin."""
        index = self._table[0, ring.IF_INDEX] if self._known == 1 else 0     # 0: all interfaces
        try:
            bind(self._socket, index)
        except OSError as error:
            raise InputError(f"{', '.join(self._names)}: cannot capture: {error.strerror}") from None

    def ready(self) -> bool:
        """Whether there is a block to read()."""
        with self._fence:
            return bool(self._words[(self._block * BLOCK_BYTES + ring.BLOCK_STATUS) // 4] & ring.STATUS_USER)

    def read(self, out: memoryview, filled: int) -> tuple[int, int]:
        """Go on with the block at hand; only when one is ready().

        out     where to write
        filled  bytes of it that are used

        Returns the bytes used then, and why it stopped: ring.DONE the block was used up and given back, ring.ROOM `out`
        is too full for the next packet, ring.STRANGER an interface was added to `links`, ring.ENOUGH no more are wanted.
        """
        base, state, words = self._block * BLOCK_BYTES, self._state, self._words
        if not self._begun:
            state[ring.LEFT] = words[(base + ring.BLOCK_PACKETS) // 4]
            state[ring.AT] = base + words[(base + ring.BLOCK_FIRST) // 4]
            self._begun = True
        state[ring.FILLED] = filled
        why = ring.pack(words, self._memory, sys.byteorder == "big", self._table, out, state)
        if why == ring.STRANGER:
            self._meet(state[ring.IFINDEX], state[ring.HATYPE])
        elif why == ring.DONE:
            with self._fence:
                words[(base + ring.BLOCK_STATUS) // 4] = 0
            self._block = (self._block + 1) % self._blocks
            self._begun = False
        return state[ring.FILLED], why

    def _meet(self, index: int, hatype: int) -> None:
        try:
            name = socket.if_indextoname(index)
        except OSError:
            name = f"interface {index}"     # it is gone already
        self._add(name, index, hatype)

    def count_drops(self) -> int:
        """Ask the kernel for what it dropped since the last time; all that were dropped so far."""
        answer = self._socket.getsockopt(_SOL_PACKET, _STATISTICS, 12)
        self.dropped += struct.unpack("III", answer)[1]
        return self.dropped

    def error(self) -> str:
        """Why no more packets come, in a few words; "" when more may come."""
        number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number == errno.ENETDOWN:
            return "the interface went down"
        return os.strerror(number) if number else ""

    def shut(self) -> None:
        """No more packets from here on; those that are in the ring can still be read, after RETIRE_MS."""
        self.count_drops()
        attach(self._socket, bpf.everything(0))

    def close(self) -> None:
        """Give the ring back."""
        self._words.release()
        self._memory.release()
        self._map.close()
        self._socket.close()


# --- any packet socket --------------------------------------------------------------------------------------------------

def program_for(one: socket.socket, names: Sequence[str], expression: str) -> tuple[int, bpf.Program]:
    """(interface to bind to, 0 for all; the filter to attach, empty for none) of a socket for these interfaces.

    Raises InputError, UsageError.
    """
    found = _look_up(one, names)
    return found[0][1] if len(found) == 1 else 0, _program(found, expression, SNAPLEN)


def attach(one: socket.socket, program: bpf.Program) -> None:
    """Have the kernel run a filter before anything is delivered to a socket."""
    code = ctypes.create_string_buffer(bpf.pack(program))
    try:
        one.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("HP", len(program), ctypes.addressof(code)))
    except OSError as error:
        raise SniffError(f"the kernel does not take the capture filter: {error.strerror}") from None


def bind(one: socket.socket, index: int) -> None:
    """Deliver packets of an interface, of all for 0. Raises OSError."""
    address = struct.pack("HHiHBB8s", socket.AF_PACKET, socket.htons(_ETH_P_ALL), index, 0, 0, 0, b"")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.bind(one.fileno(), address, len(address)):      # socket.bind() has no word for all interfaces
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _look_up(one: socket.socket, names: Sequence[str]) -> list[tuple[str, int, int]]:
    """(name, index, ARPHRD_ type) of each interface; they must be up. Empty for any."""
    if ANY in names:
        return []
    return [(name, *_look_up_one(one, name)) for name in dict.fromkeys(names)]


def _look_up_one(one: socket.socket, name: str) -> tuple[int, int]:
    request = struct.pack("256s", name.encode()[:15])
    try:
        index = socket.if_nametoindex(name)
        flags = struct.unpack_from("H", fcntl.ioctl(one, _SIOCGIFFLAGS, request), 16)[0]
        hatype = struct.unpack_from("H", fcntl.ioctl(one, _SIOCGIFHWADDR, request), 16)[0]
    except (OSError, ValueError):
        there = ", ".join(other for _index, other in socket.if_nameindex())
        raise InputError(f"{name}: there is no such interface; there are {there}, and {ANY}") from None
    if not flags & _IFF_UP:
        raise InputError(f"{name}: the interface is down; bring it up with: ip link set {name} up")
    return index, hatype


def _program(found: list[tuple[str, int, int]], expression: str, snaplen: int) -> bpf.Program:
    if len(found) == 1:
        link = bpf.Link(_LINKS.get(found[0][2], _COOKED)[1], found[0][0])
    else:
        link = bpf.Link(bpf.LINUX_SLL)
    cut = snaplen + (bpf.SLL_LEN if link.dlt == bpf.LINUX_SLL else 0)
    program = bpf.compile_filter(expression, link, cut) if expression else []
    if not program and snaplen < SNAPLEN:
        program = bpf.everything(cut)
    if len(found) > 1:
        program = bpf.only_interfaces([index for _name, index, _hatype in found], program or bpf.everything(SNAPLEN))
    return program
