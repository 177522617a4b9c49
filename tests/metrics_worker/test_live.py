"""Pages that change while they are looked at, by a real HTTP client: dropped, resumed, bounded, ended."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from bus.ops import serving
from metrics_worker.asking import Asking
from metrics_worker.live import Watching
from metrics_worker.routes import router
from metrics_worker.service import NAMES
from tests.conftest import Stack
from tests.metrics_worker.histories import Ticket
from tests.metrics_worker.stored import Fed, fed

pytestmark = pytest.mark.stack
PAGE = "/contacts/anna/overview/live"


@dataclass
class Event:
    """One server-sent event."""

    name: str
    id: str | None
    data: Any


@pytest_asyncio.fixture
async def figures(stack: Stack) -> AsyncIterator[Fed]:
    async with fed(stack) as store:
        await store.feed(Ticket("t0", 1, "anna").mail(0).events)
        yield store


@asynccontextmanager
async def served(watching: Watching, figures: Fed) -> AsyncIterator[httpx.AsyncClient]:
    made = FastAPI()
    made.include_router(router(Asking(figures.engine, NAMES, "standard"), watching, lambda: None))
    async with (
        serving(made, "127.0.0.1", 0) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
    ):
        yield client


@asynccontextmanager
async def looking(client: httpx.AsyncClient, path: str = PAGE, last: str | None = None) -> AsyncIterator[Any]:
    headers = {} if last is None else {"Last-Event-ID": last}
    async with client.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == 200, answer.status_code
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield events(answer)


async def events(answer: httpx.Response) -> AsyncIterator[Event]:
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        name, colon, value = line.partition(": ")
        if colon and name:
            fields[name] = value
        elif not line and "data" in fields:
            yield Event(fields["event"], fields.get("id"), json.loads(fields["data"]))
            fields = {}


async def page(found: AsyncIterator[Event]) -> Event:
    """The next event that is no heart-beat."""
    async for event in found:
        if event.name != "behind":
            return event
    raise AssertionError("the stream has ended")


async def test_resumed_with_the_state_of_now_and_nothing_twice(figures: Fed) -> None:
    async with served(Watching(figures.engine, heart_beat=0.2), figures) as client:
        async with looking(client) as found:
            first = await page(found)
            assert (first.name, first.data["figures"]["total"]["value"]) == ("overview", 1)
            await figures.feed(Ticket("t1", 2, "anna").mail(1).events)
            second = await page(found)
            assert second.data["figures"]["total"]["value"] == 2
        for n in range(2, 5):
            await figures.feed(Ticket(f"t{n}", n + 1, "anna").mail(n).events)
        async with looking(client, last=second.id) as found:
            third = await page(found)
            assert third.data["figures"]["total"]["value"] == 5
        assert int(first.id or 0) < int(second.id or 0) < int(third.id or 0)
        async with looking(client, last=third.id) as found:
            for _ in range(3):
                beat = await anext(found)
                assert (beat.name, beat.id) == ("behind", None)
            assert set(beat.data) == {"clock", "unread", "looked"}
            await figures.feed(Ticket("t5", 6, "bob").mail(5).events)  # another's page
            await figures.feed(Ticket("t6", 7, "anna").mail(6).events)
            last = await page(found)
            assert last.data["figures"]["total"]["value"] == 6


async def test_nothing_missed_and_nothing_twice_while_connections_drop(figures: Fed) -> None:
    dice, seen = random.Random(7), list[Event]()

    async def write() -> None:
        for n in range(1, 40):
            ticket = Ticket(f"t{n}", n + 1, "anna").mail(n).assigned(n, f"a{n % 3}", "first")
            await figures.feed(ticket.events)

    async with served(Watching(figures.engine), figures) as client:
        writing = asyncio.create_task(write())
        while not seen or seen[-1].data["desk"]["total"]["value"] < 40:  # the last write makes it 40
            last = seen[-1].id if seen else None
            async with looking(client, "/team/headquarters/live", last) as found:
                for _ in range(dice.randint(1, 4)):
                    seen.append(await page(found))
                    if seen[-1].data["desk"]["total"]["value"] == 40:
                        break
        await writing
        ids = [int(event.id or 0) for event in seen]
        assert ids == sorted(set(ids))
        totals = [event.data["desk"]["total"]["value"] for event in seen]
        assert totals == sorted(totals)
        now = (await client.get("/team/headquarters")).json()
        assert {**seen[-1].data, "behind": None} == {**now, "behind": None}
        for event in seen:  # each is one state: agents and nobody's add up to the desk
            agents = sum(each["total"]["count"] for each in event.data["agents"].values())
            assert sum(each["total"]["count"] for each in event.data["teams"].values()) == agents


async def test_so_many_look_and_no_more(figures: Fed) -> None:
    async with served(Watching(figures.engine, most=1, heart_beat=0.1), figures) as client:
        async with looking(client) as found:
            await page(found)
            refused = await client.get(PAGE)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        async with asyncio.timeout(30):
            while True:  # the server hears of the closed connection a moment later
                async with client.stream("GET", PAGE) as answer:
                    if answer.status_code == 200:
                        assert (await page(events(answer))).name == "overview"
                        break
                await asyncio.sleep(0.05)


async def test_streams_end_when_the_service_stops(figures: Fed) -> None:
    stop = asyncio.Event()
    async with served(Watching(figures.engine, stop=stop), figures) as client, looking(client) as found:
        await page(found)
        stop.set()
        async with asyncio.timeout(30):
            assert [event async for event in found] == []


@pytest.mark.parametrize("last", ["", "x", "-1", "99999999999999999999", "٣"])
async def test_an_id_that_is_none_gets_the_page(figures: Fed, last: str) -> None:
    headers = [(b"Last-Event-ID", last.encode())]
    async with (
        served(Watching(figures.engine), figures) as client,
        client.stream("GET", PAGE, headers=headers) as answer,
    ):
        assert (await page(events(answer))).data["key"] == "contact:anna"
