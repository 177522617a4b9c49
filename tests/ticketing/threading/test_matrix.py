"""The table of outcomes, row by row, and what holds over all of it."""

import asyncio

import pytest

from bus.progress import FencedProgress
from tests.conftest import Stack
from tests.ticketing.filing.conftest import Desk
from tests.ticketing.filing.said import CONFIRMING
from tests.ticketing.threading.matrix import AGENT, TABLE, Became, Sent, all_rows, played, read, written
from ticketing.database import engine
from ticketing.filing import Filing
from ticketing.migrate import upgrade
from ticketing.tables import progress

pytestmark = pytest.mark.stack


class World:
    """The desk after every row was sent to it, and what it wrote to whom."""

    outcomes: dict[Sent, Became]
    written_to: set[str]
    participants: list[object]
    bodies: list[str]


@pytest.fixture(scope="module")
def world(stack: Stack) -> World:
    url = stack.new_database()
    upgrade(url)

    async def play() -> World:
        pool = engine(url)
        fenced = FencedProgress(pool, progress, "deskstream.ticketing", "cluster")
        desk = Desk(url, pool, fenced, Filing(pool, fenced, CONFIRMING))
        await desk.empty()
        found = World()
        found.outcomes = await played(desk)
        found.written_to = {str(r) for (r,) in await desk.rows("SELECT recipient FROM desk.replies")}
        found.participants = list(await desk.rows("SELECT * FROM desk.participants"))
        found.bodies = [str(d) for (d,) in await desk.rows("SELECT document FROM desk.replies")]
        await pool.dispose()
        return found

    found = asyncio.run(play())
    TABLE.with_suffix(".actual.tsv").unlink(missing_ok=True)
    if found.outcomes != read():
        TABLE.with_suffix(".actual.tsv").write_text(written(found.outcomes))
    return found


@pytest.mark.parametrize("row", list(all_rows()), ids=lambda row: row.name)
def test_row(world: World, row: Sent) -> None:
    assert world.outcomes[row] == read()[row]


def test_what_the_table_says_in_sentences(world: World) -> None:
    for row, became in world.outcomes.items():
        inside = became.lands in ("the_ticket", "other_ticket", "follow_up")
        signed = row.token in ("valid", "other_ticket")
        if signed:
            assert became.lands == ("the_ticket" if row.token == "valid" else "other_ticket")
            assert became.rule == "reply_token"
        elif row.names == "nothing" or row.dmarc == "fail":
            assert not inside
        elif row.policy == "strict":
            assert inside == (row.sender == "participant" and row.dmarc == "pass")
        else:
            assert inside
        assert (became.speaks == "agent") == (row.sender == "agent" and row.dmarc == "pass")
        if became.lands == "the_ticket" and not signed and row.sender == "stranger":
            assert became.speaks == "third_party"
        assert (became.warning != "-") == (row.token in ("bad", "other_recipient", "expired"))
        if not inside and (row.token != "absent" or row.names == "our_mail"):
            assert became.hint == "possible_reply"


def test_who_is_in_copy_changes_nothing(world: World) -> None:
    for row, became in world.outcomes.items():
        with_copy = Sent(row.policy, row.token, row.names, row.sender, row.dmarc, "stranger")
        assert world.outcomes[with_copy] == became


def test_nobody_is_written_to_but_who_opened_a_ticket(world: World) -> None:
    openers = {row.requester for row in all_rows()}
    openers |= {row.address for row, became in world.outcomes.items() if became.lands in ("new", "follow_up")}
    assert world.written_to <= openers
    assert not any(address.startswith("mallory") for address in world.written_to)


def test_no_mail_makes_a_participant_and_none_carries_what_somebody_else_wrote(world: World) -> None:
    assert world.participants == []
    assert not any("text of" in body or "mallory" in body for body in world.bodies)
    assert AGENT not in {row.requester for row in all_rows()}


def test_the_table_has_every_row_once() -> None:
    assert list(read()) == list(all_rows())
    assert TABLE.read_text() == written(read())
