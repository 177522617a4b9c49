"""The least rights of each service on Kafka: what it reads, what it writes, as which group and transactional id."""

import shlex
from dataclasses import asdict, dataclass
from typing import Any, Literal

from bus.message import CHANNELS, Channel
from bus.topics import (
    CONTACT_EVENTS,
    CONTROL,
    CURSORS,
    CUSTOMER_METRICS,
    DEAD_LETTERS,
    RECEIPTS,
    RELAY_CURSOR,
    STATUS,
    TICKET_EVENTS,
    TICKET_STATE,
    messages_topic,
    raw_topic,
    replies_topic,
)

Operation = Literal["Read", "Write", "Describe"]
SERVICES = ("ticketing", "relay", "metrics", "subscriber")
"""Names that are not a connector's. `relay` is the part of ticketing that publishes; `subscriber` a system of yours."""


@dataclass(frozen=True, slots=True)
class Right:
    """One permission. `prefixed`: on every name that begins so. Read and Write carry Describe with them."""

    operation: Operation
    resource: Literal["topic", "group", "transactional-id"]
    name: str
    prefixed: bool = False

    def to_line(self, servers: str, principal: str) -> str:
        """The command line of Kafka's own tool that grants it."""
        words = ["kafka-acls.sh", "--bootstrap-server", servers, "--add", "--allow-principal", f"User:{principal}"]
        words += ["--operation", self.operation, f"--{self.resource}", self.name]
        return shlex.join(words + (["--resource-pattern-type", "prefixed"] if self.prefixed else []))

    def document(self, principal: str) -> dict[str, Any]:
        """The same as one JSON document."""
        return {"principal": f"User:{principal}"} | asdict(self)


def rights_of(service: str) -> tuple[Right, ...]:
    """The rights of one of SERVICES. Raises KeyError for another name."""
    relay = (
        *_topics("Write", TICKET_EVENTS, TICKET_STATE, CONTACT_EVENTS, *map(replies_topic, CHANNELS), RELAY_CURSOR),
        *_topics("Read", RELAY_CURSOR),
        *_transactions("relay"),
    )
    return {
        "relay": relay,
        "ticketing": (
            *_topics("Read", *map(messages_topic, CHANNELS), RECEIPTS),
            *_topics("Write", DEAD_LETTERS),
            *_groups("deskstream.ticketing", "deskstream.receipts"),
            *relay,
        ),
        "metrics": (
            *_topics("Read", TICKET_EVENTS, CONTACT_EVENTS),
            *_topics("Write", CUSTOMER_METRICS, DEAD_LETTERS),
            *_groups("deskstream.metrics"),
            *_transactions("deskstream.metrics"),
        ),
        "subscriber": _topics("Read", TICKET_STATE, TICKET_EVENTS, CONTACT_EVENTS, CUSTOMER_METRICS),
    }[service]


def connector_rights(name: str, channel: Channel) -> tuple[Right, ...]:
    """The rights of a connector with all its parts: receive, understand, send."""
    return (
        *_topics("Read", raw_topic(channel), replies_topic(channel), RECEIPTS, CURSORS, STATUS, CONTROL),
        *_topics("Write", raw_topic(channel), messages_topic(channel), RECEIPTS, CURSORS, STATUS, DEAD_LETTERS),
        *_groups(*(f"deskstream.{name}.{part}" for part in ("understand", "send", "poll"))),
        *_transactions(f"send.{name}.", prefixed=True),
    )


def channel_of(connector_type: str) -> Channel | None:
    """The channel that a connector's type begins with (`email-smtp` → `email`), if any does."""
    names = {channel.replace("_", "-"): channel for channel in CHANNELS}
    found = [name for name in names if connector_type == name or connector_type.startswith(f"{name}-")]
    return names[max(found, key=len)] if found else None


def _topics(operation: Operation, *names: str) -> tuple[Right, ...]:
    return tuple(Right(operation, "topic", name) for name in names)


def _groups(*names: str) -> tuple[Right, ...]:
    return tuple(Right("Read", "group", name) for name in names)


def _transactions(name: str, *, prefixed: bool = False) -> tuple[Right, ...]:
    operations: tuple[Operation, ...] = ("Write", "Describe")
    return tuple(Right(operation, "transactional-id", name, prefixed) for operation in operations)
