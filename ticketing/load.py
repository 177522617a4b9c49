"""What filing reads, in a few set-based queries, all under the desk's lock."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.record import Position, Received
from ticketing.arrivals import Copy, Filed
from ticketing.delivery import Delivery
from ticketing.graph import Claims, Naming, Node, Standing, automatic_group, sent_node, ticket_group
from ticketing.incoming import MACHINES, Ignorable, Incoming
from ticketing.match import Match
from ticketing.policy import Policy
from ticketing.rows import texts, uuids
from ticketing.tickets import Requester, Ticket

_FILED = sa.text("""
SELECT m.id, m.revision, m.normalizer, m.raw_topic, m.raw_partition, m.raw_offset, t.root_id
FROM desk.messages m LEFT JOIN desk.tickets t ON t.id = m.ticket_id
WHERE m.id = ANY(CAST(:ids AS text[]))
""")

_NODE = """n.value, n.own, m.id, m.author_kind, m.author_address, m.addressed, m.dmarc, m.authentic, m.received_at,
       m.is_root, m.acquainted, m.match->>'rule' = 'reply_token' AS by_token, m.automatic_group, t.root_id
       FROM desk.names n JOIN desk.messages m ON m.id = n.message_id LEFT JOIN desk.tickets t ON t.id = m.ticket_id"""

# of a name that thousands mention, only mentions by or to people of this batch can join anything in it
_NAMINGS = sa.text(f"""
SELECT {_NODE} WHERE n.own AND n.value = ANY(CAST(:owned AS uuid[]))
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

# a conversation that was cut is in several tickets
_CUT_CONVERSATIONS = sa.text(f"""
SELECT DISTINCT ON (n.value, t.root_id) {_NODE}
WHERE n.value = ANY(CAST(:threads AS uuid[])) AND m.dmarc IS DISTINCT FROM 'fail' AND t.root_id IS NOT NULL
ORDER BY n.value, t.root_id, m.id
""")  # noqa: S608  # our own text
_HAS_CUTS = sa.text("""
SELECT true FROM desk.tickets t JOIN desk.cuts c ON c.older = t.id OR c.younger = t.id
WHERE t.root_id = ANY(CAST(:roots AS text[])) LIMIT 1
""")

_COPIES = sa.text("""
SELECT n.value, m.fingerprint, m.account, m.id, m.revision, m.normalizer, m.raw_topic, m.raw_partition, m.raw_offset,
       t.root_id
FROM desk.names n JOIN desk.messages m ON m.id = n.message_id LEFT JOIN desk.tickets t ON t.id = m.ticket_id
WHERE n.own AND n.value = ANY(CAST(:own AS uuid[])) AND m.fingerprint IS NOT NULL
ORDER BY m.filed_at DESC, m.id
""")

_STANDING = """t.id, t.root_id, t.number, t.account, t.token_generation, r.status, r.closed_at"""
_STANDINGS = sa.text(f"""
SELECT {_STANDING} FROM desk.tickets t JOIN desk.tickets r ON r.id = t.root_id WHERE t.id = ANY(CAST(:ids AS text[]))
""")  # noqa: S608  # our own text
_NUMBERED = sa.text(f"""
SELECT {_STANDING},
       ARRAY(SELECT CASE i.kind WHEN 'email' THEN i.value ELSE i.kind || ':' || i.value END FROM desk.identities i
             WHERE (i.contact_id = t.contact_id OR i.contact_id IN (
                    SELECT c.id FROM desk.contacts c WHERE c.root_id = t.contact_id))
             UNION SELECT p.person FROM desk.participants p JOIN desk.tickets o ON o.id = p.ticket_id
             WHERE o.root_id = t.root_id) AS participants
FROM desk.tickets t JOIN desk.tickets r ON r.id = t.root_id WHERE t.number = ANY(CAST(:numbers AS bigint[]))
""")  # noqa: S608  # our own text
_SENT = sa.text("""
SELECT r.message_id, r.recipient, r.created_at, t.root_id FROM desk.replies r JOIN desk.tickets t ON t.id = r.ticket_id
WHERE r.message_id = ANY(CAST(:ids AS text[])) AND r.channel = 'email'
""")

