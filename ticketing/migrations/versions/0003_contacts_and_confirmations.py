"""Contacts that are merged, accounts, claims on identities, and the brakes of confirmations."""

from alembic import op

revision = "0003"
down_revision = "0002"

_CHANGES = """
ALTER TABLE desk.contacts ADD COLUMN root_id TEXT;
ALTER TABLE desk.contacts ADD COLUMN account_by TEXT;
ALTER TABLE desk.contacts ADD COLUMN language_declared BOOLEAN DEFAULT false NOT NULL;
CREATE INDEX contacts_merged ON desk.contacts (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX contacts_root ON desk.contacts (root_id) WHERE root_id IS NOT NULL;
CREATE INDEX contacts_account ON desk.contacts (account_id) WHERE account_id IS NOT NULL;
ALTER TABLE desk.identities ADD COLUMN strength TEXT DEFAULT 'claimed' NOT NULL;
ALTER TABLE desk.identities ADD COLUMN identifying BOOLEAN DEFAULT true NOT NULL;
CREATE TABLE desk.assertions (
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    contact_id TEXT NOT NULL,
    asserted_by TEXT NOT NULL,
    strength TEXT NOT NULL,
    asserted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (kind, value, contact_id, asserted_by)
);
CREATE INDEX ix_desk_assertions_contact_id ON desk.assertions (contact_id);
CREATE TABLE desk.contacts_apart (
    one TEXT NOT NULL,
    other TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (one, other)
);
CREATE TABLE desk.accounts (
    id TEXT NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (key)
);
ALTER TABLE desk.tickets ADD COLUMN own_contact_id TEXT;
ALTER TABLE desk.replies ADD COLUMN words TEXT;
ALTER TABLE desk.replies ADD COLUMN mailbox TEXT;
UPDATE desk.replies SET mailbox = recipient;
DROP INDEX desk.replies_recipient;
CREATE INDEX replies_mailbox ON desk.replies (mailbox, created_at);
CREATE TABLE desk.buckets (
    name TEXT NOT NULL,
    level BIGINT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (name)
);
CREATE TABLE desk.silenced (
    account TEXT NOT NULL,
    mailbox TEXT NOT NULL,
    hops INTEGER NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    until TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (account, mailbox)
);
"""


def upgrade() -> None:
    """Add what is new; nothing that is there changes its meaning."""
    op.execute(_CHANGES)
