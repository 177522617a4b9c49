"""A page of a ticket list: filter, order and place become one statement."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.ticket_state import TicketState
from ticketing.api.access import visible
from ticketing.api.cursors import CursorQuery, LimitQuery, Place, from_cursor, list_id, to_cursor
from ticketing.api.filters import Condition, TicketFilter, conditions
from ticketing.api.orders import DUE, HAS_DUE, HAS_NO_DUE, NUMBER, Order, Sort, order_of
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
    rows: list[Any] = []
    for part in _parts(order, place, asked):
        rows += await _rows(connection, asked, found, part, asked.limit + 1 - len(rows), now)
        if len(rows) > asked.limit:
            break
    more = len(rows) > asked.limit
    shown = rows[: asked.limit]
    last = shown[-1] if more else None
    key = None if last is None else last.sort_key.isoformat() if isinstance(last.sort_key, datetime) else last.sort_key
    return TicketPage(
        items=[ticket_state(row) for row in shown],
        next=None if last is None else to_cursor(own, (key, last.number)),
    )


class _Part(NamedTuple):
    """A part of a list that has an order of its own. `bounds`: what makes it, and where to begin in it."""

    order: Order
    bounds: list[Condition]


def _parts(order: Order, place: Place | None, asked: TicketQuery) -> Iterator[_Part]:
    """A list is one; by due time it is two, because most tickets have none and stand behind those that have."""
    if order.key != DUE:
        yield _Part(order, [] if place is None else [Condition(*order.after(place))])
        return
    if (place is None or place[0] is not None) and asked.status != ["closed"]:
        bounds = [Condition(HAS_DUE, {}), *([] if place is None else [Condition(*order.after(place))])]
        if asked.overdue is False:
            bounds.append(Condition(f"{DUE} >= CAST(:overdue AS timestamptz)", {}))
        yield _Part(order, bounds)
    if asked.overdue or asked.due_after or asked.due_before:
        return
    behind = place is not None and place[0] is None
    yield _Part(NUMBER, [Condition(HAS_NO_DUE, {}), *([Condition(*NUMBER.after(place))] if behind and place else [])])


async def _rows(
    connection: AsyncConnection,
    asked: TicketQuery,
    found: list[Condition],
    part: _Part,
    limit: int,
    now: datetime,
) -> list[Any]:
    """So many rows of it, if there are.

    First the nearest tickets in this order are looked through: what many have fills the page from these. What did not
    is rare, or lies far away: then an index of what was asked for leads to it, and the few there are get sorted. The
    planner cannot tell which is right, because it does not know what goes together (a team and its department, the
    days a ticket was opened and closed).
    """
    order, place = part
    values = {name: value for each in (*place, *found) for name, value in each.values.items()} | {"limit": limit}
    words = None if asked.text is None else query(asked.text)
    if asked.text is not None:
        if words is None:
            return []
        values["words"] = words
    standing = _where(place)
    if not asked.narrow:
        through = _where(found, asking.IN_IT if words else None)
        near = f"(SELECT * FROM desk.tickets t WHERE {standing} ORDER BY {order.walked} LIMIT :walk) t WHERE {through}"  # noqa: S608  # pieces of our own
        rows = await _select(connection, near, order.walked, order, values | {"walk": asking.WALK})
        if len(rows) == limit:
            return rows
    where = _where([*place, *found], asking.BY_INDEX if words else None)
    way = order.sorted if asked.selective(order, now) else order.walked
    return await _select(connection, f"desk.tickets t WHERE {where}", way, order, values)


async def _select(
    connection: AsyncConnection, source: str, way: str, order: Order, values: dict[str, Any]
) -> list[Any]:
    # the page first, by keys alone, then its documents
    keys = f"SELECT t.id, {order.shown} AS sort_key FROM {source} ORDER BY {way} LIMIT :limit"  # noqa: S608  # pieces of our own
    statement = (
        f"WITH page AS MATERIALIZED ({keys}) SELECT {STATE_COLUMNS}, page.sort_key FROM page "  # noqa: S608  # as above
        f"JOIN {STATE_FROM} ON t.id = page.id ORDER BY {order.walked}"
    )
    return list((await connection.execute(sa.text(statement), values)).all())


def _where(found: list[Condition], more: str | None = None) -> str:
    # the same as `root_id = id`, of which the planner would believe that hardly a ticket is so
    return " AND ".join(("t.merged_into IS NULL", *(each.sql for each in found), *([more] if more else ())))
