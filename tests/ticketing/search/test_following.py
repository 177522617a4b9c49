"""The search follows the desk: whatever happens to tickets and contacts, what is there now is found."""

import asyncio

import pytest

from tests.ticketing.api.conftest import house
from tests.ticketing.api.house import House, changing, numbers
from tests.ticketing.mails import mail
from ticketing.database import engine
from ticketing.search.asking import WALK
from ticketing.search.index import SearchIndex

pytestmark = pytest.mark.stack
__all__ = ["house"]


async def _found(house: House, text: str) -> list[int]:
    await house.index.catch_up()
    async with house.client("admin") as admin:
        page = (await admin.get("/tickets", params={"text": text, "sort": "number"})).json()
    return list(numbers(page))


async def test_messages_answers_notes_and_files_are_found(house: House) -> None:
    ticket = await house.ticket("zebra", text="My zebrawood table broke.", sender="zora@zebra.example")
    async with house.client() as agent:
        noted = await agent.post(
            f"/tickets/{ticket.number}/comment", json={"text": "Ask the quaggamaster."}, headers=changing(ticket)
        )
        await agent.post(
            f"/tickets/{ticket.number}/reply",
            json={"text": "We send okapiglue."},
            headers=changing(noted.json()["ticket"]),
        )
    for text in ("zebrawood", "quaggamaster", "okapiglue", "zora@zebra.example", f"zebrawood {ticket.number}"):
        assert await _found(house, text) == [ticket.number], text
    assert await _found(house, "zebrawood elephants") == []


async def test_what_was_split_off_is_found_where_it_went(house: House) -> None:
    ticket = await house.ticket("okra", text="First about okrasoup.")
    second = mail(
        "okra-2", sender="okra@customer.example", answers="okra", text="Now about yamstew.", account="support-mail"
    )
    await house.file(second)
    assert await _found(house, "okrasoup yamstew") == [ticket.number]
    async with house.client() as agent:
        seen = await agent.get(f"/tickets/{ticket.number}")
        split = await agent.post(
            f"/tickets/{ticket.number}/split", json={"messages": [second.message_id]}, headers=changing(seen.json())
        )
        assert split.status_code == 200, split.text
        fresh = split.json()["ticket"]["number"]
    assert await _found(house, "yamstew") == [fresh]
    assert await _found(house, "okrasoup") == [ticket.number]
    async with house.client() as agent:
        merged = await agent.post(
            f"/tickets/{fresh}/merge", json={"other": ticket.number}, headers=changing(split.json()["ticket"])
        )
        assert merged.status_code == 200, merged.text
    assert await _found(house, "yamstew okrasoup") == [ticket.number]


async def test_japanese_is_found_by_any_piece(house: House) -> None:
    ticket = await house.ticket("jp", subject="配送について", text="注文番号八八の机がまだ届きません。")
    for text in ("届きません", "番号八八", "机", "配送"):
        assert ticket.number in await _found(house, text), text


async def test_another_departments_words_find_nothing(house: House) -> None:
    ticket = await house.ticket("secret", connector="returns-mail", text="A wolpertinger.")
    assert await _found(house, "wolpertinger") == [ticket.number]
    async with house.client("agent") as agent:
        assert numbers((await agent.get("/tickets", params={"text": "wolpertinger"})).json()) == []


async def test_a_word_beyond_the_nearest_tickets_is_found_by_the_index(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert WALK > 100
    monkeypatch.setattr("ticketing.search.asking.WALK", 2)
    far = [(await house.ticket(f"far-{n}", text="An axolotl.")).number for n in range(3)]
    for n in range(3):
        await house.ticket(f"near-{n}", text="A newt.")
    async with house.client() as agent:
        seen: list[int] = []
        cursor: dict[str, str] = {}
        while True:
            asked = {"text": "axolotl", "limit": "2", "sort": "-number", **cursor}
            page = (await agent.get("/tickets", params=asked)).json()
            seen += numbers(page)
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
    assert seen == sorted(far, reverse=True)


async def test_two_who_follow_do_the_work_once(house: House) -> None:
    other = SearchIndex(engine(house.url, pool=1), house.inside.blobs)
    await house.only_file(mail("both", text="A pangolin.", sender="both@customer.example"))
    await asyncio.gather(house.index.catch_up(), other.catch_up())
    assert len(await _found(house, "pangolin")) == 1
    await other.engine.dispose()
