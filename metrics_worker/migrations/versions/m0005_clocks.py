"""Running clocks in a table of their own: a change of a ticket then seldom touches an index of all tickets."""

import sqlalchemy as sa
from alembic import op

revision = "m0005"
down_revision = "m0004"

_WHOSE = ("contact_id", "account_id", "owner_id", "team_id")


def upgrade() -> None:
    op.create_table(
        "clocks",
        sa.Column("ticket_id", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text) for name in _WHOSE),
        sa.Column("waiting_since", sa.BigInteger),
        sa.Column("next_due", sa.BigInteger),
        schema="metrics",
    )
    op.execute("""
        INSERT INTO metrics.clocks
        SELECT ticket_id, contact_id, account_id, owner_id, team_id, waiting_since, next_due
        FROM metrics.ticket_facts WHERE waiting_since IS NOT NULL OR next_due IS NOT NULL
    """)
    for name in ("waiting_since", "next_due"):
        there = sa.text(f"{name} IS NOT NULL")
        op.create_index(f"clocks_{name}", "clocks", [name], schema="metrics", postgresql_where=there)
        op.drop_column("ticket_facts", name, schema="metrics")
    for name in _WHOSE:
        there = sa.text(f"{name} IS NOT NULL AND waiting_since IS NOT NULL")
        op.create_index(f"clocks_{name}", "clocks", [name, "waiting_since"], schema="metrics", postgresql_where=there)
