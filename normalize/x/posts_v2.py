"""A post of API v2, of the filtered stream and of the X Activity API."""

from bus.raw import RawMessage
from normalize.outcome import Ignored, Understood
from normalize.payload.fields import Fields
from normalize.payload.instants import instant
from normalize.payload.item import Item, understood
from normalize.payload.own import is_own
from normalize.x.media import media_links_v2, media_v2
from normalize.x.name import NORMALIZER
from normalize.x.text import readable, without_leading_mentions


def user_v2(includes: Fields, id_: str) -> Fields:
    """A user of `includes.users` by id; the X Activity API wraps some of them in `data`."""
    for user in includes.objects("users"):
        bare = user.object("data") or user
        if bare.id("id") == id_:
            return bare
    return Fields()


def post_v2(record: RawMessage, post: Fields, includes: Fields, own_id: str = "") -> Understood | Ignored:
    """The message of a post. `own_id`: the account that the subscription is for."""
    id_, author = post.id("id"), post.id("author_id")
    if not id_ or not author:
        return Ignored("a post without author_id: the answer to a post of ours, or one that was asked without it")
    user = user_v2(includes, author)
    username = user.line("username")
    if (own_id and author == own_id) or is_own(record, author, username):
        return Ignored("a post of our own account")
    related = post.objects("referenced_tweets")
    if any(each.line("type") == "retweeted" for each in related):
        return Ignored("a retweet")
    versions = post.ids("edit_history_tweet_ids")[:50]
    versions = [*versions[: versions.index(id_)], id_] if id_ in versions else [*versions, id_]
    note = post.object("note_tweet")
    entities = [note.object("entities"), post.object("entities")]
    links = [link for each in entities for link in media_links_v2(each)]
    text = readable(note.text("text") or post.text("text"), entities, links)
    parents = [each.id("id") for each in related if each.line("type") == "replied_to"]
    parents = parents or [post.id("in_reply_to_tweet_id")]
    is_reply = bool(parents[0] or post.id("in_reply_to_user_id"))
    keys = post.object("attachments").ids("media_keys")[:50]
    return understood(
        record,
        NORMALIZER,
        Item(
            source_id=versions[0],
            author_kind="x",
            author=author,
            author_name=user.line("name", "username"),
            text=text,
            reply=without_leading_mentions(text, is_reply=is_reply),
            sent_at=instant(post, "created_at"),
            public=not user.flag("protected"),
            thread=post.id("conversation_id") or ("" if is_reply else versions[0]),
            in_reply_to=parents,
            references=[each.id("id") for each in related if each.line("type") == "quoted"],
            url=f"https://x.com/{username or 'i'}/status/{id_}",
            media=media_v2(keys, includes),
            revision=len(versions) - 1,
            change="edited" if len(versions) > 1 else "created",
            because="a post of API v2",
        ),
    )
