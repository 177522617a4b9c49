"""A Discourse post → its message."""

from datetime import datetime
from typing import Literal, TypeAlias

from bus.message import Automation
from bus.raw import RawMessage
from normalize.forum.media import media_of
from normalize.forum.name import NORMALIZER
from normalize.forum.text import text_of, without_quotes
from normalize.outcome import Ignored, Understood
from normalize.payload.fields import Fields
from normalize.payload.instants import instant
from normalize.payload.item import HUMAN, Item, understood
from normalize.payload.own import is_own
from normalize.payload.revision import CREATED, revision_at

Change: TypeAlias = Literal["created", "edited", "removed"]

_STAFF = Automation(kind="system", reason="author:staff")
_DISCOURSE = Automation(kind="system", reason="author:forum")
_REGULAR = 1
_KINDS = {2: "a moderator's action", 3: "a small action", 4: "a whisper among staff"}


def forum_post(record: RawMessage, post: Fields, event: str, instance: str, topic: Fields) -> Understood | Ignored:
    """The message of a post. `event`: `post_created` …, empty when it was polled. `topic`: what the answer says of its
    topic, if it does."""
    id_, user, username = post.id("id"), post.id("user_id"), post.line("username")
    if not id_:
        return Ignored("a post without an id")
    kind = post.number("post_type")
    if kind not in (None, _REGULAR):
        return Ignored(f"not a post that somebody wrote: {_KINDS.get(int(kind or 0), 'of another type')}")
    if is_own(record, user, username) or post.flag("yours"):
        return Ignored("a post of our own account")
    change, revision = _change(record, post, event)
    raw, cooked = post.text("raw"), post.text("cooked")
    text = text_of(raw, cooked)
    number = post.id("post_number")
    topic_id = post.id("topic_id") or topic.id("id")
    private = "private_message" in (post.line("topic_archetype"), topic.line("archetype"))
    return understood(
        record,
        NORMALIZER,
        Item(
            source_id=id_,
            author_kind="forum",
            author=user or username.lower(),
            author_name=post.line("name", "display_username", "username"),
            text=text,
            reply=without_quotes(text),
            html=cooked or None,
            subject=post.line("topic_title") or topic.line("title"),
            sent_at=instant(post, "created_at"),
            public=not private and not post.flag("hidden"),
            thread=topic_id,
            url=_url(instance, post.line("topic_slug") or topic.line("slug"), topic_id, number),
            media=media_of(raw, cooked, instance),
            revision=revision,
            change=change,
            automation=_author_of(post, user),
            because=event or "a post of the REST API",
        ),
    )


def _author_of(post: Fields, user: str) -> Automation:
    if user.startswith("-"):  # Discourse's own accounts: system, discobot
        return _DISCOURSE
    return _STAFF if post.flag("staff") or post.flag("admin") or post.flag("moderator") else HUMAN


def _change(record: RawMessage, post: Fields, event: str) -> tuple[Change, int]:
    """What happened to it, and the number of that. Discourse tells when a post was edited, not when it was deleted or
    brought back: that is the time at which we heard of it."""
    created, updated, deleted = (instant(post, name) for name in ("created_at", "updated_at", "deleted_at"))
    if event == "post_created":
        return "created", CREATED
    if event == "post_destroyed" or deleted is not None or post.flag("user_deleted"):
        return "removed", revision_at(deleted or _later(updated, record.received_at))
    if event == "post_recovered":
        return "edited", revision_at(_later(updated, record.received_at))
    version = post.number("version") or 1
    edited = event == "post_edited" or (version > 1 and updated is not None and updated != created)
    return ("edited", revision_at(updated)) if edited else ("created", CREATED)


def _later(one: datetime | None, other: datetime) -> datetime:
    return max(one, other) if one is not None else other


def _url(instance: str, slug: str, topic: str, number: str) -> str:
    if not instance.startswith(("https://", "http://")) or not topic:
        return ""
    return f"{instance.rstrip('/')}/t/{slug or '-'}/{topic}" + (f"/{number}" if number else "")
