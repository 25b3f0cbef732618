"""Which process owns an end of a connection: the record, and the block of a pcapng file that keeps it.

The block is one for local use (draft-ietf-opsawg-pcapng section 3.1: types with the highest bit set), which other readers
skip. Its body is SIGNATURE and one JSON object in UTF-8, so that it can be read without sniff.
"""

import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

BLOCK_TYPE = 0x80736E66
"""The highest bit, and `snf`."""
SIGNATURE = b"sniff\0\0\x01"
COMMAND_BYTES = 1024
"""Bytes of a command line that are kept."""
NAME_CHARACTERS = 64
LONGEST = 16 << 10
"""Bytes of a record that are looked at."""

READY = b"ready"
"""The first thing that a watcher sends; then records, and answers."""
QUESTION, ANSWER = b"?", b"!"
"""Asked whether the records of all packets so far were sent, it answers when they were, or when that takes too long."""


class Known(StrEnum):
    """How sure it is that this process owns this end of the connection."""

    AT_CONNECT = "at connect"       # its socket was found while the connection began
    LATER = "later"                 # its socket was found later, or the beginning was not seen
    LISTENS = "listens"             # only known: it listens on this port (one of several may be meant)
    USER_ONLY = "user only"         # the socket was found, its process was not: gone, or not ours to see
    NOT_FOUND = "not found"         # nobody; an earlier record of the same addresses and ports holds no longer


@dataclass(frozen=True, slots=True)
class Owner:
    """Who owns one end of a connection.

    protocol        6 TCP, 17 UDP
    address, port   this end; peer and peer_port the other one
    since_ns        when the first packet was seen, nanoseconds since 1970; found_ns when the process was found
    pids            the process; several when any of them may be meant; none when it was not found
    name, command   of the first of them, as `ps` shows them
    """

    protocol: int
    address: str
    port: int
    peer: str
    peer_port: int
    known: Known
    since_ns: int = 0
    found_ns: int = 0
    pids: tuple[int, ...] = ()
    name: str = ""
    command: tuple[str, ...] = ()
    user: str = ""

    @property
    def label(self) -> str:
        """`curl[1234]`; `~` in front of what was not seen at connect, `?` of what may also be another one."""
        if self.known == Known.NOT_FOUND:
            return ""
        if self.known == Known.USER_ONLY:
            return f"?({self.user})"
        mark = "" if self.known == Known.AT_CONNECT else "?" if len(self.pids) > 1 else "~"
        return f"{mark}{self.name}[{'|'.join(map(str, self.pids))}]"

    @property
    def facts(self) -> dict[str, Any]:
        """For a JSON object."""
        facts: dict[str, Any] = {}
        if self.pids:
            facts = {"pid": self.pids[0], "name": self.name, "command": list(self.command)}
        if len(self.pids) > 1:
            facts["pids"] = list(self.pids)
        return facts | {"user": self.user, "known": str(self.known)}


def pack(owner: Owner) -> bytes:
    """The body of the block."""
    fields = {"protocol": owner.protocol, "address": owner.address, "port": owner.port, "peer": owner.peer,
              "peer_port": owner.peer_port, "known": str(owner.known), "since_ns": owner.since_ns, "found_ns": owner.found_ns,
              "pids": owner.pids, "name": owner.name, "command": owner.command, "user": owner.user}
    return SIGNATURE + json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def unpack(body: bytes) -> Owner | None:
    """What such a body says; None when it is none, or says nothing that makes sense."""
    if not body.startswith(SIGNATURE) or len(body) > LONGEST:
        return None
    try:
        said = json.loads(body[len(SIGNATURE):].rstrip(b"\0"))
        return Owner(
            protocol=_number(said["protocol"], 255), address=str(ipaddress.ip_address(_text(said["address"]))),
            port=_number(said["port"], 0xFFFF), peer=str(ipaddress.ip_address(_text(said["peer"]))),
            peer_port=_number(said["peer_port"], 0xFFFF), known=Known(said["known"]),
            since_ns=_number(said["since_ns"], 1 << 63), found_ns=_number(said["found_ns"], 1 << 63),
            pids=tuple(_number(pid, 1 << 31) for pid in said["pids"]), name=_text(said["name"]),
            command=tuple(_text(word) for word in said["command"]), user=_text(said["user"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def shorten(words: Sequence[str]) -> tuple[str, ...]:
    """The first words of a command line, as many as are kept."""
    kept: list[str] = []
    left = COMMAND_BYTES
    for word in words:
        if left <= 0:
            break
        kept.append(word[:left])
        left -= len(word.encode("utf-8", "replace")) + 1
    return tuple(kept)


def _number(value: Any, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < most + 1:
        raise ValueError(value)
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    return value.encode("utf-8", "replace").decode()
