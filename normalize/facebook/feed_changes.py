"""Changes of a page's feed, as its webhook tells them (Graph API, Webhooks, Page, field `feed`)."""

from typing import Literal

from bus.raw import RawMessage
from normalize.facebook.name import NORMALIZER
from normalize.outcome import Ignored, Understood
from normalize.payload.fields import Fields
from normalize.payload.instants import instant
from normalize.payload.item import Item, understood
from normalize.payload.media import Remote
from normalize.payload.own import is_own
from normalize.payload.quoted import quoted
from normalize.payload.revision import CREATED, revision_at

_WRITTEN = {"comment", "post", "status", "photo", "video", "share", "link", "note", "album", "rating", "mention"}
_CHANGES: dict[str, Literal["created", "edited", "removed"]] = {
    "add": "created",
    "edit": "edited", "edited": "edited", "update": "edited", "hide": "edited", "unhide": "edited",
    "remove": "removed", "delete": "removed",
    "undelete": "edited",
}  # fmt: skip
_FIELDS = {"feed", "mention", "ratings"}


def feed_change(record: RawMessage, entry: Fields, change: Fields) -> Understood | Ignored:
    """The post or comment of one entry of `changes`; likes, reactions and what the page did itself are ignored."""
    field, value = change.line("field"), change.object("value")
    item, verb = value.line("item") or ("rating" if field == "ratings" else ""), value.line("verb")
    if field not in _FIELDS or item not in _WRITTEN:
        return Ignored(f"a change of the page that is no post: {quoted(field)} {quoted(item)} {quoted(verb)}".rstrip())
    kind = _CHANGES.get(verb)
    if kind is None:
        return Ignored(f"a change of a post that does not alter it: {item} {quoted(verb)}".rstrip())
    author = value.object("from").id("id") or value.id("sender_id", "reviewer_id")
    page = entry.id("id")
    if author and (author == page or is_own(record, author)):
        return Ignored("what our own page wrote")
    id_ = _id(item, value)
    if not id_:
        return Ignored(f"a change of a post without its id: {item} {verb}")
    post = value.id("post_id")
    text = value.text("message", "review_text", "story", "title")
    when = instant(entry, "time") or instant(value, "created_time")
    is_comment = item == "comment"
    return understood(
        record,
        NORMALIZER,
        Item(
            source_id=id_,
            author_kind="facebook",
            author=author,
            author_name=value.object("from").line("name") or value.line("sender_name", "reviewer_name"),
            text=text or ("" if kind == "removed" else value.line("link")),
            sent_at=instant(value, "created_time"),
            public=verb != "hide" and value.raw("published") not in (0, "0"),
            thread=post or id_,
            in_reply_to=[value.id("parent_id")] if is_comment else [],
            url=_url(value, id_, is_comment=is_comment),
            media=[] if kind == "removed" else _media(item, value),
            revision=CREATED if kind == "created" else revision_at(when),
            change=kind,
            because=f"changes[].value: {item} {verb}",
        ),
    )


def _id(item: str, value: Fields) -> str:
    if item == "comment":
        return value.id("comment_id")
    return value.id("post_id", "open_graph_story_id", "photo_id", "video_id", "share_id", "album_id")


def _url(value: Fields, id_: str, *, is_comment: bool) -> str:
    given = value.line("permalink_url") or ("" if is_comment else value.object("post").line("permalink_url"))
    return given if given.startswith("https://") else f"https://www.facebook.com/{id_}"


def _media(item: str, value: Fields) -> list[Remote]:
    found = [Remote(url, media_type="image/jpeg", kind="photo") for url in value.texts("photos")[:50]]
    if value.line("photo"):  # of a comment
        found.append(Remote(value.line("photo"), media_type="image/jpeg", kind="photo"))
    if value.line("video"):
        found.append(Remote(value.line("video"), media_type="video/mp4", kind="video"))
    if value.line("link") and item in {"photo", "video"}:
        media_type = "image/jpeg" if item == "photo" else "video/mp4"
        found.append(Remote(value.line("link"), media_type=media_type, kind=item))
    return found
