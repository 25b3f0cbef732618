"""What a text says itself about its secrets: `password=...`, `"token": "..."`, an Authorization line, a private key.

Every pattern takes linear time on any text: what repeats is bounded, and nothing that repeats repeats in itself.
"""

import re
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from sniff.decode import credentials

MASK = credentials.MASK

is_secret = lru_cache(4096)(credentials.is_secret)

_SPEAKING = ("passw", "passphrase", "passcode", "passwd", "kennwort", "pwd", "secret", "token", "api_key", "apikey", "api-key", "app_key",
             "access_key", "accesskey", "access-key", "auth_key", "authkey", "auth-key", "account_key", "accountkey", "subscription-key",
             "private", "credit", "card", "cc_number", "cvv", "cvc", "session", "credential", "signature", "authoriz", "bearer", "basic ",
             "jwt", "cookie", "saml", "_verifier", "userpass", "ssn", "identified by", "x-hub-")
_SHORT = ("pass", "pin", "otp", "totp", "sid", "sig", "key", "auth", "pw", "psw", "hmac", "assertion", "senha")
_SHORT_WORD = re.compile(rf"(?:\b|_)(?:{'|'.join(_SHORT)})\b")

_NAME = (r"(?:[\w.$-]{0,40}(?:passw(?:or)?d|passwort|kennwort|passphrase|passcode|userpass|pwd|secret|token|jwt|api[_-]?key|app[_-]?key"
         r"|access[_-]?key|auth[_-]?key|account[_-]?key|private[_-]?key|subscription[_-]?key|credit[_-]?card|card[_-]?number"
         r"|cc[_-]number|cvv|session[_-]?id|signature|credential|_verifier)[\w.$-]{0,40}|(?<![\w.$-])(?:\w{1,30}_)?(?:pass|pw|psw|totp|otp|hmac|cvc|ssn|senha))")
_JSON_PAIR = re.compile(r'("(?:[^"\\\n]|\\.){1,100}"\s{0,8}:\s{0,200})("(?:[^"\\]|\\.)*"?|-?[0-9][0-9.eE+-]*)')
_INNER_PAIR = re.compile(r'(\\{1,7}"([^"\\\n]{1,100})\\{1,7}"\s{0,8}:\s{0,8}\\{1,7}")([^"\\]{1,4096})')
"""A pair of JSON in a text of JSON."""
_NAMED = re.compile(r'("(?:name|key|id|field|header)"\s{0,8}:\s{0,8}"([^"\\\n]{1,100})"\s{0,8},\s{0,200}"(?:value|val|content|data)"'
                    r'\s{0,8}:\s{0,8})("(?:[^"\\]|\\.)*"?)', re.IGNORECASE)
_ASSIGNED = re.compile(
    rf"\b({_NAME})(\\?\"?'?\]?\s{{0,4}}[=:]\s{{0,4}})"
    r"(\\?\"[^\"\\\n]{1,4096}|'[^'\n]{1,4096}|[^\s\"'&;,<>{}()\\]{1,4096})", re.IGNORECASE)
_CALLED = re.compile(rf"""(["']){_NAME}["']\s{{0,4}},\s{{0,4}}(["'])([^"'\n]{{1,4096}})""", re.IGNORECASE)
"""`setItem("token", "...")`."""
_ELEMENT = re.compile(rf"(<(?:[\w.-]{{1,40}}:)?{_NAME}(?:\s[^<>]{{0,400}})?>\s{{0,40}}(?:<[\w:.-]{{1,40}}>\s{{0,40}})?)"
                      r"(<!\[CDATA\[[^\]]{1,4096}|[^<]{1,4096})(?=<|\])", re.IGNORECASE)
_MEMBER = re.compile(rf"(<(?:name|key)>\s{{0,40}}{_NAME}\s{{0,40}}</(?:name|key)>\s{{0,40}}<(?:value|string)>\s{{0,40}}"
                     r"(?:<[\w:.-]{1,40}>\s{0,40})?)([^<]{1,4096})", re.IGNORECASE)
