"""The migrations make what the tables say."""

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from bus.errors import Retryable
from bus.progress import database_error
from metrics_worker.counters import apart, encoded
from metrics_worker.facts import OPENED, Fact, TicketFacts
from metrics_worker.measures import CLOCKS
from metrics_worker.migrate import upgrade
from metrics_worker.tables import SCHEMA, metadata
from tests.conftest import Stack


def _ours(name: str | None, kind: str, _: object) -> bool:
    return name == SCHEMA if kind == "schema" else True


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


@pytest.mark.stack
def test_durations_of_days_are_put_apart(stack: Stack) -> None:
    url = stack.new_database()
    upgrade(url, "m0005")
    counters = {
        "by_channel.ünd_time": 2,
        "total": 2,
        "unanswered:since": 1_790_000_000,
        **{f"response_time.{clock}:{part}": 7 for clock in CLOCKS for part in ("n", "s", 12, 113)},
    }
    only = {"first_resolution_time.business:n": 1}
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for day, found in enumerate((counters, only, {"total": 1}, {})):
            row = {"day": day, "counters": encoded(found)}
            connection.execute(sa.text("INSERT INTO metrics.days VALUES ('desk', :day, :counters)"), row)
    upgrade(url)
    with engine.connect() as connection:
        kept = connection.execute(sa.text("SELECT counts, durations FROM metrics.days ORDER BY day")).all()
    engine.dispose()
    counts, durations = apart(counters)
    assert len(durations) == 8
    assert [tuple(row) for row in kept] == [
        (encoded(counts), encoded(durations)),
        ("{}", encoded(only)),
        ('{"total":1}', None),
        ("{}", None),
    ]


@pytest.mark.stack
def test_what_the_version_before_asks_of_days_is_refused_and_tried_again(stack: Stack) -> None:
    """Its worker would add durations to the counts, where nobody looks for them."""
    url = stack.new_database()
    upgrade(url)
    engine = sa.create_engine(url)
    with engine.connect() as connection, pytest.raises(sa.exc.ProgrammingError) as refused:
        connection.execute(sa.text("SELECT d.key, d.day, d.counters FROM metrics.days AS d"))
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
