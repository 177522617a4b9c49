"""`deskstream db`: the tables, and which Kafka cluster they belong to."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from bus.database import database_url
from bus.options import ConfigOption, DatabaseOption, DataOption, JsonOption, KafkaOption, resolve
from bus.output import console, print_one

Upgrade = Callable[[str], None]
"""Brings one package's tables to this version, given the database's URL; harmless when repeated."""


def db_app(more_upgrades: Sequence[Upgrade]) -> typer.Typer:
    """The group `db`."""
    app = typer.Typer(help="Prepare the database.", no_args_is_help=True)

    @app.command("upgrade")
    def upgrade(
        data: DataOption = None,
        config: ConfigOption = None,
        kafka: KafkaOption = None,
        database: DatabaseOption = None,
        as_json: JsonOption = False,
    ) -> None:
        """Bring the tables to this version's form; run it before the new version's services start."""
        from ticketing.migrate import upgrade as upgrade_desk

        url = database_url(resolve(data, config, kafka, database).settings("database"))
        for each in (upgrade_desk, *more_upgrades):
            each(url)
        if as_json:
            print_one({"ok": True}, as_json=True)
        else:
            console().print("The tables are up to date.")

    @app.command("adopt-cluster")
    def adopt_cluster(
        data: DataOption = None,
        config: ConfigOption = None,
        kafka: KafkaOption = None,
        database: DatabaseOption = None,
        as_json: JsonOption = False,
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    ) -> None:
        """Read the configured Kafka cluster, from its beginning, in place of the one that was read so far."""
        from ticketing.cluster import adopt

        settings = resolve(data, config, kafka, database).settings("kafka", "database")
        if not yes:
            typer.confirm("Stop all services first. Forget how far the former Kafka cluster was read?", abort=True)
        cluster, changed = asyncio.run(adopt(settings.kafka, database_url(settings)))
        if as_json:
            print_one({"cluster_id": cluster, "partitions": changed}, as_json=True)
        else:
            console().print(f"Cluster {cluster} is adopted; {changed} partitions will be read from their beginning.")

    return app
