"""Facts, counters, published state, progress."""

import sqlalchemy as sa
from alembic import op

revision = "m0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "progress",
        sa.Column("group", sa.Text, primary_key=True),
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("partition", sa.Integer, primary_key=True),
        sa.Column("cluster_id", sa.Text, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("next_offset", sa.BigInteger),
        schema="metrics",
    )
    op.create_table(
        "ticket_facts",
        sa.Column("ticket_id", sa.Text, primary_key=True),
        sa.Column("root_id", sa.Text, nullable=False),
        sa.Column("contact_id", sa.Text),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        schema="metrics",
        # a ticket's facts change a few times soon after they are made: leave room for it on the page
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index(
        "ticket_facts_members",
        "ticket_facts",
        ["root_id"],
        schema="metrics",
        postgresql_where=sa.text("root_id <> ticket_id"),
    )
    op.create_index("ticket_facts_contact", "ticket_facts", ["contact_id"], schema="metrics")
    op.create_table(
        "counters",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("figure", sa.Text, primary_key=True),
        sa.Column("n", sa.BigInteger, nullable=False),
        schema="metrics",
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "keys",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("published_revision", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        schema="metrics",
        postgresql_with={"fillfactor": "50"},
    )
