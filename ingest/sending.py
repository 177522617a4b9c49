"""The sending loop of every connector: `attempting` is committed, the reply leaves, its end is committed.

Who may send is decided by the transactional id `send.<connector>.<partition>` alone. Taking it, before the receipts
are read, fences whoever held it; a sender that was replaced learns so when it commits `attempting`, before
anything leaves. So nothing needs to happen when partitions are given and taken: a lane kept from an earlier
assignment is either still the only one, or refused by Kafka.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog
from prometheus_client import Counter
from pydantic import ValidationError

from bus.errors import Fenced, Invalid, Retryable
from bus.failpoints import failpoint
from bus.headers import traceparent_of
from bus.kafka_settings import KafkaSettings
from bus.loop import consume
from bus.parking import Parking
from bus.publisher import KafkaPublisher
from bus.record import Received
from bus.reply import Reply
from bus.source import KafkaSource
from bus.topics import replies_topic
from ingest.attempts import Outcome, attempting, decide, ended, outcome_of
from ingest.contract import Away, Connector, Place, Refused, Sender, Uncertain
from ingest.send_lane import Lane, Report, kafka_lane

log = structlog.get_logger()

REPLIES = Counter("deskstream_replies_total", "Replies by what became of them", ["connector", "state"])

_PROOF_LASTS = 1 / 3
"""The part of a session after a commit for which we send in its name: another is owner only after a whole one."""
_BUSY = 100.0
"""Replies a second from which on they are gathered, where they can be."""
_LONGEST_SEND = 90.0
_STOPPED = Outcome("deferred", reason="the connector is being stopped")


class SendReplies:
    """BatchHandler that settles the replies of one connector; `open_lane` takes a partition from its last owner."""

    def __init__(
        self,
        connector: str,
        sender: Sender,
        open_lane: Callable[[int], Lane],
        *,
        stop: asyncio.Event | None = None,
        counted: Callable[[], None] = lambda: None,
        deferred: Callable[[Retryable], None] = lambda _: None,
        session_timeout: float = KafkaSettings().session_timeout,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connector = connector
        self._sender = sender
        self._open_lane = open_lane
        self._stop = stop or asyncio.Event()
        self._counted = counted
        self._deferred = deferred
        self._proof_lasts = session_timeout * _PROOF_LASTS
        self._clock = clock
        self._group = 200 if sender.idempotent else 10
        self._lanes: dict[int, Lane] = {}
        self._remembered: dict[tuple[str, int], Outcome] = {}

    async def __call__(self, batch: Sequence[Received]) -> None:
        """See BatchHandler. Raises Fenced when another has the partition, or when a commit's fate is unknown."""
        by_partition: dict[int, list[tuple[Reply, str | None]]] = {}
        for record in batch:
            reply = _reply(record)
            if reply is not None and reply.account == self._connector:
                trace = traceparent_of(record.headers)
                by_partition.setdefault(record.partition, []).append((reply, trace))
        for partition, replies in by_partition.items():
            lane = await self._lane(partition)
            try:
                for group in _groups(replies, self._group):
                    await self._settle(lane, group)
            except (Retryable, Fenced) as error:
                # what became of the commit is known to the topic only: take the partition anew and read
                del self._lanes[partition]
                await lane.close()
                raise Fenced(f"sending on partition {partition} stops: {error}") from error

    async def _lane(self, partition: int) -> Lane:
        lane = self._lanes.get(partition)
        if lane is None:
            lane = self._open_lane(partition)
            await lane.open()
            self._lanes[partition] = lane
        return lane

    async def _settle(self, lane: Lane, group: Sequence[tuple[Reply, str | None]]) -> None:
        now = datetime.now(UTC)
        settled: list[tuple[Reply, str | None, Outcome]] = []
        leaving: list[tuple[Reply, str | None]] = []
        for reply, trace in group:
            decision = decide(
                reply,
                lane.standing(reply.reply_id),
                idempotent=self._sender.idempotent,
                remembered=self._remembered.get((reply.reply_id, reply.attempt)),
            )
            if decision == "send":
                leaving.append((reply, trace))
            elif decision != "skip":
                settled.append((reply, trace, decision))
        if leaving:
            proved = self._clock()
            await lane.commit([Report(attempting(reply, self._connector, now), trace) for reply, trace in leaving])
            failpoint("send.after_attempting")
            try:
                for at, (reply, trace) in enumerate(leaving):
                    if self._clock() - proved > self._proof_lasts:
                        proved = await self._prove(lane, leaving[at:])
                    outcome = await self._send(reply)
                    failpoint("send.after_send")
                    settled.append((reply, trace, outcome))
            except asyncio.CancelledError:
                await self._interrupted(lane, settled, leaving[at:])
                raise
        if settled:
            now = datetime.now(UTC)
            await lane.commit([Report(ended(reply, self._connector, now, end), trace) for reply, trace, end in settled])
            failpoint("send.after_receipt")
            for reply, _, end in settled:
                self._count(reply, end)

    async def _interrupted(
        self, lane: Lane, done: list[tuple[Reply, str | None, Outcome]], rest: Sequence[tuple[Reply, str | None]]
    ) -> None:
        """There was no time left to stop in: what is known is said, else all of the group would be uncertain."""
        now = datetime.now(UTC)
        (reply, trace), *others = rest
        known = [
            *done,
            (reply, trace, Outcome("uncertain", reason="the connector was stopped while it was sending")),
            *((other, its, _STOPPED) for other, its in others),
        ]
        with contextlib.suppress(Retryable, Fenced):
            await lane.commit([Report(ended(one, self._connector, now, end), its) for one, its, end in known])

    async def _prove(self, lane: Lane, rest: Sequence[tuple[Reply, str | None]]) -> float:
        """Time has passed, frozen perhaps: say `attempting` again, which only the present owner can."""
        began = self._clock()
        now = datetime.now(UTC)
        await lane.commit([Report(attempting(reply, self._connector, now), trace) for reply, trace in rest])
        return began

    async def _send(self, reply: Reply) -> Outcome:
        if self._stop.is_set() and not self._sender.idempotent:
            return _STOPPED
        try:
            async with asyncio.timeout(_LONGEST_SEND):
                outcome = Outcome("sent", provider_id=await self._sender.send(reply))
        except Exception as error:  # whatever a sender raises, its reply must not stay `attempting`
            outcome = outcome_of(error)
            away = isinstance(error, Away)
            if isinstance(error, Retryable) and not away:
                self._deferred(error)
            expected = isinstance(error, Retryable | Uncertain | Refused | Invalid)
            log.log(
                logging.INFO if away else logging.WARNING,
                "send.not_sent",
                connector=self._connector,
                reply=reply.reply_id,
                state=outcome.state,
                reason=outcome.reason,
                exc_info=None if expected else error,
            )
        self._remembered[(reply.reply_id, reply.attempt)] = outcome
        return outcome

    def _count(self, reply: Reply, outcome: Outcome) -> None:
        self._remembered.pop((reply.reply_id, reply.attempt), None)
        REPLIES.labels(self._connector, outcome.state).inc()
        if outcome.state == "sent":
            self._counted()

    async def close(self) -> None:
        """Let go of the partitions' transactional ids."""
        lanes, self._lanes = self._lanes, {}
        await asyncio.gather(*(lane.close() for lane in lanes.values()))


