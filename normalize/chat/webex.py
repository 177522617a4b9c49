"""Webex: notices of webhooks, which do not hold the text, and the messages that its API then gives.

A notice makes the message with a stand-in for its text, so that nobody is lost while it cannot be fetched; what the
API gives is a later revision of it, with the text.
"""

from bus.message import Address
from bus.raw import RawMessage
from normalize.addresses import canonical
from normalize.chat.name import BOT, NORMALIZER
from normalize.html_text import html_to_text
from normalize.outcome import Ignored, Understood
from normalize.payload.fields import Fields
from normalize.payload.instants import instant
from normalize.payload.item import HUMAN, Item, understood
from normalize.payload.media import Remote
from normalize.payload.own import is_own
from normalize.payload.quoted import quoted
from normalize.payload.revision import LAST, revision_at

_STAND_IN = "A message on Webex, whose text has yet to be fetched from there."
_HTML = 1024 * 1024
_FETCHED = 1


def is_webex(fields: Fields) -> bool:
    """A notice names its resource and event, a message its room and person."""
    return ("resource" in fields and "event" in fields and "data" in fields) or (
        "roomId" in fields and "personId" in fields
    )


def webex(record: RawMessage, fields: Fields) -> Understood | Ignored:
    """The message of a notice or of the API's answer."""
    if "resource" not in fields:
        return _message(record, fields)
    resource, event, data = fields.line("resource"), fields.line("event"), fields.object("data")
    if resource not in {"messages", "attachmentActions"}:
        return Ignored(f"a notice of Webex, not of a message: {quoted(resource)} {quoted(event)}")
    if resource == "messages" and event == "deleted":
        return _message(record, data, removed=True)
    if event != "created":
        return Ignored(f"a notice of Webex without the text: {resource} {quoted(event)}")
    return _message(record, data, notice=not data.text("text", "markdown", "html"))


def _message(
    record: RawMessage, message: Fields, *, notice: bool = False, removed: bool = False
) -> Understood | Ignored:
    id_, person, room = message.id("id"), message.id("personId"), message.id("roomId")
    email = canonical(message.line("personEmail"))
    if not id_ or not person:
        return Ignored("a message of Webex without its id or person")
    if is_own(record, person, email):
        return Ignored("a message of our own bot")
    updated = instant(message, "updated")
    revision = LAST if removed else 0 if notice else revision_at(updated) if updated else _FETCHED
    parent = message.id("parentId", "messageId")
    direct = message.line("roomType") == "direct"
    html = message.text("html")
    text = message.text("text") or (html_to_text(html[:_HTML]) if html else "") or _inputs(message)
    return understood(
        record,
        NORMALIZER,
        Item(
            source_id=id_,
            author_kind="chat",
            author=person,
            author_name=message.line("personDisplayName") or email,
            text="" if removed else _STAND_IN if notice else text,
            ours=notice,
            html=html or None,
            sent_at=instant(message, "created"),
            thread=room if direct or not room else f"{room}:{parent or id_}",
            in_reply_to=[parent],
            reply_to=[Address(address=email)] if "@" in email and not email.endswith("@webex.bot") else [],
            media=[] if removed else [Remote(url, kind="file") for url in message.texts("files")[:50]],
            revision=revision,
            change="removed" if removed else "edited" if updated else "created",
            automation=BOT if email.endswith("@webex.bot") else HUMAN,
            warnings=["text:not_in_payload"] if notice else [],
            because="Webex: " + ("a notice" if notice else "a removal" if removed else "a message"),
        ),
    )


def _inputs(message: Fields) -> str:
    """What was filled into a card."""
    inputs = message.object("inputs")
    return "\n".join(f"{name}: {inputs.text(name)}" for name in list(inputs)[:100])
