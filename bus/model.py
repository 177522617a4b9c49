"""The form that every value on a topic shares."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, Self

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
    def trusted(cls, fields: Mapping[str, Any]) -> Self:
        """The value that validating `fields` would give, unchecked, at a quarter of its cost.

        Only for fields that our own code has just made, of exactly the declared types. Name every field that has no
        default or a mutable one.
        """
        value = cls.__new__(cls)
        _set(value, "__dict__", {**_template(cls), **fields})  # in the order of the model, as serializing wants them
        _set(value, "__pydantic_fields_set__", set(fields))
        _set(value, "__pydantic_extra__", None)
        _set(value, "__pydantic_private__", None)
        return value

    @classmethod
    def from_json(cls, value: bytes | str) -> Self:
        """The value read from a topic; raises pydantic.ValidationError when it is not one."""
        return cls.model_validate_json(value)


_set = object.__setattr__


@cache
def _template(model: type[Wire]) -> Mapping[str, Any]:
    return {name: None if field.is_required() else field.default for name, field in model.model_fields.items()}


class BlobRef(Wire):
    """Where bytes too large for a topic lie: the blob's name and its size in bytes."""

    blob: str
    size: int
