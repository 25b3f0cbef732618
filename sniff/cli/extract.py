"""`sniff analyze -w`: write the packets that match to a capture file."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import numpy as np

from sniff.cli.output import Output
from sniff.cli.progress import Progress
from sniff.errors import InputError, SniffError, UsageError
from sniff.filters.chosen import Chosen
from sniff.filters.filter import Filter
from sniff.packets import columns as c
from sniff.packets.columns import Kind
from sniff.pipeline import Analysis, Step
from sniff.reassembly import columns as s
from sniff.report.packet_file import PacketFile


def extract(files: Sequence[str], path: str, expression: str | None, whole: bool) -> int:
    """Write the packets of some files that match a filter (all, without one) to `path`; the exit status.

    whole  also the other packets of their connections: the files are read twice, a pipe is kept in a temporary file meanwhile
    """
    chosen_by = Filter(expression) if expression is not None else None
    for file in files:
        if file != "-" and path != "-" and _same_file(path, file):
            raise UsageError(f"{path}: is the capture itself; give another name with -w")
    if path == "-" and sys.stdout is not None and sys.stdout.isatty():
        raise UsageError("standard output is a terminal; pipe it into something that reads pcapng, or name a file")
    whole = whole and chosen_by is not None
    with _readable_twice(files, whole) as names:
        chosen = _first_pass(names, chosen_by) if whole and chosen_by is not None else None
        return _write(names, files, path, None if chosen is not None else chosen_by, chosen)


def _first_pass(files: Sequence[str], filter: Filter) -> Chosen:
    """The packets that match, and their streams."""
    chosen = Chosen()
    analysis = Analysis(files, rows=False, filter=filter)
    with closing(analysis.source) as source:
        progress = Progress(source.size)
        for step in analysis:
            if step.matched is not None:
                chosen.add(step.apps, step.matched)
            progress.tick(source.position)
        progress.hide()
    return chosen


def _write(names: Sequence[str], files: Sequence[str], path: str, filter: Filter | None, chosen: Chosen | None) -> int:
    analysis = Analysis(names, rows=False, filter=filter)
    with closing(analysis.source) as source, Output(path) as output:
        progress = Progress(source.size)
        file = PacketFile(output, source)
        total = 0
        for step in analysis:
            total += len(step.packets)
            offsets = step.packets.raw.offset
            file.own(analysis.take_owners(), int(offsets[-1]) if len(offsets) else 0)
            file.add(step.packets.raw, _wanted(step, chosen))
            progress.tick(source.position)
        file.end()
        progress.hide()
        where = "standard output" if path == "-" else path
        of = f"{file.count:,} of {total:,}" if filter is not None or chosen is not None else f"{total:,}"
        print(f"sniff: {of} packet{'s' * (total != 1)} written to {where}", file=sys.stderr)
        if source.damage:
            raise InputError(str(source.damage))
    return 0


def _wanted(step: Step, chosen: Chosen | None) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """Indexes of the packets of a step that are written."""
    count = len(step.packets)
    if chosen is None:
        return np.arange(count) if step.matched is None else np.flatnonzero(step.matched)
    table, streams = step.packets.table, step.streams.table[s.STREAM]
    wanted = chosen.packets.have(table[c.NUMBER])
    for kind, bits in ((Kind.TCP, chosen.tcp), (Kind.UDP, chosen.udp)):
        wanted |= (table[c.KIND] == kind) & bits.have(streams)
    return np.flatnonzero(wanted)


@contextmanager
def _readable_twice(files: Sequence[str], needed: bool) -> Iterator[list[str]]:
    """The same files, with a temporary one in the place of standard input."""
    if not needed or not any(_is_pipe(file) for file in files):
        yield list(files)
        return
    with tempfile.TemporaryDirectory(prefix="sniff-") as folder:
        names = []
        for number, file in enumerate(files):
            if not _is_pipe(file):
                names.append(file)
                continue
            name = os.path.join(folder, str(number))  # noqa: PTH118  (pathlib is not imported for this)
            try:
                with open(name, "wb") as copy:  # noqa: PTH123
                    if file == "-":
                        shutil.copyfileobj(sys.stdin.buffer, copy)
                    else:
                        with open(file, "rb") as pipe:  # noqa: PTH123
                            shutil.copyfileobj(pipe, copy)
            except OSError as error:
                raise SniffError(f"{error.filename or name}: {error.strerror}") from None
            names.append(name)
        yield names


def _is_pipe(file: str) -> bool:
    """Whether it can be read only once."""
    return file == "-" or (os.path.exists(file) and not os.path.isfile(file))  # noqa: PTH110, PTH113


def _same_file(path: str, other: str) -> bool:
    try:
        return os.path.samefile(path, other)  # noqa: PTH121
    except OSError:
        return False
