"""Nothing lost, nothing doubled: every raw record is exactly one of filed, duplicate, automatic, ignored, parked."""

from collections import defaultdict
from collections.abc import Iterator

from bus.record import Position
from deploy.verify.check import Check, check
from deploy.verify.world import World


def accounting(world: World) -> tuple[Check, dict[str, int]]:
    """The check, and how many records became what."""
    outcomes = _outcomes(world)
    counts: dict[str, int] = defaultdict(int, raw=len(world.raw))

    def findings() -> Iterator[str]:
        for position in world.raw:
            found = outcomes.get(position, set())
            for outcome in found:
                counts[outcome] += 1
            if len(found) != 1:
                where = "/".join(map(str, position))
                yield f"{where}: {' and '.join(sorted(found)) if found else 'nothing became of it'}"

    return check("every raw record is settled exactly once", findings()), dict(counts)


def _outcomes(world: World) -> dict[Position, set[str]]:
    outcomes: dict[Position, set[str]] = defaultdict(set)
    for row in world.rows["messages"]:
        if row.raw_topic is not None:
            position = Position(row.raw_topic, row.raw_partition, row.raw_offset)
            outcomes[position].add("filed" if row.ticket_id else "automatic")
    for row in world.rows["settled"]:
        outcomes[Position(row.raw_topic, row.raw_partition, row.raw_offset)].add(row.outcome)
    for letter in world.letters.values():
        parked = Position(letter.topic, letter.partition, letter.offset)
        origin = parked if parked.topic.startswith("raw.") else world.sources.get(parked)
        if origin is not None:
            outcomes[origin].add("parked")
    return outcomes


def letters(world: World) -> Check:
    """Every dead letter stands under its key, with its reason, position and bytes."""

    def findings() -> Iterator[str]:
        for key, letter in world.letters.items():
            if key != f"{letter.topic}/{letter.partition}/{letter.offset}":
                yield f"{key}: holds the record {letter.topic}/{letter.partition}/{letter.offset}"
            elif not letter.reason:
                yield f"{key}: without a reason"
            record = world.raw.get(Position(letter.topic, letter.partition, letter.offset))
            if record is not None and not letter.value_omitted and record.value != letter.value:
                yield f"{key}: other bytes than the record"

    return check("every dead letter is whole", findings())
