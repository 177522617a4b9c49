"""Messages that have several states, and messages that are kept aside."""

from alembic import op

revision = "0006_message_states"
down_revision = "0005_acts"

_CHANGES = """
ALTER TABLE desk.messages ADD COLUMN aside TEXT;
CREATE TABLE desk.message_states (
    message_id TEXT NOT NULL,
    place INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (message_id, place)
);
ALTER TABLE desk.message_states ALTER COLUMN document SET STORAGE EXTERNAL;
"""


def upgrade() -> None:
    """Add what is new; nothing that is there changes its meaning."""
    op.execute(_CHANGES)
