"""A mailbox whose numbers change, go backward or have gaps: nothing is lost."""

from pathlib import Path

import pytest

from ingest.imap import cursor as cursor_module
from tests.ingest.imap.mailbox_rig import Rig, mail, until
from tests.ingest.imap.scripted_server import ScriptedImap, StoredMail
from tests.ingest.imap.taken import numbers, seen


async def test_another_uidvalidity_loses_nothing(server: ScriptedImap, port: int, tmp_path: Path) -> None:
    for number in (1, 2, 3):
        server.add(mail(number))
    rig = Rig(tmp_path, port)
    async with rig.running():
        await until(lambda: numbers(rig) == [1, 2, 3])
    # restored from a backup: mail 1 was removed, two came, and their UIDs are lower than those we know
    del server.mails[1]
    server.add(mail(4))
    server.renumber(77)
    async with rig.running():
        await until(lambda: numbers(rig)[3:] == [2, 3, 4])
    ids = {raw.headers[":uid"] for raw in rig.mails}
    assert ids == {"1/1", "1/2", "1/3", "77/1", "77/2", "77/3"}
    assert rig.contents[1:3] == rig.contents[3:5]  # the same bytes: the desk gives them the same ids


@pytest.mark.parametrize("hangs_up", [False, True])
async def test_another_uidvalidity_in_the_middle_of_idle_loses_nothing(
    server: ScriptedImap, port: int, tmp_path: Path, hangs_up: bool
) -> None:
    """The mailbox is restored under our eyes; the server says so by a new mail, or by ending the connection."""
    for number in (1, 2, 3):
        server.add(mail(number))
    async with Rig(tmp_path, port, poll_every=3_600).running() as rig:
        await until(lambda: seen(server) == [1, 2, 3] and "IDLE" in server.said)
        del server.mails[1]
        server.renumber(77)
        for uid in server.mails:
            server.mails[uid].flags.clear()
        if hangs_up:
            server.mails[server.uidnext] = StoredMail(mail(4))
            server.uidnext += 1
            server.hang_up()
        else:
            server.add(mail(4))
        await until(lambda: numbers(rig) == [1, 2, 3, 2, 3, 4])
        await until(lambda: seen(server) == [1, 2, 3])
        assert "renumbered" not in rig.place.source.problems
        assert rig.cursors.stored["support-box"]["uidvalidity"] == 77
        server.add(mail(5))  # and on it goes, under the new numbers
        await until(lambda: numbers(rig)[6:] == [5])
    assert rig.contents[1:3] == rig.contents[3:5]  # the same bytes: the desk gives them the same ids


async def test_a_gap_that_opens_while_it_idles_is_looked_at_again_and_a_new_uidvalidity_forgets_it(
    server: ScriptedImap, port: int, tmp_path: Path
) -> None:
    async with Rig(tmp_path, port).running() as rig:
        await until(lambda: "IDLE" in server.said)
        server.hidden = {2}
        for number in (1, 2, 3):
            server.add(mail(number))
        await until(lambda: numbers(rig) == [1, 3])
        await until(lambda: bool(rig.cursors.stored["support-box"]["gaps"]))
        (gap,) = rig.cursors.stored["support-box"]["gaps"]
        assert (gap["first"], gap["last"]) == (2, 2)
        server.hidden = set()
        server.renumber(8)
        server.announce()
        await until(lambda: {"8/1", "8/2", "8/3"} <= {raw.headers[":uid"] for raw in rig.mails})
        await until(lambda: rig.cursors.stored["support-box"]["uidvalidity"] == 8)
        assert not rig.cursors.stored["support-box"]["gaps"]
    assert set(numbers(rig)) == {1, 2, 3}


async def test_lower_uids_under_the_same_uidvalidity_are_read_again(
    server: ScriptedImap, port: int, tmp_path: Path
) -> None:
    server.add(mail(1), uid=50)
    rig = Rig(tmp_path, port)
    async with rig.running():
        await until(lambda: numbers(rig) == [1])
    server.mails, server.uidnext = {}, 1
    server.add(mail(2))
    async with rig.running():
        await until(lambda: numbers(rig) == [1, 2])


async def test_a_uid_that_is_shown_late_is_taken_late(server: ScriptedImap, port: int, tmp_path: Path) -> None:
    rig = Rig(tmp_path, port)
    async with rig.running():
        await until(lambda: "support-box" in rig.cursors.stored)
    server.hidden = {2}
    for number in (1, 2, 3):
        server.add(mail(number))
    async with rig.running():
        await until(lambda: numbers(rig) == [1, 3])
        server.hidden = set()
        await until(lambda: numbers(rig) == [1, 3, 2])
        await until(lambda: seen(server) == [1, 2, 3])


async def test_a_uid_that_is_never_shown_is_reported(
    server: ScriptedImap, port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingest.imap.poller import MISSING

    monkeypatch.setattr(cursor_module, "PATIENCE", cursor_module.PATIENCE * 0)
    before = MISSING.labels("support-box")._value.get()
    rig = Rig(tmp_path, port)
    async with rig.running():
        await until(lambda: "support-box" in rig.cursors.stored)
    for number in (1, 2, 3):
        server.add(mail(number))
    del server.mails[2]
    async with rig.running():
        await until(lambda: numbers(rig) == [1, 3])
        await until(lambda: MISSING.labels("support-box")._value.get() == before + 1)
