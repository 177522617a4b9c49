"""How a service process ends, and what its supervisor makes of it."""

import asyncio
import sys

import pytest
import structlog

from bus import service
from bus.errors import ConfigError, Retryable
from bus.health import Health
from bus.parking import BudgetSpent
from bus.reading import OffsetLost
from bus.service import Announce, run_service
from bus.settings import Settings


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (None, 0),
        (Retryable("Kafka is away"), 1),
        (OSError("disk full"), 1),
        (ConfigError("[desk] name is missing"), 2),
        (BudgetSpent("too many records failed"), 3),
        (OffsetLost("records have been removed"), 3),
    ],
)
def test_the_exit_status_says_whether_to_start_it_again(
    error: Exception | None, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(service, "configure_logging", lambda *_: None)  # it would keep this test's standard error
    monkeypatch.setattr(service, "log", structlog.wrap_logger(structlog.PrintLogger(sys.stderr)))

    async def work(stop: asyncio.Event, health: Health, announce: Announce) -> None:
        if error:
            raise error

    assert run_service("one", Settings(), work) == status
    last = capsys.readouterr().err.splitlines()[-1:]
    if status > 1:
        assert last == [f"deskstream one: {error}"]
    elif error:
        assert str(error) in last[0]
