"""One `up` that all tests of the whole may share: each counts what it adds, and leaves it serving."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.running import HASTY, Up, running, with_a_server_in_front
from tests.folders import own_folder


@pytest.fixture(scope="session")
def up() -> Iterator[Up]:
    """A running `up` on the data of every test before; its door waits for Kafka less long than it may."""
    told = HASTY | {"DESKSTREAM_CONNECTORS__SUPPORT_MAIL__TIMEOUTS__EMIT": "6"}
    with own_folder("up") as folder:
        with_a_server_in_front(folder / "data")
        with running(folder / "data", environment=told) as started:
            yield started


@pytest.fixture
def data() -> Iterator[Path]:
    """The data folder of an `up` of the test's own; it does not exist yet."""
    with own_folder("data") as folder:
        yield folder / "data"
