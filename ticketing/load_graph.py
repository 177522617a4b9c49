"""What filing reads of the graph: names, tickets that are claimed, cuts; all under the desk's lock."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.together import Statement, together
from ticketing.graph import Claims, Naming, Node, Standing, automatic_group, sent_node, ticket_group
from ticketing.incoming import Incoming
from ticketing.policy import Policy
from ticketing.rows import selected, texts, uuids

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


async def seen(
    connection: AsyncConnection, fresh: Sequence[Incoming], twice: Collection[UUID], policy: Policy, now: datetime
) -> tuple[list[Naming], Claims]:
    """Who owns what these messages mention, who mentions them, and who may share an ancestor with them; the tickets
    that they claim to belong to, and the mails of ours that they name.

    `twice`: names of these messages that others own as well.
    """
    threads = {message.thread for message in fresh if message.thread is not None}
    conversations: Statement | None = (_CONVERSATIONS, {"threads": uuids(threads)}) if threads else None
    asked = [_namings(fresh, twice), conversations, *_claims(fresh)]
    rows, found, by_id, by_number, ours = await together(connection, asked)
    roots = texts({row.root_id for row in found if row.root_id is not None})
    if found and await selected(connection, _HAS_CUTS, roots=roots):
        found += await selected(connection, _CUT_CONVERSATIONS, threads=uuids(threads))
    claims = Claims(
        {row.id: _standing(row, policy, now) for row in by_id},
        {row.number: _standing(row, policy, now, frozenset(row.participants)) for row in by_number},
        {row.message_id: sent_node(row.message_id, row.root_id, row.recipient, row.created_at) for row in ours},
    )
    return [_naming(row) for row in (*rows, *found)], claims


def _namings(fresh: Sequence[Incoming], twice: Collection[UUID]) -> Statement:
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
    return _NAMINGS, values


def _claims(fresh: Sequence[Incoming]) -> list[Statement | None]:
    """Tickets by id, tickets by number, mails of ours."""
    ids = {signed.ticket for message in fresh for signed in message.signed}
    ids |= {ticket for message in fresh for ticket in message.claimed}
    ids |= {ticket for message in fresh for ticket, _ in message.answered}
    sent = {named.text for message in fresh for _, named in message.answered}
    numbers = {number for message in fresh for number in message.numbers}
    return [
        (_STANDINGS, {"ids": texts(ids)}) if ids else None,
        (_NUMBERED, {"numbers": sorted(numbers)}) if numbers else None,
        (_SENT, {"ids": texts(sent)}) if sent else None,
    ]


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
    rows = await selected(connection, _CUTS, roots=texts(roots)) if roots else ()
    return {(row.older, row.younger) for row in rows if row.older != row.younger}


async def elders(connection: AsyncConnection, roots: Collection[str]) -> dict[str, set[str]]:
    """Of each ticket those from which it was cut away."""
    found: dict[str, set[str]] = {}
    for row in await selected(connection, _ELDERS, roots=texts(roots)) if roots else ():
        found.setdefault(row.younger, set()).add(row.older)
    return found


async def followers(connection: AsyncConnection, roots: Collection[str]) -> dict[str, list[str]]:
    """Of each closed ticket those that took it up again, the newest first."""
    found: dict[str, list[str]] = {}
    for row in await selected(connection, _FOLLOWERS, roots=texts(roots)) if roots else ():
        if row.younger != row.older:
            found.setdefault(row.older, []).append(row.younger)
    return found


async def numbers_of(connection: AsyncConnection, ids: Collection[str]) -> dict[str, int]:
    """The numbers of tickets."""
    return {row.id: row.number for row in await selected(connection, _NUMBERS_OF, ids=texts(ids))} if ids else {}
