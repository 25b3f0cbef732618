"""What a report hides, wherever it stands, and what stands for an address."""

import base64

import pytest

from sniff.report.html.followed import FollowedStreams
from sniff.report.html.masking import MASK, Masker


def masker(*heads: bytes, **options: bool) -> Masker:
    made = Masker(**options)
    made.learn_heads(b"".join(heads))
    return made


def test_fields_of_login() -> None:
    token = base64.b64encode(b"alice:wonder land")
    head = b"GET / HTTP/1.1\r\nAuthorization: Basic " + token + b"\r\nCookie: sid=0123456789abcdef; theme=dark\r\n\r\n"
    made = masker(head)
    assert made.header(b"Authorization", b"Basic " + token) == f"Basic alice:{MASK}"
    assert made.header(b"Cookie", b"sid=0123456789abcdef; theme=dark") == f"sid={MASK}; theme={MASK}"
    for echo in ("pw is wonder land!", f"x {token.decode()} y", "id 0123456789abcdef.", "q=wonder%20land", "q=wonder+land"):
        assert MASK in made.text(echo), echo


@pytest.mark.parametrize(("text", "hidden"), [
    ("http://u:hunter2secret@h.test/", "hunter2secret"),
    ("/reset?token=abcDEF123&x=1", "abcDEF123"),
    ("/a?x=1;api_key=zzz9", "zzz9"),
    ("/a?pass%77ord=zzz9", "zzz9"),
    ('{"user": "bob", "password": "p\\"q", "n": 1}', 'p\\"q'),
    ('{"a": {"accessToken": "eyJx.eyJy.z"}}', "eyJx.eyJy.z"),
    ('{"password": "cut off he', "cut off he"),
    ('{"pin": 9876}', "9876"),
    ('<input type="password" value="letmein77">', "letmein77"),
    ('<input name="csrf_token" type=hidden value=abc999>', "abc999"),
    ('<meta name="csrf-token" content="abc999">', "abc999"),
    ("<soap:Password>letmein77</soap:Password>", "letmein77"),
    ("var apiKey = 'abc999';", "abc999"),
    ("curl -H 'Authorization: Bearer abc.999-x'", "abc.999-x"),
    ("user=bob&password=letmein77&go=1", "letmein77"),
    ("GET / HTTP/1.1\nCookie: sid=abc999; x=y\nHost: a", "abc999"),
    ("set-cookie: sid=abc999; Path=/", "abc999"),
    ("/?u=http%3A%2F%2Fy.test%2F%3Ftoken%3Dabc999%26x%3D1", "abc999"),
    ("/?password=<abc999>", "abc999"),
    ("/?password='abc999'", "abc999"),
    ("/?password=a;abc999", "abc999"),
    ("/?password=a#abc999&x=1", "abc999"),
    ("/cb?code=abc999&state=1", "abc999"),
    ("/?userpass=abc999", "abc999"),
    ("/?SAMLResponse=abc999", "abc999"),
    ("/reset-password/0a1b2c3d4e5f6a7b8c9d", "0a1b2c3d4e5f6a7b8c9d"),
    ("http://0a1b2c3d4e5f6a7b8c9d@h.test/", "0a1b2c3d4e5f6a7b8c9d"),
    ("/?a=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc999", "abc999"),
    ("it is ghp_0123456789abcdefghij", "0123456789abcdefghij"),
    ("-----BEGIN PRIVATE KEY-----\nabc999\n-----END PRIVATE KEY-----", "abc999"),
    ('[{"name": "password", "value": "abc999"}]', "abc999"),
    (r'{"pass\u0077ord": "abc999"}', "abc999"),
    (r'{"body": "{\"password\": \"abc999\"}"}', "abc999"),
    (r'{"query": "mutation { login(password: \"abc999\") { id } }"}', "abc999"),
    ("<password><![CDATA[abc999]]></password>", "abc999"),
    ("<password><value>abc999</value></password>", "abc999"),
    ("<member><name>password</name><value><string>abc999</string></value></member>", "abc999"),
    ('<textarea name="secret">abc999</textarea>', "abc999"),
    ("localStorage.setItem('token', 'abc999')", "abc999"),
    ("document.cookie = 'sid=abc999; path=/'", "abc999"),
    ('password: "two words abc999"', "abc999"),
    ("[db]\npass = abc999\n", "abc999"),
    ("ALTER USER bob PASSWORD 'abc999'", "abc999"),
    ('--x\nContent-Disposition: form-data; name="password"\n\nabc999\n--x--', "abc999"),
])
def test_texts_that_say_themselves_what_is_secret(text: str, hidden: str) -> None:
    assert hidden in text
    shown = Masker().body(text) if not text.startswith(("/", "http")) else Masker().url(text)
    assert hidden not in shown
    assert MASK in shown
    assert Masker(secrets=True).body(text) == text


