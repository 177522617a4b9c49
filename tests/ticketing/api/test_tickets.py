"""Looking at tickets: lists, one ticket, its conversation, its history."""

from datetime import UTC, datetime
from typing import get_args

import pytest

from tests.ticketing.api.house import House, changing, numbers
from tests.ticketing.mails import mail
from ticketing.api.orders import Sort

pytestmark = pytest.mark.stack


async def test_a_ticket_is_shown_by_number_and_id_with_its_version(house: House) -> None:
    ticket = await house.ticket("shown", subject="Lid is loose")
    async with house.client() as agent:
        by_number, by_id = [await agent.get(f"/tickets/{ref}") for ref in (ticket.number, ticket.id)]
    assert by_number.status_code == 200
    assert by_number.json() == by_id.json()
    assert by_number.json()["subject"] == "Lid is loose"
    assert by_number.json()["contact_name"] == "Ann \x1b[31mRed"
    assert by_number.headers["etag"] == f'"{ticket.version}"'


async def test_a_list_is_narrowed_by_every_field(house: House) -> None:
    ticket = await house.ticket("narrow", subject="Narrowed")
    async with house.client() as agent:
        changed = await agent.post(
            f"/tickets/{ticket.number}/update",
            json={"priority": "urgent", "category": "lids", "kind": "problem", "tags": ["red", "blue"]},
            headers=changing(ticket),
        )
        assert changed.status_code == 200, changed.text
        assigned = await agent.post(
            f"/tickets/{ticket.number}/assign",
            json={"owner": house.ids["agent"]},
            headers=changing(changed.json()["ticket"]),
        )
        assert assigned.status_code == 200, assigned.text
        found = {
            "status": "open",
            "owner": "me",
            "team": "none",
            "department": "",
            "contact": ticket.contact_id,
            "account": ticket.account_id or "none",
            "channel": "email",
            "connector": "support-mail",
            "priority": "urgent",
            "category": "lids",
            "kind": "problem",
            "tags": "blue",
            "overdue": "false",
            "awaiting": "agent",
            "opened_after": "2020-01-01T00:00:00Z",
            "updated_before": "2100-01-01T00:00:00Z",
            "text": "narrowed",
        }
        for name, value in found.items():
            page = await agent.get("/tickets", params={name: value, "limit": 200})
            assert page.status_code == 200, page.text
            assert ticket.number in numbers(page.json()), name
        both = await agent.get("/tickets", params={**found, "tags": ["red", "blue"]})
        assert numbers(both.json()) == [ticket.number]
        not_found = {
            "status": "closed",
            "owner": "none",
            "team": "nobody",
            "department": "sales",
            "contact": "nobody",
            "channel": "x",
            "connector": "sales-mail",
            "priority": "low",
            "category": "none",
            "kind": "thanks",
            "tags": "green",
            "overdue": "true",
            "awaiting": "customer",
            "spam": "true",
            "due_before": "2100-01-01T00:00:00Z",
            "closed_after": "2000-01-01T00:00:00Z",
            "opened_before": "2020-01-01T00:00:00Z",
            "text": "narrowed elephant",
        }
        for name, value in not_found.items():
            page = await agent.get("/tickets", params={name: value, "limit": 200})
            assert page.status_code == 200, page.text
            assert ticket.number not in numbers(page.json()), name


async def test_pages_show_every_ticket_once_also_while_others_come_in(house: House) -> None:
    there = [await house.ticket(f"page-{n}", connector="pages") for n in range(7)]
    for sort in get_args(Sort):
        async with house.client() as agent:
            seen: list[int] = []
            cursor: dict[str, str] = {}
            while True:
                asked = {"connector": "pages", "sort": sort, "limit": "3", **cursor}
                page = (await agent.get("/tickets", params=asked)).json()
                seen += numbers(page)
                if page["next"] is None:
                    break
                if not cursor:  # it is the newest, and so before what is shown or after it
                    there.append(await house.ticket(f"late{sort}", connector="pages"))
                cursor = {"cursor": page["next"]}
        assert len(seen) == len(set(seen)), sort
        known = [ticket.number for ticket in there[:-1]]
        assert [number for number in seen if number in known] == sorted(known, reverse=sort.startswith("-")), sort


