"""The ticket that an act is about: found by number or id, then locked with all that was merged into it."""

from typing import LiteralString, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.ticket_state import TicketState
from ticketing import load
from ticketing.acts.errors import Unknown
from ticketing.state import STATE_COLUMNS, STATE_FROM, ticket_state
from ticketing.tickets import Ticket

Ref = int | str
"""A ticket's number, or its id."""

_MOST_DIGITS = 18
_ROOT = sa.text("""
SELECT t.id, r.id AS root_id, r.department FROM desk.tickets t JOIN desk.tickets r ON r.id = t.root_id
WHERE t.id = :id OR t.number = :number
""")
_STATE: LiteralString = f"SELECT {STATE_COLUMNS} FROM {STATE_FROM} WHERE t.id = :id"  # noqa: S608  # our own columns
_TIMES = 20


class Found(NamedTuple):
    """A ticket by itself, the survivor it is part of, and the department of that one."""

    id: str
    root_id: str
    department: str


async def find(connection: AsyncConnection, ref: Ref) -> Found:
    """The ticket that works under this number or id. Raises Unknown."""
    text = str(ref)
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None
    id_ = None if number is not None else text.replace("\0", "")  # PostgreSQL holds none
    row = (await connection.execute(_ROOT, {"id": id_, "number": number})).one_or_none()
    if row is None:
        raise Unknown(f"there is no ticket {text[:40]}")
    return Found(*row)


async def group(connection: AsyncConnection, ref: Ref) -> Ticket:
    """The ticket, locked with all that was merged into it. Raises Unknown."""
    for _ in range(_TIMES):
        root = (await find(connection, ref)).root_id
        found = await load.tickets(connection, {root})
        if root in found:
            return found[root]
        # it was merged into another one while we waited for its lock
    raise Unknown(f"ticket {ref} changes too often")


async def state(connection: AsyncConnection, ticket_id: str) -> TicketState:
    """The ticket's document as this transaction leaves it."""
    return ticket_state((await connection.execute(sa.text(_STATE), {"id": ticket_id})).one())
