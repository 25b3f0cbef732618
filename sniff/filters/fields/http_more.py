"""Fields of HTTP that are asked for less often: what is odd about heads, Citrix credentials, tunnels, and names of status codes."""

import binascii
import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from sniff.decode.http1_rows import HEAD_KIND, HEAD_PACKET
from sniff.decode.http_status import STATUS
from sniff.filters.columns import Column, numbers, objects
from sniff.filters.field import COLUMN, MESSAGE, Field, Source, nothing
from sniff.filters.fields.chunks import chunk_fields
from sniff.filters.fields.http import HEADERS, WRITTEN
from sniff.filters.fields.media import bodies, undone
from sniff.filters.heads import OTHER, Head, Heads
from sniff.filters.types import Type
from sniff.filters.view import View
from sniff.packets import columns as c
from sniff.packets.batch import Table
from sniff.reassembly import columns as s

_TOKEN = re.compile(rb"[!#$%&\\:*+\-.^_`|~0-9A-Za-z]+")
"""Names of fields that nobody complains about."""
_CODING = re.compile(rb"chunked|compress|deflate|gzip|identity|x-compress|x-gzip")
_BLANK = b" \t,"
_NUMBER = re.compile(rb"[ \t\r\n\v\f]*[+]?([0-9]{1,18})(?:[\0 \t\r\n\v\f]|\Z)")


def _each(read: Callable[[Head], Iterable[Any]], numeric: bool = False) -> Source:
    """What a function reads in every head."""

    def source(view: View, candidates: Table) -> Column:
        heads: Heads = view.memory["heads"]
        found = [(head.packet, value) for head in map(heads.head, heads.among(candidates).tolist()) for value in read(head)]
        return (numbers if numeric else objects)([packet for packet, _ in found], [value for _, value in found])

    return source


def _names_of_codes(view: View, candidates: Table) -> Column:
    heads: Heads = view.memory["heads"]
    which = np.flatnonzero(heads.responses & (heads.codes >= 0))
    return objects(heads.packets[which], [STATUS.get(code, f"Unknown ({code})") for code in heads.codes[which].tolist()])


def _lines(head: Head) -> list[tuple[bytes, bytes]]:
    """(name, value) of the lines of a head that have a colon, as they stand there."""
    return [(name, value.rstrip(b"\r\n").lstrip(b" \t")) for name, _, value in (line.partition(b":") for line in head.lines)]


def _bad_names(head: Head) -> list[int]:
    return [1 for name, _ in _lines(head) if _TOKEN.fullmatch(name) is None]


def _unnamed(head: Head) -> list[str]:
    """The lines of a notification whose fields have no names of their own."""
    if not head.is_notification:
        return []
    lines = [(line.partition(b":")[0].lower(), line) for line in head.lines]
    return [line.decode("ascii", "replace") for name, line in lines if name not in NAMED]


NAMED = {WRITTEN.get(name, name.replace("_", "-").encode()) for name in HEADERS}


def _framing(head: Head) -> tuple[int, int]:
    """(how often Transfer-Encoding and Content-Length meet, how many transfer codings are not known)."""
    coded = sized = False
    both = unknown = 0
    for name, value in _lines(head):
        match name.lower():
            case b"content-length":
                sized = _NUMBER.match(value) is not None
                both += sized and coded
            case b"transfer-encoding":
                both += sized
                coded = True
                unknown += not _codings(value)[0]
    return both, unknown


def _codings(value: bytes) -> tuple[bool, bool]:
    """(whether Wireshark understands all of a Transfer-Encoding: `chunked`, and at most one other; whether it takes it for chunked)."""
    other = chunked = False
    while value := value.lstrip(_BLANK):
        found = _CODING.match(value)
        if found is not None and found[0] == b"chunked":
            chunked = True
        elif found is None or other:
            return False, chunked
        else:
            other = True
        value = value[found.end():]
    return True, chunked


def _is_chunked(head: Head) -> bool:
    return any(_codings(value)[1] for name, value in _lines(head) if name.lower() == b"transfer-encoding")


_CITRIX = re.compile(rb'CitrixAGBasic (?:username="([^"]*)")?(?:; domain="([^"]*)")?(?:; password="([^"]*)")?(?:; AGESessionId="([^"]*)")?')


def _citrix(part: int) -> Callable[[Head], list[Any]]:
    """Credentials of Citrix Access Gateway; part 0: that there are some."""

    def read(head: Head) -> list[Any]:
        found = [_CITRIX.match(value) for value in head.get(b"authorization") + head.get(b"proxy-authorization")]
        if not part:
            return [1 for one in found if one is not None]
        return [_decoded(one[part]) for one in found if one is not None and one[part] is not None]

    return read


def _decoded(coded: bytes) -> str:
    try:
        return binascii.a2b_base64(coded).partition(b"\0")[0].decode("utf-8", "replace")
    except ValueError:
        return ""


def _secret_port(view: View, candidates: Table) -> Column:
    """HTTP in the clear where TLS is expected."""
    heads: Heads = view.memory["heads"]
    table = view.table
    ports = (table[c.SRC_PORT, heads.packets] == 443) | (table[c.DST_PORT, heads.packets] == 443)
    packets = heads.packets[ports & (table[c.KIND, heads.packets] == c.Kind.TCP)]
    return Column(packets, np.ones(len(packets), np.int64))


