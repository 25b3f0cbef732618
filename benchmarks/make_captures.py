"""Make the large captures that the benchmarks read. The same bytes every time.

    python -m benchmarks.make_captures [NAME ...] [--scale X] [--gigabytes N] [--folder benchmarks/data]

    small   324,500 keep-alive transactions with 23-byte JSON bodies over 340 connections, 20 of them without their beginning
    pages   web pages: gzip, chunked and plain HTML, style sheets, scripts and pictures from several hosts, found by DNS
    bulk    2 MB downloads over links that lose packets, recorded by a machine that lost some more; --gigabytes makes it larger
    dns     a million DNS queries and their answers
    c10k    the transactions of small over 10,000 connections that are open at once
    syns    a million SYNs, each from another address and port

--scale 0.01 makes a hundredth of it, in the same proportions.
"""

import argparse
import gzip
import random
import struct
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

FOLDER = Path(__file__).with_name("data")
START_SECONDS = 1_795_341_600
FILE_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)
RECORD = struct.Struct("<IIII")
ETHERNET = bytes.fromhex("0200000000010200000000020800")
IP_TCP = struct.Struct(">BBHHHBBHIIHHIIBBHHHBBBBII")  # IPv4, TCP, and the options NOP NOP Timestamps
IP_SYN = struct.Struct(">BBHHHBBHIIHHIIBBHHH")  # IPv4, TCP
IP_UDP = struct.Struct(">BBHHHBBHIIHHHH")
SYN, FIN, RST, PSH, ACK = 2, 1, 4, 8, 16
SEGMENT = 1448
FLUSH_BYTES = 4 << 20
OK = b"HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Sun, 22 Nov 2026 10:00:00 GMT\r\n"
NOT_MODIFIED = OK.replace(b"200 OK", b"304 Not Modified") + b"Connection: keep-alive\r\n\r\n"


