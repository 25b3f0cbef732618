"""`sniff analyze`: from capture files to rows."""

import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from types import FrameType
from typing import Protocol

from sniff.cli._click import click
from sniff.cli.output import Output
from sniff.cli.progress import Progress
from sniff.errors import InputError, UsageError
from sniff.report.formats import FORMATS, Options, format_for

FORMAT_HELP = "; ".join(f"{name}: {form.help}" for name, form in FORMATS.items())


@click.command("analyze")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("-Y", "--filter", "expression", metavar="FILTER", help="Only rows that match this display filter.")
@click.option("--packets", is_flag=True, help="A row for every packet, not only for DNS and HTTP.")
@click.option("--format", "name", type=click.Choice(list(FORMATS)),
              help=f"{FORMAT_HELP}. A table at a terminal, else tabs.")
@click.option("-o", "--output", "path", metavar="PATH", help="Write to this file; its suffix says the format.")
@click.option("--follow", is_flag=True, help="Go on while the file grows, until Ctrl-C.")
def command(files: tuple[str, ...], expression: str | None, packets: bool, name: str | None, path: str | None,
            follow: bool) -> int:
    """Show what happened in capture files.

    FILE may be - for standard input. Several files are read as one capture in time order.
    """
    if "-" in files and sys.stdin is not None and sys.stdin.isatty():
        raise UsageError("standard input is a terminal; pipe a capture into it, or name a file")
    if expression is not None:
        raise UsageError("display filters are not there yet")
    from sniff.pipeline import Analysis
    from sniff.report.summary import Summary
    form = FORMATS[name or format_for(path, sys.stdout is not None and sys.stdout.isatty())]
    if form.folder and path is None:
        raise UsageError(f"--format {name} writes several files: name a folder with -o")
    folder = None
    if form.folder and path is not None:
        from pathlib import Path
        folder = Path(path)
    analysis = Analysis(files, follow=follow, messages=form.messages and not (packets and not form.summary), packets=packets,
                        rows=form.rows, bodies=form.bodies, endings=form.endings)
    with closing(analysis.source) as source, Output(None if folder else path, inputs=files) as output:
        writer = form.make(output, Options(packets, analysis.notes, analysis.counters, folder))
        summary = Summary(notes=analysis.notes, counters=analysis.counters)
        if len(files) == 1:    # offsets do not say which of several files they are about
            summary.read = partial(source.read, 0)
        progress = Progress(-1 if follow else source.size)
        with stopping(source, follow or "-" in files):
            for step in analysis:
                shown = 0 if step.rows is None else len(step.rows.shown)
                if output.is_terminal and shown:
                    progress.hide()
                writer.write(step)
                if form.summary:
                    summary.add(step.apps, shown)
                progress.tick(source.position)
        progress.hide()
        writer.end(summary)
        if source.damage:
            raise InputError(str(source.damage))
    return 0


class Stoppable(Protocol):
    """A source that can be told that nothing more will come."""

    def stop(self) -> None: ...


@contextmanager
def stopping(source: Stoppable, wanted: bool) -> Iterator[None]:
    """The first Ctrl-C takes what has come for all there will be, the second one interrupts; when it is wanted."""
    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        source.stop()

    try:
        before = signal.signal(signal.SIGINT, stop) if wanted else None
    except ValueError:    # not the main thread: nobody sends it signals
        wanted = False
    try:
        yield
    finally:
        if wanted:
            signal.signal(signal.SIGINT, before)
