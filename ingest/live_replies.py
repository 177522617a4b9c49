"""Replies as they are shown live: a conversation may be open in any process, so each reads the whole topic itself.

Nothing here is a state that another process needs. What stands on the topic is remembered by conversation, within
bounds, and read again at a start; who listens to a conversation is told at once. Whoever has shown a reply says `sent`
on `replies.receipts`; the owner of the partition (ingest.sending) knows of it only where both are one process, and
otherwise leaves it to ticketing, which reads all receipts (docs/adr/0030).
"""

import asyncio
import contextlib
import time
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from bus.reply import Reply

_CONVERSATIONS = 50_000
_OF_EACH = 200
_CHARACTERS = 64 * 1024 * 1024


@dataclass(slots=True)
class Kept:
    """A reply that is remembered. `partition`: of its topic; `seen_at`: when this process read it."""

    reply: Reply
    partition: int
    seen_at: float
    told: bool = False


class ReplyTopic(Protocol):
    """The replies of one channel, and where one says that they were shown. Both raise Retryable."""

    def follow(self) -> AsyncIterator[tuple[Reply, int] | None]:
        """All that stand there and all that come, each with its partition; None when all that stood there was given.

        Begun again it goes on.
        """
        ...

    async def shown(self, connector: str, kept: Kept) -> None:
        """Put its receipt where it belongs; returns once Kafka has it."""
        ...


class Listening:
    """One who listens. `more` is set whenever there is something new, and when this process stops listening."""

    def __init__(self) -> None:
        self.more = asyncio.Event()
        self.over = False


class LiveReplies:
    """Of one connector in one process, by conversation (`provider_thread`). `caught_up`: Kafka answers (again)."""

    def __init__(
        self,
        account: str = "",
        topic: ReplyTopic | None = None,
        *,
        caught_up: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
        conversations: int = _CONVERSATIONS,
        of_each: int = _OF_EACH,
        characters: int = _CHARACTERS,
    ) -> None:
        self._account = account
        self._topic = topic
        self._caught_up = caught_up
        self._clock = clock
        self._most = (conversations, of_each, characters)
        self._kept: OrderedDict[str, OrderedDict[str, Kept]] = OrderedDict()
        self._characters = 0
        self._listening: defaultdict[str, set[Listening]] = defaultdict(set)
        self._waiting: dict[str, asyncio.Future[None]] = {}

    async def run(self) -> None:
        """Read until cancelled; then nobody listens any more. Raises Retryable."""
        try:
            if self._topic is None:
                await asyncio.get_running_loop().create_future()
            else:
                async for found in self._topic.follow():
                    if found is None:
                        self._caught_up()
                    else:
                        self.add(*found)
        finally:
            for listening in [each for some in self._listening.values() for each in some]:
                listening.over = True
                listening.more.set()

    def add(self, reply: Reply, partition: int = 0) -> None:
        """Remember it and wake who listens; a later attempt of the same changes nothing."""
        conversation = reply.provider_thread
        if not conversation or reply.account != self._account:
            return
        known = self._kept.setdefault(conversation, OrderedDict())
        self._kept.move_to_end(conversation)
        if reply.reply_id in known:
            return
        known[reply.reply_id] = Kept(reply.model_copy(update={"html": None}), partition, self._clock())
        self._characters += len(reply.text)
        self._forget(known)
        for listening in self._listening.get(conversation, ()):
            listening.more.set()

    def after(self, conversation: str, have: Collection[str]) -> Sequence[Reply]:
        """What is remembered of it besides these, in order."""
        return [kept.reply for id_, kept in self._kept.get(conversation, {}).items() if id_ not in have]

    @contextlib.contextmanager
    def listening(self, conversation: str) -> Iterator[Listening]:
        """Be woken while inside."""
        listening = Listening()
        self._listening[conversation].add(listening)
        try:
            yield listening
        finally:
            self._listening[conversation].discard(listening)
            if not self._listening[conversation]:
                del self._listening[conversation]

    async def shown(self, conversation: str, ids: Collection[str]) -> list[str]:
        """The customer has them: say so, once, and return those that are said, or that are none of this conversation.

        Raises Retryable when Kafka is away.
        """
        known: Mapping[str, Kept] = self._kept.get(conversation, {})
        for id_ in ids:
            kept = known.get(id_)
            if kept is None or kept.told:
                continue
            # also where its owner is here and waits: he may die before he has said it, and nobody would say it again
            if self._topic is not None:
                await self._topic.shown(self._account, kept)
            kept.told = True
            if (waiting := self._waiting.get(id_)) is not None and not waiting.done():
                waiting.set_result(None)
        return list(ids)

    async def is_shown(self, reply: Reply, within: float) -> bool:
        """Whether the customer has it, or has it so many seconds after this process read it."""
        known: Mapping[str, Kept] = self._kept.get(reply.provider_thread or "", {})
        kept = known.get(reply.reply_id)
        if kept is not None and kept.told:
            return True
        left = within if kept is None else within - (self._clock() - kept.seen_at)
        if left <= 0:
            return False
        waiting = self._waiting[reply.reply_id] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(left):
                await waiting
        except TimeoutError:
            return False
        finally:
            del self._waiting[reply.reply_id]
        return True

    def _forget(self, known: OrderedDict[str, Kept]) -> None:
        conversations, of_each, characters = self._most
        while len(known) > of_each:
            self._drop(known)
        while len(self._kept) > conversations or (self._characters > characters and len(self._kept) > 1):
            oldest = next(iter(self._kept))
            while self._kept[oldest]:
                self._drop(self._kept[oldest])
            del self._kept[oldest]

    def _drop(self, known: OrderedDict[str, Kept]) -> None:
        _, kept = known.popitem(last=False)
        self._characters -= len(kept.reply.text)
