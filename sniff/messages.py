"""Look a message up in a capture: which one is in packet N, what answers it, and its bytes, read again from the store.

Two passes: the first finds the message by its columns, the second fetches the bytes of what was found and nothing else.
"""

from collections.abc import Collection, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from sniff import limits
from sniff.decode.batch import AppBatch
from sniff.decode.bodies import BodyCollector, BodyInfo, Sink
from sniff.decode.message import Message, messages_of
from sniff.errors import UsageError
from sniff.exchange import http_columns as x
from sniff.exchange.http import Exchange, Exchanges
from sniff.exchange.http_builder import ExchangeBuilder
from sniff.exchange.stage import Joiner
from sniff.notes import Note
from sniff.packets import columns as c
from sniff.packets.columns import Kind
from sniff.pipeline import Analysis
from sniff.reassembly import columns as s
from sniff.reassembly.columns import Piece

Paths = Sequence[str | Path]


@dataclass(slots=True)
class Found:
    """What is in a packet.

    messages  those that end in it, or else those that it is part of
    exchange  the exchange of the first of them, when it was asked for
    notes     what is strange about the packets of those messages
    """

    messages: list[Message] = field(default_factory=list)
    exchange: Exchange | None = None
    notes: list[Note] = field(default_factory=list)


class Part:
    """A sink that keeps the bytes of one body, up to a cap.

    parts  bytes, and where some are missing how many
    cut    bytes beyond the cap
    """

    def __init__(self, cap: int = limits.BODY_BYTES) -> None:
        self.parts: list[bytes | int] = []
        self.info: BodyInfo | None = None
        self.cut = 0
        self._room = cap

    def data(self, piece: bytes) -> None:
        """The next bytes."""
        kept = piece[:self._room]
        self._room -= len(kept)
        self.cut += len(piece) - len(kept)
        if kept:
            self.parts.append(kept)

    def hole(self, length: int) -> None:
        """So many bytes are missing here."""
        self.parts.append(length)

    def end(self, info: BodyInfo) -> None:
        """The body is over."""
        self.info = info

    @property
    def bytes(self) -> "bytes":
        """The bytes that are there, one after the other."""
        return b"".join(part for part in self.parts if isinstance(part, bytes))


def find(paths: Paths, packet: int, exchange: bool = False) -> Found:
    """The HTTP message in packet number `packet` of a capture, and with `exchange` what belongs to it.

    Raises UsageError when the capture has no such packet, or no HTTP message is in it.
    """
    analysis = Analysis(paths, rows=False, messages=True)
    with closing(analysis.source):
        builder = ExchangeBuilder(analysis.notes, analysis.counters)
        stream, seen = -1, 0
        made: list[Exchange] = []
        candidates: list[Message] = []
        for step in analysis:
            seen += len(step.packets)
            if stream < 0 and seen >= packet:
                stream = _stream_of(step.apps, packet)
            if exchange:
                made += [one for one in builder.add(step.apps) if any(_covers(message, packet) for message in one.messages)]
            candidates += [message for message in messages_of(step.apps) if _covers(message, packet)]
            if _known(candidates, made, stream, packet, exchange):
                break
        else:
            made += [one for one in builder.finish() if any(_covers(message, packet) for message in one.messages)]
        if seen < packet or packet < 1:
            raise UsageError(f"there is no packet {packet}; the last one is number {seen}")
        found = Found(_best([message for message in candidates if message.stream == stream], packet))
        if stream >= 0 and (not found.messages or found.messages[0].method == b"PRI"):
            found = _find_http2(paths, packet, stream) or found
        elif found.messages:
            first = found.messages[0].id
            found.exchange = next((one for one in made if any(message.id == first for message in one.messages)), None)
        if found.messages:
            found.notes = _notes_of(analysis, found)
            return found
    what = f"it is part of tcp.stream {stream}" if stream >= 0 else "it is no TCP"
    raise UsageError(f"no HTTP message is in packet {packet}: {what}")


def _find_http2(paths: Paths, packet: int, stream: int) -> Found | None:
    """The message of HTTP/2 in a packet, and its exchange."""
    analysis = Analysis(paths, rows=False, messages=True)
    with closing(analysis.source):
        joiner = Joiner(analysis.notes, analysis.counters)
        made = [_in_packet(joiner.add(step.apps).http, packet, stream) for step in analysis]
        made.append(_in_packet(joiner.finish().http, packet, stream))
    exchanges = {message.id: exchange for part in made for exchange in part for message in exchange.messages}
    messages = _best([message for part in made for exchange in part for message in exchange.messages if _covers(message, packet)], packet)
    return Found(messages, exchanges[messages[0].id]) if messages else None


