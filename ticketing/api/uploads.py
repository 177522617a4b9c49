"""Files that an agent hands in, to attach them by name in an act that follows."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncConnection

from ticketing.api.attachment_ids import media_type, shown_name
from ticketing.api.inside import Inside
from ticketing.api.json_answer import as_json
from ticketing.api.once import KeyHeader
from ticketing.api.problems import declared
from ticketing.people.policy import Permission, Who
from ticketing.rows import selected, texts

PATH = "/api/v1/uploads"

_HANDED_IN = sa.text("""
INSERT INTO desk.uploads (agent_id, blob, created_at) VALUES (:agent, :blob, :now)
ON CONFLICT (agent_id, blob) DO UPDATE SET created_at = excluded.created_at
""")
_BY = sa.text("SELECT blob FROM desk.uploads WHERE agent_id = :agent AND blob = ANY(CAST(:blobs AS text[]))")


class HandedIn(BaseModel):
    """A file as acts take it among their attachments."""

    model_config = ConfigDict(frozen=True)

    name: str
    media_type: str
    blob: str
    size: int


def upload_routes(inside: Inside) -> APIRouter:
    """Mounted under `/api/v1`."""
    router = APIRouter(prefix="/uploads", tags=["acts"])
    Working = Annotated[Who, inside.access.needs(Permission.WORK_TICKETS)]  # noqa: N806  # a type
    body: dict[str, Any] = {
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    }

    @router.post(
        "", response_model=HandedIn, status_code=201, openapi_extra=body, responses=declared("malformed", "too-large")
    )
    async def hand_in(
        request: Request,
        who: Working,
        key: KeyHeader,
        name: Annotated[str, Query(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f/\\]+$")],
    ) -> Response:
        """Store a file's bytes, the body as it is; what it answers is taken by acts as an attachment.

        `Content-Type` is the file's.
        """

        async def do(_: str) -> Response:
            data = await request.body()
            blob = await inside.blobs.put(data)
            values = {"agent": who.agent_id, "blob": blob, "now": datetime.now(UTC)}
            async with inside.acting.begin() as connection:
                await connection.execute(_HANDED_IN, values)
            kind = media_type(request.headers.get("content-type", ""))
            made = HandedIn(name=shown_name(name), media_type=kind, blob=blob, size=len(data))
            return as_json(made, status=201)

        return await inside.once.answer(request, who, key, do)

    return router


async def handed_in_by(connection: AsyncConnection, agent_id: str, blobs: Collection[str]) -> set[str]:
    """Which of these blobs an agent has handed in."""
    return {row.blob for row in await selected(connection, _BY, agent=agent_id, blobs=texts(blobs))}
