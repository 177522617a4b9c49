"""Messages that have several states or are kept aside; several messages of one raw record."""

from alembic import op

revision = "0006_message_states"
down_revision = "0005_acts"

_CHANGES = """
ALTER TABLE desk.messages ADD COLUMN aside TEXT;
CREATE INDEX messages_aside ON desk.messages (contact_id) WHERE aside IS NOT NULL;
CREATE TABLE desk.message_states (
    message_id TEXT NOT NULL,
    place INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (message_id, place)
);
UPDATE desk.settled SET message_id = '' WHERE message_id IS NULL;
ALTER TABLE desk.settled DROP CONSTRAINT settled_pkey;
ALTER TABLE desk.settled ALTER COLUMN message_id SET DEFAULT '';
ALTER TABLE desk.settled ADD PRIMARY KEY (raw_topic, raw_partition, raw_offset, message_id);
ALTER TABLE desk.message_states ALTER COLUMN document SET STORAGE EXTERNAL;
"""


def upgrade() -> None:
    """Add what is new; nothing that is there changes its meaning."""
    op.execute(_CHANGES)
