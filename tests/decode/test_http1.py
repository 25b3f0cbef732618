"""The two readers of HTTP/1 beyond what the contract of decoders checks: gaps, caps on what waits, batch boundaries."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sniff import limits
from sniff.decode.columns import (
    APP_COUNT,
    APP_MODE,
    APP_TEXT,
    APP_TEXT_LEN,
    M_BODY_LEN,
    M_FLAGS,
    M_GAP_BYTES,
    M_HEAD_BUFFER,
    M_HEAD_KEPT,
    M_HEAD_START,
    M_IS_RESPONSE,
    M_SEQUENCE,
    M_STATUS,
    MessageFlag,
    Mode,
)
from sniff.decode.http1 import HttpMessages, HttpRows
from sniff.decode.pool import Pool
from sniff.limits import Counters
from sniff.notes import Notes
from sniff.packets.stage import Dissector
from sniff.reassembly import columns as r
from sniff.reassembly.batch import StreamBatch
from sniff.reassembly.stage import Tracker
from tests.wire import Tcp, batches, conversation, cut

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def messages_of(pieces: list[tuple[r.Piece, int, bytes | int]]) -> np.ndarray:
    """The messages that these pieces (kind, direction, bytes or length) make, in one batch."""
    data = b"".join(what for _, _, what in pieces if isinstance(what, bytes))
    table = np.zeros((r.P_COUNT, len(pieces)), np.int64)
    start, offset = 0, [0, 0]
    for index, (kind, direction, what) in enumerate(pieces):
        length = len(what) if isinstance(what, bytes) else what
        table[[r.P_KIND, r.P_DIRECTION, r.P_PACKET, r.P_START, r.P_LEN, r.P_STREAM_OFFSET, r.P_ORIGIN], index] = (
            kind, direction, -1, start, length, offset[direction], index + 1)
        offset[direction] += length
        start += length if isinstance(what, bytes) else 0
    packets = Dissector(Notes(), Counters()).dissect(next(batches([])))
    packets.data = np.frombuffer(data, np.uint8)
    empty = np.zeros((r.F_COUNT, 0), np.int64)
    streams = StreamBatch(packets, np.zeros((r.COUNT, 0), np.int64), table, np.zeros(0, np.uint8), empty, empty)
    return HttpMessages(Notes(), Counters()).read(streams)[0]


def test_a_hole_in_a_body_of_known_length_costs_only_itself() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3000000000\r\n\r\n"
    got = messages_of([
        (r.Piece.DATA, 0, REQUEST), (r.Piece.DATA, 1, answer + b"x"), (r.Piece.GAP, 1, 2_999_999_998),
        (r.Piece.DATA, 1, b"y" + b"HTTP/1.1 204 No Content\r\n\r\n"), (r.Piece.FIN, 1, 0)])
    assert got[M_IS_RESPONSE].tolist() == [0, 1, 1]
    assert got[M_STATUS].tolist() == [0, 200, 204]
    assert got[M_GAP_BYTES].tolist() == [0, 2_999_999_998, 0]
    assert got[M_BODY_LEN].tolist() == [0, 3_000_000_000, 0]
    assert got[M_FLAGS, 1] & MessageFlag.GAP
    assert got[M_FLAGS, 1] & MessageFlag.COMPLETE
    assert not got[M_FLAGS, 2] & MessageFlag.RESYNC


def test_after_a_hole_between_messages_the_next_start_is_found_and_marked() -> None:
    got = messages_of([
        (r.Piece.DATA, 0, REQUEST * 2), (r.Piece.GAP, 1, 500), (r.Piece.DATA, 1, b"rest of a body HTTP/1.1 204 No Content\r\n\r\n"),
        (r.Piece.FIN, 1, 0)])
    assert got[M_STATUS].tolist() == [0, 0, 204]
    assert got[M_FLAGS, 2] & MessageFlag.RESYNC


def test_a_response_that_nobody_asked_for_has_no_number() -> None:
    got = messages_of([(r.Piece.DATA, 1, b"HTTP/1.1 204 No Content\r\n\r\n"), (r.Piece.DATA, 0, REQUEST)])
    assert got[M_SEQUENCE].tolist() == [-1, 0]


TALK = [(0, b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"),
        (1, b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 600\r\n\r\n" + b"<p>" * 200),
        (0, b"POST /b HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{} \r\n0\r\n\r\n"),
        (1, b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"5\r\nhello\r\n" * 50 + b"0\r\n\r\n"),
        (0, b"GET /c HTTP/1.0\r\n\r\n"), (1, b"HTTP/1.0 200 OK\r\nContent-Type: image/gif\r\n\r\nGIF89a" + b"." * 2000)]


def rows_of(frames: list[bytes], sizes: list[int]) -> list[tuple[int, bytes]]:
    """(Mode, text) of every packet, read in batches of these sizes."""
    dissector, tracker, reader = Dissector(Notes(), Counters()), Tracker(Notes(), Counters()), HttpRows(Counters())
    result = []
    for raw in batches(frames, sizes):
        streams = tracker.track(dissector.dissect(raw))
        apps, pool = np.zeros((APP_COUNT, len(raw)), np.int64), Pool()
        reader.read(streams, apps, pool)
        for index in range(len(raw)):
            start, length = apps[APP_TEXT, index], apps[APP_TEXT_LEN, index]
            result.append((int(apps[APP_MODE, index]), pool.data[start:start + length].tobytes()))
    return result


@given(lengths=st.lists(st.integers(1, 700), min_size=1, max_size=30), sizes=st.lists(st.integers(1, 9), max_size=60))
@settings(max_examples=40)
def test_rows_do_not_depend_on_batches_and_each_message_has_one(lengths: list[int], sizes: list[int]) -> None:
    frames = conversation(cut(TALK, lengths))
    rows = rows_of(frames, [])
    assert rows_of(frames, sizes) == rows
    ends = b"".join(text for mode, text in rows if mode == Mode.TEXT)
    for words in (b"GET /a HTTP/1.1 ", b"HTTP/1.1 200 OK  (text/html)", b"POST /b HTTP/1.1 , JavaScript Object Notation (application/json)",
                  b"HTTP/1.1 100 Continue ", b"HTTP/1.0 200 OK  (GIF89a)"):
        assert ends.count(words) == 1


def test_words_of_waiting_messages_are_capped(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """Ten thousand responses that never end: what is kept for their rows stays under its cap, and it is said."""
    monkeypatch.setattr(limits, "WAITING_BYTES", 200_000)
    counters = Counters()
    dissector, tracker, reader = Dissector(Notes(), counters), Tracker(Notes(), counters), HttpRows(counters)
    answer = b"HTTP/1.1 200 " + b"x" * 900 + b"\r\nContent-Length: 5000\r\n\r\n"
    for first in range(0, 10_000, 500):
        frames = [frame for port in range(first, first + 500) for frame in conversation([(0, REQUEST), (1, answer)], 10_000 + port)[:5]]
        for raw in batches(frames):
            raw.end = False
            streams = tracker.track(dissector.dissect(raw))
            reader.read(streams, np.zeros((APP_COUNT, len(raw)), np.int64), Pool())
    assert counters.rows_given_up > 500
    assert len(reader._arena) <= 16 << 20


def test_heads_that_come_in_turns_are_not_copied_for_each_piece() -> None:
    opened = [Tcp(40_000 + number) for number in range(3)]
    frames = [frame for tcp in opened for frame in tcp.open()]
    frames += [tcp.frame(0, b"GET / HTTP/1.1\r\nX: " + b"x" * 30_000) for tcp in opened]
    frames += [tcp.frame(0, b"y") for _ in range(1000) for tcp in opened]
    frames += [tcp.frame(0, b"\r\n\r\n") for tcp in opened]
    notes, counters = Notes(), Counters()
    dissector, tracker = Dissector(notes, counters), Tracker(notes, counters)
    rows, reader = HttpRows(counters), HttpMessages(notes, counters)
    heads: list[bytes] = []
    shown = 0
    for raw in batches(frames, (500, 500)):
        streams = tracker.track(dissector.dissect(raw))
        apps = np.zeros((APP_COUNT, len(raw)), np.int64)
        rows.read(streams, apps, Pool())
        shown += np.count_nonzero(apps[APP_MODE] == Mode.TEXT)
        found, data = reader.read(streams)
        buffers = (streams.packets.data, data)
        heads += [bytes(buffers[buffer][start:start + length]) for buffer, start, length in
                  found[[M_HEAD_BUFFER, M_HEAD_START, M_HEAD_KEPT]].T.tolist()]
    assert heads == [b"GET / HTTP/1.1\r\nX: " + b"x" * 30_000 + b"y" * 1000 + b"\r\n\r\n"] * 3
    assert shown == 3
    assert len(reader._arena) <= 4 << 20 and len(rows._arena) <= 4 << 20


def test_framing_may_stand_behind_a_hundred_thousand_fields() -> None:
    fields = b"".join(b"X-%d: %d\r\n" % (number, number) for number in range(100_000))
    answer = b"HTTP/1.1 200 OK\r\n" + fields + b"Content-Length: 5\r\n\r\nhelloHTTP/1.1 204 No Content\r\n\r\n"
    got = messages_of([(r.Piece.DATA, 0, REQUEST), *((r.Piece.DATA, 1, answer[at:at + 1460]) for at in range(0, len(answer), 1460)),
                       (r.Piece.FIN, 1, 0)])
    assert got[M_STATUS].tolist() == [0, 200, 204]
    assert got[M_BODY_LEN].tolist() == [0, 5, 0]


def test_a_head_that_is_too_long_is_cut_and_ends_where_it_ends() -> None:
    answer = b"HTTP/1.1 204 No Content\r\nX: " + b"x" * (limits.HEAD_BYTES + 1000)
    got = messages_of([(r.Piece.DATA, 0, REQUEST), *((r.Piece.DATA, 1, answer[at:at + 60_000]) for at in range(0, len(answer), 60_000)),
                       (r.Piece.DATA, 1, b"\r\nY: y\r\n\r"), (r.Piece.DATA, 1, b"\nHTTP/1.1 204 No Content\r\n\r\n"),
                       (r.Piece.FIN, 1, 0)])
    assert got[M_STATUS].tolist() == [0, 204, 204]
    assert got[M_HEAD_KEPT].tolist() == [len(REQUEST), limits.HEAD_BYTES, 27]
    assert [bool(flags & MessageFlag.CUT_HEAD) for flags in got[M_FLAGS].tolist()] == [False, True, False]