@pytest.mark.parametrize(("name", "value", "shown"), [
    (b"X-Auth-Key", b"abc999", MASK), (b"Ocp-Apim-Subscription-Key", b"abc999", MASK), (b"X-Pass", b"abc999", MASK),
    (b"X-Auth", b"abc999", MASK), (b"Authentication", b"abc999", MASK), (b"Cookie2", b"a=abc999", f"a={MASK}"),
    (b"Set-Cookie2", b"a=abc999; Path=/", f"a={MASK}; Path=/"),
    (b"Cookie", b"abc999", MASK), (b"Set-Cookie", b"abc999; Path=/", f"{MASK}; Path=/"),
    (b"Set-Cookie", b"a=b1; Path=/, c=abc999; Path=/", f"a={MASK}; Path=/, c={MASK}; Path=/"),
    (b"Sec-WebSocket-Protocol", b"v1, bearer, 0123456789abcdef0123", f"v1, bearer, {MASK}"),
    (b"X-Json", b'{"password":"abc999"}', f'{{"password":"{MASK}"}}'), (b"X-Custom", b"password=abc999", f"password={MASK}"),
    (b"Host", b"bob:abc999@a.test", f"{MASK}@a.test"), (b"X-Data", b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc999", MASK),
    (b"Referer", b"http://h/?u=%3Ftoken%3Dabc999", f"http://h/?u=%3Ftoken%3D{MASK}"),
    (b"Host", b"a.test", "a.test"), (b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ=="),
    (b"Sec-WebSocket-Protocol", b"graphql-transport-ws, v5.channel.k8s.io", "graphql-transport-ws, v5.channel.k8s.io"),
    (b"Access-Control-Allow-Credentials", b"true", "true"), (b"Set-Cookie", b"a=b; Expires=Wed, 21 Oct 2026 07:28:00 GMT",
                                                             f"a={MASK}; Expires=Wed, 21 Oct 2026 07:28:00 GMT"),
])
def test_header_fields(name: bytes, value: bytes, shown: str) -> None:
    assert Masker().header(name, value) == shown


def test_words_that_are_no_secrets_are_not_learned() -> None:
    made = masker(b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Credentials: true\r\nX-Token: required\r\n\r\n")
    made.learn_json({"token_type": "Bearer", "token": "none", "access_token": "abc999"})
    assert made.text("true, required, Bearer, none, abc999") == f"true, required, Bearer, none, {MASK}"


def test_names_and_values_side_by_side_are_learned() -> None:
    made = Masker()
    made.learn_json([{"name": "password", "value": "abc999"}, {"name": "user", "value": "alice99"}, '{"pin": "xyz777"}'])
    assert made.text("abc999 alice99 xyz777") == f"{MASK} alice99 {MASK}"


def test_what_stands_in_no_url_is_learned_whole() -> None:
    made = masker(b"GET /?password=two words<9> HTTP/1.1\r\n\r\n")
    assert "words" not in made.row("GET /?password=two words<9> HTTP/1.1 ")


def test_html_and_short_mixed_cookies() -> None:
    made = masker(b"GET /?password=a%26b%3Cc%3Ed HTTP/1.1\r\nCookie: sid=k7Q9x; theme=dark\r\n\r\n")
    assert made.text("<p>a&amp;b&lt;c&gt;d</p>") == f"<p>{MASK}</p>"
    assert made.text("it is k7Q9x, and dark") == f"it is {MASK}, and dark"


@pytest.mark.parametrize(("said", "hidden"), [
    ([(1, b"220 hi\r\n"), (0, b"USER bob\r\nPASS sesame9\r\n")], "sesame9"),
    ([(0, b"a1 LOGIN bob sesame9\r\n")], "sesame9"),
    ([(0, b"AUTH LOGIN\r\n"), (1, b"334 UGFzc3dvcmQ6\r\n"), (0, b"c2VzYW1lOQ==\r\n")], "c2VzYW1lOQ=="),
    ([(0, b"*2\r\n$4\r\nAUTH\r\n$7\r\nsesame9\r\n")], "sesame9"),
    ([(0, b"OPER bob sesame9\r\n")], "sesame9"),
    ([(0, b"<auth mechanism='PLAIN'>sesame9</auth>")], "sesame9"),
    ([(0, b"\x10\x1f\0\x04MQTT\4\xc2\0\x3c\0\1a\0\3bob\0\7sesame9")], "sesame9"),
    ([(0, b"Q\0\0\0\x05SELECT 1\0"), (1, b"R"), (0, b"p\0\0\0\x0csesame9\0")], "sesame9"),
    ([(0, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nsesame9")], "sesame9"),
    ([(0, b"\x01\x01\0\x01HTTP_COOKIEsid=sesame9")], "sesame9"),
])
def test_words_of_other_protocols(said: list[tuple[int, bytes]], hidden: str) -> None:
    streams = FollowedStreams([3], 0)
    streams._said = {3: [(direction, 1, 0, data) for direction, data in said]}
    assert hidden not in str(streams.texts(Masker()))
    assert hidden in str(streams.texts(Masker(secrets=True)))


def test_what_is_no_secret_stays() -> None:
    made = masker(b"GET /?q=passengers&page=1234&keyword=tokenize HTTP/1.1\r\nHost: a.test\r\n\r\n")
    for text in ("/?q=passengers&page=1234", "an author wrote a novel", "theme: dark", "1234", '{"author": "Ann", "page": 7}'):
        assert made.url(made.body(text)) == text


def test_a_word_is_hidden_as_a_word() -> None:
    made = masker(b"GET /?token=cat5 HTTP/1.1\r\n\r\n")
    assert made.text("cat5 concat55 cat5.") == f"{MASK} concat55 {MASK}."


def test_bytes_keep_their_length() -> None:
    made = masker(b"GET /?token=hushhush HTTP/1.1\r\n\r\n")
    assert made.bytes(b"\0\1hushhush\xff") == b"\0\1********\xff"
    assert made.knows(b"\0hushhush\xff")
    assert not made.knows(b"\0hush\xff")


def test_bytes_that_say_what_they_are() -> None:
    assert Masker().bytes(b"\0\1password=hushhush\xff") == b"\0\1password=********\xff"
    assert Masker().bytes(b"\x82\xa8password\xa8hushhush") == b"\x82\xa8password\xa8********"


def test_fields_with_telling_names_and_urls() -> None:
    made = masker(b"GET / HTTP/1.1\r\nX-Session-Token: qwertz987\r\nReferer: http://h/?token=uvw55&a=1\r\n\r\n")
    assert made.header(b"X-Session-Token", b"qwertz987") == MASK
    assert made.header(b"Referer", b"http://h/?token=uvw55&a=1") == f"http://h/?token={MASK}&a=1"
    assert made.text("qwertz987 uvw55") == f"{MASK} {MASK}"


def test_addresses_are_replaced_consistently() -> None:
    made = Masker(redact=True)
    first = made.address("192.168.7.9")
    assert first.startswith("198.18.")
    shown = made.text("from 192.168.7.9:80 to 192.168.7.10, version 1.2.3")
    assert shown == f"from {first}:80 to {made.address('192.168.7.10')}, version 1.2.3"
    six = made.address("fe80::1:2")
    assert six.startswith("2001:db8:")
    assert made.text("[fe80:0:0:0:0:0:1:2]:80") == f"[{six}]:80"
    assert made.text("who has 00:1b:21:aa:bb:cc") == made.text("who has 00-1B-21-AA-BB-CC")
    assert "00:1b" not in made.text("who has 00:1b:21:aa:bb:cc")
    assert made.text("9.7.168.192.in-addr.arpa") == ".".join(reversed(first.split("."))) + ".in-addr.arpa"
    assert made.text("at 12:34:56, 10:20") == "at 12:34:56, 10:20"
    assert Masker().address("192.168.7.9") == "192.168.7.9"


def test_floods_take_linear_time() -> None:
    made = masker(b"GET /?" + b"&".join(b"token%d=secret%d" % (n, n) for n in range(5_000)) + b" HTTP/1.1\r\n\r\n")
    for text in ('"' * 100_000, "<input " * 20_000, "password" * 20_000, "?a=" * 50_000, "://" * 50_000, "a:" * 50_000, "1." * 50_000,
                 "basic " * 20_000, "token " * 20_000, "token=" * 20_000, "%3Ftoken%3D" * 20_000, "?token=;" * 20_000, "/token" * 20_000,
                 "<token>" * 20_000, '\\"token\\":' * 20_000, "eyJ" * 50_000, "eyJ." * 50_000,
                 'name="token"\n' * 10_000, "'token', '" * 10_000,
                 "PRIVATE KEY-----" * 10_000, "<textarea name=token " * 10_000, "<name>token</name>" * 10_000, "pass_" * 40_000,
                 "a_" * 50_000 + "pass", "document.cookie=" * 10_000, '{"a":' * 20_000, "<" * 100_000):
        assert made.body(text) is not None
        assert Masker(redact=True).text(text) is not None
        assert made.url(text) is not None
        assert made.bytes(text.encode()) is not None
