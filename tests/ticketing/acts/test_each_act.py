"""Each act, on a real database: its event with version and actor, the state after it, and once under each key."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bus.errors import Invalid
from tests.ticketing.by_hand import DESK, Acts, people
from tests.ticketing.filing.conftest import Desk
from tests.ticketing.filing.said import START, said
from tests.ticketing.held_up import held_up
from ticketing.acts.errors import Forbidden, Stale, Unknown
from ticketing.acts.perform import perform
from ticketing.acts.table import ACTS
from ticketing.people.policy import Role, Who

pytestmark = pytest.mark.stack
ANN, BOB = "ann@x.example", "bob@x.example"
FILE: dict[str, Any] = {"name": "log.txt", "media_type": "text/plain", "blob": f"sha256/{'a' * 64}", "size": 3}


def acts(desk: Desk, key: str = "act-1", agent: str = "agent-1", *, hours: float = 1) -> Acts:
    return Acts(desk.engine, key, agent, START + timedelta(hours=hours))


async def opened(desk: Desk) -> None:
    """Ticket 1 of two mails by Ann, ticket 2 of one by Bob."""
    await people(desk.engine, "agent-2", teams=["t"])
    await desk.file(said("a", ANN), said("b", ANN, "a", at=1), said("z", BOB, at=3))


SIMPLE: list[tuple[str, dict[str, Any], list[str], dict[str, Any]]] = [
    ("reply", {"text": "Yes."}, ["replied"], {"counts.replies": 1}),
    ("comment", {"text": "He called twice."}, ["commented"], {}),
    ("update", {"subject": "Broken pump"}, ["updated"], {"subject": "Broken pump"}),
    (
        "update",
        {"priority": "high", "category": "repair", "kind": "problem", "tags": ["b", "a", "b"]},
        ["updated"],
        {"priority": "high", "category": "repair", "ticket_kind": "problem", "tags": ["a", "b"]},
    ),
    ("update", {"due_at": START + timedelta(days=1)}, ["due_set"], {"due_at": START + timedelta(days=1)}),
    ("assign", {"owner": "agent-2"}, ["assigned"], {"owner_id": "agent-2", "team_id": None}),
    ("assign", {"owner": "agent-2", "team": "t"}, ["assigned"], {"owner_id": "agent-2", "team_id": "t"}),
    ("hold", {}, ["status_changed"], {"status": "on_hold"}),
    ("escalate", {}, ["status_changed", "escalated"], {"status": "escalated"}),
    ("escalate", {"team": "t"}, ["status_changed", "escalated", "assigned"], {"status": "escalated", "team_id": "t"}),
    ("close", {}, ["closed"], {"status": "closed", "closed_at": START + timedelta(hours=1)}),
    ("add-participant", {"address": BOB}, ["updated"], {}),
    ("remove-participant", {"address": BOB}, ["updated"], {}),
    ("revoke-tokens", {}, ["updated"], {}),
    ("add-attachment", FILE, ["attachment_added"], {"counts.attachments": 1}),
    ("mark-spam", {}, ["spam_marked"], {"spam": True}),
    ("merge", {"other": 2}, ["absorbed"], {"aliases": [2], "counts.messages": 3}),
]
AFTER_ANOTHER: list[tuple[str, str, dict[str, Any], list[str], dict[str, Any]]] = [
    ("close", "reopen", {}, ["reopened"], {"status": "open", "closed_at": None}),
    ("hold", "reopen", {}, ["status_changed"], {"status": "open"}),
    ("escalate", "reopen", {}, ["status_changed"], {"status": "open"}),
    ("mark-spam", "unmark-spam", {}, ["spam_unmarked"], {"spam": False}),
]
ELSEWHERE = {"unmerge", "split", "unsplit", "move-message"}
"""Tested in threading/test_acts.py."""


def test_no_act_is_forgotten() -> None:
    tested = {name for name, *_ in SIMPLE} | {name for _, name, *_ in AFTER_ANOTHER} | ELSEWHERE
    assert tested == {kind.name for kind in ACTS}
    assert len({kind.name for kind in ACTS}) == len(ACTS)


@pytest.mark.parametrize(
    ("name", "given", "events", "state"), SIMPLE, ids=lambda each: each if isinstance(each, str) else ""
)
async def test_an_act_is_told_with_its_version_and_actor_and_is_once_under_its_key(
    desk: Desk, name: str, given: dict[str, Any], events: list[str], state: dict[str, Any]
) -> None:
    await opened(desk)
    before = await desk.history(1)
    done = await acts(desk).do(name, 1, **given)
    assert (await desk.history(1))[len(before) :] == events
    assert done.version == done.document.version == len(before) + len(events)
    here = [event for event in done.events if event.number == 1]
    assert [event.version for event in here] == list(range(len(before) + 1, done.version + 1))
    assert {(event.actor.kind, event.actor.id) for event in done.events} == {("agent", "agent-1")}
    for path, expected in state.items():
        found: Any = done.document
        for part in path.split("."):
            found = getattr(found, part)
        assert found == expected, path
    again = await acts(desk, hours=2).do(name, 1, **given)
    assert again.document == done.document
    assert [event.to_json() for event in again.events] == [event.to_json() for event in done.events]
    assert (await desk.history(1))[len(before) :] == events


@pytest.mark.parametrize(("first", "name", "given", "events", "state"), AFTER_ANOTHER)
async def test_an_act_that_undoes_another(
    desk: Desk, first: str, name: str, given: dict[str, Any], events: list[str], state: dict[str, Any]
) -> None:
    await opened(desk)
    with pytest.raises(Invalid):
        await acts(desk).do(name, 1, **given)
    await acts(desk).do(first, 1)
    before = await desk.history(1)
    done = await acts(desk, "act-2").do(name, 1, **given)
    assert (await desk.history(1))[len(before) :] == events
    assert {path: getattr(done.document, path) for path in state} == state


async def test_of_two_who_have_seen_the_same_one_wins(desk: Desk) -> None:
    await opened(desk)
    version = len(await desk.history(1))
    tried = [acts(desk, f"key-{n}", f"agent-{n}").do("reply", 1, version, text=f"answer {n}") for n in range(4)]
    results = await asyncio.gather(*tried, return_exceptions=True)
    assert sorted(type(each).__name__ for each in results) == ["Performed", "Stale", "Stale", "Stale"]
    assert {each.version for each in results if isinstance(each, Stale)} == {version + 1}
    assert await desk.rows("SELECT count(*) FROM desk.replies WHERE purpose = 'reply'") == [(1,)]


async def test_at_once_under_one_key_it_is_done_once(desk: Desk) -> None:
    await opened(desk)
    async with held_up(desk.engine, 1, waiting=3):
        together = asyncio.gather(*(acts(desk).do("comment", 1, text="once") for _ in range(3)))
    results = await together
    assert len({done.version for done in results}) == 1
    assert await desk.rows("SELECT count(*) FROM desk.comments") == [(1,)]


async def test_at_once_under_one_key_on_two_tickets_one_is_done(desk: Desk) -> None:
    """Neither sees the other when it looks for its key: the key's own row decides."""
    await opened(desk)
    async with held_up(desk.engine, 1, waiting=1), held_up(desk.engine, 2, waiting=2):
        together = asyncio.gather(*(acts(desk).do("close", number) for number in (1, 2)), return_exceptions=True)
    assert sorted(type(each).__name__ for each in await together) == ["Invalid", "Performed"]
    assert await desk.rows("SELECT count(*) FROM desk.tickets WHERE status = 'closed'") == [(1,)]


