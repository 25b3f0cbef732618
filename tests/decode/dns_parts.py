"""DNS messages for tests, and what the decoder makes of packets that carry them."""

import struct
from collections.abc import Iterable, Sequence

from sniff.decode.dns import DnsBatch, DnsDecoder
from sniff.decode.dns_message import DnsMessage
from sniff.limits import Counters
from sniff.notes import Notes
from sniff.packets.stage import Dissector
from sniff.reassembly.stage import Tracker
from tests import wire

POINTER = b"\xc0\x0c"
"""A pointer to the first question's name."""


def name(text: str) -> bytes:
    """A name on the wire: labels between dots."""
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".") if label) + b"\0"


def question(text: str, kind: int = 1, family: int = 1) -> bytes:
    """One question."""
    return name(text) + struct.pack(">HH", kind, family)


def record(owner: bytes, kind: int, data: bytes, ttl: int = 60, family: int = 1) -> bytes:
    """One record."""
    return owner + struct.pack(">HHIH", kind, family, ttl, len(data)) + data


def message(number: int, flags: int, questions: Sequence[bytes] = (), answers: Sequence[bytes] = (),
            authority: Sequence[bytes] = (), additional: Sequence[bytes] = ()) -> bytes:
    """One message."""
    counts = (len(questions), len(answers), len(authority), len(additional))
    return struct.pack(">HHHHHH", number, flags, *counts) + b"".join((*questions, *answers, *authority, *additional))


def query(number: int, text: str, kind: int = 1) -> bytes:
    """A query for one name."""
    return message(number, 0x0100, [question(text, kind)])


def answer(number: int, text: str, *addresses: str, rcode: int = 0) -> bytes:
    """A response with A records."""
    return message(number, 0x8180 | rcode, [question(text)],
                   [record(POINTER, 1, bytes(map(int, address.split(".")))) for address in addresses])


def decode(frames: Sequence[bytes], sizes: Iterable[int] = (), notes: Notes | None = None) -> list[DnsBatch]:
    """The DNS messages in some frames, batch by batch."""
    notes, counters = notes if notes is not None else Notes(), Counters()
    dissector, tracker, decoder = Dissector(notes, counters), Tracker(notes, counters, pieces=True), DnsDecoder(notes, counters)
    return [decoder.decode(tracker.track(dissector.dissect(raw))) for raw in wire.batches(frames, sizes)]


def messages(frames: Sequence[bytes], sizes: Iterable[int] = ()) -> list[DnsMessage]:
    """All of them."""
    return [message for batch in decode(frames, sizes) for message in batch]


def one(payload: bytes, port: int = 53) -> DnsMessage:
    """The message in one datagram."""
    [found] = messages([wire.udp(0, payload, server_port=port)])
    return found


def over_tcp(*said: bytes) -> bytes:
    """Messages with their lengths, as a stream has them."""
    return b"".join(struct.pack(">H", len(one_)) + one_ for one_ in said)
