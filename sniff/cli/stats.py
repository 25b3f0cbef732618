"""`sniff stats`: figures of a capture."""

import json
import shutil
import sys
from contextlib import closing

from sniff.cli._click import click
from sniff.cli.completion import complete_filter
from sniff.cli.output import Output
from sniff.cli.progress import Progress
from sniff.errors import InputError

PIPE_WIDTH = 120
"""Cells of a line where nobody says how wide the paper is."""


@click.command("stats")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("-Y", "--filter", "expression", metavar="FILTER", shell_complete=complete_filter,
              help="Only what matches this display filter, in Wireshark's language; `sniff fields` lists the fields.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object with all entries of all tables.")
@click.option("--top", "most", metavar="N", type=click.IntRange(1, 100_000), default=10, show_default=True,
              help="Entries of each table; with --json all of them, unless said.")
@click.option("--interval", metavar="SECONDS", type=click.FloatRange(0.001, 86_400 * 365),
              help="Count packets and bytes in intervals of this length; what suits when not said.")
@click.option("-o", "--output", "path", metavar="PATH", help="Write to this file.")
@click.pass_context
def command(context: click.Context, files: tuple[str, ...], expression: str | None, as_json: bool, most: int,
            interval: float | None, path: str | None) -> int:
    """Say in figures what happened in capture files.

    Packets and bytes over time, endpoints, conversations, HTTP hosts, paths, status codes, media types and latencies, DNS
    failures, TCP retransmissions. Paths that differ only in a number, a UUID or a hash are one. Several files are read as
    one capture in time order; FILE may be - for standard input.
    """
    from sniff.cli.analyze import stopping
    from sniff.pipeline import Analysis
    from sniff.report.stats import Statistics
    chosen = None
    if expression is not None:
        from sniff.filters.filter import Filter
        chosen = Filter(expression)
    analysis = Analysis(files, rows=False, messages=True, filter=chosen)
    found = Statistics(analysis.notes, analysis.counters, interval_ns=round(interval * 1e9) if interval else 0)
    with closing(analysis.source) as source, Output(path, inputs=files) as output:
        if len(files) == 1:
            found.summary.read = lambda offset, length: source.read(0, offset, length)
        progress = Progress(source.size)
        with stopping(source, "-" in files):
            for step in analysis:
                found.add(step)
                progress.tick(source.position)
        progress.hide()
        found.finish()
        if as_json:
            given = context.get_parameter_source("most") == click.core.ParameterSource.COMMANDLINE
            output.write((json.dumps(found.record(most if given else None)) + "\n").encode("ascii"))
        else:
            from sniff.report.stats_lines import BLOCKS, PLAIN_BLOCKS, lines_of
            encoding = (sys.stdout.encoding if sys.stdout is not None and not output.owned else None) or "utf-8"
            width = shutil.get_terminal_size((PIPE_WIDTH, 24)).columns if output.is_terminal else PIPE_WIDTH
            blocks = BLOCKS if BLOCKS.encode(encoding, "replace").decode(encoding) == BLOCKS else PLAIN_BLOCKS
            output.write("".join(f"{line}\n" for line in lines_of(found, most, width, blocks)).encode(encoding, "replace"))
        if source.damage:
            raise InputError(str(source.damage))
    return 0
