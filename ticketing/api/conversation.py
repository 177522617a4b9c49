"""What was said on a ticket, by all sides and in the order of time: read page by page from the desk's tables."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.message import AutomationKind, Call, Channel
from bus.model import Time
from bus.ticket_event import DeliveryState
from ticketing.api.attachment_ids import AttachmentLink, link
from ticketing.api.cursors import CursorQuery, LimitQuery, from_cursor, list_id, to_cursor
from ticketing.rows import selected, texts

_KEYS: Final = """
SELECT * FROM (
    SELECT 'message' AS kind, m.id, m.received_at AS at FROM desk.messages m JOIN own USING (ticket_id)
    UNION ALL SELECT 'reply', w.id, w.created_at FROM desk.answers w JOIN own USING (ticket_id)
    UNION ALL SELECT 'comment', n.id, n.created_at FROM desk.comments n JOIN own USING (ticket_id)
    UNION ALL SELECT 'automatic', r.id, r.created_at FROM desk.replies r JOIN own USING (ticket_id)
               WHERE r.purpose NOT IN ('reply', 'notification')
) entry
"""
_OWN: Final = "WITH own AS MATERIALIZED (SELECT id AS ticket_id FROM desk.tickets WHERE root_id = :root)"
_AT: Final = "(CAST(:at AS timestamptz), CAST(:id AS text))"
_UP = sa.text(f"{_OWN} {_KEYS} WHERE CAST(:at AS timestamptz) IS NULL OR (at, id) > {_AT} ORDER BY at, id LIMIT :limit")
_DOWN = sa.text(
    f"{_OWN} {_KEYS} WHERE CAST(:at AS timestamptz) IS NULL OR (at, id) < {_AT} ORDER BY at DESC, id DESC LIMIT :limit"
)
_MESSAGES = sa.text("""
SELECT m.id, m.document, coalesce(c.root_id, c.id) AS contact_id, m.third_party, m.match->>'rule' AS rule
  FROM desk.messages m LEFT JOIN desk.contacts c ON c.id = m.contact_id WHERE m.id = ANY(CAST(:ids AS text[]))
""")
_REPLIES = sa.text("""
SELECT w.id, w.agent_id, a.name, w.channel, w.visibility, w.text, w.html IS NOT NULL AS has_html, w.attachments,
       w.created_at, r.state, r.recipient,
       ARRAY(SELECT o.recipient FROM desk.replies o WHERE o.id = ANY(w.copies)) AS copies
  FROM desk.answers w LEFT JOIN desk.agents a ON a.id = w.agent_id LEFT JOIN desk.replies r ON r.id = w.id
 WHERE w.id = ANY(CAST(:ids AS text[]))
""")
_COMMENTS = sa.text("""
SELECT n.id, n.agent_id, a.name, n.text, n.attachments, n.created_at FROM desk.comments n
  LEFT JOIN desk.agents a ON a.id = n.agent_id WHERE n.id = ANY(CAST(:ids AS text[]))
""")
_AUTOMATIC = sa.text("""
SELECT r.id, r.purpose, r.channel, r.recipient, r.state, r.created_at, r.document FROM desk.replies r
 WHERE r.id = ANY(CAST(:ids AS text[]))
""")


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: str
    at: Time
    text: str | None = Field(
        description="Plain. Null: it is long, and lies at `text_url`; of a message without quotes and signature."
    )
    text_url: str = Field(description="The whole text.")
    html_url: str | None = Field(default=None, description="Its HTML, made harmless, if it has any.")
    attachments: list[AttachmentLink] = []


class Writer(BaseModel):
    """Who wrote a message; `verified`: the channel vouches for the address. `contact_id`: as he is known today."""

    kind: str
    address: str
    name: str | None = None
    verified: bool = False
    contact_id: str | None = None


class MessageEntry(_Said):
    """What a customer, or somebody else outside, wrote. `rule`: by which it was matched to the ticket."""

    kind: Literal["message"] = "message"
    channel: Channel
    connector: str
    author: Writer
    to: list[str] = []
    cc: list[str] = []
    subject: str | None = None
    language: str | None = None
    visibility: Literal["public", "private"] = "private"
    automation: AutomationKind = "human"
    third_party: bool = False
    sent_at: Time | None = None
    rule: str | None = None
    call: Call | None = None
    source_url: str | None = None
    warnings: list[str] = []


class ReplyEntry(_Said):
    """What an agent answered, and how far it has come. `to`: the customer, then copies."""

    kind: Literal["reply"] = "reply"
    channel: Channel
    visibility: Literal["public", "private"]
    agent_id: str
    agent_name: str | None = None
    to: list[str] = []
    delivery: DeliveryState | None = None


class CommentEntry(_Said):
    """A note among agents."""

    kind: Literal["comment"] = "comment"
    agent_id: str
    agent_name: str | None = None


class AutomaticEntry(_Said):
    """What the desk wrote by itself: a confirmation, a question how it was."""

    kind: Literal["automatic"] = "automatic"
    purpose: str
    channel: Channel
    to: list[str] = []
    delivery: DeliveryState | None = None


Entry = Annotated[MessageEntry | ReplyEntry | CommentEntry | AutomaticEntry, Field(discriminator="kind")]


class ConversationQuery(BaseModel):
    """A place in a conversation; `order`: the oldest first, or the newest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    order: Literal["oldest", "newest"] = "oldest"
    limit: LimitQuery = 100
    cursor: CursorQuery = None


