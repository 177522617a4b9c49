"""The clock of tickets on a real PostgreSQL: two of them, acts between, processes killed, and the order of it all."""

import asyncio
import json
import os
import random
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bus.reply import Receipt
from bus.settings import Which
from bus.ticket_event import Actor
from bus.together import Writes
from tests.ticketing.clocks.conftest import acts
from tests.ticketing.filing.conftest import Desk
from tests.ticketing.filing.said import START, said
from ticketing import contact_store
from ticketing.contact_acts import Act
from ticketing.delivery import after_receipt
from ticketing.delivery_store import lock, write
from ticketing.outbox import append
from ticketing.people import directory
from ticketing.people.models import NewTeam
from ticketing.people.store import transaction
from ticketing.ticket_clock import TicketClock

pytestmark = pytest.mark.stack

ANN = "ann@x.example"
_FIRST = START + timedelta(hours=4, minutes=30)
"""When a first response is due: 14:30 in Amsterdam, lunch included."""


async def look(of: Desk, hours: float) -> None:
    """The clock looks until it finds nothing more."""
    clock = TicketClock(of.engine, now=lambda: START + timedelta(hours=hours))
    while await clock.tick():
        pass


async def events(of: Desk, number: int) -> list[dict[str, Any]]:
    rows = await of.rows(
        "SELECT e.document FROM desk.ticket_events e JOIN desk.tickets t ON t.id = e.ticket_id "
        "WHERE t.number = :number ORDER BY e.id",
        number=number,
    )
    found = [json.loads(document) for (document,) in rows]
    assert [event["version"] for event in found] == list(range(1, len(found) + 1))
    return found


async def overdue(of: Desk, number: int = 1) -> list[tuple[Which, datetime]]:
    return [
        (event["data"]["which"], datetime.fromisoformat(event["occurred_at"]))
        for event in await events(of, number)
        if event["type"] == "ticket.became_overdue"
    ]


async def test_due_times_are_set_told_once_and_shown(desk: Desk) -> None:
    await desk.file(said("a", ANN))
    [(due, soonest)] = await desk.rows("SELECT due_at, next_due_at FROM desk.tickets")
    assert (due, soonest) == (_FIRST, _FIRST - timedelta(hours=1))
    assert (await desk.history(1))[-2:] == ["due_set", "due_set"]
    await look(desk, 4)
    assert await overdue(desk) == []
    await look(desk, 5)
    await look(desk, 6)
    assert await overdue(desk) == [("first_response", _FIRST)]
    [late] = [event for event in await events(desk, 1) if event["type"] == "ticket.became_overdue"]
    assert late["actor"] == {"kind": "rule", "id": "service_level:normal"}
    assert datetime.fromisoformat(late["recorded_at"]) == START + timedelta(hours=5)


@pytest.mark.parametrize("act", ["close", "reply", "comment"])
async def test_an_act_never_overtakes_what_was_due_before(desk: Desk, act: str) -> None:
    await desk.file(said("a", ANN))
    given = {"text": "Yes."} if act != "close" else {}
    done = await acts(desk, "k", 300).do(act, 1, **given)
    history = await desk.history(1)
    told = {"close": "closed", "reply": "replied", "comment": "commented"}[act]
    assert history.count("became_overdue") == 2
    assert history.index(told) > max(n for n, type_ in enumerate(history) if type_ == "became_overdue")
    assert [event.type for event in done.events][:1] == [f"ticket.{told}"]
    await look(desk, 301)
    assert (await desk.history(1)).count("became_overdue") == 2


async def test_who_looked_before_the_clock_was_late_may_act_all_the_same(desk: Desk) -> None:
    """The version that was looked at is the ticket's, whatever the clock owes: else nobody could ever act."""
    await desk.file(said("a", ANN))
    [(version,)] = await desk.rows("SELECT version FROM desk.tickets")
    await acts(desk, "k", 300).do("close", 1, version)
    assert (await desk.history(1)).count("became_overdue") == 2


async def test_an_act_that_waited_while_something_was_told_comes_after_it(desk: Desk) -> None:
    await desk.file(said("a", ANN))
    await look(desk, 5)
    [event] = (await acts(desk, "k", 4).do("comment", 1, text="I began before.")).events
    assert event.occurred_at == _FIRST
    [event] = (await acts(desk, "k2", 6).do("comment", 1, text="I did not.")).events
    assert event.occurred_at == START + timedelta(hours=6)


