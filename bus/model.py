"""The form that every value on a topic shares."""

from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict


def _utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


Time = Annotated[datetime, AfterValidator(_utc)]
"""An instant; on the wire RFC 3339 in UTC."""


class Wire(BaseModel):
    """A frozen value that travels as one JSON object. Readers ignore what they do not know."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        ser_json_bytes="base64",
        val_json_bytes="base64",
        hide_input_in_errors=True,  # an error's text goes into logs, what people wrote does not
    )

    def to_json(self) -> bytes:
        """The UTF-8 JSON object that stands on the topic."""
        return self.__pydantic_serializer__.to_json(self)

    @classmethod
    def from_json(cls, value: bytes | str) -> Self:
        """The value read from a topic; raises pydantic.ValidationError when it is not one."""
        return cls.model_validate_json(value)


class BlobRef(Wire):
    """Where bytes too large for a topic lie: the blob's name and its size in bytes."""

    blob: str
    size: int
