"""The worker's tables (schema `metrics`). Migrations follow them; a test compares the two."""

import sqlalchemy as sa

from bus.progress import progress_table

SCHEMA = "metrics"
metadata = sa.MetaData(schema=SCHEMA)

LEADER_LOCK = 0x66696775
"""Advisory lock of a session: the one active worker."""

progress = progress_table(metadata)

ticket_facts = sa.Table(
    "ticket_facts",
    metadata,
    sa.Column("ticket_id", sa.Text, primary_key=True),
    # the survivor at the end of the merge pointers (itself when not merged), seen or not
    sa.Column("root_id", sa.Text, nullable=False),
    sa.Column("contact_id", sa.Text),
    sa.Column("version", sa.Integer, nullable=False),
    # TicketFacts.to_json
    sa.Column("document", sa.Text, nullable=False),
)
sa.Index(
    "ticket_facts_members",
    ticket_facts.c.root_id,
    postgresql_where=ticket_facts.c.root_id != ticket_facts.c.ticket_id,
)
sa.Index("ticket_facts_contact", ticket_facts.c.contact_id)

counters = sa.Table(
    "counters",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("figure", sa.Text, primary_key=True),
    sa.Column("n", sa.BigInteger, nullable=False),
)

keys = sa.Table(
    "keys",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    # raised by every change of the key's counters; what was published last
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("published_revision", sa.BigInteger, nullable=False),
    # when the desk recorded the newest event that had been read at the last change
    sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
)