# the tickets of both ends as they are today; what was merged by hand has no cut any more
_CUTS = sa.text("""
SELECT DISTINCT o.root_id AS older, y.root_id AS younger
FROM desk.tickets t JOIN desk.cuts c ON c.older = t.id JOIN desk.tickets o ON o.id = c.older
JOIN desk.tickets y ON y.id = c.younger
WHERE t.root_id = ANY(CAST(:roots AS text[])) AND y.root_id = ANY(CAST(:roots AS text[]))
""")
_ELDERS = sa.text("""
SELECT DISTINCT y.root_id AS younger, o.root_id AS older
FROM desk.tickets y JOIN desk.cuts c ON c.younger = y.id JOIN desk.tickets o ON o.id = c.older
WHERE y.root_id = ANY(CAST(:roots AS text[]))
""")
_FOLLOWERS = sa.text("""
SELECT DISTINCT o.root_id AS older, r.id AS younger, r.number
FROM desk.tickets o JOIN desk.cuts c ON c.older = o.id AND c.kind = 'follow_up'
JOIN desk.tickets y ON y.id = c.younger JOIN desk.tickets r ON r.id = y.root_id
WHERE o.root_id = ANY(CAST(:roots AS text[])) ORDER BY r.number DESC
""")
_NUMBERS_OF = sa.text("SELECT id, number FROM desk.tickets WHERE id = ANY(CAST(:ids AS text[]))")

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
    return {row.id: _filed(row) for row in rows}


def _filed(row: Any) -> Filed:  # noqa: ANN401  # a row of _FILED
    raw = Position(row.raw_topic, row.raw_partition, row.raw_offset) if row.raw_topic is not None else None
    return Filed(row.id, row.revision, row.normalizer, raw, row.root_id)


async def copies(connection: AsyncConnection, batch: Iterable[Incoming]) -> list[Copy]:
    """Filed mails with the Message-IDs of these."""
    own = {message.own for message in batch if message.fingerprint is not None}
    rows = await _all(connection, _COPIES, own=uuids(own)) if own else ()
    return [Copy(row.value, row.fingerprint, row.account, _filed(row)) for row in rows]


async def namings(connection: AsyncConnection, fresh: Sequence[Incoming], twice: Collection[UUID]) -> list[Naming]:
    """Who owns what these messages mention, who mentions them, and who may share an ancestor with them.

    `twice`: names of these messages that others own as well.
    """
    named = {name.value for message in fresh for name in message.named}
    own = {message.own for message in fresh}
    # an author of another kind is looked up by its bare address; who it is exactly is compared afterwards
    authors = {address for message in fresh for address in (message.person, message.author.address)}
    people = authors.union(*(message.addressed for message in fresh if message.named))
    values = {
        "owned": uuids(named.union(own.intersection(twice))),
        "named": uuids(named),
        "own": uuids(own),
        "people": texts(people),
        "authors": texts(authors),
    }
    rows = list(await _all(connection, _NAMINGS, **values))
    if threads := {message.thread for message in fresh if message.thread is not None}:
        found = await _all(connection, _CONVERSATIONS, threads=uuids(threads))
        roots = texts({row.root_id for row in found if row.root_id is not None})
        if found and await _all(connection, _HAS_CUTS, roots=roots):
            found = [*found, *await _all(connection, _CUT_CONVERSATIONS, threads=uuids(threads))]
        rows += found
    return [_naming(row) for row in rows]


