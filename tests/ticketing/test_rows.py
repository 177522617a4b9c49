"""Rows arrive as they were, in their order, and the outbox keeps that order."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest
import sqlalchemy as sa

from bus.ticket_event import Actor, TicketEvent
from tests.conftest import Stack
from ticketing.database import engine
from ticketing.migrate import upgrade
from ticketing.outbox import Told, append
from ticketing.rows import insert_rows

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
metadata = sa.MetaData()
kinds = sa.Table(
    "kinds",
    metadata,
    sa.Column("position", sa.Integer),
    sa.Column("many", sa.BigInteger),
    sa.Column("text", sa.Text),
    sa.Column("texts", sa.dialects.postgresql.ARRAY(sa.Text)),
    sa.Column("document", sa.dialects.postgresql.JSONB),
    sa.Column("value", sa.dialects.postgresql.UUID),
    sa.Column("yes", sa.Boolean),
    sa.Column("at", sa.DateTime(timezone=True)),
)
ROWS = [
    {
        "position": 1,
        "many": -(2**40),
        "text": 'plain "quoted" {brace} \\ ü 日本',
        "texts": ['a"b', "c\\d", "", "e,f}", "NULL", "ü"],
        "document": {"a": [1, None, "ü"]},
        "value": UUID(int=7),
        "yes": True,
        "at": NOW,
    },
    {
        "position": None,
        "many": None,
        "text": None,
        "texts": [],
        "document": None,
        "value": None,
        "yes": None,
        "at": None,
    },
    {
        "position": -3,
        "many": 0,
        "text": "",
        "texts": None,
        "document": [],
        "value": UUID(int=0),
        "yes": False,
        "at": datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    },
]


@pytest.mark.stack
async def test_every_type_comes_back_as_it_went_in(stack: Stack) -> None:
    desk = engine(stack.new_database())
    async with desk.begin() as connection:
        await connection.run_sync(metadata.create_all)
        await insert_rows(connection, kinds, ROWS)
        await insert_rows(connection, kinds, [])
        found = (await connection.execute(sa.select(kinds))).mappings().all()
    await desk.dispose()
    assert [dict(row) for row in found] == ROWS


def _event(ticket: str, version: int) -> Told[TicketEvent]:
    return Told(
        TicketEvent(
            event_id=f"{ticket}-{version}",
            ticket_id=ticket,
            number=1,
            version=version,
            type="ticket.opened",
            occurred_at=NOW,
            recorded_at=NOW,
            actor=Actor(kind="system"),
        ),
        "00-trace",
    )


@pytest.mark.stack
async def test_ids_of_the_outbox_are_in_the_order_of_commits(stack: Stack) -> None:
    url = stack.new_database()
    await asyncio.to_thread(upgrade, url)
    desk = engine(url)
    first, second = await desk.connect(), await desk.connect()
    await append(first, ticket_events=[_event("a", 1), _event("a", 2)])
    other = asyncio.create_task(append(second, ticket_events=[_event("b", 1)]))
    await asyncio.sleep(0.1)
    assert not other.done()
    await first.commit()
    await other
    await second.commit()
    rows = (await first.execute(sa.text("SELECT ticket_id, version FROM desk.ticket_events ORDER BY id"))).all()
    await first.close()
    await second.close()
    await desk.dispose()
    assert [tuple(row) for row in rows] == [("a", 1), ("a", 2), ("b", 1)]
