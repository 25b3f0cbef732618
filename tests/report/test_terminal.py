"""The table at a terminal: golden strings on a fixed console, and nothing from the wire that a terminal would obey."""

import io
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from sniff.exchange.totals import HttpTotals
from sniff.packets.columns import Kind
from sniff.reassembly.columns import Tag
from sniff.report.colors import COLORS, Rule
from sniff.report.summary import Summary
from sniff.report.terminal import TableWriter, TerminalTable, fit, printable, squeeze, width_of
from tests.report.batches import Row, row_batch

ROWS = [
    Row(1, 0, "192.168.1.2", "8.8.8.8", "DNS", 89, "Standard query 0x8e28 A kfdlbcnsmrthvxwz.neverssl.com", kind=Kind.UDP),
    Row(3, 99_000_000, "192.168.1.2", "13.33.47.133", "TCP", 74, "57222 → 80 [SYN] Seq=0 Win=64240 Len=0", tcp_flags=2),
    Row(6, 107_518_000, "192.168.1.2", "13.33.47.133", "HTTP", 478, "GET /online HTTP/1.1 "),
]


def console(width, color=None):
    return Console(width=width, force_terminal=color is not None, color_system=color, file=io.StringIO(), _environ={})


def table(rows, width=100, color=None):
    return TerminalTable(console(width, color)).text(row_batch(rows))


def test_a_window_of_80():
    assert table(ROWS, 80) == (
        "No.     Time Source      Dest.        Proto Len Info                            \n"
        "  1 0.000000 192.168.1.2 8.8.8.8      DNS    89 Standard query 0x8e28 A kfdlbcn…\n"
        "  3 0.099000 192.168.1.2 13.33.47.133 TCP    74 57222 → 80 [SYN] Seq=0 Win=6424…\n"
        "  6 0.107518 192.168.1.2 13.33.47.133 HTTP  478 GET /online HTTP/1.1            \n"
    )


def test_a_wide_window_spells_out_the_headers():
    header, first, *_ = table(ROWS, 140).splitlines()
    assert header.split() == ["No.", "Time", "Source", "Destination", "Protocol", "Length", "Info"]
    assert first.rstrip().endswith("A kfdlbcnsmrthvxwz.neverssl.com")


@pytest.mark.parametrize("width", range(1, 200, 7))
def test_rows_fill_the_window_exactly(width):
    rows = [*ROWS, Row(info="日本語" * 50), Row(info="x" * 4095, source="fe80:1111:2222:3333:4444:5555:6666:7777")]
    assert {cell_len(line) for line in table(rows, width).splitlines()} == {width}


def test_a_narrow_window_leaves_columns_out_but_never_info():
    assert table(ROWS, 40).splitlines()[1] == "192.168.1.2 Standard query 0x8e28 A kfd…"
    assert table(ROWS, 20).splitlines()[1] == "Standard query 0x8e…"


def test_the_header_comes_once_and_columns_only_grow():
    drawn = TerminalTable(console(100))
    assert drawn.text(row_batch([])) == ""
    first = drawn.text(row_batch(ROWS)).splitlines()
    second = drawn.text(row_batch([ROWS[0]._replace(number=123_456)])).splitlines()
    third = drawn.text(row_batch(ROWS[:1])).splitlines()
    assert (len(first), len(second), len(third)) == (4, 1, 1)
    assert second[0].startswith("123456 0.000000") and third[0].startswith("     1 0.000000")


def test_colors_where_there_are_millions():
    lines = table(ROWS, 60, "truecolor").splitlines()
    assert lines[0].startswith("\x1b[1m") and lines[0].endswith("\x1b[0m")
    assert [line.partition("m")[0] for line in lines[1:]] == [
        "\x1b[38;2;18;39;46;48;2;218;238;255", "\x1b[38;2;18;39;46;48;2;160;160;160", "\x1b[38;2;18;39;46;48;2;228;255;199"]