async def test_a_key_of_another_act_is_refused(desk: Desk) -> None:
    await opened(desk)
    await acts(desk).do("comment", 1, text="one")
    for other in (
        acts(desk).do("comment", 1, text="another"),
        acts(desk).do("comment", 2, text="one"),
        acts(desk).do("close", 1),
        acts(desk, agent="agent-2").do("comment", 1, text="one"),
    ):
        with pytest.raises(Invalid, match="belongs to another act"):
            await other
    await acts(desk, "act-2").do("merge", 1, other=2)
    # it is the same ticket under both numbers now
    assert (await acts(desk).do("comment", 2, text="one")).document.number == 1


async def test_what_is_unknown_foreign_or_not_allowed(desk: Desk) -> None:
    await opened(desk)
    await desk.rows_changed("UPDATE desk.tickets SET department = 'sales' WHERE number = 2")
    close = next(kind for kind in ACTS if kind.name == "close")
    merge = next(kind for kind in ACTS if kind.name == "merge")
    reader = Who("r", "Reader", frozenset({Role.READ_ONLY}))
    support = Who("s", "Sue", frozenset({Role.AGENT}), departments=frozenset({"support"}))
    refused: list[tuple[Any, Any, dict[str, Any], Who, type[Exception]]] = [
        (close, 9, {}, support, Unknown),
        (close, "no-such-id", {}, support, Unknown),
        (close, 2, {}, support, Unknown),
        (merge, 1, {"other": 2}, support, Unknown),
        (merge, 2, {"other": 99}, support, Unknown),
        (close, 1, {}, reader, Forbidden),
        (close, 2, {}, reader, Unknown),
    ]
    for kind, ref, given, who, error in refused:
        with pytest.raises(error):
            await perform(desk.engine, kind, ref, kind.input(**given), who, desk=DESK, key=f"{ref}{who.agent_id}")
    assert await desk.rows("SELECT DISTINCT status FROM desk.tickets") == [("open",)]


