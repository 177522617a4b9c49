"""What connectors keep and hear on their own compacted topics."""

from typing import Any, Literal

from bus.model import Time, Wire


class ConnectorCursor(Wire):
    """How far a poller has read its source (`connectors.cursors`)."""

    kind: Literal["connector.cursor.v1"] = "connector.cursor.v1"
    connector: str
    cursor: dict[str, Any]
    at: Time


class ConnectorStatus(Wire):
    """What a connector says of itself (`connectors.status`); silence is not health."""

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


class ConnectorControl(Wire):
    """What an operator asks of a connector (`connectors.control`)."""

    kind: Literal["connector.control.v1"] = "connector.control.v1"
    connector: str
    command: Literal["pause", "resume", "rewind"]
    at: Time
    since: Time | None = None


class RelayCursor(Wire):
    """The last outbox id that the relay has published (`relay.cursor`), written in the same transaction.

    `database` and `mark` say in which database that row stands and which one it is, so that a restored older one
    is noticed.
    """

    kind: Literal["relay.cursor.v1"] = "relay.cursor.v1"
    outbox_id: int
    database: str
    mark: str = ""