@pytest.mark.parametrize("color", ["truecolor", "256", "standard"])
def test_every_rule_sets_both_colors_or_leaves_both_alone(color):
    """Then a row is legible on a light background and on a dark one."""
    painted = TerminalTable(console(80, color)).paint
    for rule in COLORS:
        codes = painted[rule]("x").partition("m")[0]
        foreground, background = (re.search(rf"(\[|;)({tens}\d|{bright}\d)(;|$)", codes)
                                  for tens, bright in (("3", "9"), ("4", "10")))
        if rule is Rule.BROADCAST and color == "standard":
            assert foreground and not background    # grey, on whatever there is
        else:
            assert bool(foreground) == bool(background)
    assert painted[Rule.NONE]("x") == "x"


@pytest.mark.parametrize("rule", COLORS)
def test_the_two_colors_of_a_rule_can_be_told_apart(rule):
    def brightness(color):
        return (299 * (color >> 16) + 587 * (color >> 8 & 0xFF) + 114 * (color & 0xFF)) / 1000
    if rule is not Rule.BROADCAST:    # Wireshark's own grey on white
        assert abs(brightness(COLORS[rule].background) - brightness(COLORS[rule].foreground)) >= 100


def test_no_color_when_the_user_wants_none():
    plain = Console(width=60, force_terminal=True, color_system="truecolor", no_color=True, file=io.StringIO(), _environ={})
    assert "\x1b[38" not in TerminalTable(plain).text(row_batch(ROWS))


@settings(deadline=None, max_examples=100)
@given(st.text(max_size=60), st.text(max_size=20), st.integers(1, 160))
def test_nothing_from_the_wire_commands_the_terminal(info, word, width):
    info, word = (text.replace("\n", "").replace("\t", "") for text in (info, word))
    text = table([Row(source=f"w{word}", destination=f"w{word}", info=info.encode("utf-8", "replace").decode())], width)
    assert all(char == "\n" or char.isprintable() for char in text)
    assert text.count("\n") == 2


@pytest.mark.parametrize(("hostile", "shown"), [
    ("\x1b[2J", "\\x1b[2J"), ("\x9b31m", "\\x9b31m"), ("\u202eevil", "\\u202eevil"), ("\u2028", "\\u2028"), ("\x7f", "\\x7f"),
    ("\U000e0001", "\\U000e0001"), ("é→日本 ok", "é→日本 ok"), ("\u200b", "\\u200b"), ("\ud800", "\\ud800"),
])
def test_what_cannot_be_printed_is_written_out(hostile, shown):
    assert printable(hostile) == shown


@settings(deadline=None, max_examples=100)
@given(st.text(st.characters(exclude_categories=["C", "Z", "M"]), max_size=40), st.integers(1, 50))
def test_fit_and_squeeze_take_exactly_their_cells(text, width):
    assert cell_len(fit(text, width)) == width
    assert cell_len(squeeze(text, width)) == width
    assert width_of(text) == cell_len(text)


def test_narrow_characters_are_as_narrow_as_rich_says():
    from sniff.report.terminal import NARROW
    wide = [code for code in range(0x300) if NARROW(chr(code)) and cell_len(chr(code)) != 1]
    assert wide == []
    assert not any(NARROW(chr(code)) for code in range(0x3000) if unicodedata.category(chr(code)) in ("Cc", "Cf", "Mn"))


def test_writer_ends_with_the_summary():
    class Sink:
        data = b""

        def write(self, data):
            self.data += data

    class Step:
        rows = row_batch(ROWS)

    sink = Sink()
    writer = TableWriter(sink, console(100))
    writer.write(Step)
    writer.end(Summary(packets=10, wire_bytes=1743, first_ns=0, last_ns=137_736_000, tcp_flows=1, udp_flows=1, dns_queries=1,
                       http=HttpTotals(requests=1)))
    lines = sink.data.decode().splitlines()
    assert lines[-2:] == ["10 packets · 1,743 bytes · 138 ms · 1 TCP connection · 1 UDP flow", "1 DNS query · 1 HTTP request"]


def test_marks_of_sequence_analysis_show_before_all_else():
    rows = [Row(tags=tag, protocol="HTTP", tcp_flags=4) for tag in (Tag.RETRANSMISSION, Tag.WINDOW_UPDATE, Tag.NEW_STREAM)]
    lines = table(rows, 60, "truecolor").splitlines()[1:]
    assert ["48;2;18;39;46" in line for line in lines] == [True, False, False]
