"""Which process has a socket: the inodes of /proc/PID/fd, on Linux.

Looking at all open files of all processes takes milliseconds, so what was seen is remembered, the likely processes are
asked first (those that were asked about before, and those that have just begun), and a full search waits its turn: it may take
a tenth of the time at most.
"""

import os
import pwd
import time
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

from sniff.capture.owners import NAME_CHARACTERS, shorten

INODES = 65_536
"""Sockets remembered; the one that was seen first is forgotten first."""
LIKELY = 16
"""Processes that are asked first."""
SHARE = 10
"""A full search may begin this many times its duration after the last one."""
YOUNG_S = 2.0
"""A process has just begun for so long after it was first seen."""
READ_BYTES = 4096
GENERATIONS = 8
_PREFIX = "socket:["


@dataclass(frozen=True, slots=True)
class Process:
    """A process as `ps` shows it; the name is the kernel's, 15 characters at most."""

    pid: int
    name: str
    command: tuple[str, ...]
    user: str


class Processes:
    """Who has which socket.

    searched  the last find() looked at all processes
    """

    def __init__(self) -> None:
        self._holders: OrderedDict[int, dict[int, str]] = OrderedDict()     # inode: {pid: its descriptor}
        self._likely: OrderedDict[int, None] = OrderedDict()
        self.searched = False
        self._free_at = 0.0         # when the next full search may begin
        self._seen: dict[int, float] = {}       # when each process was seen first

    def find(self, inode: int, first: Iterable[int] = (), *, search: bool = True) -> int | None:
        """The process that has this socket; None when nobody was found (yet: see may_search).

        first   processes to look at before all others
        search  look at all processes, if it is time and the likely ones do not have it
        """
        first = list(first)
        if known := self._known(inode):
            return self._prefer(next((pid for pid in first if pid in known), known[-1]))    # not a child that inherited it
        for pid in first:
            if self._look(pid, inode):
                return self._prefer(pid)
        return self._eldest(self._find(inode, search), inode)

    def _eldest(self, pid: int | None, inode: int) -> int | None:
        """The process from which this one inherited the socket, when that still has it, too."""
        for _generation in range(GENERATIONS):
            parent = _parent(pid) if pid is not None else 0
            if not parent or not self._look(parent, inode):
                break
            pid = self._prefer(parent)
        return pid

    def _find(self, inode: int, search: bool) -> int | None:
        now = time.monotonic()
        self.searched = False
        pids = self._list(now)
        young = [pid for pid in pids if now - self._seen[pid] < YOUNG_S]
        for pid in (*young, *reversed(self._likely)):
            if self._look(pid, inode):
                return self._prefer(pid)
        return self._search(inode, pids) if search and self.may_search else None

    @property
    def may_search(self) -> bool:
        """Whether all processes may be looked at now."""
        return time.monotonic() >= self._free_at

    def search(self) -> None:
        """Look at all processes."""
        self._search(-1, self._list(time.monotonic()))

    def _list(self, now: float) -> list[int]:
        """All processes, the newest first: who begins a connection has often just begun himself."""
        try:
            pids = sorted((int(name) for name in os.listdir("/proc") if name.isdigit()), reverse=True)  # noqa: PTH208
        except OSError:
            return []
        before = self._seen
        first = now if before else now - YOUNG_S
        self._seen = {pid: before.get(pid, first) for pid in pids}
        return pids

    def _search(self, inode: int, pids: list[int]) -> int | None:
        began = time.monotonic()
        self.searched = True
        try:
            for pid in pids:
                if self._look(pid, inode):
                    return self._prefer(pid)
        finally:
            now = time.monotonic()
            self._free_at = now + SHARE * (now - began)
        return None

    def holders(self, inode: int, *, search: bool = True) -> list[int]:
        """All processes that are known to have this socket, in rising order.

        search  look at all processes again, if it is time
        """
        if search and self.may_search:
            self.search()
        return self._known(inode)

    def _known(self, inode: int) -> list[int]:
        """Those that were seen with this socket and still have it."""
        holders = self._holders.get(inode)
        return sorted(pid for pid, descriptor in holders.items() if _is_socket(pid, descriptor, inode)) if holders else []

    def describe(self, pid: int) -> Process | None:
        """What it is; None when it is gone."""
        try:
            name, command, status = (_read(f"/proc/{pid}/{file}") for file in ("comm", "cmdline", "status"))
            uid = int(status.partition("\nUid:")[2].split(maxsplit=2)[1])      # the effective one
        except (OSError, ValueError, IndexError):
            return None
        words = command.rstrip("\0 ").split("\0") if command else []
        return Process(pid, name.rstrip("\n")[:NAME_CHARACTERS], shorten(words), user_name(uid))

    def _prefer(self, pid: int) -> int:
        self._likely[pid] = None
        self._likely.move_to_end(pid)
        while len(self._likely) > LIKELY:
            self._likely.popitem(last=False)
        return pid

    def _look(self, pid: int, wanted: int) -> bool:
        """Remember the sockets of one process; whether the wanted one is among them."""
        folder = f"/proc/{pid}/fd"
        try:
            names = os.listdir(folder)  # noqa: PTH208  (twice as fast as pathlib)
        except OSError:
            self._likely.pop(pid, None)
            return False
        found = False
        for name in names:
            with suppress(OSError, ValueError):
                target = os.readlink(f"{folder}/{name}")    # noqa: PTH115
                if target.startswith(_PREFIX):
                    inode = int(target[len(_PREFIX):-1])
                    self._holders.setdefault(inode, {})[pid] = name
                    found |= inode == wanted
        while len(self._holders) > INODES:
            self._holders.popitem(last=False)
        return found


def _parent(pid: int) -> int:
    """The process that started this one, 0 when that is not known."""
    try:
        return int(_read(f"/proc/{pid}/stat").rpartition(")")[2].split(maxsplit=2)[1])
    except (OSError, ValueError, IndexError):
        return 0


def _read(path: str) -> str:
    """The beginning of a file of /proc, in one piece."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(file, READ_BYTES).decode("utf-8", "replace")
    finally:
        os.close(file)


@lru_cache(4096)
def user_name(uid: int) -> str:
    """The name of a user; the number of one who has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _is_socket(pid: int, descriptor: str, inode: int) -> bool:
    try:
        return os.readlink(f"/proc/{pid}/fd/{descriptor}") == f"{_PREFIX}{inode}]"  # noqa: PTH115
    except OSError:
        return False
