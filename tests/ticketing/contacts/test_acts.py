"""Merge, unmerge and move on a real PostgreSQL: events without gaps, and everything follows."""

import json
from datetime import timedelta
from typing import Any

import pytest

from bus.errors import Invalid
from bus.message import Author, Identity, NormalizedMessage
from bus.ticket_event import Actor
from tests.ticketing.filing.conftest import Desk
from tests.ticketing.filing.said import START, said
from ticketing.contact_acts import Act
from ticketing.contact_store import mark, merge, move, unmerge
from ticketing.looking import looking

pytestmark = pytest.mark.stack

ANN, BOB, CID = "ann@x.example", "bob@y.example", "cid@gmail.com"


def act(key: str) -> Act:
    return Act(Actor(kind="agent", id="a1"), key, START + timedelta(hours=1))


async def contact(of: Desk, address: str) -> str:
    [(id_,)] = await of.rows("SELECT contact_id FROM desk.identities WHERE value = :value", value=address)
    return str(id_)


async def told(of: Desk, contact_id: str) -> list[tuple[str, dict[str, Any]]]:
    rows = await of.rows(
        "SELECT version, document FROM desk.contact_events WHERE contact_id = :id ORDER BY id", id=contact_id
    )
    assert [version for version, _ in rows] == list(range(1, len(rows) + 1))
    events = [json.loads(document) for _, document in rows]
    return [(event["type"].removeprefix("contact."), event["data"]) for event in events]


async def whose(of: Desk) -> dict[int, str]:
    return dict(await of.rows("SELECT number, contact_id FROM desk.tickets"))


async def test_a_merger_moves_tickets_and_what_comes_later_and_its_undo_gives_all_back(desk: Desk) -> None:
    await desk.file(said("a", ANN), said("b", BOB))
    ann, bob = await contact(desk, ANN), await contact(desk, BOB)
    assert await merge(desk.engine, BOB, ANN, act("k1")) == ann
    await desk.file(said("c", BOB), said("d", ANN))
    assert await whose(desk) == {1: ann, 2: ann, 3: ann, 4: ann}
    assert await desk.history(2) == ["opened", "message_received", "confirmed", "updated"]
    assert [name for name, _ in await told(desk, bob)] == ["created", "merged"]
    assert (await told(desk, bob))[-1] == ("merged", {"into": ann})
    assert (await told(desk, ann))[-1] == ("updated", {"absorbed": bob})
    with looking(desk.url) as look:
        found = look.contact(BOB)
        assert (found["id"], found["absorbed"], len(found["identities"])) == (ann, [bob], 2)
        assert [c["id"] for c in look.contacts()] == [ann]
    assert await unmerge(desk.engine, bob, act("k2")) == bob
    assert await whose(desk) == {1: ann, 2: bob, 3: bob, 4: ann}
    await desk.file(said("e", BOB))
    assert (await whose(desk))[5] == bob
    assert (await told(desk, bob))[-1] == ("unmerged", {"from": ann})
    [(document,)] = await desk.rows("SELECT document FROM desk.ticket_events WHERE type = 'ticket.updated' LIMIT 1")
    event = json.loads(document)
    assert (event["contact_id"], event["data"]["fields"]) == (ann, {"contact_id": [bob, ann]})


async def test_mergers_form_a_tree_and_an_unmerge_takes_its_branch_along(desk: Desk) -> None:
    await desk.file(said("a", ANN), said("b", BOB), said("c", CID))
    ann, bob, cid = [await contact(desk, address) for address in (ANN, BOB, CID)]
    await merge(desk.engine, ann, bob, act("k1"))
    await merge(desk.engine, ANN, CID, act("k2"))  # by what it is part of
    assert set((await whose(desk)).values()) == {cid}
    await unmerge(desk.engine, bob, act("k3"))
    assert await whose(desk) == {1: bob, 2: bob, 3: cid}
    await unmerge(desk.engine, ann, act("k4"))
    assert await whose(desk) == {1: ann, 2: bob, 3: cid}
    for one in (ann, bob, cid):
        await told(desk, one)


async def test_the_same_act_twice_happens_once_and_nonsense_is_refused(desk: Desk) -> None:
    await desk.file(said("a", ANN), said("b", BOB))
    bob = await contact(desk, BOB)
    for _ in range(2):
        await merge(desk.engine, BOB, ANN, act("k1"))
    assert len(await told(desk, bob)) == 2
    with pytest.raises(Invalid, match="one already"):
        await merge(desk.engine, ANN, BOB, act("k2"))
    with pytest.raises(Invalid, match="no contact"):
        await merge(desk.engine, "nobody@x.example", BOB, act("k3"))
    with pytest.raises(Invalid, match="not merged"):
        await unmerge(desk.engine, await contact(desk, ANN), act("k4"))


