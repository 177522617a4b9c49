"""What agents are to be told (schema `desk`)."""

import sqlalchemy as sa

from ticketing.tables import metadata, moment

notices = sa.Table(
    "notices",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("agent_id", sa.Text, nullable=False),
    sa.Column("ticket_id", sa.Text, nullable=False),
    # a ticketing.people.models.Notification
    sa.Column("kind", sa.Text, nullable=False),
    # of what it tells: once to each agent
    sa.Column("cause", sa.Text, nullable=False),
    moment("at"),
    moment("created_at"),
    # what became of it: the mail it went out with, or why it did not (`own_address` …)
    sa.Column("reply_id", sa.Text),
    sa.Column("dropped", sa.Text),
    moment("settled_at", nullable=True),
    sa.UniqueConstraint("agent_id", "cause"),
)
sa.Index(
    "notices_waiting",
    notices.c.agent_id,
    notices.c.id,
    postgresql_where=sa.and_(notices.c.reply_id.is_(None), notices.c.dropped.is_(None)),
)
sa.Index("notices_settled", notices.c.agent_id, notices.c.settled_at, postgresql_where=notices.c.reply_id.is_not(None))

notified = sa.Table(
    "notified",
    metadata,
    # one row: up to which event agents have been told
    sa.Column("one", sa.Boolean, primary_key=True, server_default=sa.true()),
    sa.Column("last_event_id", sa.BigInteger, nullable=False),
    sa.CheckConstraint("one", name="notified_one"),
)
