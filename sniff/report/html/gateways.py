"""Requests that a web server handed to applications over FastCGI, SCGI or uwsgi: the table of the page."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sniff.decode import fields
from sniff.decode.cgi import CgiFlag, CgiRequest
from sniff.report.cgi_lines import ends_of
from sniff.report.html.masking import Masker
from sniff.report.html.selection import Selection
from sniff.report.html.tables import PATH_CHARACTERS, Columns, Words, columns_of

ERROR_CHARACTERS = 2_000
"""Characters of what an application wrote to its standard error that are shown."""

_NAMES = ("packet", "t", "stream", "protocol", "method", "host", "path", "status", "wait", "time", "request", "response", "errors",
          "state", "server", "port", "error")


class GatewayRequests:
    """Keeps what tells most of them."""

    def __init__(self, limit: int, masker: Masker) -> None:
        self.kept: Selection[CgiRequest] = Selection(limit)
        self._masker = masker

    def add(self, requests: Sequence[CgiRequest]) -> None:
        """Those that one batch completed."""
        if not requests:
            return
        self._masker.learn_heads(b"\n".join(map(_head, requests)))
        trouble = np.array([2 * (request.status >= 500) + _failed(request) for request in requests], np.int64)
        self.kept.offer(requests, trouble, np.array([request.last_ns - request.first_ns for request in requests], np.int64))

    def columns(self, zero_ns: int) -> Columns:
        """The rows of the table, masked, in the order of time."""
        masker = self._masker
        words = Words()
        rows: list[tuple[Any, ...]] = []
        for request, _ in sorted(self.kept.take(), key=lambda item: item[0].first_ns):
            server, port = ends_of(request.ends)[2:] if request.ends is not None else ("", 0)
            host = fields.text(request.get(b"HTTP_HOST") or request.get(b"SERVER_NAME"))
            rows.append((
                request.first_packet, request.first_ns - zero_ns, request.stream, words.number(request.protocol),
                words.number(masker.text(fields.text(request.method)[:64])), words.number(masker.name(host[:300])),
                masker.url(fields.text(request.target)[:PATH_CHARACTERS]), request.status if request.answer_ns else 0,
                request.answer_ns - request.first_ns if request.answer_ns else -1, max(request.last_ns - request.first_ns, 0),
                request.request.length, request.response.length,
                masker.body(fields.text(bytes(request.errors[:ERROR_CHARACTERS]))), words.number(_state(request)),
                words.number(masker.address(server) if server else ""), port, int(_failed(request))))
        return columns_of(_NAMES, rows) | {"words": words.texts}


def _head(request: CgiRequest) -> bytes:
    """The variables as a head of HTTP, for whoever looks for secrets in it."""
    lines = [b"GET " + request.target]
    for name, value in request.variables:
        lines.append(name.removeprefix(b"HTTP_").replace(b"_", b"-").lower() + b": " + value)
    return b"\n".join([*lines, *(name + b": " + value for name, value in request.fields)])


def _failed(request: CgiRequest) -> bool:
    return request.status >= 400 or request.app_status > 0 or request.protocol_status > 0 \
        or bool(request.flags & (CgiFlag.ABORTED | CgiFlag.MALFORMED)) or not request.answer_ns


def _state(request: CgiRequest) -> str:
    """How it stands, in words."""
    words = [str(flag.name).lower() for flag in CgiFlag if flag in request.flags]
    if not request.answer_ns:
        words.append("no response")
    if request.app_status > 0:
        words.append(f"exit status {request.app_status}")
    return ", ".join(words) or "complete"
