"""Mentions, by the API, as far as the money goes."""

from collections.abc import Callable
from datetime import UTC, datetime

import requests
import tweepy
from pydantic import BaseModel

from ingest.contract import Page
from ingest.providers.files import Files
from ingest.providers.peek import peek
from ingest.providers.record import polled_record
from ingest.x import pace
from ingest.x.budget import Budget
from ingest.x.calls import CallAlarm
from ingest.x.client import XClient
from ingest.x.media import media_in
from ingest.x.settings import XSettings
from normalize.payload.fields import Fields

_POST_FIELDS = [
    "id", "text", "author_id", "conversation_id", "created_at", "edit_history_tweet_ids", "entities",
    "in_reply_to_user_id", "lang", "note_tweet", "referenced_tweets", "attachments",
]  # fmt: skip
_USER_FIELDS = ["id", "name", "username", "protected"]
_MEDIA_FIELDS = ["media_key", "type", "url", "preview_image_url", "variants", "alt_text"]
_EXPANSIONS = ["author_id", "attachments.media_keys"]


class XCursor(BaseModel):
    """Posts up to `since_id` (before there is one: up to `began`) are known. A list is read newest first: while there
    are older ones to read they are those below `until_id`, and `newest_id` becomes `since_id` once they are.
    """

    began: datetime
    since_id: str | None = None
    until_id: str | None = None
    newest_id: str | None = None


class XPoller:
    """Poller (ingest.contract): a page for each look. The first look asks for nothing and costs nothing."""

    def __init__(
        self,
        account: str,
        settings: XSettings,
        budget: Budget,
        files: Files | None,
        alarm: CallAlarm | None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._account = account
        self._settings = settings
        self._budget = budget
        self._files = files
        self._alarm = alarm
        self._client = XClient(settings)
        self._now = now

    def pace(self) -> float:
        """Seconds until the next look."""
        settings = self._settings
        return pace.every(self._budget.for_reading, self._now(), normal=settings.poll_every, slowest=settings.slowest)

    async def fetch(self, after: XCursor | None) -> Page[XCursor]:
        """See Poller."""
        now = self._now()
        await self._budget.load()
        if self._alarm is not None:
            await self._alarm.look()
        if after is None:
            return Page([], XCursor(began=now))
        body = await self._page(after, self._affordable(now))
        answer = Fields(peek(body))
        posts, users = answer.objects("data"), answer.object("includes").objects("users")
        prices = self._settings.prices
        await self._budget.spend(prices.request + prices.post_read * len(posts) + prices.user_read * len(users))
        messages = []
        if posts:
            files = await self._files.fetch(media_in(peek(body))) if self._files else {}
            messages.append(
                polled_record(
                    "x",
                    self._account,
                    body,
                    received_at=self._now(),
                    path=f"/2/users/{self._settings.user_id}/mentions",
                    thread="mentions",
                    own_addresses=self._settings.own,
                    files=files,
                )
            )
        return Page(messages, _next(after, answer.object("meta")))

    def rewound(self, after: XCursor | None, since: datetime) -> XCursor:  # noqa: ARG002  # ids say nothing of times
        """See Rewindable. It costs what reading costs, within the budget; X goes back over 800 mentions at most."""
        return XCursor(began=since)

    async def confirm(self, page: Page[XCursor]) -> None:
        """Nothing is marked on X."""

    def _affordable(self, now: datetime) -> int:
        """Posts that this look may bring. Raises Retryable when the money is used up."""
        prices, purse = self._settings.prices, self._budget.for_reading
        number = pace.posts_affordable(
            purse.left,
            most=self._settings.page,
            per_post=prices.post_read + prices.user_read,
            per_request=prices.request,
        )
        if number == 0:
            begins = pace.next_month(now)
            wait = min((begins - now).total_seconds(), self._settings.slowest)
            raise pace.used_up(purse, begins, wait)
        return number

    async def _page(self, after: XCursor, number: int) -> bytes:
        def ask(client: tweepy.Client) -> requests.Response:
            answer: requests.Response = client.get_users_mentions(
                self._settings.user_id,
                max_results=number,
                since_id=after.since_id,
                start_time=None if after.since_id else after.began,
                until_id=after.until_id,
                tweet_fields=_POST_FIELDS,
                user_fields=_USER_FIELDS,
                media_fields=_MEDIA_FIELDS,
                expansions=_EXPANSIONS,
                user_auth=True,
            )
            return answer

        return await self._client.ask(ask)


def _next(after: XCursor, meta: Fields) -> XCursor:
    newest = max((each for each in (after.newest_id, meta.id("newest_id")) if each), key=int, default=None)
    oldest = meta.id("oldest_id")
    if meta.id("next_token") and oldest:
        return after.model_copy(update={"until_id": oldest, "newest_id": newest})
    return XCursor(began=after.began, since_id=newest or after.since_id)
