"""What the new figures say otherwise than the live ones, and what follows for their revisions."""

from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from metrics_worker.columns import Columns
from metrics_worker.rebuild.shadow import BULK, SHADOW
from metrics_worker.tables import SCHEMA

_EXAMPLES = 20

_OTHERWISE = """
    (coalesce(l.counts, '{}'), coalesce(l.durations, '{}')) <> (coalesce(s.counts, '{}'), coalesce(s.durations, '{}'))
"""
_DIFFERING = sa.text(f"""
    CREATE UNLOGGED TABLE {SHADOW}.differing AS
    SELECT key, coalesce(l.counts, '{{}}') AS live, l.durations AS live_durations,
           coalesce(s.counts, '{{}}') AS new, s.durations AS new_durations
    FROM {SCHEMA}.figures AS l FULL JOIN {SHADOW}.figures AS s USING (key)
    WHERE {_OTHERWISE}
""")  # noqa: S608
_FIRST = sa.text(f"""
    SELECT key, live, live_durations, new, new_durations FROM {SHADOW}.differing ORDER BY key LIMIT {_EXAMPLES}
""")  # noqa: S608
_DAYS = sa.text(f"""
    SELECT count(*) FROM {SCHEMA}.days AS l FULL JOIN {SHADOW}.days AS s USING (key, day)
    WHERE {_OTHERWISE}
""")  # noqa: S608

_REVISIONS = sa.text(f"""
    WITH regrouped AS MATERIALIZED (
        (SELECT contact_id, root_id FROM {SHADOW}.contacts EXCEPT SELECT contact_id, root_id FROM {SCHEMA}.contacts)
        UNION
        (SELECT contact_id, root_id FROM {SCHEMA}.contacts EXCEPT SELECT contact_id, root_id FROM {SHADOW}.contacts)
    ),
    shaken AS (
        SELECT key FROM {SHADOW}.differing
        UNION SELECT 'contact:' || m.contact_id FROM {SHADOW}.differing AS d
            JOIN {SHADOW}.contacts AS c ON d.key = 'contact:' || c.contact_id
            JOIN {SHADOW}.contacts AS m ON m.root_id = c.root_id
        UNION SELECT 'contact:' || m.contact_id FROM regrouped AS g
            JOIN {SHADOW}.contacts AS m ON m.root_id = g.root_id OR m.contact_id = g.contact_id
    )
    UPDATE {SHADOW}.figures AS s
    SET revision = n.revision, published_revision = n.published_revision, changed_at = n.changed_at
    FROM (
        SELECT key, l.revision + (key IN (SELECT key FROM shaken))::int AS revision, l.published_revision,
               greatest(s.changed_at, l.changed_at) AS changed_at
        FROM {SCHEMA}.figures AS l JOIN {SHADOW}.figures AS s USING (key)
    ) AS n
    WHERE n.key = s.key
      AND (s.revision, s.published_revision, s.changed_at) <> (n.revision, n.published_revision, n.changed_at)
""")  # noqa: S608

_LEFT = sa.text(f"""
    INSERT INTO {SHADOW}.figures (key, counts, revision, published_revision, changed_at)
    SELECT l.key, '{{}}', l.revision + ((l.counts, coalesce(l.durations, '{{}}')) <> ('{{}}', '{{}}'))::int,
           l.published_revision, l.changed_at
    FROM {SCHEMA}.figures AS l WHERE NOT EXISTS (SELECT FROM {SHADOW}.figures AS s WHERE s.key = l.key)
""")  # noqa: S608


@dataclass(slots=True)
class Difference:
    """What the new figures say otherwise: `keys` of how many keys, with some examples."""

    keys: int = 0
    days: int = 0
    examples: list[str] = field(default_factory=list)


async def difference(connection: AsyncConnection) -> Difference:
    """What is different, with some examples; which keys are stays in a table of the shadows' schema."""
    await connection.execute(BULK)
    await connection.execute(_DIFFERING)
    found = Difference(
        await connection.scalar(sa.text(f"SELECT count(*) FROM {SHADOW}.differing")) or 0,  # noqa: S608
        await connection.scalar(_DAYS) or 0,
    )
    for key, live, live_durations, new, new_durations in await connection.execute(_FIRST):
        before, after = Columns(live, live_durations).counters, Columns(new, new_durations).counters
        changes = [
            f"{counter} {before.get(counter, 0)} → {after.get(counter, 0)}"
            for counter in sorted(before.keys() | after.keys())
            if before.get(counter, 0) != after.get(counter, 0)
        ]
        found.examples.append(f"{key}: {', '.join(changes)}")
    return found


async def go_on_with_revisions(connection: AsyncConnection) -> None:
    """Revisions go on where they were, higher where a key shows something else; keys of nobody stay.

    After `difference`, in its transaction.
    """
    await connection.execute(_REVISIONS)
    await connection.execute(_LEFT)
