"""`sniff interfaces`: where one can capture."""

import sys

from sniff.capture.interfaces import interfaces, may_capture, on_linux, permission_help
from sniff.cli._click import click


@click.command("interfaces")
def command() -> int:
    """List the interfaces of this machine, and say whether you may capture there."""
    allowed = may_capture()
    found = interfaces()
    rows = [(one.name, "up" if one.up else "down", "yes" if allowed and one.up else "no", ", ".join(one.addresses) or "-")
            for one in found]
    if on_linux():
        rows.append(("any", "up", "yes" if allowed else "no", "all of them at once"))
    head = ("interface", "state", "capture", "addresses")
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(3)]
    for row in [head, *rows]:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]))
    if not allowed:
        print(f"sniff: no permission to capture; {permission_help()}", file=sys.stderr)
    return 0
