"""What a connector's last status means to an operator; no clock, no Kafka."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from bus.connector import ConnectorStatus

DEAD_AFTER = 30.0
"""Seconds without a status, which is published every five, after which nobody runs the connector."""
WARN_OF_EXPIRY = timedelta(days=14)
LOW_QUOTA = 0.1

Shown = Literal["running", "standby", "paused", "failing", "silent", "stopped", "dead"]


class Verdict(NamedTuple):
    """`warnings`: what to do something about soon."""

    state: Shown
    warnings: Sequence[str]

    @property
    def bad(self) -> bool:
        """Somebody has to do something now."""
        return self.state in ("failing", "silent", "dead")


def judge(status: ConnectorStatus, now: datetime) -> Verdict:
    """Its state as seen from outside, and what else to say."""
    warnings = list(_warnings(status, now))
    if (now - status.at).total_seconds() > DEAD_AFTER:
        return Verdict("stopped" if status.state == "stopped" else "dead", warnings)
    if status.state != "running":
        return Verdict(status.state, warnings)
    if _silence(status, now) > (status.silent_after or float("inf")):
        return Verdict("silent", warnings)
    return Verdict("standby" if status.polls is False else "running", warnings)


def _silence(status: ConnectorStatus, now: datetime) -> float:
    """Seconds since it received something; one that never has is waited for since it began to run."""
    return (now - (status.last_received_at or status.since)).total_seconds()


def _warnings(status: ConnectorStatus, now: datetime) -> Sequence[str]:
    found = []
    expires = status.credential_expires_at
    if expires is not None and expires - now <= WARN_OF_EXPIRY:
        days = (expires - now).days
        when = f"in {days} days, on {expires:%Y-%m-%d}" if expires > now else f"on {expires:%Y-%m-%d}, it is too late"
        found.append(f"its credential expires {when}: renew it")
    found += [
        f"{quota.name}: {quota.used:g} of {quota.limit:g} {quota.unit} are used"
        + (f", until {quota.resets_at:%Y-%m-%d %H:%M}" if quota.resets_at else "")
        for quota in status.quotas
        if quota.left <= LOW_QUOTA
    ]
    return found
