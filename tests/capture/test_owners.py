"""Records of who owns a connection: what is written is read, whatever else comes is passed over."""

import io
import json
import os
import socket
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniff.capture import owners
from sniff.capture.owners import Known, Owner, pack, shorten, unpack
from sniff.capture.sources import open_capture
from sniff.capture.writer import PcapngWriter

CURL = Owner(6, "127.0.0.1", 40000, "127.0.0.1", 80, Known.AT_CONNECT, 5, 7, (12,), "curl", ("curl", "-s", "http://a/"), "anna")

texts = st.text(max_size=40)
ports = st.integers(0, 0xFFFF)
addresses = st.ip_addresses().map(str)
records = st.builds(Owner, st.sampled_from([6, 17]), addresses, ports, addresses, ports, st.sampled_from(Known),
                    st.integers(0, 1 << 62), st.integers(0, 1 << 62), st.lists(st.integers(0, 1 << 22), max_size=3).map(tuple),
                    texts, st.lists(texts, max_size=4).map(tuple), texts)


def _plain(owner: Owner) -> Owner:
    """Lone surrogates, which UTF-8 has no place for, are question marks."""
    def text(words: str) -> str:
        return words.encode("utf-8", "replace").decode()
    return replace(owner, name=text(owner.name), command=tuple(map(text, owner.command)), user=text(owner.user))


@given(records)
def test_what_is_written_is_read(owner):
    assert unpack(pack(owner)) == _plain(owner)
    assert unpack(pack(owner) + b"\0\0") == _plain(owner)       # padding of the block


@given(st.binary(max_size=100))
def test_anything_else_is_nothing(data):
    assert unpack(data) is None
    assert unpack(owners.SIGNATURE + data) is None


@pytest.mark.parametrize("change", [{"port": 70000}, {"port": True}, {"address": "here"}, {"address": 4}, {"known": "perhaps"},
                                    {"pids": [-1]}, {"pids": 4}, {"command": [1]}, {"name": None}, {"since_ns": 1e9}])
def test_values_that_make_no_sense(change):
    said = json.loads(pack(CURL)[len(owners.SIGNATURE):])
    assert unpack(owners.SIGNATURE + json.dumps(said | change).encode()) is None
    assert unpack(owners.SIGNATURE + json.dumps(said).encode()) == CURL
    assert unpack(owners.SIGNATURE + b"[" * 10_000) is None


def test_labels_say_how_sure_it_is():
    assert CURL.label == "curl[12]"
    assert replace(CURL, known=Known.LATER).label == "~curl[12]"
    assert replace(CURL, known=Known.LISTENS).label == "~curl[12]"
    assert replace(CURL, known=Known.LISTENS, pids=(12, 13)).label == "?curl[12|13]"
    assert replace(CURL, known=Known.USER_ONLY, pids=()).label == "?(anna)"
    assert replace(CURL, known=Known.NOT_FOUND).label == ""
    assert CURL.facts == {"pid": 12, "name": "curl", "command": ["curl", "-s", "http://a/"], "user": "anna", "known": "at connect"}


def test_long_command_lines_are_cut():
    assert shorten(["python", "-c", "x" * 5000, "more"]) == ("python", "-c", "x" * (owners.COMMAND_BYTES - 10))


@pytest.mark.parametrize("big", [False, True])
def test_in_a_file(tmp_path, big):
    path = tmp_path / "a.pcapng"
    with path.open("wb") as file:
        writer = PcapngWriter(file, big=big)
        writer.interface(1)
        writer.packet(0, 1, b"first")
        writer.block(owners.BLOCK_TYPE, pack(CURL))
        writer.block(owners.BLOCK_TYPE, b"of somebody else")
        writer.packet(0, 2, b"second")
    with open_capture([path]) as source:
        offsets = [int(offset) for batch in source for offset in batch.offset]
        [(file_number, offset, owner)] = source.take_owners()
        assert source.take_owners() == []
        assert (source.owner_count, source.info[0].skipped) == (1, 1)
    assert (file_number, owner) == (0, CURL)
    assert offsets[0] < offset < offsets[1]


# --- Linux: who has which socket ------------------------------------------------------------------------------------------

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux says who has which socket")


@linux
def test_sockets_of_this_process():
    from sniff.capture.diag import LISTEN, TCP, UDP, SocketTable, packed
    from sniff.capture.processes import Processes
    here = packed("127.0.0.1")
    table, processes = SocketTable(), Processes()
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        port = server.getsockname()[1]
        listener = table.listener(TCP, here, port)
        assert (listener.state, listener.uid) == (LISTEN, os.getuid())
        with socket.create_connection(("127.0.0.1", port)) as client:
            client_port = client.getsockname()[1]
            assert table.find(TCP, here, port, here, client_port).inode == 0        # nobody accepted it yet
            accepted, _address = server.accept()
            with accepted:
                inode = table.find(TCP, here, port, here, client_port).inode
                assert inode == os.fstat(accepted.fileno()).st_ino
                assert processes.find(inode) == os.getpid()
                assert processes.holders(inode) == [os.getpid()]
        assert processes.find(inode, search=False) is None                          # closed by now
        one.bind(("127.0.0.1", 0))
        found = table.find(UDP, here, one.getsockname()[1], here, 9)
        assert processes.find(found.inode, first=[os.getpid()]) == os.getpid()
    assert table.find(TCP, here, port, here, 9) is None
    table.close()
    me = processes.describe(os.getpid())
    assert (me.pid, me.command[0]) == (os.getpid(), sys.orig_argv[0])
    assert processes.describe(1 << 30) is None


@linux
def test_both_ends_of_packets():
    from sniff.capture.watcher import side_of
    v4 = bytes.fromhex("45000028000040004006000001020304050607080050ffff") + bytes(8) + b"\x50\x12" + bytes(6)
    assert side_of(v4) == ((6, b"\1\2\3\4", 80, b"\5\6\7\x08", 0xFFFF), 0x12)
    v6 = b"\x60\0\0\0\0\x08\x11\x40" + bytes(15) + b"\1" + bytes(15) + b"\2" + b"\0\x35\0\x36\0\x08\0\0"
    assert side_of(v6) == ((17, bytes(15) + b"\1", 53, bytes(15) + b"\2", 54), 0)
    for data in (v4, v6):
        for length in range(len(data)):
            side_of(data[:length])      # anything short is nothing
    assert side_of(b"\x41" + v4[1:]) is None
    assert side_of(b"") is None


def test_filters_joined():
    from sniff.capture import bpf
    tcp_only = [(bpf.LD_BYTE_ABS, 0, 0, bpf.NET_OFF + 9), (bpf.JUMP_EQUAL, 0, 1, 6), (bpf.RETURN, 0, 0, 99), (bpf.RETURN, 0, 0, 0)]
    joined = bpf.both(tcp_only, bpf.beginnings(1, 100))
    assert joined[2] == (bpf.JUMP, 0, 0, 1)     # over the last step of the first one
    assert joined[3] == (bpf.RETURN, 0, 0, 0)
    assert joined[4:] == bpf.beginnings(1, 100)
    for number, (code, true, false, _k) in enumerate(joined):
        if code in (bpf.JUMP_EQUAL, bpf.JUMP_SET):
            assert number + 1 + max(true, false) < len(joined)


def test_a_writer_for_any_file():
    out = io.BytesIO()
    writer = PcapngWriter(out)
    writer.block(owners.BLOCK_TYPE, pack(CURL))
    assert out.getvalue().count(b'"name":"curl"') == 1
