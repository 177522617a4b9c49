"""Exceptions of everything below, as problems: what each one means to whoever asked."""

from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from bus.errors import Invalid, Retryable
from bus.progress import database_error
from ticketing.acts.errors import Forbidden, Stale, Unknown
from ticketing.api.problems import FieldProblem, Refused, answer, kind_of_status, refused

log = structlog.get_logger()

RETRY_AFTER = {"Retry-After": "2"}
_SHOWN = 20
_MISSING_HEADERS = {
    "idempotency-key": ("malformed", "give an Idempotency-Key: a text of your own that names this request"),
    "if-match": ("version-required", "give If-Match with the ETag of what you looked at"),
}


def handle_errors(app: FastAPI) -> None:
    """Answer every error with a problem document."""
    for error in (Invalid, Retryable, Unknown, Stale, Forbidden, PoolTimeout, DBAPIError, UnicodeEncodeError):
        app.add_exception_handler(error, _known)
    app.add_exception_handler(Refused, refused)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(Exception, _broken)


def meaning(error: Exception) -> Refused:
    """What an error says to whoever asked. Raises TypeError for one that says nothing."""
    refusal = error if isinstance(error, DBAPIError) else error.__cause__
    if isinstance(refusal, DBAPIError):
        error = database_error(refusal)
        if isinstance(error, Invalid):  # PostgreSQL's words repeat what was given
            log.warning("api.refused_by_the_database", sqlstate=getattr(refusal.orig, "sqlstate", None))
            return Refused("invalid", "a value has a form that cannot be stored")
    if isinstance(error, Retryable | PoolTimeout):
        log.warning("api.unavailable", detail=str(error))
        return Refused("unavailable", "the database is not there just now; ask again", headers=RETRY_AFTER)
    if isinstance(error, UnicodeEncodeError):
        return Refused("invalid", "a text has characters that cannot be stored")
    if isinstance(error, Stale):
        return Refused("stale", f"it is at version {error.version} now; look at it again", version=error.version)
    for kind, raised in (("invalid", Invalid), ("unknown", Unknown), ("forbidden", Forbidden)):
        if isinstance(error, raised):
            return Refused(kind, str(error) or None)
    raise TypeError(f"{type(error).__name__} is no answer")


async def _known(_: Request, error: Exception) -> JSONResponse:
    return answer(meaning(error))


async def _not_valid(_: Request, error: Exception) -> JSONResponse:
    """Values that do not fit. What was given is not repeated: it may be a secret, and ends up in logs."""
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    for each in found:
        if each["type"] == "missing" and each["loc"][0] == "header":
            kind, words = _MISSING_HEADERS.get(str(each["loc"][-1]).lower(), ("malformed", "a header is missing"))
            return answer(Refused(kind, words))
    fields = [FieldProblem(where=list(each["loc"]), detail=each["msg"]) for each in found[:_SHOWN]]
    return answer(Refused("invalid", "some values do not fit", errors=fields))


async def _of_http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    kind = kind_of_status(error.status_code)
    said = None if error.detail == HTTPStatus(error.status_code).phrase else error.detail
    return answer(Refused(kind, said, headers=error.headers))


async def _broken(request: Request, error: Exception) -> JSONResponse:
    route = request.scope.get("route")
    # the route's form, not the path: ids of people stay out of the log
    log.error("api.failed", route=getattr(route, "path", None), error=type(error).__name__, exc_info=error)
    return answer(Refused("internal"))