def _in_packet(exchanges: Exchanges, packet: int, stream: int) -> list[Exchange]:
    """Those of HTTP/2 of which a message is in the packet."""
    rows = exchanges.rows
    mine = exchanges.select((rows[:, x.X_ODD] & x.HTTP2 != 0) & (rows[:, x.X_STREAM] == stream))
    return [one for one in mine if any(_covers(message, packet) for message in one.messages)]


def _covers(message: Message, packet: int) -> bool:
    return message.first_packet <= packet <= message.last_packet


def _stream_of(batch: AppBatch, packet: int) -> int:
    """tcp.stream of a packet of a batch, -1 when it is no TCP."""
    table = batch.streams.packets.table
    index = packet - int(table[c.NUMBER, 0])
    if index < 0 or table[c.KIND, index] != Kind.TCP:
        return -1
    return int(batch.streams.table[s.STREAM, index])


def _known(candidates: list[Message], made: list[Exchange], stream: int, packet: int, exchange: bool) -> bool:
    """Nothing that follows can be a better answer."""
    if exchange:
        return any(message.stream == stream and message.last_packet == packet for one in made for message in one.messages)
    return any(message.stream == stream and message.last_packet == packet for message in candidates)


def _best(messages: list[Message], packet: int) -> list[Message]:
    """Those that end in the packet, else those whose head does, else all that it is part of."""
    ending = [message for message in messages if message.last_packet == packet]
    return ending or [message for message in messages if message.head_packet == packet] or messages


def _notes_of(analysis: Analysis, found: Found) -> list[Note]:
    messages = found.exchange.messages if found.exchange is not None else found.messages
    return [note for note in analysis.notes if any(_covers(message, note.packet) for message in messages)]


def load(paths: Paths, messages: Collection[Message], decode: bool = True) -> dict[int, Part]:
    """{Message.id: its body} of messages that `find` gave; those without a body are not in it."""
    wanted = {message.id for message in messages if message.body_wire or message.body_length}
    found: dict[int, Part] = {}

    def choose(message: Message) -> Sink | None:
        if message.id not in wanted:
            return None
        found[message.id] = Part()
        return found[message.id]

    if not wanted:
        return found
    last, seen = max(message.last_packet for message in messages), 0
    analysis = Analysis(paths, rows=False, bodies=True)
    if any(message.id < 0 for message in messages):     # HTTP/2: found again as it was found, in the order of its streams
        with closing(analysis.source):
            joiner = Joiner(analysis.notes, analysis.counters, choose, limits.BODY_BYTES)
            for step in analysis:
                joiner.add(step.apps)
            joiner.finish()
        return found
    with closing(analysis.source):
        collector = BodyCollector(choose, decode=decode)
        for step in analysis:
            collector.add(step.apps)
            seen += len(step.packets)
            if seen >= last and not len(collector):
                break
        collector.finish()
    return found


def load_wire(paths: Paths, message: Message) -> list[bytes | int]:
    """All bytes of a message as they were sent, head and chunk framing included; a number stands for missing bytes.

    Raises UsageError for a message of HTTP/2, whose frames stand between those of others.
    """
    if message.id < 0:
        raise UsageError(f"HTTP/2 sends the frames of its messages among those of others: sniff follow FILE {message.stream} shows all")
    begin = message.stream_offset
    end = begin + message.head_length + message.body_wire
    parts: list[bytes | int] = []
    room = limits.BODY_BYTES
    analysis = Analysis(paths, rows=False, messages=True)
    with closing(analysis.source):
        for step in analysis:
            pieces = step.streams.pieces
            mine = (pieces[s.P_STREAM] == message.stream) & (pieces[s.P_DIRECTION] == message.direction) \
                & (pieces[s.P_STREAM_OFFSET] < end) & (pieces[s.P_STREAM_OFFSET] + pieces[s.P_LEN] > begin)
            buffers = (step.packets.data.data, step.streams.held.data)
            for kind, buffer, start, length, offset in pieces[
                    [s.P_KIND, s.P_BUFFER, s.P_START, s.P_LEN, s.P_STREAM_OFFSET]][:, mine].T.tolist():
                skip, stop = max(begin - offset, 0), min(end - offset, length)
                if kind == Piece.GAP:
                    parts.append(stop - skip)
                elif kind == Piece.DATA and room > 0:
                    parts.append(bytes(buffers[buffer][start + skip:start + min(stop, skip + room)]))
                    room -= stop - skip
            if pieces.shape[1] and ((pieces[s.P_STREAM] == message.stream) & (pieces[s.P_DIRECTION] == message.direction)
                                    & (pieces[s.P_STREAM_OFFSET] >= end)).any():
                break
            if len(step.packets) and int(step.packets.table[c.NUMBER, -1]) >= message.last_packet:
                break
    return parts
