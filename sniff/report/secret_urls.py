"""URLs and forms without the secrets in them: values of parameters whose names say that they are secrets."""

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote, unquote_plus

from sniff.decode import credentials
from sniff.decode.forms import Pair
from sniff.exchange.http import Exchange

_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")


def may_have_secrets(text: str) -> bool:
    """Whether a text may have a secret's name in it: a quick look before a slow one."""
    lower = text.lower().replace("-", "_").replace(".", "_")
    return any(word in lower for word in _WORDS)


_WORDS = (*credentials.SECRET_PARTS, *credentials.SECRET_ENDS, "key", "session")


_USER = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://[^/@?#:]*):[^/@?#]*@")
_PAIR = re.compile(r"([?&#])([^=&#;?]*)=[^&#;]+|(;)([^=&#;?]*)=[^&#;?]+")


def masked_url(url: str, secrets: bool = False) -> str:
    """The URL with its password and the secret values of its query, its fragment and its path's parameters masked, unless
    `secrets`."""
    if secrets:
        return url
    if "@" in url:
        url = _USER.sub(rf"\1:{credentials.MASK}@", url)
    return _PAIR.sub(_masked, url) if "=" in url else url


def _masked(pair: re.Match[str]) -> str:
    mark, name = pair.groups()[:2] if pair[1] else pair.groups()[2:]
    return f"{mark}{name}={credentials.MASK}" if _is_secret(name) else pair[0]


@lru_cache(1024)
def _is_secret(name: str) -> bool:
    return credentials.is_secret(unquote_plus(name))


def har_url(exchange: Exchange, secrets: bool = False) -> str:
    """The URL of a request as a URI with a host, in ASCII (RFC 3986); of CONNECT the place that it asked for."""
    url = masked_url(exchange.url(secrets), secrets)
    if not url.isascii():
        url = _NOT_ASCII.sub(lambda match: quote(match[0]), url)
    if "://" not in url[:12]:
        url = f"http://{url}/"
    return url if not url.startswith("http:///") else f"http://unknown{url[7:]}"


def masked_pairs(pairs: Iterable[Pair], secrets: bool = False) -> list[Pair]:
    """The pairs of a form with secret values masked, unless `secrets`."""
    return [pair if secrets or not credentials.is_secret(pair.name) else Pair(pair.name, credentials.MASK) for pair in pairs]
