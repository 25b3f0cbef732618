"""FastCGI: records of both directions of one connection in, requests out.

FastCGI Specification 1.0 (fastcgi-archives.github.io). Several requests may share a connection at once, told apart by
their ids. Records may be cut anywhere and streams of a request into records of any length.
"""

from collections.abc import Iterator

from sniff import limits
from sniff.decode.cgi import CgiFlag, CgiRequest, Place

VERSION = 1
BEGIN_REQUEST, ABORT_REQUEST, END_REQUEST, PARAMS, STDIN, STDOUT, STDERR, DATA = range(1, 9)
GET_VALUES, UNKNOWN_TYPE = 9, 11
HEADER = 8
ROLES = {1: "responder", 2: "authorizer", 3: "filter"}
KEEP_CONN = 1
WHOLE = (BEGIN_REQUEST, END_REQUEST)
"""Records whose content is looked at when it is all here; the others are streams."""


def begins(data: bytes) -> bool:
    """Whether a connection whose client begins like this speaks FastCGI."""
    if len(data) < HEADER or data[0] != VERSION or data[7]:
        return False
    number, length = int.from_bytes(data[2:4], "big"), int.from_bytes(data[4:6], "big")
    if data[1] == BEGIN_REQUEST:
        return (number > 0 and length == 8 and len(data) >= 16 and int.from_bytes(data[8:10], "big") in ROLES
                and data[11:16] == bytes(5))
    return data[1] == GET_VALUES and number == 0 and length > 0 and data[8:12] in (b"\x0e\0FC", b"\x0f\0FC", b"\x10\0FC")


