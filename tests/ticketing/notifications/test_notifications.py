"""What agents are told by mail: once, in groups, in their language, and never in a loop."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bus.errors import ConfigError
from bus.message import NormalizedMessage
from bus.reply import Reply
from bus.settings import DeskSettings, NotificationSettings, Settings
from ingest.mail_message import compose
from tests.ticketing.by_hand import DESK, Acts
from tests.ticketing.clocks.stories import LEVELS
from tests.ticketing.filing.conftest import Desk, database
from tests.ticketing.filing.conftest import desk as plain_desk
from tests.ticketing.filing.said import CONFIRMING, START, said
from ticketing.notifications.letter import letter
from ticketing.notifications.notifier import Notifier
from ticketing.notifications.store import Notice
from ticketing.notifications.via import notifying_via
from ticketing.people import directory
from ticketing.people.models import AgentEdit, NewAgent, NewTeam
from ticketing.people.store import transaction
from ticketing.ticket_clock import TicketClock

__all__ = ["database", "plain_desk"]
pytestmark = pytest.mark.stack
ANN = "ann@x.example"


class Told:
    """A desk whose agents are told."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.seen: set[str] = set()

    def notifier(self, hours: float, *, via: str | None = "support-mail", own: Sequence[str] = ()) -> Notifier:
        """At a time, in hours after the start."""
        settings = NotificationSettings(wait=timedelta(minutes=1), every=timedelta(minutes=10))
        now = START + timedelta(hours=hours)
        return Notifier(
            self.desk.engine, settings, DeskSettings(), CONFIRMING.tokens, via, frozenset(own), now=lambda: now
        )

    async def file(self, *messages: NormalizedMessage) -> None:
        """File these when they come."""
        now = max(message.received_at or START for message in messages)
        self.desk.filing = replace(self.desk.filing, clock=lambda: now)
        await self.desk.file(*messages)

    async def gathered(self, hours: float) -> None:
        """Look at what has happened."""
        while await self.notifier(hours).gather():
            pass

    async def sent(self, hours: float, **more: Any) -> list[Reply]:  # noqa: ANN401  # as `notifier` takes it
        """Send; the mails."""
        await self.notifier(hours, **more).send()
        rows = await self.desk.rows("SELECT document FROM desk.outgoing ORDER BY id")
        mails = [mail for (document,) in rows if (mail := Reply.from_json(document)).purpose == "notification"]
        fresh = [mail for mail in mails if mail.reply_id not in self.seen]
        self.seen |= {mail.reply_id for mail in fresh}
        return fresh

    async def agent(self, name: str, **more: object) -> str:
        given = {"name": name, "email": f"{name.lower()}@desk.example", **more}
        async with transaction(self.desk.engine) as connection:
            return (await directory.add_agent(connection, NewAgent.model_validate(given), START)).id

    async def team(self, name: str, *members: str) -> str:
        async with transaction(self.desk.engine) as connection:
            return (await directory.add_team(connection, NewTeam(name=name, members=frozenset(members)), START)).id

    def acts(self, key: str, hours: float, agent: str = "boss") -> Acts:
        return Acts(self.desk.engine, key, agent, START + timedelta(hours=hours), replace(DESK, levels=LEVELS))


@pytest.fixture
async def told(plain_desk: Desk) -> Told:
    """With service levels, and nothing told yet."""
    plain_desk.filing = replace(plain_desk.filing, levels=LEVELS)
    await plain_desk.rows_changed("INSERT INTO desk.notified (last_event_id) VALUES (0)")
    return Told(plain_desk)


