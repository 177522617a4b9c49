"""What goes wrong, as RFC 9457 problem documents: one table of kinds, one exception, the same words everywhere."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

MEDIA_TYPE: Final = "application/problem+json"


class Kind(NamedTuple):
    """A kind of problem: its HTTP status, and its title, the same for every occurrence."""

    status: int
    title: str


KINDS: Final[Mapping[str, Kind]] = {
    "malformed": Kind(400, "The request is not understood"),
    "unauthorized": Kind(401, "Who asks is not known"),
    "forbidden": Kind(403, "Not allowed"),
    "unknown": Kind(404, "There is no such thing"),
    "method-not-allowed": Kind(405, "This cannot be done here"),
    "busy": Kind(409, "The same request is being answered"),
    "stale": Kind(412, "It has changed meanwhile"),
    "too-large": Kind(413, "The request is too large"),
    "unsupported": Kind(415, "This media type is not taken"),
    "range": Kind(416, "The range is not there"),
    "invalid": Kind(422, "It cannot be done as asked"),
    "version-required": Kind(428, "The version is missing"),
    "too-many": Kind(429, "Too many attempts"),
    "internal": Kind(500, "Something is broken here"),
    "unavailable": Kind(503, "Not now"),
}
"""The kinds there are; `type` is `urn:deskstream:problem:KIND`."""

_BY_STATUS: Final = {kind.status: name for name, kind in KINDS.items()}


class FieldProblem(BaseModel):
    """What is wrong with one field. `where`: `body`, `query`, `path` or `header`, then the way to it."""

    model_config = ConfigDict(extra="forbid")

    where: list[str | int]
    detail: str


class Problem(BaseModel):
    """A problem document (RFC 9457). `version`: what the ticket is at now, when that is what went wrong."""

    model_config = ConfigDict(extra="forbid")

    type: str
    title: str
    status: int
    detail: str | None = None
    errors: list[FieldProblem] | None = None
    version: int | None = None


class Refused(Exception):
    """Ends a request with a problem of this kind."""

    def __init__(
        self,
        kind: str,
        detail: str | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        errors: list[FieldProblem] | None = None,
        version: int | None = None,
    ) -> None:
        super().__init__(detail or KINDS[kind].title)
        self.kind, self.detail, self.headers = kind, detail, headers
        self.errors, self.version = errors, version


def answer(refused: Refused) -> JSONResponse:
    """The problem as a response."""
    kind = KINDS[refused.kind]
    problem = Problem(
        type=f"urn:deskstream:problem:{refused.kind}",
        title=kind.title,
        status=kind.status,
        detail=refused.detail,
        errors=refused.errors,
        version=refused.version,
    )
    return JSONResponse(
        problem.model_dump(mode="json", exclude_none=True),
        status_code=kind.status,
        headers=dict(refused.headers or {}),
        media_type=MEDIA_TYPE,
    )


def kind_of_status(status: int) -> str:
    """The kind that stands for an HTTP status that a library chose."""
    return _BY_STATUS.get(status, "malformed" if status < 500 else "internal")


def declared(*kinds: str) -> dict[int | str, dict[str, Any]]:
    """What a route says in OpenAPI about the ways it fails."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {KINDS[kind].status: {"description": KINDS[kind].title, "content": content} for kind in kinds}


async def refused(_: Request, error: Exception) -> JSONResponse:
    """Exception handler of Refused."""
    assert isinstance(error, Refused)
    return answer(error)
