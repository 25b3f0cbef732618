"""`sniff live`: from interfaces to rows, and a capture file.

Two processes. This one captures: it opens the sockets, gives up its privileges and writes the file. The other one, forked
off, reads that file as it grows, through the very pipeline of files, and shows what is in it. Neither waits for the other,
and when one dies the other goes on to an orderly end.

With --process there is a third one, the watcher, which keeps the right to see which process has which socket, and nothing
else.
"""

import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import closing, nullcontext, suppress
from functools import partial
from pathlib import Path
from types import FrameType

from sniff.capture import privileges
from sniff.capture.live import PacketSource, Recorder, Standing, Wanted, open_source
from sniff.capture.rotation import Rotation, parse_rotation, parse_size
from sniff.cli._click import click
from sniff.cli.analyze import FORMAT_HELP
from sniff.cli.completion import complete_filter
from sniff.cli.feed import Listener, Teller
from sniff.cli.output import Output
from sniff.cli.screen import Keyboard, Screen
from sniff.cli.view import View, view_of, with_processes
from sniff.cli.watching import Watching, open_tap
from sniff.errors import InputError, MissingTool, SniffError, UsageError
from sniff.report.formats import FORMATS

DIRECTIONS = ("both", "in", "out")
NAMES_S = 1.0
"""The end of the file waits so long for the last names."""


@click.command("live")
@click.option("-i", "--interface", "interfaces", metavar="IFACE", multiple=True, required=True,
              help="Capture here; `any` is everywhere. May be given several times.")
@click.argument("words", metavar="[CAPTURE FILTER]", nargs=-1)
@click.option("-w", "--write", "path", metavar="FILE", help="Keep what is captured, as pcapng; - is standard output.")
@click.option("-d", "--duration", "seconds", metavar="SECONDS", type=click.FloatRange(min=0, min_open=True),
              help="Stop after so long.")
@click.option("-c", "--count", metavar="PACKETS", type=click.IntRange(min=1), help="Stop after so many packets.")
@click.option("--size", metavar="SIZE", help="Stop before more than this is written: 100MB.")
@click.option("--ring", metavar="NxSIZE", help="Keep the newest N files of this size, time or both: 10x100MB,1h.")
@click.option("-Y", "--filter", "expression", metavar="FILTER", shell_complete=complete_filter,
              help="Only rows that match this display filter, in Wireshark's language; `sniff fields` lists the fields.")
@click.option("--packets", is_flag=True, help="A row for every packet, not only for DNS and HTTP.")
@click.option("--format", "name", type=click.Choice(list(FORMATS)), help=f"{FORMAT_HELP}. A table at a terminal, else tabs.")
@click.option("-o", "--output", "rows_path", metavar="PATH", help="Write rows to this file; its suffix says the format.")
@click.option("--flows", is_flag=True, help="A row for every TCP connection and UDP flow, when it ends.")
@click.option("--process", "processes", is_flag=True,
              help="Also which processes of this machine talk to each other; kept in the file. In front of a name: ~ not seen "
              "when it connected, but found later or listening there; ? one of several.")
@click.option("-q", "--quiet", is_flag=True, help="Capture only: no rows.")
@click.option("-s", "--snaplen", metavar="BYTES", type=click.IntRange(min=64, max=262_144),
              help="Capture no more than this of a packet.")
@click.option("--no-promiscuous", is_flag=True, help="Leave the interfaces in the mode they are in.")
@click.option("--direction", type=click.Choice(DIRECTIONS), default="both", help="Only packets that come in or go out.")
def command(interfaces: tuple[str, ...], words: tuple[str, ...], path: str | None, seconds: float | None,
            count: int | None, size: str | None, ring: str | None, expression: str | None, packets: bool, flows: bool,
            processes: bool, name: str | None, rows_path: str | None, quiet: bool, snaplen: int | None, no_promiscuous: bool,
            direction: str) -> int:
    """Capture on an interface and show what happens as it happens.

    Ctrl-C or q ends it in order. The filter is libpcap's: sniff live -i eth0 tcp port 80
    """
    view = view_of(name, rows_path, packets, expression, flows)
    if processes:
        with suppress(UsageError) if path is not None else nullcontext():       # what is not shown is kept all the same
            view = with_processes(view)
    if ring is not None and path in (None, "-"):
        raise UsageError("--ring needs a name for its files: -w NAME.pcapng")
    if quiet and path is None:
        raise UsageError("--quiet without -w FILE would capture for nobody")
    wanted = Wanted(interfaces, " ".join(words), path, parse_rotation(ring) if ring else Rotation(), count or 0,
                    seconds or 0.0, parse_size(size) if size else 0, snaplen or 0, not no_promiscuous, direction)
    if not hasattr(os, "fork"):
        raise MissingTool("live capture is not there for this system yet; capture with dumpcap -w FILE and run: "
                          "sniff analyze --follow FILE")
    if path == "-" and sys.stdout.isatty():
        raise UsageError("standard output is a terminal; pipe it into something that reads pcapng, or name a file")
    tap = open_tap(wanted, _say) if processes else None
    source = open_source(wanted)
    watcher = Watching(tap, source, _say) if tap else None
    if quiet or path == "-":
        return _record(wanted, source, None, 0, watcher)
    ours, theirs = socket.socketpair()
    sys.stdout.flush()
    parent = os.getpid()
    with Keyboard(sys.stdout.isatty() and view.path in (None, "-")):
        child = os.fork()
        if child:
            theirs.close()
            return _record(wanted, source, Teller(ours), child, watcher)
        for number in (signal.SIGINT, signal.SIGHUP):     # the capture gets them too, and says when it is over
            signal.signal(number, signal.SIG_IGN)
        ours.close()
        source.close()
        if watcher:
            watcher.forget()
        return _analyse(theirs, view, path, parent)


