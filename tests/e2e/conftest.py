"""One `up` that all tests of the whole may share: each counts what it adds, and leaves it serving."""

from collections.abc import Iterator

import pytest

from tests.e2e.running import HASTY, Up, running, with_a_server_in_front


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A running `up` on the data of every test before."""
    data = tmp_path_factory.mktemp("up") / "data"
    with_a_server_in_front(data)
    with running(data, environment=HASTY) as started:
        yield started
