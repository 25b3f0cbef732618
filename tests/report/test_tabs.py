"""Lines of tabs, against Python's own formatting of numbers, times and addresses."""

import socket
from decimal import ROUND_DOWN, Decimal
from ipaddress import IPv4Address

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sniff.packets import columns as c
from sniff.report.lines import TabsLines, cells_of, escape
from tests.report.batches import Row, row_batch

int64 = st.integers(-(2**63), 2**63 - 1)
fewer = settings(deadline=None, max_examples=60)


def text_of(batch, out_bytes=1 << 16):
    return b"".join(bytes(chunk) for chunk in TabsLines(out_bytes).chunks(batch)).decode()


def test_the_row_of_the_mission():
    row = Row(10, 1_137_736_000, "13.33.47.133", "192.168.1.2", "HTTP", 71, "HTTP/1.1 200 OK  (text/html)")
    batch = row_batch([row], zero_ns=1_000_000_000)
    assert text_of(batch) == "10\t0.137736\t13.33.47.133\t192.168.1.2\tHTTP\t71\tHTTP/1.1 200 OK  (text/html)\n"


def test_a_packet_without_a_time_has_an_empty_cell():
    assert cells_of(row_batch([Row(ts_ns=5)], decimals=[-1]))[0][1] == ""


def true_time(ts_ns, zero_ns, decimals):
    """What tshark prints: cut towards zero; no minus when nothing is left."""
    value = (Decimal(ts_ns - zero_ns) / 10**9).quantize(Decimal(1).scaleb(-decimals), ROUND_DOWN)
    return f"{value if value else abs(value):f}"


@fewer
@given(st.lists(st.tuples(int64, st.integers(0, 9)), min_size=1, max_size=20), int64)
def test_times_are_those_of_exact_decimals(times, zero_ns):
    import decimal
    rows = [Row(ts_ns=ts, interface=decimals) for ts, decimals in times]
    got = [cells[1] for cells in cells_of(row_batch(rows, zero_ns, decimals=range(10)))]
    with decimal.localcontext(prec=60):
        assert got == [true_time(ts, zero_ns, decimals) for ts, decimals in times]


@pytest.mark.parametrize(("delta", "decimals", "text"), [
    (0, 6, "0.000000"), (-1000, 6, "-0.000001"), (-999, 6, "0.000000"), (-1_000_000_000, 6, "-1.000000"),
    (-1, 9, "-0.000000001"), (5_333_333_333, 0, "5"), (-500_000_000, 0, "0"), (-2_010_000_000, 1, "-2.0"),
    (12_345_678_000_000_000, 2, "12345678.00"), (-999_999_999, 3, "-0.999"),
])
def test_times_that_tshark_was_seen_to_print(delta, decimals, text):
    assert cells_of(row_batch([Row(ts_ns=delta + 7)], zero_ns=7, decimals=[decimals]))[0][1] == text


@fewer
@given(st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=20))
def test_ipv4(values):
    texts = [str(IPv4Address(value)) for value in values]
    assert [cells[2] for cells in cells_of(row_batch([Row(source=text) for text in texts]))] == texts


groups = st.lists(st.sampled_from([0, 0, 0, 1, 0x102, 0xABC, 0xFFFF, 0x8000]), min_size=8, max_size=8)


def dotted_form(packed):
    """inet_ntop as glibc and Wireshark have it (other systems differ in the dotted forms)."""
    words = [int.from_bytes(packed[i:i + 2]) for i in range(0, 16, 2)]
    runs = [(start, stop) for start in range(8) for stop in range(start + 2, 9) if not any(words[start:stop])]
    start, stop = max(runs, key=lambda run: (run[1] - run[0], -run[0]), default=(8, 8))
    tail = [f"{word:x}" for word in words]
    if start == 0 and (stop == 6 or (stop == 5 and words[5] == 0xFFFF)):
        tail[6:] = [".".join(map(str, packed[12:]))]
    return ":".join(tail[:start]) + ("::" if runs else "") + ":".join(tail[stop:] if runs else [])


