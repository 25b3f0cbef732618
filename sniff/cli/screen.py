"""The terminal while a capture runs: rows scroll by, and the last line says how things stand."""

import os
import select
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sniff.capture.live import Standing
from sniff.cli.output import Output

INTERVAL_S = 0.25
RATE_S = 2.0
"""Rates are those of the last so many seconds."""
ERASE = b"\r\x1b[2K"
SEPARATOR = " · "
LEAST = ("flows", "requests/s", "errors", "q ends", "packets", "behind")
"""How the parts of the line end, the least important first."""
DIM, PLAIN = "\x1b[7m", "\x1b[0m"


class Screen:
    """An output whose last line is drawn again and again.

    figures  asked for (Standing, flows, requests, errors, nanoseconds behind) whenever the line is drawn
    quit     called when the user presses q
    """

    def __init__(self, output: Output, figures: Callable[[], tuple[Standing, int, int, int, int]],
                 quit: Callable[[], None]) -> None:
        self._output = output
        self._figures = figures
        self._quit = quit
        self._lock = threading.Lock()
        self._shown = False
        self._over = threading.Event()
        self._past: deque[tuple[float, int, int]] = deque()
        self._thread = threading.Thread(target=self._run, name="sniff-screen", daemon=True)
        self._thread.start()

    def write(self, data: bytes | memoryview) -> None:
        """Write rows above the line."""
        with self._lock:
            if self._shown:
                self._output.write(ERASE)
                self._shown = False
            self._output.write(data)

    def close(self) -> None:
        """Take the line away."""
        self._over.set()
        self._thread.join()
        self.write(b"")

    def _run(self) -> None:
        keys = sys.stdin is not None and sys.stdin.isatty() and _in_front()
        while not self._over.is_set():
            with suppress(OSError, ValueError), self._lock:
                self._output.write(ERASE + self._line().encode())
                self._shown = True
            if not keys:
                self._over.wait(INTERVAL_S)
            elif select.select([0], [], [], INTERVAL_S)[0]:
                pressed = os.read(0, 64)
                keys = bool(pressed)
                if pressed in (b"q", b"Q", b"\x04"):
                    self._quit()

    def _line(self) -> str:
        standing, flows, requests, errors, behind_ns = self._figures()
        now = time.monotonic()
        self._past.append((now, standing.packets, requests))
        while len(self._past) > 2 and now - self._past[0][0] > RATE_S:
            self._past.popleft()
        then, packets_then, requests_then = self._past[0]
        span = max(now - then, INTERVAL_S)
        parts = [f"{standing.packets:,} packets", f"{(standing.packets - packets_then) / span:,.0f}/s",
                 f"{standing.dropped:,} dropped", f"{flows:,} flows", f"{(requests - requests_then) / span:,.0f} requests/s"]
        if requests:
            parts.append(f"{100 * errors / requests:.0f}% errors")
        parts += [f"{behind_ns / 1e9:.1f} s behind", "q ends"]
        width = 80
        with suppress(OSError):
            width = os.get_terminal_size(self._output.descriptor).columns
        return f"{DIM}{shorten(parts, width - 1).ljust(width - 1)}{PLAIN}"


def shorten(parts: list[str], width: int) -> str:
    """The parts as one line; where they take too much room the less important ones are left out."""
    parts = list(parts)
    for place in LEAST:
        if len(SEPARATOR.join(parts)) <= width:
            break
        kept = [part for part in parts if not part.endswith(place)]
        parts = kept or parts
    return SEPARATOR.join(parts)[:width]


class Keyboard:
    """While it is entered, keys come one by one and are not echoed; nothing where nobody types."""

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted
        self._before: list[Any] | None = None

    def __enter__(self) -> "Keyboard":
        if self._wanted and sys.stdin is not None and sys.stdin.isatty() and _in_front():
            import termios
            import tty
            with suppress(termios.error):
                self._before = termios.tcgetattr(0)
                tty.setcbreak(0)
        return self

    def __exit__(self, *error: object) -> None:
        if self._before is not None:
            import termios
            with suppress(termios.error):
                termios.tcsetattr(0, termios.TCSADRAIN, self._before)


def _in_front() -> bool:
    """Whether this is what the terminal's user is typing to."""
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False
