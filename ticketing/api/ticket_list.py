"""A page of a ticket list: filter, order and place become one statement."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.ticket_state import TicketState
from ticketing.api.access import visible
from ticketing.api.cursors import CursorQuery, LimitQuery, from_cursor, list_id, to_cursor
from ticketing.api.filters import Condition, TicketFilter, conditions
from ticketing.api.orders import Order, Sort, order_of
from ticketing.people.policy import Who
from ticketing.search import asking
from ticketing.search.words import query
from ticketing.state import STATE_COLUMNS, STATE_FROM, ticket_state


class TicketQuery(TicketFilter):
    """A filter, an order and a place in the list."""

    sort: Sort = "-last_message_at"
    limit: LimitQuery = 50
    cursor: CursorQuery = None


class TicketPage(BaseModel):
    """A page of tickets, each as it stands on `tickets.state`. `next`: the cursor of the page after; null: the last."""

    model_config = ConfigDict(frozen=True)

    items: list[TicketState]
    next: str | None = None


async def page(connection: AsyncConnection, asked: TicketQuery, who: Who, now: datetime) -> TicketPage:
    """What of the list stands at its place, as far as `who` may see it. Raises Refused for a cursor that is none."""
    order = order_of(asked.sort)
    # `me` and what one may see are somebody's: his lists are nobody else's
    own = list_id(asked.model_dump(exclude={"limit", "cursor"}), who.agent_id)
    place = from_cursor(own, asked.cursor, (order.kind, int))
    found = [Condition(*visible(who)), *conditions(asked, who, now)]
    if place is not None:
        found.append(Condition(*order.after(place)))
    rows = await _rows(connection, asked, found, order)
    more = len(rows) > asked.limit
    shown = rows[: asked.limit]
    last = shown[-1] if more else None
    key = None if last is None else last.sort_key.isoformat() if isinstance(last.sort_key, datetime) else last.sort_key
    return TicketPage(
        items=[ticket_state(row) for row in shown],
        next=None if last is None else to_cursor(own, (key, last.number)),
    )


async def _rows(connection: AsyncConnection, asked: TicketQuery, found: list[Condition], order: Order) -> list[Any]:
    """One row more than the page has, if there is one."""
    where, values = _where(found)
    if asked.text is None:
        return await _select(connection, f"desk.tickets t WHERE {where}", values, order, asked.limit)
    words = query(asked.text)
    if words is None:
        return []
    near = f"(SELECT * FROM desk.tickets t WHERE {where} ORDER BY {order.sql} LIMIT :walk) t WHERE {asking.IN_IT}"  # noqa: S608  # pieces of our own
    values |= {"words": words, "walk": asking.WALK}
    rows = await _select(connection, near, values, order, asked.limit)
    if len(rows) > asked.limit:
        return rows
    del values["walk"]
    everywhere = f"desk.tickets t WHERE {where} AND {asking.BY_INDEX}"
    return await _select(connection, everywhere, values, order, asked.limit)


async def _select(
    connection: AsyncConnection, source: str, values: dict[str, Any], order: Order, limit: int
) -> list[Any]:
    # the page first, by keys alone, then its documents
    keys = f"SELECT t.id, {order.shown} AS sort_key FROM {source} ORDER BY {order.sql} LIMIT :limit"  # noqa: S608  # pieces of our own
    statement = (
        f"WITH page AS MATERIALIZED ({keys}) SELECT {STATE_COLUMNS}, page.sort_key FROM page "  # noqa: S608  # as above
        f"JOIN {STATE_FROM} ON t.id = page.id ORDER BY {order.sql}"
    )
    return list((await connection.execute(sa.text(statement), values | {"limit": limit + 1})).all())


def _where(found: list[Condition]) -> tuple[str, dict[str, Any]]:
    sql = " AND ".join(("t.root_id = t.id", *(condition.sql for condition in found)))
    return sql, {name: value for condition in found for name, value in condition.values.items()}
