"""The process that says who owns connections (capture/watcher.py), as the capturing one sees it."""

import os
import select
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from sniff.capture.interfaces import on_linux
from sniff.capture.live import PacketSource, Recorder, Wanted
from sniff.capture.owners import ANSWER, LONGEST, QUESTION, READY
from sniff.errors import MissingTool

if TYPE_CHECKING:
    from sniff.capture.watcher import Tap

PATIENCE_S = 0.05
"""The capture waits so long for the watcher before it reads packets."""
READY_S = 2.0
"""The watcher may take so long to begin, and to end."""


def open_tap(wanted: Wanted, say: Callable[[str], None]) -> "Tap":
    """The socket by which the watcher will hear of connections. Raises CapturePermission, InputError, UsageError."""
    if not on_linux():
        raise MissingTool("--process needs Linux, where the kernel says which process has a socket")
    from sniff.capture.watcher import Tap
    tap = Tap(wanted.interfaces, wanted.filter)
    if os.geteuid() != 0:
        say("processes of other users cannot be seen without root")
    return tap


class Watching:
    """A watcher and its records."""

    def __init__(self, tap: "Tap", source: PacketSource, say: Callable[[str], None]) -> None:
        """Start it.

        source  of the capture, which it closes for itself
        say     tells the user something
        """
        from sniff.capture.watcher import watch
        self._say = say
        self._gone = self._asked = False
        self._recorder: Recorder
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._number = os.fork()
        if not self._number:
            with suppress(BaseException):   # whatever it is, the capture goes on without it, and says so
                for number in (signal.SIGINT, signal.SIGHUP):
                    signal.signal(number, signal.SIG_IGN)
                self._ours.close()
                source.close()
                for standard in (0, 1, 2):      # whoever reads from us is not to wait for this process, too
                    os.dup2(theirs.fileno(), standard)
                watch(tap, theirs)
            os._exit(0)
        theirs.close()
        tap.socket.close()

    def forget(self) -> None:
        """This is another process: it has nothing to do with the watcher."""
        self._ours.close()

    def attach(self, recorder: Recorder) -> None:
        """Wait until it watches, and have its records written."""
        self._ours.settimeout(READY_S)
        try:
            ready = self._ours.recv(64) == READY
        except OSError:
            ready = False
        self._ours.setblocking(False)
        if not ready:
            self._say("processes cannot be looked up here; the capture goes on without them")
            return
        self._recorder = recorder
        recorder.settle = self._settle
        recorder.hear(self._ours.fileno(), self._hear)

    def _settle(self) -> None:
        """Wait until the owners of what was captured are known, so that their records stand in front of the packets."""
        deadline = time.monotonic() + PATIENCE_S
        with suppress(OSError):
            if not self._asked:
                self._ours.send(QUESTION)
                self._asked = True
            while self._hear() and self._asked and (left := deadline - time.monotonic()) > 0:
                select.select([self._ours], [], [], left)

    def _hear(self) -> bool:
        while not self._gone:
            try:
                record = self._ours.recv(LONGEST)
            except BlockingIOError:
                return True
            except OSError:
                record = b""
            if record == ANSWER:
                self._asked = False
            elif record:
                self._recorder.keep_owner(record)
            else:
                self._gone = True
                self._say("processes are not looked up any more; the capture goes on")
        return False

    def end(self) -> None:
        """End it."""
        self._ours.close()
        deadline = time.monotonic() + READY_S
        with suppress(ChildProcessError):
            while not os.waitpid(self._number, os.WNOHANG)[0]:
                if time.monotonic() > deadline:
                    os.kill(self._number, signal.SIGKILL)
                time.sleep(0.001)
