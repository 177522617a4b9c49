"""Mails are taken in order as they come, and only then marked, moved, or left as they were."""

from pathlib import Path

import pytest

from bus.errors import Retryable
from tests.ingest.imap.mailbox_rig import Rig, mail, until
from tests.ingest.imap.scripted_server import ScriptedImap
from tests.ingest.imap.taken import numbers, seen


async def test_all_is_taken_in_order_and_then_marked(server: ScriptedImap, port: int, tmp_path: Path) -> None:
    for number in range(120):
        server.add(mail(number))
    async with Rig(tmp_path, port).running() as rig:
        await until(lambda: len(seen(server)) == 120)
        assert numbers(rig) == list(range(120))
    assert server.logins == [("support@desk.example", "geheim")]
    assert server.sessions == 1


async def test_nothing_is_marked_before_kafka_has_it(server: ScriptedImap, port: int, tmp_path: Path) -> None:
    server.add(mail(1))
    rig = Rig(tmp_path, port)
    marked_at_emit: list[list[int]] = []
    refusals = [Retryable("Kafka is away")]

    def look() -> None:
        marked_at_emit.append(seen(server))
        if refusals:
            raise refusals.pop()

    rig.before_emit = look
    async with rig.running():
        await until(lambda: seen(server) == [1])
    assert marked_at_emit == [[], []]
    assert numbers(rig) == [1]


async def test_mail_that_comes_while_it_idles_is_announced(server: ScriptedImap, port: int, tmp_path: Path) -> None:
    async with Rig(tmp_path, port, poll_every=3_600).running() as rig:
        await until(lambda: "IDLE" in server.said)
        server.add(mail(1))
        await until(lambda: numbers(rig) == [1])


@pytest.mark.parametrize("early", [True, False])
async def test_mail_that_comes_between_the_look_and_the_waiting_is_not_overheard(
    server: ScriptedImap, port: int, tmp_path: Path, early: bool
) -> None:
    """The server says so just before, or in one piece with, its leave to idle."""
    server.announces_early = early
    server.add(mail(1))
    server.after_select = lambda: server.add(mail(2)) if seen(server) == [1] and len(server.mails) == 1 else None
    async with Rig(tmp_path, port, poll_every=3_600).running() as rig:
        await until(lambda: numbers(rig) == [1, 2])
        assert not rig.place.source.problems
    assert server.sessions == 1


async def test_a_server_without_idle_is_polled(server: ScriptedImap, port: int, tmp_path: Path) -> None:
    server.capabilities = "IMAP4rev1"
    async with Rig(tmp_path, port).running() as rig:
        await until(lambda: len([said for said in server.said if said.startswith("SELECT")]) >= 3)
        server.add(mail(1))
        await until(lambda: numbers(rig) == [1])
    assert "IDLE" not in server.said


async def test_mails_are_moved_to_a_folder_that_is_made(server: ScriptedImap, port: int, tmp_path: Path) -> None:
    server.add(mail(1))
    async with Rig(tmp_path, port, when_taken="move", move_to="Taken").running() as rig:
        await until(lambda: server.moved == [(1, "Taken")])
        assert "Taken" in server.folders
        server.add(mail(2))
        await until(lambda: server.moved == [(1, "Taken"), (2, "Taken")])
        assert numbers(rig) == [1, 2]
    assert not server.mails


async def test_a_server_that_cannot_move_copies_and_removes_only_ours(
    server: ScriptedImap, port: int, tmp_path: Path
) -> None:
    server.capabilities = "IMAP4rev1 UIDPLUS"
    server.add(mail(1))
    server.add(mail(2), flags={r"\Deleted"})
    async with Rig(tmp_path, port, when_taken="move", move_to="Taken").running() as rig:
        await until(lambda: server.moved == [(1, "Taken"), (2, "Taken")])
        await until(lambda: not server.mails)
        assert numbers(rig) == [1, 2]


async def test_read_only_changes_nothing(server: ScriptedImap, port: int, tmp_path: Path) -> None:
    server.add(mail(1))
    rig = Rig(tmp_path, port, read_only=True)
    async with rig.running():
        await until(lambda: numbers(rig) == [1])
        server.add(mail(2))
        await until(lambda: numbers(rig) == [1, 2])
    assert not seen(server)
    said = {" ".join(said.split(" ")[:2]) for said in server.said}
    assert not said & {"SELECT INBOX", "UID STORE", "UID MOVE"}


async def test_an_old_mailbox_is_begun_in_the_middle(server: ScriptedImap, port: int, tmp_path: Path) -> None:
    server.add(mail(1))
    async with Rig(tmp_path, port, since="2026-03-01").running() as rig:
        await until(lambda: numbers(rig) == [1])
    assert any("SINCE" in said and "01-Mar-2026" in said for said in server.said)
