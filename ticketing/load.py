"""What filing reads beside the graph (load_graph), in a few set-based queries, all under the desk's lock."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString, TypeAlias

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.record import Position, Received
from bus.together import Statement, together
from ticketing.arrivals import Copy, Filed
from ticketing.clocks import Clocks
from ticketing.delivery import Delivery
from ticketing.incoming import MACHINES, Ignorable, Incoming
from ticketing.match import Match
from ticketing.rows import selected as _all
from ticketing.rows import texts, uuids
from ticketing.tickets import Requester, Ticket

Decode: TypeAlias = Callable[[Received], Incoming | Ignorable]

_FILED = sa.text("""
SELECT m.id, m.revision, m.normalizer, m.raw_topic, m.raw_partition, m.raw_offset, t.root_id,
       m.aside
FROM desk.messages m LEFT JOIN desk.tickets t ON t.id = m.ticket_id
WHERE m.id = ANY(CAST(:ids AS text[]))
""")

_COPIES = sa.text("""
SELECT n.value, m.fingerprint, m.account, m.id, m.revision, m.normalizer, m.raw_topic, m.raw_partition, m.raw_offset,
       t.root_id, m.aside
FROM desk.names n JOIN desk.messages m ON m.id = n.message_id LEFT JOIN desk.tickets t ON t.id = m.ticket_id
WHERE n.own AND n.value = ANY(CAST(:own AS uuid[])) AND m.fingerprint IS NOT NULL
ORDER BY m.filed_at DESC, m.id
""")

OF_TICKETS: Final[LiteralString] = """
SELECT t.*, m.received_at, m.is_root, coalesce(c.root_id, c.id) AS requester_contact
FROM desk.tickets t LEFT JOIN desk.messages m ON m.id = t.requester_message_id
LEFT JOIN desk.contacts c ON c.id = m.contact_id
"""
"""What `ticket_of` makes a ticket of; a WHERE follows."""
LOCKED: Final[LiteralString] = "ORDER BY t.id FOR UPDATE OF t"
_TICKETS = sa.text(f"{OF_TICKETS} WHERE t.root_id = ANY(CAST(:ids AS text[])) {LOCKED}")
_THESE = sa.text(f"{OF_TICKETS} WHERE t.id = ANY(CAST(:ids AS text[])) {LOCKED}")


_CANDIDATES = sa.text("""
SELECT t.root_id, m.id, r.id AS contact_id, r.account_id, m.received_at, m.is_root
FROM desk.tickets t JOIN desk.messages m ON m.ticket_id = t.id
JOIN desk.contacts c ON c.id = m.contact_id JOIN desk.contacts r ON r.id = coalesce(c.root_id, c.id)
WHERE t.root_id = ANY(CAST(:ids AS text[])) AND m.automation <> ALL(CAST(:machines AS text[]))
""")

_AUTOMATIC = sa.text("""
SELECT automatic_group, document, traceparent, received_at, match FROM desk.messages
WHERE automatic_group = ANY(CAST(:groups AS text[])) AND ticket_id IS NULL ORDER BY received_at, id
""")

_CONTACTS = sa.text("""
SELECT w.person, coalesce(c.root_id, c.id) AS contact_id
FROM unnest(CAST(:persons AS text[]), CAST(:kinds AS text[]), CAST(:values AS text[])) AS w(person, kind, value)
JOIN desk.identities i ON i.kind = w.kind AND i.value = w.value JOIN desk.contacts c ON c.id = i.contact_id
""")

_BOUNCED = sa.text("""
SELECT id, ticket_id, state, attempt, state_at, reason, next_attempt_at, message_id FROM desk.replies
WHERE ticket_id = ANY(CAST(:tickets AS text[])) AND message_id = ANY(CAST(:mails AS text[]))
""")

_ACCOUNT_OF = sa.text("SELECT account_id FROM desk.contacts WHERE id = :id")

_NUMBERS = sa.text("SELECT nextval('desk.ticket_number') AS number FROM generate_series(1, :count)")

_STATES = sa.text("""
SELECT m.id, coalesce(s.document, m.document) AS document, m.received_at, m.traceparent
FROM desk.messages m LEFT JOIN desk.message_states s ON s.message_id = m.id
WHERE m.id = ANY(CAST(:ids AS text[])) ORDER BY m.id, s.place
""")


@dataclass(frozen=True, slots=True)
class OnFile:
    """What the desk has of a batch already: by the ids of its messages, and by the Message-IDs of the others."""

    filed: dict[str, Filed]
    copies: list[Copy]


async def on_file(
    connection: AsyncConnection, batch: Sequence[Incoming], *, before: Sequence[Statement] = ()
) -> tuple[list[list[Any]], OnFile]:
    """What of these messages is on file; `before`: statements to execute first, and the rows that they return."""
    own = uuids({message.own for message in batch if message.fingerprint is not None})
    asked: list[Statement] = [(_FILED, {"ids": texts({message.id for message in batch})}), (_COPIES, {"own": own})]
    *rows, filed, copies = await together(connection, [*before, *asked])
    known = {row.id: _filed(row) for row in filed}
    fresh = {message.own for message in batch if message.fingerprint is not None and message.id not in known}
    return rows, OnFile(
        known, [Copy(row.value, row.fingerprint, row.account, _filed(row)) for row in copies if row.value in fresh]
    )


def _filed(row: Any) -> Filed:  # noqa: ANN401  # a row of _FILED
    raw = Position(row.raw_topic, row.raw_partition, row.raw_offset) if row.raw_topic is not None else None
    return Filed(row.id, row.revision, row.normalizer, raw, row.root_id, row.aside)


async def groups(connection: AsyncConnection, roots: Collection[str]) -> dict[str, Ticket]:
    """Survivors and all that was merged into them, locked in the order of their ids."""
    rows = await _all(connection, _TICKETS, ids=texts(roots)) if roots else ()
    return {row.id: ticket_of(row) for row in rows}


async def tickets(connection: AsyncConnection, ids: Collection[str], also: Collection[str] = ()) -> dict[str, Ticket]:
    """Survivors, locked with all that was merged into them, in the order of their ids; of these too what `also` has."""
    rows = await _all(connection, _TICKETS, ids=texts(ids)) if ids else ()
    return {row.id: ticket_of(row) for row in rows if row.id == row.root_id or row.id in also}


async def with_ids(connection: AsyncConnection, ids: Collection[str]) -> dict[str, Ticket]:
    """These very tickets, locked in the order of their ids."""
    rows = await _all(connection, _THESE, ids=texts(ids)) if ids else ()
    return {row.id: ticket_of(row) for row in rows}


async def bounced(connection: AsyncConnection, tickets: Collection[str], mails: Collection[str]) -> dict[str, Delivery]:
    """Deliveries of these tickets by the Message-ID of the mail; the tickets must be locked."""
    rows = await _all(connection, _BOUNCED, tickets=texts(tickets), mails=texts(mails)) if mails else ()
    return {
        row.message_id: Delivery(
            row.id, row.ticket_id, row.state, row.attempt, row.state_at, row.reason, row.next_attempt_at
        )
        for row in rows
    }


def ticket_of(row: Any) -> Ticket:  # noqa: ANN401  # a row of OF_TICKETS
    """The ticket as filing and acts change it."""
    requester = None
    if row.requester_message_id is not None:
        requester = Requester(
            row.requester_message_id, row.requester_contact, row.received_at, row.is_root, row.account_id
        )
    return Ticket(
        id=row.id,
        number=row.number,
        contact_id=row.contact_id,
        account_id=row.account_id,
        channel=row.channel,
        account=row.account,
        subject=row.subject,
        language=row.language,
        opened_at=row.opened_at,
        last_message_at=row.last_message_at,
        updated_at=row.updated_at,
        requester=requester,
        status=row.status,
        priority=row.priority,
        closed_at=row.closed_at,
        merged_into=row.merged_into,
        follows=row.follows,
        possible_reply_to=row.possible_reply_to,
        token_generation=row.token_generation,
        department=row.department,
        messages=row.messages,
        attachments=row.attachments,
        replies=row.replies,
        version=row.version,
        category=row.category,
        ticket_kind=row.ticket_kind,
        owner_id=row.owner_id,
        team_id=row.team_id,
        tags=row.tags,
        due_at=row.due_at,
        spam=row.spam,
        timed=Clocks.from_json(row.clocks),
    )


async def candidates(
    connection: AsyncConnection, tickets: Collection[str], lost: Collection[str]
) -> dict[str, list[Requester]]:
    """All that may be requester of these tickets, when the messages of `lost` are roots no more."""
    found: dict[str, list[Requester]] = {id_: [] for id_ in tickets}
    if tickets:
        for row in await _all(connection, _CANDIDATES, ids=texts(tickets), machines=texts(sorted(MACHINES))):
            root = row.is_root and row.id not in lost
            found[row.root_id].append(Requester(row.id, row.contact_id, row.received_at, root, row.account_id))
    return found


async def automatic(
    connection: AsyncConnection, groups: Collection[str], decode: Decode
) -> dict[str, list[tuple[Incoming, Match]]]:
    """The machines' messages of these groups, each as it was decoded and matched when it came."""
    found: dict[str, list[tuple[Incoming, Match]]] = {group: [] for group in groups}
    for row in await _all(connection, _AUTOMATIC, groups=texts(groups)) if groups else ():
        message = again(row.document, row.received_at, row.traceparent, decode)
        found[row.automatic_group].append((message, match_of(row.match)))
    return found


