"""SCGI and uwsgi: one request a connection, variables first, then the body; the response until the end.

SCGI: python.ca/scgi/protocol.txt. uwsgi: uwsgi-docs.readthedocs.io/en/latest/Protocol.html.
"""

from collections.abc import Iterator

from sniff import limits
from sniff.decode.cgi import CgiFlag, CgiRequest, Place

SCGI_LENGTH = 6             # digits of a netstring's length that are believed
SCGI_FIRST = b"CONTENT_LENGTH\0"
UWSGI_HEADER = 4
LONGEST_NAME = 64


def begins_scgi(data: bytes) -> bool:
    """Whether a connection whose client begins like this speaks SCGI: `70:CONTENT_LENGTH\\0`."""
    digits, colon, rest = data[:SCGI_LENGTH + 1 + len(SCGI_FIRST)].partition(b":")
    return bool(colon) and digits.isdigit() and 0 < len(digits) <= SCGI_LENGTH and rest.startswith(SCGI_FIRST)


def begins_uwsgi(data: bytes) -> bool:
    """Whether it speaks uwsgi: a header of four bytes, and a variable with a name that looks like one."""
    if len(data) < 12 or data[0] or data[3]:
        return False
    size, name = int.from_bytes(data[1:3], "little"), int.from_bytes(data[4:6], "little")
    word = data[6:6 + name]
    return (2 < name <= LONGEST_NAME and name + 4 <= size and len(word) == name
            and all(65 <= byte <= 90 or byte == 95 or 48 <= byte <= 57 for byte in word))


def scgi_variables(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and values, each with a NUL behind it."""
    parts = data.split(b"\0")
    yield from zip(parts[:-1:2], parts[1::2], strict=False)


def uwsgi_variables(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and values, each with two bytes of length in front of it, least first."""
    at, found = 0, []
    while at + 2 <= len(data):
        length = int.from_bytes(data[at:at + 2], "little")
        if at + 2 + length > len(data):
            break
        found.append(data[at + 2:at + 2 + length])
        at += 2 + length
    yield from zip(found[::2], found[1::2], strict=False)


class ScgiReader:
    """One connection of either protocol; as FastCgiReader."""

    def __init__(self, stream: int, *, uwsgi: bool = False) -> None:
        self.done: list[CgiRequest] = []
        self.held = 0
        self._uwsgi = uwsgi
        self._request = CgiRequest("uwsgi" if uwsgi else "scgi", stream)
        self._front = bytearray()   # header and variables, until they are whole
        self._size = -1             # how many bytes that will be; -1 as long as nobody knows
        self._over = False

    def data(self, direction: int, data: bytes, place: Place) -> None:
        """The next bytes of a direction: 0 from the web server, 1 from the application."""
        request = self._request
        if not request.first_packet:
            request.first_packet, request.first_ns, request.offset = place.packet, place.ts_ns, place.offset
        request.last_packet, request.last_ns = place.packet, place.ts_ns
        if direction:
            self.held += request.answer(data, place.ts_ns)
        elif self._over:
            self.held += request.request.add(data)
        else:
            self._variables(data)

    def _variables(self, data: bytes) -> None:
        self._front += data
        front = self._front
        start = UWSGI_HEADER
        if self._uwsgi and len(front) >= UWSGI_HEADER:
            self._size = UWSGI_HEADER + int.from_bytes(front[1:3], "little")
        elif not self._uwsgi and b":" in front[:SCGI_LENGTH + 1]:
            start = front.index(b":") + 1
            if not front[:start - 1].isdigit():
                self._request.flags |= CgiFlag.MALFORMED
                self._over = True
                self._front = bytearray()
                return
            self._size = start + int(front[:start - 1]) + 1      # a comma ends it
        self.held += len(data)
        if 0 <= self._size <= len(front):
            known = bytes(front[start:self._size - (0 if self._uwsgi else 1)])
            self._request.variables += uwsgi_variables(known) if self._uwsgi else scgi_variables(known)
            self._over = True
            self._front = bytearray()
            self._request.request.add(bytes(front[self._size:]))
        elif len(front) > limits.SHORT_HEAD_BYTES:
            self._request.flags |= CgiFlag.CUT
            self._over = True
            self._front = bytearray()

    def gap(self, direction: int, length: int) -> None:
        """So many bytes are missing."""
        request = self._request
        request.flags |= CgiFlag.GAP
        if direction:
            request.response.length += length
        elif self._over:
            request.request.length += length
        else:
            self._over = True
            self._front = bytearray()

    def end(self, place: Place) -> None:
        """The connection is over; that is how a response ends."""
        if not self._request.first_packet:
            return
        if not self._request.status:
            self._request.flags |= CgiFlag.UNFINISHED
        self.done.append(self._request)
        self._request = CgiRequest(self._request.protocol, self._request.stream)
        self.held = 0
