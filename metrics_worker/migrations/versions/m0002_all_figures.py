"""All figures: counters in one row per key, days, contacts, calendars.

Facts have another form, so they are made again: the worker reads `tickets.events` from its beginning. Revisions go on
where they were, because subscribers take the greater one.
"""

import sqlalchemy as sa
from alembic import op

revision = "m0002"
down_revision = "m0001"


def upgrade() -> None:
    op.execute("TRUNCATE metrics.ticket_facts")
    op.execute("UPDATE metrics.progress SET next_offset = NULL, epoch = epoch + 1")
    for name in ("account_id", "owner_id", "team_id"):
        op.add_column("ticket_facts", sa.Column(name, sa.Text), schema="metrics")
    for name in ("waiting_since", "next_due"):
        op.add_column("ticket_facts", sa.Column(name, sa.BigInteger), schema="metrics")
    for name in ("account_id", "owner_id", "team_id", "waiting_since", "next_due"):
        op.create_index(
            f"ticket_facts_{name}",
            "ticket_facts",
            [name],
            schema="metrics",
            postgresql_where=sa.text(f"{name} IS NOT NULL"),
        )
    op.create_table(
        "contacts",
        sa.Column("contact_id", sa.Text, primary_key=True),
        sa.Column("root_id", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        schema="metrics",
    )
    op.create_index("contacts_root", "contacts", ["root_id"], schema="metrics")
    op.create_index(
        "contacts_account",
        "contacts",
        ["account_id"],
        schema="metrics",
        postgresql_where=sa.text("account_id IS NOT NULL"),
    )
    op.create_table(
        "figures",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("counters", sa.Text, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("published_revision", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        schema="metrics",
        postgresql_with={"fillfactor": "50"},
    )
    op.execute(
        "INSERT INTO metrics.figures SELECT key, '{}', revision + 1, published_revision, changed_at FROM metrics.keys"
    )
    op.drop_table("keys", schema="metrics")
    op.drop_table("counters", schema="metrics")
    op.create_table(
        "days",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("day", sa.Integer, primary_key=True),
        sa.Column("counters", sa.Text, nullable=False),
        schema="metrics",
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "calendars",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True),
        sa.Column("valid_from", sa.BigInteger, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        schema="metrics",
    )
