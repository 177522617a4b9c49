"""`deskstream metrics rebuild`: the same digits from the topics, while the worker goes on; what was wrong is mended."""

import asyncio
import random
import signal
from collections.abc import Sequence
from datetime import datetime, timedelta

import psutil
import pytest
import sqlalchemy as sa

from bus.errors import Retryable
from bus.record import Partition
from bus.settings import CalendarSettings
from bus.ticket_event import TicketEvent
from metrics_worker.database import engine as engine_of
from metrics_worker.rebuild import folding
from metrics_worker.rebuild.shadow import Shadow
from metrics_worker.rebuild.shares import processes_for, shares
from metrics_worker.rebuild.tally import Sums
from metrics_worker.rebuild.with_progress import rebuilt
from tests.conftest import Stack
from tests.metrics_worker.histories import BEGIN, Contact, Ticket, interleaved
from tests.metrics_worker.oracle import count
from tests.metrics_worker.oracle_facts import OFFICE, Desk, Hours
from tests.metrics_worker.test_worker import events_of, published, tickets
from tests.metrics_worker.workers import Figures, state_of

pytestmark = pytest.mark.stack


async def _changes_no_digit(desk: Figures, events: Sequence[TicketEvent], processes: int | None = None) -> None:
    done = await rebuilt(desk.settings, names=desk.names, processes=processes)
    assert (done.difference.keys, done.difference.days) == (0, 0), done.difference.examples
    assert await desk.settled() == []
    assert await published(desk) == count(events)


async def test_rebuild_changes_no_digit_while_the_worker_goes_on(stack: Stack) -> None:
    desk = await Figures.make(stack)
    people = Contact("bob0").add("contact.created").add("contact.merged", 5, into="anna0")
    people.add("contact.feedback_received", 6, message_id="m", channel="web_form")
    await desk.publish_contacts(people.events)
    events = events_of(tickets(0, 80))
    await desk.publish(events)
    desk.start()
    assert await desk.settled() == []
    going = asyncio.create_task(rebuilt(desk.settings, names=desk.names, processes=2))
    for part in range(1, 6):
        more = events_of(tickets(part * 1000, 20), part)
        await desk.publish(more)
        events += more
        await asyncio.sleep(0.05)
    done = await going
    assert (done.difference.keys, done.difference.days) == (0, 0), done.difference.examples
    assert done.tickets >= 80
    last = events_of(tickets(9000, 20), 9)
    await desk.publish(last)
    assert await desk.settled() == []
    assert await published(desk) == count([*events, *last], people.events)
    await desk.close()


async def test_rebuild_puts_right_what_was_wrong_and_publishes_it(stack: Stack) -> None:
    desk = await Figures.make(stack)
    events = events_of(tickets(0, 40))
    await desk.publish(events)
    desk.start()
    assert await desk.settled() == []
    engine = engine_of(desk.url)
    async with engine.begin() as connection:
        counts = "replace(counts, '\"total\"\\:', '\"total\"\\:1')"
        wrong = f"UPDATE metrics.figures SET counts = {counts} WHERE key = 'desk'"  # our own
        await connection.execute(sa.text(wrong))
        await connection.execute(sa.text("UPDATE metrics.clocks SET next_due = 1"))
    await engine.dispose()
    assert {each.check for each in await desk.differences()} >= {"counters", "marks", "published"}
    more = events_of(tickets(500, 5), 1)
    await desk.publish(more)  # now the wrong number is on the topic, too
    events += more
    for _ in range(100):
        if not {"unread", "published"} & {each.check for each in await desk.differences()}:
            break
        await asyncio.sleep(0.1)
    done = await rebuilt(desk.settings, names=desk.names)
    assert done.difference.keys == 1
    assert "desk: total 1" in done.difference.examples[0]
    assert await desk.settled() == []
    assert await published(desk) == count(events)
    await desk.close()


async def test_rebuild_counts_rings_and_survivors_that_nobody_has_read(stack: Stack) -> None:
    desk = await Figures.make(stack)
    made = [
        Ticket("ring1", 1, "anna").mail(0).answered(5).merged(9, "ring2"),
        Ticket("ring2", 2, "bob").mail(1).merged(9, "ring1"),
        Ticket("lost", 3, "anna").mail(2).merged(9, "never-read"),
        Ticket("chain1", 4, "anna").mail(3, "chat").merged(9, "chain2"),
        Ticket("chain2", 5, "bob").mail(4).merged(9, "chain3"),
        Ticket("chain3", 6, "cleo").mail(5).closed(30),
        Ticket("apart", 7, "cleo").mail(5).merged(9, "chain3").unmerged(20),
    ]
    events = interleaved([ticket.events for ticket in made], random.Random(0))
    await desk.publish(events)
    desk.start()
    assert await desk.settled() == []
    await _changes_no_digit(desk, events, processes=3)
    await desk.close()


@pytest.mark.parametrize(
    "fault",
    ["figures.before_exchange=kill", "figures.before_exchange_commit=kill", "figures.before_exchange_commit=stop"],
)
async def test_rebuild_that_dies_or_freezes_changes_nothing(stack: Stack, fault: str) -> None:
    desk = await Figures.make(stack)
    events = events_of(tickets(0, 40))
    await desk.publish(events)
    desk.start()
    assert await desk.settled() == []
    dying = desk.rebuild(fault)
    while dying.poll() is None and state_of(dying) != "T":
        await asyncio.sleep(0.1)
    more = events_of(tickets(500, 10), 1)
    await desk.publish(more)
    assert await desk.settled() == []  # a frozen one's locks are taken away
    dying.send_signal(signal.SIGCONT)
    assert await asyncio.to_thread(dying.wait, 60) != 0
    await _changes_no_digit(desk, [*events, *more])
    await desk.close()


