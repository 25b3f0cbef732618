"""Who owned which end, when, and by what stands where in the file."""

from dataclasses import replace

from sniff import limits
from sniff.capture.owners import Known, Owner
from sniff.exchange.owners import HISTORY, Owners, side_of

CURL = Owner(6, "127.0.0.1", 40000, "127.0.0.1", 80, Known.AT_CONNECT, 1_000, 2_000, (12,), "curl", (), "anna")
SIDE = side_of(6, "127.0.0.1", 40000, "127.0.0.1", 80)
S = 1_000_000_000


def owners_of(*records):
    owners = Owners(lambda: records)
    owners.learn()
    return owners


def test_a_record_counts_for_what_stands_behind_it():
    owners = owners_of((0, 500, CURL), (0, 900, replace(CURL, name="wget")))
    assert owners.at(SIDE, 400) is None
    assert owners.at(SIDE, 600).name == "curl"
    assert owners.at(SIDE, 1000).name == "wget"
    assert owners.at(SIDE, 400, file=1).name == "wget"      # another file's places say nothing
    assert owners.at(side_of(6, "127.0.0.1", 80, "127.0.0.1", 40000), 600) is None
    assert owners.at(side_of(17, "127.0.0.1", 40000, "127.0.0.1", 80), 600) is None


def test_that_nobody_was_found_ends_what_was_known():
    owners = owners_of((0, 500, CURL), (0, 900, replace(CURL, known=Known.NOT_FOUND)))
    assert owners.at(SIDE, 600) is CURL
    assert owners.at(SIDE, 1000) is None


def test_flows_ask_for_a_time():
    later = replace(CURL, since_ns=100 * S, name="wget")
    owners = owners_of((0, 500, CURL), (0, 900, later))
    assert owners.during(SIDE, 0, S, began=True).name == "curl"
    assert owners.during(SIDE, 100 * S, 101 * S, began=True).name == "wget"
    assert owners.during(SIDE, 50 * S, 51 * S, began=True) is None      # the record is about an earlier connection
    assert owners.during(SIDE, 50 * S, 51 * S, began=False).name == "curl"
    gone = owners_of((0, 500, replace(CURL, known=Known.NOT_FOUND)))
    assert gone.during(SIDE, 0, S, began=True) is None


def test_history_is_bounded():
    owners = owners_of(*((0, number, replace(CURL, pids=(number,))) for number in range(HISTORY + 10)))
    assert owners.at(SIDE, 5) is None       # forgotten
    assert owners.at(SIDE, 1000).pids == (HISTORY + 9,)
    assert owners


def test_the_oldest_ends_are_forgotten(monkeypatch):
    monkeypatch.setattr(limits, "OWNERS", 10)
    counters = limits.Counters()
    owners = Owners(lambda: [(0, port, replace(CURL, port=port)) for port in range(12)], counters)
    owners.learn()
    assert counters.owners_forgotten == 2
    assert owners.at(side_of(6, "127.0.0.1", 1, "127.0.0.1", 80), 100) is None
    assert owners.at(side_of(6, "127.0.0.1", 2, "127.0.0.1", 80), 100).port == 2


def test_addresses_of_both_kinds():
    six = Owner(17, "fe80::1", 1, "ff02::fb", 5353, Known.LATER, pids=(3,), name="avahi")
    owners = owners_of((0, 1, six))
    assert owners.at(side_of(17, "fe80::1", 1, "ff02::fb", 5353), 2) is six
    assert not Owners(list)
