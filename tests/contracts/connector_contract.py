"""What every connector does: receive, understand, keep its cursor, restart, and send.

`test_connectors.py` runs all of it for every way in and every way out that a row of the table has; a trial
(`trials.py`, `sending_trials.py`) is all that a new connector brings.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from bus.blobs import BlobStore
from bus.errors import Invalid
from bus.memory import MemoryBus
from bus.message import NormalizedMessage
from bus.raw import Inline, RawMessage
from bus.record import Position, Received
from bus.reply import Receipt, Reply
from bus.topics import RECEIPTS, raw_topic
from ingest.attempts import attempting
from ingest.contract import Connector, Emit, Sender
from ingest.send_lane import Lane, Report
from ingest.sending import SendReplies
from normalize.outcome import Understood
from normalize.table import NORMALIZERS
from tests.ingest.memory_cursors import MemoryCursors


class Valve:
    """An Emit that can be shut: what comes meanwhile waits in it, and nothing that has begun is taken back.

    `failures` counts what it could not emit.
    """

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._open = asyncio.Event()
        self._open.set()
        self.entered = asyncio.Event()
        self.failures = 0

    def shut(self) -> None:
        self._open.clear()
        self.entered.clear()

    def open(self) -> None:
        self._open.set()

    async def __call__(self, *raw: RawMessage) -> Sequence[Position]:
        return await asyncio.shield(asyncio.ensure_future(self._once_open(raw)))

    async def _once_open(self, raw: Sequence[RawMessage]) -> Sequence[Position]:
        self.entered.set()
        await self._open.wait()
        try:
            return await self._emit(*raw)
        except Exception:
            self.failures += 1
            raise


class Trial(Protocol):
    """A running instance of a connector, and its source.

    `deliver(n)` hands over the source's n-th item, the same each time, and says whether the source was told that it
    is taken (SMTP's 250, HTTP's 2xx, a mail marked as seen); where nobody is told, whether we have stored that we know
    of it. The message's text holds `word(n)`. `poison` hands over what no normalizer can read. `restart` makes a new
    instance, as a new process would.
    """

    row: Connector[Any]
    name: str
    bus: MemoryBus
    blobs: BlobStore
    valve: Valve
    cursors: MemoryCursors

    def word(self, n: int) -> str: ...

    async def deliver(self, n: int) -> bool: ...

    async def poison(self) -> None: ...

    async def pause(self) -> None: ...

    async def resume(self) -> None: ...

    async def restart(self) -> None: ...


def raw_of(trial: Trial) -> list[RawMessage]:
    return [RawMessage.from_json(record.value or b"") for record in trial.bus.records(raw_topic(trial.row.channel))]


async def _payload(trial: Trial, raw: RawMessage) -> bytes:
    return raw.payload.base64 if isinstance(raw.payload, Inline) else await trial.blobs.get(raw.payload.blob)


async def messages_of(trial: Trial) -> list[NormalizedMessage]:
    """What today's normalizer makes of all that was taken, in order; what it cannot read is left out."""
    found: list[NormalizedMessage] = []
    for raw in raw_of(trial):
        try:
            outcomes = NORMALIZERS[trial.row.channel](raw, await _payload(trial, raw))
        except Invalid:
            continue
        found += [outcome.message for outcome in outcomes if isinstance(outcome, Understood)]
    return found


