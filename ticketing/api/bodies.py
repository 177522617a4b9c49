"""The whole text and the HTML of one thing that was said on a ticket."""

import asyncio
import json
from typing import Any, Final

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.blobs import BlobStore
from bus.errors import Invalid
from ticketing.acts.errors import Unknown
from ticketing.api.attachments import inline_images
from ticketing.api.html_body import showable, shown
from ticketing.rows import selected


class TextBody(BaseModel):
    """`text`: all of it, with what it quotes."""

    model_config = ConfigDict(frozen=True)

    text: str


class HtmlBody(BaseModel):
    """`html`: harmless to put into a page; null when there is none, or none that can be made so."""

    model_config = ConfigDict(frozen=True)

    html: str | None
    remote_images: int = Field(default=0, description="How many images are off because they lie elsewhere.")


_OWN: Final = "WITH own AS MATERIALIZED (SELECT id AS ticket_id FROM desk.tickets WHERE root_id = :root)"
_FIND = sa.text(f"""
{_OWN}
SELECT 'message' AS kind, m.document FROM desk.messages m JOIN own USING (ticket_id) WHERE m.id = :id
UNION ALL
SELECT 'reply', jsonb_build_object('text', w.text, 'html', w.html)::text
  FROM desk.answers w JOIN own USING (ticket_id) WHERE w.id = :id
UNION ALL
SELECT 'comment', jsonb_build_object('text', n.text)::text
  FROM desk.comments n JOIN own USING (ticket_id) WHERE n.id = :id
UNION ALL
SELECT 'automatic', r.document FROM desk.replies r JOIN own USING (ticket_id)
 WHERE r.id = :id AND r.purpose NOT IN ('reply', 'notification')
""")  # noqa: S608  # our own pieces


async def document(connection: AsyncConnection, ticket_id: str, entry: str) -> dict[str, Any]:
    """What was said, as it is kept. Raises Unknown when it is none of this ticket's."""
    rows = await selected(connection, _FIND, root=ticket_id, id=entry)
    if not rows:
        raise Unknown("nothing of this id was said on this ticket")
    found: dict[str, Any] = json.loads(rows[0].document)
    return found


async def text_body(said: dict[str, Any], blobs: BlobStore) -> TextBody:
    """Its text. Raises Unknown when it lay in a blob that is gone."""
    return TextBody(text=await _inline(said.get("text"), blobs) or "")


async def html_body(said: dict[str, Any], entry: str, number: int, blobs: BlobStore) -> HtmlBody:
    """Its HTML. Raises Unknown as above."""
    html = await _inline(said.get("html"), blobs)
    if html is None:
        return HtmlBody(html=None)
    inline = inline_images(number, entry, said)
    # beside the loop: a large one takes a tenth of a second
    found = await asyncio.to_thread(lambda: shown(html, inline) if showable(html) else None)
    return HtmlBody(html=None) if found is None else HtmlBody(html=found.html, remote_images=found.remote_images)


async def _inline(value: Any, blobs: BlobStore) -> str | None:  # noqa: ANN401  # text, or where it lies
    if not isinstance(value, dict):
        return None if value is None else str(value)
    try:
        return (await blobs.get(value["blob"])).decode("utf-8", "replace")
    except Invalid:
        raise Unknown("this text is gone") from None
