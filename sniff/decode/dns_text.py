"""DNS names and record data as text.

A name is shown in ASCII: a dot or a backslash inside a label, control characters and bytes above 127 are escaped as in zone
files (`\\.`, `\\\\`, `\\200`), the root is `.`, other names have no dot at the end. `unicode_name` gives the form for people.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv6Address
from unicodedata import category, normalize

LONGEST_NAME = 255
"""Bytes of a name, with the length in front of each label and the empty one at the end (RFC 1035 section 2.3.4)."""

_PLAIN = re.compile(rb"[ !-\-/-\[\]-~]*\Z")     # printable ASCII but dot and backslash
_ODD = re.compile(rb"[.\\]|[^ -~]")


class BadName(ValueError):
    """There is no name here. For use inside decode/ only."""


def read_labels(wire: bytes, at: int) -> tuple[list[bytes], int]:
    """(labels without the empty one, index after the name as it stands at `at`). Raises BadName.

    A pointer has to point backwards, before where the name or the last pointer led began (RFC 1035 section 4.1.4).
    """
    labels: list[bytes] = []
    after, limit, size, end = -1, at, 1, len(wire)
    while True:
        if at >= end:
            raise BadName("the message ends inside a name")
        length = wire[at]
        if length == 0:
            return labels, after if after >= 0 else at + 1
        if length < 0x40:
            size += length + 1
            if size > LONGEST_NAME or at + 1 + length > end:
                raise BadName("a name is too long")
            labels.append(wire[at + 1:at + 1 + length])
            at += 1 + length
        elif length >= 0xC0:
            if at + 1 >= end:
                raise BadName("the message ends inside a name")
            target = (length & 0x3F) << 8 | wire[at + 1]
            if target >= limit:
                raise BadName("a compression pointer does not point backwards")
            if after < 0:
                after = at + 2
            at = limit = target
        else:
            raise BadName("unknown kind of label")


def show_label(label: bytes) -> str:
    """One label in ASCII."""
    if _PLAIN.match(label):
        return label.decode("ascii")
    return _ODD.sub(lambda m: b"\\" + m[0] if m[0] in b".\\" else b"\\%03d" % m[0][0], label).decode("ascii")


def show_labels(labels: Sequence[bytes]) -> str:
    """A name in ASCII; `.` for the root."""
    return ".".join(map(show_label, labels)) or "."


def read_name(wire: bytes, at: int) -> tuple[str, int]:
    """(name in ASCII, index after it). Raises BadName."""
    labels, after = read_labels(wire, at)
    return show_labels(labels), after


@lru_cache(4096)
def unicode_name(name: str) -> str:
    r"""The name for people: `xn--` labels (RFC 3492) and escaped UTF-8 as Unicode, everything else as it is.

    A label stays ASCII when it does not survive the way back, or holds anything but letters, marks, digits and signs: what
    could drive a terminal or turn the direction of the line.
    """
    if "xn--" not in name.lower() and "\\" not in name:
        return name
    return ".".join(map(_unicode_label, re.split(r"(?<!\\)(?:\\\\)*\.", name)))


def _unicode_label(label: str) -> str:
    try:
        if label[:4].lower() == "xn--":
            code = label[4:].lower()
            text = code.encode("ascii").decode("punycode")
            if text.encode("punycode").decode("ascii") != code or normalize("NFC", text) != text:
                return label
        elif "\\" in label:
            raw = re.sub(rb"\\(\d\d\d|.)", lambda m: bytes([int(m[1])]) if len(m[1]) == 3 else m[1], label.encode())
            text = raw.decode("utf-8")
            if "." in text or "\\" in text:
                return label
        else:
            return label
    except (UnicodeError, ValueError):
        return label
    return text if text and all(category(c)[0] in "LMNPS" or c == " " for c in text) else label


def show_ipv6(address: bytes) -> str:
    """16 bytes as Wireshark writes them: RFC 5952, with dots in ::1.2.3.4 and ::ffff:1.2.3.4."""
    if address[:10] == bytes(10) and (address[10:12] == b"\xff\xff" or (address[10:12] == b"\0\0" and any(address[12:14]))):
        return ("::ffff:" if address[10] else "::") + ".".join(map(str, address[12:]))
    return str(IPv6Address(address))


def quote(text: bytes) -> str:
    r"""A character string in quotes: `"`, backslash, control characters and bytes above 127 escaped (RFC 1035 section 5.1)."""
    return '"' + re.sub(rb'["\\]|[^ -~]', lambda m: b"\\" + m[0] if m[0] in b'"\\' else b"\\%03d" % m[0][0],
                        text).decode("ascii") + '"'


def unknown(data: bytes) -> str:
    """Data of a record nobody can read (RFC 3597 section 5)."""
    return f"\\# {len(data)} {data.hex()}".rstrip()
