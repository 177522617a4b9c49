"""Lists by any filter, words that tickets and contacts are found by, answers to repeated requests, files handed in."""

from alembic import op

revision = "0009_api_and_search"
down_revision = "0008_clocks"

_CHANGES = """
CREATE TABLE desk.ticket_words (
    ticket_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    words TSVECTOR NOT NULL,
    PRIMARY KEY (ticket_id)
);
CREATE INDEX ticket_words_words ON desk.ticket_words USING gin (words);
CREATE TABLE desk.contact_words (
    contact_id TEXT NOT NULL,
    words TSVECTOR NOT NULL,
    PRIMARY KEY (contact_id)
);
CREATE INDEX contact_words_words ON desk.contact_words USING gin (words);
CREATE TABLE desk.search_progress (
    one BOOLEAN DEFAULT true NOT NULL,
    outbox_id BIGINT NOT NULL,
    PRIMARY KEY (one),
    CONSTRAINT search_progress_one CHECK (one)
);
CREATE TABLE desk.api_answers (
    agent_id TEXT NOT NULL,
    key TEXT NOT NULL,
    digest BYTEA NOT NULL,
    status INTEGER NOT NULL,
    headers JSONB NOT NULL,
    body BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (agent_id, key)
);
CREATE INDEX api_answers_age ON desk.api_answers (created_at);
CREATE TABLE desk.uploads (
    agent_id TEXT NOT NULL,
    blob TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (agent_id, blob)
);
CREATE INDEX tickets_opened ON desk.tickets (opened_at, number);
CREATE INDEX tickets_updated ON desk.tickets (updated_at, number);
CREATE INDEX tickets_last_message ON desk.tickets (last_message_at, number);
CREATE INDEX tickets_account ON desk.tickets (account_id, number) WHERE account_id IS NOT NULL;
CREATE INDEX tickets_contact ON desk.tickets (contact_id, number);
DROP INDEX desk.ix_desk_tickets_contact_id;
CREATE INDEX tickets_owner ON desk.tickets (owner_id, number) WHERE owner_id IS NOT NULL;
CREATE INDEX tickets_team ON desk.tickets (team_id, number) WHERE team_id IS NOT NULL;
CREATE INDEX tickets_connector ON desk.tickets (account, number);
CREATE INDEX tickets_channel ON desk.tickets (channel, number);
CREATE INDEX tickets_department ON desk.tickets (department, number);
CREATE INDEX tickets_unclosed ON desk.tickets (status, number) WHERE status <> 'closed';
CREATE INDEX tickets_priority ON desk.tickets
    (array_position(ARRAY['low', 'normal', 'high', 'urgent'], priority), number);
CREATE INDEX tickets_category ON desk.tickets (category, number) WHERE category IS NOT NULL;
CREATE INDEX tickets_kind ON desk.tickets (ticket_kind, number) WHERE ticket_kind IS NOT NULL;
CREATE INDEX tickets_due ON desk.tickets (coalesce(due_at, 'infinity'::timestamptz), number);
CREATE INDEX tickets_closed ON desk.tickets (closed_at, number) WHERE closed_at IS NOT NULL;
CREATE INDEX tickets_tags ON desk.tickets USING gin (tags);
"""


def upgrade() -> None:
    """Add what is new; nothing that is there changes its meaning."""
    op.execute(_CHANGES)
