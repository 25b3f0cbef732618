"""`sniff stats` for people: the figures as text, with a small chart of packets and bytes over time."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sniff.report.stats import Statistics
from sniff.report.summary import size, span
from sniff.report.terminal import fit, printable, width_of

BLOCKS = " ▁▂▃▄▅▆▇█"
PLAIN_BLOCKS = " .-=#"
"""Where the terminal has no block characters."""
CHART_ROWS = 3
NAME_LEAST = 16
"""Cells of a name that are shown however narrow the terminal is."""


def lines_of(found: Statistics, most: int, width: int = 100, blocks: str = BLOCKS) -> Iterator[str]:
    """Statistics as lines of text of at most `width` cells, where that is possible; nothing can do anything to a terminal.

    most    entries of each table
    blocks  what charts are drawn with, from nothing to full
    """
    yield from map(printable, found.summary.lines())
    if not found.summary.packets:
        return
    record = found.record(most)
    if found.time.packets:
        yield from _chart(found, width, blocks)
    yield from _endpoints(record, len(found.endpoints), width)
    yield from _conversations(record, width)
    yield from _http(found, record["http"], width)
    yield from _dns(record["dns"], width)
    yield from _tcp(record["tcp"], width)


# --- charts and tables --------------------------------------------------------------------------------------------------

def bars(values: Sequence[int], rows: int, blocks: str = BLOCKS) -> Iterator[str]:
    """A chart of columns, `rows` lines high, from the top; any value above zero is seen."""
    top, levels = max(values, default=0) or 1, len(blocks) - 1
    heights = [-(-value * rows * levels // top) for value in values]
    for row in range(rows - 1, -1, -1):
        yield "".join(blocks[min(max(height - row * levels, 0), levels)] for height in heights)


def _chart(found: Statistics, width: int, blocks: str) -> Iterator[str]:
    room = max(min(width, 120) - 10, 10)
    interval_ns, packets, volume = found.time.grouped(room)
    for name, values, most in (("Packets", packets, f"{max(packets):,}"), ("Bytes", volume, size(max(volume)))):
        yield ""
        drawn = list(bars(values, CHART_ROWS, blocks))
        yield f"{name:<9} {drawn[0]}".rstrip()
        for line in drawn[1:]:
            yield f"{'':9} {line}".rstrip()
        yield f"{'':9} at most {most} in {span(interval_ns)}"


def table(title: str, heads: Sequence[str], rows: Iterable[Sequence[str]], width: int) -> Iterator[str]:
    """A table under a title: the first column to the left and cut where the line would be too long, the others to the right."""
    found = [[title, *heads], *([printable(row[0]), *row[1:]] for row in rows)]
    if len(found) == 1:
        return
    widths = [max(width_of(row[k]) for row in found) for k in range(len(found[0]))]
    widths[0] = max(min(widths[0], width - sum(widths[1:]) - 2 * len(heads)), NAME_LEAST, width_of(title))
    yield ""
    for row in found:
        yield "  ".join([fit(row[0], widths[0]), *(" " * (w - width_of(cell)) + cell for cell, w in zip(row[1:], widths[1:], strict=True))])


def _time(seconds: float | None) -> str:
    return "" if seconds is None else span(round(seconds * 1e9))


def _times(record: dict[str, float]) -> list[str]:
    return [_time(record.get(name)) for name in ("p50", "p90", "p99", "max")]


def _counts(title: str, counts: dict[str, int]) -> Iterator[str]:
    """`Methods  GET 6, POST 1`."""
    if counts:
        yield f"{title:<14} {', '.join(f'{printable(name)} {count:,}' for name, count in counts.items())}"


def _many(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


# --- sections -----------------------------------------------------------------------------------------------------------

def _endpoints(record: dict[str, Any], count: int, width: int) -> Iterator[str]:
    yield from table(f"Endpoints ({count:,})", ("Packets", "Bytes", "Sent", "Received"), (
        (one["address"], f"{one['packets']:,}", size(one["bytes"]), size(one["sent_bytes"]), size(one["received_bytes"]))
        for one in record["endpoints"]), width)


def _conversations(record: dict[str, Any], width: int) -> Iterator[str]:
    for name in ("tcp", "udp"):
        yield from table(f"{name.upper()} conversations", ("Stream", "Packets", "Bytes", "→", "←", "Start", "Duration"), (
            (f"{_place(one, 'client')} → {_place(one, 'server')}", str(one["stream"]), f"{one['packets']:,}", size(one["bytes"]),
             size(one["client_bytes"]), size(one["server_bytes"]), _time(one["start"]), _time(one["duration"]))
            for one in record["conversations"][name]), width)


def _place(one: dict[str, Any], side: str) -> str:
    address = one[side]
    return f"[{address}]:{one[side + '_port']}" if ":" in address else f"{address}:{one[side + '_port']}"


def _http(found: Statistics, record: dict[str, Any], width: int) -> Iterator[str]:
    if not record["requests"] and not record["responses"]:
        return
    yield ""
    yield f"HTTP           {_many(record['requests'], 'request')}, {_many(record['responses'], 'response')}"
    yield from _counts("Methods", record["methods"])
    yield from _counts("Status codes", record["status_codes"])
    yield from table("Media types", ("Responses", "Bytes"), (
        (one["media_type"], f"{one['responses']:,}", size(one["bytes"])) for one in record["media_types"]), width)
    for title, key, tally in (("Hosts", "host", found.http.hosts), ("Paths", "path", found.http.paths)):
        yield from table(f"{title} ({len(tally) + tally.folded:,})", ("Exchanges", "Errors", "Bytes", "p50", "p90", "p99", "max"), (
            (one[key], f"{one['exchanges']:,}", f"{one['errors']:,}" if one["errors"] else "", size(one["response_bytes"]),
             *_times(one["duration"])) for one in record[f"{key}s"]), width)
    yield from table("Slowest exchanges", ("Status", "Packet", "Wait", "Time"), (
        (f"{one['method']} {one['url']}", str(one["status"]), str(one["packet"]), _time(one["wait"]), _time(one["duration"]))
        for one in record["slowest"]), width)


def _dns(record: dict[str, Any], width: int) -> Iterator[str]:
    if not record["queries"] and not record["responses"]:
        return
    yield ""
    rest = [f"{record[name]:,} {name}" for name in ("unanswered", "unasked", "retries") if record[name]]
    counts = [_many(record["queries"], "query", "queries"), _many(record["responses"], "response")]
    yield f"DNS            {', '.join([*counts, *rest])}"
    yield from _counts("Answers", record["response_codes"])
    times = record["time"]
    if times:
        yield f"Times          p50 {_time(times['p50'])}, p90 {_time(times['p90'])}, p99 {_time(times['p99'])}, max {_time(times['max'])}"
    yield from table("Failures", ("Answer", "Count"), (
        (one["name"], one["status"], f"{one['count']:,}") for one in record["failures"]), width)


def _tcp(record: dict[str, Any], width: int) -> Iterator[str]:
    if not record["packets"]:
        return
    yield ""
    share = f" ({100 * record['sent_again_rate']:.2f} % of segments with data)" if record["sent_again"] else ""
    yield (f"TCP            {record['packets']:,} packets, {size(record['payload_bytes'])} of data, "
           f"{record['sent_again']:,} sent again{share}")
    yield from _counts("Marks", {name.rpartition(".")[2].replace("_", " "): count for name, count in record["marks"].items()})
    yield from table("Sent again most", ("Stream", "Segments", "Packets"), (
        (f"{_place(one, 'client')} → {_place(one, 'server')}", str(one["stream"]), f"{one['sent_again']:,}", f"{one['packets']:,}")
        for one in record["worst"]), width)
