"""Message: one HTTP message as an object, made from its row of AppBatch.messages only when somebody looks at it.

The row (decode/columns.py, M_*) says where the message is and how it was framed; the head says the rest. A head is read
leniently: what a peer could have meant is what you get, and what was odd about it is a flag.
"""

import re
from collections.abc import Iterator
from functools import cached_property

from sniff import limits
from sniff.decode import columns as c
from sniff.decode import fields as values
from sniff.decode.batch import AppBatch
from sniff.decode.columns import Framing, MessageFlag
from sniff.packets.batch import Table

_BLANK = b" \t\r\x0b\x0c"
_ODD = bytes(range(33)) + b"\x7f"
"""Control characters and space: never part of a name that means something."""

_LONE_CR = re.compile(rb"\r(?=[^\r\n \t])")
_LINES = re.compile(rb"\n|\r(?=[^\r\n])")

_FLAG_WORDS: dict[int, list[str]] = {}
_CLEAN = re.compile(rb"[^\r\n\0]+\r?\n(?:[!-9;-~\x80-\xff]+:[^\r\n\0]*\r?\n)*(?:\r?\n)?")
"""A head without folded lines, lone CRs and NULs, in which nothing odd stands in any name: a field can be found by its name alone."""

TRANSFER_CODINGS = ("gzip", "x-gzip", "deflate")
"""Transfer codings that compress (RFC 9112 section 7.2)."""

Fields = list[tuple[bytes, bytes]]


def messages_of(batch: AppBatch) -> Iterator["Message"]:
    """The HTTP messages that ended in a batch, in the order in which they ended. They outlive the batch."""
    if not batch.messages.shape[1]:
        return
    buffers = (batch.streams.packets.data.data, batch.heads.data)
    for row in batch.messages.T.tolist():
        yield _message(row, buffers)


def message_at(batch: AppBatch, index: int, table: Table) -> "Message":
    """One message of a batch: column `index` of `table`, which is its `messages` or its `begun`. It outlives the batch."""
    return _message(table[:, index].tolist(), (batch.streams.packets.data.data, batch.heads.data))


def _message(row: list[int], buffers: tuple[memoryview, memoryview]) -> "Message":
    start, prefix = row[c.M_HEAD_START], row[c.M_PREFIX_START]
    return Message(row, bytes(buffers[row[c.M_HEAD_BUFFER]][start:start + row[c.M_HEAD_KEPT]]),
                   bytes(buffers[row[c.M_PREFIX_BUFFER]][prefix:prefix + row[c.M_PREFIX_LEN]]))