@dataclass(slots=True)
class Writer:
    """A pcap file under construction. Its clock is the time of the next packet."""

    file: BinaryIO
    now_us: int = 0
    packets: int = 0
    size: int = len(FILE_HEADER)
    waiting: list[bytes] = field(default_factory=list)
    waiting_bytes: int = 0

    def __post_init__(self) -> None:
        self.file.write(FILE_HEADER)

    def write(self, frame: bytes) -> None:
        """Append one frame, captured now."""
        length = len(frame)
        seconds, microseconds = divmod(self.now_us, 1_000_000)
        self.waiting += (RECORD.pack(START_SECONDS + seconds, microseconds, length, length), frame)
        self.packets += 1
        self.size += 16 + length
        self.waiting_bytes += 16 + length
        if self.waiting_bytes > FLUSH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Hand what is waiting to the file."""
        self.file.write(b"".join(self.waiting))
        self.waiting.clear()
        self.waiting_bytes = 0


def ip_checksum(source: int, destination: int, protocol: int, length: int, ident: int) -> int:
    """The header checksum (RFC 1071) of the IPv4 headers written here."""
    total = (
        0x4500
        + length
        + ident
        + 0x4000
        + 0x4000
        + protocol
        + (source >> 16)
        + (source & 0xFFFF)
        + (destination >> 16)
        + (destination & 0xFFFF)
    )
    total = (total & 0xFFFF) + (total >> 16)
    return ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF


def udp_frame(source: int, destination: int, sport: int, dport: int, ident: int, payload: bytes) -> bytes:
    """An Ethernet frame with a UDP datagram."""
    length = 28 + len(payload)
    return (
        ETHERNET
        + IP_UDP.pack(
            0x45,
            0,
            length,
            ident,
            0x4000,
            64,
            17,
            ip_checksum(source, destination, 17, length, ident),
            source,
            destination,
            sport,
            dport,
            length - 20,
            0,
        )
        + payload
    )


class Connection:
    """A TCP connection: `frame` gives the next frame of one side."""

    __slots__ = ("addresses", "clock", "ident", "next", "ports")

    def __init__(self, dice: random.Random, client: int, server: int, server_port: int = 80) -> None:
        self.addresses = (client, server)
        self.ports = (dice.randrange(32_768, 61_000), server_port)
        self.next = [dice.getrandbits(32), dice.getrandbits(32)]
        self.ident = [dice.getrandbits(16), dice.getrandbits(16)]
        self.clock = [dice.getrandbits(31), dice.getrandbits(31)]

    def frame(
        self, side: int, flags: int, now_us: int, payload: bytes = b"", seq: int | None = None, ack: int | None = None
    ) -> bytes:
        """The next frame of `side` (0 client, 1 server); with `seq` one that was sent before."""
        other = 1 - side
        length = 52 + len(payload)
        ident = self.ident[side] = (self.ident[side] + 1) & 0xFFFF
        source, destination = self.addresses[side], self.addresses[other]
        if seq is None:
            seq = self.next[side]
            self.next[side] = (seq + len(payload) + bool(flags & (SYN | FIN))) & 0xFFFFFFFF
        acked = 0 if not flags & ACK else self.next[other] if ack is None else ack
        millis = now_us // 1000
        return (
            ETHERNET
            + IP_TCP.pack(
                0x45,
                0,
                length,
                ident,
                0x4000,
                64,
                6,
                ip_checksum(source, destination, 6, length, ident),
                source,
                destination,
                self.ports[side],
                self.ports[other],
                seq,
                acked,
                0x80,
                flags,
                64_240 if flags & SYN else 501,
                0,
                0,
                1,
                1,
                8,
                10,
                (self.clock[side] + millis) & 0xFFFFFFFF,
                (self.clock[other] + millis) & 0xFFFFFFFF if flags & ACK else 0,
            )
            + payload
        )

    def open(self, now_us: int) -> list[bytes]:
        """The three-way handshake."""
        return [self.frame(0, SYN, now_us), self.frame(1, SYN | ACK, now_us), self.frame(0, ACK, now_us)]

    def close(self, now_us: int) -> list[bytes]:
        """Both sides close."""
        return [self.frame(0, FIN | ACK, now_us), self.frame(1, FIN | ACK, now_us), self.frame(0, ACK, now_us)]


def segments(data: bytes) -> Iterator[tuple[bytes, int]]:
    """(payload, flags) of the segments that carry `data`."""
    for start in range(0, len(data), SEGMENT):
        yield data[start : start + SEGMENT], ACK if start + SEGMENT < len(data) else ACK | PSH


# --- small --------------------------------------------------------------------------------------------------------------


def small(writer: Writer, scale: float) -> None:
    """Many small keep-alive transactions, as a load generator makes them: one packet a request, one a response."""
    connections = max(2, round(340 * min(1.0, scale * 4)))
    transactions(writer, round(324_500 * scale), connections, max(1, connections // 17), 60)


def c10k(writer: Writer, scale: float) -> None:
    """The same over ten thousand connections that are open at once."""
    transactions(writer, round(324_500 * scale), max(2, round(10_000 * scale)), 0, 5_000)


def transactions(writer: Writer, count: int, connections: int, headless: int, hosts: int) -> None:
    """Small transactions, each over one of some connections at random.

    headless  connections whose first packets were before the recording began
    hosts     addresses that the clients share
    """
    dice = random.Random(1)
    clients = [Connection(dice, 0x0A000100 + i % hosts, 0x0A000001) for i in range(connections)]
    waiting: list[tuple[int, int] | None] = [None] * connections  # (item, kind) of the request under way
    for index, connection in enumerate(clients):
        if index >= headless:
            for frame in connection.open(writer.now_us):
                writer.now_us += 11
                writer.write(frame)
    sent = 0
    while sent < count or any(waiting):
        index = dice.randrange(connections)
        connection = clients[index]
        under_way = waiting[index]
        writer.now_us += 6
        if under_way is None:
            if sent >= count:
                continue
            kind, item = dice.randrange(64), sent
            if kind == 0:
                body = b'{"item": %d, "count": %d}' % (item, item % 7)
                request = (
                    b"POST /api/v1/items HTTP/1.1\r\nHost: api.example.net\r\nUser-Agent: load/2.1\r\n"
                    b"Accept: application/json\r\n"
                    b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
                )
            else:
                request = (
                    b"GET /api/v1/items/%d?expand=price&session=%08x HTTP/1.1\r\nHost: api.example.net\r\n"
                    b"User-Agent: load/2.1\r\nAccept: application/json\r\nX-Request-Id: %016x\r\n\r\n"
                    % (item, dice.getrandbits(32), dice.getrandbits(64))
                )
            waiting[index] = (item, kind)
            sent += 1
            writer.write(connection.frame(0, PSH | ACK, writer.now_us, request))
        else:
            item, kind = under_way
            status = b"201 Created" if kind == 0 else b"404 Not Found" if kind == 1 else b"200 OK"
            waiting[index] = None
            writer.write(
                connection.frame(
                    1,
                    PSH | ACK,
                    writer.now_us,
                    b"HTTP/1.1 %s\r\nServer: nginx/1.22.1\r\n"
                    b"Date: Sun, 22 Nov 2026 10:00:%02d GMT\r\nContent-Type: application/json\r\nContent-Length: 23\r\n"
                    b'Connection: keep-alive\r\n\r\n{"id":%06d,"ok":true}' % (status, item % 60, item),
                )
            )
    for connection in clients:
        for frame in connection.close(writer.now_us):
            writer.now_us += 11
            writer.write(frame)


# --- syns ---------------------------------------------------------------------------------------------------------------


def syns(writer: Writer, scale: float) -> None:
    """A flood: every packet is a SYN from another address and port."""
    dice = random.Random(5)
    server, options = 0x0A000001, bytes.fromhex("020405b4")
    for index in range(round(1_000_000 * scale)):
        client, port = 0xC6120000 + index // 60_000, 1_024 + index % 60_000
        writer.now_us += 9
        writer.write(
            ETHERNET
            + IP_SYN.pack(
                0x45,
                0,
                44,
                index & 0xFFFF,
                0x4000,
                64,
                6,
                ip_checksum(client, server, 6, 44, index & 0xFFFF),
                client,
                server,
                port,
                80,
                dice.getrandbits(32),
                0,
                0x60,
                SYN,
                64_240,
                0,
                0,
            )
            + options
        )


# --- pages --------------------------------------------------------------------------------------------------------------

WORDS = [
    *["packet", "stream", "segment", "window", "header", "body", "chunk", "query", "answer"],
    *["name", "route", "table", "index", "market", "garden", "winter", "summer", "river"],
]


def text(dice: random.Random, size: int) -> bytes:
    """Words, about `size` bytes of them."""
    return " ".join(dice.choices(WORDS, k=size // 7)).encode()


def chunked(body: bytes, size: int) -> bytes:
    """`body` in chunks."""
    return (
        b"".join(b"%x\r\n%s\r\n" % (len(body[i : i + size]), body[i : i + size]) for i in range(0, len(body), size))
        + b"0\r\n\r\n"
    )


def resources(dice: random.Random) -> dict[str, list[bytes]]:
    """Whole responses by kind."""
    head = OK + b"Content-Type: %s\r\nConnection: keep-alive\r\n"
    made: dict[str, list[bytes]] = {"html": [], "css": [], "js": [], "webp": []}
    for number in range(24):
        page = (
            b"<!DOCTYPE html><html><head><title>Page %d</title></head><body><p>" % number
            + text(dice, dice.randrange(4_000, 60_000))
            + b"</p></body></html>"
        )
        packed = gzip.compress(page, mtime=0)
        made["html"].append(
            (head % b"text/html; charset=utf-8")
            + (
                b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(packed, 4096)
                if number % 3
                else b"Transfer-Encoding: chunked\r\n\r\n" + chunked(page, 8192)
            )
        )
        sheet = gzip.compress(b".a { color: red }\n" + text(dice, dice.randrange(2_000, 20_000)), mtime=0)
        made["css"].append(
            head % b"text/css" + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(sheet) + sheet
        )
        script = b"function f() { return 1; }\n" + text(dice, dice.randrange(3_000, 30_000))
        made["js"].append(head % b"application/javascript" + b"Content-Length: %d\r\n\r\n" % len(script) + script)
        picture = b"RIFF" + dice.randbytes(dice.randrange(500, 30_000))
        made["webp"].append(
            head % b"image/webp"
            + b'ETag: "%x"\r\nContent-Length: %d\r\n\r\n' % (dice.getrandbits(48), len(picture))
            + picture
        )
    return made


def visit(dice: random.Random, writer: Writer, made: dict[str, list[bytes]], number: int) -> Iterator[None]:
    """One browser fetches a page and what belongs to it. Yields after each packet."""
    client = 0xC0A80000 + 2 + number % 4000
    for host_number in (number % 40, 40 + number % 25):
        host, server = b"www%d" % host_number, 0xC6336400 + host_number
        port, ident = dice.randrange(32_768, 61_000), dice.getrandbits(16)
        question = bytes([len(host)]) + host + b"\x07example\x03org\0\0\x01\0\x01"
        writer.write(
            udp_frame(client, 0x08080808, port, 53, ident, struct.pack(">6H", ident, 0x0100, 1, 0, 0, 0) + question)
        )
        yield
        answer = question + b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04" + server.to_bytes(4, "big")
        writer.write(
            udp_frame(0x08080808, client, 53, port, ident, struct.pack(">6H", ident, 0x8180, 1, 1, 0, 0) + answer)
        )
        yield
        connection = Connection(dice, client, server)
        for frame in connection.open(writer.now_us):
            writer.write(frame)
            yield
        for item, kind in enumerate(
            ["html", "css", "css", "js", "js", "js", *["webp"] * 8] if host_number < 40 else ["js", "webp", "webp"]
        ):
            not_modified = dice.random() < 0.12
            path = b"/p%d/%d.%s" % (number, item, kind.encode())
            condition = b'If-None-Match: "%x"\r\n' % dice.getrandbits(48) if not_modified else b""
            writer.write(
                connection.frame(
                    0,
                    PSH | ACK,
                    writer.now_us,
                    (
                        b"GET %s HTTP/1.1\r\nHost: %s.example.org\r\n"
                        b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
                        b"Accept: */*\r\nAccept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate\r\nReferer: http://www%d.example.org/\r\n"
                        b"Cookie: session=%016x\r\n%s\r\n"
                        % (path, host, number % 40, number * 0x9E3779B97F4A7C15 & (1 << 64) - 1, condition)
                    ),
                )
            )
            yield
            response = NOT_MODIFIED if not_modified else dice.choice(made[kind])
            for count, (payload, flags) in enumerate(segments(response), 1):
                writer.write(connection.frame(1, flags, writer.now_us, payload))
                yield
                if count % 2 == 0:
                    writer.write(connection.frame(0, ACK, writer.now_us))
                    yield
        for frame in connection.close(writer.now_us):
            writer.write(frame)
            yield


def pages(writer: Writer, scale: float) -> None:
    """Forty browsers at a time fetch pages."""
    dice = random.Random(2)
    made = resources(dice)
    count = max(2, round(1_900 * scale))
    started = 0
    visits: list[Iterator[None]] = []
    while started < count or visits:
        while started < count and len(visits) < 40:
            visits.append(visit(dice, writer, made, started))
            started += 1
        index = dice.randrange(len(visits))
        writer.now_us += dice.randrange(4, 60)
        if next(visits[index], visits) is visits:
            visits[index] = visits[-1]
            visits.pop()


# --- bulk ---------------------------------------------------------------------------------------------------------------

DOWNLOAD = 2 << 20
NETWORK_LOSS = 0.004  # segments that arrive only with their retransmission
ROUND_TRIP_SEGMENTS = 24
BURST_EVERY, BURST = 4_000, 90  # the recorder loses `BURST` packets in a row about once in `BURST_EVERY`


def download(dice: random.Random, writer: Writer, connection: Connection, data: bytes, number: int) -> Iterator[bytes]:
    """The frames of one download, as the recorder at the client's side would see them."""
    yield connection.frame(
        0,
        PSH | ACK,
        writer.now_us,
        b"GET /images/disk-%d.img HTTP/1.1\r\nHost: mirror.example.org\r\nUser-Agent: fetch/1.4\r\nAccept: */*\r\n\r\n"
        % number,
    )
    response = (
        OK + b"Content-Type: application/octet-stream\r\n"
        b"Content-Length: %d\r\nConnection: keep-alive\r\n\r\n" % DOWNLOAD
    ) + data
    lost: deque[tuple[int, int, bytes]] = deque()  # (when it comes again, sequence number, payload)
    for count, (payload, flags) in enumerate(segments(response)):
        seq = connection.next[1]
        frame = connection.frame(1, flags, writer.now_us, payload)
        if dice.random() < NETWORK_LOSS:
            lost.append((count + ROUND_TRIP_SEGMENTS, seq, payload))
        else:
            yield frame
            if lost:
                if count % 3 == 0:
                    yield connection.frame(0, ACK, writer.now_us, ack=lost[0][1])  # a duplicate ACK
            elif count % 16 == 0:
                yield connection.frame(0, ACK, writer.now_us)
        while lost and lost[0][0] <= count:
            _, seq, payload = lost.popleft()
            yield connection.frame(1, ACK, writer.now_us, payload, seq=seq)
    while lost:
        _, seq, payload = lost.popleft()
        yield connection.frame(1, ACK, writer.now_us, payload, seq=seq)
    yield connection.frame(0, ACK, writer.now_us)


