"""An activity of the enterprise streams in Activity Streams format."""

import re

from bus.raw import RawMessage
from normalize.outcome import Ignored, Understood
from normalize.payload.fields import Fields
from normalize.payload.instants import instant
from normalize.payload.item import Item, understood
from normalize.payload.own import is_own
from normalize.payload.quoted import quoted
from normalize.x.media import media_links_v1, media_v1
from normalize.x.name import NORMALIZER
from normalize.x.posts_v1 import TRUNCATED
from normalize.x.text import readable, without_leading_mentions

_DIGITS_AT_END = re.compile(r"(\d{1,25})/?\Z")


def post_streams(record: RawMessage, activity: Fields) -> Understood | Ignored:
    """The message of an activity with the verb `post`."""
    verb = activity.line("verb")
    if verb != "post":
        return Ignored("a retweet" if verb == "share" else f"an activity of X, not a post: {quoted(verb)}")
    actor = activity.object("actor")
    author, username = _last_number(actor.line("id")), actor.line("preferredUsername")
    if is_own(record, author, username):
        return Ignored("a post of our own account")
    id_ = _last_number(activity.line("id"))
    if not id_:
        return Ignored("a post without an id")
    whole = activity.object("long_object")
    entities = [whole.object("twitter_entities"), activity.object("twitter_entities")]
    media_of = [
        whole.object("twitter_extended_entities"), activity.object("twitter_extended_entities"), *entities,
    ]  # fmt: skip
    text = whole.text("body") or activity.text("body")
    text = readable(text, entities, media_links_v1(*media_of))
    parent = _last_number(activity.object("inReplyTo").line("link", "id"))
    return understood(
        record,
        NORMALIZER,
        Item(
            source_id=id_,
            author_kind="x",
            author=author or (f"@{username.lower()}" if username else ""),
            author_name=actor.line("displayName", "preferredUsername"),
            text=text,
            reply=without_leading_mentions(text, is_reply=bool(parent)),
            sent_at=instant(activity, "postedTime"),
            public=True,
            thread="" if parent else id_,
            in_reply_to=[parent],
            references=[_last_number(activity.object("twitter_quoted_status").line("id"))],
            url=f"https://x.com/{username or 'i'}/status/{id_}",
            media=media_v1(*media_of),
            warnings=[TRUNCATED] if activity.flag("truncated") and not whole else [],
            because="an activity with the verb post",
        ),
    )


def _last_number(text: str) -> str:
    found = _DIGITS_AT_END.search(text)
    return found[1] if found else ""
