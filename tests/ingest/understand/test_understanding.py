"""The loop of understanding over the bus in memory."""

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from bus.blobs import FolderBlobs
from bus.dead_letter import DeadLetter
from bus.errors import Retryable
from bus.loop import consume
from bus.memory import MemoryBus
from bus.message import IgnoredMessage, NormalizedMessage, RawPosition, Ref
from bus.model import BlobRef
from bus.parking import Parking
from bus.publisher import Publisher
from bus.raw import RawMessage
from bus.record import Outgoing, Position
from bus.topics import MAX_RECORD_BYTES
from ingest.fitting import fitted
from ingest.understanding import Understanding
from normalize.outcome import Ignored, Normalize, Understood
from tests.ingest.understand.records import TRACE, message, normalizer, raw_record

GROUP = "deskstream.mail.understand"


class Desk:
    """A connector's understanding part over the bus in memory."""

    def __init__(self, folder: Path, normalize: Normalize | None = None) -> None:
        self.bus = MemoryBus()
        self.blobs = FolderBlobs(folder)
        self.worked_on: list[Position | None] = []
        self.normalize = normalize or normalizer()

    def handler(self, publisher: Publisher | None = None, skip: Sequence[Position] = ()) -> Understanding:
        return Understanding(
            "mail",
            self.normalize,
            self.blobs,
            publisher or self.bus.publisher(),
            working_on=self.worked_on.append,
            understood=lambda _: None,
            skip=frozenset(skip),
        )

    async def run(self, handler: Understanding | None = None) -> None:
        """Until everything on the topic is settled."""
        stop = asyncio.Event()
        parking = Parking(self.bus.publisher(), "understand", connector="mail")
        source = self.bus.source(["raw.email"], GROUP)
        task = asyncio.create_task(consume(source, handler or self.handler(), parking, stop=stop))
        for _ in range(400):
            if task.done() or self.settled == len(self.bus.records("raw.email")):
                break
            await asyncio.sleep(0.01)
        stop.set()
        await task

    @property
    def settled(self) -> int:
        return sum(self.bus.groups[GROUP].committed.values())

    @property
    def messages(self) -> list[NormalizedMessage]:
        records = self.bus.records("messages.email")
        return [NormalizedMessage.from_json(r.value or b"") for r in records if b'"message.v1"' in (r.value or b"")]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def test_a_record_becomes_a_message_that_names_its_origin(desk: Desk) -> None:
    (where,) = await desk.bus.publisher().publish([raw_record("mail", b"hello")])
    await desk.run()
    (found,) = desk.messages
    assert found.raw == RawPosition(topic=where.topic, partition=where.partition, offset=where.offset)
    assert found.received_at is not None
    assert found.received_at.isoformat() == "2026-01-02T03:04:05+00:00"
    assert not found.replayed
    (record,) = desk.bus.records("messages.email")
    assert record.key == "c@customer.example"
    assert record.headers["ce_id"] == found.message_id.encode()
    assert record.headers["ce_source"] == b"/connectors/mail"
    assert record.headers["traceparent"] == TRACE.encode()


async def test_records_of_other_accounts_are_skipped(desk: Desk) -> None:
    await desk.bus.publisher().publish([raw_record("sales", b"theirs"), raw_record("mail", b"ours")])
    await desk.run()
    assert [found.text for found in desk.messages] == ["ours"]


async def test_the_account_counts_not_only_the_header(desk: Desk) -> None:
    record = raw_record("sales", b"theirs")
    await desk.bus.publisher().publish([Outgoing(record.topic, record.key, record.value)])
    await desk.run()
    assert desk.messages == []
    assert desk.settled == 1


async def test_what_is_ignored_stands_on_the_topic_with_its_reason(desk: Desk) -> None:
    (where,) = await desk.bus.publisher().publish([raw_record("mail", b"ignore")])
    await desk.run()
    (record,) = desk.bus.records("messages.email")
    found = IgnoredMessage.from_json(record.value or b"")
    assert (found.reason, found.account, found.raw.offset) == ("nothing in it", "mail", where.offset)


async def test_poison_is_parked_with_its_bytes_and_holds_up_nobody(desk: Desk) -> None:
    payloads = [b"one", b"invalid", b"two"]
    positions = await desk.bus.publisher().publish([raw_record("mail", payload) for payload in payloads])
    junk = Outgoing("raw.email", "k", b"{ no json", raw_record("mail", b"").headers)
    await desk.bus.publisher().publish([junk])
    await desk.run()
    assert sorted(str(found.text) for found in desk.messages) == ["one", "two"]
    letters = {key: DeadLetter.from_json(r.value or b"") for key, r in desk.bus.latest("dead-letters").items()}
    assert len(letters) == 2
    letter = letters["/".join(map(str, positions[1]))]
    assert (letter.error, letter.reason, letter.connector) == ("invalid", "nothing can be made of it", "mail")
    assert letter.value == raw_record("mail", b"invalid").value
    assert desk.settled == 4


