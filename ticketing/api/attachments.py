"""The files on a ticket: of its messages, its answers, its notes, and those put there by themselves."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.model import Time
from ticketing.acts.errors import Unknown
from ticketing.api.attachment_ids import AttachmentLink, attachment_id, link
from ticketing.rows import selected


class TicketFile(AttachmentLink):
    """A file, and what it came with: the id of a message, a reply, a comment, or nothing but itself."""

    came_with: Literal["message", "reply", "comment", "file"]
    came_with_id: str
    at: Time


class TicketFiles(BaseModel):
    """All files of a ticket, in the order they came."""

    model_config = ConfigDict(frozen=True)

    items: list[TicketFile]


class Stored(NamedTuple):
    """Where a file's bytes lie, and how it is shown."""

    blob: str
    shown: AttachmentLink


_SOURCES: Final = {
    "message": "SELECT 'message' AS kind, m.id, m.received_at AS at, (m.document::json->'attachments')::text AS files "
    "FROM desk.messages m JOIN own USING (ticket_id) WHERE m.attachments > 0",
    "reply": "SELECT 'reply' AS kind, w.id, w.created_at AS at, w.attachments::text AS files "
    "FROM desk.answers w JOIN own USING (ticket_id) WHERE w.attachments <> '[]'",
    "comment": "SELECT 'comment' AS kind, n.id, n.created_at AS at, n.attachments::text AS files "
    "FROM desk.comments n JOIN own USING (ticket_id) WHERE n.attachments <> '[]'",
    "file": "SELECT 'file' AS kind, f.sha256 AS id, f.created_at AS at, jsonb_build_array(jsonb_build_object("
    "'name', f.name, 'media_type', f.media_type, 'size', f.size, 'sha256', f.sha256, 'blob', f.blob))::text AS files "
    "FROM desk.ticket_files f JOIN own USING (ticket_id) WHERE true",
}
_OWN: Final = "WITH own AS MATERIALIZED (SELECT id AS ticket_id FROM desk.tickets WHERE root_id = :root)"
_ALL = sa.text(f"{_OWN} {' UNION ALL '.join(_SOURCES.values())} ORDER BY at, id")
_KEY: Final = {"message": "m.id", "reply": "w.id", "comment": "n.id", "file": "f.sha256"}
_ONE: Final = {kind: sa.text(f"{_OWN} {sql} AND {_KEY[kind]} = :id") for kind, sql in _SOURCES.items()}


async def all_files(connection: AsyncConnection, ticket_id: str, number: int) -> TicketFiles:
    """Every file of a ticket and of all it absorbed."""
    rows = await selected(connection, _ALL, root=ticket_id)
    return TicketFiles(items=[each for row in rows for each in _of(row, number)])


async def one_file(connection: AsyncConnection, ticket_id: str, number: int, named: str) -> Stored:
    """One of them. Raises Unknown when it is none of this ticket's, or has no bytes."""
    wanted = attachment_id(named)
    if wanted is not None:
        rows = await selected(connection, _ONE[wanted.kind], root=ticket_id, id=wanted.of)
        files: list[dict[str, Any]] = json.loads(rows[0].files) if rows else []
        if wanted.place < len(files) and (blob := files[wanted.place].get("blob")):
            return Stored(blob, link(number, wanted.kind, wanted.of, wanted.place, files[wanted.place]))
    raise Unknown("there is no such attachment on this ticket")


def inline_images(number: int, message_id: str, document: Mapping[str, Any]) -> dict[str, str]:
    """Content-ID → URL, of a message's attachments."""
    found = {}
    for n, attachment in enumerate(document.get("attachments") or ()):
        shown = link(number, "message", message_id, n, attachment)
        if shown.url and (content_id := attachment.get("content_id")):
            found[content_id.strip("<> ")] = shown.url
    return found


def _of(row: Any, number: int) -> Iterator[TicketFile]:  # noqa: ANN401  # a row of _ALL
    for n, attachment in enumerate(json.loads(row.files)):
        shown = link(number, row.kind, row.id, n, attachment)
        yield TicketFile(**shown.model_dump(), came_with=row.kind, came_with_id=row.id, at=row.at)
