"""Migrations lead to the tables that the code describes."""

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from bus.errors import Retryable
from tests.conftest import Stack
from ticketing.migrate import upgrade
from ticketing.schema import metadata


@pytest.mark.stack
def test_the_migrated_schema_is_the_one_in_the_code(stack: Stack) -> None:
    url = stack.new_database()
    upgrade(url)
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "compare_server_default": True,
                "include_name": lambda name, kind, _: kind != "schema" or name == "desk",
                "include_object": lambda _, name, kind, *__: (kind, name) != ("table", "alembic_version"),
            },
        )
        assert compare_metadata(context, metadata) == []
        columns = connection.execute(
            sa.text(
                "SELECT attrelid::regclass::text, attstorage::text FROM pg_attribute WHERE attname = 'document' "
                "AND attrelid::regclass::text LIKE 'desk.%' ORDER BY 1"
            )
        ).all()
        assert [tuple(row) for row in columns] == [
            ("desk.contact_events", "e"),
            ("desk.message_states", "e"),
            ("desk.messages", "e"),
            ("desk.outgoing", "e"),
            ("desk.replies", "e"),
            ("desk.ticket_events", "e"),
        ]
        sequences = sa.inspect(connection).get_sequence_names("desk")
        assert set(sequences) == {"outbox_id", "ticket_number", "notices_id_seq"}
    engine.dispose()


@pytest.mark.stack
def test_upgrading_twice_changes_nothing(stack: Stack) -> None:
    url = stack.new_database()
    upgrade(url)
    upgrade(url)


def test_no_database_is_said_in_one_line() -> None:
    with pytest.raises(Retryable) as told:
        upgrade("postgresql+psycopg://nobody@127.0.0.1:1/none")
    assert "\n" not in str(told.value)
