"""Forged requests that name one victim: three mails at most, and nothing in them that was sent."""

import email
import email.policy
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

import pytest

from bus.message import Author, Channel, Identity, NormalizedMessage
from bus.reply import Reply
from bus.settings import DeskSettings
from ingest.mail_message import compose
from tests.ticketing.confirm.memory import Confirmed
from tests.ticketing.filing.conftest import Desk, database, desk
from tests.ticketing.filing.said import TOKENS, record, said
from ticketing.brakes import BrakesKnown
from ticketing.confirm import Confirming, Opening, Suppressed
from ticketing.confirmations import confirmations

__all__ = ["database", "desk"]

VICTIM = "vera.victim@target.example"
SPELLINGS = (VICTIM, "Vera.Victim@target.example", "vera.victim+shop@target.example", "VERA.VICTIM+a@target.example")
SETTINGS = DeskSettings(reply_via={"web_form": "support", "website": "support", "phone": "support"})
CONFIRMING = Confirming(SETTINGS, TOKENS)
_LETTERS = "abcdefghijklmnopqrstuvwxyz àéüñ日本語<>&$#[]0123456789"


def _words(rng: random.Random, length: int) -> str:
    return "".join(rng.choices(_LETTERS, k=length))


def forged(seed: int) -> Iterator[NormalizedMessage]:
    """Mails, forms, chats and calls without end, each with a text of the sender's choosing."""
    rng = random.Random(seed)
    n = 0
    while True:
        channel: Channel = rng.choice(["email", "email", "web_form", "website", "chat", "phone"])
        address, name = rng.choice(SPELLINGS), _words(rng, 30)
        typed = [Identity(kind="email", address=address)]
        author = {
            "chat": Author(kind="chat", address=f"visitor{n}", name=name, also=typed),
            "phone": Author(kind="phone", address=f"+3120{n:07}", name=name, verified=True, also=typed),
        }.get(channel, Author(kind="email", address=address, name=name))
        text = f"BUY NOW {_words(rng, 200)} https://evil.example/{n}"
        message = said(f"f{seed}-{n}", address, subject=f"URGENT {_words(rng, 40)}", text=text, at=n / 1000, raw=n)
        yield message.model_copy(
            update={"channel": channel, "author": author, "reply_text": text, "origin": f"203.0.{n % 200}.0/24"}
        )
        n += 1


def shown(reply: Reply) -> str:
    """Everything of the mail that a person can be shown: every decoded header but addresses and ids, every part."""
    mail = email.message_from_bytes(compose(reply, "support@desk.example").content, policy=email.policy.default)
    skipped = {"to", "from", "reply-to", "message-id", "in-reply-to", "references", "x-deskstream-loop"}
    heads = [str(value) for name, value in mail.items() if name.lower() not in skipped]
    heads += [str(mail[name].addresses[0].display_name) for name in ("to", "from")]
    return "\n".join([*heads, *(str(part.get_content()) for part in mail.walk() if not part.is_multipart())])


def assert_harmless(replies: Sequence[Reply], sent: Sequence[NormalizedMessage]) -> None:
    to_victim = [reply for reply in replies if reply.channel == "email"]
    assert 1 <= len(to_victim) <= 3
    texts = [shown(reply) for reply in to_victim]
    for message in sent:
        for words in (message.subject or "", str(message.text), message.author.name or ""):
            for at in range(len(words) - 11):
                assert not any(words[at : at + 12] in text for text in texts)


def opening(n: int, message: NormalizedMessage, now: datetime) -> Opening:
    return Opening(
        ticket_id=f"{n:032x}",
        number=n,
        channel=message.channel,
        account=message.account,
        author=message.author,
        language="en",
        source_id=message.source_id,
        automation="human",
        now=now,
        received_at=now,
        subject=message.subject,
        words=str(n),
        origin=message.origin,
    )


@pytest.mark.parametrize("count", [5_000, pytest.param(100_000, marks=pytest.mark.long)])
def test_requests_without_end_give_three_mails_and_others_go_on(count: int) -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    mails: list[Reply] = []
    reasons: Counter[str] = Counter()
    confirm = confirmations(CONFIRMING, BrakesKnown(), now)
    others = 0
    for n, message in enumerate(islice(forged(1), count), 1):
        found = confirm(opening(n, message, now))
        if isinstance(found, Suppressed):
            reasons[found.reason] += 1
        elif found.channel == "email":
            mails.append(found)
        if n % 1000 == 0:
            assert confirm.brakes.open_until is not None
            other = said(f"o{n}", f"customer{n}@x.example")
            assert isinstance(confirm(replace(opening(n + 500_000, other, now), words=f"o{n}")), Reply)
            others += 1
    assert len(mails) <= 3
    assert others == count // 1000
    assert reasons["breaker"] > reasons["capped"] > 0


def test_batch_by_batch_none_of_what_was_sent_is_in_them() -> None:
    sim = Confirmed(CONFIRMING)
    messages = list(islice(forged(2), 600))
    replies = [
        reply for start in range(0, 600, 50) for reply in sim.file([record(m, 0) for m in messages[start : start + 50]])
    ]
    assert_harmless(replies, messages)
    assert {"capped", "breaker"} <= set(sim.reasons)
    [reply] = sim.file([record(said("other", "otto@x.example"))])
    assert reply.recipient.address == "otto@x.example"


async def attack(desk: Desk, count: int, batch: int) -> None:
    desk.filing = replace(desk.filing, confirming=CONFIRMING)
    sent = []
    for start in range(0, count, batch):
        messages = list(islice(forged(start + 3), batch))
        sent += messages[:5]
        await desk.file(*messages)
    await desk.file(said("other", "otto@x.example"))
    rows = await desk.rows("SELECT document FROM desk.replies WHERE purpose = 'confirmation'")
    replies = [Reply.from_json(document) for (document,) in rows]
    assert_harmless([r for r in replies if r.recipient.address != "otto@x.example"], sent)
    assert any(r.recipient.address == "otto@x.example" for r in replies)
    assert "open until" in (desk.filing.alarm.note() or "")
    unsettled = await desk.rows(
        "SELECT t.number FROM desk.tickets t WHERE 1 <> (SELECT count(*) FROM desk.ticket_events e "
        "WHERE e.ticket_id = t.id AND e.type IN ('ticket.confirmed', 'ticket.confirmation_suppressed'))"
    )
    assert unsettled == []


@pytest.mark.stack
async def test_on_the_real_tables_too(desk: Desk) -> None:
    await attack(desk, 400, 50)


@pytest.mark.long
@pytest.mark.stack
async def test_a_hundred_thousand_on_the_real_tables(desk: Desk) -> None:
    await attack(desk, 100_000, 500)
