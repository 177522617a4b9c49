"""Every act that opens a ticket as a route: `POST /tickets` by hand, `POST /tickets/NAME` the others. A new one needs
nothing here."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Response

from ticketing.acts.kind import OpeningKind
from ticketing.acts.open_ticket import OPEN_TICKET
from ticketing.acts.perform import perform_opening
from ticketing.acts.table import OPENING
from ticketing.api.act_routes import ETAG, Done
from ticketing.api.inside import Inside
from ticketing.api.json_answer import as_json
from ticketing.api.once import KeyHeader, cause_of
from ticketing.api.problems import declared
from ticketing.api.versions import etag
from ticketing.people.policy import Who


def opening_routes(inside: Inside) -> APIRouter:
    """Mounted under `/tickets`."""
    router = APIRouter(prefix="/tickets", tags=["acts"])
    for kind in OPENING:
        router.add_api_route(
            "" if kind.name == OPEN_TICKET.name else f"/{kind.name}",
            _endpoint(inside, kind),
            methods=["POST"],
            name=kind.name,
            summary=kind.summary,
            description=f"{kind.summary}\n\n{(kind.input.__doc__ or '').strip()}",
            operation_id=f"act_{kind.name.replace('-', '_')}",
            response_model=Done,
            status_code=201,
            responses={201: {"headers": ETAG}, **declared("malformed", "forbidden")},
        )
    return router


def _endpoint(inside: Inside, kind: OpeningKind[Any, Any]) -> Any:  # noqa: ANN401  # a function of the signature below
    async def act(who: Who, given: Any, key: str) -> Response:  # noqa: ANN401
        done = await perform_opening(
            inside.acting, kind, given, who, desk=inside.desk, key=cause_of(who, key), now=datetime.now(UTC)
        )
        answer = Done(ticket=done.document, events=list(done.events))
        return as_json(answer, headers={"ETag": etag(done.version)}, status=201)

    act.__annotations__ = {
        "who": Annotated[Who, inside.access.needs(kind.permission)],
        "given": Annotated[kind.input, Body()],
        "key": KeyHeader,
        "return": Response,
    }
    return act
