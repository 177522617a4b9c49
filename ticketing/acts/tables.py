"""What agents leave beside events: what they wrote, the files they added, and which acts were done."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from ticketing.tables import metadata, moment

acts = sa.Table(
    "acts",
    metadata,
    # what was done under each key, so that a repetition does nothing and gives the first result
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("agent_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    # of what was asked: another act under the same key is refused
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("ticket_id", sa.Text, nullable=False),
    # the TicketState as it was then, and the ids of the events
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("events", pg.ARRAY(sa.Text), nullable=False),
    moment("at"),
)
# to forget by age: they stand in the order of time, so a page's worth of ranges is enough
sa.Index("acts_age", acts.c.at, postgresql_using="brin")

answers = sa.Table(
    "answers",
    metadata,
    # what an agent wrote to the customer: its id is that of the reply to the requester, `copies` are those to others
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("ticket_id", sa.Text, nullable=False, index=True),
    sa.Column("agent_id", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("visibility", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("html", sa.Text),
    sa.Column("attachments", pg.JSONB, nullable=False),
    sa.Column("copies", pg.ARRAY(sa.Text), nullable=False),
    moment("created_at"),
)

comments = sa.Table(
    "comments",
    metadata,
    # notes among agents; no customer ever sees one
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("ticket_id", sa.Text, nullable=False, index=True),
    sa.Column("agent_id", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("attachments", pg.JSONB, nullable=False),
    moment("created_at"),
)

ticket_files = sa.Table(
    "ticket_files",
    metadata,
    # files that an agent put on a ticket by themselves
    sa.Column("ticket_id", sa.Text, primary_key=True),
    sa.Column("sha256", sa.Text, primary_key=True),
    sa.Column("agent_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("media_type", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("blob", sa.Text, nullable=False),
    moment("created_at"),
)
