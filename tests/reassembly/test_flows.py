"""Numbers, directions and ends of flows; and that a flood of them costs what the limits say."""

import random
import resource
import subprocess
import sys
import time

import numpy as np
import pytest

from sniff import limits
from sniff.limits import Counters
from sniff.notes import Notes
from sniff.packets import columns as c
from sniff.packets.batch import PacketBatch
from sniff.reassembly import columns as s
from sniff.reassembly import flows
from sniff.reassembly.stage import Tracker

from .conversations import ACK, FIN, RST, SYN, Collector, Segment, cut, numbered, packets, run, talk


def rows(*segments: Segment):
    return Tracker(Notes(), Counters()).track(packets(numbered(segments)))


def test_streams_are_numbered_in_order_of_their_first_packet_tcp_and_udp_apart():
    got = rows(Segment(client_port=1), Segment(client_port=9, kind=c.Kind.UDP), Segment(client_port=2),
               Segment(client_port=1, back=True), Segment(client_port=8, kind=c.Kind.UDP))
    assert got.table[s.STREAM].tolist() == [0, 0, 1, 0, 1]
    assert got.table[s.DIRECTION].tolist() == [0, 0, 0, 1, 0]


def test_who_answers_a_syn_that_was_not_seen_is_the_server():
    got = rows(Segment(10, 5, SYN | ACK, back=True), Segment(5, 11))
    assert got.table[s.DIRECTION].tolist() == [1, 0]
    assert got.opened[s.F_CLIENT_PORT, 0] == 40000


def test_the_same_ports_again_with_other_numbers_are_another_stream():
    got = rows(Segment(10, 0, SYN), Segment(10, 0, SYN), Segment(999, 0, SYN), Segment(1000, 1))
    assert got.table[s.STREAM].tolist() == [0, 0, 1, 1]
    assert (got.table[s.TAGS] & s.Tag.PORTS_REUSED != 0).tolist() == [False, False, True, False]
    assert got.ended[s.F_END_REASON].tolist() == [s.EndReason.REUSED]


def test_a_flow_between_the_same_address_and_port():
    got = rows(Segment(1, 0, SYN, client=1, server=1, client_port=5, server_port=5))
    assert got.table[s.DIRECTION].tolist() == [0]


def test_packets_of_other_kinds_have_no_stream():
    batch = packets(numbered([Segment()]))
    batch.table[c.KIND, 0] = c.Kind.ICMP
    got = Tracker(Notes(), Counters()).track(batch)
    assert got.table[[s.STREAM, s.SLOT], 0].tolist() == [-1, -1]


def test_numbers_of_a_connection():
    sides = (b"q" * 100, b"a" * 5000)
    flow = run(cut(numbered(talk(random.Random(1), sides, (2**32 - 50, 7), most=500)), [5])).ended[6, 0]
    assert flow[s.F_PAYLOAD:s.F_PAYLOAD + 2] == [100, 5000]
    assert flow[s.F_SENT:s.F_SENT + 2] == [100, 5000]
    assert flow[s.F_MISSING:s.F_MISSING + 2] == [0, 0]
    assert flow[s.F_END_REASON] == s.EndReason.FIN
    assert flow[s.F_SYN_COUNT] == 1 and flow[s.F_MIDSTREAM] == 0
    assert 0 < flow[s.F_RTT_MIN_NS] <= flow[s.F_RTT_SUM_NS] // flow[s.F_RTT_COUNT]
    assert flow[s.F_SYN_NS] < flow[s.F_SYNACK_NS] < flow[s.F_ESTABLISHED_NS]


def test_a_closed_window_is_counted_until_it_opens():
    ms = 10**6
    got = run([packets([Segment(10, 20, ts_ns=0), Segment(20, 10, window=0, back=True, ts_ns=1 * ms),
                        Segment(20, 10, window=0, back=True, ts_ns=3 * ms), Segment(20, 10, window=9, back=True, ts_ns=6 * ms)],
                       end=True)])
    assert got.ended[6, 0][s.F_ZERO_WINDOWS:s.F_ZERO_WINDOWS + 2] == [0, 1]
    assert got.ended[6, 0][s.F_STALL_NS:s.F_STALL_NS + 2] == [5 * ms, 0]


STATES = {
    "S0": [Segment(10, 0, SYN)],
    "S1": [Segment(10, 0, SYN), Segment(20, 11, SYN | ACK, back=True), Segment(11, 21)],
    "REJ": [Segment(10, 0, SYN), Segment(0, 11, RST | ACK, back=True)],
    "SF": [Segment(10, 0, SYN), Segment(20, 11, SYN | ACK, back=True), Segment(11, 21), Segment(11, 21, FIN | ACK),
           Segment(21, 12, FIN | ACK, back=True), Segment(12, 22)],
    "S2": [Segment(10, 0, SYN), Segment(20, 11, SYN | ACK, back=True), Segment(11, 21, FIN | ACK)],
    "S3": [Segment(10, 0, SYN), Segment(20, 11, SYN | ACK, back=True), Segment(21, 11, FIN | ACK, back=True)],
    "RSTO": [Segment(10, 0, SYN), Segment(20, 11, SYN | ACK, back=True), Segment(11, 21, RST)],
    "RSTR": [Segment(10, 0, SYN), Segment(20, 11, SYN | ACK, back=True), Segment(11, 21, ACK, b"x"),
             Segment(21, 12, RST, back=True)],
    "RSTOS0": [Segment(10, 0, SYN), Segment(11, 0, RST)],
    "RSTRH": [Segment(20, 11, SYN | ACK, back=True), Segment(21, 11, RST, back=True)],
    "SH": [Segment(10, 0, SYN), Segment(11, 0, FIN)],
    "SHR": [Segment(20, 11, SYN | ACK, back=True), Segment(21, 11, FIN | ACK, back=True)],
    "OTH": [Segment(10, 20, ACK, b"x"), Segment(20, 11, ACK, b"y", back=True)],
}