async def test_an_assignment_and_an_answer_go_out_in_one_mail_after_a_while(told: Told) -> None:
    bea = await told.agent("Bea")
    await told.file(said("a", ANN, subject="Broken\r\npump"), said("b", "bob@y.example"))
    await told.acts("k1", 1).do("assign", 1, owner=bea)
    await told.acts("k2", 1).do("assign", 2, owner=bea)
    await told.file(said("a2", ANN, "a", at=90))
    await told.gathered(1.6)
    assert await told.sent(1.6) == []
    [mail] = await told.sent(1.7)
    assert (mail.recipient.address, mail.account, mail.purpose) == ("bea@desk.example", "support-mail", "notification")
    assert mail.subject == "2 tickets need you"
    assert "#1 Broken pump\n  given to you (" in mail.text
    assert "  the customer has answered (" in mail.text
    assert (mail.automatic, mail.reply_token, mail.in_reply_to) == (True, None, None)
    await told.gathered(2)
    assert await told.sent(2) == []


async def test_nobody_is_told_what_he_did_himself_nor_of_what_he_does_not_want(told: Told) -> None:
    bea, cid = await told.agent("Bea"), await told.agent("Cid")
    async with transaction(told.desk.engine) as connection:
        await directory.edit_agent(connection, cid, AgentEdit(notify=frozenset({"overdue"})), START)
    await told.file(said("a", ANN), said("b", "bob@y.example"))
    await told.acts("k1", 1, agent=bea).do("assign", 1, owner=bea)
    await told.acts("k2", 1).do("assign", 2, owner=cid)
    await told.gathered(2)
    assert await told.sent(3) == []
    await TicketClock(told.desk.engine, now=lambda: START + timedelta(hours=5)).tick()
    await told.gathered(5)
    assert sorted(mail.recipient.address for mail in await told.sent(6)) == ["bea@desk.example", "cid@desk.example"]


async def test_soon_due_overdue_and_escalated_are_told_to_whose_it_is(told: Told) -> None:
    bea, cid = await told.agent("Bea", language="fr"), await told.agent("Cid")
    await told.team("night", cid)
    await told.file(said("a", ANN))
    await told.acts("k1", 0).do("update", 1, priority="urgent")
    await told.acts("k2", 0, agent=bea).do("assign", 1, owner=bea)
    for hours in (0.6, 1.2, 2.2):
        await TicketClock(told.desk.engine, now=lambda hours=hours: START + timedelta(hours=hours)).tick()  # type: ignore[misc]
        await told.gathered(hours)
    mails = {mail.recipient.address: mail for mail in await told.sent(3)}
    assert mails["bea@desk.example"].text.count("bientôt à échéance") == 1
    assert mails["bea@desk.example"].text.count("en retard") == 1
    assert mails["bea@desk.example"].language is None
    assert "escalated to you" in mails["cid@desk.example"].text
    # it is the team's now: what comes later is told to its members
    await told.file(said("a2", ANN, "a", at=200))
    await told.gathered(4)
    [mail] = await told.sent(4.1)
    assert mail.recipient.address == "cid@desk.example"


async def test_at_most_one_mail_in_ten_minutes(told: Told) -> None:
    bea = await told.agent("Bea")
    await told.file(said("a", ANN))
    await told.acts("k1", 1).do("assign", 1, owner=bea)
    await told.gathered(1)
    assert len(await told.sent(1.05)) == 1
    await told.file(said("a2", ANN, "a", at=61))
    await told.gathered(1.06)
    assert await told.sent(1.15) == []
    assert len(await told.sent(1.25)) == 1


async def test_a_reply_that_stays_deferred_is_told_to_who_wrote_it_once(told: Told) -> None:
    bea, cid = await told.agent("Bea"), await told.agent("Cid")
    await told.file(said("a", ANN))
    await told.acts("k0", 1, agent=cid).do("assign", 1, owner=cid)
    done = await told.acts("k1", 1, agent=bea).do("reply", 1, text="Yes.")
    reply = next(event.data["reply_id"] for event in done.events if event.type == "ticket.replied")
    for attempt in (1, 2, 3, 4):
        await told.desk.rows_changed("UPDATE desk.replies SET attempt = :n WHERE id = :id", n=attempt, id=reply)
        await told.desk.rows_changed(
            "INSERT INTO desk.ticket_events (event_id, ticket_id, version, type, occurred_at, recorded_at, document) "
            "SELECT :id, id, version + :n, 'ticket.delivery_updated', now(), now(), :document FROM desk.tickets",
            id=f"d{attempt}",
            n=attempt,
            document=json.dumps(await _deferred(told, reply, attempt)),
        )
        await told.gathered(1 + attempt)
    [mail] = await told.sent(6)
    assert (mail.recipient.address, mail.text.count("your reply has not arrived")) == ("bea@desk.example", 1)


