"""Bodies as files: what is written, under which names, and what can never happen."""

import hashlib
import json

import pytest

from sniff.errors import SniffError
from sniff.report.objects import MANIFEST, ObjectExporter
from tests import wire
from tests.decode.test_bodies import TEXT, chunked, frames_of, response
from tests.report.apps import app_batches


def get(path):
    return 0, b"GET %s HTTP/1.1\r\nHost: test.example\r\n\r\n" % path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def export(folder, frames, **options):
    exporter = ObjectExporter(folder, **options)
    for batch in app_batches(frames):
        exporter.add(batch)
    exporter.finish()
    return json.loads((folder / MANIFEST).read_text())


def test_objects_and_their_manifest(tmp_path):
    entries = export(tmp_path / "out", frames_of([
        get(b"/a/page.html"), response(TEXT, b"Content-Type: text/html\r\n"), get(b"/"), chunked(b"{}", 1),
        (0, b"POST /up HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc"), response(b"", b""), get(b"/page.html"), response(b"again")]))
    assert [(entry["file"], entry["url"], entry["direction"], entry["size"], entry["complete"]) for entry in entries] == [
        ("page.html", "http://test.example/a/page.html", "response", len(TEXT), True),
        ("object.json", "http://test.example/", "response", 2, True),
        ("request-up.txt", "http://10.0.0.2/up", "request", 3, True),
        ("page-2.html", "http://test.example/page.html", "response", 5, True)]
    for entry in entries:
        data = (tmp_path / "out" / entry["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["sha256"] and len(data) == entry["size"]
    assert names(tmp_path / "out") == sorted([MANIFEST, *(entry["file"] for entry in entries)])
    assert (tmp_path / "out" / "page.html").read_bytes() == TEXT
    first = entries[0]
    assert first["packets"][0] < first["packets"][1] and first["status"] == 200 and first["type"] == "text/html"


@pytest.mark.parametrize("path", [b"/../../../etc/passwd", b"/%2e%2e%2f%2e%2e%2fx", b"/a%00b", b"/con", b"/..", b"//",
                                  b"/%2Fetc%2Fcron.d%2Fx", b"/-rf", b"/.bashrc", b"/manifest.json",
                                  b"/" + b"x" * 5000, b"/C:%5Cwindows%5Cx.exe", b"/\xff\xfe"])
@pytest.mark.parametrize("disposition", [b"", b"Content-Disposition: attachment; filename=\"../../../x.sh\"\r\n",
                                         b"Content-Disposition: attachment; filename=/etc/passwd\r\n"])
def test_nothing_leaves_the_folder(tmp_path, path, disposition):
    folder = tmp_path / "deep" / "out"
    entries = export(folder, frames_of([get(path), response(b"data", disposition)]))
    name = entries[0]["file"]
    assert "/" not in name and not name.startswith((".", "-")) and name != MANIFEST
    assert names(folder) == sorted([MANIFEST, name])
    assert names(tmp_path) == ["deep"]
    assert (folder / name).read_bytes() == b"data"


def test_nothing_is_overwritten(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (folder / "a.txt").write_text("mine")
    (folder / "a-2.txt").symlink_to(outside)
    (folder / "a-3.txt").symlink_to(tmp_path / "nowhere")
    entries = export(folder, frames_of([get(b"/a.txt"), response(b"theirs")]))
    assert entries[0]["file"] == "a-4.txt"
    assert (folder / "a.txt").read_text() == outside.read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()
    with pytest.raises(SniffError, match="has a manifest"):
        export(folder, frames_of([get(b"/b"), response(b"x")]))
    with pytest.raises(SniffError, match="is no folder"):
        ObjectExporter(outside)


def test_an_object_with_a_hole_says_so(tmp_path):
    entries = export(tmp_path, frames_of([get(b"/a.txt"), response(TEXT)], lost=(3,)))
    entry = entries[0]
    assert not entry["complete"] and entry["missing"] == 1000
    offset, missing = entry["holes"][0]
    head = len(response(TEXT)[1]) - len(TEXT)
    assert (offset, missing) == (2000 - head, 1000)
    assert (tmp_path / "a.txt").read_bytes() == TEXT[:offset] + TEXT[offset + missing:]


def test_many_large_bodies_at_once_stay_small_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("sniff.limits.OBJECT_GATHER_BYTES", 3000)
    monkeypatch.setattr("sniff.limits.OBJECTS_GATHER_BYTES", 8000)
    opened = [wire.Tcp(40_000 + number) for number in range(5)]
    frames = [frame for tcp in opened for frame in tcp.open()]
    frames += [tcp.frame(*get(b"/%d.txt" % number), wire.ACK) for number, tcp in enumerate(opened)]
    whole = response(TEXT)[1]
    for at in range(0, len(whole), 700):
        frames += [tcp.frame(1, whole[at:at + 700], wire.ACK) for tcp in opened]
    entries = export(tmp_path, frames)
    assert len(entries) == 5
    assert all((tmp_path / entry["file"]).read_bytes() == TEXT for entry in entries)
