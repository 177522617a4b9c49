"""Reading the figures of keys as they stand, with the position they stand at, in one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.figures import AsOf, CustomerMetrics
from metrics_worker.figures import document

_READ = sa.text("""
    SELECT k.key, k.revision, k.changed_at,
           (SELECT json_object_agg(c.figure, c.n) FROM metrics.counters AS c WHERE c.key = k.key) AS counters,
           (SELECT json_object_agg(p.partition, p.next_offset) FROM metrics.progress AS p
            WHERE p."group" = :group AND p.topic = :topic AND p.next_offset IS NOT NULL) AS offsets
    FROM metrics.keys AS k WHERE k.key = ANY(CAST(:keys AS text[]))
""")

_UNPUBLISHED = sa.text("SELECT key FROM metrics.keys WHERE revision > published_revision")

_MARK = sa.text("""
    UPDATE metrics.keys AS k SET published_revision = greatest(k.published_revision, sent.revision)
    FROM unnest(CAST(:keys AS text[]), CAST(:revisions AS bigint[])) AS sent(key, revision)
    WHERE k.key = sent.key
""")


@dataclass(frozen=True, slots=True)
class Names:
    """The topics and the group that a worker works with."""

    events: str
    figures: str
    group: str


async def read(connection: AsyncConnection, names: Names, keys: Sequence[str]) -> list[CustomerMetrics]:
    """The documents of those keys that are known."""
    rows = await connection.execute(_READ, {"keys": list(keys), "group": names.group, "topic": names.events})
    return [
        document(row.key, row.revision, row.counters or {}, AsOf(offsets=_offsets(row.offsets), at=row.changed_at))
        for row in rows
    ]


def _offsets(found: Mapping[str, int] | None) -> dict[int, int]:
    return {int(partition): offset for partition, offset in sorted((found or {}).items(), key=lambda p: int(p[0]))}


async def unpublished(connection: AsyncConnection) -> set[str]:
    """Keys whose figures have changed since they were published."""
    return set((await connection.scalars(_UNPUBLISHED)).all())


async def mark(connection: AsyncConnection, sent: Sequence[CustomerMetrics]) -> None:
    """These revisions stand on the topic."""
    await connection.execute(
        _MARK, {"keys": [each.key for each in sent], "revisions": [each.revision for each in sent]}
    )
