"""What every connector's receiving and understanding does. A connector's module inherits it and gives `trial`.

class TestWebsite(ConnectorContract):
    @pytest_asyncio.fixture
    async def trial(self, tmp_path): ...
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from bus.blobs import BlobStore
from bus.errors import Invalid
from bus.memory import MemoryBus
from bus.message import NormalizedMessage
from bus.raw import Inline, RawMessage
from bus.record import Position
from bus.topics import raw_topic
from ingest.contract import Connector, Emit
from normalize.outcome import Understood
from normalize.table import NORMALIZERS


class Valve:
    """An Emit that can be shut: what comes meanwhile waits in it, and nothing that has begun is taken back."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._open = asyncio.Event()
        self._open.set()
        self.entered = asyncio.Event()

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
        return await self._emit(*raw)


class Trial(Protocol):
    """A running instance of a connector, and its source.

    `deliver(n)` hands over the source's n-th item, the same each time, and says whether the source was told that it
    is taken (SMTP's 250, HTTP's 2xx, a mail marked as seen); the item's text holds `word(n)`. `poison` hands over what
    no normalizer can read. `restart` makes a new instance, as a new process would.
    """

    row: Connector[Any]
    name: str
    bus: MemoryBus
    blobs: BlobStore
    valve: Valve

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


class ConnectorContract:
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
