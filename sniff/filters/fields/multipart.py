"""Bodies of several parts (RFC 2046 section 5.1) as Wireshark takes them apart."""

import re
from typing import Any, NamedTuple

HEADERS = ("content-description", "content-disposition", "content-encoding", "content-id", "content-language", "content-length",
           "content-transfer-encoding", "content-type")
"""Header fields of parts that have a field of their own."""

_WORDS = re.compile(rb'[ \t]*([:;,=])[ \t]*|[ \t]+|("(?:[^"])*"?)')


class Part(NamedTuple):
    """A part that a boundary ends.

    headers  (name in lower case, value without needless blanks)
    body     its bytes
    """

    headers: list[tuple[str, str]]
    body: bytes

    @property
    def media_type(self) -> str | None:
        """As its Content-Type says it, in lower case; None without one."""
        found = [value for name, value in self.headers if name == "content-type"]
        return found[0].partition(";")[0].split(" ")[0].lower() if found else None

    @property
    def boundary(self) -> bytes:
        """Between its own parts; empty for none."""
        found = [value for name, value in self.headers if name == "content-type"]
        word = re.search(r';boundary=(?:"([^"]*)"|([^;, ]*))', found[0], re.IGNORECASE) if found else None
        return (word[1] or word[2] or "").encode() if word is not None else b""


def read(media_type: str, boundary: bytes, body: bytes) -> tuple[list[tuple[str, Any]], list[Part]]:
    """(fields without their `mime_multipart.` and their values, parts)."""
    fields: list[tuple[str, Any]] = [("type", media_type)]
    parts: list[Part] = []
    mark = re.escape(b"--" + boundary)
    first = re.search(rb"(?:\A|(?<=\n))" + mark + rb"(--)?[^\n]*(?:\n|\Z)", body)
    if first is None:
        return fields, parts
    if first.start():
        fields.append(("preamble", body[:first.start()]))
    fields.append(("first_boundary", _text(first[0])))
    at = first.end()
    following = re.compile(rb"(?:\r\n)?" + mark + rb"(--)?[^\n]*(?:\n|\Z)")
    inside = re.compile(rb"\r\n" + mark + rb"(--)?[^\n]*(?:\n|\Z)")
    while first[1] is None:
        found = following.match(body, at) or inside.search(body, at)
        if found is None:
            fields.append(("part", ""))       # one that nothing ends
            break
        part = _part(body[at:found.start()])
        parts.append(part)
        fields.append(("part", ""))
        fields += [(f"header.{name}", value) for name, value in part.headers if name in HEADERS]
        fields.append(("boundary" if found[1] is None else "last_boundary", _text(found[0])))
        at = found.end()
        if found[1] is not None:
            if at < len(body):
                fields.append(("trailer", body[at:]))
            break
    return fields, parts


def _text(line: bytes) -> str:
    return line.partition(b"\0")[0].decode("ascii", "replace")


def _part(data: bytes) -> Part:
    head, blank, body = data.partition(b"\r\n\r\n") if not data.startswith(b"\r\n") else (b"", b"\r\n", data[2:])
    lines = re.sub(rb"\r?\n[ \t]+", b" ", head).split(b"\n")
    pairs = [line.rstrip(b"\r").partition(b":") for line in lines]
    headers = [(name.strip().decode("latin-1").lower(), _compact(value)) for name, colon, value in pairs if colon]
    return Part(headers, body if blank else b"")


def _compact(value: bytes) -> str:
    """A value without blanks around separators, other blanks one each; what stands in quotes stays."""
    return _text(_WORDS.sub(lambda m: m[2] or m[1] or b" ", value).strip(b" "))
