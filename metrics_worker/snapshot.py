"""Reading the figures of keys as they stand, with the position they stand at, in one statement."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from metrics_worker.contribution import CELL
from metrics_worker.event import time_of
from metrics_worker.figures import figures, summed

# what a contact shows is the sum of all that were merged with it
_READ = sa.text("""
    SELECT f.key, f.revision, f.changed_at, f.counters, g.contacts, g.counters AS others,
           CASE WHEN f.counters LIKE '%"unanswered"%' OR g.contacts IS NOT NULL THEN CASE
               WHEN f.key = 'desk' THEN (SELECT min(waiting_since) FROM metrics.clocks)
               WHEN f.key LIKE 'contact:%' THEN (
                    SELECT min(c.since) FROM unnest(coalesce(g.contacts, ARRAY[substr(f.key, 9)])) AS one(id),
                    LATERAL (SELECT min(waiting_since) AS since FROM metrics.clocks WHERE contact_id = one.id) AS c)
               WHEN f.key LIKE 'account:%' THEN
                    (SELECT min(waiting_since) FROM metrics.clocks WHERE account_id = substr(f.key, 9))
               WHEN f.key LIKE 'agent:%' THEN
                    (SELECT min(waiting_since) FROM metrics.clocks WHERE owner_id = substr(f.key, 7))
               WHEN f.key LIKE 'team:%' THEN
                    (SELECT min(waiting_since) FROM metrics.clocks WHERE team_id = substr(f.key, 6))
           END END AS waiting_since,
           (SELECT json_object_agg(p.partition, p.next_offset) FROM metrics.progress AS p
            WHERE p."group" = :group AND p.topic = :topic AND p.next_offset IS NOT NULL) AS offsets
    FROM metrics.figures AS f
    LEFT JOIN LATERAL (
        SELECT array_agg(m.contact_id ORDER BY m.contact_id) AS contacts,
               array_agg(o.counters) FILTER (WHERE m.contact_id <> c.contact_id) AS counters
        FROM metrics.contacts AS c JOIN metrics.contacts AS m ON m.root_id = c.root_id
        LEFT JOIN metrics.figures AS o ON o.key = 'contact:' || m.contact_id
        WHERE f.key LIKE 'contact:%' AND c.contact_id = substr(f.key, 9)
        HAVING count(*) > 1
    ) AS g ON true
    WHERE f.key = ANY(CAST(:keys AS text[]))
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
    rows = await connection.execute(_READ, {"keys": list(keys), "group": names.group, "topic": names.events})
    return [_document(row, every=every) for row in rows]


def _document(row: Any, *, every: bool) -> Document:  # noqa: ANN401  # a row of _READ
    counters: Mapping[str, int] = json.loads(row.counters)
    if row.others:
        counters = summed([counters, *(json.loads(other) for other in row.others if other is not None)])
    oldest_at = None if row.waiting_since is None else time_of(row.waiting_since)
    document: Document = {
        "kind": "customer.metrics.v1",
        "key": row.key,
        "as_of": {"offsets": _offsets(row.offsets), "at": row.changed_at},
        "revision": row.revision,
        "figures": figures(counters, oldest_at, every=every),
    }
    if row.contacts:
        document["contacts"] = row.contacts
    return document


def _offsets(found: Mapping[str, int] | None) -> dict[int, int]:
    return {int(partition): offset for partition, offset in sorted((found or {}).items(), key=lambda p: int(p[0]))}


async def unpublished(connection: AsyncConnection, most: int) -> Sequence[str]:
    """At most so many keys whose figures have changed since they were published."""
    return (await connection.scalars(_UNPUBLISHED, {"cell": CELL, "most": most})).all()


async def mark(connection: AsyncConnection, sent: Sequence[Document]) -> None:
    """These revisions stand on the topic."""
    sent = sorted(sent, key=lambda each: str(each["key"]))  # in the order in which a batch takes their rows
    await connection.execute(
        _MARK, {"keys": [each["key"] for each in sent], "revisions": [each["revision"] for each in sent]}
    )
