"""Customers over the API."""

import pytest

from tests.ticketing.api.house import House, key

pytestmark = pytest.mark.stack


async def test_a_contact_is_made_and_found_while_it_is_typed(house: House) -> None:
    given = {
        "name": "Beatriz Conceição",
        "language": "pt",
        "identities": [
            {"kind": "email", "address": "Bea.Con@Clinica.example"},
            {"kind": "phone", "address": "+31 20 555 0123"},
        ],
    }
    async with house.client() as agent:
        made = await agent.post("/contacts", json=given, headers=key())
        assert made.status_code == 201, made.text
        contact = made.json()
        assert {identity["value"] for identity in contact["identities"]} == {"bea.con@clinica.example", "+31205550123"}
        assert {identity["asserted_by"] for identity in contact["identities"]} == {house.ids["agent"]}
        await house.index.catch_up()
        for typed in ("bea", "conceicao", "clinica.ex", "0205550123", "+31 20 555", "5550123", "Beatriz con"):
            page = (await agent.get("/contacts", params={"text": typed})).json()
            assert [each["id"] for each in page["items"]] == [contact["id"]], typed
        again = await agent.post("/contacts", json=given, headers=key())
        assert again.status_code == 422
        assert contact["id"] in again.json()["detail"]
    events = await house.rows(
        "SELECT type, document::json #>> '{actor,id}' FROM desk.contact_events WHERE contact_id = :id", id=contact["id"]
    )
    assert events == [("contact.created", house.ids["agent"])]


async def test_a_new_name_reaches_its_tickets(house: House) -> None:
    ticket = await house.ticket("renamed")
    async with house.client() as agent:
        shown = await agent.get(f"/contacts/{ticket.contact_id}")
        seen = {"If-Match": shown.headers["etag"]}
        changed = await agent.post(f"/contacts/{ticket.contact_id}/update", json={"name": "Zoë"}, headers=key() | seen)
        assert (changed.status_code, changed.json()["name"]) == (200, "Zoë"), changed.text
        late = await agent.post(f"/contacts/{ticket.contact_id}/update", json={"name": "Zo"}, headers=key() | seen)
        assert late.status_code == 412
        after = (await agent.get(f"/tickets/{ticket.number}")).json()
        assert (after["contact_name"], after["version"]) == ("Zoë", ticket.version + 1)
        await house.index.catch_up()
        found = (await agent.get("/tickets", params={"text": "zoe"})).json()
        assert [each["number"] for each in found["items"]] == [ticket.number]


async def test_contacts_merge_and_come_apart_again(house: House) -> None:
    one, other = await house.ticket("merge-one"), await house.ticket("merge-other")
    async with house.client() as agent:
        merged = await agent.post(f"/contacts/{one.contact_id}/merge", json={"into": other.contact_id}, headers=key())
        assert merged.status_code == 200, merged.text
        assert (merged.json()["id"], merged.json()["absorbed"]) == (other.contact_id, [one.contact_id])
        both = (await agent.get("/tickets", params={"contact": one.contact_id})).json()["items"]
        assert {each["number"] for each in both} == {one.number, other.number}
        apart = await agent.post(f"/contacts/{one.contact_id}/unmerge", headers=key())
        assert apart.status_code == 200, apart.text
        left = (await agent.get("/tickets", params={"contact": one.contact_id})).json()["items"]
        assert [each["number"] for each in left] == [one.number]


async def test_a_contact_moves_between_accounts(house: House) -> None:
    ticket = await house.ticket("moves")
    async with house.client() as agent:
        account = await agent.post("/accounts", json={"name": "Nine Lives", "key": "nine.example"}, headers=key())
        assert account.status_code == 201, account.text
        id_ = account.json()["id"]
        moved = await agent.post(f"/contacts/{ticket.contact_id}/move", json={"account": id_}, headers=key())
        assert (moved.status_code, moved.json()["account"]) == (200, "Nine Lives"), moved.text
        named = await agent.post(f"/accounts/{id_}/update", json={"name": "Ten Lives"}, headers=key())
        assert (named.json()["name"], named.json()["contacts"]) == ("Ten Lives", 1)
        listed = (await agent.get("/accounts", params={"text": "nine.ex"})).json()["items"]
        assert [each["id"] for each in listed] == [id_]
        of_account = (await agent.get("/contacts", params={"account": id_})).json()["items"]
        assert [each["id"] for each in of_account] == [ticket.contact_id]
        out = await agent.post(f"/contacts/{ticket.contact_id}/move", json={"account": None}, headers=key())
        assert out.json()["account_id"] is None


async def test_an_identity_is_added_and_two_who_claim_one_are_told(house: House) -> None:
    one, other = await house.ticket("id-one"), await house.ticket("id-other")
    async with house.client() as agent:
        given = {"kind": "phone", "address": "+33 1 99 00 11 22"}
        added = await agent.post(f"/contacts/{one.contact_id}/identify", json=given, headers=key())
        assert added.status_code == 200, added.text
        assert "+33199001122" in {identity["value"] for identity in added.json()["identities"]}
        refused = await agent.post(f"/contacts/{other.contact_id}/identify", json=given, headers=key())
        assert refused.status_code == 422
        shared = {"kind": "phone", "address": "+33199001122", "shared": True}
        assert (await agent.post("/identities/share", json=shared, headers=key())).json() == {"marked": 1}
        assert (await agent.get("/contacts/suggestions")).status_code == 200
        wrong = await agent.post(
            f"/contacts/{one.contact_id}/identify", json={"kind": "phone", "address": "12"}, headers=key()
        )
        assert wrong.status_code == 422


async def test_pages_of_contacts_and_accounts_show_each_once(house: House) -> None:
    for n in range(5):
        await house.ticket(f"paged-{n}", sender=f"paged-{n}@paging{n}.example")
    await house.index.catch_up()
    async with house.client() as agent:
        for path in ("/contacts", "/accounts"):
            seen: list[str] = []
            cursor: dict[str, str] = {}
            while True:
                page = (await agent.get(path, params={"text": "paging", "limit": "2", **cursor})).json()
                seen += [each["id"] for each in page["items"]]
                if page["next"] is None:
                    break
                cursor = {"cursor": page["next"]}
            assert len(seen) == len(set(seen)) == 5, path


async def test_pages_of_pairs_that_may_be_one_person_show_each_once(house: House) -> None:
    for n in range(3):
        await house.ticket(f"pair-{n}", sender=f"pair{n}@pairing.example")
        await house.ticket(f"pair-{n}-shop", sender=f"pair{n}+shop@pairing.example")
    async with house.client() as agent:
        seen: list[frozenset[str]] = []
        cursor: dict[str, str] = {}
        while True:
            page = (await agent.get("/contacts/suggestions", params={"limit": "1", **cursor})).json()
            assert len(page["items"]) == 1
            seen += [frozenset((each["contact_id"], each["other_id"])) for each in page["items"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        whole = (await agent.get("/contacts/suggestions", params={"limit": "200"})).json()
    assert whole["next"] is None
    assert seen == [frozenset((each["contact_id"], each["other_id"])) for each in whole["items"]]
    assert len(seen) == len(set(seen)) >= 3
