"""Reading a page's feed: its posts of some days, each with the comments under it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias

import structlog

from ingest.facebook.graph import Graph
from ingest.providers.slices import slices
from normalize.payload.instants import from_text

log = structlog.get_logger()

_COMMENT = "id,message,created_time,from,parent{id},is_hidden,permalink_url,attachment"
_POST = (
    "id,message,story,created_time,from,to,permalink_url,is_hidden,attachments,full_picture,"
    f"comments.limit(100).order(reverse_chronological).filter(stream){{{_COMMENT}}}"
)
_PAGES = 20

Seen: TypeAlias = tuple[datetime, str, str]
"""When it was written, a digest of what may change, and the post it belongs to."""


@dataclass(frozen=True, slots=True)
class Found:
    """An item of an answer; of a post `within`: the comments that stand in its bytes, `beyond`: those that do not."""

    id: str
    at: datetime
    digest: str
    post: str
    data: bytes
    path: str
    within: Sequence["Found"] = ()
    beyond: Sequence["Found"] = ()

    @property
    def seen(self) -> Seen:
        """As it stands in the cursor."""
        return self.at, self.digest, self.post


class Feed:
    """The feed of one page."""

    def __init__(self, account: str, page_id: str, graph: Graph) -> None:
        self._account = account
        self._page_id = page_id
        self._graph = graph

    async def posts(self, since: datetime, oldest: datetime) -> Sequence[Found]:
        """Posts written after `since`, with all their comments that are younger than `oldest`. Raises Retryable and
        Refused.
        """
        found: list[Found] = []
        params = {"fields": _POST, "limit": "25", "since": str(int(since.timestamp()))}
        path = f"{self._page_id}/feed"
        for _ in range(_PAGES):
            answer = await self._graph.get(path, params)
            for value, data in slices(answer.body, "data"):
                post = _found(value, data, "", f"/{self._graph.version}/{path}")
                if post is not None:
                    within, beyond = await self._comments(post.id, value, data, oldest)
                    found.append(replace(post, within=within, beyond=beyond))
            following = _following(answer.json)
            if not following:
                return found
            params = params | {"after": following}
        log.warning("facebook.poll_cut", connector=self._account, posts=len(found))
        return found

    async def _comments(
        self, post: str, value: Mapping[str, Any], data: bytes, oldest: datetime
    ) -> tuple[Sequence[Found], Sequence[Found]]:
        """Newest first, until all that may be new are there: those within the post's bytes, and those beyond."""
        path = f"/{self._graph.version}/{post}/comments"
        listed = value.get("comments")
        within = _each(slices(data, "comments", "data"), post, path)
        following = _following(listed) if isinstance(listed, dict) else None
        beyond: list[Found] = []
        last = within
        for _ in range(_PAGES):
            if not following or (last and last[-1].at < oldest):
                return within, beyond
            answer = await self._graph.get(
                f"{post}/comments",
                {
                    "fields": _COMMENT,
                    "limit": "100",
                    "order": "reverse_chronological",
                    "filter": "stream",
                    "after": following,
                },
            )
            last = _each(slices(answer.body, "data"), post, path)
            beyond += last
            following = _following(answer.json)
        log.warning("facebook.poll_cut", connector=self._account, post=post, comments=len(beyond))
        return within, beyond


def _found(value: object, data: bytes, post: str, path: str) -> Found | None:
    if not isinstance(value, dict) or not isinstance(value.get("id"), str):
        return None
    at = from_text(str(value.get("created_time") or ""))
    if at is None:
        return None
    text = "\0".join(str(value.get(name)) for name in ("message", "story", "is_hidden"))
    return Found(value["id"], at, hashlib.sha256(text.encode()).hexdigest()[:12], post or value["id"], data, path)


def _each(items: Sequence[tuple[Any, bytes]], post: str, path: str) -> list[Found]:
    return [found for value, data in items if (found := _found(value, data, post, path)) is not None]


def _following(answer: Mapping[str, Any]) -> str | None:
    """The mark of the next page, if there is one."""
    paging = answer.get("paging")
    if not isinstance(paging, dict) or not paging.get("next"):
        return None
    cursors = paging.get("cursors")
    after = cursors.get("after") if isinstance(cursors, dict) else None
    return after if isinstance(after, str) else None
