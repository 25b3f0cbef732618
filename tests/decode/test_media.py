"""What a body is, by what it begins with; names that can do no harm."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniff.decode import charset, media


@pytest.mark.parametrize(("prefix", "media_type"), [
    (b"GIF89a...", "image/gif"), (b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff\xe0", "image/jpeg"),
    (b"RIFF\0\0\0\0WEBPVP8", "image/webp"), (b"RIFF\0\0\0\0WAVE", "audio/wave"), (b"abcd0000WEBP", "application/octet-stream"),
    (b"\0\0\0\x18ftypmp42", "video/mp4"), (b"\0\0\0\x18ftypavif", "image/avif"), (b"PK\3\4", "application/zip"),
    (b"%PDF-1.4", "application/pdf"), (b"\x1f\x8b\x08", "application/gzip"), (b"MZ\x90\0", "application/x-dosexec"),
    (b"<!DOCTYPE html>", "text/html"), (b"  \n<HTML lang=en>", "text/html"), (b"<!-- x --><p>", "text/html"),
    (b"<?xml version='1.0'?><a/>", "text/xml"), (b"<?xml version='1.0'?>\n<svg xmlns=''>", "image/svg+xml"),
    (b'{"a": 1}', "application/json"), (b" [1, 2]", "application/json"), (b"{}", "application/json"),
    (b"hello", "text/plain"), (b"\xff\xfeh\0i\0", "text/plain"), (b"a\0b", "application/octet-stream"), (b"", "")])
def test_types_from_content(prefix, media_type):
    assert media.from_content(prefix.replace(b"abcd0000WEBP", b"abc\x000000WEBP")) == media_type


def test_the_header_counts_unless_it_says_nothing():
    assert media.of_body("image/png", b"GIF89a") == "image/png"
    assert media.of_body("application/octet-stream", b"GIF89a") == "image/gif"
    assert media.of_body("", b"GIF89a") == "image/gif"
    assert media.of_body("nonsense", b"") == "nonsense"


def test_images_have_wiresharks_words():
    assert [media.image_word(prefix) for prefix in (b"GIF89a", b"GIF87a", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"BM")] \
        == ["GIF89a", "GIF87a", "PNG", "JPEG JFIF image", ""]


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(JSON)
def test_pretty_json_means_the_same(value):
    assert json.loads(media.pretty_json(json.dumps(value))) == value
    assert json.loads(media.pretty_json(json.dumps(value, ensure_ascii=False))) == value


def test_pretty_json_keeps_what_was_written():
    assert media.pretty_json('{"b":1.0e5,"a":[12345678901234567890,-0],"ж":"\\u0436"}') == \
        '{\n  "b": 1.0e5,\n  "a": [\n    12345678901234567890,\n    -0\n  ],\n  "ж": "ж"\n}'
    assert media.pretty_json('{"a":1}\n{"b":2}\n') == '{\n  "a": 1\n}\n{\n  "b": 2\n}'
    assert media.pretty_json("{not json") is None
    assert media.pretty_json("[" * 100_000) is None
    assert media.pretty_json("1" * 100_000) == "1" * 100_000


@pytest.mark.parametrize(("claimed", "name"), [
    ("a.txt", "a.txt"), ("../../etc/passwd", "passwd"), ("C:\\x\\evil.exe", "evil.exe"), ("/", ""), ("..", ""), ("", ""),
    (".bashrc", "bashrc"), ("-rf", "rf"), ("con", "_con"), ("NUL.txt", "_NUL.txt"), ("lpt1", "_lpt1"),
    ("a:b|c?.txt", "a_b_c_.txt"),
    ("имя файла.txt", "имя файла.txt"), ("a\0b\x1b[31m", "a_b_31m"), ("name.", "name"),
    ("x" * 300 + ".jpeg", "x" * 115 + ".jpeg")])
def test_safe_names(claimed, name):
    assert media.safe_name(claimed) == name


@given(st.text(max_size=300) | st.text("./\\ :\0-~aConNulAux1", max_size=40))
def test_safe_names_do_no_harm(claimed):
    name = media.safe_name(claimed)
    assert "/" not in name and "\\" not in name and "\0" not in name
    assert len(name.encode()) <= 125
    assert name not in (".", "..") and not name.startswith((".", "-", " ")) and not name.endswith((".", " "))
    assert name.split(".")[0].strip().lower() not in {"con", "nul", "aux", "prn", "com1", "lpt1"}
    assert all(ch.isprintable() for ch in name)
    assert media.safe_name(name) == name


@pytest.mark.parametrize(("data", "declared", "text", "name"), [
    (b"\xef\xbb\xbf\xd1\x8f", "latin1", "я", "utf-8"), (b"\xff\xfea\0", "", "a", "utf-16"),
    ("я".encode("cp1251"), "windows-1251", "я", "windows-1251"),
    (b"<meta charset=koi8-r>" + "я".encode("koi8-r"), "", "<meta charset=koi8-r>я", "koi8-r"),
    (b"<?xml version='1.0' encoding='cp1251'?>" + "я".encode("cp1251"), "", "<?xml version='1.0' encoding='cp1251'?>я",
     "cp1251"),
    ("я".encode(), "", "я", "utf-8"), ("я".encode(), "nonsense", "я", "utf-8"), ("я".encode()[:1], "", "\ufffd", "utf-8"),
    (b"\x80", "iso-8859-1", "€", "iso-8859-1"), (b"abc", "rot13", "abc", "utf-8"), (b"", "", "", "utf-8")])
def test_charsets(data, declared, text, name):
    assert charset.decode_text(data, declared) == (text, name)


@given(st.binary(max_size=200), st.sampled_from(["", "utf-8", "hex", "idna", "unicode_escape", "utf-7", "base64", "\0",
                                                 "undefined", "utf-16"]))
def test_any_bytes_give_text(data, declared):
    text, name = charset.decode_text(data, declared)
    assert isinstance(text, str) and name
