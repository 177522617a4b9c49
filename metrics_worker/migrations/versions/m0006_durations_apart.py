"""A day's counters of durations in a column of their own; what is left is short, and needs less room on its page.

What is left has another name: a worker of the version before that still runs is refused and waits. Under the old name
it would add durations to what has none, and nobody would see it.
"""

import sqlalchemy as sa
from alembic import op

revision = "m0006"
down_revision = "m0005"

# in the one form that equal counters have
_OF = """(
    SELECT '{{' || string_agg(to_json(n.key)::text || ':' || n.value, ',' ORDER BY n.key COLLATE "C") || '}}'
    FROM json_each_text(d.counts::json) AS n WHERE {which}
)"""
_DURATIONS = "n.key LIKE '%\\_time.%:%'"


def upgrade() -> None:
    op.add_column("days", sa.Column("durations", sa.Text), schema="metrics")
    op.alter_column("days", "counters", new_column_name="counts", schema="metrics")
    counts, durations = _OF.format(which=f"NOT {_DURATIONS}"), _OF.format(which=_DURATIONS)
    op.execute(
        f"UPDATE metrics.days AS d SET counts = coalesce({counts}, '{{}}'), durations = {durations} "  # noqa: S608
        "WHERE d.counts LIKE '%\\_time.%'"
    )
    for table in ("days", "figures"):
        op.execute(f"ALTER TABLE metrics.{table} SET (fillfactor = 70)")
