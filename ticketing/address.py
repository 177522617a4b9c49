"""The database's address, as every driver here understands it."""

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from bus.errors import ConfigError
from bus.settings import Settings


def database_url(settings: Settings) -> str:
    """The configured URL with our driver in it. Raises ConfigError, which does not show the URL."""
    if settings.database.url is None:
        raise ConfigError("no database is configured: give --database or set [database] url")
    try:
        url = sa.make_url(settings.database.url.get_secret_value())
    except ArgumentError:
        url = None
    if url is None or url.drivername not in ("postgresql", "postgres", "postgresql+psycopg"):
        raise ConfigError("[database] url is no PostgreSQL address; it looks like postgresql://user@host/name")
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
