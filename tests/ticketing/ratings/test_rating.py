"""A customer rates: by a link in an answer or at the end, on a page that records nothing until it is sent."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from bus.reply import Reply
from bus.settings import RatingSettings
from tests.ticketing.by_hand import DESK, Acts
from tests.ticketing.filing.conftest import Desk
from tests.ticketing.filing.said import START, said
from ticketing.acts.desk import Desk as Settings
from ticketing.ratings.giving import give, look
from ticketing.ratings.in_chat import MOST_TIMES
from ticketing.ratings.links import read_token
from ticketing.ratings.routes import router

pytestmark = pytest.mark.stack
ANN = "ann@x.example"
URL = "https://desk.example"
SETTINGS = RatingSettings(url=URL, open_days=90, change_days=14)
ASKING = Settings(DESK.confirming, DESK.policy, SETTINGS)


def acts(desk: Desk, key: str, agent: str = "agent-1") -> Acts:
    """The key is a number: later acts come later."""
    return Acts(desk.engine, key, agent, START + timedelta(hours=1, minutes=int(key)), ASKING)


async def asked(desk: Desk, rating: str, language: str = "en") -> None:
    """A ticket of Ann's in a department that asks."""
    await desk.file(said("a", ANN))
    await desk.rows_changed(
        "INSERT INTO desk.departments (id, name, rating, created_at) VALUES ('', 'All', :rating, now())", rating=rating
    )
    await desk.rows_changed("UPDATE desk.tickets SET language = :language", language=language)


async def links(desk: Desk) -> list[str]:
    """The tokens in what went out, in its order."""
    found = [Reply.from_json(row) for (row,) in await desk.rows("SELECT document FROM desk.outgoing ORDER BY id")]
    return [reply.text.partition(f"{URL}/r/")[2].split()[0] for reply in found if f"{URL}/r/" in reply.text]


