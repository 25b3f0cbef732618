"""`sniff fields`: what a display filter can ask for."""

import json
import sys

from sniff.cli._click import click
from sniff.errors import UsageError


@click.command("fields")
@click.argument("word", required=False)
@click.option("--format", "form", type=click.Choice(["table", "tabs", "json"]), default=None,
              help="A table at a terminal, else tabs; json: a list of objects.")
def command(word: str | None, form: str | None) -> int:
    """List the fields of display filters: name, type and meaning.

    WORD shows only those with it in their name or meaning: sniff fields cookie
    """
    from sniff.filters.check import FUNCTIONS
    from sniff.filters.fields.table import HEADER, all_fields, nearest, search
    fields = search(word) if word else list(all_fields().values())
    rows = [(field.name, field.type.value, field.meaning, sorted(field.names)) for field in fields]
    if not word or word.lower() in "http.header.name header field":
        rows.append((HEADER, "string", "any header field of HTTP: http.header.x-request-id", []))
    if not rows:
        hint = nearest(word or "")
        raise UsageError(f"no field has '{word}' in its name or meaning; {hint if hint.startswith('did') else 'sniff fields lists all'}")
    if form == "json":
        print(json.dumps([{"name": name, "type": kind, "meaning": meaning} | ({"values": values} if values else {})
                          for name, kind, meaning, values in rows], indent=1, ensure_ascii=False))
    elif form == "tabs" or (form is None and not sys.stdout.isatty()):
        for name, kind, meaning, _ in rows:
            print(f"{name}\t{kind}\t{meaning}")
    else:
        from rich.console import Console
        from rich.table import Table
        table = Table(box=None, pad_edge=False, header_style="bold")
        for title, style in (("Field", "cyan"), ("Type", ""), ("Meaning", "")):
            table.add_column(title, style=style, overflow="fold")
        for name, kind, meaning, _ in rows:
            table.add_row(name, kind, meaning)
        console = Console(highlight=False)
        console.print(table)
        if not word:
            console.print("\nFunctions: " + ", ".join(f"{name}() {meaning}" for name, meaning in FUNCTIONS.items()))
    return 0
