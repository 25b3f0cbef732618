"""Forms, cookies and credentials: what people filled in, in whatever charset."""

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniff.decode import credentials, forms

WORDS = {"cp1251": "имя Евпатий Коловрат", "koi8-r": "имя Евпатий Коловрат", "cp1252": "café crème déjà vu",
         "gb2312": "中文测试文本", "euc-kr": "한국어 텍스트 시험", "utf-8": "имя ä €"}


def test_urlencoded():
    assert forms.urlencoded(b"name=%D0%B5%D0%B2%D0%BF%D0%B0%D1%82%D0%B8%D0%B9&a=1+2&flag&=x&&a=%zz") == [
        ("name", "евпатий"), ("a", "1 2"), ("flag", ""), ("", "x"), ("a", "%zz")]


@pytest.mark.parametrize("name", WORDS)
def test_other_charsets(name):
    data = f"q={quote(WORDS[name], encoding=name)}".encode()
    assert forms.urlencoded(data, name) == [("q", WORDS[name])]
    assert forms.urlencoded(data) == [("q", WORDS[name])], "and without being told"
    assert forms.urlencoded(data + f"&_charset_={name}".encode())[0] == ("q", WORDS[name])


BODY = (b"preamble\r\n--x\r\nContent-Disposition: form-data; name=\"who\"\r\n\r\n\xd0\xb5\xd0\xb2\xd0\xbf\r\n--x\r\n"
        b"Content-Disposition: form-data; name=\"file\"; filename=\"a.gif\"\r\nContent-Type: image/gif\r\n\r\nGIF89a\r\n--\r\n"
        b"--x--\r\nepilogue")


def test_multipart():
    who, file = forms.multipart(BODY, b"x")
    assert (who.name, who.text, who.file_name, who.media_type, who.complete) == ("who", "евп", "", "text/plain", True)
    assert (file.name, file.file_name, file.media_type, file.data) == ("file", "a.gif", "image/gif", b"GIF89a\r\n--")


def test_a_cut_multipart_keeps_what_came():
    who, file = forms.multipart(BODY[:BODY.index(b"89a")], b"x")
    assert who.complete
    assert (file.name, file.data, file.complete) == ("file", b"GIF", False)


@given(st.binary(max_size=300), st.integers(0, len(BODY)), st.binary(max_size=10))
def test_any_bytes_give_parts_and_pairs(data, cut, boundary):
    forms.multipart(BODY[:cut] + data, b"x")
    forms.multipart(data, boundary)
    forms.urlencoded(data)
    forms.cookies([data])
    forms.set_cookie(data)
    credentials.read(data)
    for name in credentials.SECRET_FIELDS:
        assert isinstance(credentials.masked(name, data), bytes)


def test_cookies():
    assert forms.cookies([b"a=1; b=\"2 3\"; c; =d;;", b"e=f=g"]) == [
        ("a", "1"), ("b", "2 3"), ("c", ""), ("", "d"), ("e", "f=g")]
    assert forms.set_cookie(b"id=7; Path=/; Secure; Max-Age = 9") == ("id", "7", {"path": "/", "secure": "", "max-age": "9"})


@pytest.mark.parametrize(("value", "expected"), [
    (b"Basic " + base64.b64encode(b"alice:open:sesame"), ("basic", "alice", "open:sesame", "")),
    (b"basic dGVzdDpmb29iYXI", ("basic", "test", "foobar", "")),
    (b"Basic  dGVzdDpmb29iYXI=", ("basic", "test", "foobar", "")),
    (b"Basic ###", ("basic", "", "", "###")),
    (b'Digest username="bob, jr", realm="x"', ("digest", "bob, jr", "", 'username="bob, jr", realm="x"')),
    (b"Bearer abc.def", ("bearer", "", "", "abc.def")),
    (b"", None)])
def test_credentials(value, expected):
    assert credentials.read(value) == expected


def test_secrets_are_masked():
    basic = b"Basic " + base64.b64encode(b"alice:sesame")
    assert credentials.masked(b"authorization", basic) == b"Basic alice:***"
    assert credentials.masked(b"authorization", b"Bearer token") == b"Bearer ***"
    assert credentials.masked(b"authorization", b"raw-secret") == b"***"
    assert credentials.masked(b"cookie", b"a=1; b=2") == b"a=***; b=***"
    assert credentials.masked(b"set-cookie", b"a=1; Path=/") == b"a=***; Path=/"
    assert credentials.masked(b"set-cookie", b"1; Path=/") == b"***; Path=/"
    assert credentials.masked(b"set-cookie2", b"a=1, b=2; Path=/; c=3") == b"a=***; Path=/; c=***"
    assert credentials.masked(b"cookie", b"alone") == b"***"
    assert credentials.masked(b"x-api-key", b"123") == b"***"
    assert credentials.masked(b"x-vault-token", b"123") == b"***"
    assert credentials.masked(b"host", b"example.com") == b"example.com"
    assert credentials.masked(b"cookie", b"a=1", secrets=True) == b"a=1"


@pytest.mark.parametrize(("name", "secret"), [("password", True), ("user[Password]", True), ("csrf-token", True), ("pin", True),
                                              ("spinner", False), ("name", False), ("shipping", False),
                                              ("client_secret", True), ("X-Auth-Key", True), ("X-Pass", True), ("passenger", False),
                                              ("card[number]", True), ("userPass", True), ("new.pwd", True), ("x-sid", True),
                                              ("side", False), ("key", True), ("Sec-WebSocket-Key", False), ("cache_key", False),
                                              ("token_type", False), ("Access-Control-Allow-Credentials", False), ("author", False)])
def test_names_of_secrets(name, secret):
    assert credentials.is_secret(name) == secret
