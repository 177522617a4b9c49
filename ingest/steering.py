"""What operators ask of a connector: pause, resume, rewind (`connectors.control`)."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Protocol

import structlog

from bus.connector import ConnectorControl, ConnectorStatus
from bus.errors import Retryable
from bus.kafka_settings import KafkaSettings
from bus.latest import latest_by_key
from bus.record import Received
from bus.topics import CONTROL, STATUS
from ingest.following import follow

log = structlog.get_logger()


class Steered(Protocol):
    """A hosted connector, as an operator moves it. All three are harmless when repeated."""

    def pause(self, by: str | None = None) -> None: ...

    def resume(self) -> None: ...

    def rewind(self, since: datetime) -> None: ...


async def steer(kafka: KafkaSettings, connectors: Mapping[str, Steered], began: datetime) -> None:
    """Until cancelled. While Kafka is away connectors go on as they are.

    A pause outlives a restart: the last pause or resumption on the topic counts, and when none is kept any more
    the connector's own last status. A rewind counts once: when it was asked for after the last status.
    """
    while True:
        try:
            statuses = await last_statuses(kafka)
            for name, connector in connectors.items():
                if name in statuses and statuses[name].state == "paused":
                    connector.pause(statuses[name].paused_by)
            live = False
            earlier: list[ConnectorControl] = []
            async for record in follow(kafka, CONTROL):
                if record is None:
                    live = True
                    seen = {name: status.at for name, status in statuses.items()}
                    for missed in still_to_do(earlier, seen, began):
                        _apply(connectors, missed)
                elif control := _control(record):
                    if live:
                        _apply(connectors, control)
                    else:
                        earlier.append(control)
        except Retryable as error:
            log.warning("steering.waits", detail=str(error))
            await asyncio.sleep(2.0)


def still_to_do(
    earlier: Sequence[ConnectorControl], seen: Mapping[str, datetime], began: datetime
) -> list[ConnectorControl]:
    """Of what was asked before this process listened: each connector's last pause or resumption, and the rewinds
    that its last status (`seen`, else this process's beginning) cannot have known.
    """
    turns = {control.connector: control for control in earlier if control.command != "rewind"}
    rewinds = [
        control
        for control in earlier
        if control.command == "rewind" and control.at > seen.get(control.connector, began)
    ]
    return [*turns.values(), *rewinds]


def _apply(connectors: Mapping[str, Steered], control: ConnectorControl) -> None:
    connector = connectors.get(control.connector)
    if connector is None:
        return
    if control.command == "pause":
        connector.pause(control.by)
    elif control.command == "resume":
        connector.resume()
    else:
        connector.rewind(control.since or datetime.fromtimestamp(0, UTC))


async def last_statuses(kafka: KafkaSettings) -> dict[str, ConnectorStatus]:
    """What each connector said of itself last. Raises Retryable."""
    found: dict[str, ConnectorStatus] = {}
    for name, record in (await latest_by_key(kafka, STATUS)).items():
        try:
            found[name] = ConnectorStatus.from_json(record.value or b"")
        except ValueError:
            log.warning("status.unreadable", connector=name)
    return found


def _control(record: Received) -> ConnectorControl | None:
    try:
        return ConnectorControl.from_json(record.value or b"")
    except ValueError:
        log.warning("control.unreadable", position=record.position)
        return None
