"""An agent's answer to a mail server that takes nothing for days: tried again with back-off, and its writer is told.

Time is simulated; everything else is what runs: the act, the receipts, the clock, what agents are told.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from bus.progress import FencedProgress
from bus.record import Partition, Received
from bus.reply import Receipt, ReceiptState, Reply
from bus.settings import DeskSettings, NotificationSettings
from tests.ticketing.by_hand import DESK, Acts
from tests.ticketing.filing.conftest import Desk, database, desk
from tests.ticketing.filing.said import CONFIRMING, START, said
from ticketing.clock import Clock
from ticketing.delivery import MAX_ATTEMPTS
from ticketing.notifications.notifier import Notifier
from ticketing.people import directory
from ticketing.people.models import NewAgent
from ticketing.people.store import transaction
from ticketing.receipts import Receipts
from ticketing.tables import progress

__all__ = ["database", "desk"]
pytestmark = pytest.mark.stack

HERE = Partition("replies.receipts", 0)
MINUTES = timedelta(minutes=1)


@dataclass
class Days:
    """A desk while days go by. `now`: what every part of it takes for the present."""

    desk: Desk
    receipts: Receipts
    now: datetime = START
    offset: int = 0

    async def attempts(self, purpose: str) -> list[Reply]:
        """What was handed to the connector so far."""
        rows = await self.desk.rows("SELECT document FROM desk.outgoing ORDER BY id")
        return [reply for (document,) in rows if (reply := Reply.from_json(document)).purpose == purpose]

    async def connector_says(self, reply: Reply, *states: ReceiptState) -> None:
        """The connector reports on an attempt."""
        said: list[Received] = []
        for state in states:
            receipt = Receipt(
                reply_id=reply.reply_id,
                ticket_id=reply.ticket_id,
                account=reply.account,
                connector=reply.account,
                state=state,
                attempt=reply.attempt,
                at=self.now,
                reason="451 come again later" if state == "deferred" else None,
            )
            said.append(Received(*HERE, self.offset, reply.reply_id, receipt.to_json(), 0))
            self.offset += 1
        await replace(self.receipts, now=lambda: self.now)(said)

    async def passes(self, time: timedelta) -> None:
        """So much time, in which the clock does what falls due, and agents are told."""
        self.now += time
        await Clock(self.desk.engine, now=lambda: self.now).tick(START)
        settings = NotificationSettings(wait=timedelta(), every=timedelta())
        notifier = Notifier(
            self.desk.engine, settings, DeskSettings(), CONFIRMING.tokens, "support-mail", now=lambda: self.now
        )
        await notifier.gather()
        await notifier.send()

    async def delivery(self) -> tuple[str, int]:
        """State and attempt of the answer."""
        [row] = await self.desk.rows("SELECT state, attempt FROM desk.replies WHERE purpose = 'reply'")
        return row[0], row[1]

    async def told(self) -> Sequence[str]:
        """What its writer was told of it, a mail each."""
        return [mail.text for mail in await self.attempts("notification")]


@pytest.fixture
async def days(desk: Desk) -> Days:
    """Bea has answered Ann, whose server takes nothing."""
    await desk.rows_changed("INSERT INTO desk.notified (last_event_id) VALUES (0)")
    fenced = FencedProgress(desk.engine, progress, "deskstream.receipts", "cluster")
    await fenced.claim([HERE])
    async with transaction(desk.engine) as connection:
        bea = await directory.add_agent(connection, NewAgent(name="Bea", email="bea@desk.example"), START)
    await desk.file(said("a"))
    await Acts(desk.engine, "k1", bea.id, START, DESK).do("reply", 1, text="It is on its way.")
    await desk.rows_changed("UPDATE desk.replies SET state = 'sent' WHERE purpose = 'confirmation'")
    return Days(desk, Receipts(desk.engine, fenced, CONFIRMING))


async def test_it_is_tried_for_days_and_sent_when_the_server_is_there_again(days: Days) -> None:
    [first] = await days.attempts("reply")
    waited: list[timedelta] = []
    for attempt in range(1, 20):
        reply = (await days.attempts("reply"))[-1]
        assert (reply.attempt, reply.reply_id, reply.message_id) == (attempt, first.reply_id, first.message_id)
        await days.connector_says(reply, "attempting", "deferred")
        began = days.now
        while await days.delivery() == ("deferred", attempt):
            await days.passes(max(MINUTES, (days.now - began) / 4))
        assert await days.delivery() == ("queued", attempt + 1)
        waited.append(days.now - began)
    assert waited[0] <= timedelta(minutes=2)
    assert all(one <= other * 1.3 for one, other in itertools.pairwise(waited))
    assert timedelta(days=2) < days.now - START < timedelta(days=5)
    # once, when it had been deferred three times, not each time
    [told] = await days.told()
    assert "#1 Broken" in told
    assert "your reply has not arrived" in told
    await days.connector_says((await days.attempts("reply"))[-1], "attempting", "sent")
    await days.passes(timedelta(days=1))
    assert await days.delivery() == ("sent", 20)
    assert len(await days.attempts("reply")) == 20
    assert len(await days.told()) == 1
    history = await days.desk.history(1)
    assert history.count("delivery_updated") == 19 + 19 + 1


async def test_after_four_days_it_is_given_up_and_its_writer_told_that_too(days: Days) -> None:
    while (await days.delivery())[0] != "failed":
        await days.connector_says((await days.attempts("reply"))[-1], "attempting", "deferred")
        await days.passes(timedelta(hours=4))
    assert await days.delivery() == ("failed", MAX_ATTEMPTS)
    assert days.now - START > timedelta(days=4)
    await days.passes(MINUTES)
    assert len(await days.told()) == 2
    await days.passes(timedelta(days=3))
    assert len(await days.attempts("reply")) == MAX_ATTEMPTS
    assert len(await days.told()) == 2
