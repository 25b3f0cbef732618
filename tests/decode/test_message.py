"""Heads read leniently: what a peer could have meant, as bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniff import limits
from sniff.decode import columns as c
from sniff.decode import fields
from sniff.decode.message import Message, codings, read_fields, read_request_line, read_status_line


def request(head):
    row = [0] * c.M_COUNT
    return Message(row, head)


def response(head, status=200):
    row = [0] * c.M_COUNT
    row[c.M_IS_RESPONSE], row[c.M_STATUS] = 1, status
    return Message(row, head)


@pytest.mark.parametrize(("line", "words"), [
    (b"GET / HTTP/1.1", (b"GET", b"/", b"HTTP/1.1")),
    (b"GET  /a b  c  HTTP/1.0 ", (b"GET", b"/a b  c", b"HTTP/1.0")),
    (b"get\t/x\thttp/1.1", (b"get", b"/x", b"http/1.1")),
    (b"GET /old", (b"GET", b"/old", b"")),
    (b"GET HTTP/1.1", (b"GET", b"", b"HTTP/1.1")),
    (b"GET", (b"GET", b"", b"")),
    (b"", (b"", b"", b"")),
    (b"CONNECT a.example:443 HTTP/1.1", (b"CONNECT", b"a.example:443", b"HTTP/1.1")),
    (b"GET /\xd0\xb5?\xff HTTP/1.1", (b"GET", b"/\xd0\xb5?\xff", b"HTTP/1.1")),
])
def test_request_lines(line, words):
    assert read_request_line(line) == words


@pytest.mark.parametrize(("line", "words"), [
    (b"HTTP/1.1 200 OK", (b"HTTP/1.1", b"200", b"OK")),
    (b"HTTP/1.1 200", (b"HTTP/1.1", b"200", b"")),
    (b"HTTP/1.1 200 ", (b"HTTP/1.1", b"200", b"")),
    (b"HTTP/1.1  404  Not  Found ", (b"HTTP/1.1", b"404", b"Not  Found")),
    (b"ICY 200 OK", (b"ICY", b"200", b"OK")),
    (b"HTTP/1.1", (b"HTTP/1.1", b"", b"")),
    (b"", (b"", b"", b"")),
])
def test_status_lines(line, words):
    assert read_status_line(line) == words


@pytest.mark.parametrize(("lines", "expected"), [
    (b"A: 1\r\nB:2\r\n\r\n", [(b"A", b"1"), (b"B", b"2")]),
    (b"A: 1\nB : 2 \n\n", [(b"A", b"1"), (b"B", b"2")]),
    (b"A: 1\r\n  2\r\n\t3\r\nB: x\r\n\r\n", [(b"A", b"1 2 3"), (b"B", b"x")]),
    (b"A\r\n :\r\n x\r\n\r\n", [(b"A", b"x")]),
    (b" first: 1\r\n\r\n", [(b"first", b"1")]),
    (b"no colon\r\nA: b:c\r\n\r\n", [(b"no colon", b""), (b"A", b"b:c")]),
    (b"A: 1\n\rB: 2\n\r\n", [(b"A", b"1"), (b"B", b"2")]),
    (b"A:\r\n \r\nB: 2\r\n\r\n", [(b"A", b""), (b"B", b"2")]),
    (b": x\r\n\r\n", [(b"", b"x")]),
    (b"cut: of", [(b"cut", b"of")]),
])
def test_fields(lines, expected):
    assert read_fields(lines) == expected


def test_fields_are_capped():
    assert len(read_fields(b"a: b\r\n" * (limits.HEAD_FIELDS + 50))) == limits.HEAD_FIELDS


def test_what_a_message_says():
    message = request(b"POST /a HTTP/1.1\r\nHost: Example.com:81\r\nCookie: a=1\r\ncookie: b=2\r\nContent-Length: 12\r\n"
                      b"Content-Type: Text/HTML; charset=\"utf-8\"; x=y\r\nUser-Agent: \xd1\x8f\r\nX: \xff\r\n"
                      b"Content-Disposition: attachment; filename=\"a \\\"b\\\".txt\"\r\nContent-Range: bytes 0-9/12\r\n\r\n")
    assert (message.method, message.target, message.version) == (b"POST", b"/a", "HTTP/1.1")
    assert message.host == b"Example.com:81"
    assert message.get_all(b"cookie") == [b"a=1", b"b=2"]
    assert message.content_length == 12
    assert (message.media_type, message.media_parameters) == ("text/html", {"charset": b"utf-8", "x": b"y"})
    assert (message.text(b"user-agent"), message.text(b"x"), message.text(b"missing")) == ("я", "ÿ", "")
    assert message.file_name == 'a "b".txt'
    assert message.content_range == (0, 9, 12)
    answer = response(b"HTTP/1.0 404 Not Found\r\nContent-Length: -5\r\n\r\n", 404)
    assert (answer.version, answer.status, answer.reason, answer.method) == ("HTTP/1.0", 404, b"Not Found", b"")
    assert answer.content_length == -1
    assert response(b"").version == "HTTP/0.9"


def test_what_was_read_can_be_let_go():
    message = response(b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Encoding: gzip\r\nX: 1\r\n\r\n")
    read = (message.fields, message.get(b"x"), message.get_all(b"x"), message.media_type, message.media_parameters, message.codings)
    bare = set(response(b"HTTP/1.1 200 OK\r\n\r\n").__dict__)
    message.forget()
    assert set(message.__dict__) == bare
    assert read == (message.fields, message.get(b"x"), message.get_all(b"x"), message.media_type, message.media_parameters, message.codings)


@pytest.mark.parametrize(("values", "names"), [
    ([b"gzip"], ["gzip"]), ([b"GZIP, deflate"], ["gzip", "deflate"]), ([b"gzip,"], ["gzip"]), ([b",deflate"], ["deflate"]),
    ([b"gzip;"], ["gzip"]), ([b"gzip x"], ["gzip"]), ([b"gz\0ip"], ["gzip"]), ([b"\x0bgzip\x0c"], ["gzip"]),
    ([b": gzip"], ["gzip"]), ([b"identity", b"gzip"], ["gzip"]), ([b""], []), ([b"\xa0deflate"], ["deflate"]),
    ([b"gzip", b"br, zstd"], ["gzip", "br", "zstd"]), ([b"deflate ,  deflate"], ["deflate", "deflate"])])
def test_codings(values, names):
    assert codings(values) == names


@pytest.mark.parametrize(("value", "name"), [
    (b'attachment; filename="eicar.txt"', "eicar.txt"), (b"attachment; filename=a.txt", "a.txt"),
    (b"attachment; filename*=UTF-8''%e2%82%ac%20rates; filename=x", "€ rates"), (b"inline", ""),
    (b"attachment; filename*=cp1251'ru'%e0%e1", "аб"), (b"attachment; filename*=nonsense''%ff", "ÿ"),
    (b'attachment; filename="cut', "cut"), (b'attachment; filename="a;b.txt"; x=y', "a;b.txt"),
    (b"attachment; FileName = a.txt ", "a.txt")])
def test_names_of_files(value, name):
    assert fields.file_name(value) == name


@pytest.mark.parametrize(("value", "found"), [
    (b"bytes 500-1000/146515", (500, 1000, 146515)), (b"bytes 0-9/*", (0, 9, -1)), (b"bytes */10", (-1, -1, 10)),
    (b"bytes", None), (b"pages 1-2/3", None), (b"bytes 1-2", None), (b"bytes x-2/3", None), (b"bytes 1-2/-3", None)])
def test_ranges(value, found):
    assert fields.content_range(value) == found


@given(st.binary(max_size=400))
def test_any_head_gives_a_message(head):
    for message in (request(head), response(head)):
        assert all(isinstance(name, bytes) and isinstance(value, bytes) for name, value in message.fields)
        assert isinstance(message.codings, list)
        _ = (message.method, message.target, message.version, message.reason, message.media_type, message.file_name,
             message.content_length, message.content_range, message.media_parameters, repr(message))


@given(st.binary(max_size=200))
def test_any_value_can_be_read(value):
    fields.parameters(value)
    fields.file_name(value)
    fields.content_range(value)
    assert all(fields.split_list(value))
