"""Captures for the tests of the report, and what is in a report: every text that its file holds, unpacked."""

import base64
import re
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

from hpack import Encoder

from tests import wire


def option(code: int, text: bytes) -> bytes:
    """An option of a pcapng block."""
    return struct.pack("<HH", code, len(text)) + text + bytes(-len(text) % 4)


def block(kind: int, body: bytes) -> bytes:
    """A pcapng block."""
    length = 12 + len(body)
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


def pcapng(path: Path, frames: Iterable[bytes], *, comment: bytes = b"", packet_comment: bytes = b"", interface: bytes = b"",
           step_us: int = 1_000, dropped: int = -1) -> Path:
    """Write frames, captured `step_us` apart, with comments in every place that has one."""
    options = b"".join(option(code, text) for code, text in ((1, comment), (2, comment), (3, comment), (4, comment)) if text)
    parts = [block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + options + bytes(4))]
    options = b"".join(option(code, text) for code, text in ((1, comment), (2, interface), (3, interface)) if text)
    parts.append(block(1, struct.pack("<HHI", 1, 0, 262_144) + options + bytes(4)))
    now = wire.START_NS // 1000
    for number, frame in enumerate(frames):
        options = option(1, packet_comment) + bytes(4) if packet_comment and number == 0 else b""
        parts.append(block(6, struct.pack("<IIIII", 0, now >> 32, now & 0xFFFFFFFF, len(frame), len(frame)) + frame
                           + bytes(-len(frame) % 4) + options))
        now += step_us
    if dropped >= 0:
        parts.append(block(5, struct.pack("<III", 0, now >> 32, now & 0xFFFFFFFF) + struct.pack("<HHQ", 5, 8, dropped) + bytes(4)))
    path.write_bytes(b"".join(parts))
    return path


def exchange(request: bytes, response: bytes, client_port: int = 40_000) -> list[bytes]:
    """The frames of a connection with one exchange."""
    return wire.conversation([(0, request), (1, response)], client_port)


def response(body: bytes, media_type: bytes = b"text/html", status: bytes = b"200 OK", fields: bytes = b"") -> bytes:
    """A response with a length."""
    return (b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Length: %d\r\n%b\r\n%b" % (status, media_type, len(body), fields, body))


def request(target: bytes, fields: bytes = b"", body: bytes = b"", method: bytes = b"GET", host: bytes = b"shop.test") -> bytes:
    """A request."""
    length = b"Content-Length: %d\r\n" % len(body) if body else b""
    return b"%b %b HTTP/1.1\r\nHost: %b\r\n%b%b\r\n%b" % (method, target, host, length, fields, body)


def scgi(variables: dict[bytes, bytes], answer: bytes, client_port: int = 40_500) -> list[bytes]:
    """A web server hands a request to an application over SCGI."""
    content = b"".join(name + b"\0" + value + b"\0" for name, value in {b"CONTENT_LENGTH": b"0", b"SCGI": b"1", **variables}.items())
    return wire.conversation([(0, b"%d:%b," % (len(content), content)), (1, answer + b"\r\n\r\nbody")], client_port, 4_000)


def http2(asked: list[tuple[str, str]], answered: list[tuple[str, str]], body: bytes, client_port: int = 40_600) -> list[bytes]:
    """A connection of HTTP/2 with one exchange."""
    def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
        return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload

    request, answer = Encoder().encode(asked), Encoder().encode(answered)
    return wire.conversation([(0, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0) + frame(1, 5, 1, request)),
                              (1, frame(4, 0, 0) + frame(1, 4, 1, answer) + frame(0, 1, 1, body))], client_port)


def dns_name(labels: Iterable[bytes]) -> bytes:
    """A name as it is in a message."""
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def lookup(labels: Iterable[bytes], address: bytes = bytes([10, 0, 0, 2]), client_port: int = 40_900) -> list[bytes]:
    """A query and its answer."""
    name = dns_name(labels)
    question = name + struct.pack(">HH", 1, 1)
    query = struct.pack(">HHHHHH", 7, 0x0100, 1, 0, 0, 0) + question
    answer = struct.pack(">HHHHHH", 7, 0x8180, 1, 1, 0, 0) + question + b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 60, 4) + address
    return [wire.udp(0, query, client_port), wire.udp(1, answer, client_port)]


def shop(path: Path) -> Path:
    """A small visit to a shop: pages, a picture, a form, JSON, errors, a connection that is refused, one that is reset."""
    pixel = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
    frames = lookup([b"shop", b"test"])
    tcp = wire.Tcp(40_001)
    frames += tcp.open()
    for asked, answered in (
            (request(b"/"), response(b"<!doctype html><title>Shop</title><p>Welcome")),
            (request(b"/logo.png"), response(pixel, b"image/png")),
            (request(b"/api/items?page=2", b"Accept: application/json\r\n"),
             response(b'{"items":[1,2,3],"next":null}', b"application/json")),
            (request(b"/order", b"Content-Type: application/x-www-form-urlencoded\r\n", b"item=7&note=a+b", b"POST"),
             response(b"", status=b"201 Created")),
            (request(b"/missing"), response(b"not here", b"text/plain", b"404 Not Found")),
            (request(b"/binary"), response(bytes(range(256)), b"application/octet-stream"))):
        frames += [tcp.frame(0, asked), tcp.frame(1, answered)]
    sent = tcp.frame(0, request(b"/slow", host=b"api.test"))
    frames += [sent, sent, tcp.frame(1, response(b"oops", b"text/plain", b"503 Service Unavailable"))]      # the request is sent again
    frames += tcp.close()
    lost = wire.Tcp(40_002)
    frames += [*lost.open(), lost.frame(0, request(b"/never")), lost.frame(1, flags=wire.RST)]
    refused = wire.Tcp(40_003, 8080)
    frames += [refused.frame(0, flags=wire.SYN), refused.frame(1, flags=wire.RST | wire.ACK)]
    return pcapng(path, frames, dropped=0)


def texts_in(page: bytes) -> str:
    """Everything a report says: its HTML, and its data unpacked."""
    parts = [page.decode()]
    for packed in re.findall(rb'(?:<script type="application/octet-stream" id="data-[a-z0-9]+">|"[a-z0-9]+":")([A-Za-z0-9+/=]+)["<]', page):
        text = zlib.decompress(base64.b64decode(packed)).decode()
        parts.append(text)
        parts += [base64.b64decode(inner).decode("latin-1") for inner in re.findall(r'"d":"([A-Za-z0-9+/=]*)"', text)]
    return "\n".join(parts)