class Message:
    """One request or response.

    row     the M_* columns of the message (sniff/decode/columns.py)
    head    start line, fields and the empty line as they were, up to limits.HEAD_BYTES
    prefix  the first bytes of the body, chunk framing removed, codings not; up to limits.BODY_PREFIX

    Names and values are bytes as they were on the wire; properties that say `str` are readings of them.
    """

    scheme = "http"
    """Of the URL, where the target does not say it."""

    def __init__(self, row: list[int], head: bytes, prefix: bytes = b"") -> None:
        self.row = row
        self.head = head
        self.prefix = prefix
        self._known: bytes | None = None
        self._clean: bool | None = None
        self._start: tuple[bytes, bytes, bytes] | None = None

    def __repr__(self) -> str:
        return f"<Message {self.first_packet}..{self.last_packet} {values.text(self.start_line)!r}>"

    @property
    def id(self) -> int:
        """A number that no other message of the capture has."""
        return self.row[c.M_ID]

    # --- where and when ---------------------------------------------------------------------------------------------

    @property
    def is_response(self) -> bool:
        """True for a response, False for a request."""
        return bool(self.row[c.M_IS_RESPONSE])

    @property
    def stream(self) -> int:
        """tcp.stream."""
        return self.row[c.M_STREAM]

    @property
    def direction(self) -> int:
        """0 when it came from the client, 1 from the server."""
        return self.row[c.M_DIRECTION]

    @property
    def sequence(self) -> int:
        """Number of a request in its connection; of a response: of the request it answers by counting, or -1."""
        return self.row[c.M_SEQUENCE]

    @property
    def first_packet(self) -> int:
        """frame.number of the packet with the first byte."""
        return self.row[c.M_FIRST_PACKET]

    @property
    def head_packet(self) -> int:
        """frame.number of the packet with the last byte of the head."""
        return self.row[c.M_HEAD_PACKET]

    @property
    def last_packet(self) -> int:
        """frame.number of the packet with the last byte."""
        return self.row[c.M_LAST_PACKET]

    @property
    def first_ns(self) -> int:
        """Time of the first byte, nanoseconds since 1970."""
        return self.row[c.M_FIRST_NS]

    @property
    def head_ns(self) -> int:
        """Time of the last byte of the head."""
        return self.row[c.M_HEAD_NS]

    @property
    def last_ns(self) -> int:
        """Time of the last byte."""
        return self.row[c.M_LAST_NS]

    @property
    def stream_offset(self) -> int:
        """Bytes of this direction of the stream before the message."""
        return self.row[c.M_STREAM_OFFSET]

    @property
    def body_offset(self) -> int:
        """Bytes of this direction of the stream before the body."""
        return self.row[c.M_STREAM_OFFSET] + self.row[c.M_HEAD_LEN]

    @property
    def store_offset(self) -> int:
        """Where the first byte stands in the store."""
        return self.row[c.M_STORE_OFFSET]

    @property
    def head_length(self) -> int:
        """Bytes of start line, fields and empty line."""
        return self.row[c.M_HEAD_LEN]

    @property
    def body_wire(self) -> int:
        """Bytes of the stream that the body took, chunk framing included."""
        return self.row[c.M_BODY_WIRE]

    @property
    def body_length(self) -> int:
        """Bytes of the body, chunk framing removed, content codings not."""
        return self.row[c.M_BODY_LEN]

    @property
    def gap_bytes(self) -> int:
        """Bytes of the message that were not captured."""
        return self.row[c.M_GAP_BYTES]

    @property
    def framing(self) -> Framing:
        """How the end of the body was found."""
        return Framing(self.row[c.M_FRAMING])

    # --- what is true of it -----------------------------------------------------------------------------------------

    @property
    def flags(self) -> int:
        """Bits of MessageFlag."""
        return self.row[c.M_FLAGS]

    @property
    def flag_words(self) -> list[str]:
        """The flags as words: `complete`, `gap`, `resync` ..."""
        value = self.flags
        words = _FLAG_WORDS.get(value)
        if words is None:
            words = [flag.name.lower() for flag in MessageFlag if value & flag]
            if len(_FLAG_WORDS) < 4096:
                _FLAG_WORDS[value] = words
        return list(words)

    @property
    def complete(self) -> bool:
        """Every byte of it was seen, up to its proper end."""
        return bool(self.flags & MessageFlag.COMPLETE) and not self.flags & MessageFlag.GAP

    # --- start line -------------------------------------------------------------------------------------------------

    @property
    def start_line(self) -> bytes:
        """The start line without its line end; empty for the response of HTTP/0.9, which has none."""
        return self.head[:self._start_line_end].rstrip(b"\r\n")

    @property
    def _start_line_end(self) -> int:
        """Index after the start line: after its LF, or after a lone CR that field lines follow."""
        head = self.head
        end = head.find(b"\n") + 1 or len(head)
        if head.find(b"\r", 0, max(end - 2, 0)) < 0:
            return end
        lone = _LONE_CR.search(head, 0, end)
        return lone.end() if lone else end

    @property
    def _words(self) -> tuple[bytes, bytes, bytes]:
        words = self._start
        if words is None:
            read = read_status_line if self.row[c.M_IS_RESPONSE] else read_request_line
            words = self._start = read(self.start_line)
        return words

    @property
    def method(self) -> bytes:
        """http.request.method; empty for a response."""
        return b"" if self.row[c.M_IS_RESPONSE] else self._words[0]

    @property
    def target(self) -> bytes:
        """http.request.uri: the request target as it was sent; empty for a response."""
        return b"" if self.row[c.M_IS_RESPONSE] else self._words[1]

    @property
    def version(self) -> str:
        """`HTTP/1.1` as it was written; `HTTP/0.9` where nothing was."""
        word = self._words[0] if self.row[c.M_IS_RESPONSE] else self._words[2]
        return values.text(word) if word else "HTTP/0.9"

    @property
    def status(self) -> int:
        """http.response.code; 0 for a request and where there is none."""
        return self.row[c.M_STATUS]

    @property
    def reason(self) -> bytes:
        """http.response.phrase; may be empty."""
        return self._words[2] if self.row[c.M_IS_RESPONSE] else b""

    # --- header fields ----------------------------------------------------------------------------------------------

    @cached_property
    def fields(self) -> Fields:
        """[(name, value)] in order, raw bytes; folded lines joined with one space, white space around both removed.

        A line without a colon is a name with an empty value. At most limits.HEAD_FIELDS.
        """
        return read_fields(self.head[self._start_line_end:])

    @cached_property
    def _by_name(self) -> dict[bytes, list[bytes]]:
        found: dict[bytes, list[bytes]] = {}
        for name, value in self.fields:
            key = name.lower()
            if not key.isascii() or not key.isalnum():
                key = key.translate(None, _ODD)  # `Content\0-Encoding` and `Content-Encoding :` mean the same to many
            found.setdefault(key, []).append(value)
        return found

    def get(self, name: bytes, default: bytes = b"") -> bytes:
        """The first value of a field, by its name in lower case."""
        known = self._known
        if known is None:
            known = self._known = self.head.lower() if self.is_clean else b""
        if known and "_by_name" not in self.__dict__:
            return self._look_up(known, name, default)
        found = self._by_name.get(name)
        return found[0] if found else default

    def _look_up(self, known: bytes, name: bytes, default: bytes) -> bytes:
        """`get` without reading all fields, in a head whose lines are all plain; `known` is the head in lower case."""
        at = known.find(b"\n" + name)
        while at >= 0:
            at += 1 + len(name)
            end = known.find(b"\n", at)
            colon = at if known[at] == 0x3A else known.find(b":", at, end)
            if colon >= 0 and (colon == at or not known[at:colon].strip(_BLANK)):
                return self.head[colon + 1:end].strip(_BLANK)
            at = known.find(b"\n" + name, end)
        return default

    def get_all(self, name: bytes) -> list[bytes]:
        """All values of a field, by its name in lower case."""
        if "_by_name" not in self.__dict__ and self.is_clean and b"\n" + name not in self.head.lower():
            return []
        return self._by_name.get(name, [])

    @property
    def is_clean(self) -> bool:
        """Whether every line of the head is a name without anything odd in it, a colon and a value."""
        if self._clean is None:
            self._clean = _CLEAN.fullmatch(self.head) is not None
        return self._clean

    def text(self, name: bytes) -> str:
        """The first value of a field as text; empty when there is none."""
        return values.text(self.get(name))

    @property
    def host(self) -> bytes:
        """http.host: the Host field."""
        return self.get(b"host")

    @property
    def user_agent(self) -> bytes:
        """http.user_agent."""
        return self.get(b"user-agent")

    @cached_property
    def _content_type(self) -> tuple[bytes, dict[str, bytes]]:
        return values.parameters(self.get(b"content-type"))

    def forget(self) -> None:
        """Let go of what was read from the head; it is read again when somebody asks. For whoever keeps many messages."""
        for name in ("fields", "_by_name", "_content_type", "content_codings", "transfer_codings"):
            self.__dict__.pop(name, None)
        self._known = None

    @property
    def media_type(self) -> str:
        """The media type that the header claims, in lower case and without parameters; empty when it claims none."""
        return values.text(self._content_type[0]).lower()

    @property
    def media_parameters(self) -> dict[str, bytes]:
        """Parameters of Content-Type: {name in lower case: value}."""
        return self._content_type[1]

    @property
    def content_length(self) -> int:
        """http.content_length: what the header claims, -1 when it is missing or no number."""
        value = values.number(self.get(b"content-length").strip())
        return -1 if value is None else value

    @cached_property
    def content_codings(self) -> list[str]:
        """Content codings in the order in which they were applied, in lower case, `identity` left out."""
        return codings(self.get_all(b"content-encoding"))

    @cached_property
    def transfer_codings(self) -> list[str]:
        """Transfer codings in the order in which they were applied, in lower case, without `chunked` and `identity`."""
        return [name for name in codings(self.get_all(b"transfer-encoding")) if name in TRANSFER_CODINGS]

    @property
    def codings(self) -> list[str]:
        """Everything that must be undone to read the body, in the order in which it was applied."""
        return self.content_codings + self.transfer_codings

    @property
    def file_name(self) -> str:
        """The name that Content-Disposition gives to the body; empty when it gives none. A claim, not a safe name."""
        for value in self.get_all(b"content-disposition"):
            name = values.file_name(value)
            if name:
                return name
        return ""

    @property
    def content_range(self) -> values.ContentRange | None:
        """Content-Range, when it is one of bytes."""
        value = self.get(b"content-range")
        return values.content_range(value) if value else None


