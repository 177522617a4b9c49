"""What customers said."""

import sqlalchemy as sa

from ticketing.tables import metadata, moment

ratings = sa.Table(
    "ratings",
    metadata,
    # of one answer, or of a whole conversation: then `reply_id` is empty
    sa.Column("ticket_id", sa.Text, primary_key=True),
    sa.Column("reply_id", sa.Text, primary_key=True),
    # who wrote what was rated
    sa.Column("agent_id", sa.Text),
    sa.Column("rating", sa.Text, nullable=False),
    sa.Column("words", sa.Text),
    sa.Column("times", sa.Integer, nullable=False),
    moment("first_at"),
    moment("last_at"),
)