@pytest.mark.parametrize("victim", ["whoever began it", "a process it started"])
async def test_rebuild_whose_processes_die_changes_nothing_and_leaves_none(stack: Stack, victim: str) -> None:
    desk = await Figures.make(stack)
    events = events_of(tickets(0, 40))
    await desk.publish(events)
    desk.start()
    assert await desk.settled() == []
    dying = desk.rebuild("figures.folding=stop", processes=2)
    here = psutil.Process(dying.pid)
    async with asyncio.timeout(120):
        while not (apart := [each for each in here.children() if state_of(each) == "T"]):
            await asyncio.sleep(0.1)
        while state_of(dying) != "T":
            await asyncio.sleep(0.1)
    first, last = (here, apart[0]) if victim == "whoever began it" else (apart[0], here)
    first.kill()
    last.resume()
    assert await asyncio.to_thread(dying.wait, 60) != 0
    _, alive = await asyncio.to_thread(psutil.wait_procs, apart, 60)
    assert alive == []
    await _changes_no_digit(desk, events, processes=2)
    await desk.close()


async def test_rebuild_adds_up_what_was_counted_in_many_parts(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """Contacts and accounts, for always and by day, that come again and again; some parts cancel each other."""
    monkeypatch.setattr(folding, "_HELD", 3)
    monkeypatch.setattr(folding, "_A_WHILE", 4)
    parts: list[int] = []
    keep = Shadow.add_parts

    async def counted(shadow: Shadow, some: Sums) -> None:
        parts.append(len(some.figures) + len(some.days))
        await keep(shadow, some)

    monkeypatch.setattr(Shadow, "add_parts", counted)
    desk = await Figures.make(stack)
    made = [Ticket(f"t{n}", n, f"c{n % 3}", f"ac{n % 2}").mail(n * 300).answered(n * 300 + n) for n in range(40)]
    for ticket in made[::3]:
        ticket.closed(20_000)
    for one, other in ((1, 7), (9, 10)):
        made[one].merged(20_000, made[other].id)
    events = interleaved([ticket.events for ticket in made], random.Random(1))
    await desk.publish(events)
    desk.start()
    assert await desk.settled() == []
    await _changes_no_digit(desk, events, processes=1)
    assert max(parts) <= 3 + 4 * 5, (
        "more is held than may be, and what four tickets add: two keys, and up to three days"
    )
    assert sum(parts) > 2 * max(parts)
    await desk.close()


async def test_rebuild_that_another_one_follows_writes_nothing_any_more(stack: Stack) -> None:
    desk = await Figures.make(stack)
    engine = engine_of(desk.url)
    former, latter = Shadow(engine), Shadow(engine)
    await former.make()
    await former.add_sums(Sums({"desk": {"total": 1}}, {}))
    await latter.make()
    with pytest.raises(Retryable, match="another rebuild"):
        await former.add_sums(Sums({"desk": {"total": 1}}, {}))
    async with engine.connect() as connection:
        assert await connection.scalar(sa.text("SELECT count(*) FROM metrics_rebuild.sums")) == 0
    await engine.dispose()
    await desk.close()


def test_second_process_starts_when_it_pays_and_no_more_than_there_are_processors() -> None:
    assert [processes_for(n, most=2) for n in (0, 149_999, 150_000, 10_000_000)] == [1, 1, 2, 2]
    assert processes_for(10_000_000, most=1) == 1


def test_shares_are_even_and_leave_no_partition_out() -> None:
    ends = {Partition("tickets.events", n): 10 * n for n in range(12)} | {Partition("contacts.events", 0): 90}
    found = shares(ends, "contacts.events", 3)
    assert {where: end for share in found for where, end in share.items()} == ends
    assert Partition("contacts.events", 0) in found[0]
    first, *others = (sum(share.values()) for share in found)
    assert max(others) <= 1.2 * min(others)
    assert 1.2 * min(others) < first < 3 * min(others)
    many = {where: 100_000 * end for where, end in ends.items()}
    assert max(sum(share.values()) for share in shares(many, "contacts.events", 3)) <= 1.1 * sum(many.values()) / 3
    few = {Partition("tickets.events", 0): 5}
    assert [share for share in shares(few, "contacts.events", 4) if share] == [few]


async def test_changed_calendar_leaves_the_past_until_it_is_measured_anew_on_purpose(stack: Stack) -> None:
    desk = await Figures.make(stack)
    before = Ticket("a", 1).mail(0).answered(60)
    await desk.publish(before.events)
    first = desk.start()
    assert await desk.settled() == []
    first.terminate()
    await asyncio.to_thread(first.wait, 10)
    free = CalendarSettings(version=2, holidays=[BEGIN.date().isoformat()])
    desk.settings = desk.settings.model_copy(update={"calendars": {"standard": free}})
    desk.start()
    later = Ticket("b", 2, recorded=60 * 24 * 365 * 50).mail(0).answered(60)
    await desk.publish(later.events)
    assert await desk.settled() == []
    holiday = Hours("UTC", OFFICE.week, [BEGIN.date().isoformat()], BEGIN + timedelta(days=1))
    both = interleaved([before.events, later.events], random.Random(0))
    assert await published(desk) == count(both, desk=Desk((OFFICE, holiday)))
    await rebuilt(desk.settings, names=desk.names)
    assert await desk.settled() == []
    assert await published(desk) == count(both, desk=Desk((OFFICE, holiday)))
    await rebuilt(desk.settings, names=desk.names, present_calendars=True)
    assert await desk.settled() == []
    always = Hours("UTC", OFFICE.week, [BEGIN.date().isoformat()], datetime.min.replace(tzinfo=BEGIN.tzinfo))
    assert await published(desk) == count(both, desk=Desk((always,)))
    await desk.close()