async def test_a_message_a_receipt_and_a_merged_contact_come_after_what_was_due(desk: Desk) -> None:
    await desk.file(said("a", ANN), said("b", "bob@y.example"), said("c", "cid@z.example"))
    moment = START + timedelta(hours=300)
    desk.filing = replace(desk.filing, clock=lambda: moment)
    await desk.file(said("a2", ANN, "a", at=60 * 300))
    desk.filing.clock  # noqa: B018  # the present: long after
    replies = dict(
        await desk.rows("SELECT t.number, r.id FROM desk.replies r JOIN desk.tickets t ON t.id = r.ticket_id")
    )
    async with transaction(desk.engine) as connection:
        locked = await lock(connection, [replies[2]])
        receipt = Receipt(
            reply_id=replies[2],
            ticket_id="",
            account="",
            connector="c",
            state="sent",
            attempt=1,
            at=moment,
        )
        step = after_receipt(locked.deliveries[replies[2]], receipt, moment)
        assert step is not None
        writes = Writes()
        await append(writes, ticket_events=await write(connection, writes, locked, [step], moment))
        await writes.send(connection)
    act = Act(Actor(kind="agent", id="a"), "m", moment)
    await contact_store.merge(desk.engine, "cid@z.example", ANN, act)
    for number, last in ((1, "message_received"), (2, "delivery_updated"), (3, "updated")):
        history = await desk.history(number)
        assert history.count("became_overdue") == 2
        assert history.index(last, 6) > len(history) - 1 - history[::-1].index("became_overdue")
    await look(desk, 301)
    assert [len(await overdue(desk, number)) for number in (1, 2, 3)] == [2, 2, 2]


async def test_two_clocks_and_acts_at_once_tell_each_moment_once(desk: Desk) -> None:
    dice = random.Random(3)
    await desk.file(*(said(f"m{n}", f"p{n}@x.example", at=n) for n in range(40)))
    leaders = [look(desk, hours) for hours in (5, 6, 300, 300, 301)]
    answers = [acts(desk, f"k{n}", dice.choice([300.5, 302])).do("comment", n, text="Hm.") for n in range(1, 21)]
    await asyncio.gather(*leaders, *answers)
    await look(desk, 303)
    for number in range(1, 41):
        found = await events(desk, number)
        assert [which for which, _ in await overdue(desk, number)] == ["first_response", "resolution"]
        told = [e for e in found if e["type"] in ("ticket.became_overdue", "ticket.commented")]
        assert [e["occurred_at"] for e in told] == sorted(e["occurred_at"] for e in told)


@pytest.mark.parametrize("point", ["clock.before_outbox", "clock.before_commit"])
async def test_a_clock_killed_there_has_told_nothing_and_the_next_one_tells_all_once(desk: Desk, point: str) -> None:
    await desk.file(said("a", ANN), said("b", "bob@y.example"))
    now = START + timedelta(hours=300)

    def process(failpoints: str = "") -> int:
        return subprocess.run(
            [sys.executable, "-m", "tests.ticketing.clocks.one_clock", desk.url, now.isoformat()],
            env=os.environ | {"DESKSTREAM_FAILPOINTS": failpoints},
            timeout=120,
            check=False,
        ).returncode

    assert await asyncio.to_thread(process, f"{point}=kill@1") == -9
    assert [await overdue(desk, number) for number in (1, 2)] == [[], []]
    assert await asyncio.to_thread(process) == 0
    assert await asyncio.to_thread(process) == 0
    assert [len(await overdue(desk, number)) for number in (1, 2)] == [2, 2]


async def test_what_is_escalated_is_the_named_teams_then(desk: Desk) -> None:
    await desk.file(said("a", ANN))
    await acts(desk, "k", 0).do("update", 1, priority="urgent")
    async with transaction(desk.engine) as connection:
        team = await directory.add_team(connection, NewTeam(name="night"), START)
    await look(desk, 2.5)
    [(status, team_id)] = await desk.rows("SELECT status, team_id FROM desk.tickets")
    assert (status, team_id) == ("escalated", team.id)
    assert (await desk.history(1))[-3:] == ["status_changed", "escalated", "assigned"]


async def test_on_hold_and_merged_tickets_stand_still(desk: Desk) -> None:
    await desk.file(said("a", ANN), said("b", "bob@y.example"))
    await acts(desk, "k1", 1).do("reply", 1, text="Yes.")
    await acts(desk, "k2", 1).do("hold", 1)
    await acts(desk, "k3", 1).do("merge", 2, other=1)
    await look(desk, 300)
    assert await overdue(desk, 2) == []
    # who waits in the one that was merged waits in the other, as long as was promised there
    assert await overdue(desk, 1) == []
    await acts(desk, "k4", 300).do("unmerge", 2)
    await acts(desk, "k5", 300).do("reopen", 1)
    await look(desk, 301)
    assert await overdue(desk, 2) == []
    await look(desk, 600)
    assert [which for which, _ in await overdue(desk, 2)] == ["first_response", "resolution"]
