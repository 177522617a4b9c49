"""Answers of the Graph API: the page's feed with comments, comments alone, conversations (v2.x to v23)."""

import re
from collections.abc import Iterator

from bus.raw import RawMessage
from normalize.facebook.messenger import conversation
from normalize.facebook.name import NORMALIZER
from normalize.outcome import Ignored, Understood
from normalize.payload.fields import Fields
from normalize.payload.instants import instant
from normalize.payload.item import Item, understood
from normalize.payload.media import Remote
from normalize.payload.own import is_own
from normalize.payload.revision import CREATED, revision_at

_MOST = 5_000
"""Posts and comments of one answer; a page has 100 of each at most, nested ones are few."""
_COMMENTS_OF = re.compile(r"/([\w.-]+)/comments(?:[/?]|\Z)")
_PAGE_IN_ID = re.compile(r"(\d+)_\d+\Z")
_FILES = {"photo": "image/jpeg", "sticker": "image/png", "animated_image_share": "image/gif"}


def is_item(fields: Fields) -> bool:
    """Posts and comments have an id and a time; people and pages have none."""
    return bool(fields.id("id")) and ("created_time" in fields or "message" in fields or "story" in fields)


def graph_items(record: RawMessage, items: list[Fields], path: str) -> Iterator[Understood | Ignored]:
    """The outcomes of an answer's items: each post, and the comments that stand in it, at any depth."""
    asked = _COMMENTS_OF.search(path)
    # an explicit stack: how deep comments are nested is up to the sender
    waiting = [(item, asked[1] if asked else "", "", frozenset[str]()) for item in reversed(items)]
    for _ in range(_MOST):
        if not waiting:
            return
        item, post, parent, pages = waiting.pop()
        if "messages" in item and not is_item(item):
            yield from _conversation(record, item)
            continue
        id_ = item.id("id")
        pages = pages or _pages(item)
        yield _post_or_comment(record, item, post, parent, pages)
        within = item.object("comments").objects("data")
        waiting += [(each, post or id_, id_, pages) for each in reversed(within)]
    yield Ignored(f"more than {_MOST} posts and comments in one answer; the rest is left to the next poll")


def removed_item(record: RawMessage, path: str) -> Understood | Ignored:
    """The last state of a post or comment that a poll has found to be gone: nothing of it is told but its id."""
    id_ = path.rpartition("/")[2]
    if not id_:
        return Ignored("the removal of a post, without its id")
    return understood(
        record,
        NORMALIZER,
        Item(
            source_id=id_,
            author_kind="facebook",
            author="",
            public=True,
            thread=record.headers.get(":thread", ""),
            revision=revision_at(record.received_at),
            change="removed",
            because="an answer of the Graph API that it is not there",
        ),
    )


def _pages(post: Fields) -> frozenset[str]:
    """The page on which a post stands, by all that may say so."""
    found = {each.id("id") for each in post.object("to").objects("data")}
    at_front = _PAGE_IN_ID.match(post.id("id"))
    author = post.object("from").id("id")
    if at_front:
        found.add(at_front[1])
    elif author and post.id("id").startswith(f"{author}_"):
        found.add(author)
    return frozenset(found)


def _post_or_comment(
    record: RawMessage, item: Fields, post: str, parent: str, pages: frozenset[str]
) -> Understood | Ignored:
    if not is_item(item):
        return Ignored("an item of the Graph API that is no post or comment")
    id_, author = item.id("id"), item.object("from")
    if author.id("id") in pages or is_own(record, author.id("id")):
        return Ignored("what our own page wrote")
    permalink = item.line("permalink_url")
    edited = record.headers.get(":change") == "edited"
    return understood(
        record,
        NORMALIZER,
        Item(
            source_id=id_,
            author_kind="facebook",
            author=author.id("id"),
            author_name=author.line("name"),
            text=item.text("message", "story"),
            sent_at=instant(item, "created_time"),
            public=not item.flag("is_hidden"),
            thread=post or id_,
            in_reply_to=[item.object("parent").id("id") or parent or post],
            url=permalink if permalink.startswith("https://") else f"https://www.facebook.com/{id_}",
            media=_media(item),
            revision=revision_at(record.received_at) if edited else CREATED,
            change="edited" if edited else "created",
            because="an item of the Graph API",
        ),
    )


def _media(item: Fields) -> list[Remote]:
    given = [*item.object("attachments").objects("data"), item.object("attachment")][:50]
    found = []
    for each in [inner for outer in given for inner in (outer.object("subattachments").objects("data") or [outer])]:
        media = each.object("media")
        film, picture = media.line("source"), media.object("image").line("src")
        if film:
            found.append(Remote(film, media_type="video/mp4", kind="video"))
        elif picture:
            found.append(Remote(picture, media_type=_FILES.get(each.line("type"), "image/jpeg"), kind="photo"))
    if not found and item.line("full_picture"):
        found.append(Remote(item.line("full_picture"), media_type="image/jpeg", kind="photo"))
    return found


def _conversation(record: RawMessage, talk: Fields) -> Iterator[Understood | Ignored]:
    """Messages of a conversation of Messenger (`/{page}/conversations?fields=messages{…}`)."""
    for message in talk.object("messages").objects("data")[:_MOST]:
        author = message.object("from").id("id")
        page = next((each.id("id") for each in message.object("to").objects("data")), "")
        if is_own(record, author):
            yield Ignored("a message of our own page")
        elif not message.id("id"):
            yield Ignored("a message of Messenger without an id")
        else:
            attached = message.object("attachments").objects("data")[:50]
            yield understood(
                record,
                NORMALIZER,
                Item(
                    source_id=message.id("id"),
                    author_kind="facebook",
                    author=author,
                    author_name=message.object("from").line("name"),
                    text=message.text("message"),
                    sent_at=instant(message, "created_time"),
                    thread=conversation(page, author),
                    media=[
                        Remote(url, each.line("name"), each.line("mime_type"), each.whole("size") or 0)
                        for each in attached
                        if (url := each.line("file_url") or each.object("image_data").line("url"))
                    ],
                    because="a message of a conversation",
                ),
            )
