"""Bodies as files: every object that HTTP carried, under a name that can do no harm, and a manifest of them.

Bytes are written as they arrive, decoded, under a name of ours; the file gets its own name when the exchange is complete and
the URL known. Nothing is ever overwritten and nothing leaves the folder: names come from media.safe_name, a file is created
only where there is none (a link counts as one).
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from sniff import limits
from sniff.decode import media
from sniff.decode.batch import AppBatch
from sniff.decode.bodies import BodyCollector, BodyInfo, Sink
from sniff.decode.message import Message
from sniff.errors import SniffError
from sniff.exchange.http import Exchange
from sniff.exchange.stage import Joiner
from sniff.notes import Notes
from sniff.report.secret_urls import masked_url

MANIFEST = "manifest.json"
_TRIES = 100_000


class _Object:
    """A sink that writes one body to a file. Small parts are gathered; the file is open only while it is written to."""

    def __init__(self, store: "ObjectStore", number: int) -> None:
        self.info: BodyInfo | None = None
        self.prefix = b""
        self.length = 0
        self.gathered: list[bytes] = []
        self.size = 0
        self._store = store
        self.path = store.folder / f".sniff-{os.getpid()}-{number}.part"
        self.created = False
        self._hash = hashlib.sha256()

    def data(self, piece: bytes) -> None:
        """The next bytes."""
        if len(self.prefix) < limits.SNIFF_BYTES:
            self.prefix += piece[:limits.SNIFF_BYTES - len(self.prefix)]
        self._hash.update(piece)
        self.length += len(piece)
        self.gathered.append(piece)
        self.size += len(piece)
        self._store.gather(self, len(piece))

    def hole(self, length: int) -> None:
        """Missing bytes are not filled: the manifest says where they are missing."""

    def end(self, info: BodyInfo) -> None:
        """The body is over."""
        self.info = info

    def write(self) -> None:
        """Append what was gathered to the file."""
        flags = os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(self.path, flags if self.created else flags | os.O_CREAT | os.O_EXCL, 0o644)
        self.created = True
        try:
            for piece in self.gathered:
                view = memoryview(piece)
                while len(view):
                    view = view[os.write(descriptor, view):]
        finally:
            os.close(descriptor)
        self.gathered, self.size = [], 0

    @property
    def sha256(self) -> str:
        """Of the bytes in the file."""
        return self._hash.hexdigest()

    def remove(self) -> None:
        """Nobody wants it."""
        if self.created:
            self.path.unlink(missing_ok=True)


@dataclass(slots=True)
class ObjectStore:
    """A folder that objects are written to.

    folder   made when it is not there
    written  objects so far
    bytes    their size together
    """

    folder: Path
    written: int = 0
    bytes: int = 0
    _pending: dict[int, _Object] = field(default_factory=dict)
    _gathered: int = 0
    _manifest: Any = None
    _taken: dict[str, int] = field(default_factory=dict)    # the number to try next, by wanted name

    def __post_init__(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # The manifest is made first: a folder that already has one belongs to another export
            self._manifest = (self.folder / MANIFEST).open("x", encoding="ascii")
        except FileExistsError:
            what = f"has a {MANIFEST} already" if self.folder.is_dir() else "is there and is no folder"
            raise SniffError(f"{self.folder}: {what}; name another folder") from None
        except OSError as error:
            raise SniffError(f"{self.folder}: cannot be written: {error.strerror}") from None
        self._manifest.write("[")

    def open(self, message: Message) -> _Object:
        """A sink for the body of a message."""
        found = self._pending[message.id] = _Object(self, message.id)
        return found

    def gather(self, sink: _Object, length: int) -> None:
        """Count bytes that wait to be written; write when they are many."""
        self._gathered += length
        if sink.size >= limits.OBJECT_GATHER_BYTES:
            self._gathered -= sink.size
            sink.write()
        elif self._gathered >= limits.OBJECTS_GATHER_BYTES:
            for one in self._pending.values():
                if one.size:
                    one.write()
            self._gathered = 0

    def keep(self, exchange: Exchange, message: Message, secrets: bool) -> None:
        """The exchange is known: give the body of one of its messages a name, and write it down."""
        sink = self._pending.pop(message.id, None)
        if sink is None or sink.info is None:
            return
        self._gathered -= sink.size
        if not sink.length and not sink.info.missing:
            return
        sink.write()
        media_type = media.of_body(message.media_type, sink.prefix)
        name = self._place(sink.path, _name(exchange, message, media_type))
        entry = _entry(exchange, message, sink, name, media_type, secrets)
        self._manifest.write(("," if self.written else "") + "\n" + json.dumps(entry))
        self.written += 1
        self.bytes += sink.length

    def _place(self, temporary: Path, wanted: str) -> str:
        """Give the file its name, or the next free one like it."""
        stem, dot, ending = wanted.rpartition(".")
        for number in range(self._taken.get(wanted, 1), _TRIES):
            name = wanted if number == 1 else f"{stem}-{number}{dot}{ending}" if stem else f"{wanted}-{number}"
            if name.lower() == MANIFEST:
                continue
            try:
                # The name is taken first, by an empty file that is ours; then the full one replaces it
                os.close(os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
            except FileExistsError:
                continue
            temporary.replace(self.folder / name)
            self._taken[wanted] = number + 1
            return name
        raise SniffError(f"{self.folder}: there is no free name like {wanted}")

    def close(self) -> None:
        """End the manifest, remove what belongs to no exchange."""
        for sink in self._pending.values():
            sink.remove()
        self._pending.clear()
        self._manifest.write("\n]\n")
        self._manifest.close()


def _name(exchange: Exchange, message: Message, media_type: str) -> str:
    """A name for a body: the one the peer gave it, or the last part of the URL's path, with an extension that fits."""
    request = exchange.request
    target = request.target.partition(b"?")[0].decode("utf-8", "replace") if request is not None else ""
    path = target.partition("://")[2].partition("/")[2] if "://" in target[:12] else target
    name = media.safe_name(message.file_name) or media.safe_name(unquote(path.rstrip("/").rpartition("/")[2]))
    ending = media.extension(media_type)
    if not message.is_response and not message.file_name:
        name = f"request-{name}" if name else "request"
    if not name:
        name = "index" if ending == "html" else "object"
    stem, dot, last = name.rpartition(".")
    if not dot or not stem or not last.isalnum() or len(last) > 8:
        name = f"{name}.{ending}"
    return name