async def _deferred(told: Told, reply: str, attempt: int) -> dict[str, Any]:
    [(document,)] = await told.desk.rows("SELECT document FROM desk.ticket_events ORDER BY id LIMIT 1")
    event: dict[str, Any] = json.loads(document)
    data = {"reply_id": reply, "state": "deferred"}
    return event | {"event_id": f"d{attempt}", "type": "ticket.delivery_updated", "data": data}


@pytest.mark.parametrize("kind", ["out_of_office", "auto_reply", "bounce"])
async def test_what_machines_answer_to_a_notification_opens_nothing(told: Told, kind: Any) -> None:  # noqa: ANN401
    bea = await told.agent("Bea")
    await told.file(said("a", ANN))
    await told.acts("k1", 1).do("assign", 1, owner=bea)
    await told.gathered(1)
    [mail] = await told.sent(1.1)
    before = await told.desk.rows("SELECT count(*) FROM desk.ticket_events")
    answer = said("away", "bea@desk.example", mail.message_id or "", at=70, kind=kind, subject=f"Auto: {mail.subject}")
    await told.file(answer)
    assert await told.desk.rows("SELECT count(*) FROM desk.tickets") == [(1,)]
    assert await told.desk.rows("SELECT count(*) FROM desk.ticket_events") == before
    await told.gathered(2)
    assert await told.sent(3) == []


async def test_an_agents_answer_to_a_notification_is_kept_in_no_ticket_and_can_be_made_one(told: Told) -> None:
    bea = await told.agent("Bea")
    await told.file(said("a", ANN))
    await told.acts("k1", 1).do("assign", 1, owner=bea)
    await told.gathered(1)
    [mail] = await told.sent(1.1)
    replies = await told.desk.rows("SELECT count(*) FROM desk.replies")
    await told.file(said("re", "Bea@Desk.example", mail.message_id or "", at=70))
    assert [len(of) for of in await told.desk.conversations()] == [1]
    kept = "SELECT aside, contact_id FROM desk.messages WHERE ticket_id IS NULL"
    assert await told.desk.rows(kept) == [("notification", None)]
    assert await told.desk.rows("SELECT count(*) FROM desk.replies") == replies
    await told.gathered(2)
    assert await told.sent(3) == []
    await told.acts("k2", 4).opens("to-ticket", message="id-re")
    await told.file(said("re2", "bea@desk.example", "re", at=300))
    assert await told.desk.conversations() == [{"a"}, {"re", "re2"}]


async def test_anybody_elses_answer_to_a_notification_is_a_mail_like_any_other(told: Told) -> None:
    bea, cid = await told.agent("Bea"), await told.agent("Cid")
    await told.file(said("a", ANN), said("b", "bob@y.example"))
    await told.acts("k1", 1).do("assign", 1, owner=bea)
    await told.acts("k2", 1).do("assign", 2, owner=cid)
    await told.gathered(1)
    ids = {mail.recipient.address: mail.message_id or "" for mail in await told.sent(1.1)}
    # passed on to a customer; a colleague's; altered; and what answers something else and only mentions it
    to_bea, to_cid = ids["bea@desk.example"], ids["cid@desk.example"]
    altered = to_bea.replace(to_bea[12], "b" if to_bea[12] == "a" else "a", 1)
    await told.file(
        said("n1", "eve@z.example", to_bea, at=70),
        said("n2", "bea@desk.example", to_cid, at=71),
        said("n3", "bea@desk.example", altered, at=72),
        said("n4", "bea@desk.example", to_bea, "elsewhere", at=73),
    )
    assert len(await told.desk.conversations()) == 6


