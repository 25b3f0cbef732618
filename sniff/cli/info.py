"""`sniff info`: what capture files are, in figures."""

import sys
from typing import TYPE_CHECKING

from sniff.cli._click import click
from sniff.errors import InputError

if TYPE_CHECKING:
    from sniff.capture.summary import CaptureSummary


@click.command("info")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True,
              help="table: lines for people; json: one object a line, one line a file.")
@click.option("--sha256", "wants_digest", is_flag=True, help="Also the SHA-256 of each file.")
def command(files: tuple[str, ...], form: str, wants_digest: bool) -> int:
    """Say what capture files are.

    Format, interfaces, link types, times, rates, sizes, drops, comments, and whether a file is cut or damaged.
    FILE may be - for standard input.
    """
    from sniff.capture.summary import sha256
    from sniff.report.capture_info import json_of, lines_of
    wrong: list[str] = []
    shown = 0
    for path in files:
        try:
            summary = _summary(path)
        except InputError as error:
            wrong.append(str(error))
            continue
        digest = sha256(path) if wants_digest and path != "-" else ""
        if form == "json":
            click.echo(json_of(summary, digest))
        else:
            lines = list(lines_of(summary, digest))
            width = max(len(label) for label, _ in lines)
            if shown:
                click.echo()
            for label, value in lines:
                styled = click.style(value, fg="red") if label == "Damage" else value
                click.echo(f"{click.style(label.ljust(width), bold=True)}  {styled}")
        shown += 1
        if summary.file.damage:
            wrong.append(summary.file.damage)
    for line in wrong[:-1]:
        print(f"sniff: {line}", file=sys.stderr)
    if wrong:
        raise InputError(wrong[-1])
    return 0


def _summary(path: str) -> "CaptureSummary":
    from sniff.capture.sources import open_capture
    from sniff.capture.summary import summarise
    with open_capture([path]) as source:
        if not source.live:
            return summarise(source)
        from sniff.cli.analyze import stopping  # Ctrl-C: the figures of what has come
        with stopping(source, True):
            return summarise(source)
