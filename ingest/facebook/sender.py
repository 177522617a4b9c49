"""Answers as comments of the page, and as messages where one was answered."""

import re
from collections.abc import Mapping
from typing import Any

from bus.blobs import BlobStore
from bus.errors import Invalid
from bus.reply import Reply
from ingest.contract import Refused, Uncertain
from ingest.facebook.graph import Graph, Repeated
from ingest.facebook.messenger import Messenger, parties
from ingest.facebook.settings import FacebookSettings
from ingest.providers.public import must_be_public
from normalize.payload.instants import from_text

_LONGEST = 8_000
_ID = re.compile(r"[0-9]{1,32}(?:_[0-9]{1,32}){0,2}")


class FacebookSender:
    """Sender (ingest.contract). `in_reply_to` of a reply is the comment that is answered, `provider_thread` the post;
    or, of a message, the conversation of page and person. What stands there already is not written again.
    """

    idempotent = False

    def __init__(self, settings: FacebookSettings, blobs: BlobStore) -> None:
        self._page = settings.page_id
        self._graph = Graph(settings)
        self._messenger = Messenger(self._graph, settings.page_id, human_agent=settings.human_agent)
        self._blobs = blobs

    async def send(self, reply: Reply) -> str:
        """See Sender; the provider's id is the comment's or message's."""
        if (both := parties(reply.provider_thread)) is not None:
            return await self._message(reply, *both)
        target = reply.in_reply_to or reply.provider_thread or ""
        if not _ID.fullmatch(target):
            raise Refused("the reply names no post or comment of the page")
        must_be_public(reply, "a comment on the page")
        if len(reply.text) > _LONGEST:
            raise Refused(f"a comment has at most {_LONGEST} characters; this has {len(reply.text)}")
        picture = await self._picture(reply)
        before = await self._written_before(target, reply)
        if before:
            return before
        try:
            id_ = await self._graph.comment(target, reply.text, picture)
        except Repeated:
            return await self._written_before(target, reply) or f"repeated:{target}"
        if not id_:
            raise Uncertain("Facebook's answer does not say whether it has taken the comment")
        return id_

    async def close(self) -> None:
        """Hang up."""
        await self._graph.close()

    async def _message(self, reply: Reply, page: str, person: str) -> str:
        self._messenger.check(reply, page)
        for each in await self._messenger.earlier(person):
            if self._is_this(each, reply):
                return str(each.get("id"))
        return await self._messenger.send(reply, person)

    async def _written_before(self, target: str, reply: Reply) -> str | None:
        """The comment in which an earlier attempt ended, if it did."""
        answer = await self._graph.get(
            f"{target}/comments",
            {
                "fields": "id,from,message,created_time",
                "order": "reverse_chronological",
                "filter": "stream",
                "limit": "50",
            },
        )
        listed = answer.json.get("data")
        for each in listed if isinstance(listed, list) else []:
            if isinstance(each, dict) and self._is_this(each, reply):
                return str(each.get("id"))
        return None

    def _is_this(self, comment: Mapping[str, Any], reply: Reply) -> bool:
        author, at = comment.get("from"), from_text(str(comment.get("created_time") or ""))
        return (
            isinstance(author, dict)
            and str(author.get("id")) == self._page
            and at is not None
            and at >= reply.created_at.replace(microsecond=0)
            and " ".join(str(comment.get("message") or "").split()) == " ".join(reply.text.split())
        )

    async def _picture(self, reply: Reply) -> tuple[str, bytes, str] | None:
        if not reply.attachments:
            return None
        (first, *others) = reply.attachments
        if others or not first.media_type.startswith("image/"):
            raise Refused("a comment on Facebook takes one picture and no other file")
        try:
            return first.name, await self._blobs.get(first.blob), first.media_type
        except Invalid as error:
            raise Refused(str(error)) from error
