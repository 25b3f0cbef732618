"""Credentials in messages: who logged in, and how. Secrets are masked unless the caller asks for them.

Source: RFC 7617 (Basic), RFC 7616 (Digest), RFC 6750 (Bearer).
"""

import base64
import binascii
from typing import NamedTuple

from sniff.decode import fields

MASK = "***"
"""What stands where a secret was."""

SECRET_FIELDS = frozenset({b"authorization", b"proxy-authorization", b"cookie", b"set-cookie", b"x-api-key", b"api-key",
                           b"x-auth-token", b"x-amz-security-token", b"x-csrf-token", b"x-goog-api-key"})
"""Header fields whose values are secrets, at least in part."""

SECRET_NAMES = (
    "password", "passwd", "pwd", "passphrase", "secret", "token", "api_key", "apikey", "access_key", "accesskey", "private_key",
    "privatekey", "credit_card", "creditcard", "card_number", "cardnumber", "cvv", "pin", "otp", "sessionid", "session_id",
    "sessid", "signature", "credential", "authorization", "jwt", "sid", "sig", "key")
_WHOLE_NAMES = frozenset({"pass", "auth", "session", "user_key"})
"""Names that only mean a secret when they stand alone: `passenger` is none."""

SECRET_PARTS = tuple(word for word in SECRET_NAMES if len(word) > 3)
"""Words that make every name secret in which they stand."""
SECRET_WHOLES = (*sorted(_WHOLE_NAMES), *(word for word in SECRET_NAMES if len(word) <= 3))
"""Words that are secret names by themselves."""


class Credential(NamedTuple):
    """What an Authorization field says.

    scheme    `basic`, `digest`, `bearer` ... in lower case
    user      empty when the scheme names none
    password  of Basic
    rest      what else there is: the token of Bearer, the parameters of Digest
    """

    scheme: str
    user: str
    password: str
    rest: str

    def shown(self, secrets: bool = False) -> str:
        """For people: `Basic alice:***`."""
        word = self.scheme.capitalize()
        if self.scheme == "basic":
            return f"{word} {self.user}:{self.password if secrets else MASK}"
        if self.scheme == "digest":
            return f"{word} {self.rest}" if secrets else f"{word} username={self.user}, {MASK}"
        return f"{word} {self.rest if secrets else MASK}"


def read(value: bytes) -> Credential | None:
    """Read an Authorization or Proxy-Authorization field; None when it is empty. Whatever cannot be read is `rest`."""
    scheme, _, rest = value.strip().partition(b" ")
    if not scheme:
        return None
    word, rest = fields.text(scheme).lower(), rest.strip()
    if word == "basic":
        plain = _unpadded(rest)
        if plain is not None:
            user, _, password = plain.partition(b":")
            return Credential(word, fields.text(user), fields.text(password), "")
    if word == "digest":
        members = [member.partition(b"=") for member in fields.split_list(rest)]
        values = {fields.text(name.strip()).lower(): fields.unquote(content.strip()) for name, _, content in members}
        return Credential(word, fields.text(values.get("username", b"")), "", fields.text(rest))
    return Credential(word, "", "", fields.text(rest))


def _unpadded(data: bytes) -> bytes | None:
    """Base64 with or without padding, in either alphabet; None when it is none."""
    clean = data.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    try:
        return base64.b64decode(clean + b"=" * (-len(clean) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def masked(name: bytes, value: bytes, secrets: bool = False) -> bytes:
    """The value of a header field as it may be shown: cookies keep their names, credentials their user.

    name  in lower case
    """
    if secrets or name not in SECRET_FIELDS:
        return value
    if name in (b"authorization", b"proxy-authorization"):
        credential = read(value)
        return credential.shown().encode() if credential and b" " in value.strip() else MASK.encode() if value else value
    if name == b"cookie":
        return b"; ".join(member.partition(b"=")[0].strip() + b"=" + MASK.encode() for member in value.split(b";"))
    if name == b"set-cookie":
        pair, semicolon, attributes = value.partition(b";")
        return pair.partition(b"=")[0] + b"=" + MASK.encode() + semicolon + attributes
    return MASK.encode()


def is_secret(name: str) -> bool:
    """True when the name of a form field or of a query parameter says that its value is a secret."""
    key = name.lower().replace("-", "_")
    return key in SECRET_WHOLES or any(word in key for word in SECRET_PARTS)
