"""Details: what the page shows of one exchange besides its row. Heads and bodies, masked, as JSON values.

A body comes as text, as pairs of a form, as a picture or as bytes for a hex dump, whatever suits; the page only draws it.
"""

import base64
import json
import zlib
from typing import Any

from sniff.decode import charset, fields, forms, media
from sniff.decode.bodies import BodyInfo
from sniff.decode.message import Message
from sniff.exchange.http import Exchange
from sniff.report.html.masking import Masker
from sniff.report.message import exchange_remarks, printable

LEAST_BYTES = 4 << 10
"""Bytes of one body that are kept when there are very many; otherwise limits.REPORT_BODY_BYTES."""
HEX_BYTES = 4 << 10
"""Bytes of a body that is no text."""
HEAD_FIELDS = 200
"""Fields of one head that are shown."""
FIELD_CHARACTERS = 8_192
"""Characters of one field that are shown."""

PICTURES = ("image/png", "image/gif", "image/jpeg", "image/webp", "image/bmp", "image/avif", "image/x-icon")
"""Pictures that are shown, when their bytes begin as one. Never SVG, which is a document."""

Value = dict[str, Any]


class KeptBody:
    """A sink that keeps the beginning of a body.

    parts     bytes, and where some are missing how many
    length    of all of it, decoded; -1 while it is not over
    problems  of its codings, in words
    """

    __slots__ = ("cut", "length", "parts", "problems", "room")

    def __init__(self, cap: int) -> None:
        self.parts: list[bytes | int] = []
        self.room = cap
        self.cut = 0
        self.length = -1
        self.problems: tuple[str, ...] = ()

    def data(self, piece: bytes) -> None:
        """The next bytes."""
        kept = piece[:self.room]
        self.room -= len(kept)
        self.cut += len(piece) - len(kept)
        if kept:
            self.parts.append(kept)

    def hole(self, length: int) -> None:
        """So many bytes are missing here."""
        if self.room:
            self.parts.append(length)

    def end(self, info: BodyInfo) -> None:
        """The body is over. Of what is known of it, only what the page says is kept: there may be many bodies."""
        self.length = info.length
        if info.problems:
            self.problems = tuple(problem.detail for problem in info.problems[:5])
        if not info.holes:
            self.cut += info.lost

    @property
    def bytes(self) -> "bytes":
        """What was kept."""
        return b"".join(part for part in self.parts if isinstance(part, bytes))

    def cost(self) -> int:
        """About how many bytes of the page it takes."""
        data = self.bytes
        return len(data) if len(data) < 1024 else len(zlib.compress(data, 1))


def detail(exchange: Exchange, bodies: dict[int, KeptBody], left_out: set[int], masker: Masker) -> Value:
    """One exchange. `left_out`: ids of messages whose bodies there was no room for."""
    found: Value = {}
    if exchange.request is not None:
        found["q"] = _message(exchange.request, bodies, left_out, masker)
    if exchange.interim:
        found["i"] = [_message(message, bodies, left_out, masker) for message in exchange.interim]
    if exchange.response is not None:
        found["r"] = _message(exchange.response, bodies, left_out, masker)
    remarks = list(exchange_remarks(exchange))
    if remarks:
        found["w"] = [masker.text(remark) for remark in remarks]
    return found


def _message(message: Message, bodies: dict[int, KeptBody], left_out: set[int], masker: Masker) -> Value:
    line = fields.text(message.start_line)[:FIELD_CHARACTERS]
    found: Value = {
        "l": masker.url(line),
        "h": [masker.field(name, value) for name, value in message.fields[:HEAD_FIELDS]],
        "p": [message.first_packet, message.last_packet], "n": [message.head_length, message.body_length],
    }
    if len(message.fields) > HEAD_FIELDS:
        found["more"] = len(message.fields) - HEAD_FIELDS
    words = [word for word in message.flag_words if word not in ("complete", "keep_alive")]
    if words:
        found["f"] = words
    if message.body_length or message.body_wire:
        body = bodies.get(message.id)
        if masker.redact:
            found["b"] = {"k": "redacted", "m": message.media_type, "n": message.body_length}
        elif message.id in left_out or body is None:
            found["b"] = {"k": "left", "m": message.media_type, "n": message.body_length}
        else:
            found["b"] = body_value(message, body, masker)
    return found


