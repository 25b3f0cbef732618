"""`sniff show`: one HTTP message, or a request with its response."""

import sys
from collections.abc import Iterable

from sniff.cli._click import click
from sniff.cli.output import Output
from sniff.errors import UsageError


@click.command("show")
@click.argument("file", metavar="FILE")
@click.argument("packet", metavar="N", type=click.IntRange(min=1))
@click.option("-e", "--exchange", is_flag=True, help="The request and its response, whichever of them is in packet N.")
@click.option("--raw", is_flag=True, help="The bytes as they were sent: nothing decoded, nothing masked.")
@click.option("--secrets", is_flag=True, help="Passwords, tokens and cookies as they are, not masked.")
@click.option("-o", "--output", "path", metavar="PATH", help="Write to this file.")
def command(file: str, packet: int, exchange: bool, raw: bool, secrets: bool, path: str | None) -> int:
    """Print the HTTP message in packet N, the way curl -i does.

    N is a number of the column No. Bodies are decompressed, JSON is indented, what is no text is shown as a hex dump.
    """
    if file == "-":
        raise UsageError("show reads the capture twice, so it needs a file, not standard input")
    from sniff.messages import Part, find, load, load_wire
    from sniff.report.message import exchange_remarks, message_lines, printable, remarks
    found = find([file], packet, exchange)
    messages = found.exchange.messages if exchange and found.exchange is not None else found.messages
    with Output(path, inputs=[file]) as output:
        if raw:
            for message in messages:
                for part in load_wire([file], message):
                    if isinstance(part, int):
                        _say([f"{part:,} bytes were not captured; they are left out"])
                    elif output.is_terminal:
                        output.write(printable(part.decode("utf-8", "backslashreplace").replace("\r\n", "\n")).encode())
                    else:
                        output.write(part)
        else:
            bodies: dict[int, Part] = load([file], messages)
            for index, message in enumerate(messages):
                lines = message_lines(message, bodies.get(message.id), secrets)
                output.write("\n".join([*([""] if index else []), *lines, ""]).encode("utf-8", "replace"))
                body = bodies.get(message.id)
                if body is not None and body.info is not None:
                    _say(problem.detail for problem in body.info.problems)
    _say(exchange_remarks(found.exchange) if exchange and found.exchange is not None
         else (line for message in messages for line in remarks(message)))
    return 0


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        print(f"sniff: {line}", file=sys.stderr)
