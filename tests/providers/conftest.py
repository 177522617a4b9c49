"""The providers whose tests stand in several files."""

from collections.abc import Iterator

import pytest

from tests.providers.facebook import Facebook, facebook
from tests.providers.x import X, x


@pytest.fixture
def api() -> Iterator[X]:
    """X."""
    with x() as running:
        yield running


@pytest.fixture
def page() -> Iterator[Facebook]:
    """A page on Facebook."""
    with facebook() as running:
        yield running
