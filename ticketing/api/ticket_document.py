"""One ticket as it is shown: its document, and the names of what it links to."""

import sqlalchemy as sa
from pydantic import ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.ticket_state import TicketState
from ticketing.api.access import visible
from ticketing.api.ticket_ref import seen
from ticketing.people.policy import Who
from ticketing.rows import selected
from ticketing.state import STATE_COLUMNS, STATE_FROM, state_fields


class TicketDocument(TicketState):
    """A ticket as it stands on `tickets.state`, and what it is shown with."""

    model_config = ConfigDict(frozen=True)

    department: str = Field(description='Whose it is; "" is everybody\'s.')
    account_name: str | None = None
    owner_name: str | None = None
    team_name: str | None = None
    taken_up_by: list[int] = Field(description="Numbers of tickets that took it up again after it was closed.")
    open_of_contact: list[int] = Field(description="Numbers of this contact's other tickets that are not closed.")


_MORE = """
    t.department,
    (SELECT a.name FROM desk.accounts a WHERE a.id = t.account_id) AS account_name,
    (SELECT g.name FROM desk.agents g WHERE g.id = t.owner_id) AS owner_name,
    (SELECT g.name FROM desk.teams g WHERE g.id = t.team_id) AS team_name,
    ARRAY(SELECT u.number FROM desk.tickets u WHERE u.follows = t.id ORDER BY u.number) AS taken_up_by
"""
_SHOW = sa.text(f"SELECT {STATE_COLUMNS}, {_MORE} FROM {STATE_FROM} WHERE t.id = :id")  # noqa: S608  # our own columns
_OTHERS = """
SELECT t.number FROM desk.tickets t WHERE t.contact_id = :contact AND t.merged_into IS NULL AND t.id <> :id
   AND t.status <> 'closed' AND {visible} ORDER BY t.number DESC LIMIT 20
"""


async def ticket_document(connection: AsyncConnection, ref: str, who: Who) -> TicketDocument:
    """The ticket that works under `ref`, as far as `who` may see it. Raises Unknown."""
    row = await seen(connection, ref, who)
    [found] = await selected(connection, _SHOW, id=row.id)
    condition, values = visible(who)
    others = sa.text(_OTHERS.format(visible=condition))
    rows = await selected(connection, others, contact=found.contact_id, id=found.id, **values)
    return TicketDocument.model_validate({**state_fields(found), "open_of_contact": [each.number for each in rows]})