async def test_the_requester_of_a_merged_ticket_follows_the_merged_contact(desk: Desk) -> None:
    await desk.file(said("b", BOB, "a", at=5))
    await desk.file(said("a", ANN))
    ann, bob = await contact(desk, ANN), await contact(desk, BOB)
    assert await whose(desk) == {1: ann}
    await merge(desk.engine, ANN, BOB, act("k1"))
    assert await whose(desk) == {1: bob}
    await desk.file(said("c", CID, "a", at=9))
    assert await whose(desk) == {1: bob}


async def test_a_contact_belongs_to_its_domain_and_a_ticket_keeps_its_account(desk: Desk) -> None:
    await desk.file(said("a", ANN), said("b", "eve@x.example"), said("c", CID))
    rows = await desk.rows("SELECT t.number, a.name FROM desk.tickets t LEFT JOIN desk.accounts a ON a.id = account_id")
    assert dict(rows) == {1: "x.example", 2: "x.example", 3: None}
    ann = await contact(desk, ANN)
    with pytest.raises(Invalid, match="--new"):
        await move(desk.engine, ANN, "Ann & Co", act("k0"))
    await move(desk.engine, ANN, "Ann & Co", act("k1"), new=True)
    await desk.file(said("d", ANN), said("e", ANN, "a"))
    rows = await desk.rows("SELECT t.number, a.name FROM desk.tickets t LEFT JOIN desk.accounts a ON a.id = account_id")
    assert dict(rows)[1] == "x.example"
    assert dict(rows)[4] == "Ann & Co"
    name, data = (await told(desk, ann))[-1]
    assert name == "moved"
    assert set(data) == {"from", "to"}
    await move(desk.engine, ANN, None, act("k2"))
    with looking(desk.url) as look:
        assert (look.contact(ANN)["account"], look.contact(ANN)["account_by"]) == (None, "hand")


async def test_accounts_are_the_same_whatever_comes_first(desk: Desk) -> None:
    await desk.file(said("b", BOB, "a", at=5))
    await desk.file(said("a", ANN))
    rows = await desk.rows("SELECT a.name FROM desk.tickets t JOIN desk.accounts a ON a.id = t.account_id")
    assert rows == [("x.example",)]


def from_forum(name: str, user: str, address: str, *, verified: bool = True) -> NormalizedMessage:
    also = [Identity(kind="email", address=address, verified=verified)]
    author = Author(kind="forum", address=user, name="Ann Bell", verified=True, also=also)
    return said(name).model_copy(update={"channel": "forum", "account": "forum", "author": author})


async def test_identities_grow_and_claims_become_suggestions(desk: Desk) -> None:
    await desk.file(said("a", ANN))
    await desk.file(from_forum("b", "17", ANN))
    await desk.file(from_forum("c", "18", ANN), said("d", "ann+shop@x.example"))
    ann = await contact(desk, ANN)
    assert await contact(desk, "17") == ann
    assert (await told(desk, ann))[-1] == ("updated", {"fields": {"identities": None}})
    other, tagged = await contact(desk, "18"), await contact(desk, "ann+shop@x.example")
    with looking(desk.url) as look:
        found = {frozenset((s["contact_id"], s["other_id"])): s["evidence"] for s in look.same_people()}
        assert set(found) == {frozenset((ann, other)), frozenset((ann, tagged))}
        [claim] = found[frozenset((ann, other))]
        assert (claim["kind"], claim["strength"], claim["identity"]["value"]) == ("claim", "verified", ANN)
        strengths = {i["value"]: i["strength"] for i in look.contact(ANN)["identities"]}
        assert strengths == {ANN: "claimed", "17": "provider"}
    await merge(desk.engine, other, ann, act("k1"))
    await unmerge(desk.engine, other, act("k2"))
    await mark(desk.engine, ANN.upper(), kind=None, identifying=False)
    with looking(desk.url) as look:
        assert list(look.same_people()) == []


async def test_who_has_been_separated_is_not_suggested_again(desk: Desk) -> None:
    await desk.file(said("a", ANN), said("d", "ann+shop@x.example"))
    tagged = await contact(desk, "ann+shop@x.example")
    await merge(desk.engine, tagged, ANN, act("k1"))
    await unmerge(desk.engine, tagged, act("k2"))
    with looking(desk.url) as look:
        assert list(look.same_people()) == []
