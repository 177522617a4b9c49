"""`deskstream topics`: prepare Kafka for a deployment."""

import asyncio
from typing import Annotated

import typer

from bus.errors import ConfigError
from bus.options import ConfigOption, DataOption, JsonOption, KafkaOption, resolve
from bus.output import print_rows
from bus.topics import create_topics, topics

topics_app = typer.Typer(help="Prepare Kafka: make the topics, print least rights.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add `topics` to the command line."""
    app.add_typer(topics_app, name="topics")


@topics_app.command("create")
def create(
    name: Annotated[str | None, typer.Argument(help="One topic only.")] = None,
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the topics that are missing; those that exist are left as they are."""
    settings = resolve(data, config, kafka).settings("kafka")
    wanted = [topic for topic in topics() if name in (None, topic.name)]
    if not wanted:
        raise ConfigError(f"there is no topic {name} in the table of topics")
    new = asyncio.run(
        create_topics(
            settings.kafka,
            wanted,
            durable=settings.kafka.durability == "fsync",
            replication=settings.kafka.replication,
        )
    )
    rows = [{"topic": topic.name, "created": topic.name in new, "partitions": topic.partitions} for topic in wanted]
    print_rows(
        rows,
        {"topic": lambda r: r["topic"], "partitions": lambda r: r["partitions"], "created": lambda r: r["created"]},
        as_json=as_json,
    )
