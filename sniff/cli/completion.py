"""Completion of display filters in a shell: the last word of -Y is a field, a function or an operator."""

import re
from typing import Any

from sniff.cli._click import click

_LAST = re.compile(r"[\w.-]*$", re.ASCII)
MOST = 200
"""Names that are offered at once."""


def complete_filter(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[Any]:
    """What the word at the end of a filter may become."""
    from click.shell_completion import CompletionItem

    from sniff.filters.check import FUNCTIONS
    from sniff.filters.fields.table import all_fields
    found = _LAST.search(incomplete)
    word = found[0] if found else ""
    before = incomplete[:len(incomplete) - len(word)]
    items = [CompletionItem(before + name, help=f"{field.type.value}: {field.meaning}")
             for name, field in all_fields().items() if name.startswith(word.lower())]
    items += [CompletionItem(f"{before}{name}(", help=meaning) for name, meaning in FUNCTIONS.items() if word and name.startswith(word)]
    return items[:MOST]
