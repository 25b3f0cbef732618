"""One network for all live tests."""

from collections.abc import Iterator

import pytest

from tests.live.lab import Lab


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The network; the tests are skipped where there may be none, which CI does not allow."""
    made = Lab()
    yield made
    made.close()