def _tunnel(port: bool) -> Source:
    """Where the tunnel leads in which a packet goes."""

    def source(view: View, candidates: Table) -> Column:
        rows = view.apps.row_messages
        packets = rows[rows[:, HEAD_KIND] == OTHER][:, HEAD_PACKET]
        targets: dict[int, bytes] = view.memory["tunnels"]
        found: list[tuple[int, Any]] = []
        for packet, stream in zip(packets.tolist(), view.flows[s.STREAM][packets].tolist(), strict=True):
            host, colon, rest = targets.get(stream, b"").partition(b":")
            if colon:
                digits = re.match(rb"\s*([+-]?[0-9]{1,18})", rest)
                found.append((packet, (int(digits[1]) & 0xFFFF if digits is not None else 0) if port else host.decode("latin-1")))
        return (numbers if port else objects)([packet for packet, _ in found], [value for _, value in found])

    return source


def _not_unpacked(view: View, candidates: Table) -> Column:
    packets = [packet for packet, _, info in bodies(view, candidates) if info.message.get(b"content-encoding") and not undone(info)
               and not info.message.transfer_codings]
    return numbers(packets, [1] * len(packets))


def _chunks(name: str, kind: Type) -> Field:
    """A field of the chunks of bodies that end in packets whose rows show messages."""

    def source(view: View, candidates: Table) -> Column:
        chunks: dict[int, list[bytes]] = view.memory["chunks"]
        heads: Heads = view.memory["heads"]
        mine = np.flatnonzero(np.isin(heads.packets, np.intersect1d(list(chunks), candidates))) if chunks else ()
        shown = {head.packet for head in map(heads.head, map(int, mine)) if _is_chunked(head)}
        found = [(packet, value) for packet in sorted(shown) for body in chunks[packet]
                 for field, value in chunk_fields(body) if field == name]
        return (numbers if kind == Type.NUMBER else objects)([packet for packet, _ in found], [value for _, value in found])

    return Field(f"http.{name}", kind, CHUNKS[name], source, MESSAGE, bits=32 if kind == Type.NUMBER else 64,
                 trackers=("heads", "chunks"), heads=True, bodies=True)


CHUNKS = {"chunk_size": "bytes of a chunk", "chunk_data": "a chunk", "chunk_boundary": "what ends a chunk",
          "chunked_trailer_part": "header fields after the last chunk"}


def _blank_lines(view: View, candidates: Table) -> Column:
    """Messages in front of which a line is empty that does not end a head, in their packet."""
    heads: Heads = view.memory["heads"]
    found = []
    before = -1, -1        # packet and end of the message before
    for index in range(len(heads)):
        packet, start = int(heads.packets[index]), int(heads.starts[index])
        if heads.buffers[index] != 0:
            continue
        begins = int(view.table[c.PAYLOAD, packet]) if before[0] != packet else before[1]
        if start - 2 == begins and view.slice(begins, start) == b"\r\n":
            found.append(packet)
        before = packet, int(heads.stops[index]) + heads.head(index).body
    return numbers(found, [1] * len(found))


def _field(name: str, kind: Type, meaning: str, source: Source, trackers: tuple[str, ...] = ("heads",), bits: int = 64,
           unpacked: bool = False) -> Field:
    return Field(f"http.{name}", kind, meaning, source, COLUMN if source is nothing else MESSAGE, trackers=trackers, heads=True,
                 bodies=unpacked, bits=bits)


HTTP_MORE_FIELDS = [
    _field("response.code.desc", Type.STRING, "what the status code means", _names_of_codes),
    _field("bad_header_name", Type.NONE, "the name of a header field has characters that none may have", _each(_bad_names, True)),
    _field("te_and_length", Type.NONE, "both Transfer-Encoding and Content-Length: a sign of request smuggling",
           _each(lambda head: [1] * _framing(head)[0], True)),
    _field("te_unknown", Type.NONE, "a transfer coding that nobody knows", _each(lambda head: [1] * _framing(head)[1], True)),
    _field("tls_port", Type.NONE, "HTTP in the clear on port 443", _secret_port),
    _field("unknown_header", Type.STRING, "a header field of a message that is neither request nor response",
           _each(_unnamed)),
    _field("authcitrix", Type.BOOLEAN, "credentials of Citrix Access Gateway", _each(_citrix(0), True)),
    *(_field(f"authcitrix.{name}", Type.STRING, f"{name} for Citrix Access Gateway", _each(_citrix(part)))
      for part, name in enumerate(("user", "domain", "password", "session"), 1)),
    _field("proxy_connect_host", Type.STRING, "where the tunnel leads (CONNECT) in which this packet goes", _tunnel(False),
           ("heads", "tunnels")),
    _field("proxy_connect_port", Type.NUMBER, "to which port that is", _tunnel(True), ("heads", "tunnels"), 16),
    _field("decompression_failed", Type.NONE, "a content coding that Wireshark does not undo", _not_unpacked, ("heads", "bodies"),
           unpacked=True),
    _field("leading_crlf", Type.NONE, "an empty line before a message", _blank_lines),
    _chunks("chunk_size", Type.NUMBER), _chunks("chunk_data", Type.BYTES), _chunks("chunk_boundary", Type.BYTES),
    _chunks("chunked_trailer_part", Type.STRING),
    _field("decompression_disabled", Type.NONE, "never: it is not", nothing),
    _field("path_segment", Type.STRING, "never: Wireshark 4.0 has the name only; use http.request.uri.path", nothing),
    _field("path_sub_segment", Type.STRING, "never: Wireshark 4.0 has the name only; use http.request.uri.path", nothing),
    _field("http2_settings_uri", Type.BYTES, "never: Wireshark 4.0 has the name only; use http.http2_settings", nothing),
]