def pairs(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(name, value) of each pair; ends quietly at one that does not fit (section 3.4)."""
    at = 0
    while at < len(data):
        lengths = []
        for _which in range(2):
            if at >= len(data):
                return
            if data[at] < 0x80:
                lengths.append(data[at])
                at += 1
            else:
                lengths.append(int.from_bytes(data[at:at + 4], "big") & 0x7FFFFFFF)
                at += 4
        name, value = lengths
        if at + name + value > len(data):
            return
        yield data[at:at + name], data[at + name:at + name + value]
        at += name + value


class _Direction:
    """Where one direction stands in its records.

    head  bytes of a header that is not whole
    kind, number   of the record at hand
    left, padding  bytes of it that have not come
    whole          content of a record that is looked at as a whole
    """

    __slots__ = ("head", "kind", "left", "lost", "number", "padding", "place", "whole")

    def __init__(self) -> None:
        self.head = b""
        self.kind = self.number = self.left = self.padding = 0
        self.whole = b""
        self.lost = False
        self.place = Place(0, 0, -1)


class FastCgiReader:
    """One connection. Feed data() and gap() in stream order and end() at its end; `done` collects what is complete.

    held  bytes kept for requests that are not complete
    """

    def __init__(self, stream: int) -> None:
        self.done: list[CgiRequest] = []
        self.held = 0
        self._stream = stream
        self._open: dict[int, CgiRequest] = {}
        self._params: dict[int, bytearray] = {}
        self._directions = (_Direction(), _Direction())

    def data(self, direction: int, data: bytes, place: Place) -> None:
        """The next bytes of a direction: 0 from the web server, 1 from the application."""
        state = self._directions[direction]
        at = 0
        while at < len(data) and not state.lost:
            if state.left or state.padding:
                part = data[at:at + state.left]
                at += len(part)
                state.left -= len(part)
                if part:
                    self._content(state, part, place)
                skip = min(state.padding, len(data) - at) if not state.left else 0
                at += skip
                state.padding -= skip
                continue
            if not state.head:
                state.place = Place(place.packet, place.ts_ns, place.offset + at if place.offset >= 0 else -1)
            take = data[at:at + HEADER - len(state.head)]
            state.head += take
            at += len(take)
            if len(state.head) == HEADER:
                self._header(state, place)

    def gap(self, direction: int, length: int) -> None:
        """So many bytes are missing. Within one record's content or padding reading goes on behind them."""
        state = self._directions[direction]
        inside = min(length, state.left)
        state.left -= inside
        padding = min(length - inside, 0 if state.left else state.padding)
        state.padding -= padding
        state.lost = state.lost or inside + padding < length
        for request in self._open.values():
            if state.lost or (inside and request.number == state.number):
                request.flags |= CgiFlag.GAP
        cut = self._open.get(state.number)
        if cut is not None and inside and state.kind in (STDIN, STDOUT):
            (cut.request if state.kind == STDIN else cut.response).length += inside

    def end(self, place: Place) -> None:
        """The connection is over."""
        for request in self._open.values():
            request.flags |= CgiFlag.UNFINISHED
            self._finish_params(request)
            self.done.append(request)
        self._open.clear()
        self._params.clear()
        self.held = 0

    def _header(self, state: _Direction, place: Place) -> None:
        head, state.head = state.head, b""
        if head[0] != VERSION or not 1 <= head[1] <= UNKNOWN_TYPE:
            state.lost = True
            for other in self._open.values():
                other.flags |= CgiFlag.MALFORMED
            return
        state.kind = head[1]
        state.number = int.from_bytes(head[2:4], "big")
        state.left, state.padding = int.from_bytes(head[4:6], "big"), head[6]
        state.whole = b""
        request = self._open.get(state.number)
        if request is not None:
            request.last_packet, request.last_ns = place.packet, place.ts_ns
        if not state.left:
            if state.kind == PARAMS and request is not None:
                self._finish_params(request)
            elif state.kind == ABORT_REQUEST and request is not None:
                request.flags |= CgiFlag.ABORTED

    def _content(self, state: _Direction, part: bytes, place: Place) -> None:
        if state.kind in WHOLE:
            state.whole += part[:8 - len(state.whole)]
            if not state.left:
                self._begin(state, place) if state.kind == BEGIN_REQUEST else self._end_request(state, place)
            return
        request = self._open.get(state.number)
        if request is None:
            return
        request.last_packet, request.last_ns = place.packet, place.ts_ns
        if state.kind == PARAMS:
            params = self._params.setdefault(state.number, bytearray())
            more = part[:max(0, limits.SHORT_HEAD_BYTES - len(params))]
            params += more
            self.held += len(more)
            if len(more) < len(part):
                request.flags |= CgiFlag.CUT
        elif state.kind == STDIN:
            self.held += request.request.add(part)
        elif state.kind == STDOUT:
            self.held += request.answer(part, place.ts_ns)
        elif state.kind == STDERR:
            self.held += request.complain(part)

    def _begin(self, state: _Direction, place: Place) -> None:
        if len(state.whole) < 8 or not state.number:
            return
        before = self._open.pop(state.number, None)
        if before is not None:      # an id is free again only when its request has ended
            before.flags |= CgiFlag.UNFINISHED
            self._finish_params(before)
            self.done.append(before)
        while len(self._open) >= limits.PENDING_EXCHANGES:
            oldest = self._open.pop(next(iter(self._open)))
            oldest.flags |= CgiFlag.UNFINISHED
            self._finish_params(oldest)
            self.done.append(oldest)
        role = ROLES.get(int.from_bytes(state.whole[:2], "big"), "unknown")
        begun = state.place
        self._open[state.number] = CgiRequest(
            "fastcgi", self._stream, state.number, role, bool(state.whole[2] & KEEP_CONN), first_packet=begun.packet,
            first_ns=begun.ts_ns, last_packet=place.packet, last_ns=place.ts_ns, offset=begun.offset)

    def _end_request(self, state: _Direction, place: Place) -> None:
        request = self._open.pop(state.number, None)
        if request is None or len(state.whole) < 5:
            return
        request.app_status = int.from_bytes(state.whole[:4], "big")
        request.protocol_status = state.whole[4]
        request.last_packet, request.last_ns = place.packet, place.ts_ns
        self._finish_params(request)
        self.done.append(request)
        if not self._open:
            self.held = 0

    def _finish_params(self, request: CgiRequest) -> None:
        params = self._params.pop(request.number, None)
        if params is not None:
            request.variables += pairs(bytes(params))
