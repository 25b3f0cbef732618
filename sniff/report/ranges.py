"""Files that were fetched in parts: responses 206 to one client for one URL, over any number of connections, put together.

Only where the parts lie is remembered, not their bytes. Source: RFC 9110 section 14 (range requests).
"""

from dataclasses import dataclass, field

from sniff import limits
from sniff.exchange.http import Exchange
from sniff.report.http_records import Body, Record


@dataclass(slots=True)
class RangedFile:
    """One file that came in parts.

    size      of the whole file as the server says, -1 when it does not
    spans     [(first byte, bytes)] in the order in which they came
    exchanges with the body of each
    """

    url: str
    size: int = -1
    spans: list[tuple[int, int]] = field(default_factory=list)
    exchanges: list[tuple[Exchange, Body]] = field(default_factory=list)

    @property
    def seen(self) -> int:
        """Bytes that came, each once."""
        end = seen = 0
        for first, length in sorted(self.spans):
            seen += max(first + length - max(first, end), 0)
            end = max(end, first + length)
        return seen

    @property
    def reach(self) -> int:
        """Bytes up to the end of the last part."""
        return max((first + length for first, length in self.spans), default=0)

    @property
    def complete(self) -> bool:
        """Every byte came."""
        return self.size >= 0 and self.seen >= self.size


class RangedFiles:
    """Puts files together. At most limits.RANGED_FILES at once: the oldest is given out first, as it is."""

    def __init__(self) -> None:
        self._files: dict[tuple[str, str], RangedFile] = {}

    def add(self, record: Record) -> list[RangedFile] | None:
        """Take a response that is part of a file: the files that are finished by it. None for any other exchange."""
        exchange, body = record.exchange, record.response_body
        if exchange.status != 206 or body is None or exchange.request is None or not exchange.request.get(b"range"):
            return None
        span = body.message.content_range
        spans = [(first, length) for first, length, _ in body.ranges]
        sizes = [size for _, _, size in body.ranges]
        if span is not None and span.first >= 0:
            spans, sizes = [(span.first, body.info.length)], [span.size]
        if not spans:
            return None
        key = (exchange.connection.client, exchange.url())
        file = self._files.setdefault(key, RangedFile(key[1]))
        file.size = max(file.size, *sizes)
        file.spans += spans
        file.exchanges.append((exchange, body))
        if file.complete or len(file.spans) > limits.RANGED_FILE_PARTS:
            return [self._files.pop(key)]
        if len(self._files) > limits.RANGED_FILES:
            return [self._files.pop(next(iter(self._files)))]
        return []

    def finish(self) -> list[RangedFile]:
        """The capture is over: what is not whole."""
        files = list(self._files.values())
        self._files.clear()
        return files
