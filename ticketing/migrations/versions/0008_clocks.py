"""A ticket's clocks, and when they have something to tell next."""

from alembic import op

revision = "0008_clocks"
down_revision = "0007_ratings"

_CHANGES = """
ALTER TABLE desk.tickets ADD COLUMN clocks JSONB DEFAULT '{}' NOT NULL;
ALTER TABLE desk.tickets ADD COLUMN next_due_at TIMESTAMP WITH TIME ZONE;
CREATE INDEX tickets_next_due ON desk.tickets (next_due_at) WHERE next_due_at IS NOT NULL;
"""


def upgrade() -> None:
    """Add what is new; tickets that are there have no clocks until something happens to them."""
    op.execute(_CHANGES)