async def test_an_address_of_the_desk_itself_is_never_written_to(told: Told) -> None:
    bea = await told.agent("Bea", email="Support@desk.example")
    await told.file(said("a", ANN))
    await told.acts("k1", 1).do("assign", 1, owner=bea)
    await told.gathered(1)
    assert await told.sent(2, own=["support@desk.example"]) == []
    assert await told.desk.rows("SELECT dropped FROM desk.notices") == [("own_address",)]
    assert await told.sent(3) == []


async def test_without_a_mail_connector_nothing_piles_up(told: Told) -> None:
    bea = await told.agent("Bea")
    await told.file(said("a", ANN))
    await told.acts("k1", 1).do("assign", 1, owner=bea)
    await told.gathered(1)
    assert await told.sent(2, via=None) == []
    assert await told.sent(3) == []


async def test_two_at_once_tell_everything_once(told: Told) -> None:
    agents = [await told.agent(f"A{n}") for n in range(6)]
    await told.file(*(said(f"m{n}", f"p{n}@x.example", at=n) for n in range(12)))
    for n in range(12):
        await told.acts(f"k{n}", 1).do("assign", n + 1, owner=agents[n % 6])
    await asyncio.gather(*(told.notifier(1).gather() for _ in range(3)))
    await asyncio.gather(*(told.notifier(2).send() for _ in range(3)))
    mails = await told.sent(2)
    assert sorted(mail.recipient.address for mail in mails) == [f"a{n}@desk.example" for n in range(6)]
    assert all(mail.text.count("given to you") == 2 for mail in mails)


@pytest.mark.parametrize("hit", [1, 2])
async def test_killed_there_nothing_is_told_twice_or_never(told: Told, hit: int) -> None:
    bea = await told.agent("Bea")
    await told.file(said("a", ANN))
    await told.acts("k1", 1).do("assign", 1, owner=bea)

    def process(failpoints: str = "") -> int:
        return subprocess.run(
            [sys.executable, "-m", "tests.ticketing.notifications.one_notifier", told.desk.url],
            env=os.environ | {"DESKSTREAM_FAILPOINTS": failpoints},
            timeout=120,
            check=False,
        ).returncode

    assert await asyncio.to_thread(process, f"notify.before_commit=kill@{hit}") == -9
    assert await asyncio.to_thread(process) == 0
    assert await asyncio.to_thread(process) == 0
    assert len(await told.sent(5000)) == 1


def test_it_says_that_a_machine_wrote_it_and_nothing_a_customer_wrote_becomes_a_header() -> None:
    subject, name = "壊れた\r\nBcc: everybody@x.example", "Bea\u202e Boon"
    notice = Notice(1, "a1", "overdue", START, "t1", 12, subject, name, "bea@desk.example", "ja", None)
    mail = compose(letter([notice], DeskSettings(), CONFIRMING.tokens, "support-mail", START), "support@desk.example")
    head, _, _ = mail.content.decode().partition("\r\n\r\n")
    assert "\r\nAuto-Submitted: auto-" in head
    assert "\r\nX-Auto-Response-Suppress: All" in head
    assert (mail.envelope_from, mail.recipient) == ("", "bea@desk.example")
    assert "Bcc" not in head
    assert "\u202e" not in head


def test_the_connector_that_sends_is_the_named_or_the_first_one() -> None:
    def via(**notifications: Any) -> str | None:  # noqa: ANN401  # as the section takes it
        connectors = {"chat": {"type": "chat-web"}, "mail": {"type": "email-smtp"}, "more": {"type": "email-imap"}}
        return notifying_via(Settings(connectors=connectors, notifications=NotificationSettings(**notifications)))

    assert (via(), via(via="more"), via(send=False)) == ("mail", "more", None)
    with pytest.raises(ConfigError, match="no mail connector chat"):
        via(via="chat")


assert datetime.fromisoformat("2026-03-02T09:00+00:00") == START
