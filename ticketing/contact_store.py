"""Acts on contacts in the database, one transaction each: under the desk's lock, then the tickets', the outbox last."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bus.errors import Invalid, Retryable
from bus.progress import database_error
from bus.ticket_event import TicketEvent, event_id
from ticketing import contact_acts as acts
from ticketing import outbox
from ticketing.catching_up import catch_up_ids
from ticketing.contact_acts import Act, Contact, ContactDecision, Held
from ticketing.outbox import Told
from ticketing.rows import encode, texts
from ticketing.tables import DESK_LOCK
from ticketing.tables import contacts as contacts_table
from ticketing.tables import tickets as tickets_table

_LOCK = sa.text("SELECT pg_advisory_xact_lock(:lock)")
_DONE = sa.text("SELECT 1 FROM desk.contact_events WHERE event_id = :id")
_COLUMNS = "c.id, c.merged_into, coalesce(c.root_id, c.id) AS root_id, c.account_id, c.account_by, c.version"
_FIND = sa.text(f"""
SELECT {_COLUMNS} FROM desk.contacts c WHERE c.id = :key
    OR c.id IN (SELECT contact_id FROM desk.identities WHERE value IN (:key, lower(:key))) ORDER BY c.id
""")  # noqa: S608  # our own columns
_ONE = sa.text(f"SELECT {_COLUMNS} FROM desk.contacts c WHERE c.id = :id")  # noqa: S608  # as above
_BELOW = sa.text(f"""
WITH RECURSIVE below AS (
    SELECT id FROM desk.contacts WHERE merged_into = :id
    UNION SELECT c.id FROM desk.contacts c JOIN below b ON c.merged_into = b.id
) SELECT {_COLUMNS} FROM desk.contacts c JOIN below USING (id) ORDER BY c.id
""")  # noqa: S608  # as above
_HELD = sa.text("""
SELECT t.id, t.number, t.version, t.contact_id, t.account_id,
       coalesce(m.contact_id, t.own_contact_id, t.contact_id) AS own, t.next_due_at
  FROM desk.tickets t LEFT JOIN desk.messages m ON m.id = t.requester_message_id
 WHERE t.contact_id = :id ORDER BY t.id FOR UPDATE OF t
""")
_ACCOUNT = sa.text("SELECT id FROM desk.accounts WHERE id = :named OR key = :named OR name = :named ORDER BY id")
_OPEN_ACCOUNT = sa.text("INSERT INTO desk.accounts (id, key, name, created_at) VALUES (:id, :named, :named, :now)")
_CONTACTS = sa.text("""
UPDATE desk.contacts AS c SET merged_into = n.merged_into, root_id = nullif(n.root_id, c.id),
       account_id = n.account_id, account_by = n.account_by, version = n.version
  FROM unnest(CAST(:ids AS text[]), CAST(:merged AS text[]), CAST(:roots AS text[]), CAST(:accounts AS text[]),
              CAST(:by AS text[]), CAST(:versions AS int4[])) AS n(id, merged_into, root_id, account_id, account_by,
              version) WHERE c.id = n.id
""")
_TICKETS = sa.text("""
UPDATE desk.tickets AS t SET contact_id = n.contact_id, version = n.version, updated_at = :now,
       own_contact_id = CASE WHEN t.requester_message_id IS NULL THEN n.own END
  FROM unnest(CAST(:ids AS text[]), CAST(:contacts AS text[]), CAST(:own AS text[]), CAST(:versions AS int4[]))
    AS n(id, contact_id, own, version) WHERE t.id = n.id
""")
_APART = sa.text("INSERT INTO desk.contacts_apart (one, other, at) VALUES (:one, :other, :now) ON CONFLICT DO NOTHING")
_TOGETHER = sa.text("DELETE FROM desk.contacts_apart WHERE one = least(:a, :b) AND other = greatest(:a, :b)")
_IDENTIFYING = sa.text("""
UPDATE desk.identities SET identifying = :identifying WHERE value IN (:value, lower(:value))
    AND (CAST(:kind AS text) IS NULL OR kind = :kind)
""")


async def merge(engine: AsyncEngine, absorbed: str, survivor: str, act: Act) -> str:
    """Make one contact part of another (each by id or address); the survivor's id. Raises Invalid, Retryable."""
    async with acting(engine) as connection:
        one, other = await root_of(connection, absorbed), await root_of(connection, survivor)
        if await done(connection, one, act):
            return other.root_id
        tree, (tickets, owed) = await below(connection, one), await held(connection, one.id, act)
        decision = acts.merge(one, other, tree, tickets, act)
        await connection.execute(_TOGETHER, {"a": one.id, "b": other.id})
        await write(connection, decision, act)
        await tell(connection, decision, owed)
        return other.id


async def unmerge(engine: AsyncEngine, contact: str, act: Act) -> str:
    """Undo the merger of a contact; its id. Raises Invalid, Retryable."""
    async with acting(engine) as connection:
        one = await find(connection, contact)
        if await done(connection, one, act):
            return one.id
        survivor = await contact_by_id(connection, one.root_id)
        tree, (tickets, owed) = await below(connection, one), await held(connection, survivor.id, act)
        decision = acts.unmerge(one, survivor, tree, tickets, act)
        await write(connection, decision, act)
        await tell(connection, decision, owed)
        return one.id


