"""What is written is read back, however the bytes come in pieces, and whatever happened to them."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sniff import limits
from sniff.capture.sources import open_capture
from sniff.errors import InputError
from sniff.notes import Code, Notes

from .captures import Packet, Written, packets_of, pcap_files, pcapng_files, read, read_bytes

FILES = st.one_of(pcap_files(), pcapng_files())
SLOW_FIXTURE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@SLOW_FIXTURE
@given(written=FILES)
def test_what_is_written_is_read(tmp_path: Path, written: Written) -> None:
    packets, source = read_bytes(tmp_path, written.data)
    assert packets == written.packets
    assert source.damage is None
    assert source.position == len(written.data)


@SLOW_FIXTURE
@given(written=FILES, buffer=st.integers(1, 400), packets_at_once=st.integers(1, 9))
def test_batches_of_any_size_hold_the_same_packets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: Written,
                                                   buffer: int, packets_at_once: int) -> None:
    path = tmp_path / "x"
    path.write_bytes(written.data)
    with monkeypatch.context() as patch:
        patch.setattr(limits, "BATCH_BYTES", buffer)
        patch.setattr(limits, "BATCH_PACKETS", packets_at_once)
        with open_capture([path]) as source:
            batches = list(source)
            got = packets_of(batches, source.interfaces)
            for batch in batches:       # the bytes that batches point to stay good, and are where they say
                assert len(batch) <= packets_at_once
                for index in range(len(batch)):
                    assert source.read(0, int(batch.offset[index]), int(batch.caplen[index])) == batch.packet(index)
    assert got == written.packets


def is_prefix(packets: list[Packet], whole: list[Packet]) -> bool:
    return packets == whole[:len(packets)]


@settings(SLOW_FIXTURE, max_examples=6)
@given(written=st.one_of(pcap_files(least=2), pcapng_files(least=2)))
def test_a_file_cut_anywhere_gives_the_packets_before_and_one_line(tmp_path: Path, written: Written) -> None:
    whole, _ = read_bytes(tmp_path, written.data)
    boundaries = 0
    for size in range(len(written.data)):
        try:
            packets, source = read_bytes(tmp_path, written.data[:size])
        except InputError as error:
            assert size < 28
            assert "\n" not in str(error)
            continue
        assert packets == whole[:sum(end <= size for end in written.ends)]
        if source.damage is None:
            boundaries += 1
            assert size in written.ends or size >= 24
        else:
            assert "\n" not in source.damage
            assert "cut off" in source.damage
    assert boundaries < len(written.data) / 4


@settings(SLOW_FIXTURE, max_examples=100)
@given(written=FILES, data=st.data())
def test_a_mutated_file_gives_packets_or_one_line(tmp_path: Path, written: Written, data: st.DataObject) -> None:
    mutated = bytearray(written.data)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(mutated) - 1))
        length = data.draw(st.integers(0, 8))
        mutated[at:at + length] = data.draw(st.one_of(st.binary(max_size=8), st.sampled_from(
            [b"\xff" * 4, bytes(4), b"\0\0\0\x80", b"\x0a\x0d\x0d\x0a", b"\x06\0\0\0\x20\0\0\0"])))
        mutated = mutated or bytearray(b"\0")
    try:
        packets, source = read_bytes(tmp_path, bytes(mutated))
    except InputError as error:
        assert "\n" not in str(error)
        return
    assert sum(len(packet.data) for packet in packets) <= len(mutated)
    assert source.damage is None or "\n" not in source.damage


@SLOW_FIXTURE
@given(written=pcapng_files(least=2), garbage=st.binary(min_size=1, max_size=40), data=st.data())
def test_blocks_behind_garbage_are_found_again(tmp_path: Path, written: Written, garbage: bytes, data: st.DataObject) -> None:
    garbage = b"\xee" + garbage.replace(b"\x0a", b"\xee")
    where = data.draw(st.integers(0, len(written.ends) - 2))
    at = written.ends[where]
    packets, source = read_bytes(tmp_path, written.data[:at] + garbage + written.data[at:])
    assert packets == written.packets
    assert source.damage is not None
    assert f"byte {at}" in source.damage
    assert source.info[0].lost_bytes >= len(garbage)    # a block that nobody knows may be taken for garbage, too


def test_records_behind_an_impossible_length_are_found_again(tmp_path: Path) -> None:
    from .test_scan import records
    body = bytearray(records(9))
    body[3 * 66 + 8:3 * 66 + 12] = b"\xff\xff\xff\x7f"
    notes = Notes()
    path = tmp_path / "x"
    path.write_bytes(bytes.fromhex("d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000") + body)
    packets, source = read(path, notes=notes)
    assert [packet.data[0] - 0xA0 for packet in packets] == [0, 1, 2, 4, 5, 6, 7, 8]
    assert source.damage == f"{path}: damaged at byte 222: a record longer than any can be; 66 bytes could not be read"
    assert [(note.code, note.packet, note.offset, note.had) for note in notes] == [(Code.RECORD_TOO_LONG, 3, 222, 66)]


def test_a_record_that_claims_more_than_the_rest_of_the_file_hides_nothing(tmp_path: Path) -> None:
    from .test_scan import records
    body = bytearray(records(9))
    body[3 * 66 + 8:3 * 66 + 12] = (5000).to_bytes(4, "little")
    packets, source = read_bytes(
        tmp_path, bytes.fromhex("d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000") + body)
    assert [packet.data[0] - 0xA0 for packet in packets] == [0, 1, 2, 4, 5, 6, 7, 8]
    assert "longer than the rest of the file" in str(source.damage)


def test_time_that_goes_backwards_is_noted(tmp_path: Path) -> None:
    from .test_scan import records
    notes = Notes()
    path = tmp_path / "x"
    path.write_bytes(bytes.fromhex("d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000")
                     + records(2) + records(1))
    _, source = read(path, notes=notes)
    assert [(note.code, note.packet, note.had) for note in notes] == [(Code.TIME_BACKWARDS, 3, 10**9)]
    assert source.info[0].backwards == 1


def test_a_long_record_costs_no_more_memory_than_it_has_bytes(tmp_path: Path) -> None:
    """A header may claim up to 128 MiB for USB: what is not there is not allocated."""
    import tracemalloc
    path = tmp_path / "x"
    path.write_bytes(bytes.fromhex("d4c3b2a1 0200 0400 00000000 00000000 00000000 f9000000")
                     + bytes.fromhex("00000000 00000000 00000008 00000008") + b"x" * 100)
    tracemalloc.start()
    packets, source = read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert packets == []
    assert "cut off" in str(source.damage)
    assert peak < 4 * limits.BATCH_BYTES


@pytest.mark.parametrize(("content", "words"), [
    (b"", "is empty"),
    (b"hello, world\n", "the text 'hello, world\\n'"),
    (b"\x1b[31mred", "the bytes 1b 5b 33"),
    (b"\x7fELF\x02\x01\x01", "a program"),
    (b"\xd4\xc3\xb2\xa1\x02\x00", "cut off within the file header (6 of 24 bytes)"),
    (b"\x0a\x0d\x0d\x0a\x1c\0", "cut off within the file header (6 of 28 bytes)"),
    (b"\x0a\x0d\x0d\x0a\x1c\0\0\0abcdefgh", "goes on with something else"),
])
def test_what_is_no_capture_is_one_clear_line(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        open_capture([path])
    assert str(error.value).startswith(f"{path}: ")
    assert words in str(error.value)
    assert str(error.value).isprintable()


def test_a_missing_file_a_folder_and_no_permission_are_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        open_capture([tmp_path / "missing"])
    with pytest.raises(InputError, match="is a folder"):
        open_capture([tmp_path])
    secret = tmp_path / "secret"
    secret.write_bytes(b"x")
    secret.chmod(0)
    if os.geteuid() != 0:       # root may read everything
        with pytest.raises(InputError, match="no permission"):
            open_capture([secret])


def test_a_file_name_cannot_play_tricks_on_a_terminal(tmp_path: Path) -> None:
    path = tmp_path / "\x1b[2Jx"
    path.write_bytes(b"text")
    with pytest.raises(InputError) as error:
        open_capture([path])
    assert "\x1b" not in str(error.value)
