"""What filing reads, in a few set-based queries, all under the desk's lock."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.record import Position, Received
from ticketing.arrivals import Filed
from ticketing.delivery import Delivery
from ticketing.graph import Naming, Node, automatic_group, ticket_group
from ticketing.incoming import MACHINES, Ignorable, Incoming
from ticketing.match import Match
from ticketing.rows import texts, uuids
from ticketing.tickets import Requester, Ticket

_FILED = sa.text("""
SELECT m.id, m.revision, m.normalizer, m.raw_topic, m.raw_partition, m.raw_offset, t.root_id
FROM desk.messages m LEFT JOIN desk.tickets t ON t.id = m.ticket_id
WHERE m.id = ANY(CAST(:ids AS text[]))
""")

_NODE = """n.value, n.own, m.id, m.author_kind, m.author_address, m.addressed, m.dmarc, m.is_root, m.automatic_group,
       t.root_id FROM desk.names n JOIN desk.messages m ON m.id = n.message_id
       LEFT JOIN desk.tickets t ON t.id = m.ticket_id"""

# of a name that thousands mention, only mentions by or to people of this batch can join anything in it
_NAMINGS = sa.text(f"""
SELECT {_NODE} WHERE n.own AND n.value = ANY(CAST(:named AS uuid[]))
UNION ALL
SELECT {_NODE} WHERE NOT n.own AND n.value = ANY(CAST(:own AS uuid[]))
UNION ALL
SELECT {_NODE} WHERE NOT n.own AND n.value = ANY(CAST(:named AS uuid[])) AND n.value <> ALL(CAST(:own AS uuid[]))
   AND (m.author_address = ANY(CAST(:people AS text[])) OR m.addressed && CAST(:authors AS text[]))
""")

# all messages of one conversation are together already, so one of them stands for all
_CONVERSATIONS = sa.text(f"""
SELECT one.* FROM unnest(CAST(:threads AS uuid[])) AS thread(value),
LATERAL (SELECT {_NODE} WHERE n.value = thread.value AND m.dmarc IS DISTINCT FROM 'fail' LIMIT 1) AS one
""")  # noqa: S608  # our own text

_SURVIVORS = sa.text("SELECT id, root_id FROM desk.tickets WHERE id = ANY(CAST(:ids AS text[]))")

_TICKETS = sa.text("""
SELECT t.*, m.received_at, m.is_root, coalesce(c.root_id, c.id) AS requester_contact
FROM desk.tickets t LEFT JOIN desk.messages m ON m.id = t.requester_message_id
LEFT JOIN desk.contacts c ON c.id = m.contact_id
WHERE t.root_id = ANY(CAST(:ids AS text[])) ORDER BY t.id FOR UPDATE OF t
""")

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

_NUMBERS = sa.text("SELECT nextval('desk.ticket_number') AS number FROM generate_series(1, :count)")

_DOCUMENTS = sa.text("SELECT id, document FROM desk.messages WHERE id = ANY(CAST(:ids AS text[]))")


async def _all(connection: AsyncConnection, query: sa.TextClause, **values: object) -> Sequence[Any]:
    return (await connection.execute(query, values)).all()


async def filed(connection: AsyncConnection, ids: Iterable[str]) -> dict[str, Filed]:
    """What is on file under these message ids."""
    rows = await _all(connection, _FILED, ids=texts(ids))
    return {
        row.id: Filed(
            row.id,
            row.revision,
            row.normalizer,
            Position(row.raw_topic, row.raw_partition, row.raw_offset) if row.raw_topic is not None else None,
            row.root_id,
        )
        for row in rows
    }


async def namings(connection: AsyncConnection, fresh: Sequence[Incoming]) -> list[Naming]:
    """Who owns what these messages mention, who mentions them, and who may share an ancestor with them."""
    named = {name.value for message in fresh for name in message.named}
    own = {message.own for message in fresh}
    # an author of another kind is looked up by its bare address; who it is exactly is compared afterwards
    authors = {address for message in fresh for address in (message.person, message.author.address)}
    people = authors.union(*(message.addressed for message in fresh if message.named))
    values = {"named": uuids(named), "own": uuids(own), "people": texts(people), "authors": texts(authors)}
    rows = list(await _all(connection, _NAMINGS, **values))
    if threads := {message.thread for message in fresh if message.thread is not None}:
        rows += await _all(connection, _CONVERSATIONS, threads=uuids(threads))
    return [_naming(row) for row in rows]


def _naming(row: Any) -> Naming:  # noqa: ANN401  # a row of _NODE
    value: UUID = row.value
    person = row.author_address if row.author_kind == "email" else f"{row.author_kind}:{row.author_address}"
    group = ticket_group(row.root_id) if row.root_id is not None else automatic_group(row.automatic_group)
    node = Node(row.id, group, person, frozenset(row.addressed), row.dmarc == "fail", row.is_root)
    return Naming(value, row.own, node)


async def survivors(connection: AsyncConnection, ids: Collection[str]) -> dict[str, str]:
    """Of each of these tickets that exists, the one it is part of today."""
    return {row.id: row.root_id for row in await _all(connection, _SURVIVORS, ids=texts(ids))} if ids else {}


async def tickets(connection: AsyncConnection, ids: Collection[str], also: Collection[str] = ()) -> dict[str, Ticket]:
    """Survivors, locked with all that was merged into them, in the order of their ids; of these too what `also` has."""
    rows = await _all(connection, _TICKETS, ids=texts(ids)) if ids else ()
    return {row.id: _ticket(row) for row in rows if row.id == row.root_id or row.id in also}


async def bounced(connection: AsyncConnection, tickets: Collection[str], mails: Collection[str]) -> dict[str, Delivery]:
    """Deliveries of these tickets by the Message-ID of the mail; the tickets must be locked."""
    rows = await _all(connection, _BOUNCED, tickets=texts(tickets), mails=texts(mails)) if mails else ()
    return {
        row.message_id: Delivery(
            row.id, row.ticket_id, row.state, row.attempt, row.state_at, row.reason, row.next_attempt_at
        )
        for row in rows
    }


def _ticket(row: Any) -> Ticket:  # noqa: ANN401  # a row of _TICKETS
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
        messages=row.messages,
        attachments=row.attachments,
        version=row.version,
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
    connection: AsyncConnection, groups: Collection[str], decode: Callable[[Received], Incoming | Ignorable]
) -> dict[str, list[tuple[Incoming, Match]]]:
    """The machines' messages of these groups, each as it was decoded and matched when it came."""
    found: dict[str, list[tuple[Incoming, Match]]] = {group: [] for group in groups}
    for row in await _all(connection, _AUTOMATIC, groups=texts(groups)) if groups else ():
        headers = {"traceparent": row.traceparent.encode()} if row.traceparent else {}
        stamp = int(row.received_at.timestamp() * 1000)
        message = decode(Received("", 0, 0, None, row.document.encode(), stamp, headers))
        assert isinstance(message, Incoming)
        evidence = tuple((kind, text) for kind, text in row.match["evidence"])
        found[row.automatic_group].append((message, Match(row.match["rule"], row.match["confidence"], evidence)))
    return found


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


async def documents(connection: AsyncConnection, ids: Collection[str]) -> dict[str, str]:
    """The documents on file."""
    return {row.id: row.document for row in await _all(connection, _DOCUMENTS, ids=texts(ids))} if ids else {}
