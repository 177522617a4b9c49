"""The migrations make what the tables say."""

import json
from datetime import datetime

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.schema import CreateTable

from bus.errors import Retryable
from bus.progress import database_error
from metrics_worker.columns import Columns
from metrics_worker.facts import OPENED, Fact, TicketFacts
from metrics_worker.measures import CLOCKS
from metrics_worker.migrate import upgrade
from metrics_worker.tables import FIGURES_APART, SCHEMA, figures, figures_apart, metadata
from tests.conftest import Stack


def _ours(name: str | None, kind: str, _: object) -> bool:
    """What SQLAlchemy has words for: not the tables within another."""
    return name == SCHEMA if kind == "schema" else name not in FIGURES_APART


@pytest.mark.stack
def test_migrations_and_tables_agree(stack: Stack) -> None:
    url = stack.new_database()
    upgrade(url)
    upgrade(url)
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"include_schemas": True, "include_name": _ours, "version_table_schema": SCHEMA, "compare_type": True},
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()


@pytest.mark.stack
def test_migrations_and_a_rebuild_put_figures_apart_alike(stack: Stack) -> None:
    url = stack.new_database()
    upgrade(url)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE SCHEMA again"))
        connection.execute(CreateTable(figures.to_metadata(sa.MetaData(), schema="again")))
        for statement in figures_apart("again"):
            connection.execute(sa.text(statement))
        asked = sa.text("""
            SELECT relname, pg_get_expr(relpartbound, oid), reloptions
            FROM pg_class WHERE relispartition AND relkind = 'r' AND relnamespace = to_regnamespace(:schema)
            ORDER BY relname
        """)
        migrated, made = (connection.execute(asked, {"schema": schema}).all() for schema in (SCHEMA, "again"))
    engine.dispose()
    assert len(made) == len(FIGURES_APART)
    assert migrated == made


@pytest.mark.stack
def test_clocks_that_run_are_moved(stack: Stack) -> None:
    url = stack.new_database()
    upgrade(url, "m0004")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            sa.text("""
                INSERT INTO metrics.ticket_facts
                    (ticket_id, root_id, contact_id, account_id, owner_id, team_id, version, waiting_since, next_due,
                     document)
                VALUES ('a', 'a', 'c', 'ac', NULL, 't', 1, 5, NULL, ''),
                       ('b', 'b', 'c', NULL, 'o', NULL, 1, NULL, 7, ''),
                       ('closed', 'closed', 'c', NULL, 'o', NULL, 2, NULL, NULL, '')
            """)
        )
    upgrade(url)
    with engine.connect() as connection:
        moved = connection.execute(sa.text("SELECT * FROM metrics.clocks ORDER BY ticket_id")).all()
        kept = connection.scalars(sa.text("SELECT ticket_id FROM metrics.ticket_facts ORDER BY ticket_id")).all()
    engine.dispose()
    assert [tuple(row) for row in moved] == [("a", "c", "ac", None, "t", 5, None), ("b", "c", None, "o", None, None, 7)]
    assert kept == ["a", "b", "closed"]


COUNTERS = {
    "by_channel.ünd_time": 2,
    "total": 2,
    "unanswered:since": 1_790_000_000,
    **{f"response_time.{clock}:{part}": 7 for clock in CLOCKS for part in ("n", "s", 12, 113)},
}
ONLY = {"first_resolution_time.business:n": 1}
SOME: list[dict[str, int]] = [COUNTERS, ONLY, {"total": 1}, {}]
"""With counts and durations, with one of them alone, with none."""


def as_it_was(counters: dict[str, int]) -> str:
    return json.dumps(counters, separators=(",", ":"), ensure_ascii=False, sort_keys=True)


@pytest.mark.stack
def test_durations_of_days_are_put_apart(stack: Stack) -> None:
    url = stack.new_database()
    upgrade(url, "m0005")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for day, found in enumerate(SOME):
            row = {"day": day, "counters": as_it_was(found)}
            connection.execute(sa.text("INSERT INTO metrics.days VALUES ('desk', :day, :counters)"), row)
    upgrade(url)
    with engine.connect() as connection:
        kept = connection.execute(sa.text("SELECT counts, durations FROM metrics.days ORDER BY day")).all()
    engine.dispose()
    assert [Columns(*row) for row in kept] == [Columns.of(found) for found in SOME]