class ReceivingContract:
    async def test_receive_the_record_says_all_and_lies_where_its_key_says(self, trial: Trial) -> None:
        assert await trial.deliver(0)
        (record,) = trial.bus.records(raw_topic(trial.row.channel))
        raw = RawMessage.from_json(record.value or b"")
        assert (raw.channel, raw.account) == (trial.row.channel, trial.name)
        assert raw.received_at.tzinfo is not None
        assert record.key == trial.row.raw_key(raw)
        assert dict(record.headers)["ce_type"] == b"raw.v1"

    async def test_understand_the_same_record_is_always_the_same_message(self, trial: Trial) -> None:
        assert await trial.deliver(0)
        (first,) = await messages_of(trial)
        (again,) = await messages_of(trial)
        assert first == again
        assert trial.word(0) in str(first.text)
        assert (first.channel, first.account, first.received_at) == (
            trial.row.channel,
            trial.name,
            raw_of(trial)[0].received_at,
        )

    async def test_acknowledge_the_source_hears_of_it_only_after_kafka_has_it(self, trial: Trial) -> None:
        trial.valve.shut()
        delivering = asyncio.create_task(trial.deliver(0))
        async with asyncio.timeout(30):
            await trial.valve.entered.wait()
        done, _ = await asyncio.wait({delivering}, timeout=0.3)
        assert not (done and delivering.result())
        assert not raw_of(trial)
        trial.valve.open()
        await delivering
        assert await trial.deliver(0)
        assert len({message.message_id for message in await messages_of(trial)}) == 1

    async def test_back_pressure_while_kafka_is_away_nothing_is_taken(self, trial: Trial) -> None:
        trial.bus.reachable = False
        assert not await trial.deliver(0)
        trial.bus.reachable = True
        assert await trial.deliver(0)
        assert len({message.message_id for message in await messages_of(trial)}) == 1

    async def test_duplicate_what_is_delivered_twice_is_one_message(self, trial: Trial) -> None:
        assert await trial.deliver(0)
        assert await trial.deliver(0)
        assert await trial.deliver(1)
        assert len({message.message_id for message in await messages_of(trial)}) == 2

    async def test_restart_goes_on_and_knows_what_it_was_given_before(self, trial: Trial) -> None:
        assert await trial.deliver(0)
        await trial.restart()
        assert await trial.deliver(0)
        assert await trial.deliver(1)
        assert len({message.message_id for message in await messages_of(trial)}) == 2

    async def test_poison_holds_nobody_up(self, trial: Trial) -> None:
        assert await trial.deliver(0)
        await trial.poison()
        assert await trial.deliver(1)
        words = [str(message.text) for message in await messages_of(trial)]
        assert any(trial.word(0) in text for text in words)
        assert any(trial.word(1) in text for text in words)

    async def test_paused_it_takes_nothing_and_resumed_it_goes_on(self, trial: Trial) -> None:
        await trial.pause()
        assert not await trial.deliver(0)
        assert not raw_of(trial)
        await trial.resume()
        assert await trial.deliver(0)


class PollingContract:
    """Of what asks its source and keeps a cursor."""

    async def test_cursor_never_passes_what_kafka_does_not_have(self, trial: Trial) -> None:
        assert await trial.deliver(0)
        trial.bus.reachable = False
        assert not await trial.deliver(1)
        await trial.restart()  # all that is left of the past is the cursor
        trial.bus.reachable = True
        assert await trial.deliver(1)
        assert trial.word(1) in str((await messages_of(trial))[-1].text)

    async def test_cursor_is_all_a_restart_needs(self, trial: Trial) -> None:
        """What was taken is not taken again, and what came meanwhile is not missed."""
        assert await trial.deliver(0)
        taken = len(raw_of(trial))
        await trial.pause()
        assert not await trial.deliver(1)
        await trial.restart()
        assert await trial.deliver(1)
        assert trial.word(1) in str((await messages_of(trial))[-1].text)
        assert not [raw for raw in raw_of(trial)[taken:] if trial.word(0).encode() in await _payload(trial, raw)]


class SendingTrial(Protocol):
    """A connector's sender and what it sends to.

    `sender` makes a new one, as a new process would. `busy`, `refuse`, `cut`: the next attempt is answered "not now"
    (429, 4xx), "never" (403, 5xx), or taken and the connection lost before the answer. `arrived`: the texts that the
    customer sees; where a repetition can be told as one (a mail's Message-ID), they are one.
    """

    row: Connector[Any]
    name: str

    def sender(self) -> Sender: ...

    def reply(self, text: str, **given: Any) -> Reply: ...  # noqa: ANN401  # any field of a reply

    def busy(self) -> None: ...

    def refuse(self) -> None: ...

    def cut(self) -> None: ...

    def arrived(self) -> Sequence[str]: ...


