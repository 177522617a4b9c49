"""Tickets that agents open over HTTP."""

import pytest

from tests.ticketing.api.house import House, key

pytestmark = pytest.mark.stack


async def test_a_ticket_by_hand_is_made_once_and_answered_the_same(house: House) -> None:
    given = {"contact": {"email": "caller@customer.example", "name": "Cal"}, "subject": "By phone", "text": "It howls."}
    headers = key()
    async with house.client() as agent:
        first, again = [await agent.post("/tickets", json=given, headers=headers) for _ in range(2)]
        assert (first.status_code, again.status_code) == (201, 201), first.text
        assert first.json() == again.json()
        ticket = first.json()["ticket"]
        assert (ticket["channel"], ticket["contact_name"], ticket["subject"]) == ("phone", "Cal", "By phone")
        assert first.headers["etag"] == f'"{ticket["version"]}"'
        shown = await agent.get(f"/tickets/{ticket['number']}/conversation")
        assert "It howls." in shown.text
        unknown = await agent.post("/tickets", json=given | {"status": "closed"}, headers=key())
        assert unknown.status_code == 422
        nothing = await agent.post("/tickets/to-ticket", json={"message": "none"}, headers=key())
        assert nothing.status_code == 422
