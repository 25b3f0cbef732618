"""`sniff follow`: what the two ends of one stream said."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from sniff.cli._click import click
from sniff.cli.output import Output


@click.command("follow")
@click.argument("file", metavar="FILE")
@click.argument("stream", metavar="STREAM", type=click.IntRange(min=0))
@click.option("--udp", is_flag=True, help="STREAM is a UDP stream (udp.stream), not a TCP stream (tcp.stream).")
@click.option("--format", "name", type=click.Choice(["text", "hex", "raw", "json"]), default="text",
              help="text: what was said; hex: a hex dump; raw: the bytes; json: one object a line. Text when not given.")
@click.option("--only", type=click.Choice(["client", "server"]), help="Only what this side said.")
@click.option("--to", "folder", metavar="FOLDER", type=click.Path(path_type=Path),
              help="Write each side to a file of its own in FOLDER.")
@click.option("-o", "--output", "path", metavar="PATH", help="Write to this file.")
def command(file: str, stream: int, udp: bool, name: str, only: str | None, folder: Path | None, path: str | None) -> int:
    """Print both directions of stream number STREAM, in order.

    At a terminal the client is red and the server blue. Bytes that were not captured are shown as holes.
    """
    from sniff.report.follow import FORMATS, SIDES, SideFiles, plain
    from sniff.streams import TCP, UDP, Chunk, FollowedStream
    followed = FollowedStream([file], stream, UDP if udp else TCP)

    def chunks() -> Iterator[Chunk]:
        for chunk in followed:
            if only is None or SIDES[chunk.direction] == only:
                yield chunk

    if folder is not None:
        sides = SideFiles(folder)
        try:
            for chunk in chunks():
                assert followed.flow is not None
                sides.write(followed.flow, chunk)
        finally:
            sides.close()
        for written, size in sides.written.items():
            print(f"sniff: {size:,} bytes in {written}", file=sys.stderr)
        _say_missing(sides.missing)
        return 0
    missing = 0

    def counted() -> Iterator[Chunk]:
        nonlocal missing
        for chunk in chunks():
            missing += chunk.gap
            yield chunk

    with Output(path, inputs=[file]) as output:
        colours = output.is_terminal and not os.environ.get("NO_COLOR") and name in ("text", "hex")
        for part in FORMATS[name](counted(), _painted if colours else plain):
            output.write(part)
    if name == "raw":
        _say_missing(missing)
    return 0


def _say_missing(count: int) -> None:
    if count:
        print(f"sniff: {count:,} bytes were not captured; they are left out", file=sys.stderr)


def _painted(text: str, direction: int) -> str:
    from rich.color import ColorSystem
    from rich.style import Style
    style = Style(color=("red", "blue")[direction])
    return "\n".join(style.render(line, color_system=ColorSystem.STANDARD) if line else "" for line in text.split("\n"))
