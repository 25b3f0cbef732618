"""A message for people: what curl -i would show, and nothing that a terminal could obey."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniff.decode import columns as c
from sniff.decode.message import Message
from sniff.messages import Part
from sniff.report.message import body_lines, head_lines, message_lines, printable, remarks


def message(head, response=True, flags=c.MessageFlag.COMPLETE, gap=0):
    row = [0] * c.M_COUNT
    row[c.M_IS_RESPONSE], row[c.M_FLAGS], row[c.M_GAP_BYTES] = int(response), int(flags), gap
    row[c.M_FIRST_PACKET], row[c.M_LAST_PACKET] = 4, 6
    return Message(row, head)


def part(*pieces, cut=0):
    body = Part()
    body.parts, body.cut = list(pieces), cut
    return body


def shown(head, *pieces, secrets=False, response=True):
    return list(message_lines(message(head, response), part(*pieces) if pieces else None, secrets))


def test_head_and_text():
    assert shown(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=koi8-r\r\nX:y\r\n\r\n", "имя\r\nстрока".encode("koi8-r")) == [
        "HTTP/1.1 200 OK", "Content-Type: text/plain; charset=koi8-r", "X: y", "", "имя", "строка"]
    assert shown(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", response=False) == ["GET / HTTP/1.1", "Host: a", ""]


def test_json_is_indented():
    assert shown(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", b'{"a":[1,2.50]}')[3:] == [
        "{", '  "a": [', "    1,", "    2.50", "  ]", "}"]
    assert shown(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", b"{broken")[3:] == ["{broken"]


def test_forms():
    head = b"POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n"
    body = b"name=%D0%B5%D0%B2%D0%BF%D0%B0%D1%82%D0%B8%D0%B9&password=sesame&x=a%0Ab"
    assert shown(head, body, response=False)[3:] == ["name=евпатий", "password=***", "x=a\\nb"]
    assert shown(head, body, response=False, secrets=True)[4] == "password=sesame"


def test_multipart():
    body = (b"--x\r\nContent-Disposition: form-data; name=\"who\"\r\n\r\n\xd1\x8f\r\n--x\r\nContent-Disposition: form-data; name=f; "
            b"filename=\"a\x1b.gif\"\r\nContent-Type: image/gif\r\n\r\nGIF89a\r\n--x--\r\n")
    head = b"POST / HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n"
    assert shown(head, body, response=False)[3:] == ["who=я", "f=[file a\\x1b.gif, image/gif, 6 bytes]"]


def test_binary_is_a_hex_dump():
    lines = shown(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n", bytes(range(20)))
    assert lines[3:] == ["00000000  00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f  ................",
                         "00000010  10 11 12 13                                       ...."]
    long = shown(b"HTTP/1.1 200 OK\r\n\r\n", bytes(20_000))
    assert long[-1] == "[3,616 more bytes are not shown; --raw gives them all]"
    assert len(long) == 2 + 1024 + 1


def test_holes_are_shown():
    assert shown(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n", b"before", 1448, b"after")[3:] == [
        "before", "[1,448 bytes were not captured]", "after"]
    dump = shown(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n", b"\0" * 20, 7, b"\1")
    assert dump[5:] == ["[7 bytes were not captured]", "0000001b  01                                                ."]


def test_secrets_are_masked():
    head = b"GET / HTTP/1.1\r\nAuthorization: Basic YWxpY2U6c2VzYW1l\r\nCookie: a=1\r\n\r\n"
    assert shown(head, response=False)[1:3] == ["Authorization: Basic alice:***", "Cookie: a=***"]
    assert shown(head, response=False, secrets=True)[1] == "Authorization: Basic YWxpY2U6c2VzYW1l"


@given(st.binary(max_size=300), st.lists(st.binary(max_size=200) | st.integers(1, 10**9), max_size=4), st.sampled_from(
    [b"", b"text/html", b"application/json", b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=a", b"image/gif"]))
def test_nothing_of_it_can_command_a_terminal(head, pieces, media_type):
    for response in (False, True):
        lines = shown(b"HTTP/1.1 200 OK\r\nContent-Type: " + media_type + b"\r\n" + head, *pieces, response=response)
        for line in lines:
            assert "\n" not in line and not any((ord(ch) < 0x20 and ch != "\t") or 0x7F <= ord(ch) < 0xA0 for ch in line)


@pytest.mark.parametrize("text", ["\x1b[31m", "\x9b", "\u202e", "\x07", "\r", "\x7f", "\ud800"])
def test_escapes(text):
    assert printable(text).isascii() and printable(text).startswith("\\")


def test_remarks():
    assert list(remarks(message(b"", flags=c.MessageFlag.COMPLETE))) == []
    assert list(remarks(message(b"", flags=c.MessageFlag.GAP | c.MessageFlag.ABORTED, gap=1448))) == [
        "packets 4 to 6: 1,448 bytes of it were not captured", "packets 4 to 6: the connection ended before it was complete"]


def test_a_part_is_capped():
    body = Part(cap=5)
    body.data(b"abc")
    body.hole(7)
    body.data(gzip.compress(b"x"))
    assert body.parts == [b"abc", 7, gzip.compress(b"x")[:2]]
    assert body.cut == len(gzip.compress(b"x")) - 2


def test_secrets_in_urls_and_in_json_are_masked():
    asked = message(b"GET http://u:pw@a/x?token=tk1&b=c HTTP/1.1\r\nReferer: http://a/?api_key=k&q=1\r\n\r\n", response=False)
    assert list(head_lines(asked)) == ["GET http://u:***@a/x?token=***&b=c HTTP/1.1", "Referer: http://a/?api_key=***&q=1"]
    assert next(head_lines(asked, secrets=True)) == "GET http://u:pw@a/x?token=tk1&b=c HTTP/1.1"
    answered = message(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
    body = Part()
    body.data(b'{"access_token": "a\\"b", "n": 1, "password": 5, "list": ["password"]}')
    shown = list(body_lines(answered, body))
    assert shown[1:4] == ['  "access_token": "***",', '  "n": 1,', '  "password": "***",'] and "a" not in shown[1].partition(":")[2]
    assert list(body_lines(answered, body, secrets=True))[1] == '  "access_token": "a\\"b",'


def test_a_form_that_is_too_long_says_so():
    asked = message(b"POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\n", response=False)
    body = Part()
    body.data(b"a=1&" * 10_001)
    lines = list(body_lines(asked, body))
    assert lines[9_999:] == ["a=1", "[further fields are not shown; --raw gives them all]"]