@fewer
@given(st.lists(groups.map(lambda words: b"".join(word.to_bytes(2) for word in words)), min_size=1, max_size=40))
def test_ipv6(packed):
    rows = [Row(source=socket.inet_ntop(socket.AF_INET6, address), destination="::1") for address in packed]
    assert [cells[2] for cells in cells_of(row_batch(rows))] == [dotted_form(address) for address in packed]


@pytest.mark.parametrize("text", ["::", "::1", "::0.1.0.0", "::1.2.3.4", "::ffff:1.2.3.4", "64:ff9b::102:304",
                                  "1:0:0:2::3", "1::2:0:0:3:4", "1:2:3:4:5:6:7:0", "fe80::", "::ffff:0:0:0",
                                  "1:2:3:4:5:6::"])
def test_ipv6_forms(text):
    assert cells_of(row_batch([Row(source=text, destination=text)]))[0][2:4] == [text, text]


@fewer
@given(st.integers(0, 2**48 - 1))
def test_mac(value):
    text = ":".join(f"{byte:02x}" for byte in value.to_bytes(6))
    broadcast = "ff:ff:ff:ff:ff:ff"
    assert cells_of(row_batch([Row(source=text, destination=broadcast)]))[0][2:4] == [text, broadcast]


def test_no_addresses_are_empty_cells():
    assert cells_of(row_batch([Row(source="", destination="")]))[0][2:4] == ["", ""]


cell = st.text(st.characters(codec="utf-8", exclude_characters="\t\n"), max_size=30)


@fewer
@given(st.lists(st.tuples(st.integers(0, 2**62), st.sampled_from(["10.1.2.3", "::2", "", "host a"]),
                          st.sampled_from(["TCP", "HTTP/JSON", "X" * 40]), st.integers(0, 2**32), cell, st.booleans()),
                max_size=30), st.integers(1, 700))
def test_a_small_buffer_gives_the_same_lines(values, out_bytes):
    rows = [Row(number, 0, source, source, protocol, length, info) for number, source, protocol, length, info, _ in values]
    batch = row_batch(rows, shown=[index for index, (*_, shown) in enumerate(values) if shown])
    expected = "".join(f"{row.number}\t0.000000\t{row.source}\t{row.source}\t{row.protocol}\t{row.length}\t{row.info}\n"
                       for row in (rows[i] for i in batch.shown))
    assert text_of(batch) == expected
    assert text_of(batch, out_bytes) == expected


def test_words_that_are_missing_are_empty_cells():
    batch = row_batch([Row(source="here", destination="there")])
    batch.apps.words = {}
    assert cells_of(batch)[0][2:4] == ["", ""]


def test_words_and_names_cannot_end_their_cell():
    cells = cells_of(row_batch([Row(source="a\tb\x1b[2J", destination="c\nd", protocol="E\rF")]))
    assert cells == [["1", "0.000000", "a\\tb\\033[2J", "c\\nd", "E\\rF", "60", ""]]
    assert escape("\x7f") == "\\177"


def test_an_index_that_is_wrong_is_an_error_not_a_read_elsewhere():
    batch = row_batch([Row(info="abc")])
    batch.info_start = np.array([1], np.int64)
    with pytest.raises(IndexError):
        text_of(batch)
    batch = row_batch([Row(interface=1)])
    with pytest.raises(IndexError):
        text_of(batch)


def test_names_that_come_later_are_taken_over():
    lines, protocols = TabsLines(), ["", "TCP"]
    first = row_batch([Row()], protocols=protocols)
    assert cells_of(first, lines)[0][4] == "TCP"
    second = row_batch([Row(protocol="NEW")], protocols=protocols)
    assert cells_of(second, lines)[0][4] == "NEW"


def test_the_fixed_part_of_a_row_is_bounded():
    from sniff.report.tabs import FIXED_BYTES
    longest = "1111:2222:3333:4444:5555:6666:7777:8888"
    batch = row_batch([Row(2**63 - 1, 2**63 - 1, longest, longest, "", 2**63 - 1)], zero_ns=-(2**63), decimals=[9])
    assert len(text_of(batch)) <= FIXED_BYTES
    assert batch.packets.table.shape[0] == c.COUNT
