"""`deskstream connectors`: look at connectors and steer them."""

import asyncio
import getpass
import os
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
    """What each connector said of itself last; exit status 1 when one that should run does not, or hears nothing."""
    from ingest.connector_health import judge
    from ingest.steering import last_statuses

    settings = resolve(data, config, kafka).settings("kafka")
    now = datetime.now(UTC)
    rows: list[dict[str, Any]] = []
    bad = False
    for status in asyncio.run(last_statuses(settings.kafka)).values():
        verdict = judge(status, now)
        state: str = verdict.state
        if state in ("dead", "stopped") and settings.connectors and status.connector not in settings.connectors:
            state = "removed"  # what it said last stays for the record
        bad = bad or (verdict.bad and state != "removed")
        said = round((now - status.at).total_seconds(), 1)
        more = {"state": state, "warnings": list(verdict.warnings), "silent_seconds": said}
        rows.append(status.model_dump(mode="json") | more)
    columns = {
        "connector": lambda row: row["connector"],
        "state": _state,
        "received": lambda row: row["received"],
        "understood": lambda row: row["understood"],
        "parked": lambda row: row["parked"],
        "sent": lambda row: row["sent"],
        "behind": lambda row: row["source_lag"],
        "last success": lambda row: _ago(row["last_success_at"], now),
        "last received": lambda row: _ago(row["last_received_at"], now),
        "left": _left,
        "said": lambda row: f"{row['silent_seconds']:.0f} s ago",
        "problem": _problem,
    }
    print_rows(rows, columns, as_json=as_json, nothing="No connector has ever run.")
    if bad:
        raise typer.Exit(1)


def _state(row: dict[str, Any]) -> str:
    return f"paused by {row['paused_by']}" if row["state"] == "paused" and row["paused_by"] else str(row["state"])


def _ago(instant: str | None, now: datetime) -> str:
    if instant is None:
        return "never"
    seconds = (now - datetime.fromisoformat(instant)).total_seconds()
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def _left(row: dict[str, Any]) -> str:
    return ", ".join(f"{q['limit'] - q['used']:g} of {q['limit']:g} {q['unit']}" for q in row["quotas"])


def _problem(row: dict[str, Any]) -> str:
    error = f"{row['error_class']}: {row['last_error']}" if row["error_class"] else row["last_error"]
    return "; ".join(filter(None, [error, *row["warnings"]]))


@connectors_app.command("try")
def try_command(
    name: NameArgument, data: DataOption = None, config: ConfigOption = None, kafka: KafkaOption = None
) -> None:
    """Reach the connector's source with its settings, change nothing, say what is there; exit status 1 if it fails."""
    from bus.errors import Retryable
    from ingest.probing import probe

    settings = resolve(data, config, kafka).settings()
    try:
        typer.echo(f"{name}: {asyncio.run(probe(settings, name))}")
    except Retryable as error:
        typer.echo(f"{name}: {error.kind}: {error}", err=True)
        raise typer.Exit(1) from None


ByOption = Annotated[str | None, typer.Option("--by", help="Who asks [default: the name you are logged in under].")]


@connectors_app.command("pause")
def pause_command(
    name: NameArgument,
    by: ByOption = None,
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
) -> None:
    """Take nothing from the source and send nothing until resumed; senders keep their mail and come back."""
    _ask(name, "pause", None, by, resolve(data, config, kafka).settings("kafka"))


@connectors_app.command("resume")
def resume_command(
    name: NameArgument,
    by: ByOption = None,
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
) -> None:
    """Go on after a pause."""
    _ask(name, "resume", None, by, resolve(data, config, kafka).settings("kafka"))


@connectors_app.command("rewind")
def rewind_command(
    name: NameArgument,
    since: Annotated[str, typer.Option("--since", help="Time (2026-01-31T08:00Z) or how long ago (2h, 3d).")],
    by: ByOption = None,
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
) -> None:
    """Understand again what has been received since then; what was filed already is recognised."""
    _ask(name, "rewind", instant(since, datetime.now(UTC)), by, resolve(data, config, kafka).settings("kafka"))


def _ask(
    name: str,
    command: Literal["pause", "resume", "rewind"],
    since: datetime | None,
    by: str | None,
    settings: Settings,
) -> None:
    from ingest.publishing import publish_once
    from ingest.table import chosen

    chosen(settings, [name])
    control = ConnectorControl(connector=name, command=command, at=datetime.now(UTC), since=since, by=by or _me())
    headers = cloud_event(f"{name}/{control.at.isoformat()}", control.kind, "/commands", time=control.at)
    asyncio.run(publish_once(settings.kafka, [Outgoing(CONTROL, name, control.to_json(), headers)]))
    typer.echo(f"{name}: asked to {command}")


def _me() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no account and no variable, as in a container
        return f"uid {os.getuid()}"
