"""`--format eve`: events as Suricata writes them, one JSON object a line.

An event is made by a source: something that takes the steps of an analysis and gives events.
Source: https://docs.suricata.io/en/latest/output/eve/eve-json-format.html
"""

from collections.abc import Callable, Iterable
from json import JSONEncoder
from typing import Any, Protocol

from sniff.report.formats import Options, Sink, Step
from sniff.report.summary import Summary

to_json = JSONEncoder(separators=(",", ":")).encode


Event = dict[str, Any] | str
"""An event; one that is a text is JSON already."""


class EventSource(Protocol):
    """Makes events of one or more types."""

    def add(self, step: Step) -> Iterable[Event]:
        """The events that one step completes."""

    def finish(self) -> Iterable[Event]:
        """What is still open when the capture is over."""


def _http(options: Options) -> EventSource:
    from sniff.report.eve_http import HttpEvents
    return HttpEvents(options)


def _flows(options: Options) -> EventSource:
    from sniff.report.eve_flow import FlowEvents
    return FlowEvents(options)


def _dns(options: Options) -> EventSource:
    from sniff.report.eve_dns import DnsEvents
    return DnsEvents(options, options.eve_dns)


SOURCES: list[Callable[[Options], EventSource]] = [_http, _dns, _flows]
"""What makes the events."""


class EveWriter:
    """Writes the events of a capture."""

    def __init__(self, sink: Sink, options: Options) -> None:
        self._sink = sink
        self._sources = [source(options) for source in SOURCES]

    def write(self, step: Step) -> None:
        """Write what one step completes."""
        for source in self._sources:
            self._events(source.add(step))

    def end(self, summary: Summary) -> None:
        """Write what was still open."""
        for source in self._sources:
            self._events(source.finish())

    def _events(self, events: Iterable[Event]) -> None:
        lines = [event if isinstance(event, str) else to_json(event) for event in events]
        if lines:
            self._sink.write("\n".join([*lines, ""]).encode("ascii"))
