"""The ticket that an act is about: found by number or id, then locked with all that was merged into it."""

from typing import LiteralString, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from ticketing import load
from ticketing.acts.errors import Unknown
from ticketing.tickets import Ticket

Ref = int | str
"""A ticket's number, or its id."""

_MOST_DIGITS = 18
_NAMED: LiteralString = "n.id = :id OR n.number = :number"
_DONE: LiteralString = "EXISTS (SELECT 1 FROM desk.acts a WHERE a.key = :key)"
_ROOT = sa.text(f"""
SELECT n.id, r.id AS root_id, r.department, {_DONE} AS done
  FROM desk.tickets n JOIN desk.tickets r ON r.id = n.root_id WHERE {_NAMED}
""")  # noqa: S608  # our own pieces
_GROUP = sa.text(f"""
{load.OF_TICKETS.replace("SELECT", f"SELECT {_DONE} AS done,", 1)}
 WHERE t.root_id = (SELECT n.root_id FROM desk.tickets n WHERE {_NAMED}) {load.LOCKED}
""")  # noqa: S608  # as above
_TIMES = 20


class Found(NamedTuple):
    """A ticket by itself, the survivor it is part of, and the department of that one. `done`: whether anything was
    done under the act's key, as far as this statement could see."""

    id: str
    root_id: str
    department: str
    done: bool


class Locked(NamedTuple):
    """The survivor under its lock, and the id of the ticket that was named. `done`: as of Found."""

    ticket: Ticket
    named_id: str
    done: bool


async def find(connection: AsyncConnection, ref: Ref, key: str) -> Found:
    """The ticket that works under this number or id. Raises Unknown."""
    row = (await connection.execute(_ROOT, _named(ref) | {"key": key})).one_or_none()
    if row is None:
        raise _unknown(ref)
    return Found(*row)


async def group(connection: AsyncConnection, ref: Ref, key: str) -> Locked:
    """The ticket, locked with all that was merged into it. Raises Unknown."""
    named = _named(ref)
    for _ in range(_TIMES):
        rows = (await connection.execute(_GROUP, named | {"key": key})).all()
        by_id = {row.id: row for row in rows}
        one = next((row for row in rows if named["id"] == row.id or named["number"] == row.number), None)
        if one is not None and one.root_id in by_id:
            return Locked(load.ticket_of(by_id[one.root_id]), one.id, one.done)
        await find(connection, ref, key)
        # it is there: it was merged into another one while we waited for its lock
    raise Unknown(f"ticket {ref} changes too often")


def _named(ref: Ref) -> dict[str, int | str | None]:
    text = str(ref)
    if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS:
        return {"id": None, "number": int(text)}
    return {"id": text.replace("\0", ""), "number": None}  # PostgreSQL holds none


def _unknown(ref: Ref) -> Unknown:
    return Unknown(f"there is no ticket {str(ref)[:40]}")
