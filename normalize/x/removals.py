"""A post that was deleted, as webhooks, streams and compliance events tell it."""

from bus.raw import RawMessage
from normalize.outcome import Ignored, Understood
from normalize.payload.fields import Fields
from normalize.payload.instants import instant
from normalize.payload.item import Item, understood
from normalize.payload.own import is_own
from normalize.payload.revision import LAST
from normalize.x.name import NORMALIZER


def removed_post(record: RawMessage, id_: str, author: str, about: Fields, own_id: str = "") -> Understood | Ignored:
    """The last revision of a post. Its text is not told, and empty. `about`: what may hold the time."""
    if not id_ or not author:
        return Ignored("the deletion of a post, without its id or author")
    if (own_id and author == own_id) or is_own(record, author):
        return Ignored("the deletion of a post of our own account")
    return understood(
        record,
        NORMALIZER,
        Item(
            source_id=id_,
            author_kind="x",
            author=author,
            sent_at=instant(about, "timestamp_ms", "event_at", "timestamp"),
            public=True,
            url=f"https://x.com/i/status/{id_}",
            revision=LAST,
            change="removed",
            because="a deletion",
        ),
    )
