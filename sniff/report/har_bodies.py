"""Bodies as HAR wants them: kept while they arrive, up to a cap, and given out as text."""

import base64
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sniff import limits
from sniff.decode import charset, fields, media
from sniff.decode import columns as c
from sniff.decode.batch import AppBatch
from sniff.decode.bodies import BodyCollector, BodyInfo
from sniff.decode.body import BodyDecoder
from sniff.decode.message import Message
from sniff.exchange import http_columns as x
from sniff.exchange.http import Exchanges
from sniff.notes import Notes
from sniff.packets.batch import Table
from sniff.report import spoken
from sniff.report.secret_urls import may_have_secrets


class Body:
    """The decoded bytes of one body, as a sink of bodies.py.

    length  bytes of it, decoded, as far as they were captured; kept of them are here
    missing bytes that were not captured
    """

    __slots__ = ("_bodies", "_parts", "_room", "_text", "info", "kept", "length", "missing")

    def __init__(self, bodies: "Bodies") -> None:
        self.length = 0
        self.kept = 0
        self.missing = 0
        self.info: BodyInfo | None = None
        self._bodies = bodies
        self._parts: list[bytes] = []
        self._room = limits.HAR_BODY_BYTES
        self._text: tuple[str, str] | None = None

    def data(self, piece: bytes) -> None:
        """The next bytes."""
        self.length += len(piece)
        if self._room:
            if len(piece) > self._room:
                piece = piece[:self._room]
                self._bodies.counters.bodies_cut += 1
            self._room -= len(piece)
            self.kept += len(piece)
            self._parts.append(piece)
            self._bodies.grow(len(piece))

    def hole(self, length: int) -> None:
        """So many bytes are missing here."""
        self.missing += length

    def end(self, info: BodyInfo) -> None:
        """The body is over."""
        self.info = info

    def drop(self) -> int:
        """Forget its bytes, to make room; how many."""
        dropped, self.kept, self._room = self.kept, 0, 0
        self._parts.clear()
        return dropped

    @property
    def wire(self) -> int:
        """Bytes of it before codings were undone, chunk framing removed."""
        return self.info.wire if self.info is not None else self.length

    @property
    def data_kept(self) -> bytes:
        """Its bytes."""
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    @property
    def is_whole(self) -> bool:
        """Whether all of it is here."""
        return self.kept == self.length and (self.info is None or self.info.complete)

    @property
    def problems(self) -> list[str]:
        """What is wrong with its codings."""
        return [problem.detail for problem in self.info.problems] if self.info is not None else []

    @property
    def comment(self) -> str:
        """What a reader should know about the text, empty when it is the whole body."""
        said = []
        if self.kept < self.length:
            said.append(f"only the first {self.kept} of {self.length} bytes are here")
        if self.missing:
            said.append(f"{self.missing} bytes were not captured")
        if self.info is not None and self.info.lost:
            said.append(f"{self.info.lost} bytes, as they were sent, are not here")
        return "; ".join(said)

    def is_json(self, message: Message) -> bool:
        """Whether it is JSON, by its type or by how it begins."""
        return media.is_json(media.of_body(message.media_type, self.data_kept[:limits.SNIFF_BYTES]))

    def text(self, message: Message) -> tuple[str, str]:
        """(text, "") of a body that is text, (its bytes in base64, "base64") of any other."""
        found = self._text
        if found is None:
            found = self._text = _text(message, self.data_kept)
        return found


def _text(message: Message, data: bytes) -> tuple[str, str]:
    binary = media.is_binary(data)
    if not binary:
        claimed = message.media_type
        declared = fields.text(message.media_parameters.get("charset", b""))
        if not declared or declared.lower() in ("utf-8", "utf8", "us-ascii"):
            try:
                return data.decode("utf-8"), ""
            except UnicodeDecodeError:
                pass
        if media.is_text(claimed):
            return charset.decode_text(data, declared, claimed in ("text/html", "application/xhtml+xml") or media.is_xml(claimed))[0], ""
    return base64.b64encode(data).decode("ascii"), "base64"


