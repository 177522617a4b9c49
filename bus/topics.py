"""Every topic: its key, partitions, retention, and the model of its values (contracts: Topics)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaConnectionError, KafkaError, TopicAlreadyExistsError, for_code

from bus.connector import ConnectorControl, ConnectorCursor, ConnectorStatus, RelayCursor
from bus.contact_event import ContactEvent
from bus.dead_letter import DeadLetter
from bus.errors import Retryable
from bus.figures import CustomerMetrics
from bus.kafka_settings import KafkaSettings
from bus.message import CHANNELS, IgnoredMessage, NormalizedMessage
from bus.model import Wire
from bus.raw import RawMessage
from bus.reply import Receipt, Reply
from bus.ticket_event import TicketEvent
from bus.ticket_state import TicketState

DAY_MS = 24 * 3600 * 1000
TICKET_PARTITIONS = 12
"""Never changed: the order of a ticket's events depends on it."""

TICKET_EVENTS = "tickets.events"
TICKET_STATE = "tickets.state"
CONTACT_EVENTS = "contacts.events"
CUSTOMER_METRICS = "customers.metrics"
RECEIPTS = "replies.receipts"
DEAD_LETTERS = "dead-letters"
CURSORS = "connectors.cursors"
STATUS = "connectors.status"
CONTROL = "connectors.control"
RELAY_CURSOR = "relay.cursor"


def raw_topic(channel: str) -> str:
    """Where a channel's untouched records go."""
    return f"raw.{channel}"


def messages_topic(channel: str) -> str:
    """Where a channel's normalized messages go."""
    return f"messages.{channel}"


def replies_topic(channel: str) -> str:
    """Where replies wait for a channel's sender."""
    return f"replies.{channel}"


@dataclass(frozen=True, slots=True)
class Topic:
    """One row of the table. `models`: the kinds of value that may stand on it."""

    name: str
    key: str
    partitions: int
    models: tuple[type[Wire], ...]
    config: dict[str, str] = field(default_factory=dict)
    personal: bool = False


def _kept(days: int) -> dict[str, str]:
    return {"cleanup.policy": "delete", "retention.ms": str(days * DAY_MS)}


_FOR_EVER = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
_COMPACTED = {"cleanup.policy": "compact"}


def _of_channel(channel: str) -> tuple[Topic, ...]:
    return (
        Topic(
            raw_topic(channel),
            "what the receiver knows: session, call, thread; mail: envelope sender",
            6,
            (RawMessage,),
            _kept(30),
            personal=True,
        ),
        Topic(
            messages_topic(channel),
            "provider's thread, else author",
            6,
            (NormalizedMessage, IgnoredMessage),
            _kept(30),
            personal=True,
        ),
        Topic(replies_topic(channel), "ticket id", 3, (Reply,), _kept(7), personal=True),
    )


SHARED: tuple[Topic, ...] = (
    Topic(TICKET_EVENTS, "ticket id", TICKET_PARTITIONS, (TicketEvent,), _FOR_EVER),
    Topic(TICKET_STATE, "ticket id", TICKET_PARTITIONS, (TicketState,), _COMPACTED, personal=True),
    Topic(CONTACT_EVENTS, "contact id", 1, (ContactEvent,), _FOR_EVER),
    Topic(
        CUSTOMER_METRICS,
        "contact:<id> account:<id> agent:<id> team:<id> desk",
        3,
        (CustomerMetrics,),
        _COMPACTED,
    ),
    Topic(
        RECEIPTS,
        "reply id, on the partition of the reply",
        3,
        (Receipt,),
        {"cleanup.policy": "compact,delete", "retention.ms": str(30 * DAY_MS)},
    ),
    Topic(DEAD_LETTERS, "topic/partition/offset of the record", 1, (DeadLetter,), _COMPACTED, personal=True),
    Topic(CURSORS, "connector's name", 1, (ConnectorCursor,), _COMPACTED),
    Topic(STATUS, "connector's name", 1, (ConnectorStatus,), _COMPACTED),
    Topic(CONTROL, "connector's name", 1, (ConnectorControl,), _kept(7)),
    Topic(RELAY_CURSOR, "relay", 1, (RelayCursor,), _COMPACTED | {"segment.bytes": str(8 * 1024 * 1024)}),
)

MAX_RECORD_BYTES = 1024 * 1024
"""Records stay under this; what could be larger goes to the blob store."""


def topics(channels: Iterable[str] = CHANNELS) -> tuple[Topic, ...]:
    """The table of all topics for these channels."""
    return (*SHARED, *(topic for channel in channels for topic in _of_channel(channel)))


async def create_topics(
    kafka: KafkaSettings, wanted: Sequence[Topic], *, durable: bool = False, replication: int = 1
) -> list[str]:
    """Create what is missing and return its names; existing topics are left as they are. Raises Retryable.

    `durable`: every raw record is flushed to disk before it is acknowledged (`flush.messages=1`). From three
    replicas on, two of them have to have a record before it is acknowledged.
    """
    admin = AIOKafkaAdminClient(**kafka.client_options())
    try:
        await admin.start()
        existing = set(await admin.list_topics())
        new = [_new(topic, durable, replication) for topic in wanted if topic.name not in existing]
        if not new:
            return []
        response = await admin.create_topics(new)
    except KafkaConnectionError as error:
        raise Retryable(f"Kafka does not answer at {kafka.servers}; check the address and that it runs") from error
    except (KafkaError, OSError) as error:
        raise Retryable(f"Kafka at {kafka.servers}: {type(error).__name__}") from error
    finally:
        await admin.close()
    created: list[str] = []
    for name, code, *_ in response.topic_errors:
        if not code:
            created.append(name)
        elif for_code(code) is not TopicAlreadyExistsError:
            raise Retryable(f"Kafka did not create the topic {name}: {for_code(code).__name__}")
    return created


def _new(topic: Topic, durable: bool, replication: int) -> NewTopic:
    config = dict(topic.config)
    if durable and topic.name.startswith("raw."):
        config["flush.messages"] = "1"
    if replication >= 3:
        config["min.insync.replicas"] = "2"
    return NewTopic(
        name=topic.name, num_partitions=topic.partitions, replication_factor=replication, topic_configs=config
    )
