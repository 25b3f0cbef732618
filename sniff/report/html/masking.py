"""Masker: the last thing every text passes through on its way into a report. Hides secrets, and addresses when asked to.

A secret is hidden where it is known by its place (an Authorization field, a cookie, a query parameter called `token`, a
password in a form or in JSON). What was found in such a place is learned, and hidden wherever else it occurs: in a page that
echoes it, in the rows of the timeline, in a hex dump.
"""

import ipaddress
import json
import re
from collections import Counter
from collections.abc import Sequence
from html import escape
from urllib.parse import quote

from sniff import limits
from sniff.decode import credentials, fields
from sniff.decode.message import Message
from sniff.report import spoken
from sniff.report.spoken import is_secret, unquoted

MASK = credentials.MASK

LEARNED, PHRASES = limits.REPORT_SECRETS, limits.REPORT_PHRASES
LEAST = 4
"""Characters of a secret that is looked for elsewhere: shorter ones would hide half of the page."""
LEAST_COOKIE = 8
"""The same of a cookie: most short ones are settings (`theme=dark`)."""
LEAST_PART = 12
"""Characters of a part of a secret that is taken for one itself (the parts of a JWT)."""

FIELDS = 10_000
"""Fields whose masked form is remembered."""
NAME_CHARACTERS, VALUE_BYTES = 200, 8_192
"""How much of a field is shown."""

_COMMON = frozenset({"true", "false", "null", "none", "undefined", "basic", "bearer", "digest", "token", "password", "required", "optional",
                     "default", "deleted", "include", "same-origin", "enabled", "disabled"})
"""What is never taken for a secret, wherever it stands."""

_WORD = re.compile(r"[A-Za-z0-9_-]{4,}")
_PLAIN_WORD = re.compile(r"[A-Za-z0-9_-]+")
_PARTS = re.compile(rf"[A-Za-z0-9_-]{{{LEAST_PART},}}")

_MIXED = re.compile(r"[A-Za-z].*[0-9]|[0-9].*[A-Za-z]|[a-z].*[A-Z]")

_CHOICE = re.compile(r"(?=[^\s,]*[A-Za-z])(?=[^\s,]*[0-9])[^\s,]{20,8192}")
"""An element of Sec-WebSocket-Protocol that names no protocol: browsers have no other place for a token."""

_IPV4 = re.compile(r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d])(?!\.\d)(?!\.in-addr)")
_ARPA = re.compile(r"(?<![\d.])((?:\d{1,3}\.){4})in-addr\.arpa|(?<![0-9a-f.])((?:[0-9a-f]\.){32})ip6\.arpa", re.IGNORECASE)
_IPV6 = re.compile(r"(?<![0-9A-Za-z:.])(?=[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:)[0-9A-Fa-f:]{2,39}(?:\.\d{1,3}){0,3}(?![0-9A-Za-z:])")
_MAC = re.compile(r"(?<![0-9A-Za-z:-])[0-9A-Fa-f]{2}(?:([:-])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2}){4}(?![0-9A-Za-z:-])")

_FIRST_IPV4 = int(ipaddress.IPv4Address("198.18.0.0"))
"""Addresses that stand for others come from the network for benchmarks (RFC 2544) and the one for documentation (RFC 3849)."""
_FIRST_IPV6 = int(ipaddress.IPv6Address("2001:db8::"))


