"""Conversations over HTTP with bodies of many kinds and heads with many oddities."""

import gzip
from collections.abc import Iterator

from tests.wire import conversation

JSON = b'{"a": [1, true, null, "x"], "b": {"c": -1.5e3, "d": [{"e": false}, NaN]}, "u": "\\u00e9\\n"}'
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0\x1f\x15\xc4\x89\0\0\0\0IEND\xaeB`\x82"
GIF = b"GIF89a\1\0\1\0\x80\0\0\xff\xff\xff\0\0\0!\xf9\4\1\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xd9"
BODIES = [JSON, b'<?xml version="1.0"?><r a="1"/>', b'<?xml version="1.0"?><root><a>text</a></root>',
          b"line one\r\nline two\n", PNG, GIF, JPEG, b"bytes", b"a=1&b=%41+c&&d&=e&f=", b""]
TYPES = [b"application/json", b"application/vnd.x+json", b"text/xml", b"application/rss+xml", b"text/plain; charset=utf-8", b"TEXT/HTML",
         b"application/javascript", b"image/png", b"image/webp", b"application/octet-stream", b"application/x-www-form-urlencoded",
         b"application/pdf", b"", None]
TEXTS = [b"{}", b'"text"', b'{"a":1}x', b'{"a":1}{"b":2}', b'{"a":1', b'{"a":1,}', b"{'a':1}", b'{"a":{"a":{"a":[[],[{}],"z"]}}}', b"[1,2",
         b'xyz{"a":1}', b'{"":""}', b'{"a":01}', b'{"a":1e5}', b'{"a" : "b" , "c":[ ] }', b'{"a":TRUE}', b'{"a":Infinity}', b"[[1]]]"]
FORMS = [b"a", b"=1", b"&", b"a=1&", b"a==1", b"a=x%zz&b=1", b"a=%C3%A9", b"a+b=c", b"a=1;b=2", b"a%3D=1", b"a=x&&b=y", b"a=\xe9"]
PARTS = [b"Content-Type: text/plain\r\n\r\nhi\r\n--xx--\r\n", b"\r\nhi\r\n--xx--", b"Content-Type: application/json\r\n\r\n[1]\r\n",
         b'content-TYPE:application/json\r\nContent-ID: <1>\r\n\r\n["p"]\r\n--xx  \r\nA: b\r\n\r\nz\r\n--xx--  \r\nepi\r\nlogue',
         b'Content-Disposition:   form-data ;  name = "a b" , x\r\n  folded; y=z\r\n\r\nv\r\n--xx--\r\n',
         b"Content-Type: multipart/mixed; boundary=yy\r\n\r\n--yy\r\nContent-Type: text/html\r\n\r\n<p>\r\n--yy--\r\n\r\n--xx--\r\n",
         b"Content-Type: application/x-www-form-urlencoded\r\n\r\np=1\r\n--xx--\r\n", b"--xx--\r\n", b"A: b\r\n--xx--\r\n",
         b"".join(b"Content-" + line + b"\r\n" for line in (b"Length: 2", b"Language: en", b"Description: d d", b"Encoding: e",
                                                          b"Transfer-Encoding: binary")) + b"\r\nhi\r\n--xx--\r\n"]
CODINGS = [b"chunked", b"Chunked", b"chunked, foo", b"foo", b"gzip, deflate", b"chunked;q=1", b"x-gzip, chunked"]
LINES = [b"Bad Name: x", b"X Y : z", b": no name", b"X-Ok: 1", b"X(y): 1", b"Tab\t: 1", b"HTTP2-Settings: AAMAAABkAAQAAP__",
         b'Authorization: CitrixAGBasic username="dXNlcg=="; domain="ZG9t"; password="cGFzcw=="; AGESessionId="c2Vzcw=="',
         b"Authorization: CitrixAGBasic x", b"Authorization: Basic dXNlcjpwYXNz"]
URIS = [b"/", b"/a/b/c", b"/a/b?x=1", b"/a;p=1/b;q?x=1&y=2", b"/?", b"/a?b&c/d", b"http://h/a/b?c/d"]
GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"


def message(start: bytes, media_type: bytes | None, body: bytes, more: bytes = b"") -> bytes:
    """A message with a body."""
    kind = b"" if media_type is None else b"Content-Type: " + media_type + b"\r\n"
    return start + b"\r\n" + kind + more + b"Content-Length: %d\r\n\r\n" % len(body) + body


def answer(media_type: bytes | None, body: bytes, more: bytes = b"") -> list[tuple[int, bytes]]:
    """A request and its response."""
    return [(0, GET), (1, message(b"HTTP/1.1 200 OK", media_type, body, more))]


def post(media_type: bytes, body: bytes) -> list[tuple[int, bytes]]:
    """A request with a body."""
    return [(0, message(b"POST / HTTP/1.1\r\nHost: h", media_type, body)), (1, message(b"HTTP/1.1 204 No Content", None, b""))]


def chunked(*parts: bytes) -> list[tuple[int, bytes]]:
    """A chunked response in some segments."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
    return [(0, GET), (1, head + parts[0]), *((1, part) for part in parts[1:])]


def conversations() -> Iterator[list[tuple[int, bytes]]]:
    """[(direction, bytes)] each."""
    for kind in TYPES:
        for body in BODIES:
            yield answer(kind, body)
    for text in TEXTS:
        yield post(b"application/json", text)
    for form in FORMS:
        yield post(b"application/x-www-form-urlencoded", form)
    for part in PARTS:
        yield post(b"multipart/form-data; boundary=xx", b"--xx\r\n" + part)
        yield post(b'Multipart/Mixed; BOUNDARY="xx"', b"before\r\n--xx\r\n" + part)
    yield post(b"multipart/form-data", b"--xx\r\n" + PARTS[0])
    for coding, packed in ((b"gzip", gzip.compress(JSON)), (b"gzip", b"no gzip"), (b"zstd", b"no zstd"), (b"identity", JSON)):
        yield answer(b"application/json", packed, b"Content-Encoding: " + coding + b"\r\n")
    yield chunked(b"5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nX-T: 1\r\nX-U: 2\r\n\r\n")
    yield chunked(b"5\r\nhel", b"lo\r\n", b"3\r\nabc\r\n0\r\n\r\n")
    yield chunked(b"1\r\na\r\n0\r\n\r\n" + message(b"HTTP/1.1 200 OK", b"text/plain", b"next"))
    for coding in CODINGS:
        framing = [b"Transfer-Encoding: " + coding, b"Content-Length: 15"]
        for lines in (framing, framing[::-1]):
            yield [(0, b"POST / HTTP/1.1\r\nHost: h\r\n" + b"\r\n".join(lines) + b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n")]
    for line in LINES:
        yield [(0, GET[:-2] + line + b"\r\n\r\n"), (1, b"HTTP/1.1 200 OK\r\n" + line + b"\r\nContent-Length: 0\r\n\r\n")]
    for uri in URIS:
        yield [(0, b"GET " + uri + b" HTTP/1.1\r\nHost: h\r\n\r\n"), (1, message(b"HTTP/1.1 200 OK", None, b""))]
    for code in (100, 199, 203, 206, 302, 306, 404, 408, 418, 451, 499, 504, 520, 599, 999):
        yield [(0, GET), (1, message(b"HTTP/1.1 %d x" % code, None, b""))]
    yield [(0, b"\r\n" + GET), (1, b"\r\n" + message(b"HTTP/1.1 200 OK", None, b""))]


def frames() -> list[bytes]:
    """All of it; HTTP where TLS is expected; a tunnel; a subscription."""
    found = [frame for number, parts in enumerate(conversations()) for frame in conversation(parts, 10_000 + number)]
    found += conversation([(0, GET), (1, message(b"HTTP/1.1 200 OK", None, b""))], 50_000, 443)
    tunnel = [(0, b"CONNECT www.example:443 HTTP/1.1\r\nHost: www.example:443\r\n\r\n"), (1, b"HTTP/1.1 200 Fine\r\n\r\n")]
    found += conversation([*tunnel, (0, b"\x16\x03\x01\0\5hello"), (1, b"\x16\x03\x01\0\5world")], 50_001, 8080)
    notice = b"NOTIFY /n HTTP/1.1\r\nHost: h\r\nNT: upnp:event\r\nSID: uuid:1\r\n\r\n"
    return found + conversation([(0, notice), (1, message(b"HTTP/1.1 200 OK", None, b""))], 50_002)
