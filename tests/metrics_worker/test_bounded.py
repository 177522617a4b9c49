"""What a page may read: so many tickets, and not all that a desk or an account has."""

import random
from collections.abc import AsyncIterator, Awaitable
from typing import TypeVar

import pytest
import pytest_asyncio
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.calendars import ONLY_STANDARD
from metrics_worker import overview, snapshot
from metrics_worker.service import NAMES
from metrics_worker.why import page, why
from tests.conftest import Stack
from tests.metrics_worker.histories import BEGIN, Ticket, interleaved
from tests.metrics_worker.stored import Fed, fed

pytestmark = pytest.mark.stack

_TICKETS = 1_200
_FEW = 20
_DAY = 24 * 60
Found = TypeVar("Found")
# what this transaction has read of the tables, by index or not
_READ = sa.text("""
    SELECT sum(seq_tup_read + idx_tup_fetch) FROM pg_stat_xact_user_tables
    WHERE schemaname = 'metrics' AND relname IN ('ticket_facts', 'clocks', 'contacts')
""")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def figures(stack: Stack) -> AsyncIterator[Fed]:
    """Twelve hundred tickets of one account, twenty a day; old ones go on at times; few are rated, two by phone."""
    dice = random.Random(4)
    made: list[Ticket] = []
    for n in range(_TICKETS):
        at = (n // 20) * _DAY + dice.randrange(_DAY)
        ticket = Ticket(f"t{dice.getrandbits(60):015x}", n, f"c{n // 3}", "acme")
        made.append(ticket.mail(at, "phone" if n in (300, 700) else "email").answered(at + 30, f"a{n % 3}", "r"))
        if dice.random() < 0.1:
            ticket.message(at + dice.randrange(20 * _DAY)).closed(at + 20 * _DAY)
        if n % 60 == 1:
            ticket.rated(at + dice.randrange(9 * _DAY), "good", "r")
    for n in range(0, _TICKETS, 97):
        made[n].merged(61 * _DAY, made[n + 5].id)
    async with fed(stack) as store:
        events = interleaved([ticket.events for ticket in made], dice)
        for at in range(0, len(events), 1_000):
            await store.feed(events[at : at + 1_000])
        async with store.engine.begin() as connection:
            await connection.execute(sa.text("ANALYZE metrics.ticket_facts"))
        yield store


async def test_oldest_unanswered_of_many_is_found_among_their_own(stack: Stack) -> None:
    """Also while nothing is known yet of how many tickets somebody has."""
    contacts = [f"contact:c{n}" for n in range(0, _TICKETS, _TICKETS // _FEW)]
    async with fed(stack) as young:
        tickets = [Ticket(f"w{n:04}", n, f"c{n}", f"ac{n % 100}").mail(n) for n in range(_TICKETS)]
        await young.feed([event for ticket in tickets for event in ticket.events])
        async with young.engine.connect() as connection:
            few, found = await _reading(
                connection, snapshot.read(connection, NAMES, [*contacts, "account:ac7", "desk"])
            )
    waiting = {document["key"]: document["figures"]["unanswered"]["oldest_at"] for document in found}
    assert waiting["desk"] == waiting["contact:c0"] < waiting["account:ac7"] < waiting["contact:c60"]
    assert len(waiting) == _FEW + 2
    assert few < 2 * len(waiting), "all who wait longer are passed first"


async def _reading(connection: AsyncConnection, work: Awaitable[Found]) -> tuple[int, Found]:
    before = await connection.scalar(_READ) or 0
    found = await work
    return int(await connection.scalar(_READ) or 0) - int(before), found


async def test_accounts_page_shows_the_newest_of_all_and_reads_few(figures: Fed) -> None:
    async with figures.engine.connect() as connection:
        everything = await overview.overview(connection, NAMES, "account:acme", BEGIN, limit=100_000)
        asked = overview.overview(connection, NAMES, "account:acme", BEGIN, limit=_FEW)
        few, shown = await _reading(connection, asked)
    assert len(everything.activity) > 3 * _TICKETS
    assert len(everything.ratings) == _TICKETS // 60
    assert shown.activity == everything.activity[:_FEW]
    assert shown.ratings == everything.ratings[:_FEW]
    assert shown.figures == everything.figures
    assert few < _TICKETS, "it reads as many as there are"


async def test_contacts_page_shows_the_newest_of_all(figures: Fed) -> None:
    async with figures.engine.connect() as connection:
        everything = await overview.overview(connection, NAMES, "contact:c100", BEGIN, limit=100_000)
        shown = await overview.overview(connection, NAMES, "contact:c100", BEGIN, limit=3)
    assert len(everything.activity) > 9
    assert shown.activity == everything.activity[:3]


@pytest.mark.parametrize("figure", ["by_channel.phone", "reopened", "total", "feedback", "unanswered", "happiness"])
async def test_page_of_the_desks_why_looks_at_few_and_all_pages_add_up(figures: Fed, figure: str) -> None:
    async with figures.engine.connect() as connection:
        whole = [share async for share in why(connection, "desk", figure, ONLY_STANDARD)]
        after, paged = "", []
        while True:
            asked = page(connection, "desk", figure, ONLY_STANDARD, after=after, limit=30, most=100)
            few, found = await _reading(connection, asked)
            assert few < _TICKETS / 2, "a page reads half of what there is"
            paged += found.shares
            if found.next is None:
                break
            after = found.next
    assert paged == whole


async def test_why_of_an_agent_adds_up_also_where_another_owns_the_ticket(figures: Fed) -> None:
    async with figures.engine.connect() as connection:
        [document] = [(await overview.scorecard(connection, NAMES, "a1", 0, 0, BEGIN)).figures]
        shares = [share async for share in why(connection, "agent:a1", "happiness.good", ONLY_STANDARD)]
    assert sum(share.n for share in shares) == document["happiness.good"].count > 0
