"""Tables for other libraries: Arrow, pandas, Polars. The numbers are not copied; what is missing (-1 in NumPy) is null there.

None of the libraries is needed to use sniff; each is an extra: pip install 'sniff[arrow]', 'sniff[pandas]', 'sniff[polars]'.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sniff.errors import MissingTool

Columns = Mapping[str, NDArray[Any]]
"""{name: array}: int64, where -1 means that there is none; datetime64[ns], UTC; or object, texts."""


def _library(name: str, extra: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        raise MissingTool(f"{name} is not installed; pip install 'sniff[{extra}]'") from None


def arrow_table(columns: Columns, extra: str = "arrow") -> Any:
    """A pyarrow.Table: int64, timestamp[ns, UTC] and string. Numbers and times are views of the arrays.

    Raises MissingTool when pyarrow is not installed.
    """
    arrow = _library("pyarrow", extra)
    return arrow.table({name: _arrow_array(arrow, column) for name, column in columns.items()})


def _arrow_array(arrow: Any, column: NDArray[Any]) -> Any:
    if column.dtype == object:
        return arrow.array(column, arrow.string())
    kind = arrow.timestamp("ns", "UTC") if column.dtype.kind == "M" else arrow.int64()
    known = _known(column)
    bitmap = None if known.all() else arrow.py_buffer(np.packbits(known, bitorder="little"))
    return arrow.Array.from_buffers(kind, len(column), [bitmap, arrow.py_buffer(np.ascontiguousarray(column).view(np.int64))])


def _known(column: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a column has a value."""
    found: NDArray[np.bool_] = ~np.isnat(column) if column.dtype.kind == "M" else column != -1
    return found


def pandas_frame(columns: Columns) -> Any:
    """A pandas.DataFrame: Int64 (which knows NA), datetime64[ns, UTC] and texts.

    Numbers are views of the arrays; times are copied by pandas when they get their zone.

    Raises MissingTool when pandas is not installed.
    """
    pandas = _library("pandas", "pandas")
    found = {}
    for name, column in columns.items():
        if column.dtype == object:
            found[name] = pandas.Series(column)
        elif column.dtype.kind == "M":
            found[name] = pandas.Series(pandas.DatetimeIndex(column, copy=False).tz_localize("UTC"))
        else:
            found[name] = pandas.Series(pandas.arrays.IntegerArray(column, ~_known(column), copy=False), copy=False)
    return pandas.DataFrame(found, copy=False)


def polars_frame(columns: Columns) -> Any:
    """A polars.DataFrame: Int64, Datetime[ns, UTC] and String. Numbers and times are views of the arrays, by way of Arrow.

    Raises MissingTool when polars or pyarrow is not installed.
    """
    polars = _library("polars", "polars")
    return polars.from_arrow(arrow_table(columns, "polars"))