@pytest.fixture
async def page(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    """A browser at the desk's door, without any login."""
    transport = httpx.ASGITransport(
        Starlette(routes=[Mount("/r", router(desk.engine, ASKING, lambda: START + timedelta(hours=2)))])
    )
    async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
        yield client


async def rated(desk: Desk) -> list[dict[str, object]]:
    rows = await desk.rows("SELECT document::json FROM desk.ticket_events WHERE type = 'ticket.rated' ORDER BY id")
    return [row["data"] | {"by": row["actor"]["kind"]} for (row,) in rows]


async def test_looking_records_nothing_and_sending_does(desk: Desk, page: httpx.AsyncClient) -> None:
    await asked(desk, "each_reply", "nl")
    done = await acts(desk, "1").do("reply", 1, html="<p>Yes.</p>")
    [token] = await links(desk)
    seen = await page.get(f"/r/{token}?rating=good")
    assert seen.status_code == 200
    assert 'lang="nl"' in seen.text
    assert 'value="good" required checked' in seen.text
    assert await rated(desk) == []
    sent = await page.post(f"/r/{token}", data={"rating": "ok", "words": "<b>slow</b>, but fine"})
    assert (sent.status_code, "Dank u wel" in sent.text) == (200, True)
    assert "&lt;b&gt;slow" in sent.text
    reply_id = done.events[-1].data["reply_id"]
    expected = {"rating": "ok", "reply_id": reply_id, "agent_id": "agent-1", "has_words": True, "by": "customer"}
    assert await rated(desk) == [expected]
    assert "slow" not in str(await desk.rows("SELECT document FROM desk.ticket_events"))
    again = await page.post(f"/r/{token}", data={"rating": "ok", "words": "<b>slow</b>, but fine"})
    assert again.status_code == 200
    assert len(await rated(desk)) == 1


async def test_the_page_acts_and_loads_nothing_and_is_kept_nowhere(desk: Desk, page: httpx.AsyncClient) -> None:
    await asked(desk, "each_reply")
    await acts(desk, "1").do("reply", 1, text="Yes.")
    [token] = await links(desk)
    for answer in (await page.get(f"/r/{token}"), await page.get("/r/nothing"), await page.post(f"/r/{token}")):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "<script" not in answer.text
        assert "set-cookie" not in answer.headers


async def test_a_rating_belongs_to_the_writer_and_can_be_changed_for_a_time(desk: Desk) -> None:
    await asked(desk, "each_reply")
    await acts(desk, "1", "agent-1").do("reply", 1, text="one")
    await acts(desk, "2", "agent-2").do("reply", 1, text="two")
    first, second = [read_token(DESK.confirming.tokens, token) for token in await links(desk)]
    assert first is not None
    assert second is not None
    at = START + timedelta(hours=2)
    await give(desk.engine, first, "bad", None, SETTINGS, at)
    await give(desk.engine, second, "good", "thanks", SETTINGS, at)
    await give(desk.engine, first, "ok", None, SETTINGS, at + timedelta(days=14))
    late = await give(desk.engine, first, "good", None, SETTINGS, at + timedelta(days=15))
    assert late is not None
    assert (late.rating, late.closed) == ("ok", True)
    assert [(each["rating"], each["agent_id"]) for each in await rated(desk)] == [
        ("bad", "agent-1"),
        ("good", "agent-2"),
        ("ok", "agent-1"),
    ]


async def test_a_link_is_good_for_a_time_and_for_so_many_changes(desk: Desk) -> None:
    await asked(desk, "each_reply")
    await acts(desk, "1").do("reply", 1, text="one")
    [token] = await links(desk)
    what = read_token(DESK.confirming.tokens, token)
    assert what is not None
    old = await look(desk.engine, what, SETTINGS, START + timedelta(days=91))
    assert old is not None
    assert old.closed
    for n in range(MOST_TIMES + 5):
        await give(desk.engine, what, "bad" if n % 2 else "good", f"{n}", SETTINGS, START + timedelta(hours=2))
    assert len(await rated(desk)) == MOST_TIMES


async def test_at_the_end_it_is_asked_once_and_about_the_whole(desk: Desk) -> None:
    await asked(desk, "at_close", "fr")
    await acts(desk, "0").do("close", 1)
    assert await links(desk) == []  # nobody has answered: there is nothing to rate
    await acts(desk, "1").do("reopen", 1)
    await acts(desk, "2", "agent-1").do("reply", 1, text="one")
    await acts(desk, "3", "agent-2").do("reply", 1, text="two")
    await acts(desk, "4").do("close", 1)
    await acts(desk, "5").do("reopen", 1)
    await acts(desk, "6").do("close", 1)
    [token] = await links(desk)
    [document] = await desk.rows("SELECT document FROM desk.replies WHERE purpose = 'rating_request'")
    request = Reply.from_json(document[0])
    assert (request.automatic, request.language, request.recipient.address) == (True, "fr", ANN)
    what = read_token(DESK.confirming.tokens, token)
    assert what is not None
    assert what.reply_id is None
    await give(desk.engine, what, "good", None, SETTINGS, START + timedelta(hours=2))
    [data] = await rated(desk)
    assert (data["reply_id"], data["agent_id"]) == (None, "agent-2")


async def test_a_rating_of_an_absorbed_ticket_stands_where_the_answer_was_written(desk: Desk) -> None:
    await asked(desk, "each_reply")
    await desk.file(said("z", "bob@x.example"))
    await acts(desk, "1").do("reply", 2, text="one")
    await acts(desk, "2").do("merge", 1, other=2)
    [token] = await links(desk)
    what = read_token(DESK.confirming.tokens, token)
    assert what is not None
    await give(desk.engine, what, "good", None, SETTINGS, START + timedelta(hours=2))
    assert (await desk.history(2))[-2:] == ["merged", "rated"]


@pytest.mark.parametrize(
    ("body", "status"), [(b"rating=great", 422), (b"", 422), (b"rating=good&words=" + b"x" * 20_000, 413)]
)
async def test_what_is_no_rating_is_not_recorded(desk: Desk, page: httpx.AsyncClient, body: bytes, status: int) -> None:
    await asked(desk, "each_reply")
    await acts(desk, "1").do("reply", 1, text="one")
    [token] = await links(desk)
    assert (await page.post(f"/r/{token}", content=body)).status_code == status
    assert (await page.post("/r/" + token[:-2] + "aa", data={"rating": "good"})).status_code == 404
    assert await rated(desk) == []
