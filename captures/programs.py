"""Small network programs, as one writes them when one learns how: `record.py` runs them on loopback.

    python captures/programs.py NAME PORT

Each serves until it is killed; `application` is what gunicorn runs.
"""

import selectors
import socket
import sys
import threading
import time
from collections.abc import Callable

Environ = dict[str, object]


def echo(port: int) -> None:
    """A TCP server on sockets: a thread for each client, every line comes back in capitals."""
    def serve(connection: socket.socket) -> None:
        with connection, connection.makefile("rwb", 0) as lines:
            for line in lines:
                lines.write(line.upper())

    with socket.create_server(("127.0.0.1", port)) as server:
        while True:
            connection, _address = server.accept()
            threading.Thread(target=serve, args=(connection,), daemon=True).start()


def events(port: int) -> None:
    """An HTTP server that waits for all its clients at once (epoll), in one thread."""
    chosen = selectors.DefaultSelector()
    server = socket.create_server(("127.0.0.1", port))
    server.setblocking(False)
    chosen.register(server, selectors.EVENT_READ)
    requests: dict[socket.socket, bytes] = {}
    while True:
        for key, _events in chosen.select():
            one = key.fileobj
            assert isinstance(one, socket.socket)
            if one is server:
                connection, _address = server.accept()
                connection.setblocking(False)
                chosen.register(connection, selectors.EVENT_READ)
                requests[connection] = b""
                continue
            data = one.recv(4096)
            requests[one] += data
            if b"\r\n\r\n" in requests[one]:
                path = requests[one].split(b" ", 2)[1]
                body = b"you asked for " + path + b"\n"
                one.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n"
                            b"Connection: close\r\n\r\n%s" % (len(body), body))
                data = b""
            if not data:
                chosen.unregister(one)
                del requests[one]
                one.close()


def address(port: int) -> None:
    """A service that tells its clients their address, in plain text."""
    with socket.create_server(("127.0.0.1", port)) as server:
        while True:
            connection, (client, _port) = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s\n"
                                   % (len(client) + 1, client.encode()))


def scgi(port: int) -> None:
    """An application that speaks SCGI: it thinks a little, says what it was asked for, and sends back what it was sent."""
    with socket.create_server(("127.0.0.1", port)) as server:
        while True:
            connection, _address = server.accept()
            with connection, connection.makefile("rb") as stream:
                size = b""
                while (digit := stream.read(1)) not in (b":", b""):
                    size += digit
                parts = stream.read(int(size or 0)).split(b"\0")
                stream.read(1)
                variables = dict(zip(parts[::2], parts[1::2], strict=False))
                body = stream.read(int(variables.get(b"CONTENT_LENGTH") or 0))
                time.sleep(0.05)
                words = b" ".join(variables.get(name, b"?") for name in (b"REQUEST_METHOD", b"REQUEST_URI"))
                connection.sendall(b"Status: 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + words + b"\n" + body)


def application(environ: Environ, start_response: Callable[..., object]) -> object:
    """A small Werkzeug application: a form, a cookie, JSON."""
    import json

    from werkzeug.wrappers import Request, Response
    request = Request(environ)
    if request.path == "/bigdata" and request.method == "POST":
        response = Response(f"hello, {request.form['name']}\n", content_type="text/plain; charset=utf-8")
        response.set_cookie("name", "big")
    elif request.path == "/numbers":
        if "slow" in request.args:
            time.sleep(0.6)
        seen = sorted(request.cookies)
        response = Response(json.dumps({"numbers": list(range(10)), "cookies": seen}), content_type="application/json")
    else:
        response = Response("there is no such page\n", status=404, content_type="text/plain")
    return response(environ, start_response)


PROGRAMS = {"echo": echo, "events": events, "address": address, "scgi": scgi}

if __name__ == "__main__":
    PROGRAMS[sys.argv[1]](int(sys.argv[2]))
