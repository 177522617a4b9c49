"""alembic's entry: migrate on the connection that metrics_worker.migrate hands over."""

from alembic import context

from metrics_worker.tables import SCHEMA, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table_schema=SCHEMA,
    include_schemas=True,
)
context.run_migrations()
