"""The sending part of the window: what has been shown is sent, what has not goes by mail, or waits."""

from datetime import UTC, datetime

from bus.reply import Reply
from ingest.chat.settings import ChatSettings
from ingest.contract import Away, Refused
from ingest.live_replies import LiveReplies

GRACE = 2.0
"""Seconds in which a window that is open has shown a reply and said so."""


class WindowSender:
    """Sender (ingest.contract). It hands nothing over: every process shows what it reads (ingest.live_replies).

    A reply that is not shown at once is deferred; ticketing, which also hears of windows in other processes, asks again
    after `mail_after`, and is then told that it may take another way (docs/adr/0030).
    """

    idempotent = True

    def __init__(self, settings: ChatSettings, live: LiveReplies, *, grace: float = GRACE) -> None:
        self._settings = settings
        self._live = live
        self._grace = grace

    async def send(self, reply: Reply) -> str:
        """See Sender; the provider's id is the reply's own."""
        if not reply.provider_thread:
            raise Refused("the reply names no conversation")
        if await self._live.is_shown(reply, self._grace):
            return reply.reply_id
        waited = (datetime.now(UTC) - reply.created_at).total_seconds()
        if waited > self._settings.wait_for:
            raise Refused("the visitor has not come back")
        if reply.attempt == 1:
            raise Away("the visitor is away", after=max(1.0, self._settings.mail_after - self._grace))
        raise Away("the visitor is away", elsewhere=True)

    async def close(self) -> None:
        """Nothing is open."""
