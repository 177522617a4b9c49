"""An answer of a model that is valid already: its JSON as it is, not validated a second time."""

from collections.abc import Mapping

from fastapi import Response
from pydantic import BaseModel


def as_json(model: BaseModel, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The answer; its route declares the model."""
    return Response(model.model_dump_json(), status, headers=headers, media_type="application/json")
