"""CgiRequest: a request as a web server hands it to an application over FastCGI, SCGI or uwsgi, and what came back.

All three carry the variables of CGI (RFC 3875) and a body in, and a CGI response, or an HTTP one, out.
"""

from dataclasses import dataclass, field
from enum import IntFlag

from sniff import limits

STDERR_BYTES = 64 << 10
HEAD_ENDS = (b"\r\n\r\n", b"\n\n")
NO_HEAD = (b"\r\n", b"\n")


class CgiFlag(IntFlag):
    """What is odd about a request."""

    UNFINISHED = 1      # the connection or the capture ended first
    GAP = 2             # bytes are missing from the capture
    CUT = 4             # variables, head or standard error were longer than what is kept
    ABORTED = 8         # the web server gave it up
    MALFORMED = 16      # what follows on this connection could not be read


NOTHING_ODD = CgiFlag(0)


@dataclass(slots=True)
class Body:
    """How long a body is, and its first bytes."""

    length: int = 0
    prefix: bytes = b""

    def add(self, data: bytes) -> int:
        """More of it; bytes that are kept."""
        self.length += len(data)
        more = data[:max(0, limits.BODY_PREFIX - len(self.prefix))]
        self.prefix += more
        return len(more)


@dataclass(slots=True)
class CgiRequest:
    """One request and its response.

    protocol       fastcgi, scgi or uwsgi
    stream         tcp.stream
    number         FastCGI's request id: several may share a connection at once; 0 elsewhere
    role           responder, authorizer or filter
    variables      CGI variables in their order, as sent
    request        the body: what the application reads from its standard input
    head           of the response, up to the empty line, without it
    response       the body of the response
    errors         what the application wrote to its standard error
    app_status, protocol_status   of the end of a FastCGI request; -1 when it did not come
    ended_packet   with which it was known to be over
    first_packet, last_packet, first_ns, answer_ns, last_ns   answer_ns: first byte of the response, 0 when none came
    offset         where the first byte of the request stands in the store; last_offset: of what ended it
    ends           (IP version, address of the web server in two columns, its port, the same of the application); None: not known
    """

    protocol: str
    stream: int
    number: int = 0
    role: str = "responder"
    keep: bool = False
    variables: list[tuple[bytes, bytes]] = field(default_factory=list)
    request: Body = field(default_factory=Body)
    head: bytearray = field(default_factory=bytearray)
    response: Body = field(default_factory=Body)
    errors: bytearray = field(default_factory=bytearray)
    app_status: int = -1
    protocol_status: int = -1
    flags: CgiFlag = NOTHING_ODD
    first_packet: int = 0
    last_packet: int = 0
    ended_packet: int = 0
    first_ns: int = 0
    answer_ns: int = 0
    last_ns: int = 0
    offset: int = -1
    last_offset: int = -1
    ends: tuple[int, ...] | None = None
    _headed: bool = False

    def get(self, name: bytes) -> bytes:
        """A variable, the first one of that name; empty when there is none."""
        return next((value for key, value in self.variables if key == name), b"")

    @property
    def method(self) -> bytes:
        return self.get(b"REQUEST_METHOD")

    @property
    def target(self) -> bytes:
        """What the client asked for: REQUEST_URI, else put together from SCRIPT_NAME, PATH_INFO and QUERY_STRING."""
        query = self.get(b"QUERY_STRING")
        made = self.get(b"SCRIPT_NAME") + self.get(b"PATH_INFO") + (b"?" + query if query else b"")
        return self.get(b"REQUEST_URI") or made

    @property
    def url(self) -> bytes:
        """The whole URL, as far as the variables tell it."""
        scheme = self.get(b"REQUEST_SCHEME") or (b"https" if self.get(b"HTTPS").lower() in (b"on", b"1") else b"http")
        host = self.get(b"HTTP_HOST") or self.get(b"SERVER_NAME")
        return scheme + b"://" + host + self.target if host and self.target.startswith(b"/") else self.target

    @property
    def fields(self) -> list[tuple[bytes, bytes]]:
        """Header fields of the response."""
        found = []
        for line in bytes(self.head).replace(b"\r\n", b"\n").split(b"\n"):
            name, colon, value = line.partition(b":")
            if colon and name and b" " not in name:
                found.append((name, value.strip()))
        return found

    @property
    def status(self) -> int:
        """Status of the response (RFC 3875 section 6.3.3): 200 when it names none, 302 with Location; 0 without response."""
        if not self.answer_ns or not self._headed:
            return 0
        line = bytes(self.head).split(b"\n", 1)[0].split()
        if line[:1] and line[0].startswith(b"HTTP/") and len(line) > 1:
            return _status(line[1])
        known = {name.lower(): value for name, value in reversed(self.fields)}
        if b"status" in known:
            return _status(known[b"status"].split(b" ", 1)[0])
        return 302 if b"location" in known else 200

    def answer(self, data: bytes, ts_ns: int) -> int:
        """More of the response; bytes that are kept."""
        if not data:
            return 0
        self.answer_ns = self.answer_ns or ts_ns
        if self._headed:
            return self.response.add(data)
        before = len(self.head)
        self.head += data
        search = max(0, before - 3)
        found = [(at, len(mark)) for mark in HEAD_ENDS if (at := self.head.find(mark, search)) >= 0]
        found += [(0, len(mark)) for mark in NO_HEAD if before < len(mark) and self.head.startswith(mark)]
        if found:
            at, length = min(found)
            body = bytes(self.head[at + length:])
            del self.head[at:]
            self._headed = True
            return len(self.head) - before + self.response.add(body)
        if len(self.head) > limits.SHORT_HEAD_BYTES:
            self.flags |= CgiFlag.CUT
            self._headed = True
            del self.head[limits.SHORT_HEAD_BYTES:]
        return len(self.head) - before

    def complain(self, data: bytes) -> int:
        """More of standard error; bytes that are kept."""
        more = data[:max(0, STDERR_BYTES - len(self.errors))]
        self.errors += more
        if len(more) < len(data):
            self.flags |= CgiFlag.CUT
        return len(more)


def _status(text: bytes) -> int:
    return int(text) if len(text) == 3 and text.isdigit() else 0


class Place:
    """Where bytes come from: frame.number and time of the packet that carried them, and their offset in the store."""

    __slots__ = ("offset", "packet", "ts_ns")

    def __init__(self, packet: int, ts_ns: int, offset: int) -> None:
        self.packet = packet
        self.ts_ns = ts_ns
        self.offset = offset
