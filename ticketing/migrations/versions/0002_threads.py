"""Cuts, participants, and what edges are judged by."""

from alembic import op

revision = "0002"
down_revision = "0001"

_CHANGES = """
ALTER TABLE desk.tickets ADD COLUMN follows TEXT;
ALTER TABLE desk.tickets ADD COLUMN possible_reply_to BIGINT;
ALTER TABLE desk.tickets ADD COLUMN token_generation INTEGER DEFAULT '0' NOT NULL;
ALTER TABLE desk.messages ADD COLUMN authentic BOOLEAN;
ALTER TABLE desk.messages ADD COLUMN acquainted BOOLEAN;
ALTER TABLE desk.messages ADD COLUMN fingerprint UUID;
UPDATE desk.messages SET
    authentic = coalesce((document::json->'author'->>'verified')::boolean, false) AND dmarc IS DISTINCT FROM 'fail',
    acquainted = NOT is_root AND NOT third_party;
ALTER TABLE desk.messages ALTER COLUMN authentic SET NOT NULL;
ALTER TABLE desk.messages ALTER COLUMN acquainted SET NOT NULL;
CREATE TABLE desk.cuts (
    older TEXT NOT NULL,
    younger TEXT NOT NULL,
    cause TEXT NOT NULL,
    kind TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (older, younger, cause)
);
CREATE INDEX ix_desk_cuts_younger ON desk.cuts (younger);
CREATE TABLE desk.participants (
    ticket_id TEXT NOT NULL,
    person TEXT NOT NULL,
    added_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (ticket_id, person)
);
CREATE INDEX replies_message_id ON desk.replies (message_id)
"""


def upgrade() -> None:
    """Add them; what was filed before keeps its tickets."""
    for statement in _CHANGES.split(";\n"):
        op.execute(statement)


def downgrade() -> None:
    """Nothing leads back; see 0001."""
    raise NotImplementedError("restore a backup to go back to a database without cuts")
