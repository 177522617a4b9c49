"""When the door says 250, and what it says when it cannot."""

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from bus.errors import Invalid, Retryable
from bus.raw import RawMessage
from bus.record import Position
from tests.ingest.receiving import Client, Rig


class Gate:
    """An Emit that waits until it is opened, then publishes."""

    def __init__(self, rig: Rig) -> None:
        self._emit = rig.emit
        self.entered = asyncio.Event()
        self.open = asyncio.Event()

    async def __call__(self, *raw: RawMessage) -> Sequence[Position]:
        self.entered.set()
        await self.open.wait()
        return await self._emit(*raw)


async def _a_mail_stands(rig: Rig) -> None:
    for _ in range(500):
        if rig.mails:
            break
        await asyncio.sleep(0.01)
    assert len(rig.mails) == 1


async def test_250_comes_only_after_the_record_is_acknowledged(rig: Rig) -> None:
    gate = rig.emit = Gate(rig)
    async with Client(rig.port) as client:
        await client.begins()
        await client.send(b"x\r\n.\r\n")
        await gate.entered.wait()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.reader.readline(), 0.3)
        gate.open.set()
        assert (await client.reply()).startswith("250")
    assert len(rig.mails) == 1


async def test_451_when_kafka_does_not_take_it_and_250_when_it_does_again(rig: Rig) -> None:
    rig.bus.reachable = False
    async with Client(rig.port) as client:
        assert (await client.mails()).startswith("451 4.3.0")
        rig.bus.reachable = True
        assert (await client.mails()).startswith("250")
    assert len(rig.mails) == 1


async def test_451_within_its_own_deadline(tmp_path: Path) -> None:
    async with Rig(tmp_path, timeouts={"emit": 0.2}).running() as rig:
        gate = rig.emit = Gate(rig)
        async with Client(rig.port) as client:
            assert (await asyncio.wait_for(client.mails(), 5)).startswith("451")
        gate.open.set()
        await _a_mail_stands(rig)  # what was under way is not taken back


async def test_a_record_that_no_topic_takes_is_refused_for_good(rig: Rig) -> None:
    async def never(*_: RawMessage) -> Sequence[Position]:
        raise Invalid("too large")

    rig.emit = never
    async with Client(rig.port) as client:
        assert (await client.mails()).startswith("554")


async def test_a_fault_of_ours_is_temporary_for_the_sender(rig: Rig) -> None:
    async def broken(*_: RawMessage) -> Sequence[Position]:
        raise KeyError("a bug")

    rig.emit, whole = broken, rig.emit
    async with Client(rig.port) as client:
        assert (await client.mails()).startswith("451")
        rig.emit = whole
        assert (await client.mails()).startswith("250")


async def test_publishing_survives_the_clients_hanging_up(rig: Rig) -> None:
    gate = rig.emit = Gate(rig)
    async with Client(rig.port) as client:
        await client.begins()
        await client.send(b"x\r\n.\r\n")
        await gate.entered.wait()
        client.vanish()
        await asyncio.sleep(0.1)
        gate.open.set()
        await _a_mail_stands(rig)


async def test_a_mail_that_breaks_off_is_not_taken(rig: Rig) -> None:
    async with Client(rig.port) as client:
        await client.begins()
        await client.send(b"Subject: half\r\n\r\nthe connection ends he")
        client.vanish()
    async with Client(rig.port) as client:
        assert (await client.mails()).startswith("250")
    assert len(rig.mails) == 1


async def test_stopping_waits_for_the_mail_under_way_and_turns_the_others_away(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    gate = rig.emit = Gate(rig)
    async with contextlib.AsyncExitStack() as stack:
        async with rig.running():
            busy, idle = [await stack.enter_async_context(Client(rig.port)) for _ in range(2)]
            await busy.begins()
            await busy.send(b"x\r\n.\r\n")
            await gate.entered.wait()
            asyncio.get_running_loop().call_later(0.3, gate.open.set)
        assert (await idle.reply()).startswith("421")
        assert (await busy.reply()).startswith("250")
        assert (await busy.reply()).startswith("421")
    assert len(rig.mails) == 1


async def test_paused_and_run_again_it_listens_where_it_did(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    async with rig.running():
        port = rig.port
        async with Client(port) as client:
            assert (await client.mails()).startswith("250")
    with pytest.raises(OSError, match="Connect"):
        await asyncio.open_connection("127.0.0.1", port)
    async with rig.running():
        assert rig.port == port
        async with Client(port) as client:
            assert (await client.mails()).startswith("250")
    assert len(rig.mails) == 2


async def test_retryable_is_what_kafka_away_means(rig: Rig) -> None:
    rig.bus.reachable = False
    with pytest.raises(Retryable):
        await rig.emit(
            RawMessage.model_validate_json(
                '{"channel":"email","account":"a","received_at":"2026-01-01T00:00:00Z","payload":{"base64":""}}'
            )
        )
