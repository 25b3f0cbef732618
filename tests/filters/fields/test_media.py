"""Bodies taken apart: any bytes can be read, in time that grows with them."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from sniff import limits
from sniff.filters.fields.chunks import chunk_fields
from sniff.filters.fields.media_types import form_fields, is_json, json_fields, protocols
from sniff.filters.fields.multipart import read

SCRAPS = st.lists(st.sampled_from([b"{", b"}", b"[", b"]", b'"', b"a", b":", b",", b"1", b"-", b"\\u00", b"\\", b"\xff", b"\0", b" ",
                                   b"\r\n", b"--xx", b"--", b"A: b",
                                   b"Content-Type: multipart/mixed;boundary=xx", b"=", b"&", b"%41", b"%", b";"]),
                  max_size=30).map(b"".join)
VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.text("abé \n\"", max_size=5),
                      lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
                      max_leaves=12)


@given(SCRAPS | st.binary(max_size=60))
@settings(max_examples=200, deadline=None)
def test_any_bytes_can_be_read(data: bytes) -> None:
    for kind in ("application/json", "text/plain", "image/png", "x/y", None):
        assert all(isinstance(name, str) for name in protocols(kind, data))
    assert all(name for name, _ in [*json_fields(data), *form_fields(data), *chunk_fields(data)])
    _, parts = read("multipart/mixed", b"xx", data)
    assert all(len(part.body) <= len(data) for part in parts)


@given(st.lists(st.lists(VALUES) | st.dictionaries(st.text("ab", max_size=2), VALUES, max_size=3), min_size=1, max_size=3))
@settings(max_examples=100, deadline=None)
def test_json_is_read_as_it_was_written(values: list[object]) -> None:
    body = "\n".join(map(json.dumps, values)).encode()
    assert is_json(body)
    found = list(json_fields(body))
    strings: list[str] = []
    pending = list(values)
    while pending:
        value = pending.pop()
        if isinstance(value, dict | list):
            pending += value.values() if isinstance(value, dict) else value
        elif isinstance(value, str):
            strings.append(value)
    assert sorted(value for name, value in found if name == "value.string") == sorted(strings)


def test_deep_and_wide_json_has_paths_of_bounded_length() -> None:
    deep = b'{"a":' * 400 + b"{" + b",".join(b'"%d":1' % k for k in range(60_000)) + b"}" + b"}" * 400
    assert sum(len(value) for name, value in json_fields(deep) if name == "path") <= limits.FILTER_JSON_PATHS + 1000
    assert not is_json(b"[" * 200_000)
