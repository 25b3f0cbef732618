"""`sniff report`: what happened, as one HTML file."""

import gc
import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from sniff.cli._click import click
from sniff.cli.progress import Progress
from sniff.errors import InputError, SniffError, UsageError
from sniff.limits import REPORT_ROWS

if TYPE_CHECKING:
    from sniff.report.html.page import Page
    from sniff.reports import Options

FOLDER = Path("reports")
"""Where reports go when nobody says."""

PIPE_BYTES = 1 << 20


@click.command("report")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@click.option("-o", "--output", "path", metavar="PATH", type=click.Path(path_type=Path),
              help="Write to this file; - is standard output. reports/NAME.html when not given.")
@click.option("--split", "folder", metavar="FOLDER", type=click.Path(path_type=Path),
              help="Write page, style, script and data as files of their own, for servers that forbid inline scripts.")
@click.option("--open", "show", is_flag=True, help="Open it in the browser.")
@click.option("--title", metavar="TEXT", default="", help="Title of the page; the name of the file when not given.")
@click.option("--limit", metavar="N", type=click.IntRange(1, 1_000_000), default=REPORT_ROWS, show_default=True,
              help="Most rows of each table. Figures count everything.")
@click.option("--secrets", is_flag=True, help="Show passwords, tokens and cookies as they are.")
@click.option("--redact", is_flag=True, help="Leave out bodies, and replace addresses, the same one always by the same.")
def command(files: tuple[str, ...], path: Path | None, folder: Path | None, show: bool, title: str, limit: int, secrets: bool,
            redact: bool) -> int:
    """Write what happened as an HTML page.

    One file that opens anywhere and loads nothing: verdict, figures, exchanges with their timing, packets, connections, DNS.
    Passwords, tokens and cookies are masked. Prints where the page is. FILE may be - for standard input; several files are read
    as one capture in time order.
    """
    if folder is not None and path is not None:
        raise UsageError("--split names a folder and -o a file: leave one of them away")
    if secrets and redact:
        raise UsageError("--secrets shows what --redact hides: leave one of them away")
    if "-" in files and sys.stdin is not None and sys.stdin.isatty():
        raise UsageError("standard input is a terminal; pipe a capture into it, or name a file")
    to_output = path is not None and str(path) == "-"
    if show and to_output:
        raise UsageError("--open needs a file: leave '-o -' away")
    target = path if path is not None else FOLDER / f"{_name(files)}.html"
    for file in files:
        if not to_output and folder is None and _same(target, file):
            raise UsageError(f"{target}: is the capture itself; give another name with -o")
    gc.set_threshold(200_000, 50, 1000)     # a hundred thousand exchanges are made and forgotten; none of them in circles
    damage: list[str] = []
    page = _make(files, title, limit, secrets, redact, damage)
    if folder is not None:
        for name, content in page.folder():
            _write(folder / name, content)
        written = folder / "index.html"
    elif to_output:
        from sniff.cli.output import Output
        with Output() as output:
            for part in page.one_file():
                output.write(part)
        written = None
    else:
        _write(target, page.one_file())
        written = target
    if written is not None:
        from sniff.cli.output import Output
        with Output() as output:
            output.write(os.fsencode(written) + b"\n")
        if show:
            import webbrowser
            if not webbrowser.open(written.resolve().as_uri()):
                print("sniff: there is no browser to open it with", file=sys.stderr)
    if damage:
        raise InputError(damage[0])
    return 0


def _make(files: tuple[str, ...], title: str, limit: int, secrets: bool, redact: bool, damage: list[str]) -> "Page":
    """Make the page; a pipe is put into a temporary file, since a capture is read twice."""
    from sniff.reports import Options
    options = Options(limit, secrets, redact, title)
    pipes = [name for name in files if name == "-" or _is_pipe(name)]
    if not pipes:
        return _with_progress(files, options, damage)
    with tempfile.TemporaryDirectory(prefix="sniff-") as temporary:
        copies = {}
        for name in pipes:
            copies[name] = Path(temporary, "standard input" if name == "-" else Path(name).name)
            with copies[name].open("wb") as copy:
                _copy(name, copy)
        try:
            return _with_progress(tuple(str(copies.get(name, name)) for name in files), options, damage)
        except InputError as error:
            words = str(error)
            for name, place in copies.items():
                words = words.replace(str(place), "standard input" if name == "-" else name)
            raise InputError(words) from None
        finally:
            for name, place in copies.items():
                damage[:] = [line.replace(str(place), "standard input" if name == "-" else name) for line in damage]


def _is_pipe(name: str) -> bool:
    """Whether a name is that of a named pipe, or of what a shell writes for <(command)."""
    path = Path(name)
    return path.exists() and not path.is_file() and not path.is_dir()


def _copy(name: str, copy: BinaryIO) -> None:
    """Copy what comes through a pipe."""
    try:
        descriptor = sys.stdin.fileno() if name == "-" else os.open(name, os.O_RDONLY)
        while piece := os.read(descriptor, PIPE_BYTES):
            copy.write(piece)
        if name != "-":
            os.close(descriptor)
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror}") from None


def _with_progress(files: tuple[str, ...], options: "Options", damage: list[str]) -> "Page":
    from sniff.reports import make_report
    try:
        size = 2 * sum(Path(name).stat().st_size for name in files)
    except OSError:
        size = -1
    bar = Progress(size)
    try:
        page, found = make_report(files, options, bar.tick)
    finally:
        bar.hide()
    damage += found
    return page


def _name(files: tuple[str, ...]) -> str:
    """What a report about these files is called."""
    if files[0] == "-":
        return "report"
    name = Path(files[0]).name
    while Path(name).suffix.lower() in (".gz", ".zst", ".xz", ".bz2", ".lz4", ".pcap", ".pcapng", ".cap", ".dmp"):
        name = Path(name).stem
    return name or "report"


def _same(target: Path, file: str) -> bool:
    try:
        return target.samefile(file)
    except OSError:
        return False


def _write(path: Path, content: Iterable[bytes]) -> None:
    """Write a file, all of it or nothing. What is no file (a pipe, a device) is written to, never replaced; nor is a link."""
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            with path.open("wb") as stream:
                stream.writelines(content)
            return
        target = path.resolve() if path.is_symlink() else path
    except OSError as error:
        raise SniffError(f"{path}: cannot be written: {error.strerror}") from None
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.writelines(content)
        temporary.replace(target)
    except OSError as error:
        raise SniffError(f"{path}: cannot be written: {error.strerror}") from None
    finally:
        temporary.unlink(missing_ok=True)
