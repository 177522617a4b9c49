"""The outbox: three tables, one order."""

import sqlalchemy as sa

from ticketing.tables import metadata, moment

outbox_id = sa.Sequence("outbox_id", metadata=metadata)
"""Drawn under one lock: the order of ids is the order of commits."""


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger, outbox_id, server_default=outbox_id.next_value(), primary_key=True)


ticket_events = sa.Table(
    "ticket_events",
    metadata,
    _id(),
    sa.Column("event_id", sa.Text, nullable=False, unique=True),
    sa.Column("ticket_id", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    moment("occurred_at"),
    moment("recorded_at"),
    # the TicketEvent exactly as it stands on `tickets.events`
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("traceparent", sa.Text),
    sa.UniqueConstraint("ticket_id", "version"),
)

contact_events = sa.Table(
    "contact_events",
    metadata,
    _id(),
    sa.Column("event_id", sa.Text, nullable=False, unique=True),
    sa.Column("contact_id", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    moment("recorded_at"),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("traceparent", sa.Text),
    sa.UniqueConstraint("contact_id", "version"),
)

outgoing = sa.Table(
    "outgoing",
    metadata,
    # one row per attempt of a reply, exactly as it stands on `replies.<channel>`
    _id(),
    sa.Column("reply_id", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("ticket_id", sa.Text, nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("traceparent", sa.Text),
    sa.UniqueConstraint("reply_id", "attempt"),
)
