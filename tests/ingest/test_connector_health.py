"""What an operator is shown for what a connector said last."""

from datetime import UTC, datetime, timedelta

import pytest

from bus.connector import ConnectorStatus, Quota
from ingest.connector_health import judge

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def said(**more: object) -> ConnectorStatus:
    ago = timedelta(seconds=3)
    given = {"state": "running", "since": NOW - timedelta(hours=1), "at": NOW - ago, "silent_after": 86_400.0}
    return ConnectorStatus.model_validate({"connector": "m", "type": "t"} | given | more)


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({}, "running"),
        ({"at": NOW - timedelta(seconds=40)}, "dead"),
        ({"at": NOW - timedelta(days=9), "state": "stopped"}, "stopped"),
        ({"at": NOW - timedelta(days=9), "state": "paused"}, "dead"),
        ({"state": "failing", "error_class": "auth"}, "failing"),
        ({"state": "paused", "last_received_at": NOW - timedelta(days=9)}, "paused"),
        ({"last_received_at": NOW - timedelta(hours=23)}, "running"),
        ({"last_received_at": NOW - timedelta(hours=25)}, "silent"),
        ({"since": NOW - timedelta(hours=25)}, "silent"),
        ({"polls": False}, "standby"),
    ],
)
def test_states(more: dict[str, object], state: str) -> None:
    verdict = judge(said(**more), NOW)
    assert verdict.state == state
    assert verdict.bad == (state in ("dead", "failing", "silent"))


@pytest.mark.parametrize(
    ("left", "warned"), [(timedelta(days=15), False), (timedelta(days=13), True), (timedelta(days=-1), True)]
)
def test_expiry_is_announced_two_weeks_ahead(left: timedelta, warned: bool) -> None:
    verdict = judge(said(credential_expires_at=NOW + left), NOW)
    assert bool(verdict.warnings) == warned


def test_a_quota_that_runs_out_is_announced() -> None:
    money = Quota(name="money", used=95, limit=100, unit="USD", resets_at=NOW)
    verdict = judge(said(quotas=[money, money.model_copy(update={"used": 50})]), NOW)
    assert verdict.warnings == ["money: 95 of 100 USD are used, until 2026-03-01 12:00"]
