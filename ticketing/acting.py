"""Acts of agents on the desk's graph: read, decided and written under the lock that filing takes."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bus.errors import Invalid
from bus.progress import database_error
from ticketing import load
from ticketing.acts import Act, Acting, Member, Region
from ticketing.arrivals import Arrivals
from ticketing.contacts import person_of
from ticketing.cuts import Cut
from ticketing.decision import Decision
from ticketing.incoming import MACHINES
from ticketing.rows import encode, texts
from ticketing.store import store
from ticketing.tables import DESK_LOCK, messages
from ticketing.tickets import Ticket
from ticketing.tokens import MOST_REVOCATIONS

_LOCK = sa.text("SELECT pg_advisory_xact_lock(:lock)")
_BY_NUMBER = sa.text("SELECT id, number, root_id FROM desk.tickets WHERE number = ANY(CAST(:numbers AS bigint[]))")
_BY_MESSAGE = sa.text("""
SELECT m.id, m.source_id, t.root_id FROM desk.messages m LEFT JOIN desk.tickets t ON t.id = m.ticket_id
WHERE m.id = :id OR m.source_id = :source ORDER BY m.id = :id DESC, m.received_at, m.id
""")
_MEMBERS = sa.text("""
SELECT m.id, m.ticket_id, m.automation <> ALL(CAST(:machines AS text[])) AS opens, m.automation, m.attachments,
       m.occurred_at, m.received_at, m.is_root, r.id AS contact_id, r.account_id, m.channel, m.account, m.subject,
       m.document::json->>'language' AS language
FROM desk.tickets t JOIN desk.messages m ON m.ticket_id = t.id
LEFT JOIN desk.contacts c ON c.id = m.contact_id LEFT JOIN desk.contacts r ON r.id = coalesce(c.root_id, c.id)
WHERE t.root_id = ANY(CAST(:roots AS text[]))
""")
_CUTS_AT = sa.text("""
SELECT c.older, c.younger, c.kind, c.cause, o.root_id AS older_root, y.root_id AS younger_root
FROM desk.tickets t JOIN desk.cuts c ON c.older = t.id OR c.younger = t.id
JOIN desk.tickets o ON o.id = c.older JOIN desk.tickets y ON y.id = c.younger
WHERE t.root_id = ANY(CAST(:roots AS text[]))
""")
_ROOTS = sa.text("""
UPDATE desk.tickets AS t SET root_id = n.root, token_generation = n.generation
FROM unnest(CAST(:ids AS text[]), CAST(:roots AS text[]), CAST(:generations AS int[])) AS n(id, root, generation)
WHERE t.id = n.id
""")
_LIFT = sa.text("DELETE FROM desk.cuts WHERE older = :older AND younger = :younger AND cause = :cause")
_MARK = sa.text("""
UPDATE desk.messages AS m SET match = m.match || jsonb_build_object('by_hand', CAST(n.mark AS jsonb))
FROM unnest(CAST(:ids AS text[]), CAST(:marks AS text[])) AS n(id, mark) WHERE m.id = n.id
""")
_LET_IN = sa.text(
    "INSERT INTO desk.participants (ticket_id, person, added_at) VALUES (:ticket, :person, :now) ON CONFLICT DO NOTHING"
)
_LET_OUT = sa.text("""
DELETE FROM desk.participants p USING desk.tickets t
WHERE p.ticket_id = t.id AND t.root_id = :ticket AND p.person = :person
""")


class Acts:
    """What agents may do. Every method is one transaction and gives the number of the ticket that came of it.

    Raises Invalid, with words for whoever acts, and Retryable.
    """

    def __init__(self, engine: AsyncEngine, act: Act, now: datetime) -> None:
        self._engine = engine
        self._act = act
        self._now = now

    async def merge(self, one: int, other: int) -> int:
        """Make two tickets one, under the lower number."""
        return await self._on_tickets((one, other), lambda acting, one_id, other_id: acting.merge(one_id, other_id))

    async def unmerge(self, number: int) -> int:
        """Take a merged ticket out again."""
        return await self._on_tickets((number,), lambda acting, id_: acting.unmerge(id_))

    async def unsplit(self, number: int) -> int:
        """Put what was split off back."""
        return await self._on_tickets((number,), lambda acting, id_: acting.unsplit(id_))

    async def revoke_tokens(self, number: int) -> int:
        """Make all reply tokens of a ticket worthless; those signed from now on are good."""
        return await self._on_tickets((number,), lambda acting, id_: acting.revoke_tokens(id_, MOST_REVOCATIONS))

    async def split(self, given: Sequence[str], *, wrong: bool = False, number: int | None = None) -> int:
        """Make a ticket of some messages of one. `given`: our ids or their sources'; `number`: where they must be."""
        async with _locked(self._engine) as connection:
            found = [await _message(connection, each) for each in given]
            region = await _region(connection, {root for _, root in found})
            if number is not None and {root for _, root in found} != {(await _tickets(connection, (number,)))[0][1]}:
                raise Invalid(f"not all of these messages are in ticket {number}")
            [fresh] = await load.numbers(connection, 1)
            acting = Acting(region, self._act, self._now)
            ticket = acting.split([id_ for id_, _ in found], lambda: (uuid4().hex, fresh), wrong=wrong)
            await self._write(connection, region, acting)
            return ticket.number

    async def move(self, given: str, number: int) -> int:
        """Put a message into another ticket; back again, and nothing has happened."""
        async with _locked(self._engine) as connection:
            id_, root = await _message(connection, given)
            [(ticket_id, target)] = await _tickets(connection, (number,))
            region = await _region(connection, {root, target})
            acting = Acting(region, self._act, self._now)
            ticket = acting.move(id_, ticket_id)
            await self._write(connection, region, acting)
            return ticket.number

    async def participant(self, number: int, address: str, *, remove: bool = False) -> int:
        """Let somebody into a ticket by mail address, or out."""
        async with _locked(self._engine) as connection:
            [(ticket_id, root)] = await _tickets(connection, (number,))
            values = {"ticket": root, "person": person_of("email", address.strip())}
            await connection.execute(_LET_OUT if remove else _LET_IN, values if remove else values | {"now": self._now})
            region = await _region(connection, {root})
            acting = Acting(region, self._act, self._now)
            ticket = acting.participants_changed(ticket_id)
            await self._write(connection, region, acting)
            return ticket.number

    async def _on_tickets(self, numbers: Sequence[int], do: Callable[..., Ticket]) -> int:
        async with _locked(self._engine) as connection:
            found = await _tickets(connection, numbers)
            region = await _region(connection, {root for _, root in found})
            acting = Acting(region, self._act, self._now)
            ticket = do(acting, *(id_ for id_, _ in found))
            await self._write(connection, region, acting)
            return ticket.number

    async def _write(self, connection: AsyncConnection, region: Region, acting: Acting) -> None:
        done = acting.done
        for cut in done.lifted:
            await connection.execute(_LIFT, {"older": cut.older, "younger": cut.younger, "cause": cut.cause})
        if done.marked:
            marks = encode(messages.c.match, [done.marked[id_] for id_ in done.marked])
            await connection.execute(_MARK, {"ids": texts(done.marked), "marks": marks})
        decision = Decision(opened=done.opened, changed=done.changed, attached=done.moved, cuts=done.cuts)
        standing = [ticket for ticket in region.tickets.values() if ticket not in done.opened]
        values = {
            "ids": texts(ticket.id for ticket in standing),
            "roots": texts(acting.root(ticket.id).id for ticket in standing),
            "generations": [ticket.token_generation for ticket in standing],
        }
        await connection.execute(_ROOTS, values)
        await store(connection, decision, Arrivals(), self._now)


