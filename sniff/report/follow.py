"""One stream as text, as a hex dump, as bytes, or as JSON lines. Chunks in, pieces of output out; nothing is printed here."""

import base64
import codecs
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Protocol

from sniff.errors import SniffError
from sniff.report.flow import Flow
from sniff.report.message import printable

SIDES = ("client", "server")


class ChunkLike(Protocol):
    """What is drawn: see sniff.streams.Chunk."""

    @property
    def direction(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def data(self) -> bytes: ...
    @property
    def gap(self) -> int: ...
    @property
    def packet(self) -> int: ...
    @property
    def ts_ns(self) -> int: ...


Paint = Callable[[str, int], str]
"""Gives a text the colour of a direction."""


def plain(text: str, direction: int) -> str:
    """No colour."""
    return text


def hole(chunk: ChunkLike) -> str:
    """The words for a hole."""
    return f"[{chunk.gap:,} byte{'s' * (chunk.gap != 1)} not captured]"


def as_text(chunks: Iterable[ChunkLike], paint: Paint = plain) -> Iterator[bytes]:
    """What both ends said, in order, as UTF-8. Controls that could do something to a terminal are written as escapes.

    A hole is a line of its own.
    """
    decoders = [codecs.getincrementaldecoder("utf-8")("backslashreplace") for _ in SIDES]
    fresh = True
    for chunk in chunks:
        if chunk.gap:
            decoders[chunk.direction].reset()
            text = ("" if fresh else "\n") + hole(chunk) + "\n"
        else:
            text = printable(decoders[chunk.direction].decode(chunk.data).replace("\r\n", "\n"))
        if text:
            fresh = text.endswith("\n")
            yield paint(text, chunk.direction).encode("utf-8", "backslashreplace")
    if not fresh:
        yield b"\n"


def as_hex(chunks: Iterable[ChunkLike], paint: Paint = plain) -> Iterator[bytes]:
    """A hex dump: stream offset, 16 bytes, the same as ASCII. The server's lines stand further right, as in Wireshark."""
    for chunk in chunks:
        indent = "    " * chunk.direction
        if chunk.gap:
            lines = [f"{indent}{chunk.offset:08x}  {hole(chunk)}"]
        else:
            lines = [indent + _hex_line(chunk.offset + at, chunk.data[at:at + 16]) for at in range(0, len(chunk.data), 16)]
        yield (paint("\n".join(lines), chunk.direction) + "\n").encode()


def _hex_line(offset: int, data: bytes) -> str:
    first, second = data[:8].hex(" "), data[8:].hex(" ")
    letters = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in data)
    return f"{offset:08x}  {first:<23}  {second:<23}  {letters}"


def as_raw(chunks: Iterable[ChunkLike], paint: Paint = plain) -> Iterator[bytes]:
    """The bytes, nothing else; of a hole nothing."""
    for chunk in chunks:
        if chunk.data:
            yield chunk.data


def as_json(chunks: Iterable[ChunkLike], paint: Paint = plain) -> Iterator[bytes]:
    """One object a line and chunk: who spoke, where in its stream, in which packet, when, and the bytes in Base64."""
    for chunk in chunks:
        row: dict[str, object] = {"from": SIDES[chunk.direction], "offset": chunk.offset, "packet": chunk.packet,
                                  "ts": chunk.ts_ns / 1e9}
        if chunk.gap:
            row["gap"] = chunk.gap
        else:
            row |= {"length": len(chunk.data), "data": base64.b64encode(chunk.data).decode()}
        yield json.dumps(row, separators=(",", ":")).encode() + b"\n"


FORMATS: dict[str, Callable[[Iterable[ChunkLike], Paint], Iterator[bytes]]] = {
    "text": as_text, "hex": as_hex, "raw": as_raw, "json": as_json}
"""By name."""


class SideFiles:
    """Writes the two sides of a stream into two files of a folder. A hole is a hole in the file, so that offsets are right."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.written: dict[Path, int] = {}
        self.missing = 0
        self._files: dict[int, IO[bytes]] = {}

    def write(self, flow: Flow, chunk: ChunkLike) -> None:
        """Write one chunk."""
        file = self._file(flow, chunk.direction)
        try:
            if chunk.gap:
                self.missing += chunk.gap
                file.truncate(chunk.offset + chunk.gap)
            else:
                file.seek(chunk.offset)
                file.write(chunk.data)
                self.written[Path(file.name)] += len(chunk.data)
        except OSError as error:
            raise SniffError(f"{file.name}: cannot be written: {error.strerror}") from None

    def close(self) -> None:
        """Close both files."""
        for file in self._files.values():
            file.close()

    def _file(self, flow: Flow, direction: int) -> IO[bytes]:
        if direction not in self._files:
            ends = [f"{address}.{port}" for address, port in zip(flow.addresses, flow.ports, strict=True)]
            name = f"{flow.protocol_name.lower()}-{flow.stream}-{ends[direction]}-{ends[1 - direction]}.bin"
            path = self.folder / re.sub(r"[^0-9A-Za-z.\-]", "_", name)
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._files[direction] = path.open("xb")
            except FileExistsError:
                raise SniffError(f"{path}: is there already; nothing is overwritten") from None
            except OSError as error:
                raise SniffError(f"{path}: cannot be written: {error.strerror}") from None
            self.written[path] = 0
        return self._files[direction]