def bulk(writer: Writer, scale: float, gigabytes: float = 0.0) -> None:
    """Downloads, eight at a time, until the file has its size."""
    dice = random.Random(3)
    noise = dice.randbytes(3 * DOWNLOAD)
    target = gigabytes * 1e9 or 713e6 * scale
    started, skip = 0, 0

    def client() -> Iterator[bytes]:
        """One client: two downloads on a connection, then a new connection."""
        nonlocal started
        while writer.size < target:
            connection = Connection(dice, 0x0A010000 + dice.randrange(2, 60_000), 0xC6336410)
            yield from connection.open(writer.now_us)
            for _ in range(2):
                started += 1
                start = dice.randrange(2 * DOWNLOAD)
                yield from download(dice, writer, connection, noise[start : start + DOWNLOAD], started)
            yield from connection.close(writer.now_us)

    clients = [client() for _ in range(8)]
    while clients:
        index = dice.randrange(len(clients))
        for _ in range(dice.randrange(1, 12)):  # segments come in trains
            frame = next(clients[index], None)
            if frame is None:
                clients.pop(index)
                break
            writer.now_us += 3
            if skip:
                skip -= 1
            elif dice.random() < 1 / BURST_EVERY:
                skip = dice.randrange(1, 2 * BURST)
            else:
                writer.write(frame)


