"""What customers said of answers."""

from alembic import op

revision = "0007_ratings"
down_revision = "0006_message_states"

_CHANGES = """
CREATE TABLE desk.ratings (
    ticket_id TEXT NOT NULL,
    reply_id TEXT NOT NULL,
    agent_id TEXT,
    rating TEXT NOT NULL,
    words TEXT,
    times INTEGER NOT NULL,
    first_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (ticket_id, reply_id)
);
"""


def upgrade() -> None:
    """Add what is new."""
    op.execute(_CHANGES)
