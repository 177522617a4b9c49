"""`deskstream topics`: prepare Kafka for a deployment."""

import asyncio
import difflib
from typing import Annotated, get_args

import typer

from bus.acls import SERVICES, Right, channel_of, connector_rights, rights_of
from bus.errors import ConfigError
from bus.message import CHANNELS, Channel
from bus.options import ConfigOption, DatabaseOption, DataOption, JsonOption, KafkaOption, resolve
from bus.output import print_rows
from bus.settings import Settings
from bus.topics import Topic, create_topics, topics

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
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the topics that are missing; those that exist are left as they are."""
    wanted = _chosen(name)
    settings = resolve(data, config, kafka, database).settings("kafka")
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


@topics_app.command("acls")
def acls(
    name: Annotated[str, typer.Argument(help=f"A connector's name, or {', '.join(SERVICES)}.")],
    user: Annotated[str | None, typer.Option("--user", help="Kafka's name of it [default: deskstream-NAME].")] = None,
    channel: Annotated[
        str | None, typer.Option("--channel", help="A connector's channel, if no file names it.")
    ] = None,
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the least rights that a service needs, as lines for Kafka's `kafka-acls.sh`; nothing is changed."""
    settings = resolve(data, config, kafka, database).settings()
    rights: tuple[Right, ...] = (
        rights_of(name) if name in SERVICES else connector_rights(name, _channel(name, channel, settings))
    )
    principal = user or f"deskstream-{name}"
    if as_json:
        print_rows([right.document(principal) for right in rights], {}, as_json=True)
    else:
        for right in rights:
            typer.echo(right.to_line(settings.kafka.servers, principal))


def _chosen(name: str | None) -> list[Topic]:
    table = {topic.name: topic for topic in topics()}
    if name is None:
        return list(table.values())
    if name not in table:
        close = difflib.get_close_matches(name, table, n=1)
        raise ConfigError(f"there is no topic {name}" + (f"; did you mean {close[0]}?" if close else ""))
    return [table[name]]


def _channel(name: str, given: str | None, settings: Settings) -> Channel:
    section = settings.connectors.get(name)
    if given is None and section is None:
        known = ", ".join((*SERVICES, *settings.connectors))
        raise ConfigError(f"there is no connector {name} in the configuration; known: {known}; or give --channel")
    found = given or channel_of(str((section or {}).get("type", "")))
    for channel in get_args(Channel):
        if channel == found:
            return channel  # type: ignore[no-any-return]  # what get_args gives is of any type
    raise ConfigError(f"--channel: one of {', '.join(CHANNELS)}, not {found}")
