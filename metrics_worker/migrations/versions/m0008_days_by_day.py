"""Days are kept by day, and by key within one: what a day adds lies together, whoever it is of."""

from alembic import op

revision = "m0008"
down_revision = "m0007"


def upgrade() -> None:
    op.drop_constraint("days_pkey", "days", schema="metrics", type_="primary")
    op.create_primary_key("days_pkey", "days", ["day", "key"], schema="metrics")