class Masker:
    """Hides what must not be in a report.

    secrets  True: nothing is a secret
    redact   addresses are replaced, the same one always by the same; bodies are left out by `details`
    """

    def __init__(self, secrets: bool = False, redact: bool = False) -> None:
        self.secrets = secrets
        self.redact = redact
        self.found = 0
        self._words: set[str] = set()
        self._kinds: dict[bytes, int] = {}
        self._fields: dict[tuple[bytes, bytes], tuple[str, str]] = {}
        self._phrases: dict[str, None] = {}
        self._addresses: dict[str, str] = {}
        self._counts = [0, 0, 0]

    # --- learning ---------------------------------------------------------------------------------------------------

    def learn(self, value: str, least: int = LEAST) -> None:
        """Hide this text wherever it occurs from now on."""
        if self.secrets or len(value) < least or len(self._words) >= LEARNED or value.strip("*") == "" or value.lower() in _COMMON:
            return
        if _PLAIN_WORD.fullmatch(value):
            if value in self._words or (value.isdigit() and len(value) < 6):
                return
            self._words.add(value)
        else:
            self._words.update(_PARTS.findall(value))
            for variant in sorted({value, escape(value), quote(value), quote(value, safe=""), quote(value, safe="").replace("%20", "+"),
                            json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}):
                if len(self._phrases) < PHRASES and len(variant) >= LEAST:
                    self._phrases[variant] = None
        self.found += 1
        self._fields.clear()

    def learn_heads(self, heads: bytes) -> Counter[str]:
        """Learn the secrets of some heads of messages; {scheme: how many Authorization fields used it}.

        heads  one after another, each ending its last line: the same lines come again and again, and each is looked at once
        """
        schemes: Counter[str] = Counter()
        lines = heads.split(b"\n")
        distinct = dict.fromkeys(lines)
        kinds = self._kinds
        for line in distinct:
            name = line.partition(b":")[0]
            kind = kinds.get(name)
            if kind is None:
                if b" " in name and b" " in name.strip():
                    continue        # a start line, most of all
                kind = _kind_of(name)
                if len(name) <= NAME_CHARACTERS and len(kinds) < FIELDS:
                    kinds[name] = kind
            if kind == _NOTHING:
                continue
            field, value = name.strip().lower(), line[len(name) + 1:].strip()
            if kind == _LOGIN:
                schemes[fields.text(value.partition(b" ")[0][:32]).lower()] += lines.count(line)
            if not self.secrets:
                self._learn_field(field, value)
        if not self.secrets:
            self._learn_parameters([line for line in distinct if b"=" in line or b"@" in line])
        return schemes

    def _learn_parameters(self, lines: Sequence[bytes]) -> None:
        """Learn the secrets in URLs: parameters like `token=`, passwords before an @."""
        joined = b"\n".join(lines)
        kinds = self._kinds
        plain: list[str] = []
        for name, value in _RAW_PAIR.findall(joined):
            kind = kinds.get(name)
            if kind is None:
                kind = kinds[name] = _SECRET if is_secret(unquoted(fields.text(name))) else _NOTHING
                if len(kinds) > FIELDS:
                    kinds.clear()
            if kind == _NOTHING:
                continue
            if value.isalnum():
                plain.append(value.decode("ascii"))
            else:
                self._learn_quoted(fields.text(value))
        room = LEARNED - len(self._words)
        if plain and room > 0:
            self._words.update([value for value in plain if len(value) >= LEAST and not (len(value) < 6 and value.isdigit())
                                and value.lower() not in _COMMON][:room])
            self._fields.clear()
        for match in _RAW_LINE.finditer(joined):
            self.learn_pairs(fields.text(match[1]))
        if b"code=" in joined and b"state=" in joined:
            for line in lines:
                if b"code=" in line and b"state=" in line:
                    for match in _RAW_CODE.finditer(line):
                        self._learn_quoted(fields.text(match[1]))
        if b"@" in joined:
            for match in _RAW_USERINFO.finditer(joined):
                self._learn_quoted(fields.text(match[1]))

    def learn_form(self, message: Message) -> None:
        """Learn the secrets in the first bytes of a form."""
        if message.media_type == "application/x-www-form-urlencoded":
            self.learn_pairs(fields.text(message.prefix))

    def learn_pairs(self, text: str) -> None:
        """Learn the secrets of a query or an urlencoded form."""
        for member in text.split("&"):
            name, equals, value = member.partition("=")
            if equals and value and is_secret(unquoted(name)):
                self._learn_quoted(value)

    def learn_json(self, value: object, secret: bool = False, depth: int = 0) -> None:
        """Learn the secrets of parsed JSON: everything below a key that says so."""
        if depth > 60:
            return
        if isinstance(value, dict):
            named = any(isinstance(value.get(key), str) and is_secret(value[key]) for key in ("name", "key", "id", "field", "header"))
            for key, item in value.items():
                if named and key in ("value", "val", "content", "data"):
                    self.learn_json(item, True, depth + 1)
                    continue
                self.learn_json(item, secret or is_secret(str(key)), depth + 1)
        elif isinstance(value, list):
            for item in value:
                self.learn_json(item, secret, depth + 1)
        elif isinstance(value, str):
            if secret:
                self.learn(value)
            elif value[:1] in ("{", "[") and len(value) > 8:
                try:
                    self.learn_json(json.loads(value), False, depth + 20)
                except (ValueError, RecursionError):
                    return

    def _learn_quoted(self, value: str) -> None:
        self.learn(value)
        plain = unquoted(value)
        if plain != value:
            self.learn(plain)

    def _learn_field(self, name: bytes, value: bytes) -> None:
        if name in (b"authorization", b"proxy-authorization"):
            _, _, rest = value.replace(b"\t", b" ").partition(b" ")
            self.learn(fields.text(rest.strip() or value))
            read = credentials.read(value)
            if read is not None and read.password:
                self.learn(read.password)
                self.learn(f"{read.user}:{read.password}")
        elif name in (b"cookie", b"cookie2"):
            for member in value.split(b";"):
                self._learn_cookie(member)
        elif name in (b"set-cookie", b"set-cookie2"):
            self._learn_cookie(value.partition(b";")[0])
        else:
            self.learn(fields.text(value))

    def _learn_cookie(self, member: bytes) -> None:
        name, equals, content = member.strip().partition(b"=")
        if not equals:
            content = name
        value = fields.text(content.strip().strip(b'"'))
        least = LEAST if is_secret(fields.text(name)) or _MIXED.search(value) else LEAST_COOKIE
        self.learn(value, least)
        plain = unquoted(value)
        if plain != value:
            self.learn(plain, least)

    # --- hiding -----------------------------------------------------------------------------------------------------

    def text(self, text: str) -> str:
        """A text from the wire without what was learned, and without addresses when they are to be replaced."""
        if not self.secrets:
            text = spoken.known(text)
            if self._words or self._phrases:
                text = self._without_learned(text)
        return self._without_addresses(text) if self.redact else text

    def name(self, text: str) -> str:
        """A name (of a host, a file): only addresses and learned secrets are hidden in it."""
        return self.text(text)

    def url(self, url: str) -> str:
        """A URL, or the first line of a message: passwords and secret parameters are hidden, names stay."""
        shown = self.text(url)
        return shown if self.secrets else spoken.hidden_scheme(spoken.hidden_url(shown))

    def row(self, info: str) -> str:
        """A cell of the timeline."""
        shown = self.text(info)
        return shown if self.secrets or ("=" not in shown and "@" not in shown and "/" not in shown) else spoken.hidden_url(shown)

    def field(self, name: bytes, value: bytes) -> tuple[str, str]:
        """(name, value) of a header field. The same ones come again and again, so the answers are kept."""
        key = (name, value)
        found = self._fields.get(key)
        if found is None:
            if len(self._fields) > FIELDS:
                self._fields.clear()
            shown = self.text(fields.text(name)[:NAME_CHARACTERS]), self.header(name, value[:VALUE_BYTES])
            found = self._fields[key] = shown
        return found

    def header(self, name: bytes, value: bytes) -> str:
        """The value of a header field."""
        if self.secrets:
            return self.text(fields.text(value))
        key = name.strip().lower()
        shown = fields.text(credentials.masked(key, value))
        if key in (b"host", b":authority") and "@" in shown:
            shown = MASK + shown[shown.rindex("@"):]
        elif key == b"sec-websocket-protocol":
            shown = _CHOICE.sub(MASK, shown)
        elif key not in credentials.SECRET_FIELDS:
            shown = spoken.hidden(shown)
        return self.text(spoken.hidden_url(shown, False) if "=" in shown or "@" in shown or "%3" in shown else shown)

    def pair(self, name: str, value: str) -> str:
        """The value of a form field."""
        return self.body(value) if self.secrets or not value or not is_secret(name) else MASK

    def body(self, text: str) -> str:
        """A body that is text: HTML, JSON, a script, anything."""
        if not self.secrets:
            text = spoken.hidden(text)
            if "?" in text or "@" in text or "&" in text:
                text = spoken.hidden_url(text, False)
        return self.text(text)

    def bytes(self, data: bytes) -> bytes:
        """Bytes that are shown as they are, in a hex dump: what was learned is written over, the length stays."""
        if self.secrets:
            return data
        text = data.decode("latin-1")
        for phrase in self._phrases:
            raw = phrase.encode("utf-8", "replace").decode("latin-1")
            if raw in text:
                text = text.replace(raw, "*" * len(raw))
        text = spoken.hidden_bytes(text)
        words = {word for word in _WORD.findall(text) if word in self._words}
        for word in words:
            text = re.sub(rf"(?<![A-Za-z0-9_-]){re.escape(word)}(?![A-Za-z0-9_-])", "*" * len(word), text)
        return text.encode("latin-1")

    def knows(self, data: bytes) -> bool:
        """Whether something that was learned occurs in these bytes."""
        return self.bytes(data) != data

    def _without_learned(self, text: str) -> str:
        for phrase in self._phrases:
            if phrase in text:
                text = text.replace(phrase, MASK)
        if self._words.isdisjoint(_WORD.findall(text)):
            return text
        return _WORD.sub(lambda match: MASK if match[0] in self._words else match[0], text)

    # --- addresses --------------------------------------------------------------------------------------------------

    def address(self, text: str) -> str:
        """An address: itself, or what stands for it."""
        return self._without_addresses(text) if self.redact else text

    def _without_addresses(self, text: str) -> str:
        if "." in text:
            text = _IPV4.sub(self._ipv4, text)
            if "arpa" in text:
                text = _ARPA.sub(self._arpa, text)
        if ":" in text or "-" in text:
            text = _MAC.sub(self._mac, text)
            if ":" in text:
                text = _IPV6.sub(self._ipv6, text)
        return text

    def _stand_in(self, key: str, kind: int) -> str:
        found = self._addresses.get(key)
        if found is None:
            self._counts[kind] += 1
            number = self._counts[kind]
            if kind == 0:
                found = str(ipaddress.IPv4Address(_FIRST_IPV4 + number % (1 << 17)))
            elif kind == 1:
                found = str(ipaddress.IPv6Address(_FIRST_IPV6 + number))
            else:
                found = "02:00:00" + "".join(f":{number >> shift & 255:02x}" for shift in (16, 8, 0))
            if len(self._addresses) < LEARNED:
                self._addresses[key] = found
        return found

    def _ipv4(self, match: re.Match[str]) -> str:
        text = match[0]
        if text in ("0.0.0.0", "255.255.255.255", "127.0.0.1") or text.startswith(("198.18.", "198.19.")):
            return text
        return self._stand_in(str(text), 0)

    def _ipv6(self, match: re.Match[str]) -> str:
        try:
            address = ipaddress.IPv6Address(match[0])
        except ValueError:
            return match[0]
        if address.compressed in ("::", "::1") or address.compressed.startswith("2001:db8:"):
            return match[0]
        return self._stand_in(address.compressed, 1)

    def _mac(self, match: re.Match[str]) -> str:
        text = match[0].lower().replace("-", ":")
        if text in ("ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00") or text.startswith("02:00:00:"):
            return match[0]
        return self._stand_in(text, 2)

    def _arpa(self, match: re.Match[str]) -> str:
        labels = (match[1] or match[2]).rstrip(".").split(".")[::-1]
        try:
            address = ipaddress.ip_address(".".join(labels) if match[1] else
                                           ":".join("".join(labels[at:at + 4]) for at in range(0, 32, 4)))
        except ValueError:
            return match[0]
        return ipaddress.ip_address(self._stand_in(address.compressed, 0 if match[1] else 1)).reverse_pointer


