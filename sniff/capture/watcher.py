"""Watcher: says which processes own the connections that are being captured, as they begin. Linux only.

It runs in a process of its own, the only one that keeps a right after capture has begun: to see which process has which
socket. It hears of beginnings by a packet socket of its own, at once, where a packet ring hands packets on in blocks: a
process may be gone a millisecond later. An answer is a record (owners.py) sent to the process that writes the file.
"""

import errno
import gc
import os
import select
import socket
import struct
import time
from collections import OrderedDict, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from sniff.capture import afpacket, bpf, privileges
from sniff.capture.diag import CLOSE_WAIT, ESTABLISHED, LISTEN, SYN_RECEIVED, TCP, UDP, Found, SocketTable
from sniff.capture.interfaces import permission_help
from sniff.capture.owners import ANSWER, QUESTION, READY, Known, Owner, pack
from sniff.capture.processes import Processes, user_name
from sniff.errors import CapturePermission

SNAPLEN = 256
"""Bytes of a packet that hold its link, IP and TCP headers."""
ENDS = 65_536
"""Ends of connections remembered; the one that was new first is forgotten first."""
PENDING = 512
"""Connections that nobody has accepted yet, asked about again and again."""
PER_SECOND = 2_000
"""Beginnings looked up in a second; further ones are passed over."""
BUSY = 2_000
"""Packets heard in a second; when there are more, only beginnings and a few of the others are listened to."""
CALM = 200
FEW = 256
"""One packet in so many, then."""
AT_CONNECT_NS = 100_000_000
"""What is found within this time was found at connect."""
RETRY_S = 0.0001
"""How soon a connection that nobody accepted is asked about again; then after twice that, and so on."""
RETRY_MOST_S = 0.05
GIVE_UP_S = 5.0
SAME_NS = 5_000_000
"""A SYN within this time after one with the same addresses and ports is the same one: on loopback each packet is seen twice."""
UDP_AGAIN_NS = 20_000_000_000
"""A UDP port may have another owner after this long."""
SEARCH_S = 0.005
"""A search of all processes may keep others waiting when somebody was looked for for this long."""
LISTEN_S = 0.02
"""When there is only who listens after this long, the connection is gone, or was refused."""
LISTENERS_S = 2.0
"""Who listens is asked again after this long."""
REFRESH_S = 0.5
REFRESH_SHARE = 100
"""While nothing happens, all processes are looked at so often, and this many times as long not."""
LISTENERS = 256
"""Sockets of which that is remembered."""
HASTE = -5
"""It has little to do, but soon: who is asked about may be gone in a millisecond."""
SETTLE_S = 0.03
"""Packets do not wait longer than this for an owner."""

_SOL_PACKET, _AUXDATA = 263, 8
_AUXDATA_NET = 14
_TIMESTAMP_NS = 35
_SYN, _ACK = 2, 16

UNACCEPTED = (ESTABLISHED, SYN_RECEIVED, CLOSE_WAIT)
"""States of a connection that has no process because nobody has accepted it yet; in the others it had one."""

Side = tuple[int, bytes, int, bytes, int]
"""One end of a connection: protocol, address, port, peer, peer's port."""


@dataclass(slots=True)
class _Wait:
    """An end whose socket nobody has yet."""

    side: Side
    ifindex: int
    since_ns: int
    since: float
    late: bool              # its beginning was not heard
    pause: float = RETRY_S
    next: float = 0.0
    listener: int = 0       # inode of the socket that listens there
    first: Sequence[int] = ()   # who has that one


