"""When the active worker last looked, and how far it was behind; an index of agents and teams."""

import sqlalchemy as sa
from alembic import op

revision = "m0003"
down_revision = "m0002"


def upgrade() -> None:
    op.create_table(
        "worker",
        sa.Column("one", sa.Boolean, sa.CheckConstraint("one"), primary_key=True),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("unread", sa.BigInteger, nullable=False),
        schema="metrics",
    )
    op.create_index(
        "figures_of_staff",
        "figures",
        ["key"],
        schema="metrics",
        postgresql_where=sa.text("key LIKE 'agent:%' OR key LIKE 'team:%'"),
    )
