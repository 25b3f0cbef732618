"""Bodies: chunk framing removed and content codings undone, as a stream, with a cap.

Nothing here raises on its input. What cannot be decoded is given out up to the damage, or as it is when it was never
coded as claimed, and a problem says so. Browsers and their middle boxes are as lenient, and attackers count on it: a
`Content-Encoding: gzip` over plain text, raw deflate, `gzip, gzip` over one gzip are all read.

Source: RFC 9110 section 8.4, RFC 9112 section 7, RFC 1950 to 1952, RFC 7932 (br), RFC 8878 and RFC 9659 (zstd).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sniff import limits
from sniff.decode.codings import STEP, Stage, stage_for
from sniff.notes import Code

CODINGS = 8
"""Codings in a row that are undone; more are a waste of time on purpose (curl allows 5)."""


class Problem(NamedTuple):
    """Something strange about a body, to be made a note by whoever knows its packet."""

    code: Code
    detail: str
    had: int = -1


class BodyDecoder:
    """Undo the codings of one body.

    codings  as they were applied, first one first (Message.codings)
    cap      most bytes given out; what comes after is not even decompressed

    length    bytes given out so far
    problems  what was strange, at most one for each coding and one for the cap
    """

    def __init__(self, codings: Sequence[str], cap: int = limits.BODY_BYTES) -> None:
        self.length = 0
        self.capped = False
        self._cap = cap
        self._names = [str(name) for name in codings[-CODINGS:]][::-1]
        self._stages: list[Stage] = [stage_for(name) for name in self._names]
        self._handled = [0] * len(self._stages)
        self._extra = len(codings) > CODINGS

    @property
    def coded(self) -> bool:
        """There is something to undo: bytes after a hole mean nothing."""
        return bool(self._stages)

    @property
    def memory(self) -> int:
        """About how many bytes the decompressors hold."""
        return sum(stage.memory for stage in self._stages)

    @property
    def problems(self) -> list[Problem]:
        """What was strange so far."""
        found = [Problem(Code.BODY_UNDECODABLE, f"{name}: {stage.problem}")
                 for name, stage in zip(self._names, self._stages, strict=True) if stage.problem]
        if self._extra:
            found.append(Problem(Code.BODY_UNDECODABLE, f"more than {CODINGS} content codings"))
        if self.capped:
            found.append(Problem(Code.BODY_CAPPED, f"more than {self._cap} bytes when decoded", self._cap))
        return found

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Decoded bytes of the next part of the body, in pieces of bounded size: for those who write as they read."""
        if not self._stages:
            yield from self._limited([data])
            return
        for start in range(0, len(data), STEP):
            if self.capped:
                return
            yield from self._limited(self._through(0, [data[start:start + STEP]]))

    def feed(self, data: bytes) -> bytes:
        """Decoded bytes of the next part of the body."""
        return b"".join(self.pieces(data))

    def finish(self) -> bytes:
        """The last decoded bytes, when the body has ended."""
        return b"".join(self._limited(self._last()))

    def _last(self) -> Iterator[bytes]:
        for index, stage in enumerate(self._stages):
            if self.capped:
                return
            yield from self._through(index + 1, stage.finish())

    def _through(self, index: int, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Send pieces through the stages from `index` on."""
        if index == len(self._stages):
            yield from pieces
            return
        stage = self._stages[index]
        for piece in pieces:
            self._handled[index] += len(piece)
            if self._handled[index] > self._cap:
                self.capped = True  # a bomb that explodes between two codings
                return
            yield from self._through(index + 1, stage.feed(piece))
            if self.capped:
                return

    def _limited(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            room = self._cap - self.length
            if len(piece) > room:
                self.capped = True
                piece = piece[:room]
            if piece:
                self.length += len(piece)
                yield piece
            if self.capped:
                return


def decode(data: bytes, codings: Sequence[str], cap: int = limits.BODY_BYTES) -> tuple[bytes, list[Problem]]:
    """A whole body with its codings undone, and what was strange about it."""
    decoder = BodyDecoder(codings, cap)
    decoded = decoder.feed(data) + decoder.finish()
    return decoded, decoder.problems