# --- the process that captures ------------------------------------------------------------------------------------------

class _Child:
    """The analysing process, as the capturing one sees it.

    status  its exit status once it has ended, negative for a signal; None before
    """

    def __init__(self, number: int) -> None:
        self.status: int | None = None
        self._number = number

    def look(self, wait: bool = False) -> int | None:
        """Its status, if it has ended."""
        if self._number and self.status is None:
            try:
                done, status = os.waitpid(self._number, 0 if wait else os.WNOHANG)
            except ChildProcessError:
                done, status = self._number, 0
            if done:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status

    def kill(self) -> None:
        """End it now."""
        if self._number and self.status is None:
            os.kill(self._number, signal.SIGKILL)


def _record(wanted: Wanted, source: PacketSource, teller: Teller | None, number: int, watcher: Watching | None) -> int:
    child = _Child(number)
    named = wanted.path is not None
    folder = [str(Path(wanted.path).absolute().parent)] if wanted.path and wanted.path != "-" else []
    caught: list[int] = []
    failure: SniffError | None = None
    why = ""
    recorder: Recorder | None = None

    def stop(number: int, frame: FrameType | None) -> None:
        if caught and number == signal.SIGINT:
            child.kill()
        caught.append(number)
        if recorder is not None:
            recorder.stop()

    def child_ended(number: int, frame: FrameType | None) -> None:
        status = child.look()
        if status is None or recorder is None or caught:
            return
        if status == 0 or not named:
            recorder.stop()
        elif status < 0:
            _say(f"the analysis was ended by {signal.Signals(-status).name}; the capture goes on until Ctrl-C")
        else:
            _say("the analysis has ended; the capture goes on until Ctrl-C")

    for handled in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(handled, stop)
    signal.signal(signal.SIGCHLD, child_ended)
    try:
        privileges.drop(folder)
        begun = partial(_say, f"capturing on {', '.join(wanted.interfaces)}; Ctrl-C ends it")
        if teller is None:
            recorder = Recorder(wanted, source, begun=begun)
        else:
            recorder = _told(wanted, source, teller, begun)
        if watcher is not None:
            watcher.attach(recorder)
        if caught:
            recorder.stop()
        child_ended(0, None)
        why = recorder.run()
    except SniffError as error:
        failure = error
    except BrokenPipeError:     # of standard output: -w -
        pass
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if watcher is not None:
        watcher.end()
    standing = recorder.standing if recorder is not None else Standing()
    if teller is not None:
        if recorder is None:
            child.kill()
        teller.end(standing)
    status = child.look(wait=bool(number)) or 0
    if failure is not None:
        if recorder is not None:
            _say(_figures(standing, wanted))
        raise failure
    _say(_figures(standing, wanted))
    if why:
        raise InputError(f"{', '.join(wanted.interfaces)}: {why}; the capture ended there")
    if status < 0 and not named:
        raise SniffError(f"the analysis was ended by {signal.Signals(-status).name}")
    return status if status > 0 else 1 if status < 0 else 0


def _told(wanted: Wanted, source: PacketSource, teller: Teller, begun: Callable[[], None]) -> Recorder:
    """A recorder that tells the other process how things stand, and keeps the names that it learns."""
    def named(address: str, name: str) -> None:
        with suppress(ValueError):
            recorder.keep_name(address, name)

    def ending() -> None:
        teller.end(recorder.standing)
        if wanted.path is not None:
            teller.wait(NAMES_S)

    recorder = Recorder(wanted, source, tell=teller.tell, opened=teller.opened, begun=begun, ending=ending)
    teller.named = named
    recorder.hear(teller.descriptor, teller.hear)
    return recorder


def _figures(standing: Standing, wanted: Wanted) -> str:
    """What the capture came to, in one line."""
    written = f", written to {wanted.path}" if wanted.path not in (None, "-") else ""
    return (f"{standing.packets:,} packet{'' if standing.packets == 1 else 's'} captured, "
            f"{standing.dropped:,} dropped by the kernel{written}")


def _say(line: str) -> None:
    with suppress(OSError, ValueError):     # nobody is there to read it
        print(f"sniff: {line}", file=sys.stderr, flush=True)


# --- the process that analyses ------------------------------------------------------------------------------------------

def _analyse(end: socket.socket, view: View, path: str | None, parent: int) -> int:
    output = Output(view.path, inputs=[path] if path else [])
    privileges.drop([str(view.folder.absolute().parent)] if view.folder else [])
    from sniff.capture.growing import GrowingStore
    from sniff.exchange.seen import NamesSeen
    store = GrowingStore(path or "the capture")
    listener = Listener(end, store)
    names = NamesSeen()
    analysis = view.analysis([store], follow=True)
    with output, closing(analysis.source) as source:
        summary = view.summary(analysis, one=True)

        def figures() -> tuple[Standing, int, int, int, int]:
            standing = listener.standing
            behind = standing.last_ns - (summary.last_ns or standing.last_ns) if store.size > store.position else 0
            return (standing, summary.tcp_flows + summary.udp_flows, summary.http.requests, summary.http.errors,
                    max(0, behind))

        screen = Screen(output, figures, partial(_ask_to_end, parent)) if output.is_terminal else None
        try:
            view.show(analysis, screen or output, summary, seen=lambda step: listener.name(names.add(step.apps)) if path else None)
            listener.done()
        finally:
            if screen:
                screen.close()
        if not listener.ended:
            raise InputError("the capture ended unexpectedly; what it had written was read to its end")
        if source.damage:
            raise InputError(str(source.damage))
    return 0


def _ask_to_end(parent: int) -> None:
    if os.getppid() == parent:
        os.kill(parent, signal.SIGINT)

