"""The history of the desk's tables (alembic); `ticketing.migrate` runs it."""
