"""Bringing the worker's schema to what this version needs."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from metrics_worker.tables import SCHEMA

_MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 0x66696D69


def upgrade(url: str, revision: str = "head") -> None:
    """Make or complete the schema `metrics`, as far as `revision`; several at once wait for each other."""
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
            connection.execute(sa.schema.CreateSchema(SCHEMA, if_not_exists=True))
            config = Config()
            config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    finally:
        engine.dispose()