# --- reading a head ---------------------------------------------------------------------------------------------------


def read_request_line(line: bytes) -> tuple[bytes, bytes, bytes]:
    """(method, target, version) of a request line; version is empty for HTTP/0.9.

    White space may be anything, and the target may contain spaces: when the last word begins with HTTP/, the target is
    what stands between it and the first (RFC 9112 section 3).
    """
    words = line.strip(_BLANK).split(None, 1)
    if len(words) < 2:
        return (words[0] if words else b""), b"", b""
    method, rest = words
    cut = max(rest.rfind(b" "), rest.rfind(b"\t"))
    if rest[cut + 1:cut + 6].upper() == b"HTTP/":
        return method, rest[:max(cut, 0)].rstrip(_BLANK), rest[cut + 1:]
    return method, rest, b""


def read_status_line(line: bytes) -> tuple[bytes, bytes, bytes]:
    """(version, status, reason) of a status line; what is missing is empty (RFC 9112 section 4)."""
    words = line.strip(_BLANK).split(None, 1)
    if len(words) < 2:
        return (words[0] if words else b""), b"", b""
    version, rest = words
    status, _, reason = rest.partition(b" ")
    return version, status.rstrip(_BLANK), reason.strip(_BLANK)


def read_fields(lines: bytes) -> Fields:
    """[(name, value)] of the field lines of a head, or of the trailers of a chunked body.

    A line that begins with white space continues the one before it (obs-fold, RFC 9112 section 5.2: read as one space).
    Lines may end in LF or CR alone. Linear in the size of the input.
    """
    found: list[tuple[bytes, list[bytes]]] = []
    for raw in _LINES.split(lines) if _LONE_CR.search(lines) else lines.split(b"\n"):
        line = raw.strip(b"\r")
        if not line:
            continue
        if line[0] in b" \t" and found:
            folded = line.strip(_BLANK)
            if folded:
                _continue_field(found, folded)
            continue
        if len(found) == limits.HEAD_FIELDS:
            break
        name, _, value = line.partition(b":")
        found.append((name.strip(_BLANK), [value.strip(_BLANK)]))
    return [(name, parts[0] if len(parts) == 1 else b" ".join(parts).strip(_BLANK)) for name, parts in found]


def _continue_field(found: list[tuple[bytes, list[bytes]]], folded: bytes) -> None:
    parts = found[-1][1]
    if folded[:1] == b":" and parts == [b""]:
        folded = folded[1:].strip(_BLANK)  # the colon itself stood on the next line
    parts.append(folded)


def codings(members: list[bytes]) -> list[str]:
    """The codings that field values name, cleaned: `gzip;`, `gzip x` and `g\\0zip` are gzip."""
    names: list[str] = []
    for value in members:
        for member in values.split_list(value.replace(b";", b" ")):
            word = member.lstrip(b":" + _ODD).split(None, 1)
            name = word[0].translate(None, _ODD).lower() if word else b""
            token = bytes(byte for byte in name if byte < 0x80).decode("ascii")
            if token and token not in ("identity", "chunked", "none"):
                names.append(token)
    return names
