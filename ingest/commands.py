"""The commands of this package: connectors, sending test mails, dead letters, replay."""

import functools
from typing import Annotated

import typer

from bus.options import ConfigOption, DataOption, KafkaOption, OpsPortOption, resolve
from ingest.connectors_commands import connectors_app
from ingest.dead_letters_commands import dead_letters_app
from ingest.replay_command import replay_command
from ingest.send_command import send_command


def register(app: typer.Typer) -> None:
    """Mount them on the command line."""
    app.command("connector")(connector_command)
    app.command("send")(send_command)
    app.command("replay")(replay_command)
    app.add_typer(connectors_app, name="connectors")
    app.add_typer(dead_letters_app, name="dead-letters")


def connector_command(
    names: Annotated[list[str], typer.Argument(help="Connectors to run in this process, by name.", metavar="NAME…")],
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    ops_port: OpsPortOption = 0,
    intake_port: Annotated[
        int | None, typer.Option("--intake-port", help="Port of forms, chat and webhooks; 0 takes a free one.")
    ] = None,
) -> None:
    """Run connectors in the foreground: receive, understand, send. Needs Kafka and the blob store, nothing else."""
    from bus.service import run_service
    from ingest.hosting import host
    from ingest.table import chosen

    settings = resolve(data, config, kafka).settings("kafka")
    if intake_port is not None:
        settings = settings.model_copy(update={"intake": settings.intake.model_copy(update={"port": intake_port})})
    work = functools.partial(host, chosen(settings, names), settings)
    raise typer.Exit(run_service("connector", settings, work, ops_port=ops_port))
