"""What a visitor says of a conversation in the chat's window counts as what is said by a link."""

import json
from datetime import timedelta

import pytest

from bus.message import Author, Automation, NormalizedMessage, Ref
from tests.ticketing.by_hand import Acts
from tests.ticketing.filing.conftest import Desk
from tests.ticketing.filing.said import START, said
from ticketing.ratings.in_chat import MOST_TIMES

pytestmark = pytest.mark.stack


def line(name: str, text: str = "Hello", *, rating: str | None = None, at: float = 0) -> NormalizedMessage:
    """A frame of one visitor's, as it is understood."""
    more: dict[str, object] = {
        "channel": "chat",
        "account": "shop-chat",
        "source_id": name,
        "author": Author(kind="chat", address="session-1", verified=True),
        "subject": None,
        "to": [],
        "text": text,
        "reply_text": text,
        "refs": [Ref(kind="provider_thread", value="session-1")],
    }
    if rating is not None:
        more |= {"automation": Automation(kind="system", reason="chat:rating"), "fields": {"rating": rating}}
    return said(name, at=at).model_copy(update=more)


async def _answered(desk: Desk) -> None:
    await desk.file(line("m"))
    await Acts(desk.engine, "act-1", "agent-1", START + timedelta(hours=1)).do("reply", 1, text="It is blue.")


async def _rated(desk: Desk) -> list[tuple[str, str | None, bool, str]]:
    rows = await desk.rows("SELECT document FROM desk.ticket_events WHERE type = 'ticket.rated' ORDER BY id")
    events = [json.loads(document) for (document,) in rows]
    return [
        (each["data"]["rating"], each["data"].get("agent_id"), each["data"]["has_words"], each["actor"]["kind"])
        for each in events
    ]


async def test_a_rating_is_told_and_kept_once(desk: Desk) -> None:
    await _answered(desk)
    good = line("r", "Quick", rating="good")
    await desk.file(good)
    await desk.file(good, line("m"))
    assert await _rated(desk) == [("good", "agent-1", True, "customer")]
    assert (await desk.history(1))[-2:] == ["message_received", "rated"]
    kept = "SELECT reply_id, agent_id, rating, words, times FROM desk.ratings"
    assert await desk.rows(kept) == [("", "agent-1", "good", "Quick", 1)]
    await desk.file(line("s", "Rating: bad", rating="bad", at=1))  # changed, without words
    assert await _rated(desk) == [("good", "agent-1", True, "customer"), ("bad", "agent-1", False, "customer")]
    assert await desk.rows(kept) == [("", "agent-1", "bad", None, 2)]
    ((messages, status),) = await desk.rows("SELECT messages, status FROM desk.tickets")
    assert (messages, status) == (1, "open")


async def test_where_nobody_has_answered_there_is_nothing_to_rate(desk: Desk) -> None:
    await desk.file(line("m"), line("r", rating="good"))
    assert await _rated(desk) == []
    await desk.file(line("s", rating="excellent", at=1))
    assert await desk.rows("SELECT count(*) FROM desk.ratings") == [(0,)]
    assert await desk.conversations() == [{"m", "r", "s"}]


async def test_what_only_looks_like_a_rating_is_none(desk: Desk) -> None:
    await _answered(desk)
    human = line("r", rating="good").model_copy(update={"automation": Automation()})
    await desk.file(human)
    assert await _rated(desk) == []


async def test_nobody_writes_history_without_end(desk: Desk) -> None:
    await _answered(desk)
    for n in range(MOST_TIMES + 3):
        await desk.file(line(f"r{n}", rating="good" if n % 2 else "bad", at=n))
    assert len(await _rated(desk)) == MOST_TIMES
