"""The line below the rows of a live capture."""

import pytest

from sniff.cli.screen import shorten

PARTS = ["1,234,567 packets", "12,345/s", "0 dropped", "321 flows", "40 requests/s", "2% errors", "0.0 s behind", "q ends"]


@pytest.mark.parametrize("width", range(1, 130))
def test_the_line_fits(width):
    line = shorten(PARTS, width)
    assert len(line) <= width
    if width >= 24:
        assert "0 dropped" in line
    if width >= 60:
        assert line.endswith(("0.0 s behind", "q ends"))
    if width >= 110:
        assert line == " · ".join(PARTS)