class Tap:
    """Hears of beginnings: a packet socket of its own, on the same interfaces and behind the same filter as the capture."""

    def __init__(self, names: Sequence[str], expression: str) -> None:
        """Open, but do not begin: bind() does. Raises CapturePermission, InputError, UsageError."""
        try:
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
        except PermissionError:
            raise CapturePermission(f"{', '.join(names)}: no permission to capture; {permission_help()}") from None
        try:
            self._index, self._program = afpacket.program_for(self.socket, names, expression)
            self.listen(1)
            self.socket.setsockopt(_SOL_PACKET, _AUXDATA, 1)
            self.socket.setsockopt(socket.SOL_SOCKET, _TIMESTAMP_NS, 1)
            self.socket.setblocking(False)
        except BaseException:
            self.socket.close()
            raise

    def listen(self, one_in: int) -> None:
        """From here on hear this share of the packets that are no beginnings."""
        self.one_in = one_in
        second = bpf.beginnings(one_in, SNAPLEN)
        afpacket.attach(self.socket, bpf.both(self._program, second) if self._program else second)

    def bind(self) -> None:
        """Begin."""
        afpacket.bind(self.socket, self._index)

    def read(self) -> tuple[bytes, int, str] | None:
        """A packet from its network header on, its time stamp, and its interface; None when there is none. Raises OSError."""
        try:
            data, controls, _flags, address = self.socket.recvmsg(SNAPLEN, 128)
        except BlockingIOError:
            return None
        at, ts_ns = len(data), 0
        for level, kind, value in controls:
            if level == _SOL_PACKET and kind == _AUXDATA:
                at = struct.unpack_from("=H", value, _AUXDATA_NET)[0]
            elif level == socket.SOL_SOCKET and kind == _TIMESTAMP_NS:
                seconds, rest = struct.unpack("@ll", value)
                ts_ns = seconds * 1_000_000_000 + rest
        return data[at:], ts_ns or time.time_ns(), address[0]


def side_of(data: bytes) -> tuple[Side, int] | None:
    """The sender's end, and TCP's flags (0 for UDP), of a packet from its IP header on; None for anything else."""
    if len(data) < 20:
        return None
    version = data[0] >> 4
    if version == 4:
        at, protocol, one, other = 4 * (data[0] & 15), data[9], data[12:16], data[16:20]
        if at < 20:
            return None
    elif version == 6 and len(data) >= 40:
        at, protocol, one, other = 40, data[6], data[8:24], data[24:40]
    else:
        return None
    if protocol not in (TCP, UDP) or len(data) < at + (14 if protocol == TCP else 4):
        return None
    port, peer_port = struct.unpack_from(">HH", data, at)
    return (protocol, one, port, other, peer_port), data[at + 13] if protocol == TCP else 0


