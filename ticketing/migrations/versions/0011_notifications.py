"""What agents are to be told by mail; of what has happened so far they are told nothing."""

from alembic import op

revision = "0011_notifications"
down_revision = "0010_uncertain_replies"

_CHANGES = """
CREATE TABLE desk.notices (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    agent_id TEXT NOT NULL,
    ticket_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    cause TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    reply_id TEXT,
    dropped TEXT,
    settled_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id),
    UNIQUE (agent_id, cause)
);
CREATE INDEX notices_waiting ON desk.notices (agent_id, id) WHERE reply_id IS NULL AND dropped IS NULL;
CREATE INDEX notices_settled ON desk.notices (agent_id, settled_at) WHERE reply_id IS NOT NULL;
CREATE TABLE desk.notified (
    one BOOLEAN DEFAULT true NOT NULL,
    last_event_id BIGINT NOT NULL,
    PRIMARY KEY (one),
    CONSTRAINT notified_one CHECK (one)
);
INSERT INTO desk.notified (last_event_id) SELECT coalesce(max(id), 0) FROM desk.ticket_events;
"""


def upgrade() -> None:
    """Add what is new."""
    op.execute(_CHANGES)
