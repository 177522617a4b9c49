"""The same request twice, two at once, and a change of what has changed meanwhile."""

import asyncio

import pytest

from deploy.openapi import openapi
from tests.ticketing.api.house import House, changing, key
from tests.ticketing.held_up import held_up
from ticketing.api.cursors import from_cursor, to_cursor
from ticketing.api.problems import Refused

pytestmark = pytest.mark.stack


async def test_an_act_that_is_repeated_is_done_once_and_answered_the_same(house: House) -> None:
    ticket = await house.ticket("twice")
    headers = changing(ticket)
    async with house.client() as agent:
        first, again = [
            await agent.post(f"/tickets/{ticket.number}/comment", json={"text": "Once."}, headers=headers)
            for _ in range(2)
        ]
        assert (first.status_code, again.status_code) == (200, 200), again.text
        assert first.json() == again.json()
        assert first.headers["etag"] == again.headers["etag"] == f'"{ticket.version + 1}"'
        other = await agent.post(f"/tickets/{ticket.number}/comment", json={"text": "Other."}, headers=headers)
        assert other.status_code == 422
        another = await agent.post(f"/tickets/{ticket.number}/close", json={}, headers=headers)
        assert another.status_code == 422
    assert await house.rows("SELECT text FROM desk.comments WHERE ticket_id = :id", id=ticket.id) == [("Once.",)]


async def test_a_key_is_its_agents_own(house: House) -> None:
    ticket = await house.ticket("two-agents")
    headers = changing(ticket)
    async with house.client() as agent, house.client("supervisor") as supervisor:
        first = await agent.post(f"/tickets/{ticket.number}/comment", json={"text": "Mine."}, headers=headers)
        headers["If-Match"] = first.headers["etag"]
        second = await supervisor.post(f"/tickets/{ticket.number}/comment", json={"text": "Mine."}, headers=headers)
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.json()["events"][0]["actor"]["id"] == house.ids["supervisor"]


async def test_of_two_at_once_one_changes_the_ticket_and_the_other_is_told(house: House) -> None:
    ticket = await house.ticket("race")
    async with house.client() as one, house.client("supervisor") as other:
        answers = await asyncio.gather(
            *(
                client.post(f"/tickets/{ticket.number}/comment", json={"text": text}, headers=changing(ticket))
                for client, text in ((one, "One."), (other, "Other."))
            )
        )
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    lost = next(answer for answer in answers if answer.status_code == 412).json()
    assert lost["version"] == ticket.version + 1
    assert lost["type"] == "urn:deskstream:problem:stale"


async def test_the_same_act_at_the_same_time_is_done_once_and_answered_the_same(house: House) -> None:
    ticket = await house.ticket("impatient")
    headers = changing(ticket)
    path, given = f"/tickets/{ticket.number}/assign", {"owner": house.ids["supervisor"]}
    async with house.client() as agent:
        async with held_up(house.engine, ticket.number, waiting=3):
            together = asyncio.gather(*(agent.post(path, json=given, headers=headers) for _ in range(3)))
        answers = await together
    assert [answer.status_code for answer in answers] == [200] * 3, answers[-1].text
    assert len({answer.text for answer in answers}) == 1


async def test_the_same_request_at_the_same_time_is_done_once(house: House) -> None:
    headers = key()
    given = {"name": "Only One", "identities": [{"kind": "email", "address": "only@one.example"}]}
    async with house.client() as agent:
        answers = await asyncio.gather(*(agent.post("/contacts", json=given, headers=headers) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [201] * 4, answers[0].text
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 3


async def test_what_failed_may_be_tried_again_under_its_key(house: House) -> None:
    headers = key()
    async with house.client() as agent:
        wrong = await agent.post("/contacts", json={"name": "A", "account": "nowhere"}, headers=headers)
        right = await agent.post("/contacts", json={"name": "A"}, headers=headers)
        other = await agent.post("/contacts", json={"name": "B"}, headers=headers)
    assert (wrong.status_code, right.status_code, other.status_code) == (422, 201, 422)


async def test_an_act_wants_a_key_and_a_version(house: House) -> None:
    ticket = await house.ticket("headers")
    async with house.client() as agent:
        path, given = f"/tickets/{ticket.number}/comment", {"text": "x"}
        no_key = await agent.post(path, json=given, headers={"If-Match": '"1"'})
        no_version = await agent.post(path, json=given, headers=key())
        not_one = await agent.post(path, json=given, headers=key() | {"If-Match": "*"})
        weak = await agent.post(path, json=given, headers=key() | {"If-Match": f'W/"{ticket.version}"'})
    assert [each.status_code for each in (no_key, no_version, not_one, weak)] == [400, 428, 422, 422]


def test_every_post_takes_a_key() -> None:
    for path, methods in openapi()["paths"].items():
        post = methods.get("post")
        if post is None or path.endswith("/login"):  # a login makes nothing but a token, which is kept nowhere
            continue
        names = {parameter["name"] for parameter in post.get("parameters", ())}
        assert "Idempotency-Key" in names, path
        if "/tickets/{ticket}/" in path:
            assert "If-Match" in names, path


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "!!!!", "bnVsbA", to_cursor("other", (1, 2)), to_cursor("list", ("1", 2)), to_cursor("list", (True, 2)),
     to_cursor("list", (1 << 63, 2)), to_cursor("list", (1,)), to_cursor("list", (1, "x\0")), "W" * 400],
)  # fmt: skip
def test_a_cursor_that_was_tampered_with_is_refused(cursor: str) -> None:
    with pytest.raises(Refused):
        from_cursor("list", cursor, (int, int))


def test_a_cursor_says_where_a_list_goes_on() -> None:
    assert from_cursor("list", to_cursor("list", (1, None)), (int, str)) == [1, None]
