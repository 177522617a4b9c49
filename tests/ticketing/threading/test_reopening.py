"""A closed ticket is opened again within its window, and taken up by a new one later; by people alone."""

import dataclasses
from datetime import timedelta

import pytest

from tests.ticketing.filing.conftest import Desk
from tests.ticketing.filing.said import START, TOKENS, said
from ticketing.policy import Policy, Reopening

pytestmark = pytest.mark.stack
ANN, DAY = "ann@x.example", 1_440
OPENED = ["opened", "message_received", "confirmed"]


async def closed(desk: Desk, *numbers: int, days: int = 0) -> None:
    at = START + timedelta(days=days)
    for number in numbers:
        await desk.rows_changed(
            "UPDATE desk.tickets SET status = 'closed', closed_at = :at WHERE number = :n", at=at, n=number
        )


async def test_within_the_window_a_reply_reopens(desk: Desk) -> None:
    await desk.file(said("a"))
    await closed(desk, 1)
    await desk.file(said("b", ANN, "a", at=30 * DAY))
    assert await desk.history(1) == [*OPENED, "message_received", "reopened"]
    assert await desk.rows("SELECT status, closed_at FROM desk.tickets") == [("open", None)]


@pytest.mark.parametrize("together", [True, False])
async def test_after_it_a_new_ticket_takes_the_old_one_up(
    desk: Desk, together: bool
) -> None:  # a parameter of the test
    await desk.file(said("a"))
    await closed(desk, 1)
    later = [
        said("b", ANN, "a", at=31 * DAY),
        said("c", ANN, "a", at=32 * DAY),
        said("d", ANN, "a", "b", at=33 * DAY),
        said("e", "daemon@x.example", "a", at=33 * DAY, kind="bounce"),
        said("f", "lists@x.example", "a", at=33 * DAY, kind="list"),
    ]
    if together:
        await desk.file(*later)
    else:
        for message in reversed(later):
            await desk.file(message)
    assert await desk.conversations() == [{"a", "e", "f"}, {"b", "c", "d"}]
    assert (await desk.history(2))[:3] == OPENED
    assert "reopened" not in await desk.history(1)
    assert await desk.rows("SELECT o.number FROM desk.tickets t JOIN desk.tickets o ON o.id = t.follows") == [(1,)]
    [(data,)] = await desk.rows(
        "SELECT e.document::json->'data' FROM desk.ticket_events e JOIN desk.tickets t ON t.id = e.ticket_id "
        "WHERE t.number = 2 AND e.type = 'ticket.opened'"
    )
    assert data["follows"] == 1


async def test_a_chain_of_closed_tickets_is_taken_up_at_its_end_and_never_merged(desk: Desk) -> None:
    await desk.file(said("a"))
    await closed(desk, 1)
    await desk.file(said("b", ANN, "a", at=31 * DAY))
    await closed(desk, 2, days=40)
    await desk.file(said("c", ANN, "a", "b", at=71 * DAY))
    await desk.file(said("d", ANN, "a", "c", at=72 * DAY), said("e", ANN, "a", at=73 * DAY))
    assert await desk.conversations() == [{"a"}, {"b"}, {"c", "d", "e"}]
    assert await desk.rows("SELECT count(*) FROM desk.cuts") == [(3,)]


async def test_even_a_token_does_not_open_what_is_over(desk: Desk) -> None:
    await desk.file(said("a"))
    await closed(desk, 1)
    [(ticket,)] = await desk.rows("SELECT id FROM desk.tickets")
    await desk.file(said("b", ANN, token=TOKENS.sign(ticket, ANN), at=31 * DAY))
    assert await desk.conversations() == [{"a"}, {"b"}]
    rows = await desk.rows("SELECT match->>'rule' FROM desk.messages WHERE id = 'id-b'")
    assert rows == [("reply_token",)]


async def test_window_and_policy_are_the_connectors_own(desk: Desk) -> None:
    desk.filing = dataclasses.replace(
        desk.filing,
        policy=Policy(
            reopening_of={
                "vip-mail": Reopening(timedelta(days=30), "reopen"),
                "shop-mail": Reopening(timedelta(0), "new_ticket"),
            }
        ),
    )
    await desk.file(said("v", account="vip-mail"), said("s", "bob@x.example", account="shop-mail"))
    await closed(desk, 1, 2)
    await desk.file(said("w", ANN, "v", at=300 * DAY, account="vip-mail"))
    await desk.file(said("t", "bob@x.example", "s", at=1, account="shop-mail"))
    assert await desk.conversations() == [{"v", "w"}, {"s"}, {"t"}]


@pytest.mark.parametrize("kind", ["auto_reply", "out_of_office", "bounce", "feedback_report", "system", "list", "bulk"])
@pytest.mark.parametrize("days", [1, 31])
async def test_machines_and_lists_never_reopen(desk: Desk, kind: str, days: int) -> None:
    await desk.file(said("a"))
    await closed(desk, 1)
    await desk.file(said("b", ANN, "a", at=days * DAY, kind=kind))  # type: ignore[arg-type]  # one of its values
    assert await desk.conversations() == [{"a", "b"}]
    assert await desk.rows("SELECT status FROM desk.tickets") == [("closed",)]


async def test_an_agents_own_mail_joins_and_reopens_nothing(desk: Desk) -> None:
    desk.filing = dataclasses.replace(desk.filing, policy=Policy(agents=frozenset({"agent@desk.example"})))
    await desk.file(said("a"))
    await closed(desk, 1)
    await desk.file(said("b", "Agent@Desk.example", "a", at=40 * DAY, dmarc="pass"))
    assert await desk.conversations() == [{"a", "b"}]
    assert await desk.rows("SELECT status FROM desk.tickets") == [("closed",)]
    actors = await desk.rows("SELECT document::json->'actor'->>'kind' FROM desk.ticket_events ORDER BY id DESC LIMIT 1")
    assert actors == [("agent",)]
    await desk.file(said("c", "agent@desk.example", "a", at=40 * DAY))
    assert await desk.conversations() == [{"a", "b"}, {"c"}]
