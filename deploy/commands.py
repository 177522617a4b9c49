"""`up`, `api`, `doctor`, `verify`, `asyncapi` and `openapi`: the commands that put the packages together."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bus.options import ConfigOption, DatabaseOption, DataOption, JsonOption, KafkaOption, OpsPortOption, resolve

Wait = Annotated[float, typer.Option("--wait", help="Seconds to wait until all holds.", min=0)]


def register(app: typer.Typer) -> None:
    """Add the commands of this package."""
    app.command("up")(up)
    app.command("doctor")(doctor)
    app.command("verify")(verify)
    app.command("asyncapi")(asyncapi)
    app.command("api")(api)
    app.command("openapi")(openapi)


def up(  # the options of a command line
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    database: DatabaseOption = None,
    port: Annotated[
        int | None, typer.Option("--port", help="Port of the agents' API; 0 takes a free one.", min=0)
    ] = None,
    intake_port: Annotated[
        int | None, typer.Option("--intake-port", help="Port of forms, chat and webhooks; 0 takes a free one.")
    ] = None,
    smtp_port: Annotated[int | None, typer.Option("--smtp-port", help="Port for mail; 0 takes a free one.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Send sample mails and show what became of them.")] = False,
    once: Annotated[bool, typer.Option("--once", help="With --demo: stop when the sample is settled.")] = False,
) -> None:
    """Start everything on this machine, Kafka and PostgreSQL included, and keep it running until Ctrl-C."""
    from deploy.demo.visit import DEMO_DATA, visit
    from deploy.up import UpOptions
    from deploy.up import up as run

    folder = data or (Path(DEMO_DATA) if demo else None)
    options = UpOptions(
        data=resolve(folder, config, kafka, database).data,
        config=config,
        kafka=kafka,
        database=database,
        port=port,
        smtp_port=smtp_port,
        intake_port=intake_port,
        once=once,
        emptied=demo,
    )
    raise typer.Exit(run(options, Console(), visit if demo else None))


def verify(
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    wait: Wait = 30.0,
    ledger: Annotated[Path | None, typer.Option("--ledger", help="What a generator of mails says it sent.")] = None,
) -> None:
    """Check that nothing is lost, doubled, unanswered or miscounted; exit 1 when an invariant is broken."""
    from deploy.verify.run import verify as run

    settings = resolve(data, config, kafka, database).settings("kafka", "database")
    verdict = asyncio.run(run(settings, ledger_file=ledger, wait=wait))
    if as_json:
        print(json.dumps(verdict.as_json(), ensure_ascii=False))
    else:
        table = Table("", "invariant", "against it")
        for one in verdict.checks:
            table.add_row("[green]✓[/]" if one.ok else "[red]✗[/]", one.name, "; ".join(one.examples[:3]) or "")
        console = Console()
        console.print(table)
        console.print(", ".join(f"{count} {name}" for name, count in sorted(verdict.counts.items())))
    raise typer.Exit(0 if verdict.ok else 1)


def doctor(
    data: DataOption = None,
    config: ConfigOption = None,
    kafka: KafkaOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
    wait: Wait = 0.0,
) -> None:
    """Look whether Kafka, the topics, the database, the blob store and the services are ready."""
    from deploy.doctor import examine

    findings = asyncio.run(examine(resolve(data, config, kafka, database), wait=wait))
    for finding in findings:
        if as_json:
            print(json.dumps({"name": finding.name, "ok": finding.problem is None, "problem": finding.problem}))
        else:
            mark = "[green]✓[/]" if finding.problem is None else "[red]✗[/]"
            Console(highlight=False).print(f"{mark} {finding.name}", finding.problem or "", soft_wrap=True)
    raise typer.Exit(0 if all(finding.problem is None for finding in findings) else 1)


def asyncapi() -> None:
    """Print the AsyncAPI 3 document of every topic."""
    from bus.asyncapi import asyncapi as document

    print(json.dumps(document(), indent=2, ensure_ascii=False))


def api(
    data: DataOption = None,
    config: ConfigOption = None,
    database: DatabaseOption = None,
    port: Annotated[
        int | None, typer.Option("--port", help="Port to serve on; 0 takes a free one [default: [api] port].", min=0)
    ] = None,
    ops_port: OpsPortOption = 0,
) -> None:
    """Run the agents' API in the foreground. Needs PostgreSQL and the blob store, nothing else."""
    from bus.service import run_service
    from deploy.figures_in_api import figures
    from ticketing.api.service import work

    settings = resolve(data, config, None, database).settings("database")
    raise typer.Exit(run_service("api", settings, work(settings, port=port, more=figures(settings)), ops_port=ops_port))


def openapi() -> None:
    """Print the OpenAPI document of the agents' API."""
    from deploy.openapi import openapi as document

    print(json.dumps(document(), indent=2, ensure_ascii=False))
