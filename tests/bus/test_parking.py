"""Dead letters: whole, within the size of a record, within the budget."""

import pytest

from bus.dead_letter import DeadLetter
from bus.errors import Retryable
from bus.memory import MemoryBus
from bus.parking import BudgetSpent, Parking
from bus.record import Received
from bus.topics import DEAD_LETTERS, MAX_RECORD_BYTES


def record(offset: int = 0, value: bytes | None = b"v", headers: dict[str, bytes] | None = None) -> Received:
    return Received("raw.email", 1, offset, "k", value, 0, headers or {})


async def parked(one: Received, reason: str = "why") -> DeadLetter:
    bus = MemoryBus()
    await Parking(bus.publisher(), "understand", connector="mail").park(one, reason, "invalid")
    (letter,) = bus.records(DEAD_LETTERS)
    assert letter.key == f"raw.email/1/{one.offset}"
    assert letter.headers["ce_type"] == b"dead.letter.v1"
    return DeadLetter.from_json(letter.value or b"")


async def test_a_letter_holds_the_record_its_place_and_why() -> None:
    letter = await parked(record(7, b"\x00\xff", {"ce_id": b"1"}), "no sender")
    assert (letter.topic, letter.partition, letter.offset, letter.key) == ("raw.email", 1, 7, "k")
    assert (letter.value, letter.headers, letter.reason) == (b"\x00\xff", {"ce_id": "1"}, "no sender")
    assert (letter.stage, letter.connector, letter.value_omitted) == ("understand", "mail", False)


async def test_a_record_too_large_to_keep_twice_is_named_only() -> None:
    letter = await parked(record(value=b"x" * (MAX_RECORD_BYTES - 20_000)))
    assert letter.value_omitted
    assert letter.value == b""


async def test_headers_without_end_and_broken_text_still_fit() -> None:
    letter = await parked(record(headers={f"h{n}": b"x" * 50_000 for n in range(20)}), "bad \udcff text\n" * 1_000)
    assert list(letter.headers) == ["h0"]
    assert len(letter.reason) == 2_000
    assert (await parked(record(value=None))).value == b""


async def test_more_than_five_in_a_hundred_of_the_last_thousand_stop_it() -> None:
    parking = Parking(MemoryBus().publisher(), "understand")
    for n in range(50):
        await parking.park(record(n), "bad", "invalid")
    with pytest.raises(BudgetSpent, match="dead-letters list"):
        await parking.park(record(50), "bad", "invalid")
    parking.count(999)
    with pytest.raises(BudgetSpent):
        await parking.park(record(50), "bad", "invalid")
    parking.count(1)
    await parking.park(record(50), "bad", "invalid")


async def test_a_letter_that_kafka_did_not_take_is_not_counted() -> None:
    bus = MemoryBus()
    parking = Parking(bus.publisher(), "understand")
    bus.reachable = False
    for _ in range(60):
        with pytest.raises(Retryable):
            await parking.park(record(), "bad", "invalid")
    bus.reachable = True
    await parking.park(record(), "bad", "invalid")
