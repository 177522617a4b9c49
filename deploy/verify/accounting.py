"""Nothing lost, nothing doubled: whatever was made of a raw record is exactly one of filed, automatic, kept aside,
revision, duplicate, ignored, parked."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from bus.record import Position
from deploy.verify.check import Check, check
from deploy.verify.world import Made, World


def accounting(world: World) -> tuple[Check, dict[str, int]]:
    """The check, and how much became what. A raw record may hold several messages, each with an outcome of its own."""
    outcomes = _outcomes(world)
    of_raw: dict[Position, set[Made]] = defaultdict(set)
    for made in (*world.made.values(), *outcomes):
        of_raw[made.raw].add(made)
    counts: dict[str, int] = defaultdict(int, raw=len(world.raw))

    def findings() -> Iterator[str]:
        for position in world.raw:
            where = "/".join(map(str, position))
            parked = Made(position, _WHOLE)
            messages = of_raw[position] - {parked}
            if not messages or (parked in of_raw[position]):
                messages |= {parked}
            for made in sorted(messages):
                found = outcomes.get(made, [])
                for outcome in found:
                    counts[outcome] += 1
                if len(found) != 1:
                    yield f"{where}: {' and '.join(sorted(found)) if found else 'nothing became of it'}"
            if parked in messages and len(messages) > 1:
                yield f"{where}: parked, and {len(messages) - 1} messages of it are known"

    return check("every raw record is settled exactly once", findings()), dict(counts)


_WHOLE = "(the record)"
"""In place of a message's id: of a record that could not be understood."""


def _outcomes(world: World) -> Mapping[Made, list[str]]:
    outcomes: dict[Made, list[str]] = defaultdict(list)
    for row in world.rows["messages"]:
        if row.raw_topic is not None:
            made = Made(Position(row.raw_topic, row.raw_partition, row.raw_offset), row.id)
            outcomes[made].append("filed" if row.ticket_id else row.aside or "automatic")
    for row in world.rows["settled"]:
        position = Position(row.raw_topic, row.raw_partition, row.raw_offset)
        outcomes[Made(position, row.message_id)].append(row.outcome)
    for letter in world.letters.values():
        parked = Position(letter.topic, letter.partition, letter.offset)
        made_of = Made(parked, _WHOLE) if parked.topic.startswith("raw.") else world.made.get(parked)
        if made_of is not None:
            outcomes[made_of].append("parked")
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
