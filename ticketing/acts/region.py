"""The part of the graph that an act changes: read with all its tickets locked, and what is written of it."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.errors import Invalid
from ticketing import load
from ticketing.acts.on_graph import Acting, Left, Member, Region
from ticketing.acts.scene import Scene
from ticketing.cuts import Cut
from ticketing.incoming import MACHINES
from ticketing.rows import encode, texts
from ticketing.tables import messages

_BY_NUMBER = sa.text("SELECT root_id FROM desk.tickets WHERE number = :number")
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
_LEFT = sa.text("""
SELECT t.id, (SELECT count(*) FROM desk.answers a WHERE a.ticket_id = t.id) AS answers,
       (SELECT count(*) FROM desk.ticket_files f WHERE f.ticket_id = t.id) AS files
FROM desk.tickets t WHERE t.root_id = ANY(CAST(:roots AS text[]))
""")
_CUTS_AT = sa.text("""
SELECT c.older, c.younger, c.kind, c.cause, o.root_id AS older_root, y.root_id AS younger_root
FROM desk.tickets t JOIN desk.cuts c ON c.older = t.id OR c.younger = t.id
JOIN desk.tickets o ON o.id = c.older JOIN desk.tickets y ON y.id = c.younger
WHERE t.root_id = ANY(CAST(:roots AS text[]))
""")
_SPLIT_FROM = sa.text("""
SELECT DISTINCT o.root_id FROM desk.cuts c JOIN desk.tickets o ON o.id = c.older
WHERE c.younger = :id AND c.kind IN ('split', 'wrong_ticket')
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


async def root_of_number(connection: AsyncConnection, number: int) -> str:
    """The survivor that works under this number. Raises Invalid."""
    root = await connection.scalar(_BY_NUMBER, {"number": number})
    if root is None:
        raise Invalid(f"there is no ticket {number}")
    return str(root)


async def split_from(connection: AsyncConnection, ticket_id: str) -> list[str]:
    """The survivors of what this ticket was split off."""
    rows = await connection.execute(_SPLIT_FROM, {"id": ticket_id})
    return [row.root_id for row in rows]


async def message_of(connection: AsyncConnection, given: str) -> tuple[str, str]:
    """A message by our id or by its source's: our id, and the ticket that it is part of. Raises Invalid."""
    rows = (await connection.execute(_BY_MESSAGE, {"id": given, "source": given.strip("<> ")})).all()
    if not rows:
        raise Invalid(f"no message {given} is filed; give a message_id or the id its source gave it")
    if len(rows) > 1 and rows[0].id != given:
        raise Invalid(f"{given} is {len(rows)} messages: {', '.join(row.id for row in rows)}; give one of these ids")
    if rows[0].root_id is None:
        raise Invalid(f"message {given} is automatic mail or feedback, in no ticket; make it one first")
    return rows[0].id, rows[0].root_id


async def messages_in(connection: AsyncConnection, root: str, given: Iterable[str]) -> list[str]:
    """The ids of messages, all of which are in this ticket. Raises Invalid."""
    found = [await message_of(connection, each) for each in given]
    if any(where != root for _, where in found):
        raise Invalid("the messages are not in one ticket, this one")
    return [id_ for id_, _ in found]


async def region(
    connection: AsyncConnection, roots: Iterable[str], aims: Sequence[str] = (), fresh: tuple[str, int] | None = None
) -> Region:
    """These groups, and of those at the other side of their cuts the tickets alone; all locked, the desk as well."""
    roots = frozenset(roots)
    found = (await connection.execute(_CUTS_AT, {"roots": texts(roots)})).all()
    wider = roots.union(*({row.older_root, row.younger_root} for row in found))
    tickets = await load.groups(connection, wider)
    values = {"roots": texts(roots), "machines": texts(sorted(MACHINES))}
    members = (await connection.execute(_MEMBERS, values)).all()
    left = (await connection.execute(_LEFT, {"roots": texts(roots)})).all()
    cuts = {Cut(row.older, row.younger, row.kind, row.cause) for row in found}
    return Region(
        tickets,
        {row.id: Member(**row._asdict()) for row in members},
        sorted(cuts, key=repr),
        roots,
        {row.id: Left(row.answers, row.files) for row in left if row.answers or row.files},
        aims,
        fresh,
    )


def acting(scene: Scene[Region]) -> Acting:
    """The act on the scene's region."""
    return Acting(scene.facts, scene.act, scene.now)


def leave(scene: Scene[Region], acting: Acting) -> None:
    """Put into the scene what has been done to the region."""
    done = acting.done
    for cut in done.lifted:
        scene.write(_LIFT, older=cut.older, younger=cut.younger, cause=cut.cause)
    if done.marked:
        marks = encode(messages.c.match, [done.marked[id_] for id_ in done.marked])
        scene.write(_MARK, ids=texts(done.marked), marks=marks)
    standing = [ticket for ticket in scene.facts.tickets.values() if ticket not in done.opened]
    scene.write(
        _ROOTS,
        ids=texts(ticket.id for ticket in standing),
        roots=texts(acting.root(ticket.id).id for ticket in standing),
        generations=[ticket.token_generation for ticket in standing],
    )
    decision = scene.decision
    decision.opened += done.opened
    decision.changed |= done.changed
    decision.attached |= done.moved
    decision.cuts += done.cuts
