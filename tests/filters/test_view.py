"""Headers of packets made by hand: tags, tunnels, errors that quote packets, fragments, and values of fields in them."""

import pytest

from tests.filters.masks import capture_of, found_by
from tests.packets.frames import ethernet, ipv4, ipv6, tcp, udp

VXLAN = ethernet(ipv4(udp(bytes.fromhex("0800000000000100") + ethernet(ipv4(tcp(), 6)), destination=4789), 17))
QUOTED = ethernet(ipv4(bytes.fromhex("0303000000000000") + ipv4(udp(b"abcd"), 17), 1))
TAGGED = ethernet(bytes.fromhex("6064 0800") + ipv4(tcp(), 6), 0x8100)
SIX = ethernet(ipv6(tcp(), 6), 0x86DD)


@pytest.fixture
def find(tmp_path):
    """{filter: packets} of some frames."""
    def found(frames, *expressions):
        return list(found_by(capture_of(tmp_path / "made.pcapng", frames), expressions).values())
    return found


def test_headers_inside_headers(find):
    frames = [VXLAN, QUOTED, TAGGED, SIX, ethernet(ipv4(tcp(), 6))]
    assert find(frames, "eth", "count(eth.src) == 2", "count(ip.src) == 2", "udp", "tcp", "vlan.id == 100",
                "vlan.priority == 3", "ipv6",
                "icmp && udp.port", "ip.src#2", "ip.src#1 && !ip.src#2", "udp.dstport == 4789",
                "udp.payload contains \"abcd\"") == [
        [1, 2, 3, 4, 5], [1], [1, 2], [1, 2], [1, 3, 4, 5], [3], [3], [4], [2], [1, 2], [3, 5], [1], [2]]


def test_every_or_any_value(find):
    frames = [ethernet(ipv4(tcp(source=80, destination=81), 6)), ethernet(ipv4(tcp(source=80, destination=80), 6)),
              ethernet(ipv4(tcp(source=82, destination=83), 6)), ethernet(ipv4(udp(), 17))]
    assert find(frames, "tcp.port == 80", "tcp.port != 80", "tcp.port === 80", "tcp.port !== 80",
                "!(tcp.port == 80)", "any tcp.port > 80",
                "all tcp.port > 80", "tcp.port in {80}", "all tcp.port in {80}", "tcp.port not in {80}",
                "tcp.srcport == tcp.dstport") == [
        [1, 2], [3], [2], [1, 3], [3, 4], [1, 3], [3], [1, 2], [2], [3, 4], [2]]


def test_slices_have_all_their_bytes_or_none(find):
    frames = [ethernet(ipv4(udp(b"GET /"), 17)), ethernet(ipv4(udp(b"GE"), 17))]
    assert find(frames, "udp.payload[0:3] == \"GET\"", "udp.payload[0:2] == 47:45", "udp.payload[-1] == 'E'", "udp.payload[4:]",
                "udp.payload[0,-1] == 47:2f", "udp.payload[1-2] == \"ET\"", "udp.payload[9]", "len(udp.payload) == 2") == [
        [1], [1, 2], [2], [1], [1], [1], [], [2]]


def test_arithmetic(find):
    frames = [ethernet(ipv4(udp(b"x" * size), 17)) for size in range(6)]
    assert find(frames, "udp.length - 8 == 3", "udp.length % 2 == 1", "{udp.length - 8} * 2 > 6",
                "udp.length / 4 == 3", "udp.length & 1",
                "-udp.length < -12", "10 / {udp.length - 8} == 5", "max(udp.length, ip.len) == 30") == [
        [4], [2, 4, 6], [5, 6], [5, 6], [2, 4, 6], [6], [3], [3]]


def test_times_comments_and_interfaces(find):
    frames = [ethernet(ipv4(udp(), 17))] * 4
    assert find(frames, "frame.time_relative >= 0.002", "frame.time_delta == 0.001",
                "frame.comment contains \"odd\"", "frame.interface_name == lab0",
                "frame.interface_description contains \"laboratory\"", "frame.interface_id == 0",
                "frame.number == 3", "frame.len > 1") == [
        [3, 4], [2, 3, 4], [2, 4], [1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 4], [3], [1, 2, 3, 4]]


def test_arp_and_broadcasts(find):
    arp = ethernet(bytes.fromhex("0001080006040001 020000000001 0a000001 000000000000 0a000001"), 0x0806)
    other = arp[:-1] + b"\2"
    assert find([arp, other], "arp.isgratuitous == 1", "arp.src.proto_ipv4 == 10.0.0.1",
                "arp.dst.proto_ipv4 == 10.0.0.2", "arp.opcode == request",
                "arp.src.hw_mac == 02:00:00:00:00:01") == [[1], [1, 2], [2], [1, 2], [1, 2]]


@pytest.mark.parametrize("cut", [15, 20, 30, 34, 36, 40, 50])
def test_packets_that_end_too_early(find, cut):
    """A field whose bytes are not there is not there."""
    frame = ethernet(ipv4(tcp(), 6))[:cut]
    src, flags, port = find([frame], "ip.src", "tcp.flags", "tcp.srcport")
    assert src == ([1] if cut >= 34 else [])
    assert flags == ([1] if cut >= 48 else [])
    assert port == ([1] if cut >= 38 else [])
