"""What agents write and add, which acts were done, and whether a ticket is spam."""

from alembic import op

revision = "0005_acts"
down_revision = "0004_people"

_CHANGES = """
ALTER TABLE desk.tickets ADD COLUMN spam BOOLEAN DEFAULT false NOT NULL;
CREATE TABLE desk.acts (
    key TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    digest TEXT NOT NULL,
    ticket_id TEXT NOT NULL,
    state TEXT NOT NULL,
    events TEXT[] NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (key)
);
CREATE TABLE desk.answers (
    id TEXT NOT NULL,
    ticket_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    channel TEXT NOT NULL,
    visibility TEXT NOT NULL,
    text TEXT NOT NULL,
    html TEXT,
    attachments JSONB NOT NULL,
    copies TEXT[] NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX ix_desk_answers_ticket_id ON desk.answers (ticket_id);
CREATE TABLE desk.comments (
    id TEXT NOT NULL,
    ticket_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    text TEXT NOT NULL,
    attachments JSONB NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX ix_desk_comments_ticket_id ON desk.comments (ticket_id);
CREATE TABLE desk.ticket_files (
    ticket_id TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    size BIGINT NOT NULL,
    blob TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (ticket_id, sha256)
);
"""


def upgrade() -> None:
    """Add what is new; nothing that is there changes its meaning."""
    op.execute(_CHANGES)
