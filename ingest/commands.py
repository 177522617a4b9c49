"""`connector`, `send`."""

import asyncio
from pathlib import Path
from typing import Annotated

import aiosmtplib
import typer

from bus.errors import ConfigError
from bus.options import ConfigOption, DatabaseOption, DataOption, JsonOption, KafkaOption, OpsPortOption, resolve
from bus.output import print_one


def register(app: typer.Typer) -> None:
    """Add the commands of this package."""
    app.command("connector")(connector)
    app.command("send")(send)


def connector(
    names: Annotated[list[str], typer.Argument(metavar="NAME…", help="Connectors of the configuration.")],
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    database: DatabaseOption = None,
    ops_port: OpsPortOption = 0,
) -> None:
    """Host these connectors in this process."""
    from bus.service import run_service
    from ingest.hosting import work

    settings = resolve(data, config, kafka, database).settings("kafka")
    raise typer.Exit(run_service("connector", settings, work(settings, names), ops_port=ops_port))


def send(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Mails, or folders of *.eml.")],
    to: Annotated[str, typer.Option("--to", help="Recipient.")] = "support@desk.example",
    data: DataOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hand mails to a running SMTP connector."""
    endpoints = resolve(data).endpoints()
    if not endpoints:
        raise ConfigError("no `deskstream up` runs")

    async def run() -> int:
        host, _, port = endpoints["smtp"].rpartition(":")
        accepted = 0
        async with aiosmtplib.SMTP(hostname=host, port=int(port), start_tls=False) as client:
            for path in files:
                refused, _ = await client.sendmail("sender@client.example", [to], path.read_bytes())
                accepted += not refused
        return accepted

    print_one({"accepted": asyncio.run(run()), "refused": 0}, as_json=as_json)
