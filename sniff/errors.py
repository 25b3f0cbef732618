"""What can go wrong for the caller. Hostile bytes never raise: they are notes (see notes.py).

SniffError
 ├─ InputError          the input could not be opened or is no capture (exit status 1)
 ├─ UsageError          what was asked for makes no sense: a wrong option, a stream that is not there (exit status 2)
 ├─ FilterError         a display filter does not parse; carries the position (exit status 2)
 ├─ CapturePermission   the interface may not be opened by this user (exit status 1)
 └─ MissingTool         an optional program or library is needed and is not there (exit status 1)

Users normally catch the root. Every message is one line: what, where, what to do.
"""


class SniffError(Exception):
    """Root of everything sniff raises on purpose. `str(error)` is one line fit for a user."""

    exit_status = 1


class InputError(SniffError):
    """The input could not be opened, or is no capture file."""


class UsageError(SniffError):
    """What was asked for makes no sense."""

    exit_status = 2


class FilterError(UsageError):
    """A display filter does not parse.

    position  index of the offending character in `expression`
    length    how many characters are meant
    """

    def __init__(self, message: str, expression: str = "", position: int = 0, length: int = 1) -> None:
        super().__init__(message)
        self.expression = expression
        self.position = position
        self.length = length

    @property
    def pointer(self) -> str:
        """Two lines that show the place: the expression, and below it carets."""
        shown = "".join(character if character.isprintable() else " " for character in self.expression)
        start = max(0, self.position - 60)
        stop = max(start + 70, min(self.position + self.length, start + 70))
        carets = "^" + "~" * (min(self.length, stop - self.position) - 1)
        return f"    {shown[start:stop]}\n    {' ' * (self.position - start)}{carets}"


class CapturePermission(SniffError):
    """The interface may not be opened by this user."""


class MissingTool(SniffError):
    """An optional program or library is needed and is not there."""
