"""One raw record may hold several messages: each has an outcome of its own, and one of them lost is told."""

from types import SimpleNamespace
from typing import Any

import pytest

from bus.dead_letter import DeadLetter
from bus.record import Position, Received
from deploy.verify.accounting import accounting
from deploy.verify.world import Made, World

RAW = Position("raw.forum", 0, 7)


def world(made: list[str], filed: list[str], settled: list[tuple[str, str]], *, parked: bool = False) -> World:
    """A raw record of which these messages were `made` (an empty id: nothing), with what became of them."""
    messages = [
        _row(id=id_, ticket_id="t" if id_ != "kept" else None, aside="call" if id_ == "kept" else None) for id_ in filed
    ]
    letter = DeadLetter.model_validate(
        {
            "topic": RAW.topic, "partition": RAW.partition, "offset": RAW.offset, "key": None, "headers": {},
            "value": b"", "reason": "bad", "error": "invalid", "stage": "understand", "at": "2026-01-01T00:00:00Z",
        }
    )  # fmt: skip
    return World(
        raw={RAW: Received(*RAW, None, b"", 0)},
        made={Position("messages.forum", 0, n): Made(RAW, id_) for n, id_ in enumerate(made)},
        letters={"raw.forum/0/7": letter} if parked else {},
        ticket_events=[],
        contact_events=[],
        ticket_states={},
        receipts={},
        rows={"messages": messages, "settled": [_row(message_id=id_, outcome=outcome) for id_, outcome in settled]},
    )


def _row(**more: Any) -> Any:  # noqa: ANN401  # a row of a table
    return SimpleNamespace(raw_topic=RAW.topic, raw_partition=RAW.partition, raw_offset=RAW.offset, **more)


@pytest.mark.parametrize(
    ("seen", "counts"),
    [
        (world(["a"], ["a"], []), {"filed": 1}),
        (world(["a", "b", "kept"], ["a", "b", "kept"], []), {"filed": 2, "call": 1}),
        (
            world(["a", "b", ""], ["a"], [("b", "duplicate"), ("", "ignored")]),
            {"filed": 1, "duplicate": 1, "ignored": 1},
        ),
        (world(["a", "a"], ["a"], []), {"filed": 1}),  # the same once more, as after a crash or a replay
        (world([], [], [], parked=True), {"parked": 1}),
    ],
)
def test_each_message_is_settled_once(seen: World, counts: dict[str, int]) -> None:
    found, numbers = accounting(seen)
    assert found.ok, found
    assert numbers == {"raw": 1, **counts}


@pytest.mark.parametrize(
    "seen",
    [
        world([], [], []),
        world(["a", "b"], ["a"], []),
        world(["a", "b"], ["a"], [("a", "duplicate"), ("b", "duplicate")]),
        world(["a", ""], ["a"], []),
        world(["a"], ["a"], [], parked=True),
    ],
    ids=["nothing became of it", "one lost", "one filed and settled", "an ignored one lost", "parked and filed"],
)
def test_one_that_is_lost_or_counted_twice_is_told(seen: World) -> None:
    assert not accounting(seen)[0].ok
