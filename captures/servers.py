"""Small servers that `record.py` starts: what nginx and `python -m http.server` do not do by themselves.

    python captures/servers.py NAME ADDRESS PORT

NAME is one of the functions in SERVERS. Each serves until it is killed.
"""

import http.server
import select
import socket
import socketserver
import struct
import sys
import time
from collections.abc import Callable

Server = Callable[[str, int], None]


class Quiet(http.server.BaseHTTPRequestHandler):
    """HTTP/1.1 with keep-alive, and nothing on standard error."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        """Stay quiet."""

    def answer(self, body: bytes, content_type: str = "text/plain; charset=utf-8", status: int = 200) -> None:
        """One response with a Content-Length."""
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def start_chunks(self, content_type: str = "text/plain; charset=utf-8") -> None:
        """The head of a chunked response."""
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def chunk(self, data: bytes, extension: str = "") -> None:
        """One chunk; the empty one ends the body but leaves trailers to the caller."""
        self.wfile.write(b"%x%s\r\n" % (len(data), extension.encode()) + (data + b"\r\n" if data else b""))
        self.wfile.flush()


def threading_server(handler: type[Quiet]) -> Server:
    """A server that runs `handler`, one thread a connection."""

    class HTTPServer(http.server.ThreadingHTTPServer):
        address_family = socket.AF_INET

    return lambda address, port: HTTPServer((address, port), handler).serve_forever()


class Forms(Quiet):
    """Says how many bytes it was sent; answers `Expect: 100-continue`, and refuses what is posted to /closed."""

    def handle_expect_100(self) -> bool:
        """Refuse before the body comes, or let it come."""
        if self.path == "/closed":
            self.close_connection = True
            self.answer(b"no\n", status=413)
            return False
        return super().handle_expect_100()

    def do_POST(self) -> None:
        """Read the body, whichever way it is framed."""
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            length = 0
            while size := int(self.rfile.readline().split(b";")[0], 16):
                length += len(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
        else:
            length = len(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        self.answer(
            b'{"received": %d, "type": "%s"}\n' % (length, self.headers.get("Content-Type", "").split(";")[0].encode()),
            "application/json",
            201,
        )

    do_PUT = do_POST
    do_PATCH = do_POST


class Slow(Quiet):
    """/wait thinks before it answers, /drip sends its body bit by bit."""

    def do_GET(self) -> None:
        """Answer late or slowly."""
        if self.path == "/wait":
            time.sleep(1.2)
            self.answer(b"at last\n")
        else:
            self.start_chunks()
            for word in [b"every ", b"word ", b"a ", b"packet\n"]:
                self.chunk(word)
                time.sleep(0.15)
            self.chunk(b"")
            self.wfile.write(b"\r\n")


class Chunks(Quiet):
    """Chunked bodies in the forms that RFC 9112 section 7.1 allows."""

    def do_GET(self) -> None:
        """Chunks with extensions and with trailers."""
        self.start_chunks("text/html" if self.path.endswith("html") else "text/plain")
        self.chunk(b"<p>one chunk" if self.path.endswith("html") else b"one chunk")
        self.chunk(b", another" * 40, ';name="value"' if "extension" in self.path else "")
        self.chunk(b"")
        self.wfile.write(b"X-Checksum: 4a\r\nX-Trailer: yes\r\n\r\n" if "trailer" in self.path else b"\r\n")


class Broken(Quiet):
    """Ends connections in the middle of a body: /reset by RST, everything else by FIN."""

    def do_GET(self) -> None:
        """Promise 1000 bytes and send fewer."""
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"only this much\n")
        self.wfile.flush()
        time.sleep(0.1)
        if self.path == "/reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        self.close_connection = True

    def finish(self) -> None:
        """The connection may be closed already."""
        if self.connection.fileno() >= 0:
            super().finish()


class Proxy(Quiet):
    """A forward proxy: CONNECT, and GET with an absolute URI."""

    def do_CONNECT(self) -> None:
        """Join both connections until one end closes."""
        host, _, port = self.path.rpartition(":")
        with socket.create_connection((host, int(port))) as server:
            self.send_response_only(200, "Connection established")
            self.end_headers()
            sides = {self.connection: server, server: self.connection}
            while True:
                for side in select.select(list(sides), [], [])[0]:
                    data = side.recv(65536)
                    if not data:
                        self.close_connection = True
                        return
                    sides[side].sendall(data)

    def do_GET(self) -> None:
        """Answer in the server's place."""
        self.answer(f"you asked for {self.path}\n".encode())


def echo(address: str, port: int) -> None:
    """No HTTP at all: sends back what comes."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            while data := self.request.recv(4096):
                self.request.sendall(data)

    with socketserver.ThreadingTCPServer((address, port), Handler) as server:
        server.serve_forever()


SERVERS: dict[str, Server] = {
    "forms": threading_server(Forms),
    "slow": threading_server(Slow),
    "chunks": threading_server(Chunks),
    "broken": threading_server(Broken),
    "proxy": threading_server(Proxy),
    "echo": echo,
}

if __name__ == "__main__":
    SERVERS[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
