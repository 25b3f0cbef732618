"""CSV: what any reader of it gets back, and nothing that a spreadsheet would take for a formula."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sniff.report.csv_rows import HEADERS, CsvWriter, cell, line
from tests.report.batches import Row, row_batch

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")


class Sink:
    def __init__(self):
        self.data = b""

    def write(self, data):
        self.data += bytes(data)


class Step:
    def __init__(self, rows):
        self.rows = rows


def parsed(text):
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


@given(st.lists(st.text(), min_size=2, max_size=7))
def test_any_reader_gets_the_texts_back(texts):
    (found,) = parsed(line(texts))
    assert [one.removeprefix("'") if one != text else one for one, text in zip(found, texts, strict=True)] == texts


@given(st.text(st.sampled_from([*DANGEROUS, "a", "1", ".", " ", '"', ",", ";", "\0", "\ufeff", "\u00a0"]), max_size=8))
def test_nothing_is_a_formula(text):
    (found,) = parsed(line(["x", text]))
    shown = found[1].lstrip(" \u00a0\ufeff")
    number = text.lstrip("-").replace(".", "", 1)
    assert not shown.startswith(DANGEROUS) or (number.isdigit() and number.isascii() and shown == text)


@pytest.mark.parametrize(("text", "written"), [
    ("GET / HTTP/1.1 ", '"GET / HTTP/1.1 "'), ("plain", "plain"), ("", ""), ("-0.5", "-0.5"), ("-12", "-12"), ("a,b", '"a,b"'),
    ('say "x"', '"say ""x"""'), ("=1+1", "\"'=1+1\""), ('=HYPERLINK("http://evil","x")', '"\'=HYPERLINK(""http://evil"",""x"")"'),
    ("+1", "\"'+1\""), ("-1+cmd|' /C calc'!A0", "\"'-1+cmd|' /C calc'!A0\""), ("@SUM(A1)", "\"'@SUM(A1)\""), ("\tx", "\"'\tx\""),
    ("  =1", "\"'  =1\""), ("2001:db8::1", "2001:db8::1"), ("80 → 50318 [ACK] Seq=1", "80 → 50318 [ACK] Seq=1"),
])
def test_cells(text, written):
    assert cell(text) == written


def test_rows():
    sink = Sink()
    writer = CsvWriter(sink)
    writer.write(Step(row_batch([Row(1, 0, info="=cmd|' /C calc'!A0"), Row(2, 1_500_000, info='one, "two"', protocol="-X")])))
    writer.write(Step(None))
    writer.end(None)
    assert sink.data.endswith(b"\r\n") and sink.data.count(b"\r\n") == 3
    head, one, two = parsed(sink.data.decode())
    assert tuple(head) == HEADERS
    assert one == ["1", "0.000000", "10.0.0.1", "10.0.0.2", "TCP", "60", "'=cmd|' /C calc'!A0"]
    assert two == ["2", "0.001500", "10.0.0.1", "10.0.0.2", "'-X", "60", 'one, "two"']
