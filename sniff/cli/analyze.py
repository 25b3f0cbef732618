"""`sniff analyze`: from capture files to rows."""

import signal
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from types import FrameType
from typing import Protocol

from sniff.cli._click import click
from sniff.cli.completion import complete_filter
from sniff.cli.output import Output
from sniff.cli.progress import Progress
from sniff.cli.view import View, view_of, with_processes
from sniff.errors import InputError, UsageError
from sniff.report.formats import FORMATS

FORMAT_HELP = "; ".join(f"{name}: {form.help}" for name, form in FORMATS.items())


@click.command("analyze")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@click.option("-Y", "--filter", "expression", metavar="FILTER", shell_complete=complete_filter,
              help="Only rows that match this display filter, in Wireshark's language; `sniff fields` lists the fields.")
@click.option("-w", "--write", "packets_path", metavar="FILE", type=click.Path(),
              help="Write the packets (with -Y: those that match) to this pcapng file instead of showing rows.")
@click.option("--whole-streams", is_flag=True, help="With -w and -Y: also all other packets of their connections.")
@click.option("--packets", is_flag=True, help="A row for every packet, not only for DNS and HTTP.")
@click.option("--flows", is_flag=True, help="A row for every TCP connection and UDP flow.")
@click.option("--dns", "lookups", is_flag=True, help="A row for every DNS lookup.")
@click.option("--names", is_flag=True, help="Rows show names that clients learned from DNS instead of addresses.")
@click.option("--process", "processes", is_flag=True,
              help="Also which processes talk to each other, when sniff live --process recorded the capture.")
@click.option("--format", "name", type=click.Choice(list(FORMATS)),
              help=f"{FORMAT_HELP}. A table at a terminal, else tabs.")
@click.option("-o", "--output", "path", metavar="PATH", type=click.Path(), help="Write to this file; its suffix says the format.")
@click.option("--eve-dns", type=click.IntRange(2, 3), default=3, help="Version of the dns events of --format eve; 3 when not said.")
@click.option("--dissector", type=click.Choice(["sniff", "tshark"]), default="sniff",
              help="tshark: with --packets, its words for protocols that sniff does not decode.")
@click.option("--secrets", is_flag=True, help="With --format har: show credentials and cookies as they are, not masked.")
@click.option("--follow", is_flag=True, help="Go on while the file grows, until Ctrl-C.")
def command(files: tuple[str, ...], expression: str | None, packets_path: str | None, whole_streams: bool,
            packets: bool, flows: bool, lookups: bool, names: bool, processes: bool, name: str | None,
            path: str | None, eve_dns: int, dissector: str, secrets: bool, follow: bool) -> int:
    """Show what happened in capture files.

    FILE may be - for standard input. Several files are read as one capture in time order.
    """
    if "-" in files and sys.stdin is not None and sys.stdin.isatty():
        raise UsageError("standard input is a terminal; pipe a capture into it, or name a file")
    if packets_path is not None:
        if packets or flows or lookups or names or processes or name or path or follow:
            raise UsageError("-w writes packets, not rows: leave away what chooses rows, formats and -o")
        from sniff.cli.extract import extract
        if whole_streams and expression is None:
            raise UsageError("--whole-streams needs a filter that chooses them: -Y 'http.response.code >= 500'")
        return extract(files, packets_path, expression, whole_streams)
    if whole_streams:
        raise UsageError("--whole-streams says which packets to write: name a file with -w")
    view = replace(view_of(name, path, packets, expression, flows, lookups), names=names, eve_dns=eve_dns,
                   secrets=secrets)
    if names and view.form not in (FORMATS["table"], FORMATS["tabs"]):
        raise UsageError("--names is for rows as a table or as tabs; the other formats keep the addresses")
    if secrets and view.form is not FORMATS["har"]:
        raise UsageError("--secrets is for --format har; the other formats show no passwords")
    if processes:
        view = with_processes(view)
    if dissector == "tshark":
        view = replace(view, dissector=_tshark(view))
    analysis = view.analysis(files, follow=follow)
    with closing(analysis.source) as source, Output(view.path, inputs=files) as output:
        progress = Progress(-1 if follow else source.size)

        def make_room(rows: int) -> None:
            if output.is_terminal and rows:
                progress.hide()

        with stopping(source, follow or "-" in files):
            view.show(analysis, output, view.summary(analysis, one=len(files) == 1), before=make_room,
                      after=lambda: progress.tick(source.position))
        progress.hide()
        if processes and not source.owner_count:
            print("sniff: the capture does not say which processes there were; sniff live --process records them", file=sys.stderr)
        if source.damage:
            raise InputError(str(source.damage))
    return 0


def _tshark(view: View) -> str:
    """"tshark", when it can help this view. Raises UsageError, MissingTool."""
    from sniff.tshark import find_tshark
    if not view.packets or not view.form.rows:
        raise UsageError("--dissector tshark is for the rows of all packets: add --packets (formats table, tabs, jsonl, csv)")
    find_tshark()
    return "tshark"


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
