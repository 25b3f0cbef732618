"""What bodies hold and what is odd about heads: every value beside tshark."""

from pathlib import Path

import pytest

from sniff.filters.fields.http_more import HTTP_MORE_FIELDS
from sniff.filters.fields.media import MEDIA_FIELDS, UNTOLD
from tests.filters.beside import our_values, their_values
from tests.filters.http_messages import GET, frames
from tests.filters.masks import capture_of, numbers
from tests.wire import conversation

FIELDS = [*HTTP_MORE_FIELDS, *MEDIA_FIELDS]
NEVER = {"http.decompression_disabled", "http.path_segment", "http.path_sub_segment", "http.http2_settings_uri",
         *(f"json.{name}" for name, _ in UNTOLD)}


@pytest.mark.tshark
def test_all_values_are_those_of_tshark(tshark: str, tmp_path: Path) -> None:
    path = capture_of(tmp_path / "messages.pcapng", frames())
    ours, theirs = our_values(path, FIELDS), their_values(tshark, path, FIELDS)
    for field in FIELDS:
        want, got = theirs[field.name], ours[field.name]
        if field.type.value in ("protocol", "label"):
            assert set(got) == set(want), field.name
        else:
            assert {packet: sorted(values) for packet, values in got.items()} == \
                {packet: sorted(values) for packet, values in want.items()}, field.name
    assert {field.name for field in FIELDS if not ours[field.name]} == NEVER


def test_chunks_of_many_segments(tmp_path: Path) -> None:
    """A body is told with its last packet, whatever the segments; another one in the same connection is another one."""
    body = b"5\r\nhello\r\n3\r\nabc\r\n0\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    one = head + body
    parts = [(1, one[k:k + 7]) for k in range(0, len(one), 7)]
    path = capture_of(tmp_path / "chunks.pcapng", conversation([(0, GET), *parts, (0, GET), (1, one)]))
    last = 4 + len(parts)
    assert numbers(path, "http.chunk_size == 5") == [last, last + 2]
    assert numbers(path, 'http.chunk_data == "abc" and count(http.chunk_size) == 3') == [last, last + 2]