class Watcher:
    """Listens to a tap and sends records of owners until nobody wants them any more."""

    def __init__(self, tap: Tap, out: socket.socket) -> None:
        self._tap = tap
        self._out = out
        self._out.setblocking(False)
        self._sockets = SocketTable()
        self._processes = Processes()
        self._ends: OrderedDict[Side, tuple[int, str]] = OrderedDict()      # the packet's time; the label that was told
        self._waits: deque[_Wait] = deque()
        self._listeners: dict[int, tuple[float, list[int]]] = {}
        self._indexes: dict[str, int] = {}
        self._second = 0.0
        self._heard = self._asked = 0
        self._refresh_at = 0.0
        self._asked_for = False

    def run(self) -> None:
        """Watch until the other end of `out` is closed."""
        self._tap.bind()
        self._processes.search()
        self._processes.describe(os.getpid())       # what is done for the first time takes longer
        gc.freeze()
        self._out.send(READY)
        poll = select.poll()
        poll.register(self._tap.socket, select.POLLIN)
        poll.register(self._out, select.POLLIN)
        while True:
            pause = self._pause()
            if pause >= 0.001:
                events = poll.poll(int(pause * 1000))
            else:
                time.sleep(max(pause, 0.00005))     # poll() knows nothing shorter than a millisecond
                events = poll.poll(0)
            for descriptor, event in events:
                if descriptor == self._out.fileno() and (event & ~select.POLLIN or not self._listen()):
                    return
            if not events and not self._waits:
                self._refresh()
            self._hear()
            self._retry()
            self._settle()

    def _listen(self) -> bool:
        """Take a question; False when nobody is there any more."""
        try:
            self._asked_for = bool(self._out.recv(len(QUESTION)))
        except OSError:
            return False
        return self._asked_for

    def _settle(self) -> None:
        """Answer, when there is nothing young that is not known yet."""
        if self._asked_for and all(time.monotonic() - wait.since > SETTLE_S for wait in self._waits):
            self._asked_for = False
            with suppress(OSError):
                self._out.send(ANSWER)

    def _pause(self) -> float:
        if not self._waits:
            return REFRESH_S
        return max(0.0, min(wait.next for wait in self._waits) - time.monotonic())

    def _refresh(self) -> None:
        """Nothing happens: see who listens by now, for there will be no time when somebody connects."""
        began = time.monotonic()
        if began >= self._refresh_at:
            self._processes.search()
            now = time.monotonic()
            self._refresh_at = now + max(REFRESH_S, REFRESH_SHARE * (now - began))

    # --- packets -----------------------------------------------------------------------------------------------------

    def _hear(self) -> None:
        for _packet in range(256):
            try:
                heard = self._tap.read()
            except OSError as error:
                if error.errno in (errno.ENETDOWN, errno.EINTR):
                    return
                raise
            if heard is None:
                return
            now = time.monotonic()
            if now - self._second >= 1.0:
                self._turn(now)
            self._heard += 1
            if self._heard == BUSY and self._tap.one_in == 1:
                self._tap.listen(FEW)
            found = side_of(heard[0])
            if found is None:
                continue
            protocol, flags = found[0][0], found[1]
            if protocol == TCP and flags & (_SYN | _ACK) == _SYN:
                beginning = True
            elif protocol == TCP and flags & _SYN:
                continue                        # the answer: its SYN was heard, or the next packet will do
            else:
                beginning = False
            self._packet(found[0], beginning, heard[1], self._index_of(heard[2]), now)

    def _turn(self, now: float) -> None:
        """Another second: hear more when little was heard."""
        if self._tap.one_in > 1 and self._heard < CALM:
            self._tap.listen(1)
        self._second, self._heard, self._asked = now, 0, 0

    def _packet(self, sender: Side, beginning: bool, ts_ns: int, ifindex: int, now: float) -> None:
        protocol, address, port, peer, peer_port = sender
        known = self._ends.get(sender)
        if known is not None and not (beginning and ts_ns - known[0] > SAME_NS) and not (
                protocol == UDP and ts_ns - known[0] > UDP_AGAIN_NS):
            for wait in self._waits:
                if wait.side == sender:
                    wait.next = 0.0         # whoever speaks has accepted
            return
        if self._asked >= PER_SECOND:
            return
        self._asked += 1
        late = protocol == TCP and not beginning
        waits = [_Wait(side, ifindex, ts_ns, now, late) for side in (sender, (protocol, peer, peer_port, address, port))]
        for wait in waits:
            self._ends[wait.side] = ts_ns, self._ends.pop(wait.side, (0, ""))[1]
        found = [self._ask(wait) for wait in waits]     # both before /proc is read, which takes longer
        for wait, one in sorted(zip(waits, found, strict=True), key=lambda pair: pair[1] is None or not pair[1].inode):
            self._find(wait, one)
        while len(self._ends) > ENDS:
            self._ends.popitem(last=False)

    def _index_of(self, interface: str) -> int:
        if interface not in self._indexes:
            try:
                self._indexes[interface] = socket.if_nametoindex(interface)
            except OSError:
                return 0
        return self._indexes[interface]

    # --- sockets -----------------------------------------------------------------------------------------------------

    def _ask(self, wait: _Wait) -> Found | None:
        protocol, address, port, peer, peer_port = wait.side
        try:
            return self._sockets.find(protocol, address, port, peer, peer_port, wait.ifindex)
        except (OSError, TimeoutError):
            return None

    def _find(self, wait: _Wait, found: Found | None) -> None:
        """Say who has this socket; when nobody has it yet, look again later."""
        if found is None:
            self._give_up(wait)
        elif wait.side[0] == TCP and (found.state == LISTEN or not found.inode):
            self._wait(wait, found)
        else:
            search = self._may_search(wait)
            pid = self._processes.find(found.inode, wait.first, search=search)
            if pid is None and not (search and self._processes.searched):
                self._again(wait)
            else:
                self._tell(wait, found, pid)

    def _may_search(self, wait: _Wait) -> bool:
        """Whether there is time to look at all processes: not while others could be found and gone in the meantime."""
        return time.monotonic() - wait.since > SEARCH_S or not self._waits

    def _wait(self, wait: _Wait, found: Found) -> None:
        """Somebody listens, but has not accepted: or has closed already."""
        protocol, address, port, _peer, _peer_port = wait.side
        if not wait.listener:
            listener = found if found.state == LISTEN else self._sockets.listener(protocol, address, port, wait.ifindex)
            if listener is not None and listener.inode:
                wait.listener = listener.inode
                wait.first = self._processes.holders(listener.inode, search=False)      # one of them will accept
        if found.state == LISTEN:
            gone = time.monotonic() - wait.since > LISTEN_S
        else:
            gone = found.state not in UNACCEPTED
        if gone:
            self._give_up(wait)
        else:
            self._again(wait)

    def _again(self, wait: _Wait) -> None:
        now = time.monotonic()
        if now - wait.since > GIVE_UP_S or len(self._waits) >= PENDING:
            self._give_up(wait)
            return
        wait.next = now + wait.pause
        wait.pause = min(2 * wait.pause if now - wait.since > 0.005 else wait.pause, RETRY_MOST_S)
        self._waits.append(wait)

    def _retry(self) -> None:
        now = time.monotonic()
        for _wait in range(len(self._waits)):
            wait = self._waits.popleft()
            if wait.next > now:
                self._waits.append(wait)
            else:
                self._find(wait, self._ask(wait))

    # --- answers -----------------------------------------------------------------------------------------------------

    def _give_up(self, wait: _Wait) -> None:
        pids = self._listening(wait.listener) if wait.listener else []
        self._send(wait, Known.LISTENS if pids else Known.NOT_FOUND, pids, "")

    def _listening(self, inode: int) -> list[int]:
        """Who listens there, not asked too often."""
        now = time.monotonic()
        asked, pids = self._listeners.get(inode, (-LISTENERS_S, []))
        if now - asked >= LISTENERS_S:
            if len(self._listeners) >= LISTENERS:
                self._listeners.clear()
            pids = self._processes.holders(inode)
            self._listeners[inode] = now, pids
        return pids

    def _tell(self, wait: _Wait, found: Found, pid: int | None) -> None:
        if pid is None:
            self._send(wait, Known.USER_ONLY, [], user_name(found.uid))
            return
        on_time = not wait.late and time.time_ns() - wait.since_ns <= AT_CONNECT_NS
        self._send(wait, Known.AT_CONNECT if on_time else Known.LATER, [pid], "")

    def _send(self, wait: _Wait, known: Known, pids: list[int], user: str) -> None:
        process = self._processes.describe(pids[0]) if pids else None
        if pids and process is None:
            known, pids = (Known.NOT_FOUND, [])
        protocol, address, port, peer, peer_port = wait.side
        owner = Owner(protocol, _text(address), port, _text(peer), peer_port, known, wait.since_ns, time.time_ns(), tuple(pids),
                      process.name if process else "", process.command if process else (), process.user if process else user)
        told = self._ends.get(wait.side, (0, ""))
        if owner.label == told[1] and (known == Known.NOT_FOUND or protocol == UDP):
            return              # nobody knows of anything else
        self._ends[wait.side] = told[0], owner.label
        with suppress(OSError):     # it is too busy, and this one is lost; or it is gone, as run() will see
            self._out.send(pack(owner))


def _text(address: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET if len(address) == 4 else socket.AF_INET6, address)


def watch(tap: Tap, out: socket.socket) -> None:
    """Be the watcher: give up all rights but the one to look, and run."""
    with suppress(OSError):
        os.nice(HASTE)
    privileges.keep_looking()
    Watcher(tap, out).run()
