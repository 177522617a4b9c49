"""A ticket's last day moves by weeks: most of what happens on one then leaves the index of its account alone."""

from alembic import op

revision = "m0007"
down_revision = "m0006"

# facts are the 12th of a document, the first one first
_WEEKS = """
    UPDATE metrics.ticket_facts AS r
    SET last_day = n.day - 1 + (
        SELECT min(7 << doubled) FROM generate_series(0, 20) AS doubled WHERE n.day + (7 << doubled) > r.last_day
    )
    FROM (
        SELECT root_id, (min((document::jsonb -> 11 -> 0 ->> 0)::bigint) / 86400000000)::int AS day
        FROM metrics.ticket_facts GROUP BY root_id
    ) AS n
    WHERE r.ticket_id = n.root_id AND r.last_day IS NOT NULL
"""


def upgrade() -> None:
    op.drop_index("ticket_facts_account", "ticket_facts", schema="metrics")
    op.execute(_WEEKS)
    op.create_index(
        "ticket_facts_account",
        "ticket_facts",
        ["account_id", "last_day"],
        schema="metrics",
        postgresql_where="account_id IS NOT NULL",
    )