@pytest.mark.parametrize("state", STATES)
def test_how_a_connection_ended(state):
    got = Tracker(Notes(), Counters(), endings=True).track(packets(numbered(STATES[state])), end=True)
    assert s.ConnState(got.ended[s.F_STATE, 0]).name == state
    assert got.connections.shape[1] == 1


def test_every_state_has_a_test():
    assert set(STATES) == {state.name for state in s.ConnState}


def test_a_flow_that_goes_on_after_its_end_is_two_connections():
    segments = numbered([*STATES["REJ"], *STATES["REJ"]], 200_000_000)
    got = Tracker(Notes(), Counters(), endings=True).track(packets(segments), end=True)
    assert got.connections[s.F_PACKETS].tolist() == [1, 1]
    assert got.ended.shape[1] == 1 and s.ConnState(got.ended[s.F_STATE, 0]) == s.ConnState.REJ


def test_the_idlest_flows_make_room(monkeypatch):
    monkeypatch.setattr(limits, "MAX_FLOWS", 64)
    counters, collector = Counters(), Collector()
    tracker = Tracker(Notes(), counters)
    segments = numbered([Segment(1, 0, SYN, client_port=port) for port in range(64)]
                        + [Segment(2, 1, ACK, b"x", client_port=0), Segment(1, 0, SYN, client_port=99),
                           Segment(3, 1, ACK, b"y", client_port=0)])
    batch = tracker.track(packets(segments))
    collector.take(batch)
    assert counters.flows_evicted == 8
    assert batch.ended[s.F_STREAM].tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert batch.table[s.STREAM, -1] == 0, "the busy one stayed"
    assert collector.streams[3, 0].ends == ["END"]


def flood(batches: int, connections: int) -> tuple[float, int]:
    """(nanoseconds a packet, growth of memory in MiB) of SYNs from as many different ports."""
    tracker = Tracker(Notes(), counters := Counters())
    template = packets(numbered([Segment(1, 0, SYN)] * 16_000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.process_time()
    for k in range(batches):
        which = np.arange(k * 16_000, (k + 1) * 16_000) % connections
        template.table[c.NUMBER] = np.arange(k * 16_000, (k + 1) * 16_000) + 1
        template.table[c.SRC_LO] = 0x0A000000 + which // 60_000
        template.table[c.SRC_PORT] = which % 60_000
        template.table[c.TS_NS] += 16_000_000
        tracker.track(PacketBatch(template.raw, template.data, template.table))
    spent = (time.process_time() - begin) / (batches * 16_000) * 1e9
    assert counters.flows_evicted == 0 or connections > limits.MAX_FLOWS
    return spent, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024


def in_a_process_of_its_own(batches: int, connections: int) -> tuple[float, int]:
    code = f"from tests.reassembly.test_flows import flood; print(*flood({batches}, {connections}))"
    done = subprocess.run([sys.executable, "-P", "-c", f"import sys; sys.path.append('.'); {code}"], text=True,
                          capture_output=True, check=True)
    spent, grown = done.stdout.split()
    return float(spent), int(grown)


def test_a_million_syns_take_the_memory_of_the_flow_table():
    compiled = not str(flows.__file__).endswith(".py")
    _, grown = in_a_process_of_its_own(63 if compiled else 2, 1_000_000)
    cap = (limits.MAX_FLOWS * 9 // 8 + limits.BATCH_PACKETS) * 1300
    assert grown < cap / 2**20 + 60


def test_the_hash_cannot_be_aimed_at():
    """Two tables put the same flows into different buckets."""
    first, second = (Tracker(Notes(), Counters()) for _ in range(2))
    batch = packets(numbered([Segment(1, 0, SYN, client_port=port) for port in range(100)]))
    first.track(batch)
    second.track(batch)
    assert not np.array_equal(first._buckets, second._buckets)


def test_a_flow_at_the_end_of_time_ends():
    """Times beyond what 64 bits hold are the last one that they do, which also stands for no time at all."""
    tracker = Tracker(Notes(), Counters())
    late = [Segment(1000 + k, 0, SYN if not k else ACK, ts_ns=(1 << 63) - 1) for k in range(3)]
    streams = tracker.track(packets(late, end=True))
    assert tracker.living == 0
    assert streams.ended[s.F_PACKETS].tolist() == [3]
