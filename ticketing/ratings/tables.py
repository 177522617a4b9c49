"""What customers said."""

import sqlalchemy as sa

from ticketing.tables import metadata


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


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
    _time("first_at"),
    _time("last_at"),
)
