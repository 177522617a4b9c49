"""Direct messages, of three generations: v1.1 objects, v1.1 events (`message_create`), v2 events (`MessageCreate`)."""

import re
from collections.abc import Callable

from bus.raw import RawMessage
from normalize.outcome import Ignored, Understood
from normalize.payload.fields import Fields
from normalize.payload.instants import instant
from normalize.payload.item import Item, understood
from normalize.payload.own import is_own
from normalize.payload.quoted import quoted
from normalize.x.media import media_links_v1, media_links_v2, media_v1, media_v2
from normalize.x.name import NORMALIZER
from normalize.x.posts_v2 import user_v2
from normalize.x.text import readable

_OWN = Ignored("a direct message of our own account")
_TWO_PARTIES = re.compile(r"(\d{1,25})[-:](\d{1,25})")


def conversation(*parties: str) -> str:
    """The id of a conversation of two: the smaller user id, a hyphen, the greater, as API v2 writes it."""
    ordered = sorted((each for each in parties if each), key=lambda each: (len(each), each))
    return "-".join(ordered) if len(ordered) == 2 else ""


def dm_event_v1(
    record: RawMessage, event: Fields, user: Callable[[str], Fields], own_id: str = ""
) -> Understood | Ignored:
    """An entry of `direct_message_events`. `user`: the object of a user by id."""
    kind = event.line("type")
    if kind != "message_create":
        return Ignored(f"an event of a direct message, not a message: {quoted(kind)}")
    created = event.object("message_create")
    sender, recipient = created.id("sender_id"), created.object("target").id("recipient_id")
    who = user(sender)
    if (own_id and sender == own_id) or is_own(record, sender, who.line("screen_name", "username")):
        return _OWN
    id_ = event.id("id")
    if not id_ or not sender:
        return Ignored("a direct message without an id or a sender")
    data = created.object("message_data")
    attachment = data.object("attachment")
    media = Fields({"media": [attachment.raw("media")]})
    text = readable(data.text("text"), [data.object("entities")], media_links_v1(media))
    return understood(
        record,
        NORMALIZER,
        Item(
            source_id=id_,
            author_kind="x",
            author=sender,
            author_name=who.line("name", "screen_name", "username"),
            text=text,
            sent_at=instant(event, "created_timestamp"),
            thread=conversation(sender, recipient),
            media=media_v1(media),
            because="a message_create event",
        ),
    )


def dm_event_v2(record: RawMessage, event: Fields, includes: Fields) -> Understood | Ignored:
    """An entry of the answer to GET /2/dm_events."""
    kind = event.line("event_type")
    if kind != "MessageCreate":
        return Ignored(f"an event of a direct message, not a message: {quoted(kind)}")
    id_, sender = event.id("id"), event.id("sender_id")
    if not id_ or not sender:
        return Ignored("a direct message without an id or a sender: ask for sender_id")
    who = user_v2(includes, sender)
    if is_own(record, sender, who.line("username")):
        return _OWN
    entities = event.object("entities")
    return understood(
        record,
        NORMALIZER,
        Item(
            source_id=id_,
            author_kind="x",
            author=sender,
            author_name=who.line("name", "username"),
            text=readable(event.text("text"), [entities], media_links_v2(entities)),
            sent_at=instant(event, "created_at"),
            thread=_ordered(event.id("dm_conversation_id")),
            references=[each.id("id") for each in event.objects("referenced_tweets")][:20],
            media=media_v2(event.object("attachments").ids("media_keys")[:50], includes),
            because="a MessageCreate event",
        ),
    )


def dm_object_v1(record: RawMessage, dm: Fields) -> Understood | Ignored:
    """A direct message of the retired GET direct_messages."""
    sender = dm.id("sender_id_str", "sender_id") or dm.object("sender").id("id_str", "id")
    who = dm.object("sender")
    if is_own(record, sender, who.line("screen_name"), dm.line("sender_screen_name")):
        return _OWN
    id_ = dm.id("id_str", "id")
    if not id_ or not sender:
        return Ignored("a direct message without an id or a sender")
    entities = dm.object("entities")
    recipient = dm.id("recipient_id_str", "recipient_id") or dm.object("recipient").id("id_str", "id")
    return understood(
        record,
        NORMALIZER,
        Item(
            source_id=id_,
            author_kind="x",
            author=sender,
            author_name=who.line("name", "screen_name") or dm.line("sender_screen_name"),
            text=readable(dm.text("text"), [entities], media_links_v1(entities)),
            sent_at=instant(dm, "created_at"),
            thread=conversation(sender, recipient),
            media=media_v1(entities),
            because="a direct message of API v1.1",
        ),
    )


def encrypted_chat(record: RawMessage, event: Fields, own_id: str) -> Understood | Ignored:
    """A `chat.received` event of the X Activity API: only the two parties' devices can read it."""
    sender, id_ = event.id("sender_id"), event.id("id")
    if (own_id and sender == own_id) or is_own(record, sender):
        return _OWN
    if not id_ or not sender:
        return Ignored("an encrypted chat message without an id or a sender")
    return understood(
        record,
        NORMALIZER,
        Item(
            source_id=id_,
            author_kind="x",
            author=sender,
            text="An encrypted message on X, which can only be read there.",
            ours=True,
            sent_at=instant(event, "created_at_msec", "created_at"),
            thread=_ordered(event.id("conversation_id")),
            warnings=["text:encrypted"],
            because="chat.received",
        ),
    )


def _ordered(conversation_id: str) -> str:
    found = _TWO_PARTIES.fullmatch(conversation_id)
    return conversation(found[1], found[2]) if found else conversation_id
