"""What no webhook told: posts and comments of the last days, by the Graph API."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel

from bus.errors import Retryable
from bus.raw import RawMessage
from ingest.contract import Page, Refused
from ingest.facebook.feed import Feed, Found, Seen
from ingest.facebook.graph import Graph
from ingest.facebook.settings import FacebookSettings
from ingest.facebook.token import TokenWatch
from ingest.providers.record import polled_record

_MOST_SEEN = 4_000
_ASKED_PER_LOOK = 5


class FacebookCursor(BaseModel):
    """What was written before `since` is known. `seen`: what was written later, by id: when, a digest of what may
    change, and the post it belongs to.
    """

    since: datetime
    seen: dict[str, Seen] = {}


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
        self._feed = Feed(account, settings.page_id, self._graph)
        self._token = token
        self._now = now

    async def fetch(self, after: FacebookCursor | None) -> Page[FacebookCursor]:
        """See Poller."""
        await self._token.look()
        now = self._now()
        if after is None:
            return Page([], FacebookCursor(since=now.replace(microsecond=0)))  # Facebook's times are whole seconds
        window = now - timedelta(days=self._settings.look_back_days)
        try:
            posts = await self._feed.posts(window, max(after.since, window))
            gone = [(id_, body) for id_ in _missing(after, posts, window) if (body := await self._graph.gone(id_))]
        except Refused as error:
            raise Retryable(f"{error}: is page_id the page of this token?", kind="contract", after=300.0) from error
        finally:
            await self._graph.close()
        messages: list[RawMessage] = []
        seen = dict(after.seen)
        for post in posts:
            messages += self._news(post, after, seen)
        for id_, body in gone:
            thread, path = seen.pop(id_)[2], f"/{self._graph.version}/{id_}"
            messages.append(self._record(Found(id_, now, "", thread, body, path), "removed"))
        return Page(messages, _pruned(after.since, seen, window))

    def rewound(self, after: FacebookCursor | None, since: datetime) -> FacebookCursor:  # noqa: ARG002  # all is looked at
        """See Rewindable; not further than `look_back_days`."""
        return FacebookCursor(since=since.replace(microsecond=0))

    async def confirm(self, page: Page[FacebookCursor]) -> None:
        """Nothing is marked on a page."""

    def _news(self, post: Found, after: FacebookCursor, seen: dict[str, Seen]) -> Iterator[RawMessage]:
        """A new post with all that stands in it; of a known one what is new or has changed."""
        is_new = post.id not in after.seen and post.at >= after.since
        if is_new:
            seen |= {each.id: each.seen for each in (post, *post.within)}
            yield self._record(post, "created")
        for each in reversed(post.beyond if is_new else (*post.beyond, *post.within, post)):
            known = after.seen.get(each.id)
            if known is None and each.at < after.since:
                continue
            if known is None or known[1] != each.digest:
                seen[each.id] = each.seen
                yield self._record(each, "edited" if known else "created")

    def _record(self, found: Found, change: str) -> RawMessage:
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


def _missing(after: FacebookCursor, posts: Sequence[Found], window: datetime) -> Sequence[str]:
    """What stood there and is not listed any more: comments of the posts that are, and posts that should be."""
    listed = {each.id for post in posts for each in (post, *post.within, *post.beyond)}
    there = {post.id for post in posts}
    young = window + timedelta(hours=1)
    return [
        id_
        for id_, (at, _, post) in after.seen.items()
        if id_ not in listed and (post in there or (id_ == post and at > young))
    ][:_ASKED_PER_LOOK]


def _pruned(since: datetime, seen: Mapping[str, Seen], oldest: datetime) -> FacebookCursor:
    """Without what is older than any look goes; what is dropped is known by its time."""
    kept = sorted(((each, id_) for id_, each in seen.items() if each[0] >= oldest), reverse=True)
    for (at, _, _), _ in kept[_MOST_SEEN:][:1]:
        since = max(since, at + timedelta(seconds=1))
    return FacebookCursor(since=max(since, oldest), seen={id_: each for each, id_ in kept[:_MOST_SEEN]})
