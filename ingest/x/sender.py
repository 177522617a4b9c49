"""Answers as posts, in a thread when they are long, and as direct messages where one was answered."""

import contextlib
import re
from collections import OrderedDict
from collections.abc import Sequence
from decimal import Decimal

import requests
import tweepy

from bus.blobs import BlobStore
from bus.errors import Retryable
from bus.reply import Reply, ReplyAttachment
from ingest.contract import Refused, Uncertain
from ingest.providers.public import must_be_public
from ingest.x.budget import Budget
from ingest.x.client import Repeated, XClient
from ingest.x.settings import XSettings
from ingest.x.upload import Category, check, uploaded
from ingest.x.weight import LIMIT, has_link, thread
from normalize.payload.fields import Fields
from normalize.payload.json_body import read_json

_ID = re.compile(r"[0-9]{1,25}")
_PARTIES = re.compile(r"([0-9]{1,25})-([0-9]{1,25})")
_LONGEST_DIRECT = 10_000
_LONGEST_POST = 4 * LIMIT
_REMEMBERED = 100
_LINKS = re.compile(r"https?://\S+")


class XSender:
    """Sender (ingest.contract). `in_reply_to` of a reply is the post that is answered, `provider_thread` the
    conversation; a direct message's conversation has two numbers.
    """

    idempotent = False

    def __init__(self, settings: XSettings, budget: Budget, blobs: BlobStore) -> None:
        self._settings = settings
        self._budget = budget
        self._blobs = blobs
        self._client = XClient(settings)
        self._posted: OrderedDict[str, list[str]] = OrderedDict()

    async def send(self, reply: Reply) -> str:
        """See Sender; the provider's id is that of the first post."""
        parties = _PARTIES.fullmatch(reply.provider_thread or "")
        if parties:
            return await self._direct(reply, [parties[1], parties[2]])
        must_be_public(reply, "a post on X")
        target = reply.in_reply_to or reply.provider_thread or ""
        if not _ID.fullmatch(target):
            raise Refused("the reply names no post on X")
        if len(reply.text) > _LONGEST_POST * self._settings.max_thread:
            raise Refused(f"the reply is too long for {self._settings.max_thread} posts")
        posts = thread(reply.text)
        if not posts:
            raise Refused("the reply is empty")
        if len(posts) > self._settings.max_thread:
            raise Refused(f"the reply would be {len(posts)} posts; at most {self._settings.max_thread} are sent")
        check(reply.attachments, "tweet_image")
        return await self._thread(reply, target, posts)

    async def close(self) -> None:
        """Hang up."""
        await self._client.close()

    async def _thread(self, reply: Reply, target: str, posts: Sequence[str]) -> str:
        """What this process has posted of it already is not posted again."""
        done = self._posted.get(reply.reply_id, [])
        files = [] if done else reply.attachments  # the first post shows them
        await self._pay_for([*(self._price(text) for text in posts[len(done) :]), self._for_files(files)])
        media = await self._uploaded(files, "tweet_image")
        for text in posts[len(done) :]:
            try:
                done.append(await self._post(text, done[-1] if done else target, [] if done else media))
            except (Retryable, Refused, Uncertain) as error:
                if done:
                    raise Uncertain(f"{len(done)} of {len(posts)} posts are there; then: {error}") from error
                raise
            self._remember(reply.reply_id, done)
            with contextlib.suppress(Retryable):  # it counts all the same, and is stored with the next
                await self._budget.spend(self._price(text))
        return done[0]

    async def _post(self, text: str, target: str, media: Sequence[str]) -> str:
        def call(client: tweepy.Client) -> requests.Response:
            answer: requests.Response = client.create_tweet(
                text=text, in_reply_to_tweet_id=target, media_ids=list(media) or None, user_auth=True
            )
            return answer

        try:
            return await self._client.post(call)
        except Repeated:
            before = await self._posted_before(text, target)
            if before is None:
                raise Refused("X takes the same text only once; say it in other words") from None
            return before

    async def _posted_before(self, text: str, target: str) -> str | None:
        """The post in which an earlier attempt ended."""

        def call(client: tweepy.Client) -> requests.Response:
            answer: requests.Response = client.get_users_tweets(
                self._settings.user_id, max_results=20, tweet_fields=["referenced_tweets"], user_auth=True
            )
            return answer

        posts = Fields(read_json(await self._client.ask(call))).objects("data")
        with contextlib.suppress(Retryable):
            await self._budget.spend(self._settings.prices.post_read * len(posts))
        for post in posts:
            parents = [each.id("id") for each in post.objects("referenced_tweets") if each.line("type") == "replied_to"]
            if target in parents and _words(post.text("text")) == _words(text):
                return post.id("id")
        return None

    async def _direct(self, reply: Reply, parties: Sequence[str]) -> str:
        if len(reply.text) > _LONGEST_DIRECT:
            raise Refused(f"a direct message has at most {_LONGEST_DIRECT} characters; this has {len(reply.text)}")
        others = [each for each in parties if each != self._settings.user_id]
        if len(others) != 1:
            raise Refused("the conversation is not one of our account")
        check(reply.attachments, "dm_image")
        price = self._price(reply.text)
        await self._pay_for([price, self._for_files(reply.attachments)])
        media = await self._uploaded(reply.attachments, "dm_image")

        def call(client: tweepy.Client) -> requests.Response:
            answer: requests.Response = client.create_direct_message(
                participant_id=others[0], text=reply.text, media_id=media[0] if media else None, user_auth=True
            )
            return answer

        try:
            id_ = await self._client.post(call, name="dm_event_id")
        except Repeated as error:
            raise Refused(f"X takes the same text only once: {error}") from None
        with contextlib.suppress(Retryable):
            await self._budget.spend(price)
        return id_

    async def _uploaded(self, files: Sequence[ReplyAttachment], category: Category) -> list[str]:
        found = await uploaded(self._client, self._blobs, files, category)
        if found:
            with contextlib.suppress(Retryable):
                await self._budget.spend(self._for_files(files))
        return found

    def _for_files(self, files: Sequence[ReplyAttachment]) -> Decimal:
        return self._settings.prices.file_uploaded * len(files)

    async def _pay_for(self, prices: Sequence[Decimal]) -> None:
        """Raises Retryable when the month's money does not suffice for all of them."""
        await self._budget.load()
        price = sum(prices, Decimal(0))
        if price > self._budget.left:
            raise Retryable(
                f"the reply costs {price:.2f}, and {self._budget.left:.2f} are left this month", kind="quota"
            )

    def _price(self, text: str) -> Decimal:
        prices = self._settings.prices
        return prices.post_with_link if has_link(text) else prices.post_written

    def _remember(self, reply_id: str, done: list[str]) -> None:
        self._posted[reply_id] = done
        while len(self._posted) > _REMEMBERED:
            self._posted.popitem(last=False)


def _words(text: str) -> str:
    """X puts its own short links in place of ours, and the names of those it answers in front."""
    escaped = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return re.sub(r"^(?:@\w{1,15}\s+)+", "", " ".join(_LINKS.sub("", escaped).split()))