def _entry(exchange: Exchange, message: Message, sink: _Object, name: str, media_type: str, secrets: bool) -> dict[str, Any]:
    """What the manifest says of a file."""
    info = sink.info
    assert info is not None
    request = exchange.request
    entry: dict[str, Any] = {
        "file": name, "url": masked_url(exchange.url(secrets), secrets),
        "method": request.method.decode("latin-1") if request is not None else None,
        "direction": "response" if message.is_response else "request", "status": exchange.status or None,
        "type": media_type, "claimed_type": message.media_type or None, "content_type": media.from_content(sink.prefix) or None,
        "size": sink.length, "encoded_size": info.wire, "sha256": sink.sha256, "complete": info.complete,
        "packets": [message.first_packet, message.last_packet], "stream": message.stream,
        "client": f"{exchange.connection.client}:{exchange.connection.client_port}",
        "server": f"{exchange.connection.server}:{exchange.connection.server_port}"}
    if info.holes:
        entry["holes"] = info.holes
        entry["missing"] = info.missing
    if info.problems:
        entry["problems"] = [problem.detail for problem in info.problems]
    if exchange.inferred:
        entry["inferred"] = True
    return entry


class ObjectExporter:
    """Writes the objects of a capture, batch by batch. Needs batches with bodies (Analysis(bodies=True)).

    wanted  which messages: called with each that has a body, when its head is whole
    """

    def __init__(self, folder: Path, notes: Notes | None = None, counters: limits.Counters | None = None, *, secrets: bool = False,
                 wanted: Callable[[Message], bool] = lambda message: True) -> None:
        self.store = ObjectStore(folder)
        self._secrets = secrets

        def sink(message: Message) -> Sink | None:
            return self.store.open(message) if wanted(message) else None

        self._joiner = Joiner(notes, counters, sink, limits.BODY_BYTES)
        self._collector = BodyCollector(sink, notes=self._joiner.notes, counters=self._joiner.counters)

    def add(self, batch: AppBatch) -> None:
        """Take one batch."""
        self._collector.add(batch)
        self._keep(self._joiner.add(batch).http)

    def finish(self) -> None:
        """The capture is over: write what was still open, and end the manifest."""
        self._collector.finish()
        self._keep(self._joiner.finish().http)
        self.store.close()

    def _keep(self, exchanges: Iterable[Exchange]) -> None:
        for exchange in exchanges:
            for message in exchange.messages:
                self.store.keep(exchange, message, self._secrets)
