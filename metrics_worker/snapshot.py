"""Reading the figures of keys as they stand, with the position they stand at, in one statement."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from metrics_worker.columns import Columns, apart
from metrics_worker.contribution import CELL
from metrics_worker.event import time_of
from metrics_worker.figures import figures, summed

# What a contact shows is the sum of all that were merged with it. Figures' keys have an order of their own: indexes of
# other tables serve for keys as they were asked, not as they are stored here.
_READ = sa.text("""
    SELECT f.key, f.revision, f.changed_at, f.counts, f.durations, g.contacts, g.counts AS other_counts,
           g.durations AS other_durations,
           CASE WHEN f.counts LIKE '%"unanswered"%' OR g.contacts IS NOT NULL THEN CASE
               WHEN asked.key = 'desk' THEN (SELECT min(waiting_since) FROM metrics.clocks)
               WHEN asked.key LIKE 'contact:%' THEN (
                    SELECT min(c.since) FROM unnest(coalesce(g.contacts, ARRAY[substr(asked.key, 9)])) AS one(id),
                    LATERAL (SELECT min(waiting_since) AS since FROM metrics.clocks WHERE contact_id = one.id) AS c)
               WHEN asked.key LIKE 'account:%' THEN
                    (SELECT min(waiting_since) FROM metrics.clocks WHERE account_id = substr(asked.key, 9))
               WHEN asked.key LIKE 'agent:%' THEN
                    (SELECT min(waiting_since) FROM metrics.clocks WHERE owner_id = substr(asked.key, 7))
               WHEN asked.key LIKE 'team:%' THEN
                    (SELECT min(waiting_since) FROM metrics.clocks WHERE team_id = substr(asked.key, 6))
           END END AS waiting_since,
           (SELECT json_object_agg(p.partition, p.next_offset ORDER BY p.partition)::text FROM metrics.progress AS p
            WHERE p."group" = :group AND p.topic = :topic AND p.next_offset IS NOT NULL) AS offsets
    FROM unnest(CAST(:keys AS text[])) AS asked(key) JOIN metrics.figures AS f ON f.key = asked.key
    LEFT JOIN LATERAL (
        SELECT array_agg(m.contact_id ORDER BY m.contact_id) AS contacts,
               array_agg(o.counts) FILTER (WHERE m.contact_id <> c.contact_id) AS counts,
               array_agg(o.durations) FILTER (WHERE m.contact_id <> c.contact_id) AS durations
        FROM metrics.contacts AS c JOIN metrics.contacts AS m ON m.root_id = c.root_id
        LEFT JOIN metrics.figures AS o ON o.key = 'contact:' || m.contact_id
        WHERE asked.key LIKE 'contact:%' AND c.contact_id = substr(asked.key, 9)
        HAVING count(*) > 1
    ) AS g ON true
""")

_UNPUBLISHED = sa.text("""
    SELECT key FROM metrics.figures WHERE revision > published_revision AND strpos(key, :cell) = 0 LIMIT :most
""")

_MARK = sa.text("""
    UPDATE metrics.figures AS f SET published_revision = greatest(f.published_revision, sent.revision)
    FROM unnest(CAST(:keys AS text[]), CAST(:revisions AS bigint[])) AS sent(key, revision)
    WHERE f.key = sent.key
""")

Document = dict[str, Any]
"""Fields of bus.figures.CustomerMetrics."""


@dataclass(frozen=True, slots=True)
class Names:
    """The topics and the group that a worker works with."""

    events: str
    figures: str
    group: str
    contacts: str


async def read(
    connection: AsyncConnection, names: Names, keys: Sequence[str], *, every: bool = False
) -> list[Document]:
    """The documents of those keys that are known; `every`: with the figures that are 0."""
    found = await connection.execute(_READ, {"keys": list(keys), "group": names.group, "topic": names.events})
    rows = found.all()
    at = json.loads(rows[0].offsets or "{}") if rows else {}
    offsets = {int(partition): offset for partition, offset in at.items()}
    return [_document(row, offsets, every=every) for row in rows]


def _document(row: Any, offsets: Mapping[int, int], *, every: bool) -> Document:  # noqa: ANN401  # a row of _READ
    columns = Columns(row.counts, row.durations)
    counts, durations = columns.parts
    if row.other_counts:
        others = [Columns(*other) for other in zip(row.other_counts, row.other_durations, strict=True) if other[0]]
        counts, durations = apart(summed(each.counters for each in (columns, *others)))
    oldest_at = None if row.waiting_since is None else time_of(row.waiting_since)
    document: Document = {
        "kind": "customer.metrics.v1",
        "key": row.key,
        "as_of": {"offsets": offsets, "at": row.changed_at},
        "revision": row.revision,
        "figures": figures(counts, durations, oldest_at, every=every),
    }
    if row.contacts:
        document["contacts"] = row.contacts
    return document


async def unpublished(connection: AsyncConnection, most: int) -> Sequence[str]:
    """At most so many keys whose figures have changed since they were published."""
    return (await connection.scalars(_UNPUBLISHED, {"cell": CELL, "most": most})).all()


async def mark(connection: AsyncConnection, sent: Sequence[Document]) -> None:
    """These revisions stand on the topic."""
    sent = sorted(sent, key=lambda each: str(each["key"]))  # in the order in which a batch takes their rows
    await connection.execute(
        _MARK, {"keys": [each["key"] for each in sent], "revisions": [each["revision"] for each in sent]}
    )
