"""Answers that are no: problem documents (RFC 9457)."""

import json
from http import HTTPStatus

from starlette.responses import Response

from ingest.intake.route import Refusal


def problem(refusal: Refusal) -> Response:
    """As `application/problem+json`: `title`, `status`, `detail`, and `kind`, a word for programs."""
    body = {
        "title": HTTPStatus(refusal.status).phrase,
        "status": refusal.status,
        "kind": refusal.kind,
        "detail": refusal.text,
        **refusal.more,
    }
    return Response(
        json.dumps(body, ensure_ascii=False).encode(),
        refusal.status,
        media_type="application/problem+json",
        headers=refusal.headers,
    )


NOT_FOUND = Refusal(404, "not_found", "There is nothing here.")
CRASHED = Refusal(500, "error", "Something went wrong on our side; the request was not taken.")