# --- dns ----------------------------------------------------------------------------------------------------------------


def encoded(name: str) -> bytes:
    """A domain name on the wire."""
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def dns(writer: Writer, scale: float) -> None:
    """Queries from 2,000 clients to two resolvers, and their answers."""
    dice = random.Random(4)
    count = round(1_000_000 * scale)
    zones = [f"{a}{b}.{top}" for a in WORDS for b in WORDS for top in ("com", "net", "org", "de")]
    names = [
        encoded(f"{dice.choice(['www', 'api', 'cdn', 'mail', 'img', 'static', 'edge-7'])}.{zone}") for zone in zones
    ]
    under_way: deque[tuple[int, int, int, int, bytes, int]] = deque()
    edns = b"\0\0\x29\x04\xd0\0\0\0\0\0\0"
    for number in range(count + 8):
        if number < count:
            client, resolver = 0x0A020000 + dice.randrange(2_000), 0x0A000035 + dice.randrange(2)
            port, ident, kind = dice.randrange(1_024, 65_536), dice.getrandbits(16), dice.randrange(20)
            question = dice.choice(names) + (b"\0\x1c\0\x01" if kind % 4 == 3 else b"\0\x01\0\x01")
            extra = edns if kind >= 10 else b""
            writer.now_us += 9
            writer.write(
                udp_frame(
                    client,
                    resolver,
                    port,
                    53,
                    ident,
                    struct.pack(">6H", ident, 0x0100, 1, 0, 0, kind >= 10) + question + extra,
                )
            )
            under_way.append((client, resolver, port, ident, question, kind))
        if len(under_way) > 8 or (number >= count and under_way):
            client, resolver, port, ident, question, kind = under_way.popleft()
            answers, found = b"", 0
            if kind != 7:
                if kind % 5 == 0:
                    answers = b"\xc0\x0c\0\x05\0\x01\0\0\1\x2c\0\x07\x04edge\xc0" + bytes([12 + 1 + question[0]])
                    found = 1
                for _ in range(1 + kind % 3):
                    answers += (
                        b"\xc0\x0c\0\x1c\0\x01\0\0\0\x3c\0\x10\x20\x01\x0d\xb8" + dice.randbytes(12)
                        if kind % 4 == 3
                        else b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04" + dice.randbytes(4)
                    )
                    found += 1
            writer.now_us += 2
            flags = 0x8183 if kind == 7 else 0x8180
            writer.write(
                udp_frame(
                    resolver,
                    client,
                    53,
                    port,
                    ident,
                    struct.pack(">6H", ident, flags, 1, found, 0, kind >= 10)
                    + question
                    + answers
                    + (edns if kind >= 10 else b""),
                )
            )


