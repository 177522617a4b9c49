"""Every act of the table as a route: `POST /tickets/{ticket}/NAME`. A new act needs nothing here."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Response
from pydantic import BaseModel, ConfigDict

from bus.errors import Invalid
from bus.ticket_event import TicketEvent
from bus.ticket_state import TicketState
from ticketing.acts.files import File
from ticketing.acts.kind import ActKind
from ticketing.acts.perform import perform
from ticketing.acts.table import ACTS
from ticketing.api.inside import Inside
from ticketing.api.json_answer import as_json
from ticketing.api.once import KeyHeader, cause_of
from ticketing.api.problems import declared
from ticketing.api.ticket_ref import TicketPath, seen
from ticketing.api.uploads import handed_in_by
from ticketing.api.versions import IfMatch, etag, version_of
from ticketing.people.policy import Who


class Done(BaseModel):
    """What came of an act: the ticket after it, and what was published about it."""

    model_config = ConfigDict(frozen=True)

    ticket: TicketState
    events: list[TicketEvent]


def act_routes(inside: Inside) -> APIRouter:
    """Mounted under `/tickets`."""
    router = APIRouter(prefix="/tickets", tags=["acts"])
    for kind in ACTS:
        router.add_api_route(
            f"/{{ticket}}/{kind.name}",
            _endpoint(inside, kind),
            methods=["POST"],
            name=kind.name,
            summary=kind.summary,
            description=f"{kind.summary}\n\n{(kind.input.__doc__ or '').strip()}",
            operation_id=f"act_{kind.name.replace('-', '_')}",
            response_model=Done,
            responses={200: {"headers": ETAG}, **declared("malformed", "unknown", "stale", "version-required")},
        )
    return router


ETAG = {"ETag": {"description": "The version after the act.", "schema": {"type": "string"}}}


def _endpoint(inside: Inside, kind: ActKind[Any, Any]) -> Any:  # noqa: ANN401  # a function of the signature below
    allowed = inside.access.needs(kind.permission)
    given = Annotated[kind.input, Body()]  # type: ignore[name-defined]  # known when the table is

    async def act(who: Who, ticket: str, given: Any, key: str, if_match: str) -> Response:  # noqa: ANN401
        await _check_files(inside, who, ticket, given)
        done = await perform(
            inside.acting,
            kind,
            ticket,
            given,
            who,
            desk=inside.desk,
            key=cause_of(who, key),
            version=version_of(if_match),
            now=datetime.now(UTC),
        )
        answer = Done(ticket=done.document, events=list(done.events))
        return as_json(answer, headers={"ETag": etag(done.version)})

    act.__annotations__ = {
        "who": Annotated[Who, allowed],
        "ticket": TicketPath,
        "given": given,
        "key": KeyHeader,
        "if_match": IfMatch,
        "return": Response,
    }
    return act


async def _check_files(inside: Inside, who: Who, ticket: str, given: BaseModel) -> None:
    """Raises Invalid for a file that this agent has not handed in: a digest alone gives nobody the bytes."""
    blobs = {file.blob for file in _files(given)}
    if not blobs:
        return
    async with inside.look() as connection:
        await seen(connection, ticket, who)  # who may not see the ticket learns nothing else
        missing = blobs - await handed_in_by(connection, who.agent_id, blobs)
    if missing:
        raise Invalid(f"hand in {min(missing)} first: POST /api/v1/uploads")


def _files(value: object) -> Iterator[File]:
    if isinstance(value, File):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _files(getattr(value, name))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _files(each)
