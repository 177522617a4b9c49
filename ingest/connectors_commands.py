"""`deskstream connectors`: look at connectors and steer them."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import typer

from bus.connector import ConnectorControl
from bus.headers import cloud_event
from bus.options import ConfigOption, DataOption, JsonOption, KafkaOption, resolve
from bus.output import print_rows
from bus.record import Outgoing
from bus.settings import Settings
from bus.topics import CONTROL
from ingest.instant import instant

connectors_app = typer.Typer(help="Look at connectors, pause, resume and rewind them.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="Name of the connector, as in [connectors.NAME].")]
_SILENT_AFTER = 30.0


@connectors_app.command("list")
def list_command(data: DataOption = None, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """The configured connectors."""
    from ingest.table import configured

    settings = resolve(data, config).settings()
    rows: list[dict[str, Any]] = [
        {"connector": name, "type": row.name, "channel": row.channel} for name, (row, _) in configured(settings).items()
    ]
    columns = {
        "connector": lambda row: row["connector"],
        "type": lambda row: row["type"],
        "channel": lambda row: row["channel"],
    }
    print_rows(rows, columns, as_json=as_json, nothing="No connector is configured; add a section [connectors.NAME].")


@connectors_app.command("status")
def status_command(
    data: DataOption = None, config: ConfigOption = None, kafka: KafkaOption = None, as_json: JsonOption = False
) -> None:
    """What each connector said of itself last; exit status 1 when one that should run does not."""
    from ingest.steering import last_statuses

    settings = resolve(data, config, kafka).settings("kafka")
    now = datetime.now(UTC)
    rows: list[dict[str, Any]] = []
    for status in asyncio.run(last_statuses(settings.kafka)).values():
        silent = (now - status.at).total_seconds()
        shown = status.model_dump(mode="json") | {"silent_seconds": round(silent, 1)}
        if silent > _SILENT_AFTER and status.state != "stopped":
            shown["state"] = "silent"
        rows.append(shown)
    columns = {
        "connector": lambda row: row["connector"],
        "state": lambda row: row["state"],
        "received": lambda row: row["received"],
        "understood": lambda row: row["understood"],
        "parked": lambda row: row["parked"],
        "sent": lambda row: row["sent"],
        "said": lambda row: f"{row['silent_seconds']:.0f} s ago",
        "problem": lambda row: row["last_error"],
    }
    print_rows(rows, columns, as_json=as_json, nothing="No connector has ever run.")
    if any(row["state"] in ("silent", "failing") for row in rows):
        raise typer.Exit(1)


@connectors_app.command("pause")
def pause_command(
    name: NameArgument, data: DataOption = None, config: ConfigOption = None, kafka: KafkaOption = None
) -> None:
    """Take nothing from the source and send nothing until resumed; senders keep their mail and come back."""
    _ask(name, "pause", None, resolve(data, config, kafka).settings("kafka"))


@connectors_app.command("resume")
def resume_command(
    name: NameArgument, data: DataOption = None, config: ConfigOption = None, kafka: KafkaOption = None
) -> None:
    """Go on after a pause."""
    _ask(name, "resume", None, resolve(data, config, kafka).settings("kafka"))


@connectors_app.command("rewind")
def rewind_command(
    name: NameArgument,
    since: Annotated[str, typer.Option("--since", help="Time (2026-01-31T08:00Z) or how long ago (2h, 3d).")],
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
) -> None:
    """Understand again what has been received since then; what was filed already is recognised."""
    _ask(name, "rewind", instant(since, datetime.now(UTC)), resolve(data, config, kafka).settings("kafka"))


def _ask(name: str, command: Literal["pause", "resume", "rewind"], since: datetime | None, settings: Settings) -> None:
    from ingest.publishing import publish_once
    from ingest.table import chosen

    chosen(settings, [name])
    control = ConnectorControl(connector=name, command=command, at=datetime.now(UTC), since=since)
    headers = cloud_event(f"{name}/{control.at.isoformat()}", control.kind, "/commands", time=control.at)
    asyncio.run(publish_once(settings.kafka, [Outgoing(CONTROL, name, control.to_json(), headers)]))
    typer.echo(f"{name}: asked to {command}")
