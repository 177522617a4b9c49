"""What a parent tells its understanding child: one line on the child's standard input, secrets included."""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr

from bus.blob_settings import BlobSettings
from bus.kafka_settings import KafkaSettings
from bus.message import Channel
from bus.record import Position
from bus.settings import LoggingSettings

FAILED, MISCONFIGURED, BUDGET_SPENT = 1, 2, 3
"""Exit statuses of a child, beside 0."""


class Orders(BaseModel):
    """`trial`: normalize this one record and end; else work as a member of the group, passing over `skip`.

    `parent`: the process whose death is the child's. `note`: descriptor of the shared page.
    """

    model_config = ConfigDict(frozen=True)

    connector: str
    channel: Channel
    kafka: KafkaSettings
    blobs: BlobSettings
    logging: LoggingSettings
    parent: int
    note: int
    skip: list[Position] = []
    trial: Position | None = None

    def to_line(self) -> bytes:
        """One line of JSON."""
        return json.dumps(self.model_dump(), default=_shown).encode() + b"\n"


def understand_group(connector: str) -> str:
    """The consumer group of a connector's understanding part."""
    return f"deskstream.{connector}.understand"


def _shown(value: Any) -> str:  # noqa: ANN401  # json asks about anything
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