async def test_a_ticket_without_a_due_time_comes_last(house: House) -> None:
    account = "due-order"
    tickets = [await house.ticket(f"due-{n}", connector=account) for n in range(4)]
    async with house.client() as agent:
        for ticket, due in zip(tickets[:2], ("2031-01-01T00:00:00Z", "2030-01-01T00:00:00Z"), strict=True):
            await agent.post(f"/tickets/{ticket.number}/update", json={"due_at": due}, headers=changing(ticket))
        late, soon, never, nor = (ticket.number for ticket in tickets)
        found: list[int] = []
        cursor: dict[str, str] = {}
        while True:
            asked = {"connector": account, "sort": "due_at", "limit": "1", **cursor}
            page = (await agent.get("/tickets", params=asked)).json()
            found += numbers(page)
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert found == [soon, late, never, nor]


async def test_a_conversation_is_what_all_sides_said_in_the_order_of_time(house: House) -> None:
    ticket = await house.ticket("talk", text="First words.")
    async with house.client() as agent:
        noted = await agent.post(
            f"/tickets/{ticket.number}/comment", json={"text": "She is right."}, headers=changing(ticket)
        )
        assert noted.status_code == 200, noted.text
        await house.file(mail("talk-2", sender="talk@customer.example", answers="talk", account="support-mail"))
        page = (await agent.get(f"/tickets/{ticket.number}/conversation")).json()
        kinds = [entry["kind"] for entry in page["items"]]
        assert sorted(kinds) == ["automatic", "comment", "message", "message"]
        assert [entry["at"] for entry in page["items"]] == sorted(entry["at"] for entry in page["items"])
        first = next(entry for entry in page["items"] if entry["kind"] == "message")
        assert first["text"] == "First words."
        assert first["author"]["address"] == "talk@customer.example"
        assert first["author"]["contact_id"] == ticket.contact_id
        note = next(entry for entry in page["items"] if entry["kind"] == "comment")
        assert (note["text"], note["agent_name"]) == ("She is right.", "A agent")
        for entry in page["items"]:
            whole = await agent.get(entry["text_url"].removeprefix("/api/v1"))
            assert whole.json()["text"], entry["kind"]
        seen: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            asked = {"limit": "1", "order": "newest", **cursor}
            part = (await agent.get(f"/tickets/{ticket.number}/conversation", params=asked)).json()
            seen += [entry["id"] for entry in part["items"]]
            if part["next"] is None:
                break
            cursor = {"cursor": part["next"]}
    assert seen == [entry["id"] for entry in reversed(page["items"])]


async def test_a_history_says_who_did_what_and_when(house: House) -> None:
    ticket = await house.ticket("history")
    before = datetime.now(UTC)
    async with house.client("supervisor") as supervisor:
        await supervisor.post(
            f"/tickets/{ticket.number}/assign", json={"owner": house.ids["agent"]}, headers=changing(ticket)
        )
        page = (await supervisor.get(f"/tickets/{ticket.number}/history")).json()
    assert [entry["version"] for entry in page["items"]] == list(range(1, len(page["items"]) + 1))
    opened, assigned = page["items"][0], page["items"][-1]
    assert (opened["type"], opened["actor"]["kind"]) == ("ticket.opened", "customer")
    assert opened["actor"]["name"] == ticket.contact_name
    assert assigned["actor"] == {"kind": "agent", "id": house.ids["supervisor"], "name": "A supervisor"}
    assert assigned["owner_name"] == "A agent"
    assert datetime.fromisoformat(assigned["occurred_at"]) >= before


async def test_a_merged_ticket_works_under_its_old_number(house: House) -> None:
    one, other = await house.ticket("merged-1"), await house.ticket("merged-2")
    async with house.client() as agent:
        merged = await agent.post(f"/tickets/{one.number}/merge", json={"other": other.number}, headers=changing(one))
        assert merged.status_code == 200, merged.text
        shown = (await agent.get(f"/tickets/{other.number}")).json()
        assert (shown["number"], shown["aliases"]) == (one.number, [other.number])
        listed = (await agent.get("/tickets", params={"contact": other.contact_id})).json()
        assert numbers(listed) == []
        messages = (await agent.get(f"/tickets/{other.number}/conversation")).json()["items"]
        assert len([entry for entry in messages if entry["kind"] == "message"]) == 2


async def test_who_asks_learns_what_he_may(house: House) -> None:
    async with house.client("read_only") as reader:
        me = (await reader.get("/me")).json()
    assert me["departments"] == ["", "sales"]
    assert "see_tickets" in me["may"]
    assert "work_tickets" not in me["may"]
    async with house.client("admin") as admin:
        assert (await admin.get("/me")).json()["departments"] is None
