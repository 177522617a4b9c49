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


@pytest.mark.stack
def test_clocks_that_run_are_moved(stack: Stack) -> None:
    url = stack.new_database()
    upgrade(url, "m0004")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            sa.text("""
                INSERT INTO metrics.ticket_facts
                    (ticket_id, root_id, contact_id, account_id, owner_id, team_id, version, waiting_since, next_due,
                     document)
                VALUES ('a', 'a', 'c', 'ac', NULL, 't', 1, 5, NULL, ''),
                       ('b', 'b', 'c', NULL, 'o', NULL, 1, NULL, 7, ''),
                       ('closed', 'closed', 'c', NULL, 'o', NULL, 2, NULL, NULL, '')
            """)
        )
    upgrade(url)
    with engine.connect() as connection:
        moved = connection.execute(sa.text("SELECT * FROM metrics.clocks ORDER BY ticket_id")).all()
        kept = connection.scalars(sa.text("SELECT ticket_id FROM metrics.ticket_facts ORDER BY ticket_id")).all()
    engine.dispose()
    assert [tuple(row) for row in moved] == [("a", "c", "ac", None, "t", 5, None), ("b", "c", None, "o", None, None, 7)]
    assert kept == ["a", "b", "closed"]
