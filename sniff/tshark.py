"""tshark's rows of a capture, as a second opinion or for protocols that sniff does not decode.

pyshark finds the program and says how it is called; the rows are read here, as text with tabs, because pyshark makes an object
of every packet and takes fifty times as long. Whoever uses this gets tshark's defaults, not what a user set in Wireshark.
"""

import os
import queue
import select
import struct
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import IO, Any

from sniff.capture.raw import Interface, RawBatch
from sniff.capture.writer import PcapngWriter
from sniff.errors import MissingTool

Cells = list[str]
"""No., Time, Source, Destination, Protocol, Length, Info."""

PATIENCE_S = 120.0
"""tshark is given up when it says nothing for so long although it has packets to speak of."""

LONGEST_PACKET = 262_144
"""tshark takes no longer packets (WTAP_MAX_PACKET_SIZE_STANDARD); of those it gets their beginning."""

_READ_BYTES = 1 << 18
_ARROW = "→"
_CHATTER = ("Running as user", "This could be dangerous")
_EPB = struct.Struct("<IIIIIII")


def find_tshark(path: str | None = None) -> str:
    """The path of tshark, looked for as pyshark does: its configuration, `path`, the usual places. Raises MissingTool."""
    tshark = _pyshark("pyshark.tshark.tshark")
    try:
        found: str = tshark.get_process_path(path)
    except tshark.TSharkNotFoundException:
        raise MissingTool("tshark is not installed, or not on the PATH; it is part of Wireshark (apt install tshark)") from None
    return found


def tshark_version(path: str | None = None) -> str:
    """`4.0.17`; raises MissingTool when there is no tshark, or none that can say."""
    tshark = _pyshark("pyshark.tshark.tshark")
    found = find_tshark(path)
    try:
        return str(tshark.get_tshark_version(path))
    except (OSError, subprocess.SubprocessError, tshark.TSharkVersionException, IndexError, UnicodeDecodeError):
        raise MissingTool(f"{found}: does not run, or is no tshark") from None


def _pyshark(module: str) -> Any:
    """A module of pyshark. Raises MissingTool when it is not installed."""
    from importlib import import_module
    try:
        return import_module(module)
    except ImportError:
        raise MissingTool("pyshark is not installed; pip install pyshark") from None


def _command(path: str | None, capture: str | None) -> list[str]:
    """How tshark is called: for a capture file, or for packets on its standard input."""
    options: dict[str, Any] = {
        "only_summaries": True, "tshark_path": path, "eventloop": object()}  # nothing is run in a loop: it is only asked
    if capture is None:
        made = _pyshark("pyshark.capture.capture").Capture(custom_parameters=["-l", "-r", "-"], **options)
    else:
        made = _pyshark("pyshark.capture.file_capture").FileCapture(os.path.abspath(capture), keep_packets=False,  # noqa: PTH100
                                                                    **options)
    return [find_tshark(path), "-n", "-T", "tabs", *made.get_parameters()]


def read_cells(line: bytes) -> Cells | None:
    """The cells of one line that tshark printed, without its padding and its arrow; None when it is no row."""
    cells = line.decode("utf-8", "replace").split("\t", 7)
    if len(cells) == 8 and cells[3] == _ARROW:
        del cells[3]
    elif len(cells) == 8:
        cells[6:] = ["\t".join(cells[6:])]
    if len(cells) != 7:
        return None
    row = [*map(str.strip, cells[:6]), cells[6]]
    return row if row[0].isdecimal() else None


