"""Who reads an HTTP body: the protocols that Wireshark shows for it, and what JSON and forms hold as it reads them."""

import json
import re
from collections.abc import Iterator
from typing import Any

from sniff import limits

JSON_TYPES = frozenset(f"application/{name}" for name in (
    "dds-web+json", "json", "json-patch+json", "json-rpc", "jsonrequest", "merge-patch+json", "problem+json", "senml+json", "sensml+json",
    "vnd.oma.lwm2m+json", "x-ndjson"))
LINE_TYPES = frozenset({
    "application/vnd.drm.message", "application/vnd.poc.refer-to", "application/x-javascript", "application/x-ns-proxy-autoconfig",
    "application/xml-external-parsed-entity", *(f"text/{name}" for name in (
        "css", "enriched", "html", "javascript", "parameters", "plain", "richtext", "vnd.sun.j2me.app-descriptor"))})
XML_TYPES = frozenset({
    "application/vnd.etsi.aoc+xml", "application/vnd.oma.poc.groups+xml", "application/vnd.wv.csp+xml",
    "application/x-wms-logconnectstats", "application/x-wms-logplaystats", "application/xml", "application/xml-dtd", "image/svg+xml",
    "message/imdn+xml", "text/vnd.wap.wml", "text/xml", *(f"application/{name}+xml" for name in (
        "atom", "conference-info", "cpl", "im-iscomposing", "mathml", "media_control", "pidf", "poc-settings", "rdf", "reginfo",
        "resource-lists", "rlmi", "rss", "simple-filter", "soap", "watcherinfo", "x-crd", "xslt"))})
FORM_TYPE = "application/x-www-form-urlencoded"
OTHER_TYPES = frozenset({
    "application/octet-stream", "application/smil", "message/http", "message/rfc822", "message/sipfrag", "video/mp2t",
    *(f"application/{name}" for name in (
        "cbor", "cose", "dns-message", "grpc", "grpc-web", "ipp", "isup", "mikey", "ocsp-request", "ocsp-response", "pkcs7-mime",
        "pkix-cert", "pkix-crl", "sdp", "senml+cbor", "sensml+cbor", "timestamp-query", "timestamp-reply", "vnd.3gpp.sms",
        "vnd.ms-sync.wbxml", "vnd.nokia.syncset+wbxml", "vnd.oma.lwm2m+tlv", "vnd.syncml+wbxml", "vnd.syncml.dm+wbxml", "vnd.wap.coc",
        "vnd.wap.connectivity-wbxml", "vnd.wap.mms-message", "vnd.wap.sic", "vnd.wap.slc", "vnd.wap.wbxml", "vnd.wap.wmlc", "x-amf",
        "x-fcs", "x-wap-prov.browser-bookmarks", "x-wap-prov.browser-settings"))})
"""Media types with dissectors of their own in Wireshark 4.0; any other is looked at and, when it is no image, `media`."""


def protocols(media_type: str | None, body: bytes, capped: bool = False, part: bool = False) -> tuple[str, ...]:
    """The protocols of a body that is not empty, as far as filters know them.

    media_type  in lower case; None: the message says none
    capped      there is more of it
    part        it is part of a body: an image has to be what its type says
    """
    if media_type in JSON_TYPES:
        if capped or is_json(body):
            return ("json",)
        return "json", _lines_or_xml(body)
    if media_type in LINE_TYPES:
        return (_lines_or_xml(body),)
    if media_type in XML_TYPES:
        return ("xml",)
    if media_type == FORM_TYPE:
        return ("urlencoded-form",)
    if media_type is not None and media_type.startswith("multipart/"):
        return ()
    if media_type in OTHER_TYPES:
        return ()
    for name, beginnings in IMAGES.items():
        if body.startswith(beginnings) and (not part or media_type in IMAGE_TYPES[name]):
            return (name,)
    return ("media",) if media_type is not None else ()


IMAGES = {"png": (b"\x89PNG\r\n\x1a\n",), "image-gif": (b"GIF87a", b"GIF89a"), "image-jfif": (b"\xff\xd8\xff",)}

