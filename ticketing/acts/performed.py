"""Which acts were done: a key that comes again does nothing, and gives what the first time gave."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.errors import Invalid
from bus.ticket_event import TicketEvent
from bus.ticket_state import TicketState
from ticketing.acts.tables import acts
from ticketing.people.policy import Who
from ticketing.rows import selected, texts

_ONE_AT_A_TIME = sa.text("SELECT pg_advisory_xact_lock(1633907811, hashtext(:key))")
_FIND = sa.text("""
SELECT a.agent_id, a.digest, a.state, a.events, t.root_id FROM desk.acts a JOIN desk.tickets t ON t.id = a.ticket_id
WHERE a.key = :key
""")
_EVENTS = sa.text("SELECT document FROM desk.ticket_events WHERE event_id = ANY(CAST(:ids AS text[])) ORDER BY id")


@dataclass(frozen=True, slots=True)
class Performed:
    """What came of an act: the ticket's document after it, that one's version, and the events in their order."""

    document: TicketState
    version: int
    events: tuple[TicketEvent, ...]


@dataclass(frozen=True, slots=True)
class Earlier:
    """An act that was done under this key. `root_id`: the ticket that came of it, as it is called today."""

    agent_id: str
    digest: str
    root_id: str
    performed: Performed


def digest(kind: str, given: str) -> str:
    """What was asked, in short. `given`: the input as JSON."""
    return hashlib.sha256(f"{kind}\0{given}".encode("utf-8", "surrogatepass")).hexdigest()


async def earlier(connection: AsyncConnection, key: str) -> Earlier | None:
    """What was done under this key; until the transaction ends nobody else does anything under it."""
    await connection.execute(_ONE_AT_A_TIME, {"key": key})
    row = (await connection.execute(_FIND, {"key": key})).one_or_none()
    if row is None:
        return None
    found = await selected(connection, _EVENTS, ids=texts(row.events))
    document = TicketState.from_json(row.state)
    events = tuple(TicketEvent.from_json(each.document) for each in found)
    return Earlier(row.agent_id, row.digest, row.root_id, Performed(document, document.version, events))


def same(before: Earlier, who: Who, asked: str, root: str | None) -> Performed:
    """The first result. Raises Invalid when the key was another act's: other words, another ticket, somebody else's."""
    if before.agent_id != who.agent_id or before.digest != asked or (root is not None and before.root_id != root):
        raise Invalid("this idempotency key belongs to another act; take a new one for each act")
    return before.performed


async def remember(
    connection: AsyncConnection, key: str, who: Who, kind: str, asked: str, done: Performed, now: datetime
) -> None:
    """Keep what was done."""
    await connection.execute(
        sa.insert(acts).values(
            key=key,
            agent_id=who.agent_id,
            kind=kind,
            digest=asked,
            ticket_id=done.document.id,
            state=done.document.to_json().decode(),
            events=[event.event_id for event in done.events],
            at=now,
        )
    )