class Tshark:
    """A tshark that is running. Iterate it for its rows, in their order; it ends with the last one.

    capture  the file that it reads; None: it reads the packets that `feed` hands it
    path     where tshark is, when pyshark is not to look for it

    words    once it has ended: what it said about that, in one line, "" when all was well
    Raises MissingTool when there is no tshark or no pyshark.
    """

    def __init__(self, capture: str | None = None, path: str | None = None) -> None:
        command = _command(path, capture)
        self.words = ""
        self._settings = tempfile.TemporaryDirectory(prefix="sniff-tshark-")
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  (closed by close)
        self._rest = b""
        self._lines: list[bytes] = []
        self._at = 0
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE if capture is None else subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=self._errors, env={**os.environ, "WIRESHARK_CONFIG_DIR": self._settings.name})
        except OSError as error:
            self._settings.cleanup()
            raise MissingTool(f"{command[0]}: cannot be run: {error.strerror}") from None
        assert self._process.stdout is not None
        self._output = self._process.stdout.fileno()
        self._feeder = _Feeder(self._process.stdin) if self._process.stdin is not None else None
        self.ended = False

    def __iter__(self) -> Iterator[Cells]:
        while (row := self.next_row()) is not None:
            yield row

    def next_row(self) -> Cells | None:
        """The next row; None when there is none any more."""
        while True:
            while self._at < len(self._lines):
                row = read_cells(self._lines[self._at])
                self._at += 1
                if row is not None:
                    return row
            if self.ended:
                return None
            self._read()

    def feed(self, raw: RawBatch, interfaces: Sequence[Interface]) -> None:
        """Hand it the packets of one batch. They are written while somebody else reads rows."""
        if self._feeder is not None:
            self._feeder.put(raw, interfaces)

    def close(self) -> None:
        """End it, if it has not ended."""
        self.ended = True
        with suppress(OSError):
            self._process.kill()
        if self._feeder is not None:
            self._feeder.stop()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()
        self._settings.cleanup()

    def __enter__(self) -> "Tshark":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _read(self) -> None:
        """Take what it has printed, or its end."""
        if not select.select([self._output], [], [], PATIENCE_S)[0]:
            self.words, self.ended = f"it said nothing for {PATIENCE_S:.0f} seconds", True
            return
        data = os.read(self._output, _READ_BYTES)
        if data:
            *self._lines, self._rest = (self._rest + data).split(b"\n")
            self._at = 0
            return
        self.ended = True
        self._lines, self._at = [self._rest], 0
        status = self._process.wait()
        self._errors.seek(0)
        said = [line.strip().removeprefix("tshark: ") for line in self._errors.read(1 << 16).decode("utf-8", "replace").splitlines()]
        self.words = " ".join(line for line in said if line and not line.startswith(_CHATTER))
        if status and not self.words:
            self.words = f"it ended with status {status}" if status > 0 else f"it was ended by signal {-status}"


class _Feeder:
    """Writes packets into a pipe, as pcapng, in a thread of its own."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._waiting: queue.Queue[tuple[RawBatch | None, Sequence[Interface]]] = queue.Queue(2)
        self._stopped = threading.Event()
        self._known = 0
        self._thread = threading.Thread(target=self._run, name="sniff-tshark", daemon=True)
        self._thread.start()

    def put(self, raw: RawBatch | None, interfaces: Sequence[Interface]) -> None:
        """The next packets; None: there are no more."""
        while not self._stopped.is_set():
            with suppress(queue.Full):
                self._waiting.put((raw, interfaces), timeout=0.1)
                return

    def stop(self) -> None:
        """Nobody reads any more."""
        self._stopped.set()
        self._thread.join(5)

    def _run(self) -> None:
        try:
            writer = PcapngWriter(_Whole(self._pipe))
            while not self._stopped.is_set():
                try:
                    raw, interfaces = self._waiting.get(timeout=0.1)
                except queue.Empty:
                    continue
                if raw is None:
                    break
                for interface in interfaces[self._known:]:
                    writer.interface(interface.link_type, fcs_len=interface.fcs_len)
                    self._known += 1
                for block in blocks_of(raw):
                    self._pipe.write(block)
                self._pipe.flush()
        except (OSError, ValueError):
            pass        # tshark has gone away: its end says why
        finally:
            self._stopped.set()
            with suppress(OSError, ValueError):
                self._pipe.close()


class _Whole:
    """A file whose writes are whole."""

    def __init__(self, file: IO[bytes]) -> None:
        self.write = file.write


def blocks_of(raw: RawBatch) -> Iterator[bytes]:
    """The packets of a batch as enhanced packet blocks, some hundred at a time; time stamps count nanoseconds."""
    data = raw.data.data
    columns = (raw.start, raw.caplen, raw.wirelen, raw.ts_ns, raw.interface)
    gathered: list[bytes | memoryview] = []
    size = 0
    for start, caplen, wirelen, ts_ns, interface in zip(*(column.tolist() for column in columns), strict=True):
        kept = min(caplen, LONGEST_PACKET)
        padding = -kept % 4
        total = 32 + kept + padding
        stamp = ts_ns & 0xFFFFFFFF_FFFFFFFF
        gathered += (_EPB.pack(6, total, interface, stamp >> 32, stamp & 0xFFFFFFFF, kept, wirelen & 0xFFFFFFFF),
                     data[start:start + kept], bytes(padding) + total.to_bytes(4, "little"))
        size += total
        if size >= 1 << 16:
            yield b"".join(gathered)
            gathered, size = [], 0
    if gathered:
        yield b"".join(gathered)
