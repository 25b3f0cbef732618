"""What the ends of connections that are no HTTP said to each other: the beginning of each, as text, masked."""

import re
from collections.abc import Iterable
from typing import Any

import numpy as np

from sniff import limits
from sniff.decode import media
from sniff.reassembly import columns as s
from sniff.reassembly.batch import StreamBatch
from sniff.reassembly.columns import Piece
from sniff.report.html.masking import MASK, Masker
from sniff.report.message import printable

STREAMS, STREAM_BYTES = limits.REPORT_STREAMS, limits.REPORT_STREAM_BYTES

_LOGIN = re.compile(r"^(\s*(?:\S{1,20}\s+)?(?:PASS|AUTH|LOGIN|AUTHENTICATE|APOP|OPER|CONFIG SET requirepass|PRIVMSG NickServ :?IDENTIFY)"
                    r"\s+)\S.*$|(<(?:auth|response)\b[^<>]{0,400}>)[^<]{1,4096}", re.IGNORECASE | re.MULTILINE)
"""How passwords are told in FTP, POP3, IMAP, SMTP, IRC, Redis and XMPP."""
_REDIS = re.compile(r"^((?:AUTH|HELLO)\n)((?:\$\d+\n[^\n]*\n?)+)", re.IGNORECASE | re.MULTILINE)
_BASE64 = re.compile(r"^[A-Za-z0-9+/]{4,}={0,2}$", re.MULTILINE)
"""What a client of SMTP or IMAP answers when it is asked for its password."""
_CLOSED = (b"\x16\x03", b"PRI * HTTP/2")
"""Beginnings of conversations that are not shown: TLS, and HTTP/2, whose header blocks nobody masks."""
_SPOKEN = (b"HTTP_", b"CONTENT_LENGTH")
"""Signs of a web server that hands a request to an application, cookies and all."""
GREETINGS = 6
"""Messages of a client with which it logs in, in protocols that are no text (MQTT, LDAP, databases): their words are not known here."""
LETTERS = frozenset({23, 512, 513, 514, 992})
"""Servers to which people type, letter by letter."""


def _hide(match: re.Match[str]) -> str:
    return f"{match[1] or match[2]}{MASK}"


class FollowedStreams:
    """Gathers what was said on some connections, batch by batch.

    streams  their numbers; at most STREAMS of them count
    """

    def __init__(self, streams: Iterable[int], zero_ns: int) -> None:
        self._room = dict.fromkeys(sorted(streams)[:STREAMS], STREAM_BYTES)
        self._wanted = np.array(list(self._room), np.int64)
        self._zero_ns = zero_ns
        self._said: dict[int, list[tuple[int, int, int, bytes]]] = {}

    def add(self, streams: StreamBatch) -> None:
        """Take what one batch brought."""
        pieces = streams.pieces
        if not len(self._wanted) or not pieces.shape[1]:
            return
        mine = np.isin(pieces[s.P_STREAM], self._wanted) & (pieces[s.P_KIND] == Piece.DATA)
        buffers = (streams.packets.data, streams.held)
        for piece in pieces[:, mine].T.tolist():
            stream = piece[s.P_STREAM]
            length = min(self._room[stream], piece[s.P_LEN])
            if length:
                self._room[stream] -= length
                start = piece[s.P_START]
                data = buffers[piece[s.P_BUFFER]][start:start + length].tobytes()
                self._said.setdefault(stream, []).append((piece[s.P_DIRECTION], piece[s.P_ORIGIN], piece[s.P_TS_NS], data))

    def texts(self, masker: Masker) -> dict[int, list[list[Any]]]:
        """{tcp.stream: [[direction, packet, ns since the capture began, text]]}. What is encrypted is left out."""
        found: dict[int, list[list[Any]]] = {}
        for stream, said in sorted(self._said.items()):
            if not masker.secrets and (said[0][3].startswith(_CLOSED) or any(sign in data for *_, data in said for sign in _SPOKEN)):
                continue
            lines: list[list[Any]] = []
            asked = 0
            for direction, packet, ts_ns, data in said:
                asked += not direction
                if not masker.secrets and not direction and asked <= GREETINGS and media.is_binary(data):
                    lines.append([direction, packet, ts_ns - self._zero_ns, f"[{len(data):,} bytes that may hold a login]"])
                    continue
                text = printable(data.decode("utf-8", "backslashreplace").replace("\r\n", "\n"))
                if not masker.secrets:
                    text = _REDIS.sub(rf"\1{MASK}\n", _LOGIN.sub(_hide, text))
                    text = text if direction else _BASE64.sub(MASK, text)
                lines.append([direction, packet, ts_ns - self._zero_ns, masker.body(text)])
            found[stream] = lines
        return found
