"""The sending loop on a real Kafka: nothing leaves before `attempting` is committed, nothing leaves twice."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bus.blobs import FolderBlobs
from bus.errors import Fenced, Invalid, Retryable
from bus.health import Health
from bus.kafka_settings import KafkaSettings
from bus.publisher import KafkaPublisher
from bus.record import Outgoing
from bus.reply import Reply
from bus.topics import RECEIPTS
from bus.transactions import KafkaTransactions
from ingest.attempts import attempting
from ingest.contract import Connector, ConnectorSettings, Place, Refused, Sender, Uncertain
from ingest.send_lane import Lane, Report, kafka_lane
from ingest.sending import SendReplies, run_sender
from tests.ingest.sending.replies import NOW, a_reply
from tests.ingest.sending.senders import Recorder, failing, receipts_of, received, states_of

pytestmark = pytest.mark.stack


def handler(kafka: KafkaSettings, connector: str, sender: Sender) -> SendReplies:
    return SendReplies(connector, sender, lambda p: kafka_lane(kafka, connector, p))


def replies(connector: str, *ids: str, **given: object) -> list[Reply]:
    return [a_reply(reply_id=f"{connector}-{name}", account=connector, **given) for name in ids]


async def leave_open(kafka: KafkaSettings, connector: str, reply: Reply, partition: int = 0) -> None:
    """What a sender leaves behind that died after `attempting`."""
    lane = kafka_lane(kafka, connector, partition)
    await lane.open()
    await lane.commit([Report(attempting(reply, connector, NOW), None)])
    await lane.close()


async def test_attempting_is_committed_before_the_reply_leaves(kafka: KafkaSettings, connector: str) -> None:
    seen: list[list[tuple[str, int, str]]] = []

    async def look(_: Reply) -> None:
        seen.append(await states_of(kafka, connector))

    sender = Recorder(before=look)
    sending = handler(kafka, connector, sender)
    (reply,) = replies(connector, "a")
    await sending(received([reply], partition=2))
    await sending.close()
    assert seen == [[(reply.reply_id, 1, "attempting")]]
    found = await receipts_of(kafka, connector)
    assert [(partition, r.state, r.provider_id) for partition, r in found] == [
        (2, "attempting", None),
        (2, "sent", f"provider-{reply.reply_id}"),
    ]


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (Retryable("busy"), "deferred"),
        (Refused("no"), "failed"),
        (Uncertain("cut"), "uncertain"),
        (KeyError("x"), "uncertain"),
    ],
)
async def test_every_way_of_failing_has_its_receipt(
    kafka: KafkaSettings, connector: str, error: Exception, state: str
) -> None:
    sending = handler(kafka, connector, Recorder(before=failing(error)))
    (reply,) = replies(connector, "a")
    await sending(received([reply]))
    await sending.close()
    assert [s for _, _, s in await states_of(kafka, connector)] == ["attempting", state]


async def test_a_repeated_batch_sends_nothing_again(kafka: KafkaSettings, connector: str) -> None:
    batch = received(replies(connector, *"abcdefghijklmno"))
    sender = Recorder()
    for _ in range(2):  # the second time by another process, which knows the receipts only
        sending = handler(kafka, connector, sender)
        await sending(batch)
        await sending(batch)
        await sending.close()
    assert len(sender.left) == len(set(sender.left)) == 15


async def test_an_open_attempt_of_a_confirmation_is_never_repeated(kafka: KafkaSettings, connector: str) -> None:
    (reply,) = replies(connector, "a")
    await leave_open(kafka, connector, reply)
    sender = Recorder()
    sending = handler(kafka, connector, sender)
    await sending(received([reply]))
    await sending.close()
    assert sender.left == []
    assert [s for _, _, s in await states_of(kafka, connector)] == ["attempting", "uncertain"]


async def test_an_open_attempt_of_an_agents_reply_is_repeated(kafka: KafkaSettings, connector: str) -> None:
    (reply,) = replies(connector, "a", purpose="reply", automatic=False)
    await leave_open(kafka, connector, reply)
    sender = Recorder()
    sending = handler(kafka, connector, sender)
    await sending(received([reply]))
    await sending.close()
    assert sender.left == [reply.reply_id]
    assert [s for _, _, s in await states_of(kafka, connector)] == ["attempting", "attempting", "sent"]


async def test_a_deferred_reply_is_sent_when_it_comes_with_the_next_attempt(
    kafka: KafkaSettings, connector: str
) -> None:
    (first,) = replies(connector, "a")
    (second,) = replies(connector, "a", attempt=2)
    sending = handler(kafka, connector, Recorder(before=failing(Retryable("busy"))))
    await sending(received([first]))
    await sending.close()
    sender = Recorder()
    sending = handler(kafka, connector, sender)
    await sending(received([first, second, second]))
    await sending.close()
    assert sender.left == [first.reply_id]
    assert [(n, s) for _, n, s in await states_of(kafka, connector)] == [
        (1, "attempting"), (1, "deferred"), (2, "attempting"), (2, "sent"),
    ]  # fmt: skip


async def test_a_sender_that_was_replaced_sends_nothing(kafka: KafkaSettings, connector: str) -> None:
    old, new = Recorder(), Recorder()
    frozen = handler(kafka, connector, old)
    await frozen(received(replies(connector, "a")))
    successor = handler(kafka, connector, new)
    batch = received(replies(connector, "b", "c"), offset=1)
    await successor(batch)
    with pytest.raises(Fenced):
        await frozen(batch)
    await frozen.close()
    await successor.close()
    assert len(old.left) == 1
    assert len(new.left) == 2


async def test_a_sender_that_slept_between_attempting_and_sending_asks_again_first(
    kafka: KafkaSettings, connector: str
) -> None:
    batch = received(replies(connector, "a", "b"))
    now = 0.0
    successor = handler(kafka, connector, new := Recorder())

    async def replaced_meanwhile(_: Reply) -> None:
        nonlocal now
        now += 60.0  # a long sleep, in which Kafka has given the partition to another
        await successor(batch)

    old = Recorder(before=replaced_meanwhile)
    frozen = SendReplies(connector, old, lambda p: kafka_lane(kafka, connector, p), clock=lambda: now)
    with pytest.raises(Fenced):
        await frozen(batch)
    await frozen.close()
    await successor.close()
    assert old.left == [f"{connector}-a"]  # was on its way already; the successor calls both uncertain
    assert new.left == []
    assert [s for _, _, s in await states_of(kafka, connector)] == ["attempting"] * 2 + ["uncertain"] * 2


async def test_replies_of_other_accounts_are_left_alone(kafka: KafkaSettings, connector: str) -> None:
    sender = Recorder()
    sending = handler(kafka, connector, sender)
    await sending(received([a_reply(account="somebody-else"), *replies(connector, "mine")]))
    await sending.close()
    assert sender.left == [f"{connector}-mine"]


async def test_what_is_no_reply_is_invalid_before_anything_leaves(kafka: KafkaSettings, connector: str) -> None:
    sender = Recorder()
    sending = handler(kafka, connector, sender)
    batch = received(replies(connector, "a", "b"))
    broken = [batch[0], replace(batch[1], value=b'{"kind": "x"}')]
    with pytest.raises(Invalid):
        await sending(broken)
    assert sender.left == []


class _LosesAnswers(KafkaTransactions):
    """Commits, and then says it does not know: the answer was lost on the way."""

    lose_from = 2
    calls = 0

    async def publish(self, records: object) -> None:
        type(self).calls += 1
        if type(self).calls == self.lose_from:
            raise Retryable("Kafka: RequestTimedOutError")
        await super().publish(records)  # type: ignore[arg-type]


async def test_an_end_that_could_not_be_committed_is_reported_later_and_not_guessed(
    kafka: KafkaSettings, connector: str
) -> None:
    def open_lane(partition: int) -> Lane:
        real = kafka_lane(kafka, connector, partition)
        publisher = _LosesAnswers(kafka, f"send.{connector}.{partition}")
        return Lane(connector, partition, publisher, real._receipts)

    _LosesAnswers.calls = 0
    sender = Recorder()
    sending = SendReplies(connector, sender, open_lane)
    batch = received(replies(connector, "a"))
    with pytest.raises(Fenced):
        await sending(batch)
    await sending(batch)  # as after joining the group again
    await sending.close()
    assert len(sender.left) == 1
    assert [s for _, _, s in await states_of(kafka, connector)] == ["attempting", "sent"]


async def test_a_group_that_is_interrupted_says_what_is_known(kafka: KafkaSettings, connector: str) -> None:
    async def hangs_on_the_second(reply: Reply) -> None:
        if reply.reply_id.endswith("-b"):
            await asyncio.sleep(3600)

    sender = Recorder(before=hangs_on_the_second)
    sending = handler(kafka, connector, sender)
    batch = received(replies(connector, "a", "b", "c"))
    working = asyncio.create_task(sending(batch))
    async with asyncio.timeout(30):
        await sender.arrived.wait()
    await asyncio.sleep(0.1)
    working.cancel()
    await asyncio.wait({working})
    await sending.close()
    assert working.cancelled()
    assert [s for _, _, s in await states_of(kafka, connector)] == [
        *("attempting", "attempting", "attempting"),
        *("sent", "uncertain", "deferred"),
    ]


async def test_when_told_to_stop_the_rest_of_a_group_is_put_off(kafka: KafkaSettings, connector: str) -> None:
    stop = asyncio.Event()

    async def told(_: Reply) -> None:
        stop.set()

    sender = Recorder(before=told)
    sending = SendReplies(connector, sender, lambda p: kafka_lane(kafka, connector, p), stop=stop)
    await sending(received(replies(connector, "a", "b", "c")))
    await sending.close()
    assert [s for _, _, s in await states_of(kafka, connector)] == ["attempting"] * 3 + ["sent", "deferred", "deferred"]


async def test_receipts_behind_another_connectors_open_transaction_are_read(
    kafka: KafkaSettings, connector: str
) -> None:
    """A foreign transaction that stands open hides, from readers of committed records, what we committed behind it."""
    from aiokafka import AIOKafkaProducer

    from bus.publisher import producer_options

    other = AIOKafkaProducer(
        **producer_options(kafka), transactional_id=f"send.{connector}-other.0", transaction_timeout_ms=30_000
    )
    await other.start()
    try:
        (reply,) = replies(connector, "a")
        predecessor = kafka_lane(kafka, connector, 1)
        await predecessor.open()
        await other.begin_transaction()
        await other.send_and_wait(RECEIPTS, key=b"other", value=None, partition=1)
        await predecessor.commit([Report(attempting(reply, connector, NOW), None)])
        await predecessor.close()
        sender = Recorder()
        sending = handler(kafka, connector, sender)
        working = asyncio.create_task(sending(received([reply], partition=1)))
        await asyncio.sleep(1.0)
        assert not working.done()
        assert sender.left == []
        await other.abort_transaction()
        await working
        await sending.close()
    finally:
        await other.stop()
    assert sender.left == []
    assert [s for _, _, s in await states_of(kafka, connector)] == ["attempting", "uncertain"]


async def test_the_whole_loop_takes_replies_from_their_topic_and_stops_when_told(
    kafka: KafkaSettings, connector: str, tmp_path: Path
) -> None:
    publisher = KafkaPublisher(kafka)
    await publisher.start()
    mine = replies(connector, "a", "b", "c")
    await publisher.publish([Outgoing("replies.forum", reply.reply_id, reply.to_json()) for reply in mine])
    sender, stop, counted, health = Recorder(), asyncio.Event(), [], Health()
    row = Connector("test", "forum", ConnectorSettings, lambda _: "", lambda _, __: None)  # type: ignore[arg-type,return-value]
    place = Place(connector, tmp_path, FolderBlobs(tmp_path), None, health, lambda **_: None)  # type: ignore[arg-type]
    task = asyncio.create_task(run_sender(row, sender, place, kafka, stop=stop, counted=lambda: counted.append(1)))
    async with asyncio.timeout(30):
        while len(counted) < 3:
            assert not task.done(), task
            await asyncio.sleep(0.05)
    assert health.ready, health.problems
    stop.set()
    async with asyncio.timeout(10):
        await task
    await publisher.stop()
    assert sorted(sender.left) == sorted(reply.reply_id for reply in mine)
    assert sorted(s for _, _, s in await states_of(kafka, connector)) == ["attempting"] * 3 + ["sent"] * 3
