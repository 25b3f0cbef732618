"""The URL that a request asked for, in full.

Source: RFC 9112 section 3.2 and 3.3 (forms of the target, how the URI is put together), RFC 3986.
"""

import re

from sniff.decode import credentials, fields
from sniff.decode.message import Message
from sniff.exchange.connection import Connection

_FORBIDDEN = {code: f"%{code:02X}" for code in (*range(0x21), *b'"<>\\^`{|}\x7f')}
"""What may not stand in a URL is percent-encoded, so that a URL is one line without surprises."""


def full_url(request: Message, connection: Connection, secrets: bool = False) -> str:
    """`scheme://[user[:password]@]host[:port]/path?query` of a request.

    The host is that of an absolute target, else the Host field, else the address of the server. A password (of the
    target, or of Basic authentication) is masked unless `secrets`.
    """
    target = request.target
    if target[:1] == b"/" and request.host and b"@" not in request.host and not request.get(b"authorization"):
        return f"{request.scheme}://{_clean(request.host)}{_clean(target)}"
    if request.method == b"CONNECT":
        return _clean(target or request.host)
    scheme, separator, rest = target.partition(b"://")
    if separator and scheme.isalpha():
        authority, path = _split_authority(rest)
        name = fields.text(scheme).lower()
    else:
        authority, path, name = request.host, target, request.scheme
    user = b""
    if b"@" in authority:
        user, _, authority = authority.rpartition(b"@")
    host = _clean(authority) if authority else _server(connection)
    if path[:1] != b"/":
        path = b"" if path == b"*" else b"/" + path
    return f"{name}://{_user(user, request, secrets)}{host}{_clean(path)}"


def plain_url(host: bytes, target: bytes) -> str:
    """The URL of a target that is a path, asked for from a host, without user and password."""
    return f"http://{_clean(host)}{_clean(target)}"


def _split_authority(rest: bytes) -> tuple[bytes, bytes]:
    for index, byte in enumerate(rest):
        if byte in b"/?#":
            return rest[:index], rest[index:]
    return rest, b"/"


def _user(user: bytes, request: Message, secrets: bool) -> str:
    if user:
        name, colon, password = user.partition(b":")
        shown = _clean(password) if secrets else credentials.MASK
        return _clean(name) + (f":{shown}" if colon else "") + "@"
    value = request.get(b"authorization")
    if value[:6].lower() != b"basic ":
        return ""
    found = credentials.read(value)
    if found is None or not (found.user or found.password):
        return ""
    return f"{_quoted(found.user)}:{_quoted(found.password) if secrets else credentials.MASK}@"


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="!$&'()*+,;=-._~")


def _server(connection: Connection) -> str:
    host = f"[{connection.server}]" if connection.is_ipv6 else connection.server
    return host if connection.server_port in (80, -1) else f"{host}:{connection.server_port}"


_CLEAN = re.compile(rb"[!#-;=?-Z\[\]_a-z~]*")


def _clean(raw: bytes) -> str:
    return raw.decode("ascii") if _CLEAN.fullmatch(raw) else fields.text(raw).translate(_FORBIDDEN)
