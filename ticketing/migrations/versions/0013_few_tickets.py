"""Due times that are there are indexed, as lists walk them; and the few tickets that are spam or take up another."""

from alembic import op

revision = "0013_few_tickets"
down_revision = "0012_acts_by_age"

_CHANGES = """
DROP INDEX desk.tickets_due;
CREATE INDEX tickets_due ON desk.tickets (due_at, number) WHERE due_at IS NOT NULL;
CREATE INDEX tickets_follows ON desk.tickets (follows) WHERE follows IS NOT NULL;
CREATE INDEX tickets_spam ON desk.tickets (number) WHERE spam;
"""


def upgrade() -> None:
    """Change indexes only."""
    op.execute(_CHANGES)