@pytest.mark.stack
def test_days_whose_counts_kept_their_first_name_get_the_other(stack: Stack) -> None:
    """As whoever upgraded between the two forms of m0006 has them."""
    url = stack.new_database()
    upgrade(url, "m0008")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE metrics.days RENAME COLUMN counts TO counters"))
    upgrade(url)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT counts, durations FROM metrics.days")).all() == []
    engine.dispose()


@pytest.mark.stack
def test_figures_are_put_apart_as_they_are(stack: Stack) -> None:
    url = stack.new_database()
    upgrade(url, "m0008")
    keys = ["account:a", "account:b", "accountant", "agent:a", "contact:account:a", "desk", "team:\x1fagent:", "ä"]
    rows = [(key, SOME[n % len(SOME)], n + 1, n, f"2026-11-{n + 1:02}T00:00:00+00:00") for n, key in enumerate(keys)]
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for key, found, *others in rows:
            values = dict(zip("krpc", (key, *others), strict=True)) | {"found": as_it_was(found)}
            connection.execute(sa.text("INSERT INTO metrics.figures VALUES (:k, :found, :r, :p, :c)"), values)
    upgrade(url)
    asked = "SELECT key, counts, durations, revision, published_revision, changed_at FROM metrics.{}"
    with engine.connect() as connection:
        kept = connection.execute(sa.text(asked.format("figures") + " ORDER BY key")).all()
        accounts = connection.scalars(sa.text("SELECT key FROM metrics.figures_of_accounts ORDER BY key")).all()
    engine.dispose()
    assert [(key, Columns(counts, durations), *others) for key, counts, durations, *others in kept] == [
        (key, Columns.of(found), revision, published, datetime.fromisoformat(at))
        for key, found, revision, published, at in rows
    ]
    assert accounts == ["account:a", "account:b"]


@pytest.mark.stack
@pytest.mark.parametrize("asked", ["SELECT counters FROM metrics.figures", "SELECT counters FROM metrics.days"])
def test_what_a_version_before_asks_is_refused_and_tried_again(stack: Stack, asked: str) -> None:
    """Its worker would add durations to the counts, where nobody looks for them."""
    url = stack.new_database()
    upgrade(url)
    engine = sa.create_engine(url)
    with engine.connect() as connection, pytest.raises(sa.exc.ProgrammingError) as refused:
        connection.execute(sa.text(asked))
    engine.dispose()
    assert isinstance(database_error(refused.value), Retryable)


@pytest.mark.stack
def test_last_days_move_by_weeks(stack: Stack) -> None:
    url = stack.new_database()
    upgrade(url, "m0006")
    day = 86_400_000_000
    ticket = TicketFacts("t", 1, 1, facts=tuple([Fact(at, OPENED, f"e{at}", 0, 0) for at in (100 * day, 107 * day)]))
    member = ticket._replace(ticket_id="m", facts=tuple([Fact(at * day, OPENED, "e", 0, 0) for at in (95, 96)]))
    alone = ticket._replace(ticket_id="a", facts=ticket.facts[:1])
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for facts, root, last in ((ticket, "t", 110), (member, "t", None), (alone, "a", 106)):
            connection.execute(
                sa.text("""
                    INSERT INTO metrics.ticket_facts (ticket_id, root_id, version, last_day, document)
                    VALUES (:id, :root, 1, :last, :document)
                """),
                {"id": facts.ticket_id, "root": root, "last": last, "document": facts.to_json()},
            )
    upgrade(url)
    with engine.connect() as connection:
        kept = connection.execute(sa.text("SELECT ticket_id, last_day FROM metrics.ticket_facts ORDER BY 1")).all()
    engine.dispose()
    assert [tuple(row) for row in kept] == [("a", 106), ("m", None), ("t", 95 + 4 * 7 - 1)]
