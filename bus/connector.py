"""What connectors keep and hear on their own compacted topics."""

from typing import Any, Literal

from bus.errors import ErrorClass
from bus.model import Time, Wire


class ConnectorCursor(Wire):
    """How far a poller has read its source (`connectors.cursors`)."""

    kind: Literal["connector.cursor.v1"] = "connector.cursor.v1"
    connector: str
    cursor: dict[str, Any]
    at: Time


class Quota(Wire):
    """What a provider lets us use, or what we let ourselves spend, in a period. `unit`: `requests`, `USD` …"""

    name: str
    used: float
    limit: float
    unit: str
    resets_at: Time | None = None

    @property
    def left(self) -> float:
        """The part that is left, 0 to 1."""
        return max(0.0, 1 - self.used / self.limit) if self.limit > 0 else 0.0


class ConnectorStatus(Wire):
    """What a connector says of itself (`connectors.status`); silence is not health.

    `last_success_at`: the source answered, or something came or went. `silent_after`: seconds after which it should
    have heard from customers again. `source_lag`: items that the source has and we have not taken yet.
    `credential_expires_at`: when somebody has to renew a token or secret that does not renew itself. `polls`: whether
    this process is the one that polls; null for a connector that does not. `error_class` is null while all is well.
    """

    kind: Literal["connector.status.v1"] = "connector.status.v1"
    connector: str
    type: str
    state: Literal["running", "paused", "failing", "stopped"]
    since: Time
    at: Time
    received: int = 0
    understood: int = 0
    parked: int = 0
    sent: int = 0
    last_received_at: Time | None = None
    last_error: str | None = None
    error_class: ErrorClass | None = None
    last_success_at: Time | None = None
    silent_after: float | None = None
    source_lag: int | None = None
    quotas: list[Quota] = []
    credential_expires_at: Time | None = None
    polls: bool | None = None
    paused_by: str | None = None


class ConnectorControl(Wire):
    """What an operator asks of a connector (`connectors.control`); `by`: who asked."""

    kind: Literal["connector.control.v1"] = "connector.control.v1"
    connector: str
    command: Literal["pause", "resume", "rewind"]
    at: Time
    since: Time | None = None
    by: str | None = None


class RelayCursor(Wire):
    """The last outbox id that the relay has published (`relay.cursor`), written in the same transaction.

    `database` and `mark` say in which database that row stands and which one it is, so that a restored older one
    is noticed.
    """

    kind: Literal["relay.cursor.v1"] = "relay.cursor.v1"
    outbox_id: int
    database: str
    mark: str = ""
