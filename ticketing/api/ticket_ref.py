"""`{ticket}` in a path: a ticket's number or id, and the ticket that works under it, as far as one may see it."""

import re
from typing import Annotated, Any, Final

import sqlalchemy as sa
from fastapi import Path
from sqlalchemy.ext.asyncio import AsyncConnection

from ticketing.acts.errors import Unknown
from ticketing.api.access import visible
from ticketing.people.policy import Who

_FORM: Final = r"^([1-9][0-9]{0,17}|[0-9a-f]{32})$"
TicketPath = Annotated[
    str, Path(pattern=_FORM, description="The ticket's number or id; those of a ticket merged into it work too.")
]


async def seen(connection: AsyncConnection, ref: str, who: Who, columns: str = "t.id") -> Any:  # noqa: ANN401  # a row of these
    """The row of the ticket (the survivor of mergers) that works under `ref`. `columns`: of `desk.tickets t`, our own.

    Raises Unknown, whether there is none or it is another department's: who may not see it learns nothing.
    """
    condition, values = visible(who)
    number = int(ref) if re.fullmatch("[0-9]{1,18}", ref) else None
    statement = sa.text(
        f"SELECT {columns} FROM desk.tickets r JOIN desk.tickets t ON t.id = r.root_id "  # noqa: S608  # our own pieces
        f"WHERE {'r.id = :id' if number is None else 'r.number = :number'} AND {condition}"
    )
    given = {"id": ref} if number is None else {"number": number}
    row = (await connection.execute(statement, values | given)).one_or_none()
    if row is None:
        raise Unknown(f"there is no ticket {ref}")
    return row
