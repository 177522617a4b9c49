"""A status of API v1.1, of the Account Activity API and of the enterprise streams ("native" format)."""

from bus.raw import RawMessage
from normalize.outcome import Ignored, Understood
from normalize.payload.fields import Fields
from normalize.payload.instants import instant
from normalize.payload.item import Item, understood
from normalize.payload.media import Remote
from normalize.payload.own import is_own
from normalize.x.media import media_links_v1, media_v1
from normalize.x.name import NORMALIZER
from normalize.x.text import readable, without_leading_mentions

TRUNCATED = "text:truncated"


def is_post_v1(fields: Fields) -> bool:
    """A status has a text and, unlike all other objects of X, a user beside it."""
    return bool(fields.text("full_text", "text") or "extended_tweet" in fields) and "user" in fields


def post_v1(record: RawMessage, post: Fields, own_id: str = "") -> Understood | Ignored:
    """The message of a status. `own_id`: the account that the webhook is for."""
    user = post.object("user")
    author, screen_name = user.id("id_str", "id"), user.line("screen_name")
    if (own_id and author == own_id) or is_own(record, author, screen_name):
        return Ignored("a post of our own account")
    if "retweeted_status" in post:
        return Ignored("a retweet")
    id_ = post.id("id_str", "id")
    if not id_:
        return Ignored("a post without an id")
    versions = _versions(post, id_)
    full = post.object("extended_tweet")
    note = post.object("note_tweet")
    long = note.text("text") or note.object("note_tweet_results").object("result").text("text")
    text = long or full.text("full_text") or post.text("full_text", "text")
    entities = [note.object("entities", "entity_set"), full.object("entities"), post.object("entities")]
    text = readable(text, entities, media_links_v1(*_media_entities(post)))
    parent = post.id("in_reply_to_status_id_str", "in_reply_to_status_id")
    is_reply = bool(parent or post.id("in_reply_to_user_id_str", "in_reply_to_user_id"))
    quoted = post.id("quoted_status_id_str", "quoted_status_id")
    cut = post.flag("truncated") and not long and not full.text("full_text")
    return understood(
        record,
        NORMALIZER,
        Item(
            source_id=versions[0],
            author_kind="x",
            author=author or (f"@{screen_name.lower()}" if screen_name else ""),
            author_name=user.line("name", "screen_name"),
            text=text,
            reply=without_leading_mentions(text, is_reply=is_reply),
            sent_at=instant(post, "created_at", "timestamp_ms"),
            public=not user.flag("protected"),
            thread=post.id("conversation_id_str", "conversation_id") or ("" if parent else versions[0]),
            in_reply_to=[parent],
            references=[quoted],
            url=f"https://x.com/{screen_name or 'i'}/status/{id_}",
            media=media_of_v1(post),
            revision=versions.index(id_),
            change="edited" if id_ != versions[0] else "created",
            warnings=[TRUNCATED] if cut else [],
            because="a status of API v1.1",
        ),
    )


def media_of_v1(post: Fields) -> list[Remote]:
    """The pictures and films of a status."""
    return media_v1(*_media_entities(post))


def _media_entities(post: Fields) -> list[Fields]:
    full = post.object("extended_tweet")
    return [
        full.object("extended_entities"), post.object("extended_entities"), full.object("entities"),
        post.object("entities"),
    ]  # fmt: skip


def _versions(post: Fields, id_: str) -> list[str]:
    """The ids of a post's versions, oldest first, up to this one."""
    history = post.object("edit_history")
    found = history.ids("edit_tweet_ids") or post.ids("edit_history_tweet_ids")
    first = history.id("initial_tweet_id")
    versions = list(dict.fromkeys([*([first] if first else []), *found[:50]]))
    return [*versions[: versions.index(id_)], id_] if id_ in versions else [*versions, id_]
