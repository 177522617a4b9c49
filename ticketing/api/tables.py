"""Tables of the API alone (schema `desk`)."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from ticketing.tables import metadata

answers = sa.Table(
    "api_answers",
    metadata,
    # what a POST was answered, so that the same one under the same key is answered the same
    sa.Column("agent_id", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    # of method, path and body
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("headers", pg.JSONB, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
)
sa.Index("api_answers_age", answers.c.created_at)

uploads = sa.Table(
    "uploads",
    metadata,
    # which files an agent has handed in, and so may attach: a blob's name alone gives nobody a right to it
    sa.Column("agent_id", sa.Text, primary_key=True),
    sa.Column("blob", sa.Text, primary_key=True),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
)
