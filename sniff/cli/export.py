"""`sniff export`: what a capture carried, as files."""

import sys
from contextlib import closing
from pathlib import Path

from sniff.cli._click import click
from sniff.cli.progress import Progress
from sniff.errors import InputError, UsageError


@click.command("export")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--objects", "folder", metavar="FOLDER", type=click.Path(path_type=Path),
              help="Write the body of every HTTP message to a file in FOLDER, decoded, and a manifest.json.")
@click.option("--secrets", is_flag=True, help="Passwords in URLs as they are, not masked.")
def command(files: tuple[str, ...], folder: Path | None, secrets: bool) -> int:
    """Write what HTTP carried to files.

    Nothing is overwritten. manifest.json says for each file its URL, type, size, SHA-256, packets, and whether it is complete.
    """
    if folder is None:
        raise UsageError("say what to export: --objects FOLDER")
    from sniff.pipeline import Analysis
    from sniff.report.objects import ObjectExporter
    analysis = Analysis(files, rows=False, bodies=True)
    with closing(analysis.source) as source:
        exporter = ObjectExporter(folder, analysis.notes, analysis.counters, secrets=secrets)
        progress = Progress(source.size)
        try:
            for step in analysis:
                exporter.add(step.apps)
                progress.tick(source.position)
        finally:
            exporter.finish()
            progress.hide()
        store = exporter.store
        objects = f"{store.written:,} object{'s' * (store.written != 1)}"
        print(f"sniff: {objects}, {store.bytes:,} bytes, in {folder}", file=sys.stderr)
        if source.damage:
            raise InputError(str(source.damage))
    return 0
