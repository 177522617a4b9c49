"""Which acts were done: a key that comes again does nothing, and gives what the first time gave."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.errors import Invalid, Retryable
from bus.ticket_event import TicketEvent
from bus.ticket_state import TicketState
from bus.together import Writes
from ticketing.people.policy import Who
from ticketing.rows import selected, texts
from ticketing.state import STATE_COLUMNS, STATE_FROM, STATE_JSON

_FIND = sa.text("""
SELECT a.agent_id, a.digest, a.state, a.events, t.root_id FROM desk.acts a JOIN desk.tickets t ON t.id = a.ticket_id
WHERE a.key = :key
""")
_EVENTS = sa.text("SELECT document FROM desk.ticket_events WHERE event_id = ANY(CAST(:ids AS text[])) ORDER BY id")
_REMEMBER = sa.text(f"""
INSERT INTO desk.acts (key, agent_id, kind, digest, ticket_id, state, events, at)
SELECT :key, :agent, :kind, :digest, s.id, {STATE_JSON}, CAST(:events AS text[]), :now
  FROM (SELECT {STATE_COLUMNS} FROM {STATE_FROM} WHERE t.id = :ticket) s
    ON CONFLICT (key) DO NOTHING
RETURNING state
""")  # noqa: S608  # our own columns


class DoneMeanwhile(Retryable):
    """Something was done under this key; it has to be looked at."""

    def __init__(self) -> None:
        super().__init__("something else is done under this idempotency key")


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
    """What was done under this key."""
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
    writes: Writes,
    key: str,
    who: Who,
    kind: str,
    asked: str,
    ticket_id: str,
    events: tuple[TicketEvent, ...],
    now: datetime,
) -> int:
    """Keep what was done, with the ticket as the writes before leave it; the place at which `remembered` finds it."""
    values = {"key": key, "agent": who.agent_id, "kind": kind, "digest": asked, "ticket": ticket_id, "now": now}
    return await writes.execute(_REMEMBER, values | {"events": texts(event.event_id for event in events)})


def remembered(rows: Sequence[Any], events: tuple[TicketEvent, ...]) -> Performed:
    """What came of the act. Raises DoneMeanwhile."""
    if not rows:
        raise DoneMeanwhile
    document = TicketState.from_json(rows[0].state)
    return Performed(document, document.version, events)
