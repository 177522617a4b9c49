"""Bringing a database to the tables of this version."""

from importlib.resources import files

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.exc import DBAPIError

from bus.progress import database_error

_MIGRATION_LOCK = 0x6D696772
"""Advisory lock of a transaction: several services that start at once migrate one after the other."""


def upgrade(url: str) -> None:
    """Run the migrations that are missing, all in one transaction. Raises Retryable when there is no database."""
    config = Config()
    config.set_main_option("script_location", str(files("ticketing") / "migrations").replace("%", "%%"))
    engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args={"connect_timeout": 5})
    try:
        with engine.begin() as connection:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except DBAPIError as error:
        raise database_error(error) from error
    finally:
        engine.dispose()