IMAGE_TYPES = {"png": ("image/png",), "image-gif": ("image/gif",), "image-jfif": ("image/jpeg", "image/jpg")}


def _lines_or_xml(body: bytes) -> str:
    return "xml" if body[:5].lower() == b"<?xml" and len(body) >= SHORTEST_XML else "data-text-lines"


SHORTEST_XML = 39
"""Bytes of a text that Wireshark looks at for XML."""


# --- JSON -----------------------------------------------------------------------------------------------------------------

_BLANK = re.compile(r"[ \t\r\n]*")
_LONE = re.compile("[\ud800-\udfff]")


class _Number(str):
    """A number as it stands there."""


class _Members(list[tuple[str, Any]]):
    """An object: its members in order, those of the same name too."""


def _constant(word: str) -> _Number:
    if word != "NaN":
        raise ValueError(word)
    return _Number(word)


_decoder = json.JSONDecoder(object_pairs_hook=_Members, parse_int=_Number, parse_float=_Number, parse_constant=_constant, strict=False)


def _values(body: bytes) -> tuple[list[Any], bool]:
    """(objects and arrays that stand one after the other, whether nothing else does)."""
    text = body.decode("utf-8", "surrogateescape")
    found: list[Any] = []
    at = _end(text, 0)
    while at < len(text) and text[at] in "{[":
        try:
            value, at = _decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return found, False
        found.append(value)
        at = _end(text, at)
    return found, at == len(text) and bool(found)


def _end(text: str, at: int) -> int:
    blank = _BLANK.match(text, at)
    return blank.end() if blank is not None else at


def is_json(body: bytes) -> bool:
    """Whether a body is nothing but objects and arrays."""
    return _values(body)[1]


def json_fields(body: bytes) -> Iterator[tuple[str, Any]]:
    """(field, value) of a body of JSON, fields without their `json.`: as far as it is JSON."""
    pending: list[tuple[Any, str]] = [(value, "") for value in reversed(_values(body)[0])]
    told = 0
    while pending:
        value, path = pending.pop()
        is_object = isinstance(value, _Members)
        yield "object" if is_object else "array", 1
        for name, member in value if is_object else (("[]", one) for one in value):
            name = name if not is_object else _text(name)
            here = f"{path}/{name}" if told < limits.FILTER_JSON_PATHS else ""
            told += len(here)
            if is_object:
                yield from (("key", name), ("member", name), ("path", here))
            if isinstance(member, list):
                pending.append((member, here))
                continue
            kind, shown = _scalar(member)
            yield kind, shown
            yield "member_with_value", f"{name}:{shown if isinstance(shown, str) else WORDS[kind]}"
            yield "path_with_value", f"{here}:{shown if isinstance(shown, str) else WORDS[kind]}"


WORDS = {"value.true": "true", "value.false": "false", "value.null": "null", "value.nan": "NaN"}


def _scalar(value: Any) -> tuple[str, Any]:
    if value is None or isinstance(value, bool):
        return f"value.{'null' if value is None else str(value).lower()}", 1
    if isinstance(value, _Number):
        return ("value.nan", 1) if value == "NaN" else ("value.number", str(value))
    return "value.string", _text(value)


def _text(value: str) -> str:
    """Up to a NUL; nothing, when it is no UTF-8."""
    return "" if _LONE.search(value) else value.partition("\0")[0]


# --- forms ----------------------------------------------------------------------------------------------------------------

_ESCAPES = re.compile(rb"%(?![0-9A-Fa-f]{2})|\0")


def form_fields(body: bytes) -> Iterator[tuple[str, str]]:
    """(`key` or `value`, text) of a form: a key ends with `=`, a value with `&`; an escape that is none ends all."""
    at = 0
    while at < len(body):
        for what, stop in (("key", b"="), ("value", b"&")):
            end = body.find(stop, at)
            part = body[at:end if end >= 0 else len(body)]
            if _ESCAPES.search(part):
                return
            yield what, _unescaped(part)
            at = end + 1 if end >= 0 else len(body)


def _unescaped(part: bytes) -> str:
    plain = re.sub(rb"%([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]), part.replace(b"+", b" "))
    return plain.partition(b"\0")[0].decode("utf-8", "replace")
