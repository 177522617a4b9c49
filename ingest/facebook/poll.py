"""What no webhook told: posts and comments of the last days, by the Graph API."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from pydantic import BaseModel

from bus.errors import Retryable
from bus.raw import RawMessage
from ingest.contract import Page, Refused
from ingest.facebook.graph import Graph
from ingest.facebook.settings import FacebookSettings
from ingest.facebook.token import TokenWatch
from ingest.providers.record import polled_record
from ingest.providers.slices import slices
from normalize.payload.instants import from_text

log = structlog.get_logger()

_COMMENT = "id,message,created_time,from,parent{id},is_hidden,permalink_url,attachment"
_POST = (
    "id,message,story,created_time,from,to,permalink_url,is_hidden,attachments,full_picture,"
    f"comments.limit(100).order(reverse_chronological).filter(stream){{{_COMMENT}}}"
)
_PAGES = 20
_MOST_SEEN = 4_000


class FacebookCursor(BaseModel):
    """What was written before `since` is known. `seen`: what was written later, by id: when, and a digest of what may
    change.
    """

    since: datetime
    seen: dict[str, tuple[datetime, str]] = {}


@dataclass(frozen=True, slots=True)
class _Found:
    """An item of an answer; of a post `within`: the comments that stand in its bytes, `beyond`: those that do not."""

    id: str
    at: datetime
    digest: str
    post: str
    data: bytes
    path: str
    within: Sequence["_Found"] = ()
    beyond: Sequence["_Found"] = ()


class FacebookPoller:
    """Poller (ingest.contract). The first look takes nothing: the page's past is no request."""

    def __init__(
        self,
        account: str,
        settings: FacebookSettings,
        token: TokenWatch,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._account = account
        self._settings = settings
        self._graph = Graph(settings)
        self._token = token
        self._now = now

    async def fetch(self, after: FacebookCursor | None) -> Page[FacebookCursor]:
        """See Poller."""
        await self._token.look()
        now = self._now()
        if after is None:
            return Page([], FacebookCursor(since=now.replace(microsecond=0)))  # Facebook's times are whole seconds
        oldest = max(after.since, now - timedelta(days=self._settings.look_back_days))
        try:
            posts = await self._posts(now - timedelta(days=self._settings.look_back_days), oldest)
        except Refused as error:
            raise Retryable(f"{error}: is page_id the page of this token?", kind="contract", after=300.0) from error
        finally:
            await self._graph.close()
        messages: list[RawMessage] = []
        seen = dict(after.seen)
        for post in posts:
            messages += self._news(post, after, seen)
        return Page(messages, _pruned(after.since, seen, now - timedelta(days=self._settings.look_back_days)))

    async def confirm(self, page: Page[FacebookCursor]) -> None:
        """Nothing is marked on a page."""

    def _news(self, post: _Found, after: FacebookCursor, seen: dict[str, tuple[datetime, str]]) -> Iterator[RawMessage]:
        """A new post with all that stands in it; of a known one what is new or has changed."""
        is_new = post.id not in after.seen and post.at >= after.since
        if is_new:
            seen |= {each.id: (each.at, each.digest) for each in (post, *post.within)}
            yield self._record(post, "created")
        for each in reversed(post.beyond if is_new else (*post.beyond, *post.within, post)):
            known = after.seen.get(each.id)
            if known is None and each.at < after.since:
                continue
            if known is None or known[1] != each.digest:
                seen[each.id] = (each.at, each.digest)
                yield self._record(each, "edited" if known else "created")

    async def _posts(self, since: datetime, oldest: datetime) -> Sequence[_Found]:
        found: list[_Found] = []
        params = {"fields": _POST, "limit": "25", "since": str(int(since.timestamp()))}
        path = f"{self._settings.page_id}/feed"
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
    ) -> tuple[Sequence[_Found], Sequence[_Found]]:
        """Newest first, until all that may be new are there: those within the post's bytes, and those beyond."""
        path = f"/{self._graph.version}/{post}/comments"
        listed = value.get("comments")
        within = _each(slices(data, "comments", "data"), post, path)
        following = _following(listed) if isinstance(listed, dict) else None
        beyond: list[_Found] = []
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

    def _record(self, found: _Found, change: str) -> RawMessage:
        return polled_record(
            "facebook",
            self._account,
            found.data,
            received_at=self._now(),
            path=found.path,
            known={":change": change},
            thread=found.post,
            own_addresses=[self._settings.page_id],
        )


def _found(value: object, data: bytes, post: str, path: str) -> _Found | None:
    if not isinstance(value, dict) or not isinstance(value.get("id"), str):
        return None
    at = from_text(str(value.get("created_time") or ""))
    if at is None:
        return None
    text = "\0".join(str(value.get(name)) for name in ("message", "story", "is_hidden"))
    return _Found(value["id"], at, hashlib.sha256(text.encode()).hexdigest()[:12], post or value["id"], data, path)


def _each(items: Sequence[tuple[Any, bytes]], post: str, path: str) -> list[_Found]:
    return [found for value, data in items if (found := _found(value, data, post, path)) is not None]


def _following(answer: Mapping[str, Any]) -> str | None:
    """The mark of the next page, if there is one."""
    paging = answer.get("paging")
    if not isinstance(paging, dict) or not paging.get("next"):
        return None
    cursors = paging.get("cursors")
    after = cursors.get("after") if isinstance(cursors, dict) else None
    return after if isinstance(after, str) else None


def _pruned(since: datetime, seen: Mapping[str, tuple[datetime, str]], oldest: datetime) -> FacebookCursor:
    """Without what is older than any look goes; what is dropped is known by its time."""
    kept = sorted(((at, id_, digest) for id_, (at, digest) in seen.items() if at >= oldest), reverse=True)
    dropped = kept[_MOST_SEEN:]
    if dropped:
        since = max(since, dropped[0][0] + timedelta(seconds=1))
    return FacebookCursor(since=max(since, oldest), seen={id_: (at, digest) for at, id_, digest in kept[:_MOST_SEEN]})
