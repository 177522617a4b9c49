"""Hosting: several connectors by name in one process, with what they share."""

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bus.blobs import open_blobs
from bus.errors import Retryable
from bus.health import Health
from bus.parking import Parking
from bus.publisher import KafkaPublisher
from bus.service import Announce
from bus.settings import Settings
from ingest.contract import Connector, ConnectorSettings, Place
from ingest.cursors import KafkaCursors
from ingest.hosted import HostedConnector
from ingest.intake.server import IntakeServer
from ingest.intake.settings import WebSettings
from ingest.kafka_replies import KafkaReplies
from ingest.live_replies import LiveReplies
from ingest.sending import run_sender
from ingest.source_state import SourceState
from ingest.steering import steer
from ingest.tally import Tally
from ingest.tenure import KafkaTenure
from ingest.understand_parent import UnderstandingProcess

_LINGER = 0.005
"""Seconds: a source's acknowledgement waits for Kafka about as long anyway, and requests cost both of them."""

Configured = Mapping[str, tuple[Connector[Any], ConnectorSettings]]


async def host(
    connectors: Configured, settings: Settings, stop: asyncio.Event, health: Health, announce: Announce
) -> None:
    """Run these connectors until `stop` is set; Kafka need not be there yet. Raises ConfigError and BudgetSpent."""
    publisher = KafkaPublisher(settings.kafka, linger=_LINGER)
    intake = IntakeServer(settings.intake, health)
    hosted = {
        name: _hosted(name, row, section, settings, publisher, intake, health, announce)
        for name, (row, section) in connectors.items()
    }
    async with contextlib.AsyncExitStack() as serving:
        if not intake.empty:
            announce(intake=await serving.enter_async_context(intake.serving()))
        await publisher.start()
        steering = asyncio.create_task(steer(settings.kafka, hosted, datetime.now(UTC)))
        running = [asyncio.create_task(connector.run(stop), name=name) for name, connector in hosted.items()]
        try:
            # steering goes on for ever: it is the connectors whose end is waited for, or the first that fails
            working = asyncio.gather(*running)
            ending: set[asyncio.Future[Any]] = {working, steering}
            await asyncio.wait(ending, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.exception()  # raised below, from its own task
        finally:
            stop.set()
            steering.cancel()
            outcomes = await asyncio.gather(*running, steering, return_exceptions=True)
            with contextlib.suppress(Retryable):
                await publisher.stop()
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome


def _hosted(
    name: str,
    row: Connector[Any],
    section: ConnectorSettings,
    settings: Settings,
    publisher: KafkaPublisher,
    intake: IntakeServer,
    health: Health,
    announce: Announce,
) -> HostedConnector:
    source = SourceState()
    place = Place(
        name=name,
        data=settings.data,
        blobs=open_blobs(settings.blob_place),
        cursors=KafkaCursors(settings.kafka, publisher),
        health=health,
        announce=announce,
        source=source,
        tenure=KafkaTenure(settings.kafka, name, source),
        live=LiveReplies(name, KafkaReplies(settings.kafka, row.channel, publisher), caught_up=source.succeeded),
    )
    tally = Tally(name, row.name, source, silent_after=section.silent_after)
    understanding = UnderstandingProcess(
        name,
        row.channel,
        settings.kafka,
        settings.blob_place,
        settings.logging,
        parking=Parking(publisher, "understand", connector=name),
        health=health,
        counted=tally.has_understood,
    )
    entrance = None
    if row.web is not None:
        assert isinstance(section, WebSettings), f"{row.name}: settings of a row with routes derive from WebSettings"
        entrance = intake.mount(name, row.web(section, place), section.rates)
    return HostedConnector(row, section, place, settings.kafka, publisher, understanding, tally, run_sender, entrance)