_NOTHING, _SECRET, _LOGIN = range(3)
_RAW_PAIR = re.compile(rb"[?&;#]([^=&;?#\s\"'<>]{1,200})=([^&;#\s]{1,8192}(?:[;#](?![^=&;#\s]{1,100}=)[^&;#\s]{0,8192}){0,4})")
"""A pair of a query. A semicolon ends its value when another pair follows."""
_RAW_LINE = re.compile(rb"^[A-Z]{3,10} [^ ?\r\n]{0,4096}\?([^\r\n\"'<> ]*[\"'<> ][^\r\n]*) HTTP/1", re.MULTILINE)
"""A request whose query has in it what stands in no URL."""
_RAW_USERINFO = re.compile(rb"(?:://|^CONNECT |^host: ?)[^/\s:@\"'<>]{0,200}:([^/\s@\"'<>]{1,400})@", re.IGNORECASE | re.MULTILINE)
_RAW_CODE = re.compile(rb"[?&#](?:code|auth_code)=([^&#\s\"'<>]{4,4096})")


def _kind_of(name: bytes) -> int:
    """What the value of a field is, by its name as it was written."""
    key = name.strip().lower()
    if key in (b"authorization", b"proxy-authorization"):
        return _LOGIN
    if len(key) > NAME_CHARACTERS or b" " in key or b"/" in key:
        return _NOTHING
    return _SECRET if key in credentials.SECRET_FIELDS or is_secret(fields.text(key)) else _NOTHING
