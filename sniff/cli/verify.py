"""`sniff verify`: a second opinion on our rows."""

import sys

from sniff.cli._click import click
from sniff.errors import InputError, UsageError

DIFFERENT = 3
"""Exit status when rows differ; 1 and 2 mean what they mean everywhere."""


@click.command("verify")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True,
              help="table: counts and differences for people; json: one object a line, one line a file.")
@click.option("--show", "keep", metavar="N", type=click.IntRange(0, 100_000), default=10, show_default=True,
              help="List so many differences of each file.")
@click.option("--tshark", "program", metavar="PATH", help="Where tshark is, when pyshark does not find it.")
def command(files: tuple[str, ...], form: str, keep: int, program: str | None) -> int:
    """Compare the rows of capture files with tshark's, and show where they differ.

    Compared are No., Time, Source, Destination, Protocol, Length and Info of every packet, with tshark's default settings
    (`tshark -n -r FILE`), file by file. pyshark finds tshark and says how it is called; its rows are read as text with tabs.
    The exit status is 0 when all rows are the same and 3 when some differ.
    """
    if "-" in files:
        raise UsageError("verify reads a capture twice, and standard input can be read once: name a file")
    from sniff.report.verification import json_of, lines_of
    from sniff.tshark import tshark_version
    from sniff.verify import verify
    version = tshark_version(program)
    wrong: list[str] = []
    same = True
    for number, path in enumerate(files):
        try:
            found = verify(path, keep, program)
        except InputError as error:
            wrong.append(str(error))
            continue
        same = same and found.same
        if found.damage:
            wrong.append(found.damage)
        if form == "json":
            click.echo(json_of(found, version))
        else:
            click.echo("\n".join([*([""] if number else []), *lines_of(found, version)]))
    for line in wrong if not same else wrong[:-1]:
        print(f"sniff: {line}", file=sys.stderr)
    if not same:
        return DIFFERENT
    if wrong:
        raise InputError(wrong[-1])
    return 0
