"""Where a command writes: standard output or a file, in large pieces, straight to the file descriptor."""

import os
import select
import sys
from collections.abc import Sequence
from types import TracebackType

from sniff.errors import SniffError, UsageError


class Output:
    """A file descriptor to write bytes to.

    name         for messages
    is_terminal  whether a person reads it as it comes
    """

    def __init__(self, path: str | None = None, *, inputs: Sequence[str] = ()) -> None:
        """Standard output, or the file `path`, which may be none of `inputs`."""
        self.name = "standard output"
        self.owned = path is not None and path != "-"
        if path is None or path == "-":
            if sys.stdout is None:
                raise SniffError("standard output is closed")
            sys.stdout.flush()    # what was printed before comes before
            self.descriptor = sys.stdout.fileno()
        else:
            self.name = path
            if any(_same_file(path, other) for other in inputs):
                raise UsageError(f"{path}: is the capture itself; give another name with -o")
            try:
                self.descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
            except OSError as error:
                raise SniffError(f"{path}: cannot be written: {error.strerror}") from None
        self.is_terminal = os.isatty(self.descriptor)

    def write(self, data: bytes | memoryview) -> None:
        """Write all of it. A reader that went away is a BrokenPipeError, as everywhere."""
        view = memoryview(data)
        while len(view):
            try:
                view = view[os.write(self.descriptor, view):]
            except BlockingIOError:    # somebody who shares this pipe or terminal made it non-blocking
                select.select([], [self.descriptor], [])
            except BrokenPipeError:
                raise
            except OSError as error:
                raise SniffError(f"{self.name}: cannot be written: {error.strerror}") from None

    def close(self) -> None:
        """Close a file; standard output stays open."""
        if self.owned:
            self.owned = False
            os.close(self.descriptor)

    def __enter__(self) -> "Output":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


def _same_file(path: str, other: str) -> bool:
    """Whether two names are one existing file."""
    try:
        return os.path.samefile(path, other)  # noqa: PTH121  (pathlib is not imported for this)
    except OSError:
        return False
