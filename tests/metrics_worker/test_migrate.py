"""The migrations make what the tables say."""

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from metrics_worker.migrate import upgrade
from metrics_worker.tables import SCHEMA, metadata
from tests.conftest import Stack


def _ours(name: str | None, kind: str, _: object) -> bool:
    return name == SCHEMA if kind == "schema" else True


@pytest.mark.stack
def test_migrations_and_tables_agree(stack: Stack) -> None:
    url = stack.new_database()
    upgrade(url)
    upgrade(url)
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"include_schemas": True, "include_name": _ours, "version_table_schema": SCHEMA, "compare_type": True},
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()