async def test_a_fault_of_the_normalizer_parks_the_record(tmp_path: Path) -> None:
    def fault() -> object:
        raise ZeroDivisionError("a bug")

    desk = Desk(tmp_path, normalizer({b"bug": fault}))
    await desk.bus.publisher().publish([raw_record("mail", p) for p in (b"one", b"a bug", b"two")])
    await desk.run()
    assert len(desk.messages) == 2
    (letter,) = [DeadLetter.from_json(r.value or b"") for r in desk.bus.records("dead-letters")]
    assert (letter.error, letter.reason) == ("unexpected", "ZeroDivisionError: a bug")


async def test_a_large_payload_comes_from_the_blob_store_and_a_missing_one_is_parked(desk: Desk) -> None:
    data = b"from the blob store"
    ref = BlobRef(blob=await desk.blobs.put(data), size=len(data))
    gone = BlobRef(blob=f"sha256/{'0' * 64}", size=1)
    await desk.bus.publisher().publish([raw_record("mail", ref), raw_record("mail", gone)])
    await desk.run()
    assert [found.text for found in desk.messages] == ["from the blob store"]
    assert len(desk.bus.records("dead-letters")) == 1


async def test_blobs_are_stored_before_the_message_that_names_them(tmp_path: Path) -> None:
    data = b"an attachment"
    name = f"sha256/{hashlib.sha256(data).hexdigest()}"
    desk = Desk(tmp_path, lambda raw, payload: [Understood(message(raw, payload), {name: data})])
    inner = desk.bus.publisher()
    seen: list[bytes] = []

    class Looking:
        async def publish(self, records: Sequence[Outgoing]) -> Sequence[Position]:
            seen.append(await desk.blobs.get(name))
            return await inner.publish(records)

    await inner.publish([raw_record("mail", b"x")])
    await desk.run(desk.handler(Looking()))
    assert seen == [data]


async def test_nothing_is_settled_before_the_messages_are_published(desk: Desk) -> None:
    inner = desk.bus.publisher()
    settled: list[int] = []

    class Slow:
        failures = 2

        async def publish(self, records: Sequence[Outgoing]) -> Sequence[Position]:
            await asyncio.sleep(0.05)
            settled.append(desk.settled)
            if self.failures:
                self.failures -= 1
                raise Retryable("Kafka: away")
            return await inner.publish(records)

    await inner.publish([raw_record("mail", b"x")])
    await desk.run(desk.handler(Slow()))
    assert settled == [0, 0, 0]
    assert len(desk.messages) == 1
    assert desk.settled == 1


async def test_repeating_a_batch_gives_the_same_ids(desk: Desk) -> None:
    await desk.bus.publisher().publish([raw_record("mail", b"again")])
    batch = desk.bus.records("raw.email")
    await desk.handler()(batch)
    await desk.handler()(batch)
    first, second = desk.bus.records("messages.email")
    assert (first.key, first.value, first.headers) == (second.key, second.value, second.headers)


async def test_what_the_parent_has_parked_is_passed_over(desk: Desk) -> None:
    positions = await desk.bus.publisher().publish([raw_record("mail", b"poison"), raw_record("mail", b"good")])
    await desk.run(desk.handler(skip=[positions[0]]))
    assert [found.text for found in desk.messages] == ["good"]
    assert desk.settled == 2


async def test_it_is_noted_what_is_in_hand_also_when_it_fails(desk: Desk) -> None:
    positions = await desk.bus.publisher().publish([raw_record("mail", b"good")])
    await desk.handler()(desk.bus.records("raw.email"))
    assert desk.worked_on == [positions[0], None]
    await desk.bus.publisher().publish([raw_record("mail", b"invalid")])
    await desk.run()
    assert desk.worked_on[-1] is None


async def test_a_conversation_of_the_provider_is_the_key(tmp_path: Path) -> None:
    refs = [Ref(kind="in_reply_to", value="a"), Ref(kind="provider_thread", value="thread-7")]
    desk = Desk(tmp_path, lambda raw, payload: [Understood(message(raw, payload, refs=refs), {})])
    await desk.bus.publisher().publish([raw_record("mail", b"x")])
    await desk.run()
    assert desk.bus.records("messages.email")[0].key == "thread-7"


async def test_a_message_too_large_for_a_record_goes_through(tmp_path: Path) -> None:
    text = "\x01" * (127 * 1024)  # six bytes each in JSON

    def normalize(raw: RawMessage, payload: bytes) -> Sequence[Understood | Ignored]:
        made = message(raw, payload, text=text)
        return [Understood(made.model_copy(update={"reply_text": text, "html": text + "!"}), {})]

    desk = Desk(tmp_path, normalize)
    await desk.bus.publisher().publish([raw_record("mail", b"x")])
    await desk.run()
    (found,) = desk.messages
    assert len(desk.bus.records("messages.email")[0].value or b"") < MAX_RECORD_BYTES - 16 * 1024
    assert isinstance(found.html, BlobRef)
    assert await desk.blobs.get(found.html.blob) == (text + "!").encode()
    assert desk.bus.records("dead-letters") == []


def test_what_fits_stays_as_it_is() -> None:
    raw = RawMessage.from_json(raw_record("mail", b"x").value or b"")
    made = message(raw, b"short")
    assert fitted(made) == (made, made.to_json(), {})
