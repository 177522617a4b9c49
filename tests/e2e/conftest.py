"""One `up` that all tests of the whole may share: each counts what it adds, and leaves it serving."""

from collections.abc import Iterator

import pytest

from tests.e2e.running import HASTY, Up, running


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A running `up` on the data of every test before; its door waits for Kafka less long than it may."""
    told = HASTY | {"DESKSTREAM_CONNECTORS__SUPPORT_MAIL__TIMEOUTS__EMIT": "6"}
    with running(tmp_path_factory.mktemp("up") / "data", environment=told) as started:
        yield started
