"""A progress bar on standard error, for files that take longer than a second, when a person is there to see it."""

import sys
import time
from typing import Any

PATIENCE_S = 1.0
"""Nothing is shown before."""
INTERVAL_S = 0.1


class Progress:
    """Shows how much of the input was read. rich is imported only when there is something to show.

    Rows and bar may share a terminal: hide() before rows are written; the bar comes back after the next quiet second.
    """

    def __init__(self, size: int, *, wanted: bool | None = None) -> None:
        """size  bytes of all input, -1 when not known (then there is no bar)."""
        shown = sys.stderr is not None and sys.stderr.isatty() if wanted is None else wanted
        self.size = size if shown else -1
        self.bar: Any = None
        self.task: Any = None
        self.next = time.monotonic() + PATIENCE_S

    def tick(self, position: int) -> None:
        """`position` bytes were read."""
        now = time.monotonic()
        if self.size <= 0 or now < self.next:
            return
        self.next = now + INTERVAL_S
        if self.bar is None:
            self._begin()
        self.bar.update(self.task, completed=min(position, self.size))
        self.bar.refresh()

    def _begin(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, TimeRemainingColumn, TransferSpeedColumn
        from rich.progress import Progress as Bar
        self.bar = Bar(BarColumn(None), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(),
                       console=Console(stderr=True), transient=True, auto_refresh=False)
        self.task = self.bar.add_task("", total=self.size)
        self.bar.start()

    def hide(self) -> None:
        """Take the bar off the screen."""
        self.next = time.monotonic() + PATIENCE_S
        if self.bar is not None:
            self.bar.stop()
            self.bar = None
