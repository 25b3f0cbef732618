"""Packets for tests: conversations become frames, frames become batches. No file is written."""

import struct
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from sniff.capture.raw import RawBatch

ETHERNET = bytes.fromhex("020000000001 020000000002 0800")
CLIENT, SERVER = 0x0A000001, 0x0A000002
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
LINKTYPE_ETHERNET = 1
START_NS = 1_700_000_000_000_000_000


def ip(source: int, destination: int, protocol: int, payload: bytes) -> bytes:
    """An Ethernet frame with an IPv4 packet."""
    length = 20 + len(payload)
    return ETHERNET + struct.pack(">BBHHHBBHII", 0x45, 0, length, 0, 0x4000, 64, protocol, 0, source, destination) + payload


def udp(direction: int, payload: bytes, client_port: int = 40_000, server_port: int = 53) -> bytes:
    """A frame with a UDP datagram; direction 0 is from the client."""
    ports = (client_port, server_port)
    addresses = (CLIENT, SERVER)
    header = struct.pack(">HHHH", ports[direction], ports[1 - direction], 8 + len(payload), 0)
    return ip(addresses[direction], addresses[1 - direction], 17, header + payload)


class Tcp:
    """A TCP connection: each call gives the next frame of one side."""

    def __init__(self, client_port: int = 40_000, server_port: int = 80, first: tuple[int, int] = (1_000, 2_000)) -> None:
        self.ports = (client_port, server_port)
        self.next = list(first)

    def frame(self, direction: int, payload: bytes = b"", flags: int = ACK) -> bytes:
        """The next frame from the client (0) or the server (1)."""
        seq, ack = self.next[direction], self.next[1 - direction] if flags & ACK else 0
        self.next[direction] = (seq + len(payload) + bool(flags & (SYN | FIN))) & 0xFFFFFFFF
        ports = (self.ports[direction], self.ports[1 - direction])
        header = struct.pack(">HHIIBBHHH", *ports, seq, ack, 0x50, flags, 65_000, 0, 0)
        addresses = (CLIENT, SERVER)
        return ip(addresses[direction], addresses[1 - direction], 6, header + payload)

    def open(self) -> list[bytes]:
        """The handshake."""
        return [self.frame(0, flags=SYN), self.frame(1, flags=SYN | ACK), self.frame(0)]

    def close(self) -> list[bytes]:
        """Both sides close."""
        return [self.frame(0, flags=FIN | ACK), self.frame(1, flags=FIN | ACK), self.frame(0)]


def conversation(parts: Iterable[tuple[int, bytes]], client_port: int = 40_000, server_port: int = 80) -> list[bytes]:
    """The frames of one whole TCP connection in which these (direction, bytes) are said, one segment each."""
    tcp = Tcp(client_port, server_port)
    return [*tcp.open(), *(tcp.frame(direction, data, ACK | PSH) for direction, data in parts if data), *tcp.close()]


def batch(frames: Sequence[bytes], first_number: int = 1, offset: int = 24, end: bool = True) -> RawBatch:
    """One batch of Ethernet frames, a millisecond apart."""
    lengths = np.array([len(frame) for frame in frames], np.int64)
    start = np.cumsum(lengths) - lengths
    count = len(frames)
    numbers = np.arange(first_number, first_number + count, dtype=np.int64)
    zeros = np.zeros(count, np.int64)
    return RawBatch(
        data=np.frombuffer(b"".join(frames), np.uint8), first_number=first_number, start=start, caplen=lengths, wirelen=lengths,
        ts_ns=START_NS + numbers * 1_000_000, interface=zeros, link_type=zeros + LINKTYPE_ETHERNET,
        offset=offset + start + 16 * np.arange(1, count + 1), source=zeros, end=end)


def batches(frames: Sequence[bytes], sizes: Iterable[int] = ()) -> Iterator[RawBatch]:
    """The same frames in batches of these sizes; what is left makes the last batch."""
    done, offset = 0, 24
    for size in sizes:
        if done + size >= len(frames):
            break
        yield batch(frames[done:done + size], done + 1, offset, end=False)
        offset += sum(map(len, frames[done:done + size])) + 16 * size
        done += size
    yield batch(frames[done:], done + 1, offset)


def cut(parts: Iterable[tuple[int, bytes]], lengths: Sequence[int]) -> list[tuple[int, bytes]]:
    """The same bytes in the same order, cut into segments whose lengths are taken from `lengths` in turn."""
    result, turn = [], 0
    for direction, data in parts:
        while data:
            length = lengths[turn % len(lengths)] if lengths else len(data)
            turn += 1
            result.append((direction, data[:length]))
            data = data[length:]
    return result