async def test_what_an_agent_writes_stays_out_of_what_is_kept_for_ever(desk: Desk) -> None:
    await opened(desk)
    await acts(desk, "1").do("reply", 1, text="Secret words", cc=["carol@y.example"])
    await acts(desk, "2").do("comment", 1, text="Secret words")
    await acts(desk, "3").do("update", 1, subject="Secret words", category="Secret words", tags=["Secret words"])
    await acts(desk, "4").do("add-attachment", 1, **(FILE | {"name": "Secret words.txt"}))
    told = str(await desk.rows("SELECT document FROM desk.ticket_events"))
    assert "Secret" not in told
    assert "y.example" not in told


async def test_a_ticket_is_given_to_nobody_who_is_not_there(desk: Desk) -> None:
    await opened(desk)
    await desk.rows_changed("UPDATE desk.agents SET disabled_at = now()")
    for given in ({"owner": "agent-2"}, {"owner": "no-such"}, {"team": "no-such"}):
        for name in ("assign", "escalate"):
            with pytest.raises(Invalid, match="there is no"):
                await acts(desk).do(name, 1, **given)
    await acts(desk).do("assign", 1, team="t")


async def test_a_number_that_was_absorbed_leads_to_the_survivor_and_its_version(desk: Desk) -> None:
    await opened(desk)
    merged = await acts(desk).do("merge", 1, other=2)
    done = await acts(desk, "act-2").do("close", 2, merged.version)
    assert (done.document.number, done.document.status) == (1, "closed")


async def test_files_and_answers_follow_their_ticket_when_it_is_merged_and_taken_out(desk: Desk) -> None:
    await opened(desk)
    await acts(desk, "1").do("reply", 1, text="one")
    await acts(desk, "2").do("reply", 2, text="two")
    await acts(desk, "3").do("add-attachment", 2, **FILE)
    merged = await acts(desk, "4").do("merge", 1, other=2)
    assert (merged.document.counts.replies, merged.document.counts.attachments) == (2, 1)
    with pytest.raises(Invalid, match="has this file"):
        await acts(desk, "5").do("add-attachment", 1, **FILE)
    apart = await acts(desk, "6").do("unmerge", 2)
    assert (apart.document.counts.replies, apart.document.counts.attachments) == (1, 1)
    assert await desk.rows("SELECT replies, attachments FROM desk.tickets WHERE number = 1") == [(1, 0)]
