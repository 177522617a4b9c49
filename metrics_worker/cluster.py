"""What Kafka says of itself and of a topic."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from bus.errors import Retryable
from bus.kafka_settings import KafkaSettings
from bus.record import Partition


@dataclass(frozen=True, slots=True)
class Cluster:
    """The cluster's id, and all partitions of the topics that were asked for."""

    id: str
    partitions: tuple[Partition, ...]


async def describe(kafka: KafkaSettings, topics: Sequence[str]) -> Cluster:
    """Ask Kafka. Raises Retryable when it is not there, or one of the topics is not."""
    admin = AIOKafkaAdminClient(**kafka.client_options())
    try:
        await admin.start()
        cluster_id = str((await admin.describe_cluster())["cluster_id"])
        found = await admin.describe_topics(list(topics))
    except (KafkaError, OSError) as error:
        raise Retryable(f"Kafka: {type(error).__name__}") from error
    finally:
        await admin.close()
    partitions = [Partition(topic["topic"], each["partition"]) for topic in found for each in topic["partitions"]]
    if missing := set(topics) - {where.topic for where in partitions}:
        raise Retryable(f"Kafka has no topic {min(missing)}; run `deskstream topics create`")
    return Cluster(cluster_id, tuple(sorted(partitions)))
