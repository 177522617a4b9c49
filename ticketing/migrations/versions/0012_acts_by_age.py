"""Acts are found by age, to be forgotten."""

from alembic import op

revision = "0012_acts_by_age"
down_revision = "0011_notifications"


def upgrade() -> None:
    """Add what is new; nothing that is there changes its meaning."""
    op.execute("CREATE INDEX acts_age ON desk.acts USING brin (at)")