async def move(engine: AsyncEngine, contact: str, account: str | None, act: Act, *, new: bool = False) -> str:
    """Let a contact belong to an account (by id, key or name; None: to none); the contact's id.

    `new`: make the account if there is none of this name. Raises Invalid, Retryable.
    """
    async with acting(engine) as connection:
        one = await root_of(connection, contact)
        if await done(connection, one, act):
            return one.id
        decision = acts.move(one, await account_named(connection, account, act, new=new) if account else None, act)
        await write(connection, decision, act)
        await tell(connection, decision)
        return one.id


async def mark(engine: AsyncEngine, value: str, *, kind: str | None, identifying: bool) -> int:
    """Say whether an identity is one person's; how many it was. Raises Invalid when nobody is known by it."""
    async with acting(engine) as connection:
        values = {"value": value, "kind": kind, "identifying": identifying}
        count = (await connection.execute(_IDENTIFYING, values)).rowcount
        if not count:
            raise Invalid(f"nobody is known by {value}; `deskstream contacts list` shows all")
        return count


@asynccontextmanager
async def acting(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """One transaction under the desk's lock, its database errors in our terms."""
    try:
        async with engine.begin() as connection:
            await connection.execute(_LOCK, {"lock": DESK_LOCK})
            yield connection
    except DBAPIError as error:
        raise database_error(error) from error
    except PoolTimeout as error:
        raise Retryable("the database: no connection is free") from error


async def find(connection: AsyncConnection, key: str) -> Contact:
    """The contact of an id or address. Raises Invalid when there is none, or several."""
    rows = (await connection.execute(_FIND, {"key": key})).all()
    if not rows:
        raise Invalid(f"there is no contact {key}; give a contact's id or address")
    if len(rows) > 1:
        raise Invalid(f"{key} is {len(rows)} contacts: {', '.join(row.id for row in rows)}; give one of these ids")
    return Contact(*rows[0])


async def contact_by_id(connection: AsyncConnection, id_: str) -> Contact:
    """The contact of an id that is there."""
    return Contact(*(await connection.execute(_ONE, {"id": id_})).one())


async def root_of(connection: AsyncConnection, key: str) -> Contact:
    """The contact that the one of an id or address is part of, or that one. Raises Invalid as `find`."""
    found = await find(connection, key)
    return found if found.id == found.root_id else await contact_by_id(connection, found.root_id)


async def below(connection: AsyncConnection, contact: Contact) -> list[Contact]:
    """All that was merged into it, at any remove."""
    return [Contact(*row) for row in await connection.execute(_BELOW, {"id": contact.id})]


async def held(connection: AsyncConnection, contact_id: str, act: Act) -> tuple[list[Held], list[Told[TicketEvent]]]:
    """The tickets, locked, and what their clocks owed."""
    rows = (await connection.execute(_HELD, {"id": contact_id})).all()
    late = [row.id for row in rows if row.next_due_at is not None and row.next_due_at <= act.now]
    owed = await catch_up_ids(connection, late, act.now) if late else []
    if late:
        rows = (await connection.execute(_HELD, {"id": contact_id})).all()
    return [Held(*row[:-1]) for row in rows], owed


async def done(connection: AsyncConnection, contact: Contact, act: Act) -> bool:
    """Whether this act was done to this contact before."""
    return (await connection.execute(_DONE, {"id": event_id(contact.id, act.key, 0)})).first() is not None


async def account_named(connection: AsyncConnection, named: str, act: Act, *, new: bool) -> str:
    """The id of an account by id, key or name; `new` makes it. Raises Invalid when there is none, or several."""
    rows = (await connection.execute(_ACCOUNT, {"named": named})).all()
    if len(rows) > 1:
        raise Invalid(f"{named} is {len(rows)} accounts: {', '.join(row.id for row in rows)}; give one of these ids")
    if rows:
        return str(rows[0].id)
    if not new:
        raise Invalid(f"there is no account {named}; --new makes it")
    id_ = uuid4().hex
    await connection.execute(_OPEN_ACCOUNT, {"id": id_, "named": named, "now": act.now})
    return id_


async def write(connection: AsyncConnection, decision: ContactDecision, act: Act) -> None:
    """Write contacts and tickets as decided."""
    found: Sequence[Contact] = decision.contacts
    await connection.execute(
        _CONTACTS,
        {
            "ids": texts(c.id for c in found),
            "merged": texts(c.merged_into for c in found),
            "roots": texts(c.root_id for c in found),
            "accounts": texts(c.account_id for c in found),
            "by": texts(c.account_by for c in found),
            "versions": encode(contacts_table.c.version, [c.version for c in found]),
        },
    )
    if decision.tickets:
        await connection.execute(
            _TICKETS,
            {
                "ids": texts(t.id for t in decision.tickets),
                "contacts": texts(t.contact_id for t in decision.tickets),
                "own": texts(t.own for t in decision.tickets),
                "versions": encode(tickets_table.c.version, [t.version for t in decision.tickets]),
                "now": act.now,
            },
        )
    if decision.apart:
        one, other = decision.apart
        await connection.execute(_APART, {"one": one, "other": other, "now": act.now})


async def tell(connection: AsyncConnection, decision: ContactDecision, owed: Sequence[Told[TicketEvent]] = ()) -> None:
    """Append what is told; the last thing in a transaction."""
    await outbox.append(
        connection,
        ticket_events=[*owed, *(Told(event) for event in decision.ticket_events)],
        contact_events=[Told(event) for event in decision.contact_events],
    )
