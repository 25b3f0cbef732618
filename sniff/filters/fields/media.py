"""Fields of what HTTP bodies hold: JSON, forms, and which protocol reads a body at all."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sniff import limits
from sniff.decode.bodies import BodyInfo
from sniff.filters.columns import Column, numbers, objects
from sniff.filters.field import MESSAGE, Field, Source, nothing
from sniff.filters.fields import media_types as media
from sniff.filters.fields import multipart
from sniff.filters.types import OBJECTS, Type
from sniff.filters.view import View
from sniff.packets.batch import Table

_TRACKERS = ("heads", "bodies")
UNPACKED = ("gzip", "deflate", "x-gzip", "x-deflate", "br")
"""Content codings that Wireshark undoes, one at a time."""


def bodies(view: View, candidates: Table) -> Iterator[tuple[int, bytes, BodyInfo]]:
    """(packet, first bytes, what is known) of the bodies that end in packets whose rows show messages."""
    found = view.memory["bodies"]
    if found:
        shown = set(view.memory["heads"].packets.tolist()) & set(candidates.tolist())
        for packet in sorted(shown & found.keys()):
            for data, info in found[packet]:
                yield packet, data, info


def undone(info: BodyInfo) -> bool:
    """Whether Wireshark could undo the codings of a body."""
    message = info.message
    coding = (message.get_all(b"content-encoding") or [b""])[-1].decode("latin-1").lower()
    if message.transfer_codings:
        return False
    if coding in ("", "identity"):
        return True
    return coding in UNPACKED and not any("as claimed" in problem.detail for problem in info.problems)


def media_type(info: BodyInfo) -> str | None:
    """As the Content-Type says it, in lower case; None without one."""
    written = info.message.get_all(b"content-type")
    if not written:
        return None
    words = written[-1].decode("latin-1").partition(";")[0].split(None, 1)
    return words[0].lower() if words else ""


Read = tuple[int, bytes, tuple[str, ...]]
"""(packet, a body or a part of one, the protocols that read it)."""


def _read(view: View, candidates: Table) -> tuple[list[Read], list[tuple[int, str, Any]]]:
    """(all bodies and their parts, [(packet, field of mime_multipart, value)])."""
    found: list[Read] = []
    fields: list[tuple[int, str, Any]] = []
    for packet, data, info in bodies(view, candidates):
        if data and undone(info):
            kind, whole = media_type(info), len(data) < limits.FILTER_BODY_BYTES
            boundary = info.message.media_parameters.get("boundary", b"") if (kind or "").startswith("multipart/") else b""
            if (kind or "").startswith("multipart/") and not boundary:
                fields.append((packet, UNBOUND, 1))
            pending: list[tuple[str | None, bytes, bytes, int]] = [(kind, boundary, data, 0)]
            while pending:
                kind, boundary, data, depth = pending.pop()
                if kind is not None and boundary and depth < NESTED:
                    found.append((packet, data, ("mime_multipart",)))
                    more, parts = multipart.read(kind, boundary, data)
                    fields += [(packet, name, value) for name, value in more]
                    pending += [(part.media_type, part.boundary, part.body, depth + 1) for part in parts if part.body]
                else:
                    found.append((packet, data, media.protocols(kind, data, not whole, depth > 0)))
    return found, fields


NESTED = 8
"""Bodies of several parts in one another."""


def _protocol(name: str) -> Source:
    def source(view: View, candidates: Table) -> Column:
        found = [(packet, data) for packet, data, kinds in _read(view, candidates)[0] if name in kinds]
        return objects([packet for packet, _ in found], [data for _, data in found])

    return source


def _inside(protocol: str, name: str, kind: Type, read: Callable[[bytes], Iterable[tuple[str, Any]]]) -> Source:
    """What a function finds under a name in the bodies of a protocol."""

    def source(view: View, candidates: Table) -> Column:
        found = [(packet, value) for packet, data, kinds in _read(view, candidates)[0] if protocol in kinds
                 for field, value in read(data) if field == name]
        return (objects if kind in OBJECTS else numbers)([packet for packet, _ in found], [value for _, value in found])

    return source


def _multipart(name: str) -> Source:
    def source(view: View, candidates: Table) -> Column:
        found = [(packet, value) for packet, field, value in _read(view, candidates)[1] if field == name]
        make = numbers if name == UNBOUND else objects
        return make([packet for packet, _ in found], [value for _, value in found])

    return source


UNBOUND = "no_required_parameter"


def _field(name: str, kind: Type, meaning: str, source: Source) -> Field:
    return Field(name, kind, meaning, source, MESSAGE, trackers=_TRACKERS, heads=True, bodies=True)


PROTOCOLS = {
    "json": "a body of JSON", "xml": "a body of XML", "data-text-lines": "a body of text",
    "urlencoded-form": "a form, application/x-www-form-urlencoded",
    "png": "a PNG image", "image-gif": "a GIF image", "image-jfif": "a JPEG image", "media": "a body that nobody reads further",
    "mime_multipart": "a body of several parts",
}
JSON = {
    "object": "an object", "array": "an array", "key": "name of a member", "member": "name of a member",
    "path": "where a member stands: /a/b",
    "member_with_value": "a member and its value: name:value, []:value", "path_with_value": "a value and where it stands: /a/b:value",
    "value.string": "a string", "value.number": "a number, as it is written", "value.true": "true", "value.false": "false",
    "value.null": "null", "value.nan": "NaN",
}
MULTIPART = {
    "type": "media type", "preamble": "what stands before the first boundary", "first_boundary": "the first boundary",
    "boundary": "a boundary", "last_boundary": "the last boundary", "part": "a part; it has no value",
    "trailer": "what stands after the last boundary",
    **{f"header.{name}": f"{name} of a part" for name in multipart.HEADERS},
}
LABELS = ("object", "array", "value.true", "value.false", "value.null", "value.nan")

UNTOLD = (*((name, Type.NONE) for name in ("object_compact", "array_compact", "array_item_compact", "member_compact")),
          ("ignored_leading_bytes", Type.STRING), ("binary_data", Type.BYTES))

MEDIA_FIELDS = [
    *(_field(name, Type.PROTOCOL, f"{meaning} (HTTP)", _protocol(name)) for name, meaning in PROTOCOLS.items()),
    *(_field(f"json.{name}", Type.NONE if name in LABELS else Type.STRING, f"{meaning} in a body of JSON",
             _inside("json", name, Type.NONE if name in LABELS else Type.STRING, media.json_fields)) for name, meaning in JSON.items()),
    *(Field(f"json.{name}", kind, "never: Wireshark has it only when a preference says so", nothing) for name, kind in UNTOLD),
    *(_field(f"mime_multipart.{name}", Type.BYTES if name in ("preamble", "trailer") else Type.STRING,
             f"{meaning} of a body of several parts", _multipart(name)) for name, meaning in MULTIPART.items()),
    _field(f"mime_multipart.{UNBOUND}", Type.NONE, "a body of several parts whose type names no boundary", _multipart(UNBOUND)),
    *(_field(f"urlencoded-form.{name}", Type.STRING, f"{name} of a field of a form",
             _inside("urlencoded-form", name, Type.STRING, media.form_fields)) for name in ("key", "value")),
]
