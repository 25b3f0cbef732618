"""`--format zeek`: logs with Zeek's names and fields as JSON lines, one file each, in a folder.

A log is made by a source: something that takes the steps of an analysis and gives rows. One source may write several logs.
A file is made when it gets its first row, as Zeek does. Source: https://docs.zeek.org/en/current/logs/index.html
"""

from collections.abc import Callable, Iterable, Iterator
from json import JSONEncoder
from pathlib import Path
from typing import IO, Any, Protocol

from sniff.errors import SniffError
from sniff.report.formats import Options, Step
from sniff.report.summary import Summary

Row = tuple[str, dict[str, Any] | str]
"""Name of a log, without `.log`, and one row of it; what is unset has no key. A row that is a text is JSON already."""

to_json = JSONEncoder(separators=(",", ":")).encode


class LogSource(Protocol):
    """Makes the rows of one or more logs."""

    def add(self, step: Step) -> Iterable[Row]:
        """The rows that one step completes."""

    def finish(self) -> Iterable[Row]:
        """What is still open when the capture is over."""


def _http(options: Options) -> LogSource:
    from sniff.report.zeek_http import HttpLogs
    return HttpLogs(options)


def _conn(options: Options) -> LogSource:
    from sniff.report.zeek_conn import ConnLogs
    return ConnLogs(options)


def _dns(options: Options) -> LogSource:
    from sniff.report.zeek_dns import DnsLogs
    return DnsLogs(options)


SOURCES: list[Callable[[Options], LogSource]] = [_conn, _http, _dns]
"""What makes the logs."""


class ZeekWriter:
    """Writes the logs of a capture into a folder, which is made when it is not there; logs in it are replaced."""

    def __init__(self, folder: Path, options: Options) -> None:
        self.folder = folder
        self._sources = [source(options) for source in SOURCES]
        self._files: dict[str, IO[str]] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except FileExistsError:
            raise SniffError(f"{folder}: is there and is no folder; name another with -o") from None
        except OSError as error:
            raise SniffError(f"{folder}: cannot be written: {error.strerror}") from None

    def write(self, step: Step) -> None:
        """Write what one step completes."""
        for source in self._sources:
            self._rows(source.add(step))

    def end(self, summary: Summary) -> None:
        """Write what was still open, and close the files."""
        for source in self._sources:
            self._rows(source.finish())
        for file in self._files.values():
            file.close()

    def _rows(self, rows: Iterable[Row]) -> None:
        try:
            for name, lines in _grouped(rows):
                file = self._files.get(name)
                if file is None:
                    file = self._files[name] = (self.folder / f"{name}.log").open("w", encoding="ascii", newline="\n")
                file.write(lines)
        except OSError as error:
            raise SniffError(f"{self.folder}: cannot be written: {error.strerror}") from None


def _grouped(rows: Iterable[Row]) -> Iterator[tuple[str, str]]:
    """Lines of each log, many at a time."""
    lines: dict[str, list[str]] = {}
    for name, row in rows:
        lines.setdefault(name, []).append(row if isinstance(row, str) else to_json(row))
    for name, found in lines.items():
        yield name, "\n".join([*found, ""])
