"""HTTP in the words of Zeek and Suricata: http.log and files.log, the events http and fileinfo."""

import gzip
import hashlib
import json
from types import SimpleNamespace
from typing import Any

from sniff.report.eve_http import HttpEvents
from sniff.report.formats import Options
from sniff.report.uid import connection_uid
from sniff.report.zeek_http import HttpLogs
from tests import wire
from tests.decode.test_bodies import TEXT, chunked, frames_of, response
from tests.report.apps import app_batches

GET = (0, b"GET /a%20b.txt?c=d HTTP/1.1\r\nHost: Test.Example:8080\r\nUser-Agent: probe\r\n\r\n")
POST = (0, b"POST /up HTTP/1.1\r\nHost: test.example\r\nContent-Type: multipart/form-data; boundary=bb\r\nContent-Length: %d\r\n\r\n%s")


def form(*parts: tuple[bytes, bytes]) -> tuple[int, bytes]:
    """A request with files: (name, content)."""
    body = b"".join(b"--bb\r\nContent-Disposition: form-data; name=f; filename=%s\r\n\r\n%s\r\n" % part for part in parts) + b"--bb--\r\n"
    return 0, POST[1] % (len(body), body)


def as_object(row: dict[str, Any] | str) -> dict[str, Any]:
    """A row, whether it is JSON already or not."""
    return json.loads(row) if isinstance(row, str) else row


def zeek(frames: list[bytes]) -> dict[str, list[dict[str, Any]]]:
    """The rows of each log."""
    source, logs = HttpLogs(Options()), {"http": [], "files": []}
    for batch in app_batches(frames):
        for log, row in source.add(SimpleNamespace(apps=batch, rows=None)):
            logs[log].append(as_object(row))
    for log, row in source.finish():
        logs[log].append(as_object(row))
    return logs


def eve(frames: list[bytes]) -> dict[str, list[dict[str, Any]]]:
    """The events of each type."""
    source, events = HttpEvents(Options()), {"http": [], "fileinfo": []}
    made = [event for batch in app_batches(frames) for event in source.add(SimpleNamespace(apps=batch, rows=None))]
    for event in map(as_object, [*made, *source.finish()]):
        events[event["event_type"]].append(event)
    return events


def test_an_exchange_in_the_logs_of_zeek():
    coded = chunked(gzip.compress(TEXT), 100, b"Content-Encoding: gzip\r\nContent-Type: text/plain\r\n")
    logs = zeek(frames_of([GET, coded]))
    row, file = logs["http"][0], logs["files"][0]
    assert {key: row[key] for key in ("method", "host", "uri", "user_agent", "version", "status_code", "status_msg", "trans_depth",
                                      "request_body_len", "response_body_len", "resp_mime_types")} == {
        "method": "GET", "host": "Test.Example:8080", "uri": "/a b.txt?c=d", "user_agent": "probe", "version": "1.1",
        "status_code": 200, "status_msg": "OK", "trans_depth": 1, "request_body_len": 0, "response_body_len": len(TEXT),
        "resp_mime_types": ["text/plain"]}
    assert (file["seen_bytes"], file["missing_bytes"], file["is_orig"], file["uid"]) == (len(TEXT), 0, False, row["uid"])
    assert file["sha256"] == hashlib.sha256(TEXT).hexdigest() and file["md5"] == hashlib.md5(TEXT).hexdigest()


def test_interim_responses_stand_apart_in_zeek():
    logs = zeek(frames_of([GET, (1, b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n")]))
    row, = logs["http"]
    assert (row["info_code"], row["info_msg"], row["status_code"]) == (100, "Continue", 204)


def test_passwords_are_left_out():
    said = (0, b"GET / HTTP/1.1\r\nAuthorization: Basic dXNlcjpzZWNyZXQ=\r\n\r\n")
    row, = zeek(frames_of([said, response(b"x")]))["http"]
    assert row["username"] == "user" and "password" not in row
    assert "secret" not in str(row) and "secret" not in str(eve(frames_of([said, response(b"x")])))


def test_files_of_forms_have_events_of_their_own():
    events = eve(frames_of([form((b"a.txt", b"one"), (b"b.txt", b"three")), response(b"thanks")]))["fileinfo"]
    found = [(event["fileinfo"]["filename"], event["fileinfo"]["size"], event["fileinfo"]["state"]) for event in events]
    assert found == [("a.txt", 3, "CLOSED"), ("b.txt", 5, "CLOSED"), ("/up", 6, "CLOSED")]
    assert events[1]["fileinfo"]["sha256"] == hashlib.sha256(b"three").hexdigest()
    assert (events[0]["src_ip"], events[2]["src_ip"]) == ("10.0.0.1", "10.0.0.2")


def test_the_size_of_a_file_with_a_hole_counts_what_is_missing():
    frames = frames_of([GET, response(TEXT)], 1000, lost=(3, 4))
    info = eve(frames)["fileinfo"][0]["fileinfo"]
    assert (info["gaps"], info["state"], info["size"]) == (True, "TRUNCATED", len(TEXT))
    file = zeek(frames)["files"][0]
    assert (file["seen_bytes"], file["missing_bytes"]) == (len(TEXT) - 2000, 2000) and "sha256" not in file


def test_a_response_whose_head_breaks_off_has_a_status():
    tcp = wire.Tcp()
    frames = [*tcp.open(), tcp.frame(*GET, wire.ACK), tcp.frame(1, b"HTTP/1.1 503 Busy\r\nServer: a\r\n", wire.ACK), *tcp.close()]
    event, = eve(frames)["http"]
    assert event["http"]["status"] == 503
    row, = zeek(frames)["http"]
    assert (row["status_code"], row["status_msg"]) == (503, "Busy")


def test_uids_are_digests_to_the_base_of_62():
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    for stream in range(50):
        number = int.from_bytes(hashlib.blake2b(f"6/{stream}/7".encode(), digest_size=16).digest())
        assert connection_uid(6, stream, 7) == "C" + "".join(letters[number // 62 ** place % 62] for place in range(17))