def match_of(stored: Mapping[str, Any]) -> Match:
    """A match as it was stored."""
    evidence = tuple((kind, text) for kind, text in stored["evidence"])
    tried = tuple((rule, reason) for rule, reason in stored.get("tried", ()))
    return Match(stored["rule"], stored["confidence"], evidence, tried, tuple(stored.get("warnings", ())))


async def contacts(connection: AsyncConnection, people: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Contacts by person; `people`: person → (kind, value) of its identity."""
    if not people:
        return {}
    kinds, values = texts(kind for kind, _ in people.values()), texts(value for _, value in people.values())
    rows = await _all(connection, _CONTACTS, persons=texts(people), kinds=kinds, values=values)
    return {row.person: row.contact_id for row in rows}


async def numbers(connection: AsyncConnection, count: int) -> list[int]:
    """So many new ticket numbers, rising."""
    return sorted(row.number for row in await _all(connection, _NUMBERS, count=count)) if count else []


async def states(connection: AsyncConnection, ids: Collection[str], decode: Decode) -> dict[str, list[Incoming]]:
    """All states of these messages, in the order this desk heard of them."""
    found: dict[str, list[Incoming]] = {}
    for row in await _all(connection, _STATES, ids=texts(ids)) if ids else ():
        message = again(row.document, row.received_at, row.traceparent, decode)
        found.setdefault(row.id, []).append(message)
    return found


def again(document: str, received_at: datetime, traceparent: str | None, decode: Decode) -> Incoming:
    """A message as it is decoded from the document that is kept of it."""
    headers = {"traceparent": traceparent.encode()} if traceparent else {}
    message = decode(Received("", 0, 0, None, document.encode(), int(received_at.timestamp() * 1000), headers))
    assert isinstance(message, Incoming)
    return message


async def account_of(connection: AsyncConnection, contact_id: str | None) -> str | None:
    """The account that a contact's new tickets go under."""
    found: str | None = await connection.scalar(_ACCOUNT_OF, {"id": contact_id})
    return found