@asynccontextmanager
async def _locked(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One transaction under the desk's lock, its database errors in our terms."""
    try:
        async with engine.begin() as connection:
            await connection.execute(_LOCK, {"lock": DESK_LOCK})
            yield connection
    except DBAPIError as error:
        raise database_error(error) from error


async def _tickets(connection: AsyncConnection, numbers: Sequence[int]) -> list[tuple[str, str]]:
    rows = (await connection.execute(_BY_NUMBER, {"numbers": list(numbers)})).all()
    found = {row.number: (row.id, row.root_id) for row in rows}
    missing = next((number for number in numbers if number not in found), None)
    if missing is not None:
        raise Invalid(f"there is no ticket {missing}; `deskstream tickets list` shows all")
    return [found[number] for number in numbers]


async def _message(connection: AsyncConnection, given: str) -> tuple[str, str]:
    rows = (await connection.execute(_BY_MESSAGE, {"id": given, "source": given.strip("<> ")})).all()
    if not rows:
        raise Invalid(f"no message {given} is filed; give a message_id or the id its source gave it")
    if len(rows) > 1 and rows[0].id != given:
        raise Invalid(f"{given} is {len(rows)} messages: {', '.join(row.id for row in rows)}; give one of these ids")
    if rows[0].root_id is None:
        raise Invalid(f"message {given} is automatic mail; `deskstream automatic to-ticket` makes it a ticket")
    return rows[0].id, rows[0].root_id


async def _region(connection: AsyncConnection, roots: set[str]) -> Region:
    """These groups, and of those at the other side of their cuts the tickets alone."""
    found = (await connection.execute(_CUTS_AT, {"roots": texts(roots)})).all()
    wider = roots.union(*({row.older_root, row.younger_root} for row in found))
    tickets = await load.groups(connection, wider)
    values = {"roots": texts(roots), "machines": texts(sorted(MACHINES))}
    members = (await connection.execute(_MEMBERS, values)).all()
    cuts = {Cut(row.older, row.younger, row.kind, row.cause) for row in found}
    return Region(tickets, {row.id: Member(**row._asdict()) for row in members}, sorted(cuts, key=repr))
