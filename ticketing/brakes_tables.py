"""What the brakes of confirmations remember."""

import sqlalchemy as sa

from ticketing.tables import metadata, moment

buckets = sa.Table(
    "buckets",
    metadata,
    # what leaks away within an hour: the breaker's two, and one per source of strangers
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("level", sa.BigInteger, nullable=False),
    moment("at"),
)

silenced = sa.Table(
    "silenced",
    metadata,
    # connector and mailbox that answer one another; without `until` they are below the limit
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("mailbox", sa.Text, primary_key=True),
    sa.Column("hops", sa.Integer, nullable=False),
    moment("since"),
    moment("until", nullable=True),
)