def _naming(row: Any) -> Naming:  # noqa: ANN401  # a row of _NODE
    value: UUID = row.value
    person = row.author_address if row.author_kind == "email" else f"{row.author_kind}:{row.author_address}"
    group = ticket_group(row.root_id) if row.root_id is not None else automatic_group(row.automatic_group)
    node = Node(
        row.id,
        group,
        person,
        frozenset(row.addressed),
        row.dmarc == "fail",
        row.authentic,
        row.received_at,
        row.is_root,
        row.acquainted,
        row.by_token,
    )
    return Naming(value, row.own, node)


async def claims(connection: AsyncConnection, fresh: Sequence[Incoming], policy: Policy, now: datetime) -> Claims:
    """The tickets that these messages claim to belong to, and the mails of ours that they name."""
    ids = {signed.ticket for message in fresh for signed in message.signed}
    ids |= {ticket for message in fresh for ticket in message.claimed}
    ids |= {ticket for message in fresh for ticket, _ in message.answered}
    sent = {named.text for message in fresh for _, named in message.answered}
    numbers = {number for message in fresh for number in message.numbers}
    by_id = await _all(connection, _STANDINGS, ids=texts(ids)) if ids else ()
    by_number = await _all(connection, _NUMBERED, numbers=sorted(numbers)) if numbers else ()
    ours = await _all(connection, _SENT, ids=texts(sent)) if sent else ()
    return Claims(
        {row.id: _standing(row, policy, now) for row in by_id},
        {row.number: _standing(row, policy, now, frozenset(row.participants)) for row in by_number},
        {row.message_id: sent_node(row.message_id, row.root_id, row.recipient, row.created_at) for row in ours},
    )


def _standing(
    row: Any,  # noqa: ANN401  # a row of _STANDING
    policy: Policy,
    now: datetime,
    participants: frozenset[str] = frozenset(),
) -> Standing:
    expired = row.closed_at is not None and now > row.closed_at + policy.reopens(row.account).window
    return Standing(
        row.id,
        row.root_id,
        row.number,
        policy.department(row.account),
        row.token_generation,
        expired and row.status == "closed",
        participants,
    )


async def cuts(connection: AsyncConnection, roots: Collection[str]) -> set[tuple[str, str]]:
    """The cuts among these tickets, each (older, younger)."""
    rows = await _all(connection, _CUTS, roots=texts(roots)) if roots else ()
    return {(row.older, row.younger) for row in rows if row.older != row.younger}


async def elders(connection: AsyncConnection, roots: Collection[str]) -> dict[str, set[str]]:
    """Of each ticket those from which it was cut away."""
    found: dict[str, set[str]] = {}
    for row in await _all(connection, _ELDERS, roots=texts(roots)) if roots else ():
        found.setdefault(row.younger, set()).add(row.older)
    return found


async def followers(connection: AsyncConnection, roots: Collection[str]) -> dict[str, list[str]]:
    """Of each closed ticket those that took it up again, the newest first."""
    found: dict[str, list[str]] = {}
    for row in await _all(connection, _FOLLOWERS, roots=texts(roots)) if roots else ():
        if row.younger != row.older:
            found.setdefault(row.older, []).append(row.younger)
    return found


async def numbers_of(connection: AsyncConnection, ids: Collection[str]) -> dict[str, int]:
    """The numbers of tickets."""
    return {row.id: row.number for row in await _all(connection, _NUMBERS_OF, ids=texts(ids))} if ids else {}


async def groups(connection: AsyncConnection, roots: Collection[str]) -> dict[str, Ticket]:
    """Survivors and all that was merged into them, locked in the order of their ids."""
    rows = await _all(connection, _TICKETS, ids=texts(roots)) if roots else ()
    return {row.id: _ticket(row) for row in rows}


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


def _ticket(row: Any) -> Ticket:  # noqa: ANN401  # a row of tickets with its requester's message
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


async def documents(connection: AsyncConnection, ids: Collection[str]) -> dict[str, str]:
    """The documents on file."""
    return {row.id: row.document for row in await _all(connection, _DOCUMENTS, ids=texts(ids))} if ids else {}
