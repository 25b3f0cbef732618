"""Credentials in messages: who logged in, and how. Secrets are masked unless the caller asks for them.

Source: RFC 7617 (Basic), RFC 7616 (Digest), RFC 6750 (Bearer).
"""

import base64
import binascii
import re
from functools import lru_cache
from typing import NamedTuple

from sniff.decode import fields

MASK = "***"
"""What stands where a secret was."""

SECRET_FIELDS = frozenset({b"authorization", b"proxy-authorization", b"authentication", b"cookie", b"set-cookie", b"cookie2",
                           b"set-cookie2"})
"""Header fields whose values are secrets, at least in part; others are by their names (`is_secret`)."""

SECRET_PARTS = (
    "password", "passwd", "passwort", "kennwort", "passphrase", "passcode", "userpass", "pwd", "secret", "token", "jwt",
    "credential", "signature", "authorization", "sessionid", "session_id", "sessid", "api_key", "apikey", "app_key", "appkey",
    "access_key", "accesskey", "auth_key", "authkey", "account_key", "accountkey", "private_key", "privatekey", "secret_key",
    "master_key", "signing_key", "encryption_key", "subscription_key", "functions_key", "credit_card", "creditcard",
    "card_number", "cardnumber", "cc_number", "otp_code", "samlresponse", "saml_response", "samlassertion", "oauth_verifier",
    "code_verifier")
"""Words that make every name secret in which they stand."""
SECRET_ENDS = ("pass", "pw", "psw", "auth", "pin", "otp", "totp", "sid", "sig", "hmac", "cvv", "cvc", "ssn", "bearer", "assertion", "senha")
"""Words that do when they are all of it, or the last word: `passenger` and `side` are no secrets."""
SECRET_WHOLES = ("key", "x_key", "session", "user_key")
"""Words that only do when they stand alone."""
OPEN_ENDS = ("type", "expires", "expires_in", "expiresin", "expiry", "endpoint", "policy", "length", "allow_credentials")
"""What names end with that speak of a secret without telling it: `token_type`, `Access-Control-Allow-Credentials`."""
_LAST = re.compile(rf"(?:^|_)(?:{'|'.join(SECRET_ENDS)})\Z|\A(?:{'|'.join(SECRET_WHOLES)})\Z")
_ANY = re.compile("|".join(SECRET_PARTS))
_UNIFIED = str.maketrans("-.[", "___")

_PLAIN_ATTRIBUTES = frozenset({b"path", b"domain", b"expires", b"max-age", b"secure", b"httponly", b"samesite", b"priority", b"partitioned",
                               b"version", b"comment", b"commenturl", b"discard", b"port"})
"""What a server says about a cookie."""
_SECOND_COOKIE = re.compile(rb",(\s*[^=;,\s]+)=[^;,]*")
"""Another cookie in the same field, as some wrote them (RFC 2109); the comma in a date is followed by no `=`."""


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
    if secrets or not value:
        return value
    if name not in SECRET_FIELDS:
        return MASK.encode() if is_secret_field(name) else value
    if name in (b"authorization", b"proxy-authorization"):
        credential = read(value)
        return credential.shown().encode() if credential and b" " in value.strip() else MASK.encode()
    if name in (b"cookie", b"cookie2"):
        return b"; ".join(_masked_pair(member) for member in value.split(b";"))
    if name in (b"set-cookie", b"set-cookie2"):
        pair, *attributes = value.split(b";")
        return b";".join([_masked_pair(pair), *map(_masked_attribute, attributes)])
    return MASK.encode()


def _masked_pair(pair: bytes) -> bytes:
    name, equals, _ = pair.partition(b"=")
    return name.strip() + b"=" + MASK.encode() if equals else MASK.encode() if pair.strip() else b""


def _masked_attribute(attribute: bytes) -> bytes:
    name, equals, _ = attribute.partition(b"=")
    if equals and name.strip().lower() not in _PLAIN_ATTRIBUTES:
        return name + b"=" + MASK.encode()
    return _SECOND_COOKIE.sub(rb",\1=" + MASK.encode(), attribute) if b"," in attribute else attribute


@lru_cache(4096)
def is_secret_field(name: bytes) -> bool:
    """True when the name of a header field says that its value is a secret. `name` in lower case."""
    return len(name) <= 200 and is_secret(fields.text(name))


def is_secret(name: str) -> bool:
    """True when the name of a form field, a header field or a query parameter says that its value is a secret."""
    key = name.lower().translate(_UNIFIED).rstrip("]")
    return (_ANY.search(key) is not None or _LAST.search(key) is not None) and not key.endswith(OPEN_ENDS)
