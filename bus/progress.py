"""Fenced progress: how far a group has come, kept in the database beside the work it did.

Each assignment raises the epoch of its partitions; a batch moves `next_offset` in its own transaction, and only
under the epoch it was assigned. Whoever finds another epoch has been replaced (reliability, Progress).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bus.errors import ConfigError, Fenced, Invalid, Retryable
from bus.record import Partition, Received


def progress_table(metadata: sa.MetaData) -> sa.Table:
    """The table, in the schema of the service that owns it."""
    return sa.Table(
        "progress",
        metadata,
        sa.Column("group", sa.Text, primary_key=True),
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("partition", sa.Integer, primary_key=True),
        sa.Column("cluster_id", sa.Text, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("next_offset", sa.BigInteger, nullable=True),
    )


_MOVE = """
    UPDATE {table} AS p SET next_offset = n.next_offset
    FROM unnest(CAST(%(topics)s AS text[]), CAST(%(partitions)s AS int[]), CAST(%(epochs)s AS bigint[]),
                CAST(%(offsets)s AS bigint[])) AS n(topic, partition, epoch, next_offset)
    WHERE p."group" = %(group)s AND p.topic = n.topic AND p.partition = n.partition AND p.epoch = n.epoch
    RETURNING p.partition
"""


@dataclass(frozen=True, slots=True)
class Moving:
    """A statement in the driver's form that moves progress, and returns a row for each partition that is ours."""

    statement: str
    values: dict[str, Any]

    def must_be_ours(self, moved: int) -> None:
        """Raise Fenced unless it has moved so many."""
        if moved != len(self.values["topics"]):
            raise Fenced(f"group {self.values['group']}: another process has taken over")


class ForeignCluster(ConfigError):
    """The Kafka cluster is not the one this database has read so far: an operator must confirm it."""


class FencedProgress:
    """Progress of one group in one database (bus.source.Progress), moved by the batch's own transaction."""

    def __init__(self, engine: AsyncEngine, table: sa.Table, group: str, cluster_id: str) -> None:
        self._engine = engine
        self._table = table
        self._group = group
        self._cluster = cluster_id
        self._epochs: dict[Partition, int] = {}

    async def claim(self, partitions: Collection[Partition]) -> Mapping[Partition, int | None]:
        """Raise the epoch of each partition. Raises ForeignCluster until an operator confirms the change."""
        name = self._table.fullname
        statement = sa.text(
            f'INSERT INTO {name} AS p ("group", topic, partition, cluster_id, epoch) '  # noqa: S608  # our own name
            "VALUES (:group, :topic, :partition, :cluster, 1) "
            'ON CONFLICT ("group", topic, partition) DO UPDATE SET epoch = p.epoch + 1 '
            "RETURNING epoch, next_offset, cluster_id"
        )
        found: dict[Partition, int | None] = {}
        epochs: dict[Partition, int] = {}
        try:
            async with self._engine.begin() as connection:
                for where in sorted(partitions):
                    row = (
                        await connection.execute(
                            statement,
                            {
                                "group": self._group,
                                "topic": where.topic,
                                "partition": where.partition,
                                "cluster": self._cluster,
                            },
                        )
                    ).one()
                    if row.cluster_id != self._cluster:
                        raise ForeignCluster(
                            f"group {self._group} has read {where.topic} from another Kafka cluster "
                            f"({row.cluster_id}); run `deskstream db adopt-cluster` if this one replaces it"
                        )
                    epochs[where], found[where] = row.epoch, row.next_offset
        except DBAPIError as error:
            raise database_error(error) from error
        self._epochs = epochs
        return found

    async def move(self, connection: AsyncConnection, batch: Sequence[Received]) -> None:
        """In the batch's transaction: what it holds is done. Raises Fenced when another owns a partition."""
        moving = self.moving(batch)
        moved = await connection.exec_driver_sql(moving.statement, moving.values)
        moving.must_be_ours(len(moved.all()))

    def moving(self, batch: Sequence[Received]) -> "Moving":
        """`move` as a statement that may be a part of another."""
        ends = {record.source: record.offset + 1 for record in batch}
        rows = sorted(ends)
        values = {
            "group": self._group,
            "topics": [where.topic for where in rows],
            "partitions": [where.partition for where in rows],
            "epochs": [self._epochs.get(where, -1) for where in rows],
            "offsets": [ends[where] for where in rows],
        }
        return Moving(_MOVE.format(table=self._table.fullname), values)

    async def skip(self, record: Received) -> None:
        """Move past a parked record in a transaction of its own."""
        try:
            async with self._engine.begin() as connection:
                await self.move(connection, [record])
        except DBAPIError as error:
            raise database_error(error) from error


_DATA_ERRORS = ("22", "23", "54")
"""SQLSTATE classes that blame the data: exceptions of values, constraints, limits (a row too long for its index)."""


def database_error(error: DBAPIError | psycopg.Error) -> Exception:
    """What a database error means here: Invalid when the data is at fault, else Retryable."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(cause, "sqlstate", None) or ""
    text = str(cause).splitlines()[0] if str(cause) else type(cause).__name__
    if state[:2] in _DATA_ERRORS:
        return Invalid(f"the database refuses it: {text}")
    if isinstance(error, sa.exc.DataError | psycopg.DataError):
        return Invalid(f"the database refuses it: {text}")
    return Retryable(f"the database: {text}")
