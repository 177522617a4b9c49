"""The days on which anything happened last on a ticket, so that an account's newest are found without reading all."""

import sqlalchemy as sa
from alembic import op

revision = "m0004"
down_revision = "m0003"

# facts and turns are the 12th and 13th of a document; a rating's code is 3
_DAYS = """
    UPDATE metrics.ticket_facts AS r SET last_day = n.last_at / 86400000000, rated_day = n.rated_at / 86400000000
    FROM (
        SELECT m.root_id, max(f.at) AS last_at, max(f.at) FILTER (WHERE f.code = 3) AS rated_at
        FROM metrics.ticket_facts AS m, LATERAL (
            SELECT (one ->> 0)::bigint AS at, (one ->> 1)::int AS code FROM jsonb_array_elements(
                (m.document::jsonb -> 11)
                || CASE WHEN m.ticket_id = m.root_id THEN m.document::jsonb -> 12 ELSE '[]' END
            ) AS one
        ) AS f
        GROUP BY m.root_id
    ) AS n
    WHERE r.ticket_id = n.root_id
"""


def upgrade() -> None:
    for name in ("last_day", "rated_day"):
        op.add_column("ticket_facts", sa.Column(name, sa.Integer), schema="metrics")
    op.drop_index("ticket_facts_account_id", "ticket_facts", schema="metrics")
    op.execute(_DAYS)
    for name, day, there in (("account", "last_day", "account_id"), ("rated", "rated_day", "rated_day")):
        op.create_index(
            f"ticket_facts_{name}",
            "ticket_facts",
            ["account_id", day],
            schema="metrics",
            postgresql_where=sa.text(f"{there} IS NOT NULL"),
        )