async def run_sender(
    row: Connector[Any],
    sender: Sender,
    place: Place,
    kafka: KafkaSettings,
    *,
    stop: asyncio.Event,
    counted: Callable[[], None],
) -> None:
    """The send part of one connector (ingest.contract.RunSender). Raises Retryable, BudgetSpent and OffsetLost."""
    source = _ReportingSource(
        kafka,
        [replies_topic(row.channel)],
        f"deskstream.{place.name}.send",
        # the window in which a crash leaves a reply uncertain is one group: keep it small where it is real
        max_records=600 if sender.idempotent else 10,
        gather_ms=100 if sender.idempotent else 0,
        busy=_BUSY,
    )
    source.report = lambda problem: place.health.set(f"{place.name}: sending", problem)
    source.report("Kafka has not been reached yet")
    publisher = KafkaPublisher(kafka)
    handler = SendReplies(
        place.name,
        sender,
        lambda p: kafka_lane(kafka, place.name, p),
        stop=stop,
        counted=counted,
        deferred=lambda error: place.source.failed(error, "send"),
        session_timeout=kafka.session_timeout,
    )
    await publisher.start()
    try:
        await consume(source, handler, Parking(publisher, "send", connector=place.name), stop=stop)
    finally:
        await handler.close()
        await publisher.stop()
        await sender.close()


class _ReportingSource(KafkaSource):
    """Says of each look at Kafka whether it worked."""

    report: Callable[[str | None], None]

    async def poll(self) -> Sequence[Received]:
        try:
            found = await super().poll()
        except Retryable as error:
            self.report(str(error))
            raise
        self.report(None)
        return found


def _reply(record: Received) -> Reply | None:
    if record.value is None:
        return None
    try:
        return Reply.from_json(record.value)
    except ValidationError as error:
        raise Invalid(f"not a reply: {error.error_count()} fields are wrong") from error


def _groups(replies: Sequence[tuple[Reply, str | None]], size: int) -> Iterator[list[tuple[Reply, str | None]]]:
    """In order, at most `size` together, and no reply twice in one group: its first attempt decides on the second."""
    group: list[tuple[Reply, str | None]] = []
    ids: set[str] = set()
    for item in replies:
        if len(group) == size or item[0].reply_id in ids:
            yield group
            group, ids = [], set()
        group.append(item)
        ids.add(item[0].reply_id)
    if group:
        yield group
