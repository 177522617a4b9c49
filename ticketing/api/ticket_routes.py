"""Looking at tickets: lists, one with all that belongs to it, its history, its files."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from ticketing.api.attachment_ids import FORM
from ticketing.api.attachments import TicketFiles, all_files, one_file
from ticketing.api.blob_answer import blob_answer
from ticketing.api.bodies import HtmlBody, TextBody, document, html_body, text_body
from ticketing.api.conversation import Conversation, ConversationQuery, conversation
from ticketing.api.history import History, HistoryQuery, history
from ticketing.api.inside import Inside
from ticketing.api.json_answer import as_json
from ticketing.api.problems import declared
from ticketing.api.ticket_document import TicketDocument, ticket_document
from ticketing.api.ticket_list import TicketPage, TicketQuery, page
from ticketing.api.ticket_ref import TicketPath, seen
from ticketing.api.versions import etag
from ticketing.people.policy import Permission, Who

EntryPath = Annotated[str, Path(pattern=r"^[0-9a-f]{1,128}$", description="The id of an entry of its conversation.")]
FilePath = Annotated[str, Path(pattern=FORM, description="The id of an attachment, as its list names it.")]

_ETAG = {"ETag": {"description": "The ticket's version, for If-Match.", "schema": {"type": "string"}}}
_BYTES: dict[str, Any] = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}


def ticket_routes(inside: Inside) -> APIRouter:
    """Mounted under `/tickets`."""
    router = APIRouter(prefix="/tickets", tags=["tickets"])
    Seeing = Annotated[Who, inside.access.needs(Permission.SEE_TICKETS)]  # noqa: N806  # a type
    not_there = declared("unknown")

    @router.get("", response_model=TicketPage)
    async def list_tickets(who: Seeing, asked: Annotated[TicketQuery, Query()]) -> Response:
        """Tickets by filter, sorted, in pages. Those merged into others stand in the ones they are part of."""
        async with inside.look() as connection:
            return as_json(await page(connection, asked, who, datetime.now(UTC)))

    @router.get("/{ticket}", response_model=TicketDocument, responses={200: {"headers": _ETAG}, **not_there})
    async def show_ticket(who: Seeing, ticket: TicketPath) -> Response:
        """One ticket, by number or id. Its ETag is what a change of it wants as `If-Match`."""
        async with inside.look() as connection:
            found = await ticket_document(connection, ticket, who)
        return as_json(found, headers={"ETag": etag(found.version)})

    @router.get("/{ticket}/conversation", response_model=Conversation, responses=not_there)
    async def show_conversation(
        who: Seeing, ticket: TicketPath, asked: Annotated[ConversationQuery, Query()]
    ) -> Response:
        """What customers wrote, agents answered and noted, and the desk sent by itself, in the order of time."""
        async with inside.look() as connection:
            row = await seen(connection, ticket, who, "t.id, t.number")
            return as_json(await conversation(connection, row.id, row.number, asked))

    @router.get("/{ticket}/conversation/{entry}/text", responses=not_there)
    async def show_text(who: Seeing, ticket: TicketPath, entry: EntryPath) -> TextBody:
        """The whole text of one entry, with what it quotes."""
        async with inside.look() as connection:
            row = await seen(connection, ticket, who)
            said = await document(connection, row.id, entry)
        return await text_body(said, inside.blobs)

    @router.get("/{ticket}/conversation/{entry}/html", responses=not_there)
    async def show_html(who: Seeing, ticket: TicketPath, entry: EntryPath) -> HtmlBody:
        """The HTML of one entry, made harmless: nothing in it runs, and nothing is fetched from elsewhere."""
        async with inside.look() as connection:
            row = await seen(connection, ticket, who, "t.id, t.number")
            said = await document(connection, row.id, entry)
        return await html_body(said, entry, row.number, inside.blobs)

    @router.get("/{ticket}/history", response_model=History, responses=not_there)
    async def show_history(who: Seeing, ticket: TicketPath, asked: Annotated[HistoryQuery, Query()]) -> Response:
        """Who or what did what, and when: agents, customers, rules, the desk itself."""
        async with inside.look() as connection:
            row = await seen(connection, ticket, who)
            return as_json(await history(connection, row.id, asked))

    @router.get("/{ticket}/attachments", responses=not_there)
    async def list_attachments(who: Seeing, ticket: TicketPath) -> TicketFiles:
        """The files of all its messages, answers and notes, and those put on it by themselves."""
        async with inside.look() as connection:
            row = await seen(connection, ticket, who, "t.id, t.number")
            return await all_files(connection, row.id, row.number)

    ranged: dict[int | str, dict[str, Any]] = {
        206: {"description": "The part that was asked for.", **_BYTES},
        304: {"description": "As you have it."},
    }

    @router.get(
        "/{ticket}/attachments/{attachment}",
        response_class=Response,
        responses={200: _BYTES, **ranged, **declared("unknown", "range")},
    )
    async def get_attachment(request: Request, who: Seeing, ticket: TicketPath, attachment: FilePath) -> Response:
        """The bytes of a file, to be saved. `Range` gives a part."""
        async with inside.look() as connection:
            row = await seen(connection, ticket, who, "t.id, t.number")
            stored = await one_file(connection, row.id, row.number, attachment)
        return await blob_answer(request, inside.blobs, stored.blob, stored.shown)

    return router
