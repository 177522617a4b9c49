"""Accounts' figures lie apart from all others, and figures are kept as days are: durations in a column of their own.

A figure of a duration has its long name there once. What `counters` was is `counts`, so that a worker of the version
before is refused and waits (as in m0006).
"""

import sqlalchemy as sa
from alembic import op

revision = "m0009"
down_revision = "m0008"

_IS_DURATION = "n.key LIKE '%\\_time.%:%'"
# in the one form that equal counters have
_COUNTS = f"""coalesce((
    SELECT '{{' || string_agg(to_json(n.key)::text || ':' || n.value, ',' ORDER BY n.key COLLATE "C") || '}}'
    FROM json_each_text(counters::json) AS n WHERE NOT {_IS_DURATION}
), '{{}}')"""  # noqa: S608  # our own, here and below
_DURATIONS = f"""(
    SELECT '{{' || string_agg(to_json(figure)::text || ':' || parts, ',' ORDER BY figure COLLATE "C") || '}}' FROM (
        SELECT split_part(n.key, ':', 1) AS figure, '{{' || string_agg(
            to_json(split_part(n.key, ':', 2))::text || ':' || n.value, ',' ORDER BY n.key COLLATE "C"
        ) || '}}' AS parts
        FROM json_each_text(%(column)s::json) AS n WHERE {_IS_DURATION} GROUP BY 1
    ) AS of_figures
)"""  # noqa: S608


def _durations(column: str) -> str:
    return _DURATIONS.replace("%(column)s", column)


_PARTITIONS = {"figures_of_accounts": "FOR VALUES FROM ('account:') TO ('account;')", "figures_of_others": "DEFAULT"}


def upgrade() -> None:
    op.drop_index("figures_of_staff", "figures", schema="metrics")
    op.execute("ALTER TABLE metrics.figures RENAME CONSTRAINT figures_pkey TO figures_before_pkey")
    op.rename_table("figures", "figures_before", schema="metrics")
    op.create_table(
        "figures",
        sa.Column("key", sa.Text(collation="C"), primary_key=True),
        sa.Column("counts", sa.Text, nullable=False),
        sa.Column("durations", sa.Text),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("published_revision", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        schema="metrics",
        postgresql_partition_by="RANGE (key)",
    )
    for name, values in _PARTITIONS.items():
        op.execute(f"CREATE TABLE metrics.{name} PARTITION OF metrics.figures {values} WITH (fillfactor = 70)")
    op.execute(
        "INSERT INTO metrics.figures "  # noqa: S608
        f"SELECT key, {_COUNTS}, {_durations('counters')}, revision, published_revision, changed_at "
        "FROM metrics.figures_before"
    )
    op.drop_table("figures_before", schema="metrics")
    op.execute("ANALYZE metrics.figures")
    op.create_index(
        "figures_of_staff",
        "figures",
        ["key"],
        schema="metrics",
        postgresql_where=sa.text("key LIKE 'agent:%' OR key LIKE 'team:%'"),
    )
    # m0006 did not always give it another name
    if any(column["name"] == "counters" for column in sa.inspect(op.get_bind()).get_columns("days", "metrics")):
        op.alter_column("days", "counters", new_column_name="counts", schema="metrics")
    op.execute(f"UPDATE metrics.days SET durations = {_durations('durations')} WHERE durations IS NOT NULL")  # noqa: S608
