"""One connector in a process: receive and send while it is not paused, understand always."""

import asyncio
from datetime import datetime
from typing import Any

import structlog

from bus.errors import Retryable
from bus.kafka_settings import KafkaSettings
from bus.publisher import Publisher
from bus.topics import raw_topic
from ingest.contract import Connector, ConnectorSettings, Emit, Place, Receiver, RunSender
from ingest.emitting import Emitting
from ingest.polling import Polling
from ingest.rewinding import rewind_group
from ingest.steering import last_statuses
from ingest.tally import State, Tally
from ingest.understand_orders import understand_group
from ingest.understand_parent import UnderstandingProcess

log = structlog.get_logger()

_STATUS_EVERY = 5.0


class HostedConnector:
    """Steered (ingest.steering). What fails for a while is tried again; what can never work ends the process."""

    def __init__(
        self,
        row: Connector[Any],
        settings: ConnectorSettings,
        place: Place,
        kafka: KafkaSettings,
        publisher: Publisher,
        understanding: UnderstandingProcess,
        tally: Tally,
        run_sender: RunSender,
        entrance: Receiver | None = None,
    ) -> None:
        """`entrance`: the receiver of what comes by HTTP (ingest.intake.entrance)."""
        self._row = row
        self._place = place
        self._kafka = kafka
        self._publisher = publisher
        self._understanding = understanding
        self._tally = tally
        self._run_sender = run_sender
        own = row.receiver(settings, place) if row.receiver else None
        self._receivers = [receiver for receiver in (own, entrance) if receiver is not None]
        self._sender = row.sender(settings, place) if row.sender else None
        self._paused = False
        self._paused_by: str | None = None
        self._turned = asyncio.Event()
        self._rewind_to: datetime | None = None
        self._rewinding = asyncio.Event()

    def pause(self, by: str | None = None) -> None:
        """Take nothing more from the source and send nothing, until resumed."""
        if not self._paused:
            log.info("connector.paused", connector=self._place.name, by=by)
        self._paused, self._paused_by = True, by
        self._turned.set()

    def resume(self) -> None:
        """Go on."""
        if self._paused:
            log.info("connector.resumed", connector=self._place.name)
        self._paused, self._paused_by = False, None
        self._turned.set()

    def rewind(self, since: datetime) -> None:
        """Understand again what has come since then, and ask a source that can be asked for it again."""
        log.info("connector.rewinds", connector=self._place.name, since=since.isoformat())
        self._rewind_to = since
        self._rewinding.set()
        for receiver in self._receivers:
            if isinstance(receiver, Polling):
                receiver.rewind(since)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. Raises ConfigError, BudgetSpent and OffsetLost."""
        stopping = asyncio.create_task(_on(stop, self._turned, self._rewinding))
        parts = [asyncio.create_task(part) for part in (self._doors(stop), self._understand(stop), self._say(stop))]
        try:
            await asyncio.wait(parts, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            stop.set()
            self._turned.set()
            self._rewinding.set()
            stopping.cancel()
            outcomes = await asyncio.gather(*parts, return_exceptions=True)
            if self._sender is not None:
                await self._sender.close()
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    async def _doors(self, stop: asyncio.Event) -> None:
        emit = Emitting(
            self._row, self._place.name, self._publisher, self._place.blobs, counted=self._tally.has_received
        )
        while not stop.is_set():
            self._turned.clear()
            if self._paused:
                await self._turned.wait()
                continue
            halt = asyncio.Event()
            receiving = [asyncio.create_task(self._receive(receiver, emit)) for receiver in self._receivers]
            sending = asyncio.create_task(self._send(halt))
            turned = asyncio.create_task(self._turned_or(stop))
            try:
                await asyncio.wait({*receiving, sending, turned}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                halt.set()
                for task in (*receiving, turned):
                    task.cancel()
                outcomes = await asyncio.gather(*receiving, sending, return_exceptions=True)
            for outcome in outcomes:
                if isinstance(outcome, Exception):
                    raise outcome

    async def _turned_or(self, stop: asyncio.Event) -> None:
        while not (self._paused or stop.is_set()):
            await self._turned.wait()
            self._turned.clear()

    async def _receive(self, receiver: Receiver, emit: Emit) -> None:
        while True:
            try:
                await receiver.run(emit)
            except Retryable as error:
                log.warning("receive.waits", connector=self._place.name, detail=str(error))
                self._place.source.failed(error)
            await asyncio.sleep(1.0)

    async def _send(self, halt: asyncio.Event) -> None:
        if self._sender is None:
            await halt.wait()
            return
        while not halt.is_set():
            try:
                await self._run_sender(
                    self._row, self._sender, self._place, self._kafka, stop=halt, counted=self._tally.has_sent
                )
            except Retryable as error:
                log.warning("send.waits", connector=self._place.name, detail=str(error))
                self._place.source.failed(error, "send")
                await asyncio.sleep(1.0)

    async def _understand(self, stop: asyncio.Event) -> None:
        name, topic = self._place.name, raw_topic(self._row.channel)
        while not stop.is_set():
            halt = asyncio.Event()
            working = asyncio.create_task(self._understanding.run(halt))
            asked = asyncio.create_task(self._rewinding.wait())
            try:
                await asyncio.wait({working, asked}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                halt.set()
                asked.cancel()
                await working
            self._rewinding.clear()
            since, self._rewind_to = self._rewind_to, None
            if since is not None and not stop.is_set():
                try:
                    await rewind_group(self._kafka, understand_group(name), topic, since)
                except Retryable as error:
                    log.warning("rewind.failed", connector=name, detail=str(error))

    async def _say(self, stop: asyncio.Event) -> None:
        recalled = False
        while True:
            mine = f"{self._place.name}: "
            problems = [text for what, text in self._place.health.problems.items() if what.startswith(mine)]
            state: State = "running"
            if stop.is_set():
                state = "stopped"
            elif self._paused:
                state = "paused"
            elif problems:
                state = "failing"
            try:
                if not recalled and not stop.is_set():
                    self._tally.recall((await last_statuses(self._kafka)).get(self._place.name))
                    recalled = True
                status = self._tally.status(state, problems[0] if problems else None, paused_by=self._paused_by)
                await self._publisher.publish([status])
                self._place.health.set("kafka")
            except Retryable as error:
                self._place.health.set("kafka", str(error))
            if stop.is_set():
                return
            try:
                await asyncio.wait_for(stop.wait(), _STATUS_EVERY)
            except TimeoutError:
                continue


async def _on(stop: asyncio.Event, *others: asyncio.Event) -> None:
    await stop.wait()
    for event in others:
        event.set()
