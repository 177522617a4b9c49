"""What no webhook told: new posts, edits and removals among the latest, by the REST API (`/posts.json`)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from bus.raw import RawMessage
from ingest.contract import Page
from ingest.forum.discourse import discourse
from ingest.forum.settings import ForumSettings
from ingest.forum.watched import is_watched
from ingest.providers.http import Answer, failed
from ingest.providers.record import polled_record
from ingest.providers.slices import slices
from normalize.payload.instants import from_text

_REMEMBERED = 300
_WINDOW = 50
"""How many ids a page of Discourse spans at most; older versions give the posts among 50 ids, which may be none."""
_GONE_PER_LOOK = 5
_EMPTY_PAGES = 20
"""Pages without anything for the desk that are passed over at once."""

Post = Mapping[str, Any]


class ForumCursor(BaseModel):
    """All posts up to the id `newest` are known. A page is read newest first: while there are older ones to read,
    `before` is the id to go on from, and `reached` the id that is `newest` once they are.

    `seen`: the latest posts that were watched, by id, with the time of their last change. `again_since`: older posts
    than these are known, whatever their ids.
    """

    newest: int
    before: int | None = None
    reached: int = 0
    seen: dict[int, str] = {}
    again_since: datetime | None = None


class ForumPoller:
    """Poller (ingest.contract): a page for each look. The first look takes nothing: the forum's past is no request."""

    def __init__(
        self, account: str, settings: ForumSettings, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._account = account
        self._settings = settings
        self._http = discourse(settings)
        self._now = now

    async def fetch(self, after: ForumCursor | None) -> Page[ForumCursor]:
        """See Poller."""
        page = await self._look(after)
        for _ in range(_EMPTY_PAGES):
            if page.messages or page.cursor.before is None:
                break
            page = await self._look(page.cursor)
        return page

    async def _look(self, after: ForumCursor | None) -> Page[ForumCursor]:
        path = "/posts.json" if after is None or after.before is None else f"/posts.json?before={after.before}"
        answer = await self._ask(path)
        posts = [
            (post, data)
            for post, data in slices(answer.body, "latest_posts")
            if isinstance(post, dict) and isinstance(post.get("id"), int)
        ]
        watched = [(post, data) for post, data in posts if is_watched(post, self._settings)]
        if after is None:
            newest = max((post["id"] for post, _ in posts), default=0)
            return Page([], ForumCursor(newest=newest, seen=_seen({}, [post for post, _ in watched])))
        changed = [
            (post, data)
            for post, data in watched
            if not _is_older(post, after.again_since)
            and (
                (post["id"] in after.seen and after.seen[post["id"]] != _changed_at(post))
                or (post["id"] not in after.seen and post["id"] > after.newest)
            )
        ]
        messages = [self._record(data, path, post.get("topic_id")) for post, data in reversed(changed)]
        seen = _seen(after.seen, [post for post, _ in watched])
        if after.before is None:
            for gone in _missing(after.seen, [post for post, _ in posts])[:_GONE_PER_LOOK]:
                messages += await self._removed(gone)
                seen.pop(gone, None)
        all_older = bool(posts) and all(_is_older(post, after.again_since) for post, _ in posts)
        return Page(messages, _next(after, [post["id"] for post, _ in posts], seen, enough=all_older))

    def rewound(self, after: ForumCursor | None, since: datetime) -> ForumCursor:
        """See Rewindable."""
        return ForumCursor(newest=0, reached=after.newest if after else 0, again_since=since)

    async def confirm(self, page: Page[ForumCursor]) -> None:
        """Nothing is marked in a forum."""

    async def _removed(self, id_: int) -> Sequence[RawMessage]:
        """The post as those see it who may see removed ones."""
        path = f"/posts/{id_}.json"
        try:
            answer = await self._http.ask("GET", path)
        finally:
            await self._http.close()
        if answer.status != 200 or not answer.json.get("deleted_at"):
            return []
        return [self._record(answer.body, path, answer.json.get("topic_id"))]

    async def _ask(self, path: str) -> Answer:
        try:
            answer = await self._http.ask("GET", path)
        finally:
            await self._http.close()
        if answer.status != 200:
            raise failed(answer, "the forum's latest posts")
        return answer

    def _record(self, data: bytes, path: str, topic: object) -> RawMessage:
        return polled_record(
            "forum",
            self._account,
            data,
            received_at=self._now(),
            path=path,
            known={"x-discourse-instance": self._settings.url},
            thread=str(topic or ""),
            own_addresses=[self._settings.api_username],
        )


def _changed_at(post: Post) -> str:
    return str(post.get("updated_at") or post.get("created_at") or "")


def _seen(before: Mapping[int, str], posts: Sequence[Post]) -> dict[int, str]:
    """The latest of them, by id."""
    every = dict(before) | {post["id"]: _changed_at(post) for post in posts}
    return dict(sorted(every.items(), reverse=True)[:_REMEMBERED])


def _missing(seen: Mapping[int, str], posts: Sequence[Post]) -> list[int]:
    """What stood among these the last time, and does no more."""
    here = {post["id"] for post in posts}
    if not here:
        return []
    return [id_ for id_ in seen if min(here) <= id_ <= max(here) and id_ not in here]


def _is_older(post: Post, than: datetime | None) -> bool:
    at = from_text(str(post.get("created_at") or ""))
    return than is not None and at is not None and at < than


def _next(after: ForumCursor, ids: Sequence[int], seen: dict[int, str], *, enough: bool) -> ForumCursor:
    reached = max([after.reached, after.newest, *ids])
    oldest = min(ids, default=(after.before or reached + 1) - _WINDOW + 1)
    if enough or oldest <= after.newest + 1 or (not ids and after.before is None):
        return ForumCursor(newest=reached, seen=seen)
    return after.model_copy(update={"before": oldest - 1, "reached": reached, "seen": seen})
