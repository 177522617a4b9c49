"""An agent is told by mail, through a server that is not ours, and what he answers to that becomes no ticket."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa

from tests.conftest import Mailbox
from tests.e2e.desk_story import Story, configure, until, way_out
from tests.e2e.running import running

pytestmark = pytest.mark.stack

SUE, BOSS = "sue", "boss"
PROMISED = """
[notifications]
wait = "1s"
every = "1s"
[service_levels.everybody]
calendar = "always"
resolution = "10h"
due_soon = "3s"
"""


async def test_an_agent_is_told_and_his_answer_opens_nothing(data: Path, greenmail: Mailbox) -> None:
    async with way_out(greenmail) as port:
        configure(data, port)
        with (data / "deskstream.toml").open("a") as settings:
            settings.write(PROMISED)
        with running(data) as up:
            story = Story(up, greenmail)
            try:
                await _told(story)
            finally:
                await story.engine.dispose()


async def _told(story: Story) -> None:
    anna, at = f"anna-{uuid4().hex[:8]}@customer.example", f"sue-{uuid4().hex[:8]}@desk.example"
    await story.begins(SUE, BOSS)
    async with story.engine.begin() as connection:
        await connection.execute(sa.text("UPDATE desk.agents SET email = :at WHERE id = :id"), {"at": at, "id": SUE})

    # the boss gives Anna's ticket to Sue, who is told; Sue does something herself, and is not
    await story.writes("It howls.", sender=anna, to="support@desk.example", message_id="n1")
    await story.ticket(1, status="open")
    [confirmation] = await story.inbox(anna, 1)
    await story.act(BOSS, "assign", 1, owner=SUE)
    [assigned] = await story.inbox(at, 1)
    assert assigned["Subject"] == "Ticket #1: given to you"
    assert str(assigned["Auto-Submitted"]).startswith("auto-")
    assert assigned["Reply-To"] is None
    await story.act(SUE, "comment", 1, text="I look at it.")

    # Anna writes again
    await story.writes("Louder now.", sender=anna, to=str(confirmation["Reply-To"]), message_id="n2")
    [_, answered] = await story.inbox(at, 2)
    assert answered["Subject"] == "Ticket #1: the customer has answered"

    # it is to be done at once, and is not
    await story.act(BOSS, "update", 1, due_at=datetime.now(UTC) + timedelta(seconds=8))

    def kinds() -> set[str]:
        words = "".join(_text(mail) for mail in story.fetched(at))
        return {kind for kind in ("soon due", "overdue") if kind in words}

    await until(lambda: kinds() == {"soon due", "overdue"}, what="a mail that it is overdue")

    # Sue answers the mail, as people do; so does Anna, to whom it was passed on
    answers = {"to": "support@desk.example", "answers": str(answered["Message-ID"])}
    await story.writes("Thanks, I do it tomorrow.", sender=at, message_id="n3", **answers)
    await story.writes("Who is Sue?", sender=anna, message_id="n4", **answers)
    await story.ticket(2, status="open")

    def kept() -> list[tuple[str, str]]:
        return [(each["author"], each["aside"]) for each in story.up.json("automatic", "list")]

    await until(lambda: kept() == [(at, "notification")], what="Sue's answer among what is in no ticket")
    assert set(await asyncio.to_thread(story.tickets)) == {1, 2}
    [why] = await asyncio.to_thread(story.up.json, "tickets", "why", "n3@customer.example")
    assert why["match"]["rule"] == "aside_notification"


def _text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())
