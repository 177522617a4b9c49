"""Another Kafka cluster takes the place of the one a database has read so far, when an operator says so."""

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from bus.kafka_settings import KafkaSettings
from bus.progress import database_error
from ticketing.database import engine
from ticketing.readiness import KafkaCluster

_TABLES = sa.text(
    "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.columns "
    "WHERE table_name = 'progress' AND column_name = 'cluster_id' ORDER BY 1"
)


async def adopt(kafka: KafkaSettings, url: str) -> tuple[str, int]:
    """Let every progress table begin anew on this cluster: offsets of the former one mean nothing here.

    What is filed already is recognized by its message id. Returns the cluster's id and how many partitions were
    another's. Raises Retryable.
    """
    asked = KafkaCluster(kafka)
    try:
        cluster = await asked.cluster_id()
    finally:
        await asked.close()
    pool = engine(url)
    changed = 0
    try:
        async with pool.begin() as connection:
            for table in (await connection.scalars(_TABLES)).all():
                moved = await connection.execute(
                    sa.text(
                        f"UPDATE {table} SET cluster_id = :cluster, next_offset = NULL, epoch = epoch + 1 "  # noqa: S608  # quoted
                        "WHERE cluster_id <> :cluster"
                    ),
                    {"cluster": cluster},
                )
                changed += moved.rowcount
    except DBAPIError as error:
        raise database_error(error) from error
    finally:
        await pool.dispose()
    return cluster, changed