class Bodies:
    """The bodies of a capture, from their first byte until their exchange is over. Needs batches with bodies.

    At most limits.HAR_BODIES_BYTES are kept: when there are more, the largest lose their bytes.
    """

    def __init__(self, notes: Notes, counters: limits.Counters) -> None:
        self.counters = counters
        self._open: dict[int, Body] = {}
        self._size = 0
        self._collector = BodyCollector(self.begin, notes=notes, counters=counters)

    def add(self, batch: AppBatch) -> None:
        """Take what one batch brought. Small bodies need no collecting: messages have their first bytes."""
        bodies = batch.bodies
        heads = bodies[:, bodies[c.BODY_KIND] == c.BodyPart.HEAD]
        if heads.shape[1]:
            expected = batch.begun[c.M_EXPECTED][heads[c.BODY_START]]
            small = heads[c.BODY_ID, (expected >= 0) & (expected <= limits.BODY_PREFIX)]
            scattered = bodies[c.BODY_ID, (bodies[c.BODY_KIND] == c.BodyPart.DATA) & (bodies[c.BODY_BUFFER] != 0)]
            if len(small):
                small = np.setdiff1d(small, scattered)
                batch = replace(batch, bodies=bodies[:, ~np.isin(bodies[c.BODY_ID], small)])
        self._collector.add(batch)

    def finish(self) -> None:
        """The capture is over."""
        self._collector.finish()

    def take(self, message: Message) -> Body | None:
        """The body of a message whose exchange is over; None when it has none."""
        body = self._open.pop(message.row[c.M_ID], None)
        if body is None:
            return self._small(message) if message.row[c.M_BODY_LEN] else None
        self._size -= body.kept
        return body if body.length or body.missing else None

    def are_open(self, numbers: Table) -> NDArray[np.bool_]:
        """bool[n]: which messages, by their M_ID, have a body that was collected. Others have all of it among their first bytes."""
        if not self._open:
            return np.zeros(len(numbers), np.bool_)
        return np.isin(numbers, np.fromiter(self._open, np.int64, len(self._open)))

    def forget(self, exchanges: Exchanges) -> None:
        """Drop the bodies of exchanges that nobody wants."""
        rows = exchanges.rows
        wanted = self.are_open(rows[:, x.X_REQUEST + c.M_ID]) | self.are_open(rows[:, x.X_RESPONSE + c.M_ID]) \
            | (rows[:, x.X_ODD] & x.INTERIM != 0)
        for index in np.flatnonzero(wanted).tolist():
            for message in exchanges[index].messages:
                self.take(message)

    def _small(self, message: Message) -> Body:
        """A body that was not collected."""
        decoder = BodyDecoder(message.codings)
        info = BodyInfo(message, wire=message.row[c.M_BODY_LEN])
        body = Body(self)
        data = message.prefix
        if decoder.coded:
            data = decoder.feed(data) + decoder.finish()
            info.problems = decoder.problems
        info.length = len(data)
        missing = message.row[c.M_GAP_BYTES]
        if missing:
            info.holes.append((len(data), missing))
        body.data(data)
        body.hole(missing)
        if not decoder.coded:
            body.length = message.row[c.M_BODY_LEN]
        body.end(info)
        self._size -= body.kept
        return body

    def grow(self, count: int) -> None:
        """So many more bytes are kept."""
        self._size += count
        if self._size > limits.HAR_BODIES_BYTES:
            for body in sorted(self._open.values(), key=lambda body: body.kept, reverse=True):
                self._size -= body.drop()
                self.counters.bodies_cut += 1
                if self._size <= limits.HAR_BODIES_BYTES // 2:
                    break

    def begin(self, message: Message) -> Body:
        """The sink of a body."""
        body = self._open[message.id] = Body(self)
        return body


def masked_json(text: str) -> str:
    """JSON with the values of members masked whose names say that they are secrets. It need not be well formed."""
    return spoken.hidden_json(text) if may_have_secrets(text) else text