"""A pair of XML-RPC, or of a property list."""
_TAG = re.compile(r"<(?:input|meta|textarea|button|option|param)\b[^<>]{0,2000}>", re.IGNORECASE)
_FILLED = re.compile(rf"(<textarea\b(?=[^<>]{{0,400}}\b(?:name|id)\s{{0,4}}=\s{{0,4}}[\"']?{_NAME})"
                     r"[^<>]{0,2000}>)([^<]{1,4096})", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""\b(value|content)(\s{0,4}=\s{0,4})("[^"]*"|'[^']*'|[^\s"'<>]+)""", re.IGNORECASE)
_IS_PASSWORD = re.compile(rf"""\b(?:type\s{{0,4}}=\s{{0,4}}["']?password|(?:name|id)\s{{0,4}}=\s{{0,4}}["']?{_NAME})""", re.IGNORECASE)
_HEADER_LINE = re.compile(
    r"^(\s{0,8}[\"']?(?:proxy-)?authorization[\"']?\s{0,8}:|\s{0,8}[\"']?(?:set-)?cookie2?[\"']?\s{0,8}:)(.{1,8192})$",
    re.IGNORECASE | re.MULTILINE)
_SET_COOKIE = re.compile(r"(\bcookie\s{0,4}\+?=\s{0,4}[\"'`][^\"'`=;\n]{1,100}=)([^\"'`;\n]{1,4096})", re.IGNORECASE)
_PART = re.compile(rf"(\bname=\"?{_NAME}\"?[^\n]{{0,400}}\n(?:[^\n]{{1,400}}\n){{0,4}}\n)([^\n]{{1,4096}})", re.IGNORECASE)
"""A part of a multipart body."""
_STATEMENT = re.compile(r"\b((?:PASSWORD|IDENTIFIED BY)\s{1,8}(?:=\s{0,8})?)('[^'\n]{1,4096})", re.IGNORECASE)
SCHEME = re.compile(r"(?:\b|(?<=%20))(Bearer|Basic|Digest|Negotiate|NTLM|ApiKey)((?:\s|%20){1,8})([A-Za-z0-9+/=._~-]{6,})")
_RAW = re.compile(rf"\b({_NAME})([^A-Za-z0-9 ]{{1,5}})([!-~]{{4,4096}})", re.IGNORECASE | re.ASCII)

_KNOWN = re.compile(
    r"\beyJ[A-Za-z0-9_=-]{8,4096}\.[A-Za-z0-9_=-]{2,8192}(?:\.[A-Za-z0-9_+/=-]{0,4096}){0,3}"
    r"|\b(?:gh[posur]_|github_pat_|glpat-|xox[bpas]-|[sr]k_(?:live|test)_|npm_)[A-Za-z0-9_-]{10,255}"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bAIza[A-Za-z0-9_-]{35}|\bya29\.[A-Za-z0-9_-]{20,2048}"
    r"|(?<=PRIVATE KEY-----)[^-]{1,16384}")
"""Tokens that are known by their form: JSON Web Tokens, keys of services, private keys in PEM."""


def known(text: str) -> str:
    """A text without the tokens that are known by their form alone."""
    if "_" in text or "eyJ" in text or "KEY-----" in text or "xox" in text or "glpat-" in text or "AKIA" in text or "ASIA" in text \
            or "AIza" in text or "ya29." in text:
        return _KNOWN.sub(MASK, text)
    return text


def hidden(text: str) -> str:
    """A text, HTML, JSON, a script, anything, without the secrets that its own words give away."""
    if not _speaks(text):
        return text
    if '"' in text:
        text = hidden_json(text)
    if "<" in text:
        text = _TAG.sub(_hide_input, text)
        text = _FILLED.sub(rf"\1{MASK}", text)
        text = _ELEMENT.sub(rf"\1{MASK}", text)
        text = _MEMBER.sub(rf"\1{MASK}", text)
    text = _HEADER_LINE.sub(rf"\1 {MASK}", text)
    text = _PART.sub(rf"\1{MASK}", text)
    text = _SET_COOKIE.sub(rf"\1{MASK}", text)
    text = _STATEMENT.sub(rf"\1'{MASK}", text)
    text = _CALLED.sub(_hide_called, text)
    text = _ASSIGNED.sub(_hide_assigned, text)
    return SCHEME.sub(_hide_third, text)


def hidden_json(text: str) -> str:
    """JSON, whole or not, without the values of members whose names say that they are secrets."""
    text = _NAMED.sub(_hide_named, _JSON_PAIR.sub(_hide_json, text))
    return _INNER_PAIR.sub(_hide_named, text) if '\\"' in text else text


def hidden_bytes(text: str) -> str:
    """The same of bytes, written as Latin-1, that are shown as a hex dump: the length stays."""
    if not _speaks(text):
        return text
    return _RAW.sub(lambda match: f"{match[1]}{match[2]}{'*' * len(match[3])}", text)


def hidden_scheme(text: str) -> str:
    """`Bearer ...` wherever it stands."""
    return SCHEME.sub(_hide_third, text)


def _speaks(text: str) -> bool:
    """Whether a text may hold a secret that its own words give away. One word after another: that is what Python finds fast."""
    lower = text.lower()
    return any(word in lower for word in _SPEAKING) \
        or (any(word in lower for word in _SHORT) and _SHORT_WORD.search(lower) is not None)


def _hide_third(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}{MASK}"


def _hide_assigned(match: re.Match[str]) -> str:
    value = match[3]
    quote = '\\"' if value.startswith('\\"') else value[0] if value[0] in "\"'" else ""
    return f"{match[1]}{match[2]}{quote}{MASK}" if is_secret(match[1]) else match[0]


def _hide_called(match: re.Match[str]) -> str:
    return match[0][:match.start(3) - match.start()] + MASK


def _hide_json(match: re.Match[str]) -> str:
    key = match[1].split('"')[1]
    return f'{match[1]}"{MASK}"' if is_secret(unescaped(key)) and match[2] != '""' else match[0]


def _hide_named(match: re.Match[str]) -> str:
    if not is_secret(match[2]):
        return match[0]
    return f'{match[1]}"{MASK}"' if match[3].startswith('"') else f"{match[1]}{MASK}"


def unescaped(key: str) -> str:
    """A name of JSON without escapes."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), key) if "\\u" in key else key


_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})")


def _hide_input(match: re.Match[str]) -> str:
    return _ATTRIBUTE.sub(rf'\1\2"{MASK}"', match[0]) if _IS_PASSWORD.search(match[0]) else match[0]


# --- URLs ---------------------------------------------------------------------------------------------------------------

_USERINFO = re.compile(r"(?<=://)([^/\s:@\"'<>]{0,200}):([^/\s@\"'<>]{1,400})@")
_USER = re.compile(r"(?<=://)(?=[^/\s:@]{0,200}[0-9])(?=[^/\s:@]{0,200}[A-Za-z])([A-Za-z0-9_-]{16,200})(?=:\*\*\*@|@)")
"""A token in the place of a user's name."""
_PAIR = re.compile(r"([?&;#])([^=&;#?\s\"'<>]{1,200})=((?:[^&;#\s\"'<>]|;(?![^=&;#\s\"'<>]{1,100}=)){1,8192})")
_WIDE_PAIR = re.compile(r"([?&;#])([^=&;#?\s]{1,200})=((?:[^&;#\s]|[;#](?![^=&;#\s]{1,100}=)){1,8192})")
"""The same where nothing but a URL stands."""
_CODED_PAIR = re.compile(r"(%3F|%26|%23|%3B|[?&;#])([^=&;#?\s\"'<>%]{1,100})(%3D)((?:(?!%26|%23)[^&;#\s\"'<>]){1,4096})", re.IGNORECASE)
"""A pair of a URL that is a parameter of another one."""
_AFTER = re.compile(r"(?<=/)([A-Za-z0-9_.-]{1,60})/([A-Za-z0-9_.~=-]{16,512})(?=[/?#\s\"'<>]|$)")
"""A part of a path behind one that may speak of a secret: `/reset-password/6f1e...`."""
_CODE = re.compile(r"([?&#](?:code|auth_code)=)([^&#\s\"'<>]{1,4096})")
_LOGIN_RESPONSE = re.compile(r"[?&#](?:state|session_state|redirect_uri|code_verifier)=")
_DIGIT, _LETTER = re.compile(r"[0-9]"), re.compile(r"[A-Za-z]")


def hidden_url(url: str, only: bool = True) -> str:
    """A URL, or a text with URLs in it, without passwords and secret parameters; names stay.

    only  nothing but a URL (or a request line) stands in it: quotes do not end a value
    """
    if "@" in url:
        url = _USER.sub(MASK, _USERINFO.sub(rf"\1:{MASK}@", url))
    if "=" in url:
        url = (_WIDE_PAIR if only else _PAIR).sub(_hide_pair, url)
        if "code=" in url and _LOGIN_RESPONSE.search(url):
            url = _CODE.sub(rf"\1{MASK}", url)
    if "%3" in url:
        url = _CODED_PAIR.sub(_hide_coded, url)
    return _AFTER.sub(_hide_after, url) if only and "/" in url else url


def _hide_pair(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}={MASK}" if is_secret(unquoted(match[2])) else match[0]


def _hide_coded(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}{match[3]}{MASK}" if is_secret(unquoted(match[2])) else match[0]


def _hide_after(match: re.Match[str]) -> str:
    return f"{match[1]}/{MASK}" if is_secret(match[1]) and _DIGIT.search(match[2]) and _LETTER.search(match[2]) else match[0]


def unquoted(text: str) -> str:
    """A text of a URL without percent codes."""
    if "%" not in text and "+" not in text:
        return text
    return unquote_to_bytes(text.replace("+", " ")).decode("utf-8", "replace")
