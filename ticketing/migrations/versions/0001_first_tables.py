"""The desk's first tables.

Documents are stored uncompressed (`EXTERNAL`): compressing them cost a third of the database's CPU per mail.
"""

from alembic import op

revision = "0001"
down_revision = None

_TABLES = """
CREATE SEQUENCE desk.ticket_number;
CREATE SEQUENCE desk.outbox_id;
CREATE TABLE desk.progress (
    "group" TEXT NOT NULL,
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    cluster_id TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    next_offset BIGINT,
    PRIMARY KEY ("group", topic, partition)
);
CREATE TABLE desk.contacts (
    id TEXT NOT NULL,
    name TEXT,
    language TEXT,
    account_id TEXT,
    merged_into TEXT,
    version INTEGER NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE desk.identities (
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    contact_id TEXT NOT NULL,
    asserted_by TEXT NOT NULL,
    asserted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (kind, value)
);
CREATE INDEX ix_desk_identities_contact_id ON desk.identities (contact_id);
CREATE TABLE desk.tickets (
    id TEXT NOT NULL,
    number BIGINT NOT NULL,
    root_id TEXT NOT NULL,
    merged_into TEXT,
    requester_message_id TEXT,
    subject TEXT,
    status TEXT NOT NULL,
    priority TEXT NOT NULL,
    category TEXT,
    ticket_kind TEXT,
    owner_id TEXT,
    team_id TEXT,
    contact_id TEXT NOT NULL,
    account_id TEXT,
    channel TEXT NOT NULL,
    account TEXT NOT NULL,
    language TEXT,
    tags TEXT[] DEFAULT '{}' NOT NULL,
    messages INTEGER NOT NULL,
    attachments INTEGER NOT NULL,
    replies INTEGER NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    last_message_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    version INTEGER NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (number)
);
CREATE INDEX ix_desk_tickets_contact_id ON desk.tickets (contact_id);
CREATE INDEX ix_desk_tickets_root_id ON desk.tickets (root_id);
CREATE TABLE desk.messages (
    id TEXT NOT NULL,
    ticket_id TEXT,
    source_id TEXT NOT NULL,
    channel TEXT NOT NULL,
    account TEXT NOT NULL,
    author_kind TEXT NOT NULL,
    author_address TEXT NOT NULL,
    contact_id TEXT,
    addressed TEXT[] NOT NULL,
    automation TEXT NOT NULL,
    dmarc TEXT,
    automatic_group TEXT,
    third_party BOOLEAN NOT NULL,
    is_root BOOLEAN NOT NULL,
    subject TEXT,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    match JSONB NOT NULL,
    revision INTEGER NOT NULL,
    normalizer TEXT NOT NULL,
    attachments INTEGER NOT NULL,
    raw_topic TEXT,
    raw_partition INTEGER,
    raw_offset BIGINT,
    document TEXT NOT NULL,
    traceparent TEXT,
    filed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX ix_desk_messages_ticket_id ON desk.messages (ticket_id);
CREATE INDEX messages_automatic ON desk.messages (received_at) WHERE ticket_id IS NULL;
CREATE INDEX messages_automatic_group ON desk.messages (automatic_group) WHERE ticket_id IS NULL;
CREATE INDEX messages_raw ON desk.messages (raw_topic, raw_partition, raw_offset);
CREATE TABLE desk.names (
    value UUID NOT NULL,
    message_id TEXT NOT NULL,
    own BOOLEAN NOT NULL,
    PRIMARY KEY (value, message_id)
);
CREATE TABLE desk.settled (
    raw_topic TEXT NOT NULL,
    raw_partition INTEGER NOT NULL,
    raw_offset BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    message_id TEXT,
    reason TEXT,
    PRIMARY KEY (raw_topic, raw_partition, raw_offset)
);
CREATE TABLE desk.replies (
    id TEXT NOT NULL,
    ticket_id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    channel TEXT NOT NULL,
    account TEXT NOT NULL,
    recipient TEXT NOT NULL,
    message_id TEXT,
    state TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    reason TEXT,
    document TEXT NOT NULL,
    traceparent TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    state_at TIMESTAMP WITH TIME ZONE NOT NULL,
    next_attempt_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (id)
);
CREATE INDEX ix_desk_replies_ticket_id ON desk.replies (ticket_id);
CREATE INDEX replies_recipient ON desk.replies (recipient, created_at);
CREATE INDEX replies_unsettled ON desk.replies (state_at) WHERE state IN ('queued', 'deferred');
CREATE TABLE desk.ticket_events (
    id BIGINT DEFAULT nextval('desk.outbox_id') NOT NULL,
    event_id TEXT NOT NULL,
    ticket_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    type TEXT NOT NULL,
    occurred_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    document TEXT NOT NULL,
    traceparent TEXT,
    PRIMARY KEY (id),
    UNIQUE (ticket_id, version),
    UNIQUE (event_id)
);
CREATE TABLE desk.contact_events (
    id BIGINT DEFAULT nextval('desk.outbox_id') NOT NULL,
    event_id TEXT NOT NULL,
    contact_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    type TEXT NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE NOT NULL,
    document TEXT NOT NULL,
    traceparent TEXT,
    PRIMARY KEY (id),
    UNIQUE (contact_id, version),
    UNIQUE (event_id)
);
CREATE TABLE desk.outgoing (
    id BIGINT DEFAULT nextval('desk.outbox_id') NOT NULL,
    reply_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    channel TEXT NOT NULL,
    ticket_id TEXT NOT NULL,
    document TEXT NOT NULL,
    traceparent TEXT,
    PRIMARY KEY (id),
    UNIQUE (reply_id, attempt)
);
ALTER TABLE desk.messages ALTER COLUMN document SET STORAGE EXTERNAL;
ALTER TABLE desk.ticket_events ALTER COLUMN document SET STORAGE EXTERNAL;
ALTER TABLE desk.contact_events ALTER COLUMN document SET STORAGE EXTERNAL;
ALTER TABLE desk.outgoing ALTER COLUMN document SET STORAGE EXTERNAL;
ALTER TABLE desk.replies ALTER COLUMN document SET STORAGE EXTERNAL
"""


def upgrade() -> None:
    """Create everything."""
    for statement in _TABLES.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Nothing leads back: a desk's tickets are not dropped by a version number."""
    raise NotImplementedError("restore a backup to go back to a database without the desk's tables")
