"""`deskstream dead-letters`: look at what could not be handled, try it again, or drop it."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer

from bus.dead_letter import DeadLetter, dead_letter_key
from bus.errors import Invalid
from bus.headers import cloud_event
from bus.kafka_settings import KafkaSettings
from bus.latest import latest_by_key
from bus.options import ConfigOption, DataOption, JsonOption, KafkaOption, resolve
from bus.output import print_one, print_rows
from bus.record import Outgoing, Position
from bus.topics import DEAD_LETTERS

dead_letters_app = typer.Typer(
    help="Records that could not be handled, whole, with their reasons.", no_args_is_help=True
)

KeysArgument = Annotated[
    list[str], typer.Argument(help="Keys as `dead-letters list` shows them: topic/partition/offset; `all`.")
]


@dead_letters_app.command("list")
def list_command(
    data: DataOption = None, config: ConfigOption = None, kafka: KafkaOption = None, as_json: JsonOption = False
) -> None:
    """All letters, oldest first."""
    letters = sorted(_letters(resolve(data, config, kafka).settings("kafka").kafka).values(), key=lambda item: item.at)
    if as_json:
        rows = [{"key": _key(letter)} | letter.model_dump(mode="json", exclude={"value"}) for letter in letters]
        print_rows(rows, {}, as_json=True)
        return
    columns = {
        "key": _key,
        "at": lambda letter: letter.at.isoformat(timespec="seconds"),
        "stage": lambda letter: letter.stage,
        "connector": lambda letter: letter.connector,
        "error": lambda letter: letter.error,
        "reason": lambda letter: letter.reason[:100],
    }
    print_rows(letters, columns, as_json=False, nothing="No dead letters.")


@dead_letters_app.command("show")
def show_command(
    key: Annotated[str, typer.Argument(help="Key of the letter: topic/partition/offset.")],
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    as_json: JsonOption = False,
) -> None:
    """One letter, its record included."""
    letter = _find(_letters(resolve(data, config, kafka).settings("kafka").kafka), [key])[0]
    if as_json:
        print_one(letter, as_json=True)
        return
    shown = letter.model_dump(mode="json", exclude={"value"})
    print_one(shown | {"value": letter.value.decode("utf-8", "replace")}, as_json=False, title=key)


@dead_letters_app.command("retry")
def retry_command(
    keys: KeysArgument, data: DataOption = None, config: ConfigOption = None, kafka: KafkaOption = None
) -> None:
    """Put records on their topics again and take their letters back; what fails again is parked again."""
    settings = resolve(data, config, kafka).settings("kafka").kafka
    letters = _find(_letters(settings), keys)
    asyncio.run(_retry(settings, letters))
    typer.echo(f"{len(letters)} put on their topics again")


@dead_letters_app.command("drop")
def drop_command(
    keys: KeysArgument, data: DataOption = None, config: ConfigOption = None, kafka: KafkaOption = None
) -> None:
    """Take letters away for good; their records stay on their topics as long as these keep them."""
    from ingest.publishing import publish_once

    settings = resolve(data, config, kafka).settings("kafka").kafka
    letters = _find(_letters(settings), keys)
    asyncio.run(publish_once(settings, [_tombstone(letter) for letter in letters]))
    typer.echo(f"{len(letters)} dropped")


async def _retry(kafka: KafkaSettings, letters: list[DeadLetter]) -> None:
    from ingest.publishing import publish_once

    for letter in letters:
        again = await _again(kafka, letter)
        # in this order: a crash between the two repeats the record, which is recognised
        await publish_once(kafka, [again])
        await publish_once(kafka, [_tombstone(letter)])


async def _again(kafka: KafkaSettings, letter: DeadLetter) -> Outgoing:
    from ingest.one_record import read_record

    value: bytes | None = letter.value
    if letter.value_omitted:
        record = await read_record(kafka, Position(letter.topic, letter.partition, letter.offset))
        if record is None:
            raise Invalid(f"{_key(letter)}: the record was too large for its letter and its topic no longer keeps it")
        value = record.value
    headers = tuple((name, text.encode()) for name, text in letter.headers.items())
    return Outgoing(letter.topic, letter.key, value, headers)


def _tombstone(letter: DeadLetter) -> Outgoing:
    key = _key(letter)
    return Outgoing(DEAD_LETTERS, key, None, cloud_event(key, letter.kind, "/commands", time=datetime.now(UTC)))


def _letters(kafka: KafkaSettings) -> dict[str, DeadLetter]:
    found = asyncio.run(latest_by_key(kafka, DEAD_LETTERS))
    return {key: DeadLetter.from_json(record.value or b"") for key, record in found.items()}


def _find(letters: dict[str, DeadLetter], keys: list[str]) -> list[DeadLetter]:
    if keys == ["all"]:
        return sorted(letters.values(), key=lambda letter: letter.at)
    for key in keys:
        if key not in letters:
            raise Invalid(f"there is no dead letter {key}; `deskstream dead-letters list` shows them")
    return [letters[key] for key in keys]


def _key(letter: DeadLetter) -> str:
    return dead_letter_key(letter.topic, letter.partition, letter.offset)