class Conversation(BaseModel):
    """A page of it. `next`: the cursor of the page after; null: the last."""

    items: list[Entry]
    next: str | None = None


async def conversation(
    connection: AsyncConnection, ticket_id: str, number: int, asked: ConversationQuery
) -> Conversation:
    """A page of what was said on a ticket and on all it absorbed. Raises Refused for a cursor that is none."""
    own = list_id(ticket_id, asked.order)
    at, id_ = from_cursor(own, asked.cursor, (datetime, str)) or (None, "")
    statement = _UP if asked.order == "oldest" else _DOWN
    keys = await selected(connection, statement, root=ticket_id, at=at, id=id_ or "", limit=asked.limit + 1)
    shown = keys[: asked.limit]
    found: dict[str, Entry] = {}
    for kind, (query, made) in _KINDS.items():
        if ids := [key.id for key in shown if key.kind == kind]:
            for row in await selected(connection, query, ids=texts(ids)):
                found[row.id] = made(row, number)
    last = shown[-1] if len(keys) > asked.limit else None
    return Conversation(
        items=[found[key.id] for key in shown if key.id in found],
        next=None if last is None else to_cursor(own, (last.at.isoformat(), last.id)),
    )


def _url(number: int, id_: str, what: str) -> str:
    return f"/api/v1/tickets/{number}/conversation/{id_}/{what}"


def _message(row: Any, number: int) -> MessageEntry:  # noqa: ANN401  # a row of _MESSAGES
    said: dict[str, Any] = json.loads(row.document)
    author = said["author"]
    text = said.get("reply_text") or said.get("text") or ""
    return MessageEntry(
        id=row.id,
        at=said["received_at"],
        text=text if isinstance(text, str) else None,
        text_url=_url(number, row.id, "text"),
        html_url=_url(number, row.id, "html") if said.get("html") else None,
        attachments=_links(number, "message", row.id, said.get("attachments") or ()),
        channel=said["channel"],
        connector=said["account"],
        author=Writer(
            kind=author["kind"],
            address=author["address"],
            name=author.get("name"),
            verified=author.get("verified", False),
            contact_id=row.contact_id,
        ),
        to=[each["address"] for each in said.get("to") or ()],
        cc=[each["address"] for each in said.get("cc") or ()],
        subject=said.get("subject"),
        language=said.get("language"),
        visibility=said.get("visibility", "private"),
        automation=(said.get("automation") or {}).get("kind", "human"),
        third_party=row.third_party,
        sent_at=said.get("sent_at"),
        rule=row.rule,
        call=said.get("call"),
        source_url=said.get("source_url"),
        warnings=said.get("warnings") or [],
    )


def _reply(row: Any, number: int) -> ReplyEntry:  # noqa: ANN401  # a row of _REPLIES
    return ReplyEntry(
        id=row.id,
        at=row.created_at,
        text=row.text,
        text_url=_url(number, row.id, "text"),
        html_url=_url(number, row.id, "html") if row.has_html else None,
        attachments=_links(number, "reply", row.id, row.attachments),
        channel=row.channel,
        visibility=row.visibility,
        agent_id=row.agent_id,
        agent_name=row.name,
        to=[each for each in (row.recipient, *row.copies) if each],
        delivery=row.state,
    )


def _comment(row: Any, number: int) -> CommentEntry:  # noqa: ANN401  # a row of _COMMENTS
    return CommentEntry(
        id=row.id,
        at=row.created_at,
        text=row.text,
        text_url=_url(number, row.id, "text"),
        attachments=_links(number, "comment", row.id, row.attachments),
        agent_id=row.agent_id,
        agent_name=row.name,
    )


def _automatic(row: Any, number: int) -> AutomaticEntry:  # noqa: ANN401  # a row of _AUTOMATIC
    said = json.loads(row.document)
    return AutomaticEntry(
        id=row.id,
        at=row.created_at,
        text=said.get("text"),
        text_url=_url(number, row.id, "text"),
        html_url=_url(number, row.id, "html") if said.get("html") else None,
        purpose=row.purpose,
        channel=row.channel,
        to=[row.recipient],
        delivery=row.state,
    )


def _links(number: int, kind: str, id_: str, found: Sequence[Mapping[str, Any]]) -> list[AttachmentLink]:
    return [link(number, kind, id_, n, attachment) for n, attachment in enumerate(found)]


_KINDS: Final[dict[str, tuple[sa.TextClause, Callable[[Any, int], Entry]]]] = {
    "message": (_MESSAGES, _message),
    "reply": (_REPLIES, _reply),
    "comment": (_COMMENTS, _comment),
    "automatic": (_AUTOMATIC, _automatic),
}
