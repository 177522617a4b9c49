"""Gathers what agents are to be told, and sends it in groups. It runs beside the relay, in one process."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bus.failpoints import failpoint
from bus.reply import Reply
from bus.settings import DeskSettings, NotificationSettings
from ticketing.identities import mailbox_of
from ticketing.notifications import store
from ticketing.notifications.letter import letter
from ticketing.notifications.store import Notice
from ticketing.outbox import Told, append
from ticketing.people.store import transaction
from ticketing.receipts import now_utc
from ticketing.rows import insert_rows
from ticketing.tables import replies
from ticketing.tokens import ReplyTokens

log = structlog.get_logger()

SENT = Counter("deskstream_notifications_total", "Mails to agents", ["outcome"])
_EVENTS_AT_ONCE = 2_000


@dataclass(slots=True)
class Notifier:
    """`via`: the connector that sends; None: nothing is sent. `own`: the desk's own mailboxes, never written to.
    `tokens`: what seals the mails' Message-IDs."""

    engine: AsyncEngine
    settings: NotificationSettings
    desk: DeskSettings
    tokens: ReplyTokens
    via: str | None
    own: frozenset[str] = frozenset()
    pause: float = 2.0
    now: Callable[[], datetime] = now_utc

    async def run(self) -> None:
        """Gather and send until cancelled. Raises Retryable."""
        while True:
            if await self.gather() < _EVENTS_AT_ONCE:
                await self.send()
                await asyncio.sleep(self.pause)

    async def gather(self) -> int:
        """Keep what the next events tell; how many events there were."""
        async with transaction(self.engine) as connection:
            count = await store.gather(connection, self.now(), _EVENTS_AT_ONCE)
            failpoint("notify.before_commit")
        return count

    async def send(self) -> int:
        """Hand out one mail to each agent who has waited long enough; how many."""
        now = self.now()
        async with transaction(self.engine) as connection:
            before, last = now - self.settings.wait, now - self.settings.every
            waiting = await store.waiting(connection, before=before, last=last)
            if not waiting:
                return 0
            mails: list[Reply] = []
            settled: list[tuple[int, str | None, str | None]] = []
            for _, notices in groupby(waiting, key=lambda notice: notice.agent_id):
                of_one = list(notices)
                why = self._refused(of_one[0])
                mail = None if why or self.via is None else letter(of_one, self.desk, self.tokens, self.via, now)
                mails += [mail] if mail else []
                settled += ((notice.id, mail.reply_id if mail else None, why) for notice in of_one)
                SENT.labels(why or "sent").inc()
            await store.settle(connection, settled, now)
            await _hand_out(connection, mails, now)
            failpoint("notify.before_commit")
        if mails:
            log.info("notifications.sent", mails=len(mails))
        return len(mails)

    def _refused(self, notice: Notice) -> str | None:
        """Why this agent gets no mail."""
        if self.via is None:
            return "no_connector"
        if notice.email is None or notice.disabled_at is not None:
            return "no_address"
        if mailbox_of("email", notice.email) in self.own:
            # a mail of ours to ourselves would come in as a customer's
            log.warning("notifications.own_address", agent=notice.agent_id)
            return "own_address"
        return None


async def _hand_out(connection: AsyncConnection, mails: Sequence[Reply], now: datetime) -> None:
    await insert_rows(
        connection,
        replies,
        [
            {
                "id": mail.reply_id,
                "ticket_id": mail.ticket_id,
                "purpose": mail.purpose,
                "channel": mail.channel,
                "account": mail.account,
                "recipient": mail.recipient.address,
                "mailbox": mailbox_of("email", mail.recipient.address),
                # its Message-ID is not kept among the ticket's: what answers it is no part of the conversation
                "state": "queued",
                "attempt": mail.attempt,
                "document": mail.to_json().decode(),
                "created_at": now,
                "state_at": now,
            }
            for mail in mails
        ],
    )
    await append(connection, replies=[Told(mail) for mail in mails])
