"""click, in the clothes of rich-click when help is going to be read by a person.

The two have the same names. rich-click draws better help but takes 60 ms more to draw it, which a terminal is worth and
a script is not; parsing is click's in both.
"""

import sys
from typing import TYPE_CHECKING


def _dressed() -> bool:
    """Whether help will be shown at a terminal."""
    arguments = sys.argv[1:]
    if arguments and not {"-h", "--help"}.intersection(arguments):
        return False
    return sys.stdout is not None and sys.stdout.isatty()


DRESSED = _dressed()

if TYPE_CHECKING or not DRESSED:
    import click
    Group = click.Group
else:
    import rich_click as click
    Group = click.RichGroup
    click.rich_click.STYLE_COMMANDS_TABLE_COLUMN_WIDTH_RATIO = (1, 6)
    click.rich_click.MAX_WIDTH = 110

__all__ = ["DRESSED", "Group", "click"]
