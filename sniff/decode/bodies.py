"""Bodies as streams: the bytes of every body that somebody wants, decoded, handed to a sink while they arrive.

The framing machine says where the bytes are (AppBatch.begun and .bodies); here their codings are undone. Nothing is kept but
the state of decoders, and of those at most limits.DECODERS_BYTES: the largest is given up first.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from sniff import limits
from sniff.decode import columns as c
from sniff.decode.batch import AppBatch
from sniff.decode.body import BodyDecoder, Problem
from sniff.decode.columns import BodyPart
from sniff.decode.message import Message, message_at
from sniff.notes import Code, Notes


@dataclass(slots=True)
class BodyInfo:
    """What is known of a body besides its bytes.

    message   its message; while the body is open as it stood when its head was whole
    length    bytes given out: decoded, without what is missing
    wire      bytes of it that were captured, codings not undone
    holes     [(offset among the bytes given out, bytes missing)]
    problems  what was strange about its codings
    lost      bytes after a hole that could not be decoded without it
    ended     the message is over
    """

    message: Message
    length: int = 0
    wire: int = 0
    holes: list[tuple[int, int]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    lost: int = 0
    ended: bool = False

    @property
    def missing(self) -> int:
        """Bytes that were not captured."""
        return sum(length for _, length in self.holes)

    @property
    def capped(self) -> bool:
        """It was cut at the cap."""
        return any(problem.code == Code.BODY_CAPPED for problem in self.problems)

    @property
    def complete(self) -> bool:
        """All of it was seen and decoded."""
        return self.message.complete and not self.holes and not self.lost and not self.capped \
            and not any("early" in problem.detail or "damaged" in problem.detail for problem in self.problems)


class Sink(Protocol):
    """Where the bytes of one body go."""

    def data(self, piece: bytes) -> None:
        """The next decoded bytes."""

    def hole(self, length: int) -> None:
        """So many bytes are missing here."""

    def end(self, info: BodyInfo) -> None:
        """The body is over."""


class _Open:
    """One body that is arriving."""

    __slots__ = ("decoder", "info", "memory", "sink")

    def __init__(self, info: BodyInfo, decoder: BodyDecoder, sink: Sink) -> None:
        self.info = info
        self.decoder = decoder
        self.sink = sink
        self.memory = 0

    def feed(self, data: bytes) -> None:
        info = self.info
        info.wire += len(data)
        if info.holes and self.decoder.coded:
            info.lost += len(data)
            return
        for piece in self.decoder.pieces(data):
            info.length += len(piece)
            self.sink.data(piece)

    def skip(self, length: int) -> None:
        info = self.info
        if self.decoder.coded and not info.holes:
            self.flush()
        if info.holes and info.holes[-1][0] == info.length:
            info.holes[-1] = (info.length, info.holes[-1][1] + length)
        else:
            info.holes.append((info.length, length))
        self.sink.hole(length)

    def flush(self) -> None:
        rest = self.decoder.finish()
        if rest:
            self.info.length += len(rest)
            self.sink.data(rest)

    def close(self, message: Message | None) -> None:
        info = self.info
        if message is not None:
            info.message = message
            info.ended = True
        if not (info.holes and self.decoder.coded):
            self.flush()
        info.problems = self.decoder.problems
        self.sink.end(info)


_ENDLESS = 1 << 62
_AT_ONCE = 16_384
"""Parts turned into Python's integers at once: a batch of tiny chunks has a million."""
_GATHERED = 64 << 10
"""Of these, the parts of one body are fed together, up to so many bytes: a call for each would cost more than what is done with it,
and sinks that keep what they get would keep an object for each."""


class _Waiting:
    """Parts of one body that were not fed yet."""

    __slots__ = ("parts", "size")

    def __init__(self) -> None:
        self.parts: list[memoryview] = []
        self.size = 0