# --- all ----------------------------------------------------------------------------------------------------------------

MAKERS: dict[str, Callable[[Writer, float], None]] = {
    "small": small,
    "pages": pages,
    "bulk": bulk,
    "dns": dns,
    "c10k": c10k,
    "syns": syns,
}


def make(name: str, folder: Path = FOLDER, scale: float = 1.0, gigabytes: float = 0.0) -> Path:
    """The path of a capture, made if it is not there yet."""
    size = f"-{gigabytes:g}GB" if gigabytes else "" if scale == 1 else f"-{scale:g}"
    path = folder / f"{name}{size}.pcap"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    began = time.perf_counter()
    with unfinished.open("wb") as file:
        writer = Writer(file)
        if name == "bulk":
            bulk(writer, scale, gigabytes)
        else:
            MAKERS[name](writer, scale)
        writer.flush()
    unfinished.rename(path)
    print(
        f"{path}: {writer.packets:,} packets, {writer.size / 1e6:,.1f} MB, made in {time.perf_counter() - began:.1f} s",
        flush=True,
    )
    return path


def main() -> None:
    """Make what the command line asks for."""
    parser = argparse.ArgumentParser(description="Make the large captures that the benchmarks read.")
    parser.add_argument(
        "names", nargs="*", choices=[*MAKERS, []], default=[], metavar="NAME", help=f"{', '.join(MAKERS)}; default: all"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="a fraction of the usual size")
    parser.add_argument("--gigabytes", type=float, default=0.0, help="size of bulk")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    options = parser.parse_args()
    for name in options.names or MAKERS:
        make(name, options.folder, options.scale, options.gigabytes if name == "bulk" else 0.0)


if __name__ == "__main__":
    main()