def body_value(message: Message, body: KeptBody, masker: Masker) -> Value:
    """A body, in the form in which the page draws it.

    k  text, form, parts, picture, hex
    """
    data = body.bytes
    missing = sum(part for part in body.parts if isinstance(part, int))
    whole = not missing and not body.cut
    media_type = media.of_body(message.media_type, data[:1445])
    found: Value = {"m": media_type, "n": body.length if body.length >= 0 else len(data)}
    if message.codings:
        found["z"] = message.codings
    if body.cut:
        found["cut"] = body.cut
    if missing:
        found["x"] = missing
    if body.problems:
        found["e"] = [masker.text(words) for words in body.problems]
    binary = media.is_binary(data[:4096])
    if not binary and media_type == "application/x-www-form-urlencoded":
        pairs = forms.urlencoded(data.strip(b"\r\n"), fields.text(message.media_parameters.get("charset", b"")))
        granted = {name for name, _ in pairs} >= {"grant_type", "code"}       # the code of a login: it is as good as the login
        return found | {"k": "form", "t": [[masker.text(name), masker.pair("token" if granted and name == "code" else name, value)]
                                           for name, value in pairs[:1000]]}
    if whole and media_type == "multipart/form-data":
        parts = forms.multipart(data, message.media_parameters.get("boundary", b""))
        if parts:
            return found | {"k": "parts", "t": [_part(part, masker) for part in parts[:200]]}
    kind = media.from_content(data[:1445]) if binary or media_type.startswith("image/") else ""
    if whole and kind in PICTURES and not masker.knows(data):
        return found | {"k": "picture", "m": kind, "d": base64.b64encode(data).decode()}
    if not binary and (media.is_text(media_type) or _is_utf8(data)):
        return found | _text(message, media_type, data, whole, masker)
    shown = masker.bytes(data[:HEX_BYTES])
    if len(data) > HEX_BYTES:
        found["cut"] = body.cut + len(data) - HEX_BYTES
    return found | {"k": "hex", "d": base64.b64encode(shown).decode()}


def _is_utf8(data: bytes) -> bool:
    try:
        data[:4096].decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start >= min(len(data), 4096) - 3
    return True


def _text(message: Message, media_type: str, data: bytes, whole: bool, masker: Masker) -> Value:
    document = media_type in ("text/html", "application/xhtml+xml", "") or media.is_xml(media_type)
    text, codec = charset.decode_text(data, fields.text(message.media_parameters.get("charset", b"")), document)
    found: Value = {"k": "text"}
    if codec not in ("utf-8", "ascii"):
        found["c"] = codec
    if media.is_json(media_type) or text[:1] in ("{", "["):
        pretty = media.pretty_json(text) if whole else None
        if pretty is not None:
            if pretty != text:
                found["pretty"] = 1
            text = pretty
    found["t"] = masker.body(printable(text.replace("\r\n", "\n")))
    return found


def _part(part: forms.Part, masker: Masker) -> list[Any]:
    name = masker.text(part.name)
    if part.file_name:
        return [name, masker.body(part.file_name), masker.text(part.media_type), len(part.data)]
    return [name, masker.pair(part.name, part.text[:FIELD_CHARACTERS])]


def learn_bodies(exchange: Exchange, bodies: dict[int, KeptBody], masker: Masker) -> None:
    """Learn the secrets that only bodies hold, before anything is written."""
    for message in (exchange.request, exchange.response):
        body = bodies.get(message.id) if message is not None else None
        if message is None or body is None:
            continue
        data = body.bytes
        if data.lstrip()[:1] in (b"{", b"["):
            try:
                masker.learn_json(json.loads(data))
            except (ValueError, RecursionError):
                continue
        elif message.media_type == "application/x-www-form-urlencoded":
            masker.learn_pairs(fields.text(data))
        elif message.media_type == "multipart/form-data":
            for part in forms.multipart(data, message.media_parameters.get("boundary", b"")):
                if not part.file_name:
                    masker.learn_json({part.name: part.text})
