"""What tickets and contacts are found by, and how far the outbox has been followed (schema `desk`)."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from ticketing.tables import metadata

ticket_words = sa.Table(
    "ticket_words",
    metadata,
    # of tickets that are not part of another; all they consist of counts
    sa.Column("ticket_id", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("words", pg.TSVECTOR, nullable=False),
)
sa.Index("ticket_words_words", ticket_words.c.words, postgresql_using="gin")

contact_words = sa.Table(
    "contact_words",
    metadata,
    # of contacts that are not part of another
    sa.Column("contact_id", sa.Text, primary_key=True),
    sa.Column("words", pg.TSVECTOR, nullable=False),
)
sa.Index("contact_words_words", contact_words.c.words, postgresql_using="gin")

search_progress = sa.Table(
    "search_progress",
    metadata,
    # one row: the id in the outbox up to which everything can be found
    sa.Column("one", sa.Boolean, primary_key=True, server_default=sa.true()),
    sa.Column("outbox_id", sa.BigInteger, nullable=False),
    sa.CheckConstraint("one", name="search_progress_one"),
)
