import re


class BadPattern(ValueError):
    """A regular expression that cannot be used; the message says why."""


class Pattern:
    def __init__(self, text: bytes) -> None:
        try:
            self._compiled = re.compile(text, re.IGNORECASE)
        except re.error as error:
            raise BadPattern(f"this is no regular expression: {error}") from None

    def found_in(self, value: bytes) -> bool:
        return self._compiled.search(value) is not None
