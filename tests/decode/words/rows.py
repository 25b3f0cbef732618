"""Rows of single frames and of sequences of frames, for the tests of the words."""

from collections.abc import Sequence

from sniff.decode.words import Describer, Words
from tests.packets.frames import dissect, ethernet, ipv4, ipv6


def rows(frames: Sequence[bytes], link_type: int = 1, wire: Sequence[int] | None = None) -> list[Words]:
    """What one Describer says of the packets of one batch."""
    batch, describer = dissect(frames, link_type, wire), Describer()
    return [describer.describe(batch, i) for i in range(len(batch))]


def row(frame: bytes, link_type: int = 1, wire: int | None = None) -> tuple[str, str]:
    """(Protocol, Info) of a packet that stands alone."""
    return rows([frame], link_type, None if wire is None else [wire])[0][:2]


def icmp(message: bytes, source: int = 0x0A000001, destination: int = 0x0A000002) -> bytes:
    return ethernet(ipv4(message, 1, source, destination))


def icmpv6(message: bytes, source: int = 1, destination: int = 2) -> bytes:
    return ethernet(ipv6(message, 58, source, destination), 0x86DD)


def checksum(message: bytes, pseudo: int = 0) -> bytes:
    """The message with its Internet checksum in bytes 2 and 3."""
    total = pseudo + sum(int.from_bytes(message[i:i + 2].ljust(2, b"\0"), "big") for i in range(0, len(message), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return message[:2] + (total ^ 0xFFFF).to_bytes(2, "big") + message[4:]
