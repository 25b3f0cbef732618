"""The command `sniff`: which commands there are. A command's module is imported when it is called, not before."""

import os
from importlib import import_module
from typing import Any

from sniff._version import __version__
from sniff.cli._click import Group, click
from sniff.errors import UsageError

COMMANDS = {
    "analyze": "Show what happened in capture files: DNS and HTTP, or every packet.",
    "stats": "Say in figures what happened: endpoints, hosts, latencies, failures, packets over time.",
    "info": "Say what capture files are: format, interfaces, times, rates, drops, damage.",
    "show": "Print one HTTP message, headers and decoded body, or a request and its response.",
    "follow": "Print what the two ends of one TCP or UDP stream said.",
    "report": "Write what happened as one HTML page that opens anywhere.",
    "fields": "List the fields of display filters (-Y): name, type and meaning.",
    "export": "Write the bodies of HTTP messages to files.",
    "verify": "Compare our rows with tshark's, and show where they differ.",
    "live": "Capture on an interface and show what happens as it happens.",
    "interfaces": "List the interfaces of this machine, and whether you may capture there.",
    "doctor": "Say what sniff finds on this machine, and what to do about what is missing.",
}
"""Name and line of help of every command. Each is `command` in the module of the same name beside this one."""

EPILOG = 'Completion in your shell: eval "$(_SNIFF_COMPLETE=bash_source sniff)", likewise zsh_source and fish_source.'

CONTEXT: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class LazyGroup(Group):
    """A group whose commands are only imported when one of them is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order in which help shows them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A stand-in, enough for the list of commands in help."""
        if cmd_name not in COMMANDS:
            return None
        return click.Command(cmd_name, short_help=COMMANDS[cmd_name], help=COMMANDS[cmd_name])

    def resolve_command(self, ctx: click.Context,
                        args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """The command itself."""
        name = args[0]
        if name in COMMANDS:
            command: click.Command = import_module(f"sniff.cli.{name}").command
            return name, command, args[1:]
        if name.startswith("-"):
            return super().resolve_command(ctx, args)
        from difflib import get_close_matches
        close = get_close_matches(name, COMMANDS, 1)
        hint = f"; did you mean '{close[0]}'?" if close else f"; there are {', '.join(COMMANDS)}"
        if not close and (name == "-" or os.path.exists(name)):  # noqa: PTH110  (pathlib is not imported for this)
            hint = f"; to see what is in that file: sniff analyze {name}"
        raise UsageError(f"no such command '{name}'{hint}")


@click.group(cls=LazyGroup, context_settings=CONTEXT, epilog=EPILOG)
@click.version_option(__version__, "-V", "--version", prog_name="sniff", message="%(prog)s %(version)s")
def sniff() -> None:
    """Show what is really on the wire: DNS, TCP and HTTP, from capture files or live.

    Wireshark's rows and names, at many times its speed.
    """


def run(arguments: list[str]) -> int:
    """Run a command line; the exit status. Errors of use are raised as UsageError, in one line."""
    if "_SNIFF_COMPLETE" in os.environ:
        sniff.main(arguments, prog_name="sniff")
    try:
        with sniff.make_context("sniff", arguments) as context:
            result = sniff.invoke(context)
        return result if isinstance(result, int) else 0
    except click.exceptions.Exit as end:
        return int(end.exit_code)
    except click.Abort:
        raise KeyboardInterrupt from None
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except click.UsageError as error:
        named = [name for name in arguments[:1] if name in COMMANDS]    # some errors come without a context
        path = error.ctx.command_path if error.ctx else " ".join(["sniff", *named])
        message = error.format_message().rstrip(".")
        raise UsageError(f"{message[:1].lower()}{message[1:]} (see: {path} --help)") from None
    except click.ClickException as error:
        raise UsageError(error.format_message()) from None
