"""What Kafka says of itself and of a topic."""

from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from bus.errors import Retryable
from bus.kafka_settings import KafkaSettings


@dataclass(frozen=True, slots=True)
class Cluster:
    """The cluster's id, and the partitions of the topic that was asked for."""

    id: str
    partitions: tuple[int, ...]


async def describe(kafka: KafkaSettings, topic: str) -> Cluster:
    """Ask Kafka. Raises Retryable when it is not there, or the topic is not."""
    admin = AIOKafkaAdminClient(**kafka.client_options())
    try:
        await admin.start()
        cluster_id = str((await admin.describe_cluster())["cluster_id"])
        found = (await admin.describe_topics([topic]))[0]
    except (KafkaError, OSError) as error:
        raise Retryable(f"Kafka: {type(error).__name__}") from error
    finally:
        await admin.close()
    partitions = tuple(sorted(each["partition"] for each in found["partitions"]))
    if not partitions:
        raise Retryable(f"Kafka has no topic {topic}; run `deskstream topics create`")
    return Cluster(cluster_id, partitions)