class SendingContract:
    """Each settled by a process of its own: what it knows of the past is what the receipts say."""

    async def test_send_a_reply_arrives_and_its_receipts_say_so(self, sending: SendingTrial) -> None:
        bus = MemoryBus()
        await _settle(sending, bus, sending.reply("the answer"))
        assert list(sending.arrived()) == ["the answer"]
        assert _states(bus) == ["attempting", "sent"]
        assert _receipts(bus)[-1].provider_id

    async def test_send_the_same_reply_twice_arrives_once(self, sending: SendingTrial) -> None:
        bus, reply = MemoryBus(), sending.reply("the answer")
        await _settle(sending, bus, reply, reply)
        await _settle(sending, bus, reply)
        assert list(sending.arrived()) == ["the answer"]
        assert _states(bus) == ["attempting", "sent"]

    async def test_send_not_now_is_deferred_and_the_next_attempt_arrives(self, sending: SendingTrial) -> None:
        bus, reply = MemoryBus(), sending.reply("the answer")
        sending.busy()
        await _settle(sending, bus, reply)
        assert not sending.arrived()
        assert _states(bus) == ["attempting", "deferred"]
        await _settle(sending, bus, reply.model_copy(update={"attempt": 2}))
        assert list(sending.arrived()) == ["the answer"]
        assert _states(bus)[2:] == ["attempting", "sent"]

    async def test_send_refused_is_failed_and_says_why(self, sending: SendingTrial) -> None:
        bus = MemoryBus()
        sending.refuse()
        await _settle(sending, bus, sending.reply("the answer"))
        assert not sending.arrived()
        assert _states(bus) == ["attempting", "failed"]
        assert _receipts(bus)[-1].reason

    async def test_send_cut_off_is_uncertain_and_an_agents_words_come_through_once(self, sending: SendingTrial) -> None:
        bus, reply = MemoryBus(), sending.reply("the answer")
        sending.cut()
        await _settle(sending, bus, reply)
        assert _states(bus) == ["attempting", "uncertain"]
        await _settle(sending, bus, reply.model_copy(update={"attempt": 2}))
        assert list(sending.arrived()) == ["the answer"]
        assert _states(bus)[2:] == ["attempting", "sent"]

    async def test_send_stopped_before_it_left_it_leaves_later(self, sending: SendingTrial) -> None:
        bus, reply = MemoryBus(), sending.reply("the answer")
        await _attempting(sending, bus, reply)
        await _settle(sending, bus, reply)
        assert list(sending.arrived()) == ["the answer"]
        assert _states(bus) == ["attempting", "attempting", "sent"]

    async def test_send_stopped_after_it_left_it_is_not_seen_twice(self, sending: SendingTrial) -> None:
        bus, reply = MemoryBus(), sending.reply("the answer")
        await _attempting(sending, bus, reply)
        await sending.sender().send(reply)
        await _settle(sending, bus, reply)
        assert list(sending.arrived()) == ["the answer"]
        assert _states(bus) == ["attempting", "attempting", "sent"]

    async def test_send_a_confirmation_that_may_have_left_is_not_repeated(self, sending: SendingTrial) -> None:
        bus, reply = MemoryBus(), sending.reply("we have it", purpose="confirmation", automatic=True)
        await _attempting(sending, bus, reply)
        await _settle(sending, bus, reply)
        assert not sending.arrived()
        assert _states(bus) == ["attempting", "uncertain"]


def _lane(sending: SendingTrial, bus: MemoryBus, partition: int) -> Lane:
    async def receipts() -> AsyncIterator[Received]:
        for record in bus.records(RECEIPTS):
            if record.partition == partition:
                yield record

    return Lane(sending.name, partition, bus.transactions(f"send.{sending.name}.{partition}"), receipts)


async def _settle(sending: SendingTrial, bus: MemoryBus, *replies: Reply) -> None:
    sender = sending.sender()
    handler = SendReplies(sending.name, sender, lambda partition: _lane(sending, bus, partition))
    topic = f"replies.{sending.row.channel}"
    records = [Received(topic, 0, n, each.ticket_id, each.to_json(), 0, {}) for n, each in enumerate(replies)]
    await handler(records)
    await handler.close()
    await sender.close()


async def _attempting(sending: SendingTrial, bus: MemoryBus, reply: Reply) -> None:
    """What a process leaves behind that has died before it could say how it ended."""
    lane = _lane(sending, bus, 0)
    await lane.open()
    await lane.commit([Report(attempting(reply, sending.name, datetime.now(UTC)), None)])
    await lane.close()


def _receipts(bus: MemoryBus) -> list[Receipt]:
    return [Receipt.from_json(record.value or b"") for record in bus.records(RECEIPTS)]


def _states(bus: MemoryBus) -> list[str]:
    return [receipt.state for receipt in _receipts(bus)]
