"""Tables of other libraries: the same values, nothing copied that need not be, and a clear word when a library is missing."""

import sys
from pathlib import Path

import numpy as np
import pandas
import polars
import pyarrow
import pytest

import sniff
from sniff.errors import MissingTool, UsageError
from sniff.report.frames import arrow_table, pandas_frame, polars_frame

CAPTURES = Path(__file__).parents[2] / "captures"
TABLES = ("packets", "rows", "exchanges", "http", "dns", "lookups")


@pytest.fixture(scope="module")
def capture():
    return sniff.read(CAPTURES / "browse.pcapng")


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_the_same_values_everywhere(capture, name):
    table = getattr(capture, name)
    columns = table.columns()
    arrow, frame, polar = table.to_arrow(), table.to_pandas(), table.to_polars()
    assert arrow.column_names == list(frame.columns) == polar.columns == list(table.names)
    assert arrow.num_rows == len(frame) == polar.height == len(table) > 0
    for column, values in columns.items():
        if values.dtype.kind == "M":
            assert str(arrow[column].type) == "timestamp[ns, tz=UTC]" and str(frame[column].dtype) == "datetime64[ns, UTC]"
            numbers = values.view(np.int64).tolist()
            assert arrow[column].cast(pyarrow.int64()).to_pylist() == numbers
            assert frame[column].astype("int64").tolist() == polar[column].cast(polars.Int64).to_list() == numbers
        else:
            expected = [None if value == -1 else value for value in values.tolist()]
            assert arrow[column].to_pylist() == polar[column].to_list() == expected
            assert [None if value is pandas.NA else value for value in frame[column].tolist()] == expected


def test_numbers_are_not_copied():
    numbers = np.arange(1000, dtype=np.int64)
    times = numbers.view("datetime64[ns]")
    some = np.array([-1, 5] * 500)
    columns = {"n": numbers, "t": times, "s": some}
    arrow = arrow_table(columns)
    for name in columns:
        assert arrow[name].chunk(0).buffers()[1].address == columns[name].ctypes.data
    assert arrow["s"].null_count == 500 and arrow["n"].null_count == 0
    frame = pandas_frame(columns)
    assert np.shares_memory(frame["n"].array._data, numbers)
    polar = polars_frame(columns)
    assert np.shares_memory(polar["n"].to_numpy(), numbers) and polar["s"].null_count() == 500


def test_some_columns(capture):
    assert capture.packets.to_arrow("frame.number", "tcp.stream").column_names == ["frame.number", "tcp.stream"]
    assert capture.exchanges.to_pandas("http.response.code")["http.response.code"].sum() == 5 * 200 + 302
    assert capture.exchanges.to_polars("sniff.state").height == 6
    with pytest.raises(UsageError, match=r"no column 'tcp\.strem'"):
        capture.packets.to_polars("tcp.strem")


def test_tables_without_rows():
    empty = {"n": np.empty(0, np.int64), "t": np.empty(0, "datetime64[ns]"), "s": np.empty(0, object)}
    assert arrow_table(empty).num_rows == len(pandas_frame(empty)) == polars_frame(empty).height == 0


@pytest.mark.parametrize(("method", "missing", "extra"), [
    ("to_arrow", "pyarrow", "arrow"), ("to_pandas", "pandas", "pandas"), ("to_polars", "polars", "polars"),
    ("to_polars", "pyarrow", "polars")])
def test_a_library_that_is_missing(capture, monkeypatch, method, missing, extra):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingTool, match=rf"{missing} is not installed; pip install 'sniff\[{extra}\]'"):
        getattr(capture.packets, method)("frame.number")