class BodyCollector:
    """Reads the bodies of a capture, batch by batch.

    choose  called with each message that has a body, when its head is whole: the sink for its bytes, or None
    decode  undo content codings; False gives out the bytes as they were sent (chunk framing is removed either way)
    cap     most decoded bytes of a compressed body; what is not compressed cannot be a bomb
    """

    def __init__(self, choose: Callable[[Message], Sink | None], *, decode: bool = True, cap: int = limits.BODY_BYTES,
                 notes: Notes | None = None, counters: limits.Counters | None = None) -> None:
        self._choose = choose
        self._decode = decode
        self._cap = cap
        self._notes = notes
        self._counters = counters if counters is not None else limits.Counters()
        self._open: dict[int, _Open] = {}
        self._memory = 0

    def __len__(self) -> int:
        """Bodies that are open."""
        return len(self._open)

    def add(self, batch: AppBatch) -> None:
        """Take the parts of bodies that one batch brought."""
        for first in range(0, batch.bodies.shape[1], _AT_ONCE):
            self._parts(batch, batch.bodies[:, first:first + _AT_ONCE].T.tolist())
        if self._open and batch.messages.shape[1]:
            for index, number in enumerate(batch.messages[c.M_ID].tolist()):
                body = self._open.pop(number, None)
                if body is not None:
                    self._close(body, message_at(batch, index, batch.messages))

    def _parts(self, batch: AppBatch, parts: list[list[int]]) -> None:
        buffers = (batch.streams.packets.data.data, batch.streams.held.data)
        waiting: dict[int, _Waiting] = {}
        for number, kind, buffer, start, length in parts:
            if kind == BodyPart.DATA:
                gathered = waiting.get(number)
                if gathered is None:
                    if number not in self._open:
                        continue
                    gathered = waiting[number] = _Waiting()
                gathered.parts.append(buffers[buffer][start:start + length])
                gathered.size += length
                if gathered.size >= _GATHERED:
                    self._feed(number, gathered)
            elif kind == BodyPart.HEAD:
                self._begin(number, message_at(batch, start, batch.begun))
            elif number in self._open:
                if number in waiting:
                    self._feed(number, waiting[number])
                body = self._open[number]
                body.skip(length)
                if body.decoder.coded:
                    self._weigh(number, body)
        for number, gathered in waiting.items():
            self._feed(number, gathered)

    def _feed(self, number: int, gathered: _Waiting) -> None:
        """Give a body what waits for it."""
        body = self._open.get(number)
        if body is not None and gathered.parts:
            body.feed(b"".join(gathered.parts))
            if body.decoder.coded:
                self._weigh(number, body)
        gathered.parts.clear()
        gathered.size = 0

    def finish(self) -> None:
        """The capture is over: close what is still open."""
        for body in self._open.values():
            self._close(body, None)
        self._open.clear()

    def _begin(self, number: int, message: Message) -> None:
        sink = self._choose(message)
        if sink is not None:
            codings = message.codings if self._decode else ()
            decoder = BodyDecoder(codings, self._cap if codings else _ENDLESS)
            self._open[number] = _Open(BodyInfo(message), decoder, sink)

    def _weigh(self, number: int, body: _Open) -> None:
        """Keep the memory of all decoders below the cap."""
        now = body.decoder.memory
        self._memory += now - body.memory
        body.memory = now
        while self._memory > limits.DECODERS_BYTES and self._open:
            largest = max(self._open, key=lambda key: self._open[key].memory)
            self._counters.bodies_cut += 1
            self._close(self._open.pop(largest), None)

    def _close(self, body: _Open, message: Message | None) -> None:
        self._memory -= body.memory
        body.close(message)
        if self._notes is not None:
            for problem in body.info.problems:
                self._notes.add(problem.code, body.info.message.last_packet or body.info.message.head_packet,
                                body.info.message.store_offset, had=problem.had, detail=problem.detail)
        if body.info.capped:
            self._counters.bodies_cut += 1


class Digest:
    """A sink that keeps what logs say of a body: its length, its first bytes, its hashes.

    prefix  first decoded bytes, up to limits.SNIFF_BYTES
    last    the last decoded byte, empty without any
    """

    __slots__ = ("_hashes", "info", "last", "prefix")

    def __init__(self, hashes: tuple[str, ...] = ()) -> None:
        self.prefix = b""
        self.last = b""
        self.info: BodyInfo | None = None
        self._hashes = {name: hashlib.new(name, usedforsecurity=False) for name in hashes}

    def data(self, piece: bytes) -> None:
        if len(self.prefix) < limits.SNIFF_BYTES:
            self.prefix += piece[:limits.SNIFF_BYTES - len(self.prefix)]
        self.last = piece[-1:] or self.last
        for value in self._hashes.values():
            value.update(piece)

    def hole(self, length: int) -> None:
        pass

    def end(self, info: BodyInfo) -> None:
        self.info = info

    def hash(self, name: str) -> str:
        """A hash of the bytes given out, as hexadecimal text; empty when it was not asked for."""
        return self._hashes[name].hexdigest() if name in self._hashes else ""
