"""Frames of our own chat window, one JSON object each.

`{"type": "message", "id", "text", "name"?, "email"?, "sent_at"?, "page"?, "language"?, "attachments"?: [{"upload",
"name", "media_type", "size"}]}`: `id` is made by the client and unique in its session; an attachment was uploaded
before, and its bytes are in the record's `files` as `upload:<upload>`. `{"type": "rating", "id", "rating":
"good"|"ok"|"bad", "text"?}` ends a conversation. All other types (typing, read, end, identify …) are the connector's
own business.

The receiver sets `:session` (the conversation; not the secret token), and `:identity` when the visitor's signed mail
address was checked. Without headers, in a file, the frame's own `session` counts.
"""

from bus.errors import Invalid
from bus.message import Address, Automation
from bus.raw import RawMessage
from normalize.addresses import canonical
from normalize.chat.name import NORMALIZER
from normalize.outcome import Ignored, Understood
from normalize.payload.fields import Fields
from normalize.payload.instants import instant
from normalize.payload.item import HUMAN, Item, understood
from normalize.payload.media import Remote
from normalize.payload.request import Request

_TYPES = {
    "message", "rating", "typing", "read", "end", "identify", "hello", "resume", "ping", "pong", "ack", "upload",
    "close",
}  # fmt: skip
_RATING = Automation(kind="system", reason="chat:rating")


def is_frame(fields: Fields) -> bool:
    """It has one of our types, and none of the marks of Slack or Webex, who have types too."""
    return fields.line("type") in _TYPES and not {"event", "team_id", "roomId", "channelId"}.intersection(fields)


def frame(record: RawMessage, request: Request) -> Understood | Ignored:
    """The message of a frame. Raises Invalid for one without a session or an id."""
    fields = request.fields
    kind = fields.line("type")
    if kind not in {"message", "rating"}:
        return Ignored(f"a frame of the chat that is no message: {kind}")
    session = request.header(":session") or ("" if record.headers else fields.id("session"))
    id_ = fields.id("id")
    if not session or not id_:
        raise Invalid("a frame of the chat without its session or id")
    identity = canonical(request.header(":identity"))
    typed = canonical(fields.line("email"))
    rating = fields.line("rating")[:20]
    more = {"page": fields.line("page")[:2000], "rating": rating if kind == "rating" else ""}
    return understood(
        record,
        NORMALIZER,
        Item(
            source_id=f"{session}:{id_}",
            author_kind="email" if identity else "chat",
            author=identity or session,
            author_name=fields.line("name")[:200],
            text=fields.text("text") or (f"Rating: {rating}" if kind == "rating" else ""),
            sent_at=instant(fields, "sent_at"),
            thread=session,
            reply_to=[Address(address=typed)] if "@" in typed and not identity else [],
            media=[
                Remote(f"upload:{upload}", each.line("name"), each.line("media_type"), each.whole("size") or 0)
                for each in fields.objects("attachments")[:50]
                if (upload := each.id("upload"))
            ],
            declared_language=fields.line("language"),
            direct=True,
            session=f"session:{session}",
            automation=_RATING if kind == "rating" else HUMAN,
            fields={name: value for name, value in more.items() if value},
            because=f"a frame of the chat: {kind}",
        ),
    )
