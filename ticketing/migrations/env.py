"""What alembic runs: the steps, on the connection it is given, with its own table beside the desk's."""

import sqlalchemy as sa
from alembic import context

from ticketing.schema import metadata

connection: sa.Connection = context.config.attributes["connection"]
connection.execute(sa.text("CREATE SCHEMA IF NOT EXISTS desk"))
context.configure(connection=connection, target_metadata=metadata, version_table_schema="desk")
context.run_migrations()
