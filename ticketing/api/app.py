"""The agents' API as one application: its routes, what every request is held to, its OpenAPI document."""

from collections.abc import Sequence
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp

from ticketing.api.account_routes import account_routes
from ticketing.api.act_routes import act_routes
from ticketing.api.contact_routes import contact_routes
from ticketing.api.errors import handle_errors
from ticketing.api.inside import Inside
from ticketing.api.limits import BodyLimit, SecurityHeaders
from ticketing.api.me_routes import me_routes
from ticketing.api.opening_routes import opening_routes
from ticketing.api.problems import Problem, declared
from ticketing.api.ticket_routes import ticket_routes
from ticketing.api.uploads import PATH as UPLOADS
from ticketing.api.uploads import upload_routes
from ticketing.people.directory_routes import directory_routes
from ticketing.people.login_routes import login_routes
from ticketing.people.own_routes import own_routes
from ticketing.people.routes import password_routes, token_routes
from ticketing.ratings.routes import router as ratings

PREFIX: Final = "/api/v1"
VERSION: Final = "1.0.0"
"""Of the contract: raised by what is added; what would break it gets another prefix."""

PEOPLE: Final = (login_routes, own_routes, directory_routes, password_routes, token_routes)

_DESCRIPTION: Final = """\
Every look at the desk and every act on it. Errors are problem documents (RFC 9457). Lists come in pages: `next` of one
is the `cursor` of the following. Every POST takes an `Idempotency-Key`: repeated, it is done once. Every change of a
ticket takes its `ETag` as `If-Match`: when somebody else was faster nothing is done.
"""


def api(inside: Inside, more: Sequence[APIRouter] = ()) -> ASGIApp:
    """The application. `more`: routers of other packages, put under the same prefix."""
    return SecurityHeaders(BodyLimit(fastapi_app(inside, more), files=UPLOADS))


def fastapi_app(inside: Inside, more: Sequence[APIRouter] = ()) -> FastAPI:
    """The routes alone."""
    app = FastAPI(
        title="Deskstream",
        version=VERSION,
        description=_DESCRIPTION,
        license_info={"name": "Apache-2.0"},
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,  # the page would fetch its scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    handle_errors(app)
    common = declared("unauthorized", "forbidden", "invalid", "unavailable")
    own = (ticket_routes, act_routes, opening_routes, upload_routes, contact_routes, account_routes, me_routes, *PEOPLE)
    for router in (*(routes(inside) for routes in own), *more):
        app.include_router(router, prefix=PREFIX, responses=common)
    # customers come here by a link in their mail: no token, limits of its own
    app.mount("/r", ratings(inside.acting, inside.desk))
    made = app.openapi

    def with_problems() -> dict[str, Any]:
        document = made()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        if "Problem" not in schemas:
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(problem.pop("$defs"))
            schemas["Problem"] = problem
            schemas.pop("HTTPValidationError", None)
            schemas.pop("ValidationError", None)
        return document

    app.openapi = with_problems  # type: ignore[method-assign]  # FastAPI's own way of extending it
    return app
