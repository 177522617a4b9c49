"""An agent's answer that finds nobody in the chat goes by mail, once, if there is an address."""

from datetime import UTC, datetime, timedelta

import pytest

from bus.message import Address, Author, Identity, NormalizedMessage, Ref
from bus.progress import FencedProgress
from bus.record import Partition, Received
from bus.reply import Receipt, ReceiptState, Reply
from bus.settings import DeskSettings
from tests.ticketing.by_hand import DESK, Acts
from tests.ticketing.filing.conftest import Desk
from tests.ticketing.filing.said import START, TOKENS, said
from ticketing.acts.desk import Desk as Settings
from ticketing.clock import Clock
from ticketing.confirm import Confirming
from ticketing.policy import Policy
from ticketing.receipts import Receipts
from ticketing.tables import progress

pytestmark = pytest.mark.stack

ANN = "ann@x.example"
MAILED = Confirming(DeskSettings(reply_via={"chat": "support-mail"}), TOKENS)


def chatted(*, typed: str | None = ANN, session: str = "session-1") -> NormalizedMessage:
    """A visitor's line, with the address that was typed in the window."""
    also = [Identity(kind="email", address=typed)] if typed else []
    author = Author(kind="chat", address=session, name="Ann", verified=True, also=also)
    return said("c").model_copy(
        update={
            "channel": "chat",
            "account": "shop-chat",
            "author": author,
            "subject": None,
            "reply_to": [Address(address=typed)] if typed else [],
            "to": [],
            "refs": [Ref(kind="provider_thread", value=session)],
        }
    )


async def replies(desk: Desk) -> list[Reply]:
    """The agents' replies in the outbox, in order."""
    rows = await desk.rows("SELECT document FROM desk.outgoing ORDER BY id")
    found = [Reply.from_json(document) for (document,) in rows]
    return [reply for reply in found if reply.purpose == "reply"]


class Hearing:
    """Settles receipts of one reply."""

    def __init__(self, desk: Desk, confirming: Confirming = MAILED) -> None:
        self._progress = FencedProgress(desk.engine, progress, "deskstream.receipts", "cluster")
        self._settle = Receipts(desk.engine, self._progress, confirming, now=lambda: START + timedelta(hours=2))
        self._offset = 0

    async def hears(self, reply: Reply, state: ReceiptState, attempt: int, **more: object) -> None:
        if not self._offset:
            await self._progress.claim([Partition("replies.receipts", 0)])
        receipt = Receipt(
            reply_id=reply.reply_id,
            ticket_id=reply.ticket_id,
            account=reply.account,
            connector=reply.account,
            state=state,
            attempt=attempt,
            at=datetime.now(UTC),
            **more,
        )
        record = Received("replies.receipts", 0, self._offset, reply.reply_id, receipt.to_json(), 0)
        self._offset += 1
        await self._settle([record])


async def answered(desk: Desk, typed: str | None = ANN) -> Reply:
    await desk.file(chatted(typed=typed))
    settings = Settings(MAILED, Policy())
    await Acts(desk.engine, "act-1", "agent-1", START + timedelta(hours=1), settings).do("reply", 1, text="It is blue.")
    (reply,) = await replies(desk)
    assert (reply.channel, reply.account, reply.provider_thread) == ("chat", "shop-chat", "session-1")
    return reply


async def delivery(desk: Desk) -> tuple[str, str, int, str]:
    ((found),) = await desk.rows("SELECT channel, state, attempt, recipient FROM desk.replies WHERE purpose = 'reply'")
    return found


async def test_nobody_there_it_is_mailed_once_and_the_answer_to_the_mail_comes_back(desk: Desk) -> None:
    reply = await answered(desk)
    hearing = Hearing(desk)
    await hearing.hears(reply, "attempting", 1)
    await hearing.hears(reply, "deferred", 1, reason="the visitor is away", retry_after=28.0)
    ((due,),) = await desk.rows("SELECT next_attempt_at FROM desk.replies WHERE purpose = 'reply'")
    assert due == START + timedelta(hours=2, seconds=28)
    later = START + timedelta(hours=2, seconds=29)
    await Clock(desk.engine, now=lambda: later).tick(START)
    for _ in range(2):
        await hearing.hears(reply, "deferred", 2, reason="the visitor is away", elsewhere=True)
    chat, again, mail = await replies(desk)
    assert (chat.channel, chat.attempt, again.channel, again.attempt) == ("chat", 1, "chat", 2)
    assert (mail.reply_id, mail.channel, mail.account, mail.attempt) == (reply.reply_id, "email", "support-mail", 3)
    assert mail.recipient.address == ANN
    assert mail.text == "It is blue.\n\n-- \nSupport"
    assert mail.subject == "Re: [#1]"
    assert mail.reply_token is not None
    assert TOKENS.verify(mail.reply_token, ANN) == reply.ticket_id
    assert mail.provider_thread is None
    assert await delivery(desk) == ("email", "queued", 3, ANN)
    assert (await desk.history(1))[-3:] == ["delivery_updated"] * 3  # deferred, deferred, queued

    await hearing.hears(mail, "sent", 3)
    await desk.file(said("m", ANN, str(mail.message_id)))
    assert await desk.conversations() == [{"c", "m"}]


async def test_shown_in_time_it_is_not_mailed(desk: Desk) -> None:
    reply = await answered(desk)
    hearing = Hearing(desk)
    await hearing.hears(reply, "deferred", 1, retry_after=28.0)
    await hearing.hears(reply, "sent", 1, shown=True)
    await Clock(desk.engine, now=lambda: START + timedelta(hours=3)).tick(START)
    assert [each.attempt for each in await replies(desk)] == [1]
    # told late by the owner
    await hearing.hears(reply, "deferred", 2, elsewhere=True)
    assert [each.attempt for each in await replies(desk)] == [1]
    assert (await delivery(desk))[1] == "sent"


@pytest.mark.parametrize(("typed", "confirming"), [(None, MAILED), (ANN, DESK.confirming)])
async def test_without_an_address_or_a_connector_it_waits(
    desk: Desk, typed: str | None, confirming: Confirming
) -> None:
    reply = await answered(desk, typed=typed)
    hearing = Hearing(desk, confirming)
    await hearing.hears(reply, "deferred", 1, elsewhere=True)
    assert (await delivery(desk))[:2] == ("chat", "deferred")
    await desk.file(replace_text(chatted(), "d", "ann@x.example"))  # now he leaves it, and goes
    await Clock(desk.engine, now=lambda: START + timedelta(hours=3)).tick(START)
    await hearing.hears(reply, "deferred", 2, elsewhere=True)
    mailed = [each for each in await replies(desk) if each.channel == "email"]
    assert len(mailed) == (1 if confirming is MAILED else 0)


async def test_confirmations_are_not_mailed_to_a_typed_address(desk: Desk) -> None:
    await desk.file(chatted())
    rows = await desk.rows("SELECT document FROM desk.outgoing")
    (confirmation,) = [Reply.from_json(document) for (document,) in rows]
    assert confirmation.channel == "chat"
    await Hearing(desk).hears(confirmation, "deferred", 1, elsewhere=True)
    assert await desk.rows("SELECT count(*) FROM desk.outgoing") == [(1,)]


def replace_text(message: NormalizedMessage, name: str, text: str) -> NormalizedMessage:
    return message.model_copy(update={"message_id": f"id-{name}", "source_id": name, "text": text, "reply_text": text})
