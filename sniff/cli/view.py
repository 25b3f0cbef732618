"""What `analyze` and `live` have in common: which format is meant, what the pipeline must do for it, and the loop."""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sniff.errors import UsageError
from sniff.report.formats import FORMATS, Format, Options, Sink, format_for

if TYPE_CHECKING:
    from sniff.capture.store import Store
    from sniff.filters.filter import Filter
    from sniff.pipeline import Analysis, Step
    from sniff.report.summary import Summary


@dataclass(frozen=True, slots=True)
class View:
    """What is to be shown, and how.

    form     the format
    packets  a row for every packet
    path     the file to write to, None for standard output
    folder   the folder to write to, for formats of several files
    names    rows show names learned from DNS instead of addresses
    eve_dns  which version of EVE's dns events to write
    dissector  whose words rows have that sniff has none for: "tshark", or "" for nobody's
    processes  say which processes talk to each other, as far as the capture knows
    secrets  show credentials as they are, in formats that mask them
    filter   only what matches this display filter
    """

    form: Format
    packets: bool
    path: str | None
    folder: Path | None
    names: bool = False
    eve_dns: int = 3
    dissector: str = ""
    processes: bool = False
    secrets: bool = False
    filter: "Filter | None" = None

    def analysis(self, paths: "Sequence[str | Path | Store]", *, follow: bool = False) -> "Analysis":
        """The pipeline over these files that makes what the format needs."""
        from sniff.pipeline import Analysis
        form = self.form
        return Analysis(paths, follow=follow, packets=self.packets, rows=form.rows, bodies=form.bodies, endings=form.endings,
                        filter=self.filter,
                        flows=form.flows, messages=self.names or (form.messages and not (self.packets and not form.summary)))

    def summary(self, analysis: "Analysis", *, one: bool) -> "Summary":
        """An empty summary. `one`: there is one file only, so that offsets say where to look something up."""
        from sniff.report.summary import Summary
        read = partial(analysis.source.read, 0) if one else None
        return Summary(notes=analysis.notes, counters=analysis.counters, read=read)

    def show(self, analysis: "Analysis", sink: Sink, summary: "Summary", *,
             before: Callable[[int], object] = lambda rows: None, after: Callable[[], object] = lambda: None,
             seen: "Callable[[Step], object] | None" = None) -> None:
        """Write what the analysis says, step by step; called around each step: before(rows to be shown), after().

        seen  called with each step after it was shown
        """
        processes = None
        if self.processes:
            from sniff.exchange.owners import Owners
            from sniff.report.process import Processes
            processes = Processes(Owners(analysis.take_owners, analysis.counters))
        chosen = None
        if self.filter is not None:
            from sniff.filters.chosen import Chosen
            chosen = summary.chosen = Chosen()
        writer = self.form.make(sink, Options(self.packets, analysis.notes, analysis.counters, self.folder, self.eve_dns,
                                              processes=processes, secrets=self.secrets, chosen=chosen))
        named = None
        if self.names:
            from sniff.report.named_rows import NamedRows
            named = NamedRows()
        steps: "Iterable[Step]" = analysis
        if self.dissector:
            from sniff.cli.dissector import with_tshark
            steps = with_tshark(analysis)
        for step in steps:
            if named is not None:
                step.rows = named.rows(step)
            shown = 0 if step.rows is None else len(step.rows.shown)
            before(shown)
            if processes is not None:
                processes.owners.learn()
            if self.form.summary:
                summary.add(step.apps, shown, step.matched)
            elif chosen is not None and step.matched is not None:
                chosen.add(step.apps, step.matched)
            writer.write(step)
            after()
            if seen is not None:
                seen(step)
        before(1)
        writer.end(summary)


def view_of(name: str | None, path: str | None, packets: bool, expression: str | None, flows: bool = False,
            lookups: bool = False) -> View:
    """The view that the options ask for. Raises UsageError."""
    if expression is not None:
        from sniff.filters.filter import Filter
        return replace(_plain_view(name, path, packets, flows, lookups, True), filter=Filter(expression))
    return _plain_view(name, path, packets, flows, lookups)


def _plain_view(name: str | None, path: str | None, packets: bool, flows: bool, lookups: bool, filtered: bool = False) -> View:
    """The view without its filter."""
    if flows or lookups:
        if flows and lookups:
            raise UsageError("--flows shows a row a connection, --dns a row a lookup: leave one of them away")
        return _table_view(name, path, packets, "--flows" if flows else "--dns")
    form = FORMATS[name or format_for(path, sys.stdout is not None and sys.stdout.isatty())]
    if filtered and not form.rows and form is not FORMATS["har"]:
        raise UsageError(f"--format {name or format_for(path, False)} is about whole connections, not about rows: first write those "
                         "that match, sniff analyze FILE -Y FILTER --whole-streams -w PART.pcapng, then analyze that")
    if not form.folder:
        return View(form, packets, path, None)
    if path is None:
        raise UsageError(f"--format {name} writes several files: name a folder with -o")
    return View(form, packets, None, Path(path))


def with_processes(view: View) -> View:
    """The same view with the processes that talk to each other. Raises UsageError."""
    from sniff.report.flows import FORMATS as FLOWS
    if view.form not in (FORMATS["table"], FORMATS["tabs"], FORMATS["jsonl"], *FLOWS.values()):
        raise UsageError("--process is for rows, exchanges and --flows, as a table, as tabs or as jsonl")
    return replace(view, processes=True)


def _table_view(name: str | None, path: str | None, packets: bool, option: str) -> View:
    """A row a connection, or a row a lookup."""
    if option == "--flows":
        from sniff.report.flows import FORMATS as TABLES
    else:
        from sniff.report.dns_table import FORMATS as TABLES
    thing = "connection" if option == "--flows" else "lookup"
    name = name or format_for(path, sys.stdout is not None and sys.stdout.isatty())
    if packets:
        raise UsageError(f"{option} shows a row a {thing}, --packets a row a packet: leave one of them away")
    if name not in TABLES:
        raise UsageError(f"{option} is written as {', '.join(TABLES)}; --format {name} says what there is about each {thing} anyway")
    return View(TABLES[name], False, path, None)
